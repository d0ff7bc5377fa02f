"""A synthetic cohort of two modalities made from real slices: a lumbar disc on sagittal T2 MRI and the back muscle on
axial CT, each patient a part of one of a few real volumes, made smoother or noisier by a factor that the outcome
depends on.

``python tests/make_two_tissues.py FOLDER MRI CT [N]`` writes images, masks of two readers, tables and study.yaml, one
file for the whole: two networks are trained by it, features measured, and everything analysed. MRI holds
``subject20_t2.nii.gz``, ``subject20_discs.nii.gz`` and the same of subject 25 (Menezes-Reis et al. 2016); CT holds
``example_ct_sm.nii.gz`` and ``example_seg.nii.gz`` (TotalSegmentator).
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

#: So many patients train the networks; the others are analysed.
TRAINERS = 6
EFFECT = 1.6
STUDY = """\
title: Two tissues, two modalities, two networks (synthetic patients made from real slices)
seed: 3
engine: python
clinical: {{table: analysed.csv, id: patient_id, outcome: recurrence, event: yes, covariates: {{age: continuous}}}}
tissues:
  disc:
    images: disc.csv
    sources: [pyradiomics, uctransnet]
    extraction:
      pyradiomics: {{preset: mri.yaml}}
      uctransnet: {{checkpoint: net-disc/best.pt, plane: sagittal, slices: {{middle: 3}}, train: {{plane: sagittal}}}}
  muscle:
    images: muscle.csv
    sources: [pyradiomics, uctransnet]
    extraction:
      pyradiomics: {{preset: ct.yaml}}
      uctransnet: {{checkpoint: net-muscle/best.pt, plane: axial, train: {{plane: axial}}}}
extraction:
  uctransnet:
    size: 32
    train: {{size: 32, slices: masked, batch: 4, epochs: {epochs}, validation: 0.34, held_out: [{held_out}]}}
selection: [{{lasso_svm_rfe: {{folds: 3}}}}]
if_empty: best
models:
  - {{name: Disc Radscore, terms: [disc]}}
  - {{name: Muscle Radscore, terms: [muscle]}}
  - {{name: Both, terms: [disc, muscle]}}
  - {{name: Groups, terms: ["groups(disc, muscle)"]}}
validation: {{leave_one_out: false, folds: 3, bootstrap: 0}}
performance: {{decision_bootstrap: 50, partial_auc_bootstrap: 50, interaction_bootstrap: 50}}
report: {{figures: [], checklists: [ibsi]}}
"""
MRI = "setting: {normalize: true, normalizeScale: 100, binWidth: 10}\nimageType: {Original: {}}\n"
CT = "setting: {binWidth: 25}\nimageType: {Original: {}}\n"


def write_two_tissues(folder: Path, mri: Path, ct: Path, n: int = 30, seed: int = 4, epochs: int = 2) -> Path:
    """Write ``n`` patients and a study; returns the study file."""
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    discs = [
        (mri / f"subject{number}_t2.nii.gz", mri / f"subject{number}_discs.nii.gz", label)
        for number in (20, 25)
        for label in range(1, 6)
    ]
    muscles = [(ct / "example_ct_sm.nii.gz", ct / "example_seg.nii.gz", label) for label in (86, 87)]
    tables: dict[str, list[list[str]]] = {"disc": [], "muscle": []}
    clinical = []
    for i in range(n):
        patient, factors = f"P{i + 1:03d}", generator.normal(size=2)
        for name, parts, factor in (("disc", discs, factors[0]), ("muscle", muscles, factors[1])):
            files = [f"{patient}_{name}_{what}.nii.gz" for what in ("image", "reader1", "reader2")]
            _write_part(parts[i % len(parts)], [folder / f for f in files], factor, generator)
            tables[name].append([patient, *files])
        event = generator.random() < 1 / (1 + np.exp(-EFFECT * factors.sum()))
        clinical.append([patient, "yes" if event else "no", f"{generator.normal(52, 11):.1f}"])
    for name, rows in tables.items():
        _table(folder / f"{name}.csv", ["patient_id", "image", "mask_reader1", "mask_reader2"], rows)
    _table(folder / "analysed.csv", ["patient_id", "recurrence", "age"], clinical[TRAINERS:])
    (folder / "mri.yaml").write_text(MRI)
    (folder / "ct.yaml").write_text(CT)
    held_out = ", ".join(row[0] for row in clinical[TRAINERS:])
    study = folder / "study.yaml"
    study.write_text(STUDY.format(epochs=epochs, held_out=held_out), encoding="utf-8")
    return study


def _write_part(
    source: tuple[Path, Path, int], places: list[Path], factor: float, generator: np.random.Generator
) -> None:
    """A part of a real volume around one label, of random extent: the larger the factor, the smoother. The second
    reader's outline is one voxel off here and there."""
    import SimpleITK as sitk
    from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter

    image, labels = (sitk.ReadImage(str(path)) for path in source[:2])
    values, mask = sitk.GetArrayFromImage(image).astype(np.float64), sitk.GetArrayFromImage(labels) == source[2]
    low, high = (f(np.argwhere(mask), axis=0) for f in (np.min, np.max))
    start = np.maximum(low - generator.integers(4, 9, 3), 0)
    stop = np.minimum(high + generator.integers(5, 10, 3), mask.shape)
    part = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    first = mask[part]
    sigma = float(np.exp(0.4 * np.clip(factor, -2.5, 2.5))) / 2
    smooth = gaussian_filter(values[part], sigma)
    noisy = smooth + generator.normal(0, 0.02 * np.ptp(smooth), smooth.shape)
    second = (binary_dilation if generator.random() < 0.5 else binary_erosion)(first)
    second = np.where(generator.random(first.shape) < 0.5, second, first)
    for array, place in zip((np.round(noisy).astype(np.int16), first, second), places, strict=True):
        written = sitk.GetImageFromArray(array.astype(np.int16))
        written.SetSpacing(image.GetSpacing())
        written.SetDirection(image.GetDirection())
        written.SetOrigin(image.TransformIndexToPhysicalPoint([int(k) for k in start[::-1]]))
        sitk.WriteImage(written, str(place))


def _table(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


if __name__ == "__main__":
    folder, mri, ct, *more = sys.argv[1:]
    print(write_two_tissues(Path(folder), Path(mri), Path(ct), *map(int, more)))
