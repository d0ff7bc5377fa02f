"""A run that is stopped goes on from what it finished: killed, interrupted, its workers dead, its cache damaged or
full."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import prldh
import prldh.run.outputs
import prldh.validation.spread
import prldh.work.kept
import prldh.work.work
from prldh.core.errors import ComputeError

sys.path.insert(0, str(Path(__file__).parents[1]))
from slow_study import (
    CHOICE,
    CHOICE_FOLDS,
    CHOICE_REFITS,
    FOLDS,
    PERMUTATIONS,
    REPEATS,
    n_fits,
    numbers_of,
    write_plugin,
    write_slow_study,
)

REFITS, NULL = FOLDS * REPEATS, FOLDS * REPEATS * PERMUTATIONS
pytestmark = pytest.mark.usefixtures("unrepeated")
NUMBERS = ("results.json", "predictions.csv")
linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="/proc tells which processes are left")


@pytest.fixture
def bench(new_workers, tmp_path, monkeypatch):
    return Bench(tmp_path, monkeypatch)


class Bench:
    """A study with the slow plugin, run in this process or in one of its own."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.plugin = folder, write_plugin(folder / "plugin")
        self.study = write_slow_study(folder)
        monkeypatch.setenv("SLOW_FOLDER", str(folder))
        monkeypatch.syspath_prepend(self.plugin)
        monkeypatch.delitem(sys.modules, "slow_selector", raising=False)
        monkeypatch.setattr(prldh.run.outputs, "write_figures", lambda *a, **k: {})
        monkeypatch.setattr(prldh.run.outputs, "render_report", lambda *a, **k: "")
        self.calls: list[tuple[str, int, int]] = []

    def analyze(self, out="out", progress=None, **options):
        def record(stage, done, total):
            self.calls.append((stage, done, total))
            if progress is not None:
                progress(stage, done, total)

        prldh.analyze(self.study, self.folder / out, progress=record, **options)
        return self.numbers(out)

    def start(self, out="out", jobs=2, **environment):
        known = {"PYTHONPATH": os.pathsep.join([str(self.plugin), os.environ.get("PYTHONPATH", "")])}
        command = [
            sys.executable,
            "-m",
            "prldh",
            "analyze",
            str(self.study),
            "--out",
            str(self.folder / out),
            "--jobs",
            str(jobs),
        ]
        return subprocess.Popen(
            command,
            env=os.environ | known | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def numbers(self, out="out"):
        return [(self.folder / out / name).read_bytes() for name in NUMBERS]

    def fits(self):
        return n_fits(self.folder)

    def wait_for(self, n, running):
        end = time.monotonic() + 600
        while self.fits() < n:
            assert running.poll() is None and time.monotonic() < end, running.stderr.read()
            time.sleep(0.05)

    def sentences(self):
        return [stage for stage, _, total in self.calls if total == 0]

    def left_in_cache(self):
        return list(prldh.work.kept.cache_folder("resamples").glob("*"))

    def processes(self):
        """The processes of this test's runs, workers too: all have its folder in their environment."""
        found = []
        for place in Path("/proc").glob("[0-9]*/environ"):
            try:
                is_ours = f"SLOW_FOLDER={self.folder}\0".encode() in place.read_bytes()
                # what looks after the workers of this process itself lives as long as it
                is_kept = b"resource_tracker" in (place.parent / "cmdline").read_bytes() and (
                    f"PPid:\t{os.getpid()}\n" in (place.parent / "status").read_text()
                )
                if is_ours and not is_kept:
                    found.append(int(place.parent.name))
            except OSError:
                continue
        return [p for p in found if p != os.getpid()]

    def wait_until_gone(self, seconds):
        end = time.monotonic() + seconds
        while self.processes():
            assert time.monotonic() < end, f"left running: {self.processes()}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def once():
    return {}


@pytest.fixture
def whole(bench, once):
    """The numbers of a run that nothing stopped; they do not depend on where the study lies."""
    if not once:
        once["numbers"] = bench.analyze("whole", jobs=1)
        assert bench.fits() == REFITS + NULL and not bench.left_in_cache()
        (bench.folder / "fits").unlink()
        bench.calls.clear()
    return once["numbers"]


@linux
def test_a_killed_run_goes_on(bench, whole):
    with bench.start(SLOW_SECONDS="0.3") as running:
        bench.wait_for(6, running)
        running.kill()
    bench.wait_until_gone(600)  # workers see that nobody waits for them
    assert not (bench.folder / "out").exists()
    before = bench.fits()
    assert bench.analyze(jobs=1) == whole and not bench.left_in_cache()
    n_kept = int(re.fullmatch(rf"resuming: (\d+) of {REFITS} resamples are kept", bench.sentences()[-1])[1])
    assert 3 <= n_kept <= before and bench.fits() - before == REFITS + NULL - n_kept


@pytest.mark.ci
@linux
def test_an_interruption_stops_at_once_and_the_run_goes_on(bench, whole):
    with bench.start(SLOW_SECONDS="0.3") as running:
        bench.wait_for(5, running)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the workers too
        shown, told = running.communicate(timeout=900)
    assert running.returncode == 130, told
    n_kept = int(
        re.search(
            r"prldh: interrupted; nothing was left half written. What is finished is kept \((\d+) results\)", told
        )[1]
    )
    assert n_kept >= 3 and "Traceback" not in told and shown == "" and not (bench.folder / "out").exists()
    bench.wait_until_gone(600)
    assert bench.analyze(jobs=1) == whole
    assert any(re.fullmatch(rf"resuming: \d+ of {REFITS} resamples are kept", s) for s in bench.sentences())


def test_the_null_run_goes_on_too(bench, whole):
    def stop(stage, done, total):
        if stage == "null run" and done == FOLDS * REPEATS + 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="is kept"):
        bench.analyze(jobs=1, progress=stop)
    assert bench.fits() == REFITS * 2 + 3
    assert bench.analyze(jobs=1) == whole
    assert bench.fits() == REFITS + NULL  # none was made twice otherwise
    assert bench.sentences() == [
        f"resuming: {REFITS} of {REFITS} {noun} are kept" for noun in ("imputed resamples", "resamples")
    ]


