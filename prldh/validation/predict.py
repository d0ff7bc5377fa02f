"""Predictions of a model by tissues that were refitted on every resample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prldh.core import ModelSpec, Predictions
from prldh.engines import StatisticsEngine
from prldh.models import MAXIMUM_LIKELIHOOD, Patients, Plan
from prldh.validation.refit import predict_imputed, predict_scope_pipeline


def predict_refitted(
    plan: Plan,
    spec: ModelSpec,
    scheme: str,
    refits: Mapping[str, Sequence[Any]],
    completed: Mapping[str, Sequence[Any]],
    engine: StatisticsEngine,
    how: str = MAXIMUM_LIKELIHOOD,
) -> tuple[Predictions, Patients]:
    """Predictions of a model of the plan under one of its schemes, in the way it is fitted on everyone, and whose they
    are.

    Parameters
    ----------
    refits, completed
        By scheme: the tissues of each resample, and the covariates as imputed there.
    """
    patients = plan.patients_of(spec.terms)
    kind, resamples = patients.schemes[scheme]
    tissues = patients.refits(scheme, refits[scheme])
    if plan.is_imputed(spec):
        own = predict_imputed(spec, plan.cohort, kind, resamples, tissues, completed[scheme], engine, how)
    else:
        own = predict_scope_pipeline(spec, patients.cohort, kind, resamples, tissues, engine, how)
    return own, patients
