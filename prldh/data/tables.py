"""Tables: columns of text, and of numbers where numbers are asked for.

Cells count as blank when empty, one of :data:`BLANKS`, or what the study file says under ``read: {missing: …}``.
Nothing is repaired: a number that is none, a doubled column or id is an error that names the row. Numbers that a file
holds as numbers stay numbers; text is looked at where it is asked for, and where a number cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from prldh.core import SHOWN, DataError, nearest, same_text, shown
from prldh.data.layout import COMMA, THOUSANDS
from prldh.data.table_files import (
    FAILED,
    ROW_NAMES,
    WORKBOOKS,
    Cells,
    Contents,
    and_more,
    is_absent,
    kind_of,
    read_contents,
    refuse_unwritable,
)
from prldh.study import AS_IT_IS, TableFile, TableRead

if TYPE_CHECKING:
    import pandas as pd

BLANKS = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "<NA>")
#: Texts that people write for a blank, without regard to case; they are what they say unless ``missing`` lists them.
PLACEHOLDERS = frozenset(
    ("n/a", "na", "n.a.", "n.a", "#n/a", "nan", "null", "-", "--", "---", "–", "—", ".", "..", "?", "??", "missing")
)
#: Texts among numbers that stand for a blank, or for a measurement that was not made.
_NO_VALUE = PLACEHOLDERS | {"n/d", "nd", "n.d.", "unknown", "unk", "none", "not available", "not done", "*"}
#: Squares of numbers up to here, sums of them and their inverses are doubles.
_FARTHEST = 1e140
#: How many columns are turned into numbers at once.
_BATCH = 512


def read_table(path: Path) -> pd.DataFrame:
    """A table as text, (rows, columns) of ``str``, blanks as ``""``; the format is told by the name.

    ``.tsv`` and ``.txt`` are tab-separated, ``.xlsx`` the first sheet, ``.parquet`` Parquet, everything else
    comma-separated, with ``.gz`` after it or not. A column without a name and without content is no column.

    Raises
    ------
    DataError
        If the file is missing, empty, unreadable, has doubled or blank column names or no rows.
    """
    return open_table(path).as_text()


def open_table(path: Path, read: TableRead = AS_IT_IS) -> Table:
    """A table of a study.

    Raises
    ------
    DataError
        As :func:`read_table` does, and where ``read`` does not fit the file.
    """
    return Table(path, read, _without_blank_rows(read_contents(path, read)))


def open_joined(folder: Path, table: TableFile, clinical: TableRead) -> Table:
    """A table elsewhere, which is joined to the clinical one as that says."""
    return open_table(folder / table.path, table.read.joined_as(clinical))


@dataclass(frozen=True, eq=False)
class Column:
    """A column as text: ``cells`` (n,) of ``str``, blanks as ``""``; ``index``: the rows of the file."""

    name: str
    cells: np.ndarray
    index: range

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[str]:
        return iter(self.cells)

    def __getitem__(self, i: int) -> str:
        return str(self.cells[i])

    def series(self) -> pd.Series:
        """The same for pandas, labelled by the rows of the file."""
        import pandas as pd

        return pd.Series(self.cells, index=self.index, name=self.name, dtype=object)


@dataclass(frozen=True, eq=False)
class Table:
    """The columns of a file and how it is read."""

    path: Path
    read: TableRead
    contents: Contents = field(repr=False)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order of the file."""
        return self.contents.names

    def __len__(self) -> int:
        return len(self.contents.columns[0])

    def __contains__(self, name: object) -> bool:
        return name in self._positions

    def __getitem__(self, name: str) -> pd.Series:
        """A column as text (n,) of ``str``, blanks as ``""``, labelled by the rows of the file."""
        return self.column(name).series()

    def column(self, name: str) -> Column:
        """The same without pandas."""
        text = _as_text(self.cells(name))
        if self._missing:
            text[[cell != "" and same_text(cell) in self._missing for cell in text]] = ""
        return Column(name, text, self.rows)

    def as_written(self, name: str) -> pd.Series:
        """A column as text with the spaces around it, labelled as it is."""
        cells = self.cells(name)
        listed = cells.to_pylist() if isinstance(cells, pa.Array) else cells.tolist()
        text = [cell if isinstance(cell, str) else "" for cell in listed]
        import pandas as pd

        return pd.Series(text, index=self.rows, name=name, dtype=object)

    def text_of_numbers(self, name: str) -> np.ndarray:
        """A column as text (n,) in which numbers have decimal points, whatever the file has."""
        text = self.column(name).cells
        if self.read.decimal == ".":
            return text
        cells = self.cells(name)
        typed = [False] * len(text) if isinstance(cells, pa.Array) else [not isinstance(v, str) for v in cells]
        made = [cell if is_typed else _with_point(cell) for cell, is_typed in zip(text, typed, strict=True)]
        return np.array(made, dtype=object)

    def cells(self, name: str) -> Cells:
        """A column as the file holds it."""
        return self.contents.columns[self._positions[name]]

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: j for j, name in enumerate(self.columns)}

    @cached_property
    def _missing(self) -> frozenset[str]:
        return frozenset(map(same_text, self.read.missing))

    @property
    def rows(self) -> range:
        """The rows of the file, as a spreadsheet counts them."""
        return range(self.contents.first, self.contents.first + len(self))

    def as_text(self) -> pd.DataFrame:
        """Every column as text, rows from 0."""
        import pandas as pd

        return pd.DataFrame({name: self.column(name).cells for name in self.columns}, dtype=object)

    def is_text(self, name: str) -> bool:
        """Whether a column has something in it, and nothing that is or could be a number."""
        cells = [cell for cell in self.column(name) if cell != ""]
        return bool(cells) and not any(is_number(c) or COMMA.fullmatch(c) or THOUSANDS.fullmatch(c) for c in cells)

    def values(self, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Columns as numbers.

        Returns
        -------
        values : (n, p) float64
            NaN where there is no number; infinite ones as they are.
        is_blank : (n, p) bool
        """
        values = np.empty((len(self), len(names)))
        is_blank = np.zeros(values.shape, dtype=bool)
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            part = slice(start, start + len(batch))
            whole = self._finite([self.cells(name) for name in batch])
            if whole is not None:
                values[:, part], is_blank[:, part] = whole
                continue
            for j, name in enumerate(batch, start):
                values[:, j], is_blank[:, j] = self._column(name)
        return values, is_blank

    def _finite(self, columns: Sequence[Cells]) -> tuple[np.ndarray, np.ndarray] | None:
        """Columns of text that hold finite numbers and blanks alone: numbers (n, p), and where the blanks are."""
        if not all(isinstance(cells, pa.Array) for cells in columns):
            return None
        import pyarrow.compute as pc

        cells = pa.concat_arrays(columns)
        blank = np.zeros(len(cells), dtype=bool)
        try:
            if self.read.decimal == ",":
                raise pa.ArrowInvalid("to be written with points")
            values = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            is_in = pc.is_in(cells, value_set=pa.array([*BLANKS, *self.read.missing], pa.string()))
            cells = pc.if_else(is_in, pa.scalar(None, pa.string()), cells)
            if self.read.decimal == ",":
                if pc.any(pc.match_substring(cells, ".")).as_py():
                    return None
                cells = pc.replace_substring(cells, ",", ".")
            try:
                values = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
            except pa.ArrowInvalid:
                return None
            blank = is_in.to_numpy(zero_copy_only=False)
        values, blank = self._without_missing(values, blank)
        if not np.isfinite(values[~blank]).all():
            return None
        shape = (len(columns), -1)
        return values.reshape(shape).T, blank.reshape(shape).T

    def _without_missing(self, values: np.ndarray, blank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Numbers without those that stand for blanks, by their value."""
        codes = [float(text) for text in self.read.missing if is_number(text)]
        coded = np.isin(values, codes) if codes else np.zeros(values.shape, dtype=bool)
        return np.where(coded, np.nan, values), blank | coded

    def _column(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        cells = self.cells(name)
        if not isinstance(cells, pa.Array) and cells.dtype.kind in "fiu":
            values = cells.astype(np.float64)
            return self._without_missing(values, np.isnan(values))
        whole = self._finite([cells])
        if whole is not None:
            return whole[0][:, 0], whole[1][:, 0]
        text = self.text_of_numbers(name)
        blank = text == ""
        read = as_numbers(np.where(blank, "nan", text))
        if read is None:
            read = np.array([float(cell) if is_number(cell) else np.nan for cell in text])
        return self._without_missing(read, blank)


def _without_blank_rows(contents: Contents) -> Contents:
    """A table without the blank rows that spreadsheets leave at its end, and typed cells as they are."""
    n = len(contents.columns[0])
    left = n
    while left > 1 and all(_is_blank_cell(cells[left - 1]) for cells in contents.columns):
        left -= 1
    if left == n:
        return contents
    return replace(contents, columns=[cells[:left] for cells in contents.columns])


def _is_blank_cell(cell: object) -> bool:
    value = cell.as_py() if isinstance(cell, pa.Scalar) else cell
    return value is None or (isinstance(value, str) and not value.strip())


def _shown(cell: object) -> str:
    return str(cell.as_py() if isinstance(cell, pa.Scalar) else cell).strip()


def _as_text(cells: Cells) -> np.ndarray:
    text = np.empty(len(cells), dtype=object)
    if isinstance(cells, pa.Array):
        text[:] = [_clean_cell(cell) for cell in cells.to_pylist()]
    else:
        text[:] = [_cell_text(value) for value in cells.tolist()]
    return text


def _clean_cell(text: str) -> str:
    text = text.strip()
    return "" if text in _BLANK_SET else text


_BLANK_SET = frozenset(BLANKS)


def _cell_text(value: object) -> str:
    if value is None or is_absent(value) or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and abs(float(value)) < 1e15:
        return str(int(value))
    if isinstance(value, datetime) and value.tzinfo is None and value.time() == time():
        return value.date().isoformat()  # a workbook has no dates without a time of day
    text = repr(float(value)) if isinstance(value, (float, np.floating)) else str(value).strip()
    return "" if text in BLANKS else text


def column_of(table: Table, name: str, where: str) -> pd.Series:
    """That column as text, or an error with the nearest name."""
    return plain_column_of(table, name, where).series()


def plain_column_of(table: Table, name: str, where: str) -> Column:
    """The same without pandas."""
    if name in table:
        return table.column(name)
    near = nearest(name, table.columns)
    below = (
        row for i, row in enumerate(table.rows[:6]) if any(_shown(cells[i]) == name for cells in table.contents.columns)
    )
    row = next(below, None)
    hint = f"Did you mean '{shown(near)}'?" if near else f"Columns: {some(table.columns, 12)}."
    if row is not None:
        hint = f"Row {row} has it: say read: {{skip_rows: {row - 1}}} for this table if that row is the header."
    elif ROW_NAMES in table and not near:
        hint += f" The first column, which has no name, is called {ROW_NAMES} here."
    raise DataError(f"{where}: {table.path.name}{table.contents.place} has no column '{shown(name)}'. {hint}")


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
    if cell.casefold() in _NO_VALUE:
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


#: A date as it is written first by year or last, with whatever stands behind it.
_DATE = re.compile(r"([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4})(?![0-9.])")
#: A number and its unit: ``67 years``, ``12.5%``, ``3 mg/dl``.
_WITH_UNIT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?\s*(%|[^\W\d_\u00b5]|\u00b5)[^\d\s]*(\s[^\d\s]+)?")


#: What is written of figures alone, whether it is a number or not: ``<1``, ``12 %``, ``2020-01-31``.
_FIGURES = re.compile(r"[-+\u2212<>\u2264\u2265=~]?[\s\d.,'\u2019\u00a0\u202f/:%eE+-]+")


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


def _with_point(cell: str) -> str:
    """A number with a decimal comma as Python writes it; what has a point already is none."""
    return f"{cell} has a point" if "." in cell else cell.replace(",", ".")


def as_numbers(text: np.ndarray) -> np.ndarray | None:
    """Text as float64 of the same shape, or None where some cell is no number."""
    try:
        values = text.astype(np.float64)
    except ValueError:
        return None
    return values if all("_" not in cell for cell in text.flat) else None


def is_number(cell: str) -> bool:
    """Whether a cell is a number. Python would read ``1_000`` as one; a table means something else."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


#: What ``ids: number`` reads as a number.
_ID_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?")


def id_number(text: str) -> str | None:
    """An id as a number, digit by digit, so that long ids stay apart; None where it is none.

    Examples
    --------
    >>> [id_number(text) for text in ("0001", "1", "1.0", "1e3", "90071992547409930", "-0.50", "P1")]
    ['1', '1', '1', '1000', '90071992547409930', '-0.5', None]
    """
    if not _ID_NUMBER.fullmatch(text):
        return None
    digits = f"{Decimal(text):f}"
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if digits == "-0" else digits


def same_id(text: str) -> str:
    """Text for finding ids that are one written in two ways: one number, or alike to the eye."""
    return id_number(text) or same_text(text).casefold()


def told_alike(absent: Iterable[str], strange: Iterable[str]) -> str:
    """A hint where an id that is looked for is there in another writing."""
    alike = {same_id(i): i for i in strange}
    pair = next(((i, alike[same_id(i)]) for i in absent if same_id(i) in alike), None)
    if pair is None:
        return ""
    if id_number(pair[0]) is None:
        return (
            f" '{shown(pair[0])}' and '{shown(pair[1])}' look alike: they differ in the form of an accent, in case or"
            " in characters that cannot be seen. Write ids alike."
        )
    return (
        f" '{shown(pair[0])}' and '{shown(pair[1])}' are one number written in two ways: write ids alike, or say read:"
        " {ids: number} under clinical."
    )


def ids_of(table: Table, name: str, where: str) -> Column:
    """The id column as text, or as numbers where the study says so.

    Raises
    ------
    DataError
        Without the column, for a failed cell, and where an id is to be a number and is none.
    """
    ids = plain_column_of(table, name, where)
    refuse_failed_cells(ids, table.path)
    refuse_unwritable(ids, table.path, f"an id in the column '{shown(name)}'")
    if table.read.ids != "number":
        return ids
    as_number = [cell and id_number(cell) for cell in table.text_of_numbers(name)]
    bad = [i for i, number in enumerate(as_number) if number is None]
    if bad:
        raise DataError(
            f"{table.path.name}, row {ids.index[bad[0]]}: the id '{shown(ids[bad[0]])}'{and_more(len(bad))} is not a"
            " number, and read says ids: number. Correct it, or leave ids: text."
        )
    return replace(ids, cells=np.array(as_number, dtype=object))


def check_ids(table: Table, name: str, where: str) -> tuple[str, ...]:
    """The id column; blanks, failed cells and doubled ids are errors."""
    return refuse_doubled(ids_of(table, name, where), table.path)


def refuse_doubled(ids: Column, path: Path) -> tuple[str, ...]:
    """The ids (n,) of a table.

    Raises
    ------
    DataError
        Where one is blank, or stands in several rows.
    """
    rows_of: dict[str, list[int]] = {}
    for row, name in zip(ids.index, ids, strict=True):
        rows_of.setdefault(name, []).append(row)
    if blank := rows_of.get(""):
        raise DataError(
            f"{path.name}: the id '{shown(ids.name)}' is blank in row {blank[0]}{and_more(len(blank))}. Give every"
            " patient an id."
        )
    doubled = [name for name, rows in rows_of.items() if len(rows) > 1]
    if doubled:
        n = len(doubled)
        raise DataError(
            f"{path.name}: patient '{shown(doubled[0])}' stands in rows {', '.join(map(str, rows_of[doubled[0]][:5]))}"
            + (f", and {n - 1} more ids are doubled" if n > 1 else "")
            + ". Keep one row a patient or, where rows are lesions or visits, give each an id of its own and let"
            " clinical.patient name the patient."
        )
    return tuple(ids)


def some(items: Iterable, n: int = 5, limit: int = SHOWN) -> str:
    """The first n items and how many more; ``limit``: the most characters of one, more where it is a sentence."""
    items = list(items)
    more = f" and {len(items) - n} more" if len(items) > n else ""
    return ", ".join(shown(item, limit) for item in items[:n]) + more
