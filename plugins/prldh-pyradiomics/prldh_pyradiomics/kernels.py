"""Compiled loops over the voxels of a region: bins, neighbours, runs and zones.

``grid`` is the flattened box with a margin of zeros in which every voxel of the region holds the rank of its grey
level, 1 for the lowest level that occurs; ``places`` says where those voxels are and ``steps`` how far a neighbour is
away. Everything is counted in whole numbers, so that the counts are exactly those of PyRadiomics' C code, whatever the
order.
"""

from __future__ import annotations

import numpy as np

from prldh_pyradiomics.machine_code import kernel


def assign_bins(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``numpy.digitize(values, edges)`` for ascending, evenly spaced edges (at least 2): (n,) and the number of values
    in each bin."""
    bins = np.empty(len(values), dtype=np.int32)
    counts = np.zeros(len(edges) + 1, dtype=np.int64)
    _assign_bins(np.ascontiguousarray(values, dtype=np.float64), np.asarray(edges, dtype=np.float64), bins, counts)
    return bins, counts


@kernel("f8[:]", "f8[:]", "i4[:]", "i8[:]")
def _assign_bins(values: np.ndarray, edges: np.ndarray, bins: np.ndarray, counts: np.ndarray) -> None:
    n_edges = len(edges)
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


@kernel("u2[:]", "i8[:]", "i4[:]", "u2[:]")
def fill_grid(grid: np.ndarray, places: np.ndarray, bins: np.ndarray, rank: np.ndarray) -> None:
    """Write the rank of every voxel's bin into the grid."""
    for i in range(len(places)):
        grid[places[i]] = rank[bins[i]]


@kernel("u2[:]", "i8[:]", "i8[:]", "i8[:]", "f8", "i4[:,:,:]", "i8[:,:]", "f8[:]")
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
    and then ignored. Adds to ``pairs`` (direction, rank, neighbour's rank), ``dependence`` (rank, number of neighbours
    within ``alpha``) and ``differences`` (rank). ``levels`` (rank) holds the grey levels, with 0 outside.
    """
    n_steps = len(steps)
    for i in range(len(places)):
        place = places[i]
        own = grid[place]
        level = levels[own]
        n_near = np.int64(0)
        n_dependent = np.int64(0)
        total = 0
        for a in range(n_steps):
            after, before = grid[place + steps[a]], grid[place - steps[a]]
            pairs[a, own, after] += 1
            n_near += np.int64(after > 0) + np.int64(before > 0)
            total += levels[after] + levels[before]
            n_dependent += np.int64((after > 0) & (abs(levels[after] - level) <= alpha))
            n_dependent += np.int64((before > 0) & (abs(levels[before] - level) <= alpha))
        dependence[own, n_dependent] += 1
        if n_near > 0:
            differences[own] += abs(float(level) - total / n_near)


@kernel("u2[:]", "i8[:]", "i8[:]", "u2[:]", "i4[:,:,:]", "i8[:]")
def count_runs(
    grid: np.ndarray, places: np.ndarray, steps: np.ndarray, lengths: np.ndarray, runs: np.ndarray, longest: np.ndarray
) -> None:
    """Runs of one level along each direction: adds to ``runs`` (direction, rank, length). ``longest`` (direction) is
    the longest.

    ``places`` ascend and ``steps`` are positive, so that the voxel before is done first; ``lengths`` has room for as
    many numbers as the grid.
    """
    for a in range(len(steps)):
        step = steps[a]
        most = np.int64(0)
        for i in range(len(places)):
            place = places[i]
            own = grid[place]
            length = lengths[place - step] * np.uint16(grid[place - step] == own) + np.uint16(1)
            lengths[place] = length
            ends = grid[place + step] != own
            runs[a, own, length] += np.int32(ends)
            most = max(most, np.int64(length))
        longest[a] = most


@kernel("u2[:]", "i8[:]", "i8", "i8[:]", "i8[:]")
def has_company(grid: np.ndarray, places: np.ndarray, step: int, n_steps: np.ndarray, found: np.ndarray) -> None:
    """Whether any line along a step meets the region more than once, gaps included: ``found`` becomes 1. ``n_steps``
    bounds the way to the box's edge."""
    for i in range(len(places)):
        ahead = places[i]
        for _ in range(n_steps[i]):
            ahead += step
            if grid[ahead] > 0:
                found[0] = 1
                return


def measure_zones(grid: np.ndarray, places: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Connected zones of one level: the rank of the level and the number of voxels of each. Empties the grid.

    ``steps`` are half of the neighbours; the others are reached with the sign turned.
    """
    ranks, sizes, stack = np.empty((3, len(places)), dtype=np.int64)
    n_zones = np.zeros(1, dtype=np.int64)
    _measure_zones(grid, places, steps, ranks, sizes, stack, n_zones)
    return ranks[: n_zones[0]], sizes[: n_zones[0]]


@kernel("u2[:]", "i8[:]", "i8[:]", "i8[:]", "i8[:]", "i8[:]", "i8[:]")
def _measure_zones(
    grid: np.ndarray,
    places: np.ndarray,
    steps: np.ndarray,
    ranks: np.ndarray,
    sizes: np.ndarray,
    stack: np.ndarray,
    n_zones: np.ndarray,
) -> None:
    n = 0
    for i in range(len(places)):
        start = places[i]
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
            for k in range(len(steps)):
                step = steps[k]
                if grid[place + step] == own:
                    grid[place + step] = 0
                    stack[top] = place + step
                    top += 1
                if grid[place - step] == own:
                    grid[place - step] = 0
                    stack[top] = place - step
                    top += 1
        ranks[n] = own
        sizes[n] = size
        n += 1
    n_zones[0] = n


@kernel("f8[:,:,:]", "f8[:,:]", "f8[:,:]", "f8", "f8[:,:,:]")
def correlation_matrix(p: np.ndarray, px: np.ndarray, py: np.ndarray, eps: float, out: np.ndarray) -> None:
    """The matrix whose second largest eigenvalue is the squared maximal correlation coefficient, for every direction.

    ``p`` and ``out`` (directions, levels, levels), ``px`` and ``py`` (levels, directions). Summed in PyRadiomics'
    order: rounding decides what is left of eigenvalues near 0.
    """
    n_directions, n, _ = p.shape
    for a in range(n_directions):
        for i in range(n):
            for j in range(n):
                total = 0.0
                for k in range(n):
                    total += (p[a, i, k] * p[a, j, k]) / (px[i, a] * py[k, a] + eps)
                out[a, i, j] = total
