"""Functions and products as terms: what they mean, where they are refused, and that knots are of training rows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml

import prldh
from prldh.apply import apply_models
from prldh.chain import build_design, check_values, fit_knots, has_splines, plan_models
from prldh.core import DataError, StudyError, parse_term, term_text, variables_in
from prldh.data import read_cohort
from prldh.engines.python import PythonEngine
from prldh.results import tissues_of_model
from prldh.results.schemas import schema_of
from prldh.stats.splines import spline_basis, spline_knots
from prldh.study import Study

pytestmark = pytest.mark.usefixtures("undrawn")

N = 120


def table(seed: int = 5) -> pd.DataFrame:
    g = np.random.default_rng(seed)
    age, score = np.round(g.uniform(20, 80, N)), np.round(g.normal(size=N), 3)
    sex, grade = g.choice(["female", "male"], N), g.choice(["I", "II", "III"], N)
    log_odds = 0.8 * score + ((age - 50) / 20) ** 2 - 0.8 + 0.5 * (sex == "male") * score
    event = np.where(g.random(N) < 1 / (1 + np.exp(-log_odds)), "yes", "no")
    columns = {"age": age, "crp": np.round(g.exponential(5, N) + 0.1, 2), "sex": sex, "grade": grade, "score": score}
    return pd.DataFrame({"id": [f"p{i:03d}" for i in range(N)], "y": event, **columns})


def study(folder, terms, data=None, **changes) -> dict:
    path = folder / "clinical.csv"
    (table() if data is None else data).to_csv(path, index=False)
    kinds = {"age": "continuous", "crp": "continuous", "sex": "categorical", "grade": "categorical"}
    return {
        "engine": "python",
        "clinical": {"table": str(path), "id": "id", "outcome": "y", "event": "yes", "covariates": kinds},
        "tissues": {"disc": {"radscore": "score"}},
        "models": [{"name": "A", "terms": terms}],
        "adjust": [],
        "validation": {"leave_one_out": False, "folds": 4, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
        "report": {"figures": []},
        **changes,
    }


def analyze(folder, terms, **changes) -> dict:
    return prldh.analyze(study(folder, terms, **changes), folder / "out", jobs=1, force=True).data


def design_of(folder, *terms):
    settings = Study.model_validate(study(folder, list(terms)))
    cohort, _ = read_cohort(settings, folder)
    scores = {"disc": cohort.scores["disc"].to_numpy(float)}
    return build_design(terms, cohort, scores, {}), cohort


# ---------------------------------------------------------------- what they mean


def test_columns_of_every_kind(tmp_path):
    design, cohort = design_of(tmp_path, "log(crp)", "age^2", "age:disc", "sex:disc", "grade:sex", "rcs(age, 4)")
    age, crp = (cohort.table[name].to_numpy() for name in ("age", "crp"))
    disc, male = cohort.scores["disc"].to_numpy(), (cohort.table["sex"] == "male").to_numpy()
    wanted = {
        "(Intercept)": np.ones(N),
        "log(crp)": np.log(crp),
        "age^2": age**2,
        "age:disc": age * disc,
        "sexmale:disc": male * disc,
        "gradeII:sexmale": male & (cohort.table["grade"] == "II"),
        "gradeIII:sexmale": male & (cohort.table["grade"] == "III"),
    }
    basis = spline_basis(age, spline_knots(age, 4))
    wanted |= {f"rcs(age, 4)age{tick}": basis[:, j] for j, tick in enumerate(("", "'", "''"))}
    assert design.columns == tuple(wanted)
    np.testing.assert_array_equal(design.matrix, np.column_stack(list(wanted.values())).astype(float))
    assert design.variables[1:4] == ("log(crp)", "age^2", "age:disc") and design.variables[5:7] == ("grade:sex",) * 2
    assert design.levels == (None, None, None, None, "male", "II:male", "III:male", "age", "age'", "age''")


def test_knots_are_of_training_rows(tmp_path):
    design, cohort = design_of(tmp_path, "rcs(age, 3)", "rcs(age, 3):sex")
    rows = np.arange(0, N, 2)
    knots = fit_knots(("rcs(age, 3)",), cohort, {}, rows)
    assert knots == {"rcs(age, 3)": tuple(spline_knots(cohort.table["age"].to_numpy()[rows], 3))}
    assert design.knots != knots and design.knots == fit_knots(("rcs(age, 3)",), cohort, {})


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terms")
    terms = ["rcs(age,4)", "log(crp)", "disc", "sex", "disc : sex"]
    data = analyze(folder, terms, adjust=["age", "crp^2", "grade"])
    return data, folder


def test_results_name_terms_and_knots_and_adjusting_repeats_no_covariate_in_another_form(found):
    data, _ = found
    plain, adjusted = data["models"]
    assert list(dict.fromkeys(t["variable"] for t in plain["terms"]))[1:] == [
        "rcs(age, 4)",
        "log(crp)",
        "disc",
        "sex",
        "disc:sex",
    ]
    assert list(dict.fromkeys(t["variable"] for t in adjusted["terms"]))[6:] == ["grade"]
    assert len(plain["knots"]["rcs(age, 4)"]) == 4
    (test,) = plain["overall_tests"]
    assert (test["term"], test["df"]) == ("rcs(age, 4)", 3) and test["p"] < 0.05
    assert {t["term"] for t in plain["collinearity"]["terms"]} >= {"rcs(age, 4)", "disc:sex"}
    assert not [w for w in data["warnings"] if w["code"] == "PRL-059"]
    jsonschema.validate(data, schema_of("results"))


def test_held_out_refits_place_knots_on_their_training_rows_in_both_scopes(found):
    data, folder = found
    settings = Study.model_validate(study(folder, ["disc"]))
    cohort, _ = read_cohort(settings, folder)
    predictions = pd.read_csv(folder / "out" / "predictions.csv")
    own = predictions[(predictions["model"] == "A") & ~predictions["adjusted"] & (predictions["scheme"] == "folds")]
    rows = {patient: i for i, patient in enumerate(cohort.ids)}
    scores, engine = {"disc": cohort.scores["disc"].to_numpy(float)}, PythonEngine()
    terms = ("rcs(age, 4)", "log(crp)", "disc", "sex", "disc:sex")
    for scope in ("model", "pipeline"):
        for _, fold in own[own["scope"] == scope].groupby("fold"):
            test = np.array([rows[i] for i in fold["id"]])
            train = np.setdiff1d(np.arange(N), test)
            design = build_design(terms, cohort, scores, {}, knots=fit_knots(terms, cohort, scores, train))
            fit = engine.fit_logistic(design.matrix[train], cohort.outcome[train])
            np.testing.assert_allclose(design.matrix[test] @ fit["coefficients"], fold["log_odds"], atol=1e-8)


def test_resamples_with_fewer_knots_are_counted(tmp_path):
    """Seven values give five knots; the one that a single patient has is in no training row of one fold."""
    data = table()
    data["crp"] = np.array([1.0, 2.0, 3.0, 5.0, 8.0, 13.0])[np.arange(N) % 6]
    data.loc[7, "crp"] = 21.0
    found = analyze(tmp_path, ["rcs(crp, 5)", "disc"], data=data)
    assert len(found["models"][0]["knots"]["rcs(crp, 5)"]) == 5
    told = [w["message"] for w in found["warnings"] if w["code"] == "PRL-107"]
    assert told and all("in 1 of 4 resamples the training rows have too few distinct values" in t for t in told)
    data.loc[8, "crp"] = 21.0
    many = analyze(tmp_path, ["rcs(crp, 4)", "disc"], data=data)
    assert not [w for w in many["warnings"] if w["code"] == "PRL-107"]


def test_frozen_models_keep_their_knots(found):
    data, folder = found
    new = table(6).head(40).assign(id=[f"n{i}" for i in range(40)])
    new.loc[3, "crp"] = 0.0
    new.to_csv(folder / "new.csv", index=False)
    cohort = {"name": "elsewhere", "clinical": {"table": str(folder / "new.csv")}}
    entry = apply_models(folder / "out", cohort, force=True)
    assert [e["id"] for e in entry["excluded"]] == ["n3"] and "logarithm" in entry["excluded"][0]["reason"]
    predicted = pd.read_csv(folder / "out" / entry["folder"] / "predictions.csv")
    own = predictions = predicted[~predicted["adjusted"]].set_index("id")
    knots = np.array(data["models"][0]["knots"]["rcs(age, 4)"])
    kept = new[new["id"] != "n3"].set_index("id")
    male = (kept["sex"] == "male").to_numpy(float)
    x = np.column_stack(
        [
            np.ones(39),
            spline_basis(kept["age"].to_numpy(float), knots),
            np.log(kept["crp"]),
            kept["score"],
            male,
            male * kept["score"],
        ]
    )
    b = np.array([t["b"] for t in data["models"][0]["terms"]])
    np.testing.assert_allclose(own.loc[kept.index, "log_odds"], x @ b, atol=1e-8)
    assert len(predictions) == 39
    parts = json.loads((folder / "out" / "model.json").read_text())["models"][0]["coefficients"][2]["parts"]
    assert parts == [
        {"variable": "age", "function": "spline", "level": None, "knots": knots.tolist(), "column": 1},
    ]


def test_a_product_without_its_factors_is_told(tmp_path):
    data = analyze(
        tmp_path, ["age:sex", "age^2", "sex"], validation={"leave_one_out": False, "folds": 0, "bootstrap": 0}
    )
    told = [w["message"] for w in data["warnings"] if w["code"] == "PRL-059"]
    assert len(told) == 2 and "'age:sex' stands without age," in told[0] and "'age^2' stands without age," in told[1]


# ---------------------------------------------------------------- where they are refused

CONTINUOUS = {"age": True, "crp": True, "a:b": True, "sex": False}
REFUSED = {
    "log(agee)": "'agee' is neither a tissue nor a covariate; did you mean 'age'",
    "age:weight": "'weight' is neither",
    "log(rcs(age, 3))": "a function within a function",
    "log(age:crp)": "a product within a function .'age:crp'",
    "rcs(log(age), 3)": "a function within a function",
    "log(age)^2": "a function within a function",
    "rcs(age, 2)": "3 to 7 knots .found '2'",
    "rcs(age, 8)": "found '8'",
    "rcs(age, x)": "found 'x'",
    "rcs(age)": "found none",
    "age^3": "a power that is not 2",
    "sqrt(age)": "calls 'sqrt'",
    "log(sex)": "'sex' has levels and no numbers",
    "sex^2": "has levels",
    "rcs(sex, 3)": "has levels",
    "age:age": "by itself",
    "log(age": "'log.age' is neither",
}


@pytest.mark.parametrize("term", REFUSED)
def test_bad_terms_have_one_message(term, tmp_path):
    with pytest.raises(StudyError, match=REFUSED[term]):
        parse_term(term, CONTINUOUS)
    with pytest.raises(StudyError) as error:
        prldh.analyze(study(tmp_path, [term]), tmp_path / "out")
    assert "models: 'A':" in str(error.value) and not (tmp_path / "out").exists()
    with pytest.raises(StudyError, match="adjust"):
        prldh.analyze(study(tmp_path, ["disc"], adjust=[term]), tmp_path / "out")


def test_a_product_of_rs_formulas_is_told_as_what_it_stands_for(tmp_path):
    with pytest.raises(StudyError, match=r"'age\*disc' stands for three .* terms: \[age, disc, age:disc\]"):
        prldh.analyze(study(tmp_path, ["age*disc"]), tmp_path / "out")


def test_a_name_that_looks_like_a_term_is_a_name():
    assert parse_term("a:b", CONTINUOUS)[0].variable == "a:b"
    assert variables_in("a:b", CONTINUOUS) == ("a:b",) and variables_in("a:b") == ("a", "b")


@pytest.mark.parametrize(
    ("term", "values", "message"),
    [
        ("log(crp)", [0.0, -3.5], "column 'crp' has 2 values of 0 or less \\(the smallest is -3.5\\)"),
        ("log(crp):sex", [0.0], "column 'crp' has 1 value of 0 or less"),
        ("rcs(crp, 5)", None, "column 'crp' has 4 distinct values, too few for 5 knots"),
    ],
)
def test_values_that_do_not_fit_have_one_message(term, values, message, tmp_path):
    data = table()
    data["crp"] = np.arange(N) % 4 + 1.0 if values is None else [*values, *data["crp"][len(values) :]]
    with pytest.raises(DataError, match=message):
        prldh.analyze(study(tmp_path, [term], data), tmp_path / "out")


def test_the_radscore_of_features_has_no_logarithm(tmp_path):
    settings = study(tmp_path, ["log(disc)"], tissues={"disc": {"features": "features.csv"}})
    with pytest.raises(StudyError, match="is a log odds and falls below 0"):
        prldh.analyze(settings, tmp_path / "out")


def test_the_examples_of_the_page_are_terms():
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.S)]
    covariates = dict.fromkeys(("age", "bmi", "duration"), "continuous")
    covariates |= dict.fromkeys(("sex", "pfirrmann"), "categorical")
    settings = {
        "clinical": {"table": "t.csv", "id": "id", "outcome": "y", "event": 1, "covariates": covariates},
        "tissues": {"disc": {"radscore": "disc"}, "muscle": {"radscore": "muscle"}},
    }
    for block in blocks:
        assert plan_models(Study.model_validate(settings | block))
    terms = {s.name: s.terms for s in plan_models(Study.model_validate(settings | blocks[0])) if s.adjusted}
    assert terms["Interaction"] == ("disc", "sex", "disc:sex", "rcs(age, 4)") and "Curves" in terms


# ---------------------------------------------------------------- names that look like terms

NAMED = {"PSA": True, "log(PSA)": True, "CD4^2": True, "bmi (kg/m^2)": True, "a:b": True, "sex": False, "a": True}


@pytest.mark.parametrize("name", [name for name, numbers in NAMED.items() if numbers])
@pytest.mark.parametrize("form", ["{}", "log({})", "{}^2", "rcs({}, 4)"])
def test_every_part_that_is_a_known_name_is_that_name(name, form):
    own = form.format(name)
    for term, names in ((own, (name,)), (f"{own}:sex", (name, "sex")), (f"sex : {own}", ("sex", name))):
        if term in NAMED:
            names = (term,)
        elif own in NAMED:
            names = tuple(own if part == name else part for part in names)
        factors = parse_term(term, NAMED)
        assert tuple(factor.variable for factor in factors) == names == variables_in(term, NAMED)
        assert parse_term(term_text(factors), NAMED) == factors


def test_a_column_named_like_a_function_is_its_own_variable_in_models_and_in_frozen_ones(tmp_path):
    data = table().rename(columns={"crp": "log(disc)", "age": "x^2"})
    data.loc[:7, "x^2"] = np.nan
    covariates = {"log(disc)": "continuous", "x^2": "continuous", "sex": "categorical"}
    settings = study(tmp_path, ["log(disc):sex", "log(disc)", "sex"], data, missing="by_model")
    settings["clinical"]["covariates"] = covariates
    settings["models"] += [{"name": "B", "terms": ["x^2:sex", "sex", "x^2"]}]
    results = prldh.analyze(settings, tmp_path / "out", jobs=1, force=True).data
    assert [m["n"] for m in results["models"]] == [N, N - 8]
    assert not {w["code"] for w in results["warnings"]} & {"PRL-059", "PRL-014"}
    assert [tissues_of_model(results, m) for m in results["models"]] == [[], []]
    entry = apply_models(tmp_path / "out", {"name": "same", "clinical": {"table": str(tmp_path / "clinical.csv")}})
    predicted = pd.read_csv(tmp_path / "out" / entry["folder"] / "predictions.csv")
    assert predicted.groupby("model").size().to_dict() == {"A": N, "B": N - 8}


# ---------------------------------------------------------------- whose values count


def by_model(folder, **changes):
    """Of ``crp`` the model's own patients have 4 values, everyone many; some of the others have 0."""
    data = table()
    own = np.arange(N) % 2 == 0
    data.loc[~own, "age"] = np.nan
    data.loc[own, "crp"] = np.arange(own.sum()) % 4 + 1.0
    data.loc[1, "crp"] = 0.0
    return study(folder, changes.pop("terms"), data, missing="by_model", **changes)


