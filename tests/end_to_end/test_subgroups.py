"""Held-out performance by subgroup, held to scikit-learn, statsmodels and sums by hand on the run's own predictions."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from pages import unmarked
from scipy import stats
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

import prldh
from prldh.core import DataError, StudyError
from prldh.report.figure_plan import plan_figures
from prldh.run import write_outputs
from prldh.stats.roc import auc

N = 160


@pytest.fixture(autouse=True)
def nothing_is_written(monkeypatch):
    """The numbers are what is asked for; one test looks at the page."""
    monkeypatch.setattr("prldh.pipeline.write_outputs", lambda *given: None)


def table() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    x = rng.normal(size=N)
    y = rng.random(N) < expit(1.2 * x - 0.2)
    centre = np.array(["A", "B", "C"], dtype=object)[rng.integers(0, 3, N)]
    centre[:4], centre[4:7], centre[7], y[4:7] = "", "one class", "alone", True
    return pd.DataFrame(
        {
            "id": [f"P{i:03d}" for i in range(N)],
            "y": np.where(y, "yes", "no"),
            "score": x + rng.normal(size=N) * 0.4,
            "age": np.round(rng.normal(60, 10, N)),
            "sex": rng.choice(["m", "f"], N),
            "hospital": centre,
            "dose": rng.choice(["10", "20", "9"], N),
        }
    )


def study(folder: Path, frame: pd.DataFrame | None = None, **changes) -> dict:
    folder.mkdir(exist_ok=True)
    (table() if frame is None else frame).to_csv(folder / "clinical.csv", index=False)
    return {
        "title": "Subgroups",
        "engine": "python",
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": "yes",
            "columns": {"centre": "hospital", "dose": "dose"},
            "covariates": {"age": {"type": "continuous"}, "sex": {"type": "categorical", "levels": ["m", "f"]}},
        },
        "tissues": {"disc": {"radscore": "score"}},
        "models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Both", "terms": ["disc", "age"]}],
        "adjust": [],
        "univariate": False,
        "subgroups": ["centre", "sex", {"age": {"cut": [50, 65]}}],
        "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
        **changes,
    }


def held_out(results: prldh.Results, model: str = "Disc", scope: str = "pipeline", scheme: str = "folds"):
    p = results.predictions
    rows = p[(p["model"] == model) & (p["scope"] == scope) & (p["scheme"] == scheme)]
    return rows.set_index("id")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("prldh.pipeline.write_outputs", lambda *given: None)
        folder = tmp_path_factory.mktemp("subgroups")
        return prldh.analyze(study(folder), folder / "out", jobs=1)


def level_of(results: prldh.Results, column: str, level: str) -> dict:
    return next(e for e in results.data["subgroups"][column]["levels"] if e["level"] == level)


def test_levels_stand_in_their_order_and_blanks_have_a_row(run):
    names = {c: [e["level"] for e in entry["levels"]] for c, entry in run.data["subgroups"].items()}
    assert names == {
        "centre": ["A", "B", "C", "alone", "one class", "blank"],
        "sex": ["m", "f"],
        "age": ["< 50", "50 to < 65", "≥ 65"],
    }
    blank = level_of(run, "centre", "blank")
    assert blank["is_blank"] and blank["n"] == 4 and "blank" in blank["models"][0]["auc"]["reason"]
    jsonschema.validate(run.data, prldh.results.schema_of("results"))


def test_numbers_are_those_of_the_held_out_predictions(run):
    """AUC by scikit-learn, slope and calibration in the large by statsmodels, the interval by its formula."""
    own = table().set_index("id")
    by = {"centre": own["hospital"], "sex": own["sex"]}
    by["age"] = pd.cut(own["age"], [-np.inf, 50, 65, np.inf], right=False, labels=["< 50", "50 to < 65", "≥ 65"])
    n_tried = 0
    for column, values in by.items():
        entry = run.data["subgroups"][column]
        assert (entry["scope"], entry["scheme"]) == ("pipeline", "folds")
        for level in entry["levels"]:
            for model in level["models"]:
                rows = held_out(run, model["name"])
                rows = rows.loc[values.index[values == ("" if level["is_blank"] else level["level"])]]
                y, eta = rows["outcome"].to_numpy(float), rows["log_odds"].to_numpy()
                assert (model["n"], model["events"]) == (len(y), y.sum()) == (level["n"], level["events"])
                if min(y.sum(), len(y) - y.sum()) < 10:
                    continue
                n_tried += 1
                area = roc_auc_score(y, eta)
                assert model["auc"]["estimate"] == pytest.approx(area, abs=1e-12)
                half = 1.959964 * np.sqrt(auc(y, eta)["variance"]) / (area * (1 - area))
                assert model["auc"]["low"] == pytest.approx(expit(logit(area) - half), abs=1e-6)
                assert model["auc"]["high"] == pytest.approx(expit(logit(area) + half), abs=1e-6)
                line = sm.GLM(y, sm.add_constant(eta), family=sm.families.Binomial()).fit()
                assert model["slope"]["estimate"] == pytest.approx(line.params[1], abs=1e-6)
                assert model["slope"]["low"] < line.params[1] < model["slope"]["high"]
                shift = sm.GLM(y, np.ones(len(y)), offset=eta, family=sm.families.Binomial()).fit()
                assert model["citl"]["estimate"] == pytest.approx(shift.params[0], abs=1e-6)
                assert model["citl"]["low"] == pytest.approx(shift.conf_int()[0][0], abs=1e-4)
    assert n_tried == 14


def test_cochrans_q_is_of_the_logit_aucs_of_levels_that_have_one(run):
    for column, left_out in (("centre", ["alone", "one class"]), ("sex", []), ("age", [])):
        for i, found in enumerate(run.data["subgroups"][column]["heterogeneity"]):
            assert found["left_out"] == left_out
            levels = [e["models"][i] for e in run.data["subgroups"][column]["levels"] if e["level"] not in left_out]
            areas = np.array([m["auc"]["estimate"] for m in levels if m["auc"]["estimate"] is not None])
            widths = [logit(m["auc"]["high"]) - logit(m["auc"]["low"]) for m in levels if m["auc"]["low"] is not None]
            if len(widths) < len(areas):
                continue
            weight = (2 * 1.959963984540054 / np.array(widths)) ** 2
            mean = (weight * logit(areas)).sum() / weight.sum()
            q = (weight * (logit(areas) - mean) ** 2).sum()
            assert found["q"] == pytest.approx(q, abs=1e-9) and found["n_levels"] == len(areas)
            assert found["p"] == pytest.approx(stats.chi2.sf(q, len(areas) - 1), abs=1e-9)
            assert found["df"] == len(areas) - 1 and 0 <= found["i2"] <= 1 and found["tau2"] >= 0


def test_levels_of_one_class_or_one_patient_are_null_with_the_reason(run):
    for level in ("one class", "alone"):
        for key in ("auc", "slope", "citl"):
            entry = level_of(run, "centre", level)["models"][0][key]
            assert entry == {"estimate": None, "low": None, "high": None, "reason": entry["reason"]}
            assert "one class" in entry["reason"]
    small = [w["message"] for w in run.data["warnings"] if w["code"] == "PRL-172"]
    assert len(small) == 2 and "one class (3 patients, 3 events)" in small[0] and "alone (1 patients" in small[0]
    young = level_of(run, "age", "< 50")["models"][0]
    assert young["events"] == 7 and young["auc"]["estimate"] is not None and young["auc"]["low"] is None
    assert "fewer than 10 patients of a class" in young["auc"]["reason"] and "< 50 (17 patients" in small[1]


def test_tables_hold_the_same(run):
    table = run.tables["subgroups"]
    assert len(table) == (6 + 2 + 3) * 2
    row = table[(table["column"] == "sex") & (table["level"] == "f") & (table["name"] == "Both")].iloc[0]
    assert row["auc"] == level_of(run, "sex", "f")["models"][1]["auc"]["estimate"]
    assert len(run.tables["subgroup_heterogeneity"]) == 6


@pytest.mark.usefixtures("unwritten")
def test_the_report_and_the_checklists_show_them(tmp_path, monkeypatch):
    monkeypatch.setattr("prldh.pipeline.write_outputs", write_outputs)
    given = study(tmp_path, subgroups=["sex"], report={"checklists": ["tripod-ai"]})
    prldh.analyze(given, tmp_path / "out", jobs=1)
    page = unmarked((tmp_path / "out" / "report.html").read_text())
    section = page[page.index('<section id="subgroups">') :].split("</section>")[0]
    assert section.count('<th scope="row" rowspan="2">') == 2 and "Cochran&#39;s Q" in section
    assert 'id="figure-subgroups_sex"' in section and '<a href="#subgroups">' in page
    assert (tmp_path / "out" / "tables" / "subgroups.csv").exists()
    items = {e["number"]: e for e in json.loads((tmp_path / "out/checklists/tripod-ai.json").read_text())["items"]}
    for number in ("12d", "14", "23b"):
        assert items[number]["status"] == "filled" and "by sex (m " in items[number]["value"]
    assert "by sex" in items["23a"]["value"] and items["23a"]["remaining"] is None


def test_a_forest_plot_names_what_its_levels_are_of_as_the_study_does(tmp_path):
    """By the label of the study file, with its unit."""
    given = study(tmp_path, subgroups=["sex", {"age": {"cut": [55]}}])
    labels = {"sex": "Sex at birth", "age": "Age at surgery"}
    covariates = {n: {"type": "categorical" if n == "sex" else "continuous", "label": labels[n]} for n in labels}
    given["clinical"]["covariates"] = covariates | {"age": covariates["age"] | {"unit": "years"}}
    results = prldh.analyze(given, tmp_path / "out", jobs=1)
    drawings = {d.name: d for d in plan_figures(results.data, results.words) if d.name.startswith("subgroups")}
    assert {name: d.draw().axes[0].get_ylabel() for name, d in drawings.items()} == {
        "subgroups_sex": "Sex at birth",
        "subgroups_age": "Age at surgery (years)",
    }
    assert drawings["subgroups_age"].title == "Held-out AUC by Age at surgery"


def test_columns_that_would_have_one_figures_name_have_two(tmp_path):
    given = study(tmp_path, subgroups=["a b", "a_b"])
    given["clinical"]["columns"] |= {"a b": "hospital", "a_b": "dose"}
    results = prldh.analyze(given, tmp_path / "out", jobs=1)
    names = [drawing.name for drawing in plan_figures(results.data, results.words)]
    assert [name for name in names if name.startswith("subgroups")] == ["subgroups_a_b", "subgroups_a_b_2"]


def test_a_study_without_subgroups_says_nothing_of_them(tmp_path):
    results = prldh.analyze(study(tmp_path, subgroups=[]), tmp_path / "out", jobs=1)
    assert "subgroups" not in results.data and "subgroups" not in results.tables


def test_over_repeats_numbers_are_means(tmp_path):
    validation = {"leave_one_out": False, "folds": 5, "repeats": 3, "bootstrap": 0, "scope": "model"}
    results = prldh.analyze(study(tmp_path, validation=validation, subgroups=["sex"]), tmp_path / "out", jobs=1)
    rows = held_out(results, scope="model")
    rows = rows.loc[rows.index.isin(table().loc[table()["sex"] == "f", "id"])]
    areas = [roc_auc_score(own["outcome"], own["log_odds"]) for _, own in rows.groupby("repeat")]
    entry = results.data["subgroups"]["sex"]
    assert entry["scope"] == "model" and len(areas) == 3 and len(set(areas)) > 1
    found = level_of(results, "sex", "f")["models"][0]
    assert found["auc"]["estimate"] == pytest.approx(np.mean(areas), abs=1e-12)
    assert found["n"] == (table()["sex"] == "f").sum()


def test_by_model_each_model_has_its_own_patients(tmp_path):
    frame = table()
    frame.loc[frame.index % 5 == 0, "age"] = None
    results = prldh.analyze(
        study(tmp_path, frame, missing="by_model", subgroups=["sex", {"age": {"cut": 60}}]), tmp_path / "o"
    )
    disc, both = level_of(results, "sex", "f")["models"]
    assert disc["n"] == (frame["sex"] == "f").sum() > both["n"] == ((frame["sex"] == "f") & frame["age"].notna()).sum()
    blank = level_of(results, "age", "blank")
    assert blank["n"] == frame["age"].isna().sum() and blank["models"][1]["n"] == 0


def test_imputed_covariates_are_blank_where_they_are_the_column(tmp_path):
    frame = table()
    frame.loc[frame.index % 5 == 0, "age"] = None
    imputation = {"imputations": 2, "iterations": 1, "imputations_in_resamples": 2, "iterations_in_resamples": 1}
    changes = {"missing": "multiple_imputation", "imputation": imputation, "subgroups": ["sex", {"age": {"cut": 60}}]}
    results = prldh.analyze(study(tmp_path, frame, **changes), tmp_path / "out", jobs=1)
    assert level_of(results, "age", "blank")["n"] == frame["age"].isna().sum()
    assert level_of(results, "sex", "f")["models"][1]["auc"]["low"] is not None


def test_a_fixed_split_is_judged_on_its_test_part(tmp_path):
    frame = table().assign(part=lambda t: np.where(t.index % 3 == 0, "test", "train"))
    changes = {"validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0}}
    given = study(tmp_path, frame, **changes)
    given["clinical"]["columns"]["part"] = "part"
    given["validation"]["split"] = {"column": "part", "train": ["train"], "test": ["test"]}
    results = prldh.analyze(given, tmp_path / "out", jobs=1)
    entry = results.data["subgroups"]["sex"]
    assert entry["scheme"] == "split" and sum(e["n"] for e in entry["levels"]) == (frame["part"] == "test").sum()


def test_without_pooled_predictions_there_are_no_subgroups_and_that_is_told(tmp_path):
    validation = {"leave_one_out": False, "folds": 0, "bootstrap": 5}
    results = prldh.analyze(study(tmp_path, validation=validation), tmp_path / "out", jobs=1)
    assert "subgroups" not in results.data
    assert any(w["code"] == "PRL-171" for w in results.data["warnings"])


def test_rows_of_one_patient_in_several_levels_are_not_compared(tmp_path):
    frame = pd.concat([table(), table().assign(sex=lambda t: np.where(t["sex"] == "m", "f", "m"))], ignore_index=True)
    frame = frame.assign(person=frame["id"], id=[f"R{i:03d}" for i in range(len(frame))])
    given = study(tmp_path, frame, subgroups=["sex", "centre"])
    given["clinical"]["patient"] = "person"
    results = prldh.analyze(given, tmp_path / "out", jobs=1)
    sex, centre = (results.data["subgroups"][c]["heterogeneity"][0] for c in ("sex", "centre"))
    assert sex["q"] is None and "one patient" in sex["reason"] and centre["q"] is not None
    citl = level_of(results, "sex", "f")["models"][0]["citl"]
    assert citl["low"] is None and "clustered" in citl["reason"]


def test_one_level_alone_is_shown_and_compared_with_nothing(tmp_path):
    results = prldh.analyze(study(tmp_path, table().assign(hospital="A"), subgroups=["centre"]), tmp_path / "out")
    entry = results.data["subgroups"]["centre"]
    assert len(entry["levels"]) == 1 and entry["levels"][0]["models"][0]["auc"]["low"] is not None
    assert entry["heterogeneity"][0]["q"] is None and "fewer than two" in entry["heterogeneity"][0]["reason"]


def test_a_declared_column_of_numbers_can_be_cut_and_numbers_are_ordered(tmp_path):
    results = prldh.analyze(study(tmp_path, subgroups=["dose"]), tmp_path / "a", jobs=1)
    assert [e["level"] for e in results.data["subgroups"]["dose"]["levels"]] == ["9", "10", "20"]
    results = prldh.analyze(study(tmp_path, subgroups=[{"dose": {"cut": 10}}]), tmp_path / "b", jobs=1)
    assert [e["level"] for e in results.data["subgroups"]["dose"]["levels"]] == ["< 10", "≥ 10"]


@pytest.mark.parametrize(
    ("subgroups", "message"),
    [
        (["center"], "did you mean 'centre'"),
        (["disc"], "'disc' is a tissue"),
        (["hospital"], "'hospital' is not declared"),
        (["age"], r"'age' is continuous. Say where to cut it: \{age: \{cut: \[50, 65\]\}\}"),
        ([{"sex": {"cut": [1]}}], "'sex' is categorical, and cuts are of numbers"),
        (["sex", "sex"], "'sex' is listed twice"),
        ([{"age": {"cut": [65, 50]}}], r"rising order, each once, such as \[50, 65\] \(found \[65.0, 50.0\]\)"),
        ([{"age": {"cut": [50, 50]}}], "rising order"),
        ([{"age": {"cut": []}}], "cut"),
        ([{"age": {"cut": [float("nan")]}}], "finite"),
        ([{"age": {"cuts": [50]}}], "cuts"),
        ([{"age": {"cut": [50]}, "sex": {}}], r"names one column \(found age, sex\)"),
        ("centre", "subgroups"),
        ([["sex"]], "subgroups"),
    ],
)
def test_a_slip_in_the_study_file_is_one_message(tmp_path, subgroups, message):
    with pytest.raises(StudyError, match=message):
        prldh.analyze(study(tmp_path, subgroups=subgroups), tmp_path / "out", jobs=1)


@pytest.mark.parametrize(
    ("subgroups", "change", "message"),
    [
        ([{"age": {"cut": [200]}}], {}, r"nobody has 'age' ≥ 200; the values are \d+ to \d+"),
        ([{"age": {"cut": [-5, 50]}}], {}, "nobody has 'age' < -5"),
        ([{"centre": {"cut": [1]}}], {}, r"'one class' \(patient P004\) is no number"),
        (["centre"], {"hospital": [f"H{i}" for i in range(N)]}, "has 160 levels among 160 patients, more than 30"),
        (["centre"], {"hospital": ""}, "is blank for all 160 patients"),
    ],
)
def test_what_the_table_does_not_hold_is_told_before_anything_is_computed(tmp_path, subgroups, change, message):
    with pytest.raises(DataError, match=message):
        prldh.analyze(study(tmp_path, table().assign(**change), subgroups=subgroups), tmp_path / "out", jobs=1)


@pytest.mark.r
def test_both_engines_agree(tmp_path):
    results = prldh.analyze(study(tmp_path, engine="both", subgroups=["sex", "centre"]), tmp_path / "out", jobs=1)
    rows = [row for row in results.data["agreement"] if row["quantity"].startswith("subgroups.")]
    assert len(rows) > 60 and max(row["relative"] for row in rows if row["relative"] is not None) < 1e-6
    assert any(row["quantity"] == "subgroups.sex.heterogeneity[Disc, unadjusted].q" for row in rows)
