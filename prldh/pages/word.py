"""A journal's table as DOCX: the title above, three rules, the header repeated on every page, notes beneath."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from prldh.pages.journal_table import JournalTable

#: The comment of the ZIP file.
WORD_MARK = b"written by prldh"
#: Tables of more columns than this lie across the page.
MOST_UPRIGHT = 6


def write_word(table: JournalTable, path: Path) -> None:
    """Write one table to ``path``; the same results give the same content, dates left out."""
    from datetime import datetime

    import docx
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm, Pt

    document = docx.Document()
    fixed = datetime(2000, 1, 1)
    document.core_properties.created = document.core_properties.modified = fixed
    document.core_properties.author = "prldh"
    document.core_properties.title = _clean(table.title)[:255]
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    if len(table.head) > MOST_UPRIGHT:
        section.orientation, section.page_width, section.page_height = WD_ORIENT.LANDSCAPE, Mm(297), Mm(210)
    section.left_margin = section.right_margin = Mm(18)
    document.styles["Normal"].font.name, document.styles["Normal"].font.size = "Times New Roman", Pt(10)
    document.add_paragraph().add_run(_clean(table.title)).bold = True
    grid = document.add_table(rows=1, cols=len(table.head))
    grid.autofit = True
    for cell, text in zip(grid.rows[0].cells, table.head, strict=True):
        _fill(cell, text, bold=True)
    for row in table.rows:
        for cell, text in zip(grid.add_row().cells, row, strict=True):
            _fill(cell, text, bold=False)
    for row in grid.rows:
        _mark(row, "w:cantSplit")
    mark_header(grid.rows[0])
    _rule(grid.rows[0], "top", 12)
    _rule(grid.rows[0], "bottom", 6)
    _rule(grid.rows[-1], "bottom", 12)
    for note in table.notes:
        document.add_paragraph().add_run(_clean(note)).font.size = Pt(8)
    save_dateless(document, path)


def save_dateless(document: Any, path: Any) -> None:
    """Save to a path or an open file. A DOCX is a ZIP file, whose entries would carry the time of day; its comment says
    who wrote it, until another program does."""
    from docx.opc.pkgwriter import PackageWriter

    package = document.part.package
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        written.comment = WORD_MARK
        writer: Any = _Dateless(written)
        parts = package.parts
        for part in parts:
            part.before_marshal()
        PackageWriter._write_content_types_stream(writer, parts)
        PackageWriter._write_pkg_rels(writer, package.rels)
        PackageWriter._write_parts(writer, parts)


class _Dateless:
    """Where python-docx writes a package's members, in place of its own, which asks a clock that may be before 1980."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def write(self, name: Any, content: bytes) -> None:
        self._file.writestr(zipfile.ZipInfo(name.membername, (2000, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


def _fill(cell: Any, text: str, bold: bool) -> None:
    from docx.shared import Mm, Pt

    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    if text.startswith("  "):
        paragraph.paragraph_format.left_indent = Mm(4)
    run = paragraph.add_run(_clean(text).strip())
    run.bold, run.font.size = bold, Pt(8.5)


def _clean(text: str) -> str:
    """Without the control characters that XML does not take."""
    return "".join(c for c in text if c in "\t\n" or ord(c) >= 32)


def mark_header(row: Any) -> None:
    """Have a row repeated on every page that its table runs over."""
    _mark(row, "w:tblHeader")


def _mark(row: Any, what: str) -> None:
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement(what))


def _rule(row: Any, side: str, eighths: int) -> None:
    """A line along a row, in eighths of a point."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for cell in row.cells:
        properties = cell._tc.get_or_add_tcPr()
        borders = properties.find(qn("w:tcBorders"))
        if borders is None:
            borders = OxmlElement("w:tcBorders")
            properties.append(borders)
        line = OxmlElement(f"w:{side}")
        for key, value in (("val", "single"), ("sz", str(eighths)), ("space", "0"), ("color", "000000")):
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
