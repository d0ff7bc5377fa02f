"""Restricted cubic splines beside ``Hmisc::rcspline.eval``: knots and basis, small samples, ties and tied ends."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest

from prldh.stats.splines import spline_basis, spline_knots

SCRIPT = """
suppressPackageStartupMessages(library(Hmisc))
cases <- jsonlite::fromJSON("cases.json", simplifyDataFrame = FALSE)
cat(jsonlite::toJSON(lapply(cases, function(case) {
  x <- suppressWarnings(rcspline.eval(case$x, nk = case$k, inclx = TRUE))
  list(knots = attr(x, "knots"), basis = unclass(x)[, , drop = FALSE])
}), digits = NA))
"""


def cases() -> list[tuple[np.ndarray, int]]:
    g = np.random.default_rng(3)
    found = []
    for k in range(3, 8):
        found += [
            (g.normal(50, 10, 300), k),
            (g.normal(size=60) * 1e-6, k),  # fewer than 100: the fifth smallest and largest
            (np.maximum(g.normal(size=200), -0.8), k),  # tied at the lower end
            (np.clip(g.normal(size=150), -1, 1), k),  # at both
            (np.round(g.normal(3, 2, 90)), k),  # few distinct values
            (np.clip(np.round(g.normal(5, 2, 70), 1), 3, 9), k),
            (g.exponential(size=101) * 1e5, k),
        ]
    return found


@pytest.mark.r
@pytest.mark.r_packages("Hmisc")
def test_knots_and_basis_are_hmiscs(tmp_path):
    (tmp_path / "cases.json").write_text(json.dumps([{"x": x.tolist(), "k": k} for x, k in cases()]))
    done = subprocess.run(["Rscript", "-e", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=True)
    for (x, k), theirs in zip(cases(), json.loads(done.stdout), strict=True):
        knots = spline_knots(x, k)
        np.testing.assert_allclose(knots, theirs["knots"], rtol=1e-12)
        np.testing.assert_allclose(spline_basis(x, knots), theirs["basis"], rtol=1e-9, atol=1e-9 * np.ptp(x))


def test_a_spline_is_linear_beyond_its_knots_and_keeps_units():
    x = np.array([-1e3, -2e3, -3e3, 1e3, 2e3, 3e3])
    basis = spline_basis(x, np.array([1.0, 2.0, 4.0, 9.0]))
    np.testing.assert_allclose(np.diff(basis[:3], 2, axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(np.diff(basis[3:], 2, axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(spline_basis(1e6 * x, 1e6 * np.array([1.0, 2.0, 4.0, 9.0])), 1e6 * basis, rtol=1e-9)
    assert spline_basis(x, np.array([1.0, 2.0])).shape == (6, 1)
    assert len(spline_knots(np.repeat([0.0, 1.0], 50), 3)) == 0
