"""What the sizes of an external validation promise holds in drawn patients; limits of distances hold their shares."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from prldh.core.errors import DataError
from prldh.stats.domain_distance import domain_distances, held_out_distances
from prldh.stats.external_sample_sizes import external_sample_size
from prldh.stats.logistic import fit_logistic
from prldh.stats.roc import auc

NAN = float("nan")


def _draw(n, rng):
    eta = rng.normal(-0.8, 1.2, n)
    return eta, rng.random(n) < 1 / (1 + np.exp(-eta))


def test_standard_errors_are_as_promised_in_drawn_patients():
    """Where the model is right, the spread of 400 drawn validations of the size that a criterion asks for is the
    standard error that it was asked for."""
    rng = np.random.default_rng(0)
    eta, y = _draw(200_000, rng)
    f, c, cut = y.mean(), auc(y[:4000], eta[:4000])["estimate"], 0.3
    wanted = {"se_log_observed_expected": 0.1, "se_slope": 0.1, "se_auc": 0.03, "se_net_benefit": 0.06}
    sizes = external_sample_size(f, eta, c, cut, **wanted)
    found = {key: [] for key in ("n_observed_expected", "n_slope", "n_auc", "n_net_benefit")}
    odds, log_ratio = cut / (1 - cut), np.log(1 / (1 / (1 + np.exp(-eta))).mean())
    for _ in range(400):
        for key, own in found.items():
            eta, y = _draw(int(sizes[key]), rng)
            positive = 1 / (1 + np.exp(-eta)) > cut
            if key == "n_observed_expected":
                own.append(np.log(y.mean()) + log_ratio)
            elif key == "n_slope":
                own.append(fit_logistic(np.column_stack([np.ones(len(eta)), eta]), y)["coefficients"][1])
            elif key == "n_auc":
                own.append(auc(y, eta)["estimate"])
            else:
                benefit = (positive & y).mean() - (positive & ~y).mean() * odds
                own.append(benefit / y.mean())
    for (key, own), se in zip(found.items(), wanted.values(), strict=True):
        assert np.std(own) == pytest.approx(se, rel=0.12), key
    assert np.mean(found["n_net_benefit"]) == pytest.approx(sizes["net_benefit"], abs=0.02)


@pytest.mark.parametrize("f", [0.02, 0.5, 0.97])
def test_the_size_is_the_least(f):
    """One patient fewer, and the standard error of the c-statistic is larger than asked for."""
    n = external_sample_size(f, np.array([-1.0, 0, 1]), 0.8, NAN)["n_auc"]

    def variance(n):
        return 0.16 * (1 + (n / 2 - 1) * (0.2 / 1.2 + 0.8 / 1.8)) / (n**2 * f * (1 - f))

    assert variance(n) <= (0.1 / 3.92) ** 2 < variance(n - 1)


def test_what_is_not_defined_is_left_out():
    found = external_sample_size(0.3, np.full(5, 0.2), NAN, 1.5)
    assert all(np.isnan(found[k]) for k in ("n_slope", "n_auc", "n_net_benefit", "sensitivity", "net_benefit"))
    assert found["n"] == found["n_observed_expected"] == np.ceil(0.7 / 0.3 / 0.051**2)
    assert np.isnan(external_sample_size(0.3, np.array([-900.0, 900.0]), 0.7, 0.5)["n_slope"])
    for arguments in ((0.0, [0.1]), (1.0, [0.1]), (NAN, [0.1]), (0.5, []), (0.5, [NAN])):
        with pytest.raises(DataError):
            external_sample_size(arguments[0], np.array(arguments[1]), 0.7, 0.5)


def test_limits_hold_their_shares_however_few_trained():
    """Chi-squared's would not: of 30 patients and 8 features a sixth of the same population would lie beyond it."""
    rng, inside, by_chi = np.random.default_rng(1), [], []
    mixing = rng.normal(size=(8, 8)) * 10.0 ** rng.integers(-6, 6, 8)
    for _ in range(300):
        train, new = rng.normal(size=(30, 8)) @ mixing, rng.normal(size=(20, 8)) @ mixing
        found = domain_distances(new, train.mean(axis=0), np.cov(train.T), 30, np.array([0.975]))
        inside.append((found["squared"] <= found["limits"][0]).mean())
        by_chi.append((found["squared"] <= stats.chi2.ppf(0.975, 8)).mean())
    assert np.mean(inside) == pytest.approx(0.975, abs=0.008) and np.mean(by_chi) < 0.85


def test_what_has_no_distance_is_nan():
    rng = np.random.default_rng(2)
    doubled = rng.normal(size=(20, 1)) @ np.ones((1, 2))
    for values in (doubled, np.ones((20, 1)), rng.normal(size=(3, 3))):
        found = domain_distances(
            values, values.mean(axis=0), np.cov(values.T).reshape(2 * (values.shape[1],)), len(values), np.array([0.9])
        )
        assert np.isnan(found["squared"]).all() and np.isnan(found["limits"]).all()
        assert np.isnan(held_out_distances(values)).all()
    alone = np.array([[0.0, 0], [0, 0], [0, 0], [0, 1], [1, 0]])
    assert held_out_distances(alone)[3] == np.inf == held_out_distances(alone)[4]
