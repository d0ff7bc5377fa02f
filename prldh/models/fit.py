"""Logistic models: terms to design matrix, fit, and everything that is said of a model on the data that made it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

import numpy as np

from prldh.chain import LOG_ODDS_DECIMALS, log_odds
from prldh.core import (
    ABSENT,
    APPARENT,
    Absent,
    Among,
    Cohort,
    DataError,
    Design,
    Given,
    Inline,
    Later,
    ModelSpec,
    Number,
    Warn,
    finite,
    record_of,
    warn,
)
from prldh.engines import StatisticsEngine
from prldh.models.collinearity import TermCollinearity, describe_terms
from prldh.models.likelihoods import FIRTH, MAXIMUM_LIKELIHOOD, Likelihood, OverallTest, overall_tests
from prldh.models.performance import Assessment, describe_predictions, pooled_auc
from prldh.stats import infinite_coefficients


@dataclass(frozen=True)
class Coefficient:
    """A coefficient of the log odds, and its odds ratio with limits."""

    b: Number
    se: Number
    p: Number
    or_: Number
    low: Number
    high: Number


#: What is said of predictions by Firth's likelihood.
PREDICTED_BY = {
    FIRTH: "With it predicted probabilities are biased towards 1/2 (Puhr 2017).",
    "flic": "Predictions have its slopes and an intercept by maximum likelihood (FLIC, Puhr 2017).",
    "flac": "Predictions are by maximum likelihood on the augmented data with a covariate for these (FLAC, Puhr 2017).",
}
#: What a fit by Firth's likelihood predicts by.
Predictions = Literal["firth", "flic", "flac"]
#: Of a term without estimate and limits.
NO_COEFFICIENT: Final = Coefficient(None, None, None, None, None, None)


@dataclass(frozen=True)
class Term:
    """A term of a model; ``fmi``: the fraction of missing information, where covariates were imputed; ``reason``: why
    it has no coefficient, where none is fitted."""

    term: str
    variable: Later[str]
    level: Later[str | None]
    coefficient: Inline[Coefficient]
    fmi: Number | Absent = ABSENT
    reason: str | Absent = ABSENT


@dataclass(frozen=True)
class SeparatedTerm:
    """A term whose maximum-likelihood estimate is infinite, in the direction that ``estimate`` says."""

    term: Later[str]
    variable: Later[str]
    level: Later[str | None]
    estimate: Later[str]


@dataclass(frozen=True)
class RawArea:
    """The AUC of a score's own values, in its given direction."""

    term: str
    estimate: Number
    low: Number
    high: Number


@dataclass(frozen=True)
class PredictionTerm:
    """A term's coefficient in predictions."""

    term: str
    b: Number


@dataclass(frozen=True)
class PredictionFit:
    """What a model predicts by where that is not its coefficients: Firth's, corrected as the study says, or a score as
    it is."""

    method: Literal["flic", "flac", "as_is"]
    coefficients: tuple[PredictionTerm, ...]


@dataclass(frozen=True)
class FittedModel:
    """A model as fitted on everyone, and the measures of its predictions there."""

    name: str
    adjusted: bool
    n_parameters: Given[int]
    n: Given[Later[int]]
    events: Given[Later[int]]
    fit: Likelihood
    n_imputations: Given[Later[int]]
    log_likelihood: Later[Number]
    terms: tuple[Term, ...]
    overall_tests: Later[tuple[OverallTest, ...]]
    separation: tuple[SeparatedTerm, ...]
    collinearity: Later[TermCollinearity]
    performance: Annotated[Mapping[str, Any], Among(APPARENT)]
    raw_auc: Later[tuple[RawArea, ...]]
    prediction: PredictionFit | Absent = ABSENT
    knots: Mapping[str, tuple[float, ...]] | Absent = ABSENT

    @property
    def predicts_by(self) -> str:
        """How the coefficients that it predicts by are fitted, on everyone and in every resample."""
        return self.fit if isinstance(self.prediction, Absent) else self.prediction.method

    @property
    def coefficients(self) -> tuple[Number, ...]:
        """The coefficients that it predicts by, one a term."""
        if isinstance(self.prediction, Absent):
            return tuple(term.coefficient.b for term in self.terms)
        return tuple(term.b for term in self.prediction.coefficients)


@dataclass(frozen=True)
class Fit:
    """Coefficients (k,) with what is known of them, by either likelihood; of imputed data sets pooled by Rubin's rules.

    ``limits`` (k, 2) are of the profile likelihood, or Wald's where pooled; ``infinite`` (k,) are the separated
    coefficients, as :func:`~prldh.stats.separation.infinite_coefficients` has them; ``fmi`` (k,) the fraction of
    missing information, or None where nothing was imputed.
    """

    how: Likelihood
    coefficients: np.ndarray
    standard_errors: np.ndarray
    p_values: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    converged: bool
    limits: np.ndarray
    infinite: np.ndarray
    fmi: np.ndarray | None = None

    def has_estimate(self, j: int) -> bool:
        """Whether coefficient j is not infinite: no estimate is, by Firth's likelihood."""
        return self.how == FIRTH or not self.infinite[j]

    def coefficient(self, j: int) -> Coefficient:
        """Coefficient j as entries hold it."""
        with np.errstate(over="ignore"):
            b, se, p = (float(values[j]) for values in (self.coefficients, self.standard_errors, self.p_values))
            low, high = (finite(np.exp(x)) if np.isfinite(x) else None for x in self.limits[j])
            if not self.has_estimate(j):
                return replace(NO_COEFFICIENT, low=low, high=high)
            return Coefficient(finite(b), finite(se), finite(p), finite(np.exp(b)), low, high)


