"""``prldh apply`` on real cohorts: what is missing, several hospitals, recalibration, needed sizes, shift."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml
from click.testing import CliRunner
from pages import unmarked

import prldh
from prldh.apply import apply_models
from prldh.cli import cli
from prldh.core.errors import DataError, OutputError, StudyError
from prldh.report import write_drawing
from prldh.report.page import render
from prldh.results.reading import read_external, read_pooled
from prldh.stats import external_sample_size
from prldh.stats.meta_analysis import pool_random_effects

pytestmark = [pytest.mark.usefixtures("unwritten"), pytest.mark.ci]


@pytest.fixture(autouse=True)
def no_figures(request, monkeypatch):
    """Figures take most of the time of a small cohort; one test looks at them."""
    if "report" not in request.node.name:
        monkeypatch.setattr("prldh.apply.apply.write_external_figures", lambda *_: None)
        monkeypatch.setattr("prldh.apply.apply.write_pooled_figures", lambda *_: None)


FEATURES = ["f1", "f2", "f3"]
#: Of features of very different units, correlated, whose means and SD another scanner changes.
MIXING = np.array([[1.0, 400.0, 0.0], [0.0, 1000.0, 0.0002], [0.0, 0.0, 0.001]])


def draw(n, seed, prefix, shift=0.0, stretch=1.0):
    """Clinical table and features of ``n`` patients; ``shift`` moves the features, ``stretch`` weakens their effect."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 3))
    ids = [f"{prefix}{i:03d}" for i in range(n)]
    features = pd.DataFrame((z + shift) @ MIXING + [5.0, 1e5, 0.2], columns=FEATURES)
    features.insert(0, "id", ids)
    clinical = pd.DataFrame({"id": ids, "age": np.round(rng.normal(60, 9, n), 1)})
    clinical["muscle"] = np.round(rng.normal(size=n), 3)
    eta = -0.6 + stretch * (z[:, 0] + 0.5 * z[:, 1]) + 0.02 * (clinical["age"] - 60) + 0.5 * clinical["muscle"]
    clinical["y"] = np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no")
    clinical["part"] = np.where(rng.random(n) < 0.5, "a", "b")
    return clinical, features


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A study of a tissue with features, one with a column, and a covariate."""
    folder = tmp_path_factory.mktemp("many")
    clinical, features = draw(150, 0, "S")
    clinical.to_csv(folder / "clinical.csv", index=False)
    features.to_csv(folder / "features.csv", index=False)
    study = {
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": "yes",
            "covariates": {"age": "continuous"},
        },
        "engine": "python",
        "tissues": {"disc": {"features": [str(folder / "features.csv")]}, "muscle": {"radscore": "muscle"}},
        "selection": [],
        "learner": "logistic",
        "models": [
            {"name": "Disc", "terms": ["disc"]},
            {"name": "Muscle", "terms": ["muscle"]},
            {"name": "Age", "terms": ["age"]},
        ],
        "adjust": [],
        "comparisons": [],
        "report": {"figures": [], "checklists": []},
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0, "scope": ["pipeline"]},
        "performance": {"decision_bootstrap": 10, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
    }
    prldh.analyze(study, folder / "run", jobs=1)
    return folder / "run"


def write_cohort(folder, name, table, features, **more):
    """Tables and a cohort file; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "clinical.csv", index=False)
    content = {"name": name, "clinical": {"table": "clinical.csv"}}
    if features is not None:
        features.to_csv(folder / "features.csv", index=False)
        content["tissues"] = {"disc": {"features": "features.csv"}}
    (folder / "cohort.yaml").write_text(yaml.safe_dump(content | more))
    return folder / "cohort.yaml"


def cohort(tmp_path, name="B", seed=5, n=120, change=None, **more):
    clinical, features = draw(n, seed, name, stretch=0.7)
    if change:
        change(clinical, features)
    return write_cohort(tmp_path / name, name, clinical, features, **more)


def predictions(run, entry, model):
    table = pd.read_csv(run / entry["folder"] / "predictions.csv")
    return table[table["model"] == model].reset_index(drop=True)


def of_model(entry, name):
    return next(m for m in entry["models"] if m["name"] == name)


def codes(entry):
    return [w["code"] for w in entry["warnings"]]


# -- what is missing ---------------------------------------------------------------------------------------------


def test_models_whose_columns_are_there_are_applied_and_the_others_named(run, tmp_path):
    whole = apply_models(run, cohort(tmp_path / "whole"), force=True)
    clinical, features = draw(120, 5, "B", stretch=0.7)
    given = write_cohort(tmp_path / "some", "B", clinical.drop(columns=["muscle", "age"]), features)
    entry = apply_models(run, given, force=True)
    assert entry["n"] == 120 and codes(entry) == ["PRL-150"]
    assert of_model(entry, "Disc")["auc"] == of_model(whole, "Disc")["auc"]
    assert "clinical.csv has no column 'muscle'" in of_model(entry, "Muscle")["not_applied"]
    assert "no column 'age'" in of_model(entry, "Age")["not_applied"] and "auc" not in of_model(entry, "Age")
    assert (
        "2 of 3 models are not applied: 'Muscle' (tissues.muscle.radscore: clinical" in entry["warnings"][0]["message"]
    )
    assert set(pd.read_csv(run / entry["folder"] / "predictions.csv")["model"]) == {"Disc"}


