"""What a statistics engine is: the functions, their arguments and the keys of their results.

Conventions. ``outcome`` is (n,) numeric 0/1, 1 = event. A score or probability is (n,) numeric and higher means event;
the direction is never guessed. Positive and high mean strictly above a threshold. A number that does not exist is NaN
and never an error; infinite is inf. Results are plain dicts of floats and arrays, so that two engines can be compared
number by number. Row numbers are 0-based.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from prldh.core import Warn


@runtime_checkable
class StatisticsEngine(Protocol):
    """A source of numbers. ``warnings`` collects what it warns of, in order; nothing is printed."""

    name: str
    warnings: list[Warn]

    def versions(self) -> dict[str, Any]:
        """``{"version": the language's, "packages": {name: version, or None where it is not installed}}``."""
        ...

    def close(self) -> None:
        """Let go of what the engine holds."""
        ...

    # -- logistic regression -----------------------------------------------------------------------------------

    def fit_logistic(self, design: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """Maximum likelihood; design (n, k), first column ones. R: ``stats::glm.fit``, default control.

        Keys: coefficients, standard_errors, p_values (k,) with Wald's p, NaN where aliased; covariance (k, k);
        log_likelihood, deviance, null_deviance, converged (0/1), iterations.
        """
        ...

    def profile_limits(self, design: ArrayLike, outcome: ArrayLike, level: float = 0.95) -> np.ndarray:
        """Profile-likelihood limits (k, 2), lower and upper, right to 1e-10; infinite under separation, NaN where
        aliased.

        Where twice the fall of the profile log-likelihood is ``qchisq(level, 1)``: not ``confint.glm``'s interpolation.
        """
        ...

    def refit_logistic(
        self, design: ArrayLike, outcome: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> dict[str, Any]:
        """The model of ``fit_logistic`` on m resamples, whose row numbers stand end to end in ``rows``, ``lengths``
        (m,) each.

        Keys: coefficients (m, k), aliased ones 0; a resample with one class has NaN throughout.
        """
        ...

    def fit_firth(self, design: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """Firth's penalised likelihood, finite under separation. R: ``logistf::logistf``, run to rounding.

        Keys of ``fit_logistic``; p_values are penalised likelihood-ratio tests, covariance that of the augmented data,
        log_likelihood and deviance penalised, null_deviance with every coefficient but the first at 0.
        """
        ...

    def firth_limits(self, design: ArrayLike, outcome: ArrayLike, level: float = 0.95) -> np.ndarray:
        """Profile penalised-likelihood limits (k, 2), right to 1e-10; finite, NaN where aliased. R: ``logistf(pl =
        TRUE)``."""
        ...

    def refit_firth(self, design: ArrayLike, outcome: ArrayLike, rows: ArrayLike, lengths: ArrayLike) -> dict[str, Any]:
        """``fit_firth``'s coefficients on m resamples; arguments, keys and NaN as ``refit_logistic``."""
        ...

    def likelihood_ratio(self, design_small: ArrayLike, design_large: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """Likelihood-ratio test of nested designs. R: ``anova(test = "LRT")``. Keys: statistic, df, p."""
        ...

    def likelihood_ratio_firth(
        self, design_small: ArrayLike, design_large: ArrayLike, outcome: ArrayLike
    ) -> dict[str, Any]:
        """The same by Firth's penalised likelihood, both under the large design's penalty; NaN where the designs are
        not nested.

        R: ``anova(large, small, method = "nested")`` of ``logistf``.
        """
        ...

    def standardized_risks(
        self, design: ArrayLike, coefficients: ArrayLike, columns: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> dict[str, Any]:
        """Mean predicted risks with everyone in each group, whose indicators are 0-based ``columns`` (g,) of the
        design.

        Coefficients (m, k) of m resamples, given as in :meth:`refit_logistic`. Keys: risks (m, g + 1), the reference
        group's first.
        """
        ...

    def standardized_risk_ratios(
        self, design: ArrayLike, coefficients: ArrayLike, covariance: ArrayLike, columns: ArrayLike
    ) -> dict[str, Any]:
        """Log ratios of such risks against the last column's group, by the delta method. Keys: logs (g,), covariance
        (g, g)."""
        ...

    def additive_interaction(self, logs: ArrayLike, covariance: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """RERI, AP and S from log ratios (3,): both exposures, first alone, second alone, against neither. R:
        ``epiR::epi.interaction``.

        Keys: reri, ap, s, each {estimate, low, high} (delta method).
        """
        ...

    def additive_interaction_resampled(self, logs: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """Percentile limits of the same from log ratios (m, 3). Keys: reri, ap, s, each {low, high, n_defined}."""
        ...

    # -- ROC ---------------------------------------------------------------------------------------------------

    def auc(self, outcome: ArrayLike, score: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """Area under the ROC curve. R: ``pROC::ci.auc(method = "delong")``. Keys: estimate, variance, low, high."""
        ...

    def compare_auc(self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """DeLong's paired test, a - b. R: ``pROC::roc.test``. Keys: difference, low, high, statistic, p.

        Identical curves: statistic 0, p 1.
        """
        ...

    def compare_independent_auc(
        self, outcome_a: ArrayLike, a: ArrayLike, outcome_b: ArrayLike, b: ArrayLike, level: float = 0.95
    ) -> dict[str, Any]:
        """Areas of unrelated patients, by DeLong's variance of each. R: ``pROC::roc.test(paired = FALSE)``'s D. Keys of
        ``compare_auc``."""
        ...

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
        """Partial area over a range of ``focus``, "sensitivity" or "specificity". R: ``pROC::auc(partial.auc =)`` and
        ``ci.auc``.

        Keys: estimate, corrected (McClish's; NaN below the diagonal), variance (jackknife), and percentile limits low,
        high, corrected_low, corrected_high from stratified bootstrap rows, flat or (n_resamples, n).
        """
        ...

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
        """Paired stratified bootstrap test of partial areas, a - b. R: ``pROC::roc.test(method = "bootstrap")`` with
        these rows.

        Keys: difference, low, high, statistic, p.
        """
        ...

    def compare_partial_auc_asymptotic(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, focus: str, from_: float, to: float, level: float = 0.95
    ) -> dict[str, Any]:
        """The same by placement values restricted to the range (Yang, Lu & Zhao 2017); over the whole range DeLong's
        test.

        Keys: difference, low, high, statistic, p, df (of the t distribution; infinite: normal).
        """
        ...

    def roc_curve(self, outcome: ArrayLike, score: ArrayLike) -> dict[str, Any]:
        """The empirical curve. R: ``pROC::roc``. Keys: thresholds (ascending, -inf to inf), sensitivities,
        specificities."""
        ...

    def youden(self, outcome: ArrayLike, score: ArrayLike) -> dict[str, Any]:
        """Youden's cutoff, the higher sensitivity among ties. R: ``pROC::coords(roc, "best")``.

        Keys: threshold (may be -inf), tp, fp, fn, tn, sensitivity, specificity.
        """
        ...

    def proportion(self, successes: float, total: float, level: float = 0.95) -> dict[str, Any]:
        """Clopper and Pearson's interval. R: ``stats::binom.test``. Keys: estimate, low, high; NaN when total is 0."""
        ...

    # -- calibration and decisions -----------------------------------------------------------------------------

    def hosmer_lemeshow(
        self, outcome: ArrayLike, probability: ArrayLike, groups: int = 10, lost: int = 2
    ) -> dict[str, Any]:
        """Goodness of fit. R: ``ResourceSelection::hoslem.test``. ``lost``: 0 where the predictions were not fitted to
        these outcomes.

        Keys: statistic, df, p, n_groups, and over the groups lower, upper, n, observed, expected (events).
        """
        ...

    def calibration(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """Calibration as ``rms::val.prob``, the Brier score's parts as reliabilitydiag; bootstrap rows flat or
        (n_resamples, n).

        Keys: intercept, slope (joint fit; NaN and +-inf where predictions separate the classes), citl (slope 1), brier,
        scaled_brier, miscalibration, discrimination, uncertainty (brier = first - second + third), spiegelhalter_z,
        spiegelhalter_p, ici, e50, e90, emax; curve_predicted, curve_observed, curve_low, curve_high (arrays alike; no
        limits without resamples); method: "lowess", or "groups" with fewer than five distinct predictions (ici, e50,
        e90, emax NaN; Clopper and Pearson's limits).
        """
        ...

    def decision_curve(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        thresholds: ArrayLike,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """Net benefit, with percentile limits from bootstrap rows, flat or (n_resamples, n). R:
        ``rmda::decision_curve``.

        Keys, each (t,): threshold, net_benefit, standardized, all, low, high, standardized_low, standardized_high,
        avoided (net interventions per 100 patients; NaN at 0), avoided_low, avoided_high. Thresholds outside 0..1 are
        refused.
        """
        ...

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
        """Net benefit of a less that of b, on the same resamples. Keys, each (t,): threshold, difference, low, high."""
        ...

    def out_of_bag_decision_curve(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        out_of_bag: ArrayLike,
        thresholds: ArrayLike,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """Mean over bootstrap models of each one's curve in its out-of-bag patients, with percentiles over the models.

        ``probability`` and ``out_of_bag`` (0/1) are (m, n); predictions of patients drawn are not looked at, and a
        model with a NaN among the others does not count. Keys as ``decision_curve``; ``all`` is of the out-of-bag
        patients too.
        """
        ...

    def compare_out_of_bag_decision_curves(
        self,
        outcome: ArrayLike,
        a: ArrayLike,
        b: ArrayLike,
        out_of_bag: ArrayLike,
        thresholds: ArrayLike,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """Net benefit of a less that of b out of bag, the mean over the resamples. Keys, each (t,): threshold,
        difference, low, high."""
        ...

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
        """Patients above each threshold per ``population``. R: ``rmda::plot_clinical_impact``.

        Keys, each (t,): threshold, high_risk, high_risk_events, high_risk_low, high_risk_high, high_risk_events_low,
        high_risk_events_high.
        """
        ...

    # -- resampled models --------------------------------------------------------------------------------------

    def bootstrap_measures(
        self, outcome: ArrayLike, log_odds: ArrayLike, in_sample: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> dict[str, Any]:
        """Bootstrap models on their sample, on everyone and out of bag. R: ``rms::validate``.

        ``log_odds`` (m, n) of everyone; ``in_sample`` those of the ``rows`` drawn, end to end, ``lengths`` (m,) each.
        Keys, each (m,): auc, brier, intercept, slope (of the calibration line), each with _boot, _original, _oob; NaN
        where not defined.
        """
        ...

    # -- multiple imputation -----------------------------------------------------------------------------------

    def pool_estimates(
        self, estimates: ArrayLike, variances: ArrayLike, df_complete: float = np.inf, level: float = 0.95
    ) -> dict[str, Any]:
        """Rubin's rules for (m, k) estimates of m imputations, with Barnard and Rubin's df. R: ``mice::pool``.

        Keys, each (k,): estimate, se, df, low, high, p, fmi, riv, lambda.
        """
        ...

    def pool_covariance(self, estimates: ArrayLike, covariances: ArrayLike) -> np.ndarray:
        """Total covariance (k, k) of pooled (m, k) estimates with covariances (m, k, k)."""
        ...

    def pool_auc(self, estimates: ArrayLike, variances: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """Areas (m,) with variances (m,), pooled on the logit scale. R: ``psfmi::pool_auc``, with variances.

        Keys: estimate, low, high, variance, df, fmi, riv, lambda, scale: "logit", or "identity" where an area is
        exactly 0 or 1.
        """
        ...

    def pool_likelihood_ratio(self, statistics: ArrayLike, df: float) -> dict[str, Any]:
        """Chi-square statistics (m,), pooled by rule D2. R: ``mice::D2``. Keys: statistic (F), df1, df2, p, riv."""
        ...

    def reclassification(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, categories: ArrayLike, level: float = 0.95
    ) -> dict[str, Any]:
        """NRI between categories (nri) and without (cnri), and IDI (idi), b against a. R: ``Hmisc::improveProb``.

        ``categories`` are ascending cut points; a probability equal to one is in the lower category. Keys: X, X_low,
        X_high, X_z, X_p for X each of the three and its parts X_events, X_nonevents; X_up_events, X_down_events,
        X_up_nonevents, X_down_nonevents (nri, cnri); n_events, n_nonevents; table_events, table_nonevents (old
        category, new category).
        """
        ...

    # -- selection, agreement and tables -----------------------------------------------------------------------

    def cv_lasso(
        self, values: ArrayLike, outcome: ArrayLike, fold_ids: ArrayLike, n_lambda: int = 100
    ) -> dict[str, Any]:
        """Cross-validated lasso of (n, p) values, folds numbered from 1. R: ``glmnet::cv.glmnet``, thresh 1e-14.

        Keys: lambda, cv_mean, cv_sd, n_nonzero (l,), lambda_min, coefficients (p + 1,), path (p + 1, l). Raises
        EngineError where ``cv.glmnet`` cannot run.
        """
        ...

    def icc(self, first: ArrayLike, second: ArrayLike, form: str = "ICC2", level: float = 0.95) -> dict[str, Any]:
        """Intraclass correlation of two readers' (n, p) values. R: ``psych::ICC``. Keys, each (p,): estimate, low,
        high."""
        ...

    def icc_of_ratings(self, ratings: ArrayLike, form: str = "ICC2", level: float = 0.95) -> dict[str, Any]:
        """The same of k readers' (n, k, p) values, or (n, k) of one variable."""
        ...

    def univariate_screen(self, values: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """Each column of (n, p) values alone. R: ``wilcox.test(exact = FALSE)``, ``t.test(var.equal = TRUE)``, ``cor``.

        Keys, each (p,): auc (higher means event), r, w, p_wilcoxon, t (non-event minus event), p_t; NaN where constant.
        """
        ...

    def continuous_test(self, nonevent: ArrayLike, event: ArrayLike, kind: str) -> dict[str, Any]:
        """Two samples, "t", "welch" or "wilcoxon". R: ``t.test``, ``wilcox.test``. Keys: statistic, p, df."""
        ...

    def categorical_test(self, counts: ArrayLike, kind: str) -> dict[str, Any]:
        """Counts (r, 2), "chi2" or "fisher" (exact). R: ``chisq.test``, ``fisher.test``. Keys: statistic, p, df."""
        ...
