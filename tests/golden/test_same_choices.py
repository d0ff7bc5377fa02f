"""The fast path makes the choices of slow, plain implementations that share no code with it: scikit-learn, R's
cv.glmnet, loops.

On two real tables beside the checkout, on subsets that take seconds (complete ones are marked slow), and on random
tables with ties, constant and repeated columns, fewer patients than features, rare events and bootstrap copies.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_glmnet import Asked, cv_glmnet

from prldh.chain.radscore import fit_tissue
from prldh.chain.selection.correlation import filter_correlated
from prldh.chain.selection.mrmr import rank_mrmr
from prldh.chain.selection.protocol import SELECTORS
from prldh.chain.selection.svm_rfe import accuracy_curve, rank_svm_rfe
from prldh.chain.shared.folds import stratified_folds
from prldh.chain.shared.linear import standardise
from prldh.chain.steps import Protocol, Step
from prldh.core.records import TrainingRows
from prldh.engines.python import PythonEngine
from prldh.stats.icc import icc
from prldh.stats.lasso import cv_lasso

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
import selection_reference as plain

REAL = ("WORC-Desmoid", "Dong2022")
KINDS = ("continuous", "ties", "constant and repeated columns", "fewer patients than features", "rare events", "copies")


@pytest.fixture(scope="module")
def real(shared_data):
    found = {}
    for name in REAL:
        table = pd.read_csv(shared_data / "tables" / f"{name}.gz", compression="gzip")
        values = table.drop(columns=["ID", "Target"]).to_numpy(float)
        found[name] = values[:, np.ptp(values, axis=0) > 0], table["Target"].to_numpy(np.int8)
    return found


def random_table(seed, kind):
    """Values (n, p), outcome (n,), patient numbers (n,)."""
    generator = np.random.default_rng(seed)
    n, p = int(generator.integers(30, 60)), int(generator.integers(5, 12))
    if kind == "fewer patients than features":
        n, p = 24, 40
    n_events = 6 if kind == "rare events" else n // 2 - 1
    outcome = generator.permutation(np.repeat([0, 1], [n - n_events, n_events])).astype(np.int8)
    values = generator.normal(size=(n, p)) + outcome[:, None] * generator.uniform(0, 1.2, p)
    if kind == "ties":
        values = np.round(values)
    if kind == "constant and repeated columns":
        values = np.column_stack([values, values[:, 0], np.full(n, 0.1), 3 - 2 * values[:, 1]])
    patient = np.arange(n)
    if kind == "copies":
        patient = np.r_[
            np.flatnonzero(outcome == 0)[:4], np.flatnonzero(outcome == 1)[:4], generator.integers(0, n, n - 8)
        ]
    return values[patient], outcome[patient], patient


tables = st.builds(random_table, st.integers(0, 2**32 - 1), st.sampled_from(KINDS))

# ---------------------------------------------------------------- one step at a time


@settings(max_examples=40, deadline=None)
@given(tables)
def test_icc_folds_mrmr_and_correlation_on_random_tables(table):
    values, outcome, patient = table
    noise = np.random.default_rng(1).normal(size=values.shape) * np.linspace(0, 2, values.shape[1])
    estimates = [plain.reference_icc(a, b) for a, b in zip(values.T, (values + noise).T, strict=True)]
    np.testing.assert_allclose(icc(values, values + noise)["estimate"], estimates, rtol=1e-8, atol=1e-10)
    for n_folds in (2, 5, 10):
        found = stratified_folds(outcome, n_folds, np.random.SeedSequence(3), patient)
        np.testing.assert_array_equal(
            found, plain.reference_folds(outcome, patient, n_folds, np.random.SeedSequence(3))
        )
    assert rank_mrmr(values, outcome, 8).order.tolist() == plain.reference_mrmr(values, outcome, 8)
    varies = values[:, np.ptp(values, axis=0) > 0]
    for between, limit in ((0.9, 0.3), (0.5, 0.0), (1.0, 0.2)):
        assert filter_correlated(varies, outcome, between, limit).kept.tolist() == plain.reference_filter(
            varies, outcome, between, limit
        )


@pytest.mark.parametrize("name", REAL)
def test_correlation_on_a_real_table(real, name):
    values, outcome = real[name]
    for columns in (rank_mrmr(values, outcome, 60).order, np.arange(0, values.shape[1], 12)):
        for between, limit in ((0.9, 0.3), (0.7, 0.1)):
            found = filter_correlated(values[:, columns], outcome, between, limit).kept
            assert found.tolist() == plain.reference_filter(values[:, columns], outcome, between, limit)


def check_svm_rfe(values, outcome, patient, cost, n_folds=5):
    """The order is that of scikit-learn's RFE wherever no squared weights tie; the accuracies are those of its
    machines."""
    from sklearn.feature_selection import RFE
    from sklearn.svm import SVC

    standardised = (values - values.mean(axis=0)) / np.where(np.ptp(values, axis=0) > 0, values.std(axis=0), 1)
    ranking = rank_svm_rfe(values, outcome, cost)
    expected, is_tied = plain.reference_svm_rfe(standardised, outcome, cost)
    assert ranking.tolist() == expected
    if not is_tied:
        sklearns = RFE(SVC(kernel="linear", C=cost), n_features_to_select=1, step=1).fit(standardised, outcome).ranking_
        assert np.argsort(sklearns).tolist() == expected
    fold = stratified_folds(outcome, n_folds, 1, patient)
    curve, table = (
        accuracy_curve(values, outcome, ranking, fold, cost),
        plain.reference_accuracy(values, outcome, expected, fold, cost),
    )
    np.testing.assert_allclose(curve.mean, table.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(curve.sd, table.std(axis=0, ddof=1), atol=1e-12)
    assert curve.best_size == 1 + next(
        s for s, m in enumerate(table.mean(axis=0)) if m >= table.mean(axis=0).max() - 1e-10
    )
    return is_tied


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([k for k in KINDS if k != "constant and repeated columns"]),
    st.sampled_from([0.1, 1.0, 10.0]),
)
def test_svm_rfe_on_random_tables(seed, kind, cost):
    values, outcome, patient = random_table(seed, kind)
    check_svm_rfe(values[:, :7], outcome, patient, cost, n_folds=3)


@pytest.mark.parametrize("name", REAL)
def test_svm_rfe_on_a_real_table(real, name):
    values, outcome = real[name]
    columns = rank_mrmr(values, outcome, 30).order[::2]
    assert not check_svm_rfe(values[:, columns], outcome, np.arange(outcome.size), 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("cost", [0.1, 1.0])
@pytest.mark.parametrize("name", REAL)
def test_svm_rfe_on_the_complete_ranking_and_a_wide_part_of_a_real_table(real, name, cost):
    values, outcome = real[name]
    assert not check_svm_rfe(
        values[:, rank_mrmr(values, outcome, 30).order], outcome, np.arange(outcome.size), cost, 10
    )
    check_svm_rfe(values[:, ::15], outcome, np.arange(outcome.size), cost, 3)


# ---------------------------------------------------------------- LASSO against cv.glmnet


def lasso_problems(real):
    found = []
    for values, outcome in real.values():
        order = rank_mrmr(values, outcome, 30).order
        for rows in (np.arange(outcome.size), np.arange(0, outcome.size, 3)):
            fold = stratified_folds(outcome[rows], 10 if rows.size > 150 else 5, 1) + 1
            found.append((standardise(values[rows][:, order])[0], outcome[rows].astype(float), fold))
    for seed, kind in enumerate([k for k in KINDS if k != "constant and repeated columns"] * 3):
        values, outcome, patient = random_table(seed, kind)
        found.append((standardise(values)[0], outcome.astype(float), stratified_folds(outcome, 5, seed, patient) + 1))
    values, outcome, _ = random_table(99, "continuous")
    values = np.column_stack([values, np.full(outcome.size, 2.5)])
    found.append((values, outcome.astype(float), stratified_folds(outcome, 5, 1) + 1))
    return found


def off(found, wanted):
    """The largest difference of coefficients, in units of the largest, along the part of the path that both have."""
    common = min(found["lambda"].size, wanted["lambda"].size)
    return np.abs(found["path"][:, :common] - wanted["path"][:, :common]).max() / np.abs(wanted["path"]).max()


def objective(values, outcome, b, penalty):
    """Penalised mean deviance / 2 and the largest violation of the optimality conditions; values are standardised."""
    eta = b[0] + values @ b[1:]
    loss = np.mean(np.logaddexp(0, eta) - outcome * eta)
    slope = values.T @ (outcome - 1 / (1 + np.exp(-np.clip(eta, -500, 500)))) / outcome.size
    violation = np.where(b[1:] != 0, np.abs(slope - penalty * np.sign(b[1:])), np.maximum(np.abs(slope) - penalty, 0))
    return loss + penalty * np.abs(b[1:]).sum(), violation.max()


@pytest.mark.r
def test_lasso_is_cv_glmnets(real, tmp_path):
    """Lambdas, their number, lambda.min, the features there and along the path; coefficients up to what glmnet itself
    leaves open.

    glmnet stops when no coefficient moves the objective by more than ``thresh`` times the null deviance. At 1e-14 its
    coefficients are within 1e-4 of the largest one of ours; ours fulfil the optimality conditions to 1e-8, and have no
    larger an objective. At its default of 1e-7 the lambdas are the same, but coefficients differ by some per cent of
    the largest, so that in near ties of the cross-validated deviance lambda.min may be a neighbour.
    """
    problems = lasso_problems(real)
    exact, default = cv_glmnet(problems, tmp_path), cv_glmnet(problems, tmp_path, Asked(1e-7))
    ours = [cv_lasso(*problem) for problem in problems]
    for (values, outcome, _), found, wanted, rough in zip(problems, ours, exact, default, strict=True):
        assert found["lambda"].size == wanted["lambda"].size
        np.testing.assert_allclose(found["lambda"], wanted["lambda"], rtol=1e-12)
        assert found["lambda_min"] == pytest.approx(wanted["lambda_min"], rel=1e-12)
        assert (found["coefficients"] != 0).tolist() == (wanted["coefficients"] != 0).tolist()
        # a feature that enters exactly at a lambda
        assert np.count_nonzero((found["path"] != 0) != (wanted["path"] != 0)) <= 2
        assert off(found, wanted) < 1e-4
        np.testing.assert_allclose(found["cv_mean"], wanted["cv_mean"], rtol=1e-3)
        at = int(np.flatnonzero(found["lambda"] == found["lambda_min"])[0])
        np.testing.assert_allclose(found["cv_mean"][at], wanted["cv_mean"][at], rtol=1e-5)
        common = min(found["lambda"].size, rough["lambda"].size)
        assert abs(found["lambda"].size - rough["lambda"].size) <= 1
        np.testing.assert_allclose(found["lambda"][:common], rough["lambda"][:common], rtol=1e-12)
        if np.ptp(values, axis=0).min() > 0:
            for at in range(1, found["lambda"].size, 7):
                own, violation = objective(values, outcome, found["path"][:, at], found["lambda"][at])
                assert (
                    violation < 1e-8
                    and own <= objective(values, outcome, wanted["path"][:, at], wanted["lambda"][at])[0] + 1e-12
                )
    errors = np.array(
        [[off(found, other) for found, other in zip(ours, others, strict=True)] for others in (default, exact)]
    )
    assert np.median(errors[0]) > 100 * np.median(errors[1])  # what differs is glmnet's threshold


@pytest.mark.r
@pytest.mark.slow
def test_lasso_is_cv_glmnets_on_a_wide_part_of_a_real_table(real, tmp_path):
    """64 and 54 neighbouring features of which many say the same: glmnet at 1e-14 would take minutes, at 1e-9 lambdas
    and errors agree."""
    problems = []
    for values, outcome in real.values():
        problems.append((standardise(values[:, ::16])[0], outcome.astype(float), stratified_folds(outcome, 10, 1) + 1))
    for problem, wanted in zip(problems, cv_glmnet(problems, tmp_path, Asked(1e-9)), strict=True):
        found = cv_lasso(*problem)
        np.testing.assert_allclose(found["lambda"], wanted["lambda"], rtol=1e-12)
        assert found["lambda_min"] == pytest.approx(wanted["lambda_min"], rel=1e-12)
        assert off(found, wanted) < 0.05


def test_of_exact_copies_the_first_column_alone_is_used():
    values, outcome, _ = random_table(5, "continuous")
    fold = stratified_folds(outcome, 5, 1) + 1
    single = cv_lasso(values, outcome, fold)
    doubled = cv_lasso(np.column_stack([values, 4 - 0.5 * values, values]), outcome, fold)
    p = values.shape[1]
    np.testing.assert_allclose(doubled["path"][: p + 1], single["path"], atol=1e-9)
    assert (doubled["path"][p + 1 :] == 0).all() and single["path"][1:].any()
    np.testing.assert_allclose(doubled["cv_mean"], single["cv_mean"], rtol=1e-9)


# ---------------------------------------------------------------- the whole chain

SETTINGS = (
    {"threshold": 0.85},
    {"folds": 3, "features": 7, "trees": 2, "sizes": (2, 4, 7)},
    {"between": 0.6, "outcome": 0.1},
    {"folds": 4},
)


def chains(real):
    """Two readers' values, outcome and patient numbers, by name."""
    generator = np.random.default_rng(0)
    for name, (values, outcome) in real.items():
        part = values[::5, ::25]
        yield (
            name,
            part,
            part
            + np.std(part, axis=0) * generator.uniform(0.1, 0.9, part.shape[1]) * generator.normal(size=part.shape),
            outcome[::5],
            np.arange(part.shape[0]),
        )
    for kind in KINDS:
        values, outcome, patient = random_table(13 if kind == "copies" else 7, kind)  # none is separated
        second = values + 0.3 * np.random.default_rng(2).normal(size=(patient.max() + 1, values.shape[1]))[patient]
        yield kind, values, second, outcome, patient


