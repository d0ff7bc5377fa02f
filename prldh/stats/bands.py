"""Pointwise bands over resamples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from prldh.core import DataError
from prldh.stats.quantiles import quantile


def times_drawn(rows: ArrayLike, n_resamples: int, n: int) -> np.ndarray:
    """How often each bootstrap sample holds each patient.

    Parameters
    ----------
    rows : (n_resamples, n) or flat integer array
        0-based row numbers.
    n_resamples, n : int

    Returns
    -------
    (n_resamples, n) integer array

    Raises
    ------
    DataError
        When there are more or fewer row numbers, or one is out of range.

    Examples
    --------
    >>> times_drawn(np.array([0, 0, 2]), 1, 3)
    array([[2, 0, 1]])
    """
    rows = np.asarray(rows)
    if rows.size != n_resamples * n:
        raise DataError(f"rows must hold {n_resamples} resamples of {n} rows: found {rows.size} numbers.")
    rows = rows.reshape(n_resamples, n).astype(np.int64)
    if rows.size and (rows.min() < 0 or rows.max() >= n):
        raise DataError(f"rows must lie in 0..{n - 1}: found {rows.min()}..{rows.max()}.")
    places = rows + n * np.arange(n_resamples)[:, None]
    return np.bincount(places.ravel(), minlength=n_resamples * n).reshape(n_resamples, n)


def percentile_band(resampled: np.ndarray, level: float, fewest: float = 1) -> tuple[np.ndarray, np.ndarray]:
    """Percentile limits of each column over the resamples that define it.

    Parameters
    ----------
    resampled : (m, k) array
        NaN where a resample has no value.
    level : float
        Coverage.
    fewest : float
        With fewer values than that a column has no limits.

    Returns
    -------
    tuple of (k,) arrays
        Lower and upper limits, NaN where there are none.

    Notes
    -----
    B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. R: ``quantile``, type 7.

    Examples
    --------
    >>> low, high = percentile_band(np.array([[1.0], [2.0], [np.nan], [3.0]]), 0.5)
    >>> low, high
    (array([1.5]), array([2.5]))
    """
    tail = (1.0 - level) / 2.0
    low, high = np.full((2, resampled.shape[1]), np.nan)
    for column, values in enumerate(resampled.T):
        defined = values[~np.isnan(values)]
        if len(defined) >= max(fewest, 1):
            low[column], high[column] = quantile(defined, np.array([tail, 1.0 - tail]))
    return low, high
