"""The steps of a study on the training rows of one source: each is fitted on what the one before left of them, and
applied to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from prldh.chain.applying import Table, apply_to_training, check_again
from prldh.chain.learners import LogisticLearner
from prldh.chain.states import state_as_fitted
from prldh.core import (
    Chosen,
    ChosenImages,
    Fitted,
    FittedStep,
    Ledger,
    SecondStage,
    Selection,
    SelectionStep,
    TrainingRows,
    Warn,
    warn,
)
from prldh.engines import StatisticsEngine
from prldh.plugins import DescribesFit, called, check_details, check_selection, check_state, guarded


@dataclass(frozen=True)
class Step:
    """A selector of the study file with its checked settings; ``settings_given`` are these as the study file has them,
    where paths were resolved."""

    selector: Any
    settings: Any
    settings_given: Any = None

    @property
    def is_transform(self) -> bool:
        """Whether a transform's, by what it says that it gives."""
        return hasattr(self.selector, "gives")

    def __str__(self) -> str:
        given = ", ".join(
            f"{k}: {_in_a_line(v)}"
            for k, v in (self.settings_given or self.settings).model_dump(exclude_none=True).items()
        )
        return f"{self.selector.name}: {{{given}}}"


@dataclass(frozen=True)
class ChosenLearner:
    """A learner of the study file with its checked settings."""

    learner: Any
    settings: Any

    def __str__(self) -> str:
        set_so = self.settings.model_dump(exclude_defaults=True)
        given = ", ".join(f"{k}: {_in_a_line(v)}" for k, v in set_so.items())
        return f"{self.learner.name}: {{{given}}}" if given else str(self.learner.name)


def _in_a_line(value: Any) -> str:
    """A setting as a study file has it."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_in_a_line(each)}' for key, each in value.items())}}}"
    return f"[{', '.join(map(_in_a_line, value))}]" if isinstance(value, (list, tuple)) else str(value)


@dataclass(frozen=True)
class Protocol:
    """How a tissue becomes a Radscore: everything of the study file that a refit needs. ``steps`` are the transforms
    and then those of the selection."""

    steps: tuple[Step, ...]
    by_source: bool
    if_empty: str
    learner: ChosenLearner = field(default_factory=lambda: ChosenLearner(LogisticLearner(), LogisticLearner.Settings()))
    second_stage: SecondStage = "in_sample"

    @property
    def transforms(self) -> tuple[Step, ...]:
        """The steps that change values, before the selection."""
        return tuple(step for step in self.steps if step.is_transform)

    @property
    def selection(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if not step.is_transform)


class Answer(NamedTuple):
    """What a selector gave, in one form: what it fitted, in order, and what the report says of it."""

    fitted: tuple[Fitted, ...]
    dropped: Mapping[str, str]
    details: Mapping[str, Any]
    warnings: tuple[str | Warn, ...]


def read_answer(answer: Selection | Fitted, rows: TrainingRows) -> Answer:
    """What a selector gave for these rows; a :class:`~prldh.core.records.Selection` is what it fitted by positions."""
    if isinstance(answer, Selection):
        chosen = Chosen(tuple(rows.names[j] for j in answer.kept))
        fitted: tuple[Fitted, ...] = (chosen,)
        if answer.images is not None and rows.images is not None:
            fitted = (ChosenImages(rows.names, answer.images), chosen)
        return Answer(fitted, answer.dropped, answer.details, answer.warnings)
    return Answer(
        (answer,), getattr(answer, "dropped", {}), getattr(answer, "details", {}), getattr(answer, "warnings", ())
    )


@dataclass
class SourceFit:
    """The training rows of a source (``source`` None: of all together, called ``label``) on their way through the
    steps: ``rows`` as the last one left them, what was fitted, what the report says of it, and why nothing is left."""

    label: str
    source: str | None
    rows: TrainingRows
    chain: list[FittedStep] = field(default_factory=list)
    steps: list[SelectionStep] = field(default_factory=list)
    warnings: list[Warn] = field(default_factory=list)
    failure: str | None = None

    def keep(self, fitted: Fitted, selector: Any = None, is_described: bool = False) -> None:
        """Add what the selector fitted; of choices of columns in a row the last says it all."""
        if not isinstance(fitted, Chosen):
            own = state_as_fitted(fitted) if is_described else None
            self.chain.append(FittedStep(fitted, self.source, selector.name, selector.version, own))
            return
        if self.chain and isinstance(self.chain[-1].fitted, Chosen):
            self.chain.pop()
        self.chain.append(FittedStep(Chosen(fitted.names), self.source, Chosen.name, Chosen.version))

    def drop_constant(self, reason: str, dropped: dict[str, str]) -> bool:
        """Leave columns out that do not vary but for blanks; whether any is left. ``dropped`` gets the reason of
        each."""
        values = self.rows.values
        varies = np.fmax.reduce(values, axis=0) > np.fmin.reduce(values, axis=0)
        for j in np.flatnonzero(~varies):
            is_blank = np.isnan(values[:, j]).all()
            dropped[self.rows.names[j]] = "blank for every training patient" if is_blank else reason
        self.rows = self.rows.take(np.flatnonzero(varies))
        return bool(varies.any())


def fit_steps(
    label: str,
    source: str | None,
    rows: TrainingRows,
    protocol: Protocol,
    seed: np.random.SeedSequence,
    engine: StatisticsEngine,
    ledger: Ledger | None,
    is_described: bool,
) -> SourceFit:
    """Fit the steps one after the other."""
    fit = SourceFit(label, source, replace(rows, source=label))
    dropped: dict[str, str] = {}
    if not fit.drop_constant("constant", dropped):
        fit.failure = f"every feature of source '{label}' is constant."
        return fit
    if dropped:
        fit.steps.append(SelectionStep("constant", label, len(rows.names), len(fit.rows.names), dropped, {}))
    for step, child in zip(protocol.steps, seed.spawn(len(protocol.steps)), strict=True):
        if ledger is not None:
            ledger.read(step.selector.name, rows.patient)
        with guarded("selector", step.selector):  # what it gives may be as odd as what it raises
            _fit_step(fit, step, protocol.if_empty, child, engine, is_described)
        if fit.failure:
            return fit
    fit.keep(Chosen(fit.rows.names))
    return fit


def _fit_step(
    fit: SourceFit,
    step: Step,
    if_empty: str,
    seed: np.random.SeedSequence,
    engine: StatisticsEngine,
    is_described: bool,
) -> None:
    selector, now = step.selector, fit.rows
    answer = called("selector", selector, "fit", now, step.settings, seed, engine)
    check_selection(selector, answer, now.names)
    fitted, reasons, details, warnings = read_answer(answer, now)
    fit.warnings += [
        w if isinstance(w, Warn) else warn.STEP_REMARK(step=selector.name, source=fit.label, message=w)
        for w in warnings
    ]
    outputs = set(fitted[-1].outputs)
    otherwise = "became other columns" if fitted[-1].kind == "transforms values" else "no reason given"
    dropped = {name: reasons.get(name, otherwise) for name in now.names if name not in outputs}
    if is_described:
        details = {**details, **_described(step, seed, now, answer)}
        noun = "transform" if step.is_transform else "selector"
        check_details(noun, selector, details)
        check_details(noun, selector, dropped, "reasons")
        for each in fitted:
            check_state(selector, each)
            check_again(selector, noun, each, Table(now.values, now.names), now.columns)
    if not outputs:
        fitted = (*fitted[:-1], *_best_alone(fit, step, if_empty, dropped))
    if not fit.failure:
        _apply(fit, selector, fitted, dropped, is_described)
    n_out = 0 if fit.failure else len(fit.rows.names)
    n_in, own = len(now.names), _by_engine(selector, details)
    fit.steps.append(SelectionStep(selector.name, fit.label, n_in, n_out, dropped, dict(details), own))


def _by_engine(selector: Any, details: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a step's details that the engine computed, by their places, such as ``lasso.lambda``."""
    computed = {}
    for place in getattr(selector, "by_engine", ()):
        value: Any = details
        for key in place.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            computed[place] = value
    return computed


