"""Clinical impact: how many patients a threshold singles out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from prldh.stats.bands import percentile_band, times_drawn
from prldh.stats.positives import as_thresholds, positives
from prldh.stats.roc import split_probability


def clinical_impact(
    outcome: np.ndarray,
    probability: np.ndarray,
    thresholds: np.ndarray,
    population: float = 1000,
    rows: ArrayLike = (),
    n_resamples: int = 0,
    level: float = 0.95,
) -> dict[str, np.ndarray]:
    """How many of ``population`` patients are above each threshold, and how many of those have the event.

    Parameters
    ----------
    outcome, probability, thresholds, rows, n_resamples, level
        As in :func:`prldh.stats.decision_curve.decision_curve`.
    population : float
        Per how many patients.

    Returns
    -------
    dict
        (t,) arrays: ``threshold``; ``high_risk`` and ``high_risk_events``, each with percentile limits ``_low`` and
        ``_high`` per ``population`` too, NaN without resamples.

    Raises
    ------
    DataError
        As :func:`prldh.stats.decision_curve.decision_curve`.

    Notes
    -----
    K. F. Kerr et al., Journal of Clinical Oncology 34 (2016) 2534-2540. R: ``rmda::plot_clinical_impact``.

    Examples
    --------
    >>> clinical_impact(np.array([0, 1]), np.array([0.2, 0.7]), np.array([0.5]))["high_risk"]
    array([500.])
    """
    event, probability = split_probability(outcome, probability)
    thresholds, n = as_thresholds(thresholds), len(event)
    times = np.vstack([np.ones((1, n), np.int64), times_drawn(rows, n_resamples, n)])
    tp, fp = positives(event, probability, thresholds, times)
    with np.errstate(invalid="ignore"):
        high_risk, high_risk_events = (tp + fp) / np.float64(n) * population, tp / np.float64(n) * population
    low, high = percentile_band(high_risk[1:], level)
    events_low, events_high = percentile_band(high_risk_events[1:], level)
    return {
        "threshold": thresholds,
        "high_risk": high_risk[0],
        "high_risk_events": high_risk_events[0],
        "high_risk_low": low,
        "high_risk_high": high,
        "high_risk_events_low": events_low,
        "high_risk_events_high": events_high,
    }
