"""What a statistics engine is: the functions, their arguments and the keys of their results.

Conventions. ``outcome`` is (n,) numeric 0/1, 1 = event. A score or probability is (n,) numeric and higher means event;
the direction is never guessed. Positive and high mean strictly above a threshold. A number that does not exist is NaN
and never an error; infinite is inf. Results are plain dicts of floats and arrays, so that two engines can be compared
number by number. Row numbers are 0-based.

Every statistic is a function of the same name, arguments and keys in :mod:`prldh.stats` and in the R package, and an
engine computes it by that name; those that prldh itself calls stand here as methods. An engine inherits them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypedDict, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from prldh.core import Warn

#: What a statistic gives: numbers, arrays and text by key.
Answer = dict[str, Any]


class Versions(TypedDict):
    """The version of an engine's language, and of its packages: None where one is not installed."""

    version: str
    packages: Mapping[str, str | None]


#: Arguments that hold row, column or fold numbers; other arrays are of floats.
WHOLE_NUMBERS = frozenset(("rows", "lengths", "test_rows", "test_lengths", "columns", "fold_ids", "patient"))


def is_array(value: object) -> bool:
    """Whether an argument of a statistic is an array, or to become one: neither one number nor text."""
    return not isinstance(value, (str, bool, int, float, np.generic))


