"""Firth's penalised likelihood: what can be written down by hand, and what defines it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import special
from scipy.optimize import minimize

from prldh.engines.python import PythonEngine
from prldh.errors import DataError

GROUP = np.repeat([0.0, 1.0], 8)
TABLE = np.column_stack([np.ones(16), GROUP])
OUTCOME = np.array([1.0] * 3 + [0.0] * 5 + [1.0] * 8)  # nobody without the event in the second group


@pytest.fixture
def engine():
    return PythonEngine()


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def penalised(design, outcome, coefficients):
    """Log-likelihood plus half the log determinant of the information, straight from the definition."""
    eta = design @ coefficients
    weight = special.expit(eta) * special.expit(-eta)
    likelihood = special.log_expit((2 * outcome - 1) * eta).sum()
    return likelihood + np.linalg.slogdet((design * weight[:, None]).T @ design)[1] / 2


def separated_study(seed=3, n=60):
    rng = np.random.default_rng(seed)
    level = np.arange(n) % 3
    design = np.column_stack([np.ones(n), rng.normal(20, 4, n), level == 1, level == 2])
    outcome = (rng.random(n) < special.expit(0.3 * (design[:, 1] - 20))).astype(float)
    outcome[level == 2] = 0.0
    return design, outcome


def test_a_saturated_table_gets_half_a_patient_more_in_each_cell(engine):
    fit = engine.fit_firth(TABLE, OUTCOME)
    np.testing.assert_allclose(fit["coefficients"], np.log([3.5 / 5.5, (8.5 / 0.5) / (3.5 / 5.5)]), rtol=1e-12)
    np.testing.assert_allclose(fit["standard_errors"] ** 2, [1 / 3.5 + 1 / 5.5, 1 / 3.5 + 1 / 5.5 + 1 / 8.5 + 1 / 0.5], rtol=1e-12)
    assert fit["converged"] == 1.0
    assert set(fit) == set(engine.fit_logistic(TABLE, OUTCOME))


def test_an_intercept_alone_is_jeffreys_estimate(engine):
    fit = engine.fit_firth(np.ones((9, 1)), np.repeat([0.0, 1.0], [7, 2]))
    assert fit["coefficients"][0] == pytest.approx(np.log(2.5 / 7.5), rel=1e-12)
    assert fit["deviance"] == pytest.approx(fit["null_deviance"], rel=1e-12)


def test_the_estimate_is_the_maximum_and_limits_lie_where_the_profile_says(engine):
    design, outcome = separated_study()
    fit, limits = engine.fit_firth(design, outcome), engine.firth_limits(design, outcome, 0.9)
    b, best = fit["coefficients"], fit["log_likelihood"]
    assert best == pytest.approx(penalised(design, outcome, b), rel=1e-12)
    scale = 1.0 / np.abs(design).max(axis=0)

    def held(j, value):
        others = np.arange(4) != j

        def lost(free):
            full = np.full(4, value)
            full[others] = b[others] + free * scale[others]
            return best - penalised(design, outcome, full)

        start = np.zeros(3)
        for _ in range(4):
            start = minimize(lost, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000}).x
        return lost(start)

    quantile = special.chdtri(1.0, 0.1)
    for j in range(4):
        assert 2 * held(j, b[j]) == pytest.approx(0.0, abs=1e-9)
        assert special.chdtrc(1.0, 2 * held(j, 0.0)) == pytest.approx(fit["p_values"][j], rel=1e-5)
        assert limits[j, 0] < b[j] < limits[j, 1]
        for limit in limits[j]:
            assert 2 * held(j, limit) == pytest.approx(quantile, rel=1e-7)


def test_the_units_of_a_column_do_not_matter(engine):
    design, outcome = separated_study()
    factors = np.array([1.0, 1e5, 1e-4, 1.0])
    one, other = engine.fit_firth(design, outcome), engine.fit_firth(design * factors, outcome)
    np.testing.assert_allclose(other["coefficients"] * factors, one["coefficients"], rtol=1e-10)
    np.testing.assert_allclose(other["p_values"], one["p_values"], rtol=1e-9)
    np.testing.assert_allclose(engine.firth_limits(design * factors, outcome) * factors[:, None], engine.firth_limits(design, outcome), rtol=1e-10)


def test_complete_separation_has_finite_answers(engine):
    design = np.column_stack([np.ones(10), np.arange(10.0)])
    outcome = np.repeat([0.0, 1.0], 5)
    fit, limits = engine.fit_firth(design, outcome), engine.firth_limits(design, outcome)
    assert all(np.isfinite(fit[key]).all() for key in fit)
    assert np.isfinite(limits).all()
    assert fit["coefficients"][0] == pytest.approx(-4.5 * fit["coefficients"][1], rel=1e-11)  # the data are symmetric
    assert limits[1, 0] > 0.0
    assert not engine.warnings


def test_aliased_columns_are_left_out(engine):
    design, outcome = separated_study()
    wide = np.column_stack([design, 2 * design[:, 1] - 1])
    fit, plain = engine.fit_firth(wide, outcome), engine.fit_firth(design, outcome)
    for key in ("coefficients", "standard_errors", "p_values"):
        assert np.isnan(fit[key]).tolist() == [False] * 4 + [True]
        np.testing.assert_allclose(fit[key][:4], plain[key], rtol=1e-12)
    assert np.isnan(engine.firth_limits(wide, outcome)[4]).all()
    assert engine.refit_firth(wide, outcome, np.arange(60), [60])["coefficients"][0, 4] == 0.0


def test_refits_are_fits_on_the_resample(engine):
    design, outcome = separated_study()
    rng = np.random.default_rng(5)
    rows = [rng.integers(0, 60, 60), np.arange(1, 60), np.flatnonzero(outcome == 0)]
    found = engine.refit_firth(design, outcome, np.concatenate(rows), [len(r) for r in rows])["coefficients"]
    for row, coefficients in zip(rows[:2], found, strict=False):
        np.testing.assert_allclose(coefficients, engine.fit_firth(design[row], outcome[row])["coefficients"], rtol=1e-11)
    assert np.isnan(found[2]).all()


def test_bad_input_is_refused(engine):
    with pytest.raises(DataError, match="0 or 1"):
        engine.fit_firth(TABLE, GROUP * 2)
    with pytest.raises(DataError, match="add up"):
        engine.refit_firth(TABLE, OUTCOME, [0, 1], [3])


@pytest.mark.r
def test_the_engines_agree(engine):
    from prldh.engines.r import REngine

    r = REngine()
    design, outcome = separated_study(seed=8)
    one, other = engine.fit_firth(design, outcome), r.fit_firth(design, outcome)
    assert set(one) == set(other)
    for key in one:
        np.testing.assert_allclose(one[key], other[key], rtol=1e-9, err_msg=key)
    np.testing.assert_allclose(engine.firth_limits(design, outcome, 0.8), r.firth_limits(design, outcome, 0.8), rtol=1e-10)
    rows = np.random.default_rng(1).integers(0, 60, (20, 60))
    found = [e.refit_firth(design, outcome, rows.ravel(), [60] * 20)["coefficients"] for e in (engine, r)]
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-10)
