"""A thread that a plugin left running keeps no process: it is told, and the exit status is that of the work."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from prldh.core import note_left
from prldh.work.work import over_processes

#: A process whose work is done, with status 3; what is printed by a hook is the tidying up of libraries.
DONE = """
import atexit, sys, threading, time
from prldh.core import leave_behind, leaving, note_left
leaving.GRACE_S = 1.0
known = threading.enumerate()
{}
note_left(known)
print("done")
atexit.register(print, "tidied up")
leave_behind(3)
sys.exit(3)
"""
THREAD = "threading.Thread(target=time.sleep, args=({},), name='busy'{}).start()"
#: By name: what was started, and whether it is told.
STARTED = {
    "for ever": (THREAD.format(300, ""), True),
    "several": ("; ".join([THREAD.format(300, "")] * 2), True),
    "with a hook that hangs": (THREAD.format(300, "") + "; atexit.register(time.sleep, 300)", True),
    "a process": (
        "import multiprocessing; multiprocessing.Process(target=time.sleep, args=(300,)).start()",
        False,
    ),
    "a while": (THREAD.format(0.2, ""), False),
    "a daemon": (THREAD.format(300, ", daemon=True"), False),
    "a pool": (
        "from concurrent.futures import ThreadPoolExecutor; ThreadPoolExecutor(2).submit(time.sleep, 0.1)",
        False,
    ),
}


@pytest.mark.parametrize("name", STARTED)
def test_a_process_ends_without_a_thread_that_does_not(name):
    code, is_told = STARTED[name]
    done = subprocess.run([sys.executable, "-c", DONE.format(code)], capture_output=True, text=True, timeout=200)
    assert done.returncode == 3, done
    assert done.stdout.startswith("done\n") and ("tidied up" in done.stdout or "hook" in name), done
    assert done.stderr.count("prldh: ") == is_told and "Traceback" not in done.stderr, done
    assert not is_told or "goes on ('busy of time'" in done.stderr


def _busy(k: int) -> int:
    """In a worker: a plugin's code that leaves a thread running."""
    known = threading.enumerate()
    threading.Thread(target=time.sleep, args=(300,), name="busy").start()
    note_left(known)
    return k


def test_a_worker_ends_without_one_too():
    """The pool waits for its worker's end, which a thread would put off for ever."""
    started = time.monotonic()
    assert list(over_processes(_busy, iter([1, 2]), 1)) == [1, 2]
    assert time.monotonic() - started < 200


IGNORED = """
import sys, threading
from prldh.core import end_tidily

class Bad:
    def __del__(self):
        raise ValueError("in del")

class Worse(Exception):
    def __str__(self):
        raise ValueError

def fail(error):
    raise error

end_tidily()
Bad()
for error in (ZeroDivisionError("by\\nzero"), SystemExit(2), Worse()):
    one = threading.Thread(target=fail, args=(error,), name="a plugin's")
    one.start()
    one.join()
"""


def test_what_fails_where_nobody_waits_is_told_in_one_line():
    """A finaliser and a thread of a plugin: no traceback, and the command goes on."""
    done = subprocess.run([sys.executable, "-c", IGNORED], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr.splitlines() == [
        "prldh: warning: what failed where nothing may be raised was ignored: ValueError: in del (<string>, line 7).",
        "prldh: warning: what failed in the thread 'a plugin's' was ignored: ZeroDivisionError: by zero (<string>,"
        " line 14).",
    ], done
