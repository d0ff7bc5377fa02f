"""Reading tables as programs write them, and what is told of a clinical table that is not as it was declared."""

from __future__ import annotations

import re
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from prldh.core.errors import DataError
from prldh.data.cohort import read_cohort
from prldh.data.tables import numbers, read_table, same_text
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
        numbers(table["x"], table["id"], tmp_path / "c.xlsx")


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
            numbers(table["x"], table["id"], file)


def test_a_workbook_gives_what_pandas_reads(tmp_path):
    frame = pd.DataFrame(
        {
            "id": ["01", "2", "x y"],
            "whole": [1.0, 2.0, np.nan],
            "number": [0.1, 1e-7, -3.5],
            "flag": [True, False, True],
            "day": pd.to_datetime(["2020-01-02"] * 3),
        }
    )
    frame.to_excel(tmp_path / "c.xlsx", index=False)
    read = read_table(tmp_path / "c.xlsx")
    assert read.to_dict("list") == {
        "id": ["01", "2", "x y"],
        "whole": ["1", "2", ""],
        "number": ["0.1", "1e-07", "-3.5"],
        "flag": ["True", "False", "True"],
        "day": ["2020-01-02 00:00:00"] * 3,
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
