"""A model on the patients that it shares with another: fitted to them, and to the same of them in every resample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from prldh.chain import log_odds
from prldh.core import Design, ModelSpec, Predictions, TissueRefit
from prldh.engines import PythonEngine, StatisticsEngine
from prldh.models import FIRTH, Patients, Plan, fit_designs, predicting_coefficients
from prldh.validation.engine_run import EngineRun, FittedOn
from prldh.validation.refit import predict_scope_model, predict_scope_pipeline


def fitted_on(plan: Plan, run: EngineRun, i: int, patients: Patients) -> FittedOn:
    """Model i of a run on these patients: as it stands where they are its own, else refitted.

    Raises
    ------
    DataError
        Where these patients separate the outcome and ``separation`` is ``error``.
    """
    spec = plan.all_specs[i]
    if np.array_equal(patients.rows, plan.patients_of(spec.terms).rows):
        own = {(scope, scheme): each for (j, scope, scheme), each in run.predictions.items() if j == i}
        return FittedOn(run.designs[i], run.models[i].fit, run.models[i].predicts_by, run.log_odds[i], own)
    key = i, patients.variables
    if key not in run.on_common:
        run.on_common[key] = _refit(plan, run, i, patients)
    return run.on_common[key]


def refit_work(
    plan: Plan, run: EngineRun, spec: ModelSpec, designs: Sequence[Design], patients: Patients, scheme: str, how: str
) -> Callable[[StatisticsEngine], Predictions]:
    """How an engine refits a model of these patients on every resample, Radscores and cutoffs as they are on everyone;
    another process can be asked as well."""
    kind, resamples = patients.schemes[scheme]
    if plan.has_splines(spec):
        scores = patients.scores(run.scores)
        fixed = {name: TissueRefit(values, run.cutoffs[name], (), None) for name, values in scores.items()}
        refits = [fixed] * len(resamples)
        return partial(predict_scope_pipeline, spec, patients.cohort, kind, resamples, refits, how=how)
    return partial(predict_scope_model, designs[0], patients.cohort.outcome, kind, resamples, how=how)


def _refit(plan: Plan, run: EngineRun, i: int, patients: Patients) -> FittedOn:
    spec, study, outcome = plan.all_specs[i], plan.study, patients.cohort.outcome
    label = f"model '{spec.name}'{', adjusted' * spec.adjusted}, on {patients.cohort.n} patients to be compared"
    designs = run.designs_of(plan, spec, patients)
    applied = run.designs_of(plan, spec, patients, is_applied=True) if run.is_cross_fitted else designs
    fit = fit_designs(designs, outcome, run.engine, run.assessment.level, plan.separation_of(spec), label)
    b = predicting_coefficients(fit, designs, outcome, run.engine, study.firth.predictions)
    how = study.firth.predictions if fit.how == FIRTH else fit.how
    predictions: dict[tuple[str, str], Predictions] = {}
    for scope in [scope for scope in ("model", "pipeline") if scope in study.validation.scope]:
        for scheme, (kind, resamples) in patients.schemes.items():
            if scope == "pipeline" and plan.is_refitted(spec):
                tissues = patients.refits(scheme, run.refits[scheme])
                predictions[scope, scheme] = predict_scope_pipeline(
                    spec, patients.cohort, kind, resamples, tissues, PythonEngine(), how
                )
            else:
                before = predictions.get(("model", scheme))
                predictions[scope, scheme] = before or refit_work(plan, run, spec, designs, patients, scheme, how)(
                    run.engine
                )
    return FittedOn(designs, fit.how, how, np.array([log_odds(d.matrix, b) for d in applied]), predictions)
