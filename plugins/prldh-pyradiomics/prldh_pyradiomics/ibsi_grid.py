"""Resampling as IBSI's reference manual has it, where PyRadiomics has its own.

The new grid has its centre on the image's centre (3WE3); the mask is interpolated linearly and kept from a half upwards
(partial volume fraction 0.5); intensities of images of whole numbers, as CT is, are rounded (68QD). PyRadiomics aligns
a corner, takes the nearest neighbour for the mask and cuts decimals off.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from prldh.api import Volume
from prldh_pyradiomics.own import sitk_image


def centred_grid(volume: Volume, spacing_mm: list[float]) -> tuple[list[int], list[float], list[float]]:
    """Size, spacing and origin of the new grid, in the order x, y, z; a spacing of 0 keeps that of the image."""
    old = np.asarray(volume.geometry.spacing_mm, dtype=float)
    new = np.where(np.asarray(spacing_mm, dtype=float) == 0, old, spacing_mm)
    n_old = np.asarray(volume.values.shape[::-1])
    n_new = np.ceil(n_old * old / new - 1e-9).astype(int)
    first_mm = ((n_old - 1) * old - (n_new - 1) * new) / 2
    direction = np.reshape(volume.geometry.direction, (3, 3))
    origin = np.asarray(volume.geometry.origin_mm) + direction @ first_mm
    return n_new.tolist(), new.tolist(), origin.tolist()


def resample(
    volume: Volume, masks: tuple[np.ndarray, ...], options: dict[str, Any]
) -> tuple[np.ndarray, list[np.ndarray], tuple[float, ...]]:
    """Values and masks (z, y, x) on the new grid, and its spacing in mm (z, y, x).

    Interpolation reaches half a voxel beyond the outermost centres, as far as the image does; there the outermost
    values go on.
    """
    import SimpleITK as sitk

    size, spacing, origin = centred_grid(volume, options["resampledPixelSpacing"])

    def onto_grid(values: np.ndarray, interpolator: int) -> np.ndarray:
        filter_ = sitk.ResampleImageFilter()
        filter_.SetSize(size)
        filter_.SetOutputSpacing(spacing)
        filter_.SetOutputOrigin(origin)
        filter_.SetOutputDirection([float(d) for d in volume.geometry.direction])
        filter_.SetInterpolator(interpolator)
        filter_.SetUseNearestNeighborExtrapolator(True)
        return sitk.GetArrayFromImage(filter_.Execute(sitk_image(values, volume)))

    values = onto_grid(volume.values.astype(float), getattr(sitk, options.get("interpolator", "sitkBSpline")))
    if volume.values.dtype.kind in "iub" or (np.rint(volume.values) == volume.values).all():
        values = np.round(values)
    masks_on_grid = [onto_grid(mask.astype(float), sitk.sitkLinear) >= 0.5 - 1e-9 for mask in masks]
    return values, masks_on_grid, tuple(spacing[::-1])
