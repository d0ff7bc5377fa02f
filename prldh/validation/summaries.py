"""What a resampling scheme says of a model: the entries under ``validation`` in ``results.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple

import numpy as np

from prldh.chain import probability, ranked_probability, rounded_probability
from prldh.core import (
    ABSENT,
    BOOTSTRAP,
    CELLS,
    HELD_OUT,
    HOLDOUT,
    LOWER,
    NO_INTERVAL,
    REPEATED_HOLDOUT,
    Absent,
    Interval,
    Number,
    Predictions,
    Warn,
    at,
    finite,
    record_of,
    records_of,
    warn,
)
from prldh.engines import StatisticsEngine
from prldh.models import (
    Assessment,
    Calibration,
    Confusion,
    DecisionPoint,
    ImpactPoint,
    calibration,
    classify,
    curve_elsewhere,
    hosmer_lemeshow,
    pooled_auc,
)
from prldh.stats import LEAST_AUC, correct_optimism, corrected_resampled, ranked_log_odds
from prldh.validation.entries import Bootstrap, FoldMean, HeldOut, HeldOutArea, IntervalBy, Optimism, Repeats
from prldh.validation.groups import describe_groups
from prldh.validation.refit import held_out, held_out_imputed
from prldh.validation.two_stage import TWO_STAGE_METHOD, TwoStage

FOLD_INTERVAL = "logit of the mean; DeLong's variance within folds, divisors m - 1; Satterthwaite's degrees of freedom"
REPEATED_INTERVAL = "mean over repeats; corrected resampled t (Nadeau and Bengio) on the logit scale"
#: Fewer patients of the rarer class, and the mean AUC of random splits has no interval (docs/intervals.md).
LEAST_OF_REPEATED = 20
NO_CORRECTION = (
    "there is no .632+: a calibration line has no value that stands for no information; its corrected value and .632"
    " have no interval: none was shown to hold (docs/intervals.md)"
)


def summarise(
    predictions: Predictions,
    apparent: np.ndarray,
    outcome: np.ndarray,
    assessment: Assessment,
    two_stage: TwoStage,
) -> tuple[HeldOut | Bootstrap, list[Warn]]:
    """What one scheme says of one model: the entry of ``results.json`` and its warnings.

    ``apparent`` (n,) are the log odds of the model fitted on everyone; ``two_stage`` tells of intervals where the
    scheme is a bootstrap.
    """
    entry: HeldOut | Bootstrap
    if predictions.kind == "bootstrap":
        entry, warnings = _summarise_bootstrap(predictions, apparent, outcome, assessment, two_stage)
    else:
        entry, warnings = _summarise_held_out(predictions, outcome, assessment)
    return entry, [*warnings, *predictions.warnings]


# ---------------------------------------------------------------- held-out predictions


def _summarise_held_out(
    predictions: Predictions, outcome: np.ndarray, assessment: Assessment
) -> tuple[HeldOut, list[Warn]]:
    y, level, samples = outcome.astype(float), assessment.level, assessment.draws.patients
    is_pooled = predictions.kind != REPEATED_HOLDOUT
    judged, warnings = judge_held_out(predictions, outcome, assessment.engine, level)
    performance: dict[str, Any] = {"auc": judged.auc}
    if judged.auc_mean is not None:
        performance["auc_mean"] = judged.auc_mean
    performance |= {"brier": judged.brier, "intercept": judged.intercept, "slope": judged.slope}
    repeats = [
        (y[own], rounded_probability(eta[own]), samples if is_pooled else samples[:0, : len(own)])
        for eta, own in zip(held_out(predictions), predictions.held_out_rows, strict=True)
    ]
    calibrations = [
        calibration(y, p, eta[rows], assessment, own if not r else own[:0])
        for r, ((y, p, own), eta, rows) in enumerate(
            zip(repeats, held_out(predictions), predictions.held_out_rows, strict=True)
        )
    ]
    performance["calibration"] = _mean_calibration(calibrations)
    thresholds, engine = np.array(assessment.settings.thresholds), assessment.engine
    curves = [engine.decision_curve(y, p, thresholds, own, len(own), level) for y, p, own in repeats]
    impacts = [engine.clinical_impact(y, p, thresholds, 1000, own, len(own), level) for y, p, own in repeats]
    performance["decision_curve"] = records_of(DecisionPoint, _mean_curve(curves))
    performance["clinical_impact"] = records_of(ImpactPoint, _mean_curve(impacts))
    elsewhere = [curve for y, p, own in repeats if (curve := curve_elsewhere(y, p, assessment, own))]
    if elsewhere:
        performance["decision_curve_at_prevalence"] = records_of(DecisionPoint, _mean_curve(elsewhere))
    entry = HeldOut(len(predictions.resamples), int(predictions.alone.sum()), len(repeats), performance)
    if not is_pooled:
        first = performance["calibration"]
        performance["calibration"] = replace(first, curve=(), histogram=())
        performance |= _mean_classification(predictions, y, assessment)
        return entry, warnings
    performance["hosmer_lemeshow"] = hosmer_lemeshow(*repeats[0][:2], assessment, is_fitted=False)
    performance["confusion"] = counts = _count(predictions, y, assessment.engine)
    performance |= classify(counts, assessment)
    groups = describe_groups(predictions, outcome, assessment)
    if groups is None:
        return entry, warnings
    performance["auc_groups"] = groups.pooled
    return replace(entry, groups=groups.levels), [*warnings, *groups.warnings]


def judges_part(predictions: Predictions) -> bool:
    """Whether one part of the patients is held out, whom alone bands are of."""
    return predictions.kind == HOLDOUT


def note_thresholds(predictions: Predictions) -> None:
    """Write down the rows on which :func:`summarise` finds thresholds, which another process may have done: of every
    repeat that holds others out, else of the first. Engines that share the predictions find the same ones."""
    if predictions.kind == BOOTSTRAP:
        return
    for ledger, resample in zip(predictions.ledgers, predictions.resamples, strict=True):
        is_counted = predictions.kind == REPEATED_HOLDOUT or resample.repeat == 0
        if is_counted and "threshold" not in ledger.entries:
            ledger.read("threshold", resample.train)


class Judged(NamedTuple):
    """What is said first of held-out predictions; ``auc_mean`` is None where each fold holds one patient."""

    auc: HeldOutArea
    auc_mean: FoldMean | None
    brier: IntervalBy
    intercept: Interval
    slope: Interval


def judge_held_out(
    predictions: Predictions, outcome: np.ndarray, engine: StatisticsEngine, level: float
) -> tuple[Judged, list[Warn]]:
    """Discrimination, Brier score and calibration line of held-out predictions, means over the repeats."""
    y, pooled, mean = outcome.astype(float), held_out(predictions), None
    auc, warnings = pooled_auc_of(predictions, y, engine, level)
    if predictions.kind == HELD_OUT and any(len(r.test) > 1 for r in predictions.resamples):
        mean = fold_mean(predictions, outcome, engine, level)
        if mean.n_folds_one_class:
            warnings.append(
                warn.FOLDS_OF_ONE_CLASS(
                    n=mean.n_folds_one_class,
                    parts="fold" if mean.n_folds_one_class == 1 else "folds",
                    so="not counted in the mean of the folds' AUCs",
                )
            )
    brier = _brier(predictions, y, pooled, engine, level)
    repeats = zip(pooled, predictions.held_out_rows, strict=True)
    lines = [_calibration_line(eta[own], y[own], engine, level) for eta, own in repeats]
    intercept, slope = (_average(ends) for ends in zip(*lines, strict=True))
    return Judged(auc, mean, brier, intercept, slope), warnings


def pooled_auc_of(
    predictions: Predictions, y: np.ndarray, engine: StatisticsEngine, level: float
) -> tuple[HeldOutArea, list[Warn]]:
    """AUC of the pooled predictions, the mean over repeats, with the mean of their DeLong variances; where each repeat
    holds others out, the corrected resampled interval."""
    n_alone = int(predictions.alone.sum())
    if n_alone and predictions.kind == HELD_OUT:
        alone = warn.INTERCEPT_ALONE(n_alone=n_alone, n=len(predictions.resamples))
        return HeldOutArea(None, None, None, None, "not defined"), [alone]
    repeats_held_out = zip(held_out_imputed(predictions), predictions.held_out_rows, strict=True)
    of_both = [(etas[:, own], y[own]) for etas, own in repeats_held_out if y[own].min() < y[own].max()]
    n_one_class = len(predictions.held_out_rows) - len(of_both)
    if n_one_class:
        parts = "part" if n_one_class == 1 else "parts"
        alone = warn.FOLDS_OF_ONE_CLASS(n=n_one_class, parts=parts, so="there is no AUC")
        return HeldOutArea(None, None, None, None, "not defined"), [alone]
    areas = [pooled_auc(own, ranked_probability(etas), engine, level) for etas, own in of_both]
    if n_alone and predictions.kind == HOLDOUT:  # it orders nobody, and that has no variance
        return HeldOutArea(0.5, None, None, None, "a constant"), []
    if predictions.kind == REPEATED_HOLDOUT:
        n_rarer = min(map(engine.count_patients, (y == 1, y == 0)))
        return _mean_area(predictions, [area["estimate"] for area in areas], n_rarer, level)
    method = f"{engine.auc_method} on pooled held-out predictions, conditional on the fitted models"
    keys = ["estimate", "low", "high", "variance"]
    repeats: Repeats | Absent = ABSENT
    if "fmi" in areas[0]:  # several imputations
        method += "; Rubin's rules on the logit scale over imputations"
        keys.append("fmi")
    if len(areas) > 1:
        estimates = [area["estimate"] for area in areas]
        repeats = Repeats(len(areas), float(np.std(estimates, ddof=1)), min(estimates), max(estimates))
        method += "; means over the repeats, whose interval is no narrower for being several"
    means = {key: float(np.mean([area[key] for area in areas])) for key in keys}
    area = record_of(HeldOutArea, means, method=method, repeats=repeats)
    return area, [warn.BELOW_HALF()] if means["high"] < 0.5 else []


def _mean_area(
    predictions: Predictions, areas: Sequence[float], n_rarer: int, level: float
) -> tuple[HeldOutArea, list[Warn]]:
    """The mean of the AUCs of repeats that each hold others out, with Nadeau and Bengio's interval on the logit scale
    where simulations show that it holds; a refit that ended as the intercept alone counts 0.5, and then there is
    none."""
    share = float(np.mean([len(r.test) / len(r.train) for r in predictions.resamples]))
    answer = corrected_resampled(np.asarray(areas, dtype=float), share, level)
    mean, low, high, variance = answer["estimate"], None, None, finite(answer["se"] ** 2)
    is_shown = LEAST_AUC <= mean < 1.0 and n_rarer >= LEAST_OF_REPEATED and not predictions.alone.any()
    if variance is not None and is_shown:
        half = (answer["high"] - mean) / (mean * (1.0 - mean))
        low, high = (float(end) for end in probability(np.log(mean / (1.0 - mean)) + np.array([-half, half])))
    spread = float(np.std(areas, ddof=1)) if len(areas) > 1 else None
    repeats = Repeats(len(areas), spread, min(areas), max(areas))
    area = HeldOutArea(mean, low, high, variance, REPEATED_INTERVAL, repeats=repeats)
    return area, [warn.BELOW_HALF()] if high is not None and high < 0.5 else []


def _brier(
    predictions: Predictions, y: np.ndarray, pooled: Sequence[np.ndarray], engine: StatisticsEngine, level: float
) -> IntervalBy:
    rows = predictions.held_out_rows
    if predictions.kind == REPEATED_HOLDOUT:
        scores = [
            engine.brier_score(y[own], probability(eta[own])[None, :], level)["estimate"]
            for eta, own in zip(pooled, rows, strict=True)
        ]
        return IntervalBy(_mean(scores), None, None, "mean over repeats")
    both = np.array([eta[own] for eta, own in zip(pooled, rows, strict=True)])
    answer = engine.brier_score(y[rows[0]], probability(both), level)
    of = "the sums of each patient's rows" if engine.is_clustered else "the patients' squared errors"
    return record_of(IntervalBy, answer, method=f"normal, from {of}")


def fold_mean(predictions: Predictions, outcome: np.ndarray, engine: StatisticsEngine, level: float) -> FoldMean:
    """Mean of the folds' AUCs, with the interval of :func:`~prldh.stats.resampled.mean_of_folds`; a refit that ended as
    the intercept alone counts 0.5, and then there is none."""
    folds, one_class = [], 0
    for r, resample in enumerate(predictions.resamples):
        y = outcome[resample.test]
        if y.min() == y.max():
            one_class += 1
            continue
        scores = ranked_log_odds(predictions.log_odds[r, resample.test])
        folds.append((y, np.zeros_like(scores) if predictions.alone[r] else scores))
    if not folds:
        return FoldMean(None, None, None, None, 0, one_class)
    y, scores = (np.concatenate(columns) for columns in zip(*folds, strict=True))
    lengths = np.array([len(part) for part, _ in folds])
    mean = engine.mean_of_folds(y, scores, lengths, len({r.repeat for r in predictions.resamples}), level)
    low, high, se = (None if predictions.alone.any() else finite(mean[key]) for key in ("low", "high", "se"))
    return FoldMean(mean["estimate"], low, high, se, len(folds), one_class, FOLD_INTERVAL)


def _calibration_line(eta: np.ndarray, y: np.ndarray, engine: StatisticsEngine, level: float) -> list[Interval]:
    """Intercept and slope of the joint calibration line of held-out log odds, with profile-likelihood limits."""
    if np.ptp(eta) == 0 or y.min() == y.max():
        return [NO_INTERVAL, NO_INTERVAL]
    design = np.column_stack([np.ones(len(eta)), eta])
    b = np.asarray(engine.fit_logistic(design, y)["coefficients"], dtype=float)
    if not np.isfinite(b).all():
        return [NO_INTERVAL, NO_INTERVAL]
    limits = np.asarray(engine.profile_limits(design, y, level), dtype=float)
    return [Interval(float(b[k]), finite(limits[k, 0]), finite(limits[k, 1])) for k in (0, 1)]


def _average(repeats: Sequence[Interval]) -> Interval:
    """Means over the repeats; None where one of them is."""
    return Interval(*(_mean([getattr(each, f.name) for each in repeats]) for f in fields(Interval)))


def _mean(values: Sequence[Number]) -> Number:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _mean_calibration(repeats: Sequence[Calibration]) -> Calibration:
    """Numbers averaged over the repeats; the curve, its band and the histogram are those of the first."""
    numbers = {key: _mean([each.numbers[key] for each in repeats]) for key in repeats[0].numbers}
    return replace(repeats[0], numbers=numbers)


def _mean_curve(curves: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Pointwise means of the repeats' curves and bands."""
    return {
        key: np.mean([np.asarray(c[key], dtype=float) for c in curves], axis=0)
        for key, value in curves[0].items()
        if not isinstance(value, str)
    }


