"""Which estimates are infinite: by hand, by trying every direction, and by what happens to maximum likelihood."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prldh.stats import separation
from prldh.stats.logistic import fit_logistic
from prldh.stats.separation import infinite_coefficients

CASES = Path(__file__).parents[1] / "cases"


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


def test_one_cell_of_ten_billion_separates_nothing():
    """R's ``glm`` gives b = -1.587e-09 and p = 0.991; a tolerance by a column's largest value saw separation."""
    table = pd.read_csv(CASES / "outlier.csv")
    design = np.column_stack([np.ones(len(table)), table["score"]])
    outcome = (table["rec"] == "yes").to_numpy(float)
    assert not infinite_coefficients(design, outcome).any()
    fit = fit_logistic(design, outcome)
    assert fit["coefficients"][1] == pytest.approx(-1.587e-09, rel=1e-3)
    assert fit["p_values"][1] == pytest.approx(0.991, abs=5e-4)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_units_of_columns_and_outlying_values_decide_nothing(seed):
    """What separates does so in any unit, from any origin, and wherever a patient lies who is on the right side."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(8, 40)), int(rng.integers(1, 4))
    x = np.round(rng.normal(size=(n, k)), int(rng.integers(0, 3)))
    outcome = (rng.random(n) < 1 / (1 + np.exp(-2 * x[:, 0] * rng.integers(0, 4)))).astype(float)
    outcome[:2] = 0, 1
    plain = infinite_coefficients(np.column_stack([np.ones(n), x]), outcome)
    scale, sign = 10.0 ** rng.integers(-12, 12, k), rng.choice([-1.0, 1.0], k)
    shift = rng.normal(size=k) * scale * 10.0 ** rng.integers(0, 4, k)
    other = infinite_coefficients(np.column_stack([np.ones(n), sign * scale * x + shift]), outcome)
    np.testing.assert_array_equal(other[1:], np.where(np.abs(plain[1:]) == 1, sign * plain[1:], plain[1:]))
    if not plain.any():
        # a row is one half-space: made longer, it is the same
        far = np.column_stack([np.ones(n), x])
        pushed = infinite_coefficients(far * np.where(np.arange(n) == 3, 1e9, 1.0)[:, None], outcome)
        assert not pushed.any()


def tables():
    """Designs from far from separation to separated, with ties, levels, collinear columns and few rows."""
    rng = np.random.default_rng(7)
    for k in range(240):
        n, p = int(rng.integers(4, 60)), int(rng.integers(1, 5))
        x = rng.normal(size=(n, p)) * 10.0 ** rng.integers(-3, 4, size=p)
        if k % 3 == 0:
            x[:, 0] = rng.integers(0, 3, size=n)
        if k % 7 == 0 and p > 1:
            x[:, -1] = 2 * x[:, 0] - 1
        strength = rng.choice([0.0, 1.0, 5.0, 30.0])
        y = (strength * x[:, 0] / (np.abs(x[:, 0]).max() + 1e-9) + rng.logistic(size=n) > 0).astype(int)
        yield np.column_stack([np.ones(n), x]), y


def test_the_shown_maximum_changes_no_answer(monkeypatch):
    shown = []
    has_maximum = separation._has_maximum
    monkeypatch.setattr(separation, "_has_maximum", lambda z: shown.append(has_maximum(z)) or shown[-1])
    quick = [infinite_coefficients(*table) for table in tables()]
    monkeypatch.setattr(separation, "_has_maximum", lambda z: False)
    by_program = [infinite_coefficients(*table) for table in tables()]
    for one, other in zip(quick, by_program, strict=True):
        np.testing.assert_array_equal(one, other)
    n_separated = sum(bool(np.any(each)) for each in by_program)
    assert sum(shown) > 60 and n_separated > 60, "tables of both kinds"


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9])
def test_what_overlaps_by_little_is_left_to_the_program(gap):
    x = np.array([-2.0, -1.0, -gap, gap, 1.0, 2.0])
    for y, is_separated in (([0, 0, 0, 1, 1, 1], True), ([0, 0, 1, 0, 1, 1], False)):
        found = infinite_coefficients(np.column_stack([np.ones(6), x]), np.array(y))
        assert np.any(found) == (is_separated or gap < 1e-7)
