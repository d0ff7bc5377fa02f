"""`separation: firth | warn | error`: what a study with a level without events gets."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from schemas import check_schema
from scipy import special

from prldh.core.errors import DataError, StudyError
from prldh.engines.python import PythonEngine
from prldh.pipeline import analyze

pytestmark = pytest.mark.usefixtures("unwritten")

N = 90


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Two scores, and a level ("c") in which nobody has the event."""
    rng = np.random.default_rng(4)
    score = rng.normal(size=(N, 2))
    level = np.array(["a", "b", "c"])[np.arange(N) % 3]
    event = rng.random(N) < special.expit(score.sum(axis=1))
    event[level == "c"] = False
    path = tmp_path_factory.mktemp("separated") / "clinical.csv"
    rows = {
        "id": np.arange(N),
        "event": event.astype(int),
        "disc": score[:, 0],
        "muscle": score[:, 1],
        "level": level,
        "age": rng.integers(20, 80, N),
    }
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def study(table, **changes):
    return {
        "engine": "python",
        "report": {"figures": []},
        "clinical": {
            "table": str(table),
            "id": "id",
            "outcome": "event",
            "event": 1,
            "covariates": {"level": "categorical", "age": "continuous"},
        },
        "tissues": {"disc": {"radscore": "disc"}, "muscle": {"radscore": "muscle"}},
        "models": [
            {"name": "disc", "terms": ["disc"]},
            {"name": "both", "terms": ["disc", "muscle"]},
            {"name": "groups", "terms": ["groups(disc, muscle)"]},
        ],
        "performance": {"partial_auc_bootstrap": 0, "decision_bootstrap": 0},
        "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 20},
        **changes,
    }


