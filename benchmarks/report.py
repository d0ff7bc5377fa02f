"""How long a report with every figure drawn anew takes, of a finished run and of the same blown up to many patients and
models.

    python benchmarks/report.py RUN [--patients 2000] [--models 20] [--jobs N]

RUN is an output folder, such as `published` of `prldh demo`; it is copied, never changed. Prints seconds by the clock
and in CPU, the page's size, and the ratio to drawing and saving as many plain line plots in the same formats.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from large_results import enlarge

from prldh.report import render

FORMATS = ("svg", "pdf", "png")


def cpu_s() -> float:
    """CPU seconds of this process and of those that it started and that have ended."""
    own = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in own)


def draw_plainly(folder: Path, n: int) -> float:
    """CPU seconds of n line plots with a legend."""
    started, x = time.process_time(), np.linspace(0, 1, 200)
    for k in range(n):
        figure, axis = plt.subplots(figsize=(3.3, 3.3), layout="constrained")
        for j in range(5):
            axis.plot(x, x ** (1 / (j + 1)), label=f"curve {j}")
        axis.legend()
        for suffix in FORMATS:
            figure.savefig(folder / f"{k}.{suffix}", dpi=300)
        plt.close(figure)
    return time.process_time() - started


def measure(run: Path, folder: Path, jobs: int, change=lambda data: data) -> tuple[float, float, float, int]:
    """Seconds by the clock and in CPU, the page's megabytes, and how many figures there are."""
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("figures"))
    data = change(json.loads((folder / "results.json").read_text(encoding="utf-8")))
    data["study"]["settings"]["report"]["figures"] = list(FORMATS)
    (folder / "results.json").write_text(json.dumps(data), encoding="utf-8")
    started, before = time.monotonic(), cpu_s()
    render(folder, jobs)
    wall, cpu = time.monotonic() - started, cpu_s() - before
    return wall, cpu, (folder / "report.html").stat().st_size / 1e6, len(list((folder / "figures").glob("*.png")))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("run", type=Path)
    asked.add_argument("--patients", type=int, default=2000)
    asked.add_argument("--models", type=int, default=20)
    asked.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = {
            "as it is": measure(given.run, Path(scratch) / "own", given.jobs),
            f"{given.patients:,} patients, {given.models} models": measure(
                given.run, Path(scratch) / "large", given.jobs, lambda d: enlarge(d, given.patients, given.models)
            ),
        }
        for what, (wall, cpu, size, n) in found.items():
            plain = draw_plainly(Path(scratch), n)
            print(
                f"{what}: {wall:.1f} s by the clock on {given.jobs} processes, {cpu:.1f} s of CPU, {size:.1f} MB, {n}"
                f" figures; {cpu / plain:.2f} times the CPU of as many plain line plots"
            )


if __name__ == "__main__":
    main()
