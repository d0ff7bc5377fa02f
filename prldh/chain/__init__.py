"""What is fitted to outcomes: from features to a Radscore, and from terms to design matrices."""

from __future__ import annotations

from prldh.chain.design import (
    GROUPS,
    LOG_ODDS_DECIMALS,
    build_design,
    group_codes,
    group_levels,
    groups_term,
    log_odds,
    plan_models,
    probability,
)
from prldh.chain.radscore import (
    Protocol,
    Step,
    apply_radscore,
    choose_images,
    fit_everyone,
    fit_tissue,
    linear_score,
    training_rows,
)

__all__ = [
    "GROUPS",
    "LOG_ODDS_DECIMALS",
    "Protocol",
    "Step",
    "apply_radscore",
    "build_design",
    "choose_images",
    "fit_everyone",
    "fit_tissue",
    "group_codes",
    "group_levels",
    "groups_term",
    "linear_score",
    "log_odds",
    "plan_models",
    "probability",
    "training_rows",
]
