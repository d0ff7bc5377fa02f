"""The R package, installed once for the tests that need it so."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "r"


def _run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a command of R prints; it has to end well."""
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


@pytest.fixture(scope="session")
def run_r() -> Callable[..., str]:
    return _run


@pytest.fixture(scope="session")
def r_library(tmp_path_factory) -> Path:
    """A library of R with the package of this checkout."""
    library = tmp_path_factory.mktemp("library")
    _run("R", "CMD", "INSTALL", "--no-docs", f"--library={library}", PACKAGE, cwd=library)
    return library
