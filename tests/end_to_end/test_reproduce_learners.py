"""``reproduce/analysis.R`` of scores made in the run: linear learners with each second stage, choices among protocols,
and what is left out of others."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from plain_r import compare_printed, flatten, run_plain_r

import prldh

pytestmark = [pytest.mark.r, pytest.mark.usefixtures("no_pages")]
N, P = 72, 5
QUICK = {"folds": 3, "n_lambda": 30}
ALONE = {
    "models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Age", "terms": ["age"]}],
    "adjust": [],
}
TWO = ("disc", "muscle")
BY_MODEL = {
    "missing": "by_model",
    "models": [
        {"name": "Groups", "terms": ["groups(disc, muscle)"]},
        {"name": "Spline", "terms": ["age", "rcs(disc, 3)"]},
    ],
    "adjust": [],
    "univariate": False,
}
IMPUTED = {
    "missing": "multiple_imputation",
    "imputation": {"imputations": 2, "imputations_in_resamples": 2, "iterations_in_resamples": 2},
}
CLUSTERED = {"clinical": {"patient": "who"}}
#: Learner, second stage, tissues, and what else the study has.
STUDIES = {
    "logistic, cross-fitted, groups": ("logistic", "cross_fitted", TWO, {}),
    "lasso, cross-fitted, both engines": ({"lasso": QUICK}, "cross_fitted", TWO[:1], {"engine": "both"}),
    "logistic, cross-fitted, imputed": ("logistic", "cross_fitted", TWO[:1], IMPUTED),
    "logistic, cross-fitted, several rows a patient": ("logistic", "cross_fitted", TWO, CLUSTERED),
    "lasso, in sample": ({"lasso": QUICK}, "in_sample", TWO[:1], {}),
    "elastic net, in sample": ({"elastic_net": QUICK}, "in_sample", TWO[:1], {}),
    "elastic net, cross-fitted": ({"elastic_net": QUICK}, "cross_fitted", TWO[:1], ALONE),
    "ridge, cross-fitted, splines and blanks": ({"ridge": QUICK}, "cross_fitted", TWO, BY_MODEL),
    "ridge, as it is": ({"ridge": QUICK}, "as_is", TWO[:1], ALONE),
    "logistic, as it is": ("logistic", "as_is", TWO[:1], ALONE),
}


@pytest.fixture
def no_pages(monkeypatch):
    """Pictures and the page take the longest and are left out."""
    monkeypatch.setattr("prldh.run.outputs.write_figures", lambda *given, **how: [])
    monkeypatch.setattr("prldh.run.outputs.render_report", lambda *content: "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("learners"), np.random.default_rng(5)
    outcome = (np.arange(N) % 3 == 0).astype(int)
    ids, age = [f"p{k:03d}" for k in range(N)], rng.normal(60, 9, N).round(1) + 2 * outcome
    table = pd.DataFrame({"id": ids, "y": outcome, "age": age, "who": [f"p{k // 2}" for k in range(N)]})
    table.to_csv(folder / "clinical.csv", index=False)
    table.loc[[3, 9, 30, 41], "age"] = np.nan
    table.to_csv(folder / "blanks.csv", index=False)
    for tissue in TWO:
        values = rng.normal(size=(N, P)) + 0.8 * outcome[:, None] * (np.arange(P) < 2)
        columns = [f"f{j}" for j in range(P)]
        pd.DataFrame(values, columns=columns).assign(id=ids).to_csv(folder / f"{tissue}.csv", index=False)
    return folder


def analyze(folder, out, learner, stage, tissues, more):
    table = "blanks.csv" if "missing" in more else "clinical.csv"
    covariates = {"age": "continuous"}
    clinical = {"table": str(folder / table), "id": "id", "outcome": "y", "event": 1, "covariates": covariates}
    study = {
        "engine": "python",
        "seed": 3,
        "clinical": clinical,
        "tissues": {tissue: {"features": str(folder / f"{tissue}.csv")} for tissue in tissues},
        "transforms": [{"scale": {"method": "z"}}],
        "selection": [],
        "learner": learner,
        "second_stage": stage,
        "yardstick": False,
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 3},
        "performance": {
            "decision_bootstrap": 4,
            "partial_auc_bootstrap": 4,
            "interaction_bootstrap": 4,
            "thresholds": [0.2, 0.4],
        },
        "report": {"figures": []},
        **more,
    }
    study["clinical"] = {**clinical, **study["clinical"]}
    prldh.analyze(study, out, jobs=1)
    return json.loads((out / "results.json").read_text()), run_plain_r(out / "reproduce")


def left_out_of(data, printed):
    """Names of numbers that R does not print."""
    known = {name for name, lines in flatten(data).items() if any(v is not None for line in lines for v in line)}
    return known - set(printed)


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_plain_r_prints_every_number_of_a_linear_learner(name, folder, tmp_path):
    learner, stage, *_ = STUDIES[name]
    data, printed = analyze(folder, tmp_path / "out", *STUDIES[name])
    assert compare_printed(data, printed) > 1000
    allowed = (".selection.", ".radscore.details", ".radscore.importance", ".contributions.patients")
    if STUDIES[name][-1] is IMPUTED:  # of the adjusted model
        allowed += (", adjusted].validation.", ", adjusted, scope ", "missing.")
        allowed += ("clinical_model.validation.", "clinical_model.added_value[Disc Radscore vs Covariates alone, unadj")
    if learner != "logistic":
        allowed += (".radscore.intercept", ".radscore.coefficients")
    assert all(any(part in left for part in allowed) for left in left_out_of(data, printed))
    made = tmp_path / "out" / "reproduce"
    assert (made / "cross_fitted.csv.gz").exists() == (stage == "cross_fitted") and not (made / "chosen.csv").exists()
    table = pd.read_csv(made / "cohort.csv")
    assert ("disc_applied" in table) == (stage == "cross_fitted")
    model = data["models"][0]
    assert (model["fit"] == "as_is") == (stage == "as_is")
    if stage == "as_is":
        assert printed["models[Disc, unadjusted].prediction.coefficients[disc].b"] == [(1.0,)]
    if stage == "cross_fitted":  # the models are made of one column, and what they predict is of the other
        assert not np.allclose(table["disc"], table["disc_applied"])
        scores = [score["value"] for score in data["tissues"]["disc"]["scores"]]
        np.testing.assert_allclose(table["disc_applied"], scores)


WAYS = {
    "in": {"second_stage": "in_sample"},
    "as": {"learner": {"ridge": QUICK}, "second_stage": "as_is"},
    "cross": {"selection": [{"correlation": {"outcome": 0.2}}], "second_stage": "cross_fitted"},
}


def test_resamples_of_several_protocols_are_made_again(folder, tmp_path):
    """What each protocol is worth alone is left out, with the reason: its refits are not there. Every second stage is
    among them, so that the tests of each alone are slow ones."""
    more = {
        **ALONE,
        "protocols": WAYS,
        "choose": {"among": list(WAYS), "folds": 3, "rule": "best", "schemes": ["folds", "bootstrap"]},
        "if_empty": "best",
        "yardstick": True,
        "univariate": False,
        "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 8},
    }
    data, printed = analyze(folder, tmp_path / "out", "logistic", "cross_fitted", TWO[:1], more)
    assert compare_printed(data, printed) > 1000
    chosen = pd.read_csv(tmp_path / "out" / "reproduce" / "chosen.csv")
    assert len(chosen) == 13 and chosen["second_stage"].nunique() == 3, "the resamples are of all three"
    for scheme in ("folds", "bootstrap"):
        name = f"choice.validation.{scheme}.auc.estimate"
        assert printed[name] and f"choice.validation.{scheme}.how_often.cross" in printed
    left = {name.split(".")[0] for name in left_out_of(data, printed)}
    assert left == {"tissues", "protocols", "choice", "yardstick"}
    readme = (tmp_path / "out" / "reproduce" / "README.md").read_text()
    for words in ("Each protocol alone", "what choosing cost", "The yardstick", "`chosen.csv`"):
        assert words in readme


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["cross_fitted", "as_is"])
def test_a_forest_s_scores_are_data_and_all_else_is_made_again(stage, folder, tmp_path):
    learner = {"random_forest": {"trees": 10}}
    data, printed = analyze(folder, tmp_path / "out", learner, stage, TWO[:1], ALONE)
    assert compare_printed(data, printed) > 1000
    assert data["tissues"]["disc"]["radscore"]["intercept"] is None
    readme = (tmp_path / "out" / "reproduce" / "README.md").read_text()
    assert "Radscores by random forest, which are no sums of features" in readme
    assert ("Cross-fitted Radscores" in readme) == (stage == "cross_fitted")


@pytest.mark.slow
def test_the_comparison_sees_a_wrong_second_stage(folder, tmp_path):
    """Were models made of the scores that the frozen chain gives, R would say otherwise."""
    out = tmp_path / "out"
    data, _ = analyze(folder, out, "logistic", "cross_fitted", TWO[:1], ALONE)
    table = pd.read_csv(out / "reproduce" / "cohort.csv")
    table.assign(disc=table["disc_applied"]).to_csv(out / "reproduce" / "cohort.csv", index=False)
    with pytest.raises(AssertionError, match="differ, such as"):
        compare_printed(data, run_plain_r(out / "reproduce"))