@pytest.mark.parametrize("what", ["no tissue", "a feature less", "a blank feature of a model that is not applied"])
def test_a_tissue_that_is_not_there_stops_its_models_alone(run, tmp_path, what):
    clinical, features = draw(60, 6, "B")
    if what == "a blank feature of a model that is not applied":
        features.loc[3, "f1"], features = None, features.drop(columns="f2").iloc[5:]
    elif what == "a feature less":
        features = features.drop(columns="f2")
    given = write_cohort(tmp_path, "B", clinical, None if what == "no tissue" else features)
    entry = apply_models(run, given, force=True)
    assert entry["n"] == 60 and not entry["excluded"], "whoever lacks a feature lacks nothing that is applied"
    said = "none are given" if what == "no tissue" else "1 of 3 features of the Radscore are in none of its tables: f2"
    assert said in of_model(entry, "Disc")["not_applied"]
    assert of_model(entry, "Muscle")["not_applied"] is None is of_model(entry, "Age")["not_applied"]
    assert entry["domain_shift"] == {}


def test_no_model_at_all_is_one_error_that_names_what_is_missing(run, tmp_path):
    clinical, _ = draw(60, 6, "B")
    given = write_cohort(tmp_path, "None", clinical.drop(columns=["muscle", "age"]), None)
    with pytest.raises(
        DataError, match="no model can be applied. 'Disc': tissues.disc: .*'Muscle': .*'Age': "
    ) as error:
        apply_models(run, given)
    assert "\n" not in str(error.value) and not (run / "external" / "None").exists()


def test_patients_without_an_outcome_are_predicted_and_judge_nothing(run, tmp_path):
    def blank(clinical, _):
        clinical.loc[[2, 40, 41], "y"] = ""

    entry = apply_models(run, cohort(tmp_path / "blank", change=blank), force=True)
    clinical, features = draw(120, 5, "B", stretch=0.7)
    kept = clinical.drop(index=[2, 40, 41])
    alone = apply_models(run, write_cohort(tmp_path / "alone", "B alone", kept, features), force=True)
    assert (entry["n"], entry["n_judged"], entry["n_without_outcome"]) == (120, 117, 3)
    assert entry["events"] == alone["events"] == entry["events_judged"]
    assert codes(entry) == ["PRL-151"] and "B002, B040, B041" in entry["warnings"][0]["message"]
    for name in ("Disc", "Muscle", "Age"):
        mine, theirs = of_model(entry, name), of_model(alone, name)
        assert mine["n"] == 120 and mine["n_judged"] == 117
        for key in ("auc", "slope", "citl", "observed_expected", "confusion", "sensitivity"):
            assert mine[key] == theirs[key], key
    table = predictions(run, entry, "Disc")
    assert table["id"].tolist() == clinical["id"].tolist() and table["probability"].notna().all()
    assert table.loc[table["outcome"].isna(), "id"].tolist() == ["B002", "B040", "B041"]


def test_blank_outcomes_throughout_are_none(run, tmp_path):
    def blank(clinical, _):
        clinical["y"] = ""

    entry = apply_models(run, cohort(tmp_path, change=blank), force=True)
    assert entry["events"] is None and not entry["is_validated"] and codes(entry) == []
    size = of_model(entry, "Disc")["sample_size"]
    assert size["prevalence_is"] == "predicted"
    assert size["prevalence"] == pytest.approx(predictions(run, entry, "Disc")["probability"].mean())


# -- several cohorts -----------------------------------------------------------------------------------------------


def three(tmp_path, **more):
    return [cohort(tmp_path, name, seed, **more) for name, seed in (("H1", 11), ("H2", 12), ("H3", 13))]


