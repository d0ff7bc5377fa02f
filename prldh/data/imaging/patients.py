"""From the rows of a cases table to one row a patient: what a tissue that was measured on images is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prldh.core import NO_BLANKS, Blanks, DataError, FeatureBlock, ImageValues, Pooled, Warn, shown, warn
from prldh.data.imaging.compute import CaseResult
from prldh.data.imaging.lesions import Lesions, count_lesions, shares_of_regions
from prldh.data.imaging.naming import without_names
from prldh.data.imaging.perturb import Perturbation
from prldh.data.imaging.seen import trained_on, warn_of_leaks
from prldh.data.imaging.sources import ChosenSource
from prldh.data.imaging.stepping import ChosenStep
from prldh.data.tables import some
from prldh.plugins import DescribesFeatures, called, check_details, require_answer

#: IBSI's code of the range of intensities, and what a source calls an image that it has not filtered.
RANGE, UNFILTERED = "2OJQ", "original"
#: Fewer bins than these in half of the regions are told of.
FEWEST_BINS = 8


@dataclass(frozen=True)
class TissueImages:
    """The features of one tissue as measured on images.

    ``readers``: one (n, p) array a reader, rows as ``ids``, columns as ``names``; ``sources`` (p,) says which source a
    column is of. ``results`` holds every row of the cases table that was tried, ``aside`` patients without values and
    why, ``findings`` what the checks found, ``chosen`` name → feature source, ``about`` feature → unit, IBSI code,
    family; ``perturbed`` (k, n, p) of perturbed masks. ``images``: source → the single images behind each reader's
    rows, of sources that give them, before those of ``consensus`` where there is one: (n, p) of the readers' consensus
    masks, made as ``consensus_way`` says. ``lesions``: how many there were, where the study speaks of lesions.
    ``steps``: what was done to images before; ``patient_of``: id → patient, where ids are lesions'.
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
    lesions: Lesions | None = None
    consensus: np.ndarray | None = None
    consensus_way: str | None = None
    steps: Sequence[ChosenStep] = ()
    patient_of: Mapping[str, str] = field(default_factory=dict)

    @property
    def used(self) -> np.ndarray:
        """(n, p) what selection and models are made of: the consensus mask's values, or else the first reader's."""
        return self.readers[0] if self.consensus is None else self.consensus

    @property
    def is_finite(self) -> np.ndarray:
        """(n, p) whether a patient has a value of a feature by every reader and perturbed mask, and by consensus."""
        everything = (self.used, *self.readers, *(() if self.perturbed is None else self.perturbed))
        return np.asarray(np.all([np.isfinite(each) for each in everything], axis=0))

    @property
    def absent(self) -> list[str]:
        """Features without a value for some patient."""
        return [self.names[j] for j in np.flatnonzero(~self.is_finite.all(axis=0))]

    def blocks(self, ids: Sequence[str], blanks: Blanks = NO_BLANKS) -> tuple[tuple[FeatureBlock, ...], list[Warn]]:
        """One block a source, rows in the order of ``ids``, columns in that of their names; a feature that does not
        exist (NaN, infinite) for some of these patients is blank for these or, where blanks are not allowed or it is
        blank for all, left out, which is told; so is a source that some of them trained."""
        position = {patient: i for i, patient in enumerate(self.ids)}
        rows = np.array([position[i] for i in ids], dtype=np.intp)
        every = self.readers if self.consensus is None else (self.consensus, *self.readers)
        readers = [_blank_where_infinite(values[rows]) for values in every]
        perturbed = None if self.perturbed is None else _blank_where_infinite(self.perturbed[:, rows])
        if blanks.allowed:
            is_finite = np.asarray(np.isfinite(readers[0]).any(axis=0))
        else:
            is_finite = np.asarray(self.is_finite[rows].all(axis=0))
        blocks, absent = [], [self.names[j] for j in np.flatnonzero(~is_finite)]
        for source in dict.fromkeys(self.sources):
            of_source = np.flatnonzero(np.array(self.sources) == source)
            by_name = np.array(sorted(range(of_source.size), key=[self.names[j] for j in of_source].__getitem__))
            own = by_name[is_finite[of_source][by_name]]
            columns = of_source[own]
            if columns.size:
                values = [np.ascontiguousarray(reader[:, columns]) for reader in readers]
                names = tuple(self.names[j] for j in columns)
                images = tuple(each.of_rows(rows).take(own) for each in self.images.get(source, ())) or None
                blocks.append(
                    FeatureBlock(
                        source,
                        names,
                        values[0],
                        values[1] if len(values) > 1 else None,
                        None if perturbed is None else perturbed[:, :, columns],
                        images,
                        tuple(values[2:]),
                        self.tissue,
                        self.chosen[source].for_steps,
                        self.consensus is not None,
                    )
                )
        if not blocks:
            raise DataError(
                f"tissues.{self.tissue}: no feature has a value for every patient. Check the masks, or extract with"
                " other settings."
            )
        warnings = warn_of_leaks(self.tissue, self.chosen, ids, self.patient_of)
        if absent:
            warnings.append(warn.WITHOUT_VALUE(tissue=self.tissue, n=len(absent), listed=some(absent)))
        return tuple(blocks), warnings

    def may_leak(self, ids: Sequence[str]) -> bool:
        """Whether a source was trained on some of these patients, or on patients that are not known."""
        seen = (trained_on(chosen, ids, self.patient_of) for chosen in self.chosen.values())
        return any(each is not None and each.may_leak for each in seen)


