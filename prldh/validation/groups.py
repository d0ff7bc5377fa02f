"""What a scheme that holds one group out after the other says of each, and of all as one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from prldh.chain import probability, ranked_probability, rounded_probability
from prldh.core import ABSENT, HELD_OUT, Absent, Number, Predictions, Warn, finite, warn
from prldh.engines import StatisticsEngine
from prldh.models import Assessment, calibration, calibration_limits
from prldh.validation.entries import GroupLevel, Judgement, PooledArea
from prldh.validation.subgroups import CLUSTERED, LEAST_OF_A_CLASS, ONE_CLASS, TOO_FEW, describe_area, judged, on_logit

GROUP_METHOD = "random effects on the logit scale of the groups' AUCs: REML, Hartung-Knapp-Sidik-Jonkman"

#: Without the groups in which the model fails altogether the rest would look better than the model is.
HOPEFUL = (
    "a summary of the other groups alone would be too hopeful: in {listed} everyone had the same prediction (AUC 0.5),"
    " or every event a lower one than every non-event (AUC 0), of which there is no variance"
)
ENDS = ("estimate", "low", "high", "prediction_low", "prediction_high")
NUMBERS = (*ENDS, "tau2", "i2", "q", "q_p")


@dataclass(frozen=True)
class Groups:
    """Of each group, and of all as one."""

    levels: tuple[GroupLevel, ...]
    pooled: PooledArea
    warnings: tuple[Warn, ...]


def describe_groups(predictions: Predictions, outcome: np.ndarray, assessment: Assessment) -> Groups | None:
    """Every group that was held out, and the random-effects summary of their AUCs; None of other schemes."""
    if predictions.kind != HELD_OUT or not all(resample.group for resample in predictions.resamples):
        return None
    y, engine, level = outcome.astype(float), assessment.engine, assessment.level
    levels, points, left_out, hopeless = [], [], [], []
    for r, resample in enumerate(predictions.resamples):
        own, eta = y[resample.test], predictions.log_odds[r, resample.test]
        among = replace(assessment, engine=engine.of_rows(np.asarray(resample.test)))
        entry, variance = describe_level(resample.group, own, eta, among)
        if entry.auc.estimate in (None, 0.0, 1.0) or not variance or predictions.alone[r]:
            left_out.append(resample.group)
            if entry.auc.estimate is not None and entry.auc.estimate <= 0.5:
                hopeless.append(resample.group)
        else:
            points.append(on_logit(entry.auc.estimate, variance))
        levels.append(entry)
    pooled = pool_areas(points, engine, level, left_out, hopeless)
    listed = ", ".join(left_out)
    warnings = (warn.GROUPS_LEFT_OUT(n=len(left_out), n_of=len(levels), listed=listed),) if left_out else ()
    return Groups(tuple(levels), pooled, warnings)


def describe_level(name: str, y: np.ndarray, eta: np.ndarray, assessment: Assessment) -> tuple[GroupLevel, Number]:
    """Some patients by their held-out log odds (n,), and the variance of their AUC."""
    n, events = len(y), int(y.sum())
    if not 0 < events < n:
        none = Judgement(None, None, None, ONE_CLASS)
        return GroupLevel(name, n, events, none, none, none, none), None
    engine, level = assessment.engine, assessment.level
    area = engine.auc(y, ranked_probability(eta), level)
    line = calibration(y, rounded_probability(eta), eta, assessment, assessment.draws.patients[:0, :n])
    limits = calibration_limits(y, eta, line, engine, level)
    why = TOO_FEW if min(map(engine.count_patients, (y == 1, y == 0))) < LEAST_OF_A_CLASS else ""
    clustered = why or (CLUSTERED if engine.is_clustered else "")
    entry = GroupLevel(
        name,
        n,
        events,
        describe_area(area["estimate"], finite(area["variance"]), level, why),
        judged(limits.slope, why),
        judged(limits.citl, clustered),
        judged(limits.observed_expected, clustered),
    )
    return entry, finite(area["variance"])


def pool_areas(
    points: list[tuple[float, float]],
    engine: StatisticsEngine,
    level: float,
    left_out: list[str],
    hopeless: list[str],
) -> PooledArea:
    """Logits of AUCs with their variances, as one; nothing where the model fails altogether in ``hopeless`` groups."""
    numbers: dict[str, Number] = dict.fromkeys(NUMBERS)
    reason: str | Absent = HOPEFUL.format(listed=", ".join(hopeless))
    if not hopeless:
        values, variances = np.array(points).reshape(-1, 2).T
        answer = engine.pool_random_effects(values, variances, level)
        numbers = {key: _share(answer[key]) if key in ENDS else finite(answer[key]) for key in NUMBERS}
        reason = str(answer["reason"]).removesuffix(".") or ABSENT
    return PooledArea(**numbers, n_groups=len(points), left_out=tuple(left_out), method=GROUP_METHOD, reason=reason)


def _share(logit: float) -> Number:
    return float(probability(np.array([logit]))[0]) if np.isfinite(logit) else None
