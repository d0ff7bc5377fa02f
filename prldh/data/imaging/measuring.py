"""From images and masks to feature tables: read, check, measure, combine.

A case that cannot be measured is put aside with its reason and the rest goes on. What is measured is kept as it
finishes (:mod:`prldh.data.imaging.compute`), so that a killed run goes on where it stopped.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import CaseRow, DataError, Progress, Warn, cache_folder, warn
from prldh.data.cohort import patients_of
from prldh.data.ids import check_ids, told_alike
from prldh.data.imaging.cases import read_cases
from prldh.data.imaging.check import Finding, check_cases
from prldh.data.imaging.compute import CaseResult, compute_cases
from prldh.data.imaging.consensus import Consensus
from prldh.data.imaging.naming import refuse_same_stems, without_names
from prldh.data.imaging.patients import Images, TissueImages, combine_rows
from prldh.data.imaging.perturb import Perturbation
from prldh.data.imaging.read import load_case
from prldh.data.imaging.sources import PERTURB, ChosenSource, check_names, choose_sources, settings_for
from prldh.data.imaging.stepping import ChosenStep, apply_steps, choose_steps
from prldh.data.imaging.streaming import n_readers, stream_cases
from prldh.data.tables import open_table, some
from prldh.plugins import Registry, VerifiesValues, answered
from prldh.study import AS_IT_IS, ReadSettings, Study, TableRead, Tissue
from prldh.work import Workers, run_work

#: So many cases at once are given to a source that takes several: as many images lie in a worker's memory.
BATCH = 8


def measure(
    study: Study,
    folder: Path,
    registry: Registry,
    *,
    jobs: int | None = None,
    is_strict: bool = False,
    progress: Progress | None = None,
) -> Images:
    """Measure every tissue that is given as images.

    Needs nothing of the clinical table but its ids.

    Raises
    ------
    DataError
        For a cases table that cannot be used, a tissue of which no case is left, or, with ``is_strict``, any case that
        is put aside.
    StudyError, PluginError
        For a feature source that is not installed or refuses its settings.
    """
    if all(tissue.images is None for tissue in study.tissues.values()):
        return Images()
    progress = progress or (lambda stage, done, total: None)
    jobs = jobs or study.compute.jobs or os.cpu_count() or 1
    chosen, steps, perturbations = _choose(study, folder, registry)
    known, rows_of, warnings, whose = _read_all_rows(study, folder)
    measured = {}
    for name, rows in rows_of.items():
        tissue = _measure_tissue(
            name,
            rows,
            study.tissues[name],
            whose,
            chosen[name],
            steps[name],
            study.imaging,
            perturbations.get(name),
            known,
            jobs,
            study.compute.dask,
            is_strict,
            progress,
        )
        patient_of = {i: patient for i, patient in whose.items() if patient}
        measured[name] = replace(tissue, warnings=(*warnings[name], *tissue.warnings), patient_of=patient_of)
    return Images(measured)


def _choose(
    study: Study, folder: Path, registry: Registry
) -> tuple[dict[str, dict[str, ChosenSource]], dict[str, tuple[ChosenStep, ...]], dict[str, Perturbation]]:
    """Sources, image steps and perturbation of every tissue with images, their settings checked and all that they need
    at hand, before any image is read."""
    check_names(study, registry)
    refuse_same_stems(name for name, tissue in study.tissues.items() if tissue.images is not None)
    chosen = {
        name: choose_sources(study, name, registry, folder)
        for name, tissue in study.tissues.items()
        if tissue.images is not None
    }
    steps = {name: choose_steps(study, name, registry, folder) for name in chosen}
    perturbations = {
        name: settings_for(study, name, PERTURB, Perturbation)
        for name in chosen
        if PERTURB in study.extraction or PERTURB in study.tissues[name].extraction
    }
    return chosen, steps, perturbations


def check_tissues(
    study: Study, folder: Path, registry: Registry, *, jobs: int | None = None, progress: Progress | None = None
) -> dict[str, list[Any]]:
    """What the checks find, tissue by tissue, without measuring anything.

    Raises
    ------
    DataError
        For a cases table that cannot be used.
    StudyError, PluginError
        As :func:`measure`.
    """

    progress = progress or (lambda stage, done, total: None)
    jobs = jobs or study.compute.jobs or os.cpu_count() or 1
    _choose(study, folder, registry)
    known, rows_of, warnings, whose = _read_all_rows(study, folder)
    findings = {}
    for name, rows in rows_of.items():
        of_cases = check_cases(
            rows,
            study.imaging,
            jobs,
            _counting(progress, f"images: {name}, checks", len(rows)),
            whose if study.tissues[name].share_images else None,
        )
        findings[name] = [*_of_the_table(name, known, rows, warnings[name]), *of_cases]
    return findings


def _of_the_table(
    tissue: str, known: Sequence[str], rows: Sequence[CaseRow], warnings: Sequence[Warn]
) -> list[Finding]:
    """What there is to say of a cases table as a whole: rows that are nobody's, patients without a row."""
    there = {row.patient for row in rows}
    absent = [i for i in known if i not in there]
    told = [Finding("", tissue, 0, "warning", "table", w.message.removeprefix(f"tissue {tissue}: ")) for w in warnings]
    if absent:
        who = f"{len(absent)} patient{'s' * (len(absent) > 1)} of the clinical table"
        have = "have" if len(absent) > 1 else "has"
        told.append(Finding("", tissue, 0, "warning", "table", f"{who} {have} no row: {some(absent)}."))
    return told


