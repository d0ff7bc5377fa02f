"""Shape of a region: PyRadiomics' mesh, without visiting its triangles or all pairs of its vertices.

PyRadiomics' mesh has one of 256 patterns in every cube of eight voxels. Its own C function, asked once for each
pattern, says what a pattern adds to the surface and the volume; the image then only has to be counted. The largest
diameter of a set of points is attained between corners of its convex hull, so only these are compared.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np

from prldh_pyradiomics.machine_code import kernel
from prldh_pyradiomics.region import Region


def count_cubes(mask: np.ndarray) -> np.ndarray:
    """How often each pattern of eight corners occurs in a padded mask (uint8, z, y, x), and the sums of the cubes'
    indices: (256, 4).

    Bit k of a pattern is corner k in the order (0,0,0) (0,0,1) (0,1,1) (0,1,0) (1,0,0) (1,0,1) (1,1,1) (1,1,0).
    """
    counts = np.zeros((256, 4), dtype=np.int64)
    _count_cubes(mask, counts)
    return counts


@kernel("u1[:,:,:]", "i8[:,:]")
def _count_cubes(mask: np.ndarray, counts: np.ndarray) -> None:
    nz, ny, nx = mask.shape
    for z in range(nz - 1):
        for y in range(ny - 1):
            left = mask[z, y, 0] + 8 * mask[z, y + 1, 0] + 16 * mask[z + 1, y, 0] + 128 * mask[z + 1, y + 1, 0]
            for x in range(nx - 1):
                a, b, c, d = mask[z, y, x + 1], mask[z, y + 1, x + 1], mask[z + 1, y, x + 1], mask[z + 1, y + 1, x + 1]
                pattern = left + 2 * a + 4 * b + 32 * c + 64 * d
                left = a + 8 * b + 16 * c + 128 * d
                if pattern != 0 and pattern != 255:
                    counts[pattern, 0] += 1
                    counts[pattern, 1] += z
                    counts[pattern, 2] += y
                    counts[pattern, 3] += x


CORNERS = ((0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0))


@functools.lru_cache(maxsize=1)
def c_shape() -> Any:
    """PyRadiomics' extension of shapes, alone where it can be found: the whole package takes longer to import than
    a small case to measure."""
    found = importlib.util.find_spec("radiomics")
    folders = list(found.submodule_search_locations or ()) if found else []
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        for folder in folders:
            file = Path(folder) / f"_cshape{suffix}"
            if "radiomics" not in sys.modules and file.is_file():
                loader = importlib.machinery.ExtensionFileLoader("radiomics._cshape", str(file))
                spec = importlib.machinery.ModuleSpec(loader.name, loader, origin=str(file))
                module = importlib.util.module_from_spec(spec)
                loader.exec_module(module)
                return module
    from radiomics import cShape

    return cShape


def _ask(mask: np.ndarray, spacing_mm: tuple[float, ...]) -> tuple[float, float]:
    """Surface and volume of a small mask by PyRadiomics' C function."""
    surface, volume, _ = c_shape().calculate_coefficients(mask, np.array(spacing_mm, dtype=float))
    return surface, volume


def _cube(pattern: int) -> np.ndarray:
    mask = np.zeros((2, 2, 2), dtype=bool)
    for bit, corner in enumerate(CORNERS):
        mask[corner] = bool(pattern >> bit & 1)
    return mask


@functools.lru_cache(maxsize=1)
def volume_by_pattern() -> np.ndarray:
    """What a cube at (z, y, x) adds to the volume at unit spacing, for each pattern: (256, 4), constant and growth with
    z, y and x.

    A cube's volume is a sum of determinants of its triangles' corners, which under a shift grows linearly with the
    shift. The growth is seen by placing the cube one step further, where another cube lies before it that is taken off
    again.
    """
    constant = np.array([_ask(_cube(pattern), (1.0, 1.0, 1.0))[1] for pattern in range(256)])
    table = np.zeros((256, 4))
    table[:, 0] = constant
    for pattern, axis in itertools.product(range(1, 255), range(3)):
        longer = [2, 2, 2]
        longer[axis] = 3
        mask = np.zeros(longer, dtype=bool)
        mask[tuple(slice(1, 3) if a == axis else slice(0, 2) for a in range(3))] = _cube(pattern)
        before = mask[tuple(slice(0, 2) for _ in range(3))]
        code = sum(int(before[corner]) << bit for bit, corner in enumerate(CORNERS))
        table[pattern, axis + 1] = _ask(mask, (1.0, 1.0, 1.0))[1] - constant[code] - constant[pattern]
    return table


@functools.lru_cache(maxsize=64)
def surface_by_pattern(spacing_mm: tuple[float, ...]) -> np.ndarray:
    """The surface in mm² that each pattern adds: (256,)."""
    return np.array([_ask(_cube(pattern), spacing_mm)[0] for pattern in range(256)])


