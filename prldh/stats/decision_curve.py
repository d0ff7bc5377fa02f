"""Decision curves and clinical impact: what acting above a threshold gains."""

from __future__ import annotations

import numba
import numpy as np

from prldh.errors import DataError
from prldh.stats.quantiles import quantile
from prldh.stats.roc import split_probability


@numba.njit(cache=True)
def _resampled_counts(
    n_above: np.ndarray, event: np.ndarray, rows: np.ndarray, n_thresholds: int
) -> tuple[np.ndarray, np.ndarray]:
    """True and false positives (resamples, thresholds) at ascending thresholds, of which ``n_above[i]`` lie below i."""
    n_resamples = rows.shape[0]
    tp = np.zeros((n_resamples, n_thresholds))
    fp = np.zeros((n_resamples, n_thresholds))
    for r in range(n_resamples):
        events = np.zeros(n_thresholds + 1)
        others = np.zeros(n_thresholds + 1)
        for row in rows[r]:
            if event[row]:
                events[n_above[row]] += 1.0
            else:
                others[n_above[row]] += 1.0
        above_events, above_others = 0.0, 0.0
        for t in range(n_thresholds - 1, -1, -1):
            above_events += events[t + 1]
            above_others += others[t + 1]
            tp[r, t] = above_events
            fp[r, t] = above_others
    return tp, fp


def _counts(event: np.ndarray, probability: np.ndarray, thresholds: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(thresholds, kind="stable")
    n_above = np.searchsorted(thresholds[order], probability, side="left")
    tp, fp = _resampled_counts(n_above, event, rows, len(thresholds))
    back = np.argsort(order, kind="stable")
    return tp[:, back], fp[:, back]


def _net_benefit(tp: np.ndarray, fp: np.ndarray, n: int, odds: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return tp / n - fp / n * odds


def _odds(thresholds: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return thresholds / (1.0 - thresholds)


def as_resamples(rows: np.ndarray, n_resamples: int, n: int) -> np.ndarray:
    """Row numbers as (n_resamples, n), from that shape or flat.

    Raises
    ------
    DataError
        When there are more or fewer of them, or one is out of range.
    """
    rows = np.asarray(rows)
    if rows.size != n_resamples * n:
        raise DataError(f"rows must hold {n_resamples} resamples of {n} rows: found {rows.size} numbers.")
    rows = np.ascontiguousarray(rows.reshape(n_resamples, n), dtype=np.int64)
    if rows.size and (rows.min() < 0 or rows.max() >= n):
        raise DataError(f"rows must lie in 0..{n - 1}: found {rows.min()}..{rows.max()}.")
    return rows


def decision_curve(
    outcome: np.ndarray,
    probability: np.ndarray,
    thresholds: np.ndarray,
    rows: np.ndarray,
    n_resamples: int,
    level: float = 0.95,
) -> dict[str, np.ndarray]:
    """Net benefit of acting when the predicted probability is strictly above each threshold.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    probability : (n,) array
    thresholds : (t,) array
        In 0..1, in any order.
    rows : (n_resamples, n) or flat integer array
        0-based row numbers of bootstrap samples; the probabilities are kept.
    n_resamples : int
        May be 0: then there are no limits.
    level : float
        Coverage of the pointwise percentile limits.

    Returns
    -------
    dict
        (t,) arrays: ``threshold``, ``net_benefit`` = TP/n - FP/n * t/(1-t), ``standardized`` (by the prevalence), ``all``
        (act on everyone), ``low``, ``high``. NaN where the threshold is 1 and nobody is above it.

    Raises
    ------
    DataError
        When ``rows`` do not fit ``n_resamples``.

    Notes
    -----
    A. J. Vickers, E. B. Elkin, Medical Decision Making 26 (2006) 565-574. R: ``rmda::decision_curve(fitted.risk = TRUE,
    study.design = "cohort")``; limits are quantiles of type 7.

    Examples
    --------
    >>> y, p = np.array([0, 1]), np.array([0.2, 0.7])
    >>> decision_curve(y, p, np.array([0.5]), np.empty(0), 0)["net_benefit"]
    array([0.5])
    """
    event, probability = split_probability(outcome, probability)
    thresholds = np.atleast_1d(np.asarray(thresholds, dtype=float))
    n, odds = len(event), _odds(thresholds)
    tp, fp = _counts(event, probability, thresholds, np.arange(n)[None, :])
    net = _net_benefit(tp[0], fp[0], n, odds)
    prevalence = float(event.mean()) if n else float("nan")
    low = high = np.full(len(thresholds), np.nan)
    if n_resamples > 0:
        resampled = _net_benefit(*_counts(event, probability, thresholds, as_resamples(rows, n_resamples, n)), n, odds)
        tail = (1.0 - level) / 2.0
        low, high = quantile(resampled, np.array([tail, 1.0 - tail]))
    with np.errstate(invalid="ignore", divide="ignore"):
        standardized = net / np.float64(prevalence)
        treat_all = prevalence - (1.0 - prevalence) * odds
    return {
        "threshold": thresholds,
        "net_benefit": net,
        "standardized": standardized,
        "all": treat_all,
        "low": low,
        "high": high,
    }


def clinical_impact(
    outcome: np.ndarray, probability: np.ndarray, thresholds: np.ndarray, population: float = 1000
) -> dict[str, np.ndarray]:
    """How many of ``population`` patients are above each threshold, and how many of those have the event.

    Returns
    -------
    dict
        (t,) arrays: ``threshold``, ``high_risk``, ``high_risk_events``.

    Notes
    -----
    K. F. Kerr et al., Journal of Clinical Oncology 34 (2016) 2534-2540. R: ``rmda::plot_clinical_impact``.

    Examples
    --------
    >>> clinical_impact(np.array([0, 1]), np.array([0.2, 0.7]), np.array([0.5]))["high_risk"]
    array([500.])
    """
    event, probability = split_probability(outcome, probability)
    thresholds = np.atleast_1d(np.asarray(thresholds, dtype=float))
    tp, fp = _counts(event, probability, thresholds, np.arange(len(event))[None, :])
    with np.errstate(invalid="ignore"):
        n = np.float64(len(event))
        return {
            "threshold": thresholds,
            "high_risk": (tp[0] + fp[0]) / n * population,
            "high_risk_events": tp[0] / n * population,
        }
