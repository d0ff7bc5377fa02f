"""Models and what is said of them: fits, performance, comparisons, Table 1; a run's plan and an engine's part of it."""

from __future__ import annotations

from prldh.models.compare import (
    compare_engines,
    compare_likelihoods,
    compare_models,
    compare_net_benefit,
    compare_out_of_bag,
    nested,
    nested_warning,
    plan_comparisons,
)
from prldh.models.engine_run import EngineRun
from prldh.models.fit import FIRTH, MAXIMUM_LIKELIHOOD, describe_model, mean_log_odds
from prldh.models.performance import (
    INTERVAL,
    calibration,
    curve_rows,
    hosmer_lemeshow,
    pooled_auc,
    proportions,
    usefulness,
)
from prldh.models.plan import Plan
from prldh.models.reclassification import describe_reclassification
from prldh.models.roc_curves import roc_vertices
from prldh.models.sample_size import anticipated_r2, describe_sample_size
from prldh.models.table_one import make_table_one
from prldh.models.univariate import describe_univariate

__all__ = [
    "EngineRun",
    "FIRTH",
    "INTERVAL",
    "MAXIMUM_LIKELIHOOD",
    "Plan",
    "anticipated_r2",
    "calibration",
    "compare_engines",
    "compare_likelihoods",
    "compare_models",
    "compare_net_benefit",
    "compare_out_of_bag",
    "curve_rows",
    "describe_model",
    "describe_reclassification",
    "describe_sample_size",
    "describe_univariate",
    "hosmer_lemeshow",
    "make_table_one",
    "mean_log_odds",
    "nested",
    "nested_warning",
    "plan_comparisons",
    "pooled_auc",
    "proportions",
    "roc_vertices",
    "usefulness",
]