def test_several_cohorts_are_each_as_alone_and_pooled(run, tmp_path):
    files = three(tmp_path)
    alone = [apply_models(run, each, force=True) for each in files]
    assert not (run / "external" / "pooled.json").exists()
    applied = prldh.apply_models(run, files, force=True)
    assert applied["cohorts"] == alone
    assert applied["pooled"] == json.loads((run / "external" / "pooled.json").read_text())
    own = [of_model(entry, "Disc") for entry in alone]
    pooled = of_model(applied["pooled"], "Disc")
    area = np.array([m["auc"]["estimate"] for m in own])
    error = np.array([m["standard_errors"]["auc"] for m in own])
    by_hand = pool_random_effects(np.log(area / (1 - area)), (error / (area * (1 - area))) ** 2)
    for key in ("estimate", "low", "high", "prediction_low", "prediction_high"):
        assert pooled["auc"][key] == pytest.approx(1 / (1 + np.exp(-by_hand[key]))), key
    assert pooled["auc"]["i2"] == pytest.approx(by_hand["i2"])
    ratio = np.array([m["observed_expected"]["estimate"] for m in own])
    high = np.array([m["observed_expected"]["high"] for m in own])
    by_hand = pool_random_effects(np.log(ratio), (np.log(high / ratio) / 1.959963984540054) ** 2)
    assert pooled["observed_expected"]["estimate"] == pytest.approx(np.exp(by_hand["estimate"]))
    for key in ("slope", "citl"):
        values = [m[key]["estimate"] for m in own]
        assert min(values) <= pooled[key]["estimate"] <= max(values)
    # the slope's standard error is statsmodels'
    table = predictions(run, alone[0], "Disc")
    fit = sm.Logit(table["outcome"], sm.add_constant(table["log_odds"])).fit(disp=0, tol=1e-12)
    assert own[0]["standard_errors"]["slope"] == pytest.approx(fit.bse.iloc[1], rel=1e-4)


def test_two_cohorts_have_no_prediction_interval_and_one_is_not_pooled(run, tmp_path):
    files = three(tmp_path)[:2]
    pooled = of_model(apply_models(run, files, force=True)["pooled"], "Disc")
    assert pooled["auc"]["low"] is not None and pooled["auc"]["prediction_low"] is None
    assert "three" in pooled["auc"]["reason"]
    single = apply_models(run, files[:1], force=True)
    assert single["pooled"] is None and [e["name"] for e in single["cohorts"]] == ["H1"]
    with pytest.raises(StudyError, match="no cohort is given"):
        apply_models(run, [])


def test_ids_that_cohorts_share_are_told_and_counted_and_their_rows_not_confused(run, tmp_path):
    """H2 has the ids of three of H1's patients, with other values, and one of the study's."""

    def same(clinical, features):
        own = {"H2000": "H1005", "H2001": "H1006", "H2002": "H1007", "H2003": "S003"}
        for table in (clinical, features):
            table["id"] = table["id"].replace(own)

    files = three(tmp_path)
    files[1] = cohort(tmp_path, "H2", 12, change=same)
    alone = [apply_models(run, each, force=True) for each in files]
    applied = apply_models(run, files, force=True)
    assert applied["cohorts"] == alone, "each cohort's rows are its own"
    (told,) = applied["pooled"]["warnings"]
    assert told["code"] == "PRL-155"
    assert told["message"].startswith("3 ids are in more than one cohort: H1005 (H1, H2), H1006 (H1, H2)")
    codes = [[w["code"] for w in entry["warnings"]] for entry in applied["cohorts"]]
    assert ["PRL-100" in own for own in codes] == [False, True, False]
    assert read_pooled(run)["warnings"] == [told]
    done = CliRunner().invoke(cli, ["apply", str(run), *map(str, files), "--force"])
    assert "warning: 3 ids are in more than one cohort" in " ".join(done.output.split())
    render(run)
    assert "3 ids are in more than one cohort" in unmarked((run / "report.html").read_text())


def test_ids_of_a_study_without_scores_are_told_as_well(tmp_path):
    """Its results hold no id: its predictions do."""
    clinical, _ = draw(60, 0, "S")
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    own = {"table": str(tmp_path / "clinical.csv"), "id": "id", "outcome": "y", "event": "yes"}
    study = {
        "clinical": own | {"covariates": {"age": "continuous"}},
        "engine": "python",
        "models": [{"name": "Age", "terms": ["age"]}],
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
        "report": {"figures": [], "checklists": []},
    }
    prldh.analyze(study, tmp_path / "run", jobs=1)
    new, _ = draw(60, 7, "N")
    new.loc[:1, "id"] = ["S004", "S005"]
    entry = apply_models(tmp_path / "run", write_cohort(tmp_path / "new", "New", new, None))
    (told,) = [w["message"] for w in entry["warnings"] if w["code"] == "PRL-100"]
    assert told.startswith("2 of 60 new patients have ids of the study's patients: S004, S005")


def test_the_report_has_a_forest_plot_of_the_cohorts(run, tmp_path, monkeypatch):
    monkeypatch.setattr("prldh.apply.figures.write_drawing", write_drawing)  # the picture is looked at
    applied = apply_models(run, three(tmp_path), force=True)
    drawn = {path.stem for path in (run / "external" / "pooled").iterdir() if path.name[0] != "."}
    assert drawn == {"forest_unadjusted"}
    render(run)
    page = unmarked((run / "report.html").read_text())
    assert "AUC in every cohort, and of the cohorts as one (lowest; dotted: expected in another cohort)" in page
    svg = (run / "external" / "pooled" / "forest_unadjusted.svg").read_text()
    assert "Cohorts as one" in svg and all(
        f"{c['events']}/{c['n']} events" in svg for c in applied["pooled"]["cohorts"]
    )
    with pytest.raises(StudyError, match="a file has that name"):
        apply_models(run, cohort(tmp_path, "pooled", 15), force=True)


