"""Tables: columns of text, and of numbers where numbers are asked for.

Cells count as blank when empty, one of :data:`BLANKS`, or what the study file says under ``read: {missing: …}``.
Nothing is repaired: a number that is none, a doubled column or id is an error that names the row. Numbers that a file
holds as numbers stay numbers; text is looked at where it is asked for, and where a number cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from prldh.core import SHOWN, DataError, Warn, nearest, same_text, shown, warn
from prldh.data.cells import BLANKS, as_numbers, is_number, with_point
from prldh.data.contents import ROW_NAMES, Cells, Contents
from prldh.data.layout import COMMA, THOUSANDS
from prldh.data.table_files import is_absent, read_contents
from prldh.study import AS_IT_IS, TableFile, TableRead

if TYPE_CHECKING:
    import pandas as pd

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


def tell_of_hidden(table: Table) -> list[Warn]:
    """That a workbook does not show some of the rows that were read."""
    n = table.contents.n_hidden
    return [warn.HIDDEN_ROWS(table=table.path.name, n=n)] if n else []


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
        made = [cell if is_typed else with_point(cell) for cell, is_typed in zip(text, typed, strict=True)]
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


def some(items: Iterable, n: int = 5, limit: int = SHOWN) -> str:
    """The first n items and how many more; ``limit``: the most characters of one, more where it is a sentence."""
    items = list(items)
    more = f" and {len(items) - n} more" if len(items) > n else ""
    return ", ".join(shown(item, limit) for item in items[:n]) + more
