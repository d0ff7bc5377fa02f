"""ROC curves as results hold them: of a model, and of one Radscore within the high and the low of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prldh.core import Warn, finite, finite_numbers, warn
from prldh.engines import StatisticsEngine
from prldh.models.performance import INTERVAL
from prldh.stats import proportion

TEST = ("difference", "low", "high", "statistic", "p")


def roc_vertices(
    engine: StatisticsEngine, outcome: np.ndarray, p: np.ndarray, level: float
) -> list[dict[str, float | None]]:
    """The empirical ROC curve without the points that lie on straight lines between others.

    ``sensitivity_low`` and ``sensitivity_high`` are Clopper and Pearson's limits of the sensitivity at that threshold:
    a pointwise band.
    """
    curve = engine.roc_curve(outcome, p)
    x, y, t = (
        1 - np.asarray(curve["specificities"]),
        np.asarray(curve["sensitivities"]),
        np.asarray(curve["thresholds"]),
    )
    turn = np.ones(x.size, dtype=bool)
    dx, dy = np.diff(x), np.diff(y)
    turn[1:-1] = np.abs(dx[:-1] * dy[1:] - dx[1:] * dy[:-1]) > 1e-15
    events = float(np.sum(outcome == 1))
    found = []
    for a, b, c in zip(x[turn], y[turn], t[turn], strict=True):
        limits = proportion(round(b * events), events, level)
        found.append(
            {
                "threshold": finite(c),
                "sensitivity": finite(b),
                "specificity": finite(1 - a),
                "sensitivity_low": limits["low"],
                "sensitivity_high": limits["high"],
            }
        )
    return found


def describe_stratified_roc(
    pair: tuple[str, str],
    outcome: np.ndarray,
    scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float],
    engine: StatisticsEngine,
    level: float,
) -> tuple[list[dict[str, Any]], list[Warn]]:
    """Each Radscore of the pair judged within the patients who are high, and within those who are low, in the other.

    The two areas are of different patients, so that their difference is tested as that of unrelated ones.
    """
    found, warnings = [], []
    y = outcome.astype(float)
    for name, other in (pair, pair[::-1]):
        score, is_high = np.asarray(scores[name], dtype=float), np.asarray(scores[other]) > cutoffs[other]
        strata = []
        for group, own in ((f"high {other}", is_high), (f"low {other}", ~is_high)):
            n, events = int(own.sum()), int(outcome[own].sum())
            has_both = 0 < events < n
            strata.append(
                {
                    "group": group,
                    "n": n,
                    "events": events,
                    "auc": finite_numbers(engine.auc(y[own], score[own], level), INTERVAL),
                    "roc": roc_vertices(engine, y[own], score[own], level) if has_both else [],
                }
            )
            if not has_both:
                warnings.append(warn.NO_STRATIFIED_CURVE(score=name, group=group, events=events, n=n))
        test = engine.compare_independent_auc(y[is_high], score[is_high], y[~is_high], score[~is_high], level)
        found.append(
            {
                "name": name,
                "stratified_by": other,
                "strata": strata,
                "comparison": finite_numbers(test, TEST),
                "method": "DeLong's variance in each stratum, unrelated patients",
            }
        )
    return found, warnings
