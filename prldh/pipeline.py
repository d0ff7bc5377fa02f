"""analyze(): the one way through. Start here.

study file → cohort → features → selection → Radscore → models → validation → report
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pluggy
from pydantic import BaseModel, ValidationError
from threadpoolctl import threadpool_limits

from prldh.cohort import read_cohort
from prldh.compare import compare_engines, compare_models, nested, nested_warning, plan_comparisons
from prldh.describe import make_table_one
from prldh.errors import DataError, EngineError, StudyError
from prldh.features import read_features, without_constants
from prldh.interaction import describe_interaction
from prldh.models import GROUPS, MAXIMUM_LIKELIHOOD, build_design, describe_model, plan_models
from prldh.outputs import claim_output, refuse_inputs_inside, write_outputs
from prldh.plugins import choose, create_plugin_manager, nearest, registered
from prldh.radscore import Protocol, Step, fit_tissue, training_rows
from prldh.records import Cohort, Design, FeatureBlock, ModelSpec, Resample, TissueFit, Warn
from prldh.results import Results, assemble
from prldh.sample_size import anticipated_r2
from prldh.seeds import seed_for
from prldh.study import Study, Validation, read_study
from prldh.validate import (
    Predictions,
    held_out,
    predict_scope_model,
    predict_scope_pipeline,
    refit_tissues,
    run_refits,
    summarise,
)

#: Told of progress: the stage, how much is done, how much there is to do.
Progress = Callable[[str, int, int], None]

BOOTSTRAP_REASON = "the two engines draw their own resamples (pROC takes no row numbers)"


@dataclass(frozen=True)
class Plan:
    """A study that has been read and checked: everything that the engines need."""

    study: Study
    folder: Path
    cohort: Cohort
    blocks: Mapping[str, tuple[FeatureBlock, ...]]
    protocol: Protocol
    specs: tuple[ModelSpec, ...]
    pairs: list[tuple[str, str]]
    schemes: Mapping[str, tuple[str, list[Resample]]]  # name → (kind, resamples)
    warnings: tuple[Warn, ...]
    plugins: pluggy.PluginManager


@dataclass
class EngineRun:
    """What one engine computed. Entries are shaped as ``results.json`` has them."""

    engine: Any
    fits: dict[str, TissueFit] = field(default_factory=dict)
    designs: list[Design] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    log_odds: list[np.ndarray] = field(default_factory=list)
    predictions: dict[tuple[int, str, str], Predictions] = field(default_factory=dict)  # (model, scope, scheme)
    table_one: list[dict[str, Any]] = field(default_factory=list)
    comparisons: list[dict[str, Any]] = field(default_factory=list)
    interaction: dict[str, Any] | None = None
    refits: dict[str, list] = field(default_factory=dict)  # scheme → one {tissue: TissueRefit} a resample
    warnings: list[Warn] = field(default_factory=list)

    @property
    def scores(self) -> dict[str, np.ndarray]:
        return {name: fit.values for name, fit in self.fits.items()}

    @property
    def cutoffs(self) -> dict[str, float]:
        return {name: fit.cutoff for name, fit in self.fits.items()}


def analyze(
    study: str | os.PathLike | dict | Study, out: str | os.PathLike, *, engine: str | None = None, jobs: int | None = None,
    seed: int | None = None, force: bool = False, progress: Progress | None = None,
) -> Results:
    """Analyse a study and write its report.

    Parameters
    ----------
    study
        Path of a study file, or its content.
    out
        Output folder. Appears whole or not at all.
    engine, jobs, seed
        Override what the study file says.
    force
        Replace results that are already in ``out``.
    progress
        Called with (stage, done, total).

    Raises
    ------
    PrldhError
        With one message for everything a user can mend; then nothing is written.
    """
    started = time.time()
    told = progress or (lambda stage, done, total: None)
    with threadpool_limits(1):  # results do not depend on how sums are split over threads
        claimed = claim_output(Path(out), force)
        plan = prepare(study, engine=engine, seed=seed)
        refuse_inputs_inside(claimed, [plan.folder / p for p in plan.study.inputs()])
        engines, warnings = open_engines(plan.study.engine, plan.plugins)
        runs = [run_engine(plan, e, told) for e in engines]
        _validate_pipeline(plan, runs, jobs or plan.study.compute.jobs or os.cpu_count() or 1, told)
        for run in runs:
            _compare_all(plan, run, told)
        results = assemble(plan, runs, _agreement(plan, runs), [*plan.warnings, *warnings])
    plan.plugins.hook.stage_finished(stage="analyze", result=results)
    told("report", 0, 1)
    write_outputs(results, plan, runs[0], claimed, started)
    told("report", 1, 1)
    return results


# ---------------------------------------------------------------- reading and checking


def prepare(study: str | os.PathLike | dict | Study, *, engine: str | None = None, seed: int | None = None) -> Plan:
    """Read and check everything, before anything is computed."""
    study, folder = read_study(study)
    changes = {k: v for k, v in (("engine", engine), ("seed", seed)) if v is not None}
    study = study.model_copy(update=changes) if changes else study
    plugins = create_plugin_manager()
    protocol = Protocol.of(study, resolve_steps(study, plugins))
    _check_extraction(study, plugins)
    specs = plan_models(study)
    pairs = plan_comparisons(study, specs)
    if study.compute.dask:
        raise StudyError("compute.dask: running on a Dask cluster is not offered yet. Leave it out and use --jobs.")
    cohort, warnings = read_cohort(study, folder)
    blocks, told = read_features(study, folder, cohort)
    for name, tissue_blocks in blocks.items():
        for block in tissue_blocks:
            told += without_constants(name, block)[2]
    plugins.hook.stage_finished(stage="cohort", result=cohort)
    _check_folds(study.validation, cohort)
    anticipated_r2(study.sample_size, cohort)  # an R² that no model can reach is told before anything is computed
    schemes = _resamples(study, cohort, plugins)
    known = registered(plugins, "register_checklists")
    absent = [c for c in study.report.checklists if c not in known]
    if absent:
        told.append(Warn("checklists", f"not filled in: no installed plugin brings the checklist {', '.join(absent)}."))
    return Plan(study, folder, cohort, blocks, protocol, specs, pairs, schemes, (*warnings, *told), plugins)


def _check_extraction(study: Study, plugins: pluggy.PluginManager) -> None:
    """Settings of feature sources: each key names one that is installed, or that the study's tissues ask for."""
    known = {*registered(plugins, "register_feature_sources"), *(s for t in study.tissues.values() if t.images for s in t.sources), "pyradiomics", "uctransnet"}
    for name in study.extraction:
        if name not in known:
            near = nearest(name, known)
            raise StudyError(f"extraction.{name}: there is no feature source of that name" + (f"; did you mean '{near}'?" if near else f" (there are: {', '.join(sorted(known))})."))


