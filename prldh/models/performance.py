"""What is said of predictions: discrimination, classification, calibration, usefulness. One function a part of an
entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prldh.chain import probability
from prldh.core import Draws, Warn, finite, finite_numbers, warn
from prldh.engines import StatisticsEngine
from prldh.study import Performance

INTERVAL = ("estimate", "low", "high")
CALIBRATION = (
    "intercept",
    "slope",
    "citl",
    "brier",
    "miscalibration",
    "discrimination",
    "uncertainty",
    "scaled_brier",
    "spiegelhalter_z",
    "spiegelhalter_p",
    "ici",
    "e50",
    "e90",
    "emax",
)


def describe_predictions(
    outcome: np.ndarray,
    etas: np.ndarray,
    eta: np.ndarray,
    engine: StatisticsEngine,
    settings: Performance,
    draws: Draws,
    label: str,
) -> tuple[dict[str, Any], list[Warn]]:
    """Everything that is said of a model's predictions on the data that made it.

    Parameters
    ----------
    etas : (m, n) array
        Log odds, one row an imputation (m is 1 where nothing was imputed): their AUCs are pooled.
    eta : (n,) array
        Their mean: all else is said of it.
    """
    y, p = np.asarray(outcome, dtype=float), probability(eta)
    level, warnings = settings.confidence, []
    found: dict[str, Any] = {"auc": describe_auc(y, etas, engine, level)}
    if found["auc"]["estimate"] == 1.0:
        warnings.append(warn.AUC_ONE(model=label))
    found["pauc"] = partial_areas(y, p, engine, settings, draws)
    cut = engine.youden(y, p)
    counts = {k: int(cut[k]) for k in ("tp", "fp", "fn", "tn")}
    found["threshold"] = finite(cut["threshold"])
    if found["threshold"] is None:
        warnings.append(warn.NO_THRESHOLD(model=label))
    found["confusion"] = counts
    found.update(proportions(counts, engine, level))
    found["hosmer_lemeshow"] = hosmer_lemeshow(y, p, engine, settings.hosmer_lemeshow_groups)
    if found["hosmer_lemeshow"]["p"] is None:
        n_groups = len(found["hosmer_lemeshow"]["groups"])
        warnings.append(warn.NO_HOSMER_LEMESHOW(model=label, n_groups=n_groups))
    found["calibration"] = calibration(y, p, engine, draws.patients, level)
    found.update(usefulness(y, p, engine, settings, draws))
    return found, warnings


def describe_auc(y: np.ndarray, etas: np.ndarray, engine: StatisticsEngine, level: float) -> dict[str, Any]:
    """AUC with DeLong's interval; over imputations pooled by Rubin's rules on the logit scale, with the fraction of
    missing information."""
    found = pooled_auc(y, probability(etas), engine, level)
    entry = {**finite_numbers(found, (*INTERVAL, "variance")), "method": "DeLong"}
    if len(etas) > 1:
        entry |= {
            "method": f"DeLong in each of {len(etas)} imputed data sets, Rubin's rules on the logit scale",
            "fmi": finite(found["fmi"]),
        }
    return entry


def pooled_auc(y: np.ndarray, scores: np.ndarray, engine: StatisticsEngine, level: float) -> dict[str, float]:
    """DeLong's AUC of the one row of scores (m, n), or of all pooled."""
    found = [engine.auc(y, row, level) for row in scores]
    if len(found) == 1:
        return found[0]
    return engine.pool_auc(np.array([f["estimate"] for f in found]), np.array([f["variance"] for f in found]), level)


def partial_areas(
    y: np.ndarray, p: np.ndarray, engine: StatisticsEngine, settings: Performance, draws: Draws
) -> dict[str, Any]:
    """Partial areas by sensitivity and by specificity, raw and McClish-corrected, with stratified bootstrap
    intervals."""
    found = {}
    for focus, (high, low) in settings.partial_ranges().items():
        area = engine.partial_auc(y, p, focus, high, low, draws.stratified, len(draws.stratified), settings.confidence)
        keys = (*INTERVAL, "variance", "corrected", "corrected_low", "corrected_high")
        found[focus] = {
            **finite_numbers(area, keys),
            "from": high,
            "to": low,
            "n_resamples": len(draws.stratified),
            "method": "stratified bootstrap percentiles",
        }
    return found


def proportions(
    counts: Mapping[str, int], engine: StatisticsEngine, level: float
) -> dict[str, dict[str, float | None]]:
    """Accuracy, sensitivity, specificity, PPV, NPV with Clopper–Pearson intervals from a confusion matrix."""
    tp, fp, fn, tn = (counts[k] for k in ("tp", "fp", "fn", "tn"))
    parts = {
        "accuracy": (tp + tn, tp + fp + fn + tn),
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "ppv": (tp, tp + fp),
        "npv": (tn, tn + fn),
    }
    return {k: finite_numbers(engine.proportion(a, b, level), INTERVAL) for k, (a, b) in parts.items()}


def hosmer_lemeshow(
    y: np.ndarray, p: np.ndarray, engine: StatisticsEngine, groups: int, is_fitted: bool = True
) -> dict[str, Any]:
    """Hosmer–Lemeshow's test with its table; df is two less than the groups where the predictions were fitted to these
    outcomes."""
    found = engine.hosmer_lemeshow(y, p, groups, 2 if is_fitted else 0)
    keys = ("lower", "upper", "n", "observed", "expected")
    table = [
        {k: finite(v) for k, v in zip(keys, row, strict=True)}
        for row in zip(*(np.atleast_1d(found[k]) for k in keys), strict=True)
    ]
    if not np.isfinite(found["statistic"]):  # one group, or an empty one: degrees of freedom of nothing
        found = {**found, "df": np.nan}
    return {**finite_numbers(found, ("statistic", "df", "p")), "groups": table}


def calibration(
    y: np.ndarray, p: np.ndarray, engine: StatisticsEngine, rows: np.ndarray, level: float
) -> dict[str, Any]:
    """Calibration line, Brier score and its parts, Spiegelhalter's test, ICI and its relatives, the curve with its band
    from ``rows`` (B, n)."""
    found = engine.calibration(y, p, rows, len(rows), level)
    entry = finite_numbers(found, CALIBRATION)
    columns = {
        "predicted": found["curve_predicted"],
        "observed": found["curve_observed"],
        "low": found["curve_low"],
        "high": found["curve_high"],
    }
    entry["curve"] = curve_rows(columns)
    entry["method"] = str(found["method"])
    return entry


def usefulness(
    y: np.ndarray, p: np.ndarray, engine: StatisticsEngine, settings: Performance, draws: Draws
) -> dict[str, Any]:
    """Decision curve and clinical impact with pointwise bands from the bootstrap samples."""
    rounded, thresholds = np.round(p, 12), np.array(settings.thresholds)
    curve = engine.decision_curve(y, rounded, thresholds, draws.patients, len(draws.patients), settings.confidence)
    impact = engine.clinical_impact(
        y, rounded, thresholds, 1000, draws.patients, len(draws.patients), settings.confidence
    )
    return {"decision_curve": curve_rows(curve), "clinical_impact": curve_rows(impact)}


def curve_rows(columns: Mapping[str, Any]) -> list[dict[str, float | None]]:
    """One dict a point of arrays that are alike; text beside them is left out."""
    arrays = {k: np.atleast_1d(v) for k, v in columns.items() if not isinstance(v, str) and v is not None}
    return [{k: finite(v) for k, v in zip(arrays, row, strict=True)} for row in zip(*arrays.values(), strict=True)]
