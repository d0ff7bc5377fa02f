"""Reading tables as programs write them, and what is told of a clinical table that is not as it was declared."""

from __future__ import annotations

import pandas as pd
import pytest

from prldh.core.errors import DataError
from prldh.data.cohort import read_cohort
from prldh.data.tables import read_table
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
