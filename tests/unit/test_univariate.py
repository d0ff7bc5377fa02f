"""Univariate screens: the numbers, the stage that describes them, the selection step, and the section of the report."""

from __future__ import annotations

import subprocess

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from prldh.chain.selection.univariate import UnivariateSelector, UnivariateSettings
from prldh.core.errors import DataError, StudyError
from prldh.core.jsonable import clean
from prldh.core.records import Cohort, Covariate, FeatureBlock, TrainingRows
from prldh.engines.python import PythonEngine
from prldh.models.univariate import describe_univariate as describe
from prldh.pages.environment import create_environment
from prldh.plugins.registry import Registry
from prldh.report.view import TESTS
from prldh.run.protocols import resolve_protocols
from prldh.stats.multiplicity import adjust_p
from prldh.study.statistics import Univariate
from prldh.study.study import Study

KEYS = ("auc", "r", "w", "p_wilcoxon", "t", "p_t")


@pytest.fixture
def engine():
    return PythonEngine()


def noisy(n=170, p=40, n_events=39, n_signal=5, seed=0):
    rng = np.random.default_rng(seed)
    outcome = np.zeros(n)
    outcome[rng.choice(n, n_events, replace=False)] = 1
    values = rng.normal(size=(n, p))
    values[:, :n_signal] += 0.9 * outcome[:, None]
    values[:, 1::3] = np.round(values[:, 1::3])  # ties
    values[:, 2::3] *= 1e5
    return values, outcome


# -- the numbers -----------------------------------------------------------------------------------------------


def test_by_hand(engine):
    # non-events 1, 2, 4; events 3, 4, 6: of nine pairs seven and a half go the right way
    found = engine.univariate_screen(np.array([[1.0], [2.0], [4.0], [3.0], [4.0], [6.0]]), np.repeat([0.0, 1.0], 3))
    assert found["auc"][0] == pytest.approx(7.5 / 9, rel=1e-15)
    assert found["w"][0] == 1.5
    # means 7/3 and 13/3, both with a sum of squares of 14/3; pooled variance 7/3, standard error sqrt(14/9)
    assert found["t"][0] == pytest.approx(-2 / np.sqrt(14 / 9), rel=1e-14)
    assert found["r"][0] == pytest.approx(2 / np.sqrt(14 / 9) / np.sqrt(2.5714285714285716 + 4), rel=1e-14)
    # one pair of ties: variance 9/12 (7 - 6 / 30)
    assert found["p_wilcoxon"][0] == pytest.approx(2 * stats.norm.sf((3 - 0.5) / np.sqrt(0.75 * 6.8)), rel=1e-13)


@pytest.mark.filterwarnings("ignore:Precision loss")
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(4, 40), st.sampled_from([0, 1, 8]))
def test_they_are_those_of_scipy(seed, n, decimals):
    rng = np.random.default_rng(seed)
    outcome = (np.arange(n) < rng.integers(2, n - 1)).astype(float)
    x = np.round(rng.normal(size=(n, 3)), decimals) + 10
    found = PythonEngine().univariate_screen(x, outcome)
    for j in range(3):
        a, b = x[outcome == 0, j], x[outcome == 1, j]
        if np.ptp(x[:, j]) == 0:
            assert all(np.isnan(found[key][j]) for key in KEYS)
            continue
        rank = stats.mannwhitneyu(a, b, method="asymptotic")
        np.testing.assert_allclose(
            [found["w"][j], found["p_wilcoxon"][j]], [rank.statistic, rank.pvalue], rtol=1e-9, atol=1e-14
        )
        np.testing.assert_allclose(found["r"][j], stats.pearsonr(x[:, j], outcome).statistic, rtol=1e-8, atol=1e-12)
        if a.std() > 1e-9 or b.std() > 1e-9:
            np.testing.assert_allclose([found["t"][j], found["p_t"][j]], stats.ttest_ind(a, b), rtol=1e-8, atol=1e-12)


