"""Decision and impact curves: by hand, by brute force over the resamples, and inputs at the edge."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from prldh.core.errors import DataError
from prldh.engines.python import PythonEngine

engine = PythonEngine()
GOLDEN = Path(__file__).parents[1] / "golden" / "data" / "golden_rmda_asah.json"
THRESHOLDS = np.array([0.4, 0.1, 0.0, 0.4, 0.75, 1.0])  # in no order, twice the same
CURVE = ("net_benefit", "standardized", "avoided")


def study(seed: int, n: int = 50):
    rng = np.random.default_rng(seed)
    outcome = (rng.random(n) < 0.4).astype(float)
    a, b = (np.round(1 / (1 + np.exp(-(strength * outcome - 0.7 + rng.normal(size=n)))), 2) for strength in (1.5, 0.5))
    return outcome, a, b, rng


def limits(values: np.ndarray, level: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles of each column's finite values, by NumPy."""
    tail, bounds = (1 - level) / 2, []
    for column in values.T:
        column = column[np.isfinite(column)]
        bounds.append(np.quantile(column, [tail, 1 - tail]) if len(column) else [np.nan, np.nan])
    low, high = np.array(bounds).T
    return low, high


def same(actual, expected, atol=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=atol)


# -- points ----------------------------------------------------------------------------------------------------


def test_interventions_avoided_by_hand():
    """10 patients, 3 events. Above 0.25: 2 events and 3 others; odds 1/3. Left alone: 4 others and 1 event, which
    counts thrice."""
    outcome = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    probability = np.array([0.9, 0.8, 0.1, 0.7, 0.6, 0.5, 0.2, 0.2, 0.1, 0.1])
    found = engine.decision_curve(outcome, probability, [0.25, 0.0, 1.0, 0.05])
    same(found["net_benefit"][0], 0.1)
    same(found["avoided"][0], (0.1 - (0.3 - 0.7 / 3)) * 3 * 100)
    same(found["avoided"][0], 10.0)
    assert np.isnan(found["avoided"][1:3]).all()
    assert found["avoided"][3] == 0.0, "everyone is above 0.05"


def test_interventions_avoided_of_rmda_s_curves(shared_data):
    golden = json.loads(GOLDEN.read_text())
    model, everyone = (
        np.array([r["NB"] for r in golden["curve"] if r["model"] == name]) for name in ("y ~ risk", "All")
    )
    thresholds = np.array([r["thresholds"] for r in golden["curve"] if r["model"] == "All"])
    with (shared_data / "tables" / "aSAH.csv").open() as lines:
        outcome = np.array([float(row["outcome"] == "Poor") for row in csv.DictReader(lines)])
    found = engine.decision_curve(outcome, golden["risk"], thresholds)
    assert np.isnan(found["avoided"][0]) and len(thresholds) == 100
    same(found["avoided"][1:], (model - everyone)[1:] / (thresholds / (1 - thresholds))[1:] * 100, atol=1e-9)


def test_a_difference_is_that_of_the_curves():
    outcome, a, b, _ = study(1)
    found = engine.compare_decision_curves(outcome, a, b, THRESHOLDS)
    net = [engine.decision_curve(outcome, p, THRESHOLDS)["net_benefit"] for p in (a, b)]
    same(found["difference"], net[0] - net[1])
    assert np.isnan(found["low"]).all()
    assert np.array_equal(
        found["difference"], -engine.compare_decision_curves(outcome, b, a, THRESHOLDS)["difference"], equal_nan=True
    )


# -- limits ----------------------------------------------------------------------------------------------------


def test_limits_are_of_refigured_curves():
    """Each sample is a cohort of its own: its own prevalence standardises it, and its own patients are all treated."""
    outcome, a, _, rng = study(2)
    rows = rng.integers(0, 50, (30, 50))
    found = engine.decision_curve(outcome, a, THRESHOLDS, rows, 30, 0.8)
    each = [engine.decision_curve(outcome[r], a[r], THRESHOLDS) for r in rows]
    for key, low, high in (("net_benefit", "low", "high"), *((k, f"{k}_low", f"{k}_high") for k in CURVE[1:])):
        expected = limits(np.array([curve[key] for curve in each]))
        same(found[low], expected[0])
        same(found[high], expected[1])
        assert np.isfinite(found[low]).sum() >= 4
    inner = [0, 1, 4]
    odds = THRESHOLDS[inner] / (1 - THRESHOLDS[inner])
    by_definition = np.array([(curve["net_benefit"] - curve["all"])[inner] / odds * 100 for curve in each])
    same(found["avoided_low"][inner], limits(by_definition)[0], atol=1e-9)


