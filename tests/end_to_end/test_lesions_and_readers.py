"""Lesions as rows, two readers and their consensus, from images to the report and to new patients."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from imaging_data import GRID, write
from lesion_data import Plain, study_of
from pages import unmarked
from phone import cut_on_a_phone
from schemas import check_schema

import prldh
from prldh.engines import PythonEngine

pytest.importorskip("SimpleITK", reason="images need SimpleITK")

N = 24


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRLDH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def _patients(folder: Path, first: int, readers: int = 2) -> tuple[list[dict], list[dict]]:
    """Two lesions each in one image, brighter where there was an event; readers draw them a little apart."""
    cases, clinical = [], []
    for i in range(first, first + N):
        rng = np.random.default_rng(i)
        event = int(rng.random() < 0.5)
        image = rng.normal(100, 20, GRID.size[::-1])
        image[1:5] += (14 * event + rng.normal(0, 8)) + rng.normal(0, 3, (4, 1, 1))
        write(folder / f"P{i}.nii.gz", image.astype(np.float32))
        for reader in range(readers):
            labels = np.zeros(GRID.size[::-1], dtype=np.uint8)
            labels[1:5, 2 + rng.integers(0, 2) : 7, 1:5] = 1
            labels[1:4, 2:6, 7 : 10 + rng.integers(0, 2)] = 2
            write(folder / f"P{i}_{reader + 1}.nii.gz", labels)
        for k in (1, 2):
            masks = {f"mask_reader{r + 1}" if readers > 1 else "mask": f"P{i}_{r + 1}.nii.gz" for r in range(readers)}
            cases.append({"lesion_id": f"P{i}-{k}", "image": f"P{i}.nii.gz", **masks, "label": k})
            clinical.append({"lesion_id": f"P{i}-{k}", "who": f"P{i}", "event": event})
    return cases, clinical


@pytest.fixture(scope="module")
def run(tmp_path_factory, undrawn) -> Path:
    folder = tmp_path_factory.mktemp("lesions")
    cases, clinical = _patients(folder, 100)
    of_images = {"share_images": True, "consensus": "staple", "image_steps": [{"z_score": {"scale": 10}}]}
    study = study_of(folder, cases, clinical, "lesion_id", patient="who", **of_images) | {
        "engine": "python",
        "selection": [{"icc": {"threshold": 0.2}}],
        "univariate": False,
        "validation": {"leave_one_out": False, "folds": 4, "bootstrap": 0, "scope": ["pipeline"]},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
        "report": {"figures": ["svg"], "checklists": ["clear"]},
    }
    prldh.analyze(study, folder / "out", jobs=1, plugins=[Plain()])
    return folder / "out"


def test_the_icc_is_of_the_readers_and_the_score_of_the_consensus(run):
    data = json.loads((run / "results.json").read_text())
    check_schema(data)
    agreed, *readers = (
        pd.read_parquet(run / "features" / f"liver.{name}.parquet").set_index("lesion_id").sort_index()
        for name in ("consensus", "reader1", "reader2")
    )
    of_readers = PythonEngine().icc(*(reader.to_numpy() for reader in readers))["estimate"]
    selection = data["tissues"]["liver"]["selection"]
    assert selection["readers"] == 2
    details = selection["steps"][0]["details"]["estimate"]
    assert details["max"] == pytest.approx(of_readers.max()) and details["min"] == pytest.approx(of_readers.min())
    score = data["tissues"]["liver"]["radscore"]
    values = (agreed - pd.Series(score["center"])) / pd.Series(score["scale"])
    by_hand = score["intercept"] + (values * pd.Series(score["coefficients"])).sum(axis=1)
    told = pd.Series({s["id"]: s["value"] for s in data["tissues"]["liver"]["scores"]}).sort_index()
    np.testing.assert_allclose(told, by_hand, rtol=1e-9)


def test_lesions_of_a_patient_are_never_parted(run):
    predictions = pd.read_csv(run / "predictions.csv")
    held_out = predictions[predictions["scheme"] == "folds"]
    assert len(held_out) == 2 * N and held_out["fold"].nunique() == 4
    assert (held_out.groupby(held_out["id"].str.split("-").str[0])["fold"].nunique() == 1).all()


def test_report_methods_and_checklists_say_it(run):
    page = html.unescape(re.sub("<[^>]+>", " ", unmarked((run / "report.html").read_text(encoding="utf-8"))))
    page = " ".join(page.split())
    assert "48 lesions of 24 patients, 24 with several (2 at most); each lesion is a row" in page
    assert "STAPLE (inside is a probability above one half); its values are used" in page
    assert "features were measured in the consensus of the 2 readers' masks, STAPLE" in page
    bibliography = (run / "references.bib").read_text(encoding="utf-8")
    assert "@article{warfield2004," in bibliography
    lists = {path.name: path.read_text(encoding="utf-8") for path in run.rglob("*clear*.csv")}
    assert lists and any("features are of their consensus, STAPLE" in text for text in lists.values())


@pytest.mark.browser
def test_a_phone_shows_the_number_of_every_table(browser, run):
    n, cut = cut_on_a_phone(browser, run)
    assert n > 30 and cut == []


def test_one_reader_of_new_patients_stands_for_the_consensus(run, tmp_path):
    cases, clinical = _patients(tmp_path, 300, readers=1)
    pd.DataFrame(cases).to_csv(tmp_path / "liver.csv", index=False)
    pd.DataFrame(clinical).to_csv(tmp_path / "clinical.csv", index=False)
    cohort = {
        "name": "new",
        "clinical": {"table": str(tmp_path / "clinical.csv"), "patient": "who"},
        "tissues": {"liver": {"images": str(tmp_path / "liver.csv")}},
    }
    applied = prldh.apply_models(run, cohort, jobs=1, plugins=[Plain()])
    text = str(applied)
    assert "PRL-202" in text and "one reader's masks" in text
    assert "PRL-200" not in text and "duplicate_image" not in text
    assert "PRL-101" not in text, "values lie where the study's do: the image step was applied"
