"""Workbooks: the cells of a sheet, merged ones, formulas without a stored value."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import DataError, file_at, shown
from prldh.data import layout
from prldh.data.contents import Contents, is_empty, refuse_swollen, refuse_title
from prldh.study import TableRead

#: What a workbook may hold: the format's last row, and as many cells as are read in some minutes.
LAST_ROW, LARGEST_SHEET = 1 << 20, 20_000_000


def read_workbook(path: Path, read: TableRead) -> Contents:
    sheets, which, cells = _opened(path, read.sheet)
    has_blanks = any(cell is None for row in cells for cell in row)
    merged = _merged_cells(path, which) if has_blanks else []
    if has_blanks and _count_in_sheets(path, b"<f"):
        formulas = _cells(path, read.sheet, has_values=False)[2]
        for row, written in zip(cells, formulas, strict=False):
            for j, cell in enumerate(written[: len(row)]):
                if row[j] is None and isinstance(cell, str) and cell.startswith("="):
                    row[j] = cell  # no value is stored: the formula itself stands there, which is no number
    rows = [["" if cell is None else cell for cell in row] for row in cells]
    first = read.skip_rows
    while first < len(rows) and not any(_shown(cell) for cell in rows[first]):
        first += 1  # blank rows above the header
    if first >= len(rows):
        raise is_empty(path)
    names = [str(cell) for cell in rows[first]]
    refuse_title(names, [[str(cell) for cell in row] for row in rows[first : first + 12]], first, path)
    _refuse_merged(merged, rows, first, path)
    columns = [np.array([row[j] for row in rows[first + 1 :]], dtype=object) for j in range(len(names))]
    place = f", sheet '{sheets[which]}' (the first of {len(sheets)}, which is the one that is read)"
    if read.sheet is not None:
        place = f", sheet '{sheets[which]}'"
    elif len(sheets) == 1:
        place = ""
    return Contents(names, columns, first + 2, place, _count_hidden(path, which, first + 2, len(rows)))


def _shown(cell: object) -> str:
    return str(cell).strip()


def _cells(path: Path, sheet: str | int | None, has_values: bool) -> tuple[list[str], int, list[list[Any]]]:
    """Names of the sheets, which one is read, and its cells, row by row; of formulas their stored values or, otherwise,
    what was typed in. Errors are text, such as ``#DIV/0!``. Empty rows at the end are no rows."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=has_values)
    except AttributeError:  # openpyxl looks for the drawing of a chart sheet that has none
        raise DataError(
            f"{path} has a sheet that cannot be read, such as a chart sheet without a chart. Remove that sheet, or save"
            " the table in a workbook of its own."
        ) from None
    try:
        if not book.worksheets:
            raise DataError(f"{path} has chart sheets alone. Give a workbook with a sheet of cells.")
        names = [each.title for each in book.worksheets]
        which = _which_sheet(sheet, names, path)
        if sheet is None:
            _refuse_hidden([(each.title, each.sheet_state) for each in book.worksheets], path)
        own = book.worksheets[which]
        own.reset_dimensions()
        rows, n_cells = [], 0
        for row in own.iter_rows(values_only=True):
            rows.append(list(row))
            n_cells += len(row)
            if len(rows) > LAST_ROW or n_cells > LARGEST_SHEET:
                raise _too_long(path)
    finally:
        book.close()
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    width = max((len(row) for row in rows), default=0)
    if width * len(rows) > LARGEST_SHEET:
        raise _too_long(path)
    return names, which, [row + [None] * (width - len(row)) for row in rows]


def sheets_of(path: Path) -> list[tuple[str, list[list[Any]]]]:
    """Every sheet of a workbook and its cells.

    Raises
    ------
    DataError
        If it is no workbook, or has a sheet that cannot be read.
    """
    names, _, first = _opened(path, 1)
    return [(name, first if k == 0 else _opened(path, k + 1)[2]) for k, name in enumerate(names)]


def _opened(path: Path, sheet: str | int | None) -> tuple[list[str], int, list[list[Any]]]:
    if not zipfile.is_zipfile(path):
        with file_at(path).open("rb") as handle:
            if layout.format_of(handle.read(8)) == layout.OLD_WORKBOOK:
                raise DataError(
                    f"{path} is locked by a password, or a workbook of Excel 97. Save it as .xlsx without a password."
                )
        raise DataError(
            f"{path} is not an XLSX workbook, whatever its ending says. Save it as .xlsx again, or give it the ending"
            " of what it is."
        )
    with zipfile.ZipFile(path) as book:
        refuse_swollen(path, sum(part.file_size for part in book.infolist()))
    if _count_in_sheets(path, b"<row", is_one=True) > LAST_ROW:
        raise _too_long(path)
    return _cells(path, sheet, has_values=True)


