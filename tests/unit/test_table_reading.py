"""Tables as hospitals write them: what ``read`` of the study file says, what a message suggests, and that numbers and
texts are those of the file."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prldh.core import DataError, StudyError, same_text
from prldh.data import guess_read, read_cohort, read_features
from prldh.data.cells import is_number
from prldh.data.ids import check_ids, id_number
from prldh.data.imaging import Images
from prldh.data.imaging.cases import read_cases
from prldh.data.numeric import numbers
from prldh.data.tables import open_table, read_table
from prldh.study import TableRead, read_study

N = 12
IDS = [f"{i:03d}" for i in range(1, N + 1)]
CLINICAL = pd.DataFrame(
    {"id": IDS, "relapse": ["yes", "no", "no"] * 4, "age": [f"{40 + 1.5 * i}" for i in range(N)], "sex": ["m", "f"] * 6}
)
FEATURES = pd.DataFrame({"id": IDS, **{f"f{j}": [repr(math.sin(i * (j + 1.3))) for i in range(N)] for j in range(3)}})
CSV = CLINICAL.to_csv(index=False)
GERMAN = CLINICAL.assign(age=CLINICAL["age"].str.replace(".", ",")).to_csv(index=False, sep=";")


class Bench:
    """A clinical table and one of features in a folder, read as a study reads them."""

    def __init__(self, folder):
        self.folder = folder
        self.clinical = {"table": "c.csv", "id": "id", "outcome": "relapse", "event": "yes"}
        self.clinical["covariates"] = {"age": "continuous", "sex": "categorical"}
        self.features = "f.csv"
        self.put("c.csv", CSV)
        self.put("f.csv", FEATURES.to_csv(index=False))

    def put(self, name, content):
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def read(self):
        study, _ = read_study({"clinical": self.clinical, "tissues": {"disc": {"features": self.features}}})
        cohort, told = read_cohort(study, self.folder)
        blocks, also = read_features(study, self.folder, cohort, Images())
        return cohort, blocks["disc"][0], [w.code for w in (*told, *also)], [w.message for w in (*told, *also)]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def _ages(cohort):
    return cohort.table["age"].tolist()


AGES = [40 + 1.5 * i for i in range(N)]
WRITTEN = {
    "semicolons and decimal commas": (GERMAN, {"separator": ";", "decimal": ","}),
    "tabs": (CSV.replace(",", "\t"), {"separator": "tab"}),
    "UTF-16 with a mark": (CSV.encode("utf-16"), {}),
    "UTF-16 without": (CSV.encode("utf-16-be"), {"encoding": "utf-16"}),
    "UTF-8 with a mark": (CSV.encode("utf-8-sig"), {}),
    "a title": ("Relapse study\n\n" + CSV, {"skip_rows": 1}),
    "blank rows and columns at the end": (CSV.replace("\n", ",,\n") + ",,,,,\n,,,,,\n", {}),
    "a separator at the end of rows": (CSV.replace("\n", ",\n").replace("sex,\n", "sex\n", 1), {}),
    "old line ends": (CSV.replace("\n", "\r"), {}),
}


@pytest.mark.parametrize(("content", "read"), WRITTEN.values(), ids=WRITTEN)
def test_a_table_is_read_as_it_comes(bench, content, read):
    bench.put("c.csv", content)
    bench.clinical["read"] = read
    cohort, _, codes, _ = bench.read()
    assert list(cohort.ids) == IDS and _ages(cohort) == AGES and codes == []
    assert set(cohort.table["sex"]) == {"m", "f"}


TOLD = {
    "semicolons": (GERMAN, {}, r'semicolons\. Say read: \{separator: ";", decimal: ","\}'),
    "a separator that is another": (CSV, {"separator": ";"}, r"by commas\. Leave separator out of read, or save"),
    "decimal commas": (GERMAN, {"separator": ";"}, r"row 2 .*'40,0' is not a number\. .*read: \{decimal: \",\"\}"),
    "points": (
        CSV.replace(",", ";"),
        {"separator": ";", "decimal": ","},
        r"row 2 .*'40\.0' is not a number with a dec",
    ),
    "UTF-16": (CSV.encode("utf-16-le"), {}, r"it is UTF-16, without a mark .*read: \{encoding: utf-16-le\}"),
    "Latin-1": (CSV.replace("sex", "größe").encode("cp1252"), {}, r"0xf6.*read: \{encoding: cp1252\} .* if 'größe' is"),
    "cp1252 called Latin-1": (
        CSV.replace("sex", "€").encode("cp1252"),
        {"encoding": "latin-1"},
        r"encoding: cp1252 in",
    ),
    "UTF-8 called UTF-16": (CSV, {"encoding": "utf-16"}, "is not utf-16: it looks like utf-8"),
    "a title": ("Relapse study\n" + CSV, {}, r"begins with 'Relapse study', .*read: \{skip_rows: 1\}"),
    "a title with a comma": ("Relapse, 2024\n" + CSV, {}, r"read: \{skip_rows: 1\}"),
    "a title and blank cells": ("Relapse study,,,\n" + CSV, {}, r"read: \{skip_rows: 1\}"),
    "a title of two rows": ("Relapse\nstudy\n" + CSV, {"skip_rows": 1}, r"begins with 'study', .*\{skip_rows: 2\}"),
    "a note beside": (
        CSV.replace("sex\n", "sex,,\n").replace("f\n", "f,,\n").replace("m\n", "m,,check\n"),
        {},
        "column 6 has no name",
    ),
    "Excel's line": ("sep=;\n" + GERMAN, {}, r'read: \{separator: ";", decimal: ",", skip_rows: 1\}'),
    "a workbook by name of a CSV": (b"PK\x03\x04" + bytes(90), {}, "it is a workbook"),
    "a sheet of a CSV": (CSV, {"sheet": 2}, "a file of text, which has no sheet"),
    "an open quote": (CSV.replace("003,", '"003,', 1), {}, "EOF inside string"),
    "thousands": (CSV.replace("40.0", "1.234.567", 1), {}, "without separators of thousands"),
    "thousands by a comma": (
        CSV.replace("40.0", '"40,000"', 1),
        {},
        r"'40,000' is not a number\. .*without separators of thousands, or .*read: \{decimal: \",\"\}",
    ),
    "percent": (
        CSV.replace("40.0", "40.0 %", 1),
        {},
        r"'40\.0 %' is not a number\. Write the number alone, without its",
    ),
    "years": (CSV.replace("40.0", "40 years", 1), {}, r"'40 years' is not a number\. Write the number alone"),
    "a unit of two words": (CSV.replace("40.0", "40.0 µg/ml", 1), {}, r"is not a number\. Write the number alone"),
    "a bound": (CSV.replace("40.0", "<= 40", 1), {}, r"'<= 40' is a bound .* Write the number that is to stand for it"),
    "a date": (CSV.replace("40.0", "31.12.2019", 1), {}, r"is a date and not a number\. Give the time since another"),
    "a date and an hour": (CSV.replace("40.0", "2019-12-31 08:00", 1), {}, r"is a date and not a number"),
    "text": (CSV.replace("40.0", "forty", 1), {}, r"'forty' is not a number\. Correct it, leave it blank, or declare"),
    "a dash among numbers": (CSV.replace("40.0", "-", 1), {}, r'\'-\' is not a number\. .*read: \{missing: \["-"\]\}'),
    "a dash among outcomes": (CSV.replace("yes", "-", 1), {}, r'3 values.*read: \{missing: \["-"\]\}.*missing_outcome'),
}


@pytest.mark.parametrize(("content", "read", "told"), TOLD.values(), ids=TOLD)
def test_what_cannot_be_read_says_what_to_set(bench, content, read, told):
    bench.put("c.csv", content)
    bench.clinical["read"] = read
    with pytest.raises(DataError, match=told):
        bench.read()


@pytest.mark.parametrize(
    ("read", "told"),
    [
        ({"seperator": ";"}, "did you mean 'separator'"),
        ({"separator": ";;"}, "give one character"),
        ({"separator": ",", "decimal": ","}, "cannot be told apart"),
        ({"encoding": "rot13"}, "no encoding is called 'rot13'"),
        ({"sheet": 0}, "its number from 1 on"),
    ],
)
def test_a_mistake_in_read_is_refused(bench, read, told):
    bench.clinical["read"] = read
    with pytest.raises(StudyError, match=told):
        bench.read()
    bench.clinical["read"], bench.features = {}, [{"path": "f.csv", "read": read}]
    with pytest.raises(StudyError, match=told):
        bench.read()


def test_every_named_table_is_an_input():
    tissues = {"a": {"features": {"x": {"path": "x.csv", "read": {"decimal": ","}}, "y": ["y.csv"]}}}
    tissues["b"] = {"images": {"path": "i.csv", "read": {"separator": ";"}}}
    study, _ = read_study({"clinical": {"table": "c.csv", "id": "i", "outcome": "o", "event": 1}, "tissues": tissues})
    assert study.inputs() == ["c.csv", "x.csv", "y.csv", "i.csv"]


def test_a_sheet_is_named_or_counted_and_a_title_is_told(tmp_path):
    with pd.ExcelWriter(tmp_path / "c.xlsx") as book:
        pd.DataFrame({"note": ["x"]}).to_excel(book, sheet_name="Notes", index=False)
        CLINICAL.to_excel(book, sheet_name="Data", index=False, startrow=2)
    for read in (TableRead(sheet="Data"), TableRead(sheet=2), TableRead(sheet=2, skip_rows=2)):
        table = open_table(tmp_path / "c.xlsx", read)
        assert list(table["id"]) == IDS and table.rows[0] == 4
    with pytest.raises(DataError, match="no sheet 'Daten'. Its sheets: 1 'Notes', 2 'Data'"):
        open_table(tmp_path / "c.xlsx", TableRead(sheet="Daten"))
    titled = pd.DataFrame([["Study", None, None, None], list(CLINICAL.columns), *CLINICAL.to_numpy().tolist()])
    titled.to_excel(tmp_path / "t.xlsx", header=False, index=False)
    with pytest.raises(DataError, match=r"begins with 'Study', .*skip_rows: 1"):
        open_table(tmp_path / "t.xlsx")


def test_names_of_rows_can_be_the_ids_and_are_no_feature(bench):
    lines = FEATURES.to_csv(index=False).splitlines()
    bench.put("f.csv", "\n".join([lines[0].removeprefix("id,"), *lines[1:]]))  # R's write.table(sep = ",")
    with pytest.raises(DataError, match="no column 'id'.*called row.names here"):
        bench.read()
    bench.put("c.csv", CSV.replace("id,", ",", 1))  # R's write.csv
    bench.clinical["id"] = "row.names"
    assert list(bench.read()[0].ids) == IDS
    bench.clinical["id"] = "id"
    bench.put("c.csv", CSV)
    bench.put("f.csv", "\n".join([lines[0], *(f"r{i},{line}" for i, line in enumerate(lines[1:]))]))
    _, block, codes, _ = bench.read()
    assert block.names == ("f0", "f1", "f2") and codes == ["PRL-144"]


def test_missing_lists_more_blanks_in_text_and_among_numbers(bench):
    bench.put("c.csv", CSV.replace("40.0,m", "999,m", 1).replace("41.5,f", "999.0,f", 1).replace(",m\n", ",n/a\n", 1))
    bench.clinical["read"] = {"missing": ["999", "n/a"]}
    cohort, _, codes, messages = bench.read()
    assert [i for i, _ in cohort.excluded] == ["001", "002"] and codes == ["PRL-010"]
    assert "001 (age, sex), 002 (age)" in messages[0]
    pd.DataFrame({"id": ["a", "b"], "x": [999.0, 1.5]}).to_parquet(bench.folder / "p.parquet")
    table = open_table(bench.folder / "p.parquet", TableRead(missing=["999"]))
    assert list(table["x"]) == ["", "1.5"] and np.isnan(table.values(["x"])[0][0, 0])


@pytest.mark.parametrize("decimal", [".", ","])
def test_blanks_and_codes_among_many_columns_are_the_same_as_one_by_one(tmp_path, decimal):
    cells = [["1.5", "NA", "-9", "-9.0"], ["2", "", "x", "1e2"], ["0.1", "0.25", "3", "4"], ["-9", "-9", "-9", "-9"]]
    columns = [[cell.replace(".", decimal) for cell in column] for column in cells]
    frame = pd.DataFrame({f"c{j}": column for j, column in enumerate(columns)}).assign(id=list("abcd"))
    frame.to_csv(tmp_path / "t.csv", index=False, sep=";")
    table = open_table(tmp_path / "t.csv", TableRead(separator=";", decimal=decimal, missing=["-9", "x"]))
    names = list(table.columns[:4])
    values, is_blank = table.values(names)
    wanted = [[1.5, 2.0, 0.1], [np.nan, np.nan, 0.25], [np.nan, np.nan, 3.0], [np.nan, 100.0, 4.0]]
    np.testing.assert_array_equal(values[:, :3], wanted)
    np.testing.assert_array_equal(is_blank, np.isnan(values))
    one_by_one = [table.values([name]) for name in names]
    np.testing.assert_array_equal(values, np.hstack([each for each, _ in one_by_one]))
    np.testing.assert_array_equal(is_blank, np.hstack([blank for _, blank in one_by_one]))


def test_extra_patients_are_an_error_or_left_out_and_counted(bench):
    more = pd.concat([FEATURES, FEATURES.iloc[:2].assign(id=["X1", "X2"])])
    bench.put("f.csv", more.to_csv(index=False))
    with pytest.raises(DataError, match=r"2 ids of f.csv .*\(X1, X2\).*read: \{join: inner\}"):
        bench.read()
    for place in ("clinical", "features"):
        bench.clinical["read"] = {"join": "inner"} if place == "clinical" else {}
        bench.features = ["f.csv"] if place == "clinical" else [{"path": "f.csv", "read": {"join": "inner"}}]
        _, block, codes, messages = bench.read()
        assert block.first.shape == (N, 3) and codes == ["PRL-142"] and "2 of 14 patients" in messages[0]
    bench.put("f.csv", more.iloc[1:].to_csv(index=False))
    with pytest.raises(DataError, match=r"1 patients of the clinical table are not in f.csv \(001\)"):
        bench.read()


def test_ids_are_numbers_where_the_study_says_so(bench):
    as_number = FEATURES.assign(id=[f"{int(i)}.0" for i in IDS])
    bench.put("f.csv", as_number.to_csv(index=False))
    with pytest.raises(DataError, match=r"'001' and '1.0' are one number.*read: \{ids: number\} under clinical"):
        bench.read()
    bench.clinical["read"] = {"ids": "number"}
    cohort, block, codes, _ = bench.read()
    assert sorted(map(int, cohort.ids)) == list(range(1, N + 1)) and codes == []
    at_2 = block.first[cohort.ids.index("2")]
    np.testing.assert_array_equal(at_2, FEATURES.iloc[1, 1:].astype(float))
    bench.put("c.csv", CSV.replace("\n003,", "\n1.0,", 1))
    with pytest.raises(DataError, match=r"'1' stands in rows 2, 4"):
        bench.read()
    bench.put("c.csv", CSV.replace("\n003,", "\nP3,", 1))
    with pytest.raises(DataError, match=r"row 4: the id 'P3' is not a number"):
        bench.read()


def test_ids_that_look_alike_are_told(bench):
    bench.put("c.csv", CSV.replace("001,", "é1,", 1))
    bench.put("f.csv", FEATURES.to_csv(index=False).replace("001,", "e\u03011,", 1))
    with pytest.raises(DataError, match="look alike"):
        bench.read()


def test_ids_of_images_are_numbers_too(tmp_path):
    (tmp_path / "i.csv").write_text("id;Image;Mask;Label\n001;a.nii;b.nii;2\n")
    (row,) = read_cases(tmp_path / "i.csv", "disc", "id", read=TableRead(separator=";", ids="number"))
    assert (row.patient, row.image.name, row.masks[0].name, row.label, row.line) == ("1", "a.nii", "b.nii", 2, 2)


def test_a_batch_table_of_pyradiomics_is_a_table_of_features(bench):
    batch = FEATURES.copy()
    batch.insert(1, "Image", "scan one.nrrd")
    batch.insert(2, "Mask", "mask.nrrd")
    batch.insert(3, "Label", [1, 2] * 6)
    batch.insert(4, "Reader", "AB")
    batch.insert(5, "diagnostics_Versions_PyRadiomics", "3.0.1")
    bench.put("f.csv", batch.to_csv(index=False))
    _, block, codes, messages = bench.read()
    assert block.names == ("f0", "f1", "f2") and codes == ["PRL-022", "PRL-143"]
    assert "Image, Mask, Label, Reader" in messages[1]
    bench.put("f.csv", FEATURES.assign(note="text").to_csv(index=False))  # elsewhere text is no feature, and a mistake
    with pytest.raises(DataError, match="feature 'note': 'text' is not a number. Correct it, or remove the column"):
        bench.read()


@pytest.mark.parametrize("name", ["age", "Age", "person", "center", "hospital", "score_2", "\u0430ge"])
def test_features_that_are_named_like_any_column_of_the_study_are_told(bench, name):
    clinical = CLINICAL.assign(person=IDS, center=["a", "b"] * 6, score_2=range(N))
    bench.put("c.csv", clinical.to_csv(index=False))
    bench.clinical |= {"patient": "person", "columns": {"hospital": "center"}}
    bench.put("f.csv", FEATURES.assign(**{name: range(N)}).to_csv(index=False))
    study, _ = read_study(
        {"clinical": bench.clinical, "tissues": {"disc": {"features": "f.csv"}, "bone": {"radscore": "score_2"}}}
    )
    cohort, _ = read_cohort(study, bench.folder)
    _, told = read_features(study, bench.folder, cohort, Images())
    assert [w.code for w in told] == ["PRL-021"] and told[0].message.startswith("f.csv has features named like")
    assert f"columns of the study: {name}. They" in told[0].message


@pytest.mark.parametrize(
    ("cells", "code", "told"),
    [
        (["M", "M", "M"], "PRL-140", "'M' (3), 'm' (4) differ in case or spaces alone"),
        (["-", "n/a", "-"], "PRL-141", "2 cells with '-' and 1 cell with 'n/a' are read as levels"),
        (["m\u200b"], "PRL-016", r"1 cells with 'm\u200b' are read as the level 'm'"),
        (["m\u00a0", "m\u00a0"], "PRL-016", r"2 cells with 'm\u00a0' are read as the level 'm'"),
        (["m "], "PRL-016", "1 cells with 'm ' are read as the level 'm'"),
    ],
)
def test_levels_that_may_be_slips_are_told_with_their_count(bench, cells, code, told):
    values = [*cells, *CLINICAL["sex"][len(cells) :]]
    bench.put("c.csv", CLINICAL.assign(sex=values).to_csv(index=False))
    cohort, _, codes, messages = bench.read()
    assert codes == [code] and told in messages[0]
    assert len(cohort.covariates[1].levels) == {"PRL-140": 3, "PRL-141": 4, "PRL-016": 2}[code]


def test_forms_of_an_accent_are_one_level(bench):
    bench.put("c.csv", CLINICAL.assign(sex=["é", "e\u0301", "f"] * 4).to_csv(index=False))
    cohort, _, codes, messages = bench.read()
    assert cohort.covariates[1].levels == ("f", "é") and codes == ["PRL-016"] and r"'e\u0301'" in messages[0]
    assert same_text("A") != same_text("a") and same_text("a b") == same_text("a\u00a0b")


# ---------------------------------------------------------------- numbers and texts are the file's


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.from_regex(r"[+-]?[0-9]{1,20}\.[0-9]{0,25}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["", "NA", " 1.5 ", "+3", "1e-400", "4.9e-324", "2.2250738585072011e-308", "NaN", "٣"]),
)
ODD = st.sampled_from(["inf", "-Infinity", "1e999", "0x10", "1_0", "1,5", "abc", "NAN", "1 2", "--1"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(NUMBERS, NUMBERS, NUMBERS, ODD), min_size=1, max_size=8))
def test_numbers_of_a_text_are_pythons(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("numbers") / "t.csv"
    quoted = [f'"{cell}"' for cell in cells]
    path.write_text("id,x\n" + "".join(f"p{i},{cell}\n" for i, cell in enumerate(quoted)), encoding="utf-8")
    table = open_table(path)
    text = read_table(path)["x"]
    blanks = {"", "NA", "NaN"}
    assert list(text) == ["" if cell.strip() in blanks else cell.strip() for cell in cells]
    values, is_blank = table.values(["x"])
    assert list(is_blank[:, 0]) == [cell == "" for cell in text]
    wanted = [float(cell) if cell != "" and is_number(cell) else np.nan for cell in text]
    np.testing.assert_array_equal(values[:, 0], wanted)
    if any(cell != "" and not np.isfinite(w) for cell, w in zip(text, wanted, strict=True)):
        with pytest.raises(DataError, match="is not"):
            numbers(table, "x", check_ids(table, "id", "id"), "x")


@pytest.mark.parametrize(
    "kind", ["float64", "float32", "int64", "uint8", "Int64", "bool", "object", "string", "category"]
)
def test_a_parquet_column_is_the_text_and_the_numbers_that_it_was(tmp_path, kind):
    raw = pd.Series([0, 1, 1, 0]) if kind == "bool" else pd.Series([3, 0, 7, 250])
    column = (raw / 8 if kind.startswith("float") else raw.astype(str) if kind in ("object", "string") else raw).astype(
        kind
    )
    pd.DataFrame({"id": list("abcd"), "x": column, "y": [1.5, None, 2.0, -0.25]}).to_parquet(tmp_path / "t.parquet")
    table = open_table(tmp_path / "t.parquet")
    wanted = [str(v) if kind == "bool" else str(int(v)) if float(v).is_integer() else repr(float(v)) for v in column]
    assert list(table["x"]) == wanted and list(table["y"]) == ["1.5", "", "2", "-0.25"]
    values, is_blank = table.values(["x", "y"])
    if kind != "bool":
        np.testing.assert_array_equal(values[:, 0], [float(text) for text in wanted])
    np.testing.assert_array_equal(is_blank[:, 1], [False, True, False, False])


def test_rows_shorter_than_the_header_end_in_blanks(tmp_path):
    (tmp_path / "t.csv").write_text('id,a,b\np1,"x, ""y""\nz"\np2,1,2\n')
    assert read_table(tmp_path / "t.csv").to_dict("list") == {
        "id": ["p1", "p2"],
        "a": ['x, "y"\nz', "1"],
        "b": ["", "2"],
    }


def test_long_ids_stay_apart():
    assert id_number("90071992547409931") != id_number("90071992547409930")
    assert [id_number(text) for text in ("1e99", "0.50", "-0", "1_0", "")] == ["1" + 99 * "0", "0.5", "0", None, None]


@pytest.mark.parametrize(("content", "read"), WRITTEN.values(), ids=WRITTEN)
def test_a_guess_reads_the_same_table(tmp_path, content, read):
    path = tmp_path / "c.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    guessed, why = guess_read(path)
    assert len(why) == len(guessed.model_dump(exclude_defaults=True))
    assert list(open_table(path, guessed)["id"]) == IDS
