"""Decision curves: what acting above a threshold gains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from prldh.core import DataError
from prldh.stats.bands import percentile_band, times_drawn
from prldh.stats.positives import as_thresholds, positives
from prldh.stats.roc import split_classes, split_probability

_PER_PATIENTS = 100.0
_SLACK = 1e-9
"""Limits that differ from their mean by less than this are rounding."""


def _odds(thresholds: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return thresholds / (1.0 - thresholds)


def _benefits(
    tp: np.ndarray, fp: np.ndarray, events: np.ndarray, n: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Net benefit, standardised net benefit and net interventions avoided (m, t), of ``events`` among ``n`` (m,)
    patients."""
    odds, events, n = _odds(thresholds), np.asarray(events, float)[:, None], np.asarray(n, float)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        net = tp / n - fp / n * odds
        standardized = np.where(events > 0, net / (events / n), np.nan)
        # (net - all) / odds without its cancellation, so that acting on everyone avoids exactly nothing
        avoided = _PER_PATIENTS * (n - events - fp - (events - tp) / odds) / n
    avoided[:, (thresholds == 0.0) | (thresholds == 1.0)] = np.nan
    return net, standardized, avoided


def _treat_all(prevalence: float, thresholds: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return prevalence - (1.0 - prevalence) * _odds(thresholds)


def _curve(
    thresholds: np.ndarray,
    points: Sequence[np.ndarray],
    treat_all: np.ndarray,
    resampled: Sequence[np.ndarray],
    level: float,
) -> dict[str, np.ndarray]:
    """The keys of a decision curve, from what :func:`_benefits` gives for the points (t,) and for the resamples (m,
    t)."""
    net, standardized, avoided = points
    (low, high), (standardized_low, standardized_high), (avoided_low, avoided_high) = (
        percentile_band(r, level) for r in resampled
    )
    return {
        "threshold": thresholds,
        "net_benefit": net,
        "standardized": standardized,
        "all": treat_all,
        "low": low,
        "high": high,
        "standardized_low": standardized_low,
        "standardized_high": standardized_high,
        "avoided": avoided,
        "avoided_low": avoided_low,
        "avoided_high": avoided_high,
    }


def _around(mean: np.ndarray, band: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles over resamples, where they hold the mean: of few values that differ from 0 they may not."""
    low, high = band
    with np.errstate(invalid="ignore"):
        holds = (low <= mean + _SLACK) & (mean - _SLACK <= high)
    return np.where(holds, low, np.nan), np.where(holds, high, np.nan)


def _share(event: np.ndarray) -> float:
    return float(event.mean()) if len(event) else float("nan")


def decision_curve(
    outcome: np.ndarray,
    probability: np.ndarray,
    thresholds: np.ndarray,
    rows: ArrayLike = (),
    n_resamples: int = 0,
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
        (t,) arrays: ``threshold``; ``net_benefit`` = TP/n - FP/n * t/(1-t), with ``low`` and ``high``; ``standardized``
        = net benefit by the prevalence, with ``standardized_low`` and ``standardized_high``; ``all`` (act on everyone);
        ``avoided`` = (net_benefit - all) / (t/(1-t)) * 100, net interventions avoided per 100 patients, with
        ``avoided_low`` and ``avoided_high``. Each resample is standardised by, and compared with acting on everyone at,
        its own prevalence; one without events has no standardised net benefit. NaN at a threshold of 1, and for
        ``avoided`` also at 0; ``standardized`` is NaN without events.

    Raises
    ------
    DataError
        When a threshold lies outside 0..1, or ``rows`` do not fit ``n_resamples``.

    Notes
    -----
    A. J. Vickers, E. B. Elkin, Medical Decision Making 26 (2006) 565-574. R: ``rmda::decision_curve(fitted.risk = TRUE,
    study.design = "cohort")``, which standardises each resample likewise, and ``dcurves::net_intervention_avoided(nper
    = 100)``. Limits are quantiles of type 7; rmda's are of type 1.

    Examples
    --------
    >>> y, p = np.array([0, 1]), np.array([0.2, 0.7])
    >>> curve = decision_curve(y, p, np.array([0.5]))
    >>> curve["net_benefit"], curve["avoided"]
    (array([0.5]), array([50.]))
    """
    event, probability = split_probability(outcome, probability)
    thresholds, n = as_thresholds(thresholds), len(event)
    # the cohort itself, then its resamples
    times = np.vstack([np.ones((1, n), np.int64), times_drawn(rows, n_resamples, n)])
    tp, fp = positives(event, probability, thresholds, times)
    benefits = _benefits(tp, fp, times @ event, times.sum(axis=1), thresholds)
    return _curve(
        thresholds,
        [values[0] for values in benefits],
        _treat_all(_share(event), thresholds),
        [values[1:] for values in benefits],
        level,
    )


def decision_curve_at_prevalence(
    outcome: np.ndarray,
    probability: np.ndarray,
    thresholds: np.ndarray,
    prevalence: float,
    rows: ArrayLike = (),
    n_resamples: int = 0,
    level: float = 0.95,
) -> dict[str, np.ndarray]:
    """The decision curve where another share of the patients has the event than among these.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    probability : (n,) array
        Predictions as these patients' share of events made them.
    thresholds : (t,) array
    prevalence : float
        Between 0 and 1: the share of events in the population where the model would be used.
    rows, n_resamples, level
        As in :func:`decision_curve`.

    Returns
    -------
    dict
        The keys of :func:`decision_curve`. Predictions are moved by the difference of the log odds of the two
        prevalences (rounded to 12 decimals), and sensitivity and 1 - specificity at each threshold are weighted:
        ``net_benefit`` = sensitivity * prevalence - (1 - specificity) * (1 - prevalence) * t/(1-t). Each resample has
        its own sensitivity and specificity. NaN with one class only.

    Raises
    ------
    DataError
        As :func:`decision_curve`, and for a prevalence outside 0..1.

    Notes
    -----
    Sensitivity and specificity by score are taken to be the same in both populations, as in a case-control study: A. J.
    Vickers, E. B. Elkin, Medical Decision Making 26 (2006) 565-574; the shift of the log odds is that of G. King, L.
    Zeng, Political Analysis 9 (2001) 137-163 (prior correction). R: ``rmda::decision_curve(study.design =
    "case-control", population.prevalence = )`` weights likewise, and ``dcurves::dca(prevalence = )``; neither moves
    given predictions.

    Examples
    --------
    >>> y, p = np.array([0, 0, 1, 1]), np.array([0.2, 0.6, 0.7, 0.9])
    >>> decision_curve_at_prevalence(y, p, np.array([0.1]), 0.1)["net_benefit"].round(4)
    array([0.05])
    """
    event, probability = split_probability(outcome, probability)
    if not 0.0 < prevalence < 1.0:
        raise DataError(f"prevalence must lie between 0 and 1: found {prevalence:g}.")
    thresholds, n = as_thresholds(thresholds), len(event)
    times = np.vstack([np.ones((1, n), np.int64), times_drawn(rows, n_resamples, n)])
    share = _share(event)
    if 0.0 < share < 1.0:
        likely = probability * (prevalence / share)
        probability = np.round(likely / (likely + (1.0 - probability) * ((1.0 - prevalence) / (1.0 - share))), 12)
    tp, fp = positives(event, probability, thresholds, times)
    events = (times @ event)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        # the rates first: where everyone is above a threshold they are 1, and nothing is avoided, exactly
        tp, fp = prevalence * (tp / events), (1.0 - prevalence) * (fp / (n - events))
    whole = np.ones(len(times))
    benefits = _benefits(tp, fp, prevalence * whole, whole, thresholds)
    return _curve(
        thresholds,
        [values[0] for values in benefits],
        _treat_all(prevalence, thresholds),
        [values[1:] for values in benefits],
        level,
    )


def compare_decision_curves(
    outcome: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    thresholds: np.ndarray,
    rows: ArrayLike = (),
    n_resamples: int = 0,
    level: float = 0.95,
) -> dict[str, np.ndarray]:
    """Difference of two models' net benefits on the same patients, a - b.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    a, b : (n,) arrays
        Predicted probabilities.
    thresholds, rows, n_resamples, level
        As in :func:`decision_curve`; each resample gives both models' net benefit.

    Returns
    -------
    dict
        (t,) arrays: ``threshold``, ``difference``, ``low``, ``high``. NaN at a threshold of 1; no limits without
        resamples.

    Raises
    ------
    DataError
        As :func:`decision_curve`.

    Notes
    -----
    A. J. Vickers et al., BMC Medical Informatics and Decision Making 8 (2008) 53. Limits are of one threshold at a
    time, and no test over all thresholds. R: of the difference of two ``rmda::decision_curve``; rmda has no band of it.

    Examples
    --------
    >>> y, a, b = np.array([0, 1]), np.array([0.2, 0.7]), np.array([0.6, 0.7])
    >>> compare_decision_curves(y, a, b, np.array([0.5]))["difference"]
    array([0.5])
    """
    event, a = split_probability(outcome, a)
    event, b = split_probability(outcome, b)
    thresholds, n = as_thresholds(thresholds), len(event)
    times = np.vstack([np.ones((1, n), np.int64), times_drawn(rows, n_resamples, n)])
    (tp_a, fp_a), (tp_b, fp_b) = positives(event, a, thresholds, times), positives(event, b, thresholds, times)
    with np.errstate(invalid="ignore"):
        difference = (tp_a - tp_b) / np.float64(n) - (fp_a - fp_b) / np.float64(n) * _odds(thresholds)
    low, high = percentile_band(difference[1:], level)
    return {"threshold": thresholds, "difference": difference[0], "low": low, "high": high}


def out_of_bag_decision_curve(
    outcome: np.ndarray, probability: np.ndarray, out_of_bag: np.ndarray, thresholds: np.ndarray, level: float = 0.95
) -> dict[str, np.ndarray]:
    """Net benefit of bootstrap models in the patients that were not drawn, averaged over the resamples.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    probability : (m, n) array
        Predictions by the model of each bootstrap sample. Only those of its out-of-bag patients are looked at.
    out_of_bag : (m, n) array of 0/1
        1 = the sample does not hold the patient.
    thresholds : (t,) array
        In 0..1, in any order.
    level : float
        Coverage of the percentiles over the resamples.

    Returns
    -------
    dict
        The keys of :func:`decision_curve`. ``net_benefit``, ``all`` and ``avoided`` are means over the resamples of
        what each gives in its own out-of-bag patients, and ``standardized`` is the mean net benefit by the mean
        prevalence there: model and acting on everyone are compared on the same patients. (With the cohort's prevalence
        instead, a difference of 0.001 would make 10 avoided interventions per 100 at a threshold of 0.01.) Limits are
        percentiles over the resamples: of the net benefit, of the net benefit by the resample's own out-of-bag
        prevalence (where that is not 0), and of the interventions avoided. A resample without out-of-bag patients, or
        with a NaN among their predictions, does not count. Limits that do not hold the mean are NaN: where most
        resamples have nobody above a threshold, the percentiles are those of none.

    Raises
    ------
    DataError
        When shapes differ, ``out_of_bag`` is not 0/1, an out-of-bag prediction or a threshold lies outside 0..1.

    Notes
    -----
    A. J. Vickers et al., BMC Medical Informatics and Decision Making 8 (2008) 53, on decision curves of resampled
    models; B. Efron, Journal of the American Statistical Association 78 (1983) 316-331, on the patients left out. The
    percentiles show how much small held-out sets vary; they are wider than an interval of the mean. R has no such
    function but prldh's own.

    Examples
    --------
    >>> y, p = np.array([0, 1, 1]), np.array([[0.2, 0.7, 0.9], [0.6, 0.8, 0.1]])
    >>> out_of_bag_decision_curve(y, p, np.array([[1, 1, 0], [1, 0, 1]]), np.array([0.5]))["net_benefit"]
    array([0.])
    """
    event, _ = split_classes(outcome)
    thresholds = as_thresholds(thresholds)
    probability, is_out = _held_out(event, probability, out_of_bag)
    times = is_out.astype(np.int64)
    events, size = times @ event, times.sum(axis=1)
    resampled = _benefits(*positives(event, probability, thresholds, times), events, size, thresholds)
    nothing = np.full(len(thresholds), np.nan)
    net, avoided = (values.mean(axis=0) if len(size) else nothing for values in (resampled[0], resampled[2]))
    prevalence = float((events / size).mean()) if len(size) else float("nan")
    standardized = net / prevalence if prevalence > 0.0 else nothing
    means = {"": net, "standardized_": standardized, "avoided_": avoided}
    curve = _curve(thresholds, list(means.values()), _treat_all(prevalence, thresholds), resampled, level)
    for prefix, mean in means.items():
        ends = f"{prefix}low", f"{prefix}high"
        curve |= dict(zip(ends, _around(mean, (curve[ends[0]], curve[ends[1]])), strict=True))
    return curve


def compare_out_of_bag_decision_curves(
    outcome: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    out_of_bag: np.ndarray,
    thresholds: np.ndarray,
    level: float = 0.95,
) -> dict[str, np.ndarray]:
    """Difference of two models' out-of-bag net benefit, averaged over the bootstrap samples.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    a, b : (m, n) arrays
        Predictions by the two models of each bootstrap sample.
    out_of_bag : (m, n) array of 0/1
    thresholds : (t,) array
    level : float

    Returns
    -------
    dict
        (t,) arrays ``threshold``, ``difference`` (a - b, the mean over the resamples) and its percentiles over the
        resamples, ``low`` and ``high``. A resample without out-of-bag patients, or with a NaN among their predictions,
        does not count.

    Raises
    ------
    DataError
        As :func:`out_of_bag_decision_curve`.

    Notes
    -----
    As :func:`out_of_bag_decision_curve` (Vickers et al. 2008, Efron 1983). R has no such function but prldh's own.

    Examples
    --------
    >>> y, p = np.array([0, 1]), np.array([[0.2, 0.7]])
    >>> compare_out_of_bag_decision_curves(y, p, 1 - p, np.ones((1, 2)), np.array([0.5]))["difference"]
    array([1.])
    """
    event, _ = split_classes(outcome)
    thresholds = as_thresholds(thresholds)
    gone = np.isnan(np.asarray(a, dtype=float)) | np.isnan(np.asarray(b, dtype=float))
    (of_a, is_out), (of_b, _) = (_held_out(event, np.where(gone, np.nan, p), out_of_bag) for p in (a, b))
    times = is_out.astype(np.int64)
    (tp_a, fp_a), (tp_b, fp_b) = (positives(event, p, thresholds, times) for p in (of_a, of_b))
    with np.errstate(invalid="ignore"):
        difference = (tp_a - tp_b - (fp_a - fp_b) * _odds(thresholds)) / times.sum(axis=1)[:, None]
    mean = difference.mean(axis=0) if len(difference) else np.full(len(thresholds), np.nan)
    low, high = _around(mean, percentile_band(difference, level))
    return {"threshold": thresholds, "difference": mean, "low": low, "high": high}


def _held_out(event: np.ndarray, probability: np.ndarray, out_of_bag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and who is out of bag (k, n), of the resamples that count; predictions of patients drawn are 0."""
    probability, out_of_bag = np.asarray(probability, dtype=float), np.asarray(out_of_bag, dtype=float)
    if probability.ndim != 2 or probability.shape != out_of_bag.shape or probability.shape[1] != len(event):
        raise DataError(
            f"probability and out_of_bag must be (m, {len(event)}), one row a resample: found {probability.shape} and"
            f" {out_of_bag.shape}."
        )
    if not np.isin(out_of_bag, (0.0, 1.0)).all():
        raise DataError("out_of_bag must be 0 or 1. Recode it.")
    is_out = out_of_bag == 1.0
    outside = probability[is_out & ((probability < 0.0) | (probability > 1.0))]
    if len(outside):
        raise DataError(f"a probability must lie in 0..1: found {outside[0]:g}. A score is not a probability.")
    used = is_out.any(axis=1) & ~(is_out & np.isnan(probability)).any(axis=1)
    return np.where(is_out, probability, 0.0)[used], is_out[used]