def until_the_lasso(values, second, outcome, patient):
    """Columns after ICC, mRMR with forests, and correlation; the LASSO's folds. Seeds are (source, step, number) below
    the tissue's."""
    reliability, forest, correlation, lasso = SETTINGS
    order = np.argsort(patient, kind="stable")
    kept = [
        j
        for j in range(values.shape[1])
        if len(set(values[:, j])) > 1 and plain.reference_icc(values[:, j], second[:, j]) > reliability["threshold"]
    ]
    ranked = [kept[j] for j in plain.reference_mrmr(values[:, kept], outcome, forest["features"])]
    events = [len({int(i) for i, y in zip(patient, outcome, strict=True) if y == label}) for label in (0, 1)]
    fold = plain.reference_folds(
        outcome[order], patient[order], min(forest["folds"], *events), np.random.SeedSequence(1, spawn_key=(0, 1, 0))
    )
    forest_seed = int(np.random.SeedSequence(1, spawn_key=(0, 1, 1)).generate_state(1, np.uint64)[0])
    sizes = [s for s in forest["sizes"] if s <= len(ranked)]
    _, size = plain.reference_size(values[order][:, ranked], outcome[order], fold, forest["trees"], forest_seed, sizes)
    kept = sorted(ranked[:size])
    kept = [
        kept[j]
        for j in plain.reference_filter(values[:, kept], outcome, correlation["between"], correlation["outcome"])
    ]
    n_folds = min(lasso["folds"], *events)
    folds = [
        plain.reference_folds(outcome[order], patient[order], n_folds, np.random.SeedSequence(1, spawn_key=(0, 3, k)))
        for k in (0, 1)
    ]
    chosen = values[order][:, kept]
    return kept, outcome[order], chosen, (chosen - chosen.mean(axis=0)) / chosen.std(axis=0), folds


