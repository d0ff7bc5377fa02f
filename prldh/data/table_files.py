"""Files of tables: CSV, TSV, XLSX and Parquet as columns, before anything is asked of their cells."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv

from prldh.core import DataError, file_at, file_bytes, readable, shown, size_text
from prldh.data import layout
from prldh.study import TableRead

if TYPE_CHECKING:
    import pandas as pd

#: What a spreadsheet shows for a formula that failed, such as ``#DIV/0!``; ``#N/A`` is among the blanks.
FAILED = re.compile(r"#[A-Z][A-Z0-9_/]*[!?]|#GETTING_DATA")
#: What a column is called that has no name and numbers or names the rows, as R's ``row.names``.
ROW_NAMES = "row.names"
WORKBOOKS, PARQUET = (".xlsx", ".xlsm"), (".parquet", ".pq")
#: The largest table, in bytes and in cells: twice that does not fit into the memory of most machines.
LARGEST, LARGEST_CELLS = 1 << 31, 200_000_000
#: What a workbook may hold: the format's last row, and as many cells as are read in some minutes.
LAST_ROW, LARGEST_SHEET = 1 << 20, 20_000_000
#: What is packed may unpack to so many times its size, as numbers and names do not shrink to less than a hundredth, or
#: to so many bytes.
PACKED_TIMES, PACKED_FREE = 200, 1 << 26
#: Characters that no report, workbook or figure can hold.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: What pandas calls a column without a name when it writes a table again.
_NO_NAME = re.compile(r"^Unnamed: \d+$")

#: Cells of a column: text as it stands in the file, or what a workbook or Parquet file holds.
Cells: TypeAlias = pa.Array | np.ndarray


@dataclass(frozen=True)
class Contents:
    """The columns of a file. ``first``: the row of the file in which the first patient stands; ``place``: which sheet
    it is, for messages."""

    names: list[str]
    columns: list[Cells]
    first: int = 2
    place: str = ""


def kind_of(path: Path) -> str:
    """The ending that says what a file is, ``.gz`` aside."""
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    return suffixes[-1] if suffixes else ""


def default_separator(path: Path) -> str:
    """The separator that a file's ending means."""
    return "\t" if kind_of(path) in (".tsv", ".txt", ".tab") else ","


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
            contents = _read_workbook(path, read)
        elif kind in PARQUET:
            contents = _read_parquet(path)
        else:
            contents = _read_delimited(path, read)
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


# ---------------------------------------------------------------- workbooks and Parquet


def _read_workbook(path: Path, read: TableRead) -> Contents:
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
        raise _is_empty(path)
    names = [str(cell) for cell in rows[first]]
    _refuse_title(names, [[str(cell) for cell in row] for row in rows[first : first + 12]], first, path)
    _refuse_merged(merged, rows, first, path)
    columns = [np.array([row[j] for row in rows[first + 1 :]], dtype=object) for j in range(len(names))]
    place = f", sheet '{sheets[which]}' (the first of {len(sheets)}, which is the one that is read)"
    if read.sheet is not None:
        place = f", sheet '{sheets[which]}'"
    elif len(sheets) == 1:
        place = ""
    return Contents(names, columns, first + 2, place)


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
        _refuse_swollen(path, sum(part.file_size for part in book.infolist()))
    if _count_in_sheets(path, b"<row", is_one=True) > LAST_ROW:
        raise _too_long(path)
    return _cells(path, sheet, has_values=True)


def _refuse_swollen(path: Path, size: int) -> None:
    """What is packed far more tightly than a table can be is no table: its size is known before it is read."""
    most = min(LARGEST, max(PACKED_FREE, PACKED_TIMES * path.stat().st_size))
    if size > most:
        raise DataError(
            f"{path} unpacks to {size_text(size)}{' or more' if size == most + 1 else ''}, which no table of"
            f" {size_text(path.stat().st_size)} does. Check what it holds, or save the table as plain CSV."
        )


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
    from openpyxl import load_workbook

    if not _count_in_sheets(path, b"<mergeCell "):
        return []
    book = load_workbook(path, read_only=True)
    try:
        place = book.worksheets[which]._worksheet_path
    finally:
        book.close()
    with zipfile.ZipFile(path) as parts, parts.open(place) as sheet:
        return [found.decode() for found in re.findall(rb'<mergeCell ref="([A-Z]+[0-9]+:[A-Z]+[0-9]+)"', sheet.read())]


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


# ---------------------------------------------------------------- text


