"""Logistic regression as a learner, and what linear learners share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from prldh.core import LinearScore, SecondStage, StepRun, TrainingRows, warn
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings

#: The settings that ``radscore: NAME`` stands for.
RADSCORES: Mapping[str, Mapping[str, Any]] = {"logistic": {}, "lasso": {"tolerance": 1e-14}}


def standardised(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns (n, p) about their means and in SDs (ddof 0), the means and the SDs (p,); a constant one is 0, its SD
    1."""
    center, scale = values.mean(axis=0), values.std(axis=0)
    varies = np.ptp(values, axis=0) > 0
    scale = np.where(varies & (scale > 0), scale, 1.0)
    return np.where(varies, (values - center) / scale, 0.0), center, scale


class NoSettings(LearnerSettings):
    """Nothing to be told."""


class LogisticLearner:
    """Logistic regression by maximum likelihood."""

    name = "logistic"
    version = "1"
    gives: Literal["scores"] = "scores"
    Settings = NoSettings
    second_stage: SecondStage = "in_sample"
    label = "logistic regression"

    def fit(
        self, rows: TrainingRows, settings: NoSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> LinearScore:
        z, center, scale = standardised(rows.values)
        fit = engine.fit_logistic(np.column_stack([np.ones(len(z)), z]), rows.outcome.astype(float))
        b = np.nan_to_num(np.asarray(fit["coefficients"], dtype=float))
        is_separated = fit["deviance"] < 1e-6 * max(fit["null_deviance"], 1.0) or not fit["converged"]
        features = tuple(("", name) for name in rows.names)
        warnings = (warn.RADSCORE_SEPARATED(),) if is_separated else ()
        return LinearScore(float(b[0]), features, b[1:], center, scale, {}, warnings)

    def from_state(self, state: Mapping[str, Any]) -> LinearScore:
        return LinearScore.from_state(state)

    def methods(self, run: StepRun) -> str:
        return "logistic regression"
