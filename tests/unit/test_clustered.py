"""Statistics of rows that are clustered in patients: against DeLong and statsmodels, plain sums, and their coverage."""

from __future__ import annotations

import numpy as np
import pytest

from prldh.engines import ClusteredEngine, PythonEngine
from prldh.stats.clustered import (
    clustered_auc,
    clustered_brier_score,
    clustered_covariance,
    compare_clustered_auc,
)
from prldh.stats.held_out import brier_score
from prldh.stats.roc import auc, compare_auc


def make_rows(seed: int, n_patients: int = 70, by_patient: bool = False):
    """Outcome, two scores and patients with one to four rows, which share what tells the outcome; ``by_patient``: they
    share the outcome as well."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 5, n_patients))
    level = rng.normal(size=n_patients)[patient]
    score = level + rng.normal(size=patient.size)
    if by_patient:
        return (
            (rng.random(n_patients)[patient] < 1 / (1 + np.exp(-level))).astype(int),
            level + 0.5 * score,
            score,
            patient,
        )
    outcome = (rng.random(patient.size) < 1 / (1 + np.exp(0.5 - score - level))).astype(int)
    return outcome, score, score + rng.normal(size=patient.size), patient


def test_one_row_a_patient_is_delong():
    outcome, a, b, patient = make_rows(1)
    each = np.arange(patient.size)
    assert clustered_auc(outcome, a, each) == pytest.approx(auc(outcome, a), rel=1e-12)
    assert compare_clustered_auc(outcome, a, b, each) == pytest.approx(compare_auc(outcome, a, b), rel=1e-10)
    p = 1 / (1 + np.exp(-np.array([a, b])))
    assert clustered_brier_score(outcome, p, each) == pytest.approx(brier_score(outcome, p), rel=1e-12)


def test_the_area_s_variance_is_obuchowski_s():
    """The formulas of the paper, one patient after the other."""
    outcome, score, _, patient = make_rows(2, 25)
    events, others = score[outcome == 1], score[outcome == 0]

    def psi(x, y):
        return (x > y) + 0.5 * (x == y)

    m, n = len(events), len(others)
    theta = sum(psi(x, y) for x in events for y in others) / (m * n)
    s10 = s01 = s11 = 0.0
    for p in np.unique(patient):
        own = (patient == p) & (outcome == 1), (patient == p) & (outcome == 0)
        v10 = sum(sum(psi(x, y) for y in others) / n for x in score[own[0]]) - own[0].sum() * theta
        v01 = sum(sum(psi(x, y) for x in events) / m for y in score[own[1]]) - own[1].sum() * theta
        s10, s01, s11 = s10 + v10**2, s01 + v01**2, s11 + v10 * v01
    i10, i01, i = (np.unique(each).size for each in (patient[outcome == 1], patient[outcome == 0], patient))
    s10, s01, s11 = s10 * i10 / ((i10 - 1) * m), s01 * i01 / ((i01 - 1) * n), s11 * i / (i - 1)
    assert clustered_auc(outcome, score, patient)["variance"] == pytest.approx(s10 / m + s01 / n + 2 * s11 / (m * n))


def test_the_sandwich_is_statsmodels():
    import statsmodels.api as sm

    outcome, a, b, patient = make_rows(3)
    x = np.column_stack([np.ones(len(a)), a, b])
    fit = sm.GLM(outcome, x, family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": patient, "use_correction": False}, tol=1e-12
    )
    g = np.unique(patient).size
    np.testing.assert_allclose(clustered_covariance(x, outcome, patient), fit.cov_params() * g / (g - 1), rtol=1e-6)


def test_an_aliased_column_has_no_covariance():
    outcome, a, _, patient = make_rows(4)
    found = clustered_covariance(np.column_stack([np.ones(len(a)), a, 2 * a]), outcome, patient)
    assert np.isnan(found[2]).all() and np.isfinite(found[:2, :2]).all()


def test_too_few_patients_have_no_variance():
    outcome, score = np.array([0, 1, 0, 1]), np.arange(4.0)
    assert np.isnan(clustered_auc(outcome, score, np.zeros(4, dtype=int))["variance"])
    assert np.isnan(clustered_brier_score(outcome, score[None] / 4, np.zeros(4, dtype=int))["low"])
    assert np.isnan(clustered_covariance(np.ones((4, 1)), outcome, np.zeros(4, dtype=int))).all()
    assert np.isnan(clustered_auc(np.ones(4), score, np.arange(4))["estimate"])


def test_intervals_hold_where_those_of_independent_rows_do_not():
    """400 data sets of 70 patients: the truth is the area over all of many patients."""
    truth = np.mean([auc(*make_rows(10_000 + k, 400, True)[:2])["estimate"] for k in range(100)])
    held = {"clustered": 0, "independent": 0}
    for k in range(400):
        outcome, score, _, patient = make_rows(k, by_patient=True)
        for name, found in (
            ("clustered", clustered_auc(outcome, score, patient)),
            ("independent", auc(outcome, score)),
        ):
            held[name] += found["low"] <= truth <= found["high"]
    assert held["clustered"] / 400 >= 0.92
    assert held["independent"] / 400 < 0.88


def test_the_sandwich_s_limits_hold():
    """400 data sets of 70 patients; the truth is the coefficient that many patients give."""
    outcome, score, _, _ = make_rows(99, 40_000)
    engine = PythonEngine()
    truth = engine.fit_logistic(np.column_stack([np.ones(len(score)), score]), outcome)["coefficients"][1]
    held = 0
    for k in range(400):
        outcome, score, _, patient = make_rows(k)
        x = np.column_stack([np.ones(len(score)), score])
        low, high = ClusteredEngine(engine, patient).profile_limits(x, outcome)[1]
        held += low <= truth <= high
    assert 0.92 <= held / 400 <= 0.98


# ---------------------------------------------------------------- the engine


def test_the_engine_has_estimates_of_other_rows_alone():
    outcome, a, b, patient = make_rows(5)
    engine = ClusteredEngine(PythonEngine(), patient)
    assert engine.auc(outcome, a) == clustered_auc(outcome, a, patient)
    some = np.flatnonzero(patient < 40)
    found = engine.auc(outcome[some], a[some])
    assert found["estimate"] == auc(outcome[some], a[some])["estimate"] and np.isnan(found["low"])
    assert engine.of_rows(some).auc(outcome[some], a[some]) == clustered_auc(outcome[some], a[some], patient[some])
    assert engine.plain.compare_auc(outcome, a, b) == compare_auc(outcome, a, b)


def test_what_has_no_clustered_form_is_nan():
    outcome, a, b, patient = make_rows(6)
    engine, p, q = ClusteredEngine(PythonEngine(), patient), 1 / (1 + np.exp(-a)), 1 / (1 + np.exp(-b))
    x = np.column_stack([np.ones(len(a)), a])
    assert np.isnan([engine.proportion(3, 9)[key] for key in ("low", "high")]).all()
    assert np.isnan(engine.hosmer_lemeshow(outcome, p)["p"])
    assert np.isnan(engine.likelihood_ratio(x[:, :1], x, outcome)["p"])
    assert np.isnan(engine.firth_limits(x, outcome)).all()
    assert np.isnan(engine.continuous_test(a[outcome == 0], a[outcome == 1], "welch")["p"])
    found = engine.reclassification(outcome, p, q, np.array([0.5]), 0.95)
    assert np.isfinite(found["nri"]) and np.isnan([v for k, v in found.items() if k.endswith(("_p", "_low"))]).all()


@pytest.mark.parametrize("pool", [1, 3])
def test_draws_are_of_patients(pool):
    from prldh.models.patients import draw_among_alike

    _, _, _, patient = make_rows(7)
    first = np.searchsorted(patient, patient)
    sizes = np.bincount(first, minlength=len(first))
    drawn = draw_among_alike(first, sizes * pool, 50, np.random.default_rng(1))
    assert drawn.shape == (50, len(first))
    for sample in drawn:
        counts = np.bincount(first[sample], minlength=len(first))
        times = counts[sizes > 0] / sizes[sizes > 0]
        assert (times == times.round()).all() and times.sum() == (sizes > 0).sum()


def test_coefficients_of_separated_outcomes_have_no_limits():
    """Their residuals vanish, and the sandwich with them: limits would be narrow about what has no bound."""
    outcome, score, _, patient = make_rows(3, 30)
    engine = ClusteredEngine(PythonEngine(), patient)
    told_apart = outcome * 8.0 + np.tanh(score)
    limits = engine.profile_limits(np.column_stack([np.ones(len(score)), told_apart]), outcome.astype(float), 0.95)
    assert np.isnan(limits).all()
    limits = engine.profile_limits(np.column_stack([np.ones(len(score)), score]), outcome.astype(float), 0.95)
    assert np.isfinite(limits).all()
