"""Regions out of label maps, 3D Slicer segmentations and DICOM SEG."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import CaseRow, Geometry
from prldh.data.imaging.dicom_file import identity_of, read_dataset
from prldh.data.imaging.dicom_frames import volume_geometry
from prldh.data.imaging.header import Header, Identity, refuse_bad_geometry, refuse_too_large
from prldh.data.imaging.refusal import CaseRefused
from prldh.data.tables import some
from prldh.study import ReadSettings


@dataclass(frozen=True)
class Region:
    """One region as its file has it: ``mask`` boolean (z, y, x) on ``geometry``. ``taken``: the labels or segments it
    was made of, where the table names none and there are several. ``identity``: None where the file is no DICOM."""

    mask: np.ndarray
    geometry: Geometry
    identity: Identity | None = None
    taken: tuple[str, ...] = ()


def whole_labels(values: np.ndarray, name: str) -> np.ndarray:
    """A label map as whole numbers.

    Raises
    ------
    CaseRefused
        If it has fractions (probabilities?) or NaN.
    """
    if values.dtype.kind in "iu":
        return values
    if not np.all(np.isfinite(values)):
        raise CaseRefused(
            f"the mask '{name}' has voxels that are NaN or infinite. Export it as a label map of whole numbers.",
            "not_finite",
        )
    rounded = np.rint(values)
    if values.size and np.abs(values - rounded).max() > 1e-3:
        raise CaseRefused(
            f"the mask '{name}' has fractions, such as probabilities. Threshold it and export a label map of whole"
            " numbers.",
            "geometry",
        )
    return rounded.astype(np.int32)


def from_labels(values: np.ndarray, header: Header, row: CaseRow, name: str) -> Region:
    """The region of a label map: the row's label, or everything that is not 0."""
    if row.segment is not None and row.label is None:
        raise CaseRefused(
            f"the mask '{name}' is a label map without names of segments, and the table asks for segment"
            f" '{row.segment}'. Give its number as label; labels there: {_present(values)}.",
            "absent_label",
        )
    if row.label is not None:
        mask = values == row.label
        if not mask.any():
            if not values.any():
                raise _empty(name)
            raise CaseRefused(
                f"the mask '{name}' has no label {row.label}. Labels there: {_present(values)}. Correct the cases"
                " table.",
                "absent_label",
            )
        return Region(mask, header.geometry, header.identity)
    mask = values != 0
    if not mask.any():
        raise _empty(name)
    low, high = values.min(), values.max()
    is_one = low == high or (min(low, high) == 0 and bool(np.all(values[mask] == max(low, high, key=abs))))
    return Region(
        mask, header.geometry, header.identity, () if is_one else tuple(str(v) for v in np.unique(values[mask]))
    )


def _present(values: np.ndarray) -> str:
    return some([v for v in np.unique(values) if v != 0], 20) or "none"


def _empty(name: str) -> CaseRefused:
    return CaseRefused(f"the mask '{name}' is empty. Draw the region, or remove the row.", "empty_mask")


# ---------------------------------------------------------------- 3D Slicer


def slicer_segments(header: Header) -> list[tuple[str, int, int]]:
    """Name, label value and layer of each segment of a ``.seg.nrrd`` (Slicer's documentation, Segmentations,
    "Segmentation file")."""
    fields = dict(header.fields)
    segments = []
    for i in range(len(fields)):
        if f"Segment{i}_LabelValue" not in fields and f"Segment{i}_ID" not in fields:
            break
        name = fields.get(f"Segment{i}_Name") or fields.get(f"Segment{i}_ID", "")
        try:
            segments.append(
                (
                    name.strip(),
                    int(fields.get(f"Segment{i}_LabelValue", "1")),
                    int(fields.get(f"Segment{i}_Layer", "0")),
                )
            )
        except ValueError:
            raise CaseRefused(
                f"'{header.files[0].name}' has a segment without a proper label. Save the segmentation again."
            ) from None
    return [segment for segment in segments if 0 <= segment[2] < header.components]


