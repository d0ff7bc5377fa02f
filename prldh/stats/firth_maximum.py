"""Where Firth's penalised log-likelihood has its maximum: the iterations, and the numbers they need.

All in numba, over an orthogonal basis of the design's columns: Fisher's scoring from the start that is given, as
logistf has it, and near the maximum Newton's method, whose curvature, which is what costs time, is computed anew only
where progress slows down. A place where the slope vanishes without being a maximum, a saddle, is left again.

References
----------
Firth (1993) Biometrika 80:27. The step off a saddle: Moré & Sorensen (1979) Math Program 16:1.
"""

from __future__ import annotations

import numba
import numpy as np

MOST = 500
"""Iterations after which no maximum is found."""
_LONGEST_STEP = 5.0
"""How far one step may move a log-odds."""
_NEAR = 0.3
"""Squared length of a step, in standard errors, below which Newton's steps take over from Fisher's scoring."""
_SETTLED = 1e-6
"""Below this squared length the curvature is computed once more: whether this is a maximum or a saddle."""
_DONE = 1e-24
"""Squared length of a step, in standard errors, after which there is nothing left to gain."""
_ROUNDING = 1e-18
"""Below this squared length a step that is no shorter than the last one is rounding."""
_FLAT = 1e-8
"""A slope, per standard error, that counts as none where the curvature bends upwards: a saddle."""


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
def backward(lower: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Solve ``lower.T @ x = target``."""
    x = target.copy()
    for j in range(x.shape[0] - 1, -1, -1):
        for h in range(j + 1, x.shape[0]):
            x[j] -= lower[h, j] * x[h]
        x[j] /= lower[j, j]
    return x


@numba.njit(cache=True)
def _evaluate(
    x: np.ndarray, y: np.ndarray, times: np.ndarray, eta: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Penalised log-likelihood (-inf where the information is singular), probabilities (n,), weights (n,) of all the
    times that a row counts, the information's factor (k, k)."""
    n, k = x.shape
    mu, weight = np.empty(n), np.empty(n)
    weighted = np.empty((n, k))
    value = 0.0
    for i in range(n):
        small = np.exp(-abs(eta[i]))
        mu[i] = 1.0 / (1.0 + small) if eta[i] >= 0.0 else small / (1.0 + small)
        weight[i] = times[i] * small / ((1.0 + small) * (1.0 + small))
        is_right = (eta[i] >= 0.0) == (y[i] == 1.0)
        value -= times[i] * (np.log1p(small) if is_right else np.log1p(small) + abs(eta[i]))
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
    x: np.ndarray, y: np.ndarray, times: np.ndarray, mu: np.ndarray, weight: np.ndarray, lower: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The design in coordinates of unit information (n, k), and of all the times that a row counts the leverages (n,)
    and the residuals (n,) of the penalised score."""
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
        residual[i] = times[i] * (y[i] - mu[i]) + leverage[i] * (0.5 - mu[i])
    return unit, leverage, residual


@numba.njit(cache=True)
def _curvature(
    unit: np.ndarray, times: np.ndarray, leverage: np.ndarray, mu: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Minus the second derivatives (k, k) of the penalised log-likelihood, in coordinates of unit information."""
    n, k = unit.shape
    rooted, tilted, first = np.empty((n, k)), np.empty((n, k)), np.empty((n, k))
    for i in range(n):
        root, tilt = np.sqrt(weight[i]), 1.0 - 2.0 * mu[i]
        part = weight[i] - 0.5 * leverage[i] * (1.0 - 6.0 * weight[i] / times[i])
        for j in range(k):
            rooted[i, j] = root * unit[i, j]
            tilted[i, j] = tilt * unit[i, j]
            first[i, j] = part * unit[i, j]
    hat = np.dot(rooted, rooted.T)
    return np.dot(first.T, unit) + 0.5 * np.dot(tilted.T, np.dot(hat * hat, tilted))


@numba.njit(cache=True)
def _way_off_a_saddle(curvature: np.ndarray, score: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """A step (free,) of one standard error in the direction that bends upwards most; score and step in coordinates of
    unit information.

    A level that has one patient with the event and one without makes the likelihood symmetrical: mirrored in that
    level's coefficient it is the same. Fisher's scoring keeps to the mirror plane, where rounding alone would decide
    which of two equal maxima is reached. So where there is no slope, the last coefficient that the step moves falls.
    """
    way = np.ascontiguousarray(np.linalg.eigh(curvature)[1][:, 0])
    slope = np.dot(way, score)
    if abs(slope) > _FLAT:
        return way if slope > 0.0 else -way
    moved = np.abs(backward(lower, way))
    last = np.flatnonzero(moved > 1e-6 * moved.max())[-1]
    return -way if backward(lower, way)[last] > 0.0 else way


@numba.njit(cache=True)
def maximise(
    x: np.ndarray, y: np.ndarray, times: np.ndarray, start: np.ndarray, free: int, most: int
) -> tuple[np.ndarray, float, float, int, bool]:
    """Largest penalised log-likelihood over the first ``free`` coefficients, in at most ``most`` iterations; the others
    stay at ``start``.

    Row i counts ``times[i]`` times. The penalty is that of the whole design whatever is free. Returned are the
    coefficients, the value (-inf where what is held leaves no information), its derivative by the last coefficient, the
    number of iterations and whether they converged.
    """
    coefficients = start.copy()
    eta = np.dot(x, coefficients)
    value, mu, weight, lower = _evaluate(x, y, times, eta)
    if value == -np.inf:  # a start so far out that rounding leaves no information
        coefficients[:free] = 0.0
        eta = np.dot(x, coefficients)
        value, mu, weight, lower = _evaluate(x, y, times, eta)
        if value == -np.inf:  # and so far out is what is held
            return coefficients, value, 0.0, 0, False
    root, is_known, is_settled = np.eye(free), False, False
    before = np.inf
    converged = False
    iteration = 0
    while iteration < most:
        iteration += 1
        unit, leverage, residual = _residuals(x, y, times, mu, weight, lower)
        score = np.ascontiguousarray(np.dot(unit.T, residual)[:free])
        squared = np.dot(score, score)
        factor = np.ascontiguousarray(lower[:free, :free])
        if squared >= _NEAR:
            root, is_known = factor, False
        elif not is_known or squared > 0.05 * before or (squared < _SETTLED and not is_settled):
            curvature = np.ascontiguousarray(_curvature(unit, times, leverage, mu, weight)[:free, :free])
            is_known, relative = _cholesky(curvature)
            root = np.dot(factor, relative) if is_known else factor
            is_settled = is_known and squared < _SETTLED
            if not is_known:
                score = score + _way_off_a_saddle(curvature, score, factor)
                squared = np.dot(score, score)
        is_rounding = squared < _ROUNDING and squared > 0.25 * before
        before = squared
        step = backward(root, _forward(root, np.dot(factor, score)))
        moved = np.dot(np.ascontiguousarray(x[:, :free]), step)
        longest = np.abs(moved).max()
        length = min(1.0, _LONGEST_STEP / longest) if longest > 0.0 else 1.0
        accepted = False
        for _ in range(60):
            trial = _evaluate(x, y, times, eta + length * moved)
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
    residual = _residuals(x, y, times, mu, weight, lower)[2]
    return coefficients, value, np.dot(np.ascontiguousarray(x[:, -1]), residual), iteration, converged


@numba.njit(cache=True)
def orthogonal_basis(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthogonal columns (n, k) of length sqrt(n), and the upper triangle (k, k) that turns them back into ``x``.

    The triangle's diagonal is positive: a column's coefficient rises where that of its basis does.
    """
    root = np.sqrt(x.shape[0])
    q, r = np.linalg.qr(x)
    sign = np.where(np.diag(r) < 0.0, -1.0, 1.0)
    return np.ascontiguousarray(q) * (sign * root), np.ascontiguousarray(r) * np.expand_dims(sign / root, 1)
