"""``results.json`` as one record: what the stages of a run made, in the order of its keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from prldh.core import ABSENT, Absent, Later, LedgerRow, Number, Pattern
from prldh.data import Missing
from prldh.data.imaging import ImagesEntry
from prldh.engines import Versions
from prldh.models import (
    Association,
    Comparison,
    NetBenefitDifference,
    Reclassification,
    SampleSizes,
    TableOneRow,
    UnivariateScreen,
)
from prldh.models.interaction import Interaction
from prldh.results.agreement import AgreementRow
from prldh.results.entries import ClinicalModel, ModelEntry
from prldh.results.planned import PlanFollowed
from prldh.results.strangers import StatisticEntry
from prldh.results.tissues import TissueEntry
from prldh.validation import ChoiceEntry, ProtocolEntry, Subgroups, YardstickEntry


@dataclass(frozen=True)
class SchemeEntry:
    """A scheme of validation: its kind, and how many resamples it has."""

    kind: str
    n_resamples: int


@dataclass(frozen=True)
class StudyEntry:
    """The study as it was run."""

    title: Later[str]
    seed: Later[int]
    settings: Later[Mapping[str, Any]]
    schemes: Later[Mapping[str, SchemeEntry]]


@dataclass(frozen=True)
class Excluded:
    """A patient who was left out, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Range:
    """Least and largest value of a continuous covariate."""

    low: Number
    high: Number


@dataclass(frozen=True)
class CohortEntry:
    """The patients who were analysed, and those who were left out. Where several rows may be one patient's, ``n`` and
    ``events`` are of rows, and ``n_patients`` and ``events_patients`` of patients, with the event in some row."""

    n: int
    events: int
    outcome: Later[str]
    event: Later[str]
    non_event: Later[str]
    n_read: Later[int]
    excluded: tuple[Excluded, ...]
    ranges: Later[Mapping[str, Range]]
    n_patients: int | Absent = ABSENT
    events_patients: int | Absent = ABSENT


@dataclass(frozen=True)
class EnginesEntry:
    """Which engine's numbers are reported, the versions of both, and by engine the packages whose functions this run
    ``called``."""

    reported: Literal["r", "python"]
    r: Versions | None
    python: Versions
    note: Later[str]
    called: Mapping[str, tuple[str, ...]] | Absent = ABSENT


@dataclass(frozen=True)
class WarningEntry:
    """What the reader has to know; the documentation explains its code."""

    code: Annotated[str, Pattern("^PRL-[0-9]{3}$")]
    stage: str
    message: str


@dataclass(frozen=True)
class Document:
    """Everything that ``results.json`` holds."""

    schema: Literal["prldh-results/1"]
    study: Later[StudyEntry]
    cohort: CohortEntry
    sample_size: Later[SampleSizes]
    missing: Later[Missing | None]
    table_one: tuple[TableOneRow, ...]
    associations: Later[tuple[Association, ...]]
    univariate: Later[UnivariateScreen | None]
    tissues: Mapping[str, TissueEntry]
    protocols: Mapping[str, ProtocolEntry] | Absent
    choice: ChoiceEntry | Absent
    yardstick: Later[Mapping[str, YardstickEntry] | None]
    models: tuple[ModelEntry, ...]
    clinical_model: ClinicalModel | Absent
    ledger: Later[Mapping[str, Mapping[str, tuple[LedgerRow, ...]]]]
    comparisons: tuple[Comparison, ...]
    net_benefit_differences: tuple[NetBenefitDifference, ...]
    reclassification: tuple[Reclassification, ...]
    interaction: Interaction | None
    engines: EnginesEntry
    agreement: tuple[AgreementRow, ...]
    warnings: tuple[WarningEntry, ...]
    images: Mapping[str, ImagesEntry] | Absent = ABSENT
    subgroups: Mapping[str, Subgroups] | Absent = ABSENT
    plan: PlanFollowed | Absent = ABSENT
    statistics: tuple[StatisticEntry, ...] | Absent = ABSENT
