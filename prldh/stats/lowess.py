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
        value, is_fitted = _fit_at(x, y, x[i], left, right, weights)
        fitted[i] = value if is_fitted else y[i]
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


@numba.njit(cache=True)
def _refit(x: np.ndarray, y: np.ndarray, times: np.ndarray, at: np.ndarray, span: int) -> np.ndarray:
    """Curves (m, k) of samples that hold point i ``times[r, i]`` times, read off at ascending ``at``; x ascending."""
    n_resamples, n = times.shape
    curves = np.full((n_resamples, at.shape[0]), np.nan)
    drawn_x, drawn_y = np.empty(n), np.empty(n)
    for r in range(n_resamples):
        last = -1
        for i in range(n):
            for _ in range(times[r, i]):
                last += 1
                drawn_x[last], drawn_y[last] = x[i], y[i]
        if last < 1 or drawn_x[0] == drawn_x[last]:
            continue
        fitted = _smooth(drawn_x, drawn_y, span, 0.01 * (drawn_x[last] - drawn_x[0]))
        j = 0
        for k in range(at.shape[0]):
            if at[k] < drawn_x[0] or at[k] > drawn_x[last]:
                continue
            while drawn_x[j] < at[k]:
                j += 1
            if drawn_x[j] == at[k]:
                curves[r, k] = fitted[j]
            else:
                share = (at[k] - drawn_x[j - 1]) / (drawn_x[j] - drawn_x[j - 1])
                curves[r, k] = fitted[j - 1] + (fitted[j] - fitted[j - 1]) * share
    return curves


def _span(n: int, share: float) -> int:
    return max(2, min(n, int(share * n + 1e-7)))


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
    return x, _smooth(x, y, _span(len(x), share), 0.01 * (x[-1] - x[0]))


def refit_lowess(
    x: np.ndarray, y: np.ndarray, times: np.ndarray, at: np.ndarray, share: float = 2.0 / 3.0
) -> np.ndarray:
    """Smooth bootstrap samples of the points, and read each curve off.

    Parameters
    ----------
    x, y : (n,) arrays
    times : (m, n) integer array
        How often each sample of n holds each point.
    at : (k,) array
        Ascending places at which to read the curves off, by linear interpolation.
    share : float
        As in :func:`lowess`.

    Returns
    -------
    (m, k) array
        NaN outside the range of a sample's x, and throughout where all its x are equal.

    Notes
    -----
    R: ``approx(lowess(x[rows], y[rows], f = share, iter = 0), xout = at)``.

    Examples
    --------
    >>> refit_lowess(np.arange(3.0), np.array([0.0, 1.0, 2.0]), np.array([[1, 2, 0]]), np.array([0.5, 1.0, 1.5]))
    array([[0.5, 1. , nan]])
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    order = np.lexsort((y, x))
    times = np.ascontiguousarray(np.asarray(times)[:, order], dtype=np.int64)
    return _refit(x[order], y[order], times, np.asarray(at, dtype=float), _span(len(x), share))
