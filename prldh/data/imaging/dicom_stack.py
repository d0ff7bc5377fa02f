"""Slices that lie in space, each by itself, as one regular stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prldh.core import Geometry
from prldh.data.imaging.header import refuse_bad_geometry
from prldh.data.imaging.refusal import CaseRefused


@dataclass(frozen=True)
class Slice:
    """One file of a series, or one frame of a file: where it lies (mm), its axes, and how its numbers are stored.

    ``stored``: bits, sign, slope, intercept; ``bits``: how many of them are the value's, and the highest of these.
    """

    file: Path
    series: str
    modality: str | None
    frames: int
    rows: int
    columns: int
    position: tuple[float, ...]
    axes: tuple[float, ...]
    spacing: tuple[float, ...]
    thickness: float
    stored: tuple[float, ...]
    samples: int
    bits: tuple[int, int] = (0, 0)
    patient: str = ""
    is_deflated: bool = False
    is_enhanced: bool = False


def stack(slices: Sequence[Slice], name: str) -> tuple[np.ndarray, Geometry]:
    """The order of slices along their normal, once they prove to be one regular stack, and their grid.

    Raises
    ------
    CaseRefused
        If slices are missing, doubled, tilted, or of several sizes or orientations.
    """
    across, down, normal, positions = _axes(slices, name)
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    step = _regular_step(along[order], positions[order], normal, slices[0], name)
    return order, _grid(slices[0], (across, down, normal), positions[order[0]], len(slices), step, name)


def gapped_stack(slices: Sequence[Slice], name: str) -> tuple[np.ndarray, Geometry]:
    """The place of each slice (0 is the first along the normal) on a regular grid that has some of its slices, each
    perhaps more than once, as segmentations have; and that grid.

    Raises
    ------
    CaseRefused
        If their distances are no multiples of the smallest one, or they are tilted or of several sizes or orientations.
    """
    across, down, normal, positions = _axes(slices, name)
    along = positions @ normal
    rank = np.argsort(along, kind="stable")
    sorted_along = along[rank]
    gaps = np.diff(sorted_along)
    apart = gaps[gaps > 1e-3]
    if not apart.size:
        step = slices[0].thickness or 1.0
    else:
        smallest = float(np.median(apart[apart < 1.5 * apart.min()]))
        n = round(float(sorted_along[-1] - sorted_along[0]) / smallest)
        step = float(sorted_along[-1] - sorted_along[0]) / n
    places = (along - sorted_along[0]) / step
    whole = np.rint(places)
    if np.abs(places - whole).max() > 0.1:
        raise CaseRefused(
            f"the slices of '{name}' are not one regular stack. Export the segmentation on the grid of its image.",
            "geometry",
        )
    _refuse_tilt(along[rank], positions[rank], normal, slices[0], name)
    n_slices = int(whole.max()) + 1
    grid = _grid(slices[0], (across, down, normal), positions[rank[0]], n_slices, step, name)
    return whole.astype(np.intp), grid


def _axes(slices: Sequence[Slice], name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The directions of rows, columns and slices, and every slice's position."""
    first = slices[0]
    if any(len(s.position) != 3 or len(s.axes) != 6 or len(s.spacing) != 2 for s in slices):
        raise CaseRefused(
            f"'{name}' has slices without position, orientation or pixel spacing. Export the original series.",
            "geometry",
        )
    is_other_size = any((s.rows, s.columns) != (first.rows, first.columns) for s in slices)
    if is_other_size or not np.allclose([s.spacing for s in slices], first.spacing, rtol=1e-3):
        raise CaseRefused(
            f"'{name}' has slices of several sizes or pixel spacings in one series. Export the volume alone.",
            "geometry",
        )
    if not np.allclose([s.axes for s in slices], first.axes, atol=1e-3):
        raise CaseRefused(
            f"'{name}' has slices of several orientations in one series (a localiser among them?). Export the volume"
            " alone.",
            "geometry",
        )
    across, down = np.array(first.axes[:3]), np.array(first.axes[3:])
    normal = np.cross(across, down)
    positions = np.array([s.position for s in slices])
    if not (np.all(np.isfinite(positions)) and np.all(np.isfinite(normal)) and np.linalg.norm(normal) > 0.5):
        raise CaseRefused(f"'{name}' has positions or orientations that are no numbers. Export it again.", "geometry")
    return across, down, normal, positions


def _grid(
    first: Slice, axes: tuple[np.ndarray, ...], origin: np.ndarray, n_slices: int, step: float, name: str
) -> Geometry:
    x, y, z = (float(v) for v in origin)
    geometry = Geometry(
        (first.columns, first.rows, n_slices),
        (first.spacing[1], first.spacing[0], step),
        (x, y, z),
        tuple(float(v) for v in np.column_stack(axes).flat),
    )
    refuse_bad_geometry(geometry, name)
    return geometry


def _regular_step(along: np.ndarray, positions: np.ndarray, normal: np.ndarray, first: Slice, name: str) -> float:
    """The distance of neighbouring slices in mm.

    Positions may lie up to a tenth of that off a regular stack (they are often rounded), and drift half a pixel
    sideways.
    """
    if len(along) == 1:
        if not first.thickness > 0:
            raise CaseRefused(f"'{name}' is one slice without a thickness. Give the whole series.", "geometry")
        return first.thickness
    steps = np.diff(along)
    step = float((along[-1] - along[0]) / (len(along) - 1))
    usual = float(np.median(steps))
    if steps.min() < 1e-3:
        n = int(np.count_nonzero(steps < 1e-3))
        raise CaseRefused(
            f"'{name}' has {n} slice(s) at the place of another (echoes, times or copies in one series). Export one"
            " volume alone.",
            "geometry",
        )
    if np.abs(along - (along[0] + step * np.arange(len(along)))).max() > 0.1 * usual:
        at = int(np.argmax(steps))
        raise CaseRefused(
            f"'{name}' has uneven slices: {usual:.4g} mm apart mostly, {steps[at]:.4g} mm between slices {at + 1} and"
            f" {at + 2} of {len(along)}. A slice is missing, or the series is not one volume; export it again.",
            "missing_slice",
        )
    _refuse_tilt(along, positions, normal, first, name)
    return step


def _refuse_tilt(along: np.ndarray, positions: np.ndarray, normal: np.ndarray, first: Slice, name: str) -> None:
    sideways = positions - positions[0] - np.outer(along - along[0], normal)
    if np.linalg.norm(sideways, axis=1).max() > 0.5 * min(first.spacing):
        raise CaseRefused(
            f"'{name}' was taken with a tilted gantry: its slices are shifted against each other. Export it corrected"
            " for tilt.",
            "tilted",
        )
