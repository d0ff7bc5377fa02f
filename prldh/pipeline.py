"""analyze(): the one way through. Start here.

study file → cohort → features → selection → Radscore → models → validation → report
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from prldh.chain import change_values, fit_everyone
from prldh.core import (
    Cohort,
    DataError,
    EngineError,
    Progress,
    TissueFit,
    Warn,
    given_path,
    one_thread,
    seed_for,
    warn,
)
from prldh.data import impute_everyone
from prldh.engines import ClusteredEngine, StatisticsEngine
from prldh.models import (
    Assessment,
    FeatureCollinearity,
    Plan,
    describe_features,
)
from prldh.plugins import Registry
from prldh.report import InNotebook
from prldh.results import PlanFollowed, Results, assemble, by_honesty, try_statistics
from prldh.run import (
    claim_output,
    follow_plan,
    prepare,
    read_plan,
    refuse_inputs_inside,
    what_is_written,
    write_outputs,
)
from prldh.study import Study
from prldh.validation import (
    Decision,
    EngineRun,
    Helpers,
    choose_for_everyone,
    compare_alternatives,
    compare_pair,
    compare_protocols,
    describe_added_value,
    describe_models,
    describe_subgroups,
    measure_by_yardstick,
    open_kept,
    refit_inputs,
    repeat_elsewhere,
    validate_models,
)
from prldh.work import Workers, unasked


def analyze(
    study: str | os.PathLike | dict | Study,
    out: str | os.PathLike,
    *,
    engine: str | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    seed: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
    plugins: Sequence[Any] = (),
    plan_file: str | os.PathLike | None = None,
) -> Results:
    """Analyse a study and write its report.

    Parameters
    ----------
    study
        Path of a study file, or its content.
    out
        Output folder. Appears whole or not at all.
    engine, jobs, dask, seed
        Override what the study file says. ``dask`` is the address of a scheduler.
    force
        Replace results that are already in ``out``.
    progress
        Called with (stage, done, total); (sentence, 0, 0) is something to be shown. Without one a notebook shows a
        line that changes.
    plugins
        Selectors, feature sources and other objects (or modules with hooks) to choose from beside what is installed:
        ``plugins=[MySelector()]``.
    plan_file
        A plan that :func:`prldh.write_plan` made before; the results say what followed it, and list every deviation.

    Raises
    ------
    PrldhError
        With one message for everything a user can mend; then nothing is written, but finished refits are kept until a
        run is done (:mod:`prldh.work.kept`).
    """
    started = time.time()
    progress = progress or unasked()

    def say(sentence: str) -> None:
        progress(sentence, 0, 0)

    with claim_output(given_path(out, "out"), force) as held:
        with one_thread():  # results do not depend on how sums are split over threads
            planned = None if plan_file is None else read_plan(plan_file)
            plan = prepare(
                study, engine=engine, seed=seed, jobs=jobs, dask=dask, progress=progress, out=held.out, plugins=plugins
            )
            try_statistics(plan.registry, plan.cohort.outcome)
            refuse_inputs_inside(held.out, [plan.folder / p for p in plan.study.inputs()], what_is_written(plan.study))
            followed, departed = _follow(planned, study, plan, started)
            n_jobs = jobs or plan.study.compute.jobs or os.cpu_count() or 1
            with Workers(n_jobs, plan.study.compute.dask, refit_inputs(plan), say) as workers:
                kept = open_kept(plan, say)
                helpers = Helpers(workers, kept)
                plan, decision = _choose(plan, helpers, n_jobs, say, progress)
                progress("engines", 0, 1)
                engines, warnings = open_engines(plan.study.engine, plan.registry)
                progress("engines", 1, 1)
                runs: list[EngineRun] = []
                for each in engines:
                    if plan.cohort.patients is not None:
                        each = ClusteredEngine(each, plan.cohort.patient)
                    assessment = Assessment(each, plan.study.performance, plan.patients[()].draws, plan.measures)
                    runs.append(fit_scores(plan, assessment, runs[0].completed if runs else None, progress))
                describe_models(plan, runs, helpers, progress)
                validate_models(plan, runs, helpers, progress)
                describe_subgroups(plan, runs, by_honesty(runs[0].gone_by))
                compare_alternatives(plan, runs, helpers, progress)
                compare_protocols(plan, runs, helpers, decision, progress)
                measure_by_yardstick(plan, runs, helpers, progress)
            warnings += repeat_elsewhere(plan)
            for run in runs:
                _compare_all(plan, run, progress)
                describe_added_value(plan, run)
            progress("results", 0, 1)
            results = assemble(plan, runs, [*departed, *plan.warnings, *warnings], followed)
        plan.registry.tell("analyze", results)
        progress("results", 1, 1)
        write_outputs(results, plan, runs[0], held, started, n_jobs, progress)
        kept.forget()
        return replace(results, view=InNotebook(held.out))


def _follow(
    planned: dict[str, Any] | None, study: str | os.PathLike | dict | Study, plan: Plan, started: float
) -> tuple[PlanFollowed | None, list[Warn]]:
    """How far the plan that was made before is followed, where there is one."""
    if planned is None:
        return None, []
    return follow_plan(planned, study, plan.study, plan.folder, plan.registry, plan.protocol, plan.protocols, started)


def _choose(
    plan: Plan, helpers: Helpers, n_jobs: int, say: Callable[[str], None], progress: Progress
) -> tuple[Plan, Decision | None]:
    """The plan with the way that is chosen on everyone, where the study has a choice, and that choice; how long the
    same will take within every training set is told first."""
    if plan.study.choose is None:
        return plan, None
    started = time.time()
    decision = choose_for_everyone(plan, helpers, partial(progress, "choice among protocols"))
    n = sum(len(resamples) for _, resamples in plan.schemes.values())
    minutes = (time.time() - started) * n / 60
    if minutes > 1:
        say(f"choosing within {n:,} training sets will take about {minutes:,.0f} minutes ({n_jobs} at once)")
    return replace(plan, protocol=plan.protocols[decision.chosen]), decision


def open_engines(wanted: str, registry: Registry) -> tuple[list[StatisticsEngine], list[Warn]]:
    """The engines of a run, the reported one first.

    Raises
    ------
    EngineError
        For ``r`` where R cannot be used.
    """
    known = {name: registered[0] for name, registered in registry.registered("register_engines").items()}
    if wanted == "python":
        return [known["python"]()], []
    try:
        engine = known["r"]()
        engine.versions()
    except EngineError as error:
        if wanted == "r":
            raise
        return [known["python"]()], [warn.WITHOUT_R(error=error)]
    return ([engine], []) if wanted == "r" else ([engine, known["python"]()], [])


# ---------------------------------------------------------------- one engine


def fit_scores(plan: Plan, assessment: Assessment, completed: list[Cohort] | None, progress: Progress) -> EngineRun:
    """Selection and Radscores by one engine.

    ``completed`` are the imputed data sets of the engine before, so that both analyse the same; None: they are made
    here.
    """
    run, study, cohort = EngineRun(assessment), plan.study, plan.cohort
    _fit_tissues(plan, run, progress, is_first=completed is None)
    run.completed = completed or (
        [cohort]
        if not plan.imputes
        else impute_everyone(cohort, run.scores, study.imputation, seed_for(study.seed, "imputation", "all"))
    )
    return run


def _fit_tissues(plan: Plan, run: EngineRun, progress: Progress, is_first: bool) -> None:
    cohort = plan.cohort
    for name, tissue in plan.study.tissues.items():
        if tissue.radscore is not None:
            values = cohort.scores[name].to_numpy(float)
            known = np.isfinite(values)
            cutoff = float(run.engine.youden(cohort.outcome[known].astype(float), values[known])["threshold"])
            run.fits[name] = TissueFit(values, cutoff)
        else:
            progress(f"selection: {name} ({run.engine.name})", 0, 1)
            blocks = plan.blocks[name]
            fit = fit_everyone(
                name, blocks, cohort.subjects, plan.protocol, plan.study.seed, run.engine.plain, is_described=is_first
            )
            if fit.score is None:
                chosen = next((way for way, each in plan.protocols.items() if each is plan.protocol), None)
                way = "" if chosen is None else f", protocol '{chosen}', which was chosen on everyone"
                raise DataError(
                    f"tissue '{name}'{way}: {fit.empty_step} Loosen that setting, or set if_empty: best to keep the"
                    " strongest alone."
                )
            run.fits[name], run.blocks[name] = fit, change_values(blocks, fit.chain, cohort.known)
            run.warnings += fit.warnings
            if fit.cross_fitted is not None:
                run.warnings.append(warn.CROSS_FITTED(tissue=name))
            features, values = run.features_of(name)
            if fit.radscore is None:
                run.collinearity[name] = FeatureCollinearity(None, None, (), "the score is not a sum of its features")
            else:
                run.collinearity[name], warnings = describe_features(values, features, run.engine, name)
                run.warnings += warnings
            progress(f"selection: {name} ({run.engine.name})", 1, 1)
        if not np.isfinite(run.fits[name].cutoff):
            run.warnings.append(warn.NO_CUTOFF(tissue=name))
    plan.registry.tell("radscore", MappingProxyType(run.fits))


# ---------------------------------------------------------------- comparisons


def _compare_all(plan: Plan, run: EngineRun, progress: Progress) -> None:
    index = {(s.name, s.adjusted): i for i, s in enumerate(plan.specs)}
    wanted = [
        (pair, adjusted)
        for pair in plan.pairs
        for adjusted in (False, True)
        if all((name, adjusted) in index for name in pair)
    ]
    if not wanted:
        return
    for done, (pair, adjusted) in enumerate(wanted):
        progress(f"comparisons ({run.engine.name})", done, len(wanted))
        compare_pair(plan, run, *(index[name, adjusted] for name in pair))
    if run.reclassification:
        run.warnings.append(warn.RECLASSIFICATION())
    progress(f"comparisons ({run.engine.name})", len(wanted), len(wanted))
