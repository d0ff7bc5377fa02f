"""R's numbers at full precision on the aSAH data, glmnet's BinomialExample and Shrout and Fleiss's ratings.

The JSON files in ``data/`` hold the numbers, the versions of R and its packages, and the calls that made them. The
tables themselves may not be copied into the project: they are read from the data folder beside the checkout.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from prldh.engines.python import PythonEngine
from prldh.stats.icc import icc_of_ratings

GOLDEN = Path(__file__).parent / "data"
MARKERS = ("wfns", "s100b", "ndka")
R = json.loads((GOLDEN / "golden_asah_binomial.json").read_text())
MORE = json.loads((GOLDEN / "golden_more.json").read_text())

engine = PythonEngine()


def close(actual, expected, rtol=1e-8, atol=1e-14):
    np.testing.assert_allclose(np.asarray(actual, float), np.asarray(expected, float), rtol=rtol, atol=atol)


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open() as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def asah(shared_data) -> dict[str, np.ndarray]:
    rows = read_table(shared_data / "tables" / "aSAH.csv")
    columns = {name: np.array([float(row[name]) for row in rows]) for name in ("age", *MARKERS)}
    return columns | {"outcome": np.array([float(row["outcome"] == "Poor") for row in rows])}


@pytest.fixture(scope="module")
def binomial_example(shared_data) -> tuple[np.ndarray, np.ndarray]:
    rows = read_table(shared_data / "tables" / "binomial_example.csv")
    table = np.array([[float(value) for value in row.values()] for row in rows])
    return table[:, 0], table[:, 1:]


def design(asah, *names):
    return np.column_stack([np.ones(len(asah["outcome"]))] + [asah[name] for name in names])


# -- ROC -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("marker", MARKERS)
def test_auc_and_delong(asah, marker):
    expected = R["roc"][marker]
    at_95, at_90 = (engine.auc(asah["outcome"], asah[marker], level) for level in (0.95, 0.9))
    close(at_95["estimate"], expected["auc"])
    close(at_95["variance"], expected["var_delong"])
    close([at_95["low"], at_95["estimate"], at_95["high"]], expected["ci_delong_95"])
    close([at_90["low"], at_90["estimate"], at_90["high"]], expected["ci_delong_90"])


@pytest.mark.parametrize("marker", MARKERS)
def test_roc_curve(asah, marker):
    curve, expected = engine.roc_curve(asah["outcome"], asah[marker]), R["roc"][marker]
    thresholds = np.array([float(value) for value in expected["thresholds"]])
    assert np.array_equal(curve["thresholds"], thresholds)
    close(curve["sensitivities"], expected["sensitivities"])
    close(curve["specificities"], expected["specificities"])


@pytest.mark.parametrize("pair", ["wfns_vs_s100b", "wfns_vs_ndka", "s100b_vs_ndka"])
def test_delong_paired(asah, pair):
    a, b = pair.split("_vs_")
    test, expected = engine.compare_auc(asah["outcome"], asah[a], asah[b]), R["roc_test_delong_paired"][pair]
    close(test["statistic"], expected["Z"])
    close(test["p"], expected["p"])
    close([test["low"], test["high"]], expected["diff_ci_95"])
    close(test["difference"], expected["estimate"][0] - expected["estimate"][1])


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize(("focus", "short"), [("specificity", "spec"), ("sensitivity", "sens")])
def test_partial_area(asah, marker, focus, short):
    area, expected = engine.partial_auc(asah["outcome"], asah[marker], focus, 1.0, 0.8), R["pauc_1_0.8"][marker]
    close(area["estimate"], expected[short])
    close(area["corrected"], expected[f"{short}_corrected"])


@pytest.mark.parametrize("marker", MARKERS)
def test_youden(asah, marker):
    best, expected = engine.youden(asah["outcome"], asah[marker]), R["coords"][marker]["youden"]
    for key in best:
        close(best[key], expected[key][0])


# -- logistic regression ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "terms"), [("aSAH_age_s100b_ndka", ("age", "s100b", "ndka")), ("aSAH_wfns", ("wfns",))]
)
def test_glm(asah, name, terms):
    """Standard errors to the last digits too: like glm's, they belong to the step before the last."""
    fit, expected = engine.fit_logistic(design(asah, *terms), asah["outcome"]), R["glm"][name]
    close(fit["coefficients"], expected["coef"])
    close(fit["log_likelihood"], expected["loglik"])
    close(fit["deviance"], expected["deviance"])
    close(fit["null_deviance"], expected["null_deviance"])
    close(fit["standard_errors"], expected["se"])
    close(fit["p_values"], expected["p"])
    assert fit["converged"] == 1.0


@pytest.mark.parametrize(
    ("name", "terms"), [("aSAH_age_s100b_ndka", ("age", "s100b", "ndka")), ("aSAH_wfns", ("wfns",))]
)
def test_profile_limits_near_confint(asah, name, terms):
    """``confint.glm`` interpolates, which is off by up to 5e-4: the limits themselves are checked in tests/property."""
    limits = engine.profile_limits(design(asah, *terms), asah["outcome"])
    close(limits, R["glm"][name]["ci_profile"], rtol=2e-3, atol=5e-4)


