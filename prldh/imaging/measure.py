"""From images and masks to feature tables: read, check, measure, combine.

A case that cannot be measured is put aside with its reason and the rest goes on. What is measured is kept as it finishes
(:mod:`prldh.imaging.compute`), so that a killed run goes on where it stopped.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pluggy

from prldh.cache import cache_folder
from prldh.errors import DataError
from prldh.imaging.compute import CaseResult, compute_cases
from prldh.imaging.naming import refuse_same_stems, without_names
from prldh.imaging.perturb import Perturbation
from prldh.imaging.records import CaseRow, Pooled
from prldh.imaging.seen import warn_of_leaks
from prldh.imaging.sources import ChosenSource, check_names, choose_sources
from prldh.plugins import settings_of
from prldh.records import FeatureBlock, ImageValues, Warn
from prldh.study import Study
from prldh.tables import check_ids, read_table, some
from prldh.work import Workers, run_work

Told = Callable[[str, int, int], None]

#: So many cases at once are given to a source that takes several: as many images lie in a worker's memory.
BATCH = 8


@dataclass(frozen=True)
class TissueImages:
    """The features of one tissue as measured on images.

    ``readers``: one (n, p) array a reader, rows as ``ids``, columns as ``names``; ``sources`` (p,) says which source a column is of.
    ``results`` holds every row of the cases table that was tried, ``aside`` patients without values and why, ``findings`` what the
    checks found, ``chosen`` name → feature source, ``about`` feature → unit, IBSI code, family; ``perturbed`` (k, n, p) of perturbed masks.
    ``images``: source → the single images behind each reader's rows, of sources that give them.
    """

    tissue: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    sources: tuple[str, ...]
    readers: tuple[np.ndarray, ...]
    results: tuple[CaseResult, ...]
    findings: tuple[Any, ...]
    aside: tuple[tuple[str, str], ...]
    chosen: Mapping[str, ChosenSource]
    about: Mapping[str, Mapping[str, Any]]
    warnings: tuple[Warn, ...] = ()
    perturbed: np.ndarray | None = None
    perturbation: Perturbation | None = None
    images: Mapping[str, tuple[ImageValues, ...]] = field(default_factory=dict)

    @property
    def is_finite(self) -> np.ndarray:
        """(n, p) whether a patient has a value of a feature by every reader and perturbed mask."""
        return np.all([np.isfinite(each) for each in (*self.readers, *(() if self.perturbed is None else self.perturbed))], axis=0)

    @property
    def absent(self) -> list[str]:
        """Features without a value for some patient."""
        return [self.names[j] for j in np.flatnonzero(~self.is_finite.all(axis=0))]

    def blocks(self, ids: Sequence[str]) -> tuple[tuple[FeatureBlock, ...], list[Warn]]:
        """One block a source, rows in the order of ``ids``; a feature that does not exist (NaN, infinite) for some of these patients is left out, which is told;
        so is a source that some of them trained."""
        position = {patient: i for i, patient in enumerate(self.ids)}
        rows = np.array([position[i] for i in ids], dtype=np.intp)
        readers = [reader[rows] for reader in self.readers]
        perturbed = None if self.perturbed is None else self.perturbed[:, rows]
        is_finite = self.is_finite[rows].all(axis=0)
        found, absent = [], [self.names[j] for j in np.flatnonzero(~is_finite)]
        for source in dict.fromkeys(self.sources):
            is_of_source = np.array(self.sources) == source
            columns = np.flatnonzero(is_of_source & is_finite)
            if columns.size:
                values = [np.ascontiguousarray(reader[:, columns]) for reader in readers]
                names = tuple(self.names[j] for j in columns)
                images = tuple(each.of_rows(rows).take(is_finite[is_of_source]) for each in self.images.get(source, ())) or None
                found.append(FeatureBlock(source, names, values[0], values[1] if len(values) > 1 else None, None if perturbed is None else perturbed[:, :, columns], images))
        if not found:
            raise DataError(f"tissues.{self.tissue}: no feature has a value for every patient. Check the masks, or extract with other settings.")
        told = [Warn("images", f"tissue {self.tissue}: {len(absent)} features without a value for some patient were left out: {some(absent)}.")]
        return tuple(found), [*warn_of_leaks(self.tissue, self.chosen, ids), *(told if absent else [])]


@dataclass(frozen=True)
class Images:
    """Every tissue that is given as images, and what befell the cases."""

    tissues: Mapping[str, TissueImages] = field(default_factory=dict)

    @property
    def aside(self) -> dict[str, str]:
        """Patients without values in some tissue → the reason."""
        found: dict[str, str] = {}
        for tissue in self.tissues.values():
            for patient, reason in tissue.aside:
                found.setdefault(patient, f"{tissue.tissue}: {reason}")
        return found

    @property
    def warnings(self) -> list[Warn]:
        return [w for tissue in self.tissues.values() for w in tissue.warnings]


def measure(
    study: Study, folder: Path, plugins: pluggy.PluginManager, *, jobs: int | None = None, is_strict: bool = False, told: Told | None = None
) -> Images:
    """Measure every tissue that is given as images.

    Needs nothing of the clinical table but its ids.

    Raises
    ------
    DataError
        For a cases table that cannot be used, a tissue of which no case is left, or, with ``is_strict``, any case that is put aside.
    StudyError, PluginError
        For a feature source that is not installed or refuses its settings.
    """
    if all(tissue.images is None for tissue in study.tissues.values()):
        return Images()
    told = told or (lambda stage, done, total: None)
    jobs = jobs or study.compute.jobs or os.cpu_count() or 1
    check_names(study, plugins)
    refuse_same_stems(name for name, tissue in study.tissues.items() if tissue.images is not None)
    chosen = {name: choose_sources(study, name, plugins, folder) for name, tissue in study.tissues.items() if tissue.images is not None}
    perturbation = settings_of(Perturbation, study.extraction["perturb"], "extraction.perturb") if "perturb" in study.extraction else None
    known, rows_of, warnings = _read_all_rows(study, folder)
    found = {}
    for name, rows in rows_of.items():
        found[name] = _measure_tissue(name, rows, chosen[name], study.imaging, perturbation, known, jobs, study.compute.dask, is_strict, told, warnings[name])
    return Images(found)


def check_tissues(study: Study, folder: Path, *, jobs: int | None = None, told: Told | None = None) -> dict[str, list[Any]]:
    """What the checks find, tissue by tissue, without measuring anything.

    Raises
    ------
    DataError
        For a cases table that cannot be used.
    """
    from prldh.imaging.check import check_cases

    told = told or (lambda stage, done, total: None)
    jobs = jobs or study.compute.jobs or os.cpu_count() or 1
    _, rows_of, _ = _read_all_rows(study, folder)
    found = {}
    for name, rows in rows_of.items():
        found[name] = check_cases(rows, study.imaging, jobs, _counting(told, f"images: {name}, checks", len(rows)))
    return found


def _read_all_rows(study: Study, folder: Path) -> tuple[Sequence[str], dict[str, list[CaseRow]], dict[str, list[Warn]]]:
    """The ids of the clinical table, and of every tissue with images its rows and what there is to say of them."""
    table = folder / study.clinical.table
    known = check_ids(read_table(table), study.clinical.id, table, "clinical.id")
    rows, warnings = {}, {}
    for name, tissue in study.tissues.items():
        if tissue.images is not None:
            rows[name], warnings[name] = read_rows(folder / tissue.images, name, study.clinical.id, known)
    return known, rows, warnings


def read_rows(table: Path, tissue: str, id_column: str, known: Sequence[str]) -> tuple[list[CaseRow], list[Warn]]:
    """Rows of a cases table whose patients are in the clinical table, and what there is to say of the others."""
    from prldh.imaging.cases import read_cases

    rows = read_cases(table, tissue, id_column)
    ours = set(known)
    strangers = list(dict.fromkeys(r.patient for r in rows if r.patient not in ours))
    kept = [r for r in rows if r.patient in ours]
    if not kept:
        raise DataError(f"tissues.{tissue}: no patient of {table.name} is in the clinical table ({some(strangers)}). Tables are joined on the id; correct the ids.")
    n, are, were = len(strangers), *(("is", "was") if len(strangers) == 1 else ("are", "were"))
    told = [Warn("images", f"tissue {tissue}: {n} patient{'s' * (n > 1)} of {table.name} {are} not in the clinical table and {were} left out: {some(strangers)}.")]
    return kept, told if strangers else []


def _measure_tissue(name, rows, sources, reading, perturbation, known, jobs, dask, is_strict, told, warnings) -> TissueImages:
    from prldh.imaging.check import check_cases

    findings = check_cases(rows, reading, jobs, _counting(told, f"images: {name}, checks", len(rows)))
    refused: dict[int, str] = {}
    for finding in findings:
        if finding.severity == "refused":
            refused.setdefault(finding.line, finding.message)
    good = [r for r in rows if r.line not in refused]
    _stop_if_strict(is_strict, name, [CaseResult(r, reason=refused[r.line]) for r in rows if r.line in refused])
    shared = (sources, reading, perturbation, cache_folder("extraction"))
    batches = _batches(good, sources, jobs)
    with Workers(min(jobs, max(1, len(batches))), dask, shared, lambda sentence: told(sentence, 0, 0)) as workers:
        try:
            computed = run_work(compute_cases, batches, workers, _counting(told, f"images: {name}, features", len(good), len(batches)))
        except KeyboardInterrupt:
            raise KeyboardInterrupt("Cases that are finished are kept: the same command goes on from there.") from None
    by_line = {result.row.line: result for batch in computed for result in batch}
    results = [by_line.get(r.line) or CaseResult(r, reason=refused[r.line]) for r in rows]
    _stop_if_strict(is_strict, name, [r for r in results if r.reason])
    return combine_rows(name, results, tuple(findings), sources, known, warnings, perturbation)


def _batches(rows: Sequence[CaseRow], sources: Mapping[str, ChosenSource], jobs: int) -> list[Sequence[CaseRow]]:
    """Rows one by one, or some together where a source takes many; every worker gets some."""
    size = min(BATCH, -(-len(rows) // jobs)) if any(chosen.takes_many for chosen in sources.values()) else 1
    return [rows[i : i + size] for i in range(0, len(rows), max(1, size))]


def _counting(told: Told, stage: str, total: int, batches: int | None = None) -> Callable[[int], None]:
    """Tells of cases, where batches of cases are counted; the last says that all are done."""
    return lambda done: told(stage, done * total // (batches or max(1, total)), total)


def _stop_if_strict(is_strict: bool, tissue: str, bad: Sequence[CaseResult]) -> None:
    if is_strict and bad:
        first = bad[0]
        more = f" ({len(bad) - 1} more)" if len(bad) > 1 else ""
        raise DataError(f"tissues.{tissue}: patient {first.row.patient} (line {first.row.line}): {first.reason}{more} Mend it, or leave --strict out to put such cases aside.")


# ---------------------------------------------------------------- rows to patients


def combine_rows(
    tissue: str, results: Sequence[CaseResult], findings: tuple[Any, ...], sources: Mapping[str, ChosenSource], known: Sequence[str], warnings: Sequence[Warn],
    perturbation: Perturbation | None = None,
) -> TissueImages:
    """One row a patient: the mean over the patient's regions, or their mean weighted by volume, as each source's ``combine`` says.

    A region that was put aside is left out of its patient's mean, which is told; a patient with no region left is put aside.

    Raises
    ------
    DataError
        If no case is left, or a source gives different features for different cases.
    """
    usable = [r for r in results if r.reason is None]
    if not usable:
        first = next((r for r in results if r.reason), None)
        raise DataError(f"tissues.{tissue}: none of {len(results)} cases can be measured; the first, patient {first.row.patient} (line {first.row.line}): {first.reason}")
    names = _common_names(tissue, usable, sources)
    n_readers = len(usable[0].row.masks)
    by_patient: dict[str, list[CaseResult]] = {}
    for result in results:
        by_patient.setdefault(result.row.patient, []).append(result)
    told, aside, ids = list(warnings), [], []
    n_perturbed = perturbation.n if perturbation is not None and n_readers == 1 else 0
    rows: list[list[list[float]]] = [[] for _ in range(n_readers + n_perturbed)]
    regions: list[list[CaseResult]] = []
    for patient in known:
        of_patient = by_patient.get(patient, [])
        good = [r for r in of_patient if r.reason is None]
        if not good:
            aside.append((patient, without_names(of_patient[0].reason, of_patient[0].row) if of_patient else "no image is given."))
            continue
        if len(good) < len(of_patient):
            bad = [r for r in of_patient if r.reason]
            told.append(Warn("images", f"tissue {tissue}, patient {patient}: {len(bad)} of {len(of_patient)} regions put aside, the others stand for all: {without_names(bad[0].reason, bad[0].row)}"))
        ids.append(patient)
        regions.append(good)
        for k in range(n_readers):
            rows[k].append(_combined(good, [r.values for r in good], k, k, names, sources))
        for k in range(n_perturbed):
            rows[n_readers + k].append(_combined(good, [r.perturbed for r in good], k, 0, names, sources))
    if aside:
        were = "was" if len(aside) == 1 else "were"
        told.append(Warn("images", f"tissue {tissue}: {len(aside)} of {len(known)} patients {were} put aside: {some([f'{p} ({reason})' for p, reason in aside])}"))
    if not all(r.is_kept for r in usable):
        told.append(Warn("images", f"tissue {tissue}: finished cases could not be kept for a later run; the folder for kept work cannot be written or the disk is full."))
    about = {n: d for source, of in names.items() for n, d in _described(source, of, sources).items()}
    return TissueImages(
        tissue, tuple(ids), tuple(n for of in names.values() for n in of), tuple(s for s, of in names.items() for _ in of),
        tuple(np.array(r, dtype=np.float64) for r in rows[:n_readers]), tuple(results), findings, tuple(aside), sources, about, tuple(told),
        np.array(rows[n_readers:], dtype=np.float64) if n_perturbed else None, perturbation if n_perturbed else None,
        {s: tuple(_single_images(regions, s, k, sources[s]) for k in range(n_readers)) for s in sources if all(isinstance(v, Pooled) for r in usable for v in r.values[s])},
    )


def _common_names(tissue: str, usable: Sequence[CaseResult], sources: Mapping[str, ChosenSource]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for source in sources:
        found[source] = tuple(usable[0].values[source][0])
        for result in usable:
            for values in result.values[source]:
                if tuple(values) != found[source]:
                    odd = sorted(set(values) ^ set(found[source])) or ["their order"]
                    raise DataError(
                        f"tissues.{tissue}: the source '{source}' gives patient {result.row.patient} (line {result.row.line}) other features than patient "
                        f"{usable[0].row.patient}: {some(odd)}. All cases need the same settings; a source must name the same features for each."
                    )
    doubled = [n for n, count in Counter(n for of in found.values() for n in of).items() if count > 1]
    if doubled:
        raise DataError(f"tissues.{tissue}: two sources give the feature '{doubled[0]}'. Use one of them.")
    return found


def _combined(regions: Sequence[CaseResult], of: Sequence[Mapping[str, Any]], k: int, reader: int, names: Mapping[str, tuple[str, ...]], sources: Mapping[str, ChosenSource]) -> list[float]:
    """The k-th values ``of`` a patient's regions, one row; weights are the volumes of the reader's masks."""
    row: list[float] = []
    for source, wanted in names.items():
        values = np.array([[region[source][k][n] for n in wanted] for region in of], dtype=np.float64)
        row += (values[0] if len(regions) == 1 else np.average(values, axis=0, weights=_weights(regions, reader, sources[source]))).tolist()
    return row


def _weights(regions: Sequence[CaseResult], reader: int, chosen: ChosenSource) -> list[float] | None:
    """How much each region of a patient counts; None: all the same."""
    is_weighted = getattr(chosen.settings, "combine", "mean") == "volume"
    return [r.about["volume_mm3"][reader] for r in regions] if is_weighted else None


def _single_images(patients: Sequence[Sequence[CaseResult]], source: str, reader: int, chosen: ChosenSource) -> ImageValues:
    """The images of all regions of every patient, weighted so that their mean is the patient's row."""
    values, row, weight = [], [], []
    for i, regions in enumerate(patients):
        of_region = _weights(regions, reader, chosen) or [1.0] * len(regions)
        for region, share in zip(regions, of_region, strict=True):
            images = region.values[source][reader].images
            values.append(images)
            row += [i] * len(images)
            weight += [share / len(images)] * len(images)
    return ImageValues(np.concatenate(values), np.array(row), np.array(weight))


def _described(source: str, names: Sequence[str], sources: Mapping[str, ChosenSource]) -> dict[str, dict[str, Any]]:
    chosen = sources[source]
    told = chosen.source.describe(names, chosen.settings) if hasattr(chosen.source, "describe") else {}
    return {n: {"source": source, **told.get(n, {})} for n in names}


# ---------------------------------------------------------------- verification


def verify_cases(images: Images, n: int, generator: np.random.Generator, reading: Any) -> dict[str, float]:
    """Measure ``n`` random cases again by the reference implementation of each source that has one (``verify(case, settings)``).

    Returns
    -------
    dict
        Feature → largest relative difference over these cases and their readers.
    """
    from prldh.imaging.read import load_case

    usable = [(tissue, result) for tissue in images.tissues.values() for result in tissue.results if result.reason is None]
    found: dict[str, float] = {}
    for k in generator.permutation(len(usable))[:n]:
        tissue, result = usable[k]
        case = load_case(result.row, reading)
        for chosen in tissue.chosen.values():
            if hasattr(chosen.source, "verify"):
                for name, difference in chosen.source.verify(case, chosen.settings).items():
                    found[name] = max(difference, found.get(name, 0.0))
    return found
