"""Which rule answers which item of the IBSI reporting guidelines."""

from __future__ import annotations

from prldh.checklists import data_rules, model_rules, performance_rules
from prldh.checklists.data_rules import for_item
from prldh.checklists.dossier import Dossier
from prldh.checklists.feature_rules import TEXTURE, compliance, feature_set, software
from prldh.checklists.findings import Finding, ask, filled, report, setting
from prldh.checklists.image_rules import (
    Rule,
    anti_aliasing,
    discretisation,
    filters,
    from_dicom,
    image_steps,
    interpolator,
    mask_conversion,
    mask_files,
    modality,
    normalisation,
    nothing_in_extraction,
    other_modality,
    other_processing,
    processed,
    resampling,
    resegmentation,
    rounding,
    scanner,
    segmentation_method,
    spacing,
    voxel_size,
)
from prldh.checklists.items import Item, load_standard

PROCESSING: dict[str, Rule] = {
    "7": scanner,
    "8": modality,
    "28": spacing("in-plane"),
    "30": spacing("slices"),
    "41": anti_aliasing,
    "42": nothing_in_extraction,
    "44": nothing_in_extraction,
    "45": nothing_in_extraction,
    "46": normalisation,
    "47": other_processing,
    "48a": segmentation_method,
    "48c": mask_files,
    "49": mask_conversion,
    "50a": interpolator,
    "50b": resampling(lambda e: "corner of the origin voxel aligned (PyRadiomics; cannot be set)", "not resampled"),
    "50c": resampling(None, "not resampled"),
    "50d": resampling(None, "not resampled"),
    "51": voxel_size,
    "52": rounding,
    "53": resampling(lambda e: "nearest neighbour (PyRadiomics; cannot be set)", "not resampled"),
    "54": resampling(lambda e: "none: nearest neighbour leaves no partial voxels", "not resampled"),
    "55": resegmentation,
    "56a": discretisation("method"),
    "56b": discretisation("size"),
    "56c": discretisation("edge"),
    "57": filters,
    "58": feature_set,
    "59": compliance,
    "61": software,
    **TEXTURE,
}


def image_rule(d: Dossier, item: Item) -> Finding:
    """The IBSI items on patients, images, processing and features: by modality, then the item's own rule, then DICOM
    fields."""
    steps = image_steps(d, item.number)
    if steps is not None:
        return processed(d, steps, PROCESSING.get(item.number, from_dicom)(d, item))
    return other_modality(d, item) or PROCESSING.get(item.number, from_dicom)(d, item)


def _beside(first: Finding, second: Finding) -> Finding:
    """Both are the author's; what the run shows of either."""
    value = "; ".join(f.value for f in (first, second) if f.value) or None
    return ask(value, *first.evidence, *second.evidence)


MODEL_ITEMS = {
    "1": lambda d, item: _beside(image_rule(d, item), data_rules.regions(d)),
    "60": for_item(data_rules.reliability),
    "73": for_item(performance_rules.non_radiomic),
    "74": for_item(model_rules.multicollinearity),
    "48b": for_item(model_rules.readers),
    "75": for_item(model_rules.ready("the frozen models", "model.json")),
    "76": for_item(model_rules.ready("the analysed data", "reproduce")),
}


def tripod_is_filled(d: Dossier, item: Item) -> Finding:
    if "tripod-ai" in d.settings.get("report", {}).get("checklists", []):
        return filled(
            "the TRIPOD+AI checklist is filled in beside this one",
            report("checklists"),
            setting("report.checklists"),
            remaining="what it leaves to the author",
        )
    return ask("this run did not fill in the TRIPOD+AI checklist" if d.results else None)


def ibsi_rules() -> dict[str, Rule]:
    standard = load_standard("ibsi")
    return {item.number: MODEL_ITEMS.get(item.number, image_rule) for item in standard.items} | {"72": tripod_is_filled}
