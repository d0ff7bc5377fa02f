"""Observed share of events by predicted probability: a smooth curve, or groups where predictions are few."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike

from prldh.stats.bands import percentile_band, times_drawn
from prldh.stats.lowess import lowess, refit_lowess
from prldh.stats.proportions import proportion
from prldh.stats.quantiles import quantile
from prldh.stats.roc import NAN

_FEWEST_FOR_LOWESS = 5


class CalibrationCurve(TypedDict):
    """The curve, and how far predictions lie from it."""

    ici: float
    e50: float
    e90: float
    emax: float
    curve_predicted: np.ndarray
    curve_observed: np.ndarray
    curve_low: np.ndarray
    curve_high: np.ndarray
    method: str


def calibration_curve(
    event: np.ndarray, probability: np.ndarray, rows: ArrayLike, n_resamples: int, level: float
) -> CalibrationCurve:
    """The curve at the distinct predictions with its pointwise band, and how far predictions lie from it.

    Parameters
    ----------
    event : (n,) array of truth values
    probability : (n,) array
    rows, n_resamples, level
        As in :func:`prldh.stats.calibration.calibration`.

    Returns
    -------
    dict
        The keys of :func:`prldh.stats.calibration.calibration` from ``ici`` on.

    Examples
    --------
    >>> curve = calibration_curve(np.array([False, True, True]), np.array([0.2, 0.2, 0.7]), np.empty(0), 0, 0.95)
    >>> curve["curve_observed"], curve["method"]
    (array([0.5, 1. ]), 'groups')
    """
    times = times_drawn(rows, n_resamples, len(event))
    if len(np.unique(probability)) < _FEWEST_FOR_LOWESS:
        return _group_curve(event, probability, level)
    return _smooth_curve(event, probability, times, level)


def _smooth_curve(event: np.ndarray, probability: np.ndarray, times: np.ndarray, level: float) -> CalibrationCurve:
    y = event.astype(float)
    x, fitted = lowess(probability, y)
    distinct, first = np.unique(x, return_index=True)
    curve = fitted[first]
    error = np.abs(probability - np.interp(probability, distinct, curve))
    refitted = refit_lowess(probability, y, times, distinct)
    # a few samples that reach a lone prediction are no band
    low, high = percentile_band(refitted, level, fewest=len(times) / 2)
    return {
        "ici": float(error.mean()),
        "e50": float(quantile(error, 0.5)[0]),
        "e90": float(quantile(error, 0.9)[0]),
        "emax": float(error.max()),
        "curve_predicted": distinct,
        "curve_observed": curve,
        "curve_low": low,
        "curve_high": high,
        "method": "lowess",
    }


def _group_curve(event: np.ndarray, probability: np.ndarray, level: float) -> CalibrationCurve:
    """Share of events at each of the few distinct predictions, with Clopper and Pearson's limits."""
    distinct, place = np.unique(probability, return_inverse=True)
    events, size = (
        np.bincount(place, weights=event, minlength=len(distinct)),
        np.bincount(place, minlength=len(distinct)),
    )
    shares = [proportion(a, b, level) for a, b in zip(events, size, strict=True)]
    observed, low, high = (np.array([share[key] for share in shares]) for key in ("estimate", "low", "high"))
    return {
        "ici": NAN,
        "e50": NAN,
        "e90": NAN,
        "emax": NAN,
        "curve_predicted": distinct,
        "curve_observed": observed,
        "curve_low": low,
        "curve_high": high,
        "method": "groups",
    }
