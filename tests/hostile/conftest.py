"""A small finished run, made once for the tests that alter, write and break off."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A finished run, in the folder of its study, and the cohort file of new patients that were predicted."""
    from small_run import make_run

    return make_run(tmp_path_factory.mktemp("made"))
