"""Collinearity: an angle that is the rounded sum of two others, in every unit, and features that say the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pages import unmarked

import prldh
from prldh.core import Design, Part
from prldh.engines.python import PythonEngine
from prldh.engines.r import REngine
from prldh.models.collinearity import _fewest, describe_terms, near_dependencies
from prldh.models.likelihoods import MAXIMUM_LIKELIHOOD, overall_tests

pytestmark = pytest.mark.usefixtures("undrawn")

ENGINES = [PythonEngine, pytest.param(REngine, marks=pytest.mark.r)]


def spine(n: int = 120, seed: int = 4) -> pd.DataFrame:
    """Pelvic incidence is the rounded sum of pelvic tilt and sacral slope."""
    g = np.random.default_rng(seed)
    tilt, slope = np.round(g.normal(17, 9, n), 3), np.round(g.normal(43, 13, n), 3)
    age = np.round(g.normal(55, 10, n))
    log_odds = 0.06 * (tilt - 17) - 0.04 * (slope - 43)
    return pd.DataFrame(
        {
            "id": [f"p{i:03d}" for i in range(n)],
            "y": np.where(g.random(n) < 1 / (1 + np.exp(-log_odds)), "yes", "no"),
            "incidence": np.round(tilt + slope, 2),
            "tilt": tilt,
            "slope": slope,
            "age": age,
            "grade": g.choice(["I", "II", "III"], n),
        }
    )


def analyze(table: pd.DataFrame, folder, **settings) -> dict:
    table.to_csv(folder / "clinical.csv", index=False)
    kinds = {False: "categorical", True: "continuous"}
    covariates = {name: kinds[table[name].dtype.kind in "if"] for name in table.columns if name not in ("id", "y")}
    study = {
        "engine": "python",
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": "yes",
            "covariates": covariates,
        },
        "adjust": [],
        "models": [{"name": "all", "terms": list(covariates)}, {"name": "one", "terms": ["grade"]}],
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
        **settings,
    }
    return prldh.analyze(study, folder / "out", jobs=1, force=True).data


def _told(results: dict) -> list[str]:
    """Of the study's own models."""
    told = [w["message"] for w in results["warnings"] if w["code"] == "PRL-058"]
    return [message for message in told if "Covariates alone" not in message]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return analyze(spine(), tmp_path_factory.mktemp("spine"))


def test_the_rounded_sum_is_named_with_its_factors(found):
    entry = found["models"][0]["collinearity"]
    vif = {t["term"]: t["vif"] for t in entry["terms"]}
    assert min(vif[name] for name in ("incidence", "tilt", "slope")) > 1e6 and max(vif["age"], vif["grade"]) < 1.2
    assert entry["condition_number"] > entry["condition_number_centred"] > 1000
    assert entry["dependencies"] == ["'incidence' is the rounded sum of 'slope' and 'tilt' (at most 0.005 away)"]
    (told,) = _told(found)
    assert told.startswith("model 'all': its terms are collinear: variance inflation factor")
    assert entry["dependencies"][0] in told and "condition number" in told and "'age'" not in told


def test_a_factor_has_one_test_of_all_its_levels(found):
    (test,) = found["models"][0]["overall_tests"]
    assert (test["term"], test["df"], test["method"]) == ("grade", 2, "likelihood ratio") and 0 < test["p"] < 1
    (alone,), (of_one,) = found["univariate"]["overall_tests"], found["models"][1]["overall_tests"]
    assert alone == of_one and alone["p"] != test["p"]


def test_one_term_and_firths_fits_have_none_with_the_reason(found, tmp_path):
    entry = found["models"][1]["collinearity"]
    assert entry["terms"] == [
        {"term": "grade", "df": 2, "vif": None, "vif_per_df": None, "reason": "variance inflation takes two terms"}
    ]
    table = spine()
    table.loc[table["grade"] == "III", "y"] = "no"
    firth = analyze(table, tmp_path)
    assert firth["models"][0]["fit"] == "firth"
    entry = firth["models"][0]["collinearity"]
    assert all(t["vif"] is None and "Firth" in t["reason"] for t in entry["terms"])
    assert entry["condition_number"] > 1000 and entry["dependencies"]
    (told,) = _told(firth)
    assert "variance inflation" not in told and "rounded sum" in told
    (test,) = firth["models"][0]["overall_tests"]
    assert (test["df"], test["method"]) == (2, "penalised likelihood ratio (Firth)") and test["p"] < 0.01
    page = unmarked((tmp_path / "out" / "report.html").read_text())
    assert "Overall (each left out with all its columns): grade, χ²" in page and "is the rounded sum of" in page
    assert {"collinearity", "overall_tests"} <= {path.stem for path in (tmp_path / "out" / "tables").glob("*.csv")}
    assert any("Firth's penalised fit" in w["message"] for w in firth["warnings"] if w["code"] == "PRL-110")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("factor", [1e9, 1e-9, 1e150])
