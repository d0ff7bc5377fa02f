"""Lasso-penalised logistic regression, its penalty chosen by cross-validation: the case of
:mod:`prldh.stats.elastic_net` that selects features."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from prldh.stats.elastic_net import cv_elastic_net

_TOLERANCE = 1e-14

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
    found = cv_elastic_net(values, outcome, fold_ids, 1.0, n_lambda, _TOLERANCE)
    return {
        "lambda": found["lambda"],
        "cv_mean": found["cv_mean"],
        "cv_sd": found["cv_sd"],
        "n_nonzero": found["n_nonzero"],
        "lambda_min": found["lambda_min"],
        "coefficients": found["coefficients"],
        "path": found["path"],
    }
