"""How far a penalised score goes beyond what it was fitted to: one patient whose features are artefacts settles
neither the calibration of the others nor what new patients are told."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml

import prldh
from prldh.apply import apply_models, write_calculator
from prldh.chain.learners import ElasticNetLearner, LassoLearner, LogisticLearner, RidgeLearner
from prldh.chain.learners.linear_svm import LinearSvmLearner
from prldh.core import LinearScore, TrainingRows, reach_of
from prldh.core.warn import FAR_FEATURES
from prldh.engines import PythonEngine

LEARNERS = (LassoLearner(), RidgeLearner(), ElasticNetLearner(), LinearSvmLearner())
QUICK = {
    "engine": "python",
    "report": {"figures": [], "checklists": []},
    "performance": {"decision_bootstrap": 10, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
    "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 0, "scope": ["pipeline"]},
}


def made(n=90, p=8, seed=3):
    g = np.random.default_rng(seed)
    values = g.normal(size=(n, p))
    outcome = (g.random(n) < 1 / (1 + np.exp(-1.5 * values[:, 0] + values[:, 1]))).astype(np.int8)
    return TrainingRows(values, None, outcome, np.arange(n), tuple(f"f{j}" for j in range(p)))


def fitted(learner, rows) -> LinearScore:
    return learner.fit(rows, learner.Settings(), np.random.SeedSequence(1), PythonEngine())


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_scores_end_a_quarter_of_their_range_beyond_those_that_were_fitted(learner):
    rows = made()
    score = fitted(learner, rows)
    own = score.apply(rows.values, rows.names, {})
    size = np.ptp(own)
    np.testing.assert_allclose(score.reach, (own.min() - size / 4, own.max() + size / 4), rtol=1e-12)
    sums = score.intercept + (rows.values[:, [rows.names.index(n) for n in score.names]] - score.center) @ (
        score.coefficients / score.scale
    )
    np.testing.assert_allclose(own, sums, rtol=1e-9, atol=1e-12)  # nobody who was fitted is cut off
    signs = np.sign([dict(zip(score.names, score.coefficients, strict=True)).get(n, 0.0) for n in rows.names])
    far = score.apply(np.vstack([1e6 * signs, -1e6 * signs]), rows.names, {})
    assert tuple(far[::-1]) == score.reach
    again = learner.from_state(json.loads(json.dumps(score.state)))
    assert again.reach == score.reach
    quick = score.permuting(rows.values[:, [rows.names.index(n) for n in score.names]])
    assert (np.isin(quick(0, np.full((1, 90), 1e9)), score.reach)).all()


def test_the_published_score_and_models_of_before_have_no_limit():
    assert fitted(LogisticLearner(), made()).reach is None
    state = fitted(LogisticLearner(), made()).state
    del state["reach"]
    assert LinearScore.from_state(state).reach is None


@pytest.mark.parametrize("reach", ([2, 1], [1], [1, 2, 3], ["a", 2]))
def test_limits_that_are_none_are_no_state(reach):
    state = fitted(RidgeLearner(), made()).state | {"reach": reach}
    with pytest.raises(ValueError):
        LinearScore.from_state(state)


def test_a_score_that_is_the_same_for_everyone_reaches_itself_alone():
    assert reach_of(np.full(4, 0.3)) == (0.3, 0.3)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study by a ridge; one feature of one patient is an artefact."""
    folder = tmp_path_factory.mktemp("reach")
    rows = made()
    values = rows.values.copy()
    values[7, 2] = 1e6
    ids = [f"P{i:03d}" for i in range(len(values))]
    pd.DataFrame({"id": ids, "y": rows.outcome}).to_csv(folder / "clinical.csv", index=False)
    pd.DataFrame(values, columns=rows.names).assign(id=ids).to_csv(folder / "features.csv", index=False)
    return QUICK | {
        "clinical": {"table": str(folder / "clinical.csv"), "id": "id", "outcome": "y", "event": 1, "covariates": {}},
        "tissues": {"disc": {"features": [str(folder / "features.csv")]}},
        "selection": [],
        "learner": "ridge",
        "second_stage": "as_is",
        "adjust": [],
        "models": [{"name": "Disc", "terms": ["disc"]}],
    }


def test_one_artefact_does_not_settle_the_calibration_of_the_others(study, tmp_path):
    results = prldh.analyze(study, tmp_path / "run", jobs=1)
    held_out = results.data["models"][0]["validation"]["pipeline"]["folds"]
    own = pd.read_csv(tmp_path / "run" / "predictions.csv").query("scheme == 'folds'")
    score = results.data["tissues"]["disc"]["radscore"]
    assert score["reach"][0] == score["reach"][1]  # the penalty left coefficients of 1e-37
    assert "it is taken for that end" not in (tmp_path / "run" / "report.html").read_text()
    assert np.ptp(np.log(own["probability"] / (1 - own["probability"]))) < 30
    assert held_out["slope"]["estimate"] > 0.2


