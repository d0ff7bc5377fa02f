"""Statistics that plugins bring: of every model's predictions, apparent and held out."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from prldh.core import ABSENT, Absent, Number, PluginError
from prldh.plugins import Registry, lent

#: What a statistic is of.
GROUPS = ["model", "adjusted", "scope", "scheme"]


@dataclass(frozen=True)
class StatisticEntry:
    """A plugin's statistic of one model; ``scope`` and ``scheme`` are null of apparent predictions. Held out, the
    ``estimate`` is the mean over ``n_repeats``; limits stand where the plugin gave them and there is one repeat."""

    name: str
    label: str
    model: str
    adjusted: bool
    scope: str | None
    scheme: str | None
    n: int
    n_repeats: int
    estimate: Number
    low: Number | Absent = ABSENT
    high: Number | Absent = ABSENT


def describe_statistics(registry: Registry, predictions: pd.DataFrame) -> tuple[StatisticEntry, ...]:
    """Every registered statistic of ``predictions.csv``; those that are not defined are left out.

    Raises
    ------
    PluginError
        If a statistic fails, or gives what is no number.
    """
    known = registry.registered("register_statistics")
    if not known:
        return ()
    found = []
    predicted = predictions[np.isfinite(predictions["log_odds"])]
    for (model, adjusted, scope, scheme), rows in predicted.groupby(GROUPS, sort=False):
        repeats = [(own["outcome"].to_numpy(), own["probability"].to_numpy()) for _, own in rows.groupby("repeat")]
        for name, (item, plugin) in known.items():
            values = [measured(item, plugin, outcome, p) for outcome, p in repeats]
            estimates = [v["estimate"] for v in values if v["estimate"] is not None]
            if not estimates:
                continue
            is_one = len(values) == 1
            found.append(
                StatisticEntry(
                    name,
                    str(item.label),
                    str(model),
                    bool(adjusted),
                    str(scope) or None,
                    str(scheme) if scope else None,
                    len(repeats[0][0]),
                    len(estimates),
                    float(np.mean(estimates)),
                    *(ABSENT if not is_one or v is None else v for v in (values[0]["low"], values[0]["high"])),
                )
            )
    return tuple(found)


def measured(item: Any, plugin: str, outcome: np.ndarray, probability: np.ndarray) -> dict[str, float | None]:
    """What a statistic gives of predictions: ``estimate``, ``low`` and ``high``, each a finite number or None.

    Raises
    ------
    PluginError
        If it gives anything else, or the interval does not hold the estimate.
    """
    given = lent(item, "measure", np.asarray(outcome, dtype=np.int8), np.asarray(probability, dtype=float))
    where = f"the statistic '{item.name}' of the plugin '{plugin}'"
    try:
        values = {key: None if given.get(key) is None else float(given[key]) for key in ("estimate", "low", "high")}
    except (AttributeError, TypeError, ValueError):
        raise PluginError(f"{where} gives {given!r:.80}: give a dictionary with estimate, low and high.") from None
    if any(v is not None and not isfinite(v) for v in values.values()):
        raise PluginError(f"{where} gives {given!r:.80}: give finite numbers, or None where it is not defined.")
    estimate, low, high = values.values()
    if estimate is not None and low is not None and high is not None and not low <= estimate <= high:
        raise PluginError(f"{where} gives {estimate} outside its own interval {low} to {high}. Mend one of them.")
    return values
