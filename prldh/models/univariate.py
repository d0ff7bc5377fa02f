"""Univariate screens: every feature, every covariate and every Radscore alone against the outcome.

Descriptive. The screen sees every patient, so nothing of it is handed to selection, Radscores or models: a selection
step of this kind (:mod:`prldh.chain.selection.univariate`) computes its own on training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from prldh.chain import build_design
from prldh.core import Cohort, Design, FeatureBlock, Warn, finite, warn
from prldh.engines import StatisticsEngine
from prldh.models.fit import MAXIMUM_LIKELIHOOD, fit_designs
from prldh.stats import adjust_p
from prldh.study import Univariate

ALPHA = 0.05
"""Features are counted whose p is below this."""
METHODS = {"none": (), "holm": ("holm",), "bh": ("bh",), "both": ("holm", "bh")}
_NOTHING = dict.fromkeys(("b", "se", "p", "or", "low", "high"), None)


def describe_univariate(
    cohort: Cohort,
    blocks: Mapping[str, tuple[FeatureBlock, ...]],
    scores: Mapping[str, np.ndarray],
    settings: Univariate,
    engine: StatisticsEngine,
    level: float,
    on_separation: str,
) -> tuple[dict[str, Any], pd.DataFrame, list[Warn]]:
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
    entry, features, warnings
        ``entry`` has ``test``, ``adjusted`` (which of ``p_holm``, ``p_bh`` the rows have), ``terms`` (a row a term) and
        ``features`` (by tissue: how many were tested, how many are below 0.05, and the ``settings.shown`` smallest);
        ``features`` has one row a feature, the smallest p of each tissue first. Adjusted are the p-values of a tissue's
        features together, and those of the terms together, fitted Radscores left out.
    """
    methods = METHODS[settings.adjust_p]
    terms, warnings = _univariable_models(cohort, blocks, scores, engine, level, on_separation)
    _adjust(terms, methods)
    tables = {
        name: _screen(name, tissue, cohort.outcome, settings.test, methods, engine) for name, tissue in blocks.items()
    }
    entry = {
        "test": settings.test,
        "adjusted": list(methods),
        "alpha": ALPHA,
        "terms": terms,
        "features": {name: _summary(table, methods, settings.shown) for name, table in tables.items()},
    }
    return entry, pd.concat(tables.values(), ignore_index=True) if tables else pd.DataFrame(), warnings


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
    columns."""
    found = engine.univariate_screen(np.hstack([b.first for b in blocks]), outcome)
    p = np.asarray(found[f"p_{test}"], dtype=float)
    table = pd.DataFrame(
        {
            "tissue": name,
            "source": [b.source for b in blocks for _ in b.names],
            "feature": [f for b in blocks for f in b.names],
            "auc": found["auc"],
            "r": found["r"],
            "statistic": found["t" if test == "t" else "w"],
            "p": p,
            **{f"p_{method}": adjust_p(p, method) for method in methods},
        }
    )
    return table.iloc[np.argsort([float(f"{value:.9e}") for value in p], kind="stable")].reset_index(drop=True)


def _summary(table: pd.DataFrame, methods: tuple[str, ...], shown: int) -> dict[str, Any]:
    tested = table[table["p"].notna()]
    columns = ["source", "feature", "auc", "r", "statistic", "p", *(f"p_{method}" for method in methods)]
    return {
        "n": len(table),
        "n_tested": len(tested),
        "n_below_by_chance": ALPHA * len(tested),
        "n_below": {
            "p": int((tested["p"] < ALPHA).sum()),
            **{f"p_{m}": int((tested[f"p_{m}"] < ALPHA).sum()) for m in methods},
        },
        "smallest": [
            {k: v if isinstance(v, str) else finite(v) for k, v in row.items()}
            for row in tested[columns].head(shown).to_dict("records")
        ],
    }


# ---------------------------------------------------------------- covariates and Radscores


def _univariable_models(
    cohort, blocks, scores, engine, level, on_separation
) -> tuple[list[dict[str, Any]], list[Warn]]:
    """Rows of a logistic model for each covariate, on the patients who have it, and for each Radscore."""
    rows, warnings = [], []
    for covariate in cohort.covariates:
        values = cohort.coded[covariate.name]
        known = np.isfinite(values) if covariate.kind == "continuous" else values >= 0
        outcome = cohort.outcome[known]
        design = (
            build_design((covariate.name,), cohort, {}, {}, {covariate.name: values[known]}) if known.any() else None
        )
        of_covariate, warned = _model_rows(covariate.name, design, outcome, engine, level, on_separation)
        rows += of_covariate
        warnings += warned
    for name, values in scores.items():
        if name not in cohort.coded:
            design = build_design((name,), cohort, {name: values}, {}, {})
            of_score, warned = _model_rows(name, design, cohort.outcome, engine, level, on_separation)
            rows += [{**row, "is_radscore": True, "is_fitted": name in blocks} for row in of_score]
            warnings += warned
    return rows, warnings


def _model_rows(
    name: str,
    design: Design | None,
    outcome: np.ndarray,
    engine,
    level: float,
    on_separation: str,
) -> tuple[list[dict[str, Any]], list[Warn]]:
    """A row a term. Where the variable or the outcome does not vary: one row without numbers, and a warning."""
    counts = {"is_radscore": False, "is_fitted": False, "n": len(outcome), "events": int(outcome.sum())}
    if design is None or np.ptp(outcome) == 0 or np.ptp(design.matrix[:, 1:], axis=0).sum() == 0:
        row = {"variable": name, "level": None, "term": name, **counts, "fit": "none", **_NOTHING}
        return [row], [warn.NO_UNIVARIABLE_MODEL(variable=name, n=len(outcome))]
    on_separation = "warn" if on_separation == "error" else on_separation
    how, fit, limits, infinite = fit_designs(
        [design], outcome, engine, level, on_separation, f"univariable model of '{name}'"
    )
    rows = []
    for j in range(1, len(design.columns)):
        row = {"variable": name, "level": design.levels[j], "term": design.columns[j], **counts, "fit": how, **_NOTHING}
        with np.errstate(over="ignore"):
            if not (infinite[j] and how == MAXIMUM_LIKELIHOOD):
                b = fit["coefficients"][j]
                row |= {
                    "b": finite(b),
                    "se": finite(fit["standard_errors"][j]),
                    "p": finite(fit["p_values"][j]),
                    "or": finite(np.exp(b)),
                }
            row |= {
                key: finite(np.exp(x)) if np.isfinite(x) else None
                for key, x in zip(("low", "high"), limits[j], strict=True)
            }
        rows.append(row)
    return rows, []


def _adjust(terms: list[dict[str, Any]], methods: tuple[str, ...]) -> None:
    p = np.array([np.nan if row["p"] is None or row["is_fitted"] else row["p"] for row in terms])
    for method in methods:
        for row, value in zip(terms, adjust_p(p, method), strict=True):
            if not row["is_fitted"]:
                row[f"p_{method}"] = finite(value)
