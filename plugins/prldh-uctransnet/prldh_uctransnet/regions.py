"""From an image and its mask to the square pictures that the network sees.

Exactly, for one mask:

1. **Plane.** Slices lie across the image axis nearest to the plane's normal (``acquired``: the third image axis, as
   stored). Rows and columns are flipped and swapped so that axial pictures run to posterior and to the left, sagittal
   ones to inferior and to posterior, coronal ones to inferior and to the left, however the voxels are stored.
2. **Slices.** ``largest``: the one with most mask pixels, the first where several tie; ``all``: every slice that the
   mask meets; ``middle: n``: of these the n in the middle, the earlier ones where n cannot be centred, all where there
   are fewer.
3. **Rectangle.** The mask's bounding box on the slice, widened on each side by ``margin_mm`` rounded up to whole
   pixels, cut at the image's border. ``roi: square`` lengthens the shorter side, in mm, to the longer, moved to lie
   inside the image; where the image is too small, its border pixels are repeated.
4. **Square pixels.** Where in-plane spacings differ, linear interpolation to the smaller of the two (pixel centres
   aligned by area).
5. **Size.** Linear interpolation with antialiasing to size x size.
6. **Min-max** to 0 … 1 over the picture (``scale: picture``), or by the lowest and the highest value of the whole image
   (``scale: image``). A slice whose rectangle holds one value alone has no picture and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from prldh.api import Case, DataError, Geometry

#: Of each plane, in patient coordinates (left, posterior, superior): normal, direction of rows down, direction of
#: columns right.
PLANES: dict[str, tuple[tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    "axial": ((2, 1), (1, 1), (0, 1)),
    "sagittal": ((0, 1), (2, -1), (1, 1)),
    "coronal": ((1, 1), (2, -1), (0, 1)),
}
#: What lies at the end of each patient direction and at its beginning, in DICOM's letters (head and feet along z).
LETTERS = (("L", "R"), ("P", "A"), ("H", "F"))
NO_PICTURE = (
    "every slice of the region holds one value alone, so there is no picture to embed. Check the image, or set"
    " margin_mm above 0."
)
_SAME_SPACING = 1e-4  # relative


@dataclass(frozen=True)
class Stack:
    """An image and a mask (slice, row, column) in a plane, and the height and width of a pixel in mm."""

    values: np.ndarray
    mask: np.ndarray
    pixel_mm: tuple[float, float]

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest value.

        Raises
        ------
        DataError
            If either is not finite.
        """
        low, high = float(self.values.min()), float(self.values.max())
        if not np.isfinite([low, high]).all():
            raise DataError(
                "the image has values that are not finite, by which scale: image cannot go. Export it again."
            )
        return low, high


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels: rows and columns from (included) to (excluded); may lie outside the image, whose border is
    then repeated."""

    top: int
    bottom: int
    left: int
    right: int


def pictures_of(case: Case, reader: int, settings: Any) -> np.ndarray:
    """The pictures (n, size, size) float32, 0 … 1, of one reader's mask, as the module's docstring says.

    Raises
    ------
    DataError
        The mask is empty, or no slice has more than one value.
    """
    return np.stack([picture for _, picture in slices_with_pictures(case, reader, settings)[1]])


def slices_with_pictures(case: Case, reader: int, settings: Any) -> tuple[Stack, list[tuple[int, np.ndarray]]]:
    """The stack of a case, and its chosen slices that have a picture: number and picture (size, size) of each."""
    stack = stack_of(case.image.values, case.masks[reader], case.image.geometry, settings.plane)
    pictures = [
        (k, p) for k in choose_slices(stack.mask, settings.slices) if (p := picture_of(stack, k, settings)) is not None
    ]
    if not pictures:
        raise DataError(NO_PICTURE)
    return stack, pictures


def stack_of(values: np.ndarray, mask: np.ndarray, geometry: Geometry, plane: str) -> Stack:
    """Image and mask (z, y, x) as a stack of slices in the plane, in standard orientation."""
    order, flips = _axes(geometry, plane)
    spacing = geometry.spacing_mm[::-1]
    turn = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
    return Stack(
        values.transpose(order)[turn], mask.transpose(order)[turn], (float(spacing[order[1]]), float(spacing[order[2]]))
    )


def turn_back(stack: np.ndarray, geometry: Geometry, plane: str) -> np.ndarray:
    """A stack (slice, row, column) as an array (z, y, x) again: the inverse of :func:`stack_of`."""
    order, flips = _axes(geometry, plane)
    turn = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
    return stack[turn].transpose(np.argsort(order))


def _axes(geometry: Geometry, plane: str) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Array axes of slices, rows and columns, and which to flip. Each of the plane's directions takes the nearest axis
    left."""
    cosines = np.array(geometry.direction, dtype=float).reshape(3, 3)[
        :, ::-1
    ]  # a column an array axis (z, y, x), rows in patient coordinates
    if plane == "acquired":
        plane = _nearest_plane(geometry)
        order, left = [0], [1, 2]
    else:
        normal = PLANES[plane][0][0]
        order = [int(np.argmax(np.abs(cosines[normal])))]
        left = [a for a in range(3) if a != order[0]]
    (_, to), (row, _), _ = PLANES[plane]
    order.append(max(left, key=lambda a: abs(cosines[row, a])))
    order += [a for a in left if a not in order]
    flips = [bool(cosines[world, axis] * sign < 0) for (world, sign), axis in zip(PLANES[plane], order, strict=True)]
    (slices, rows, columns), (back, up, left_to_right) = order, flips
    return (slices, rows, columns), (back, up, left_to_right)