def _read_all_rows(
    study: Study, folder: Path
) -> tuple[Sequence[str], dict[str, list[CaseRow]], dict[str, list[Warn]], dict[str, str]]:
    """The ids of the clinical table, of every tissue with images its rows and what there is to say of them, and for ids
    that share images whose they are ("" where the study does not say)."""
    clinical = study.clinical
    frame = open_table(folder / clinical.table, clinical.read)
    known = check_ids(frame, clinical.id, "clinical.id")
    patients = ("",) * len(known) if clinical.patient is None else patients_of(frame, clinical.patient, known)
    whose = dict(zip(known, patients, strict=True))
    rows, warnings = {}, {}
    for name, tissue in study.tissues.items():
        cases = tissue.cases()
        if cases is not None:
            rows[name], warnings[name] = read_rows(
                folder / cases.path,
                name,
                clinical.id,
                known,
                cases.read.joined_as(clinical.read),
                patient_column=clinical.patient,
                share_images=tissue.share_images,
            )
            _refuse_lone_consensus(name, tissue, rows[name])
            if tissue.share_images and clinical.patient is None:
                warnings[name] += _tell_of_shared(name, rows[name])
    return known, rows, warnings, whose


def rows_by_patient(study: Study, folder: Path, rows: Sequence[CaseRow]) -> list[CaseRow]:
    """Rows of a cases table under their patients' names, where ids are lesions' (``clinical.patient``): whoever trains
    on images must not part a patient's, and the lesions of one image are one target.

    Raises
    ------
    DataError
        If the clinical table cannot be read.
    """
    clinical = study.clinical
    if clinical.patient is None:
        return list(rows)
    frame = open_table(folder / clinical.table, clinical.read)
    known = check_ids(frame, clinical.id, "clinical.id")
    patient_of = dict(zip(known, patients_of(frame, clinical.patient, known), strict=True))
    return [replace(row, patient=patient_of.get(row.patient, row.patient)) for row in rows]


def _refuse_lone_consensus(name: str, tissue: Tissue, rows: Sequence[CaseRow]) -> None:
    if tissue.consensus is not None and len(rows[0].masks) < 2:
        raise DataError(
            f"tissues.{name}.consensus: {tissue.consensus} is of several readers' masks, and the cases table has one"
            " reader's. Give mask_reader1 and mask_reader2, or leave consensus out."
        )


def _tell_of_shared(tissue: str, rows: Sequence[CaseRow]) -> list[Warn]:
    """A warning where ids share an image, and nothing says whose they are."""
    ids_of = defaultdict(set)
    for row in rows:
        ids_of[row.image].add(row.patient)
    sharing = sorted({i for ids in ids_of.values() if len(ids) > 1 for i in ids})
    return [warn.SHARED_IMAGES(tissue=tissue, n=len(sharing), listed=some(sharing))] if sharing else []


def read_rows(
    table: Path,
    tissue: str,
    id_column: str,
    known: Sequence[str],
    read: TableRead = AS_IT_IS,
    *,
    patient_column: str | None = None,
    share_images: bool = False,
) -> tuple[list[CaseRow], list[Warn]]:
    """Rows of a cases table whose patients are in the clinical table, and what there is to say of the others."""

    rows = read_cases(table, tissue, id_column, read=read, patient_column=patient_column, share_images=share_images)
    ours = set(known)
    strangers = list(dict.fromkeys(r.patient for r in rows if r.patient not in ours))
    kept = [r for r in rows if r.patient in ours]
    there = {r.patient for r in kept}
    hint = told_alike((i for i in known if i not in there), strangers)
    if rows and patient_column is not None and all(row.patient == row.lesion for row in rows) and id_column != "lesion":
        hint += f" The column 'lesion' stands for '{id_column}', which {table.name} has not."
    if not kept:
        raise DataError(
            f"tissues.{tissue}: no patient of {table.name} is in the clinical table ({some(strangers)}). Tables are"
            f" joined on the id; correct the ids.{hint}"
        )
    n, are, were = len(strangers), *(("is", "was") if len(strangers) == 1 else ("are", "were"))
    warnings = [
        warn.STRANGERS_LEFT_OUT(
            tissue=tissue,
            patients=f"{n} patient{'s' * (n > 1)}",
            table=table.name,
            are=are,
            were=were,
            listed=some(strangers) + hint.rstrip("."),
        )
    ]
    return kept, warnings if strangers else []