def test_limits_of_a_difference_come_from_the_same_samples():
    outcome, a, b, rng = study(3)
    rows = rng.integers(0, 50, (30, 50))
    found = engine.compare_decision_curves(outcome, a, b, THRESHOLDS, rows, 30, 0.8)
    each = [[engine.decision_curve(outcome[r], p[r], THRESHOLDS)["net_benefit"] for r in rows] for p in (a, b)]
    expected = limits(np.array(each[0]) - np.array(each[1]))
    same(found["low"], expected[0])
    same(found["high"], expected[1])
    itself = engine.compare_decision_curves(outcome, a, a, THRESHOLDS[:5], rows, 30)
    assert all((itself[key] == 0.0).all() for key in ("difference", "low", "high"))


def test_limits_of_clinical_impact():
    outcome, a, _, rng = study(4)
    rows = rng.integers(0, 50, (30, 50))
    found = engine.clinical_impact(outcome, a, THRESHOLDS, 500, rows, 30, 0.8)
    each = [engine.clinical_impact(outcome[r], a[r], THRESHOLDS, 500) for r in rows]
    for key in ("high_risk", "high_risk_events"):
        expected = limits(np.array([impact[key] for impact in each]))
        same(found[f"{key}_low"], expected[0])
        same(found[f"{key}_high"], expected[1])
        assert np.array_equal(found[key], engine.clinical_impact(outcome, a, THRESHOLDS, 500)[key])
        assert np.isnan(each[0][f"{key}_low"]).all()


def test_samples_without_events_have_no_standardized_net_benefit():
    outcome, probability = np.array([0, 0, 1, 1]), np.array([0.2, 0.6, 0.4, 0.8])
    rows = np.array([[0, 0, 1, 1], [0, 1, 2, 3], [0, 1, 2, 3]])
    found = engine.decision_curve(outcome, probability, [0.5], rows, 3)
    assert found["standardized_low"] == found["standardized_high"] == found["standardized"] == 0.0
    assert found["low"] < 0.0, "the net benefit itself counts it"
    assert np.isnan(engine.decision_curve(outcome, probability, [0.5], rows[0], 1)["standardized_low"]).all()


# -- out of bag ------------------------------------------------------------------------------------------------


def out_of_bag_study(seed: int, m: int = 25):
    outcome, a, _, rng = study(seed)
    rows = rng.integers(0, 50, (m, 50))
    out = np.array([~np.isin(np.arange(50), r) for r in rows])
    return outcome, np.clip(a + rng.normal(scale=0.1, size=(m, 50)), 0, 1), out.astype(float)


def test_out_of_bag_curve_is_the_mean_of_the_held_out_ones():
    outcome, probability, out = out_of_bag_study(5)
    found = engine.out_of_bag_decision_curve(outcome, probability, out, THRESHOLDS, 0.8)
    each = [
        engine.decision_curve(outcome[o == 1], p[o == 1], THRESHOLDS) for p, o in zip(probability, out, strict=True)
    ]
    stacked = {key: np.array([curve[key] for curve in each]) for key in (*CURVE, "all")}
    prevalence = np.mean([outcome[o == 1].mean() for o in out])
    for key in ("net_benefit", "avoided"):
        same(found[key], stacked[key].mean(axis=0))
    same(found["all"][:5], stacked["all"].mean(axis=0)[:5])
    same(found["standardized"], found["net_benefit"] / prevalence)
    for key, low, high in (("net_benefit", "low", "high"), *((k, f"{k}_low", f"{k}_high") for k in CURVE[1:])):
        expected = limits(stacked[key])
        same(found[low], expected[0])
        same(found[high], expected[1])
    inner = [0, 1, 4]
    odds = THRESHOLDS[inner] / (1 - THRESHOLDS[inner])
    same(found["avoided"][inner], (found["net_benefit"] - found["all"])[inner] / odds * 100, atol=1e-9)
    assert list(found) == list(engine.decision_curve(outcome, probability[0], THRESHOLDS))


