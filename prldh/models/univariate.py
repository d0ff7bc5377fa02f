"""Univariate screens: every feature, every covariate and every Radscore alone against the outcome.

Descriptive. The screen sees every patient, so nothing of it is handed to selection, Radscores or models: a selection
step of this kind (:mod:`prldh.chain.selection.univariate`) computes its own on training rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from prldh.chain import build_design
from prldh.core import (
    ABSENT,
    Absent,
    Cohort,
    Design,
    FeatureBlock,
    Given,
    Inline,
    Later,
    Number,
    Warn,
    complete_rows,
    finite,
    record_of,
    warn,
)
from prldh.engines import StatisticsEngine
from prldh.models.fit import NO_COEFFICIENT, Coefficient, fit_designs
from prldh.models.likelihoods import OverallTest, overall_tests
from prldh.study import Univariate

ALPHA = 0.05
"""Features are counted whose p is below this."""
METHODS = {"none": (), "holm": ("holm",), "bh": ("bh",), "both": ("holm", "bh")}


@dataclass(frozen=True)
class UnivariateTerm:
    """A term of a logistic model of one variable; ``is_fitted``: a Radscore that these patients made."""

    variable: str
    level: Later[str | None]
    term: str
    is_radscore: Later[bool]
    is_fitted: Later[bool]
    n: Given[int]
    events: Given[int]
    fit: str
    coefficient: Inline[Coefficient]
    p_holm: Number | Absent = ABSENT
    p_bh: Number | Absent = ABSENT


@dataclass(frozen=True)
class ScreenedFeature:
    """A feature alone against the outcome."""

    source: Later[str]
    feature: Later[str]
    auc: Later[Number]
    r: Later[Number]
    statistic: Later[Number]
    p: Later[Number]
    p_holm: Number | Absent = ABSENT
    p_bh: Number | Absent = ABSENT


@dataclass(frozen=True)
class FeatureScreen:
    """The features of a tissue: how many were tested, how many are below :data:`ALPHA`, and the smallest p-values."""

    n: Given[int]
    n_tested: Given[int]
    n_below_by_chance: Given[Later[float]]
    n_below: Given[Mapping[str, int]]
    smallest: tuple[ScreenedFeature, ...]


@dataclass(frozen=True)
class UnivariateScreen:
    """``adjusted``: which of ``p_holm``, ``p_bh`` the rows have."""

    test: Literal["t", "wilcoxon"]
    adjusted: Given[tuple[str, ...]]
    alpha: Given[Later[float]]
    terms: tuple[UnivariateTerm, ...]
    overall_tests: Later[tuple[OverallTest, ...]]
    features: Mapping[str, FeatureScreen]


def describe_univariate(
    cohort: Cohort,
    blocks: Mapping[str, tuple[FeatureBlock, ...]],
    scores: Mapping[str, np.ndarray],
    settings: Univariate,
    engine: StatisticsEngine,
    level: float,
    on_separation: str,
) -> tuple[UnivariateScreen, pd.DataFrame, list[Warn]]:
    """Screens of features and univariable logistic models.

    Parameters
    ----------
    blocks
        Features by tissue, of which the first reader's are tested.
    scores
        Radscores (n,) by tissue; one whose tissue is in ``blocks`` was fitted on these patients, and its p means
        nothing.
    on_separation
        As for models, but ``error`` stops nothing here: such a term then has no estimate.

    Returns
    -------
    screen, features, warnings
        ``features`` has one row a feature, the smallest p of each tissue first. Adjusted are the p-values of a tissue's
        features together, and those of the terms together, fitted Radscores left out.
    """
    methods = METHODS[settings.adjust_p]
    terms, overall, warnings = _univariable_models(cohort, blocks, scores, engine, level, on_separation)
    tables = {
        name: _screen(name, tissue, cohort.outcome, settings.test, methods, engine) for name, tissue in blocks.items()
    }
    screen = UnivariateScreen(
        test=settings.test,
        adjusted=methods,
        alpha=ALPHA,
        terms=_adjusted(terms, methods, engine),
        overall_tests=tuple(overall),
        features={name: _summary(table, methods, settings.shown) for name, table in tables.items()},
    )
    return screen, pd.concat(tables.values(), ignore_index=True) if tables else pd.DataFrame(), warnings


# ---------------------------------------------------------------- features


def _screen(
    name: str,
    blocks: tuple[FeatureBlock, ...],
    outcome: np.ndarray,
    test: str,
    methods: tuple[str, ...],
    engine: StatisticsEngine,
) -> pd.DataFrame:
    """One row a feature of a tissue, the smallest p first; p-values that are equal up to rounding keep the order of the
    columns. Where there is no p, as of rows that are clustered in patients, the AUC farthest from 0.5 is first."""
    screen = _screen_of_known(np.hstack([b.first for b in blocks]), outcome, engine)
    p = np.asarray(screen[f"p_{test}"], dtype=float)
    table = pd.DataFrame(
        {
            "tissue": name,
            "source": [b.source for b in blocks for _ in b.names],
            "feature": [f for b in blocks for f in b.names],
            "auc": screen["auc"],
            "r": screen["r"],
            "statistic": screen["t" if test == "t" else "w"],
            "p": p,
            **{f"p_{method}": engine.adjust_p(p, method) for method in methods},
        }
    )
    by = p if np.isfinite(p).any() else -np.abs(table["auc"].to_numpy() - 0.5)
    return table.iloc[np.argsort([float(f"{value:.9e}") for value in by], kind="stable")].reset_index(drop=True)


def _screen_of_known(values: np.ndarray, outcome: np.ndarray, engine: StatisticsEngine) -> Mapping[str, np.ndarray]:
    """The screen of each feature on the patients who have it."""
    blank = np.isnan(values)
    if not blank.any():
        return engine.univariate_screen(values, outcome)
    screen: dict[str, np.ndarray] = {}
    for columns, rows in complete_rows(blank):
        found = engine.univariate_screen(values[np.ix_(rows, columns)], outcome[rows]) if rows.size else {}
        for key, own in found.items():
            screen.setdefault(key, np.full(values.shape[1], np.nan))[columns] = own
    return screen


def _summary(table: pd.DataFrame, methods: tuple[str, ...], shown: int) -> FeatureScreen:
    tested = table[table["p"].notna()]
    first = table[table["auc"].notna()] if tested.empty else tested
    adjusted = [f"p_{method}" for method in methods]
    columns = ["source", "feature", "auc", "r", "statistic", "p", *adjusted]
    return FeatureScreen(
        n=len(table),
        n_tested=len(tested),
        n_below_by_chance=ALPHA * len(tested),
        n_below={key: int((tested[key] < ALPHA).sum()) for key in ("p", *adjusted)},
        smallest=tuple(
            record_of(ScreenedFeature, dict(zip(columns, row, strict=True)), source=row[0], feature=row[1])
            for row in first[columns].head(shown).itertuples(index=False)
        ),
    )


# ---------------------------------------------------------------- covariates and Radscores


def _univariable_models(
    cohort: Cohort,
    blocks: Mapping[str, tuple[FeatureBlock, ...]],
    scores: Mapping[str, np.ndarray],
    engine: StatisticsEngine,
    level: float,
    on_separation: str,
) -> tuple[list[UnivariateTerm], list[OverallTest], list[Warn]]:
    """Terms and overall tests of a logistic model for each covariate, on the patients who have it, and Radscore."""
    terms: list[UnivariateTerm] = []
    overall: list[OverallTest] = []
    warnings: list[Warn] = []
    for covariate in cohort.covariates:
        values = cohort.coded[covariate.name]
        known = np.isfinite(values) if covariate.kind == "continuous" else values >= 0
        outcome = cohort.outcome[known]
        design = (
            build_design((covariate.name,), cohort, {}, {}, {covariate.name: values[known]}) if known.any() else None
        )
        own, tests, warned = _terms(covariate.name, design, outcome, engine, level, on_separation)
        terms += own
        overall += tests
        warnings += warned
    for name, values in scores.items():
        if name not in cohort.coded:
            known = np.isfinite(values)
            design = build_design((name,), cohort, {name: values[known]}, {}, {}) if known.any() else None
            own, _, warned = _terms(name, design, cohort.outcome[known], engine, level, on_separation)
            warnings += warned
            terms += [replace(term, is_radscore=True, is_fitted=name in blocks) for term in own]
    return terms, overall, warnings


def _terms(
    name: str,
    design: Design | None,
    outcome: np.ndarray,
    engine: StatisticsEngine,
    level: float,
    on_separation: str,
) -> tuple[list[UnivariateTerm], Sequence[OverallTest], list[Warn]]:
    """Where the variable or the outcome does not vary: one term without numbers, and a warning."""
    counts = (False, False, len(outcome), int(outcome.sum()))
    if design is None or np.ptp(outcome) == 0 or np.ptp(design.matrix[:, 1:], axis=0).sum() == 0:
        term = UnivariateTerm(name, None, name, *counts, "none", NO_COEFFICIENT)
        return [term], (), [warn.NO_UNIVARIABLE_MODEL(variable=name, n=len(outcome))]
    on_separation = "warn" if on_separation == "error" else on_separation
    fit = fit_designs([design], outcome, engine, level, on_separation, f"univariable model of '{name}'")
    terms = [
        UnivariateTerm(name, design.levels[j], design.columns[j], *counts, fit.how, fit.coefficient(j))
        for j in range(1, len(design.columns))
    ]
    return terms, overall_tests([design], fit.how, outcome, engine), []


def _adjusted(
    terms: Sequence[UnivariateTerm], methods: tuple[str, ...], engine: StatisticsEngine
) -> tuple[UnivariateTerm, ...]:
    """The terms with adjusted p-values; fitted Radscores have none."""
    p = np.array([np.nan if t.coefficient.p is None or t.is_fitted else t.coefficient.p for t in terms])
    columns = {method: engine.adjust_p(p, method) for method in methods}
    return tuple(
        term
        if term.is_fitted
        else replace(
            term,
            p_holm=finite(columns["holm"][k]) if "holm" in columns else ABSENT,
            p_bh=finite(columns["bh"][k]) if "bh" in columns else ABSENT,
        )
        for k, term in enumerate(terms)
    )