def resolve_steps(study: Study, plugins: pluggy.PluginManager) -> tuple[Step, ...]:
    """The selectors that the study names, with their settings checked by their own models."""
    steps = []
    for i, step in enumerate(study.selection):
        (name, raw), = step.items()
        selector = choose(plugins, "register_selectors", name, f"selection, step {i + 1}")
        steps.append(Step(selector, _settings(selector.Settings, raw, f"selection, step {i + 1} ({name})")))
    return tuple(steps)


def _settings(model: type[BaseModel], raw: dict, where: str) -> BaseModel:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(p) for p in first["loc"])
        if first["type"] == "extra_forbidden":
            near = nearest(key, model.model_fields)
            hint = f"; did you mean '{near}'?" if near else f" (known here: {', '.join(model.model_fields)})."
            raise StudyError(f"{where}: unknown key '{key}'{hint}") from None
        raise StudyError(f"{where}: {key}: {first['msg'].removeprefix('Value error, ')} (found {first.get('input')!r}).") from None


def _check_folds(validation: Validation, cohort: Cohort) -> None:
    rarer = min(cohort.n_events, cohort.n - cohort.n_events)
    what = "events" if cohort.n_events <= cohort.n - cohort.n_events else "non-events"
    if validation.folds > rarer:
        raise DataError(
            f"validation.folds: {validation.folds}-fold cross-validation needs at least {validation.folds} patients of each outcome, found "
            f"{rarer} {what} among {cohort.n} patients. Set folds to {rarer if rarer > 1 else 0} or fewer, or 0 to switch it off."
        )


