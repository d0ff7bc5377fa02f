"""`prldh demo --data-only` and `prldh.demo_cohort()`: the example data of the package. The studies of tables are run as
they are by test_demo.py, that of the scanners by test_scanners_study.py."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

import prldh
from prldh.cli import cli
from prldh.core import OutputError
from prldh.demo import data
from prldh.demo.images import SPACING_MM

SimpleITK = pytest.importorskip("SimpleITK", reason="images need SimpleITK")


def run(*arguments: object):
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples") / "demo-data"
    done = run("demo", "--data-only", folder)
    assert done.exit_code == 0, done.output
    return folder, done.output


def test_one_line_writes_tables_images_and_study_files(written):
    folder, told = written
    assert {p.name for p in folder.iterdir()} == {"published", "features", "images", "scanners"}
    assert {p.name for p in (folder / "images").iterdir()} == {"study.yaml", "clinical.csv", "disc.csv", "images"}
    cases = pd.read_csv(folder / "images" / "disc.csv")
    assert list(cases) == ["patient_id", "image", "mask_reader1", "mask_reader2"] and len(cases) == 40
    for name in ("published", "features", "images", "scanners"):
        study = folder / name / "study.yaml"
        assert study.read_text().startswith("# SYNTHETIC data") and f"  {study}  " in told
    assert all(len(line.replace(f"{folder.parent}/", "")) <= 80 for line in told.splitlines())


def test_the_same_bytes_come_every_time_and_from_python(written, tmp_path):
    studies = prldh.demo_cohort().write(tmp_path / "again")
    assert studies == {name: tmp_path / "again" / name / "study.yaml" for name in studies} and len(studies) == 4
    assert files_of(tmp_path / "again") == files_of(written[0])


@pytest.mark.parametrize("name", ["published", "features", "images", "scanners"])
def test_every_study_file_is_whole(written, name, tmp_path):
    done = run("plan", written[0] / name / "study.yaml", "--out", tmp_path / "plan.json")
    assert done.exit_code == 0, done.output


def test_the_study_of_tables_is_analysed(written, undrawn, tmp_path):
    study = yaml.safe_load((written[0] / "published" / "study.yaml").read_text())
    study |= {"engine": "python", "adjust": [], "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 0}}
    study["clinical"]["covariates"] = {"age": "continuous", "pfirrmann": "categorical"}
    study["clinical"]["table"] = str(written[0] / "published" / "clinical.csv")
    study["performance"] = {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    done = run("analyze", tmp_path / "study.yaml", "--out", tmp_path / "out", "--jobs", 1)
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "out" / "results.json").read_text())["cohort"]["events"] == 39


def test_images_and_masks_are_found_well(written):
    pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
    done = run("extract", written[0] / "images" / "study.yaml", "--check", "--strict", "--jobs", 1)
    assert done.exit_code == 0, done.output
    assert "40" in done.output


@pytest.mark.slow
def test_the_study_of_images_is_analysed_as_it_is(written, tmp_path, monkeypatch):
    pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "cache"))
    done = run("analyze", written[0] / "images" / "study.yaml", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["cohort"]["n"] == 40 and results["models"][0]["auc"]["estimate"] > 0.8


def test_the_cohort_holds_what_is_written(written):
    cohort = prldh.demo_cohort()
    assert len(cohort.published) == 170 and cohort.tables["clinical.csv"].shape == (170, 5)
    first = cohort.images[0]
    for name, array in (("image", first.image), ("reader1", first.masks[0]), ("reader2", first.masks[1])):
        picture = SimpleITK.ReadImage(str(written[0] / "images" / "images" / f"{first.patient}_{name}.nii.gz"))
        assert np.array_equal(SimpleITK.GetArrayFromImage(picture), array)
        assert picture.GetSpacing() == SPACING_MM[::-1]
    assert (first.masks[0] != first.masks[1]).any()
    outcome = pd.read_csv(written[0] / "images" / "clinical.csv")["recurrence"]
    assert [drawn.has_event for drawn in cohort.images] == list(outcome == "yes")


def test_what_is_there_is_refused_whole_and_replaced_when_forced(tmp_path):
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "disc.csv").write_text("mine\n")
    (folder / "images" / "notes.txt").write_text("mine\n")
    done = run("demo", "--data-only", folder)
    assert done.exit_code == 1 and "'disc.csv'" in done.output and "no study.yaml" in done.output
    assert "--force" in done.output and {p.name for p in folder.iterdir()} == {"images"}  # nothing was begun
    assert run("demo", "--data-only", folder, "--force").exit_code == 0
    assert (folder / "images" / "disc.csv").read_text() != "mine\n"
    assert (folder / "images" / "notes.txt").read_text() == "mine\n"
    with pytest.raises(OutputError, match="holds study.yaml already"):
        prldh.demo_cohort().write(folder)


def test_without_simpleitk_tables_are_written_and_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "find_spec", lambda name: None)
    done = run("demo", "--data-only", tmp_path / "data")
    assert done.exit_code == 0 and {p.name for p in (tmp_path / "data").iterdir()} == {"published", "features"}
    assert "Images were not written" in done.output and "pip install 'prldh[images]'" in done.output
