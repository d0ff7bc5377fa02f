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
from prldh.pages.format import digits_for, interval_text, level_of, p_text, typeset
from prldh.pages.journal_table import JournalTable
from prldh.pages.latex import OTHER, as_latex, breakable, escape
from prldh.pages.word import WORD_MARK, add_grid, add_link, save_dateless, start_document, write_word

__all__ = [
    "JournalTable",
    "ONE_COLUMN",
    "OTHER",
    "STYLE",
    "TWO_COLUMNS",
    "WORD_MARK",
    "add_grid",
    "add_link",
    "start_document",
    "as_latex",
    "axes_of",
    "breakable",
    "colour",
    "create_environment",
    "digits_for",
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
    "p_text",
    "panels_of",
    "quick_font",
    "save_dateless",
    "spread",
    "typeset",
    "write_word",
]
