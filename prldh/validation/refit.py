"""Internal validation: refits on resamples, in scope ``model`` and in scope ``pipeline``. What is said of them is in
``summaries.py``.

Scope ``model`` keeps Radscores and group cutoffs and refits the logistic model and its threshold. Scope
``pipeline`` refits everything on the training rows: ICC, selection, scaling, coefficients, cutoffs, thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from prldh.chain import (
    Protocol,
    apply_chain,
    base_log_odds,
    build_design,
    fit_knots,
    fit_tissue,
    has_fewer_knots,
    log_odds,
    tables_of,
    training_rows,
)
from prldh.core import (
    BOOTSTRAP,
    Coded,
    Cohort,
    Design,
    FeatureBlock,
    Ledger,
    ModelSpec,
    Predictions,
    Resample,
    Subjects,
    TissueFit,
    TissueRefit,
    Warn,
    seed_for,
    warn,
)
from prldh.data import impute_resample
from prldh.engines import StatisticsEngine
from prldh.models import AS_IS, MAXIMUM_LIKELIHOOD, mean_log_odds
from prldh.study import Imputation
from prldh.validation.importance import importance_in


def refit_tissues(
    tissues: Mapping[str, tuple[FeatureBlock, ...]],
    given: Mapping[str, np.ndarray],
    subjects: Subjects,
    resample: Resample,
    protocol: Protocol,
    seed: int,
    key: tuple,
    engine: StatisticsEngine,
    ledger: Ledger,
    is_explained: bool = False,
) -> dict[str, TissueRefit]:
    """Every tissue's Radscore refitted on the training rows of one resample, applied to all patients; where
    ``is_explained``, with what its features are worth among those held out."""
    refits = {}
    for name, values in given.items():
        known = resample.train[np.isfinite(values[resample.train])]
        ledger.read("cutoff", known)
        cutoff = float(engine.youden(subjects.outcome[known].astype(float), values[known])["threshold"])
        refits[name] = TissueRefit(values, cutoff, (), None)
    for name, blocks in tissues.items():
        rows = training_rows(blocks, subjects, resample.train)
        fit = fit_tissue(
            rows, tuple(b.source for b in blocks), protocol, seed_for(seed, "tissue", name, *key), engine, ledger
        )
        refits[name] = _refit_of(fit, blocks, subjects, resample, protocol)
        if is_explained:
            own = seed_for(seed, "importance", name, *key)
            refits[name] = replace(refits[name], importance=importance_in(fit, blocks, subjects, resample, own))
    return refits


def _refit_of(
    fit: TissueFit, blocks: tuple[FeatureBlock, ...], subjects: Subjects, resample: Resample, protocol: Protocol
) -> TissueRefit:
    """A tissue as fitted on the training rows of a resample, applied to everyone."""
    features, is_log_odds = tuple(name for _, name in fit.features), protocol.second_stage == "as_is"
    values = apply_chain(fit.chain, tables_of(blocks), subjects.columns)
    if not fit.chain:
        values = np.full(subjects.n, base_log_odds(subjects.outcome[resample.train]) if is_log_odds else 0.0)
    cross_fitted = None
    if fit.cross_fitted is not None:
        cross_fitted = values.copy()
        cross_fitted[resample.train] = fit.cross_fitted  # copies of a patient are in one fold: their scores are equal
    return TissueRefit(values, fit.cutoff, features, fit.empty_step, cross_fitted, is_log_odds)


def predict_scope_model(
    design: Design,
    outcome: np.ndarray,
    kind: str,
    resamples: Sequence[Resample],
    engine: StatisticsEngine,
    how: str = MAXIMUM_LIKELIHOOD,
) -> Predictions:
    """Refit the logistic model alone on every resample, by the engine and in the way it was fitted on everyone."""
    if how == AS_IS:
        eta = np.tile(design.matrix[:, 1], (len(resamples), 1))
        return Predictions(kind, resamples, eta, np.zeros(len(resamples), dtype=bool))
    rows = np.concatenate([r.train for r in resamples])
    lengths = np.array([len(r.train) for r in resamples])
    b = np.asarray(
        _refit(engine, how)(design.matrix, outcome.astype(float), rows, lengths)["coefficients"], dtype=float
    )
    eta = np.array([log_odds(design.matrix, row) for row in b])
    unseen = sum(_unseen_levels(design, r) for r in resamples)
    return _wrote_down(
        Predictions(kind, resamples, eta, _is_intercept_alone(b), _of_unseen(unseen)),
        np.split(rows, np.cumsum(lengths)[:-1]),
    )


def predict_scope_pipeline(
    spec: ModelSpec,
    cohort: Cohort,
    kind: str,
    resamples: Sequence[Resample],
    refits: Sequence[Mapping[str, TissueRefit]],
    engine: StatisticsEngine,
    how: str = MAXIMUM_LIKELIHOOD,
) -> Predictions:
    """Refit the logistic model, in the way it was fitted on everyone, on Radscores and groups that were refitted on
    each resample, and splines whose knots were."""
    outcome = cohort.outcome.astype(float)
    eta, alone = np.zeros((len(resamples), cohort.n)), np.zeros(len(resamples), dtype=bool)
    unseen, fewer, read, of_training = 0, 0, [], []
    for r, (resample, tissues) in enumerate(zip(resamples, refits, strict=True)):
        as_it_is = taken_as_it_is(spec, tissues)
        if as_it_is is not None:
            eta[r], alone[r] = as_it_is.values, as_it_is.empty_step is not None
            of_training.append(eta[r, resample.train])
            read.append(resample.train[:0])
            continue
        tissues, is_unreached = _reached(tissues, cohort.n)
        scores = {name: t.values for name, t in tissues.items()}
        fitting = {name: t.fitting for name, t in tissues.items()}
        cutoffs = {name: t.cutoff for name, t in tissues.items()}
        knots = fit_knots(spec.terms, cohort, fitting, resample.train)
        fewer += has_fewer_knots(spec.terms, cohort, fitting, knots)
        design = build_design(spec.terms, cohort, scores, cutoffs, knots=knots)
        own = design if _is_in_sample(tissues) else build_design(spec.terms, cohort, fitting, cutoffs, knots=knots)
        design = design.like(own)
        read.append(resample.train)
        fitted = _refit(engine, how)(own.matrix, outcome, read[-1], np.array([len(read[-1])]))
        b = np.asarray(fitted["coefficients"], dtype=float)
        eta[r] = np.where(is_unreached, np.nan, log_odds(design.matrix, b[0]))
        of_training.append(log_odds(own.matrix[resample.train], b[0]))
        alone[r] = _is_intercept_alone(b)[0]
        unseen += _unseen_levels(design, resample)
    fitted_to = None if all(map(_is_in_sample, refits)) else of_training
    warnings = _of_unseen(unseen) + _of_fewer_knots(fewer, len(resamples))
    return _wrote_down(Predictions(kind, resamples, eta, alone, warnings, fitted=fitted_to), read)


def taken_as_it_is(spec: ModelSpec, tissues: Mapping[str, TissueRefit]) -> TissueRefit | None:
    """The tissue whose score is the model's log odds already: the only term of the model, second stage ``as_is``."""
    tissue = tissues.get(spec.terms[0]) if len(spec.terms) == 1 else None
    return tissue if tissue is not None and tissue.is_log_odds else None


