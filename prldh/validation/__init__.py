"""Refits on resamples and what they say of a model; permuted outcomes; other settings of a step."""

from __future__ import annotations

from prldh.validation.choice_entries import ChoiceEntry, ProtocolEntry, YardstickEntry
from prldh.validation.choosing import Decision, can_judge, choose_for_everyone, judged_model
from prldh.validation.compare_pairs import compare_pair, describe_added_value
from prldh.validation.compare_ways import compare_protocols, compared_schemes, measure_by_yardstick
from prldh.validation.describing import describe_models
from prldh.validation.engine_run import EngineRun, FittedOn
from prldh.validation.entries import (
    Bootstrap,
    FoldMean,
    HeldOut,
    HeldOutArea,
    IntervalBy,
    Optimism,
    PooledArea,
    Validation,
)
from prldh.validation.group_schemes import LeaveOneGroupOut
from prldh.validation.importance import Importance, describe_importance
from prldh.validation.refit import held_out
from prldh.validation.repeated import repeat_elsewhere
from prldh.validation.resampling import VALIDATORS
from prldh.validation.run import compare_alternatives, validate_models
from prldh.validation.sensitivity import Alternative
from prldh.validation.spread import Helpers, open_kept, refit_inputs
from prldh.validation.subgroups import Subgroups, describe_subgroups
from prldh.validation.two_stage import TWO_STAGE_METHOD

__all__ = [
    "compare_pair",
    "describe_added_value",
    "Subgroups",
    "describe_subgroups",
    "Alternative",
    "Bootstrap",
    "ChoiceEntry",
    "Decision",
    "EngineRun",
    "FittedOn",
    "FoldMean",
    "PooledArea",
    "HeldOut",
    "HeldOutArea",
    "Helpers",
    "Importance",
    "IntervalBy",
    "LeaveOneGroupOut",
    "Optimism",
    "ProtocolEntry",
    "TWO_STAGE_METHOD",
    "VALIDATORS",
    "Validation",
    "YardstickEntry",
    "choose_for_everyone",
    "compare_alternatives",
    "compare_protocols",
    "can_judge",
    "compared_schemes",
    "describe_importance",
    "describe_models",
    "repeat_elsewhere",
    "held_out",
    "judged_model",
    "measure_by_yardstick",
    "open_kept",
    "refit_inputs",
    "validate_models",
]
