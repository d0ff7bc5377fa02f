"""Cases for the tests of prldh-pyradiomics: made, random, or read from the shared data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from prldh.core.imaging import Case, Geometry, Volume

STRAIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def make_case(
    values, *masks, spacing_mm=(1.0, 1.0, 1.0), modality=None, direction=STRAIGHT, origin_mm=(0.0, 0.0, 0.0)
) -> Case:
    """A case of arrays (z, y, x); spacing is x, y, z."""
    values = np.asarray(values)
    geometry = Geometry(values.shape[::-1], spacing_mm, origin_mm, direction)
    return Case("P1", "disc", 2, Volume(values, geometry, modality), tuple(np.asarray(m, dtype=bool) for m in masks))


def read_case(folder: Path, image: str, *masks: str, label: int | None = None, around: int | None = None) -> Case:
    """A case of files; ``around`` keeps that many voxels on each side of the region."""
    import SimpleITK as sitk

    picture = sitk.ReadImage(str(folder / image))
    values = sitk.GetArrayFromImage(picture)
    found = []
    for name in masks:
        mask = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / name)))
        found.append(mask == label if label else mask > 0)
    if around is not None:
        places = np.nonzero(found[0])
        part = tuple(slice(max(int(p.min()) - around, 0), int(p.max()) + around + 1) for p in places)
        values, found = values[part], [m[part] for m in found]
    return make_case(
        values, *found, spacing_mm=picture.GetSpacing(), direction=picture.GetDirection(), origin_mm=picture.GetOrigin()
    )


def textured(shape, seed=0, scale=120.0, dtype=np.int16) -> np.ndarray:
    """Noise that is alike between neighbours, with negative values."""
    from scipy import ndimage

    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 0.8)
    return (noise / noise.std() * scale).astype(dtype)


def ball(shape, centre, radii) -> np.ndarray:
    """An ellipsoid, cut off by the image's border where it reaches that far."""
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    return sum(((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radii, strict=True)) <= 1
