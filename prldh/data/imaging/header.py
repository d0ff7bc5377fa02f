"""What is known of an image before its voxels are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prldh.core import Geometry
from prldh.data.imaging.refusal import CaseRefused
from prldh.data.imaging.shear import Sheared
from prldh.study import ReadSettings


@dataclass(frozen=True)
class Identity:
    """Whose DICOM file it is, for comparing; nothing of this is ever written.

    ``patient`` is DICOM's PatientID, ``filled`` the names (not the values) of identifying fields that hold something,
    and ``is_removed`` what the file says of its own de-identification.
    """

    patient: str
    frame: str
    series: str
    filled: tuple[str, ...]
    is_removed: bool

    def __repr__(self) -> str:
        return "Identity(…)"  # so that no traceback or log shows it


@dataclass(frozen=True)
class Header:
    """An image without its voxels.

    ``kind``: nifti, nrrd, meta, dicom, frames (DICOM with many frames in one file), plane (DICOM of one plane) or
    picture. ``files`` hold the voxels, in the order of slices for dicom. ``bytes_per_voxel`` counts all ``components``
    (layers of a segmentation). ``may_be_nan``: stored as floating point, or to be looked at whole. ``fields``: text of
    a Slicer segmentation (``Segment0_Name`` and the like). Of DICOM: ``is_odd``, where GDCM is not given the file;
    ``frames``, in the order of slices; ``units`` of PET (of a radiograph whether high values are dark, MONOCHROME1, or
    bright), and the ``factor`` that makes them what was asked for. ``sheared``: the grid of the file, where
    ``geometry`` is the upright one that it is resampled to. ``is_flat``: one plane without a thickness (1 mm stands for
    it); ``has_size``: whether it says how large its pixels are; ``is_oriented``: which side is left.
    """

    kind: str
    geometry: Geometry
    files: tuple[Path, ...]
    bytes_per_voxel: int
    components: int = 1
    may_be_nan: bool = False
    modality: str | None = None
    identity: Identity | None = None
    fields: tuple[tuple[str, str], ...] = ()
    is_uniform: bool = True
    is_odd: bool = False
    frames: tuple[int, ...] = ()
    units: str | None = None
    factor: float = 1.0
    sheared: Sheared | None = None
    is_flat: bool = False
    has_size: bool = True
    is_oriented: bool = True


def refuse_too_large(size: tuple[int, ...], bytes_per_voxel: int, name: str, settings: ReadSettings) -> None:
    """Refuse by what reading takes at its height: two copies of the voxels and two masks."""
    needed = float(np.prod([float(n) for n in size])) * (2 * bytes_per_voxel + 2) / 1e9
    if needed > settings.memory_gb:
        raise CaseRefused(
            f"'{name}' says it has {' x '.join(map(str, size))} voxels of {bytes_per_voxel} bytes: reading it takes"
            f" {needed:,.2f} GB and {settings.memory_gb:g} GB are allowed. Crop it around the region, or raise"
            " imaging.memory_gb in the study file.",
            "too_large",
        )


def refuse_bad_geometry(geometry: Geometry, name: str) -> None:
    """Refuse spacings that are not above 0, positions that are no numbers, and axes that are not at right angles."""
    spacing = np.asarray(geometry.spacing_mm)
    if not np.all(np.isfinite(spacing)) or not np.all((spacing > 1e-6) & (spacing < 1e6)):
        raise CaseRefused(
            f"'{name}' has a spacing of {_numbers(spacing)} mm. Export it again with the true size of its voxels.",
            "geometry",
        )
    turn = np.reshape(geometry.direction, (3, 3))
    if (
        not np.all(np.isfinite(geometry.origin_mm))
        or not np.all(np.isfinite(turn))
        or np.abs(turn @ turn.T - np.eye(3)).max() > 1e-3
    ):
        raise CaseRefused(
            f"'{name}' has axes that are not at right angles, or a position that is no number. Export it again.",
            "geometry",
        )


def not_finite(name: str, n: int, first: tuple[int, ...]) -> CaseRefused:
    """The refusal for ``n`` voxels that are NaN or infinite; ``first`` is (z, y, x)."""
    z, y, x = first
    return CaseRefused(
        f"'{name}' has {n} voxel(s) that are NaN or infinite, the first at ({x}, {y}, {z}). Filters would spread them; "
        "set them to the value of the background.",
        "not_finite",
    )


def _numbers(values: np.ndarray) -> str:
    return " x ".join(f"{v:g}" for v in values)
