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

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from prldh.chain import GROUPS, fit_knots, unplaced_splines
from prldh.core import ABSENT, Cohort, Design, Given, Inline, Later, ModelSpec, Warn, seed_for, warn
from prldh.engines import StatisticsEngine
from prldh.models.fit import NO_COEFFICIENT, Coefficient
from prldh.models.interaction.additive import AdditiveMeasures, describe_additive, describe_additive_crude
from prldh.models.interaction.pair import Fitted, Pair
from prldh.models.likelihoods import FIRTH, Likelihood, LikelihoodRatio, compare_likelihoods
from prldh.models.patients import Patients
from prldh.models.roc_curves import StratifiedRoc, describe_stratified_roc

#: Share of bootstrap samples in which a measure must exist, or there is a warning.
ENOUGH_DEFINED = 0.95
#: The ratios from which additive interaction is told.
ADDITIVE = ("unadjusted", "adjusted", "unadjusted_risk_ratio", "adjusted_risk_ratio")
#: Column of the product in the designs of :func:`_with_product`.
PRODUCT = 3


def draw_interaction_rows(seed: int, n: int, n_resamples: int) -> np.ndarray:
    """Row numbers (n_resamples, n) of the bootstrap samples of the interaction: the same for every engine."""
    return np.random.default_rng(seed_for(seed, "interaction")).integers(0, n, (n_resamples, n))


@dataclass(frozen=True)
class GroupOdds:
    """A group's odds ratio against the reference, which is the first group that has patients."""

    group: str
    n: Given[int]
    events: Given[int]
    coefficient: Inline[Coefficient]
    reference: Later[bool]


@dataclass(frozen=True)
class ProductTerm:
    """A product term, and the test of the model without it."""

    term: str
    coefficient: Inline[Coefficient]
    fit: Likelihood
    likelihood_ratio: LikelihoodRatio


@dataclass(frozen=True)
class Products:
    """The products of the two high/low indicators, and of the two Radscores."""

    groups: ProductTerm
    scores: ProductTerm


@dataclass(frozen=True)
class ProductsByKind:
    """Product terms, unadjusted and adjusted."""

    unadjusted: Products | None
    adjusted: Products | None


@dataclass(frozen=True)
class Additive:
    """Additive interaction against ``reference``, from odds ratios and from risk ratios."""

    reference: str
    unadjusted: AdditiveMeasures | None
    adjusted: AdditiveMeasures | None
    adjusted_risk_ratio: Later[AdditiveMeasures | None]
    unadjusted_risk_ratio: Later[AdditiveMeasures | None]


@dataclass(frozen=True)
class Interaction:
    """What two tissues make together; ``adjusted`` parts are None where nothing is adjusted for."""

    reference: str
    pair: Given[Later[tuple[str, ...]]]
    fit: Mapping[str, Likelihood]
    product: Later[ProductsByKind]
    additive: Additive
    unadjusted: tuple[GroupOdds, ...]
    adjusted: tuple[GroupOdds, ...] | None
    stratified_roc: Later[tuple[StratifiedRoc, ...]]


