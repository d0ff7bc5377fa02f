"""Complete and quasi-complete separation in logistic regression, by linear programming."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog


def infinite_coefficients(design: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Which maximum-likelihood estimates are infinite.

    The likelihood has no finite maximum in the direction d if d separates: with z_i = (2 y_i - 1) x_i, all
    z_i·d >= 0 and one of them > 0. A coefficient is infinite if some separating direction moves it.

    Parameters
    ----------
    design
        (n, k) design matrix, intercept included.
    outcome
        (n,) 0/1.

    Returns
    -------
    (k,) int
        1 where the estimate is +infinity, -1 where it is -infinity, 2 where it is infinite in either direction (the
        data leave its sign open), 0 where it is finite (or aliased).

    References
    ----------
    Konis (2007), Linear programming algorithms for detecting separated data in binary logistic regression
    models, DPhil thesis, Oxford; R package detectseparation.
    """
    design = np.asarray(design, dtype=float)
    k = design.shape[1]
    found = np.zeros(k, dtype=int)
    scale = np.abs(design).max(axis=0)
    scale[scale == 0] = 1.0
    scaled = design / scale
    pivots = _independent(scaled)
    z = (2.0 * np.asarray(outcome, dtype=float) - 1.0)[:, None] * scaled[:, pivots]
    z = np.unique(z, axis=0)
    solution = _solve(-z.sum(axis=0), z)
    if solution is None or -solution.fun <= 1e-7:
        return found
    for position, j in enumerate(pivots):
        signs = []
        for sign in (1, -1):
            goal = np.zeros(len(pivots))
            goal[position] = -sign
            best = _solve(goal, z)
            if best is not None and -best.fun > 1e-7:
                signs.append(sign)
        found[j] = 2 if len(signs) == 2 else sum(signs)
    return found


def _solve(goal: np.ndarray, z: np.ndarray):
    result = linprog(goal, A_ub=-z, b_ub=np.zeros(len(z)), bounds=(-1, 1), method="highs")
    return result if result.status == 0 else None


def _independent(design: np.ndarray) -> list[int]:
    """Columns that are not linear combinations of those before them."""
    basis: list[np.ndarray] = []
    kept = []
    for j in range(design.shape[1]):
        column = design[:, j].copy()
        size = np.linalg.norm(column)
        for q in basis:
            column -= (q @ column) * q
        for q in basis:
            column -= (q @ column) * q
        left = np.linalg.norm(column)
        if size > 0 and left > 1e-9 * size:
            basis.append(column / left)
            kept.append(j)
    return kept
