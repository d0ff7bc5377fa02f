"""Bootstrap validation beside R's own: ``rms::validate`` and ``Hmisc::rcorr.cens`` on aSAH, the same resamples passed
to both."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pandas as pd
import pytest

from prldh.engines.python import PythonEngine
from prldh.stats.resampled import correct_optimism

pytestmark = [pytest.mark.r, pytest.mark.r_packages("rms", "Hmisc")]

N_RESAMPLES = 200
MARKERS = ["age", "s100b", "ndka"]
#: ``validate`` draws its samples by ``sample(n, replace = TRUE)``, one after another: the same seed gives the same
#: rows.
SCRIPT = """
suppressPackageStartupMessages(library(rms))
data <- read.csv("asah.csv")
b <- N_RESAMPLES
set.seed(3)
rows <- replicate(b, sample(nrow(data), replace = TRUE))
fit <- lrm(y ~ age + s100b + ndka, data = data, x = TRUE, y = TRUE, tol = 1e-12)
set.seed(3)
boot <- validate(fit, method = "boot", B = b)
set.seed(3)
out <- validate(fit, method = ".632", B = b)
concordance <- sapply(1:20, function(i) {
  refit <- glm(y ~ age + s100b + ndka, family = binomial, data = data[rows[, i], ])
  score <- predict(refit, data)
  c(Hmisc::rcorr.cens(score[rows[, i]], data$y[rows[, i]])[["C Index"]], Hmisc::rcorr.cens(score, data$y)[["C Index"]])
})
keep <- c("Dxy", "B", "Intercept", "Slope")
cat(jsonlite::toJSON(list(rows = rows - 1, boot = as.data.frame(unclass(boot)[keep, ]),
  out = as.data.frame(unclass(out)[keep, ]),
                          concordance = concordance, version = as.character(packageVersion("rms"))), digits = NA))
""".replace("N_RESAMPLES", str(N_RESAMPLES))


@pytest.fixture(scope="module")
def ours_and_theirs(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rms")
    table = pd.read_csv(shared_data / "tables" / "aSAH.csv")
    table["y"] = (table["outcome"] == "Poor").astype(int)
    table.to_csv(folder / "asah.csv", index=False)
    (folder / "run.R").write_text(SCRIPT)
    done = subprocess.run(["Rscript", "run.R"], cwd=folder, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    engine, y = PythonEngine(), table["y"].to_numpy(float)
    design = np.column_stack([np.ones(len(y)), table[MARKERS].to_numpy(float)])
    rows, lengths = np.array(theirs["rows"]).T.ravel(), np.full(N_RESAMPLES, len(y))
    b = engine.refit_logistic(design, y, rows, lengths)["coefficients"]
    eta = b @ design.T
    in_sample = np.take_along_axis(eta, rows.reshape(N_RESAMPLES, -1), axis=1).ravel()
    apparent = design @ engine.fit_logistic(design, y)["coefficients"]
    return y, apparent, engine.bootstrap_measures(y, eta, in_sample, rows, lengths), theirs


def _corrected(found, measure, apparent, nothing=None):
    return correct_optimism(
        apparent,
        *(found[f"{measure}_{where}"] for where in ("boot", "original", "oob")),
        nothing,
        0.95,
        measure == "auc",
        (-np.inf, np.inf),
    )


@pytest.mark.parametrize(
    ("measure", "row", "scale"),
    [("auc", "Dxy", 0.5), ("brier", "B", 1.0), ("intercept", "Intercept", 1.0), ("slope", "Slope", 1.0)],
)
def test_optimism_is_that_of_rms_validate(ours_and_theirs, measure, row, scale):
    y, apparent, found, theirs = ours_and_theirs
    engine = PythonEngine()
    on_everyone = engine.bootstrap_measures(y, apparent[None], apparent, np.arange(len(y)), np.array([len(y)]))
    ours = _corrected(found, measure, float(on_everyone[f"{measure}_original"][0]))
    there = next(r for r in theirs["boot"] if r["_row"] == row)
    shift = 0.5 if measure == "auc" else 0.0
    assert ours["apparent"] == pytest.approx(there["index.orig"] * scale + shift, abs=1e-6)
    assert ours["resampled"] == pytest.approx(there["training"] * scale + shift, abs=1e-5)
    assert ours["optimism"] == pytest.approx(there["optimism"] * scale, abs=1e-5)
    assert ours["estimate"] == pytest.approx(there["index.corrected"] * scale + shift, abs=1e-5)
    assert ours["n_defined"] == N_RESAMPLES


@pytest.mark.parametrize(
    ("measure", "row", "scale"), [("auc", "Dxy", 0.5), ("brier", "B", 1.0), ("slope", "Slope", 1.0)]
)
def test_point632_is_that_of_rms_to_bootstrap_error(ours_and_theirs, measure, row, scale):
    """rms weighs the samples by how often their patients were left out; the plain mean of Efron and Tibshirani differs
    by bootstrap error."""
    y, apparent, found, theirs = ours_and_theirs
    engine = PythonEngine()
    on_everyone = engine.bootstrap_measures(y, apparent[None], apparent, np.arange(len(y)), np.array([len(y)]))
    ours = _corrected(found, measure, float(on_everyone[f"{measure}_original"][0]))
    there = next(r for r in theirs["out"] if r["_row"] == row)
    error = np.nanstd(found[f"{measure}_oob"]) / np.sqrt(N_RESAMPLES)
    assert ours["b632"] == pytest.approx(
        there["index.corrected"] * scale + (0.5 if measure == "auc" else 0.0), abs=3 * error
    )


def test_areas_are_concordances_of_hmisc(ours_and_theirs):
    found, theirs = ours_and_theirs[2], np.array(ours_and_theirs[3]["concordance"])
    np.testing.assert_allclose(found["auc_boot"][:20], theirs[0], atol=1e-12)
    np.testing.assert_allclose(found["auc_original"][:20], theirs[1], atol=1e-12)
