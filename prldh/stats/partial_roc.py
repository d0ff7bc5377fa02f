"""Partial areas under the ROC curve, and their paired comparison by a stratified bootstrap."""

from __future__ import annotations

import numba
import numpy as np

from prldh.errors import DataError
from prldh.stats.roc import NAN, compare_estimates, split_classes


@numba.njit(cache=True)
def _area_between(x: np.ndarray, y: np.ndarray, high: float, low: float) -> float:
    """Area under (x, y), x ascending, for low <= x <= high, with pROC's interpolation at the ends."""
    first, last = -1, -1
    for i in range(x.shape[0]):
        if low <= x[i] <= high:
            if first < 0:
                first = i
            last = i
    if first < 0:
        upper = 0
        while x[upper] < high:
            upper += 1
        lower = upper - 1
        width = x[upper] - x[lower]
        y_high = y[upper] + (x[upper] - high) / width * (y[lower] - y[upper])
        y_low = y[lower] - (low - x[lower]) / width * (y[lower] - y[upper])
        return (y_high + y_low) / 2.0 * (high - low)
    area = 0.0
    for i in range(first, last):
        area += (y[i + 1] + y[i]) / 2.0 * (x[i + 1] - x[i])
    if x[last] != high:
        share = (high - x[last + 1]) / (x[last] - x[last + 1])
        edge = y[last + 1] + share * (y[last] - y[last + 1])
        area += (high - x[last]) * (y[last] + edge) / 2.0
    if x[first] != low:
        share = (x[first] - low) / (x[first] - x[first - 1])
        edge = y[first] + share * (y[first - 1] - y[first])
        area += (x[first] - low) * (y[first] + edge) / 2.0
    return area


@numba.njit(cache=True)
def _weighted_area(
    group: np.ndarray, n_groups: int, event: np.ndarray, weight: np.ndarray, on_sensitivity: bool, high: float, low: float
) -> float:
    """Partial area when patient i counts ``weight[i]`` times; ``group`` numbers the distinct scores ascending."""
    events = np.zeros(n_groups)
    others = np.zeros(n_groups)
    for i in range(group.shape[0]):
        if event[i]:
            events[group[i]] += weight[i]
        else:
            others[group[i]] += weight[i]
    m, n = events.sum(), others.sum()
    sensitivity = np.empty(n_groups + 1)
    specificity = np.empty(n_groups + 1)
    points = 1
    sensitivity[0], specificity[0] = 1.0, 0.0
    below_events, below_others = 0.0, 0.0
    for g in range(n_groups):
        if events[g] == 0.0 and others[g] == 0.0:
            continue
        below_events += events[g]
        below_others += others[g]
        sensitivity[points] = (m - below_events) / m
        specificity[points] = below_others / n
        points += 1
    if on_sensitivity:
        return _area_between(sensitivity[:points][::-1], specificity[:points][::-1], high, low)
    return _area_between(specificity[:points], sensitivity[:points], high, low)


@numba.njit(cache=True)
def _resampled_differences(
    group_a: np.ndarray,
    group_b: np.ndarray,
    event: np.ndarray,
    event_draws: np.ndarray,
    other_draws: np.ndarray,
    on_sensitivity: bool,
    high: float,
    low: float,
) -> np.ndarray:
    """Difference of the partial areas in every resample; draws are (resamples, class size) positions in the class."""
    n_a, n_b = group_a.max() + 1, group_b.max() + 1
    events, others = np.flatnonzero(event), np.flatnonzero(~event)
    differences = np.empty(event_draws.shape[0])
    for r in range(event_draws.shape[0]):
        weight = np.zeros(event.shape[0])
        for draw in event_draws[r]:
            weight[events[draw]] += 1.0
        for draw in other_draws[r]:
            weight[others[draw]] += 1.0
        area_a = _weighted_area(group_a, n_a, event, weight, on_sensitivity, high, low)
        area_b = _weighted_area(group_b, n_b, event, weight, on_sensitivity, high, low)
        differences[r] = area_a - area_b
    return differences


