"""Permutation importance: what it finds, and that neither rows nor columns have an order for it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from prldh.models import permutation_importance
from prldh.stats import auc

SEED = np.random.SeedSequence(4)


def make(n=60, seed=0):
    generator = np.random.default_rng(seed)
    outcome = (generator.random(n) < 0.4).astype(int)
    values = generator.normal(size=(n, 3))
    values[:, 0] += 1.5 * outcome
    return values, outcome


def score(values):
    return values[:, 0] + 0.2 * values[:, 1]


def test_a_feature_that_is_not_read_has_none_and_the_one_that_tells_the_most():
    values, outcome = make()
    found = permutation_importance(score, values, "abc", outcome, np.arange(60), SEED)
    assert found.auc == auc(outcome, score(values))["estimate"]
    assert found.drop[0] > 0.2 > abs(found.drop[1]) and found.drop[2] == found.sd[2] == 0


def test_the_mean_comes_near_that_over_all_permutations():
    values, outcome = make(6, seed=3)
    outcome[:3], outcome[3:] = 0, 1
    whole = auc(outcome, score(values))["estimate"]
    drops = []
    for order in itertools.permutations(range(6)):
        changed = values.copy()
        changed[:, 0] = values[list(order), 0]
        drops.append(whole - auc(outcome, score(changed))["estimate"])
    found = permutation_importance(score, values, "abc", outcome, np.arange(6), SEED, repeats=2000)
    assert found.drop[0] == pytest.approx(np.mean(drops), abs=4 * np.std(drops) / np.sqrt(2000))
    assert found.sd[0] == pytest.approx(np.std(drops), rel=0.1)


def test_neither_rows_nor_columns_have_an_order():
    values, outcome = make()
    first = permutation_importance(score, values, "abc", outcome, np.arange(60), SEED, repeats=5)
    turn, columns = np.random.default_rng(1).permutation(60), [2, 0, 1]
    second = permutation_importance(
        lambda x: score(x[:, [1, 2, 0]]), values[turn][:, columns], "cab", outcome[turn], turn, SEED, repeats=5
    )
    np.testing.assert_array_equal(first.drop[columns], second.drop)
    np.testing.assert_array_equal(first.sd[columns], second.sd)


def test_one_class_has_no_importance():
    values, _ = make(10)
    found = permutation_importance(score, values, "abc", np.zeros(10, dtype=int), np.arange(10), SEED)
    assert np.isnan(found.auc) and np.isnan(found.drop).all() and np.isnan(found.sd).all()


def test_repeats_must_be_two():
    values, outcome = make()
    with pytest.raises(ValueError, match="at least 2"):
        permutation_importance(score, values, "abc", outcome, np.arange(60), SEED, repeats=1)
