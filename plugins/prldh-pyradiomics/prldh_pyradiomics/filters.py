"""Filtered values of an image within regions, without filtering the whole image where the result is the same.

Square, square root, logarithm and exponential look at one voxel and at the extremes of the whole image, so they are
computed for the region's voxels alone, by PyRadiomics' own operations. Wavelets and LoG look around, so they are
computed on what the regions need. For every other image type PyRadiomics filters the whole image, once for all readers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from prldh.api import DataError
from prldh_pyradiomics.own import quietly, radiomics_version, sitk_image
from prldh_pyradiomics.region import Box, Region, whole_box
from prldh_pyradiomics.wavelet import wavelet_images

#: A part filtered alone differs by what lies further away than this many sigma. At 10 the values differ from the whole
#: image's by up to 1e-7 of their range, at 16 by nothing that single precision could hold.
LOG_REACH_SIGMAS = 16
LOG_REACH_VOXELS = 2


class Image:
    """An image that several regions lie in: (z, y, x) values, spacing in mm (z, y, x), and its extremes, looked at
    once."""

    def __init__(
        self, values: np.ndarray, spacing_mm: tuple[float, ...], regions: list[Region], exact_log: bool
    ) -> None:
        self.values = values
        self.spacing_mm = spacing_mm
        self.regions = regions
        self.exact_log = exact_log
        self._extremes: tuple[np.float64, np.float64] | None = None

    @property
    def extremes(self) -> tuple[np.float64, np.float64]:
        """Smallest and largest value of the whole image."""
        if self._extremes is None:
            self._extremes = np.float64(self.values.min()), np.float64(self.values.max())
        return self._extremes

    @property
    def largest(self) -> np.float64:
        """The largest absolute value."""
        low, high = self.extremes
        return max(abs(low), abs(high))

    def own_values(self) -> list[np.ndarray]:
        """The unfiltered values of every region."""
        return [self.values[r.box][r.mask] for r in self.regions]

    def pick(self, part: np.ndarray, box: Box) -> list[np.ndarray]:
        """The values of every region out of a filtered part of the image that lies at ``box``."""
        values = []
        for region in self.regions:
            inner = tuple(slice(r.start - b.start, r.stop - b.start) for r, b in zip(region.box, box, strict=True))
            values.append(part[inner][region.mask])
        return values

    def groups(self) -> Iterator[tuple[Box, list[int]]]:
        """Boxes to filter with the regions in them: one around all regions where that is no more work than one for
        each."""
        boxes = [r.box for r in self.regions]
        z, y, x = (slice(min(b[a].start for b in boxes), max(b[a].stop for b in boxes)) for a in range(3))
        around = z, y, x
        if _volume(around) <= sum(map(_volume, boxes)):
            yield around, list(range(len(boxes)))
        else:
            yield from ((box, [i]) for i, box in enumerate(boxes))


def _volume(box: Box) -> int:
    return int(np.prod([s.stop - s.start for s in box]))


def filtered_values(
    image: Image, image_types: dict[str, dict[str, Any]], options: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any], list]]:
    """Each filtered image in turn: PyRadiomics' name of it, the settings for it, and the values of every region.

    Raises
    ------
    DataError
        If an image type cannot be made of this image.
    """
    for image_type, own in image_types.items():
        settings = options | own
        if image_type == "Original":
            yield "original", settings, image.own_values()
        elif image_type in POINTWISE:
            name, function = POINTWISE[image_type]
            yield name, settings, [function(v.astype(float), image) for v in image.own_values()]
        elif image_type == "Wavelet":
            yield from _wavelets(image, settings)
        elif image_type == "LoG":
            yield from _logs(image, settings)
        else:
            yield from _by_pyradiomics(image, image_type, settings)


def _square(values: np.ndarray, image: Image) -> np.ndarray:
    return ((1 / np.sqrt(image.largest)) * values) ** 2


def _square_root(values: np.ndarray, image: Image) -> np.ndarray:
    up, down = values > 0, values < 0
    values[up] = np.sqrt(values[up] * image.largest)
    values[down] = -np.sqrt(-values[down] * image.largest)
    return values


def _signed_log(values: np.ndarray) -> np.ndarray:
    up, down = values > 0, values < 0
    values[up] = np.log(values[up] + 1)
    values[down] = -np.log(-(values[down] - 1))
    return values


def _logarithm(values: np.ndarray, image: Image) -> np.ndarray:
    top = np.abs(_signed_log(np.array(image.extremes))).max()
    return _signed_log(values) * (image.largest / top)


def _exponential(values: np.ndarray, image: Image) -> np.ndarray:
    return np.exp((np.log(image.largest) / image.largest) * values)


POINTWISE: dict[str, tuple[str, Callable[[np.ndarray, Image], np.ndarray]]] = {
    "Square": ("square", _square),
    "SquareRoot": ("squareroot", _square_root),
    "Logarithm": ("logarithm", _logarithm),
    "Exponential": ("exponential", _exponential),
}


def _wavelets(image: Image, settings: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list]]:
    by_name: dict[str, list] = {}
    for box, members in image.groups():
        some = Image(image.values, image.spacing_mm, [image.regions[i] for i in members], image.exact_log)
        for name, part in wavelet_images(image.values, box, settings).items():
            per_region = by_name.setdefault(name, [None] * len(image.regions))
            for i, values in zip(members, some.pick(part, box), strict=True):
                per_region[i] = values
    for name, per_region in by_name.items():
        yield name, settings, per_region


def check_log(size: tuple[int, ...], spacing_mm: tuple[float, ...], sigmas: list[float]) -> None:
    """Refuse what PyRadiomics would leave out with a warning, because every case must have the same features."""
    if min(size) < 4:
        raise DataError(
            f"the image is {' x '.join(map(str, size))} voxels (z, y, x), and LoG needs at least 4 along each axis."
            " Leave LoG out."
        )
    for sigma in sigmas:
        needed = np.ceil(sigma / np.asarray(spacing_mm)) + 1
        if (np.asarray(size) < needed).any():
            raise DataError(
                f"the image is {' x '.join(map(str, size))} voxels (z, y, x), too small for LoG with sigma {sigma} mm,"
                f" which needs {' x '.join(str(int(n)) for n in needed)}. Choose a smaller sigma."
            )


def _logs(image: Image, settings: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list]]:
    import SimpleITK as sitk

    sigmas = settings.get("sigma", [])
    check_log(image.values.shape, image.spacing_mm, sigmas)
    for sigma in sigmas:
        per_region: list = [None] * len(image.regions)
        for box, members in image.groups():
            part = _part_for_log(image, box, sigma)
            log = sitk.LaplacianRecursiveGaussianImageFilter()
            log.SetNormalizeAcrossScale(True)
            log.SetSigma(sigma)
            out = log.Execute(sitk_image(image.values[part], spacing_mm=image.spacing_mm[::-1]))
            some = Image(image.values, image.spacing_mm, [image.regions[i] for i in members], image.exact_log)
            for i, values in zip(members, some.pick(sitk.GetArrayViewFromImage(out), part), strict=True):
                per_region[i] = values
        yield f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D", settings, per_region


def _part_for_log(image: Image, box: Box, sigma: float) -> Box:
    if image.exact_log:
        return whole_box(image.values)
    reaches = [int(np.ceil(LOG_REACH_SIGMAS * sigma / spacing)) + LOG_REACH_VOXELS for spacing in image.spacing_mm]
    z, y, x = (
        slice(max(side.start - reach, 0), min(side.stop + reach, n))
        for side, n, reach in zip(box, image.values.shape, reaches, strict=True)
    )
    return z, y, x


def _by_pyradiomics(
    image: Image, image_type: str, settings: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any], list]]:
    """PyRadiomics' own filter on the whole image; LBP3D looks at the mask, so it is made for each region."""
    radiomics_version()
    import SimpleITK as sitk
    from radiomics import imageoperations

    function = getattr(imageoperations, f"get{image_type}Image")
    whole = whole_box(image.values)
    source = sitk_image(image.values, spacing_mm=image.spacing_mm[::-1])
    by_name: dict[str, list] = {}
    for i, region in enumerate(image.regions):
        if i and image_type != "LBP3D":
            break
        mask = np.zeros(image.values.shape, dtype=np.uint8)
        mask[region.box][region.mask] = 1
        with quietly():
            outs = list(function(source, sitk_image(mask, spacing_mm=image.spacing_mm[::-1]), **settings))
        for out, name, _ in outs:
            picked = image.pick(sitk.GetArrayViewFromImage(out), whole)
            per_region = by_name.setdefault(name, list(picked))
            per_region[i] = picked[i]
    if not by_name:
        raise DataError(f"PyRadiomics makes no {image_type} image of this case. Leave {image_type} out.")
    for name, values in by_name.items():
        yield name, settings, values
