"""Reading tables: CSV, TSV, XLSX and Parquet, every cell as text until a type is asked for.

Cells count as blank when empty or one of :data:`BLANKS`. Nothing is repaired: a number that is none, a doubled
column or id is an error that names the row.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from prldh.errors import DataError
from prldh.plugins import nearest

BLANKS = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "<NA>")


def read_table(path: Path) -> pd.DataFrame:
    """A table as text, (rows, columns) of ``str``, blanks as ``""``; the format is told by the name.

    ``.tsv`` and ``.txt`` are tab-separated, ``.xlsx`` the first sheet, ``.parquet`` Parquet, everything else
    comma-separated, with ``.gz`` after it or not.

    Raises
    ------
    DataError
        If the file is missing, empty, unreadable, has doubled column names or no rows.
    """
    if not path.is_file():
        raise DataError(f"table not found: {path}. Check the path in the study file (relative to that file).")
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    kind = suffixes[-1] if suffixes else ""
    try:
        if kind in (".xlsx", ".xlsm"):
            raw = pd.read_excel(path, header=None, dtype=object)
            frame = _with_header(raw.astype(object).where(raw.notna(), ""), path)
        elif kind in (".parquet", ".pq"):
            frame = pd.read_parquet(path)
        else:
            separator = "\t" if kind in (".tsv", ".txt", ".tab") else ","
            compression = "gzip" if path.suffix.lower() == ".gz" else None
            raw = pd.read_csv(
                path, sep=separator, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig",
                compression=compression, skip_blank_lines=True, low_memory=False,
            )
            frame = _with_header(raw, path)
    except DataError:
        raise
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty. Give a table with a header line and a row a patient.") from None
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(
            f"{path} cannot be read as {kind.lstrip('.').upper() or 'CSV'}: {reason}. "
            "Check the file (a header line, one row a patient, as many cells in each row) and its ending."
        ) from None
    names = [str(c).strip() for c in frame.columns]
    doubled = sorted({c for c in names if names.count(c) > 1}) if len(set(names)) < len(names) else []
    if doubled:
        raise DataError(f"{path}: the column '{doubled[0]}' stands {names.count(doubled[0])} times in the header. Rename one.")
    frame.columns = names
    if frame.empty:
        raise DataError(f"{path} has a header but no rows.")
    return pd.DataFrame({c: _as_text(frame[c]) for c in frame.columns}) if kind in (".xlsx", ".xlsm", ".parquet", ".pq") else _stripped(frame)


def _with_header(raw: pd.DataFrame, path: Path) -> pd.DataFrame:
    if raw.empty:
        raise DataError(f"{path} is empty. Give a table with a header line and a row a patient.")
    frame = raw.iloc[1:].reset_index(drop=True)
    frame.columns = [str(c) for c in raw.iloc[0]]
    if raw.shape[1] == 1 and any(s in str(raw.iloc[0, 0]) for s in ";\t|"):
        raise DataError(f"{path} has one column '{str(raw.iloc[0, 0])[:60]}': it seems to use another separator. Save it as comma-separated, or tab-separated as .tsv.")
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
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = repr(float(value)) if isinstance(value, (float, np.floating)) else str(value).strip()
    return "" if text in BLANKS else text


def column_of(frame: pd.DataFrame, name: str, path: Path, where: str) -> pd.Series:
    """That column, or an error with the nearest name."""
    if name in frame.columns:
        return frame[name]
    near = nearest(name, frame.columns)
    hint = f"Did you mean '{near}'?" if near else f"Columns: {some(frame.columns, 12)}."
    raise DataError(f"{where}: {path.name} has no column '{name}'. {hint}")


def numbers(column: pd.Series, ids: Iterable[str], path: Path) -> np.ndarray:
    """A column of text as (n,) float64, blanks as NaN.

    Raises
    ------
    DataError
        At the first cell that is no number, or is infinite, with row and patient.
    """
    text = column.to_numpy(dtype=object)
    try:
        values = np.where(text == "", "nan", text).astype(np.float64)
    except ValueError:
        values = None
    blank = text == ""
    bad = None
    if values is None:
        bad = next(i for i, cell in enumerate(text) if cell != "" and not _is_number(cell))
        what, do = "is not a number", "Correct it, leave it blank, or declare the column categorical"
    elif (~np.isfinite(values) & ~blank).any():
        bad = int(np.flatnonzero(~np.isfinite(values) & ~blank)[0])
        what, do = "is not finite", "Correct it or leave it blank"
    if bad is not None:
        patient = list(ids)[bad]
        raise DataError(f"{path.name}, row {bad + 2} (patient {patient}), column '{column.name}': '{text[bad]}' {what}. {do}.")
    return values


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def same_text(text: str) -> str:
    """Text for comparing values: numbers by value (1 = 1.0), yes/no/true/false whatever the case."""
    text = str(text).strip()
    if text.lower() in ("yes", "no", "true", "false"):
        return text.lower()
    try:
        value = float(text)
    except ValueError:
        return text
    return repr(value) if np.isfinite(value) else text


def check_ids(frame: pd.DataFrame, name: str, path: Path, where: str) -> tuple[str, ...]:
    """The id column as text; blanks and doubled ids are errors."""
    ids = column_of(frame, name, path, where)
    blank = np.flatnonzero((ids == "").to_numpy())
    if blank.size:
        raise DataError(f"{path.name}: the id '{name}' is blank in row {blank[0] + 2}{and_more(blank.size)}. Give every patient an id.")
    doubled = ids[ids.duplicated(keep=False)]
    if len(doubled):
        rows = [i + 2 for i in ids.index[ids == doubled.iloc[0]]]
        n = doubled.nunique()
        raise DataError(
            f"{path.name}: patient '{doubled.iloc[0]}' stands in rows {', '.join(map(str, rows[:5]))}"
            + (f", and {n - 1} more ids are doubled" if n > 1 else "") + ". Keep one row a patient."
        )
    return tuple(ids)


def some(items: Iterable, n: int = 5) -> str:
    """The first n items and how many more."""
    items = [str(i) for i in items]
    return ", ".join(items[:n]) + (f" and {len(items) - n} more" if len(items) > n else "")


def and_more(count: int) -> str:
    """`` and 3 more`` where count is 4."""
    return f" and {count - 1} more" if count > 1 else ""
