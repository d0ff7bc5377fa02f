"""Firth's penalised likelihood: what can be written down by hand, and what defines it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special
from scipy.optimize import minimize

from prldh.core.errors import DataError
from prldh.core.seeds import seed_for
from prldh.demo.published import COVARIATES, published_cohort, published_study
from prldh.engines.python import PythonEngine
from prldh.stats.firth import _Profile, fit_firth
from prldh.validation.resampling import Bootstrap

GROUP = np.repeat([0.0, 1.0], 8)
TABLE = np.column_stack([np.ones(16), GROUP])
OUTCOME = np.array([1.0] * 3 + [0.0] * 5 + [1.0] * 8)  # nobody without the event in the second group


@pytest.fixture
def engine():
    return PythonEngine()


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def penalised(design, outcome, coefficients):
    """Log-likelihood plus half the log determinant of the information, straight from the definition."""
    eta = design @ coefficients
    weight = special.expit(eta) * special.expit(-eta)
    likelihood = special.log_expit((2 * outcome - 1) * eta).sum()
    return likelihood + np.linalg.slogdet((design * weight[:, None]).T @ design)[1] / 2


def separated_study(seed=3, n=60):
    rng = np.random.default_rng(seed)
    level = np.arange(n) % 3
    design = np.column_stack([np.ones(n), rng.normal(20, 4, n), level == 1, level == 2])
    outcome = (rng.random(n) < special.expit(0.3 * (design[:, 1] - 20))).astype(float)
    outcome[level == 2] = 0.0
    return design, outcome


def test_a_saturated_table_gets_half_a_patient_more_in_each_cell(engine):
    fit = engine.fit_firth(TABLE, OUTCOME)
    np.testing.assert_allclose(fit["coefficients"], np.log([3.5 / 5.5, (8.5 / 0.5) / (3.5 / 5.5)]), rtol=1e-12)
    np.testing.assert_allclose(
        fit["standard_errors"] ** 2, [1 / 3.5 + 1 / 5.5, 1 / 3.5 + 1 / 5.5 + 1 / 8.5 + 1 / 0.5], rtol=1e-12
    )
    assert fit["converged"] == 1.0
    assert set(fit) == set(engine.fit_logistic(TABLE, OUTCOME))


@pytest.mark.parametrize("cells", [(3, 5, 8, 0), (7, 2, 4, 9), (1, 1, 1, 1), (12, 0, 0, 5), (40, 3, 1, 60)])
@pytest.mark.parametrize("which", ["python", pytest.param("r", marks=pytest.mark.r)])
def test_a_table_s_log_odds_ratio_has_one_half_in_each_cell(cells, which):
    """Events and non-events of two groups: log((a + 1/2)(d + 1/2) / ((b + 1/2)(c + 1/2))), by hand."""
    if which == "r":
        from prldh.engines.r import REngine as Engine
    else:
        Engine = PythonEngine
    a, b, c, d = cells
    group = np.repeat([0.0, 1.0], [a + b, c + d])
    outcome = np.repeat([1.0, 0.0, 1.0, 0.0], cells)
    fit = Engine().fit_firth(np.column_stack([np.ones(sum(cells)), group]), outcome)
    halves = [x + 0.5 for x in cells]
    odds = halves[0] / halves[1], halves[2] / halves[3]
    np.testing.assert_allclose(
        fit["coefficients"], [np.log(odds[0]), np.log(odds[1] / odds[0])], rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(fit["standard_errors"][1] ** 2, sum(1 / x for x in halves), rtol=1e-11)


def test_an_intercept_alone_is_jeffreys_estimate(engine):
    fit = engine.fit_firth(np.ones((9, 1)), np.repeat([0.0, 1.0], [7, 2]))
    assert fit["coefficients"][0] == pytest.approx(np.log(2.5 / 7.5), rel=1e-12)
    assert fit["deviance"] == pytest.approx(fit["null_deviance"], rel=1e-12)


def test_the_estimate_is_the_maximum_and_limits_lie_where_the_profile_says(engine):
    design, outcome = separated_study()
    fit, limits = engine.fit_firth(design, outcome), engine.firth_limits(design, outcome, 0.9)
    b, best = fit["coefficients"], fit["log_likelihood"]
    assert best == pytest.approx(penalised(design, outcome, b), rel=1e-12)
    scale = 1.0 / np.abs(design).max(axis=0)

    def held(j, value):
        others = np.arange(4) != j

        def lost(free):
            full = np.full(4, value)
            full[others] = b[others] + free * scale[others]
            return best - penalised(design, outcome, full)

        start = np.zeros(3)
        for _ in range(4):
            start = minimize(
                lost, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000}
            ).x
        return lost(start)

    quantile = special.chdtri(1.0, 0.1)
    for j in range(4):
        assert 2 * held(j, b[j]) == pytest.approx(0.0, abs=1e-9)
        assert special.chdtrc(1.0, 2 * held(j, 0.0)) == pytest.approx(fit["p_values"][j], rel=1e-5)
        assert limits[j, 0] < b[j] < limits[j, 1]
        for limit in limits[j]:
            assert 2 * held(j, limit) == pytest.approx(quantile, rel=1e-7)


def test_the_units_of_a_column_do_not_matter(engine):
    design, outcome = separated_study()
    factors = np.array([1.0, 1e5, 1e-4, 1.0])
    one, other = engine.fit_firth(design, outcome), engine.fit_firth(design * factors, outcome)
    np.testing.assert_allclose(other["coefficients"] * factors, one["coefficients"], rtol=1e-10)
    np.testing.assert_allclose(other["p_values"], one["p_values"], rtol=1e-9)
    np.testing.assert_allclose(
        engine.firth_limits(design * factors, outcome) * factors[:, None],
        engine.firth_limits(design, outcome),
        rtol=1e-10,
    )


def test_complete_separation_has_finite_answers(engine):
    design = np.column_stack([np.ones(10), np.arange(10.0)])
    outcome = np.repeat([0.0, 1.0], 5)
    fit, limits = engine.fit_firth(design, outcome), engine.firth_limits(design, outcome)
    assert all(np.isfinite(fit[key]).all() for key in fit)
    assert np.isfinite(limits).all()
    assert fit["coefficients"][0] == pytest.approx(-4.5 * fit["coefficients"][1], rel=1e-11)  # the data are symmetric
    assert limits[1, 0] > 0.0
    assert not engine.warnings


BOTH_ENGINES = pytest.mark.parametrize("which", ["python", pytest.param("r", marks=pytest.mark.r)])


def engine_of(which):
    if which == "python":
        return PythonEngine()
    from prldh.engines.r import REngine

    return REngine()


def case(name):
    """Design and outcome of a table in ``tests/cases``."""
    table = pd.read_csv(Path(__file__).parents[1] / "cases" / f"{name}.csv")
    return table.drop(columns="outcome").to_numpy(float), table["outcome"].to_numpy(float)


@BOTH_ENGINES
def test_a_limit_far_out_does_not_hang_on_the_last_digits(which):
    """Where the next place of the profile is so far out that no maximum is found from the last one, nearer ones are
    tried: rounding would decide otherwise where the search stops, or divide by zero."""
    engine, (design, outcome) = engine_of(which), case("separated")
    low, high = engine.firth_limits(design, outcome)[-1]
    assert (low, high) == pytest.approx(engine.firth_limits(design.round(5), outcome)[-1], rel=1e-3)
    assert low == pytest.approx(-74.19, abs=0.01) and high == pytest.approx(-1.082, abs=1e-3)


@pytest.mark.r
def test_limits_far_out_are_the_same_in_both_engines(engine):
    one, other = (e.firth_limits(*case("separated")) for e in (engine, engine_of("r")))
    np.testing.assert_allclose(one, other, rtol=1e-9)


@BOTH_ENGINES
def test_a_p_value_does_not_hang_on_where_its_search_begins(which):
    """With x1 held at 0, no maximum is found from the others' estimates, which are far from it; it is from 0. Where the
    first search ends the p-value would be 1e-93."""
    design, outcome = case("far_from_zero")
    fit = engine_of(which).fit_firth(design, outcome)
    lengths = np.linalg.norm(design, axis=0)
    held = minimize(lambda b: -penalised(design / lengths, outcome, np.insert(b, 1, 0.0)), np.zeros(6)).fun
    fall = 2 * (fit["log_likelihood"] + held - np.log(lengths).sum())
    assert fit["p_values"][1] == pytest.approx(special.chdtrc(1.0, fall), rel=1e-4)
    assert 1e-4 < fit["p_values"][1] < 1.2e-4
    assert fit["converged"] == 1.0


def test_a_fit_that_finds_no_maximum_with_a_coefficient_at_0_says_that_it_did_not_converge(monkeypatch):
    assert fit_firth(TABLE, OUTCOME)["converged"] == 1.0
    monkeypatch.setattr(_Profile, "at", lambda profile, b, start: (-12.0 - abs(start).max(), 0.0, start, False))
    fit = fit_firth(TABLE, OUTCOME)
    assert fit["converged"] == 0.0
    fall = 2 * (fit["log_likelihood"] - np.log(0.5) + 12.0)  # of two ends the higher: that from 0
    np.testing.assert_allclose(fit["p_values"], special.chdtrc(1.0, fall), rtol=1e-9)


def test_aliased_columns_are_left_out(engine):
    design, outcome = separated_study()
    wide = np.column_stack([design, 2 * design[:, 1] - 1])
    fit, plain = engine.fit_firth(wide, outcome), engine.fit_firth(design, outcome)
    for key in ("coefficients", "standard_errors", "p_values"):
        assert np.isnan(fit[key]).tolist() == [False] * 4 + [True]
        np.testing.assert_allclose(fit[key][:4], plain[key], rtol=1e-12)
    assert np.isnan(engine.firth_limits(wide, outcome)[4]).all()
    assert engine.refit_firth(wide, outcome, np.arange(60), [60])["coefficients"][0, 4] == 0.0


def test_refits_are_fits_on_the_resample(engine):
    design, outcome = separated_study()
    rng = np.random.default_rng(5)
    rows = [rng.integers(0, 60, 60), np.arange(1, 60), np.flatnonzero(outcome == 0)]
    found = engine.refit_firth(design, outcome, np.concatenate(rows), [len(r) for r in rows])["coefficients"]
    for row, coefficients in zip(rows[:2], found, strict=False):
        np.testing.assert_allclose(
            coefficients, engine.fit_firth(design[row], outcome[row])["coefficients"], rtol=1e-11
        )
    assert np.isnan(found[2]).all()


# -- several maxima --------------------------------------------------------------------------------------------


def mirrored_study(seed=0, n=60, gap=4.0):
    """Patients 0 (event) and 1 (no event) alone have the last column's level, and predictors that say the opposite."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    outcome = (rng.random(n) < special.expit(4 * x)).astype(float)
    x[:2], outcome[:2] = (-gap, gap), (1.0, 0.0)
    return np.column_stack([np.ones(n), x, np.arange(n) < 2]), outcome


