"""Tables that are made to harm: bombs, cells of a megabyte, escape sequences, files that lie about themselves. Each is
one short message that prints, or the right numbers, and soon."""

from __future__ import annotations

import gzip
import io
import re
import time
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prldh.core import DataError
from prldh.data import read_cohort, read_features
from prldh.data.ids import check_ids
from prldh.data.imaging import Images
from prldh.data.numeric import numbers
from prldh.data.tables import open_table
from prldh.study import TableRead, read_study

N = 12
IDS = [f"P{i:02d}" for i in range(N)]
CSV = "id,y,age\n" + "".join(f"{p},{i % 2},{40 + i}\n" for i, p in enumerate(IDS))
AGES = [40.0 + i for i in range(N)]


def _gz(text: bytes, times: int) -> bytes:
    content = io.BytesIO()
    with gzip.GzipFile(fileobj=content, mode="wb", compresslevel=1) as file:
        for _ in range(times):
            file.write(text)
    return content.getvalue()


def _row(number: int, *cells: object) -> str:
    own = (f'<c r="{c}{number}" t="inlineStr"><is><t>{v}</t></is></c>' for c, v in zip("ABC", cells, strict=False))
    return f'<row r="{number}">{"".join(own)}</row>'


BODY = _row(1, "id", "y", "age") + "".join(_row(i + 2, p, i % 2, 40 + i) for i, p in enumerate(IDS))


def _workbook(*more: str) -> bytes:
    """A workbook of openpyxl whose sheet is written anew; its dimension is a lie."""
    book, content = io.BytesIO(), io.BytesIO()
    pd.DataFrame({"a": [1]}).to_excel(book, index=False)
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if not name.startswith("xl/worksheets/sheet"):
                new.writestr(name, old.read(name))
                continue
            with new.open(name, "w") as sheet:
                sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">')
                sheet.write(b'<dimension ref="A1:B2"/><sheetData>' + BODY.encode())
                for part in more:
                    sheet.write(part.encode())
                sheet.write(b"</sheetData></worksheet>")
    return content.getvalue()


def _parquet(**columns: object) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table({"id": IDS, "y": [0, 1] * 6, "age": AGES, **columns}), content)
    return content.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000)
REFUSED = {
    "newlines.csv.gz": (lambda: _gz(b"\n" * (1 << 20), 80), "unpacks to .* or more"),
    "zeros after a header.csv.gz": (lambda: _gz(b"0,0\n" * (1 << 18), 80), "unpacks to"),
    "NUL after 64 KiB.csv": (lambda: CSV + "P9,1,5\n" * 20000 + "P\0,1,4\n", "line 20014 holds a null"),
    "a cell of a megabyte.csv": (lambda: CSV.replace("43\n", "w " * 500_000 + "\n"), "'w w w .* is not a number"),
    "an id of a megabyte.csv": (lambda: CSV.replace("P03", "x" * 1_000_000).replace("43\n", "?\n"), "patient x+"),
    "a name of a megabyte.csv": (lambda: CSV.replace("age", "x" * 1_000_000), "has no column 'age'"),
    "escapes in an id.csv": (lambda: CSV.replace("P03", "\x1b[31mP03"), r"cannot be written, '\\x1b'"),
    "escapes in a name.csv": (lambda: CSV.replace("age", "\x1b[31mage"), r"cannot be written, '\\x1b'"),
    "escapes in a number.csv": (lambda: CSV.replace("43\n", "\x1b[2J\n"), r"'\\x1b\[2J' is not a number"),
    "a quote over all.csv": (lambda: '"' + CSV, "EOF inside string"),
    "nothing.csv": (lambda: "", "is empty"),
    "a header alone.csv": (lambda: "id,y,age\n", "has a header but no rows"),
    "one column.csv": (lambda: "id\na\nb\n", "has no column 'age'"),
    "doubled names.csv": (lambda: CSV.replace("age", "y"), "the column 'y' stands 2 times"),
    "many doubled names.csv": (lambda: ",".join(f"f{j // 2}" for j in range(9000)) + "\n1" + ",1" * 8999, "2 times"),
    "half a character.csv": (lambda: CSV.encode().replace(b"P03", b"P\xed\xa0\x80"), "not UTF-8"),
    "old.xls": (lambda: OLE, "a workbook of Excel 97"),
    "locked.xlsx": (lambda: OLE, "locked by a password"),
    "no archive.xlsx": (lambda: b"PK\x03\x04abc", "not an XLSX workbook"),
    "spaces.xlsx": (lambda: _workbook(*["<!--" + " " * (1 << 20) + "-->"] * 80), "unpacks to 80 MB"),
    "a far corner.xlsx": (lambda: _workbook('<row r="4000"><c r="XFD4000"><v>1</v></c></row>'), "more cells than are"),
    "cut.parquet": (lambda: _parquet()[:-40], "cannot be read as PARQUET"),
    "lists.parquet": (lambda: _parquet(age=[[1.0, 2.0]] * N), r"'\[1.0, 2.0\]' is not a number"),
    "escapes.parquet": (lambda: _parquet(id=["\x1b", *IDS[1:]]), r"cannot be written, '\\x1b'"),
}  # fmt: skip
READ = {
    "line ends of three kinds.csv": lambda: CSV.replace("\n", "\r\n", 3).replace("45\n", "45\r"),
    "a list that nobody asks for.parquet": lambda: _parquet(list=[[1.0, 2.0]] * N),
    "a dimension that lies.xlsx": lambda: _workbook(),
    "a cell of a megabyte beside.csv": lambda: (
        CSV.replace("\n", ",\n").replace("age,", "age,z").replace("40,", f"40,{'w ' * 500_000}")
    ),
}


