"""Quantiles in R's float arithmetic."""

from __future__ import annotations

import numpy as np


def quantile(values: np.ndarray, shares: np.ndarray | float) -> np.ndarray:
    """Quantiles of R's type 7 along the first axis, to the last bit.

    Parameters
    ----------
    values : (n,) or (n, m) array
    shares : (q,) array or float in 0..1

    Returns
    -------
    array
        (q,) or (q, m).

    Notes
    -----
    R. J. Hyndman, Y. Fan, The American Statistician 50 (1996) 361-365. R: ``quantile(values, shares)``. NumPy's linear
    interpolation rounds differently, and a value on the edge of a bin would change sides.

    Examples
    --------
    >>> quantile(np.array([1.0, 2.0, 4.0]), 0.75)
    array([3.])
    """
    ordered = np.sort(np.asarray(values, dtype=float), axis=0)
    index = (len(ordered) - 1) * np.atleast_1d(np.asarray(shares, dtype=float)) + 1.0
    low, high = np.floor(index).astype(int) - 1, np.ceil(index).astype(int) - 1
    fraction = (index - np.floor(index)).reshape((-1,) + (1,) * (ordered.ndim - 1))
    below, above = ordered[low], ordered[high]
    with np.errstate(invalid="ignore"):
        between = (1.0 - fraction) * below + fraction * above
    return np.where((fraction > 0.0) & (above != below), between, below)
