"""Which estimates are infinite: by hand, by trying every direction, and by what happens to maximum likelihood."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prldh.stats.logistic import fit_logistic
from prldh.stats.separation import infinite_coefficients


def design(*columns):
    return np.column_stack([np.ones(len(columns[0])), *columns]).astype(float)


def test_overlapping_data_have_finite_estimates():
    assert infinite_coefficients(design([1, 2, 3, 4]), np.array([0, 1, 0, 1])).tolist() == [0, 0]
    assert infinite_coefficients(design([0, 0, 1, 1]), np.array([0, 1, 0, 1])).tolist() == [0, 0]


def test_complete_separation():
    """A line between 2 and 3 tells everyone apart: the slope runs away, and the intercept against it."""
    assert infinite_coefficients(design([1, 2, 3, 4]), np.array([0, 0, 1, 1])).tolist() == [-1, 1]
    assert infinite_coefficients(design([1, 2, 3, 4]), np.array([1, 1, 0, 0])).tolist() == [1, -1]


def test_quasi_complete_separation_names_the_level_alone():
    """Nobody of level c has the event; a and b overlap, and so does age."""
    level = np.repeat(["a", "b", "c"], 4)
    age = np.array([30, 40, 50, 60] * 3)
    outcome = np.array([0, 1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0])
    assert infinite_coefficients(design(level == "b", level == "c", age), outcome).tolist() == [0, 0, -1, 0]


def test_a_reference_level_without_events_moves_all_levels_and_the_intercept():
    level = np.repeat(["a", "b", "c"], 4)
    outcome = np.array([0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0])
    assert infinite_coefficients(design(level == "b", level == "c"), outcome).tolist() == [-1, 1, 1]


def test_a_tie_at_the_border_is_quasi_complete():
    """At 2 there is one of each: the likelihood pins the estimate's ratio, not its size."""
    assert infinite_coefficients(design([1, 2, 2, 3]), np.array([0, 0, 1, 1])).tolist() == [-1, 1]


def test_signs_that_the_data_leave_open():
    """Everyone lies on one line that separates: either column, or both, may carry the slope, in either direction."""
    x = np.array([0.0, 1.0, 2.0, 3.0])
    assert infinite_coefficients(design(x, [0, 1, 1, 0]), np.array([0, 0, 1, 1])).tolist() == [-1, 1, 2]


def test_one_class_and_aliased_columns():
    assert infinite_coefficients(design([0, 5, 2]), np.zeros(3)).tolist() == [-1, 2]
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert infinite_coefficients(design(x, 2 * x), np.array([0, 0, 1, 1])).tolist() == [-1, 1, 0]


def test_units_and_order_do_not_matter():
    rng = np.random.default_rng(0)
    x = design(rng.normal(size=12), np.arange(12) % 3 == 0)
    outcome = (np.arange(12) % 3 != 0) * (rng.random(12) < 0.5)
    found = infinite_coefficients(x, outcome)
    assert found.tolist() == [0, 0, -1]
    order = rng.permutation(12)
    assert infinite_coefficients((x * [1, 1e6, 1e-5])[order], outcome[order]).tolist() == found.tolist()


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 9))
def test_every_direction_tried(seed, n):
    """With three columns of small whole numbers the separating cone is spanned by directions of small whole numbers."""
    rng = np.random.default_rng(seed)
    x = design(rng.integers(0, 2, n), rng.integers(0, 2, n))
    outcome = rng.integers(0, 2, n)
    z = (2 * outcome - 1)[:, None] * x
    separating = [d for d in itertools.product(range(-2, 3), repeat=3) if (z @ d >= 0).all() and (z @ d > 0).any()]
    found = infinite_coefficients(x, outcome)
    if np.linalg.matrix_rank(x) < 3:
        assert found.any() == bool(separating)
        return
    for j in range(3):
        signs = {int(np.sign(d[j])) for d in separating} - {0}
        assert found[j] == (2 if len(signs) == 2 else sum(signs)), (j, signs)


@pytest.mark.parametrize("seed", range(6))
def test_maximum_likelihood_runs_away_where_it_says_so(seed):
    rng = np.random.default_rng(seed)
    x = design(rng.normal(size=18), rng.normal(size=18), np.arange(18) % 6 == 0)
    outcome = (rng.random(18) < 0.5).astype(float)
    if seed % 2:
        outcome[::6] = 0.0  # quasi-complete, unless it is complete by chance
    found = infinite_coefficients(x, outcome)
    b = np.abs(fit_logistic(x, outcome)["coefficients"])
    if not found.any():
        assert (b < 12).all()
    else:
        assert (b[found != 0] > 12).any() and (b[found == 0] < 12).all()
