"""Logistic models: terms to design matrix, fit, and everything that is said of a model on the data that made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prldh.design import (  # noqa: F401
    GROUPS,
    build_design,
    group_codes,
    group_levels,
    groups_term,
    log_odds,
    plan_models,
    probability,
)
from prldh.errors import DataError
from prldh.records import Cohort, Design, ModelSpec, Warn
from prldh.stats.finite import finite, finite_numbers
from prldh.stats.separation import infinite_coefficients
from prldh.study import Performance

#: How a model was fitted, as its entry's ``fit`` says it.
MAXIMUM_LIKELIHOOD, FIRTH = "maximum likelihood", "firth"


FIRTH_REMARK = (
    "The model is fitted by Firth's penalised likelihood (Firth 1993, Heinze & Schemper 2002), here and in every resample: intervals are "
    "profile penalised-likelihood, p-values penalised likelihood-ratio tests. With it predicted probabilities are biased towards 1/2 "
    "(Puhr 2017)."
)


def fit_design(
    design: Design, outcome: np.ndarray, engine: Any, level: float, on_separation: str, label: str
) -> tuple[str, dict[str, Any], np.ndarray, np.ndarray]:
    """Maximum likelihood or, where that does not exist and the study has it so, Firth's penalised likelihood.

    Returns
    -------
    how, fit, limits (k, 2), infinite (k,)
        ``how`` is :data:`MAXIMUM_LIKELIHOOD` or :data:`FIRTH`; ``infinite`` are the separated coefficients, as
        :func:`~prldh.stats.separation.infinite_coefficients` has them.

    Raises
    ------
    DataError
        Where coefficients are separated and ``on_separation`` is ``error``.
    """
    infinite = infinite_coefficients(design.matrix, outcome)
    y = outcome.astype(float)
    if infinite.any() and on_separation == "error":
        listed = ", ".join(design.columns[j] for j in np.flatnonzero(infinite))
        raise DataError(
            f"{label}: the outcome is separated by {listed}, so that maximum likelihood has no estimates. Join levels, leave terms out, or "
            "set separation: firth to fit Firth's penalised likelihood instead."
        )
    if infinite.any() and on_separation == "firth":
        return FIRTH, engine.fit_firth(design.matrix, y), np.asarray(engine.firth_limits(design.matrix, y, level)), infinite
    return MAXIMUM_LIKELIHOOD, engine.fit_logistic(design.matrix, y), np.asarray(engine.profile_limits(design.matrix, y, level)), infinite


def describe_model(
    spec: ModelSpec, design: Design, cohort: Cohort, engine: Any, settings: Performance, resampled_rows: np.ndarray,
    on_separation: str = "firth",
) -> tuple[dict[str, Any], np.ndarray, list[Warn]]:
    """Fit one model and describe it on the data that made it.

    Parameters
    ----------
    resampled_rows
        (B, n) row numbers of the bootstrap samples for the decision curve's band.
    on_separation
        ``firth``, ``warn`` or ``error``: see :func:`fit_design`.

    Returns
    -------
    entry, log odds (n,), warnings
        ``entry`` is shaped as ``results.json`` has it.
    """
    outcome = cohort.outcome.astype(float)
    level = settings.confidence
    label = f"model '{spec.name}'" + (", adjusted" if spec.adjusted else "")
    how, fit, limits, infinite = fit_design(design, cohort.outcome, engine, level, on_separation, label)
    terms, separation, warnings = _terms(design, fit, limits, infinite, how, label)
    eta = log_odds(design.matrix, fit["coefficients"])
    p = probability(eta)
    entry = {
        "name": spec.name,
        "adjusted": spec.adjusted,
        "n_parameters": int(np.isfinite(np.asarray(fit["coefficients"], dtype=float)).sum()) - 1,
        "n": cohort.n,
        "events": cohort.n_events,
        "fit": how,
        "log_likelihood": fit["log_likelihood"],
        "terms": terms,
        "separation": separation,
    }
    entry.update(describe_predictions(cohort.outcome, p, engine, settings, label, warnings))
    entry["raw_auc"] = _raw_scores(spec, design, terms, outcome, engine, level, label, warnings)
    rounded = np.round(p, 12)
    curve = engine.decision_curve(outcome, rounded, np.array(settings.thresholds), resampled_rows, len(resampled_rows), level)
    entry["decision_curve"] = _rows(curve, ("threshold", "net_benefit", "standardized", "all", "low", "high"))
    impact = engine.clinical_impact(outcome, rounded, np.array(settings.thresholds))
    entry["clinical_impact"] = _rows(impact, ("threshold", "high_risk", "high_risk_events"))
    return entry, eta, warnings


def describe_predictions(outcome, p, engine, settings: Performance, label: str, warnings: list[Warn]) -> dict[str, Any]:
    """Discrimination, classification at Youden's threshold, and calibration of probabilities (n,)."""
    y = np.asarray(outcome, dtype=float)
    level = settings.confidence
    auc = engine.auc(y, p, level)
    found: dict[str, Any] = {"auc": {**finite_numbers(auc, ("estimate", "low", "high", "variance")), "method": "DeLong"}}
    if auc["estimate"] == 1.0:
        warnings.append(Warn("models", f"{label}: the AUC is 1, so DeLong's interval has no width; it does not mean certainty."))
    high, low = settings.partial_auc
    found["pauc"] = {
        focus: {**finite_numbers(engine.partial_auc(y, p, focus, high, low), ("estimate", "corrected")), "from": high, "to": low}
        for focus in ("sensitivity", "specificity")
    }
    cut = engine.youden(y, p)
    counts = {k: int(cut[k]) for k in ("tp", "fp", "fn", "tn")}
    found["threshold"] = finite(cut["threshold"])
    if found["threshold"] is None:
        warnings.append(Warn("models", f"{label}: no threshold beats calling everyone positive; the threshold is null."))
    found["confusion"] = counts
    found.update(proportions(counts, engine, level))
    found["hosmer_lemeshow"] = hosmer_lemeshow(y, p, engine, settings.hosmer_lemeshow_groups, label, warnings)
    found["calibration"] = calibration(y, p, engine)
    return found


