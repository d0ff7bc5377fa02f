"""From a case to images and regions that features can be computed of: normalised, resampled, re-segmented and
checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prldh.api import DataError, Volume
from prldh_pyradiomics.filters import Image
from prldh_pyradiomics.ibsi_grid import resample
from prldh_pyradiomics.own import quietly, radiomics_version, sitk_image
from prldh_pyradiomics.region import Region, bounding_box
from prldh_pyradiomics.settings import Plan


@dataclass(frozen=True)
class Prepared:
    """An image, the readers (from 0) whose regions lie in it, and the regions that shape is measured on, one a
    reader."""

    image: Image
    readers: list[int]
    shapes: list[Region]


def prepare(volume: Volume, masks: tuple[np.ndarray, ...], plan: Plan) -> list[Prepared]:
    """What PyRadiomics does before it filters. Without resampling and cropping all readers share one image; with them
    each has its own.

    Raises
    ------
    DataError
        If the image or a mask cannot be used.
    """
    options = plan.options
    if volume.is_flat:
        _refuse_volumes(plan)
    for reader, mask in enumerate(masks, start=1):
        if not mask.any():
            raise DataError(
                f"the mask of reader {reader} is empty. Give a mask with at least one voxel, or leave the case out."
            )
    spacing = tuple(float(s) for s in volume.geometry.spacing_mm[::-1])
    if options.get("resampledPixelSpacing") is not None and "resampling_grid" in plan.corrections:
        values, resampled, spacing = resample(volume, masks, options)
        _refuse_lost(resampled)
        return [_shared_image(values, resampled, spacing, plan)]
    if options.get("resampledPixelSpacing") is not None or options.get("preCrop"):
        return [_own_image(volume, mask, plan, reader) for reader, mask in enumerate(masks)]
    values = volume.values.astype(volume.values.dtype.newbyteorder("="), copy=False)
    if options.get("normalize"):
        radiomics_version()
        import SimpleITK as sitk
        from radiomics import imageoperations

        with quietly():
            values = sitk.GetArrayFromImage(imageoperations.normalizeImage(sitk_image(values, volume), **options))
    return [_shared_image(values, masks, spacing, plan)]


def _shared_image(values: np.ndarray, masks: Sequence[np.ndarray], spacing: tuple[float, ...], plan: Plan) -> Prepared:
    pairs = [_regions(values, mask, spacing, plan.options) for mask in masks]
    _refuse_thick([shape for _, shape in pairs], plan)
    image = Image(values, spacing, [region for region, _ in pairs], plan.exact_log)
    _refuse_nan(image)
    return Prepared(image, list(range(len(masks))), [shape for _, shape in pairs])


def _refuse_volumes(plan: Plan) -> None:
    """An image of one plane has no thickness: what is measured along it would be an invention."""
    asked = "shape" in plan.classes or not plan.options.get("force2D") or plan.options.get("force2Ddimension", 0) != 0
    if asked:
        raise DataError(
            "the image is of one plane and has no thickness, so that features of volumes are not defined. Say force2D:"
            " true and shape2D: true below extraction.pyradiomics (or in the parameter file: force2D below setting, and"
            " shape2D in place of shape)."
        )


def _refuse_lost(masks: Sequence[np.ndarray]) -> None:
    for reader, mask in enumerate(masks, start=1):
        if not mask.any():
            raise DataError(
                f"nothing is left of the mask of reader {reader} after resampling. Give a finer resampledPixelSpacing."
            )


def _refuse_thick(shapes: Sequence[Region], plan: Plan) -> None:
    axis = plan.options.get("force2Ddimension", 0)
    thickest = max(shape.size[axis] for shape in shapes)
    if "shape2D" in plan.classes and thickest > 1:
        raise DataError(
            f"the region extends over {thickest} slices along {'zyx'[axis]}, and shape2D is of regions in one slice."
            " Give a mask of one slice, choose another force2Ddimension, or take shape in place of shape2D."
        )


def _own_image(volume: Volume, mask: np.ndarray, plan: Plan, reader: int) -> Prepared:
    radiomics_version()
    import SimpleITK as sitk
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    with quietly():
        image, label = RadiomicsFeatureExtractor.loadImage(
            sitk_image(volume.values, volume), sitk_image(mask.astype(np.uint8), volume), None, **plan.options
        )
    values, spacing = sitk.GetArrayFromImage(image), tuple(image.GetSpacing()[::-1])
    inside = sitk.GetArrayFromImage(label) == 1
    _refuse_lost([inside])
    region, shape = _regions(values, inside, spacing, plan.options)
    _refuse_thick([shape], plan)
    prepared_image = Image(values, spacing, [region], plan.exact_log)
    _refuse_nan(prepared_image)
    return Prepared(prepared_image, [reader], [shape])


def _refuse_nan(image: Image) -> None:
    if any(not np.isfinite(values).all() for values in image.own_values()) or not np.isfinite(image.extremes).all():
        raise DataError("the image has voxels that are NaN or infinite. Give an image without them.")


def _regions(
    values: np.ndarray, mask: np.ndarray, spacing: tuple[float, ...], options: dict[str, Any]
) -> tuple[Region, Region]:
    """The region that intensities are taken from, and the one that shape is measured on."""
    region = Region.of(mask, spacing)
    _check_size(region, options)
    if options.get("resegmentRange") is None and options.get("outlierSigma") is None:
        return region, region
    narrowed = np.zeros(mask.shape, dtype=bool)
    narrowed[region.box] = _resegmented(values[region.box], region.mask, options)
    box = bounding_box(narrowed)
    resegmented = Region(box, np.ascontiguousarray(narrowed[box]), spacing)
    _check_size(resegmented, options)
    # PyRadiomics measures the shape of the mask as given, but within the box of what is left of it
    of_shape = resegmented if options.get("resegmentShape") else Region(box, np.ascontiguousarray(mask[box]), spacing)
    return resegmented, of_shape


def _resegmented(values: np.ndarray, mask: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    """The voxels within PyRadiomics' range, and of these the ones within so many standard deviations of their mean
    (IBSI's outlier filter)."""
    radiomics_version()
    import SimpleITK as sitk
    from radiomics import imageoperations

    if options.get("resegmentRange") is not None:
        with quietly():
            kept = imageoperations.resegmentMask(sitk_image(values), sitk_image(mask.astype(np.uint8)), **options)
        mask = sitk.GetArrayFromImage(kept) == 1
    if options.get("outlierSigma") is not None:
        inside = values[mask]
        mask = mask & (np.abs(values - inside.mean()) <= options["outlierSigma"] * inside.std())
    return mask


def _check_size(region: Region, options: dict[str, Any]) -> None:
    """PyRadiomics' checks of a mask, in our words."""
    n_wide = sum(s > 1 for s in region.size)
    needed = options.get("minimumROIDimensions", 2)
    if n_wide == 0:
        raise DataError(
            "the region is a single voxel, of which there are no features. Look at the mask, or leave the case out."
        )
    if n_wide < needed:
        raise DataError(
            f"the region extends along {n_wide} of the image's axes, and minimumROIDimensions asks for {needed}. "
            "Look at the mask, or lower minimumROIDimensions."
        )
    least = options.get("minimumROISize")
    if least is not None and region.n_voxels <= least:
        raise DataError(
            f"the region has {region.n_voxels} voxels, and minimumROISize asks for more than {least}. Look at the mask,"
            " or lower it."
        )
