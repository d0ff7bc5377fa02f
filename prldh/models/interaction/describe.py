"""Do two tissues act together? On the multiplicative scale, on the additive one, and each tissue within the other's
groups.

Multiplicative: odds ratios of the four groups against high/high, as the study printed them, and the product terms of
the two high/low indicators and of the two Radscores. Additive: :mod:`prldh.models.interaction.additive`. Stratified ROC
curves:
:mod:`prldh.models.roc_curves`.

References
----------
Knol & VanderWeele (2012) Int J Epidemiol 41:514: both scales are to be shown, against one common reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from prldh.chain import GROUPS
from prldh.core import Cohort, Design, ModelSpec, Warn, finite, seed_for, warn
from prldh.engines import StatisticsEngine
from prldh.models.compare import compare_likelihoods
from prldh.models.fit import FIRTH
from prldh.models.interaction.additive import describe_additive, describe_additive_crude
from prldh.models.interaction.pair import Fitted, Pair
from prldh.models.roc_curves import describe_stratified_roc

#: Share of bootstrap samples in which a measure must exist, or there is a warning.
ENOUGH_DEFINED = 0.95
#: The ratios from which additive interaction is told.
ADDITIVE = ("unadjusted", "adjusted", "unadjusted_risk_ratio", "adjusted_risk_ratio")
#: Column of the product in the designs of :func:`_with_product`.
PRODUCT = 3


def draw_interaction_rows(seed: int, n: int, n_resamples: int) -> np.ndarray:
    """Row numbers (n_resamples, n) of the bootstrap samples of the interaction: the same for every engine."""
    return np.random.default_rng(seed_for(seed, "interaction")).integers(0, n, (n_resamples, n))


def describe_interaction(
    specs: tuple[ModelSpec, ...],
    adjust: tuple[str, ...],
    cohort: Cohort,
    scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float],
    engine: StatisticsEngine,
    level: float,
    on_separation: str = "firth",
    completed: Sequence[Cohort] = (),
    rows: np.ndarray | None = None,
) -> tuple[dict[str, Any] | None, list[Warn]]:
    """The interaction entry of ``results.json``, or None where the study has no two tissues to combine.

    The pair is that of the first ``groups(a, b)`` term, else the study's two tissues.

    Parameters
    ----------
    completed
        Imputations of the cohort, whose fits are pooled; none: the cohort itself.
    rows
        (B, n) row numbers of bootstrap samples (:func:`draw_interaction_rows`); None: no bootstrap.
    """
    names = _pair(specs, tuple(scores))
    if names is None:
        return None, []
    rows = np.empty((0, cohort.n), dtype=int) if rows is None else rows
    pair = Pair(*names, tuple(completed) or (cohort,), scores, cutoffs, engine, level, on_separation, rows)
    entry: dict[str, Any] = {
        "reference": pair.levels[0],
        "pair": list(names),
        "fit": {},
        "product": {},
        "additive": {"reference": pair.levels[3]},
    }
    warnings: list[Warn] = []
    for kind, covariates in (("unadjusted", ()), ("adjusted", adjust)):
        if kind == "adjusted" and not adjust:
            for part in (entry, entry["product"], entry["additive"]):
                part[kind] = None
            entry["additive"]["adjusted_risk_ratio"] = None
            continue
        warnings += _describe_kind(pair, kind, covariates, entry)
    entry["additive"]["unadjusted_risk_ratio"] = describe_additive_crude(pair)
    warnings += _of_percentiles(entry["additive"])
    entry["stratified_roc"], told = describe_stratified_roc(names, pair.outcome, scores, cutoffs, engine, level)
    return entry, warnings + told


def _pair(specs, tissues) -> tuple[str, str] | None:
    for spec in specs:
        for term in spec.own_terms:
            match = GROUPS.match(term)
            if match:
                return match["first"], match["second"]
    return tuple(tissues) if len(tissues) == 2 else None


def _describe_kind(pair: Pair, kind: str, covariates: tuple[str, ...], entry: dict[str, Any]) -> list[Warn]:
    """Everything that is unadjusted, or adjusted, put into ``entry``."""
    groups = pair.fit(pair.groups(), covariates, f"interaction, {kind}")
    entry[kind], entry["fit"][kind] = _group_rows(pair, groups), groups.how
    own = {"groups": _product_of_groups(pair), "scores": _product_of_scores(pair)}
    # Nobody asked for these models by name: where separation is to stop the study, they are null instead
    lenient = replace(pair, on_separation="warn") if pair.on_separation == "error" else pair
    products = {
        key: lenient.fit(design, covariates, f"interaction, {kind}, product of {key}") for key, design in own.items()
    }
    entry["product"][kind] = {key: _product_term(pair, fitted) for key, fitted in products.items()}
    entry["additive"][kind], standardized = describe_additive(pair, groups)
    warnings = []
    if kind == "adjusted":
        entry["additive"]["adjusted_risk_ratio"] = standardized
    if any(fitted.how == FIRTH for fitted in (groups, *products.values())):
        warnings.append(warn.INTERACTION_SEPARATED(kind=kind))
    if entry["additive"][kind]["reri"]["estimate"] is None:
        warnings.append(warn.NO_ADDITIVE_INTERACTION(kind=kind))
    for key, found in entry["product"][kind].items():
        if found["b"] is None:
            warnings.append(warn.NO_PRODUCT_TERM(kind=kind, product=key, reason=_why(pair, key)))
    return warnings


def _why(pair: Pair, key: str) -> str:
    if key == "groups" and len(np.unique(pair.codes)) < 4:
        return "a group has no patients"
    return "it is not estimable beside the other terms, or the outcome is separated by it"


# ---------------------------------------------------------------- the multiplicative scale


def _group_rows(pair: Pair, fitted: Fitted) -> list[dict[str, Any]]:
    """Odds ratios of the four groups against the first that has patients."""
    codes, place = pair.codes, {level: j for j, level in enumerate(fitted.designs[0].levels) if level in pair.levels}
    rows = []
    for k, level in enumerate(pair.levels):
        here = codes == k
        row: dict[str, Any] = {"group": level, "n": int(here.sum()), "events": int(pair.outcome[here].sum())}
        row |= _estimate(fitted, place.get(level)) | {"reference": bool(k == codes.min())}
        rows.append(row)
    return rows


def _estimate(fitted: Fitted, j: int | None) -> dict[str, float | None]:
    """Column j of a fit as terms are written; null where there is no such column, or no estimate."""
    found = dict.fromkeys(("b", "se", "p", "or", "low", "high"))
    if j is None:
        return found
    b, se, p = (float(fitted.numbers[key][j]) for key in ("coefficients", "standard_errors", "p_values"))
    with np.errstate(over="ignore"):
        if not fitted.infinite[j]:
            found |= {"b": finite(b), "se": finite(se), "p": finite(p), "or": finite(np.exp(b))}
        low, high = (finite(np.exp(x)) if np.isfinite(x) else None for x in fitted.limits[j])
    return found | {"low": low, "high": high}


def _product_of_groups(pair: Pair) -> Design:
    is_high = [(np.asarray(pair.scores[name]) > pair.cutoffs[name]).astype(float) for name in pair.names]
    return _with_product(*is_high, *(f"high {name}" for name in pair.names))


def _product_of_scores(pair: Pair) -> Design:
    """Radscores in standard deviations from their mean, so that the product is no proxy of one of them."""
    return _with_product(
        *(_standardized(np.asarray(pair.scores[name], dtype=float)) for name in pair.names), *pair.names
    )


def _standardized(score: np.ndarray) -> np.ndarray:
    sd = score.std(ddof=1) if score.size > 1 else 0.0
    return (score - score.mean()) / sd if sd > 0 else np.zeros(score.size)


def _with_product(a: np.ndarray, b: np.ndarray, first: str, second: str) -> Design:
    names = ("(Intercept)", first, second, f"{first} × {second}")
    return Design(np.column_stack([np.ones(a.size), a, b, a * b]), names, names, (None,) * 4)


def _product_term(pair: Pair, fitted: Fitted) -> dict[str, Any]:
    """The product's estimate with its profile interval, and the likelihood-ratio test of the model without it."""
    found: dict[str, Any] = {
        "term": fitted.designs[0].columns[PRODUCT],
        **_estimate(fitted, PRODUCT),
        "fit": fitted.how,
    }
    without = [_drop(design, PRODUCT) for design in fitted.designs]
    found["likelihood_ratio"], _ = compare_likelihoods(
        without, fitted.designs, [fitted.how, fitted.how], pair.outcome, pair.engine
    )
    return found


def _drop(design: Design, j: int) -> Design:
    parts = (design.columns, design.variables, design.levels)
    return Design(np.delete(design.matrix, j, axis=1), *(part[:j] + part[j + 1 :] for part in parts))


def _of_percentiles(additive: Mapping[str, Any]) -> list[Warn]:
    """What has to be known of percentile limits: measures that many bootstrap samples lack, limits that are
    infinite."""
    few, infinite = [], []
    for kind in ADDITIVE:
        for key, found in (additive[kind] or {}).items():
            label = f"{key.upper()} ({kind.replace('_', ' ')})"
            if found["estimate"] is None or not found.get("n_resamples"):
                continue
            if found["n_defined"] < ENOUGH_DEFINED * found["n_resamples"]:
                few.append(f"{label} in {found['n_defined']} of {found['n_resamples']}")
            if found["n_defined"] and None in (found["boot_low"], found["boot_high"]):
                infinite.append(label)
    warnings = []
    if few:
        warnings.append(warn.FEW_SAMPLES_DEFINED(listed=", ".join(few)))
    if infinite:
        warnings.append(warn.INFINITE_LIMITS(listed=", ".join(infinite)))
    return warnings