@dataclass(frozen=True)
class Kind:
    """Everything that is unadjusted, or adjusted."""

    rows: tuple[GroupOdds, ...]
    how: Likelihood
    products: Products
    additive: AdditiveMeasures
    standardized: AdditiveMeasures


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
    draw: Callable[[int], np.ndarray] | None = None,
    patients_of: Callable[[tuple[str, ...]], Patients] | None = None,
) -> tuple[Interaction | None, list[Warn]]:
    """The interaction of two tissues, or None where the study has no two tissues to combine.

    The pair is that of the first ``groups(a, b)`` term, else the study's two tissues.

    Parameters
    ----------
    completed
        Imputations of the cohort, whose fits are pooled; none: the cohort itself.
    draw
        How many patients → (B, n) row numbers of bootstrap samples (:func:`draw_interaction_rows`); None: no bootstrap.
    patients_of
        The patients of models with given terms, where these differ (``missing: by_model``); None: everyone. Unadjusted
        and adjusted interaction then are of different patients, as ``n`` says.
    """
    names = _pair(specs, tuple(scores))
    if names is None:
        return None, []

    def pair_among(terms: tuple[str, ...]) -> Pair:
        own = patients_of(terms) if patients_of else None
        among, cohorts, of_these, by = cohort, tuple(completed) or (cohort,), scores, engine
        if own and own.variables:
            among, cohorts, of_these, by = own.cohort, (own.cohort,), own.scores(scores), engine.of_rows(own.rows)
        rows = draw(among.n) if draw else np.empty((0, among.n), dtype=int)
        knots = fit_knots(adjust, among, of_these)
        return Pair(*names, cohorts, of_these, cutoffs, by, level, on_separation, rows, knots)

    kinds: dict[str, Kind] = {}
    warnings: list[Warn] = []
    pair = pair_among(names)
    for kind, covariates in (("unadjusted", ()), ("adjusted", adjust)):
        if kind == "unadjusted" or adjust:
            own = pair_among((*names, *covariates)) if covariates else pair
            n, events = own.cohorts[0].n, own.cohorts[0].n_events
            if not 0 < events < n:
                warnings.append(warn.NO_INTERACTION_PATIENTS(kind=kind, n=n, events=events))
                continue
            unplaced = unplaced_splines(covariates, own.cohorts[0], own.scores)
            if unplaced:
                what = f"the {kind} interaction is"
                warnings.append(warn.UNPLACED_KNOTS(what=what, listed="; ".join(unplaced)))
                continue
            kinds[kind], of_kind = _describe_kind(own, kind, covariates)
            warnings += of_kind
    if "unadjusted" not in kinds:
        return None, warnings
    unadjusted, adjusted = kinds["unadjusted"], kinds.get("adjusted")
    additive = Additive(
        reference=pair.levels[3],
        unadjusted=unadjusted.additive,
        adjusted=adjusted.additive if adjusted else None,
        adjusted_risk_ratio=adjusted.standardized if adjusted else None,
        # the variance of counts is that of independent rows; of clustered ones the model of the groups has it
        unadjusted_risk_ratio=unadjusted.standardized if engine.is_clustered else describe_additive_crude(pair),
    )
    warnings += _of_percentiles(additive)
    curves, of_curves = describe_stratified_roc(names, pair.outcome, pair.scores, cutoffs, pair.engine, level)
    interaction = Interaction(
        reference=pair.levels[0],
        pair=names,
        fit={kind: own.how for kind, own in kinds.items()},
        product=ProductsByKind(unadjusted.products, adjusted.products if adjusted else None),
        additive=additive,
        unadjusted=unadjusted.rows,
        adjusted=adjusted.rows if adjusted else None,
        stratified_roc=curves,
    )
    return interaction, warnings + of_curves


def interacting_terms(
    specs: tuple[ModelSpec, ...], adjust: tuple[str, ...], scores: Collection[str]
) -> tuple[tuple[str, ...], ...]:
    """The terms of whose patients :func:`describe_interaction` asks: unadjusted and adjusted; none without a pair."""
    names = _pair(specs, tuple(scores))
    return () if names is None else (names, (*names, *adjust))


def _pair(specs: Sequence[ModelSpec], tissues: tuple[str, ...]) -> tuple[str, str] | None:
    for spec in specs:
        for term in spec.own_terms:
            match = GROUPS.match(term)
            if match:
                return match["first"], match["second"]
    return (tissues[0], tissues[1]) if len(tissues) == 2 else None


def _describe_kind(pair: Pair, kind: str, covariates: tuple[str, ...]) -> tuple[Kind, list[Warn]]:
    groups = pair.fit(pair.groups(), covariates, f"interaction, {kind}")
    own = {"groups": _product_of_groups(pair), "scores": _product_of_scores(pair)}
    # Nobody asked for these models by name: where separation is to stop the study, they are null instead
    lenient = replace(pair, on_separation="warn") if pair.on_separation == "error" else pair
    fits = {
        key: lenient.fit(design, covariates, f"interaction, {kind}, product of {key}") for key, design in own.items()
    }
    products = {key: _product_term(pair, fitted) for key, fitted in fits.items()}
    additive, standardized = describe_additive(pair, groups)
    warnings = []
    if any(fitted.fit.how == FIRTH for fitted in (groups, *fits.values())):
        warnings.append(warn.INTERACTION_SEPARATED(kind=kind))
    if additive.reri.estimate is None:
        warnings.append(warn.NO_ADDITIVE_INTERACTION(kind=kind))
    for key, product in products.items():
        if product.coefficient.b is None:
            warnings.append(warn.NO_PRODUCT_TERM(kind=kind, product=key, reason=_why(pair, key)))
    return Kind(_group_rows(pair, groups), groups.fit.how, Products(**products), additive, standardized), warnings


