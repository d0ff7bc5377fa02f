"""What is said of protocols, of the choice among them and of the yardstick, as records that ``results.json`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from prldh.core import ABSENT, Absent, Interval, Later, Number
from prldh.validation.entries import FoldMean, HeldOutArea, IntervalBy


@dataclass(frozen=True)
class Difference(Interval):
    """A mean over resamples of one way's number less another's, on the same held-out patients. ``low`` and ``high`` are
    null, with the ``reason``, where no interval is known to hold."""

    method: Later[str]
    reason: str | Absent = ABSENT


@dataclass(frozen=True)
class FromReference:
    """How a way's model differs from the ``reference``'s ``model``: the study's own, or the choice made anew."""

    reference: str
    model: str
    n_resamples: int
    auc: Difference
    brier: Difference


@dataclass(frozen=True)
class NumberOfFeatures:
    """How many features a way's scores had in the resamples."""

    median: Number
    low: Number
    high: Number


@dataclass(frozen=True)
class ProtocolModel:
    """A model of one way, everything refitted on every resample. ``seconds``: CPU time of all refits. ``n_empty``:
    resamples in which nothing was left of a tissue."""

    name: str
    adjusted: bool
    auc: HeldOutArea
    auc_mean: FoldMean | None
    brier: IntervalBy
    slope: Interval
    n_features: NumberOfFeatures
    seconds: Number
    n_empty: int
    difference: FromReference | None


@dataclass(frozen=True)
class ProtocolScheme:
    """The models of a way under one scheme."""

    models: tuple[ProtocolModel, ...]


@dataclass(frozen=True)
class ProtocolTissue:
    """A tissue by one way: its steps with their settings, learner and second stage in words."""

    transforms: tuple[str, ...]
    selection: tuple[str, ...]
    learner: str
    second_stage: str


@dataclass(frozen=True)
class ProtocolEntry:
    """A way from features to a score by itself; ``tissues`` are those that it makes the score of."""

    tissues: Mapping[str, ProtocolTissue]
    validation: Mapping[str, ProtocolScheme]


@dataclass(frozen=True)
class ChoiceScheme:
    """The choice made anew within every training set of a scheme, and the chosen way refitted there. ``best_looking``
    is the way that looks best on the same resamples, and ``cost`` its number less that of the nested choice."""

    auc: HeldOutArea
    auc_mean: FoldMean | None
    brier: IntervalBy
    slope: Interval
    how_often: Mapping[str, int]
    best_looking: str | None
    cost: Number


@dataclass(frozen=True)
class Candidate:
    """How a way did in the inner folds of the choice on everyone: the mean of the measure, and the standard error of
    its difference from the best's."""

    mean: Number
    se: Number


@dataclass(frozen=True)
class ChoiceEntry:
    """Which way was chosen, by what, and how the choosing itself holds."""

    rule: Literal["one_se", "best"]
    measure: Literal["auc", "brier"]
    model: str
    folds: int
    chosen: str
    because: str
    candidates: Mapping[str, Candidate]
    validation: Mapping[str, ChoiceScheme]


@dataclass(frozen=True)
class YardstickScheme:
    """A plain penalised model of all features, on the same resamples. ``is_better``: the corrected interval of its
    difference from the study's own excludes 0, in its favour."""

    auc: HeldOutArea
    auc_mean: FoldMean | None
    brier: IntervalBy
    slope: Interval
    difference: FromReference | None
    is_better: bool


#: By scheme.
YardstickEntry = Mapping[str, YardstickScheme]
