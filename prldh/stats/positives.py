"""Who is above a threshold: counts that decision and clinical impact curves share."""

from __future__ import annotations

import numba
import numpy as np

from prldh.core import DataError


def as_thresholds(thresholds: np.ndarray) -> np.ndarray:
    """Thresholds (t,) as floats.

    Raises
    ------
    DataError
        When there is none, or one is not a number in 0..1.
    """
    thresholds = np.atleast_1d(np.asarray(thresholds, dtype=float))
    wrong = thresholds[~((thresholds >= 0.0) & (thresholds <= 1.0))]
    if not len(thresholds) or len(wrong):
        raise DataError(f"thresholds must be probabilities within 0 and 1: found {wrong[0] if len(wrong) else 'none'}.")
    return thresholds


@numba.njit(cache=True)
def _count_above(
    n_below: np.ndarray, event: np.ndarray, times: np.ndarray, n_thresholds: int
) -> tuple[np.ndarray, np.ndarray]:
    """True and false positives at ascending thresholds, ``n_below[r, i]`` of which lie below patient i's prediction."""
    n_resamples, n = times.shape
    own = n_below.shape[0] == n_resamples  # else one row of predictions serves all resamples
    tp = np.zeros((n_resamples, n_thresholds))
    fp = np.zeros((n_resamples, n_thresholds))
    for r in range(n_resamples):
        events = np.zeros(n_thresholds + 1)
        others = np.zeros(n_thresholds + 1)
        for i in range(n):
            place = n_below[r if own else 0, i]
            if event[i]:
                events[place] += times[r, i]
            else:
                others[place] += times[r, i]
        above_events, above_others = 0.0, 0.0
        for t in range(n_thresholds - 1, -1, -1):
            above_events += events[t + 1]
            above_others += others[t + 1]
            tp[r, t] = above_events
            fp[r, t] = above_others
    return tp, fp


def positives(
    event: np.ndarray, probability: np.ndarray, thresholds: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """True and false positives of acting strictly above each threshold, in many weighted samples at once.

    Parameters
    ----------
    event : (n,) array of truth values
    probability : (n,) or (m, n) array
        (m, n): each sample has its own predictions.
    thresholds : (t,) array
        In any order.
    times : (m, n) integer array
        How often each sample holds each patient.

    Returns
    -------
    tuple of (m, t) arrays
        True positives and false positives.

    Examples
    --------
    >>> positives(np.array([False, True]), np.array([0.2, 0.7]), np.array([0.1, 0.5]), np.array([[1, 1]]))
    (array([[1., 1.]]), array([[1., 0.]]))
    """
    order = np.argsort(thresholds, kind="stable")
    n_below = np.searchsorted(thresholds[order], np.atleast_2d(probability), side="left")
    tp, fp = _count_above(n_below, event, times, len(thresholds))
    back = np.argsort(order, kind="stable")
    return tp[:, back], fp[:, back]