def test_auc_and_tests_agree_with_the_engine_s_other_functions(engine):
    values, outcome = noisy()
    found = engine.univariate_screen(values, outcome)
    for j in range(0, 40, 7):
        assert found["auc"][j] == pytest.approx(engine.auc(outcome, values[:, j])["estimate"], rel=1e-13)
        t = engine.continuous_test(values[outcome == 0, j], values[outcome == 1, j], "t")
        assert (found["t"][j], found["p_t"][j]) == pytest.approx((t["statistic"], t["p"]), rel=1e-10)


@pytest.mark.parametrize("which", ["python", pytest.param("r", marks=pytest.mark.r)])
def test_what_is_not_defined_is_nan(which):
    if which == "r":
        from prldh.engines.r import REngine as Engine
    else:
        Engine = PythonEngine
    engine = Engine()
    outcome = np.array([0.0, 0.0, 1.0, 1.0])
    values = np.array(
        [
            [1.0, 2.0, 1.0, np.nan, 1e300],
            [1.0, 2.0, 1.0, 1.0, 2.0],
            [1.0, 5.0, 2.0, 2.0, 3.0],
            [1.0, 5.0, 3.0, 3.0, np.inf],
        ]
    )
    found = engine.univariate_screen(values, outcome)
    assert tuple(found) == KEYS
    for key in KEYS:
        assert np.isnan(found[key][[0, 3, 4]]).all(), key
        assert np.isfinite(found[key][2]), key
    # the classes are constants apart: r is 1 and t has no spread to be measured by, as t.test says
    assert (found["auc"][1], found["r"][1]) == (1.0, 1.0)
    assert np.isnan(found["t"][1]) and np.isnan(found["p_t"][1]) and np.isfinite(found["p_wilcoxon"][1])
    one_class = engine.univariate_screen(values[:, 1:3], np.zeros(4))
    assert all(np.isnan(one_class[key]).all() and one_class[key].shape == (2,) for key in KEYS)
    two = engine.univariate_screen(np.array([[1.0], [2.0]]), np.array([0.0, 1.0]))
    assert two["auc"][0] == 1.0 and np.isnan(two["t"][0])
    nothing = engine.univariate_screen(np.empty((4, 0)), outcome)
    assert all(nothing[key].shape == (0,) for key in KEYS)


def test_bad_input_is_refused(engine):
    with pytest.raises(DataError, match=r"\(n, p\)"):
        engine.univariate_screen(np.ones((3, 2)), [0, 1])
    with pytest.raises(DataError, match="0 or 1"):
        engine.univariate_screen(np.ones((2, 2)), [1, 2])


R_SCREEN = """
data <- as.matrix(read.csv(commandArgs(TRUE)[1], header = FALSE)); y <- data[, 1]
for (j in 2:ncol(data)) {
  a <- data[y == 0, j]; b <- data[y == 1, j]
  w <- wilcox.test(a, b, exact = FALSE); t <- t.test(a, b, var.equal = TRUE)
  cat(sprintf("%.17g", c(w$statistic, w$p.value, t$statistic, t$p.value, cor(data[, j], y))), sep = ","); cat("\\n")
}
"""


@pytest.mark.r
def test_they_are_those_of_wilcox_test_and_t_test(tmp_path, engine):
    from prldh.engines.r import REngine

    values, outcome = noisy()
    np.savetxt(tmp_path / "data.csv", np.column_stack([outcome, values]), delimiter=",", fmt="%.17g")
    done = subprocess.run(
        ["Rscript", "-e", R_SCREEN, tmp_path / "data.csv"], capture_output=True, text=True, timeout=900, check=True
    )
    golden = np.array([[float(x) for x in line.split(",")] for line in done.stdout.split()])
    assert golden.shape == (40, 5)
    for each in (engine, REngine()):
        found = each.univariate_screen(values, outcome)
        for key, column in zip(("w", "p_wilcoxon", "t", "p_t", "r"), golden.T, strict=True):
            np.testing.assert_allclose(found[key], column, rtol=1e-9, err_msg=f"{each.name} {key}")


# -- the stage -------------------------------------------------------------------------------------------------


def describe_univariate(*given):
    """The screen as results hold it, the table of features, and warnings."""
    screen, table, warnings = describe(*given)
    return clean(screen), table, warnings


