"""Held-out performance in subgroups: of each level of a column AUC and calibration, and how far the AUCs differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from prldh.chain import ranked_probability, rounded_probability
from prldh.core import (
    ABSENT,
    HELD_OUT,
    HOLDOUT,
    Absent,
    Given,
    Interval,
    Number,
    Predictions,
    Warn,
    finite,
    warn,
)
from prldh.models import (
    BLANK,
    Assessment,
    Patients,
    Plan,
    SubgroupLevels,
    calibration,
    calibration_limits,
    find_subgroups,
    pooled_auc,
)
from prldh.validation.entries import Judgement
from prldh.validation.refit import held_out, held_out_imputed

if TYPE_CHECKING:
    from prldh.validation.engine_run import EngineRun

#: Fewer patients with the event, or without it, than these, and a level has no intervals: they would hold less often
#: than they say, or far more often (docs/intervals.md).
LEAST_OF_A_CLASS = 10
#: Kinds of schemes whose held-out predictions are pooled.
POOLED = (HELD_OUT, HOLDOUT)
NOBODY = "nobody of this level is among the model's patients"
ONE_CLASS = "one class only among these patients"
OF_BLANK = "the column is blank for these patients, who are of no level"
TOO_FEW = f"fewer than {LEAST_OF_A_CLASS} patients of a class: an interval would not hold as often as it says"
NO_LINE = "the predictions do not vary here, or are separated by the outcome"
UNFITTED = "some refits ended as the intercept alone, so that pooled predictions compare the intercepts of folds"
NO_VARIANCE = "an AUC of 0 or 1, or one without a variance, has no interval"
FEW_LEVELS = "fewer than two levels have an AUC with a variance"
CLUSTERED = "several rows are one patient's, and this interval has no form for clustered rows"
IN_SEVERAL = "rows of one patient are in several levels, which Cochran's Q takes to be of other patients"


@dataclass(frozen=True)
class SubgroupModel:
    """A model in one level, on its own patients there, held out: AUC, calibration slope, and intercept with the slope
    fixed at 1 (calibration in the large)."""

    name: str
    adjusted: bool
    n: Given[int]
    events: Given[int]
    auc: Judgement
    slope: Judgement
    citl: Judgement


@dataclass(frozen=True)
class SubgroupLevel:
    """The patients of one level that the scheme holds out; ``is_blank``: they are of none, as their cell is blank."""

    level: str
    is_blank: bool
    n: Given[int]
    events: Given[int]
    models: tuple[SubgroupModel, ...]


@dataclass(frozen=True)
class Heterogeneity:
    """How far a model's AUC differs between levels, on the logit scale: variance between them (REML) and its share of
    all, Cochran's Q with its p. ``n_levels`` are compared; ``left_out`` have one class, no variance, or an AUC of 0 or
    1."""

    name: str
    adjusted: bool
    tau2: Number
    i2: Number
    q: Number
    df: Number
    p: Number
    n_levels: Given[int]
    left_out: Given[tuple[str, ...]]
    reason: str | Absent = ABSENT


@dataclass(frozen=True)
class Subgroups:
    """Held-out performance by one column, of the predictions of this scope and scheme."""

    scope: str
    scheme: str
    levels: tuple[SubgroupLevel, ...]
    heterogeneity: tuple[Heterogeneity, ...]


def describe_subgroups(plan: Plan, runs: Sequence[EngineRun], ranked: Sequence[tuple[str, str]]) -> None:
    """Judge every model in every subgroup that the study names, by each engine.

    ``ranked``: scopes and schemes, the most honest first; the first whose predictions are pooled is taken.
    """
    if not plan.study.subgroups:
        return
    place = next(((scope, s) for scope, s in ranked if s in plan.schemes and plan.schemes[s][0] in POOLED), None)
    for run in runs:
        if place is None:
            run.warnings.append(warn.NO_SUBGROUPS())
            continue
        for column in find_subgroups(plan.study, plan.cohort):
            run.subgroups[column.column], warnings = _describe(plan, run, column, *place)
            run.warnings += warnings


def _describe(
    plan: Plan, run: EngineRun, column: SubgroupLevels, scope: str, scheme: str
) -> tuple[Subgroups, list[Warn]]:
    places = [(level, k) for k, level in enumerate(column.levels)]
    if (column.codes == -1).any():
        places.append((BLANK, -1))
    tested = np.unique(np.concatenate([r.test for r in plan.schemes[scheme][1]]))
    is_held_out = np.isin(np.arange(plan.cohort.n), tested)
    codes_of = {(patient, code) for patient, code in zip(plan.cohort.patient, column.codes, strict=True) if code != -1}
    has_shared = len({patient for patient, _ in codes_of}) < len(codes_of)
    levels = []
    parts: list[dict[str, _Part]] = [{} for _ in plan.specs]
    for level, code in places:
        models = []
        for i, spec in enumerate(plan.specs):
            patients, predictions = plan.patients_of(spec.terms), run.predictions[i, scope, scheme]
            is_own = column.codes[patients.rows] == code
            part = _judge(predictions, patients, is_own, run.assessment.of(patients), code == -1)
            models.append(SubgroupModel(spec.name, spec.adjusted, part.n, part.events, part.auc, part.slope, part.citl))
            if code != -1:
                parts[i][level] = part
        own = (column.codes == code) & is_held_out
        n, events = int(own.sum()), int(plan.cohort.outcome[own].sum())
        levels.append(SubgroupLevel(level, code == -1, n, events, tuple(models)))
    heterogeneity = []
    for spec, by_level in zip(plan.specs, parts, strict=True):
        heterogeneity.append(_compare(spec.name, spec.adjusted, by_level, run.assessment, has_shared))
    rows = "rows" if run.engine.is_clustered else "patients"
    told = [
        f"{each.level} ({each.n} {rows}, {each.events} events)"
        for each in levels
        if any(model.citl.reason in (TOO_FEW, ONE_CLASS, NOBODY) for model in each.models)
    ]
    small = warn.SMALL_SUBGROUPS(column=column.column, least=LEAST_OF_A_CLASS, listed=", ".join(told))
    return Subgroups(scope, scheme, tuple(levels), tuple(heterogeneity)), [small] if told else []


@dataclass(frozen=True)
class _Part:
    """A model in a level: what is said of it, and the variance of its AUC."""

    n: int
    events: int
    auc: Judgement
    slope: Judgement
    citl: Judgement
    variance: Number = None


def _judge(
    predictions: Predictions,
    patients: Patients,
    is_own: np.ndarray,
    assessment: Assessment,
    is_blank: bool,
) -> _Part:
    """Some of a model's patients, ``is_own`` (n,), by their held-out log odds; means over the repeats."""
    y = patients.cohort.outcome.astype(float)
    repeats = [rows[is_own[rows]] for rows in predictions.held_out_rows]
    n, events = len(repeats[0]), int(y[repeats[0]].sum())
    nothing = OF_BLANK if is_blank else NOBODY if not n else ONE_CLASS if not 0 < events < n else ""
    if nothing:
        none = Judgement(None, None, None, nothing)
        return _Part(n, events, none, none, none)
    first = repeats[0]
    of_a_class = [np.unique(patients.cohort.patient[first[y[first] == value]]).size for value in (0, 1)]
    why, level = TOO_FEW if min(of_a_class) < LEAST_OF_A_CLASS else "", assessment.level
    areas, slopes, shifts = [], [], []
    for eta, etas, rows in zip(held_out(predictions), held_out_imputed(predictions), repeats, strict=True):
        engine = assessment.engine.of_rows(rows)
        areas.append(pooled_auc(y[rows], ranked_probability(etas[:, rows]), engine, level))
        own = eta[rows]
        line = calibration(y[rows], rounded_probability(own), own, assessment, assessment.draws.patients[:0, :n])
        limits = calibration_limits(y[rows], own, line, engine, level)
        slopes.append(limits.slope)
        shifts.append(limits.citl)
    slope = _mean_of(slopes, why)
    citl = _mean_of(shifts, why or (CLUSTERED if assessment.engine.is_clustered else ""))
    if predictions.alone.any():
        return _Part(n, events, Judgement(None, None, None, UNFITTED), slope, citl)
    estimate = float(np.mean([area["estimate"] for area in areas]))
    variance = finite(np.mean([area["variance"] for area in areas]))
    auc = describe_area(estimate, variance, level, why)
    return _Part(n, events, auc, slope, citl, variance)


