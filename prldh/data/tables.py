"""Reading tables: CSV, TSV, XLSX and Parquet, every cell as text until a type is asked for.

Cells count as blank when empty or one of :data:`BLANKS`. Nothing is repaired: a number that is none, a doubled
column or id is an error that names the row.
"""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prldh.core import DataError, nearest

#: What a spreadsheet shows for a formula that failed, such as ``#DIV/0!``; ``#N/A`` is among the blanks.
FAILED = re.compile(r"#[A-Z][A-Z0-9_/]*[!?]|#GETTING_DATA")
BLANKS = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "<NA>")


def read_table(path: Path) -> pd.DataFrame:
    """A table as text, (rows, columns) of ``str``, blanks as ``""``; the format is told by the name.

    ``.tsv`` and ``.txt`` are tab-separated, ``.xlsx`` the first sheet, ``.parquet`` Parquet, everything else
    comma-separated, with ``.gz`` after it or not. A column without a name and without content is no column.

    Raises
    ------
    DataError
        If the file is missing, empty, unreadable, has doubled or blank column names or no rows.
    """
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "not found"
        raise DataError(f"table {problem}: {path}. Check the path in the study file (relative to that file).")
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    kind = suffixes[-1] if suffixes else ""
    try:
        if kind in _WORKBOOKS:
            frame = _read_workbook(path)
        elif kind in _PARQUET:
            frame = _read_parquet(path)
        else:
            frame = _read_delimited(path, "\t" if kind in (".tsv", ".txt", ".tab") else ",")
    except DataError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        reason = reason.removeprefix("Error tokenizing data. C error: ").rstrip(".")
        raise DataError(
            f"{path} cannot be read as {kind.lstrip('.').upper() or 'CSV'}: {reason}. "
            "Check the file (a header line, one row a patient, as many cells in each row) and its ending."
        ) from None
    sheet = frame.attrs.get("sheet", "")
    frame = _named_columns(frame, path)
    if frame.empty:
        raise DataError(f"{path}{sheet} has a header but no rows. Give a row a patient.")
    read = (
        pd.DataFrame({c: _as_text(frame[c]) for c in frame.columns})
        if kind in _WORKBOOKS + _PARQUET
        else _stripped(frame)
    )
    read.attrs["sheet"] = sheet
    return read


_WORKBOOKS, _PARQUET = (".xlsx", ".xlsm"), (".parquet", ".pq")


def _read_workbook(path: Path) -> pd.DataFrame:
    if not zipfile.is_zipfile(path):
        raise DataError(
            f"{path} is not an XLSX workbook, whatever its ending says. Save it as .xlsx again, or give it the ending"
            " of what it is."
        )
    sheets, cells = _cells(path, has_values=True)
    if any(cell is None for row in cells for cell in row) and _holds_formulas(path):
        formulas = _cells(path, has_values=False)[1]
        for row, written in zip(cells, formulas, strict=False):
            for j, cell in enumerate(written[: len(row)]):
                if row[j] is None and isinstance(cell, str) and cell.startswith("="):
                    row[j] = cell  # no value is stored: the formula itself stands there, which is no number
    raw = pd.DataFrame(cells, dtype=object)
    frame = _with_header(raw.where(raw.notna(), ""), path)
    frame.attrs["sheet"] = (
        f", sheet '{sheets[0]}' (the first of {len(sheets)}, which is the one that is read)" if len(sheets) > 1 else ""
    )
    return frame


def _cells(path: Path, has_values: bool) -> tuple[list[str], list[list[Any]]]:
    """Names of the sheets, and the first one's cells, row by row; of formulas their stored values or, otherwise, what
    was typed in. Errors are text, such as ``#DIV/0!``. Empty rows at the end are no rows."""
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
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        names = [each.title for each in book.worksheets]
    finally:
        book.close()
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    width = max((len(row) for row in rows), default=0)
    return names, [row + [None] * (width - len(row)) for row in rows]


def _holds_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/")]
        return any(b"<f" in book.read(name) for name in sheets)


def _read_parquet(path: Path) -> pd.DataFrame:
    with path.open("rb") as handle:
        if handle.read(4) != b"PAR1":
            raise DataError(
                f"{path} is not a Parquet file, whatever its ending says. Write it again, or give it the ending of what"
                " it is."
            )
    frame = pd.read_parquet(path)
    # columns of the file that pandas takes for row labels
    named = [name for name in frame.index.names if name is not None]
    return frame.reset_index(named) if named else frame


