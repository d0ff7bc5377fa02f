"""Forests and boosting: equal to plain references, the same in any order, and defined where data are odd."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from selection_reference import GOLDEN, LEFT, WORD, below, descend, grow, mix

from prldh.chain.learners.boosting import BoostingLearner, rank_codes
from prldh.chain.learners.random_forest import RandomForestLearner, grow_forest
from prldh.chain.learners.trees import Trees
from prldh.core import DataError, TrainingRows
from prldh.stats.roc import auc

SEED = np.random.SeedSequence(11)
LEARNERS = {
    "random_forest": (RandomForestLearner(), {"trees": 25}),
    "boosting": (BoostingLearner(), {"trees": 40, "folds": 3}),
}


def make_rows(n: int = 60, p: int = 6, seed: int = 0, effect: float = 1.0) -> TrainingRows:
    generator = np.random.default_rng(seed)
    outcome = generator.permutation(np.arange(n) % 5 < 2).astype(np.int8)
    values = generator.normal(size=(n, p))
    values[:, :2] += effect * outcome[:, None]
    return TrainingRows(values, None, outcome, np.arange(n), tuple(f"f{j:03d}" for j in range(p)))


def fit(name: str, rows: TrainingRows, **settings):
    learner, few = LEARNERS[name]
    return learner.fit(rows, learner.Settings(**{**few, **settings}), SEED, None)


def with_values(rows: TrainingRows, values: np.ndarray) -> TrainingRows:
    return replace(rows, values=values)


# ---------------------------------------------------------------- the forest


def reference_votes(values, outcome, others, n_trees, seed):
    """Sum of the votes of trees that are grown recursively, with exact fractions for the Gini gain."""
    votes = np.zeros(len(others))
    for number in range(n_trees):
        key = mix((seed + GOLDEN) & WORD)
        for part in (0, number):
            key = mix(((key ^ part) + GOLDEN) & WORD)
        state, drawn = key, []
        for _ in range(len(outcome)):
            state, row = below(state, len(outcome))
            drawn.append(row)
        tree = grow(values, outcome, drawn, values.shape[1], mix(key ^ LEFT))
        votes += [descend(tree, row) for row in others]
    return votes


@pytest.mark.parametrize(("n", "p", "decimals"), [(30, 7, 8), (70, 3, 1), (4, 1, 8), (25, 40, 0)])
def test_a_forest_equals_a_plain_one(n, p, decimals):
    rows, others = make_rows(n, p), make_rows(50, p, seed=1)
    values, new = np.round(rows.values, decimals), np.round(others.values, decimals)
    votes = grow_forest(values, rows.outcome, 6, 2**64 - 5).sums(new)
    np.testing.assert_array_equal(votes, reference_votes(values, rows.outcome, new, 6, 2**64 - 5))


def test_a_forest_discriminates_as_scikit_learns_does():
    """Means over 12 data sets of the AUC on new rows; they may differ by three standard errors of their paired
    difference."""
    from sklearn.ensemble import RandomForestClassifier

    differences = []
    for k in range(12):
        rows, others = make_rows(60, 12, seed=k, effect=0.7), make_rows(300, 12, seed=100 + k, effect=0.7)
        ours = fit("random_forest", rows, trees=80).apply(others.values, others.names, {})
        theirs = RandomForestClassifier(80, random_state=k).fit(rows.values, rows.outcome).predict_proba(others.values)
        differences.append(auc(others.outcome, ours)["estimate"] - auc(others.outcome, theirs[:, 1])["estimate"])
    error = np.std(differences, ddof=1) / math.sqrt(len(differences))
    assert error < 0.015 and abs(np.mean(differences)) < 3 * error


def drawn(kind: str, n: int, generator: np.random.Generator) -> TrainingRows:
    """Patients whose risk is linear, an interaction alone, or of skewed and correlated features."""
    values = generator.normal(size=(n, 10))
    if kind == "linear":
        eta = values[:, :5] @ [1.0, -1.0, 0.7, 0.5, 0.5] - 0.4
    elif kind == "interaction":
        eta = 2.5 * np.sign(values[:, 0] * values[:, 1]) + 0.3
    else:
        hidden = generator.normal(size=(n, 3))
        values = np.exp(hidden[:, np.arange(10) % 3] + 0.7 * values)
        eta = 1.5 * hidden[:, 0] - 1.2 * (np.abs(hidden[:, 1]) > 1) - 0.5
    outcome = (generator.random(n) < 1 / (1 + np.exp(-eta))).astype(np.int8)
    return TrainingRows(values, None, outcome, np.arange(n), tuple(f"f{j}" for j in range(10)))


@pytest.mark.parametrize("kind", ["linear", "interaction", "skewed"])
def test_a_forest_discriminates_as_scikit_learns_does_on_data_of_every_kind(kind):
    """As above, of 10 data sets of 120 patients."""
    from sklearn.ensemble import RandomForestClassifier

    differences = []
    for k in range(10):
        generator = np.random.default_rng(1000 + k)
        rows, others = drawn(kind, 120, generator), drawn(kind, 800, generator)
        ours = fit("random_forest", rows, trees=100).apply(others.values, others.names, {})
        theirs = RandomForestClassifier(100, random_state=k).fit(rows.values, rows.outcome).predict_proba(others.values)
        differences.append(auc(others.outcome, ours)["estimate"] - auc(others.outcome, theirs[:, 1])["estimate"])
    error = np.std(differences, ddof=1) / math.sqrt(len(differences))
    assert error < 0.015 and abs(np.mean(differences)) < 3 * error


def test_a_forests_probability_is_never_0_or_1():
    rows = make_rows(effect=50.0)
    log_odds = fit("random_forest", rows, trees=20).apply(rows.values, rows.names, {})
    least = math.log(0.5 / 20.5)
    assert log_odds.min() == pytest.approx(least) and log_odds.max() == pytest.approx(-least)


def test_a_state_of_a_large_forest_is_small_enough():
    rows = make_rows(300, 40, effect=0.3)
    text = json.dumps(fit("random_forest", rows, trees=500).state)
    assert len(text) < 5e6


# ---------------------------------------------------------------- boosting


def library_decision(rows: TrainingRows, others: TrainingRows, n_trees: int, leaf: int = 10) -> np.ndarray:
    """scikit-learn's own decision function, of values as ranks among those of the training rows."""
    from sklearn.ensemble import GradientBoostingClassifier

    from prldh.chain.learners.shared import seed_word
    from prldh.chain.shared import child_of

    codes, ranked = rank_codes(rows.values)
    machine = GradientBoostingClassifier(
        n_estimators=n_trees,
        learning_rate=0.05,
        subsample=0.5,
        max_leaf_nodes=6,
        max_depth=None,
        min_samples_leaf=leaf,
        max_features=0.333,
        random_state=seed_word(child_of(SEED, 1)) >> 32,
    ).fit(codes, rows.outcome)
    new = [np.searchsorted((d[1:] + d[:-1]) / 2, others.values[:, j]) for j, d in enumerate(ranked)]
    return machine.decision_function(np.column_stack(new))


