"""RTSTRUCT: contours in mm to voxels of the image they were drawn on.

A voxel belongs to a region where its centre lies inside an odd number of the contours of its slice: a contour within
another is a hole (DICOM's CLOSED_PLANAR_XOR, and what planning systems mean by CLOSED_PLANAR), keyholes close by
themselves. On the IBSI CT phantom this gives the published voxel mask to the last voxel. A contour that stands there
twice is one: as a hole in itself it would delete its slice.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from prldh.core import CaseRow, Geometry
from prldh.data.imaging.dicom_file import identity_of, read_dataset
from prldh.data.imaging.grids import to_mm
from prldh.data.imaging.refusal import CaseRefused
from prldh.data.imaging.segments import Region
from prldh.data.tables import some

_TAGS = (
    "StructureSetROISequence",
    "ROIContourSequence",
    "PatientID",
    "FrameOfReferenceUID",
    "SeriesInstanceUID",
    "PatientIdentityRemoved",
    "ReferencedFrameOfReferenceSequence",
)
#: Contour geometric types that enclose an area: also those that a planning system interpolated between others.
_CLOSED = ("CLOSED", "INTERPOLATED_PLANAR")
#: Contours no further apart than this are the same, in voxels: coordinates are written with few decimals.
_SAME = 0.05


def from_rtstruct(path: Path, row: CaseRow, grid: Geometry) -> Region:
    """The region of an RTSTRUCT on the grid of its image, by ROI name (the row's segment) or ROI number (its label).

    Where contours reach beyond the image in their plane, the grid does too, so that it is known how much lies outside.

    Raises
    ------
    CaseRefused
        If the ROI is not there or not the only one of its name, has no closed contours, or they do not lie in slices of
        the image.
    """
    dataset, _ = read_dataset(path, _TAGS)
    try:
        regions = {int(r.ROINumber): str(r.ROIName).strip() for r in dataset.StructureSetROISequence}
        number = _number(regions, row, path)
        roi = next(r for r in dataset.StructureSetROISequence if int(r.ROINumber) == number)
        frame = str(roi.get("ReferencedFrameOfReferenceUID") or "") or None
        drawn = [
            contour
            for item in dataset.get("ROIContourSequence") or ()
            if int(item.ReferencedROINumber) == number
            for contour in item.get("ContourSequence") or ()
        ]
        contours = [
            np.array([float(v) for v in contour.get("ContourData") or ()]).reshape(-1, 3)
            for contour in drawn
            if str(contour.get("ContourGeometricType")).strip().upper().startswith(_CLOSED)
        ]
        contours = [points for points in contours if len(points) > 2]
    except CaseRefused:
        raise
    except Exception:  # a sequence that is absent, or coordinates that are no numbers or no triples
        raise CaseRefused(f"the RTSTRUCT '{path.name}' is damaged or incomplete. Copy or export it again.") from None
    if not contours:
        raise CaseRefused(
            f"ROI '{regions[number]}' of '{path.name}' has no closed contours. Draw the region, or remove the row.",
            "empty_mask",
        )
    grid = _around(contours, grid)
    mask, remarks = painted(contours, grid, path.name)
    n_open = len(drawn) - len(contours)
    if n_open:
        what = f"{n_open} of the {len(drawn)} contours of '{path.name}' are lines or points: they enclose nothing."
        remarks = (("open_contours", what), *remarks)
    return Region(mask, grid, identity_of(dataset, frame), remarks=remarks)


def _on_grid(contours: list[np.ndarray], grid: Geometry) -> list[np.ndarray]:
    """Corners in mm as places on a grid, in voxels."""
    inverse = np.linalg.inv(to_mm(grid))
    return [points @ inverse[:3, :3].T + inverse[:3, 3] for points in contours]


def _spans(outlines: list[np.ndarray]) -> np.ndarray:
    """How far the widest outline reaches along each axis; across their slices they reach nowhere."""
    spans: np.ndarray = np.max(
        [np.ptp(points, axis=0) for points in outlines if len(points) > 2] or [np.ones(3)], axis=0
    )
    return spans


def _around(contours: list[np.ndarray], grid: Geometry) -> Geometry:
    """The grid, made wider within its slices where contours leave it: by its own width on either side at most."""
    outlines = _on_grid(contours, grid)
    corners = np.concatenate(outlines)
    if not np.all(np.isfinite(corners)):
        return grid
    size = np.array(grid.size)
    before = np.clip(np.ceil(-0.5 - corners.min(axis=0)), 0, size).astype(int)
    after = np.clip(np.ceil(corners.max(axis=0) - (size - 0.5)), 0, size).astype(int)
    across = int(np.argmin(_spans(outlines)))
    before[across] = after[across] = 0
    if not (before.any() or after.any()):
        return grid
    x, y, z = (float(v) for v in (to_mm(grid) @ [*-before, 1])[:3])
    nx, ny, nz = (int(n) for n in before + size + after)
    return replace(grid, size=(nx, ny, nz), origin_mm=(x, y, z))


def _number(regions: dict[int, str], row: CaseRow, path: Path) -> int:
    there = some((f"'{name}' ({number})" for number, name in regions.items()), 20) or "none"
    if row.segment is not None:
        numbers = [n for n, name in regions.items() if name == row.segment.strip()]
        numbers = numbers or [n for n, name in regions.items() if name.casefold() == row.segment.strip().casefold()]
        what = f"ROI '{row.segment}'"
    elif row.label is not None:
        numbers, what = [n for n in regions if n == row.label], f"ROI number {row.label}"
    else:
        numbers, what = list(regions), "ROIs, and the table does not say which (column segment)"
    if len(numbers) == 1:
        return numbers[0]
    many = "no" if not numbers else str(len(numbers))
    raise CaseRefused(
        f"the RTSTRUCT '{path.name}' has {many} {what}. ROIs there, with their numbers: {there}. Correct the cases"
        " table.",
        "absent_label",
    )


def fill(contours: list[np.ndarray], grid: Geometry, name: str) -> np.ndarray:
    """The mask of :func:`painted`."""
    return painted(contours, grid, name)[0]


def painted(contours: list[np.ndarray], grid: Geometry, name: str) -> tuple[np.ndarray, tuple[tuple[str, str], ...]]:
    """Boolean (z, y, x) of the voxels inside closed contours, and (kind, message) of what looks odd about them.

    Parameters
    ----------
    contours : list of (n, 3) arrays
        Corners in mm; each contour lies in one slice, along whichever axis of the grid the slices are.
    grid : Geometry
    name : str
        The file, for messages.
    """
    outlines = _on_grid(contours, grid)
    if not all(np.all(np.isfinite(points)) for points in outlines):
        raise CaseRefused(f"'{name}' has contours with coordinates that are no numbers. Export it again.", "not_finite")
    spans = _spans(outlines)
    across = int(np.argmin(spans))
    if spans[across] > 0.25:
        raise CaseRefused(
            f"the contours of '{name}' do not lie in slices of the image. Export a label map on the image's grid.",
            "geometry",
        )
    in_plane = [axis for axis in range(3) if axis != across]  # columns first, then rows
    width, height = grid.size[in_plane[0]], grid.size[in_plane[1]]
    by_slice: dict[int, list[np.ndarray]] = {}
    beyond = off_slice = 0
    for points in outlines:
        at = float(points[:, across].mean())
        off_slice += abs(at - round(at)) > 0.25
        low, high = points[:, in_plane].min(axis=0), points[:, in_plane].max(axis=0)
        is_beside = np.any(high < -0.5) or np.any(low > np.array([width, height]) - 0.5)
        if is_beside or not -0.5 <= at <= grid.size[across] - 0.5:
            beyond += 1
            continue
        by_slice.setdefault(min(max(round(at), 0), grid.size[across] - 1), []).append(points[:, in_plane])
    if beyond == len(outlines):
        raise CaseRefused(
            f"no contour of '{name}' lies in the image: it is another patient's, or another scan's. Correct the cases"
            " table.",
            "another_patient",
        )
    if beyond or off_slice:
        what = f"{beyond} beyond the image" if beyond else f"{off_slice} between its slices"
        raise CaseRefused(
            f"of the {len(outlines)} contours of '{name}', {what}: they were drawn on another series. Give the series"
            " they were drawn on.",
            "geometry",
        )
    if len(by_slice) > 2 and np.diff(sorted(by_slice)).min() > 1:
        raise CaseRefused(
            f"the contours of '{name}' leave slices of the image between any two of them: they were drawn on a series"
            " of thicker slices. Give that series, or interpolate the contours.",
            "geometry",
        )
    mask = np.zeros(grid.size, dtype=bool)
    n_doubled, overlaps = 0, []
    for index, outlines_there in by_slice.items():
        own = _without_doubles(outlines_there)
        n_doubled += len(outlines_there) - len(own)
        parts = [_inside(points, height, width) for points in own]
        n_shared = _partly_shared(parts)
        if n_shared:
            overlaps.append((index + 1, n_shared))
        inside = np.logical_xor.reduce(parts)
        mask[tuple(index if axis == across else slice(None) for axis in range(3))] = inside.T
    mask = np.ascontiguousarray(mask.transpose(2, 1, 0))
    if not mask.any():
        raise CaseRefused(
            f"the contours of '{name}' hold the centre of no voxel. Draw the region, or remove the row.", "empty_mask"
        )
    return mask, _remarks(sorted(by_slice), n_doubled, sorted(overlaps), name)


def _remarks(
    slices: list[int], n_doubled: int, overlaps: list[tuple[int, int]], name: str
) -> tuple[tuple[str, str], ...]:
    """What a reader should look at: doubles, contours that overlap, and slices without a contour amid others."""
    remarks = []
    if n_doubled:
        remarks.append(("doubled_contours", f"{n_doubled} contour(s) of '{name}' stand there twice: counted once."))
    if overlaps:
        listed = some([f"slice {k}: {n} voxels" for k, n in overlaps])
        remarks.append(
            (
                "overlapping_contours",
                f"contours of '{name}' overlap partly, neither apart nor one within the other ({listed}): what lies in"
                " both is left out, as a hole is. Look at the contours.",
            )
        )
    empty = sorted(set(range(slices[0], slices[-1])) - set(slices))
    if empty:
        remarks.append(
            (
                "missing_contour",
                f"'{name}' has no contour in slice(s) {some([str(k + 1) for k in empty])} of the image, between others"
                " that have one: check that none was forgotten.",
            )
        )
    return tuple(remarks)


def _without_doubles(outlines: list[np.ndarray]) -> list[np.ndarray]:
    """Each outline (n, 2) once, wherever it begins, whichever way round and however densely it is drawn."""
    own: list[np.ndarray] = []
    for points in outlines:
        if not any(_is_same(points, other) for other in own):
            own.append(points)
    return own


def _is_same(a: np.ndarray, b: np.ndarray) -> bool:
    if np.abs(a.min(axis=0) - b.min(axis=0)).max() > _SAME or np.abs(a.max(axis=0) - b.max(axis=0)).max() > _SAME:
        return False
    return bool(_furthest(a, b) <= _SAME and _furthest(b, a) <= _SAME)


def _furthest(points: np.ndarray, outline: np.ndarray) -> float:
    """How far the furthest of some points lies from a closed outline."""
    edges = np.roll(outline, -1, axis=0) - outline
    lengths = np.maximum((edges**2).sum(axis=1), 1e-12)
    furthest = 0.0
    for piece in np.array_split(points, -(-len(points) * len(outline) // (1 << 20))):
        along = ((piece[:, None] - outline) * edges).sum(axis=2) / lengths
        nearest = outline + np.clip(along, 0, 1)[..., None] * edges
        furthest = max(furthest, float(np.sqrt(((piece[:, None] - nearest) ** 2).sum(axis=2).min(axis=1)).max()))
    return furthest


def _partly_shared(parts: list[np.ndarray]) -> int:
    """How many voxels two areas have in common where neither holds the other, over all pairs."""
    n = 0
    for i, a in enumerate(parts):
        for b in parts[:i]:
            common = int(np.count_nonzero(a & b))
            if 0 < common < min(int(np.count_nonzero(a)), int(np.count_nonzero(b))):
                n += common
    return n


def _inside(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Boolean (row, column) of the centres inside an outline (n, 2) of columns and rows."""
    counts = np.zeros((height, width + 1), dtype=np.int32)
    _count_crossings(points[:, 0], points[:, 1], counts)
    inside: np.ndarray = (np.cumsum(counts, axis=1)[:, :width] % 2).astype(bool)
    return inside


def _count_crossings(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> None:
    """Add, for every row, at which column an edge of the polygon is first to the left of a voxel's centre.

    The running sum along a row then counts the edges left of each centre; inside is odd. An edge owns its lower end
    alone, so that a corner at the height of a row counts once; a centre upon an edge counts as right of it.
    """
    height, width = counts.shape[0], counts.shape[1] - 1
    for x0, y0, x1, y1 in zip(x, y, np.roll(x, -1), np.roll(y, -1), strict=True):
        if y0 == y1:
            continue
        first, last = (
            max(int(np.ceil(max(min(y0, y1), -1.0))), 0),
            min(int(np.ceil(min(max(y0, y1), height))) - 1, height - 1),
        )
        if first > last:
            continue
        rows = np.arange(first, last + 1)
        columns = np.ceil(x0 + (rows - y0) * (x1 - x0) / (y1 - y0))
        counts[rows, np.clip(columns, 0, width).astype(np.int64)] += 1
