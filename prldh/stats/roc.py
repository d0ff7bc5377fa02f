"""ROC curves: area, DeLong's variance and test, coordinates, Youden's cutoff.

Direction is given: a higher score means event. A score is positive when strictly above a threshold.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from prldh.core import DataError

NAN = float("nan")


def split_classes(outcome: np.ndarray, *scores: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The events as a mask (n,) and the scores as floats (n,).

    Raises
    ------
    DataError
        When lengths differ, a score is not finite, or the outcome is not 0/1.
    """
    outcome = np.asarray(outcome, dtype=float).ravel()
    arrays = [np.asarray(score, dtype=float).ravel() for score in scores]
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise DataError("outcome must be 0 or 1. Recode it.")
    for score in arrays:
        if score.shape != outcome.shape:
            raise DataError(f"a score must have one value a patient: found {score.size} for {outcome.size} outcomes.")
        if not np.isfinite(score).all():
            bad = int((~np.isfinite(score)).sum())
            raise DataError(
                f"a score must be finite: {bad} of {score.size} are not. Leave such patients out, or impute."
            )
    return outcome == 1.0, arrays


def split_probability(outcome: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`split_classes`, for predictions that must lie in 0..1."""
    event, (probability,) = split_classes(outcome, probability)
    if ((probability < 0.0) | (probability > 1.0)).any():
        raise DataError(
            f"a probability must lie in 0..1: found {probability.min():g} to {probability.max():g}. A score is not a"
            " probability."
        )
    return event, probability


# -- area and DeLong's placements ------------------------------------------------------------------------------


def placements(event: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Twice the number of non-events below each event (ties half), and of events above each non-event: integers.

    X. Sun, W. Xu, IEEE Signal Processing Letters 21 (2014) 1389-1393.
    """
    doubled = np.rint(2.0 * stats.rankdata(score)).astype(np.int64)
    of_events = doubled[event] - np.rint(2.0 * stats.rankdata(score[event])).astype(np.int64)
    of_others = np.rint(2.0 * stats.rankdata(score[~event])).astype(np.int64) - doubled[~event]
    return of_events, of_others + 2 * int(event.sum())


def _spread(values: np.ndarray) -> tuple[int, int]:
    """n * sum of squares - (sum)^2, in whole numbers of any size, and n: exact, whatever the order of patients."""
    high, low = np.divmod(values, 1 << 16)  # keeps every partial sum within 64 bits
    squares = (int((high * high).sum()) << 32) + (int((high * low).sum()) << 17) + int((low * low).sum())
    return len(values) * squares - int(values.sum()) ** 2, len(values)


def _delong_variance(of_events: np.ndarray, of_others: np.ndarray) -> float:
    """Variance of the area from the (doubled) placements; NaN with fewer than two of a class."""
    (top_1, m), (top_0, n) = _spread(of_events), _spread(of_others)
    if m < 2 or n < 2:
        return NAN
    return top_1 / (m * m * (m - 1) * 4 * n * n) + top_0 / (n * n * (n - 1) * 4 * m * m)


def auc(outcome: np.ndarray, score: np.ndarray, level: float = 0.95) -> dict[str, float]:
    """Area under the ROC curve with DeLong's variance and interval.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    score : (n,) array
        Higher means event.
    level : float
        Coverage of the interval.

    Returns
    -------
    dict
        ``estimate``, ``variance``, ``low``, ``high`` (clipped to 0..1). All NaN with one class; variance and limits
        NaN with a single patient in a class.

    Raises
    ------
    DataError
        When lengths differ, a score is not finite, or the outcome is not 0/1.

    Notes
    -----
    E. R. DeLong et al., Biometrics 44 (1988) 837-845. R: ``pROC::ci.auc(roc, method = "delong")``.
    Computed in whole numbers, so that the order of the patients changes no bit.

    Examples
    --------
    >>> auc(np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 2.0, 3.0]))["estimate"]
    0.875
    """
    event, (score,) = split_classes(outcome, score)
    m, n = int(event.sum()), int((~event).sum())
    if m == 0 or n == 0:
        return {"estimate": NAN, "variance": NAN, "low": NAN, "high": NAN}
    of_events, of_others = placements(event, score)
    estimate = int(of_events.sum()) / (2 * m * n)
    variance = _delong_variance(of_events, of_others)
    half = float(special.ndtri(0.5 + level / 2.0)) * np.sqrt(variance)
    return {
        "estimate": estimate,
        "variance": variance,
        "low": float(np.clip(estimate - half, 0.0, 1.0)),
        "high": float(np.clip(estimate + half, 0.0, 1.0)),
    }


def compare_auc(outcome: np.ndarray, a: np.ndarray, b: np.ndarray, level: float = 0.95) -> dict[str, float]:
    """DeLong's paired test of two areas on the same patients.

    Returns
    -------
    dict
        ``difference`` (a - b), ``low``, ``high``, ``statistic`` (Z), ``p``. Identical curves: statistic 0, p 1.

    Notes
    -----
    E. R. DeLong et al., Biometrics 44 (1988) 837-845. R: ``pROC::roc.test(roc_a, roc_b, method = "delong", paired =
    TRUE)``.

    Examples
    --------
    >>> y, s = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.3, 0.2])
    >>> compare_auc(y, s, s)["p"]
    1.0
    """
    event, (a, b) = split_classes(outcome, a, b)
    m, n = int(event.sum()), int((~event).sum())
    if m == 0 or n == 0:
        return {"difference": NAN, "low": NAN, "high": NAN, "statistic": NAN, "p": NAN}
    (events_a, others_a), (events_b, others_b) = placements(event, a), placements(event, b)
    # one curve, even where its variance does not exist
    if (events_a == events_b).all() and (others_a == others_b).all():
        return compare_estimates(0.0, 0.0, level)
    difference = int((events_a - events_b).sum()) / (2 * m * n)
    error = np.sqrt(_delong_variance(events_a - events_b, others_a - others_b))
    return compare_estimates(difference, error, level)


def compare_estimates(difference: float, error: float, level: float) -> dict[str, float]:
    """Normal test and interval of a difference; without any spread, Z is 0 when the difference is, else infinite."""
    if error == 0.0:
        statistic = 0.0 if difference == 0.0 else float(np.copysign(np.inf, difference))
    else:
        statistic = float(difference / error)
    half = float(special.ndtri(0.5 + level / 2.0)) * float(error)
    return {
        "difference": float(difference),
        "low": float(difference - half),
        "high": float(difference + half),
        "statistic": statistic,
        "p": float(2.0 * special.ndtr(-abs(statistic))),
    }


# -- the curve -------------------------------------------------------------------------------------------------


def _counts(event: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct scores ascending (u,), and how many events and non-events lie above -inf and each of them (u + 1,)."""
    values, place = np.unique(score, return_inverse=True)
    events = np.bincount(place[event], minlength=values.size)
    others = np.bincount(place[~event], minlength=values.size)
    tp = np.concatenate([[events.sum()], events.sum() - np.cumsum(events)])
    fp = np.concatenate([[others.sum()], others.sum() - np.cumsum(others)])
    return values, tp, fp


def _thresholds(values: np.ndarray) -> np.ndarray:
    """Midpoints between neighbouring distinct values, as pROC: also where the sum would overflow."""
    low, high = np.append(-np.inf, values), np.append(values, np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        middle = (low + high) / 2.0
    far = np.abs(middle) > 1e100
    middle[far] = low[far] / 2.0 + high[far] / 2.0
    return middle


def roc_curve(outcome: np.ndarray, score: np.ndarray) -> dict[str, np.ndarray]:
    """The empirical ROC curve.

    Returns
    -------
    dict
        ``thresholds`` ascending from -Inf by midpoints to Inf, ``sensitivities``, ``specificities``, each (u + 1,) for
        u distinct scores. With one class, the coordinate of the missing one is NaN.

    Notes
    -----
    J. A. Hanley, B. J. McNeil, Radiology 143 (1982) 29-36. R: ``pROC::roc(outcome, score, levels = c(0, 1), direction =
    "<")``. Where two neighbouring scores have no number between them pROC puts the threshold on the higher one; so does
    this.

    Examples
    --------
    >>> roc_curve(np.array([0, 1, 1]), np.array([1.0, 2.0, 3.0]))["thresholds"]
    array([-inf,  1.5,  2.5,  inf])
    """
    event, (score,) = split_classes(outcome, score)
    values, tp, fp = _counts(event, score)
    thresholds = _thresholds(values)
    inner = slice(1, -1)
    thresholds[inner] = np.where(thresholds[inner] <= values[:-1], values[1:], thresholds[inner])
    with np.errstate(invalid="ignore"):
        return {
            "thresholds": thresholds,
            "sensitivities": tp / np.float64(tp[0]),
            "specificities": (fp[0] - fp) / np.float64(fp[0]),
        }


def youden(outcome: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """Youden's cutoff: the threshold with the largest sensitivity + specificity, the higher sensitivity among ties.

    Returns
    -------
    dict
        ``threshold`` (may be -Inf), ``tp``, ``fp``, ``fn``, ``tn``, ``sensitivity``, ``specificity``; all NaN with one
        class. Positive is strictly above the threshold. Ties of the index are judged with 1e-12 slack.

    Notes
    -----
    W. J. Youden, Cancer 3 (1950) 32-35. R: ``pROC::coords(roc, "best", best.method = "youden")``. Where two
    neighbouring scores have no number between them, the threshold is the lower one, so that "strictly above" holds.

    Examples
    --------
    >>> youden(np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 3.0, 4.0]))["threshold"]
    2.5
    """
    event, (score,) = split_classes(outcome, score)
    values, tp, fp = _counts(event, score)
    m, n = int(tp[0]), int(fp[0])
    if m == 0 or n == 0:
        return dict.fromkeys(("threshold", "tp", "fp", "fn", "tn", "sensitivity", "specificity"), NAN)
    sensitivity, specificity = tp / m, (n - fp) / n
    index = sensitivity + specificity
    best = int(np.flatnonzero(index >= index.max() - 1e-12)[0])  # sensitivity falls along the curve
    threshold = _thresholds(values)[best]
    if 0 < best < len(values) and threshold >= values[best]:
        threshold = values[best - 1]
    return {
        "threshold": float(threshold),
        "tp": float(tp[best]),
        "fp": float(fp[best]),
        "fn": float(m - tp[best]),
        "tn": float(n - fp[best]),
        "sensitivity": float(sensitivity[best]),
        "specificity": float(specificity[best]),
    }
