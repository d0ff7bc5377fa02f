"""What asks a process to end: Ctrl-C, a queue's signal, a closed terminal. Whenever it comes, the command ends with one
line and the exit status that shells have for it; what it wrote before is whole, and named."""

from __future__ import annotations

import _thread
import functools
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType
from typing import Any

from prldh.core.texts import shown

#: The signals, as far as the system has them; those that are ignored, as under ``nohup``, stay so.
ASKING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)
#: The signals that came, and the results that this process has put into their places.
_asked: list[int] = []
_placed: list[Path] = []
#: Those that came while :func:`listen` did, and the attribute of an interruption that is nobody's who asked.
_heard: list[int] = []
_MARK = "_prldh_is_pretended"
#: So soon an interruption that was lost where nothing may be raised (a finaliser) comes again, in seconds.
_AGAIN_S = 0.001


def is_interruption(error: BaseException) -> bool:
    """Whether an error is Ctrl-C, or what compiled code makes of one that arrives in it."""
    cause: BaseException | None = error
    while isinstance(cause, SystemError):  # one for every call that it passed
        cause = cause.__cause__
    return isinstance(cause, KeyboardInterrupt)


@contextmanager
def passing_through() -> Iterator[None]:
    """Within it, what a library raises while an interruption passes through it is that interruption: what it was about
    to enter or to leave may be half done, and say so."""
    try:
        yield
    except Exception as error:
        stop = _behind(error) if _asked else None
        if stop is None:
            raise
        raise stop from None


def _behind(error: BaseException) -> KeyboardInterrupt | None:
    """The interruption that an error came of, or was raised under."""
    seen = set[int]()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, KeyboardInterrupt):
            return cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return None


def is_pretended(error: BaseException) -> bool:
    """Whether an error is an interruption of a process that hears of every signal, and has heard of none: somebody's
    code raised it."""
    is_command = not _asked and signal.getsignal(signal.SIGINT) is _interrupt
    return is_interruption(error) and (is_command or _MARK in object.__getattribute__(error, "__dict__"))


def listen() -> Callable[[], object]:
    """Hear of Ctrl-C as Python has it by default, in a notebook or script, while somebody's code runs, so that
    :func:`mark_pretended` can tell; gives what ends it."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return lambda: None
    _heard.clear()
    signal.signal(signal.SIGINT, _hear)

    def back() -> None:
        with suppress(ValueError):  # a thread that came meanwhile goes last
            signal.signal(signal.SIGINT, signal.default_int_handler)

    return back


def mark_pretended(error: BaseException) -> None:
    """Mark an interruption that came while nobody asked for one, for :func:`is_pretended`."""
    if is_interruption(error) and signal.getsignal(signal.SIGINT) is _hear and not _heard:
        object.__setattr__(error, _MARK, True)


def _hear(number: int, _: FrameType | None) -> None:
    _heard.append(number)
    raise KeyboardInterrupt


def end_tidily() -> None:
    """Let every signal that asks this process to end interrupt it, as Ctrl-C does, so that nothing is left half
    written; a second one ends it at once. To be called as a command begins."""
    _asked.clear()
    _placed.clear()
    with suppress(ValueError):  # not the main thread
        for number in ASKING:
            if signal.getsignal(number) in _DEFAULTS:
                signal.signal(number, _interrupt)
    if not isinstance(sys.unraisablehook, _Unraisable):
        sys.unraisablehook = _Unraisable(sys.unraisablehook)
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _tell_of_thread


@contextmanager
def beginning_processes() -> Iterator[None]:
    """Processes that begin within it do not hear of Ctrl-C, which would tell of itself amid their imports, until
    :func:`await_work`. In this one it waits for the block's end; for moments."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # as it starts, Python up to 3.12 hears of Ctrl-C again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def await_work() -> None:
    """Let this process, a worker that has nothing to do, take no notice of Ctrl-C: whoever started it ends it, and it
    could only tell of it amid a library's code."""
    with suppress(ValueError):  # not the main thread
        if signal.getsignal(signal.SIGINT) in _DEFAULTS:
            signal.signal(signal.SIGINT, _unheard)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextmanager
def hear_interruptions() -> Iterator[None]:
    """Within it, a piece of work, a worker hears of Ctrl-C, and knows whether an interruption is somebody's who asked
    for it, or one that a plugin's code raised."""
    former = signal.getsignal(signal.SIGINT)
    if former not in (*_DEFAULTS, _unheard) or threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        signal.signal(signal.SIGINT, _interrupt)
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _unheard(number: int, _: FrameType | None) -> None:
    """Not ``SIG_IGN``, which the processes that this one starts would inherit."""


