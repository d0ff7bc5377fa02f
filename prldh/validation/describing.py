"""What every engine says of the patients who made the models: models, tables, tests, interaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import numpy as np

from prldh.chain import adjusting_terms
from prldh.core import Cohort, Design, ModelSpec, Progress, Warn
from prldh.engines import StatisticsEngine
from prldh.models import (
    Assessment,
    FittedModel,
    Plan,
    describe_as_is,
    describe_associations,
    describe_model,
    describe_univariate,
    make_table_one,
)
from prldh.models.interaction import describe_interaction, draw_interaction_rows, interacting_terms
from prldh.validation.asking import Question, ask_all
from prldh.validation.engine_run import EngineRun
from prldh.validation.spread import Helpers


def describe_models(plan: Plan, runs: Sequence[EngineRun], helpers: Helpers, progress: Progress) -> None:
    """Every model on the data that made it, by every engine, then tables, tests and interaction."""
    asked: list[Question] = []
    for run in runs:
        for spec in plan.all_specs:
            patients = plan.patients_of(spec.terms)
            designs, judge = run.designs_of(plan, spec, patients), run.assessment.of(patients)
            applied = run.designs_of(plan, spec, patients, is_applied=True) if run.is_cross_fitted else None
            run.designs.append(designs)
            ask = partial(
                _describe, spec, designs, patients.cohort, judge, tuple(run.scores), applied, plan.is_as_is(spec),
                plan.separation_of(spec), plan.study.firth.predictions,
            )  # fmt: skip
            asked.append(Question(ask, judge.engine, designs[0].matrix.size * len(designs)))
    answers = iter(ask_all(asked, helpers.workers, partial(progress, "models")))
    for run in runs:
        for _, (model, etas, warnings) in zip(plan.all_specs, answers, strict=False):
            run.models.append(model)
            run.log_odds.append(etas)
            run.warnings += warnings
    _make_tables(plan, runs, helpers, progress)


def _describe(
    spec: ModelSpec,
    designs: Sequence[Design],
    cohort: Cohort,
    judge: Assessment,
    scores: Collection[str],
    applied: Sequence[Design] | None,
    is_as_is: bool,
    on_separation: str,
    predictions: Any,
    engine: StatisticsEngine,
) -> tuple[FittedModel, np.ndarray, list[Warn]]:
    judge = judge.by(engine)
    if is_as_is:
        return describe_as_is(spec, designs, cohort, judge)
    return describe_model(spec, designs, cohort, judge, on_separation, scores, predictions, applied)


def _make_tables(plan: Plan, runs: Sequence[EngineRun], helpers: Helpers, progress: Progress) -> None:
    """Table 1, associations, the univariate screen and the interaction."""
    study, cohort = plan.study, plan.cohort
    level, adjust = study.performance.confidence, adjusting_terms(study)
    n_resamples = 0 if cohort.patients is not None else study.performance.interaction_bootstrap
    draw = partial(draw_interaction_rows, study.seed, n_resamples=n_resamples)
    asked: list[Question] = []
    for run in runs:
        scores, cutoffs = run.scores, run.cutoffs
        known = {terms: plan.patients_of(terms) for terms in interacting_terms(plan.specs, adjust, scores)}
        rows = partial(make_table_one, cohort, plan.specs, scores, cutoffs, study.table_one)
        associations = partial(
            describe_associations, tuple(study.associations), cohort, scores, cutoffs, study.table_one
        )
        interaction = partial(
            describe_interaction, plan.specs, adjust, cohort, scores, cutoffs, level=level,
            on_separation=study.separation, completed=run.completed, draw=draw, patients_of=known.__getitem__,
        )  # fmt: skip
        asked += [Question(ask, run.engine) for ask in (rows, associations)]
        if study.univariate is not None:
            univariate = partial(
                describe_univariate, cohort, run.blocks, scores, study.univariate,
                level=level, on_separation=study.separation,
            )  # fmt: skip
            asked.append(Question(univariate, run.engine, 1.0))
        asked.append(Question(interaction, run.engine, 2.0))
    answers = iter(ask_all(asked, helpers.workers, partial(progress, "tables and tests")))
    for run in runs:
        run.table_one, warnings = next(answers)
        run.warnings += warnings
        run.associations, warnings = next(answers)
        run.warnings += warnings
        if study.univariate is not None:
            run.univariate, run.univariate_features, warnings = next(answers)
            run.warnings += warnings
        run.interaction, warnings = next(answers)
        run.warnings += warnings