@runtime_checkable
class StatisticsEngine(Protocol):
    """A source of numbers. ``warnings`` collects what it warns of, in order; nothing is printed. ``called`` are the
    statistics that it was asked for."""

    name: str
    warnings: list[Warn]
    called: set[str]

    def compute(self, statistic: str, **arguments: Any) -> Any:
        """The statistic of that name, computed of these arguments.

        Raises
        ------
        EngineError
            If there is no such statistic.
        """
        ...

    def versions(self) -> Versions:
        """``{"version": the language's, "packages": {name: version, or None where it is not installed}}``."""
        ...

    def packages_called(self) -> tuple[str, ...]:
        """The packages, by the names of ``versions``, whose functions the statistics run that were asked for."""
        return ()

    def close(self) -> None:
        """Let go of what the engine holds."""
        ...

    def of_rows(self, rows: np.ndarray) -> StatisticsEngine:
        """The engine for these rows (m,) of those that it is for; the same where rows are patients."""
        return self

    @property
    def is_clustered(self) -> bool:
        """Whether several rows may be one patient's."""
        return False

    def count_patients(self, is_own: np.ndarray) -> int:
        """Of how many patients some of the rows are, ``is_own`` (n,)."""
        return int(np.sum(is_own))

    @property
    def auc_method(self) -> str:
        """Whose variance an AUC has."""
        return "DeLong"

    @property
    def plain(self) -> StatisticsEngine:
        """The engine for rows as if each were a patient: selection steps and learners rank and tune by it."""
        return self

    # -- logistic regression -----------------------------------------------------------------------------------

    def fit_logistic(self, design: ArrayLike, outcome: ArrayLike) -> Answer:
        """Maximum likelihood; design (n, k), first column ones. R: ``stats::glm.fit``, default control.

        Keys: coefficients, standard_errors, p_values (k,) with Wald's p, NaN where aliased; covariance (k, k);
        log_likelihood, deviance, null_deviance, converged (0/1), iterations.
        """
        return self.compute("fit_logistic", design=design, outcome=outcome)

    def profile_limits(self, design: ArrayLike, outcome: ArrayLike, level: float = 0.95) -> np.ndarray:
        """Profile-likelihood limits (k, 2), lower and upper, right to 1e-10; infinite under separation, NaN where
        aliased.

        Where twice the fall of the profile log-likelihood is ``qchisq(level, 1)``: not ``confint.glm``'s interpolation.
        """
        return self.compute("profile_limits", design=design, outcome=outcome, level=level)

    def refit_logistic(self, design: ArrayLike, outcome: ArrayLike, rows: ArrayLike, lengths: ArrayLike) -> Answer:
        """The model of ``fit_logistic`` on m resamples, whose row numbers stand end to end in ``rows``, ``lengths``
        (m,) each.

        Keys: coefficients (m, k), aliased ones 0; a resample with one class has NaN throughout.
        """
        return self.compute("refit_logistic", design=design, outcome=outcome, rows=rows, lengths=lengths)

    def fit_firth(self, design: ArrayLike, outcome: ArrayLike) -> Answer:
        """Firth's penalised likelihood, finite under separation. R: ``logistf::logistf``, run to rounding.

        Keys of ``fit_logistic``; p_values are penalised likelihood-ratio tests, covariance that of the augmented data,
        log_likelihood and deviance penalised, null_deviance with every coefficient but the first at 0.
        """
        return self.compute("fit_firth", design=design, outcome=outcome)

    def firth_limits(self, design: ArrayLike, outcome: ArrayLike, level: float = 0.95) -> np.ndarray:
        """Profile penalised-likelihood limits (k, 2), right to 1e-10; finite, NaN where aliased. R: ``logistf(pl =
        TRUE)``."""
        return self.compute("firth_limits", design=design, outcome=outcome, level=level)

    def refit_firth(
        self,
        design: ArrayLike,
        outcome: ArrayLike,
        rows: ArrayLike,
        lengths: ArrayLike,
        predictions: str = "firth",
    ) -> Answer:
        """``fit_firth``'s coefficients on m resamples; arguments, keys and NaN as ``refit_logistic``.

        ``predictions``: "firth", or Puhr's corrections for predictions (2017). R: ``logistf::flic``, ``flac``.
        """
        return self.compute(
            "refit_firth", design=design, outcome=outcome, rows=rows, lengths=lengths, predictions=predictions
        )

    def likelihood_ratio(self, design_small: ArrayLike, design_large: ArrayLike, outcome: ArrayLike) -> Answer:
        """Likelihood-ratio test of nested designs. R: ``anova(test = "LRT")``. Keys: statistic, df, p."""
        return self.compute("likelihood_ratio", design_small=design_small, design_large=design_large, outcome=outcome)

    def likelihood_ratio_firth(self, design_small: ArrayLike, design_large: ArrayLike, outcome: ArrayLike) -> Answer:
        """The same by Firth's penalised likelihood, both under the large design's penalty; NaN where the designs are
        not nested.

        R: ``anova(large, small, method = "nested")`` of ``logistf``.
        """
        return self.compute(
            "likelihood_ratio_firth", design_small=design_small, design_large=design_large, outcome=outcome
        )

    def variance_inflation(self, design: ArrayLike, outcome: ArrayLike, terms: ArrayLike) -> Answer:
        """(G)VIF of a maximum-likelihood fit's terms; ``terms`` (k - 1,) says, from 0, which one each column after the
        intercept belongs to. R: ``car::vif``.

        Keys, each over the terms: vif, df, vif_per_df (GVIF^(1 / (2 df))); NaN with aliased columns or one term.
        """
        return self.compute("variance_inflation", design=design, outcome=outcome, terms=terms)

    def collinearity(self, values: ArrayLike) -> Answer:
        """Of columns (n, p) without an outcome. Keys: vif (p,), the diagonal of their correlation matrix's inverse;
        condition_number, of these and the intercept's, scaled to unit length (Belsley); condition_number_centred, of
        these about their means. NaN where singular. R: ``diag(solve(cor(x)))``, ``kappa(x, exact = TRUE)``."""
        return self.compute("collinearity", values=values)

    def standardized_risks(
        self, design: ArrayLike, coefficients: ArrayLike, columns: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> Answer:
        """Mean predicted risks with everyone in each group, whose indicators are 0-based ``columns`` (g,) of the
        design.

        Coefficients (m, k) of m resamples, given as in :meth:`refit_logistic`. Keys: risks (m, g + 1), the reference
        group's first.
        """
        return self.compute(
            "standardized_risks", design=design, coefficients=coefficients, columns=columns, rows=rows, lengths=lengths
        )

    def standardized_risk_ratios(
        self, design: ArrayLike, coefficients: ArrayLike, covariance: ArrayLike, columns: ArrayLike
    ) -> Answer:
        """Log ratios of such risks against the last column's group, by the delta method. Keys: logs (g,), covariance
        (g, g)."""
        return self.compute(
            "standardized_risk_ratios", design=design, coefficients=coefficients, covariance=covariance, columns=columns
        )

    def additive_interaction(self, logs: ArrayLike, covariance: ArrayLike, level: float = 0.95) -> Answer:
        """RERI, AP and S from log ratios (3,): both exposures, first alone, second alone, against neither. R:
        ``epiR::epi.interaction``.

        Keys: reri, ap, s, each {estimate, low, high} (delta method).
        """
        return self.compute("additive_interaction", logs=logs, covariance=covariance, level=level)

    def additive_interaction_resampled(self, logs: ArrayLike, level: float = 0.95) -> Answer:
        """Percentile limits of the same from log ratios (m, 3). Keys: reri, ap, s, each {low, high, n_defined}."""
        return self.compute("additive_interaction_resampled", logs=logs, level=level)

    # -- ROC ---------------------------------------------------------------------------------------------------

    def auc(self, outcome: ArrayLike, score: ArrayLike, level: float = 0.95) -> Answer:
        """Area under the ROC curve. R: ``pROC::ci.auc(method = "delong")``. Keys: estimate, variance, low, high."""
        return self.compute("auc", outcome=outcome, score=score, level=level)

    def compare_auc(self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Answer:
        """DeLong's paired test, a - b. R: ``pROC::roc.test``. Keys: difference, low, high, statistic, p.

        Identical curves: statistic 0, p 1.
        """
        return self.compute("compare_auc", outcome=outcome, a=a, b=b, level=level)

    def compare_independent_auc(
        self, outcome_a: ArrayLike, a: ArrayLike, outcome_b: ArrayLike, b: ArrayLike, level: float = 0.95
    ) -> Answer:
        """Areas of unrelated patients, by DeLong's variance of each. R: ``pROC::roc.test(paired = FALSE)``'s D. Keys of
        ``compare_auc``."""
        return self.compute("compare_independent_auc", outcome_a=outcome_a, a=a, outcome_b=outcome_b, b=b, level=level)

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
    ) -> Answer:
        """Partial area over a range of ``focus``, "sensitivity" or "specificity". R: ``pROC::auc(partial.auc =)`` and
        ``ci.auc``.

        Keys: estimate, corrected (McClish's; NaN below the diagonal), variance (jackknife), and percentile limits low,
        high, corrected_low, corrected_high from stratified bootstrap rows, flat or (n_resamples, n).
        """
        return self.compute(
            "partial_auc",
            outcome=outcome,
            score=score,
            focus=focus,
            from_=from_,
            to=to,
            rows=rows,
            n_resamples=n_resamples,
            level=level,
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
    ) -> Answer:
        """Paired stratified bootstrap test of partial areas, a - b. R: ``pROC::roc.test(method = "bootstrap")`` with
        these rows.

        Keys: difference, low, high, statistic, p.
        """
        return self.compute(
            "compare_partial_auc",
            outcome=outcome,
            a=a,
            b=b,
            focus=focus,
            from_=from_,
            to=to,
            rows=rows,
            n_resamples=n_resamples,
            level=level,
        )

    def compare_partial_auc_asymptotic(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, focus: str, from_: float, to: float, level: float = 0.95
    ) -> Answer:
        """The same by placement values restricted to the range (Yang, Lu & Zhao 2017); over the whole range DeLong's
        test.

        Keys: difference, low, high, statistic, p, df (of the t distribution; infinite: normal).
        """
        return self.compute(
            "compare_partial_auc_asymptotic", outcome=outcome, a=a, b=b, focus=focus, from_=from_, to=to, level=level
        )

    def roc_curve(self, outcome: ArrayLike, score: ArrayLike) -> Answer:
        """The empirical curve. R: ``pROC::roc``. Keys: thresholds (ascending, -inf to inf), sensitivities,
        specificities."""
        return self.compute("roc_curve", outcome=outcome, score=score)

    def youden(self, outcome: ArrayLike, score: ArrayLike) -> Answer:
        """Youden's cutoff, the higher sensitivity among ties. R: ``pROC::coords(roc, "best")``.

        Keys: threshold (may be -inf), tp, fp, fn, tn, sensitivity, specificity.
        """
        return self.compute("youden", outcome=outcome, score=score)

    def proportion(self, successes: float, total: float, level: float = 0.95) -> Answer:
        """Clopper and Pearson's interval. R: ``stats::binom.test``. Keys: estimate, low, high; NaN when total is 0."""
        return self.compute("proportion", successes=successes, total=total, level=level)

    # -- calibration and decisions -----------------------------------------------------------------------------

    def hosmer_lemeshow(self, outcome: ArrayLike, probability: ArrayLike, groups: int = 10, lost: int = 2) -> Answer:
        """Goodness of fit. R: ``ResourceSelection::hoslem.test``. ``lost``: 0 where the predictions were not fitted to
        these outcomes.

        Keys: statistic, df, p, n_groups, and over the groups lower, upper, n, observed, expected (events).
        """
        return self.compute("hosmer_lemeshow", outcome=outcome, probability=probability, groups=groups, lost=lost)

    def calibration(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
        log_odds: ArrayLike = (),
    ) -> Answer:
        """Calibration as ``rms::val.prob``, the Brier score's parts as reliabilitydiag; bootstrap rows flat or
        (n_resamples, n).

        ``log_odds``: the same predictions, for the line; without them the probabilities' own, which near 0 and
        1 are one number for many.

        Keys: intercept, slope (joint fit; NaN and +-inf where predictions separate the classes), citl (slope
        1), brier, scaled_brier, miscalibration, discrimination, uncertainty (brier = first - second + third),
        spiegelhalter_z, spiegelhalter_p, ici, e50, e90, emax; curve_predicted, curve_observed, curve_low,
        curve_high (arrays alike; no limits without resamples); method: "lowess", or "groups" with fewer than
        five distinct predictions (ici, e50, e90, emax NaN; Clopper and Pearson's limits).
        """
        return self.compute(
            "calibration",
            outcome=outcome,
            probability=probability,
            rows=rows,
            n_resamples=n_resamples,
            level=level,
            log_odds=log_odds,
        )

    def decision_curve(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        thresholds: ArrayLike,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
    ) -> Answer:
        """Net benefit, with percentile limits from bootstrap rows, flat or (n_resamples, n). R:
        ``rmda::decision_curve``.

        Keys, each (t,): threshold, net_benefit, standardized, all, low, high, standardized_low, standardized_high,
        avoided (net interventions per 100 patients; NaN at 0), avoided_low, avoided_high. Thresholds outside 0..1 are
        refused.
        """
        return self.compute(
            "decision_curve",
            outcome=outcome,
            probability=probability,
            thresholds=thresholds,
            rows=rows,
            n_resamples=n_resamples,
            level=level,
        )

    def decision_curve_at_prevalence(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        thresholds: ArrayLike,
        prevalence: float,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
    ) -> Answer:
        """The decision curve, predictions and patients moved to another prevalence.

        Keys as ``decision_curve``; one class alone gives NaN. R: no function moves given predictions.
        """
        return self.compute(
            "decision_curve_at_prevalence",
            outcome=outcome,
            probability=probability,
            thresholds=thresholds,
            prevalence=prevalence,
            rows=rows,
            n_resamples=n_resamples,
            level=level,
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
    ) -> Answer:
        """Net benefit of a less that of b, on the same resamples. Keys, each (t,): threshold, difference, low, high."""
        return self.compute(
            "compare_decision_curves",
            outcome=outcome,
            a=a,
            b=b,
            thresholds=thresholds,
            rows=rows,
            n_resamples=n_resamples,
            level=level,
        )

    def out_of_bag_decision_curve(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        out_of_bag: ArrayLike,
        thresholds: ArrayLike,
        level: float = 0.95,
    ) -> Answer:
        """Mean over bootstrap models of each one's curve in its out-of-bag patients, with percentiles over the models.

        ``probability`` and ``out_of_bag`` (0/1) are (m, n); predictions of patients drawn are not looked at, and a
        model with a NaN among the others does not count. Keys as ``decision_curve``; ``all`` is of the out-of-bag
        patients too.
        """
        return self.compute(
            "out_of_bag_decision_curve",
            outcome=outcome,
            probability=probability,
            out_of_bag=out_of_bag,
            thresholds=thresholds,
            level=level,
        )

    def compare_out_of_bag_decision_curves(
        self,
        outcome: ArrayLike,
        a: ArrayLike,
        b: ArrayLike,
        out_of_bag: ArrayLike,
        thresholds: ArrayLike,
        level: float = 0.95,
    ) -> Answer:
        """Net benefit of a less that of b out of bag, the mean over the resamples. Keys, each (t,): threshold,
        difference, low, high."""
        return self.compute(
            "compare_out_of_bag_decision_curves",
            outcome=outcome,
            a=a,
            b=b,
            out_of_bag=out_of_bag,
            thresholds=thresholds,
            level=level,
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
    ) -> Answer:
        """Patients above each threshold per ``population``. R: ``rmda::plot_clinical_impact``.

        Keys, each (t,): threshold, high_risk, high_risk_events, high_risk_low, high_risk_high, high_risk_events_low,
        high_risk_events_high.
        """
        return self.compute(
            "clinical_impact",
            outcome=outcome,
            probability=probability,
            thresholds=thresholds,
            population=population,
            rows=rows,
            n_resamples=n_resamples,
            level=level,
        )

    # -- resampled models --------------------------------------------------------------------------------------

    def bootstrap_measures(
        self, outcome: ArrayLike, log_odds: ArrayLike, in_sample: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> Answer:
        """Bootstrap models on their sample, on everyone and out of bag. R: ``rms::validate``.

        ``log_odds`` (m, n) of everyone; ``in_sample`` those of the ``rows`` drawn, end to end, ``lengths`` (m,) each.
        Keys, each (m,): auc, brier, intercept, slope (of the calibration line), each with _boot, _original, _oob; NaN
        where not defined.
        """
        return self.compute(
            "bootstrap_measures", outcome=outcome, log_odds=log_odds, in_sample=in_sample, rows=rows, lengths=lengths
        )

    def mean_of_folds(
        self, outcome: ArrayLike, score: ArrayLike, lengths: ArrayLike, n_repeats: int = 1, level: float = 0.95
    ) -> Answer:
        """Mean AUC of folds, whose patients stand end to end, ``lengths`` (k,) each; with Satterthwaite's interval of
        the logit.

        Keys: estimate, low, high, se, df; limits and se NaN where one is not to be trusted.
        """
        return self.compute(
            "mean_of_folds", outcome=outcome, score=score, lengths=lengths, n_repeats=n_repeats, level=level
        )

    def brier_score(self, outcome: ArrayLike, probability: ArrayLike, level: float = 0.95) -> Answer:
        """Mean squared error of (m, n) predictions of m repeats, with a normal interval. Keys: estimate, low, high."""
        return self.compute("brier_score", outcome=outcome, probability=probability, level=level)

    def held_out_counts(
        self,
        outcome: ArrayLike,
        in_sample: ArrayLike,
        rows: ArrayLike,
        lengths: ArrayLike,
        held_out: ArrayLike,
        test_rows: ArrayLike,
        test_lengths: ArrayLike,
    ) -> Answer:
        """Held-out patients by outcome, above or not above Youden's cutoff of each refit's own training rows.

        Predictions ``in_sample`` of the training ``rows`` and ``held_out`` of ``test_rows`` stand end to end. Keys: tp,
        fp, fn, tn.
        """
        return self.compute(
            "held_out_counts",
            outcome=outcome,
            in_sample=in_sample,
            rows=rows,
            lengths=lengths,
            held_out=held_out,
            test_rows=test_rows,
            test_lengths=test_lengths,
        )

    # -- several centres ---------------------------------------------------------------------------------------

    def pool_random_effects(self, estimates: ArrayLike, variances: ArrayLike, level: float = 0.95) -> Answer:
        """A random-effects meta-analysis of (k,) estimates with variances (k,): REML, Hartung-Knapp-Sidik-Jonkman. R:
        ``metafor::rma(test = "knha")``.

        Keys: estimate, low, high, se, df, factor, tau2, i2, q, q_p, prediction_low, prediction_high; reason (text) of
        what is NaN.
        """
        return self.compute("pool_random_effects", estimates=estimates, variances=variances, level=level)

    # -- multiple imputation -----------------------------------------------------------------------------------

    def pool_estimates(
        self, estimates: ArrayLike, variances: ArrayLike, df_complete: float = np.inf, level: float = 0.95
    ) -> Answer:
        """Rubin's rules for (m, k) estimates of m imputations, with Barnard and Rubin's df. R: ``mice::pool``.

        Keys, each (k,): estimate, se, df, low, high, p, fmi, riv, lambda.
        """
        return self.compute(
            "pool_estimates", estimates=estimates, variances=variances, df_complete=df_complete, level=level
        )

    def pool_covariance(self, estimates: ArrayLike, covariances: ArrayLike) -> np.ndarray:
        """Total covariance (k, k) of pooled (m, k) estimates with covariances (m, k, k)."""
        return self.compute("pool_covariance", estimates=estimates, covariances=covariances)

    def pool_auc(self, estimates: ArrayLike, variances: ArrayLike, level: float = 0.95) -> Answer:
        """Areas (m,) with variances (m,), pooled on the logit scale. R: ``psfmi::pool_auc``, with variances.

        Keys: estimate, low, high, variance, df, fmi, riv, lambda, scale: "logit", or "identity" where an area is
        exactly 0 or 1.
        """
        return self.compute("pool_auc", estimates=estimates, variances=variances, level=level)

    def pool_likelihood_ratio(self, statistics: ArrayLike, df: float) -> Answer:
        """Chi-square statistics (m,), pooled by rule D2. R: ``mice::D2``. Keys: statistic (F), df1, df2, p, riv."""
        return self.compute("pool_likelihood_ratio", statistics=statistics, df=df)

    def reclassification(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, categories: ArrayLike, level: float = 0.95
    ) -> Answer:
        """NRI between categories (nri) and without (cnri), and IDI (idi), b against a. R: ``Hmisc::improveProb``.

        ``categories`` are ascending cut points; a probability equal to one is in the lower category. Keys: X, X_low,
        X_high, X_z, X_p for X each of the three and its parts X_events, X_nonevents; X_up_events, X_down_events,
        X_up_nonevents, X_down_nonevents (nri, cnri); n_events, n_nonevents; table_events, table_nonevents (old
        category, new category).
        """
        return self.compute("reclassification", outcome=outcome, a=a, b=b, categories=categories, level=level)

    # -- selection, agreement and tables -----------------------------------------------------------------------

    def cv_elastic_net(
        self,
        values: ArrayLike,
        outcome: ArrayLike,
        fold_ids: ArrayLike,
        alpha: float = 1.0,
        n_lambda: int = 100,
        tolerance: float = 1e-7,
    ) -> Answer:
        """Cross-validated elastic net of (n, p) values, ridge at alpha 0 and the lasso at 1, folds numbered from 1. R:
        ``glmnet::cv.glmnet``; ``tolerance`` is its thresh.

        Keys of ``cv_lasso``, and lambda_1se. Raises EngineError where ``cv.glmnet`` cannot run.
        """
        return self.compute(
            "cv_elastic_net",
            values=values,
            outcome=outcome,
            fold_ids=fold_ids,
            alpha=alpha,
            n_lambda=n_lambda,
            tolerance=tolerance,
        )

    def cv_lasso(self, values: ArrayLike, outcome: ArrayLike, fold_ids: ArrayLike, n_lambda: int = 100) -> Answer:
        """Cross-validated lasso of (n, p) values, folds numbered from 1. R: ``glmnet::cv.glmnet``, thresh 1e-14.

        Keys: lambda, cv_mean, cv_sd, n_nonzero (l,), lambda_min, coefficients (p + 1,), path (p + 1, l). Raises
        EngineError where ``cv.glmnet`` cannot run.
        """
        return self.compute("cv_lasso", values=values, outcome=outcome, fold_ids=fold_ids, n_lambda=n_lambda)

    def icc(self, first: ArrayLike, second: ArrayLike, form: str = "ICC2", level: float = 0.95) -> Answer:
        """Intraclass correlation of two readers' (n, p) values. R: ``psych::ICC``. Keys, each (p,): estimate, low,
        high."""
        return self.compute("icc", first=first, second=second, form=form, level=level)

    def icc_of_ratings(self, ratings: ArrayLike, form: str = "ICC2", level: float = 0.95) -> Answer:
        """The same of k readers' (n, k, p) values, or (n, k) of one variable."""
        return self.compute("icc_of_ratings", ratings=ratings, form=form, level=level)

    def univariate_screen(self, values: ArrayLike, outcome: ArrayLike) -> Answer:
        """Each column of (n, p) values alone. R: ``wilcox.test(exact = FALSE)``, ``t.test(var.equal = TRUE)``, ``cor``.

        Keys, each (p,): auc (higher means event), r, w, p_wilcoxon, t (non-event minus event), p_t; NaN where constant.
        """
        return self.compute("univariate_screen", values=values, outcome=outcome)

    def shapiro_wilk(self, values: ArrayLike) -> Answer:
        """Shapiro and Wilk's test of normality. R: ``shapiro.test``. Keys: statistic, p."""
        return self.compute("shapiro_wilk", values=values)

    def continuous_test(self, nonevent: ArrayLike, event: ArrayLike, kind: str) -> Answer:
        """Two samples, "t", "welch" or "wilcoxon". R: ``t.test``, ``wilcox.test``. Keys: statistic, p, df."""
        return self.compute("continuous_test", nonevent=nonevent, event=event, kind=kind)

    def moments(self, values: ArrayLike) -> Answer:
        """Values (n,) described. R: ``mean``, ``sd``, ``quantile``. Keys: mean, sd, median, q1, q3; NaN of none."""
        return self.compute("moments", values=values)

    def standardized_mean_difference(self, nonevent: ArrayLike, event: ArrayLike) -> float:
        """Event minus non-event in pooled standard deviations; NaN where neither varies."""
        return self.compute("standardized_mean_difference", nonevent=nonevent, event=event)

    def standardized_level_difference(self, counts: ArrayLike) -> float:
        """The same of counts (r, 2) of levels: Mahalanobis distance of their shares."""
        return self.compute("standardized_level_difference", counts=counts)

    def adjust_p(self, p: ArrayLike, method: str) -> np.ndarray:
        """p-values (m,) adjusted for their number by "holm" or "bh"; NaN stays. R: ``stats::p.adjust``."""
        return self.compute("adjust_p", p=p, method=method)

    def categorical_test(self, counts: ArrayLike, kind: str) -> Answer:
        """Counts (r, 2), "chi2" or "fisher" (exact). R: ``chisq.test``, ``fisher.test``. Keys: statistic, p, df."""
        return self.compute("categorical_test", counts=counts, kind=kind)
