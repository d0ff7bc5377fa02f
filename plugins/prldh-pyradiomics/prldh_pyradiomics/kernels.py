"""Compiled loops over the voxels of a region: bins, neighbours, runs and zones.

``grid`` is the flattened box with a margin of zeros in which every voxel of the region holds the rank of its grey
level, 1 for the lowest level that occurs; ``places`` says where those voxels are and ``steps`` how far a neighbour is
away. Everything is counted in whole numbers, so that the counts are exactly those of PyRadiomics' C code, whatever the
order.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def assign_bins(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``numpy.digitize(values, edges)`` for ascending, evenly spaced edges (at least 2): (n,) and the number of values
    in each bin."""
    n_edges = len(edges)
    bins = np.empty(len(values), dtype=np.int32)
    counts = np.zeros(n_edges + 1, dtype=np.int64)
    first = edges[0]
    per_unit = (n_edges - 1) / (edges[n_edges - 1] - first)
    for i in range(len(values)):
        value = values[i]
        guess = int((value - first) * per_unit) + 1
        guess = min(max(guess, 0), n_edges)
        while guess < n_edges and value >= edges[guess]:  # the edges themselves decide, the division only guesses
            guess += 1
        while guess > 0 and value < edges[guess - 1]:
            guess -= 1
        bins[i] = guess
        counts[guess] += 1
    return bins, counts


@njit(cache=True, nogil=True)
def fill_grid(grid: np.ndarray, places: np.ndarray, bins: np.ndarray, rank: np.ndarray) -> None:
    """Write the rank of every voxel's bin into the grid."""
    for i in range(len(places)):
        grid[places[i]] = rank[bins[i]]


@njit(cache=True, nogil=True)
def count_neighbours(
    grid: np.ndarray,
    places: np.ndarray,
    steps: np.ndarray,
    levels: np.ndarray,
    alpha: float,
    pairs: np.ndarray,
    dependence: np.ndarray,
    differences: np.ndarray,
) -> None:
    """Pairs of neighbouring levels, dependent neighbours, and differences from the neighbours' mean, in one pass.

    Everything is by rank, and rank 0 is outside the region: it is counted like any other, which costs less than asking,
    and then ignored. Adds to ``pairs`` (rank, neighbour's rank, direction), ``dependence`` (rank, number of neighbours
    within ``alpha``) and ``differences`` (rank). ``levels`` (rank) holds the grey levels, with 0 outside.
    """
    n_steps = len(steps)
    for place in places:
        own = grid[place]
        level = levels[own]
        n_near = np.int64(0)
        n_dependent = np.int64(0)
        total = 0
        for a in range(n_steps):
            after, before = grid[place + steps[a]], grid[place - steps[a]]
            pairs[own, after, a] += 1
            n_near += np.int64(after > 0) + np.int64(before > 0)
            total += levels[after] + levels[before]
            n_dependent += np.int64((after > 0) & (abs(levels[after] - level) <= alpha))
            n_dependent += np.int64((before > 0) & (abs(levels[before] - level) <= alpha))
        dependence[own, n_dependent] += 1
        if n_near > 0:
            differences[own] += abs(float(level) - total / n_near)


@njit(cache=True, nogil=True)
def count_runs(
    grid: np.ndarray, places: np.ndarray, steps: np.ndarray, lengths: np.ndarray, runs: np.ndarray
) -> np.int64:
    """Runs of one level along each direction: adds to ``runs`` (direction, rank, length). Returns the longest.

    ``places`` ascend and ``steps`` are positive, so that the voxel before is done first; ``lengths`` has room for as
    many numbers as the grid.
    """
    longest = np.int64(0)
    for a in range(len(steps)):
        step = steps[a]
        table = runs[a]
        for place in places:
            own = grid[place]
            length = lengths[place - step] * np.uint16(grid[place - step] == own) + np.uint16(1)
            lengths[place] = length
            ends = grid[place + step] != own
            table[own, length] += np.int32(ends)
            longest = max(longest, np.int64(length))
    return longest


@njit(cache=True, nogil=True)
def has_company(grid: np.ndarray, places: np.ndarray, step: int, n_steps: np.ndarray) -> bool:
    """Whether any line along a step meets the region more than once, gaps included. ``n_steps`` bounds the way to the
    box's edge."""
    for i in range(len(places)):
        ahead = places[i]
        for _ in range(n_steps[i]):
            ahead += step
            if grid[ahead] > 0:
                return True
    return False


@njit(cache=True, nogil=True)
def measure_zones(grid: np.ndarray, places: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Connected zones of one level: the rank of the level and the number of voxels of each. Empties the grid.

    ``steps`` are half of the neighbours; the others are reached with the sign turned.
    """
    ranks = np.empty(len(places), dtype=np.int64)
    sizes = np.empty(len(places), dtype=np.int64)
    stack = np.empty(len(places), dtype=np.int64)
    n_zones = 0
    for start in places:
        own = grid[start]
        if own == 0:
            continue
        grid[start] = 0
        stack[0] = start
        top = 1
        size = 0
        while top > 0:
            top -= 1
            place = stack[top]
            size += 1
            for step in steps:
                if grid[place + step] == own:
                    grid[place + step] = 0
                    stack[top] = place + step
                    top += 1
                if grid[place - step] == own:
                    grid[place - step] = 0
                    stack[top] = place - step
                    top += 1
        ranks[n_zones] = own
        sizes[n_zones] = size
        n_zones += 1
    return ranks[:n_zones], sizes[:n_zones]


@njit(cache=True, nogil=True)
def correlation_matrix(p: np.ndarray, px: np.ndarray, py: np.ndarray, eps: float) -> np.ndarray:
    """The matrix whose second largest eigenvalue is the squared maximal correlation coefficient, for every direction.

    ``p`` (levels, levels, directions), ``px`` and ``py`` (levels, directions). Summed in PyRadiomics' order: rounding
    decides what is left of eigenvalues near 0.
    """
    n, _, n_directions = p.shape
    out = np.empty((n_directions, n, n))
    for a in range(n_directions):
        one = np.ascontiguousarray(p[:, :, a])
        for i in range(n):
            for j in range(n):
                total = 0.0
                for k in range(n):
                    total += (one[i, k] * one[j, k]) / (px[i, a] * py[k, a] + eps)
                out[a, i, j] = total
    return out
