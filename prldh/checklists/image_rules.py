"""Rules on images and features: acquisition from DICOM fields, processing and features from the settings of the
extraction.

Each takes the dossier and the item and says what is known. A setting that is not written down where the features were
made is asked of the author: PyRadiomics' defaults are never taken for what was done, unless PyRadiomics itself says
which settings it ran with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from prldh.checklists.dossier import Dossier
from prldh.checklists.findings import Finding, ask, extraction, filled, not_applicable
from prldh.checklists.items import Item
from prldh.checklists.phrases import key_in_words, value_in_words
from prldh.ibsi import Extraction

Rule = Callable[[Dossier, Item], Finding]
#: DICOM's modalities by the words of the standard.
MODALITY = {"CT": "CT", "MR": "MRI", "PT": "PET", "NM": "SPECT"}
#: Items that a DICOM field hints at, but does not answer alone.
HINTED = {"1", "3b", "3d", "4d", "6", "9a", "10", "12", "13", "16", "25", "31b", "32b", "32c", "33", "35a"}
#: Of DICOM's numbers (PS3.6 and the modules' definitions).
UNITS = {
    "KVP": " kV",
    "XRayTubeCurrent": " mA",
    "Exposure": " mAs",
    "SliceThickness": " mm",
    "SpacingBetweenSlices": " mm",
    "PixelSpacing": " mm",
    "ReconstructionDiameter": " mm",
    "MagneticFieldStrength": " T",
    "RepetitionTime": " ms",
    "EchoTime": " ms",
    "InversionTime": " ms",
    "FlipAngle": "°",
    "DiffusionBValue": " s/mm²",
    "AcquisitionDuration": " s",
    "ActualFrameDuration": " ms",
    "ContrastBolusVolume": " mL",
}
#: How the format of an image begins that was resampled onto an upright grid as it was read.
SHEARED = "sheared "
BEFORE = "what was done to the images before the extraction"


def join(extractions: tuple[Extraction, ...], describe: Callable[[Extraction], str | None]) -> str | None:
    """What is said of every extraction, once where all are alike; None where nothing is said."""
    texts = {e.name: text for e in extractions if (text := describe(e))}
    if len(set(texts.values())) <= 1:
        return next(iter(texts.values()), None)
    return "; ".join(f"{name}: {text}" for name, text in texts.items())


def from_settings(
    d: Dossier,
    key: str,
    describe: Callable[[Extraction], str | None],
    remaining: str | None = None,
    what: str = "settings",
) -> Finding:
    """Filled where the settings of every extraction are known; with some of them only, or none, the author is asked."""
    evidence = tuple(extraction(e, what, key) for e in d.known)
    value = join(d.known, describe)
    if not d.known or value is None:
        return ask()
    unknown = [e.name for e in d.extractions if e.settings is None] + d.given_scores
    if unknown:
        return ask(f"{value} (not known of {', '.join(unknown)})", *evidence)
    return filled(value, *evidence, remaining=remaining)


def shown(e: Extraction, key: str) -> str:
    """A setting's values in words, and whether they are the default."""
    words = " or ".join(map(value_in_words, e.setting(key)))
    return f"{words} (PyRadiomics' default)" if e.is_default(key) else words


def one(e: Extraction, key: str) -> Any:
    """The one value of a setting, or None where rows differ."""
    values = e.setting(key)
    return values[0] if len(values) == 1 else None


def other_modality(d: Dossier, item: Item) -> Finding | None:
    """Not applicable where the item is about another modality than every image's."""
    if not item.modality or not d.modalities or not d.modalities <= set(MODALITY):
        return None
    present = {MODALITY[m] for m in d.modalities}
    about = {word.split(" ")[0].removeprefix("DWI-") for word in item.modality}
    if about & {"dynamic"} or about & present:
        return None
    return not_applicable(
        f"the images are {' and '.join(sorted(present))}; this is about {' or '.join(item.modality)}",
        *(extraction(e, "modality") for e in d.extractions if e.modalities),
    )


