"""DICOM SEG: the regions of its segments (PS3.3, C.8.20)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import CaseRow, Geometry
from prldh.data.imaging.dicom_file import identity_of, read_dataset, text_of
from prldh.data.imaging.dicom_frames import GROUPS, one_of, slices_of
from prldh.data.imaging.dicom_pixels import stored_frames
from prldh.data.imaging.dicom_stack import gapped_stack
from prldh.data.imaging.header import refuse_too_large
from prldh.data.imaging.refusal import CaseRefused
from prldh.data.imaging.segments import Region, empty_segment, wanted_segments
from prldh.study import ReadSettings

_TAGS = (
    "PatientID",
    "FrameOfReferenceUID",
    "SeriesInstanceUID",
    "PatientIdentityRemoved",
    "SegmentSequence",
    "SegmentationType",
    "SegmentationFractionalType",
    "MaximumFractionalValue",
    "DimensionOrganizationType",
)
_WHAT = {"OCCUPANCY": "parts of voxels", "PROBABILITY": "probabilities"}


def from_dicom_seg(path: Path, row: CaseRow, settings: ReadSettings) -> Region:
    """The region of a DICOM SEG by segment label or number; fractions count from ``settings.fraction`` on.

    Slices in which a segment has no frame hold none of it.

    Raises
    ------
    CaseRefused
        If the region is not there or empty, the frames are no regular stack, or the file is damaged.
    """
    dataset, _ = read_dataset(path, _TAGS + GROUPS)
    try:
        rows, columns, frames = int(dataset.Rows), int(dataset.Columns), int(dataset.get("NumberOfFrames") or 1)
    except Exception:
        raise _damaged(path) from None
    refuse_too_large((columns, rows, frames), 1, path.name, settings)
    if text_of(dataset, "DimensionOrganizationType").strip().upper().startswith("TILED"):
        raise CaseRefused(
            f"the DICOM SEG '{path.name}' is of tiles of a microscope's image, which are not read. Export a label map.",
            "no_volume",
        )
    kind = text_of(dataset, "SegmentationType").strip().upper() or "BINARY"
    slices = slices_of(dataset, path)
    try:
        described = {int(s.SegmentNumber): text_of(s, "SegmentLabel").strip() for s in dataset.SegmentSequence}
        of_frame = [None] * len(slices) if kind == "LABELMAP" else _segment_numbers(dataset)
        largest = float(dataset.get("MaximumFractionalValue") or 255)
    except Exception:  # a sequence that is absent or damaged
        raise _damaged(path) from None
    places, geometry = gapped_stack(slices, path.name)
    refuse_too_large(geometry.size, 4, path.name, settings)
    numbers = sorted(described)
    wanted = wanted_segments([(described[n], n) for n in numbers], row, path.name)
    asked = {numbers[i] for i in wanted}
    least = settings.fraction * largest if kind == "FRACTIONAL" else 1
    mask, n_between = _painted(path, kind, asked, of_frame, places, geometry, least, largest)
    if not mask.any():
        raise empty_segment(path.name, row, [described[n] for n in numbers])
    remarks: tuple[tuple[str, str], ...] = ()
    if kind == "FRACTIONAL":
        what = _WHAT.get(text_of(dataset, "SegmentationFractionalType").strip().upper(), "fractions")
        remarks = (
            (
                "fractional",
                f"the mask '{path.name}' holds {what}: voxels from {settings.fraction:g} on are the region"
                f" (imaging.fraction); {n_between:,} are between 0 and 1.",
            ),
        )
    taken = tuple(described[numbers[i]] for i in wanted) if len(wanted) > 1 else ()
    return Region(mask, geometry, identity_of(dataset), taken, remarks)


def _segment_numbers(dataset: Any) -> list[int]:
    shared: Any = next(iter(dataset.get("SharedFunctionalGroupsSequence") or ()), {})
    return [
        int(one_of((own, shared, {}), "SegmentIdentificationSequence", "ReferencedSegmentNumber")[0])
        for own in dataset.PerFrameFunctionalGroupsSequence
    ]


def _painted(
    path: Path,
    kind: str,
    asked: set[int],
    of_frame: list[Any],
    places: np.ndarray,
    geometry: Geometry,
    least: float,
    largest: float,
) -> tuple[np.ndarray, int]:
    """The region, and how many of its frames' voxels are neither 0 nor whole."""
    mask = np.zeros(geometry.size[::-1], dtype=bool)
    n_between = 0
    frames = [i for i, number in enumerate(of_frame) if kind == "LABELMAP" or number in asked]
    for index, stored in zip(frames, stored_frames(path, frames), strict=True):
        if stored.shape != mask.shape[1:]:
            raise _damaged(path)
        mask[places[index]] |= np.isin(stored, list(asked)) if kind == "LABELMAP" else stored >= least
        if kind == "FRACTIONAL":
            n_between += int(np.count_nonzero((stored > 0) & (stored < largest)))
    return mask, n_between


def _damaged(path: Path) -> CaseRefused:
    return CaseRefused(f"the DICOM SEG '{path.name}' is damaged or incomplete. Copy or export it again.")
