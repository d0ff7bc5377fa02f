"""A model on the patients that it shares with another: fitted to them, and to the same of them in every resample."""

from __future__ import annotations

import numpy as np

from prldh.chain import log_odds
from prldh.core import Predictions
from prldh.engines import PythonEngine
from prldh.models import Patients, Plan, fit_designs
from prldh.validation.engine_run import EngineRun, FittedOn
from prldh.validation.refit import predict_scope_model, predict_scope_pipeline


def fitted_on(plan: Plan, run: EngineRun, i: int, patients: Patients) -> FittedOn:
    """Model i of a run on these patients: as it stands where they are its own, else refitted.

    Raises
    ------
    DataError
        Where these patients separate the outcome and ``separation`` is ``error``.
    """
    spec = plan.specs[i]
    if np.array_equal(patients.rows, plan.patients_of(spec.terms).rows):
        own = {(scope, scheme): each for (j, scope, scheme), each in run.predictions.items() if j == i}
        return FittedOn(run.designs[i], run.models[i].fit, run.log_odds[i], own)
    key = i, patients.variables
    if key not in run.on_common:
        run.on_common[key] = _refit(plan, run, i, patients)
    return run.on_common[key]


def _refit(plan: Plan, run: EngineRun, i: int, patients: Patients) -> FittedOn:
    spec, study, outcome = plan.specs[i], plan.study, patients.cohort.outcome
    label = f"model '{spec.name}'{', adjusted' * spec.adjusted}, on {patients.cohort.n} patients to be compared"
    designs = run.designs_of(plan, spec, patients)
    fit = fit_designs(designs, outcome, run.engine, run.assessment.level, study.separation, label)
    predictions: dict[tuple[str, str], Predictions] = {}
    for scope in [scope for scope in ("model", "pipeline") if scope in study.validation.scope]:
        for scheme, (kind, resamples) in patients.schemes.items():
            if scope == "pipeline" and plan.is_refitted(spec):
                tissues = patients.refits(scheme, run.refits[scheme])
                predictions[scope, scheme] = predict_scope_pipeline(
                    spec, patients.cohort, kind, resamples, tissues, PythonEngine(), fit.how
                )
            else:
                before = predictions.get(("model", scheme))
                predictions[scope, scheme] = before or predict_scope_model(
                    designs[0], outcome, kind, resamples, run.engine, fit.how
                )
    return FittedOn(designs, fit.how, np.array([log_odds(d.matrix, fit.coefficients) for d in designs]), predictions)
