"""SYNTHETIC lesions, imaged on four scanners whose effects are known.

A patient's risk shows in how coarse a lesion's texture is and how elongated it is, alike on every scanner. Each scanner
changes the image: an offset, a gain, a blur, noise. How frequent the outcome is differs between scanners too, so that
whoever tells the scanners apart predicts something without having seen a lesion: pooled folds reward that, a scanner
left out does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from prldh.chain.learners import LassoLearner
from prldh.chain.transforms import ClusterTransform, CombatTransform, NearConstantTransform
from prldh.core import DataError
from prldh.study import Tissue
from prldh.validation import LeaveOneGroupOut

#: What is written beside the study file.
FILES = ("clinical.csv", "lesion.csv", "parameters.yaml", "images")
SIZE, SPACING_MM = 24, 1.0
N_EACH = 30
#: Log odds of the event by SD of risk.
SLOPE = 1.1
#: Grey levels that lesions have before a scanner: mean and contrast.
LEVEL, CONTRAST = 100.0, 20.0
#: What is measured: a parameter file of PyRadiomics.
PARAMETERS = {
    "setting": {"binWidth": 10},
    "imageType": {"Original": {}},
    "featureClass": {"shape": None, "firstorder": None, "glcm": None, "glrlm": None, "ngtdm": None},
}


@dataclass(frozen=True)
class Scanner:
    """What a scanner does to grey levels, and how frequent the outcome is among its patients: image = offset + gain x
    (lesion, blurred by a Gaussian of ``blur`` voxels) + noise."""

    name: str
    offset: float
    gain: float
    blur: float
    noise: float
    prevalence: float


SCANNERS = (
    Scanner("A", 0.0, 1.0, 0.3, 2.0, 0.15),
    Scanner("B", 25.0, 1.3, 0.4, 3.0, 0.35),
    Scanner("C", 60.0, 1.7, 0.5, 4.0, 0.65),
    Scanner("D", 110.0, 2.3, 0.6, 6.0, 0.85),
)


@dataclass(frozen=True)
class Lesion:
    """A patient: ``image`` (z, y, x) as the ``scanner`` shows it, ``mask`` of the lesion, true ``risk`` (SD units)."""

    scanner: Scanner
    image: np.ndarray
    mask: np.ndarray
    risk: float
    has_event: bool


def draw_lesions(n_each: int = N_EACH, seed: int = 11, scanners: tuple[Scanner, ...] = SCANNERS) -> list[Lesion]:
    """Draw ``n_each`` patients of every scanner; scanner and risk are independent."""
    generator = np.random.default_rng(seed)
    lesions = []
    for scanner in scanners:
        base = np.log(scanner.prevalence / (1 - scanner.prevalence))
        for _ in range(n_each):
            coarse, long = generator.normal(size=2)
            risk = float((coarse + long) / np.sqrt(2))
            has_event = bool(generator.random() < 1 / (1 + np.exp(-(base + SLOPE * risk))))
            image, mask = _draw_image(coarse, long, scanner, generator)
            lesions.append(Lesion(scanner, image, mask, risk, has_event))
    return lesions


def _draw_image(
    coarse: float, long: float, scanner: Scanner, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The image (z, y, x) int16 and the lesion's mask, uint8. Texture has one mean and contrast whatever its
    coarseness."""
    from scipy.ndimage import gaussian_filter

    shape = (SIZE,) * 3
    texture = gaussian_filter(generator.normal(size=shape), np.exp(0.35 * np.clip(coarse, -2.5, 2.5)), mode="wrap")
    stretch = np.exp(0.18 * np.clip(long, -2.5, 2.5))
    radius = 7.0 * generator.uniform(0.9, 1.1) * np.array([stretch**-0.5, stretch**-0.5, stretch])
    center = (SIZE - 1) / 2 + generator.uniform(-0.5, 0.5, 3)
    grid = np.ogrid[tuple(slice(0, SIZE) for _ in range(3))]
    mask = sum(((g - c) / r) ** 2 for g, c, r in zip(grid, center, radius, strict=True)) <= 1
    inside = texture[mask]
    seen = gaussian_filter(LEVEL + CONTRAST * (texture - inside.mean()) / inside.std(), scanner.blur, mode="wrap")
    image = scanner.offset + scanner.gain * seen + generator.normal(0, scanner.noise, shape)
    return np.round(image).astype(np.int16), mask.astype(np.uint8)


def write_scanners_study(folder: Path, n_each: int = N_EACH, seed: int = 11) -> Path:
    """Write images and masks as NIfTI, tables and the study file; returns its path."""
    try:
        import SimpleITK
    except ImportError:
        raise DataError("writing images needs SimpleITK, not installed. Run: pip install 'prldh[images]'") from None

    (folder / "images").mkdir(parents=True, exist_ok=True)
    cases, clinical = [], []
    for i, lesion in enumerate(draw_lesions(n_each, seed)):
        patient = f"S{i + 1:03d}"
        files = {}
        for what, array in (("image", lesion.image), ("mask", lesion.mask)):
            picture = SimpleITK.GetImageFromArray(array)
            picture.SetSpacing((SPACING_MM,) * 3)
            files[what] = f"images/{patient}_{what}.nii.gz"
            SimpleITK.WriteImage(picture, str(folder / files[what]))
        cases.append({"patient_id": patient, "image": files["image"], "mask": files["mask"]})
        event = "yes" if lesion.has_event else "no"
        clinical.append({"patient_id": patient, "recurrence": event, "scanner": lesion.scanner.name})
    pd.DataFrame(cases).to_csv(folder / "lesion.csv", index=False)
    pd.DataFrame(clinical).to_csv(folder / "clinical.csv", index=False)
    (folder / "parameters.yaml").write_text(yaml.safe_dump(PARAMETERS, sort_keys=False), encoding="utf-8")
    (source,) = Tissue(images="lesion.csv").sources
    cluster = ClusterTransform.name
    near_constant, combat, left_out = NearConstantTransform.name, CombatTransform.name, LeaveOneGroupOut.name
    study = {
        "title": "Synthetic: lesions on four scanners whose effects are known",
        "seed": 20240103,
        "engine": "python",
        "clinical": {
            "table": "clinical.csv",
            "id": "patient_id",
            "outcome": "recurrence",
            "event": "yes",
            "columns": {"scanner": "scanner"},
        },
        "tissues": {"lesion": {"images": "lesion.csv"}},
        "extraction": {source: {"preset": "parameters.yaml"}},
        "transforms": [{near_constant: {}}, {combat: {"batch": "scanner", "unseen": "own_rows"}}, {cluster: {}}],
        "selection": [],
        "learner": {LassoLearner.name: {}},
        "models": [{"name": "Lesion Radscore", "terms": ["lesion"]}],
        "protocols": {"harmonised": {}, "as_measured": {"transforms": [{near_constant: {}}, {cluster: {}}]}},
        "performance": {"partial_auc_bootstrap": 0, "decision_bootstrap": 0, "interaction_bootstrap": 0},
        "validation": {
            "scope": ["pipeline"],
            "leave_one_out": False,
            "folds": 5,
            "bootstrap": 0,
            "null_permutations": 0,
            left_out: {"column": "scanner"},
        },
    }
    path = folder / "study.yaml"
    path.write_text(
        "# SYNTHETIC data, drawn by prldh; no patients.\n" + yaml.safe_dump(study, sort_keys=False), encoding="utf-8"
    )
    return path
