"""The fast path: what PyRadiomics computes, with the same values, without doing the same work many times."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prldh.api import Case
from prldh_pyradiomics.classes import fast_classes
from prldh_pyradiomics.filters import Image, filtered_values
from prldh_pyradiomics.formulas import FORMULAS, NAMES
from prldh_pyradiomics.own import quietly, radiomics_version, sitk_image
from prldh_pyradiomics.prepare import prepare
from prldh_pyradiomics.region import Region
from prldh_pyradiomics.settings import Plan
from prldh_pyradiomics.shape import Shape, fast_shape
from prldh_pyradiomics.slow import correct
from prldh_pyradiomics.texture import GreyLevels


def extract_fast(case: Case, plan: Plan) -> tuple[dict[str, float], ...]:
    """Values of every reader's region, by PyRadiomics' names and in its order.

    Raises
    ------
    DataError
        If the image or a region cannot be used.
    """
    return _extract(case, plan)


@dataclass(frozen=True)
class Part:
    """One filtered image of a case, or several: those of an image type, of which only the ``only``-th where that is
    said; shapes are in the first part."""

    image_types: dict[str, dict[str, Any]]
    only: int | None = None
    is_first: bool = False


def parts_of(plan: Plan) -> list[Part]:
    """A part for every filtered image, where it is known how many there will be."""
    parts: list[Part] = []
    for name, own in plan.image_types.items():
        options = plan.options | own
        if name == "Wavelet":
            axes = 2 if options.get("force2D", False) else 3
            parts += [Part({name: own}, k) for k in range((2**axes - 1) * options.get("level", 1) + 1)]
        elif name == "LoG":
            parts += [Part({name: own | {"sigma": [sigma]}}) for sigma in options.get("sigma", [])]
        else:
            parts.append(Part({name: own}))
    return [replace(part, is_first=k == 0) for k, part in enumerate(parts)]


def extract_part(case: Case, plan: Plan, part: Part) -> tuple[dict[str, float], ...]:
    """As :func:`extract_fast`, of one part."""
    classes = {k: v for k, v in plan.classes.items() if part.is_first or not k.startswith("shape")}
    own = replace(plan, image_types=part.image_types, classes=classes)
    return _extract(case, own, part.only)


def _extract(case: Case, plan: Plan, only: int | None = None) -> tuple[dict[str, float], ...]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyRadiomics divides by 0 where a value does not exist, and says so
        return _values(case, plan, only)


def _values(case: Case, plan: Plan, only: int | None) -> tuple[dict[str, float], ...]:
    results: list[dict[str, float]] = [{} for _ in case.masks]
    for prepared in prepare(case.image, case.masks, plan):
        image = prepared.image
        for reader, shape in zip(prepared.readers, prepared.shapes, strict=True):
            results[reader] |= shape_values(image, shape, plan)
        for k, (name, options, values) in enumerate(filtered_values(image, plan.image_types, plan.options)):
            if only is not None and k != only:
                continue
            for reader, region, own in zip(prepared.readers, image.regions, values, strict=True):
                results[reader] |= texture_values(
                    name, GreyLevels(own, region, options, lower_edge(options, plan)), plan
                )
        for reader, shape in zip(prepared.readers, prepared.shapes, strict=True):
            results[reader] = correct(results[reader], plan, shape.n_voxels)
    return tuple(results)


def lower_edge(options: dict[str, Any], plan: Plan) -> float | str | None:
    """Where bins of a fixed width begin: IBSI's is the lower bound of re-segmentation, or the region's minimum; None is
    PyRadiomics'."""
    if "bin_edges" not in plan.corrections or options.get("binCount") is not None:
        return None
    is_bounded = options.get("resegmentRange") is not None and options.get("resegmentMode", "absolute") == "absolute"
    return float(min(options["resegmentRange"])) if is_bounded else "minimum"


def shape_values(image: Image, region: Region, plan: Plan) -> dict[str, float]:
    """Shape of a region; PyRadiomics always calls it that of the original image."""
    values: dict[str, float] = {}
    if "shape" in plan.classes:
        known, wanted = Shape(region).values(), plan.classes["shape"]
        if wanted is not None and not known.keys() >= set(wanted):
            radiomics_version()
            values |= _run(fast_shape()(region, plan.options), wanted, "original_shape")
        else:
            values |= {f"original_shape_{name}": float(known[name]) for name in wanted or known}
    if "shape2D" in plan.classes:
        radiomics_version()
        from radiomics import shape2D

        part = sitk_image(image.values[region.box], spacing_mm=region.spacing_mm[::-1])
        mask = sitk_image(region.mask.astype(np.uint8), spacing_mm=region.spacing_mm[::-1])
        with quietly():
            values |= _run(
                shape2D.RadiomicsShape2D(part, mask, **plan.options), plan.classes["shape2D"], "original_shape2D"
            )
    return values


def texture_values(name: str, grey: GreyLevels, plan: Plan) -> dict[str, float]:
    """All classes but shape for one filtered image."""
    values: dict[str, float] = {}
    for feature_class, wanted in plan.classes.items():
        if feature_class.startswith("shape"):
            continue
        names, known = wanted or NAMES[feature_class], FORMULAS[feature_class](grey)
        left = [feature for feature in names if feature not in known]
        if left:
            known |= _by_pyradiomics(feature_class, grey, left)
        values |= {f"{name}_{feature_class}_{feature}": float(known[feature]) for feature in names}
    return values


def _by_pyradiomics(feature_class: str, grey: GreyLevels, names: list[str]) -> dict[str, float]:
    """Features by PyRadiomics' own class: those where rounding is all there is, and deprecated ones."""
    radiomics_version()
    computed = fast_classes()[feature_class](grey)
    for name in names:
        computed.enableFeatureByName(name)
    return dict(computed.execute())


def _run(computed: Any, wanted: list[str] | None, prefix: str) -> dict[str, float]:
    for feature in wanted or ():
        computed.enableFeatureByName(feature)
    return {f"{prefix}_{feature}": float(value) for feature, value in computed.execute().items()}
