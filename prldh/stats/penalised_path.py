"""The path of elastic-net logistic models over falling penalties: numbers for :mod:`prldh.stats.elastic_net`.

Rules on where the path starts and stops are glmnet's.
"""

from __future__ import annotations

import numba
import numpy as np

from prldh.stats.coordinate_descent import P_MIN, descend
from prldh.stats.exact_penalty import finish

_F_DEV = 1e-5  # stop when the share of deviance explained grows by less
_DEV_MAX = 0.999  # … or is beyond this
_MIN_LAMBDAS = 5  # … but not before so many penalties
#: The first penalty, which leaves no coefficient.
BIG = 9.9e35
_MAX_SWEEPS = 20_000


@numba.njit(cache=True)
def _mean_loss(outcome: np.ndarray, probability: np.ndarray) -> float:
    """Mean negative log-likelihood, probabilities clipped at 1e-9."""
    total = 0.0
    for i in range(outcome.shape[0]):
        p = min(max(probability[i], P_MIN), 1.0 - P_MIN)
        total -= np.log(p) if outcome[i] == 1.0 else np.log(1.0 - p)
    return total / outcome.shape[0]


@numba.njit(cache=True)
def penalised_path(
    x: np.ndarray,
    outcome: np.ndarray,
    usable: np.ndarray,
    slope: np.ndarray,
    largest: float,
    alpha: float,
    n_lambda: int,
    smallest: float,
    rough: float,
    tolerance: float,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Penalties (l,), standardised coefficients (l, p + 1) with the intercept first, and the sweeps that it took.

    ``x`` (p, n) holds standardised columns, ``usable`` (p,) those that may be used; ``slope`` (p,) their slopes
    (absolute) without any coefficient, ``largest`` the first penalty that leaves none; ``smallest`` is the last
    penalty's share of that. Sweeps stop at ``rough`` times the deviance without coefficients, exact solves finish to
    ``tolerance`` where that is less, or where sweeps do not arrive. The path ends early when the fit hardly improves,
    is nearly perfect, or leaves no weight.
    """
    p, n = x.shape
    share = outcome.sum() / n
    null_loss = -(share * np.log(share) + (1.0 - share) * np.log(1.0 - share))
    b = np.zeros(p + 1)
    b[0] = np.log(share / (1.0 - share))
    probability = np.full(n, share)
    slope = slope.copy()
    may_enter = np.zeros(p, np.bool_)
    has_entered = np.zeros(p, np.bool_)
    entered = np.empty(p, np.int64)
    n_entered, sweeps = 0, 0
    factor = max(smallest, 1e-6) ** (1.0 / (n_lambda - 1.0))
    lambdas = np.empty(n_lambda)
    path = np.zeros((n_lambda, p + 1))
    explained_before, before = 0.0, 0.0
    used = 0
    for step in range(n_lambda):
        lambdas[step] = BIG if step == 0 else (factor * largest if step == 1 else lambdas[step - 1] * factor)
        for k in range(p):
            if usable[k] and not may_enter[k] and slope[k] > alpha * (2.0 * lambdas[step] - before):
                may_enter[k] = True
        l1, l2 = alpha * lambdas[step], (1.0 - alpha) * lambdas[step]
        n_entered, made, has_weight = descend(
            x,
            outcome,
            usable,
            may_enter,
            has_entered,
            entered,
            n_entered,
            b,
            probability,
            slope,
            l1,
            l2,
            null_loss * rough,
            _MAX_SWEEPS,
        )
        sweeps += made
        if tolerance < rough or made == _MAX_SWEEPS:
            probability, done = finish(x, outcome, usable, b, slope, l1, l2, null_loss * tolerance)
            for k in range(p):
                if b[k + 1] != 0.0 and not has_entered[k]:
                    may_enter[k] = has_entered[k] = True
                    entered[n_entered] = k
                    n_entered += 1
            if not done:
                break
        before = lambdas[step] if step > 0 else largest
        path[step] = b
        used = step + 1
        explained = 1.0 - _mean_loss(outcome, probability) / null_loss
        if not has_weight:
            break
        if used >= _MIN_LAMBDAS and (explained > _DEV_MAX or explained - explained_before < _F_DEV):
            break
        explained_before = explained
    lambdas = lambdas[:used]
    if used > 2:
        lambdas[0] = np.exp(2.0 * np.log(lambdas[1]) - np.log(lambdas[2]))
    return lambdas, path[:used], sweeps
