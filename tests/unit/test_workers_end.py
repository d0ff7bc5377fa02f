"""A worker ends with the process that asked it, whenever that is killed."""

from __future__ import annotations

import os
import signal
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


#: Work that tells of its process, and that interrupts it.
INTERRUPTED = """
import os, signal, sys, time
from prldh.work import over_processes

def work(item):
    if item == "stop":
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    time.sleep(0.02)
    return os.getpid()

def items():
    yield 1
    for _ in range(20):
        for pid in seen:  # they wait for work, or are between two pieces of it
            os.kill(pid, signal.SIGINT)
        yield 1
    yield sys.argv[2]

seen = set()
if __name__ == "__main__":
    try:
        for pid in over_processes(work, items(), int(sys.argv[1])):
            seen.add(pid)
        print("done")
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.mark.skipif(os.name != "posix", reason="one process sends another a signal")
@pytest.mark.parametrize(("last", "told"), [("go", "done\n"), ("stop", "interrupted\n")])
def test_a_worker_hears_of_an_interruption_within_its_work_alone(tmp_path, last, told):
    """Between two pieces of work it was interrupted amid joblib's loop, died, and printed where."""
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    ended = subprocess.run([sys.executable, script, "1", last], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, told, "")


#: It says when its workers are about to begin.
BEGINNING = """
import sys, time
from prldh.work import over_processes

if __name__ == "__main__":
    try:
        print("now", flush=True)
        for _ in over_processes(time.sleep, iter([0.05] * 1000), int(sys.argv[1])):
            pass
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.mark.ci
@pytest.mark.skipif(os.name != "posix", reason="a group of processes is sent a signal")
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("seconds", [0.2, 0.4, 0.7, 1.2])
def test_workers_that_are_interrupted_as_they_begin_say_nothing(tmp_path, jobs, seconds):
    """A terminal's Ctrl-C reaches them too: amid their imports, before prldh runs in them, they told of it."""
    script = tmp_path / "beginning.py"
    script.write_text(BEGINNING)
    pipe = subprocess.PIPE
    started = subprocess.Popen(
        [sys.executable, script, jobs], stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )
    assert started.stdout.readline() == "now\n"
    time.sleep(seconds)
    os.killpg(started.pid, signal.SIGINT)
    assert (*started.communicate(timeout=60), started.returncode) == ("interrupted\n", "", 0)
