"""Intervals of the bootstrap's corrected AUC and Brier score in a run: where they stand, and the reasons elsewhere."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from pages import unmarked

import prldh
from prldh.core import PrldhError
from prldh.validation import two_stage

pytestmark = pytest.mark.usefixtures("undrawn")

ESTIMATES = ("estimate", "b632", "b632plus")


@pytest.fixture(autouse=True)
def few_outer_samples(monkeypatch):
    monkeypatch.setattr(two_stage, "N_OUTER", 30)
    monkeypatch.setattr(two_stage, "LEAST_SAMPLES", 40)


@pytest.fixture
def table():
    rng = np.random.default_rng(8)
    outcome = rng.permutation(np.arange(64) < 26)
    return pd.DataFrame(
        {
            "id": rng.permutation([f"P{i}" for i in range(64)]),
            "relapse": np.where(outcome, "yes", "no"),
            "age": rng.normal(60, 9, 64).round(),
            "grade": rng.choice(["low", "middle", "high"], 64),
            "marker": rng.normal(size=64) + outcome,
            "other": rng.normal(size=64) + 0.8 * outcome,
            "apart": rng.normal(size=64) + 20 * outcome,
        }
    )


def analyse(table, folder, validation=None, **changes):
    folder.mkdir()
    table.to_csv(folder / "clinical.csv", index=False)
    study = {
        "seed": 3,
        "engine": "python",
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "relapse",
            "event": "yes",
            "covariates": {"age": "continuous", "grade": "categorical"},
        },
        "tissues": {"blood": {"radscore": "marker"}, "bone": {"radscore": "other"}},
        "models": [
            {"name": "Blood", "terms": ["blood"]},
            {"name": "Both", "terms": ["blood", "bone", "grade"]},
            {"name": "Groups", "terms": ["groups(blood, bone)"]},
        ],
        "adjust": ["age"],
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 40, **(validation or {})},
        "performance": {"decision_bootstrap": 2, "partial_auc_bootstrap": 2, "interaction_bootstrap": 2},
        "univariate": False,
        "report": {"figures": []},
    }
    prldh.analyze(study | changes, folder / "out", jobs=1)
    return json.loads((folder / "out" / "results.json").read_text()), folder / "out"


def entries(results, scope):
    return {
        (m["name"], measure): m["validation"][scope]["bootstrap"][measure]
        for m in results["models"]
        for measure in ("auc", "brier")
        if not m["adjusted"]
    }


def limits(entry):
    return [entry[f"{'' if key == 'estimate' else f'{key}_'}{end}"] for key in ESTIMATES for end in ("low", "high")]


def test_interval_stands_where_the_model_alone_is_refitted(table, tmp_path):
    results, out = analyse(table, tmp_path / "plain", {"bootstrap_interval": "two_stage"})
    shuffled, _ = analyse(table.sample(frac=1, random_state=5), tmp_path / "shuffled")
    for scope in ("model", "pipeline"):
        found, again = entries(results, scope), entries(shuffled, scope)
        for (name, measure), entry in found.items():
            assert limits(entry) == limits(again[name, measure])
            if name == "Groups":
                assert limits(entry) == [None] * 6 and "cutoffs of groups" in entry["reason"]
                continue
            for key in ESTIMATES:
                prefix = "" if key == "estimate" else f"{key}_"
                low, high = entry[f"{prefix}low"], entry[f"{prefix}high"]
                if f"{measure}_{key}" in two_stage.NOT_HELD:
                    assert low is None and high is None
                    assert f"{two_stage.NOT_HELD[f'{measure}_{key}']} of simulated" in entry["reason"]
                else:
                    assert low < entry[key] < high
            is_made = limits(entry) != [None] * 6
            assert ("two-stage bootstrap" in entry["method"] and "Python" in entry["method"]) == is_made
        assert found["Both", "auc"]["low"] != found["Blood", "auc"]["low"]
    warned = [w["message"] for w in results["warnings"] if w["code"] == "PRL-106"]
    assert len(warned) == 1 and not any(w["code"] == "PRL-106" for w in shuffled["warnings"])
    page = unmarked((out / "report.html").read_text())
    assert "are by the two-stage bootstrap" in page and "have no interval here" not in page
    bootstrap = pd.read_csv(out / "tables" / "bootstrap.csv")
    assert np.isfinite(bootstrap.query("model == 'Blood' and measure == 'auc'")["low"]).all()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"validation": {"bootstrap": 39}}, "39 bootstrap samples"),
        ({"rows": 50}, "the rarer outcome has 12 patients"),
        ({"tissues": {"blood": {"radscore": "apart"}, "bone": {"radscore": "other"}}}, "the outcome is separated"),
        ({"missing": "multiple_imputation", "blanks": "age"}, "imputed anew"),
    ],
)
def test_every_null_interval_has_its_own_reason(table, tmp_path, changes, reason):
    changes = dict(changes)
    table = table.sort_values("relapse").iloc[: changes.pop("rows", 64)]
    if blank := changes.pop("blanks", None):
        table.loc[table.index[:5], blank] = np.nan
    models = [{"name": "Blood", "terms": ["blood", "age"]}]
    results, out = analyse(
        table, tmp_path / "run", changes.pop("validation", None), models=models, adjust=[], **changes
    )
    for entry in entries(results, "model").values():
        assert limits(entry) == [None] * 6 and reason in entry["reason"]
    assert any(reason in w["message"] for w in results["warnings"] if w["code"] == "PRL-110")
    page = unmarked((out / "report.html").read_text())
    assert "have no interval here" in page and "are by the two-stage bootstrap" not in page


def test_a_misspelt_interval_is_one_message(table, tmp_path):
    with pytest.raises(PrldhError, match=r"(?s)validation\.bootstrap_interval.*two_stage"):
        analyse(table, tmp_path / "run", {"bootstrap_interval": "percentile"})
