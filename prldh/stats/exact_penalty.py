"""One penalty of an elastic-net logistic model to rounding: numbers for :mod:`prldh.stats.penalised_path`.

Newton's steps on the Gram matrix of the columns in play, each step's quadratic solved by coordinate descent and, once
the signs stand still, exactly. In play are columns with a coefficient and those whose slope says that they lack one.
"""

from __future__ import annotations

import numba
import numpy as np

from prldh.stats.coordinate_descent import NO_WEIGHT, P_MIN, against, linear
from prldh.stats.least_squares import dot_from

_MAX_OUTER = 100
_MAX_PASSES = 3000
_MAX_BLOCKS = 4
_DEPENDENT = 1e-13  # of a column's square, what is left of it beside others on which it depends


@numba.njit(cache=True)
def gram_of(rows: np.ndarray) -> np.ndarray:
    """Inner products of all pairs of rows."""
    k = rows.shape[0]
    result = np.empty((k, k))
    for i in range(k):
        for j in range(i + 1):
            result[i, j] = result[j, i] = dot_from(rows[i], rows[j], 0)
    return result


@numba.njit(cache=True)
def _judge(outcome: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, float]:
    """Probabilities (n,), and the mean negative log-likelihood without clipping: convex, for judging steps."""
    n = eta.shape[0]
    far = np.log(1.0 / P_MIN - 1.0)
    probability = np.empty(n)
    total, product = 0.0, 1.0
    for i in range(n):
        odds = np.exp(-abs(eta[i]))  # of the less likely outcome
        rarer = odds / (1.0 + odds) if abs(eta[i]) <= far else 0.0
        probability[i] = rarer if eta[i] < 0.0 else 1.0 - rarer
        if (eta[i] < 0.0) == (outcome[i] == 1.0):
            total += abs(eta[i])
        # log(1 + odds) of many rows at once: a factor is at most 2, so that 512 of them stay below 2^512
        product *= 1.0 + odds
        if i % 512 == 511:
            total += np.log(product)
            product = 1.0
    return probability, (total + np.log(product)) / n


@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def _dot_before(a: np.ndarray, b: np.ndarray, stop: int) -> float:
    """Inner product of two vectors up to position ``stop``."""
    total = 0.0
    for i in range(stop):
        total += a[i] * b[i]
    return total


@numba.njit(cache=True)
def _factorise(gram: np.ndarray, active: np.ndarray) -> tuple[np.ndarray, int]:
    """Lower Cholesky factor (m, m) of the active part of the Gram matrix, and how many of its columns do not depend on
    those before them: m, or the place of the first that does."""
    m = active.shape[0]
    lower = np.zeros((m, m))
    for i in range(m):
        for j in range(i + 1):
            value = gram[active[i], active[j]] - _dot_before(lower[i], lower[j], j)
            if i > j:
                lower[i, j] = value / lower[j, j]
            elif value <= _DEPENDENT * gram[active[i], active[i]]:
                return lower, i
            else:
                lower[i, i] = np.sqrt(value)
    return lower, m


@numba.njit(cache=True)
def _solve_upper(lower: np.ndarray, right: np.ndarray, m: int) -> None:
    """Solve L' z = right in place, of the first m rows and columns of L."""
    for i in range(m - 1, -1, -1):
        right[i] /= lower[i, i]
        for h in range(i):
            right[h] -= lower[i, h] * right[i]


@numba.njit(cache=True)
def _direction(
    gram: np.ndarray, linear: np.ndarray, b: np.ndarray, active: np.ndarray, l1: float
) -> tuple[np.ndarray, bool]:
    """Where the active coefficients (m,), the unpenalised intercept first, move as long as no sign changes: to the
    minimum, or, where a column depends on others (True), along what leaves the fit as it is and lowers the penalty."""
    lower, rank = _factorise(gram, active)
    m = active.shape[0]
    if rank < m:
        move = np.zeros(m)
        move[:rank] = -lower[rank, :rank]
        move[rank] = 1.0
        _solve_upper(lower, move, rank)
        rate = 0.0
        for i in range(rank + 1):
            rate += move[i] * (linear[active[i]] - (l1 * np.sign(b[active[i]]) if i > 0 else 0.0))
        return (move if rate >= 0.0 else -move), True
    move = np.empty(m)
    for i in range(m):
        right = linear[active[i]] - (l1 * np.sign(b[active[i]]) if i > 0 else 0.0)
        move[i] = (right - _dot_before(lower[i], move, i)) / lower[i, i]
    _solve_upper(lower, move, m)
    for i in range(m):
        move[i] -= b[active[i]]
    return move, False


@numba.njit(cache=True)
def _descend_orthant(gram: np.ndarray, linear: np.ndarray, b: np.ndarray, l1: float) -> None:
    """Move b to the minimum over its non-zero coefficients; one that would change its sign on the way stops at zero."""
    blocks = 0
    while blocks < _MAX_BLOCKS:
        keep = b != 0.0
        keep[0] = True
        active = np.flatnonzero(keep)
        move, is_free = _direction(gram, linear, b, active, l1)
        share, blocking = np.inf if is_free else 1.0, -1
        for i in range(1, active.shape[0]):
            old = b[active[i]]
            if (old + move[i]) * old <= 0.0 or (is_free and move[i] * old < 0.0):
                if -old / move[i] < share:
                    share, blocking = -old / move[i], active[i]
        if not np.isfinite(share):
            return
        for i in range(active.shape[0]):
            b[active[i]] += share * move[i]
        if blocking < 0:
            return
        b[blocking] = 0.0
        if not is_free:
            blocks += 1