def curvature(design, outcome, b):
    """Largest second derivative of the penalised log-likelihood over all directions, by differences, columns scaled to
    unit length."""
    steps = 1e-3 / np.linalg.norm(design, axis=0) * np.sqrt(len(outcome))
    k = len(b)
    hessian = np.empty((k, k))
    for i in range(k):
        for j in range(k):
            at = [
                penalised(design, outcome, b + steps * (s * np.eye(k)[i] + t * np.eye(k)[j]))
                for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1))
            ]
            hessian[i, j] = (at[0] - at[1] - at[2] + at[3]) / 4e-6
    return np.linalg.eigvalsh(hessian).max()


def test_of_two_equal_maxima_the_lower_coefficient_is_taken_and_never_the_saddle_between(engine):
    design, outcome = mirrored_study()
    b = engine.fit_firth(design, outcome)["coefficients"]
    twin = b * [1, 1, -1] - [0, 0, 2 * b[0]]  # the x values of the two cancel
    middle = (b + twin) / 2
    assert b[2] < twin[2] - 0.1
    assert penalised(design, outcome, twin) == pytest.approx(penalised(design, outcome, b), abs=1e-12)
    assert penalised(design, outcome, middle) < penalised(design, outcome, b) - 1e-4
    assert curvature(design, outcome, b) < 0 < curvature(design, outcome, middle)
    order = np.random.default_rng(1).permutation(len(outcome))
    np.testing.assert_allclose(engine.fit_firth(design[order], outcome[order])["coefficients"], b, rtol=1e-9)
    units = np.array([1.0, 1e3, 1e-2])
    np.testing.assert_allclose(engine.fit_firth(design * units, outcome)["coefficients"] * units, b, rtol=1e-9)


