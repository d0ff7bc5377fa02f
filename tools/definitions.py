"""The formula of each statistic, its paper and the test that pins it, for docs/definitions.md.

``y`` is the outcome (1 event, 0 none), ``p`` the predicted probability, ``n`` the patients, ``t`` a threshold; what a
formula cannot say stands in the docstring of the function, in Python and in R.
"""

from __future__ import annotations

from typing import NamedTuple

ASAH, PLAIN = "tests/golden/test_golden_asah.py::", "tests/golden/test_plain_r.py::"
RESAMPLED, RMS = "tests/golden/test_golden_resampled.py::", "tests/golden/test_golden_rms.py::"
DECOMPOSED = "tests/r/test_calibration_r.py::test_decomposition_is_reliabilitydiag_s"
SHARE = PLAIN + "test_proportions"
CURVE = ASAH + "test_val_prob"


class Formula(NamedTuple):
    """What a measure of ``results.json`` is, and the test that pins it; ``name`` where its label says too little."""

    text: str
    test: str
    reference: str = ""
    name: str = ""


#: By the measure's key; references that the measure has are not repeated.
OF_MEASURES: dict[str, Formula] = {
    "auc": Formula(
        "P(p of an event > p of a non-event) + ½ P(equal), over all pairs; variance from placement values, limits ±"
        " z · SE, cut at 0 and 1",
        ASAH + "test_auc_and_delong",
    ),
    "auc_mean": Formula(
        "Mean over folds of the AUC of each fold's held-out patients; SE from the influence of each patient on its"
        " fold's AUC",
        RESAMPLED + "test_mean_of_folds_has_cvaucs_interval",
        "LeDell 2015",
    ),
    "auc_groups": Formula(
        "Random-effects mean of the groups' logit AUCs: weights 1 / (variance + τ²), τ² by REML,"
        " Hartung–Knapp–Sidik–Jonkman limits",
        "tests/golden/test_golden_meta_analysis.py::test_as_metafor",
        "Viechtbauer 2005, Hartung 2001",
    ),
    "pauc": Formula(
        "Area under the ROC curve where sensitivity (or specificity) lies in the range; corrected ½ (1 + (A − min) /"
        " (max − min)), limits from stratified bootstrap samples",
        ASAH + "test_partial_area",
    ),
    "threshold": Formula(
        "The p at which sensitivity + specificity − 1 is largest, midway between neighbouring predictions; positive is"
        " strictly above",
        ASAH + "test_youden",
    ),
    "confusion": Formula(
        "Counts of p > threshold (yes, no) by y (1, 0): TP, FP, FN, TN", ASAH + "test_youden", "Youden 1950"
    ),
    "accuracy": Formula("(TP + TN) / n", SHARE),
    "sensitivity": Formula("TP / (TP + FN)", SHARE),
    "specificity": Formula("TN / (TN + FP)", SHARE),
    "ppv": Formula("TP / (TP + FP)", SHARE),
    "npv": Formula("TN / (TN + FN)", SHARE),
    "matthews_correlation": Formula(
        "(TP · TN − FP · FN) / √((TP + FP)(TP + FN)(TN + FP)(TN + FN))",
        "tests/golden/test_golden_matthews.py::test_as_scikit_learn_has_it",
    ),
    "calibration": Formula(
        "Smooth curve of y on p: lowess without robustness iterations; its band from samples in which the curve is"
        " smoothed again",
        PLAIN + "test_lowess",
        "Austin and Steyerberg 2019",
        name="Calibration curve",
    ),
    "brier": Formula("Σ (p − y)² / n", CURVE),
    "intercept": Formula(
        "a of the logistic fit logit P(y = 1) = a + b · logit p", CURVE, "Cox 1958", name="Calibration intercept"
    ),
    "slope": Formula("b of the same fit", CURVE, "Cox 1958", name="Calibration slope"),
    "citl": Formula(
        "a of logit P(y = 1) = a + logit p, the slope held at 1",
        "tests/r/test_calibration_r.py::test_calibration_is_the_same",
        "Cox 1958",
        name="Calibration in the large",
    ),
    "miscalibration": Formula(
        "Brier score − Brier score of the isotonic regression of y on p", DECOMPOSED, "Dimitriadis et al. 2021"
    ),
    "discrimination": Formula(
        "Uncertainty − Brier score of the isotonic regression of y on p", DECOMPOSED, "Dimitriadis et al. 2021"
    ),
    "uncertainty": Formula("ȳ (1 − ȳ)", DECOMPOSED, "Dimitriadis et al. 2021"),
    "scaled_brier": Formula("1 − Brier score / (ȳ (1 − ȳ))", CURVE, "Steyerberg et al. 2010"),
    "spiegelhalter_z": Formula("Σ (y − p)(1 − 2p) / √(Σ (1 − 2p)² p (1 − p))", CURVE, name="Spiegelhalter's z"),
    "spiegelhalter_p": Formula("2 Φ(−|z|)", CURVE, "Spiegelhalter 1986", name="Spiegelhalter's p"),
    "ici": Formula("Mean of |p − curve(p)|, the smooth calibration curve", CURVE),
    "e50": Formula("Median of |p − curve(p)|", CURVE),
    "e90": Formula("0.9 quantile of |p − curve(p)|", CURVE),
    "emax": Formula("Largest |p − curve(p)|", CURVE),
    "hosmer_lemeshow": Formula(
        "Σ (observed − expected)² / expected over events and non-events of g groups by quantiles of p; χ² with g − 2"
        " degrees of freedom (g held out)",
        ASAH + "test_hosmer_lemeshow",
    ),
    "decision_curve": Formula(
        "Net benefit TP/n − FP/n · t / (1 − t), positive is p > t; standardised: over ȳ", ASAH + "test_decision_curve"
    ),
    "decision_curve_at_prevalence": Formula(
        "π · sensitivity − (1 − π)(1 − specificity) · t / (1 − t) at prevalence π, p moved by logit π − logit ȳ",
        "tests/unit/test_decision_curve.py::test_another_prevalence_is_the_curve_of_a_cohort_with_more_patients_without_the_event",
        "Vickers and Elkin 2006",
    ),
    "clinical_impact": Formula(
        "Of 1,000 patients: those with p > t, and those of them with the event",
        "tests/r/test_cran_packages.py::test_own_code_equals_the_real_packages",
        "Kerr et al. 2016",
    ),
}


