"""Validation within a run: everything is refitted on every resample (:mod:`prldh.validation.spread`), then summed up
for every model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from prldh.core import Predictions, TissueRefit, Warn, number_of, scheme_words, scope_words, warn
from prldh.engines import PythonEngine, StatisticsEngine
from prldh.models import Assessment, Patients, Plan, mean_log_odds
from prldh.validation.asking import Question, ask_all
from prldh.validation.choosing import refit_pipeline
from prldh.validation.entries import Bootstrap, HeldOut
from prldh.validation.implausible import implausible_predictions
from prldh.validation.null_run import null_scheme, run_null
from prldh.validation.predicting import Place, predict_models
from prldh.validation.sensitivity import describe_sensitivity
from prldh.validation.spread import ByScheme, Helpers, Refitted, refit_all
from prldh.validation.summaries import judges_part, note_thresholds, summarise
from prldh.validation.two_stage import TwoStage, draw_two_stage

if TYPE_CHECKING:
    from prldh.core import Progress
    from prldh.validation.engine_run import EngineRun


def validate_models(plan: Plan, runs: list[EngineRun], helpers: Helpers, progress: Progress) -> None:
    """Both scopes. What is refitted by learners (scope ``pipeline``) or imputed is refitted by Python's whatever the
    engine; every engine summarises the predictions."""

    if not any(resamples for _, resamples in plan.schemes.values()):
        return
    learner = PythonEngine()
    two_stage = _draw_all_two_stage(plan, runs[0], helpers, progress)
    for scope in ("model", "pipeline"):
        if scope not in plan.study.validation.scope:
            continue
        stage, noun = (
            ("validation of the whole modelling process", "resamples")
            if scope == "pipeline"
            else ("imputation in resamples", "imputed resamples")
        )
        if scope == "pipeline":
            refitted, choosing = refit_pipeline(plan, helpers, partial(progress, stage), noun)
        else:
            fixed = {name: TissueRefit(fit.fitting, fit.cutoff, (), None) for name, fit in runs[0].fits.items()}
            refitted, choosing = refit_all(plan, fixed, helpers, partial(progress, stage), noun), None
        for run in runs:
            run.ledger |= {(scope, scheme): list(of_scheme) for scheme, of_scheme in refitted.ledgers.items()}
            run.choosing = choosing or run.choosing
        predicted = predict_models(
            plan, runs, scope, refitted, helpers, partial(progress, f"refits, {scope_words(scope, plan.whole)}")
        )
        _summarise_all(plan, runs, scope, refitted, predicted, two_stage, helpers, progress)
        if scope == "pipeline":
            for run in runs:
                _note_selection(plan, run, refitted.tissues)
    _run_null(plan, runs, learner, helpers, progress)


def _draw_all_two_stage(
    plan: Plan, run: EngineRun, helpers: Helpers, progress: Progress
) -> dict[tuple[int, str], TwoStage]:
    """What intervals of the bootstrap are made of, by model and scheme."""
    schemes = [scheme for scheme, (kind, _) in plan.schemes.items() if kind == "bootstrap"]
    places = [(i, scheme) for i in range(len(plan.all_specs)) for scheme in schemes]
    told = {place: draw_two_stage(plan, run, *place) for place in places}
    asked = {place: each for place, each in told.items() if isinstance(each, Question)}
    answers = ask_all(list(asked.values()), helpers.workers, partial(progress, "two-stage bootstrap"))
    drawn = {place: each for place, each in told.items() if isinstance(each, TwoStage)}
    drawn |= dict(zip(asked, answers, strict=True))
    n = sum(plan.is_refitted(spec) for spec in plan.specs)
    if places and n and plan.study.validation.bootstrap_interval == "two_stage":
        run.warnings.append(warn.NO_TWO_STAGE(n=n, n_models=len(plan.specs)))
    return drawn


def _run_null(plan: Plan, runs: list[EngineRun], learner: PythonEngine, helpers: Helpers, progress: Progress) -> None:
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
        refitted, _ = refit_pipeline(
            permuted, helpers, lambda done, total: progress("null run", k * total + done, n * total)
        )
        return refitted.tissues, refitted.completed

    places = [(i, "pipeline", scheme) for i in range(len(plan.specs))]
    observed = [entry for place in places if isinstance(entry := runs[0].validation[place], HeldOut)]
    how = [model.predicts_by for model in runs[0].models[: len(places)]]
    nulls = run_null(plan, how, observed, refit, learner)
    for run in runs:
        for place, null in zip(places, nulls, strict=True):
            run.validation[place] = replace(cast(HeldOut, run.validation[place]), null=null)


def compare_alternatives(plan: Plan, runs: list[EngineRun], helpers: Helpers, progress: Progress) -> None:
    """What other settings of a step would have given, where its selector offers some and the way to the score is not
    chosen; by Python's learners, as all refits."""
    if plan.study.choose is not None:
        return

    def refit(other: Plan) -> ByScheme:
        return refit_all(other, None, helpers, partial(progress, "other settings of the selection")).tissues

    sensitivity = describe_sensitivity(plan, runs[0].fits, runs[0].refits, refit, runs[0].engine)
    for run in runs:
        run.sensitivity = sensitivity


