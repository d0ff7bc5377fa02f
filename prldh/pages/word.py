"""A journal's table as DOCX: the title above, three rules, the header repeated on every page, notes beneath."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prldh.pages.journal_table import JournalTable

#: The comment of the ZIP file.
WORD_MARK = b"written by prldh"
#: Tables of more columns than this lie across the page.
MOST_UPRIGHT = 6


def write_word(table: JournalTable, path: Path) -> None:
    """Write one table to ``path``; the same results give the same content, dates left out."""
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm, Pt

    document = start_document(table.title)
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    if len(table.head) > MOST_UPRIGHT:
        section.orientation, section.page_width, section.page_height = WD_ORIENT.LANDSCAPE, Mm(297), Mm(210)
    section.left_margin = section.right_margin = Mm(18)
    document.styles["Normal"].font.name, document.styles["Normal"].font.size = "Times New Roman", Pt(10)
    document.add_paragraph().add_run(_clean(table.title)).bold = True
    grid = document.add_table(rows=1, cols=len(table.head))
    for cell, text in zip(grid.rows[0].cells, table.head, strict=True):
        _fill(cell, text, bold=True)
    for row in table.rows:
        for cell, text in zip(grid.add_row().cells, row, strict=True):
            _fill(cell, text, bold=False)
    upright = len(table.head) <= MOST_UPRIGHT
    _fix_widths(grid, _fitted([table.head, *table.rows], (210 if upright else 297) - 36))
    for row in grid.rows:
        _mark(row, "w:cantSplit")
    mark_header(grid.rows[0])
    _rule(grid.rows[0], "top", 12)
    _rule(grid.rows[0], "bottom", 6)
    _rule(grid.rows[-1], "bottom", 12)
    for note in table.notes:
        document.add_paragraph().add_run(_clean(note)).font.size = Pt(8)
    save_dateless(document, path)


def start_document(title: str) -> Any:
    """An empty document with its title and author, and no clock's time."""
    from datetime import datetime

    import docx

    document = docx.Document()
    about = document.core_properties
    about.created = about.modified = datetime(2000, 1, 1)
    about.author = about.last_modified_by = "prldh"
    about.title, about.comments = _clean(title)[:255], ""
    return document


def add_grid(document: Any, rows: Sequence[Sequence[str]], widths_mm: Sequence[float]) -> None:
    """A table with lines whose first row is repeated on every page; a row of one cell is a heading over all columns.
    Columns are as wide as given in every program: the grid, the cells and the table say the same."""
    table = document.add_table(rows=len(rows), cols=len(widths_mm), style="Table Grid")
    _fix_widths(table, widths_mm)
    for row, texts in zip(table.rows, rows, strict=True):
        cells = row.cells
        if len(texts) == 1:
            paragraph = cells[0].merge(cells[-1]).paragraphs[0]
            paragraph.add_run(_clean(texts[0])).bold = True
            paragraph.paragraph_format.keep_with_next = True
        else:
            for cell, text in zip(cells, texts, strict=True):
                cell.text = _clean(text)
        _mark(row, "w:cantSplit")
    for cell in table.rows[0].cells:
        for run in cell.paragraphs[0].runs:
            run.bold = True
    mark_header(table.rows[0])


def add_link(paragraph: Any, url: str) -> None:
    """An address that can be clicked, at the end of a paragraph."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), paragraph.part.relate_to(url, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    run = paragraph.add_run(url)
    run.underline = True
    link.append(run._r)
    paragraph._p.append(link)


def _fix_widths(table: Any, widths_mm: Sequence[float]) -> None:
    """The same widths in the table, its grid and its cells; no program fits them to the text."""
    from docx.oxml.ns import qn
    from docx.shared import Mm

    table.autofit = False
    for column, width in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(width)
    for row in table.rows:
        for cell, width in zip(row.cells, widths_mm, strict=True):
            cell.width = Mm(width)
    whole = table._tbl.tblPr.find(qn("w:tblW"))
    twips = sum(int(column.get(qn("w:w"))) for column in table._tbl.tblGrid.findall(qn("w:gridCol")))
    for key, value in (("type", "dxa"), ("w", str(twips))):
        whole.set(qn(f"w:{key}"), value)


def _fitted(rows: Sequence[Sequence[str]], whole_mm: float) -> list[float]:
    """Widths that share out a line by the longest text of each column: none takes more than three times another."""
    longest = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    least = max(longest) / 3
    shares = [max(n, least, 1) for n in longest]
    return [whole_mm * share / sum(shares) for share in shares]


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
