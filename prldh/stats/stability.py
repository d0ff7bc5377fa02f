"""How far a selection of features repeats itself over resamples."""

from __future__ import annotations

import numpy as np
from scipy import special

from prldh.core import DataError

_NAN = float("nan")


def selection_stability(selected: np.ndarray, level: float = 0.95) -> dict[str, float]:
    """Nogueira's stability index of selections, with its variance and interval.

    With z_if whether feature f of d was selected in resample i of M, p_f its frequency, s_f² = M / (M - 1) p_f (1 -
    p_f), k_i the features selected in resample i and k their mean, the index is 1 - mean(s_f²) / (k/d (1 - k/d)): 1
    where every resample selects the same, about 0 where each selects at random. It is corrected for chance, whatever
    the numbers selected.

    Parameters
    ----------
    selected : (M, d) array of 0/1
        Row i: the features selected in resample i, a column for every candidate.
    level : float
        Coverage of the interval, which is normal and takes the resamples as independent; limits are not cut at 1.

    Returns
    -------
    dict
        ``estimate``, ``variance``, ``low``, ``high`` (never above 1, the most there can be). All NaN with fewer than
        two resamples, or where none or all of the features are selected in every resample.

    Raises
    ------
    DataError
        When ``selected`` is no matrix of 0 and 1.

    Notes
    -----
    S. Nogueira, K. Sechidis, G. Brown, Journal of Machine Learning Research 18 (2018) no. 174: definition 4, theorem 7
    and corollary 9. R: ``stabm::stabilityNogueira`` (the estimate), and the authors' ``getStability`` (variance and
    interval).

    Examples
    --------
    >>> selection_stability(np.array([[1, 1, 0, 0], [1, 1, 0, 0]]))["estimate"]
    1.0
    """
    z = np.asarray(selected, dtype=float)
    if z.ndim != 2 or not np.isin(z, (0.0, 1.0)).all():
        raise DataError(f"selected must be a matrix of 0 and 1, a row a resample: found shape {z.shape}.")
    m, d = z.shape
    undefined = dict.fromkeys(("estimate", "variance", "low", "high"), _NAN)
    if m < 2 or d == 0 or z.sum() in (0, z.size):
        return undefined
    p = z.mean(axis=0)
    k = z.sum(axis=1)
    share = float(k.mean()) / d
    chance = share * (1.0 - share)
    estimate = 1.0 - float((p * (1.0 - p)).mean()) * m / (m - 1.0) / chance
    each = ((z @ p) / d - k * share / d + estimate / 2.0 * (2.0 * k * share / d - k / d - share + 1.0)) / chance
    variance = 4.0 / m**2 * float(((each - each.mean()) ** 2).sum())
    half = float(special.ndtri((1.0 + level) / 2.0)) * variance**0.5
    return {"estimate": estimate, "variance": variance, "low": estimate - half, "high": min(estimate + half, 1.0)}
