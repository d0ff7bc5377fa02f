"""Rubin's rules beside R: the R engine's, and mice's on the same numbers and the same completed data sets."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from prldh.engines.python import PythonEngine
from prldh.engines.r import REngine
from prldh.stats.chained_equations import fit_chains

pytestmark = pytest.mark.r


def _run(script: str, folder: Path, *arguments: str) -> dict:
    (folder / "run.R").write_text(script)
    done = subprocess.run(
        ["Rscript", "--vanilla", "run.R", *arguments], cwd=folder, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("no "):
        pytest.skip(f"{done.stdout.strip()}: apt-get install r-cran-mice")
    return json.loads(done.stdout)


NEED_MICE = 'if (!requireNamespace("mice", quietly = TRUE)) { cat("no package mice in R"); quit() }\n'


# -- the two engines -------------------------------------------------------------------------------------------


def test_engines_agree():
    python, r = PythonEngine(), REngine()
    rng = np.random.default_rng(5)
    q, u = rng.normal(size=(7, 6)), rng.uniform(0.01, 1, (7, 6))
    q[:, 1], q[3, 2], u[2, 3], u[:, 4] = 0.7, np.nan, np.inf, 0.0
    for df in (np.inf, 160.0, 12.5):
        here, there = python.pool_estimates(q, u, df, 0.9), r.pool_estimates(q, u, df, 0.9)
        assert list(here) == list(there)
        for key in here:
            np.testing.assert_allclose(here[key], there[key], rtol=1e-10, err_msg=key)
    covariances = np.array([np.cov(rng.normal(size=(6, 9))) for _ in range(7)])
    q = rng.normal(size=(7, 6))
    np.testing.assert_allclose(python.pool_covariance(q, covariances), r.pool_covariance(q, covariances), rtol=1e-12)
    areas = [[0.7, 0.8, 0.75], [1.0, 0.9, 0.95], [0.5], [0.0, 0.0], [np.nan, 0.7]]
    for a in areas:
        v = [0.002 * (x not in (0.0, 1.0)) for x in a]
        same(python.pool_auc(a, v), r.pool_auc(a, v))
    for d, k in (
        ([3.0, 4.0, 5.5], 2),
        ([1.0, 1.0], 3),
        ([0.0, 40.0], 1),
        ([2.0], 1),
        ([np.nan, 1.0], 1),
        ([1.0, 2.0], 0),
    ):
        same(python.pool_likelihood_ratio(d, k), r.pool_likelihood_ratio(d, k))


def same(here: dict, there: dict) -> None:
    assert list(here) == list(there)
    for key, value in here.items():
        assert there[key] == (
            value if isinstance(value, str) else pytest.approx(value, rel=1e-10, abs=1e-300, nan_ok=True)
        ), key


# -- mice ------------------------------------------------------------------------------------------------------


def test_mice_pool_scalar(tmp_path):
    rng = np.random.default_rng(6)
    q, u = rng.normal(0.3, 0.2, (10, 25)), rng.uniform(0.01, 0.2, (10, 25))
    (tmp_path / "numbers.json").write_text(json.dumps({"q": q.T.tolist(), "u": u.T.tolist()}))
    script = (
        NEED_MICE
        + """
numbers <- jsonlite::fromJSON("numbers.json")
one <- function(n, j) unlist(
  mice::pool.scalar(numbers$q[j, ], numbers$u[j, ], n = n, k = 1)[c("qbar", "t", "df", "r", "fmi")])
found <- lapply(list(large = Inf, small = 40), function(n) t(sapply(seq_len(nrow(numbers$q)), one, n = n)))
cat(jsonlite::toJSON(found, digits = NA))
"""
    )
    found = _run(script, tmp_path)
    for n, df in (("large", np.inf), ("small", 39)):
        here, there = PythonEngine().pool_estimates(q, u, df), np.array(found[n])
        expected = np.column_stack([here["estimate"], here["se"] ** 2, here["df"], here["riv"], here["fmi"]])
        np.testing.assert_allclose(expected, there, rtol=1e-8)


def test_mice_pool_on_the_same_completed_data_sets(tmp_path):
    """Logistic models in R on the data sets that the chained equations completed, pooled by mice; ours fitted and
    pooled here."""
    rng = np.random.default_rng(7)
    n, m = 150, 8
    x = rng.normal(size=(n, 2))
    group = rng.integers(0, 3, n).astype(float)
    y = (rng.random(n) < 1 / (1 + np.exp(-x[:, 0] - 0.7 * (group == 2)))).astype(float)
    values = np.column_stack([x, group])
    values[rng.random(n) < 0.3, 0] = np.nan
    values[rng.random(n) < 0.2, 2] = np.nan
    completed = fit_chains(
        values, ("continuous", "continuous", 3), y[:, None], m, 5, np.random.SeedSequence(1)
    ).completed
    for j, filled in enumerate(completed):
        np.savetxt(
            tmp_path / f"completed{j}.csv",
            np.column_stack([y, filled]),
            delimiter=",",
            header="y,a,b,g",
            comments="",
            fmt="%.17g",
        )
    script = (
        NEED_MICE
        + """