def test_where_the_two_patients_are_less_unlike_there_is_one_maximum_halfway(engine):
    design, outcome = mirrored_study(gap=0.4)
    b = engine.fit_firth(design, outcome)["coefficients"]
    assert b[2] == pytest.approx(-b[0], abs=1e-11)
    assert curvature(design, outcome, b) < 0


def demo_design(names, n_samples):
    """The demo's published study, adjusted model of these Radscores, and its bootstrap samples: design (170, k),
    outcome, samples."""
    cohort = published_cohort()
    columns = [np.ones(len(cohort)), *(cohort[name].to_numpy(float) for name in names)]
    for name, settings in COVARIATES.items():
        if settings["type"] == "continuous":
            columns.append(cohort[name].to_numpy(float))
        else:
            columns += [(cohort[name] == level).to_numpy(float) for level in settings["levels"][1:]]
    outcome = (cohort["recurrence"] == "yes").to_numpy(float)
    samples = Bootstrap().resamples(outcome, n_samples, seed_for(published_study()["seed"], "validation", "bootstrap"))
    return np.column_stack(columns), outcome, [s.train for s in samples]


DISC, MUSCLE = ("disc",), ("muscle",)


@pytest.mark.parametrize(("names", "sample"), [(DISC, 503), (DISC, 605), (MUSCLE, 605), (DISC, 773)])
def test_bootstrap_samples_of_the_demo_that_have_a_saddle_end_at_a_maximum(engine, names, sample):
    """In samples 503 and 605 a level of the preoperative VAS has one patient of each outcome, maybe drawn several
    times."""
    design, outcome, samples = demo_design(names, sample + 1)
    design, outcome = design[samples[sample]], outcome[samples[sample]]
    fit = engine.fit_firth(design, outcome)
    kept = np.isfinite(fit["coefficients"])
    design, b = design[:, kept], fit["coefficients"][kept]
    assert fit["converged"] == 1.0
    assert curvature(design, outcome, b) < -1e-3
    rng = np.random.default_rng(2)
    nearby = [b + 1e-3 * rng.normal(size=len(b)) / np.abs(design).max(axis=0) for _ in range(50)]
    assert max(penalised(design, outcome, other) for other in nearby) < penalised(design, outcome, b)


