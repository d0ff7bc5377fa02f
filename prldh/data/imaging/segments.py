"""Regions out of label maps and 3D Slicer segmentations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prldh.core import CaseRow, Geometry
from prldh.data.imaging.header import Header, Identity
from prldh.data.imaging.refusal import CaseRefused
from prldh.data.imaging.slicer import Segment, segments_in
from prldh.data.tables import some


@dataclass(frozen=True)
class Region:
    """One region as its file has it: ``mask`` boolean (z, y, x) on ``geometry``. ``taken``: the labels or segments it
    was made of, where the table names none and there are several. ``identity``: None where the file is no DICOM.
    ``remarks``: (kind, message) of what was decided about it or looks odd."""

    mask: np.ndarray
    geometry: Geometry
    identity: Identity | None = None
    taken: tuple[str, ...] = ()
    remarks: tuple[tuple[str, str], ...] = ()


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


def slicer_segments(header: Header) -> list[Segment]:
    """The segments of a ``.seg.nrrd``; none where the file is no segmentation."""
    return segments_in(dict(header.fields), header.components, header.geometry.size, header.files[0].name)


def from_slicer(values: np.ndarray, header: Header, row: CaseRow, name: str) -> Region:
    """The region of a Slicer segmentation by segment name, or by label value; without either, all segments."""
    segments = slicer_segments(header)
    layers = values[..., np.newaxis] if values.ndim == 3 else values
    wanted = wanted_segments([(s.name, s.label) for s in segments], row, name)
    mask = np.zeros(layers.shape[:3], dtype=bool)
    for segment in (segments[i] for i in wanted):
        nx, ny, nz = header.geometry.size
        x0, x1, y0, y1, z0, z1 = segment.extent or (0, nx, 0, ny, 0, nz)
        z, y, x = (slice(max(low, 0), max(high + 1, 0)) for low, high in ((z0, z1), (y0, y1), (x0, x1)))
        mask[z, y, x] |= layers[z, y, x, segment.layer] == segment.label
    if not mask.any():
        raise empty_segment(name, row, [s.name for s in segments])
    return Region(mask, header.geometry, None, tuple(segments[i].name for i in wanted) if len(wanted) > 1 else ())


def wanted_segments(segments: list[tuple[str, int]], row: CaseRow, name: str) -> list[int]:
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


def empty_segment(name: str, row: CaseRow, there: list[str]) -> CaseRefused:
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
