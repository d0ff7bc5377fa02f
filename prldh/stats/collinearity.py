"""Collinearity: variance inflation factors and condition numbers."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from prldh.stats.logistic import _estimable, _irls, as_design

SINGULAR = 1e-11
"""A column whose part outside the others is shorter than this, at unit length, is their sum: ``glm``'s tolerance."""


class Inflation(TypedDict):
    """Of each term of a model."""

    vif: np.ndarray
    df: np.ndarray
    vif_per_df: np.ndarray


class Collinearity(TypedDict):
    """Of each column, and of all of them together."""

    vif: np.ndarray
    condition_number: float
    condition_number_centred: float


def variance_inflation(design: np.ndarray, outcome: np.ndarray, terms: np.ndarray) -> Inflation:
    """(Generalised) variance inflation factors of a logistic model's terms, from its maximum-likelihood fit.

    Parameters
    ----------
    design : (n, k) array
        Design matrix whose first column is the intercept's ones.
    outcome : (n,) array
        0/1, 1 = event.
    terms : (k - 1,) array
        The term that each column after the intercept belongs to, counted from 0.

    Returns
    -------
    dict
        Over the terms: ``vif`` (generalised where a term has several columns), ``df`` (its columns), ``vif_per_df``,
        GVIF^(1 / (2 df)), the factor by which the term's confidence region is stretched a dimension. All NaN where a
        column has no coefficient or there are fewer than two terms.

    Raises
    ------
    DataError
        When the shapes do not fit or values are not finite.

    Notes
    -----
    With C the correlation matrix of the coefficients without the intercept's, det(C_own) det(C_others) / det(C). Worked
    out from the fit's triangular factor rather than from its covariance, which a dependency of eight digits would leave
    without any. R: ``car::vif``.

    References
    ----------
    J. Fox, G. Monette, Journal of the American Statistical Association 87 (1992) 178-183.

    Examples
    --------
    >>> x = np.column_stack([np.ones(8), [0, 0, 0, 0, 1, 1, 1, 1], [0, 1, 0, 1, 0, 1, 0, 1]])
    >>> variance_inflation(x, np.array([0, 1, 1, 0, 1, 0, 0, 1]), np.array([0, 1]))["vif"].round(6)
    array([1., 1.])
    """
    columns, y = as_design(design, outcome)
    codes = np.asarray(terms, dtype=int)
    n_terms = int(codes.max(initial=-1)) + 1
    df = np.bincount(codes, minlength=n_terms).astype(float)
    vif = np.full(n_terms, np.nan)
    if n_terms > 1 and len(_estimable(columns)) == len(columns):
        _, _, rank, weighted, *_ = _irls(columns, y, np.zeros(len(y)))
        if rank == len(columns):
            # the fit's triangular factor; without the intercept's row and column, what that leaves of the others
            triangle = np.triu(weighted.T[:rank])[1:, 1:]
            vif = np.array([_inflation(triangle, codes == term) for term in range(n_terms)])
    return {"vif": vif, "df": df, "vif_per_df": vif ** (1 / (2 * df))}


def collinearity(values: np.ndarray) -> Collinearity:
    """Variance inflation factors and condition numbers of columns, without an outcome.

    Parameters
    ----------
    values : (n, p) array
        Finite columns, without the intercept's.

    Returns
    -------
    dict
        ``vif`` (p,), the diagonal of the inverse of the columns' correlation matrix; ``condition_number``, the largest
        by the smallest singular value of the intercept's and these columns, each scaled to unit length, not centred
        (Belsley); ``condition_number_centred``, the same of these columns alone about their means, for which a mean far
        from 0 is no dependency. NaN where a column is a sum of others or does not vary, as all are with p >= n.

    Notes
    -----
    D. A. Belsley, E. Kuh, R. E. Welsch, Regression Diagnostics (1980), chapter 3. R: ``diag(solve(cor(x)))``, and
    ``kappa(x, exact = TRUE)`` of the scaled columns.

    Examples
    --------
    >>> collinearity(np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]))["vif"].round(6)
    array([1., 1.])
    """
    values = np.asarray(values, dtype=float)
    n, p = values.shape
    low, high = values.min(axis=0), values.max(axis=0)
    nothing: Collinearity = {"vif": np.full(p, np.nan), "condition_number": np.nan, "condition_number_centred": np.nan}
    with np.errstate(over="ignore"):
        spans = high - low
    if not 0 < p < n or not (np.isfinite(spans) & (spans > 0)).all():
        return nothing
    centred = (values - low) / spans  # neither squares nor means of what is huge or tiny
    centred -= centred.mean(axis=0)
    condition = _condition(centred)
    if not np.isfinite(condition):
        return nothing
    return {
        "vif": np.array([_inflation(centred, np.arange(p) == j) for j in range(p)]),
        "condition_number": _condition(np.column_stack([np.ones(n), values])),
        "condition_number_centred": condition,
    }


def _condition(columns: np.ndarray) -> float:
    """Largest by smallest singular value of columns at unit length, none of them zero; NaN where they are singular."""
    singular = np.linalg.svd(_unit_length(columns), compute_uv=False)
    return float(singular[0] / singular[-1]) if singular[-1] > SINGULAR * singular[0] else float("nan")


def _inflation(centred: np.ndarray, own: np.ndarray) -> float:
    """det(own'own) / det(own'own outside the other columns): of columns (n, p) about their means."""
    units = _unit_length(centred)
    alone = _diagonal(units[:, own])
    outside = _diagonal(np.column_stack([units[:, ~own], units[:, own]]))[-own.sum() :]
    return float(np.prod(alone / outside) ** 2) if (outside > SINGULAR).all() else float("nan")


def _unit_length(columns: np.ndarray) -> np.ndarray:
    """Of what is huge or tiny the squares do not overflow; a column of zeros is NaN."""
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = columns / np.abs(columns).max(axis=0)
        return scaled / np.sqrt((scaled**2).sum(axis=0))


def _diagonal(columns: np.ndarray) -> np.ndarray:
    return np.abs(np.diag(np.linalg.qr(columns, mode="r")))
