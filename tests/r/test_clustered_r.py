"""Statistics of rows that are clustered in patients, by R and by Python."""

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
        r, python = (np.array(list(answer.values()), dtype=float) for answer in (r, python))
    np.testing.assert_allclose(r, python, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("n", "decimals"), [(30, 9), (60, 1), (200, 0)])
def test_both_engines_agree(n, decimals):
    rng = np.random.default_rng(n)
    patient = rng.integers(0, n // 2, n)
    outcome = rng.integers(0, 2, n)
    a, b = (np.round(rng.normal(size=n) + outcome, decimals) for _ in range(2))
    both("clustered_auc", outcome=outcome, score=a, patient=patient, level=0.9)
    both("compare_clustered_auc", outcome=outcome, a=a, b=b, patient=patient, level=0.9)
    both("compare_clustered_auc", outcome=outcome, a=a, b=2 * a, patient=patient)
    both("clustered_covariance", design=np.column_stack([np.ones(n), a, b]), outcome=outcome, patient=patient)
    both("clustered_brier_score", outcome=outcome, probability=rng.random((3, n)), patient=patient)


def test_of_one_class_or_patient():
    ones, score = np.ones(4), np.arange(4.0)
    both("clustered_auc", outcome=ones, score=score, patient=np.arange(4))
    both("compare_clustered_auc", outcome=ones, a=score, b=-score, patient=np.arange(4))
    mixed = np.array([0.0, 1, 0, 1])
    both("clustered_auc", outcome=mixed, score=score, patient=np.zeros(4, dtype=int))
    both("compare_clustered_auc", outcome=mixed, a=score, b=-score, patient=np.zeros(4, dtype=int))
    both("clustered_covariance", design=np.ones((4, 1)), outcome=mixed, patient=np.zeros(4, dtype=int))
    both("clustered_brier_score", outcome=mixed, probability=score[None] / 4, patient=np.zeros(4, dtype=int))
