"""What a run says of numbers that are missing, of directions, and of predictions that nobody would believe, is true."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from schemas import check_schema

import prldh
from prldh.api import Selection, SelectorSettings
from prldh.report.figure_plan import plan_figures
from prldh.validation.implausible import LIMIT

pytestmark = pytest.mark.usefixtures("undrawn")

N = 60
SAMPLES = {"partial_auc_bootstrap": 8, "decision_bootstrap": 8, "interaction_bootstrap": 8}


def cohort() -> pd.DataFrame:
    """``low`` and ``age`` fall where the event is, ``high`` rises."""
    rng = np.random.default_rng(5)
    event = np.arange(N) % 5 < 2
    return pd.DataFrame(
        {
            "id": [f"p{i:02d}" for i in range(N)],
            "y": np.where(event, "yes", "no"),
            "age": (55 - 5 * event + rng.normal(0, 6, N)).round(),
            "high": (event + rng.normal(size=N)).round(2),
            "low": (-1.0 * event + rng.normal(size=N)).round(2),
        }
    )


def run(folder: Path, table: pd.DataFrame, **changes) -> prldh.Results:
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / "clinical.csv", index=False)
    study = {
        "seed": 2,
        "engine": "python",
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": "yes",
            "covariates": {"age": "continuous"},
        },
        "tissues": {"high": {"radscore": "high"}, "low": {"radscore": "low"}},
        "models": [{"name": "A", "terms": ["high", "age"]}, {"name": "B", "terms": ["low"]}],
        "adjust": [],
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 5, "scope": ["model", "pipeline"]},
        "performance": {**SAMPLES, "thresholds": [0.2, 0.4]},
        "report": {"figures": []},
    }
    plugins = changes.pop("plugins", ())
    for key, value in changes.items():
        study[key] = {**study[key], **value} if isinstance(study.get(key), dict) and key != "tissues" else value
    results = prldh.analyze(study, folder / "out", jobs=1, plugins=plugins)
    check_schema(results.data)
    return results


def messages(results: prldh.Results, code: str) -> list[str]:
    return [w["message"] for w in results.data["warnings"] if w["code"] == code]


@pytest.fixture(scope="module")
def with_samples(tmp_path_factory) -> prldh.Results:
    return run(tmp_path_factory.mktemp("on"), cohort())


# ---------------------------------------------------------------- what was switched off


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("decision_bootstrap", {"Decision curve", "Clinical impact", "curves"}),
        ("partial_auc_bootstrap", {"partial AUC, Sensitivity", "partial AUC, Specificity"}),
        ("interaction_bootstrap", set()),
    ],
)
def test_a_band_that_was_switched_off_says_so(tmp_path, with_samples, setting, parts):
    own = f"switched off, as the study has performance.{setting}: 0."
    assert not any("switched off" in message for message in messages(with_samples, "PRL-110"))
    nulls = messages(run(tmp_path, cohort(), performance={setting: 0}), "PRL-110")
    assert {m.split(":")[0] for m in nulls if m.endswith(own)} == parts
    assert not [m for m in nulls if "switched off" in m and not m.endswith(own)]
    # all else is null as it is with samples
    others = [m for m in messages(with_samples, "PRL-110") if m.split(":")[0] not in parts and " bootstrap (" not in m]
    assert [m for m in nulls if not m.endswith(own) and " bootstrap (" not in m] == others


# ---------------------------------------------------------------- direction


def test_direction_is_said_of_scores_and_not_of_covariates(with_samples):
    first, second = with_samples.data["models"]
    assert next(t["b"] for t in first["terms"] if t["term"] == "age") < 0 and first["raw_auc"] == []
    assert next(t["b"] for t in second["terms"] if t["term"] == "low") < 0
    assert [a["term"] for a in second["raw_auc"]] == ["low"] and second["raw_auc"][0]["estimate"] < 0.5
    (message,) = messages(with_samples, "PRL-054")
    assert message.startswith("model 'B': 'low' enters with a negative coefficient")


# ---------------------------------------------------------------- implausible predictions


def test_ordinary_predictions_are_no_warning(with_samples):
    assert messages(with_samples, "PRL-104") == []
    assert with_samples.predictions["log_odds"].abs().max() < LIMIT


def test_a_patient_far_from_all_others_is_named_with_what_lies_outside(tmp_path):
    table = cohort()
    table.loc[7, "high"] = 400.0
    results = run(tmp_path, table)
    held_out = results.predictions.query("scheme == 'folds' and model == 'A' and scope == 'model'").set_index("id")
    extreme = held_out["log_odds"].abs()[lambda x: x > LIMIT]
    whose = "model 'A', model refitted, cross-validation: "
    (message,) = [m for m in messages(results, "PRL-104") if m.startswith(whose)]
    assert list(extreme.index) == ["p07"] and "held-out log odds of 1 of 60 patients are beyond ±15" in message
    assert f"p07 ({held_out.loc['p07', 'log_odds']:.1f})" in message
    assert "no training patient is: their values lie outside those of the training patients (high)" in message
    assert not [m for m in messages(results, "PRL-104") if m.startswith("model 'B'")]


def test_a_refit_whose_training_patients_are_separated_is_the_cause(tmp_path):
    """One patient keeps the outcome from being separated: the fold without that patient has no finite estimate."""
    table = cohort()
    table["high"] = np.where(table["y"] == "yes", 2.0, 0.0) + np.arange(N) / 100
    table.loc[table["id"] == "p03", "high"] = 2.5
    models = [{"name": "A", "terms": ["high"]}]
    results = run(tmp_path, table, models=models)
    whose = "model 'A', model refitted, cross-validation: "
    (message,) = [m for m in messages(results, "PRL-104") if m.startswith(whose)]
    assert results.data["models"][0]["fit"] == "maximum likelihood"
    assert "p03" in message and "Cause: in 1 of 1 refits that gave them, training patients are predicted as" in message
    assert "separate the outcome" in message and "extrapolates" not in message


# ---------------------------------------------------------------- features that no resample selects


class OfEveryoneSettings(SelectorSettings):
    pass


class OfEveryone:
    """Keeps f1 of all patients, f0 of fewer."""

    name, version, Settings = "of_everyone", "1", OfEveryoneSettings

    def fit(self, rows, settings, seed, engine):
        kept = 1 if len(rows.values) == N else 0
        return Selection(np.array([kept]), {n: "the other one" for j, n in enumerate(rows.names) if j != kept}, {})


@pytest.mark.parametrize("is_stable", [False, True])
def test_a_frozen_feature_that_no_resample_selected_is_said_first(tmp_path, is_stable):
    table = cohort()
    features = table[["id", "high", "low"]].rename(columns={"high": "f0", "low": "f1"})
    features.to_csv(tmp_path / "f.csv", index=False)
    results = run(
        tmp_path,
        table,
        tissues={"disc": {"features": str(tmp_path / "f.csv")}},
        selection=[{"correlation": {"between": 0.99, "outcome": 0.0}} if is_stable else "of_everyone"],
        models=[{"name": "Disc", "terms": ["disc"]}],
        validation={"folds": 3, "bootstrap": 0},
        plugins=[OfEveryone()],
    )
    page = unmarked(re.sub(r"\s+", " ", unmarked((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))))
    answer = page[page.index('<section id="answer">') :].split("</section>")[0]
    said = messages(results, "PRL-105")
    if is_stable:
        assert said == [] and "selected in 0 of" not in page
    else:
        assert said == [
            "tissue disc, cross-validation: 1 of the 1 feature of the frozen Radscore was selected in 0 of 3"
            " resamples: f1."
        ]
        assert "Of the frozen Radscore of “disc” 1 of 1 feature (f1) was selected in 0 of the 3 resamples" in answer


# ---------------------------------------------------------------- what ran


@pytest.mark.parametrize(
    ("validation", "said", "unsaid"),
    [
        (
            {"folds": 3, "bootstrap": 0, "scope": ["model"]},
            ["Model refitted: ", "Held-out rows lead"],
            ["is fitted anew on the training patients of each resample", "Over repeats", "All rows are apparent"],
        ),
        (
            {"folds": 0, "bootstrap": 5, "scope": ["pipeline"]},
            ["is fitted anew on the training patients of each resample", "All rows are apparent: the intercept is 0"],
            ["Model refitted: ", "Held-out rows lead"],
        ),
        ({"folds": 3, "repeats": 2, "bootstrap": 0, "scope": ["model"]}, ["Over repeats both are means"], []),
    ],
)
def test_notes_are_of_the_scopes_and_schemes_that_ran(tmp_path, validation, said, unsaid):
    validation = {"leave_one_out": False, **validation}
    run(tmp_path, cohort(), validation=validation, models=[{"name": "A", "terms": ["high"]}])
    page = re.sub("<[^>]+>", "", unmarked((tmp_path / "out" / "report.html").read_text(encoding="utf-8")))
    assert [words for words in said if words not in page] == [] == [words for words in unsaid if words in page]


def test_captions_claim_bands_where_there_are_such(tmp_path, with_samples):
    """Curves that are means over splits at random have none, nor have those without bootstrap samples."""
    splits = {"folds": 0, "bootstrap": 0, "monte_carlo": {"test": 0.3, "repeats": 3}, "scope": ["model"]}
    off = {"decision_bootstrap": 0}
    for folder, changes, banded in (
        (tmp_path / "a", {"validation": splits}, {"decision_unadjusted": True, "decision_held_out_unadjusted": False}),
        (tmp_path / "b", {"performance": off}, {"decision_unadjusted": False, "calibration_unadjusted": False}),
    ):
        results = run(folder, cohort(), **changes)
        told = {d.name: "pointwise 95% bands" in d.description for d in plan_figures(results.data, results.words)}
        assert {name: told[name] for name in banded} == banded
    described = {d.name: d.description for d in plan_figures(with_samples.data, with_samples.words)}
    assert all("bands" in described[name] for name in ("decision_held_out_unadjusted", "impact_unadjusted"))
