"""A command of prldh in a child of this process, which has everything imported, and what came of it.

A fork costs milliseconds where a start of Python and its libraries costs a second: thousands of hostile inputs are
tried in minutes.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Beyond this a command hangs: seconds of CPU; by the clock where it waits for something, and where it only waits for a
#: processor.
CPU_LIMIT, WAITING_LIMIT, CLOCK_LIMIT = 30, 60, 900
#: What a command may address, so that a bomb of any kind is an error of memory and not the end of the machine.
MEMORY = 6 * 2**30


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit status (negative: the signal that ended it), what it printed, and how long it
    took."""

    status: int
    output: str
    errors: str
    seconds: float
    hung: bool


def run(arguments: Sequence[str], folder: Path, scratch: Path, is_drawn: bool = True) -> Ended:
    """``prldh ARGUMENTS`` in ``folder``; what it prints is kept in ``scratch``. Figures are drawn, or blank."""
    out, err = scratch / "stdout", scratch / "stderr"
    started = time.monotonic()
    child = os.fork()
    if not child:
        _be_the_command(arguments, folder, out, err, is_drawn)
    status, hung = _wait(child, started)
    seconds = time.monotonic() - started
    read = [path.read_bytes().decode("utf-8", "backslashreplace") for path in (out, err)]
    return Ended(status, *read, seconds, hung or status in (-signal.SIGXCPU, -signal.SIGKILL))


def _wait(child: int, started: float) -> tuple[int, bool]:
    pause, hung, n_asleep = 0.001, False, 0
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), hung
        seconds = time.monotonic() - started
        n_asleep = n_asleep + 1 if seconds > WAITING_LIMIT and _is_asleep(child) else 0
        if not hung and (n_asleep > 100 or seconds > CLOCK_LIMIT):
            hung = True
            os.killpg(child, signal.SIGKILL)
        time.sleep(pause)
        pause = min(0.02, 1.5 * pause)


def _is_asleep(child: int) -> bool:
    try:
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] in "SD"
    except OSError:  # it ended, or there is no such folder here
        return False


def _be_the_command(arguments: Sequence[str], folder: Path, out: Path, err: Path, is_drawn: bool) -> None:
    """Never returns."""
    status = 70  # of a command that ended by an error of its own
    try:
        os.setsid()
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        for number, path in ((1, out), (2, err)):
            handle = os.open(path, flags, 0o600)
            os.dup2(handle, number)
            os.close(handle)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, CPU_LIMIT + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(folder)
        sys.argv = ["prldh", *arguments]
        from prldh.cli import main

        if not is_drawn:
            _write_blank_figures()

        main()
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except BaseException:
                status = status or 70
        os._exit(status)


def _write_blank_figures() -> None:
    import prldh.report.figures as figures

    def write_blank(drawings, drawn, words, settings, folder, *_) -> None:
        for drawing in drawings:
            for name in dict.fromkeys([f"{drawing.name}.svg", *(name for name, *_ in settings.files(drawing.name))]):
                (folder / name).write_text('<svg width="100pt" height="50pt" viewBox="0 0 100 50"></svg>')

    figures._write_all = write_blank