def describe_area(estimate: float, variance: Number, level: float, why: str = "") -> Judgement:
    """An AUC with the interval of its logit, on which its variance is that of the AUC over (a (1 - a))^2; without where
    there is a reason ``why``."""
    if why or not variance or not 0.0 < estimate < 1.0:
        return Judgement(estimate, None, None, why or NO_VARIANCE)
    logit, variance_of_logit = on_logit(estimate, variance)
    half = special.ndtri((1.0 + level) / 2.0) * np.sqrt(variance_of_logit)
    low, high = special.expit(logit + np.array([-half, half]))
    return Judgement(estimate, float(low), float(high))


def on_logit(area: float, variance: float) -> tuple[float, float]:
    """The logit of an AUC between 0 and 1, and its variance by the delta method: that of the AUC over (a (1 - a))^2."""
    return float(special.logit(area)), variance / (area * (1.0 - area)) ** 2


def _mean_of(repeats: Sequence[Interval], why: str) -> Judgement:
    """Means over the repeats, null where one of them is; without limits where there is a reason ``why``."""
    ends = ([getattr(repeat, each.name) for repeat in repeats] for each in fields(Interval))
    return judged(Interval(*(None if None in end else float(np.mean(end)) for end in ends)), why)


def judged(found: Interval, why: str) -> Judgement:
    """An interval with the reason for what is null; without limits where there is a reason ``why``."""
    if found.estimate is None or why:
        return Judgement(found.estimate, None, None, why if found.estimate is not None else NO_LINE)
    return Judgement(found.estimate, found.low, found.high, NO_LINE if None in (found.low, found.high) else ABSENT)


def _compare(
    name: str, adjusted: bool, by_level: dict[str, _Part], assessment: Assessment, has_shared: bool
) -> Heterogeneity:
    """Cochran's Q and the variance between levels, of the logits of their AUCs."""
    points, left_out = [], []
    for level, part in by_level.items():
        a = part.auc.estimate
        if a is None or not 0.0 < a < 1.0 or not part.variance:
            left_out.append(level)
        else:
            points.append(on_logit(a, part.variance))
    why, numbers = IN_SEVERAL if has_shared else FEW_LEVELS if len(points) < 2 else "", dict[str, Number]()
    if not why:
        values, variances = np.array(points).T
        answer = assessment.engine.pool_random_effects(values, variances, assessment.level)
        numbers = {key: finite(answer[key]) for key in ("tau2", "i2", "q", "df", "q_p")}
    tau2, i2, q, df, p = (numbers.get(key) for key in ("tau2", "i2", "q", "df", "q_p"))
    return Heterogeneity(name, adjusted, tau2, i2, q, df, p, len(points), tuple(left_out), why or ABSENT)
