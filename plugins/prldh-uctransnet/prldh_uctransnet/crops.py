"""Rectangles as they are cut out of images, and the pictures made of them: one by one on a CPU, many at once on other
devices.

A linear interpolation of rows and columns is a product with two matrices. What torch's own interpolation makes of the
unit matrix are these, so that the pictures are the same but for rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from prldh.api import Case, DataError
from prldh_uctransnet.regions import NO_PICTURE, choose_slices, cut_of, resize, scale, square_shape, stack_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Crop:
    """The rectangle of one slice of one reader's mask: ``values`` (h, w) as stored where that is exact in two bytes,
    single precision otherwise; ``limits``: what grey values go by, None for the picture's own."""

    patient: str
    reader: int
    values: np.ndarray
    pixel_mm: tuple[float, float]
    limits: tuple[float, float] | None

    @property
    def nbytes(self) -> int:
        return self.values.nbytes


def crops_of(case: Case, settings: Any) -> Iterator[Crop]:
    """What :func:`prldh_uctransnet.regions.pictures_of` makes pictures of, reader by reader. Needs no torch.

    Raises
    ------
    DataError
        As there.
    """
    for reader, mask in enumerate(case.masks):
        stack = stack_of(case.image.values, mask, case.image.geometry, settings.plane)
        limits = stack.limits if settings.scale == "image" else None
        n = 0
        for k in choose_slices(stack.mask, settings.slices):
            cut = cut_of(stack, k, settings)
            if cut is not None:
                n += 1
                stored = stack.values.dtype
                small = cut.astype(stored) if stored.itemsize <= 2 and stored.kind in "iuf" else cut
                yield Crop(case.patient, reader, small, stack.pixel_mm, limits)
        if not n:
            raise DataError(NO_PICTURE)


def picture_of_crop(crop: Crop, size: int) -> np.ndarray:
    """The picture (size, size), bit by bit that of :func:`prldh_uctransnet.regions.picture_of`."""
    return scale(resize(crop.values.astype(np.float32), crop.pixel_mm, size), crop.limits)


@lru_cache(maxsize=4096)
def _matrix(n: int, n_square: int, size: int) -> Tensor:
    """(size, n): what interpolation to ``n_square`` and then to ``size`` makes of n pixels."""
    import torch
    from torch.nn.functional import interpolate

    image = torch.eye(n)[None, None]
    if n_square != n:
        image = interpolate(image, (n_square, n), mode="bilinear", align_corners=False)
    return interpolate(image, (size, n), mode="bilinear", align_corners=False, antialias=True)[0, 0]


def pictures_on(device: torch.device, crops: Sequence[Crop], size: int) -> Tensor:
    """Pictures (n, size, size) in single precision, made on the device of crops that travel as they are stored."""
    import torch

    height, width = (max(c.values.shape[axis] for c in crops) for axis in (0, 1))
    kinds = {c.values.dtype for c in crops}
    kind = kinds.pop() if len(kinds) == 1 else np.dtype(np.float32)
    kind = np.dtype(np.int32) if kind == np.uint16 else kind.newbyteorder("=")  # torch computes little with uint16
    host = torch.zeros(
        (len(crops), height, width),
        dtype=torch.from_numpy(np.empty(0, kind)).dtype,
        pin_memory=device.type == "cuda",
    )
    for row, crop in zip(host.numpy(), crops, strict=True):
        row[: crop.values.shape[0], : crop.values.shape[1]] = crop.values
    values = host.to(device, non_blocking=True).float()
    ways = [_ways(crop, size) for crop in crops]
    rows, columns = (_bank([way[axis] for way in ways], n, size, device) for axis, n in ((0, height), (1, width)))
    with _full_precision(device):
        pictures = torch.bmm(torch.bmm(rows, values), columns.transpose(1, 2))
    low, high = pictures.amin((1, 2)), pictures.amax((1, 2))
    if crops[0].limits is not None:
        low, high = (
            torch.tensor([c.limits[end] for c in crops if c.limits], dtype=torch.float32).to(device) for end in (0, 1)
        )
    spread = (high - low).clamp_min(0)[:, None, None]
    return torch.where(spread > 0, (pictures - low[:, None, None]) / spread.where(spread > 0, 1.0), 0.0)


def _ways(crop: Crop, size: int) -> list[tuple[int, int, int]]:
    """Of rows and columns: pixels, square pixels, size."""
    shape = crop.values.shape
    square = square_shape(shape, crop.pixel_mm) or shape
    return [(n, to, size) for n, to in zip(shape, square, strict=True)]


def _bank(ways: Sequence[tuple[int, int, int]], widest: int, size: int, device: torch.device) -> Tensor:
    """The matrices (n, size, widest) of these ways, each sent to the device once."""
    import torch

    kinds = {way: k for k, way in enumerate(dict.fromkeys(ways))}
    bank = torch.zeros((len(kinds), size, widest))
    for way, k in kinds.items():
        bank[k, :, : way[0]] = _matrix(*way)
    return bank.to(device)[torch.tensor([kinds[way] for way in ways], device=device)]


@contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    """Products of matrices in single precision, whatever the program set for others."""
    import torch

    before = torch.get_float32_matmul_precision()
    if device.type == "cuda":
        torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        if device.type == "cuda":
            torch.set_float32_matmul_precision(before)
