"""Nadeau and Bengio's corrected interval, against its formula written out and against hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from prldh.stats import corrected_resampled


def test_it_is_the_formula_of_the_paper():
    values = np.random.default_rng(3).normal(0.02, 0.05, 40)
    answer = corrected_resampled(values, 1 / 9, 0.9)
    variance = (1 / 40 + 1 / 9) * values.var(ddof=1)
    low, high = stats.t.interval(0.9, 39, loc=values.mean(), scale=np.sqrt(variance))
    assert answer == pytest.approx({"estimate": values.mean(), "low": low, "high": high, "se": np.sqrt(variance)})


def test_it_is_wider_than_one_that_takes_resamples_for_independent():
    values = np.random.default_rng(4).normal(size=100)
    answer = corrected_resampled(values, 1 / 9)
    naive = stats.t.interval(0.95, 99, loc=values.mean(), scale=values.std(ddof=1) / 10)
    assert answer["high"] - answer["low"] > 3 * (naive[1] - naive[0])


@pytest.mark.parametrize("values", [[], [0.1], [0.2, 0.2, 0.2], [0.3, 0.3 + 1e-15]])
def test_without_spread_there_is_no_interval(values):
    answer = corrected_resampled(np.array(values), 0.25)
    assert np.isnan([answer["low"], answer["high"], answer["se"]]).all()
    if values:
        assert answer["estimate"] == pytest.approx(values[0])


def test_the_order_of_resamples_does_not_matter():
    values = np.random.default_rng(5).normal(size=20)
    assert corrected_resampled(values, 0.1) == pytest.approx(corrected_resampled(values[::-1], 0.1))
