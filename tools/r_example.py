"""Make the example of the R package: ``r/inst/extdata``, made-up patients and the finished run of their study.

    python tools/r_example.py

The patients are drawn, from no one's data. Of the run's folder what ``read_run()`` reads is kept.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import prldh

FOLDER = Path(__file__).parents[1] / "r" / "inst" / "extdata"
KEPT = ("models", "terms", "validation", "bootstrap", "decision_curve", "calibration_curve", "warnings")
STUDY = """\
title: Recurrence after surgery (made-up patients)
seed: 20240101
engine: r
clinical:
  table: patients.csv
  id: patient_id
  outcome: recurrence
  event: yes
  covariates: {age: continuous, size: continuous, sex: categorical}
tissues:
  tumour: {radscore: radscore}
models:
  - {name: Clinical, terms: [age, size, sex]}
  - {name: Radscore, terms: [tumour]}
  - {name: Clinical and Radscore, terms: [age, size, sex, tumour]}
adjust: []
performance: {decision_bootstrap: 0, partial_auc_bootstrap: 0, thresholds: [0.05, 0.1, 0.2, 0.3, 0.4, 0.5]}
validation: {leave_one_out: true, folds: 10, repeats: 2, bootstrap: 100, scope: [model]}
"""


def patients(n: int = 120) -> pd.DataFrame:
    """Patients with a score that tells something, and clinical variables that tell less."""
    draw = np.random.default_rng(120)
    age = np.round(draw.normal(61, 10, n))
    size = np.round(np.exp(draw.normal(3.2, 0.4, n)), 1)
    sex = draw.choice(["female", "male"], n)
    radscore = np.round(draw.normal(-0.7, 1.1, n), 3)
    log_odds = -0.3 + 0.9 * radscore + 0.03 * (age - 61) + 0.02 * (size - 26)
    event = draw.random(n) < 1 / (1 + np.exp(-log_odds))
    return pd.DataFrame(
        {
            "patient_id": [f"P{i:03d}" for i in range(1, n + 1)],
            "recurrence": np.where(event, "yes", "no"),
            "age": age.astype(int),
            "size": size,
            "sex": sex,
            "radscore": radscore,
        }
    )


def make(folder: Path) -> None:
    """Write the patients, the study and what is kept of its run into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    patients().to_csv(folder / "patients.csv", index=False)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        prldh.analyze(folder / "study.yaml", run)
        kept = folder / "run"
        shutil.rmtree(kept, ignore_errors=True)
        for name in ("tables", "reproduce"):
            (kept / name).mkdir(parents=True)
        for name in KEPT:
            if (run / "tables" / f"{name}.csv").is_file():
                shutil.copyfile(run / "tables" / f"{name}.csv", kept / "tables" / f"{name}.csv")
        for name in ("cohort.csv", "folds.csv", "drawn_bootstrap.csv.gz"):
            shutil.copyfile(run / "reproduce" / name, kept / "reproduce" / name)
        shutil.copyfile(run / "predictions.csv", kept / "predictions.csv")
        results = json.loads((run / "results.json").read_text(encoding="utf-8"))
        short = {key: results[key] for key in ("schema", "study", "cohort", "engines", "warnings")}
        (kept / "results.json").write_text(json.dumps(short, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
