"""A small finished run, and new patients for its models, made once for the tests that alter such folders."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml
from slow_study import write_slow_study

import prldh
import prldh.report.figures as figures
from prldh.report.figures import files_of

STUDY = {
    "selection": [{"lasso": {"folds": 3}}],
    "models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Age", "terms": ["age"]}],
    "missing": "complete_case",
    "report": {"figures": [], "checklists": ["clear"]},
    "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0},
    "yardstick": False,
}


def write_blank(drawings, drawn, words, settings, folder, *_) -> None:
    """In place of figures, which take most of the time of a report and which nothing here looks at."""
    for drawing in drawings:
        for name, *_ in files_of(drawing, settings):
            (folder / name).write_text('<svg width="100pt" height="50pt" viewBox="0 0 100 50"></svg>')


def make_run(folder: Path) -> tuple[Path, Path]:
    """A finished run, and the cohort file of new patients for it."""
    study = write_slow_study(folder, **STUDY)
    clinical = pd.read_csv(folder / "clinical.csv")
    clinical.assign(id="n" + clinical["id"], age=clinical["age"].fillna(60.0)).to_csv(folder / "new.csv", index=False)
    features = pd.read_csv(folder / "features.csv")
    features.assign(id="n" + features["id"]).to_csv(folder / "new_features.csv", index=False)
    cohort = folder / "cohort.yaml"
    cohort.write_text(
        yaml.safe_dump(
            {"name": "New", "clinical": {"table": "new.csv"}, "tissues": {"disc": {"features": "new_features.csv"}}}
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "_write_all", write_blank)
        prldh.analyze(study, folder / "run", jobs=1)
        prldh.apply_models(folder / "run", cohort, jobs=1)
    return folder / "run", cohort
