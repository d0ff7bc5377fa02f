"""What a command tells: on the terminal, quietly, at length, and in a log that holds what others print too."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from prldh.cli import cli
from prldh.core import DataError, OutputError
from prldh.work import Teller
from prldh.work.telling import MARK

STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", re.M)
SCRIPT = """
import os, subprocess, sys
from pathlib import Path
from prldh.work import Teller
how = sys.argv[1]
with Teller(how == "quiet", how == "verbose", Path(sys.argv[2]) if len(sys.argv) > 2 else None) as teller:
    with teller.progress() as progress:
        progress("models", 0, 2)
        print("a plugin", file=sys.stderr)
        os.write(2, b"compiled code\\n")
        subprocess.run([sys.executable, "-c", "import sys; print('a worker', file=sys.stderr)"])
        progress("models", 1, 2)
    teller.say("done\\n\\x1b[31mred")
print("afterwards", file=sys.stderr)
"""


def run(*arguments: str) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_a_log_holds_all_that_was_told(tmp_path):
    log = tmp_path / "run.log"
    out, err = run("", str(log))
    assert out == "done\n\\x1b[31mred\n"
    assert err.splitlines() == ["models: 0/2", "a plugin", "compiled code", "a worker", "afterwards"]
    first, *lines = log.read_text().splitlines()
    assert first.startswith(MARK) and all(STAMP.match(line) for line in lines)
    told = [STAMP.sub("", line) for line in lines]  # what others print comes through a pipe, some moments later
    assert [line for line in told if not line.startswith(("a ", "comp"))] == ["models: 0/2", "done", "\\x1b[31mred"]
    assert [line for line in told if line.startswith(("a ", "comp"))] == ["a plugin", "compiled code", "a worker"]
    run("", str(log))
    assert log.read_text().count(MARK) == 2, "a second command writes after the first"


def test_quiet_and_verbose():
    assert run("quiet") == ("", "a plugin\ncompiled code\na worker\nafterwards\n")
    out, err = run("verbose")
    steps = [line for line in err.splitlines() if line.startswith("[")]
    assert out == "done\n\\x1b[31mred\n" and [line.split("] ")[1] for line in steps] == ["models: 0/2", "models: 1/2"]


def test_what_stopped_a_command_is_in_its_log(tmp_path):
    log = tmp_path / "run.log"
    with pytest.raises(DataError), Teller(log=log):
        raise DataError("clinical.csv: no rows. Give patients.")
    assert STAMP.sub("", log.read_text()).splitlines()[-1] == "stopped: clinical.csv: no rows. Give patients."


@pytest.mark.parametrize("place", ["study.yaml", "folder", "none/run.log", "/dev/null"])
def test_a_log_replaces_nothing_and_is_a_file(place, tmp_path):
    (tmp_path / "study.yaml").write_text("title: a\n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="^--log ") as told, Teller(log=tmp_path / place):
        pass
    assert "--force" not in str(told.value) and (tmp_path / "study.yaml").read_text() == "title: a\n"


def test_commands_take_the_options(tmp_path):
    def prldh(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["demo", "--data-only", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    log = tmp_path / "run.log"
    assert prldh(str(tmp_path / "a"), "--quiet", "--log", str(log)) == ""
    told = prldh(str(tmp_path / "b"))
    assert (
        STAMP.sub("", log.read_text()).splitlines()[1:] == told.replace(f"{tmp_path}/b", f"{tmp_path}/a").splitlines()
    )
    both = CliRunner().invoke(cli, ["demo", "--quiet", "--verbose"])
    assert both.exit_code == 2 and "exclude each other" in both.output


@pytest.mark.parametrize("command", ["analyze", "extract", "apply", "demo"])
def test_what_takes_long_has_the_options(command):
    told = CliRunner().invoke(cli, [command, "--help"]).output
    assert all(option in told for option in ("--quiet", "--verbose", "--log"))


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals here")
def test_what_is_printed_beside_bars_goes_to_standard_output(tmp_path):
    """Bars on a terminal, results into a file: rich would send both to the terminal."""
    ours, theirs = os.openpty()
    script = (
        "from prldh.work import Teller\n"
        "with Teller() as teller, teller.progress() as progress:\n"
        "    progress('models', 1, 2)\n"
        "    print('a result')\n"
    )
    with (tmp_path / "out").open("w") as out:
        subprocess.run([sys.executable, "-c", script], stdout=out, stderr=theirs, timeout=120, check=True)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert (tmp_path / "out").read_text() == "a result\n" and "models" in shown and "a result" not in shown


def test_with_a_log_no_files_are_named_on_a_terminal_either(tmp_path, monkeypatch):
    """What is said there stands in the log as well, and a file's name may be a patient's."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with Teller() as quiet, Teller(log=tmp_path / "run.log") as logged:
        assert (quiet.is_kept, logged.is_kept) == (False, True)
