"""Penalised linear learners: the LASSO, ridge and the elastic net, their penalty chosen in inner folds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from prldh.chain.learners.linear import LogisticLearner, NoSettings, standardised
from prldh.chain.shared import distinct_patients, stratified_folds
from prldh.core import REFERENCES, LinearScore, Reference, StepRun, TrainingRows, bounds
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings

LEAST_FOLDS = 3  # cv.glmnet's
#: Rows of each class that a training part needs: glmnet's.
LEAST_ROWS = 2

HOERL = Reference(
    "hoerl1970",
    "Hoerl, Arthur E. and Kennard, Robert W.",
    "Ridge regression: biased estimation for nonorthogonal problems",
    "Technometrics",
    1970,
    "12",
    "55--67",
    "10.1080/00401706.1970.10488634",
)


class PenalisedSettings(LearnerSettings):
    folds: int = Field(10, ge=LEAST_FOLDS, le=bounds.FOLDS, description="inner folds, dealt by patient")
    rule: Literal["min", "one_se"] = Field(
        "min", description="min: the penalty of least deviance; one_se: the largest within a standard error of it"
    )
    tolerance: float = Field(1e-7, ge=1e-14, le=1e-3, description="glmnet's thresh")
    n_lambda: int = Field(100, ge=2, le=1000, description="penalties on the path")


class ElasticNetSettings(PenalisedSettings):
    alphas: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        (0.1, 0.55, 1.0),
        min_length=1,
        max_length=bounds.POINTS,
        description="shares of the LASSO in the penalty, one of which is chosen",
    )

    @field_validator("alphas")
    @classmethod
    def _differ(cls, alphas: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(alphas)) < len(alphas):
            raise ValueError("name each alpha once")
        return alphas


def _penalty_chosen(run: StepRun) -> str:
    """How the penalty is chosen, for the paper."""
    rule = "the largest penalty within one standard error of the least" if run.settings["rule"] == "one_se" else "least"
    return f"its penalty chosen by {rule} deviance in {{folds}} inner folds dealt by patient"


class LassoLearner:
    """Logistic regression with an L1 penalty: few features have a coefficient, and these alone are read."""

    name = "lasso"
    version = "1"
    gives: Literal["scores"] = "scores"
    Settings = PenalisedSettings
    label = "LASSO"
    references = (REFERENCES["tibshirani1996"], REFERENCES["friedman2010"])

    def fit(
        self, rows: TrainingRows, settings: PenalisedSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> LinearScore:
        return fit_penalised(rows, settings, (1.0,), seed, engine)

    def from_state(self, state: Mapping[str, Any]) -> LinearScore:
        return LinearScore.from_state(state)

    def methods(self, run: StepRun) -> str:
        return f"the LASSO [@tibshirani1996; @friedman2010], {_penalty_chosen(run)}"


class RidgeLearner:
    """Logistic regression with an L2 penalty: every feature has a coefficient."""

    name = "ridge"
    version = "1"
    gives: Literal["scores"] = "scores"
    Settings = PenalisedSettings
    label = "ridge regression"
    references = (HOERL, REFERENCES["friedman2010"])

    def fit(
        self, rows: TrainingRows, settings: PenalisedSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> LinearScore:
        return fit_penalised(rows, settings, (0.0,), seed, engine)

    def from_state(self, state: Mapping[str, Any]) -> LinearScore:
        return LinearScore.from_state(state)

    def methods(self, run: StepRun) -> str:
        return f"ridge regression [@hoerl1970; @friedman2010], {_penalty_chosen(run)}"


class ElasticNetLearner:
    """Logistic regression with both penalties; their shares are chosen from a grid, on the same inner folds."""

    name = "elastic_net"
    version = "1"
    gives: Literal["scores"] = "scores"
    Settings = ElasticNetSettings
    label = "elastic net"
    references = (REFERENCES["zou2005"], REFERENCES["friedman2010"], REFERENCES["kuhn2008"])

    def fit(
        self, rows: TrainingRows, settings: ElasticNetSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> LinearScore:
        return fit_penalised(rows, settings, settings.alphas, seed, engine)

    def from_state(self, state: Mapping[str, Any]) -> LinearScore:
        return LinearScore.from_state(state)

    def methods(self, run: StepRun) -> str:
        return (
            f"the elastic net [@zou2005; @friedman2010], {_penalty_chosen(run)}, and alpha with it from a grid (caret's"
            " unless set otherwise [@kuhn2008])"
        )


def fit_penalised(
    rows: TrainingRows,
    settings: PenalisedSettings,
    alphas: tuple[float, ...],
    seed: np.random.SeedSequence,
    engine: StatisticsEngine,
) -> LinearScore:
    """The penalised model of least inner-fold deviance over lambda and ``alphas``; of equal ones the larger alpha.

    Columns go in the order of their names and rows in that of their patients, so that neither order matters. One
    feature is fitted without a penalty, as glmnet takes two or more; where inner folds are not to be had, the score is
    the intercept alone, with a warning.
    """
    if len(rows.names) < 2:
        return LogisticLearner().fit(rows, NoSettings(), seed, engine)
    by_name, by_patient = np.argsort(rows.names, kind="stable"), np.argsort(rows.patient, kind="stable")
    outcome, patient = rows.outcome[by_patient].astype(np.int8), rows.patient[by_patient]
    z, center, scale = standardised(rows.values[by_patient][:, by_name])
    folds, warnings, obstacle = _inner_folds(z, outcome, patient, settings.folds, seed)
    if obstacle:
        return _intercept_alone(outcome, obstacle)
    fits = {
        alpha: engine.cv_elastic_net(z, outcome, folds + 1, alpha, settings.n_lambda, settings.tolerance)
        for alpha in sorted(alphas, reverse=True)
    }
    alpha = min(fits, key=lambda each: float(np.min(fits[each]["cv_mean"])))
    found = fits[alpha]
    chosen = found["lambda_1se" if settings.rule == "one_se" else "lambda_min"]
    at = int(np.flatnonzero(np.asarray(found["lambda"]) == chosen)[0])
    b = np.asarray(found["path"], dtype=float)[:, at]
    place = np.argsort(by_name)  # of each feature among the sorted ones
    kept = place[b[1:][place] != 0.0]
    details = {
        "alpha": alpha,
        "lambda": float(chosen),
        "rule": settings.rule,
        "folds": int(folds.max()) + 1,
        "n_features": len(kept),
        "paths": [
            {"alpha": each, **{key: [float(v) for v in np.asarray(fit[key])] for key in ("lambda", "cv_mean", "cv_sd")}}
            for each, fit in sorted(fits.items())
        ],
    }
    names = sorted(rows.names)
    features = tuple(("", names[j]) for j in kept)
    score = LinearScore(float(b[0]), features, b[1:][kept], center[kept], scale[kept], details, warnings)
    return score.reaching(rows.values[:, by_name[kept]])


def _inner_folds(
    z: np.ndarray, outcome: np.ndarray, patient: np.ndarray, wanted: int, seed: np.random.SeedSequence
) -> tuple[np.ndarray, tuple[str, ...], str]:
    """The inner fold of each row, from 0; that they are fewer than wanted; or why there are none."""
    fewest = min(distinct_patients(outcome, patient))
    n_folds = max(LEAST_FOLDS, min(wanted, fewest))
    folds = stratified_folds(outcome, n_folds, seed, patient)
    have = f"a class has {fewest} distinct patient{'s' * (fewest != 1)} in training"
    parts = [folds != fold for fold in range(int(folds.max()) + 1)]
    if len(parts) < LEAST_FOLDS or min(np.bincount(outcome[part], minlength=2).min() for part in parts) < LEAST_ROWS:
        return folds, (), f"no inner folds with {LEAST_ROWS} rows of each class or more in training: {have}"
    if not all(np.ptp(z[part], axis=0).any() for part in parts):
        return folds, (), "every feature is constant in the training part of an inner fold"
    return folds, (f"{n_folds} inner folds instead of {wanted}: {have}",) if n_folds < wanted else (), ""


def _intercept_alone(outcome: np.ndarray, obstacle: str) -> LinearScore:
    """A score that reads no feature: the log odds of the event among the rows, half a row more on either side where a
    class is absent."""
    events, others = float(outcome.sum()), float((1 - outcome).sum())
    extra = 0.0 if events and others else 0.5
    none = np.empty(0)
    warning = f"{obstacle}; the score is the intercept alone"
    return LinearScore(float(np.log((events + extra) / (others + extra))), (), none, none, none, {}, (warning,))
