"""ROC curves as results hold them: of a model, and of one Radscore within the high and the low of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from prldh.core import ABSENT, Absent, Given, Interval, Later, Number, Warn, finite, record_of, warn
from prldh.engines import StatisticsEngine


@dataclass(frozen=True)
class RocPoint:
    """A point of an ROC curve, with Clopper and Pearson's limits of the sensitivity there: a pointwise band."""

    threshold: Number
    sensitivity: Number
    specificity: Number
    sensitivity_low: Later[Number]
    sensitivity_high: Later[Number]


@dataclass(frozen=True)
class DifferenceTest:
    """A difference with its limits, and the test that it is none; ``reason``: that the statistic is infinite."""

    difference: Number
    low: Number
    high: Number
    statistic: Number
    p: Number
    reason: str | Absent = field(default=ABSENT, kw_only=True)


@dataclass(frozen=True)
class RocStratum:
    """A Radscore among the patients of one group of another."""

    group: str
    n: Given[int]
    events: Given[int]
    auc: Interval
    roc: tuple[RocPoint, ...]


@dataclass(frozen=True)
class StratifiedRoc:
    """A Radscore within the high and within the low of another, and the difference of the two areas."""

    name: str
    stratified_by: str
    strata: tuple[RocStratum, ...]
    comparison: DifferenceTest
    method: str


def roc_vertices(engine: StatisticsEngine, outcome: np.ndarray, p: np.ndarray, level: float) -> tuple[RocPoint, ...]:
    """The empirical ROC curve without the points that lie on straight lines between others."""
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
    points = []
    for a, b, c in zip(x[turn], y[turn], t[turn], strict=True):
        limits = engine.proportion(round(b * events), events, level)
        points.append(RocPoint(finite(c), finite(b), finite(1 - a), limits["low"], limits["high"]))
    return tuple(points)


def describe_stratified_roc(
    pair: tuple[str, str],
    outcome: np.ndarray,
    scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float],
    engine: StatisticsEngine,
    level: float,
) -> tuple[tuple[StratifiedRoc, ...], list[Warn]]:
    """Each Radscore of the pair judged within the patients who are high, and within those who are low, in the other.

    The two areas are of different patients, so that their difference is tested as that of unrelated ones.
    """
    curves, warnings = [], []
    y = outcome.astype(float)
    for name, other in (pair, pair[::-1]):
        score, is_high = np.asarray(scores[name], dtype=float), np.asarray(scores[other]) > cutoffs[other]
        strata = []
        for group, own in ((f"high {other}", is_high), (f"low {other}", ~is_high)):
            n, events = int(own.sum()), int(outcome[own].sum())
            has_both = 0 < events < n
            auc = record_of(Interval, engine.auc(y[own], score[own], level))
            roc = roc_vertices(engine, y[own], score[own], level) if has_both else ()
            strata.append(RocStratum(group, n, events, auc, roc))
            if not has_both:
                warnings.append(warn.NO_STRATIFIED_CURVE(score=name, group=group, events=events, n=n))
        test = engine.compare_independent_auc(y[is_high], score[is_high], y[~is_high], score[~is_high], level)
        method = "DeLong's variance in each stratum, unrelated patients"
        curves.append(StratifiedRoc(name, other, tuple(strata), record_of(DifferenceTest, test), method))
    return tuple(curves), warnings