def from_slicer(values: np.ndarray, header: Header, row: CaseRow, name: str) -> Region:
    """The region of a Slicer segmentation by segment name, or by label value; without either, all segments."""
    segments = slicer_segments(header)
    layers = values[..., np.newaxis] if values.ndim == 3 else values
    wanted = _wanted([(s[0], s[1]) for s in segments], row, name)
    mask = np.zeros(layers.shape[:3], dtype=bool)
    for i in wanted:
        mask |= layers[..., segments[i][2]] == segments[i][1]
    if not mask.any():
        raise _empty_segment(name, row, [s[0] for s in segments])
    return Region(mask, header.geometry, None, tuple(segments[i][0] for i in wanted) if len(wanted) > 1 else ())


def _wanted(segments: list[tuple[str, int]], row: CaseRow, name: str) -> list[int]:
    """Which segments, by (name, number), a row means. A name is compared without regard to case only where that is not
    ambiguous."""
    if not segments:
        raise _empty(name)
    if row.segment is None and row.label is None:
        return list(range(len(segments)))
    if row.segment is not None:
        indices = [i for i, s in enumerate(segments) if s[0] == row.segment.strip()]
        indices = indices or [i for i, s in enumerate(segments) if s[0].casefold() == row.segment.strip().casefold()]
        what = f"segment '{row.segment}'"
    else:
        indices = [i for i, s in enumerate(segments) if s[1] == row.label]
        what = f"label {row.label}"
    if len(indices) == 1:
        return indices
    there = some((f"'{n}' ({k})" for n, k in segments), 20)
    many = "no" if not indices else f"{len(indices)} times"
    raise CaseRefused(
        f"the mask '{name}' has {many} {what}. Segments there, with their labels: {there}. Correct the cases table.",
        "absent_label",
    )


def _empty_segment(name: str, row: CaseRow, there: list[str]) -> CaseRefused:
    what = (
        f"segment '{row.segment}'"
        if row.segment is not None
        else f"label {row.label}"
        if row.label is not None
        else "every segment"
    )
    return CaseRefused(
        f"{what} of the mask '{name}' is empty (segments there: {some(there, 20)}). Draw the region, or remove the"
        " row.",
        "empty_mask",
    )


# ---------------------------------------------------------------- DICOM SEG


def from_dicom_seg(path: Path, row: CaseRow, settings: ReadSettings) -> Region:
    """The region of a DICOM SEG by segment label or number, read by highdicom; fractions count from one half on."""
    dataset, _ = read_dataset(
        path,
        (
            "Rows",
            "Columns",
            "NumberOfFrames",
            "PatientID",
            "FrameOfReferenceUID",
            "SeriesInstanceUID",
            "PatientIdentityRemoved",
        ),
    )
    try:
        rows, columns, frames = int(dataset.Rows), int(dataset.Columns), int(dataset.get("NumberOfFrames") or 1)
    except Exception:
        raise _damaged(path) from None
    refuse_too_large((columns, rows, frames), 1, path.name, settings)
    seg = _open_seg(path)
    try:
        segments = [(str(seg.get_segment_description(n).segment_label).strip(), int(n)) for n in seg.segment_numbers]
        stack = seg.get_volume_geometry(allow_missing_positions=True, rtol=0.05)
    except Exception:
        raise _damaged(path) from None
    if stack is None:
        raise CaseRefused(
            f"the slices of '{path.name}' are not one regular stack. Export the segmentation on the grid of its image.",
            "geometry",
        )
    geometry = volume_geometry(stack.affine, stack.spatial_shape)
    refuse_bad_geometry(geometry, path.name)
    refuse_too_large(geometry.size, 4, path.name, settings)
    wanted = _wanted(segments, row, path.name)
    mask = np.zeros(geometry.size[::-1], dtype=bool)
    try:
        for i in wanted:
            volume = seg.get_volume(segment_numbers=[segments[i][1]], allow_missing_positions=True, rtol=0.05)
            mask |= np.reshape(volume.array, mask.shape) >= 0.5
    except Exception:
        raise _damaged(path) from None
    if not mask.any():
        raise _empty_segment(path.name, row, [s[0] for s in segments])
    return Region(
        mask, geometry, identity_of(dataset), tuple(segments[i][0] for i in wanted) if len(wanted) > 1 else ()
    )


def _open_seg(path: Path) -> Any:
    import highdicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return highdicom.seg.segread(path)
    except Exception:
        raise _damaged(path) from None


def _damaged(path: Path) -> CaseRefused:
    return CaseRefused(f"the DICOM SEG '{path.name}' is damaged or incomplete. Copy or export it again.")