def fit_designs(
    designs: Sequence[Design],
    outcome: np.ndarray,
    engine: StatisticsEngine,
    level: float,
    on_separation: str,
    label: str,
) -> Fit:
    """Maximum likelihood or, where that does not exist and the study has it so, Firth's penalised likelihood.

    Parameters
    ----------
    designs
        One design, or one for each imputed data set: then the fits are pooled by Rubin's rules, with Wald's intervals
        and p-values on Barnard and Rubin's degrees of freedom.

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
    how: Likelihood = FIRTH if infinite.any() and on_separation == "firth" else MAXIMUM_LIKELIHOOD
    fit = engine.fit_firth if how == FIRTH else engine.fit_logistic
    answers = [fit(d.matrix, y) for d in designs]
    if len(answers) > 1:
        return _pooled(how, answers, infinite, len(y), engine, level)
    (answer,), profile = answers, engine.firth_limits if how == FIRTH else engine.profile_limits
    limits = np.array(profile(designs[0].matrix, y, level), dtype=float)
    if how == MAXIMUM_LIKELIHOOD:
        # where an estimate is infinite the likelihood never falls, which no finite search can be sure of
        limits[np.isin(infinite, (-1, 2)), 0] = -np.inf
        limits[np.isin(infinite, (1, 2)), 1] = np.inf
    return Fit(
        how=how,
        **{key: np.asarray(answer[key], dtype=float) for key in ("coefficients", "standard_errors", "p_values")},
        covariance=np.asarray(answer["covariance"], dtype=float),
        log_likelihood=answer["log_likelihood"],
        converged=bool(answer["converged"]),
        limits=limits,
        infinite=infinite,
    )


def _pooled(
    how: Likelihood,
    answers: Sequence[Mapping[str, Any]],
    infinite: np.ndarray,
    n: int,
    engine: StatisticsEngine,
    level: float,
) -> Fit:
    """The fits of imputed data sets as one, by Rubin's rules."""
    b = np.array([answer["coefficients"] for answer in answers], dtype=float)
    covariances = np.array([answer["covariance"] for answer in answers], dtype=float)
    df = float(n - np.isfinite(b[0]).sum())
    pooled = engine.pool_estimates(b, np.array([np.diag(c) for c in covariances]), df, level)
    return Fit(
        how=how,
        coefficients=np.asarray(pooled["estimate"]),
        standard_errors=np.asarray(pooled["se"]),
        p_values=np.asarray(pooled["p"]),
        covariance=np.asarray(engine.pool_covariance(b, covariances)),
        log_likelihood=float(np.mean([answer["log_likelihood"] for answer in answers])),
        converged=all(answer["converged"] for answer in answers),
        limits=np.column_stack([pooled["low"], pooled["high"]]),
        infinite=infinite,
        fmi=np.asarray(pooled["fmi"]),
    )


def describe_model(
    spec: ModelSpec,
    designs: Sequence[Design],
    cohort: Cohort,
    assessment: Assessment,
    on_separation: str = "firth",
    scores: Collection[str] = (),
    predictions: Predictions = FIRTH,
    applied: Sequence[Design] | None = None,
) -> tuple[FittedModel, np.ndarray, list[Warn]]:
    """Fit one model and describe it on the data that made it.

    Parameters
    ----------
    designs
        One design, or one for each imputed data set.
    on_separation
        ``firth``, ``warn`` or ``error``: see :func:`fit_designs`.
    scores
        The terms that have a given direction (higher means event): Radscores and scores given as columns.
    predictions
        What a fit by Firth's likelihood predicts by: ``firth``, ``flic`` or ``flac``.
    applied
        Designs of the scores that the frozen chains give, where the model is fitted to cross-fitted ones: of these are
        its predictions.

    Returns
    -------
    model, log odds (m, n), warnings
        The log odds have one row an imputation, by the pooled coefficients.
    """
    label = f"model '{spec.name}'" + (", adjusted" if spec.adjusted else "")
    fit = fit_designs(designs, cohort.outcome, assessment.engine, assessment.level, on_separation, label)
    terms, separation, of_terms = _terms(designs[0], fit, label, predictions)
    b, prediction = predicting_coefficients(fit, designs, cohort.outcome, assessment.engine, predictions), None
    if fit.how == FIRTH and predictions != FIRTH:
        named = tuple(PredictionTerm(*pair) for pair in zip(designs[0].columns, map(float, b), strict=True))
        prediction = PredictionFit(predictions, named)
    etas = np.array([log_odds(d.matrix, b) for d in applied or designs])
    of_threshold = mean_log_odds(np.array([log_odds(d.matrix, b) for d in designs])) if applied else None
    collinearity, of_columns = describe_terms(designs, cohort.outcome, assessment.engine, _no_inflation(fit), label)
    performance, of_predictions = describe_predictions(
        cohort.outcome, etas, mean_log_odds(etas), assessment, label, of_threshold
    )
    raw_auc, of_markers = _raw_areas(scores, designs, terms, cohort.outcome.astype(float), assessment, label)
    model = FittedModel(
        name=spec.name,
        adjusted=spec.adjusted,
        n_parameters=int(np.isfinite(fit.coefficients).sum()) - 1,
        n=cohort.n,
        events=cohort.n_events,
        fit=fit.how,
        n_imputations=len(designs) if len(designs) > 1 else 0,
        log_likelihood=fit.log_likelihood,
        terms=terms,
        overall_tests=overall_tests(designs, fit.how, cohort.outcome, assessment.engine),
        separation=separation,
        collinearity=collinearity,
        performance=performance,
        raw_auc=raw_auc,
        prediction=prediction or ABSENT,
        knots=designs[0].knots or ABSENT,
    )
    return model, etas, [*of_terms, *of_columns, *of_predictions, *of_markers]


