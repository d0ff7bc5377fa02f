"""Conditional models of chained equations: one variable given the others, with parameters drawn from their posterior.

A continuous variable has a Bayesian linear regression, by which donors are found (predictive mean matching); a factor
of two levels a Bayesian logistic regression, one of more levels a multinomial logistic one, whether its levels are
ordered or not. Predictors are standardised, and their slopes have one weak normal prior in all three: what a quarter of
an observation would tell. It is a penalised likelihood, one of the three ways of White, Daniel and Royston to impute
under separation; it has estimates for collinear predictors and with more predictors than patients too. mice adds
pseudo-observations instead, which pull rare levels towards equal frequencies, the more so the more predictors there
are.

References
----------
D. B. Rubin, Multiple Imputation for Nonresponse in Surveys (Wiley 1987), 166-170. R. J. A. Little, Journal of Business
& Economic Statistics 6 (1988) 287 (matching). I. R. White, R. Daniel, P. Royston, Computational Statistics & Data
Analysis 54 (2010) 2267 (separation). T. P. Morris, I. R. White, P. Royston, BMC Medical Research Methodology 14 (2014)
75 (type 1 matching, 5 donors or more). R: ``mice.impute.pmm``, ``mice.impute.logreg``, ``mice.impute.polyreg``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

PRIOR_LINEAR = 0.25
"""Prior precision of a standardised slope, in units of the residual precision."""
PRIOR_LOGISTIC = 0.0625
"""Prior precision of a standardised slope's log-odds (a standard deviation of 4): an observation tells at most 1/4."""
_FLAT = 1e-4
"""Prior precision of intercepts: so flat that it only keeps the information from being singular."""
_CLOSE = 1e-4
"""Squared length of a Newton step, in standard errors, after which the next would be far below what a draw can show."""


@dataclass(frozen=True)
class Conditional:
    """A model with drawn parameters, ready to fill cells in.

    ``coefficients`` (r, d) over the intercept and predictors: one row for a continuous variable, one a level but the
    first for a factor, none where the values are drawn regardless of predictors. ``values``: the donors' values in the
    order of ``fitted``, their predictions, or the factor's levels, or what is drawn from. ``mode``: the estimates
    behind the draw.
    """

    coefficients: np.ndarray
    values: np.ndarray
    fitted: np.ndarray
    donors: int
    mode: np.ndarray


def draw_linear(
    x: np.ndarray, y: np.ndarray, values: np.ndarray, donors: int, generator: np.random.Generator
) -> Conditional:
    """Bayesian linear regression of y (n,), the standardised ``values`` (n,), on x (n, d), first column ones."""
    n, d = x.shape
    estimates, drawn = _linear(x, y, generator.standard_normal((d,)), generator.chisquare(max(n - d, 1)))
    fitted = _products(x, estimates)
    order = np.argsort(fitted, kind="stable")
    return Conditional(drawn[None, :], values[order], fitted[order], min(donors, n), estimates[None, :])


def draw_logistic(
    x: np.ndarray, values: np.ndarray, start: np.ndarray | None, generator: np.random.Generator
) -> Conditional:
    """Bayesian (multinomial) logistic regression of a factor's codes (n,), of which at least two occur, on x (n, d).

    ``start`` (levels - 1, d) is where the iterations begin; levels that do not occur are not among those drawn.
    """
    levels, codes = np.unique(values, return_inverse=True)
    shape = (len(levels) - 1, x.shape[1])
    begin = np.zeros(shape) if start is None or start.shape != shape else start
    estimates, root = _multinomial(x, codes, begin)
    drawn = estimates + _backward(root, generator.standard_normal(estimates.size)).reshape(shape)
    return Conditional(drawn, levels, np.empty(0), 0, estimates)


def draw_regardless(values: np.ndarray) -> Conditional:
    """No model, for values that are all the same or none at all: predictors tell nothing."""
    return Conditional(np.empty((0, 0)), values, np.empty(0), 0, np.empty((0, 0)))


