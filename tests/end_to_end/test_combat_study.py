"""ComBat in a study: fitted in every refit, frozen in model.json, applied to new patients with their batches."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from phone import cut_on_a_phone

from prldh.apply import apply_models
from prldh.core import DataError, StudyError
from prldh.pipeline import analyze
from prldh.run import prepare

sys.path.insert(0, str(Path(__file__).parent))
from plain_r import compare_printed, run_plain_r

pytestmark = pytest.mark.usefixtures("undrawn")

N, P = 72, 6


def write_tables(folder, prefix="P", hospitals=("east", "north", "west"), n=N, seed=0):
    rng = np.random.default_rng(seed)
    number = np.arange(n) % len(hospitals)
    outcome = rng.random(n) < 0.45
    ids = [f"{prefix}{i:02}" for i in range(n)]
    clinical = {
        "id": ids,
        "event": np.where(outcome, "yes", "no"),
        "age": np.round(rng.normal(60, 9, n), 1),
        "hospital": np.array(hospitals)[number],
    }
    pd.DataFrame(clinical).to_csv(folder / f"{prefix}clinical.csv", index=False)
    values = rng.normal(size=(n, P)) + outcome[:, None] * (np.arange(P) < 2) + 0.03 * clinical["age"][:, None]
    values = values * (1 + 0.4 * number[:, None]) + 2.0 * number[:, None]
    table = pd.DataFrame(values, columns=[f"f{j}" for j in range(P)])
    table.insert(0, "id", ids)
    table.to_csv(folder / f"{prefix}features.csv", index=False)


def study_of(folder, combat=None, **changes):
    combat = {"batch": "centre", "keep": ["age"], **(combat or {})}
    study = {
        "engine": "python",
        "clinical": {
            "table": "Pclinical.csv",
            "id": "id",
            "outcome": "event",
            "event": "yes",
            "columns": {"centre": "hospital"},
            "covariates": {"age": "continuous"},
        },
        "tissues": {"disc": {"features": "Pfeatures.csv"}},
        "transforms": [{"combat": combat}],
        "selection": [],
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 4, "null_permutations": 0},
        "performance": {"partial_auc_bootstrap": 0, "decision_bootstrap": 0, "interaction_bootstrap": 0},
        "yardstick": False,
        "report": {"figures": []},
        **changes,
    }
    path = folder / "study.json"
    path.write_text(json.dumps(study))
    return path


def run(study, out):
    analyze(study, out, jobs=1)
    return json.loads((out / "results.json").read_text())


def test_a_run_and_new_patients(tmp_path):
    write_tables(tmp_path)
    results = run(study_of(tmp_path), tmp_path / "out")
    (step, *_) = results["tissues"]["disc"]["selection"]["steps"]
    assert step["details"]["batches"] == {"east": 24, "north": 24, "west": 24}
    eta = np.array(list(step["details"]["effect"]["eta_squared"].values()))
    assert np.median(eta[:, 0]) > 0.3 > 0.05 > np.median(eta[:, 1])
    scores = {s["id"]: s["value"] for s in results["tissues"]["disc"]["scores"]}

    # the same tables as new ones: frozen parameters give each patient the same Radscore, whoever else is there
    for name, rows in (("all", slice(None)), ("few", slice(5, 8))):
        table = pd.read_csv(tmp_path / "Pclinical.csv").iloc[rows].rename(columns={"hospital": "site"})
        table["id"] = "new" + table["id"]
        features = pd.read_csv(tmp_path / "Pfeatures.csv").iloc[rows]
        features["id"] = "new" + features["id"]
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        features.to_csv(tmp_path / f"{name}_features.csv", index=False)
        cohort = {
            "name": name,
            "clinical": {"table": str(tmp_path / f"{name}.csv"), "columns": {"centre": "site"}},
            "tissues": {"disc": {"features": str(tmp_path / f"{name}_features.csv")}},
        }
        entry = apply_models(tmp_path / "out", cohort)
        found = pd.read_csv(tmp_path / "out" / entry["folder"] / "predictions.csv")
        for i, score in zip(found["id"], found["radscore_disc"], strict=True):
            assert score == pytest.approx(scores[i.removeprefix("new")], abs=1e-9)

    write_tables(tmp_path, "N", ("north", "south", "west"), 30, 5)
    clinical = pd.read_csv(tmp_path / "Nclinical.csv")
    clinical.loc[3, "hospital"] = np.nan  # was north
    clinical.to_csv(tmp_path / "Nclinical.csv", index=False)
    cohort = {
        "name": "south",
        "clinical": {"table": str(tmp_path / "Nclinical.csv")},
        "tissues": {"disc": {"features": str(tmp_path / "Nfeatures.csv")}},
    }
    entry = apply_models(tmp_path / "out", cohort)
    reasons = {each["id"]: each["reason"] for each in entry["excluded"]}
    assert entry["n"] == 19 and len(reasons) == 11
    assert "centre south" in reasons["N01"] and "centre blank" in reasons["N03"]
    clinical.drop(columns="hospital").to_csv(tmp_path / "Nclinical.csv", index=False)
    with pytest.raises(DataError, match="no model can be applied.*hospital"):
        apply_models(tmp_path / "out", cohort | {"name": "without"})


LEFT_OUT = {
    "leave_one_out": False,
    "folds": 0,
    "bootstrap": 0,
    "null_permutations": 0,
    "leave_one_group_out": {"column": "centre"},
}


@pytest.fixture(scope="module")
def left_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("centres")
    write_tables(folder)
    return run(study_of(folder, {"unseen": "own_rows"}, validation=LEFT_OUT), folder / "out"), folder / "out"


def test_a_centre_left_out(left_out, tmp_path):
    write_tables(tmp_path)
    with pytest.raises(StudyError, match="leave_one_group_out holds patients out.*3 of 3 resamples.*own_rows"):
        prepare(study_of(tmp_path, validation=LEFT_OUT))
    prepare(study_of(tmp_path, {"unseen": "unchanged"}, validation=LEFT_OUT))
    results, out = left_out
    held_out = pd.read_csv(out / "predictions.csv").query("scope == 'pipeline'")
    assert held_out["log_odds"].notna().all() and set(held_out["id"]) == {f"P{i:02}" for i in range(N)}
    assert results["study"]["schemes"]["leave_one_group_out"]["n_resamples"] == 3
    assert "transductive" in unmarked((out / "report.html").read_text())


def test_the_optimism_from_selection_is_that_of_the_numbers_beside_it(left_out):
    """Groups as one lead, and the two ways of refitting are compared by their pooled AUCs, which are both told."""
    page = unmarked((left_out[1] / "report.html").read_text())
    told = re.search(
        r"pooled over all who were held out it reaches (.*?) with everything, so that .*? is (.\d?\.\d+)\.", page
    )
    kept, whole = map(float, re.findall(r"(\d\.\d{3}) \(95% CI", told[1]))
    assert float(told[2].replace("−", "-")) == pytest.approx(kept - whole, abs=0.0011)


@pytest.mark.browser
def test_a_phone_shows_the_number_of_every_table(browser, left_out):
    n, cut = cut_on_a_phone(browser, left_out[1])
    assert n > 20 and cut == []


def rare_centre(folder, n=3):
    """A fourth hospital with a few patients, whom bootstrap samples may lack."""
    write_tables(folder)
    clinical = pd.read_csv(folder / "Pclinical.csv")
    clinical.loc[np.arange(n), "hospital"] = "rare"
    clinical.to_csv(folder / "Pclinical.csv", index=False)


@pytest.mark.parametrize("stage", ["in_sample", "cross_fitted"])
def test_samples_that_lack_a_batch_skip_its_patients(tmp_path, stage):
    rare_centre(tmp_path)
    schemes = {"leave_one_out": False, "folds": 0, "bootstrap": 40, "null_permutations": 0}
    path = study_of(tmp_path, validation=schemes, second_stage=stage)
    plan = prepare(path)
    resamples = plan.schemes["bootstrap"][1]
    rare = np.array([0, 1, 2])
    lacking = [r for r in resamples if not np.isin(rare, r.train).any()]
    assert lacking and not any(np.isin(rare, r.test).any() for r in lacking)
    results = run(path, tmp_path / "out")
    (told,) = [w["message"] for w in results["warnings"] if w["code"] == "PRL-162"]
    assert f"{3 * len(lacking)} predictions" in told and f"in {len(lacking)} of 40 samples" in told
    for model in results["models"]:
        area = model["validation"]["pipeline"]["bootstrap"]["auc"]
        assert area["n_defined"] == 40 and 0.5 < area["oob"] < 1


def test_folds_that_hold_a_batch_out_stop_before_anything(tmp_path):
    rare_centre(tmp_path, 1)
    with pytest.raises(StudyError, match=r"validation.folds holds patients out.*1 of 3 resamples"):
        prepare(study_of(tmp_path))
    prepare(study_of(tmp_path, {"unseen": "unchanged"}))


@pytest.mark.r
def test_both_engines_and_plain_r_have_the_same_numbers(tmp_path):
    rare_centre(tmp_path)
    schemes = {"leave_one_out": False, "folds": 0, "bootstrap": 40, "null_permutations": 0}
    results = run(study_of(tmp_path, validation=schemes, engine="both"), tmp_path / "out")
    assert any(w["code"] == "PRL-162" for w in results["warnings"])
    assert all(a["difference"] < 1e-6 for a in results["agreement"])
    assert compare_printed(results, run_plain_r(tmp_path / "out" / "reproduce")) > 100
