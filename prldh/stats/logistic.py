"""Logistic regression by the rules of R's ``glm.fit``: same start, same clamps, same end."""

from __future__ import annotations

from typing import TypedDict

import numba
import numpy as np
from scipy import optimize, special

from prldh.core import DataError
from prldh.stats.least_squares import ALIAS_TOLERANCE, inverse_crossproduct, solve_least_squares

EPSILON = 1e-8
MAX_ITERATIONS = 25
NEARLY_CERTAIN = 30.0
"""Log-odds beyond which ``glm.fit`` calls a fitted probability numerically 0 or 1."""
_DOUBLE_EPSILON = float(np.finfo(np.float64).eps)


# -- the linear predictor --------------------------------------------------------------------------------------


@numba.njit(cache=True)
def _add_columns(columns: np.ndarray, coefficients: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """offset + sum of coefficient * column, one column after another, so that equal rows give equal bits."""
    eta = offset.copy()
    for j in range(columns.shape[0]):
        b = coefficients[j]
        if b != 0.0:
            for i in range(eta.shape[0]):
                eta[i] += b * columns[j, i]
    return eta


def linear_predictor(design: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Log-odds (n,) of a design (n, k), computed column by column; aliased (NaN) coefficients count as 0.

    Identical rows get bit-identical values, which a BLAS product does not promise; Youden's cutoffs and
    ties in ROC curves depend on that.

    Examples
    --------
    >>> linear_predictor(np.array([[1.0, 2.0]]), np.array([0.5, 0.25]))
    array([1.])
    """
    columns = np.ascontiguousarray(np.asarray(design, dtype=float).T)
    values = np.nan_to_num(np.asarray(coefficients, dtype=float), nan=0.0)
    return _add_columns(columns, values, np.zeros(columns.shape[1]))


def is_nearly_certain(design: np.ndarray, coefficients: np.ndarray) -> bool:
    """Whether a fitted probability is what ``glm.fit`` calls numerically 0 or 1."""
    log_odds = linear_predictor(design, coefficients)
    return bool(len(log_odds) and np.abs(log_odds).max() > NEARLY_CERTAIN)


# -- iteratively reweighted least squares ----------------------------------------------------------------------


@numba.njit(cache=True)
def _inverse_logit(eta: float) -> float:
    """R's ``binomial()$linkinv``: clamped where the log-odds pass 30."""
    if eta < -30.0:
        odds = _DOUBLE_EPSILON
    elif eta > 30.0:
        odds = 1.0 / _DOUBLE_EPSILON
    else:
        odds = np.exp(eta)
    return odds / (1.0 + odds)


@numba.njit(cache=True)
def _slope(eta: float) -> float:
    """R's ``binomial()$mu.eta``."""
    if eta > 30.0 or eta < -30.0:
        return _DOUBLE_EPSILON
    odds = np.exp(eta)
    return odds / ((1.0 + odds) * (1.0 + odds))


@numba.njit(cache=True)
def _deviance(outcome: np.ndarray, mu: np.ndarray) -> float:
    total = 0.0
    for i in range(outcome.shape[0]):
        total += -2.0 * np.log(mu[i] if outcome[i] == 1.0 else 1.0 - mu[i])
    return total


@numba.njit(cache=True)
def _estimable(columns: np.ndarray) -> np.ndarray:
    """Which columns (k, n) are no linear combination of those before them, ascending.

    Aliased columns are found before fitting, at the tolerance of ``glm``'s default epsilon, so that they do not depend
    on the weights.
    """
    _, pivot, rank = solve_least_squares(columns.copy(), np.zeros(columns.shape[1]), ALIAS_TOLERANCE)
    return np.sort(pivot[:rank])


@numba.njit(cache=True)
def _irls(
    columns: np.ndarray, outcome: np.ndarray, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int, np.ndarray, float, int, bool]:
    """``glm.fit`` for a 0/1 outcome; columns (k, n). Returns the last least-squares problem beside the result."""
    k, n = columns.shape
    eta = np.empty(n)
    for i in range(n):
        start = (outcome[i] + 0.5) / 2.0
        eta[i] = np.log(start / (1.0 - start))
    mu = np.empty(n)
    for i in range(n):
        mu[i] = _inverse_logit(eta[i])
    deviance_old = _deviance(outcome, mu)
    deviance = deviance_old
    weighted = np.empty((k, n))
    target = np.empty(n)
    coefficients = np.zeros(k)
    pivot = np.arange(k)
    rank = k
    converged = False
    iteration = 0
    while iteration < MAX_ITERATIONS:
        iteration += 1
        for i in range(n):
            slope = _slope(eta[i])
            weight = np.sqrt(slope * slope / (mu[i] * (1.0 - mu[i])))
            target[i] = weight * (eta[i] - offset[i] + (outcome[i] - mu[i]) / slope)
            for j in range(k):
                weighted[j, i] = weight * columns[j, i]
        coefficients, pivot, rank = solve_least_squares(weighted, target, EPSILON / 1000.0)
        eta = _add_columns(columns, coefficients, offset)
        for i in range(n):
            mu[i] = _inverse_logit(eta[i])
        deviance = _deviance(outcome, mu)
        if not np.isfinite(deviance):
            break
        if abs(deviance - deviance_old) / (abs(deviance) + 0.1) < EPSILON:
            converged = True
            break
        deviance_old = deviance
    return coefficients, pivot, rank, weighted, deviance, iteration, converged


@numba.njit(cache=True)
def _refit(columns: np.ndarray, outcome: np.ndarray, rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Coefficients (m, k) of every resample; NaN for a resample with one class."""
    k = columns.shape[0]
    result = np.zeros((lengths.shape[0], k))
    start = 0
    for r in range(lengths.shape[0]):
        n = lengths[r]
        y = np.empty(n)
        x = np.empty((k, n))
        for i in range(n):
            row = rows[start + i]
            y[i] = outcome[row]
            for j in range(k):
                x[j, i] = columns[j, row]
        start += n
        events = y.sum()
        if events == 0.0 or events == n:
            result[r, :] = np.nan
        else:
            kept = _estimable(x)
            fitted = _irls(x[kept], y, np.zeros(n))[0]
            for i in range(kept.shape[0]):
                result[r, kept[i]] = fitted[i]
    return result


# -- public functions ------------------------------------------------------------------------------------------


def as_design(design: np.ndarray, outcome: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The design's columns as contiguous rows (k, n), and the outcome (n,) as floats.

    Raises
    ------
    DataError
        When the shapes do not fit, a value is not finite, or the outcome is not 0/1.
    """
    design = np.asarray(design, dtype=float)
    outcome = np.asarray(outcome, dtype=float)
    if design.ndim != 2 or outcome.ndim != 1 or design.shape[0] != outcome.shape[0]:
        raise DataError(
            f"design must be (n, k) with one row a patient: found {design.shape} for {outcome.shape} outcomes."
        )
    if not np.isfinite(design).all():
        bad = np.flatnonzero(~np.isfinite(design).all(axis=0))
        raise DataError(f"design must be finite: column(s) {bad.tolist()} are not. Impute or drop them first.")
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise DataError("outcome must be 0 or 1. Recode it.")
    return np.ascontiguousarray(design.T), outcome


def check_rows(rows: np.ndarray, lengths: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of resamples and how many belong to each, as contiguous integers.

    Raises
    ------
    DataError
        When ``lengths`` do not add up to the number of ``rows``, or a row number is out of range.
    """
    rows = np.ascontiguousarray(np.asarray(rows).ravel(), dtype=np.int64)
    lengths = np.ascontiguousarray(np.asarray(lengths).ravel(), dtype=np.int64)
    if lengths.sum() != rows.size:
        raise DataError(f"lengths must add up to the number of rows: {lengths.sum()} and {rows.size}.")
    if rows.size and (rows.min() < 0 or rows.max() >= n):
        raise DataError(f"rows must lie in 0..{n - 1}: found {rows.min()}..{rows.max()}.")
    return rows, lengths


class LogisticFit(TypedDict):
    """What fitting a logistic model gives, by either likelihood."""

    coefficients: np.ndarray
    standard_errors: np.ndarray
    p_values: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    deviance: float
    null_deviance: float
    converged: float
    iterations: float


def fit_logistic(design: np.ndarray, outcome: np.ndarray) -> LogisticFit:
    """Maximum-likelihood logistic regression.

    Parameters
    ----------
    design : (n, k) array
        Design matrix whose first column is the intercept's ones.
    outcome : (n,) array
        0/1, 1 = event.

    Returns
    -------
    dict
        ``coefficients``, ``standard_errors``, ``p_values`` (k,) (Wald; NaN where aliased), ``covariance`` (k, k),
        ``log_likelihood``, ``deviance``, ``null_deviance``, ``converged`` (1.0 or 0.0), ``iterations``.

    Raises
    ------
    DataError
        When the shapes do not fit or values are not finite.

    Notes
    -----
    P. McCullagh, J. A. Nelder, Generalized Linear Models (1989), chapter 2.
    R: ``stats::glm(..., family = binomial)`` with its own control (epsilon 1e-8, 25 iterations), so that every digit is
    the one a reader gets who fits the model in R. The standard errors are those of ``summary.glm``, which weighs by the
    iteration before the last (up to about 1e-4 off the Hessian at the estimate). Columns are aliased first, at glm's
    pivoting tolerance of 1e-11.

    Examples
    --------
    >>> x = np.column_stack([np.ones(4), [0.0, 0.0, 1.0, 1.0]])
    >>> fit_logistic(x, np.array([0, 1, 0, 1]))["deviance"].round(6)
    np.float64(5.545177)
    """
    columns, y = as_design(design, outcome)
    n, n_events = len(y), y.sum()
    kept = _estimable(columns)
    fitted, pivot, rank, weighted, deviance, iterations, converged = _irls(columns[kept], y, np.zeros(n))
    fitted[pivot[rank:]] = np.nan
    coefficients = np.full(len(columns), np.nan)
    coefficients[kept] = fitted
    covariance = np.full((len(columns), len(columns)), np.nan)
    covariance[np.ix_(kept, kept)] = inverse_crossproduct(weighted, pivot, rank)
    errors = np.sqrt(np.diag(covariance))
    with np.errstate(divide="ignore", invalid="ignore"):
        p_values = 2.0 * special.ndtr(-np.abs(coefficients / errors))
    null = -2.0 * float(special.xlogy(n_events, n_events / n) + special.xlogy(n - n_events, 1.0 - n_events / n))
    return {
        "coefficients": coefficients,
        "standard_errors": errors,
        "p_values": p_values,
        "covariance": covariance,
        "log_likelihood": np.float64(-deviance / 2.0),
        "deviance": np.float64(deviance),
        "null_deviance": np.float64(null + 0.0),
        "converged": float(converged),
        "iterations": float(iterations),
    }


def fit_intercept(outcome: np.ndarray, offset: np.ndarray) -> float:
    """Intercept of a logistic model with this offset (n,) and slope 1; the outcome has both classes.

    R: ``glm(y ~ 1 + offset(o), binomial)``, but by the root of the score, as with offsets far out (confident wrong
    predictions) glm's steps run away.
    """
    y = np.asarray(outcome, dtype=float)

    def score(intercept: float) -> float:
        return float((y - special.expit(intercept + offset)).sum())

    far = float(np.abs(offset).max()) + 40.0
    return float(optimize.brentq(score, -far, far, xtol=1e-13, maxiter=10000))


def refit_logistic(
    design: np.ndarray, outcome: np.ndarray, rows: np.ndarray, lengths: np.ndarray
) -> dict[str, np.ndarray]:
    """Coefficients of the same model on many resamples.

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

    Notes
    -----
    As :func:`fit_logistic` (McCullagh & Nelder 1989). R: ``glm.fit`` on every resample.

    Examples
    --------
    >>> x, y = np.column_stack([np.ones(4), [0.0, 0, 1, 1]]), np.array([0, 1, 0, 1])
    >>> refit_logistic(x, y, np.array([0, 1, 2, 3, 0, 1, 1, 0]), np.array([4, 4]))["coefficients"].round(6) + 0.0
    array([[0., 0.],
           [0., 0.]])
    """
    columns, y = as_design(design, outcome)
    rows, lengths = check_rows(rows, lengths, len(y))
    return {"coefficients": _refit(columns, y, rows, lengths)}


def likelihood_ratio(design_small: np.ndarray, design_large: np.ndarray, outcome: np.ndarray) -> dict[str, float]:
    """Likelihood-ratio test of two nested logistic models.

    Returns
    -------
    dict
        ``statistic``, ``df`` (difference of the ranks), ``p`` (NaN when df is 0).

    Notes
    -----
    S. S. Wilks, Annals of Mathematical Statistics 9 (1938) 60-62. R: ``anova(small, large, test = "LRT")``.

    Examples
    --------
    >>> y, x = np.array([0, 0, 1, 1, 0, 1]), np.column_stack([np.ones(6), [0.0, 0, 0, 1, 1, 1]])
    >>> round(likelihood_ratio(x[:, :1], x, y)["statistic"], 3)
    0.68
    """
    small, large = fit_logistic(design_small, outcome), fit_logistic(design_large, outcome)
    df = float(np.isfinite(large["coefficients"]).sum() - np.isfinite(small["coefficients"]).sum())
    statistic = max(float(small["deviance"] - large["deviance"]), 0.0)  # rounding may leave -1e-14
    p = float(special.chdtrc(df, statistic)) if df > 0 else float("nan")
    return {"statistic": statistic, "df": df, "p": p}
