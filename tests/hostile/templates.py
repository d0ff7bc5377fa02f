"""The folders that hostile cases change: a study with its tables, the same with a finished run, and images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

N = 48
FEATURES = tuple(f"original_{name}" for name in ("mean", "energy", "entropy", "contrast", "size", "shape"))

#: A study of the kinds of input that there are: two readers, a given score, a covariate of each type, a column. It is
#: as small as that allows: what goes through takes most of the campaign's time.
STUDY: dict = {
    "title": "Hostile input",
    "seed": 3,
    "engine": "python",
    "clinical": {
        "table": "clinical.csv",
        "id": "patient_id",
        "outcome": "recurrence",
        "event": "yes",
        "covariates": {
            "age": {"type": "continuous"},
            "sex": "categorical",
            "grade": {"type": "ordinal", "levels": ["III", "IV", "V"]},
        },
        "columns": {"centre": "hospital"},
    },
    "missing": "complete_case",
    "tissues": {"disc": {"features": ["reader1.csv", "reader2.csv"]}, "blood": {"radscore": "marker"}},
    "selection": [{"icc": {"threshold": 0.5}}, {"correlation": {"between": 0.95, "outcome": 0.05}}],
    "if_empty": "best",
    "models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Both", "terms": ["disc", "age", "sex"]}],
    "comparisons": [["Disc", "Both"]],
    "validation": {"leave_one_out": False, "folds": 2, "repeats": 1, "bootstrap": 0, "scope": ["pipeline"]},
    "performance": {
        "thresholds": [0.25, 0.5],
        "partial_auc_bootstrap": 0,
        "decision_bootstrap": 0,
        "interaction_bootstrap": 0,
    },
    "yardstick": False,
    "report": {"figures": [], "checklists": []},
    "compute": {"jobs": 1},
}

#: Sections that a study may have beside, each put in alone.
SECTIONS: dict[str, dict] = {
    "adjusted": {"adjust": ["sex"], "validation": {"folds": 3}, "report": {"checklists": ["clear"]}},
    "read": {"clinical": {"read": {"separator": ",", "decimal": ".", "encoding": "utf-8", "missing": ["n/a"]}}},
    "transforms": {
        "transforms": [
            {"impute": {"method": "median"}},
            {"combat": {"batch": "centre", "keep": ["age"], "method": "parametric", "unseen": "own_rows"}},
            {"scale": {"method": "z"}},
        ]
    },
    "lasso": {"selection": [{"lasso": {"folds": 3}}], "learner": {"lasso": {"folds": 3}}},
    "mrmr": {"selection": [{"mrmr_forest": {"folds": 3, "trees": 3, "sizes": [2, 3], "seeds": 1}}]},
    "svm": {"selection": [{"lasso_svm_rfe": {"folds": 3, "combine": "union"}}]},
    "forest": {"selection": [], "learner": {"random_forest": {"trees": 20}}, "second_stage": "cross_fitted"},
    "protocols": {
        "protocols": {"own": {}, "ridge": {"selection": [], "learner": "ridge", "second_stage": "cross_fitted"}},
        "choose": {"among": ["own", "ridge"], "folds": 3, "rule": "one_se", "measure": "auc", "schemes": ["folds"]},
    },
    "groups": {"validation": {"folds": 0, "leave_one_group_out": {"column": "centre"}}},
    "group_folds": {"validation": {"folds": 0, "group_folds": {"column": "centre", "folds": 2}}},
    "split": {"validation": {"folds": 0, "split": {"column": "centre", "train": ["north"], "test": ["south"]}}},
    "monte_carlo": {"validation": {"folds": 0, "monte_carlo": {"test": 0.3, "repeats": 3}}},
    "bootstrap": {"validation": {"bootstrap": 3, "bootstrap_interval": "none", "null_permutations": 1}},
    "imputation": {"missing": "multiple_imputation", "imputation": {"imputations": 2}},
    "subgroups": {"subgroups": ["centre", {"age": {"cut": [55]}}], "associations": [["age", "disc"]]},
    "report": {"report": {"csv_formulas": "warn", "figures": ["svg"], "dpi": [100]}},
}

IMAGE_STUDY: dict = {
    "title": "Hostile images",
    "seed": 1,
    "engine": "python",
    "clinical": {"table": "clinical.csv", "id": "patient_id", "outcome": "recurrence", "event": "yes"},
    "tissues": {"disc": {"images": "disc.csv", "sources": ["pyradiomics"]}},
    "extraction": {"pyradiomics": {"preset": "params.yaml", "backend": "fast"}},
    "compute": {"jobs": 1},
}

PARAMETERS = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean"], "shape": ["Sphericity"]}}


def merged(study: dict, changes: dict) -> dict:
    """A study with a section put over it, key by key."""
    found = dict(study)
    for key, value in changes.items():
        is_both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = merged(found[key], value) if is_both else value
    return found


def write_yaml(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def tables(n: int = N, seed: int = 5, prefix: str = "P") -> dict[str, pd.DataFrame]:
    """A clinical table and two readers' features, all of it text."""
    draw = np.random.default_rng(seed)
    ids = [f"{prefix}{i:02d}" for i in range(n)]
    event = np.arange(n) % 5 < 2
    values = draw.normal(size=(n, len(FEATURES))) + np.outer(event, [1.2, 0.9, 0.6, 0, 0, 0])
    clinical = pd.DataFrame(
        {
            "patient_id": ids,
            "recurrence": np.where(event, "yes", "no"),
            "age": [str(round(a)) for a in draw.normal(55, 9, n)],
            "sex": np.where(draw.random(n) < 0.5, "f", "m"),
            "grade": draw.choice(["III", "IV", "V"], n),
            "hospital": np.where(np.arange(n) % 2 == 0, "north", "south"),
            "marker": [f"{v:.3f}" for v in 0.8 * event + draw.normal(size=n)],
        }
    )
    second = values + 0.1 * draw.normal(size=values.shape)
    return {"clinical": clinical, "reader1": _features(ids, values), "reader2": _features(ids, second)}