def test_boosting_gives_the_librarys_decision_function():
    rows, others = make_rows(80, 9), make_rows(200, 9, seed=1)
    score = fit("boosting", rows, trees=60)
    for new in (rows, others):
        expected = library_decision(rows, new, score.details["trees"])
        np.testing.assert_allclose(score.apply(new.values, new.names, {}), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n", "smallest_leaf", "leaf"), [(80, 3, 3), (40, 10, 5), (40, 100_000, 5), (9, 10, 1)])
def test_a_leaf_has_so_many_rows_or_a_quarter_of_those_drawn(n, smallest_leaf, leaf):
    rows, others = make_rows(n, 9), make_rows(200, 9, seed=1)
    score = fit("boosting", rows, trees=20, smallest_leaf=smallest_leaf)
    expected = library_decision(rows, others, score.details["trees"], leaf)
    np.testing.assert_allclose(score.apply(others.values, others.names, {}), expected, rtol=0, atol=1e-12)
    trees = score.trees
    assert trees.cover[trees.feature < 0].min() >= leaf


def test_the_number_of_trees_is_where_the_inner_deviance_is_least():
    score = fit("boosting", make_rows(100, 5), trees=60)
    curve = score.details["deviance"]
    assert score.details["trees"] == int(np.argmin(curve)) + 1 == score.trees.root.size
    assert curve[score.details["trees"] - 1] < curve[0]


def test_noise_stops_the_inner_folds_early_and_the_curve_is_that_of_one_fit(monkeypatch):
    from prldh.chain.learners import boosting

    rows = make_rows(60, 5, effect=0.0)
    monkeypatch.setattr(boosting, "BLOCK", 10)
    monkeypatch.setattr(boosting, "PATIENCE", 10)
    early = fit("boosting", rows, trees=80)
    monkeypatch.setattr(boosting, "BLOCK", 80)
    monkeypatch.setattr(boosting, "PATIENCE", 80)
    whole = fit("boosting", rows, trees=80).details["deviance"]
    n = len(early.details["deviance"])
    assert n < 80 == len(whole)
    np.testing.assert_allclose(early.details["deviance"], whole[:n], rtol=0, atol=1e-12)


def test_boosting_takes_the_default_where_no_inner_folds_can_choose():
    rows = make_rows(20, 3)
    rows = rows.of_rows(np.r_[np.flatnonzero(rows.outcome == 0), np.flatnonzero(rows.outcome == 1)[:1]])
    score = fit("boosting", rows, trees=500)
    assert score.trees.root.size == 100 and "100 trees are taken" in score.warnings[-1]


# ---------------------------------------------------------------- both


@pytest.mark.parametrize("name", LEARNERS)
def test_a_tree_learner_reads_only_columns_that_some_split_uses(name):
    rows = make_rows(40, 60, effect=3.0)
    score = fit(name, rows, trees=3)
    assert 0 < len(score.names) < 60 and list(score.names) == sorted(score.names)
    assert score.trees.used.tolist() == list(range(len(score.names)))


@pytest.mark.parametrize("name", LEARNERS)
def test_values_of_any_size_and_copies_of_columns_and_one_column_will_do(name):
    rows, others = make_rows(), make_rows(seed=1)
    huge = fit(name, with_values(rows, rows.values * 1e300))
    assert np.isfinite(huge.apply(others.values * 1e300, others.names, {})).all()
    # a power of two scales without rounding
    plain, scaled = fit(name, rows), fit(name, with_values(rows, rows.values * 2.0**40))
    np.testing.assert_array_equal(
        plain.apply(others.values, others.names, {}), scaled.apply(others.values * 2.0**40, others.names, {})
    )
    copies = TrainingRows(np.tile(rows.values[:, :1], 3), None, rows.outcome, rows.patient, ("a", "b", "c"))
    assert np.isfinite(fit(name, copies).apply(copies.values, copies.names, {})).all()
    one = rows.take(np.array([0]))
    assert fit(name, one).names == ("f000",)


@pytest.mark.parametrize("name", LEARNERS)
def test_constant_columns_change_nothing_and_four_patients_are_enough(name):
    rows = make_rows()
    more = replace(rows, values=np.column_stack([rows.values, np.ones(60)]), names=(*rows.names, "constant"))
    assert fit(name, rows).state == fit(name, more).state
    four = replace(make_rows(4, 3), outcome=np.array([0, 1, 0, 1], dtype=np.int8))
    assert np.isfinite(fit(name, four).apply(four.values, four.names, {})).all()


@pytest.mark.parametrize("name", LEARNERS)
def test_where_nothing_can_be_learned_everyone_gets_the_same(name):
    rows = make_rows(20, 2)
    for odd in (with_values(rows, np.ones((20, 2))), replace(rows, outcome=np.zeros(20, dtype=np.int8))):
        score = fit(name, odd)
        log_odds = score.apply(rows.values, rows.names, {})
        assert score.names == () and np.ptp(log_odds) == 0 and np.isfinite(log_odds).all()
        assert json.loads(json.dumps(score.state)) == score.state


@pytest.mark.parametrize("name", LEARNERS)
def test_a_blank_is_refused_in_training_and_stays_one_afterwards(name):
    rows = make_rows()
    values = rows.values.copy()
    values[3, 1] = np.nan
    with pytest.raises(DataError, match=r"'f001' is missing or infinite in 1 of 60 training rows.*impute"):
        fit(name, with_values(rows, values))
    log_odds = fit(name, rows).apply(values, rows.names, {})
    assert np.flatnonzero(np.isnan(log_odds)).tolist() == [3]


@pytest.mark.parametrize("name", LEARNERS)
def test_rows_of_one_patient_that_differ_may_come_in_any_order(name):
    rows = replace(make_rows(), patient=np.arange(60) // 2, outcome=np.repeat(make_rows(30).outcome, 2))
    turned = rows.of_rows(np.arange(60)[::-1])
    assert fit(name, rows).state == fit(name, turned).state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["leaf"].pop(), "differ in length"),
        (lambda s: s["feature"].__setitem__(0, 99), "by a feature that is none of its 6"),
        (lambda s: s["left"].__setitem__(0, 0), "does not come after it"),
        (lambda s: s["root"].__setitem__(0, -1), "begins where there is no node"),
    ],
)
def test_damaged_trees_are_refused(change, message):
    score = fit("random_forest", make_rows())
    state = json.loads(json.dumps(score.state))["trees"]
    change(state)
    with pytest.raises(ValueError, match=message):
        Trees.from_state(state, len(score.names))


