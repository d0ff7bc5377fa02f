"""What the header of a 3D Slicer segmentation (``.seg.nrrd``) says of its segments and where they lie.

The rules are those of Slicer's own reader (``vtkMRMLSegmentationStorageNode``). Since 2016 a file's geometry is that of
its voxels, and ``Segmentation_ReferenceImageExtentOffset`` only tells where they lay in the image that they were drawn
on. Files before that lack this field: their geometry is that of the image, and ``Segmentation_Extent`` says which part
of its grid the voxels are; what lies outside a segment's own ``Extent`` is no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from prldh.data.imaging.refusal import CaseRefused

Extent = tuple[int, ...]


@dataclass(frozen=True)
class Segment:
    """``extent``: first and last voxel along x, y and z of the file, where only what lies within is the segment's."""

    name: str
    label: int
    layer: int
    extent: Extent | None = None


def segments_in(fields: Mapping[str, str], components: int, size: tuple[int, ...], name: str) -> list[Segment]:
    """The segments of a file with so many layers and voxels; those in layers that are not there are left out.

    Raises
    ------
    CaseRefused
        If a label or a place is no whole number.
    """
    offset = offset_of(fields, size, name)
    segments = []
    for i in range(len(fields)):
        if f"Segment{i}_LabelValue" not in fields and f"Segment{i}_ID" not in fields:
            break
        called = fields.get(f"Segment{i}_Name") or fields.get(f"Segment{i}_ID", "")
        layer = i if components > 1 else 0  # before layers were shared, each segment had its own
        try:
            label, layer = int(fields.get(f"Segment{i}_LabelValue", "1")), int(fields.get(f"Segment{i}_Layer", layer))
        except ValueError:
            raise CaseRefused(f"'{name}' has a segment without a proper label. Save the segmentation again.") from None
        within = None
        if _is_old(fields) and "Segmentation_Extent" in fields and f"Segment{i}_Extent" in fields:
            extent = _extent(fields[f"Segment{i}_Extent"], name)
            within = tuple(value - offset[k // 2] for k, value in enumerate(extent))
        segments.append(Segment(called.strip(), label, layer, within))
    return [segment for segment in segments if 0 <= segment.layer < components]


def offset_of(fields: Mapping[str, str], size: tuple[int, ...], name: str) -> tuple[int, int, int]:
    """How many voxels (x, y, z) the file's first voxel lies from the origin in its header.

    Raises
    ------
    CaseRefused
        If the header says that the voxels are more or fewer than there are.
    """
    if not _is_old(fields):
        return 0, 0, 0
    if "Segmentation_Extent" in fields:
        common = _extent(fields["Segmentation_Extent"], name)
    else:
        extents = [_extent(text, name) for key, text in fields.items() if key.endswith("_Extent")]
        drawn = np.array([e for e in extents if e[0] <= e[1] and e[2] <= e[3] and e[4] <= e[5]])
        if not len(drawn):
            return 0, 0, 0
        low, high = drawn[:, ::2].min(axis=0), drawn[:, 1::2].max(axis=0)
        if np.all(low >= 0) and np.all(high < size):  # within the file as it is
            return 0, 0, 0
        common = tuple(int(v) for pair in zip(low, high, strict=True) for v in pair)
    if tuple(common[2 * a + 1] - common[2 * a] + 1 for a in range(3)) != size:
        raise CaseRefused(
            f"'{name}' says that its segments extend over other voxels than it holds (3D Slicer's field Extent): where"
            " they lie cannot be told. Open and save it in a recent 3D Slicer.",
            "geometry",
        )
    return common[0], common[2], common[4]


def _is_old(fields: Mapping[str, str]) -> bool:
    return "Segmentation_ReferenceImageExtentOffset" not in fields


def _extent(text: str, name: str) -> Extent:
    try:
        numbers = tuple(int(part) for part in text.split())
    except ValueError:
        numbers = ()
    if len(numbers) != 6 or max(map(abs, numbers)) > 1 << 24:
        raise CaseRefused(
            f"'{name}' has a segment whose place (3D Slicer's field Extent) is not six whole numbers. Save the"
            " segmentation again.",
            "geometry",
        )
    return numbers
