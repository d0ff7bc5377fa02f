"""What a command tells while it runs and at its end: on the terminal, quietly or at length, and in a log."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import click

from prldh.core import OutputError, PrldhError, Progress, check_target, printable
from prldh.work.progress import all_lines, few_lines, show_progress

#: How a log begins: others' files are never written to.
MARK = "# prldh log"


class Teller:
    """Where a command's words go. A context: what is raised within it ends the log.

    Parameters
    ----------
    is_quiet
        Nothing is printed but messages of errors.
    is_verbose
        Every step is a line of its own.
    log
        A file to which all of it is written as well, with the time, and whatever anybody prints to standard error
        meanwhile, worker processes too; after what an earlier command wrote there.

    Raises
    ------
    OutputError
        If the log cannot be written, or is a file of somebody else's.
    """

    def __init__(self, is_quiet: bool = False, is_verbose: bool = False, log: Path | None = None) -> None:
        self.is_quiet, self.is_verbose, self.path = is_quiet, is_verbose, log
        self._log: TextIO | None = None
        self._aside: _Aside | None = None

    def __enter__(self) -> Teller:
        if self.path is not None:
            self._log = _open_log(self.path)
            self._write(f"{MARK}: {' '.join(map(printable, sys.argv[1:]))}", is_plain=True)
            self._aside = _Aside(self._write) if _is_standard(sys.stderr) else None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if self._aside is not None:
            self._aside.close()
        if self._log is not None:
            if error is not None:
                unnamed = error.unnamed if isinstance(error, PrldhError) else None
                self._write(f"stopped: {unnamed or error or type(error).__name__}")
            self._log.close()

    @property
    def is_kept(self) -> bool:
        """Whether what is said stays somewhere, and files are not named in it: their names may be patients'."""
        return self._log is not None or not sys.stdout.isatty()

    @property
    def stream(self) -> TextIO:
        """Standard error as it was before the log listened to it."""
        return sys.stderr if self._aside is None else self._aside.stream

    def say(self, text: str) -> None:
        """Print lines that may repeat names that somebody gave: a terminal obeys none of it."""
        text = printable(text, keep="\n")
        for line in text.split("\n"):
            self._write(line)
        if not self.is_quiet:
            click.echo(text)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A progress function for as long as something runs; what is said afterwards stands below it."""
        logged = all_lines(self._write) if self.is_verbose else few_lines(self._write)
        if self.is_quiet:
            yield logged
            return
        with show_progress(self.stream, is_verbose=self.is_verbose) as shown:

            def both(stage: str, done: int, total: int) -> None:
                shown(stage, done, total)
                logged(stage, done, total)

            yield both

    def _write(self, line: str, is_plain: bool = False) -> None:
        if self._log is not None:
            with suppress(OSError, ValueError):  # a full disk stops no run for its log
                stamp = "" if is_plain else time.strftime("%Y-%m-%d %H:%M:%S ")
                print(stamp + printable(line), file=self._log, flush=True)


def _open_log(path: Path) -> TextIO:
    check_target(path, "--log", marks=(MARK.encode(),), force=None, may_be_empty=True)
    try:
        return path.open("a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OutputError(f"--log {path} cannot be written: {error.strerror}. Give another name.") from None


def _is_standard(stream: TextIO | None) -> bool:
    """Whether a stream is that of the process: a notebook's and a test's have no handle."""
    with suppress(OSError, ValueError, AttributeError):
        return stream is not None and stream.fileno() == 2
    return False


class _Aside:
    """Standard error, of this process and of those that it starts, passed on to where it went and to the log."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write, self._unfinished = write, b""
        sys.stderr.flush()
        self.stream: TextIO = os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors="backslashreplace")
        self._read, into = os.pipe()
        self._stop, self._stopped = os.pipe()
        os.dup2(into, 2)
        os.close(into)
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()

    def _pass_on(self) -> None:
        """Until it is told to stop and nothing is left: processes that were started may hold the pipe for longer."""
        is_stopping = False
        while True:
            ready, _, _ = select.select([self._read, self._stop], [], [], 0 if is_stopping else None)
            if self._read in ready:
                content = os.read(self._read, 1 << 16)
                if not content:
                    return
                with suppress(OSError):
                    os.write(self.stream.fileno(), content)
                *lines, self._unfinished = (self._unfinished + content).split(b"\n")
                for line in lines:
                    self._write(line.decode("utf-8", "backslashreplace"))
            elif is_stopping:
                return
            is_stopping = is_stopping or self._stop in ready

    def close(self) -> None:
        """Give standard error back."""
        sys.stderr.flush()
        os.dup2(self.stream.fileno(), 2)
        os.write(self._stopped, b"x")
        self._thread.join()
        if self._unfinished:
            self._write(self._unfinished.decode("utf-8", "backslashreplace"))
        self.stream.close()
        for handle in (self._read, self._stop, self._stopped):
            os.close(handle)
