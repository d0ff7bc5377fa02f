"""Progress: bars on a terminal, plain lines elsewhere, both with the time left."""

from __future__ import annotations

import html
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from prldh.core import Progress, printable, untold

#: After so many seconds without news the step that is being worked on is told again, where every step is a line.
SILENCE_S = 2.0
#: A notebook's line changes at most once in so many seconds.
EVERY_S = 0.2


@dataclass
class Pace:
    """How fast a stage goes, from what was computed since it began.

    Work that was found kept takes no time: it comes in the first call, or as a step of more than one, and does not
    count.
    """

    done: int
    started: float = field(default_factory=lambda: time.monotonic())
    computed: int = 0

    def left(self, done: int, total: int) -> float | None:
        """Seconds left, None where nothing says so."""
        if done - self.done == 1:
            self.computed += 1
        self.done = done
        return (
            (time.monotonic() - self.started) / self.computed * (total - done)
            if self.computed and total > done
            else None
        )


@contextmanager
def show_progress(stream: TextIO | None = None, *, is_verbose: bool = False) -> Iterator[Progress]:
    """A progress function for :func:`prldh.analyze`.

    Parameters
    ----------
    stream
        Where it writes to; None: standard error.
    is_verbose
        A line for every step, with the time since the start, on terminals too.
    """
    shown_on = stream or sys.stderr
    notebook = None if stream is not None or is_verbose else _notebook()
    if notebook is not None:
        yield one_line(notebook)
    elif is_verbose:
        with alive(all_lines(lambda line: print(line, file=shown_on, flush=True))) as progress:
            yield progress
    elif shown_on.isatty():
        with _bars(shown_on) as progress:
            yield progress
    else:
        yield few_lines(lambda line: print(line, file=shown_on, flush=True))


def unasked() -> Progress:
    """The progress function of whoever gave none: a line that changes in a notebook, nothing elsewhere."""
    notebook = _notebook()
    return untold if notebook is None else one_line(notebook)


def _notebook() -> Any:
    """IPython's ``display`` where this is a notebook's process, else None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display  # a notebook has it

    return display


class _Line:
    """What a notebook shows: what was said, and how far it is."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        self.lines = lines

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        return "<br>".join(f"<small>{html.escape(line)}</small>" for line in self.lines)


def one_line(display: Callable[..., Any]) -> Progress:
    """A line that changes in place, with the time left, beneath the sentences that were said; ``display``:
    IPython's."""
    paces: dict[str, Pace] = {}
    said: list[str] = []
    handle: Any = None
    shown_at, started = 0.0, time.monotonic()

    def put(line: str) -> None:
        nonlocal handle, shown_at
        shown_at = time.monotonic()
        content = _Line((*said, *([line] if line else ())))
        if handle is None:
            handle = display(content, display_id=True)
        else:
            handle.update(content)

    def show(stage: str, done: int, total: int) -> None:
        stage = printable(stage)
        if not total:
            said.append(stage)
            put("")
            return
        is_new = stage not in paces
        left = paces.setdefault(stage, Pace(done)).left(done, total)
        if is_new or done == total or time.monotonic() - shown_at > EVERY_S:
            more = f", about {spell(left)} left" if left is not None else ""
            put(f"{stage}: {done} of {total}{more} ({spell(time.monotonic() - started)})")

    return show


@contextmanager
def _bars(stream: TextIO) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    # what is printed meanwhile goes where it went, above the bars: rich would send standard output to their stream
    with Bars(*columns, console=Console(file=stream), redirect_stdout=stream is sys.stdout) as bars:
        tasks: dict[str, TaskID] = {}
        paces: dict[str, Pace] = {}

        def show(stage: str, done: int, total: int) -> None:
            stage = printable(stage)
            if not total:
                bars.console.print(stage, markup=False, highlight=False)
                return
            if stage not in tasks:
                tasks[stage], paces[stage] = bars.add_task(stage, total=total, left=""), Pace(done)
            left = paces[stage].left(done, total)
            bars.update(tasks[stage], completed=done, total=total, left="" if left is None else f"{spell(left)} left")

        yield show


def all_lines(write: Callable[[str], None]) -> Progress:
    """Every step as a line, with the time since the start."""
    started = time.monotonic()

    def show(stage: str, done: int, total: int) -> None:
        count = f": {done}/{total}" if total else ""
        write(f"[{time.monotonic() - started:8.1f} s] {printable(stage)}{count}")

    return show


@contextmanager
def alive(progress: Progress, after_s: float = SILENCE_S) -> Iterator[Progress]:
    """The same, told again of a stage that is not over when ``after_s`` seconds passed without news."""
    last: list[Any] = [time.monotonic(), ("", 0, 0)]
    telling, is_over = threading.Lock(), threading.Event()

    def show(stage: str, done: int, total: int) -> None:
        with telling:
            progress(stage, done, total)
            last[:] = [time.monotonic(), (stage, done, total) if total else last[1]]

    def watch() -> None:
        while not is_over.wait(after_s / 4):
            with telling:
                when, (stage, done, total) = last
                if done < total and time.monotonic() - when >= after_s:
                    progress(stage, done, total)
                    last[0] = time.monotonic()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield show
    finally:
        is_over.set()
        watcher.join()


def few_lines(write: Callable[[str], None]) -> Progress:
    """One line when a stage starts, then at most one every ten seconds, with the time left, and one at the end of a
    long stage."""
    paces: dict[str, Pace] = {}
    last = {"time": 0.0}

    def show(stage: str, done: int, total: int) -> None:
        stage = printable(stage)
        if not total:
            write(stage)
            return
        now = time.monotonic()
        is_new = stage not in paces
        left = paces.setdefault(stage, Pace(done)).left(done, total)
        spent = now - paces[stage].started
        is_over = done == total and spent > 10
        if is_new or is_over or now - last["time"] > 10:
            last["time"] = now
            more = f", {spell(spent)}" if is_over else "" if left is None else f", about {spell(left)} left"
            write(f"{stage}: {done}/{total}{more}")

    return show


def spell(seconds: float) -> str:
    """A length of time, no finer than it matters: 42 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
