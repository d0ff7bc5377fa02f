"""The one place that writes a model's entry of ``results.json``, from what the stages made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from prldh.chain import ranked_probability
from prldh.core import ABSENT, REPEATED_HOLDOUT, Absent, Inline, Number
from prldh.models import Comparison, FittedModel, Plan, RocPoint, mean_log_odds, roc_vertices
from prldh.results.leakage import OTHER_SCORES, no_difference
from prldh.validation import Bootstrap, EngineRun, HeldOut, Validation, held_out


@dataclass(frozen=True)
class ModelEntry:
    """A model, its validation, and its apparent ROC curve."""

    model: Inline[FittedModel]
    validation: Validation
    roc: tuple[RocPoint, ...] | Absent = ABSENT


@dataclass(frozen=True)
class ClinicalModel:
    """The model of the covariates alone, and by how much the AUC of every other one is larger, apparent and held
    out."""

    model: Inline[ModelEntry]
    added_value: tuple[Comparison, ...]


def clinical_model(plan: Plan, run: EngineRun, is_whole: bool = False) -> ClinicalModel | Absent:
    """That of a run; ``is_whole``: with ROC curves. Absent without covariates."""
    spec = plan.covariates_alone
    if spec is None:
        return ABSENT
    outcome = plan.patients_of(spec.terms).cohort.outcome if is_whole else None
    return ClinicalModel(model_entry(run, len(plan.specs), outcome), tuple(run.added_value))


def model_entry(run: EngineRun, i: int, outcome: np.ndarray | None = None) -> ModelEntry:
    """Model i of a run; given the ``outcome`` (n,) of its patients, with ROC curves of its apparent predictions, and of
    the held-out ones that are no mere intercepts."""

    def curve(eta: np.ndarray, rows: np.ndarray | slice = slice(None)) -> tuple[RocPoint, ...]:
        assert outcome is not None
        y, p = outcome[rows].astype(float), ranked_probability(eta[rows])
        return roc_vertices(run.engine, y, p, run.assessment.level) if 0 < y.sum() < y.size else ()

    by_scope: dict[str, dict[str, HeldOut | Bootstrap]] = {}
    for (j, scope, scheme), entry in run.validation.items():
        if j == i:
            predictions = run.predictions[i, scope, scheme]
            is_pooled = predictions.kind != REPEATED_HOLDOUT and not predictions.alone.any()
            if outcome is not None and isinstance(entry, HeldOut) and is_pooled:
                entry = replace(entry, roc=curve(held_out(predictions)[0], predictions.held_out_rows[0]))
            by_scope.setdefault(scope, {})[scheme] = entry
    roc = curve(mean_log_odds(run.log_odds[i])) if outcome is not None else ABSENT
    return ModelEntry(run.models[i], _validation(by_scope, _no_difference(run, i)), roc)


def _no_difference(run: EngineRun, i: int) -> str:
    terms = [{"variable": term.variable} for term in run.models[i].terms]
    covariates = {row.variable for row in run.table_one} - set(run.fits)
    reason = no_difference(terms, {name: fit.score is None for name, fit in run.fits.items()}, covariates)
    is_other = run.is_cross_fitted or run.choosing is not None
    return reason or (OTHER_SCORES if is_other else "")


def _validation(by_scope: Mapping[str, Mapping[str, HeldOut | Bootstrap]], reason: str) -> Validation:
    """With the difference of the scopes' AUCs, where both were run, or why there is none."""
    validation = cast(Validation, dict(by_scope))
    if "model" in by_scope and "pipeline" in by_scope:
        areas = {
            scheme: [by_scope[scope][scheme].performance["auc"].estimate for scope in ("model", "pipeline")]
            for scheme in by_scope["model"]
        }
        difference: dict[str, Number | str] = {
            scheme: None if reason or None in pair else pair[0] - pair[1] for scheme, pair in areas.items()
        }
        validation["difference"] = difference | ({"reason": reason} if reason else {})
    return validation
