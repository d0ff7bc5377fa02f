"""Columns of numbers, and what a cell is that is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prldh.core import DataError, shown
from prldh.data.cells import PLACEHOLDERS, is_number
from prldh.data.contents import WORKBOOKS, kind_of
from prldh.data.layout import COMMA, THOUSANDS
from prldh.data.table_files import FAILED
from prldh.data.tables import Column, Table, column_of

if TYPE_CHECKING:
    import pandas as pd

#: Texts among numbers that stand for a blank, or for a measurement that was not made.
_NO_VALUE = PLACEHOLDERS | {"n/d", "nd", "n.d.", "unknown", "unk", "none", "not available", "not done", "*"}
#: What SAS, Stata, pandas, C and R write for a number that there is none of.
_SPECIAL = re.compile(r"\.[A-Za-z_]|NaT|-?1\.#(QNAN|IND|SNAN)0*|-?nan\((ind|snan)\)|NA_(real|integer|character)_")
#: Squares of numbers up to here, sums of them and their inverses are doubles.
_FARTHEST = 1e140
#: A date as it is written first by year or last, with whatever stands behind it.
_DATE = re.compile(r"([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4})(?![0-9.])")
#: A number and its unit: ``67 years``, ``12.5%``, ``3 mg/dl``.
_WITH_UNIT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?\s*(%|[^\W\d_\u00b5]|\u00b5)[^\d\s]*(\s[^\d\s]+)?")
#: What is written of figures alone, whether it is a number or not: ``<1``, ``12 %``, ``2020-01-31``.
_FIGURES = re.compile(r"[-+\u2212<>\u2264\u2265=~]?[\s\d.,'\u2019\u00a0\u202f/:%eE+-]+")


def numbers(table: Table, name: str, ids: Iterable[str], where: str) -> np.ndarray:
    """A column as (n,) float64, blanks as NaN.

    Raises
    ------
    DataError
        Without such a column, and at the first cell that is no number, or is infinite, with row and patient.
    """
    if name not in table:
        column_of(table, name, where)
    values, is_blank = (part[:, 0] for part in table.values([name]))
    bad = first_bad(table, [name], values[:, None], is_blank[:, None])
    if bad is None:
        return values
    what, do = why_no_number(bad, table)
    raise DataError(
        f"{table.path.name}, row {table.rows[bad.row]} (patient {shown(list(ids)[bad.row])}), column"
        f" '{shown(name)}': '{shown(bad.cell)}'"
        f" {what}. {do or 'Correct it, leave it blank, or declare the column categorical'}."
    )


def refuse_extreme(names: Sequence[str], values: np.ndarray, path: Path) -> None:
    """Refuse columns (n, p) of numbers whose squares no double holds: a model of them would be another than that of the
    same column in another unit, without a word.

    Raises
    ------
    DataError
        At the first that is far too large, or not 0 and far too small.
    """
    size = np.fmax.reduce(np.abs(values), axis=0, initial=0.0)
    for j in map(int, np.flatnonzero((size > _FARTHEST) | ((size > 0) & (size < 1 / _FARTHEST)))):
        raise DataError(
            f"{path.name}: the largest number of the column '{shown(names[j])}' is {size[j]:.3g}, which cannot be"
            f" computed with: numbers may reach {_FARTHEST:g}, and columns must reach {1 / _FARTHEST:g}. Give it in"
            " another unit, or leave it out."
        )


@dataclass(frozen=True)
class BadCell:
    """A cell that is no finite number: where it stands among those looked at, its text, and how many are infinite."""

    row: int
    column: int
    cell: str
    n_infinite: int = 0


def first_bad(
    table: Table, names: Sequence[str], values: np.ndarray, is_blank: np.ndarray, rows: np.ndarray | None = None
) -> BadCell | None:
    """The first cell, row by row, that is no number, or else the first that is infinite; None where all are finite or
    blank. ``values`` and ``is_blank`` (m, p) are those of the ``rows`` (m,) of the table."""
    bad = np.argwhere(~np.isfinite(values) & ~is_blank)
    if not bad.size:
        return None
    texts: dict[int, np.ndarray] = {}
    rows = np.arange(len(table)) if rows is None else rows
    for i, j in bad:
        if j not in texts:
            texts[j] = table.text_of_numbers(names[j])
        if not is_number(texts[j][rows[i]]):
            return BadCell(int(i), int(j), table.column(names[j])[rows[i]])
    i, j = bad[0]
    return BadCell(int(i), int(j), table.column(names[j])[rows[i]], len(bad))


def refuse_failed_cells(column: pd.Series | Column, path: Path, ids: Iterable[str] | None = None) -> None:
    """Text columns have no other way to tell that a spreadsheet computed nothing. ``ids`` of the whole table, where
    they are known already.

    Raises
    ------
    DataError
        At the first cell that is an error of a spreadsheet, or of a workbook a formula without a stored value.
    """
    is_workbook = kind_of(path) in WORKBOOKS
    for i, cell in enumerate(column):
        if FAILED.fullmatch(cell) or (is_workbook and cell.startswith("=")):
            what, do = _why_failed(cell)
            whose = f" (patient {shown(list(ids)[i])})" if ids is not None else ""
            raise DataError(
                f"{path.name}, row {column.index[i]}{whose}, column '{shown(column.name)}': '{shown(cell)}' {what}."
                f" {do}."
            )


def _why_failed(cell: str) -> tuple[str, str]:
    if cell.startswith("="):
        return "is a formula whose value is not stored", "Open the workbook in a spreadsheet program and save it again"
    return "is an error of the spreadsheet", "Mend its formula there, or clear the cell"


def why_no_number(bad: BadCell, table: Table) -> tuple[str, str]:
    """What a cell is that is no finite number, and what to do about it where that can be told from its text."""
    cell = bad.cell
    if bad.n_infinite:
        return "is not finite", "Correct it or leave it blank"
    if FAILED.fullmatch(cell) or cell.startswith("="):
        return _why_failed(cell)
    if cell.casefold() in _NO_VALUE or _SPECIAL.fullmatch(cell):
        quoted = cell.replace("\\", "\\\\").replace('"', '\\"')
        return "is not a number", (
            f'Correct it, leave it blank, or say read: {{missing: ["{quoted}"]}} for this table if it stands for a'
            " blank"
        )
    if table.read.decimal == "." and COMMA.fullmatch(cell) and THOUSANDS.fullmatch(cell):
        return "is not a number", (
            'Write it without separators of thousands, or say read: {decimal: ","} for this table if its comma is'
            " where the decimals begin"
        )
    if table.read.decimal == "." and COMMA.fullmatch(cell):
        return "is not a number", (
            'Correct it, or say read: {decimal: ","} for this table if its numbers have decimal commas'
        )
    if table.read.decimal == "," and is_number(cell):
        return (
            "is not a number with a decimal comma",
            "Write all numbers of the table with a comma, or all with a point",
        )
    if THOUSANDS.fullmatch(cell):
        return "is not a number", "Write it without separators of thousands"
    if is_number(cell.replace("\u2212", "-", 1)):
        return "is not a number", "Write its minus as a hyphen, -"
    if _DATE.match(cell):
        return "is a date and not a number", "Give the time since another date, in days or years"
    if cell[:1] in "<>\u2264\u2265~" and is_number(cell.lstrip("<>=\u2264\u2265~ ")):
        return "is a bound and not a number", "Write the number that is to stand for it, or leave it blank"
    if _WITH_UNIT.fullmatch(cell):
        return "is not a number", "Write the number alone, without its unit, and the unit in the study file"
    return "is not a number", ""


def why_no_numbers(table: Table, name: str) -> str:
    """What keeps a column from being one of numbers, where most of its cells are written in figures; empty where it is
    text, or is numbers.

    Examples
    --------
    ``38 of 40 cells are numbers, and '<5' is not a number``
    """
    is_filled = (table[name] != "").to_numpy()
    cells = table.text_of_numbers(name)[is_filled]
    bad = next((cell for cell in cells if not is_number(cell)), None)
    if bad is None or 2 * sum(_FIGURES.fullmatch(cell) is not None for cell in cells) < len(cells):
        return ""
    own = table[name].to_numpy()[is_filled][[is_number(cell) for cell in cells].index(False)]
    what, do = why_no_number(BadCell(0, 0, own), table)
    n = sum(map(is_number, cells))
    return f"{n} of {len(cells)} cells are numbers, and '{shown(own)}' {what}{'. ' + do if do else ''}"