def test_a_cohort_without_outcomes_is_predicted_and_not_pooled(run, tmp_path):
    def blank(clinical, _):
        clinical["y"] = ""

    files = [*three(tmp_path), cohort(tmp_path, "H4", 14, change=blank)]
    applied = apply_models(run, files, force=True)
    assert [c["is_validated"] for c in applied["pooled"]["cohorts"]] == [True, True, True, False]
    assert of_model(applied["pooled"], "Disc")["n_cohorts"] == 3


def test_all_cohorts_are_written_or_none(run, tmp_path):
    good, bad = cohort(tmp_path, "Good", 21), cohort(tmp_path, "Bad", 22)
    (tmp_path / "Bad" / "clinical.csv").write_text("id,y\n1,yes\n1,no\n")
    before = sorted((run / "external").iterdir())
    with pytest.raises(DataError, match="stands in rows"):
        apply_models(run, [good, bad])
    assert sorted((run / "external").iterdir()) == before
    with pytest.raises(StudyError, match="two cohorts \\('Good' and 'good'\\) would be written to one folder"):
        apply_models(run, [good, cohort(tmp_path / "again", "good", 21)])
    apply_models(run, good)
    with pytest.raises(OutputError, match="Good is there already"):
        apply_models(run, [cohort(tmp_path, "Better", 23), good])
    assert not (run / "external" / "Better").exists()
    with pytest.raises(StudyError, match="cannot be called 'pooled.json'"):
        apply_models(run, cohort(tmp_path, "pooled.json", 23))


def test_what_is_pooled_is_stale_once_a_cohort_is_applied_again(run, tmp_path):
    files = three(tmp_path)
    apply_models(run, files, force=True)
    assert not read_pooled(run)["is_stale"]
    clinical, features = draw(120, 99, "H2")
    apply_models(run, write_cohort(tmp_path / "H2", "H2", clinical, features), force=True)
    assert read_pooled(run)["is_stale"]
    render(run)
    assert "are of other models or cohorts than those above" in unmarked((run / "report.html").read_text())


# -- recalibration -------------------------------------------------------------------------------------------------

PART = {"recalibrate": {"column": "part", "fit": ["a"]}}


@pytest.mark.parametrize("method", ["intercept", "slope"])
def test_recalibration_is_fitted_on_the_part_and_judged_on_the_rest(run, tmp_path, method):
    entry = apply_models(run, cohort(tmp_path, **PART), recalibrate=method, force=True)
    clinical, features = draw(120, 5, "B", stretch=0.7)
    fits = clinical["part"] == "a"
    rest = write_cohort(tmp_path / "rest", "B rest", clinical[~fits], features)
    untouched = apply_models(run, rest, force=True)
    assert entry["recalibration"]["n"] == fits.sum() and entry["n_judged"] == (~fits).sum()
    for name in ("Disc", "Muscle", "Age"):
        m, table = of_model(entry, name), predictions(run, entry, name)
        own = table[table["part"] == "fit"]
        assert own["id"].tolist() == clinical.loc[fits, "id"].tolist()
        design = sm.add_constant(own["log_odds"])
        if method == "slope":
            fit = sm.Logit(own["outcome"], design).fit(disp=0, tol=1e-12)
            a, b = fit.params
            assert m["recalibrated"]["fitted"]["slope"]["estimate"] == pytest.approx(b, rel=1e-6)
        else:
            family = sm.families.Binomial()
            fit = sm.GLM(own["outcome"], np.ones(len(own)), family=family, offset=own["log_odds"]).fit(tol=1e-12)
            a, b = fit.params.iloc[0], 1.0
            assert m["recalibrated"]["fitted"]["slope"] is None
            limits = [m["recalibrated"]["fitted"]["intercept"][key] for key in ("low", "high")]
            assert limits == pytest.approx(fit.conf_int().iloc[0].tolist(), rel=1e-5)
        assert m["recalibrated"]["fitted"]["intercept"]["estimate"] == pytest.approx(a, rel=1e-6)
        np.testing.assert_allclose(table["log_odds_recalibrated"], a + b * table["log_odds"], atol=1e-6)
        # both stand beside each other on the same patients
        for key in ("auc", "slope", "citl", "observed_expected", "confusion"):
            assert m[key] == of_model(untouched, name)[key], key
        assert m["recalibrated"]["auc"]["estimate"] == pytest.approx(m["auc"]["estimate"], abs=1e-12)
        judged = table[table["part"] == "judged"]
        expected = judged["outcome"].sum() / judged["probability_recalibrated"].sum()
        assert m["recalibrated"]["observed_expected"]["estimate"] == pytest.approx(expected, rel=1e-9)
        assert m["recalibrated"]["threshold"] == m["threshold"]


