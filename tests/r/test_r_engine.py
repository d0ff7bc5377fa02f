"""The bridge to R: conversion, errors, warnings, processes.

R through rpy2 compared with numbers that R gave: this tests plumbing only. Whether the numbers are right is tested by
the R package's own tests (``test_r_package.py``) and by the Python engine's against published values.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from prldh.core.errors import EngineError
from prldh.engines import r_home, r_session
from prldh.engines.r import REngine
from prldh.engines.r_home import r_available, r_source_dir, rpy2_requirement

pytestmark = pytest.mark.r

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def engine() -> REngine:
    usable, reason = r_available()
    if not usable:
        pytest.skip(reason)
    return REngine()


@pytest.fixture(scope="module")
def golden() -> dict:
    return json.loads((CHECKOUT / "tests" / "golden" / "data" / "golden_asah_binomial.json").read_text())


@pytest.fixture(scope="module")
def asah(shared_data) -> dict[str, np.ndarray]:
    with (shared_data / "tables" / "aSAH.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = {name: np.array([float(row[name]) for row in rows]) for name in ("age", "wfns", "s100b", "ndka")}
    table["event"] = np.array([float(row["outcome"] == "Poor") for row in rows])
    return table


@pytest.fixture
def study() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """outcome (40,), score (40,), design (40, 3)"""
    rng = np.random.default_rng(1)
    outcome = (np.arange(40) % 3 == 0).astype(float)
    score = outcome + rng.normal(size=40)
    return outcome, score, np.column_stack([np.ones(40), score, rng.normal(size=40)])


# -- numbers come through --------------------------------------------------------------------------------------


@pytest.mark.parametrize("marker", ["wfns", "s100b", "ndka"])
def test_areas_and_curves_are_proc_s(engine, asah, golden, marker):
    expected, found = golden["roc"][marker], engine.auc(asah["event"], asah[marker])
    np.testing.assert_allclose(found["estimate"], expected["auc"], rtol=1e-12)
    np.testing.assert_allclose(found["variance"], expected["var_delong"], rtol=1e-10)
    np.testing.assert_allclose([found["low"], found["high"]], np.array(expected["ci_delong_95"])[[0, 2]], rtol=1e-10)
    curve = engine.roc_curve(asah["event"], asah[marker])
    np.testing.assert_allclose(curve["thresholds"], np.array(expected["thresholds"], dtype=float))
    np.testing.assert_allclose(curve["sensitivities"], expected["sensitivities"])
    cut, best = engine.youden(asah["event"], asah[marker]), golden["coords"][marker]["youden"]
    assert all(cut[key] == pytest.approx(best[key][0]) for key in cut)


def test_comparisons_are_proc_s(engine, asah, golden):
    expected = golden["roc_test_delong_paired"]["wfns_vs_s100b"]
    found = engine.compare_auc(asah["event"], asah["wfns"], asah["s100b"])
    assert found["statistic"] == pytest.approx(expected["Z"], rel=1e-10)
    assert found["p"] == pytest.approx(expected["p"], rel=1e-10)
    area = engine.partial_auc(asah["event"], asah["ndka"], "sensitivity", 1, 0.8)
    assert area["corrected"] == pytest.approx(golden["pauc_1_0.8"]["ndka"]["sens_corrected"], rel=1e-10)


def test_models_are_glm_s(engine, asah, golden):
    design = np.column_stack([np.ones(113), asah["age"], asah["s100b"], asah["ndka"]])
    expected, found = golden["glm"]["aSAH_age_s100b_ndka"], engine.fit_logistic(design, asah["event"])
    np.testing.assert_allclose(found["coefficients"], expected["coef"], rtol=1e-7)
    assert found["covariance"].shape == (4, 4)
    np.testing.assert_allclose(np.sqrt(np.diag(found["covariance"])), found["standard_errors"])
    limits = engine.profile_limits(design, asah["event"])
    assert limits.shape == (4, 2)
    np.testing.assert_allclose(limits, expected["ci_profile"], atol=1e-3)  # R's interpolates


def test_hosmer_lemeshow_is_resource_selection_s(engine, asah, golden):
    probability = np.array(golden["glm"]["aSAH_age_s100b_ndka"]["fitted"])
    for groups in (5, 10):
        expected = golden["hoslem"][f"aSAH_m1_g{groups}"]["value"]
        found = engine.hosmer_lemeshow(asah["event"], probability, groups)
        assert found["statistic"] == pytest.approx(expected["chisq"], rel=1e-6)  # probabilities at glm's own epsilon
        np.testing.assert_array_equal(found["observed"], np.array(expected["observed_y0_y1"])[:, 1])
        assert found["source"] in ("ResourceSelection", "prldh")


def test_lasso_is_glmnet_s(engine, golden, shared_data):
    table = np.genfromtxt(shared_data / "tables" / "binomial_example.csv", delimiter=",", names=True)
    outcome = table["y"]
    values = np.column_stack([table[name] for name in table.dtype.names if name != "y"])
    found = engine.cv_lasso(values, outcome, golden["glmnet_cv_foldid_1to10"]["foldid"])
    assert found["lambda_min"] == pytest.approx(golden["glmnet_tight"]["s"], rel=1e-10)
    np.testing.assert_allclose(found["coefficients"], golden["glmnet_tight"]["coef"], atol=1e-5)
    assert found["path"].shape == (31, found["lambda"].size)


# -- shapes ----------------------------------------------------------------------------------------------------


def test_every_function_gives_floats_arrays_and_text(engine, study):
    outcome, score, design = study
    probability = 1 / (1 + np.exp(-score))
    rows = np.tile(np.arange(40), (3, 1))
    calls = {
        "fit_logistic": engine.fit_logistic(design, outcome),
        "refit_logistic": engine.refit_logistic(design, outcome, rows, [40, 40, 40]),
        "likelihood_ratio": engine.likelihood_ratio(design[:, :2], design, outcome),
        "auc": engine.auc(outcome, score),
        "compare_auc": engine.compare_auc(outcome, score, design[:, 2]),
        "partial_auc": engine.partial_auc(outcome, score, "specificity", 1, 0.8, rows, 3),
        "compare_partial_auc": engine.compare_partial_auc(outcome, score, design[:, 2], "specificity", 1, 0.8, rows, 3),
        "compare_partial_auc_asymptotic": engine.compare_partial_auc_asymptotic(
            outcome, score, design[:, 2], "specificity", 1, 0.8
        ),
        "roc_curve": engine.roc_curve(outcome, score),
        "youden": engine.youden(outcome, score),
        "proportion": engine.proportion(3, 10),
        "hosmer_lemeshow": engine.hosmer_lemeshow(outcome, probability),
        "calibration": engine.calibration(outcome, probability),
        "decision_curve": engine.decision_curve(outcome, probability, [0.2, 0.5], rows, 3),
        "clinical_impact": engine.clinical_impact(outcome, probability, [0.2, 0.5]),
        "cv_lasso": engine.cv_lasso(design[:, 1:], outcome, np.arange(40) // 3 % 4 + 1),
        "icc": engine.icc(design, design + 0.1),
        "shapiro_wilk": engine.shapiro_wilk(score),
        "continuous_test": engine.continuous_test(score[outcome == 0], score[outcome == 1], "wilcoxon"),
        "categorical_test": engine.categorical_test([[3, 4], [5, 6]], "fisher"),
    }
    for function, result in calls.items():
        for key, value in result.items():
            assert isinstance(value, (float, str)) or (value.dtype == np.float64 and value.ndim in (1, 2)), (
                function,
                key,
            )
    np.testing.assert_array_equal(
        calls["refit_logistic"]["coefficients"], np.tile(calls["fit_logistic"]["coefficients"], (3, 1))
    )
    # every sample is the cohort
    np.testing.assert_allclose(calls["decision_curve"]["low"], calls["decision_curve"]["net_benefit"])


def test_a_vector_of_one_is_still_a_vector(engine, study):
    outcome, score, design = study
    assert engine.fit_logistic(design[:, :1], outcome)["coefficients"].shape == (1,)
    assert engine.profile_limits(design[:, :1], outcome).shape == (1, 2)
    assert engine.decision_curve(outcome, 1 / (1 + np.exp(-score)), [0.3])["net_benefit"].shape == (1,)
    assert engine.icc(design[:, 1:2], design[:, 2:])["estimate"].shape == (1,)
    assert engine.refit_logistic(design[:, :1], outcome, np.arange(40), [40])["coefficients"].shape == (1, 1)


def test_matrices_keep_their_orientation(engine, study):
    outcome, _, design = study
    order = [0, 2, 1]
    one, other = engine.fit_logistic(design, outcome), engine.fit_logistic(np.asfortranarray(design[:, order]), outcome)
    np.testing.assert_allclose(one["coefficients"][order], other["coefficients"], rtol=1e-9)
    np.testing.assert_allclose(one["covariance"][np.ix_(order, order)], other["covariance"], rtol=1e-9)


def test_missing_and_infinite_numbers(engine, study):
    outcome, score, design = study
    aliased = engine.fit_logistic(np.column_stack([design, 2 * score]), outcome)
    assert np.isnan(aliased["coefficients"]).tolist() == [False, False, False, True]
    assert np.isnan(engine.proportion(0, 0)["estimate"])
    limits = engine.profile_limits(np.column_stack([np.ones(10), np.arange(10)]), np.repeat([0.0, 1.0], 5))
    assert limits[1, 1] == np.inf and np.isfinite(limits[1, 0])


def test_a_resample_of_one_class_has_no_coefficients(engine, study):
    outcome, _, design = study
    events = np.flatnonzero(outcome == 1)
    found = engine.refit_logistic(design, outcome, np.concatenate([np.arange(40), events]), [40, events.size])[
        "coefficients"
    ]
    assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()


def test_versions(engine):
    versions = engine.versions()
    assert versions["version"].count(".") == 2
    assert set(versions["packages"]) == {"pROC", "glmnet", "ResourceSelection", "rmda"}
    assert versions["packages"]["pROC"] and versions["packages"]["glmnet"]


# -- errors and warnings ---------------------------------------------------------------------------------------


def test_an_r_error_becomes_an_engine_error_and_r_lives_on(engine, study, capfd):
    outcome, score, _ = study
    with pytest.raises(EngineError, match="R's auc: outcome must be 0 or 1.*found 2"):
        engine.auc([0, 1, 2], [1, 2, 3])
    assert engine.auc(outcome, score)["estimate"] > 0.5
    assert capfd.readouterr() == ("", "")


def test_r_warnings_are_kept_and_not_printed(engine, capfd):
    x = np.column_stack([np.ones(10), np.arange(10)])
    engine.fit_logistic(x, np.repeat([0.0, 1.0], 5))
    assert {(w.code, w.stage, w.message.split(":")[0]) for w in engine.warnings} == {
        ("PRL-002", "engine r", "fit_logistic")
    }
    assert any("fitted probabilities numerically 0 or 1" in w.message for w in engine.warnings)
    assert REngine().warnings == []
    assert capfd.readouterr() == ("", "")


def test_a_table_must_have_two_dimensions(engine):
    with pytest.raises(EngineError, match="two dimensions"):
        engine.fit_logistic(np.ones(4), [0, 1, 0, 1])


# -- processes -------------------------------------------------------------------------------------------------


def test_loky_workers_start_their_own_r(engine, study):
    joblib = pytest.importorskip("joblib")
    outcome, score, _ = study
    here = engine.auc(outcome, score)
    there = joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(engine.auc)(outcome, score) for _ in range(2))
    assert there == [here, here]


def _ask_in_child(queue) -> None:
    try:
        queue.put(REngine().auc([0, 1], [1, 2])["estimate"])
    except EngineError as error:
        queue.put(str(error))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_is_refused(engine):
    engine.auc([0, 1], [1, 2])
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_ask_in_child, args=(queue,))
    child.start()
    answer = queue.get(timeout=900)
    child.join(60)
    assert "forked" in str(answer) and "loky" in answer


# -- what is missing is told -----------------------------------------------------------------------------------


def _run_python(code: str, **environment: str) -> str:
    kept = {k: v for k, v in os.environ.items() if k not in ("R_HOME", "TZ", "LD_LIBRARY_PATH")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


ASK = """
from prldh.engines.r import REngine
from prldh.engines.r_home import r_available
from prldh.core.errors import EngineError
print(r_available())
try:
    print(REngine().versions()["version"])