def small_study(n=80):
    rng = np.random.default_rng(4)
    outcome = (rng.random(n) < 0.4).astype(np.int8)
    age = rng.normal(55, 9, n) + 4 * outcome
    age[:6] = np.nan
    grade = pd.Categorical.from_codes(np.where(rng.random(n) < 0.5, 1, 0), ["low", "high", "top"])
    grade = pd.Categorical.from_codes(np.where(np.arange(n) < 0, 2, grade.codes), ["low", "high", "top"])
    rare = np.where((outcome == 1) & (np.cumsum(outcome) <= 4), 1, 0)  # only events have it: separated
    table = pd.DataFrame(
        {
            "age": age,
            "grade": grade,
            "rare": pd.Categorical.from_codes(rare, ["no", "yes"]),
            "only": pd.Categorical(["a"] * n),
        }
    )
    covariates = (
        Covariate("age", "continuous"),
        Covariate("grade", "categorical", ("low", "high", "top")),
        Covariate("rare", "categorical", ("no", "yes")),
        Covariate("only", "categorical", ("a",)),
    )
    scores = {"disc": rng.normal(size=n) + outcome, "muscle": rng.normal(size=n)}
    cohort = Cohort(
        tuple(map(str, range(n))),
        outcome,
        table,
        pd.DataFrame({"muscle": scores["muscle"]}),
        covariates,
        (),
        "recurrence",
        "yes",
        "no",
    )
    values = rng.normal(size=(n, 30))
    values[:, :4] += 1.2 * outcome[:, None]
    values[:, 9] = 3.0
    names = tuple(f"f{j}" for j in range(30))
    blocks = {
        "disc": (
            FeatureBlock("a", names[:20], values[:, :20], None),
            FeatureBlock("b", names[20:], values[:, 20:], values[:, 20:] + 1),
        )
    }
    return cohort, blocks, scores, values


def test_features_of_a_tissue_are_adjusted_together(engine):
    cohort, blocks, scores, values = small_study()
    entry, table, _ = describe_univariate(cohort, blocks, scores, Univariate(shown=5), engine, 0.95, "firth")
    raw = engine.univariate_screen(values, cohort.outcome)
    order = np.argsort(raw["p_wilcoxon"], kind="stable")  # NaN last
    assert table["feature"].tolist() == [f"f{j}" for j in order]
    np.testing.assert_allclose(table["p"], raw["p_wilcoxon"][order])
    np.testing.assert_allclose(table["statistic"], raw["w"][order])
    for method in ("holm", "bh"):
        np.testing.assert_allclose(table[f"p_{method}"], adjust_p(raw["p_wilcoxon"], method)[order])
    found = entry["features"]["disc"]
    assert (found["n"], found["n_tested"], len(found["smallest"])) == (30, 29, 5)
    assert found["n_below"] == {key: int((table[key] < 0.05).sum()) for key in ("p", "p_holm", "p_bh")}
    assert found["n_below"]["p_holm"] >= 2
    assert found["smallest"][0]["feature"] in {"f0", "f1", "f2", "f3"}
    assert set(entry["features"]) == {"disc"}  # muscle is a column of the clinical table


def test_the_test_and_the_columns_are_those_asked_for(engine):
    cohort, blocks, scores, values = small_study()
    entry, table, _ = describe_univariate(
        cohort, blocks, scores, Univariate(test="t", adjust_p="holm"), engine, 0.95, "firth"
    )
    assert "p_holm" in table and "p_bh" not in table
    assert set(entry["features"]["disc"]["n_below"]) == {"p", "p_holm"}
    raw = engine.univariate_screen(values, cohort.outcome)
    assert table.set_index("feature")["statistic"]["f7"] == raw["t"][7]
    assert not any("p_bh" in row for row in entry["terms"])
    assert all(
        "p_holm" not in row
        for row in describe_univariate(cohort, blocks, scores, Univariate(adjust_p="none"), engine, 0.95, "firth")[0][
            "terms"
        ]
    )


