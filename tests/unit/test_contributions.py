"""SHAP values: they sum to the log odds, and are the Shapley values of their definition."""

from __future__ import annotations

import builtins
import itertools
import math

import numpy as np
import pytest
from test_learners import ENGINE, SEED, fit_mean, make_rows

from prldh.chain.learners.boosting import BoostingLearner
from prldh.chain.learners.contributions import explain_trees, shap_values
from prldh.chain.learners.linear import LogisticLearner
from prldh.chain.learners.random_forest import RandomForestLearner
from prldh.core import PluginError, take_columns

LEARNERS = {
    "random_forest": (RandomForestLearner(), {"trees": 15}),
    "boosting": (BoostingLearner(), {"trees": 30, "folds": 3}),
}


def fit(name):
    learner, settings = LEARNERS[name]
    return learner.fit(make_rows(), learner.Settings(**settings), SEED, ENGINE)


def check_sums(score):
    others = make_rows(seed=1)
    own = take_columns(others.values, others.names, score.names)
    found = shap_values(score, own)
    assert found.values.shape == own.shape
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), score.log_odds(own), atol=1e-9)


def test_a_linear_scores_contributions_are_its_summands():
    score = LogisticLearner().fit(make_rows(), LogisticLearner.Settings(), SEED, ENGINE)
    check_sums(score)
    assert shap_values(score, score.center[None, :]).values.tolist() == [[0.0] * 5]


def test_scores_of_somebody_elses_have_none():
    assert shap_values(object(), np.zeros((1, 1))) is None


@pytest.mark.parametrize("name", LEARNERS)
def test_what_trees_add_sums_to_the_log_odds(name):
    pytest.importorskip("shap", reason="shap is not installed: pip install 'prldh[shap]'")
    check_sums(fit(name))


def test_what_a_mean_adds_is_the_mean():
    pytest.importorskip("shap", reason="shap is not installed: pip install 'prldh[shap]'")
    check_sums(fit_mean(make_rows(), ["logistic", {"random_forest": {"trees": 10}}]))


@pytest.mark.parametrize("name", LEARNERS)
def test_what_trees_add_are_shapley_values(name):
    """By their definition: a feature's mean gain over the orders in which features become known, where trees are
    followed along known features, and along both sides by their training rows at unknown ones."""
    pytest.importorskip("shap", reason="shap is not installed: pip install 'prldh[shap]'")
    score = fit(name)
    trees, k = score.trees, len(score.names)
    row = take_columns(make_rows(seed=1).values, make_rows().names, score.names)[7]

    def expected(node, known):
        if trees.feature[node] < 0:
            return trees.leaf[node]
        left, right = trees.left[node], trees.right[node]
        if trees.feature[node] in known:
            is_left = row[trees.feature[node]] <= trees.threshold[node]
            return expected(left if is_left else right, known)
        share = trees.cover[left] / trees.cover[node]
        return share * expected(left, known) + (1 - share) * expected(right, known)

    def worth(known):
        return sum(expected(root, known) for root in trees.root)

    definition = np.zeros(k)
    for j in range(k):
        for size in range(k):
            weight = math.factorial(size) * math.factorial(k - size - 1) / math.factorial(k)
            for known in itertools.combinations([i for i in range(k) if i != j], size):
                definition[j] += weight * (worth({*known, j}) - worth(set(known)))
    base, added = explain_trees(trees, row[None, :])
    assert base == pytest.approx(worth(set()))
    np.testing.assert_allclose(added[0], definition, atol=1e-9)


def test_without_the_library_one_message_says_how_to_get_it(monkeypatch):
    plain = builtins.__import__

    def without(name, *rest):
        if name == "shap":
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    score = fit("random_forest")
    with pytest.raises(PluginError, match=r"pip install 'prldh\[shap\]'"):
        shap_values(score, np.zeros((1, len(score.names))))


def test_trees_that_never_split_add_nothing():
    rows = make_rows(30)
    rows = rows.of_rows(np.flatnonzero(rows.outcome == 1))
    learner, settings = LEARNERS["random_forest"]
    score = learner.fit(rows, learner.Settings(**settings), SEED, ENGINE)
    found = shap_values(score, np.zeros((4, 0)))
    assert found.values.shape == (4, 0)
    assert found.base == pytest.approx(score.log_odds(np.zeros((4, 0)))[0])