# ---------------------------------------------------------------- what is said of them


def _summarise_all(
    plan: Plan,
    runs: list[EngineRun],
    scope: str,
    refitted: Refitted,
    predicted: Mapping[Place, Predictions],
    two_stage: Mapping[tuple[int, str], TwoStage],
    helpers: Helpers,
    progress: Progress,
) -> None:
    """What every engine says of the predictions of every model and scheme."""
    asked: list[Question] = []
    records: list[Callable[[Iterator[Any]], None]] = []
    for i, spec in enumerate(plan.all_specs):
        patients = plan.patients_of(spec.terms)
        for scheme in patients.schemes:
            tissues = patients.refits(scheme, refitted.tissues[scheme])
            drawn = two_stage.get((i, scheme), TwoStage())
            for k, run in enumerate(runs):
                own = predicted.get((i, scheme, None)) or predicted.get((i, scheme, k))
                same = own or run.predictions[i, "model", scheme]
                if scope != "pipeline" or run.predictions.get((i, "model", scheme)) is not same:
                    asked.append(_question(run, i, patients, same, drawn))
                records.append(partial(_record, plan, run, i, patients, scope, scheme, same, tissues))
    answers = iter(ask_all(asked, helpers.workers, partial(progress, f"validation, {scope_words(scope, plan.whole)}")))
    for record in records:
        record(answers)


def _question(run: EngineRun, i: int, patients: Patients, predictions: Predictions, two_stage: TwoStage) -> Question:
    apparent, cohort = mean_log_odds(run.log_odds[i]), patients.cohort
    judged = patients.among(predictions.held_out_rows[0]) if judges_part(predictions) else patients
    judge = run.assessment.of(judged)
    ask = partial(_summarise, predictions, apparent, cohort.outcome, judge, two_stage)
    return Question(ask, judge.engine, predictions.log_odds.size)


def _summarise(
    predictions: Predictions,
    apparent: np.ndarray,
    outcome: np.ndarray,
    judge: Assessment,
    two_stage: TwoStage,
    engine: StatisticsEngine,
) -> tuple[HeldOut | Bootstrap, list[Warn]]:
    return summarise(predictions, apparent, outcome, judge.by(engine), two_stage)


def _record(
    plan: Plan,
    run: EngineRun,
    i: int,
    patients: Patients,
    scope: str,
    scheme: str,
    predictions: Predictions,
    refits: Sequence,
    answers: Iterator[Any],
) -> None:
    run.predictions[i, scope, scheme] = predictions
    before = run.predictions.get((i, "model", scheme))
    if scope == "pipeline" and before is predictions:
        entry, warnings = run.validation[i, "model", scheme], list[Warn]()
    else:
        entry, warnings = next(answers)
        note_thresholds(predictions)
        column = getattr(plan.validators[scheme][1], "column", None)
        if column is not None and isinstance(entry, HeldOut):
            entry = replace(entry, column=column)
        warnings += implausible_predictions(predictions, patients.cohort, plan.all_specs[i].terms, refits)
    run.validation[i, scope, scheme] = entry
    spec = plan.all_specs[i]
    own = [each.of(spec.name) for each in predictions.ledgers] if spec is plan.covariates_alone else predictions.ledgers
    run.ledger.setdefault((scope, scheme), []).extend(own)
    of = f"{scope_words(scope, plan.whole)}, {scheme_words(scheme)}"
    label = f"model '{spec.name}'{', adjusted' if spec.adjusted else ''}, {of}"
    run.warnings += [w.about(label) for w in warnings]


def _note_selection(plan: Plan, run: EngineRun, by_scheme: ByScheme) -> None:
    for scheme, refits in by_scheme.items():
        for name in plan.blocks:
            empty = sum(t[name].empty_step is not None for t in refits)
            if empty:
                run.warnings.append(
                    warn.NOTHING_SELECTED(tissue=name, scheme=scheme_words(scheme), n_empty=empty, n=len(refits))
                )
            own, chosen = run.fits[name].features, {feature for t in refits for feature in t[name].features}
            never = [feature for _, feature in own if feature not in chosen]
            if never:
                run.warnings.append(
                    warn.NEVER_SELECTED_AGAIN(
                        tissue=name,
                        scheme=scheme_words(scheme),
                        resamples=number_of(len(refits), "resample"),
                        listed=", ".join(never),
                        n_features=len(never),
                        features=number_of(len(own), "feature"),
                        were="was" if len(never) == 1 else "were",
                    )
                )
    run.refits = by_scheme
