"""Linear learners: logistic regression and the LASSO."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from prldh.chain.selection import distinct_patients, stratified_folds
from prldh.core import REFERENCES, LinearScore, Reference, SecondStage, StepRun, TrainingRows, warn
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings

TIBSHIRANI = Reference(
    "tibshirani1996",
    "Tibshirani, Robert",
    "Regression shrinkage and selection via the lasso",
    "Journal of the Royal Statistical Society, Series B",
    1996,
    "58",
    "267--288",
    "10.1111/j.2517-6161.1996.tb02080.x",
)


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
        center, scale = rows.values.mean(axis=0), rows.values.std(axis=0)
        scale[scale == 0] = 1.0
        z = (rows.values - center) / scale
        fit = engine.fit_logistic(np.column_stack([np.ones(len(z)), z]), rows.outcome.astype(float))
        b = np.nan_to_num(np.asarray(fit["coefficients"], dtype=float))
        is_separated = fit["deviance"] < 1e-6 * max(fit["null_deviance"], 1.0) or not fit["converged"]
        features = tuple(("", name) for name in rows.names)
        warnings = (warn.RADSCORE_SEPARATED(),) if is_separated else ()
        return LinearScore(float(b[0]), features, b[1:], center, scale, {}, warnings)

    def from_state(self, state: Mapping[str, Any]) -> LinearScore:
        return LinearScore.from_state(state)

    def methods(self, run: StepRun) -> str:
        return "a logistic model"


class LassoSettings(LearnerSettings):
    folds: int = Field(10, ge=3)


class LassoLearner:
    """Logistic regression with an L1 penalty, chosen at the least deviance in inner folds."""

    name = "lasso"
    version = "1"
    gives: Literal["scores"] = "scores"
    Settings = LassoSettings
    label = "LASSO"
    references = (TIBSHIRANI, REFERENCES["friedman2010"])

    def fit(
        self, rows: TrainingRows, settings: LassoSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> LinearScore:
        if len(rows.names) < 2:  # glmnet takes two features or more
            return LogisticLearner().fit(rows, NoSettings(), seed, engine)
        center, scale = rows.values.mean(axis=0), rows.values.std(axis=0)
        scale[scale == 0] = 1.0
        z = (rows.values - center) / scale
        n_folds = max(3, min(settings.folds, *distinct_patients(rows.outcome, rows.patient)))
        folds = stratified_folds(rows.outcome, n_folds, seed, rows.patient) + 1
        b = np.asarray(engine.cv_lasso(z, rows.outcome.astype(float), folds)["coefficients"], dtype=float)
        kept = np.flatnonzero(b[1:])
        features = tuple(("", rows.names[j]) for j in kept)
        return LinearScore(float(b[0]), features, b[1 + kept], center[kept], scale[kept])

    def from_state(self, state: Mapping[str, Any]) -> LinearScore:
        return LinearScore.from_state(state)

    def methods(self, run: StepRun) -> str:
        return "a logistic model with the LASSO's penalty [@tibshirani1996; @friedman2010]"
