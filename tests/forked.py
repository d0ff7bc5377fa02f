"""Commands in forked processes: what hangs, dies or changes the process under it ends with the case, and nothing has to
be imported again."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prldh.cli import main


@dataclass(frozen=True)
class Told:
    """How a command ended: ``code`` None where it did not within its time."""

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
    arguments: Sequence[str], folder: Path, seconds: float = 60, before: Callable[[], None] | None = None
) -> Told:
    """``prldh ARGUMENTS`` in a process of its own, after ``before`` there; ``folder`` is where its output is kept."""
    names = [folder / ".out", folder / ".err"]
    started = time.monotonic()
    child = os.fork()
    if not child:
        os.setsid()
        for target, name in zip((1, 2), names, strict=True):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), target)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = 70
        try:
            import sys

            sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
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
                    pass
            os._exit(code)
    code = _wait(child, started + seconds)
    out, err = (name.read_bytes().decode(errors="backslashreplace") if name.exists() else "" for name in names)
    for name in names:
        name.unlink(missing_ok=True)
    return Told(code, out, err, time.monotonic() - started)


def _wait(child: int, until: float) -> int | None:
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
