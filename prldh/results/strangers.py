"""Statistics that plugins bring: of every model's predictions, apparent and held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from prldh.core import ABSENT, Absent, Number, PluginError
from prldh.plugins import Registry, called

#: What a statistic is of.
GROUPS = ["model", "adjusted", "scope", "scheme"]
#: What it gives.
KEYS = ("estimate", "low", "high")


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
    reason: str | Absent = ABSENT


def describe_statistics(registry: Registry, predictions: pd.DataFrame) -> tuple[StatisticEntry, ...]:
    """Every registered statistic of ``predictions.csv``; of one that is not defined null, and the reason.

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
            entry = StatisticEntry(
                name=name,
                label=str(item.label),
                model=str(model),
                adjusted=bool(adjusted),
                scope=str(scope) or None,
                scheme=str(scheme) if scope else None,
                n=len(repeats[0][0]),
                n_repeats=len(estimates),
                estimate=float(np.mean(estimates)) if estimates else None,
            )
            if not estimates:
                entry = replace(entry, reason=f"'{name}' of {plugin} is not defined for these predictions")
            elif len(values) == 1:
                low, high = (ABSENT if values[0][end] is None else values[0][end] for end in ("low", "high"))
                entry = replace(entry, low=low, high=high)
            found.append(entry)
    return tuple(found)


def try_statistics(registry: Registry, outcome: np.ndarray) -> None:
    """Ask every registered statistic once, of made predictions and the run's outcome (n,), before anything is fitted:
    one that fails shall not cost a run.

    Raises
    ------
    PluginError
        As :func:`measured`.
    """
    for item, plugin in registry.registered("register_statistics").values():
        measured(item, plugin, outcome, np.linspace(0.05, 0.95, len(outcome)))


def measured(item: Any, plugin: str, outcome: np.ndarray, probability: np.ndarray) -> dict[str, float | None]:
    """What a statistic gives of predictions: ``estimate``, ``low`` and ``high``, each a finite number or None.

    Raises
    ------
    PluginError
        If it fails or gives anything else, or a limit does not hold the estimate.
    """
    given = called("statistic", item, "measure", np.asarray(outcome, dtype=np.int8), np.asarray(probability, float))
    where, leave = f"the statistic '{item.name}' of the plugin '{plugin}'", "Update the plugin, or uninstall it."
    if not (isinstance(given, Mapping) and {"estimate"} <= set(given) <= set(KEYS) and all(map(_fits, given.values()))):
        raise PluginError(
            f"{where} gives {given!r:.80} in place of a dictionary with estimate and, where it has them, low and high:"
            f" finite numbers, or None where it is not defined. {leave}"
        )
    values = {key: None if given.get(key) is None else float(given[key]) for key in KEYS}
    estimate, low, high = values.values()
    limits = [v for v in (low, high) if v is not None]
    if limits and (estimate is None or (low is not None and low > estimate) or (high is not None and high < estimate)):
        raise PluginError(f"{where} gives {estimate} outside its own interval, {low} to {high}. {leave}")
    return values


def _fits(value: Any) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    try:
        return value is None or (is_number and isfinite(value))
    except OverflowError:  # a whole number beyond all floats
        return False
