"""What must hold for any data: identities, invariances and optimality conditions of the statistics."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import scipy.optimize
import scipy.stats
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prldh.engines.python import PythonEngine
from prldh.stats.fisher import fisher_exact
from prldh.stats.logistic import linear_predictor
from prldh.stats.partial_roc import stratified_rows

engine = PythonEngine()
few = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@st.composite
def scored(draw, largest: int = 40, n_scores: int = 1):
    """An outcome with both classes, and scores with many ties."""
    n = draw(st.integers(2, largest))
    outcome = draw(arrays(np.int8, n, elements=st.integers(0, 1)))
    assume(0 < outcome.sum() < n)
    scores = [draw(arrays(np.float64, n, elements=st.integers(-6, 6))) for _ in range(n_scores)]
    return (outcome.astype(float), *scores)


@st.composite
def predicted(draw, largest: int = 40):
    """An outcome and probabilities, some of them 0, 1 and tied."""
    n = draw(st.integers(2, largest))
    outcome = draw(arrays(np.int8, n, elements=st.integers(0, 1)))
    probability = draw(arrays(np.float64, n, elements=st.integers(0, 20).map(lambda i: i / 20)))
    return outcome.astype(float), probability


@st.composite
def fitted_study(draw, n_columns: int = 3, n: int = 40):
    """A design and an outcome that is not separated (both outcomes for similar patients)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    design = np.column_stack([np.ones(n), rng.normal(size=(n, n_columns - 1))])
    outcome = (rng.random(n) < 1 / (1 + np.exp(-design @ rng.normal(0, 0.7, n_columns)))).astype(float)
    assume(5 < outcome.sum() < n - 5)
    return design, outcome


# -- ROC -------------------------------------------------------------------------------------------------------


@few
@given(scored())
def test_auc_is_the_mann_whitney_statistic(data):
    outcome, score = data
    events, others = score[outcome == 1], score[outcome == 0]
    u = scipy.stats.mannwhitneyu(events, others).statistic
    area = engine.auc(outcome, score)
    assert area["estimate"] == u / (len(events) * len(others))
    if len(events) > 1 and len(others) > 1:
        above = (events[:, None] > others) + 0.5 * (events[:, None] == others)
        variance = above.mean(axis=1).var(ddof=1) / len(events) + above.mean(axis=0).var(ddof=1) / len(others)
        np.testing.assert_allclose(area["variance"], variance, rtol=1e-12, atol=1e-15)


@few
@given(scored())
def test_reversed_score(data):
    outcome, score = data
    there, back = engine.auc(outcome, score), engine.auc(outcome, -score)
    np.testing.assert_allclose(back["estimate"], 1.0 - there["estimate"], rtol=0, atol=1e-15)
    assert np.isnan(there["variance"]) or there["variance"] == back["variance"]


@few
@given(scored(n_scores=2))
def test_monotone_transforms_change_nothing(data):
    outcome, a, b = data
    for function in (lambda s: s**3, np.exp, lambda s: 7.0 * s - 2.0):
        assert str(engine.auc(outcome, function(a))) == str(engine.auc(outcome, a))
        assert str(engine.compare_auc(outcome, function(a), b)) == str(engine.compare_auc(outcome, a, b))
        before, after = engine.youden(outcome, a), engine.youden(outcome, function(a))
        assert {k: v for k, v in before.items() if k != "threshold"} == {
            k: v for k, v in after.items() if k != "threshold"
        }


@few
@given(scored(n_scores=2), st.randoms(use_true_random=False))
def test_order_of_patients_changes_no_bit(data, random):
    outcome, a, b = data
    order = list(range(len(outcome)))
    random.shuffle(order)
    for call in (
        lambda y, s, t: engine.auc(y, s),
        engine.compare_auc,
        lambda y, s, t: engine.youden(y, s),
        lambda y, s, t: engine.roc_curve(y, s),
        lambda y, s, t: engine.partial_auc(y, s, "specificity", 1, 0.7),
    ):
        assert str(call(outcome, a, b)) == str(call(outcome[order], a[order], b[order]))


@few
@given(scored())
def test_score_against_itself(data):
    outcome, score = data
    assume(1 < outcome.sum() < len(outcome) - 1)
    test = engine.compare_auc(outcome, score, score)
    assert (test["difference"], test["statistic"], test["p"]) == (0.0, 0.0, 1.0)
    rows = stratified_rows(outcome, 20, np.random.default_rng(0))
    resampled = engine.compare_partial_auc(outcome, score, score, "sensitivity", 1, 0.8, rows, 20)
    asymptotic = engine.compare_partial_auc_asymptotic(outcome, score, score, "specificity", 0.9, 0.6)
    for partial in (resampled, asymptotic):
        assert (partial["difference"], partial["statistic"], partial["p"]) == (0.0, 0.0, 1.0)