def _resamples(study: Study, cohort: Cohort, plugins: pluggy.PluginManager) -> dict[str, tuple[str, list[Resample]]]:
    """The resamples of every scheme that is switched on, plugins' schemes after the built-in ones."""
    validation = study.validation
    wanted: dict[str, Any] = {}
    if validation.leave_one_out:
        wanted["leave_one_out"] = True
    if validation.folds:
        wanted["folds"] = {"folds": validation.folds, "repeats": validation.repeats}
    if validation.bootstrap:
        wanted["bootstrap"] = validation.bootstrap
    known = registered(plugins, "register_validators")
    for name, settings in (validation.model_extra or {}).items():
        if name not in known:
            near = nearest(name, [*Validation.model_fields, *known])
            raise StudyError(f"validation.{name}: unknown key or validator" + (f"; did you mean '{near}'?" if near else "."))
        wanted[name] = settings
    found = {}
    for name, settings in wanted.items():
        validator = known[name][0]
        found[name] = (validator.kind, validator.resamples(cohort.outcome, settings, seed_for(study.seed, "validation", name)))
    return found


def open_engines(wanted: str, plugins: pluggy.PluginManager) -> tuple[list[Any], list[Warn]]:
    """The engines of a run, the reported one first.

    Raises
    ------
    EngineError
        For ``r`` where R cannot be used.
    """
    known = {name: found[0] for name, found in registered(plugins, "register_engines").items()}
    if wanted == "python":
        return [known["python"]()], []
    try:
        engine = known["r"]()
        engine.versions()
    except EngineError as error:
        if wanted == "r":
            raise
        return [known["python"]()], [Warn("engines", f"R was asked for as well but cannot be used; every number is Python's alone. {error}")]
    return ([engine], []) if wanted == "r" else ([engine, known["python"]()], [])


# ---------------------------------------------------------------- one engine


def run_engine(plan: Plan, engine: Any, told: Progress) -> EngineRun:
    """Selection, Radscores, models, their validation in scope ``model``, Table 1 and interaction, by one engine."""
    run = EngineRun(engine)
    study, cohort = plan.study, plan.cohort
    _fit_tissues(plan, run, told)
    resampled = _decision_rows(plan)
    for i, spec in enumerate(plan.specs):
        told(f"models ({engine.name})", i, len(plan.specs))
        design = build_design(spec.terms, cohort, run.scores, run.cutoffs)
        entry, eta, warnings = describe_model(spec, design, cohort, engine, study.performance, resampled, study.separation)
        run.designs.append(design), run.models.append(entry), run.log_odds.append(eta)
        run.warnings += warnings
        entry["validation"] = {}
        if "model" in study.validation.scope:
            _validate_model(plan, run, i, design)
    told(f"models ({engine.name})", len(plan.specs), len(plan.specs))
    run.table_one, warnings = make_table_one(cohort, plan.specs, run.scores, run.cutoffs, study.table_one, engine)
    run.warnings += warnings
    adjust = tuple(study.clinical.covariates) if study.adjust is None else tuple(study.adjust)
    run.interaction, warnings = describe_interaction(
        plan.specs, adjust, cohort, run.scores, run.cutoffs, engine, study.performance.confidence, study.separation
    )
    run.warnings += warnings
    return run


def _fit_tissues(plan: Plan, run: EngineRun, told: Progress) -> None:
    cohort = plan.cohort
    everyone = np.arange(cohort.n)
    for name, tissue in plan.study.tissues.items():
        if tissue.radscore is not None:
            values = cohort.scores[name].to_numpy(float)
            cutoff = float(run.engine.youden(cohort.outcome.astype(float), values)["threshold"])
            run.fits[name] = TissueFit(values, cutoff)
        else:
            told(f"selection: {name} ({run.engine.name})", 0, 1)
            blocks = plan.blocks[name]
            rows = training_rows(blocks, cohort.outcome, everyone)
            sources = tuple(b.source for b in blocks)
            fit = fit_tissue(rows, sources, plan.protocol, seed_for(plan.study.seed, "tissue", name, "all"), run.engine)
            if fit.radscore is None:
                raise DataError(f"tissue '{name}': {fit.empty_step} Loosen that setting, or set if_empty: best to keep the strongest alone.")
            run.fits[name] = fit
            run.warnings += [Warn("selection", f"tissue {name}: {w}") for w in fit.warnings]
            told(f"selection: {name} ({run.engine.name})", 1, 1)
        if not np.isfinite(run.fits[name].cutoff):
            run.warnings.append(Warn("radscore", f"tissue {name}: no cutoff beats calling everyone high; the cutoff is null and everyone is high."))
    plan.plugins.hook.stage_finished(stage="radscore", result=run.fits)


