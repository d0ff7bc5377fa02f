"""Commands where little is as usual: no home, another language, one column, no place for temporary files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
PLAIN = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
CHECKLIST = ("checklist", "run", "--standard", "clear", "--out", "mine.html")
PLAN = ("plan", "study.yaml", "--out", "mine.json")


@pytest.fixture
def here(made, tmp_path):
    return shutil.copytree(made[0].parent, tmp_path / "work")


@posix
@pytest.mark.parametrize(
    ("changes", "command"),
    [
        (PLAIN, CHECKLIST),
        (PLAIN | {"PYTHONIOENCODING": "ascii"}, PLAN),
        ({"HOME": None, "XDG_CACHE_HOME": None, "COLUMNS": "1", "TERM": "dumb"}, PLAN),
        ({"TMPDIR": "/nowhere/at/all", "R_HOME": "/nowhere", "PATH": "/nowhere"}, PLAN),
    ],
)
def test_a_command_does_its_work(here, changes, command):
    surroundings = {k: v for k, v in (os.environ | changes).items() if v is not None}
    done = subprocess.run(
        [sys.executable, "-m", "prldh", *command],
        cwd=here,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        preexec_fn=lambda: os.umask(0o077),
    )
    assert done.returncode == 0 and b"Traceback" not in done.stderr and done.stdout, done.stderr
    assert (here / command[-1]).stat().st_mode & 0o777 == 0o600
