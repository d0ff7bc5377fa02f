"""Refits on every resample, spread over workers and kept as they finish.

What one refit is stands in :mod:`prldh.validation.refit`; how work is spread and kept in :mod:`prldh.work.work` and
:mod:`prldh.work.kept`.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from prldh.chain import Protocol
from prldh.core import (
    BOOTSTRAP,
    Coded,
    Cohort,
    Entry,
    FeatureBlock,
    Ledger,
    Resample,
    Subjects,
    TissueRefit,
    one_thread,
)
from prldh.engines import PythonEngine
from prldh.models import Plan
from prldh.plugins import fingerprint_of
from prldh.study import Imputation
from prldh.validation.refit import impute_for_resamples, refit_tissues
from prldh.work import KeptWork, Shelf, Workers, digest_of, program_digest, run_work

#: What the features of all tissues are called as one.
POOLED = "all features"

#: One entry a resample.
ByScheme = dict[str, list]


@dataclass(frozen=True)
class Refits:
    """What every refit of one stage is told beside the features: ``tissues`` are given in scope ``model``, where they
    are not refitted; ``cohort`` where covariates have blanks that are imputed; ``is_pooled``: the features of all
    tissues make one score, and given scores do not count; ``explained``: schemes in whose resamples features are told
    by their worth."""

    subjects: Subjects
    protocol: Protocol
    seed: int
    tissues: Mapping[str, TissueRefit] | None
    cohort: Cohort | None
    imputation: Imputation
    is_pooled: bool = False
    explained: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Refitted:
    """Of every resample of every scheme: the tissues, the completed covariates, and what the fits were handed."""

    tissues: ByScheme
    completed: ByScheme
    ledgers: ByScheme


@dataclass(frozen=True)
class Helpers:
    """Who refits, and where it is kept."""

    workers: Workers
    kept: KeptWork


def in_many_folds(plan: Plan) -> list[str]:
    """The schemes that hold several patients out at once."""
    return [
        name
        for name, (kind, resamples) in plan.schemes.items()
        if kind != BOOTSTRAP and any(len(r.test) > 1 for r in resamples)
    ]


def refit_inputs(plan: Plan) -> tuple[dict[str, tuple[FeatureBlock, ...]], dict[str, np.ndarray]]:
    """The features and the given scores of all patients: what every refit needs, the same in all stages."""
    return dict(plan.blocks), {str(name): values.to_numpy(float) for name, values in plan.cohort.scores.items()}


def refit_all(
    plan: Plan,
    tissues: Mapping[str, TissueRefit] | None,
    helpers: Helpers,
    progress: Callable[[int, int], None],
    noun: str | None = None,
    is_pooled: bool = False,
    explained: Sequence[tuple[str, int]] = (),
) -> Refitted:
    """Every tissue, unless ``tissues`` are given, and the imputed covariates on every resample of the plan; where
    ``is_pooled``, the features of all tissues as one (:func:`pool`), and no covariates."""
    workers, kept = helpers.workers, helpers.kept
    cohort = plan.cohort if plan.imputes and not is_pooled else None
    if tissues is not None and cohort is None:
        given = {scheme: [tissues] * len(resamples) for scheme, (_, resamples) in plan.schemes.items()}
        return Refitted(given, {}, {scheme: [] for scheme in plan.schemes})
    items = [
        (scheme, r, resample) for scheme, (_, resamples) in plan.schemes.items() for r, resample in enumerate(resamples)
    ]
    study, subjects = plan.study, plan.cohort.subjects
    settings = Refits(
        subjects, plan.protocol, study.seed, tissues, cohort, study.imputation, is_pooled, tuple(explained)
    )
    by_item = run_work(
        partial(refit_one, settings),
        items,
        workers,
        lambda done: progress(done, len(items)),
        shelf=_shelf(kept, settings, items),
        is_cheap=cohort is None and not plan.blocks,
        noun=noun,
    )
    refits: dict[str, list] = {}
    completed: dict[str, list] = {}
    ledgers: dict[str, list] = {}
    for (scheme, _, _), (refitted, tables, ledger) in zip(items, by_item, strict=True):
        refits.setdefault(scheme, []).append(refitted or tissues)
        completed.setdefault(scheme, []).append(tables)
        ledgers.setdefault(scheme, []).append(ledger)
    return Refitted(refits, completed, ledgers)


def pool(blocks: Mapping[str, tuple[FeatureBlock, ...]]) -> dict[str, tuple[FeatureBlock, ...]]:
    """The first reader's features of all tissues as those of one, :data:`POOLED`; a name has its tissue before it where
    there are several."""
    several = len(blocks) > 1
    return {
        POOLED: tuple(
            FeatureBlock(
                f"{tissue}, {block.source}" if several else block.source,
                tuple(f"{tissue}: {name}" for name in block.names) if several else block.names,
                block.first,
                None,
            )
            for tissue, own in blocks.items()
            for block in own
        )
    }


def refit_one(
    settings: Refits,
    blocks: Mapping[str, tuple[FeatureBlock, ...]],
    given: Mapping[str, np.ndarray],
    item: tuple[str, int, Resample],
) -> tuple[dict[str, TissueRefit] | None, tuple[list[Coded], list[Coded]] | None, Ledger]:
    """The refitted tissues (None in scope ``model``), the imputed covariates (None where nothing is blank), and what
    was read."""

    scheme, r, resample = item
    started = time.process_time()
    with one_thread():
        ledger = Ledger(resample.test)
        refitted = None
        if settings.tissues is None:
            refitted = refit_tissues(
                pool(blocks) if settings.is_pooled else blocks,
                {} if settings.is_pooled else given,
                settings.subjects,
                resample,
                settings.protocol,
                settings.seed,
                (scheme, r),
                PythonEngine(),
                ledger,
                (scheme, r) in settings.explained,
            )
            seconds = time.process_time() - started
            refitted = {name: replace(tissue, seconds=seconds) for name, tissue in refitted.items()}
        if settings.cohort is None:
            return refitted, None, ledger
        scores = {name: t.fitting for name, t in (refitted or settings.tissues or {}).items()}
        return (
            refitted,
            impute_for_resamples(
                settings.cohort, scores, resample, settings.imputation, settings.seed, (scheme, r), ledger
            ),
            ledger,
        )


# ---------------------------------------------------------------- what is kept


def open_kept(plan: Plan, say: Callable[[str], None]) -> KeptWork:
    """The finished refits of a study, by a digest of what all of them depend on: program, plugins, protocol, features,
    scores and seed."""
    protocol = plan.protocol
    plugins = sorted((each.name, each.version) for each in plan.registry.distributions)
    blocks, given = refit_inputs(plan)
    features = [
        (name, [[getattr(block, f.name) for f in fields(block)] for block in tissue]) for name, tissue in blocks.items()
    ]
    return KeptWork(digest_of(program_digest(), plugins, _digest_of(protocol), plan.study.seed, features, given), say)


def _digest_of(protocol: Protocol) -> str:
    """What a way from features to a score depends on: steps and learner with their settings and sources."""
    objects = [(s.selector, s.settings) for s in protocol.steps]
    learners = [(protocol.learner.learner, protocol.learner.settings)]
    parts = [
        (item.name, item.version, _source_of(item), settings.model_dump_json(), fingerprint_of("step", item, settings))
        for item, settings in (*objects, *learners)
    ]
    return digest_of(parts, protocol.by_source, protocol.if_empty, protocol.second_stage)


def _source_of(selector: Any) -> str:
    """The text of the file that a selector is written in, as its author may forget to raise its version."""
    with suppress(OSError, TypeError, ValueError):
        return Path(inspect.getsourcefile(type(selector)) or "").read_text(encoding="utf-8")
    return ""


def _shelf(kept: KeptWork, settings: Refits, items: list[tuple[str, int, Resample]]) -> Shelf:
    """Where the refits of one stage are kept: by the chain, its outcome, given tissues and covariates, and the rows of
    each resample."""
    tissues = None if settings.tissues is None else [(name, t.values, t.cutoff) for name, t in settings.tissues.items()]
    covariates = None
    if settings.cohort is not None:
        cohort = settings.cohort
        covariates = (
            [(c.name, c.kind, c.levels, cohort.coded[c.name]) for c in cohort.covariates],
            settings.imputation.model_dump_json(),
        )
    chain = (_digest_of(settings.protocol), settings.is_pooled, settings.explained)
    subjects = settings.subjects
    known = subjects.outcome, subjects.patient, [(name, list(values)) for name, values in subjects.columns.items()]
    stage = digest_of(kept.study, chain, known, tissues, covariates)
    keys = [digest_of(stage, scheme, r, resample.train, resample.test) for scheme, r, resample in items]
    return Shelf(kept, keys, _pack, _unpack)


def _pack(result: tuple) -> list[Any]:
    refitted, tables, ledger = result
    return [
        refitted and [[name, *(getattr(t, f.name) for f in fields(t))] for name, t in refitted.items()],
        tables and [[list(coded.items()) for coded in part] for part in tables],
        ledger.held_out,
        [[stage, e.n_fits, e.n_rows, e.n_held_out] for stage, e in ledger.entries.items()],
    ]


def _unpack(content: list[Any]) -> tuple:
    refitted, tables, held_out, entries = content
    return (
        refitted
        and {
            name: TissueRefit(values, cutoff, tuple(features), *others)
            for name, values, cutoff, features, *others in refitted
        },
        tables and tuple([dict(coded) for coded in part] for part in tables),
        Ledger(held_out, {stage: Entry(*counts) for stage, *counts in entries}),
    )
