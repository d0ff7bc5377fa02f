"""What crosses between reading images and computing features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class Pooled(dict[str, float]):
    """Named values of one region that are the mean of single images (slices): a feature source may give this instead of
    a plain dictionary.

    ``images`` (s, p) float64 are the values of each image, columns in the order of the names.
    """

    def __init__(self, values: Mapping[str, float], images: np.ndarray) -> None:
        super().__init__(values)
        self.images = images


@dataclass(frozen=True)
class CaseRow:
    """One row of a cases table: where one region of one patient is.

    ``line`` is the row's number in the table (the header is 1). ``masks`` holds one path a reader; ``label`` and
    ``segment`` say which part of the mask is meant (None: everything that is not 0). ``lesion``: which of the patient's
    it is, where the table says so.
    """

    tissue: str
    patient: str
    line: int
    image: Path
    masks: tuple[Path, ...]
    label: int | None = None
    segment: str | None = None
    lesion: str | None = None


@dataclass(frozen=True)
class Geometry:
    """Where voxels lie. ``size``, ``spacing_mm`` and ``origin_mm`` are in the order x, y, z; ``direction`` (9,) holds
    the cosines by row."""

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    direction: tuple[float, ...]


@dataclass(frozen=True)
class Volume:
    """An image: ``values`` (z, y, x) in the type they are stored in, and where they lie. ``modality`` is DICOM's (CT,
    MR), or None. ``is_flat``: of one plane, whose thickness nobody knows (its spacing says 1 mm)."""

    values: np.ndarray
    geometry: Geometry
    modality: str | None = None
    is_flat: bool = False


@dataclass(frozen=True)
class Case:
    """One region of one patient, read and checked: ``masks`` are boolean (z, y, x) on the image's own grid, one a
    reader."""

    patient: str
    tissue: str
    line: int
    image: Volume
    masks: tuple[np.ndarray, ...]
