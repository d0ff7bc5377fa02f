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
from prldh.plugins import Registry, answered, name_of, said

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
                label=said("statistic", item, "label"),
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
    given = np.asarray(outcome, dtype=np.int8), np.asarray(probability, float)
    wanted = (
        "a dictionary with estimate and, where it has them, low and high: finite numbers, or None where it is not"
        " defined"
    )
    values = answered("statistic", item, "measure", *given, read=_as_numbers, wanted=wanted)
    estimate, low, high = values.values()
    limits = [v for v in (low, high) if v is not None]
    if limits and (estimate is None or (low is not None and low > estimate) or (high is not None and high < estimate)):
        raise PluginError(
            f"the statistic '{name_of(item)}' of the plugin '{plugin}' gives {estimate} outside its own interval, {low}"
            f" to {high}. Update the plugin, or uninstall it."
        )
    return values


def _as_numbers(given: Any) -> dict[str, float | None] | None:
    """The finite numbers of a mapping by :data:`KEYS`, None of those that it leaves out; None of anything else."""
    own = dict(given) if isinstance(given, Mapping) else {}
    if not {"estimate"} <= set(own) <= set(KEYS):
        return None
    numbers: dict[str, float | None] = dict.fromkeys(KEYS)
    for key, value in own.items():
        if value is not None and (not isinstance(value, Real) or isinstance(value, bool | np.bool_)):
            return None
        try:
            numbers[key] = None if value is None else float(value)
        except OverflowError:  # a whole number beyond all floats
            return None
    return numbers if all(value is None or isfinite(value) for value in numbers.values()) else None
