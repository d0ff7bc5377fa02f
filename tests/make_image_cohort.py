"""Synthetic patients at image level: 3-D texture whose coarseness has a known effect on the outcome, outlined by two
readers.

``python tests/make_image_cohort.py FOLDER [N]`` writes NIfTI images and masks, a cases table, a clinical table and
study.yaml.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

SHAPE, SPACING_MM = (14, 40, 40), (3.0, 1.0, 1.0)  # z, y, x
#: Log odds of the event = INTERCEPT + SLOPE * coarseness, coarseness ~ N(0, 1).
INTERCEPT, SLOPE = -0.4, 2.0

STUDY = """\
title: Synthetic images
seed: 5
engine: {engine}
clinical: {{table: clinical.csv, id: patient_id, outcome: recurrence, event: yes, covariates: {{age: continuous}}}}
tissues:
  disc: {{images: disc.csv, sources: [pyradiomics]}}
models: [{{name: Disc Radscore, terms: [disc]}}]
validation: {{leave_one_out: false, folds: 5, bootstrap: 0}}
performance: {{decision_bootstrap: 50, partial_auc_bootstrap: 50}}
report: {{figures: []}}
"""


def make_case(coarseness: float, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image (z, y, x) int16 and two readers' masks, uint8: noise smoothed the more the coarser, one brightness and
    contrast for all."""
    from scipy.ndimage import gaussian_filter

    sigma = np.exp(0.35 * np.clip(coarseness, -2.5, 2.5))
    texture = gaussian_filter(generator.normal(size=SHAPE), (sigma / 3, sigma, sigma), mode="wrap")
    image = 100 + 40 * (texture - texture.mean()) / texture.std() + generator.normal(0, 3, SHAPE)
    center, radius = (
        np.array([6.5, 19.5, 19.5]) + generator.uniform(-1, 1, 3),
        np.array([4.5, 11, 12]) * generator.uniform(0.85, 1.15),
    )
    readers = []
    for _ in range(2):
        c, r = center + generator.normal(0, 0.25, 3), radius * (1 + generator.normal(0, 0.02, 3))
        grid = np.ogrid[tuple(slice(0, s) for s in SHAPE)]
        readers.append((sum(((g - m) / s) ** 2 for g, m, s in zip(grid, c, r, strict=True)) <= 1).astype(np.uint8))
    return image.astype(np.int16), *readers


def write_cohort(folder: Path, n: int, seed: int = 1, engine: str = "python") -> Path:
    """Write ``n`` patients and a study; returns the study file."""
    import SimpleITK

    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    cases, clinical = [], []
    for i in range(n):
        coarseness = generator.normal()
        patient = f"P{i + 1:03d}"
        for name, array in zip(("image", "reader1", "reader2"), make_case(coarseness, generator), strict=True):
            picture = SimpleITK.GetImageFromArray(array)
            picture.SetSpacing(SPACING_MM[::-1])
            SimpleITK.WriteImage(picture, str(folder / f"{patient}_{name}.nii.gz"))
        event = generator.random() < 1 / (1 + np.exp(-(INTERCEPT + SLOPE * coarseness)))
        cases.append([patient, *(f"{patient}_{name}.nii.gz" for name in ("image", "reader1", "reader2"))])
        clinical.append([patient, "yes" if event else "no", round(float(generator.normal(52, 11)), 1)])
    _write(folder / "disc.csv", ["patient_id", "image", "mask_reader1", "mask_reader2"], cases)
    _write(folder / "clinical.csv", ["patient_id", "recurrence", "age"], clinical)
    study = folder / "study.yaml"
    study.write_text(STUDY.format(engine=engine), encoding="utf-8")
    return study


def _write(path: Path, header: list[str], rows: list[list]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


if __name__ == "__main__":
    print(write_cohort(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60))