@pytest.mark.ci
def test_a_choice_among_protocols_goes_on_where_it_stopped(bench):
    bench.study = write_slow_study(bench.folder, **CHOICE)
    bench.analyze("whole", jobs=1)
    whole, n_whole = numbers_of(bench.folder / "whole"), bench.fits()

    def stop(stage, done, total):
        # the second of three protocols
        if stage == "validation of the whole modelling process" and done == CHOICE_REFITS + 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="is kept"):
        bench.analyze(jobs=1, progress=stop)
    assert not (bench.folder / "out").exists() and bench.fits() == 2 * n_whole - CHOICE_FOLDS
    bench.calls.clear()
    bench.analyze(jobs=1)
    assert numbers_of(bench.folder / "out") == whole
    told = [sentence for sentence in bench.sentences() if "resuming" in sentence]
    assert f"resuming: {CHOICE_REFITS} of {CHOICE_REFITS} resamples of 'slow' are kept" in told
    assert f"resuming: 5 of {CHOICE_REFITS} resamples of 'forest' are kept" in told
    assert not any("'lasso'" in sentence for sentence in told) and not bench.left_in_cache()


def test_another_study_or_a_changed_program_starts_anew(bench, whole, monkeypatch):
    def stop(stage, done, total):
        if stage == "null run":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.analyze(jobs=1, progress=stop)
    assert bench.left_in_cache()
    source = bench.plugin / "slow_selector.py"
    for change in ("seed", "table", "plugin", "program"):
        if change == "seed":
            options = {"seed": 2}
        elif change == "table":
            options, table = {}, pd.read_csv(bench.folder / "features.csv")
            pd.DataFrame(np.nextafter(table[["f9"]], 9.0)).combine_first(table)[table.columns].to_csv(
                bench.folder / "features.csv", index=False
            )
        elif change == "plugin":
            source.write_text(source.read_text() + "\n# another line\n")
            table.to_csv(bench.folder / "features.csv", index=False)
        else:
            source.write_text(source.read_text().removesuffix("\n# another line\n"))
            monkeypatch.setattr(prldh.validation.spread, "program_digest", lambda: "0" * 64)
        bench.calls.clear()
        bench.analyze(change, jobs=1, **options)
        assert bench.sentences() == [], change
    monkeypatch.undo()


def test_damage_is_computed_again(bench, whole):
    def stop(stage, done, total):
        if stage == "null run":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.analyze(jobs=1, progress=stop)
    (path,) = bench.left_in_cache()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\0" + content[len(content) // 2 + 1 : -40])
    assert bench.analyze(jobs=1) == whole


def test_a_cache_that_takes_nothing_stops_no_run(bench, whole, monkeypatch):
    (bench.folder / "file").write_text("")
    monkeypatch.setenv("PRLDH_CACHE", str(bench.folder / "file"))
    assert bench.analyze(jobs=1) == whole
    assert len(bench.sentences()) == 1 and bench.sentences()[0].startswith("warning: finished work cannot be kept in")


@pytest.mark.ci
def test_a_worker_that_dies_is_replaced(bench, whole, monkeypatch):
    monkeypatch.setenv("SLOW_DEATHS", "1")
    assert bench.analyze(jobs=2) == whole
    assert [s for s in bench.sentences() if "a worker process died" in s]


@pytest.mark.ci
def test_workers_that_died_too_often_end_the_run_in_one_message(bench, whole, monkeypatch):
    monkeypatch.setenv("SLOW_DEATHS", "100")
    monkeypatch.setattr(prldh.work.work, "MAX_DEATHS", 1)
    with pytest.raises(
        ComputeError,
        match=r"died 1 times, .*Use fewer --jobs.*What is finished is kept \(\d+ results\): the same command goes on",
    ):
        bench.analyze(jobs=2)
    assert not (bench.folder / "out").exists()
    monkeypatch.delenv("SLOW_DEATHS")
    assert bench.analyze(jobs=1) == whole


@pytest.mark.slow
def test_two_runs_at_once(bench, whole):
    with bench.start("one", SLOW_SECONDS="0.1") as one, bench.start("two", SLOW_SECONDS="0.1") as two:
        told = [running.communicate(timeout=900)[1] for running in (one, two)]
    assert [one.returncode, two.returncode] == [0, 0], told
    assert bench.numbers("one") == bench.numbers("two") == whole and not bench.left_in_cache()


@pytest.mark.slow
@linux
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_over_and_over_a_run_ends(bench, whole, jobs):
    """Every attempt is killed after eight more refits; in the end the numbers are the same."""
    for _ in range(20):
        before = bench.fits()
        with bench.start(jobs=jobs, SLOW_SECONDS="0.2") as running:
            while running.poll() is None and bench.fits() < before + 8:
                time.sleep(0.02)
            running.kill()
        bench.wait_until_gone(600)
        if (bench.folder / "out").exists():
            break
    assert bench.numbers() == whole
