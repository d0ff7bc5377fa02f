"""A worker ends with the process that asked it, whenever that is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

#: It is killed as it sends the first work: the worker has been started, and has none yet.
KILLED = """
import os, signal, sys, time
from prldh.work import over_processes

class Deadly:
    def __reduce__(self):
        time.sleep(float(sys.argv[1]))
        os.kill(os.getpid(), signal.SIGKILL)

print(list(over_processes(id, [Deadly()], 1)))
"""


def _left(mark: str) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"PRLDH_MARK={mark}\0".encode() in (place / "environ").read_bytes():
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="it looks for processes under /proc")
@pytest.mark.parametrize("seconds", ["0", "4"])
def test_a_worker_without_work_ends_with_who_started_it(seconds):
    mark = f"{os.getpid()}-{seconds}"
    environment = {**os.environ, "PRLDH_MARK": mark}
    ended = subprocess.run([sys.executable, "-c", KILLED, seconds], capture_output=True, env=environment, timeout=120)
    assert ended.returncode == -9, ended.stderr.decode()
    end = time.monotonic() + 60
    while left := _left(mark):
        assert time.monotonic() < end, left
        time.sleep(0.2)


#: A process that may start none, as those of ``multiprocessing.Pool``: joblib works in it itself.
DAEMONIC = """
import multiprocessing, sys, time
from prldh.work import over_processes

def work(_):
    found = sorted(over_processes(abs, iter([-3, -1, -2]), 2))
    time.sleep(1.5)  # a worker looks every second whether its parent is there
    print(found, flush=True)
    return found

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(work, (0,)).get(60) == [1, 2, 3]
"""


@pytest.mark.skipif(os.name != "posix", reason="processes are copied")
def test_a_process_that_may_have_no_workers_is_not_taken_for_one():
    """It was ended without a word, and its standard output was that of errors."""
    ended = subprocess.run([sys.executable, "-c", DAEMONIC], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (0, "[1, 2, 3]\n"), ended.stderr


#: A worker's own process by Python's ``spawn``, which knows nothing of joblib's way to start one.
SPAWNING = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from prldh.work import over_processes

def work(number):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as own:
        return own.submit(abs, number).result()

if __name__ == "__main__":
    print(sorted(over_processes(work, iter([-3, -1]), int(__import__("sys").argv[1]))))
"""


#: Processes of a worker's own that somebody leaves open, who may never end by themselves.
LEAVING = """
import concurrent.futures, multiprocessing, sys, time
from prldh.work import over_processes

left = []

def executor():
    left.append(concurrent.futures.ProcessPoolExecutor(2))
    return left[-1].submit(abs, -1).result()

def pool():
    left.append(multiprocessing.Pool(2))
    return left[-1].apply(abs, (-1,))

def process():
    left.append(multiprocessing.Process(target=time.sleep, args=(500,)))
    left[-1].start()
    return 1

if __name__ == "__main__":
    kinds = {"executor": executor, "pool": pool, "process": process}
    print(list(over_processes(lambda make: make(), iter([kinds[sys.argv[1]]]), 1)))
"""


@pytest.mark.parametrize("kind", ["executor", "pool", "process"])
def test_a_worker_ends_whatever_processes_it_left(tmp_path, kind):
    """Python waits at a process's end for what it started: a pool left open by a plugin kept the run for ever."""
    script = tmp_path / "leaving.py"
    script.write_text(LEAVING)
    ended = subprocess.run([sys.executable, script, kind], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (0, "[1]\n"), ended.stderr


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_worker_may_start_processes_of_its_own(tmp_path, jobs):
    """As a plugin's fit does: they died at their start, and a pool of them went on for ever."""
    script = tmp_path / "spawning.py"
    script.write_text(SPAWNING)
    ended = subprocess.run([sys.executable, script, jobs], capture_output=True, text=True, timeout=240)
    assert (ended.returncode, ended.stdout) == (0, "[1, 3]\n"), ended.stderr
