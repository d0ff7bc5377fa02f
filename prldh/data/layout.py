"""What a file of text looks like: its encoding, its separator, where its header is. Nothing is read by a guess: guesses
are what messages suggest, and what ``prldh init --from`` writes down."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
#: Marks at the beginning of a file; the longer first, as UTF-32's begins like UTF-16's.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
OLD_WORKBOOK = "a workbook of Excel 97"
#: First bytes of files that are no text; more than the letters that a name in a header may begin with, as `PAR1` does.
FORMATS = {
    rb"PK\x03\x04": "a workbook or another ZIP archive",
    rb"PAR1\x15": "a Parquet file",
    rb"\x1f\x8b": "packed by gzip",
    rb"\xd0\xcf\x11\xe0": OLD_WORKBOOK,
    rb"%PDF-[0-9]\.[0-9]": "a PDF",
    rb"BZh[1-9](1AY&SY|\x17rE8P\x90)": "packed by bzip2",
    rb"\xfd7zXZ\x00": "packed by xz",
    rb"\{\\rtf[0-9]": "a document of a word processor",
}
#: A number with a decimal comma, and one with separators of thousands.
COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?")
THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:([ .,'\u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*(?:[.,][0-9]+)?")
#: Rows that a guess is made from.
LOOKED_AT = 40


def markup_of(text: bytes) -> str | None:
    """What a text is that begins as no table does."""
    start = text[:4096].lstrip().lower()
    if re.match(rb"<(!doctype html|html|table|head|body|meta)\b", start):
        return "a page of HTML"
    if re.match(rb"<\?xml\b", start):
        return "XML"
    return "JSON" if re.match(rb"[\[{]\s*[\[{\"]", start) else None


def mark_of(data: bytes) -> str | None:
    """The encoding that the mark at the beginning of a file names."""
    return next((name for mark, name in MARKS.items() if data.startswith(mark)), None)


def format_of(data: bytes) -> str | None:
    """What a file is by its first bytes, None where it may be text."""
    return next((name for begin, name in FORMATS.items() if re.match(begin, data)), None)


def looks_like(data: bytes) -> str | None:
    """The encoding that a file of text seems to have, None where it is no text. UTF-16 without a mark is told by where
    its zeros are, and what is not UTF-8 has one byte a character."""
    if mark := mark_of(data):
        return mark
    start = data[: 1 << 16]
    if format_of(start):
        return None
    if b"\0" in start:
        even, odd = start[::2].count(0), start[1::2].count(0)
        for name, many, few in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
            if 3 * many > len(start) // 2 and 10 * few < many and _is_text(start[: len(start) // 2 * 2], name):
                return name
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return next((name for name in ("cp1252", "latin-1") if _is_text(start, name)), None)
    return "utf-8"


def _is_text(data: bytes, encoding: str) -> bool:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return not any(character < " " and character not in "\t\r\n\f" for character in text)


@dataclass(frozen=True)
class Layout:
    """How the cells of a text lie: the separator, rows above the header, how numbers are written, and whether the
    header has one name fewer than there are columns, as R writes row names."""

    separator: str
    skip_rows: int
    decimal: str
    has_row_names: bool
    width: int

    def keys(self, default: str) -> str:
        """What a study file says of it, where ``default`` is the separator that the file's ending means."""
        said = []
        if self.separator != default:
            said.append("separator: tab" if self.separator == "\t" else f'separator: "{self.separator}"')
        if self.decimal != ".":
            said.append(f'decimal: "{self.decimal}"')
        if self.skip_rows:
            said.append(f"skip_rows: {self.skip_rows}")
        return f"read: {{{', '.join(said)}}}"


def guess_layout(lines: Sequence[str], given: str = ",") -> Layout | None:
    """The layout in which the rows have as many cells as the header, None where there is none of two columns or more.
    Of layouts that fit alike the one with fewer rows above the header is taken, then the one with more columns, then
    that of the separator ``given``."""
    found = []
    told = re.fullmatch(r"sep=(.)", lines[0].strip('\r\n"')) if lines else None  # a line that Excel writes and reads
    above = 1 if told else 0
    for separator in dict.fromkeys(told[1] if told else given + "".join(SEPARATORS)):
        try:
            rows = list(csv.reader(lines[above:LOOKED_AT], delimiter=separator))
        except csv.Error:
            continue
        layout = _with_header(rows, separator, above)
        if layout is not None:
            fits = sum(len(row) == layout.width for row in rows if row) / max(1, sum(map(bool, rows)))
            found.append((layout, fits, separator == given))
    best = max(found, key=_how_well, default=None)
    return best[0] if best else None


def _how_well(found: tuple[Layout, float, bool]) -> tuple:
    """Spaces stand within cells as well: they separate where nothing else does. Commas of numbers make columns too,
    under a header that has none."""
    layout, fits, is_given = found
    return layout.separator != " ", round(fits, 1), -layout.skip_rows, layout.width, is_given


def _with_header(rows: Sequence[Sequence[str]], separator: str, above: int) -> Layout | None:
    filled = [len(row) for row in rows if row]
    if len(filled) < 2:
        return None
    width = Counter(filled[len(filled) // 2 :]).most_common(1)[0][0]
    header = find_header(rows, width)
    if header is None or width < 2:
        return None
    body = [row for row in rows[header + 1 :] if row]
    if sum(len(row) == width for row in body) < 0.9 * len(body):
        return None
    has_commas = separator != "," and any(COMMA.fullmatch(cell.strip()) for row in body for cell in row)
    has_row_names = len(rows[header]) == width - 1 and any(row[-1].strip() for row in body)
    return Layout(separator, above + header, "," if has_commas else ".", has_row_names, width)


def find_header(rows: Sequence[Sequence[str]], width: int) -> int | None:
    """The first row that could name ``width`` columns (or one fewer, as R writes row names): most of its cells are
    filled, not by numbers alone, and the row below it names nothing. Blank columns at the end need no name."""
    used = max((j + 1 for row in rows if len(row) <= width for j, cell in enumerate(row) if cell.strip()), default=0)
    for i, row in enumerate(rows[:-1]):
        named = [cell for cell in row if cell.strip()]
        if not width - 1 <= len(row) <= width or len(named) < max(1, used - 1) or all(map(_is_number, named)):
            continue
        if len(row) < width and _names_columns(rows[i + 1], rows[i + 2 :]):
            continue
        return i
    return None


def _names_columns(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row has text above numbers."""
    columns = [[other[j] for other in below if j < len(other) and other[j].strip()] for j in range(len(row))]
    return any(
        cell.strip() and not _is_number(cell) and column and all(map(_is_number, column))
        for cell, column in zip(row, columns, strict=True)
    )


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?", cell.strip()) is not None
