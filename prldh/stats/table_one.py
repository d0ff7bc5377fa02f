"""Tests of a variable between patients without and with the event."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import special, stats

from prldh.core import DataError
from prldh.stats.fisher import fisher_exact
from prldh.stats.units import power_of_two

_NAN = float("nan")
_NO_TEST = {"statistic": _NAN, "p": _NAN, "df": _NAN}
_EXACT_BELOW = 50


def _t_test(a: np.ndarray, b: np.ndarray, welch: bool) -> dict[str, float]:
    """Student's or Welch's t of a minus b, refused where R calls the data essentially constant."""
    n_a, n_b = len(a), len(b)
    if n_a < 1 or n_b < 1 or (welch and min(n_a, n_b) < 2) or n_a + n_b < 3:
        return dict(_NO_TEST)
    mean_a, mean_b = a.mean(), b.mean()
    square_a, square_b = float(((a - mean_a) ** 2).sum()), float(((b - mean_b) ** 2).sum())
    if welch:
        part_a, part_b = square_a / (n_a - 1) / n_a, square_b / (n_b - 1) / n_b
        error = np.sqrt(part_a + part_b)
        below = part_a**2 / (n_a - 1) + part_b**2 / (n_b - 1)
        df = (part_a + part_b) ** 2 / below if below > 0.0 else _NAN
    else:
        df = float(n_a + n_b - 2)
        error = np.sqrt((square_a + square_b) / df * (1.0 / n_a + 1.0 / n_b))
    if error < 10.0 * np.finfo(float).eps * max(abs(mean_a), abs(mean_b)) or error == 0.0:
        return dict(_NO_TEST)
    statistic = float((mean_a - mean_b) / error)
    return {"statistic": statistic, "p": float(2.0 * special.stdtr(df, -abs(statistic))), "df": float(df)}


@lru_cache(maxsize=64)
def _rank_sum_counts(m: int, n: int) -> tuple[int, ...]:
    """Number of ways to each value 0..mn of the Mann-Whitney statistic, in whole numbers."""
    m, n = min(m, n), max(m, n)
    size = m * n + 1
    counts = [1] + [0] * (size - 1)
    for i in range(1, m + 1):
        for value in range(size - 1, n + i - 1, -1):
            counts[value] -= counts[value - n - i]
        for value in range(i, size):
            counts[value] += counts[value - i]
    return tuple(counts)


def _wilcoxon(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Wilcoxon's rank-sum test with R's defaults: W of ``a``, exact for few patients without ties."""
    m, n = len(a), len(b)
    if m == 0 or n == 0:
        return dict(_NO_TEST)
    pooled = np.concatenate([a, b])
    statistic = float(stats.rankdata(pooled)[:m].sum() - m * (m + 1) / 2.0)
    ties = np.unique(pooled, return_counts=True)[1].astype(float)
    if len(ties) == 1:
        return dict(_NO_TEST)
    if m < _EXACT_BELOW and n < _EXACT_BELOW and len(ties) == m + n:
        counts = _rank_sum_counts(m, n)
        tail = int(min(statistic, m * n - statistic))
        p = min(2 * sum(counts[: tail + 1]) / sum(counts), 1.0)
        return {"statistic": statistic, "p": float(p), "df": _NAN}
    distance = statistic - m * n / 2.0
    correction = (ties**3 - ties).sum() / ((m + n) * (m + n - 1.0))
    error = np.sqrt(m * n / 12.0 * (m + n + 1.0 - correction))
    z = (distance - np.sign(distance) * 0.5) / error
    return {"statistic": statistic, "p": float(2.0 * min(special.ndtr(z), special.ndtr(-z))), "df": _NAN}


def continuous_test(nonevent: np.ndarray, event: np.ndarray, kind: str) -> dict[str, float]:
    """Compare a continuous variable between patients without and with the event.

    Parameters
    ----------
    nonevent, event : (n0,) and (n1,) arrays
    kind : {"t", "welch", "wilcoxon"}
        Pooled t, Welch's t, or Wilcoxon's rank sum.

    Returns
    -------
    dict
        ``statistic`` (t of non-event minus event, or W), ``p``, ``df`` (NaN for Wilcoxon). All NaN for constant data or
        too few patients.

    Raises
    ------
    DataError
        When the kind is unknown.

    Notes
    -----
    Student, Biometrika 6 (1908) 1-25; B. L. Welch, Biometrika 34 (1947) 28-35; F. Wilcoxon, Biometrics Bulletin 1
    (1945) 80-83. R: ``t.test(nonevent, event, var.equal = TRUE)``, ``t.test(nonevent, event)``, ``wilcox.test(nonevent,
    event)`` (exact when both groups are below 50 without ties, else normal with continuity correction).

    Examples
    --------
    >>> continuous_test(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]), "wilcoxon")["p"]
    0.1
    """
    a, b = np.asarray(nonevent, dtype=float).ravel(), np.asarray(event, dtype=float).ravel()
    if kind in ("t", "welch"):
        unit = power_of_two(np.concatenate([a, b]))
        return _t_test(a / unit, b / unit, kind == "welch")
    if kind == "wilcoxon":
        return _wilcoxon(a, b)
    raise DataError(f'kind must be "t", "welch" or "wilcoxon": found "{kind}".')


def categorical_test(counts: np.ndarray, kind: str) -> dict[str, float]:
    """Compare a categorical variable between patients without and with the event.

    Parameters
    ----------
    counts : (r, 2) array of whole numbers
        Rows are levels, columns non-event and event.
    kind : {"chi2", "fisher"}
        Pearson's chi-square without correction, or Fisher's exact test.

    Returns
    -------
    dict
        ``statistic`` (NaN for Fisher), ``p``, ``df`` (NaN for Fisher). All NaN with fewer than two levels, or where a
        class has nobody.

    Raises
    ------
    DataError
        When the kind is unknown, the table has no two columns, or a count is negative or not whole.

    Notes
    -----
    K. Pearson, Philosophical Magazine 50 (1900) 157-175; R. A. Fisher, JRSS 98 (1935) 39-82.
    R: ``chisq.test(counts, correct = FALSE)``, ``fisher.test(counts)``; Fisher's test is exact for every number of
    levels.

    Examples
    --------
    >>> round(categorical_test(np.array([[3, 1], [1, 3]]), "fisher")["p"], 6)
    0.485714
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[1] != 2 or (counts < 0).any() or (counts != np.floor(counts)).any():
        raise DataError(
            f"counts must be whole numbers in two columns, non-event and event: found shape {counts.shape}."
        )
    if kind not in ("chi2", "fisher"):
        raise DataError(f'kind must be "chi2" or "fisher": found "{kind}".')
    if counts.shape[0] < 2 or (counts.sum(axis=0) == 0).any():
        return dict(_NO_TEST)
    if kind == "fisher":
        return dict(_NO_TEST) | {"p": fisher_exact(counts.astype(np.int64))}
    counts = counts.astype(float)
    df = float(counts.shape[0] - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
        statistic = float(((counts - expected) ** 2 / expected).sum())
    return {"statistic": statistic, "p": float(special.chdtrc(df, statistic)), "df": df}