def _reached(tissues: Mapping[str, TissueRefit], n: int) -> tuple[dict[str, TissueRefit], np.ndarray]:
    """The tissues, with a score of 0 for patients whom a step cannot be applied to, and who these are (n,): they train
    nothing, and are not predicted."""
    is_unreached, reached = np.zeros(n, dtype=bool), dict(tissues)
    for name, tissue in tissues.items():
        gone = np.isnan(tissue.values)
        if (tissue.features or tissue.empty_step) and gone.any():
            fitted = None if tissue.cross_fitted is None else np.where(gone, 0.0, tissue.cross_fitted)
            reached[name] = replace(tissue, values=np.where(gone, 0.0, tissue.values), cross_fitted=fitted)
            is_unreached |= gone
    return reached, is_unreached


def _is_in_sample(tissues: Mapping[str, TissueRefit]) -> bool:
    return all(tissue.cross_fitted is None for tissue in tissues.values())


def _wrote_down(predictions: Predictions, read: Sequence[np.ndarray]) -> Predictions:
    """The predictions, with the rows that the logistic model of each resample read in their ledgers."""
    for ledger, rows in zip(predictions.ledgers, read, strict=True):
        ledger.read("logistic model", rows)
    return predictions


def impute_for_resamples(
    cohort: Cohort,
    scores: Mapping[str, np.ndarray],
    resample: Resample,
    settings: Imputation,
    seed: int,
    key: tuple,
    ledger: Ledger,
) -> tuple[list[Coded], list[Coded]]:
    """Completed covariates of one resample: of its training rows (imputed with the outcome there), and of everyone (by
    a model of the training rows that never saw an outcome)."""
    ledger.read("imputation", resample.train)
    return impute_resample(cohort, scores, resample.train, settings, seed_for(seed, "imputation", *key))


