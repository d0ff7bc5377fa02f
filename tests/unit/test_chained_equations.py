"""Chained equations: conditional models by their definitions, chains and new rows, data at the edge, known truths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special

from prldh.core.errors import DataError
from prldh.engines.python import PythonEngine
from prldh.stats.chained_equations import CONTINUOUS, apply_chains, fit_chains
from prldh.stats.conditional_models import (
    PRIOR_LINEAR,
    PRIOR_LOGISTIC,
    Conditional,
    draw_linear,
    draw_logistic,
    fill,
)

engine = PythonEngine()
SEED = np.random.SeedSequence(20240101)


@pytest.fixture(autouse=True)
def no_warnings():
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        yield


# -- conditional models ----------------------------------------------------------------------------------------


def test_linear_draws_are_the_posterior_s():
    rng = np.random.default_rng(1)
    n, d = 30, 4
    x = np.column_stack([np.ones(n), rng.normal(size=(n, d - 1))])
    y = x @ [0.0, 1.0, -0.5, 0.0] + rng.normal(size=n)
    draws = [draw_linear(x, y, y, 5, rng) for _ in range(20000)]
    information = x.T @ x + np.diag([1e-4] + [PRIOR_LINEAR] * (d - 1))
    estimates = np.linalg.solve(information, x.T @ y)
    np.testing.assert_allclose(draws[0].mode[0], estimates, rtol=1e-10)
    found = np.array([m.coefficients[0] for m in draws])
    residual = ((y - x @ estimates) ** 2).sum()
    covariance = residual / (n - d - 2) * np.linalg.inv(information)  # a multivariate t's
    np.testing.assert_allclose(found.mean(axis=0), estimates, atol=0.01)
    np.testing.assert_allclose(np.cov(found.T), covariance, rtol=0.06, atol=0.002)
    assert (np.diff(draws[0].fitted) >= 0).all()
    np.testing.assert_allclose(draws[0].fitted, np.sort(x @ estimates), rtol=1e-12)


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_logistic_estimates_are_the_penalised_maximum(levels):
    rng = np.random.default_rng(levels)
    n, d = 80, 3
    x = np.column_stack([np.ones(n), rng.normal(size=(n, d - 1))])
    codes = rng.integers(0, levels, n)
    codes[x[:, 1] > 1] = levels - 1

    def objective(flat):
        b = np.vstack([np.zeros(d), flat.reshape(levels - 1, d)])
        eta = x @ b.T
        fit = (eta[np.arange(n), codes] - special.logsumexp(eta, axis=1)).sum()
        return PRIOR_LOGISTIC / 2 * (b[:, 1:] ** 2).sum() + 0.5e-4 * (b[:, 0] ** 2).sum() - fit

    best = optimize.minimize(objective, np.zeros((levels - 1) * d), method="BFGS", options={"gtol": 1e-9})
    draws = [draw_logistic(x, codes.astype(float), None, rng) for _ in range(5000)]
    # iterations stop far below what a draw can show
    np.testing.assert_allclose(draws[0].mode.ravel(), best.x, atol=2e-4)
    found = np.array([m.coefficients.ravel() for m in draws])
    np.testing.assert_allclose(found.mean(axis=0), best.x, atol=0.06)
    share = special.softmax(x @ np.vstack([np.zeros(d), best.x.reshape(levels - 1, d)]).T, axis=1)[:, 1:]
    weight = share[:, :, None] * (np.eye(levels - 1) - share[:, None, :])
    information = np.einsum("iac,ij,ih->ajch", weight, x, x).reshape(best.x.size, best.x.size)
    information += np.diag(np.tile([1e-4] + [PRIOR_LOGISTIC] * (d - 1), levels - 1))
    np.testing.assert_allclose(np.cov(found.T), np.linalg.inv(information), rtol=0.1, atol=0.02)
    warm = draw_logistic(x, codes.astype(float), draws[0].mode + 0.1, rng)
    np.testing.assert_allclose(warm.mode.ravel(), best.x, atol=2e-4)


def test_with_many_patients_the_prior_is_nothing():
    rng = np.random.default_rng(3)
    n = 20000
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    y = (rng.random(n) < special.expit(x @ [-1, 1, 0.5])).astype(float)
    fit = engine.fit_logistic(x, y)
    np.testing.assert_allclose(
        draw_logistic(x, y, None, rng).mode[0], fit["coefficients"], atol=0.02 * fit["standard_errors"].max()
    )


def test_levels_are_chosen_with_their_probabilities():
    x = np.array([[1.0, 0.3]])
    b = np.array([[0.2, -1.0], [-0.5, 2.0]])
    model = Conditional(b, np.array([0.0, 2.0, 5.0]), np.empty(0), 0, b)
    uniforms = (np.arange(10000) + 0.5) / 10000
    found = fill(model, np.repeat(x, 10000, axis=0), uniforms)
    expected = special.softmax(np.concatenate([[0.0], (x @ b.T)[0]]))
    np.testing.assert_allclose([(found == level).mean() for level in (0, 2, 5)], expected, atol=1e-4)
    far = Conditional(1e4 * b, np.array([0.0, 2.0, 5.0]), np.empty(0), 0, b)
    assert (fill(far, np.repeat(x, 3, axis=0), np.array([0.0, 0.5, 1 - 1e-16])) == 5).all()


def test_donors_are_the_nearest_and_ties_stand_in_for_each_other():
    """Against enumeration: the d nearest, equally likely, where donors as near as the last one share its place."""
    rng = np.random.default_rng(4)
    uniforms = (np.arange(6000) + 0.5) / 6000
    for _ in range(60):
        n = int(rng.integers(1, 12))
        fitted = np.sort(rng.integers(-4, 5, n)).astype(float)
        values, donors = np.arange(n) + 100.0, min(int(rng.integers(1, 7)), n)
        target = float(rng.integers(-6, 7)) / 2
        model = Conditional(np.array([[target]]), values, fitted, donors, np.empty(0))
        found = fill(model, np.ones((6000, 1)), uniforms)
        distance = np.abs(fitted - target)
        last = np.sort(distance)[donors - 1]
        chance = (distance < last) / donors
        chance[distance == last] = (1 - chance.sum()) / (distance == last).sum()
        np.testing.assert_allclose([(found == v).mean() for v in values], chance, atol=2e-3)


# -- chains ----------------------------------------------------------------------------------------------------


def mixed(n: int = 120, seed: int = 0) -> tuple[np.ndarray, tuple, np.ndarray]:
    """Correlated variables of every kind with holes, and two extra predictors, the last an outcome."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    z = common[:, None] + rng.normal(size=(n, 5))
    y = (rng.random(n) < special.expit(common)).astype(float)
    three, four = np.digitize(z[:, 3], [-1, 1]), np.digitize(z[:, 4], [-1.5, 0, 1.5])
    values = np.column_stack([z[:, 0], np.exp(z[:, 1]), z[:, 2] > 0, three, four]).astype(float)
    values[:, :4][rng.random((n, 4)) < 0.2] = np.nan
    return values, (CONTINUOUS, CONTINUOUS, 2, 3, 4), np.column_stack([common + rng.normal(size=n), y])


