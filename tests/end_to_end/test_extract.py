"""`prldh extract` and `analyze` on image-level patients with a known effect."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from blank import blank_figures
from pages import unmarked

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")

sys.path.insert(0, str(Path(__file__).parents[1]))
from make_image_cohort import write_cohort

import prldh


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    return write_cohort(tmp_path_factory.mktemp("Bilder mit Ü"), 12, seed=3)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("PRLDH_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def measured(cohort, tmp_path_factory) -> Path:
    """A cache in which every patient of the cohort is."""
    folder = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRLDH_CACHE", str(folder))
        prldh.extract(cohort, None, jobs=1)
    return folder


@pytest.fixture
def warm_cache(own_cache, measured) -> Path:
    """For tests that do not look at what is measured anew: all of it has been before."""
    shutil.copytree(measured, own_cache, dirs_exist_ok=True)
    return own_cache


def _run(*arguments: object, by: Path | None = None) -> subprocess.CompletedProcess:
    """The command, started as users start it or by the fixture ``warm_prldh``."""
    command = [sys.executable, "-m", "prldh"] if by is None else [by]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=900)


def test_writes_both_readers_tables(cohort, tmp_path, warm_prldh):
    done = _run("extract", cohort, "--out", tmp_path / "out", "--jobs", 1, "--verify", 1)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out" / "features"
    first, second = (pd.read_parquet(folder / f"disc.reader{k}.parquet") for k in (1, 2))
    assert first.shape == second.shape == (12, 1 + 1223)
    assert list(first.columns[:1]) == ["patient_id"] and first["patient_id"].tolist() == [
        f"P{i:03d}" for i in range(1, 13)
    ]
    assert "original_shape_Sphericity" in first.columns and "wavelet-LLH_glcm_Idm" in first.columns
    assert not np.allclose(first.iloc[:, 1:], second.iloc[:, 1:])
    pd.testing.assert_frame_equal(first, pd.read_csv(folder / "disc.reader1.csv"), check_exact=True)
    about = json.loads((folder / "disc.json").read_text())
    assert about["sources"]["pyradiomics"]["settings"]["preset"] == "protocol-1223"
    assert about["features"]["original_shape_Sphericity"]["ibsi"] == "QCFX"
    assert 0.8 < about["cases"][0]["dice"] < 1
    assert "Verified against the reference: 1223 features" in done.stdout
    assert len(list((folder / "disc.pictures").glob("*.png"))) == 12
    assert sum(1 for _ in (tmp_path / "out").rglob("*.parquet")) == 2
    again = _run("extract", cohort, "--out", tmp_path / "out", by=warm_prldh)
    assert again.returncode == 1 and "--force" in again.stderr and len(again.stderr.strip().splitlines()) == 1


def test_the_second_run_computes_nothing_and_another_setting_only_what_depends_on_it(cohort, tmp_path):
    first = prldh.extract(cohort, tmp_path / "a", jobs=1)
    assert all(r.n_computed == 1 for r in first.images.tissues["disc"].results)
    second = prldh.extract(cohort, tmp_path / "b", jobs=2)
    assert all(r.n_computed == 0 for r in second.images.tissues["disc"].results)
    for name in ("disc.reader1.csv", "disc.reader2.csv", "disc.json"):
        assert (tmp_path / "a" / "features" / name).read_bytes() == (tmp_path / "b" / "features" / name).read_bytes()
    study = _changed(cohort, "extraction: {pyradiomics: {combine: volume}}")
    assert all(r.n_computed == 0 for r in prldh.extract(study, None).images.tissues["disc"].results), (
        "how regions are combined is no part of the key"
    )
    study = _changed(cohort, "extraction: {pyradiomics: {preset: protocol-log}}")
    assert all(r.n_computed == 1 for r in prldh.extract(study, None).images.tissues["disc"].results)


def _changed(study: Path, line: str, name: str = "changed.yaml") -> Path:
    path = study.with_name(name)
    path.write_text(study.read_text() + line + "\n", encoding="utf-8")
    return path


def test_a_damaged_kept_result_is_computed_again(cohort, warm_cache):
    first = prldh.extract(cohort, None, jobs=1)
    kept = sorted((warm_cache / "extraction").glob("*.json"), key=lambda p: p.stat().st_size)[-1]
    kept.write_bytes(kept.read_bytes()[:-200])
    second = prldh.extract(cohort, None, jobs=1)
    assert sum(r.n_computed for r in second.images.tissues["disc"].results) == 1
    pd.testing.assert_frame_equal(first.tables["disc"][0], second.tables["disc"][0], check_exact=True)


def test_killed_and_started_again_it_goes_on(cohort, tmp_path, own_cache):
    running = subprocess.Popen(
        [sys.executable, "-m", "prldh", "extract", str(cohort), "--out", str(tmp_path / "out"), "--jobs", "1"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 600
    while len(list(own_cache.rglob("*.json"))) < 5 and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not (tmp_path / "out").exists(), "nothing is left half written"
    done = prldh.extract(cohort, tmp_path / "out", jobs=1)
    n_computed = sum(r.n_computed for r in done.images.tissues["disc"].results)
    assert 0 < n_computed < 12


@pytest.mark.ci
def test_bad_cases_are_put_aside_and_the_rest_goes_on(cohort, tmp_path, warm_cache, warm_prldh):
    table = pd.read_csv(cohort.with_name("disc.csv"))
    table.loc[0, "mask_reader1"] = "absent.nii.gz"
    broken = cohort.with_name("broken.nii.gz")
    broken.write_bytes((cohort.with_name("images") / "P002_image.nii.gz").read_bytes()[:2000])
    table.loc[1, "image"] = broken.name
    table = table.drop(index=2)
    table.to_csv(cohort.with_name("bad.csv"), index=False)
    study = cohort.with_name("bad.yaml")
    study.write_text(cohort.read_text().replace("images: disc.csv", "images: bad.csv"), encoding="utf-8")
    done = prldh.extract(study, tmp_path / "out", jobs=1)
    tissue = done.images.tissues["disc"]
    assert [patient for patient, _ in tissue.aside] == ["P001", "P002", "P003"]
    reasons = dict(tissue.aside)
    assert (
        "not found: the mask of reader 1" in reasons["P001"]
        and "absent" not in reasons["P001"]
        and "no image is given" in reasons["P003"]
    )
    assert done.tables["disc"][0].shape[0] == 9
    strict = _run("extract", study, "--out", tmp_path / "strict", "--strict", "--jobs", 1, by=warm_prldh)
    assert strict.returncode == 1 and "P001" in strict.stderr and not (tmp_path / "strict").exists()
    looked = _run("extract", study, "--check", "--jobs", 1, by=warm_prldh)
    assert looked.returncode == 0 and "refused" in looked.stdout and "P002" in looked.stdout


def test_regions_of_a_patient_are_combined(cohort, warm_cache):
    table = pd.read_csv(cohort.with_name("disc.csv"))
    several = pd.concat([table.iloc[:3].assign(patient_id="P001"), table.iloc[3:]])
    several.to_csv(cohort.with_name("several.csv"), index=False)
    single = prldh.extract(cohort, None, jobs=1)
    study = cohort.with_name("several.yaml")
    study.write_text(cohort.read_text().replace("images: disc.csv", "images: several.csv"), encoding="utf-8")
    mean = prldh.extract(study, None).tables["disc"][0]
    weighted = prldh.extract(_changed(study, "extraction: {pyradiomics: {combine: volume}}"), None).tables["disc"][0]
    parts = single.tables["disc"][0].iloc[:3]
    np.testing.assert_allclose(mean.loc["P001"], parts.mean(), rtol=1e-12)
    volume = [r.about["volume_mm3"][0] for r in single.images.tissues["disc"].results[:3]]
    np.testing.assert_allclose(weighted.loc["P001"], np.average(parts, axis=0, weights=volume), rtol=1e-12)
    assert len(set(volume)) == 3 and "P002" not in mean.index


def test_from_images_to_report_in_one_command(tmp_path, warm_prldh):
    study = write_cohort(tmp_path / "images", 40, seed=11)
    done = _run("analyze", study, "--out", tmp_path / "out", by=warm_prldh)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    model = next(m for m in results["models"] if not m["adjusted"])
    assert model["validation"]["pipeline"]["folds"]["auc"]["estimate"] > 0.7, "coarseness has a strong effect"
    assert results["images"]["disc"]["agreement"]["dice"]["n"] == 40
    html = unmarked((tmp_path / "out" / "report.html").read_text())
    assert 'id="images"' in html and html.count('<figure class="case">') == 24
    assert (tmp_path / "out" / "features" / "disc.reader1.parquet").exists()
    # the same from the extracted tables
    features = tmp_path / "out" / "features"
    tables = [str(features / f"disc.reader{k}.parquet") for k in (1, 2)]
    given = tmp_path / "images" / "given.yaml"
    given.write_text(
        study.read_text().replace("{images: disc.csv}", f"{{features: {{pyradiomics: {json.dumps(tables)}}}}}"),
        encoding="utf-8",
    )
    with blank_figures():
        same = prldh.analyze(given, tmp_path / "given")
    assert same.data["models"] == results["models"]


@pytest.mark.ci
def test_one_reader_with_perturbed_masks(tmp_path):
    study = write_cohort(tmp_path / "images", 20, seed=2)
    table = (
        pd.read_csv(study.with_name("disc.csv")).rename(columns={"mask_reader1": "mask"}).drop(columns="mask_reader2")
    )
    table.to_csv(study.with_name("one.csv"), index=False)
    text = (
        study.read_text()
        .replace("images: disc.csv", "images: one.csv")
        .replace("folds: 5", "folds: 2")
        .replace("models:", "if_empty: best\nmodels:")
    )
    plain = study.with_name("plain.yaml")
    plain.write_text(text + "extraction: {pyradiomics: {preset: protocol-log}}\n")
    perturbed = study.with_name("perturbed.yaml")
    perturbed.write_text(text + "extraction: {pyradiomics: {preset: protocol-log}, perturb: {n: 3}}\n")
    with blank_figures():
        first, second = prldh.analyze(plain, tmp_path / "plain"), prldh.analyze(perturbed, tmp_path / "perturbed")
    one, several = (
        next(s for s in r.data["tissues"]["disc"]["selection"]["steps"] if s["name"] == "icc") for r in (first, second)
    )
    assert not one["details"]["computed"] and several["details"]["computed"] and several["n_out"] < several["n_in"]
    assert any("4 masks" in w["message"] for w in second.data["warnings"])
    values = pd.read_csv(tmp_path / "perturbed" / "features" / "disc.perturbed.csv")
    assert (
        len(values) == 60
        and (tmp_path / "perturbed" / "features" / "disc.reader1.csv").read_bytes()
        == (tmp_path / "plain" / "features" / "disc.reader1.csv").read_bytes()
    )
    again = prldh.extract(perturbed, None)
    assert all(r.n_computed == 0 for r in again.images.tissues["disc"].results)


def test_without_images_there_is_nothing_to_extract(tmp_path, cohort, warm_prldh):
    study = cohort.with_name("none.yaml")
    study.write_text(
        cohort.read_text()
        .replace("{images: disc.csv}", "{radscore: age}")
        .replace(", covariates: {age: continuous}", ""),
        encoding="utf-8",
    )
    done = _run("extract", study, "--out", tmp_path / "out", by=warm_prldh)
    assert done.returncode == 1 and "nothing to extract" in done.stderr
