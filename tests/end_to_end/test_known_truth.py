"""Synthetic cohorts whose truth is known: signal is found, honest numbers cover the truth, seeds and jobs change
nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

import prldh
from prldh.demo.features import demo_cohort, write_features_study
from prldh.demo.run import FEATURES_FOREST

pytestmark = pytest.mark.usefixtures("undrawn")

SMALL = {"n_radiomics": 60, "n_deep": 30}
FOLDS_ONLY = {"leave_one_out": False, "folds": 10, "bootstrap": 0, "scope": ["model", "pipeline"]}


def _analyze(folder: Path, cohort, validation, forest, **options):
    study = write_features_study(folder / "in", cohort, validation, forest)
    return prldh.analyze(study, folder / "out", engine="python", **options)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    cohort = demo_cohort(n=140, **SMALL)
    validation = {"leave_one_out": False, "folds": 3, "repeats": 2, "bootstrap": 4, "scope": ["model", "pipeline"]}
    return (
        folder,
        cohort,
        validation,
        _analyze(folder, cohort, validation, {"trees": 20, "sizes": [1, 2, 4, 8]}, jobs=1),
    )


def test_two_jobs_and_a_second_run_give_the_same_bytes(small, tmp_path):
    folder, cohort, validation, _ = small
    first = (folder / "out" / "results.json").read_bytes()
    _analyze(tmp_path, cohort, validation, {"trees": 20, "sizes": [1, 2, 4, 8]}, jobs=2)
    assert (tmp_path / "out" / "results.json").read_bytes() == first
    for name in ("predictions.csv", "model.json", "report.html"):
        if name == "report.html":
            continue
        assert (tmp_path / "out" / name).read_bytes() == (folder / "out" / name).read_bytes(), name


def test_another_seed_gives_other_folds(small, tmp_path):
    _, cohort, validation, results = small
    of_model = {**validation, "bootstrap": 0, "scope": ["model"]}
    other = _analyze(tmp_path, cohort, of_model, {"trees": 20, "sizes": [1, 2, 4, 8]}, jobs=1, seed=99)
    a, b = (r.data["models"][0]["validation"]["model"]["folds"]["auc"]["estimate"] for r in (results, other))
    assert a != b


def test_every_feature_is_kept_or_has_a_reason(small):
    for tissue in small[3].data["tissues"].values():
        for source in ("radiomics", "deep"):
            steps = [s for s in tissue["selection"]["steps"] if s["source"] == source]
            for before, after in zip(steps, steps[1:], strict=False):
                assert before["n_out"] == after["n_in"]
            dropped = [f for s in steps for f in s["dropped"]]
            assert len(dropped) == len(set(dropped))
            kept = [f for f in tissue["selection"]["features"] if tissue["selection"]["sources"][f] == source]
            assert len(kept) == steps[-1]["n_out"] and not set(kept) & set(dropped)


def test_frozen_model_gives_the_predictions_again(small):
    folder, cohort, _, results = small
    frozen = json.loads((folder / "out" / "model.json").read_text())
    scores = {name: _radscore(frozen["tissues"][name], cohort, name) for name in frozen["tissues"]}
    for name, values in scores.items():
        np.testing.assert_allclose(values, [s["value"] for s in results.data["tissues"][name]["scores"]], rtol=1e-10)
    model = next(m for m in frozen["models"] if m["name"] == "Disc Radscore" and not m["adjusted"])
    b = [c["b"] for c in model["coefficients"]]
    log_odds = b[0] + b[1] * scores["disc"]
    apparent = results.predictions.query("model == 'Disc Radscore' and not adjusted and scheme == 'apparent'")[
        "log_odds"
    ]
    np.testing.assert_allclose(log_odds, apparent, atol=1e-9)


def _radscore(frozen, cohort, tissue):
    score = frozen["chain"][-1]["state"]
    total = np.full(len(cohort.tables["clinical.csv"]), score["intercept"])
    for f in score["features"]:
        column = cohort.tables[f"{tissue}_{f['source']}_reader1.csv"][f["name"]].to_numpy()
        total += f["coefficient"] * (column - f["center"]) / f["scale"]
    return total


def test_changing_held_out_rows_moves_no_fit():
    """What is fitted sees training rows alone: other values and outcomes of held-out patients change nothing."""
    from prldh.chain.radscore import fit_tissue, training_rows
    from prldh.core.records import FeatureBlock, Subjects
    from prldh.core.seeds import seed_for
    from prldh.engines.python import PythonEngine
    from prldh.plugins.registry import Registry
    from prldh.run.protocols import resolve_protocols
    from prldh.study.study import Study

    generator = np.random.default_rng(1)
    outcome = np.r_[np.ones(30), np.zeros(60)].astype(np.int8)
    values = generator.standard_normal((90, 40)) + 0.9 * outcome[:, None] * (np.arange(40) < 3)
    second = values + 0.2 * generator.standard_normal(values.shape)
    rows = np.sort(generator.choice(90, 70, replace=False))
    others = np.setdiff1d(np.arange(90), rows)
    study = Study(
        clinical={"table": "x", "id": "i", "outcome": "o", "event": 1},
        tissues={"disc": {"features": ["first.csv", "second.csv"]}},
        selection=[
            "icc",
            {"mrmr_forest": {"trees": 20, "sizes": [1, 3, 6]}},
            {"correlation": {"outcome": 0.2}},
            "lasso_svm_rfe",
        ],
    )
    protocol = resolve_protocols(study, Registry(load_entry_points=False))[0]

    def fit(values, second, outcome):
        block = FeatureBlock("s", tuple(f"f{j}" for j in range(40)), values, second)
        return fit_tissue(
            training_rows((block,), Subjects.each(outcome), rows), ("s",), protocol, seed_for(1, "x"), PythonEngine()
        )

    before = fit(values, second, outcome)
    changed, changed_second, changed_outcome = values.copy(), second.copy(), outcome.copy()
    changed[others] = 1e6 * generator.standard_normal((20, 40))
    changed_second[others] = -7
    changed_outcome[others] = 1 - changed_outcome[others]
    after = fit(changed, changed_second, changed_outcome)
    assert before.radscore.features == after.radscore.features
    np.testing.assert_array_equal(before.radscore.coefficients, after.radscore.coefficients)
    assert before.cutoff == after.cutoff


@pytest.mark.slow
def test_demo_features_are_found_and_the_honest_auc_covers_the_truth(tmp_path):
    """The truth: the AUC that each frozen Radscore has on 5,000 other patients of the same population."""
    cohort = demo_cohort()
    results = _analyze(tmp_path, cohort, FOLDS_ONLY, FEATURES_FOREST)
    others = demo_cohort(n=5000, draw=1)
    frozen = json.loads((tmp_path / "out" / "model.json").read_text())
    outcome = (others.tables["clinical.csv"]["recurrence"] == "yes").to_numpy()
    for tissue, signal in cohort.signal.items():
        assert set(signal) <= set(results.data["tissues"][tissue]["selection"]["features"])
        scores = _radscore(frozen["tissues"][tissue], others, tissue)
        above = scores[outcome][:, None] - scores[~outcome][None, :]
        truth = np.mean(above > 0) + 0.5 * np.mean(above == 0)
        model = next(
            m for m in results.data["models"] if m["name"].lower() == f"{tissue} radscore" and not m["adjusted"]
        )
        honest = model["validation"]["pipeline"]["folds"]["auc"]
        print(
            f"{tissue}: truth {truth:.3f}, honest {honest['estimate']:.3f} ({honest['low']:.3f}, {honest['high']:.3f}),"
            f" apparent {model['auc']['estimate']:.3f}"
        )
        assert honest["low"] <= truth <= honest["high"]


@pytest.mark.slow
def test_permuted_outcomes_are_worth_nothing_in_scope_pipeline_and_something_in_scope_model(tmp_path):
    """Ten permutations. Only the scope that refits selection says 0.5; folds whose refit is the intercept alone count
    0.5."""
    cohort = demo_cohort()
    found = {"pipeline": [], "model": []}
    for k in range(10):
        clinical = cohort.tables["clinical.csv"]
        clinical["recurrence"] = np.random.default_rng(k).permutation(clinical["recurrence"].to_numpy())
        study = write_features_study(tmp_path / str(k) / "in", cohort, FOLDS_ONLY, FEATURES_FOREST)
        content = yaml.safe_load(study.read_text())
        content.update(
            {
                "if_empty": "best",
                "models": [{"name": "Disc", "terms": ["disc"]}],
                "adjust": [],
                "performance": {"decision_bootstrap": 0},
            }
        )
        content["clinical"].update({"table": str(study.parent / "clinical.csv"), "event": "yes"})
        for tissue in content["tissues"].values():
            tissue["features"] = {
                s: [str(study.parent / t) for t in tables] for s, tables in tissue["features"].items()
            }
        del content["tissues"]["muscle"]
        data = prldh.analyze(content, tmp_path / str(k) / "out", engine="python").data
        for scope in found:
            found[scope].append(data["models"][0]["validation"][scope]["folds"]["auc_mean"]["estimate"])
    summary = {scope: (np.mean(v), np.std(v, ddof=1) / np.sqrt(len(v))) for scope, v in found.items()}
    print({scope: f"{mean:.3f} (SE {se:.3f})" for scope, (mean, se) in summary.items()})
    mean, se = summary["pipeline"]
    assert abs(mean - 0.5) < max(3 * se, 0.03)
    mean, se = summary["model"]
    assert mean - 3 * se > 0.55
