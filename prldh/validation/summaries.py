"""What a resampling scheme says of a model: the entries under ``validation`` in ``results.json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import norm

from prldh.chain import probability
from prldh.core import Draws, Predictions, Warn, finite, warn
from prldh.engines import StatisticsEngine
from prldh.models import calibration, curve_rows, hosmer_lemeshow, pooled_auc, proportions
from prldh.stats import auc_of_rows, correct_optimism, fold_influence, youden
from prldh.study import Performance
from prldh.validation.refit import held_out, held_out_imputed

NO_INFORMATION_LINE = "a calibration line has no value that stands for no information"


def summarise(
    predictions: Predictions,
    apparent: np.ndarray,
    outcome: np.ndarray,
    engine: StatisticsEngine,
    settings: Performance,
    draws: Draws,
) -> tuple[dict[str, Any], list[Warn]]:
    """What one scheme says of one model: the entry of ``results.json`` and its warnings.

    ``apparent`` (n,) are the log odds of the model fitted on everyone.
    """
    if predictions.kind == "bootstrap":
        entry, warnings = _summarise_bootstrap(predictions, apparent, outcome, engine, settings)
    else:
        entry, warnings = _summarise_held_out(predictions, outcome, engine, settings, draws)
    return entry, [*warnings, *predictions.warnings]


# ---------------------------------------------------------------- held-out predictions


def _summarise_held_out(
    predictions: Predictions, outcome, engine, settings: Performance, draws: Draws
) -> tuple[dict[str, Any], list[Warn]]:
    y, level = outcome.astype(float), settings.confidence
    n_alone = int(predictions.alone.sum())
    pooled = held_out(predictions)
    entry: dict[str, Any] = {
        "n_resamples": len(predictions.resamples),
        "n_intercept_only": n_alone,
        "n_repeats": len(pooled),
    }
    entry["auc"], warnings = pooled_auc_of(predictions, y, engine, level)
    if any(len(r.test) > 1 for r in predictions.resamples):
        entry["auc_mean"] = fold_mean(predictions, outcome, level)
        skipped = entry["auc_mean"]["n_folds_one_class"]
        if skipped:
            warnings.append(warn.FOLDS_OF_ONE_CLASS(n=skipped))
    entry["brier"] = _brier(pooled, y, level)
    lines = [_calibration_line(p, y, engine, level) for p in pooled]
    entry["intercept"], entry["slope"] = (_average([line[k] for line in lines]) for k in (0, 1))
    probabilities = [np.round(probability(p), 12) for p in pooled]
    entry["calibration"] = _mean_calibration(
        [
            calibration(y, p, engine, draws.patients if r == 0 else draws.patients[:0], level)
            for r, p in enumerate(probabilities)
        ]
    )
    entry["hosmer_lemeshow"] = hosmer_lemeshow(
        y, probabilities[0], engine, settings.hosmer_lemeshow_groups, is_fitted=False
    )
    thresholds = np.array(settings.thresholds)
    curves = [
        engine.decision_curve(y, p, thresholds, draws.patients, len(draws.patients), level) for p in probabilities
    ]
    entry["decision_curve"] = curve_rows(_mean_curve(curves))
    entry["clinical_impact"] = curve_rows(
        _mean_curve(
            [
                engine.clinical_impact(y, p, thresholds, 1000, draws.patients, len(draws.patients), level)
                for p in probabilities
            ]
        )
    )
    entry.update(_classified(predictions, outcome, engine, level))
    return entry, warnings


def pooled_auc_of(predictions: Predictions, y, engine, level) -> tuple[dict[str, Any], list[Warn]]:
    """AUC of the pooled predictions, the mean over repeats, with the mean of their DeLong variances."""
    keys = ("estimate", "low", "high", "variance")
    n_alone = int(predictions.alone.sum())
    if n_alone:
        alone = warn.INTERCEPT_ALONE(n_alone=n_alone, n=len(predictions.resamples))
        return {**dict.fromkeys(keys), "method": "not defined"}, [alone]
    found = [pooled_auc(y, probability(etas), engine, level) for etas in held_out_imputed(predictions)]
    entry: dict[str, Any] = {k: float(np.mean([f[k] for f in found])) for k in keys}
    entry["method"] = "DeLong on pooled held-out predictions, conditional on the fitted models"
    if predictions.imputed is not None:
        entry["method"] += "; Rubin's rules on the logit scale over imputations"
        entry["fmi"] = float(np.mean([f["fmi"] for f in found]))
    if len(found) > 1:
        estimates = [f["estimate"] for f in found]
        entry["repeats"] = {
            "n": len(found),
            "sd": float(np.std(estimates, ddof=1)),
            "min": min(estimates),
            "max": max(estimates),
        }
        entry["method"] += "; means over the repeats, whose interval is no narrower for being several"
    return entry, [warn.BELOW_HALF()] if entry["high"] < 0.5 else []


def fold_mean(predictions: Predictions, outcome, level) -> dict[str, Any]:
    """Mean of the folds' AUCs, with cvAUC's influence-function interval (LeDell, Petersen & van der Laan 2015).

    Over repeats the mean of the estimates and of the variances.
    """
    aucs, influence, one_class = [], [], 0
    for r, resample in enumerate(predictions.resamples):
        y = outcome[resample.test]
        if y.min() == y.max():
            one_class += 1
            continue
        scores = predictions.log_odds[r, resample.test]
        if predictions.alone[r]:
            scores = np.zeros_like(scores)
        aucs.append(auc_of_rows(y, scores[None, :])[0])
        influence.append(fold_influence(y, scores, outcome))
    if not aucs:
        return {**dict.fromkeys(("estimate", "low", "high", "se")), "n_folds": 0, "n_folds_one_class": one_class}
    estimate = float(np.mean(aucs))
    se = float(np.sqrt(np.mean(influence) / outcome.size))
    error = se * norm.ppf((1 + level) / 2)
    return {
        "estimate": estimate,
        "low": max(0.0, estimate - error),
        "high": min(1.0, estimate + error),
        "se": se,
        "n_folds": len(aucs),
        "n_folds_one_class": one_class,
        "method": "cvAUC influence function",
    }


def _brier(pooled: Sequence[np.ndarray], y: np.ndarray, level: float) -> dict[str, Any]:
    """Mean squared error with a normal interval from the spread of the patients' squared errors; the mean over
    repeats."""
    squares = np.mean([(probability(p) - y) ** 2 for p in pooled], axis=0)
    estimate = float(squares.mean())
    error = float(norm.ppf((1 + level) / 2) * squares.std(ddof=1) / np.sqrt(len(y)))
    return {
        "estimate": estimate,
        "low": max(0.0, estimate - error),
        "high": min(1.0, estimate + error),
        "method": "normal, from the patients' squared errors",
    }


def _calibration_line(
    eta: np.ndarray, y: np.ndarray, engine: StatisticsEngine, level: float
) -> list[dict[str, float | None]]:
    """Intercept and slope of the joint calibration line of held-out log odds, with profile-likelihood limits."""
    nothing = [dict.fromkeys(("estimate", "low", "high")) for _ in range(2)]
    if np.ptp(eta) == 0:
        return nothing
    design = np.column_stack([np.ones(len(eta)), eta])
    b = np.asarray(engine.fit_logistic(design, y)["coefficients"], dtype=float)
    if not np.isfinite(b).all():
        return nothing
    limits = np.asarray(engine.profile_limits(design, y, level), dtype=float)
    return [{"estimate": float(b[k]), "low": finite(limits[k, 0]), "high": finite(limits[k, 1])} for k in (0, 1)]


def _average(found: list[dict[str, float | None]]) -> dict[str, float | None]:
    """Means over the repeats; None where one of them is."""
    return {
        k: None if any(f[k] is None for f in found) else float(np.mean([f[k] for f in found]))
        for k in ("estimate", "low", "high")
    }


def _mean_calibration(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Numbers averaged over the repeats; the curve and its band are those of the first."""
    first = dict(found[0])
    for key, value in found[0].items():
        if isinstance(value, float) or value is None:
            values = [f[key] for f in found]
            first[key] = None if any(v is None for v in values) else float(np.mean(values))
    return first


