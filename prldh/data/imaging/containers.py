"""NIfTI, NRRD and MetaImage files: what their headers claim, checked before a library is let near them.

ITK follows whatever path a detached header names, and more (:mod:`prldh.data.imaging.nifti`). All formats come from
strangers here, so that the header's own bytes are looked at first: sizes against the memory allowed and the length of
the file, and data files only beside their header.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import Geometry, file_at, is_file, resolved
from prldh.data.imaging.grids import to_mm
from prldh.data.imaging.header import Header, refuse_bad_geometry, refuse_too_large
from prldh.data.imaging.nifti import (
    check_nifti,
    geometry_file,
    read_nifti,
    read_voxels,
    refuse_hidden_nan,
    sheared_grid,
)
from prldh.data.imaging.refusal import CaseRefused, cut_off, damaged, no_volume
from prldh.data.imaging.shear import Sheared, is_sheared, upright_grid
from prldh.data.imaging.slicer import offset_of
from prldh.study import ReadSettings

_IMAGE_IO = {"nifti": "NiftiImageIO", "nrrd": "NrrdImageIO", "meta": "MetaImageIO"}
_NAMES = {"nifti": "NIfTI", "nrrd": "NRRD", "meta": "MetaImage"}
_LARGEST_TEXT_HEADER = 1 << 22
_LARGEST_EXTENSION = 1 << 24


def read_container_header(path: Path, kind: str, settings: ReadSettings) -> Header:
    """The header of a NIfTI, NRRD or MetaImage file with everything about it checked.

    Raises
    ------
    CaseRefused
        If it is damaged, cut off, no volume of numbers, too large, names a file elsewhere, or has no proper spacing.
    """
    if kind == "nifti":
        return _nifti_header(path, settings)
    files = {"nrrd": _check_nrrd, "meta": _check_meta}[kind](path, settings)
    return _header_by_itk(path, kind, files, settings)


def _nifti_header(path: Path, settings: ReadSettings) -> Header:
    head = check_nifti(path, settings)
    width, is_float = head.kind.itemsize, head.kind.kind == "f"
    with tempfile.TemporaryDirectory() as folder:
        seen = geometry_file(head, Path(folder)) if head.is_read_here else head.files[0]
        try:
            header = _header_by_itk(seen, "nifti", head.files, settings, path.name)
        except CaseRefused:
            sheared = sheared_grid(head)
            if sheared is None:
                raise
            return _straightened(
                Header("nifti", upright_grid(sheared), head.files, width, 1, is_float), sheared, settings
            )
    if head.is_read_here:
        header = replace(header, bytes_per_voxel=8 if head.slope != (1, 0) else width, may_be_nan=is_float)
    return replace(header, is_flat=head.is_flat, is_oriented=head.version > 0)


def _straightened(header: Header, sheared: Sheared, settings: ReadSettings) -> Header:
    """An image that becomes upright when its voxels are read."""
    name = header.files[0].name
    refuse_bad_geometry(header.geometry, name)
    refuse_too_large(header.geometry.size, header.bytes_per_voxel + 8, name, settings)
    return replace(header, sheared=sheared)


def _header_by_itk(
    path: Path, kind: str, files: tuple[Path, ...], settings: ReadSettings, name: str | None = None
) -> Header:
    """What ITK reads of a file; ``name``: what it is called in messages."""
    called = path.with_name(name or path.name)
    reader = _reader(path, kind)
    try:
        reader.ReadImageInformation()
        size, components, pixel = reader.GetSize(), reader.GetNumberOfComponents(), reader.GetPixelID()
        fields = (
            tuple((key, reader.GetMetaData(key)) for key in reader.GetMetaDataKeys() if key.startswith("Segment"))
            if kind == "nrrd"
            else ()
        )
    except Exception:  # ITK's own failure, or text in no encoding
        raise damaged(called, _NAMES[kind]) from None
    layered = bool(fields)
    if len(size) == 4 and layered and components == 1:  # before 2016, 3D Slicer had segments along a fourth axis
        components = size[3]
    elif len(size) not in (2, 3) and not (len(size) == 4 and size[3] == 1):
        raise no_volume(called, f"{len(size)} axes ({' x '.join(map(str, size))})")
    width, is_float = _pixel_type(pixel, called)
    if components != 1 and not layered:
        raise no_volume(called, f"{components} numbers a voxel (colours or vectors)")
    n = len(size)
    turn = np.eye(3)
    turn[: min(n, 3), : min(n, 3)] = np.reshape(reader.GetDirection(), (n, n))[:3, :3]
    # of one plane the thickness is not told; 1 mm stands for it
    x, y, z = (*reader.GetSize()[:3], 1)[:3]
    spacing_x, spacing_y, spacing_z = (*reader.GetSpacing()[:3], 1.0)[:3]
    at_x, at_y, at_z = (*reader.GetOrigin()[:3], 0.0)[:3]
    geometry = Geometry(
        (x, y, z), (spacing_x, spacing_y, spacing_z), (at_x, at_y, at_z), tuple(float(v) for v in turn.flat)
    )
    header = Header(kind, geometry, files, width * components, components, is_float, fields=fields, is_flat=n == 2)
    axes = to_mm(geometry)
    if is_sheared(axes[:3, :3]) and not layered:
        sheared = Sheared(geometry.size, tuple(float(v) for v in axes[:3].flat))
        return _straightened(replace(header, geometry=upright_grid(sheared)), sheared, settings)
    refuse_bad_geometry(geometry, called.name)
    if any(shift := offset_of(dict(fields), geometry.size, called.name)):
        x_mm, y_mm, z_mm = (float(v) for v in (axes @ (*shift, 1))[:3])
        header = replace(header, geometry=replace(geometry, origin_mm=(x_mm, y_mm, z_mm)))
    refuse_too_large(geometry.size, width * components, called.name, settings)
    return header


def read_container_values(header: Header) -> np.ndarray:
    """The voxels, (z, y, x), or (z, y, x, layer) where there are several, in the type they are stored in; of a sheared
    image as they lie in the file."""
    import SimpleITK as sitk

    path = header.files[0]
    if header.kind == "nifti":
        head = read_nifti(path)
        if head.is_read_here or header.sheared is not None:
            return read_voxels(head)
        if header.may_be_nan:
            refuse_hidden_nan(head)
    try:
        image = _reader(path, header.kind).Execute()
    except RuntimeError:
        raise damaged(path, _NAMES[header.kind]) from None
    values = sitk.GetArrayFromImage(image)
    size = (header.geometry.size if header.sheared is None else header.sheared.size)[::-1]
    if header.components == 1:
        return values.reshape(size)
    if image.GetNumberOfComponentsPerPixel() == 1:  # layers along the fourth axis
        return np.moveaxis(values, 0, -1)
    return values.reshape((*size, header.components))


def _reader(path: Path, kind: str) -> Any:
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # ITK's warnings may quote what stands in a header
    reader = sitk.ImageFileReader()
    reader.SetImageIO(_IMAGE_IO[kind])
    reader.SetFileName(str(path))
    return reader


def _pixel_type(pixel: int, path: Path) -> tuple[int, bool]:
    """Bytes of one number, and whether it is floating point."""
    import SimpleITK as sitk

    name = sitk.GetPixelIDValueAsString(pixel)
    for text, width in (("8-bit", 1), ("16-bit", 2), ("32-bit", 4), ("64-bit", 8)):
        if text in name and "complex" not in name:
            return width, "float" in name
    raise no_volume(path, f"voxels of the type {name}")


# ---------------------------------------------------------------- NRRD and MetaImage: headers of text


def _check_nrrd(path: Path, settings: ReadSettings) -> tuple[Path, ...]:
    text, end = _text_header(path, "nrrd")
    if not text.startswith("NRRD000"):
        raise CaseRefused(f"'{path.name}' is not an NRRD file, whatever its ending says. Export it again as .nrrd.")
    fields = {}
    for line in text.splitlines()[1:]:
        key, mark, value = line.partition(":")
        if mark and not line.startswith("#") and not value.startswith("="):
            fields[key.strip().lower().replace(" ", "")] = value.strip()
    sizes = _sizes(fields.get("sizes", ""), path, "nrrd")
    refuse_too_large(sizes, 1, path.name, settings)
    if any(
        abs(_whole_numbers(fields.get(key, "0"), path, "nrrd")[0]) > _LARGEST_EXTENSION
        for key in ("byteskip", "lineskip")
    ):
        raise damaged(path, "NRRD")
    data = path
    if "datafile" in fields:
        data = _beside(path, fields["datafile"])
        end = 0
    if fields.get("encoding", "").lower() == "raw":
        widths = {"8": 1, "16": 2, "32": 4, "64": 8}
        kind = fields.get("type", "").lower()
        names = {
            "char": 1,
            "uchar": 1,
            "short": 2,
            "ushort": 2,
            "int": 4,
            "uint": 4,
            "float": 4,
            "double": 8,
            "longlong": 8,
            "ulonglong": 8,
        }
        bits = next((w for b, w in widths.items() if f"int{b}" in kind), None)
        width = bits or names.get(
            kind.replace("unsigned ", "u").replace("signed ", "").replace("long long", "longlong").removesuffix(" int"),
            1,
        )
        if data.stat().st_size - end < width * int(np.prod(sizes, dtype=np.int64)):
            raise cut_off(path)
    return (path,) if data is path else (path, data)


def _check_meta(path: Path, settings: ReadSettings) -> tuple[Path, ...]:
    text, end = _text_header(path, "meta")
    fields = {}
    for line in text.splitlines():
        key, mark, value = line.replace(":", "=", 1).partition("=") if "=" not in line else line.partition("=")
        if mark:
            fields[key.strip().lower()] = value.strip()
    if "dimsize" not in fields or "elementdatafile" not in fields:
        raise CaseRefused(f"'{path.name}' is not a MetaImage file, whatever its ending says. Export it again as .mha.")
    sizes = _sizes(fields["dimsize"], path, "meta")
    refuse_too_large(sizes, 1, path.name, settings)
    data = path
    if fields["elementdatafile"].upper() != "LOCAL":
        data, end = _beside(path, fields["elementdatafile"]), 0
    available = data.stat().st_size - end
    if fields.get("compresseddata", "").lower() == "true":
        if _whole_numbers(fields.get("compresseddatasize", "0"), path, "meta")[0] > available:
            raise cut_off(path)
    else:
        widths = {"CHAR": 1, "SHORT": 2, "INT": 4, "FLOAT": 4, "DOUBLE": 8, "LONG_LONG": 8}
        width = widths.get(fields.get("elementtype", "").upper().removeprefix("MET_").removeprefix("U"), 1)
        if available < width * int(np.prod(sizes, dtype=np.int64)):
            raise cut_off(path)
    return (path,) if data is path else (path, data)


def _text_header(path: Path, kind: str) -> tuple[str, int]:
    """The lines before the data, and where the data begin."""
    with file_at(path).open("rb") as file:
        start = file.read(_LARGEST_TEXT_HEADER)
    if kind == "nrrd":
        ends = [start.find(mark) + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if mark in start]
        end = min(ends) if ends else len(start)
    else:
        mark = start.find(b"ElementDataFile")
        line = start.find(b"\n", mark)
        end = line + 1 if mark >= 0 and line >= 0 else len(start)
    if b"\0" in start[:end]:  # a library in C would see the text end there
        raise damaged(path, _NAMES[kind])
    return start[:end].decode("utf-8", errors="replace"), end


def _whole_numbers(text: str, path: Path, kind: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split())
    except ValueError:
        numbers = ()
    if not numbers or len(numbers) > 8:
        raise damaged(path, _NAMES[kind])
    return numbers


def _sizes(text: str, path: Path, kind: str) -> tuple[int, ...]:
    sizes = _whole_numbers(text, path, kind)
    if min(sizes) < 1:
        raise damaged(path, _NAMES[kind])
    return sizes


def _beside(path: Path, name: str) -> Path:
    """The data file that a header names: one file in the header's own folder, and nothing else."""
    data = path.parent / name
    if Path(name).is_absolute() or not resolved(data).is_relative_to(resolved(path.parent)):
        raise CaseRefused(
            f"'{path.name}' takes its voxels from a file outside its own folder. Save image and voxels as one file.",
            "path_escapes",
        )
    if not is_file(data):
        raise CaseRefused(
            f"the voxels of '{path.name}' are not beside it: the one data file that its header names is expected in its"
            " folder. Put it there, or save image and voxels as one file (.nrrd, .mha).",
            "missing_file",
        )
    return data
