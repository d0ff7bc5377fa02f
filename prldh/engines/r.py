"""The R engine: every number from R itself, through the R package in ``r/``. How R is found and called: ``r_home.py``,
``r_session.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from prldh.core import EngineError, Warn, warn
from prldh.engines.r_session import dimensions, evaluate, text_or_none, to_python

_CURVE = {
    "threshold",
    "net_benefit",
    "standardized",
    "all",
    "low",
    "high",
    "standardized_low",
    "standardized_high",
    "avoided",
    "avoided_low",
    "avoided_high",
}

# Results that are vectors even when they hold one number. All others are single numbers or text; matrices say so.
_VECTORS = {
    "fit_logistic": {"coefficients", "standard_errors", "p_values"},
    "fit_firth": {"coefficients", "standard_errors", "p_values"},
    "standardized_risk_ratios": {"logs"},
    "roc_curve": {"thresholds", "sensitivities", "specificities"},
    "hosmer_lemeshow": {"lower", "upper", "n", "observed", "expected"},
    "calibration": {"curve_predicted", "curve_observed", "curve_low", "curve_high"},
    "decision_curve": _CURVE,
    "compare_decision_curves": {"threshold", "difference", "low", "high"},
    "compare_out_of_bag_decision_curves": {"threshold", "difference", "low", "high"},
    "out_of_bag_decision_curve": _CURVE,
    "clinical_impact": (
        {"threshold"} | {f"{h}{limit}" for h in ("high_risk", "high_risk_events") for limit in ("", "_low", "_high")}
    ),
    "bootstrap_measures": {
        f"{m}_{w}" for m in ("auc", "brier", "intercept", "slope") for w in ("boot", "original", "oob")
    },
    "cv_lasso": {"lambda", "cv_mean", "cv_sd", "n_nonzero", "coefficients"},
    "icc": {"estimate", "low", "high"},
    "icc_of_ratings": {"estimate", "low", "high"},
    "univariate_screen": {"auc", "r", "w", "p_wilcoxon", "t", "p_t"},
    "pool_estimates": {"estimate", "se", "df", "low", "high", "p", "fmi", "riv", "lambda"},
}


class REngine:
    """Statistics by R. The functions, their arguments and results are those of the R package ``prldh``.

    Attributes
    ----------
    warnings : list of Warn
        What R warned about, in order. Nothing is printed.

    Raises
    ------
    EngineError
        By every method: if R, rpy2 or an R package is missing, if R reports an error, or if R was started before this
        process was forked off.

    Examples
    --------
    >>> engine = REngine()
    >>> engine.auc([0, 0, 1, 1], [1.0, 2.0, 2.0, 3.0])["estimate"]  # doctest: +SKIP
    0.875
    """

    name = "r"

    def __init__(self) -> None:
        self.warnings: list[Warn] = []

    # -- what runs ---------------------------------------------------------------------------------------------

    def versions(self) -> dict[str, Any]:
        """``{"version": R's, "packages": {name: version, or None where it is not installed}}``."""
        found = self._evaluate("package_versions")
        versions = dict(zip(found.names, (text_or_none(v) for v in found), strict=True))
        return {"version": versions.pop("R"), "packages": {k: v for k, v in versions.items() if k != "stats"}}

    def use_own_code(self, own: bool = True) -> None:
        """Take Hosmer-Lemeshow, decision and impact curves from prldh's own R code even where R has packages for
        them."""
        self._evaluate("use_own_code", own=bool(own))

    def close(self) -> None:
        """Do nothing: an embedded R lives as long as its process."""

    # -- logistic regression -----------------------------------------------------------------------------------

    def fit_logistic(self, design: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """Maximum likelihood by ``stats::glm.fit``; design (n, k) with the intercept's column of ones."""
        return self._call("fit_logistic", design=_matrix(design), outcome=_vector(outcome))

    def profile_limits(self, design: ArrayLike, outcome: ArrayLike, level: float = 0.95) -> np.ndarray:
        """Profile-likelihood limits (k, 2), solved; infinite under separation, NaN for aliased columns."""
        return self._call("profile_limits", design=_matrix(design), outcome=_vector(outcome), level=float(level))

    def refit_logistic(
        self, design: ArrayLike, outcome: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> dict[str, Any]:
        """Coefficients (m, k) on m resamples: ``rows`` are their 0-based row numbers end to end, ``lengths`` how many
        each."""
        return self._call(
            "refit_logistic",
            design=_matrix(design),
            outcome=_vector(outcome),
            rows=_integers(rows),
            lengths=_integers(lengths),
        )

    def fit_firth(self, design: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """Firth's penalised likelihood, with the keys of :meth:`fit_logistic` (logistf's definitions)."""
        return self._call("fit_firth", design=_matrix(design), outcome=_vector(outcome))

    def firth_limits(self, design: ArrayLike, outcome: ArrayLike, level: float = 0.95) -> np.ndarray:
        """Profile penalised-likelihood limits (k, 2), solved; NaN for aliased columns."""
        return self._call("firth_limits", design=_matrix(design), outcome=_vector(outcome), level=float(level))

    def refit_firth(self, design: ArrayLike, outcome: ArrayLike, rows: ArrayLike, lengths: ArrayLike) -> dict[str, Any]:
        """Firth coefficients (m, k) on m resamples, given as in :meth:`refit_logistic`."""
        return self._call(
            "refit_firth",
            design=_matrix(design),
            outcome=_vector(outcome),
            rows=_integers(rows),
            lengths=_integers(lengths),
        )

    def likelihood_ratio(self, design_small: ArrayLike, design_large: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """Likelihood-ratio test of nested designs."""
        return self._call(
            "likelihood_ratio",
            design_small=_matrix(design_small),
            design_large=_matrix(design_large),
            outcome=_vector(outcome),
        )

    def likelihood_ratio_firth(
        self, design_small: ArrayLike, design_large: ArrayLike, outcome: ArrayLike
    ) -> dict[str, Any]:
        """Penalised likelihood-ratio test of nested designs (``logistf``'s ``anova``)."""
        return self._call(
            "likelihood_ratio_firth",
            design_small=_matrix(design_small),
            design_large=_matrix(design_large),
            outcome=_vector(outcome),
        )

    def standardized_risks(
        self, design: ArrayLike, coefficients: ArrayLike, columns: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> dict[str, Any]:
        """Mean predicted risks (m, g + 1) with everyone in each group; 0-based ``columns`` are the groups'
        indicators."""
        return self._call(
            "standardized_risks",
            design=_matrix(design),
            coefficients=_matrix(coefficients),
            columns=_integers(columns),
            rows=_integers(rows),
            lengths=_integers(lengths),
        )

    def standardized_risk_ratios(
        self, design: ArrayLike, coefficients: ArrayLike, covariance: ArrayLike, columns: ArrayLike
    ) -> dict[str, Any]:
        """Log ratios of standardised risks against the last group, and their covariance by the delta method."""
        return self._call(
            "standardized_risk_ratios",
            design=_matrix(design),
            coefficients=_vector(coefficients),
            covariance=_matrix(covariance),
            columns=_integers(columns),
        )

    def additive_interaction(self, logs: ArrayLike, covariance: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """RERI, AP and S with delta-method intervals."""
        return self._call(
            "additive_interaction", logs=_vector(logs), covariance=_matrix(covariance), level=float(level)
        )

    def additive_interaction_resampled(self, logs: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """Percentile limits of RERI, AP and S over resamples (m, 3)."""
        return self._call("additive_interaction_resampled", logs=_matrix(logs), level=float(level))

    # -- ROC ---------------------------------------------------------------------------------------------------

    def auc(self, outcome: ArrayLike, score: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """Area under the ROC curve with DeLong's variance and interval (``pROC::ci.auc``)."""
        return self._call("auc", outcome=_vector(outcome), score=_vector(score), level=float(level))

    def compare_auc(self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """DeLong's paired test (``pROC::roc.test``)."""
        return self._call("compare_auc", outcome=_vector(outcome), a=_vector(a), b=_vector(b), level=float(level))

    def compare_independent_auc(
        self, outcome_a: ArrayLike, a: ArrayLike, outcome_b: ArrayLike, b: ArrayLike, level: float = 0.95
    ) -> dict[str, Any]:
        """Areas of unrelated patients, by DeLong's variance of each."""
        return self._call(
            "compare_independent_auc",
            outcome_a=_vector(outcome_a),
            a=_vector(a),
            outcome_b=_vector(outcome_b),
            b=_vector(b),
            level=float(level),
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
        """Partial area (pROC) over ``from_`` to ``to`` of ``focus``, plain and McClish-corrected, with percentile
        limits from rows."""
        return self._call(
            "partial_auc",
            **{
                "outcome": _vector(outcome),
                "score": _vector(score),
                "focus": focus,
                "from": float(from_),
                "to": float(to),
                "rows": _integers(rows),
                "n_resamples": float(n_resamples),
                "level": float(level),
            },
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
        """Stratified bootstrap test of partial areas (``pROC::roc.test``) from ``n_resamples`` samples of 0-based row
        numbers."""
        return self._call(
            "compare_partial_auc",
            **{
                "outcome": _vector(outcome),
                "a": _vector(a),
                "b": _vector(b),
                "focus": focus,
                "from": float(from_),
                "to": float(to),
                "rows": _integers(rows),
                "n_resamples": float(n_resamples),
                "level": float(level),
            },
        )

    def compare_partial_auc_asymptotic(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, focus: str, from_: float, to: float, level: float = 0.95
    ) -> dict[str, Any]:
        """Test of partial areas by placement values restricted to the range; over the whole range DeLong's."""
        return self._call(
            "compare_partial_auc_asymptotic",
            **{
                "outcome": _vector(outcome),
                "a": _vector(a),
                "b": _vector(b),
                "focus": focus,
                "from": float(from_),
                "to": float(to),
                "level": float(level),
            },
        )

    def roc_curve(self, outcome: ArrayLike, score: ArrayLike) -> dict[str, Any]:
        """The ROC curve at pROC's thresholds, ascending from -inf to inf."""
        return self._call("roc_curve", outcome=_vector(outcome), score=_vector(score))

    def youden(self, outcome: ArrayLike, score: ArrayLike) -> dict[str, Any]:
        """Youden's cutoff (strictly above is positive; the higher sensitivity where several tie) and its counts."""
        return self._call("youden", outcome=_vector(outcome), score=_vector(score))

    def proportion(self, successes: float, total: float, level: float = 0.95) -> dict[str, Any]:
        """A proportion with its Clopper-Pearson interval (``stats::binom.test``)."""
        return self._call("proportion", successes=float(successes), total=float(total), level=float(level))

    # -- calibration and decisions -----------------------------------------------------------------------------

    def hosmer_lemeshow(
        self, outcome: ArrayLike, probability: ArrayLike, groups: int = 10, lost: int = 2
    ) -> dict[str, Any]:
        """Hosmer and Lemeshow's test (``ResourceSelection::hoslem.test``); ``source`` names the code that ran."""
        return self._call(
            "hosmer_lemeshow",
            outcome=_vector(outcome),
            probability=_vector(probability),
            groups=float(groups),
            lost=float(lost),
        )

    def calibration(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """Calibration line, Brier score and lowess curve as ``rms::val.prob``, with the score's parts and the curve's
        band."""
        return self._call(
            "calibration",
            outcome=_vector(outcome),
            probability=_vector(probability),
            rows=_integers(rows),
            n_resamples=float(n_resamples),
            level=float(level),
        )

    def decision_curve(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        thresholds: ArrayLike,
        rows: ArrayLike = (),
        n_resamples: int = 0,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """Net benefit (``rmda``) with percentile limits from ``n_resamples`` samples of 0-based row numbers, end to
        end."""
        return self._call(
            "decision_curve",
            outcome=_vector(outcome),
            probability=_vector(probability),
            thresholds=_vector(thresholds),
            rows=_integers(rows),
            n_resamples=float(n_resamples),
            level=float(level),
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
        """Net benefit of a less that of b, with percentile limits from the same samples for both."""
        return self._call(
            "compare_decision_curves",
            outcome=_vector(outcome),
            a=_vector(a),
            b=_vector(b),
            thresholds=_vector(thresholds),
            rows=_integers(rows),
            n_resamples=float(n_resamples),
            level=float(level),
        )

    def out_of_bag_decision_curve(
        self,
        outcome: ArrayLike,
        probability: ArrayLike,
        out_of_bag: ArrayLike,
        thresholds: ArrayLike,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """Mean curve of bootstrap models (m, n) in the patients that each did not see, with percentiles over the
        models."""
        return self._call(
            "out_of_bag_decision_curve",
            outcome=_vector(outcome),
            probability=_matrix(probability),
            out_of_bag=_matrix(out_of_bag),
            thresholds=_vector(thresholds),
            level=float(level),
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
        """Difference of two models' out-of-bag net benefit, averaged over the bootstrap samples."""
        return self._call(
            "compare_out_of_bag_decision_curves",
            outcome=_vector(outcome),
            a=_matrix(a),
            b=_matrix(b),
            out_of_bag=_matrix(out_of_bag),
            thresholds=_vector(thresholds),
            level=float(level),
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
        """Numbers at high risk, and of those with the event, per ``population``, with percentile limits."""
        return self._call(
            "clinical_impact",
            outcome=_vector(outcome),
            probability=_vector(probability),
            thresholds=_vector(thresholds),
            population=float(population),
            rows=_integers(rows),
            n_resamples=float(n_resamples),
            level=float(level),
        )

    # -- resampled models --------------------------------------------------------------------------------------

    def bootstrap_measures(
        self, outcome: ArrayLike, log_odds: ArrayLike, in_sample: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> dict[str, Any]:
        """AUC, Brier score and calibration line of bootstrap models on their sample, on everyone and out of bag
        (``rms::validate``)."""
        return self._call(
            "bootstrap_measures",
            outcome=_vector(outcome),
            log_odds=_matrix(log_odds),
            in_sample=_vector(in_sample),
            rows=_integers(rows),
            lengths=_integers(lengths),
        )

    # -- multiple imputation -----------------------------------------------------------------------------------

    def pool_estimates(
        self, estimates: ArrayLike, variances: ArrayLike, df_complete: float = np.inf, level: float = 0.95
    ) -> dict[str, Any]:
        """Rubin's rules for (m, k) estimates of m imputations, with Barnard and Rubin's degrees of freedom."""
        return self._call(
            "pool_estimates",
            estimates=_matrix(estimates),
            variances=_matrix(variances),
            df_complete=float(df_complete),
            level=float(level),
        )

    def pool_covariance(self, estimates: ArrayLike, covariances: ArrayLike) -> np.ndarray:
        """Total covariance (k, k) of pooled (m, k) estimates with covariances (m, k, k), which go to R one below the
        other."""
        estimates = _matrix(estimates)
        stacked = np.asarray(covariances, dtype=np.float64).reshape(-1, estimates.shape[1])
        return self._call("pool_covariance", estimates=estimates, covariances=stacked)

    def pool_auc(self, estimates: ArrayLike, variances: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """Areas under the ROC curve of m imputations, pooled on the logit scale."""
        return self._call("pool_auc", estimates=_vector(estimates), variances=_vector(variances), level=float(level))

    def pool_likelihood_ratio(self, statistics: ArrayLike, df: float) -> dict[str, Any]:
        """Chi-square statistics of m imputations, pooled by rule D2."""
        return self._call("pool_likelihood_ratio", statistics=_vector(statistics), df=float(df))

    def reclassification(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, categories: ArrayLike, level: float = 0.95
    ) -> dict[str, Any]:
        """NRI with and without categories, and IDI, b against a, as ``Hmisc::improveProb``."""
        return self._call(
            "reclassification",
            outcome=_vector(outcome),
            a=_vector(a),
            b=_vector(b),
            categories=_vector(categories),
            level=float(level),
        )

    # -- selection, agreement and tables -----------------------------------------------------------------------

    def cv_lasso(
        self, values: ArrayLike, outcome: ArrayLike, fold_ids: ArrayLike, n_lambda: int = 100
    ) -> dict[str, Any]:
        """Cross-validated logistic LASSO (``glmnet::cv.glmnet``) with given folds, numbered from 1."""
        return self._call(
            "cv_lasso",
            values=_matrix(values),
            outcome=_vector(outcome),
            fold_ids=_integers(fold_ids),
            n_lambda=float(n_lambda),
        )

    def icc(self, first: ArrayLike, second: ArrayLike, form: str = "ICC2", level: float = 0.95) -> dict[str, Any]:
        """Intraclass correlation of two readers' (n, p) values, a vector over features."""
        return self._call("icc", first=_matrix(first), second=_matrix(second), form=form, level=float(level))

    def icc_of_ratings(self, ratings: ArrayLike, form: str = "ICC2", level: float = 0.95) -> dict[str, Any]:
        """Intraclass correlation of k readers' (n, k, p) values, or (n, k) of one variable, a vector over variables."""
        return self._call(
            "icc_of_ratings", ratings=np.asarray(ratings, dtype=np.float64), form=form, level=float(level)
        )

    def univariate_screen(self, values: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """Each of the features (n, p) alone: AUC with the rank-sum test, correlation, t test; vectors over features."""
        return self._call("univariate_screen", values=_matrix(values), outcome=_vector(outcome))

    def continuous_test(self, nonevent: ArrayLike, event: ArrayLike, kind: str) -> dict[str, Any]:
        """Student's ("t"), Welch's ("welch") or Wilcoxon's ("wilcoxon") two-sample test."""
        return self._call("continuous_test", nonevent=_vector(nonevent), event=_vector(event), kind=kind)

    def categorical_test(self, counts: ArrayLike, kind: str) -> dict[str, Any]:
        """Pearson's ("chi2") or Fisher's exact ("fisher") test of counts (r, 2)."""
        return self._call("categorical_test", counts=_matrix(counts), kind=kind)

    # -- the one way through -----------------------------------------------------------------------------------

    def _evaluate(self, function: str, **arguments: Any) -> Any:
        """R's value of one function; what R warns of is kept."""
        value, messages = evaluate(function, arguments)
        self.warnings += [
            warn.ENGINE_REMARK(engine=self.name, function=function, message=m.removeprefix(f"{function}: "))
            for m in messages
        ]
        return value

    def _call(self, function: str, **arguments: Any) -> Any:
        value = self._evaluate(function, **arguments)
        if dimensions(value) is not None:
            return to_python(value, is_vector=True)
        vectors = _VECTORS.get(function, set())
        return {key: to_python(item, key in vectors) for key, item in zip(value.names, value, strict=True)}


def _vector(values: ArrayLike) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float64).reshape(-1)


def _integers(values: ArrayLike) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.int32).reshape(-1)


def _matrix(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2:
        raise EngineError(f"a table of numbers must have two dimensions, rows and columns: found {array.ndim}.")
    return array
