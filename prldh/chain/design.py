"""Terms of models: which models a study has, and their design matrices."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from prldh.core import Coded, Cohort, Design, ModelSpec, StudyError, nearest
from prldh.study import Study

GROUPS = re.compile(r"^groups\(\s*(?P<first>[^,()]+?)\s*,\s*(?P<second>[^,()]+?)\s*\)$")

#: Below this log odds of an ill-conditioned fit (fewer patients than parameters) are rounding, which would break ties.
LOG_ODDS_DECIMALS = 10


def groups_term(first: str, second: str) -> str:
    """The term that stands for the four high/low groups of two tissues."""
    return f"groups({first}, {second})"


def pair_of(term: str) -> tuple[str, ...]:
    """The two tissues of a groups term; nothing of any other term."""
    match = GROUPS.match(term)
    return (match["first"], match["second"]) if match else ()


def group_levels(first: str, second: str) -> tuple[str, str, str, str]:
    """Levels of a groups term, the reference (high, high) first."""
    high, low = f"high {first}, ", f"low {first}, "
    return f"{high}high {second}", f"{high}low {second}", f"{low}high {second}", f"{low}low {second}"


def plan_models(study: Study) -> tuple[ModelSpec, ...]:
    """Every model of the study, unadjusted and, where covariates are left to adjust for, adjusted.

    Raises
    ------
    StudyError
        If a term is neither tissue, covariate nor groups of two tissues.
    """
    covariates = list(study.clinical.covariates)
    adjust = covariates if study.adjust is None else list(study.adjust)
    plans = []
    for name, wanted in _wanted(study):
        terms = tuple(_checked_term(t, name, study) for t in wanted)
        if len(set(terms)) < len(terms):
            raise StudyError(f"models: '{name}' names a term twice ({', '.join(terms)}). Remove one.")
        plans.append(ModelSpec(name, False, terms, terms))
        others = tuple(c for c in adjust if c not in terms)
        if others:
            plans.append(ModelSpec(name, True, terms + others, terms))
    return tuple(plans)


def _wanted(study: Study) -> list[tuple[str, list[str]]]:
    if study.models is not None:
        return [(m.name, m.terms) for m in study.models]
    tissues = list(study.tissues)
    models = [(f"{t[:1].upper()}{t[1:]} Radscore", [t]) for t in tissues]
    if len(tissues) == 2:
        a, b = tissues
        models.append((f"{a[:1].upper()}{a[1:]} and {b} groups", [groups_term(a, b)]))
    if not models and study.clinical.covariates:
        models.append(("Clinical covariates", list(study.clinical.covariates)))
    if not models:
        raise StudyError(
            "the study has no tissues, no models and no covariates: there is nothing to analyse. Give one of them."
        )
    return models


def _checked_term(term: str, model: str, study: Study) -> str:
    match = GROUPS.match(term)
    if match:
        pair = (match["first"], match["second"])
        for tissue in pair:
            if tissue not in study.tissues:
                near = nearest(tissue, study.tissues)
                hint = (
                    f"; did you mean '{near}'?"
                    if near
                    else f" (tissues: {', '.join(study.tissues) or 'none'}). Name two of them."
                )
                raise StudyError(f"models: '{model}': {term}: there is no tissue '{tissue}'{hint}")
        if pair[0] == pair[1]:
            raise StudyError(f"models: '{model}': {term} names one tissue twice. Groups need two tissues.")
        return groups_term(*pair)
    known = [*study.tissues, *study.clinical.covariates]
    if term in known:
        return term
    if term.startswith("groups(") or term == "groups":
        raise StudyError(
            f"models: '{model}': the term '{term}' does not name two tissues. Write it as groups(first, second)."
        )
    near = nearest(term, known)
    raise StudyError(
        f"models: '{model}': the term '{term}' is neither a tissue nor a covariate"
        + (f"; did you mean '{near}'?" if near else f" (there are: {', '.join(known) or 'none'}).")
        + " Columns enter models once they are declared under clinical.covariates."
    )


def build_design(
    terms: tuple[str, ...],
    cohort: Cohort,
    scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float],
    coded: Coded | None = None,
) -> Design:
    """The design matrix (n, k) of these terms, treatment-coded as R does, first column the intercept.

    Levels that no patient of the cohort has get no column; where it is the reference, the next level takes its place.
    ``coded`` gives other rows than the cohort's own (imputed, resampled), ``scores`` are then of those rows.
    """
    coded = cohort.coded if coded is None else coded
    levels_of = {c.name: c.levels for c in cohort.covariates}
    n = len(next(iter([*scores.values(), *coded.values()])))
    columns: list[np.ndarray] = [np.ones(n)]
    made: list[tuple[str, str, str | None]] = [("(Intercept)", "(Intercept)", None)]  # name, variable, level
    for term in terms:
        match = GROUPS.match(term)
        if match:
            labels: tuple[str, ...] = group_levels(match["first"], match["second"])
            codes = group_codes(scores, cutoffs, match["first"], match["second"])
        elif term in scores or not levels_of[term]:
            columns.append(np.asarray(scores[term] if term in scores else coded[term], dtype=float))
            made.append((term, term, None))
            continue
        else:
            labels, codes = levels_of[term], coded[term]
        present = [k for k in range(len(labels)) if (codes == k).any()]
        for k in present[1:]:
            columns.append((codes == k).astype(float))
            made.append((f"{term}{labels[k]}", term, labels[k]))
    names, variables, levels = zip(*made, strict=True)
    return Design(np.column_stack(columns), names, variables, levels)


def group_codes(scores: Mapping[str, np.ndarray], cutoffs: Mapping[str, float], first: str, second: str) -> np.ndarray:
    """(n,) positions in :func:`group_levels`; high is strictly above the cutoff."""
    low_first = ~(np.asarray(scores[first]) > cutoffs[first])
    low_second = ~(np.asarray(scores[second]) > cutoffs[second])
    return 2 * low_first.astype(int) + low_second.astype(int)


def log_odds(matrix: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Linear predictor (n,) of rows (n, k), aliased coefficients as 0.

    Summed column by column and rounded at :data:`LOG_ODDS_DECIMALS`, so that patients with the same values are tied
    exactly, in both engines and in every resample.
    """
    total = np.zeros(matrix.shape[0])
    for j, b in enumerate(np.nan_to_num(np.asarray(coefficients, dtype=float))):
        total += matrix[:, j] * b
    return np.round(total, LOG_ODDS_DECIMALS) + 0.0


def probability(log_odds_: np.ndarray) -> np.ndarray:
    """Probability of the event from log odds."""
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds_, -700, 700)))
