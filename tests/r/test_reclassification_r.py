"""Reclassification and interaction: the R engine's numbers beside the Python engine's, on random and on degenerate
input."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from prldh.core.errors import DataError, EngineError
from prldh.engines.python import PythonEngine
from prldh.engines.r import REngine

pytestmark = pytest.mark.r


def assert_same(name, *arguments):
    """Both engines' answers: the same keys in any order, the same numbers, NaN in the same places."""
    r, python = (getattr(engine, name)(*arguments) for engine in (REngine(), PythonEngine()))
    _compare(r, python, name)
    return r


def _compare(r, python, place):
    assert set(r) == set(python), place
    for key, value in python.items():
        if isinstance(value, dict):
            _compare(r[key], value, f"{place}.{key}")
        else:
            np.testing.assert_allclose(r[key], value, rtol=1e-9, atol=1e-12, err_msg=f"{place}.{key}")
            assert np.shape(r[key]) == np.shape(value), f"{place}.{key}"


@pytest.mark.parametrize("seed", range(4))
def test_reclassification(seed):
    rng = np.random.default_rng(seed)
    n = (15, 60, 170, 40)[seed]
    y = (rng.random(n) < 0.4).astype(float)
    a, b = np.round(rng.random((2, n)), (1, 2, 8, 1)[seed])
    for cuts in ([0.3], [0.2, 0.4, 0.6], []):
        assert_same("reclassification", y, a, b, cuts, 0.9)


@pytest.mark.parametrize("y", [[0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0], []])
def test_reclassification_without_two_classes_or_with_one_event(y):
    p = np.linspace(0.1, 0.8, len(y))
    for other in (p, p[::-1], p + 0.1):
        assert_same("reclassification", np.array(y, dtype=float), p, other, [0.5])


def test_cut_points_out_of_order_are_refused_by_both():
    y, p = np.array([0.0, 1.0]), np.array([0.2, 0.6])
    for engine, error in ((REngine(), EngineError), (PythonEngine(), DataError)):
        with pytest.raises(error, match="ascending cut points"):
            engine.reclassification(y, p, p, [0.6, 0.2])


def designs(seed, n=90):
    """Groups' indicators, covariates, and a level without events: (n, 7), outcome."""
    rng = np.random.default_rng(seed)
    codes, level = np.arange(n) % 4, rng.integers(0, 5, n)
    x = np.column_stack([np.ones(n), *(codes == k for k in (1, 2, 3)), rng.normal(size=(n, 2)), level == 0])
    y = (rng.random(n) < np.array([0.7, 0.5, 0.4, 0.2])[codes]).astype(float)
    y[level == 0] = 0
    return x, y


@pytest.mark.parametrize("seed", range(3))
def test_likelihood_ratio_firth(seed):
    x, y = designs(seed)
    for small in (x[:, :1], x[:, [0, 4, 5, 6]], x[:, :6], x, np.column_stack([x[:, 0], x[:, 1] + x[:, 2]])):
        assert_same("likelihood_ratio_firth", small, x, y)
    assert np.isnan(assert_same("likelihood_ratio_firth", x[:, :3], x[:, [0, 1, 4]], y)["p"])


@pytest.mark.parametrize("seed", range(3))
def test_standardised_risks(seed):
    x, y = designs(seed)
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 90, (6, 90))
    lengths = np.full(6, 90)
    b = PythonEngine().refit_firth(x, y, rows, lengths)["coefficients"]
    b[2] = np.nan
    b[3, 5] = np.nan
    found = assert_same("standardized_risks", x, b, [1, 2, 3], rows.ravel(), lengths)
    assert np.isnan(found["risks"][2]).all() and np.isfinite(found["risks"][3]).all()
    fit = PythonEngine().fit_firth(x, y)
    assert_same("standardized_risk_ratios", x, fit["coefficients"], fit["covariance"], [1, 2, 3])
    assert_same("standardized_risk_ratios", x, fit["coefficients"], fit["covariance"], [1])
    aliased = np.column_stack([x, x[:, 4]])
    fit = PythonEngine().fit_logistic(aliased, y)
    assert np.isnan(fit["coefficients"][7])
    assert_same("standardized_risk_ratios", aliased, fit["coefficients"], fit["covariance"], [1, 2, 3])


def test_additive_interaction():
    rng = np.random.default_rng(1)
    for _ in range(10):
        logs, root = rng.normal(1, 1, 3), rng.normal(size=(3, 3))
        assert_same("additive_interaction", logs, root @ root.T, 0.9)
    assert np.isnan(assert_same("additive_interaction", [-1.0, 0.5, 0.5], np.eye(3))["s"]["low"])
    assert_same("additive_interaction", [np.nan, 0.5, 0.5], np.full((3, 3), np.nan))


def test_additive_interaction_of_resamples():
    rng = np.random.default_rng(2)
    logs = rng.normal(1, 1, (200, 3))
    logs[:5, 0], logs[5:10, 1], logs[10:15], logs[15:20, 2], logs[20, 0] = 18.0, -18.0, np.nan, -np.inf, np.inf
    found = assert_same("additive_interaction_resampled", logs, 0.9)
    assert found["reri"]["n_defined"] == 195 and found["s"]["n_defined"] < 195
    assert np.isinf(assert_same("additive_interaction_resampled", logs[:40], 0.9)["reri"]["high"])
    logs[21:24] = np.log([4.0, 3.0, 1.0]) + 19
    assert assert_same("additive_interaction_resampled", logs, 0.9)["reri"]["n_defined"] == 192
    for empty in (np.empty((0, 3)), np.full((4, 3), np.nan), logs[100:101]):
        assert_same("additive_interaction_resampled", empty)


def test_areas_of_different_patients():
    rng = np.random.default_rng(3)
    y, s = (rng.random(70) < 0.4).astype(float), np.round(rng.normal(size=70), 1)
    assert_same("compare_independent_auc", y[:30], s[:30], y[30:], s[30:], 0.9)
    assert_same("compare_independent_auc", y, y, 1 - y, y)  # areas of 1 and 0: no variance, infinitely apart
    assert_same("compare_independent_auc", y, y, y, y)
    for few in ([0.0, 0.0, 0.0], [1.0, 0.0, 0.0], []):
        found = assert_same("compare_independent_auc", y, s, few, s[: len(few)])
        assert np.isnan(found["p"])


def test_its_statistic_is_proc_s_unpaired_one(tmp_path):
    """The p-value is not: pROC refers it to a t distribution."""
    (tmp_path / "run.R").write_text(
        'suppressMessages(library(pROC)); data(aSAH); d <- split(aSAH, aSAH$gender)[c("Female", "Male")]\n'
        'one <- function(x) roc(as.numeric(x$outcome == "Poor"), x$s100b, levels = 0:1, direction = "<")\n'
        'cat(sprintf("%.17g\\n", roc.test(one(d$Female), one(d$Male), paired = FALSE, method = "delong")$statistic))\n'
        'for (x in d) cat(paste(as.numeric(x$outcome == "Poor"), x$s100b, collapse = " "), "\\n")\n'
    )
    done = subprocess.run(
        ["Rscript", "--vanilla", "run.R"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=900
    )
    statistic, *sides = done.stdout.strip().splitlines()
    (y_a, a), (y_b, b) = (np.array(side.split(), dtype=float).reshape(-1, 2).T for side in sides)
    found = assert_same("compare_independent_auc", y_a, a, y_b, b)
    assert found["statistic"] == pytest.approx(float(statistic), rel=1e-9)
