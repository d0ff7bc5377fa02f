"""Calibration of log odds so large that their probabilities are 0 or 1 to the last digit."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from prldh.apply.recalibration import recalibrate
from prldh.engines import PythonEngine
from prldh.models import calibration_limits, line_beyond
from prldh.models.performance import HELD


def _predicted(scale):
    rng = np.random.default_rng(4)
    eta = rng.normal(size=90)
    return (rng.random(90) < 1 / (1 + np.exp(-eta))).astype(float), scale * eta


@pytest.mark.parametrize("scale", [30.0, 1000.0, 3e4])
def test_the_line_is_that_of_the_log_odds_and_lies_within_its_limits(scale):
    y, eta = _predicted(scale)
    line = line_beyond(y, eta, PythonEngine())
    fit = sm.Logit(y, sm.add_constant(eta / scale)).fit(disp=0)
    np.testing.assert_allclose([line["intercept"], line["slope"] * scale], fit.params, rtol=1e-7)
    np.testing.assert_allclose((1 / (1 + np.exp(-np.clip(eta + line["citl"], -700, 700)))).sum(), y.sum(), rtol=1e-6)

    again = recalibrate(y, eta, "slope", PythonEngine(), 0.95)
    assert again.slope.low < again.slope.estimate < again.slope.high
    assert again.slope.estimate == pytest.approx(line["slope"], rel=1e-9)


def test_log_odds_that_probabilities_hold_are_left_to_these():
    y, eta = _predicted(1.0)
    assert line_beyond(y, eta / np.abs(eta).max() * HELD, PythonEngine()) == {}


@pytest.mark.parametrize("y", [np.zeros(6), np.ones(6), np.array([0, 0, 0, 1, 1, 1.0]), np.array([1, 1, 1, 0, 0, 0.0])])
def test_one_class_and_separation_leave_no_line(y):
    assert line_beyond(y, 100 * np.arange(6.0), PythonEngine()) == {}


def test_limits_hold_the_slope_of_new_patients():
    from types import SimpleNamespace

    y, eta = _predicted(1000.0)
    limits = calibration_limits(
        y, eta, SimpleNamespace(numbers=line_beyond(y, eta, PythonEngine())), PythonEngine(), 0.95
    )
    assert limits.slope.low < limits.slope.estimate < limits.slope.high
