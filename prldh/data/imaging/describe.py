"""What is said of a tissue that was measured on images: in ``features/TISSUE.json`` and in ``results.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Literal, TypedDict, cast

import numpy as np

from prldh import __version__
from prldh.core import ABSENT, Absent, Later, Number, PluginError, clean
from prldh.data.imaging.lesions import Lesions
from prldh.data.imaging.naming import without_names
from prldh.data.imaging.patients import TissueImages
from prldh.data.imaging.seen import TrainedOn, trained_on
from prldh.data.imaging.sources import ChosenSource
from prldh.plugins import NamesPackages, in_short, let_interruptions_pass, name_of, said

SCHEMA = "prldh-features/1"
#: IBSI's item of image steps that name none: other processing after acquisition.
OTHER_PROCESSING = "47"


class PerturbationEntry(TypedDict):
    """How masks were perturbed, as the study file says it."""

    n: int
    contour_mm: Number
    smoothness_mm: Number
    translation_mm: Number
    rotation_degrees: Number


@dataclass(frozen=True)
class SourceEntry:
    """A feature source; ``computed``: what it says that its values depend on."""

    version: str
    settings: Mapping[str, Any]
    packages: Mapping[str, str]
    computed: Mapping[str, Any] | Absent = ABSENT
    trained_on: TrainedOn | Absent = ABSENT


@dataclass(frozen=True)
class ImageStepEntry:
    """What was done to images before they were measured; ``label``: in words, ``ibsi_item``: of IBSI's reporting
    guidelines."""

    name: str
    version: str
    settings: Mapping[str, Any]
    packages: Mapping[str, str]
    label: str
    ibsi_item: str


@dataclass(frozen=True)
class Formats:
    """What the image's and the masks' files are."""

    image: str
    masks: tuple[str, ...]


@dataclass(frozen=True)
class ConsensusEntry:
    """The consensus of the readers' masks of a case, and each reader's Dice with it."""

    n_voxels: int
    volume_mm3: float
    dice: tuple[float, ...]


@dataclass(frozen=True)
class CaseEntry:
    """A case that was measured: one number a reader of ``n_voxels`` and ``volume_mm3``."""

    patient: str
    line: int
    label: int | None
    segment: str | None
    size: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    modality: str | None
    n_voxels: tuple[int, ...]
    volume_mm3: tuple[float, ...]
    dice: Number
    hd95_mm: Number
    dicom: Mapping[str, str]
    formats: Later[Formats]
    sha256: str
    lesion: str | Absent = ABSENT
    consensus: ConsensusEntry | Absent = ABSENT


@dataclass(frozen=True)
class AsideEntry:
    """A row of a cases table that was put aside, and why."""

    patient: str
    line: int
    reason: str


@dataclass(frozen=True)
class AsidePatient:
    """A patient without any row that could be measured, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class FindingEntry:
    """What a check of the images found; of a whole tissue the line is 0."""

    patient: str
    line: int
    severity: Literal["refused", "warning", "note"]
    kind: str
    message: str


@dataclass(frozen=True)
class Spread:
    """The finite ones of some values."""

    n: int
    mean: Number
    sd: Number
    median: Number
    q1: Later[Number]
    q3: Later[Number]
    min: Number
    max: Number


class MaskAgreement(TypedDict, total=False):
    """How well readers' masks agree."""

    dice: Spread
    hd95_mm: Spread
    dice_with_consensus: Spread


@dataclass(frozen=True)
class Measured:
    """A tissue that was measured on images: sources, cases, and what befell them."""

    n_patients: int
    n_readers: int
    perturbation: PerturbationEntry | None
    n_cases: int
    n_measured: int
    sources: Mapping[str, SourceEntry]
    cases: tuple[CaseEntry, ...]
    put_aside: tuple[AsideEntry, ...]
    patients_put_aside: tuple[AsidePatient, ...]
    findings: tuple[FindingEntry, ...]
    lesions: Later[Lesions | None]
    consensus: Later[str | None]
    image_steps: Later[tuple[ImageStepEntry, ...]]


@dataclass(frozen=True)
class ImagesEntry(Measured):
    """The same in ``results.json``, with the regions' volumes by reader, and how well readers' masks agree."""

    n_features: int
    agreement: MaskAgreement | None
    volumes_mm3: Later[tuple[Spread | None, ...]]
    consensus_mm3: Later[Spread | None]


def describe_tissue(tissue: TissueImages) -> dict[str, Any]:
    """Sources with their settings, features with units and IBSI codes, cases, and what befell them.

    Names of files are not in it: they may name patients.
    """
    return {
        "schema": SCHEMA,
        "tissue": tissue.tissue,
        "prldh": __version__,
        **clean(_measured(tissue, tissue.ids)),
        "features": {name: dict(tissue.about[name]) for name in tissue.names},
    }


