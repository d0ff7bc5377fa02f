"""The row ledger: every fit of a resample writes down what it read; a planted leak is seen and told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from schemas import check_schema

import prldh
import prldh.validation.refit
from prldh.core.ledger import Ledger, LedgerRow, add_up
from prldh.validation.resampling import StratifiedFolds

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def study(tmp_path):
    rng = np.random.default_rng(1)
    n, p = 60, 12
    y = np.arange(n) % 3 == 0
    x = rng.normal(size=(n, p)) + 1.2 * y[:, None] * (np.arange(p) < 2)
    ids = [f"p{i}" for i in range(n)]
    age = np.where(np.arange(n) % 9 == 4, np.nan, rng.normal(60, 8, n))
    pd.DataFrame({"id": ids, "y": y.astype(int), "age": age}).to_csv(tmp_path / "clinical.csv", index=False)
    pd.DataFrame(x, columns=[f"f{j}" for j in range(p)]).assign(id=ids).to_csv(tmp_path / "features.csv", index=False)
    return {
        "engine": "python",
        "report": {"figures": []},
        "if_empty": "best",
        "selection": [{"correlation": {"between": 0.9, "outcome": 0.2}}, {"univariate": {"threshold": 0.5}}],
        "clinical": {
            "table": str(tmp_path / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": 1,
            "covariates": {"age": "continuous"},
        },
        "missing": "multiple_imputation",
        "imputation": {"imputations": 2, "imputations_in_resamples": 2},
        "tissues": {"disc": {"features": str(tmp_path / "features.csv")}},
        "validation": {"leave_one_out": False, "folds": 4, "bootstrap": 5},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
    }


def test_every_fit_is_written_down_and_none_read_a_held_out_row(study, tmp_path):
    results = prldh.analyze(study, tmp_path / "out", jobs=1).data
    check_schema(results)
    rows = {
        (scope, scheme): {r["stage"]: r for r in found if not r["stage"].endswith(", Covariates alone")}
        for scope, schemes in results["ledger"].items()
        for scheme, found in schemes.items()
    }
    every = [row for schemes in results["ledger"].values() for found in schemes.values() for row in found]
    assert {r["stage"] for r in every if r["stage"].endswith("alone")} == {
        "logistic model, Covariates alone", "threshold, Covariates alone",
    } and not any(r["n_held_out_rows_read"] for r in every)  # fmt: skip
    assert list(rows["pipeline", "folds"]) == [
        "correlation",
        "univariate",
        "Radscore",
        "cutoff",
        "imputation",
        "logistic model",
        "threshold",
    ]
    assert set(rows["model", "folds"]) == {"imputation", "logistic model", "threshold"} and set(rows) == {
        (s, k) for s in ("model", "pipeline") for k in ("folds", "bootstrap")
    }
    assert all(r["n_held_out_rows_read"] == 0 for found in rows.values() for r in found.values())
    assert rows["pipeline", "folds"]["correlation"] == {
        "stage": "correlation",
        "n_fits": 4,
        "n_rows_read": 3 * 60,
        "n_held_out_rows_read": 0,
    }
    assert rows["pipeline", "folds"]["logistic model"]["n_fits"] == 4 * 2  # unadjusted and adjusted
    page = unmarked((tmp_path / "out" / "report.html").read_text())
    assert "fits; no held-out row was handed to any." in page and "LEAK" not in page


def test_a_selection_that_sees_everyone_is_caught(study, tmp_path, monkeypatch):
    """The leak of most published studies, planted: the steps are given all rows in every resample."""
    honest = prldh.validation.refit.training_rows
    monkeypatch.setattr(
        prldh.validation.refit,
        "training_rows",
        lambda blocks, subjects, rows: honest(blocks, subjects, np.arange(subjects.n)),
    )
    results = prldh.analyze(study, tmp_path / "out", jobs=1).data
    found = {r["stage"]: r for r in results["ledger"]["pipeline"]["folds"]}
    assert found["correlation"]["n_held_out_rows_read"] == 60 and found["Radscore"]["n_held_out_rows_read"] == 60
    assert found["logistic model"]["n_held_out_rows_read"] == 0
    assert any(
        w["message"].startswith(
            "LEAK: whole modelling process validated, cross-validation: fits of 'correlation' were handed 60"
            " held-out rows"
        )
        for w in results["warnings"]
    )
    assert "held-out rows were handed to fits of correlation" in unmarked(
        (tmp_path / "out" / "report.html").read_text()
    )


def test_folds_that_overlap_are_caught(study, tmp_path, monkeypatch):
    honest = StratifiedFolds.resamples
    monkeypatch.setattr(
        StratifiedFolds,
        "resamples",
        lambda *given: [replace(r, train=np.append(r.train, r.test[0])) for r in honest(*given)],
    )
    results = prldh.analyze(study, tmp_path / "out", jobs=1).data
    for scope in ("model", "pipeline"):
        assert {r["stage"]: r["n_held_out_rows_read"] for r in results["ledger"][scope]["folds"]}[
            "logistic model"
        ] == 4 * 2


def test_repeats_count_once():
    ledger = Ledger(np.array([4, 5]))
    ledger.read("step", np.array([0, 0, 1, 4]))
    ledger.read("step", np.array([1, 2]))
    assert add_up([ledger, ledger]) == (LedgerRow("step", 4, 10, 2),)
