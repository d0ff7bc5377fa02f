"""Tables as they come from elsewhere, looked at by ``prldh init --from``: a study file that reads the right numbers, or
one message."""

from __future__ import annotations

import bz2
import datetime
import decimal
import gzip
import io
import json
import lzma
import re
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from prldh.cli import cli
from prldh.core import DataError
from prldh.data import read_cohort, read_features
from prldh.data.imaging import Images
from prldh.study import read_study

N = 40
IDS = [f"P{i:02d}" for i in range(1, N + 1)]
EVENT = np.arange(N) % 5 < 2
AGE = np.round(1060 + 9 * np.sin(np.arange(N) * 1.7), 1)
SEX = np.where(np.arange(N) % 3 == 0, "f", "m")
CLINICAL = pd.DataFrame({"id": IDS, "age": AGE, "sex": SEX, "relapse": np.where(EVENT, "yes", "no")})
FEATURES = pd.DataFrame({"id": IDS, **{f"f{j}": np.round(np.cos(np.arange(N) * (j + 1.3)), 4) for j in range(4)}})
CSV = CLINICAL.to_csv(index=False)
BIG = 2**53 + 1


def ages(write) -> pd.DataFrame:
    return CLINICAL.assign(age=[write(i, a) for i, a in enumerate(AGE)])


def csv(table: pd.DataFrame, **how) -> bytes:
    return table.to_csv(index=False, **how).encode()