def _read_delimited(path: Path, read: TableRead) -> Contents:
    data = bytes_of(path)
    separator = read.separator or default_separator(path)
    text = _without_rows(as_utf8(data, read.encoding, path), read.skip_rows)
    del data
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1 + read.skip_rows
        raise DataError(f"{path} is damaged: line {line} holds a null character. Save it again.")
    if not text.strip():
        raise _is_empty(path)
    if markup := layout.markup_of(text):
        raise DataError(
            f"{path} is {markup}, not a table of text. Open it in a spreadsheet program and save it as .csv or .xlsx."
        )
    lines = first_lines(text)
    guess = layout.guess_layout(lines, separator)
    _refuse_other_separator(lines, guess, separator, read.skip_rows, path)
    if guess and guess.separator == separator and not guess.skip_rows:
        if guess.has_row_names:
            text = ROW_NAMES.encode() + separator.encode() + text.lstrip(b"\r\n")
        elif guess.width > len(next(csv.reader(lines, delimiter=separator))):  # each row ends with a separator
            head, end, rest = text.lstrip(b"\r\n").partition(lines[0].encode())
            text = head + end + separator.encode() + rest
    try:
        rows = _by_arrow(text, separator)
    except pa.ArrowInvalid:
        rows = None
    if rows is None:
        rows = _by_pandas(text, separator, guess, read, path)
    names = [column[0].as_py() for column in rows]
    if any(not name.strip() for name in names):
        top = [[column[i].as_py() for column in rows] for i in range(min(12, len(rows[0])))]
        _refuse_title(names, top, read.skip_rows, path)
    return Contents(names, [column.slice(1) for column in rows], read.skip_rows + 2)


def bytes_of(path: Path) -> bytes:
    """The content of a file, unpacked.

    Raises
    ------
    DataError
        If it unpacks to what no table does.
    OSError, EOFError, zlib.error
        If it cannot be read.
    """
    if path.suffix.lower() != ".gz":
        return file_bytes(path, LARGEST)
    most = min(LARGEST, max(PACKED_FREE, PACKED_TIMES * path.stat().st_size))
    with gzip.open(file_at(path)) as handle:
        data = handle.read(most + 1)
    _refuse_swollen(path, len(data))
    return data


def as_utf8(data: bytes, encoding: str | None, path: Path) -> bytes:
    """The text of a file as UTF-8 without a mark.

    Raises
    ------
    DataError
        Where it has another encoding than is said, with the one that it seems to have.
    """
    looks = layout.looks_like(data)
    if encoding is None:
        if looks in ("utf-8", "utf-8-sig"):
            return data.removeprefix(codecs.BOM_UTF8) if b"\0" not in data[: 1 << 16] else _refuse_encoding(path, data)
        if layout.mark_of(data) is None:
            _refuse_encoding(path, data)
        encoding = looks or "utf-8"
    name = codecs.lookup(encoding).name
    is_wide = name.startswith(("utf-16", "utf-32"))
    if looks is not None and (
        is_wide != looks.startswith(("utf-16", "utf-32")) or (looks == "utf-8-sig" and name not in ("utf-8", looks))
    ):
        raise DataError(
            f"{path} is not {encoding}: it looks like {looks.removesuffix('-sig')}. Say encoding: {looks} in its read,"
            " or leave the key out where that is utf-8."
        )
    if name == "utf-16" and looks in ("utf-16-le", "utf-16-be"):
        name = looks  # without a mark, told by where the zeros are
    try:
        text = data.decode(name)
    except UnicodeDecodeError as error:
        seems = f": it looks like {looks}. Say encoding: {looks} in its read" if looks else ". Correct its encoding"
        byte = data[error.start] if error.start < len(data) else 0
        raise DataError(f"{path} is not {encoding} (found the byte {byte:#04x}){seems}.") from None
    if name == "iso8859-1" and any("\x80" <= character <= "\x9f" for character in text):
        raise DataError(
            f"{path} holds bytes from 0x80 to 0x9f, which are no characters in Latin-1: it looks like cp1252. Say"
            " encoding: cp1252 in its read."
        )
    return text.removeprefix("\ufeff").encode()


def _refuse_encoding(path: Path, data: bytes) -> bytes:
    """Tell what a file is that is not UTF-8."""
    format_ = layout.format_of(data)
    looks = None if format_ else layout.looks_like(data)
    end = "Save it as CSV UTF-8 or as .xlsx"
    if looks is None:
        what = f"it is {format_}" if format_ else "it is no text at all"
        raise DataError(f"{path} is not UTF-8 text: {what}. {end}, and check its ending.")
    if looks.startswith("utf-16"):
        raise DataError(
            f"{path} is not UTF-8 text: it is UTF-16, without a mark at its beginning. Say read: {{encoding: {looks}}}"
            f" for this table. Or: {end}, and check its ending."
        )
    place = _first_strange(data)
    word = (
        re.split(rb"[\s,;\t|\"]", data[max(0, place - 20) : place])[-1]
        + re.split(rb"[\s,;\t|\"]", data[place : place + 20])[0]
    )
    raise DataError(
        f"{path} is not UTF-8 text (found the byte {data[place]:#04x}). Say read: {{encoding: {looks}}} for this table"
        f" if '{shown(word.decode(looks, errors='replace'))}' is what it should say there. Or: {end}, and check its"
        " ending."
    )


