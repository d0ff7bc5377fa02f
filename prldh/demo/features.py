"""A SYNTHETIC cohort of two tissues and two readers, in which a known few features carry signal.

Nothing here imitates patients: features are drawn from a factor model, so that they correlate in families as
radiomics features do, and the outcome depends on a latent risk that the signal features measure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from prldh.chain.selection import MrmrForestSelector
from prldh.demo.data import Example, write_demo_data
from prldh.demo.images import ImagedPatient, draw_images
from prldh.demo.published import published_cohort
from prldh.study import DEFAULT_SELECTION

N_PATIENTS = 170
N_RADIOMICS = 1223
N_DEEP = 512
TISSUES = ("disc", "muscle")
#: Signal features of each tissue and source: few, and the same numbers in every cohort.
N_SIGNAL = {"radiomics": 2, "deep": 1}
#: Coarser than the default, so that the demo ends within three minutes on two cores; the report lists these settings.
FEATURES_FOREST = {"trees": 200, "sizes": [1, 2, 3, 5, 8, 12, 20, 30]}
FEATURES_VALIDATION = {"leave_one_out": False, "folds": 10, "bootstrap": 25, "scope": ["model", "pipeline"]}


@dataclass(frozen=True)
class DemoCohort:
    """A drawn cohort. ``tables`` maps file name to table; ``signal`` maps tissue to the features that carry signal;
    ``risk`` maps tissue to each patient's true contribution to the log odds (n,)."""

    tables: dict[str, pd.DataFrame]
    signal: dict[str, tuple[str, ...]]
    risk: dict[str, np.ndarray]

    @property
    def published(self) -> pd.DataFrame:
        """The other study's table: the 170 synthetic patients of the published one."""
        return published_cohort()

    @property
    def images(self) -> list[ImagedPatient]:
        """The small cohort of images: forty other patients, each with two readers' masks."""
        return draw_images()

    def write(
        self, folder: str | Path, *, force: bool = False, say: Callable[[str], Any] = lambda line: None
    ) -> dict[str, Path]:
        """Write every example study with its data, as ``prldh demo --data-only`` does; analyses nothing.

        Parameters
        ----------
        folder
            Where each study gets a folder: ``published``, ``features`` (this cohort), ``images``, ``scanners``.
        force
            Replace studies that are there already.
        say
            Is told what was written, line by line.

        Returns
        -------
        dict
            Study → its study file, for :func:`prldh.analyze`; without SimpleITK those of tables alone.

        Raises
        ------
        OutputError
            If a study is there already and ``force`` is off, or the place cannot be written.
        """

        def write(place: Path) -> Path:
            return write_features_study(place, self, FEATURES_VALIDATION, FEATURES_FOREST)

        features = Example("features", "tables of features, two readers", tuple(self.tables), write)
        return write_demo_data(Path(folder), features, force=force, say=say)


def demo_cohort(
    n: int = N_PATIENTS,
    seed: int = 3,
    draw: int = 0,
    n_radiomics: int = N_RADIOMICS,
    n_deep: int = N_DEEP,
    effect: float = 2.5,
) -> DemoCohort:
    """Draw the synthetic cohort of features; what it gives holds the other example data too, and writes all of it.

    Parameters
    ----------
    n
        Patients.
    seed
        Of the population: which features carry signal, how features hang together.
    draw
        Of the patients: another number gives other patients of the same population.
    n_radiomics, n_deep
        Columns of each source.
    effect
        Log odds per standard deviation of each tissue's risk, which is the mean of what its signal features measure.

    Examples
    --------
    >>> import prldh
    >>> cohort = prldh.demo_cohort()
    >>> cohort.tables["clinical.csv"].shape
    (170, 5)
    >>> studies = cohort.write("demo-data")                       # doctest: +SKIP
    >>> results = prldh.analyze(studies["published"], "results")  # doctest: +SKIP
    """
    generator = np.random.default_rng([seed, draw, 1])
    carried = {tissue: _draw_carried(n, generator) for tissue in TISSUES}
    risk = {
        tissue: effect * np.hstack(list(values.values())).mean(axis=1) / np.sqrt(2 / 3)
        for tissue, values in carried.items()
    }
    outcome = generator.random(n) < 1 / (1 + np.exp(2.0 - sum(risk.values())))
    ids = [f"F{i + 1:04d}" for i in range(n)]
    clinical = pd.DataFrame(
        {
            "patient_id": ids,
            "recurrence": np.where(outcome, "yes", "no"),
            "age": generator.normal(58, 14, n).round().clip(20, 90).astype(int),
            "sex": generator.choice(["female", "male"], n),
            "bmi": generator.normal(24.6, 3.4, n).round(1),
        }
    )
    tables = {"clinical.csv": clinical}
    signal: dict[str, tuple[str, ...]] = {}
    for t, tissue in enumerate(TISSUES):
        carriers: list[str] = []
        for s, (source, p) in enumerate((("radiomics", n_radiomics), ("deep", n_deep))):
            names = _names(source, p)
            structure = _draw_structure(p, N_SIGNAL[source], np.random.default_rng([seed, 0, t, s]))
            carriers += [names[j] for j in structure.carriers]
            for reader, values in enumerate(_draw_values(carried[tissue][source], structure, generator), start=1):
                table = pd.DataFrame(values, columns=names)
                table.insert(0, "patient_id", ids)
                tables[f"{tissue}_{source}_reader{reader}.csv"] = table
        signal[tissue] = tuple(carriers)
    return DemoCohort(tables, signal, risk)


