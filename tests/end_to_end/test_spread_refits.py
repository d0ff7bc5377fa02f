"""Logistic models that are refitted in processes of their own, R's among them: the same results to the last byte."""

from __future__ import annotations

import json

import pytest
from hostile.small_run import STUDY
from slow_study import write_slow_study

import prldh

pytestmark = pytest.mark.ci

CHAIN = {
    "engine": "both",
    "clinical": {
        "table": "clinical.csv", "id": "id", "outcome": "y", "event": 1, "covariates": {"age": "continuous"},
    },
    "models": [
        {"name": "Age", "terms": ["age"]},
        {"name": "Disc", "terms": ["disc"]},
        {"name": "Both", "terms": ["disc", "rcs(age, 3)"]},
    ],
    "missing": "complete_case",
    "selection": [{"correlation": {"between": 0.9, "outcome": 0.1}}],
    "validation": {"leave_one_out": True, "folds": 4, "bootstrap": 8},
}  # fmt: skip


@pytest.mark.r
def test_processes_of_their_own_give_the_same(tmp_path, monkeypatch, undrawn):
    """From the third refit on, R and Python work elsewhere, and every remark of an engine comes back."""
    study = write_slow_study(tmp_path, **STUDY | CHAIN)
    told: dict[str, list[str]] = {"here": [], "there": []}
    for name, jobs in (("here", 1), ("there", 2)):
        monkeypatch.setattr(prldh.work.work, "WORTH_S", 0.0)
        prldh.analyze(study, tmp_path / name, jobs=jobs, progress=lambda stage, *_, own=told[name]: own.append(stage))
    results = [json.loads((tmp_path / name / "results.json").read_text()) for name in told]
    assert results[0] == results[1] and results[0]["engines"]["r"]["packages"]
    assert [(tmp_path / name / "predictions.csv").read_bytes() for name in told][0] == (
        tmp_path / "there" / "predictions.csv"
    ).read_bytes()
    assert told["there"].count("refits, model refitted") >= 3 * 3 * 2
