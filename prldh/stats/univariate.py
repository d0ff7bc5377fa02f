"""One feature at a time against the outcome, for thousands of features at once."""

from __future__ import annotations

import numba
import numpy as np
from scipy import special

from prldh.core import DataError
from prldh.stats.units import power_of_two

KEYS = ("auc", "r", "w", "p_wilcoxon", "t", "p_t")


@numba.njit(cache=True)
def _rank_sums(columns: np.ndarray, outcome: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rank sum of the non-events (p,), midranks, and the sum of t^3 - t over ties (p,), of columns (p, n)."""
    p, n = columns.shape
    sums, ties = np.zeros(p), np.zeros(p)
    for j in range(p):
        order = np.argsort(columns[j], kind="mergesort")
        begin = 0
        while begin < n:
            end = begin + 1
            while end < n and columns[j, order[end]] == columns[j, order[begin]]:
                end += 1
            length = end - begin
            ties[j] += float(length) ** 3 - length
            for i in range(begin, end):
                if outcome[order[i]] == 0.0:
                    sums[j] += 0.5 * (begin + 1 + end)
            begin = end
    return sums, ties


def univariate_screen(values: np.ndarray, outcome: np.ndarray) -> dict[str, np.ndarray]:
    """Every feature alone against the outcome.

    Parameters
    ----------
    values : (n, p) array
        One column a feature.
    outcome : (n,) array of 0/1

    Returns
    -------
    dict
        Arrays (p,): ``auc`` in the given direction, higher means event; ``r`` (point-biserial correlation); ``w`` and
        ``p_wilcoxon`` (rank-sum test of non-events against events, normal approximation with ties and continuity
        correction); ``t`` and ``p_t`` (pooled variance, non-event minus event). All NaN for a column that is constant
        or has values that are not finite, and everywhere with one class. t is NaN too where neither class has any
        spread, or fewer than three patients are left.

    Raises
    ------
    DataError
        When the shapes do not fit or the outcome is not 0/1.

    Notes
    -----
    R: ``wilcox.test(x[y == 0], x[y == 1], exact = FALSE)``, ``t.test(x[y == 0], x[y == 1], var.equal = TRUE)``,
    ``cor(x, y)``. The p-values are raw: :func:`~prldh.stats.multiplicity.adjust_p` adjusts them.

    References
    ----------
    H. B. Mann, D. R. Whitney, Annals of Mathematical Statistics 18 (1947) 50-60; D. Bamber, Journal of Mathematical
    Psychology 12 (1975) 387-415 (the AUC as W / (n0 n1)); R. F. Tate, Annals of Mathematical Statistics 25 (1954)
    603-607 (point-biserial r).

    Examples
    --------
    >>> screen = univariate_screen(np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0]]), np.array([0, 1, 0, 1]))
    >>> screen["auc"]
    array([0.75,  nan])
    """
    values, outcome = np.asarray(values, dtype=float), np.asarray(outcome, dtype=float).ravel()
    if values.ndim != 2 or len(values) != len(outcome):
        raise DataError(
            f"values must be (n, p) with one row a patient: found {values.shape} for {len(outcome)} outcomes."
        )
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise DataError("outcome must be 0 or 1. Recode it.")
    event = outcome == 1.0
    n1, n0 = int(event.sum()), int((~event).sum())
    p = values.shape[1]
    if not n1 or not n0:
        return {key: np.full(p, np.nan) for key in KEYS}
    usable = np.isfinite(values).all(axis=0)
    values = np.where(usable, values, 0.0)
    usable &= (values != values[:1]).any(axis=0)
    columns = np.ascontiguousarray((values / power_of_two(values, axis=0)).T)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = {**_rank_test(columns, outcome, n0, n1), **_pooled_t(columns, event, n0, n1)}
    return {key: np.where(usable, statistics[key], np.nan) for key in KEYS}


def _rank_test(columns: np.ndarray, outcome: np.ndarray, n0: int, n1: int) -> dict[str, np.ndarray]:
    n = n0 + n1
    sums, ties = _rank_sums(columns, outcome)
    w = sums - n0 * (n0 + 1) / 2.0
    distance = w - n0 * n1 / 2.0
    error = np.sqrt(n0 * n1 / 12.0 * (n + 1.0 - ties / (n * (n - 1.0))))
    z = (distance - np.sign(distance) * 0.5) / error
    return {"auc": 1.0 - w / (n0 * n1), "w": w, "p_wilcoxon": 2.0 * special.ndtr(-np.abs(z))}


def _pooled_t(columns: np.ndarray, event: np.ndarray, n0: int, n1: int) -> dict[str, np.ndarray]:
    n, df = n0 + n1, float(n0 + n1 - 2)
    without, with_event = columns[:, ~event], columns[:, event]
    mean0, mean1 = without.mean(axis=1), with_event.mean(axis=1)
    within = ((without - mean0[:, None]) ** 2).sum(axis=1) + ((with_event - mean1[:, None]) ** 2).sum(axis=1)
    total = ((columns - columns.mean(axis=1)[:, None]) ** 2).sum(axis=1)
    error = np.sqrt(within / df * (1.0 / n0 + 1.0 / n1)) if df > 0 else np.full(len(columns), np.nan)
    t = (mean0 - mean1) / error
    # t.test calls such data essentially constant and stops
    t[~(error >= 10.0 * np.finfo(float).eps * np.maximum(np.abs(mean0), np.abs(mean1))) | (error == 0.0)] = np.nan
    r = (mean1 - mean0) * np.sqrt(n0 * n1 / n) / np.sqrt(total)
    return {
        "r": np.clip(r, -1.0, 1.0),
        "t": t,
        "p_t": 2.0 * special.stdtr(df, -np.abs(t)) if df > 0 else np.full(len(t), np.nan),
    }
