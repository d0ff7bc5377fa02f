"""What the Radscore would be with other settings of a step: the sensitivity of a study to a choice that its authors had
to make.

A selector offers the settings to compare by ``alternatives(settings)``. Each is fitted on everyone and, selection
included, on every resample of the scheme that the null run uses (the folds, or else the first that holds patients out),
with the study's seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

from prldh.chain import Protocol, Step, fit_everyone
from prldh.core import HELD_OUT, Interval, Predictions, TissueFit, TissueRefit
from prldh.engines import StatisticsEngine
from prldh.models import Plan
from prldh.plugins import OffersAlternatives, answered, is_writable
from prldh.validation.entries import FoldMean, HeldOutArea
from prldh.validation.null_run import null_scheme
from prldh.validation.summaries import fold_mean, pooled_auc_of

#: Told to refit every tissue on the resamples of a plan → one {tissue: TissueRefit} a resample, by scheme.
Refit = Callable[[Plan], Mapping[str, list[dict[str, TissueRefit]]]]


@dataclass(frozen=True)
class HeldOutScore:
    """How well Radscores rank patients held out: the mean of the folds' AUCs, which compares no scores of different
    refits, or the pooled AUC where a fold holds one patient."""

    scheme: str
    measure: Literal["auc", "auc_mean"]
    auc: HeldOutArea | FoldMean


@dataclass(frozen=True)
class Alternative:
    """Another setting of a step: the Radscore's features, how many of them the study's own has as well (``n_shared``),
    why there is no Radscore (``empty_step``), and its AUC on everyone and on held-out patients."""

    step: str
    setting: str
    is_used: bool
    features: tuple[str, ...]
    n_shared: int
    empty_step: str | None
    auc: Interval | None
    held_out: HeldOutScore | None


def _offered(step: Step) -> dict[str, Any]:
    """Label → settings of a step that offers others, or None where it is left out."""
    wanted = "label → settings, or None"
    return answered("selector", step.selector, "alternatives", step.settings, read=_as_alternatives, wanted=wanted)


def _as_alternatives(found: Any) -> dict[str, Any] | None:
    if not isinstance(found, Mapping):
        return None
    offered = dict(found)
    are_settings = all(each is None or isinstance(each, BaseModel) for each in offered.values())
    return offered if are_settings and all(is_writable(label) for label in offered) else None


def alternatives(protocol: Protocol) -> list[tuple[str, str, Protocol]]:
    """(step, label, the chain with those settings of the step) for every step whose selector offers others; the chosen
    ones are among them."""
    chains = []
    for i, step in enumerate(protocol.steps):
        is_offering = isinstance(step.selector, OffersAlternatives)
        for label, settings in _offered(step).items() if is_offering else ():
            others = () if settings is None else (Step(step.selector, settings),)
            chains.append(
                (
                    step.selector.name,
                    label,
                    replace(protocol, steps=(*protocol.steps[:i], *others, *protocol.steps[i + 1 :])),
                )
            )
    return chains


def describe_sensitivity(
    plan: Plan,
    fits: Mapping[str, TissueFit],
    refits: Mapping[str, list[dict[str, TissueRefit]]],
    refit: Refit,
    engine: StatisticsEngine,
) -> dict[str, tuple[Alternative, ...]]:
    """The alternatives of each tissue.

    Parameters
    ----------
    fits, refits
        The study's own, on everyone and by scheme: they are not computed again.
    refit
        Refits every tissue on the resamples of the plan it is given.
    """
    offered = alternatives(plan.protocol)
    if not offered or not plan.blocks:
        return {}
    scheme = null_scheme(plan)
    schemes = {scheme: plan.schemes[scheme]} if scheme else {}
    by_tissue: dict[str, list[Alternative]] = {name: [] for name in plan.blocks}
    for step, label, protocol in offered:
        is_used = _settings(protocol) == _settings(plan.protocol)
        other = replace(plan, protocol=protocol, schemes=schemes)
        of_scheme = (refits if is_used and scheme in refits else refit(other)).get(scheme, []) if scheme else []
        for name in plan.blocks:
            fit = (
                fits[name]
                if is_used
                else fit_everyone(
                    name, plan.blocks[name], plan.cohort.subjects, protocol, plan.study.seed, engine.plain
                )
            )
            features, own = tuple(f for _, f in fit.features), {f for _, f in fits[name].features}
            alternative = Alternative(
                step=step,
                setting=label,
                is_used=is_used,
                features=features,
                n_shared=len(own & set(features)),
                empty_step=fit.empty_step,
                auc=_apparent(plan, fit, engine) if features else None,
                held_out=_held_out(plan, scheme, [each[name] for each in of_scheme], engine)
                if scheme and of_scheme
                else None,
            )
            by_tissue[name].append(alternative)
    return {name: tuple(own) for name, own in by_tissue.items()}


def _settings(protocol: Protocol) -> list[tuple[str, str]]:
    return [(s.selector.name, s.settings.model_dump_json()) for s in protocol.steps]


def _apparent(plan: Plan, fit: TissueFit, engine: StatisticsEngine) -> Interval:
    area = engine.auc(plan.cohort.outcome.astype(float), fit.values, plan.study.performance.confidence)
    return Interval(area["estimate"], area["low"], area["high"])


def _held_out(plan: Plan, scheme: str, refits: list[TissueRefit], engine: StatisticsEngine) -> HeldOutScore:
    kind, resamples = plan.schemes[scheme]
    alone = np.array([r.empty_step is not None for r in refits])
    predictions = Predictions(kind, resamples, np.array([r.values for r in refits]), alone)
    outcome, level = plan.cohort.outcome, plan.study.performance.confidence
    if kind != HELD_OUT or all(len(r.test) == 1 for r in resamples):
        return HeldOutScore(scheme, "auc", pooled_auc_of(predictions, outcome.astype(float), engine, level)[0])
    return HeldOutScore(scheme, "auc_mean", fold_mean(predictions, outcome, engine, level))
