"""Our own R functions beside the real ResourceSelection and rmda, where these are installed (CRAN has them, Debian does
not)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

SCRIPT = """
for (file in list.files(commandArgs(TRUE)[1], pattern = "[.]R$", full.names = TRUE)) source(file)
data(aSAH, package = "pROC")
y <- as.numeric(aSAH$outcome == "Poor")
p <- fitted(glm(y ~ age + s100b + ndka, binomial, aSAH))
thresholds <- seq(0, 0.99, 0.01)
both <- function(call) list(real = {use_own_code(FALSE); call()}, own = {use_own_code(TRUE); call()})
cat(jsonlite::toJSON(list(hoslem = both(function() hosmer_lemeshow(y, p)),
                          curve = both(function() decision_curve(y, p, thresholds, integer(0), 0)),
                          impact = both(function() clinical_impact(y, p, thresholds))),
  digits = NA, auto_unbox = TRUE, na = "null"))
"""


@pytest.mark.r
@pytest.mark.cran
def test_own_code_equals_the_real_packages(tmp_path):
    script = tmp_path / "compare.R"
    script.write_text(SCRIPT)
    source = Path(__file__).parents[2] / "r" / "R"
    done = subprocess.run(
        ["Rscript", "--vanilla", str(script), str(source)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    for name, package in (("hoslem", "ResourceSelection"), ("curve", "rmda"), ("impact", "rmda")):
        real, own = found[name]["real"], found[name]["own"]
        assert (real.pop("source"), own.pop("source")) == (package, "prldh")
        for key, values in own.items():
            np.testing.assert_allclose(*map(_as_numbers, (real[key], values)), rtol=1e-9, atol=1e-12, err_msg=key)


def _as_numbers(values: object) -> np.ndarray:
    """Numbers as JSON has them: one that does not exist is None there, alone or within a list."""
    return np.array(values, dtype=float)


def test_numbers_that_do_not_exist_are_compared_too():
    np.testing.assert_array_equal(_as_numbers([0.5, None]), [0.5, np.nan])
    assert np.isnan(_as_numbers(None))
