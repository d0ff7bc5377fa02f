"""Reading images and masks: every format to one kind of record, masks on the grid of their image."""

from __future__ import annotations

import functools
import glob
import importlib.util
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import Case, CaseRow, Geometry, PluginError, Volume, is_file, is_folder, resolved
from prldh.data.imaging import grids
from prldh.data.imaging.cases import split_series
from prldh.data.imaging.containers import read_container_header, read_container_values
from prldh.data.imaging.contours import from_rtstruct
from prldh.data.imaging.dicom import read_series_header, read_series_values
from prldh.data.imaging.dicom_file import acquisition_of, dicom_files, is_dicom, modality_of, read_dataset, text_of
from prldh.data.imaging.dicom_frames import read_frames_values
from prldh.data.imaging.dicom_seg import from_dicom_seg
from prldh.data.imaging.flat import (
    PICTURE_ENDINGS,
    PICTURES,
    picture_header,
    read_picture_values,
    read_plane_values,
)
from prldh.data.imaging.header import Header, Identity, not_finite
from prldh.data.imaging.refusal import CaseRefused, no_volume
from prldh.data.imaging.segments import Region, from_labels, from_slicer, slicer_segments, whole_labels
from prldh.data.imaging.shear import straighten
from prldh.study import ReadSettings

_ENDINGS = {
    ".nii": "nifti",
    ".nii.gz": "nifti",
    ".hdr": "nifti",
    ".hdr.gz": "nifti",
    ".img": "nifti",
    ".img.gz": "nifti",
    ".nrrd": "nrrd",
    ".nhdr": "nrrd",
    ".mha": "meta",
    ".mhd": "meta",
    ".dcm": "dicom",
    ".ima": "dicom",
    ".dicom": "dicom",
}
#: Headers whose voxels are in another file.
_APART = (".hdr", ".hdr.gz", ".img", ".img.gz", ".nhdr", ".mhd")
#: DICOM's SegmentAlgorithmType in words.
DRAWN = {"MANUAL": "manual", "SEMIAUTOMATIC": "semi-automatic", "AUTOMATIC": "automatic"}
#: In words, by ``Header.kind``.
FORMATS = {
    "nifti": "NIfTI",
    "nrrd": "NRRD",
    "meta": "MetaImage",
    "dicom": "DICOM series",
    "frames": "DICOM of many frames",
    "plane": "DICOM of one plane",
    "picture": "picture",
}
#: In front of the format of an image that was resampled onto an upright grid.
SHEARED = "sheared "
#: Label maps that name no label, or whose image has far fewer values, have no more than this.
_MANY_LABELS = 256


@functools.cache  # asked before every header; where something is absent it raises, which is not kept
def need_libraries() -> None:
    """Raise PluginError where the libraries that read images are not installed."""
    absent = [name for name in ("SimpleITK", "pydicom") if importlib.util.find_spec(name) is None]
    if absent:
        raise PluginError(
            f"reading images needs {', '.join(absent)}, not installed here. Run: pip install 'prldh[images]'"
        )


def kind_of(path: Path) -> str:
    """``nifti``, ``nrrd``, ``meta``, ``picture`` or ``dicom``; DICOM and pictures are told by the file's beginning, the
    rest by the name.

    Raises
    ------
    CaseRefused
        If there is nothing at that path, or it is a picture or of a format that is not read.
    """
    place, _ = split_series(path)
    if is_folder(place):
        return "dicom"
    if not is_file(place):
        raise CaseRefused(
            f"not found: {place}. Correct the path in the cases table (absolute, or relative to that table).",
            "missing_file",
        )
    with place.open("rb") as file:
        start = file.read(8)
    if not start:
        raise CaseRefused(f"'{place.name}' is empty. Copy or export it again.")
    name = place.name.lower()
    kind = next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), None)
    if start.startswith(tuple(PICTURES)) and kind != "dicom" and not is_dicom(place):
        if kind is None and name.endswith(PICTURE_ENDINGS):
            return "picture"
        raise CaseRefused(
            f"'{place.name}' is a picture, whatever its ending says. Give it the ending of its format, such as .png, or"
            " give the image as NIfTI, NRRD, MHA or DICOM.",
            "no_volume",
        )
    if kind is None:
        if not is_dicom(place):
            raise CaseRefused(
                f"'{place.name}' has a format that is not read. Give .nii, .nii.gz, .nrrd, .mha, .mhd, .hdr with"
                " .img, a grey picture (.png), or a DICOM file or folder.",
                "no_volume",
            )
        kind = "dicom"
    return kind


