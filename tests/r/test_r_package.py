"""The R package: its own tests, and R CMD check."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.r

PACKAGE = Path(__file__).parents[2] / "r"

# Sourced, not installed: what the engine does too
RUN_TESTS = """
engine <- new.env(parent = globalenv())
for (file in list.files(file.path(commandArgs(TRUE), "R"), full.names = TRUE)) sys.source(file, engine)
testthat::test_dir(file.path(commandArgs(TRUE), "tests", "testthat"), env = new.env(parent = engine),
                   reporter = testthat::CheckReporter$new(), stop_on_failure = TRUE)
"""


def _run(*command: str | Path, cwd: Path, **environment: str) -> str:
    if shutil.which("R") is None:
        pytest.skip(
            "R is not installed: apt-get install r-base-core r-cran-proc r-cran-glmnet r-cran-testthat r-cran-jsonlite"
        )
    kept = {k: v for k, v in os.environ.items() if k != "R_HOME"}  # an embedded R sets it, and R then warns
    environment = {"TZ": "UTC", **kept, **environment}
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=900
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    return told


def test_testthat(tmp_path):
    script = tmp_path / "run.R"
    script.write_text(RUN_TESTS)
    told = _run("Rscript", script, PACKAGE, cwd=tmp_path)
    assert "FAIL 0" in told and "SKIP 0" in told, told


def test_every_export_has_a_file_of_its_own():
    exports = {line[7:-1] for line in (PACKAGE / "NAMESPACE").read_text().splitlines() if line.startswith("export(")}
    assert exports == {path.stem for path in (PACKAGE / "man").glob("*.Rd")}
    assert exports <= {path.stem for path in (PACKAGE / "R").glob("*.R")}


def test_r_cmd_check(tmp_path):
    _run("R", "CMD", "build", "--no-build-vignettes", PACKAGE, cwd=tmp_path)
    (archive,) = tmp_path.glob("prldh_*.tar.gz")
    # its tests ran above
    told = _run(
        "R", "CMD", "check", "--no-manual", "--no-tests", archive, cwd=tmp_path, _R_CHECK_FORCE_SUGGESTS_="false"
    )
    status = [line for line in told.splitlines() if line.startswith("Status:")]
    assert status and "ERROR" not in status[0] and "WARNING" not in status[0], told