def test_only_out_of_bag_predictions_count():
    outcome, probability, out = out_of_bag_study(6)
    there = engine.out_of_bag_decision_curve(outcome, probability, out, THRESHOLDS)
    elsewhere = np.where(out == 1, probability, np.random.default_rng(1).normal(size=out.shape) * 9)
    elsewhere[0, np.flatnonzero(out[0] == 0)[0]] = np.nan
    changed = engine.out_of_bag_decision_curve(outcome, elsewhere, out, THRESHOLDS)
    for key in there:
        assert np.array_equal(there[key], changed[key], equal_nan=True), key


def test_resamples_without_out_of_bag_predictions_do_not_count():
    outcome, probability, out = out_of_bag_study(7)
    fewer = engine.out_of_bag_decision_curve(outcome, probability[2:], out[2:], THRESHOLDS)
    probability[0], out[1] = np.nan, 0.0
    found = engine.out_of_bag_decision_curve(outcome, probability, out, THRESHOLDS)
    for key in found:
        assert np.array_equal(found[key], fewer[key], equal_nan=True), key
    nobody = engine.out_of_bag_decision_curve(outcome, probability, np.zeros_like(out), THRESHOLDS)
    assert all(np.isnan(values).all() for key, values in nobody.items() if key != "threshold")


def test_out_of_bag_input_is_checked():
    outcome, probability, out = out_of_bag_study(8)
    for message, arguments in {
        r"must be \(m, 50\)": (outcome, probability[:3], out),
        "0 or 1. Recode": (outcome, probability, out * 2),
        "found 1.5": (outcome, np.where(out == 1, 1.5, probability), out),
        "found inf": (outcome, np.where(out == 1, np.inf, probability), out),
        "outcome must be": (outcome + 1, probability, out),
    }.items():
        with pytest.raises(DataError, match=message):
            engine.out_of_bag_decision_curve(*arguments, THRESHOLDS)


# -- inputs at the edge ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [[-0.01], [0.2, 1.01], [np.nan], [np.inf], []])
def test_thresholds_outside_0_and_1_are_refused(wrong):
    outcome, a, b, _ = study(9)
    found = "none" if not wrong else str(float(wrong[-1]))
    for call in (
        lambda: engine.decision_curve(outcome, a, wrong),
        lambda: engine.compare_decision_curves(outcome, a, b, wrong),
        lambda: engine.out_of_bag_decision_curve(outcome, a[None], np.ones((1, 50)), wrong),
        lambda: engine.clinical_impact(outcome, a, wrong),
    ):
        with pytest.raises(DataError, match=f"thresholds must be probabilities within 0 and 1: found {found}"):
            call()


@pytest.mark.parametrize("event", [0.0, 1.0])
def test_one_class(event):
    _, a, _, rng = study(10)
    found = engine.decision_curve(np.full(50, event), a, [0.3], rng.integers(0, 50, (9, 50)), 9)
    assert np.isfinite([found[key][0] for key in ("net_benefit", "all", "low", "high", "avoided", "avoided_low")]).all()
    assert (np.isfinite(found["standardized"]) == event).all() and (
        np.isfinite(found["standardized_low"]) == event
    ).all()


def test_perfect_predictions_gain_the_prevalence():
    outcome = np.array([0.0, 1.0, 1.0])  # predictions of exactly 0 and 1, three patients
    found = engine.decision_curve(outcome, outcome, [0.0, 0.5, 0.99], np.arange(3), 1)
    same(found["net_benefit"], [2 / 3] * 3)
    same(found["standardized"], [1.0] * 3)
    same(found["avoided"], [np.nan, 100 / 3, 100 / 3])
    same(found["avoided_high"], found["avoided"])


def test_equal_predictions_treat_all_or_none():
    outcome, _, _, _ = study(11)
    found = engine.decision_curve(outcome, np.full(50, 0.4), [0.1, 0.39, 0.4, 0.8])
    same(found["net_benefit"][:2], found["all"][:2])
    assert found["avoided"][:2].tolist() == [0.0, 0.0] and found["net_benefit"][2:].tolist() == [
        0.0,
        0.0,
    ], "strictly above"


# -- another prevalence ----------------------------------------------------------------------------------------


def test_at_their_own_prevalence_nothing_changes():
    outcome, p, _, rng = study(4)
    rows = rng.integers(0, len(outcome), (30, len(outcome)))
    here = engine.decision_curve(outcome, p, THRESHOLDS)
    there = engine.decision_curve_at_prevalence(outcome, p, THRESHOLDS, float(outcome.mean()), rows, 30, 0.8)
    for key in (*CURVE, "all"):
        same(there[key], here[key])


