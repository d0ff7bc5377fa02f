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

pytestmark = pytest.mark.ci

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


@pytest.mark.parametrize("temporary", ["not there", "a file"])
def test_a_folder_for_temporary_files_that_is_not_there(temporary, tmp_path):
    """Python takes another; where none can be written, that is said (test_faults.py)."""
    (tmp_path / "a file").write_text("")
    environment = {**os.environ, "TMPDIR": str(tmp_path / temporary)}
    for arguments in (["--version"], ["demo", "--data-only", str(tmp_path / "data")]):
        command = [sys.executable, "-m", "prldh", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == "", done.stderr
    assert (tmp_path / "data" / "published" / "study.yaml").is_file()


def test_a_working_directory_that_was_removed(tmp_path):
    """Paths that start anywhere else are read; of one that starts there is one message."""
    gone, script = tmp_path / "gone", "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.executable, sys.argv[1:])"
    told = {}
    for path in ("study.yaml", str(tmp_path / "study.yaml")):
        gone.mkdir()
        command = [sys.executable, "-c", script, sys.executable, "-m", "prldh", "analyze", path, "--out", "out"]
        done = subprocess.run(command, cwd=gone, capture_output=True, text=True)
        assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
        told[path] = done.stderr
    assert "working directory" in told["study.yaml"] and "Change to a folder" in told["study.yaml"]
