"""A region of interest, cut to its bounding box and laid out for kernels that look at neighbours without bounds
checks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

#: Where a part of an image lies (z, y, x).
Box = tuple[slice, slice, slice]


def bounding_box(mask: np.ndarray) -> Box:
    """The smallest box around the voxels of a boolean mask (z, y, x); the mask must have at least one."""
    hits = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    z, y, x = (slice(int(hit[0]), int(hit[-1]) + 1) for hit in hits)
    return z, y, x


def whole_box(values: np.ndarray) -> Box:
    """All of an image (z, y, x)."""
    z, y, x = (slice(0, n) for n in values.shape)
    return z, y, x


@lru_cache(maxsize=64)
def directions(size: tuple[int, ...], distances: tuple[int, ...], flat_axis: int | None = None) -> np.ndarray:
    """Half of the neighbours' offsets, in PyRadiomics' order: the other half are these with the sign turned.

    Parameters
    ----------
    size : size of the box (z, y, x) in voxels; an offset must fit into it
    distances : Chebyshev distances that are asked for
    flat_axis : the axis along which nothing moves (``force2Ddimension``), or None

    Returns
    -------
    ndarray
        (n_directions, 3) whole numbers, from the largest offset down; not to be written to.
    """
    reach = max(distances)
    offsets = []
    for offset in itertools.product(range(reach, -reach - 1, -1), repeat=3):
        if flat_axis is not None and offset[flat_axis] != 0:
            continue
        if all(abs(o) < s for o, s in zip(offset, size, strict=True)) and max(map(abs, offset)) in distances:
            offsets.append(offset)
    return np.array(offsets[: len(offsets) // 2], dtype=np.int64).reshape(-1, 3)


@dataclass(frozen=True)
class Region:
    """One reader's region.

    ``box`` is where it lies in the image, ``mask`` (z, y, x) is boolean within the box; ``spacing_mm`` is in the order
    z, y, x. Values of the region are always in the order of ``numpy.nonzero(mask)``.
    """

    box: Box
    mask: np.ndarray
    spacing_mm: tuple[float, ...]
    _layouts: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _scratch: dict[int, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, mask: np.ndarray, spacing_mm: tuple[float, ...]) -> Region:
        """The region of a boolean mask (z, y, x) that has at least one voxel."""
        box = bounding_box(mask)
        return cls(box, np.ascontiguousarray(mask[box]), spacing_mm)

    @property
    def size(self) -> tuple[int, ...]:
        """Size of the box (z, y, x) in voxels."""
        return self.mask.shape

    @cached_property
    def coordinates(self) -> tuple[np.ndarray, ...]:
        """Indices of the region's voxels within the box, one array an axis."""
        return np.nonzero(self.mask)

    @property
    def n_voxels(self) -> int:
        return len(self.coordinates[0])

    def layout(self, margin: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A flattened box of zeros with a margin on every side, where the voxels lie in it, and how far a step along
        each axis is.

        The box is the same array at every call and is to be filled before use; so kernels of one region must not run
        side by side.
        """
        if margin not in self._layouts:
            size = tuple(s + 2 * margin for s in self.size)
            places = np.ravel_multi_index(tuple(c + margin for c in self.coordinates), size)
            strides = np.array([size[1] * size[2], size[2], 1], dtype=np.int64)
            self._layouts[margin] = (np.zeros(int(np.prod(size)), dtype=np.uint16), places.astype(np.int64), strides)
        return self._layouts[margin]

    def scratch(self, like: np.ndarray) -> np.ndarray:
        """Room for one whole number for every place of a layout's box; what it holds is of no meaning."""
        if self._scratch.get(len(like)) is None:
            self._scratch[len(like)] = np.empty_like(like)
        return self._scratch[len(like)]