def _decision_rows(plan: Plan) -> np.ndarray:
    n = plan.cohort.n
    generator = np.random.default_rng(seed_for(plan.study.seed, "decision curve"))
    return generator.integers(0, n, (plan.study.performance.decision_bootstrap, n))


def _validate_model(plan: Plan, run: EngineRun, i: int, design: Design) -> None:
    for scheme, (kind, resamples) in plan.schemes.items():
        predictions = predict_scope_model(design, plan.cohort.outcome, kind, resamples, run.engine, run.models[i]["fit"])
        _record(plan, run, i, "model", scheme, predictions)


def _record(plan: Plan, run: EngineRun, i: int, scope: str, scheme: str, predictions: Predictions) -> None:
    run.predictions[i, scope, scheme] = predictions
    entry, remarks = summarise(predictions, run.log_odds[i], plan.cohort.outcome, run.engine, plan.study.performance.confidence)
    run.models[i]["validation"].setdefault(scope, {})[scheme] = entry
    spec = plan.specs[i]
    label = f"model '{spec.name}'{', adjusted' if spec.adjusted else ''}, scope {scope}, {scheme.replace('_', '-')}"
    run.warnings += [Warn("validation", f"{label}: {remark}") for remark in remarks]


# ---------------------------------------------------------------- the whole chain in every resample


def _validate_pipeline(plan: Plan, runs: list[EngineRun], jobs: int, told: Progress) -> None:
    """Scope ``pipeline``: by Python's learners whatever the engine, summarised by each engine."""
    if "pipeline" not in plan.study.validation.scope:
        return
    given = {name: plan.cohort.scores[name].to_numpy(float) for name in plan.cohort.scores}
    items = [(scheme, r, resample) for scheme, (_, resamples) in plan.schemes.items() for r, resample in enumerate(resamples)]
    if not items:
        return
    work = partial(_refit_one, dict(plan.blocks), given, plan.cohort.outcome, plan.protocol, plan.study.seed)
    is_cheap = not plan.blocks
    stage = "validation of the whole chain"
    refits = run_refits(work, items, 1 if is_cheap else jobs, lambda done: told(stage, done, len(items)))
    by_scheme: dict[str, list] = {}
    for (scheme, _, _), refit in zip(items, refits, strict=True):
        by_scheme.setdefault(scheme, []).append(refit)
    from prldh.engines.python import PythonEngine

    learner = PythonEngine()
    for i, spec in enumerate(plan.specs):
        is_same = not any(GROUPS.match(t) or t in plan.blocks for t in spec.terms)
        how = runs[0].models[i]["fit"]
        for scheme, (kind, resamples) in plan.schemes.items():
            shared = None if is_same else predict_scope_pipeline(spec, plan.cohort, kind, resamples, by_scheme[scheme], learner, how)
            for run in runs:
                same = run.predictions.get((i, "model", scheme)) if is_same else None
                if is_same and same is None:
                    same = predict_scope_model(run.designs[i], plan.cohort.outcome, kind, resamples, run.engine, run.models[i]["fit"])
                _record(plan, run, i, "pipeline", scheme, same or shared)
    for run in runs:
        _note_selection(plan, run, by_scheme)
        for entry in run.models:
            _note_difference(entry["validation"])


def _refit_one(blocks, given, outcome, protocol, seed, item):
    from prldh.engines.python import PythonEngine

    scheme, r, resample = item
    with threadpool_limits(1):
        return refit_tissues(blocks, given, outcome, resample, protocol, seed, (scheme, r), PythonEngine())


