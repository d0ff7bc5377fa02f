"""Profile-likelihood limits of logistic coefficients, solved rather than interpolated."""

from __future__ import annotations

import numba
import numpy as np
from scipy import special

from prldh.stats.logistic import _add_columns, as_design, fit_logistic
from prldh.stats.separation import infinite_coefficients

_MAX_INNER = 300
_MAX_OUTER = 200
_SUSPICIOUS = 12.0
"""Log-odds beyond which an estimate may be an infinite one that the iterations did not reach."""
_FAR_WRONG = 20.0
"""Log-odds against a patient's outcome beyond which the curvature there says nothing of where to go."""
_LONGEST_STEP = 8.0
"""How far one Newton step may move a log-odds: far out the quadratic approximation is worthless."""


@numba.njit(cache=True)
def _log_likelihood(outcome: np.ndarray, eta: np.ndarray) -> float:
    """Exact binomial log-likelihood, without R's clamp, so that it stays concave far out."""
    total = 0.0
    for i in range(eta.shape[0]):
        signed = eta[i] if outcome[i] == 1.0 else -eta[i]
        total -= np.log1p(np.exp(-signed)) if signed > 0.0 else np.log1p(np.exp(signed)) - signed
    return total


@numba.njit(cache=True)
def _information(columns: np.ndarray, outcome: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score (k,) and observed information (k, k), of patients far on the wrong side a bound of it: their own is almost
    0, by which a step could be of any length and none that helps (T. S. Jaakkola, M. I. Jordan, Statistics and
    Computing 10 (2000) 25-37)."""
    k, n = columns.shape
    residual = np.empty(n)
    weighted = np.empty(n)
    weight = np.empty(n)
    for i in range(n):
        small = np.exp(-abs(eta[i]))
        mu = 1.0 / (1.0 + small) if eta[i] >= 0.0 else small / (1.0 + small)
        residual[i] = outcome[i] - mu
        weight[i] = small / ((1.0 + small) * (1.0 + small))
        if abs(eta[i]) > _FAR_WRONG and (eta[i] > 0.0) != (outcome[i] == 1.0):
            weight[i] = 0.5 / abs(eta[i])
    score = np.empty(k)
    information = np.empty((k, k))
    for j in range(k):
        total = 0.0
        for i in range(n):
            total += residual[i] * columns[j, i]
            weighted[i] = weight[i] * columns[j, i]
        score[j] = total
        for h in range(j + 1):
            total = 0.0
            for i in range(n):
                total += weighted[i] * columns[h, i]
            information[j, h] = total
            information[h, j] = total
    return score, information


@numba.njit(cache=True)
def _newton_step(score: np.ndarray, information: np.ndarray) -> np.ndarray:
    """Solve information * step = score by Cholesky; a vanishing pivot (flat direction) gets a small ridge."""
    k = score.shape[0]
    lower = np.zeros((k, k))
    for j in range(k):
        pivot = information[j, j]
        for h in range(j):
            pivot -= lower[j, h] * lower[j, h]
        pivot = max(pivot, 1e-13 * information[j, j])
        lower[j, j] = np.sqrt(pivot) if pivot > 1e-250 else 1e-125
        for i in range(j + 1, k):
            value = information[i, j]
            for h in range(j):
                value -= lower[i, h] * lower[j, h]
            lower[i, j] = value / lower[j, j]
    step = score.copy()
    for j in range(k):
        for h in range(j):
            step[j] -= lower[j, h] * step[h]
        step[j] /= lower[j, j]
    for j in range(k - 1, -1, -1):
        for h in range(j + 1, k):
            step[j] -= lower[h, j] * step[h]
        step[j] /= lower[j, j]
    return step


@numba.njit(cache=True)
def _maximise(
    columns: np.ndarray, outcome: np.ndarray, offset: np.ndarray, start: np.ndarray
) -> tuple[float, np.ndarray]:
    """Largest log-likelihood with this offset over the given columns, by Newton's method with step halving."""
    coefficients = start.copy()
    eta = _add_columns(columns, coefficients, offset)
    value = _log_likelihood(outcome, eta)
    if columns.shape[0] == 0:
        return value, coefficients
    for _ in range(_MAX_INNER):
        score, information = _information(columns, outcome, eta)
        step = _newton_step(score, information)
        promise = 0.0
        for j in range(step.shape[0]):
            promise += step[j] * score[j]
        longest = np.abs(_add_columns(columns, step, np.zeros(eta.shape[0]))).max()
        length = min(1.0, max(_LONGEST_STEP, 0.5 * np.abs(eta).max()) / longest) if longest > 0.0 else 1.0
        improved = False
        for _ in range(40):
            trial = coefficients + length * step
            trial_eta = _add_columns(columns, trial, offset)
            trial_value = _log_likelihood(outcome, trial_eta)
            if trial_value >= value - 1e-14 * abs(value):
                improved = True
                break
            length *= 0.5
        if not improved:
            break
        coefficients, eta, value = trial, trial_eta, trial_value
        if promise < 1e-15:
            break
    return value, coefficients


@numba.njit(cache=True)
def _profile_drop(
    tested: np.ndarray, others: np.ndarray, outcome: np.ndarray, b: float, start: np.ndarray
) -> tuple[float, float, np.ndarray]:
    """Profile log-likelihood at b, its derivative there (the score of the tested column), and the nuisance values."""
    value, nuisance = _maximise(others, outcome, b * tested, start)
    eta = _add_columns(others, nuisance, b * tested)
    if np.abs(eta).max() > _SUSPICIOUS:  # steps end where rounding does: of two starts the higher end counts
        again, other = _maximise(others, outcome, b * tested, np.zeros(start.shape[0]))
        if again > value:
            value, nuisance = again, other
            eta = _add_columns(others, nuisance, b * tested)
    slope = 0.0
    for i in range(eta.shape[0]):
        small = np.exp(-abs(eta[i]))
        mu = 1.0 / (1.0 + small) if eta[i] >= 0.0 else small / (1.0 + small)
        slope += (outcome[i] - mu) * tested[i]
    return value, slope, nuisance


@numba.njit(cache=True)
def _solve_limit(
    tested: np.ndarray,
    others: np.ndarray,
    outcome: np.ndarray,
    estimate: float,
    nuisance: np.ndarray,
    best: float,
    drop: float,
    first: float,
) -> float:
    """The b beyond ``estimate`` (in the direction of ``first``) where the profile has fallen by ``drop``.

    The profile log-likelihood is concave, so Newton's method converges from outside; a bracket guards it.
    """
    side = 1.0 if first > 0.0 else -1.0
    inner = estimate
    outer = np.inf * side
    b = estimate + first
    start = nuisance
    for _ in range(_MAX_OUTER):
        value, slope, start = _profile_drop(tested, others, outcome, b, start)
        excess = best - value - drop
        if excess < 0.0:
            inner = b
        else:
            outer = b
        falling = -slope * side
        step = np.inf if falling <= 0.0 else -excess / falling
        if not np.isfinite(outer):
            distance = abs(b - estimate)
            b = b + side * min(max(step, 0.05 * distance), 4.0 * distance)
            continue
        candidate = b + side * step
        if not (min(inner, outer) < candidate < max(inner, outer)):
            candidate = 0.5 * (inner + outer)
        moved = abs(candidate - b)
        b = candidate
        if moved <= 1e-14 * max(abs(b), 1e-3) or abs(outer - inner) <= 1e-14 * abs(b):
            break
    return b if np.isfinite(outer) else outer


def _residual(tested: np.ndarray, others: np.ndarray) -> np.ndarray:
    """A column less its projection on the others: the same profile, with nuisance values that hardly move."""
    if others.shape[0] == 0:
        return tested
    return tested - np.linalg.lstsq(others.T, tested, rcond=None)[0] @ others


def profile_limits(design: np.ndarray, outcome: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Profile-likelihood limits of every coefficient of a logistic model.

    Parameters
    ----------
    design : (n, k) array
        Design matrix whose first column is the intercept's ones.
    outcome : (n,) array of 0/1
    level : float
        Coverage.

    Returns
    -------
    (k, 2) array
        Lower and upper limit, where twice the fall of the profile log-likelihood is the chi-square quantile with one
        degree of freedom. -Inf or Inf where it never falls that far (separation), NaN where aliased or where
        the outcome has one class.

    Raises
    ------
    DataError
        When the shapes do not fit or values are not finite.

    Notes
    -----
    D. J. Venzon, S. H. Moolgavkar, Applied Statistics 37 (1988) 87-94. R: ``confint.glm``, which interpolates the same
    limits by a spline and is off by up to 2e-4.

    Examples
    --------
    >>> x = np.column_stack([np.ones(8), [0, 0, 0, 0, 1, 1, 1, 1]])
    >>> profile_limits(x, np.array([0, 0, 0, 1, 0, 1, 1, 1])).round(3)
    array([[-4.105,  0.956],
           [-0.739,  6.038]])
    """
    columns, y = as_design(design, outcome)
    limits = np.full((columns.shape[0], 2), np.nan)
    if y.min() == y.max():
        return limits
    fit = fit_logistic(design, outcome)
    kept = np.flatnonzero(np.isfinite(fit["coefficients"]))
    estimates = fit["coefficients"][kept]
    x = np.ascontiguousarray(columns[kept])
    best, estimates = _maximise(x, y, np.zeros(len(y)), estimates)
    drop = float(special.chdtri(1.0, 1.0 - level)) / 2.0
    unbounded = np.zeros((len(kept), 2), dtype=bool)
    if np.abs(_add_columns(x, estimates, np.zeros(len(y)))).max() > _SUSPICIOUS:
        infinite = infinite_coefficients(x.T, y)  # there the likelihood never falls
        unbounded = np.column_stack([np.isin(infinite, (-1, 2)), np.isin(infinite, (1, 2))])
    for position, j in enumerate(kept):
        others = np.ascontiguousarray(np.delete(x, position, axis=0))
        tested = _residual(x[position], others)
        shift = np.linalg.lstsq(others.T, x[position] - tested, rcond=None)[0] if len(kept) > 1 else np.empty(0)
        nuisance = np.delete(estimates, position) + shift * estimates[position]
        first = min(np.sqrt(2.0 * drop) * fit["standard_errors"][j], 10.0 / np.abs(tested).max())
        for side, sign in ((0, -1.0), (1, 1.0)):
            if unbounded[position, side]:
                limits[j, side] = sign * np.inf
            else:
                limits[j, side] = _solve_limit(
                    tested, others, y, estimates[position], nuisance, best, drop, sign * first
                )
    return limits