def _why(pair: Pair, key: str) -> str:
    if key == "groups" and len(np.unique(pair.codes)) < 4:
        return "a group has no patients"
    return "it is not estimable beside the other terms, or the outcome is separated by it"


# ---------------------------------------------------------------- the multiplicative scale


def _group_rows(pair: Pair, fitted: Fitted) -> tuple[GroupOdds, ...]:
    """Odds ratios of the four groups against the first that has patients."""
    rows, codes = [], pair.codes
    for k, level in enumerate(pair.levels):
        here, j = codes == k, fitted.column_of(level)
        coefficient = NO_COEFFICIENT if j is None else fitted.fit.coefficient(j)
        is_reference = bool(k == codes.min())
        rows.append(GroupOdds(level, int(here.sum()), int(pair.outcome[here].sum()), coefficient, is_reference))
    return tuple(rows)


def _product_of_groups(pair: Pair) -> Design:
    first, second = ((np.asarray(pair.scores[name]) > pair.cutoffs[name]).astype(float) for name in pair.names)
    return _with_product(first, second, f"high {pair.first}", f"high {pair.second}")


def _product_of_scores(pair: Pair) -> Design:
    """Radscores in standard deviations from their mean, so that the product is no proxy of one of them."""
    first, second = (_standardized(np.asarray(pair.scores[name], dtype=float)) for name in pair.names)
    return _with_product(first, second, pair.first, pair.second)


def _standardized(score: np.ndarray) -> np.ndarray:
    sd = score.std(ddof=1) if score.size > 1 else 0.0
    return (score - score.mean()) / sd if sd > 0 else np.zeros(score.size)


def _with_product(a: np.ndarray, b: np.ndarray, first: str, second: str) -> Design:
    names = ("(Intercept)", first, second, f"{first} × {second}")
    return Design(np.column_stack([np.ones(a.size), a, b, a * b]), names, names, (None,) * 4)


def _product_term(pair: Pair, fitted: Fitted) -> ProductTerm:
    """The product's estimate with its profile interval, and the likelihood-ratio test of the model without it."""
    without = [_drop(design, PRODUCT) for design in fitted.designs]
    how = fitted.fit.how
    test = compare_likelihoods(without, fitted.designs, [how, how], pair.outcome, pair.engine)
    return ProductTerm(fitted.designs[0].columns[PRODUCT], fitted.fit.coefficient(PRODUCT), how, test)


def _drop(design: Design, j: int) -> Design:
    return Design(
        np.delete(design.matrix, j, axis=1),
        design.columns[:j] + design.columns[j + 1 :],
        design.variables[:j] + design.variables[j + 1 :],
        design.levels[:j] + design.levels[j + 1 :],
    )


def _of_percentiles(additive: Additive) -> list[Warn]:
    """What has to be known of percentile limits: measures that many bootstrap samples lack, limits that are
    infinite."""
    few, infinite = [], []
    for kind in ADDITIVE:
        for key, measure in vars(getattr(additive, kind)).items() if getattr(additive, kind) else ():
            label = f"{key.upper()} ({kind.replace('_', ' ')})"
            if measure.estimate is None or measure.n_resamples is ABSENT:
                continue
            if measure.n_defined < ENOUGH_DEFINED * measure.n_resamples:
                few.append(f"{label} in {measure.n_defined} of {measure.n_resamples}")
            if measure.n_defined and None in (measure.boot_low, measure.boot_high):
                infinite.append(label)
    warnings = []
    if few:
        warnings.append(warn.FEW_SAMPLES_DEFINED(listed=", ".join(few)))
    if infinite:
        warnings.append(warn.INFINITE_LIMITS(listed=", ".join(infinite)))
    return warnings
