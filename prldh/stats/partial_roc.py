"""Partial areas under the ROC curve: estimate, McClish's correction, bootstrap limits, jackknife variance.

A range of specificity is one of the non-events' axis. A range of sensitivity is the same thing with the classes
exchanged and the score turned round, so there is one piece of code for both.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import ArrayLike

from prldh.core import DataError
from prldh.stats.bands import percentile_band, times_drawn
from prldh.stats.roc import NAN, split_classes

#: Areas nearer to each other than this are equal: what is left is rounding.
ROUNDING = 1e-12


@numba.njit(cache=True)
def _area(events: np.ndarray, others: np.ndarray, start: float, stop: float, width: float) -> float:
    """Area for false positive fractions from start to stop; the counts are of the distinct scores, ascending.

    Summed is what lies above the curve: two perfect scores then have the same area to the last bit.
    """
    m, n = events.sum(), others.sum()
    if m == 0 or n == 0:
        return np.nan
    above, tp, fp = 0.0, 0.0, 0.0
    for g in range(len(events) - 1, -1, -1):
        if others[g] > 0:
            left, right = max(fp / n, start), min((fp + others[g]) / n, stop)
            if right > left:
                middle = tp + ((left + right) / 2.0 * n - fp) * events[g] / others[g]
                above += (right - left) * (m - middle)
        tp += events[g]
        fp += others[g]
    return width - above / m


@numba.njit(cache=True)
def _areas(
    group: np.ndarray, event: np.ndarray, times: np.ndarray, start: float, stop: float, width: float
) -> np.ndarray:
    """Area (r,) where sample r holds patient i ``times[r, i]`` times; ``group`` numbers the distinct scores
    ascending."""
    areas = np.empty(times.shape[0])
    for r in range(times.shape[0]):
        events = np.zeros(group.max() + 1, np.int64)
        others = np.zeros_like(events)
        for i in range(len(group)):
            if event[i]:
                events[group[i]] += times[r, i]
            else:
                others[group[i]] += times[r, i]
        areas[r] = _area(events, others, start, stop, width)
    return areas


def check_range(focus: str, from_: float, to: float) -> tuple[float, float]:
    """The range's upper and lower end.

    Raises
    ------
    DataError
        When the focus is unknown or the range is not one.
    """
    if focus not in ("sensitivity", "specificity"):
        raise DataError(f'focus must be "sensitivity" or "specificity": found "{focus}".')
    high, low = max(float(from_), float(to)), min(float(from_), float(to))
    if not 0.0 <= low < high <= 1.0:
        raise DataError(f"a partial area needs two different ends in 0..1: found {from_} and {to}.")
    return high, low


def areas_of_samples(
    event: np.ndarray, score: np.ndarray, focus: str, high: float, low: float, times: np.ndarray
) -> np.ndarray:
    """Partial area of each of many samples of the same patients.

    Parameters
    ----------
    event : (n,) bool array
    score : (n,) array
    focus, high, low
        As :func:`check_range` has them.
    times : (r, n) integer array
        How often each sample holds each patient.

    Returns
    -------
    (r,) array
        NaN where a sample lacks a class.
    """
    if focus == "sensitivity":
        event, score = ~event, -score
    group = np.unique(score, return_inverse=True)[1].astype(np.int64)
    return _areas(group, event, np.ascontiguousarray(times, np.int32), 1.0 - high, 1.0 - low, high - low)


def restricted_placements(
    event: np.ndarray, score: np.ndarray, focus: str, from_: float, to: float
) -> tuple[np.ndarray, np.ndarray]:
    """Placement values restricted to the range, of the events (m,) and of the non-events (n,).

    The delete-one jackknife's pseudo-values of the partial area A: k A - (k - 1) A without that patient, for a class of
    k. Over the whole range they are DeLong's placement values. NaN for a class of one.

    Notes
    -----
    For a range of specificity an event's value is what the jackknife leaves exact: the length of the range on which the
    curve's threshold lies below it. A non-event's is, but for terms of order 1/n, the share of events above it, cut at
    the curve's ordinates at both ends of the range: a non-event outside the range still counts, because it moves the
    quantile at which the range ends.

    Examples
    --------
    >>> y, s = np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 2.0, 4.0])
    >>> of_events, of_others = restricted_placements(y == 1, s, "specificity", 1, 0)
    >>> of_events.round(12), of_others.round(12)
    (array([0.5, 1. ]), array([1. , 0.5]))
    """
    high, low = check_range(focus, from_, to)
    whole, without = np.ones((1, len(event)), np.int32), 1 - np.eye(len(event), dtype=np.int32)
    area = areas_of_samples(event, score, focus, high, low, whole)
    size = np.where(event, event.sum(), (~event).sum())
    placements = size * area - (size - 1) * areas_of_samples(event, score, focus, high, low, without)
    return placements[event], placements[~event]


def variance_of_mean(placements: np.ndarray) -> float:
    """Estimated variance of the mean of one class's placement values; NaN for a class of one."""
    k = len(placements)
    return float(np.sort(placements).var(ddof=1) / k) if k > 1 else NAN  # sorted: the order of patients changes no bit