def test_new_patients_far_outside_are_held_to_the_end_and_counted(study, tmp_path):
    """The run's pages, model.json, the calculator and ``apply`` have the same limit."""
    usual = pd.read_csv(study["tissues"]["disc"]["features"][0])
    usual.loc[7, "f2"] = 0.0
    usual.to_csv(tmp_path / "features.csv", index=False)
    usual[["id", "f0"]].to_csv(tmp_path / "one.csv", index=False)  # one feature alone has no penalty, and no end
    tissues = {
        "bone": {"features": [str(tmp_path / "one.csv")]},
        "disc": {"features": [str(tmp_path / "features.csv")]},
    }
    prldh.analyze(study | {"tissues": tissues}, tmp_path / "run")
    score = json.loads((tmp_path / "run" / "results.json").read_text())["tissues"]["disc"]["radscore"]
    state = json.loads((tmp_path / "run" / "model.json").read_text())["tissues"]["disc"]["chain"][-1]["state"]
    assert score["reach"] == state["reach"] and score["reach"][0] < score["reach"][1]
    page = re.sub(r"\s+", " ", (tmp_path / "run" / "report.html").read_text())
    assert "it is taken for that end, which nobody here reaches" in page
    assert "than a quarter of their range" in page
    write_calculator(tmp_path / "run", tmp_path / "calculator.html")
    assert json.dumps(score["reach"]).replace(" ", "") in (tmp_path / "calculator.html").read_text().replace(" ", "")

    signs = np.array([np.sign(score["coefficients"][name]) for name in usual.columns[:8]])
    entry = applied_to_far_patients(usual, signs, tmp_path)
    (told,) = (w for w in entry["warnings"] if w["code"] == "PRL-157")
    assert "the features of 2 of 3 new patients" in told["message"]
    predicted = pd.read_csv(tmp_path / "run" / entry["folder"] / "predictions.csv")
    np.testing.assert_allclose(predicted["log_odds"][:2], score["reach"][::-1], atol=1e-9)


def applied_to_far_patients(usual, signs, folder):
    """What is said of three new patients, two of whom lie far beyond the study's in every feature."""
    new = usual.head(3).assign(id=["N1", "N2", "N3"])
    new.loc[0, "f0":"f7"] = 1e9 * signs
    new.loc[1, "f0":"f7"] = -1e6 * signs
    new.to_csv(folder / "new.csv", index=False)
    pd.DataFrame({"id": new["id"]}).to_csv(folder / "cohort.csv", index=False)
    cohort = {"name": "B", "clinical": {"table": "cohort.csv"}, "tissues": {"disc": {"features": "new.csv"}}}
    (folder / "cohort.yaml").write_text(yaml.safe_dump(cohort))
    return apply_models(folder / "run", folder / "cohort.yaml")


def test_new_patients_whom_the_scores_of_a_mean_hold_are_counted(study, tmp_path):
    """Each linear score of a mean holds them to its own end: nothing was said."""
    usual = pd.read_csv(study["tissues"]["disc"]["features"][0])
    usual.loc[7, "f2"] = 0.0
    usual.to_csv(tmp_path / "features.csv", index=False)
    learner = {"mean": {"of": ["ridge", "logistic", {"mean": {"of": ["linear_svm"]}}]}}
    own = {"learner": learner, "tissues": {"disc": {"features": [str(tmp_path / "features.csv")]}}}
    prldh.analyze(study | own, tmp_path / "run", jobs=1)
    parts = json.loads((tmp_path / "run" / "model.json").read_text())["tissues"]["disc"]["chain"][-1]["state"]["parts"]
    coefficients = {f["name"]: f["coefficient"] for f in parts[0]["state"]["features"]}
    signs = np.array([np.sign(coefficients[name]) for name in usual.columns[:8]])
    entry = applied_to_far_patients(usual, signs, tmp_path)
    told = [w["message"] for w in entry["warnings"] if w["code"] == "PRL-157"]
    assert [each.partition(":")[0] for each in told] == [
        f"tissue disc, linear score {number} of the 3 that it is made of" for number in (1, 3)
    ]
    assert all("the features of 2 of 3 new patients" in each for each in told)
    (far,) = (w["message"] for w in entry["warnings"] if w["code"] == FAR_FEATURES.code)
    assert re.search(r"f0 \(\d\.\de\+\d\d SD\)", far)  # a number that is read, however far


def test_methods_tell_of_the_ends_of_scores_whose_mean_is_taken(study, tmp_path):
    usual = pd.read_csv(study["tissues"]["disc"]["features"][0])
    usual.loc[7, "f2"] = 0.0
    usual.to_csv(tmp_path / "features.csv", index=False)
    learner = {"mean": {"of": ["ridge", "logistic", {"mean": {"of": ["lasso"]}}]}}
    own = study | {"learner": learner, "tissues": {"disc": {"features": [str(tmp_path / "features.csv")]}}}
    data = prldh.analyze(own | {"second_stage": "as_is"}, tmp_path / "run", jobs=1).data
    ends = [len(part["ends"]) for part in data["tissues"]["disc"]["radscore"]["details"]["parts"]]
    assert ends == [1, 0, 1]
    page = re.sub(r"\s+", " ", (tmp_path / "run" / "report.html").read_text())
    assert "A linear score in it of a patient whom it was not fitted to" in page
