"""Every statistic has one name and the same arguments in Python and in R; those that no engine calls give the same
numbers: random inputs, one R process."""

from __future__ import annotations

import inspect
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prldh.engines.protocol import StatisticsEngine
from prldh.stats.by_name import find_statistic
from prldh.stats.domain_distance import domain_distances, held_out_distances
from prldh.stats.external_sample_sizes import external_sample_size
from prldh.stats.multiplicity import adjust_p
from prldh.stats.sample_sizes import largest_cox_snell, sample_size
from prldh.stats.splines import spline_basis, spline_knots
from prldh.stats.stability import selection_stability
from prldh.stats.standardized_difference import standardized_level_difference, standardized_mean_difference

pytestmark = pytest.mark.r

PYTHON = {
    f.__name__: f
    for f in (
        adjust_p,
        domain_distances,
        external_sample_size,
        held_out_distances,
        sample_size,
        selection_stability,
        spline_basis,
        spline_knots,
        standardized_level_difference,
        standardized_mean_difference,
    )
}
SCRIPT = """
for (file in list.files(commandArgs(TRUE)[1], full.names = TRUE)) source(file)
calls <- jsonlite::fromJSON(commandArgs(TRUE)[2], simplifyVector = FALSE)
plain <- function(x) if (is.list(x) && is.list(x[[1]])) do.call(rbind, lapply(x, unlist)) else unlist(x)
found <- lapply(calls, function(call) do.call(call$name, lapply(call$arguments, plain)))
cat(jsonlite::toJSON(found, digits = NA, auto_unbox = TRUE, na = "null"))
"""


ARGUMENTS = """
for (file in list.files(commandArgs(TRUE)[1], full.names = TRUE)) source(file)
functions <- Filter(function(name) is.function(get(name)), ls())
cat(jsonlite::toJSON(sapply(functions, function(name) I(as.character(names(formals(name)))), simplify = FALSE)))
"""


def _run_r(script: str, *arguments: str | Path, folder: Path) -> Any:
    (folder / "run.R").write_text(script)
    command = ["Rscript", "run.R", Path(__file__).parents[2] / "r" / "R", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_statistic_of_the_engines_has_the_same_arguments_in_r(tmp_path):
    in_r = _run_r(ARGUMENTS, folder=tmp_path)
    for name, _ in inspect.getmembers(StatisticsEngine, inspect.isfunction):
        if not name.startswith("_") and name not in (
            "compute",
            "versions",
            "packages_called",
            "close",
            "of_rows",
            "count_patients",
        ):
            here = [argument.removesuffix("_") for argument in inspect.signature(find_statistic(name)).parameters]
            assert in_r[name] == here, name


def _calls() -> list[tuple[str, list]]:
    rng = np.random.default_rng(11)
    calls: list[tuple[str, list]] = []
    for _ in range(20):
        prevalence = float(rng.uniform(0.05, 0.95))
        r2 = float(rng.uniform(0.05, 0.95)) * largest_cox_snell(prevalence)
        calls.append(("sample_size", [prevalence, int(rng.integers(0, 40)), r2, int(rng.integers(50, 2000))]))
        p = np.round(rng.uniform(size=9), 2)
        calls += [("adjust_p", [p, method]) for method in ("holm", "bh")]
        calls.append(("selection_stability", [(rng.random((8, 12)) < rng.uniform(size=12)).astype(int)]))
        x, n_knots = (
            np.round(rng.exponential(size=int(rng.integers(20, 150))), int(rng.integers(1, 4))),
            len(calls) % 5 + 3,
        )
        calls += [("spline_knots", [x, n_knots]), ("spline_basis", [x, spline_knots(x, n_knots)])]
        calls.append(("standardized_level_difference", [rng.integers(0, 9, (4, 2))]))
        calls.append(("standardized_mean_difference", [rng.normal(size=7), rng.normal(size=5)]))
        rows, new = rng.normal(size=(12, 3)), rng.normal(size=(5, 3))
        calls.append(("held_out_distances", [rows]))
        covariance = np.cov(rows.T)
        calls.append(("domain_distances", [new, rows.mean(axis=0), covariance, 12, np.array([0.5, 0.975])]))
        calls.append(("external_sample_size", [prevalence, rng.normal(size=30), *rng.uniform(0.1, 0.9, 2).tolist()]))
    calls.append(("selection_stability", [np.zeros((3, 2), int)]))
    calls.append(("standardized_level_difference", [np.diag([5, 5])]))
    return calls


def test_python_and_r(tmp_path):
    calls = _calls()
    written = [
        {"name": name, "arguments": [a.tolist() if isinstance(a, np.ndarray) else a for a in arguments]}
        for name, arguments in calls
    ]
    (tmp_path / "calls.json").write_text(json.dumps(written))
    found = _run_r(SCRIPT, "calls.json", folder=tmp_path)
    for (name, arguments), there in zip(calls, found, strict=True):
        here = PYTHON[name](*arguments)
        if isinstance(here, dict):
            assert list(here) == list(there), name
            here, there = (np.hstack([np.ravel(v) for v in each.values()]) for each in (here, there))
        np.testing.assert_allclose(
            np.array(there, dtype=float), np.array(here, dtype=float), rtol=1e-9, atol=1e-12, err_msg=name
        )
