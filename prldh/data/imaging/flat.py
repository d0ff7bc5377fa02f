"""Images of one plane: pictures (PNG, JPEG, BMP, TIFF), radiographs and ultrasound.

They have no thickness, and pictures no size in mm either: 1 mm stands for what is not told, which is said. Where such
an image lies in space is not told, so that a mask of as many pixels is laid on it pixel by pixel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import Geometry, file_at
from prldh.data.imaging.dicom_file import read_dataset, text_of
from prldh.data.imaging.dicom_pixels import colour_frame, stored_frames
from prldh.data.imaging.dicom_stack import Slice
from prldh.data.imaging.header import Header, Identity, refuse_bad_geometry, refuse_too_large
from prldh.data.imaging.refusal import CaseRefused, damaged, no_volume
from prldh.study import ReadSettings

#: SimpleITK's readers of pictures, by how their files begin.
PICTURES = {
    b"\x89PNG\r\n": "PNGImageIO",
    b"\xff\xd8\xff": "JPEGImageIO",
    b"BM": "BMPImageIO",
    b"II*\0": "TIFFImageIO",
    b"MM\0*": "TIFFImageIO",
}
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
#: Modalities whose images lie in space: one without a position has lost it, and is no plane by itself.
_IN_SPACE = ("CT", "MR", "PT", "NM")
#: So far red, green and blue may lie apart in what is grey but for the rounding of luma and chroma.
_SLACK = 3
_UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def picture_header(path: Path, settings: ReadSettings) -> Header:
    """The header of a picture.

    Raises
    ------
    CaseRefused
        If it is damaged, too large, or has several pages.
    """
    reader = _picture_reader(path)
    try:
        reader.ReadImageInformation()
        size, components = reader.GetSize(), reader.GetNumberOfComponents()
    except Exception:
        raise _damaged(path) from None
    if len(size) != 2 and not (len(size) == 3 and size[2] == 1):
        raise no_volume(path, f"{size[2]} pages of a picture")
    if min(size[:2]) < 1:
        raise _damaged(path)
    refuse_too_large((size[0], size[1], 1), 2 * components, path.name, settings)
    geometry = Geometry((size[0], size[1], 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), _UPRIGHT)
    # whether it is whole and without colours is found when it is read, which checks do of what may be NaN
    return Header("picture", geometry, (path,), 2, may_be_nan=True, is_flat=True, has_size=False)


def _picture_reader(path: Path) -> Any:
    import SimpleITK as sitk

    with file_at(path).open("rb") as file:
        start = file.read(8)
    reader = sitk.ImageFileReader()
    reader.SetImageIO(next(io for mark, io in PICTURES.items() if start.startswith(mark)))
    reader.SetFileName(str(path))
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    return reader


def read_picture_values(header: Header) -> np.ndarray:
    """The pixels of a picture, (1, y, x).

    Raises
    ------
    CaseRefused
        If it is damaged or in colour.
    """
    import SimpleITK as sitk

    path = header.files[0]
    try:
        values = sitk.GetArrayFromImage(_picture_reader(path).Execute())
    except RuntimeError:
        raise _damaged(path) from None
    _, y, x = header.geometry.size[::-1]
    if values.size % (y * x) or not values.size:
        raise _damaged(path)
    return _grey(values.reshape(y, x, -1), path)[None]


def _damaged(path: Path) -> CaseRefused:
    return CaseRefused(str(damaged(path, "a picture")), "no_volume")


def _grey(values: np.ndarray, path: Path, slack: int = 0) -> np.ndarray:
    """One number a pixel (y, x) of (y, x, channel): grey that is stored as colour is grey, up to a ``slack`` of
    compression; opacity that is the same everywhere tells nothing."""
    if values.shape[2] in (2, 4) and np.all(values[..., -1] == values[0, 0, -1]):
        values = values[..., :-1]
    if values.shape[2] == 1 or (values.shape[2] == 3 and np.all(values == values[..., :1])):
        return np.ascontiguousarray(values[..., 0])
    if values.shape[2] == 3 and slack and int(np.ptp(values.astype(np.int32), axis=2).max()) <= slack:
        luma = values @ np.array([0.299, 0.587, 0.114])
        return np.rint(luma).astype(values.dtype)
    raise CaseRefused(
        f"'{path.name}' is in colour; one number a pixel is needed. Give the image itself in grey, without marks in"
        " colour.",
        "no_volume",
    )


# ---------------------------------------------------------------- radiographs and ultrasound in DICOM


def is_plane(one: Slice) -> bool:
    """Whether a DICOM file is of one plane that lies nowhere in space."""
    return one.frames == 1 and not one.position and one.modality not in _IN_SPACE


def plane_header(one: Slice, identity: Identity, settings: ReadSettings) -> Header:
    """The header of a radiograph or a picture of ultrasound.

    Raises
    ------
    CaseRefused
        If it is too large, or its pixels have no proper size.
    """
    spacing = _pixel_size(one)
    sense = text_of(read_dataset(one.file, ("PhotometricInterpretation",))[0], "PhotometricInterpretation").strip()
    x, y = spacing or (1.0, 1.0)
    geometry = Geometry((one.columns, one.rows, 1), (x, y, 1.0), (0.0, 0.0, 0.0), _UPRIGHT)
    refuse_bad_geometry(geometry, one.file.name)
    refuse_too_large(geometry.size, 8 * one.samples, one.file.name, settings)
    return Header(
        "plane",
        geometry,
        (one.file,),
        8,
        may_be_nan=one.samples > 1,
        modality=one.modality,
        identity=identity,
        is_flat=True,
        has_size=spacing is not None,
        units=sense if sense in ("MONOCHROME1", "MONOCHROME2") else None,
    )


def _pixel_size(one: Slice) -> tuple[float, float] | None:
    """Width and height of a pixel in mm, where the file tells: in the patient, or else on the detector over the
    magnification, or of the one region of an ultrasound image that is in cm (PS3.3, 10.7 and C.8.5.5)."""
    names = ("ImagerPixelSpacing", "EstimatedRadiographicMagnificationFactor", "SequenceOfUltrasoundRegions")
    dataset, _ = read_dataset(one.file, names)
    try:
        if len(one.spacing) == 2:
            return one.spacing[1], one.spacing[0]
        if text_of(dataset, "ImagerPixelSpacing"):
            by = float(dataset.get("EstimatedRadiographicMagnificationFactor") or 1)
            down, across = (float(v) / by for v in dataset.ImagerPixelSpacing)
            return across, down
        regions = [
            region
            for region in dataset.get("SequenceOfUltrasoundRegions") or ()
            if int(region.PhysicalUnitsXDirection) == int(region.PhysicalUnitsYDirection) == 3
        ]
        sizes = {(10 * abs(float(r.PhysicalDeltaX)), 10 * abs(float(r.PhysicalDeltaY))) for r in regions}
        return sizes.pop() if len(sizes) == 1 else None
    except Exception:  # a field that is no number
        raise CaseRefused(
            f"'{one.file.name}' has a size of pixels that is no number. Export it again.", "geometry"
        ) from None


def read_plane_values(header: Header) -> np.ndarray:
    """The pixels of such a file, (1, y, x), with slope and intercept."""
    path = header.files[0]
    dataset, _ = read_dataset(
        path, ("RescaleSlope", "RescaleIntercept", "SamplesPerPixel", "PhotometricInterpretation")
    )
    is_colour = text_of(dataset, "SamplesPerPixel").strip() not in ("", "1")
    stored = colour_frame(path) if is_colour else next(stored_frames(path, [0]))
    try:
        slope, intercept = float(dataset.get("RescaleSlope") or 1), float(dataset.get("RescaleIntercept") or 0)
    except (TypeError, ValueError):
        raise CaseRefused(f"'{path.name}' has a scaling that is no number. Export it again.", "not_finite") from None
    _, y, x = header.geometry.size[::-1]
    if stored.size % (y * x) or stored.shape[:2] != (y, x):
        raise CaseRefused(f"the voxels of '{path.name}' are not as many as its header says. Copy or export it again.")
    is_luma = text_of(dataset, "PhotometricInterpretation").startswith("YBR")
    grey = _grey(stored.reshape(y, x, -1), path, _SLACK if is_luma else 0)[None]
    return grey if (slope, intercept) == (1, 0) else grey * slope + intercept
