"""Logistic models: terms to design matrix, fit, and everything that is said of a model on the data that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prldh.chain import LOG_ODDS_DECIMALS, log_odds
from prldh.core import Cohort, DataError, Design, Draws, ModelSpec, Warn, finite, finite_numbers, warn
from prldh.engines import StatisticsEngine
from prldh.models.performance import INTERVAL, describe_predictions, pooled_auc
from prldh.stats import infinite_coefficients
from prldh.study import Performance

#: How a model was fitted, as its entry's ``fit`` says it.
MAXIMUM_LIKELIHOOD, FIRTH = "maximum likelihood", "firth"


def fit_designs(
    designs: Sequence[Design],
    outcome: np.ndarray,
    engine: StatisticsEngine,
    level: float,
    on_separation: str,
    label: str,
) -> tuple[str, dict[str, Any], np.ndarray, np.ndarray]:
    """Maximum likelihood or, where that does not exist and the study has it so, Firth's penalised likelihood.

    Parameters
    ----------
    designs
        One design, or one for each imputed data set: then the fits are pooled by Rubin's rules, with Wald's intervals
        and p-values on Barnard and Rubin's degrees of freedom, and ``fit`` has ``fmi`` (k,), the fraction of missing
        information.

    Returns
    -------
    how, fit, limits (k, 2), infinite (k,)
        ``how`` is :data:`MAXIMUM_LIKELIHOOD` or :data:`FIRTH`; ``infinite`` are the separated coefficients, as
        :func:`~prldh.stats.separation.infinite_coefficients` has them.

    Raises
    ------
    DataError
        Where coefficients are separated and ``on_separation`` is ``error``.
    """
    separated = [infinite_coefficients(d.matrix, outcome) for d in designs]
    infinite = separated[int(np.argmax([(s != 0).sum() for s in separated]))]
    y = outcome.astype(float)
    if infinite.any() and on_separation == "error":
        listed = ", ".join(designs[0].columns[j] for j in np.flatnonzero(infinite))
        raise DataError(
            f"{label}: the outcome is separated by {listed}, so that maximum likelihood has no estimates. Join levels,"
            " leave terms out, or set separation: firth to fit Firth's penalised likelihood instead."
        )
    how = FIRTH if infinite.any() and on_separation == "firth" else MAXIMUM_LIKELIHOOD
    fit, limits = (
        (engine.fit_firth, engine.firth_limits) if how == FIRTH else (engine.fit_logistic, engine.profile_limits)
    )
    if len(designs) == 1:
        return how, fit(designs[0].matrix, y), np.asarray(limits(designs[0].matrix, y, level)), infinite
    pooled = _pool_fits([fit(d.matrix, y) for d in designs], len(y), engine, level)
    return how, pooled, np.column_stack([pooled.pop("low"), pooled.pop("high")]), infinite


def _pool_fits(fits: Sequence[Mapping[str, Any]], n: int, engine: StatisticsEngine, level: float) -> dict[str, Any]:
    """The fits of imputed data sets as one, by Rubin's rules."""
    b = np.array([f["coefficients"] for f in fits], dtype=float)
    covariances = np.array([f["covariance"] for f in fits], dtype=float)
    df = float(n - np.isfinite(b[0]).sum())
    found = engine.pool_estimates(b, np.array([np.diag(c) for c in covariances]), df, level)
    return {
        "coefficients": found["estimate"],
        "standard_errors": found["se"],
        "p_values": found["p"],
        "low": found["low"],
        "high": found["high"],
        "fmi": found["fmi"],
        "covariance": engine.pool_covariance(b, covariances),
        "log_likelihood": float(np.mean([f["log_likelihood"] for f in fits])),
        "converged": float(all(f["converged"] for f in fits)),
    }


