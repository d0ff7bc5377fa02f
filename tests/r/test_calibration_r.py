"""Calibration and decision curves: R's engine beside Python's, and both beside rms, isoreg and rmda's own numbers."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from prldh.core.errors import DataError, EngineError
from prldh.engines.python import PythonEngine
from prldh.engines.r import REngine

pytestmark = pytest.mark.r

CHECKOUT = Path(__file__).parents[2]
GOLDEN = CHECKOUT / "tests" / "golden" / "data" / "golden_rmda_asah.json"
python = PythonEngine()


@pytest.fixture(scope="module")
def r() -> REngine:
    return REngine()


@pytest.fixture
def rscript(tmp_path):
    """Run an R script on columns that it reads as ``d``; what it prints, as numbers."""

    def run(script: str, **columns: np.ndarray) -> np.ndarray:
        names = list(columns)
        np.savetxt(
            tmp_path / "d.csv",
            np.column_stack(list(columns.values()) or [[0.0]]),
            "%.17g",
            ",",
            header=",".join(names),
            comments="",
        )
        (tmp_path / "script.R").write_text('d <- read.csv("d.csv")\n' + script)
        done = subprocess.run(["Rscript", "--vanilla", "script.R"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return np.array(done.stdout.split(), dtype=float)

    return run


def study(seed: int, n: int = 90, digits: int = 12):
    """Outcome and predictions of a model made elsewhere: the calibration line is not 0 and 1."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(size=n)
    outcome = (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(float)
    return outcome, np.round(1 / (1 + np.exp(-(1.7 * log_odds + 0.6 + rng.normal(scale=0.5, size=n)))), digits), rng


def alike(found: dict, expected: dict, atol: float = 1e-10):
    found = {key: value for key, value in found.items() if key != "source"}
    assert list(found) == list(expected)
    for key, value in expected.items():
        if isinstance(value, str):
            assert found[key] == value
        else:
            assert np.shape(found[key]) == np.shape(value), key
            np.testing.assert_allclose(found[key], value, rtol=1e-8, atol=atol, err_msg=key)


# -- both engines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [12, 1, 0], ids=["distinct", "tied", "two predictions"])
def test_calibration_is_the_same(r, digits):
    outcome, probability, rng = study(1, digits=digits)
    rows = rng.integers(0, 90, (60, 90))
    for level in (0.95, 0.5):
        alike(
            r.calibration(outcome, probability, rows, 60, level),
            python.calibration(outcome, probability, rows, 60, level),
        )
    alike(r.calibration(outcome, probability), python.calibration(outcome, probability))


@pytest.mark.parametrize("digits", [12, 1])
def test_curves_are_the_same(r, digits):
    outcome, a, rng = study(2, digits=digits)
    b = rng.permutation(a)
    # in no order, and every tie of the rounded predictions
    thresholds = np.concatenate([[0.7, 1.0, 0.05], np.arange(100) / 100])
    rows = rng.integers(0, 90, (60, 90))
    many = np.round(np.clip(a + rng.normal(scale=0.1, size=(60, 90)), 0, 1), digits)
    out = np.array([~np.isin(np.arange(90), drawn) for drawn in rows]).astype(float)
    out[0], many[1] = 0.0, np.nan
    for name, arguments in {
        "decision_curve": (outcome, a, thresholds, rows, 60, 0.9),
        "compare_decision_curves": (outcome, a, b, thresholds, rows, 60, 0.9),
        "out_of_bag_decision_curve": (outcome, many, out, thresholds, 0.9),
        "clinical_impact": (outcome, a, thresholds, 300, rows, 60, 0.9),
    }.items():
        found = getattr(python, name)(*arguments)
        alike(getattr(r, name)(*arguments), found)
        assert np.isfinite(next(values for key, values in found.items() if key.endswith("low"))).any()


HALF = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
EDGES = {
    "no events": ([0.0] * 6, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
    "events only": ([1.0] * 6, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
    "equal predictions": (HALF, [0.4] * 6),
    "exactly 0 and 1": (HALF, [0.0, 0.0, 1.0, 0.0, 1.0, 1.0]),
    "perfect": (HALF, HALF),
    "AUC 1": (HALF, [0.1, 0.2, 0.3, 0.6, 0.7, 0.8]),
    "AUC 0": (HALF, [0.9, 0.8, 0.7, 0.3, 0.2, 0.1]),
    "separated but for ties": (HALF, [0.1, 0.2, 0.5, 0.5, 0.7, 0.8]),
    "three patients": ([0.0, 1.0, 0.0], [0.2, 0.4, 0.5]),
    "one patient": ([1.0], [0.3]),
}


@pytest.mark.parametrize("name", EDGES)
def test_inputs_at_the_edge_give_the_same(r, name):
    outcome, probability = (np.array(values) for values in EDGES[name])
    n, thresholds = len(outcome), [0.0, 0.3, 0.5, 0.99, 1.0]
    rows = np.random.default_rng(3).integers(0, n, (8, n))
    out = np.array([~np.isin(np.arange(n), drawn) for drawn in rows]).astype(float)
    found = python.calibration(outcome, probability, rows, 8)
    alike(r.calibration(outcome, probability, rows, 8), found, 1e-6)  # confident and wrong: citl by two root finders
    assert np.isfinite(found["brier"]) and np.isfinite(found["miscalibration"])
    for method, arguments in {
        "decision_curve": (outcome, probability, thresholds, rows, 8),
        "compare_decision_curves": (outcome, probability, probability[::-1], thresholds, rows, 8),
        "out_of_bag_decision_curve": (outcome, np.tile(probability, (8, 1)), out, thresholds),
        "clinical_impact": (outcome, probability, thresholds, 1000, rows, 8),
    }.items():
        alike(getattr(r, method)(*arguments), getattr(python, method)(*arguments))


@pytest.mark.parametrize("wrong", [[-0.01], [0.2, 1.5], [np.nan], []])
def test_both_refuse_thresholds_outside_0_and_1(r, wrong):
    outcome, a, _ = study(4)
    for engine, error in ((r, EngineError), (python, DataError)):
        for call in (
            lambda e: e.decision_curve(outcome, a, wrong),
            lambda e: e.compare_decision_curves(outcome, a, a, wrong),
            lambda e: e.out_of_bag_decision_curve(outcome, a[None], np.ones((1, 90)), wrong),
            lambda e: e.clinical_impact(outcome, a, wrong),
        ):
            with pytest.raises(error, match="thresholds must be probabilities within 0 and 1"):
                call(engine)


def test_both_refuse_rows_and_held_out_predictions_that_do_not_fit(r):
    outcome, a, _ = study(5)
    for engine, error in ((r, EngineError), (python, DataError)):
        for call, message in (
            (lambda e: e.calibration(outcome, a, np.arange(90), 2), "rows must hold"),
            (lambda e: e.clinical_impact(outcome, a, [0.5], 1000, np.arange(1, 91), 1), "rows must"),
            (lambda e: e.compare_decision_curves(outcome, a, a, [0.5], -np.arange(90), 1), "rows must"),
            (lambda e: e.out_of_bag_decision_curve(outcome, a[None], np.ones((2, 90)), [0.5]), "one row a resample"),
            (
                lambda e: e.out_of_bag_decision_curve(outcome, a[None], np.full((1, 90), 2), [0.5]),
                "out_of_bag must be 0 or 1",
            ),
            (
                lambda e: e.out_of_bag_decision_curve(outcome, a[None] + 1, np.ones((1, 90)), [0.5]),
                "A score is not a probability",
            ),
        ):
            with pytest.raises(error, match=message):
                call(engine)


# -- other packages' numbers -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rms() -> None:
    if subprocess.run(
        ["Rscript", "-e", 'quit(status = !requireNamespace("rms", quietly = TRUE))'], capture_output=True
    ).returncode:
        pytest.skip("rms is not installed: apt-get install r-cran-rms")


VAL_PROB = """
found <- suppressWarnings(rms::val.prob(d$p, d$y, pl = FALSE))
cat(sprintf("%.17g", found[c("Intercept", "Slope", "Brier", "Emax", "E90", "Eavg", "S:z", "S:p")]))
"""


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_val_prob_of_rms_on_a_new_cohort(r, rscript, rms, seed):
    """Predictions of a model made elsewhere, so that neither line nor curve is the diagonal by construction."""
    outcome, probability, _ = study(seed, n=130)
    expected = rscript(VAL_PROB, y=outcome, p=probability)
    keys = ("intercept", "slope", "brier", "emax", "e90", "ici", "spiegelhalter_z", "spiegelhalter_p")
    for engine in (python, r):
        found = engine.calibration(outcome, probability)
        assert abs(found["intercept"]) > 0.05 and found["slope"] < 0.9
        # lrm stops at its own tolerance
        np.testing.assert_allclose([found[key] for key in keys[:2]], expected[:2], rtol=1e-5)
        np.testing.assert_allclose([found[key] for key in keys[2:]], expected[2:], rtol=1e-9)


DECOMPOSITION = """
o <- order(d$p, -d$y)
recalibrated <- isoreg(d$y[o])$yf
score <- function(p) mean((p - d$y[o])^2)
uncertainty <- score(mean(d$y))
cat(sprintf("%.17g", c(score(d$p[o]) - score(recalibrated), uncertainty - score(recalibrated), uncertainty)))
"""


@pytest.mark.parametrize("digits", [12, 1])
def test_decomposition_is_reliabilitydiag_s(r, rscript, digits):
    """Its definition, recomputed by isoreg. (Its own example, EMOS in Niamey 2016, gives 0.0183, 0.0305 and 0.244.)"""
    outcome, probability, _ = study(21, digits=digits)
    expected = rscript(DECOMPOSITION, y=outcome, p=probability)
    for engine in (python, r):
        found = engine.calibration(outcome, probability)
        np.testing.assert_allclose(
            [found[k] for k in ("miscalibration", "discrimination", "uncertainty")], expected, rtol=1e-10, atol=1e-14
        )


SAMPLES = "set.seed(1); cat(unlist(lapply(1:500, function(i) sample.int(113, replace = TRUE))) - 1)"


def test_bands_are_rmda_s(r, rscript, shared_data):
    """rmda draws its rows by sample.int, and its limits are of type 1: at this level type 7 falls on the same
    values."""
    golden = json.loads(GOLDEN.read_text())
    boot = [row for row in golden["boot500_seed1"] if row["model"] == "y ~ risk"]
    with (shared_data / "tables" / "aSAH.csv").open() as lines:
        outcome = np.array([float(row["outcome"] == "Poor") for row in csv.DictReader(lines)])
    rows, thresholds, level = rscript(SAMPLES).astype(int), [row["thresholds"] for row in boot], 1 - 24 / 499
    assert len(boot) == 5 and rows.size == 500 * 113
    for engine in (python, r):
        found = {
            **engine.decision_curve(outcome, golden["risk"], thresholds, rows, 500, level),
            **engine.clinical_impact(outcome, golden["risk"], thresholds, 1, rows, 500, level),
        }
        for key, name in (
            ("", "NB"),
            ("standardized_", "sNB"),
            ("high_risk_", "prob.high.risk"),
            ("high_risk_events_", "DP"),
        ):
            np.testing.assert_allclose(found[f"{key}low"], [row[f"{name}_lower"] for row in boot], atol=1e-12)
            np.testing.assert_allclose(found[f"{key}high"], [row[f"{name}_upper"] for row in boot], atol=1e-12)
