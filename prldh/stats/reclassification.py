"""Reclassification by a second model: net reclassification improvement, with and without categories, and the IDI."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from prldh.core import DataError
from prldh.stats.roc import split_probability

NAN = float("nan")
_ROUNDING = 1e-14
"""A standard error of differences of probabilities below this is rounding, and stands for none."""


def reclassification(
    outcome: np.ndarray, a: np.ndarray, b: np.ndarray, categories: np.ndarray, level: float = 0.95
) -> dict[str, Any]:
    """What changes for events and non-events when the second model's probabilities take the place of the first's.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    a, b : (n,) arrays
        Probabilities by the first (old) and the second (new) model.
    categories : (c,) array
        Cut points within 0..1, ascending. A patient's category is the number of cut points strictly below the
        probability: a probability equal to a cut point is in the lower category.
    level : float
        Coverage of the intervals.

    Returns
    -------
    dict
        For each of ``nri`` (moves between categories), ``cnri`` (any change of the probability; a tie is no move) and
        ``idi`` (differences of mean probabilities), and each of its parts ``X_events`` and ``X_nonevents``: ``X``,
        ``X_low``, ``X_high``, ``X_z``, ``X_p``; each part counts for the second model, so that the whole is their sum.
        Further the patients who move, ``X_up_events``, ``X_down_events``, ``X_up_nonevents``, ``X_down_nonevents`` (X:
        nri, cnri), ``n_events``, ``n_nonevents``, and ``table_events``, ``table_nonevents`` (c + 1, c + 1): patients by
        old category (rows) and new (columns).

        NaN with one class. Where nobody of a class moves, or all of them alike, its asymptotic standard error is 0;
        where that of the whole is 0, and where it takes more patients than there are, interval and test do not exist:
        NaN.

    Raises
    ------
    DataError
        When lengths differ, a probability is not within 0..1, the outcome is not 0/1, or the cut points are not
        ascending within 0..1.

    Notes
    -----
    R: ``Hmisc::improveProb`` (``nri``, ``z.nri``, ``idi``, ``z.idi`` and their parts), whose NRI is the one without
    categories; the one with categories is its NRI of category numbers. Standard errors are asymptotic, not under the
    null hypothesis.

    References
    ----------
    M. J. Pencina et al., Statistics in Medicine 27 (2008) 157-172 and 30 (2011) 11-21; for one cut point at the event
    rate M. J. Pencina, E. W. Steyerberg, R. B. D'Agostino, Statistics in Medicine 36 (2017) 4495-4502.

    Examples
    --------
    Of two events one moves up, of two non-events one moves down

    >>> y, old, new = np.array([1, 1, 0, 0]), np.array([0.4, 0.6, 0.6, 0.4]), np.array([0.7, 0.8, 0.3, 0.4])
    >>> measures = reclassification(y, old, new, np.array([0.5]))
    >>> measures["nri"], measures["cnri"], round(measures["idi"], 3)
    (1.0, 1.5, 0.4)
    """
    event, a = split_probability(outcome, a)
    _, b = split_probability(outcome, b)
    cuts = _as_cuts(categories)
    old, new = (np.searchsorted(cuts, p, side="left") for p in (a, b))
    n_events, n_nonevents = float(event.sum()), float((~event).sum())
    measures: dict[str, Any] = {"n_events": n_events, "n_nonevents": n_nonevents}
    for name, moves in (("nri", np.sign(new - old)), ("cnri", np.sign(b - a))):
        counts = {
            f"{way}_{part}": float((moves[own] == sign).sum())
            for part, own in _parts(event)
            for way, sign in (("up", 1), ("down", -1))
        }
        events = _net_share(counts["up_events"], counts["down_events"], n_events)
        nonevents = _net_share(counts["down_nonevents"], counts["up_nonevents"], n_nonevents)
        measures.update(_describe(name, events, nonevents, level))
        measures.update({f"{name}_{key}": n for key, n in counts.items()})
    change = b - a
    measures.update(_describe("idi", _mean(change[event]), _mean(-change[~event]), level))
    for part, own in _parts(event):
        table = np.zeros((len(cuts) + 1, len(cuts) + 1))
        np.add.at(table, (old[own], new[own]), 1.0)
        measures[f"table_{part}"] = table
    return measures


def _parts(event: np.ndarray) -> tuple[tuple[str, np.ndarray], tuple[str, np.ndarray]]:
    return ("events", event), ("nonevents", ~event)


def _as_cuts(categories: np.ndarray) -> np.ndarray:
    cuts = np.atleast_1d(np.asarray(categories, dtype=float)).ravel()
    if not ((cuts > 0.0) & (cuts < 1.0)).all() or not (np.diff(cuts) > 0.0).all():
        raise DataError(f"categories must be ascending cut points within 0 and 1: found {cuts.tolist()}.")
    return cuts


def _net_share(right: float, wrong: float, n: float) -> tuple[float, float]:
    """Share of n patients who move the right way less that of those who move the wrong way, and its variance: exactly 0
    if all do alike."""
    if n == 0:
        return NAN, NAN
    return (right - wrong) / n, ((right + wrong) * n - (right - wrong) ** 2) / n**3


def _mean(values: np.ndarray) -> tuple[float, float]:
    """A mean and its variance; NaN where there are too few values."""
    n = len(values)
    if n == 0:
        return NAN, NAN
    mean = float(values.sum() / n)
    return mean, float(((values - mean) ** 2).sum() / (n - 1) / n) if n > 1 else NAN


def _describe(name: str, events: tuple[float, float], nonevents: tuple[float, float], level: float) -> dict[str, float]:
    """Whole and parts with Wald's interval and test."""
    whole = (events[0] + nonevents[0], events[1] + nonevents[1])
    statistics = {}
    for key, (estimate, variance) in ((name, whole), (f"{name}_events", events), (f"{name}_nonevents", nonevents)):
        error = float(np.sqrt(variance))
        if not error > _ROUNDING:
            error = NAN
        half, z = float(special.ndtri(0.5 + level / 2.0)) * error, estimate / error
        statistics[key] = estimate
        statistics.update(
            {
                f"{key}_low": estimate - half,
                f"{key}_high": estimate + half,
                f"{key}_z": z,
                f"{key}_p": float(2.0 * special.ndtr(-abs(z))),
            }
        )
    return statistics