def read_header(path: Path, settings: ReadSettings | None = None) -> Header:
    """What an image says of itself, checked; no voxels are read.

    Raises
    ------
    CaseRefused
        If it is missing, unreadable, no volume, too large, or has no proper geometry.
    PluginError
        If the libraries that read images are not installed.
    """
    settings = settings or ReadSettings()
    need_libraries()
    try:
        kind = kind_of(path)
        place, _ = split_series(path)
        folder = place if is_folder(place) else place.parent
        if kind == "dicom":
            files: list[Any] = [entry for entry in os.scandir(folder) if entry.is_file()]
        elif place.name.lower().endswith(_APART):
            files = list(folder.glob(f"{glob.escape(place.name.split('.')[0])}.*"))
        else:
            files = [place]
        return _header(
            path, kind, settings, tuple(sorted((f.name, f.stat().st_mtime_ns, f.stat().st_size) for f in files))
        )
    except OSError as error:
        raise CaseRefused(
            f"'{path.name}' cannot be read: {error.strerror or type(error).__name__}. Check the path and its"
            " permissions."
        ) from None


@functools.lru_cache(maxsize=256)
def _header(path: Path, kind: str, settings: ReadSettings, state: tuple) -> Header:
    """Checks, hashes and voxels ask for the same header one after the other, and a series has hundreds of files.
    ``state``: as they are now."""
    if kind == "dicom":
        return read_series_header(path, settings)
    return picture_header(path, settings) if kind == "picture" else read_container_header(path, kind, settings)


def read_image(path: Path, settings: ReadSettings | None = None) -> Volume:
    """An image: voxels, geometry and modality.

    Parameters
    ----------
    path : Path
        A file, a DICOM folder, ``folder#SeriesInstanceUID``, or one file of a DICOM series.
    settings : ReadSettings, optional

    Returns
    -------
    Volume
        ``values`` are read-only, as they may be shared.

    Raises
    ------
    CaseRefused
        As :func:`read_header`, and where voxels cannot be decoded or are NaN or infinite.
    """
    return _image(path, read_header(path, settings))


def _image(path: Path, header: Header) -> Volume:
    if header.components > 1:
        raise no_volume(path, f"{header.components} layers of a segmentation")
    values = _finite_values(path.name, header, _stamp(header))
    return Volume(values, header.geometry, header.modality, header.is_flat)


def _stamp(header: Header) -> tuple[tuple[int, int], ...]:
    return tuple((s.st_mtime_ns, s.st_size) for s in (f.stat() for f in header.files))


@functools.lru_cache(maxsize=1)
def _finite_values(name: str, header: Header, stamp: tuple) -> np.ndarray:
    """Several regions of one image follow each other in a table: the last image is kept."""
    values = _upright(header)
    if values.dtype.kind == "f" and not np.isfinite(np.sum(values, dtype=np.float64)):
        is_bad = ~np.isfinite(values)
        n = int(np.count_nonzero(is_bad))
        if n:  # a sum may overflow without any voxel being infinite
            raise not_finite(name, n, tuple(int(i) for i in np.unravel_index(int(np.argmax(is_bad)), values.shape)))
    return values


def _upright(header: Header, is_mask: bool = False) -> np.ndarray:
    """The voxels, of a sheared image on its upright grid."""
    values = _values(header)
    if header.sheared is not None:
        values = straighten(values, header.sheared, header.geometry, is_mask)
        values.setflags(write=False)
    return values


def _values(header: Header) -> np.ndarray:
    read = {
        "dicom": read_series_values,
        "frames": read_frames_values,
        "plane": read_plane_values,
        "picture": read_picture_values,
    }.get(header.kind, read_container_values)
    try:
        values = read(header)
    except MemoryError:
        raise CaseRefused(
            f"'{header.files[0].name}' does not fit into memory. Crop it around the region, or use fewer --jobs.",
            "too_large",
        ) from None
    if header.factor != 1:
        values = values * header.factor
    values.setflags(write=False)
    return values