def _interrupt(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    _asked.append(number)
    raise KeyboardInterrupt


def _before_a_copy() -> None:
    _masked.before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKING)


def _after_a_copy(is_copy: bool) -> None:
    """In a copy of this process, which somebody's code made, such as a plugin's pool of processes, what asks it to end
    does what it does anywhere. A pool ends its processes by a signal: each would tell of an interruption, and Python
    forgets one that comes while the copy begins, for which the pool would wait for ever."""
    for number in ASKING if is_copy else ():
        if signal.getsignal(number) in (_interrupt, _hear):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, _masked.before)


_masked = threading.local()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_a_copy,
        after_in_parent=functools.partial(_after_a_copy, False),
        after_in_child=functools.partial(_after_a_copy, True),
    )


class _Unraisable:
    """In the place of ``sys.unraisablehook``: an interruption that came where nothing may be raised comes again, and
    any other error is told in one line."""

    def __init__(self, former: Any) -> None:
        self.former = former

    def __call__(self, lost: Any) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            if self.former is not sys.__unraisablehook__:  # somebody else listens
                self.former(lost)
                return
            tell_ignored("where nothing may be raised", lost.exc_value or lost.exc_type())
            return
        number = _asked.pop() if _asked else signal.SIGINT
        signal.signal(number, _interrupt)
        again = threading.Timer(_AGAIN_S, _thread.interrupt_main, (number,))
        again.daemon = True
        again.start()


def _tell_of_thread(failed: Any) -> None:
    """In the place of ``threading.excepthook``. What prldh asks of its own threads it hears of by other ways."""
    if failed.exc_type is not SystemExit:
        name = shown(str(getattr(failed.thread, "name", "")))
        tell_ignored(f"in the thread '{name}'", failed.exc_value or failed.exc_type())


def tell_ignored(where: str, error: BaseException) -> None:
    """Say in one line that something failed for which nobody waits, as a plugin's thread or finaliser."""
    trace = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(trace[-1].filename).name}, line {trace[-1].lineno})" if trace else ""
    with suppress(Exception):  # the error's own words may be one
        text = shown(" ".join(str(error).split()), 200)
        said = f"{type(error).__name__}{text and f': {text}'}{place}"
        print(f"prldh: warning: what failed {where} was ignored: {said}.", file=sys.stderr)


def end_at_once() -> None:
    """From here on what asks this process to end does so at once: its work is done or given up, and what is left is the
    interpreter's. A plugin's thread or hook that hangs there, in compiled code too, must not keep a process that
    nothing but SIGKILL ends; that a signal in this last moment gives a status other than 0 although results stand is
    the lesser harm. Those that are ignored stay so."""
    with suppress(ValueError):
        for number in ASKING:
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """What asks the process to end waits until the block has ended; for moments, such as a change of names."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former: dict[int, Any] = {}
    waiting: list[tuple[int, FrameType | None]] = []
    is_over = False

    def keep(number: int, frame: FrameType | None) -> None:
        if is_over:
            former[number](number, frame)
        waiting.append((number, frame))

    try:
        for number in ASKING:
            handler = signal.getsignal(number)
            if callable(handler):
                former[number] = handler
                signal.signal(number, keep)
        yield
    finally:
        is_over = True
        for number, handler in former.items():
            signal.signal(number, handler)
        for number, frame in waiting[:1]:
            former[number](number, frame)


def results_stand(out: Path) -> None:
    """Note that results are in their place: an interruption that comes after names them."""
    _placed.append(out)


def status_when_interrupted() -> int:
    """The exit status after an interruption, by the signal that it was, as shells have it: 130 for Ctrl-C."""
    return 128 + (_asked[-1] if _asked else signal.SIGINT)


def was_interrupted() -> bool:
    """Whether a signal asked this process to end."""
    return bool(_asked)


def interruption_told(stop: object = "") -> str:
    """The one line of it. ``stop``: the interruption, which may say what was kept."""
    kept = str(stop) if isinstance(stop, KeyboardInterrupt) else ""
    stand = ", ".join(shown(str(out), 240) for out in _placed[:3]) + (", …" if len(_placed) > 3 else "")
    whole = f"What was written before it is whole: {stand}." if stand else ""
    return " ".join(filter(None, ("interrupted; nothing was left half written.", kept, whole)))