def _too_long(path: Path) -> DataError:
    return DataError(
        f"{path} has a sheet with more cells than are read of a workbook: {LAST_ROW:,} rows, {LARGEST_SHEET:,} cells."
        " Remove what stands far below or beside the table, or save it as CSV or Parquet."
    )


def _which_sheet(sheet: str | int | None, names: Sequence[str], path: Path) -> int:
    if sheet is None:
        return 0
    if isinstance(sheet, int) and sheet <= len(names):
        return sheet - 1
    if str(sheet) in names:
        return names.index(str(sheet))
    listed = ", ".join(f"{i} '{shown(name)}'" for i, name in enumerate(names[:20], 1))
    raise DataError(f"{path} has no sheet {sheet!r}. Its sheets: {listed}. Give one of these names or numbers.")


def _refuse_hidden(sheets: Sequence[tuple[str, str]], path: Path) -> None:
    """Where no sheet is named, the first one is read: nobody who opens the workbook sees one that is hidden."""
    shown_ones = [title for title, state in sheets if state == "visible"]
    if shown_ones and sheets[0][1] != "visible":
        raise DataError(
            f"{path}: its first sheet, '{shown(sheets[0][0])}', is hidden, and which sheet is meant cannot be told. Say"
            f" so in the study file, such as `read: {{sheet: {shown(shown_ones[0])}}}`, or remove the hidden one."
        )


def _count_in_sheets(path: Path, mark: bytes, is_one: bool = False) -> int:
    """How often a mark stands in the sheets together, or in the one with most; nothing is kept in memory."""
    counts = []
    with zipfile.ZipFile(path) as book:
        for name in book.namelist():
            if name.startswith("xl/worksheets/") and not name.endswith("/"):
                count, end = 0, b""
                with book.open(name) as sheet:
                    while piece := sheet.read(1 << 20):
                        count += (end + piece).count(mark)
                        end = piece[-len(mark) + 1 :]
                counts.append(count)
    return max(counts, default=0) if is_one else sum(counts)


def _merged_cells(path: Path, which: int) -> list[str]:
    """The ranges of a sheet that are merged, such as ``C2:C4``: they stand behind its cells."""
    if not _count_in_sheets(path, b"<mergeCell "):
        return []
    found = re.findall(rb'<mergeCell ref="([A-Z]+[0-9]+:[A-Z]+[0-9]+)"', _sheet_as_written(path, which))
    return [cells.decode() for cells in found]


def _count_hidden(path: Path, which: int, first: int, last: int) -> int:
    """How many of the rows from ``first`` to ``last`` of a sheet are hidden, by hand or by a filter."""
    if not _count_in_sheets(path, b' hidden="'):
        return 0
    rows = re.findall(rb"<row ([^>]*)>", _sheet_as_written(path, which))
    hidden = [re.search(rb'\br="(\d+)"', row) for row in rows if re.search(rb'\bhidden="(1|true)"', row)]
    return sum(first <= int(found[1]) <= last for found in hidden if found)


def _sheet_as_written(path: Path, which: int) -> bytes:
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True)
    try:
        place = book.worksheets[which]._worksheet_path
    finally:
        book.close()
    with zipfile.ZipFile(path) as parts, parts.open(place) as sheet:
        return sheet.read()


def _refuse_merged(merged: Sequence[str], rows: Sequence[Sequence[Any]], header: int, path: Path) -> None:
    """One value over several patients, or over several columns of one: it is stored for the first, and the others would
    be blank. Where there is none, blanks are blanks."""
    from openpyxl.utils import range_boundaries

    names = [_shown(name) for name in rows[header]]
    for cells in merged:
        left, top, right, bottom = range_boundaries(cells)
        has_value = top <= len(rows) and left <= len(names) and _shown(rows[top - 1][left - 1]) != ""
        over_rows = bottom > max(top, header + 1) and names[left - 1] if has_value else False
        over_columns = top > header + 1 and any(names[left:right]) if has_value else False
        if over_rows or over_columns:
            raise DataError(
                f"{path}: the cells {cells} of the column '{shown(names[left - 1])}' are merged, and which of them"
                " their value is meant for cannot be told. Part them, and fill in every one."
            )
