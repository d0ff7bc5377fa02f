"""The logistic models of a run, refitted in every resample by every engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from prldh.core import Predictions
from prldh.models import Plan
from prldh.validation.asking import Question, ask_all
from prldh.validation.common import refit_work
from prldh.validation.refit import predict_imputed, predict_scope_pipeline
from prldh.validation.spread import Helpers, Refitted

if TYPE_CHECKING:
    from prldh.validation.engine_run import EngineRun

#: A model, its scheme, and the run that refits it; None where Python's learners do for every run.
Place = tuple[int, str, int | None]


def predict_models(
    plan: Plan,
    runs: list[EngineRun],
    scope: str,
    refitted: Refitted,
    helpers: Helpers,
    progress: Callable[[int, int], None],
) -> dict[Place, Predictions]:
    """Every model's predictions in every resample of its schemes, but for those that scope ``model`` gave already."""
    asked: dict[Place, Question] = {}
    for i, spec in enumerate(plan.all_specs):
        how, patients = runs[0].models[i].predicts_by, plan.patients_of(spec.terms)
        for scheme, (kind, resamples) in patients.schemes.items():
            tissues = patients.refits(scheme, refitted.tissues[scheme])
            given = spec, patients.cohort, kind, resamples, tissues
            if plan.is_imputed(spec):
                imputed = partial(predict_imputed, *given, refitted.completed[scheme], how=how)
                asked[i, scheme, None] = Question(imputed, None, is_here=True)
            elif scope == "pipeline" and plan.is_refitted(spec):
                anew = partial(predict_scope_pipeline, *given, how=how)
                asked[i, scheme, None] = Question(anew, None, len(resamples) * len(spec.terms))
            else:
                for k, run in enumerate(runs):
                    if (i, "model", scheme) in run.predictions:
                        continue
                    own = refit_work(plan, run, spec, run.designs[i], patients, scheme, run.models[i].predicts_by)
                    n_columns = run.designs[i][0].matrix.shape[1]
                    asked[i, scheme, k] = Question(own, run.engine, len(resamples) * n_columns)
    return dict(zip(asked, ask_all(list(asked.values()), helpers.workers, progress), strict=True))
