"""Columns on a common scale."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from prldh.chain.shared.linear import standardise
from prldh.chain.transforms.columnwise import Columnwise, of_patients
from prldh.core import Fitted, Reference, StepRun, TrainingRows
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings
from prldh.stats import power_of_two

#: A column's distribution is kept at so many quantiles, or one a training row.
MOST_QUANTILES = 1000
#: Shares beyond which values have no other rank, so that the normal quantile is finite (scikit-learn's).
LEAST_SHARE = 1e-7 - np.spacing(1)


class ScaleSettings(LearnerSettings):
    method: Literal["z", "robust", "normal", "power"] = Field(
        "z", description="mean and SD, median and quartiles, normal quantiles of the ranks, or Yeo–Johnson and then z"
    )


@dataclass(frozen=True, eq=False)
class Standardised(Columnwise):
    """(value − center) / scale."""

    method: ClassVar[str] = "z"

    def change(self, values: np.ndarray) -> np.ndarray:
        return np.asarray((values - self.parameters["center"]) / self.parameters["scale"])


@dataclass(frozen=True, eq=False)
class NormalQuantiles(Columnwise):
    """The normal quantile of a value's place among ``quantiles`` (p, q) of the training rows; beyond them, the one of
    the share 1e-7 or 1 − 1e-7. Tied quantiles give the middle of their places."""

    method: ClassVar[str] = "normal"

    def change(self, values: np.ndarray) -> np.ndarray:
        from scipy.special import ndtri

        quantiles = self.parameters["quantiles"]
        place = np.linspace(0, 1, quantiles.shape[1])
        share = np.empty(values.shape)
        for j, own in enumerate(quantiles):
            below, above = np.interp(values[:, j], own, place), np.interp(-values[:, j], -own[::-1], -place[::-1])
            share[:, j] = 0.5 * (below - above)
            share[values[:, j] <= own[0], j] = 0.0
            share[values[:, j] >= own[-1], j] = 1.0
        return np.asarray(ndtri(np.clip(share, LEAST_SHARE, 1 - LEAST_SHARE)))


@dataclass(frozen=True, eq=False)
class Powers(Columnwise):
    """Yeo and Johnson's power of every column (``power`` (p,)), then (value − center) / scale."""

    method: ClassVar[str] = "power"

    def change(self, values: np.ndarray) -> np.ndarray:
        changed = np.column_stack([yeo_johnson(x, b) for x, b in zip(values.T, self.parameters["power"], strict=True)])
        return np.asarray((changed - self.parameters["center"]) / self.parameters["scale"])


def yeo_johnson(values: np.ndarray, power: float) -> np.ndarray:
    """Yeo and Johnson's transformation of values (n,); a power of 1 changes nothing.

    ((x + 1)^b − 1) / b of values from 0 on (log(x + 1) where b is 0), −((1 − x)^(2 − b) − 1) / (2 − b) of those below
    (−log(1 − x) where b is 2).

    References
    ----------
    I.-K. Yeo, R. A. Johnson, Biometrika 87 (2000) 954-959.
    """
    if power == 1:
        return np.array(values, dtype=np.float64)
    size = np.log1p(np.abs(values))
    eps = np.finfo(np.float64).eps
    with np.errstate(over="ignore"):
        above = size if abs(power) < eps else np.expm1(power * size) / power
        below = -size if abs(power - 2) < eps else -np.expm1((2 - power) * size) / (2 - power)
    return np.where(values >= 0, above, np.where(values < 0, below, np.nan))


class ScaleTransform:
    """Bring columns to a common scale."""

    name = "scale"
    version = "1"
    gives: Literal["transforms values"] = "transforms values"
    Settings = ScaleSettings
    label = "Scaling"
    short_label = "scaling"
    references = (
        Reference(
            "yeo2000",
            "Yeo, In-Kwon and Johnson, Richard A.",
            "A new family of power transformations to improve normality or symmetry",
            "Biometrika",
            2000,
            "87",
            "954--959",
            "10.1093/biomet/87.4.954",
        ),
    )

    def methods(self, run: StepRun) -> str:
        return {
            "robust": "features were centred at the median and divided by the interquartile range",
            "normal": "features were replaced by the normal quantiles of their ranks",
            "power": "features were transformed by Yeo and Johnson's powers [@yeo2000] and standardised",
        }.get(str(run.settings.get("method")), "features were standardised")

    def fit(
        self, rows: TrainingRows, settings: ScaleSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Fitted:
        values, details = of_patients(rows), {"method": settings.method}
        if settings.method == "normal":
            places = np.linspace(0, 1, min(MOST_QUANTILES, len(values)))
            quantiles = np.maximum.accumulate(np.quantile(values, places, axis=0), axis=0)
            return NormalQuantiles(rows.names, {"quantiles": quantiles.T}, details=details)
        if settings.method == "power":
            return _fit_powers(values, rows.names)
        center, scale = _mean_and_sd(values)
        if settings.method == "robust":
            lower, center, upper = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
            scale = np.where(upper > lower, upper - lower, scale)
        return Standardised(rows.names, {"center": center, "scale": scale}, details=details)

    def from_state(self, state: Mapping[str, Any]) -> Fitted:
        fitted: dict[str, type[Columnwise]] = {each.method: each for each in (Standardised, NormalQuantiles, Powers)}
        return fitted[state["method"]].from_state(state)


def _mean_and_sd(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and SD (ddof 0) of columns, each (p,); the SD of a constant column is 1."""
    unit = power_of_two(values, axis=0)
    _, center, scale = standardise(values / unit)
    is_constant = np.ptp(values, axis=0) == 0
    return center * unit, np.where(is_constant, 1.0, scale * unit)


def _fit_powers(values: np.ndarray, names: tuple[str, ...]) -> Powers:
    """The powers of the largest likelihood. One that is not finite, or merges values that differ, is not used: the
    column is standardised as it is, which is told."""
    powers = np.ones(values.shape[1])
    kept = []
    for j, x in enumerate(values.T):
        if np.ptp(x) == 0:
            continue
        powers[j] = _best_power(x)
        changed = yeo_johnson(x, powers[j]) if np.isfinite(powers[j]) else np.full_like(x, np.nan)
        if not np.isfinite(changed).all() or np.unique(changed).size < np.unique(x).size:
            powers[j] = 1.0
            kept.append(names[j])
    changed = np.column_stack([yeo_johnson(x, b) for x, b in zip(values.T, powers, strict=True)])
    center, scale = _mean_and_sd(changed)
    remarks: tuple[str, ...] = ()
    if kept:
        listed = f"{kept[0]}{f' and {len(kept) - 1} more' if len(kept) > 1 else ''}"
        remarks = (f"no power of Yeo and Johnson's tells all values apart: standardised as they are: {listed}",)
    details = {"method": Powers.method, "power": dict(zip(names, powers.tolist(), strict=True))}
    return Powers(names, {"power": powers, "center": center, "scale": scale}, {}, details, remarks)


def _best_power(values: np.ndarray) -> float:
    """Yeo and Johnson's power of the largest likelihood of values (n,), as scikit-learn's ``PowerTransformer`` takes
    it; NaN where there is none."""
    from scipy.stats import yeojohnson_normmax

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return float(yeojohnson_normmax(values))
        except (ArithmeticError, ValueError, RuntimeError):
            return float("nan")
