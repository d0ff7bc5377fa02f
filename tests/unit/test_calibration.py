"""Calibration: the Brier score's parts, the curve's band, and inputs at the edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prldh.core.errors import DataError
from prldh.engines.python import PythonEngine
from prldh.models.performance import histogram
from prldh.stats.bands import percentile_band, times_drawn
from prldh.stats.brier import brier_decomposition
from prldh.stats.lowess import lowess, refit_lowess

engine = PythonEngine()
PARTS = ("miscalibration", "discrimination", "uncertainty")
HALF = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])


def study(seed: int, n: int = 60, digits: int = 8):
    rng = np.random.default_rng(seed)
    outcome = (rng.random(n) < 0.4).astype(float)
    return outcome, np.round(1 / (1 + np.exp(-(outcome - 0.7 + rng.normal(size=n)))), digits), rng


# -- the Brier score's parts -----------------------------------------------------------------------------------


def test_decomposition_by_hand():
    """Recalibrated: 0, 1/2, 1/2, 1. Brier 0.185 = 0.06 - 0.125 + 0.25."""
    parts = brier_decomposition([0, 1, 0, 1], [0.1, 0.4, 0.6, 0.9])
    assert [parts[key] for key in PARTS] == pytest.approx([0.06, 0.125, 0.25])


def test_equal_predictions_are_pooled_whatever_their_order():
    """Shares 1/3 at 0.2 and 1/2 at 0.6. Apart, (0, 0, 1) and (0, 1) would be recalibrated without error."""
    probability = [0.2, 0.2, 0.2, 0.6, 0.6]
    for outcome in ([0, 0, 1, 0, 1], [1, 0, 0, 1, 0]):
        parts = brier_decomposition(outcome, probability)
        shares = np.array([1 / 3] * 3 + [1 / 2] * 2)
        assert parts["discrimination"] == pytest.approx(np.mean((shares - 0.4) ** 2))
        assert parts["miscalibration"] == pytest.approx(np.mean((shares - probability) ** 2))


probabilities = st.lists(st.tuples(st.booleans(), st.integers(0, 20).map(lambda k: k / 20)), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(probabilities)
def test_parts_add_up_and_are_not_negative(pairs):
    outcome, probability = (np.array(column, float) for column in zip(*pairs, strict=True))
    found = engine.calibration(outcome, probability)
    assert found["brier"] == pytest.approx(
        found["miscalibration"] - found["discrimination"] + found["uncertainty"], abs=1e-14
    )
    assert min(found[key] for key in PARTS) >= 0.0
    squared = engine.calibration(outcome, probability**2)
    assert squared["discrimination"] == pytest.approx(found["discrimination"], abs=1e-14), "it knows the order alone"


def test_recalibrated_predictions_have_no_miscalibration():
    outcome, probability, _ = study(1, 200, 1)
    shares = np.array([outcome[probability == p].mean() for p in probability])
    assert engine.calibration(outcome, shares)["miscalibration"] == pytest.approx(0.0, abs=1e-14)


# -- the band --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [8, 1])
def test_band_is_of_refitted_curves(digits):
    outcome, probability, rng = study(2, digits=digits)
    rows = rng.integers(0, 60, (40, 60))
    found = engine.calibration(outcome, probability, rows, 40, 0.8)
    at = found["curve_predicted"]
    each = np.full((40, len(at)), np.nan)
    for i, drawn in enumerate(rows):
        x, y = lowess(probability[drawn], outcome[drawn])
        distinct, first = np.unique(x, return_index=True)
        each[i] = np.interp(at, distinct, y[first], left=np.nan, right=np.nan)
    for j, values in enumerate(each.T):
        values = values[~np.isnan(values)]
        expected = np.quantile(values, [0.1, 0.9]) if len(values) >= 20 else [np.nan, np.nan]
        np.testing.assert_allclose([found["curve_low"][j], found["curve_high"][j]], expected, atol=1e-12)
    assert np.isfinite(found["curve_low"]).sum() > 0.8 * len(at)
    flat = engine.calibration(outcome, probability, rows.ravel(), 40, 0.8)
    assert np.array_equal(flat["curve_low"], found["curve_low"], equal_nan=True)


def test_resamples_change_nothing_but_the_band():
    outcome, probability, rng = study(3)
    alone, with_band = (
        engine.calibration(outcome, probability),
        engine.calibration(outcome, probability, rng.integers(0, 60, (9, 60)), 9),
    )
    assert list(alone) == list(with_band)
    assert np.isnan(alone["curve_low"]).all() and np.isnan(alone["curve_high"]).all()
    assert alone["curve_low"].shape == alone["curve_predicted"].shape
    for key in set(alone) - {"curve_low", "curve_high"}:
        assert np.array_equal(alone[key], with_band[key]), key


def test_samples_that_are_the_cohort_have_no_width():
    outcome, probability, _ = study(4)
    found = engine.calibration(outcome, probability, np.tile(np.arange(60), 3), 3)
    for key in ("curve_low", "curve_high"):
        np.testing.assert_allclose(found[key], found["curve_observed"], atol=1e-12)


def test_where_fewer_than_half_reach_there_is_no_band():
    outcome, probability = np.tile([0.0, 1.0], 5), np.arange(1, 11) / 11
    everyone, inner, one = np.arange(10), np.clip(np.arange(10), 1, 8), np.full(10, 3)
    found = engine.calibration(outcome, probability, [everyone, everyone, inner, inner], 4)
    assert np.isfinite(found["curve_low"]).all(), "half of them reach the ends"
    found = engine.calibration(outcome, probability, [everyone, inner, inner, inner], 4)
    assert np.isnan(found["curve_low"]).tolist() == [True] + [False] * 8 + [True]
    found = engine.calibration(outcome, probability, [everyone, one, one], 3)
    assert np.isnan(found["curve_low"]).all(), "a sample with a single prediction has no curve"


def test_few_predictions_have_exact_limits():
    outcome = np.array([0, 1, 1, 0, 0, 0, 1.0])
    probability = np.array([0.2, 0.2, 0.2, 0.7, 0.7, 0.9, 0.9])
    found = engine.calibration(outcome, probability, level=0.9)
    assert found["method"] == "groups"
    np.testing.assert_allclose(found["curve_observed"], [2 / 3, 0.0, 0.5])
    for j, (events, n) in enumerate([(2, 3), (0, 2), (1, 2)]):
        limits = engine.proportion(events, n, 0.9)
        assert (found["curve_low"][j], found["curve_high"][j]) == (limits["low"], limits["high"])


def test_rows_that_do_not_fit_are_refused():
    outcome, probability, _ = study(5)
    for p in (probability, np.full(60, 0.4)):
        with pytest.raises(DataError, match="2 resamples of 60 rows"):
            engine.calibration(outcome, p, np.arange(60), 2)
        with pytest.raises(DataError, match=r"0\.\.59"):
            engine.calibration(outcome, p, np.arange(1, 61), 1)


def test_refitted_lowess_reads_ties_and_ends():
    x, y = np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0])
    curves = refit_lowess(
        x, y, np.array([[1, 1, 1, 1], [0, 2, 2, 0], [0, 2, 1, 1]]), np.array([-0.1, 0.0, 1.0, 1.5, 2.0, 2.1])
    )
    assert np.isnan(curves[0]).tolist() == [True, False, False, False, False, True]
    assert np.isnan(curves[1]).all()
    assert np.isnan(curves[2]).tolist() == [True, True, False, False, False, True]
    assert curves[0, 3] == pytest.approx((curves[0, 2] + curves[0, 4]) / 2)


def test_percentiles_skip_what_is_not_defined():
    low, high = percentile_band(
        np.array([[1.0, np.nan, 5.0], [3.0, np.nan, np.nan], [2.0, np.nan, np.nan]]), 0.5, fewest=2
    )
    np.testing.assert_array_equal(low, [1.5, np.nan, np.nan])
    np.testing.assert_array_equal(high, [2.5, np.nan, np.nan])
    assert np.array_equal(times_drawn(np.array([2, 2, 0, 1, 1, 1]), 2, 3), [[1, 0, 2], [0, 3, 0]])


# -- inputs at the edge ----------------------------------------------------------------------------------------


def test_predictions_that_separate_the_classes_have_no_slope():
    """The likelihood grows without bound; a fit's last step would be a number of no meaning. AUC 1, or 1 but for
    ties."""
    for probability in ([0.1, 0.2, 0.3, 0.6, 0.7, 0.8], [0.1, 0.2, 0.5, 0.5, 0.7, 0.8], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]):
        found = engine.calibration(HALF, probability)
        assert np.isnan(found["intercept"]) and found["slope"] == np.inf and np.isfinite(found["citl"])
        reversed_ = engine.calibration(1 - HALF, probability)
        assert np.isnan(reversed_["intercept"]) and reversed_["slope"] == -np.inf
    perfect = engine.calibration(HALF, HALF)
    assert (perfect["brier"], perfect["miscalibration"], perfect["discrimination"], perfect["scaled_brier"]) == (
        0.0,
        0.0,
        0.25,
        1.0,
    )


def test_three_patients():
    found = engine.calibration([0, 1, 0], [0.2, 0.4, 0.5], [0, 1, 2, 0, 0, 0], 2)
    assert found["method"] == "groups" and found["curve_observed"].tolist() == [0.0, 1.0, 0.0]
    assert np.isfinite([found[key] for key in ("intercept", "slope", "citl", "brier", *PARTS)]).all()
    assert found["discrimination"] == pytest.approx(2 / 9 - 1 / 6)


@pytest.mark.parametrize("event", [0.0, 1.0])
def test_one_class(event):
    outcome, (_, probability, rng) = np.full(60, event), study(6)
    found = engine.calibration(outcome, probability, rng.integers(0, 60, (10, 60)), 10)
    assert all(np.isnan(found[key]) for key in ("intercept", "slope", "citl", "scaled_brier"))
    assert (found["discrimination"], found["uncertainty"]) == (0.0, 0.0)
    assert found["miscalibration"] == pytest.approx(found["brier"])
    np.testing.assert_allclose(found["curve_low"][5:-5], event, atol=1e-12)


def test_equal_predictions():
    found = engine.calibration(HALF, np.full(6, 0.3))
    assert found["discrimination"] == pytest.approx(0.0, abs=1e-30)
    assert found["miscalibration"] == pytest.approx(0.04)
    assert np.isnan(found["slope"])


def test_nobody():
    found = engine.calibration([], [])
    assert all(np.isnan(found[key]) for key in ("brier", *PARTS)) and found["curve_low"].size == 0


# -- how predictions are distributed ---------------------------------------------------------------------------


def test_every_prediction_is_counted_once_at_the_edges_too():
    p = np.array([0.0, 0.05, 0.049999, 0.15, 0.35, 0.95, 1.0, 1.0])
    y = np.array([0, 0, 1, 1, 0, 1, 1, 0])
    bins = histogram(y, p)
    assert len(bins) == 20 and (bins[0].low, bins[-1].high) == (0.0, 1.0)
    counted = {round(b.low, 2): (b.nonevent, b.event) for b in bins if b.nonevent + b.event}
    assert counted == {0.0: (1, 1), 0.05: (1, 0), 0.15: (0, 1), 0.35: (1, 0), 0.95: (1, 2)}