def predicting_coefficients(
    fit: Fit, designs: Sequence[Design], outcome: np.ndarray, engine: StatisticsEngine, predictions: Predictions
) -> np.ndarray:
    """Coefficients (k,) that a fit predicts by: its own, or Firth's corrected as ``predictions`` says; the mean over
    imputed data sets."""
    if fit.how != FIRTH or predictions == FIRTH:
        return fit.coefficients
    rows, lengths = np.arange(len(outcome)), np.array([len(outcome)])
    answers = [engine.refit_firth(d.matrix, outcome.astype(float), rows, lengths, predictions) for d in designs]
    return np.mean([np.asarray(answer["coefficients"])[0] for answer in answers], axis=0)


def _no_inflation(fit: Fit) -> str:
    """Why a fit has no variance inflation factors; empty where it has."""
    if fit.how == FIRTH:
        return "variance inflation factors are of maximum likelihood, and this is Firth's penalised fit"
    return "an estimate is infinite (separation), and variances with it" if fit.infinite.any() else ""


def mean_log_odds(etas: np.ndarray) -> np.ndarray:
    """Mean over imputations (m, n) → (n,), rounded as :func:`~prldh.chain.design.log_odds` rounds."""
    return etas[0] if len(etas) == 1 else np.round(etas.mean(axis=0), LOG_ODDS_DECIMALS) + 0.0


def _terms(
    design: Design, fit: Fit, label: str, predictions: Predictions
) -> tuple[tuple[Term, ...], tuple[SeparatedTerm, ...], list[Warn]]:
    terms, separation, warnings = [], [], []
    for j, column in enumerate(design.columns):
        place = (column, design.variables[j], design.levels[j])
        if fit.infinite[j]:
            direction = {1: "+infinity", -1: "-infinity", 2: "infinite, sign open"}[int(fit.infinite[j])]
            separation.append(SeparatedTerm(*place, direction))
        terms.append(Term(*place, fit.coefficient(j), ABSENT if fit.fmi is None else finite(fit.fmi[j])))
    aliased = [column for column, b in zip(design.columns, fit.coefficients, strict=True) if np.isnan(b)]
    if aliased:
        warnings.append(warn.NOT_ESTIMABLE(model=label, listed=", ".join(aliased)))
    listed = ", ".join(f"{s.term} ({s.estimate})" for s in separation)
    if separation and fit.how == FIRTH:
        warnings.append(warn.SEPARATED_FIRTH(model=label, listed=listed, predictions=PREDICTED_BY[predictions]))
    elif separation:
        warnings.append(warn.SEPARATED(model=label, listed=listed))
    if not fit.converged and not (separation and fit.how == MAXIMUM_LIKELIHOOD):
        warnings.append(warn.NOT_CONVERGED(model=label))
    return tuple(terms), tuple(separation), warnings


def _raw_areas(
    scores: Collection[str],
    designs: Sequence[Design],
    terms: Sequence[Term],
    y: np.ndarray,
    assessment: Assessment,
    label: str,
) -> tuple[tuple[RawArea, ...], list[Warn]]:
    """AUCs of scores in their given direction where they enter with a negative coefficient; imputed ones are pooled. A
    covariate has no direction."""
    areas, warnings = [], []
    for j, term in enumerate(terms):
        if term.variable in scores and term.coefficient.b is not None and term.coefficient.b < 0:
            auc = pooled_auc(y, np.array([d.matrix[:, j] for d in designs]), assessment.engine, assessment.level)
            areas.append(record_of(RawArea, auc, term=term.term))
            warnings.append(warn.AGAINST_DIRECTION(model=label, term=term.term, auc=auc["estimate"]))
    return tuple(areas), warnings
