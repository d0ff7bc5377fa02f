"""A small picture of a case: what was measured, with the readers' outlines."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from prldh.core import Case, Geometry

if TYPE_CHECKING:
    from PIL.Image import Image

#: Okabe and Ito's orange and sky blue: told apart by every kind of colour vision.
OUTLINES = ("#E69F00", "#56B4E9")
#: Height of a picture and width of each of its two slices, in pixels.
SIDE = 160
_MARGIN = 0.6
#: Of a slice across each patient direction (left, posterior, superior): which direction runs down its rows and which
#: right along its columns, and the sign of each. Radiological orientation: feet or the back below, the patient's left,
#: or in sagittal slices the back, at the right.
UPRIGHT = (((2, -1), (1, 1)), ((2, -1), (0, 1)), ((1, 1), (0, 1)))


def draw_case(case: Case) -> bytes:
    """PNG of the largest and the middle slice of a case's region, cropped around it, with one outline a reader.

    Slices are along the axis with the largest spacing (the first of those that tie, z before y before x), and stand
    upright in radiological orientation (:data:`UPRIGHT`), however the voxels are stored. Grey values run from the 1st
    to the 99th percentile of what is shown. No text is in the picture: nothing that identifies a patient.
    """
    from PIL import Image

    spacing = case.image.geometry.spacing_mm[::-1]
    axis = 0 if case.image.is_flat else int(np.argmax(np.round(spacing, 6)))
    order, flips = _upright(case.image.geometry, axis)
    turn = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
    values = case.image.values.transpose(order)[turn]
    masks = [m.transpose(order)[turn] for m in case.masks]
    height, width = (spacing[a] for a in order[1:])
    union = np.logical_or.reduce(masks)
    area = union.sum(axis=(1, 2))
    covered = np.flatnonzero(area)
    window = _window(union.any(axis=0), height / width)
    picture = Image.new("RGB", (2 * SIDE, SIDE))
    for position, k in enumerate((int(np.argmax(area)), int(covered[covered.size // 2]))):
        panel = _draw_slice(values[k][window], [m[k][window] for m in masks], height / width)
        picture.paste(panel, (position * SIDE + (SIDE - panel.width) // 2, (SIDE - panel.height) // 2))
    file = io.BytesIO()
    picture.save(file, format="png", compress_level=2)
    return file.getvalue()


def _upright(geometry: Geometry, axis: int) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Array axes of slices (``axis``), rows and columns, and which of them run the other way. Each of a slice's
    directions takes the nearest axis left."""
    cosines = np.array(geometry.direction, dtype=float).reshape(3, 3)[:, ::-1]  # a column an array axis (z, y, x)
    (row, down), (column, right) = UPRIGHT[int(np.argmax(np.abs(cosines[:, axis])))]
    first, second = (a for a in range(3) if a != axis)
    rows, columns = (first, second) if abs(cosines[row, first]) >= abs(cosines[row, second]) else (second, first)
    return (axis, rows, columns), (
        False,
        bool(cosines[row, rows] * down < 0),
        bool(cosines[column, columns] * right < 0),
    )


def _draw_slice(values: np.ndarray, masks: list[np.ndarray], ratio: float) -> Image:
    """A slice of at most ``SIDE`` pixels a side; ``ratio`` is row height over column width. Drawn twice as large, so
    that outlines are smooth."""
    from PIL import Image

    rows, columns = values.shape
    scale = 2 * (SIDE - 1) / max(rows * ratio, columns)
    size = tuple(2 * max(1, round(n * scale / 2)) for n in (columns, rows * ratio))
    low, high = np.percentile(values, [1, 99])
    grey = (255 * np.clip((values.astype(float) - low) / max(high - low, 1e-9), 0, 1)).astype(np.uint8)
    canvas = Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR).convert("RGB")
    for mask, colour in zip(masks, OUTLINES, strict=False):
        inside = np.array(Image.fromarray((255 * mask).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)) > 127
        inside[[0, -1]] = inside[:, [0, -1]] = False  # outlines close at the border
        edge = np.zeros_like(inside)  # three pixels wide: both sides of a change, and one more
        for changes, side, other in (
            (inside[1:] != inside[:-1], edge[1:], edge[:-1]),
            (inside[:, 1:] != inside[:, :-1], edge[:, 1:], edge[:, :-1]),
        ):
            side |= changes
            other |= changes
        edge[1:, 1:] |= edge[:-1, :-1].copy()
        canvas.paste(colour, mask=Image.fromarray((255 * edge).astype(np.uint8)))
    return canvas.reduce(2)


def _window(flat: np.ndarray, ratio: float) -> tuple[slice, slice]:
    """A window around what is set, square in mm where the image allows, with a margin; ``ratio`` is row height over
    column width."""
    rows, columns = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    side = max((rows[-1] - rows[0] + 1) * ratio, columns[-1] - columns[0] + 1, 16) * (1 + _MARGIN)
    return _around(rows, side / ratio, flat.shape[0]), _around(columns, side, flat.shape[1])


def _around(positions: np.ndarray, length: float, size: int) -> slice:
    middle = (positions[0] + positions[-1] + 1) / 2
    return slice(max(0, int(middle - length / 2)), min(size, int(np.ceil(middle + length / 2))))
