"""From the features of a tissue to its Radscore: the selection steps, the linear score and its cutoff.

What is fitted receives :class:`~prldh.core.records.TrainingRows` and nothing else; what it learned is a list of
:class:`~prldh.core.fitted.FittedStep`, which :mod:`prldh.chain.applying` applies to anyone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from prldh.chain.applying import Table, applied, apply_chain, check_again
from prldh.chain.learners import LogisticLearner
from prldh.chain.shared import child_of, distinct_patients, stratified_folds
from prldh.chain.states import state_as_fitted
from prldh.chain.steps import Protocol, fit_steps, strongest
from prldh.core import (
    FeatureBlock,
    FittedScore,
    FittedStep,
    Ledger,
    LinearScore,
    SelectionStep,
    Subjects,
    TissueFit,
    TrainingRows,
    Warn,
    reach_of,
    seed_for,
    warn,
)
from prldh.engines import StatisticsEngine
from prldh.plugins import check_details, check_score, guarded, lent

#: Folds of the cross-fitted second stage, and the children of a seed from which on they draw.
CROSS_FOLDS = 5
OF_CROSS_FITS = 1000


def training_rows(blocks: tuple[FeatureBlock, ...], subjects: Subjects, rows: np.ndarray) -> tuple[TrainingRows, ...]:
    """The training rows of each block; ``rows`` (m,) may repeat, and those of a patient share a number."""
    columns = subjects.columns_of(rows)
    return tuple(
        TrainingRows(
            b.first[rows],
            None if b.second is None else b.second[rows],
            subjects.outcome[rows],
            subjects.patient[rows],
            b.names,
            None if b.perturbed is None else b.perturbed[:, rows],
            None if b.images is None else tuple(each.of_rows(rows) for each in b.images),
            tuple(values[rows] for values in b.further),
            columns=columns,
            tissue=b.tissue,
            made_by={b.source: b.made_by},
            is_consensus=b.is_consensus,
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
    """Select features and fit the Radscore on training rows; the ledger writes down which rows each fit was handed.

    Where the second stage is ``cross_fitted``, all of it is fitted again in folds by patient, and ``cross_fitted`` are
    the scores of each fold by what was fitted on the others. Where ``is_described``, selectors that have a method
    ``describe`` add what it says to the details of their step, and the states of what they fit are looked at; neither
    changes a fit.

    Returns
    -------
    TissueFit
        ``values`` are the Radscores of the training rows; ``empty_step`` is set where a step left nothing in
        every source, and then the score is the same for everyone.
    """
    outcome = training[0].outcome
    if outcome.min() == outcome.max():
        return _nobody(protocol, outcome, "one class among the training rows")
    fit = _fit_once(training, sources, protocol, seed, engine, ledger, is_described)
    if not fit.chain:
        return fit
    if protocol.second_stage == "cross_fitted":
        scores = _cross_fit(training, sources, protocol, seed, engine, ledger)
        lacks = np.isnan(scores)  # no other fold has their batch
        told = (warn.OF_ALL_ROWS(n=int(lacks.sum()), n_all=lacks.size),) if lacks.any() else ()
        fit = replace(fit, cross_fitted=np.where(lacks, fit.values, scores), warnings=(*fit.warnings, *told))
    if ledger is not None:
        ledger.read("cutoff", training[0].patient)
    return replace(fit, cutoff=float(engine.youden(outcome, fit.fitting)["threshold"]))


def _nobody(
    protocol: Protocol,
    outcome: np.ndarray,
    why: str,
    steps: tuple[SelectionStep, ...] = (),
    warnings: tuple[Warn, ...] = (),
) -> TissueFit:
    """A tissue of which nothing is left: everyone has the same score."""
    same = base_log_odds(outcome) if protocol.second_stage == "as_is" else 0.0
    return TissueFit(np.full(outcome.size, same), same, (), steps, why, warnings)


def base_log_odds(outcome: np.ndarray) -> float:
    """The log odds of the event among rows (n,), half a patient more on either side."""
    events = float(outcome.sum())
    return float(np.log((events + 0.5) / (outcome.size - events + 0.5)))


def _fit_once(
    training: tuple[TrainingRows, ...],
    sources: tuple[str, ...],
    protocol: Protocol,
    seed: np.random.SeedSequence,
    engine: StatisticsEngine,
    ledger: Ledger | None,
    is_described: bool = False,
) -> TissueFit:
    """Transforms, selection and score on training rows of both outcomes; the cutoff is not set."""
    outcome = training[0].outcome
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
        return _nobody(protocol, outcome, " ".join(emptied), steps, tuple(warnings))
    warnings += [warn.SOURCE_EMPTIED(failure=failure) for failure in emptied]
    source_of = {name: s for s, rows in zip(sources, training, strict=True) for name in rows.names}
    source_of |= {name: fit.source or sources[0] for fit in left for name in fit.rows.names if name not in source_of}
    rows = replace(
        training[0],
        values=np.column_stack([fit.rows.values for fit in left]),
        names=tuple(name for fit in left for name in fit.rows.names),
        second=None,
        perturbed=None,
        images=None,
        further=(),
    )
    score, of_score, failure = _fit_score(rows, protocol, children[-1], engine, ledger)
    warnings += of_score
    if score is None:
        return _nobody(protocol, outcome, failure, steps, tuple(warnings))
    if is_described:
        learner = protocol.learner.learner
        with guarded("learner", learner):
            check_details("learner", learner, getattr(score, "details", {}))
        check_again(learner, "learner", score, Table(rows.values, rows.names), rows.columns)
    if isinstance(score, LinearScore):
        score = score.of_sources(source_of)
        last = FittedStep(score, None, score.name, score.version)
    else:
        learner = protocol.learner.learner
        own = state_as_fitted(score) if is_described else None
        last = FittedStep(score, None, learner.name, learner.version, own)
    return TissueFit(
        applied(score, rows.values, rows.names, rows.columns),
        np.nan,
        (*(step for fit in left for step in fit.chain), last),
        steps,
        None,
        tuple(warnings),
        tuple((source_of[name], name) for name in score.names),
    )


def _fit_score(
    rows: TrainingRows,
    protocol: Protocol,
    seed: np.random.SeedSequence,
    engine: StatisticsEngine,
    ledger: Ledger | None,
) -> tuple[FittedScore | None, list[Warn], str]:
    """The learner's score; None where it makes use of no feature, with the reason."""
    if ledger is not None:
        ledger.read("Radscore", rows.patient)
    learner, warnings = protocol.learner.learner, list[Warn]()
    with guarded("learner", learner):  # what it gives may be as odd as what it raises
        score = lent(learner, "fit", rows, protocol.learner.settings, seed, engine)
        check_score(learner, score, rows.names)
        warnings += _remarks(learner, score)
    if score.names:
        return score, warnings, ""
    best = strongest(rows)
    failure = (
        f"the learner '{learner.name}' makes use of none of {len(rows.names)} features (setting"
        f" {protocol.learner}); the strongest candidate is '{rows.names[best]}'."
    )
    if protocol.if_empty != "best":
        return None, warnings, failure
    warnings.append(warn.KEPT_ALONE(failure=f"{failure[0].upper()}{failure[1:]}"))
    alone = LogisticLearner()
    kept = alone.fit(rows.take(np.array([best])), alone.Settings(), seed, engine)
    return kept, [*warnings, *_remarks(alone, kept)], ""


