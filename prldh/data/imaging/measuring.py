"""From images and masks to feature tables: read, check, measure, combine.

A case that cannot be measured is put aside with its reason and the rest goes on. What is measured is kept as it
finishes (:mod:`prldh.data.imaging.compute`), so that a killed run goes on where it stopped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import CaseRow, DataError, Progress, Warn, cache_folder, warn
from prldh.data.imaging.cases import read_cases
from prldh.data.imaging.check import check_cases
from prldh.data.imaging.compute import CaseResult, compute_cases
from prldh.data.imaging.naming import refuse_same_stems, without_names
from prldh.data.imaging.patients import Images, TissueImages, combine_rows
from prldh.data.imaging.perturb import Perturbation
from prldh.data.imaging.read import load_case
from prldh.data.imaging.sources import ChosenSource, check_names, choose_sources
from prldh.data.tables import check_ids, open_table, some, told_alike
from prldh.plugins import Registry, VerifiesValues, settings_of
from prldh.study import AS_IT_IS, ReadSettings, Study, TableRead
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
    check_names(study, registry)
    refuse_same_stems(name for name, tissue in study.tissues.items() if tissue.images is not None)
    chosen = {
        name: choose_sources(study, name, registry, folder)
        for name, tissue in study.tissues.items()
        if tissue.images is not None
    }
    perturbation = (
        settings_of(Perturbation, study.extraction["perturb"], "extraction.perturb")
        if "perturb" in study.extraction
        else None
    )
    known, rows_of, warnings = _read_all_rows(study, folder)
    measured = {}
    for name, rows in rows_of.items():
        tissue = _measure_tissue(
            name,
            rows,
            chosen[name],
            study.imaging,
            perturbation,
            known,
            jobs,
            study.compute.dask,
            is_strict,
            progress,
        )
        measured[name] = replace(tissue, warnings=(*warnings[name], *tissue.warnings))
    return Images(measured)


def check_tissues(
    study: Study, folder: Path, *, jobs: int | None = None, progress: Progress | None = None
) -> dict[str, list[Any]]:
    """What the checks find, tissue by tissue, without measuring anything.

    Raises
    ------
    DataError
        For a cases table that cannot be used.
    """

    progress = progress or (lambda stage, done, total: None)
    jobs = jobs or study.compute.jobs or os.cpu_count() or 1
    _, rows_of, _ = _read_all_rows(study, folder)
    findings = {}
    for name, rows in rows_of.items():
        findings[name] = check_cases(
            rows, study.imaging, jobs, _counting(progress, f"images: {name}, checks", len(rows))
        )
    return findings


def _read_all_rows(study: Study, folder: Path) -> tuple[Sequence[str], dict[str, list[CaseRow]], dict[str, list[Warn]]]:
    """The ids of the clinical table, and of every tissue with images its rows and what there is to say of them."""
    table = folder / study.clinical.table
    known = check_ids(open_table(table, study.clinical.read), study.clinical.id, "clinical.id")
    rows, warnings = {}, {}
    for name, tissue in study.tissues.items():
        cases = tissue.cases()
        if cases is not None:
            read = cases.read.joined_as(study.clinical.read)
            rows[name], warnings[name] = read_rows(folder / cases.path, name, study.clinical.id, known, read)
    return known, rows, warnings


def read_rows(
    table: Path, tissue: str, id_column: str, known: Sequence[str], read: TableRead = AS_IT_IS
) -> tuple[list[CaseRow], list[Warn]]:
    """Rows of a cases table whose patients are in the clinical table, and what there is to say of the others."""

    rows = read_cases(table, tissue, id_column, read=read)
    ours = set(known)
    strangers = list(dict.fromkeys(r.patient for r in rows if r.patient not in ours))
    kept = [r for r in rows if r.patient in ours]
    there = {r.patient for r in kept}
    hint = told_alike((i for i in known if i not in there), strangers)
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
    sources: Mapping[str, ChosenSource],
    reading: ReadSettings,
    perturbation: Perturbation | None,
    known: Sequence[str],
    jobs: int,
    dask: str | None,
    is_strict: bool,
    progress: Progress,
) -> TissueImages:

    findings = check_cases(rows, reading, jobs, _counting(progress, f"images: {name}, checks", len(rows)))
    refused: dict[int, str] = {}
    for finding in findings:
        if finding.severity == "refused":
            refused.setdefault(finding.line, finding.message)
    good = [r for r in rows if r.line not in refused]
    _stop_if_strict(is_strict, name, [CaseResult(r, reason=refused[r.line]) for r in rows if r.line in refused])
    shared = (sources, reading, perturbation, cache_folder("extraction"))
    batches = _batches(good, sources, jobs)
    with Workers(min(jobs, max(1, len(batches))), dask, shared, lambda sentence: progress(sentence, 0, 0)) as workers:
        try:
            computed = run_work(
                compute_cases,
                batches,
                workers,
                _counting(progress, f"images: {name}, features", len(good), len(batches)),
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt("Cases that are finished are kept: the same command goes on from there.") from None
    by_line = {result.row.line: result for batch in computed for result in batch}
    results = [by_line.get(r.line) or CaseResult(r, reason=refused[r.line]) for r in rows]
    _stop_if_strict(is_strict, name, [r for r in results if r.reason])
    return combine_rows(name, results, tuple(findings), sources, known, perturbation)


def _batches(rows: Sequence[CaseRow], sources: Mapping[str, ChosenSource], jobs: int) -> list[Sequence[CaseRow]]:
    """Rows one by one, or some together where a source takes many; every worker gets some."""
    size = min(BATCH, -(-len(rows) // jobs)) if any(chosen.takes_many for chosen in sources.values()) else 1
    return [rows[i : i + size] for i in range(0, len(rows), max(1, size))]


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
        case = load_case(result.row, reading)
        for chosen in tissue.chosen.values():
            if isinstance(chosen.source, VerifiesValues):
                for name, difference in chosen.source.verify(case, chosen.settings).items():
                    differences[name] = max(difference, differences.get(name, 0.0))
    return differences
