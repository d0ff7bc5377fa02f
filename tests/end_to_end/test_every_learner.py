"""Every learner through a whole run: frozen, applied to new patients, written as JSON, with each second stage."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from schemas import check_schema

import prldh
from prldh.plugins import Registry

pytestmark = pytest.mark.usefixtures("undrawn")

N, P = 66, 7
#: Of each learner, settings that make it quick.
QUICK = {
    "random_forest": {"trees": 30},
    "boosting": {"trees": 30, "folds": 2},
    "mean": {"of": ["lasso", {"random_forest": {"trees": 20}}]},
}
LEARNERS = sorted(Registry(load_entry_points=False).registered("register_learners"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("learners"), np.random.default_rng(5)
    outcome = (np.arange(N) % 3 == 0).astype(int)
    values = rng.normal(size=(N, P)) + 0.9 * outcome[:, None] * (np.arange(P) < 3)
    ids = [f"p{k:03d}" for k in range(N)]
    table = pd.DataFrame({"id": ids, "y": outcome, "age": rng.normal(60, 9, N).round(1)})
    table.to_csv(folder / "clinical.csv", index=False)
    frame = pd.DataFrame(values, columns=[f"f{j}" for j in range(P)]).assign(id=ids)
    frame.loc[[3, 30], "f1"] = np.nan
    frame.to_csv(folder / "features.csv", index=False)
    return folder


def study_of(folder, learner, stage, **more):
    return {
        "engine": "python",
        "clinical": {"table": str(folder / "clinical.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"features": str(folder / "features.csv")}},
        "transforms": [{"impute": {"method": "median"}}, {"scale": {"method": "z"}}],
        "selection": [],
        "learner": {learner: QUICK.get(learner, {})},
        "second_stage": stage,
        "univariate": False,
        "yardstick": False,
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 4},
        "performance": {"decision_bootstrap": 5, "partial_auc_bootstrap": 5},
        "report": {"figures": ["svg"]},
        **more,
    }


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_learner_is_fitted_frozen_and_applied(learner, folder, tmp_path):
    out = tmp_path / "out"
    stage = "as_is" if LEARNERS.index(learner) % 2 else "cross_fitted"
    results = prldh.analyze(study_of(folder, learner, stage), out, jobs=1)
    check_schema(results.data)
    score = results.data["tissues"]["disc"]["radscore"]
    assert score["second_stage"] == stage and score["method"] == learner
    assert (score["intercept"] is None) == bool(score.get("reason"))
    (model,) = results.data["models"]
    assert (model["terms"][1]["b"] is None) == (stage == "as_is")
    assert model["validation"]["pipeline"]["folds"]["auc"]["estimate"] > 0.5
    assert all(row["n_held_out_rows_read"] == 0 for row in results.data["ledger"]["pipeline"]["folds"])
    chain = json.loads((out / "model.json").read_text())["tissues"]["disc"]["chain"]
    assert chain[-1]["kind"] == "scores" and isinstance(chain[-1]["state"], dict)
    cohort = {
        "name": "Same",
        "clinical": {"table": str(folder / "clinical.csv"), "id": "id"},
        "tissues": {"disc": {"features": str(folder / "features.csv")}},
    }
    found = prldh.apply_models(out, cohort)
    applied = pd.read_csv(out / found["folder"] / "predictions.csv")
    apparent = results.predictions[results.predictions["scheme"] == "apparent"]
    np.testing.assert_allclose(applied["log_odds"], apparent["log_odds"], atol=1e-9)


def test_cross_fitted_models_are_made_of_scores_that_the_frozen_chain_does_not_give(folder, tmp_path):
    models = [{"name": "both", "terms": ["disc", "age"]}, {"name": "alone", "terms": ["disc"]}]
    study = study_of(folder, "lasso", "cross_fitted", models=models, adjust=[])
    study["clinical"]["covariates"] = {"age": "continuous"}
    results = prldh.analyze(study, tmp_path / "out", jobs=1)
    both, alone = results.data["models"]
    assert any(w["code"] == "PRL-131" for w in results.data["warnings"])
    # apparent predictions are the frozen chain's on its own rows: their calibration is not 0 and 1 by construction
    assert abs(alone["calibration"]["slope"] - 1) > 0.01
    rows = results.predictions
    apparent = rows[(rows["scheme"] == "apparent") & (rows["model"] == "alone")]
    scores = {s["id"]: s["value"] for s in results.data["tissues"]["disc"]["scores"]}
    b = {t["term"]: t["b"] for t in alone["terms"]}
    expected = b["(Intercept)"] + b["disc"] * apparent["id"].map(scores)
    np.testing.assert_allclose(apparent["log_odds"], expected, atol=1e-9)
    assert both["terms"][2]["term"] == "age"


def test_features_that_a_frozen_score_needs_are_missed_by_name(folder, tmp_path):
    prldh.analyze(study_of(folder, "random_forest", "as_is"), tmp_path / "out", jobs=1)
    frame = pd.read_csv(folder / "features.csv").drop(columns=["f0"])
    frame.to_csv(tmp_path / "less.csv", index=False)
    cohort = {
        "name": "Less",
        "clinical": {"table": str(folder / "clinical.csv"), "id": "id"},
        "tissues": {"disc": {"features": str(tmp_path / "less.csv")}},
    }
    with pytest.raises(prldh.DataError if hasattr(prldh, "DataError") else Exception, match="f0"):
        prldh.apply_models(tmp_path / "out", cohort)
    model = json.loads((tmp_path / "out" / "model.json").read_text())
    model["tissues"]["disc"]["chain"][-1]["version"] = "0"
    (tmp_path / "out" / "model.json").write_text(json.dumps(model))
    cohort["tissues"]["disc"]["features"] = str(folder / "features.csv")
    with pytest.raises(Exception, match="is of version 0"):
        prldh.apply_models(tmp_path / "out", cohort)
