"""Commands in forked processes: what hangs, dies or changes the process under it ends with the case, and nothing has to
be imported again. A fork costs milliseconds where a start of Python and its libraries costs a second."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prldh.cli import main

#: Beyond this a command hangs: seconds of CPU; by the clock where it waits for something, and where it only waits for a
#: processor.
CPU_LIMIT, WAITING_LIMIT, CLOCK_LIMIT = 30, 60, 900
#: What a command may address, so that a bomb of any kind is an error of memory and not the end of the machine.
MEMORY = 6 * 2**30


@dataclass(frozen=True)
class Told:
    """How a command ended: ``code`` its exit status, negative where a signal ended it, None where it hung."""

    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def kind(self) -> str:
        """``message``, ``done``, ``traceback``, ``hang`` or, where a signal ended it, ``killed``."""
        if self.code is None:
            return "hang"
        if "Traceback" in self.err or "Traceback" in self.out:
            return "traceback"
        return "killed" if self.code < 0 else "done" if self.code == 0 else "message"

    @property
    def message(self) -> str:
        """The last line on standard error."""
        return (self.err.strip().splitlines() or [""])[-1]


def run_forked(
    arguments: Sequence[str], scratch: Path, before: Callable[[], None] | None = None, within: Path | None = None
) -> Told:
    """``prldh ARGUMENTS`` in a process of its own, in the folder ``within``, after ``before`` there; ``scratch`` is
    where what it prints is kept."""
    names = [scratch / ".out", scratch / ".err"]
    gc.freeze()  # or collecting in the copy writes to every page, which copies it
    started = time.monotonic()
    child = os.fork()
    if not child:
        _be_the_command(arguments, names, before, within)
    code = _wait(child, started)
    out, err = (name.read_bytes().decode(errors="backslashreplace") if name.exists() else "" for name in names)
    for name in names:
        name.unlink(missing_ok=True)
    return Told(code, out, err, time.monotonic() - started)


def _be_the_command(
    arguments: Sequence[str], names: Sequence[Path], before: Callable[[], None] | None, within: Path | None
) -> None:
    """Never returns."""
    code = 70  # of a command that ended by an error of its own
    try:
        os.setsid()
        for target, name in zip((1, 2), names, strict=True):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), target)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin, sys.stdout, sys.stderr = (open(k, mode) for k, mode in enumerate("rww"))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, CPU_LIMIT + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if within is not None:
            os.chdir(within)
        if before is not None:
            before()
        sys.argv = ["prldh", *arguments]
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        os.write(2, traceback.format_exc().encode(errors="backslashreplace"))
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code = code or 70
        os._exit(code)


def _wait(child: int, started: float) -> int | None:
    """How the child ended; None where it had to be ended."""
    pause, n_asleep = 0.001, 0
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return None if code in (-signal.SIGXCPU, -signal.SIGKILL) else code
        seconds = time.monotonic() - started
        n_asleep = n_asleep + 1 if seconds > WAITING_LIMIT and _is_asleep(child) else 0
        if n_asleep > 100 or seconds > CLOCK_LIMIT:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(pause)
        pause = min(0.02, 1.5 * pause)


def _is_asleep(child: int) -> bool:
    try:
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] in "SD"
    except OSError:  # it ended, or there is no such folder here
        return False