def pick(values: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Random ones of the values by uniform random numbers (k,); 0 where there are none."""
    return values[(uniforms * len(values)).astype(np.int64)] if len(values) else np.zeros(len(uniforms))


def fill(model: Conditional, x: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Values (k,) for rows x (k, d) by uniform random numbers (k,). A row's value depends on nothing of the other
    rows."""
    if not len(model.coefficients):
        return pick(model.values, uniforms)
    if len(model.fitted):
        return _match(x, model.coefficients[0], model.fitted, model.values, model.donors, uniforms)
    return model.values[_choose(x, model.coefficients, uniforms)]


# -- fitting ---------------------------------------------------------------------------------------------------


@numba.njit(cache=True)
def _forward(lower: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Solve ``lower @ x = target``."""
    x = target.copy()
    for j in range(x.shape[0]):
        total = x[j]
        for h in range(j):
            total -= lower[j, h] * x[h]
        x[j] = total / lower[j, j]
    return x


@numba.njit(cache=True)
def _backward(lower: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Solve ``lower.T @ x = target``, along the rows of ``lower``."""
    x = target.copy()
    for j in range(x.shape[0] - 1, -1, -1):
        x[j] /= lower[j, j]
        for h in range(j):
            x[h] -= lower[j, h] * x[j]
    return x


@numba.njit(cache=True)
def _linear(x: np.ndarray, y: np.ndarray, normals: np.ndarray, chi2: float) -> tuple[np.ndarray, np.ndarray]:
    """Estimates (d,) and a draw of them (d,) from their posterior."""
    d = x.shape[1]
    information = np.dot(x.T, x)
    information[0, 0] += _FLAT
    for j in range(1, d):
        information[j, j] += PRIOR_LINEAR
    root = np.ascontiguousarray(np.linalg.cholesky(information))
    estimates = _backward(root, _forward(root, np.dot(x.T, y)))
    away = y - np.dot(x, estimates)
    sigma = np.sqrt(np.dot(away, away) / chi2)
    return estimates, estimates + sigma * _backward(root, normals)


@numba.njit(cache=True)
def _objective(x: np.ndarray, codes: np.ndarray, b: np.ndarray, share: np.ndarray) -> float:
    """Penalised log-likelihood; the probabilities of all levels but the first go into ``share`` (n, r)."""
    n, r = share.shape
    eta = np.dot(x, b.T)
    value = 0.0
    for i in range(n):
        largest = 0.0
        for a in range(r):
            largest = max(largest, eta[i, a])
        total = np.exp(-largest)
        for a in range(r):
            share[i, a] = np.exp(eta[i, a] - largest)
            total += share[i, a]
        for a in range(r):
            share[i, a] /= total
        value += (eta[i, codes[i] - 1] if codes[i] else 0.0) - largest - np.log(total)
    for a in range(r):
        value -= 0.5 * _FLAT * b[a, 0] * b[a, 0]
        for j in range(1, b.shape[1]):
            value -= 0.5 * PRIOR_LOGISTIC * b[a, j] * b[a, j]
    return value


@numba.njit(cache=True)
def _information(x: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Minus the second derivatives (r * d, r * d) of the penalised log-likelihood, level by level."""
    n, d = x.shape
    r = share.shape[1]
    information = np.empty((r * d, r * d))
    weighted = np.empty((n, d))
    for a in range(r):
        for c in range(a + 1):
            for i in range(n):
                weight = share[i, a] * ((1.0 if a == c else 0.0) - share[i, c])
                for j in range(d):
                    weighted[i, j] = weight * x[i, j]
            block = np.dot(weighted.T, x)
            for j in range(d):
                for h in range(d):
                    information[a * d + j, c * d + h] = block[j, h]
                    information[c * d + h, a * d + j] = block[j, h]
        information[a * d, a * d] += _FLAT
        for j in range(1, d):
            information[a * d + j, a * d + j] += PRIOR_LOGISTIC
    return information


@numba.njit(cache=True)
def _multinomial(x: np.ndarray, codes: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Largest penalised likelihood by Newton's method: estimates (r, d), and the information's lower triangular
    root."""
    n, d = x.shape
    r = start.shape[0]
    b, trial = start.copy(), start.copy()
    share, other = np.empty((n, r)), np.empty((n, r))
    value = _objective(x, codes, b, share)
    root = np.eye(r * d)
    for _ in range(100):
        score = np.empty(r * d)
        for a in range(r):
            away = np.empty(n)
            for i in range(n):
                away[i] = (1.0 if codes[i] == a + 1 else 0.0) - share[i, a]
            score[a * d : (a + 1) * d] = np.dot(x.T, away)
            score[a * d] -= _FLAT * b[a, 0]
            for j in range(1, d):
                score[a * d + j] -= PRIOR_LOGISTIC * b[a, j]
        root = np.ascontiguousarray(np.linalg.cholesky(_information(x, share)))
        half = _forward(root, score)
        step = _backward(root, half).reshape((r, d))
        squared = np.dot(half, half)
        length = 1.0
        for _ in range(40):
            trial = b + length * step
            trial_value = _objective(x, codes, trial, other)
            if trial_value >= value or squared < 1e-6:
                break
            length *= 0.5
        b, value = trial, trial_value
        share, other = other, share
        if squared < _CLOSE:
            break
    return b, root


# -- filling in ------------------------------------------------------------------------------------------------


@numba.njit(cache=True)
def _product(row: np.ndarray, coefficients: np.ndarray) -> float:
    total = 0.0
    for j in range(row.shape[0]):
        total += row[j] * coefficients[j]
    return total


@numba.njit(cache=True)
def _products(x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """x @ coefficients, row by row: equal rows give equal bits, and no row's depends on the others, which BLAS does not
    promise."""
    products = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        products[i] = _product(x[i], coefficients)
    return products


@numba.njit(cache=True)
def _match(
    x: np.ndarray, coefficients: np.ndarray, fitted: np.ndarray, values: np.ndarray, donors: int, uniforms: np.ndarray
) -> np.ndarray:
    """For each row the value of one of its nearest donors, all as likely; those as near as the last one stand in for
    each other."""
    n = fitted.shape[0]
    matched = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        target = _product(x[i], coefficients)
        if np.isnan(target):  # predictors beyond all measure, of both signs
            target = 0.0
        right = np.searchsorted(fitted, target)
        left = right - 1
        slot = min(int(uniforms[i] * donors), donors - 1)
        within = uniforms[i] * donors - slot  # uniform in its turn
        taken = 0
        while True:
            below = target - fitted[left] if left >= 0 else np.inf
            above = fitted[right] - target if right < n else np.inf
            nearest = min(below, above)
            n_left, n_right = 0, 0
            while below == nearest and left - n_left >= 0 and target - fitted[left - n_left] == nearest:
                n_left += 1
            while above == nearest and right + n_right < n and fitted[right + n_right] - target == nearest:
                n_right += 1
            tied = n_left + n_right
            if taken + tied > slot:
                break
            taken += tied
            left -= n_left
            right += n_right
        chosen = min(int(within * tied), tied - 1)
        matched[i] = values[left - chosen] if chosen < n_left else values[right + chosen - n_left]
    return matched


@numba.njit(cache=True)
def _choose(x: np.ndarray, coefficients: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """For each row a level's number, with the model's probabilities."""
    r = coefficients.shape[0]
    levels = np.empty(x.shape[0], np.int64)
    weight = np.empty(r + 1)
    for i in range(x.shape[0]):
        largest = 0.0
        weight[0] = 0.0
        for a in range(r):
            weight[a + 1] = _product(x[i], coefficients[a])
            largest = max(largest, weight[a + 1])
        total = 0.0
        for a in range(r + 1):
            weight[a] = np.exp(weight[a] - largest)
            total += weight[a]
        rest = uniforms[i] * total
        level = 0
        while level < r and rest >= weight[level]:
            rest -= weight[level]
            level += 1
        levels[i] = level
    return levels