def _read_delimited(path: Path, separator: str) -> pd.DataFrame:
    is_packed = path.suffix.lower() == ".gz"
    with gzip.open(path) if is_packed else path.open("rb") as handle:
        start = handle.read(1 << 16)
    _refuse_other_formats(start, separator, path)
    try:
        raw = pd.read_csv(
            path,
            sep=separator,
            header=None,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            compression="gzip" if is_packed else None,
            skip_blank_lines=True,
            low_memory=False,
        )
    except pd.errors.EmptyDataError:
        raise _is_empty(path) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text (found the byte {error.object[error.start]:#04x}). Save it as CSV UTF-8 or as"
            " .xlsx, and check its ending."
        ) from None
    return _with_header(raw, path)


def _refuse_other_formats(start: bytes, separator: str, path: Path) -> None:
    """Tell by the first bytes what is no table of text, and by the header what has another separator."""
    if b"\0" in start:
        raise DataError(
            f"{path} is not UTF-8 text: it is UTF-16 or no text at all. Save it as CSV UTF-8 or as .xlsx, and check its"
            " ending."
        )
    header = start.decode("utf-8-sig", errors="replace").lstrip("\r\n").splitlines()[:1]
    others = [s for s in ",;\t|" if s in header[0] and s != separator] if header and separator not in header[0] else []
    if others:
        name = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}[others[0]]
        raise DataError(
            f"{path} has one column '{header[0][:60]}': it seems to be separated by {name}. "
            "Save it as comma-separated (.csv) or tab-separated (.tsv), with decimal points."
        )


def _is_empty(path: Path) -> DataError:
    return DataError(f"{path} is empty. Give a table with a header line and a row a patient.")


