"""Do two tissues act together? The four groups on the multiplicative scale, and additive interaction.

Multiplicative: odds ratios of the groups against high/high, as the study printed them. Additive: RERI, AP and S
against low/low (the lowest-risk corner), from odds ratios (RERI_OR) and, unadjusted, from risk ratios; delta-method
intervals, S on the log scale.

References
----------
Rothman (1976), Rothman & Keller (1972), Hosmer & Lemeshow (1992) Epidemiology 3:452.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prldh.models import FIRTH, FIRTH_REMARK, GROUPS, build_design, fit_design, group_codes, group_levels, groups_term
from prldh.records import Cohort, ModelSpec, Warn
from prldh.stats.additive_interaction import additive_interaction
from prldh.stats.finite import finite


def describe_interaction(
    specs: tuple[ModelSpec, ...], adjust: tuple[str, ...], cohort: Cohort, scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float], engine: Any, level: float, on_separation: str = "firth",
) -> tuple[dict[str, Any] | None, list[Warn]]:
    """The interaction entry of ``results.json``, or None where the study has no two tissues to combine.

    The pair is that of the first ``groups(a, b)`` term, else the study's two tissues.
    """
    pair = _pair(specs, tuple(scores))
    if pair is None:
        return None, []
    first, second = pair
    term = groups_term(first, second)
    warnings: list[Warn] = []
    levels = group_levels(first, second)
    entry: dict[str, Any] = {"reference": levels[0], "pair": [first, second], "fit": {}, "additive": {"reference": levels[3]}}
    codes = group_codes(scores, cutoffs, first, second)
    for name, terms in (("unadjusted", (term,)), ("adjusted", (term, *adjust))):
        if name == "adjusted" and not adjust:
            entry["adjusted"] = None
            entry["additive"]["adjusted"] = None
            continue
        entry[name], additive, how = _fit_groups(terms, levels, codes, cohort, scores, cutoffs, engine, level, on_separation, f"interaction, {name}")
        entry["additive"][name] = additive
        entry["fit"][name] = how
        if how == FIRTH:
            warnings.append(Warn("interaction", f"{name}: the outcome is separated by some terms. {FIRTH_REMARK}"))
        if additive["reri"]["estimate"] is None:
            warnings.append(Warn("interaction", f"{name}: additive interaction is not defined: a group has no patients, or no events and non-events."))
    entry["additive"]["unadjusted_risk_ratio"] = _from_risks(codes, cohort.outcome, level)
    return entry, warnings


def _pair(specs, tissues) -> tuple[str, str] | None:
    for spec in specs:
        for term in spec.own_terms:
            match = GROUPS.match(term)
            if match:
                return match["first"], match["second"]
    return tuple(tissues) if len(tissues) == 2 else None


def _fit_groups(terms, levels, codes, cohort, scores, cutoffs, engine, level, on_separation, label):
    design = build_design(terms, cohort, scores, cutoffs)
    how, fit, limits, infinite = fit_design(design, cohort.outcome, engine, level, on_separation, label)
    if how == FIRTH:
        infinite = np.zeros_like(infinite)
    b, se, p = (np.asarray(fit[k], dtype=float) for k in ("coefficients", "standard_errors", "p_values"))
    column = {design.levels[j]: j for j in range(len(b)) if design.variables[j] == terms[0]}
    is_reference = int(codes.min())
    rows = []
    for k, name in enumerate(levels):
        here = codes == k
        row: dict[str, Any] = {"group": name, "n": int(here.sum()), "events": int(cohort.outcome[here].sum())}
        row.update(dict.fromkeys(("b", "se", "p", "or", "low", "high"), None))
        row["reference"] = k == is_reference
        j = column.get(name)
        if j is not None:
            if not infinite[j]:
                row.update({"b": finite(b[j]), "se": finite(se[j]), "p": finite(p[j]), "or": finite(np.exp(b[j]))})
            row["low"], row["high"] = (finite(np.exp(x)) if np.isfinite(x) else None for x in limits[j])
        rows.append(row)
    return rows, _additive(fit, column, infinite, levels, level), how


def _additive(fit, column, infinite, levels, level) -> dict[str, dict[str, float | None]]:
    """RERI_OR, AP, S: contrasts against low/low from the same fit."""
    b, covariance = np.asarray(fit["coefficients"], float), np.asarray(fit["covariance"], float)
    positions = [column.get(name) for name in levels]
    is_defined = all(j is not None for j in positions[1:]) and not any(infinite[j] for j in positions[1:])
    if not is_defined or not np.isfinite(b[positions[1:]]).all():
        return _nothing()
    contrast = np.zeros((3, b.size))  # high/high, high/low, low/high against low/low
    for row, j in enumerate([None, positions[1], positions[2]]):
        if j is not None:
            contrast[row, j] = 1.0
        contrast[row, positions[3]] -= 1.0
    return additive_interaction(contrast @ np.nan_to_num(b), contrast @ np.nan_to_num(covariance) @ contrast.T, level)


def _from_risks(codes, outcome, level) -> dict[str, dict[str, float | None]]:
    """The same from risk ratios of the crude risks."""
    n = np.array([(codes == k).sum() for k in range(4)], dtype=float)
    events = np.array([outcome[codes == k].sum() for k in range(4)], dtype=float)
    if (n == 0).any() or (events == 0).any():
        return _nothing()
    risk = events / n
    variance = 1 / events - 1 / n
    logs = np.log(risk[:3] / risk[3])
    return additive_interaction(logs, np.diag(variance[:3]) + variance[3], level)


def _nothing() -> dict[str, dict[str, float | None]]:
    return {k: dict.fromkeys(("estimate", "low", "high"), None) for k in ("reri", "ap", "s")}
