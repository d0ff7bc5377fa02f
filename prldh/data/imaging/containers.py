"""NIfTI, NRRD and MetaImage files: what their headers claim, checked before a library is let near them.

ITK reads a NIfTI file that is cut off as zeros, NaN as 0 and a zero spacing as 1, and follows whatever path a detached
header names. All three formats come from strangers here, so that the header's own bytes are looked at first: sizes
against the memory allowed and the length of the file, and data files only beside their header.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from prldh.core import Geometry
from prldh.data.imaging.grids import to_mm
from prldh.data.imaging.header import Header, not_finite, refuse_bad_geometry, refuse_too_large
from prldh.data.imaging.refusal import CaseRefused
from prldh.data.imaging.slicer import offset_of
from prldh.study import ReadSettings

_IMAGE_IO = {"nifti": "NiftiImageIO", "nrrd": "NrrdImageIO", "meta": "MetaImageIO"}
_LARGEST_TEXT_HEADER = 1 << 22
_LARGEST_EXTENSION = 1 << 24


def read_container_header(path: Path, kind: str, settings: ReadSettings) -> Header:
    """The header of a NIfTI, NRRD or MetaImage file with everything about it checked.

    Raises
    ------
    CaseRefused
        If it is damaged, cut off, no volume of numbers, too large, names a file elsewhere, or has no proper spacing.
    """
    files = {"nifti": _check_nifti, "nrrd": _check_nrrd, "meta": _check_meta}[kind](path, settings)
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
        raise _damaged(path, kind) from None
    if len(size) == 2:
        raise _flat(path, size)
    layered = bool(fields)
    if len(size) == 4 and layered and components == 1:  # before 2016, 3D Slicer had segments along a fourth axis
        components = size[3]
    elif len(size) != 3 and not (len(size) == 4 and size[3] == 1):
        raise _no_volume(path, f"{len(size)} axes ({' x '.join(map(str, size))})")
    width, is_float = _pixel_type(pixel, path)
    if components != 1 and not layered:
        raise _no_volume(path, f"{components} numbers a voxel (colours or vectors)")
    n = len(size)
    turn = np.reshape(reader.GetDirection(), (n, n))[:3, :3]
    geometry = Geometry(size[:3], reader.GetSpacing()[:3], reader.GetOrigin()[:3], tuple(float(v) for v in turn.flat))
    refuse_bad_geometry(geometry, path.name)
    if any(shift := offset_of(dict(fields), geometry.size, path.name)):
        x, y, z = (float(v) for v in (to_mm(geometry) @ (*shift, 1))[:3])
        geometry = replace(geometry, origin_mm=(x, y, z))
    refuse_too_large(geometry.size, width * components, path.name, settings)
    return Header(kind, geometry, files, width * components, components, is_float, fields=fields)


def read_container_values(header: Header) -> np.ndarray:
    """The voxels, (z, y, x), or (z, y, x, layer) where there are several, in the type they are stored in."""
    import SimpleITK as sitk

    path = header.files[0]
    if header.kind == "nifti" and header.may_be_nan:
        _refuse_hidden_nan(path)
    try:
        image = _reader(path, header.kind).Execute()
    except RuntimeError:
        raise _damaged(path, header.kind) from None
    values, size = sitk.GetArrayFromImage(image), header.geometry.size[::-1]
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
    raise _no_volume(path, f"voxels of the type {name}")


# ---------------------------------------------------------------- NIfTI

#: NIfTI's codes of numbers, with their bytes; what is missing here is colour, complex or longer than 64 bits.
_NIFTI_TYPES = {2: 1, 4: 2, 8: 4, 16: 4, 64: 8, 256: 1, 512: 2, 768: 4, 1024: 8, 1280: 8}


class _Nifti(NamedTuple):
    order: str
    sizes: tuple[int, ...]
    code: int
    spacing: tuple[float, ...]
    start: float
    scaling: tuple[float, ...]


def _check_nifti(path: Path, settings: ReadSettings) -> tuple[Path, ...]:
    head = _nifti_header(path)
    if any(n < 1 for n in head.sizes):
        raise _damaged(path, "nifti")
    if len(head.sizes) == 2:
        raise _flat(path, head.sizes)
    if len(head.sizes) < 3 or any(n > 1 for n in head.sizes[3:]):
        raise _no_volume(path, f"{len(head.sizes)} axes ({' x '.join(map(str, head.sizes))})")
    if head.code not in _NIFTI_TYPES:
        raise _no_volume(path, f"voxels of NIfTI's type {head.code} (colours, complex or unknown)")
    if not all(np.isfinite(s) and s != 0 for s in head.spacing):
        shown = " x ".join(f"{s:g}" for s in head.spacing)
        raise CaseRefused(
            f"'{path.name}' has a spacing of {shown} mm. Export it again with the true size of its voxels.", "geometry"
        )
    if not all(np.isfinite(s) for s in head.scaling):
        raise CaseRefused(f"'{path.name}' has a scaling that is no number. Export it again.", "not_finite")
    width = _NIFTI_TYPES[head.code]
    refuse_too_large(head.sizes[:3], width, path.name, settings)
    if not 0 <= head.start <= 352 + _LARGEST_EXTENSION:
        raise _damaged(path, "nifti")
    needed = int(max(head.start, 352)) + int(np.prod(head.sizes, dtype=np.int64)) * width
    if not (_unpacks_to(path, needed) if _is_packed(path) else path.stat().st_size >= needed):
        raise _cut_off(path)
    return (path,)


def _is_packed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def _nifti_header(path: Path) -> _Nifti:
    """Byte order, sizes, type, spacing, where voxels begin, slope and intercept
    (https://nifti.nimh.nih.gov/nifti-1)."""
    try:
        with gzip.open(path) if _is_packed(path) else path.open("rb") as file:
            head = file.read(352)
    except (OSError, EOFError, zlib.error):
        raise _damaged(path, "nifti") from None
    for order in "<>":
        if len(head) >= 348 and struct.unpack_from(order + "i", head)[0] == 348 and head[344:347] == b"n+1":
            dims, code = struct.unpack_from(order + "8h", head, 40), struct.unpack_from(order + "h", head, 70)[0]
            if not 1 <= dims[0] <= 7:
                raise _damaged(path, "nifti")
            spacing, start = struct.unpack_from(order + "3f", head, 80), struct.unpack_from(order + "f", head, 108)[0]
            return _Nifti(
                order, dims[1 : dims[0] + 1], code, spacing, start, struct.unpack_from(order + "2f", head, 112)
            )
    if head[4:7] == b"n+2":
        raise CaseRefused(
            f"'{path.name}' is NIfTI-2, which is not read. Save it as NIfTI-1 (the usual .nii.gz).", "no_volume"
        )
    raise CaseRefused(
        f"'{path.name}' is not a NIfTI file in one piece, whatever its ending says. Export it again as .nii or .nii.gz."
    )


def _refuse_hidden_nan(path: Path) -> None:
    """ITK's NIfTI reader makes zeros of NaN and infinity without a word, so that they are looked for in the file
    itself."""
    head = _nifti_header(path)
    kind = {16: "f4", 64: "f8"}.get(head.code)
    if kind is None:  # whole numbers with a slope
        return
    n_left, width, seen, n_bad, first = int(np.prod(head.sizes, dtype=np.int64)), int(kind[1]), 0, 0, 0
    try:
        with gzip.open(path) if _is_packed(path) else path.open("rb") as file:
            file.seek(int(max(head.start, 352)))
            while n_left:
                piece = np.frombuffer(file.read(min(1 << 18, n_left) * width), np.dtype(head.order + kind))
                bad = np.flatnonzero(~np.isfinite(piece))
                first = first if n_bad or not bad.size else seen + int(bad[0])
                n_bad, seen, n_left = n_bad + bad.size, seen + piece.size, n_left - piece.size
                if not piece.size:
                    raise _cut_off(path)
    except (OSError, EOFError, ValueError, zlib.error):
        raise _damaged(path, "nifti") from None
    if n_bad:
        raise not_finite(path.name, n_bad, tuple(int(i) for i in np.unravel_index(first, head.sizes[2::-1])))


def _unpacks_to(path: Path, needed: int) -> bool:
    """Whether a gzip file holds at least ``needed`` bytes: by the length at its end (RFC 1952), or else by unpacking no
    more than that."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        if struct.unpack("<I", file.read(4))[0] == needed % (1 << 32):
            return True
    n_unpacked = 0
    try:
        with gzip.open(path) as file:
            while n_unpacked < needed:
                piece = file.read(min(1 << 20, needed - n_unpacked))
                if not piece:
                    return False
                n_unpacked += len(piece)
    except (OSError, EOFError, zlib.error):
        return False
    return True


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
        raise _damaged(path, "nrrd")
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
            raise _cut_off(path)
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
            raise _cut_off(path)
    else:
        widths = {"CHAR": 1, "SHORT": 2, "INT": 4, "FLOAT": 4, "DOUBLE": 8, "LONG_LONG": 8}
        width = widths.get(fields.get("elementtype", "").upper().removeprefix("MET_").removeprefix("U"), 1)
        if available < width * int(np.prod(sizes, dtype=np.int64)):
            raise _cut_off(path)
    return (path,) if data is path else (path, data)


def _text_header(path: Path, kind: str) -> tuple[str, int]:
    """The lines before the data, and where the data begin."""
    with path.open("rb") as file:
        start = file.read(_LARGEST_TEXT_HEADER)
    if kind == "nrrd":
        ends = [start.find(mark) + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if mark in start]
        end = min(ends) if ends else len(start)
    else:
        mark = start.find(b"ElementDataFile")
        line = start.find(b"\n", mark)
        end = line + 1 if mark >= 0 and line >= 0 else len(start)
    if b"\0" in start[:end]:  # a library in C would see the text end there
        raise _damaged(path, kind)
    return start[:end].decode("utf-8", errors="replace"), end


def _whole_numbers(text: str, path: Path, kind: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split())
    except ValueError:
        numbers = ()
    if not numbers or len(numbers) > 8:
        raise _damaged(path, kind)
    return numbers


def _sizes(text: str, path: Path, kind: str) -> tuple[int, ...]:
    sizes = _whole_numbers(text, path, kind)
    if min(sizes) < 1:
        raise _damaged(path, kind)
    return sizes


def _beside(path: Path, name: str) -> Path:
    """The data file that a header names: one file in the header's own folder, and nothing else."""
    data = path.parent / name
    if Path(name).is_absolute() or not data.resolve().is_relative_to(path.parent.resolve()):
        raise CaseRefused(
            f"'{path.name}' takes its voxels from a file outside its own folder. Save image and voxels as one file.",
            "path_escapes",
        )
    if not data.is_file():
        raise CaseRefused(
            f"the voxels of '{path.name}' are not beside it: one data file '{data.name}' is expected in its folder. "
            "Put it there, or save image and voxels as one file (.nrrd, .mha).",
            "missing_file",
        )
    return data


# ---------------------------------------------------------------- messages

_NAMES = {"nifti": "NIfTI", "nrrd": "NRRD", "meta": "MetaImage"}


def _damaged(path: Path, kind: str) -> CaseRefused:
    return CaseRefused(
        f"'{path.name}' cannot be read as {_NAMES[kind]}: it is damaged, or something else. Copy or export it again."
    )


def _cut_off(path: Path) -> CaseRefused:
    return CaseRefused(
        f"'{path.name}' is cut off: it holds fewer voxels than its header says. Copy or export it again."
    )


def _flat(path: Path, size: tuple[int, ...]) -> CaseRefused:
    shown = " x ".join(map(str, size))
    return CaseRefused(
        f"'{path.name}' has 2 axes ({shown}): it does not say how thick the slice is. Save it as a volume of one slice"
        f" ({shown} x 1).",
        "no_volume",
    )


def _no_volume(path: Path, content: str) -> CaseRefused:
    return CaseRefused(
        f"'{path.name}' has {content}; one volume with one number a voxel is needed (x, y, z). Export that volume"
        " alone.",
        "no_volume",
    )
