"""A tissue's entry of ``results.json``: its selection and how stable that is, its Radscore, everyone's score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from prldh.chain import images_that_stay
from prldh.chain.shared import unit_columns
from prldh.core import (
    ABSENT,
    Absent,
    FittedScore,
    Later,
    LinearScore,
    Number,
    SecondStage,
    TissueFit,
    TissueRefit,
    record_of,
)
from prldh.models import FeatureCollinearity, Plan
from prldh.results.contributions import ContributionsEntry, describe_contributions
from prldh.stats import proportion, selection_stability
from prldh.validation import Alternative, EngineRun, Importance, describe_importance

#: Features whose correlations are listed pair by pair.
MOST_CORRELATED = 60
NO_SUM = "the score is not a sum of its features: it has no coefficients"

#: Source → patient → positions, from 0, of the first reader's images that the Radscore's values are means of.
KeptImages = Mapping[str, Mapping[str, tuple[int, ...]]]


@dataclass(frozen=True)
class StepEntry:
    """One step as it happened within one source."""

    name: str
    source: str
    n_in: int
    n_out: int
    dropped: Mapping[str, str]
    details: Later[Mapping[str, Any]]


@dataclass(frozen=True)
class StabilityIndex:
    """Nogueira's index over all columns read of a tissue."""

    estimate: Number
    low: Number
    high: Number
    n_features: Later[int]
    method: Later[str]


@dataclass(frozen=True)
class Stability:
    """How often each feature was selected in the resamples of a scheme, with its interval; features that never were are
    left out, but for the interval of those in the model. ``ranked`` are the model's features, the most often selected
    first."""

    n_resamples: int
    n_empty: Later[int]
    frequency: Mapping[str, float]
    intervals: Later[Mapping[str, tuple[Number, Number]]]
    intervals_method: Later[str]
    index: Later[StabilityIndex]
    ranked: Later[tuple[str, ...]]


@dataclass(frozen=True)
class SelectionEntry:
    """The steps of a tissue, and the features that its Radscore is of."""

    steps: tuple[StepEntry, ...]
    features: tuple[str, ...]
    sources: Later[Mapping[str, str]]
    correlation: Later[tuple[tuple[Number, ...], ...]]
    sensitivity: tuple[Alternative, ...] | Absent
    images_kept: KeptImages | Absent
    readers: Later[int]
    stability: Later[Mapping[str, Stability]]


@dataclass(frozen=True)
class RadscoreEntry:
    """A score by feature, made by the learner ``method``. Coefficients are null, with the ``reason``, where the score
    is not a sum of its features. ``reach``: the least and the largest score that it gives to anyone, where it has such
    limits. ``details`` are the learner's."""

    intercept: Number
    coefficients: Mapping[str, Number] | None
    center: Mapping[str, Number] | None
    scale: Mapping[str, Number] | None
    method: Later[str]
    second_stage: Later[SecondStage]
    collinearity: Later[FeatureCollinearity]
    details: Later[Mapping[str, Any]]
    importance: Later[Mapping[str, Importance]]
    contributions: Later[ContributionsEntry]
    reason: str | Absent = ABSENT
    reach: tuple[float, float] | Absent = ABSENT


@dataclass(frozen=True)
class Score:
    """A patient's Radscore, and the outcome."""

    id: str
    value: Number
    outcome: Literal[0, 1]


@dataclass(frozen=True)
class TissueEntry:
    """A tissue; without selection and Radscore where the score is a ``column`` of the clinical table. ``scores`` are of
    the patients who have one."""

    selection: SelectionEntry | None
    radscore: RadscoreEntry | None
    cutoff: Number
    scores: Later[tuple[Score, ...]]
    column: Later[str | None]


def tissue_entry(plan: Plan, run: EngineRun, name: str) -> TissueEntry:
    """The entry of a tissue."""
    fit, cohort = run.fits[name], plan.cohort
    score = fit.score
    columns = zip(cohort.ids, fit.values, cohort.outcome, strict=True)
    return TissueEntry(
        selection=None if score is None else _selection(plan, run, name),
        radscore=None if score is None else _radscore(score, plan, run, name),
        cutoff=fit.cutoff,
        scores=tuple(Score(i, float(value), 1 if y else 0) for i, value, y in columns if np.isfinite(value)),
        column=plan.study.tissues[name].radscore,
    )


