"""What each feature is: unit, IBSI code, family, image type, and whether the definition is IBSI's."""

from __future__ import annotations

from typing import Any

from prldh.api import describe_feature
from prldh_pyradiomics.settings import Plan

#: Units of shape and first-order features; whatever counts grey levels has none. Intensities are in the unit of the
#: (filtered) image.
UNITS = {
    "shape_MeshVolume": "mm³",
    "shape_VoxelVolume": "mm³",
    "shape_SurfaceArea": "mm²",
    "shape_SurfaceVolumeRatio": "1/mm",
    "shape2D_MeshSurface": "mm²",
    "shape2D_PixelSurface": "mm²",
    "shape2D_Perimeter": "mm",
    "shape2D_PerimeterSurfaceRatio": "1/mm",
    "firstorder_Energy": "intensity²",
    "firstorder_TotalEnergy": "intensity² mm³",
    "firstorder_Variance": "intensity²",
    **dict.fromkeys(("firstorder_Entropy", "firstorder_Uniformity", "firstorder_Skewness", "firstorder_Kurtosis"), "1"),
}


def unit(family: str, feature: str) -> str:
    """The unit of a feature."""
    known = UNITS.get(f"{family}_{feature}")
    if known:
        return known
    if family.startswith("shape"):
        return "mm" if feature.endswith(("AxisLength", "Diameter")) or "Diameter" in feature else "1"
    return "intensity" if family == "firstorder" else "1"


def describe(name: str, plan: Plan) -> dict[str, Any]:
    """``unit``, ``ibsi`` (code or None), ``family`` (IBSI's, or PyRadiomics' class where IBSI has none),
    ``image_type``, ``class``, ``aggregation`` (code or None), ``deviates`` and ``note``."""

    image, family, feature = name.rsplit("_", 2)
    row = describe_feature(name, plan.options | plan.image_options(image))
    description = {
        "unit": unit(family, feature),
        "ibsi": row["ibsi_code"],
        "family": row["family"] or family,
        "image_type": image,
        "class": family,
        "aggregation": row["aggregation_code"],
        "deviates": row["deviates"],
        "note": row["note"],
    }
    if plan.is_corrected(family, feature, row["deviates"]):
        description |= {"deviates": "no", "note": "corrected to IBSI's definition"}
    return description
