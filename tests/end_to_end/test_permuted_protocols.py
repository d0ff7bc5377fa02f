"""Where there is nothing to be found, no learner and no choice among them finds anything: outcomes drawn at random."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import prldh
from prldh.plugins import Registry

pytestmark = [pytest.mark.usefixtures("undrawn"), pytest.mark.slow]

N, P, PERMUTATIONS = 100, 100, 20
LEARNERS = sorted(set(Registry(load_entry_points=False).registered("register_learners")) - {"mean"})


def run(folder, values, outcome, k):
    ids = [f"p{i:03d}" for i in range(N)]
    pd.DataFrame({"id": ids, "y": outcome}).to_csv(folder / "clinical.csv", index=False)
    pd.DataFrame(values, columns=[f"f{j}" for j in range(P)]).assign(id=ids).to_csv(folder / "f.csv", index=False)
    few = [{"univariate": {"threshold": 0.05, "adjust_p": "none", "if_empty": "best"}}]
    protocols = {
        name: {"selection": few if name == "logistic" else [], "learner": name, "second_stage": "as_is"}
        for name in LEARNERS
    }
    parts = ["lasso", "ridge", "random_forest"]
    protocols["mean"] = {"selection": [], "learner": {"mean": {"of": parts}}, "second_stage": "as_is"}
    study = {
        "seed": k,
        "engine": "python",
        "clinical": {"table": str(folder / "clinical.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"features": str(folder / "f.csv")}},
        "if_empty": "best",
        "univariate": False,
        "protocols": protocols,
        "choose": {"among": list(protocols), "folds": 3, "rule": "best"},
        "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
        "report": {"figures": ["svg"]},
    }
    data = prldh.analyze(study, folder / f"out{k}", jobs=2).data
    ways = {name: e["validation"]["folds"]["models"][0] for name, e in data["protocols"].items()}
    ways |= {f"yardstick {name}": by_scheme["folds"] for name, by_scheme in data["yardstick"].items()}
    ways["the choice"] = data["choice"]["validation"]["folds"]
    return {name: way["auc_mean"]["estimate"] for name, way in ways.items()}


def test_the_mean_of_folds_is_chance_for_every_learner_and_for_the_choice(tmp_path, record_property):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(N, P))
    outcome = (np.arange(N) % 3 == 0).astype(int)
    found = pd.DataFrame([run(tmp_path, values, rng.permutation(outcome), k) for k in range(PERMUTATIONS)])
    mean, error = found.mean(), found.std(ddof=1) / np.sqrt(PERMUTATIONS)
    told = "; ".join(f"{name} {mean[name]:.3f} ± {error[name]:.3f}" for name in found)
    record_property("told", told)
    assert len(found.columns) == len(LEARNERS) + 4
    assert (np.abs(mean - 0.5) <= 3 * error).all(), told
