"""The lasso path of a logistic model: numbers for :mod:`prldh.stats.lasso`.

Each penalty's problem is solved by reweighted least squares; each least-squares problem by cyclic coordinate descent on
the Gram matrix of the columns in play, finished by an exact solve once the signs stand still. Rules on where the path
starts and stops are glmnet's.
"""

from __future__ import annotations

import numba
import numpy as np

from prldh.stats.least_squares import dot_from

_P_MIN = 1e-9  # probabilities nearer to 0 or 1 than this are taken as 0 or 1
_F_DEV = 1e-5  # stop when the share of deviance explained grows by less
_DEV_MAX = 0.999  # … or is beyond this
_MIN_LAMBDAS = 5  # … but not before so many penalties
_THRESHOLD = 1e-14
_MAX_OUTER = 100
_MAX_PASSES = 3000
_MAX_BLOCKS = 4
_BIG = 9.9e35


# Products are written out: threads of a BLAS that wait for one another on a busy machine cost ten times the work.


@numba.njit(cache=True)
def _against(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Inner product of every row with a vector."""
    result = np.empty(rows.shape[0])
    for j in range(rows.shape[0]):
        result[j] = dot_from(rows[j], vector, 0)
    return result


@numba.njit(cache=True)
def _gram(rows: np.ndarray) -> np.ndarray:
    """Inner products of all pairs of rows."""
    k = rows.shape[0]
    result = np.empty((k, k))
    for i in range(k):
        for j in range(i + 1):
            result[i, j] = result[j, i] = dot_from(rows[i], rows[j], 0)
    return result


@numba.njit(cache=True)
def _mean_loss(outcome: np.ndarray, probability: np.ndarray) -> float:
    """Mean negative log-likelihood, probabilities clipped at 1e-9."""
    total = 0.0
    for i in range(outcome.shape[0]):
        p = min(max(probability[i], _P_MIN), 1.0 - _P_MIN)
        total -= np.log(p) if outcome[i] == 1.0 else np.log(1.0 - p)
    return total / outcome.shape[0]


@numba.njit(cache=True)
def copies_of_earlier(x: np.ndarray) -> np.ndarray:
    """Which rows of x (p, n), standardised, equal an earlier one or its negative (up to 1e-9)."""
    p, n = x.shape
    is_copy = np.zeros(p, np.bool_)
    for j in range(1, p):
        for i in range(j):
            if abs(abs(x[i, 0]) - abs(x[j, 0])) > 1e-9:
                continue
            sign = -1.0 if (x[i, 0] < 0.0) != (x[j, 0] < 0.0) else 1.0
            r = 1
            while r < n and abs(x[i, r] - sign * x[j, r]) <= 1e-9:
                r += 1
            if r == n:
                is_copy[j] = True
                break
    return is_copy


@numba.njit(cache=True)
def _judge(outcome: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, float]:
    """Probabilities (n,), and the mean negative log-likelihood without clipping: convex, for judging steps."""
    n = eta.shape[0]
    far = np.log(1.0 / _P_MIN - 1.0)
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


@numba.njit(cache=True)
def _solve_active(
    gram: np.ndarray, linear: np.ndarray, b: np.ndarray, active: np.ndarray, penalty: float
) -> tuple[np.ndarray, bool]:
    """Solution (m,) for the active coefficients with the signs of b (the first is unpenalised); False if singular."""
    m = active.shape[0]
    lower = np.zeros((m, m))
    right = np.empty(m)
    for i in range(m):
        right[i] = linear[active[i]] - (penalty * np.sign(b[active[i]]) if i > 0 else 0.0)
        for j in range(i + 1):
            value = gram[active[i], active[j]]
            for h in range(j):
                value -= lower[i, h] * lower[j, h]
            if i > j:
                lower[i, j] = value / lower[j, j]
            elif value <= 1e-13 * gram[active[i], active[i]]:
                return right, False
            else:
                lower[i, i] = np.sqrt(value)
    for i in range(m):
        for h in range(i):
            right[i] -= lower[i, h] * right[h]
        right[i] /= lower[i, i]
    for i in range(m - 1, -1, -1):
        for h in range(i + 1, m):
            right[i] -= lower[h, i] * right[h]
        right[i] /= lower[i, i]
    return right, True


@numba.njit(cache=True)
def _descend_orthant(gram: np.ndarray, linear: np.ndarray, b: np.ndarray, penalty: float) -> None:
    """Move b to the minimum over its non-zero coefficients; one that would change its sign on the way stops at zero."""
    for _ in range(_MAX_BLOCKS):
        keep = b != 0.0
        keep[0] = True
        active = np.flatnonzero(keep)
        solved, is_regular = _solve_active(gram, linear, b, active, penalty)
        if not is_regular:
            return
        share, blocking = 1.0, -1
        for i in range(1, active.shape[0]):
            old = b[active[i]]
            if solved[i] * old <= 0.0 and old / (old - solved[i]) < share:
                share, blocking = old / (old - solved[i]), active[i]
        for i in range(active.shape[0]):
            b[active[i]] += share * (solved[i] - b[active[i]])
        if blocking < 0:
            return
        b[blocking] = 0.0


@numba.njit(cache=True)
def _quadratic_lasso(
    gram: np.ndarray, linear: np.ndarray, start: np.ndarray, penalty: float, tolerance: float
) -> np.ndarray:
    """Minimise b'Gb/2 - linear'b + penalty * sum |b_j|, j > 0, by coordinate descent with exact finishes."""
    k = start.shape[0]
    b = start.copy()
    gradient = linear - _against(gram, b)
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
                new = np.sign(u) * max(abs(u) - penalty, 0.0) / curvature
            change = new - b[j]
            if change != 0.0:
                is_settled = is_settled and (b[j] != 0.0) == (new != 0.0)
                b[j] = new
                largest = max(largest, curvature * change * change)
                for h in range(k):
                    gradient[h] -= change * gram[h, j]
        if largest < tolerance:
            break
        if is_settled and sweep % 2 == 1:
            _descend_orthant(gram, linear, b, penalty)
            gradient = linear - _against(gram, b)
    return b


@numba.njit(cache=True)
def _linear(x: np.ndarray, play: np.ndarray, n_play: int, b: np.ndarray) -> np.ndarray:
    """Log-odds, column by column; b[0] is the intercept and b[i + 1] belongs to column play[i]."""
    eta = np.full(x.shape[1], b[0])
    for i in range(n_play):
        if b[i + 1] != 0.0:
            for r in range(eta.shape[0]):
                eta[r] += b[i + 1] * x[play[i], r]
    return eta


@numba.njit(cache=True)
def _reweighted_step(
    x: np.ndarray,
    outcome: np.ndarray,
    play: np.ndarray,
    n_play: int,
    b: np.ndarray,
    probability: np.ndarray,
    loss: float,
    penalty: float,
    tolerance: float,
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """One penalised Newton step on the columns in play, from b with its probabilities and its penalised loss.

    Returns b, probabilities and loss after it, and the largest weighted change (inf: no weight left).
    """
    n = outcome.shape[0]
    k = n_play + 1
    rooted = np.empty((k, n))
    residual = (outcome - probability) / n
    total = 0.0
    for i in range(n):
        weight = probability[i] * (1.0 - probability[i]) / n
        total += weight
        rooted[0, i] = np.sqrt(weight)
    if total <= (1.0 + _P_MIN) * _P_MIN * (1.0 - _P_MIN):
        return b, probability, loss, np.inf
    linear = np.empty(k)
    linear[0] = residual.sum()
    for j in range(n_play):
        column = x[play[j]]
        for i in range(n):
            rooted[j + 1, i] = rooted[0, i] * column[i]
        linear[j + 1] = dot_from(residual, column, 0)
    gram = _gram(rooted)
    linear += _against(gram, b)
    new = _quadratic_lasso(gram, linear, b, penalty, tolerance)
    for _ in range(30):
        new_probability, new_loss = _judge(outcome, _linear(x, play, n_play, new))
        new_loss += penalty * np.abs(new[1:]).sum()
        if new_loss <= loss + 1e-13 * abs(loss):
            break
        new = 0.5 * (new + b)
    largest = 0.0
    for j in range(k):
        largest = max(largest, gram[j, j] * (new[j] - b[j]) ** 2)
    return new, new_probability, new_loss, largest


@numba.njit(cache=True)
def _solve_penalty(
    x: np.ndarray,
    outcome: np.ndarray,
    usable: np.ndarray,
    b: np.ndarray,
    slope: np.ndarray,
    before: float,
    penalty: float,
    scale: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Lasso solution (p + 1,) at one penalty, the probabilities (n,) and slopes (p,) there; False when it was not
    reached or no weight is left.

    ``b`` and ``slope`` are those at the penalty ``before``. A column whose slope is beyond 2 penalty - before is likely
    to enter and starts in play; whatever else is missing is found by the slopes at the end (R. Tibshirani et al., JRSS
    B 74 (2012) 245).
    """
    p = x.shape[0]
    play = np.empty(p, np.int64)
    in_play = np.zeros(p, np.bool_)
    n_play = 0
    for j in range(p):
        if b[j + 1] != 0.0 or (usable[j] and abs(slope[j]) > 2.0 * penalty - before):
            play[n_play] = j
            in_play[j] = True
            n_play += 1
    small = np.empty(n_play + 1)
    small[0] = b[0]
    for i in range(n_play):
        small[i + 1] = b[play[i] + 1]
    done = False
    probability, loss = _judge(outcome, _linear(x, play, n_play, small))
    loss += penalty * np.abs(small[1:]).sum()
    for _ in range(_MAX_OUTER):
        small, probability, loss, change = _reweighted_step(
            x, outcome, play, n_play, small, probability, loss, penalty, 1e-4 * _THRESHOLD * scale
        )
        if not np.isfinite(change):
            break
        if change >= _THRESHOLD * scale:
            continue
        slope = _against(x, (outcome - probability) / outcome.shape[0])
        added = 0
        for j in range(p):
            if usable[j] and not in_play[j] and abs(slope[j]) > penalty:
                play[n_play + added] = j
                in_play[j] = True
                added += 1
        if added == 0:
            done = True
            break
        grown = np.zeros(n_play + added + 1)
        grown[: n_play + 1] = small
        small = grown
        n_play += added
    result = np.zeros(p + 1)
    result[0] = small[0]
    for i in range(n_play):
        result[play[i] + 1] = small[i + 1]
    return result, probability, slope, done


@numba.njit(cache=True)
def lasso_path(
    x: np.ndarray, outcome: np.ndarray, usable: np.ndarray, n_lambda: int, smallest: float
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Penalties (l,), standardised coefficients (l, p + 1) with the intercept first, and whether all converged.

    ``x`` (p, n) holds standardised columns, ``usable`` (p,) those that vary; ``smallest`` is the last penalty's share
    of the first. The path ends early when the fit hardly improves, is nearly perfect, or a penalty's solution was not
    reached.
    """
    p, n = x.shape
    share = outcome.sum() / n
    null_loss = -(share * np.log(share) + (1.0 - share) * np.log(1.0 - share))
    b = np.zeros(p + 1)
    b[0] = np.log(share / (1.0 - share))
    probability = np.full(n, share)
    slope = _against(x, (outcome - share) / n)
    largest = 0.0
    for j in range(p):
        if usable[j]:
            largest = max(largest, abs(slope[j]))
    factor = max(smallest, 1e-6) ** (1.0 / (n_lambda - 1.0))
    lambdas = np.empty(n_lambda)
    path = np.zeros((n_lambda, p + 1))
    explained_before = 0.0
    used = 0
    converged = True
    for step in range(n_lambda):
        lambdas[step] = _BIG if step == 0 else (factor * largest if step == 1 else lambdas[step - 1] * factor)
        if step > 0:
            b, probability, slope, done = _solve_penalty(
                x, outcome, usable, b, slope, min(lambdas[step - 1], largest), lambdas[step], null_loss
            )
            if not done:
                converged = False
                break
        path[step] = b
        used = step + 1
        explained = 1.0 - _mean_loss(outcome, probability) / null_loss
        if used >= _MIN_LAMBDAS and (explained > _DEV_MAX or explained - explained_before < _F_DEV):
            break
        explained_before = explained
    lambdas = lambdas[:used]
    if used > 2:
        lambdas[0] = np.exp(2.0 * np.log(lambdas[1]) - np.log(lambdas[2]))
    return lambdas, path[:used], converged
