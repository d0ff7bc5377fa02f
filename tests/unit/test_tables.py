"""Reading tables as programs write them, and what is told of a clinical table that is not as it was declared."""

from __future__ import annotations

import re
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from prldh.core import DataError, StudyError, same_text
from prldh.data.cohort import read_cohort
from prldh.data.features import read_features
from prldh.data.ids import check_ids
from prldh.data.imaging.cases import read_cases
from prldh.data.numeric import numbers
from prldh.data.tables import open_table, read_table
from prldh.study import Tissue, read_study
from prldh.study.study import Study


def clinical(**columns) -> pd.DataFrame:
    table = pd.DataFrame(
        {"id": [f"{i:03d}" for i in range(8)], "relapse": ["yes", "no"] * 4, "grade": ["II", "II", "III", "III"] * 2}
    )
    return table.assign(**columns)


def study(**changes) -> Study:
    said = {
        "clinical": {
            "table": "clinical.csv",
            "id": "id",
            "outcome": "relapse",
            "event": "yes",
            "covariates": {"grade": {"type": "ordinal", "levels": ["I", "II", "III", "IV"]}},
        },
        "models": [{"name": "Grade", "terms": ["grade"]}],
    }
    said["clinical"].update(changes)
    return Study.model_validate(said)


def test_row_labels_of_a_parquet_file_are_columns(tmp_path):
    table = clinical()
    table.to_parquet(tmp_path / "plain.parquet")
    table.set_index("id").to_parquet(tmp_path / "labelled.parquet")
    table.iloc[::-1].to_parquet(tmp_path / "unnamed.parquet")  # labels without a name are no column of the table
    plain, labelled, unnamed = (read_table(tmp_path / f"{name}.parquet") for name in ("plain", "labelled", "unnamed"))
    pd.testing.assert_frame_equal(plain, labelled)
    assert list(unnamed.columns) == list(plain.columns)


def test_a_workbook_with_several_sheets_says_which_one_was_read(tmp_path):
    with pd.ExcelWriter(tmp_path / "clinical.xlsx") as book:
        pd.DataFrame({"note": ["drawn by two readers"]}).to_excel(book, sheet_name="Notes", index=False)
        clinical().to_excel(book, sheet_name="Patients", index=False)
    with pytest.raises(DataError, match=r"clinical.xlsx, sheet 'Notes' \(the first of 2.*has no column 'id'"):
        read_cohort(study(table="clinical.xlsx"), tmp_path)


def messages(folder, table: pd.DataFrame, **changes) -> list[str]:
    table.to_csv(folder / "clinical.csv", index=False)
    return [w.message for w in read_cohort(study(**changes), folder)[1]]


def test_levels_that_nobody_has_are_told_and_which_reference_stands_in(tmp_path):
    (told,) = messages(tmp_path, clinical())
    assert told == "'grade': no analysed patient has 'I', 'IV': no coefficient; 'II' is the reference instead of 'I'."
    (told,) = messages(tmp_path, clinical(), covariates={"grade": {"type": "ordinal", "levels": ["II", "III", "IV"]}})
    assert "'IV'" in told and "reference" not in told
    assert messages(tmp_path, clinical(), covariates={"grade": "categorical"}) == []


def test_a_level_that_goes_with_the_patients_left_out_is_told(tmp_path):
    table = clinical(grade=["I", *["II", "III"] * 3, "II"], age=["", *"1234567"])
    told = messages(tmp_path, table, covariates={"grade": "categorical", "age": "continuous"})
    assert any("'I'" in t and "'II' is the reference instead" in t for t in told)


def test_a_covariate_of_one_level_is_told(tmp_path):
    (told,) = messages(tmp_path, clinical(site="here"), covariates={"site": "categorical"})
    assert told == "'site' is 'here' for every analysed patient: models cannot contain it, and it is left out of them."