def _read(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = open_table(path)
    ids = check_ids(table, "id", "clinical.id")
    return list(ids), numbers(table, "age", ids, "clinical.covariates").tolist()


@pytest.mark.parametrize("name", REFUSED)
def test_a_harmful_table_is_one_short_message(name, tmp_path):
    make, words = REFUSED[name]
    content, started = make(), time.process_time()
    with pytest.raises(DataError, match=words) as told:
        _read(tmp_path / name, content)
    message = str(told.value)
    assert message.isprintable() and len(message) < 700 and "x" * 81 not in message and "w " * 41 not in message
    assert time.process_time() - started < 20


@pytest.mark.parametrize("name", READ)
def test_an_odd_table_gives_its_numbers(name, tmp_path):
    assert _read(tmp_path / name, READ[name]()) == (IDS, AGES)


def test_what_a_parquet_file_declares_is_looked_at_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("prldh.data.table_files.LARGEST_CELLS", 3 * N - 1)
    with pytest.raises(DataError, match="has 12 rows of 3 columns, .* at most 35 cells"):
        _read(tmp_path / "t.parquet", _parquet())


def test_a_sheet_of_millions_of_rows_is_counted_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("prldh.data.workbooks.LAST_ROW", 1000)
    content = _workbook(*(_row(20 + k, k, k, k) for k in range(1000)))
    monkeypatch.setattr("prldh.data.workbooks._cells", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(DataError, match="more cells than are read of a workbook"):
        _read(tmp_path / "t.xlsx", content)


@pytest.mark.parametrize("factor", [1e-310, 1e-200, 1e200, 1e300])
@pytest.mark.parametrize("where", ["covariate", "feature"])
def test_numbers_that_cannot_be_squared_are_refused(factor, where, tmp_path):
    """A column in another unit must not be another model."""
    ages = np.array(AGES) * (factor if where == "covariate" else 1)
    pd.DataFrame({"id": IDS, "y": [0, 1] * 6, "age": ages}).to_csv(tmp_path / "c.csv", index=False)
    features = pd.DataFrame({"id": IDS, "f": np.arange(N) * (factor if where == "feature" else 1), "g": range(N)})
    features.to_csv(tmp_path / "f.csv", index=False)
    clinical = {"table": "c.csv", "id": "id", "outcome": "y", "event": 1, "covariates": {"age": "continuous"}}
    study, _ = read_study({"clinical": clinical, "tissues": {"disc": {"features": "f.csv"}}})
    with pytest.raises(DataError, match=f"column '{'age' if where == 'covariate' else 'f'}' is .* another unit"):
        cohort, _ = read_cohort(study, tmp_path)
        read_features(study, tmp_path, cohort, Images())


def test_levels_that_could_not_be_written_are_refused(tmp_path):
    (tmp_path / "c.csv").write_text(CSV.replace(",age", ",sex").replace(",43", ",\x1b]0;x\x07"))
    clinical = {"table": "c.csv", "id": "id", "outcome": "y", "event": 1, "covariates": {"sex": "categorical"}}
    study, _ = read_study({"clinical": clinical})
    with pytest.raises(DataError, match=r"a value of the column 'sex' has a character that cannot be written"):
        read_cohort(study, tmp_path)


@pytest.mark.parametrize("code", [".", ".A", "._", ".z", "NaT", "1.#QNAN", "-1.#IND00", "-nan(ind)", "NA_real_"])
def test_what_programs_write_for_a_number_that_is_none_may_be_declared(code, tmp_path):
    """SAS, Stata, pandas, C and R: the message says how, and then it is a blank."""
    path = tmp_path / "clinical.csv"
    path.write_text(f"id,age\nA,1\nB,{code}\n")
    table = open_table(path, TableRead())
    with pytest.raises(DataError, match=re.escape(f'say read: {{missing: ["{code}"]}}')):
        numbers(table, "age", table["id"], "clinical")
    table = open_table(path, TableRead(missing=[code]))
    assert np.isnan(numbers(table, "age", table["id"], "clinical")[1])
