"""DICOM with many frames in one file (enhanced CT and MR), read by highdicom."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import Geometry
from prldh.data.imaging.dicom_file import quiet_pydicom
from prldh.data.imaging.header import Header, Identity, refuse_bad_geometry, refuse_too_large
from prldh.data.imaging.refusal import CaseRefused
from prldh.study import ReadSettings


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
    image = _open_frames(path)
    try:
        stack = image.get_volume_geometry(rtol=0.1, allow_duplicate_positions=False)
    except Exception:
        stack = None
    if stack is None:
        raise CaseRefused(
            f"the frames of '{path.name}' are not one regular stack (echoes, times, gaps or a tilt). Export one volume"
            " alone.",
            "geometry",
        )
    geometry = volume_geometry(_rising(stack).affine, stack.spatial_shape)
    refuse_bad_geometry(geometry, path.name)
    return Header("frames", geometry, (path,), 8, may_be_nan=True, modality=modality, identity=identity)


def read_frames_values(header: Header) -> np.ndarray:
    """The voxels (z, y, x) of a file with many frames, each with its own slope and intercept, as highdicom decodes
    them."""
    try:
        volume = _open_frames(header.files[0]).get_volume(
            rtol=0.1, apply_real_world_transform=False, apply_presentation_lut=False
        )
        return np.ascontiguousarray(_rising(volume).array)
    except CaseRefused:
        raise
    except Exception:
        raise CaseRefused(
            f"the voxels of '{header.files[0].name}' cannot be decoded. Export the series again, uncompressed."
        ) from None


def _rising(volume: Any) -> Any:
    """With slices in the sense of their normal, as in series of one file a slice; highdicom has them the other way
    round."""
    across, down, along = volume.affine[:3, 2], volume.affine[:3, 1], volume.affine[:3, 0]
    return volume if np.dot(np.cross(across, down), along) > 0 else volume.flip_spatial(0)


def _open_frames(path: Path) -> Any:
    quiet_pydicom()
    import highdicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return highdicom.imread(path)
    except Exception:
        raise CaseRefused(f"'{path.name}' is damaged or incomplete DICOM. Copy or export it again.") from None


def volume_geometry(affine: np.ndarray, shape: Sequence[int]) -> Geometry:
    """Geometry of an array (slice, row, column) whose (4, 4) ``affine`` maps index to mm."""
    columns = affine[:3, [2, 1, 0]]
    spacing = np.linalg.norm(columns, axis=0)
    slices, rows, of_row = (int(n) for n in shape)
    across, down, along = (float(s) for s in spacing)
    x, y, z = (float(v) for v in affine[:3, 3])
    direction = tuple(float(v) for v in (columns / spacing).flat)
    return Geometry((of_row, rows, slices), (across, down, along), (x, y, z), direction)