@few
@given(scored(n_scores=2))
def test_swapped_scores_turn_the_sign(data):
    outcome, a, b = data

    def partial(y, s, t):
        return engine.compare_partial_auc_asymptotic(y, s, t, "sensitivity", 1, 0.7)

    for test, rtol in ((engine.compare_auc, 1e-13), (partial, 1e-9)):
        there, back = test(outcome, a, b), test(outcome, b, a)
        np.testing.assert_allclose(
            [there["difference"], there["low"], there["statistic"], there["p"]],
            [-back["difference"], -back["high"], -back["statistic"], back["p"]],
            rtol=rtol,
            atol=1e-15,
        )


@few
@given(scored())
def test_whole_range_is_the_whole_area(data):
    outcome, score = data
    whole = engine.auc(outcome, score)["estimate"]
    for focus in ("sensitivity", "specificity"):
        np.testing.assert_allclose(engine.partial_auc(outcome, score, focus, 1, 0)["estimate"], whole, atol=1e-12)
        parts = sum(
            engine.partial_auc(outcome, score, focus, a, b)["estimate"] for a, b in ((1, 0.63), (0.63, 0.4), (0.4, 0))
        )
        np.testing.assert_allclose(parts, whole, atol=1e-12)


@few
@given(scored(n_scores=2))
def test_over_the_whole_range_the_partial_test_is_delongs(data):
    outcome, a, b = data
    assume(min(outcome.sum(), (1 - outcome).sum()) >= 2)  # a single patient has no variance
    delong, variance = engine.compare_auc(outcome, a, b), engine.auc(outcome, a)["variance"]
    for focus in ("sensitivity", "specificity"):
        found = engine.compare_partial_auc_asymptotic(outcome, a, b, focus, 1, 0)
        for key in delong:
            np.testing.assert_allclose(found[key], delong[key], rtol=1e-9, atol=1e-11, err_msg=key)
        assert np.isinf(found["df"]) or np.isnan(delong["p"])
        np.testing.assert_allclose(
            engine.partial_auc(outcome, a, focus, 0, 1)["variance"], variance, rtol=1e-9, atol=1e-13
        )


@few
@given(scored())
def test_youden_is_the_best_point_of_the_curve(data):
    outcome, score = data
    best, curve = engine.youden(outcome, score), engine.roc_curve(outcome, score)
    positive = score > best["threshold"]
    assert best["tp"] == (positive & (outcome == 1)).sum()
    assert best["fp"] == (positive & (outcome == 0)).sum()
    assert best["tp"] + best["fn"] + best["fp"] + best["tn"] == len(outcome)
    index = curve["sensitivities"] + curve["specificities"]
    assert best["sensitivity"] + best["specificity"] >= index.max() - 1e-12
    assert best["sensitivity"] == curve["sensitivities"][index >= index.max() - 1e-12].max()


# -- proportions and tables ------------------------------------------------------------------------------------


@few
@given(
    st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.5, 0.9, 0.95])
)
def test_clopper_pearson_contains_the_estimate(case, level):
    successes, total = case
    found = engine.proportion(successes, total, level)
    assert 0.0 <= found["low"] <= found["estimate"] <= found["high"] <= 1.0
    tail = (1 - level) / 2
    if successes > 0:
        np.testing.assert_allclose(scipy.stats.binom.sf(successes - 1, total, found["low"]), tail, rtol=1e-9)
    if successes < total:
        np.testing.assert_allclose(scipy.stats.binom.cdf(successes, total, found["high"]), tail, rtol=1e-9)


@few
@given(arrays(np.int64, (2, 2), elements=st.integers(0, 40)))
def test_fisher_of_two_by_two_is_scipys(counts):
    assume((counts.sum(axis=0) > 0).all() and (counts.sum(axis=1) > 0).all())
    np.testing.assert_allclose(fisher_exact(counts), scipy.stats.fisher_exact(counts)[1], rtol=1e-7)


def fisher_by_enumeration(counts: np.ndarray) -> float:
    sizes, total = counts.sum(axis=1), counts[:, 1].sum()
    ways = {}
    for events in product(*(range(size + 1) for size in sizes)):
        if sum(events) == total:
            ways[events] = np.prod([comb(int(size), x) for size, x in zip(sizes, events, strict=True)], dtype=object)
    limit = ways[tuple(counts[:, 1])]
    return sum(w for w in ways.values() if w * 10**7 <= limit * (10**7 + 1)) / sum(ways.values())


