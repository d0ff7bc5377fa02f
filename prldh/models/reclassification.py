"""What a second model changes in who is at high risk: reclassification of events and of non-events."""

from __future__ import annotations

from typing import Any

import numpy as np

from prldh.chain import probability
from prldh.core import finite
from prldh.engines import StatisticsEngine
from prldh.study import Performance

#: Keys of an engine's answer, and as ``results.json`` has them.
MEASURES = {"nri": "nri", "cnri": "continuous_nri", "idi": "idi"}
NUMBERS = {"": "estimate", "_low": "low", "_high": "high", "_z": "statistic", "_p": "p"}
EVENT_RATE = "the share of events (Pencina, Steyerberg & D'Agostino 2017)"


def describe_reclassification(
    pair: tuple[str, str],
    adjusted: bool,
    scope: str | None,
    scheme: str | None,
    outcome: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    engine: StatisticsEngine,
    settings: Performance,
) -> dict[str, Any]:
    """One entry of ``reclassification`` of ``results.json``: the second model in place of the first.

    ``first`` and ``second`` are log odds (n,), apparent or held out. Without ``performance.risk_categories`` there is
    one cut point, at the share of events. Probabilities are rounded at 1e-12, so that one equal to a cut point is so in
    both engines.
    """
    y = outcome.astype(float)
    a, b = (np.round(probability(eta), 12) for eta in (first, second))
    cuts, source = _cut_points(y, settings)
    found = engine.reclassification(y, a, b, np.array(cuts), settings.confidence)
    entry: dict[str, Any] = {
        "a": pair[0],
        "b": pair[1],
        "adjusted": adjusted,
        "scope": scope,
        "scheme": scheme,
        "categories": cuts,
        "categories_from": source,
    }
    for key, name in MEASURES.items():
        entry[name] = _numbers(found, key)
        for part in ("events", "nonevents"):
            entry[name][part] = _numbers(found, f"{key}_{part}") | {"n": int(found[f"n_{part}"])}
            if key != "idi":
                entry[name][part] |= {way: int(found[f"{key}_{way}_{part}"]) for way in ("up", "down")}
    events, nonevents = (np.asarray(found[f"table_{part}"]) for part in ("events", "nonevents"))
    entry["table"] = [
        {"old": i, "new": j, "events": int(events[i, j]), "nonevents": int(nonevents[i, j])}
        for i in range(len(events))
        for j in range(len(events))
    ]
    entry["method"] = (
        "asymptotic standard errors (Pencina et al. 2008, 2011); a probability equal to a cut point is in the lower"
        " category"
    )
    return entry


def _cut_points(y: np.ndarray, settings: Performance) -> tuple[list[float], str]:
    if settings.risk_categories is not None:
        return list(settings.risk_categories), "performance.risk_categories"
    share = round(float(y.mean()), 12)
    return ([share] if 0 < share < 1 else []), EVENT_RATE


def _numbers(found: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: finite(found[f"{key}{suffix}"]) for suffix, name in NUMBERS.items()}
