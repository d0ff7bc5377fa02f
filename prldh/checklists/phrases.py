"""Keys and values of files in words: no reader of a checklist meets what the program calls them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from prldh.checklists.dossier import Dossier

#: Ways with blanks in covariates, by the study file's `missing`.
MISSING = {
    "complete_case": "patients with blanks left out",
    "by_model": "each model with the patients without blanks in its terms",
    "multiple_imputation": "multiple imputation",
    "error": "blanks refused",
}
#: Keys that say little when they are only spelled out: PyRadiomics' settings, DICOM's fields, settings of steps.
KEYS = {
    "force2D": "slice by slice",
    "force2Ddimension": "axis of the slices",
    "gldm_a": "dependence coarseness alpha",
    "minimumROIDimensions": "least dimensions of a region",
    "minimumROISize": "least voxels of a region",
    "normalize": "normalised",
    "normalizeScale": "scale of normalisation",
    "padDistance": "voxels kept around the region",
    "preCrop": "cropped before",
    "removeOutliers": "outliers clipped at SD",
    "resampledPixelSpacing": "voxel size",
    "resegmentRange": "re-segmentation range",
    "resegmentMode": "re-segmentation mode",
    "resegmentShape": "re-segmentation of the shape's mask",
    "symmetricalGLCM": "symmetric co-occurrence",
    "voxelArrayShift": "shift of intensities",
    "weightingNorm": "weighting by distance",
    "n_lambda": "number of penalties",
    "KVP": "tube voltage",
    "XRayTubeCurrent": "tube current",
    "MRAcquisitionType": "acquisition",
    "DiffusionBValue": "b-value",
    "ManufacturerModelName": "model",
    "SUVType": "SUV",
    "ContrastBolusAgent": "contrast agent",
    "ContrastBolusRoute": "route",
    "ContrastBolusVolume": "volume",
    "ContrastBolusTotalDose": "dose",
    "ContrastBolusStartTime": "injected at",
    "GeometryOfKSpaceTraversal": "k-space",
    "LoG": "Laplacian of Gaussian",
    "auc": "AUC",
    "brier": "Brier score",
}
#: Values that are names of a program.
VALUES = {
    "sitkBSpline": "B-spline",
    "sitkLinear": "linear",
    "sitkNearestNeighbor": "nearest neighbour",
    "sitkGaussian": "Gaussian",
    "sitkLabelGaussian": "Gaussian for labels",
    "sitkHammingWindowedSinc": "windowed sinc (Hamming)",
    "sitkCosineWindowedSinc": "windowed sinc (cosine)",
    "sitkWelchWindowedSinc": "windowed sinc (Welch)",
    "sitkLanczosWindowedSinc": "windowed sinc (Lanczos)",
    "sitkBlackmanWindowedSinc": "windowed sinc (Blackman)",
    "one_se": "within one standard error",
    "auc": "AUC",
    "brier": "Brier score",
}


def key_in_words(key: str) -> str:
    """A key of a study file, a parameter file, a DICOM header or the results.

    Examples
    --------
    >>> key_in_words("binWidth"), key_in_words("n_trees"), key_in_words("RepetitionTime"), key_in_words("gldm_a")
    ('bin width', 'trees', 'repetition time', 'dependence coarseness alpha')
    """
    last = key.rpartition("/")[2]
    if last in KEYS:
        return KEYS[last]
    spelled = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last).replace("_", " ").strip()
    return spelled.removeprefix("n ").lower() if re.search(r"[a-z]", spelled) else spelled


def value_in_words(value: Any, names: Collection[str] = ()) -> str:
    """A value of a setting; ``names``: what the study itself calls so, which stays as it is.

    Examples
    --------
    >>> value_in_words([1, 1.0, 2.5]), value_in_words(None), value_in_words("one_se")
    ('1, 1, 2.5', 'none', 'within one standard error')
    >>> value_in_words("my_centre"), value_in_words("my_centre", ["my_centre"])
    ('my centre', 'my_centre')
    >>> value_in_words({"ridge": {"n_lambda": 20}, "keep_all": True})
    'ridge (number of penalties 20), keep all yes'
    """
    if value is None or value in ([], (), {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(_pair(key, each, names) for key, each in value.items() if each is not None)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(value_in_words(each, names) for each in value)
    if isinstance(value, (int, float)):
        return f"{value:g}"
    text = str(value)
    return text if text in names else VALUES.get(text) or text.replace("_", " ")


def _pair(key: str, value: Any, names: Collection[str]) -> str:
    word = key if key in names else key_in_words(key)
    if isinstance(value, Mapping):
        return f"{word} ({value_in_words(value, names)})" if value else word
    return f"{word} {value_in_words(value, names)}"


def scopes_in_words(d: Dossier, scopes: Sequence[str]) -> str:
    """``model refitted and whole modelling process validated``."""
    return " and ".join(map(d.words.scope, scopes))