def test_what_was_observed_stays_and_what_is_imputed_was_observed():
    values, kinds, extra = mixed()
    chains = fit_chains(values, kinds, extra, 4, 5, SEED)
    known = ~np.isnan(values)
    assert chains.completed.shape == (4, *values.shape) and chains.unobserved == ()
    for filled in chains.completed:
        np.testing.assert_array_equal(filled[known], values[known])
        for t in range(5):
            assert np.isin(filled[:, t], values[known[:, t], t]).all()
    assert all(len({filled[i, t] for filled in chains.completed}) > 1 for i, t in np.argwhere(~known)[:40] if t < 2)


def test_chains_have_streams_of_their_own():
    values, kinds, extra = mixed()
    few, many = (fit_chains(values, kinds, extra, m, 3, SEED) for m in (2, 5))
    np.testing.assert_array_equal(few.completed, many.completed[:2])
    seed = np.random.SeedSequence(5, spawn_key=(3,))
    first = fit_chains(values, kinds, extra, 2, 3, seed).completed
    seed.spawn(4)  # whatever happened to the seed since
    np.testing.assert_array_equal(fit_chains(values, kinds, extra, 2, 3, seed).completed, first)
    assert (fit_chains(values, kinds, extra, 2, 3, np.random.SeedSequence(6)).completed != first).any()


