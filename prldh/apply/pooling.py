"""Several cohorts' validations as one: random effects over cohorts, each measure on a scale on which it is about
normal.

References
----------
K. I. E. Snell et al., Statistical Methods in Medical Research 27 (2018) 3505-3522: the logit of the c-statistic, the
logarithm of observed / expected events; T. P. A. Debray et al., BMJ 356 (2017) i6460.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prldh.core import finite, finite_numbers
from prldh.engines import StatisticsEngine
from prldh.results import POOLED_SCHEMA


@dataclass(frozen=True)
class _Measure:
    """A measure: its key, that of its standard error, and the scale that it is pooled on."""

    key: str
    error: str
    scale: str


MEASURES = (
    _Measure("auc", "auc", "logit"),
    _Measure("slope", "slope", "as it is"),
    _Measure("citl", "citl", "as it is"),
    _Measure("observed_expected", "log_observed_expected", "logarithm"),
)
BACK: Mapping[str, Callable[[float], float]] = {
    "logit": lambda x: float(1 / (1 + np.exp(-x))),
    "as it is": lambda x: x,
    "logarithm": lambda x: float(np.exp(x)),
}
NUMBERS = ("tau2", "i2", "q", "q_p")


def pool(texts: Mapping[str, str], entries: Sequence[Mapping[str, Any]], engine: StatisticsEngine) -> dict[str, Any]:
    """What the cohorts say together.

    Parameters
    ----------
    texts
        By folder of each cohort, what is written of it: its checksum tells whether it is still there.
    entries
        Those of all cohorts, each with its ``folder``.
    """
    judged = [e for e in entries if e["is_validated"]]
    names = dict.fromkeys((m["name"], m["adjusted"]) for e in judged for m in e["models"])
    models = []
    for name, adjusted in names:
        own = [(e["name"], m) for e in judged for m in e["models"] if (m["name"], m["adjusted"]) == (name, adjusted)]
        pooled = {"name": name, "adjusted": adjusted, **_pooled([(c, m) for c, m in own if "auc" in m], engine, judged)}
        again = [(c, m["recalibrated"]) for c, m in own if "auc" in m.get("recalibrated", {})]
        if again:
            pooled["recalibrated"] = _pooled(again, engine, judged)
        models.append(pooled)
    cohorts = [
        {
            "name": e["name"],
            "folder": e["folder"],
            "is_validated": e["is_validated"],
            "n": e["n_judged"],
            "events": e["events_judged"],
            "sha256": hashlib.sha256(texts[e["folder"]].encode()).hexdigest(),
        }
        for e in entries
    ]
    return {
        "schema": POOLED_SCHEMA,
        "model_sha256": entries[0]["model_sha256"],
        "confidence": entries[0]["confidence"],
        "cohorts": cohorts,
        "models": models,
        "engine": engine.name,
    }


def _pooled(
    own: Sequence[tuple[str, Mapping[str, Any]]], engine: StatisticsEngine, judged: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Each measure of one model over the cohorts that it was judged in."""
    level = judged[0]["confidence"]
    return {"n_cohorts": len(own)} | {measure.key: _of(measure, own, engine, level) for measure in MEASURES}


def _of(
    measure: _Measure, own: Sequence[tuple[str, Mapping[str, Any]]], engine: StatisticsEngine, level: float
) -> dict[str, Any]:
    points: list[tuple[float, float]] = []
    left_out: list[dict[str, str]] = []
    for cohort, model in own:
        estimate, error = model[measure.key]["estimate"], model["standard_errors"][measure.error]
        point = None if estimate is None or error is None else _on_scale(measure.scale, estimate, error)
        if point is None:
            reason = "it has no estimate" if estimate is None else f"{estimate:g} has no standard error on this scale"
            left_out.append({"cohort": cohort, "reason": reason})
        else:
            points.append(point)
    values, variances = np.array(points).reshape(-1, 2).T
    answer = engine.pool_random_effects(values, variances, level)
    back = BACK[measure.scale]
    ends = ("estimate", "low", "high", "prediction_low", "prediction_high")
    return {
        **{key: finite(back(float(answer[key]))) for key in ends},
        **finite_numbers(answer, NUMBERS),
        "n": len(points),
        "pooled_on": measure.scale,
        "left_out": left_out,
        "reason": str(answer["reason"]).rstrip(".") or None,
    }


def _on_scale(scale: str, estimate: float, error: float) -> tuple[float, float] | None:
    """Estimate and variance on the scale; None where there is none."""
    if not error > 0:
        return None
    if scale == "logit":
        if not 0 < estimate < 1:
            return None
        return float(np.log(estimate / (1 - estimate))), (error / (estimate * (1 - estimate))) ** 2
    if scale == "logarithm":  # the standard error is the logarithm's already
        return (float(np.log(estimate)), error**2) if estimate > 0 else None
    return estimate, error**2
