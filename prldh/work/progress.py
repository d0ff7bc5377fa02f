"""Progress: bars on a terminal, plain lines elsewhere, both with the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prldh.core import printable


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
def show_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress function for :func:`prldh.analyze`, writing to standard error."""
    if sys.stderr.isatty():
        with _bars() as progress:
            yield progress
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
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


def _lines() -> Callable[[str, int, int], None]:
    """One line when a stage starts, then at most one every ten seconds, with the time left, and one at the end of a
    long stage."""
    paces: dict[str, Pace] = {}
    last = {"time": 0.0}

    def show(stage: str, done: int, total: int) -> None:
        stage = printable(stage)
        if not total:
            print(stage, file=sys.stderr, flush=True)
            return
        now = time.monotonic()
        is_new = stage not in paces
        left = paces.setdefault(stage, Pace(done)).left(done, total)
        spent = now - paces[stage].started
        is_over = done == total and spent > 10
        if is_new or is_over or now - last["time"] > 10:
            last["time"] = now
            more = f", {spell(spent)}" if is_over else "" if left is None else f", about {spell(left)} left"
            print(f"{stage}: {done}/{total}{more}", file=sys.stderr, flush=True)

    return show


def spell(seconds: float) -> str:
    """A length of time, no finer than it matters: 42 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
