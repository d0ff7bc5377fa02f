"""Columns that hardly vary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from prldh.core import REFERENCES, Chosen, Fitted, StepRun, TrainingRows, bounds
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings


class NearConstantSettings(LearnerSettings):
    ratio: float = Field(
        19.0, ge=1, le=bounds.NUMBER, description="the most frequent value more than this times as often as the second"
    )
    distinct: float = Field(10.0, ge=0, le=100, description="and at most this per cent of the rows distinct values")


class NearConstantTransform:
    """Leave out columns with one value for nearly everyone: the rule of caret's ``nearZeroVar``."""

    name = "near_constant"
    version = "1"
    gives: Literal["transforms values"] = "transforms values"
    Settings = NearConstantSettings
    takes_blanks = True
    label = "Near-constant features"
    short_label = "near constant"
    references = (REFERENCES["kuhn2008"],)

    def methods(self, run: StepRun) -> str:
        return (
            "features were left out whose most frequent value was more than {ratio} times as frequent as the second and"
            " whose distinct values were at most {distinct} per cent of the patients [@kuhn2008]"
        )

    def fit(
        self, rows: TrainingRows, settings: NearConstantSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Fitted:
        dropped = {}
        for name, column in zip(rows.names, rows.values.T, strict=True):
            counts = np.unique(column[~np.isnan(column)], return_counts=True)[1]
            if counts.size < 2:
                dropped[name] = "constant" if counts.size else "blank for every training patient"
                continue
            second, first = np.partition(counts, -2)[-2:]
            ratio, distinct = first / second, 100 * counts.size / column.size
            if ratio > settings.ratio and distinct <= settings.distinct:
                dropped[name] = (
                    f"its most frequent value is {ratio:.3g} times as frequent as the second, and {distinct:.2g}% of"
                    " its values are distinct"
                )
        return Chosen(
            tuple(name for name in rows.names if name not in dropped),
            dropped,
            {"ratio": settings.ratio, "distinct": settings.distinct},
        )

    def from_state(self, state: Mapping[str, Any]) -> Fitted:
        return Chosen.from_state(state)
