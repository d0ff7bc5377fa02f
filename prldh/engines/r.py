"""The R engine: every number from R itself, through the R package in ``r/``.

The only module that imports rpy2, and of rpy2 only its lowest layer (``rinterface``), which has no conversion
context. R starts when it is first asked for something, once per process, and never in a forked child.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import logging
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from prldh.errors import EngineError

REQUIRED_PACKAGES = ("pROC", "glmnet")
APT_LINE = "apt-get install r-base-core r-cran-proc r-cran-glmnet"

_CURVE = {
    "threshold", "net_benefit", "standardized", "all", "low", "high", "standardized_low", "standardized_high", "avoided", "avoided_low",
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
    "clinical_impact": {"threshold"} | {f"{h}{limit}" for h in ("high_risk", "high_risk_events") for limit in ("", "_low", "_high")},
    "bootstrap_measures": {f"{m}_{w}" for m in ("auc", "brier", "intercept", "slope") for w in ("boot", "original", "oob")},
    "cv_lasso": {"lambda", "cv_mean", "cv_sd", "n_nonzero", "coefficients"},
    "icc": {"estimate", "low", "high"},
    "icc_of_ratings": {"estimate", "low", "high"},
    "univariate_screen": {"auc", "r", "w", "p_wilcoxon", "t", "p_t"},
    "pool_estimates": {"estimate", "se", "df", "low", "high", "p", "fmi", "riv", "lambda"},
}

# R's warnings never become Python's by themselves, and an R error must not reach the console.
_CALLER = """
function(.function, ...) {
  warnings <- character(0)
  value <- tryCatch(
    withCallingHandlers(
      .function(...),
      warning = function(w) { warnings <<- c(warnings, conditionMessage(w)); invokeRestart("muffleWarning") },
      message = function(m) invokeRestart("muffleMessage")),
    error = function(e) structure(conditionMessage(e), class = "prldh_error"))
  list(value, warnings, inherits(value, "prldh_error"))
}
"""

_LOADER = """
function(files) {
  engine <- new.env(parent = globalenv())
  for (file in files) sys.source(file, envir = engine, keep.source = FALSE)
  engine
}
"""


class REngine:
    """Statistics by R. The functions, their arguments and results are those of the R package ``prldh``.

    Attributes
    ----------
    warnings : list of (function, message)
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
        self.warnings: list[tuple[str, str]] = []

    # -- what runs ---------------------------------------------------------------------------------------------

    def versions(self) -> dict[str, Any]:
        """``{"version": R's, "packages": {name: version, or None where it is not installed}}``."""
        found = _evaluate("package_versions", {}, self.warnings)
        versions = dict(zip(found.names, (_text_or_none(v) for v in found), strict=True))
        return {"version": versions.pop("R"), "packages": {k: v for k, v in versions.items() if k != "stats"}}

    def use_own_code(self, own: bool = True) -> None:
        """Take Hosmer-Lemeshow, decision and impact curves from prldh's own R code even where R has packages for them."""
        _evaluate("use_own_code", {"own": bool(own)}, self.warnings)

    def close(self) -> None:
        """Do nothing: an embedded R lives as long as its process."""

    # -- logistic regression -----------------------------------------------------------------------------------

    def fit_logistic(self, design: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """Maximum likelihood by ``stats::glm.fit``; design (n, k) with the intercept's column of ones."""
        return self._call("fit_logistic", design=_matrix(design), outcome=_vector(outcome))

    def profile_limits(self, design: ArrayLike, outcome: ArrayLike, level: float = 0.95) -> np.ndarray:
        """Profile-likelihood limits (k, 2), solved; infinite under separation, NaN for aliased columns."""
        return self._call("profile_limits", design=_matrix(design), outcome=_vector(outcome), level=float(level))

    def refit_logistic(self, design: ArrayLike, outcome: ArrayLike, rows: ArrayLike, lengths: ArrayLike) -> dict[str, Any]:
        """Coefficients (m, k) on m resamples: ``rows`` are their 0-based row numbers end to end, ``lengths`` how many each."""
        return self._call(
            "refit_logistic", design=_matrix(design), outcome=_vector(outcome), rows=_integers(rows), lengths=_integers(lengths)
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
            "refit_firth", design=_matrix(design), outcome=_vector(outcome), rows=_integers(rows), lengths=_integers(lengths)
        )

    def likelihood_ratio(self, design_small: ArrayLike, design_large: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """Likelihood-ratio test of nested designs."""
        return self._call(
            "likelihood_ratio", design_small=_matrix(design_small), design_large=_matrix(design_large), outcome=_vector(outcome)
        )

    def likelihood_ratio_firth(self, design_small: ArrayLike, design_large: ArrayLike, outcome: ArrayLike) -> dict[str, Any]:
        """Penalised likelihood-ratio test of nested designs (``logistf``'s ``anova``)."""
        return self._call(
            "likelihood_ratio_firth", design_small=_matrix(design_small), design_large=_matrix(design_large), outcome=_vector(outcome)
        )

    def standardized_risks(
        self, design: ArrayLike, coefficients: ArrayLike, columns: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> dict[str, Any]:
        """Mean predicted risks (m, g + 1) with everyone in each group; 0-based ``columns`` are the groups' indicators."""
        return self._call(
            "standardized_risks", design=_matrix(design), coefficients=_matrix(coefficients), columns=_integers(columns),
            rows=_integers(rows), lengths=_integers(lengths),
        )

    def standardized_risk_ratios(
        self, design: ArrayLike, coefficients: ArrayLike, covariance: ArrayLike, columns: ArrayLike
    ) -> dict[str, Any]:
        """Log ratios of standardised risks against the last group, and their covariance by the delta method."""
        return self._call(
            "standardized_risk_ratios", design=_matrix(design), coefficients=_vector(coefficients), covariance=_matrix(covariance),
            columns=_integers(columns),
        )

    def additive_interaction(self, logs: ArrayLike, covariance: ArrayLike, level: float = 0.95) -> dict[str, Any]:
        """RERI, AP and S with delta-method intervals."""
        return self._call("additive_interaction", logs=_vector(logs), covariance=_matrix(covariance), level=float(level))

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
            "compare_independent_auc", outcome_a=_vector(outcome_a), a=_vector(a), outcome_b=_vector(outcome_b), b=_vector(b), level=float(level)
        )

    def partial_auc(
        self, outcome: ArrayLike, score: ArrayLike, focus: str, from_: float = 1.0, to: float = 0.8, rows: ArrayLike = (),
        n_resamples: int = 0, level: float = 0.95,
    ) -> dict[str, Any]:
        """Partial area (pROC) over ``from_`` to ``to`` of ``focus``, plain and McClish-corrected, with percentile limits from rows."""
        return self._call("partial_auc", **{
            "outcome": _vector(outcome), "score": _vector(score), "focus": focus, "from": float(from_), "to": float(to),
            "rows": _integers(rows), "n_resamples": float(n_resamples), "level": float(level),
        })

    def compare_partial_auc(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, focus: str, from_: float, to: float, rows: ArrayLike, n_resamples: int,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """Stratified bootstrap test of partial areas (``pROC::roc.test``) from ``n_resamples`` samples of 0-based row numbers."""
        return self._call("compare_partial_auc", **{
            "outcome": _vector(outcome), "a": _vector(a), "b": _vector(b), "focus": focus, "from": float(from_), "to": float(to),
            "rows": _integers(rows), "n_resamples": float(n_resamples), "level": float(level),
        })

    def compare_partial_auc_asymptotic(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, focus: str, from_: float, to: float, level: float = 0.95
    ) -> dict[str, Any]:
        """Test of partial areas by placement values restricted to the range; over the whole range DeLong's."""
        return self._call("compare_partial_auc_asymptotic", **{
            "outcome": _vector(outcome), "a": _vector(a), "b": _vector(b), "focus": focus, "from": float(from_), "to": float(to),
            "level": float(level),
        })

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

    def hosmer_lemeshow(self, outcome: ArrayLike, probability: ArrayLike, groups: int = 10, lost: int = 2) -> dict[str, Any]:
        """Hosmer and Lemeshow's test (``ResourceSelection::hoslem.test``); ``source`` names the code that ran."""
        return self._call(
            "hosmer_lemeshow", outcome=_vector(outcome), probability=_vector(probability), groups=float(groups), lost=float(lost)
        )

    def calibration(
        self, outcome: ArrayLike, probability: ArrayLike, rows: ArrayLike = (), n_resamples: int = 0, level: float = 0.95
    ) -> dict[str, Any]:
        """Calibration line, Brier score and lowess curve as ``rms::val.prob``, with the score's parts and the curve's band."""
        return self._call(
            "calibration", outcome=_vector(outcome), probability=_vector(probability), rows=_integers(rows),
            n_resamples=float(n_resamples), level=float(level),
        )

    def decision_curve(
        self, outcome: ArrayLike, probability: ArrayLike, thresholds: ArrayLike, rows: ArrayLike = (), n_resamples: int = 0,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """Net benefit (``rmda``) with percentile limits from ``n_resamples`` samples of 0-based row numbers, end to end."""
        return self._call(
            "decision_curve", outcome=_vector(outcome), probability=_vector(probability), thresholds=_vector(thresholds),
            rows=_integers(rows), n_resamples=float(n_resamples), level=float(level),
        )

    def compare_decision_curves(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, thresholds: ArrayLike, rows: ArrayLike = (), n_resamples: int = 0,
        level: float = 0.95,
    ) -> dict[str, Any]:
        """Net benefit of a less that of b, with percentile limits from the same samples for both."""
        return self._call(
            "compare_decision_curves", outcome=_vector(outcome), a=_vector(a), b=_vector(b), thresholds=_vector(thresholds),
            rows=_integers(rows), n_resamples=float(n_resamples), level=float(level),
        )

    def out_of_bag_decision_curve(
        self, outcome: ArrayLike, probability: ArrayLike, out_of_bag: ArrayLike, thresholds: ArrayLike, level: float = 0.95
    ) -> dict[str, Any]:
        """Mean curve of bootstrap models (m, n) in the patients that each did not see, with percentiles over the models."""
        return self._call(
            "out_of_bag_decision_curve", outcome=_vector(outcome), probability=_matrix(probability), out_of_bag=_matrix(out_of_bag),
            thresholds=_vector(thresholds), level=float(level),
        )

    def compare_out_of_bag_decision_curves(
        self, outcome: ArrayLike, a: ArrayLike, b: ArrayLike, out_of_bag: ArrayLike, thresholds: ArrayLike, level: float = 0.95
    ) -> dict[str, Any]:
        """Difference of two models' out-of-bag net benefit, averaged over the bootstrap samples."""
        return self._call(
            "compare_out_of_bag_decision_curves", outcome=_vector(outcome), a=_matrix(a), b=_matrix(b), out_of_bag=_matrix(out_of_bag),
            thresholds=_vector(thresholds), level=float(level),
        )

    def clinical_impact(
        self, outcome: ArrayLike, probability: ArrayLike, thresholds: ArrayLike, population: float = 1000, rows: ArrayLike = (),
        n_resamples: int = 0, level: float = 0.95,
    ) -> dict[str, Any]:
        """Numbers at high risk, and of those with the event, per ``population``, with percentile limits."""
        return self._call(
            "clinical_impact", outcome=_vector(outcome), probability=_vector(probability), thresholds=_vector(thresholds),
            population=float(population), rows=_integers(rows), n_resamples=float(n_resamples), level=float(level),
        )

    # -- resampled models --------------------------------------------------------------------------------------

    def bootstrap_measures(
        self, outcome: ArrayLike, log_odds: ArrayLike, in_sample: ArrayLike, rows: ArrayLike, lengths: ArrayLike
    ) -> dict[str, Any]:
        """AUC, Brier score and calibration line of bootstrap models on their sample, on everyone and out of bag (``rms::validate``)."""
        return self._call(
            "bootstrap_measures", outcome=_vector(outcome), log_odds=_matrix(log_odds), in_sample=_vector(in_sample),
            rows=_integers(rows), lengths=_integers(lengths),
        )

    # -- multiple imputation -----------------------------------------------------------------------------------

    def pool_estimates(
        self, estimates: ArrayLike, variances: ArrayLike, df_complete: float = np.inf, level: float = 0.95
    ) -> dict[str, Any]:
        """Rubin's rules for (m, k) estimates of m imputations, with Barnard and Rubin's degrees of freedom."""
        return self._call(
            "pool_estimates", estimates=_matrix(estimates), variances=_matrix(variances), df_complete=float(df_complete), level=float(level)
        )

    def pool_covariance(self, estimates: ArrayLike, covariances: ArrayLike) -> np.ndarray:
        """Total covariance (k, k) of pooled (m, k) estimates with covariances (m, k, k), which go to R one below the other."""
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
            "reclassification", outcome=_vector(outcome), a=_vector(a), b=_vector(b), categories=_vector(categories), level=float(level)
        )

    # -- selection, agreement and tables -----------------------------------------------------------------------

    def cv_lasso(self, values: ArrayLike, outcome: ArrayLike, fold_ids: ArrayLike, n_lambda: int = 100) -> dict[str, Any]:
        """Cross-validated logistic LASSO (``glmnet::cv.glmnet``) with given folds, numbered from 1."""
        return self._call(
            "cv_lasso", values=_matrix(values), outcome=_vector(outcome), fold_ids=_integers(fold_ids), n_lambda=float(n_lambda)
        )

    def icc(self, first: ArrayLike, second: ArrayLike, form: str = "ICC2", level: float = 0.95) -> dict[str, Any]:
        """Intraclass correlation of two readers' (n, p) values, a vector over features."""
        return self._call("icc", first=_matrix(first), second=_matrix(second), form=form, level=float(level))

    def icc_of_ratings(self, ratings: ArrayLike, form: str = "ICC2", level: float = 0.95) -> dict[str, Any]:
        """Intraclass correlation of k readers' (n, k, p) values, or (n, k) of one variable, a vector over variables."""
        return self._call("icc_of_ratings", ratings=np.asarray(ratings, dtype=np.float64), form=form, level=float(level))

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

    def _call(self, function: str, **arguments: Any) -> Any:
        value = _evaluate(function, arguments, self.warnings)
        if _dimensions(value) is not None:
            return _to_python(value, is_vector=True)
        vectors = _VECTORS.get(function, set())
        return {key: _to_python(item, key in vectors) for key, item in zip(value.names, value, strict=True)}


# -- is R there? -----------------------------------------------------------------------------------------------


def r_source_dir() -> Path:
    """The folder of the R sources: ``r/R`` of a checkout, or ``prldh/_r/R`` of an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    candidates = (package.parent / "r" / "R", package / "_r" / "R")
    for folder in candidates:
        if (folder / "fit_logistic.R").is_file():
            return folder
    raise EngineError(
        f"prldh's R sources are missing: neither {candidates[0]} nor {candidates[1]} has fit_logistic.R. Install prldh again."
    )


def rpy2_requirement(r_version: str) -> str:
    """The pip line whose rpy2 works with an R version; pip cannot choose by that itself.

    Examples
    --------
    >>> rpy2_requirement("4.2.2")
    'pip install rpy2==3.6.5 rpy2-rinterface==3.6.5 rpy2-robjects==3.6.6'
    >>> rpy2_requirement("4.5.1")
    'pip install "rpy2>=3.6.7"'
    """
    if _version_tuple(r_version) >= (4, 5):
        return 'pip install "rpy2>=3.6.7"'
    return "pip install rpy2==3.6.5 rpy2-rinterface==3.6.5 rpy2-robjects==3.6.6"


@functools.lru_cache(maxsize=1)
def r_available() -> tuple[bool, str]:
    """Whether R is usable through rpy2 and, if not, the reason with the line that mends it. Starts no R in this process."""
    try:
        r_home = _find_r_home()
        script = (
            'cat(R.version$major, ".", R.version$minor, "\\n", sep = "");'
            f"for (p in c({', '.join(map(repr, REQUIRED_PACKAGES))})) if (!requireNamespace(p, quietly = TRUE)) cat(p, '\\n')"
        )
        rscript = Path(r_home) / "bin" / "Rscript"
        done = subprocess.run([rscript, "-e", script], capture_output=True, text=True, timeout=60, check=True)
        version, *missing = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        if missing:
            raise EngineError(_missing_packages(missing))
        _import_rinterface(r_home, version)
    except EngineError as error:
        return False, str(error)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return False, f"R was found but does not run: {error}. Install it again, e.g. {APT_LINE}."
    return True, ""


def _find_r_home() -> str:
    """R's home folder, from R_HOME or the ``R`` on the PATH."""
    found = os.environ.get("R_HOME")
    if not found:
        try:
            done = subprocess.run(["R", "RHOME"], capture_output=True, text=True, timeout=60, check=True)
            found = (done.stdout.strip().splitlines() or [""])[-1]
        except (OSError, subprocess.SubprocessError):
            found = ""
    if not found:
        raise EngineError(f"R is needed by the R engine: R_HOME is not set and there is no R on the PATH. Install it, e.g. {APT_LINE}.")
    if not (Path(found) / "bin").is_dir():
        raise EngineError(f"R is needed by the R engine: its home {found} has no bin folder. Set R_HOME rightly, or unset it.")
    return found


def _import_rinterface(r_home: str, version: str | None = None) -> Any:
    """rpy2.rinterface, or the pip line for the R that is there."""
    logging.getLogger("rpy2").addHandler(logging.NullHandler())   # its loggers would print
    if importlib.util.find_spec("rpy2") is None:
        line = rpy2_requirement(version or _ask_version(r_home))
        raise EngineError(f"the R engine needs the Python package rpy2, which is not installed. Run: {line}")
    try:
        return importlib.import_module("rpy2.rinterface")
    except Exception as error:   # cffi, the linker and rpy2 each have their own
        version = version or _ask_version(r_home)
        raise EngineError(f"rpy2 cannot be loaded with R {version}: {error}. Run: {rpy2_requirement(version)}") from error


def _ask_version(r_home: str) -> str:
    """R's version; only asked for when a message needs it."""
    try:
        done = subprocess.run([Path(r_home) / "bin" / "R", "--version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    found = re.search(r"R version (\d+\.\d+\.\d+)", done.stdout)
    return found.group(1) if found else "unknown"


def _missing_packages(missing: list[str]) -> str:
    quoted = ", ".join(f'"{p}"' for p in missing)
    debian = " ".join(f"r-cran-{p.lower()}" for p in missing)
    return (
        f"the R engine needs the R package{'s' if len(missing) > 1 else ''} {', '.join(missing)}, which R cannot load. "
        f"Run apt-get install {debian}, or in R: install.packages(c({quoted}))."
    )


def _version_tuple(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


# -- the embedded R --------------------------------------------------------------------------------------------

_lock = threading.RLock()
_session: _Session | None = None


class _Session:
    """The one R of this process: the package's functions, and the R function through which they are called."""

    def __init__(self) -> None:
        r_home = _find_r_home()
        sources = [str(path) for path in sorted(r_source_dir().glob("*.R"))]
        self.pid = os.getpid()
        with _same_library_path():
            self._start(r_home, sources)

    def _start(self, r_home: str, sources: list[str]) -> None:
        self.r = _import_rinterface(r_home)
        # Some packages ask for the time zone, and without TZ R asks timedatectl, which may not be there
        os.environ.setdefault("TZ", ":/etc/localtime" if Path("/etc/localtime").exists() else "UTC")
        try:
            with _quiet_console():
                self.r.initr()
                can_load = self.r.baseenv["requireNamespace"]
                missing = [p for p in REQUIRED_PACKAGES if not can_load(self.r.StrSexpVector([p]), quietly=self.r.BoolSexpVector([True]))[0]]
                if not missing:
                    self.caller = self.r.evalr(_CALLER)
                    self.functions = self.r.evalr(_LOADER)(self.r.StrSexpVector(sources))
        except Exception as error:   # whatever stops R, what to do is the same
            raise EngineError(f"R in {r_home} could not be started through rpy2: {error}. Run: {rpy2_requirement(_ask_version(r_home))}") from error
        if missing:
            raise EngineError(_missing_packages(missing))


@contextmanager
def _same_library_path() -> Iterator[None]:
    """Give the environment its LD_LIBRARY_PATH back, which starting R sets.

    R and its packages are loaded by then. Processes started later, joblib's workers among them, would otherwise find the
    system's libpython before their own, where the interpreter is linked to a shared one: another Python with this one's library.
    """
    before = os.environ.get("LD_LIBRARY_PATH")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("LD_LIBRARY_PATH", None)
        else:
            os.environ["LD_LIBRARY_PATH"] = before


def _running_session() -> _Session:
    global _session
    if _session is None:
        _session = _Session()
    if _session.pid != os.getpid():
        raise EngineError(
            f"R was started in process {_session.pid} and cannot be used in process {os.getpid()}, which was forked off it. "
            "Use joblib's loky backend, which starts fresh processes."
        )
    return _session


def _evaluate(function: str, arguments: dict[str, Any], told: list[tuple[str, str]]) -> Any:
    """Call one function of the R package and return R's value; warnings are added to ``told``."""
    with _lock:
        session = _running_session()
        with _quiet_console():
            converted = {name: _to_r(session.r, value) for name, value in arguments.items()}
            value, warnings, failed = session.caller(session.functions[function], **converted)
        told.extend((function, message) for message in warnings)
    if failed[0]:
        raise EngineError(f"R's {function}: {value[0]}")
    return value


@contextmanager
def _quiet_console() -> Iterator[None]:
    """Drop what R writes to the console. Put back afterwards: a notebook may use rpy2 for itself."""
    callbacks = importlib.import_module("rpy2.rinterface_lib.callbacks")
    names = ("consolewrite_print", "consolewrite_warnerror")
    before = {name: getattr(callbacks, name) for name in names}
    for name in names:
        setattr(callbacks, name, _ignore)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(callbacks, name, function)


def _ignore(text: str) -> None:
    pass


# -- conversion ------------------------------------------------------------------------------------------------


def _vector(values: ArrayLike) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float64).reshape(-1)


def _integers(values: ArrayLike) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.int32).reshape(-1)


def _matrix(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2:
        raise EngineError(f"a table of numbers must have two dimensions, rows and columns: found {array.ndim}.")
    return array


def _to_r(r: Any, value: Any) -> Any:
    """An R vector or matrix of an array, or an R vector of length one of a number, text or truth value."""
    if isinstance(value, np.ndarray):
        kind = r.IntSexpVector if value.dtype == np.int32 else r.FloatSexpVector
        flat = np.ascontiguousarray(value.reshape(-1, order="F"))
        vector = kind.from_memoryview(memoryview(flat)) if flat.size else kind([])
        if value.ndim >= 2:
            vector.do_slot_assign("dim", r.IntSexpVector(list(value.shape)))
        return vector
    kind = {bool: r.BoolSexpVector, str: r.StrSexpVector, float: r.FloatSexpVector}[type(value)]
    return kind([value])


def _to_python(value: Any, is_vector: bool) -> Any:
    """An array of R's numbers, a float of a single one, text of text, a dict of a named list."""
    kind = type(value).__name__
    if kind == "ListSexpVector":
        return {key: _to_python(item, is_vector) for key, item in zip(value.names, value, strict=True)}
    if kind == "StrSexpVector":
        return _text_or_none(value[0])
    array = np.array(value, dtype=np.float64)
    if kind in ("IntSexpVector", "BoolSexpVector"):
        array[array == np.iinfo(np.int32).min] = np.nan   # R's integer NA
    array[np.isnan(array)] = np.nan   # R's NA is a signalling NaN, of which NumPy warns
    shape = _dimensions(value)
    if shape is not None:
        return np.ascontiguousarray(array.reshape(shape, order="F"))
    if is_vector:
        return array
    if array.size != 1:
        raise EngineError(f"R gave {array.size} numbers where one was expected. Please report this.")
    return float(array[0])


def _dimensions(value: Any) -> tuple[int, ...] | None:
    try:
        return tuple(value.do_slot("dim"))
    except LookupError:
        return None


def _text_or_none(value: Any) -> str | None:
    return value if type(value) is str else None   # NA_character_ is a str of another type
