"""Series of DICOM slices as one volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import Geometry
from prldh.data.imaging.cases import split_series
from prldh.data.imaging.dicom_file import (
    IDENTIFYING,
    NO_IMAGES,
    dicom_files,
    identity_of,
    modality_of,
    read_dataset,
    text_of,
)
from prldh.data.imaging.dicom_frames import frames_header
from prldh.data.imaging.dicom_lengths import lengths_fit
from prldh.data.imaging.header import Header, Identity, refuse_bad_geometry, refuse_too_large
from prldh.data.imaging.refusal import CaseRefused
from prldh.data.tables import some
from prldh.study import ReadSettings

_NEEDED = (
    "SOPClassUID",
    "Modality",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "PatientIdentityRemoved",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "BitsAllocated",
    "PixelRepresentation",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "RescaleSlope",
    "RescaleIntercept",
)


@dataclass(frozen=True)
class Slice:
    """One file of a series: where it lies (mm), its axes, and how its numbers are stored."""

    file: Path
    series: str
    modality: str | None
    frames: int
    rows: int
    columns: int
    position: tuple[float, ...]
    axes: tuple[float, ...]
    spacing: tuple[float, ...]
    thickness: float
    stored: tuple[float, ...]  # bits, sign, slope, intercept
    samples: int


def read_series_header(path: Path, settings: ReadSettings) -> Header:
    """The header of a DICOM series: a folder, ``folder#SeriesInstanceUID``, or one file of the series.

    Raises
    ------
    CaseRefused
        If there is no image, there are several series (they are listed), slices are missing, doubled, tilted or of
        several sizes, or a file is damaged or cut off.
    """
    place, uid = split_series(path)
    if place.is_dir():
        files = dicom_files(place)
    else:
        first = _slice_of(place)
        if first is None:
            what = modality_of(read_dataset(place, ("Modality",))[0]) or "something else"
            raise CaseRefused(
                f"'{place.name}' holds no image, but {what}. Give the folder or a file of the image series.",
                "no_volume",
            )
        uid = first.series
        files = [place] if first.frames > 1 else dicom_files(place.parent)
    slices = [s for s in map(_slice_of, files) if s is not None]
    if uid is not None:
        slices_of_all, slices = slices, [s for s in slices if s.series == uid]
        if not slices:
            raise CaseRefused(f"'{place.name}' has no series {uid}. {_listed(slices_of_all)}", "missing_file")
    if not slices:
        raise CaseRefused(
            f"the folder '{place.name}' has no DICOM images (subfolders are not searched). Give the folder of one"
            " series.",
            "missing_file",
        )
    if len({s.series for s in slices}) > 1:
        raise CaseRefused(
            f"the folder '{place.name}' has several series; say which as folder#UID in the cases table."
            f" {_listed(slices)}",
            "several_series",
        )
    if any(s.samples != 1 for s in slices):
        raise CaseRefused(
            f"'{place.name}' has colour images; one number a voxel is needed. Give the series itself, not pictures"
            " of it.",
            "no_volume",
        )
    about, _ = read_dataset(slices[0].file, _NEEDED + IDENTIFYING)
    if len(slices) == 1 and slices[0].frames > 1:
        one = slices[0]
        return frames_header(one.file, (one.columns, one.rows, one.frames), one.modality, identity_of(about), settings)
    if any(s.frames > 1 for s in slices):
        raise CaseRefused(
            f"'{place.name}' has several files with many frames in one series. Give the file that is meant.",
            "several_series",
        )
    return _stack(slices, place.name, identity_of(about), settings)


def _slice_of(path: Path) -> Slice | None:
    """What a file says of its slice; None where it holds no image."""
    from pydicom.uid import UID

    dataset, left = read_dataset(path, _NEEDED)
    if modality_of(dataset) in NO_IMAGES:
        return None
    if "Rows" not in dataset:
        if "Image Storage" in UID(text_of(dataset.file_meta, "MediaStorageSOPClassUID")).name:
            raise CaseRefused(
                f"'{path.name}' is cut off: it says it is an image and has none. Copy or export it again."
            )
        return None
    try:
        rows, columns, bits = int(dataset.Rows), int(dataset.Columns), int(dataset.BitsAllocated)
        frames, samples = int(dataset.get("NumberOfFrames") or 1), int(dataset.get("SamplesPerPixel") or 1)
        slice_ = Slice(
            path,
            text_of(dataset, "SeriesInstanceUID"),
            modality_of(dataset),
            frames,
            rows,
            columns,
            tuple(float(v) for v in dataset.get("ImagePositionPatient") or ()),
            tuple(float(v) for v in dataset.get("ImageOrientationPatient") or ()),
            tuple(float(v) for v in dataset.get("PixelSpacing") or ()),
            float(dataset.get("SpacingBetweenSlices") or dataset.get("SliceThickness") or 0),
            (
                bits,
                int(dataset.get("PixelRepresentation") or 0),
                float(_or(dataset.get("RescaleSlope"), 1)),
                float(_or(dataset.get("RescaleIntercept"), 0)),
            ),
            samples,
        )
        is_compressed = UID(str(dataset.file_meta.TransferSyntaxUID)).is_compressed
    except Exception:  # a tag that is absent or no number
        raise CaseRefused(f"'{path.name}' is damaged or incomplete DICOM. Copy or export it again.") from None
    if left < (1 if is_compressed else rows * columns * samples * frames * bits // 8):
        raise CaseRefused(
            f"'{path.name}' is cut off: it holds fewer voxels than its header says. Copy or export it again."
        )
    return slice_


def _or(value: Any, otherwise: float) -> Any:
    return otherwise if value is None or value == "" else value


def _listed(slices: Sequence[Slice]) -> str:
    counts: dict[tuple[str, str], int] = {}
    for s in slices:
        key = (s.series if set(s.series) <= set("0123456789.") else "no proper UID", s.modality or "no modality")
        counts[key] = counts.get(key, 0) + s.frames
    return (
        "Series there: "
        + some((f"{uid} ({modality}, {n} slices)" for (uid, modality), n in sorted(counts.items())), 12)
        + "."
    )


def _stack(slices: list[Slice], name: str, identity: Identity, settings: ReadSettings) -> Header:
    """Slices in order along their normal, once they prove to be one regular stack."""
    first = slices[0]
    if any(len(s.position) != 3 or len(s.axes) != 6 or len(s.spacing) != 2 for s in slices):
        raise CaseRefused(
            f"'{name}' has slices without position, orientation or pixel spacing. Export the original series.",
            "geometry",
        )
    if any(
        (s.rows, s.columns) != (first.rows, first.columns) or not np.allclose(s.spacing, first.spacing, rtol=1e-3)
        for s in slices
    ):
        raise CaseRefused(
            f"'{name}' has slices of several sizes or pixel spacings in one series. Export the volume alone.",
            "geometry",
        )
    if any(not np.allclose(s.axes, first.axes, atol=1e-3) for s in slices):
        raise CaseRefused(
            f"'{name}' has slices of several orientations in one series (a localiser among them?). Export the volume"
            " alone.",
            "geometry",
        )
    across, down = np.array(first.axes[:3]), np.array(first.axes[3:])
    normal = np.cross(across, down)
    positions = np.array([s.position for s in slices])
    if not (np.all(np.isfinite(positions)) and np.all(np.isfinite(normal)) and np.linalg.norm(normal) > 0.5):
        raise CaseRefused(f"'{name}' has positions or orientations that are no numbers. Export it again.", "geometry")
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    step = _regular_step(along[order], positions[order], normal, first, name)
    ordered = [slices[i] for i in order]
    x, y, z = (float(v) for v in positions[order[0]])
    geometry = Geometry(
        (first.columns, first.rows, len(slices)),
        (first.spacing[1], first.spacing[0], step),
        (x, y, z),
        tuple(float(v) for v in np.column_stack([across, down, normal]).flat),
    )
    refuse_bad_geometry(geometry, name)
    stored = {s.stored for s in slices}
    is_whole = all(float(v).is_integer() for s in stored for v in s[2:])
    is_uniform = len(stored) == 1 and is_whole
    refuse_too_large(geometry.size, int(first.stored[0]) // 8 if is_uniform else 8, name, settings)
    return Header(
        "dicom",
        geometry,
        tuple(s.file for s in ordered),
        int(first.stored[0]) // 8 if is_uniform else 8,
        modality=first.modality,
        identity=identity,
        is_uniform=is_uniform,
    )


def _regular_step(along: np.ndarray, positions: np.ndarray, normal: np.ndarray, first: Slice, name: str) -> float:
    """The distance of neighbouring slices in mm.

    Positions may lie up to a tenth of that off a regular stack (they are often rounded), and drift half a pixel
    sideways.
    """
    if len(along) == 1:
        if not first.thickness > 0:
            raise CaseRefused(f"'{name}' is one slice without a thickness. Give the whole series.", "geometry")
        return first.thickness
    steps = np.diff(along)
    step = float((along[-1] - along[0]) / (len(along) - 1))
    usual = float(np.median(steps))
    if steps.min() < 1e-3:
        n = int(np.count_nonzero(steps < 1e-3))
        raise CaseRefused(
            f"'{name}' has {n} slice(s) at the place of another (echoes, times or copies in one series). Export one"
            " volume alone.",
            "geometry",
        )
    if np.abs(along - (along[0] + step * np.arange(len(along)))).max() > 0.1 * usual:
        at = int(np.argmax(steps))
        raise CaseRefused(
            f"'{name}' has uneven slices: {usual:.4g} mm apart mostly, {steps[at]:.4g} mm between slices {at + 1} and"
            f" {at + 2} of {len(along)}. A slice is missing, or the series is not one volume; export it again.",
            "missing_slice",
        )
    sideways = positions - positions[0] - np.outer(along - along[0], normal)
    if np.linalg.norm(sideways, axis=1).max() > 0.5 * min(first.spacing):
        raise CaseRefused(
            f"'{name}' was taken with a tilted gantry: its slices are shifted against each other. Export it corrected"
            " for tilt.",
            "tilted",
        )
    return step


def read_series_values(header: Header) -> np.ndarray:
    """The voxels (z, y, x) with slope and intercept applied, as GDCM decodes them."""
    import SimpleITK as sitk

    for file in header.files:
        if not lengths_fit(file.read_bytes()):
            raise CaseRefused(
                f"'{file.name}' is damaged DICOM: an element is longer than the file, or of no known type. Copy or"
                " export it again."
            )
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames([str(f) for f in header.files])
    if not header.is_uniform:  # the first file's type would cut off what others hold
        reader.SetOutputPixelType(sitk.sitkFloat64)
    try:
        values = sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError:
        values = np.empty(0)
    if values.shape != header.geometry.size[::-1]:
        raise CaseRefused(
            f"the voxels of '{header.files[0].parent.name}' cannot be decoded. Export the series again, uncompressed."
        )
    return values
