"""What ``analysis.R`` is told of a study: one nested list, in the terms of R."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from prldh.chain import GROUPS, adjusting_terms
from prldh.chain.learners import LogisticLearner
from prldh.core import APPARENT, BOOTSTRAP, CALIBRATION, HELD_OUT, LinearScore, Measure, ModelSpec, Resample, at
from prldh.models import Association
from prldh.reproduce.columns import Names
from prldh.validation import judged_model

if TYPE_CHECKING:
    from prldh.models import Plan
    from prldh.validation import EngineRun

R = "r"
"""The engine whose language the folder is in."""


def describe_study(data: dict[str, Any], plan: Plan, run: EngineRun, names: Names) -> dict[str, Any]:
    """Settings and models: what ``analysis.R`` begins with. No statistic is among them, but for what R has no function
    for: how each model was fitted, and which estimates are infinite (by linear programming, Konis 2007)."""
    study, settings = plan.study, plan.study.performance
    adjust = adjusting_terms(study)
    return {
        "confidence": settings.confidence,
        "csv_formulas": study.report.csv_formulas,
        "partial": {focus: list(ends) for focus, ends in settings.partial_ranges().items()},
        "hosmer_lemeshow_groups": settings.hosmer_lemeshow_groups,
        "thresholds": list(settings.thresholds),
        "prevalence": settings.prevalence,
        "risk_categories": settings.risk_categories,
        "sample_size": study.sample_size.model_dump(exclude_none=True),
        "table_one": study.table_one.model_dump(include={"continuous", "adjust_p", "standardized_differences"}),
        "is_clustered": plan.cohort.patients is not None,
        "patients": [{"columns": [names.of_term(v) for v in each.variables]} for each in plan.patients.values()],
        "refitted_to_compare": _describe_refitted(plan, run),
        "associations": [_describe_association(each, names) for each in run.associations],
        "n_excluded": len(plan.cohort.excluded),
        "covariates": [
            {"name": c.name, "column": names.covariates[c.name], "levels": list(c.levels)}
            for c in plan.cohort.covariates
        ],
        "tissues": [_describe_tissue(plan, run, names, name) for name in run.fits],
        "groups": [{"name": term, "column": column, "tissues": _pair(term)} for term, column in names.groups.items()],
        "composed": [_describe_term(term, names) for term in names.composed],
        "models": [_describe_model(plan, names, *pair) for pair in zip(plan.specs, data["models"], strict=True)],
        "covariates_alone": None
        if plan.covariates_alone is None
        else _describe_model(plan, names, plan.covariates_alone, data["clinical_model"]) | {"is_alone": True},
        "pairs": [list(pair) for pair in plan.pairs],
        "calibration": [m.key for m in at(CALIBRATION, plan.measures) if R in m.computed_by],
        "classification": [_describe_measure(m) for m in plan.measures if m.cells and R in m.computed_by],
        "schemes": {name: kind for name, (kind, _) in plan.schemes.items() if name not in left_out(plan)},
        "by_group": by_group(plan),
        "scopes": [scope for scope in ("model", "pipeline") if scope in study.validation.scope],
        "univariate": _describe_univariate(data["univariate"], names),
        "interaction": _describe_interaction(data["interaction"], [names.of_term(name) for name in adjust]),
        **_describe_second_stage(plan, run),
    }


def _describe_second_stage(plan: Plan, run: EngineRun) -> dict[str, Any]:
    """How scores become models where that is not by a fit to the scores of the patients who made them; and the schemes
    in which the way from features to a score was chosen, with the model that it was judged by."""
    found: dict[str, Any] = {}
    if plan.blocks and plan.protocol.second_stage != "in_sample":
        found["second_stage"] = plan.protocol.second_stage
    if run.choice is not None:
        schemes = [scheme for scheme in run.choice.validation if scheme not in left_out(plan)]
        spec = judged_model(plan)
        found["choice"] = {
            "model": run.choice.model,
            "adjusted": spec is not None and spec.adjusted,
            "ways": list(run.choice.candidates),
            "schemes": schemes,
        }
    return found


def _describe_refitted(plan: Plan, run: EngineRun) -> list[dict[str, Any]]:
    """How models were fitted to patients that they share with another; ``patients`` are numbered from 1."""
    whose = {variables: k for k, variables in enumerate(plan.patients, 1)}
    return [
        {
            "name": plan.all_specs[i].name,
            "adjusted": plan.all_specs[i].adjusted,
            "patients": whose[variables],
            "fit": each.fit,
            "predicts_by": each.predicts_by,
        }
        for (i, variables), each in run.on_common.items()
    ]


def _describe_association(each: Association, names: Names) -> dict[str, Any]:
    """The columns of the variable and of what divides the patients; ``groups`` are the levels of a covariate."""
    is_tissue = each.by in names.tissues
    return {
        "name": f"{each.variable} by {each.by}",
        "column": names.of_term(each.variable),
        "by": names.of_term(each.by),
        "tissue": each.by if is_tissue else None,
        "groups": [] if is_tissue else list(each.groups),
    }


def _describe_measure(measure: Measure) -> dict[str, Any]:
    """How R computes a measure of predicted and observed events."""
    return {
        "key": measure.key,
        "statistic": measure.function,
        "cells": {argument: list(cells) for argument, cells in measure.cells.items()},
        "has_interval": measure.has_interval(APPARENT),
    }


def _describe_tissue(plan: Plan, run: EngineRun, names: Names, name: str) -> dict[str, Any]:
    blocks, score = plan.blocks.get(name, ()), run.fits[name].radscore
    tissue: dict[str, Any] = {
        "name": name,
        "column": names.tissues[name],
        "n_features": sum(len(b.names) for b in blocks),
    }
    if name in names.applied:
        tissue["applied"] = names.applied[name]
    if score is not None and score.features:
        tissue["radscore"] = {"features": [f for _, f in score.features], "is_logistic": _is_logistic(plan, score)}
        if not _is_logistic(plan, score):
            tissue["radscore"] |= {"intercept": score.intercept, "coefficients": score.coefficients.tolist()}
    return tissue


def _is_logistic(plan: Plan, score: LinearScore) -> bool:
    """Whether the score is a logistic model: so is one feature alone, which no learner had to choose for."""
    return isinstance(plan.protocol.learner.learner, LogisticLearner) or (
        len(score.features) == 1 and not score.details
    )


def _describe_model(plan: Plan, names: Names, spec: ModelSpec, entry: Mapping[str, Any]) -> dict[str, Any]:
    variables = plan.variables(spec)
    terms = [names.of_term(term) for term in spec.terms]
    return {
        "name": spec.name,
        "adjusted": spec.adjusted,
        "terms": terms,
        "own": terms[: len(spec.own_terms)],
        "scores": [term for term, name in zip(terms, spec.terms, strict=True) if name in plan.study.tissues],
        "fit": entry["fit"],
        "predicts_by": entry.get("prediction", {}).get("method", entry["fit"]),
        "infinite": _infinite(entry["terms"]) if entry["separation"] else [],
        "is_imputed": plan.is_imputed(spec),
        "is_refitted": plan.is_refitted(spec),
        "leakage_is_known": "reason" not in entry["validation"].get("difference", {}),
        "needs_refits": any(name in plan.blocks for name in variables),
        "has_splines": plan.has_splines(spec),
    }


def _describe_term(term: str, names: Names) -> dict[str, Any]:
    """A function or product of columns, which are multiplied."""
    return {
        "name": term,
        "factors": [
            {"column": names.of_term(f.variable), "form": f.function, "knots": f.knots, "name": f.text}
            for f in names.composed[term]
        ],
    }


def _describe_univariate(univariate: Mapping[str, Any] | None, names: Names) -> dict[str, Any] | None:
    if univariate is None:
        return None
    variables: dict[tuple[str, bool], list] = {}
    for row in univariate["terms"]:
        variables.setdefault((row["variable"], row["is_radscore"]), []).append(row)
    models = [
        {
            "column": (names.tissues if is_radscore else names.covariates)[name],
            "fit": rows[0]["fit"],
            "is_fitted": rows[0]["is_fitted"],
            "infinite": _infinite([{"b": 0.0}, *rows]),
        }
        for (name, is_radscore), rows in variables.items()
    ]
    shown = {name: [row["feature"] for row in entry["smallest"]] for name, entry in univariate["features"].items()}
    return {"test": univariate["test"], "adjusted": univariate["adjusted"], "models": models, "shown": shown}


def _describe_interaction(interaction: Mapping[str, Any] | None, adjust: list[str]) -> dict[str, Any] | None:
    if interaction is None:
        return None
    kinds = {}
    for kind, columns in (("unadjusted", []), ("adjusted", adjust)):
        if interaction[kind] is None:
            continue
        products = {
            key: {"fit": own["fit"], "has_estimate": own["b"] is not None}
            for key, own in interaction["product"][kind].items()
        }
        without = [row["group"] for row in interaction[kind] if row["b"] is None and row["n"] and not row["reference"]]
        kinds[kind] = {
            "adjust": columns,
            "fit": interaction["fit"][kind],
            "without_estimate": without,
            "products": products,
        }
    return {"tissues": interaction["pair"], "kinds": kinds}


def _infinite(terms: Sequence[Mapping[str, Any]]) -> list[int]:
    """Positions, from 1, of terms without an estimate: infinite ones, and those that R finds to be aliased as well."""
    return [j for j, term in enumerate(terms, 1) if term["b"] is None]


def _pair(term: str) -> list[str]:
    match = GROUPS.match(term)
    return [match["first"], match["second"]] if match else []


def is_simple(kind: str, resamples: Sequence[Resample], n: int) -> bool:
    """Whether everyone who is not held out trains; a plugin's scheme may have it otherwise, and is then left out."""
    return kind == BOOTSTRAP or (
        kind == HELD_OUT
        and all(np.array_equal(np.sort(r.train), np.setdiff1d(np.arange(n), r.test)) for r in resamples)
    )


def by_group(plan: Plan) -> list[str]:
    """The schemes that hold out one group after the other."""
    return [name for name, (_, resamples) in plan.schemes.items() if all(r.group for r in resamples)]


def left_out(plan: Plan) -> list[str]:
    return [name for name, (kind, resamples) in plan.schemes.items() if not is_simple(kind, resamples, plan.cohort.n)]