def _mean_classification(predictions: Predictions, y: np.ndarray, assessment: Assessment) -> dict[str, Any]:
    """Means over the repeats of the measures of a classification, without intervals; None where one is."""
    repeats = sorted({resample.repeat for resample in predictions.resamples})
    counts = [_count(predictions, y, assessment.engine, repeat) for repeat in repeats]
    each = [classify(cells, assessment) for cells in counts]
    return {
        key: replace(value, estimate=_mean([own[key].estimate for own in each]), low=None, high=None)
        for key, value in each[0].items()
        if isinstance(value, Interval)
    }


def _count(predictions: Predictions, y: np.ndarray, engine: StatisticsEngine, repeat: int = 0) -> Confusion:
    """Held-out classification at the Youden threshold of each refit (of one repeat)."""
    first = [(r, resample) for r, resample in enumerate(predictions.resamples) if resample.repeat == repeat]
    counts = engine.held_out_counts(
        y,
        ranked_probability(np.concatenate([predictions.of_threshold(r) for r, _ in first])),
        np.concatenate([resample.train for _, resample in first]),
        np.array([len(resample.train) for _, resample in first]),
        ranked_probability(np.concatenate([predictions.log_odds[r, resample.test] for r, resample in first])),
        np.concatenate([resample.test for _, resample in first]),
        np.array([len(resample.test) for _, resample in first]),
    )
    return Confusion(*(int(counts[cell]) for cell in CELLS))


