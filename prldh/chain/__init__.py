"""What is fitted to outcomes: from features to a Radscore, and from terms to design matrices."""

from __future__ import annotations

from prldh.chain.applying import (
    Table,
    apply_chain,
    change_values,
    columns_needed,
    images_that_stay,
    score_inputs,
    tables_of,
)
from prldh.chain.design import (
    GROUPS,
    LOG_ODDS_DECIMALS,
    build_design,
    group_codes,
    group_levels,
    groups_term,
    log_odds,
    pair_of,
    plan_models,
    probability,
)
from prldh.chain.radscore import fit_everyone, fit_tissue, training_rows
from prldh.chain.states import from_states, to_states
from prldh.chain.steps import Answer, Protocol, Step, read_answer

__all__ = [
    "Answer",
    "GROUPS",
    "LOG_ODDS_DECIMALS",
    "Protocol",
    "Step",
    "Table",
    "apply_chain",
    "build_design",
    "change_values",
    "columns_needed",
    "fit_everyone",
    "fit_tissue",
    "from_states",
    "group_codes",
    "group_levels",
    "groups_term",
    "pair_of",
    "images_that_stay",
    "log_odds",
    "plan_models",
    "probability",
    "read_answer",
    "score_inputs",
    "tables_of",
    "to_states",
    "training_rows",
]
