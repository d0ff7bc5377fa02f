"""Small patients with several lesions and readers, and a source that measures next to nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from imaging_data import GRID, write
from pydantic import BaseModel, ConfigDict

from prldh.core import Case


class PlainSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    combine: str = "mean"


class Plain:
    """Mean, SD and volume of a region."""

    name, version, Settings = "plain", "1", PlainSettings

    def extract(self, case: Case, settings: PlainSettings) -> tuple[dict[str, float], ...]:
        return tuple(measure(case.image.values, mask) for mask in case.masks)

    def describe(self, names, settings):
        return {name: {"unit": "1", "ibsi": None, "family": "plain"} for name in names}


def measure(values: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """What :class:`Plain` measures."""
    inside = values[mask].astype(float)
    return {"mean": float(inside.mean()), "sd": float(inside.std()), "voxels": float(inside.size)}


def image_of(seed: int) -> np.ndarray:
    """Voxels (z, y, x) of patient ``seed``."""
    return np.random.default_rng(seed).integers(1, 900, GRID.size[::-1]).astype(np.int16)


def lesions_of(seed: int, n: int = 4) -> np.ndarray:
    """A label map of ``n`` lesions, of 4, 8, 12 … voxels beside each other in another order for every patient."""
    order = np.random.default_rng(seed).permutation(n)
    labels = np.zeros(GRID.size[::-1], dtype=np.uint8)
    for place, lesion in enumerate(order):
        labels[1 : 2 + lesion, 2:4, 1 + 3 * place : 3 + 3 * place] = lesion + 1
    return labels


def write_patients(folder: Path, n: int = 3, n_lesions: int = 3) -> list[str]:
    """``P0.nii.gz`` and ``P0_mask.nii.gz`` … in the folder."""
    patients = [f"P{i}" for i in range(n)]
    for i, patient in enumerate(patients):
        write(folder / f"{patient}.nii.gz", image_of(i))
        write(folder / f"{patient}_mask.nii.gz", lesions_of(i, n_lesions))
    return patients


def study_of(folder: Path, cases: list[dict], clinical: list[dict], /, id_column: str = "patient_id", **tissue) -> dict:
    """The content of a study file whose tissue ``liver`` is measured by :class:`Plain`; ``patient`` goes to
    ``clinical``, ``extraction`` and ``image_steps`` to the study."""
    pd.DataFrame(cases).to_csv(folder / "liver.csv", index=False)
    pd.DataFrame(clinical).to_csv(folder / "clinical.csv", index=False)
    about = {"table": str(folder / "clinical.csv"), "id": id_column, "outcome": "event", "event": 1}
    if "patient" in tissue:
        about["patient"] = tissue.pop("patient")
    own = {key: tissue.pop(key) for key in ("extraction", "image_steps") if key in tissue}
    liver = {"images": str(folder / "liver.csv"), "sources": ["plain"], **tissue}
    return {"clinical": about, "tissues": {"liver": liver}, **own}
