"""A small study whose selection comes from a plugin on the path that can be made slow, or made to kill its own process,
from outside.

The environment tells the plugin what to do, so that the study, and with it what is kept, is the same: ``SLOW_SECONDS``
a refit, ``SLOW_FOLDER`` where every refit adds a byte to the file ``fits``, ``SLOW_DEATHS`` how many refits end their
process.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

N, FOLDS, REPEATS, PERMUTATIONS = 60, 5, 2, 2

PLUGIN = f"""
import os, signal, time
from pathlib import Path
import numpy as np
from pydantic import BaseModel, ConfigDict
from prldh.plugins.hookspecs import hookimpl
from prldh.core.records import Selection

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Slow:
    name, version, Settings = "slow", "1", Settings

    def fit(self, rows, settings, seed, engine):
        if len(rows.outcome) < {N} and "SLOW_FOLDER" in os.environ:
            folder = Path(os.environ["SLOW_FOLDER"])
            time.sleep(float(os.environ.get("SLOW_SECONDS", 0)))
            for death in range(int(os.environ.get("SLOW_DEATHS", 0))):
                try:
                    (folder / f"death{{death}}").touch(exist_ok=False)
                except FileExistsError:
                    continue
                os.kill(os.getpid(), signal.SIGKILL)
            with (folder / "fits").open("ab") as file:
                file.write(b".")
        high = rows.outcome == 1
        strength = np.abs(rows.values[high].mean(axis=0) - rows.values[~high].mean(axis=0))
        return Selection(np.sort(np.argsort(-strength)[:3]), {{}})

@hookimpl
def register_selectors():
    if "SLOW_FOLDER" in os.environ:  # pages and figures take seconds, and nothing here looks at them
        import prldh.run.outputs
        prldh.run.outputs.write_figures = lambda *a, **k: {{}}
        prldh.run.outputs.render_report = lambda *a, **k: ""
    return [Slow()]
"""


def write_plugin(folder: Path) -> Path:
    """A folder that, on the path, is an installed plugin."""
    info = folder / "slow_selector-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-selector\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[prldh]\nslow = slow_selector\n")
    (folder / "slow_selector.py").write_text(PLUGIN)
    return folder


def write_slow_study(folder: Path, **changes: Any) -> Path:
    """The study file, with its tables beside it; covariates have blanks, so that imputation is kept too."""
    rng = np.random.default_rng(3)
    y = np.arange(N) % 3 == 0
    x = rng.normal(size=(N, 10)) + 1.1 * y[:, None] * (np.arange(10) < 3)
    ids = [f"p{i}" for i in range(N)]
    age = np.where(np.arange(N) % 10 == 4, np.nan, rng.normal(60, 8, N))
    pd.DataFrame({"id": ids, "y": y.astype(int), "age": age}).to_csv(folder / "clinical.csv", index=False)
    pd.DataFrame(x, columns=[f"f{j}" for j in range(10)]).assign(id=ids).to_csv(folder / "features.csv", index=False)
    study = {
        "engine": "python",
        "report": {"figures": []},
        "if_empty": "best",
        "selection": ["slow"],
        "univariate": False,
        "clinical": {
            "table": "clinical.csv",
            "id": "id",
            "outcome": "y",
            "event": 1,
            "covariates": {"age": "continuous"},
        },
        "missing": "multiple_imputation",
        "imputation": {"imputations": 2, "imputations_in_resamples": 2, "iterations_in_resamples": 2},
        "tissues": {"disc": {"features": "features.csv"}},
        "validation": {
            "leave_one_out": False,
            "folds": FOLDS,
            "repeats": REPEATS,
            "bootstrap": 0,
            "null_permutations": PERMUTATIONS,
        },
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
        **changes,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    return path


#: Several protocols, of which one is chosen anew in every training set; what it adds to the study.
CHOICE: dict[str, Any] = {
    "protocols": {
        "slow": None,
        "forest": {"selection": [], "learner": {"random_forest": {"trees": 10}}},
        "lasso": {"selection": [], "learner": {"lasso": {"folds": 3, "n_lambda": 20}}, "second_stage": "cross_fitted"},
    },
    "choose": {"among": ["slow", "forest", "lasso"], "folds": 3, "rule": "best"},
    "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0},
}
CHOICE_REFITS = 3 * 3
"""Of each protocol: the inner folds of the training sets."""
CHOICE_FOLDS = 3
"""Of each protocol: the training sets."""


def numbers_of(out: Path) -> list[Any]:
    """Results and predictions of a run, without the CPU time of its protocols."""
    data = json.loads((out / "results.json").read_text())
    models = [m for way in data.get("protocols", {}).values() for s in way["validation"].values() for m in s["models"]]
    assert models and all(model.pop("seconds") > 0 for model in models)
    return [data, (out / "predictions.csv").read_bytes()]


def n_fits(folder: Path) -> int:
    """How many refits were made, the null run's among them."""
    return (folder / "fits").stat().st_size if (folder / "fits").exists() else 0
