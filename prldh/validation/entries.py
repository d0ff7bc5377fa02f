"""What validation says of a model, as records that ``results.json`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from prldh.core import ABSENT, BOOTSTRAP, HELD_OUT, Absent, Among, Given, Interval, Later, Number, Single
from prldh.models import RocPoint


@dataclass(frozen=True)
class Repeats:
    """How the pooled AUC differs over repeats of a scheme."""

    n: Given[int]
    sd: Number
    min: Number
    max: Number


@dataclass(frozen=True)
class HeldOutArea(Interval):
    """AUC of pooled held-out predictions; ``fmi``: the fraction of missing information, where covariates were
    imputed."""

    variance: Later[Number]
    method: Later[str]
    fmi: Number | Absent = ABSENT
    repeats: Repeats | Absent = ABSENT


@dataclass(frozen=True)
class FoldMean(Interval):
    """Mean of the folds' AUCs."""

    se: Later[Number]
    n_folds: Given[Later[int]]
    n_folds_one_class: Given[Later[int]]
    method: str | Absent = ABSENT


@dataclass(frozen=True)
class IntervalBy(Interval):
    """An interval and how it was made."""

    method: Later[str]


#: A limit that both engines make of Python's samples of the patients.
OuterLimit = Annotated[Number, Single("intervals of the two-stage bootstrap")]


@dataclass(frozen=True)
class Optimism(Interval):
    """A measure corrected for optimism, and its relatives: out of bag, .632 and .632+."""

    low: OuterLimit
    high: OuterLimit
    optimism: Later[Number]
    resampled: Later[Number]
    oob: Later[Number]
    oob_low: Later[Number]
    oob_high: Later[Number]
    b632: Later[Number]
    b632_low: Later[OuterLimit]
    b632_high: Later[OuterLimit]
    b632plus: Later[Number]
    b632plus_low: Later[OuterLimit]
    b632plus_high: Later[OuterLimit]
    apparent: Later[Number]
    n_defined: Given[Later[int]]
    method: Later[str]
    no_information: Given[Later[Number]]
    reason: str | Absent = ABSENT


@dataclass(frozen=True)
class Null:
    """The null run of a model: its held-out AUCs on permuted outcomes, and how often they reach the observed one."""

    measure: str
    n: int
    mean: Number
    low: Number
    high: Number
    p: Number
    values: tuple[float, ...]


@dataclass(frozen=True)
class Judgement(Interval):
    """A number with its interval; ``reason``: why what is null does not exist."""

    reason: str | Absent = ABSENT


@dataclass(frozen=True)
class PooledArea(Interval):
    """The groups' AUCs as one, a random-effects summary on the logit scale; ``prediction_low`` and ``prediction_high``:
    the interval for the AUC in a new group. ``n_groups`` are pooled; ``left_out`` have one class, equal predictions, or
    an AUC of 0 or 1. Null where one that is left out has an AUC of at most 0.5."""

    tau2: Number
    i2: Number
    q: Number
    q_p: Number
    prediction_low: Number
    prediction_high: Number
    n_groups: Given[int]
    left_out: tuple[str, ...]
    method: str
    reason: str | Absent = ABSENT


@dataclass(frozen=True)
class GroupLevel:
    """What a model says of the patients of a group that was held out: AUC, calibration slope, intercept with the slope
    fixed at 1 (calibration in the large), and observed over expected events."""

    level: str
    n: Given[int]
    events: Given[int]
    auc: Judgement
    slope: Judgement
    citl: Judgement
    observed_expected: Judgement


@dataclass(frozen=True)
class HeldOut:
    """What a scheme that holds patients out says of a model; ``column`` is what it goes by, ``groups`` those that are
    held out one after the other."""

    n_resamples: Given[int]
    n_intercept_only: Given[int]
    n_repeats: Given[Later[int]]
    performance: Annotated[Mapping[str, Any], Among(HELD_OUT)]
    null: Null | Absent = ABSENT
    roc: tuple[RocPoint, ...] | Absent = ABSENT
    groups: tuple[GroupLevel, ...] | Absent = ABSENT
    column: str | Absent = ABSENT


@dataclass(frozen=True)
class Bootstrap:
    """What bootstrap samples say of a model."""

    n_resamples: Given[int]
    n_usable: Given[Later[int]]
    n_intercept_only: Given[int]
    performance: Annotated[Mapping[str, Any], Among(BOOTSTRAP)]


class ByScheme(TypedDict, total=False):
    """By scheme, a plugin's by its own name."""

    leave_one_out: HeldOut
    folds: HeldOut
    bootstrap: Bootstrap


class Validation(TypedDict, total=False):
    """By scope; ``difference``: the AUC of scope ``model`` less that of scope ``pipeline``, by scheme, null where that
    is not what leakage costs, with its ``reason``."""

    model: ByScheme
    pipeline: ByScheme
    difference: Mapping[str, Number | str]
