"""Statistics of held-out predictions and of Table 1, by R and by Python: ties, one class, few patients."""

from __future__ import annotations

import numpy as np
import pytest

from prldh.engines.python import PythonEngine
from prldh.engines.r import REngine

pytestmark = pytest.mark.r


def both(statistic, **arguments):
    r, python = (engine.compute(statistic, **arguments) for engine in (REngine(), PythonEngine()))
    if isinstance(python, dict):
        assert list(r) == list(python)
        r, python = (np.array([x if x is not None else np.nan for x in answer.values()]) for answer in (r, python))
    np.testing.assert_allclose(r, python, rtol=1e-10, atol=1e-14)
    return python


@pytest.mark.parametrize(("n", "k", "decimals"), [(60, 3, 1), (60, 3, 9), (40, 10, 1), (200, 5, 2), (9, 3, 1)])
def test_mean_of_folds(n, k, decimals):
    rng = np.random.default_rng(n + k)
    outcome = np.tile([0, 0, 1], n)[: k * (n // k)]
    score = np.round(rng.normal(size=outcome.size) + outcome, decimals)
    lengths = np.full(k, outcome.size // k)
    for repeats in (1, 2):
        both("mean_of_folds", outcome=outcome, score=score, lengths=lengths, n_repeats=repeats, level=0.9)


def test_mean_of_folds_that_are_perfect_or_hold_one_patient_of_a_class():
    outcome = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    for lengths, score in (([4, 4], outcome), ([4, 4], np.zeros(8)), ([8], np.arange(8.0)), ([3, 5], np.arange(8.0))):
        found = both("mean_of_folds", outcome=outcome, score=score, lengths=np.array(lengths))
        assert np.isnan(found[1:4]).all()


@pytest.mark.parametrize("m", [1, 3])
def test_brier_score(m):
    rng = np.random.default_rng(m)
    outcome = rng.integers(0, 2, 30)
    for p in (rng.random((m, 30)), np.tile(outcome, (m, 1)), 1.0 - np.tile(outcome, (m, 1))):
        low, high = both("brier_score", outcome=outcome, probability=p, level=0.95)[1:]
        assert 0 <= low <= high <= 1


@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_held_out_counts(decimals):
    """Some training rows have one class, some predictions are all the same, and neighbours are neighbouring doubles."""
    rng = np.random.default_rng(decimals)
    for k in range(10):
        outcome = rng.integers(0, 2, 24)
        train = [rng.integers(0, 24, 12), np.flatnonzero(outcome == 1), np.arange(3, 24), np.arange(6)]
        test = [rng.permutation(24)[: k + 1], np.array([0]), np.array([1, 2]), np.arange(24)]
        in_sample = np.round(rng.random(sum(map(len, train))), decimals)
        in_sample[-6:] = np.nextafter(0.3, [0, 1, 1, 0, 1, 0]) if k % 2 else 0.3
        held_out = np.append(np.round(rng.random(sum(map(len, test)) - 2), decimals), [0.3, np.nextafter(0.3, 1)])
        counts = both(
            "held_out_counts",
            outcome=outcome,
            in_sample=in_sample,
            rows=np.concatenate(train),
            lengths=np.array([len(rows) for rows in train]),
            held_out=held_out,
            test_rows=np.concatenate(test),
            test_lengths=np.array([len(rows) for rows in test]),
        )
        assert counts.sum() == held_out.size


@pytest.mark.parametrize("n", [0, 1, 2, 31])
def test_moments(n):
    both("moments", values=np.random.default_rng(n).normal(size=n))


@pytest.mark.parametrize("method", ["holm", "bh"])
def test_adjusted_p_values_and_standardised_differences(method):
    rng = np.random.default_rng(4)
    for p in (np.array([0.2]), np.array([]), np.append(np.round(rng.random(12), 1), np.nan)):
        both("adjust_p", p=p, method=method)
    both("standardized_mean_difference", nonevent=rng.normal(size=5), event=rng.normal(size=7))
    both("standardized_level_difference", counts=rng.integers(0, 9, (3, 2)))