def test_one_incomplete_variable_needs_one_round():
    values, kinds, extra = mixed()
    values[:, 1:] = np.where(np.isnan(values[:, 1:]), 1.0, values[:, 1:])
    once, often = (fit_chains(values, kinds, extra, 3, r, SEED).completed for r in (1, 8))
    np.testing.assert_array_equal(once, often)


def test_units_do_not_matter():
    values, kinds, extra = mixed()
    scale = np.array([2.0**10, 2.0**-7, 1, 1, 1])  # powers of 2: exact
    plain = fit_chains(values, kinds, extra, 3, 4, SEED).completed
    other = fit_chains(values * scale, kinds, extra * [2.0**20, 1], 3, 4, SEED).completed
    np.testing.assert_array_equal(other, plain * scale)


def test_new_rows_do_not_depend_on_each_other():
    values, kinds, extra = mixed(160)
    chains = fit_chains(values[:100], kinds, extra[:100], 3, 4, SEED)
    new, predictors, ids = values[100:], extra[100:], np.arange(100, 160)
    together = apply_chains(chains, new, predictors, ids, np.random.SeedSequence(9))
    assert not np.isnan(together).any()
    known = ~np.isnan(new)
    for filled in together:
        np.testing.assert_array_equal(filled[known], new[known])
    for rows in ([7], [3, 40, 41], np.arange(60)[::-1]):
        again = fit_chains(values[:100], kinds, extra[:100], 3, 4, SEED)
        alone = apply_chains(again, new[rows], predictors[rows], ids[rows], np.random.SeedSequence(9))
        np.testing.assert_array_equal(alone, together[:, rows])
    elsewhere = apply_chains(chains, new, predictors, ids + 1000, np.random.SeedSequence(9))
    assert (elsewhere != together).any()


def test_new_rows_may_lack_what_every_training_row_has():
    """The models of such variables are made when needed, from streams of their own: nothing else moves by it."""
    values, kinds, extra = mixed(160)
    train = values[:100].copy()
    train[:, 0] = np.where(np.isnan(train[:, 0]), 0.3, train[:, 0])
    new = values[100:].copy()
    chains = fit_chains(train, kinds, extra[:100], 2, 3, SEED)
    before, models = chains.completed.copy(), [dict(m) for m in chains.models]
    assert all(0 not in m and 4 not in m for m in models)
    plain = apply_chains(chains, new, extra[100:], np.arange(60), SEED)
    new[5, 4] = np.nan
    new[6] = np.nan
    found = apply_chains(chains, new, extra[100:], np.arange(60), SEED)
    assert not np.isnan(found).any()
    others = np.delete(np.arange(60), [5, 6])
    np.testing.assert_array_equal(found[:, others], plain[:, others])
    np.testing.assert_array_equal(chains.completed, before)
    assert all(chains.models[j][t] is model for j in range(2) for t, model in models[j].items())


def test_new_rows_follow_the_training_rows_law():
    rng = np.random.default_rng(8)
    n, k = 2000, 2000
    x = rng.normal(size=n)
    y = 2 * x + rng.normal(size=n)
    g = (rng.random(n) < special.expit(1 + 2 * x)).astype(float)
    values = np.column_stack([x, y, g])
    values[rng.random((n, 3)) < [0, 0.1, 0.1]] = np.nan
    chains = fit_chains(values, (CONTINUOUS, CONTINUOUS, 2), None, 1, 3, SEED)
    at = np.linspace(-1.5, 1.5, k)
    new = np.column_stack([at, np.full(k, np.nan), np.full(k, np.nan)])
    found = apply_chains(chains, new, None, np.arange(k), SEED)[0]
    slope, intercept = np.polyfit(at, found[:, 1], 1)
    assert slope == pytest.approx(2, abs=0.2) and intercept == pytest.approx(0, abs=0.15)
    assert np.std(found[:, 1] - 2 * at) == pytest.approx(1, abs=0.1)
    fit = engine.fit_logistic(np.column_stack([np.ones(k), at]), found[:, 2])
    np.testing.assert_allclose(fit["coefficients"], [1, 2], atol=0.5)


