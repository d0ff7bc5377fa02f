"""How predictions are judged: discrimination, classification, calibration, usefulness. One function a part of an
entry."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from prldh.chain import probability, ranked_probability
from prldh.core import APPARENT, CALIBRATION, Draws, Measure, Warn, at, finite, number_of, record_of, records_of, warn
from prldh.engines import ClusteredEngine, PythonEngine, StatisticsEngine
from prldh.models.patients import Patients
from prldh.models.values import (
    Area,
    Calibration,
    CalibrationPoint,
    Confusion,
    DecisionPoint,
    HosmerLemeshow,
    HosmerLemeshowGroup,
    ImpactPoint,
    PartialArea,
    PartialAreas,
    PredictionBin,
)
from prldh.study import Performance

#: Twentieths of 0..1, in which predictions are counted.
N_BINS = 20


@dataclass(frozen=True)
class Assessment:
    """What predictions are judged by: an engine, the study's settings, its bootstrap samples, and the measures."""

    engine: StatisticsEngine
    settings: Performance
    draws: Draws
    measures: tuple[Measure, ...]

    @property
    def level(self) -> float:
        return self.settings.confidence

    def of(self, patients: Patients) -> Assessment:
        """The same for these patients, of those that it is for, with their own bootstrap samples."""
        return replace(self, engine=self.engine.of_rows(patients.rows), draws=patients.draws)

    def by(self, engine: StatisticsEngine) -> Assessment:
        """The same by another engine for these rows."""
        return replace(self, engine=engine)

    @property
    def python(self) -> StatisticsEngine:
        """The Python engine, for the same rows."""
        engine = PythonEngine()
        return ClusteredEngine(engine, self.engine.patient) if isinstance(self.engine, ClusteredEngine) else engine

    def engine_of(self, measure: Measure) -> StatisticsEngine:
        """The run's engine, or Python's where that one cannot compute the measure."""
        return self.engine if self.engine.name in measure.computed_by else self.python


def tell_of_certain(auc: Area, label: str) -> list[Warn]:
    """That an AUC of 1 or 0 is not as certain as it looks."""
    if auc.estimate not in (0.0, 1.0):
        return []
    interval = "so its interval has no width" if auc.low is not None else "and it has no interval"
    return [warn.AUC_ONE(model=label, auc=auc.estimate, interval=interval)]


def describe_predictions(
    outcome: np.ndarray,
    etas: np.ndarray,
    eta: np.ndarray,
    assessment: Assessment,
    label: str,
    of_threshold: np.ndarray | None = None,
) -> tuple[dict[str, Any], list[Warn]]:
    """The measures of a model's predictions on the data that made it, by their keys.

    Parameters
    ----------
    etas : (m, n) array
        Log odds, one row an imputation (m is 1 where nothing was imputed): their AUCs are pooled.
    eta : (n,) array
        Their mean: all else is said of it.
    of_threshold : (n,) array, optional
        The log odds that the threshold is found on, where these are others (of cross-fitted scores).
    """
    y, p = np.asarray(outcome, dtype=float), probability(eta)
    auc, warnings = describe_auc(y, etas, assessment), []
    warnings += tell_of_certain(auc, label)
    ranked = ranked_probability(eta)
    pauc = partial_areas(y, ranked, assessment)
    cut = assessment.engine.youden(y, ranked if of_threshold is None else ranked_probability(of_threshold))
    counts = Confusion(*(int(cut[cell]) for cell in ("tp", "fp", "fn", "tn")))
    threshold = finite(cut["threshold"])
    if of_threshold is not None:
        counts = _counts_above(y, ranked, float(cut["threshold"]))
    if threshold is None:
        warnings.append(warn.NO_THRESHOLD(model=label))
    test = hosmer_lemeshow(y, p, assessment)
    if test.p is None and not assessment.engine.is_clustered:
        warnings.append(warn.NO_HOSMER_LEMESHOW(model=label, groups=number_of(len(test.groups), "group")))
    measures = {
        "auc": auc,
        "pauc": pauc,
        "threshold": threshold,
        "confusion": counts,
        **classify(counts, assessment),
        "hosmer_lemeshow": test,
        "calibration": calibration(y, p, eta, assessment, assessment.draws.patients),
        **usefulness(y, p, assessment),
    }
    return measures, warnings


def _counts_above(y: np.ndarray, p: np.ndarray, threshold: float) -> Confusion:
    """Predicted and observed events, where a probability strictly above the threshold predicts one."""
    positive, event = p > threshold, y == 1
    cells = (positive & event, positive & ~event, ~positive & event, ~positive & ~event)
    return Confusion(*(int(cell.sum()) for cell in cells))


def describe_auc(y: np.ndarray, etas: np.ndarray, assessment: Assessment) -> Area:
    """AUC with DeLong's interval; over imputations pooled by Rubin's rules on the logit scale, with the fraction of
    missing information."""
    engine, m = assessment.engine, len(etas)
    method = engine.auc_method.rstrip(",")
    if m > 1:
        method = f"{engine.auc_method} in each of {m} imputed data sets, Rubin's rules on the logit scale"
    return record_of(Area, pooled_auc(y, ranked_probability(etas), engine, assessment.level), method=method)


