"""Grids of voxels in space: whether two agree, and how a mask comes from one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from prldh.core import Geometry


def to_mm(geometry: Geometry) -> np.ndarray:
    """(4, 4): from index (x, y, z, 1) to position in mm, in DICOM's axes (left, posterior, superior)."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(geometry.direction, (3, 3)) * np.asarray(geometry.spacing_mm)
    matrix[:3, 3] = geometry.origin_mm
    return matrix


def index_map(source: Geometry, target: Geometry) -> np.ndarray:
    """(4, 4): from index on ``source`` to continuous index on ``target``."""
    return np.linalg.solve(to_mm(target), to_mm(source))


def overlaps(mask: Geometry, image: Geometry) -> bool:
    """Whether the box of the mask's voxels reaches into the image's (both as boxes along the image's axes)."""
    corners = _corners(mask, 0.5) @ index_map(mask, image)[:3].T
    return bool(np.all(corners.min(axis=0) < np.asarray(image.size) - 0.5) and np.all(corners.max(axis=0) > -0.5))


@dataclass(frozen=True)
class Fit:
    """How the grid of a mask lies on that of an image.

    ``is_same_grid``: every voxel of the mask falls on one of the image, up to ``misfit`` voxels, with axes in whatever
    order and sense. ``coarseness``: the longest step between neighbours of the mask along an axis of the image, in
    voxels of the image. ``is_moved``: same voxels and size, but a whole number of voxels away.
    """

    is_same_grid: bool
    misfit: float
    coarseness: float
    is_moved: bool
    axes: tuple[int, ...] = ()
    signs: tuple[int, ...] = ()
    shift: tuple[int, ...] = ()


def fit(mask: Geometry, image: Geometry, tolerance: float) -> Fit:
    """Compare grids; ``tolerance`` is in voxels of the image.

    Where ``is_same_grid``, axis ``axes[a]`` of the mask runs along axis a of the image (x, y, z) in the sense
    ``signs[a]`` and its index 0 lies at index ``shift[a]``.
    """
    matrix = index_map(mask, image)
    turn = (
        np.rint(matrix[:3, :3]).astype(np.int64) if np.all(np.abs(matrix[:3, :3]) < 1e6) else np.zeros((3, 3), np.int64)
    )
    coarseness = float(np.abs(matrix[:3, :3]).max())
    is_permutation = bool(np.all(np.abs(turn).sum(axis=0) == 1) and np.all(np.abs(turn).sum(axis=1) == 1))
    if not is_permutation:
        return Fit(False, float("inf"), coarseness, False)
    shift = np.rint(matrix[:3, 3])
    corners = _corners(mask, 0.0)
    misfit = float(np.abs(corners @ matrix[:3].T - (corners[:, :3] @ turn.T + shift)).max())
    is_straight = bool(np.array_equal(turn, np.eye(3)))
    axes = tuple(int(np.argmax(np.abs(turn[a]))) for a in range(3))
    signs = tuple(int(turn[a, axes[a]]) for a in range(3))
    is_moved = is_straight and mask.size == image.size and bool(np.any(shift != 0))
    return Fit(misfit <= tolerance, misfit, coarseness, is_moved, axes, signs, tuple(int(s) for s in shift))


def place(mask: np.ndarray, image: Geometry, how: Fit) -> np.ndarray:
    """A boolean mask (z, y, x) moved onto the image's grid without resampling: turned, flipped, cropped, padded.

    ``how.is_same_grid`` must hold. What lies outside the image is lost.
    """
    along_xyz = np.transpose(mask, (2, 1, 0))  # views only, until the voxels that both have are copied
    along_xyz = np.transpose(along_xyz, how.axes)
    low = []
    for axis, (sign, shift) in enumerate(zip(how.signs, how.shift, strict=True)):
        if sign < 0:
            along_xyz = np.flip(along_xyz, axis)
        low.append(shift if sign > 0 else shift - (along_xyz.shape[axis] - 1))
    turned = along_xyz.transpose(2, 1, 0)
    if turned.shape == image.size[::-1] and not any(low):
        return np.ascontiguousarray(turned)
    placed = np.zeros(image.size[::-1], dtype=bool)
    to, of = [], []
    for start, n_mask, n_image in zip(low[::-1], turned.shape, placed.shape, strict=True):
        first, last = max(start, 0), min(start + n_mask, n_image)
        if first >= last:
            return placed
        to.append(slice(first, last))
        of.append(slice(first - start, last - start))
    placed[tuple(to)] = turned[tuple(of)]
    return placed


def resample(mask: np.ndarray, source: Geometry, target: Geometry) -> np.ndarray:
    """A boolean mask (z, y, x) on another grid, by nearest neighbour; outside ``source`` there is nothing."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetOrigin(source.origin_mm)
    image.SetSpacing(source.spacing_mm)
    image.SetDirection(source.direction)
    resampled = sitk.Resample(
        image,
        target.size,
        sitk.Transform(),
        sitk.sitkNearestNeighbor,
        target.origin_mm,
        target.spacing_mm,
        target.direction,
        0,
        sitk.sitkUInt8,
    )
    return sitk.GetArrayFromImage(resampled).astype(bool)


def fraction_outside(mask: np.ndarray, source: Geometry, target: Geometry) -> float:
    """The part of a mask's voxels whose centres lie outside the target's box; 0 for an empty mask."""
    points = np.argwhere(mask)[:, ::-1]
    if not len(points):
        return 0.0
    matrix = index_map(source, target)
    index = points @ matrix[:3, :3].T + matrix[:3, 3]
    inside = np.all((index >= -0.5) & (index <= np.asarray(target.size) - 0.5), axis=1)
    return float(1 - inside.mean())


def _corners(geometry: Geometry, margin: float) -> np.ndarray:
    ends = [(-margin, n - 1 + margin) for n in geometry.size]
    return np.array([(*corner, 1.0) for corner in product(*ends)])
