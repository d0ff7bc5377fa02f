"""PyRadiomics parameter files (YAML or JSON): read, and checked in words that say where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from prldh.api import StudyError, nearest, parse_json, parse_yaml, quoted, read_text, shown
from prldh_pyradiomics.settings import ALL_CLASSES, DEFAULTS, IMAGE_TYPES, Overrides, Plan

SECTIONS = ("setting", "imageType", "featureClass", "voxelSetting")
#: Settings that have no meaning here: masks come on the image's grid, and what is written beside the values is fixed.
WITHOUT_EFFECT = ("additionalInfo", "geometryTolerance", "correctMask", "enableCExtensions")
ELSEWHERE = ("label", "label_channel")


def read_parameters(path: Path) -> Plan:
    """The plan that a PyRadiomics parameter file describes.

    Raises
    ------
    StudyError
        If the file is missing or not YAML or JSON, or holds a key or value that PyRadiomics does not have.
    """
    content = _load(path)
    for name in content:
        if name not in SECTIONS:
            raise _unknown(path, "the top of the file", name, SECTIONS)
    if content.get("voxelSetting"):
        raise StudyError(f"{path}: voxelSetting asks for maps of features, which are not offered here. Remove it.")
    options = _options(path, "setting", content.get("setting") or {})
    images = {
        name: _options(path, f"imageType.{name}", own or {})
        for name, own in (content.get("imageType") or {"Original": {}}).items()
    }
    for name in images:
        if name not in IMAGE_TYPES:
            raise _unknown(path, "imageType", name, IMAGE_TYPES)
    if "LoG" in images and not images["LoG"].get("sigma", options.get("sigma")):
        raise StudyError(
            f"{path}: imageType.LoG has no sigma, so it would give no image. Add `sigma: [1.0, 2.0, 3.0]` (in mm)"
            " below it."
        )
    classes = _classes(path, content.get("featureClass") or dict.fromkeys(ALL_CLASSES))
    if "shape2D" in classes and not options.get("force2D"):
        raise StudyError(
            f"{path}: featureClass.shape2D needs `force2D: true` below setting. Add it, or remove shape2D."
        )
    base = {k: v for k, v in DEFAULTS.items() if not (k == "binWidth" and "binCount" in options)}
    return Plan(base | options, images, classes)


def _load(path: Path) -> dict[str, Any]:
    text = read_text(path, "extraction.pyradiomics.preset: parameter file", advice="Check the path.")
    is_json = path.suffix.lower() == ".json"
    content = parse_json(text, str(path)) if is_json else parse_yaml(text, str(path)).content
    if not isinstance(content, dict) or not all(isinstance(v, dict) or v is None for v in content.values()):
        raise StudyError(
            f"{path} is not a PyRadiomics parameter file: it must hold the sections {', '.join(SECTIONS[:3])}, each"
            " with keys below it."
        )
    return content


def _unknown(path: Path, where: str, name: str, known: Any) -> StudyError:
    near = nearest(name, known)
    hint = f"Did you mean '{near}'?" if near else f"Known: {', '.join(known)}."
    return StudyError(f"{path}: {where} has '{shown(name)}', which PyRadiomics does not know. {hint}")


def _options(path: Path, where: str, given: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise StudyError(f"{path}: {where} must be a list of settings with values, found {quoted(given)}.")
    for name in given:
        if name in ELSEWHERE and given[name] not in (None, 1 if name == "label" else 0):
            raise StudyError(
                f"{path}: {where}.{name} is {quoted(given[name])}; which part of a mask is meant is said in the cases"
                " table (columns label and segment). Remove it here."
            )
        if name not in Overrides.model_fields and name not in WITHOUT_EFFECT + ELSEWHERE:
            raise _unknown(path, where, name, [*Overrides.model_fields, *WITHOUT_EFFECT])
    try:
        return Overrides(**{k: v for k, v in given.items() if k in Overrides.model_fields and v is not None}).given()
    except ValidationError as error:
        first = error.errors()[0]
        # beside the places stand the forms that a value may have
        inside = [key for key in first["loc"][1:] if isinstance(key, int)]
        place = ".".join([where, *map(shown, [first["loc"][0], *inside])])
        reason = first["msg"].removeprefix("Value error, ").replace("Input should be", "it must be").rstrip(".")
        raise StudyError(f"{path}: {place} is {quoted(first['input'])}: {reason}.") from None


def _classes(path: Path, given: dict[str, Any]) -> dict[str, list[str] | None]:
    from prldh_pyradiomics.own import feature_names

    classes: dict[str, list[str] | None] = {}
    for name, wanted in given.items():
        if name not in (*ALL_CLASSES, "shape2D"):
            raise _unknown(path, "featureClass", name, (*ALL_CLASSES, "shape2D"))
        if wanted is not None and not isinstance(wanted, list):
            raise StudyError(
                f"{path}: featureClass.{name} must be empty (all features) or a list of features, found"
                f" {quoted(wanted)}."
            )
        for feature in wanted or ():
            if not isinstance(feature, str) or feature not in feature_names(name):
                raise _unknown(path, f"featureClass.{name}", feature, feature_names(name))
        classes[name] = wanted or None
    return classes
