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
from threadpoolctl import threadpool_limits

from prldh.compare import compare_engines, compare_models, nested, nested_warning
from prldh.describe import make_table_one
from prldh.errors import DataError, EngineError
from prldh.interaction import describe_interaction
from prldh.models import GROUPS, MAXIMUM_LIKELIHOOD, build_design, describe_model
from prldh.outputs import claim_output, refuse_inputs_inside, write_outputs
from prldh.plan import Plan, prepare
from prldh.plugins import registered
from prldh.radscore import fit_tissue, training_rows
from prldh.records import Design, TissueFit, Warn
from prldh.results import Results, assemble
from prldh.seeds import seed_for
from prldh.study import Study
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
