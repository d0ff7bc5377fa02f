"""How far patients lie from those that a score was made of."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from scipy import stats

#: The least eigenvalue of a correlation matrix, as a share of the largest, below which it is taken as singular.
_SINGULAR = 1e-10


class DomainDistances(TypedDict):
    """Squared distances of patients, and the limits that shares of new patients stay below."""

    squared: np.ndarray
    limits: np.ndarray


def domain_distances(
    values: np.ndarray, mean: np.ndarray, covariance: np.ndarray, n: int, shares: np.ndarray
) -> DomainDistances:
    """Squared Mahalanobis distances of new patients from those that mean and covariance were estimated of.

    Parameters
    ----------
    values : (m, p) array
        New patients' features.
    mean : (p,) array
    covariance : (p, p) array
        Estimates of n patients, with the divisor n - 1.
    n : int
        Patients that the estimates are of.
    shares : (k,) array
        Shares of new patients of the same normal distribution that lie within the limits, such as 0.975.

    Returns
    -------
    dict
        ``squared`` (m,) and ``limits`` (k,), of the squared distance: p (n + 1) (n - 1) / (n (n - p)) times the
        quantile of F with p and n - p degrees of freedom, which tends to that of chi² with p as n grows. NaN throughout
        where n is not above p, or a correlation matrix is singular.

    Notes
    -----
    P. C. Mahalanobis, Proceedings of the National Institute of Sciences of India 2 (1936) 49-55; the limits of a future
    observation: T. W. Anderson, An Introduction to Multivariate Statistical Analysis (2003), 5.2. R:
    ``stats::mahalanobis``.

    Examples
    --------
    >>> answer = domain_distances(np.array([[1.0, 2.0]]), np.zeros(2), np.diag([1.0, 4.0]), 1000, np.array([0.95]))
    >>> answer["squared"], np.round(answer["limits"], 2)
    (array([2.]), array([6.02]))
    """
    values = np.atleast_2d(np.asarray(values, dtype=float))
    mean, covariance, shares = (np.asarray(each, dtype=float) for each in (mean, covariance, shares))
    p = len(mean)
    sd = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", over="ignore"):  # variances beyond all floats
        correlation = covariance / np.outer(sd, sd)
    if n <= p or not (sd > 0).all() or _is_singular(correlation):
        return {"squared": np.full(len(values), np.nan), "limits": np.full(len(shares), np.nan)}
    root = np.linalg.cholesky(correlation)
    squared = (np.linalg.solve(root, ((values - mean) / sd).T) ** 2).sum(axis=0)
    limits = p * (n + 1.0) * (n - 1.0) / (n * (n - p)) * stats.f.ppf(shares, p, n - p)
    return {"squared": squared, "limits": limits}


def held_out_distances(values: np.ndarray) -> np.ndarray:
    """The squared Mahalanobis distance of each patient from all the others, by mean and covariance of these.

    Parameters
    ----------
    values : (n, p) array

    Returns
    -------
    (n,) array
        Infinite where the others do not span a patient's place; NaN throughout where n is not above p + 1, or the
        correlation matrix of everyone is singular.

    Notes
    -----
    From the distance d² to everyone, by the update of an inverse by one row (J. Sherman, W. J. Morrison, Annals of
    Mathematical Statistics 21 (1950) 124-127): with a = d² / (n - 1) and c = n / (n - 1) it is (n - 2) c² a /
    (1 - c a). R: ``stats::mahalanobis`` of each row by the others' ``colMeans`` and ``cov``.

    Examples
    --------
    >>> np.round(held_out_distances(np.array([[0.0], [1.0], [2.0], [5.0]])), 3)
    array([ 1.641,  0.281,  0.   , 16.   ])
    """
    values = np.asarray(values, dtype=float)
    n, p = values.shape
    if n <= p + 1:
        return np.full(n, np.nan)
    everyone = domain_distances(values, values.mean(axis=0), np.cov(values.T, ddof=1).reshape(p, p), n, np.empty(0))
    share = everyone["squared"] / (n - 1.0)
    c = n / (n - 1.0)
    left = 1.0 - c * share
    with np.errstate(divide="ignore"):
        return (
            np.where(left > 1e-12, (n - 2.0) * c**2 * share / np.where(left > 1e-12, left, 1.0), np.inf) + 0.0 * share
        )


def _is_singular(correlation: np.ndarray) -> bool:
    if not np.isfinite(correlation).all():
        return True
    values = np.linalg.eigvalsh(correlation)
    return bool(values[0] <= _SINGULAR * values[-1])
