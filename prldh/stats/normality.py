"""Whether a variable is far from normal."""

from __future__ import annotations

import numpy as np
from numpy.polynomial.polynomial import polyval
from scipy.special import ndtr, ndtri

from prldh.stats.units import power_of_two

MOST = 5000
"""Royston's approximation of the p-value holds up to so many values."""
_NAN = float("nan")


def shapiro_wilk(values: np.ndarray) -> dict[str, float]:
    """Shapiro and Wilk's test of normality.

    Parameters
    ----------
    values : (n,) array
        Finite.

    Returns
    -------
    dict
        ``statistic`` (W) and ``p``; NaN for fewer than 3 or more than 5000 values, and for constant ones.

    Notes
    -----
    S. S. Shapiro, M. B. Wilk, Biometrika 52 (1965) 591-611; P. Royston, Applied Statistics 44 (1995) 547-551 (AS R94).
    R: ``shapiro.test(values)``. SciPy's takes normal quantiles to seven digits, so that its p differs from R's in the
    eighth.

    Examples
    --------
    >>> found = shapiro_wilk(np.array([148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236.0]))
    >>> round(found["statistic"], 4), round(found["p"], 5)
    (0.7888, 0.0067)
    """
    x = np.sort(np.asarray(values, dtype=float).ravel())
    x, n = x / power_of_two(x), x.size
    if not 3 <= n <= MOST or not x[-1] > x[0]:
        return {"statistic": _NAN, "p": _NAN}
    a = _weights(n)
    x = x / (x[-1] - x[0])
    x = x - x.mean()
    a_square, x_square, product = float(a @ a), float(x @ x), float(a @ x)
    root = np.sqrt(a_square * x_square)
    short = (root - product) * (root + product) / (a_square * x_square)
    return {"statistic": float(1.0 - short), "p": _p_value(short, n)}


def _weights(n: int) -> np.ndarray:
    """Royston's approximate weights (n,) of the ordered values."""
    if n == 3:
        return np.array([-np.sqrt(0.5), 0.0, np.sqrt(0.5)])
    m = ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    square, u = float(m @ m), 1.0 / np.sqrt(n)
    last = m[-1] / np.sqrt(square) + polyval(u, [0.0, 0.221157, -0.147981, -2.07119, 4.434685, -2.706056])
    if n <= 5:
        a = m / np.sqrt((square - 2.0 * m[-1] ** 2) / (1.0 - 2.0 * last**2))
    else:
        before = m[-2] / np.sqrt(square) + polyval(u, [0.0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633])
        rest = (square - 2.0 * m[-1] ** 2 - 2.0 * m[-2] ** 2) / (1.0 - 2.0 * last**2 - 2.0 * before**2)
        a = m / np.sqrt(rest)
        a[-2], a[1] = before, -before
    a[-1], a[0] = last, -last
    return a


def _p_value(short: float, n: int) -> float:
    """Of W = 1 - ``short``."""
    if n == 3:
        return max(0.0, float(6.0 / np.pi * (np.arcsin(np.sqrt(1.0 - short)) - np.arcsin(np.sqrt(0.75)))))
    y = np.log(max(short, np.finfo(float).tiny))
    if n <= 11:
        gamma = polyval(n, [-2.273, 0.459])
        if y >= gamma:
            return 1e-99
        y = -np.log(gamma - y)
        mean = polyval(n, [0.544, -0.39978, 0.025054, -6.714e-4])
        sd = np.exp(polyval(n, [1.3822, -0.77857, 0.062767, -0.0020322]))
    else:
        mean = polyval(np.log(n), [-1.5861, -0.31082, -0.083751, 0.0038915])
        sd = np.exp(polyval(np.log(n), [-0.4803, -0.082676, 0.0030302]))
    return float(ndtr((mean - y) / sd))