def _mean_curve(curves: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Pointwise means of the repeats' curves and bands."""
    return {
        key: np.mean([np.asarray(c[key], dtype=float) for c in curves], axis=0)
        for key, value in curves[0].items()
        if not isinstance(value, str)
    }


def _classified(predictions: Predictions, outcome, engine, level) -> dict[str, Any]:
    """Held-out classification at the Youden threshold of each refit (first repeat)."""
    counts = dict.fromkeys(("tp", "fp", "fn", "tn"), 0)
    for r, resample in enumerate(predictions.resamples):
        if resample.repeat:
            continue
        if "threshold" not in predictions.ledgers[r].entries:  # engines that share the predictions fit the same one
            predictions.ledgers[r].read("threshold", resample.train)
        cut = training_threshold(outcome[resample.train], probability(predictions.in_sample(r)))
        high, event = probability(predictions.log_odds[r, resample.test]) > cut, outcome[resample.test] == 1
        counts["tp"] += int((high & event).sum())
        counts["fp"] += int((high & ~event).sum())
        counts["fn"] += int((~high & event).sum())
        counts["tn"] += int((~high & ~event).sum())
    return {"confusion": counts, **proportions(counts, engine, level)}


def training_threshold(outcome: np.ndarray, p: np.ndarray) -> float:
    """Youden's threshold on training rows; everyone positive where these have one class."""
    if outcome.min() == outcome.max():
        return -np.inf
    return float(youden(outcome.astype(float), p)["threshold"])


# ---------------------------------------------------------------- bootstrap


def _summarise_bootstrap(
    predictions: Predictions, apparent, outcome, engine, settings: Performance
) -> tuple[dict[str, Any], list[Warn]]:
    """Harrell's optimism, out-of-bag, .632 and .632+ for AUC, Brier score, calibration intercept and slope.

    .632+ needs the value of no information: 0.5 for the AUC, the mean over all pairs of predictions and outcomes for
    the Brier score (Efron & Tibshirani 1997); the calibration line has none.
    """
    y, level, alone = outcome.astype(float), settings.confidence, predictions.alone
    rows = np.concatenate([r.train for r in predictions.resamples])
    lengths = np.array([len(r.train) for r in predictions.resamples])
    in_sample = np.concatenate([predictions.in_sample(r) for r in range(len(lengths))])
    found = engine.bootstrap_measures(y, predictions.log_odds, in_sample, rows, lengths)
    everyone = engine.bootstrap_measures(y, apparent[None, :], apparent, np.arange(y.size), np.array([y.size]))
    p = probability(apparent)
    no_information = float(np.mean(y) * np.mean((1 - p) ** 2) + np.mean(1 - y) * np.mean(p**2))
    one_class = int(np.isnan(found["auc_boot"]).sum())
    entry: dict[str, Any] = {
        "n_resamples": len(lengths),
        "n_usable": len(lengths) - one_class,
        "n_intercept_only": int(alone.sum()),
    }
    rules = {
        "auc": (0.5, True, (0.0, 1.0)),
        "brier": (no_information, False, (0.0, 1.0)),
        "intercept": (None, True, (-np.inf, np.inf)),
        "slope": (None, True, (-np.inf, np.inf)),
    }
    usable = np.isfinite(found["auc_boot"])
    for measure, (nothing, better_is_high, bounds) in rules.items():
        boot, original, oob = (
            np.where(usable, found[f"{measure}_{where}"], np.nan) for where in ("boot", "original", "oob")
        )
        entry[measure] = correct_optimism(
            float(everyone[f"{measure}_original"][0]), boot, original, oob, nothing, level, better_is_high, bounds
        )
        entry[measure]["no_information"] = nothing
        if nothing is None:
            entry[measure]["reason"] = (
                f".632+ is null: {NO_INFORMATION_LINE}; the corrected one has no interval: each bootstrap model's line"
                " is 0 and 1 on its own sample"
            )
    p = np.round(probability(predictions.log_odds), 12)
    curve = engine.out_of_bag_decision_curve(y, p, predictions.out_of_bag(), np.array(settings.thresholds), level)
    entry["decision_curve"] = curve_rows(curve)
    warnings = []
    if one_class:
        warnings.append(warn.SAMPLES_OF_ONE_CLASS(n=one_class))
    if alone.any():
        warnings.append(warn.SAMPLES_OF_INTERCEPT(n_alone=int(alone.sum()), n=len(lengths)))
    undefined = entry["n_usable"] - entry["slope"]["n_defined"]
    if undefined > 0:
        warnings.append(warn.NO_CALIBRATION_LINE(n_undefined=undefined, n=len(lengths)))
    return entry, warnings
