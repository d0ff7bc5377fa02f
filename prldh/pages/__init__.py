"""How things are set: the template environment, number formats, Word, LaTeX, canvas and fonts."""

from __future__ import annotations

from prldh.pages.canvas import (
    ONE_COLUMN,
    STYLE,
    TWO_COLUMNS,
    axes_of,
    colour,
    draw_band,
    grey,
    is_grey,
    label,
    label_edges,
    legend_below,
    legend_beneath,
    look,
    panels_of,
    spread,
)
from prldh.pages.environment import create_environment
from prldh.pages.fonts import quick_font
from prldh.pages.format import digits_for, digits_of_interval, interval_text, level_of, p_text, percent_text, typeset
from prldh.pages.journal_table import JournalTable
from prldh.pages.latex import OTHER, as_latex, breakable, escape
from prldh.pages.word import WORD_MARK, mark_header, save_dateless, write_word

__all__ = [
    "JournalTable",
    "ONE_COLUMN",
    "OTHER",
    "STYLE",
    "TWO_COLUMNS",
    "WORD_MARK",
    "as_latex",
    "axes_of",
    "breakable",
    "colour",
    "create_environment",
    "digits_for",
    "digits_of_interval",
    "draw_band",
    "escape",
    "grey",
    "interval_text",
    "is_grey",
    "label",
    "label_edges",
    "legend_below",
    "legend_beneath",
    "level_of",
    "look",
    "mark_header",
    "p_text",
    "panels_of",
    "percent_text",
    "quick_font",
    "save_dateless",
    "spread",
    "typeset",
    "write_word",
]