def test_univariable_models_are_those_of_the_engine(engine):
    cohort, blocks, scores, _ = small_study()
    entry, _, warnings = describe_univariate(cohort, blocks, scores, Univariate(), engine, 0.9, "firth")
    rows = {row["term"]: row for row in entry["terms"]}
    assert list(rows) == ["age", "gradehigh", "rareyes", "only", "disc", "muscle"]
    known = np.isfinite(cohort.coded["age"])
    design, y = np.column_stack([np.ones(known.sum()), cohort.coded["age"][known]]), cohort.outcome[known].astype(float)
    fit, limits = engine.fit_logistic(design, y), engine.profile_limits(design, y, 0.9)
    assert (rows["age"]["n"], rows["age"]["events"], rows["age"]["fit"]) == (74, int(y.sum()), "maximum likelihood")
    assert rows["age"]["or"] == pytest.approx(np.exp(fit["coefficients"][1]), rel=1e-12)
    assert (rows["age"]["low"], rows["age"]["high"]) == pytest.approx(tuple(np.exp(limits[1])), rel=1e-12)
    assert rows["age"]["p"] == pytest.approx(fit["p_values"][1], rel=1e-12)
    # separated: Firth, and finite
    assert (
        rows["rareyes"]["fit"] == "firth"
        and 1 < rows["rareyes"]["low"] < rows["rareyes"]["or"] < rows["rareyes"]["high"]
    )
    # one level: told, and without numbers
    assert rows["only"]["p"] is None and rows["only"]["fit"] == "none"
    assert [w.message for w in warnings] == [
        "'only' has no univariable model: it or the outcome does not vary among the 80 patients who have it."
    ]
    # a Radscore that these patients made does not count among the tests
    assert rows["disc"]["is_fitted"] and "p_bh" not in rows["disc"]
    assert not rows["muscle"]["is_fitted"]
    p = [rows[term]["p"] for term in ("age", "gradehigh", "rareyes", "muscle")]
    np.testing.assert_allclose(
        [rows[term]["p_holm"] for term in ("age", "gradehigh", "rareyes", "muscle")], adjust_p(np.array(p), "holm")
    )
    assert rows["only"]["p_holm"] is None


def test_separation_error_stops_no_description(engine):
    cohort, blocks, scores, _ = small_study()
    for how in ("warn", "error"):
        rows = {
            r["term"]: r
            for r in describe_univariate(cohort, blocks, scores, Univariate(), engine, 0.95, how)[0]["terms"]
        }
        assert rows["rareyes"]["or"] is None and rows["rareyes"]["low"] > 1 and rows["rareyes"]["high"] is None


@pytest.mark.r
def test_the_engines_describe_alike(engine):
    from prldh.engines.r import REngine

    cohort, blocks, scores, _ = small_study()
    one, table, _ = describe_univariate(cohort, blocks, scores, Univariate(), engine, 0.95, "firth")
    other, second, _ = describe_univariate(cohort, blocks, scores, Univariate(), REngine(), 0.95, "firth")
    pd.testing.assert_frame_equal(table, second, rtol=1e-10)
    for a, b in zip(one["terms"], other["terms"], strict=True):
        assert a.keys() == b.keys()
        assert [a[k] for k in a] == [pytest.approx(b[k], rel=1e-7) if isinstance(b[k], float) else b[k] for k in a]


# -- the study file and the report -----------------------------------------------------------------------------

CLINICAL = {"table": "t.csv", "id": "id", "outcome": "y", "event": 1}


def test_settings_of_the_study_file():
    assert Study.model_validate({"clinical": CLINICAL}).univariate == Univariate(
        test="wilcoxon", adjust_p="both", shown=20
    )
    assert Study.model_validate({"clinical": CLINICAL, "univariate": False}).univariate is None
    with pytest.raises(ValidationError, match="did you mean 'adjust_p'"):
        Study.model_validate({"clinical": CLINICAL, "univariate": {"adjust": "bh"}})


