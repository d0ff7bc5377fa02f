"""The frozen models of a run: everything that applies them to a new patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from prldh.chain import to_states, without_unneeded
from prldh.core import ModelSpec, Part, finite, sealed
from prldh.models import Patients, Plan, mean_log_odds, risk_interval
from prldh.run.training import describe_training
from prldh.validation import EngineRun

MODEL_SCHEMA = "prldh-model/2"
#: Shares of the patients whose quantiles of the predicted log odds are kept: where a new patient stands among them.
PREDICTED_AT = np.linspace(0, 1, 101)


def _parts(variable: str, parts: Sequence[Part]) -> dict[str, Any]:
    """What the column of a function or product is made of; its columns are multiplied."""
    if len(parts) < 2 and all(part.variable == variable for part in parts):
        return {}
    return {"parts": [asdict(part) for part in parts]}


def frozen_models(plan: Plan, run: EngineRun) -> dict[str, Any]:
    """Everything needed to apply the models to a new patient: centres, scales, coefficients, cutoffs; with its own
    checksum."""
    tissues = {
        name: {
            "cutoff": fit.cutoff,
            "column": plan.study.tissues[name].radscore,
            "chain": to_states(without_unneeded(fit.chain)),
            "training": describe_training(run, name),
        }
        for name, fit in run.fits.items()
    }
    models = []
    for spec, (design, *_), model, etas in zip(plan.specs, run.designs, run.models, run.log_odds, strict=False):
        own = plan.patients_of(spec.terms)
        cohort = own.cohort
        interval = risk_interval(plan, spec, model, design, cohort.outcome, run.assessment)
        coefficients = [
            {"term": c, "variable": v, "level": level, "b": b, **_parts(v, parts)}
            for c, v, level, parts, b in zip(
                design.columns, design.variables, design.levels, design.parts, model.coefficients, strict=True
            )
        ]
        models.append(
            {
                "name": spec.name,
                "adjusted": spec.adjusted,
                "fit": model.fit,
                "n": model.n,
                "events": model.events,
                "terms": list(spec.terms),
                "levels": {
                    c.name: [level for level in c.levels if (cohort.table[c.name] == level).any()]
                    for c in cohort.covariates
                    if c.levels and c.name in plan.variables(spec)
                },
                "coefficients": coefficients,
                "threshold": model.performance["threshold"],
                "ranges": _ranges(plan, run, spec, own),
                "predicted": {
                    name: [finite(x) for x in np.quantile(mean_log_odds(etas)[cohort.outcome == value], PREDICTED_AT)]
                    for name, value in (("event", 1), ("non_event", 0))
                },
                "risk_interval": asdict(interval),
            }
        )
    frozen = {
        "schema": MODEL_SCHEMA,
        "title": plan.study.title,
        "outcome": plan.cohort.outcome_name,
        "event": plan.cohort.event,
        "covariates": [{"name": c.name, "type": c.kind, "levels": list(c.levels)} for c in plan.cohort.covariates],
        "rule": (
            "high or positive is strictly above; log odds = sum of b * column; a tissue's Radscore is what its chain"
            " gives, step by step; a column with parts is the product of its parts, a spline's the given column of"
            " Hmisc's rcspline.eval(inclx = TRUE) with the knots; a linear score is intercept + sum of coefficient *"
            " (value - center) / scale"
        ),
        "tissues": tissues,
        "models": models,
        **({"plugins": plugins} if (plugins := _plugins_needed(plan)) else {}),
    }
    return sealed(frozen)


def _ranges(plan: Plan, run: EngineRun, spec: ModelSpec, own: Patients) -> dict[str, dict[str, float]]:
    """The least and largest value of each number that a model takes, in the patients that it was fitted on."""
    continuous = {c.name for c in own.cohort.covariates if not c.levels}
    found = {}
    for name in plan.variables(spec):
        if name in run.fits:
            values = np.asarray(run.fits[name].values, dtype=float)[own.rows]
        elif name in continuous:
            values = own.cohort.table[name].to_numpy(dtype=float)
        else:
            continue
        found[name] = {"low": float(np.nanmin(values)), "high": float(np.nanmax(values))}
    return found


def _plugins_needed(plan: Plan) -> list[dict[str, Any]]:
    """The plugins without which the models cannot be applied: those that measure, process or fit."""
    kinds = ("feature source", "image step", "transform", "selector", "learner")
    return [each._asdict() for each in plan.registry.took_part() if any(what.startswith(kinds) for what in each.brings)]
