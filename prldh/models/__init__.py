"""Models and what is said of them: fits, performance, comparisons, Table 1; a run's plan and an engine's part of it."""

from __future__ import annotations

from prldh.models.as_is import describe_as_is
from prldh.models.associations import Association, check_associations, describe_associations
from prldh.models.calibration_limits import CalibrationLimits, calibration_limits, error_of_sums
from prldh.models.collinearity import FeatureCollinearity, TermCollinearity, describe_features
from prldh.models.compare import (
    HELD_OUT_PARTIAL_AREAS,
    Compared,
    Comparison,
    NetBenefitDifference,
    compare_areas,
    compare_models,
    compare_net_benefit,
    compare_out_of_bag,
    nested,
    nested_warning,
    plan_comparisons,
)
from prldh.models.fit import (
    Coefficient,
    FittedModel,
    Term,
    describe_model,
    fit_designs,
    mean_log_odds,
    predicting_coefficients,
)
from prldh.models.likelihoods import AS_IS, FIRTH, MAXIMUM_LIKELIHOOD, Likelihood, LikelihoodRatio, compare_likelihoods
from prldh.models.patients import Patients, draw_among_alike
from prldh.models.performance import (
    Assessment,
    calibration,
    classify,
    curve_elsewhere,
    describe_auc,
    hosmer_lemeshow,
    pooled_auc,
    tell_of_certain,
    usefulness,
)
from prldh.models.permutation_importance import PermutationImportance, permutation_importance
from prldh.models.plan import Plan
from prldh.models.reclassification import Reclassification, describe_reclassification
from prldh.models.risk_interval import RiskInterval, least_for, risk_interval
from prldh.models.roc_curves import DifferenceTest, RocPoint, roc_vertices
from prldh.models.sample_size import SampleSizes, anticipated_r2, describe_sample_size
from prldh.models.subgroup_levels import BLANK, SubgroupLevels, find_subgroups
from prldh.models.table_one import TableOneRow, make_table_one
from prldh.models.univariate import UnivariateScreen, describe_univariate
from prldh.models.values import Area, Calibration, Confusion, DecisionPoint, HosmerLemeshow, ImpactPoint, PartialAreas

__all__ = [
    "tell_of_certain",
    "RiskInterval",
    "least_for",
    "risk_interval",
    "error_of_sums",
    "draw_among_alike",
    "DifferenceTest",
    "CalibrationLimits",
    "calibration_limits",
    "PermutationImportance",
    "permutation_importance",
    "AS_IS",
    "BLANK",
    "SubgroupLevels",
    "find_subgroups",
    "Area",
    "Assessment",
    "Association",
    "Calibration",
    "Coefficient",
    "Compared",
    "Comparison",
    "Confusion",
    "DecisionPoint",
    "FIRTH",
    "FeatureCollinearity",
    "FittedModel",
    "HELD_OUT_PARTIAL_AREAS",
    "HosmerLemeshow",
    "ImpactPoint",
    "Likelihood",
    "LikelihoodRatio",
    "MAXIMUM_LIKELIHOOD",
    "NetBenefitDifference",
    "PartialAreas",
    "Patients",
    "Plan",
    "Reclassification",
    "RocPoint",
    "SampleSizes",
    "TableOneRow",
    "Term",
    "TermCollinearity",
    "UnivariateScreen",
    "anticipated_r2",
    "calibration",
    "check_associations",
    "classify",
    "compare_areas",
    "compare_likelihoods",
    "compare_models",
    "compare_net_benefit",
    "compare_out_of_bag",
    "curve_elsewhere",
    "describe_as_is",
    "describe_associations",
    "describe_auc",
    "describe_features",
    "describe_model",
    "describe_reclassification",
    "describe_sample_size",
    "describe_univariate",
    "fit_designs",
    "hosmer_lemeshow",
    "make_table_one",
    "mean_log_odds",
    "nested",
    "nested_warning",
    "plan_comparisons",
    "pooled_auc",
    "predicting_coefficients",
    "roc_vertices",
    "usefulness",
]
