"""From the features of a tissue to its Radscore: the selection steps, the linear score and its cutoff.

What is fitted receives :class:`~prldh.core.records.TrainingRows` and nothing else; what it learned is a list of
:class:`~prldh.core.fitted.FittedStep`, which :mod:`prldh.chain.applying` applies to anyone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from prldh.chain.selection import distinct_patients, stratified_folds
from prldh.chain.steps import Protocol, fit_steps
from prldh.core import FeatureBlock, FittedStep, Ledger, LinearScore, TissueFit, TrainingRows, Warn, seed_for, warn
from prldh.engines import StatisticsEngine


def training_rows(blocks: tuple[FeatureBlock, ...], outcome: np.ndarray, rows: np.ndarray) -> tuple[TrainingRows, ...]:
    """The training rows of each block; ``rows`` (m,) may repeat, and copies of a patient share a number."""
    return tuple(
        TrainingRows(
            b.first[rows],
            None if b.second is None else b.second[rows],
            outcome[rows],
            rows,
            b.names,
            None if b.perturbed is None else b.perturbed[:, rows],
            None if b.images is None else tuple(each.of_rows(rows) for each in b.images),
            tuple(values[rows] for values in b.further),
        )
        for b in blocks
    )


def fit_tissue(
    training: tuple[TrainingRows, ...],
    sources: tuple[str, ...],
    protocol: Protocol,
    seed: np.random.SeedSequence,
    engine: StatisticsEngine,
    ledger: Ledger | None = None,
    is_described: bool = False,
) -> TissueFit:
    """Select features and fit the Radscore on training rows; the ledger writes down which rows each fit read.

    Where ``is_described``, selectors that have a method ``describe`` add what it says to the details of their step, and
    the states of what they fit are looked at; neither changes a fit.

    Returns
    -------
    TissueFit
        ``values`` are the Radscores of the training rows; ``empty_step`` is set where a step left nothing in
        every source, and then the score is 0 for everyone.
    """
    outcome = training[0].outcome
    if outcome.min() == outcome.max():
        return TissueFit(np.zeros(outcome.size), 0.0, empty_step="one class among the training rows")
    groups = _grouped(training, sources, protocol.by_source)
    children = seed.spawn(len(groups) + 1)
    fits = [
        fit_steps(label, source, rows, protocol, child, engine, ledger, is_described)
        for (label, source, rows), child in zip(groups, children[:-1], strict=True)
    ]
    steps = tuple(step for fit in fits for step in fit.steps)
    warnings = [warning for fit in fits for warning in fit.warnings]
    emptied, left = [fit.failure for fit in fits if fit.failure], [fit for fit in fits if not fit.failure]
    if not left:
        return TissueFit(np.zeros(outcome.size), 0.0, (), steps, " ".join(emptied), tuple(warnings))
    warnings += [warn.SOURCE_EMPTIED(failure=failure) for failure in emptied]
    values = np.column_stack([fit.rows.values[:, j] for fit in left for j in range(len(fit.rows.names))])
    source_of = {name: s for s, rows in zip(sources, training, strict=True) for name in rows.names}
    features = tuple((source_of.get(name, fit.source or sources[0]), name) for fit in left for name in fit.rows.names)
    if ledger is not None:
        ledger.read("Radscore", training[0].patient)
        ledger.read("cutoff", training[0].patient)
    score, of_score = _fit_score(values, features, training[0], protocol.radscore, children[-1], engine)
    fitted = score.log_odds(values)
    cutoff = float(engine.youden(outcome, fitted)["threshold"])
    chain = (*(step for fit in left for step in fit.chain), FittedStep(score, None, score.name, score.version))
    return TissueFit(fitted, cutoff, chain, steps, None, tuple(warnings + of_score))


def fit_everyone(
    name: str,
    blocks: tuple[FeatureBlock, ...],
    outcome: np.ndarray,
    protocol: Protocol,
    seed: int,
    engine: StatisticsEngine,
    is_described: bool = False,
) -> TissueFit:
    """A tissue fitted on all patients, with the random numbers that belong to that fit."""
    rows = training_rows(blocks, outcome, np.arange(outcome.size))
    own = seed_for(seed, "tissue", name, "all")
    fit = fit_tissue(rows, tuple(b.source for b in blocks), protocol, own, engine, is_described=is_described)
    return replace(fit, warnings=tuple(w.about(f"tissue {name}") for w in fit.warnings))


def _grouped(
    training: tuple[TrainingRows, ...], sources: tuple[str, ...], by_source: bool
) -> list[tuple[str, str | None, TrainingRows]]:
    """What the steps run on: what it is called, its source (None: all together), and its rows."""
    if by_source or len(training) == 1:
        return [(source, source, rows) for source, rows in zip(sources, training, strict=True)]
    first = training[0]
    n_readers = min(len(t.readers) for t in training)
    _, *others = (np.hstack([t.readers[k] for t in training]) for k in range(n_readers))
    perturbed = [t.perturbed for t in training if t.perturbed is not None]
    pooled = TrainingRows(
        np.hstack([t.values for t in training]),
        others[0] if others else None,
        first.outcome,
        first.patient,
        tuple(n for t in training for n in t.names),
        np.concatenate(perturbed, axis=2) if len(perturbed) == len(training) else None,
        further=tuple(others[1:]),
    )
    return [("all", None, pooled)]


def _fit_score(
    values: np.ndarray,
    features: tuple[tuple[str, str], ...],
    rows: TrainingRows,
    how: str,
    seed: np.random.SeedSequence,
    engine: StatisticsEngine,
) -> tuple[LinearScore, list[Warn]]:
    center, scale = values.mean(axis=0), values.std(axis=0)
    z = (values - center) / scale
    warnings = []
    if how == "lasso" and values.shape[1] > 1:
        n_folds = max(3, min(10, *distinct_patients(rows.outcome, rows.patient)))
        folds = stratified_folds(rows.outcome, n_folds, seed, rows.patient) + 1
        b = np.asarray(engine.cv_lasso(z, rows.outcome.astype(float), folds)["coefficients"])
    else:
        design = np.column_stack([np.ones(len(z)), z])
        fit = engine.fit_logistic(design, rows.outcome.astype(float))
        b = np.nan_to_num(np.asarray(fit["coefficients"], dtype=float))
        if fit["deviance"] < 1e-6 * max(fit["null_deviance"], 1.0) or not fit["converged"]:
            warnings.append(warn.RADSCORE_SEPARATED())
    return LinearScore(float(b[0]), features, b[1:], center, scale), warnings
