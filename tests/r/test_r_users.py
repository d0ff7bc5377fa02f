"""What R users get is what Python gets: of the same samples and folds, the engines' numbers."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prldh.engines import PythonEngine, r_sources
from prldh.engines.r import REngine
from prldh.stats import correct_optimism
from prldh.stats.logistic import linear_predictor
from prldh.stats.separation import infinite_coefficients

pytestmark = [pytest.mark.r, pytest.mark.ci]
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "r" / "inst" / "extdata"

VALIDATE = """
d <- read.csv("d.csv")
drawn <- as.matrix(read.csv("drawn.csv", header = FALSE))
found <- prldh::prldh_validate(y ~ a + b, d, folds = d$fold, bootstrap = drawn, leave_one_out = FALSE)
cat(jsonlite::toJSON(unclass(found)[c("performance", "bootstrap", "coefficients")], digits = NA, na = "null",
                     dataframe = "columns", auto_unbox = FALSE), file = "found.json")
"""


@pytest.fixture(scope="module")
def there(tmp_path_factory, run_r, r_library):
    """A cohort with folds and samples, and what ``prldh_validate()`` says of it."""
    folder = tmp_path_factory.mktemp("validate")
    draw = np.random.default_rng(5)
    n = 90
    d = pd.DataFrame({"a": np.round(draw.normal(size=n), 2), "b": np.round(draw.exponential(size=n), 2)})
    d["y"] = (draw.random(n) < 1 / (1 + np.exp(0.8 - d.a))).astype(int)
    d["fold"] = np.arange(n) % 5
    rows = np.sort(draw.integers(0, n, (60, n)))
    counts = np.array([np.bincount(own, minlength=n) for own in rows])
    d.to_csv(folder / "d.csv", index=False)
    pd.DataFrame(counts).to_csv(folder / "drawn.csv", index=False, header=False)
    (folder / "run.R").write_text(VALIDATE)
    run_r("Rscript", "run.R", cwd=folder, R_LIBS=str(r_library))
    return d, rows, json.loads((folder / "found.json").read_text())


def _column(table: dict, key: str) -> np.ndarray:
    return np.array(table[key], dtype=float)


@pytest.mark.parametrize(("engine", "tolerance"), [(REngine(), 1e-12), (PythonEngine(), 1e-8)], ids=["r", "python"])
def test_bootstrap_and_folds_are_those_of_the_engines(there, engine, tolerance):
    d, rows, found = there
    y = d.y.to_numpy(float)
    design = np.column_stack([np.ones(len(d)), d.a, d.b])
    n, m = len(y), len(rows)
    lengths = np.full(m, n)

    def refit(rows, lengths):
        return engine.refit_logistic(design, y, np.concatenate(list(rows)), lengths)["coefficients"]

    log_odds = np.array([linear_predictor(design, b) for b in refit(rows, lengths)])
    in_sample = np.concatenate([log_odds[r, own] for r, own in enumerate(rows)])
    measured = engine.bootstrap_measures(y, log_odds, in_sample, rows.ravel(), lengths)
    apparent = linear_predictor(design, engine.fit_logistic(design, y)["coefficients"])
    everyone = engine.bootstrap_measures(y, apparent[None, :], apparent, np.arange(n), np.array([n]))
    p = 1 / (1 + np.exp(-apparent))
    chance = {"auc": 0.5, "brier": y.mean() * np.mean((1 - p) ** 2) + (1 - y).mean() * np.mean(p**2)}
    assert found["bootstrap"]["measure"] == ["auc", "brier", "intercept", "slope"]
    for k, measure in enumerate(found["bootstrap"]["measure"]):
        expected = correct_optimism(
            float(everyone[f"{measure}_original"][0]),
            *(measured[f"{measure}_{where}"] for where in ("boot", "original", "oob")),
            chance.get(measure),
            0.95,
            measure != "brier",
            (0.0, 1.0) if measure in chance else (-np.inf, np.inf),
        )
        for key in ("estimate", "apparent", "optimism", "resampled", "oob", "oob_low", "oob_high", "b632", "b632plus"):
            here = np.nan if expected[key] is None else expected[key]
            np.testing.assert_allclose(
                _column(found["bootstrap"], key)[k], here, rtol=tolerance, atol=tolerance, err_msg=f"{measure} {key}"
            )
        assert found["bootstrap"]["n_defined"][k] == expected["n_defined"]

    fold = d.fold.to_numpy()
    tests = [np.flatnonzero(fold == k) for k in range(5)]
    train = [np.flatnonzero(fold != k) for k in range(5)]
    each = refit(train, np.array([len(t) for t in train]))
    held = np.empty(n)
    for own, b in zip(tests, each, strict=True):
        held[own] = linear_predictor(design[own], b)
    performance = found["performance"]
    at = performance["estimate"].index("folds")
    area = engine.auc(y, 1 / (1 + np.exp(-held)))
    brier = engine.brier_score(y, (1 / (1 + np.exp(-held)))[None, :])
    line = np.column_stack([np.ones(n), held])
    limits = engine.profile_limits(line, y)
    b = engine.fit_logistic(line, y)["coefficients"]
    expected = [
        *(area[k] for k in ("estimate", "low", "high")),
        *(brier[k] for k in ("estimate", "low", "high")),
        b[0],
        *limits[0],
        b[1],
        *limits[1],
    ]
    keys = [f"{key}{end}" for key in ("auc", "brier", "intercept", "slope") for end in ("", "_low", "_high")]
    got = [_column(performance, key)[at] for key in keys]
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    order = np.concatenate(tests)
    mean = engine.mean_of_folds(y[order], held[order], np.array([len(t) for t in tests]))
    at = performance["estimate"].index("folds_mean")
    got = [_column(performance, key)[at] for key in keys[:3]]
    np.testing.assert_allclose(got, [mean[k] for k in ("estimate", "low", "high")], rtol=tolerance)


def test_what_r_users_call_is_not_loaded_by_the_engine_nor_written_into_reproduce():
    names = {path.name for path in r_sources()}
    assert "bootstrap_measures.R" in names and not [name for name in names if name.startswith("prldh_")]
    shipped = {path.name for path in (ROOT / "r" / "R").glob("prldh_*.R")}
    assert {"prldh_roc.R", "prldh_validate.R", "prldh_read_run.R"} <= shipped


def test_the_example_in_the_package_is_what_the_run_gives_today(tmp_path):
    """Made again in the Python engine, which has no need of R."""
    spec = importlib.util.spec_from_file_location("r_example", ROOT / "tools" / "r_example.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    tool.STUDY = tool.STUDY.replace("engine: r", "engine: python")
    tool.make(tmp_path)
    assert (tmp_path / "patients.csv").read_bytes() == (EXAMPLE / "patients.csv").read_bytes()
    kept = {path.relative_to(EXAMPLE) for path in (EXAMPLE / "run").rglob("*") if path.is_file()}
    assert kept == {path.relative_to(tmp_path) for path in (tmp_path / "run").rglob("*") if path.is_file()}
    for path in sorted(kept):
        if path.suffix != ".csv":
            continue
        today, then = pd.read_csv(tmp_path / path), pd.read_csv(EXAMPLE / path)
        pd.testing.assert_frame_equal(today, then, rtol=1e-6, atol=1e-7, obj=str(path))


SEPARATED = """
cases <- jsonlite::fromJSON("cases.json", simplifyVector = FALSE)
found <- vapply(cases, function(case) {
  x <- do.call(rbind, lapply(case$x, unlist))
  colnames(x) <- paste0("c", seq_len(ncol(x)))
  length(prldh:::separated_columns(x, unlist(case$y))) > 0
}, TRUE)
cat(as.integer(found), file = "found.txt")
"""


def test_separation_is_seen_where_linear_programming_sees_it(tmp_path, run_r, r_library):
    """R users' check needs no solver; steep but finite models, rare levels and whole numbers are among the cases."""
    draw = np.random.default_rng(3)
    cases, expected = [], []
    while len(cases) < 120:
        n, p = int(draw.choice([15, 40, 150])), int(draw.integers(1, 5))
        x = draw.normal(size=(n, p))
        if len(cases) % 3 == 0:
            x = np.round(x)
        if len(cases) % 5 == 0:
            x[:, 0] = np.arange(n) < 3
        log_odds = np.clip(x @ (draw.normal(size=p) * draw.choice([0, 1, 5, 50, 500])), -700, 700)
        y = (draw.random(n) < 1 / (1 + np.exp(-log_odds))).astype(int)
        if y.min() == y.max():
            continue
        design = np.column_stack([np.ones(n), x])
        cases.append({"x": design.tolist(), "y": y.tolist()})
        expected.append(bool(infinite_coefficients(design, y).any()))
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    (tmp_path / "run.R").write_text(SEPARATED)
    run_r("Rscript", "run.R", cwd=tmp_path, R_LIBS=str(r_library))
    found = [text == "1" for text in (tmp_path / "found.txt").read_text().split()]
    assert found == expected and 30 < sum(expected) < 100