def test_recalibrated_models_are_frozen_and_applied_again(run, tmp_path):
    entry = apply_models(run, cohort(tmp_path, **PART), recalibrate="slope", force=True)
    place = run / entry["folder"]
    raw = (place / "model.json").read_bytes()
    assert entry["recalibration"]["model_sha256"] == hashlib.sha256(raw).hexdigest() != entry["model_sha256"]
    before = (run / "model.json").read_bytes()
    again = apply_models(place, cohort(tmp_path / "again", "Later"))
    mine, theirs = predictions(place, again, "Disc"), predictions(run, entry, "Disc")
    assert mine["log_odds"].tolist() == theirs["log_odds_recalibrated"].tolist()
    assert codes(again) == []
    same = apply_models(place, cohort(tmp_path / "same"), force=True)  # those who fitted are among them
    n = entry["recalibration"]["n"]
    assert codes(same) == ["PRL-100"] and f"{n} of 120 new patients have ids" in same["warnings"][0]["message"]
    assert again["model_sha256"] == entry["recalibration"]["model_sha256"]
    assert (run / "model.json").read_bytes() == before and "Later" not in [e["name"] for e in read_external(run)]
    (place / "model.json").write_bytes(raw + b" ")
    with pytest.raises(DataError, match="--accept-edited"):
        apply_models(place, cohort(tmp_path / "again", "Later"), force=True)


def test_a_share_is_drawn_by_id_in_any_order(run, tmp_path):
    share = {"recalibrate": {"share": 0.4}}
    entry = apply_models(run, cohort(tmp_path / "one", **share), recalibrate="slope", force=True)
    first = predictions(run, entry, "Disc").set_index("id")["part"]
    assert (first == "fit").sum() == 48 == entry["recalibration"]["n"]

    def shuffle(clinical, _):
        order = np.random.default_rng(3).permutation(len(clinical))
        clinical[:] = clinical.to_numpy()[order]

    again = apply_models(run, cohort(tmp_path / "two", change=shuffle, **share), recalibrate="slope", force=True)
    second = predictions(run, again, "Disc").set_index("id")["part"]
    assert (second[first.index] == first).all() and not (second.to_numpy() == first.to_numpy()).all()


def test_without_recalibration_a_part_is_not_looked_at(run, tmp_path):
    plain = apply_models(run, cohort(tmp_path / "plain"), force=True)
    entry = apply_models(run, cohort(tmp_path / "part", **PART), recalibrate="none", force=True)
    assert entry == plain and entry["recalibration"] is None


@pytest.mark.parametrize(
    ("part", "change", "error", "message"),
    [
        (None, None, StudyError, "cohort 'B': .* names no part"),
        ({"column": "part"}, None, StudyError, "give either a column"),
        ({"column": "part", "fit": ["a"], "share": 0.5}, None, StudyError, "give either a column"),
        ({"share": 1}, None, StudyError, "share"),
        ({"share": 0}, None, StudyError, "share"),
        ({"columns": "part"}, None, StudyError, "did you mean 'column'"),
        ({"column": "prt", "fit": ["a"]}, None, DataError, "no column 'prt'. Did you mean 'part'"),
        ({"column": "part", "fit": ["c"]}, None, DataError, "no patient with predictions has 'c' .* which has a, b"),
        ({"column": "part", "fit": ["a", "b"]}, None, DataError, "the part that judges a recalibration has 0 patients"),
        ({"share": 0.05}, None, DataError, "the part that fits a recalibration has 6 patients"),
        ({"column": "part", "fit": "a"}, None, None, ""),
        (
            {"column": "part", "fit": ["a"]},
            lambda clinical, _: clinical.__setitem__("y", np.where(clinical["part"] == "a", "no", clinical["y"])),
            DataError,
            "0 of them with the event; it needs 5 with and 5 without",
        ),
        (
            {"column": "part", "fit": ["a"]},
            lambda clinical, _: clinical.__setitem__("part", np.where(clinical.index == 3, "", clinical["part"])),
            DataError,
            "'part' is blank for 1 patients \\(B003\\)",
        ),
        ({"column": "part", "fit": ["a"]}, lambda clinical, _: clinical.__setitem__("y", ""), DataError, "outcome"),
    ],
)
def test_a_part_that_is_none_is_one_message(run, tmp_path, part, change, error, message):
    given = cohort(tmp_path, change=change, **({"recalibrate": part} if part else {}))
    if error is None:
        assert apply_models(run, given, recalibrate="slope", force=True)["recalibration"]["n"] > 40
        return
    before = {path: path.read_bytes() for path in (run / "external").rglob("*.json")}
    with pytest.raises(error, match=message) as told:
        apply_models(run, given, recalibrate="slope", force=True)
    assert "\n" not in str(told.value)
    assert {path: path.read_bytes() for path in (run / "external").rglob("*.json")} == before


