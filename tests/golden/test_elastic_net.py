"""The path solver against glmnet itself, run by R on the same folds at the same settings."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from plain_glmnet import Asked, cv_glmnet

from prldh.chain.shared import stratified_folds
from prldh.engines import PythonEngine, REngine
from prldh.stats.elastic_net import cv_elastic_net

#: Run together, each group in one R process.
GROUPS = {"quick": (0.0, 0.5, 1.0), "slow": (0.1, 0.9)}
ALPHAS = [
    pytest.param(alpha, marks=[pytest.mark.slow] if group == "slow" else [])
    for group, alphas in GROUPS.items()
    for alpha in alphas
]


def drawn(n, p, n_events, seed):
    """Correlated columns, the first of which tell of the outcome."""
    generator = np.random.default_rng(seed)
    outcome = generator.permutation(np.repeat([0, 1], [n - n_events, n_events]))
    groups = generator.normal(size=(n, 4))
    values = groups[:, np.arange(p) % 4] + generator.normal(size=(n, p))
    values[:, :3] += 0.8 * outcome[:, None]
    return values, outcome


def with_folds(values, outcome, k=3):
    return values, outcome.astype(float), stratified_folds(outcome.astype(np.int8), k, 1) + 1


def synthetic():
    """By name: the problem, and the columns that equal an earlier one."""
    values, outcome = drawn(60, 12, 25, 3)
    repeated = np.column_stack([values, np.full(60, 2.5), values[:, 0], 3 - 2 * values[:, 1]])
    return {
        "more patients than features": (with_folds(*drawn(90, 15, 40, 1)), ()),
        "fewer patients than features": (with_folds(*drawn(40, 90, 18, 2)), ()),
        "rare events": (with_folds(*drawn(80, 20, 9, 4)), ()),
        "a constant column and copies": (with_folds(repeated, outcome), (13, 14)),
    }


def real(shared_data):
    found = {}
    for name, rows, columns in (("Dong2022", 3, 6), ("WORC-Desmoid", 1, 25)):
        table = pd.read_csv(shared_data / "tables" / f"{name}.gz", compression="gzip")
        outcome = table["Target"].to_numpy()[::rows]
        values = table.drop(columns=["ID", "Target"]).to_numpy(float)[::rows, ::columns]
        found[name] = with_folds(values, outcome, 5)
    return found


def size(path, values):
    """Coefficients (p, l) of standardised columns."""
    return path[1:] * values.std(axis=0)[:, None]


def check_same(found, wanted, values, within):
    assert found["lambda"].size == wanted["lambda"].size
    np.testing.assert_allclose(found["lambda"], wanted["lambda"], rtol=1e-11)
    assert found["lambda_min"] == pytest.approx(wanted["lambda_min"], rel=1e-11)
    assert found["lambda_1se"] == pytest.approx(wanted["lambda_1se"], rel=1e-11)
    ours, theirs = size(found["path"], values), size(wanted["path"], values)
    assert np.abs(ours - theirs).max() <= within * np.abs(theirs).max()
    np.testing.assert_allclose(found["cv_mean"], wanted["cv_mean"], rtol=within)
    np.testing.assert_allclose(found["cv_sd"], wanted["cv_sd"], rtol=10 * within)


@pytest.fixture(scope="module")
def glmnets(tmp_path_factory):
    """Of an alpha and a thresh: each synthetic problem with what glmnet gives for it."""
    cases = list(synthetic().values())
    problems = [problem for problem, _ in cases]

    @cache
    def of_group(group):
        wanted = [(alpha, thresh) for alpha in GROUPS[group] for thresh in (1e-7, 1e-14)]
        asked = [Asked(thresh, a, copies if a == 1.0 else ()) for a, thresh in wanted for _, copies in cases]
        found = cv_glmnet(problems * len(wanted), tmp_path_factory.mktemp("glmnet"), *asked)
        n = len(problems)
        return {key: list(zip(problems, found[i * n : i * n + n], strict=True)) for i, key in enumerate(wanted)}

    return lambda alpha, thresh: next(
        of_group(group)[alpha, thresh] for group, alphas in GROUPS.items() if alpha in alphas
    )


@pytest.mark.r
@pytest.mark.parametrize("alpha", ALPHAS)
def test_at_glmnets_own_tolerance_every_number_is_glmnets(alpha, glmnets):
    """The sweeps are the same, so that coefficients agree far beyond what the tolerance promises."""
    for problem, wanted in glmnets(alpha, 1e-7):
        found = cv_elastic_net(*problem, alpha=alpha, tolerance=1e-7)
        check_same(found, wanted, problem[0], 1e-9)
        assert (found["n_nonzero"] == wanted["n_nonzero"]).all()


@pytest.mark.r
@pytest.mark.parametrize("alpha", ALPHAS)
def test_at_1e_14_the_minimum_is_glmnets(alpha, glmnets):
    """As near as glmnet comes to it: a move that its thresh lets pass may be one of many."""
    for problem, wanted in glmnets(alpha, 1e-14):
        found = cv_elastic_net(*problem, alpha=alpha, tolerance=1e-14)
        check_same(found, wanted, problem[0], 1e-3)
        check_optimal(problem, found, alpha)
        for step in range(1, found["lambda"].size, 6):
            penalty = found["lambda"][step]
            ours, theirs = (objective(problem, each["path"][:, step], penalty, alpha) for each in (found, wanted))
            assert ours <= theirs + 1e-13


def objective(problem, b, penalty, alpha):
    values, outcome, _ = problem
    log_odds, sizes = b[0] + values @ b[1:], b[1:] * values.std(axis=0)
    loss = np.mean(np.logaddexp(0, log_odds) - outcome * log_odds)
    return loss + penalty * (alpha * np.abs(sizes).sum() + (1 - alpha) / 2 * (sizes**2).sum())


def check_optimal(problem, found, alpha):
    """Slopes of the loss are those that the penalty allows (Karush, Kuhn and Tucker)."""
    values, outcome, _ = problem
    scale = values.std(axis=0)
    usable = np.ptp(values, axis=0) > 0
    z = np.where(usable, values - values.mean(axis=0), 0.0) / np.where(usable, scale, 1.0)
    for step in range(1, found["lambda"].size, 6):
        b, penalty = found["path"][:, step], found["lambda"][step]
        log_odds = b[0] + values @ b[1:]
        if np.abs(log_odds).max() > 15:
            break  # probabilities are clipped there
        residual = outcome - 1 / (1 + np.exp(-log_odds))
        slope = z.T @ residual / outcome.size - (1 - alpha) * penalty * b[1:] * scale
        off = np.where(
            b[1:] != 0,
            np.abs(slope - alpha * penalty * np.sign(b[1:])),
            np.maximum(np.abs(slope) - alpha * penalty, 0),
        )
        assert off.max() < 1e-8 and abs(residual.mean()) < 1e-8


@pytest.mark.r
@pytest.mark.parametrize(
    ("name", "alphas"),
    [
        ("Dong2022", (0.5,)),
        ("WORC-Desmoid", (0.5,)),
        pytest.param("Dong2022", (0.0, 0.1, 0.9, 1.0), marks=pytest.mark.slow),
        pytest.param("WORC-Desmoid", (0.0, 0.1, 0.9, 1.0), marks=pytest.mark.slow),
    ],
)
def test_on_real_radiomics_at_glmnets_own_tolerance(name, alphas, shared_data, tmp_path):
    problem = real(shared_data)[name]
    found = cv_glmnet([problem] * len(alphas), tmp_path, *(Asked(1e-7, alpha) for alpha in alphas))
    for alpha, wanted in zip(alphas, found, strict=True):
        check_same(cv_elastic_net(*problem, alpha=alpha, tolerance=1e-7), wanted, problem[0], 1e-8)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_on_real_radiomics_at_1e_14_the_optimality_conditions_hold(alpha, shared_data):
    for problem in real(shared_data).values():
        check_optimal(problem, cv_elastic_net(*problem, alpha=alpha, tolerance=1e-14), alpha)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_neither_the_order_of_columns_nor_of_rows_matters(alpha):
    values, outcome, folds = with_folds(*drawn(40, 90, 18, 2))
    generator = np.random.default_rng(0)
    rows, columns = generator.permutation(40), generator.permutation(90)
    first = cv_elastic_net(values, outcome, folds, alpha=alpha, tolerance=1e-14)
    second = cv_elastic_net(values[rows][:, columns], outcome[rows], folds[rows], alpha=alpha, tolerance=1e-14)
    largest = np.abs(first["path"][1:]).max()
    assert np.abs(first["path"][1:][columns] - second["path"][1:]).max() < 1e-7 * largest
    assert second["lambda_min"] == pytest.approx(first["lambda_min"], rel=1e-12)


def test_copies_share_below_alpha_1_and_the_first_alone_is_used_at_1():
    values, outcome, folds = with_folds(*drawn(60, 12, 25, 3))
    doubled = np.column_stack([values, 4 - 0.5 * values[:, 0]])
    shared = cv_elastic_net(doubled, outcome, folds, alpha=0.5, tolerance=1e-14)["path"]
    assert np.abs(shared[1]).max() > 0.1
    np.testing.assert_allclose(-0.5 * shared[13], shared[1], atol=1e-7)
    for tolerance in (1e-14, 1e-7):
        alone = cv_elastic_net(doubled, outcome, folds, alpha=1.0, tolerance=tolerance)["path"]
        single = cv_elastic_net(values, outcome, folds, alpha=1.0, tolerance=tolerance)["path"]
        assert (alone[13] == 0).all()
        np.testing.assert_allclose(alone[:13], single, atol=1e-9)


def test_a_column_that_is_a_sum_of_others_does_not_hold_up_exact_solves():
    """Such as neighbours that are copies in all but one patient, who is held out; the penalised sum is what it was."""
    values, outcome, folds = with_folds(*drawn(50, 30, 22, 7))
    dependent = np.column_stack([values, values[:, 0] + values[:, 1], values[:, :5].sum(axis=1)])
    found = cv_elastic_net(dependent, outcome, folds, alpha=1.0, tolerance=1e-14)
    check_optimal((dependent, outcome, folds), found, 1.0)


@pytest.mark.r
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_both_engines_give_the_same_keys_and_numbers(alpha):
    problem = with_folds(*drawn(60, 10, 25, 5))
    python, r = (engine.cv_elastic_net(*problem, alpha=alpha) for engine in (PythonEngine(), REngine()))
    assert list(python) == list(r)
    for key in python:
        np.testing.assert_allclose(python[key], r[key], rtol=1e-8, atol=1e-10)
