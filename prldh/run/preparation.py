"""Reading and checking a study, before anything is computed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from prldh.chain import Protocol, check_values, plan_covariates_alone, plan_models
from prldh.checklists import check_answers
from prldh.core import (
    HELD_OUT,
    HOLDOUT,
    Cohort,
    DataError,
    ModelSpec,
    PluginError,
    Progress,
    Resample,
    StudyError,
    Warn,
    nearest,
    scheme_words,
    seed_for,
    warn,
)
from prldh.data import (
    absent_levels,
    names_of,
    read_cohort,
    read_features,
    some,
    tell_of_blanks,
    tell_of_confounded,
    tell_of_formulas,
    without_constants,
)
from prldh.data.imaging import check_names, measure
from prldh.models import Plan, anticipated_r2, check_associations, find_subgroups, plan_comparisons
from prldh.plugins import Registry, draw_resamples, settings_of
from prldh.results import MEASURES
from prldh.run.protocols import blanks_allowed, resolve_protocols
from prldh.run.reach import check_columns, reads_columns, within_reach
from prldh.study import Study, Validation, check_given, read_study
from prldh.validation import can_judge, compared_schemes, judged_model


def prepare(
    study: str | os.PathLike | dict | Study,
    *,
    engine: str | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
    out: Path | None = None,
    plugins: Sequence[Any] = (),
) -> Plan:
    """Read and check everything, before anything is computed; images are measured once all else is in order.

    ``out``: the output folder, where a former run's checklist questions may have been answered. ``plugins``: as
    :class:`~prldh.plugins.registry.Registry` takes them.
    """
    check_given(engine=engine, seed=seed, jobs=jobs)
    study, folder = read_study(study)
    compute = None if dask is None else study.compute.with_dask(dask)
    seed = None if seed is None else int(seed)  # which may be NumPy's
    changes = {k: v for k, v in (("engine", engine), ("seed", seed), ("compute", compute)) if v is not None}
    study = study.model_copy(update=changes) if changes else study
    registry = Registry(plugins)
    protocol, protocols = resolve_protocols(study, registry, folder)
    check_names(study, registry)
    for name in study.report.checklists:
        registry.choose("register_checklists", name, "report.checklists")
    answers = check_answers(registry, folder / study.report.answers if study.report.answers else None, out)
    specs = plan_models(study)
    pairs = plan_comparisons(study, specs)
    cohort, warnings = read_cohort(study, folder)
    _check_folds(study.validation, cohort)
    check_associations(study, cohort)
    find_subgroups(study, cohort)
    validators = _schemes(study, registry)
    told_of_columns = check_columns(protocol, protocols, cohort.subjects)
    if reads_columns(protocol, protocols):  # before images are measured, which takes long
        _within_reach(study, protocol, protocols, _draw(study, validators, cohort), cohort)
    images = measure(study, folder, registry, jobs=jobs, progress=progress)
    if images.aside:
        cohort, warnings = read_cohort(study, folder, images.aside)
    blanks = blanks_allowed(registry, protocol, protocols)
    blocks, feature_warnings = read_features(study, folder, cohort, images, blanks)
    for name, tissue_blocks in blocks.items():
        for block in tissue_blocks:
            feature_warnings += [*without_constants(name, block)[2], *tell_of_blanks(name, block)]
    registry.tell("cohort", cohort)
    _check_folds(study.validation, cohort)
    anticipated_r2(study.sample_size, cohort)  # an R² that no model can reach is told before anything is computed
    schemes, unreached = _within_reach(study, protocol, protocols, _draw(study, validators, cohort), cohort)
    for name, (kind, resamples) in schemes.items():
        feature_warnings += _tell_of_no_part(name, kind, resamples, cohort.n)
    names = names_of(cohort, [block for own in blocks.values() for block in own])
    names |= {"tissues": list(study.tissues), "models": [spec.name for spec in specs]}
    feature_warnings += tell_of_formulas(study.report.csv_formulas, names)
    plan = Plan(
        study,
        folder,
        cohort,
        blocks,
        protocol,
        specs,
        pairs,
        schemes,
        (
            *warnings,
            *tell_of_confounded(cohort),
            *told_of_columns,
            *images.warnings,
            *feature_warnings,
            *unreached,
        ),
        registry,
        MEASURES,
        validators,
        images,
        answers,
        protocols,
    )
    _check_second_stages(plan)
    plan, left_out = _with_compared_schemes(plan)
    told = [*_told_of_patients(plan), *left_out]
    of_terms = [w for spec in specs for w in check_values(spec, study, plan.patients_of(spec.terms).cohort)]
    covariates_alone, untold = _covariates_alone(plan)
    told += [*of_terms, *untold]
    return replace(plan, warnings=(*plan.warnings, *told), covariates_alone=covariates_alone)


def _covariates_alone(plan: Plan) -> tuple[ModelSpec | None, list[Warn]]:
    """The model of the covariates alone, where there are covariates; a warning where it cannot be fitted, for nobody
    asked for it."""
    spec = plan_covariates_alone(plan.study)
    if spec is None:
        return None, []
    patients = plan.patients_of(spec.terms)
    if not patients.has_both:
        n, events = patients.cohort.n, patients.cohort.n_events
        reason = f"{n} patients have no blanks in them, {events} of them with the event."
        return None, [warn.NO_COVARIATES_ALONE(reason=reason)]
    try:
        check_values(spec, plan.study, patients.cohort)
    except DataError as error:
        return None, [warn.NO_COVARIATES_ALONE(reason=error)]
    return spec, []


def _draw(
    study: Study, validators: dict[str, tuple[Any, Any]], cohort: Cohort
) -> dict[str, tuple[str, list[Resample]]]:
    """The resamples of every scheme."""
    schemes = {}
    for name, (validator, settings) in validators.items():
        resamples = draw_resamples(name, validator, settings, cohort.subjects, seed_for(study.seed, "validation", name))
        check_held_out(name, validator.kind, resamples, cohort.n)
        schemes[name] = (validator.kind, resamples)
    return schemes


def _within_reach(
    study: Study,
    own: Protocol,
    named: dict[str, Protocol],
    schemes: dict[str, tuple[str, list[Resample]]],
    cohort: Cohort,
) -> tuple[dict[str, tuple[str, list[Resample]]], tuple[Warn, ...]]:
    """The schemes without held-out rows that a refitted step could not be applied to."""
    return within_reach(own, named, schemes, cohort.subjects) if "pipeline" in study.validation.scope else (schemes, ())


def _check_second_stages(plan: Plan) -> None:
    """A score is taken as it is where it is the only term of a model.

    Raises
    ------
    StudyError
    """
    among = plan.study.choose.among if plan.study.choose else ()
    for where, protocol in (
        ("", None if among else plan.protocol),
        *((f"protocols.{name}, ", plan.protocols[name]) for name in among),
    ):
        if protocol is None or protocol.second_stage != "as_is":
            continue
        own = replace(plan, protocol=protocol)
        for spec in plan.specs:
            if any(name in plan.blocks for name in plan.variables(spec)) and not own.is_as_is(spec):
                raise StudyError(
                    f"{where}second_stage: as_is takes a score's log odds as the model's, and the model '{spec.name}'"
                    f"{', adjusted,' * spec.adjusted} has other terms ({', '.join(spec.terms)}). Set cross_fitted, or"
                    " leave the model out (adjusted ones: adjust: [])."
                )


def _with_compared_schemes(plan: Plan) -> tuple[Plan, list[Warn]]:
    """The plan with those schemes alone in which its choice is validated; a warning names the others.

    Raises
    ------
    StudyError
        Where there is nothing to choose by, or no such scheme.
    """
    choose = plan.study.choose
    if choose is None:
        return plan, []
    if judged_model(plan) is None:
        made = [spec.name for spec in plan.specs if any(name in plan.blocks for name in plan.variables(spec))]
        raise StudyError(
            f"choose.model: '{choose.model}' is no model with a score made in the run. Found:"
            f" {', '.join(dict.fromkeys(made)) or 'none'}. Name one of these."
            if choose.model
            else "choose: no model has a score that is made in this run, so that there is nothing to choose. Give a"
            " tissue features or images, or leave choose out."
        )
    if not can_judge(plan):
        raise StudyError(
            f"choose.folds: of {choose.folds} inner folds of {plan.cohort.n_patients[0]} patients none holds out both"
            " outcomes, so that there is no AUC to choose by. Give fewer, such as 5, or choose by measure: brier."
        )
    if "pipeline" not in plan.study.validation.scope:
        raise StudyError("choose: validation.scope has no pipeline, in which the choice is made anew. Add it.")
    for name in choose.schemes or ():
        if name not in plan.schemes:
            near = nearest(name, plan.schemes)
            hint = f"; did you mean '{near}'?" if near else f" ({', '.join(plan.schemes) or 'there are none'})."
            raise StudyError(f"choose.schemes: '{name}' is not among the schemes of validation{hint}")
    compared = compared_schemes(plan)
    left = [
        f"{scheme_words(name)} ({len(resamples):,} training sets)"
        for name, (_, resamples) in plan.schemes.items()
        if name not in compared
    ]
    own = replace(plan, schemes={name: plan.schemes[name] for name in plan.schemes if name in compared})
    n = len(choose.among)
    return own, [warn.SCHEMES_LEFT_OUT(listed=", ".join(left), n_ways=n)] if left else []


def _told_of_patients(plan: Plan) -> list[Warn]:
    """What there is to say of whose blanks count: with ``by_model`` levels that a model's patients lack; with
    ``complete_case`` by how many patients the two differ.

    Raises
    ------
    DataError
        Where blanks leave a model without patients of both outcomes.
    """
    if plan.study.missing == "complete_case" and plan.cohort.excluded:
        return _lost_by_complete_case(plan)
    warnings = []
    for spec in plan.specs:
        patients, label = plan.patients_of(spec.terms), f"model '{spec.name}'{', adjusted' * spec.adjusted}"
        cohort, blank = patients.cohort, [f"{v} ({plan.cohort.blank(v).sum()})" for v in patients.variables]
        if blank and not patients.has_both:
            raise DataError(
                f"{label}: {cohort.n} of {plan.cohort.n} patients have no blanks in its terms, {cohort.n_events} of"
                f" them with the event; a model needs patients of both outcomes. Blank are {', '.join(blank)}. Fill"
                " cells in, or leave a term out."
            )
        if blank:
            known = {w.message for w in absent_levels(plan.cohort)}
            own = replace(cohort, covariates=tuple(c for c in cohort.covariates if c.name in plan.variables(spec)))
            warnings += [
                warn.ABSENT_LEVELS_OF_MODEL(model=label, n=cohort.n, message=w.message)
                for w in absent_levels(own)
                if w.message not in known
            ]
    return warnings


def _lost_by_complete_case(plan: Plan) -> list[Warn]:
    """By how many patients the models would be larger with ``by_model``."""
    study, n = plan.study.model_copy(update={"missing": "by_model"}), plan.cohort.n
    whole, _ = read_cohort(study, plan.folder, plan.images.aside)
    other = replace(plan, study=study, cohort=whole)
    more = [
        f"'{spec.name}'{', adjusted' * spec.adjusted} {own}"
        for spec in plan.specs
        if (own := other.patients_of(spec.terms).cohort.n) > n
    ]
    if not more:
        return []
    used = other.patients_of(term for spec in plan.specs for term in spec.terms)
    declared = other.patients_of([*study.clinical.covariates, *study.tissues])
    unused = [name for name in declared.variables if name not in used.variables]
    alone = used.cohort.n - declared.cohort.n
    listed = f"{len(more)} of {len(plan.specs)} models would have more patients than these {n}: {some(more)}"
    of_unused = f" Left out only for blanks that no model uses ({', '.join(unused)}): {alone}." if alone else ""
    return [warn.COMPLETE_CASE_LOSES(n_left_out=whole.n - n, listed=listed, unused=of_unused)]


def _check_folds(validation: Validation, cohort: Cohort) -> None:
    of_events, of_others = (np.unique(cohort.patient[cohort.outcome == y]).size for y in (1, 0))
    rarer, n = min(of_events, of_others), cohort.n_patients[0]
    what = "events" if of_events <= of_others else "non-events"
    if validation.folds > rarer:
        raise DataError(
            f"validation.folds: {validation.folds}-fold cross-validation needs at least {validation.folds} patients of"
            f" each outcome, found {rarer} {what[:-1] if rarer == 1 else what} among {n} patients. "
            + (
                f"Set folds to {rarer} or fewer, or 0 to switch it off."
                if rarer > 1
                else "Set folds to 0 to switch it off."
            )
        )


def _tell_of_no_part(name: str, kind: str, resamples: list[Resample], n: int) -> list[Warn]:
    """A warning of patients who neither train nor are held out."""
    there = np.unique(np.concatenate([rows for r in resamples for rows in (r.train, r.test)]))
    if kind != HOLDOUT or len(there) == n:
        return []
    return [warn.IN_NO_PART(scheme=scheme_words(name), n=n - len(there), n_of=n)]


def check_held_out(name: str, kind: str, resamples: list[Resample], n: int) -> None:
    """Pooled predictions are of everyone: in each repeat every patient is held out once."""
    if kind != HELD_OUT:
        return
    counts: dict[int, np.ndarray] = {}
    for r in resamples:
        np.add.at(counts.setdefault(r.repeat, np.zeros(n, dtype=int)), r.test, 1)
    odd = next(((repeat, int((held != 1).sum())) for repeat, held in counts.items() if (held != 1).any()), None)
    if odd is not None:
        raise PluginError(
            f"validation.{name}: in repeat {odd[0]} {odd[1]} of {n} patients are not held out exactly once, so that"
            " predictions cannot be pooled. Change the validator, so that the folds of a repeat hold out everyone."
        )


def _schemes(study: Study, registry: Registry) -> dict[str, tuple[Any, Any]]:
    """The validator and settings of every scheme that is switched on, plugins' schemes after the built-in ones."""
    validation = study.validation
    wanted: dict[str, Any] = {}
    if validation.leave_one_out:
        wanted["leave_one_out"] = True
    if validation.folds:
        wanted["folds"] = {"folds": validation.folds, "repeats": validation.repeats}
    if validation.bootstrap:
        wanted["bootstrap"] = validation.bootstrap
    known = registry.registered("register_validators")
    for name, settings in (validation.model_extra or {}).items():
        if name not in known:
            near = nearest(name, [*Validation.model_fields, *known])
            raise StudyError(
                f"validation.{name}: unknown key or validator"
                + (f"; did you mean '{near}'?" if near else ".")
                + registry.of_skipped()
            )
        if settings is False or settings is None:
            continue
        validator = known[name][0]
        model = getattr(validator, "Settings", None)
        given = {} if settings is True else settings
        wanted[name] = settings if model is None else settings_of(model, given, f"validation.{name}")
    hook = "register_validators"
    return {name: (registry.choose(hook, name, f"validation.{name}"), given) for name, given in wanted.items()}