def _remarks(learner: Any, score: FittedScore) -> list[Warn]:
    remarks = getattr(score, "warnings", ())
    return [w if isinstance(w, Warn) else warn.LEARNER_REMARK(learner=learner.name, message=w) for w in remarks]


def _cross_fit(
    training: tuple[TrainingRows, ...],
    sources: tuple[str, ...],
    protocol: Protocol,
    seed: np.random.SeedSequence,
    engine: StatisticsEngine,
    ledger: Ledger | None,
) -> np.ndarray:
    """Scores (n,) of the training rows, each by a chain that was fitted without its patient: five folds by patient, or
    as many as the rarer class has patients, two at least. Where a fold's chain has nothing left, its log odds are those
    of all training rows; NaN where it cannot be applied to a row."""
    first = training[0]
    rarer = min(distinct_patients(first.outcome, first.patient))
    fold = stratified_folds(
        first.outcome, max(2, min(CROSS_FOLDS, rarer)), child_of(seed, OF_CROSS_FITS), first.patient
    )
    scores = np.empty(first.outcome.size)
    for k in range(int(fold.max()) + 1):
        train, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        own = tuple(rows.of_rows(train) for rows in training)
        outcome = own[0].outcome
        fit = None
        if outcome.min() < outcome.max():
            fit = _fit_once(own, sources, protocol, child_of(seed, OF_CROSS_FITS + 1 + k), engine, ledger)
        if fit is None or not fit.chain:
            # of all of them alike: those of a fold's own training rows would run against what it holds out
            scores[test] = base_log_odds(first.outcome)
            continue
        held_out = [rows.of_rows(test) for rows in training]
        tables: dict[str | None, Table] = {
            source: Table(rows.values, rows.names, rows.images[0] if rows.images else None)
            for source, rows in zip(sources, held_out, strict=True)
        }
        scores[test] = np.clip(apply_chain(fit.chain, tables, held_out[0].columns), *reach_of(fit.values))
    return scores


def fit_everyone(
    name: str,
    blocks: tuple[FeatureBlock, ...],
    subjects: Subjects,
    protocol: Protocol,
    seed: int,
    engine: StatisticsEngine,
    is_described: bool = False,
) -> TissueFit:
    """A tissue fitted on all patients, with the random numbers that belong to that fit."""
    rows = training_rows(blocks, subjects, np.arange(subjects.n))
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
        columns=first.columns,
        tissue=first.tissue,
        made_by={source: told for t in training for source, told in t.made_by.items()},
        is_consensus=first.is_consensus,
    )
    return [("all", None, pooled)]
