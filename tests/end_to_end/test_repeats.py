"""Repeated folds and other ranges of partial areas, figured again from predictions.csv."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

import prldh
from prldh.stats.partial_roc import partial_auc

pytestmark = pytest.mark.usefixtures("undrawn")


def _auc(rows: pd.DataFrame) -> float:
    event = rows["outcome"] == 1
    return mannwhitneyu(rows["log_odds"][event], rows["log_odds"][~event]).statistic / (event.sum() * (~event).sum())


def test_repeated_folds_and_the_ranges_asked_for(tmp_path):
    rng = np.random.default_rng(8)
    y = np.arange(90) % 3 == 0
    pd.DataFrame({"id": [f"p{i}" for i in range(90)], "y": y.astype(int), "score": rng.normal(size=90) + y}).to_csv(
        tmp_path / "clinical.csv", index=False
    )
    ranges = {"sensitivity": [0.9, 1.0], "specificity": [0.9, 0.6]}
    results = prldh.analyze(
        {
            "engine": "python",
            "report": {"figures": []},
            "tissues": {"disc": {"radscore": "score"}},
            "clinical": {"table": str(tmp_path / "clinical.csv"), "id": "id", "outcome": "y", "event": 1},
            "validation": {"leave_one_out": False, "folds": 5, "repeats": 3, "bootstrap": 0, "scope": "model"},
            "performance": {"decision_bootstrap": 10, "partial_auc_bootstrap": 10, "partial_auc": ranges},
        },
        tmp_path / "out",
        jobs=1,
    )
    entry = results.data["models"][0]
    found = entry["validation"]["model"]["folds"]
    rows = results.predictions[results.predictions["scheme"] == "folds"]
    pooled = [_auc(one) for _, one in rows.groupby("repeat")]
    assert found["auc"]["estimate"] == pytest.approx(np.mean(pooled), abs=1e-12) and found["auc"]["repeats"]["n"] == 3
    assert found["auc"]["repeats"]["sd"] == pytest.approx(np.std(pooled, ddof=1), abs=1e-12)
    assert found["auc_mean"]["estimate"] == pytest.approx(
        np.mean([_auc(one) for _, one in rows.groupby(["repeat", "fold"])]), abs=1e-12
    )
    apparent = results.predictions[results.predictions["scheme"] == "apparent"]
    for focus, ends in ranges.items():
        area = entry["pauc"][focus]
        assert (area["from"], area["to"]) == (max(ends), min(ends))
        assert area["estimate"] == pytest.approx(
            partial_auc(apparent["outcome"].to_numpy(), apparent["log_odds"].to_numpy(), focus, *ends)["estimate"],
            abs=1e-12,
        )
