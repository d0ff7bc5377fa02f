"""A feature source that was trained on patients of the study: told as a leak, listed, and held against validation by
the checklists."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import pytest
from pages import unmarked
from pydantic import BaseModel, ConfigDict
from schemas import check_schema

import prldh
from prldh.core import ALL_THAT_IS_FITTED, WHOLE
from prldh.plugins.hookspecs import hookimpl
from prldh.plugins.registry import Registry
from prldh.run import prepare

sitk = pytest.importorskip("SimpleITK", reason="images need SimpleITK")

pytestmark = pytest.mark.usefixtures("undrawn")


class Settings(BaseModel):
    """``seen``: patients that trained it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    seen: tuple[str, ...] = ()


class Trained:
    """Mean and SD of the region; says that the patients in its settings trained it."""

    name, version, Settings = "trained", "1", Settings

    def extract(self, case, settings):
        return tuple(
            {"mean": float(case.image.values[m].mean()), "sd": float(case.image.values[m].std())} for m in case.masks
        )

    def trained_on(self, settings):
        return {hashlib.sha256(p.encode()).hexdigest() for p in settings.seen}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """25 patients with an image; the last has no age and is not analysed."""
    plugin = SimpleNamespace(register_feature_sources=hookimpl(lambda: [Trained()]))

    def with_it(*args, **kwargs):
        manager = Registry(*args, **kwargs)
        manager.register(plugin, "trained")
        return manager

    monkeypatch.setattr("prldh.run.preparation.Registry", with_it)
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    cases, clinical = ["id,image,mask"], ["id,y,age"]
    for i in range(25):
        values = rng.normal(0.8 * (i % 2), 1, (3, 6, 6)).astype(np.float32)
        mask = np.zeros(values.shape, np.uint8)
        mask[:, 1:5, 1:5] = 1
        for name, array in (("i", values), ("m", mask)):
            sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / f"{name}{i}.nii"))
        cases.append(f"P{i},i{i}.nii,m{i}.nii")
        clinical.append(f"P{i},{i % 2},{'' if i == 24 else 50 + i * i % 13}")
    (tmp_path / "cases.csv").write_text("\n".join(cases) + "\n")
    (tmp_path / "clinical.csv").write_text("\n".join(clinical) + "\n")
    return {
        "clinical": {
            "table": str(tmp_path / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": 1,
            "covariates": {"age": "continuous"},
        },
        "engine": "python",
        "if_empty": "best",
        "tissues": {"disc": {"images": str(tmp_path / "cases.csv"), "sources": ["trained"]}},
        "selection": [{"correlation": {"between": 0.99, "outcome": 0.0}}],
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
        "report": {"figures": [], "checklists": ["clear"]},
    }


def _seen(study, seen):
    return study | {"extraction": {"trained": {"seen": seen}}}


def _plan(study, seen):
    return prepare(_seen(study, seen), jobs=1)


def _run(study, out, seen):
    results = prldh.analyze(_seen(study, seen), out, jobs=1).data
    check_schema(results)
    leaks = [w["message"] for w in results["warnings"] if w["message"].startswith("LEAK")]
    checklist = {e["number"]: e for e in json.loads((out / "checklists" / "clear.json").read_text())["items"]}
    return (
        results["images"]["disc"]["sources"]["trained"]["trained_on"],
        leaks,
        checklist["15"],
        unmarked((out / "report.html").read_text()),
    )


def test_patients_that_trained_a_source_are_a_leak(study, tmp_path):
    found, leaks, item, page = _run(study, tmp_path / "out", ["P3", "P17", "P24", "a stranger"])
    assert found == {"n_trained": 4, "n": 2, "ids": ["P17", "P3"]}, "P24 is not analysed"
    (leak,) = leaks
    assert leak.startswith("LEAK: tissue disc: 2 of 24 analysed patients trained the source 'trained': P17, P3.")
    assert item["status"] == "contradicted" and "trained of disc by 2 of 24" in item["value"]
    assert "LEAK: 2 of 24 analysed patients trained the source trained" in page
    assert ALL_THAT_IS_FITTED in page and "predictions of cross-validation, whole modelling" not in page
    assert _plan(study, ["P3"]).whole == ALL_THAT_IS_FITTED


def test_strangers_are_no_leak_and_silence_is_not_innocence(study, tmp_path):
    found, leaks, item, page = _run(study, tmp_path / "out", ["P24", "a stranger"])
    assert found == {"n_trained": 2, "n": 0, "ids": []} and not leaks and item["status"] == "filled"
    assert "None of the 2 patients that trained the source trained is analysed here" in page and "LEAK" not in page
    assert ALL_THAT_IS_FITTED not in page and WHOLE in page
    assert _plan(study, ["P24", "a stranger"]).whole == WHOLE and _plan(study, []).whole == ALL_THAT_IS_FITTED
    found, leaks, item, page = _run(study, tmp_path / "silent", [])
    assert found == {"n_trained": None, "n": 0, "ids": []} and not leaks and item["status"] == "author"
    assert "was trained is not known" in page
