"""One penalty of an elastic-net logistic model by coordinate descent: numbers for :mod:`prldh.stats.penalised_path`.

Reweighted least squares around cyclic coordinate descent, as J. Friedman, T. Hastie and R. Tibshirani (Journal of
Statistical Software 33 (2010) 1) describe it: a sweep over the columns that may enter, then sweeps over those that have
entered, until no move matters by more than the threshold. Columns that may enter are found by the sequential strong
rule (R. Tibshirani et al., JRSS B 74 (2012) 245) and by the slopes at the end.
"""

from __future__ import annotations

import numba
import numpy as np

from prldh.stats.least_squares import dot_from

P_MIN = 1e-9  # probabilities nearer to 0 or 1 than this are taken as 0 or 1
_FAR = np.log(1.0 / P_MIN - 1.0)
#: Weight below which nothing is left to fit.
NO_WEIGHT = (1.0 + P_MIN) * P_MIN * (1.0 - P_MIN)


@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def _curvature(column: np.ndarray, weight: np.ndarray) -> float:
    """Weighted sum of squares."""
    total = 0.0
    for i in range(column.shape[0]):
        total += weight[i] * column[i] * column[i]
    return total


@numba.njit(cache=True)
def against(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Inner product of every row with a vector."""
    # written out: threads of a BLAS that wait for one another on a busy machine cost ten times the work
    result = np.empty(rows.shape[0])
    for j in range(rows.shape[0]):
        result[j] = dot_from(rows[j], vector, 0)
    return result


@numba.njit(cache=True, fastmath={"contract"})
def _move(residual: np.ndarray, weight: np.ndarray, column: np.ndarray, change: float) -> None:
    """The weighted residuals (n,) after a coefficient's change."""
    for i in range(residual.shape[0]):
        residual[i] -= change * weight[i] * column[i]


@numba.njit(cache=True)
def _sweep(
    x: np.ndarray,
    columns: np.ndarray,
    n_columns: int,
    b: np.ndarray,
    residual: np.ndarray,
    weight: np.ndarray,
    curvature: np.ndarray,
    l1: float,
    l2: float,
) -> float:
    """Move the coefficients of the first ``n_columns`` of ``columns`` once each, then the intercept; the largest
    weighted square of a move."""
    largest = 0.0
    for i in range(n_columns):
        k = columns[i]
        old = b[k + 1]
        pull = dot_from(x[k], residual, 0) + curvature[k] * old
        beyond = abs(pull) - l1
        new = np.sign(pull) * beyond / (curvature[k] + l2) if beyond > 0.0 else 0.0
        change = new - old
        if change != 0.0:
            b[k + 1] = new
            largest = max(largest, curvature[k] * change * change)
            _move(residual, weight, x[k], change)
    total, rest = weight.sum(), residual.sum()
    change = rest / total
    if change != 0.0:
        b[0] += change
        largest = max(largest, total * change * change)
        for i in range(residual.shape[0]):
            residual[i] -= change * weight[i]
    return largest


@numba.njit(cache=True)
def linear(x: np.ndarray, columns: np.ndarray, intercept: float, b: np.ndarray) -> np.ndarray:
    """Log-odds (n,) of the columns' coefficients b, as many as there are ``columns``, column by column."""
    eta = np.full(x.shape[1], intercept)
    for i in range(columns.shape[0]):
        if b[i] != 0.0:
            column = x[columns[i]]
            for r in range(eta.shape[0]):
                eta[r] += b[i] * column[r]
    return eta


@numba.njit(cache=True)
def _entered_linear(x: np.ndarray, entered: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The same of b (p + 1,), whose intercept is first."""
    return linear(x, entered, b[0], b[entered + 1])


@numba.njit(cache=True)
def _reweigh(
    outcome: np.ndarray, eta: np.ndarray, probability: np.ndarray, residual: np.ndarray, weight: np.ndarray
) -> float:
    """Fill probabilities, residuals and weights, both over n; the sum of weights."""
    n = eta.shape[0]
    for i in range(n):
        if eta[i] < -_FAR:
            p = 0.0
        elif eta[i] > _FAR:
            p = 1.0
        else:
            p = 1.0 / (1.0 + np.exp(-eta[i]))
        probability[i] = p
        residual[i] = (outcome[i] - p) / n
        weight[i] = p * (1.0 - p) / n
    return weight.sum()


@numba.njit(cache=True)
def descend(
    x: np.ndarray,
    outcome: np.ndarray,
    usable: np.ndarray,
    may_enter: np.ndarray,
    has_entered: np.ndarray,
    entered: np.ndarray,
    n_entered: int,
    b: np.ndarray,
    probability: np.ndarray,
    slope: np.ndarray,
    l1: float,
    l2: float,
    threshold: float,
    max_sweeps: int,
) -> tuple[int, int, bool]:
    """Minimise mean loss + l1 sum |b| + l2 sum b² / 2 from b (p + 1,), until moves are below the threshold.

    Changed in place: ``may_enter`` and ``has_entered`` (p,) bool; ``entered`` (p,), whose first ``n_entered`` are the
    columns that ever had a coefficient, in the order in which they got it; b; ``probability`` (n,); ``slope`` (p,),
    absolute, of the columns that may not enter. Returned: n_entered, sweeps made, and whether there is weight left to
    fit.
    """
    p, n = x.shape
    residual, weight, curvature = np.empty(n), np.empty(n), np.empty(p)
    candidates = np.empty(p, np.int64)
    before = np.empty(p + 1)
    sweeps = 0
    total = _reweigh(outcome, _entered_linear(x, entered[:n_entered], b), probability, residual, weight)
    while True:
        n_candidates = 0
        for k in range(p):
            if may_enter[k]:
                candidates[n_candidates] = k
                n_candidates += 1
        while True:
            before[0] = b[0]
            for i in range(n_entered):
                before[entered[i] + 1] = b[entered[i] + 1]
            for i in range(n_candidates):
                curvature[candidates[i]] = _curvature(x[candidates[i]], weight)
            while True:
                sweeps += 1
                largest = _sweep(x, candidates, n_candidates, b, residual, weight, curvature, l1, l2)
                for i in range(n_candidates):
                    k = candidates[i]
                    if b[k + 1] != 0.0 and not has_entered[k]:
                        has_entered[k] = True
                        entered[n_entered] = k
                        n_entered += 1
                        before[k + 1] = 0.0
                if largest < threshold or sweeps >= max_sweeps:
                    break
                while sweeps < max_sweeps:
                    sweeps += 1
                    if _sweep(x, entered, n_entered, b, residual, weight, curvature, l1, l2) < threshold:
                        break
            moved = total * (b[0] - before[0]) ** 2 >= threshold
            total = _reweigh(outcome, _entered_linear(x, entered[:n_entered], b), probability, residual, weight)
            if total <= NO_WEIGHT:
                return n_entered, sweeps, False
            if sweeps >= max_sweeps:
                return n_entered, sweeps, True
            for i in range(n_entered):
                k = entered[i]
                if moved:
                    break
                moved = curvature[k] * (b[k + 1] - before[k + 1]) ** 2 >= threshold
            if not moved:
                break
        missing = False
        for k in range(p):
            if usable[k] and not may_enter[k]:
                slope[k] = abs(dot_from(x[k], residual, 0))
                if slope[k] > l1:
                    may_enter[k] = True
                    missing = True
        if not missing:
            return n_entered, sweeps, True
