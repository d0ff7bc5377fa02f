"""Blanks filled by what training rows have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from prldh.chain.transforms.columnwise import Columnwise, of_patients
from prldh.core import Fitted, Kind, Reference, StepRun, TrainingRows, bounds, take_columns
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings

WHOLLY_BLANK = "blank for every training patient"


class ImputeSettings(LearnerSettings):
    method: Literal["median", "knn"] = Field("median", description="the median, or the mean of the nearest patients")
    neighbours: int = Field(5, ge=1, le=bounds.IMPUTATIONS, description="knn: how many nearest patients")


@dataclass(frozen=True, eq=False)
class Medians(Columnwise):
    """Blanks become the column's median."""

    method: ClassVar[str] = "median"
    fills_blanks: ClassVar[bool] = True

    def change(self, values: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(values), self.parameters["median"], values)


@dataclass(frozen=True, eq=False)
class NearestRows:
    """Blanks become the mean of the values of the nearest training rows that have one.

    Distances are Euclidean over the columns that both rows have, each divided by its SD (``scale`` (p,)), as if they
    had all columns: the sum of squares times p over the number of shared columns. Where no training row shares a
    column, or none of those has a value, a blank becomes the ``mean`` (p,). ``donors`` (m, p) are the training rows by
    patient, so that of rows equally far the first patient's count; ``names`` are sorted.
    """

    names: tuple[str, ...]
    donors: np.ndarray
    scale: np.ndarray
    mean: np.ndarray
    neighbours: int
    dropped: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    kind: ClassVar[Kind] = "transforms values"
    method: ClassVar[str] = "knn"
    fills_blanks: ClassVar[bool] = True

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.names

    @property
    def state(self) -> dict[str, Any]:
        donors = [[None if np.isnan(value) else value for value in row] for row in self.donors.tolist()]
        return {
            "method": self.method,
            "names": list(self.names),
            "donors": donors,
            "scale": self.scale.tolist(),
            "mean": self.mean.tolist(),
            "neighbours": self.neighbours,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> NearestRows:
        donors = np.array(state["donors"], dtype=np.float64)  # None becomes NaN
        scale, mean = (np.array(state[key], dtype=np.float64) for key in ("scale", "mean"))
        return cls(tuple(state["names"]), donors, scale, mean, int(state["neighbours"]))

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        filled = take_columns(values, names, self.names)
        blank = np.isnan(filled)
        for i in np.flatnonzero(blank.any(axis=1)):
            distance = self._distances(filled[i])
            for j in np.flatnonzero(blank[i]):
                usable = np.flatnonzero(np.isfinite(distance) & ~np.isnan(self.donors[:, j]))
                nearest = usable[np.argsort(distance[usable], kind="stable")[: self.neighbours]]
                filled[i, j] = self.donors[nearest, j].mean() if nearest.size else self.mean[j]
        return filled

    def _distances(self, row: np.ndarray) -> np.ndarray:
        """Squared distances (m,) of the training rows; NaN where no column is shared."""
        squares = ((self.donors - row) / self.scale) ** 2
        shared = (~np.isnan(squares)).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(shared > 0, np.nansum(squares, axis=1) * (row.size / shared), np.nan)


class ImputeTransform:
    """Fill blanks; every reader's and everyone's by what reader 1's training rows have."""

    name = "impute"
    version = "1"
    gives: Literal["transforms values"] = "transforms values"
    Settings = ImputeSettings
    fills_blanks = True
    label = "Blanks filled"
    short_label = "blanks filled"
    references = (
        Reference(
            "troyanskaya2001",
            "Troyanskaya, Olga and Cantor, Michael and Sherlock, Gavin and Brown, Pat and Hastie, Trevor and"
            " Tibshirani, Robert and Botstein, David and Altman, Russ B.",
            "Missing value estimation methods for DNA microarrays",
            "Bioinformatics",
            2001,
            "17",
            "520--525",
            "10.1093/bioinformatics/17.6.520",
        ),
    )

    def methods(self, run: StepRun) -> str:
        if run.settings.get("method") == "knn":
            return (
                "blank values of features were replaced by the mean of the {neighbours} nearest training patients"
                " [@troyanskaya2001]"
            )
        return "blank values of features were replaced by the median of the training patients"

    def fit(
        self, rows: TrainingRows, settings: ImputeSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Fitted:
        values = of_patients(rows)
        blank = np.isnan(values)
        whole = np.flatnonzero(~blank.all(axis=0))
        dropped = {rows.names[j]: WHOLLY_BLANK for j in np.flatnonzero(blank.all(axis=0))}
        share = blank.mean(axis=0)
        details = {
            "method": settings.method,
            "cells": int(blank.sum()),
            "blank": {rows.names[j]: float(share[j]) for j in np.flatnonzero(share)},
        }
        if settings.method == "median":
            names = tuple(rows.names[j] for j in whole)
            return Medians(names, {"median": np.nanmedian(values[:, whole], axis=0)}, dropped, details)
        by_name = whole[np.argsort([rows.names[j] for j in whole], kind="stable")]
        names, donors = tuple(rows.names[j] for j in by_name), values[:, by_name]
        scale = np.nanstd(donors, axis=0)
        scale[np.nanmin(donors, axis=0) == np.nanmax(donors, axis=0)] = 1.0
        mean = np.nanmean(donors, axis=0)
        return NearestRows(names, donors, scale, mean, settings.neighbours, dropped, details)

    def from_state(self, state: Mapping[str, Any]) -> Fitted:
        is_median = {Medians.method: True, NearestRows.method: False}[state["method"]]
        return Medians.from_state(state) if is_median else NearestRows.from_state(state)
