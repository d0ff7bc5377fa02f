"""Cleveland's locally weighted regression, as R's ``lowess`` without robustness iterations."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def _fit_at(x: np.ndarray, y: np.ndarray, at: float, left: int, right: int, weights: np.ndarray) -> tuple[float, bool]:
    """The local line's value at ``at`` from the points left..right (and those tied with the last)."""
    n = x.shape[0]
    spread = x[n - 1] - x[0]
    radius = max(at - x[left], x[right] - at)
    total = 0.0
    j = left
    while j < n:
        weights[j] = 0.0
        distance = abs(x[j] - at)
        if distance <= 0.999 * radius:
            if distance <= 0.001 * radius:
                weights[j] = 1.0
            else:
                ratio = distance / radius
                shrunk = 1.0 - ratio * ratio * ratio
                weights[j] = shrunk * shrunk * shrunk
            total += weights[j]
        elif x[j] > at:
            break
        j += 1
    if total <= 0.0:
        return 0.0, False
    for i in range(left, j):
        weights[i] /= total
    if radius > 0.0:
        centre = 0.0
        for i in range(left, j):
            centre += weights[i] * x[i]
        offset = at - centre
        variance = 0.0
        for i in range(left, j):
            variance += weights[i] * (x[i] - centre) * (x[i] - centre)
        if np.sqrt(variance) > 0.001 * spread:
            offset /= variance
            for i in range(left, j):
                weights[i] *= offset * (x[i] - centre) + 1.0
    value = 0.0
    for i in range(left, j):
        value += weights[i] * y[i]
    return value, True


@numba.njit(cache=True)
def _smooth(x: np.ndarray, y: np.ndarray, span: int, delta: float) -> np.ndarray:
    """Fitted values at ascending x; points within ``delta`` of the last fitted one are interpolated."""
    n = x.shape[0]
    fitted = np.empty(n)
    weights = np.empty(n)
    left, right = 0, span - 1
    last, i = -1, 0
    while True:
        while right < n - 1 and x[i] - x[left] > x[right + 1] - x[i]:
            left += 1
            right += 1
        value, found = _fit_at(x, y, x[i], left, right, weights)
        fitted[i] = value if found else y[i]
        if last < i - 1:
            width = x[i] - x[last]
            for j in range(last + 1, i):
                share = (x[j] - x[last]) / width
                fitted[j] = share * fitted[i] + (1.0 - share) * fitted[last]
        last = i
        cut = x[last] + delta
        i = last + 1
        while i < n:
            if x[i] > cut:
                break
            if x[i] == x[last]:
                fitted[i] = fitted[last]
                last = i
            i += 1
        i = max(last + 1, i - 1)
        if last >= n - 1:
            return fitted


def lowess(x: np.ndarray, y: np.ndarray, share: float = 2.0 / 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Smooth y on x.

    Parameters
    ----------
    x, y : (n,) arrays
    share : float
        Share of the points that each local line uses.

    Returns
    -------
    tuple of (n,) arrays
        x ascending and the smoothed values there; tied x have one value.

    Notes
    -----
    W. S. Cleveland, Journal of the American Statistical Association 74 (1979) 829-836, and his ``lowess`` at Netlib.
    R: ``lowess(x, y, f = share, iter = 0)``, with its default ``delta`` of a hundredth of the range.

    Examples
    --------
    >>> lowess(np.arange(4.0), np.array([0.0, 1.0, 2.0, 3.0]))[1].round(12)
    array([0., 1., 2., 3.])
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    if len(x) < 2:
        return x, y.copy()
    span = max(2, min(len(x), int(share * len(x) + 1e-7)))
    return x, _smooth(x, y, span, 0.01 * (x[-1] - x[0]))
