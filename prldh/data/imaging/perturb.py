"""Masks moved, turned and redrawn a little: what a feature owes to the exact outline, where there is one reader
only."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class Perturbation(BaseModel):
    """How masks are perturbed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    n: int = Field(
        10,
        ge=1,
        le=100,
        description="how many perturbed masks are made of each mask",
        json_schema_extra={"unit": "masks"},
    )
    contour_mm: float = Field(
        0.5,
        ge=0,
        le=20,
        description="standard deviation of the contour's displacement",
        json_schema_extra={"unit": "mm"},
    )
    smoothness_mm: float = Field(
        5.0,
        gt=0,
        le=100,
        description="the length over which the contour's displacement stays alike",
        json_schema_extra={"unit": "mm"},
    )
    translation_mm: float = Field(
        0.5,
        ge=0,
        le=20,
        description="standard deviation of the shift along each axis",
        json_schema_extra={"unit": "mm"},
    )
    rotation_degrees: float = Field(
        2.0,
        ge=0,
        le=180,
        description="standard deviation of the turn about the mask's centre",
        json_schema_extra={"unit": "degrees"},
    )


def perturb_mask(
    mask: np.ndarray, spacing_mm: tuple[float, float, float], settings: Perturbation, generator: np.random.Generator
) -> np.ndarray:
    """One perturbed mask on the same grid.

    The mask's signed distance is shifted by a smooth Gaussian random field (the contour), turned about the mask's
    centre around the first axis (slices stay slices) and moved along all three; what is at or below zero is the new
    mask. In an image of one plane all of this is within the plane.

    Parameters
    ----------
    mask : (z, y, x) boolean array, not empty
    spacing_mm : z, y, x
    settings : Perturbation
    generator : numpy Generator

    Returns
    -------
    (z, y, x) boolean array
        Never empty: where nothing is left of a region of a few voxels, it is the mask itself.

    References
    ----------
    Rotation, translation and contour randomisation as means to judge robustness: Zwanenburg A et al. (2019) Sci Rep
    9:614. The contour is displaced by a random field here, not by supervoxels.
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

    spacing = np.asarray(spacing_mm, dtype=float)
    angle = np.deg2rad(generator.normal(0, settings.rotation_degrees))
    shift = generator.normal(0, settings.translation_mm, 3)
    is_flat = np.array(mask.shape) == 1  # there is nothing beyond a plane to move to
    shift[is_flat] = 0
    angle = 0.0 if is_flat[1:].any() else angle
    reach = np.ceil((4 * settings.contour_mm + 4 * settings.translation_mm + 2) / spacing).astype(int) + 2
    low, high = (f(np.argwhere(mask), axis=0) for f in (np.min, np.max))
    # the turn carries corners outwards by at most the half diagonal times the sine
    reach[1:] += np.ceil(
        abs(np.sin(angle)) * np.linalg.norm((high - low + 1)[1:] * spacing[1:]) / 2 / spacing[1:]
    ).astype(int)
    reach[is_flat] = 0
    box = np.pad(mask[tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))], [(r, r) for r in reach])
    distance = distance_transform_edt(~box, sampling=spacing) - distance_transform_edt(box, sampling=spacing)
    if settings.contour_mm:
        field = gaussian_filter(generator.normal(size=box.shape), settings.smoothness_mm / spacing, mode="wrap")
        distance += settings.contour_mm * (field - field.mean()) / max(field.std(), 1e-12)
    center = np.argwhere(box).mean(axis=0)[:, None]
    points = np.indices(box.shape).reshape(3, -1) - center
    points = points * spacing[:, None] - shift[:, None]
    y, x = points[1].copy(), points[2].copy()
    points[1], points[2] = np.cos(angle) * y + np.sin(angle) * x, -np.sin(angle) * y + np.cos(angle) * x
    moved = (
        map_coordinates(distance, points / spacing[:, None] + center, order=1, mode="nearest").reshape(box.shape) <= 0
    )
    perturbed = np.zeros_like(mask)
    inside = [(max(0, a - r), min(size, b + 1 + r)) for a, b, r, size in zip(low, high, reach, mask.shape, strict=True)]
    part = tuple(slice(start - (a - r), stop - (a - r)) for (start, stop), a, r in zip(inside, low, reach, strict=True))
    perturbed[tuple(slice(*limits) for limits in inside)] = moved[part]
    return perturbed if perturbed.any() else mask.copy()
