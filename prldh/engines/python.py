"""The Python engine: every number from :mod:`prldh.stats`."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from prldh.core import Warn, warn
from prldh.stats import (
    additive_interaction,
    bootstrap_measures,
    calibration,
    clinical_impact,
    decision_curve,
    firth,
    firth_ratio,
    icc,
    independent_roc,
    lasso,
    logistic,
    partial_roc,
    partial_roc_tests,
    profile,
    proportions,
    reclassification,
    roc,
    rubin,
    standardization,
    table_one,
    univariate,
)

PACKAGES = ("numpy", "scipy", "statsmodels", "scikit-learn", "numba")


class PythonEngine:
    """Statistics by NumPy, SciPy and numba; see :class:`prldh.engines.protocol.StatisticsEngine` for the functions.

    Attributes
    ----------
    warnings : list of Warn
        What a reader of the numbers has to know, in order. Nothing is printed.

    Examples
    --------
    >>> engine = PythonEngine()
    >>> engine.auc([0, 0, 1, 1], [1.0, 2.0, 2.0, 3.0])["estimate"]
    0.875
    """

    name = "python"

    def __init__(self) -> None:
        self.warnings: list[Warn] = []

    def versions(self) -> dict[str, Any]:
        """``{"version": Python's, "packages": {name: version, or None where it is not installed}}``."""
        return {"version": platform.python_version(), "packages": {name: _version(name) for name in PACKAGES}}

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _remark(self, function: str, message: str) -> None:
        self.warnings.append(warn.ENGINE_REMARK(engine=self.name, function=function, message=message))

    # -- logistic regression -----------------------------------------------------------------------------------

    def fit_logistic(self, design: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """See :func:`prldh.stats.logistic.fit_logistic`."""
        result = logistic.fit_logistic(_array(design), _array(outcome))
        if not result["converged"]:
            self._remark("fit_logistic", f"no convergence in {result['iterations']:.0f} iterations")
        log_odds = logistic.linear_predictor(_array(design), result["coefficients"])
        if len(log_odds) and np.abs(log_odds).max() > logistic.NEARLY_CERTAIN:
            self._remark("fit_logistic", "fitted probabilities numerically 0 or 1 occurred")
        return result

    def profile_limits(self, design: ArrayLike, outcome: ArrayLike, level: float = 0.95) -> np.ndarray:
        """See :func:`prldh.stats.profile.profile_limits`."""
        return profile.profile_limits(_array(design), _array(outcome), level)

    def refit_logistic(
        self, design: ArrayLike, outcome: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.logistic.refit_logistic`."""
        return logistic.refit_logistic(_array(design), _array(outcome), np.asarray(rows), np.asarray(lengths))

    def fit_firth(self, design: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """See :func:`prldh.stats.firth.fit_firth`."""
        result = firth.fit_firth(_array(design), _array(outcome))
        if not result["converged"]:
            self._remark("fit_firth", f"no convergence in {result['iterations']:.0f} iterations")
        return result

    def firth_limits(self, design: ArrayLike, outcome: ArrayLike, level: float = 0.95) -> np.ndarray:
        """See :func:`prldh.stats.firth.firth_limits`."""
        return firth.firth_limits(_array(design), _array(outcome), level)

    def refit_firth(self, design: ArrayLike, outcome: ArrayLike, rows: ArrayLike, lengths: ArrayLike) -> dict[str, Any]:
        """See :func:`prldh.stats.firth.refit_firth`."""
        return firth.refit_firth(_array(design), _array(outcome), np.asarray(rows), np.asarray(lengths))

    def likelihood_ratio(self, design_small: ArrayLike, design_large: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """See :func:`prldh.stats.logistic.likelihood_ratio`."""
        return logistic.likelihood_ratio(_array(design_small), _array(design_large), _array(outcome))

    def likelihood_ratio_firth(
        self, design_small: ArrayLike, design_large: ArrayLike, outcome: ArrayLike
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.firth_ratio.likelihood_ratio_firth`."""
        return firth_ratio.likelihood_ratio_firth(_array(design_small), _array(design_large), _array(outcome))

    def standardized_risks(
        self, design: ArrayLike, coefficients: ArrayLike, columns: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.standardization.standardized_risks`."""
        return standardization.standardized_risks(
            _array(design), _array(coefficients), np.asarray(columns), np.asarray(rows), np.asarray(lengths)
        )

    def standardized_risk_ratios(
        self, design: ArrayLike, coefficients: ArrayLike, covariance: ArrayLike, columns: ArrayLike
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.standardization.standardized_risk_ratios`."""
        return standardization.standardized_risk_ratios(
            _array(design), _array(coefficients), _array(covariance), np.asarray(columns)
        )

    def additive_interaction(self, logs: ArrayLike, covariance: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """See :func:`prldh.stats.additive_interaction.additive_interaction`."""
        return additive_interaction.additive_interaction(_array(logs), _array(covariance), level)

    def additive_interaction_resampled(self, logs: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """See :func:`prldh.stats.additive_interaction.additive_interaction_resampled`."""
        return additive_interaction.additive_interaction_resampled(_array(logs), level)

    # -- ROC ---------------------------------------------------------------------------------------------------

    def auc(self, outcome: ArrayLike, score: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """See :func:`prldh.stats.roc.auc`."""
        return roc.auc(_array(outcome), _array(score), level)

    def compare_auc(self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """See :func:`prldh.stats.roc.compare_auc`."""
        return roc.compare_auc(_array(outcome), _array(a), _array(b), level)

    def compare_independent_auc(
        self, outcome_a: ArrayLike, a: ArrayLike, outcome_b: ArrayLike, b: ArrayLike, level: float = 0.95
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.independent_roc.compare_independent_auc`."""
        return independent_roc.compare_independent_auc(
            _array(outcome_a), _array(a), _array(outcome_b), _array(b), level
        )

    def partial_auc(
        self,
        outcome: ArrayLike,
        score: ArrayLike,
        focus: str,
        from_: float = 1.0,
        to: float = 0.8,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.partial_roc.partial_auc`."""
        return partial_roc.partial_auc(
            _array(outcome), _array(score), focus, from_, to, np.asarray(rows), int(n_resamples), level
        )

    def compare_partial_auc(
        self,
        outcome: ArrayLike,
        a: ArrayLike,
        b: ArrayLike,
        focus: str,
        from_: float,
        to: float,
        rows: ArrayLike,
        n_resamples: int,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.partial_roc_tests.compare_partial_auc`."""
        return partial_roc_tests.compare_partial_auc(
            _array(outcome), _array(a), _array(b), focus, from_, to, np.asarray(rows), int(n_resamples), level
        )

    def compare_partial_auc_asymptotic(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, focus: str, from_: float, to: float, level: float = 0.95
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.partial_roc_tests.compare_partial_auc_asymptotic`."""
        return partial_roc_tests.compare_partial_auc_asymptotic(
            _array(outcome), _array(a), _array(b), focus, from_, to, level
        )

    def roc_curve(self, outcome: ArrayLike, score: ArrayLike) -> dict[str, Any]:
        """See :func:`prldh.stats.roc.roc_curve`."""
        return roc.roc_curve(_array(outcome), _array(score))

    def youden(self, outcome: ArrayLike, score: ArrayLike) -> dict[str, Any]:
        """See :func:`prldh.stats.roc.youden`."""
        return roc.youden(_array(outcome), _array(score))

    def proportion(self, successes: float, total: float, level: float = 0.95) -> dict[str, Any]:
        """See :func:`prldh.stats.proportions.proportion`."""
        return proportions.proportion(successes, total, level)

    # -- calibration and decisions -----------------------------------------------------------------------------

    def hosmer_lemeshow(
        self, outcome: ArrayLike, probability: ArrayLike, groups: int = 10, lost: int = 2
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.calibration.hosmer_lemeshow`."""
        result = calibration.hosmer_lemeshow(_array(outcome), _array(probability), int(groups), int(lost))
        if result["n_groups"] < groups:
            self._remark("hosmer_lemeshow", f"ties left {result['n_groups']:.0f} of the {groups} groups asked for")
        return result

    def calibration(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.calibration.calibration`."""
        return calibration.calibration(_array(outcome), _array(probability), np.asarray(rows), int(n_resamples), level)

    def decision_curve(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        thresholds: ArrayLike,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.decision_curve.decision_curve`."""
        return decision_curve.decision_curve(
            _array(outcome), _array(probability), _array(thresholds), np.asarray(rows), int(n_resamples), level
        )

    def compare_decision_curves(
        self,
        outcome: ArrayLike,
        a: ArrayLike,
        b: ArrayLike,
        thresholds: ArrayLike,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.decision_curve.compare_decision_curves`."""
        return decision_curve.compare_decision_curves(
            _array(outcome), _array(a), _array(b), _array(thresholds), np.asarray(rows), int(n_resamples), level
        )

    def out_of_bag_decision_curve(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        out_of_bag: ArrayLike,
        thresholds: ArrayLike,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.decision_curve.out_of_bag_decision_curve`."""
        return decision_curve.out_of_bag_decision_curve(
            _array(outcome), _array(probability), _array(out_of_bag), _array(thresholds), level
        )

    def compare_out_of_bag_decision_curves(
        self,
        outcome: ArrayLike,
        a: ArrayLike,
        b: ArrayLike,
        out_of_bag: ArrayLike,
        thresholds: ArrayLike,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.decision_curve.compare_out_of_bag_decision_curves`."""
        return decision_curve.compare_out_of_bag_decision_curves(
            _array(outcome), _array(a), _array(b), _array(out_of_bag), _array(thresholds), level
        )

    def clinical_impact(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        thresholds: ArrayLike,
        population: float = 1000,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.clinical_impact.clinical_impact`."""
        return clinical_impact.clinical_impact(
            _array(outcome),
            _array(probability),
            _array(thresholds),
            population,
            np.asarray(rows),
            int(n_resamples),
            level,
        )

    # -- resampled models --------------------------------------------------------------------------------------

    def bootstrap_measures(
        self, outcome: ArrayLike, log_odds: ArrayLike, in_sample: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.optimism.bootstrap_measures`."""
        return bootstrap_measures(
            _array(outcome), _array(log_odds), _array(in_sample), np.asarray(rows), np.asarray(lengths)
        )

    # -- multiple imputation -----------------------------------------------------------------------------------

    def pool_estimates(
        self, estimates: ArrayLike, variances: ArrayLike, df_complete: float = np.inf, level: float = 0.95
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.rubin.pool_estimates`."""
        return rubin.pool_estimates(_array(estimates), _array(variances), df_complete, level)

    def pool_covariance(self, estimates: ArrayLike, covariances: ArrayLike) -> np.ndarray:
        """See :func:`prldh.stats.rubin.pool_covariance`."""
        return rubin.pool_covariance(_array(estimates), _array(covariances))

    def pool_auc(self, estimates: ArrayLike, variances: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """See :func:`prldh.stats.rubin.pool_auc`."""
        return rubin.pool_auc(_array(estimates), _array(variances), level)

    def pool_likelihood_ratio(self, statistics: ArrayLike, df: float) -> dict[str, Any]:
        """See :func:`prldh.stats.rubin.pool_likelihood_ratio`."""
        return rubin.pool_likelihood_ratio(_array(statistics), df)

    def reclassification(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, categories: ArrayLike, level: float = 0.95
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.reclassification.reclassification`."""
        return reclassification.reclassification(_array(outcome), _array(a), _array(b), _array(categories), level)

    # -- selection, agreement and tables -----------------------------------------------------------------------

    def cv_lasso(
        self, values: ArrayLike, outcome: ArrayLike, fold_ids: ArrayLike, n_lambda: int = 100
    ) -> dict[str, Any]:
        """See :func:`prldh.stats.lasso.cv_lasso`."""
        return lasso.cv_lasso(_array(values), _array(outcome), np.asarray(fold_ids), int(n_lambda))

    def icc(self, first: ArrayLike, second: ArrayLike, form: str = "ICC2", level: float = 0.95) -> dict[str, Any]:
        """See :func:`prldh.stats.icc.icc`."""
        return icc.icc(_array(first), _array(second), form, level)

    def icc_of_ratings(self, ratings: ArrayLike, form: str = "ICC2", level: float = 0.95) -> dict[str, Any]:
        """See :func:`prldh.stats.icc.icc_of_ratings`."""
        return icc.icc_of_ratings(_array(ratings), form, level)

    def univariate_screen(self, values: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """See :func:`prldh.stats.univariate.univariate_screen`."""
        return univariate.univariate_screen(_array(values), _array(outcome))

    def continuous_test(self, nonevent: ArrayLike, event: ArrayLike, kind: str) -> dict[str, Any]:
        """See :func:`prldh.stats.table_one.continuous_test`."""
        return table_one.continuous_test(_array(nonevent), _array(event), kind)

    def categorical_test(self, counts: ArrayLike, kind: str) -> dict[str, Any]:
        """See :func:`prldh.stats.table_one.categorical_test`."""
        return table_one.categorical_test(_array(counts), kind)


def _array(values: ArrayLike) -> np.ndarray:
    return np.asarray(values, dtype=float)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