def test_variables_missing_together_keep_their_correlation():
    """What makes it a chain: the second variable is drawn given what was drawn of the first, and so round."""
    rng = np.random.default_rng(9)
    n = 1500
    z = rng.multivariate_normal(np.zeros(3), [[1, 0.9, 0.9], [0.9, 1, 0.9], [0.9, 0.9, 1]], n)
    values = np.column_stack([z[:, :2], z[:, 2] > 0])
    blank = np.arange(n) < 500
    values[blank] = np.nan
    chains = fit_chains(values, (CONTINUOUS, CONTINUOUS, 2), None, 4, 10, SEED)
    new = apply_chains(chains, np.full((500, 3), np.nan), None, np.arange(500), SEED)

    def apart(rows):
        return rows[rows[:, 2] == 1, 0].mean() - rows[rows[:, 2] == 0, 0].mean()

    for completed in (chains.completed[:, blank], new):
        for filled in completed:
            assert np.corrcoef(filled[:, :2].T)[0, 1] == pytest.approx(0.9, abs=0.06)
        assert np.mean([apart(filled) for filled in completed]) == pytest.approx(apart(values[~blank]), abs=0.2)


# -- at the edge -----------------------------------------------------------------------------------------------


def test_separation_does_not_wash_out_the_imputations():
    """White, Daniel and Royston (2010): a factor that another predicts perfectly is imputed as that one says, not at
    random."""
    rng = np.random.default_rng(2)
    x = np.repeat([-1.0, 1.0], 60) + 0.2 * rng.normal(size=120)
    g = (x > 0).astype(float)
    g[rng.choice(120, 40, replace=False)] = np.nan
    three = np.where(np.isnan(g), np.nan, g + (x > 1))
    # mice: 0.96, 0.87
    for factor, levels, truth, right in ((g, 2, x > 0, 0.9), (three, 3, (x > 0).astype(float) + (x > 1), 0.75)):
        blank = np.isnan(factor)
        completed = fit_chains(np.column_stack([x, factor]), (CONTINUOUS, levels), None, 20, 1, SEED).completed
        assert (completed[:, blank, 1] == truth[blank]).mean() > right


def test_a_rare_level_stays_rare_whatever_the_number_of_predictors():
    rng = np.random.default_rng(3)
    g = np.zeros(200)
    g[:8] = 1
    factor = np.where(np.arange(200) % 4 == 3, np.nan, g)
    # 0.04 is observed; mice, with its pseudo-observations, imputes 0.075 and 0.145
    for n_predictors, most in ((5, 0.065), (15, 0.14)):
        completed = fit_chains(factor[:, None], (2,), rng.normal(size=(200, n_predictors)), 40, 1, SEED).completed
        assert completed[:, np.isnan(factor), 0].mean() < most


@pytest.mark.parametrize("extra", ["collinear", "constant", "more than rows", "huge"])
def test_predictors_that_tell_nothing_new(extra):
    values, kinds, _ = mixed(60)
    rng = np.random.default_rng(0)
    base = rng.normal(size=(60, 1))
    predictors = {
        "collinear": np.hstack([base, base, -2 * base + 1]),
        "constant": np.full((60, 2), 7.7),
        "more than rows": rng.normal(size=(60, 90)),
        "huge": 1e150 * base,
    }[extra]
    chains = fit_chains(values, kinds, predictors, 3, 4, SEED)
    for t in range(5):
        known = values[~np.isnan(values[:, t]), t]
        assert np.isin(chains.completed[:, :, t], known).all()
    new = apply_chains(chains, np.full((4, 5), np.nan), predictors[:4], np.arange(4), SEED)
    assert not np.isnan(new).any()


