"""A SYNTHETIC cohort of two tissues and two readers, in which a known few features carry signal.

Nothing here imitates patients: features are drawn from a factor model, so that they correlate in families as
radiomics features do, and the outcome depends on a latent risk that the signal features measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

N_PATIENTS = 170
N_RADIOMICS = 1223
N_DEEP = 512
TISSUES = ("disc", "muscle")
#: Signal features of each tissue and source: few, and the same numbers in every cohort.
N_SIGNAL = {"radiomics": 3, "deep": 2}


@dataclass(frozen=True)
class DemoCohort:
    """A drawn cohort. ``tables`` maps file name to table; ``signal`` maps tissue to the features that carry signal;
    ``risk`` maps tissue to each patient's true log odds contribution (n,)."""

    tables: dict[str, pd.DataFrame]
    signal: dict[str, tuple[str, ...]]
    risk: dict[str, np.ndarray]


def demo_cohort(n: int = N_PATIENTS, seed: int = 7, n_radiomics: int = N_RADIOMICS, n_deep: int = N_DEEP, effect: float = 1.5) -> DemoCohort:
    """Draw the synthetic cohort.

    Parameters
    ----------
    n
        Patients.
    seed
        Of the draw.
    n_radiomics, n_deep
        Columns of each source.
    effect
        Log odds per standard deviation of the disc's latent risk; the muscle's is half of it.
    """
    generator = np.random.default_rng(seed)
    latent = {tissue: generator.standard_normal(n) for tissue in TISSUES}
    log_odds = -1.3 + effect * latent["disc"] + 0.5 * effect * latent["muscle"]
    outcome = generator.random(n) < 1 / (1 + np.exp(-log_odds))
    ids = [f"F{i + 1:04d}" for i in range(n)]
    clinical = pd.DataFrame({
        "patient_id": ids, "recurrence": np.where(outcome, "yes", "no"), "age": generator.normal(58, 14, n).round().clip(20, 90).astype(int),
        "sex": generator.choice(["female", "male"], n), "bmi": generator.normal(24.6, 3.4, n).round(1),
    })
    tables = {"clinical.csv": clinical}
    signal: dict[str, tuple[str, ...]] = {}
    for tissue in TISSUES:
        found: list[str] = []
        for source, p in (("radiomics", n_radiomics), ("deep", n_deep)):
            names = _names(source, p)
            first, second, carriers = _draw(latent[tissue], p, N_SIGNAL[source], generator)
            found += [names[j] for j in carriers]
            for reader, values in ((1, first), (2, second)):
                table = pd.DataFrame(values, columns=names)
                table.insert(0, "patient_id", ids)
                tables[f"{tissue}_{source}_reader{reader}.csv"] = table
        signal[tissue] = tuple(found)
    risk = {"disc": effect * latent["disc"], "muscle": 0.5 * effect * latent["muscle"]}
    return DemoCohort(tables, signal, risk)


def _names(source: str, p: int) -> list[str]:
    if source == "deep":
        return [f"uctransnet_{j:03d}" for j in range(p)]
    return [f"synthetic_radiomics_{j:04d}" for j in range(p)]


def _draw(latent: np.ndarray, p: int, n_signal: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two readers' values (n, p) and the positions of the signal features.

    A signal feature is the latent risk plus noise of its own; others follow one of about p/15 nuisance factors.
    Readers differ by measurement noise, which makes about a third of the features unreliable.
    """
    n = latent.size
    n_factors = max(1, p // 15)
    factors = generator.standard_normal((n, n_factors))
    family = generator.integers(0, n_factors, p)
    share = generator.uniform(0.3, 0.95, p)
    values = np.sqrt(share) * factors[:, family] + np.sqrt(1 - share) * generator.standard_normal((n, p))
    carriers = np.sort(generator.choice(p, n_signal, replace=False))
    values[:, carriers] = np.sqrt(0.6) * latent[:, None] + np.sqrt(0.4) * generator.standard_normal((n, n_signal))
    noise = generator.choice([0.1, 0.3, 0.8], p, p=[0.4, 0.3, 0.3])
    noise[carriers] = 0.15
    first = values + noise * generator.standard_normal((n, p))
    second = values + noise * generator.standard_normal((n, p))
    scale, centre = np.exp(generator.normal(0, 2, p)), generator.normal(0, 3, p)
    return (np.round(first * scale + centre, 6), np.round(second * scale + centre, 6), carriers)


def write_features_study(folder: Path, cohort: DemoCohort, validation: dict[str, Any], mrmr_forest: dict[str, Any], title: str | None = None) -> Path:
    """Write a drawn cohort and its study file; returns the study file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in cohort.tables.items():
        table.to_csv(folder / name, index=False)
    study = {
        "title": title or "Synthetic: features of two tissues, two readers, a known few with signal",
        "seed": 20240102,
        "engine": "both",
        "clinical": {
            "table": "clinical.csv", "id": "patient_id", "outcome": "recurrence", "event": "yes",
            "covariates": {"age": "continuous", "sex": "categorical", "bmi": "continuous"},
        },
        "tissues": {
            tissue: {"features": {source: [f"{tissue}_{source}_reader{r}.csv" for r in (1, 2)] for source in ("radiomics", "deep")}}
            for tissue in TISSUES
        },
        "selection": [
            {"icc": {"threshold": 0.75}}, {"mrmr_forest": {"folds": 5, **mrmr_forest}}, {"correlation": {"between": 0.9, "outcome": 0.3}},
            {"lasso_svm_rfe": {"folds": 10, "combine": "intersection"}},
        ],
        "validation": validation,
    }
    path = folder / "study.yaml"
    path.write_text("# SYNTHETIC data, drawn by prldh; no patients.\n" + yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    return path