def _workbook(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


def test_a_formula_without_a_stored_value_is_told_and_not_taken_for_a_blank(tmp_path):
    _workbook(tmp_path / "c.xlsx", [["id", "x"], ["a", 1], ["b", "=1/3"], ["c", None]])
    table = read_table(tmp_path / "c.xlsx")
    assert list(table["x"]) == ["1", "=1/3", ""]
    with pytest.raises(DataError, match=r"row 3 \(patient b\), .*'=1/3' is a formula whose value is not stored"):
        numbers(open_table(tmp_path / "c.xlsx"), "x", table["id"], "clinical")


def test_an_error_of_a_spreadsheet_is_its_text_as_in_a_csv(tmp_path):
    path = tmp_path / "c.xlsx"
    _workbook(path, [["id", "x"], ["a", 1], ["b", 2]])
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    failed = re.sub(rb'<c r="B3"[^>]*><v>2</v></c>', b'<c r="B3" t="e"><f>1/0</f><v>#DIV/0!</v></c>', sheet)
    assert failed != sheet
    with zipfile.ZipFile(path, "w") as book:
        for name, part in (parts | {"xl/worksheets/sheet1.xml": failed}).items():
            book.writestr(name, part)
    (tmp_path / "c.csv").write_text("id,x\na,1\nb,#DIV/0!\n")
    for file in (path, tmp_path / "c.csv"):
        table = read_table(file)
        with pytest.raises(DataError, match=r"row 3 \(patient b\), .*'#DIV/0!' is an error of the spreadsheet"):
            numbers(open_table(file), "x", table["id"], "clinical")


def test_a_workbook_gives_what_pandas_reads(tmp_path):
    frame = pd.DataFrame(
        {
            "id": ["01", "2", "x y"],
            "whole": [1.0, 2.0, np.nan],
            "number": [0.1, 1e-7, -3.5],
            "flag": [True, False, True],
            "day": pd.to_datetime(["2020-01-02"] * 3),
            "hour": pd.to_datetime(["2020-01-02 12:30"] * 3),
        }
    )
    frame.to_excel(tmp_path / "c.xlsx", index=False)
    read = read_table(tmp_path / "c.xlsx")
    assert read.to_dict("list") == {
        "id": ["01", "2", "x y"],
        "whole": ["1", "2", ""],
        "number": ["0.1", "1e-07", "-3.5"],
        "flag": ["True", "False", "True"],
        "day": ["2020-01-02"] * 3,
        "hour": ["2020-01-02 12:30:00"] * 3,
    }


def test_only_whole_numbers_with_and_without_a_point_are_one_text():
    assert len({same_text(t) for t in ("1", "1.0", "1.", "1.000")}) == 1
    codes = ["4E1", "40", "5E0", "5", "01", "1", "0.5", "0.50", "1_0", "10", "١", "nan", "inf"]
    assert len({same_text(code) for code in codes}) == len(codes)


def test_codes_that_python_would_read_as_numbers_stay_levels_and_a_merged_one_is_told(tmp_path):
    table = clinical(grade=["4E1", "40", "5E0", "5", "01", "1", "1.0", "1.0"])
    table.to_csv(tmp_path / "clinical.csv", index=False)
    cohort, warnings = read_cohort(study(covariates={"grade": "categorical"}), tmp_path)
    (grade,) = cohort.covariates
    assert set(grade.levels) == {"4E1", "40", "5E0", "5", "01", "1"}
    assert list(cohort.table["grade"])[-3:] == ["1", "1", "1"]
    (told,) = [w for w in warnings if w.code == "PRL-016"]
    assert "2 cells with '1.0' are read as the level '1'" in told.message


@pytest.mark.parametrize("column", ["grade", "relapse"])
def test_an_error_of_a_spreadsheet_is_no_level_and_no_outcome(tmp_path, column):
    table = clinical()
    table.loc[3, column] = "#REF!"
    table.to_csv(tmp_path / "clinical.csv", index=False)
    with pytest.raises(DataError, match=rf"row 5 \(patient 003\), column '{column}': '#REF!' is an error of the"):
        read_cohort(study(), tmp_path)


ERRORS = (
    "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA", "#CONNECT!",
    "#BLOCKED!", "#FIELD!", "#UNKNOWN!", "#BUSY!", "#PYTHON!", "#EXTERNAL!",
)  # fmt: skip


@pytest.mark.parametrize("cell", ERRORS)
def test_every_error_of_a_spreadsheet_is_known(tmp_path, cell):
    table = clinical()
    table.loc[3, "grade"] = cell
    with pytest.raises(DataError, match="is an error of the spreadsheet"):
        messages(tmp_path, table, covariates={"grade": "categorical"})


@pytest.mark.parametrize(
    ("name", "cell", "what"),
    [("c.csv", "#REF!", "an error of the"), ("c.xlsx", "#N/A", "an error of the"), ("c.xlsx", "=A3", "not stored")],
)
def test_a_failed_cell_is_no_name_of_a_column(tmp_path, name, cell, what):
    rows = [["id", "y", cell], ["a", "1", "2"]]
    if name.endswith(".csv"):
        (tmp_path / name).write_text("\n".join(",".join(row) for row in rows))
    else:
        _workbook(tmp_path / name, rows)
    told = rf"{name}: the name of column 3, '{re.escape(cell)}', is .*{what}.*\. Type the name into that cell\."
    with pytest.raises(DataError, match=told):
        read_table(tmp_path / name)


def test_names_that_begin_like_an_error_stay_names(tmp_path):
    table = clinical(grade=["#A", "#1!", "#a!", "!", "#A", "#1!", "#a!", "#N/A"])
    table.to_csv(tmp_path / "clinical.csv", index=False)
    cohort, _ = read_cohort(study(covariates={"grade": "categorical"}), tmp_path)
    assert set(cohort.covariates[0].levels) == {"#A", "#1!", "#a!", "!"}
    assert [patient for patient, _ in cohort.excluded] == ["007"]
    (tmp_path / "c.csv").write_text("id,#1!,#A,=x\na,1,2,3\n")
    assert list(read_table(tmp_path / "c.csv").columns) == ["id", "#1!", "#A", "=x"]


@pytest.mark.parametrize(
    ("name", "cell", "what"),
    [("c.csv", "#REF!", "error of the"), ("c.xlsx", "#BLOCKED!", "error of the"), ("c.xlsx", "=A3", "not stored")],
)
def test_a_failed_cell_is_no_id(tmp_path, name, cell, what):
    """Neither in the clinical table, of a study or of new patients, nor in tables of features and of images."""
    rows = [["id", "relapse", "image", "mask"], ["a", "yes", "i", "m"], [cell, "no", "i", "m"]]
    if name.endswith(".csv"):
        (tmp_path / name).write_text("\n".join(",".join(row) for row in rows))
    else:
        _workbook(tmp_path / name, rows)
    told = rf"c\..*, row 3, column 'id': '{re.escape(cell)}' is .*{what}"
    with pytest.raises(DataError, match=told):
        check_ids(open_table(tmp_path / name), "id", "clinical.id")
    with pytest.raises(DataError, match=told):
        read_cases(tmp_path / name, "disc", "id")
    clinical().to_csv(tmp_path / "clinical.csv", index=False)
    cohort, _ = read_cohort(study(), tmp_path)
    with_features = study().model_copy(update={"tissues": {"disc": Tissue(features=[name])}})
    with pytest.raises(DataError, match=told):
        read_features(with_features, tmp_path, cohort, {})


@pytest.mark.parametrize("column", ["image", "mask", "segment"])
def test_a_failed_cell_is_neither_a_file_nor_a_segment(tmp_path, column):
    row = {"id": "a", "image": "i", "mask": "m", "segment": "L1"} | {column: "#REF!"}
    pd.DataFrame([row]).to_csv(tmp_path / "cases.csv", index=False)
    with pytest.raises(DataError, match=rf"row 2, column '{column}': '#REF!' is an error of the spreadsheet"):
        read_cases(tmp_path / "cases.csv", "disc", "id")


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        (["1", "1.0", "2"], "'1.0' is listed twice, as '1' too"),
        (["no", "yes", "YES"], "'YES' is listed twice, as 'yes'"),
    ],
)
def test_declared_levels_that_are_one_text_are_refused(levels, told):
    content = study().model_dump(exclude_unset=True)
    content["clinical"]["covariates"]["grade"]["levels"] = levels
    with pytest.raises(StudyError, match=told):
        read_study(content)