def _blank_where_infinite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


@dataclass(frozen=True)
class Images:
    """Every tissue that is given as images, and what befell the cases."""

    tissues: Mapping[str, TissueImages] = field(default_factory=dict)

    @property
    def aside(self) -> dict[str, str]:
        """Patients without values in some tissue → the reason."""
        reasons: dict[str, str] = {}
        for tissue in self.tissues.values():
            for patient, reason in tissue.aside:
                reasons.setdefault(patient, f"{tissue.tissue}: {reason}")
        return reasons

    @property
    def warnings(self) -> list[Warn]:
        return [w for tissue in self.tissues.values() for w in tissue.warnings]


def combine_rows(
    tissue: str,
    results: Sequence[CaseResult],
    findings: tuple[Any, ...],
    sources: Mapping[str, ChosenSource],
    known: Sequence[str],
    perturbation: Perturbation | None = None,
    lesions: str | None = None,
    patient_of: Mapping[str, str] | None = None,
    consensus: str | None = None,
    steps: Sequence[ChosenStep] = (),
) -> TissueImages:
    """One row a patient: the mean over the patient's regions, or their mean weighted by volume, as each source's
    ``combine`` says; or as ``lesions`` says it of lesions (:func:`~prldh.data.imaging.lesions.shares_of_regions`).

    ``patient_of``, where rows may be lesions: id → patient, as far as known; None: nothing is said of lesions.

    A region that was put aside is left out of its patient's mean, which is told; a patient with no region left is put
    aside.

    Raises
    ------
    DataError
        If no case is left, or a source gives different features for different cases.
    """
    usable = [r for r in results if r.reason is None]
    if not usable:
        first = results[0]
        raise DataError(
            *(
                f"tissues.{tissue}: none of {len(results)} cases can be measured; the first, patient"
                f" {first.row.patient} (line {first.row.line}): {reason}"
                for reason in (first.reason, without_names(first.reason or "", first.row))
            )
        )
    names = _common_names(tissue, usable, sources)
    n_readers = len(usable[0].row.masks)
    by_patient: dict[str, list[CaseResult]] = {}
    for result in results:
        by_patient.setdefault(result.row.patient, []).append(result)
    warnings: list[Warn] = []
    aside: list[tuple[str, str]] = []
    ids: list[str] = []
    n_perturbed = perturbation.n if perturbation is not None and n_readers == 1 else 0
    rows: list[list[list[float]]] = [[] for _ in range(n_readers + n_perturbed)]
    of_consensus: list[list[float]] = []
    regions: list[list[CaseResult]] = []
    for patient in known:
        of_patient = by_patient.get(patient, [])
        good = [r for r in of_patient if r.reason is None]
        if not good:
            own = next(iter(of_patient), None)
            aside.append((patient, without_names(own.reason or "", own.row) if own else "no image is given."))
            continue
        if len(good) < len(of_patient):
            bad = [r for r in of_patient if r.reason]
            warnings.append(
                warn.REGIONS_ASIDE(
                    tissue=tissue,
                    patient=patient,
                    n_aside=len(bad),
                    n=len(of_patient),
                    reason=without_names(bad[0].reason or "", bad[0].row),
                )
            )
        ids.append(patient)
        regions.append(good)
        for k in range(n_readers):
            volumes = _volumes(good, k)
            rows[k].append(_combined(good, [r.values for r in good], k, volumes, names, sources, lesions))
        for k in range(n_perturbed):
            volumes = _volumes(good, 0)
            rows[n_readers + k].append(
                _combined(good, [r.perturbed for r in good], k, volumes, names, sources, lesions)
            )
        if consensus is not None:
            volumes = _volumes(good, None)
            of_consensus.append(_combined(good, [r.consensus for r in good], 0, volumes, names, sources, lesions))
    if aside:
        were = "was" if len(aside) == 1 else "were"
        listed = some([f"{shown(p)} ({reason})" for p, reason in aside], limit=400)
        warnings.append(warn.PATIENTS_ASIDE(tissue=tissue, n_aside=len(aside), n=len(known), were=were, listed=listed))
    if same := _same_regions(usable):
        warnings.append(warn.SAME_REGION(tissue=tissue, listed=some(same)))
    if not all(r.is_kept for r in usable):
        warnings.append(warn.NOT_KEPT(tissue=tissue))
    about = {n: d for source, of in names.items() for n, d in _described(source, of, sources).items()}
    if steps:
        warnings += _tell_of_few_bins(tissue, about, names, rows[0], sources)
    return TissueImages(
        tissue,
        tuple(ids),
        tuple(n for of in names.values() for n in of),
        tuple(s for s, of in names.items() for _ in of),
        tuple(np.array(r, dtype=np.float64) for r in rows[:n_readers]),
        tuple(results),
        findings,
        tuple(aside),
        sources,
        about,
        tuple(warnings),
        np.array(rows[n_readers:], dtype=np.float64) if n_perturbed else None,
        perturbation if n_perturbed else None,
        {
            s: tuple(
                _single_images(regions, s, k, sources[s], lesions)
                for k in (*(() if consensus is None else (None,)), *range(n_readers))
            )
            for s in sources
            if all(isinstance(v, Pooled) for r in usable for v in r.values[s])
        },
        None if patient_of is None else count_lesions([r.row for own in regions for r in own], lesions, patient_of),
        None if consensus is None else np.array(of_consensus, dtype=np.float64),
        consensus,
        tuple(steps),
    )


