"""Tables in formats of other programs, column by column and part by part: Parquet's types, what workbooks hold beside
cells, text of other systems; feature libraries and the networks behind them."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import random
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from changes import ANALYZE, put
from hostile_notation import PLAN
from templates import FEATURES, STUDY, merged, write_yaml
from verdicts import Case

F0 = FEATURES[0]
# What goes through, or not, is read by a plan, too, in a tenth of the time; cells are read by the analysis alone.
#: Of each table: where the study names it, and a column of numbers of it.
TABLES = {
    "clinical": (("clinical", "table"), "age"),
    "reader1": (("tissues", "disc", "features", 0), F0),
}


def _instead(table: str, file: str, write: Callable[[Path], Any], more: dict | None = None) -> Callable[[Path], None]:
    """Another file in place of a table; ``more``: what else the study says."""

    def change(folder: Path) -> None:
        write(folder / file)
        write_yaml(folder / "study.yaml", merged(put(STUDY, TABLES[table][0], file), more or {}))

    return change


def _frame(path: Path, table: str) -> pd.DataFrame:
    return pd.read_csv(path.parent / f"{table}.csv")


# ---------------------------------------------------------------- Parquet

#: A column of numbers as another type: what makes it of doubles.
COLUMNS: dict[str, Callable[[list[float]], Any]] = {
    "float16": lambda v: _arrow(np.array(v, np.float16)),
    "float32": lambda v: _arrow(np.array(v, np.float32)),
    "int8": lambda v: _arrow([int(x) % 100 for x in v], "int8"),
    "uint64": lambda v: _arrow([2**64 - 1 - i for i in range(len(v))], "uint64"),
    "int64_far": lambda v: _arrow([2**62 + i for i in range(len(v))], "int64"),
    "boolean": lambda v: _arrow([x > 0 for x in v]),
    "decimals": lambda v: _arrow([Decimal(f"{x:.4f}") for x in v]),
    "decimals_long": lambda v: _arrow([Decimal(f"{x:.4f}") * 10**60 for x in v]),
    "decimals_missing": lambda v: _arrow([None, *(Decimal(f"{x:.4f}") for x in v[1:])]),
    "text": lambda v: _arrow([f"{x:.4f}" for x in v]),
    "large_text": lambda v: _arrow([f"{x:.4f}" for x in v], "large_string"),
    "text_of_bytes": lambda v: _arrow([f"{x:.4f}".encode() for x in v]),
    "bytes_no_text": lambda v: _arrow([b"\xff\xfe\x00" for _ in v]),
    "bytes_of_fixed_size": lambda v: _arrow([struct.pack("<d", x) for x in v], ("binary", 8)),
    "dictionary": lambda v: _arrow([f"{x:.4f}" for x in v]).dictionary_encode(),
    "dictionary_of_numbers": lambda v: _arrow([float(round(x)) for x in v]).dictionary_encode(),
    "dictionary_missing": lambda v: _arrow([None, *(f"{x:.4f}" for x in v[1:])]).dictionary_encode(),
    "nothing": lambda v: _arrow([None for _ in v], "null"),
    "missing": lambda v: _arrow([None, *v[1:]]),
    "missing_integers": lambda v: _arrow([None, *map(int, v[1:])], "int32"),
    "infinite": lambda v: _arrow([float("inf"), *v[1:]]),
    "nan": lambda v: _arrow([float("nan"), *v[1:]]),
    "dates": lambda v: _arrow([date(2024, 1, 1 + i % 28) for i in range(len(v))]),
    "times": lambda v: _arrow([datetime(2024, 1, 1, i % 24) for i in range(len(v))]),
    "times_beyond": lambda v: _arrow([2**62 for _ in v], ("timestamp", "us")),
    "times_of_zones": lambda v: _arrow([i * 10**9 for i in range(len(v))], ("timestamp", "ns", "Europe/Zurich")),
    "times_of_no_zone": lambda v: _arrow([i * 10**9 for i in range(len(v))], ("timestamp", "ns", "Mars/Olympus")),
    "hours": lambda v: _arrow([i * 60 for i in range(len(v))], "time32[s]"),
    "durations": lambda v: _arrow([i for i in range(len(v))], ("duration", "us")),
    "lists": lambda v: _arrow([[x, x] for x in v]),
    "lists_empty": lambda v: _arrow([[] for _ in v]),
    "lists_of_lists": lambda v: _arrow([[[x], []] for x in v]),
    "records": lambda v: _arrow([{"a": x, "b": "t"} for x in v]),
    "records_of_records": lambda v: _arrow([{"a": {"b": {"c": x}}} for x in v]),
    "long_texts": lambda v: _arrow(["x" * 200_000 for _ in v]),
}


def _arrow(values: Any, kind: Any = None) -> Any:
    import pyarrow as pa

    makers = {"binary": pa.binary, "timestamp": pa.timestamp, "duration": pa.duration}
    if isinstance(kind, tuple):
        kind = makers[kind[0]](*kind[1:])
    elif kind == "time32[s]":
        kind = pa.time32("s")
    return pa.array(values, kind)


def _column(table: str, how: Callable[[list[float]], Any]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        found = pa.Table.from_pandas(_frame(path, table), preserve_index=False)
        name = TABLES[table][1]
        at = found.column_names.index(name)
        values = [float(x) for x in found.column(at).to_pylist()]
        pq.write_table(found.set_column(at, name, how(values)), path)

    return write


def _file(how: Callable[[Any, Path], None]) -> Callable[[str], Callable[[Path], None]]:
    """A whole Parquet file, written in some way from the table."""

    def of(table: str) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            import pyarrow as pa

            how(pa.Table.from_pandas(_frame(path, table), preserve_index=False), path)

        return write

    return of


def _written(**named: Any) -> Callable[[str], Callable[[Path], None]]:
    def how(table: Any, path: Path) -> None:
        import pyarrow.parquet as pq

        pq.write_table(table, path, **named)

    return _file(how)


def _and_then(how: Callable[[bytes], bytes]) -> Callable[[str], Callable[[Path], None]]:
    def write(table: Any, path: Path) -> None:
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        path.write_bytes(how(buffer.getvalue()))

    return _file(write)


def _told(key: bytes, text: bytes) -> Callable[[str], Callable[[Path], None]]:
    """Metadata beside the columns."""

    def write(table: Any, path: Path) -> None:
        import pyarrow.parquet as pq

        pq.write_table(table.replace_schema_metadata({key: text}), path)

    return _file(write)


def _renamed(name: str) -> Callable[[str], Callable[[Path], None]]:
    def write(table: Any, path: Path) -> None:
        import pyarrow.parquet as pq

        pq.write_table(table.rename_columns([*table.column_names[:-1], name]), path)

    return _file(write)


PARQUET: dict[str, tuple[Callable[[str], Callable[[Path], None]], str]] = {
    "zstd": (_written(compression="zstd"), "same"),
    "gzip": (_written(compression="gzip"), "same"),
    "brotli": (_written(compression="brotli"), "same"),
    "no_compression": (_written(compression="none"), "same"),
    "row_groups": (_written(row_group_size=1), "same"),
    "pages": (_written(data_page_version="2.0", use_dictionary=False), "same"),
    "without_statistics": (_written(write_statistics=False), "same"),
    "pandas_told_no_json": (_told(b"pandas", b"{"), "either"),
    "pandas_told_a_list": (_told(b"pandas", b"[]"), "either"),
    "pandas_told_other_columns": (
        _told(b"pandas", b'{"index_columns": ["nothing"], "columns": [], "column_indexes": []}'), "either",
    ),
    "pandas_told_a_range": (
        _told(b"pandas", b'{"index_columns": [{"kind": "range", "start": 0, "stop": "x", "step": 0, "name": null}],'
              b' "columns": [], "column_indexes": []}'), "either",
    ),
    "pandas_told_bytes": (_told(b"pandas", b"\xff\xfe"), "either"),
    "schema_told_no_schema": (_told(b"ARROW:schema", b"AAAA"), "either"),
    "column_without_a_name": (_renamed(""), "either"),
    "column_of_controls": (_renamed("a\x1b[31m"), "refused"),
    "column_twice": (_renamed("patient_id"), "refused"),
    "encrypted": (_and_then(lambda b: b"PARE" + b[4:-4] + b"PARE"), "refused"),
    "encrypted_behind": (_and_then(lambda b: b[:-4] + b"PARE"), "refused"),
    "footer_huge": (_and_then(lambda b: b[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1"), "refused"),
    "footer_zero": (_and_then(lambda b: b[:-8] + struct.pack("<I", 0) + b"PAR1"), "refused"),
    "marks_alone": (_and_then(lambda b: b"PAR1PAR1"), "refused"),
    "mark_alone": (_and_then(lambda b: b"PAR1"), "refused"),
    "twice": (_and_then(lambda b: b + b), "either"),
    "gzipped": (_and_then(gzip.compress), "refused"),
    **{
        f"bytes_changed_{k}": (_and_then(lambda b, k=k: _flipped(b, k)), "either") for k in range(6)
    },
}  # fmt: skip


def _flipped(raw: bytes, seed: int) -> bytes:
    """Some bytes of the columns, of the footer for odd seeds, are others."""
    draw, found = random.Random(seed), bytearray(raw)
    footer = len(raw) - 8 - struct.unpack("<I", raw[-8:-4])[0]
    for _ in range(8):
        at = draw.randrange(footer, len(raw) - 8) if seed % 2 else draw.randrange(4, footer)
        found[at] = draw.randrange(256)
    return bytes(found)


def parquet() -> Iterator[Case]:
    """Columns of other types, and files that were written otherwise or are damaged."""
    for table in TABLES:
        for name, column in COLUMNS.items():
            change = _instead(table, "t.parquet", _column(table, column))
            yield Case("formats", f"parquet.{table}.column.{name}", "study", PLAN, change)
        for name, (write, expects) in PARQUET.items():
            change = _instead(table, "t.parquet", write(table))
            command = PLAN if expects == "either" else ANALYZE
            yield Case("formats", f"parquet.{table}.{name}", "study", command, change, expects)


# ---------------------------------------------------------------- workbooks

SHEET, STRINGS, BOOK = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"


def _book(how: Callable[[Any], Any], keeps: bool = True) -> Callable[[str], Callable[[Path], None]]:
    """A workbook of a table, changed by openpyxl."""

    def of(table: str) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            import openpyxl

            _frame(path, table).to_excel(path, index=False)
            book = openpyxl.load_workbook(path)
            how(book)
            book.save(path)

        return write

    return of


def _share_texts(parts: dict[str, bytes]) -> None:
    """Texts in a part of their own, as Excel writes them."""
    found: list[bytes] = []

    def number(cell: re.Match[bytes]) -> bytes:
        found.append(cell[2])
        return b'%s t="s"><v>%d</v></c>' % (cell[1], len(found) - 1)

    pattern = rb'(<c [^>]*?) t="inlineStr"><is><t[^>]*>([^<]*)</t></is></c>'
    parts[SHEET] = re.sub(pattern, number, parts[SHEET])
    if not found:  # they are already
        return
    items = b"".join(b"<si><t>" + text + b"</t></si>" for text in found)
    parts[STRINGS] = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">' + items + b"</sst>"
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    entry = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % kind
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", entry)


def _part(name: str, how: Callable[[bytes], bytes]) -> Callable[[str], Callable[[Path], None]]:
    """A workbook with one part of its archive written otherwise; b"" leaves it out."""

    def of(table: str) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            _frame(path, table).to_excel(path, index=False)
            with zipfile.ZipFile(path) as archive:
                parts = {each: archive.read(each) for each in archive.namelist()}
            _share_texts(parts)
            assert name in parts, sorted(parts)
            parts[name] = how(parts[name])
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for each, content in parts.items():
                    if content:
                        archive.writestr(each, content)

        return write

    return of


def _more(name: str, content: bytes) -> Callable[[str], Callable[[Path], None]]:
    def of(table: str) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            _frame(path, table).to_excel(path, index=False)
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr(name, content)

        return write

    return of


def _cell(place: str, value: Any) -> Callable[[Any], None]:
    return lambda book: book.active.__setitem__(place, value)


def _hidden(kind: str, which: Any) -> Callable[[Any], None]:
    return lambda book: setattr(getattr(book.active, f"{kind}_dimensions")[which], "hidden", True)


_LAUGHS = b"<!DOCTYPE x [<!ENTITY a0 'ha'>" + b"".join(
    b"<!ENTITY a%d '%s'>" % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 12)
) + b"]>"  # fmt: skip
_FILE = b"<!DOCTYPE x [<!ENTITY a11 SYSTEM 'file:///etc/passwd'>]>"


def _entity(declared: bytes) -> Callable[[bytes], bytes]:
    """An entity in the place of a number or a text of the sheet."""

    def how(xml: bytes) -> bytes:
        head, mark, rest = xml.partition(b"?>") if xml.startswith(b"<?xml") else (b"", b"", xml)
        return head + mark + declared + re.sub(rb"<v>[^<]*</v>", b"<v>&a11;</v>", rest, count=9)

    return how


BOOKS: dict[str, tuple[Callable[[str], Callable[[Path], None]], str]] = {
    "as_it_is": (_book(lambda book: None), "same"),
    "hidden_row": (_book(_hidden("row", 5)), "either"),
    "hidden_column": (_book(_hidden("column", "A")), "either"),
    "filtered": (_book(lambda book: setattr(book.active.auto_filter, "ref", "A1:B9")), "either"),
    "frozen": (_book(lambda book: setattr(book.active, "freeze_panes", "B2")), "same"),
    "protected_sheet": (_book(lambda book: book.active.protection.set_password("x")), "same"),
    "years_from_1904": (_book(lambda book: setattr(book, "epoch", datetime(1904, 1, 1))), "either"),
    "empty_sheet": (_book(lambda book: book.active.delete_rows(1, 999)), "refused"),
    "header_alone": (_book(lambda book: book.active.delete_rows(2, 999)), "refused"),
    "one_cell": (_book(lambda book: (book.active.delete_rows(1, 999), _cell("A1", "x")(book))), "refused"),
    "blank_row_within": (_book(lambda book: book.active.insert_rows(9)), "either"),
    "blank_column_within": (_book(lambda book: book.active.insert_cols(2)), "either"),
    "title_above": (_book(lambda book: (book.active.insert_rows(1, 2), _cell("A1", "Table 1")(book))), "either"),
    "notes_below": (_book(_cell("A60", "All values in mm.")), "either"),
    "notes_beside": (_book(_cell("Z3", "checked")), "either"),
    "date_header": (_book(_cell("B1", datetime(2024, 1, 1))), "either"),
    "number_header": (_book(_cell("B1", 5)), "either"),
    "formula_header": (_book(_cell("B1", "=1+1")), "either"),
    "formula": (_book(_cell("C5", "=SUM(C6:C7)")), "either"),
    "formula_of_an_array": (_book(_cell("C5", "={1,2,3}")), "either"),
    "formula_of_another_book": (_book(_cell("C5", "='[other.xlsx]Sheet1'!A1")), "either"),
    "date": (_book(_cell("C5", datetime(2024, 1, 1))), "refused"),
    "boolean": (_book(_cell("C5", True)), "either"),
    "error": (_book(_cell("C5", "#REF!")), "either"),
    "not_available": (_book(_cell("C5", "#N/A")), "either"),
    "text_of_a_number": (_book(_cell("C5", "'5")), "either"),
    "long_text": (_book(_cell("C5", "x" * 32_767)), "refused"),
    "controls": (_part(SHEET, lambda b: b.replace(b"<v>", b"<v>&#27;", 1)), "either"),
    "number_far": (_part(SHEET, lambda b: re.sub(rb'(r="C5"[^>]*>)<v>[^<]*', rb"\1<v>1e999", b)), "either"),
    "number_of_words": (_part(SHEET, lambda b: re.sub(rb'(r="C5"[^>]*>)<v>[^<]*', rb"\1<v>abc", b)), "either"),
    "number_empty": (_part(SHEET, lambda b: re.sub(rb'(r="C5"[^>]*>)<v>[^<]*', rb"\1<v>", b)), "either"),
    "texts_shared": (_part(SHEET, lambda b: b), "same"),
    "kind_unknown": (_part(SHEET, lambda b: re.sub(rb't="s"', b't="q"', b, count=3)), "either"),
    "place_unknown": (_part(SHEET, lambda b: b.replace(b'r="B3"', b'r="3B"', 1)), "either"),
    "place_far": (_part(SHEET, lambda b: b.replace(b'r="B3"', b'r="ZZZZ3"', 1)), "either"),
    "place_twice": (_part(SHEET, lambda b: b.replace(b'r="B3"', b'r="A3"', 1)), "either"),
    "rows_backwards": (_part(SHEET, lambda b: b.replace(b'<row r="5"', b'<row r="2"', 1)), "either"),
    "row_far": (_part(SHEET, lambda b: b.replace(b'<row r="49"', b'<row r="99999999"', 1)), "either"),
    "row_minus": (_part(SHEET, lambda b: b.replace(b'<row r="5"', b'<row r="-5"', 1)), "either"),
    "text_beyond": (_part(SHEET, lambda b: re.sub(rb't="s"><v>\d+', b't="s"><v>99999', b, count=1)), "refused"),
    "text_minus": (_part(SHEET, lambda b: re.sub(rb't="s"><v>\d+', b't="s"><v>-5', b, count=1)), "either"),
    "texts_missing": (_part(STRINGS, lambda b: b""), "refused"),
    "texts_cut": (_part(STRINGS, lambda b: b[: len(b) // 2]), "refused"),
    "sheet_missing": (_part(SHEET, lambda b: b""), "refused"),
    "sheet_cut": (_part(SHEET, lambda b: b[: len(b) // 2]), "refused"),
    "sheet_of_bytes": (_part(SHEET, lambda b: random.Random(2).randbytes(900)), "refused"),
    "sheet_of_laughs": (_part(SHEET, _entity(_LAUGHS)), "refused"),
    "sheet_of_a_file": (_part(SHEET, _entity(_FILE)), "refused"),
    "texts_of_laughs": (_part(STRINGS, lambda b: _entity(_LAUGHS)(b).replace(b"<t>", b"<t>&a11;", 1)), "refused"),
    "sheet_deep": (_part(SHEET, lambda b: b.replace(b"<sheetData>", b"<x>" * 50_000 + b"<sheetData>")), "refused"),
    "sheet_utf16": (_part(SHEET, lambda b: _as_utf16(b)), "either"),
    "book_missing": (_part(BOOK, lambda b: b""), "refused"),
    "book_without_sheets": (_part(BOOK, lambda b: re.sub(rb"<sheets>.*</sheets>", b"<sheets/>", b)), "refused"),
    "sheet_name_long": (_part(BOOK, lambda b: re.sub(rb'name="Sheet1"', b'name="' + b"n" * 5000 + b'"', b)), "either"),
    "kinds_missing": (_part("[Content_Types].xml", lambda b: b""), "refused"),
    "styles_missing": (_part("xl/styles.xml", lambda b: b""), "either"),
    "styles_cut": (_part("xl/styles.xml", lambda b: b[:300]), "either"),
    "member_above": (_more("../../evil", b"x"), "same"),
    "member_of_bytes": (_more("xl/vbaProject.bin", bytes(5000)), "either"),
    "member_twice": (_more(SHEET, b"<worksheet/>"), "either"),
}  # fmt: skip


def _as_utf16(xml: bytes) -> bytes:
    text = re.sub(r"^<\?xml[^>]*\?>", "", xml.decode())
    return ('<?xml version="1.0" encoding="UTF-16"?>' + text).encode("utf-16")


def workbooks() -> Iterator[Case]:
    """What a workbook may hold beside a table, and archives of which parts are damaged."""
    for i, (name, (write, expects)) in enumerate(BOOKS.items()):
        for table in ("clinical", "reader1") if i % 2 else ("clinical",):
            change = _instead(table, "t.xlsx", write(table))
            command = PLAN if expects == "either" else ANALYZE
            yield Case("formats", f"workbook.{table}.{name}", "study", command, change, expects)


# ---------------------------------------------------------------- text


def _text(how: Callable[[bytes], bytes]) -> Callable[[str], Callable[[Path], None]]:
    return lambda table: lambda path: path.write_bytes(how((path.parent / f"{table}.csv").read_bytes())) and None


def _german(raw: bytes) -> bytes:
    return raw.replace(b",", b";").replace(b".", b",")


TEXTS: dict[str, tuple[str, Callable[[bytes], bytes], dict, str]] = {
    # the file's name, what is done with the text, how it is read, what is expected
    "german": ("t.csv", _german, {"separator": ";", "decimal": ","}, "same"),
    "german_tsv": ("t.tsv", lambda b: _german(b).replace(b";", b"\t"), {"decimal": ","}, "same"),
    "german_gz": ("t.csv.gz", lambda b: gzip.compress(_german(b)), {"separator": ";", "decimal": ","}, "same"),
    "german_said_plain": ("t.csv", _german, {"separator": ";"}, "either"),
    "plain_said_german": ("t.csv", lambda b: b, {"decimal": ","}, "either"),
    "utf16_said": ("t.csv", lambda b: b.decode().encode("utf-16"), {"encoding": "utf-16"}, "same"),
    "utf16_not_said": ("t.csv", lambda b: b.decode().encode("utf-16"), {}, "either"),
    "utf16_said_utf8": ("t.csv", lambda b: b.decode().encode("utf-16"), {"encoding": "utf-8"}, "refused"),
    "utf8_said_utf16": ("t.csv", lambda b: b, {"encoding": "utf-16"}, "refused"),
    "utf32_said": ("t.csv", lambda b: b.decode().encode("utf-32"), {"encoding": "utf-32"}, "either"),
    "latin1_said": ("t.csv", lambda b: b.replace(b"P07", b"P\xe907"), {"encoding": "latin-1"}, "refused"),
    "returns": ("t.csv", lambda b: b.replace(b"\n", b"\r"), {}, "either"),
    "returns_skipped": ("t.csv", lambda b: b"title\r" + b.replace(b"\n", b"\r"), {"skip_rows": 1}, "either"),
    "windows_lines_skipped": (
        "t.csv", lambda b: b"title\r\n\r\n" + b.replace(b"\n", b"\r\n"), {"skip_rows": 2}, "same",
    ),
    "mark_behind_a_title": ("t.csv", lambda b: b"title\n\xef\xbb\xbf" + b, {"skip_rows": 1}, "either"),
    "vertical_tabs": ("t.csv", lambda b: b.replace(b"\n", b"\x0b", 3), {}, "either"),
    "form_feed": ("t.csv", lambda b: b.replace(b"\n", b"\n\x0c", 1), {}, "either"),
    "next_lines": ("t.csv", lambda b: b.replace(b"\n", b"\xc2\x85"), {}, "refused"),
    "line_separators": ("t.csv", lambda b: b.replace(b"\n", b"\xe2\x80\xa8"), {}, "refused"),
    "unit_separators": ("t.csv", lambda b: b.replace(b",", b"\x1f"), {}, "refused"),
    "colons": ("t.csv", lambda b: b.replace(b",", b":"), {"separator": ":"}, "either"),
    "hard_spaces": ("t.csv", lambda b: b.replace(b",", b",\xc2\xa0"), {}, "either"),
    "quoted_lines": ("t.csv", lambda b: b.replace(b"\nP05,", b'\n"P05\n",', 1), {}, "either"),
    "quotes_doubled": ("t.csv", lambda b: b.replace(b"P05", b'"P""05"', 1), {}, "refused"),
    "nul_within": ("t.csv", lambda b: b.replace(b"P05", b"P\x0005", 1), {}, "refused"),
    "nuls_only": ("t.csv", lambda b: bytes(9000), {}, "refused"),
    "blanks_only": ("t.csv", lambda b: b" \n\t\n" * 500, {}, "refused"),
    "separators_only": ("t.csv", lambda b: b",,,\n" * 500, {}, "refused"),
    "marks_only": ("t.csv", lambda b: b"\xef\xbb\xbf" * 500, {}, "refused"),
    "quotes_only": ("t.csv", lambda b: b'"' * 501, {}, "refused"),
    "gzip_of_gzip_of_utf16": ("t.csv.gz", lambda b: gzip.compress(b.decode().encode("utf-16")), {}, "either"),
    "gzip_named_upper": ("T.CSV.GZ", gzip.compress, {}, "either"),
    "gzip_header_cut": ("t.csv.gz", lambda b: gzip.compress(b)[:9], {}, "refused"),
    "gzip_plain": ("t.csv.gz", lambda b: b, {}, "refused"),
    "gzip_with_zeros": ("t.csv.gz", lambda b: gzip.compress(b) + bytes(500), {}, "either"),
    "zstd": ("t.csv.zst", lambda b: b"\x28\xb5\x2f\xfd" + b, {}, "refused"),
    "rds": ("t.rds", lambda b: gzip.compress(b"X\n\x00\x00\x00\x02" + b), {}, "refused"),
    "spss": ("t.sav", lambda b: b"$FL2@(#) SPSS DATA FILE" + b, {}, "refused"),
    "stata": ("t.dta", lambda b: b"<stata_dta><header>" + b, {}, "refused"),
    "ods": ("t.ods", lambda b: _open_document(b), {}, "refused"),
    "xlsb": ("t.xlsb", lambda b: _open_document(b), {}, "refused"),
    "xls_of_text": ("t.xls", lambda b: b.replace(b",", b"\t"), {}, "refused"),
    "xls_of_html": ("t.xls", lambda b: b"<html><table><tr><td>a</td></tr></table></html>", {}, "refused"),
    "xml": ("t.xml", lambda b: b"<?xml version='1.0'?><table/>", {}, "refused"),
    "json_lines": ("t.jsonl", lambda b: b'{"patient_id": "P00"}\n' * 48, {}, "refused"),
    "pickle": ("t.pkl", lambda b: pickle.dumps({"a": [1]}), {}, "refused"),
    "numpy": ("t.npy", lambda b: _saved(np.save, np.zeros((48, 6))), {}, "refused"),
    "numpy_named_csv": ("t.csv", lambda b: _saved(np.save, np.zeros((48, 6))), {}, "refused"),
    "pdf": ("t.csv", lambda b: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b, {}, "refused"),
    "png": ("t.csv", lambda b: b"\x89PNG\r\n\x1a\n" + bytes(500), {}, "refused"),
    "sqlite": ("t.csv", lambda b: b"SQLite format 3\x00" + bytes(500), {}, "refused"),
    "sheet_of_text": ("t.csv", lambda b: b, {"sheet": 1}, "refused"),
    "skips_all": ("t.csv", lambda b: b, {"skip_rows": 49}, "refused"),
}  # fmt: skip


def _saved(how: Callable[..., Any], *content: Any, **named: Any) -> bytes:
    buffer = io.BytesIO()
    how(buffer, *content, **named)
    return buffer.getvalue()


def _open_document(raw: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", raw)
    return buffer.getvalue()


def texts() -> Iterator[Case]:
    """Tables of text as other systems write them, and what is no table of text."""
    for name, (file, how, read, expects) in TEXTS.items():
        for table in TABLES:
            if table == "reader1" and expects == "refused":
                continue  # the clinical table is read in the same way
            if table == "clinical":
                change = _instead(table, file, _text(how)(table), {"clinical": {"read": read}} if read else None)
            else:

                def change(folder: Path, how=how, file=file, read=read) -> None:
                    _text(how)("reader1")(folder / file)
                    named = {"path": file, "read": read} if read else file
                    write_yaml(folder / "study.yaml", put(STUDY, TABLES["reader1"][0], named))

            command = PLAN if expects == "either" else ANALYZE
            yield Case("formats", f"text.{table}.{name}", "study", command, change, expects)


def formats() -> Iterator[Case]:
    """All of them."""
    for each in (parquet, workbooks, texts):
        yield from each()


# ---------------------------------------------------------------- feature libraries

LIBRARY: dict = merged(
    STUDY,
    {
        "selection": [{"feature_library": {"library": "library.csv", "reading": "A"}}],
        "models": [{"name": "Disc", "terms": ["disc"]}],
        "comparisons": [],
    },
)


def _library(how: Callable[[pd.DataFrame], Any], file: str = "library.csv") -> Callable[[Path], None]:
    """A library made of the second reader's table."""

    def change(folder: Path) -> None:
        made = how(_frame(folder / file, "reader2"))
        if isinstance(made, pd.DataFrame):
            made = made.to_csv(index=False).encode()
        (folder / file).write_bytes(made)
        write_yaml(folder / "study.yaml", put(LIBRARY, ("selection", 0, "feature_library", "library"), file))

    return change