def test_units_change_nothing(engine, factor):
    table = spine()
    x = table[["incidence", "tilt", "slope", "age"]].to_numpy()
    scaled = x * np.where(np.arange(4) == 1, factor, 1.0)
    y, e, ones = (table["y"] == "yes").to_numpy(float), engine(), np.ones((len(x), 1))
    for before, after in (
        (e.collinearity(x), e.collinearity(scaled)),
        (
            e.variance_inflation(np.hstack([ones, x]), y, np.arange(4)),
            e.variance_inflation(np.hstack([ones, scaled]), y, np.arange(4)),
        ),
    ):
        for key, value in before.items():
            np.testing.assert_allclose(after[key], value, rtol=1e-8, err_msg=key)
    assert len(near_dependencies(scaled, ["incidence", "tilt", "slope", "age"])) == 1


@pytest.mark.r
def test_both_engines_over_random_designs():
    """From columns of their own to sums of others that six digits tell apart; singular ones, and p >= n."""
    g, python, r = np.random.default_rng(2), PythonEngine(), REngine()
    for k in range(12):
        n = int(g.integers(30, 80))
        x = g.normal(size=(n, 5)) * 10.0 ** g.integers(-3, 4, 5) + g.normal(size=5)
        x[:, 4] = x[:, 0] + x[:, 1] * (k % 3) + 10.0 ** -(k % 4) * x.std() * g.normal(size=n)
        y = (g.random(n) < 0.5).astype(float)
        design = np.column_stack([np.ones(n), x])
        for answers in (
            (python.collinearity(x), r.collinearity(x)),
            (e.variance_inflation(design, y, [0, 0, 1, 2, 3]) for e in (python, r)),
        ):
            mine, theirs = answers
            for key in mine:
                np.testing.assert_allclose(mine[key], theirs[key], rtol=1e-8, err_msg=key)
    for x in (np.eye(4), np.column_stack([np.ones(9), np.arange(9)]), np.outer(np.arange(9.0), [1, 2])):
        for engine in (python, r):
            found = engine.collinearity(x)
            assert np.isnan(found["vif"]).all() and np.isnan(found["condition_number"])


def test_dependencies_in_words():
    g = np.random.default_rng(3)
    a, b, c, d = g.normal(size=(4, 60))
    names = ["a", "b", "c", "d", "e"]

    def told(*columns):
        return near_dependencies(np.column_stack(columns), names)

    assert told(a, b, c, d) == ()
    assert told(a, b, a) == ("'c' is the copy of 'a'",)
    assert told(a, b, a + b) == ("'c' is the sum of 'a' and 'b'",)
    assert told(a + b, a, d, b) == ("'a' is the sum of 'd' and 'b'",)  # by name, whatever comes first
    assert told(a, b, 2 * a + 3 * b + 1)[0].startswith("'c' is 2 × 'a' + 3 × 'b' + 1 (at most ")
    (near,) = told(a, b, c, a + b + c + 1e-3 * d)
    assert near.startswith("'d' is the sum of 'a', 'b' and 'c' (at most 0.00")
    assert len(told(a, b, a + b, c, a - b)) == 2


def test_features_of_a_radscore(tmp_path):
    g = np.random.default_rng(6)
    n = 60
    x = g.normal(size=(n, 3))
    both = x[:, 0] + x[:, 1] + 1e-3 * x[:, 2]
    features = pd.DataFrame({"id": [f"p{i}" for i in range(n)], "one": x[:, 0], "two": x[:, 1], "both": both})
    features.to_csv(tmp_path / "features.csv", index=False)
    outcome = np.where(g.random(n) < 1 / (1 + np.exp(-x[:, 0] - x[:, 1])), "yes", "no")
    clinical = pd.DataFrame({"id": features["id"], "y": outcome})
    data = analyze(
        clinical,
        tmp_path,
        tissues={"disc": {"features": str(tmp_path / "features.csv")}},
        selection=[{"univariate": {"threshold": 1.0}}],
        models=[{"name": "disc", "terms": ["disc"]}],
    )
    entry = data["tissues"]["disc"]["radscore"]["collinearity"]
    names = data["tissues"]["disc"]["selection"]["features"]
    inverse = np.linalg.inv(np.corrcoef(features[names].to_numpy().T))
    np.testing.assert_allclose([entry["vif"][k] for k in names], np.diag(inverse), rtol=1e-6)
    assert entry["dependencies"][0].startswith("'both' is the sum of ")
    (told,) = (w["message"] for w in data["warnings"] if w["code"] == "PRL-046")
    assert told.startswith("tissue disc: the Radscore's features are collinear: variance inflation factor")