@pytest.fixture(scope="module")
def firth(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "firth"
    return analyze(study(table), out).data, out


def model(data, name, adjusted):
    return next(m for m in data["models"] if m["name"] == name and m["adjusted"] == adjusted)


def test_separated_models_are_fitted_by_firth_and_say_so(firth):
    data, out = firth
    check_schema(data)
    for entry in data["models"]:
        assert entry["fit"] == ("firth" if entry["adjusted"] else "maximum likelihood")
        assert [s["term"] for s in entry["separation"]] == (["levelc"] if entry["adjusted"] else [])
        for term in entry["terms"]:
            assert all(np.isfinite(term[key]) for key in ("b", "se", "p", "or", "low", "high"))
            assert 1e-4 < term["or"] < 1e4
    told = [w["message"] for w in data["warnings"] if "Firth's penalised likelihood (" in w["message"]]
    assert len(told) == 5  # three models, the covariates alone and the interaction
    assert all("levelc (-infinity)" in message and "Puhr 2017" in message for message in told[:3])
    assert "Fitted by Firth's penalised likelihood" in unmarked((out / "report.html").read_text())
    assert {m["fit"] for m in json.loads((out / "model.json").read_text())["models"]} == {"firth", "maximum likelihood"}


def test_predictions_are_those_of_the_estimator_in_every_resample(firth, table):
    data, _ = firth
    rows = pd.read_csv(table)
    design = np.column_stack([np.ones(N), rows["disc"], rows["level"] == "b", rows["level"] == "c", rows["age"]])
    outcome = rows["event"].to_numpy(float)
    fit = PythonEngine().fit_firth(design, outcome)
    entry = model(data, "disc", True)
    np.testing.assert_allclose([t["b"] for t in entry["terms"]], fit["coefficients"], rtol=1e-9)
    p = special.expit(design @ fit["coefficients"])
    assert entry["calibration"]["brier"] == pytest.approx(np.mean((p - outcome) ** 2), rel=1e-9)
    assert p.mean() > outcome.mean()  # pulled towards 1/2
    for scope in ("model", "pipeline"):
        assert entry["validation"][scope]["folds"]["auc"]["estimate"] == pytest.approx(
            data["models"][1]["validation"][scope]["folds"]["auc"]["estimate"]
        )
        assert 0.0 < entry["validation"][scope]["bootstrap"]["brier"]["estimate"] < 0.3


def test_refits_ask_the_engine_for_firth(table, tmp_path, monkeypatch):
    asked = []
    for name in ("refit_firth", "refit_logistic"):
        own = getattr(PythonEngine, name)

        def counted(self, design, *rest, own=own, name=name, **named):
            asked.append((name, np.shape(design)[1]))
            return own(self, design, *rest, **named)

        monkeypatch.setattr(PythonEngine, name, counted)
    analyze(study(table), tmp_path / "out")
    assert {columns for name, columns in asked if name == "refit_firth"} == {4, 5, 6, 7}  # covariates, adjusted models
    assert {columns for name, columns in asked if name == "refit_logistic"} == {2, 3, 4}


def test_nested_models_of_which_one_is_firths_have_a_penalised_likelihood_ratio_test(firth):
    data, _ = firth
    tests = {
        c["adjusted"]: c["likelihood_ratio"]
        for c in data["comparisons"]
        if (c["a"], c["b"]) == ("disc", "both") and "likelihood_ratio" in c
    }
    assert tests[False]["p"] is not None
    assert (
        tests[False]["method"] == "likelihood ratio" and tests[True]["method"] == "penalised likelihood ratio (Firth)"
    )
    assert tests[True]["df"] == 1 and 0 < tests[True]["p"] < 1


def test_interaction_is_from_the_firth_fit(firth):
    found = firth[0]["interaction"]
    assert found["fit"] == {"unadjusted": "maximum likelihood", "adjusted": "firth"}
    groups = {t["level"]: t for t in model(firth[0], "groups", True)["terms"]}
    for row in found["adjusted"][1:]:
        assert row["b"] == pytest.approx(groups[row["group"]]["b"], rel=1e-12)
    reri = found["additive"]["adjusted"]["reri"]
    assert reri["low"] < reri["estimate"] < reri["high"]


def test_warn_leaves_infinite_estimates_null(table, tmp_path):
    entry = model(analyze(study(table, separation="warn"), tmp_path / "out").data, "disc", True)
    term = next(t for t in entry["terms"] if t["term"] == "levelc")
    assert entry["fit"] == "maximum likelihood"
    assert [s["term"] for s in entry["separation"]] == ["levelc"]
    assert (term["b"], term["or"], term["low"]) == (None, None, None)


def test_error_names_the_model_and_the_terms(table, tmp_path):
    with pytest.raises(DataError, match=r"model 'disc', adjusted: the outcome is separated by levelc"):
        analyze(study(table, separation="error"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(StudyError, match="separation"):
        analyze(study(table, separation="ignore"), tmp_path / "out")


@pytest.mark.parametrize("predictions", ["flic", "flac"])
def test_predictions_by_firth_are_corrected_where_the_study_says(firth, table, tmp_path, predictions):
    data = analyze(study(table, firth={"predictions": predictions}), tmp_path / "out").data
    before, after = (model(d, "both", True) for d in (firth[0], data))
    assert after["prediction"]["method"] == predictions and "prediction" not in before
    assert after["terms"] == before["terms"]
    frozen = json.loads((tmp_path / "out" / "model.json").read_text())
    of_model = next(m for m in frozen["models"] if (m["name"], m["adjusted"]) == ("both", True))
    assert [c["b"] for c in of_model["coefficients"]] == [c["b"] for c in after["prediction"]["coefficients"]]
    rows = pd.read_csv(tmp_path / "out" / "predictions.csv")
    own = rows[(rows["model"] == "both") & rows["adjusted"]]
    apparent = own[own["scheme"] == "apparent"]
    assert apparent["probability"].mean() == pytest.approx(apparent["outcome"].mean(), abs=1e-9)
    assert after["calibration"]["citl"] == pytest.approx(0, abs=1e-8) and abs(before["calibration"]["citl"]) > 1e-4
    for scope in ("model", "pipeline"):
        assert after["validation"][scope]["folds"]["brier"] != before["validation"][scope]["folds"]["brier"]
    assert model(data, "disc", False) == model(firth[0], "disc", False)  # by maximum likelihood
    (told,) = (w["message"] for w in data["warnings"] if w["code"] == "PRL-051" and "'both', adj" in w["message"])
    assert predictions.upper() in told and "biased" not in told
    assert predictions.upper() in unmarked((tmp_path / "out" / "report.html").read_text())
    check_schema(data)