def _described(
    step: Step, seed: np.random.SeedSequence, rows: TrainingRows, answer: Selection | Fitted
) -> Mapping[str, Any]:
    """What a selector with a method ``describe`` says of its fit beside its details."""
    if not isinstance(step.selector, DescribesFit):
        return {}
    description: Mapping[str, Any] = called("selector", step.selector, "describe", rows, step.settings, seed, answer)
    return description


def _best_alone(fit: SourceFit, step: Step, if_empty: str, dropped: dict[str, str]) -> tuple[Chosen, ...]:
    """The strongest candidate, where a step leaves nothing and the study says to keep it; otherwise a failure."""
    names = fit.rows.names
    best = names[strongest(fit.rows)]
    failure = (
        f"the step '{step.selector.name}' leaves none of {len(names)} features of source '{fit.label}' "
        f"(setting {step}); the strongest candidate is '{best}' ({dropped[best]})."
    )
    if (getattr(step.settings, "if_empty", None) or if_empty) != "best":
        fit.failure = failure
        return ()
    fit.warnings.append(warn.KEPT_ALONE(failure=f"{failure[0].upper()}{failure[1:]}"))
    del dropped[best]
    return (Chosen((best,)),)


def _apply(
    fit: SourceFit, selector: Any, fitted: tuple[Fitted, ...], dropped: dict[str, str], is_described: bool
) -> None:
    """The rows as a step leaves them; where it changes their values, columns that are constant then go."""
    for each in fitted:
        fit.rows, warnings = apply_to_training(each, fit.rows)
        fit.warnings += warnings
        fit.keep(each, selector, is_described)
    changes = next((each.kind for each in fitted if each.kind != "chooses columns"), None)
    if changes is None:
        return
    of_images = changes == "chooses images"
    if not fit.drop_constant("constant over the images that stay" if of_images else "constant after it", dropped):
        where = f"over the images that '{selector.name}' leaves" if of_images else f"after '{selector.name}'"
        fit.failure = f"every feature of source '{fit.label}' is constant {where}."


def strongest(rows: TrainingRows) -> int:
    """Position of the feature with the largest |Pearson r| with the outcome; the first of ties. Blanks stand at the
    mean."""
    x = rows.values - np.nanmean(rows.values, axis=0)
    x[np.isnan(x)] = 0.0
    y = rows.outcome - rows.outcome.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.abs(x.T @ y) / np.sqrt((x**2).sum(axis=0) * (y**2).sum())
    return int(np.nanargmax(np.where(np.isnan(r), -1.0, r)))
