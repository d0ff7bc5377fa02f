"""Names that a spreadsheet takes for formulas: told, or escaped in what is written and taken back where it is read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from prldh.cli import cli
from prldh.core import cell_of_csv, csv_cell, csv_of, is_formula
from prldh.data.formulas import tell_of_formulas
from prldh.run.extraction import _write_csv


@given(st.text(st.sampled_from("'=+-@\t\r1.e a"), max_size=6))
def test_what_is_escaped_is_no_formula_and_comes_back(text):
    written = csv_cell(text, "escape")
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r")) or not is_formula(written)
    assert cell_of_csv(written, "escape") == text
    assert csv_cell(text, "warn") == cell_of_csv(text, "warn") == text


@pytest.mark.parametrize("cell", ["-1.5", "+3e-2", "-.5", "-inf", "-", "+", "", "a=b", -1.5, None, True])
def test_numbers_and_signs_alone_stay(cell):
    assert csv_cell(cell, "escape") is cell


def test_a_table_is_escaped_in_its_text_and_names_alone():
    table = pd.DataFrame({"=id": ["@a", "-1.5"], "x": [-1.5, 2.0], "level": pd.Categorical(["+b", "c"])})
    assert csv_of(table, "escape") == "'=id,x,level\n'@a,-1.5,'+b\n-1.5,2.0,c\n"
    assert csv_of(table, "warn") == table.to_csv(index=False, lineterminator="\n")
    assert list(table.columns) == ["=id", "x", "level"] and table.iloc[0, 0] == "@a"


def test_tables_of_features_too(tmp_path):
    import numpy as np

    _write_csv(tmp_path / "f.csv", {"id": ["=1", "b"]}, ["-f", "g"], np.array([[-1.0, 2], [3, np.nan]]), "escape")
    assert (tmp_path / "f.csv").read_text() == "id,'-f,g\n'=1,-1.0,2.0\nb,3.0,\n"


def test_one_warning_tells_counts_and_an_example_of_each():
    texts = {"ids": ["=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0", "@b", "-3"], "features": ["-f"], "levels": ["+"]}
    (told,) = tell_of_formulas("warn", texts)
    assert told.code == "PRL-145"
    assert "2 ids (such as '=cmd|' /C calc'!A0'), 1 features (such as '-f')." in told.message
    assert tell_of_formulas("escape", texts) == tell_of_formulas("warn", {"ids": ["a"]}) == []


def test_an_extraction_tells_of_its_ids(tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    pytest.importorskip("radiomics", reason="PyRadiomics is not installed (it needs a C compiler)")
    values = np.random.default_rng(1).normal(100, 30, (6, 8, 8)).astype(np.int16)
    mask = np.zeros(values.shape, np.uint8)
    mask[1:5, 2:6, 2:6] = 1
    for name, own in (("image", values), ("mask", mask)):
        sitk.WriteImage(sitk.GetImageFromArray(own), str(tmp_path / f"{name}.nii"))
    (tmp_path / "cases.csv").write_text("patient_id,image,mask\n=A1,image.nii,mask.nii\n")
    (tmp_path / "clinical.csv").write_text("patient_id,outcome\n=A1,0\n")
    study = tmp_path / "study.yaml"
    for formulas, n in (("warn", 1), ("escape", 0)):
        study.write_text(
            "title: a\nclinical: {table: clinical.csv, id: patient_id, outcome: outcome, event: 1}\n"
            "tissues: {disc: {images: cases.csv, sources: [pyradiomics]}}\n"
            f"report: {{csv_formulas: {formulas}}}\n"
        )
        done = CliRunner().invoke(cli, ["extract", str(study), "--out", str(tmp_path / formulas), "--jobs", "1"])
        assert done.exit_code == 0 and done.output.count("1 ids (such as '=A1')") == n, done.output
