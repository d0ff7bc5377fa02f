"""Statistics of bootstrap models are the same in both engines, and what they say they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from prldh.engines.python import PythonEngine
from prldh.engines.r import REngine

pytestmark = pytest.mark.r


def _bootstrap(seed: int, n: int, m: int, spread: float = 1.0):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype(float)
    y[:2] = 0, 1
    eta = np.round(rng.normal(-1, 1, (m, n)) + spread * y, 2)
    rows = rng.integers(0, n, (m, n))
    return y, eta, np.take_along_axis(eta, rows, axis=1).ravel(), rows.ravel(), np.full(m, n)


@pytest.mark.parametrize(("n", "spread"), [(3, 1.0), (12, 4.0), (60, 0.0), (170, 1.5)])
def test_bootstrap_measures(n, spread):
    """Small and well separated samples too: there the calibration line often does not exist, in both engines alike."""
    given = _bootstrap(n, n, 60, spread)
    ours, theirs = PythonEngine().bootstrap_measures(*given), REngine().bootstrap_measures(*given)
    assert list(ours) == list(theirs)
    for key in ours:
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-8, atol=1e-9, err_msg=key)


def test_bootstrap_measures_are_what_they_say():
    y, eta, in_sample, rows, lengths = _bootstrap(1, 80, 5)
    engine = PythonEngine()
    found = engine.bootstrap_measures(y, eta, in_sample, rows, lengths)
    for r in range(5):
        drawn = rows[80 * r : 80 * (r + 1)]
        out = np.setdiff1d(np.arange(80), drawn)
        for where, picked in (("boot", drawn), ("original", np.arange(80)), ("oob", out)):
            x, outcome = eta[r, picked], y[picked]
            area = mannwhitneyu(x[outcome == 1], x[outcome == 0]).statistic / (
                outcome.sum() * (len(outcome) - outcome.sum())
            )
            assert found[f"auc_{where}"][r] == pytest.approx(area, abs=1e-12)
            assert found[f"brier_{where}"][r] == pytest.approx(
                np.mean((1 / (1 + np.exp(-x)) - outcome) ** 2), abs=1e-12
            )
            line = engine.fit_logistic(np.column_stack([np.ones(len(x)), x]), outcome)["coefficients"]
            assert [found[f"intercept_{where}"][r], found[f"slope_{where}"][r]] == pytest.approx(list(line), abs=1e-6)


def test_separated_or_constant_predictions_have_no_line():
    y, rows = np.array([0.0, 0, 1, 1]), np.array([0, 1, 2, 3])
    for eta in ([1.0, 2, 3, 4], [4.0, 3, 2, 1], [1.0, 2, 2, 3], [0.0, 0, 0, 0]):
        given = (y, np.array([eta]), np.array(eta), rows, np.array([4]))
        for engine in (PythonEngine(), REngine()):
            found = engine.bootstrap_measures(*given)
            assert np.isnan(
                [found["slope_boot"][0], found["intercept_original"][0], found["auc_oob"][0], found["brier_oob"][0]]
            ).all()
            assert np.isfinite([found["auc_boot"][0], found["brier_original"][0]]).all()


def test_difference_of_out_of_bag_curves():
    rng = np.random.default_rng(0)
    n, m, thresholds = 60, 80, np.linspace(0, 0.99, 30)
    y = (rng.random(n) < 0.3).astype(float)
    a, b, out = rng.random((m, n)), rng.random((m, n)), (rng.random((m, n)) < 0.37).astype(float)
    a[3, np.flatnonzero(out[3])[0]] = np.nan  # a prediction that is missing: the resample does not count
    out[5] = 0
    ours, theirs = (
        engine.compare_out_of_bag_decision_curves(y, a, b, out, thresholds) for engine in (PythonEngine(), REngine())
    )
    for key in ours:
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-10, atol=1e-12, err_msg=key)
    keep = np.setdiff1d(np.arange(m), [3, 5])
    of_a, of_b = (
        PythonEngine().out_of_bag_decision_curve(y, p[keep], out[keep], thresholds)["net_benefit"] for p in (a, b)
    )
    np.testing.assert_allclose(ours["difference"], of_a - of_b, atol=1e-12)


def test_hosmer_lemeshow_of_predictions_that_were_not_fitted_loses_no_degrees_of_freedom():
    rng = np.random.default_rng(2)
    p = rng.uniform(0.1, 0.6, 120)
    y = (rng.random(120) < p).astype(float)
    for engine in (PythonEngine(), REngine()):
        fitted, held_out = engine.hosmer_lemeshow(y, p, 10), engine.hosmer_lemeshow(y, p, 10, 0)
        assert (fitted["df"], held_out["df"]) == (8, 10)
        assert held_out["statistic"] == fitted["statistic"] and held_out["p"] > fitted["p"]
