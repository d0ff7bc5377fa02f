"""Tables: one cell, whole tables, and other ways to write the same."""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from changes import ANALYZE, put, rewritten
from templates import FEATURES, STUDY, write_yaml
from verdicts import Case

CELLS: dict[str, str] = {
    "text": "abc",
    "blank": "",
    "nan": "NaN",
    "question": "?",
    "infinite": "inf",
    "minus_infinite": "-Infinity",
    "huge": "1e400",
    "large": "1e308",
    "subnormal": "1e-320",
    "hex": "0x1F",
    "comma": "1,5",
    "underscore": "1_000",
    "fullwidth": "５５",
    "arabic": "٥٥",
    "unit": "55 years",
    "percent": "5%",
    "date": "2024-01-01",
    "boolean": "True",
    "quote": 'a"b',
    "newline": "a\nb",
    "escape": "\x1b[2J\x1b[31mred",
    "bidi": "abc\u202edef",
    "zero_width": "a\u200bb",
    "long": "z" * 1_000_000,
    "formula": "=1+1",
    "script": "<script>alert(1)</script>",
    "template": "{{ 7 * 7 }}",
    "two": "2",
    "minus": "-1",
    "5000_digits": "9" * 5000,
}

#: Cells that a column takes, and those that it must not take without a word.
NUMBERS = {"large", "subnormal", "two", "minus"}
#: What figures are drawn of: scales and labels that are hard to draw.
ODD_SCALES = {"large", "subnormal"}
ODD_LABELS = {"quote", "newline", "escape", "bidi", "zero_width", "long", "script", "template", "arabic", "5000_digits"}


def cells() -> Iterator[Case]:
    """One cell of each kind of column, in each kind of table."""
    columns = {
        "id": ("clinical", "patient_id", False),
        "outcome": ("clinical", "recurrence", False),
        "age": ("clinical", "age", True),
        "sex": ("clinical", "sex", None),
        "grade": ("clinical", "grade", False),
        "hospital": ("clinical", "hospital", None),
        "marker": ("clinical", "marker", True),
        "feature": ("reader1", FEATURES[2], True),
        "feature_id": ("reader2", "patient_id", False),
    }
    for column, (table, name, is_number) in columns.items():
        for kind, text in CELLS.items():
            expects = "either"
            if is_number and kind not in NUMBERS | {"blank", "nan", "question", "underscore", "fullwidth", "arabic"}:
                expects = "refused"  # a number that is none
            if is_number is False and kind not in ("blank", "nan", "question", "formula"):
                expects = "refused"  # an id, an outcome or a level that the others do not have
            if column == "id" and kind in ("blank",):
                expects = "refused"

            def change(folder: Path, table=table, name=name, text=text) -> None:
                found = pd.read_csv(folder / f"{table}.csv", dtype=str)
                found.loc[7, name] = text
                found.to_csv(folder / f"{table}.csv", index=False)

            is_drawn = kind in (ODD_SCALES if is_number else ODD_LABELS if is_number is None else ())
            yield Case("cells", f"{column}.{kind}", "study", ANALYZE, change, expects, is_drawn=is_drawn)