def _radscore(score: FittedScore, plan: Plan, run: EngineRun, name: str) -> RadscoreEntry:
    collinearity, protocol = run.collinearity[name], plan.protocol
    of_schemes = {
        scheme: describe_importance(score.names, [refit[name] for refit in refits])
        for scheme, refits in run.refits.items()
    }
    importance = {scheme: own for scheme, own in of_schemes.items() if own is not None}
    added = describe_contributions(plan, run, name)
    method, stage, details = protocol.learner.learner.name, protocol.second_stage, getattr(score, "details", {})
    if not isinstance(score, LinearScore):
        return RadscoreEntry(None, None, None, None, method, stage, collinearity, details, importance, added, NO_SUM)

    def by_feature(values: np.ndarray) -> dict[str, Number]:
        return {feature: float(value) for (_, feature), value in zip(score.features, values, strict=True)}

    coefficients, center, scale = (by_feature(v) for v in (score.coefficients, score.center, score.scale))
    numbers = score.intercept, coefficients, center, scale
    reach = ABSENT if score.reach is None else score.reach
    return RadscoreEntry(*numbers, method, stage, collinearity, details, importance, added, reach=reach)


def _selection(plan: Plan, run: EngineRun, name: str) -> SelectionEntry:
    fit, blocks = run.fits[name], plan.blocks[name]
    names = tuple(f for _, f in fit.features)
    n_features, level = sum(len(b.names) for b in blocks), plan.study.performance.confidence
    return SelectionEntry(
        steps=tuple(StepEntry(s.name, s.source, s.n_in, s.n_out, s.dropped, s.details) for s in fit.steps),
        features=names,
        sources={f: s for s, f in fit.features},
        correlation=_correlation(run.features_of(name)[1]),
        sensitivity=run.sensitivity.get(name) or ABSENT,
        images_kept=_images_kept(plan, fit, name) or ABSENT,
        readers=max(len(b.raters) for b in blocks),
        stability={
            scheme: _stability([refit[name] for refit in refits], names, n_features, level)
            for scheme, refits in run.refits.items()
        },
    )


def _images_kept(plan: Plan, fit: TissueFit, name: str) -> KeptImages:
    kept: dict[str, dict[str, tuple[int, ...]]] = {}
    for block in plan.blocks[name]:
        steps = (step for step in fit.chain if step.source == block.source)
        choices = [step.fitted for step in steps if step.fitted.kind == "chooses images"]
        if not choices or block.images is None:
            continue
        images = block.images[0]
        number = np.arange(len(images.row)) - np.searchsorted(images.row, images.row)  # of an image among its patient's
        for choice in choices:
            stays = images_that_stay(choice, images, block.names)
            images, number = images.where(stays), number[stays]
        of_patient = np.split(number, np.flatnonzero(np.diff(images.row)) + 1)
        kept[block.source] = {
            patient: tuple(positions.tolist()) for patient, positions in zip(plan.cohort.ids, of_patient, strict=True)
        }
    return kept


def _correlation(values: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Pearson's r between the features of the Radscore (n, p), in their order, on all patients (reader 1); of more than
    :data:`MOST_CORRELATED` none, as no one reads them."""
    if not 0 < values.shape[1] <= MOST_CORRELATED:
        return ()
    units = unit_columns(values)
    return tuple(map(tuple, np.clip(units @ units.T, -1.0, 1.0).tolist()))


def _stability(refits: Sequence[TissueRefit], in_model: Sequence[str], n_features: int, level: float) -> Stability:
    chosen = [set(refit.features) for refit in refits]
    counts = Counter(feature for features in chosen for feature in features)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    matrix = np.zeros((len(refits), max(n_features, len(counts))))
    for j, (feature, _) in enumerate(ranked):
        matrix[:, j] = [feature in features for features in chosen]
    intervals = {
        feature: proportion(count, len(refits), level)
        for feature, count in [*ranked, *((f, 0) for f in in_model if f not in counts)]
    }
    return Stability(
        n_resamples=len(refits),
        n_empty=sum(refit.empty_step is not None for refit in refits),
        frequency={feature: count / len(refits) for feature, count in ranked},
        intervals={feature: (limits["low"], limits["high"]) for feature, limits in intervals.items()},
        intervals_method="Clopper–Pearson",
        index=record_of(
            StabilityIndex,
            selection_stability(matrix, level),
            n_features=n_features,
            method="Nogueira, Sechidis and Brown 2018",
        ),
        ranked=tuple(sorted(in_model, key=lambda feature: (-counts[feature], feature))),
    )
