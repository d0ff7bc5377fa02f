"""Complete and quasi-complete separation in logistic regression, by linear programming."""

from __future__ import annotations

import numpy as np
from scipy.optimize import OptimizeResult, linprog

#: What the program's goal must exceed for a direction to separate: far above its feasibility tolerance of 1e-10.
SEPARATES = 1e-7


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
    infinite = np.zeros(k, dtype=int)
    scaled, goals = _scaled(design)
    pivots = _independent(scaled)
    z = (2.0 * np.asarray(outcome, dtype=float) - 1.0)[:, None] * scaled[:, pivots]
    largest = np.abs(z).max(axis=1)
    z = np.unique(z[largest > 0] / largest[largest > 0][:, None], axis=0)
    if _has_maximum(z):
        return infinite
    solution = _solve(-z.sum(axis=0), z)
    if solution is None or -solution.fun <= SEPARATES:
        return infinite
    for j in pivots:
        signs = []
        for sign in (1, -1):
            best = _solve(-sign * goals[j, pivots], z)
            if best is not None and -best.fun > SEPARATES:
                signs.append(sign)
        infinite[j] = 2 if len(signs) == 2 else sum(signs)
    return infinite


def _scaled(design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The design in units in which the program's tolerances mean the same for every column, and what each coefficient
    is in them.

    Whether a direction separates depends neither on units of columns nor on the lengths of rows. So columns are
    centred at their median, where there is an intercept (a first column of ones), and divided by the median distance
    from it; what is left of an outlying value is taken away with the length of its row.

    Returns
    -------
    scaled (n, k); goals (k, k): row j holds coefficient j of ``design`` as a combination of those of ``scaled``.
    """
    scaled, k = design.copy(), design.shape[1]
    goals = np.eye(k)
    has_intercept = k > 1 and bool((design[:, 0] == 1.0).all())
    for j in range(k):
        column = design[:, j]
        center = float(np.median(column)) if has_intercept and j else 0.0
        away = np.abs(column - center)
        scale = float(np.median(away[away > 0])) if (away > 0).any() else 1.0
        scaled[:, j] = (column - center) / scale
        goals[j, j] = 1.0 / scale
        goals[0, j] -= center / scale if j else 0.0
    return scaled, goals / np.abs(goals).max(axis=1, keepdims=True)


def _has_maximum(z: np.ndarray) -> bool:
    """Whether a point shows that no direction separates; False where Newton's method finds none at once.

    At any point let r_i be 1 less the probability of row i. The gradient is g = sum of r_i z_i, and for a direction d
    that separates g·d >= min(r) |z d|_1 >= min(r) s |d|, with s the smallest singular value of z. So where |g| is below
    min(r) s there is none. Asked for is a thousandth of it: what is nearer to separation the program decides.
    """
    if len(z) < z.shape[1] or not z.size:
        return False
    smallest = float(np.linalg.svd(z, compute_uv=False)[-1])
    at = np.zeros(z.shape[1])
    for _ in range(12):
        left = 1.0 / (1.0 + np.exp(np.clip(z @ at, -30.0, 30.0)))
        gradient = left @ z
        if np.linalg.norm(gradient) < 1e-3 * left.min() * smallest:
            return True
        if left.min() < 1e-6:
            return False
        try:
            at += np.linalg.solve((z * (left * (1.0 - left))[:, None]).T @ z, gradient)
        except np.linalg.LinAlgError:
            return False
    return False


def _solve(goal: np.ndarray, z: np.ndarray) -> OptimizeResult | None:
    result = linprog(
        goal,
        A_ub=-z,
        b_ub=np.zeros(len(z)),
        bounds=(-1, 1),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
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
