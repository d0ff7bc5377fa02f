"""What engines are asked, spread over processes where it takes long.

R has one thread, and its part is most of a run: a worker process has an R of its own, and Python's part goes on beside
it. Whoever answers is told everything with the question, so that the answers are the same wherever they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prldh.core import PrldhError, Warn, one_thread
from prldh.engines import ClusteredEngine, PythonEngine, StatisticsEngine
from prldh.plugins import is_strangers
from prldh.work import Workers, run_work


@dataclass(frozen=True)
class Question:
    """``ask`` of an engine like ``engine``, or of Python's learners where that is None; what it remarks on is then
    found with ``engine``. ``size``: how long it takes, beside others; ``is_here``: what it needs is too much to send to
    another process."""

    ask: Callable[[StatisticsEngine], Any]
    engine: StatisticsEngine | None
    size: float = 0.0
    is_here: bool = False


@dataclass(frozen=True)
class _Task:
    """A question as another process is given it."""

    ask: Callable[[StatisticsEngine], Any]
    engine: StatisticsEngine


@dataclass(frozen=True)
class _Answer:
    """What came of a question, or the error that did; what the engine remarked on, and what it was asked for."""

    value: Any
    error: PrldhError | None
    remarks: list[Warn]
    called: set[str]


def ask_all(questions: Sequence[Question], workers: Workers, progress: Callable[[int, int], None]) -> list[Any]:
    """The answers, in the order of the questions; the longest are asked first, those of an engine that a plugin brought
    here.

    Raises
    ------
    PrldhError
        Of the first question that has one, in their order.
    """
    n, answers = len(questions), dict[int, Any]()
    here = [i for i, q in enumerate(questions) if q.is_here or (q.engine and is_strangers(q.engine.plain))]
    spread = sorted(set(range(n)) - set(here), key=lambda i: -questions[i].size)
    tasks = [_Task(questions[i].ask, _new(questions[i].engine)) for i in spread]
    if n:
        progress(0, n)
    with Workers(workers.jobs, say=workers.say, tries_here=True) as processes:
        found = dict(zip(spread, run_work(_ask, tasks, processes, lambda done: progress(done, n)), strict=True))
    for i, answer in sorted(found.items()):
        engine = questions[i].engine
        if answer.error is not None:
            raise answer.error
        if engine is not None:
            engine.plain.warnings += answer.remarks
            engine.plain.called |= answer.called
        answers[i] = answer.value
    for done, i in enumerate(here, start=len(spread) + 1):
        answers[i] = questions[i].ask(questions[i].engine or PythonEngine())
        progress(done, n)
    return [answers[i] for i in range(n)]


def _new(engine: StatisticsEngine | None) -> StatisticsEngine:
    """An engine like it that nothing was asked of."""
    if isinstance(engine, ClusteredEngine):
        return ClusteredEngine(_new(engine.plain), engine.patient)
    return PythonEngine() if engine is None else type(engine)()


def _ask(task: _Task) -> _Answer:
    engine, value, refused = task.engine, None, None
    with one_thread():
        try:
            value = task.ask(engine)
        except PrldhError as error:
            refused = error
    return _Answer(value, refused, engine.plain.warnings, engine.plain.called)