@numba.njit(cache=True)
def _solve_quadratic(
    gram: np.ndarray, linear: np.ndarray, start: np.ndarray, l1: float, tolerance: float
) -> np.ndarray:
    """Minimise b'Gb/2 - linear'b + l1 * sum |b_j|, j > 0, by coordinate descent with exact finishes."""
    k = start.shape[0]
    b = start.copy()
    gradient = linear - against(gram, b)
    for sweep in range(_MAX_PASSES):
        largest = 0.0
        is_settled = True
        for j in range(k):
            curvature = gram[j, j]
            if curvature <= 0.0:
                continue
            u = gradient[j] + curvature * b[j]
            if j == 0:
                new = u / curvature
            else:
                new = np.sign(u) * max(abs(u) - l1, 0.0) / curvature
            change = new - b[j]
            if change != 0.0:
                is_settled = is_settled and (b[j] != 0.0) == (new != 0.0)
                b[j] = new
                largest = max(largest, curvature * change * change)
                for h in range(k):
                    gradient[h] -= change * gram[j, h]
        if largest < tolerance:
            break
        if is_settled and sweep % 2 == 1:
            _descend_orthant(gram, linear, b, l1)
            gradient = linear - against(gram, b)
    return b


@numba.njit(cache=True)
def _penalty(b: np.ndarray, l1: float, l2: float) -> float:
    """What coefficients cost; b[0], the intercept, is free."""
    return l1 * np.abs(b[1:]).sum() + 0.5 * l2 * (b[1:] ** 2).sum()


@numba.njit(cache=True)
def _newton_step(
    x: np.ndarray,
    outcome: np.ndarray,
    play: np.ndarray,
    b: np.ndarray,
    probability: np.ndarray,
    loss: float,
    l1: float,
    l2: float,
    threshold: float,
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """One penalised Newton step on the columns in play (k,), from b (k + 1,) with its probabilities and penalised loss.

    Returns b, probabilities and loss after it, and the largest weighted change (inf: no weight left).
    """
    n = outcome.shape[0]
    k = play.shape[0] + 1
    rooted = np.empty((k, n))
    residual = (outcome - probability) / n
    total = 0.0
    for i in range(n):
        weight = probability[i] * (1.0 - probability[i]) / n
        total += weight
        rooted[0, i] = np.sqrt(weight)
    if total <= NO_WEIGHT:
        return b, probability, loss, np.inf
    slope = np.empty(k)
    slope[0] = residual.sum()
    for j in range(1, k):
        column = x[play[j - 1]]
        for i in range(n):
            rooted[j, i] = rooted[0, i] * column[i]
        slope[j] = dot_from(residual, column, 0)
    gram = gram_of(rooted)
    slope += against(gram, b)
    for j in range(1, k):
        gram[j, j] += l2
    new = _solve_quadratic(gram, slope, b, l1, threshold)
    for _ in range(30):
        new_probability, new_loss = _judge(outcome, linear(x, play, new[0], new[1:]))
        new_loss += _penalty(new, l1, l2)
        if new_loss <= loss + 1e-13 * abs(loss):
            break
        new = 0.5 * (new + b)
    largest = 0.0
    for j in range(k):
        largest = max(largest, gram[j, j] * (new[j] - b[j]) ** 2)
    return new, new_probability, new_loss, largest


@numba.njit(cache=True)
def finish(
    x: np.ndarray,
    outcome: np.ndarray,
    usable: np.ndarray,
    b: np.ndarray,
    slope: np.ndarray,
    l1: float,
    l2: float,
    threshold: float,
) -> tuple[np.ndarray, bool]:
    """Minimise mean loss + l1 sum |b| + l2 sum b² / 2 from b (p + 1,), in place; the probabilities (n,), and whether
    the minimum was reached.

    ``slope`` (p,) is filled with the absolute slopes of the loss there.
    """
    p = x.shape[0]
    play = np.flatnonzero(b[1:])
    small = np.empty(play.shape[0] + 1)
    small[0] = b[0]
    small[1:] = b[play + 1]
    done = False
    probability, loss = _judge(outcome, linear(x, play, small[0], small[1:]))
    loss += _penalty(small, l1, l2)
    for _ in range(_MAX_OUTER):
        small, probability, loss, change = _newton_step(
            x, outcome, play, small, probability, loss, l1, l2, 1e-4 * threshold
        )
        if not np.isfinite(change):
            break
        if change >= threshold:
            continue
        slope[:] = np.abs(against(x, (outcome - probability) / outcome.shape[0]))
        in_play = np.zeros(p, np.bool_)
        in_play[play] = True
        added = np.flatnonzero(usable & ~in_play & (slope > l1))
        if added.shape[0] == 0:
            done = True
            break
        play = np.concatenate((play, added))
        small = np.concatenate((small, np.zeros(added.shape[0])))
    b[:] = 0.0
    b[0] = small[0]
    b[play + 1] = small[1:]
    return probability, done