# ---------------------------------------------------------------- bootstrap


def _summarise_bootstrap(
    predictions: Predictions, apparent: np.ndarray, outcome: np.ndarray, assessment: Assessment, two_stage: TwoStage
) -> tuple[Bootstrap, list[Warn]]:
    """Harrell's optimism, out-of-bag, .632 and .632+ of the measures that the engines bootstrap.

    .632+ needs the value of no information: 0.5 for the AUC, the mean over all pairs of predictions and outcomes for
    the Brier score (Efron & Tibshirani 1997); the calibration line has none.
    """
    y, engine, alone = outcome.astype(float), assessment.engine, predictions.alone
    rows = np.concatenate([r.train for r in predictions.resamples])
    lengths = np.array([len(r.train) for r in predictions.resamples])
    in_sample = np.concatenate([predictions.in_sample(r) for r in range(len(lengths))])
    resampled = engine.bootstrap_measures(y, predictions.log_odds, in_sample, rows, lengths)
    everyone = engine.bootstrap_measures(y, apparent[None, :], apparent, np.arange(y.size), np.array([y.size]))
    p = probability(apparent)
    by_chance = {"auc": 0.5, "brier": float(np.mean(y) * np.mean((1 - p) ** 2) + np.mean(1 - y) * np.mean(p**2))}
    usable = np.isfinite(resampled["auc_boot"])
    n_usable = int(usable.sum())
    performance: dict[str, Any] = {}
    for measure in at(BOOTSTRAP, assessment.measures):
        if measure.kind(BOOTSTRAP) is not Optimism:
            continue
        boot, original, oob = (
            np.where(usable, resampled[f"{measure.key}_{where}"], np.nan) for where in ("boot", "original", "oob")
        )
        on_everyone = float(everyone[f"{measure.key}_original"][0])
        nothing, is_high_better = by_chance.get(measure.key), measure.direction != LOWER
        corrected = correct_optimism(
            on_everyone, boot, original, oob, nothing, assessment.level, is_high_better, measure.range
        )
        if corrected["estimate"] is None:
            corrected["reason"] = (
                "no bootstrap sample has both classes"
                if not n_usable
                else "no bootstrap sample has a value: predictions are constant there, or tell the classes apart"
            )
        elif nothing is None:
            corrected["reason"] = NO_CORRECTION
        else:
            limits = two_stage.limits(measure.key, corrected, assessment.level)
            if any(limits[end] is not None for end in limits if end != "reason"):
                corrected["method"] += f"; {TWO_STAGE_METHOD}"
            corrected |= limits
        performance[measure.key] = Optimism(**corrected, no_information=nothing)
    rounded, thresholds = rounded_probability(predictions.log_odds), np.array(assessment.settings.thresholds)
    curve = engine.out_of_bag_decision_curve(y, rounded, predictions.out_of_bag(), thresholds, assessment.level)
    performance["decision_curve"] = records_of(DecisionPoint, curve)
    entry = Bootstrap(len(lengths), n_usable, int(alone.sum()), performance)
    return entry, _of_samples(entry)


def _of_samples(entry: Bootstrap) -> list[Warn]:
    """What has to be known of bootstrap samples that do not count, or count for little."""
    n, warnings = entry.n_resamples, []
    if entry.n_usable < n:
        warnings.append(warn.SAMPLES_OF_ONE_CLASS(n=n - entry.n_usable))
    if entry.n_intercept_only:
        warnings.append(warn.SAMPLES_OF_INTERCEPT(n_alone=entry.n_intercept_only, n=n))
    undefined = entry.n_usable - entry.performance["slope"].n_defined
    if undefined > 0:
        warnings.append(warn.NO_CALIBRATION_LINE(n_undefined=undefined, n=n))
    return warnings
