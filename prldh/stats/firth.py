"""Firth's penalised likelihood for logistic regression: finite estimates where the outcome is separated.

The log-likelihood is maximised with half the log determinant of the information added to it (Jeffreys' prior). Every fit
runs over an orthogonal basis of the design's columns: Fisher's scoring, as logistf has it, and near the maximum Newton's
method, whose curvature, which is what costs time, is computed anew only when progress slows down.

References
----------
Firth (1993) Biometrika 80:27; Heinze & Schemper (2002) Stat Med 21:2409; R package logistf.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from scipy import special

from prldh.stats.logistic import _estimable, as_design, check_rows

_MAX_ITERATIONS = 500
_MAX_OUTER = 200
_LONGEST_STEP = 5.0
"""How far one step may move a log-odds."""
_NEAR = 0.3
"""Squared length of a step, in standard errors, below which Newton's steps take over from Fisher's scoring."""
_DONE = 1e-24
"""Squared length of a step, in standard errors, after which there is nothing left to gain."""
_ROUNDING = 1e-18
"""Below this squared length a step that is no shorter than the last one is rounding."""


@numba.njit(cache=True)
def _cholesky(matrix: np.ndarray) -> tuple[bool, np.ndarray]:
    """Whether a symmetric matrix is positive definite, and its lower triangular factor."""
    k = matrix.shape[0]
    lower = np.zeros((k, k))
    for j in range(k):
        pivot = matrix[j, j]
        for h in range(j):
            pivot -= lower[j, h] * lower[j, h]
        if not pivot > 1e-14 * matrix[j, j]:
            return False, lower
        lower[j, j] = np.sqrt(pivot)
        for i in range(j + 1, k):
            value = matrix[i, j]
            for h in range(j):
                value -= lower[i, h] * lower[j, h]
            lower[i, j] = value / lower[j, j]
    return True, lower


@numba.njit(cache=True)
def _forward(lower: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Solve ``lower @ x = target``."""
    x = target.copy()
    for j in range(x.shape[0]):
        for h in range(j):
            x[j] -= lower[j, h] * x[h]
        x[j] /= lower[j, j]
    return x


