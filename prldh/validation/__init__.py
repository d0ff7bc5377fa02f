"""Refits on resamples and what they say of a model; permuted outcomes; other settings of a step."""

from __future__ import annotations

from prldh.validation.common import fitted_on
from prldh.validation.engine_run import EngineRun, FittedOn
from prldh.validation.entries import Bootstrap, FoldMean, HeldOut, HeldOutArea, IntervalBy, Optimism, Validation
from prldh.validation.refit import held_out, held_out_imputed
from prldh.validation.resampling import VALIDATORS
from prldh.validation.run import compare_alternatives, open_kept, refit_inputs, validate_models
from prldh.validation.sensitivity import Alternative
from prldh.validation.two_stage import TWO_STAGE_METHOD

__all__ = [
    "Alternative",
    "Bootstrap",
    "EngineRun",
    "FittedOn",
    "FoldMean",
    "HeldOut",
    "HeldOutArea",
    "IntervalBy",
    "Optimism",
    "TWO_STAGE_METHOD",
    "VALIDATORS",
    "Validation",
    "compare_alternatives",
    "fitted_on",
    "held_out",
    "held_out_imputed",
    "open_kept",
    "refit_inputs",
    "validate_models",
]