def from_dicom(d: Dossier, item: Item) -> Finding:
    """From the DICOM fields that the extraction kept, with counts of images."""
    fields = [(e, k) for e in d.extractions for k in item.dicom if k in e.dicom]
    if not fields:
        return ask()

    def describe(e: Extraction) -> str:
        return "; ".join(
            f"{key_in_words(k)} {counted(e.dicom[k], unit=UNITS.get(k, ''))}" for k in item.dicom if k in e.dicom
        )

    value, evidence = (
        join(d.extractions, describe),
        tuple(extraction(e, f"{key_in_words(k)} in the headers", f"cases[].dicom.{k}") for e, k in fields),
    )
    whole = all(any(k in e.dicom for k in item.dicom) for e in d.extractions)
    return filled(value, *evidence) if whole and item.number not in HINTED else ask(value, *evidence)


def counted(counts: Mapping[Any, int], most: int = 6, unit: str = "") -> str:
    """The values with how many patients have each, the commonest first."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    more = f" and {len(ranked) - most} more" if len(ranked) > most else ""
    return ", ".join(f"{value}{unit} ({n})" for value, n in ranked[:most]) + more


def scanner(d: Dossier, item: Item) -> Finding:
    """The maker is read, the model is not: its field may hold any text."""
    finding = from_dicom(d, item)
    return (
        replace(finding, remaining="the models of the scanners")
        if finding.status == "filled" and not all("ManufacturerModelName" in e.dicom for e in d.extractions)
        else finding
    )


def modality(d: Dossier, item: Item) -> Finding:
    known = tuple(e for e in d.extractions if e.modalities)
    if not known:
        return from_dicom(d, item)
    value = join(known, lambda e: counted({MODALITY.get(m, m): n for m, n in e.modalities.items()}))
    evidence = tuple(extraction(e, "modality") for e in known)
    return filled(value, *evidence) if len(known) == len(d.extractions) else ask(value, *evidence)


def spacing(which: str) -> Rule:
    """In-plane resolution or slice spacing, from the images' voxel sizes."""

    def rule(d: Dossier, item: Item) -> Finding:
        known = tuple(e for e in d.extractions if e.spacings)
        if not known:
            return from_dicom(d, item)
        axes = (0, 1) if which == "in-plane" else (2,)

        def describe(e: Extraction) -> str | None:
            counts: Counter[str] = Counter()
            for size, n in e.spacings.items():
                if len(size) > max(axes):
                    counts[" × ".join(f"{size[a]:g}" for a in axes) + " mm"] += n
            return f"{counted(counts)}, as stored in the images read" if counts else None

        value, evidence = join(known, describe), tuple(extraction(e, "voxel size") for e in known)
        if value is None:
            return ask()
        return (
            filled(value, *evidence, remaining="whether the images were resampled before")
            if len(known) == len(d.extractions)
            else ask(value, *evidence)
        )

    return rule


# ---------------------------------------------------------------- masks

CONTOURS = "DICOM RTSTRUCT"


def mask_files(d: Dossier, item: Item) -> Finding:
    """In which formats the masks came; which tool made them, the author says, but where the format is one tool's
    own."""
    known = tuple(e for e in d.extractions if e.mask_formats)
    return (
        ask(
            join(known, lambda e: f"masks came as {counted(e.mask_formats)}"),
            *(extraction(e, "format of masks") for e in known),
        )
        if known
        else ask()
    )


def segmentation_method(d: Dossier, item: Item) -> Finding:
    """DICOM SEG has a field for it, which programs often fill in by default: so the author is asked."""
    value = join(
        d.extractions, lambda e: counted({f: n for f, n in e.mask_formats.items() if f.startswith("DICOM SEG, ")})
    )
    return (
        ask(f"as the files say: {value}", *(extraction(e, "format of masks") for e in d.extractions if e.mask_formats))
        if value
        else ask()
    )


def mask_conversion(d: Dossier, item: Item) -> Finding:
    """Contours become voxels here; label maps were voxels already."""
    known = tuple(e for e in d.extractions if e.mask_formats)
    if not known or not any(CONTOURS in e.mask_formats for e in known):
        return mask_files(d, item)
    value = (
        f"contours ({CONTOURS}): a voxel belongs to the region where its centre lies inside an odd number of the"
        " contours of its slice"
    )
    evidence = tuple(extraction(e, "format of masks") for e in known)
    whole = (
        len(known) == len(d.extractions)
        and not d.given_scores
        and all(set(e.mask_formats) == {CONTOURS} for e in known)
    )
    return filled(value, *evidence) if whole else ask(f"{value}; {mask_files(d, item).value}", *evidence)


