"""Compile what numba compiles and keeps beside the code, once, before tests start: workers, and the commands that they
start, would otherwise each compile the same at the same time.

python tests/compile_kernels.py
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from blank import blank_figures, draw_and_write_blank

import prldh
from prldh.demo.features import demo_cohort, write_features_study
from prldh.demo.published import published_cohort, published_study
from prldh.stats.two_stage import two_stage_bootstrap

FEW: dict[str, Any] = {
    "engine": "python",
    "report": {"figures": []},
    "performance": {"decision_bootstrap": 5, "partial_auc_bootstrap": 5, "interaction_bootstrap": 5},
}


def compile_all(folder: Path) -> None:
    """Two small studies that call, between them, what is compiled: scores and covariates, separated and imputed; and
    features, by the default selection and by every kind of learner. What takes longer in a study, and what measures
    images, is called itself."""
    table = published_cohort()
    table.loc[table.index % 9 == 0, "age"] = None
    table.loc[table.index % 9 == 4, ["sex", "modic"]] = None
    table.to_csv(folder / "clinical.csv", index=False)
    resamples = {"leave_one_out": False, "folds": 3, "bootstrap": 3, "scope": ["model"]}
    imputed = {"missing": "multiple_imputation", "imputation": {"imputations": 2}}
    published = published_study(str(folder / "clinical.csv")) | FEW | imputed | {"validation": resamples}
    prldh.analyze(published, folder / "published", jobs=1)

    resamples = {"leave_one_out": False, "folds": 2, "bootstrap": 2, "scope": ["model", "pipeline"]}
    forest = {"trees": 3, "sizes": [2, 3], "folds": 2}
    cohort = demo_cohort(60, n_radiomics=12, n_deep=8)
    file = write_features_study(folder / "features", cohort, resamples, forest)
    study = yaml.safe_load(file.read_text()) | FEW | {"if_empty": "best"}
    plain = {"selection": [], "univariate": False, "validation": resamples | {"bootstrap": 0}}
    for k, more in enumerate(
        (
            {},
            plain | {"learner": {"random_forest": {"trees": 3}}},
            plain | {"learner": "elastic_net", "adjust": ["age"], "separation": "firth"},
        )
    ):
        file.write_text(yaml.safe_dump(study | more))
        prldh.analyze(file, folder / f"features{k}", jobs=1)

    y = np.repeat([1.0, 0.0], [20, 40])
    two_stage_bootstrap(np.column_stack([np.ones(60), np.arange(60) % 7.0]), y, 3, 3, np.random.default_rng(1))
    with contextlib.suppress(ImportError):  # images are a plugin's
        import prldh_pyradiomics.fast  # noqa: F401 - all kernels of a measurement, which are kept together
        from prldh_pyradiomics.kernels import assign_bins

        assign_bins(np.array([0.5]), np.array([0.0, 1.0]))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, blank_figures(draw_and_write_blank):
        os.environ["PRLDH_CACHE"] = str(Path(folder) / "cache")
        compile_all(Path(folder))