def _range(focus: str, from_: float, to: float) -> tuple[bool, float, float]:
    """Whether the range is one of sensitivity, and its upper and lower end."""
    if focus not in ("sensitivity", "specificity"):
        raise DataError(f'focus must be "sensitivity" or "specificity": found "{focus}".')
    high, low = max(from_, to), min(from_, to)
    if not 0.0 <= low < high <= 1.0:
        raise DataError(f"a partial area needs two different ends in 0..1: found {from_} and {to}.")
    return focus == "sensitivity", float(high), float(low)


def _groups(score: np.ndarray) -> np.ndarray:
    return np.unique(score, return_inverse=True)[1].astype(np.int64)


def partial_auc(outcome: np.ndarray, score: np.ndarray, focus: str, from_: float, to: float) -> dict[str, float]:
    """Partial area under the ROC curve.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    score : (n,) array
        Higher means event.
    focus : {"sensitivity", "specificity"}
        The axis the range is on.
    from_, to : float
        The range's ends in either order, such as 1 and 0.8.

    Returns
    -------
    dict
        ``estimate`` and ``corrected`` (McClish's, 0.5 = no discrimination; NaN below the diagonal). NaN with one class.

    Raises
    ------
    DataError
        When the focus is unknown or the range is not one.

    Notes
    -----
    D. K. McClish, Medical Decision Making 9 (1989) 190-195. R: ``pROC::auc(roc, partial.auc = c(from, to),
    partial.auc.focus = focus, partial.auc.correct = )``.

    Examples
    --------
    >>> partial_auc(np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 3.0, 4.0]), "specificity", 1, 0.8)["corrected"]
    1.0
    """
    on_sensitivity, high, low = _range(focus, from_, to)
    event, (score,) = split_classes(outcome, score)
    if event.all() or not event.any():
        return {"estimate": NAN, "corrected": NAN}
    group = _groups(score)
    weight = np.ones(len(score))
    area = float(_weighted_area(group, group.max() + 1, event, weight, on_sensitivity, high, low))
    smallest, largest = (2.0 - high - low) * (high - low) / 2.0, high - low
    corrected = NAN if area < smallest else (1.0 + (area - smallest) / (largest - smallest)) / 2.0
    return {"estimate": area, "corrected": corrected}


def compare_partial_auc(
    outcome: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    focus: str,
    from_: float,
    to: float,
    n_resamples: int,
    seed: int,
    level: float = 0.95,
) -> dict[str, float]:
    """Paired comparison of two partial areas by a bootstrap stratified by outcome.

    Returns
    -------
    dict
        ``difference`` (a - b, uncorrected areas), ``low``, ``high`` (normal, with the bootstrap's standard deviation),
        ``statistic``, ``p``. Identical scores: statistic 0, p 1. NaN with one class.

    Notes
    -----
    R: ``pROC::roc.test(method = "bootstrap", boot.stratified = TRUE, partial.auc =, partial.auc.focus =)``; the random
    numbers are NumPy's, so p agrees with R within the bootstrap's error only.

    Examples
    --------
    >>> y, s = np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 2.0, 4.0])
    >>> compare_partial_auc(y, s, s, "sensitivity", 1, 0.8, 100, seed=1)["p"]
    1.0
    """
    on_sensitivity, high, low = _range(focus, from_, to)
    event, (a, b) = split_classes(outcome, a, b)
    m, n = int(event.sum()), int((~event).sum())
    if m == 0 or n == 0 or n_resamples < 2:
        return {"difference": NAN, "low": NAN, "high": NAN, "statistic": NAN, "p": NAN}
    difference = partial_auc(event, a, focus, from_, to)["estimate"] - partial_auc(event, b, focus, from_, to)["estimate"]
    rng = np.random.default_rng(seed)
    other_draws = rng.integers(0, n, (n_resamples, n))
    event_draws = rng.integers(0, m, (n_resamples, m))
    differences = _resampled_differences(
        _groups(a), _groups(b), event, event_draws, other_draws, on_sensitivity, high, low
    )
    return compare_estimates(difference, float(differences.std(ddof=1)), level)
