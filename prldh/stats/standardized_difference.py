"""How far two groups lie apart, in standard deviations: a measure of imbalance that does not grow with n."""

from __future__ import annotations

import numpy as np

_NAN = float("nan")
_TOLERANCE = 1e-12


def standardized_mean_difference(nonevent: np.ndarray, event: np.ndarray) -> float:
    """Mean of event minus mean of non-event, over sqrt((s1² + s0²) / 2).

    Parameters
    ----------
    nonevent, event : (n0,) and (n1,) arrays

    Returns
    -------
    float
        Signed. 0 where both groups are the same constant; NaN where they are two constants, or a group has fewer than
        two.

    Notes
    -----
    P. C. Austin, Statistics in Medicine 28 (2009) 3083-3107. R: ``stddiff::stddiff.numeric``, ``tableone::ExtractSmd``
    (both without the sign).

    Examples
    --------
    >>> round(standardized_mean_difference(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])), 12)
    1.0
    """
    a, b = np.asarray(nonevent, dtype=float).ravel(), np.asarray(event, dtype=float).ravel()
    if min(a.size, b.size) < 2:
        return _NAN
    difference = float(b.mean() - a.mean())
    if np.ptp(a) == 0.0 and np.ptp(b) == 0.0:
        return 0.0 if a[0] == b[0] else _NAN
    return difference / float(np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2.0))


def difference_of_moments(mean_a: float, sd_a: float, mean_b: float, sd_b: float) -> float:
    """The same of two groups of which means and standard deviations are known: b less a.

    Returns
    -------
    float
        0 where both groups are the same constant; NaN where they are two, or a number is not known.

    Notes
    -----
    P. C. Austin, Statistics in Medicine 28 (2009) 3083-3107. R has no function of moments.

    Examples
    --------
    >>> round(difference_of_moments(2.0, 1.0, 3.0, 1.0), 12)
    1.0
    """
    spread = float(np.sqrt((sd_a**2 + sd_b**2) / 2.0))
    if spread == 0.0:
        return 0.0 if mean_a == mean_b else _NAN
    return (mean_b - mean_a) / spread


def standardized_level_difference(counts: np.ndarray) -> float:
    """Distance of two groups' shares of the levels of a categorical variable (Yang and Dalton's Mahalanobis form).

    With T and C the shares of all levels but one, and S = (S_T + S_C) / 2 where S_kk = p_k (1 - p_k) and
    S_kl = -p_k p_l, it is sqrt((T - C)' S⁻¹ (T - C)); which level is left out does not matter. With two levels it is
    |p1 - p0| / sqrt((p1 (1 - p1) + p0 (1 - p0)) / 2).

    Parameters
    ----------
    counts : (r, 2) array
        Rows are levels, columns non-event and event. Levels of nobody are left out.

    Returns
    -------
    float
        At least 0, without a sign; NaN where it is infinite (a level tells the groups apart) or a group has nobody.

    Notes
    -----
    D. Yang, J. E. Dalton, SAS Global Forum 2012, paper 335. R: ``stddiff::stddiff.category``, ``tableone::ExtractSmd``.

    Examples
    --------
    >>> round(standardized_level_difference(np.array([[75, 50], [25, 50]])), 6)
    0.534522
    """
    counts = np.asarray(counts, dtype=float)
    counts = counts[counts.sum(axis=1) > 0]
    totals = counts.sum(axis=0)
    if counts.shape[0] == 0 or (totals == 0).any():
        return _NAN
    shares = (counts / totals)[1:]
    difference = shares[:, 1] - shares[:, 0]
    if not difference.size or np.abs(difference).max() < _TOLERANCE:
        return 0.0
    spread = sum(np.diag(p) - np.outer(p, p) for p in shares.T) / 2.0
    values, vectors = np.linalg.eigh(spread)
    along = vectors.T @ difference
    is_flat = values < _TOLERANCE
    if (np.abs(along[is_flat]) > 1e-9).any():
        return _NAN
    return float(np.sqrt((along[~is_flat] ** 2 / values[~is_flat]).sum()))
