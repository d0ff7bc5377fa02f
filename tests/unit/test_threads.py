"""One thread within, as many as before afterwards, of libraries that were loaded since, too."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import numpy, threadpoolctl
from prldh.core import one_thread

def threads():
    return {(each["internal_api"], each["num_threads"]) for each in threadpoolctl.threadpool_info()}

before = threads()
with one_thread():
    within = threads()
import sklearn.ensemble  # brings OpenMP
loaded = threads()
with one_thread():
    within_again = threads()
print(threads() == loaded and before <= loaded, {n for _, n in within}, {n for _, n in within_again},
      max(n for _, n in before), len(loaded) > len(before))
"""


def test_threads_are_one_within_and_as_before_afterwards():
    surroundings = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "PYTHONPATH": ":".join(sys.path)}
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=surroundings, timeout=120
    )
    assert told.stdout == "True {1} {1} 2 True\n", told.stderr