# ---------------------------------------------------------------- masks


def read_mask(path: Path, row: CaseRow, settings: ReadSettings | None = None) -> tuple[np.ndarray, Geometry]:
    """The region that a row means, as a boolean array (z, y, x) on the mask's own grid (contours: on that of the row's
    image).

    Raises
    ------
    CaseRefused
        If the mask cannot be read, or the region is empty or not in it.
    """
    settings = settings or ReadSettings()
    region = _region(path, row, None, settings)
    return region.mask, region.geometry


def _region(path: Path, row: CaseRow, image: Header | None, settings: ReadSettings) -> Region:
    try:
        file, modality = _drawn(path)
        if modality == "SEG":
            return from_dicom_seg(file, row, settings)
        if modality == "RTSTRUCT":
            return from_rtstruct(file, row, (image or read_header(row.image, settings)).geometry)
    except OSError as error:
        raise CaseRefused(
            f"'{path.name}' cannot be read: {error.strerror or type(error).__name__}. Check the path and its"
            " permissions."
        ) from None
    header = read_header(path, settings)
    laid: tuple[tuple[str, str], ...] = ()
    if image is not None:
        header, laid = _laid_on(path.name, header, image)
        _refuse_stranger(path.name, header.geometry, header.identity, image)
    labels = _labels(path.name, header, _stamp(header))
    if slicer_segments(header):
        return from_slicer(labels, header, row, path.name)
    if header.components > 1:
        raise CaseRefused(
            f"the mask '{path.name}' has {header.components} layers and tells of no segment in them. Save the"
            " segmentation again.",
            "no_volume",
        )
    if image is not None:
        _refuse_image(labels, path.name, row, image)
    region = from_labels(labels, header, row, path.name)
    if header.sheared is not None:
        said = f"the mask '{path.name}' has axes that are not at right angles: it takes the nearest of its voxels."
        laid = (*laid, ("sheared", said))
    return replace(region, remarks=(*region.remarks, *laid))


def _laid_on(name: str, mask: Header, image: Header) -> tuple[Header, tuple[tuple[str, str], ...]]:
    """A mask on the grid of its image where one of them is of one plane that lies nowhere, and what there is to say."""
    if "picture" not in (mask.kind, image.kind) and "plane" not in (mask.kind, image.kind):
        return mask, ()
    if mask.geometry.size != image.geometry.size:
        n_axes = 2 if mask.geometry.size[2] == image.geometry.size[2] == 1 else 3
        shown = (" x ".join(map(str, header.geometry.size[:n_axes])) for header in (mask, image))
        raise CaseRefused(
            f"the mask '{name}' and its image have {' and '.join(shown)} {'pixels' if n_axes == 2 else 'voxels'}, and"
            " where one of them lies is not told. Give a mask of as many as its image.",
            "geometry",
        )
    if mask.kind in ("picture", "plane") or mask.geometry == image.geometry:
        return replace(mask, geometry=image.geometry), ()
    said = f"where the image of the mask '{name}' lies is not told: the mask is laid on it pixel by pixel."
    return replace(mask, geometry=image.geometry), (("geometry", said),)


def _refuse_image(labels: np.ndarray, name: str, row: CaseRow, image: Header) -> None:
    """Refuse what is an image rather than a label map. Parcellations have a thousand labels too, but are not drawn on
    images of fewer values."""
    if int(labels.max()) - int(labels.min()) < _MANY_LABELS:
        return
    n = np.unique(labels).size
    if n > _MANY_LABELS and (row.label is None or n > 4 * np.unique(_image(row.image, image).values).size):
        raise CaseRefused(
            f"the mask '{name}' has {n:,} different values: it is an image, no label map. Check that image and mask are"
            " not swapped in the cases table.",
            "swapped",
        )