def stratified_rows(outcome: np.ndarray, n_resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Bootstrap samples that keep the numbers of events and non-events.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    n_resamples : int
    rng : numpy.random.Generator

    Returns
    -------
    (n_resamples, n) int32 array
        0-based row numbers; in every sample an event stands where the study has one.

    Examples
    --------
    >>> y = np.array([0, 1, 0, 1])
    >>> rows = stratified_rows(y, 3, np.random.default_rng(1))
    >>> y[rows].tolist()
    [[0, 1, 0, 1], [0, 1, 0, 1], [0, 1, 0, 1]]
    """
    event, _ = split_classes(outcome)
    rows = np.empty((n_resamples, len(event)), np.int32)
    for place in (np.flatnonzero(event), np.flatnonzero(~event)):
        if len(place):
            rows[:, place] = rng.choice(place, (n_resamples, len(place)))
    return rows


def _correct(area: float | np.ndarray, high: float, low: float) -> float | np.ndarray:
    """McClish's correction: 0.5 on the diagonal, 1 for the whole range."""
    smallest, largest = (2.0 - high - low) * (high - low) / 2.0, high - low
    return (1.0 + (area - smallest) / (largest - smallest)) / 2.0


def partial_auc(
    outcome: np.ndarray,
    score: np.ndarray,
    focus: str,
    from_: float = 1.0,
    to: float = 0.8,
    rows: ArrayLike = (),
    n_resamples: int = 0,
    level: float = 0.95,
) -> dict[str, float]:
    """Partial area under the ROC curve, with limits from bootstrap samples and its variance.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    score : (n,) array
        Higher means event.
    focus : {"sensitivity", "specificity"}
        The axis the range is on.
    from_, to : float
        The range's ends in either order, such as 1 and 0.8. Any range: 1 and 0 give the whole area.
    rows : (n_resamples, n) or flat integer array
        0-based row numbers, as :func:`stratified_rows` draws them. A sample with one class does not count.
    n_resamples : int
        May be 0: then there are no limits.
    level : float
        Coverage of the percentile limits.

    Returns
    -------
    dict
        ``estimate``, ``corrected`` (McClish's, 0.5 = no discrimination; NaN below the diagonal), ``variance``
        (jackknife; NaN with a single patient in a class), ``low``, ``high``, ``corrected_low``, ``corrected_high``
        (pROC's: the same percentiles corrected, so that a limit below the diagonal is below 0.5). All NaN with one
        class.

    Raises
    ------
    DataError
        When the focus is unknown, the range is not one, or the rows do not fit.

    Notes
    -----
    D. K. McClish, Medical Decision Making 9 (1989) 190-195. R: ``pROC::auc(roc, partial.auc = c(from, to),
    partial.auc.focus = focus, partial.auc.correct = )`` and ``pROC::ci.auc(method = "bootstrap", boot.stratified =
    TRUE)``, quantiles of type 7. The variance is that of
    :func:`prldh.stats.partial_roc_tests.compare_partial_auc_asymptotic`; over the whole range it is DeLong's.

    Examples
    --------
    >>> partial_auc(np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 3.0, 4.0]), "specificity", 1, 0.8)["corrected"]
    1.0
    """
    high, low = check_range(focus, from_, to)
    event, (score,) = split_classes(outcome, score)
    times = times_drawn(rows, n_resamples, len(event))
    keys = ("estimate", "corrected", "variance", "low", "high", "corrected_low", "corrected_high")
    if event.all() or not event.any():
        return dict.fromkeys(keys, NAN)
    area = float(areas_of_samples(event, score, focus, high, low, np.ones((1, len(event))))[0])
    corrected = _correct(area, high, low)
    limits = percentile_band(areas_of_samples(event, score, focus, high, low, times)[:, None], level)
    variance = sum(variance_of_mean(values) for values in restricted_placements(event, score, focus, high, low))
    values = (
        area,
        corrected if corrected > 0.5 - ROUNDING else NAN,
        variance,
        *limits,
        *(_correct(x, high, low) for x in limits),
    )
    return {key: float(np.squeeze(value)) for key, value in zip(keys, values, strict=True)}