def _tell_of_few_bins(
    tissue: str,
    about: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, tuple[str, ...]],
    rows: Sequence[Sequence[float]],
    sources: Mapping[str, ChosenSource],
) -> list[Warn]:
    """A warning where a source's bins are wide for the range of intensities (IBSI 2OJQ) that the steps left."""
    warnings = []
    columns = [name for of in names.values() for name in of]
    for source, chosen in sources.items():
        said = (chosen.computed or {}).get("setting")
        width = said.get("binWidth") if isinstance(said, Mapping) else None
        ranges = [
            columns.index(name)
            for name in names[source]
            if about[name].get("ibsi") == RANGE and about[name].get("image_type") == UNFILTERED
        ]
        if isinstance(width, (int, float)) and width > 0 and ranges:
            n = float(np.median([row[ranges[0]] for row in rows])) / width
            if n < FEWEST_BINS:
                warnings.append(warn.FEW_BINS(tissue=tissue, source=source, n=n, width=width))
    return warnings


def _same_regions(usable: Sequence[CaseResult]) -> list[str]:
    """Rows of the table whose image and masks are the same, byte by byte."""
    lines: dict[str, list[int]] = {}
    for result in usable:
        lines.setdefault(result.about["sha256"], []).append(result.row.line)
    return [" and ".join(map(str, sorted(own))) for own in lines.values() if len(own) > 1]