def row_ends(mask: np.ndarray, axis: int) -> np.ndarray:
    """The outermost mesh vertices of every row of every plane across an axis.

    Vertices lie halfway between two neighbours of which one is in the region. Indices are doubled, so that all are
    whole.

    Returns (plane, row, [lowest, highest]); where a row has none, lowest is above highest.
    """
    size = [2 * n for n in mask.shape]
    row_axis = 0 if axis != 0 else 1
    along = 3 - axis - row_axis
    ends = np.empty((size[axis], size[row_axis], 2), dtype=np.int64)
    ends[:, :, 0] = size[along]
    ends[:, :, 1] = -1
    _row_ends(mask, axis, row_axis, along, np.empty(3, dtype=np.int64), ends)
    return ends


@kernel("u1[:,:,:]", "i8", "i8", "i8", "i8[:]", "i8[:,:,:]")
def _row_ends(mask: np.ndarray, axis: int, row_axis: int, along: int, point: np.ndarray, ends: np.ndarray) -> None:
    nz, ny, nx = mask.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                own = mask[z, y, x]
                for step in range(3):
                    if step == 0:
                        differs = z + 1 < nz and mask[z + 1, y, x] != own
                    elif step == 1:
                        differs = y + 1 < ny and mask[z, y + 1, x] != own
                    else:
                        differs = x + 1 < nx and mask[z, y, x + 1] != own
                    if differs:
                        point[0] = 2 * z
                        point[1] = 2 * y
                        point[2] = 2 * x
                        point[step] += 1
                        plane, row, position = point[axis], point[row_axis], point[along]
                        ends[plane, row, 0] = min(ends[plane, row, 0], position)
                        ends[plane, row, 1] = max(ends[plane, row, 1], position)


@kernel("i8[:,:,:]", "f8", "f8", "i8[:,:]", "i8[:,:]", "i8[:]", "f8[:]")
def hulls_of_planes(
    ends: np.ndarray,
    row_mm: float,
    along_mm: float,
    hull: np.ndarray,
    corners: np.ndarray,
    n_corners: np.ndarray,
    largest: np.ndarray,
) -> None:
    """Corners of the convex hull of every plane from its rows' ends (plane, row, [lowest, highest]), in exact whole
    numbers, and the largest squared distance of two of the same plane.

    Fills ``corners`` (plane, row, position), of which a corner may come twice, ``n_corners`` (1,) and ``largest`` (1,).
    ``row_mm`` and ``along_mm``: spacing between rows and along them; ``hull`` (row, position) is room for one plane.
    """
    n_all = 0
    best = 0.0
    for plane in range(len(ends)):
        n = 0
        for side in range(2):
            first = n
            for row in range(ends.shape[1]):
                if ends[plane, row, 0] > ends[plane, row, 1]:
                    continue
                position = ends[plane, row, side]
                while n - first >= 2:
                    u, v = hull[n - 1, 0] - hull[n - 2, 0], hull[n - 1, 1] - hull[n - 2, 1]
                    s, t = row - hull[n - 2, 0], position - hull[n - 2, 1]
                    turn = u * t - v * s
                    if (turn <= 0 and side == 0) or (turn >= 0 and side == 1):
                        n -= 1
                    else:
                        break
                hull[n, 0] = row
                hull[n, 1] = position
                n += 1
        for i in range(n):
            corners[n_all + i, 0] = plane
            corners[n_all + i, 1] = hull[i, 0]
            corners[n_all + i, 2] = hull[i, 1]
            for j in range(i):
                across = hull[i, 0] * 0.5 * row_mm - hull[j, 0] * 0.5 * row_mm
                along = hull[i, 1] * 0.5 * along_mm - hull[j, 1] * 0.5 * along_mm
                best = max(best, across * across + along * along)
        n_all += n
    n_corners[0] = n_all
    largest[0] = best


def largest_distance(points: np.ndarray, centre: np.ndarray) -> float:
    """The largest squared distance between any two points (n, 3), skipping pairs that are both too near to the centre
    to reach it."""
    radius = np.sqrt(((points - centre) ** 2).sum(axis=1))
    largest = np.zeros(1)
    _largest_distance(points, radius, np.argsort(-radius), largest)
    return float(largest[0])


@kernel("f8[:,:]", "f8[:]", "i8[:]", "f8[:]")
def _largest_distance(points: np.ndarray, radius: np.ndarray, order: np.ndarray, largest: np.ndarray) -> None:
    n = len(points)
    best = 0.0
    for i in range(n):
        a = order[i]
        if 2.0 * radius[a] < np.sqrt(best) * (1 - 1e-9):
            break
        for j in range(i + 1, n):
            b = order[j]
            if radius[a] + radius[b] < np.sqrt(best) * (1 - 1e-9):
                break
            dz, dy, dx = points[a, 0] - points[b, 0], points[a, 1] - points[b, 1], points[a, 2] - points[b, 2]
            best = max(best, dz * dz + dy * dy + dx * dx)
    largest[0] = best


