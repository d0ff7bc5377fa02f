"""Series of DICOM slices as one volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import file_bytes, is_folder
from prldh.data.imaging.cases import split_series
from prldh.data.imaging.dicom_file import (
    IDENTIFYING,
    NO_IMAGES,
    UNKNOWN,
    dicom_files,
    identity_of,
    modality_of,
    read_dataset,
    text_of,
)
from prldh.data.imaging.dicom_frames import GROUPS, frames_header, slices_of
from prldh.data.imaging.dicom_lengths import lengths_fit
from prldh.data.imaging.dicom_pixels import stored_frames
from prldh.data.imaging.dicom_stack import Slice, stack
from prldh.data.imaging.flat import is_plane, plane_header
from prldh.data.imaging.header import Header, Identity, refuse_too_large
from prldh.data.imaging.pet import suv_factor, units_of
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
    "BitsStored",
    "HighBit",
    "PatientID",
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


def read_series_header(path: Path, settings: ReadSettings) -> Header:
    """The header of a DICOM series: a folder, ``folder#SeriesInstanceUID``, or one file of the series.

    Raises
    ------
    CaseRefused
        If there is no image, there are several series (they are listed), slices are missing, doubled, tilted or of
        several sizes, or a file is damaged or cut off.
    """
    place, uid = split_series(path)
    if is_folder(place):
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
        files = [place] if first.frames > 1 or is_plane(first) else dicom_files(place.parent)
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
    about, _ = read_dataset(slices[0].file, _NEEDED + IDENTIFYING)
    if len(slices) == 1 and is_plane(slices[0]):
        return plane_header(slices[0], identity_of(about), settings)
    if any(s.samples != 1 for s in slices):
        raise CaseRefused(
            f"'{place.name}' has colour images; one number a voxel is needed. Give the series itself, not pictures"
            " of it.",
            "no_volume",
        )
    if len(slices) == 1 and slices[0].frames > 1:
        one = slices[0]
        header = frames_header(
            one.file, (one.columns, one.rows, one.frames), one.modality, identity_of(about), settings
        )
        return _with_units(header, place.name, settings)
    if any(s.frames > 1 for s in slices):
        raise CaseRefused(
            f"'{place.name}' has several files with many frames in one series. Give the file that is meant.",
            "several_series",
        )
    if len({s.patient for s in slices} - {""}) > 1:
        raise CaseRefused(
            f"the slices of '{place.name}' have several PatientIDs in DICOM: a slice of another patient is among them."
            " Export the series again.",
            "another_patient",
        )
    return _with_units(_series(slices, place.name, identity_of(about), settings), place.name, settings)


def _with_units(header: Header, name: str, settings: ReadSettings) -> Header:
    """The same with the units of a PET, and as SUV where that is asked for."""
    if header.modality != "PT":
        return header
    units = units_of(header.files[0])
    if settings.pet == "as_stored":
        return replace(header, units=units)
    return replace(header, units=f"{units}, read as SUV by body weight", factor=suv_factor(header.files, name))


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
            (int(dataset.get("BitsStored") or bits), int(dataset.get("HighBit") or bits - 1)),
            text_of(dataset, "PatientID").strip(),
            left == UNKNOWN,
        )
        is_compressed = UID(str(dataset.file_meta.TransferSyntaxUID)).is_compressed
    except Exception:  # a tag that is absent or no number
        raise CaseRefused(f"'{path.name}' is damaged or incomplete DICOM. Copy or export it again.") from None
    if frames == 1 and not slice_.position:  # an enhanced file of one frame tells of it as of many
        slice_ = _enhanced(slice_)
    if left < (1 if is_compressed else rows * columns * samples * frames * bits // 8):
        raise CaseRefused(
            f"'{path.name}' is cut off: it holds fewer voxels than its header says. Copy or export it again."
        )
    return slice_


def _enhanced(one: Slice) -> Slice:
    """The same with place and scaling from the functional groups, where it has them."""
    dataset, _ = read_dataset(one.file, GROUPS)
    if not dataset.get("PerFrameFunctionalGroupsSequence"):
        return one
    (told,) = slices_of(dataset, one.file)
    return replace(
        one,
        position=told.position,
        axes=told.axes,
        spacing=told.spacing,
        thickness=told.thickness,
        stored=(*one.stored[:2], *told.stored[2:]),
        is_enhanced=True,
    )


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


def _series(slices: list[Slice], name: str, identity: Identity, settings: ReadSettings) -> Header:
    order, geometry = stack(slices, name)
    first = slices[0]
    stored = {s.stored for s in slices}
    is_whole = all(float(v).is_integer() for s in stored for v in s[2:])
    is_uniform = len(stored) == 1 and is_whole
    width = int(first.stored[0]) // 8 if is_uniform else 8
    refuse_too_large(geometry.size, width, name, settings)
    return Header(
        "dicom",
        geometry,
        tuple(slices[i].file for i in order),
        width,
        modality=first.modality,
        identity=identity,
        is_uniform=is_uniform,
        is_odd=any(map(_is_odd, slices)),
    )


def _is_odd(one: Slice) -> bool:
    """Whether GDCM would get the numbers of a file wrong, or cannot open it: see :mod:`dicom_pixels`."""
    allocated, (stored, high) = int(one.stored[0]), one.bits
    return one.is_deflated or one.is_enhanced or high != stored - 1 or (allocated > 16 and stored < allocated)


def read_series_values(header: Header) -> np.ndarray:
    """The voxels (z, y, x) with slope and intercept applied, as GDCM decodes them."""
    if header.is_odd:
        return _values_here(header)
    import SimpleITK as sitk

    for file in header.files:
        if not lengths_fit(file_bytes(file)):
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
        return _values_here(header)  # what GDCM does not know, rather than damage
    return values if values.shape == header.geometry.size[::-1] else _values_here(header)


def _values_here(header: Header) -> np.ndarray:
    values = np.empty(header.geometry.size[::-1])
    for place, file in enumerate(header.files):
        one = _slice_of(file)
        stored = next(stored_frames(file, [0]))
        if one is None or stored.shape != values.shape[1:]:
            raise CaseRefused(
                f"the voxels of '{file.name}' are not as many as its header says. Copy or export it again."
            )
        values[place] = stored * (one.stored[2] or 1.0) + one.stored[3]  # a slope of 0 is none, as GDCM has it
    return values