def describe_images(tissue: TissueImages, analysed: Sequence[str]) -> ImagesEntry:
    """The same without the features, the regions' volumes, how well readers' masks agree, and which of the
    ``analysed`` patients trained a source."""
    measured = _measured(tissue, analysed)
    readers = range(len(tissue.readers)) if measured.cases else ()
    return ImagesEntry(
        **vars(measured),
        n_features=len(tissue.names),
        agreement=describe_agreement(measured.cases),
        volumes_mm3=tuple(describe_spread([case.volume_mm3[reader] for case in measured.cases]) for reader in readers),
        consensus_mm3=describe_spread(
            [case.consensus.volume_mm3 for case in measured.cases if isinstance(case.consensus, ConsensusEntry)]
        ),
    )


def _measured(tissue: TissueImages, patients: Sequence[str]) -> Measured:
    measured = [r for r in tissue.results if r.reason is None]
    rows = {r.row.line: r.row for r in tissue.results}
    perturbation = cast(PerturbationEntry, tissue.perturbation.model_dump()) if tissue.perturbation else None
    return Measured(
        n_patients=len(tissue.ids),
        n_readers=len(tissue.readers),
        perturbation=perturbation,
        n_cases=len(tissue.results),
        n_measured=len(measured),
        sources={
            name: SourceEntry(
                version=c.source.version,
                settings=dict(c.settings_given),
                packages=_packages("feature source", c.source),
                computed=_computed(c),
                trained_on=trained_on(c, patients, tissue.patient_of) or ABSENT,
            )
            for name, c in tissue.chosen.items()
        },
        cases=tuple(
            CaseEntry(
                patient=r.row.patient,
                line=r.row.line,
                label=r.row.label,
                segment=r.row.segment,
                lesion=ABSENT if r.row.lesion is None else r.row.lesion,
                **r.about | _as_entries(r.about),
            )
            for r in measured
        ),
        put_aside=tuple(
            AsideEntry(r.row.patient, r.row.line, without_names(r.reason, r.row))
            for r in tissue.results
            if r.reason is not None
        ),
        patients_put_aside=tuple(AsidePatient(patient, reason) for patient, reason in tissue.aside),
        findings=tuple(
            FindingEntry(
                f.patient,
                f.line,
                f.severity,
                f.kind,
                without_names(f.message, rows[f.line]) if f.line else f.message,
            )
            for f in tissue.findings
        ),
        lesions=tissue.lesions,
        consensus=tissue.consensus_way,
        image_steps=tuple(
            ImageStepEntry(
                c.step.name,
                c.step.version,
                dict(c.settings_given),
                _packages("image step", c.step),
                said("image step", c.step, "label", c.step.name),
                said("image step", c.step, "ibsi_item", OTHER_PROCESSING),
            )
            for c in tissue.steps
        ),
    )


def _as_entries(about: Mapping[str, Any]) -> dict[str, Any]:
    entries: dict[str, Any] = {"formats": Formats(**about["formats"])}
    if "consensus" in about:
        entries["consensus"] = ConsensusEntry(**about["consensus"])
    return entries


def _computed(chosen: ChosenSource) -> Mapping[str, Any] | Absent:
    """What a source says that its values depend on, in the terms of its software (its method ``metadata``): what the
    checklists read. Paths that it repeats stand as in the study file."""
    about = chosen.computed
    if about is None:
        return ABSENT
    return {
        key: chosen.settings_given[key] if isinstance(value, str) and key in chosen.settings_given else value
        for key, value in about.items()
    }


def describe_agreement(cases: Sequence[CaseEntry]) -> MaskAgreement | None:
    """:func:`describe_spread` of Dice's coefficient and of the 95 % Hausdorff distance; None with one reader."""
    agreement: MaskAgreement = {}
    if overlap := describe_spread([case.dice for case in cases]):
        agreement["dice"] = overlap
    if distance := describe_spread([case.hd95_mm for case in cases]):
        agreement["hd95_mm"] = distance
    each = [d for case in cases if isinstance(case.consensus, ConsensusEntry) for d in case.consensus.dice]
    if overlap := describe_spread(each):
        agreement["dice_with_consensus"] = overlap
    return agreement or None


def describe_spread(values: Sequence[Number]) -> Spread | None:
    """``n``, mean, SD (ddof 1; None of one value), median, quartiles (linear between order statistics), least and
    largest of the finite values; None where there are none."""
    known = np.array([v for v in values if v is not None and np.isfinite(v)], dtype=float)
    if not known.size:
        return None
    q1, median, q3 = (float(q) for q in np.quantile(known, [0.25, 0.5, 0.75]))
    sd = float(known.std(ddof=1)) if known.size > 1 else None
    return Spread(int(known.size), float(known.mean()), sd, median, q1, q3, float(known.min()), float(known.max()))


def _packages(noun: str, source: Any) -> dict[str, str]:
    """Versions of the distributions that a source says it computes with (its attribute ``packages``)."""
    if not isinstance(source, NamesPackages):
        return {}
    try:
        return {name: metadata.version(name) for name in source.packages}
    except BaseException as error:  # not installed, no names, or whatever a list of a kind of its own thinks of
        let_interruptions_pass(error)
        told = in_short(source.packages)
        raise PluginError(
            f"the {noun} '{name_of(source)}' computes with the packages {told:.200}, which are not"
            " names of installed distributions. Update its plugin."
        ) from None