def test_an_unknown_method_is_told(run, tmp_path):
    with pytest.raises(StudyError, match="'both' is no way to recalibrate. Give one of none, intercept, slope"):
        apply_models(run, cohort(tmp_path, **PART), recalibrate="both")


def test_a_recalibration_that_turns_predictions_round_is_told(run, tmp_path):
    def turn(clinical, _):
        clinical["y"] = np.where(clinical["y"] == "yes", "no", "yes")

    entry = apply_models(run, cohort(tmp_path, change=turn, **PART), recalibrate="slope", force=True)
    assert "PRL-154" in codes(entry)
    assert of_model(entry, "Disc")["recalibrated"]["auc"]["estimate"] > 0.5 > of_model(entry, "Disc")["auc"]["estimate"]


# -- rows of patients ----------------------------------------------------------------------------------------------


def several_rows(tmp_path, n_rows, **more):
    """Each patient's row ``n_rows`` times."""
    clinical, features = draw(80, 51, "R")
    clinical["who"] = clinical["id"]
    doubled = pd.concat([clinical.assign(id=clinical["id"] + f"-{k}") for k in range(n_rows)])
    features = pd.concat([features.assign(id=features["id"] + f"-{k}") for k in range(n_rows)])
    content = {"clinical": {"table": "clinical.csv", "patient": "who"}} | more
    return write_cohort(tmp_path / f"rows{n_rows}", f"rows{n_rows}", doubled, features, **content)


def test_rows_of_a_patient_say_no_more_than_one(run, tmp_path):
    """Rows that are copies change no estimate, and no limit."""
    one, three_each = (apply_models(run, several_rows(tmp_path, k), force=True) for k in (1, 3))
    assert (three_each["n"], three_each["n_patients"]) == (240, 80)
    for name in ("Disc", "Muscle"):
        a, b = of_model(one, name), of_model(three_each, name)
        for key in ("auc", "slope", "citl", "observed_expected"):
            for end in ("estimate", "low", "high"):
                assert b[key][end] == pytest.approx(a[key][end], rel=1e-5, abs=1e-6), (key, end)
        for key, value in a["standard_errors"].items():
            assert b["standard_errors"][key] == pytest.approx(value, rel=1e-4), key
        assert b["sensitivity"]["low"] is None
    table = predictions(run, one, "Disc")
    y, n = table["outcome"].to_numpy(), len(table)
    assert of_model(one, "Disc")["standard_errors"]["log_observed_expected"] == pytest.approx(
        np.sqrt(n / (n - 1) * (1 - y.mean()) / y.sum()), rel=1e-9
    )
    shift = of_model(one, "Disc")["citl"]["estimate"]
    p = 1 / (1 + np.exp(-(table["log_odds"] + shift)))
    sandwich = np.sqrt(n / (n - 1) * np.sum((y - p) ** 2)) / np.sum(p * (1 - p))
    assert of_model(one, "Disc")["standard_errors"]["citl"] == pytest.approx(sandwich, rel=1e-6)


def test_rows_of_a_patient_stay_in_one_part(run, tmp_path):
    share = several_rows(tmp_path, 3, recalibrate={"share": 0.5})
    entry = apply_models(run, share, recalibrate="intercept", force=True)
    parts = predictions(run, entry, "Disc")
    parts["who"] = parts["id"].str[:-2]
    assert (parts.groupby("who")["part"].nunique() == 1).all() and (parts["part"] == "fit").sum() == 120

    one = several_rows(tmp_path, 3, **PART)
    table = pd.read_csv(one.parent / "clinical.csv")
    table.loc[table["id"] == "R004-1", "part"] = "b" if table["part"][4] == "a" else "a"
    table.to_csv(one.parent / "clinical.csv", index=False)
    with pytest.raises(DataError, match="1 patients have rows that fit and rows that judge: R004"):
        apply_models(run, one, recalibrate="slope", force=True)


def test_one_value_that_the_study_does_not_know_is_told(run, tmp_path):
    def code(clinical, _):
        clinical["y"] = "Y"

    with pytest.raises(DataError, match="is 'Y' for everyone, which is neither the study's event \\('yes'\\) nor 'no'"):
        apply_models(run, cohort(tmp_path, change=code), force=True)
    told = {"clinical": {"table": "clinical.csv", "event": "Y"}}
    assert apply_models(run, cohort(tmp_path, change=code, **told), force=True)["events"] == 120


def test_a_score_that_overflows_leaves_its_patient_out(run, tmp_path):
    def huge(_, features):
        features.loc[3, ["f1", "f2"]] = 1e308

    entry = apply_models(run, cohort(tmp_path, change=huge), force=True)
    assert entry["excluded"] == [{"id": "B003", "reason": "the Radscore of disc is no number that a model can take"}]


# -- needed sizes and shift ----------------------------------------------------------------------------------------


