"""Blanks in tables of features, filled by a transform: in the analysis, in resamples, and of new patients."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prldh.apply import apply_models
from prldh.chain import fit_tissue, training_rows
from prldh.core import DataError, Ledger, seed_for
from prldh.engines import PythonEngine
from prldh.pipeline import analyze
from prldh.run import prepare

sys.path.insert(0, str(Path(__file__).parent))
from plain_r import compare_printed, run_plain_r

N, P = 60, 8

pytestmark = pytest.mark.usefixtures("undrawn")


def write_study(folder, blank=0.1, seed=0, readers=2, **changes):
    """A study with two sources, whose tables have blanks, by two readers."""
    rng = np.random.default_rng(seed)
    outcome = rng.permutation(np.arange(N) % 5 < 2)
    ids = [f"P{i:02}" for i in range(N)]
    pd.DataFrame({"id": ids, "event": np.where(outcome, "yes", "no"), "age": rng.normal(60, 9, N)}).to_csv(
        folder / "clinical.csv", index=False
    )
    for source in ("shape", "texture"):
        values = rng.normal(size=(N, P)) + 1.2 * outcome[:, None] * (np.arange(P) < 3)
        for reader in range(readers):
            own = values + 0.2 * rng.normal(size=values.shape)
            own[rng.random(own.shape) < blank] = np.nan
            table = pd.DataFrame(own, columns=[f"{source}_{j}" for j in range(P)])
            table.insert(0, "id", ids)
            table.to_csv(folder / f"{source}{reader + 1}.csv", index=False)
    tables = {s: [f"{s}{r + 1}.csv" for r in range(readers)] for s in ("shape", "texture")}
    study = {
        "engine": "python",
        "clinical": {
            "table": "clinical.csv",
            "id": "id",
            "outcome": "event",
            "event": "yes",
            "covariates": {"age": "continuous"},
        },
        "tissues": {"disc": {"features": tables}},
        "transforms": ["near_constant", {"impute": {"method": "median"}}, {"scale": {"method": "robust"}}],
        "selection": ["icc", {"correlation": {"outcome": 0.2}}],
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 3},
        "performance": {"partial_auc_bootstrap": 0, "decision_bootstrap": 0, "interaction_bootstrap": 0},
        "report": {"figures": []},
        **changes,
    }
    path = folder / "study.json"
    path.write_text(json.dumps(study))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blanks")
    path = write_study(folder)
    analyze(path, folder / "out", jobs=1)
    return folder


@pytest.fixture(scope="module")
def results(run):
    return json.loads((run / "out" / "results.json").read_text())


def test_blanks_are_told_and_filled(run, results):
    told = [w["message"] for w in results["warnings"] if w["code"] == "PRL-025"]
    assert [message.split(":")[0] for message in told] == [
        "tissue disc, source shape",
        "tissue disc, source texture",
    ]
    first = pd.read_csv(run / "shape1.csv", index_col="id")
    worst = first.isna().mean().sort_values(ascending=False, kind="stable")
    assert f"{first.isna().any(axis=1).sum()} of {N} patients: {worst.index[0]} ({100 * worst.iloc[0]:.3g}%)" in told[0]
    steps = {(s["name"], s["source"]): s for s in results["tissues"]["disc"]["selection"]["steps"]}
    assert steps["impute", "shape"]["details"]["blank"] == pytest.approx(
        {name: share for name, share in first.isna().mean().items() if share}
    )
    assert all(
        m["validation"]["pipeline"]["folds"]["auc"]["estimate"] > 0.6 for m in results["models"] if not m["adjusted"]
    )


def test_readers_agree_on_the_patients_whom_both_measured(run, results):
    steps = [s for s in results["tissues"]["disc"]["selection"]["steps"] if s["name"] == "icc"]
    shape = next(s for s in steps if s["source"] == "shape")
    readers = [pd.read_csv(run / f"shape{r}.csv", index_col="id") for r in (1, 2)]
    whole = readers[0].notna() & readers[1].notna()
    assert shape["details"]["least_patients"] == whole.sum().min() < N
    icc, engine = [], PythonEngine()
    for name in readers[0]:
        both = [each[name][whole[name]] for each in readers]
        icc.append(engine.icc_of_ratings(np.column_stack(both))["estimate"][0])
    assert shape["details"]["estimate"]["median"] == pytest.approx(np.median(icc), rel=1e-12)


def test_new_patients_blanks_are_filled_by_the_frozen_parameters(run, results):
    model = json.loads((run / "out" / "model.json").read_text())
    chain = model["tissues"]["disc"]["chain"]
    medians = {}
    for step in chain:
        if step["step"] == "impute":
            medians |= dict(zip(step["state"]["names"], step["state"]["parameters"]["median"], strict=True))
    wanted = {f["name"] for f in chain[-1]["state"]["features"]}
    assert set(medians) == wanted  # no more than the score reads
    folder = run / "new"
    folder.mkdir()
    new, filled = [], []
    for source in ("shape", "texture"):
        table = pd.read_csv(run / f"{source}1.csv")
        table["id"] = "N" + table["id"]
        table.loc[3, table.columns[1:]] = np.nan  # one of whom a source knows nothing
        table.loc[4, table.columns[1:]] = np.nan if source == "shape" else 0.5
        table.to_csv(folder / f"{source}.csv", index=False)
        new.append(table)
        whole = table.fillna(medians)
        whole.to_csv(folder / f"{source}_filled.csv", index=False)
        filled.append(whole)
    clinical = pd.read_csv(run / "clinical.csv")
    clinical["id"] = "N" + clinical["id"]
    clinical.to_csv(folder / "clinical.csv", index=False)
    found = {}
    for name, suffix in (("blank", ""), ("filled", "_filled")):
        cohort = {
            "name": name,
            "clinical": {"table": str(folder / "clinical.csv")},
            "tissues": {"disc": {"features": {s: str(folder / f"{s}{suffix}.csv") for s in ("shape", "texture")}}},
        }
        entry = apply_models(run / "out", cohort)
        found[name] = entry, pd.read_csv(run / "out" / entry["folder"] / "predictions.csv")
    blank, whole = found["blank"][1].set_index(["id", "model", "adjusted"]), found["filled"][1]
    both = whole.set_index(["id", "model", "adjusted"]).loc[blank.index]
    np.testing.assert_array_equal(blank["probability"], both["probability"])
    assert found["blank"][0]["excluded"] == [{"id": "NP03", "reason": "a feature of disc has no value"}]
    assert any(w["code"] == "PRL-027" for w in found["blank"][0]["warnings"])


def test_held_out_values_do_not_matter_to_the_fit(tmp_path):
    plan = prepare(write_study(tmp_path, transforms=["near_constant", {"impute": {"method": "knn"}}, "scale", "pca"]))
    blocks, train = plan.blocks["disc"], np.arange(0, N, 2)
    states = []
    for factor in (1.0, -1e6):
        changed = []
        for block in blocks:
            first, second = block.first.copy(), block.second.copy()
            first[1::2] *= factor
            second[1::2] *= factor
            changed.append(type(block)(block.source, block.names, first, second))
        rows = training_rows(tuple(changed), plan.cohort.subjects, train)
        ledger = Ledger(np.arange(1, N, 2))
        seed = seed_for(1, "tissue")
        fit = fit_tissue(rows, ("shape", "texture"), plan.protocol, seed, PythonEngine(), ledger)
        states.append([step.fitted.state for step in fit.chain])
        assert {"near_constant", "impute", "scale", "pca"} <= set(ledger.entries)
        assert not any(entry.n_held_out for entry in ledger.entries.values())
    assert states[0] == states[1]


def test_without_a_transform_that_fills_them_blanks_are_the_error_that_they_were(tmp_path):
    path = write_study(tmp_path, transforms=[])
    with pytest.raises(DataError, match=r"is blank .*or let one of `transforms` fill blanks first \(impute\)\."):
        prepare(path)
    path = write_study(tmp_path, transforms=["scale", "impute"])
    with pytest.raises(DataError, match="is blank"):
        prepare(path)
    path = write_study(tmp_path, protocols={"plain": {"transforms": []}, "other": {}})
    with pytest.raises(DataError, match=r"\(impute\), which plain of `protocols` does without"):
        prepare(path)


def test_a_patient_of_whom_nothing_is_known_is_an_error(tmp_path):
    path = write_study(tmp_path)
    table = pd.read_csv(tmp_path / "shape1.csv")
    table.loc[5, table.columns[1:]] = np.nan
    table.to_csv(tmp_path / "shape1.csv", index=False)
    with pytest.raises(DataError, match=r"shape1.csv: patient P05 has none of its features"):
        prepare(path)
    whole = pd.read_csv(tmp_path / "texture1.csv").assign(texture_3=np.nan)
    whole.to_csv(tmp_path / "texture1.csv", index=False)
    table.loc[5, "shape_0"] = 1.0
    table.to_csv(tmp_path / "shape1.csv", index=False)
    plan = prepare(path)
    assert [w.message for w in plan.warnings if w.code == "PRL-026"] == [
        "tissue disc, source texture: 1 features are blank for every patient and are dropped: texture_3."
    ]


@pytest.mark.slow
def test_both_engines_and_plain_r_take_the_patients_who_have_a_feature(tmp_path):
    """A feature that goes before blanks are filled, and that the screen lists."""
    path = write_study(
        tmp_path,
        engine="both",
        transforms=[{"near_constant": {"ratio": 1.0, "distinct": 30}}, "impute"],
        selection=[{"correlation": {"outcome": 0.1}}],
        validation={"leave_one_out": False, "folds": 3, "bootstrap": 0},
        univariate={"test": "t", "shown": 20},
        yardstick=False,
    )
    clinical, table = (pd.read_csv(tmp_path / name) for name in ("clinical.csv", "texture1.csv"))
    blank = table["texture_0"].isna()
    coarse = (clinical["event"] == "yes") * 1.0 + (np.arange(N) % 7 == 0)
    table.assign(texture_0=coarse.where(~blank)).to_csv(tmp_path / "texture1.csv", index=False)
    analyze(path, tmp_path / "out", jobs=1)
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    first = results["univariate"]["features"]["disc"]["smallest"][0]
    expected = np.corrcoef(coarse[~blank], clinical["event"][~blank] == "yes")[0, 1]
    assert first["feature"] == "texture_0" and blank.any() and first["r"] == pytest.approx(expected, rel=1e-12)
    assert all(a["relative"] < 1e-6 for a in results["agreement"] if "univariate" in a["quantity"])
    assert compare_printed(results, run_plain_r(tmp_path / "out" / "reproduce")) > 5000