@pytest.mark.parametrize("learner", ["logistic", "ridge"])
def test_a_radscore_of_more_features_than_patients_is_told(tmp_path, learner):
    """Each feature is a sum of the others, and no inflation factor could say so."""
    g = np.random.default_rng(7)
    n, k = 40, 45
    x = g.normal(size=(n, k))
    features = pd.DataFrame(x, columns=[f"f{j:02d}" for j in range(k)])
    features.insert(0, "id", [f"p{i}" for i in range(n)])
    features.to_csv(tmp_path / "features.csv", index=False)
    clinical = pd.DataFrame({"id": features["id"], "y": np.where(x[:, 0] + g.normal(size=n) > 0, "yes", "no")})
    data = analyze(
        clinical,
        tmp_path,
        tissues={"disc": {"features": str(tmp_path / "features.csv")}},
        selection=[{"univariate": {"threshold": 1.0}}],
        models=[{"name": "disc", "terms": ["disc"]}],
        learner=learner,
        second_stage="in_sample",
    )
    entry = data["tissues"]["disc"]["radscore"]["collinearity"]
    assert entry["condition_number"] is None and "no more patients than features" in entry["reason"]
    (told,) = (w["message"] for w in data["warnings"] if w["code"] == "PRL-046")
    assert "there are 45 features and 40 patients, so that each is a sum of the others" in told


def test_a_model_of_more_columns_than_patients_is_told():
    g = np.random.default_rng(2)
    for n, is_told in ((8, True), (9, False)):
        matrix = np.column_stack([np.ones(n), g.normal(size=(n, 8))])
        names = tuple("abcdefghi")
        design = Design(matrix, names, ("(Intercept)", *names[1:]), (None,) * 9, ())
        _, warnings = describe_terms([design], np.arange(n) % 2, PythonEngine(), "a penalised fit", "model 'm'")
        assert any("there are 8 columns and 8 patients" in w.message for w in warnings) is is_told


@pytest.mark.parametrize("engine", ENGINES)
def test_values_near_overflow_and_nothing_that_varies_are_null_and_no_error(engine):
    g = np.random.default_rng(1)
    x = g.normal(size=(30, 2))
    for column in (np.where(np.arange(30) % 2, 1.7e308, -1.7e308), np.zeros(30), np.full(30, 3.0)):
        values = np.column_stack([x, column])
        found = engine().collinearity(values)
        assert np.isnan(found["condition_number"]) and np.isnan(found["vif"]).all()
        assert near_dependencies(values, ["a", "b", "c"]) == ()


def test_a_factor_within_a_product_has_no_overall_test_of_its_own():
    """Its chi-squared would depend on the reference level of the other factor."""
    rng = np.random.default_rng(5)
    n = 120
    grade, sex = rng.integers(0, 3, n), rng.integers(0, 2, n)
    y = (rng.random(n) < 1 / (1 + np.exp(0.5 - 0.6 * grade + 0.8 * sex))).astype(np.int8)
    one = [(grade == k).astype(float) for k in (1, 2)]
    for female in (sex == 0, sex == 1):
        other = female.astype(float)
        columns = [np.ones(n), *one, other, *(c * other for c in one)]
        variables = ("(Intercept)", "grade", "grade", "sex", "grade:sex", "grade:sex")
        graded = [(Part("grade", level=str(k)),) for k in (1, 2)]
        sexed = (Part("sex", level="x"),)
        parts = ((), *graded, sexed, *((*p, *sexed) for p in graded))
        design = Design(np.column_stack(columns), tuple("abcdef"), variables, (None,) * 6, parts)
        (test,) = overall_tests([design], MAXIMUM_LIKELIHOOD, y, PythonEngine())
        assert test.term == "grade:sex" and test.test.df == 2
    both = Design(np.column_stack(columns[:4]), tuple("abcd"), variables[:4], (None,) * 4, parts[:4])
    assert [t.term for t in overall_tests([both], MAXIMUM_LIKELIHOOD, y, PythonEngine())] == ["grade"]


@pytest.mark.parametrize("seed", range(4))
def test_the_columns_of_a_sum_are_those_that_fits_without_each_of_them_find(seed):
    """Against backward elimination by as many least-squares fits as there are columns."""
    g = np.random.default_rng(seed)
    x = g.normal(size=(40, 9))
    x[:, 8] = x[:, seed] - 0.7 * x[:, seed + 2] + 0.4 * x[:, seed + 3] + 1e-3 * g.normal(size=40)
    scaled = x - x.mean(axis=0)

    def off(columns):
        rest = scaled[:, 8] - scaled[:, columns] @ np.linalg.lstsq(scaled[:, columns], scaled[:, 8], rcond=None)[0]
        return rest @ rest / (39 - len(columns))

    kept = list(range(8))
    least = 2 * off(kept)
    while off(fewer := min(([k for k in kept if k != c] for c in kept), key=off)) <= least:
        kept = fewer
    assert _fewest(x, 8, range(8)) == kept == [seed, seed + 2, seed + 3]


def test_dependencies_of_a_thousand_features_of_two_hundred_patients_are_named():
    """As many as a LASSO's Radscore may have; a sum of as many columns as there are patients is no finding."""
    g = np.random.default_rng(1)
    x = g.normal(size=(203, 1015))
    x[:, 150] = x[:, 90] + x[:, 89]
    x[:, 180] = 3 * x[:, 20]
    first, second = near_dependencies(x, [f"f{j}" for j in range(x.shape[1])])
    assert first == "'f150' is the sum of 'f89' and 'f90'" and second.startswith("'f180' is 3 × 'f20'")