def test_the_section_shows_terms_and_features(engine):
    cohort, blocks, scores, _ = small_study()
    entry, _, _ = describe_univariate(cohort, blocks, scores, Univariate(), engine, 0.95, "firth")
    template = create_environment().get_template("sections/univariate.html.j2")
    html = template.render(data={"cohort": {}, "univariate": entry}, view={"tests": TESTS, "ci": "95% CI"})
    assert "rare: yes †" in html and "disc *" in html and "p (Holm)" in html and "p (Benjamini–Hochberg)" in html
    assert (
        "29 of 30 features were tested with the Wilcoxon rank-sum test" in html
        and "1.5 would be expected" in html.replace("</span>", "").replace('<span title="1.4500000000000002">', "")
    )
    assert html.count("<tr>") == 2 + 6 + 20
    assert "descriptive" in html


# -- the selection step ----------------------------------------------------------------------------------------


def training(values, outcome):
    return TrainingRows(
        values, None, outcome.astype(np.int8), np.arange(len(outcome)), tuple(f"f{j}" for j in range(values.shape[1]))
    )


@pytest.mark.parametrize("test", ["t", "wilcoxon"])
@pytest.mark.parametrize("adjust", ["none", "holm", "bh"])
def test_the_step_keeps_what_its_adjusted_p_allows(engine, test, adjust):
    values, outcome = noisy()
    values[:, 30] = 7.0
    settings_ = UnivariateSettings(test=test, adjust_p=adjust, threshold=0.1)
    selection = UnivariateSelector().fit(training(values, outcome), settings_, np.random.SeedSequence(1), engine)
    raw = engine.univariate_screen(values, outcome)[f"p_{test}"]
    judged = raw if adjust == "none" else adjust_p(raw, adjust)
    assert selection.kept.tolist() == np.flatnonzero(judged <= 0.1).tolist()
    assert {*selection.kept.tolist()} | {int(name[1:]) for name in selection.dropped} == set(range(40))
    assert "not defined" in selection.dropped["f30"]
    assert selection.details["n_tested"] == 39
    dropped = next(name for name in selection.dropped if name != "f30")
    assert selection.dropped[dropped].endswith("> 0.1") and ("adjusted" in selection.dropped[dropped]) == (
        adjust != "none"
    )
    assert float(selection.dropped[dropped].split()[-3]) == pytest.approx(judged[int(dropped[1:])], rel=0.05)


def test_a_p_just_above_the_threshold_is_shown_above_it():
    class Planted:
        def univariate_screen(self, values, outcome):
            return {"p_t": np.array([0.05, 0.0500012, 0.2])}

    rows = training(np.zeros((4, 3)), np.array([0, 1, 0, 1]))
    found = UnivariateSelector().fit(
        rows, UnivariateSettings(test="t", adjust_p="none"), np.random.SeedSequence(1), Planted()
    )
    assert found.kept.tolist() == [0]
    assert found.dropped == {"f1": "p (t test) 0.050001 > 0.05", "f2": "p (t test) 0.2 > 0.05"}


def test_holm_lets_noise_through_in_about_one_study_of_twenty(engine):
    rng = np.random.default_rng(11)
    outcome = np.repeat([0.0, 1.0], [60, 30])
    hits = 0
    for _ in range(400):
        rows = training(rng.normal(size=(90, 25)), outcome)
        hits += (
            UnivariateSelector()
            .fit(rows, UnivariateSettings(adjust_p="holm"), np.random.SeedSequence(1), engine)
            .kept.size
            > 0
        )
    assert stats.binomtest(hits, 400, 0.05).pvalue > 0.001


def test_the_step_is_chosen_by_name():
    plugins = Registry(load_entry_points=False)
    study = Study.model_validate(
        {"clinical": CLINICAL, "selection": [{"univariate": {"test": "t", "threshold": 0.01}}]}
    )
    (step,) = resolve_protocols(study, plugins)[0].steps
    assert (step.selector.name, step.settings.test, step.settings.adjust_p, step.settings.threshold) == (
        "univariate",
        "t",
        "bh",
        0.01,
    )
    with pytest.raises(StudyError, match="adjust_p"):
        resolve_protocols(
            Study.model_validate({"clinical": CLINICAL, "selection": [{"univariate": {"adjust": "bh"}}]}), plugins
        )
