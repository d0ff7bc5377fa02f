"""Made cases: a textured image with an ellipsoid a reader."""

from __future__ import annotations

import numpy as np

from prldh.core import Case, Geometry, Volume
from prldh.testing.parts import unchangeable


def make_case(patient: str = "P1", seed: int = 0, readers: int = 2, shape: tuple[int, int, int] = (9, 30, 32)) -> Case:
    """A textured image (z, y, x) with an ellipsoid a reader."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    image = np.round(40 * ndimage.gaussian_filter(rng.normal(size=shape), 1) * 10).astype(np.int16)
    z, y, x = np.ogrid[tuple(slice(0, n) for n in shape)]
    masks = tuple(((z - 4) / 3) ** 2 + ((y - 15) / (8 + k)) ** 2 + ((x - 15 - k) / 9) ** 2 <= 1 for k in range(readers))
    geometry = Geometry(shape[::-1], (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    return Case(
        patient, "tissue", 2, Volume(unchangeable(image), geometry, "MR"), tuple(unchangeable(m) for m in masks)
    )
