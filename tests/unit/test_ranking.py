"""What is the same but for rounding is tied, in Python and in R by the same rule."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest

from prldh.chain import probability, ranked_probability
from prldh.engines import r_sources
from prldh.stats import bootstrap_measures, mean_of_folds, ranked_log_odds
from prldh.stats.logistic import refit_logistic

NAN = float("nan")


def separated_cells():
    """Four groups of patients of which two have the event alone: glm.fit leaves both near 19.6."""
    codes = np.repeat([0, 1, 2, 3], [12, 9, 3, 5])
    outcome = np.concatenate([np.arange(12) < 4, np.arange(9) < 4, np.ones(8)]).astype(float)
    design = np.column_stack([np.ones(29), *(codes == k for k in (1, 2, 3))]).astype(float)
    return design, outcome


def test_groups_that_separate_the_outcome_alike_are_tied():
    design, outcome = separated_cells()
    b = refit_logistic(design, outcome, np.arange(29), np.array([29]))["coefficients"][0]
    eta = design @ b
    assert eta[-1] > 18 and np.ptp(eta[21:]) < 1e-6
    noise = np.linspace(-1e-9, 1e-9, 8)  # of another engine
    assert len(np.unique(ranked_log_odds(eta[21:] + noise))) == 1


def test_the_order_of_what_differs_is_kept():
    eta = np.array([-800.0, -40.0, -25.5, -25.0, -9.0, -8.9999999, 0.0, 1e-9, 3.0, 19.5, 19.6, 27.3, 30.0, 700.0])
    ranked = ranked_log_odds(eta)
    assert (np.diff(ranked) > 0).all()
    np.testing.assert_allclose(ranked, eta, rtol=1e-3)
    np.testing.assert_allclose(ranked_probability(eta), probability(eta), atol=1e-13)
    extremes = np.array([NAN, 1e308, -1e308, np.inf, -np.inf])
    np.testing.assert_array_equal(ranked_log_odds(extremes), extremes)


def test_a_bootstrap_s_area_counts_what_is_rounding_as_tied():
    y, eta = np.array([1.0, 0.0, 1.0, 0.0]), np.array([[19.5660685111, 19.5660685168, 19.6, -1.0]])
    found = bootstrap_measures(y, eta, eta[0], np.arange(4), np.array([4]))
    assert found["auc_boot"][0] == found["auc_original"][0] == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    same = mean_of_folds(y, ranked_probability(eta[0]), np.array([4]))
    assert same["estimate"] == found["auc_boot"][0]


@pytest.mark.r
def test_r_ranks_by_the_same_rule(tmp_path):
    rng = np.random.default_rng(3)
    eta = np.concatenate([rng.normal(0, 3, 200), rng.normal(0, 15, 200), rng.normal(0, 60, 100)]).round(13)
    np.savetxt(tmp_path / "eta.csv", eta, fmt="%.17g")
    source = next(path for path in r_sources() if path.name == "ranked_log_odds.R")
    code = (
        f"source('{source}');"
        f" x <- ranked_log_odds(scan('{tmp_path / 'eta.csv'}', quiet = TRUE));"
        " cat('[', paste(sprintf('%.17g', x), collapse = ','), ']')"
    )
    said = subprocess.run(["Rscript", "--vanilla", "-e", code], capture_output=True, text=True, check=True).stdout
    np.testing.assert_allclose(ranked_log_odds(eta), json.loads(said), rtol=1e-15, atol=1e-16)
