"""Standardised columns and their correlations, bit for bit the same wherever a column stands.

A BLAS product may sum a row's terms in another order depending on its position or on the number of threads. Here each
column is summed by the same compiled loop, so that exact duplicates get exactly equal correlations and ties resolve by
column order.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: Scores that differ by less than this are ties: far above rounding, far below anything that matters.
TIE = 1e-10


def standardise(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre and scale columns by these rows (ddof 0).

    Parameters
    ----------
    values : (n, p) array

    Returns
    -------
    standardised : (n, p) array; constant columns are 0
    center : (p,) array of means
    scale : (p,) array of standard deviations; 1 for constant columns
    """
    values = np.asarray(values, dtype=np.float64)
    # the smallest value is taken off first: a mean of large equal numbers would leave rounding errors behind
    base = values.min(axis=0)
    shifted = values - base
    mean = shifted.mean(axis=0)
    scale = shifted.std(axis=0)
    constant = shifted.max(axis=0) == 0
    scale[constant] = 1.0
    standardised = (shifted - mean) / scale
    standardised[:, constant] = 0.0
    return standardised, base + mean, scale


def unit_columns(values: np.ndarray) -> np.ndarray:
    """Columns as unit vectors: (n, p) values give a (p, n) array whose rows' products are Pearson correlations.

    The row of a constant column is 0.
    """
    rows = np.ascontiguousarray(np.asarray(values, dtype=np.float64).T)
    return _unit_rows(rows)


@njit(cache=True, nogil=True)
def _unit_rows(rows: np.ndarray) -> np.ndarray:
    p, n = rows.shape
    units = np.zeros((p, n))
    for j in range(p):
        low, high = rows[j, 0], rows[j, 0]
        for i in range(1, n):
            low = min(low, rows[j, i])
            high = max(high, rows[j, i])
        if low == high:
            continue
        # relative to the range: neither huge nor tiny units overflow when squared
        span = high - low
        mean = 0.0
        for i in range(n):
            units[j, i] = (rows[j, i] - low) / span
            mean += units[j, i]
        mean /= n
        norm = 0.0
        for i in range(n):
            units[j, i] -= mean
            norm += units[j, i] * units[j, i]
        norm = np.sqrt(norm)
        for i in range(n):
            units[j, i] /= norm
    return units


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def correlations(units: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Products (p,) of unit rows (p, n) with one unit vector (n,): Pearson correlations."""
    p, n = units.shape
    products = np.empty(p)
    for j in range(p):
        total = 0.0
        for i in range(n):
            total += units[j, i] * vector[i]
        products[j] = total
    return products


def outcome_correlations(units: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Point-biserial correlations (p,) of unit rows (p, n) with the outcome (n,) 0/1."""
    return correlations(units, unit_columns(np.asarray(outcome, dtype=np.float64)[:, None])[0])
