"""Least squares by Householder reflections with LINPACK's limited pivoting, the way R's ``lm`` and ``glm`` do it.

Columns are dropped, never reordered otherwise: a column whose norm falls below ``tolerance`` times its
original norm once the columns before it are projected out goes to the end and is aliased. So of several
collinear columns the first ones stay, as in R.

Reference: J. J. Dongarra et al., LINPACK Users' Guide (1979), chapter 9; R's modification ``dqrdc2``.
"""

from __future__ import annotations

import numba
import numpy as np

ALIAS_TOLERANCE = 1e-11
"""What ``stats::glm`` uses at its default settings: ``min(1e-7, epsilon / 1000)`` with epsilon 1e-8."""


@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def dot_from(a: np.ndarray, b: np.ndarray, start: int) -> float:
    """Inner product of two vectors from position ``start`` on."""
    total = 0.0
    for i in range(start, a.shape[0]):
        total += a[i] * b[i]
    return total


@numba.njit(cache=True)
def _drop_at(pivot: np.ndarray, position: int) -> None:
    """Move the column at ``position`` to the end, the others up."""
    dropped = pivot[position]
    for j in range(position, pivot.shape[0] - 1):
        pivot[j] = pivot[j + 1]
    pivot[-1] = dropped


@numba.njit(cache=True)
def _reflect(columns: np.ndarray, target: np.ndarray, pivot: np.ndarray, norms: np.ndarray, step: int) -> None:
    """One Householder step on the column at ``pivot[step]``, applied to the later columns and to the target."""
    k, n = columns.shape
    lead = columns[pivot[step]]
    length = np.sqrt(dot_from(lead, lead, step))
    if length == 0.0:
        return
    if lead[step] < 0.0:
        length = -length
    for i in range(step, n):
        lead[i] /= length
    lead[step] += 1.0
    for j in range(step + 1, k):
        other = columns[pivot[j]]
        factor = -dot_from(lead, other, step) / lead[step]
        for i in range(step, n):
            other[i] += factor * lead[i]
        norm = norms[pivot[j]]
        if norm == 0.0:
            continue
        remaining = max(1.0 - (abs(other[step]) / norm) ** 2, 0.0)
        if remaining < 1e-6:
            norms[pivot[j]] = np.sqrt(dot_from(other, other, step + 1))
        else:
            norms[pivot[j]] = norm * np.sqrt(remaining)
    factor = -dot_from(lead, target, step) / lead[step]
    for i in range(step, n):
        target[i] += factor * lead[i]
    lead[step] = -length


@numba.njit(cache=True)
def solve_least_squares(
    columns: np.ndarray, target: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """Coefficients (k,) that minimise the squared error; both inputs are overwritten.

    ``columns`` is (k, n), one row a column of the design; ``target`` is (n,). Returned are the coefficients, 0 where
    aliased, the pivot (k,) whose first ``rank`` entries are the columns kept, and the rank. Afterwards the
    triangular factor's entry (i, j) is ``columns[pivot[j], i]``.
    """
    k, n = columns.shape
    pivot = np.arange(k)
    norms = np.empty(k)
    for j in range(k):
        norms[j] = np.sqrt(dot_from(columns[j], columns[j], 0))
    original = np.where(norms == 0.0, 1.0, norms)
    rank = k
    for step in range(min(n, k)):
        while step < rank and norms[pivot[step]] < original[pivot[step]] * tolerance:
            _drop_at(pivot, step)
            rank -= 1
        if step == n - 1 or step >= rank:
            break
        _reflect(columns, target, pivot, norms, step)
    rank = min(rank, n)
    coefficients = np.zeros(k)
    for i in range(rank - 1, -1, -1):
        value = target[i]
        for j in range(i + 1, rank):
            value -= columns[pivot[j], i] * coefficients[pivot[j]]
        coefficients[pivot[i]] = value / columns[pivot[i], i]
    return coefficients, pivot, rank


def inverse_crossproduct(columns: np.ndarray, pivot: np.ndarray, rank: int) -> np.ndarray:
    """(X'X)^-1 as a (k, k) matrix, NaN in the rows and columns of aliased columns, from a solved factorisation."""
    k = columns.shape[0]
    kept = pivot[:rank]
    triangle = np.triu(columns[kept][:, :rank].T)
    inverse = np.zeros((rank, rank))
    for j in range(rank):
        for i in range(j, -1, -1):
            value = float(i == j) - triangle[i, i + 1 : j + 1] @ inverse[i + 1 : j + 1, j]
            inverse[i, j] = value / triangle[i, i]
    result = np.full((k, k), np.nan)
    result[np.ix_(kept, kept)] = inverse @ inverse.T
    return result