def _beside(raw: bytes | Callable[[Path], Any]) -> Callable[[Path], None]:
    """A library, and beside it what is called as `prldh extract` calls what it says of one."""

    def change(folder: Path) -> None:
        _library(lambda t: t)(folder)
        (folder / "library.csv").rename(folder / "disc.library.csv")
        path = folder / "disc.json"
        path.write_bytes(raw) if isinstance(raw, bytes) else raw(path)
        write_yaml(
            folder / "study.yaml", put(LIBRARY, ("selection", 0, "feature_library", "library"), "disc.library.csv")
        )

    return change


def _named(library: Any, reading: Any = "A") -> Callable[[Path], None]:
    """Settings of the step."""

    def change(folder: Path) -> None:
        _library(lambda t: t)(folder)
        step = {"library": library, "reading": reading}
        write_yaml(folder / "study.yaml", merged(LIBRARY, {"selection": [{"feature_library": step}]}))

    return change


def _origin(**told: Any) -> bytes:
    return json.dumps({"tissue": "disc", **told}).encode()


def _cells_of(value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda t: t.astype({F0: object}).assign(**{F0: [value, *t[F0][1:]]})


def _and_300(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, pd.DataFrame(1.0, table.index, [f"m{k}" for k in range(300)])], axis=1)


