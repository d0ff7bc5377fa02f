"""Interaction of two tissues: product terms, RERI, AP and S by three ways, ROC curves within strata; published, by
hand, and at the edges."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from prldh.core.errors import DataError
from prldh.core.jsonable import clean
from prldh.core.records import Cohort, Covariate
from prldh.engines.python import PythonEngine
from prldh.models.interaction.describe import describe_interaction, draw_interaction_rows
from prldh.pages.environment import create_environment
from prldh.report.tabs import KINDS
from prldh.stats.additive_interaction import additive_interaction, additive_interaction_resampled
from prldh.stats.independent_roc import compare_independent_auc
from prldh.stats.roc import auc, compare_estimates
from prldh.stats.standardization import standardized_risk_ratios, standardized_risks

MEASURES = ("reri", "ap", "s")
#: Rothman & Keller (1972), cancer of the mouth: alcohol and smoking, alcohol alone, smoking alone, neither.
CASES, CONTROLS = np.array([225, 6, 8, 3]), np.array([166, 12, 18, 20])


def make_cohort(outcome, covariates=None):
    """A cohort of these patients; covariates are columns of a data frame, text as factors."""
    table = covariates if covariates is not None else pd.DataFrame(index=range(len(outcome)))
    table = table.apply(lambda column: column.astype(float) if column.dtype.kind in "fi" else column.astype("category"))
    known = tuple(
        (
            Covariate(name, "continuous")
            if column.dtype.kind == "f"
            else Covariate(name, "categorical", tuple(column.cat.categories))
        )
        for name, column in table.items()
    )
    outcome = np.asarray(outcome, dtype=np.int8)
    ids = tuple(f"P{i}" for i in range(outcome.size))
    return Cohort(ids, outcome, table, pd.DataFrame(index=range(outcome.size)), known, (), "event", "1", "0")


def grouped(cases, controls):
    """Outcome and two 0/1 scores of groups high/high, high/low, low/high, low/low."""
    high = np.repeat([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.array(cases) + np.array(controls), axis=0)
    y = np.concatenate([np.repeat([1, 0], pair) for pair in zip(cases, controls, strict=True)])
    return y, {"first": high[:, 0], "second": high[:, 1]}


CUTOFFS = {"first": 0.5, "second": 0.5}


def describe(y, scores, covariates=None, n_resamples=0, engine=None, cutoffs=CUTOFFS, **changes):
    cohort = make_cohort(y, covariates)
    adjust = () if covariates is None else tuple(covariates)
    draw = (lambda n: draw_interaction_rows(1, n, n_resamples)) if n_resamples else None
    entry, warnings = describe_interaction(
        (), adjust, cohort, scores, cutoffs, engine or PythonEngine(), 0.95, draw=draw, **changes
    )
    written = clean(entry)
    json.dumps(written, allow_nan=False)
    return written, [w.message for w in warnings]


@pytest.fixture(scope="module")
def study():
    """160 patients, two scores, a covariate and a factor, both effects and their product."""
    rng = np.random.default_rng(0)
    n = 160
    scores = {"first": rng.normal(size=n), "second": rng.normal(size=n)}
    age = rng.normal(size=n)
    a, b = (scores[name] > 0 for name in scores)
    p = 1 / (1 + np.exp(-(-0.7 + 0.3 * scores["first"] + 0.3 * scores["second"] + 0.8 * a * b + 0.4 * age)))
    y = (rng.random(n) < p).astype(np.int8)
    covariates = pd.DataFrame({"age": age, "site": np.array(["a", "b", "c"])[rng.integers(0, 3, n)]})
    return y, scores, covariates


ZERO = {"first": 0.0, "second": 0.0}


# -- Rothman and Keller ----------------------------------------------------------------------------------------


def test_alcohol_and_smoking_as_printed():
    """RERI 3.74 (-1.84 to 9.32), AP 0.41 (-0.07 to 0.90), S 1.87 (0.65 to 5.42): Hosmer & Lemeshow (1992); odds ratios
    9.04, 3.33, 2.96."""
    logs, variance = np.log(CASES / CONTROLS), 1 / CASES + 1 / CONTROLS
    assert np.exp(logs[:3] - logs[3]).round(2).tolist() == [9.04, 3.33, 2.96]
    found = additive_interaction(logs[:3] - logs[3], np.diag(variance[:3]) + variance[3])
    printed = {"reri": (3.74, -1.84, 9.32), "ap": (0.41, -0.07, 0.90), "s": (1.87, 0.65, 5.42)}
    assert {key: tuple(round(value, 2) for value in found[key].values()) for key in MEASURES} == printed


def test_the_stage_says_the_same_of_these_patients():
    entry, _ = describe(*grouped(CASES, CONTROLS))
    found = entry["additive"]["unadjusted"]
    assert entry["additive"]["reference"] == "low first, low second"
    printed = {"reri": (3.74, -1.84, 9.32), "ap": (0.41, -0.07, 0.90), "s": (1.87, 0.65, 5.42)}
    assert {key: tuple(round(found[key][k], 2) for k in ("estimate", "low", "high")) for key in MEASURES} == printed
    assert "boot_low" not in found["reri"]


# -- the product term ------------------------------------------------------------------------------------------


def test_product_of_groups_is_the_ratio_of_odds_ratios():
    entry, _ = describe(*grouped([12, 9, 7, 4], [6, 11, 10, 21]))
    term = entry["product"]["unadjusted"]["groups"]
    ratio = (12 / 6) * (4 / 21) / ((9 / 11) * (7 / 10))
    assert term["term"] == "high first × high second" and term["fit"] == "maximum likelihood"
    assert term["or"] == pytest.approx(ratio, rel=1e-6) and term["b"] == pytest.approx(np.log(ratio), rel=1e-6)
    assert term["se"] == pytest.approx(np.sqrt(sum(1 / x for x in (12, 9, 7, 4, 6, 11, 10, 21))), rel=1e-4)
    assert term["low"] < ratio < term["high"]
    test = term["likelihood_ratio"]
    assert test["df"] == 1 and 0 < test["p"] < 1
    at_one = term["low"] <= 1 <= term["high"]
    assert at_one == (test["p"] >= 0.05)  # the profile interval and the likelihood-ratio test are one


def test_product_of_scores_is_per_standard_deviation(study):
    y, scores, covariates = study
    entry, _ = describe(y, scores, covariates, cutoffs=ZERO)
    wide = {name: 3 + 100 * value for name, value in scores.items()}
    again, _ = describe(y, wide, covariates, cutoffs={"first": 3.0, "second": 3.0})
    z = [(s - s.mean()) / s.std(ddof=1) for s in scores.values()]
    fit = PythonEngine().fit_logistic(np.column_stack([np.ones(y.size), *z, z[0] * z[1]]), y.astype(float))
    for kind in ("unadjusted", "adjusted"):
        for key in ("b", "low", "high"):
            assert again["product"][kind]["scores"][key] == pytest.approx(
                entry["product"][kind]["scores"][key], rel=1e-6
            )
    assert entry["product"]["unadjusted"]["scores"]["b"] == pytest.approx(fit["coefficients"][3], rel=1e-9)
    assert entry["product"]["unadjusted"]["scores"]["term"] == "first × second"


def test_groups_and_product_are_one_model(study):
    """The four groups are the two indicators and their product: the product is a contrast of the groups' log odds
    ratios."""
    y, scores, covariates = study
    entry, _ = describe(y, scores, covariates, cutoffs=ZERO)
    for kind in ("unadjusted", "adjusted"):
        _, high_low, low_high, low_low = (row["b"] for row in entry[kind])
        assert entry["product"][kind]["groups"]["b"] == pytest.approx(low_low - high_low - low_high, rel=1e-6)


def test_separated_products_are_firth_s():
    y, scores = grouped([10, 6, 5, 0], [5, 9, 8, 12])
    entry, told = describe(y, scores)
    term = entry["product"]["unadjusted"]["groups"]
    cells = np.array([10, 5, 6, 9, 5, 8, 0, 12]) + 0.5
    expected = (
        np.log(cells[0] / cells[1])
        - np.log(cells[2] / cells[3])
        - np.log(cells[4] / cells[5])
        + np.log(cells[6] / cells[7])
    )
    assert term["fit"] == "firth" and term["b"] == pytest.approx(expected, rel=1e-8)
    assert term["likelihood_ratio"]["p"] == pytest.approx(term["p"], rel=1e-6)
    assert any("Firth's penalised likelihood" in message for message in told)
    entry, told = describe(y, scores, on_separation="warn")
    term = entry["product"]["unadjusted"]["groups"]
    assert (term["b"], term["or"]) == (None, None) and (term["low"] is None) != (term["high"] is None)
    assert entry["additive"]["unadjusted"]["reri"]["estimate"] is None
    assert any("product term of the groups has no estimate" in message for message in told)


def test_separated_products_are_null_where_separation_stops_the_study():
    """The product of the Radscores tells the outcomes apart, but each of the four groups has both."""
    rng = np.random.default_rng(3)
    z = rng.normal(size=(2, 400))
    scores = dict(
        zip(
            ("first", "second"), (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, ddof=1, keepdims=True), strict=True
        )
    )
    y = (scores["first"] * scores["second"] > 0.6).astype(int)
    entry, told = describe(y, scores, cutoffs={"first": 0.7, "second": 0.7}, on_separation="error")
    assert entry["fit"]["unadjusted"] == "maximum likelihood"
    assert (
        entry["product"]["unadjusted"]["groups"]["b"] is not None
        and entry["product"]["unadjusted"]["scores"]["b"] is None
    )
    assert any("product term of the scores has no estimate" in message for message in told)
    with pytest.raises(DataError, match="interaction, unadjusted: the outcome is separated"):
        describe(*grouped([10, 6, 5, 0], [5, 9, 8, 12]), on_separation="error")


# -- the additive scale ----------------------------------------------------------------------------------------


def test_unadjusted_risk_ratios_are_the_crude_ones():
    cases, controls = [12, 9, 7, 4], [6, 11, 10, 21]
    entry, _ = describe(*grouped(cases, controls))
    r11, r10, r01 = (cases[k] / (cases[k] + controls[k]) / (4 / 25) for k in range(3))
    found = entry["additive"]["unadjusted_risk_ratio"]
    assert found["reri"]["estimate"] == pytest.approx(r11 - r10 - r01 + 1)
    assert found["s"]["estimate"] == pytest.approx((r11 - 1) / (r10 + r01 - 2))


def test_adjusted_risk_ratios_without_effect_of_the_covariate_are_the_crude_ones():
    """Every patient twice, once with each value of the covariate: adjusting changes no risk of a group."""
    y, scores = grouped([12, 9, 7, 4], [6, 11, 10, 21])
    twice = {name: np.tile(value, 2) for name, value in scores.items()}
    entry, _ = describe(np.tile(y, 2), twice, pd.DataFrame({"nothing": np.repeat([0.0, 1.0], y.size)}))
    crude, adjusted = (entry["additive"][key] for key in ("unadjusted_risk_ratio", "adjusted_risk_ratio"))
    for key in MEASURES:
        assert [adjusted[key][k] for k in ("estimate", "low", "high")] == pytest.approx(
            [crude[key][k] for k in ("estimate", "low", "high")], rel=1e-4
        )


def test_standardised_risks_are_means_of_predictions(study):
    y, scores, covariates = study
    codes = 2 * (scores["first"] <= 0) + (scores["second"] <= 0)
    design = np.column_stack([np.ones(y.size), *(codes == k for k in (1, 2, 3)), covariates["age"]]).astype(float)
    fit = PythonEngine().fit_logistic(design, y.astype(float))
    means = []
    for k in range(4):
        everyone = np.tile(np.eye(4)[k][1:], (y.size, 1))
        there = np.column_stack([np.ones(y.size), everyone, covariates["age"]])
        means.append((1 / (1 + np.exp(-there @ fit["coefficients"]))).mean())
    found = standardized_risks(design, fit["coefficients"], [1, 2, 3], np.arange(y.size), [y.size])["risks"][0]
    np.testing.assert_allclose(found, means, rtol=1e-12)
    ratios = standardized_risk_ratios(design, fit["coefficients"], fit["covariance"], [1, 2, 3])
    np.testing.assert_allclose(ratios["logs"], np.log(found[:3] / found[3]), rtol=1e-12)
    step = 1e-6
    slopes = (
        np.array(
            [
                standardized_risk_ratios(
                    design, fit["coefficients"] + step * np.eye(5)[j], fit["covariance"], [1, 2, 3]
                )["logs"]
                - ratios["logs"]
                for j in range(5)
            ]
        ).T
        / step
    )
    np.testing.assert_allclose(ratios["covariance"], slopes @ fit["covariance"] @ slopes.T, rtol=1e-4)


def test_delta_variance_of_a_saturated_model_is_that_of_crude_risks():
    cases, controls = np.array([12, 9, 7, 4]), np.array([6, 11, 10, 21])
    y, scores = grouped(cases, controls)
    codes = (2 * (1 - scores["first"]) + (1 - scores["second"])).astype(int)
    design = np.column_stack([np.ones(y.size), *(codes == k for k in (1, 2, 3))]).astype(float)
    fit = PythonEngine().fit_logistic(design, y.astype(float))
    variance = 1 / cases - 1 / (cases + controls)
    found = standardized_risk_ratios(design, fit["coefficients"], fit["covariance"], [1, 2, 3])["covariance"]
    np.testing.assert_allclose(found, np.diag(variance[:3]) + variance[3], rtol=1e-4)


def test_bootstrap_limits_by_hand(study):
    """Resamples refitted one by one from the definition."""
    y, scores, covariates = study
    entry, _ = describe(y, scores, covariates[["age"]], n_resamples=60, cutoffs=ZERO)
    codes = 2 * (scores["first"] <= 0) + (scores["second"] <= 0)
    design = np.column_stack([np.ones(y.size), *(codes == k for k in (1, 2, 3)), covariates["age"]]).astype(float)
    odds, risks, crude = [], [], []
    for drawn in draw_interaction_rows(1, y.size, 60):
        b = PythonEngine().fit_logistic(design[drawn], y[drawn].astype(float))["coefficients"]
        odds.append(np.exp(np.array([0.0, b[1], b[2]]) - b[3]))
        p = [(1 / (1 + np.exp(-(b[0] + shift + b[4] * design[drawn, 4])))).mean() for shift in (0.0, *b[1:4])]
        risks.append(np.array(p[:3]) / p[3])
        share = np.array([y[drawn][codes[drawn] == k].mean() for k in range(4)])
        crude.append(share[:3] / share[3])
    for kind, ratios in (("adjusted", odds), ("adjusted_risk_ratio", risks), ("unadjusted_risk_ratio", crude)):
        r11, r10, r01 = np.array(ratios).T
        reri = r11 - r10 - r01 + 1
        for key, values in (("reri", reri), ("ap", reri / r11)):
            found = entry["additive"][kind][key]
            assert [found["boot_low"], found["boot_high"]] == pytest.approx(
                np.quantile(values, [0.025, 0.975]).tolist(), rel=1e-6
            )
            assert (found["n_resamples"], found["n_defined"]) == (60, 60)


def test_percentiles_are_of_the_resamples_that_have_the_measure():
    logs = np.log([[9.0, 3.0, 2.0], [4.0, 2.0, 2.5], [2.0, 1.0, 1.5], [2.0, 0.5, 1.2]])
    logs = np.vstack([logs, [[np.nan, 0.0, 0.0], [1.0, -20.0, 0.0]]])
    found = additive_interaction_resampled(logs, 0.5)
    reri = [5.0, 0.5, 0.5, 1.3, np.e]
    assert found["reri"]["n_defined"] == 5 and found["reri"]["high"] == pytest.approx(np.quantile(reri, 0.75))
    assert found["s"]["n_defined"] == 3  # the sum of the single effects must lie above neither's


def test_resamples_without_events_in_the_reference_keep_their_place():
    """Ratios of about 1e8, as iterations leave them: RERI is infinite with the sign of o11 - o10 - o01, AP and S are
    those of the odds."""
    odds = np.array([[4.0, 1.0, 1.0], [4.0, 3.0, 2.0], [4.0, 1.0, 2.0], [4.0, 3.0, 3.0]])
    logs = np.log(odds) + np.array([[19.0], [20.0], [18.0], [19.0]])
    found = additive_interaction_resampled(logs, 0.9)
    assert (found["reri"]["low"], found["reri"]["high"], found["reri"]["n_defined"]) == (-np.inf, np.inf, 4)
    assert [found["ap"]["low"], found["ap"]["high"]] == pytest.approx(
        np.quantile([0.5, -0.25, 0.25, -0.5], [0.05, 0.95]).tolist(), abs=1e-6
    )
    assert [found["s"]["low"], found["s"]["high"]] == pytest.approx(
        np.quantile([2.0, 0.8, 4 / 3, 2 / 3], [0.05, 0.95]).tolist(), abs=1e-6
    )
    finite = np.log(np.tile([[9.0, 3.0, 2.0]], (99, 1)))
    assert additive_interaction_resampled(np.vstack([finite, logs[:1]]))["reri"]["high"] == pytest.approx(5.0)


def test_infinite_ratios_that_cancel_leave_no_reri():
    """4 = 3 + 1 in units of 1e8: the engines' iterations end a little apart, and what is left of the difference is
    rounding."""
    finite = np.log([[9.0, 3.0, 2.0], [4.0, 2.0, 2.5]])
    for off in (-1e-9, 0.0, 1e-9):
        logs = np.vstack([finite, [np.log([4.0, 3.0, 1.0]) + 19 + np.array([off, 0, 0])]])
        found = additive_interaction_resampled(logs, 0.9)
        assert found["reri"] == additive_interaction_resampled(finite, 0.9)["reri"]
        assert found["ap"]["n_defined"] == 3 and found["s"]["n_defined"] == 3


def test_resamples_without_a_group_are_counted_and_told():
    y, scores = grouped([6, 4, 1, 2], [3, 4, 1, 8])
    entry, told = describe(y, scores, n_resamples=200)
    found = entry["additive"]["unadjusted"]["reri"]
    assert 0 < found["n_defined"] < 190 and found["n_resamples"] == 200
    assert any(f"RERI (unadjusted) in {found['n_defined']} of 200" in message for message in told)
    assert (found["boot_low"], found["boot_high"]) == (None, None)  # in many others low/high has one outcome only
    assert any("a percentile limit is infinite" in message and "RERI (unadjusted)" in message for message in told)


def test_the_same_rows_whatever_the_engine_and_never_others():
    rows = draw_interaction_rows(7, 30, 5)
    np.testing.assert_array_equal(rows, draw_interaction_rows(7, 30, 5))
    assert rows.shape == (5, 30) and rows.min() >= 0 and rows.max() < 30
    assert not np.array_equal(rows, draw_interaction_rows(8, 30, 5))


@pytest.mark.r
def test_engines_agree_on_everything(study):
    """Deterministic numbers, and with the same rows resampled ones too."""
    from prldh.engines.r import REngine
    from prldh.results.agreement import compare_engines

    y, scores, covariates = study
    y = np.where(covariates["site"] == "b", 0, y).astype(np.int8)  # adjusted models are Firth's
    r, python = (
        describe(y, scores, covariates, n_resamples=40, engine=e, cutoffs=ZERO)[0] for e in (REngine(), PythonEngine())
    )
    assert r["fit"] == {"unadjusted": "maximum likelihood", "adjusted": "firth"}
    rows = compare_engines({"interaction": r}, {"interaction": python})
    names = " ".join(row.quantity for row in rows)
    for part in (
        "product.adjusted.scores.b",
        "additive.adjusted.reri.boot_low",
        "adjusted_risk_ratio.s.high",
        "likelihood_ratio.p",
        "strata[high second].auc",
    ):
        assert part in names
    for row in rows:
        assert row.difference is not None, row
        assert abs(row.difference) <= 1e-6 * max(abs(row.r), 1), row


def test_imputations_are_pooled_and_take_turns_in_the_bootstrap(study):
    y, scores, covariates = study
    first = make_cohort(y, covariates)
    second = make_cohort(y, covariates.assign(age=covariates["age"] + np.where(np.arange(y.size) % 5 == 0, 0.5, 0.0)))
    rows = draw_interaction_rows(1, y.size, 31)
    entry, _ = describe_interaction(
        (), ("age", "site"), first, scores, ZERO, PythonEngine(), 0.95, completed=(first, second), draw=lambda n: rows
    )
    entry = clean(entry)
    json.dumps(entry, allow_nan=False)
    alone = [
        describe_interaction((), ("age", "site"), c, scores, ZERO, PythonEngine(), 0.95)[
            0
        ].product.adjusted.scores.coefficient.b
        for c in (first, second)
    ]
    assert entry["product"]["adjusted"]["scores"]["b"] == pytest.approx(np.mean(alone), rel=1e-9)
    assert entry["additive"]["adjusted"]["reri"]["n_resamples"] == 31
    assert entry["additive"]["adjusted"]["reri"]["n_defined"] > 16  # of both imputations
    assert (
        entry["additive"]["adjusted_risk_ratio"]["reri"]["low"]
        < entry["additive"]["adjusted_risk_ratio"]["reri"]["high"]
    )


# -- ROC curves within strata ----------------------------------------------------------------------------------


def test_stratified_roc(study):
    y, scores, _ = study
    entry, _ = describe(y, scores, cutoffs=ZERO)
    first, second = entry["stratified_roc"]
    assert (first["name"], first["stratified_by"], second["name"]) == ("first", "second", "second")
    high, low = first["strata"]
    assert (high["group"], low["group"]) == ("high second", "low second")
    own = scores["second"] > 0
    assert high["n"] == own.sum() and high["n"] + low["n"] == y.size and high["events"] + low["events"] == y.sum()
    areas = [auc(y[part], scores["first"][part]) for part in (own, ~own)]
    assert [high["auc"]["estimate"], low["auc"]["estimate"]] == pytest.approx([a["estimate"] for a in areas])
    z = (areas[0]["estimate"] - areas[1]["estimate"]) / np.sqrt(areas[0]["variance"] + areas[1]["variance"])
    assert first["comparison"]["statistic"] == pytest.approx(z)
    assert {(p["sensitivity"], p["specificity"]) for p in high["roc"]} >= {(0.0, 1.0), (1.0, 0.0)}


def test_perfect_strata_have_no_standard_error():
    y, s = np.array([0, 0, 1, 1]), np.array([1.0, 2, 3, 4])
    assert compare_independent_auc(y, s, y, s) == compare_estimates(0.0, 0.0, 0.95)
    assert np.isnan(compare_independent_auc(y, s, y[:2], s[:2])["p"])


# -- the edges: nulls with a reason, never an exception --------------------------------------------------------


def test_events_in_one_stratum_only():
    y, scores = grouped([9, 0, 0, 0], [4, 8, 7, 10])
    entry, told = describe(y, scores, n_resamples=20)
    low = entry["stratified_roc"][0]["strata"][1]
    assert low["events"] == 0 and low["auc"]["estimate"] is None and low["roc"] == []
    assert entry["stratified_roc"][0]["comparison"]["p"] is None
    assert any("first within low second: there is no ROC curve, as 0 of the 18" in message for message in told)
    assert entry["additive"]["unadjusted_risk_ratio"]["reri"]["estimate"] is None
    assert entry["additive"]["unadjusted_risk_ratio"]["reri"]["n_defined"] == 0
    assert (
        entry["product"]["unadjusted"]["groups"]["fit"] == "firth"
        and entry["product"]["unadjusted"]["groups"]["b"] is not None
    )


@pytest.mark.parametrize("empty", range(4))
def test_an_empty_group(empty):
    cases, controls = np.array([12, 9, 7, 4]), np.array([6, 11, 10, 21])
    cases[empty] = controls[empty] = 0
    y, scores = grouped(cases, controls)
    entry, told = describe(y, scores, pd.DataFrame({"age": np.arange(y.size) * 1.0}), n_resamples=20)
    assert [row["n"] for row in entry["unadjusted"]][empty] == 0
    for kind in ("unadjusted", "adjusted"):
        assert (
            entry["product"][kind]["groups"]["b"] is None
            and entry["product"][kind]["groups"]["likelihood_ratio"]["p"] is None
        )
    for measures in (
        entry["additive"][kind] for kind in ("unadjusted", "adjusted", "unadjusted_risk_ratio", "adjusted_risk_ratio")
    ):
        assert all(measures[key]["estimate"] is None and measures[key]["boot_low"] is None for key in MEASURES)
    assert any("product term of the groups has no estimate: a group has no patients" in message for message in told)
    assert any("additive interaction is not defined" in message for message in told)


@pytest.mark.parametrize("engine", ["python", pytest.param("r", marks=pytest.mark.r)])
@pytest.mark.parametrize("case", ["everyone high", "constant score", "three patients", "perfect"])
def test_degenerate_patients(case, engine):
    rng = np.random.default_rng(2)
    y = (rng.random(24) < 0.5).astype(np.int8)
    scores = {"first": rng.normal(size=24), "second": rng.normal(size=24)}
    cutoffs = dict(ZERO)
    if case == "everyone high":
        cutoffs["first"] = -np.inf
    elif case == "constant score":
        scores["first"] = np.full(24, 0.1)
    elif case == "three patients":
        y, scores = np.array([0, 1, 1], dtype=np.int8), {name: value[:3] for name, value in scores.items()}
    else:
        scores["first"] = y - 0.5
    if engine == "r":
        from prldh.engines.r import REngine as Engine
    else:
        Engine = PythonEngine
    entry, told = describe(
        y, scores, pd.DataFrame({"age": np.arange(y.size) * 1.0}), n_resamples=10, engine=Engine(), cutoffs=cutoffs
    )
    assert len(entry["stratified_roc"]) == 2 and sum(row["n"] for row in entry["unadjusted"]) == y.size
    if case != "perfect":
        assert (
            entry["additive"]["adjusted"]["reri"]["estimate"] is None
            and entry["product"]["adjusted"]["groups"]["b"] is None
        )
    if case == "constant score":
        assert entry["product"]["unadjusted"]["scores"]["b"] is None
        assert any("product term of the scores has no estimate" in message for message in told)


def test_one_tissue_has_no_interaction(study):
    y, scores, _ = study
    cohort = make_cohort(y)
    assert describe_interaction((), (), cohort, {"first": scores["first"]}, ZERO, PythonEngine(), 0.95) == (None, [])


def test_the_report_shows_both_scales_and_both_intervals(study):
    y, scores, covariates = study
    entry, _ = describe(y, scores, covariates, n_resamples=20, cutoffs=ZERO)
    figure = {"is_wide": False, "description": "", "svg": "", "files": "", "title": ""}
    source = '{% import "macros.html.j2" as m with context %}{% include "sections/interaction.html.j2" %}'
    figures = dict.fromkeys(("interaction_unadjusted", "interaction_adjusted"), figure)
    view = {"figures": figures, "seen": dict.fromkeys(figures, ""), "ci": "95% CI", "interaction_tabs": KINDS}
    shown = create_environment().from_string(source).render(data={"cohort": {}, "interaction": clean(entry)}, view=view)
    assert shown.count("high first × high second") == 2 and shown.count(">RERI, ") == 4
    assert "20 of 20" in shown and "high second" in shown and "risk ratios, adjusted" in shown
    alone, _ = describe(y, scores, cutoffs=ZERO)
    del alone["product"], alone["stratified_roc"]  # results of an earlier version
    assert ">RERI, " in create_environment().from_string(source).render(
        data={"cohort": {}, "interaction": clean(alone)}, view={**view, "interaction_tabs": KINDS[:1]}
    )