# -- calibration and decisions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "groups"), [("aSAH_m1_g10", 10), ("aSAH_m1_g5", 5), ("aSAH_wfns_g10_ties", 10)])
def test_hosmer_lemeshow(asah, name, groups):
    expected = R["hoslem"][name]["value"]
    if "wfns" in name:
        p = fitted(asah, "wfns")
    else:
        p = np.array(R["glm"]["aSAH_age_s100b_ndka"]["fitted"])
    test = engine.hosmer_lemeshow(asah["outcome"], p, groups)
    close(test["statistic"], expected["chisq"])
    assert test["df"] == expected["df"]
    close(test["p"], expected["p"])
    observed, estimated = np.array(expected["observed_y0_y1"]), np.array(expected["expected_y0_y1"])
    close(np.column_stack([test["n"] - test["observed"], test["observed"]]), observed)
    close(np.column_stack([test["n"] - test["expected"], test["expected"]]), estimated)


def fitted(asah, *terms):
    x = design(asah, *terms)
    log_odds = (x * engine.fit_logistic(x, asah["outcome"])["coefficients"]).sum(axis=1)
    return 1.0 / (1.0 + np.exp(-log_odds))


def test_val_prob(asah):
    """rms rounds its printed values; the golden ones have fifteen digits of a fit at its own convergence."""
    expected = MORE["val_prob_asah"]["values"]
    result = engine.calibration(asah["outcome"], np.array(R["glm"]["aSAH_age_s100b_ndka"]["fitted"]))
    for key, name in (("brier", "Brier"), ("ici", "Eavg"), ("e90", "E90"), ("emax", "Emax"), ("slope", "Slope")):
        close(result[key], expected[name])
    for key, name in (("spiegelhalter_z", "S:z"), ("spiegelhalter_p", "S:p")):
        close(result[key], expected[name], rtol=1e-6)
    share = asah["outcome"].mean()
    close(result["scaled_brier"], 1 - expected["Brier"] / (share * (1 - share)))
    assert 0 < result["e50"] < result["e90"]
    close(result["intercept"], expected["Intercept"], atol=1e-8)
    assert result["method"] == "lowess"


def test_decision_curve(asah):
    golden = json.loads((GOLDEN / "golden_rmda_asah.json").read_text())
    model = [row for row in golden["curve"] if row["model"] not in ("All", "None")]
    everyone = [row for row in golden["curve"] if row["model"] == "All"]
    thresholds = np.array([row["thresholds"] for row in model])
    curve = engine.decision_curve(asah["outcome"], np.array(golden["risk"]), thresholds)
    assert len(thresholds) == 100
    close(curve["net_benefit"], [row["NB"] for row in model])
    close(curve["standardized"], [row["sNB"] for row in model])
    close(curve["all"], [row["NB"] for row in everyone])
    impact = engine.clinical_impact(asah["outcome"], np.array(golden["risk"]), thresholds)
    close(impact["high_risk"] / 1000.0, [row["prob.high.risk"] for row in model])


# -- lasso and agreement ---------------------------------------------------------------------------------------


def test_cv_lasso(binomial_example):
    """The golden curve was made at glmnet's default thresh 1e-7.

    Its deviances are right to about 1e-4 over the first penalties, and to 1e-2 at the unpenalised end of the path,
    where it also has a coefficient that should be zero. With thresh 1e-14 the whole curve agrees:
    tests/golden/test_plain_r.py.
    """
    outcome, values = binomial_example
    golden = R["glmnet_cv_foldid_1to10"]
    result, expected = engine.cv_lasso(values, outcome, golden["foldid"]), golden["deviance"]
    close(result["lambda"], expected["lambda"])
    close(result["lambda_min"], expected["lambda_min"])
    early = slice(0, int(np.argmin(expected["cvm"])) + 5)
    close(result["cv_mean"][early], expected["cvm"][early], rtol=2e-4)
    close(result["cv_sd"][early], expected["cvsd"][early], rtol=2e-3)
    close(result["cv_mean"], expected["cvm"], rtol=2e-2)
    assert np.abs(result["n_nonzero"] - expected["nzero"]).max() <= 1
    np.testing.assert_allclose(result["coefficients"], R["glmnet_tight"]["coef"], atol=1e-5)


@pytest.mark.parametrize("row", MORE["icc_shrout_fleiss_1979"]["results"], ids=lambda row: row["type"])
def test_icc_of_shrout_and_fleiss(row):
    """Six targets and four judges, the example of the 1979 paper (ICC(2,1) = 0.29, ICC(3,1) = 0.71)."""
    ratings = np.array(MORE["icc_shrout_fleiss_1979"]["ratings"], float)[:, :, None]
    result = icc_of_ratings(ratings, row["type"])
    close(result["estimate"], row["ICC"])
    close([result["low"][0], result["high"][0]], [row["lower bound"], row["upper bound"]])