def describe_model(
    spec: ModelSpec,
    designs: Sequence[Design],
    cohort: Cohort,
    engine: StatisticsEngine,
    settings: Performance,
    draws: Draws,
    on_separation: str = "firth",
) -> tuple[dict[str, Any], np.ndarray, list[Warn]]:
    """Fit one model and describe it on the data that made it.

    Parameters
    ----------
    designs
        One design, or one for each imputed data set.
    draws
        The bootstrap samples for bands and intervals.
    on_separation
        ``firth``, ``warn`` or ``error``: see :func:`fit_designs`.

    Returns
    -------
    entry, log odds (m, n), warnings
        ``entry`` is shaped as ``results.json`` has it; the log odds have one row an imputation, by the pooled
        coefficients.
    """
    outcome = cohort.outcome.astype(float)
    label = f"model '{spec.name}'" + (", adjusted" if spec.adjusted else "")
    how, fit, limits, infinite = fit_designs(designs, cohort.outcome, engine, settings.confidence, on_separation, label)
    terms, separation, warnings = _terms(designs[0], fit, limits, infinite, how, label)
    etas = np.array([log_odds(d.matrix, fit["coefficients"]) for d in designs])
    entry = {
        "name": spec.name,
        "adjusted": spec.adjusted,
        "n_parameters": int(np.isfinite(np.asarray(fit["coefficients"], dtype=float)).sum()) - 1,
        "n": cohort.n,
        "events": cohort.n_events,
        "fit": how,
        "n_imputations": len(designs) if len(designs) > 1 else 0,
        "log_likelihood": fit["log_likelihood"],
        "terms": terms,
        "separation": separation,
    }
    described, of_predictions = describe_predictions(
        cohort.outcome, etas, mean_log_odds(etas), engine, settings, draws, label
    )
    entry |= described
    entry["raw_auc"], of_raw_scores = _raw_scores(spec, designs, terms, outcome, engine, settings.confidence, label)
    return entry, etas, [*warnings, *of_predictions, *of_raw_scores]


def mean_log_odds(etas: np.ndarray) -> np.ndarray:
    """Mean over imputations (m, n) → (n,), rounded as :func:`~prldh.chain.design.log_odds` rounds."""
    return etas[0] if len(etas) == 1 else np.round(etas.mean(axis=0), LOG_ODDS_DECIMALS) + 0.0


def _terms(design, fit, limits, infinite, how, label) -> tuple[list[dict], list[dict], list[Warn]]:
    terms, separation, warnings = [], [], []
    b, se, p = (np.asarray(fit[k], dtype=float) for k in ("coefficients", "standard_errors", "p_values"))
    for j, column in enumerate(design.columns):
        row = {"term": column, "variable": design.variables[j], "level": design.levels[j]}
        if infinite[j]:
            direction = {1: "+infinity", -1: "-infinity", 2: "infinite, sign open"}[int(infinite[j])]
            separation.append({**row, "estimate": direction})
        if infinite[j] and how == MAXIMUM_LIKELIHOOD:
            values = dict.fromkeys(("b", "se", "p", "or"), None)
        else:
            values = {"b": finite(b[j]), "se": finite(se[j]), "p": finite(p[j]), "or": finite(np.exp(b[j]))}
        with np.errstate(over="ignore"):
            low, high = (finite(np.exp(x)) if np.isfinite(x) else None for x in limits[j])
        missing = {"fmi": finite(fit["fmi"][j])} if "fmi" in fit else {}
        terms.append({**row, **values, "low": low, "high": high, **missing})
    aliased = [design.columns[j] for j in range(len(b)) if np.isnan(b[j])]
    if aliased:
        warnings.append(warn.NOT_ESTIMABLE(model=label, listed=", ".join(aliased)))
    listed = ", ".join(f"{s['term']} ({s['estimate']})" for s in separation)
    if separation and how == FIRTH:
        warnings.append(warn.SEPARATED_FIRTH(model=label, listed=listed))
    elif separation:
        warnings.append(warn.SEPARATED(model=label, listed=listed))
    if not fit["converged"] and not (separation and how == MAXIMUM_LIKELIHOOD):
        warnings.append(warn.NOT_CONVERGED(model=label))
    return terms, separation, warnings


def _raw_scores(
    spec: ModelSpec,
    designs: Sequence[Design],
    terms: list[dict[str, Any]],
    outcome: np.ndarray,
    engine: StatisticsEngine,
    level: float,
    label: str,
) -> tuple[list[dict[str, Any]], list[Warn]]:
    """AUCs of continuous markers in their given direction where they enter with a negative coefficient; imputed ones
    are pooled."""
    aucs, warnings, design = [], [], designs[0]
    for j, term in enumerate(terms):
        own = term["variable"] in spec.own_terms and design.levels[j] is None and j > 0
        if own and term["b"] is not None and term["b"] < 0:
            auc = pooled_auc(outcome, np.array([d.matrix[:, j] for d in designs]), engine, level)
            aucs.append({"term": term["term"], **finite_numbers(auc, INTERVAL)})
            warnings.append(warn.AGAINST_DIRECTION(model=label, term=term["term"], auc=auc["estimate"]))
    return aucs, warnings
