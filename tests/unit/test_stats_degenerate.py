"""Inputs at the edge: one class, constant predictions, perfect scores, three patients. Numbers, never a crash or a
warning."""

from __future__ import annotations

import inspect
import warnings
from math import comb

import numpy as np
import pytest

from prldh.core.errors import DataError, EngineError, PrldhError
from prldh.engines.protocol import StatisticsEngine
from prldh.engines.python import PythonEngine
from prldh.stats.roc import roc_curve, youden

INF = np.inf
NONE, ALL = np.zeros(6), np.ones(6)
SCORE = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
HALF = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])


@pytest.fixture
def engine():
    return PythonEngine()


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def all_nan(result: dict, *keys: str) -> bool:
    return all(np.isnan(result[key]) for key in keys or result)


# -- the engine ------------------------------------------------------------------------------------------------


def test_engine_keeps_the_protocol(engine):
    assert isinstance(engine, StatisticsEngine)
    for name, method in inspect.getmembers(StatisticsEngine, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.signature(method) == inspect.signature(getattr(PythonEngine, name)), name
            assert method.__doc__, name


def test_versions(engine):
    found = engine.versions()
    assert found["version"][0] == "3"
    assert set(found["packages"]) == {"numpy", "scipy", "statsmodels", "scikit-learn", "numba"}
    engine.close()


# -- ROC -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [NONE, ALL])
def test_one_class_has_no_roc(engine, outcome):
    assert all_nan(engine.auc(outcome, SCORE))
    assert all_nan(engine.compare_auc(outcome, SCORE, -SCORE))
    rows = np.tile(np.arange(6), (10, 1))
    assert all_nan(engine.partial_auc(outcome, SCORE, "sensitivity", 1, 0.8, rows, 10))
    assert all_nan(engine.compare_partial_auc(outcome, SCORE, -SCORE, "sensitivity", 1, 0.8, rows, 10))
    assert all_nan(engine.compare_partial_auc_asymptotic(outcome, SCORE, -SCORE, "sensitivity", 1, 0.8))
    assert all_nan(engine.youden(outcome, SCORE))
    curve = engine.roc_curve(outcome, SCORE)
    assert np.isnan(curve["sensitivities" if outcome is NONE else "specificities"]).all()


def test_perfect_score(engine):
    area = engine.auc(HALF, SCORE)
    assert (area["estimate"], area["variance"], area["low"], area["high"]) == (1.0, 0.0, 1.0, 1.0)
    assert engine.youden(HALF, SCORE)["threshold"] == 3.5
    assert engine.partial_auc(HALF, SCORE, "specificity", 1, 0.8)["corrected"] == 1.0
    worst = engine.compare_auc(HALF, SCORE, -SCORE)
    assert (worst["difference"], worst["statistic"], worst["p"]) == (1.0, INF, 0.0)
    assert np.isnan(engine.partial_auc(HALF, -SCORE, "specificity", 1, 0.8)["corrected"])


def test_constant_score(engine):
    constant = np.ones(6)
    area = engine.auc(HALF, constant)
    assert (area["estimate"], area["variance"]) == (0.5, 0.0)
    best = engine.youden(HALF, constant)
    assert (best["threshold"], best["sensitivity"], best["tp"], best["fp"]) == (-INF, 1.0, 3.0, 3.0)
    assert np.array_equal(engine.roc_curve(HALF, constant)["thresholds"], [-INF, INF])
    assert engine.compare_auc(HALF, constant, constant)["p"] == 1.0


def test_a_single_event_has_an_area_but_no_variance(engine):
    area = engine.auc([0, 0, 1], [1.0, 2.0, 1.5])
    assert area["estimate"] == 0.5
    assert all_nan(area, "variance", "low", "high")
    assert all_nan(engine.compare_auc([0, 0, 1], [1.0, 2.0, 1.5], [3.0, 2.0, 1.0]), "statistic", "p")


def test_neighbouring_numbers_have_no_midpoint():
    """pROC's threshold is then the higher score (positive is at or above it there); strictly above, it is the lower."""
    low = 1.0
    high = np.nextafter(low, 2.0)
    outcome, score = np.array([0, 1]), np.array([low, high])
    assert roc_curve(outcome, score)["thresholds"][1] == high
    best = youden(outcome, score)
    assert best["threshold"] == low
    assert (best["tp"], best["fp"]) == (1.0, 0.0)
    assert ((score > best["threshold"]) == (outcome == 1)).all()


def test_huge_scores_do_not_overflow():
    thresholds = roc_curve(np.array([0, 1, 1]), np.array([-1e308, 1.2e308, 1.7e308]))["thresholds"]
    assert np.isfinite(thresholds[1:-1]).all()


def test_infinite_and_missing_scores_are_refused(engine):
    for bad in (np.nan, INF):
        with pytest.raises(DataError, match="finite"):
            engine.auc([0, 1, 1], [1.0, 2.0, bad])
    with pytest.raises(DataError, match="0 or 1"):
        engine.auc([0, 1, 2], [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="one value a patient"):
        engine.auc([0, 1], [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="focus"):
        engine.partial_auc(HALF, SCORE, "accuracy")
    with pytest.raises(DataError, match="two different ends"):
        engine.partial_auc(HALF, SCORE, "sensitivity", 0.8, 0.8)


# -- proportions and tables ------------------------------------------------------------------------------------


def test_proportions(engine):
    assert all_nan(engine.proportion(0, 0))
    assert engine.proportion(0, 4)["low"] == 0.0
    assert engine.proportion(4, 4)["high"] == 1.0
    with pytest.raises(DataError, match=r"0\.\.3"):
        engine.proportion(4, 3)


@pytest.mark.parametrize("kind", ["t", "welch", "wilcoxon"])
def test_continuous_without_spread(engine, kind):
    assert all_nan(engine.continuous_test([2.0, 2.0, 2.0], [2.0, 2.0], kind))
    assert all_nan(engine.continuous_test([], [1.0, 2.0], kind))
    if kind != "wilcoxon":
        assert all_nan(engine.continuous_test([1.0, 1.0, 1.0], [2.0, 2.0], kind)), "each group constant"


def test_continuous_with_three_patients(engine):
    assert np.isfinite(engine.continuous_test([1.0], [2.0, 4.0], "t")["p"])
    assert all_nan(engine.continuous_test([1.0], [2.0, 4.0], "welch"))
    exact = engine.continuous_test([1.0], [2.0, 4.0], "wilcoxon")
    assert (exact["statistic"], exact["p"]) == (0.0, 2 / 3)
    with pytest.raises(DataError, match="kind"):
        engine.continuous_test([1.0], [2.0], "median")


@pytest.mark.parametrize("kind", ["chi2", "fisher"])
def test_categorical_with_an_empty_margin(engine, kind):
    assert all_nan(engine.categorical_test([[3, 4]], kind))
    assert all_nan(engine.categorical_test([[3, 0], [5, 0]], kind))
    with pytest.raises(DataError, match="whole numbers"):
        engine.categorical_test([[3, -1], [5, 0]], kind)


def test_fisher_of_many_levels_is_exact_at_the_extremes(engine):
    """Eight levels, 500 patients; the separated table is one of its kind, so its p is one over the number of ways."""
    half = np.array([[31, 31]] * 4 + [[32, 32]] * 4)
    assert engine.categorical_test(half, "fisher")["p"] == pytest.approx(1.0, abs=1e-12)
    sizes = [54, 66, 73, 54, 62, 66, 62, 63]
    apart = np.array([[n, 0] for n in sizes[:4]] + [[0, n] for n in sizes[4:]])
    assert engine.categorical_test(apart, "fisher")["p"] == pytest.approx(1 / comb(500, 247), rel=1e-9)


# -- calibration and decisions ---------------------------------------------------------------------------------


def test_constant_prediction(engine):
    result = engine.calibration(HALF, np.full(6, 0.5))
    assert all_nan(result, "intercept", "slope", "ici", "e50", "e90", "emax", "spiegelhalter_z", "spiegelhalter_p")
    assert result["scaled_brier"] == 0.0
    assert result["citl"] == pytest.approx(0.0, abs=1e-12)
    assert result["brier"] == 0.25
    assert result["method"] == "groups"
    assert (result["curve_predicted"], result["curve_observed"]) == ([0.5], [0.5])
    test = engine.hosmer_lemeshow(HALF, np.full(6, 0.5))
    assert all_nan(test, "statistic", "p")
    assert test["n_groups"] == 1.0
    assert test["n"] == [6.0]
    assert [w.message for w in engine.warnings] == ["hosmer_lemeshow: ties left 1 of the 10 groups asked for"]


def test_two_distinct_predictions_leave_no_degrees_of_freedom(engine):
    test = engine.hosmer_lemeshow(HALF, [0.2, 0.2, 0.2, 0.2, 0.7, 0.7])
    assert test["df"] < 1
    assert np.isnan(test["p"])


@pytest.mark.parametrize("outcome", [NONE, ALL])
def test_one_class_cannot_be_calibrated(engine, outcome):
    p = SCORE / 10
    result = engine.calibration(outcome, p)
    assert all_nan(result, "intercept", "slope", "citl", "scaled_brier")
    assert np.isfinite([result["brier"], result["ici"]]).all()
    assert len(engine.hosmer_lemeshow(outcome, p, 3)["n"]) == 3
    curve = engine.decision_curve(outcome, p, [0.0, 0.5])
    assert np.isfinite(curve["net_benefit"]).all()
    assert np.isfinite(curve["standardized"]).any() == (outcome is ALL)


def test_confident_and_wrong_predictions_have_a_calibration_in_the_large(engine):
    """glm's own iterations run away here (to 3e5); the score equation has a root."""
    p = np.array([0.0, 0.0, 1.0, 0.0, 0.7, 1.0])
    outcome = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    found = engine.calibration(outcome, p)["citl"]
    clipped = np.clip(p, 1e-15, 1 - 1e-15)
    assert abs((outcome - 1 / (1 + np.exp(-found - np.log(clipped / (1 - clipped))))).sum()) < 1e-6


def test_predictions_of_0_and_1(engine):
    result = engine.calibration(HALF, [0.0, 0.0, 1.0, 0.0, 1.0, 1.0])
    assert np.isfinite([result["intercept"], result["slope"], result["citl"]]).all()
    test = engine.hosmer_lemeshow([0, 0, 0, 1, 1, 1], [0.0, 0.0, 0.2, 0.3, 1.0, 1.0], 3)
    assert test["statistic"] == pytest.approx((1 - 0.5) ** 2 / 0.5 + (1 - 1.5) ** 2 / 1.5), "0 is met"
    test = engine.hosmer_lemeshow([1, 0, 0, 1, 1, 1], [0.0, 0.0, 0.2, 0.3, 1.0, 1.0], 3)
    assert test["statistic"] == np.inf and test["p"] == 0.0, "none was expected where there is one"
    with pytest.raises(DataError, match="0..1"):
        engine.calibration(HALF, SCORE)


def test_more_groups_than_patients(engine):
    """Groups that nobody falls into are dropped: one patient is left in each."""
    test = engine.hosmer_lemeshow([0, 1, 1], [0.2, 0.5, 0.9])
    assert list(test["n"]) == [1, 1, 1] and test["df"] == 1.0
    by_hand = 0.2**2 / 0.2 + 0.2**2 / 0.8 + 0.5**2 / 0.5 + 0.5**2 / 0.5 + 0.1**2 / 0.9 + 0.1**2 / 0.1
    assert test["statistic"] == pytest.approx(by_hand, rel=1e-12)


def test_thresholds_of_0_and_1(engine):
    curve = engine.decision_curve(HALF, SCORE / 6, [0.0, 1.0])
    assert curve["net_benefit"][0] == 0.5
    assert np.isnan(curve["net_benefit"][1]), "nobody is above 1, and its odds are infinite"
    assert np.isnan(curve["low"]).all()
    assert engine.clinical_impact(HALF, SCORE / 6, [0.99, 1.0])["high_risk"][1] == 0.0
    with pytest.raises(DataError, match="2 resamples"):
        engine.decision_curve(HALF, SCORE / 6, [0.5], [0, 1, 2], 2)
    with pytest.raises(DataError, match=r"0\.\.5"):
        engine.decision_curve(HALF, SCORE / 6, [0.5], [0, 1, 2, 3, 4, 6], 1)


# -- logistic regression ---------------------------------------------------------------------------------------


def test_one_class_fit(engine):
    design = np.column_stack([np.ones(6), SCORE])
    fit = engine.fit_logistic(design, NONE)
    assert fit["deviance"] < 1e-6
    assert fit["null_deviance"] == 0.0
    assert np.isnan(engine.profile_limits(design, NONE)).all()
    rows = np.array([0, 1, 2, 0, 1, 2, 3, 4, 0, 4, 2, 3])
    refits = engine.refit_logistic(design, np.array([0, 0, 0, 1, 0, 1]), rows, [3, 5, 4])["coefficients"]
    assert np.isnan(refits[0]).all()
    assert np.isfinite(refits[1:]).all()


def test_aliased_columns(engine):
    noise = np.array([0.3, -1.0, 0.8, 0.1, -0.4, 0.5, 0.2, -0.6])
    outcome = np.array([0, 1, 0, 1, 1, 0, 0, 1])
    design = np.column_stack([np.ones(8), noise, 2 * noise - 1, np.zeros(8)])
    fit, limits = engine.fit_logistic(design, outcome), engine.profile_limits(design, outcome)
    aliased = np.array([False, False, True, True])
    for values in (
        fit["coefficients"],
        fit["standard_errors"],
        fit["p_values"],
        np.diag(fit["covariance"]),
        limits[:, 0],
    ):
        assert np.array_equal(np.isnan(values), aliased)
    refit = engine.refit_logistic(design, outcome, np.arange(8), [8])["coefficients"][0]
    assert np.array_equal(refit == 0.0, aliased)
    same = engine.likelihood_ratio(design[:, :2], design, outcome)
    assert (same["statistic"], same["df"]) == (0.0, 0.0)
    assert np.isnan(same["p"])


def test_more_columns_than_patients(engine):
    design = np.column_stack([np.ones(3), np.eye(3)])
    fit = engine.fit_logistic(design, np.array([0, 1, 1]))
    assert np.isfinite(fit["coefficients"]).sum() == 3


def test_limits_under_separation(engine):
    """Complete: both sides of everything open that can; quasi-complete: the open side only."""
    design = np.column_stack([np.ones(12), np.repeat([0.0, 1.0], 6), np.tile([0.0, 1.0, 2.0], 4)])
    outcome = np.array([0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 1])
    limits = engine.profile_limits(design, outcome)
    assert limits[0, 0] == -INF
    assert limits[1, 1] == INF
    assert np.isfinite(limits[0, 1])
    assert np.isfinite(limits[1, 0])
    assert np.isfinite(limits[2]).all()
    complete = engine.profile_limits(np.column_stack([np.ones(6), SCORE]), HALF)
    assert np.array_equal(np.isinf(complete), [[True, False], [False, True]])


def test_separation_is_told(engine):
    engine.fit_logistic(np.column_stack([np.ones(6), SCORE]), HALF)
    assert engine.warnings
    assert {(w.stage, w.message.split(":")[0]) for w in engine.warnings} == {("engine python", "fit_logistic")}


def test_bad_designs_are_refused(engine):
    design = np.column_stack([np.ones(6), SCORE])
    with pytest.raises(DataError, match="finite"):
        engine.fit_logistic(np.where(design == 2.0, np.nan, design), HALF)
    with pytest.raises(DataError, match=r"\(n, k\)"):
        engine.fit_logistic(design[:5], HALF)
    with pytest.raises(DataError, match="0 or 1"):
        engine.fit_logistic(design, SCORE)
    with pytest.raises(DataError, match="add up"):
        engine.refit_logistic(design, HALF, [0, 1], [3])
    with pytest.raises(DataError, match=r"0\.\.5"):
        engine.refit_logistic(design, HALF, [0, 6], [2])


# -- lasso and agreement ---------------------------------------------------------------------------------------


def lasso_data(n=40, p=4):
    rng = np.random.default_rng(3)
    return rng.normal(size=(n, p)), np.arange(n) % 2.0, np.arange(n) // 2 % 5 + 1


def test_lasso_of_separated_classes_ends_early(engine):
    values, outcome, folds = lasso_data()
    values[:, 0] += 20 * outcome
    result = engine.cv_lasso(values, outcome, folds)
    assert len(result["lambda"]) <= 100
    assert np.isfinite(result["path"]).all()
    assert np.isfinite(result["cv_mean"]).all()


def test_lasso_with_constant_and_doubled_features(engine):
    values, outcome, folds = lasso_data()
    values[:, 1], values[:, 2] = 7.0, values[:, 0]
    result = engine.cv_lasso(values, outcome, folds)
    assert (result["path"][2] == 0.0).all()
    assert np.isfinite(result["coefficients"]).all()


def test_lasso_says_why_it_cannot_run(engine):
    values, outcome, folds = lasso_data()
    for message, arguments in {
        "two or more features": (values[:, :1], outcome, folds),
        "varies": (np.ones((40, 3)), outcome, folds),
        "two patients": (values, np.zeros(40), folds),
        "1..K": (values, outcome, np.arange(40) % 2 + 1),
        "finite": (np.where(values > 2, np.nan, values), outcome, folds),
        "found": (values[:5], outcome, folds),
    }.items():
        with pytest.raises(EngineError, match=message):
            engine.cv_lasso(*arguments)
    assert issubclass(EngineError, PrldhError)


def test_icc_edges(engine):
    same = np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
    for form in ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"):
        found = engine.icc(same, same, form)
        assert found["estimate"][0] == found["low"][0] == found["high"][0] == 1.0
        assert all(np.isnan(found[key][1]) for key in found)
    shifted = engine.icc(same, same + 1.0, "ICC3")
    assert shifted["estimate"][0] == pytest.approx(1.0)
    assert np.isnan(engine.icc(np.full((4, 1), 2.0), np.full((4, 1), 3.0))["estimate"]).all()
    assert np.isnan(engine.icc(same[:1], same[:1])["estimate"]).all()
    with pytest.raises(DataError, match="ICC4"):
        engine.icc(same, same, "ICC4")
    with pytest.raises(DataError, match="alike"):
        engine.icc(same, same[:2])


@pytest.mark.parametrize("unit", [1e150, 1e200, 1e300, 1e-150, 1e-200, 1e-300])
def test_values_near_the_largest_and_the_smallest_number(engine, unit):
    """What does not depend on the unit is the same in any: never t = 0 and p = 1 because a square overflowed."""
    rng = np.random.default_rng(0)
    event = rng.permutation(np.arange(40) % 5 < 2)
    values = rng.normal(size=(40, 3)) + event[:, None]
    second = values + 0.2 * rng.normal(size=values.shape)

    def statistics(unit: float) -> dict[str, dict]:
        x, other = values * unit, second * unit
        return {
            **{kind: engine.continuous_test(x[~event, 0], x[event, 0], kind) for kind in ("t", "welch", "wilcoxon")},
            **{form: engine.icc(x, other, form) for form in ("ICC1", "ICC2", "ICC3k")},
            "normality": engine.shapiro_wilk(x[:, 0]),
            "screen": engine.univariate_screen(x, event.astype(float)),
            "auc": engine.auc(event.astype(float), x[:, 0]),
        }

    for name, plain in statistics(1.0).items():
        for key, value in statistics(unit)[name].items():
            np.testing.assert_allclose(value, plain[key], rtol=1e-9, err_msg=f"{name} {key}")