def _first_strange(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _without_rows(text: bytes, n: int) -> bytes:
    """Text without its first lines, however they end."""
    for _ in range(n):
        end = re.search(rb"\r\n|\n|\r", text[: 1 << 24])
        if end is None:
            return b""
        text = text[end.end() :]
    return text


def first_lines(text: bytes, skip_blank: bool = True) -> list[str]:
    """Whole lines from the beginning, for guesses; without blank ones there."""
    text = text.lstrip(b"\r\n") if skip_blank else text
    size = 1 << 16
    while True:
        start = text[:size]
        lines = start.decode("utf-8", errors="ignore").splitlines()
        if len(start) == len(text):
            return lines[: layout.LOOKED_AT]
        if len(lines) > 10:
            return lines[:-1][: layout.LOOKED_AT]
        size *= 4


def _refuse_other_separator(
    lines: Sequence[str], guess: layout.Layout | None, separator: str, skipped: int, path: Path
) -> None:
    """Tell by the header what is one column only as it has another separator, or a title above it."""
    header = lines[0]
    told = re.fullmatch(r"sep=(.)", header.strip('"'))  # Excel's own line
    if not told and (separator in header or (guess and guess.has_row_names and guess.separator == separator)):
        return
    if guess and (guess.separator != separator or guess.skip_rows):
        keys = replace(guess, skip_rows=guess.skip_rows + skipped).keys(default_separator(path))
        if guess.separator == separator:
            raise _has_title(header, keys, path)
        name = layout.SEPARATORS.get(guess.separator, repr(guess.separator))
    else:
        others = [s for s in ",;\t|" if s in header and s != separator]
        if not others:
            return
        name, keys = layout.SEPARATORS[others[0]], "read: {separator: …}"
    say = "Leave separator out of read" if keys == "read: {}" else f"Say {keys} for this table"
    raise DataError(
        f"{path} has one column '{shown(header, 60)}': it seems to be separated by {name}. {say}, or save it"
        " as comma-separated (.csv) or tab-separated (.tsv), with decimal points."
    )


def _has_title(title: str, keys: str, path: Path) -> DataError:
    return DataError(
        f"{path} begins with '{shown(title, 60)}', which seems to be a title above the header. Say {keys} for this"
        " table, or remove what stands above the header."
    )


def _refuse_title(names: Sequence[str], top: Sequence[Sequence[str]], skipped: int, path: Path) -> None:
    """Names that are blank where the row beneath could be the header: the first row is a title."""
    blank = [j for j, name in enumerate(names) if not name.strip() and any(row[j].strip() for row in top[1:])]
    header = layout.find_header(top, len(names)) if blank else None
    if header:
        title = next((name for name in names if name.strip()), "")
        raise _has_title(title, f"read: {{skip_rows: {skipped + header}}}", path)


def _by_arrow(text: bytes, separator: str) -> list[pa.Array] | None:
    """Columns of text, the header in row 0; None where rows differ in length or the parser has another view."""
    at_most = text.count(separator.encode(), 0, max(text.find(b"\n"), 0) or len(text)) + 1
    table = pyarrow.csv.read_csv(
        pa.py_buffer(text),
        read_options=pyarrow.csv.ReadOptions(
            autogenerate_column_names=True, block_size=min(len(text) + 1, 2**31 - 1), use_threads=False
        ),
        parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={f"f{j}": pa.string() for j in range(at_most)}, null_values=[]
        ),
    )
    if any(field.type != pa.string() for field in table.schema):
        return None
    chunks = [column.combine_chunks() for column in table.columns]
    columns = [c.chunk(0) if isinstance(c, pa.ChunkedArray) else c for c in chunks]
    # a quote that is never closed swallows what follows
    is_open = text.count(b'"') % 2 or any(re.search(r"[\r\n]", column[-1].as_py()) for column in columns)
    return None if is_open else columns


def _by_pandas(text: bytes, separator: str, guess: layout.Layout | None, read: TableRead, path: Path) -> list[pa.Array]:
    """The same by a parser that fills up short rows, and tells what cannot be read."""
    import pandas as pd

    try:
        raw = pd.read_csv(
            io.BytesIO(text),
            sep=separator,
            header=None,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8",
            skip_blank_lines=True,
            low_memory=False,
        )
    except pd.errors.EmptyDataError:
        raise _is_empty(path) from None
    except pd.errors.ParserError as error:
        if guess and (guess.separator != separator or guess.skip_rows):
            raise _has_title(
                first_lines(text)[0],
                replace(guess, skip_rows=guess.skip_rows + read.skip_rows).keys(default_separator(path)),
                path,
            ) from None
        told = re.sub(r"\bline (\d+)", lambda m: f"line {int(m[1]) + read.skip_rows}", str(error))
        raise pd.errors.ParserError(told) from None
    return [pa.array(column.fillna("").astype(object), pa.string()) for _, column in raw.items()]


def _is_empty(path: Path) -> DataError:
    return DataError(f"{path} is empty. Give a table with a header line and a row a patient.")


# ---------------------------------------------------------------- names


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
