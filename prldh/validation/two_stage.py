"""Intervals of what a bootstrap corrects, by outer samples of the patients in which the whole estimate is made again.

They are Python's, whatever the engine, and stand where simulations showed that they hold (docs/intervals.md); elsewhere
is the reason why there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from prldh.core import finite, seed_for
from prldh.engines import StatisticsEngine
from prldh.models import Plan
from prldh.stats import (
    ESTIMATES,
    LEAST_AUC,
    infinite_coefficients,
    least_rarer,
    two_stage_bootstrap,
    two_stage_interval,
)
from prldh.validation.asking import Question
from prldh.validation.resampling import Bootstrap

if TYPE_CHECKING:
    from prldh.validation.engine_run import EngineRun

#: How many samples of the patients, and how many of each.
N_OUTER, N_INNER = 500, 20
#: Fewer bootstrap samples than these, and the corrected value itself varies more than where intervals were simulated.
LEAST_SAMPLES = 200
TWO_STAGE_METHOD = (
    f"interval by a two-stage bootstrap ({N_OUTER} samples of the patients, {N_INNER} of each) by Python's engine: the"
    " spread of the corrected values around the estimate, on the scale of asin(sqrt(.)), with Student's t"
)
#: Where a term was made of the outcomes of the same patients.
NOT_GIVEN = (
    "a Radscore or the cutoffs of groups were made of these patients; taken as given, as with the model refitted, the"
    " interval held 40 times in 100 in a simulation, and for refits of everything none was made"
)
#: Estimates whose interval holds too seldom or too often, and in which share of simulated data sets it did.
NOT_HELD = {"auc_b632plus": 0.844, "brier_estimate": 0.976, "brier_b632plus": 0.983}
WORDS = {"estimate": "the corrected value", "b632": ".632", "b632plus": ".632+"}


@dataclass(frozen=True)
class TwoStage:
    """The corrected values of a model in outer samples, by measure and estimate; none where ``reason`` says why."""

    reason: str = ""
    n_rarer: int = 0
    samples: Mapping[str, np.ndarray] = field(default_factory=dict)

    def limits(self, measure: str, estimates: Mapping[str, Any], level: float) -> dict[str, Any]:
        """The limits of a measure's estimates by their keys, and ``reason`` where some of them are None."""
        limits: dict[str, Any] = {}
        reasons = []
        for key in ESTIMATES:
            name, prefix = f"{measure}_{key}", "" if key == "estimate" else f"{key}_"
            ends: dict[str, float] = {}
            if name in NOT_HELD:
                reasons.append(
                    f"that of {WORDS[key]} held in a share of {NOT_HELD[name]} of simulated data sets, not of 0.95"
                )
            elif measure == "auc" and estimates["estimate"] < LEAST_AUC:
                reasons.append(f"the corrected AUC is less than {LEAST_AUC}, where it would hold too seldom")
            elif name in self.samples and estimates[key] is not None:
                ends = two_stage_interval(estimates[key], self.samples[name], self.n_rarer, level)
                if not np.isfinite(ends["low"]):
                    reasons.append("the corrected value is not within 0 and 1, or is the same in all samples")
            limits |= {f"{prefix}{end}": finite(ends[end]) if ends else None for end in ("low", "high")}
        because = "; ".join(dict.fromkeys([self.reason] if self.reason else reasons))
        return limits | ({"reason": f"no interval: {because} (docs/intervals.md)"} if because else {})


def draw_two_stage(plan: Plan, run: EngineRun, i: int, scheme: str) -> TwoStage | Question:
    """The outer samples of one model, or what is to be asked for them; the same patients are drawn for every model."""
    outcome = plan.patients_of(plan.all_specs[i].terms).cohort.outcome.astype(float)
    design = run.designs[i][0].matrix
    n_rarer = int(min(outcome.sum(), len(outcome) - outcome.sum()))
    if reason := _why_none(plan, i, scheme, design, outcome, n_rarer):
        return TwoStage(reason)
    return Question(partial(_draw, design, outcome, n_rarer, plan.study.seed), None, design.size)


def _draw(design: np.ndarray, outcome: np.ndarray, n_rarer: int, seed: int, _: StatisticsEngine) -> TwoStage:
    rng = np.random.default_rng(seed_for(seed, "two-stage bootstrap"))
    return TwoStage("", n_rarer, two_stage_bootstrap(design, outcome, N_OUTER, N_INNER, rng))


def _why_none(plan: Plan, i: int, scheme: str, design: np.ndarray, outcome: np.ndarray, n_rarer: int) -> str:
    """Where no simulation tells that an interval holds; empty where one does."""
    spec, n_samples, n_coefficients = plan.all_specs[i], len(plan.schemes[scheme][1]), design.shape[1] - 1
    if plan.cohort.patients is not None:
        return "several rows are one patient's, for which none was simulated"
    if plan.is_refitted(spec):
        return NOT_GIVEN
    if plan.is_imputed(spec):
        return "covariates are imputed anew in every sample, for which none was simulated"
    if plan.has_splines(spec):
        return "knots are placed anew in every sample, for which none was simulated"
    if n_rarer < (least := least_rarer(n_coefficients)):
        return (
            f"the rarer outcome has {n_rarer} patients, and for {n_coefficients} coefficients intervals were simulated"
            f" of {least} and more"
        )
    if n_samples < LEAST_SAMPLES:
        return f"{n_samples} bootstrap samples, and intervals were simulated of {LEAST_SAMPLES} and more"
    if not isinstance(plan.validators[scheme][0], Bootstrap):
        return "samples are drawn by a plugin, for which none was simulated"
    if infinite_coefficients(design, outcome).any():
        return "the outcome is separated: the AUC is 1, or coefficients are infinite, for which none was simulated"
    return ""