def predict_imputed(
    spec: ModelSpec,
    cohort: Cohort,
    kind: str,
    resamples: Sequence[Resample],
    refits: Sequence[Mapping[str, TissueRefit]],
    completed: Sequence[tuple[list[Coded], list[Coded]]],
    engine: StatisticsEngine,
    how: str,
) -> Predictions:
    """Refit a model with incomplete covariates on every resample: once an imputation, coefficients averaged as Rubin's
    rules have it.

    The averaged model predicts each imputation of a patient; ``log_odds`` are the means.
    """
    n_imputations = len(completed[0][0])
    imputed = np.zeros((n_imputations, len(resamples), cohort.n))
    alone, training, unseen, fewer = np.zeros(len(resamples), dtype=bool), [], 0, 0
    for r, (resample, tissues, (train, everyone)) in enumerate(zip(resamples, refits, completed, strict=True)):
        size = len(resample.train)
        tissues, is_unreached = _reached(tissues, cohort.n)
        scores = {name: np.concatenate([t.fitting[resample.train], t.values]) for name, t in tissues.items()}
        cutoffs = {name: t.cutoff for name, t in tissues.items()}
        outcome = np.concatenate([cohort.outcome[resample.train], np.zeros(cohort.n)]).astype(float)
        fitting = {name: t.fitting for name, t in tissues.items()}
        knots = fit_knots(spec.terms, cohort, fitting, resample.train)
        fewer += has_fewer_knots(spec.terms, cohort, fitting, knots)
        both = [{name: np.concatenate([a[name], b[name]]) for name in a} for a, b in zip(train, everyone, strict=True)]
        designs = [build_design(spec.terms, cohort, scores, cutoffs, coded, knots) for coded in both]
        rows, length = np.arange(size), np.array([size])
        b = np.array([_refit(engine, how)(d.matrix, outcome, rows, length)["coefficients"][0] for d in designs]).mean(
            axis=0
        )
        etas = np.array([log_odds(d.matrix, b) for d in designs])
        training.append(mean_log_odds(etas[:, :size]))
        imputed[:, r] = np.where(is_unreached, np.nan, etas[:, size:])
        alone[r] = _is_intercept_alone(b[None])[0]
        unseen += _unseen_levels(designs[0], Resample(rows, size + resample.test, 0, 0))
    eta = np.array([mean_log_odds(imputed[:, r]) for r in range(len(resamples))])
    warnings = _of_unseen(unseen) + _of_fewer_knots(fewer, len(resamples))
    predictions = Predictions(kind, resamples, eta, alone, warnings, imputed if kind != BOOTSTRAP else None, training)
    return _wrote_down(predictions, [r.train for r in resamples])


def _unseen_levels(design: Design, resample: Resample) -> int:
    """How many held-out patients have a level that no training row has: it has no coefficient."""
    factors = [j for j, level in enumerate(design.levels) if level is not None]
    absent = [j for j in factors if not design.matrix[resample.train, j].any()]
    return int(design.matrix[resample.test][:, absent].any(axis=1).sum()) if absent else 0


def _of_unseen(n: int) -> tuple[Warn, ...]:
    return (warn.UNSEEN_LEVELS(n=n),) if n else ()


def _of_fewer_knots(n: int, n_resamples: int) -> tuple[Warn, ...]:
    return (warn.FEWER_KNOTS(n=n, n_resamples=n_resamples),) if n else ()


def _refit(engine: StatisticsEngine, how: str) -> Callable[..., Mapping[str, Any]]:
    """The estimator is part of the model: what Firth's likelihood fitted on everyone it fits in every resample."""
    return engine.refit_logistic if how in (MAXIMUM_LIKELIHOOD, AS_IS) else partial(engine.refit_firth, predictions=how)


def _is_intercept_alone(b: np.ndarray) -> np.ndarray:
    return ~(np.nan_to_num(b[:, 1:]) != 0).any(axis=1)


def held_out(predictions: Predictions) -> list[np.ndarray]:
    """Pooled held-out log odds (n,), one array a repeat; NaN for a patient who was never held out."""
    return _pool(predictions.resamples, predictions.log_odds)


def held_out_imputed(predictions: Predictions) -> list[np.ndarray]:
    """The same for every imputation (i, n), one array a repeat; i is 1 where nothing was imputed."""
    etas = predictions.log_odds[None] if predictions.imputed is None else predictions.imputed
    by_imputation = [_pool(predictions.resamples, eta) for eta in etas]
    return [np.array(repeat) for repeat in zip(*by_imputation, strict=True)]


def _pool(resamples: Sequence[Resample], log_odds: np.ndarray) -> list[np.ndarray]:
    repeats: dict[int, np.ndarray] = {}
    for r, resample in enumerate(resamples):
        pooled = repeats.setdefault(resample.repeat, np.full(log_odds.shape[1], np.nan))
        pooled[resample.test] = log_odds[r, resample.test]
    return [repeats[k] for k in sorted(repeats)]
