"""The interval of one patient's risk: Wald's on the log-odds scale, where simulation has shown how often it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prldh.core import GROUPS, Design, ModelSpec
from prldh.models.fit import FittedModel
from prldh.models.likelihoods import MAXIMUM_LIKELIHOOD
from prldh.models.performance import Assessment
from prldh.models.plan import Plan

#: As few patients of the rarer class as the simulations of docs/intervals.md had: in all, and for every coefficient.
LEAST_RARER, LEAST_RARER_A_TERM = 20, 2.5


@dataclass(frozen=True)
class RiskInterval:
    """What the interval of one patient's risk is computed of.

    ``covariance`` (k, k): of the coefficients, in their order, 0 where one could not be estimated; the log odds ∓ the
    normal quantile of the ``confidence`` times √(x' covariance x), turned into risks, are the limits. None with the
    ``reason``.
    """

    confidence: float
    covariance: tuple[tuple[float, ...], ...] | None
    reason: str | None = None


def risk_interval(
    plan: Plan, spec: ModelSpec, model: FittedModel, design: Design, outcome: np.ndarray, assessment: Assessment
) -> RiskInterval:
    """The same of a model that was fitted to the ``outcome`` (n,) of the rows of its ``design``."""
    reason = _why_not(plan, spec, model, outcome)
    if reason is not None:
        return RiskInterval(assessment.level, None, reason)
    fit = assessment.engine.fit_logistic(design.matrix, outcome.astype(float))
    covariance = np.nan_to_num(np.asarray(fit["covariance"], dtype=float))
    return RiskInterval(assessment.level, tuple(map(tuple, covariance.tolist())))


def _why_not(plan: Plan, spec: ModelSpec, model: FittedModel, outcome: np.ndarray) -> str | None:
    """Why how often the interval would hold is not known; None where it is."""
    variables = plan.variables(spec)
    if plan.is_as_is(spec):
        return "the model is a score as it is, and no coefficient was fitted to it"
    if any(name in plan.blocks for name in variables):
        return (
            "the Radscore was made of these patients' outcomes, and the model's covariance knows nothing of the"
            " selection before it: the interval would be too narrow"
        )
    if any(map(GROUPS.match, spec.terms)):
        return "the cutoffs of the groups were chosen by these patients' outcomes: the interval would be too narrow"
    if any(name in plan.study.tissues for name in variables):
        return (
            "the Radscore came as a column: whether it was made of these patients' outcomes is not known to the run,"
            " and if it was, the interval would be too narrow"
        )
    if model.fit != MAXIMUM_LIKELIHOOD:
        return "the model was fitted by Firth's penalised likelihood, of which no simulation was made"
    if model.separation:
        return "a coefficient is infinite (separation)"
    if plan.is_imputed(spec):
        return "covariates were imputed, of which no simulation was made"
    if plan.cohort.patients is not None:
        return "several rows are one patient's, of which no simulation was made"
    rarer, least = int(min(outcome.sum(), len(outcome) - outcome.sum())), least_for(model.n_parameters)
    if rarer < least:
        return f"{rarer} patients of the rarer class are fewer than the {least} that simulations of such a model had"
    return None


def least_for(n_parameters: int) -> int:
    """How many patients of the rarer class a model of so many coefficients beside the intercept needs.

    Examples
    --------
    >>> least_for(4), least_for(12)
    (20, 30)
    """
    return int(max(LEAST_RARER, np.ceil(LEAST_RARER_A_TERM * n_parameters)))
