"""The features that a penalised logistic regression has a coefficient for: the LASSO and the elastic net."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from prldh.chain.selection.lasso_svm_rfe import draw_penalised, entering, least_class_in_training
from prldh.chain.selection.shared import jsonable
from prldh.chain.shared import child_of, in_patient_order, inner_folds
from prldh.chain.shared.folds import stratified_folds
from prldh.chain.shared.linear import standardise
from prldh.core import REFERENCES, Purpose, Reference, Selection, StepFigure, StepRun, TrainingRows, bounds
from prldh.engines import StatisticsEngine
from prldh.plugins import SelectorSettings

#: What of its details the engine computed.
BY_ENGINE = ("features", "lambda", "cv_mean", "cv_sd", "n_nonzero", "lambda_min", "lambda_1se", "coefficients", "path")
#: glmnet takes no fewer.
LEAST_FOLDS, LEAST_FEATURES, LEAST_ROWS = 3, 2, 2


class LassoSettings(SelectorSettings):
    folds: int = Field(10, ge=LEAST_FOLDS, le=bounds.FOLDS, description="inner folds")
    rule: Literal["min", "one_se"] = Field(
        "min", description="the least deviance, or the largest penalty within one standard error of it"
    )


class ElasticNetSettings(LassoSettings):
    alpha: float = Field(0.5, gt=0, le=1, description="from near 0, ridge's penalty, to 1, the LASSO's")


class LassoSelector:
    """Keep the features with a coefficient other than 0 in a logistic regression with the LASSO's penalty."""

    name = "lasso"
    version = "1"
    Settings: type[LassoSettings] = LassoSettings
    label = "LASSO"
    short_label = "LASSO"
    explanation = "the LASSO keeps features that a penalised model makes use of"
    purposes = {Purpose.REDUNDANCY: ""}
    by_engine = BY_ENGINE
    references: tuple[Reference, ...] = (REFERENCES["tibshirani1996"], REFERENCES["friedman2010"])

    def methods(self, run: StepRun) -> str:
        return f"{self._called()} {_tuned(run)}"

    def _called(self) -> str:
        return "features were kept to which the LASSO [@tibshirani1996; @friedman2010] gave a coefficient"

    def fit(
        self, rows: TrainingRows, settings: LassoSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection:
        everything = np.arange(len(rows.names))
        if everything.size < LEAST_FEATURES:
            return Selection(everything, {}, {"note": f"one feature left: {self.label} skipped"})
        rows = in_patient_order(rows)
        n_folds, warnings = inner_folds(rows, settings.folds)
        fold = None if n_folds is None else stratified_folds(rows.outcome, n_folds, child_of(seed, 0), rows.patient)
        if fold is None or fold.max() + 1 < LEAST_FOLDS or least_class_in_training(rows.outcome, fold) < LEAST_ROWS:
            why = f"{self.label} skipped, as a class has too few patients for its inner folds: all features are kept"
            return Selection(everything, {}, {"note": why}, (*warnings, why))
        standardised, center, scale = standardise(rows.values)
        found = self._path(standardised, rows.outcome.astype(np.float64), fold + 1, settings, engine)
        penalties, mean, error = (np.asarray(found[key], dtype=np.float64) for key in ("lambda", "cv_mean", "cv_sd"))
        least = int(np.argmin(mean))
        within = int(np.flatnonzero(mean <= mean[least] + error[least])[0])
        chosen = least if settings.rule == "min" else within
        path = np.asarray(found["path"], dtype=np.float64)
        coefficients = path[1:, chosen]
        kept = np.flatnonzero(coefficients)
        names = rows.names
        dropped = {
            names[j]: f"{self.label} coefficient 0 at lambda {penalties[chosen]:.3g}"
            for j in np.flatnonzero(coefficients == 0)
        }
        details = {
            "features": [names[j] for j in kept],
            "folds": n_folds,
            "rule": settings.rule,
            "lambda": jsonable(penalties),
            "cv_mean": jsonable(mean),
            "cv_sd": jsonable(error),
            "n_nonzero": [int(count) for count in found["n_nonzero"]],
            "lambda_min": float(penalties[least]),
            "lambda_1se": float(penalties[within]),
            "coefficients": {names[j]: float(coefficients[j]) for j in kept},
            "center": {names[j]: float(center[j]) for j in kept},
            "scale": {names[j]: float(scale[j]) for j in kept},
            "path": entering(names, path),
        }
        return Selection(kept, dropped, details, warnings)

    def _path(
        self,
        standardised: np.ndarray,
        outcome: np.ndarray,
        fold: np.ndarray,
        settings: LassoSettings,
        engine: StatisticsEngine,
    ) -> Mapping[str, Any]:
        found: Mapping[str, Any] = engine.cv_lasso(standardised, outcome, fold)
        return found

    def figures(self, details: Mapping[str, Any]) -> list[StepFigure]:
        if "path" not in details:
            return []
        chosen = "lambda_min" if details["rule"] == "min" else "lambda_1se"
        return [draw_penalised(details, self.name, self.label, chosen)]


def _tuned(run: StepRun) -> str:
    if run.settings.get("rule") == "one_se":
        return "at the largest penalty within one standard error of the least deviance in {folds} inner folds"
    return "at the penalty of the least deviance in {folds} inner folds"