@few
@given(st.integers(2, 5).flatmap(lambda r: arrays(np.int64, (r, 2), elements=st.integers(0, 4))))
def test_fisher_is_the_sum_over_all_tables(counts):
    counts = counts[counts.sum(axis=1) > 0]
    assume(len(counts) >= 2)
    p = fisher_exact(counts)
    np.testing.assert_allclose(p, fisher_by_enumeration(counts), rtol=1e-10)
    assert np.isclose(p, fisher_exact(counts[::-1]), rtol=1e-12)
    assert np.isclose(p, fisher_exact(counts[:, ::-1]), rtol=1e-12)


@few
@given(
    arrays(np.float64, st.integers(2, 12), elements=st.integers(-5, 5)),
    arrays(np.float64, 9, elements=st.integers(-5, 5)),
)
def test_two_samples_swapped(a, b):
    for kind in ("t", "welch", "wilcoxon"):
        there, back = engine.continuous_test(a, b, kind), engine.continuous_test(b, a, kind)
        np.testing.assert_allclose(there["p"], back["p"], rtol=1e-10)
        if kind == "wilcoxon":
            np.testing.assert_allclose(there["statistic"], len(a) * len(b) - back["statistic"])
        else:
            np.testing.assert_allclose(there["statistic"], -back["statistic"])


# -- calibration and decisions ---------------------------------------------------------------------------------


@few
@given(predicted(), st.integers(2, 12))
def test_hosmer_lemeshow_groups_cover_all_patients(data, groups):
    outcome, p = data
    test = engine.hosmer_lemeshow(outcome, p, groups)
    assert test["n"].sum() == len(outcome)
    assert test["observed"].sum() == outcome.sum()
    np.testing.assert_allclose(test["expected"].sum(), p.sum(), atol=1e-12)
    assert test["lower"][0] == p.min()
    assert test["upper"][-1] == p.max()
    assert (test["n"] >= test["observed"]).all()


@few
@given(predicted())
def test_decision_curve_at_zero_and_without_anyone(data):
    outcome, p = data
    curve = engine.decision_curve(outcome, p, [0.0, 0.2, 0.5, 1.0])
    positive = p > 0.0
    assert curve["net_benefit"][0] == (positive & (outcome == 1)).mean()
    if positive.all():
        assert curve["net_benefit"][0] == outcome.mean()
    assert (engine.decision_curve(outcome, np.zeros(len(p)), [0.0, 0.3, 0.9])["net_benefit"] == 0.0).all()
    by_hand = [((p > t) & (outcome == 1)).mean() - ((p > t) & (outcome == 0)).mean() * t / (1 - t) for t in (0.2, 0.5)]
    np.testing.assert_allclose(curve["net_benefit"][1:3], by_hand, atol=1e-14)
    np.testing.assert_allclose(
        curve["all"][1:3], [outcome.mean() - (1 - outcome.mean()) * o for o in (0.25, 1.0)], atol=1e-14
    )


@few
@given(predicted(), st.integers(0, 2**32 - 1))
def test_decision_curve_limits_are_quantiles_of_refigured_curves(data, seed):
    outcome, p = data
    rows = np.random.default_rng(seed).integers(0, len(p), (15, len(p)))
    thresholds = np.array([0.5, 0.05, 0.3])
    curve = engine.decision_curve(outcome, p, thresholds, rows, 15, 0.8)
    each = np.array([engine.decision_curve(outcome[r], p[r], thresholds)["net_benefit"] for r in rows])
    np.testing.assert_allclose(curve["low"], np.quantile(each, 0.1, axis=0), atol=1e-13)
    np.testing.assert_allclose(curve["high"], np.quantile(each, 0.9, axis=0), atol=1e-13)
    flat = engine.decision_curve(outcome, p, thresholds, rows.ravel(), 15, 0.8)
    assert np.array_equal(curve["low"], flat["low"])


@few
@given(predicted(), st.randoms(use_true_random=False))
def test_order_of_patients_changes_no_calibration(data, random):
    outcome, p = data
    order = list(range(len(outcome)))
    random.shuffle(order)
    there, back = engine.calibration(outcome, p), engine.calibration(outcome[order], p[order])
    assert there["method"] == back["method"]
    for key in (
        "brier",
        "scaled_brier",
        "spiegelhalter_z",
        "spiegelhalter_p",
        "ici",
        "e50",
        "e90",
        "emax",
        "curve_predicted",
        "curve_observed",
    ):
        np.testing.assert_allclose(there[key], back[key], atol=1e-12)


# -- logistic regression ---------------------------------------------------------------------------------------


@few
@given(fitted_study())
def test_logistic_score_vanishes_at_the_estimate(data):
    design, outcome = data
    fit = engine.fit_logistic(design, outcome)
    p = 1 / (1 + np.exp(-linear_predictor(design, fit["coefficients"])))
    assert np.abs(design.T @ (outcome - p)).max() < 1e-4
    np.testing.assert_allclose(
        fit["log_likelihood"], np.log(np.where(outcome == 1, p, 1 - p)).sum(), rtol=1e-10, atol=1e-12
    )


