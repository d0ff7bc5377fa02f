"""Drop features that say little about the outcome, or the same as a feature already kept."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydantic import Field

from prldh.chain.selection.shared import shown_beside
from prldh.chain.shared.linear import TIE, correlations, outcome_correlations, unit_columns
from prldh.core import Purpose, Selection, StepRun, TrainingRows
from prldh.engines import StatisticsEngine
from prldh.plugins import SelectorSettings


class CorrelationFilter(NamedTuple):
    """``kept`` columns, ascending; ``with_outcome`` (p,) point-biserial r; ``rival`` (p,) the kept column for which a
    column was dropped, -1 if there is none; ``with_rival`` (p,) |r| with it, 0 if there is none."""

    kept: np.ndarray
    with_outcome: np.ndarray
    rival: np.ndarray
    with_rival: np.ndarray


def filter_correlated(
    values: np.ndarray, outcome: np.ndarray, between: float = 0.9, with_outcome: float = 0.3
) -> CorrelationFilter:
    """Keep features with |r| to the outcome of at least ``with_outcome``, no two with |r| above ``between``.

    Features are visited by descending |r| with the outcome, ties by column order. One that correlates above the limit
    with a feature already kept is dropped.

    Parameters
    ----------
    values : (n, p) array
    outcome : (n,) array of 0/1
    between, with_outcome : float
        Limits of |Pearson r|.

    Returns
    -------
    CorrelationFilter
        For a column dropped as redundant, ``rival`` is the first kept one that it correlates with above the limit.
    """
    units = unit_columns(values)
    r = outcome_correlations(units, outcome)
    strength = np.abs(r)
    rival = np.full(r.size, -1, dtype=np.int64)
    with_rival = np.zeros(r.size)
    # equal up to rounding counts as equal, so that column order decides
    visited = np.argsort(-np.round(strength / TIE), kind="stable")
    visited = visited[strength[visited] >= with_outcome - TIE]
    kept = []
    for column in visited:
        if rival[column] >= 0:
            continue
        kept.append(int(column))
        to_column = np.abs(correlations(units, units[column]))
        beaten = (to_column > between + TIE) & (rival < 0)
        beaten[kept] = False
        rival[beaten], with_rival[beaten] = column, to_column[beaten]
    return CorrelationFilter(np.sort(np.array(kept, dtype=np.int64)), r, rival, with_rival)


class CorrelationSettings(SelectorSettings):
    between: float = Field(0.9, ge=0, le=1, description="no two kept features correlate above this |r|")
    outcome: float = Field(0.3, ge=0, le=1, description="kept features correlate with the outcome at least this much")


class CorrelationSelector:
    """Drop features with little correlation with the outcome, and of two that say the same the weaker."""

    name = "correlation"
    version = "1"
    Settings = CorrelationSettings
    label = "Correlation"
    short_label = "correlation"
    purposes = {
        Purpose.REDUNDANCY: "",
        Purpose.COLLINEARITY: "of features correlated above {between} one was kept",
    }

    def methods(self, run: StepRun) -> str:
        return (
            "features had to correlate with the outcome with an |r| of at least {outcome}, and of two that correlated"
            " with each other above {between} the weaker was dropped"
        )

    def fit(
        self, rows: TrainingRows, settings: CorrelationSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection:
        filtered = filter_correlated(rows.values, rows.outcome, settings.between, settings.outcome)
        strength = np.abs(filtered.with_outcome)
        kept = set(filtered.kept.tolist())
        dropped = {}
        for j, name in enumerate(rows.names):
            if j in kept:
                continue
            if strength[j] < settings.outcome - TIE:
                dropped[name] = (
                    f"|r| with the outcome {shown_beside(strength[j], settings.outcome)} < {settings.outcome:g}"
                )
            else:
                rival = rows.names[filtered.rival[j]]
                shown = shown_beside(filtered.with_rival[j], settings.between)
                dropped[name] = f"|r| {shown} with {rival} > {settings.between:g}"
        details = {
            "between": settings.between,
            "outcome": settings.outcome,
            "with_outcome": dict(zip(rows.names, filtered.with_outcome.tolist(), strict=True)),
        }
        return Selection(filtered.kept, dropped, details)
