"""Rubin's rules: one answer from the analyses of m completed data sets.

References
----------
D. B. Rubin, Multiple Imputation for Nonresponse in Surveys (Wiley 1987). J. Barnard, D. B. Rubin, Biometrika 86 (1999)
948. K. H. Li, X. L. Meng, T. E. Raghunathan, D. B. Rubin, Statistica Sinica 1 (1991) 65. R: ``mice::pool``,
     ``mice::pool.scalar``, ``mice::D2``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from prldh.core import DataError

_NAN = float("nan")
KEYS = ("estimate", "se", "df", "low", "high", "p", "fmi", "riv", "lambda")


def pool_estimates(
    estimates: ArrayLike, variances: ArrayLike, df_complete: float = np.inf, level: float = 0.95
) -> dict[str, np.ndarray]:
    """Estimates of k quantities from m imputations, pooled.

    With W the mean of the variances and B the variance of the estimates (over m - 1), the total variance is T = W + (1
    + 1/m) B.

    Parameters
    ----------
    estimates, variances : (m, k) array
        Row j: the estimates and their squared standard errors on completed data set j.
    df_complete : float
        Degrees of freedom that the analysis would have without missing values; infinite where intervals are normal.
    level : float
        Coverage of the intervals.

    Returns
    -------
    dict
        Arrays (k,): ``estimate`` (the mean), ``se`` (root of T), ``df`` (Barnard and Rubin's), ``low``, ``high``, ``p``
        (t test of 0), ``fmi`` (fraction of missing information), ``riv`` (relative increase in variance, (1 + 1/m) B /
        W) and ``lambda`` (share of T that is due to missing values). A quantity with an infinite or missing estimate is
        NaN throughout, one without a variance all but its estimate.

    Raises
    ------
    DataError
        When the two are not matrices of one shape.

    Notes
    -----
    D. B. Rubin (1987), J. Barnard & D. B. Rubin (1999). R: ``mice::pool``, whose fmi this is: (riv + 2 / (df + 3)) /
    (riv + 1). mice raises lambda to 1e-4 where it is below; here it stays, and where all imputations agree (m = 1, or
    nothing missing) the analysis is that of complete data: df = df_complete and fmi = 0.

    Examples
    --------
    >>> pooled = pool_estimates([[1.0], [2.0], [3.0]], [[1.0], [1.0], [1.0]])
    >>> pooled["estimate"], pooled["se"].round(4), pooled["df"].round(4)  # W = 1, B = 1, T = 1 + 4/3
    (array([2.]), array([1.5275]), array([6.125]))
    """
    q, u = _matrices(estimates, variances)
    m = len(q)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        center, within = q.mean(axis=0), u.mean(axis=0)
        between = q.var(axis=0, ddof=1) if m > 1 else np.zeros(q.shape[1])
        between = np.where((q == q[0]).all(axis=0), 0.0, (1.0 + 1.0 / m) * between)  # rounding in the mean leaves none
        center = np.where(between == 0.0, q[0], center)
        bad = ~np.isfinite(q).all(axis=0)
        within[bad | ~np.isfinite(u).all(axis=0)], center[bad] = np.nan, np.nan
        total = within + between
        share = np.where(total == 0.0, 0.0, between / total)
        df = _barnard_rubin(m, share, float(df_complete))
        se = np.sqrt(total)
        half = special.stdtrit(df, (1.0 + level) / 2.0) * se
        p = 2.0 * special.stdtr(df, -np.abs(center / se))
        # the same with riv / (riv + 1) = lambda
        fmi = np.where(share == 0.0, 0.0, share + (1.0 - share) * 2.0 / (df + 3.0))
        riv = np.where(between == 0.0, 0.0 * within, between / within)
    return dict(zip(KEYS, (center, se, df, center - half, center + half, p, fmi, riv, share), strict=True))


def _barnard_rubin(m: int, share: np.ndarray, df_complete: float) -> np.ndarray:
    old = np.where(share == 0.0, np.inf, (m - 1.0) / share**2)
    if np.isinf(df_complete):
        return np.where(np.isnan(share), np.nan, old)
    observed = (df_complete + 1.0) / (df_complete + 3.0) * df_complete * (1.0 - share)
    return np.where(share == 0.0, df_complete, 1.0 / (1.0 / old + 1.0 / observed))


def _matrices(estimates: ArrayLike, variances: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    q, u = np.array(estimates, dtype=float), np.array(variances, dtype=float)
    if q.ndim != 2 or q.shape != u.shape or not len(q):
        raise DataError(
            f"estimates and variances must be matrices alike, a row an imputation: found shapes {q.shape} and"
            f" {u.shape}."
        )
    return q, u


def pool_covariance(estimates: ArrayLike, covariances: ArrayLike) -> np.ndarray:
    """Total covariance (k, k) of a pooled coefficient vector: the mean covariance plus (1 + 1/m) times that of the
    estimates.

    Parameters
    ----------
    estimates : (m, k) array
    covariances : (m, k, k) array
        One covariance matrix an imputation; (m * k, k), one below the other, will do as well.

    Notes
    -----
    Its diagonal is ``se`` of :func:`pool_estimates` squared. NaN in one imputation is NaN in the result. R:
    ``mice::pool`` has the diagonal alone; ``mitml::testEstimates(extra.pars)`` and Rubin (1987) have the matrix.

    Examples
    --------
    >>> pool_covariance([[0.0, 0.0], [1.0, 2.0]], [np.eye(2), np.eye(2)])
    array([[1.75, 1.5 ],
           [1.5 , 4.  ]])
    """
    q = np.asarray(estimates, dtype=float)
    m, k = q.shape
    within = np.asarray(covariances, dtype=float).reshape(m, k, k).mean(axis=0)
    if m == 1:
        return within
    away = q - q.mean(axis=0)
    return within + (1.0 + 1.0 / m) * (away.T @ away) / (m - 1.0)


def pool_auc(estimates: ArrayLike, variances: ArrayLike, level: float = 0.95) -> dict[str, float | str]:
    """Areas under the ROC curve from m imputations, pooled on the logit scale.

    Parameters
    ----------
    estimates, variances : (m,) array
        The areas and their (DeLong) variances.
    level : float
        Coverage of the interval.

    Returns
    -------
    dict
        ``estimate``, ``low``, ``high`` on the scale of areas; ``variance`` (by the delta method, of the area); ``df``,
        ``fmi``, ``riv``, ``lambda`` as in :func:`pool_estimates`; ``scale``: "logit", or "identity" where an area is
        exactly 0 or 1.

    Notes
    -----
    logit(A) is pooled, with variance V / (A (1 - A))², as its distribution is nearer to normal (Marshall, Altman,
    Holder & Royston, BMC Medical Research Methodology 9 (2009) 57; R: ``psfmi::pool_auc``). An area of exactly 0 or 1
    in one completed data set has no logit and a variance of 0: all are then pooled as they are, limits cut at 0 and 1,
    rather than moved by a constant that no one chose. NaN where an area is.

    Examples
    --------
    >>> pooled = pool_auc([0.7, 0.8], [0.002, 0.002])
    >>> round(pooled["estimate"], 4), pooled["scale"]
    (0.7534, 'logit')
    """
    a, v = np.asarray(estimates, dtype=float)[:, None], np.asarray(variances, dtype=float)[:, None]
    is_edge = bool(((a <= 0.0) | (a >= 1.0)).any())
    if is_edge:
        pooled = {key: float(value[0]) for key, value in pool_estimates(a, v, level=level).items()}
        pooled["low"], pooled["high"] = float(np.maximum(pooled["low"], 0.0)), float(np.minimum(pooled["high"], 1.0))
        variance = pooled["se"] ** 2
    else:
        pooled = {
            key: float(value[0])
            for key, value in pool_estimates(special.logit(a), v / (a * (1.0 - a)) ** 2, level=level).items()
        }
        for key in ("estimate", "low", "high"):
            pooled[key] = float(special.expit(pooled[key]))
        variance = (pooled["se"] * pooled["estimate"] * (1.0 - pooled["estimate"])) ** 2
    shown = {key: pooled[key] for key in ("estimate", "low", "high")}
    rest = {key: pooled[key] for key in ("df", "fmi", "riv", "lambda")}
    return {**shown, "variance": variance, **rest, "scale": "identity" if is_edge else "logit"}


def pool_likelihood_ratio(statistics: ArrayLike, df: float) -> dict[str, float]:
    """Chi-square statistics of m imputations, such as likelihood-ratio tests of nested models, pooled to one F test
    (rule D2).

    Parameters
    ----------
    statistics : (m,) array
        The test's statistic on each completed data set, none below 0.
    df : float
        Its degrees of freedom.

    Returns
    -------
    dict
        ``statistic`` (F; below 0 where the imputations differ more than they say), ``df1``, ``df2``, ``p``, ``riv``.
        NaN where df is 0 or a statistic is missing. With m = 1, or where all agree, it is the chi-square test itself:
        df2 is infinite.

    Notes
    -----
    Li et al. (1991); R: ``mice::D2(use = "likelihood")``, ``miceadds::micombine.chisquare``. It needs the statistics
    alone and no refit at pooled coefficients, and has for that less power than D1 or D3, the more so with many missing
    values (van Buuren, Flexible Imputation of Missing Data, 2018, section 5.3).

    Examples
    --------
    >>> pooled = pool_likelihood_ratio([24.957, 18.051, 18.812, 17.362, 21.234, 18.615, 19.84], 4)
    >>> round(pooled["statistic"], 3), round(pooled["df2"], 2), round(pooled["p"], 5)
    (4.438, 482.06, 0.00157)
    """
    d, k = np.asarray(statistics, dtype=float), float(df)
    if not k > 0.0 or not len(d) or not (np.isfinite(d) & (d >= 0.0)).all():
        return {"statistic": _NAN, "df1": k, "df2": _NAN, "p": _NAN, "riv": _NAN}
    m = len(d)
    riv = 0.0 if (d == d[0]).all() else (1.0 + 1.0 / m) * float(np.sqrt(d).var(ddof=1))
    if riv == 0.0:
        return {"statistic": float(d[0]) / k, "df1": k, "df2": np.inf, "p": float(special.chdtrc(k, d[0])), "riv": 0.0}
    statistic = (float(d.mean()) / k - (m + 1.0) / (m - 1.0) * riv) / (1.0 + riv)
    df2 = k ** (-3.0 / m) * (m - 1.0) * (1.0 + 1.0 / riv) ** 2
    return {
        "statistic": statistic,
        "df1": k,
        "df2": df2,
        "p": float(special.fdtrc(k, df2, max(statistic, 0.0))),
        "riv": riv,
    }
