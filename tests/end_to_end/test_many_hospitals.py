"""Schemes by groups, by a split and at random, from tables to results: every number again from predictions.csv."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from phone import cut_on_a_phone
from plain_r import compare_with_plain_r
from scipy import stats
from sklearn.metrics import brier_score_loss, roc_auc_score

import prldh
from prldh.report.groups import group_panels
from prldh.report.subgroup_drawings import draw_subgroups
from prldh.results import by_honesty
from prldh.stats.meta_analysis import pool_random_effects
from prldh.stats.roc import auc

N = 110

pytestmark = [pytest.mark.usefixtures("unwritten"), pytest.mark.ci]


def write_tables(folder, seed: int = 0, n: int = N) -> dict:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    y = (rng.random(n) < 1 / (1 + np.exp(-1.3 * x[:, 0]))).astype(int)
    ids = [f"P{i:03d}" for i in range(n)]
    pd.DataFrame(
        {
            "id": ids,
            "y": y,
            "hospital": np.array(list("ABCD"))[rng.integers(0, 4, n)],
            "part": np.where(rng.random(n) < 0.7, "train", "test"),
            "age": rng.normal(60, 8, n).round(1),
        }
    ).to_csv(folder / "clinical.csv", index=False)
    pd.DataFrame(x, columns=[f"f{j}" for j in range(5)]).assign(id=ids).to_csv(folder / "features.csv", index=False)
    return {
        "engine": "python",
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": 1,
            "columns": {"centre": "hospital", "set": "part"},
            "covariates": {"age": "continuous"},
        },
        "tissues": {"lesion": {"features": str(folder / "features.csv")}},
        "selection": [],
        "models": [{"name": "Lesion", "terms": ["lesion"]}, {"name": "Age", "terms": ["age"]}],
        "adjust": [],
        "yardstick": False,
        "validation": {
            "leave_one_out": False,
            "folds": 0,
            "bootstrap": 0,
            "leave_one_group_out": {"column": "centre"},
            "split": {"column": "set"},
            "monte_carlo": {"test": 0.2, "repeats": 12},
        },
        "performance": {"decision_bootstrap": 20, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
        "report": {"figures": ["svg"]},
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hospitals")
    prldh.analyze(write_tables(folder), folder / "out")
    results = json.loads((folder / "out" / "results.json").read_text(encoding="utf-8"))
    return folder, results, pd.read_csv(folder / "out" / "predictions.csv")


def entry(results, scheme, model=0, scope="pipeline"):
    return results["models"][model]["validation"][scope][scheme]


def held(predictions, scheme, model="Lesion", scope="pipeline"):
    own = predictions["model"].eq(model) & predictions["scheme"].eq(scheme) & predictions["scope"].eq(scope)
    return predictions[own]


def test_each_group_and_all_as_one(run):
    folder, results, predictions = run
    centre = pd.read_csv(folder / "clinical.csv").set_index("id")["hospital"]
    own = held(predictions, "leave_one_group_out")
    found = entry(results, "leave_one_group_out")
    assert [level["level"] for level in found["groups"]] == list("ABCD")
    logits, variances = [], []
    for level, (name, rows) in zip(found["groups"], own.groupby(own["id"].map(centre)), strict=True):
        assert (level["level"], level["n"], level["events"]) == (name, len(rows), rows["outcome"].sum())
        area = auc(rows["outcome"].to_numpy(), rows["probability"].to_numpy())
        assert level["auc"]["estimate"] == pytest.approx(roc_auc_score(rows["outcome"], rows["probability"]))
        a = area["estimate"]
        half = stats.norm.ppf(0.975) * np.sqrt(area["variance"]) / (a * (1 - a))
        ends = [1 / (1 + np.exp(-np.log(a / (1 - a)) + side * half)) for side in (1, -1)]
        is_large = 10 <= level["events"] <= level["n"] - 10
        assert [level["auc"][end] for end in ("low", "high")] == (pytest.approx(ends) if is_large else [None, None])
        logits.append(np.log(a / (1 - a)))
        variances.append(area["variance"] / (a * (1 - a)) ** 2)
    pooled = pool_random_effects(logits, variances)
    for key in ("estimate", "low", "high", "prediction_low", "prediction_high"):
        assert found["auc_groups"][key] == pytest.approx(1 / (1 + np.exp(-pooled[key])))
    assert found["auc_groups"]["tau2"] == pytest.approx(pooled["tau2"]) and found["auc_groups"]["n_groups"] == 4
    assert found["auc"]["estimate"] == pytest.approx(roc_auc_score(own["outcome"], own["probability"]))


def test_a_split_is_judged_on_the_part_that_is_held_out(run):
    folder, results, predictions = run
    clinical = pd.read_csv(folder / "clinical.csv").set_index("id")
    own = held(predictions, "split")
    assert set(own["id"]) == set(clinical.index[clinical["part"] == "test"])
    found = entry(results, "split")
    assert found["auc"]["estimate"] == pytest.approx(roc_auc_score(own["outcome"], own["probability"]))
    assert found["brier"]["estimate"] == pytest.approx(brier_score_loss(own["outcome"], own["probability"]))
    assert sum(found["confusion"].values()) == len(own) and "auc_mean" not in found
    assert sum(b["event"] + b["nonevent"] for b in found["calibration"]["histogram"]) == len(own)
    compared = [c for c in results["comparisons"] if c["scheme"] == "split" and c["measure"] == "auc"]
    assert all((c["n"], c["events"]) == (len(own), own["outcome"].sum()) for c in compared) and len(compared) == 2


def test_random_splits_give_means_over_repeats_that_are_never_pooled(run):
    _, results, predictions = run
    own, found = held(predictions, "monte_carlo"), entry(results, "monte_carlo")
    areas = own.groupby("repeat").apply(lambda r: roc_auc_score(r["outcome"], r["probability"]))
    briers = own.groupby("repeat").apply(lambda r: brier_score_loss(r["outcome"], r["probability"]))
    assert len(areas) == 12
    n_test = len(own) / 12
    mean, error = areas.mean(), areas.std(ddof=1) * np.sqrt(1 / 12 + n_test / (N - n_test))
    half, logit = stats.t.ppf(0.975, 11) * error / (mean * (1 - mean)), np.log(mean / (1 - mean))
    expected = [mean, *(1 / (1 + np.exp(-logit + side * half)) for side in (1, -1))]
    assert [found["auc"][k] for k in ("estimate", "low", "high")] == pytest.approx(expected)
    assert found["auc"]["variance"] == pytest.approx(error**2)
    assert [found["brier"][k] for k in ("estimate", "low", "high")] == [pytest.approx(briers.mean()), None, None]
    assert found["calibration"]["curve"] == [] and "hosmer_lemeshow" not in found and "confusion" not in found
    (compared,) = (c for c in results["comparisons"] if c["scheme"] == "monte_carlo" and c["scope"] == "pipeline")
    other = (
        held(predictions, "monte_carlo", "Age")
        .groupby("repeat")
        .apply(lambda r: roc_auc_score(r["outcome"], r["probability"]))
    )
    difference = areas - other
    error = difference.std(ddof=1) * np.sqrt(1 / 12 + n_test / (N - n_test))
    assert compared["difference"] == pytest.approx(difference.mean())
    assert compared["p"] == pytest.approx(2 * stats.t.sf(abs(difference.mean() / error), 11))


def test_no_held_out_row_is_read(run):
    _, results, _ = run
    for by_scheme in results["ledger"].values():
        assert set(by_scheme) == {"leave_one_group_out", "split", "monte_carlo"}
        assert all(row["n_held_out_rows_read"] == 0 for rows in by_scheme.values() for row in rows)


@pytest.mark.browser
def test_a_phone_shows_the_number_of_every_table(browser, run):
    n, cut = cut_on_a_phone(browser, run[0] / "out")
    assert n > 40 and cut == []


def test_the_report_leads_with_groups_as_one(run):
    folder, results, _ = run
    page = unmarked((folder / "out" / "report.html").read_text(encoding="utf-8"))
    pooled = entry(results, "leave_one_group_out")["auc_groups"]
    assert "each group held out" in page and "Groups as one" in page and "prediction interval" in page
    assert f"{pooled['estimate']:.3f}" in page
    groups = pd.read_csv(folder / "out" / "tables" / "groups.csv")
    assert len(groups) == 2 * 2 * 5
    assert not [w for w in results["warnings"] if "it is not defined for these data" in w["message"]]


def test_the_forest_plot_has_a_row_for_each_group_and_one_for_all(run):
    """Every model; the diamond's numbers are those of the results, and stand in the figure's words."""
    _, results, _ = run
    levels, panels, told, column = group_panels(results)
    assert column == results["study"]["settings"]["validation"]["leave_one_group_out"]["column"]
    found = entry(results, "leave_one_group_out")
    assert levels == [
        *(f"{g['level']}\n{g['events']}/{g['n']} events" for g in found["groups"]),
        "Groups as one",
    ]
    assert len(panels) == len(results["models"]) and all(len(panel.areas) == 5 for panel in panels)
    lesion = next(panel for panel in panels if panel.areas[-1] == found["auc_groups"])
    assert lesion.areas[:-1] == [group["auc"] for group in found["groups"]]
    assert f"groups as one {found['auc_groups']['estimate']:.3f}" in told
    figure = draw_subgroups(levels, panels, broken="groups as one")
    named = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert named == ["chance", "groups as one", "expected of another group"]
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows[-1] == "Groups as one" and len(rows) == 5 and len(figure.axes) == len(panels)
    pooled = found["auc_groups"]
    drawn = [line.get_xdata() for axes in figure.axes for line in axes.lines if len(line.get_xdata()) == 2]
    assert any(np.allclose(x, [pooled["prediction_low"], pooled["prediction_high"]]) for x in drawn)


def test_models_that_lead_by_other_groups_are_in_no_forest_plot_of_these(run):
    """Rows and their name are those of the first model's scheme; a scheme's settings may be anything."""
    results = deepcopy(run[1])
    first, *_, last = sorted(results["models"], key=lambda model: model["adjusted"])
    for scope, scheme in by_honesty(last["validation"])[:1]:
        own = deepcopy(last["validation"][scope][scheme])
        for group in own["groups"]:
            group["level"] = f"scanner {group['level']}"
        last["validation"] = {scope: {"by_scanner": own}}
    validation = results["study"]["settings"]["validation"]
    validation["by_scanner"] = {"column": "scanner"}
    levels, panels, _, column = group_panels(results)
    assert column == validation["leave_one_group_out"]["column"] != "scanner"
    assert len(panels) == len(results["models"]) - 1 and not any("scanner" in level for level in levels)
    first["validation"] = last["validation"]
    validation["by_scanner"] = True
    levels, panels, _, column = group_panels(results)
    assert column == "" and all("scanner" in level for level in levels[:-1])


def test_groups_of_one_class_are_listed_and_left_out(tmp_path):
    study = write_tables(tmp_path)
    clinical = pd.read_csv(tmp_path / "clinical.csv")
    clinical.loc[clinical.index[clinical["y"] == 1][:2], "hospital"] = "E"  # events alone
    clinical.loc[0, "hospital"] = "F"  # one patient
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    study["validation"] = {
        "leave_one_out": False,
        "folds": 0,
        "bootstrap": 0,
        "leave_one_group_out": {"column": "centre"},
    }
    study["models"] = study["models"][:1]
    results = prldh.analyze(study, tmp_path / "out").data
    found = entry(results, "leave_one_group_out")
    assert found["auc_groups"]["left_out"] == ["E", "F"] and found["auc_groups"]["n_groups"] == 4
    assert all(level["auc"]["reason"] for level in found["groups"] if level["level"] in "EF")
    assert any(w["code"] == "PRL-180" and "E, F" in w["message"] for w in results["warnings"])


@pytest.mark.r
@pytest.mark.parametrize("kind", ["every pair wrong", "one prediction"])
def test_where_a_model_fails_in_a_group_there_is_no_summary_of_the_others(tmp_path, kind):
    """They alone looked better than the model is: 0.603 (0.575, 0.630) of three groups, nothing kept in a fourth."""
    study = write_tables(tmp_path)
    clinical, features = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("clinical", "features"))
    order = features["f0"].sort_values().index
    events, others = (order[clinical["y"].to_numpy()[order] == value] for value in (1, 0))
    group = [events[0], *others[-3:]] if kind == "every pair wrong" else [events[0], *others[:3]]
    clinical.loc[group, "hospital"] = "G"
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    if kind == "one prediction":
        features.loc[group, [f"f{j}" for j in range(5)]] = 0.0
        features.to_csv(tmp_path / "features.csv", index=False)
    study |= {"validation": {"leave_one_group_out": {"column": "centre"}}, "models": study["models"][:1]}
    study["validation"] |= {"leave_one_out": False, "folds": 0, "bootstrap": 0}
    results = prldh.analyze(study, tmp_path / "out").data
    found = entry(results, "leave_one_group_out")
    areas = {level["level"]: level["auc"]["estimate"] for level in found["groups"]}
    assert areas["G"] == (0.0 if kind == "every pair wrong" else 0.5)
    pooled = found["auc_groups"]
    assert pooled["left_out"] == ["G"] and pooled["n_groups"] == 4 and "too hopeful: in G" in pooled["reason"]
    assert all(pooled[key] is None for key in ("estimate", "low", "high", "prediction_low", "tau2", "q_p"))
    page = unmarked((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert "A summary of the other groups alone would be too hopeful: in G" in page
    compare_with_plain_r(results, tmp_path / "out")


def test_rows_of_a_patient(tmp_path):
    """The same patients with two rows each say no more than with one, and n is told by row and by patient."""
    study = write_tables(tmp_path, n=60)
    for name in ("clinical", "features"):
        table = pd.read_csv(tmp_path / f"{name}.csv")
        twice = pd.concat([table.assign(id=table["id"] + end, who=table["id"]) for end in "ab"])
        (twice if name == "clinical" else twice.drop(columns="who")).to_csv(tmp_path / f"{name}.csv", index=False)
    study["clinical"]["patient"] = "who"
    study["validation"] = {"leave_one_out": True, "folds": 3, "bootstrap": 10, "null_permutations": 1}
    study["models"] = [{"name": "Age", "terms": ["age"]}, {"name": "Lesion", "terms": ["lesion"]}]
    results = prldh.analyze(study, tmp_path / "out").data
    assert (results["cohort"]["n"], results["cohort"]["n_patients"]) == (120, 60)
    once = dict(study, clinical={k: v for k, v in study["clinical"].items() if k != "patient"})
    for name in ("clinical", "features"):
        table = pd.read_csv(tmp_path / f"{name}.csv")
        table[table["id"].str.endswith("a")].to_csv(tmp_path / f"{name}.csv", index=False)
    once["validation"] = {"leave_one_out": False, "folds": 0, "bootstrap": 0}
    plain = prldh.analyze(once, tmp_path / "once").data
    double, single = results["models"][0], plain["models"][0]
    assert double["auc"]["estimate"] == pytest.approx(single["auc"]["estimate"])
    assert double["auc"]["variance"] == pytest.approx(single["auc"]["variance"], rel=0.05)  # not half of it
    assert double["terms"][1]["b"] == pytest.approx(single["terms"][1]["b"], rel=1e-6)
    assert double["terms"][1]["se"] == pytest.approx(single["terms"][1]["se"], rel=0.25)
    assert double["hosmer_lemeshow"]["p"] is None and double["sensitivity"]["low"] is None
    assert "Obuchowski" in double["auc"]["method"]
    page = unmarked((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert "120 rows are of 60 patients" in page
    assert results["study"]["schemes"]["leave_one_out"]["n_resamples"] == 60
