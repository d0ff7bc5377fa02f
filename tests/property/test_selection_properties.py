"""Selection under hypothesis: what must hold for any table."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from prldh.chain.selection.correlation import filter_correlated
from prldh.chain.selection.forest import forest_scores
from prldh.chain.selection.mrmr import rank_mrmr
from prldh.chain.selection.protocol import SELECTORS
from prldh.chain.selection.svm_rfe import rank_svm_rfe
from prldh.chain.shared.folds import stratified_folds
from prldh.chain.shared.linear import standardise, unit_columns
from prldh.core.records import TrainingRows

ICC, MRMR, CORRELATION, LASSO_SVM = SELECTORS[:4]


@st.composite
def tables(draw, max_columns=10):
    """Rows of distinct patients with both classes at least twice; whole numbers (ties) or continuous values."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, p = draw(st.integers(8, 40)), draw(st.integers(1, max_columns))
    n_events = draw(st.integers(2, n - 2))
    outcome = generator.permutation(np.repeat([0, 1], [n - n_events, n_events])).astype(np.int8)
    values = generator.normal(size=(n, p)) + outcome[:, None] * draw(st.sampled_from([0.0, 1.0]))
    if draw(st.booleans()):
        values = np.round(values)
    return values, outcome, generator


@st.composite
def bootstrap_samples(draw):
    """Training rows in which patients repeat, with both classes."""
    values, outcome, generator = draw(tables(max_columns=6))
    n = outcome.size
    patient = np.r_[generator.integers(0, n, n), np.flatnonzero(outcome == 1)[:1], np.flatnonzero(outcome == 0)[:1]]
    values = values + 1e-3 * generator.normal(size=values.shape)  # distinct patients differ
    names = tuple(f"f{j}" for j in range(values.shape[1]))
    return TrainingRows(values[patient], None, outcome[patient], patient, names), generator


@settings(max_examples=60, deadline=None)
@given(bootstrap_samples(), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_folds_keep_patients_whole_and_are_balanced(sample, n_folds, seed):
    rows, _ = sample
    fold = stratified_folds(rows.outcome, n_folds, seed, rows.patient)
    patients, first = np.unique(rows.patient, return_index=True)
    k = min(n_folds, patients.size)
    for patient in patients:
        assert np.unique(fold[rows.patient == patient]).size == 1
    for label in (0, 1):
        assert np.ptp(np.bincount(fold[first][rows.outcome[first] == label], minlength=k)) <= 1
    totals = np.bincount(fold[first], minlength=k)
    assert totals.size == k and totals.min() >= 1 and np.ptp(totals) <= 1


@settings(max_examples=60, deadline=None)
@given(tables())
def test_mrmr_is_a_prefix_of_itself_and_scale_free(table):
    values, outcome, generator = table
    order = rank_mrmr(values, outcome, 100).order
    assert len(set(order.tolist())) == order.size == (np.ptp(values, axis=0) > 0).sum()
    np.testing.assert_array_equal(rank_mrmr(values, outcome, 3).order, order[:3])
    scale = generator.choice([-8.0, 0.25, 1.0, 2.0**40], values.shape[1])
    np.testing.assert_array_equal(rank_mrmr(values * scale, outcome, 100).order, order)
    rows = generator.permutation(outcome.size)
    np.testing.assert_array_equal(rank_mrmr(values[rows], outcome[rows], 100).order, order)
    np.testing.assert_array_equal(rank_mrmr(values, 1 - outcome, 100).order, order)


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from([0.3, 0.6, 0.9]), st.sampled_from([0.0, 0.2, 0.4]))
def test_correlation_filter_keeps_its_promise(table, between, limit):
    values, outcome, generator = table
    found = filter_correlated(values, outcome, between, limit)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.nan_to_num(np.corrcoef(np.column_stack([values, outcome]), rowvar=False))
    strength, among = np.abs(r[-1, :-1]), np.abs(r[:-1, :-1])
    kept = found.kept
    assert (strength[kept] >= limit - 1e-9).all()
    assert (among[np.ix_(kept, kept)][~np.eye(kept.size, dtype=bool)] <= between + 1e-9).all()
    for j in np.setdiff1d(np.arange(values.shape[1]), kept):
        rival = found.rival[j]
        assert strength[j] < limit or (among[j, rival] > between and strength[rival] >= strength[j] - 1e-9)
    scale = generator.choice([-8.0, 0.25, 2.0**40], values.shape[1])
    np.testing.assert_array_equal(filter_correlated(values * scale, outcome, between, limit).kept, kept)


@settings(max_examples=40, deadline=None)
@given(tables(max_columns=6), st.integers(0, 2**64 - 1))
def test_forest_scores_are_shares_and_change_with_neither_scale_nor_labels(table, seed):
    values, outcome, generator = table
    fold = stratified_folds(outcome, 2, seed % 1000)
    sizes = [1, values.shape[1]]
    scores = forest_scores(values, outcome, fold, 5, seed, sizes)
    assert ((scores >= 0) & (scores <= 1)).all()
    scale = generator.choice([0.25, 1.0, 2.0**40], values.shape[1])
    np.testing.assert_array_equal(forest_scores(values * scale, outcome, fold, 5, seed, sizes), scores)
    np.testing.assert_allclose(forest_scores(values, 1 - outcome, fold, 5, seed, sizes), 1 - scores, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(tables(max_columns=5))
def test_svm_rfe_ranks_every_column_once_and_is_scale_free(table):
    values, outcome, generator = table
    ranking = rank_svm_rfe(values, outcome)
    assert sorted(ranking.tolist()) == list(range(values.shape[1]))
    scale = generator.choice([0.25, 2.0**40], values.shape[1])
    np.testing.assert_array_equal(rank_svm_rfe(values * scale, outcome), ranking)


@settings(max_examples=15, deadline=None)
@given(bootstrap_samples(), st.integers(0, 2**32 - 1))
def test_the_order_of_training_rows_changes_nothing(sample, seed):
    rows, generator = sample
    order = generator.permutation(rows.outcome.size)
    shuffled = TrainingRows(rows.values[order], None, rows.outcome[order], rows.patient[order], rows.names)
    for selector, chosen in [
        (MRMR, MRMR.Settings(trees=10)),
        (CORRELATION, CORRELATION.Settings(outcome=0.1)),
        (LASSO_SVM, LASSO_SVM.Settings(combine="svm_rfe", folds=3)),
    ]:
        first, second = (selector.fit(r, chosen, np.random.SeedSequence(seed), None) for r in (rows, shuffled))
        np.testing.assert_array_equal(first.kept, second.kept)
        assert first.dropped == second.dropped and first.warnings == second.warnings


@settings(max_examples=40, deadline=None)
@given(tables(), st.floats(-1e12, 1e12), st.floats(1e-6, 1e6))
def test_standardised_columns(table, shift, scale):
    values, _, _ = table
    values = np.column_stack([values * scale, np.full(values.shape[0], shift)])
    standardised, center, deviation = standardise(values)
    varies = np.ptp(values, axis=0) > 0
    np.testing.assert_allclose(standardised.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(standardised.std(axis=0)[varies], 1, rtol=1e-9)
    assert (standardised[:, ~varies] == 0).all() and (deviation[~varies] == 1).all()
    np.testing.assert_allclose(standardised * deviation + center, values, rtol=1e-9, atol=1e-9 * scale)
    norms = np.square(unit_columns(values)).sum(axis=1)
    np.testing.assert_allclose(norms, np.where(varies, 1, 0), atol=1e-12)
