"""Images whose axes are not at right angles, on a grid whose axes are.

Filters and features know spacings and no angles between axes, so that such an image is resampled: onto the grid whose
axes lie nearest to its own (the orthogonal factor of the polar decomposition), with its spacings, around all of its
voxels. Intensities are interpolated linearly, and the outermost go on where the slanted image ends; of a mask the
nearest voxel is taken, and there is nothing beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from prldh.core import Geometry
from prldh.data.imaging.grids import to_mm


@dataclass(frozen=True)
class Sheared:
    """The grid of a sheared image: its size (x, y, z), and from index to mm (DICOM's axes), 12 numbers by row."""

    size: tuple[int, int, int]
    matrix: tuple[float, ...]

    @property
    def affine(self) -> np.ndarray:
        """(4, 4)"""
        return np.vstack([np.reshape(self.matrix, (3, 4)), [0, 0, 0, 1]])


def is_sheared(axes: np.ndarray) -> bool:
    """Whether the columns of a matrix (3, 3) are directions in space, but not at right angles."""
    lengths = np.linalg.norm(axes, axis=0)
    if not (np.all(np.isfinite(axes)) and np.all(lengths > 1e-6)):
        return False
    unit = axes / lengths
    return bool(np.abs(unit.T @ unit - np.eye(3)).max() > 1e-3 and abs(np.linalg.det(unit)) > 0.1)


def upright_grid(sheared: Sheared) -> Geometry:
    """The grid with axes at right angles that holds all voxels of a sheared one."""
    affine = sheared.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    u, _, vt = np.linalg.svd(affine[:3, :3] / spacing)
    turn = u @ vt
    corners = np.array([(*c, 1.0) for c in product(*((-0.5, n - 0.5) for n in sheared.size))])
    along = (corners @ affine[:3].T) @ turn
    low, high = along.min(axis=0), along.max(axis=0)
    size = np.maximum(np.ceil((high - low) / spacing - 1e-6), 1).astype(int)
    x, y, z = (float(v) for v in turn @ ((low + high) / 2 - (size - 1) / 2 * spacing))
    return Geometry(
        (int(size[0]), int(size[1]), int(size[2])),
        (float(spacing[0]), float(spacing[1]), float(spacing[2])),
        (x, y, z),
        tuple(float(v) for v in turn.flat),
    )


def straighten(values: np.ndarray, sheared: Sheared, grid: Geometry, is_mask: bool) -> np.ndarray:
    """Values (z, y, x) of a sheared image on an upright grid, as the module says."""
    from scipy.ndimage import affine_transform

    matrix = np.linalg.solve(sheared.affine, to_mm(grid))[::-1, ::-1]  # index (z, y, x) to index (z, y, x)
    turn, shift = matrix[1:, 1:], matrix[1:, 0]
    given = values if is_mask else values.astype(np.float64)
    result: np.ndarray = affine_transform(
        given,
        turn,
        offset=shift,
        output_shape=grid.size[::-1],
        order=0 if is_mask else 1,
        mode="grid-constant" if is_mask else "nearest",
    )
    return result
