"""The LASSO and recursive feature elimination by a linear SVM, and what both agree on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from prldh.chain.selection.shared import curve_by_size, curve_in_words, jsonable
from prldh.chain.selection.svm_rfe import accuracy_curve, rank_svm_rfe
from prldh.chain.shared import child_of, in_patient_order, inner_folds
from prldh.chain.shared.folds import stratified_folds
from prldh.chain.shared.linear import standardise
from prldh.core import (
    REFERENCES,
    Across,
    Paths,
    Points,
    Purpose,
    Reference,
    Selection,
    StepFigure,
    StepRun,
    TrainingRows,
    bounds,
    plain,
)
from prldh.engines import StatisticsEngine
from prldh.plugins import SelectorSettings

#: What of the LASSO's details the engine computed.
BY_ENGINE = "features lambda cv_mean cv_sd n_nonzero lambda_min intercept coefficients path".split()
#: Coefficients that are told one by one.
MOST_COEFFICIENTS = 8


class LassoSvmRfeSettings(SelectorSettings):
    folds: int = Field(
        10,
        ge=2,
        le=bounds.FOLDS,
        description="inner folds of the LASSO and of the recursive elimination",
        json_schema_extra={"unit": "folds"},
    )
    combine: Literal["intersection", "union", "lasso", "svm_rfe"] = Field(
        "intersection",
        description=(
            "which features stay: those of both methods (intersection), of either (union), of the"
            " LASSO alone or of the SVM's recursive elimination alone"
        ),
    )
    cost: float = Field(1.0, gt=0, le=bounds.NUMBER, description="the SVM's C")


class LassoSvmRfeSelector:
    """Features that the LASSO and SVM-RFE choose, each with its own inner folds, combined."""

    name = "lasso_svm_rfe"
    version = "1"
    Settings = LassoSvmRfeSettings
    label = "LASSO and SVM-RFE"
    short_label = "LASSO + SVM-RFE"
    explanation = "the LASSO and SVM-RFE are two ways to choose among those that remain"
    purposes = {Purpose.REDUNDANCY: ""}
    by_engine = tuple(f"lasso.{key}" for key in BY_ENGINE)
    references = (
        REFERENCES["tibshirani1996"],
        REFERENCES["friedman2010"],
        Reference(
            "guyon2002",
            "Guyon, Isabelle and Weston, Jason and Barnhill, Stephen and Vapnik, Vladimir",
            "Gene selection for cancer classification using support vector machines",
            "Machine Learning",
            2002,
            "46",
            "389--422",
            "10.1023/A:1012487302797",
        ),
    )

    def fit(
        self, rows: TrainingRows, settings: LassoSvmRfeSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection:
        everything = np.arange(len(rows.names))
        details: dict[str, Any] = {"combine": settings.combine, "lasso": None, "svm_rfe": None, "rule": "all kept"}
        if everything.size < 2:
            return Selection(everything, {}, details | {"note": "one feature left: LASSO and SVM-RFE skipped"})
        rows = in_patient_order(rows)
        n_folds, warnings = inner_folds(rows, settings.folds)
        details["folds"] = n_folds
        if n_folds is None:
            return Selection(everything, {}, details, (*warnings, "LASSO and SVM-RFE skipped: all features are kept"))
        lasso = svm = np.array([], dtype=np.int64)
        if settings.combine != "svm_rfe":
            lasso, details["lasso"], lasso_warnings = _lasso(rows, n_folds, child_of(seed, 0), engine)
            warnings += lasso_warnings
        if settings.combine != "lasso" or not lasso.size:
            svm, details["svm_rfe"] = _svm_rfe(rows, n_folds, settings.cost, child_of(seed, 1))
        kept, details["rule"] = _combine(lasso, svm, settings.combine)
        return Selection(kept, _lasso_svm_reasons(rows.names, kept, lasso, svm, details), details, warnings)

    def methods(self, run: StepRun) -> str:
        lasso = "the LASSO [@tibshirani1996; @friedman2010]"
        svm = "recursive elimination by a support-vector machine [@guyon2002]"
        combine = run.settings["combine"]
        if combine in ("lasso", "svm_rfe"):
            only = lasso if combine == "lasso" else svm
            return f"{only} was run with {{folds}} inner folds, and its features were kept"
        joined = {
            "intersection": "features that both chose were kept, or the LASSO's where there was none",
            "union": "features that either chose were kept",
        }
        return f"{lasso} and {svm} were run with {{folds}} inner folds, and {joined[combine]}"

    def figures(self, details: Mapping[str, Any]) -> list[StepFigure]:
        figures = [draw_penalised(details["lasso"])] if details.get("lasso") else []
        svm = details.get("svm_rfe")
        if svm:
            chosen = svm["chosen_size"]
            figures.append(
                StepFigure(
                    "svm_rfe",
                    "SVM-RFE",
                    f"Accuracy in inner folds by number of features; {chosen} features were chosen.",
                    (("SVM-RFE", curve_by_size(svm, chosen, "accuracy in inner folds")),),
                    curve_in_words("The mean accuracy", svm, chosen),
                )
            )
        return figures


def draw_penalised(
    lasso: Mapping[str, Any], name: str = "lasso", title: str = "LASSO", chosen: str = "lambda_min"
) -> StepFigure:
    """Coefficients along lambda, and what cross-validation says of each lambda; ``chosen``: the key of the one that
    was taken."""
    across = Across("lambda (log scale)", mark=lasso[chosen], is_log=True, is_reversed=True)
    called = chosen.replace("_", ".")
    mean, coefficients = lasso["cv_mean"], lasso["coefficients"]
    n = len(coefficients)
    kept = ", ".join(f"{feature} {plain(b)}" for feature, b in list(coefficients.items())[:MOST_COEFFICIENTS])
    return StepFigure(
        name,
        title,
        "Left: coefficients along lambda. Right: cross-validated deviance with its standard deviation; the dashed line"
        f" is {called}, {plain(lasso[chosen], 4)}.",
        (
            (f"{title} paths", Paths(across, "coefficient (standardised)", lasso["lambda"], lasso["path"])),
            (
                f"{title}, deviance",
                Points(
                    across,
                    "binomial deviance",
                    lasso["lambda"][: len(mean)],
                    mean,
                    [sd or 0 for sd in lasso["cv_sd"]],
                ),
            ),
        ),
        f"At {called} {n} feature{'s' * (n != 1)} {'have' if n != 1 else 'has'} a coefficient other than 0:"
        f" {kept}{' and others' if n > MOST_COEFFICIENTS else ''}.",
    )


def _lasso(
    rows: TrainingRows, n_folds: int, seed: np.random.SeedSequence, engine: StatisticsEngine
) -> tuple[np.ndarray, dict[str, Any] | None, tuple[str, ...]]:
    """The LASSO's set, its details, warnings. Columns are standardised by the training rows, ddof 0."""
    fold = stratified_folds(rows.outcome, n_folds, seed, rows.patient)
    # glmnet refuses to fit fewer than two rows of a class
    if least_class_in_training(rows.outcome, fold) < 2:
        warning = "LASSO not computed: a training part of its inner folds has fewer than two rows of a class"
        return np.array([], dtype=np.int64), None, (warning,)
    standardised, center, scale = standardise(rows.values)
    fit = engine.cv_lasso(standardised, rows.outcome.astype(np.float64), fold + 1)
    coefficients = np.asarray(fit["coefficients"], dtype=np.float64)
    kept = np.flatnonzero(coefficients[1:] != 0)
    details = {
        "features": [rows.names[j] for j in kept],
        "lambda": jsonable(fit["lambda"]),
        "cv_mean": jsonable(fit["cv_mean"]),
        "cv_sd": jsonable(fit["cv_sd"]),
        "n_nonzero": [int(count) for count in fit["n_nonzero"]],
        "lambda_min": float(fit["lambda_min"]),
        "intercept": float(coefficients[0]),
        "coefficients": {rows.names[j]: float(coefficients[j + 1]) for j in kept},
        "center": {rows.names[j]: float(center[j]) for j in kept},
        "scale": {rows.names[j]: float(scale[j]) for j in kept},
        "path": entering(rows.names, np.asarray(fit["path"], dtype=np.float64)),
    }
    return kept, details, ()


