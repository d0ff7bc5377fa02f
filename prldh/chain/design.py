"""Terms of models: which models a study has, and their design matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from prldh.core import (
    GROUPS,
    Coded,
    Cohort,
    DataError,
    Design,
    Factor,
    ModelSpec,
    Part,
    StudyError,
    Warn,
    is_composed,
    is_groups,
    nearest,
    parse_term,
    same_term,
    same_text,
    term_text,
    variables_in,
    warn,
)
from prldh.stats import ranked_log_odds, spline_basis, spline_knots
from prldh.study import Study

#: Below this log odds of an ill-conditioned fit (fewer patients than parameters) are rounding, which would break ties.
LOG_ODDS_DECIMALS = 10
#: Of probabilities that are held against given thresholds.
PROBABILITY_DECIMALS = 12
#: What the model is called that every other one is held against.
COVARIATES_ALONE = "Covariates alone"


def groups_term(first: str, second: str) -> str:
    """The term that stands for the four high/low groups of two tissues."""
    return f"groups({first}, {second})"


def group_levels(first: str, second: str) -> tuple[str, str, str, str]:
    """Levels of a groups term, the reference (high, high) first."""
    high, low = f"high {first}, ", f"low {first}, "
    return f"{high}high {second}", f"{high}low {second}", f"{low}high {second}", f"{low}low {second}"


def plan_models(study: Study) -> tuple[ModelSpec, ...]:
    """Every model of the study, unadjusted and, where covariates are left to adjust for, adjusted.

    Raises
    ------
    StudyError
        If a term is neither tissue, covariate, a function or product of these, nor groups of two tissues.
    """
    adjust, known = adjusting_terms(study), _is_continuous(study)
    plans = []
    for name, wanted in _wanted(study):
        if same_text(name).casefold() == COVARIATES_ALONE.casefold():
            raise StudyError(
                f"models: '{name}' is what prldh calls the model that the others are held against. Rename yours."
            )
        terms = tuple(_checked_term(t, name, study) for t in wanted)
        keys = {same_term(term, known) for term in terms}
        if len(keys) < len(terms):
            raise StudyError(f"models: '{name}' names a term twice ({', '.join(terms)}). Remove one.")
        plans.append(ModelSpec(name, False, terms, terms))
        own = {variables_in(term, known) for term in terms if len(variables_in(term, known)) == 1}
        # nor again in another form
        others = tuple(c for c in adjust if same_term(c, known) not in keys and variables_in(c, known) not in own)
        if others:
            plans.append(ModelSpec(name, True, terms + others, terms))
    return tuple(plans)


def plan_covariates_alone(study: Study) -> ModelSpec | None:
    """The model of what the others are adjusted for, where that is nothing of all covariates; None without
    covariates."""
    terms = adjusting_terms(study) or tuple(study.clinical.covariates)
    return ModelSpec(COVARIATES_ALONE, False, terms, terms) if terms else None


def adjusting_terms(study: Study) -> tuple[str, ...]:
    """The terms of ``adjust``, all covariates unless the study names them."""
    if study.adjust is None:
        return tuple(study.clinical.covariates)
    return tuple(term_text(parse_term(term, _is_continuous(study))) for term in study.adjust)


def _is_continuous(study: Study) -> dict[str, bool]:
    """The names that terms may have; whether each has numbers and no levels."""
    covariates = {name: c.type == "continuous" for name, c in study.clinical.covariates.items()}
    return {**dict.fromkeys(study.tissues, True), **covariates}


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
    if is_groups(term) or term == "groups":
        raise StudyError(
            f"models: '{model}': the term '{term}' does not name two tissues. Write it as groups(first, second)."
        )
    if is_composed(term):
        try:
            factors = parse_term(term, _is_continuous(study))
        except StudyError as error:
            raise StudyError(f"models: '{model}': {error}") from None
        for factor in factors:
            if factor.function == "log" and factor.variable in study.tissues:
                if study.tissues[factor.variable].radscore is None:
                    raise StudyError(
                        f"models: '{model}': the term '{term}': the Radscore of '{factor.variable}' is a log odds and"
                        " falls below 0, where there is no logarithm. Use it as it is."
                    )
        return term_text(factors)
    parts = [part.strip() for part in term.split("*")]
    if len(parts) == 2 and set(parts) <= set(known):
        listed = ", ".join((*parts, ":".join(parts)))
        raise StudyError(
            f"models: '{model}': the term '{term}' stands for three in R's formulas. Write each: terms: [{listed}]."
        )
    near = nearest(term, known)
    raise StudyError(
        f"models: '{model}': the term '{term}' is neither a tissue nor a covariate"
        + (f"; did you mean '{near}'?" if near else f" (there are: {', '.join(known) or 'none'}).")
        + " Columns enter models once they are declared under clinical.covariates."
    )


def check_values(spec: ModelSpec, study: Study, cohort: Cohort) -> list[Warn]:
    """What the values of a model's own patients make of its terms, before anything is computed.

    Returns
    -------
    list of Warn
        One for each product or square whose own factors are not among the terms.

    Raises
    ------
    DataError
        For the logarithm of values of 0 or less, or a spline of too few distinct values.
    """
    known, warnings = _is_continuous(study), []
    label = f"model '{spec.name}'" + (", adjusted" if spec.adjusted else "")
    scores = {str(name): values.to_numpy(float) for name, values in cohort.scores.items()}
    factors_of = {term: _factors(term, known) for term in spec.terms}
    for factor in dict.fromkeys(factor for factors in factors_of.values() for factor in factors):
        if factor.function == "log":
            _logarithm(factor.variable, _observed(factor.variable, cohort, scores), f"{label}: {factor.text}: ")
    unplaced = unplaced_splines(spec.terms, cohort, scores, known)
    if unplaced:
        raise DataError(f"{label}: {unplaced[0]}. Use fewer knots, or the column as it is.")
    # a spline's first column is the variable itself
    linear = {f.variable for factors in factors_of.values() if len(factors) == 1 for f in factors if _is_linear(f)}
    for term, factors in factors_of.items():
        own = [Factor(f.variable) for f in factors if f.function == "square"] if len(factors) == 1 else factors
        missing = [
            f.text for f in own if f.text not in spec.terms and not (f.function == "identity" and f.variable in linear)
        ]
        if missing:
            warnings.append(warn.WITHOUT_MAIN_EFFECT(model=label, term=term, listed=", ".join(missing)))
    return warnings


def _is_linear(factor: Factor) -> bool:
    return factor.function in ("identity", "spline")


def unplaced_splines(
    terms: Sequence[str], cohort: Cohort, scores: Mapping[str, np.ndarray], known: Mapping[str, bool] | None = None
) -> list[str]:
    """Of which splines among the terms too few distinct values leave fewer knots than they should have, and why.

    Splines of scores that are not among ``scores`` yet are not looked at. ``known``: as :func:`parse_term` has it;
    default: the cohort's covariates and these scores.
    """
    known = _known(cohort, scores) if known is None else known
    reasons = {}
    for factor in (factor for term in terms for factor in _factors(term, known)):
        if factor.function != "spline" or factor.variable not in {*scores, *cohort.coded}:
            continue
        values = _observed(factor.variable, cohort, scores)
        n_distinct = len(np.unique(values))
        if n_distinct < 3 or len(spline_knots(values, factor.knots)) < factor.knots:
            ties = ", some of them of many patients" if n_distinct - 2 >= factor.knots else ""
            reasons[factor.text] = (
                f"{factor.text}: column '{factor.variable}' has {n_distinct} distinct values{ties}, too few for"
                f" {factor.knots} knots, among {cohort.n} patients"
            )
    return list(reasons.values())


def _logarithm(name: str, values: np.ndarray, where: str = "") -> np.ndarray:
    if (values <= 0).any():
        n = int((values <= 0).sum())
        raise DataError(
            f"{where}column '{name}' has {n} value{'s' * (n > 1)} of 0 or less (the smallest is {values.min():g}),"
            " which have no logarithm. Correct them, add a constant to the column, or use it as it is."
        )
    return np.log(values)


def _observed(
    name: str, cohort: Cohort, scores: Mapping[str, np.ndarray], rows: np.ndarray | None = None
) -> np.ndarray:
    """The values of a column without blanks, of everyone or of some rows."""
    values = np.asarray(scores[name] if name in scores else cohort.coded[name], dtype=float)
    values = values if rows is None else values[rows]
    return values[np.isfinite(values)]


#: Knots of splines, by the form in which terms have them.
Knots = Mapping[str, tuple[float, ...]]


def has_splines(terms: Sequence[str], known: Mapping[str, bool]) -> bool:
    """Whether something of the terms is fitted to values: the knots of a spline. ``known``: as :func:`parse_term` has
    it."""
    written = (term for term in terms if "rcs(" in term)  # parsed only where it may be one, for every refit asks
    return any(factor.function == "spline" for term in written for factor in _factors(term, known))


def fit_knots(
    terms: Sequence[str], cohort: Cohort, scores: Mapping[str, np.ndarray], rows: np.ndarray | None = None
) -> Knots:
    """Knots of the splines among the terms, at quantiles of the observed values of the training ``rows`` (default:
    everyone)."""
    known = _known(cohort, scores)
    if not has_splines(terms, known):
        return {}
    knots: dict[str, tuple[float, ...]] = {}
    for term in terms:
        for factor in _factors(term, known):
            if factor.function == "spline":
                values = _observed(factor.variable, cohort, scores, rows)
                knots[factor.text] = tuple(spline_knots(values, factor.knots).tolist())
    return knots


def has_fewer_knots(terms: Sequence[str], cohort: Cohort, scores: Mapping[str, np.ndarray], knots: Knots) -> bool:
    """Whether some spline among the terms has fewer knots than it should: training rows of too few distinct values."""
    factors = (factor for term in terms for factor in _factors(term, _known(cohort, scores))) if knots else ()
    return any(len(knots[factor.text]) < factor.knots for factor in factors if factor.function == "spline")


def _known(cohort: Cohort, scores: Mapping[str, np.ndarray]) -> dict[str, bool]:
    return {**{c.name: not c.levels for c in cohort.covariates}, **dict.fromkeys(scores, True)}


def _factors(term: str, known: Mapping[str, bool]) -> tuple[Factor, ...]:
    return () if GROUPS.match(term) else parse_term(term, known)


class _Column(NamedTuple):
    """A column of the design: its name, its level or None, values (n,), and what it is made of."""

    name: str
    level: str | None
    values: np.ndarray
    parts: tuple[Part, ...]


def build_design(
    terms: tuple[str, ...],
    cohort: Cohort,
    scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float],
    coded: Coded | None = None,
    knots: Knots | None = None,
) -> Design:
    """The design matrix (n, k) of these terms, treatment-coded as R does, first column the intercept.

    Levels that no patient of the cohort has get no column; where it is the reference, the next level takes its place.
    ``coded`` gives other rows than the cohort's own (imputed, resampled), ``scores`` are then of those rows. ``knots``
    are those of training rows; by default they are fitted to these rows. Columns of a product are the products of its
    factors' columns, the first factor's running fastest.

    Raises
    ------
    DataError
        For the logarithm of values of 0 or less.
    """
    knots = fit_knots(terms, cohort, scores) if knots is None else knots
    coded = cohort.coded if coded is None else coded
    levels_of = {c.name: c.levels for c in cohort.covariates}
    n = len(next(iter([*scores.values(), *coded.values()])))
    columns = [_Column("(Intercept)", None, np.ones(n), ())]
    variables = ["(Intercept)"]
    for term in terms:
        own = _groups(term, scores, cutoffs)
        if own is None:
            own = [_Column("", None, np.ones(n), ())]
            for factor in _factors(term, _known(cohort, scores)):
                own = _products(own, _of_factor(factor, scores, coded, levels_of, knots))
        columns += own
        variables += [term] * len(own)
    names, levels, values, parts = zip(*columns, strict=True)
    return Design(np.column_stack(values), names, tuple(variables), levels, parts)


def _groups(term: str, scores: Mapping[str, np.ndarray], cutoffs: Mapping[str, float]) -> list[_Column] | None:
    match = GROUPS.match(term)
    if not match:
        return None
    labels = group_levels(match["first"], match["second"])
    return _indicators(term, labels, group_codes(scores, cutoffs, match["first"], match["second"]))


def _indicators(name: str, labels: Sequence[str], codes: np.ndarray) -> list[_Column]:
    """A column for each level that somebody has, but for the first of them."""
    present = [k for k in range(len(labels)) if (codes == k).any()]
    return [
        _Column(f"{name}{labels[k]}", labels[k], (codes == k).astype(float), (Part(name, level=labels[k]),))
        for k in present[1:]
    ]


def _of_factor(
    factor: Factor,
    scores: Mapping[str, np.ndarray],
    coded: Coded,
    levels_of: Mapping[str, tuple[str, ...]],
    knots: Knots,
) -> list[_Column]:
    name = factor.variable
    if name not in scores and levels_of[name]:
        return _indicators(name, levels_of[name], coded[name])
    values = np.asarray(scores[name] if name in scores else coded[name], dtype=float)
    if factor.function == "spline":
        own = knots[factor.text]
        parts = [Part(name, "spline", None, own, j) for j in range(max(len(own) - 1, 1))]
        labels = [f"{name}{chr(39) * j}" for j in range(len(parts))]
        return [
            _Column(f"{factor.text}{label}", label, evaluate(part, values), (part,))
            for label, part in zip(labels, parts, strict=True)
        ]
    part = Part(name, factor.function)
    return [_Column(factor.text, None, evaluate(part, values), (part,))]


def _products(first: list[_Column], second: list[_Column]) -> list[_Column]:
    return [
        _Column(
            f"{a.name}:{b.name}" if a.parts else b.name,
            ":".join(level for level in (a.level, b.level) if level is not None) or None,
            a.values * b.values,
            a.parts + b.parts,
        )
        for b in second
        for a in first
    ]


def evaluate(part: Part, values: np.ndarray) -> np.ndarray:
    """A part of a column (n,) from the variable's values.

    Raises
    ------
    DataError
        For the logarithm of values of 0 or less.
    """
    if part.function == "log":
        return _logarithm(part.variable, values)
    if part.function == "square":
        return values**2
    if part.function == "spline":
        return spline_basis(values, np.array(part.knots))[:, part.column]
    return values


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


def ranked_probability(log_odds_: np.ndarray) -> np.ndarray:
    """The same of :func:`~prldh.stats.ranking.ranked_log_odds`, for whatever ranks predictions."""
    return probability(ranked_log_odds(log_odds_))


def rounded_probability(log_odds_: np.ndarray) -> np.ndarray:
    """The same at 12 decimals, for whatever holds predictions against given thresholds, so that one that is equal is so
    in both engines."""
    return np.round(probability(log_odds_), PROBABILITY_DECIMALS)
