"""Lasso-penalised logistic regression, its penalty chosen by cross-validation, after R's ``cv.glmnet``."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from prldh.core import EngineError
from prldh.stats.lasso_path import copies_of_earlier, lasso_path

_CLIP = 1e-5


def _fit_path(values: np.ndarray, outcome: np.ndarray, n_lambda: int) -> tuple[np.ndarray, np.ndarray]:
    """Penalties (l,) and coefficients (l, p + 1) on the original scale; columns are standardised with 1/n."""
    n, p = values.shape
    if min(outcome.sum(), n - outcome.sum()) < 2:
        raise EngineError(
            "the lasso needs at least two patients with and two without the event in every training fold: one has "
            f"{int(outcome.sum())} events among {n}. Use fewer folds, or stratified ones."
        )
    columns = np.ascontiguousarray(values.T)
    usable = columns.max(axis=1) > columns.min(axis=1)
    if not usable.any():
        raise EngineError("the lasso needs a feature that varies: all are constant. Check the table.")
    center = columns.mean(axis=1)
    centred = columns - center[:, None]
    scale = np.sqrt((centred**2).mean(axis=1))
    scale[~usable | (scale == 0.0)] = 1.0
    centred[~usable] = 0.0
    standardised = centred / scale[:, None]
    usable &= ~copies_of_earlier(standardised)
    lambdas, path, _ = lasso_path(standardised, outcome, usable, n_lambda, 1e-4 if n >= p else 1e-2)
    coefficients = path[:, 1:] / scale
    intercepts = path[:, 0] - (coefficients * center).sum(axis=1)
    return lambdas, np.column_stack([intercepts, coefficients])


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


def _held_out_losses(
    values: np.ndarray, outcome: np.ndarray, fold_ids: np.ndarray, n_folds: int, lambdas: np.ndarray, n_lambda: int
) -> np.ndarray:
    """Binomial deviance (n, l) of every patient, predicted without its fold, probabilities clipped as cv.glmnet
    does."""
    losses = np.empty((len(outcome), len(lambdas)))
    for fold in range(1, n_folds + 1):
        held_out = fold_ids == fold
        fold_lambdas, path = _fit_path(values[~held_out], outcome[~held_out], n_lambda)
        path = _interpolate(fold_lambdas, path, lambdas)
        used = np.flatnonzero(path[:, 1:].any(axis=0))
        log_odds = np.repeat(path[:, :1].T, held_out.sum(), axis=0)
        for j in used:
            log_odds += np.outer(values[held_out, j], path[:, j + 1])
        probability = np.clip(1.0 / (1.0 + np.exp(-np.clip(log_odds, -500.0, 500.0))), _CLIP, 1.0 - _CLIP)
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


def _check(values: np.ndarray, outcome: np.ndarray, fold_ids: np.ndarray) -> int:
    """Number of folds, or what stands in the way."""
    if values.ndim != 2 or values.shape[0] != len(outcome) or fold_ids.shape != outcome.shape:
        raise EngineError(
            f"the lasso needs (n, p) values and n outcomes and folds: found {values.shape}, {outcome.shape}."
        )
    if values.shape[1] < 2:
        raise EngineError("the lasso needs two or more features: found 1. cv.glmnet cannot run with fewer.")
    if not np.isfinite(values).all():
        raise EngineError("the lasso needs finite values: impute or drop missing ones first.")
    n_folds = int(fold_ids.max())
    if n_folds < 3 or set(np.unique(fold_ids)) != set(range(1, n_folds + 1)):
        raise EngineError("the lasso needs fold numbers 1..K, each used, K at least 3.")
    return n_folds


LassoPath = TypedDict(
    "LassoPath",
    {
        "lambda": np.ndarray,
        "cv_mean": np.ndarray,
        "cv_sd": np.ndarray,
        "n_nonzero": np.ndarray,
        "lambda_min": float,
        "coefficients": np.ndarray,
        "path": np.ndarray,
    },
)


def cv_lasso(values: np.ndarray, outcome: np.ndarray, fold_ids: np.ndarray, n_lambda: int = 100) -> LassoPath:
    """Lasso logistic regression over a path of penalties, the penalty chosen by cross-validated deviance.

    Parameters
    ----------
    values : (n, p) array
        Features, p at least 2; standardised inside, in every training fold anew.
    outcome : (n,) array of 0/1
    fold_ids : (n,) integer array
        Fold of each patient, 1..K with K at least 3.
    n_lambda : int
        Length of the path, which may end early.

    Returns
    -------
    dict
        ``lambda`` (l,) falling, ``cv_mean`` and ``cv_sd`` (l,), ``n_nonzero`` (l,), ``lambda_min`` (the largest at the
        minimum), ``coefficients`` (p + 1,) at lambda_min with the intercept first, on the original scale, and ``path``
        (p + 1, l).

    Raises
    ------
    EngineError
        Where ``cv.glmnet`` cannot run: fewer than two features or three folds, no feature that varies, or a training
        fold with fewer than two patients of a class.

    Notes
    -----
    J. Friedman, T. Hastie, R. Tibshirani, Journal of Statistical Software 33 (2010) 1. R: ``glmnet::cv.glmnet(values,
    outcome, family = "binomial", foldid = fold_ids, thresh = 1e-14)``, 4.1-6. As there, every fold fits a path of its
    own, and its coefficients are interpolated at the penalties of the path on all patients.

    Of columns that are equal but for position, scale and sign the first alone is used: any division between them is a
    solution, and ``cv.glmnet`` without ``exclude`` leaves it to rounding.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(60, 3))
    >>> y = (x[:, 0] + rng.normal(size=60) > 0).astype(float)
    >>> fit = cv_lasso(x, y, np.arange(60) % 5 + 1)
    >>> bool(fit["coefficients"][1] > 1)  # the feature that the outcome was made of
    True
    """
    values = np.asarray(values, dtype=float)
    outcome = np.asarray(outcome, dtype=float).ravel()
    fold_ids = np.asarray(fold_ids).ravel().astype(np.int64)
    n_folds = _check(values, outcome, fold_ids)
    lambdas, path = _fit_path(values, outcome, n_lambda)
    losses = _held_out_losses(values, outcome, fold_ids, n_folds, lambdas, n_lambda)
    mean, error = _summarise(losses, fold_ids, n_folds)
    chosen = int(np.flatnonzero(mean <= mean.min())[0])
    return {
        "lambda": lambdas,
        "cv_mean": mean,
        "cv_sd": error,
        "n_nonzero": (path[:, 1:] != 0.0).sum(axis=1).astype(float),
        "lambda_min": float(lambdas[chosen]),
        "coefficients": path[chosen].copy(),
        "path": np.ascontiguousarray(path.T),
    }
