"""Numbers only: each statistic is a function of arrays, with the same name and keys in R."""

from __future__ import annotations

from prldh.stats.by_name import find_statistic, is_vector
from prldh.stats.chained_equations import CONTINUOUS, apply_chains, fit_chains
from prldh.stats.combat import BatchEffect, Combat, apply_combat, effect_of_new_batch, fit_combat
from prldh.stats.corrected_resampled import corrected_resampled
from prldh.stats.domain_distance import domain_distances, held_out_distances
from prldh.stats.elastic_net import cv_elastic_net
from prldh.stats.external_sample_sizes import external_sample_size
from prldh.stats.icc import FORMS, icc_form
from prldh.stats.logistic import is_nearly_certain
from prldh.stats.multiplicity import adjust_p
from prldh.stats.optimism import bootstrap_measures
from prldh.stats.partial_roc import stratified_rows
from prldh.stats.permanova import eta_squared, permanova
from prldh.stats.proportions import proportion
from prldh.stats.ranking import ranked_log_odds
from prldh.stats.resampled import auc_of_rows, correct_optimism, mean_of_folds
from prldh.stats.roc import auc, youden
from prldh.stats.sample_sizes import largest_cox_snell, sample_size
from prldh.stats.separation import infinite_coefficients
from prldh.stats.splines import spline_basis, spline_knots
from prldh.stats.stability import selection_stability
from prldh.stats.standardized_difference import (
    difference_of_moments,
    standardized_level_difference,
    standardized_mean_difference,
)
from prldh.stats.two_stage import ESTIMATES, LEAST_AUC, TWO_STAGE, least_rarer, two_stage_bootstrap, two_stage_interval
from prldh.stats.units import power_of_two

__all__ = [
    "BatchEffect",
    "Combat",
    "apply_combat",
    "effect_of_new_batch",
    "eta_squared",
    "fit_combat",
    "permanova",
    "CONTINUOUS",
    "ESTIMATES",
    "FORMS",
    "LEAST_AUC",
    "TWO_STAGE",
    "adjust_p",
    "apply_chains",
    "auc",
    "auc_of_rows",
    "bootstrap_measures",
    "correct_optimism",
    "corrected_resampled",
    "cv_elastic_net",
    "difference_of_moments",
    "domain_distances",
    "external_sample_size",
    "find_statistic",
    "fit_chains",
    "held_out_distances",
    "icc_form",
    "infinite_coefficients",
    "is_nearly_certain",
    "is_vector",
    "largest_cox_snell",
    "least_rarer",
    "mean_of_folds",
    "ranked_log_odds",
    "power_of_two",
    "proportion",
    "sample_size",
    "selection_stability",
    "spline_basis",
    "spline_knots",
    "standardized_level_difference",
    "standardized_mean_difference",
    "stratified_rows",
    "two_stage_bootstrap",
    "two_stage_interval",
    "youden",
]