def test_new_rows_beyond_all_measure():
    values, kinds, extra = mixed(60)
    chains = fit_chains(values, kinds, extra, 2, 2, SEED)
    with np.errstate(over="ignore", invalid="ignore"):  # sums of infinities
        new = apply_chains(
            chains, np.full((2, 5), np.nan), np.array([[1e308, -1e308], [-1e308, 1e308]]), np.arange(2), SEED
        )
    for t in range(5):
        assert np.isin(new[:, :, t], values[:, t]).all()


def test_constant_predictors_change_nothing():
    values, kinds, extra = mixed(80)
    plain = fit_chains(values, kinds, extra, 2, 3, SEED)
    more = fit_chains(values, kinds, np.column_stack([np.full(80, 0.1), extra]), 2, 3, SEED)
    np.testing.assert_array_equal(plain.completed, more.completed)


@pytest.mark.parametrize("observed", [0, 1, 2])
@pytest.mark.parametrize("kind", [CONTINUOUS, 2, 4])
def test_hardly_observed(observed, kind):
    values, kinds, extra = mixed(40)
    column = np.full(40, np.nan)
    column[:observed] = 1.0
    values[:, 3], kinds = column, (*kinds[:3], kind, kinds[4])
    chains = fit_chains(values, kinds, extra, 2, 3, SEED)
    assert chains.unobserved == ((3,) if observed == 0 else ())
    assert (chains.completed[:, :, 3] == min(observed, 1)).all()
    new = apply_chains(chains, values[:5], extra[:5], np.arange(5), SEED)
    assert (new[:, observed:, 3] == min(observed, 1)).all()


def test_two_different_values_and_three_patients():
    values = np.array([[1.0, 0], [2.0, np.nan], [np.nan, 1]])
    chains = fit_chains(values, (CONTINUOUS, 2), np.array([[0.0], [1.0], [1.0]]), 30, 5, SEED)
    assert set(chains.completed[:, 2, 0]) == {1.0, 2.0} and set(chains.completed[:, 1, 1]) == {0.0, 1.0}


def test_levels_that_no_training_row_has():
    rng = np.random.default_rng(6)
    factor = rng.choice([1.0, 3.0], 50)
    factor[:10] = np.nan
    x = rng.normal(size=50)
    chains = fit_chains(np.column_stack([x, factor]), (CONTINUOUS, 4), None, 3, 2, SEED)
    assert set(chains.completed[:, :10, 1].ravel()) == {1.0, 3.0}
    # 0 and 2 are new: they predict nothing
    new = np.array([[0.5, 0.0], [np.nan, 0.0], [np.nan, 2.0], [np.nan, np.nan]])
    found = apply_chains(chains, new, None, np.arange(4), SEED)
    assert (
        (found[:, :3, 1] == new[:3, 1]).all()
        and set(found[:, 3, 1]) <= {1.0, 3.0}
        and np.isin(found[:, 1:, 0], x).all()
    )


def test_complete_rows_come_back():
    values, kinds, extra = mixed()
    values = np.where(np.isnan(values), 1.0, values)
    chains = fit_chains(values, kinds, extra, 3, 2, SEED)
    np.testing.assert_array_equal(chains.completed, np.tile(values, (3, 1, 1)))
    np.testing.assert_array_equal(
        apply_chains(chains, values[:4], extra[:4], np.arange(4), SEED), np.tile(values[:4], (3, 1, 1))
    )
    assert not any(chains.models)


