"""Selection steps of their own: the LASSO, stability selection and Boruta."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from prldh.chain.learners.random_forest import grow_forest
from prldh.chain.learners.trees import Trees
from prldh.chain.selection.boruta import BorutaSelector, _shuffled, decide, gini_importance
from prldh.chain.selection.elastic_net import ElasticNetSelector
from prldh.chain.selection.lasso import LassoSelector
from prldh.chain.selection.stability import StabilitySelector, draw_halves, first_to_enter
from prldh.chain.shared import child_of
from prldh.chain.shared.folds import stratified_folds
from prldh.chain.shared.linear import standardise
from prldh.core import TrainingRows
from prldh.engines import PythonEngine

ENGINE, SEED = PythonEngine(), np.random.SeedSequence(3)


def make_rows(n=80, p=12, effect=1.2, seed=0):
    """The first three columns tell of the outcome."""
    rng = np.random.default_rng(seed)
    outcome = rng.permutation(np.arange(n) % 5 < 2).astype(np.int8)
    values = rng.normal(size=(n, p)) + effect * outcome[:, None] * (np.arange(p) < 3)
    return TrainingRows(values, None, outcome, np.arange(n), tuple(f"f{j:02}" for j in range(p)))


def fit(selector, rows, **settings):
    return selector.fit(rows, selector.Settings(**settings), SEED, ENGINE)


def kept_names(selection, rows):
    return {rows.names[j] for j in selection.kept}


SELECTORS = [
    (LassoSelector(), {}),
    (LassoSelector(), {"rule": "one_se"}),
    (ElasticNetSelector(), {}),
    (StabilitySelector(), {"halves": 20, "q": 5}),
    (BorutaSelector(), {"trees": 50, "runs": 30}),
]
IDS = ["lasso", "lasso one_se", "elastic_net", "stability", "boruta"]


@pytest.mark.parametrize(("selector", "settings"), SELECTORS, ids=IDS)
def test_order_of_rows_and_columns_does_not_matter(selector, settings):
    rows = make_rows()
    rng = np.random.default_rng(8)
    shuffled = rows.of_rows(rng.permutation(80)).take(rng.permutation(12))
    first, second = fit(selector, rows, **settings), fit(selector, shuffled, **settings)
    assert kept_names(first, rows) == kept_names(second, shuffled) >= {"f00", "f01", "f02"}
    assert first.dropped.keys() == second.dropped.keys() and not set(first.dropped) & kept_names(first, rows)
    json.dumps(first.details, allow_nan=False)
    assert selector.figures(first.details) and not selector.figures({})


@pytest.mark.parametrize(("selector", "settings"), SELECTORS, ids=IDS)
def test_few_patients_of_a_class_are_no_failure(selector, settings):
    rows = make_rows()
    few = rows.of_rows(np.r_[np.flatnonzero(rows.outcome == 1)[:2], np.flatnonzero(rows.outcome == 0)])
    answer = fit(selector, few, **settings)
    if not isinstance(selector, BorutaSelector):
        assert len(answer.kept) == 12 and "skipped" in answer.warnings[-1]
    copies = few.of_rows(np.repeat(np.arange(few.outcome.size), 2))  # of the same patients
    assert len(fit(selector, copies, **settings).kept) + len(fit(selector, copies, **settings).dropped) == 12


# ---------------------------------------------------------------- the LASSO


def test_the_lasso_keeps_what_has_a_coefficient():
    rows = make_rows()
    fold = stratified_folds(rows.outcome, 10, child_of(SEED, 0), rows.patient) + 1
    z, _, _ = standardise(rows.values)
    found = ENGINE.cv_lasso(z, rows.outcome.astype(float), fold)
    least, wide = fit(LassoSelector(), rows), fit(LassoSelector(), rows, rule="one_se")
    assert least.kept.tolist() == np.flatnonzero(found["coefficients"][1:]).tolist()
    assert least.details["lambda_min"] == found["lambda_min"]
    limit = found["cv_mean"].min() + found["cv_sd"][found["cv_mean"].argmin()]
    largest = max(x for x, mean in zip(found["lambda"], found["cv_mean"], strict=True) if mean <= limit)
    assert wide.details["lambda_1se"] == largest > found["lambda_min"]
    assert set(wide.kept.tolist()) < set(least.kept.tolist())
    assert least.details["n_nonzero"][found["lambda"].tolist().index(found["lambda_min"])] == len(least.kept)


def test_the_lasso_of_noise_may_keep_nothing():
    rows = make_rows(effect=0.0, seed=1)
    answer = fit(LassoSelector(), rows, rule="one_se")
    assert not answer.kept.size and answer.dropped["f00"].startswith("LASSO coefficient 0 at lambda")


def test_the_elastic_net_at_1_is_the_lasso_and_keeps_alike_features_together_below():
    rows = make_rows()
    lasso, same = fit(LassoSelector(), rows), fit(ElasticNetSelector(), rows, alpha=1.0)
    assert same.kept.tolist() == lasso.kept.tolist()
    near = replace(rows, values=rows.values.copy())
    near.values[:, 5] = near.values[:, 0] + 1e-3 * np.random.default_rng(0).normal(size=80)
    one, several = fit(LassoSelector(), near), fit(ElasticNetSelector(), near, alpha=0.2)
    assert {"f00", "f05"} <= kept_names(several, near) and not {"f00", "f05"} <= kept_names(one, near)
    fold = stratified_folds(rows.outcome, 10, child_of(SEED, 0), rows.patient) + 1
    found = ENGINE.cv_elastic_net(
        standardise(near.values)[0], near.outcome.astype(float), fold, alpha=0.2, tolerance=1e-14
    )
    assert several.kept.tolist() == np.flatnonzero(found["coefficients"][1:]).tolist()
    assert several.details["lambda_1se"] == found["lambda_1se"]


# ---------------------------------------------------------------- stability selection


def test_halves_are_of_patients_within_outcomes():
    outcome = np.array([0] * 11 + [1] * 6)
    patient = np.repeat(np.arange(17), 2)  # each twice
    halves = draw_halves(outcome[patient], patient, 7, True, SEED)
    assert len(halves) == 7
    for half in halves:
        own = np.unique(patient[half])
        assert len(half) == 2 * len(own) and (outcome[own] == 0).sum() == 5 and (outcome[own] == 1).sum() == 3
    for first, second in zip(halves[0:6:2], halves[1:6:2], strict=True):
        assert not set(patient[first]) & set(patient[second])
    alone = draw_halves(outcome[patient], patient, 7, False, SEED)
    assert any(set(patient[a]) & set(patient[b]) for a, b in zip(alone[0:6:2], alone[1:6:2], strict=True))


def test_first_to_enter_are_at_most_q_and_the_first_of_the_path():
    rows = make_rows()
    fold = stratified_folds(rows.outcome, 3, SEED, rows.patient)
    z, _, _ = standardise(rows.values)
    path = ENGINE.cv_lasso(z, rows.outcome.astype(float), fold + 1)["path"][1:]
    enters = np.array([np.flatnonzero(row)[0] if row.any() else 10**6 for row in path])
    for q in (1, 2, 3, 5, 8):
        first = first_to_enter(rows.values, rows.outcome, fold, q)
        assert len(first) <= q
        if len(first):
            assert set(np.flatnonzero(enters < enters[first].max())) <= set(first.tolist())


def test_the_bound_is_meinshausen_and_buhlmanns():
    rows = make_rows()
    answer = fit(StabilitySelector(), rows, q=3, threshold=0.8, halves=20)
    assert answer.details["expected_false"] == pytest.approx(3**2 / ((2 * 0.8 - 1) * 12))
    unset = fit(StabilitySelector(), rows, false=2.0, threshold=0.8, halves=20).details
    assert unset["q"] == int(np.sqrt(2.0 * 0.6 * 12)) and unset["expected_false"] <= 2.0
    assert answer.dropped["f11"].endswith("of 20 halves, < 80%")
    (remark,) = StabilitySelector().remarks([("s", answer.details), ("t", {})])
    assert "at most 1.250 features" in remark.text and "3 of 12" in remark.text
    assert not answer.warnings
    few = fit(StabilitySelector(), rows, false=0.01, threshold=0.8, halves=20)  # not even one feature a half
    assert few.details["q"] == 1 and "cannot bound the features taken falsely by 0.010 among 12" in few.warnings[0]


@pytest.mark.slow
def test_features_that_are_taken_falsely_are_fewer_than_the_bound():
    false, bounds = [], []
    for seed in range(60):
        rows = make_rows(n=100, p=40, effect=0.8, seed=seed)
        answer = fit(StabilitySelector(), rows, false=1.0, threshold=0.6, halves=50)
        false.append(sum(j >= 3 for j in answer.kept))
        bounds.append(answer.details["expected_false"])
    assert np.mean(false) <= np.mean(bounds)


# ---------------------------------------------------------------- Boruta


def test_gini_importance_is_scikit_learns():
    rows = make_rows(n=50, p=5)
    theirs = DecisionTreeClassifier(random_state=0).fit(rows.values, rows.outcome)
    tree = theirs.tree_
    leaf = tree.children_left < 0
    share = tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1)
    ours = Trees(
        np.array([0]),
        np.where(leaf, -1, tree.feature),
        tree.threshold,
        np.where(leaf, 0, tree.children_left),
        np.where(leaf, 0, tree.children_right),
        np.where(leaf, share, 0.0),
        tree.n_node_samples,
    )
    importance = gini_importance(ours, 5)
    np.testing.assert_allclose(importance / importance.sum(), theirs.feature_importances_, rtol=1e-12)


def test_a_forests_importance_is_scikit_learns_within_chance():
    rows = make_rows(n=80, p=6)
    theirs = RandomForestClassifier(400, max_features=2, random_state=1).fit(rows.values, rows.outcome)
    ours = gini_importance(grow_forest(rows.values, rows.outcome, 400, 5), 6)
    np.testing.assert_allclose(ours / ours.sum(), theirs.feature_importances_, atol=0.03)


def test_copies_of_a_patient_are_shuffled_as_one():
    patient = np.repeat(np.arange(6), [1, 2, 3, 1, 1, 2])
    values = np.column_stack([patient * 10.0, patient + 0.5])
    shadows = _shuffled(values, np.array([0, 1]), patient, np.random.default_rng(0))
    assert shadows.shape == (10, 5)  # five at least
    for column, original in zip(shadows.T, (0, 1, 0, 1, 0), strict=True):
        own = {patient[i]: column[i] for i in range(10)}
        assert all(column[i] == own[patient[i]] for i in range(10))
        assert sorted(own.values()) == sorted(set(values[:, original]))


@pytest.mark.parametrize(
    ("seed", "n", "p", "effect", "confirmed"),
    [
        (0, 100, 20, 1.0, [0, 1, 2, 3, 8]),
        (0, 100, 100, 1.0, [0, 1, 2, 3, 4, 37, 81]),
        (0, 150, 60, 0.7, [0, 1, 2, 3, 25, 38]),
        (1, 100, 20, 1.0, [0, 1, 2, 3]),
        (1, 100, 100, 1.0, [0, 1, 2, 3, 34, 83]),
    ],
)
def test_what_is_confirmed_is_what_boruta_py_confirms(seed, n, p, effect, confirmed):
    """boruta_py 0.4.3 with scikit-learn 1.9.1: forests of 200 trees, 100 runs, alpha 0.01, two_step=False. Four columns
    tell of the outcome; chance makes others confirmed as well, the same ones there and here."""
    rng = np.random.default_rng(seed)
    outcome = (np.arange(n) % 5 < 2).astype(np.int8)
    values = rng.normal(size=(n, p))
    values[:, :4] += outcome[:, None] * effect
    found = decide(values, outcome, np.arange(n), 100, 200, 0.01, np.random.SeedSequence(1))
    assert np.flatnonzero(found.confirmed).tolist() == confirmed


def test_boruta_says_what_became_of_each_feature():
    rows = make_rows()
    answer = fit(BorutaSelector(), rows, trees=50, runs=30)
    details = answer.details
    decided = set(details["confirmed"])
    assert kept_names(answer, rows) == decided and set(answer.dropped) == set(rows.names) - decided
    assert details["hits"]["f00"] > details["hits"]["f11"]
    whole = fit(BorutaSelector(), rows, trees=50, runs=10, tentative="keep")
    assert whole.details["tentative"] and kept_names(whole, rows) >= set(whole.details["tentative"])
    constant = replace(rows, values=np.ones_like(rows.values))
    assert not fit(BorutaSelector(), constant, trees=20, runs=30).kept.size
