"""Profile-likelihood limits far out, held to Newton's method in 60 digits (``make_golden_profile_limits.py``)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from prldh.engines import PythonEngine
from prldh.engines.r import REngine

CASES = json.loads((Path(__file__).parent / "data" / "golden_profile_limits.json").read_text())
ENGINES = [
    pytest.param(PythonEngine, 1e-10, id="python"),
    pytest.param(REngine, 1e-6, id="r", marks=pytest.mark.r),
]


def study(case: dict) -> tuple[np.ndarray, np.ndarray]:
    return np.column_stack([np.ones(len(case["y"])), case["x"]]), np.array(case["y"], dtype=float)


@pytest.mark.parametrize(("engine", "tolerance"), ENGINES)
def test_limits_in_the_thousands_are_reached(engine, tolerance):
    largest = 0.0
    for case in CASES:
        found, wanted = engine().profile_limits(*study(case)), np.array(case["limits"], dtype=float)
        is_finite = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.isfinite(found), is_finite)
        assert (found[:, 0][~is_finite[:, 0]] == -np.inf).all() and (found[:, 1][~is_finite[:, 1]] == np.inf).all()
        np.testing.assert_allclose(found[is_finite], wanted[is_finite], rtol=tolerance)
        largest = max(largest, np.abs(wanted[is_finite]).max())
    assert largest > 9000 and sum(None in pair for case in CASES for pair in case["limits"]) > 3


@pytest.mark.r
def test_both_engines_find_the_same_sides_open_and_the_same_limits():
    """Random separated outcomes, of which a search that stops where steps end gets every fourth wrong."""
    n_open = 0
    for seed in range(30):
        g = np.random.default_rng(seed)
        n, k = int(g.integers(20, 80)), int(g.integers(2, 7))
        design = np.column_stack([np.ones(n), g.normal(size=(n, k))])
        log_odds = design[:, 1:] @ (3 * g.normal(size=k))
        y = (log_odds > 0).astype(float)
        y[np.argmin(np.abs(log_odds))] = 1 - y[np.argmin(np.abs(log_odds))]
        python, r = (engine().profile_limits(design, y) for engine in (PythonEngine, REngine))
        n_open += int(np.isinf(python).sum())
        np.testing.assert_allclose(r, python, rtol=1e-6)
    assert n_open > 100