@pytest.mark.parametrize(
    ("levels", "cells", "told"),
    [
        ("[010, 020]", ["010", "020"], r"Quote it in the study file \('010'\), which reads it as 8 without quotes"),
        ("[12:30, 13:30]", ["12:30", "13:30"], r"\('12:30'\), which reads it as 750 without"),
        ("['010', '020']", ["010", "030"], "'030' is not among .* Declare or correct it"),
    ],
)
def test_a_level_that_the_study_file_reads_as_another_number_is_told(tmp_path, levels, cells, told):
    (tmp_path / "study.yaml").write_text(
        "clinical: {table: clinical.csv, id: id, outcome: relapse, event: yes,"
        f" covariates: {{grade: {{type: categorical, levels: {levels}}}}}}}\nmodels: [{{name: M, terms: [grade]}}]\n"
    )
    clinical(grade=cells * 4).to_csv(tmp_path / "clinical.csv", index=False)
    with pytest.raises(DataError, match=told):
        read_cohort(*read_study(tmp_path / "study.yaml"))


@pytest.mark.parametrize("has_chart", [True, False])
def test_a_chart_sheet_is_passed_over_or_told(tmp_path, has_chart):
    book = openpyxl.Workbook()
    for row in (["id", "x"], ["a", 1]):
        book.active.append(row)
    sheet = book.create_chartsheet("Chart", 0)
    if has_chart:
        sheet.add_chart(openpyxl.chart.BarChart())
    book.save(tmp_path / "c.xlsx")
    if has_chart:
        assert read_table(tmp_path / "c.xlsx").to_dict("list") == {"id": ["a"], "x": ["1"]}
    else:
        with pytest.raises(DataError, match="such as a chart sheet without a chart"):
            read_table(tmp_path / "c.xlsx")