# ---------------------------------------------------------------- processing


def _target(e: Extraction) -> str:
    """The voxel sizes resampled to; empty for no resampling."""
    return " or ".join(_size(v) for v in e.setting("resampledPixelSpacing") if v)


def _size(voxel: Any) -> str:
    """``1 × 1 × 3``."""
    return " × ".join(map(value_in_words, voxel)) if isinstance(voxel, (list, tuple)) else value_in_words(voxel)


def resampling(describe: Callable[[Extraction], str] | None, otherwise: str) -> Rule:
    """An item about resampling: not applicable where no extraction resampled; asked of the author where nothing is
    known to say."""

    def rule(d: Dossier, item: Item) -> Finding:
        if describe is None and any(_target(e) for e in d.known):
            return ask()
        finding = from_settings(
            d, "resampledPixelSpacing", lambda e: (describe(e) if describe else None) if _target(e) else otherwise
        )
        if finding.status == "filled" and not any(_target(e) for e in d.known):
            return not_applicable(otherwise, *finding.evidence)
        return finding

    return rule


def interpolator(d: Dossier, item: Item) -> Finding:
    def describe(e: Extraction) -> str:
        said = shown(e, "interpolator") if _target(e) else "not resampled"
        n = sum(n for kind, n in e.image_formats.items() if kind.startswith(SHEARED))
        return f"{said}; {n} with sheared axes resampled linearly onto an upright grid when read" if n else said

    return from_settings(d, "resampledPixelSpacing, interpolator", describe)


def voxel_size(d: Dossier, item: Item) -> Finding:
    def describe(e: Extraction) -> str:
        if not _target(e):
            return "not resampled: the images' own voxel size"
        came = {" × ".join(f"{v:g}" for v in size): n for size, n in e.resampled.items()}
        return f"{_target(e)} mm" + (f"; found after resampling: {counted(came, unit=' mm')}" if came else "")

    return from_settings(d, "resampledPixelSpacing", describe)


def anti_aliasing(d: Dossier, item: Item) -> Finding:
    return from_settings(
        d,
        "resampledPixelSpacing",
        lambda e: "none: PyRadiomics resamples without such a filter" if _target(e) else "none: not resampled",
        BEFORE,
    )


def normalisation(d: Dossier, item: Item) -> Finding:
    def describe(e: Extraction) -> str:
        if not any(e.setting("normalize")):
            return "none in the extraction"
        clip = one(e, "removeOutliers")
        return f"z-score over the whole image, each by itself, times {shown(e, 'normalizeScale')}" + (
            f", clipped at {clip} SD" if clip else ""
        )

    return from_settings(d, "normalize", describe, BEFORE)


def image_steps(d: Dossier, number: str | None = None) -> str | None:
    """The image steps that answer an item of IBSI's guidelines, or all of them; None where there is none."""

    def describe(e: Extraction) -> str | None:
        steps = [s for s in e.image_steps if number in (None, s["ibsi_item"])]
        return "; then ".join(map(_step_in_words, steps)) or ("none here" if e.image_steps else None)

    is_answered = any(number in (None, s["ibsi_item"]) for e in d.extractions for s in e.image_steps)
    return join(d.extractions, describe) if is_answered else None


def _step_in_words(step: Mapping[str, Any]) -> str:
    settings = value_in_words(step["settings"]) if step["settings"] else ""
    software = ", ".join(f"{package} {version}" for package, version in step["packages"].items())
    return (
        f"{step['label']}{f' ({software})' if software else ''}, each image by itself{f': {settings}' * bool(settings)}"
    )


def processed(d: Dossier, steps: str, beside: Finding) -> Finding:
    """Steps that were made here, and what the settings of the extraction say of the item."""
    value = f"{steps}; {beside.value}" if beside.value else steps
    done = (extraction(e, "image steps", "image_steps") for e in d.extractions if e.image_steps)
    evidence = (*done, *beside.evidence)
    whole = all(e.image_steps for e in d.extractions) and not d.given_scores
    return filled(value, *evidence, remaining=BEFORE) if whole else ask(value, *evidence)


def preprocessing(d: Dossier, item: Item) -> Finding:
    """CLEAR 21: all image steps, and the normalisation within the extraction."""
    steps, within = image_steps(d), normalisation(d, item)
    return within if steps is None else processed(d, steps, within)


