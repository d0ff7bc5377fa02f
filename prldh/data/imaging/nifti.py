"""NIfTI in all its forms: NIfTI-1 and NIfTI-2, in one file or two (``.hdr`` and ``.img``), Analyze 7.5.

ITK reads the usual form, NIfTI-1 in one file. It reads a file that is cut off as zeros, NaN as 0 and a spacing of 0 as
1, so that the header's own bytes are looked at first (https://nifti.nimh.nih.gov). Where it does not know a form, or
reads it against the standard, the voxels are read here, and ITK is only asked for the geometry of a header rewritten as
NIfTI-1: NIfTI-2, and a slope that is 0 or no number, which means that values are as they are stored.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import file_at, is_file
from prldh.data.imaging.header import not_finite, refuse_too_large
from prldh.data.imaging.refusal import CaseRefused, cut_off, damaged, no_volume
from prldh.data.imaging.shear import Sheared, is_sheared
from prldh.study import ReadSettings

_LARGEST_EXTENSION = 1 << 24
#: NIfTI's codes of numbers; what is missing here is colour, complex or longer than 64 bits.
_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}


@dataclass(frozen=True)
class Nifti:
    """What a header says: ``files`` (header and voxels; one where they are the same), byte ``order``, ``version`` (0 is
    Analyze), ``sizes``, ``code`` of the numbers, ``spacing``, where voxels ``start``, ``scaling`` (slope, intercept),
    codes of qform and sform, the ``quaternion`` with its offsets, the ``rows`` of the sform, and ``units``."""

    files: tuple[Path, ...]
    order: str
    version: int
    sizes: tuple[int, ...]
    code: int
    spacing: tuple[float, ...]
    start: float
    scaling: tuple[float, float]
    codes: tuple[int, int] = (0, 0)
    quaternion: tuple[float, ...] = (0.0,) * 6
    rows: tuple[float, ...] = (0.0,) * 12
    units: int = 2

    @property
    def kind(self) -> np.dtype:
        """The type of the numbers as they are stored."""
        return np.dtype(self.order + _TYPES[self.code])

    @property
    def is_flat(self) -> bool:
        """Whether it is of one plane."""
        return len(self.sizes) == 2

    @property
    def slope(self) -> tuple[float, float]:
        """Slope and intercept that count: a slope of 0 or NaN means that values are as they are stored."""
        slope, intercept = self.scaling
        return self.scaling if np.isfinite(slope) and slope != 0 and np.isfinite(intercept) else (1.0, 0.0)

    @property
    def is_read_here(self) -> bool:
        """Whether ITK is not given the file."""
        return self.version == 2 or self.is_flat or (self.slope != self.scaling and self.scaling != (0, 0))


def check_nifti(path: Path, settings: ReadSettings) -> Nifti:
    """The header of a NIfTI file with everything about it checked.

    Raises
    ------
    CaseRefused
        If it is damaged, cut off, no volume of numbers, or too large.
    """
    head = read_nifti(path)
    if any(n < 1 for n in head.sizes):
        raise damaged(path, "NIfTI")
    if len(head.sizes) < 2 or any(n > 1 for n in head.sizes[3:]):
        raise no_volume(path, f"{len(head.sizes)} axes ({' x '.join(map(str, head.sizes))})")
    if head.code not in _TYPES:
        raise no_volume(path, f"voxels of NIfTI's type {head.code} (colours, complex or unknown)")
    if not all(np.isfinite(s) and s != 0 for s in head.spacing[: len(head.sizes)]):
        shown = " x ".join(f"{s:g}" for s in head.spacing)
        raise CaseRefused(
            f"'{path.name}' has a spacing of {shown} mm. Export it again with the true size of its voxels.", "geometry"
        )
    slope, intercept = head.scaling
    if np.isinf(slope) or (np.isfinite(slope) and slope != 0 and not np.isfinite(intercept)):
        raise CaseRefused(f"'{path.name}' has a scaling that is no number. Export it again.", "not_finite")
    refuse_too_large(head.sizes[:3], head.kind.itemsize, path.name, settings)
    if not 0 <= head.start <= 352 + _LARGEST_EXTENSION:
        raise damaged(path, "NIfTI")
    needed = _start(head) + int(np.prod(head.sizes, dtype=np.int64)) * head.kind.itemsize
    voxels = head.files[-1]
    if not (_unpacks_to(voxels, needed) if _is_packed(voxels) else voxels.stat().st_size >= needed):
        raise cut_off(path)
    return head


def read_nifti(path: Path) -> Nifti:
    """The header of a NIfTI file as it is; of two files whichever is named.

    Raises
    ------
    CaseRefused
        If it is no such header, or the other file is not beside it.
    """
    files = _files_of(path)
    try:
        with _open(files[0]) as file:
            head = file.read(544)
    except (OSError, EOFError, zlib.error):
        raise damaged(path, "NIfTI") from None
    for order in "<>":
        if len(head) >= 348 and struct.unpack_from(order + "i", head)[0] == 348:
            found = _first_version(head, order, path, files)
        elif len(head) >= 540 and struct.unpack_from(order + "i", head)[0] == 540 and head[4:6] == b"n+":
            found = _second_version(head, order, path, files)
        else:
            continue
        if found is not None:
            return found
    what = "a header of NIfTI" if len(files) > 1 else "a NIfTI file in one piece"
    raise CaseRefused(f"'{path.name}' is not {what}, whatever its ending says. Export it again as .nii or .nii.gz.")


def _first_version(head: bytes, order: str, path: Path, files: tuple[Path, ...]) -> Nifti | None:
    magic = head[344:348]
    is_pair = len(files) > 1
    if magic[:3] not in ((b"ni1", b"\0\0\0") if is_pair else (b"n+1",)):
        return None
    dims, code = struct.unpack_from(order + "8h", head, 40), struct.unpack_from(order + "h", head, 70)[0]
    if not 1 <= dims[0] <= 7:
        raise damaged(path, "NIfTI")
    if is_pair and magic[:3] == b"\0\0\0":
        spacing = tuple(abs(s) for s in struct.unpack_from(order + "3f", head, 80))
        start = struct.unpack_from(order + "f", head, 108)[0]
        return Nifti(files, order, 0, dims[1 : dims[0] + 1], code, spacing, start, (1.0, 0.0))
    return Nifti(
        files,
        order,
        1,
        dims[1 : dims[0] + 1],
        code,
        struct.unpack_from(order + "4f", head, 76)[1:],
        struct.unpack_from(order + "f", head, 108)[0],
        struct.unpack_from(order + "2f", head, 112),
        struct.unpack_from(order + "2h", head, 252),
        (struct.unpack_from(order + "f", head, 76)[0], *struct.unpack_from(order + "6f", head, 256)),
        struct.unpack_from(order + "12f", head, 280),
        head[123],
    )


def _second_version(head: bytes, order: str, path: Path, files: tuple[Path, ...]) -> Nifti:
    dims, code = struct.unpack_from(order + "8q", head, 16), struct.unpack_from(order + "h", head, 12)[0]
    if not 1 <= dims[0] <= 7:
        raise damaged(path, "NIfTI")
    codes = struct.unpack_from(order + "2i", head, 344)
    return Nifti(
        files,
        order,
        2,
        dims[1 : dims[0] + 1],
        code,
        struct.unpack_from(order + "4d", head, 104)[1:],
        float(struct.unpack_from(order + "q", head, 168)[0]),
        struct.unpack_from(order + "2d", head, 176),
        (max(-1, min(codes[0], 99)), max(-1, min(codes[1], 99))),
        (struct.unpack_from(order + "d", head, 104)[0], *struct.unpack_from(order + "6d", head, 352)),
        struct.unpack_from(order + "12d", head, 400),
        struct.unpack_from(order + "i", head, 500)[0] & 0xFF,
    )


def _files_of(path: Path) -> tuple[Path, ...]:
    """The file, or header and voxels of a pair."""
    name = path.name.lower()
    if not name.removesuffix(".gz").endswith((".hdr", ".img")):
        return (path,)
    stem = path.name[: len(name.removesuffix(".gz")) - 4]
    found = []
    for wanted in ("hdr", "img"):
        there = [path] if name.removesuffix(".gz").endswith(wanted) else []
        endings = (wanted, wanted.upper(), f"{wanted}.gz")
        there += [beside for ending in endings if is_file(beside := path.with_name(f"{stem}.{ending}"))]
        if not there:
            raise CaseRefused(
                f"'{path.name}' is one half of a pair: its .{wanted} is not beside it. Put it there, or save the image"
                " as .nii.gz.",
                "missing_file",
            )
        found.append(there[0])
    return tuple(found)


def geometry_file(head: Nifti, folder: Path) -> Path:
    """A NIfTI-1 header alone, without voxels, that says where the image lies; for ITK."""
    content = bytearray(352)
    sizes = (*head.sizes[:3], *(1,) * (3 - len(head.sizes[:3])))
    # of one plane the thickness is not told; 1 mm stands for it
    spacing = (*head.spacing[: len(head.sizes[:3])], *(1.0,) * (3 - len(head.sizes[:3])))
    try:
        struct.pack_into("<i", content, 0, 348)
        struct.pack_into("<8h", content, 40, 3, *sizes, 1, 1, 1, 1)
        struct.pack_into("<2h", content, 70, head.code, 8 * head.kind.itemsize)
        struct.pack_into("<4f", content, 76, head.quaternion[0], *spacing)
        struct.pack_into("<3f", content, 108, 352.0, 1.0, 0.0)
        content[123] = head.units
        struct.pack_into("<2h", content, 252, *head.codes)
        struct.pack_into("<6f", content, 256, *head.quaternion[1:])
        struct.pack_into("<12f", content, 280, *head.rows)
    except (struct.error, OverflowError):
        raise CaseRefused(
            f"'{head.files[0].name}' has numbers in its header that ITK has no room for. Save it as NIfTI-1.",
            "no_volume",
        ) from None
    content[344:348] = b"n+1\0"
    place = folder / "geometry.nii"
    place.write_bytes(content)
    return place


def sheared_grid(head: Nifti) -> Sheared | None:
    """The sform's grid where nothing else tells the geometry and its axes are not at right angles."""
    rows = np.reshape(head.rows, (3, 4)) * np.array([[-1.0], [-1.0], [1.0]])  # from NIfTI's axes to DICOM's
    if head.codes[1] <= 0 or len(head.sizes) < 3 or not np.all(np.isfinite(rows)) or not is_sheared(rows[:, :3]):
        return None
    x, y, z = head.sizes[:3]
    return Sheared((x, y, z), tuple(float(v) for v in rows.flat))