def test_bad_input_is_refused(engine):
    with pytest.raises(DataError, match="0 or 1"):
        engine.fit_firth(TABLE, GROUP * 2)
    with pytest.raises(DataError, match="add up"):
        engine.refit_firth(TABLE, OUTCOME, [0, 1], [3])


@pytest.mark.r
def test_the_engines_agree(engine):
    from prldh.engines.r import REngine

    r = REngine()
    design, outcome = separated_study(seed=8)
    one, other = engine.fit_firth(design, outcome), r.fit_firth(design, outcome)
    assert set(one) == set(other)
    for key in one:
        np.testing.assert_allclose(one[key], other[key], rtol=1e-9, err_msg=key)
    np.testing.assert_allclose(
        engine.firth_limits(design, outcome, 0.8), r.firth_limits(design, outcome, 0.8), rtol=1e-10
    )
    rows = np.random.default_rng(1).integers(0, 60, (20, 60))
    found = [e.refit_firth(design, outcome, rows.ravel(), [60] * 20)["coefficients"] for e in (engine, r)]
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-10)


@pytest.mark.r
def test_the_engines_reach_the_same_maximum_in_bootstrap_samples(engine):
    """27 parameters and some 40 events: levels are absent, everyone is separated, maxima are several and some equally
    high."""
    from prldh.engines.r import REngine

    r = REngine()
    design, outcome, samples = demo_design(DISC, 800)
    picked = [*range(60), 427, 503, 590, 605, 773]
    rows, lengths = np.concatenate([samples[i] for i in picked]), [170] * len(picked)
    one, other = (e.refit_firth(design, outcome, rows, lengths)["coefficients"] for e in (engine, r))
    assert np.array_equal(one == 0.0, other == 0.0)  # the same columns are aliased
    assert (one == 0.0).any()
    assert (np.abs(one - other) / np.maximum(np.abs(other), 1e-3)).max() < 1e-9
    design, outcome = mirrored_study()
    fits = [e.fit_firth(design, outcome) for e in (engine, r)]
    for key in fits[0]:
        np.testing.assert_allclose(fits[0][key], fits[1][key], rtol=1e-8, err_msg=key)


NORMAL = np.random.default_rng(0).normal(size=(60, 8))
ONES = np.ones((60, 1))
DEGENERATE = {
    "three patients": (np.column_stack([np.ones(3), [1.0, 2.0, 3.0]]), [0, 0, 1]),
    "two patients": (np.column_stack([np.ones(2), [1.0, 2.0]]), [0, 1]),
    "one class": (np.hstack([ONES, NORMAL])[:8, :2], np.zeros(8)),
    "fewer patients than columns": (np.hstack([ONES, NORMAL])[:5], [0, 0, 1, 1, 0]),
    "as many patients as columns": (np.hstack([ONES, NORMAL])[:5, :5], [0, 0, 1, 1, 0]),
    "a constant column": (np.hstack([ONES, 3 * ONES, NORMAL])[:8, :3], np.tile([0, 1], 4)),
    "one event": (np.hstack([ONES, NORMAL])[:, :3], np.arange(60) == 7),
}


@pytest.mark.r
@pytest.mark.parametrize(("design", "outcome"), DEGENERATE.values(), ids=DEGENERATE)
def test_small_studies_have_the_same_finite_answers_in_both_engines(engine, design, outcome):
    from prldh.engines.r import REngine

    r = REngine()
    outcome = np.asarray(outcome, dtype=float)
    rank = np.linalg.matrix_rank(design)
    one, other = engine.fit_firth(design, outcome), r.fit_firth(design, outcome)
    assert one["converged"] == other["converged"] == 1.0
    assert np.isfinite(one["coefficients"]).sum() == np.isfinite(one["p_values"]).sum() == rank
    for key in set(one) - {"iterations"}:
        np.testing.assert_allclose(one[key], other[key], rtol=1e-9, atol=1e-11, err_msg=key)
    limits = engine.firth_limits(design, outcome)
    assert np.isfinite(limits).all(axis=1).sum() == rank
    np.testing.assert_allclose(limits, r.firth_limits(design, outcome), rtol=1e-9, atol=1e-11)