def _drawn(path: Path) -> tuple[Path, str | None]:
    """The file at a path, or the only one in a folder, and its modality where it is DICOM."""
    if kind_of(path) != "dicom":
        return path, None
    place, uid = split_series(path)
    if is_folder(place):
        files = dicom_files(place)
        if len(files) != 1 or uid is not None:
            return place, None
        place = files[0]
    return place, modality_of(read_dataset(place, ("Modality",))[0])


@functools.lru_cache(maxsize=2)
def _labels(name: str, header: Header, stamp: tuple) -> np.ndarray:
    """Both readers' label maps are kept for the other regions in them."""
    labels = whole_labels(_upright(header, is_mask=True), name)
    labels.setflags(write=False)
    return labels


@dataclass(frozen=True)
class FittedMask:
    """A region on the grid of its image: ``mask`` boolean (z, y, x). ``remarks``: (kind, message) of what was done or
    looks odd."""

    mask: np.ndarray
    remarks: tuple[tuple[str, str], ...]


def fit_mask(path: Path, row: CaseRow, image: Header, settings: ReadSettings) -> FittedMask:
    """Read a region and bring it onto the grid of its image.

    A mask whose voxels all fall on voxels of the image, up to ``settings.tolerance``, is turned, flipped, cropped or
    padded, which changes nothing of it. Another grid is resampled by nearest neighbour, unless its voxels are
    ``settings.max_spacing_ratio`` times larger.

    Raises
    ------
    CaseRefused
        If the region cannot be read, is empty, not there, another patient's, outside the image, or on too coarse a
        grid.
    """
    name = path.name
    if resolved(path) == resolved(row.image):
        raise CaseRefused(f"image and mask are one file, '{name}'. Correct the cases table.", "swapped")
    region = _region(path, row, image, settings)
    _refuse_stranger(name, region.geometry, region.identity, image)
    remarks = list(region.remarks)
    if region.taken:
        listed = ", ".join(region.taken[:12]) + ("…" if len(region.taken) > 12 else "")
        remarks.append(
            (
                "several_labels",
                f"the mask '{name}' has several regions ({listed}) and the table names none: they are taken together.",
            )
        )
    how = grids.fit(region.geometry, image.geometry, settings.tolerance)
    if how.is_same_grid:
        mask = grids.place(region.mask, image.geometry, how)
        n = int(np.count_nonzero(region.mask))
        outside = 1 - int(np.count_nonzero(mask)) / n
        if how.is_moved:
            remarks.append(
                (
                    "geometry",
                    (
                        f"the mask '{name}' has the size of its image but lies elsewhere; it is placed where its header"
                        " says."
                    ),
                )
            )
    else:
        if how.coarseness > settings.max_spacing_ratio:
            raise CaseRefused(
                f"the mask '{name}' has voxels {how.coarseness:.3g} times larger than the image's along an axis; up to"
                f" {settings.max_spacing_ratio:g} times is resampled. Export the mask on the grid of its image, or"
                " raise imaging.max_spacing_ratio.",
                "geometry",
            )
        mask = grids.resample(region.mask, region.geometry, image.geometry)
        outside = grids.fraction_outside(region.mask, region.geometry, image.geometry)
        remarks.append(
            (
                "geometry",
                (
                    f"the mask '{name}' lies on another grid ({_described(region.geometry)}) than its image"
                    f" ({_described(image.geometry)}): resampled by nearest neighbour."
                ),
            )
        )
    if outside > settings.outside:
        where = "wholly" if outside == 1 else f"by {100 * outside:.3g}%"
        is_alike = region.geometry.size == image.geometry.size and region.geometry != image.geometry
        lost = (
            " They have the same number of voxels: where the mask's file has lost position or spacing, give it those of"
            " its image."
            if is_alike
            else ""
        )
        raise CaseRefused(
            f"the region in the mask '{name}' lies {where} outside the image. Check that mask and image belong"
            f" together.{lost}",
            "outside_image",
        )
    if outside:
        remarks.append(
            (
                "outside_image",
                f"{100 * outside:.2g}% of the region in the mask '{name}' lie outside the image and are left out.",
            )
        )
    if not mask.any():
        raise CaseRefused(
            f"nothing of the mask '{name}' is left on the grid of its image: the region is smaller than its voxels.",
            "empty_mask",
        )
    return FittedMask(mask, tuple(remarks))