@few
@given(fitted_study(), st.sampled_from([0.8, 0.95, 0.99]))
def test_profile_limits_drop_the_likelihood_by_the_quantile(data, level):
    """Refitted with SciPy's optimiser at each limit: twice the drop is the chi-square quantile."""
    design, outcome = data
    fit, limits = engine.fit_logistic(design, outcome), engine.profile_limits(design, outcome, level)
    assert (limits[:, 0] < fit["coefficients"]).all()
    assert (fit["coefficients"] < limits[:, 1]).all()

    def loss(nuisance, j, b):
        signed = (2 * outcome - 1) * (np.delete(design, j, axis=1) @ nuisance + design[:, j] * b)
        others = np.delete(design, j, axis=1)
        gradient = -others.T @ ((2 * outcome - 1) / (1 + np.exp(signed)))
        return np.logaddexp(0, -signed).sum(), gradient

    quantile = scipy.stats.chi2.ppf(level, 1)
    for j, b in ((1, limits[1, 0]), (2, limits[2, 1])):
        start = np.delete(fit["coefficients"], j)
        best = scipy.optimize.minimize(loss, start, args=(j, b), jac=True, method="BFGS", options={"gtol": 1e-9})
        np.testing.assert_allclose(2 * (fit["log_likelihood"] + best.fun), quantile, rtol=1e-6)


@few
@given(fitted_study(n=30), st.integers(0, 2**32 - 1))
def test_refits_are_fits_of_the_rows(data, seed):
    design, outcome = data
    rows = np.random.default_rng(seed).integers(0, len(outcome), (3, len(outcome)))
    together = engine.refit_logistic(design, outcome, rows.ravel(), [len(outcome)] * 3)["coefficients"]
    for row, found in zip(rows, together, strict=True):
        if 0 < outcome[row].sum() < len(row):
            alone = np.nan_to_num(engine.fit_logistic(design[row], outcome[row])["coefficients"])
            assert np.array_equal(found, alone)


@few
@given(fitted_study(n_columns=4))
def test_equal_rows_have_equal_bits(data):
    design, outcome = data
    b = engine.fit_logistic(design, outcome)["coefficients"]
    doubled = np.concatenate([design, design[::-1], design[:7]])
    eta = linear_predictor(doubled, b)
    n = len(design)
    assert np.array_equal(eta[:n], eta[n : 2 * n][::-1])
    assert np.array_equal(eta[:7], eta[2 * n :])


# -- lasso and agreement ---------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(40, 6), (60, 15), (40, 70)]))
def test_lasso_meets_its_optimality_conditions(seed, size):
    """Karush-Kuhn-Tucker: the score of a kept feature is ±lambda, of a dropped one no larger, of the intercept 0."""
    n, p = size
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, p)) * np.exp(rng.normal(size=p))
    outcome = (rng.random(n) < 1 / (1 + np.exp(-values[:, 0] / values[:, 0].std()))).astype(float)
    assume(min(outcome.sum(), n - outcome.sum()) > 10)
    result = engine.cv_lasso(values, outcome, np.arange(n) % 5 + 1)
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    for step in range(1, len(result["lambda"])):
        b = result["path"][:, step]
        residual = outcome - 1 / (1 + np.exp(-(b[0] + values @ b[1:])))
        score = scaled.T @ residual / n
        penalty = result["lambda"][step]
        if (b[1:] != 0).any() and np.abs(b[0] + values @ b[1:]).max() > 15:
            break  # nearly separated: probabilities are clipped there, as glmnet does
        assert abs(residual.mean()) < 1e-6
        assert np.abs(score).max() <= penalty * (1 + 1e-4) + 1e-7
        kept = b[1:] != 0
        np.testing.assert_allclose(score[kept], penalty * np.sign(b[1:][kept]), rtol=1e-4, atol=1e-7)


@few
@given(arrays(np.float64, (8, 3), elements=st.integers(-9, 9)), arrays(np.float64, (8, 3), elements=st.integers(-9, 9)))
def test_icc_limits_contain_the_estimate_and_ignore_units(first, second):
    for form in ("ICC1", "ICC2", "ICC3", "ICC2k"):
        found = engine.icc(first, second, form)
        scaled = engine.icc(10 + 3 * first, 10 + 3 * second, form)
        defined = np.isfinite(found["estimate"]) & np.isfinite(found["low"]) & np.isfinite(found["high"])
        assert (found["estimate"][defined] <= 1 + 1e-12).all()
        if form in ("ICC1", "ICC3"):
            assert (found["low"][defined] <= found["estimate"][defined] + 1e-9).all()
            assert (found["high"][defined] >= found["estimate"][defined] - 1e-9).all()
        np.testing.assert_allclose(found["estimate"], scaled["estimate"], rtol=1e-8, atol=1e-10)
