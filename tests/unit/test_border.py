"""What a stranger's step prints, however it prints, goes to standard error: standard output is the command's."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from prldh.cli import PrldhGroup
from prldh.core import PluginError
from prldh.plugins.border import printing_aside
from prldh.plugins.promises import guarded
from prldh.work.work import Workers, run_work

pytestmark = pytest.mark.skipif(os.name != "posix", reason="compiled code is asked by a C library's name")


def _print(word: str) -> None:
    print(f"{word} python", flush=True)
    os.write(1, f"{word} handle\n".encode())
    ctypes.CDLL(None).puts(f"{word} compiled".encode())
    subprocess.run([sys.executable, "-c", f"print('{word} program')"], check=True)


def test_every_way_of_printing_goes_to_standard_error(capfd):
    print("before")
    with printing_aside(), printing_aside():
        _print("aside")
    print("after", flush=True)
    out, err = capfd.readouterr()
    assert out == "before\nafter\n"
    assert sorted(err.splitlines()) == ["aside compiled", "aside handle", "aside program", "aside python"]


def _work(k: int) -> int:
    os.write(1, b"a worker\n")
    return k


def test_what_a_worker_prints_goes_there_too(new_workers, capfd):
    assert run_work(_work, [1, 2, 3], Workers(2), lambda done: None) == [1, 2, 3]
    out, err = capfd.readouterr()
    assert out == "" and err.count("a worker\n") == 3


def _interrupted_in_compiled_code(_: int) -> None:
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt as stop:
        inner = SystemError("<function …> returned a result with an exception set")
        inner.__cause__ = stop
        raise SystemError("CPUDispatcher(…) returned a result with an exception set") from inner


def _broken(_: int) -> None:
    raise SystemError("bad argument to internal function")


def test_an_interruption_in_compiled_code_is_one():
    """numba makes a SystemError of a Ctrl-C that arrives while it runs."""
    with pytest.raises(KeyboardInterrupt):
        run_work(_interrupted_in_compiled_code, [1], Workers(1), lambda done: None)
    with pytest.raises(SystemError):
        run_work(_broken, [1], Workers(1), lambda done: None)
    with pytest.raises(SystemError), guarded("step", pytest.Item):
        _interrupted_in_compiled_code(1)
    with pytest.raises(PluginError), guarded("step", pytest.Item):
        _broken(1)


def test_the_command_says_that_it_was_interrupted():
    group = PrldhGroup(commands={"stop": click.Command("stop", callback=lambda: _interrupted_in_compiled_code(1))})
    told = CliRunner().invoke(group, ["stop"])
    assert told.exit_code == 130 and "interrupted; nothing was left half written" in told.output


def test_an_interruption_before_the_command_begins_is_told_alike(monkeypatch):
    monkeypatch.setattr(click.Group, "parse_args", lambda *_: _interrupt())
    told = CliRunner().invoke(PrldhGroup(commands={}), ["stop"])
    assert told.exit_code == 130 and "interrupted; nothing was left half written" in told.output


def _interrupt() -> None:
    raise KeyboardInterrupt
