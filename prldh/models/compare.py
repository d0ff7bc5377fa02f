"""Comparisons of models, and of engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import norm

from prldh.chain import ranked_probability, rounded_probability
from prldh.core import (
    ABSENT,
    Absent,
    Design,
    Given,
    Inline,
    Later,
    ModelSpec,
    Number,
    Predictions,
    StudyError,
    Warn,
    nearest,
    record_of,
    records_of,
    warn,
)
from prldh.engines import StatisticsEngine
from prldh.models.fit import mean_log_odds
from prldh.models.likelihoods import LikelihoodRatio
from prldh.models.performance import Assessment
from prldh.models.roc_curves import DifferenceTest
from prldh.study import Study

HELD_OUT_PARTIAL_AREAS = "comparisons of partial areas on held-out predictions"
ASYMPTOTIC = "asymptotic, placement values restricted to the range"


Discrimination = Literal["auc", "pauc_sensitivity", "pauc_specificity"]
PARTIAL: dict[str, Discrimination] = {"sensitivity": "pauc_sensitivity", "specificity": "pauc_specificity"}


@dataclass(frozen=True)
class Compared:
    """Two models and the predictions on which they are compared: of a scope and scheme, or apparent ones (None); ``n``
    patients whom both predict, ``events`` of them with the event."""

    a: str
    b: str
    adjusted: bool
    scope: Literal["model", "pipeline"] | None
    scheme: str | None
    n: Given[Later[int]]
    events: Given[Later[int]]


@dataclass(frozen=True)
class AsymptoticTest(DifferenceTest):
    """A test of partial areas without resampling."""

    method: str


@dataclass(frozen=True)
class Comparison:
    """The difference of two models in one measure of discrimination."""

    pair: Inline[Compared]
    measure: Discrimination
    method: str
    test: Inline[DifferenceTest]
    asymptotic: AsymptoticTest | Absent = ABSENT
    likelihood_ratio: LikelihoodRatio | Absent = ABSENT


@dataclass(frozen=True)
class DifferencePoint:
    """Difference of net benefit at a threshold, with a pointwise band."""

    threshold: Given[Number]
    difference: Number
    low: Number
    high: Number


@dataclass(frozen=True)
class NetBenefitDifference:
    """Net benefit of the first model less that of the second at every threshold."""

    pair: Inline[Compared]
    curve: tuple[DifferencePoint, ...]


def plan_comparisons(study: Study, specs: tuple[ModelSpec, ...]) -> list[tuple[str, str]]:
    """Pairs of model names; all pairs unless the study names them.

    Raises
    ------
    StudyError
        If a name is no model, or a model is compared with itself.
    """
    names = list(dict.fromkeys(s.name for s in specs))
    if study.comparisons is None:
        return [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    for a, b in study.comparisons:
        for name in (a, b):
            if name not in names:
                near = nearest(name, names)
                raise StudyError(
                    f"comparisons: there is no model '{name}'"
                    + (f"; did you mean '{near}'?" if near else f" (models: {', '.join(names)}).")
                )
        if a == b:
            raise StudyError(f"comparisons: '{a}' is compared with itself. Name two models.")
    return [(a, b) for a, b in study.comparisons]


def compare_areas(
    pair: Compared, outcome: np.ndarray, first: np.ndarray, second: np.ndarray, assessment: Assessment
) -> Comparison:
    """The difference of the AUCs of two models (DeLong), as :func:`compare_models` has it."""
    test, method = _compare_auc(outcome.astype(float), first, second, assessment.engine, assessment.level)
    return Comparison(pair, "auc", method, test)


def compare_models(
    pair: Compared, outcome: np.ndarray, first: np.ndarray, second: np.ndarray, assessment: Assessment
) -> list[Comparison]:
    """Differences of AUC (DeLong) and partial areas (stratified bootstrap, and asymptotic) of two models.

    ``first`` and ``second`` (m, n) are their log odds, one row an imputation; of several the AUCs' differences are
    pooled, and partial areas are those of the mean log odds. Partial areas of held-out predictions are compared by the
    Python engine whatever the engine: there are many, and R takes a fraction of a second for each.
    """
    y, level, rows = outcome.astype(float), assessment.level, assessment.draws.stratified
    comparisons = [compare_areas(pair, outcome, first, second, assessment)]
    a, b = (ranked_probability(mean_log_odds(etas)) for etas in (first, second))
    comparer = assessment.engine if pair.scheme is None else assessment.python
    for focus, (high, low) in assessment.settings.partial_ranges().items():
        answer = comparer.compare_partial_auc_asymptotic(y, a, b, focus, high, low, level)
        asymptotic = record_of(AsymptoticTest, answer, method=ASYMPTOTIC)
        method = ASYMPTOTIC
        if len(rows):
            answer = comparer.compare_partial_auc(y, a, b, focus, high, low, rows, len(rows), level)
            method = f"stratified bootstrap, {len(rows)} resamples ({comparer.name})"
        test = record_of(DifferenceTest, answer)
        comparisons.append(Comparison(pair, PARTIAL[focus], method, test, asymptotic))
    return comparisons


def _compare_auc(
    y: np.ndarray, first: np.ndarray, second: np.ndarray, engine: StatisticsEngine, level: float
) -> tuple[DifferenceTest, str]:
    m = max(len(first), len(second))
    of_first, of_second = ranked_probability(first), ranked_probability(second)
    pairs = [(of_first[k % len(first)], of_second[k % len(second)]) for k in range(m)]
    answers = [engine.compare_auc(y, a, b, level) for a, b in pairs]
    if m == 1:
        return record_of(DifferenceTest, answers[0]), engine.auc_method.rstrip(",")
    width = 2 * norm.ppf((1 + level) / 2)
    difference = np.array([[answer["difference"]] for answer in answers])
    variance = np.array([[((answer["high"] - answer["low"]) / width) ** 2] for answer in answers])
    pooled = {key: values[0] for key, values in engine.pool_estimates(difference, variance, np.inf, level).items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.divide(pooled["estimate"], pooled["se"])
    test = record_of(DifferenceTest, {**pooled, "difference": pooled["estimate"], "statistic": statistic})
    return test, f"{engine.auc_method} in each of {m} imputed data sets, Rubin's rules"


def compare_net_benefit(
    pair: Compared, outcome: np.ndarray, first: np.ndarray, second: np.ndarray, assessment: Assessment
) -> NetBenefitDifference:
    """The difference with a band from the same bootstrap samples for both."""
    a, b = (rounded_probability(mean_log_odds(etas)) for etas in (first, second))
    thresholds, rows = np.array(assessment.settings.thresholds), assessment.draws.patients
    curve = assessment.engine.compare_decision_curves(
        outcome.astype(float), a, b, thresholds, rows, len(rows), assessment.level
    )
    return NetBenefitDifference(pair, records_of(DifferencePoint, curve))


def compare_out_of_bag(
    pair: Compared, outcome: np.ndarray, first: Predictions, second: Predictions, assessment: Assessment
) -> NetBenefitDifference:
    """The same of bootstrap models, in the patients that their samples do not hold."""
    a, b = (rounded_probability(p.log_odds) for p in (first, second))
    thresholds = np.array(assessment.settings.thresholds)
    curve = assessment.engine.compare_out_of_bag_decision_curves(
        outcome.astype(float), a, b, first.out_of_bag(), thresholds, assessment.level
    )
    return NetBenefitDifference(pair, records_of(DifferencePoint, curve))


def nested(first: Design, second: Design) -> str | None:
    """``"first"`` if the first model's columns lie in the span of the second's, ``"second"`` the other way round."""
    a, b = np.linalg.matrix_rank(first.matrix), np.linalg.matrix_rank(second.matrix)
    both = np.linalg.matrix_rank(np.hstack([first.matrix, second.matrix]))
    if a == b:
        return None
    if both == b:
        return "first"
    return "second" if both == a else None


def nested_warning(pair: Compared, has_test: bool = True) -> Warn:
    """The warning that stands beside the apparent comparison of nested models (Demler, Pencina & D'Agostino 2012).

    ``has_test``: their likelihood-ratio test exists.
    """
    label = "adjusted" if pair.adjusted else "unadjusted"
    advice = (
        "Read the likelihood-ratio test beside it, and the comparison on held-out predictions."
        if has_test
        else "The likelihood-ratio test does not exist here; read the comparison on held-out predictions."
    )
    return warn.NESTED(first=pair.a, second=pair.b, label=label, advice=advice)