def _measure_tissue(
    name: str,
    rows: list[CaseRow],
    settings: Tissue,
    whose: Mapping[str, str],
    sources: Mapping[str, ChosenSource],
    steps: Sequence[ChosenStep],
    reading: ReadSettings,
    perturbation: Perturbation | None,
    known: Sequence[str],
    jobs: int,
    dask: str | None,
    is_strict: bool,
    progress: Progress,
) -> TissueImages:

    counting = _counting(progress, f"images: {name}, checks", len(rows))
    findings = check_cases(rows, reading, jobs, counting, whose if settings.share_images else None)
    refused: dict[int, str] = {}
    for finding in findings:
        if finding.severity == "refused":
            refused.setdefault(finding.line, finding.message)
    good = [r for r in rows if r.line not in refused]
    _stop_if_strict(is_strict, name, [CaseResult(r, reason=refused[r.line]) for r in rows if r.line in refused])
    consensus = None if settings.consensus is None else Consensus(consensus=settings.consensus)
    batches = _batches(good, sources, jobs)
    counting = _counting(progress, f"images: {name}, features", len(good), len(batches))
    n = min(jobs, max(1, len(batches)))
    if dask is None and jobs >= 2 * n and any(chosen.divides_cases for chosen in sources.values()):
        # one case after the other, each by all the processes
        n, sources = 1, {source: replace(chosen, jobs=jobs) for source, chosen in sources.items()}
    shared = (sources, reading, perturbation, consensus, steps, cache_folder("extraction"))

    def say(sentence: str) -> None:
        progress(sentence, 0, 0)

    try:
        if dask is None and n_readers(sources, jobs):
            told = _counting(progress, f"images: {name}, features", len(good))
            computed = stream_cases(_batches(good, {}, jobs), shared, jobs, told, say)
        else:
            with Workers(n, dask, shared, say, tries_here=True) as workers:
                computed = run_work(compute_cases, batches, workers, counting)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Cases that are finished are kept: the same command goes on from there.") from None
    by_line = {result.row.line: result for batch in computed for result in batch}
    results = [by_line.get(r.line) or CaseResult(r, reason=refused[r.line]) for r in rows]
    _stop_if_strict(is_strict, name, [r for r in results if r.reason])
    is_of_lesions = settings.share_images or settings.lesions is not None or any(row.lesion for row in rows)
    patient_of = {i: patient for i, patient in whose.items() if patient} if is_of_lesions else None
    return combine_rows(
        name,
        results,
        tuple(findings),
        sources,
        known,
        perturbation,
        settings.lesions,
        patient_of,
        settings.consensus,
        steps,
    )


def _batches(rows: Sequence[CaseRow], sources: Mapping[str, ChosenSource], jobs: int) -> list[Sequence[CaseRow]]:
    """Rows one by one, or some together where a source takes many or they have one image, which is then read once;
    every worker gets some."""
    most = max(1, min(BATCH, -(-len(rows) // jobs)))
    if any(chosen.takes_many for chosen in sources.values()):
        return [rows[i : i + most] for i in range(0, len(rows), most)]
    of_image: dict[Path, list[CaseRow]] = {}
    for row in rows:
        of_image.setdefault(row.image, []).append(row)
    return [own[i : i + most] for own in of_image.values() for i in range(0, len(own), most)]


def _counting(progress: Progress, stage: str, total: int, batches: int | None = None) -> Callable[[int], None]:
    """Tells of cases, where batches of cases are counted; the last says that all are done."""
    return lambda done: progress(stage, done * total // (batches or max(1, total)), total)


def _stop_if_strict(is_strict: bool, tissue: str, bad: Sequence[CaseResult]) -> None:
    if is_strict and bad:
        first = bad[0]
        more = f" ({len(bad) - 1} more)" if len(bad) > 1 else ""
        raise DataError(
            *(
                f"tissues.{tissue}: patient {first.row.patient} (line {first.row.line}): {reason}{more} Mend it, or"
                " leave --strict out to put such cases aside."
                for reason in (first.reason, without_names(first.reason or "", first.row))
            )
        )


def verify_cases(images: Images, n: int, generator: np.random.Generator, reading: Any) -> dict[str, float]:
    """Measure ``n`` random cases again by the reference implementation of each source that has one (``verify(case,
    settings)``).

    Returns
    -------
    dict
        Feature → largest relative difference over these cases and their readers.
    """

    usable = [
        (tissue, result) for tissue in images.tissues.values() for result in tissue.results if result.reason is None
    ]
    differences: dict[str, float] = {}
    for k in generator.permutation(len(usable))[:n]:
        tissue, result = usable[k]
        case = apply_steps(load_case(result.row, reading), tissue.steps)
        for chosen in tissue.chosen.values():
            if isinstance(chosen.source, VerifiesValues):
                given, wanted = (case, chosen.settings), "numbers by name"
                found = answered("feature source", chosen.source, "verify", *given, read=_as_numbers, wanted=wanted)
                for name, difference in found.items():
                    differences[name] = max(difference, differences.get(name, 0.0))
    return differences


def _as_numbers(found: Any) -> dict[str, float] | None:
    """What a source gives as differences, as floats."""
    return {str(name): float(value) for name, value in found.items()} if isinstance(found, Mapping) else None
