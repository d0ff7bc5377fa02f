"""Log odds as they are ranked."""

from __future__ import annotations

import numpy as np

#: Log odds are ranked at 10 decimals, and far from 0 at as many as a probability of 14 decimals knows, at least 2.
MOST_DECIMALS, LEAST_DECIMALS, PROBABILITY_DECIMALS = 10, 2, 14
LOG10_E = 0.4342944819032518


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
    far = ~(np.abs(eta) <= 1e12)  # 2 decimals change nothing there, and the largest have no hundredfold
    size = np.where(far, 0.0, np.abs(eta))
    tens = np.ceil(size * LOG10_E)
    # what is rounded less finely stays above all that is rounded more finely
    least = _rounded(np.maximum(tens - 1.0, 0.0) / LOG10_E, tens - 1.0)
    return np.where(far, eta, np.copysign(np.maximum(_rounded(size, tens), least), eta))


def _rounded(size: np.ndarray, tens: np.ndarray) -> np.ndarray:
    scale = 10.0 ** np.clip(PROBABILITY_DECIMALS - tens, LEAST_DECIMALS, MOST_DECIMALS)
    return np.rint(size * scale) / scale
