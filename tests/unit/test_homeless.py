"""A home that is not there, may not be entered or is not known, as in a container with a user of its own: nothing is
kept, which is told once, and nothing fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prldh.core import NOWHERE, cache_folder
from prldh.work.kept import KeptWork

LIBRARIES = """
import os, pwd, sys
def nobody(*_): raise KeyError("nobody")
if len(sys.argv) > 1: pwd.getpwuid = nobody
real = os.access
os.access = lambda path, mode, **more: mode != os.W_OK and real(path, mode, **more)   # our own folder cannot be written
import prldh.core
os.access = real
print(os.environ["MPLCONFIGDIR"], os.environ["NUMBA_CACHE_DIR"], prldh.core.cache_folder("x"))
import matplotlib
print(matplotlib.get_configdir())
"""


@pytest.mark.parametrize("home", ["a file", "no name", "/proc/self"])
def test_libraries_are_given_a_folder_that_ends_with_the_process(home, tmp_path):
    (tmp_path / "file").write_text("")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PRLDH", "MPLCONFIG", "NUMBA_C", "XDG"))}
    environment |= {"TMPDIR": str(tmp_path), "HOME": {"a file": str(tmp_path / "file")}.get(home, home)}
    if home == "no name":
        del environment["HOME"]
    arguments = ["nobody"] if home == "no name" else []
    done = subprocess.run(
        [sys.executable, "-c", LIBRARIES, *arguments], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    matplotlib, numba, kept, used = done.stdout.split()
    assert kept == str(NOWHERE / "x") and matplotlib == used
    assert Path(matplotlib).parent.parent == Path(numba).parent.parent == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["file"], "something was left"


def test_that_nothing_is_kept_is_told_once(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("PRLDH_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    assert cache_folder("resamples") == NOWHERE / "resamples"
    told: list[str] = []
    kept = KeptWork("a" * 64, told.append)
    for key in ("one", "two"):
        kept.keep(key, [1.0])
        assert kept.find(key) is None
    assert len(told) == 1 and "no home that can be written" in told[0] and "PRLDH_CACHE" in told[0]
