"""Progress: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def show_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress function for :func:`prldh.analyze`, writing to standard error."""
    if sys.stderr.isatty():
        with _bars() as told:
            yield told
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, int] = {}

        def told(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield told


def _lines() -> Callable[[str, int, int], None]:
    """One line when a stage starts, then at most one every ten seconds, with the time left."""
    started: dict[str, float] = {}
    last = {"time": 0.0}

    def told(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        is_new = stage not in started
        started.setdefault(stage, now)
        if is_new or now - last["time"] > 10:
            last["time"] = now
            spent = now - started[stage]
            left = f", about {spent / done * (total - done):.0f} s left" if done and total > done else ""
            print(f"{stage}: {done}/{total}{left}", file=sys.stderr, flush=True)

    return told