def _nearest_plane(geometry: Geometry) -> str:
    """The plane whose normal is nearest to the third image axis."""
    normal = int(np.argmax(np.abs(np.array(geometry.direction, dtype=float).reshape(3, 3)[:, 2])))
    return next(name for name, (n, _, _) in PLANES.items() if n[0] == normal)


def edges_of(geometry: Geometry, plane: str) -> tuple[str, str, str, str]:
    """What lies at the top, right, bottom and left of a picture in standard orientation, as DICOM's letters: A, P
    (anterior, posterior), R, L (the patient's right and left), H, F (head, feet)."""
    _, (row, down), (column, right) = PLANES[_nearest_plane(geometry) if plane == "acquired" else plane]
    bottom, top = LETTERS[row][::down]
    right_letter, left_letter = LETTERS[column][::right]
    return top, right_letter, bottom, left_letter


def choose_slices(mask: np.ndarray, slices: Any) -> list[int]:
    """Which slices of a mask (slice, row, column) are taken: ``largest``, ``all``, or an object with ``middle``.

    Raises
    ------
    DataError
        If the mask is empty.
    """
    area = mask.sum(axis=(1, 2))
    covered = np.flatnonzero(area)
    if not covered.size:
        raise DataError("the mask is empty, so there is no region to embed. Draw it, or leave the patient out.")
    if slices == "largest":
        return [int(np.argmax(area))]
    if slices == "all" or slices.middle >= covered.size:
        return covered.tolist()
    first = (covered.size - slices.middle) // 2
    return covered[first : first + slices.middle].tolist()


def picture_of(stack: Stack, k: int, settings: Any) -> np.ndarray | None:
    """The picture (size, size) of slice ``k``, or None where its rectangle holds one value alone."""
    cut = cut_of(stack, k, settings)
    if cut is None:
        return None
    return scale(resize(cut, stack.pixel_mm, settings.size), stack.limits if settings.scale == "image" else None)


def cut_of(stack: Stack, k: int, settings: Any) -> np.ndarray | None:
    """The rectangle of slice ``k`` in single precision, or None where it holds one value alone.

    Raises
    ------
    DataError
        If it holds values that are not finite.
    """
    window = window_of(stack.mask[k], stack.pixel_mm, settings.margin_mm, settings.roi)
    cut = cut_window(stack.values[k], window).astype(np.float32)
    if not np.isfinite(cut).all():
        raise DataError("the image has values that are not finite around the region. Export it again, or fill them.")
    return None if cut.min() == cut.max() else cut


def window_of(mask: np.ndarray, pixel_mm: tuple[float, float], margin_mm: float, roi: str) -> Window:
    """The rectangle around what is set in a mask (row, column)."""
    edges = []
    for axis in (0, 1):
        inside = np.flatnonzero(mask.any(axis=1 - axis))
        margin = int(np.ceil(margin_mm / pixel_mm[axis] - 1e-9))
        edges.append([max(0, int(inside[0]) - margin), min(mask.shape[axis], int(inside[-1]) + 1 + margin)])
    if roi == "square":
        side_mm = max((high - low) * mm for (low, high), mm in zip(edges, pixel_mm, strict=True))
        edges = [
            _lengthened(e, int(round(side_mm / mm)), size)
            for e, mm, size in zip(edges, pixel_mm, mask.shape, strict=True)
        ]
    return Window(*edges[0], *edges[1])


def _lengthened(edge: list[int], length: int, size: int) -> list[int]:
    """An interval of that length around the middle of ``edge``, inside 0 … size where it fits, and all of it where it
    does not."""
    length = max(length, edge[1] - edge[0])
    low = edge[0] - (length - (edge[1] - edge[0])) // 2
    low = min(max(low, min(0, size - length)), max(0, size - length))
    return [low, low + length]


def cut_window(picture: np.ndarray, window: Window) -> np.ndarray:
    """The pixels of the window; border pixels are repeated where it leaves the image."""
    rows = np.clip(np.arange(window.top, window.bottom), 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(window.left, window.right), 0, picture.shape[1] - 1)
    return picture[rows[:, None], columns]


def resize(picture: np.ndarray, pixel_mm: tuple[float, float], size: int) -> np.ndarray:
    """To square pixels, then to size x size, both linear."""
    import torch
    from torch.nn.functional import interpolate

    image = torch.from_numpy(np.ascontiguousarray(picture))[None, None]
    to = square_shape(picture.shape, pixel_mm)
    if to is not None:
        image = interpolate(image, to, mode="bilinear", align_corners=False)
    return interpolate(image, (size, size), mode="bilinear", align_corners=False, antialias=True)[0, 0].numpy()


def square_shape(shape: tuple[int, ...], pixel_mm: tuple[float, float]) -> list[int] | None:
    """Height and width in square pixels, or None where pixels are square."""
    height, width = pixel_mm
    if abs(height - width) <= _SAME_SPACING * max(height, width):
        return None
    fine = min(height, width)
    return [max(1, round(n * mm / fine)) for n, mm in zip(shape, pixel_mm, strict=True)]


def scale(picture: np.ndarray, limits: tuple[float, float] | None = None) -> np.ndarray:
    """Min-max to 0 … 1: by the picture's own lowest and highest value, or by those given; 0 where they are the same."""
    low, high = (picture.min(), picture.max()) if limits is None else map(np.float32, limits)
    return (picture - low) / (high - low) if high > low else np.zeros_like(picture)


def batches_of(pictures: Iterator[tuple[Any, np.ndarray]], n: int) -> Iterator[tuple[list[Any], np.ndarray]]:
    """Pictures with their owners, n at a time."""
    owners: list[Any] = []
    held: list[np.ndarray] = []
    for owner, picture in pictures:
        owners.append(owner)
        held.append(picture)
        if len(held) == n:
            yield owners, np.stack(held)
            owners, held = [], []
    if held:
        yield owners, np.stack(held)
