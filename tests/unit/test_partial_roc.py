"""Partial areas: definition, bootstrap, the restricted placement values, and the asymptotic test's error rate at the
study's size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special

from prldh.core.errors import DataError
from prldh.engines.python import PythonEngine
from prldh.stats.partial_roc import restricted_placements, stratified_rows
from prldh.stats.roc import roc_curve

engine = PythonEngine()
FOCUSES = ("sensitivity", "specificity")
RANGES = ((1, 0.8), (0.9, 0.6), (0.505, 0.5), (0, 1), (0.75, 0.25))
HALF, SCORE = np.repeat([0.0, 1.0], 3), np.arange(1.0, 7.0)


def study(seed: int, n_others: int = 131, n_events: int = 39, digits: int | None = None):
    """Two correlated scores of one binormal ROC curve (area 0.75): outcome (n,), scores (n,) and (n,)."""
    rng = np.random.default_rng(seed)
    outcome = np.repeat([0.0, 1.0], [n_others, n_events])
    both = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], outcome.size) + SHIFT * outcome[:, None]
    return (outcome, *(both if digits is None else np.round(both, digits)).T)


SHIFT = np.sqrt(2) * special.ndtri(0.75)


# -- the area --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [None, 0])
@pytest.mark.parametrize("focus", FOCUSES)
def test_area_is_the_integral_of_the_curve(focus, digits):
    outcome, score, _ = study(1, 40, 23, digits)
    curve = roc_curve(outcome, score)
    x, y = curve["sensitivities"][::-1], curve["specificities"][::-1]
    if focus == "specificity":
        x, y = curve["specificities"], curve["sensitivities"]
    for high, low in RANGES:
        high, low = max(high, low), min(high, low)
        # between neighbouring abscissas the curve is a line, so that the midpoint of each piece is exact
        ends = np.unique(np.clip(np.r_[x, high, low], low, high))
        middle = (ends[1:] + ends[:-1]) / 2
        place = np.searchsorted(x, middle)
        share = (middle - x[place - 1]) / (x[place] - x[place - 1])
        height = y[place - 1] + share * (y[place] - y[place - 1])
        found = engine.partial_auc(outcome, score, focus, high, low)["estimate"]
        np.testing.assert_allclose(found, (np.diff(ends) * height).sum(), rtol=1e-12)


def test_near_ties_are_no_ties():
    low = 1.0
    high = np.nextafter(low, 2.0)
    apart = engine.partial_auc([0, 1, 0, 1], [low, high, 0.0, 2.0], "sensitivity", 1, 0.8)
    tied = engine.partial_auc([0, 1, 0, 1], [low, low, 0.0, 2.0], "sensitivity", 1, 0.8)
    assert apart["corrected"] == 1.0
    # specificity rises from 0.5 by 1 - sensitivity: 0.5 * 0.2 + 0.2^2 / 2
    assert tied["estimate"] == pytest.approx(0.12)


# -- bootstrap -------------------------------------------------------------------------------------------------


def test_stratified_rows():
    outcome = np.array([0, 1, 0, 0, 1])
    rows = stratified_rows(outcome, 3000, np.random.default_rng(1))
    assert rows.shape == (3000, 5)
    assert rows.dtype == np.int32
    assert (outcome[rows] == outcome).all()
    shares = np.bincount(rows.ravel(), minlength=5) / 3000
    np.testing.assert_allclose(shares, 1.0, atol=0.08)  # each patient is drawn once a sample on average
    assert np.array_equal(rows, stratified_rows(outcome, 3000, np.random.default_rng(1)))
    assert (stratified_rows(np.ones(4), 10, np.random.default_rng(1)) < 4).all()
    assert stratified_rows(outcome, 0, np.random.default_rng(1)).shape == (0, 5)


@pytest.mark.parametrize("focus", FOCUSES)
def test_limits_are_percentiles_and_the_test_is_a_z_of_refigured_areas(focus):
    outcome, a, b = study(2, 40, 23, 1)
    rows = stratified_rows(outcome, 60, np.random.default_rng(3))
    for high, low in RANGES:
        each = [[engine.partial_auc(outcome[r], s[r], focus, high, low)["estimate"] for s in (a, b)] for r in rows]
        areas, others = np.array(each).T
        found = engine.partial_auc(outcome, a, focus, high, low, rows, 60, 0.8)
        np.testing.assert_allclose([found["low"], found["high"]], np.quantile(areas, [0.1, 0.9]), rtol=1e-12)
        assert found == engine.partial_auc(outcome, a, focus, low, high, rows.ravel(), 60, 0.8)
        test = engine.compare_partial_auc(outcome, a, b, focus, high, low, rows, 60, 0.8)
        spread = (areas - others).std(ddof=1)
        assert test["difference"] == pytest.approx(
            found["estimate"] - engine.partial_auc(outcome, b, focus, high, low)["estimate"]
        )
        assert test["statistic"] == pytest.approx(test["difference"] / spread, rel=1e-9)
        assert test["p"] == pytest.approx(2 * special.ndtr(-abs(test["statistic"])), rel=1e-9)
        assert test["high"] - test["low"] == pytest.approx(2 * special.ndtri(0.9) * spread, rel=1e-9)


def test_corrected_limits_are_the_limits_corrected():
    """As in pROC, a limit below the diagonal is below 0.5; an estimate there has no correction."""
    outcome, score, _ = study(4, 30, 20)
    rows = stratified_rows(outcome, 400, np.random.default_rng(5))
    found = engine.partial_auc(
        outcome, -0.2 * score + np.random.default_rng(6).normal(size=50), "specificity", 1, 0.8, rows, 400
    )
    corrected = {key: (1 + (found[key] - 0.02) / 0.18) / 2 for key in ("low", "high", "estimate")}
    assert corrected["low"] < 0.5 < corrected["high"]
    np.testing.assert_allclose([found["corrected_low"], found["corrected_high"]], [corrected["low"], corrected["high"]])
    assert np.isnan(found["corrected"]) == (corrected["estimate"] < 0.5)


def test_samples_without_both_classes_do_not_count():
    rows = np.array([[0, 0, 1, 2, 2, 1], [0, 1, 2, 3, 4, 5], [3, 4, 5, 3, 3, 3], [0, 0, 1, 3, 3, 5]])
    other = SCORE[[0, 3, 1, 2, 5, 4]]
    some = engine.compare_partial_auc(HALF, SCORE, other, "sensitivity", 1, 0.4, rows, 4)
    assert some == engine.compare_partial_auc(HALF, SCORE, other, "sensitivity", 1, 0.4, rows[[1, 3]], 2)
    assert np.isfinite(some["p"])
    none = engine.partial_auc(HALF, SCORE, "sensitivity", 1, 0.8, rows[[0, 2]], 2)
    assert np.isnan([none["low"], none["high"], none["corrected_low"]]).all()
    assert none["corrected"] == 1.0
    one = engine.compare_partial_auc(HALF, SCORE, -SCORE, "sensitivity", 1, 0.8, rows[:2], 2)
    assert one["difference"] == pytest.approx(0.2)
    assert np.isnan([one["statistic"], one["p"], one["low"]]).all()


# -- placement values restricted to the range ------------------------------------------------------------------


@pytest.mark.parametrize("focus", FOCUSES)
def test_placement_values_are_the_influence_functions(focus):
    """Clipped at the range for the one class, at the curve's ordinates at its ends for the other; without ties, to
    order 1/n."""
    outcome, score, _ = study(7, 1300, 700)
    of_events, of_others = restricted_placements(outcome == 1, score, focus, 0.9, 0.6)
    if focus == "sensitivity":
        outcome, score, of_events, of_others = 1 - outcome, -score, of_others, of_events
    events, others = score[outcome == 1], score[outcome == 0]
    above_event = (others > events[:, None]).mean(axis=1)
    np.testing.assert_allclose(of_events, 0.4 - np.clip(above_event, 0.1, 0.4), atol=1e-10)
    ordinates = [(events > np.quantile(others, 1 - u)).mean() for u in (0.1, 0.4)]
    clipped = np.clip((events > others[:, None]).mean(axis=1), *ordinates)
    np.testing.assert_allclose(of_others - of_others.mean(), clipped - clipped.mean(), atol=0.01)
    assert np.unique(clipped).size > 100


def test_the_end_of_the_range_is_estimated_and_counts():
    """The variance is that of the areas of many studies; with the quantile taken as known it would be far from it."""
    outcome = study(0, 60, 60)[0]
    found = [study(seed, 60, 60)[1] for seed in range(1500)]
    areas = [engine.partial_auc(outcome, score, "specificity", 1, 0.8) for score in found]
    true = np.var([a["estimate"] for a in areas])
    assert np.mean([a["variance"] for a in areas]) / true == pytest.approx(1, abs=0.12)

    def as_if_known(score):
        events, others = score[outcome == 1], score[outcome == 0]
        cut = others > np.quantile(others, 0.8)
        values = np.where(cut, (events > others[:, None]).mean(axis=1), 0.0)
        return (
            values.var(ddof=1) / 60 + (0.2 - np.minimum((others > events[:, None]).mean(axis=1), 0.2)).var(ddof=1) / 60
        )

    assert np.mean([as_if_known(score) for score in found]) / true > 1.3


# -- the asymptotic test ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated() -> dict[str, np.ndarray]:
    """2,000 studies of 170 patients, 39 with events, whose two scores (correlation 0.5) have the same true curve."""
    found: dict[str, list] = {f"{what} {focus}": [] for what in ("p", "covered") for focus in FOCUSES}
    # the same for both: binormal, equal variances
    true = integrate.quad(lambda u: special.ndtr(SHIFT + special.ndtri(u)), 0, 0.2)[0]
    for seed in range(2000):
        outcome, a, b = study(seed)
        for focus in FOCUSES:
            found[f"p {focus}"].append(engine.compare_partial_auc_asymptotic(outcome, a, b, focus, 1, 0.8)["p"])
            area = engine.partial_auc(outcome, a, focus, 1, 0.8)
            found[f"covered {focus}"].append(
                abs(area["estimate"] - true) < special.ndtri(0.975) * np.sqrt(area["variance"])
            )
    return {key: np.array(values) for key, values in found.items()}


@pytest.mark.ci
@pytest.mark.parametrize("focus", FOCUSES)
def test_type_one_error_is_five_percent(simulated, focus):
    """Within 1.5 percentage points, three standard errors of 2,000 studies; a tenth likewise, and no p at the ends."""
    p = simulated[f"p {focus}"]
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.015)
    assert (p < 0.10).mean() == pytest.approx(0.10, abs=0.02)
    assert ((p > 0) & (p <= 1)).all()


@pytest.mark.parametrize(("focus", "low", "high"), [("specificity", 0.92, 0.965), ("sensitivity", 0.89, 0.94)])
def test_coverage_of_a_single_area(simulated, focus, low, high):
    """Nominally 0.95. Eight events lie above a sensitivity of 0.8: the interval is too short there, as pROC's
    percentiles are (0.90)."""
    assert low < simulated[f"covered {focus}"].mean() < high


def test_a_true_difference_is_found():
    rng = np.random.default_rng(8)
    outcome = np.repeat([0.0, 1.0], 100)
    a, b = rng.normal(size=200) + 2.5 * outcome, rng.normal(size=200) + 0.3 * outcome
    rows = stratified_rows(outcome, 2000, rng)
    for focus in FOCUSES:
        asymptotic = engine.compare_partial_auc_asymptotic(outcome, a, b, focus, 1, 0.8)
        resampled = engine.compare_partial_auc(outcome, a, b, focus, 1, 0.8, rows, 2000)
        assert asymptotic["difference"] == resampled["difference"] > 0.05
        assert asymptotic["p"] < 1e-4
        assert asymptotic["statistic"] == pytest.approx(resampled["statistic"], rel=0.1)
        assert asymptotic["low"] < resampled["low"] * 1.1
        assert 10 < asymptotic["df"] < 200


# -- at the edge -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("focus", FOCUSES)
def test_perfect_constant_and_reversed_scores(focus):
    rows = stratified_rows(HALF, 50, np.random.default_rng(9))
    perfect = engine.partial_auc(HALF, SCORE, focus, 1, 0.8, rows, 50)
    assert [perfect[key] for key in ("corrected", "corrected_low", "corrected_high", "variance")] == [
        1.0,
        1.0,
        1.0,
        0.0,
    ]
    constant = engine.partial_auc(HALF, np.ones(6), focus, 0.9, 0.6, rows, 50)
    assert [constant[key] for key in ("estimate", "corrected", "low", "variance")] == pytest.approx(
        [0.075, 0.5, 0.075, 0.0], abs=1e-15
    )
    reversed_ = engine.partial_auc(HALF, -SCORE, focus, 1, 0.8, rows, 50)
    assert reversed_["estimate"] == pytest.approx(0.0, abs=1e-15)
    assert np.isnan(reversed_["corrected"])
    tests = (
        lambda a, b: engine.compare_partial_auc(HALF, a, b, focus, 1, 0.8, rows, 50),
        lambda a, b: engine.compare_partial_auc_asymptotic(HALF, a, b, focus, 1, 0.8),
    )
    for test in tests:
        same = test(SCORE, np.array([1.0, 2.0, 2.0, 9.0, 9.0, 8.0]))  # perfect too, ranked otherwise
        assert [same[key] for key in ("difference", "low", "high", "statistic", "p")] == [0.0, 0.0, 0.0, 0.0, 1.0]
        apart = test(SCORE, -SCORE)
        assert (apart["difference"], apart["statistic"], apart["p"]) == (pytest.approx(0.2), np.inf, 0.0)


def test_three_patients():
    rows = np.array([[0, 1, 2], [1, 1, 2], [0, 0, 2]])
    for focus in FOCUSES:
        area = engine.partial_auc([0, 0, 1], [1.0, 2.0, 1.5], focus, 1, 0, rows, 3)
        assert (area["estimate"], area["low"], area["high"]) == (0.5, pytest.approx(0.025), pytest.approx(0.975))
        assert np.isnan(area["variance"])
        test = engine.compare_partial_auc_asymptotic([0, 0, 1], [1.0, 2.0, 1.5], [3.0, 2.0, 1.0], focus, 1, 0)
        assert test.pop("difference") == 0.5
        assert np.isnan(list(test.values())).all()
        assert np.isfinite(
            engine.compare_partial_auc([0, 0, 1], [1.0, 2.0, 1.5], [3.0, 2.0, 1.0], focus, 1, 0, rows, 3)["p"]
        )


def test_what_is_wrong_is_said():
    with pytest.raises(DataError, match="focus"):
        engine.compare_partial_auc_asymptotic(HALF, SCORE, SCORE, "accuracy", 1, 0.8)
    with pytest.raises(DataError, match="two different ends"):
        engine.compare_partial_auc(HALF, SCORE, SCORE, "sensitivity", 1.1, 0.8, (), 0)
    with pytest.raises(DataError, match="found 7 numbers"):
        engine.partial_auc(HALF, SCORE, "sensitivity", 1, 0.8, np.arange(7), 1)
    with pytest.raises(DataError, match=r"0\.\.5"):
        engine.compare_partial_auc(HALF, SCORE, SCORE, "sensitivity", 1, 0.8, np.arange(1, 7), 1)
