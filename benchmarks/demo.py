"""Where the time of `prldh demo` goes, and how it compares with a plain script of the refits alone.

    python benchmarks/demo.py [--jobs N] [--out FOLDER]

Prints the time of the whole command and of its first report by the clock and in CPU, the share of each stage and how
many cores it kept busy (read from /proc), the longest silence between two lines and in which stage it was, and the
ratio to a plain script: scikit-learn's unpenalised logistic regression (Newton's steps), refitted for each of the
published study's models in its leave-one-out, its folds and its bootstrap samples, each with its AUC; no intervals, no
second engine, no tests, no figures. Run it on an idle machine: shares and ratios are of this one run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

#: The stage at whose end a study's report is there.
FIRST_REPORT = "checklists and report"
LINE = re.compile(r"^\[ *([0-9.]+) s\] (.*?)(: \d+/\d+)?$")


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, what it started and what of that has ended; 0 where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = [p.read_text().split() for p in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return 0.0
    own = sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_of(int(child)) for row in children for child in row)


def run_demo(out: Path, jobs: int | None) -> tuple[list[tuple[str, float, float]], str, float, float]:
    """(Stage, seconds, CPU seconds) in order, what is to be said of the way, and seconds by the clock and in CPU."""
    command = [sys.executable, "-m", "prldh", "demo", "--out", str(out), "--verbose"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    told, last, spent, stage = [], 0.0, 0.0, "start"
    silence, first, heard = (0.0, stage), "", 0.0
    with subprocess.Popen(
        [*command, *(["--jobs", str(jobs)] if jobs else [])],
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        for line in running.stdout:
            now = time.monotonic() - started
            silence, heard = max(silence, (now - heard, stage)), now
            found = LINE.match(line.rstrip())
            if found is None:
                continue
            cpu = cpu_of(running.pid)
            told.append((stage, now - last, cpu - spent))
            if not first and found[2] == FIRST_REPORT and found[3] == ": 2/2":
                first = f"first report after {now:.0f} s ({cpu:.0f} s of CPU)"
            last, spent, stage = now, cpu, found[2]
    if running.returncode:
        sys.exit(running.returncode)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told.append((stage, wall - last, cpu - spent))
    return told, f"{first}, longest silence {silence[0]:.1f} s ({silence[1]})", wall, cpu


def refit_plainly(folder: Path) -> float:
    """CPU seconds of the plain script on the published study's patients, models and resamples."""
    results = json.loads((folder / "published" / "results.json").read_text())
    clinical = pd.read_csv(folder / "published_input" / "clinical.csv")
    settings = results["study"]["settings"]
    outcome = (clinical[settings["clinical"]["outcome"]].astype(str) == settings["clinical"]["event"]).to_numpy(int)
    rng, n = np.random.default_rng(settings["seed"]), len(outcome)
    folds = np.array_split(rng.permutation(n), settings["validation"]["folds"])
    resamples = [np.delete(np.arange(n), k) for k in range(n)]
    resamples += [np.setdiff1d(np.arange(n), fold) for fold in folds]
    resamples += [rng.integers(0, n, n) for _ in range(settings["validation"]["bootstrap"])]
    warnings.simplefilter("ignore")  # the solver remarks on every separated sample
    started = time.process_time()
    for model in results["models"]:
        names = dict.fromkeys(t["variable"] for t in model["terms"] if t["variable"] in clinical)
        x = pd.get_dummies(clinical[list(names)], drop_first=True).to_numpy(float) if names else np.ones((n, 1))
        for train in resamples:
            fitted = LogisticRegression(C=np.inf, solver="newton-cholesky").fit(x[train], outcome[train])
            roc_auc_score(outcome, fitted.predict_proba(x)[:, 1])
    return time.process_time() - started


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--jobs", type=int)
    asked.add_argument("--out", type=Path)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = given.out or Path(scratch) / "demo"
        told, way, wall, cpu = run_demo(out, given.jobs)
        plain = refit_plainly(out)
    shares: dict[str, tuple[float, float]] = {}
    for stage, seconds, busy in told:
        before = shares.get(stage, (0.0, 0.0))
        shares[stage] = (before[0] + seconds, before[1] + busy)
    print(f"prldh demo: {wall:.0f} s by the clock, {cpu:.0f} s of CPU, {way}")
    for stage, (seconds, busy) in sorted(shares.items(), key=lambda item: -item[1][0]):
        print(f"  {seconds / wall:6.1%}  {busy / max(seconds, 1e-9):4.1f} cores  {stage}")
    print(
        f"plain refits of the published study: {plain:.0f} s of CPU; the whole demo takes {cpu / plain:.2f} times that"
    )


if __name__ == "__main__":
    main()