@pytest.mark.parametrize("name", LEARNERS)
def test_other_values_of_a_column_give_the_score_bit_for_bit(name):
    """Also where values are missing, of columns that no tree uses, and of a mean with a linear part to rounding."""
    rows, others = make_rows(60, 30, effect=2.0), make_rows(15, 30, seed=1)
    score = fit(name, rows, trees=20)
    values = np.column_stack([others.values[:, others.names.index(n)] for n in score.names])
    values[3, 0] = np.nan
    other = np.random.default_rng(0).permuted(np.tile(values[:, :1], (7, 1, 1))[..., 0], axis=1)
    of_column = score.permuting(values)
    for j in range(values.shape[1]):
        changed = np.tile(values, (7, 1, 1))
        changed[:, :, j] = other
        expected = score.log_odds(changed.reshape(-1, values.shape[1])).reshape(7, -1)
        np.testing.assert_array_equal(of_column(j, other), expected)


def test_other_values_of_a_column_of_a_linear_score():
    from prldh.core import LinearScore

    generator = np.random.default_rng(3)
    values = generator.normal(size=(9, 40))
    values[2, 5] = np.nan
    numbers = generator.normal(size=(2, 40)), generator.uniform(0.5, 2.0, 40)
    score = LinearScore(0.3, tuple(("", f"f{j}") for j in range(40)), *numbers[0], numbers[1])
    of_column = score.permuting(values)
    for j in range(40):
        changed = np.tile(values, (7, 1, 1))
        changed[:, :, j] = other = generator.permuted(np.tile(values[:, j], (7, 1)), axis=1)
        expected = score.log_odds(changed.reshape(-1, 40)).reshape(7, -1)
        np.testing.assert_array_equal(of_column(j, other), expected)
    np.testing.assert_array_equal(of_column(3, values[None, :, 3])[0], score.log_odds(values))


def test_other_values_of_a_column_of_a_mean():
    from prldh.chain.learners.mean import MeanScore, PartOfMean
    from prldh.core import LinearScore

    rows, others = make_rows(60, 8, effect=2.0), make_rows(15, 8, seed=1)
    trees = fit("random_forest", rows, trees=20)
    features = (("", "f001"), ("", "f007"))
    line = LinearScore(0.3, features, np.array([0.5, -2.0]), np.zeros(2), np.ones(2))
    mean = MeanScore((PartOfMean("random_forest", "1", trees), PartOfMean("logistic", "1", line)))
    values = np.column_stack([others.values[:, others.names.index(n)] for n in mean.names])
    of_column, generator = mean.permuting(values), np.random.default_rng(0)
    for j in range(values.shape[1]):
        other = generator.permuted(np.tile(values[:, j], (7, 1)), axis=1)
        changed = np.tile(values, (7, 1, 1))
        changed[:, :, j] = other
        expected = mean.log_odds(changed.reshape(-1, values.shape[1])).reshape(7, -1)
        np.testing.assert_allclose(of_column(j, other), expected, rtol=0, atol=1e-14)
