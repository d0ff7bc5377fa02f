"""Checklists as files: HTML, CSV, JSON, Word, and LaTeX by ``latex.py``."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import quote

from prldh.checklists.filling import Filled
from prldh.checklists.latex import MARK as LATEX_MARK
from prldh.checklists.latex import as_latex
from prldh.checklists.wording import UNPRINTABLE, WORDS, by_section, describe_counts, describe_score, finding_text
from prldh.core import PluginError, csv_cell
from prldh.pages import WORD_MARK, add_grid, add_link, create_environment, save_dateless, start_document

FORMATS = ("html", "csv", "json", "docx", "tex")
PIP = "pip install python-docx"
#: Columns of the Word table, on a page that lies.
HEAD = ("Item", "What is asked", "Page", "Status", "What is found")
WIDTHS_MM = (14, 72, 25, 32, 118)

COLUMNS = (
    "number",
    "section",
    "topic",
    "text",
    "status",
    "value",
    "evidence",
    "reason",
    "remaining",
    "question",
    "answer",
    "comment",
    "page",
)

#: By which a checklist is known that was written here, in any of the formats.
MARKS = (
    b'<meta name="generator" content="prldh checklist">',
    ",".join(COLUMNS[:9]).encode(),
    b'"schema": "prldh-checklist/1"',
    WORD_MARK,
    LATEX_MARK.encode(),
)


def write_checklist(filled: Filled, form: str, base: str | None) -> bytes:
    """A filled checklist in one of :data:`FORMATS`.

    Parameters
    ----------
    filled
        The checklist.
    form
        One of html, csv, json, docx, tex.
    base
        What leads from the file to the output folder, such as ``../``; None where evidence cannot be linked to.

    Raises
    ------
    PluginError
        If ``docx`` is asked for and python-docx is not installed.
    """
    if form == "docx":
        return _docx(filled)
    written = {
        "html": lambda: _html(filled, base),
        "csv": lambda: _csv(filled),
        "json": lambda: _json(filled),
        "tex": lambda: _tex(filled),
    }
    return written[form]().encode("utf-8")


def has_docx() -> bool:
    """Whether python-docx is installed."""
    from importlib.util import find_spec

    return find_spec("docx") is not None


def _html(filled: Filled, base: str | None) -> str:

    template = create_environment().get_template("checklist.html.j2")
    score = describe_score(filled.score) if filled.score else []
    return template.render(
        filled=filled,
        base=base,
        link=_link,
        words=WORDS,
        counts=describe_counts(filled),
        score=score,
        sections=by_section(filled.entries),
    )


def _link(href: str) -> str:
    """A file's name as an address, whatever it holds; what stands behind # is an anchor of the report."""
    name, sharp, anchor = href.partition("#") if href.startswith("report.html") else (href, "", "")
    return quote(name) + sharp + anchor


def _csv(filled: Filled) -> str:
    handle = io.StringIO()
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in filled.entries:
        row = {**entry, "evidence": "; ".join(e["where"] for e in entry["evidence"])}
        writer.writerow([_plain_cell(row[c]) for c in COLUMNS])
    return handle.getvalue()


def _plain_cell(value: Any) -> str:
    """Text that no spreadsheet takes for a formula, whatever a study says: titles and answers come from anyone."""
    return str(csv_cell("" if value is None else str(value), "escape"))


def _json(filled: Filled) -> str:
    return json.dumps(filled.as_json(), indent=1, ensure_ascii=False) + "\n"


def _tex(filled: Filled) -> str:

    return as_latex(filled)


def _docx(filled: Filled) -> bytes:
    try:
        import docx  # noqa: F401  (asked for before anything is made)
        from docx.enum.section import WD_ORIENT
        from docx.shared import Mm, Pt
    except ImportError:
        raise PluginError(
            f"--format docx needs python-docx, which is not installed. Install it: `{PIP}`; or take html, csv, json or"
            " tex."
        ) from None

    title = f"{filled.title} {filled.version}"
    document = start_document(f"{title}: {filled.about}")
    page = document.sections[0]
    page.orientation, page.page_width, page.page_height = WD_ORIENT.LANDSCAPE, Mm(297), Mm(210)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Mm(18)
    document.styles["Normal"].font.size = Pt(9)
    document.add_heading(title.translate(UNPRINTABLE), 1)
    for line in (filled.about, describe_counts(filled), *(describe_score(filled.score) if filled.score else [])):
        document.add_paragraph(line.translate(UNPRINTABLE))
    if filled.source.get("url"):
        add_link(document.add_paragraph("Published at "), filled.source["url"])
    add_grid(document, _rows(filled), WIDTHS_MM)
    if filled.source:
        document.add_paragraph(
            f"Items in our own words, numbers and sections as in {filled.source['citation']}. Completeness:"
            f" {filled.source['completeness']}."
        )
    handle = io.BytesIO()
    save_dateless(document, handle)
    return handle.getvalue()


def _rows(filled: Filled) -> list[tuple[str, ...]]:
    """The rows of the Word table; a section is a row of one cell."""
    rows: list[tuple[str, ...]] = [HEAD]
    for section, entries in by_section(filled.entries):
        if section:
            rows.append((section.translate(UNPRINTABLE),))
        for entry in entries:
            asked = f"{entry['topic']}: {entry['text']}" if entry["topic"] else entry["text"]
            cells = (entry["number"], asked, entry["page"] or "", WORDS[entry["status"]], finding_text(entry))
            rows.append(tuple(str(cell).translate(UNPRINTABLE) for cell in cells))
    return rows
