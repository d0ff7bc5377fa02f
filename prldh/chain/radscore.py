"""From the features of a tissue to its Radscore: the selection steps, the linear score and its cutoff.

What is fitted receives :class:`~prldh.core.records.TrainingRows` and nothing else; what is applied receives parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prldh.chain.selection import distinct_patients, stratified_folds
from prldh.core import (
    DataError,
    FeatureBlock,
    ImageChoice,
    Ledger,
    Radscore,
    SelectionStep,
    TissueFit,
    TrainingRows,
    Warn,
    seed_for,
    warn,
)
from prldh.engines import StatisticsEngine
from prldh.plugins import DescribesFit, check_details, check_selection, guarded
from prldh.study import Study


@dataclass(frozen=True)
class Step:
    """A selector of the study file with its checked settings; ``said`` are these as the study file has them, where
    paths were resolved."""

    selector: Any
    settings: Any
    said: Any = None

    def __str__(self) -> str:
        given = ", ".join(f"{k}: {v}" for k, v in (self.said or self.settings).model_dump(exclude_none=True).items())
        return f"{self.selector.name}: {{{given}}}"


@dataclass(frozen=True)
class Protocol:
    """How a tissue becomes a Radscore: everything of the study file that a refit needs."""

    steps: tuple[Step, ...]
    by_source: bool
    if_empty: str
    radscore: str

    @classmethod
    def of(cls, study: Study, steps: tuple[Step, ...]) -> Protocol:
        return cls(steps, study.selection_by_source, study.if_empty, study.radscore)


class NothingLeft(DataError):
    """A step left no feature; the message names the step, the strongest candidate and the setting."""


def training_rows(blocks: tuple[FeatureBlock, ...], outcome: np.ndarray, rows: np.ndarray) -> tuple[TrainingRows, ...]:
    """The training rows of each block; ``rows`` (m,) may repeat, and copies of a patient share a number."""
    return tuple(
        TrainingRows(
            b.first[rows],
            None if b.second is None else b.second[rows],
            outcome[rows],
            rows,
            b.names,
            None if b.perturbed is None else b.perturbed[:, rows],
            None if b.images is None else tuple(each.of_rows(rows) for each in b.images),
        )
        for b in blocks
    )


def fit_tissue(
    training: tuple[TrainingRows, ...],
    sources: tuple[str, ...],
    protocol: Protocol,
    seed: np.random.SeedSequence,
    engine: StatisticsEngine,
    ledger: Ledger | None = None,
    is_described: bool = False,
) -> TissueFit:
    """Select features and fit the Radscore on training rows; the ledger writes down which rows each fit read.

    Where ``is_described``, selectors that have a method ``describe`` add what it says to the details of their step; it
    changes no fit.

    Returns
    -------
    TissueFit
        ``values`` are the Radscores of the training rows; ``empty_step`` is set where a step left nothing in
        every source, and then the score is 0 for everyone.
    """
    outcome = training[0].outcome
    if outcome.min() == outcome.max():
        return TissueFit(np.zeros(outcome.size), 0.0, None, (), "one class among the training rows")
    groups = _grouped(training, sources, protocol.by_source)
    children = seed.spawn(len(groups) + 1)
    steps: list[SelectionStep] = []
    warnings: list[Warn] = []
    chosen: list[tuple[str, str]] = []
    columns: list[np.ndarray] = []
    emptied: list[str] = []
    choices: list[ImageChoice] = []
    for (label, rows, origin), child in zip(groups, children[:-1], strict=True):
        rows, kept, told, failure = _select(label, rows, protocol, child, engine, steps, choices, ledger, is_described)
        warnings += told
        if failure:
            emptied.append(failure)
        chosen += [(origin[j], rows.names[j]) for j in kept]
        columns += [rows.values[:, j] for j in kept]
    if not chosen:
        return TissueFit(np.zeros(outcome.size), 0.0, None, tuple(steps), " ".join(emptied), tuple(warnings))
    warnings += [warn.SOURCE_EMPTIED(failure=failure) for failure in emptied]
    values = np.column_stack(columns)
    if ledger is not None:
        ledger.read("Radscore", training[0].patient)
        ledger.read("cutoff", training[0].patient)
    score, told = _fit_score(values, tuple(chosen), training[0], protocol.radscore, children[-1], engine)
    fitted = linear_score(score, values)
    cutoff = float(engine.youden(outcome, fitted)["threshold"])
    return TissueFit(fitted, cutoff, score, tuple(steps), None, (*warnings, *told), tuple(choices))


def fit_everyone(
    name: str,
    blocks: tuple[FeatureBlock, ...],
    outcome: np.ndarray,
    protocol: Protocol,
    seed: int,
    engine: StatisticsEngine,
    is_described: bool = False,
) -> TissueFit:
    """A tissue fitted on all patients, with the random numbers that belong to that fit."""
    rows = training_rows(blocks, outcome, np.arange(outcome.size))
    own = seed_for(seed, "tissue", name, "all")
    fit = fit_tissue(rows, tuple(b.source for b in blocks), protocol, own, engine, is_described=is_described)
    return replace(fit, warnings=tuple(w.about(f"tissue {name}") for w in fit.warnings))


def linear_score(radscore: Radscore, values: np.ndarray) -> np.ndarray:
    """The Radscore of rows (n,) whose selected features are the columns of ``values`` (n, k)."""
    total = np.full(values.shape[0], radscore.intercept)
    for j, (b, center, scale) in enumerate(zip(radscore.coefficients, radscore.center, radscore.scale, strict=True)):
        total += b * ((values[:, j] - center) / scale)
    return total


def choose_images(blocks: tuple[FeatureBlock, ...], choices: Sequence[ImageChoice]) -> tuple[FeatureBlock, ...]:
    """The blocks as the steps of a fit see them that chose among single images."""
    for choice in choices:
        blocks = tuple(choice.applied(block) for block in blocks)
    return blocks


def apply_radscore(fit: TissueFit, blocks: tuple[FeatureBlock, ...]) -> np.ndarray:
    """The Radscore of every patient in ``blocks``; 0 for everyone where there is none."""
    radscore = fit.radscore
    if radscore is None:
        return np.zeros(blocks[0].first.shape[0])
    blocks = choose_images(blocks, fit.choices)
    where = {(b.source, name): (b, j) for b in blocks for j, name in enumerate(b.names)}
    columns = [where[key][0].first[:, where[key][1]] for key in radscore.features]
    return linear_score(radscore, np.column_stack(columns))


def _grouped(training, sources, by_source) -> list[tuple[str, TrainingRows, list[str]]]:
    if by_source or len(training) == 1:
        return [(s, t, [s] * len(t.names)) for s, t in zip(sources, training, strict=True)]
    first = training[0]
    seconds, perturbed = [t.second for t in training], [t.perturbed for t in training]
    pooled = TrainingRows(
        np.hstack([t.values for t in training]),
        None if any(s is None for s in seconds) else np.hstack(seconds),
        first.outcome,
        first.patient,
        tuple(n for t in training for n in t.names),
        None if any(p is None for p in perturbed) else np.concatenate(perturbed, axis=2),
    )
    return [("all", pooled, [s for s, t in zip(sources, training, strict=True) for _ in t.names])]


def _select(
    label, rows, protocol, seed, engine, steps, choices, ledger, is_described
) -> tuple[TrainingRows, np.ndarray, list[Warn], str | None]:
    """Run the steps on one source; the rows as the last step saw them, positions into ``rows.names``, warnings, and
    what emptied it."""
    varies = np.flatnonzero(np.ptp(rows.values, axis=0) > 0)
    if not varies.size:
        return rows, varies, [], f"every feature of source '{label}' is constant."
    if varies.size < len(rows.names):
        dropped = {rows.names[j]: "constant" for j in np.setdiff1d(np.arange(len(rows.names)), varies)}
        steps.append(SelectionStep("constant", label, len(rows.names), varies.size, dropped, {}))
    kept, warnings = varies, []
    for step, child in zip(protocol.steps, seed.spawn(len(protocol.steps)), strict=True):
        now = rows.take(kept)
        if ledger is not None:
            ledger.read(step.selector.name, now.patient)
        with guarded("selector", step.selector):
            found = step.selector.fit(now, step.settings, child, engine)
        check_selection(step.selector, found, now.names)
        warnings += [warn.STEP_REMARK(step=step.selector.name, source=label, message=w) for w in found.warnings]
        local = np.asarray(found.kept, dtype=np.intp)
        gone = np.delete(np.arange(len(now.names)), local)
        dropped = {now.names[j]: found.dropped.get(now.names[j], "no reason given") for j in gone}
        failure = None
        if not local.size:
            best = strongest(now)
            rule = getattr(step.settings, "if_empty", None) or protocol.if_empty
            reason = dropped.get(now.names[best], "dropped")
            failure = (
                f"the step '{step.selector.name}' leaves none of {len(now.names)} features of source '{label}' "
                f"(setting {step}); the strongest candidate is '{now.names[best]}' ({reason})."
            )
            if rule == "best":
                warnings.append(warn.KEPT_ALONE(failure=f"{failure[0].upper()}{failure[1:]}"))
                local, failure = np.array([best]), None
                dropped.pop(now.names[best], None)
        details = dict(found.details)
        if is_described and isinstance(step.selector, DescribesFit):
            with guarded("selector", step.selector):
                details |= step.selector.describe(now, step.settings, child, found)
        if is_described:
            check_details(step.selector, details)
        if found.images is not None and now.images is not None and not failure:
            choices.append(ImageChoice(label, now.names, found.images))
            rows, told = _with_chosen_images(rows, choices[-1])
            warnings += told
            varies = np.ptp(rows.values[:, kept[local]], axis=0) > 0
            dropped |= {now.names[j]: "constant over the images that stay" for j in local[~varies]}
            local = local[varies]
            failure = (
                None
                if local.size
                else (
                    f"every feature of source '{label}' is constant over the images that '{step.selector.name}' leaves."
                )
            )
        steps.append(SelectionStep(step.selector.name, label, len(now.names), local.size, dropped, details))
        kept = kept[local]
        if failure:
            return rows, kept, warnings, failure
    return rows, kept, warnings, None


def _with_chosen_images(rows: TrainingRows, choice: ImageChoice) -> tuple[TrainingRows, list[Warn]]:
    """The means of the images that stay. Perturbed masks have no single images, so they cannot follow."""
    images, values, second = choice.means(rows.images, rows.names)
    warnings = [] if rows.perturbed is None else [warn.PERTURBED_NOT_USED()]
    return replace(rows, values=values, second=second, perturbed=None, images=images), warnings


def strongest(rows: TrainingRows) -> int:
    """Position of the feature with the largest |Pearson r| with the outcome; the first of ties."""
    x = rows.values - rows.values.mean(axis=0)
    y = rows.outcome - rows.outcome.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.abs(x.T @ y) / np.sqrt((x**2).sum(axis=0) * (y**2).sum())
    return int(np.nanargmax(np.where(np.isnan(r), -1.0, r)))


def _fit_score(values, chosen, rows, how, seed, engine) -> tuple[Radscore, list[Warn]]:
    center, scale = values.mean(axis=0), values.std(axis=0)
    z = (values - center) / scale
    warnings = []
    if how == "lasso" and values.shape[1] > 1:
        n_folds = max(3, min(10, *distinct_patients(rows.outcome, rows.patient)))
        folds = stratified_folds(rows.outcome, n_folds, seed, rows.patient) + 1
        b = np.asarray(engine.cv_lasso(z, rows.outcome.astype(float), folds)["coefficients"])
    else:
        design = np.column_stack([np.ones(len(z)), z])
        fit = engine.fit_logistic(design, rows.outcome.astype(float))
        b = np.nan_to_num(np.asarray(fit["coefficients"], dtype=float))
        if fit["deviance"] < 1e-6 * max(fit["null_deviance"], 1.0) or not fit["converged"]:
            warnings.append(warn.RADSCORE_SEPARATED())
    return Radscore(float(b[0]), chosen, b[1:], center, scale), warnings
