"""What may be kept, as in a log that a command's output is written to, names no file: file names may be patients'."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data
from click.testing import CliRunner

from prldh.cli import cli
from prldh.core import DataError
from prldh.data.imaging.check import check_cases
from prldh.data.imaging.naming import without_names
from prldh.run.image_terminal import summarise_findings

NAME = "Mustermann Erika"


@pytest.fixture
def study(tmp_path) -> Path:
    image = data.write(tmp_path / f"{NAME}.nii.gz", data.values())
    mask = data.write(tmp_path / f"{NAME} mask.nii.gz", data.box())
    cut = tmp_path / f"{NAME} 2.nii"
    cut.write_bytes(b"\x5c\x01\0\0 no volume" * 40)
    lines = [f"P1,{image.name},{mask.name}", f"P2,{cut.name},{mask.name}", f"P3,{NAME} absent.nii,{mask.name}"]
    (tmp_path / "cases.csv").write_text("patient_id,image,mask\n" + "\n".join(lines) + "\n")
    (tmp_path / "clinical.csv").write_text("patient_id,y\nP1,0\nP2,1\nP3,0\n")
    path = tmp_path / "study.yaml"
    path.write_text(
        "clinical: {table: clinical.csv, id: patient_id, outcome: y, event: 1}\ntissues: {disc: {images: cases.csv}}\n"
    )
    return path


def test_a_redirected_check_names_rows_and_no_file(study):
    pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
    said = CliRunner().invoke(cli, ["extract", str(study), "--check", "--jobs", "1"])
    assert said.exit_code == 0 and "Mustermann" not in said.output
    assert "refused  disc    P3       4     not found: the image." in said.output
    assert "P2       3     " in said.output and "several regions" in said.output


def test_a_folder_beside_a_mask_is_the_image_that_it_is(tmp_path):
    files = data.write_series(tmp_path / "image", data.values())
    row = data.row(tmp_path / "image", data.write_seg(tmp_path / "mask.dcm", files, {"a": data.box() == 1}))
    assert without_names("'image' has fields, and 'mask.dcm' too.", row) == "the image has fields, and the mask too."
    assert without_names(f"'{files[0].name}' is cut off.", row) == "a file of the image is cut off."


def test_on_a_terminal_files_are_named(tmp_path, study):
    image, mask = tmp_path / f"{NAME} absent.nii", tmp_path / f"{NAME} mask.nii.gz"
    found = {"disc": check_cases([data.row(image, mask)])}
    assert (
        NAME in " ".join(summarise_findings(found)[0].split())
        and NAME not in summarise_findings(found, is_kept=True)[0]
    )


def test_an_error_about_a_case_names_its_file_to_a_terminal_alone(study, tmp_path):
    pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
    said = CliRunner().invoke(cli, ["extract", str(study), "--out", str(tmp_path / "out"), "--strict", "--jobs", "1"])
    assert said.exit_code == 1 and "Mustermann" not in said.output and "patient P2 (line 3)" in said.output


def test_what_an_error_says_in_a_log_survives_another_process():
    error = pickle.loads(pickle.dumps(DataError("Erika's image", "the image")))
    assert (str(error), error.unnamed) == ("Erika's image", "the image") and DataError("x").unnamed is None
