"""DICOM with many frames in one file (enhanced CT and MR): each frame is a slice, told of by the functional groups
(PS3.3, C.7.6.16).

Frames are put in order and checked as the files of a series are; a frame of reference is not asked for, as positions
within one file share it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from prldh.data.imaging.dicom_file import read_dataset
from prldh.data.imaging.dicom_pixels import stored_frames
from prldh.data.imaging.dicom_stack import Slice, stack
from prldh.data.imaging.header import Header, Identity, refuse_too_large
from prldh.data.imaging.refusal import CaseRefused
from prldh.study import ReadSettings

#: What tells of frames.
GROUPS = (
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "RescaleSlope",
    "RescaleIntercept",
)


def frames_header(
    path: Path, size: tuple[int, int, int], modality: str | None, identity: Identity, settings: ReadSettings
) -> Header:
    """The header of such a file; ``size`` is columns, rows and frames.

    Raises
    ------
    CaseRefused
        If it is damaged, too large, or its frames are not one regular stack.
    """
    refuse_too_large(size, 8, path.name, settings)
    order, geometry = stack(slices_of(read_dataset(path, GROUPS)[0], path), path.name)
    return Header(
        "frames",
        geometry,
        (path,),
        8,
        may_be_nan=True,
        modality=modality,
        identity=identity,
        frames=tuple(int(i) for i in order),
    )


def read_frames_values(header: Header) -> np.ndarray:
    """The voxels (z, y, x) of a file with many frames, each with its own slope and intercept."""
    path = header.files[0]
    slices = slices_of(read_dataset(path, GROUPS)[0], path)
    values = np.empty(header.geometry.size[::-1])
    for place, (index, stored) in enumerate(zip(header.frames, stored_frames(path, header.frames), strict=True)):
        slope, intercept = slices[index].stored[2:]
        if stored.shape != values.shape[1:]:
            raise CaseRefused(
                f"the voxels of '{path.name}' are not as many as its header says. Copy or export it again."
            )
        values[place] = stored * slope + intercept
    return values


def slices_of(dataset: Any, path: Path) -> list[Slice]:
    """Every frame of a file as a slice, in the order of the file; ``dataset`` holds :data:`GROUPS`.

    Raises
    ------
    CaseRefused
        If it is damaged or does not say where its frames lie.
    """
    try:
        shared: Any = next(iter(dataset.get("SharedFunctionalGroupsSequence") or ()), {})
        per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or ()
        n, rows, columns = int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns)
        if not per_frame and not shared:
            raise CaseRefused(
                f"'{path.name}' has {n} frames and does not say where each lies (no functional groups): they may be"
                " moments, views or slices. Export the slices as a series of single files, or as a volume.",
                "geometry",
            )
        if len(per_frame) != n:
            raise CaseRefused(
                f"'{path.name}' has {n} frames and tells of {len(per_frame)}. Copy or export it again.", "geometry"
            )
        slices = []
        for own in per_frame:
            groups = (own, shared, dataset)
            position = one_of(groups, "PlanePositionSequence", "ImagePositionPatient")
            axes = one_of(groups, "PlaneOrientationSequence", "ImageOrientationPatient")
            spacing = one_of(groups, "PixelMeasuresSequence", "PixelSpacing")
            between = one_of(groups, "PixelMeasuresSequence", "SpacingBetweenSlices")
            thickness = between or one_of(groups, "PixelMeasuresSequence", "SliceThickness") or (0.0,)
            slope = one_of(groups, "PixelValueTransformationSequence", "RescaleSlope") or (1.0,)
            intercept = one_of(groups, "PixelValueTransformationSequence", "RescaleIntercept") or (0.0,)
            slices.append(
                Slice(
                    path,
                    "",
                    None,
                    1,
                    rows,
                    columns,
                    position,
                    axes,
                    spacing,
                    thickness[0],
                    (0, 0, slope[0] or 1.0, intercept[0]),  # a slope of 0 is none, as GDCM has it
                    1,
                )
            )
    except CaseRefused:
        raise
    except Exception:  # a sequence that is damaged, or text in the place of a number
        raise CaseRefused(f"'{path.name}' is damaged or incomplete DICOM. Copy or export it again.") from None
    return slices


def one_of(groups: tuple[Any, ...], sequence: str, name: str) -> tuple[float, ...]:
    """A field of a functional group: the frame's own, or else the shared one, or else the file's."""
    for group in groups[:2]:
        item = next(iter(group.get(sequence) or ()), None)
        if item is not None and item.get(name) not in (None, ""):
            value = item.get(name)
            break
    else:
        value = groups[2].get(name)
    if value is None or value == "":
        return ()
    return tuple(float(v) for v in value) if hasattr(value, "__iter__") else (float(value),)
