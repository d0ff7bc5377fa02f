"""The null run: what the whole chain reaches where nothing is to be found.

The outcome is permuted over the patients and scope ``pipeline`` of one scheme is repeated, selection included. An
honest chain then lands around 0.5; one that lands above it leaks.

References
----------
M. Ojala, G. C. Garriga, Journal of Machine Learning Research 11 (2010) 1833-1863. P. Golland, B. Fischl, Information
Processing in Medical Imaging (2003) 330-341. B. Phipson, G. K. Smyth, Statistical Applications in Genetics and
Molecular Biology 9 (2010) 39: p-values of permutations are never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from prldh.core import BOOTSTRAP, Cohort, Number, Predictions, seed_for
from prldh.engines import StatisticsEngine
from prldh.models import Plan
from prldh.validation.entries import HeldOut, Null
from prldh.validation.predict import predict_refitted
from prldh.validation.summaries import fold_mean, pooled_auc_of

#: Told to refit everything on the resamples of a plan: (plan, number of the permutation) → refits and completed
#: covariates by scheme.
Refit = Callable[[Plan, int], tuple[Mapping[str, list], Mapping[str, list]]]


def null_scheme(plan: Plan) -> str | None:
    """The scheme that is repeated: folds, or else the first that holds patients out."""
    held_out = [name for name, (kind, _) in plan.schemes.items() if kind != BOOTSTRAP]
    return "folds" if "folds" in held_out else next(iter(held_out), None)


def run_null(
    plan: Plan, how: Sequence[str], observed: Sequence[HeldOut], refit: Refit, engine: StatisticsEngine
) -> list[Null]:
    """Permute the outcome, repeat the scheme, and say where the models' held-out AUCs fall.

    Parameters
    ----------
    how
        How each model was fitted on everyone: its estimator is kept.
    observed
        Each model's entry of this scheme in scope ``pipeline``.
    refit
        Refits tissues and imputes covariates on every resample of the plan it is given.

    Returns
    -------
    list of Null
        One a model: the ``measure`` is the mean of the folds' AUCs, or the pooled AUC where a fold holds one patient;
        ``low`` and ``high`` are percentiles at the study's confidence, ``p`` is (1 + how many reach the observed) /
        (1 + n).
    """
    n, level = plan.study.validation.null_permutations, plan.study.performance.confidence
    aucs = np.full((n, len(plan.specs)), np.nan)
    measure = "auc_mean" if "auc_mean" in observed[0].performance else "auc"
    for k in range(n):
        permuted = permute(plan, k)
        refits, completed = refit(permuted, k)
        for i, spec in enumerate(plan.specs):
            (scheme,) = permuted.schemes
            predictions, patients = predict_refitted(permuted, spec, scheme, refits, completed, engine, how[i])
            aucs[k, i] = _auc(predictions, patients.cohort.outcome, measure, engine, level)
    return [
        _describe(values, entry.performance[measure].estimate, measure, level)
        for values, entry in zip(aucs.T, observed, strict=True)
    ]


def permute(plan: Plan, k: int) -> Plan:
    """The plan with its outcome permuted and the scheme's resamples drawn anew for it."""
    name = null_scheme(plan)
    assert name is not None, "there is no null run without a scheme that holds patients out"
    seed = seed_for(plan.study.seed, "null", k)
    first, second = seed.spawn(2)
    outcome = _permuted(plan.cohort, np.random.default_rng(first))
    kind, _ = plan.schemes[name]
    return replace(
        plan, cohort=replace(plan.cohort, outcome=outcome), schemes={name: (kind, plan.draw(name, outcome, second))}
    )


def _permuted(cohort: Cohort, generator: np.random.Generator) -> np.ndarray:
    """The outcome (n,) permuted; where several rows are one patient's, patients with as many rows exchange theirs."""
    if cohort.patients is None:
        return generator.permutation(cohort.outcome)
    outcome = cohort.outcome.copy()
    rows_of = [np.flatnonzero(cohort.patient == first) for first in np.unique(cohort.patient)]
    for size in sorted({len(rows) for rows in rows_of}):
        own = [rows for rows in rows_of if len(rows) == size]
        for rows, other in zip(own, generator.permutation(len(own)), strict=True):
            outcome[rows] = cohort.outcome[own[other]]
    return outcome


def _auc(predictions: Predictions, outcome: np.ndarray, measure: str, engine: StatisticsEngine, level: float) -> float:
    entry = (
        fold_mean(predictions, outcome, engine, level)
        if measure == "auc_mean"
        else pooled_auc_of(predictions, outcome.astype(float), engine, level)[0]
    )
    return np.nan if entry.estimate is None else entry.estimate


def _describe(values: np.ndarray, observed: Number, measure: str, level: float) -> Null:
    known = values[np.isfinite(values)]
    if not len(known):
        return Null(measure, 0, None, None, None, None, ())
    low, high = (float(q) for q in np.quantile(known, [(1 - level) / 2, (1 + level) / 2]))
    p = None if observed is None else float((1 + (known >= observed).sum()) / (1 + len(known)))
    return Null(measure, len(known), float(known.mean()), low, high, p, tuple(map(float, known)))
