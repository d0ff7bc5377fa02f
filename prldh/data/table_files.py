"""Files of tables: CSV, TSV, XLSX and Parquet as columns with names."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from prldh.core import DataError, readable, shown, size_text
from prldh.data.contents import LARGEST, LARGEST_CELLS, PARQUET, ROW_NAMES, WORKBOOKS, Cells, Contents, kind_of
from prldh.data.delimited import read_delimited
from prldh.data.workbooks import read_workbook
from prldh.study import TableRead

if TYPE_CHECKING:
    import pandas as pd

#: What a spreadsheet shows for a formula that failed, such as ``#DIV/0!``; ``#N/A`` is among the blanks.
FAILED = re.compile(r"#[A-Z][A-Z0-9_/]*[!?]|#GETTING_DATA")
#: Characters that no report, workbook or figure can hold.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: What pandas calls a column without a name when it writes a table again.
_NO_NAME = re.compile(r"^Unnamed: \d+$")


def read_contents(path: Path, read: TableRead) -> Contents:
    """The columns of a file, the format told by its name.

    Raises
    ------
    DataError
        If the file is missing, empty, unreadable, has doubled or blank column names or no rows.
    """
    do = "Check the path; one in a study file is relative to that file."
    readable(path, "table", do)
    readable(path, "table", "Give the columns that are needed alone, or the file as Parquet.", LARGEST)
    kind = kind_of(path)
    _refuse_unfit(path, kind, read)
    try:
        if kind in WORKBOOKS:
            contents = read_workbook(path, read)
        elif kind in PARQUET:
            contents = _read_parquet(path)
        else:
            contents = read_delimited(path, read)
    except DataError:
        raise
    except Exception as error:
        reason = shown(str(error).strip().splitlines()[0], 200) if str(error).strip() else type(error).__name__
        reason = reason.removeprefix("Error tokenizing data. C error: ").rstrip(".")
        reason = re.sub(r"<class '([\w.]+)'>", r"\1", reason)  # libraries' words for a kind of value
        raise DataError(
            f"{path} cannot be read as {kind.lstrip('.').upper() or 'CSV'}: {reason}. "
            "Check the file (a header line, one row a patient, as many cells in each row) and its ending."
        ) from None
    contents = _named_columns(contents, path)
    if not contents.columns or not len(contents.columns[0]):
        raise DataError(f"{path}{contents.place} has a header but no rows. Give a row a patient.")
    return contents


def _refuse_unfit(path: Path, kind: str, read: TableRead) -> None:
    """Settings that mean nothing for this kind of file are a mistake."""
    is_text = kind not in WORKBOOKS + PARQUET
    what = "a workbook" if kind in WORKBOOKS else "a Parquet file" if kind in PARQUET else "a file of text"
    given = {"separator": read.separator is not None, "encoding": read.encoding is not None}
    unfit = {**given, "skip_rows": read.skip_rows > 0 and kind in PARQUET} if not is_text else {}
    unfit["sheet"] = read.sheet is not None and kind not in WORKBOOKS
    for key in [key for key, is_unfit in unfit.items() if is_unfit]:
        raise DataError(f"{path} is {what}, which has no {key.replace('_', ' ')}. Remove {key} from its read.")


def _read_parquet(path: Path) -> Contents:
    from pyarrow.parquet import ParquetFile

    with path.open("rb") as handle:
        if handle.read(4) != b"PAR1":
            raise DataError(
                f"{path} is not a Parquet file, whatever its ending says. Write it again, or give it the ending of what"
                " it is."
            )
    file = ParquetFile(path)
    n_rows, n_columns = file.metadata.num_rows, file.metadata.num_columns
    size = sum(file.metadata.row_group(k).total_byte_size for k in range(file.metadata.num_row_groups))
    if n_rows * n_columns > LARGEST_CELLS or size > 2 * LARGEST:
        raise DataError(
            f"{path} has {n_rows:,} rows of {n_columns:,} columns, {size_text(size)}, and at most"
            f" {LARGEST_CELLS:,} cells and {size_text(2 * LARGEST)} are read. Give the rows and columns that are needed"
            " alone."
        )
    table = file.read(use_threads=False, use_pandas_metadata=True)
    metadata = table.schema.pandas_metadata or {}
    labels = {label for label in metadata.get("index_columns", []) if isinstance(label, str)}
    names = table.column_names
    plain: dict[int, np.ndarray] = {}
    for j, column in enumerate(table.columns):
        is_float = pa.types.is_float64(column.type) or pa.types.is_float32(column.type)
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            plain[j] = np.array([_as_text(cell) for cell in column.to_pylist()], dtype=object)
        elif pa.types.is_nested(column.type):
            plain[j] = np.array([None if cell is None else str(cell) for cell in column.to_pylist()], dtype=object)
        elif names[j] not in labels and (is_float or (pa.types.is_integer(column.type) and not column.null_count)):
            plain[j] = column.to_numpy()
    # all else as pandas reads it, which takes some columns of the file for row labels
    rest = table.select([j for j in range(table.num_columns) if j not in plain]).to_pandas()
    named = [name for name in rest.index.names if name is not None]
    own = [(str(name), rest.index.get_level_values(name)) for name in named]
    others = (rest.iloc[:, k] for k in range(rest.shape[1]))
    for j, name in enumerate(names):
        if name not in labels:
            own.append((name, plain[j] if j in plain else next(others)))
    return Contents([name for name, _ in own], [_as_array(cells) for _, cells in own])


def _as_text(cell: bytes | None) -> str | None:
    """Text that a file holds as bytes, as other programs than pandas write it."""
    return None if cell is None else cell.decode("utf-8", errors="backslashreplace")


def _as_array(cells: np.ndarray | pd.Series | pd.Index) -> np.ndarray:
    if isinstance(cells, np.ndarray):
        return cells
    values = np.empty(len(cells), dtype=object)
    values[:] = list(cells)
    return values


def _named_columns(contents: Contents, path: Path) -> Contents:
    names = [name.strip() for name in contents.names]
    is_workbook = kind_of(path) in WORKBOOKS
    for j, name in enumerate(names):
        if FAILED.fullmatch(name) or name == "#N/A" or (is_workbook and name.startswith("=")):
            what = (
                "is a formula whose value is not stored" if name.startswith("=") else "is an error of the spreadsheet"
            )
            raise DataError(
                f"{path}{contents.place}: the name of column {j + 1}, '{shown(name)}', {what}. Type the name into that"
                " cell."
            )
    unnamed = [j for j, name in enumerate(names) if not name or _NO_NAME.match(name)]
    filled = [j for j in unnamed if not is_blank(contents.columns[j])]
    if filled == [0] and ROW_NAMES not in names:
        names[0], unnamed, filled = ROW_NAMES, unnamed[1:], []
    if filled:
        raise DataError(
            f"{path}: column {filled[0] + 1}{and_more(len(filled))} has no name. Name it, or remove it if nothing needs"
            " it."
        )
    kept = sorted(set(range(len(names))) - set(unnamed))
    names = [names[j] for j in kept]
    refuse_unwritable(names, path, "the name of a column")
    doubled = sorted(name for name, n in Counter(names).items() if n > 1)
    if doubled:
        raise DataError(
            f"{path}: the column '{shown(doubled[0])}' stands {names.count(doubled[0])} times in the header. Rename"
            " one."
        )
    return replace(contents, names=names, columns=[contents.columns[j] for j in kept])


def refuse_unwritable(texts: Iterable[str], path: Path, what: str) -> None:
    """Refuse names with characters that could not be written: control characters, halves of characters.

    Raises
    ------
    DataError
        At the first.
    """
    for text in texts:
        if not text.isprintable() and (found := _UNWRITABLE.search(text)):
            raise DataError(
                f"{path}: {what} has a character that cannot be written, {found[0]!r}: '{shown(text)}'. Remove it"
                " there."
            )


def is_blank(cells: Cells) -> bool:
    """Whether a column holds nothing."""
    values = cells.to_pylist() if isinstance(cells, pa.Array) else list(cells)
    return all(value is None or is_absent(value) or value != value or not str(value).strip() for value in values)


def is_absent(value: object) -> bool:
    """Whether a cell is pandas' NA or NaT: where pandas was not imported, none is."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def and_more(count: int) -> str:
    """`` and 3 more`` where count is 4."""
    return f" and {count - 1} more" if count > 1 else ""
