"""The simulations of docs/intervals.md, smaller: how often intervals hold what they estimate."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "interval_coverage.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("interval_coverage", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_truth_is_that_of_a_large_population(benchmark):
    import numpy as np
    from scipy.special import expit

    rng = np.random.default_rng(1)
    design, outcome, shift = benchmark.draw(rng, 200_000, 60_000, 3, 0.8)
    b = np.array([-1.0, 0.9, -0.2, 0.1])
    eta = design @ b
    area = benchmark.bootstrap_measures(outcome, eta[None], eta, np.arange(len(eta)), np.array([len(eta)]))
    assert benchmark.true_auc(b[1:], shift) == pytest.approx(area["auc_original"][0], abs=0.005)
    assert benchmark.true_brier(b, shift, 0.3) == pytest.approx(np.mean((expit(eta) - outcome) ** 2), abs=0.002)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "n_events", "p", "auc"), [(60, 20, 4, 0.7), (170, 39, 4, 0.85)])
def test_two_stage_intervals_hold(benchmark, n, n_events, p, auc):
    """Of 150 data sets as in docs/intervals.md, less what so few leave open (three standard errors)."""
    coverage, shown = benchmark.coverage_of_two_stage(n, n_events, p, auc, 150, n_outer=100, n_inner=10)
    assert shown > 120
    for name, share in coverage.items():
        assert share > 0.88, (name, share)


def test_intervals_of_one_patients_risk_hold(benchmark):
    """Of 250 data sets as in docs/intervals.md, less what so few leave open."""
    found = benchmark.coverage_of_risks(170, 0.23, 4, 1.5, 250)
    assert found["shown"] > 240
    for where in ("all", "lowest", "highest"):
        assert found[where] == pytest.approx(0.95, abs=0.035), where


@pytest.mark.parametrize("name", ["equally good", "better"])
def test_corrected_intervals_of_differences_hold(benchmark, name):
    """Of 200 data sets as in docs/intervals.md, less what so few leave open (three standard errors)."""
    truth, held = benchmark.coverage_of_differences(60, 20, 1, name, 200)
    assert held > 0.9 and (abs(truth) < 0.01) == (name == "equally good")


def test_corrected_intervals_of_random_splits_hold(benchmark):
    """And the Brier score's does not, which is why it is not shown."""
    mean, held = benchmark.coverage_of_splits(170, 0.23, 0.7, 0.2, 20, 200)
    assert mean > 0.7 and 0.88 < held["logit"] < 0.98 and held["brier"] < 0.9
