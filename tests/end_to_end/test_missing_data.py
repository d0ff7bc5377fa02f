"""Multiple imputation through a whole analysis: pooled by Rubin's rules, fitted on training rows alone, the same in
both engines."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from pages import unmarked
from schemas import check_schema

import prldh
from prldh.chain.design import build_design
from prldh.core.seeds import seed_for
from prldh.data.imputation import impute_everyone
from prldh.results.agreement import judged
from prldh.run.preparation import prepare

pytestmark = pytest.mark.usefixtures("unwritten")

N = 120


def clinical() -> pd.DataFrame:
    """Blanks in age depend on the score, in grade on nothing; patient P000 has none."""
    rng = np.random.default_rng(5)
    score, age = rng.normal(size=N), rng.normal(60, 9, N)
    grade = np.array(["a", "b", "c"])[rng.integers(0, 3, N)]
    y = rng.random(N) < 1 / (1 + np.exp(0.8 - score - 0.05 * (age - 60) - 0.5 * (grade == "c")))
    table = pd.DataFrame(
        {
            "id": [f"P{i:03d}" for i in range(N)],
            "y": np.where(y, "yes", "no"),
            "score": score,
            "age": age,
            "grade": grade,
            "sex": rng.integers(0, 2, N),
        }
    )
    table["noise"] = rng.normal(size=N)
    table.loc[(rng.random(N) < 1 / (1 + np.exp(1.5 - score))) & (np.arange(N) > 0), "age"] = np.nan
    table.loc[(rng.random(N) < 0.15) & (np.arange(N) > 0), "grade"] = None
    return table


def study(folder, table: pd.DataFrame, **changes) -> dict:
    table.to_csv(folder / "clinical.csv", index=False)
    return {
        "engine": "python",
        "report": {"figures": []},
        "missing": "multiple_imputation",
        "imputation": {"imputations": 8, "iterations": 4, "imputations_in_resamples": 3, "iterations_in_resamples": 3},
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": "yes",
            "covariates": {"age": "continuous", "grade": "categorical", "sex": "categorical"},
        },
        "tissues": {"disc": {"radscore": "score"}, "muscle": {"radscore": "noise"}},
        "models": [{"name": "disc", "terms": ["disc"]}, {"name": "disc and age", "terms": ["disc", "age"]}],
        "adjust": ["grade"],
        "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 8},
        "performance": {"decision_bootstrap": 20, "partial_auc_bootstrap": 20, "interaction_bootstrap": 20},
        **changes,
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("missing")
    given = study(folder, clinical())
    return folder, given, prldh.analyze(given, folder / "out", jobs=1)


def _model(data, name, adjusted):
    return next(m for m in data["models"] if m["name"] == name and m["adjusted"] == adjusted)


def test_terms_are_pooled_by_rubins_rules(run):
    """Every imputed data set fitted by statsmodels, and the rules written out."""
    _, given, results = run
    plan = prepare(given)
    scores = {name: plan.cohort.scores[name].to_numpy() for name in plan.cohort.scores}
    completed = impute_everyone(
        plan.cohort, scores, plan.study.imputation, seed_for(plan.study.seed, "imputation", "all")
    )
    fits = [
        sm.Logit(c.outcome.astype(float), build_design(("disc", "age", "grade"), c, scores, {}).matrix).fit(
            disp=0, tol=1e-12
        )
        for c in completed
    ]
    b, v = np.array([f.params for f in fits]), np.array([f.bse**2 for f in fits])
    total = v.mean(axis=0) + (1 + 1 / len(fits)) * b.var(axis=0, ddof=1)
    entry = _model(results.data, "disc and age", True)
    assert entry["n_imputations"] == len(completed) == 8
    np.testing.assert_allclose([t["b"] for t in entry["terms"]], b.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose([t["se"] for t in entry["terms"]], np.sqrt(total), rtol=1e-4)
    fmi = {t["term"]: t["fmi"] for t in entry["terms"]}
    assert 0 < fmi["disc"] < 1 and 0.02 < fmi["age"] < 1
    for term in entry["terms"]:
        assert term["low"] < term["or"] < term["high"]


def test_what_has_no_blanks_is_analysed_as_it_is(run, tmp_path):
    _, given, results = run
    whole = prldh.analyze(
        study(
            tmp_path,
            clinical().drop(columns=["age", "grade"]),
            adjust=[],
            models=given["models"][:1],
            clinical={
                **given["clinical"],
                "table": str(tmp_path / "clinical.csv"),
                "covariates": {"sex": "categorical"},
            },
        ),
        tmp_path / "out",
        jobs=1,
    )
    here, there = _model(results.data, "disc", False), _model(whole.data, "disc", False)
    assert here["n_imputations"] == 0 and here["terms"] == there["terms"] and here["auc"] == there["auc"]
    assert here["validation"] == there["validation"]


def test_the_report_tells_what_was_imputed_and_what_it_cost(run):
    folder, _, results = run
    data = results.data
    check_schema(data)
    blanks = clinical()[["age", "grade"]].isna().sum()
    assert {v["name"]: v["n_missing"] for v in data["missing"]["variables"]} == dict(blanks)
    assert {r["variable"]: r["n_missing"] for r in data["table_one"] if "n_missing" in r} == {**blanks, "sex": 0}
    entry = _model(data, "disc and age", False)
    assert 0 < entry["auc"]["fmi"] < 1 and "Rubin" in entry["auc"]["method"]
    held_out = entry["validation"]["pipeline"]["folds"]["auc"]
    assert 0 < held_out["fmi"] < 1 and held_out["low"] < held_out["estimate"] < held_out["high"]
    nested = next(c for c in data["comparisons"] if "likelihood_ratio" in c and not c["adjusted"])
    assert 0 < nested["likelihood_ratio"]["p"] < 1 and "D2" in nested["likelihood_ratio"]["method"]
    page = unmarked((folder / "out" / "report.html").read_text())
    assert (
        "Fraction of missing information" in page
        and "chained equations" in page
        and f'<td class="level">unknown</td><td>{blanks["age"]}</td>' in page
    )
    assert any("missing at random" in w["message"] for w in data["warnings"])


def test_a_patients_held_out_prediction_does_not_depend_on_the_own_outcome(tmp_path):
    """Whoever is left out gives nothing to the imputation models, to the logistic model or to the cutoffs: with the
    outcome turned round and a blank more, nobody's prediction of that patient moves but by the blank; and with another
    age of the patient, no other's."""
    found = {}
    for name in ("as it is", "other outcome"):
        table = clinical().head(50)
        k = int(np.flatnonzero(table["age"].isna())[0])  # a patient whose age is imputed
        if name == "other outcome":
            table.loc[k, "y"] = "no" if table.loc[k, "y"] == "yes" else "yes"
        (tmp_path / name).mkdir()
        given = study(
            tmp_path / name,
            table,
            validation={"leave_one_out": True, "folds": 0, "bootstrap": 0, "scope": ["pipeline"]},
        )
        rows = prldh.analyze(given, tmp_path / name / "out", jobs=2).predictions
        found[name] = rows[(rows["scheme"] == "leave_one_out") & (rows["id"] == table.loc[k, "id"])].set_index(
            ["model", "adjusted"]
        )["log_odds"]
    assert len(found["as it is"]) == 4
    pd.testing.assert_series_equal(found["as it is"], found["other outcome"], check_exact=True)


def test_jobs_change_nothing(run, tmp_path):
    folder, given, _ = run
    prldh.analyze(given, tmp_path / "out", jobs=2)
    for name in ("results.json", "predictions.csv", "model.json"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / "out" / name).read_bytes(), name


@pytest.mark.r
def test_both_engines_pool_alike(run, tmp_path):
    _, given, _ = run
    prldh.analyze({**given, "engine": "both"}, tmp_path / "out", jobs=2)
    rows = json.loads((tmp_path / "out" / "results.json").read_text())["agreement"]
    assert len(rows) > 1500 and not [r for r in rows if r["difference"] is None]
    worst = max(rows, key=lambda r: judged(r["r"], r["python"]))
    assert judged(worst["r"], worst["python"]) < 1e-6, worst
