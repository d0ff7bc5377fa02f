"""LightGBM through prldh: promises, log odds that are its own, and a whole study."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from prldh_lightgbm.learner import LightgbmLearner, LightgbmSettings, parameters

import prldh
from prldh.api import TrainingRows
from prldh.testing import parametrize_with_checks

lightgbm = pytest.importorskip("lightgbm", reason="LightGBM is not installed")


@parametrize_with_checks([LightgbmLearner()])
def test_conforms(check):
    check()


def test_log_odds_are_the_librarys():
    rng = np.random.default_rng(0)
    values, outcome = rng.normal(size=(90, 5)), (np.arange(90) % 3 == 0).astype(np.int8)
    values[:, 1] += outcome
    settings, seed = LightgbmSettings(trees=30), np.random.SeedSequence(1)
    rows = TrainingRows(values, None, outcome, np.arange(90), tuple("abcde"))
    found = LightgbmLearner().fit(rows, settings, seed, None)
    order = np.lexsort([*values.T[::-1], outcome])
    data = lightgbm.Dataset(values[order], outcome[order].astype(float))
    theirs = lightgbm.train(parameters(settings, seed), data, num_boost_round=30)
    np.testing.assert_allclose(found.log_odds(values), theirs.predict(values, raw_score=True), rtol=1e-12)


def test_a_study_is_analysed_and_its_frozen_trees_applied(tmp_path):
    rng = np.random.default_rng(2)
    outcome = np.arange(80) % 5 < 2
    features = pd.DataFrame({f"f{j}": outcome * (j < 2) + rng.normal(size=80) for j in range(6)})
    features.assign(id=range(80)).to_csv(tmp_path / "f.csv", index=False)
    pd.DataFrame({"id": range(80), "y": outcome.astype(int)}).to_csv(tmp_path / "t.csv", index=False)
    study = {
        "engine": "python",
        "clinical": {"table": str(tmp_path / "t.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"features": str(tmp_path / "f.csv")}},
        "selection": [],
        "learner": {"lightgbm": {"trees": 20}},
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0, "null_permutations": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
        "report": {"figures": [], "checklists": []},
    }
    out = tmp_path / "out"
    data = prldh.analyze(study, out, jobs=1).data
    assert data["models"][0]["validation"]["pipeline"]["folds"]["auc"]["estimate"] > 0.6
    assert "LightGBM" in (out / "report.html").read_text(encoding="utf-8")
    assert "tree_sizes" in json.dumps(json.loads((out / "model.json").read_text(encoding="utf-8")))
