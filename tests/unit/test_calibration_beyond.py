"""The calibration line goes by log odds, also where their probabilities are 0 or 1 to the last digit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import statsmodels.api as sm

from prldh.apply.recalibration import recalibrate
from prldh.chain import probability
from prldh.engines import PythonEngine
from prldh.models import calibration_limits

ENGINE = PythonEngine()


def predicted(scale, n=90):
    rng = np.random.default_rng(4)
    eta = rng.normal(size=n)
    return (rng.random(n) < probability(eta)).astype(float), scale * eta


def line_of(y, eta):
    return ENGINE.calibration(y, probability(eta), log_odds=eta)


@pytest.mark.parametrize("scale", [1.0, 30.0, 1000.0, 3e4])
def test_the_line_is_that_of_the_log_odds_and_lies_within_its_limits(scale):
    y, eta = predicted(scale)
    line = line_of(y, eta)
    fit = sm.Logit(y, sm.add_constant(eta / scale)).fit(disp=0)
    np.testing.assert_allclose([line["intercept"], line["slope"] * scale], fit.params, rtol=1e-7)
    np.testing.assert_allclose(probability(eta + line["citl"]).sum(), y.sum(), rtol=1e-6)

    limits = calibration_limits(y, eta, SimpleNamespace(numbers=line), ENGINE, 0.95)
    again = recalibrate(y, eta, "slope", ENGINE, 0.95)
    for slope in (limits.slope, again.slope):
        assert slope.low < slope.estimate < slope.high
        assert slope.estimate == pytest.approx(line["slope"], rel=1e-9)


def test_log_odds_that_their_probabilities_hold_give_the_same_line():
    y, eta = predicted(1.0)
    by_probability = ENGINE.calibration(y, probability(eta))
    for key in ("intercept", "slope", "citl", "brier", "ici"):
        assert line_of(y, eta)[key] == pytest.approx(by_probability[key], rel=1e-9)


@pytest.mark.parametrize("y", [np.zeros(6), np.ones(6), np.array([0, 0, 0, 1, 1, 1.0]), np.array([1, 1, 1, 0, 0, 0.0])])
def test_one_class_and_separation_leave_no_line(y):
    line = line_of(y, 100 * np.arange(6.0))
    assert not np.isfinite(line["slope"]) and np.isnan(line["intercept"])
