"""What a second model changes in who is at high risk: reclassification of events and of non-events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from prldh.chain import rounded_probability
from prldh.core import ABSENT, Absent, Given, Inline, Number, finite
from prldh.models.compare import Compared
from prldh.models.performance import Assessment
from prldh.study import Performance

#: Numbers of an engine's answer, by what they end in.
NUMBERS = ("", "_low", "_high", "_z", "_p")
EVENT_RATE = "the share of events (Pencina, Steyerberg & D'Agostino 2017)"


@dataclass(frozen=True)
class Change:
    """By how much a second model improves on a first, with the test that it does not."""

    estimate: Number
    low: Number
    high: Number
    statistic: Number
    p: Number


@dataclass(frozen=True)
class Moves:
    """A change among patients of one outcome; how many move ``up`` and ``down``, where anything is counted."""

    change: Inline[Change]
    n: int
    up: int | Absent = ABSENT
    down: int | Absent = ABSENT


@dataclass(frozen=True)
class Reclassified:
    """A change, and its parts by outcome."""

    change: Inline[Change]
    events: Moves
    nonevents: Moves


@dataclass(frozen=True)
class ReclassificationCell:
    """Patients who were in category ``old`` and are in category ``new``, by outcome."""

    old: Given[int]
    new: Given[int]
    events: int
    nonevents: int


@dataclass(frozen=True)
class Reclassification:
    """The second model in place of the first: net reclassification improvement and integrated discrimination
    improvement."""

    pair: Inline[Compared]
    categories: Given[tuple[float, ...]]
    categories_from: str
    nri: Reclassified
    continuous_nri: Reclassified
    idi: Reclassified
    table: tuple[ReclassificationCell, ...]
    method: str


def describe_reclassification(
    pair: Compared, outcome: np.ndarray, first: np.ndarray, second: np.ndarray, assessment: Assessment
) -> Reclassification:
    """``first`` and ``second`` are log odds (n,), apparent or held out. Without ``performance.risk_categories`` there
    is one cut point, at the share of events. Probabilities are rounded at 1e-12, so that one equal to a cut point is so
    in both engines.
    """
    y = outcome.astype(float)
    a, b = (rounded_probability(eta) for eta in (first, second))
    cuts, source = _cut_points(y, assessment.settings)
    answer = assessment.engine.reclassification(y, a, b, np.array(cuts), assessment.level)
    events, nonevents = (np.asarray(answer[f"table_{part}"]) for part in ("events", "nonevents"))
    table = [
        ReclassificationCell(i, j, int(events[i, j]), int(nonevents[i, j]))
        for i in range(len(events))
        for j in range(len(events))
    ]
    method = (
        "asymptotic standard errors (Pencina et al. 2008, 2011); a probability equal to a cut point is in the lower"
        " category"
    )
    return Reclassification(
        pair=pair,
        categories=tuple(cuts),
        categories_from=source,
        nri=_reclassified(answer, "nri"),
        continuous_nri=_reclassified(answer, "cnri"),
        idi=_reclassified(answer, "idi"),
        table=tuple(table),
        method=method,
    )


def _reclassified(answer: Mapping[str, Any], key: str) -> Reclassified:
    parts = []
    for part in ("events", "nonevents"):
        ways = () if key == "idi" else (int(answer[f"{key}_{way}_{part}"]) for way in ("up", "down"))
        parts.append(Moves(_change(answer, f"{key}_{part}"), int(answer[f"n_{part}"]), *ways))
    return Reclassified(_change(answer, key), *parts)


def _change(answer: Mapping[str, Any], key: str) -> Change:
    return Change(*(finite(answer[f"{key}{ending}"]) for ending in NUMBERS))


def _cut_points(y: np.ndarray, settings: Performance) -> tuple[list[float], str]:
    if settings.risk_categories is not None:
        return list(settings.risk_categories), "performance.risk_categories"
    share = round(float(y.mean()), 12)
    return ([share] if 0 < share < 1 else []), EVENT_RATE