def pooled_auc(y: np.ndarray, scores: np.ndarray, engine: StatisticsEngine, level: float) -> dict[str, float]:
    """DeLong's AUC of the one row of scores (m, n), or of all pooled."""
    areas = [engine.auc(y, row, level) for row in scores]
    if len(areas) == 1:
        return areas[0]
    return engine.pool_auc(np.array([a["estimate"] for a in areas]), np.array([a["variance"] for a in areas]), level)


def partial_areas(y: np.ndarray, p: np.ndarray, assessment: Assessment) -> PartialAreas:
    """Partial areas by sensitivity and by specificity, raw and McClish-corrected, with stratified bootstrap
    intervals."""
    rows, level = assessment.draws.stratified, assessment.level
    areas = {}
    for focus, (high, low) in assessment.settings.partial_ranges().items():
        answer = assessment.engine.partial_auc(y, p, focus, high, low, rows, len(rows), level)
        method = "stratified bootstrap percentiles"
        areas[focus] = record_of(PartialArea, answer, from_=high, to=low, n_resamples=len(rows), method=method)
    return PartialAreas(**areas)


def classify(counts: Confusion, assessment: Assessment) -> dict[str, Any]:
    """The measures of a table of predicted and observed events, by their keys."""
    cells, values = asdict(counts), {}
    for measure in at(APPARENT, assessment.measures):
        if measure.cells:
            arguments = {name: sum(cells[cell] for cell in own) for name, own in measure.cells.items()}
            level = {"level": assessment.level} if measure.has_interval(APPARENT) else {}
            answer = assessment.engine_of(measure).compute(measure.function, **arguments, **level)
            values[measure.key] = record_of(measure.kind(APPARENT), answer)
    return values


def hosmer_lemeshow(y: np.ndarray, p: np.ndarray, assessment: Assessment, is_fitted: bool = True) -> HosmerLemeshow:
    """Hosmer–Lemeshow's test with its table; df is two less than the groups where the predictions were fitted to these
    outcomes."""
    groups = assessment.settings.hosmer_lemeshow_groups
    answer = assessment.engine.hosmer_lemeshow(y, p, groups, 2 if is_fitted else 0)
    if np.isnan(answer["statistic"]):  # one group: degrees of freedom of nothing
        answer = {**answer, "df": np.nan}
    return record_of(HosmerLemeshow, answer, groups=records_of(HosmerLemeshowGroup, answer))


def calibration(y: np.ndarray, p: np.ndarray, eta: np.ndarray, assessment: Assessment, rows: np.ndarray) -> Calibration:
    """Calibration line, Brier score and its parts, Spiegelhalter's test, ICI and its relatives, the curve with its band
    from ``rows`` (B, n), of probabilities (n,) and their log odds (n,)."""
    answer = assessment.engine.calibration(y, p, rows, len(rows), assessment.level, eta)
    known = {measure.key for measure in at(CALIBRATION, assessment.measures)}
    numbers = {key: finite(value) for key, value in answer.items() if key in known}
    columns = {key: answer[f"curve_{key}"] for key in ("predicted", "observed", "low", "high")}
    return Calibration(numbers, records_of(CalibrationPoint, columns), str(answer["method"]), histogram(y, p))


def histogram(y: np.ndarray, p: np.ndarray) -> tuple[PredictionBin, ...]:
    """How many patients without and with the event have a prediction in each twentieth of 0..1."""
    edges = np.arange(N_BINS + 1) / N_BINS
    place = np.digitize(p, edges[1:-1])
    nonevent, event = (np.bincount(place[y == outcome], minlength=N_BINS) for outcome in (0, 1))
    return tuple(
        PredictionBin(float(edges[k]), float(edges[k + 1]), int(nonevent[k]), int(event[k])) for k in range(N_BINS)
    )


def usefulness(y: np.ndarray, p: np.ndarray, assessment: Assessment) -> dict[str, Any]:
    """Decision curve and clinical impact with pointwise bands from the bootstrap samples."""
    rounded, thresholds = np.round(p, 12), np.array(assessment.settings.thresholds)
    samples = (assessment.draws.patients, len(assessment.draws.patients), assessment.level)
    curve = assessment.engine.decision_curve(y, rounded, thresholds, *samples)
    impact = assessment.engine.clinical_impact(y, rounded, thresholds, 1000, *samples)
    elsewhere = curve_elsewhere(y, rounded, assessment, assessment.draws.patients)
    return {
        "decision_curve": records_of(DecisionPoint, curve),
        "clinical_impact": records_of(ImpactPoint, impact),
        **({"decision_curve_at_prevalence": records_of(DecisionPoint, elsewhere)} if elsewhere else {}),
    }


def curve_elsewhere(y: np.ndarray, p: np.ndarray, assessment: Assessment, samples: np.ndarray) -> dict[str, Any] | None:
    """The decision curve at the prevalence that the study names; None where it names none."""
    settings = assessment.settings
    if settings.prevalence is None:
        return None
    return assessment.engine.decision_curve_at_prevalence(
        y, p, np.array(settings.thresholds), settings.prevalence, samples, len(samples), assessment.level
    )