GERMAN = ages(lambda i, a: f"{a:.1f}".replace(".", ","))
QUOTED = "".join(",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in CSV.splitlines())


def in_r(separator: str, has_name: bool) -> bytes:
    """As R's write.csv and write.table have it: a first column that numbers the rows."""
    head = separator.join([*(['""'] if has_name else []), *(f'"{name}"' for name in CLINICAL)])
    rows = (
        separator.join([f'"{i}"', f'"{row[0]}"', str(row[1]), f'"{row[2]}"', f'"{row[3]}"'])
        for i, row in enumerate(CLINICAL.to_numpy().tolist(), 1)
    )
    return "\n".join([head, *rows, ""]).encode()


def workbook(edit=None, table: pd.DataFrame = CLINICAL, **where) -> bytes:
    import openpyxl

    content = io.BytesIO()
    table.to_excel(content, index=False, **where)
    if edit is not None:
        content.seek(0)
        book = openpyxl.load_workbook(content)
        edit(book)
        content = io.BytesIO()
        book.save(content)
    return content.getvalue()


def fill(column: str, cells, number_format: str | None = None):
    def edit(book):
        for i, cell in enumerate(cells, 2):
            book.active[f"{column}{i}"] = cell
            if number_format:
                book.active[f"{column}{i}"].number_format = number_format

    return edit


def above(book):
    book.active.insert_rows(1)
    book.active["A1"] = "Relapse study"
    book.active.merge_cells("A1:D1")


def another_sheet(book):
    book.create_sheet("Legend", 0)["A1"] = "see the next sheet"


def hide(book):
    book.active.column_dimensions["B"].hidden = True
    book.active.row_dimensions[5].hidden = True


def far_blank(book):
    book.active["F60"] = " "


def begins(name: str) -> str:
    """With this name, which the bytes of another format begin with, as the first."""
    lines = CSV.replace("sex", "größe").splitlines()
    return "\n".join([f"{name},{lines[0]}", *(f"1,{line}" for line in lines[1:]), ""])


def merge_blanks(book):
    book.active["E1"], book.active["E2"] = "note", "seen twice"
    book.active.merge_cells("E4:E6")  # among the patients
    book.active.merge_cells("A45:C47")  # and beneath them


def parquet(table) -> bytes:
    content = io.BytesIO()
    if isinstance(table, pd.DataFrame):
        table.to_parquet(content)
    else:
        pq.write_table(pa.table({**{name: list(CLINICAL[name]) for name in CLINICAL}, **table}), content)
    return content.getvalue()


def zipped(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("c.csv", text)
    return content.getvalue()


READ = {
    "UTF-16 with a mark, semicolons.csv": csv(GERMAN, sep=";").decode().encode("utf-16"),
    "UTF-16 without, CRLF.csv": CSV.replace("\n", "\r\n").encode("utf-16-le"),
    "UTF-16, tabs.txt": CSV.replace(",", "\t").encode("utf-16"),
    "UTF-32.csv": CSV.encode("utf-32"),
    "a mark and quotes.csv": b"\xef\xbb\xbf" + QUOTED.encode(),
    "two marks.csv": b"\xef\xbb\xbf" * 2 + CSV.encode(),
    "Latin-1.csv": CSV.replace("sex", "größe").encode("latin-1"),
    "decimal commas, tabs.tsv": csv(GERMAN, sep="\t"),
    "bars.csv": CSV.replace(",", "|").encode(),
    "three lines above.csv": ("Relapse study\nexported 2024-01-01\n\n" + CSV).encode(),
    "comments above.csv": ("# made by a program\n# version 2\n" + CSV).encode(),
    "Excel's line.csv": ("sep=,\n" + CSV).encode(),
    "CR.csv": CSV.replace("\n", "\r").encode(),
    "CR CR LF.csv": CSV.replace("\n", "\r\r\n").encode(),
    "no last line end.csv": CSV.strip().encode(),
    "trailing commas.csv": (CSV.replace("\n", ",,\n") + ",,,,,\n" * 30).encode(),
    "rows of spaces.csv": (CSV + " , , , \n" * 3).encode(),
    "plus and minus.csv": CSV.replace(",yes", ",+").replace(",no", ",-").encode(),
    "R's write.csv.csv": in_r(",", has_name=True),
    "R's write.table.txt": in_r(" ", has_name=False),
    "pandas' to_csv.csv": CLINICAL.to_csv().encode(),
    "a name of two lines.csv": CSV.replace("age", '"age\n(years)"').encode(),
    "a name with spaces that do not break.csv": CSV.replace("age", "\u00a0age\u00a0").encode(),
    "cells with them.csv": CSV.replace(",yes", ",\u00a0yes\u00a0").replace(",f,", ",f\u00a0,").encode(),
    "figures of full width.csv": csv(ages(lambda i, a: str(a).translate({48 + k: 0xFF10 + k for k in range(10)}))),
    "exponents.csv": csv(ages(lambda i, a: f"{a:.4e}".replace("e+0", "E"))),
    "a quote in a cell.csv": CSV.replace(",f,", ',"f ""a""",', 2).encode(),
    "a line end in a cell.csv": CSV.replace(",f,", ',"f\nx",', 2).encode(),
    "CSV called TSV.tsv": CSV.encode(),
    "no ending": CSV.encode(),
    "BZhigh.csv": begins("BZhigh").encode("latin-1"),
    "BZh9.csv": begins("BZh9").encode("latin-1"),
    "PAR1.csv": begins("PAR1").encode("latin-1"),
    "%PDF.csv": begins("%PDF").encode("latin-1"),
    "CAPITALS.CSV": CSV.encode(),
    "packed.csv.gz": gzip.compress(CSV.encode()),
    "a merged title.xlsx": workbook(above),
    "truth values.xlsx": workbook(fill("D", EVENT.tolist())),
    "numbers as text.xlsx": workbook(fill("B", map(str, AGE))),
    "hidden.xlsx": workbook(hide),
    "a blank far away.xlsx": workbook(far_blank),
    "merged blanks.xlsx": workbook(merge_blanks),
    "another sheet first.xlsx": workbook(another_sheet),
    "not from the corner.xlsx": workbook(startrow=4, startcol=2),
    "rows with names.xlsx": workbook(table=CLINICAL.reset_index(names="")),
    "categories.parquet": parquet(CLINICAL.astype({"sex": "category", "relapse": "category", "id": "category"})),
    "decimals.parquet": parquet({"age": pa.array([decimal.Decimal(str(a)) for a in AGE])}),
    "times.parquet": parquet(CLINICAL.assign(seen=pd.Timestamp("2020-01-01"))),
    "types with blanks.parquet": parquet(
        CLINICAL.assign(n=pd.array([None] + [3] * (N - 1), dtype="Int64"), relapse=pd.array(EVENT, dtype="boolean"))
    ),
    "an index.parquet": parquet(CLINICAL.set_index("id")),
    "two indices.parquet": parquet(CLINICAL.set_index(["id", "sex"])),
    "long strings.parquet": parquet({"id": pa.array(IDS, pa.large_string())}),
    "text as bytes.parquet": parquet({name: [text.encode() for text in CLINICAL[name]] for name in ("id", "sex")}),
}  # fmt: skip
REFUSED = {
    "a sign of DOS.csv": (CSV.encode() + b"\x1a", r"to be mended first: .*cannot be written, '\\x1a'"),
    "a sum beneath.csv": ((CSV + "Total,1060,,\n").encode(), r"1 patients .* are not in disc.csv \(Total\)"),
    "a note beneath.csv": ((CSV + "\n* in years\n").encode(), r"are not in disc.csv \(\* in years\)"),
    "a doubled name.csv": (CSV.replace("sex", "age").encode(), "'age' stands 2 times in the header. Rename one"),
    "a name that is not there.csv": (CSV.replace("sex", "").encode(), "column 3 has no name. Name it"),
    "an id with a mark.csv": (CSV.replace("P07", "\ufeffP07").encode(), r"'\\ufeffP07' and 'P07' look alike"),
    "ids in another case.csv": (CSV.replace("P", "p").encode(), "'p01' and 'P01' look alike: .* in case"),
    "infinite.csv": (csv(ages(lambda i, a: "Inf" if i == 2 else a)), r"row 4 \(patient P03\).*'Inf' is not finite"),
    "a row too long.csv": (CSV.replace(",no\n", ",no,x\n", 1).encode(), "Expected 4 fields in line 4, saw 5"),
    "a null.csv": (CSV.replace("P07", "P\0007").encode(), "it is no text at all"),
    "a page.xls": (f"<html><body>{CLINICAL.to_html()}</body></html>".encode(), "is a page of HTML, .*spreadsheet"),
    "records.csv": (CLINICAL.to_json(orient="records").encode(), "is JSON, not a table"),
    "CSV called workbook.xlsx": (CSV.encode(), "not an XLSX workbook"),
    "not packed.csv.gz": (CSV.encode(), "Not a gzipped file"),
    "cut.csv.gz": (gzip.compress(CSV.encode())[:-12], "ended before the end-of-stream"),
    "packed.csv.zip": (zipped(CSV), "it is a workbook or another ZIP archive"),
    "packed.csv.bz2": (bz2.compress(CSV.encode()), "it is packed by bzip2"),
    "nothing packed.csv.bz2": (bz2.compress(b""), "it is packed by bzip2"),
    "called otherwise.csv": (READ["categories.parquet"], "it is a Parquet file"),
    "a print.csv": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "it is a PDF"),
    "packed.csv.xz": (lzma.compress(CSV.encode()), "it is packed by xz"),
    "packed without saying.csv": (gzip.compress(CSV.encode()), "it is packed by gzip"),
    "merged cells.xlsx": (workbook(lambda book: book.active.merge_cells("C2:C4")), "C2:C4 of the column 'sex' are"),
    "cells merged over columns.xlsx": (
        workbook(lambda book: book.active.merge_cells("B5:C5")),
        "B5:C5 of the column 'age' are merged, and which of them",
    ),
    "another name of the id.csv": (
        CSV.replace("id,", "Patient,", 1).encode(),
        "'Patient' holds the same as 'id' of disc.csv. Give every row an id",
    ),
    "a note beneath.xlsx": (
        workbook(lambda book: book.active.append([None, "* in years"])),
        "'id' is blank in row 42. Give every row an id",
    ),
    "units beneath the names.xlsx": (
        workbook(lambda book: (book.active.insert_rows(2), book.active.__setitem__("B2", "years"))),
        "'id' is blank in row 2. Give every row an id",
    ),
}  # fmt: skip
LEFT_OUT = {
    "quoted decimal commas.csv": (csv(GERMAN), r'0 of 40 .*is not a number\. Correct it, or say read: {decimal: ","}'),
    "thousands.csv": (csv(ages(lambda i, a: f"{a:,.1f}")), "'1,060.0' is not .* without separators of thousands"),
    "narrow spaces.csv": (csv(ages(lambda i, a: f"{a:,.1f}".replace(",", "\u202f"))), "separators of thousands"),
    "below a limit.csv": (
        csv(ages(lambda i, a: "<1050" if i < 4 else a)),
        "36 of 40 cells are numbers, and '<1050' is a bound",
    ),
    "a minus of print.csv": (csv(ages(lambda i, a: f"\u2212{a}")), "Write its minus as a hyphen"),
    "percent.csv": (csv(ages(lambda i, a: f"{a / 100:.3f}%")), "and '10.600%' is not a number"),
    "days.xlsx": (
        workbook(fill("B", (datetime.date(2020, 1, 1) + datetime.timedelta(i) for i in range(N)), "yyyy-mm-dd")),
        "0 of 40 cells are numbers, and '2020-01-01' is a date and not a number",
    ),
    "formulas without values.xlsx": (
        workbook(fill("B", (f"=1000+{i}" for i in range(N)))),
        "is a formula whose value is not stored. Open the workbook",
    ),
    "failed formulas.xlsx": (
        workbook(fill("B", ["#DIV/0!" if i == 4 else a for i, a in enumerate(AGE)])),
        "39 of 40 cells are numbers, and '#DIV/0!' is an error of the spreadsheet",
    ),
    "words.csv": (csv(ages(lambda i, a: f"about {a}")), "different texts"),
}  # fmt: skip


def looked_at(folder, name: str, content: bytes, features: pd.DataFrame = FEATURES):
    (folder / name).write_bytes(content)
    features.to_csv(folder / "disc.csv", index=False)
    tables = [str(folder / name), str(folder / "disc.csv")]
    done = CliRunner().invoke(cli, ["init", str(folder), "--from", *tables])
    assert done.exit_code in (0, 1) and "Traceback" not in done.output, done.exception
    return done


def cohort_of(folder):
    study, place = read_study(folder / "study.yaml")
    cohort, _ = read_cohort(study, place)
    read_features(study, place, cohort, Images())
    return cohort


@pytest.mark.parametrize("name", READ)
def test_the_study_file_reads_the_right_numbers(tmp_path, name):
    done = looked_at(tmp_path, name, READ[name])
    assert done.exit_code == 0 and "to be mended" not in done.stdout, done.output
    cohort = cohort_of(tmp_path)
    (age,) = [column for column in cohort.table if column.startswith("age")]
    assert list(cohort.ids) == IDS and cohort.table[age].tolist() == AGE.tolist()
    assert cohort.outcome.tolist() == EVENT.tolist()
    assert "row.names" not in [covariate.name for covariate in cohort.covariates]


WRITTEN = {
    "in order": lambda table: table.to_csv(),
    "shuffled": lambda table: table.sample(frac=1, random_state=3).to_csv(),
    "cut out": lambda table: table.rename(lambda i: i + 7).to_csv(),
}


@pytest.mark.parametrize("write", WRITTEN.values(), ids=list(WRITTEN))
def test_the_place_in_a_table_is_no_covariate_and_no_feature(tmp_path, write):
    """Where patients are sorted by outcome it would tell the outcome; other columns are what they were."""
    (tmp_path / "c.csv").write_text(write(CLINICAL.sort_values("relapse", ignore_index=True)))
    (tmp_path / "disc.csv").write_text(write(FEATURES))
    tables = [str(tmp_path / name) for name in ("c.csv", "disc.csv")]
    done = CliRunner().invoke(cli, ["init", str(tmp_path), "--from", *tables])
    assert done.exit_code == 0 and "to be mended" not in done.stdout, done.output
    study, place = read_study(tmp_path / "study.yaml")
    assert study.clinical.id == "id" and list(study.clinical.covariates) == ["age", "sex"]
    assert "# row.names was left out: names or numbers of rows" in (tmp_path / "study.yaml").read_text()
    cohort, _ = read_cohort(study, place)
    ((features,),) = read_features(study, place, cohort, Images())[0].values()
    assert list(features.names) == ["f0", "f1", "f2", "f3"]


def test_the_place_in_the_only_table_is_neither(tmp_path):
    wide = {f"g{j}": np.round(np.sin(np.arange(N) * (j + 1.3)), 4) for j in range(40)}
    (tmp_path / "all.csv").write_text(CLINICAL.assign(**wide).sort_values("relapse", ignore_index=True).to_csv())
    done = CliRunner().invoke(cli, ["init", str(tmp_path), "--from", str(tmp_path / "all.csv")])
    assert done.exit_code == 0 and "to be mended" not in done.stdout, done.output
    study, place = read_study(tmp_path / "study.yaml")
    assert list(study.clinical.covariates) == ["age", "sex"]
    cohort, _ = read_cohort(study, place)
    ((features,),) = read_features(study, place, cohort, Images())[0].values()
    assert set(features.names) == set(wide)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_one_message(tmp_path, name):
    content, told = REFUSED[name]
    done = looked_at(tmp_path, name, content)
    said = done.stderr if done.exit_code else done.stdout
    assert re.search(told, said), said
    if not done.exit_code:  # the study file is there, and says the same where it is run
        with pytest.raises(DataError, match=told.removeprefix("to be mended first: ")):
            cohort_of(tmp_path)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_column_that_is_nearly_numbers_is_told_why_it_is_left_out(tmp_path, name):
    content, told = LEFT_OUT[name]
    assert looked_at(tmp_path, name, content).exit_code == 0
    text = (tmp_path / "study.yaml").read_text(encoding="utf-8")
    assert re.search(rf"# age was left out: .*{told}", text.replace("\u202f", " ")), text
    assert cohort_of(tmp_path).n == N


def test_what_is_said_of_quoted_decimal_commas_mends_them(tmp_path):
    (tmp_path / "c.csv").write_bytes(csv(GERMAN))
    clinical = {"table": "c.csv", "id": "id", "outcome": "relapse", "event": "yes", "covariates": {"age": "continuous"}}
    study, _ = read_study(
        {"clinical": {**clinical, "read": {"decimal": ","}}, "models": [{"name": "a", "terms": ["age"]}]}
    )
    assert read_cohort(study, tmp_path)[0].table["age"].tolist() == AGE.tolist()


@pytest.mark.parametrize(
    ("clinical", "features", "read"),
    [
        ("{:04d}", "{}", "number"),
        ("{:04d}", "{}.0", "number"),
        ("{}", "{}", None),
        ("{}e3", "{}e3", None),
        ("2020-01-{:02d}", "2020-01-{:02d}", None),
        ("A/{}", "A/{}", None),
        ("-{}", "-{}", None),
        ("0x{}", "0x{}", None),
    ],
)  # fmt: skip
def test_ids_are_joined_as_they_are_written_or_as_numbers(tmp_path, clinical, features, read):
    own, theirs = ([form.format(i) for i in range(1, N + 1)] for form in (clinical, features))
    looked_at(tmp_path, "c.csv", csv(CLINICAL.assign(id=own)), FEATURES.assign(id=theirs))
    study, _ = read_study(tmp_path / "study.yaml")
    assert study.clinical.read.ids == read
    cohort = cohort_of(tmp_path)
    by_id = dict(zip(map(str, range(1, N + 1)) if read else own, AGE, strict=True))
    assert dict(zip(cohort.ids, cohort.table["age"], strict=True)) == by_id


def test_integers_beyond_doubles_stay_apart_in_parquet(tmp_path):
    ids = [BIG + i for i in range(N)]
    looked_at(tmp_path, "c.parquet", parquet(CLINICAL.assign(id=ids)), FEATURES.assign(id=ids))
    assert list(cohort_of(tmp_path).ids) == [str(i) for i in ids]


def test_the_place_in_a_table_is_never_guessed_to_be_the_id(tmp_path):
    """Two tables that were written with numbered rows and have no id in common are not joined by them."""
    (tmp_path / "c.csv").write_bytes(CLINICAL.drop(columns="id").to_csv().encode())
    (tmp_path / "disc.csv").write_bytes(FEATURES.drop(columns="id").to_csv().encode())
    tables = [str(tmp_path / name) for name in ("c.csv", "disc.csv")]
    done = CliRunner().invoke(cli, ["init", str(tmp_path), "--from", *tables])
    assert done.exit_code == 1 and "Give every row an id" in done.stderr


def test_levels_that_look_alike_are_told(tmp_path):
    """The form of an accent and characters without a width are one level; case, and Turkish letters, are not."""
    turkish = np.array(["İ", "i", "I", "ı"])[np.arange(N) % 4]
    looked_at(tmp_path, "c.csv", csv(CLINICAL.assign(sex=turkish)))
    study, place = read_study(tmp_path / "study.yaml")
    cohort, told = read_cohort(study, place)
    assert set(cohort.covariates[1].levels) == {"İ", "i", "I", "ı"} and any(
        "'I' (10), 'i' (10)" in w.message for w in told
    )
    accents = np.where(np.arange(N) % 3 == 0, "Köln", np.where(np.arange(N) % 3 == 1, "Ko\u0308ln\u200b", "Bonn"))
    (tmp_path / "c.csv").write_bytes(csv(CLINICAL.assign(sex=accents)))
    cohort, told = read_cohort(study, place)
    assert set(cohort.covariates[1].levels) == {"Köln", "Bonn"} and "13 cells with 'Ko\\u0308ln" in told[0].message
    assert json.dumps([w.code for w in told]) == '["PRL-016"]'
