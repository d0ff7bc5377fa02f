"""``clinical_model``: the covariates alone, and what every model adds to them, against statsmodels and plain R."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from schemas import check_schema
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score

import prldh

pytestmark = pytest.mark.usefixtures("undrawn")

COVARIATES = {"age": "continuous", "grade": {"type": "ordinal", "levels": ["I", "II", "III"]}}
QUICK = {"decision_bootstrap": 5, "partial_auc_bootstrap": 5, "interaction_bootstrap": 5}


def cohort(n: int = 90) -> pd.DataFrame:
    g = np.random.default_rng(7)
    age, grade, disc = g.normal(55, 9, n).round(1), g.choice(["I", "II", "III"], n), g.normal(size=n)
    eta = -1 + 0.05 * (age - 55) + 0.8 * (grade == "III") + disc
    y = (g.random(n) < 1 / (1 + np.exp(-eta))).astype(int)
    return pd.DataFrame(
        {"id": [f"p{k:03d}" for k in range(n)], "y": y, "age": age, "grade": grade, "disc": disc, "spine": disc**2}
    )


def study(folder: Any, **changes: Any) -> dict[str, Any]:
    clinical = {"table": str(folder / "t.csv"), "id": "id", "outcome": "y", "event": 1, "covariates": COVARIATES}
    return {
        "title": "T",
        "engine": "python",
        "clinical": clinical,
        "tissues": {"disc": {"radscore": "disc"}},
        "models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Clinical", "terms": ["age", "grade"]}],
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0},
        "performance": QUICK,
        **changes,
    }


def analyzed(folder: Any, table: pd.DataFrame, **changes: Any) -> prldh.Results:
    table.to_csv(folder / "t.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prldh.pipeline.write_outputs", lambda *given, **how: None)
        results = prldh.analyze(study(folder, **changes), folder / "out", jobs=1, force=True)
    check_schema(results.data)
    return results


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return analyzed(tmp_path_factory.mktemp("alone"), cohort())


def design(table: pd.DataFrame, *more: str) -> np.ndarray:
    grade = [(table["grade"] == level).astype(float) for level in ("II", "III")]
    return sm.add_constant(np.column_stack([table["age"], *grade, *(table[name] for name in more)]))


def test_it_is_the_covariates_fit_and_stands_beside_the_models(results):
    entry, table = results.data["clinical_model"], cohort()
    fit = sm.Logit(table["y"], design(table)).fit(disp=0)
    assert (entry["name"], entry["adjusted"], entry["n"]) == ("Covariates alone", False, 90)
    np.testing.assert_allclose([t["b"] for t in entry["terms"]], fit.params, rtol=1e-6)
    np.testing.assert_allclose(entry["auc"]["estimate"], roc_auc_score(table["y"], fit.predict()))
    assert [m["name"] for m in results.data["models"]] == ["Disc", "Disc", "Clinical"]
    assert not any("Covariates alone" in (c["a"], c["b"]) for c in results.data["comparisons"])
    assert "Covariates alone" not in set(results.predictions["model"])
    # what a study's own model of the same covariates is, it is in all
    own = next(m for m in results.data["models"] if m["name"] == "Clinical")
    assert {**entry, "name": "", "added_value": 0} == {**own, "name": "", "added_value": 0}


def test_held_out_it_is_refitted_on_the_same_folds(results):
    table, held = cohort(), results.predictions.query("model == 'Disc' and scheme == 'folds' and scope == 'model'")
    folds = held[~held["adjusted"]].set_index("id").loc[table["id"], "fold"].to_numpy()
    x, p = design(table), np.zeros(len(table))
    for fold in np.unique(folds):
        fit = sm.Logit(table["y"][folds != fold], x[folds != fold]).fit(disp=0)
        p[folds == fold] = fit.predict(x[folds == fold])
    entry = results.data["clinical_model"]["validation"]
    for scope in ("model", "pipeline"):
        np.testing.assert_allclose(entry[scope]["folds"]["auc"]["estimate"], roc_auc_score(table["y"], p))


def test_what_a_model_adds_is_a_difference_of_areas_with_the_test_of_nested_models(results):
    entry, table = results.data["clinical_model"], cohort()
    added = {(c["a"], c["adjusted"], c["scope"], c["scheme"]): c for c in entry["added_value"]}
    # of a model that is the covariates, nothing is added
    assert {key[0] for key in added} == {"Disc"} and len(added) == 6
    for m in results.data["models"][:2]:
        c = added["Disc", m["adjusted"], None, None]
        assert c["difference"] == pytest.approx(m["auc"]["estimate"] - entry["auc"]["estimate"])
        held = added["Disc", m["adjusted"], "pipeline", "folds"]
        own, other = (e["validation"]["pipeline"]["folds"]["auc"]["estimate"] for e in (m, entry))
        assert held["difference"] == pytest.approx(own - other)
    assert "likelihood_ratio" not in added["Disc", False, None, None]
    test = added["Disc", True, None, None]["likelihood_ratio"]
    fits = [sm.Logit(table["y"], design(table, *more)).fit(disp=0) for more in ((), ("disc",))]
    statistic = 2 * (fits[1].llf - fits[0].llf)
    assert (test["statistic"], test["df"]) == (pytest.approx(statistic), 1)
    assert test["p"] == pytest.approx(chi2.sf(statistic, 1))


def test_rows_of_its_fits_are_counted_for_themselves(results):
    stages = {row["stage"]: row for row in results.data["ledger"]["model"]["folds"]}
    assert {"logistic model, Covariates alone", "threshold, Covariates alone"} <= set(stages)
    assert stages["logistic model"]["n_fits"] == 3 * 3  # three models, three folds
    assert not any(r["n_held_out_rows_read"] for r in stages.values())


def test_it_has_tables_of_its_own(results):
    tables = results.tables
    assert len(tables["added_value"]) == 6 and list(tables["covariates_alone"]["model"]) == ["Covariates alone"]
    assert "Covariates alone" not in set(tables["models"]["model"]) | set(tables["validation"]["model"])


def test_without_covariates_there_is_none(tmp_path):
    bare = {**study(tmp_path)["clinical"], "covariates": {}}
    models = [{"name": "Disc", "terms": ["disc"]}]
    assert "clinical_model" not in analyzed(tmp_path, cohort(), clinical=bare, models=models).data


def test_what_models_are_adjusted_for_is_what_is_alone(tmp_path):
    entry = analyzed(tmp_path, cohort(), adjust=["rcs(age, 3)"]).data["clinical_model"]
    assert {t["variable"] for t in entry["terms"]} == {"(Intercept)", "rcs(age, 3)"}


def test_no_run_ends_for_it(tmp_path):
    table = cohort()
    table["grade"] = np.where(table["y"] == 1, "III", "I")  # separates the outcome
    changes = {"adjust": [], "separation": "error", "models": [{"name": "Disc", "terms": ["disc"]}]}
    entry = analyzed(tmp_path, table, **changes).data["clinical_model"]
    assert entry["fit"] == "firth" and entry["auc"]["estimate"] == 1.0
    table["age"] = table["age"].where(table["y"] == 0)  # with the event nobody has all
    data = analyzed(tmp_path, table, missing="by_model", **changes).data
    assert "clinical_model" not in data and "PRL-075" in {w["code"] for w in data["warnings"]}


def test_models_meet_it_on_common_patients(tmp_path):
    table = cohort()
    table.loc[::7, "age"] = np.nan
    data = analyzed(tmp_path, table, missing="by_model").data
    n = int(table["age"].notna().sum())
    assert data["clinical_model"]["n"] == n and data["models"][0]["n"] == 90
    assert {c["n"] for c in data["clinical_model"]["added_value"]} == {n}
