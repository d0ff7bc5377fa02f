"""Validation within a run: refits on every resample, spread over workers and kept as they finish, then summed up for
every model.

What one refit is stands in :mod:`prldh.validation.refit`; how work is spread and kept in :mod:`prldh.work.work` and
:mod:`prldh.work.kept`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from threadpoolctl import threadpool_limits

from prldh.chain import Protocol
from prldh.core import Coded, Cohort, Entry, FeatureBlock, Ledger, Predictions, Resample, TissueRefit, Warn, warn
from prldh.engines import PythonEngine
from prldh.models import Patients, Plan, mean_log_odds
from prldh.plugins import HasFingerprint
from prldh.study import Imputation
from prldh.validation.common import refit_model
from prldh.validation.entries import HeldOut
from prldh.validation.implausible import implausible_predictions
from prldh.validation.null_run import null_scheme, run_null
from prldh.validation.refit import (
    impute_for_resamples,
    predict_imputed,
    predict_scope_pipeline,
    refit_tissues,
)
from prldh.validation.sensitivity import describe_sensitivity
from prldh.validation.summaries import summarise
from prldh.validation.two_stage import TwoStage, draw_two_stage
from prldh.work import KeptWork, Shelf, Workers, digest_of, program_digest, run_work

if TYPE_CHECKING:
    from prldh.core import Progress
    from prldh.validation.engine_run import EngineRun


#: One entry a resample.
ByScheme = dict[str, list]


@dataclass(frozen=True)
class Refits:
    """What every refit of one stage is told beside the features: ``tissues`` are given in scope ``model``, where they
    are not refitted; ``cohort`` where covariates have blanks that are imputed."""

    outcome: np.ndarray
    protocol: Protocol
    seed: int
    tissues: Mapping[str, TissueRefit] | None
    cohort: Cohort | None
    imputation: Imputation


def refit_inputs(plan: Plan) -> tuple[dict[str, tuple[FeatureBlock, ...]], dict[str, np.ndarray]]:
    """The features and the given scores of all patients: what every refit needs, the same in all stages."""
    return dict(plan.blocks), {str(name): values.to_numpy(float) for name, values in plan.cohort.scores.items()}


def validate_models(plan: Plan, runs: list[EngineRun], workers: Workers, kept: KeptWork, progress: Progress) -> None:
    """Both scopes. What is refitted by learners (scope ``pipeline``) or imputed is refitted by Python's whatever the
    engine; every engine summarises the predictions."""

    if not any(resamples for _, resamples in plan.schemes.values()):
        return
    learner = PythonEngine()
    two_stage = _draw_all_two_stage(plan, runs[0], progress)
    for scope in ("model", "pipeline"):
        if scope not in plan.study.validation.scope:
            continue
        stage, noun = (
            ("validation of the whole chain", "resamples")
            if scope == "pipeline"
            else ("imputation in resamples", "imputed resamples")
        )
        refits, completed, ledgers = _refit_all(plan, runs[0], scope, workers, kept, partial(progress, stage), noun)
        for run in runs:
            run.ledger |= {(scope, scheme): list(of_scheme) for scheme, of_scheme in ledgers.items()}
        for i, spec in enumerate(plan.specs):
            progress(f"validation, scope {scope}", i, len(plan.specs))
            how, patients = runs[0].models[i].predicts_by, plan.patients_of(spec.terms)
            for scheme, (kind, resamples) in patients.schemes.items():
                tissues, shared = patients.refits(scheme, refits[scheme]), None
                if plan.is_imputed(spec):
                    shared = predict_imputed(
                        spec, plan.cohort, kind, resamples, tissues, completed[scheme], learner, how
                    )
                elif scope == "pipeline" and plan.is_refitted(spec):
                    shared = predict_scope_pipeline(spec, patients.cohort, kind, resamples, tissues, learner, how)
                for run in runs:
                    same = run.predictions.get((i, "model", scheme)) if shared is None else shared
                    if same is None:
                        same = refit_model(plan, run, spec, run.designs[i], patients, scheme, run.models[i].predicts_by)
                    drawn = two_stage.get((i, scheme), TwoStage())
                    _record(plan, run, i, patients, scope, scheme, same, tissues, drawn)
        progress(f"validation, scope {scope}", len(plan.specs), len(plan.specs))
        if scope == "pipeline":
            for run in runs:
                _note_selection(plan, run, refits)
    _run_null(plan, runs, learner, workers, kept, progress)


def _draw_all_two_stage(plan: Plan, run: EngineRun, progress: Progress) -> dict[tuple[int, str], TwoStage]:
    """What intervals of the bootstrap are made of, by model and scheme."""
    schemes = [scheme for scheme, (kind, _) in plan.schemes.items() if kind == "bootstrap"]
    places = [(i, scheme) for i in range(len(plan.specs)) for scheme in schemes]
    drawn = {}
    for done, place in enumerate(places):
        progress("two-stage bootstrap", done, len(places))
        drawn[place] = draw_two_stage(plan, run, *place)
    if places:
        progress("two-stage bootstrap", len(places), len(places))
    n = sum(plan.is_refitted(spec) for spec in plan.specs)
    if places and n and plan.study.validation.bootstrap_interval == "two_stage":
        run.warnings.append(warn.NO_TWO_STAGE(n=n, n_models=len(plan.specs)))
    return drawn


def _run_null(
    plan: Plan, runs: list[EngineRun], learner: PythonEngine, workers: Workers, kept: KeptWork, progress: Progress
) -> None:
    """The null run, by Python's learners whatever the engine: its band stands beside the held-out AUC of every
    model."""
    scheme, n = null_scheme(plan), plan.study.validation.null_permutations
    if not n:
        return
    if scheme is None or "pipeline" not in plan.study.validation.scope:
        for run in runs:
            run.warnings.append(warn.NO_NULL_RUN())
        return

    def refit(permuted: Plan, k: int) -> tuple[ByScheme, ByScheme]:
        refits, completed, _ = _refit_all(
            permuted,
            runs[0],
            "pipeline",
            workers,
            kept,
            lambda done, total: progress("null run", k * total + done, n * total),
        )
        return refits, completed

    places = [(i, "pipeline", scheme) for i in range(len(plan.specs))]
    observed = [entry for place in places if isinstance(entry := runs[0].validation[place], HeldOut)]
    nulls = run_null(plan, [model.predicts_by for model in runs[0].models], observed, refit, learner)
    for run in runs:
        for place, null in zip(places, nulls, strict=True):
            run.validation[place] = replace(cast(HeldOut, run.validation[place]), null=null)


def compare_alternatives(
    plan: Plan, runs: list[EngineRun], workers: Workers, kept: KeptWork, progress: Progress
) -> None:
    """What other settings of a step would have given, where its selector offers some; by Python's learners, as all
    refits."""

    def refit(other: Plan) -> ByScheme:
        return _refit_all(
            other, runs[0], "pipeline", workers, kept, partial(progress, "other settings of the selection")
        )[0]

    sensitivity = describe_sensitivity(plan, runs[0].fits, runs[0].refits, refit, runs[0].engine)
    for run in runs:
        run.sensitivity = sensitivity


def _refit_all(
    plan: Plan,
    run: EngineRun,
    scope: str,
    workers: Workers,
    kept: KeptWork,
    progress: Callable[[int, int], None],
    noun: str | None = None,
) -> tuple[ByScheme, ByScheme, ByScheme]:
    """Every tissue and the imputed covariates on every resample, and what the fits read: three dicts, scheme → one
    entry a resample."""
    tissues = (
        None
        if scope == "pipeline"
        else {name: TissueRefit(fit.fitting, fit.cutoff, (), None) for name, fit in run.fits.items()}
    )
    cohort = plan.cohort if plan.imputes else None
    if scope == "model" and cohort is None:
        return (
            {scheme: [tissues] * len(resamples) for scheme, (_, resamples) in plan.schemes.items()},
            {},
            {scheme: [] for scheme in plan.schemes},
        )
    items = [
        (scheme, r, resample) for scheme, (_, resamples) in plan.schemes.items() for r, resample in enumerate(resamples)
    ]
    settings = Refits(plan.cohort.outcome, plan.protocol, plan.study.seed, tissues, cohort, plan.study.imputation)
    by_item = run_work(
        partial(_refit_one, settings),
        items,
        workers,
        lambda done: progress(done, len(items)),
        shelf=_shelf(kept, settings, items),
        is_cheap=cohort is None and not plan.blocks,
        noun=noun,
    )
    refits: dict[str, list] = {}
    completed: dict[str, list] = {}
    ledgers: dict[str, list] = {}
    for (scheme, _, _), (refitted, tables, ledger) in zip(items, by_item, strict=True):
        refits.setdefault(scheme, []).append(refitted or tissues)
        completed.setdefault(scheme, []).append(tables)
        ledgers.setdefault(scheme, []).append(ledger)
    return refits, completed, ledgers


def _refit_one(
    settings: Refits,
    blocks: Mapping[str, tuple[FeatureBlock, ...]],
    given: Mapping[str, np.ndarray],
    item: tuple[str, int, Resample],
) -> tuple[dict[str, TissueRefit] | None, tuple[list[Coded], list[Coded]] | None, Ledger]:
    """The refitted tissues (None in scope ``model``), the imputed covariates (None where nothing is blank), and what
    was read."""

    scheme, r, resample = item
    with threadpool_limits(1):
        ledger = Ledger(resample.test)
        refitted = None
        if settings.tissues is None:
            refitted = refit_tissues(
                blocks,
                given,
                settings.outcome,
                resample,
                settings.protocol,
                settings.seed,
                (scheme, r),
                PythonEngine(),
                ledger,
            )
        if settings.cohort is None:
            return refitted, None, ledger
        scores = {
            name: np.where(np.isnan(t.fitting), t.values, t.fitting)
            for name, t in (refitted or settings.tissues or {}).items()
        }
        return (
            refitted,
            impute_for_resamples(
                settings.cohort, scores, resample, settings.imputation, settings.seed, (scheme, r), ledger
            ),
            ledger,
        )


# ---------------------------------------------------------------- what is said of them


def _record(
    plan: Plan,
    run: EngineRun,
    i: int,
    patients: Patients,
    scope: str,
    scheme: str,
    predictions: Predictions,
    refits: Sequence,
    two_stage: TwoStage,
) -> None:
    run.predictions[i, scope, scheme] = predictions
    before = run.predictions.get((i, "model", scheme))
    if scope == "pipeline" and before is predictions:
        entry, warnings = run.validation[i, "model", scheme], list[Warn]()
    else:
        apparent, cohort, judge = mean_log_odds(run.log_odds[i]), patients.cohort, run.assessment.of(patients)
        entry, warnings = summarise(predictions, apparent, cohort.outcome, judge, two_stage)
        warnings += implausible_predictions(predictions, cohort, plan.specs[i].terms, refits)
    run.validation[i, scope, scheme] = entry
    run.ledger.setdefault((scope, scheme), []).extend(predictions.ledgers)
    spec = plan.specs[i]
    label = f"model '{spec.name}'{', adjusted' if spec.adjusted else ''}, scope {scope}, {scheme.replace('_', '-')}"
    run.warnings += [w.about(label) for w in warnings]


def _note_selection(plan: Plan, run: EngineRun, by_scheme: ByScheme) -> None:
    for scheme, refits in by_scheme.items():
        for name in plan.blocks:
            empty = sum(t[name].empty_step is not None for t in refits)
            if empty:
                run.warnings.append(
                    warn.NOTHING_SELECTED(tissue=name, scheme=scheme.replace("_", "-"), n_empty=empty, n=len(refits))
                )
            own, chosen = run.fits[name].features, {feature for t in refits for feature in t[name].features}
            never = [feature for _, feature in own if feature not in chosen]
            if never:
                run.warnings.append(
                    warn.NEVER_SELECTED_AGAIN(
                        tissue=name,
                        scheme=scheme.replace("_", "-"),
                        n=len(refits),
                        listed=", ".join(never),
                        n_features=len(never),
                        n_of=len(own),
                    )
                )
    run.refits = by_scheme


# ---------------------------------------------------------------- what is kept


def open_kept(plan: Plan, say: Callable[[str], None]) -> KeptWork:
    """The finished refits of a study, by a digest of what all of them depend on: program, plugins, protocol, features,
    scores and seed."""
    protocol = plan.protocol
    plugins = sorted((each.name, each.version) for each in plan.registry.distributions)
    blocks, given = refit_inputs(plan)
    features = [
        (name, [[getattr(block, f.name) for f in fields(block)] for block in tissue]) for name, tissue in blocks.items()
    ]
    return KeptWork(digest_of(program_digest(), plugins, _digest_of(protocol), plan.study.seed, features, given), say)


def _digest_of(protocol: Protocol) -> str:
    """What a way from features to a score depends on: steps and learner with their settings and sources."""
    objects = [(s.selector, s.settings) for s in protocol.steps]
    learners = [(protocol.learner.learner, protocol.learner.settings)]
    parts = [
        (item.name, item.version, _source_of(item), settings.model_dump_json(), _fingerprint(item, settings))
        for item, settings in (*objects, *learners)
    ]
    return digest_of(parts, protocol.by_source, protocol.if_empty, protocol.second_stage)


def _fingerprint(item: Any, settings: Any) -> str:
    """What a step depends on beside its settings, such as the content of a file that they name."""
    return item.fingerprint(settings) if isinstance(item, HasFingerprint) else ""


def _source_of(selector: Any) -> str:
    """The text of the file that a selector is written in, as its author may forget to raise its version."""
    with suppress(OSError, TypeError, ValueError):
        return Path(inspect.getsourcefile(type(selector)) or "").read_text(encoding="utf-8")
    return ""


def _shelf(kept: KeptWork, settings: Refits, items: list[tuple[str, int, Resample]]) -> Shelf:
    """Where the refits of one stage are kept: by the chain, its outcome, given tissues and covariates, and the rows of
    each resample."""
    tissues = None if settings.tissues is None else [(name, t.values, t.cutoff) for name, t in settings.tissues.items()]
    covariates = None
    if settings.cohort is not None:
        cohort = settings.cohort
        covariates = (
            [(c.name, c.kind, c.levels, cohort.coded[c.name]) for c in cohort.covariates],
            settings.imputation.model_dump_json(),
        )
    stage = digest_of(kept.study, _digest_of(settings.protocol), settings.outcome, tissues, covariates)
    keys = [digest_of(stage, scheme, r, resample.train, resample.test) for scheme, r, resample in items]
    return Shelf(kept, keys, _pack, _unpack)


def _pack(result: tuple) -> list[Any]:
    refitted, tables, ledger = result
    return [
        refitted and [[name, *(getattr(t, f.name) for f in fields(t))] for name, t in refitted.items()],
        tables and [[list(coded.items()) for coded in part] for part in tables],
        ledger.held_out,
        [[stage, e.n_fits, e.n_rows, e.n_held_out] for stage, e in ledger.entries.items()],
    ]


def _unpack(content: list[Any]) -> tuple:
    refitted, tables, held_out, entries = content
    return (
        refitted
        and {
            name: TissueRefit(values, cutoff, tuple(features), *others)
            for name, values, cutoff, features, *others in refitted
        },
        tables and tuple([dict(coded) for coded in part] for part in tables),
        Ledger(held_out, {stage: Entry(*counts) for stage, *counts in entries}),
    )
