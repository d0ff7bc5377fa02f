"""Grey levels of one filtered image within a region, and the matrices that PyRadiomics' texture classes are made of."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from prldh.api import DataError
from prldh_pyradiomics import kernels
from prldh_pyradiomics.region import Region, directions

#: More levels than this make a co-occurrence matrix of over half a gigabyte, and several copies of it.
MOST_LEVELS = 2200


class GreyLevels:
    """The values of one filtered image in a region, discretised once for all classes.

    Parameters
    ----------
    values : (n_voxels,) filtered intensities, in the region's order and in the type PyRadiomics would hold them
    region : where they lie
    options : PyRadiomics' settings for this image type
    lower : where bins of a fixed width begin, a number or ``minimum`` for the region's; None for PyRadiomics' multiples
    of the width

    Raises
    ------
    DataError
        If the bins are so many that the matrices would not fit into memory.
    """

    def __init__(
        self, values: np.ndarray, region: Region, options: dict[str, Any], lower: float | str | None = None
    ) -> None:
        self.values = values
        self.region = region
        self.options = options
        edges = self._edges(lower)
        self._bins, counts = kernels.assign_bins(values, edges)
        self.levels = np.flatnonzero(counts)  # the levels that occur, ascending
        self.counts = counts[self.levels]
        if len(self.levels) > MOST_LEVELS:
            self._too_many(len(self.levels))
        self._rank = np.zeros(len(counts), dtype=np.uint16)
        self._rank[self.levels] = np.arange(1, len(self.levels) + 1)

    def _edges(self, lower: float | str | None) -> np.ndarray:
        """Edges of the bins, at least two: they depend on the smallest and largest value alone."""
        if not np.isfinite(self.values).all():
            raise DataError(
                "the filtered image has no finite values in the region: is the image 0 everywhere? "
                "Look at it in a viewer, or leave the filter out."
            )
        ends = np.array([self.values.min(), self.values.max()], dtype=self.values.dtype)
        width = self.options.get("binWidth", 25)
        if self.options.get("binCount") is None and float(ends[1]) - float(ends[0]) > 1e6 * width:
            self._too_many(int((float(ends[1]) - float(ends[0])) / width))
        if lower is None:
            return _pyradiomics_edges(ends, width, self.options.get("binCount"))
        start = float(ends[0]) if isinstance(lower, str) else min(lower, float(ends[0]))
        return start + width * np.arange(int((float(ends[1]) - start) // width) + 2)

    def _too_many(self, n: int) -> None:
        raise DataError(
            f"the region has {n} grey levels, at most {MOST_LEVELS} can be handled: the bin width"
            f" {self.options.get('binWidth', 25)} is too small for these intensities. Give a larger binWidth, a"
            " binCount, or normalize: true."
        )

    @property
    def n_levels(self) -> int:
        return len(self.levels)

    @property
    def _flat_axis(self) -> int | None:
        return self.options.get("force2Ddimension", 0) if self.options.get("force2D", False) else None

    def _layout(self, distances: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Grid, places, steps and directions for neighbours at these distances."""
        margin = max(distances)
        grid, places, strides = self.region.layout(margin)
        kernels.fill_grid(grid, places, self._bins, self._rank)
        angles = directions(self.region.size, distances, self._flat_axis)
        return grid, places, angles @ strides, angles

    @cached_property
    def _neighbours(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        distances = tuple(int(d) for d in self.options.get("distances", [1]))
        grid, places, steps, angles = self._layout(distances)
        n = self.n_levels + 1
        pairs = np.zeros((len(steps), n, n), dtype=np.int32)
        dependence = np.zeros((n, 2 * len(steps) + 1), dtype=np.int64)
        differences = np.zeros(n)
        levels = np.concatenate([[0], self.levels])
        kernels.count_neighbours(
            grid, places, steps, levels, int(self.options.get("gldm_a", 0)), pairs, dependence, differences
        )
        return pairs, dependence[1:], differences[1:], angles

    @property
    def pairs_by_direction(self) -> np.ndarray:
        """Co-occurrences (direction, rank, neighbour's rank), not symmetric, with rank 0 for what is outside."""
        return self._neighbours[0]

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Co-occurrences (level, neighbour's level, direction), not symmetric, and the directions."""
        return self._neighbours[0][:, 1:, 1:].transpose(1, 2, 0), self._neighbours[3]

    @property
    def dependence(self) -> np.ndarray:
        """Voxels by level and number of dependent neighbours (level, 0 … all)."""
        return self._neighbours[1]

    @property
    def differences(self) -> np.ndarray:
        """Sum over the voxels of a level of the absolute difference from the mean of their neighbours."""
        return self._neighbours[2]

    @cached_property
    def _runs_and_zones(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        grid, places, steps, angles = self._layout((1,))
        by_direction = np.zeros((len(steps), self.n_levels + 1, max(self.region.size) + 1), dtype=np.int32)
        longest = np.zeros(len(steps), dtype=np.int64)
        kernels.count_runs(grid, places, steps, self.region.scratch(grid), by_direction, longest)
        most = int(longest.max(initial=0))
        runs = by_direction[:, 1:, 1 : most + 1].astype(np.int64)
        # PyRadiomics drops a direction along which the region is nowhere more than one voxel deep
        for a in np.flatnonzero(longest <= 1):
            found = np.zeros(1, dtype=np.int64)
            kernels.has_company(grid, places, int(steps[a]), self._room(angles[a]), found)
            if not found[0]:
                runs[a, :, 0] = 0
        ranks, sizes = kernels.measure_zones(grid, places, steps)
        return runs, angles, ranks, sizes

    def _room(self, angle: np.ndarray) -> np.ndarray:
        """How many steps each voxel is from the box's edge along a direction: (n_voxels,)."""
        room = np.full(self.region.n_voxels, max(self.region.size))
        for offset, size, index in zip(angle, self.region.size, self.region.coordinates, strict=True):
            if offset:
                room = np.minimum(room, size - 1 - index if offset > 0 else index)
        return room

    @property
    def runs_by_direction(self) -> np.ndarray:
        """Runs (direction, level, length − 1)."""
        return self._runs_and_zones[0]

    @property
    def runs(self) -> tuple[np.ndarray, np.ndarray]:
        """Runs (level, length − 1, direction), and the directions."""
        return np.ascontiguousarray(self._runs_and_zones[0].transpose(1, 2, 0)), self._runs_and_zones[1]

    @cached_property
    def zones(self) -> tuple[np.ndarray, np.ndarray]:
        """Zones (level, size) for the sizes that occur, and those sizes."""
        _, _, ranks, sizes = self._runs_and_zones
        present = np.flatnonzero(np.bincount(sizes))
        which = np.searchsorted(present, sizes)
        cells = np.bincount((ranks - 1) * len(present) + which, minlength=self.n_levels * len(present))
        return cells.reshape(self.n_levels, len(present)), present


def _pyradiomics_edges(ends: np.ndarray, width: float, count: int | None) -> np.ndarray:
    """PyRadiomics' edges of bins for values with these ends (its ``imageoperations.getBinEdges``)."""
    if count is not None:
        edges = np.histogram(ends, count)[1]
        edges[-1] += 1
        return np.asarray(edges)
    edges = np.arange(ends[0] - (ends[0] % width), ends[1] + 2 * width, width)
    return np.array([edges[0] - 0.5, edges[0] + 0.5]) if len(edges) == 1 else edges
