"""FLIC and FLAC beside plain ``glm`` on the augmented data (``make_golden_firth_predictions.R``), and beside
``logistf`` where it is installed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import prldh
from prldh.core import DataError
from prldh.engines.python import PythonEngine
from prldh.engines.r import REngine

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden_firth_predictions.json").read_text())
TABLE = pd.read_csv(Path(prldh.__file__).parent / "demo" / "published_cohort.csv")
N = len(TABLE)
OUTCOME = (TABLE["recurrence"] == "yes").to_numpy(float)
DESIGN = np.column_stack(
    [
        np.ones(N),
        TABLE["age"],
        *((TABLE["segment"] == level) for level in ("L4/5", "L5/S1")),
        TABLE["disc"],
    ]
).astype(float)
ENGINES = [PythonEngine, pytest.param(REngine, marks=pytest.mark.r)]


def fitted(engine, predictions: str, x: np.ndarray = DESIGN, y: np.ndarray = OUTCOME) -> np.ndarray:
    rows = np.arange(len(y))
    return np.asarray(engine().refit_firth(x, y, rows, [len(y)], predictions)["coefficients"])[0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("predictions", ["firth", "flic", "flac"])
def test_glm_on_the_augmented_data(engine, predictions):
    np.testing.assert_allclose(fitted(engine, predictions), GOLDEN[predictions], rtol=1e-8)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_mean_prediction_is_the_share_of_events_and_units_do_not_matter(engine):
    g = np.random.default_rng(8)
    for k in range(6):
        n = int(g.integers(25, 80))
        x = np.column_stack([np.ones(n), g.normal(size=(n, 2)), g.random(n) < 0.3])
        y = (g.random(n) < 1 / (1 + np.exp(1 - x[:, 1]))).astype(float)
        y[x[:, 3] == 1] = 0.0
        if k == 5:
            x = np.column_stack([x, x[:, 1] + x[:, 2]])  # aliased
        for predictions in ("flic", "flac"):
            b = fitted(engine, predictions, x, y)
            assert (1 / (1 + np.exp(-x @ b))).mean() == pytest.approx(y.mean(), abs=1e-10)
            scale = np.array([1, 1e6, 1e-6, 1, 1e3][: x.shape[1]])
            np.testing.assert_allclose(fitted(engine, predictions, x * scale, y) * scale, b, rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(fitted(engine, "flic", x, y)[1:], fitted(engine, "firth", x, y)[1:])


@pytest.mark.r
def test_both_engines_on_resamples():
    g = np.random.default_rng(9)
    rows = np.concatenate([g.integers(0, N, N) for _ in range(8)] + [np.flatnonzero(OUTCOME == 0)[:10]])
    lengths = np.array([N] * 8 + [10])
    for predictions in ("flic", "flac"):
        mine, theirs = (
            np.asarray(e.refit_firth(DESIGN, OUTCOME, rows, lengths, predictions)["coefficients"])
            for e in (PythonEngine(), REngine())
        )
        np.testing.assert_allclose(mine, theirs, rtol=1e-8, atol=1e-10)
        assert np.isnan(mine[-1]).all() and np.isfinite(mine[:-1]).all()


def test_another_name_is_refused():
    with pytest.raises(DataError, match="one of firth, flic, flac: found 'flick'"):
        fitted(PythonEngine, "flick")


@pytest.mark.r
@pytest.mark.cran("logistf")
def test_logistf_itself(tmp_path):
    script = """
    suppressPackageStartupMessages(library(logistf))
    d <- read.csv("d.csv")
    tight <- logistf.control(maxit = 1000, maxstep = 1, lconv = 1e-12, gconv = 1e-12, xconv = 1e-12)
    fit <- logistf(y ~ b + c + d + e, d, pl = FALSE, control = tight)
    found <- list(flic = flic(fit)$coefficients, flac = flac(fit, data = d)$coefficients[1:5])
    cat(jsonlite::toJSON(lapply(found, unname), digits = NA))
    """
    table = pd.DataFrame(DESIGN[:, 1:], columns=list("bcde")).assign(y=OUTCOME)
    table.to_csv(tmp_path / "d.csv", index=False)
    done = subprocess.run(["Rscript", "-e", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    for predictions, theirs in json.loads(done.stdout).items():
        np.testing.assert_allclose(fitted(PythonEngine, predictions), theirs, rtol=1e-4, err_msg=predictions)
