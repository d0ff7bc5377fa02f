"""What is the same but for rounding is tied, in Python and in R by the same rule."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest

from prldh.apply.judging import _predictions
from prldh.apply.patients import NewPatients
from prldh.chain import probability, ranked_probability
from prldh.engines import PythonEngine, r_sources
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
    eta = np.concatenate([eta, rng.uniform(-20, 20, 4000).round(11)])  # halves among them
    np.savetxt(tmp_path / "eta.csv", eta, fmt="%.17g")
    source = next(path for path in r_sources() if path.name == "ranked_log_odds.R")
    code = (
        f"source('{source}');"
        f" x <- ranked_log_odds(scan('{tmp_path / 'eta.csv'}', quiet = TRUE));"
        " cat('[', paste(sprintf('%.17g', x), collapse = ','), ']')"
    )
    said = subprocess.run(["Rscript", "--vanilla", "-e", code], capture_output=True, text=True, check=True).stdout
    np.testing.assert_array_equal(ranked_log_odds(eta), json.loads(said))


def test_no_value_is_ranked_below_a_smaller_one():
    """Where a decimal fewer begins, too."""
    near = np.linspace(-3e-5, 3e-5, 4001)
    eta = np.sort(np.concatenate([k * np.log(10) + near for k in range(1, 17)]))
    assert (np.diff(ranked_log_odds(eta)) >= 0).all() and (np.diff(ranked_log_odds(-eta[::-1])) >= 0).all()


def test_who_is_positive_is_the_same_when_the_model_is_applied():
    """The threshold lies between ranked probabilities, and patients are held against it as they are ranked."""
    y = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    eta = np.array([-3.0, -2.0, 30.1639, 32.16389, 32.16931, 33.1639])
    cut = PythonEngine().youden(y, ranked_probability(eta))
    patients = NewPatients(ids=tuple("abcdef"), outcome=y, columns={}, scores={}, inputs={})
    model = {"name": "Disc", "adjusted": False, "threshold": cut["threshold"]}
    table = _predictions(model, patients, eta, None, np.zeros(6, dtype=bool))
    assert int(table["positive"].sum()) == cut["tp"] + cut["fp"]
