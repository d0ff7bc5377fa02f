"""SYNTHETIC patients as images: texture whose coarseness has a known effect on the outcome, outlined by two readers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from prldh.core import DataError

SHAPE, SPACING_MM = (14, 40, 40), (3.0, 1.0, 1.0)  # z, y, x
N_PATIENTS = 40
#: Log odds of the event = INTERCEPT + SLOPE * coarseness, coarseness ~ N(0, 1).
INTERCEPT, SLOPE = -0.4, 2.0
#: What is written beside the study file.
FILES = ("clinical.csv", "disc.csv", "images")

STUDY = """\
# SYNTHETIC data, drawn by prldh; no patients.
title: Synthetic images
seed: 5
engine: {engine}
clinical: {{table: clinical.csv, id: patient_id, outcome: recurrence, event: yes, covariates: {{age: continuous}}}}
tissues:
  disc: {{images: disc.csv}}
models: [{{name: Disc Radscore, terms: [disc]}}]
validation: {{leave_one_out: false, folds: 5, bootstrap: 0}}
performance: {{decision_bootstrap: 50, partial_auc_bootstrap: 50}}
report: {{figures: []}}
"""


@dataclass(frozen=True)
class ImagedPatient:
    """A patient: ``image`` (z, y, x) int16, ``masks`` of two readers (z, y, x) uint8, voxels of ``SPACING_MM``, true
    ``coarseness`` (SD units), ``age`` in years."""

    patient: str
    image: np.ndarray
    masks: tuple[np.ndarray, np.ndarray]
    coarseness: float
    age: float
    has_event: bool


def draw_images(n: int = N_PATIENTS, seed: int = 1) -> list[ImagedPatient]:
    """Draw ``n`` patients; the same for the same seed."""
    generator = np.random.default_rng(seed)
    patients = []
    for i in range(n):
        coarseness = float(generator.normal())
        image, masks = _draw_image(coarseness, generator)
        has_event = bool(generator.random() < 1 / (1 + np.exp(-(INTERCEPT + SLOPE * coarseness))))
        age = round(float(generator.normal(52, 11)), 1)
        patients.append(ImagedPatient(f"P{i + 1:03d}", image, masks, coarseness, age, has_event))
    return patients


def _draw_image(coarseness: float, generator: np.random.Generator) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """An image and two readers' masks: noise smoothed the more the coarser, one brightness and contrast for all."""
    from scipy.ndimage import gaussian_filter

    sigma = np.exp(0.35 * np.clip(coarseness, -2.5, 2.5))
    texture = gaussian_filter(generator.normal(size=SHAPE), (sigma / 3, sigma, sigma), mode="wrap")
    image = 100 + 40 * (texture - texture.mean()) / texture.std() + generator.normal(0, 3, SHAPE)
    center = np.array([6.5, 19.5, 19.5]) + generator.uniform(-1, 1, 3)
    radius = np.array([4.5, 11, 12]) * generator.uniform(0.85, 1.15)
    return image.astype(np.int16), (_outline(center, radius, generator), _outline(center, radius, generator))


def _outline(center: np.ndarray, radius: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One reader's ellipsoid: the same for both but for a quarter of a voxel and 2 % of the radius."""
    c, r = center + generator.normal(0, 0.25, 3), radius * (1 + generator.normal(0, 0.02, 3))
    grid = np.ogrid[tuple(slice(0, s) for s in SHAPE)]
    return (sum(((g - m) / s) ** 2 for g, m, s in zip(grid, c, r, strict=True)) <= 1).astype(np.uint8)


def write_images_study(folder: Path, n: int = N_PATIENTS, seed: int = 1, engine: str = "python") -> Path:
    """Write images and masks as NIfTI, the cases table, the clinical table and the study file; returns its path.

    Raises
    ------
    DataError
        If SimpleITK is not installed.
    """
    try:
        import SimpleITK
    except ImportError:
        raise DataError("writing images needs SimpleITK, not installed. Run: pip install 'prldh[images]'") from None

    (folder / "images").mkdir(parents=True, exist_ok=True)
    cases, clinical = [], []
    for drawn in draw_images(n, seed):
        case = {"patient_id": drawn.patient}
        arrays = {"image": drawn.image, "mask_reader1": drawn.masks[0], "mask_reader2": drawn.masks[1]}
        for column, array in arrays.items():
            picture = SimpleITK.GetImageFromArray(array)
            picture.SetSpacing(SPACING_MM[::-1])
            case[column] = f"images/{drawn.patient}_{column.removeprefix('mask_')}.nii.gz"
            SimpleITK.WriteImage(picture, str(folder / case[column]))
        cases.append(case)
        event = "yes" if drawn.has_event else "no"
        clinical.append({"patient_id": drawn.patient, "recurrence": event, "age": drawn.age})
    pd.DataFrame(cases).to_csv(folder / "disc.csv", index=False)
    pd.DataFrame(clinical).to_csv(folder / "clinical.csv", index=False)
    path = folder / "study.yaml"
    path.write_text(STUDY.format(engine=engine), encoding="utf-8")
    return path
