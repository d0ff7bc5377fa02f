"""Rubin's rules: numbers by hand and published, the rules' own identities, and what has no answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from prldh.core.errors import DataError
from prldh.stats.rubin import KEYS, pool_auc, pool_covariance, pool_estimates, pool_likelihood_ratio


@pytest.fixture(autouse=True)
def no_warnings():
    with np.errstate(all="raise"):
        yield


def one(found: dict) -> dict:
    return {key: value[0] for key, value in found.items()}


# -- estimates -------------------------------------------------------------------------------------------------


def test_by_hand():
    # Q = 1, 2, 3 and U = 1: W = 1, B = 1, T = 1 + 4/3 = 7/3, lambda = 4/7, old df = 2 (7/4)² = 6.125
    found = one(pool_estimates([[1.0], [2.0], [3.0]], np.ones((3, 1))))
    assert found["estimate"] == 2
    assert found["se"] == pytest.approx((7 / 3) ** 0.5, rel=1e-14)
    assert found["lambda"] == pytest.approx(4 / 7, rel=1e-14) and found["riv"] == pytest.approx(4 / 3, rel=1e-14)
    assert found["df"] == pytest.approx(6.125, rel=1e-13)
    assert found["fmi"] == pytest.approx((4 / 3 + 2 / 9.125) / (7 / 3), rel=1e-13)
    assert found["p"] == pytest.approx(2 * stats.t.sf(2 / (7 / 3) ** 0.5, 6.125), rel=1e-12)
    assert found["high"] - 2 == pytest.approx(stats.t.ppf(0.975, 6.125) * (7 / 3) ** 0.5, rel=1e-12)


def test_small_sample_degrees_of_freedom_by_hand():
    # df of complete data 20: observed df = 21/23 * 20 * 3/7, and 1/df = 1/6.125 + 1/that
    found = one(pool_estimates([[1.0], [2.0], [3.0]], np.ones((3, 1)), 20))
    assert found["df"] == pytest.approx(1 / (1 / 6.125 + 1 / (21 / 23 * 20 * 3 / 7)), rel=1e-13)


@pytest.mark.parametrize("df", [np.inf, 30])
def test_complete_data_give_the_plain_result(df):
    """One imputation, or several that agree: nothing is missing, and intervals are those of the analysis itself."""
    quantile = special.stdtrit(df, 0.95)
    for m in (1, 7):
        found = pool_estimates(np.tile([0.1, -2.0], (m, 1)), np.tile([0.3, 0.04], (m, 1)), df, 0.9)
        np.testing.assert_array_equal(found["estimate"], [0.1, -2.0])
        np.testing.assert_allclose(found["se"], np.sqrt([0.3, 0.04]), rtol=1e-15)
        np.testing.assert_array_equal(found["df"], [df, df])
        for key in ("fmi", "riv", "lambda"):
            np.testing.assert_array_equal(found[key], [0.0, 0.0])
        np.testing.assert_allclose(found["high"], [0.1 + quantile * 0.3**0.5, -2.0 + quantile * 0.2], rtol=1e-13)


def test_units_do_not_matter():
    rng = np.random.default_rng(3)
    q, u = rng.normal(size=(6, 3)), rng.uniform(0.1, 2, (6, 3))
    plain, scaled = pool_estimates(q, u, 50), pool_estimates(-1000 * q, 1e6 * u, 50)
    for key in ("df", "p", "fmi", "riv", "lambda"):
        np.testing.assert_allclose(scaled[key], plain[key], rtol=1e-10)
    np.testing.assert_allclose(scaled["low"], -1000 * plain["high"], rtol=1e-10)


def test_variance_is_right_where_the_truth_is_known():
    """A normal mean, half of the values missing at random and imputed properly: intervals cover, and lambda is the
    share missing."""
    rng = np.random.default_rng(1)
    n, missing, m, covered, lambdas = 60, 30, 20, [], []
    for _ in range(400):
        y = rng.normal(size=n - missing)
        sigma2 = (y.size - 1) * y.var(ddof=1) / rng.chisquare(y.size - 1, m)
        mu = y.mean() + np.sqrt(sigma2 / y.size) * rng.normal(size=m)
        drawn = mu[:, None] + np.sqrt(sigma2)[:, None] * rng.normal(size=(m, missing))
        filled = np.hstack([np.tile(y, (m, 1)), drawn])
        found = one(pool_estimates(filled.mean(axis=1)[:, None], filled.var(axis=1, ddof=1)[:, None] / n, n - 1))
        covered.append(found["low"] <= 0 <= found["high"])
        lambdas.append(found["lambda"])
    assert 0.92 < np.mean(covered) < 0.98
    assert np.mean(lambdas) == pytest.approx(0.5, abs=0.05)


def test_what_does_not_exist_is_nan():
    found = pool_estimates(
        [[1.0, np.nan, np.inf, 1.0], [2.0, 1.0, np.inf, 1.0]], [[1.0, 1.0, 1.0, np.nan], [1.0, 1.0, 1.0, 1.0]]
    )
    assert all(np.isfinite(found[key][0]) for key in KEYS)
    assert all(np.isnan(found[key][1]) and np.isnan(found[key][2]) for key in KEYS)
    assert found["estimate"][3] == 1 and all(np.isnan(found[key][3]) for key in KEYS[1:])
    certain = one(pool_estimates([[0.0], [0.0]], [[0.0], [0.0]]))
    assert (
        certain["se"] == 0 and certain["low"] == certain["high"] == 0 and np.isnan(certain["p"]) and certain["fmi"] == 0
    )
    # no variance within: all information is missing
    without_width = one(pool_estimates([[0.0], [1.0]], [[0.0], [0.0]]))
    assert without_width["lambda"] == without_width["fmi"] == 1 and without_width["riv"] == np.inf
    for shapes in (((2, 1), (1, 2)), ((0, 1), (0, 1)), ((3,), (3,))):
        with pytest.raises(DataError, match="matrices alike"):
            pool_estimates(*(np.zeros(s) for s in shapes))


def test_covariance_of_a_vector():
    rng = np.random.default_rng(2)
    q = rng.normal(size=(5, 3))
    u = np.array([np.cov(rng.normal(size=(3, 9))) for _ in range(5)])
    total = pool_covariance(q, u)
    np.testing.assert_allclose(
        np.sqrt(np.diag(total)), pool_estimates(q, u.diagonal(axis1=1, axis2=2))["se"], rtol=1e-13
    )
    turn = rng.normal(size=(3, 3))  # a linear map of the coefficients maps their covariance
    np.testing.assert_allclose(pool_covariance(q @ turn.T, turn @ u @ turn.T), turn @ total @ turn.T, rtol=1e-10)
    np.testing.assert_array_equal(pool_covariance(q, u.reshape(15, 3)), total)
    np.testing.assert_array_equal(pool_covariance(q[:1], u[:1]), u[0])


# -- areas under the ROC curve ---------------------------------------------------------------------------------


def test_auc_by_hand():
    a, v = np.array([0.7, 0.8]), np.array([0.002, 0.003])
    found = pool_auc(a, v)
    logit = one(pool_estimates(special.logit(a)[:, None], (v / (a * (1 - a)) ** 2)[:, None]))
    assert found["estimate"] == pytest.approx(special.expit(special.logit(a).mean()), rel=1e-14)
    assert found["low"] == pytest.approx(special.expit(logit["low"]), rel=1e-14)
    assert found["variance"] == pytest.approx(
        (logit["se"] * found["estimate"] * (1 - found["estimate"])) ** 2, rel=1e-13
    )
    assert (found["fmi"], found["scale"]) == (logit["fmi"], "logit")


def test_auc_of_one_data_set_is_its_own():
    found = pool_auc([0.7], [0.002])
    assert found["estimate"] == pytest.approx(0.7, rel=1e-15) and found["variance"] == pytest.approx(0.002, rel=1e-13)
    assert found["fmi"] == 0 and found["df"] == np.inf
    half = special.ndtri(0.975) * 0.002**0.5 / 0.21
    assert found["low"] == pytest.approx(special.expit(special.logit(0.7) - half), rel=1e-12)


def test_auc_turned_round():
    there, back = pool_auc([0.6, 0.9, 0.7], [0.01, 0.002, 0.004]), pool_auc([0.4, 0.1, 0.3], [0.01, 0.002, 0.004])
    assert back["estimate"] == pytest.approx(1 - there["estimate"], rel=1e-13)
    assert back["low"] == pytest.approx(1 - there["high"], rel=1e-12)
    assert back["variance"] == pytest.approx(there["variance"], rel=1e-12)


def test_auc_of_one_in_some_data_sets():
    found = pool_auc([1.0, 0.95, 0.98], [0.0, 0.0009, 0.0004])
    assert found["scale"] == "identity" and found["high"] == 1 and found["low"] < found["estimate"] < 1
    assert found["estimate"] == pytest.approx(0.97666666666666666, rel=1e-14)
    assert found["variance"] == pytest.approx(0.0013 / 3 + 4 / 3 * np.var([1.0, 0.95, 0.98], ddof=1), rel=1e-12)
    perfect = pool_auc([1.0, 1.0], [0.0, 0.0])  # DeLong's interval has no width there either
    assert perfect["estimate"] == perfect["low"] == perfect["high"] == 1 and perfect["variance"] == perfect["fmi"] == 0
    assert pool_auc([0.0, 0.1], [0.0, 0.01])["low"] == 0


def test_auc_without_variance_or_value():
    one_event = pool_auc([0.6, 0.8], [np.nan, np.nan])  # DeLong has no variance with one event
    assert 0.6 < one_event["estimate"] < 0.8 and np.isnan(one_event["low"]) and np.isnan(one_event["fmi"])
    assert np.isnan(pool_auc([np.nan, 0.8], [0.01, 0.01])["estimate"])


# -- nested models ---------------------------------------------------------------------------------------------


def test_d2_as_published():
    """The example of R's miceadds::micombine.chisquare: F(4, 482.06) = 4.438, p = 0.00157."""
    found = pool_likelihood_ratio([24.957, 18.051, 18.812, 17.362, 21.234, 18.615, 19.84], 4)
    assert (round(found["statistic"], 3), found["df1"], round(found["df2"], 2), round(found["p"], 5)) == (
        4.438,
        4,
        482.06,
        0.00157,
    )


def test_d2_edges():
    same = pool_likelihood_ratio([5.0, 5.0, 5.0], 2)
    assert (
        same["p"] == pytest.approx(stats.chi2.sf(5, 2), rel=1e-13)
        and same["df2"] == np.inf
        and same["statistic"] == 2.5
    )
    assert pool_likelihood_ratio([5.0], 2) == same
    torn = pool_likelihood_ratio([0.0, 30.0], 1)  # they differ more than chi-squares of one effect do
    assert torn["statistic"] < 0 and torn["p"] == 1
    for statistics, df in (([1.0, np.nan], 1), ([1.0, 2.0], 0), ([], 1), ([1.0, 2.0], np.nan)):
        found = pool_likelihood_ratio(statistics, df)
        assert np.isnan(found["p"]) and np.isnan(found["statistic"])


def test_d2_keeps_its_level_without_missing_information():
    rng = np.random.default_rng(4)
    p = [pool_likelihood_ratio(np.full(5, d) + 1e-9 * rng.random(5), 3)["p"] for d in rng.chisquare(3, 500)]
    assert stats.kstest(p, "uniform").pvalue > 0.01
