"""Logistic regression with an elastic-net penalty, chosen by cross-validation, after R's ``cv.glmnet``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numba
import numpy as np

from prldh.core import EngineError, one_thread
from prldh.stats.coordinate_descent import against
from prldh.stats.exact_penalty import gram_of
from prldh.stats.penalised_path import BIG, penalised_path

_CLIP = 1e-5
_LEAST_ALPHA = 1e-3  # the first penalty of a smaller alpha is that of this one
_TIGHTEST = 1e-14
#: Below this tolerance sweeps take too long where columns are much alike: they stop at _ROUGH, and exact solves go on.
_FINISHED_BELOW = 1e-8
_ROUGH = 1e-7
_FINER = 1e-6  # sweeps over components arrive soon, and go on until their order does not matter


@dataclass(frozen=True)
class _Penalty:
    """What is asked of a path."""

    alpha: float
    n_lambda: int
    tolerance: float


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


def _fit_path(values: np.ndarray, outcome: np.ndarray, penalty: _Penalty) -> tuple[np.ndarray, np.ndarray]:
    """Penalties (l,) and coefficients (l, p + 1) on the original scale; columns are standardised with 1/n."""
    n, p = values.shape
    if min(outcome.sum(), n - outcome.sum()) < 2:
        raise EngineError(
            "a penalised regression needs at least two patients with and two without the event in every training fold:"
            f" one has {int(outcome.sum())} events among {n}. Use fewer folds, or stratified ones."
        )
    columns = np.ascontiguousarray(values.T)
    usable = columns.max(axis=1) > columns.min(axis=1)
    if not usable.any():
        raise EngineError("a penalised regression needs a feature that varies: all are constant. Check the table.")
    center = columns.mean(axis=1)
    centred = columns - center[:, None]
    scale = np.sqrt((centred**2).mean(axis=1))
    scale[~usable | (scale == 0.0)] = 1.0
    centred[~usable] = 0.0
    standardised = centred / scale[:, None]
    if penalty.alpha == 1.0:
        usable &= ~copies_of_earlier(standardised)
    solve = _rotated_path if penalty.alpha == 0.0 and penalty.tolerance < _FINISHED_BELOW else _plain_path
    lambdas, path = solve(standardised, outcome, usable, penalty)
    coefficients = path[:, 1:] / scale
    intercepts = path[:, 0] - (coefficients * center).sum(axis=1)
    return lambdas, np.column_stack([intercepts, coefficients])


def _start(x: np.ndarray, outcome: np.ndarray, usable: np.ndarray, alpha: float) -> tuple[np.ndarray, float, float]:
    """Absolute slopes (p,) without any coefficient, the penalty that leaves none, and the last one's share of it."""
    p, n = x.shape
    slope = np.abs(against(x, (outcome - outcome.mean()) / n))
    return slope, float(slope[usable].max()) / max(alpha, _LEAST_ALPHA), 1e-4 if n >= p else 1e-2


def _plain_path(
    x: np.ndarray, outcome: np.ndarray, usable: np.ndarray, penalty: _Penalty
) -> tuple[np.ndarray, np.ndarray]:
    """Penalties (l,) and standardised coefficients (l, p + 1) of standardised columns x (p, n)."""
    slope, largest, smallest = _start(x, outcome, usable, penalty.alpha)
    rough = penalty.tolerance if penalty.tolerance >= _FINISHED_BELOW else _ROUGH
    lambdas, path, _ = penalised_path(
        x, outcome, usable, slope, largest, penalty.alpha, penalty.n_lambda, smallest, rough, penalty.tolerance
    )
    return lambdas, path


def _rotated_path(
    x: np.ndarray, outcome: np.ndarray, usable: np.ndarray, penalty: _Penalty
) -> tuple[np.ndarray, np.ndarray]:
    """The same for ridge, solved for the principal components of the columns, of which there are min(n, p) at most.

    A rotation leaves the fit and the sum of squares as they are, and components hardly depend on each other, so that a
    few sweeps arrive; a column's coefficient is its slope divided by the penalty.
    """
    n = x.shape[1]
    _, largest, smallest = _start(x, outcome, usable, 0.0)
    is_wide = x.shape[0] > n
    with one_thread():
        squares, directions = np.linalg.eigh(gram_of(np.ascontiguousarray(x.T) if is_wide else x))
    kept = np.flatnonzero(squares > squares[-1] * len(squares) * np.finfo(float).eps)[::-1]
    turned = directions[:, kept].T
    if is_wide:
        components = np.ascontiguousarray(turned * np.sqrt(squares[kept])[:, None])
    else:
        components = np.array([(turned_k[:, None] * x).sum(axis=0) for turned_k in turned])
    slope = np.abs(against(components, (outcome - outcome.mean()) / n))
    every = np.ones(len(kept), dtype=bool)
    fine = _FINER * penalty.tolerance
    lambdas, scores, _ = penalised_path(
        components, outcome, every, slope, largest, 0.0, penalty.n_lambda, smallest, fine, fine
    )
    path = np.zeros((len(lambdas), x.shape[0] + 1))
    path[:, 0] = scores[:, 0]
    for step, each in enumerate((BIG, *lambdas[1:])):
        log_odds = scores[step, 0] + _linear(components, scores[step, 1:])
        path[step, 1:] = against(x, (outcome - _probability(log_odds)) / n) / each
    return lambdas, path