@numba.njit(cache=True)
def _backward(lower: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Solve ``lower.T @ x = target``."""
    x = target.copy()
    for j in range(x.shape[0] - 1, -1, -1):
        for h in range(j + 1, x.shape[0]):
            x[j] -= lower[h, j] * x[h]
        x[j] /= lower[j, j]
    return x


@numba.njit(cache=True)
def _evaluate(x: np.ndarray, y: np.ndarray, eta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Penalised log-likelihood (-inf where the information is singular), probabilities and weights (n,), the information's factor (k, k)."""
    n, k = x.shape
    mu, weight = np.empty(n), np.empty(n)
    weighted = np.empty((n, k))
    value = 0.0
    for i in range(n):
        small = np.exp(-abs(eta[i]))
        mu[i] = 1.0 / (1.0 + small) if eta[i] >= 0.0 else small / (1.0 + small)
        weight[i] = small / ((1.0 + small) * (1.0 + small))
        is_right = (eta[i] >= 0.0) == (y[i] == 1.0)
        value -= np.log1p(small) if is_right else np.log1p(small) + abs(eta[i])
        for j in range(k):
            weighted[i, j] = weight[i] * x[i, j]
    is_definite, lower = _cholesky(np.dot(weighted.T, x))
    if not is_definite:
        return -np.inf, mu, weight, lower
    for j in range(k):
        value += np.log(lower[j, j])
    return value, mu, weight, lower


@numba.njit(cache=True)
def _residuals(
    x: np.ndarray, y: np.ndarray, mu: np.ndarray, weight: np.ndarray, lower: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The design in coordinates of unit information (n, k), leverages (n,), and the residuals (n,) of the penalised score."""
    n, k = x.shape
    unit, leverage, residual = np.empty((n, k)), np.empty(n), np.empty(n)
    for i in range(n):
        total = 0.0
        for j in range(k):
            value = x[i, j]
            for h in range(j):
                value -= lower[j, h] * unit[i, h]
            unit[i, j] = value / lower[j, j]
            total += unit[i, j] * unit[i, j]
        leverage[i] = weight[i] * total
        residual[i] = y[i] - mu[i] + leverage[i] * (0.5 - mu[i])
    return unit, leverage, residual


@numba.njit(cache=True)
def _curvature(unit: np.ndarray, leverage: np.ndarray, mu: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Minus the second derivatives (k, k) of the penalised log-likelihood, in coordinates of unit information."""
    n, k = unit.shape
    rooted, tilted, first = np.empty((n, k)), np.empty((n, k)), np.empty((n, k))
    for i in range(n):
        root, tilt = np.sqrt(weight[i]), 1.0 - 2.0 * mu[i]
        part = weight[i] - 0.5 * leverage[i] * (1.0 - 6.0 * weight[i])
        for j in range(k):
            rooted[i, j] = root * unit[i, j]
            tilted[i, j] = tilt * unit[i, j]
            first[i, j] = part * unit[i, j]
    hat = np.dot(rooted, rooted.T)
    return np.dot(first.T, unit) + 0.5 * np.dot(tilted.T, np.dot(hat * hat, tilted))


@numba.njit(cache=True)
def _maximise(x: np.ndarray, y: np.ndarray, start: np.ndarray, free: int) -> tuple[np.ndarray, float, float, int, bool]:
    """Largest penalised log-likelihood over the first ``free`` coefficients; the others stay at ``start``.

    The penalty is that of the whole design whatever is free. Returned are the coefficients, the value, its derivative by
    the last coefficient, the number of iterations and whether they converged.
    """
    coefficients = start.copy()
    eta = np.dot(x, coefficients)
    value, mu, weight, lower = _evaluate(x, y, eta)
    if value == -np.inf:  # a start so far out that rounding leaves no information
        coefficients[:free] = 0.0
        eta = np.dot(x, coefficients)
        value, mu, weight, lower = _evaluate(x, y, eta)
    curved, is_known = np.eye(free), False
    before = np.inf
    converged = False
    iteration = 0
    while iteration < _MAX_ITERATIONS:
        iteration += 1
        unit, leverage, residual = _residuals(x, y, mu, weight, lower)
        score = np.ascontiguousarray(np.dot(unit.T, residual)[:free])
        squared = np.dot(score, score)
        if squared >= _NEAR:
            curved, is_known = np.eye(free), False
        elif not is_known or squared > 0.05 * before:
            is_known, factor = _cholesky(np.ascontiguousarray(_curvature(unit, leverage, mu, weight)[:free, :free]))
            curved = factor if is_known else np.eye(free)
        is_rounding = squared < _ROUNDING and squared > 0.25 * before
        before = squared
        step = _backward(curved, _forward(curved, score))
        moved = np.dot(np.ascontiguousarray(unit[:, :free]), step)
        step = _backward(np.ascontiguousarray(lower[:free, :free]), step)
        longest = np.abs(moved).max()
        length = min(1.0, _LONGEST_STEP / longest) if longest > 0.0 else 1.0
        accepted = False
        for _ in range(60):
            trial = _evaluate(x, y, eta + length * moved)
            if trial[0] >= value or (squared < 1e-8 and trial[0] > -np.inf):
                accepted = True
                break
            length *= 0.5
        if not accepted:
            converged = squared < 1e-12
            break
        coefficients[:free] += length * step
        eta += length * moved
        value, mu, weight, lower = trial
        if squared < _DONE or is_rounding:
            converged = True
            break
    residual = _residuals(x, y, mu, weight, lower)[2]
    return coefficients, value, np.dot(np.ascontiguousarray(x[:, -1]), residual), iteration, converged


@numba.njit(cache=True)
def _basis(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthogonal columns (n, k) of length sqrt(n), and the upper triangle (k, k) that turns them back into ``x``."""
    root = np.sqrt(x.shape[0])
    q, r = np.linalg.qr(x)
    return np.ascontiguousarray(q) * root, np.ascontiguousarray(r) / root


@numba.njit(cache=True)
def _refit(columns: np.ndarray, outcome: np.ndarray, rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Coefficients (m, k) of every resample; NaN for a resample with one class."""
    k = columns.shape[0]
    result = np.zeros((lengths.shape[0], k))
    begin = 0
    for r in range(lengths.shape[0]):
        n = lengths[r]
        y, wide = np.empty(n), np.empty((k, n))
        for i in range(n):
            row = rows[begin + i]
            y[i] = outcome[row]
            for j in range(k):
                wide[j, i] = columns[j, row]
        begin += n
        events = y.sum()
        if events == 0.0 or events == n:
            result[r, :] = np.nan
            continue
        kept = _estimable(wide)
        basis, triangle = _basis(np.ascontiguousarray(wide[kept].T))
        found = _maximise(basis, y, np.zeros(kept.shape[0]), kept.shape[0])[0]
        found = _backward(np.ascontiguousarray(triangle.T), found)
        for i in range(kept.shape[0]):
            result[r, kept[i]] = found[i]
    return result


class _Fit:
    """A fit over the estimable columns: what the public functions read."""

    def __init__(self, design: np.ndarray, outcome: np.ndarray) -> None:
        columns, self.y = as_design(design, outcome)
        self.k = len(columns)
        self.kept = _estimable(columns)
        self.x = np.ascontiguousarray(columns[self.kept].T)
        basis, triangle = _basis(self.x)
        found, self.value, _, self.iterations, self.converged = _maximise(basis, self.y, np.zeros(len(self.kept)), len(self.kept))
        self.estimates = _backward(np.ascontiguousarray(triangle.T), found)
        mu = special.expit(basis @ found)
        weight = mu * (1.0 - mu)
        information = (basis * weight[:, None]).T @ basis
        leverage = weight * np.einsum("ij,ij->i", basis @ np.linalg.inv(information), basis)
        augmented = (basis * (weight * (1.0 + leverage))[:, None]).T @ basis
        inverse = np.linalg.inv(triangle)
        self.covariance = inverse @ np.linalg.inv(augmented) @ inverse.T
        self.log_determinant = float(np.log(np.abs(np.diag(triangle))).sum())  # what the basis takes away from the penalty

    def profile(self, position: int) -> _Profile:
        """The profile over one of the kept coefficients."""
        return _Profile(self, position)


class _Profile:
    """The penalised log-likelihood with one coefficient held and the others maximised."""

    def __init__(self, fit: _Fit, position: int) -> None:
        order = np.r_[np.delete(np.arange(len(fit.kept)), position), position]
        self.basis, triangle = _basis(np.ascontiguousarray(fit.x[:, order]))
        self.y, self.scale = fit.y, triangle[-1, -1]
        self.best = triangle @ fit.estimates[order]

    def at(self, b: float, start: np.ndarray) -> tuple[float, float, np.ndarray]:
        """Value, derivative by b, and where the others are."""
        held = start.copy()
        held[-1] = b * self.scale
        others, value, slope, _, _ = _maximise(self.basis, self.y, held, len(held) - 1)
        return value, slope * self.scale, others


def fit_firth(design: np.ndarray, outcome: np.ndarray) -> dict[str, Any]:
    """Logistic regression by Firth's penalised likelihood.

    Parameters
    ----------
    design : (n, k) array
        Design matrix whose first column is the intercept's ones.
    outcome : (n,) array
        0/1, 1 = event.

    Returns
    -------
    dict
        ``coefficients``, ``standard_errors``, ``p_values`` (k,) (penalised likelihood-ratio tests; NaN where aliased),
        ``covariance`` (k, k) (see Notes), ``log_likelihood`` (penalised), ``deviance`` (-2 of it),
        ``null_deviance`` (that of every coefficient but the intercept at 0), ``converged`` (1.0 or 0.0), ``iterations``.

    Raises
    ------
    DataError
        When the shapes do not fit or values are not finite.

    Notes
    -----
    R: ``logistf::logistf``, which stops at 1e-5; here the iterations run to rounding. As there, the hypothesis that a
    coefficient is 0 keeps its column in the penalty. The covariance is, as logistf's since 1.24, the inverse information of the
    augmented data, in which patient i counts 1 + h_i times (h: leverage); on a 2x2 table that is 1/2 more in each cell. Where many
    parameters separate the outcome completely the penalised likelihood may have several maxima: it is the one reached from
    coefficients of 0. Aliased columns are those of :func:`~prldh.stats.logistic.fit_logistic`.

    References
    ----------
    D. Firth, Biometrika 80 (1993) 27-38. G. Heinze, M. Schemper, Statistics in Medicine 21 (2002) 2409-2419.

    Examples
    --------
    On a saturated 2x2 table the same as adding 1/2 to every cell: log(8.5 / 0.5) - log(3.5 / 5.5)

    >>> x = np.column_stack([np.ones(16), np.repeat([0.0, 1.0], 8)])
    >>> fit_firth(x, np.array([1] * 3 + [0] * 5 + [1] * 8))["coefficients"].round(6)
    array([-0.451985,  3.285198])
    """
    fit = _Fit(design, outcome)
    free = len(fit.kept)
    k, covariance = fit.k, np.full((fit.k, fit.k), np.nan)
    coefficients, p_values = np.full(k, np.nan), np.full(k, np.nan)
    coefficients[fit.kept] = fit.estimates
    covariance[np.ix_(fit.kept, fit.kept)] = fit.covariance
    for position, j in enumerate(fit.kept):
        profile = fit.profile(position)
        fall = 2.0 * (fit.value - profile.at(0.0, profile.best)[0])
        p_values[j] = special.chdtrc(1.0, max(fall, 0.0))
    null = _null(fit.x, fit.y) if free else float("nan")
    value = fit.value + fit.log_determinant
    return {
        "coefficients": coefficients,
        "standard_errors": np.sqrt(np.diag(covariance)),
        "p_values": p_values,
        "covariance": covariance,
        "log_likelihood": np.float64(value),
        "deviance": np.float64(-2.0 * value),
        "null_deviance": np.float64(-2.0 * (null + fit.log_determinant)),
        "converged": float(fit.converged),
        "iterations": float(fit.iterations),
    }


def _null(x: np.ndarray, y: np.ndarray) -> float:
    """Penalised log-likelihood over the basis with every coefficient but the first at 0."""
    basis, triangle = _basis(x)  # its first column is the intercept's, so the others' zeros are zeros in the basis too
    return float(_maximise(basis, y, np.zeros(len(triangle)), 1)[1])


def firth_limits(design: np.ndarray, outcome: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Profile penalised-likelihood limits of every coefficient of a Firth fit.

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
        Lower and upper limit, where twice the fall of the profile penalised log-likelihood is the chi-square quantile with
        one degree of freedom; NaN where aliased. They are always finite.

    Raises
    ------
    DataError
        When the shapes do not fit or values are not finite.

    Notes
    -----
    R: ``logistf::logistf(pl = TRUE)``; the column whose coefficient is held stays in the penalty.

    References
    ----------
    G. Heinze, M. Schemper, Statistics in Medicine 21 (2002) 2409-2419.

    Examples
    --------
    >>> x = np.column_stack([np.ones(16), np.repeat([0.0, 1.0], 8)])
    >>> firth_limits(x, np.array([1] * 3 + [0] * 5 + [1] * 8)).round(3)
    array([[-1.913,  0.87 ],
           [ 0.747,  8.265]])
    """
    fit = _Fit(design, outcome)
    limits = np.full((fit.k, 2), np.nan)
    drop = float(special.chdtri(1.0, 1.0 - level)) / 2.0
    for position, j in enumerate(fit.kept):
        profile = fit.profile(position)
        first = np.sqrt(2.0 * drop * fit.covariance[position, position])
        for side, sign in ((0, -1.0), (1, 1.0)):
            limits[j, side] = _solve_limit(profile, fit.estimates[position], fit.value, drop, sign * first)
    return limits


def _solve_limit(profile: _Profile, estimate: float, best: float, drop: float, first: float) -> float:
    """The b beyond ``estimate``, in the direction of ``first``, where the profile has fallen by ``drop``: Newton in a bracket."""
    side = np.sign(first)
    inner, outer = estimate, np.inf * side
    b, start = estimate + first, profile.best
    for _ in range(_MAX_OUTER):
        value, slope, start = profile.at(b, start)
        excess = best - value - drop
        if excess < 0.0:
            inner = b
        else:
            outer = b
        falling = -slope * side
        step = -excess / falling if falling > 0.0 else np.inf
        if not np.isfinite(outer):
            distance = abs(b - estimate)
            b += side * min(max(step, 0.1 * distance), distance)
            continue
        candidate = b + side * step
        if abs(candidate - b) <= 1e-12 * max(abs(first), abs(b)):
            return candidate  # at the limit: what is left is rounding
        if not min(inner, outer) < candidate < max(inner, outer):
            candidate = 0.5 * (inner + outer)
        if abs(outer - inner) <= 1e-13 * max(abs(b), abs(first)):
            return candidate
        b = candidate
    return b


def refit_firth(design: np.ndarray, outcome: np.ndarray, rows: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
    """Coefficients of the same Firth model on many resamples.

    Parameters
    ----------
    design : (n, k) array
    outcome : (n,) array of 0/1
    rows : integer array
        0-based row numbers of all resamples, one resample after another, with repeats in bootstrap samples.
    lengths : (m,) integer array
        How many of ``rows`` belong to each resample.

    Returns
    -------
    dict
        ``coefficients`` (m, k). Aliased ones are 0; every coefficient of a resample with one class is NaN.

    Raises
    ------
    DataError
        When ``lengths`` do not add up to the number of ``rows``, or a row number is out of range.
    """
    columns, y = as_design(design, outcome)
    rows, lengths = check_rows(rows, lengths, len(y))
    return {"coefficients": _refit(columns, y, rows, lengths)}