def read_voxels(head: Nifti) -> np.ndarray:
    """The voxels (z, y, x) with slope and intercept, read without ITK."""
    n = int(np.prod(head.sizes, dtype=np.int64))
    voxels = head.files[-1]
    try:
        with _open(voxels) as file:
            file.seek(_start(head))
            content = file.read(n * head.kind.itemsize)
    except (OSError, EOFError, ValueError, zlib.error):
        raise damaged(voxels, "NIfTI") from None
    if len(content) < n * head.kind.itemsize:
        raise cut_off(voxels)
    values = np.frombuffer(content, head.kind).astype(head.kind.newbyteorder("="))
    slope, intercept = head.slope
    scaled: Any = values if (slope, intercept) == (1, 0) else values * float(slope) + float(intercept)
    result: np.ndarray = scaled.reshape((*head.sizes[:3], *(1,) * (3 - len(head.sizes[:3])))[::-1])
    return result


def refuse_hidden_nan(head: Nifti) -> None:
    """ITK's NIfTI reader makes zeros of NaN and infinity without a word, so that they are looked for in the file
    itself."""
    if head.kind.kind != "f":  # whole numbers with a slope
        return
    path, width = head.files[-1], head.kind.itemsize
    n_left, seen, n_bad, first = int(np.prod(head.sizes, dtype=np.int64)), 0, 0, 0
    try:
        with _open(path) as file:
            file.seek(_start(head))
            while n_left:
                piece = np.frombuffer(file.read(min(1 << 18, n_left) * width), head.kind)
                bad = np.flatnonzero(~np.isfinite(piece))
                first = first if n_bad or not bad.size else seen + int(bad[0])
                n_bad, seen, n_left = n_bad + bad.size, seen + piece.size, n_left - piece.size
                if not piece.size:
                    raise cut_off(path)
    except (OSError, EOFError, ValueError, zlib.error):
        raise damaged(path, "NIfTI") from None
    if n_bad:
        raise not_finite(path.name, n_bad, tuple(int(i) for i in np.unravel_index(first, head.sizes[2::-1])))


def _start(head: Nifti) -> int:
    least = {0: 0, 1: 352, 2: 544}[head.version] if len(head.files) == 1 else 0
    return int(max(head.start, least))


def _is_packed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(file_at(path)) if _is_packed(path) else file_at(path).open("rb")


def _unpacks_to(path: Path, needed: int) -> bool:
    """Whether a gzip file holds at least ``needed`` bytes: by the length at its end (RFC 1952), or else by unpacking no
    more than that."""
    with file_at(path).open("rb") as file:
        file.seek(-4, 2)
        if struct.unpack("<I", file.read(4))[0] == needed % (1 << 32):
            return True
    n_unpacked = 0
    try:
        with gzip.open(file_at(path)) as file:
            while n_unpacked < needed:
                piece = file.read(min(1 << 20, needed - n_unpacked))
                if not piece:
                    return False
                n_unpacked += len(piece)
    except (OSError, EOFError, zlib.error):
        return False
    return True