def test_needed_sizes_are_those_of_these_patients(run, tmp_path):
    entry = apply_models(run, cohort(tmp_path), force=True)
    in_study = of_model(json.loads((run / "results.json").read_text()), "Disc")
    table, m = predictions(run, entry, "Disc"), of_model(entry, "Disc")
    held_out = in_study["validation"]["pipeline"]["folds"]["auc"]["estimate"]
    sizes = external_sample_size(table["outcome"].mean(), table["log_odds"].to_numpy(), held_out, m["threshold"])
    assert {c["name"]: c["n"] for c in m["sample_size"]["criteria"]} == {
        name: sizes[f"n_{name}"] for name in ("observed_expected", "slope", "auc", "net_benefit")
    }
    assert m["sample_size"]["n"] == sizes["n"] == max(c["n"] for c in m["sample_size"]["criteria"])
    assert m["sample_size"]["auc"] == held_out and m["sample_size"]["auc_is"] == "held out"


def test_the_studys_own_patients_do_not_lie_apart(run, tmp_path):
    clinical, features = draw(150, 0, "S")
    entry = apply_models(run, write_cohort(tmp_path, "Own", clinical, features), force=True)
    shift = entry["domain_shift"]["disc"]
    assert shift["n_study"] == shift["n"] == 150 and [f["name"] for f in shift["features"]] == FEATURES
    for feature in shift["features"]:
        assert feature["smd"] == pytest.approx(0, abs=1e-9) and feature["sd_ratio"] == pytest.approx(1, rel=1e-9)
    training = json.loads((run / "model.json").read_text())["tissues"]["disc"]["training"]
    np.testing.assert_allclose(training["covariance"], np.cov(features[FEATURES].T), rtol=1e-9)
    assert [limit["beyond"] < 0.06 for limit in shift["mahalanobis"]["limits"]] == [True, True]
    assert json.loads((run / "model.json").read_text())["tissues"]["muscle"]["training"] is None


def test_another_scanner_lies_apart(run, tmp_path):
    clinical, features = draw(100, 5, "B", shift=np.array([0.0, 0.0, -0.9]))
    features["f1"] += 2 * (features["f2"] - 1e5) / 1000  # each alone is usual, together they are not
    entry = apply_models(run, write_cohort(tmp_path, "B", clinical, features), force=True)
    assert codes(entry) == ["PRL-153"]
    shift = entry["domain_shift"]["disc"]
    by_hand = (features["f3"].mean() - draw(150, 0, "S")[1]["f3"].mean()) / np.sqrt(
        (features["f3"].var() + draw(150, 0, "S")[1]["f3"].var()) / 2
    )
    assert shift["features"][2]["smd"] == pytest.approx(by_hand, rel=1e-9)
    assert shift["mahalanobis"]["limits"][1]["beyond"] > 0.2 < shift["mahalanobis"]["limits"][1]["beyond_study"]
    assert shift["mahalanobis"]["median"]["new"] > 2 * shift["mahalanobis"]["median"]["study"]


def test_models_that_keep_no_training_patients_say_so(run, tmp_path):
    shutil.copytree(run, tmp_path / "old", ignore=shutil.ignore_patterns("external"))
    model = json.loads((tmp_path / "old" / "model.json").read_text())
    for tissue in model["tissues"].values():
        del tissue["training"]
    del model["sha256"]  # of its own, which models of before did not have
    (tmp_path / "old" / "model.json").write_text(json.dumps(model))
    (tmp_path / "old" / "provenance.json").unlink()
    entry = apply_models(tmp_path / "old", cohort(tmp_path))
    shift = entry["domain_shift"]["disc"]
    assert shift["mahalanobis"] is None and "earlier version" in shift["reason"]
    now = apply_models(run, cohort(tmp_path), force=True)["domain_shift"]["disc"]
    for old, new in zip(shift["features"], now["features"], strict=True):  # a linear score has centre and scale
        assert old["smd"] == pytest.approx(new["smd"], rel=0.01)


# -- edited models, terminal, report -------------------------------------------------------------------------------


def test_edited_models_are_refused_unless_accepted(run, tmp_path):
    shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("external"))
    text = (tmp_path / "run" / "model.json").read_text()
    model = json.loads(text)
    model["models"][2]["coefficients"][1]["b"] *= 2
    (tmp_path / "run" / "model.json").write_text(json.dumps(model))
    given = cohort(tmp_path)
    with pytest.raises(DataError, match="is not the file that was written: .* --accept-edited"):
        apply_models(tmp_path / "run", given)
    entry = apply_models(tmp_path / "run", given, accept_edited=True)
    assert entry["is_edited"] and codes(entry) == ["PRL-152"]
    done = CliRunner().invoke(cli, ["apply", str(tmp_path / "run"), str(given), "--force"])
    assert done.exit_code == 1 and done.output.count("\n") == 1
    done = CliRunner().invoke(cli, ["apply", str(tmp_path / "run"), str(given), "--force", "--accept-edited"])
    assert done.exit_code == 0
    (tmp_path / "run" / "model.json").write_text(text)
    assert not apply_models(tmp_path / "run", given, force=True)["is_edited"]


