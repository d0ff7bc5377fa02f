"""``missing: by_model``: every model of the patients without blanks in its own terms, held to counts by hand, to
statsmodels and to R's ``na.omit``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from pages import unmarked
from phone import cut_on_a_phone
from plain_r import compare_with_plain_r
from sklearn.metrics import roc_auc_score

import prldh
from prldh.apply import apply_models
from prldh.core.errors import DataError
from prldh.results.schemas import schema_of

pytestmark = pytest.mark.usefixtures("unwritten")
N = 120
NEEDS = {
    ("disc", False): ["score"],
    ("disc", True): ["score", "age"],
    ("muscle", False): [],
    ("muscle", True): ["age"],
    ("grade", False): ["grade"],
    ("grade", True): ["grade", "age"],
    ("groups", False): ["score"],
    ("groups", True): ["score", "age"],
}


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A clinical table with other blanks in every column, and features without any."""
    rng = np.random.default_rng(11)
    score, age, features = rng.normal(size=N), rng.normal(60, 9, N), rng.normal(size=(N, 3))
    y = rng.random(N) < 1 / (1 + np.exp(0.4 - 0.5 * score - 0.03 * (age - 60) - 0.6 * features[:, 0]))
    clinical = pd.DataFrame(
        {
            "id": [f"P{i:03d}" for i in range(N)],
            "y": np.where(y, "yes", "no"),
            "score": score,
            "age": age,
            "grade": np.array(["a", "b", "c"])[rng.integers(0, 3, N)],
            "bmi": rng.normal(25, 3, N),
        }
    )
    for column, share in (("score", 0.08), ("age", 0.2), ("grade", 0.15), ("bmi", 0.1)):
        clinical.loc[rng.random(N) < share, column] = None
    named = pd.DataFrame(features, columns=["f1", "f2", "f3"])
    named.insert(0, "id", clinical["id"])
    return clinical, named


def study(folder, clinical: pd.DataFrame, features: pd.DataFrame, **changes) -> dict:
    folder.mkdir(exist_ok=True)
    clinical.to_csv(folder / "clinical.csv", index=False)
    features.to_csv(folder / "features.csv", index=False)
    given = {
        "engine": "python",
        "missing": "by_model",
        "report": {"figures": []},
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": "yes",
            "covariates": {"age": "continuous", "grade": "categorical", "bmi": "continuous"},
        },
        "tissues": {"disc": {"radscore": "score"}, "muscle": {"features": [str(folder / "features.csv")]}},
        "selection": [],
        "models": [
            {"name": "disc", "terms": ["disc"]},
            {"name": "muscle", "terms": ["muscle"]},
            {"name": "grade", "terms": ["grade"]},
            {"name": "groups", "terms": ["groups(disc, muscle)"]},
        ],
        "adjust": ["age"],
        "validation": {"leave_one_out": True, "folds": 5, "bootstrap": 8},
        "performance": {"decision_bootstrap": 10, "partial_auc_bootstrap": 10, "interaction_bootstrap": 10},
    }
    return given | changes


