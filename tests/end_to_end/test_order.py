"""Rows and columns of every table may stand in any order: the results are the same."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import prldh

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def tables():
    """45 patients, two readers, ties and copies among the features, blanks among the covariates; ids out of order."""
    rng = np.random.default_rng(4)
    n = 45
    ids = rng.permutation([f"P{i}" for i in range(n)])
    outcome = rng.permutation(np.arange(n) % 3 == 0)
    values = rng.normal(size=(n, 8)) + np.outer(outcome, [1.2, 0.8, 0.5, 0, 0, 0, 0, 0])
    values[:, 5] = np.round(values[:, 0])  # ties
    values[:, 6] = values[:, 1]  # a copy
    names = ["zeta", "alpha", "mu", "b10", "b2", "rounded", "copy", "noise"]
    first = pd.DataFrame(values, columns=names).assign(id=ids)
    second = pd.DataFrame(values + 0.2 * rng.normal(size=values.shape), columns=names).assign(id=ids)
    clinical = pd.DataFrame(
        {
            "id": ids,
            "relapse": np.where(outcome, "yes", "no"),
            "age": rng.normal(60, 9, n).round(),
            "grade": rng.choice(["low", "Low", "high"], n),
            "marker": rng.normal(size=n) + outcome,
        }
    )
    clinical.loc[[3, 17, 40], "age"] = np.nan
    return clinical, first, second


def analyse(folder, tables, missing, **changes):
    folder.mkdir()
    for name, table in zip(("clinical", "first", "second"), tables, strict=True):
        table.to_csv(folder / f"{name}.csv", index=False)
    study = {
        "title": "Order",
        "seed": 11,
        "engine": "python",
        "missing": missing,
        "imputation": {"imputations": 3},
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "relapse",
            "event": "yes",
            "covariates": {"age": "continuous", "grade": "categorical"},
        },
        "tissues": {
            "disc": {"features": [str(folder / "first.csv"), str(folder / "second.csv")]},
            "blood": {"radscore": "marker"},
        },
        "selection": [
            "icc",
            {"mrmr_forest": {"trees": 4, "sizes": [2, 4], "seeds": 1}},
            "correlation",
            "lasso_svm_rfe",
        ],
        "if_empty": "best",
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 4, "null_permutations": 1},
        "performance": {"decision_bootstrap": 5, "partial_auc_bootstrap": 5, "interaction_bootstrap": 5},
        "report": {"figures": []},
    }
    prldh.analyze(study | changes, folder / "out", jobs=1)
    results = json.loads((folder / "out" / "results.json").read_text().replace(str(folder), ""))
    return results, (folder / "out" / "predictions.csv").read_text(), (folder / "out" / "model.json").read_text()


@pytest.mark.parametrize("missing", ["complete_case", "multiple_imputation"])
def test_any_order_gives_the_same_results(tables, tmp_path, missing):
    plain = analyse(tmp_path / "plain", tables, missing)
    rng = np.random.default_rng(1)
    shuffled = [table.sample(frac=1, random_state=int(rng.integers(1000))) for table in tables]
    shuffled = [table[rng.permutation(table.columns)] for table in shuffled]
    assert not shuffled[0]["id"].equals(tables[0]["id"])
    other = analyse(tmp_path / "shuffled", shuffled, missing)
    assert other == plain
