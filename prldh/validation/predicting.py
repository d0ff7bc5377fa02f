"""The logistic models of a run, refitted in every resample: by every engine, spread over processes where it takes long.

R has one thread, and its refits of a study take most of a run: a worker process has an R of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from prldh.core import Predictions, Warn
from prldh.engines import PythonEngine, StatisticsEngine
from prldh.models import Plan
from prldh.plugins import is_strangers
from prldh.validation.common import refit_work
from prldh.validation.refit import predict_imputed, predict_scope_pipeline
from prldh.validation.spread import Helpers, Refitted
from prldh.work import Workers, run_work

if TYPE_CHECKING:
    from prldh.validation.engine_run import EngineRun

#: A model, its scheme, and the run that refits it; None where Python's learners do for every run.
Place = tuple[int, str, int | None]
Predict = Callable[[StatisticsEngine], Predictions]


def predict_models(
    plan: Plan,
    runs: list[EngineRun],
    scope: str,
    refitted: Refitted,
    helpers: Helpers,
    progress: Callable[[int, int], None],
) -> dict[Place, Predictions]:
    """Every model's predictions in every resample of its schemes, but for those that scope ``model`` gave already."""
    here: dict[Place, Predict] = {}
    spread: dict[Place, _Work] = {}
    for i, spec in enumerate(plan.all_specs):
        how, patients = runs[0].models[i].predicts_by, plan.patients_of(spec.terms)
        for scheme, (kind, resamples) in patients.schemes.items():
            tissues = patients.refits(scheme, refitted.tissues[scheme])
            given = spec, patients.cohort, kind, resamples, tissues
            if plan.is_imputed(spec):
                completed = refitted.completed[scheme]
                here[i, scheme, None] = partial(predict_imputed, *given, completed, how=how)
            elif scope == "pipeline" and plan.is_refitted(spec):
                anew = partial(predict_scope_pipeline, *given, how=how)
                spread[i, scheme, None] = _Work(anew, PythonEngine, len(resamples) * len(spec.terms))
            else:
                for k, run in enumerate(runs):
                    if (i, "model", scheme) in run.predictions:
                        continue
                    own = refit_work(plan, run, spec, run.designs[i], patients, scheme, run.models[i].predicts_by)
                    if is_strangers(run.engine.plain):
                        here[i, scheme, k] = own
                    else:
                        n_columns = run.designs[i][0].matrix.shape[1]
                        spread[i, scheme, k] = _Work(own, type(run.engine.plain), len(resamples) * n_columns)
    n = len(here) + len(spread)
    longest_first = sorted(spread, key=lambda place: -spread[place].size)
    found = dict[Place, Predictions]()
    with Workers(helpers.workers.jobs, say=helpers.workers.say, tries_here=True) as workers:
        done = run_work(_predict, [spread[place] for place in longest_first], workers, lambda k: progress(k, n))
    by_place = dict(zip(longest_first, done, strict=True))
    for place in spread:
        found[place], remarks, called = by_place[place]
        if place[2] is not None:
            engine = runs[place[2]].engine.plain
            engine.warnings += remarks
            engine.called |= called
    for k, (place, predict) in enumerate(here.items()):
        progress(len(spread) + k, n)
        found[place] = predict(PythonEngine()) if place[2] is None else predict(runs[place[2]].engine)
    if here:
        progress(n, n)
    return found


@dataclass(frozen=True)
class _Work:
    """What to predict, the engine that a process makes for it, and how large it is beside others."""

    predict: Predict
    engine: type[StatisticsEngine]
    size: int


def _predict(work: _Work) -> tuple[Predictions, list[Warn], set[str]]:
    """The predictions, what the engine remarked on, and what it was asked for."""
    with threadpool_limits(1):
        engine = work.engine()
        return work.predict(engine), engine.warnings, engine.called
