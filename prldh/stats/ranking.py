"""Log odds as they are ranked."""

from __future__ import annotations

import numba
import numpy as np

#: Log odds are ranked at 10 decimals, and far from 0 at as many as a probability of 14 decimals knows, at least 2.
MOST_DECIMALS, LEAST_DECIMALS, PROBABILITY_DECIMALS = 10, 2, 14
LOG10_E = 0.4342944819032518
#: Beyond it 2 decimals change nothing, and the largest numbers have no hundredfold.
FAR = 1e12


def ranked_log_odds(log_odds: np.ndarray) -> np.ndarray:
    """Log odds rounded so that what is the same but for rounding is tied: whatever ranks predictions takes these.

    Parameters
    ----------
    log_odds : array
        NaN stays NaN.

    Returns
    -------
    array
        Of the same shape: at 10 decimals up to 9.2 in absolute value, one decimal less for each tenfold of the odds
        from there on, 2 decimals from 27.6 on.

    Notes
    -----
    A probability p near 1 is known to 1e-16, and its log odds to 1e-16 / (1 - p). Where groups of patients separate the
    outcome, ``glm.fit`` stops with each of them at about 20, and what is between two of them is that rounding: another
    in each engine. What is fitted to log odds or sums errors (calibration, Brier score) takes them as they are.
    R: ``ranked_log_odds`` of this project's package.

    Examples
    --------
    >>> ranked_log_odds(np.array([0.12345678912, 19.5660685111, 19.5660685168])).tolist()
    [0.1234567891, 19.56607, 19.56607]
    """
    eta = np.asarray(log_odds, dtype=float)
    return np.asarray(ranked_each(eta.ravel()).reshape(eta.shape))


@numba.njit(cache=True)
def ranked_each(log_odds: np.ndarray) -> np.ndarray:
    """The same of a vector (n,), for compiled callers."""
    ranked = np.empty(log_odds.size)
    for i in range(log_odds.size):
        size = abs(log_odds[i])
        if not size <= FAR:
            ranked[i] = log_odds[i]
            continue
        tens = np.ceil(size * LOG10_E)
        # what is rounded less finely stays above all that is rounded more finely
        least = _rounded(max(tens - 1.0, 0.0) / LOG10_E, tens - 1.0)
        ranked[i] = np.copysign(max(_rounded(size, tens), least), log_odds[i])
    return ranked


@numba.njit(cache=True)
def _rounded(size: float, tens: float) -> float:
    scale = 10.0 ** min(max(PROBABILITY_DECIMALS - tens, LEAST_DECIMALS), MOST_DECIMALS)
    return np.rint(size * scale) / scale