def _features(ids: list[str], values: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame({name: [f"{v:.4f}" for v in values[:, j]] for j, name in enumerate(FEATURES)})
    table.insert(0, "patient_id", ids)
    return table


def write_study(folder: Path) -> None:
    """A study, its tables, new patients, and an author's answers."""
    for name, table in tables().items():
        table.to_csv(folder / f"{name}.csv", index=False)
    for name, table in tables(24, 6, "N").items():
        table.to_csv(folder / f"new_{name}.csv", index=False)
    write_yaml(folder / "study.yaml", STUDY)
    cohort = {
        "name": "new",
        "clinical": {"table": "new_clinical.csv"},
        "tissues": {"disc": {"features": ["new_reader1.csv"]}},
    }
    write_yaml(folder / "cohort.yaml", cohort)
    write_yaml(folder / "answers.yaml", {"clear": {"1": {"answer": "page 1"}}})


def write_images(folder: Path) -> None:
    """Six patients' images of 12 × 10 × 6 voxels and their masks, and the study that measures them."""
    import SimpleITK as sitk

    draw = np.random.default_rng(2)
    rows = []
    for i in range(6):
        image = sitk.GetImageFromArray(draw.integers(0, 900, (6, 10, 12)).astype(np.int16))
        inside = np.zeros((6, 10, 12), np.uint8)
        inside[1:5, 2:8, 3:9] = 1
        mask = sitk.GetImageFromArray(inside)
        mask.CopyInformation(image)
        sitk.WriteImage(image, str(folder / f"image{i}.nii.gz"))
        sitk.WriteImage(mask, str(folder / f"mask{i}.nii.gz"))
        rows.append({"patient_id": f"P{i}", "image": f"image{i}.nii.gz", "mask": f"mask{i}.nii.gz"})
    pd.DataFrame(rows).to_csv(folder / "disc.csv", index=False)
    outcome = {"patient_id": [f"P{i}" for i in range(6)], "recurrence": ["yes", "no"] * 3}
    pd.DataFrame(outcome).to_csv(folder / "clinical.csv", index=False)
    write_yaml(folder / "params.yaml", PARAMETERS)
    write_yaml(folder / "study.yaml", IMAGE_STUDY)