def _refuse_stranger(name: str, geometry: Geometry, identity: Identity | None, image: Header) -> None:
    """Refuse a mask that DICOM or its place in space says is of another patient or scan."""
    theirs = image.identity
    if identity is not None and theirs is not None:
        if identity.patient and theirs.patient and identity.patient != theirs.patient:
            raise CaseRefused(
                f"the mask '{name}' and its image have different PatientIDs in DICOM. Correct the cases table.",
                "another_patient",
            )
        if identity.frame and theirs.frame and identity.frame != theirs.frame:
            raise CaseRefused(
                f"the mask '{name}' and its image have different frames of reference in DICOM: it was drawn on another"
                " scan. Give the scan it was drawn on.",
                "another_patient",
            )
    if not grids.overlaps(geometry, image.geometry):
        raise CaseRefused(
            f"the mask '{name}' and its image do not overlap in space ({_described(geometry)};"
            f" {_described(image.geometry)}): it is another patient's or lost its position. Correct the cases table.",
            "another_patient",
        )


def _described(geometry: Geometry) -> str:
    return (
        f"{' x '.join(map(str, geometry.size))} voxels of {' x '.join(f'{s:.4g}' for s in geometry.spacing_mm)} mm "
        f"from ({', '.join(f'{o:.4g}' for o in geometry.origin_mm)})"
    )


# ---------------------------------------------------------------- cases


def load_case(row: CaseRow, settings: ReadSettings | None = None) -> Case:
    """One row of a cases table: its image, and each reader's region on the image's grid.

    Raises
    ------
    CaseRefused
        A :class:`~prldh.core.errors.DataError` with the reason, where the case must be put aside.
    """
    settings = settings or ReadSettings()
    header = read_header(row.image, settings)
    masks = tuple(fit_mask(path, row, header, settings).mask for path in row.masks)
    for mask in masks:  # several sources get the same arrays
        mask.setflags(write=False)
    return Case(row.patient, row.tissue, row.line, _image(row.image, header), masks)


def acquisition_of_image(path: Path, settings: ReadSettings | None = None) -> dict[str, str]:
    """How an image was made, as its DICOM file says (the first of a series); empty for other formats."""
    header = read_header(path, settings)
    if header.kind not in ("dicom", "frames", "plane"):
        return {}
    return acquisition_of(header.files[0]) | (
        {"Units": header.units} if header.modality == "PT" and header.units else {}
    )


def formats_of(row: CaseRow, settings: ReadSettings | None = None) -> dict[str, Any]:
    """In which formats a row's ``image`` and ``masks`` (one a reader) came."""
    image = read_header(row.image, settings)
    return {
        "image": f"{SHEARED if image.sheared else ''}{FORMATS[image.kind]}",
        "masks": [_mask_format(path, settings) for path in row.masks],
    }


def _mask_format(path: Path, settings: ReadSettings | None) -> str:
    file, modality = _drawn(path)
    if modality == "SEG":
        dataset, _ = read_dataset(file, ("SegmentSequence", "SegmentationType"))
        kinds = sorted(
            {text_of(s, "SegmentAlgorithmType").strip().upper() for s in dataset.get("SegmentSequence") or ()}
            & set(DRAWN)
        )
        drawn = f"DICOM SEG, {' and '.join(DRAWN[kind] for kind in kinds)}" if kinds else "DICOM SEG"
        if text_of(dataset, "SegmentationType").strip().upper() == "FRACTIONAL":
            return f"{drawn} (fractions, from {(settings or ReadSettings()).fraction:g} on)"
        return drawn
    if modality == "RTSTRUCT":
        return "DICOM RTSTRUCT"
    header = read_header(path, settings)
    return "3D Slicer segmentation" if slicer_segments(header) else f"label map, {FORMATS[header.kind]}"


def files_of(path: Path, settings: ReadSettings | None = None) -> tuple[Path, ...]:
    """Every file that the voxels or contours at a path come from: what to hash to know that nothing changed."""
    file, modality = _drawn(path)
    return (file,) if modality in ("SEG", "RTSTRUCT") else read_header(path, settings).files
