"""The end of a process whose work is done: a thread that a plugin left running does not keep it."""

from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.util
import os
import sys
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from prldh.core.texts import shown

#: So long such threads may go on after the work, in seconds: one that writes what it has, or waits for processes to
#: end, ends by then.
GRACE_S = 15.0
#: The same in a worker, whose end others wait for.
SHORT_GRACE_S = 1.0
#: Threads that were running when the code that started them came back.
_left: set[threading.Thread] = set()


def note_left(known: Collection[threading.Thread]) -> None:
    """Note which threads somebody's code started and left running, where there were only the ``known`` ones before. A
    worker process ends without them when its work is done: others wait for its end."""
    left = [each for each in threading.enumerate() if not each.daemon and each not in known]
    if left and not _left and multiprocessing.parent_process() is not None:
        hook: Any = threading  # before threads are waited for, where multiprocessing tidies up no longer since 3.13
        hook._register_atexit(_leave_at_once)
    _left.update(left)


def leave_behind(status: int) -> None:
    """Let this process, which is about to end, end with ``status`` in :data:`GRACE_S` seconds, whatever runs in threads
    that were noted: the interpreter would wait for them for ever. That one did not end is told; nothing is, and nothing
    done, where they do."""
    end_children()
    left = [each for each in _left if each.is_alive()]
    if left:  # both are started now: since Python 3.12 no thread is while the interpreter waits for others
        time_is_up = threading.Event()
        hooks = threading.Thread(target=_run_hooks, args=(time_is_up,), daemon=True)
        hooks.start()
        threading.Thread(target=_end_without, args=(left, status, time_is_up, hooks), daemon=True).start()


def end_children() -> None:
    """End what is left of the processes that this one started by ``multiprocessing``: at its own end Python waits for
    them, and those of a pool that somebody left open wait for work for ever. joblib ends its own."""
    for child in multiprocessing.active_children():
        if not type(child).__module__.startswith("joblib."):
            child.kill()


def _leave_at_once() -> None:
    """End this worker with status 0 where threads that were noted go on for longer than :data:`SHORT_GRACE_S`; the
    process that it worked for tells of threads of its own."""
    deadline = time.monotonic() + SHORT_GRACE_S
    for each in _left:
        each.join(max(0.0, deadline - time.monotonic()))
    if any(each.is_alive() for each in _left):
        tidy: Any = multiprocessing.util  # what is to be done at a worker's end, once
        tidy._exit_function()
        _flush()
        os._exit(0)


def _run_hooks(time_is_up: threading.Event) -> None:
    """Those by which libraries tidy up."""
    time_is_up.wait()
    atexit._run_exitfuncs()


def _end_without(
    left: Collection[threading.Thread], status: int, time_is_up: threading.Event, hooks: threading.Thread
) -> None:
    time.sleep(GRACE_S)
    running = [each for each in left if each.is_alive()]
    if not running:  # the interpreter is at its own end
        return
    time_is_up.set()
    hooks.join(GRACE_S)
    named = ", ".join(f"'{shown(_named(each))}'" for each in running[:3]) + (", …" if len(running) > 3 else "")
    _flush()
    with suppress(Exception):
        print(
            f"prldh: {GRACE_S:g} s after the work has ended, what a plugin left running in a thread goes on ({named});"
            " the process ends without it. What was written is whole.",
            file=sys.stderr,
            flush=True,
        )
    os._exit(status)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


def _named(thread: threading.Thread) -> str:
    """The thread's name, and the module of what runs in it, as far as that is known."""
    module = getattr(getattr(thread, "_target", None), "__module__", None)
    return f"{thread.name} of {module}" if module else thread.name