def _note_selection(plan: Plan, run: EngineRun, by_scheme: Mapping[str, list]) -> None:
    for scheme, refits in by_scheme.items():
        for name in plan.blocks:
            empty = sum(t[name].empty_step is not None for t in refits)
            if empty:
                run.warnings.append(
                    Warn("validation", f"tissue {name}, {scheme.replace('_', '-')}: in {empty} of {len(refits)} resamples the selection left nothing; the Radscore is constant there.")
                )
    run.refits = by_scheme


def _note_difference(validation: dict[str, Any]) -> None:
    if "model" not in validation or "pipeline" not in validation:
        return
    found = {}
    for scheme in validation["model"]:
        a, b = (validation[scope][scheme]["auc"]["estimate"] for scope in ("model", "pipeline"))
        found[scheme] = None if a is None or b is None else a - b
    validation["difference"] = found


# ---------------------------------------------------------------- comparisons


def _compare_all(plan: Plan, run: EngineRun, told: Progress) -> None:
    index = {(s.name, s.adjusted): i for i, s in enumerate(plan.specs)}
    wanted = [(pair, adjusted) for pair in plan.pairs for adjusted in (False, True) if all((name, adjusted) in index for name in pair)]
    for done, (pair, adjusted) in enumerate(wanted):
        told(f"comparisons ({run.engine.name})", done, len(wanted))
        i, j = (index[name, adjusted] for name in pair)
        _compare_pair(plan, run, pair, adjusted, i, j)
    told(f"comparisons ({run.engine.name})", len(wanted), len(wanted))


def _compare_pair(plan: Plan, run: EngineRun, pair: tuple[str, str], adjusted: bool, i: int, j: int) -> None:
    outcome, study = plan.cohort.outcome, plan.study
    rows = compare_models(pair, adjusted, None, None, outcome, run.log_odds[i], run.log_odds[j], run.engine, study)
    smaller = nested(run.designs[i], run.designs[j])
    if smaller:
        small, large = (i, j) if smaller == "first" else (j, i)
        is_likely = all(run.models[k]["fit"] == MAXIMUM_LIKELIHOOD for k in (i, j))
        test = run.engine.likelihood_ratio(run.designs[small].matrix, run.designs[large].matrix, outcome.astype(float)) if is_likely else {}
        rows[0]["likelihood_ratio"] = {k: float(test[k]) if is_likely else None for k in ("statistic", "df", "p")}
        run.warnings.append(nested_warning(pair, adjusted, is_likely))
    run.comparisons += rows
    for scope in study.validation.scope:
        for scheme, (kind, _) in plan.schemes.items():
            if kind != "held_out":
                continue
            first, second = (run.predictions[k, scope, scheme] for k in (i, j))
            if first.alone.any() or second.alone.any():
                label = "adjusted" if adjusted else "unadjusted"
                run.warnings.append(
                    Warn("comparisons", f"'{pair[0]}' and '{pair[1]}' ({label}), scope {scope}, {scheme.replace('_', '-')}: not compared, as refits ended as the intercept alone.")
                )
                continue
            a, b = held_out(first)[0], held_out(second)[0]
            run.comparisons += compare_models(pair, adjusted, scope, scheme, outcome, a, b, run.engine, study)


def _agreement(plan: Plan, runs: list[EngineRun]) -> list[dict[str, Any]]:
    if len(runs) < 2:
        return []
    sides = []
    for run in runs:
        tissues = {}
        for name, fit in run.fits.items():
            tissues[name] = {"cutoff": fit.cutoff if np.isfinite(fit.cutoff) else None}
            if fit.radscore is not None:
                r = fit.radscore
                tissues[name]["radscore"] = {"intercept": r.intercept, **{f: float(b) for (_, f), b in zip(r.features, r.coefficients, strict=True)}}
        sides.append({
            "tissues": tissues, "table_one": run.table_one, "models": run.models,
            # on held-out predictions partial areas are compared by one engine alone
            "comparisons": [c for c in run.comparisons if c["scheme"] is None or c["measure"] == "auc"],
            "interaction": run.interaction or {},
        })
    reasons = {"pauc_sensitivity": BOOTSTRAP_REASON, "pauc_specificity": BOOTSTRAP_REASON}
    return compare_engines(*sides, reasons)