def _linear(rows: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum (n,) of rows (k, n), each times its b, row by row."""
    total = np.zeros(rows.shape[1])
    for row, each in zip(rows, b, strict=True):
        total += each * row
    return total


def _probability(log_odds: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -500.0, 500.0)))


def _interpolate(lambdas: np.ndarray, path: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Coefficients (w, p + 1) at other penalties, linear between the path's and held at its ends. R:
    ``lambda.interp``."""
    if len(lambdas) == 1:
        return np.repeat(path, len(wanted), axis=0)
    width = lambdas[0] - lambdas[-1]
    place = np.clip((lambdas[0] - wanted) / width, 0.0, 1.0)
    known = (lambdas[0] - lambdas) / width
    position = np.interp(place, known, np.arange(len(lambdas), dtype=float))
    left, right = np.floor(position).astype(int), np.ceil(position).astype(int)
    gap = known[left] - known[right]
    share = np.ones(len(wanted))
    apart = np.abs(gap) >= np.finfo(float).eps
    share[apart] = (place[apart] - known[right[apart]]) / gap[apart]
    return share[:, None] * path[left] + (1.0 - share)[:, None] * path[right]


@numba.njit(cache=True)
def _log_odds(values: np.ndarray, by_column: np.ndarray) -> np.ndarray:
    """Log-odds (n, l) of rows (n, p) for the coefficients (p + 1, l) of a path, summed column by column, so that equal
    rows tie."""
    n, n_lambda = values.shape[0], by_column.shape[1]
    log_odds = np.empty((n, n_lambda))
    log_odds[:] = by_column[0]
    for j in range(1, by_column.shape[0]):
        b = by_column[j]
        if not b.any():
            continue
        for i in range(n):
            value = values[i, j - 1]
            for step in range(n_lambda):
                log_odds[i, step] += value * b[step]
    return log_odds


def _held_out_losses(
    values: np.ndarray, outcome: np.ndarray, fold_ids: np.ndarray, n_folds: int, lambdas: np.ndarray, penalty: _Penalty
) -> np.ndarray:
    """Binomial deviance (n, l) of every patient, predicted without its fold, probabilities clipped as cv.glmnet
    does."""
    losses = np.empty((len(outcome), len(lambdas)))
    for fold in range(1, n_folds + 1):
        held_out = fold_ids == fold
        fold_lambdas, path = _fit_path(values[~held_out], outcome[~held_out], penalty)
        path = _interpolate(fold_lambdas, path, lambdas)
        log_odds = _log_odds(values[held_out], np.ascontiguousarray(path.T))
        probability = np.clip(_probability(log_odds), _CLIP, 1.0 - _CLIP)
        event = outcome[held_out, None] == 1.0
        losses[held_out] = -2.0 * np.log(np.where(event, probability, 1.0 - probability))
    return losses


def _summarise(losses: np.ndarray, fold_ids: np.ndarray, n_folds: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error over folds; over patients where folds hold fewer than three on average."""
    weights = np.ones(len(fold_ids))
    if len(fold_ids) / n_folds >= 3:
        weights = np.bincount(fold_ids, minlength=n_folds + 1)[1:].astype(float)
        losses = np.array([losses[fold_ids == fold].mean(axis=0) for fold in range(1, n_folds + 1)])
    weights /= weights.sum()
    mean = (weights[:, None] * losses).sum(axis=0)
    variance = (weights[:, None] * (losses - mean) ** 2).sum(axis=0)
    return mean, np.sqrt(variance / (len(weights) - 1))


def _check(values: np.ndarray, outcome: np.ndarray, fold_ids: np.ndarray, penalty: _Penalty) -> int:
    """Number of folds, or what stands in the way."""
    if values.ndim != 2 or values.shape[0] != len(outcome) or fold_ids.shape != outcome.shape:
        raise EngineError(
            "a penalised regression needs (n, p) values and n outcomes and folds: found"
            f" {values.shape}, {outcome.shape}, {fold_ids.shape}."
        )
    if values.shape[1] < 2:
        raise EngineError(
            "a penalised regression needs two or more features: found 1. cv.glmnet cannot run with fewer."
        )
    if not np.isfinite(values).all():
        raise EngineError("a penalised regression needs finite values: impute or drop missing ones first.")
    n_folds = int(fold_ids.max())
    if n_folds < 3 or set(np.unique(fold_ids)) != set(range(1, n_folds + 1)):
        raise EngineError("a penalised regression needs fold numbers 1..K, each used, K at least 3.")
    if not 0.0 <= penalty.alpha <= 1.0:
        raise EngineError(f"alpha is a share of the lasso from 0 (ridge) to 1 (lasso): found {penalty.alpha}.")
    if penalty.n_lambda < 2:
        raise EngineError(f"a path needs two or more penalties: found n_lambda {penalty.n_lambda}.")
    if not _TIGHTEST <= penalty.tolerance <= 1e-3:
        raise EngineError(f"the tolerance of a path is from 1e-14 to 1e-3: found {penalty.tolerance:g}.")
    return n_folds


ElasticNetPath = TypedDict(
    "ElasticNetPath",
    {
        "lambda": np.ndarray,
        "cv_mean": np.ndarray,
        "cv_sd": np.ndarray,
        "n_nonzero": np.ndarray,
        "lambda_min": float,
        "lambda_1se": float,
        "coefficients": np.ndarray,
        "path": np.ndarray,
    },
)


def cv_elastic_net(
    values: np.ndarray,
    outcome: np.ndarray,
    fold_ids: np.ndarray,
    alpha: float = 1.0,
    n_lambda: int = 100,
    tolerance: float = 1e-7,
) -> ElasticNetPath:
    """Elastic-net logistic regression over a path of penalties, the penalty chosen by cross-validated deviance.

    Minimised is the mean of minus the log-likelihood, plus lambda (alpha sum |b| + (1 - alpha) / 2 sum b²) over the
    coefficients of standardised columns (SD with divisor n), without the intercept.

    Parameters
    ----------
    values : (n, p) array
        Features, p at least 2; standardised inside, in every training fold anew.
    outcome : (n,) array of 0/1
    fold_ids : (n,) integer array
        Fold of each patient, 1..K with K at least 3.
    alpha : float
        From 0, ridge, to 1, the lasso.
    n_lambda : int
        Length of the path, which may end early.
    tolerance : float
        Moves of a coefficient that change the fit by less, as a share of the deviance without coefficients, end the
        sweeps: glmnet's ``thresh``, from 1e-14 to 1e-3.

    Returns
    -------
    dict
        ``lambda`` (l,) falling, ``cv_mean`` and ``cv_sd`` (l,), ``n_nonzero`` (l,), ``lambda_min`` (the largest at the
        minimum), ``lambda_1se`` (the largest whose mean is not above the minimum and its standard error),
        ``coefficients`` (p + 1,) at lambda_min with the intercept first, on the original scale, and ``path``
        (p + 1, l).

    Raises
    ------
    EngineError
        Where ``cv.glmnet`` cannot run: fewer than two features or three folds, no feature that varies, or a training
        fold with fewer than two patients of a class; an alpha or a tolerance out of range.

    Notes
    -----
    J. Friedman, T. Hastie, R. Tibshirani, Journal of Statistical Software 33 (2010) 1; strong rules of R. Tibshirani et
    al., JRSS B 74 (2012) 245. R: ``glmnet::cv.glmnet(values, outcome, family = "binomial", foldid = fold_ids, alpha =
    alpha, thresh = tolerance)``, 4.1-6. As there, the first penalty of an alpha below 0.001 is that of 0.001, every
    fold fits a path of its own, and its coefficients are interpolated at the penalties of the path on all patients.

    From a tolerance of 1e-8 on, the sweeps are those of glmnet, column by column in the order given, and so are the
    coefficients, up to rounding. How far they are from the minimum is what the tolerance leaves open: where columns are
    much alike, some per cent of the largest coefficient at 1e-7, and another order of columns moves them as much. Below
    1e-8 sweeps would take minutes there, and exact solves find the minimum itself (ridge: sweeps over the principal
    components); glmnet comes as near to it as its ``thresh`` lets it, and no order of rows or columns matters beyond
    rounding.

    With alpha 1, of columns that are equal but for position, scale and sign the first alone is used: any division
    between them is a solution, and ``cv.glmnet`` without ``exclude`` leaves it to rounding. With a smaller alpha there
    is one solution, in which such columns share, and none is left out.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(60, 3))
    >>> y = (x[:, 0] + rng.normal(size=60) > 0).astype(float)
    >>> fit = cv_elastic_net(x, y, np.arange(60) % 5 + 1, alpha=0.5)
    >>> bool(fit["coefficients"][1] > 1), bool(fit["lambda_1se"] >= fit["lambda_min"])
    (True, True)
    """
    values = np.asarray(values, dtype=float)
    outcome = np.asarray(outcome, dtype=float).ravel()
    fold_ids = np.asarray(fold_ids).ravel().astype(np.int64)
    penalty = _Penalty(float(alpha), int(n_lambda), float(tolerance))
    n_folds = _check(values, outcome, fold_ids, penalty)
    lambdas, path = _fit_path(values, outcome, penalty)
    losses = _held_out_losses(values, outcome, fold_ids, n_folds, lambdas, penalty)
    mean, error = _summarise(losses, fold_ids, n_folds)
    chosen = int(np.flatnonzero(mean <= mean.min())[0])
    simplest = int(np.flatnonzero(mean <= mean[chosen] + error[chosen])[0])
    return {
        "lambda": lambdas,
        "cv_mean": mean,
        "cv_sd": error,
        "n_nonzero": (path[:, 1:] != 0.0).sum(axis=1).astype(float),
        "lambda_min": float(lambdas[chosen]),
        "lambda_1se": float(lambdas[simplest]),
        "coefficients": path[chosen].copy(),
        "path": np.ascontiguousarray(path.T),
    }
