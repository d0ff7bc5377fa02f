"""Blank covariates: multiple imputation of everyone for the fitted models, and within the training rows of each
resample.

All covariates and Radscores are in the imputation models, whether a model of the study has them or not. The outcome is
among the predictors where data are completed to fit models on, as without it associations would be imputed away (Moons,
Donders, Stijnen & Harrell 2006); what a model is tested on is imputed without it, as in a new patient nobody knows the
outcome, and by models that were fitted on the training rows (Wahl et al. 2016; Sisk et al. 2023). What is validated is
thus a model for patients whose blanks are imputed in the same way. Radscores are complete, or their patients were left
out: scores are not imputed.

References
----------
K. G. M. Moons et al., Journal of Clinical Epidemiology 59 (2006) 1092. S. Wahl et al., BMC Medical Research Methodology
16 (2016) 144. R. Sisk et al., Statistical Methods in Medical Research 32 (2023) 1461. Numbers:
:mod:`prldh.stats.chained_equations`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from prldh.core import Coded, Cohort, Covariate
from prldh.stats import CONTINUOUS, apply_chains, fit_chains
from prldh.study import Imputation


def impute_everyone(
    cohort: Cohort, scores: Mapping[str, np.ndarray], settings: Imputation, seed: np.random.SeedSequence
) -> list[Cohort]:
    """Completed cohorts, for the models that are fitted on everyone: imputed with the outcome.

    Parameters
    ----------
    scores
        Radscores of all patients by tissue, each (n,).

    Returns
    -------
    list of Cohort
        ``settings.imputations`` of them, or the cohort alone where nothing is blank.
    """
    if cohort.is_complete:
        return [cohort]
    predictors = _predictors(scores, cohort.n, cohort.outcome)
    chains = fit_chains(
        _matrix(cohort), _kinds(cohort), predictors, settings.imputations, settings.iterations, seed, settings.donors
    )
    return [with_covariates(cohort, _as_coded(cohort.covariates, filled)) for filled in chains.completed]


def impute_resample(
    cohort: Cohort,
    scores: Mapping[str, np.ndarray],
    train: np.ndarray,
    settings: Imputation,
    seed: np.random.SeedSequence,
) -> tuple[list[Coded], list[Coded]]:
    """Covariates completed for one resample, from its training rows alone.

    Parameters
    ----------
    scores
        Radscores of all patients as the resample has them, each (n,).
    train
        Row numbers; they repeat in a bootstrap sample.
    seed
        The resample's own. A held-out patient's imputations depend on it, on the training rows and on the patient's own
        covariates and scores: not on outcomes, nor on who else is held out.

    Returns
    -------
    train, everyone
        Two lists with an entry for each of ``settings.imputations_in_resamples``: the training rows in their order,
        imputed with the outcome (copies of a patient may be filled in differently), and all n patients, imputed without
        it. A covariate that no training row has a value of (:func:`never_observed`) is 0, or its reference level, where
        it is blank: constant in the training rows, it has no coefficient.
    """
    values, kinds = _matrix(cohort), _kinds(cohort)
    known, with_outcome = _predictors(scores, cohort.n, None), _predictors(scores, cohort.n, cohort.outcome)
    rounds = (settings.imputations_in_resamples, settings.iterations_in_resamples)
    for_fitting = fit_chains(values[train], kinds, with_outcome[train], *rounds, _child(seed, 0), settings.donors)
    for_testing = fit_chains(values[train], kinds, known[train], *rounds, _child(seed, 1), settings.donors)
    everyone = apply_chains(for_testing, values, known, np.arange(cohort.n), _child(seed, 2))
    return (
        [_as_coded(cohort.covariates, filled) for filled in for_fitting.completed],
        [_as_coded(cohort.covariates, filled) for filled in everyone],
    )


def never_observed(cohort: Cohort, train: np.ndarray) -> tuple[str, ...]:
    """The covariates that are blank in every training row."""
    return tuple(name for name in cohort.incomplete if cohort.table[name].isna().to_numpy()[train].all())


def with_covariates(cohort: Cohort, coded: Coded) -> Cohort:
    """The same patients with these covariates."""
    table = {
        c.name: pd.Categorical.from_codes(coded[c.name], pd.Index(c.levels)) if c.levels else coded[c.name]
        for c in cohort.covariates
    }
    return replace(cohort, table=pd.DataFrame(table, index=cohort.table.index))


@dataclass(frozen=True)
class MissingVariable:
    """A covariate, and how many patients lack it."""

    name: str
    n_missing: int


@dataclass(frozen=True)
class Missing:
    """What was blank and how it was filled in."""

    variables: tuple[MissingVariable, ...]
    n_patients: int
    method: str
    imputations: int
    iterations: int
    imputations_in_resamples: int
    iterations_in_resamples: int


def describe_missing(cohort: Cohort, settings: Imputation) -> Missing | None:
    """What was blank and how it was filled in, for the report; None where nothing was."""
    if cohort.is_complete:
        return None
    blank = cohort.table.isna()
    once = settings.imputations == 1
    pooled = (
        "Intervals and p-values leave out how uncertain the imputed values are, as there is one imputation."
        if once
        else "Estimates were pooled by Rubin's rules with Barnard and Rubin's degrees of freedom, AUCs on the logit"
        " scale, likelihood-ratio tests by rule D2 (Li et al. 1991). The fraction of missing information is the share"
        " of what would be known with complete data that the blanks cost."
    )
    n = settings.imputations_in_resamples
    method = (
        f"Blank covariates were imputed {'once' if once else f'{settings.imputations} times'} by chained equations"
        " (van Buuren 2007; White, Royston & Wood 2011): predictive mean matching with"
        f" {settings.donors} donors for continuous covariates, (multinomial) logistic models for categorical ones, each"
        " given all other covariates, the Radscores and the"
        f" outcome, {settings.iterations} rounds. Values are assumed to be missing at random given these."
        f" {pooled} In every resample the imputation models were fitted on training patients alone"
        f" ({n} imputation{'s' if n > 1 else ''}); held-out patients were imputed"
        " by models that saw neither their outcome nor any other held-out patient, so the performance is that of the"
        " model used with blanks imputed in this way."
    )
    return Missing(
        variables=tuple(MissingVariable(name, int(blank[name].sum())) for name in cohort.incomplete),
        n_patients=int(blank.any(axis=1).sum()),
        method=method,
        imputations=settings.imputations,
        iterations=settings.iterations,
        imputations_in_resamples=settings.imputations_in_resamples,
        iterations_in_resamples=settings.iterations_in_resamples,
    )


def _kinds(cohort: Cohort) -> tuple[str | int, ...]:
    return tuple(len(c.levels) if c.levels else CONTINUOUS for c in cohort.covariates)


def _matrix(cohort: Cohort) -> np.ndarray:
    """(n, p) floats, NaN where blank."""
    matrix = np.column_stack([cohort.coded[c.name] for c in cohort.covariates]).astype(float)
    is_factor = np.array([bool(c.levels) for c in cohort.covariates])
    matrix[is_factor & (matrix == -1)] = np.nan
    return matrix


def _as_coded(covariates: Sequence[Covariate], filled: np.ndarray) -> Coded:
    return {
        c.name: filled[:, t].astype(np.int64) if c.levels else filled[:, t].copy() for t, c in enumerate(covariates)
    }


def _predictors(scores: Mapping[str, np.ndarray], n: int, outcome: np.ndarray | None) -> np.ndarray:
    """What is complete: (n, q), the outcome last."""
    columns = [*scores.values()] if outcome is None else [*scores.values(), outcome]
    return np.column_stack(columns).astype(float) if columns else np.empty((n, 0))


def _child(seed: np.random.SeedSequence, k: int) -> np.random.SeedSequence:
    """The k-th seed below this one, whatever was spawned before."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, k))
