"""Relief through prldh: promises, weights that are scikit-rebate's own, and what correlation cannot see."""

from __future__ import annotations

import numpy as np
import pytest
from prldh_relief.selector import ReliefSelector, ReliefSettings

from prldh.api import TrainingRows
from prldh.testing import parametrize_with_checks

skrebate = pytest.importorskip("skrebate", reason="scikit-rebate is not installed")


@parametrize_with_checks([ReliefSelector()])
def test_conforms(check):
    check()


def rows_of(n=120, p=12, seed=0):
    """The event is where two features have one sign: neither tells of it alone."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(-1, 1, size=(n, p))
    outcome = ((values[:, 3] * values[:, 7]) > 0).astype(np.int8)
    return TrainingRows(values, None, outcome, np.arange(n), tuple(f"f{j:02d}" for j in range(p)))


@pytest.mark.parametrize("algorithm", ["relieff", "multisurf"])
def test_it_finds_what_tells_together_alone(algorithm):
    rows = rows_of()
    found = ReliefSelector().fit(rows, ReliefSettings(n=2, algorithm=algorithm), np.random.SeedSequence(1), None)
    assert list(found.kept) == [3, 7]
    assert np.abs(np.corrcoef(rows.values.T, rows.outcome)[-1, [3, 7]]).max() < 0.2


def test_weights_are_the_librarys():
    rows = rows_of()
    found = ReliefSelector().fit(rows, ReliefSettings(n=12), np.random.SeedSequence(1), None)
    x = (rows.values - rows.values.min(axis=0)) / np.ptp(rows.values, axis=0)
    theirs = skrebate.ReliefF(n_neighbors=10).fit(x, rows.outcome).feature_importances_
    np.testing.assert_allclose(found.details["weights"], sorted(theirs, reverse=True), atol=1e-9)


def test_copies_of_a_patient_count_once():
    rows = rows_of()
    twice = rows.of_rows(np.repeat(np.arange(120), 2))
    settings = ReliefSettings(n=4)
    first, second = (ReliefSelector().fit(r, settings, np.random.SeedSequence(1), None) for r in (rows, twice))
    assert list(first.kept) == list(second.kept) and first.details == second.details