def other_processing(d: Dossier, item: Item) -> Finding:
    value = join(
        d.known,
        lambda e: (
            f"intensities shifted by {shown(e, 'voxelArrayShift')}"
            if any(e.setting("voxelArrayShift"))
            else "none in the extraction"
        ),
    )
    return ask(value, *(extraction(e, "settings") for e in d.known)) if value else ask()


def nothing_in_extraction(d: Dossier, item: Item) -> Finding:
    """Steps that PyRadiomics does not have: none was made by it, what came before is the author's."""
    return (
        ask("none in the extraction (PyRadiomics has no such step)", *(extraction(e, "settings") for e in d.known))
        if d.known
        else ask()
    )


def rounding(d: Dossier, item: Item) -> Finding:
    return other_modality(d, item) or from_settings(
        d,
        "resampledPixelSpacing",
        lambda e: "none: PyRadiomics does not round" if _target(e) else "none: not resampled",
    )


def resegmentation(d: Dossier, item: Item) -> Finding:
    def describe(e: Extraction) -> str:
        limits = [v for v in e.setting("resegmentRange") if v]
        if not limits:
            return "none"
        shape = "the shape's mask as well" if any(e.setting("resegmentShape")) else "not the mask of shape features"
        return (
            f"{' or '.join(' to '.join(map(value_in_words, v)) for v in limits)}, {shown(e, 'resegmentMode')}; {shape}"
        )

    return from_settings(d, "resegmentRange", describe)


def discretisation(part: str) -> Rule:
    """Method, size or lowest edge of bins."""

    def describe(e: Extraction) -> str:
        counts = [c for c in e.setting("binCount") if c]
        if counts:
            text = {
                "method": "fixed number of bins (FBN, K15C)",
                "size": f"{' or '.join(map(value_in_words, counts))} bins",
                "edge": "the region's lowest intensity",
            }[part]
        elif "bin_edges" in e.corrections and part == "edge":
            text = "the lower bound of the intensities, as IBSI defines it"
        else:
            text = {
                "method": "fixed bin width (FBS, Q3RU)",
                "size": f"bin width {shown(e, 'binWidth')}",
                "edge": (
                    "the multiple of the bin width below the region's lowest intensity, counted from 0 (IBSI: from the"
                    " lower bound)"
                ),
            }[part]
        own = [
            f"{kind}: {key_in_words(key)} {value_in_words(value[key])}"
            for kind, values in (e.image_types or {}).items()
            for value in values
            if isinstance(value, Mapping)
            for key in ("binCount", "binWidth")
            if key in value
        ]
        return text + (f"; by image type: {', '.join(own)}" if own and part != "edge" else "")

    return lambda d, item: from_settings(d, "binWidth, binCount", describe)


def filters(d: Dossier, item: Item) -> Finding:
    def describe(e: Extraction) -> str:
        kinds = e.image_types if e.image_types is not None else dict.fromkeys(e.images, ({},))
        return (
            "; ".join(
                _filter(kind, [v for v in values if isinstance(v, Mapping)], e)
                for kind, values in kinds.items()
                if kind != "Original"
            )
            or "none"
        )

    if d.known and any(e.image_types is not None or e.images for e in d.known):
        return from_settings(d, "", describe, what="image types")
    named = join(d.extractions, lambda e: ", ".join(f"{key_in_words(kind)} ({n})" for kind, n in e.images.items()))
    return (
        ask(
            f"image types in the names of features: {named}",
            *(extraction(e, "names of features") for e in d.extractions),
        )
        if named
        else ask()
    )


def _filter(kind: str, values: list[Mapping[str, Any]], e: Extraction) -> str:
    own = {k: v for value in values for k, v in value.items()}
    if kind == "LoG":
        return (
            f"Laplacian of Gaussian (L6PA), sigma {value_in_words(own.get('sigma') or one(e, 'sigma'))} mm, 3D, ITK's"
            " recursive Gaussian, normalised across scales"
        )
    if kind == "Wavelet":
        name, level = own.get("wavelet") or one(e, "wavelet"), own.get("level") or one(e, "level")
        return (
            f"separable wavelet (25BO), {name}, stationary, {level} level, odd sizes padded by wrapping, no rotational"
            " invariance"
        )
    return f"{key_in_words(kind)} (outside IBSI)" + (f", {value_in_words(own)}" if own else "")
