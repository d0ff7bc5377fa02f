"""The null run: where the outcome is permuted the whole chain lands around 0.5, and the report says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pages import unmarked

import prldh

pytestmark = pytest.mark.usefixtures("undrawn")

QUICK = {"leave_one_out": False, "folds": 4, "bootstrap": 0}


def _study(folder, n=80, p=40, **validation):
    rng = np.random.default_rng(3)
    y = np.arange(n) % 3 == 0
    x = rng.normal(size=(n, p))
    x[:, :2] += 1.6 * y[:, None]
    ids = [f"p{i}" for i in range(n)]
    pd.DataFrame({"id": ids, "y": y.astype(int), "age": rng.normal(60, 8, n)}).to_csv(
        folder / "clinical.csv", index=False
    )
    pd.DataFrame(x, columns=[f"f{j}" for j in range(p)]).assign(id=ids).to_csv(folder / "features.csv", index=False)
    return {
        "engine": "python",
        "report": {"figures": []},
        "if_empty": "best",
        "selection": [{"correlation": {"between": 0.9, "outcome": 0.25}}],
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": 1,
            "covariates": {"age": "continuous"},
        },
        "tissues": {"disc": {"features": str(folder / "features.csv")}},
        "validation": {**QUICK, **validation},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
    }


def test_permuted_outcomes_land_around_a_half_and_a_real_signal_above_them(tmp_path):
    results = prldh.analyze(_study(tmp_path, null_permutations=12), tmp_path / "out", jobs=1)
    for entry in results.data["models"]:
        found = entry["validation"]["pipeline"]["folds"]
        null = found["null"]
        assert null["n"] == len(null["values"]) == 12 and null["measure"] == "auc_mean"
        assert null["low"] < 0.5 < null["high"] and abs(null["mean"] - 0.5) < 0.1
        assert found["auc_mean"]["estimate"] > max(null["values"]) and null["p"] == pytest.approx(1 / 13)
        assert "null" not in entry["validation"]["model"]["folds"]
    page = unmarked((tmp_path / "out" / "report.html").read_text())
    assert "12 permutations of the outcome" in page


def test_jobs_change_nothing_and_nothing_else_moves(tmp_path):
    alone = prldh.analyze(_study(tmp_path), tmp_path / "alone", jobs=1).data["models"]
    one, two = (
        prldh.analyze(_study(tmp_path, null_permutations=2), tmp_path / f"jobs{jobs}", jobs=jobs).data["models"]
        for jobs in (1, 2)
    )
    assert one == two
    for entry in one:
        del entry["validation"]["pipeline"]["folds"]["null"]
    assert one == alone


def test_without_a_scheme_that_holds_patients_out_it_is_told(tmp_path):
    results = prldh.analyze(_study(tmp_path, folds=0, bootstrap=3, null_permutations=2), tmp_path / "out", jobs=1)
    assert any("no null run" in w["message"] for w in results.data["warnings"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["WORC-Desmoid", "Dong2022"])
def test_on_real_tables_the_null_band_covers_a_half(shared_data, tmp_path, name):
    """The default protocol, selection included, on permuted outcomes of real patients."""
    table = pd.read_csv(shared_data / "tables" / f"{name}.gz", compression="gzip")
    table[["ID", "Target"]].to_csv(tmp_path / "clinical.csv", index=False)
    table.drop(columns="Target").to_csv(tmp_path / "features.csv", index=False)
    study = {
        "engine": "python",
        "if_empty": "best",
        "clinical": {
            "table": str(tmp_path / "clinical.csv"),
            "id": "ID",
            "outcome": "Target",
            "event": 1,
            "covariates": {},
        },
        "tissues": {"tumour": {"features": str(tmp_path / "features.csv")}},
        "validation": {
            "leave_one_out": False,
            "folds": 10,
            "bootstrap": 0,
            "scope": ["pipeline"],
            "null_permutations": 20,
        },
    }
    null = prldh.analyze(study, tmp_path / "out").data["models"][0]["validation"]["pipeline"]["folds"]["null"]
    assert null["low"] < 0.5 < null["high"], null
    assert abs(null["mean"] - 0.5) < 4 * np.std(null["values"]) / np.sqrt(null["n"])
