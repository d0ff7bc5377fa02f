"""Selection: the fast routines against plain ones, the rules of each selector, and leakage through copies."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from selection_reference import reference_filter, reference_forest, reference_mrmr

from prldh.chain.learners import LassoLearner
from prldh.chain.selection import lasso_svm_rfe, mrmr_forest
from prldh.chain.selection.correlation import filter_correlated
from prldh.chain.selection.forest import auc_by_row, forest_scores, size_curve
from prldh.chain.selection.mrmr import mutual_information, rank_mrmr
from prldh.chain.selection.protocol import SELECTORS
from prldh.chain.selection.svm_rfe import accuracy_curve, rank_svm_rfe
from prldh.chain.shared.folds import stratified_folds
from prldh.chain.shared.linear import standardise
from prldh.core.records import TrainingRows

ICC, MRMR, CORRELATION, LASSO_SVM = SELECTORS[:4]


class StandInEngine:
    """Gives what a test planted: ICCs, and the positions that the LASSO keeps."""

    def __init__(self, icc=None, lasso=()):
        self.icc_result, self.lasso_set, self.calls = icc, list(lasso), []

    def icc(self, first, second, form="ICC2", level=0.95):
        estimate = np.asarray(self.icc_result, dtype=float)
        return {"estimate": estimate, "low": estimate - 0.1, "high": estimate + 0.1}

    def cv_lasso(self, values, outcome, fold_ids, n_lambda=100):
        self.calls.append((values, outcome, fold_ids))
        coefficients = np.zeros(values.shape[1] + 1)
        coefficients[0] = -1
        coefficients[1:][self.lasso_set] = 0.5
        path = np.column_stack([np.zeros_like(coefficients), coefficients])
        return {
            "lambda": np.array([0.2, 0.1]),
            "cv_mean": np.array([1.0, 0.9]),
            "cv_sd": np.array([0.1, 0.1]),
            "n_nonzero": np.array([0, len(self.lasso_set)]),
            "lambda_min": 0.1,
            "coefficients": coefficients,
            "path": path,
        }


def make_rows(n=60, p=8, n_events=20, signal=1.5, seed=0, second=False, copies=False):
    generator = np.random.default_rng(seed)
    outcome = np.zeros(n, dtype=np.int8)
    outcome[generator.choice(n, n_events, replace=False)] = 1
    values = generator.normal(size=(n, p))
    values[:, : p // 2] += signal * outcome[:, None] / np.arange(1, p // 2 + 1)
    patient = np.sort(generator.integers(0, n, n)) if copies else np.arange(n)
    values, outcome = values[patient], outcome[patient]
    return TrainingRows(
        values, values + 0.1 if second else None, outcome, patient, tuple(f"original_{j}" for j in range(p))
    )


def fit(selector, rows, engine=None, seed=3, **settings):
    found = selector.fit(rows, selector.Settings(**settings), np.random.SeedSequence(seed), engine)
    json.dumps(found.details, allow_nan=False)
    kept = {rows.names[j] for j in found.kept}
    assert kept | set(found.dropped) == set(rows.names) and not kept & set(found.dropped)
    assert (np.diff(found.kept) > 0).all()
    assert all(reason for reason in found.dropped.values())
    return found


# ---------------------------------------------------------------- folds


def test_copies_of_a_patient_are_never_split():
    rows = make_rows(copies=True)
    fold = stratified_folds(rows.outcome, 10, 1, rows.patient)
    assert all(np.unique(fold[rows.patient == patient]).size == 1 for patient in rows.patient)


def test_folds_do_not_depend_on_the_order_of_rows():
    rows = make_rows(copies=True)
    order = np.random.default_rng(5).permutation(rows.outcome.size)
    fold = stratified_folds(rows.outcome, 5, 1, rows.patient)
    np.testing.assert_array_equal(stratified_folds(rows.outcome[order], 5, 1, rows.patient[order]), fold[order])


def test_more_folds_than_patients():
    assert sorted(stratified_folds(np.array([0, 1, 1]), 10, 1)) == [0, 1, 2]
    with pytest.raises(ValueError, match="at least 2"):
        stratified_folds(np.array([0, 1]), 1, 1)


def test_a_patient_with_the_event_in_some_row_is_dealt_as_one_with_the_event():
    patient = np.repeat(np.arange(12), 3)
    outcome = np.where(patient < 4, np.arange(36) % 3 == 0, 0)  # patients 0 … 3 have both
    fold = stratified_folds(outcome, 4, 1, patient)
    assert all(np.unique(fold[patient == p]).size == 1 for p in range(12))
    assert sorted(fold[::3][:4]) == [0, 1, 2, 3]


def test_every_patient_gets_into_every_fold_equally_often():
    outcome = np.repeat([0, 1], [13, 7])
    in_first = np.mean([stratified_folds(outcome, 5, seed) == 0 for seed in range(2000)], axis=0)
    np.testing.assert_allclose(in_first, 0.2, atol=0.045)


# ---------------------------------------------------------------- mRMR


def test_mrmr_equals_the_plain_loops():
    rows = make_rows(n=50, p=40, seed=2)
    ranking = rank_mrmr(rows.values, rows.outcome, 30)
    np.testing.assert_array_equal(ranking.order, reference_mrmr(rows.values, rows.outcome, 30))
    r = [np.corrcoef(rows.values[:, j], rows.outcome)[0, 1] for j in ranking.order]
    np.testing.assert_allclose(ranking.relevance, mutual_information(np.array(r)), rtol=1e-9)


def test_mrmr_ties_go_to_the_first_column_and_constants_are_never_ranked():
    x = np.random.default_rng(1).normal(size=(40, 50)) * 1e6 + 0.1
    y = (x[:, 3] + x[:, 20] > 0).astype(int)
    doubled = np.column_stack([np.full(40, 0.1), x, x, np.full(40, 1e9 / 3)])
    single = rank_mrmr(x, y, 10).order
    order = rank_mrmr(doubled, y, 102).order
    assert order.size == 100 and not {0, 101} & set(order.tolist())
    assert order[0] == single[0] + 1
    for j in range(1, 51):
        position = order.tolist()
        assert position.index(j) < position.index(j + 50)


@pytest.mark.parametrize("table", ["WORC-Desmoid.gz", "Dong2022.gz"])
def test_mrmr_equals_the_plain_loops_on_a_real_table(shared_data, table):
    data = pd.read_csv(shared_data / "tables" / table, compression="gzip")
    x = data.drop(columns=["ID", "Target"], errors="ignore").to_numpy(float)
    x = x[:, np.ptp(x, axis=0) > 0]
    y = data["Target"].to_numpy(int)
    np.testing.assert_array_equal(rank_mrmr(x, y, 30).order, reference_mrmr(x, y, 30))


# ---------------------------------------------------------------- correlation


def test_correlation_filter_equals_the_plain_loops():
    rows = make_rows(n=50, p=30, seed=4)
    x = np.column_stack([rows.values, rows.values[:, :10] + 0.2 * rows.values[:, 10:20]])
    for between, limit in [(0.9, 0.1), (0.5, 0.0), (1.0, 0.3), (0.2, 0.2)]:
        found = filter_correlated(x, rows.outcome, between, limit)
        np.testing.assert_array_equal(found.kept, reference_filter(x, rows.outcome, between, limit))


def test_correlation_selector_says_why():
    rows = make_rows(p=4, signal=2.0)
    twin = rows.values[:, 0] + 1e-3 * rows.values[:, 3]
    rows = TrainingRows(np.column_stack([rows.values, twin]), None, rows.outcome, rows.patient, tuple("abcde"))
    found = fit(CORRELATION, rows)
    assert ("a" in found.dropped) != ("e" in found.dropped)
    weaker, stronger = ("a", "e") if "a" in found.dropped else ("e", "a")
    assert found.dropped[weaker] == f"|r| 1.00 with {stronger} > 0.9"
    assert found.dropped["d"].startswith("|r| with the outcome 0.") and found.dropped["d"].endswith("< 0.3")
    assert fit(CORRELATION, rows, outcome=1.0).kept.size == 0


# ---------------------------------------------------------------- SVM-RFE


@pytest.mark.parametrize("seed", range(4))
def test_svm_rfe_ranks_as_scikit_learn(seed):
    from sklearn.feature_selection import RFE
    from sklearn.svm import SVC

    rows = make_rows(n=80, p=12, seed=seed, signal=0.8, copies=seed % 2 == 1)
    standardised, _, _ = standardise(rows.values)
    machine = SVC(kernel="linear", C=1.0)
    expected = RFE(machine, n_features_to_select=1, step=1).fit(standardised, rows.outcome).ranking_
    np.testing.assert_array_equal(np.argsort(expected), rank_svm_rfe(rows.values, rows.outcome))


def test_svm_rfe_removes_the_last_of_equal_columns_first():
    rows = make_rows(n=60, p=3)
    ranking = rank_svm_rfe(rows.values[:, [0, 1, 0, 1]], rows.outcome).tolist()
    assert ranking.index(0) < ranking.index(2) and ranking.index(1) < ranking.index(3)


def test_accuracy_curve_equals_pipelines():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    rows = make_rows(n=70, p=6, seed=8, signal=0.8)
    x = rows.values * 10.0 ** np.arange(6) + 5
    fold = stratified_folds(rows.outcome, 5, 1)
    ranking = rank_svm_rfe(x, rows.outcome)
    curve = accuracy_curve(x, rows.outcome, ranking, fold)
    for size in range(1, 7):
        columns = ranking[:size]
        by_fold = [
            make_pipeline(StandardScaler(), SVC(kernel="linear"))
            .fit(x[fold != k][:, columns], rows.outcome[fold != k])
            .score(x[fold == k][:, columns], rows.outcome[fold == k])
            for k in range(5)
        ]
        assert curve.mean[size - 1] == pytest.approx(np.mean(by_fold))
        assert curve.sd[size - 1] == pytest.approx(np.std(by_fold, ddof=1))
    assert curve.best_size == np.flatnonzero(curve.mean > curve.mean.max() - 1e-9)[0] + 1


# ---------------------------------------------------------------- forest


@pytest.mark.parametrize("seed", range(5))
def test_forest_equals_the_plain_one(seed):
    generator = np.random.default_rng(seed)
    n, p = 24, 9
    x = np.round(generator.normal(size=(n, p)), seed % 3)  # many, some and few ties
    x[:, p - 1] = 1.0
    y = (x[:, 0] + generator.normal(size=n) > 0).astype(int)
    fold = stratified_folds(y, 3, seed)
    sizes = [1, 2, 4, 9]
    np.testing.assert_array_equal(
        forest_scores(x, y, fold, 7, 2**64 - 1 - seed, sizes), reference_forest(x, y, fold, 7, 2**64 - 1 - seed, sizes)
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(6, 24), st.booleans(), st.booleans(), st.sampled_from([0, 1, 9]))
def test_forest_equals_the_plain_one_with_ties_constants_and_copies(seed, n, copies, torn, digits):
    generator = np.random.default_rng(seed)
    x = np.column_stack([np.round(generator.normal(size=(n, 4)), digits), np.full(n, 2.5)])
    y = np.r_[0, 1, generator.integers(0, 2, n - 2)]
    patient = np.r_[0, 1, np.sort(generator.integers(0, n, n - 2))] if copies else np.arange(n)
    x, y = x[patient], y[patient]
    if torn:  # copies in several folds, and copies that contradict each other
        fold, y = np.arange(n) % 3, np.where(generator.random(n) < 0.1, 1 - y, y)
    else:
        fold = stratified_folds(y, 2, seed, patient)
    np.testing.assert_array_equal(
        forest_scores(x, y, fold, 3, seed, [1, 5]), reference_forest(x, y, fold, 3, seed, [1, 5])
    )


def test_forest_agrees_with_scikit_learn_within_monte_carlo_error():
    from sklearn.ensemble import RandomForestClassifier

    generator = np.random.default_rng(1)
    n, n_ours, n_theirs = 120, 4000, 800
    x = np.round(64 * generator.normal(size=(n, 7))) / 64  # exact in scikit-learn's float32, with some ties
    y = (x[:, 0] + x[:, 1] + generator.normal(size=n) > 0.6).astype(int)
    fold = stratified_folds(y, 3, 1)
    ours = forest_scores(x, y, fold, n_ours, 5, [1, 7])
    for row, size in enumerate([1, 7]):
        theirs = np.empty(n)
        for k in range(3):
            forest = RandomForestClassifier(n_theirs, max_features="sqrt", random_state=k)
            forest.fit(x[fold != k, :size], y[fold != k])
            theirs[fold == k] = forest.predict_proba(x[fold == k, :size])[:, 1]
        # leaves' shares lie in 0 … 1, so a tree's variance is at most p (1 - p)
        variance = np.maximum(ours[row] * (1 - ours[row]), 0.01) * (1 / n_ours + 1 / n_theirs)
        assert np.sqrt(np.mean((ours[row] - theirs) ** 2 / variance)) < 1.1
        assert auc_by_row(ours[row : row + 1], y == 1)[0] == pytest.approx(
            auc_by_row(theirs[None], y == 1)[0], abs=0.015
        )


def test_forest_scores_depend_on_their_own_size_and_fold_only():
    rows = make_rows(seed=6)
    fold = stratified_folds(rows.outcome, 4, 1)
    whole = forest_scores(rows.values, rows.outcome, fold, 20, 9, [1, 3, 8])
    beyond = np.column_stack([rows.values[:, :3], rows.values[:, 3:] ** 2])
    np.testing.assert_array_equal(forest_scores(beyond, rows.outcome, fold, 20, 9, [3])[0], whole[1])
    assert (forest_scores(rows.values, rows.outcome, fold, 20, 10, [3])[0] != whole[1]).any()


def test_forest_knows_nothing_of_the_held_out_outcomes():
    rows = make_rows(seed=6)
    fold = stratified_folds(rows.outcome, 4, 1)
    flipped = np.where(fold == 2, 1 - rows.outcome, rows.outcome)
    before = forest_scores(rows.values, rows.outcome, fold, 20, 9, [4])[0]
    after = forest_scores(rows.values, flipped, fold, 20, 9, [4])[0]
    np.testing.assert_array_equal(before[fold == 2], after[fold == 2])


def test_size_curve_leaves_out_folds_without_a_class():
    rows = make_rows(n=40, n_events=3)
    fold = stratified_folds(rows.outcome, 5, 1)
    curve = size_curve(rows.values, rows.outcome, fold, 50, 1, [1, 2])
    assert curve.n_left_out == 2 and np.isnan(curve.by_fold[0]).sum() == 2
    np.testing.assert_allclose(curve.mean, np.nanmean(curve.by_fold, axis=1))
    assert size_curve(rows.values, rows.outcome, fold, 50, 1, [2]).mean[0] == curve.mean[1]


def test_auc_is_the_mann_whitney_statistic():
    scores, event = np.array([[0.1, 0.4, 0.4, 0.8]]), np.array([False, True, False, True])
    assert auc_by_row(scores, event)[0] == pytest.approx((0.5 + 1 + 1 + 1) / 4)


def test_forest_of_thousands_of_rows():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(3000, 5))
    y = (x[:, 0] + generator.normal(size=3000) > 1).astype(int)
    scores = forest_scores(x, y, stratified_folds(y, 5, 1), 10, 1, [5])
    assert auc_by_row(scores, y == 1)[0] > 0.75


def test_copies_in_both_parts_would_leak_and_grouped_folds_do_not():
    rows = make_rows(n=100, p=10, n_events=35, signal=0.0, copies=True)
    grouped = stratified_folds(rows.outcome, 5, 1, rows.patient)
    torn = stratified_folds(rows.outcome, 5, 1)
    honest = size_curve(rows.values, rows.outcome, grouped, 200, 1, [10]).mean[0]
    leaked = size_curve(rows.values, rows.outcome, torn, 200, 1, [10]).mean[0]
    assert honest < 0.65 and leaked > 0.85


def bootstrap_sample(seed):
    """170 patients of whom 56 have the event, 200 features of which eight carry signal, drawn with replacement."""
    generator = np.random.default_rng(4)
    outcome = np.zeros(170, np.int8)
    outcome[generator.choice(170, 56, replace=False)] = 1
    values = generator.normal(size=(170, 200))
    values[:, :8] += 0.7 * outcome[:, None]
    patient = np.random.default_rng(seed).integers(0, 170, 170)
    return TrainingRows(values[patient], None, outcome[patient], patient, tuple(f"f{j}" for j in range(200)))


def test_without_grouped_inner_folds_copies_would_raise_the_inner_auc(monkeypatch):
    """Of what the selector does: about 0.90 with copies together, 0.96 with copies torn apart."""
    curves = {"grouped": [], "torn": []}
    for how, folds in (
        ("grouped", stratified_folds),
        ("torn", lambda outcome, k, seed, patient=None: stratified_folds(outcome, k, seed)),
    ):
        monkeypatch.setattr(mrmr_forest, "stratified_folds", folds)
        for seed in range(3):
            found = fit(MRMR, bootstrap_sample(seed), trees=60, sizes=(5, 20))
            curves[how].append(found.details["curve"]["mean"])
    grouped, torn = np.array(curves["grouped"]), np.array(curves["torn"])
    assert 0.8 < grouped.mean() < 0.92 and torn.mean() > 0.94
    assert (torn.max(axis=1) > grouped.max(axis=1) + 0.02).all()


def test_no_selector_tears_copies_apart(monkeypatch):
    """Whatever inner folds are dealt, of forest, LASSO, SVM-RFE and the Radscore's LASSO: a patient's copies share
    one."""
    from prldh.chain import radscore
    from prldh.chain.learners import penalised
    from prldh.chain.steps import ChosenLearner, Protocol, Step
    from prldh.engines.python import PythonEngine

    dealt = []

    def watched(outcome, k, seed, patient=None):
        assert patient is not None, "the folds are dealt without patients"
        fold = stratified_folds(outcome, k, seed, patient)
        dealt.append((fold, patient))
        return fold

    for step in (mrmr_forest, lasso_svm_rfe):
        monkeypatch.setattr(step, "stratified_folds", watched)
    monkeypatch.setattr(penalised, "stratified_folds", watched)
    steps = tuple(
        Step(s, s.Settings(**given))
        for s, given in ((MRMR, {"trees": 5, "sizes": (6,)}), (LASSO_SVM, {"combine": "union"}))
    )
    fitted = radscore.fit_tissue(
        (bootstrap_sample(1),),
        ("s",),
        Protocol(steps, True, "stop", ChosenLearner(LassoLearner(), LassoLearner.Settings())),
        np.random.SeedSequence(1),
        PythonEngine(),
    )
    assert fitted.radscore is not None and len(dealt) == 4
    for fold, patient in dealt:
        assert np.unique(patient).size < patient.size
        assert all(np.unique(fold[patient == one]).size == 1 for one in np.unique(patient))


# ---------------------------------------------------------------- selectors


def test_icc_selector():
    rows = make_rows(p=4, second=True)
    engine = StandInEngine(icc=[0.9, 0.75, 0.41, np.nan])
    found = fit(ICC, rows, engine)
    assert found.kept.tolist() == [0]
    assert found.dropped["original_1"] == "ICC 0.75 ≤ 0.75"
    assert found.dropped["original_2"] == "ICC 0.41 ≤ 0.75"
    assert "not defined" in found.dropped["original_3"]
    assert found.details["estimate"]["n_undefined"] == 1
    assert fit(ICC, rows, engine, on="lower").dropped["original_1"] == "lower limit of the ICC 0.65 ≤ 0.75"
    assert fit(ICC, rows, StandInEngine(icc=[0.7499] * 4)).dropped["original_0"] == "ICC 0.7499 ≤ 0.75"


def test_icc_with_one_reader_keeps_everything():
    found = fit(ICC, make_rows(p=4))
    assert found.kept.size == 4 and found.warnings == ("one reader: ICC not computed",)


def test_mrmr_forest_selector():
    rows = make_rows(p=12)
    found = fit(MRMR, rows, features=6, trees=50)
    size = found.details["chosen_size"]
    assert found.kept.size == size == found.details["curve"]["sizes"][int(np.argmax(found.details["curve"]["mean"]))]
    assert {rows.names[j] for j in found.kept} == set(found.details["ranking"][:size])
    assert sum(reason == "mRMR rank beyond 6" for reason in found.dropped.values()) == 6
    assert all(
        "chosen by the forest (mRMR rank" in reason for reason in found.dropped.values() if "beyond" not in reason
    )
    coarse = fit(MRMR, rows, features=6, trees=50, sizes=[4, 2, 9])
    assert coarse.details["curve"]["sizes"] == [2, 4]
    assert coarse.details["curve"]["mean"] == [found.details["curve"]["mean"][i] for i in (1, 3)]
    assert fit(MRMR, rows, features=6, trees=50, sizes=[9]).details["curve"]["sizes"] == [6]


def test_one_standard_error_rule_is_never_larger():
    rows = make_rows(p=12, signal=0.7)
    largest = fit(MRMR, rows, trees=50)
    smaller = fit(MRMR, rows, trees=50, rule="one_se")
    curve, best = largest.details["curve"], largest.details["chosen_size"] - 1
    limit = curve["mean"][best] - curve["sd"][best] / np.sqrt(5)
    assert smaller.details["chosen_size"] == np.flatnonzero(np.array(curve["mean"]) >= limit)[0] + 1


def test_other_forest_seeds_choose_with_the_same_folds_and_ranking():
    rows = make_rows(p=12, signal=0.6)
    seed, chosen = np.random.SeedSequence(3), MRMR.Settings(trees=15, seeds=5)
    found = fit(MRMR, rows, trees=15, seeds=5)
    told = MRMR.describe(rows, chosen, seed, found)["size_by_seed"]
    assert len(told["seeds"]) == len(set(told["seeds"])) == len(told["sizes"]) == 5
    assert told["seeds"][0] == found.details["forest_seed"] and told["sizes"][0] == found.details["chosen_size"]
    assert len(set(told["sizes"])) > 1  # the size is partly chance
    # by hand: the folds of the fit, another forest seed
    order = rank_mrmr(rows.values, rows.outcome, 30).order
    fold = stratified_folds(rows.outcome, 5, np.random.SeedSequence(3).spawn(1)[0], rows.patient)
    for forest_seed, size in zip(told["seeds"], told["sizes"], strict=True):
        mean = size_curve(
            rows.values[:, order], rows.outcome, fold, 15, int(forest_seed), range(1, order.size + 1)
        ).mean
        assert size == np.flatnonzero(mean >= mean.max() - 1e-10)[0] + 1
    for quiet in (0, 1):
        assert MRMR.describe(rows, MRMR.Settings(trees=15, seeds=quiet), seed, found) == {}
    assert fit(MRMR, rows, trees=15, seeds=0).details == found.details


def test_lasso_svm_rfe_combinations():
    rows = make_rows(p=6)
    svm = set(fit(LASSO_SVM, rows, combine="svm_rfe").kept.tolist())
    assert svm and svm != set(range(6))
    inside, outside = min(svm), max(set(range(6)) - svm)
    engine = StandInEngine(lasso=[inside, outside])
    assert fit(LASSO_SVM, rows, engine).kept.tolist() == [inside]
    assert set(fit(LASSO_SVM, rows, engine, combine="union").kept.tolist()) == svm | {outside}
    assert set(fit(LASSO_SVM, rows, engine, combine="lasso").kept.tolist()) == {inside, outside}
    disjoint = fit(LASSO_SVM, rows, StandInEngine(lasso=[outside]))
    assert disjoint.kept.tolist() == [outside] and disjoint.details["rule"] == "lasso, as the intersection is empty"
    empty = fit(LASSO_SVM, rows, StandInEngine(lasso=[]))
    assert set(empty.kept.tolist()) == svm and empty.details["rule"] == "svm_rfe, as the LASSO chose nothing"
    assert set(fit(LASSO_SVM, rows, StandInEngine(lasso=[]), combine="lasso").kept.tolist()) == svm
    assert (
        "LASSO coefficient 0"
        in fit(LASSO_SVM, rows, engine).dropped[rows.names[max(set(range(6)) - {inside, outside})]]
    )


def test_lasso_gets_standardised_rows_and_grouped_folds():
    rows = make_rows(p=5, copies=True)
    engine = StandInEngine(lasso=[0])
    found = fit(LASSO_SVM, rows, engine)
    (values, _, fold), patient = engine.calls[0], np.sort(rows.patient)
    np.testing.assert_allclose(values.std(axis=0), 1)
    assert fold.min() == 1 and fold.max() == found.details["folds"]
    assert all(np.unique(fold[patient == one]).size == 1 for one in patient)
    name = rows.names[0]
    assert found.details["lasso"]["center"][name] == pytest.approx(rows.values[:, 0].mean())
    assert found.details["lasso"]["coefficients"] == {name: 0.5}


def test_one_feature_left_is_kept():
    found = fit(LASSO_SVM, make_rows(p=1))
    assert found.kept.tolist() == [0] and "one feature left" in found.details["note"]


def test_few_patients_of_a_class_mean_fewer_folds_or_none():
    few = make_rows(n=30, n_events=3)
    found = fit(LASSO_SVM, few, StandInEngine(lasso=[0]))
    assert found.details["folds"] == 3
    assert found.warnings == ("3 inner folds instead of 10: a class has 3 distinct patients in training",)
    assert fit(MRMR, few, trees=20).warnings[0].startswith("3 inner folds instead of 5")
    two = fit(LASSO_SVM, make_rows(n=30, n_events=2), StandInEngine(lasso=[0]))
    assert any("LASSO not computed" in warning for warning in two.warnings) and two.details["svm_rfe"] is not None
    one = TrainingRows(
        few.values[:20],
        None,
        np.repeat([0, 1], [15, 5]).astype(np.int8),
        np.r_[np.arange(15), np.full(5, 99)],
        few.names,
    )
    lasso = fit(LASSO_SVM, one, StandInEngine(lasso=[0]))
    assert lasso.kept.size == 8 and "1 distinct patient in" in lasso.warnings[0]
    forest = fit(MRMR, one)
    assert forest.kept.tolist() == [one.names.index(forest.details["ranking"][0])] and len(forest.warnings) == 2


def test_selection_is_the_same_in_threads_and_again():
    from joblib import Parallel, delayed

    rows = make_rows(p=10, copies=True, signal=0.6)
    seed = np.random.SeedSequence(11)
    once = [MRMR.fit(rows, MRMR.Settings(trees=40), seed, None).details for _ in range(2)]
    parallel = Parallel(2, backend="threading")(
        delayed(MRMR.fit)(rows, MRMR.Settings(trees=40), seed, None) for _ in range(4)
    )
    assert all(found.details == once[0] for found in parallel) and once[0] == once[1]
    assert seed.n_children_spawned == 0


def test_settings_have_the_protocols_defaults_and_refuse_what_they_do_not_know():
    assert ICC.Settings().model_dump() == {"if_empty": None, "threshold": 0.75, "form": "ICC2", "on": "estimate"}
    assert MRMR.Settings().model_dump() == {
        "if_empty": None,
        "folds": 5,
        "features": 30,
        "trees": 500,
        "sizes": None,
        "rule": "argmax",
        "seeds": 8,
        "racing": False,
    }
    assert CORRELATION.Settings().model_dump() == {"if_empty": None, "between": 0.9, "outcome": 0.3}
    assert LASSO_SVM.Settings().model_dump() == {"if_empty": None, "folds": 10, "combine": "intersection", "cost": 1.0}
    for selector in SELECTORS[:4]:
        with pytest.raises(ValidationError, match="Extra inputs"):
            selector.Settings(treshold=0.7)
    for bad in ({"sizes": [0, 3]}, {"sizes": []}, {"folds": 1}, {"rule": "best"}):
        with pytest.raises(ValidationError):
            MRMR.Settings(**bad)