fits <- lapply(list.files(pattern = "completed"), function(f) glm(y ~ a + b + factor(g), binomial, read.csv(f)))
pooled <- summary(mice::pool(mice::as.mira(fits)), conf.int = TRUE)
all <- mice::pool(mice::as.mira(fits))$pooled
small <- lapply(list.files(pattern = "completed"), function(f) glm(y ~ b, binomial, read.csv(f)))
cat(jsonlite::toJSON(list(
  estimate = pooled$estimate, se = pooled$std.error, df = pooled$df, p = pooled$p.value, low = pooled$`2.5 %`,
  high = pooled$`97.5 %`, fmi = all$fmi, riv = all$riv, lambda = all$lambda,
  statistics = mapply(function(a, b) deviance(a) - deviance(b), small, fits)), digits = NA))
"""
    )
    there = _run(script, tmp_path)
    engine = PythonEngine()
    fits, statistics = [], []
    for filled in completed:
        design = np.column_stack([np.ones(n), filled[:, :2], filled[:, 2] == 1, filled[:, 2] == 2])
        fits.append(engine.fit_logistic(design, y))
        statistics.append(engine.likelihood_ratio(design[:, [0, 2]], design, y)["statistic"])
    here = engine.pool_estimates([f["coefficients"] for f in fits], [f["standard_errors"] ** 2 for f in fits], n - 5)
    for key in here:
        np.testing.assert_allclose(here[key], there[key], rtol=1e-7, err_msg=key)  # glm itself stops at 1e-8
    np.testing.assert_allclose(statistics, there["statistics"], rtol=1e-7)
    covariance = engine.pool_covariance([f["coefficients"] for f in fits], [f["covariance"] for f in fits])
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), here["se"], rtol=1e-12)


def test_mice_imputes_to_the_same_pooled_model(tmp_path):
    """Not the same random numbers, but the same law: pooled coefficients and their errors agree with mice's own
    imputations."""
    rng = np.random.default_rng(8)
    n, m = 400, 40
    x = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n)
    sex = (rng.random(n) < 1 / (1 + np.exp(-x[:, 1]))).astype(float)
    grade = np.digitize(x[:, 0] + rng.normal(size=n), [-0.8, 0.8]).astype(float)
    y = (rng.random(n) < 1 / (1 + np.exp(0.5 - x[:, 0] - 0.8 * sex - 0.6 * (grade == 2)))).astype(float)
    values = np.column_stack([np.exp(x[:, 0] / 2), x[:, 1], sex, grade])
    values[rng.random(n) < 0.15 + 0.25 * y, 0] = np.nan
    values[rng.random(n) < 0.2, 2] = np.nan
    values[rng.random(n) < 0.1 + 0.2 * (x[:, 1] > 0), 3] = np.nan
    np.savetxt(
        tmp_path / "incomplete.csv",
        np.column_stack([y, values]),
        delimiter=",",
        header="y,a,b,s,g",
        comments="",
        fmt="%.17g",
    )
    script = (
        NEED_MICE
        + f"""
data <- read.csv("incomplete.csv", na.strings = "nan")
data$s <- factor(data$s); data$g <- factor(data$g)
imputed <- mice::mice(data, m = {m}, maxit = 10, seed = 1, printFlag = FALSE)
pooled <- summary(mice::pool(with(imputed, glm(y ~ log(a) + b + s + g, binomial))))
cat(jsonlite::toJSON(list(estimate = pooled$estimate, se = pooled$std.error,
  method = unname(imputed$method)), digits = NA))
"""
    )
    there = _run(script, tmp_path)
    assert there["method"] == ["", "pmm", "", "logreg", "polyreg"]
    completed = fit_chains(
        values, ("continuous", "continuous", 2, 3), y[:, None], m, 10, np.random.SeedSequence(3)
    ).completed
    engine, fits = PythonEngine(), []
    for filled in completed:
        design = np.column_stack(
            [np.ones(n), np.log(filled[:, 0]), filled[:, 1:3], filled[:, 3] == 1, filled[:, 3] == 2]
        )
        fits.append(engine.fit_logistic(design, y))
    here = engine.pool_estimates([f["coefficients"] for f in fits], [f["standard_errors"] ** 2 for f in fits], n - 6)
    away = (here["estimate"] - there["estimate"]) / np.array(there["se"])
    assert np.abs(away).max() < 0.3, away
    np.testing.assert_allclose(here["se"], there["se"], rtol=0.12)