@pytest.mark.r
def test_the_whole_chain_is_that_of_the_plain_parts(real, tmp_path):
    steps = tuple(Step(s, s.Settings(**given)) for s, given in zip(SELECTORS[:4], SETTINGS, strict=True))
    protocol, ran, waiting = Protocol(steps, True, "stop"), [], []
    for name, values, second, outcome, patient in chains(real):
        rows = TrainingRows(values, second, outcome, patient, tuple(f"f{j}" for j in range(values.shape[1])))
        fit = fit_tissue((rows,), ("s",), protocol, np.random.SeedSequence(1), PythonEngine())
        ran.append((name, fit, values, outcome))
        waiting.append(until_the_lasso(values, second, outcome, patient))
    for step in ("constant", "icc", "mrmr_forest", "correlation", "lasso_svm_rfe"):
        assert any(s.n_out < s.n_in for _, fit, *_ in ran for s in fit.steps if s.name == step), step
    several = [i for i, (kept, *_) in enumerate(waiting) if len(kept) > 1]
    assert len(several) >= 6
    answers = dict(
        zip(
            several,
            cv_glmnet([(waiting[i][3], waiting[i][1], waiting[i][4][0] + 1) for i in several], tmp_path),
            strict=True,
        )
    )
    for i, ((name, fit, values, outcome), (kept, in_order, chosen, standardised, folds)) in enumerate(
        zip(ran, waiting, strict=True)
    ):
        if i in answers:
            lasso = [kept[j] for j in np.flatnonzero(answers[i]["coefficients"][1:])]
            ranking, _ = plain.reference_svm_rfe(standardised, in_order, 1.0)
            accuracy = plain.reference_accuracy(chosen, in_order, ranking, folds[1], 1.0).mean(axis=0)
            size = 1 + next(s for s, m in enumerate(accuracy) if m >= accuracy.max() - 1e-10)
            kept = sorted(plain.reference_combination(lasso, [kept[j] for j in ranking[:size]], "intersection"))
        assert kept and [f for _, f in fit.radscore.features] == [f"f{j}" for j in kept], name
        final = (values[:, kept] - values[:, kept].mean(axis=0)) / values[:, kept].std(axis=0)
        b = plain.reference_logistic(final, outcome)
        np.testing.assert_allclose(
            [fit.radscore.intercept, *fit.radscore.coefficients], b, rtol=1e-6, atol=1e-8, err_msg=name
        )
        np.testing.assert_allclose(fit.values, b[0] + final @ b[1:], rtol=1e-6, atol=1e-8)
        assert fit.cutoff == pytest.approx(plain.reference_youden(fit.values, outcome), rel=1e-9)
