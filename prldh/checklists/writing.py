"""Checklists as files: HTML, CSV, JSON, Word, and LaTeX by ``latex.py``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from prldh.checklists.filling import Filled
from prldh.checklists.findings import STATUSES
from prldh.errors import PluginError

FORMATS = ("html", "csv", "json", "docx", "tex")
#: Shown to the reader, by status.
WORDS = {
    "filled": "filled from the run",
    "contradicted": "contradicted by the run",
    "author": "for the author",
    "answered": "answered by the author",
    "not applicable": "does not apply",
}
PIP = "pip install python-docx"
#: Columns of the Word table, on a page that lies.
WIDTHS_MM = (14, 70, 36, 141)
#: Characters that XML cannot hold, and Word's files are XML.
_UNPRINTABLE = {c: None for c in range(32) if c not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}


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


def describe_counts(filled: Filled) -> str:
    """``58 items: 21 filled from the run, 2 contradicted by the run, 35 for the author``."""
    parts = [
        f"{filled.counts[s]} {'not applicable' if s == 'not applicable' else WORDS[s]}"
        for s in STATUSES
        if filled.counts.get(s)
    ]
    return f"{len(filled.items)} items: {', '.join(parts)}"


def describe_score(score: dict[str, Any]) -> list[str]:
    """The METRICS score in sentences; what a stranger's checklist comes to, key by key."""
    if "n_yes" not in score:
        return [f"Score: {', '.join(f'{key} {value}' for key, value in score.items())}."]
    n = score["n_yes"] + score["n_no"]
    total = n + score["n_open"]
    beside = (
        f"; {score['n_not_applicable']} of {total + score['n_not_applicable']} items do not apply"
        if score["n_not_applicable"]
        else ""
    )
    if not score["n_open"]:
        return [f"METRICS score: {score['score']:.1f} % ({score['band']}); all {total} items are answered{beside}."]
    lines = [
        f"METRICS score: from {score['low']:.1f} % ({score['low_band']}) to {score['high']:.1f} %"
        f" ({score['high_band']}), as the {score['n_open']} items still open are answered no or yes{beside}."
    ]
    if score["score"] is not None:
        lines.append(f"Over the {n} answered item{'s' * (n > 1)} alone it is {score['score']:.1f} % ({score['band']}).")
    return lines


def _html(filled: Filled, base: str | None) -> str:
    from prldh.report.environment import create_environment

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


def by_section(entries: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Entries under the heading they stand in, in order."""
    sections: list[tuple[str, list[dict[str, Any]]]] = []
    for entry in entries:
        if not sections or sections[-1][0] != (entry["section"] or ""):
            sections.append((entry["section"] or "", []))
        sections[-1][1].append(entry)
    return sections


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
)


def _csv(filled: Filled) -> str:
    handle = io.StringIO()
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in filled.entries:
        row = {**entry, "evidence": "; ".join(e["where"] for e in entry["evidence"])}
        writer.writerow([_plain_cell(row[c]) for c in COLUMNS])
    return handle.getvalue()


def _plain_cell(value: Any) -> str:
    """Text that no spreadsheet takes for a formula: titles and answers come from anyone."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _json(filled: Filled) -> str:
    return json.dumps(filled.as_json(), indent=1, ensure_ascii=False) + "\n"


def _tex(filled: Filled) -> str:
    from prldh.checklists.latex import as_latex

    return as_latex(filled)


def said_of(entry: dict[str, Any]) -> str:
    """What stands in the last column of the tables for Word and LaTeX: value, reason, answer and question, as far as
    there are any."""
    parts = [entry["value"], entry["reason"]]
    if entry["answer"]:
        parts.append(f"The author: {entry['answer']}" + (f" ({entry['comment']})" if entry["comment"] else ""))
    elif entry["comment"]:
        parts.append(f"The author: {entry['comment']}")
    if entry["remaining"]:
        parts.append(f"Left to say: {entry['remaining']}.")
    if entry["status"] == "author":
        parts.append(entry["question"])
    if entry["evidence"]:
        parts.append(f"Evidence: {'; '.join(e['where'] for e in entry['evidence'])}.")
    return "\n".join(str(p) for p in parts if p).translate(_UNPRINTABLE)


def _docx(filled: Filled) -> bytes:
    try:
        import docx
        from docx.enum.section import WD_ORIENT
        from docx.shared import Mm, Pt
    except ImportError:
        raise PluginError(
            f"--format docx needs python-docx, which is not installed. Install it: `{PIP}`; or take html, csv, json or"
            " tex."
        ) from None
    from prldh.report.word import mark_header, save_dateless

    document = docx.Document()
    page = document.sections[0]
    page.orientation, page.page_width, page.page_height = WD_ORIENT.LANDSCAPE, Mm(297), Mm(210)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Mm(18)
    document.styles["Normal"].font.size = Pt(9)
    document.add_heading(f"{filled.title} {filled.version}".translate(_UNPRINTABLE), 1)
    for line in (filled.about, describe_counts(filled), *(describe_score(filled.score) if filled.score else [])):
        document.add_paragraph(line.translate(_UNPRINTABLE))
    for section, entries in by_section(filled.entries):
        if section:
            document.add_heading(section, 2)
        table = document.add_table(rows=1, cols=4, style="Table Grid")
        table.autofit = False
        texts = [("Item", "What is asked", "Status", "What is found")]
        for entry in entries:
            asked = f"{entry['topic']}: {entry['text']}" if entry["topic"] else entry["text"]
            texts.append((entry["number"], asked, WORDS[entry["status"]], said_of(entry)))
        for k, row in enumerate(texts):
            for cell, text, width in zip((table.add_row() if k else table.rows[0]).cells, row, WIDTHS_MM, strict=True):
                cell.text, cell.width = str(text).translate(_UNPRINTABLE), Mm(width)
        mark_header(table.rows[0])
    if filled.source:
        document.add_paragraph(
            f"Items in our own words, after {filled.source['citation']}. Completeness: {filled.source['completeness']}."
        )
    handle = io.BytesIO()
    save_dateless(document, handle)
    return handle.getvalue()