def test_knots_are_checked_on_the_patients_of_the_model(tmp_path):
    message = "model 'A': rcs.crp, 4.: column 'crp' has 4 distinct values, too few for 4 knots, among 60 patients"
    with pytest.raises(DataError, match=message):
        prldh.analyze(by_model(tmp_path, terms=["rcs(crp, 4)", "age"]), tmp_path / "out")


def test_logarithms_are_checked_on_the_patients_of_the_models_that_take_them(tmp_path):
    settings = by_model(tmp_path, terms=["log(crp)", "age"])
    settings["models"].append({"name": "B", "terms": ["crp"]})
    assert [m["n"] for m in prldh.analyze(settings, tmp_path / "out", jobs=1).data["models"]] == [N // 2, N]
    with pytest.raises(DataError, match="model 'A': log.crp.: column 'crp' has 1 value of 0 or less"):
        prldh.analyze(by_model(tmp_path, terms=["log(crp)"]), tmp_path / "out", force=True)


def test_what_has_too_few_values_for_knots_among_common_patients_is_left_out_and_told(tmp_path):
    settings = by_model(tmp_path, terms=["rcs(crp, 4)"])
    settings["models"].append({"name": "B", "terms": ["age"]})
    data = prldh.analyze(settings, tmp_path / "out", jobs=1).data
    assert [m["n"] for m in data["models"]] == [N, N // 2] and not data["comparisons"]
    told = [w["message"] for w in data["warnings"] if w["code"] == "PRL-074"]
    for other in ("B", "Covariates alone"):
        left_out = f"'A' and '{other}' (unadjusted) is left out: rcs(crp, 4): column 'crp' has 4 distinct values"
        assert any(left_out in message for message in told)


def test_an_adjusted_interaction_has_knots_or_is_left_out_and_told(tmp_path):
    tissues = {"disc": {"radscore": "score"}, "muscle": {"radscore": "age"}}
    settings = by_model(tmp_path, terms=["rcs(crp, 4)"], tissues=tissues, adjust=["rcs(crp, 4)"])
    del settings["clinical"]["covariates"]["age"]
    data = prldh.analyze(settings, tmp_path / "out", jobs=1).data
    (told,) = [w["message"] for w in data["warnings"] if w["code"] == "PRL-074"]
    assert told.startswith("the adjusted interaction is left out: rcs(crp, 4): column 'crp' has 4 distinct values")
    assert data["interaction"]["additive"]["unadjusted"] and data["interaction"]["additive"]["adjusted"] is None


# ---------------------------------------------------------------- products and their factors


@pytest.mark.parametrize(
    ("terms", "absent"),
    [
        (["rcs(disc, 3)", "disc:sex", "sex"], None),
        (["rcs(age, 3)", "age^2"], None),
        (["rcs(disc, 3):sex", "disc", "sex"], "rcs(disc, 3)"),
        (["disc^2:sex", "disc", "sex"], "disc^2"),
        (["log(crp)", "crp:sex", "sex"], "crp"),
    ],
)
def test_a_spline_is_a_main_effect(terms, absent, tmp_path):
    settings = Study.model_validate(study(tmp_path, terms))
    cohort, _ = read_cohort(settings, tmp_path)
    (spec,) = plan_models(settings)
    told = [w.message for w in check_values(spec, settings, cohort)]
    assert len(told) == (absent is not None) and all(f"stands without {absent}, " in text for text in told)


# ---------------------------------------------------------------- one term in two spellings


@pytest.mark.parametrize(
    ("first", "second"),
    [("rcs(age,3)", "rcs(age, 3)"), ("age:sex", "sex:age"), ("log( crp )", "log(crp)"), ("age", "age")],
)
def test_one_term_in_two_spellings_is_named_twice(first, second, tmp_path):
    with pytest.raises(StudyError, match="models: 'A' names a term twice"):
        plan_models(Study.model_validate(study(tmp_path, [first, second])))
    with pytest.raises(StudyError, match="adjust: .*is listed twice"):
        prldh.analyze(study(tmp_path, ["disc"], adjust=[first, second]), tmp_path / "out")
    settings = study(tmp_path, ["disc", first], adjust=[second, "grade"])
    assert plan_models(Study.model_validate(settings))[1].terms[2:] == ("grade",)


def test_groups_of_the_same_two_tissues_are_one_term(tmp_path):
    tissues = {"disc": {"radscore": "score"}, "muscle": {"radscore": "crp"}}
    with pytest.raises(StudyError, match="names a term twice"):
        terms = ["groups(disc, muscle)", "groups(muscle, disc)"]
        plan_models(Study.model_validate(study(tmp_path, terms, tissues=tissues)))


@pytest.mark.parametrize("term", ["disc", "log(disc)", "age:disc"])
def test_adjust_takes_covariates(term, tmp_path):
    with pytest.raises(StudyError, match="is (of )?the tissue 'disc', and adjust takes covariates"):
        prldh.analyze(study(tmp_path, ["disc"], adjust=[term]), tmp_path / "out")


def test_a_column_that_is_called_like_a_spline_is_none():
    known = {"rcs(bmi, 3)": True, "bmi": True, "sex": False}
    assert not has_splines(("rcs(bmi, 3)", "rcs(bmi, 3):sex"), known)
    assert has_splines(("sex", "rcs(bmi, 4):sex"), known) and not has_splines(("groups(a rcs, b)",), known)