def test_what_cannot_be_is_told():
    values, kinds, extra = mixed()
    chains = fit_chains(values, kinds, extra, 1, 1, SEED)
    with pytest.raises(DataError, match="a column for each kind"):
        fit_chains(values, kinds[:4], extra, 1, 1, SEED)
    with pytest.raises(DataError, match="codes from 0 to 1"):
        fit_chains(values + 0.5, kinds, extra, 1, 1, SEED)
    with pytest.raises(DataError, match="extra predictors complete"):
        fit_chains(values, kinds, np.where(extra == extra.max(), np.nan, extra), 1, 1, SEED)
    with pytest.raises(DataError, match="rows of values"):
        apply_chains(chains, values, extra[:, :1], np.arange(120), SEED)


# -- known truths ----------------------------------------------------------------------------------------------

TRUTH = np.array([-0.5, 1.0, 1.0])


def missing_by_outcome(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two covariates and an outcome; the first is missing mostly where there is the event and the second is high."""
    x = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], n)
    y = (rng.random(n) < special.expit(TRUTH[0] + x @ TRUTH[1:])).astype(float)
    values = x.copy()
    values[rng.random(n) < np.where((y == 1) & (x[:, 1] > 0), 0.7, 0.1), 0] = np.nan
    return values, y


def pooled_logistic(values: np.ndarray, y: np.ndarray, m: int, seed: int) -> dict:
    completed = fit_chains(values, (CONTINUOUS, CONTINUOUS), y[:, None], m, 5, np.random.SeedSequence(seed)).completed
    fits = [engine.fit_logistic(np.column_stack([np.ones(len(y)), filled]), y) for filled in completed]
    return engine.pool_estimates([f["coefficients"] for f in fits], [f["standard_errors"] ** 2 for f in fits])


def test_imputation_mends_what_complete_cases_get_wrong():
    """300 studies of 300: complete cases miss the slopes by far, pooled estimates hit them and their intervals
    cover."""
    rng = np.random.default_rng(12)
    complete, pooled, covered = [], [], []
    for s in range(300):
        values, y = missing_by_outcome(rng, 300)
        keep = ~np.isnan(values[:, 0])
        complete.append(
            engine.fit_logistic(np.column_stack([np.ones(keep.sum()), values[keep]]), y[keep])["coefficients"]
        )
        found = pooled_logistic(values, y, 10, s)
        pooled.append(found["estimate"])
        covered.append((found["low"] <= TRUTH) & (TRUTH <= found["high"]))
    bias = np.mean(pooled, axis=0) - TRUTH
    assert np.mean(complete, axis=0)[2] < TRUTH[2] - 0.3
    assert (np.abs(bias) < [0.08, 0.12, 0.1]).all(), bias
    assert ((np.mean(covered, axis=0) > 0.92) & (np.mean(covered, axis=0) < 0.985)).all(), np.mean(covered, axis=0)


def test_missing_information_grows_with_what_is_missing():
    rng = np.random.default_rng(13)
    x = rng.normal(size=(600, 2))
    y = (rng.random(600) < special.expit(x[:, 0])).astype(float)
    order = rng.random(600)
    fmi = []
    for share in (0.0, 0.1, 0.3, 0.5):
        values = x.copy()
        values[order < share, 0] = np.nan
        fmi.append(pooled_logistic(values, y, 40, 3)["fmi"][1])
    assert fmi[0] == 0 and (np.diff(fmi) > 0.05).all() and fmi[-1] < 0.85


def test_the_outcome_is_needed_for_fitting():
    """Without the outcome among the predictors, imputed values have nothing to do with it, and slopes shrink (Moons et
    al. 2006)."""
    rng = np.random.default_rng(14)
    x = rng.normal(size=(2000, 1))
    y = (rng.random(2000) < special.expit(x[:, 0])).astype(float)
    values = np.where(rng.random((2000, 1)) < 0.5, np.nan, x)
    slopes = {}
    for name, extra in (("with", y[:, None]), ("without", None)):
        completed = fit_chains(values, (CONTINUOUS,), extra, 5, 1, SEED).completed
        slopes[name] = np.mean(
            [engine.fit_logistic(np.column_stack([np.ones(2000), f]), y)["coefficients"][1] for f in completed]
        )
    assert slopes["with"] == pytest.approx(1, abs=0.2) and slopes["without"] < 0.65
