"""Selection at the edge of what can be selected, through analyze(): fewer folds, nothing kept, one class, constant
columns, eight patients."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from schemas import check_schema

from prldh.core.errors import PrldhError
from prldh.pipeline import analyze

pytestmark = pytest.mark.usefixtures("unwritten")

QUICK = {"partial_auc_bootstrap": 5, "decision_bootstrap": 5, "interaction_bootstrap": 5, "thresholds": [0.3, 0.5]}
FOREST = {"mrmr_forest": {"trees": 20, "sizes": [1, 2, 4], "seeds": 4}}


def features(n, n_events, p=6, signal=1.0, seed=0):
    """Features (n, p) of which the first carries signal, and the outcome (n,), events first."""
    generator = np.random.default_rng(seed)
    outcome = (np.arange(n) < n_events).astype(int)
    values = generator.normal(size=(n, p)).round(4)
    values[:, 0] += signal * outcome
    return values, outcome


def run(folder, values, outcome, selection=("icc", FOREST, "correlation", "lasso_svm_rfe"), engine="python", **changes):
    """Analyse; whatever the study is, results follow the schema and the report is there."""
    ids = [f"p{i:03d}" for i in range(outcome.size)]
    pd.DataFrame({"id": ids, "event": outcome}).to_csv(folder / "clinical.csv", index=False)
    names = [f"f{j}" for j in range(values.shape[1])]
    pd.DataFrame(values, columns=names).assign(id=ids)[["id", *names]].to_csv(folder / "features.csv", index=False)
    study = {
        "title": "Edges of selection",
        "seed": 1,
        "engine": engine,
        "if_empty": "best",
        "clinical": {"table": str(folder / "clinical.csv"), "id": "id", "outcome": "event", "event": 1},
        "tissues": {"disc": {"features": [str(folder / "features.csv")]}},
        "selection": list(selection),
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0, "scope": ["model", "pipeline"]},
        "performance": QUICK,
        "report": {"figures": []},
    }
    study["validation"] |= changes.pop("validation", {})
    out = folder / f"out_{engine}"
    results = analyze(study | changes, out, jobs=1)
    check_schema(results.data)
    assert json.loads((out / "results.json").read_text()) == results.data
    html = re.sub(r"\s+", " ", unmarked((out / "report.html").read_text()))
    return results, html, " ".join(w["message"] for w in results.data["warnings"])


def test_more_inner_folds_than_events_are_fewer_folds_and_said(tmp_path):
    results, html, told = run(tmp_path, *features(40, 4), validation={"folds": 4})
    steps = {s["name"]: s for s in results.data["tissues"]["disc"]["selection"]["steps"]}
    assert (
        steps["mrmr_forest"]["details"]["folds"] == 4
        and steps["mrmr_forest"]["details"]["curve"]["n_folds_left_out"] == 0
    )
    for words in ("4 inner folds instead of 5: a class has 4 distinct patients in training",):
        assert words in told and words in html


def keeps_nothing(tmp_path, **validation):
    """A limit that the best feature just passes on everyone, and not in every resample."""
    values, outcome = features(40, 15, p=3, signal=0.9, seed=3)
    strongest = np.abs(np.corrcoef(values.T, outcome)[-1, :-1]).max()
    return run(
        tmp_path,
        values,
        outcome,
        [{"correlation": {"outcome": round(strongest - 0.005, 3)}}],
        validation=validation,
        if_empty="stop",
    )


def test_a_resample_in_which_nothing_is_kept_is_the_intercept_alone_and_counted(tmp_path):
    results, html, told = keeps_nothing(tmp_path, folds=5, bootstrap=20)
    stability = results.data["tissues"]["disc"]["selection"]["stability"]
    entries = results.data["models"][0]["validation"]["pipeline"]
    for scheme, n in (("folds", 5), ("bootstrap", 20)):
        n_empty = stability[scheme]["n_empty"]
        assert 0 < n_empty < n == stability[scheme]["n_resamples"]
        assert entries[scheme]["n_intercept_only"] == n_empty
        assert f"in {n_empty} of {n} resamples the selection left nothing" in told
        called = results.words.scheme(scheme).label
        assert f"In {n_empty} of {n} resamples ({called}) the selection left nothing; the Radscore is" in html
        assert sum(stability[scheme]["frequency"].values()) <= 3 * (n - n_empty) / n
    # the model of such a fold: everyone has the training rows' share of events
    predictions = results.predictions.query("scope == 'pipeline' and scheme == 'folds'")
    alone = 0
    for _, rows in predictions.groupby("fold"):
        others = predictions[~predictions["id"].isin(rows["id"])]
        share = others["outcome"].mean()
        alone += bool(np.allclose(rows["probability"], share, atol=1e-9))
    assert alone == stability["folds"]["n_empty"]
    assert entries["folds"]["auc"]["estimate"] is None and entries["bootstrap"]["auc"]["estimate"] is not None


def test_nothing_kept_on_everyone_stops_with_the_strongest(tmp_path):
    with pytest.raises(PrldhError, match="leaves none of 3 features.*strongest candidate is 'f0'"):
        run(tmp_path, *features(40, 15, p=3), [{"correlation": {"outcome": 0.99}}], if_empty="stop")
    assert not (tmp_path / "out_python").exists()
    results, html, told = run(tmp_path, *features(40, 15, p=3), [{"correlation": {"outcome": 0.99}}])
    assert (
        results.data["tissues"]["disc"]["selection"]["features"] == ["f0"]
        and "It was kept alone, as if_empty: best says." in told
    )


def test_a_training_set_of_one_class_is_the_intercept_alone(tmp_path):
    """Two events among nine: some bootstrap samples hold none."""
    results, html, told = run(tmp_path, *features(9, 2), validation={"bootstrap": 25})
    found = results.data["tissues"]["disc"]["selection"]["stability"]["bootstrap"]
    assert 0 < found["n_empty"] < 25
    entry = results.data["models"][0]["validation"]["pipeline"]["bootstrap"]
    assert entry["n_intercept_only"] >= found["n_empty"] and entry["n_usable"] == 25 - found["n_empty"]
    assert "bootstrap samples had one class and do not count" in told


def test_a_column_that_is_constant_in_a_resample_is_dropped_there(tmp_path):
    values, outcome = features(30, 12)
    values[:, 1] = 0
    values[0, 1] = 1  # one patient alone differs
    values[:, 2] = 7.5  # nobody differs
    results, _, _ = run(tmp_path, values, outcome, validation={"leave_one_out": True, "bootstrap": 15})
    selection = results.data["tissues"]["disc"]["selection"]
    constant = next(s for s in selection["steps"] if s["name"] == "constant")
    assert constant["dropped"] == {"f2": "constant"}
    for found in selection["stability"].values():
        assert "f2" not in found["frequency"] and found["n_empty"] == 0


@pytest.mark.parametrize(
    "selection",
    [("icc", FOREST, "correlation", "lasso_svm_rfe"), ({"univariate": {"threshold": 0.9}},)],
    ids=["protocol", "univariate"],
)
def test_eight_patients(tmp_path, selection):
    results, html, _ = run(
        tmp_path, *features(8, 4, p=12), selection, validation={"leave_one_out": True, "folds": 2, "bootstrap": 10}
    )
    for entry in results.data["models"][0]["validation"]["pipeline"].values():
        assert entry["n_resamples"] in (8, 2, 10)
    assert results.data["tissues"]["disc"]["radscore"]["coefficients"]


@pytest.mark.r
def test_the_report_says_how_far_the_size_is_the_forest_seeds_doing_in_every_engine(tmp_path):
    steps = {}
    for engine in ("python", "r", "both"):
        results, html, _ = run(tmp_path, *features(60, 25, signal=0.8), engine=engine, validation={"folds": 3})
        step = next(s for s in results.data["tissues"]["disc"]["selection"]["steps"] if s["name"] == "mrmr_forest")
        steps[engine] = step["details"]
        told = step["details"]["size_by_seed"]
        sizes = ", ".join(map(str, told["sizes"]))
        said = (
            f"all four forest seeds chose {told['sizes'][0]} of 6 ranked features."
            if len(set(told["sizes"])) == 1
            else f"four forest seeds chose {sizes} of 6 ranked features; the first is this study&#39;s."
        )
        assert f"with the same folds, {said}" in html
        assert (
            told["sizes"][0] == step["n_out"] == step["details"]["chosen_size"]
            and told["seeds"][0] == step["details"]["forest_seed"]
        )
        table = results.tables["size_by_seed"]
        assert table["size"].tolist() == told["sizes"]
    assert steps["python"] == steps["r"] == steps["both"]