def analyse(given: dict) -> Any:
    """The results alone: no folder with figures is written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prldh.pipeline.write_outputs", lambda *_: None)
        return prldh.analyze(given, Path(given["clinical"]["table"]).parent / "out", jobs=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory, unwritten):
    folder = tmp_path_factory.mktemp("by_model")
    given = study(folder, *tables())
    return folder, given, prldh.analyze(given, folder / "out", jobs=1)


def model(data: dict, name: str, adjusted: bool) -> dict:
    return next(m for m in data["models"] if (m["name"], m["adjusted"]) == (name, adjusted))


def with_scores(results) -> pd.DataFrame:
    """The clinical table with the Radscore of the muscle, and the outcome as 0 and 1."""
    clinical, _ = tables()
    scores = {s["id"]: s["value"] for s in results.data["tissues"]["muscle"]["scores"]}
    return clinical.assign(muscle=clinical["id"].map(scores), event=(clinical["y"] == "yes").astype(int))


def design(table: pd.DataFrame, name: str, adjusted: bool) -> np.ndarray:
    columns = {"disc": ["score"], "muscle": ["muscle"], "grade": []}[name]
    parts = [table[columns]]
    if name == "grade":
        parts.append(pd.get_dummies(table["grade"], drop_first=True))
    if adjusted:
        parts.append(table[["age"]])
    return sm.add_constant(pd.concat(parts, axis=1).to_numpy(float), has_constant="add")


def test_a_model_is_of_the_patients_without_blanks_in_its_terms(run):
    """n and events by hand; coefficients and AUC by statsmodels and scikit-learn on those patients alone."""
    results, clinical = run[2], with_scores(run[2])
    jsonschema.validate(results.data, schema_of("results"))
    assert results.data["cohort"]["n"] == N and results.data["cohort"]["excluded"] == []
    for (name, adjusted), needs in NEEDS.items():
        own, entry = clinical.dropna(subset=needs), model(results.data, name, adjusted)
        assert (entry["n"], entry["events"]) == (len(own), own["event"].sum()), (name, adjusted)
        if name != "groups":
            fit = sm.Logit(own["event"], design(own, name, adjusted)).fit(disp=0, tol=1e-12)
            np.testing.assert_allclose([t["b"] for t in entry["terms"]], fit.params, rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose([t["se"] for t in entry["terms"]], fit.bse, rtol=1e-6)
            predicted = np.round(fit.predict(), 10)
            assert entry["auc"]["estimate"] == pytest.approx(roc_auc_score(own["event"], predicted), abs=1e-12)


@pytest.mark.r
def test_the_same_as_na_omit_in_r(run, tmp_path):
    table = with_scores(run[2])
    table.to_csv(tmp_path / "t.csv", index=False)
    code = """
    t <- read.csv("t.csv", na.strings = "")
    for (f in c("score", "score + age", "muscle", "muscle + age", "grade", "grade + age")) {
      fit <- glm(reformulate(f, "event"), binomial, t, na.action = na.omit)
      cat(f, nobs(fit), sum(fit$y), sprintf("%.12g", c(logLik(fit), coef(fit))), sep = "|")
      cat("\\n")
    }"""
    done = subprocess.run(["Rscript", "-e", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = [line.split("|") for line in done.stdout.splitlines()]
    assert len(lines) == 6
    for terms, n, events, *numbers in lines:
        name = {"score": "disc"}.get(terms.split(" ")[0], terms.split(" ")[0])
        entry = model(run[2].data, name, "age" in terms)
        assert (entry["n"], entry["events"]) == (int(n), int(events))
        found = [entry["log_likelihood"], *(t["b"] for t in entry["terms"])]
        np.testing.assert_allclose(found, [float(x) for x in numbers], rtol=1e-7, atol=1e-9)


def test_the_radscore_is_everyones(run, tmp_path):
    """No blank in a covariate touches selection and Radscore, on everyone or in a resample."""
    clinical, features = tables()
    full = clinical.assign(age=60.0 + np.arange(N) % 7, grade="a", bmi=np.arange(N), score=np.arange(N) % 11)
    full.loc[::2, "grade"] = "b"
    whole = analyse(study(tmp_path, full, features, missing="error"))
    assert whole.data["tissues"]["muscle"] == run[2].data["tissues"]["muscle"]
    # the model without blanks is that of the study without blanks
    assert model(whole.data, "muscle", False) == model(run[2].data, "muscle", False)


def test_folds_are_dealt_once(run):
    """A patient is held out in the same fold of every model; a model predicts its own patients, each once."""
    predictions, clinical = run[2].predictions, with_scores(run[2])
    held = predictions[predictions["scheme"].isin(["folds", "leave_one_out"])]
    assert (held.groupby(["scheme", "id"])["fold"].nunique() == 1).all()
    for (name, adjusted), needs in NEEDS.items():
        own = set(clinical.dropna(subset=needs)["id"])
        of_model = predictions[(predictions["model"] == name) & (predictions["adjusted"] == adjusted)]
        assert set(of_model["id"]) == own
        for _, part in of_model.groupby(["scope", "scheme"]):
            assert sorted(part["id"]) == sorted(own)
        entry = model(run[2].data, name, adjusted)["validation"]["pipeline"]
        assert entry["leave_one_out"]["n_resamples"] == len(own) and entry["bootstrap"]["n_resamples"] == 8


def test_a_fold_trains_on_the_others_of_the_model(run):
    """Held-out log odds of one fold, by statsmodels on the training patients without blanks."""
    predictions, clinical = run[2].predictions, with_scores(run[2])
    folds = predictions[(predictions["scheme"] == "folds") & (predictions["scope"] == "model")]
    own = folds[(folds["model"] == "disc") & folds["adjusted"]].set_index("id")
    table = clinical.dropna(subset=["score", "age"]).set_index("id", drop=False)
    test = own.index[own["fold"] == 2]
    train = table.drop(test)
    fit = sm.Logit(train["event"], design(train, "disc", True)).fit(disp=0, tol=1e-12)
    expected = design(table.loc[test], "disc", True) @ np.asarray(fit.params)
    np.testing.assert_allclose(own.loc[test, "log_odds"], expected, rtol=1e-6, atol=1e-8)


def test_comparisons_are_of_the_patients_whom_both_have(run):
    """n by hand; the apparent difference of both models fitted again to these."""
    results, clinical = run[2], with_scores(run[2])
    seen = set()
    for c in results.data["comparisons"]:
        own = clinical.dropna(subset=sorted({*NEEDS[c["a"], c["adjusted"]], *NEEDS[c["b"], c["adjusted"]]}))
        assert (c["n"], c["events"]) == (len(own), own["event"].sum()), c
        if c["scheme"] is None and c["measure"] == "auc" and "groups" not in (c["a"], c["b"]):
            areas = [
                roc_auc_score(
                    own["event"],
                    np.round(sm.Logit(own["event"], design(own, name, c["adjusted"])).fit(disp=0).predict(), 10),
                )
                for name in (c["a"], c["b"])
            ]
            assert c["difference"] == pytest.approx(areas[0] - areas[1], abs=1e-12)
            seen.add((c["a"], c["b"], c["adjusted"]))
    assert len(seen) == 6
    entry = next(c for c in results.data["comparisons"] if (c["a"], c["b"], c["scheme"]) == ("disc", "grade", None))
    assert entry["n"] < min(model(results.data, name, False)["n"] for name in ("disc", "grade"))
    assert {r["n"] for r in results.data["reclassification"]} == {c["n"] for c in results.data["comparisons"]}


def test_a_held_out_comparison_refits_both_on_common_patients(run):
    results, clinical = run[2], with_scores(run[2])
    folds = results.predictions[results.predictions["scheme"] == "folds"].drop_duplicates("id").set_index("id")["fold"]
    own = clinical.dropna(subset=["score", "grade"]).set_index("id", drop=False)
    etas = {name: pd.Series(index=own.index, dtype=float) for name in ("disc", "grade")}
    for fold in range(5):
        test = own.index[folds.loc[own.index] == fold]
        train = own.drop(test)
        for name, eta in etas.items():
            fit = sm.Logit(train["event"], design(train, name, False)).fit(disp=0, tol=1e-12)
            eta.loc[test] = np.round(design(own.loc[test], name, False) @ np.asarray(fit.params), 8)
    expected = roc_auc_score(own["event"], etas["disc"]) - roc_auc_score(own["event"], etas["grade"])
    (entry,) = [
        c
        for c in results.data["comparisons"]
        if (c["a"], c["b"], c["adjusted"], c["scope"], c["scheme"], c["measure"])
        == ("disc", "grade", False, "model", "folds", "auc")
    ]
    assert entry["difference"] == pytest.approx(expected, abs=1e-9)


def test_interaction_and_table_one_count_blanks(run):
    results, clinical = run[2], with_scores(run[2])
    x = results.data["interaction"]
    assert sum(g["n"] for g in x["unadjusted"]) == len(clinical.dropna(subset=["score"]))
    assert sum(g["n"] for g in x["adjusted"]) == len(clinical.dropna(subset=["score", "age"]))
    rows = {row["variable"]: row for row in results.data["table_one"]}
    for name, column in (("age", "age"), ("grade", "grade"), ("disc", "score"), ("muscle", "muscle")):
        blank = clinical[column].isna()
        events = int((blank & (clinical["event"] == 1)).sum())
        assert rows[name]["unknown"] == {"total": blank.sum(), "nonevent": blank.sum() - events, "event": events}
    table = results.tables["table_one"].set_index("variable")
    assert table.loc["age", "unknown_event"] == rows["age"]["unknown"]["event"]
    groups = rows["groups(disc, muscle)"]
    assert groups["unknown"]["total"] == clinical["score"].isna().sum()
    assert sum(r["total"]["n"] for r in groups["rows"]) == len(clinical.dropna(subset=["score"]))
    low, high = rows["age"]["rows"][0]["event"]["min"], rows["age"]["rows"][0]["event"]["max"]
    events = clinical.loc[clinical["event"] == 1, "age"]
    assert (low, high) == (events.min(), events.max())


@pytest.mark.browser
def test_a_phone_shows_the_number_of_every_table(browser, run):
    n, cut = cut_on_a_phone(browser, run[0] / "out")
    assert n > 100 and cut == []


def test_sizes_stand_beside_the_numbers(run):
    folder, _, results = run
    entry = model(results.data, "grade", True)
    size = f"(n = {entry['n']}, {entry['events']} events)"
    page = unmarked((folder / "out" / "report.html").read_text())
    assert page.count(f"grade, adjusted {size}") >= 5
    assert "Patients of each model" in page
    assert f"(n = {entry['n']}, {entry['events']} with the event)" in page  # the text for a paper
    for name in ("models", "terms", "validation", "decision_curve", "calibration_curve"):
        table = results.tables[name]
        own = table[(table["model"] == "grade") & table["adjusted"]]
        assert set(own["n"]) == {entry["n"]} and set(own["events"]) == {entry["events"]}, name
    for name in ("comparisons", "net_benefit_differences", "reclassification"):
        assert {"n", "events"} <= set(results.tables[name].columns)
    needs = {(m["name"], m["adjusted"]): m for m in results.data["sample_size"]["models"]}
    assert needs["grade", True]["n"] == entry["n"] and needs["grade", True]["events"] == entry["events"]


def test_any_order_gives_the_same_results(run, tmp_path):
    clinical, features = tables()
    given = study(tmp_path, clinical.sample(frac=1, random_state=3), features.sample(frac=1, random_state=4))
    other = analyse(given)
    for part in ("models", "comparisons", "table_one", "interaction", "tissues", "warnings", "sample_size"):
        assert other.data[part] == run[2].data[part], part


@pytest.mark.ci
@pytest.mark.r
def test_both_engines_and_plain_r_agree(run, tmp_path):
    given = run[1] | {"engine": "both", "models": run[1]["models"][1:]}
    given["validation"] = {"leave_one_out": False, "folds": 4, "bootstrap": 4}
    results = prldh.analyze(given, tmp_path / "out", jobs=1)
    rows = results.data["agreement"]
    assert len(rows) > 1000 and not [r for r in rows if r["difference"] is None]
    worst = max(rows, key=lambda r: abs(r["difference"]) / max(abs(r["r"]), 1.0))
    assert abs(worst["difference"]) <= 1e-6 * max(abs(worst["r"]), 1.0), worst
    assert compare_with_plain_r(results.data, tmp_path / "out") > 3000


def test_frozen_models_predict_who_has_what_they_need(run):
    """By apply, a new patient with a blank gets the predictions of the models that do not need it."""
    folder, _, results = run
    entry = apply_models(
        folder / "out",
        {
            "name": "again",
            "clinical": {"table": str(folder / "clinical.csv"), "id": "id"},
            "tissues": {"muscle": {"features": [str(folder / "features.csv")]}},
        },
    )
    assert entry["n"] == N and entry["excluded"] == []
    for m in entry["models"]:
        mine = model(results.data, m["name"], m["adjusted"])
        assert (m["n"], m["events"]) == (mine["n"], mine["events"])
        assert m["auc"]["estimate"] == pytest.approx(mine["auc"]["estimate"], abs=1e-9)
    predicted = pd.read_csv(folder / "out" / entry["folder"] / "predictions.csv")
    assert len(predicted) == sum(m["n"] for m in entry["models"])


def test_a_value_without_a_logarithm_is_lacked_by_the_models_that_take_it(tmp_path):
    """A new patient of age 0 has no prediction by a model of log(age), and has that by a model of age."""
    clinical, features = tables()
    named = {"log": ["log(age)"], "as it is": ["age"], "product": ["grade:log(age)", "grade"], "other": ["bmi"]}
    models = [{"name": name, "terms": terms} for name, terms in named.items()]
    nothing = {"leave_one_out": False, "folds": 0, "bootstrap": 0}
    prldh.analyze(
        study(tmp_path, clinical, features, models=models, adjust=[], validation=nothing), tmp_path / "out", jobs=1
    )
    new = pd.DataFrame({"id": ["old", "none", "zero", "lost"], "age": [50, None, 0, -3], "grade": ["a", "b", "c", ""]})
    new["bmi"] = [20, 20, None, None]
    for table, found in ((new, {"log": 1, "as it is": 3, "product": 1, "other": 2}), (new.iloc[:3], None)):
        table.to_csv(tmp_path / "new.csv", index=False)
        entry = apply_models(
            tmp_path / "out", {"name": "new", "clinical": {"table": str(tmp_path / "new.csv")}}, force=True
        )
        if found:
            assert {m["name"]: m["n"] for m in entry["models"]} == found
    predicted = pd.read_csv(tmp_path / "out" / entry["folder"] / "predictions.csv")
    assert set(predicted.loc[predicted["id"] == "zero", "model"]) == {"as it is"}
    assert set(predicted.loc[predicted["id"] == "none", "model"]) == {"other"}
    (age,) = [row for row in entry["case_mix"] if row["variable"] == "age"]
    assert age["new"]["mean"] == 25.0  # who has no logarithm has an age


# -- complete cases, and outcomes that are not known ------------------------------------------------------------


def test_complete_cases_are_as_they_were_and_say_what_they_lose(run, tmp_path):
    """The same numbers as without the rows that have a blank; one warning of how many patients the two differ by."""
    clinical, features = tables()
    changes = {"validation": {"leave_one_out": False, "folds": 4, "bootstrap": 5}}
    given = study(tmp_path / "all", clinical, features, missing="complete_case", **changes)
    results = analyse(given)
    kept = clinical.dropna()
    by_hand = study(tmp_path / "kept", kept, features[features["id"].isin(kept["id"])], missing="error", **changes)
    alone = analyse(by_hand)
    assert results.data["cohort"]["n"] == len(kept) and len(results.data["cohort"]["excluded"]) == N - len(kept)
    for part in ("models", "comparisons", "table_one", "interaction", "tissues", "reclassification"):
        assert results.data[part] == alone.data[part], part
    (warning,) = [w for w in results.data["warnings"] if w["code"] == "PRL-014"]
    used = clinical.dropna(subset=["score", "age", "grade"])
    assert f"leaves {N - len(kept)} patients" in warning["message"]
    assert f"'disc', adjusted {model(run[2].data, 'disc', True)['n']}" in warning["message"]
    assert f"Left out only for blanks that no model uses (bmi): {len(used) - len(kept)}." in warning["message"]
    assert not [w for w in alone.data["warnings"] if w["code"] == "PRL-014"]
    assert not [w for w in run[2].data["warnings"] if w["code"] in ("PRL-010", "PRL-014")]


def test_blank_outcomes_are_an_error_or_left_out(tmp_path):
    clinical, features = tables()
    clinical.loc[[3, 7], "y"] = None
    quick = {"validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0}}
    with pytest.raises(DataError, match=r"'y' of clinical.csv is blank in row 5 \(patient P003\).*missing_outcome"):
        analyse(study(tmp_path, clinical, features, **quick))
    given = study(tmp_path, clinical, features, missing_outcome="leave_out", **quick)
    results = analyse(given)
    assert results.data["cohort"]["excluded"] == [{"id": f"P00{i}", "reason": "blank: y"} for i in (3, 7)]
    assert results.data["cohort"]["n"] == N - 2 and model(results.data, "muscle", False)["n"] == N - 2
    assert any(w["code"] == "PRL-010" and "outcomes: P003, P007" in w["message"] for w in results.data["warnings"])
    without = clinical.drop(index=[3, 7])
    alone = analyse(study(tmp_path / "alone", without, features[features["id"].isin(without["id"])], **quick))
    assert results.data["models"] == alone.data["models"]


# -- where little is left ---------------------------------------------------------------------------------------


def little(tmp_path, change, **changes):
    clinical, features = tables()
    change(clinical, clinical["y"] == "yes")
    quick = {"leave_one_out": False, "folds": 4, "bootstrap": 5, "scope": ["model"]}
    changes = {"validation": quick, "comparisons": []} | changes
    results = analyse(study(tmp_path, clinical, features, **changes))
    jsonschema.validate(results.data, schema_of("results"))
    return results


@pytest.mark.parametrize("whose", ["events", "everyone"])
def test_a_model_without_events_is_named(tmp_path, whose):
    def change(table, event):
        table.loc[event | (whose == "everyone"), "age"] = None

    with pytest.raises(DataError) as error:
        little(tmp_path, change)
    for part in ("model 'disc', adjusted", "0 of them with the event", "age (", "Fill"):
        assert part in str(error.value)


def test_a_covariate_that_is_blank_and_unused_stops_nothing(tmp_path):
    results = little(tmp_path, lambda table, event: table.__setitem__("bmi", None))
    row = next(r for r in results.data["table_one"] if r["variable"] == "bmi")
    assert row["unknown"]["total"] == N and row["rows"][0]["total"]["mean"] is None and row["p"] is None


def test_models_without_common_patients_are_not_compared(tmp_path):
    """Each is there; their comparison is not, and one warning says so."""

    def change(table, event):
        half = np.arange(N) % 2 == 0
        table.loc[half, "score"], table.loc[~half, "grade"] = None, None

    models = [{"name": "disc", "terms": ["disc"]}, {"name": "grade", "terms": ["grade"]}]
    results = little(tmp_path, change, models=models, adjust=[], comparisons=None)
    assert [m["n"] > 40 for m in results.data["models"]] == [True, True]
    assert results.data["comparisons"] == [] == results.data["reclassification"]
    told = [w["message"] for w in results.data["warnings"] if w["code"] == "PRL-073"]
    (own,) = [message for message in told if "'disc' and 'grade'" in message]
    assert "'disc' and 'grade' (unadjusted) are not compared: 0 patients" in own


def test_few_patients_and_folds_without_events_are_counted(tmp_path):
    """Six patients, two of them with the event: fewer than folds and, adjusted, than parameters."""

    def change(table, event):
        few = [*table.index[event][:2], *table.index[~event][:4]]
        table.loc[~table.index.isin(few), "grade"] = None
        table.loc[few, "grade"] = ["a", "b", "c", "a", "b", "c"]
        table["age"] = 60.0 + np.arange(N) % 7
        table["bmi"] = np.arange(N) % 5

    schemes = {"leave_one_out": True, "folds": 4, "bootstrap": 5}
    results = little(tmp_path, change, adjust=["age", "bmi"], validation=schemes)
    entry = model(results.data, "grade", True)
    assert (entry["n"], entry["events"]) == (6, 2)
    held = model(results.data, "grade", False)["validation"]["model"]["folds"]
    assert held["auc_mean"]["n_folds_one_class"] > 0 and held["n_resamples"] <= 4
    assert model(results.data, "grade", False)["validation"]["model"]["leave_one_out"]["n_resamples"] == 6
    json.dumps(results.data, allow_nan=False)


def test_a_level_that_a_models_patients_lack_is_told(tmp_path):
    def change(table, event):
        table.loc[table["grade"] == "a", "age"] = None

    results = little(tmp_path, change)
    told = [w["message"] for w in results.data["warnings"] if w["code"] == "PRL-015"]
    n = model(results.data, "grade", True)["n"]
    assert told == [
        f"model 'grade', adjusted: among its {n} patients without blanks, 'grade': no analysed patient has 'a': no"
        " coefficient; 'b' is the reference instead of 'a'."
    ]
    assert [t["term"] for t in model(results.data, "grade", True)["terms"]] == ["(Intercept)", "gradec", "age"]


def test_covariates_alone_are_validated_with_a_null_run(tmp_path):
    """A study without tissues has no Radscores to refit."""
    g = np.random.default_rng(1)
    table = pd.DataFrame({"id": [f"p{i:02d}" for i in range(60)], "y": g.integers(0, 2, 60), "a": g.normal(size=60)})
    table["b"] = np.where(np.arange(60) % 7, g.normal(size=60), np.nan)
    table.to_csv(tmp_path / "clinical.csv", index=False)
    study = {
        "clinical": {"table": str(tmp_path / "clinical.csv"), "id": "id", "outcome": "y", "event": 1},
        "missing": "by_model",
        "engine": "python",
        "models": [{"name": "A", "terms": ["a"]}, {"name": "B", "terms": ["b"]}],
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 5, "null_permutations": 2},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
        "report": {"figures": [], "checklists": []},
    }
    study["clinical"]["covariates"] = {"a": "continuous", "b": "continuous"}
    models = prldh.analyze(study, tmp_path / "out", jobs=1).data["models"]
    assert [(m["name"], m["adjusted"], m["n"]) for m in models] == [
        ("A", False, 60),
        ("A", True, 51),
        ("B", False, 51),
        ("B", True, 51),
    ]
    assert all(m["validation"]["pipeline"]["folds"]["auc"]["estimate"] is not None for m in models)
