"""The types of the JSON files of a finished folder beside ``results.json``: what reading holds them to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from prldh.core import Later, Number
from prldh.data.imaging import Formats
from prldh.results.document import EnginesEntry, Excluded, WarningEntry


class FileRead(TypedDict):
    """A file that a run read."""

    path: str
    sha256: str
    bytes: int


class PluginUsed(TypedDict):
    """A plugin that took part in a run."""

    plugin: str
    distribution: str | None
    version: str | None
    sha256: str | None
    brings: tuple[str, ...]


class _Provenance(TypedDict):
    schema: Literal["prldh-provenance/1"]
    prldh: str | None
    commit: str | None
    command: tuple[str, ...]
    started: str
    finished: str
    seconds: float
    platform: str
    python: str
    cores: int | None
    packages: Mapping[str, str | None]
    engines: EnginesEntry
    seed: int
    settings: Mapping[str, Any]
    files: tuple[FileRead, ...]


class Provenance(_Provenance, total=False):
    """``provenance.json``; ``model_sha256``: of the bytes of ``model.json``, ``model_checksum``: what that file carries
    itself, ``written``: SHA-256 of files of the folder that nothing replaces later."""

    model_sha256: str
    model_checksum: str
    written: Mapping[str, str]
    plugins: tuple[PluginUsed, ...]


class ExternalModel(TypedDict, total=False):
    """What is said of one model in new patients, as far as others than its own page read it."""

    name: str
    adjusted: bool
    not_applied: str | None


class _External(TypedDict):
    schema: Literal["prldh-external/1"]
    name: str
    model_sha256: str
    n: int
    events: int | None
    is_validated: bool


class External(_External, total=False):
    """``external.json`` of a cohort; the first ones lacked keys."""

    is_edited: bool
    n_patients: int
    n_read: int
    n_without_outcome: int
    n_judged: int
    events_judged: int | None
    excluded: tuple[Excluded, ...]
    confidence: float
    recalibration: Mapping[str, Any] | None
    case_mix: tuple[Mapping[str, Any], ...]
    domain_shift: Mapping[str, Mapping[str, Any]]
    models: tuple[ExternalModel, ...]
    engine: str
    warnings: tuple[WarningEntry, ...]
    files: tuple[FileRead, ...]
    sha256: str


class PooledCohort(TypedDict):
    """A cohort of several."""

    name: str
    folder: str
    is_validated: bool
    n: int
    events: int | None
    sha256: str


class _Pooled(TypedDict):
    schema: Literal["prldh-external-pooled/1"]
    model_sha256: str
    confidence: float
    cohorts: tuple[PooledCohort, ...]
    models: tuple[Mapping[str, Any], ...]
    engine: str


class Pooled(_Pooled, total=False):
    """``pooled.json``; ``warnings`` since cohorts are held against each other."""

    sha256: str
    warnings: tuple[Mapping[str, Any], ...]


class StepState(TypedDict):
    """A fitted step of a chain."""

    step: str
    version: str
    kind: str
    source: str | None
    state: Any


@dataclass(frozen=True)
class Training:
    """The features that a score reads, in the patients that it was fitted on: first reader's values, as the steps
    before the score leave them.

    ``covariance`` (p, p), divisor n - 1; ``held_out`` by share the quantile of the patients' squared Mahalanobis
    distances, each from all the others, 0.5 the median. Null with the ``reason``. ``low`` and ``high``: the least and
    largest value of each feature.
    """

    n: int
    names: tuple[str, ...]
    mean: tuple[Number, ...]
    sd: tuple[Number, ...]
    covariance: tuple[tuple[float, ...], ...] | None
    held_out: Mapping[str, Number] | None
    reason: str | None
    low: Later[tuple[Number, ...]]
    high: Later[tuple[Number, ...]]


class _FrozenTissue(TypedDict):
    cutoff: Number
    column: str | None
    chain: tuple[StepState, ...]


class FrozenTissue(_FrozenTissue, total=False):
    """A tissue of ``model.json``; those of before hold nothing of their training patients."""

    training: Training | None


class FrozenPart(TypedDict):
    """What a column of a product or function is made of."""

    variable: str
    function: str
    level: str | None
    knots: tuple[float, ...]
    column: int


class _FrozenCoefficient(TypedDict):
    term: str
    variable: str
    level: str | None
    b: Number


class FrozenCoefficient(_FrozenCoefficient, total=False):
    """A coefficient of a frozen model."""

    parts: tuple[FrozenPart, ...]


class SeenRange(TypedDict):
    """The least and largest value of a number, in a model's own patients."""

    low: float
    high: float


class Predicted(TypedDict):
    """Quantiles (0, 0.01 … 1) of the log odds that a model predicts for its own patients, by their outcome."""

    event: tuple[Number, ...]
    non_event: tuple[Number, ...]


class FrozenInterval(TypedDict):
    """What the interval of one patient's risk is computed of (:class:`prldh.models.RiskInterval`)."""

    confidence: float
    covariance: tuple[tuple[float, ...], ...] | None
    reason: str | None


class _FrozenModel(TypedDict):
    name: str
    adjusted: bool
    fit: str
    n: int
    events: int
    terms: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    coefficients: tuple[FrozenCoefficient, ...]
    threshold: Number


class FrozenModel(_FrozenModel, total=False):
    """A model of ``model.json``; those of before know neither ``ranges``, ``predicted`` nor ``risk_interval``."""

    ranges: Mapping[str, SeenRange]
    predicted: Predicted
    risk_interval: FrozenInterval
    recalibrated: Mapping[str, Any]


class FrozenCovariate(TypedDict):
    """A covariate of ``model.json``."""

    name: str
    type: Literal["continuous", "categorical", "ordinal"]
    levels: tuple[str, ...]


class _FrozenModels(TypedDict):
    schema: Literal["prldh-model/2"]
    title: str
    outcome: str
    event: str
    covariates: tuple[FrozenCovariate, ...]
    rule: str
    tissues: Mapping[str, FrozenTissue]
    models: tuple[FrozenModel, ...]


class FrozenModels(_FrozenModels, total=False):
    """``model.json``, with its own checksum; ``plugins``: those without which the models cannot be applied."""

    plugins: tuple[PluginUsed, ...]
    sha256: str


class FeaturesCase(TypedDict, total=False):
    """A case of ``features/TISSUE.json``, as far as a checklist reads it."""

    patient: str
    spacing_mm: tuple[float, ...]
    modality: str | None
    formats: Formats
    dicom: Mapping[str, str]


class FeaturesSource(TypedDict, total=False):
    """A source of it."""

    version: str
    settings: Mapping[str, Any]
    packages: Mapping[str, str]
    computed: Mapping[str, Any]


class _FeaturesFile(TypedDict):
    schema: Literal["prldh-features/1"]
    tissue: str
    features: Mapping[str, Mapping[str, Any]]


class FeaturesFile(_FeaturesFile, total=False):
    """``features/TISSUE.json``; earlier ones lacked keys."""

    n_patients: int
    n_readers: int
    n_measured: int
    cases: tuple[FeaturesCase, ...]
    sources: Mapping[str, FeaturesSource]
    consensus: str | None
    image_steps: tuple[Mapping[str, Any], ...]