class Other(NamedTuple):
    """A statistic beside the measures: its formula, paper, function in Python and in R, R's own, and its test."""

    name: str
    text: str
    reference: str
    function: str
    r: str
    test: str


OTHERS: tuple[Other, ...] = (
    Other(
        "DeLong's test of two AUCs",
        "z = (A₁ − A₂) / SE, SE from the covariance of both models' placement values",
        "DeLong et al. 1988",
        "compare_auc",
        "pROC::roc.test",
        ASAH + "test_delong_paired",
    ),
    Other(
        "Difference of decision curves",
        "Net benefit of one model less that of another on the same patients, limits from the same samples for both",
        "Vickers and Elkin 2006",
        "compare_decision_curves",
        "",
        "tests/unit/test_decision_curve.py::test_a_difference_is_that_of_the_curves",
    ),
    Other(
        "Logistic regression",
        "Maximum of Σ y log p + (1 − y) log(1 − p) by iteratively reweighted least squares, glm's steps and stopping"
        " rule",
        "McCullagh and Nelder 1989",
        "fit_logistic",
        "stats::glm",
        PLAIN + "test_glm",
    ),
    Other(
        "Profile-likelihood limits",
        "b at which 2 (maximum log likelihood − that with the coefficient held at b) is the χ² quantile, to 1e-10",
        "Venzon and Moolgavkar 1988",
        "profile_limits",
        "stats::confint",
        PLAIN + "test_profile_limits_by_uniroot",
    ),
    Other(
        "Firth's penalised likelihood",
        "Maximum of log likelihood + ½ log |information|",
        "Firth 1993",
        "fit_firth",
        "logistf::logistf",
        "tests/golden/test_golden_firth.py::test_sex2_is_logistf_s",
    ),
    Other(
        "Likelihood-ratio test",
        "2 (log likelihood of the larger model − that of the smaller); χ² with as many degrees of freedom as columns"
        " differ",
        "Wilks 1938",
        "likelihood_ratio",
        "stats::anova",
        PLAIN + "test_likelihood_ratio",
    ),
    Other(
        "Reclassification (NRI, IDI)",
        "NRI: (share of events moved up − down) + (share of non-events moved down − up); IDI: growth of the difference"
        " of mean p between outcomes",
        "Pencina et al. 2008",
        "reclassification",
        "Hmisc::improveProb",
        "tests/golden/test_golden_reclassification.py::test_asah_is_improve_prob_s",
    ),
    Other(
        "Optimism by the bootstrap",
        "Apparent value − mean over samples of (value in the sample − value of the sample's model on everyone)",
        "Harrell et al. 1996",
        "bootstrap_measures",
        "rms::validate",
        RMS + "test_optimism_is_that_of_rms_validate",
    ),
    Other(
        ".632+",
        "(1 − w) apparent + w out of bag, w = 0.632 / (1 − 0.368 R), R the relative overfitting",
        "Efron and Tibshirani 1997",
        "bootstrap_measures",
        "",
        RESAMPLED + "test_point632plus_without_overfitting_is_point632",
    ),
    Other(
        "Intraclass correlation",
        "Ratios of mean squares of rows, readers and error, Shrout and Fleiss's six forms",
        "Shrout and Fleiss 1979",
        "icc",
        "irr::icc",
        ASAH + "test_icc_of_shrout_and_fleiss",
    ),
    Other(
        "LASSO",
        "Deviance / (2n) + λ Σ |b|, λ at the least cross-validated deviance or one standard error from it",
        "Tibshirani 1996, Friedman et al. 2010",
        "cv_lasso",
        "glmnet::cv.glmnet",
        ASAH + "test_cv_lasso",
    ),
    Other(
        "Elastic net",
        "Deviance / (2n) + λ (α Σ |b| + (1 − α)/2 Σ b²)",
        "Zou and Hastie 2005",
        "cv_elastic_net",
        "glmnet::cv.glmnet",
        "tests/golden/test_elastic_net.py::test_at_glmnets_own_tolerance_every_number_is_glmnets",
    ),
    Other(
        "Tests of continuous variables",
        "Student's t with pooled variance, Welch's t, or the rank-sum test with continuity correction and ties",
        "Student 1908, Welch 1947, Wilcoxon 1945",
        "continuous_test",
        "stats::t.test, stats::wilcox.test",
        PLAIN + "test_two_samples",
    ),
    Other(
        "Tests of categorical variables",
        "Pearson's χ², or Fisher's exact test where an expected count is small; never simulated",
        "Pearson 1900, Fisher 1935",
        "categorical_test",
        "stats::chisq.test, stats::fisher.test",
        PLAIN + "test_fisher",
    ),
    Other(
        "Normality",
        "W of Shapiro and Wilk by Royston's approximation",
        "Shapiro and Wilk 1965, Royston 1995",
        "shapiro_wilk",
        "stats::shapiro.test",
        PLAIN + "test_one_variable",
    ),
    Other(
        "Variance inflation",
        "Diagonal of the inverse of the columns' correlation matrix; generalised for terms with several columns",
        "Fox and Monette 1992",
        "variance_inflation",
        "car::vif",
        "tests/golden/test_golden_terms.py::test_variance_inflation_is_cars",
    ),
    Other(
        "Restricted cubic splines",
        "Truncated cubes that are linear beyond the outer knots, Hmisc's basis",
        "Harrell 2015",
        "spline_basis",
        "Hmisc::rcspline.eval",
        "tests/golden/test_golden_splines.py::test_knots_and_basis_are_hmiscs",
    ),
    Other(
        "Sample size of a validation",
        "Patients that give the AUC, calibration slope and O/E a stated width of interval",
        "Riley et al. 2021",
        "external_sample_size",
        "pmvalsampsize::pmvalsampsize",
        "tests/golden/test_golden_external_size.py::test_sizes_are_those_of_pmvalsampsize",
    ),
    Other(
        "PERMANOVA",
        "Pseudo-F of sums of squared distances within and between groups, p by permutation",
        "Anderson 2001",
        "permanova",
        "vegan::adonis2",
        "tests/golden/test_golden_permanova.py::test_as_vegan",
    ),
    Other(
        "Pooling over imputations",
        "Mean estimate; variance W + (1 + 1/m) B, degrees of freedom by Barnard and Rubin",
        "Rubin 1987",
        "pool_estimates",
        "mice::pool.scalar",
        "tests/r/test_rubin_r.py::test_mice_pool_scalar",
    ),
)
