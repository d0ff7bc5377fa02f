"""What measures of predictions are where they are more than a number or an interval: records, as entries hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from prldh.core import ABSENT, CALIBRATION, Absent, Among, Given, Interval, Later, Number


@dataclass(frozen=True)
class Area(Interval):
    """Area under the ROC curve; ``fmi``: the fraction of missing information, where covariates were imputed."""

    variance: Number
    method: Later[str]
    fmi: Number | Absent = ABSENT


@dataclass(frozen=True)
class PartialArea:
    """A partial area from ``from_`` to ``to`` of sensitivity or specificity, raw and McClish-corrected."""

    estimate: Number
    low: Later[Number]
    high: Later[Number]
    variance: Later[Number]
    corrected: Later[Number]
    corrected_low: Later[Number]
    corrected_high: Later[Number]
    from_: Given[Later[Number]]
    to: Given[Later[Number]]
    n_resamples: Given[Later[int]]
    method: Later[str]


@dataclass(frozen=True)
class PartialAreas:
    """Partial areas by what their range is of."""

    sensitivity: PartialArea
    specificity: PartialArea


@dataclass(frozen=True)
class Confusion:
    """The table of predicted and observed events; predicted is strictly above the threshold."""

    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True)
class HosmerLemeshowGroup:
    """Patients with predictions above ``lower``, up to ``upper``; ``observed`` and ``expected`` events."""

    lower: Number
    upper: Number
    n: Number
    observed: Number
    expected: Number


@dataclass(frozen=True)
class HosmerLemeshow:
    """Hosmer and Lemeshow's test with its table; ``reason``: that the statistic is infinite."""

    statistic: Number
    df: Number
    p: Number
    groups: tuple[HosmerLemeshowGroup, ...]
    reason: str | Absent = field(default=ABSENT, kw_only=True)


@dataclass(frozen=True)
class CalibrationPoint:
    """Observed share of events at a predicted probability, with a pointwise band."""

    predicted: Number
    observed: Number
    low: Later[Number]
    high: Later[Number]


@dataclass(frozen=True)
class PredictionBin:
    """Patients with a prediction from ``low`` up to, not including, ``high`` (the last: including), by outcome."""

    low: float
    high: float
    nonevent: int
    event: int


@dataclass(frozen=True)
class Calibration:
    """The measures that stand there, the smooth curve by ``method``, and how the predictions are distributed."""

    numbers: Annotated[Mapping[str, Number], Among(CALIBRATION)]
    curve: tuple[CalibrationPoint, ...]
    method: str
    histogram: Given[Later[tuple[PredictionBin, ...]]]


@dataclass(frozen=True)
class DecisionPoint:
    """Net benefit at a threshold, of the model and of treating ``all``; interventions ``avoided`` per 100 patients."""

    threshold: Given[Number]
    net_benefit: Number
    standardized: Number
    all: Number
    low: Number
    high: Number
    standardized_low: Later[Number]
    standardized_high: Later[Number]
    avoided: Later[Number]
    avoided_low: Later[Number]
    avoided_high: Later[Number]


@dataclass(frozen=True)
class ImpactPoint:
    """Patients above a threshold per 1,000, and those of them with the event."""

    threshold: Given[Number]
    high_risk: Number
    high_risk_events: Number
    high_risk_low: Later[Number]
    high_risk_high: Later[Number]
    high_risk_events_low: Later[Number]
    high_risk_events_high: Later[Number]