def _common_names(
    tissue: str, usable: Sequence[CaseResult], sources: Mapping[str, ChosenSource]
) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for source in sources:
        names[source] = tuple(usable[0].values[source][0])
        for result in usable:
            for values in result.values[source]:
                if tuple(values) != names[source]:
                    odd = sorted(set(values) ^ set(names[source])) or ["their order"]
                    raise DataError(
                        f"tissues.{tissue}: the source '{source}' gives patient {result.row.patient} (line"
                        f" {result.row.line}) other features than patient {usable[0].row.patient}: {some(odd)}. All"
                        " cases need the same settings; a source must name the same features for each."
                    )
    doubled = [n for n, count in Counter(n for of in names.values() for n in of).items() if count > 1]
    if doubled:
        raise DataError(f"tissues.{tissue}: two sources give the feature '{doubled[0]}'. Use one of them.")
    return names


def _combined(
    regions: Sequence[CaseResult],
    of: Sequence[Mapping[str, Any]],
    k: int,
    volumes_mm3: Sequence[float],
    names: Mapping[str, tuple[str, ...]],
    sources: Mapping[str, ChosenSource],
    lesions: str | None,
) -> list[float]:
    """The k-th values ``of`` a patient's regions, one row."""
    row: list[float] = []
    for source, wanted in names.items():
        values = np.array([[region[source][k][n] for n in wanted] for region in of], dtype=np.float64)
        shares = _shares(regions, volumes_mm3, sources[source], lesions)
        if shares is not None:
            values, shares = values[shares > 0], shares[shares > 0]
        row += (values[0] if len(values) == 1 else np.average(values, axis=0, weights=shares)).tolist()
    return row


def _volumes(regions: Sequence[CaseResult], reader: int | None) -> list[float]:
    """The volume of each region by a reader's masks, or by the consensus (None)."""
    return [r.about["consensus"]["volume_mm3"] if reader is None else r.about["volume_mm3"][reader] for r in regions]


def _shares(
    regions: Sequence[CaseResult], volumes_mm3: Sequence[float], chosen: ChosenSource, lesions: str | None
) -> np.ndarray | None:
    """How much each region of a patient counts (k,); None: all the same."""
    is_by_volume = getattr(chosen.settings, "combine", "mean") == "volume"
    return shares_of_regions([r.row for r in regions], volumes_mm3, lesions, is_by_volume)


def _single_images(
    patients: Sequence[Sequence[CaseResult]], source: str, reader: int | None, chosen: ChosenSource, lesions: str | None
) -> ImageValues:
    """The images of all regions of every patient by a reader, or by the consensus (None), weighted so that their mean
    is the patient's row."""
    values, row, weight = [], [], []
    for i, regions in enumerate(patients):
        shares = _shares(regions, _volumes(regions, reader), chosen, lesions)
        for region, share in zip(regions, np.ones(len(regions)) if shares is None else shares, strict=True):
            pooled = region.consensus[source][0] if reader is None else region.values[source][reader]
            if isinstance(pooled, Pooled) and share > 0:
                values.append(pooled.images)
                row += [i] * len(pooled.images)
                weight += [share / len(pooled.images)] * len(pooled.images)
    return ImageValues(np.concatenate(values), np.array(row), np.array(weight))


def _described(source: str, names: Sequence[str], sources: Mapping[str, ChosenSource]) -> dict[str, dict[str, Any]]:
    chosen = sources[source]
    is_telling = isinstance(chosen.source, DescribesFeatures)
    own = called("feature source", chosen.source, "describe", names, chosen.settings) if is_telling else {}
    check_details("feature source", chosen.source, own)
    for about in own.values():
        require_answer(isinstance(about, Mapping), "feature source", chosen.source, "describe", about, "a dictionary")
    return {n: {"source": source, **own.get(n, {})} for n in names}