def diameters(padded: np.ndarray, spacing_mm: tuple[float, ...]) -> list[float]:
    """Largest distances in mm between mesh vertices of the same slice (z), column (y) and row (x), and of any two.

    ``padded`` (z, y, x) is uint8 with a margin of one voxel.
    """
    squared_distances = []
    of_slices = np.empty((0, 3))
    n_corners, largest = np.empty(1, dtype=np.int64), np.empty(1)
    for axis in range(3):
        ends = row_ends(padded, axis)
        row_axis = 0 if axis != 0 else 1
        along = 3 - axis - row_axis
        hull = np.empty((2 * ends.shape[1] + 2, 2), dtype=np.int64)
        corners = np.empty((len(ends) * len(hull), 3), dtype=np.int64)
        hulls_of_planes(ends, spacing_mm[row_axis], spacing_mm[along], hull, corners, n_corners, largest)
        squared_distances.append(largest[0])
        if axis == 0:
            of_slices = corners[: n_corners[0]] * 0.5 * np.asarray(spacing_mm)
    squared_distances.append(largest_distance(of_slices, (of_slices.min(axis=0) + of_slices.max(axis=0)) / 2))
    return [float(np.sqrt(d)) for d in squared_distances]


class Shape:
    """What the shape features are made of: the mesh counted by patterns, and the covariance of the voxels' places."""

    def __init__(self, region: Region) -> None:
        spacing = region.spacing_mm
        padded = np.pad(region.mask, 1).view(np.uint8)
        counts = count_cubes(padded)
        self.spacing_mm = spacing
        self.n_voxels = region.n_voxels
        self.volume = float((volume_by_pattern() * counts).sum() * np.prod(spacing))
        self.surface = float(surface_by_pattern(spacing) @ counts[:, 0])
        self.diameters = diameters(padded, spacing)
        self.eigenvalues = _eigenvalues(region)

    def _axis(self, i: int) -> float:
        """PyRadiomics' length of an axis, 0 the least."""
        return float(np.sqrt(self.eigenvalues[i]) * 4) if self.eigenvalues[i] >= 0 else float("nan")

    def _ratio(self, i: int) -> float:
        """The root of an eigenvalue over the largest."""
        own, largest = self.eigenvalues[i], self.eigenvalues[2]
        return float("nan") if own < 0 or largest < 0 else float(np.sqrt(own / largest))

    def values(self) -> dict[str, float]:
        """The features by PyRadiomics' names, in its order; deprecated ones are not among them."""
        z, y, x = self.spacing_mm
        slice_, column, row, largest = self.diameters
        return {
            "Elongation": self._ratio(1),
            "Flatness": self._ratio(0),
            "LeastAxisLength": self._axis(0),
            "MajorAxisLength": self._axis(2),
            "Maximum2DDiameterColumn": column,
            "Maximum2DDiameterRow": row,
            "Maximum2DDiameterSlice": slice_,
            "Maximum3DDiameter": largest,
            "MeshVolume": self.volume,
            "MinorAxisLength": self._axis(1),
            "Sphericity": (36 * np.pi * self.volume**2) ** (1.0 / 3.0) / self.surface,
            "SurfaceArea": self.surface,
            "SurfaceVolumeRatio": float(np.float64(self.surface) / self.volume),
            "VoxelVolume": self.n_voxels * (z * x * y),
        }


def _eigenvalues(region: Region) -> np.ndarray:
    """Of the covariance of the voxels' places, in PyRadiomics' order of operations: rounding is all there is for flat
    regions."""
    places = np.array([c + 1 for c in region.coordinates], dtype="int").transpose((1, 0)) * np.array(region.spacing_mm)
    places -= np.mean(places, axis=0)
    places /= np.sqrt(len(places))
    values = np.linalg.eigvals(np.dot(places.T.copy(), places))
    values[(values < 0) & (values > -1e-10)] = 0
    values.sort()
    return np.asarray(values)


@functools.lru_cache(maxsize=1)
def fast_shape() -> type:
    """PyRadiomics' shape class with what is made here, for its deprecated features; imports radiomics."""
    import logging

    from radiomics import shape

    class FastShape(shape.RadiomicsShape):
        def __init__(self, region: Region, options: dict[str, Any]) -> None:
            self.logger = logging.getLogger("radiomics.shape")
            self.settings = options
            self.label = 1
            self.voxelBased = False
            self.enabledFeatures: dict[str, bool] = {}
            self.featureValues: dict[str, Any] = {}
            self.featureNames = self.getFeatureNames()
            self.pixelSpacing = np.array(region.spacing_mm)
            own = Shape(region)
            self.Volume, self.SurfaceArea, self.diameters = own.volume, own.surface, own.diameters
            self.labelledVoxelCoordinates = tuple(c + 1 for c in region.coordinates)
            self.eigenValues = own.eigenvalues

    return FastShape