except EngineError as error:
    print(error)
"""


def test_without_r_the_message_says_what_to_do(tmp_path):
    told = _run_python(ASK, PATH=str(tmp_path))
    assert told.startswith("(False, ") and told.count("apt-get install r-base-core r-cran-proc r-cran-glmnet") == 2


def test_with_a_wrong_r_home(tmp_path):
    assert "no bin folder" in _run_python(ASK, R_HOME=str(tmp_path))


def test_r_is_found_without_r_home(engine):
    told = _run_python(ASK).splitlines()
    assert told == ["(True, '')", engine.versions()["version"]]


def test_importing_the_engine_starts_no_r():
    code = "import sys, prldh.engines.r as r; r.REngine(); print('rpy2' in sys.modules)"
    assert _run_python(code).strip() == "False"


def test_without_rpy2_the_pip_line_fits_the_r(engine, monkeypatch):
    monkeypatch.setattr(r_home.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(r_session, "_session", None)
    with pytest.raises(EngineError, match="rpy2, which is not installed. Run: pip install"):
        REngine().versions()


def test_missing_packages_are_named_with_both_ways_to_get_them():
    message = r_home.tell_missing(["pROC", "glmnet"])
    assert "apt-get install r-cran-proc r-cran-glmnet" in message and 'install.packages(c("pROC", "glmnet"))' in message


def test_rpy2_by_r_version():
    assert "3.6.5" in rpy2_requirement("4.2.2") and "3.6.5" in rpy2_requirement("4.4.3")
    assert "3.6.7" in rpy2_requirement("4.5.0") and "3.6.7" in rpy2_requirement("4.10.1")


def test_sources_are_found():
    names = {path.name for path in r_source_dir().glob("*.R")}
    assert {"auc.R", "fit_logistic.R", "checks.R"} <= names


def test_processes_started_after_r_run_the_same_python():
    """R's start must leave no library path behind: a shared libpython of the system would stand in for this one's."""
    code = (
        "import os, subprocess, sys; before = os.environ.get('LD_LIBRARY_PATH');from prldh.engines.r import REngine;"
        " REngine().versions();assert os.environ.get('LD_LIBRARY_PATH') == before;print(subprocess.run([sys.executable,"
        " '-c', 'import sys; print(sys.version)'], capture_output=True, text=True).stdout.strip() == sys.version)"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("True")