def _named_columns(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    names = [str(c).strip() for c in frame.columns]
    is_workbook = path.suffix.lower() in _WORKBOOKS
    for j, name in enumerate(names):
        if FAILED.fullmatch(name) or name == "#N/A" or (is_workbook and name.startswith("=")):
            what = (
                "is a formula whose value is not stored" if name.startswith("=") else "is an error of the spreadsheet"
            )
            raise DataError(
                f"{path}{frame.attrs.get('sheet', '')}: the name of column {j + 1}, '{name}', {what}. Type the name"
                " into that cell."
            )
    unnamed = [i for i, name in enumerate(names) if not name or _NO_NAME.match(name)]
    if unnamed:
        filled = [i for i in unnamed if not frame.iloc[:, i].isin(["", None]).all()]
        if filled:
            raise DataError(
                f"{path}: column {filled[0] + 1}{and_more(len(filled))} has no name. Name it, or remove it if it only"
                " numbers the rows."
            )
        kept = [i for i in range(len(names)) if i not in unnamed]
        frame, names = frame.iloc[:, kept], [names[i] for i in kept]
    doubled = sorted({c for c in names if names.count(c) > 1}) if len(set(names)) < len(names) else []
    if doubled:
        raise DataError(
            f"{path}: the column '{doubled[0]}' stands {names.count(doubled[0])} times in the header. Rename one."
        )
    frame = frame.copy()
    frame.columns = names
    return frame


#: What pandas calls a column without a name when it writes a table again.
_NO_NAME = re.compile(r"^Unnamed: \d+$")


def _with_header(raw: pd.DataFrame, path: Path) -> pd.DataFrame:
    if raw.empty:
        raise _is_empty(path)
    frame = raw.iloc[1:].reset_index(drop=True)
    frame.columns = [str(c) for c in raw.iloc[0]]
    return frame


def _stripped(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(_clean(frame.to_numpy(dtype=object)), columns=frame.columns, dtype=object)


def _clean_cell(text: str) -> str:
    text = text.strip()
    return "" if text in _BLANK_SET else text


_BLANK_SET = frozenset(BLANKS)
_clean = np.frompyfunc(_clean_cell, 1, 1)


def _as_text(column: pd.Series) -> pd.Series:
    return column.map(_cell_text).astype(object)


def _cell_text(value: object) -> str:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and abs(float(value)) < 1e15:
        return str(int(value))
    if isinstance(value, datetime) and value.tzinfo is None and value.time() == time():
        return value.date().isoformat()  # a workbook has no dates without a time of day
    text = repr(float(value)) if isinstance(value, (float, np.floating)) else str(value).strip()
    return "" if text in BLANKS else text


def column_of(frame: pd.DataFrame, name: str, path: Path, where: str) -> pd.Series:
    """That column, or an error with the nearest name."""
    if name in frame.columns:
        return frame[name]
    near = nearest(name, frame.columns)
    hint = f"Did you mean '{near}'?" if near else f"Columns: {some(frame.columns, 12)}."
    raise DataError(f"{where}: {path.name}{frame.attrs.get('sheet', '')} has no column '{name}'. {hint}")


def numbers(column: pd.Series, ids: Iterable[str], path: Path) -> np.ndarray:
    """A column of text as (n,) float64, blanks as NaN.

    Raises
    ------
    DataError
        At the first cell that is no number, or is infinite, with row and patient.
    """
    text = column.to_numpy(dtype=object)
    values = as_numbers(np.where(text == "", "nan", text))
    blank = text == ""
    if values is None:
        bad = next(i for i, cell in enumerate(text) if cell != "" and not is_number(cell))
        what, do = _why_no_number(text[bad])
    elif (~np.isfinite(values) & ~blank).any():
        bad = int(np.flatnonzero(~np.isfinite(values) & ~blank)[0])
        what, do = "is not finite", "Correct it or leave it blank"
    else:
        return values
    raise DataError(
        f"{path.name}, row {bad + 2} (patient {list(ids)[bad]}), column '{column.name}': '{text[bad]}' {what}. {do}."
    )


def refuse_failed_cells(column: pd.Series, path: Path, ids: Iterable[str] | None = None) -> None:
    """Text columns have no other way to tell that a spreadsheet computed nothing. ``ids`` of the whole table, where
    they are known already.

    Raises
    ------
    DataError
        At the first cell that is an error of a spreadsheet, or of a workbook a formula without a stored value.
    """
    is_workbook = path.suffix.lower() in _WORKBOOKS
    for i, cell in enumerate(column):
        if FAILED.fullmatch(cell) or (is_workbook and cell.startswith("=")):
            what, do = _why_no_number(cell)
            row = column.index[i]
            whose = f" (patient {list(ids)[row]})" if ids is not None else ""
            raise DataError(f"{path.name}, row {row + 2}{whose}, column '{column.name}': '{cell}' {what}. {do}.")


def _why_no_number(cell: str) -> tuple[str, str]:
    """What a cell is, and what to do about it."""
    if FAILED.fullmatch(cell):
        return "is an error of the spreadsheet", "Mend its formula there, or clear the cell"
    if cell.startswith("="):
        return "is a formula whose value is not stored", "Open the workbook in a spreadsheet program and save it again"
    return "is not a number", "Correct it, leave it blank, or declare the column categorical"


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


def same_number(text: str) -> str:
    """Text for finding ids that are one number written differently, such as ``0001`` and ``1.0``."""
    return repr(float(text)) if is_number(text) and np.isfinite(float(text)) else text


def check_ids(frame: pd.DataFrame, name: str, path: Path, where: str) -> tuple[str, ...]:
    """The id column as text; blanks, failed cells and doubled ids are errors."""
    ids = column_of(frame, name, path, where)
    refuse_failed_cells(ids, path)
    blank = np.flatnonzero((ids == "").to_numpy())
    if blank.size:
        raise DataError(
            f"{path.name}: the id '{name}' is blank in row {blank[0] + 2}{and_more(blank.size)}. Give every patient"
            " an id."
        )
    doubled = ids[ids.duplicated(keep=False)]
    if len(doubled):
        rows = [i + 2 for i in ids.index[ids == doubled.iloc[0]]]
        n = doubled.nunique()
        raise DataError(
            f"{path.name}: patient '{doubled.iloc[0]}' stands in rows {', '.join(map(str, rows[:5]))}"
            + (f", and {n - 1} more ids are doubled" if n > 1 else "")
            + ". Keep one row a patient or, where rows are lesions or visits, give each an id of its own and let"
            " clinical.patient name the patient."
        )
    return tuple(ids)


def some(items: Iterable, n: int = 5) -> str:
    """The first n items and how many more."""
    items = [str(i) for i in items]
    return ", ".join(items[:n]) + (f" and {len(items) - n} more" if len(items) > n else "")


def and_more(count: int) -> str:
    """`` and 3 more`` where count is 4."""
    return f" and {count - 1} more" if count > 1 else ""