LIBRARIES: dict[str, tuple[Callable[[Path], None], str]] = {
    "as_it_is": (_library(lambda t: t), "accepted"),
    "parquet": (_library(lambda t: _saved(lambda b, t: t.to_parquet(b, index=False), t), "l.parquet"), "accepted"),
    "workbook": (_library(lambda t: _saved(lambda b, t: t.to_excel(b, index=False), t), "l.xlsx"), "accepted"),
    "npz": (_library(lambda t: _saved(np.savez, t.iloc[:, 1:].to_numpy()), "l.npz"), "refused"),
    "npy": (_library(lambda t: _saved(np.save, t.iloc[:, 1:].to_numpy()), "l.npy"), "refused"),
    "npy_of_objects": (
        _library(lambda t: _saved(np.save, np.array([{}], dtype=object), allow_pickle=True), "l.npy"), "refused",
    ),
    "pickle": (_library(lambda t: pickle.dumps(t.to_dict()), "l.pkl"), "refused"),
    "pickle_named_csv": (_library(lambda t: pickle.dumps(t.to_dict())), "refused"),
    "pickle_of_code": (_library(lambda t: b"cposix\nsystem\n(S'true'\ntR."), "refused"),
    "torch_named_csv": (_library(lambda t: _saved(_torch_save, t.iloc[:, 1:].to_numpy())), "refused"),
    "torch": (_library(lambda t: _saved(_torch_save, t.iloc[:, 1:].to_numpy()), "l.pt"), "refused"),
    "empty": (_library(lambda t: b""), "refused"),
    "header_alone": (_library(lambda t: t[:0]), "refused"),
    "one_row": (_library(lambda t: t[:1]), "refused"),
    "two_rows": (_library(lambda t: t[:2]), "refused"),
    "three_rows": (_library(lambda t: t[:3]), "either"),
    "same_row": (_library(lambda t: pd.concat([t[:1]] * 9)), "either"),
    "ids_alone": (_library(lambda t: t.iloc[:, :1]), "refused"),
    "without_ids": (_library(lambda t: t.iloc[:, 1:]), "refused"),
    "transposed": (_library(lambda t: t.T), "refused"),
    "one_feature": (_library(lambda t: t.iloc[:, :2]), "refused"),
    "half": (_library(lambda t: t.iloc[:, :4]), "refused"),
    "of_others": (_library(lambda t: t.rename(columns=lambda n: f"x_{n}")), "either"),
    "more": (_library(_and_300), "accepted"),
    "reordered": (_library(lambda t: t[[t.columns[0], *t.columns[:0:-1]]]), "accepted"),
    "doubled": (_library(lambda t: pd.concat([t, t[[F0]]], axis=1)), "refused"),
    "blank": (_library(_cells_of("")), "refused"),
    "text": (_library(_cells_of("high")), "refused"),
    "escape": (_library(_cells_of("\x1b[31m" + "x" * 9000)), "refused"),
    "nan": (_library(_cells_of("nan")), "refused"),
    "infinite": (_library(_cells_of("inf")), "refused"),
    "huge": (_library(_cells_of(1e308)), "either"),
    "huge_all": (_library(lambda t: t.assign(**{F0: t[F0] * 1e300})), "either"),
    "tiny_all": (_library(lambda t: t.assign(**{F0: t[F0] * 1e-300})), "either"),
    "comma": (_library(_cells_of("1,5")), "refused"),
    "underscore": (_library(_cells_of("1_0")), "either"),
    "constant": (_library(lambda t: t.assign(**{F0: 1.0})), "either"),
    "constant_all": (_library(lambda t: t.assign(**dict.fromkeys(FEATURES, 1.0))), "either"),
    "copies": (_library(lambda t: t.assign(**{n: t[F0] for n in FEATURES})), "either"),
    "times": (_library(lambda t: _saved(
        lambda b, t: t.assign(**{F0: pd.to_datetime(range(len(t)))}).to_parquet(b, index=False), t
    ), "l.parquet"), "refused"),
    "lists": (_library(lambda t: _saved(
        lambda b, t: t.assign(**{F0: [[1.0]] * len(t)}).to_parquet(b, index=False), t
    ), "l.parquet"), "refused"),
    "half_precision": (_library(lambda t: _saved(
        lambda b, t: t.astype(dict.fromkeys(FEATURES, "float32")).to_parquet(b, index=False), t
    ), "l.parquet"), "accepted"),
    "of_the_study": (_named("study.yaml"), "refused"),
    "of_the_cohort": (_named("reader1.csv"), "accepted"),
    "missing": (_named("nowhere.csv"), "refused"),
    "device": (_named("/dev/zero"), "refused"),
    "folder": (_named("."), "refused"),
    "number": (_named(5), "refused"),
    "list": (_named(["library.csv"]), "refused"),
    "null": (_named(None), "refused"),
    "of_tissues": (_named({"disc": "library.csv"}), "accepted"),
    "of_no_tissue": (_named({}), "refused"),
    "of_another_tissue": (_named({"bone": "library.csv"}), "refused"),
    "of_tissues_nested": (_named({"disc": {"path": "library.csv"}}), "refused"),
    "of_tissues_null": (_named({"disc": None}), "refused"),
    "reading_b": (_named("library.csv", "B"), "accepted"),
    "reading_c": (_named("library.csv", "C"), "refused"),
    "reading_list": (_named("library.csv", ["A"]), "refused"),
    "told.same": (_beside(_origin()), "accepted"),
    "told.another": (_beside(_origin(tissue="bone")), "refused"),
    "told.number": (_beside(_origin(tissue=5)), "either"),
    "told.map": (_beside(_origin(tissue={"a": 1})), "either"),
    "told.long": (_beside(_origin(tissue="x" * 100_000)), "refused"),
    "told.escape": (_beside(_origin(tissue="\x1b[31m")), "refused"),
    "told.sources_list": (_beside(_origin(sources=[])), "either"),
    "told.computed_text": (_beside(_origin(sources={"uctransnet": {"computed": "x"}})), "either"),
    "told.checkpoint_number": (
        _beside(_origin(sources={"uctransnet": {"computed": {"checkpoint_sha256": 5}}})), "either",
    ),
    "told.list": (_beside(b"[]"), "either"),
    "told.nothing": (_beside(b""), "either"),
    "told.null": (_beside(b"null"), "either"),
    "told.deep": (_beside(b"[" * 200_000), "either"),
    "told.deep_maps": (_beside(b'{"a":' * 100_000), "either"),
    "told.digits": (_beside(b'{"tissue": ' + b"9" * 9000 + b"}"), "either"),
    "told.bytes": (_beside(b"\xff\xfe\x00"), "either"),
    "told.by_a_pipe": (_beside(lambda path: __import__("os").mkfifo(path)), "either"),
    "told.by_a_device": (_beside(lambda path: path.symlink_to("/dev/zero")), "either"),
    "told.by_a_folder": (_beside(Path.mkdir), "either"),
    "told.by_a_loop": (_beside(lambda path: path.symlink_to(path.name)), "either"),
    "told.by_nobody": (_beside(lambda path: path.symlink_to("nowhere")), "either"),
}  # fmt: skip


def _torch_save(buffer: io.BytesIO, values: np.ndarray) -> None:
    import torch

    torch.save(torch.from_numpy(values), buffer)


def libraries() -> Iterator[Case]:
    """Tables of a feature library, what names them, and what stands beside them."""
    for name, (change, expects) in LIBRARIES.items():
        yield Case("libraries", name, "study", ANALYZE, change, expects)