@pytest.mark.parametrize("copies", [3, 9])
def test_another_prevalence_is_the_curve_of_a_cohort_with_more_patients_without_the_event(copies):
    """Non-events repeated, and predictions made anew for them by the shift of the intercept."""
    outcome, p, _, _ = study(5)
    many = np.concatenate([np.repeat(np.flatnonzero(outcome == 0), copies), np.flatnonzero(outcome == 1)])
    prevalence = float(outcome[many].mean())
    odds = p / (1 - p) / copies
    expected = engine.decision_curve(outcome[many], np.round(odds / (1 + odds), 12)[many], THRESHOLDS)
    found = engine.decision_curve_at_prevalence(outcome, p, THRESHOLDS, prevalence)
    for key in (*CURVE, "all"):
        same(found[key], expected[key], atol=1e-11)


@pytest.mark.parametrize("prevalence", [0.013, 0.07, 0.15, 0.7, 0.9])
def test_where_everyone_is_above_the_threshold_nothing_is_avoided_exactly(prevalence):
    """Not 1e-17 of an intervention, in none of the samples; the net benefit is that of acting on everyone."""
    outcome, _, _, rng = study(7)
    p = rng.uniform(0.6, 0.9, len(outcome))
    rows = rng.integers(0, len(outcome), (30, len(outcome)))
    found = engine.decision_curve_at_prevalence(outcome, p, np.linspace(0.001, 0.01, 9), prevalence, rows, 30)
    for key in ("avoided", "avoided_low", "avoided_high"):
        assert (found[key] == 0.0).all(), key
    np.testing.assert_array_equal(found["net_benefit"], found["all"])


def test_limits_at_another_prevalence_are_percentiles_of_the_samples_own_sensitivity_and_specificity():
    outcome, p, _, rng = study(6)
    rows = rng.integers(0, len(outcome), (40, len(outcome)))
    found = engine.decision_curve_at_prevalence(outcome, p, np.array([0.1, 0.3]), 0.15, rows, 40, 0.8)
    share = outcome.mean()
    odds = p / (1 - p) * (0.15 / 0.85) / (share / (1 - share))
    shifted = odds / (1 + odds)
    net = np.array(
        [
            [
                0.15 * (shifted[row][outcome[row] == 1] > t).mean()
                - 0.85 * (shifted[row][outcome[row] == 0] > t).mean() * t / (1 - t)
                for t in (0.1, 0.3)
            ]
            for row in rows
        ]
    )
    low, high = limits(net)
    same(found["low"], low)
    same(found["high"], high)


def test_one_class_or_no_share_has_no_curve_elsewhere():
    found = engine.decision_curve_at_prevalence(np.zeros(4), np.array([0.1, 0.2, 0.3, 0.4]), [0.2], 0.1)
    assert np.isnan(found["net_benefit"]).all()
    for wrong in (0.0, 1.0, float("nan")):
        with pytest.raises(DataError, match="prevalence must lie between 0 and 1"):
            engine.decision_curve_at_prevalence([0, 1], [0.1, 0.2], [0.2], wrong)


def test_limits_of_an_out_of_bag_curve_hold_their_mean_or_are_none():
    """One model in sixty calls a patient high at 0.9: the mean is not 0, the percentiles are."""
    rng = np.random.default_rng(3)
    outcome = (rng.random(40) < 0.4).astype(float)
    probability = rng.uniform(0.1, 0.6, (60, 40))
    probability[4, 7] = 0.95
    out = np.ones((60, 40))
    curve = engine.out_of_bag_decision_curve(outcome, probability, out, [0.3, 0.9])
    other = engine.compare_out_of_bag_decision_curves(outcome, probability, np.full((60, 40), 0.2), out, [0.3, 0.9])
    for mean, low, high in (
        (curve["net_benefit"], curve["low"], curve["high"]),
        [other[k] for k in ("difference", "low", "high")],
    ):
        assert low[0] <= mean[0] <= high[0] and mean[1] != 0 and np.isnan([low[1], high[1]]).all()
    for prefix, mean in (("standardized_", curve["standardized"]), ("avoided_", curve["avoided"])):
        assert np.isnan(curve[f"{prefix}low"][1]) and curve[f"{prefix}low"][0] <= mean[0] <= curve[f"{prefix}high"][0]
