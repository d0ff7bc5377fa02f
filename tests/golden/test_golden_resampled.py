"""Golden values of resampled and additive statistics: cvAUC's interval, Rothman and Keller's table, .632+."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from prldh.stats.additive_interaction import additive_interaction
from prldh.stats.resampled import auc_of_rows, correct_optimism, fold_influence


def test_mean_of_folds_has_cvaucs_interval(shared_data):
    """cvAUC::ci.cvAUC(predictions, labels, folds = rep_len(1:10, 113)), cvAUC 1.1.4."""
    golden = json.loads((shared_data / "r_golden" / "golden_more.json").read_text())["cvauc_asah"]
    outcome = (pd.read_csv(shared_data / "tables" / "aSAH.csv")["outcome"] == "Poor").to_numpy().astype(np.int8)
    scores, fold = np.array(golden["predictions"]), np.arange(outcome.size) % 10
    aucs = [auc_of_rows(outcome[fold == k], scores[None, fold == k])[0] for k in range(10)]
    influence = [fold_influence(outcome[fold == k], scores[fold == k], outcome) for k in range(10)]
    error = np.sqrt(np.mean(influence) / outcome.size)
    assert np.mean(aucs) == pytest.approx(golden["cvAUC"], rel=1e-12)
    assert error == pytest.approx(golden["se"], rel=1e-9)
    assert [np.mean(aucs) + z * error for z in norm.ppf([0.025, 0.975])] == pytest.approx(golden["ci"], rel=1e-9)


def test_alcohol_and_smoking():
    """Rothman and Keller (1972), oral cancer: cases/controls 3/20 (neither), 8/18 (smoking), 6/12 (alcohol), 225/166
    (both); the printed values are Hosmer and Lemeshow's (1992)."""
    cases, controls = np.array([225.0, 6, 8, 3]), np.array([166.0, 12, 18, 20])
    logs = np.log(cases / controls)
    variance = 1 / cases + 1 / controls
    found = additive_interaction(logs[:3] - logs[3], np.diag(variance[:3]) + variance[3])
    assert round(found["reri"]["estimate"], 2) == 3.74
    assert (round(found["reri"]["low"], 2), round(found["reri"]["high"], 2)) == (-1.84, 9.32)
    assert round(found["ap"]["estimate"], 2) == 0.41
    assert round(found["s"]["estimate"], 2) == 1.87


def test_point632plus_of_a_model_without_information_is_no_information():
    found = correct_optimism(0.9, np.full(50, 0.9), np.full(50, 0.5), np.full(50, 0.5), 0.5, 0.95, better_is_high=True)
    assert found["b632plus"] == pytest.approx(0.5)
    assert found["optimism"] == pytest.approx(0.4) and found["estimate"] == pytest.approx(0.5)


def test_point632plus_without_overfitting_is_point632():
    found = correct_optimism(0.8, np.full(50, 0.8), np.full(50, 0.8), np.full(50, 0.8), 0.5, 0.95, better_is_high=True)
    assert found["b632plus"] == pytest.approx(0.8) == found["b632"]


def test_areas_of_many_rows_are_mann_whitneys():
    from scipy.stats import mannwhitneyu

    generator = np.random.default_rng(0)
    outcome = (generator.random(40) < 0.4).astype(int)
    scores = np.round(generator.standard_normal((5, 40)), 1)
    for row, area in zip(scores, auc_of_rows(outcome, scores), strict=True):
        u = mannwhitneyu(row[outcome == 1], row[outcome == 0]).statistic
        assert area == pytest.approx(u / (outcome.sum() * (40 - outcome.sum())))


@pytest.mark.parametrize("nothing", [0.5, None])
def test_no_interval_is_claimed_of_what_is_corrected(nothing):
    """Percentiles of the samples less the optimism need not hold their estimate: 0.452 had (0.454, 0.566), and where
    every sample's model reached 1 there was no width."""
    found = correct_optimism(
        1.0, np.ones(50), np.linspace(0.5, 1.1, 50), np.linspace(0.2, 1.3, 50), nothing, 0.95, True, (-np.inf, np.inf)
    )
    assert found["estimate"] == pytest.approx(0.8)
    for key in ("low", "high", "b632_low", "b632_high", "b632plus_low", "b632plus_high"):
        assert found[key] is None
    assert found["oob_low"] < found["oob"] < found["oob_high"]
