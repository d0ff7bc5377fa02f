"""Files of text, CSV and TSV: encoding, separator, a title above the header, rows of other lengths."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from prldh.core import DataError, file_at, file_bytes, shown
from prldh.data import layout
from prldh.data.contents import (
    LARGEST,
    PACKED_FREE,
    PACKED_TIMES,
    ROW_NAMES,
    Contents,
    default_separator,
    has_title,
    is_empty,
    refuse_swollen,
    refuse_title,
)
from prldh.study import TableRead


def read_delimited(path: Path, read: TableRead) -> Contents:
    data = bytes_of(path)
    separator = read.separator or default_separator(path)
    text = _without_rows(as_utf8(data, read.encoding, path), read.skip_rows)
    del data
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1 + read.skip_rows
        raise DataError(f"{path} is damaged: line {line} holds a null character. Save it again.")
    if not text.strip():
        raise is_empty(path)
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
        refuse_title(names, top, read.skip_rows, path)
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
    refuse_swollen(path, len(data))
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
            raise has_title(header, keys, path)
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
        raise is_empty(path) from None
    except pd.errors.ParserError as error:
        if guess and (guess.separator != separator or guess.skip_rows):
            raise has_title(
                first_lines(text)[0],
                replace(guess, skip_rows=guess.skip_rows + read.skip_rows).keys(default_separator(path)),
                path,
            ) from None
        told = re.sub(r"\bline (\d+)", lambda m: f"line {int(m[1]) + read.skip_rows}", str(error))
        raise pd.errors.ParserError(told) from None
    return [pa.array(column.fillna("").astype(object), pa.string()) for _, column in raw.items()]