def test_the_report_draws_recalibrated_models(run, tmp_path):
    entry = apply_models(run, cohort(tmp_path, **PART), recalibrate="slope", force=True)
    drawn = {path.stem for path in (run / entry["folder"] / "figures").iterdir() if path.name[0] != "."}
    kinds = ("roc_unadjusted", "calibration_unadjusted", "decision_unadjusted")
    assert drawn == {*kinds, *(f"{kind}_recalibrated" for kind in kinds[1:])}
    render(run)
    assert "B: calibration, unadjusted, recalibrated." in unmarked((run / "report.html").read_text())


def test_terminal_and_page_show_all_of_it(run, tmp_path):
    clinical, features = draw(120, 31, "H4")
    clinical.loc[:1, "y"] = ""
    last = write_cohort(tmp_path / "H4", "A hospital of a long name", clinical.drop(columns="age"), features, **PART)
    files = [*map(str, three(tmp_path, **PART)), str(last)]
    done = CliRunner().invoke(cli, ["apply", str(run), *files, "--recalibrate", "slope", "--force"])
    assert done.exit_code == 0, done.output
    assert [line for line in done.output.splitlines() if len(line) > 80 and str(run) not in line] == []
    for text in ("4 cohorts pooled", "recalibrated (slope) on", "2 without outcome", "Age  not applied: ", "needs"):
        assert text in done.output, text
    assert "prediction interval" in done.output
    render(run)
    section = unmarked((run / "report.html").read_text()).split('<section id="plugin-external-validation">')[1]
    section = section.split("</section>")[0]
    for text in (
        "All cohorts together",
        "Disc, recalibrated",
        "what recalibration made of each model’s log odds",
        "that a precise validation in such patients needs (Riley et al. 2021)",
        "features that the Radscore reads",
        "Mahalanobis distance by the covariance of the study’s 150 patients",
        "2 whose outcome is not known and who judge nothing",
        "Age was not applied: clinical: clinical.csv has no column &#39;age&#39;",
    ):
        assert text in section, text
    assert "are of other models or cohorts" not in section


def test_commands_of_the_page_run(run, tmp_path, monkeypatch):
    """Those of docs/new_patients.md, in their order, and its cohort file."""
    page = (Path(__file__).parents[2] / "docs" / "new_patients.md").read_text()
    shutil.copytree(run, tmp_path / "results", ignore=shutil.ignore_patterns("external"))
    content = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.S)[1])
    for k, name in enumerate(("hospital_b", "hospital_c", "hospital_d", "hospital_e")):
        clinical, features = draw(80, 41 + k, name)
        clinical.to_csv(tmp_path / f"{name}.csv", index=False)
        features.to_csv(tmp_path / f"{name}_features.csv", index=False)
        own = {"name": name, "clinical": {"table": f"{name}.csv"}}
        own["tissues"] = {"disc": {"features": f"{name}_features.csv"}}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content | own))
    monkeypatch.chdir(tmp_path)
    commands = [line for block in re.findall(r"```sh\n(.*?)```", page, re.S) for line in block.splitlines()]
    assert len(commands) == 5
    for command in commands:
        done = CliRunner().invoke(cli, command.split()[1:])
        assert done.exit_code == 0, (command, done.output)
    assert (tmp_path / "results" / "external" / "pooled.json").is_file()


@pytest.mark.r
def test_r_gives_the_same(run, tmp_path):
    """The run's engine computes all of it, and Python the same."""
    shutil.copytree(run, tmp_path / "r", ignore=shutil.ignore_patterns("external"))
    results = json.loads((tmp_path / "r" / "results.json").read_text())
    results["engines"]["reported"] = "r"
    (tmp_path / "r" / "results.json").write_text(json.dumps(results))
    files = three(tmp_path, **PART)
    mine = apply_models(run, files, recalibrate="slope", force=True)
    theirs = apply_models(tmp_path / "r", files, recalibrate="slope")
    assert theirs["cohorts"][0]["engine"] == theirs["pooled"]["engine"] == "r"

    def compare(a, b, place):
        if isinstance(a, dict):
            assert list(a) == list(b), place
            for key in a:
                if key not in ("engine", "method", "sha256", "model_sha256", "warnings"):
                    compare(a[key], b[key], f"{place}.{key}")
        elif isinstance(a, list):
            assert len(a) == len(b), place
            for k, (x, y) in enumerate(zip(a, b, strict=True)):
                compare(x, y, f"{place}[{k}]")
        elif isinstance(a, float):
            assert a == pytest.approx(b, rel=2e-5, abs=1e-7), place
        else:
            assert a == b, place

    compare(mine, theirs, "")