def _whole_column(table: str, column: str, how: Callable[[pd.Series], Any]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / f"{table}.csv"
        found = pd.read_csv(path, dtype=str)
        found[column] = how(found[column])
        found.to_csv(path, index=False)

    return change


def _times(factor: float) -> Callable[[pd.Series], Any]:
    return lambda column: [repr(float(v) * factor) for v in column]


def _instead(table: str, name: str, content: Callable[[Path], None]) -> Callable[[Path], None]:
    """Another file in place of a table."""

    def change(folder: Path) -> None:
        content(folder / name)
        study = deepcopy(STUDY)
        if table == "clinical":
            study["clinical"]["table"] = name
        else:
            study["tissues"]["disc"]["features"][0] = name
        write_yaml(folder / "study.yaml", study)

    return change


def _newlines(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(1000):
            file.write(b"\n" * 2**20)


def _workbook(rows: int, cells: int = 1) -> Callable[[Path], None]:
    """A workbook whose one sheet has so many rows of one text each, and states a dimension that is a lie."""

    def write(path: Path) -> None:
        pd.DataFrame({"a": ["b"]}).to_excel(path, index=False)
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        kind = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        head = f'<?xml version="1.0"?><worksheet xmlns="{kind}"><dimension ref="A1:B2"/><sheetData>'
        row = "<row>" + '<c t="inlineStr"><is><t>a</t></is></c>' * cells + "</row>"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            sheet_name = "xl/worksheets/sheet1.xml"
            for name, content in parts.items():
                if name != sheet_name:
                    archive.writestr(name, content)
            with archive.open(sheet_name, "w", force_zip64=True) as sheet:
                sheet.write(head.encode())
                block = (row * 1000).encode()
                for _ in range(max(1, rows // 1000)):
                    sheet.write(block)
                sheet.write(b"</sheetData></worksheet>")

    return write


def _compound(path: Path) -> None:
    """The beginning of what old and of what protected workbooks are."""
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5000)


def _quoted(content: bytes) -> bytes:
    lines = [b'"' + line.replace(b",", b'","') + b'"' for line in content.split(b"\n") if line]
    return b"\n".join(lines) + b"\n"


def _with_notes(content: bytes) -> bytes:
    """A column that the study does not name."""
    first, *others = content.rstrip(b"\n").split(b"\n")
    return b"\n".join([first + b",note", *(line + b",x" for line in others)]) + b"\n"


def _parquet(how: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        table = pd.read_csv(path.parent / "reader1.csv")
        buffer = io.BytesIO()
        table.to_parquet(buffer, index=False)
        path.write_bytes(how(buffer.getvalue()))

    return write


def whole_tables() -> Iterator[Case]:
    """Tables that are no tables, or too large, or wrong as a whole."""
    ways: dict[str, Callable[[bytes], bytes]] = {
        "empty": lambda b: b"",
        "header_only": lambda b: b.split(b"\n")[0] + b"\n",
        "one_row": lambda b: b"\n".join(b.split(b"\n")[:2]) + b"\n",
        "no_header": lambda b: b.split(b"\n", 1)[1],
        "double_header": lambda b: b.replace(b"\n", b"\n" + b.split(b"\n")[0] + b"\n", 1),
        "double_column": lambda b: b"\n".join(x + b"," + x.rsplit(b",", 1)[-1] for x in b.split(b"\n") if x),
        "double_row": lambda b: b + b.split(b"\n")[3] + b"\n",
        "ragged_long": lambda b: b.replace(b"\n", b",1,2\n", 5),
        "ragged_short": lambda b: b[: len(b) // 2],
        "unbalanced_quote": lambda b: b.replace(b",", b',"', 20),
        "quote_over_all": lambda b: b.replace(b"\n", b'\n"', 2),
        "nul_early": lambda b: b[:200] + b"\x00" + b[200:],
        "nul_late": lambda b: b + b"\n" * 70_000 + b"x\x00y\n",
        "latin1": lambda b: b.replace(b"P07", "Pé7".encode("latin-1")),
        "utf16": lambda b: b.decode().encode("utf-16"),
        "utf16_without_mark": lambda b: b.decode().encode("utf-16-le"),
        "semicolons": lambda b: b.replace(b",", b";"),
        "tabs": lambda b: b.replace(b",", b"\t"),
        "binary": lambda b: random.Random(1).randbytes(5000),
        "gzip_named_csv": gzip.compress,
        "html": lambda b: b"<html><body>404</body></html>",
        "json": lambda b: b'{"a": [1, 2]}',
        "excel_named_csv": lambda b: b"PK\x03\x04" + b,
        "long_header": lambda b: b"h" * 1_000_000 + b"," + b,
        "surrogate": lambda b: b.replace(b"P07", b"\xed\xa0\x80"),
        "title_row": lambda b: b"Table of patients\n" + b,
        "wide": lambda b: b"\n".join(x + b",1" * 30_000 for x in b.split(b"\n") if x),
        "escape_in_header": lambda b: b.replace(b",", b",\x1b[31m", 1),
    }
    for table in ("clinical", "reader1"):
        for name, how in ways.items():
            is_told = name not in (
                "wide",
                "double_column",
                "title_row",
                "quote_over_all",
                "one_row",
                "utf16",
                "unbalanced_quote",
                "ragged_long",  # shorter rows lack what nobody reads; Excel leaves blanks out at their ends
            )
            change = rewritten(f"{table}.csv", how)
            yield Case("tables", f"{table}.{name}", "study", ANALYZE, change, "refused" if is_told else "either")
    files: dict[str, tuple[str, Callable[[Path], None]]] = {
        "gzip_of_newlines": ("bomb.csv.gz", _newlines),
        "gzip_cut": ("cut.csv.gz", lambda p: p.write_bytes(gzip.compress(b"a,b\n" * 9999)[:60]) and None),
        "gzip_of_nothing": ("nothing.csv.gz", lambda p: p.write_bytes(gzip.compress(b"")) and None),
        "workbook_of_4_million_rows": ("rows.xlsx", _workbook(4_000_000)),
        "workbook_of_cells": ("cells.xlsx", _workbook(1000, 2000)),
        "workbook_not_zip": ("no.xlsx", lambda p: p.write_bytes(b"PK\x03\x04 no") and None),
        "workbook_old": ("old.xls", _compound),
        "workbook_protected": ("locked.xlsx", _compound),
        "workbook_of_csv": ("csv.xlsx", lambda p: shutil.copy(p.parent / "reader1.csv", p) and None),
        "zip": ("table.zip", lambda p: zipfile.ZipFile(p, "w").close()),
        "parquet_cut": ("cut.parquet", _parquet(lambda b: b[: len(b) // 2])),
        "parquet_flipped": ("flip.parquet", _parquet(lambda b: b[:60] + bytes(255 - x for x in b[60:200]) + b[200:])),
        "parquet_footer": ("foot.parquet", _parquet(lambda b: b[:-300] + bytes(200) + b[-100:])),
        "parquet_of_csv": ("csv.parquet", lambda p: shutil.copy(p.parent / "reader1.csv", p) and None),
        "parquet_empty": ("empty.parquet", lambda p: pd.DataFrame().to_parquet(p)),
        "parquet_nested": (
            "nested.parquet",
            lambda p: pd.DataFrame({"patient_id": ["P00"], "x": [[1, 2]]}).to_parquet(p, index=False),
        ),
        "unknown_ending": ("table.sas7bdat", lambda p: p.write_bytes(b"x" * 100) and None),
    }  # fmt: skip
    for table in ("clinical", "reader1"):
        for name, (file, content) in files.items():
            yield Case("tables", f"{table}.{name}", "study", ANALYZE, _instead(table, file, content), "refused")
    columns: dict[str, tuple[Callable[[pd.Series], Any], str]] = {
        "times_1e-310": (_times(1e-310), "either"),
        "times_1e300": (_times(1e300), "either"),
        "times_1e308": (_times(1e308), "either"),
        "constant": (lambda c: ["1.5"] * len(c), "either"),
        "nearly_constant": (lambda c: ["1.5"] * (len(c) - 1) + ["1.5000000000000002"], "either"),
        "all_blank": (lambda c: [""] * len(c), "either"),
        "all_text": (lambda c: ["abc"] * len(c), "refused"),
        "integers_beyond_53_bits": (lambda c: [str(2**60 + i) for i in range(len(c))], "either"),
        "two_values": (lambda c: ["0", "1"] * (len(c) // 2), "either"),
        "outcome_itself": (lambda c: [str(int(i % 5 < 2)) for i in range(len(c))], "either"),
    }
    for at, (table, column) in {"feature": ("reader1", FEATURES[0]), "age": ("clinical", "age")}.items():
        for name, (how, expects) in columns.items():
            yield Case("tables", f"column_{at}.{name}", "study", ANALYZE, _whole_column(table, column, how), expects)
    outcomes: dict[str, Callable[[pd.Series], Any]] = {
        "one_class": lambda c: ["yes"] * len(c),
        "no_event": lambda c: ["no"] * len(c),
        "one_event": lambda c: ["yes"] + ["no"] * (len(c) - 1),
        "three_classes": lambda c: ["yes", "no", "maybe"] * (len(c) // 3),
        "all_blank": lambda c: [""] * len(c),
        "other_words": lambda c: ["ja" if v == "yes" else "nein" for v in c],
        "blanks": lambda c: ["", *c[1:]],
        "case": lambda c: ["Yes", *c[1:]],
    }
    for name, how in outcomes.items():
        # a cell that differs in case alone is read as that level, and told
        expects = "either" if name == "case" else "refused"
        yield Case("tables", f"outcome.{name}", "study", ANALYZE, _whole_column("clinical", "recurrence", how), expects)
    for sign in "=+-@":
        change = _whole_column("clinical", "patient_id", lambda c: c)

        def formulas(folder: Path, sign=sign) -> None:
            for name in ("clinical", "reader1", "reader2"):
                found = pd.read_csv(folder / f"{name}.csv", dtype=str)
                found["patient_id"] = sign + found["patient_id"]
                found.to_csv(folder / f"{name}.csv", index=False)

        yield Case("tables", f"ids_begin_with_{ord(sign)}", "study", ANALYZE, formulas, "accepted")
        del change


def same_tables() -> Iterator[Case]:
    """Other ways to write the same tables: the same numbers."""
    files = ("clinical.csv", "reader1.csv", "reader2.csv")

    def all_of(how: Callable[[bytes], bytes]) -> Callable[[Path], None]:
        def change(folder: Path) -> None:
            for file in files:
                rewritten(file, how)(folder)

        return change

    def frames(how: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
        def change(folder: Path) -> None:
            for file in files:
                how(pd.read_csv(folder / file, dtype=str)).to_csv(folder / file, index=False)

        return change

    ways: dict[str, Callable[[Path], None]] = {
        "as_it_is": lambda folder: None,
        "windows_lines": all_of(lambda b: b.replace(b"\n", b"\r\n")),
        "byte_order_mark": all_of(lambda b: b"\xef\xbb\xbf" + b),
        "no_last_newline": all_of(lambda b: b.rstrip(b"\n")),
        "empty_last_lines": all_of(lambda b: b + b"\n\n\n"),
        "quoted": all_of(_quoted),
        "rows_reversed": frames(lambda t: t.iloc[::-1]),
        "rows_shuffled": frames(lambda t: t.sample(frac=1, random_state=3)),
        "columns_reversed": frames(lambda t: t[t.columns[::-1]]),
        "another_column": rewritten("clinical.csv", _with_notes),
        "study_as_json": lambda folder: (folder / "study.yaml").write_text(json.dumps(STUDY)) and None,
        "study_with_aliases": lambda folder: (folder / "study.yaml").write_text(
            yaml.safe_dump(STUDY, sort_keys=False).replace("- reader1.csv", "- &first reader1.csv").replace(
                "seed: 3", "seed: !!int 3"
            )
        ) and None,
        "parquet": lambda folder: (
            pd.read_csv(folder / "reader1.csv").to_parquet(folder / "reader1.parquet", index=False),
            write_yaml(folder / "study.yaml", put(STUDY, ("tissues", "disc", "features", 0), "reader1.parquet")),
        ) and None,
        "gzipped": lambda folder: (
            (folder / "reader2.csv.gz").write_bytes(gzip.compress((folder / "reader2.csv").read_bytes())),
            write_yaml(folder / "study.yaml", put(STUDY, ("tissues", "disc", "features", 1), "reader2.csv.gz")),
        ) and None,
        "workbook": lambda folder: (
            pd.read_csv(folder / "clinical.csv", dtype=str).to_excel(folder / "clinical.xlsx", index=False),
            write_yaml(folder / "study.yaml", put(STUDY, ("clinical", "table"), "clinical.xlsx")),
        ) and None,
        "linked": lambda folder: (
            (folder / "reader1.csv").rename(folder / "real.csv"), (folder / "reader1.csv").symlink_to("real.csv")
        ) and None,
    }  # fmt: skip
    for name, change in ways.items():
        yield Case("same", name, "study", ANALYZE, change, "same", is_quick=name == "as_it_is")
