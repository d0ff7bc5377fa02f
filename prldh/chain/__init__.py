"""What is fitted to outcomes: from features to a Radscore, and from terms to design matrices."""

from __future__ import annotations

from prldh.chain.applying import (
    Table,
    applied,
    apply_chain,
    change_values,
    columns_needed,
    images_that_stay,
    permuting,
    score_inputs,
    tables_of,
    without_unneeded,
)
from prldh.chain.design import (
    COVARIATES_ALONE,
    LOG_ODDS_DECIMALS,
    adjusting_terms,
    build_design,
    check_values,
    evaluate,
    fit_knots,
    group_codes,
    group_levels,
    groups_term,
    has_fewer_knots,
    has_splines,
    log_odds,
    plan_covariates_alone,
    plan_models,
    probability,
    ranked_probability,
    rounded_probability,
    unplaced_splines,
)
from prldh.chain.learners import LEARNERS, RADSCORES
from prldh.chain.radscore import base_log_odds, fit_everyone, fit_tissue, training_rows
from prldh.chain.selection import SELECTORS
from prldh.chain.states import from_states, to_states
from prldh.chain.steps import Answer, ChosenLearner, Protocol, Step, read_answer
from prldh.chain.transforms import TRANSFORMS
from prldh.core import GROUPS

__all__ = [
    "Answer",
    "COVARIATES_ALONE",
    "ChosenLearner",
    "GROUPS",
    "LEARNERS",
    "LOG_ODDS_DECIMALS",
    "Protocol",
    "RADSCORES",
    "SELECTORS",
    "Step",
    "TRANSFORMS",
    "Table",
    "adjusting_terms",
    "base_log_odds",
    "applied",
    "permuting",
    "apply_chain",
    "build_design",
    "change_values",
    "check_values",
    "columns_needed",
    "evaluate",
    "fit_everyone",
    "fit_knots",
    "fit_tissue",
    "from_states",
    "group_codes",
    "group_levels",
    "groups_term",
    "has_fewer_knots",
    "has_splines",
    "images_that_stay",
    "log_odds",
    "plan_covariates_alone",
    "plan_models",
    "unplaced_splines",
    "probability",
    "ranked_probability",
    "rounded_probability",
    "read_answer",
    "score_inputs",
    "tables_of",
    "to_states",
    "training_rows",
    "without_unneeded",
]