def entering(names: tuple[str, ...], path: np.ndarray) -> dict[str, list[float]]:
    """Coefficients along lambda of every feature that ever enters."""
    return {names[j]: path[j + 1].tolist() for j in np.flatnonzero((path[1:] != 0).any(axis=1))}


def _svm_rfe(
    rows: TrainingRows, n_folds: int, cost: float, seed: np.random.SeedSequence
) -> tuple[np.ndarray, dict[str, Any]]:
    """SVM-RFE's set and its details."""

    fold = stratified_folds(rows.outcome, n_folds, seed, rows.patient)
    ranking = rank_svm_rfe(rows.values, rows.outcome, cost)
    curve = accuracy_curve(rows.values, rows.outcome, ranking, fold, cost)
    kept = np.sort(ranking[: curve.best_size])
    details = {
        "features": [rows.names[j] for j in kept],
        "ranking": [rows.names[j] for j in ranking],
        "sizes": list(range(1, ranking.size + 1)),
        "mean": curve.mean.tolist(),
        "sd": jsonable(curve.sd),
        "chosen_size": curve.best_size,
        "cost": cost,
    }
    return kept, details


def _combine(lasso: np.ndarray, svm: np.ndarray, combine: str) -> tuple[np.ndarray, str]:
    """The set that is kept, ascending, and the rule that gave it."""
    if combine == "svm_rfe" or not lasso.size:
        return svm, "svm_rfe" if combine == "svm_rfe" else "svm_rfe, as the LASSO chose nothing"
    if combine == "union":
        return np.union1d(lasso, svm), "union"
    if combine == "lasso":
        return lasso, "lasso"
    both = np.intersect1d(lasso, svm)
    return (both, "intersection") if both.size else (lasso, "lasso, as the intersection is empty")


def _lasso_svm_reasons(
    names: tuple[str, ...], kept: np.ndarray, lasso: np.ndarray, svm: np.ndarray, details: dict[str, Any]
) -> dict[str, str]:
    dropped = {}
    for j in np.setdiff1d(np.arange(len(names)), kept):
        reasons = []
        if details["lasso"] is not None and j not in lasso:
            reasons.append("LASSO coefficient 0")
        if details["svm_rfe"] is not None and j not in svm:
            size = details["svm_rfe"]["chosen_size"]
            rank = details["svm_rfe"]["ranking"].index(names[j]) + 1
            reasons.append(f"not in the {size} feature{'s' * (size != 1)} chosen by SVM-RFE (rank {rank})")
        dropped[names[j]] = ", ".join(reasons)
    return dropped


def least_class_in_training(outcome: np.ndarray, fold: np.ndarray) -> int:
    """Rows of the rarer class in the smallest training part of the folds."""
    return min(np.bincount(outcome[fold != k], minlength=2).min() for k in range(int(fold.max()) + 1))
