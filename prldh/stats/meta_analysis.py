"""One answer from the estimates of several centres: a random-effects meta-analysis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from prldh.core import DataError

#: A prediction interval needs so many estimates.
LEAST_FOR_PREDICTION = 3
#: Estimates that differ relatively by no more are equal.
EQUAL = 1e-12
KEYS = (
    "estimate", "low", "high", "se", "df", "factor", "tau2", "i2", "q", "q_p", "prediction_low", "prediction_high",
)  # fmt: skip


def pool_random_effects(estimates: ArrayLike, variances: ArrayLike, level: float = 0.95) -> dict[str, float | str]:
    """A random-effects meta-analysis: REML variance between centres, Hartung-Knapp-Sidik-Jonkman interval.

    Parameters
    ----------
    estimates, variances : (k,) array
        One a centre, on a scale on which they are about normal (an AUC's logit), with squared standard errors.
    level : float
        Coverage of both intervals.

    Returns
    -------
    dict
        ``estimate`` with ``low``, ``high`` by t with ``df`` = k - 1 and ``se``; ``factor``, by which the usual variance
        of the estimate was multiplied for ``se`` squared; ``tau2``, the variance between centres; ``i2``, its share of
        the total variance, 0 to 1; Cochran's ``q`` on k - 1 degrees of freedom and its ``q_p``; ``prediction_low``,
        ``prediction_high`` for the true value in a new centre. ``reason`` says why what is NaN does not exist, and is
        empty where all exists: one estimate has no variance between; equal ones have no interval, as it would have no
        width; an interval for a new centre needs three; an estimate without a finite variance above 0 has no weight.

    Raises
    ------
    DataError
        When the two are not as long as each other, or a variance is negative.

    Notes
    -----
    tau2 is where the restricted likelihood is largest, to rounding, of several maxima the highest (W. Viechtbauer, J
    Educ Behav Stat 30 (2005) 261-293). With weights w = 1 / (v + tau2) the variance of the estimate is factor / sum(w),
    where factor = sum(w (y - estimate)^2) / (k - 1) (J. Hartung, G. Knapp, Stat Med 20 (2001) 3875-3889; K. Sidik, J.
    N. Jonkman, Stat Med 21 (2002) 3153-3159). It is not raised to 1 where it is below, as some propose (G. Knapp, J.
    Hartung, Stat Med 22 (2003) 2693-2710): an interval may be narrower than the usual one, and ``factor`` tells it.
    Prediction: estimate ± t(k - 1) sqrt(tau2 + se^2); J. P. T. Higgins et al., J R Stat Soc A 172 (2009) 137-159,
    take k - 2 degrees of freedom. i2 = tau2 / (tau2 + s2), s2 the typical variance within (J. P. T. Higgins, S. G.
    Thompson, Stat Med 21 (2002) 1539-1558). R: ``metafor::rma(yi, vi, method = "REML", test = "knha")`` and its
    ``predict``, whose ``I2`` is per cent; they stop within 1e-5 of tau2 unless told otherwise.

    Examples
    --------
    >>> pooled = pool_random_effects([0.4, 0.9, 1.4, 0.8], [0.04, 0.06, 0.05, 0.03])
    >>> [round(pooled[key], 4) for key in ("estimate", "low", "high", "tau2")]
    [0.8653, 0.2128, 1.5177, 0.1231]
    """
    y, v = _checked(estimates, variances)
    k = y.size
    if not k:
        return _answer({}, "there is no estimate.")
    if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        return _answer({}, "an estimate has no finite variance above 0, and so no weight.")
    if k == 1:
        return _answer({"estimate": y[0]}, "one estimate alone says nothing of how centres differ.")
    tau2, fixed = _reml(y, v), 1.0 / v
    weight = 1.0 / (v + tau2)
    estimate = _mean(y, weight)
    q, df = float(np.sum(fixed * (y - _mean(y, fixed)) ** 2)), k - 1.0
    typical = df / float(np.sum(fixed) - np.sum(fixed**2) / np.sum(fixed))
    heterogeneity = {"df": df, "tau2": tau2, "i2": tau2 / (tau2 + typical), "q": q, "q_p": special.chdtrc(df, q)}
    if np.ptp(y) <= EQUAL * np.abs(y).max():
        own = {"estimate": estimate, **heterogeneity}
        return _answer(own, "all estimates are equal, and an interval would have no width.")
    factor = float(np.sum(weight * (y - estimate) ** 2)) / df
    error = float(np.sqrt(factor / np.sum(weight)))
    times = float(special.stdtrit(df, (1.0 + level) / 2.0))
    own = {"estimate": estimate, "low": estimate - times * error, "high": estimate + times * error}
    own |= {"se": error, "factor": factor, **heterogeneity}
    if k < LEAST_FOR_PREDICTION:
        return _answer(own, "an interval for a new centre needs three estimates.")
    width = times * float(np.sqrt(tau2 + error**2))
    return _answer({**own, "prediction_low": estimate - width, "prediction_high": estimate + width})


def _checked(estimates: ArrayLike, variances: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    y, v = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    if y.ndim != 1 or y.shape != v.shape:
        raise DataError(
            f"estimates and variances must be vectors as long as each other: found shapes {y.shape} and {v.shape}."
        )
    if (v < 0).any():
        raise DataError(f"variances must not be negative: found {v[v < 0][0]:g}. Square the standard errors.")
    return y, v


def _answer(numbers: Mapping[str, float], reason: str = "") -> dict[str, float | str]:
    return {**{key: float(numbers.get(key, np.nan)) for key in KEYS}, "reason": reason}


def _mean(y: np.ndarray, weight: np.ndarray) -> float:
    return float(np.sum(weight * y) / np.sum(weight))


def _reml(y: np.ndarray, v: np.ndarray) -> float:
    """Where the restricted likelihood is largest, from 0 on: the best of 0 and of the zeros of its derivative. From
    ``most`` on the derivative is negative."""
    most = max(float(v.max()), 3.0 * float(np.ptp(y)) ** 2)
    grid = np.concatenate([[0.0], most * 10.0 ** (-np.arange(160, -1, -1) / 20.0)])
    slope = _slopes(grid, y, v)
    turns = np.flatnonzero((slope[:-1] > 0) & (slope[1:] <= 0))
    best = [0.0, *(_zero(float(grid[i]), float(grid[i + 1]), y, v) for i in turns)]
    return max(best, key=lambda tau2: _restricted_likelihood(tau2, y, v))


def _slopes(tau2: np.ndarray, y: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Twice the derivative of the restricted log likelihood at each tau2 (m,)."""
    weight = 1.0 / (v + tau2[:, None])
    total = weight.sum(axis=1, keepdims=True)
    mean = (weight * y).sum(axis=1, keepdims=True) / total
    return np.asarray(
        ((weight * (y - mean)) ** 2).sum(axis=1) - (total - (weight**2).sum(axis=1, keepdims=True) / total)[:, 0]
    )


def _zero(low: float, high: float, y: np.ndarray, v: np.ndarray) -> float:
    """Where the derivative changes sign, by halving until no number is left between."""
    while low < (middle := low + (high - low) / 2.0) < high:
        low, high = (middle, high) if _slopes(np.array([middle]), y, v)[0] > 0 else (low, middle)
    return low


def _restricted_likelihood(tau2: float, y: np.ndarray, v: np.ndarray) -> float:
    weight = 1.0 / (v + tau2)
    away = np.sum(weight * (y - _mean(y, weight)) ** 2)
    return float(-0.5 * (np.sum(np.log(v + tau2)) + np.log(np.sum(weight)) + away))