def _names(source: str, p: int) -> list[str]:
    if source == "deep":
        return [f"uctransnet_{j:03d}" for j in range(p)]
    return [f"synthetic_radiomics_{j:04d}" for j in range(p)]


@dataclass(frozen=True)
class _Structure:
    """One source's population: family and share (p,) of each feature, who carries signal, reader noise, units."""

    family: np.ndarray
    share: np.ndarray
    carriers: np.ndarray
    noise: np.ndarray
    scale: np.ndarray
    center: np.ndarray


def _draw_structure(p: int, n_signal: int, generator: np.random.Generator) -> _Structure:
    """Features follow one of about p/15 factors; readers' noise makes about a third of them unreliable."""
    carriers = np.sort(generator.choice(p, n_signal, replace=False))
    noise = generator.choice([0.1, 0.3, 0.8], p, p=[0.4, 0.3, 0.3])
    noise[carriers] = 0.15
    return _Structure(
        generator.integers(0, max(1, p // 15), p),
        generator.uniform(0.3, 0.95, p),
        carriers,
        noise,
        np.exp(generator.normal(0, 2, p)),
        generator.normal(0, 3, p),
    )


def _draw_carried(n: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """What the signal features of a tissue measure: (n, k) by source, unit variance, any two correlated 0.5."""
    shared = generator.standard_normal((n, 1))
    return {source: np.sqrt(0.5) * (shared + generator.standard_normal((n, k))) for source, k in N_SIGNAL.items()}


def _draw_values(
    carried: np.ndarray, structure: _Structure, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Two readers' values (n, p); a signal feature is what it carries, with a tenth of noise."""
    n, p = len(carried), structure.share.size
    factors = generator.standard_normal((n, max(1, p // 15)))
    values = np.sqrt(structure.share) * factors[:, structure.family] + np.sqrt(
        1 - structure.share
    ) * generator.standard_normal((n, p))
    values[:, structure.carriers] = np.sqrt(0.9) * carried + np.sqrt(0.1) * generator.standard_normal(carried.shape)
    readers = (values + structure.noise * generator.standard_normal((n, p)) for _ in range(2))
    first, second = (np.round(r * structure.scale + structure.center, 6) for r in readers)
    return first, second


def write_features_study(
    folder: Path, cohort: DemoCohort, validation: dict[str, Any], forest: dict[str, Any], title: str | None = None
) -> Path:
    """Write a drawn cohort and its study file; returns the study file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in cohort.tables.items():
        table.to_csv(folder / name, index=False)
    study = {
        "title": title or "Synthetic: features of two tissues, two readers, a known few with signal",
        "seed": 20240102,
        "engine": "both",
        "clinical": {
            "table": "clinical.csv",
            "id": "patient_id",
            "outcome": "recurrence",
            "event": "yes",
            "covariates": {"age": "continuous", "sex": "categorical", "bmi": "continuous"},
        },
        "tissues": {
            tissue: {
                "features": {
                    source: [f"{tissue}_{source}_reader{r}.csv" for r in (1, 2)] for source in ("radiomics", "deep")
                }
            }
            for tissue in TISSUES
        },
        "selection": [
            {name: settings | (forest if name == MrmrForestSelector.name else {}) for name, settings in step.items()}
            for step in DEFAULT_SELECTION
        ],
        "validation": validation,
        "report": {"checklists": ["ibsi", "clear", "metrics", "tripod-ai"]},
    }
    path = folder / "study.yaml"
    path.write_text(
        "# SYNTHETIC data, drawn by prldh; no patients.\n" + yaml.safe_dump(study, sort_keys=False), encoding="utf-8"
    )
    return path


def write_new_patients(folder: Path, cohort: DemoCohort) -> Path:
    """Write drawn patients as those of another hospital, by one reader, and their cohort file; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in cohort.tables.items():
        if "reader2" not in name:
            table.assign(patient_id="N" + table["patient_id"].str[1:]).to_csv(folder / name, index=False)
    content = {
        "name": "Synthetic hospital B",
        "clinical": {"table": "clinical.csv"},
        "tissues": {
            tissue: {"features": {source: f"{tissue}_{source}_reader1.csv" for source in ("radiomics", "deep")}}
            for tissue in TISSUES
        },
    }
    path = folder / "cohort.yaml"
    path.write_text(
        "# SYNTHETIC data, drawn by prldh; no patients.\n" + yaml.safe_dump(content, sort_keys=False), encoding="utf-8"
    )
    return path
