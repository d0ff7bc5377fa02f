"""Random-effects pooling beside metafor's ``rma(test = "knha")``, and where there is nothing to pool."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from prldh.core import DataError
from prldh.engines.python import PythonEngine
from prldh.stats.meta_analysis import KEYS, LEAST_FOR_PREDICTION, pool_random_effects

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden_meta_analysis.json").read_text())
COHORTS = [name for name, facts in GOLDEN.items() if isinstance(facts, dict)]


@pytest.fixture(params=["python", pytest.param("r", marks=pytest.mark.r)])
def pool(request):
    if request.param == "python":
        return PythonEngine().pool_random_effects
    from prldh.engines.r import REngine

    return REngine().pool_random_effects


@pytest.mark.parametrize("name", COHORTS)
def test_as_metafor(pool, name):
    facts = GOLDEN[name]
    found = pool(facts["yi"], facts["vi"])
    few = len(facts["yi"]) < LEAST_FOR_PREDICTION
    for key in KEYS:
        if key == "df":
            assert found[key] == len(facts["yi"]) - 1
        elif few and key.startswith("prediction"):
            assert np.isnan(found[key])
        else:
            assert found[key] == pytest.approx(facts[key], rel=1e-7, abs=1e-9), key
    assert bool(found["reason"]) == few
    assert found["tau2"] == pytest.approx(facts["tau2_at_default"], abs=1e-4)  # where metafor stops by default


def test_what_does_not_exist_has_a_reason(pool):
    def left(found):
        return {key for key in KEYS if not np.isnan(found[key])}

    heterogeneity = {"df", "tau2", "i2", "q", "q_p"}
    assert left(pool([], [])) == set()
    one = pool([0.7], [0.1])
    assert left(one) == {"estimate"} and one["estimate"] == 0.7 and "one estimate" in one["reason"]
    for y, v in (([0.7, 0.9, 1.0], [0.1, 0.0, 0.1]), ([0.7, np.nan], [0.1, 0.1]), ([0.7, 1.0], [0.1, np.inf])):
        found = pool(y, v)
        assert left(found) == set() and "weight" in found["reason"]
    equal = pool([0.7, 0.7, 0.7 + 1e-16], [0.1, 0.2, 0.3])
    assert left(equal) == heterogeneity | {"estimate"} and "equal" in equal["reason"]
    assert equal["tau2"] == 0 and equal["estimate"] == pytest.approx(0.7, rel=1e-15)
    two = pool([0.7, 0.9], [0.1, 0.2])
    assert left(two) == set(KEYS) - {"prediction_low", "prediction_high"} and "three" in two["reason"]


def test_engines_agree_on_random_cohorts(pool):
    rng = np.random.default_rng(3)
    for k in (2, 3, 5, 12, 40):
        for spread in (0.0, 0.3, 3.0):
            v = rng.gamma(1.0, 0.2, k) + 1e-4
            y = 0.5 + spread * rng.normal(size=k) + np.sqrt(v) * rng.normal(size=k)
            here, there = pool_random_effects(y, v, 0.9), pool(y, v, 0.9)
            assert list(here) == list(there)
            for key in KEYS:
                np.testing.assert_allclose(there[key], here[key], rtol=1e-9, atol=1e-12, err_msg=key)


def test_order_and_unit_do_not_matter():
    y, v = np.array(GOLDEN["bcg"]["yi"]), np.array(GOLDEN["bcg"]["vi"])
    here, turned = pool_random_effects(y, v), pool_random_effects(-1000 * y[::-1], 1e6 * v[::-1])
    assert turned["tau2"] == pytest.approx(1e6 * here["tau2"], rel=1e-10)
    assert turned["low"] == pytest.approx(-1000 * here["high"], rel=1e-10)
    for key in ("i2", "q", "q_p", "factor"):
        assert turned[key] == pytest.approx(here[key], rel=1e-9)


def test_tau2_is_where_the_restricted_likelihood_is_largest():
    """Against a fine grid, with variances so uneven that the likelihood may have several maxima."""

    def likelihood(tau2, y, v):
        w = 1 / (v + tau2)
        m = (w * y).sum() / w.sum()
        return -0.5 * (np.log(v + tau2).sum() + np.log(w.sum()) + (w * (y - m) ** 2).sum())

    rng = np.random.default_rng(8)
    for _ in range(20):
        k = int(rng.integers(2, 7))
        v = 10.0 ** rng.uniform(-4, 1, k)
        y = rng.normal(size=k) * 10.0 ** rng.uniform(-1, 0.5)
        best = max(likelihood(t, y, v) for t in np.concatenate([[0], np.geomspace(1e-7, 100, 400)]))
        found = pool_random_effects(y, v)["tau2"]
        assert likelihood(found, y, v) >= best - 1e-9


def test_coverage_of_the_true_mean():
    """800 analyses of 6 centres whose true values differ (docs/intervals.md has more of them)."""
    rng = np.random.default_rng(21)
    held, predicted, n = 0, 0, 800
    for _ in range(n):
        v = rng.uniform(0.03, 0.3, 6)
        found = pool_random_effects(1 + 0.6 * rng.normal(size=6) + np.sqrt(v) * rng.normal(size=6), v)
        held += found["low"] <= 1 <= found["high"]
        predicted += found["prediction_low"] <= 1 + 0.6 * rng.normal() <= found["prediction_high"]
    assert 0.925 <= held / n <= 0.975 and predicted / n >= 0.84


def test_bad_input():
    with pytest.raises(DataError, match="as long as each other"):
        pool_random_effects([1.0, 2.0], [0.1])
    with pytest.raises(DataError, match="must not be negative: found -0.1"):
        pool_random_effects([1.0, 2.0], [0.1, -0.1])