def proportions(counts: Mapping[str, int], engine: Any, level: float) -> dict[str, dict[str, float | None]]:
    """Accuracy, sensitivity, specificity, PPV, NPV with Clopper–Pearson intervals from a confusion matrix."""
    tp, fp, fn, tn = (counts[k] for k in ("tp", "fp", "fn", "tn"))
    parts = {
        "accuracy": (tp + tn, tp + fp + fn + tn), "sensitivity": (tp, tp + fn), "specificity": (tn, tn + fp),
        "ppv": (tp, tp + fp), "npv": (tn, tn + fn),
    }
    return {k: finite_numbers(engine.proportion(a, b, level), ("estimate", "low", "high")) for k, (a, b) in parts.items()}


def hosmer_lemeshow(y, p, engine, groups: int, label: str, warnings: list[Warn]) -> dict[str, Any]:
    """Hosmer–Lemeshow's test with its table; null with a warning where predictions are too few to group."""
    found = engine.hosmer_lemeshow(y, p, groups)
    if not np.isfinite(found["p"]):
        warnings.append(Warn("models", f"{label}: Hosmer–Lemeshow's test is not defined: {int(found['n_groups'])} distinct groups of predictions."))
    keys = ("lower", "upper", "n", "observed", "expected")
    table = [{k: finite(v) for k, v in zip(keys, row, strict=True)} for row in zip(*(np.atleast_1d(found[k]) for k in keys), strict=True)]
    if not np.isfinite(found["statistic"]):  # one group, or an empty one: degrees of freedom of nothing
        found = {**found, "df": np.nan}
    return {**finite_numbers(found, ("statistic", "df", "p")), "groups": table}


def calibration(y, p, engine) -> dict[str, Any]:
    """Calibration intercept, slope, citl, Brier score, ICI and curve."""
    found = engine.calibration(y, p)
    entry = finite_numbers(found, ("intercept", "slope", "citl", "brier", "scaled_brier", "spiegelhalter_z", "spiegelhalter_p", "ici", "e50", "e90", "emax"))
    entry["curve"] = [
        {"predicted": float(a), "observed": float(b)}
        for a, b in zip(np.atleast_1d(found["curve_predicted"]), np.atleast_1d(found["curve_observed"]), strict=True)
    ]
    entry["method"] = str(found["method"])
    return entry


def _terms(design, fit, limits, infinite, how, label) -> tuple[list[dict], list[dict], list[Warn]]:
    terms, separation, warnings = [], [], []
    b, se, p = (np.asarray(fit[k], dtype=float) for k in ("coefficients", "standard_errors", "p_values"))
    for j, column in enumerate(design.columns):
        row = {"term": column, "variable": design.variables[j], "level": design.levels[j]}
        if infinite[j]:
            direction = {1: "+infinity", -1: "-infinity", 2: "infinite, sign open"}[int(infinite[j])]
            separation.append({**row, "estimate": direction})
        if infinite[j] and how == MAXIMUM_LIKELIHOOD:
            values = dict.fromkeys(("b", "se", "p", "or"), None)
        else:
            values = {"b": finite(b[j]), "se": finite(se[j]), "p": finite(p[j]), "or": finite(np.exp(b[j]))}
        with np.errstate(over="ignore"):
            low, high = (finite(np.exp(x)) if np.isfinite(x) else None for x in limits[j])
        terms.append({**row, **values, "low": low, "high": high})
    aliased = [design.columns[j] for j in range(len(b)) if np.isnan(b[j])]
    if aliased:
        warnings.append(Warn("models", f"{label}: not estimable beside the other terms, left out as R does: {', '.join(aliased)}."))
    listed = ", ".join(f"{s['term']} ({s['estimate']})" for s in separation)
    if separation and how == FIRTH:
        warnings.append(Warn("models", f"{label}: the outcome is separated by some terms, whose maximum-likelihood estimates are infinite: {listed}. {FIRTH_REMARK}"))
    elif separation:
        warnings.append(
            Warn("models", f"{label}: the outcome is separated by some terms; their maximum-likelihood estimates do not exist "
                 f"and are null: {listed}. The other estimates are the limits of the likelihood.")
        )
    if not fit["converged"] and not (separation and how == MAXIMUM_LIKELIHOOD):
        warnings.append(Warn("models", f"{label}: the fit did not converge."))
    return terms, separation, warnings


def _raw_scores(spec, design, terms, outcome, engine, level, label, warnings) -> list[dict]:
    """AUCs of continuous markers in their given direction where they enter with a negative coefficient."""
    found = []
    for j, term in enumerate(terms):
        own = term["variable"] in spec.own_terms and design.levels[j] is None and j > 0
        if own and term["b"] is not None and term["b"] < 0:
            auc = engine.auc(outcome, design.matrix[:, j], level)
            found.append({"term": term["term"], **finite_numbers(auc, ("estimate", "low", "high"))})
            warnings.append(
                Warn("models", f"{label}: '{term['term']}' enters with a negative coefficient, against its given direction (higher "
                     f"means event); the AUC of the raw values is {auc['estimate']:.3f}.")
            )
    return found


def _rows(columns: Mapping[str, Any], keys: tuple[str, ...]) -> list[dict[str, float | None]]:
    return [{k: finite(v) for k, v in zip(keys, row, strict=True)} for row in zip(*(np.atleast_1d(columns[k]) for k in keys), strict=True)]
