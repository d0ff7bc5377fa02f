"""A checklist as a LaTeX document: a table over pages, which pdfLaTeX sets as it is."""

from __future__ import annotations

import textwrap
from typing import Any

from prldh.checklists.filling import Filled
from prldh.checklists.wording import WORDS, by_section, describe_counts, describe_score, finding_text
from prldh.pages import OTHER, breakable, escape

MARK = "% prldh checklist"
PREAMBLE = (
    MARK
    + r"""
\documentclass[a4paper,landscape]{article}
\usepackage[margin=18mm]{geometry}
\usepackage{array,booktabs,longtable}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}\setlength{\tabcolsep}{4pt}\setlength{\emergencystretch}{3em}
"""
)
#: Item, question, page, status and finding as parts of the line.
PARTS = (0.06, 0.27, 0.09, 0.12, 0.46)
#: A row of a table does not go over pages: longer text goes on in rows beneath.
LONGEST = 1500


def as_latex(filled: Filled) -> str:
    """The whole document."""
    lines = [filled.about, f"{describe_counts(filled)}.", *(describe_score(filled.score) if filled.score else [])]
    body = [
        rf"\section*{{{breakable(f'{filled.title} {filled.version}')}}}",
        *(f"{breakable(_one_line(line))}\n" for line in lines),
        _table(filled),
    ]
    if filled.source:
        note = (
            f"Items in our own words, numbers and sections as in {filled.source['citation']}{_address(filled)}."
            f" Completeness: {filled.source['completeness']}."
        )
        body.append(breakable(_one_line(note)))
    return "\n".join([PREAMBLE + OTHER, r"\begin{document}\footnotesize", *body, r"\end{document}", ""])


def _table(filled: Filled) -> str:
    columns = "".join(rf">{{\raggedright\arraybackslash}}p{{\dimexpr{part}\linewidth-2\tabcolsep}}" for part in PARTS)
    head = r"\toprule Item & What is asked & Page & Status & What is found \\ \midrule"
    rows = []
    for section, entries in by_section(filled.entries):
        rows += (
            [rf"\addlinespace \multicolumn{{5}}{{l}}{{\textbf{{{escape(_one_line(section)[:120])}}}}} \\*"]
            if section
            else []
        )
        rows += [row for entry in entries for row in _rows(entry)]
    return "\n".join(
        [
            rf"\begin{{longtable}}{{{columns}}}",
            rf"{head} \endfirsthead",
            rf"{head} \endhead",
            r"\bottomrule \endlastfoot",
            *rows,
            r"\end{longtable}",
        ]
    )


def _rows(entry: dict[str, Any]) -> list[str]:
    """An item's row, and rows beneath where what is found is long."""
    asked = f"{entry['topic']}: {entry['text']}" if entry["topic"] else entry["text"]
    pieces = [piece for part in finding_text(entry).split("\n") for piece in textwrap.wrap(part, LONGEST)] or [""]
    cells, size = [[pieces[0]]], len(pieces[0])
    for piece in pieces[1:]:
        if size + len(piece) > LONGEST:
            cells, size = [*cells, []], 0
        cells[-1].append(piece)
        size += len(piece)
    first = (entry["number"], asked, entry["page"] or "", WORDS[entry["status"]])
    return [
        " & ".join(
            [*(breakable(_one_line(str(t))) if k == 0 else "" for t in first), r" \par ".join(map(breakable, cell))]
        )
        + r" \\[2pt]"
        for k, cell in enumerate(cells)
    ]


def _address(filled: Filled) -> str:
    return f" ({filled.source['url']})" if filled.source.get("url") else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
