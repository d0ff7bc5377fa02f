"""Kernels kept as machine code are the functions that they were compiled from, and leave numba's own code alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
pytest.importorskip("llvmlite", reason="numba's compiler is not installed")

#: Says whether the kernels came without numba, and what a function of numba's gives that allocates.
SCRIPT = """
import importlib
import sys
import numpy as np
from prldh_pyradiomics import machine_code

for name in sys.argv[1:]:
    importlib.import_module("prldh_pyradiomics." + name)
machine_code._bind()
is_without = "numba" not in sys.modules
import numba

@numba.njit
def allocates(n):
    values = [x + 1.0 for x in np.zeros(n)]
    if n > 100:
        raise ValueError("many")
    return np.array(values).sum() + len(values)

try:
    allocates(101)
except ValueError as error:
    print(is_without, allocates(10), error)
"""


def test_numba_allocates_and_raises_beside_kernels_that_were_loaded(tmp_path):
    """A second process has the kernels without numba, whichever of their modules it imported first; the symbols of
    numba's runtime that they name stay numba's."""
    import prldh_pyradiomics

    package = tmp_path / "prldh_pyradiomics"
    shutil.copytree(Path(prldh_pyradiomics.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        "PRLDH_CACHE": str(tmp_path / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",  # as in many containers, where Python makes no folder for code
    }
    said = []
    for names in (["kernels", "sums"], ["sums", "kernels"]):
        done = subprocess.run([sys.executable, "-c", SCRIPT, *names], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.strip())
    assert said == ["False 20.0 many", "True 20.0 many"]
    assert len(list((package / "__pycache__").glob("kernels.*.code"))) == 1 and not (tmp_path / "cache").exists()
