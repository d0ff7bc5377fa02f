"""The two-stage bootstrap of corrected AUCs and Brier scores: the samples, and the interval made of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from prldh.stats import ESTIMATES, correct_optimism, two_stage_bootstrap, two_stage_interval
from prldh.stats.logistic import linear_predictor, refit_logistic
from prldh.stats.optimism import bootstrap_measures
from prldh.stats.ranking import ranked_each
from prldh.stats.two_stage import _measure
from prldh.validation.two_stage import NOT_HELD, TwoStage


def patients(n, n_events, p, shift, seed=1):
    rng = np.random.default_rng(seed)
    outcome = rng.permutation(np.arange(n) < n_events).astype(float)
    return np.column_stack([np.ones(n), rng.normal(size=(n, p)) + shift * outcome[:, None]]), outcome


def one_sample_plainly(design, outcome, drawn, positions):
    """The whole estimator on the patients of an outer sample, as the validation of a run computes it."""
    n, m = len(outcome), len(positions)
    x, y = design[drawn], outcome[drawn]
    everyone = linear_predictor(design, refit_logistic(design, outcome, drawn, np.array([n]))["coefficients"][0])
    b = refit_logistic(x, y, positions.ravel(), np.full(m, n))["coefficients"]
    etas = np.array([linear_predictor(x, row) for row in b])  # 0 for a sample of one class, which does not count
    in_sample = np.concatenate([eta[rows] for eta, rows in zip(etas, positions, strict=True)])
    inner = bootstrap_measures(y, etas, in_sample, positions.ravel(), np.full(m, n))
    outer = bootstrap_measures(outcome, everyone[None], everyone[drawn], drawn, np.array([n]))
    p, share = expit(everyone[drawn]), y.mean()
    nothing = {"auc": 0.5, "brier": share * np.mean((1 - p) ** 2) + (1 - share) * np.mean(p**2)}
    known = np.isfinite(inner["auc_boot"])
    found = {}
    for measure in ("auc", "brier"):
        parts = [np.where(known, inner[f"{measure}_{where}"], np.nan) for where in ("boot", "original", "oob")]
        corrected = correct_optimism(
            outer[f"{measure}_boot"][0], *parts, nothing[measure], 0.95, better_is_high=measure == "auc"
        )
        found |= {f"{measure}_{key}": corrected[key] for key in ESTIMATES}
    return found


CASES = {
    "plain": patients(60, 20, 3, 0.7),
    "separated in many samples": patients(40, 12, 3, 2.0),
    "a rare level": patients(50, 20, 2, 0.5),
    "copied and constant columns": patients(50, 20, 2, 0.5),
    "one class in some samples": patients(12, 2, 1, 0.5),
    "intercept alone": patients(40, 15, 0, 0.0),
    "an outlying value": patients(60, 20, 2, 0.7),
}
CASES["a rare level"][0][:, 2] = np.arange(50) < 2
CASES["copied and constant columns"] = (
    np.column_stack(
        [CASES["copied and constant columns"][0], CASES["plain"][0][:50, 0] * 3, CASES["plain"][0][:50, 1]]
    ),
    CASES["copied and constant columns"][1],
)
CASES["copied and constant columns"][0][:, 2] = CASES["copied and constant columns"][0][:, 1]
CASES["an outlying value"][0][0, 1] = 1e6


@pytest.mark.parametrize("case", CASES)
def test_samples_are_those_of_a_plain_loop(case):
    design, outcome = CASES[case]
    n, n_outer, n_inner = len(outcome), 8, 5
    found = two_stage_bootstrap(design, outcome, n_outer, n_inner, np.random.default_rng(7))
    rng = np.random.default_rng(7)
    for r in range(n_outer):
        drawn, positions = rng.integers(0, n, n), rng.integers(0, n, (n_inner, n))
        if outcome[drawn].min() == outcome[drawn].max():
            assert all(np.isnan(values[r]) for values in found.values())
            continue
        for key, value in one_sample_plainly(design, outcome, drawn, positions).items():
            assert found[key][r] == pytest.approx(np.nan if value is None else value, abs=1e-7, nan_ok=True), (r, key)


def test_units_of_columns_do_not_matter():
    design, outcome = CASES["plain"]
    first = two_stage_bootstrap(design, outcome, 10, 5, np.random.default_rng(1))
    again = two_stage_bootstrap(design * [1, 1e4, 1e-4, 1] + [0, 7e4, 0, 3], outcome, 10, 5, np.random.default_rng(1))
    for key, values in first.items():
        assert again[key] == pytest.approx(values, abs=1e-7), key


def test_log_odds_that_differ_by_rounding_are_tied():
    """Two groups have the event alone: glm.fit leaves both near 19.6, at numbers that differ by its rounding."""
    y = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    eta = np.array([19.5660685111, 19.5660685168, 19.6, -1.0, 0.3])
    rows, times = np.arange(5), np.array([1.0, 2.0, 1.0, 1.0, 3.0])
    ranked, measured = ranked_each(eta), np.empty(2)
    _measure(y, eta, ranked, rows[np.argsort(ranked)], times, measured)
    again = np.repeat(rows, times.astype(int))
    plain = bootstrap_measures(y, eta[None], eta[again], again, np.array([8]))
    assert measured[0] == pytest.approx((0.5 * 2 + 1 + 3 + 3 * 1) / (5 * 3), rel=1e-12)
    assert measured == pytest.approx([plain["auc_boot"][0], plain["brier_boot"][0]], rel=1e-12)


def test_interval_is_of_the_angle_with_students_t():
    resampled = np.random.default_rng(3).uniform(0.6, 0.9, 200)
    found = two_stage_interval(0.75, resampled, 20, 0.95)
    spread = np.std(np.arcsin(np.sqrt(resampled)), ddof=1) * np.sqrt(20 / 19)
    away = 2.0930240544082634 * spread  # R: qt(0.975, 19)
    expected = [np.sin(np.arcsin(np.sqrt(0.75)) + side * away) ** 2 for side in (-1, 1)]
    assert [found["low"], found["high"]] == pytest.approx(expected)
    assert two_stage_interval(0.75, resampled, 20, 0.9)["low"] > found["low"]
    assert two_stage_interval(0.75, resampled, 200)["low"] > found["low"]


@pytest.mark.parametrize("estimate", [1e-6, 0.3, 0.97, 1 - 1e-6])
def test_interval_lies_within_0_and_1_and_holds_its_estimate(estimate):
    resampled = np.append(np.random.default_rng(3).uniform(0.5, 1.1, 50), [np.nan, -0.1])
    found = two_stage_interval(estimate, resampled, 20)
    assert 0 <= found["low"] < estimate < found["high"] <= 1


@pytest.mark.parametrize("estimate", [0.0, 1.0, 1.01, -0.1, np.nan])
def test_no_interval_of_an_estimate_that_is_no_share(estimate):
    found = two_stage_interval(estimate, np.random.default_rng(3).uniform(0.6, 0.9, 50), 20)
    assert np.isnan(list(found.values())).all()


@pytest.mark.parametrize("resampled", [np.full(50, 0.8), np.full(50, 1.0), np.full(50, np.nan), np.array([0.8])])
def test_no_interval_without_width(resampled):
    assert np.isnan(two_stage_interval(0.8, resampled, 20)["low"])


def test_no_interval_with_one_patient_of_a_class():
    assert np.isnan(two_stage_interval(0.8, np.array([0.7, 0.8]), 1)["low"])


def limits(n_rarer, samples, estimate=0.8, reason=""):
    names = [f"{measure}_{key}" for measure in ("auc", "brier") for key in ESTIMATES]
    stage = TwoStage(reason, n_rarer, {} if reason else dict.fromkeys(names, samples))
    return {measure: stage.limits(measure, dict.fromkeys(ESTIMATES, estimate), 0.95) for measure in ("auc", "brier")}


SPREAD = np.random.default_rng(2).uniform(0.7, 0.9, 60)


def test_every_estimate_has_limits_or_a_reason():
    for measure, found in limits(30, SPREAD).items():
        for key in ESTIMATES:
            low = found["low" if key == "estimate" else f"{key}_low"]
            assert (low is None) == (f"{measure}_{key}" in NOT_HELD)
            if low is None:
                assert f"held in a share of {NOT_HELD[f'{measure}_{key}']}" in found["reason"]


def test_a_corrected_auc_near_chance_has_no_interval():
    assert limits(30, SPREAD, 0.6)["auc"]["low"] is not None
    found = limits(30, SPREAD, 0.59)["auc"]
    assert "less than 0.6" in found.pop("reason") and set(found.values()) == {None}


@pytest.mark.parametrize(
    ("samples", "estimate", "reason", "words"),
    [
        (np.ones(60), 1.0, "", "the same in all samples"),
        (np.ones(60), 0.99, "", "the same in all samples"),
        (SPREAD, 1.02, "", "not within 0 and 1"),
        (SPREAD, 0.8, "the outcome is separated", "no interval: the outcome is separated"),
    ],
)
def test_where_there_is_no_interval_all_are_null_with_the_reason(samples, estimate, reason, words):
    for found in limits(30, samples, estimate, reason).values():
        assert words in found.pop("reason") and set(found.values()) == {None} and len(found) == 6
