"""Whether there are enough patients for the models, before any of them is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prldh.core import (
    ABSENT,
    Absent,
    Cohort,
    Design,
    FeatureBlock,
    ModelSpec,
    Number,
    StudyError,
    Warn,
    variables_in,
    warn,
)
from prldh.stats import largest_cox_snell, sample_size
from prldh.study import SampleSize

CRITERIA = ("shrinkage", "optimism", "risk")
LEVELS = {"shrinkage": 0.9, "optimism": 0.05, "margin": 0.05}


@dataclass(frozen=True)
class Criterion:
    """Patients that a criterion asks for, and the most parameters that it allows the patients there are."""

    name: str
    n: int
    max_parameters: int | Absent = ABSENT


@dataclass(frozen=True)
class ModelSampleSize:
    """What a model needs, and what there is."""

    name: str
    adjusted: bool
    n_parameters: int
    n_candidates_screened: int
    n_needed: int
    events_needed: int
    criteria: tuple[Criterion, ...]
    n: int
    events: int
    events_per_parameter: Number
    max_parameters: int
    is_enough: bool


@dataclass(frozen=True)
class Anticipated:
    """What the criteria were asked with."""

    prevalence: Number
    r2_cox_snell: Number
    r2_nagelkerke: Number
    shrinkage: Number
    optimism: Number
    margin: Number


@dataclass(frozen=True)
class SampleSizes:
    """Riley et al.'s criteria for every model."""

    settings: Anticipated
    models: tuple[ModelSampleSize, ...]


def anticipated_r2(settings: SampleSize, cohort: Cohort) -> tuple[float, float]:
    """The anticipated R² on Cox and Snell's and on Nagelkerke's scale, at this cohort's share of events.

    Raises
    ------
    StudyError
        If no model could reach it.
    """
    prevalence = cohort.n_events / cohort.n
    largest = largest_cox_snell(prevalence)
    if settings.r2_nagelkerke is not None:
        return settings.r2_nagelkerke * largest, settings.r2_nagelkerke
    assert settings.r2_cox_snell is not None  # one of the two is given
    if settings.r2_cox_snell >= largest:
        raise StudyError(
            f"sample_size.r2_cox_snell: no model can reach {settings.r2_cox_snell:g} where {cohort.n_events} of"
            f" {cohort.n} patients have the event: the largest is {largest:.3f}. Give less, or r2_nagelkerke (0 to 1)."
        )
    return settings.r2_cox_snell, settings.r2_cox_snell / largest


def describe_sample_size(
    settings: SampleSize,
    cohort: Cohort,
    specs: Sequence[ModelSpec],
    cohorts: Sequence[Cohort],
    designs: Sequence[Design],
    blocks: Mapping[str, Sequence[FeatureBlock]],
) -> tuple[SampleSizes, list[Warn]]:
    """Riley et al.'s criteria for every model beside the patients there are.

    A Radscore counts as the one parameter that the model estimates; how many feature columns were read to make it
    stands beside (``n_candidates_screened``; 0 where it came as a column, for then it is not known). ``cohorts`` are
    each model's patients; the share of events is the whole ``cohort``'s.
    """
    cox_snell, nagelkerke = anticipated_r2(settings, cohort)
    prevalence = cohort.n_events / cohort.n
    entries = []
    for spec, own, design in zip(specs, cohorts, designs, strict=True):
        n_parameters = _rank(design.matrix) - 1
        needed = sample_size(prevalence, n_parameters, cox_snell, own.n, **LEVELS)
        criteria = (
            *(Criterion(k, int(needed[f"n_{k}"]), int(needed[f"max_parameters_{k}"])) for k in CRITERIA[:2]),
            Criterion(CRITERIA[2], int(needed[f"n_{CRITERIA[2]}"])),
        )
        entries.append(
            ModelSampleSize(
                name=spec.name,
                adjusted=spec.adjusted,
                n_parameters=n_parameters,
                n_candidates_screened=sum(
                    len(b.names) for tissue in _tissues(spec, cohort, blocks) for b in blocks[tissue]
                ),
                n_needed=int(needed["n"]),
                events_needed=int(needed["events"]),
                criteria=criteria,
                n=own.n,
                events=own.n_events,
                events_per_parameter=own.n_events / n_parameters if n_parameters else None,
                max_parameters=int(needed["max_parameters"]),
                is_enough=bool(own.n >= needed["n"]),
            )
        )
    sizes = SampleSizes(Anticipated(prevalence, cox_snell, nagelkerke, **LEVELS), tuple(entries))
    return sizes, _warnings(entries, nagelkerke, "patients" if cohort.patients is None else "rows")


def _tissues(spec: ModelSpec, cohort: Cohort, blocks: Mapping[str, Sequence[FeatureBlock]]) -> list[str]:
    """The tissues of a model whose Radscores were selected here."""
    known = {*blocks, *cohort.scores, *(covariate.name for covariate in cohort.covariates)}
    names = dict.fromkeys(name for term in spec.terms for name in variables_in(term, known))
    return [name for name in names if name in blocks]


def _rank(matrix: np.ndarray) -> int:
    length = np.linalg.norm(matrix, axis=0)
    return int(np.linalg.matrix_rank(matrix / np.where(length > 0, length, 1.0)))


def _warnings(entries: Sequence[ModelSampleSize], nagelkerke: float, rows: str) -> list[Warn]:
    short = [e for e in entries if not e.is_enough]
    if not short:
        return []
    n, events, needed = (_span([getattr(e, key) for e in short]) for key in ("n", "events", "n_needed"))
    whose = "every model needs" if len(short) == len(entries) else f"{len(short)} of {len(entries)} models need"
    return [warn.TOO_FEW_PATIENTS(n=n, rows=rows, events=events, whose=whose, needed=needed, r2=nagelkerke)]


def _span(values: Sequence[int]) -> str:
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"
