"""Faults while a command runs: killed, interrupted, a full disk, few file handles, little memory. Nothing is left that
the next run does not clear away, former results are whole, and the numbers are the same afterwards."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from slow_study import write_slow_study
from small_run import STUDY, write_blank

import prldh
import prldh.run.outputs
from prldh.cli import main
from prldh.core import cache_folder, hold
from prldh.report import render_report, write_figures

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a case is a fork of the warm process")
#: So many kills has the whole campaign.
KILLS = 100
TIMES = ("started", "finished", "seconds", "command")


def start(folder: Path, *arguments: object, before: Callable[[], object] = lambda: None) -> int:
    """A command in a fork of this process, which has imported and compiled everything; ``before`` is called in it."""
    (folder / "traceback").unlink(missing_ok=True)
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        os.setsid()
        for stream, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream)
        sys.stdout, sys.stderr = (open(k, "w", closefd=False) for k in (1, 2))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        before()
        sys.argv = ["prldh", *map(str, arguments)]
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        with suppress(OSError):
            (folder / "traceback").write_text(traceback.format_exc())
    finally:
        os._exit(status)


def end_of(child: int) -> int:
    """The exit status; negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def stop(child: int, seconds: float, number: signal.Signals) -> int:
    """Send a signal after this time, unless the command ends before."""
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        os.kill(child, number)
    return end_of(child)


def contents(folder: Path) -> dict[str, object]:
    """Every file, but for what says when it was made."""
    found: dict[str, object] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name, raw = str(path.relative_to(folder)), path.read_bytes()
        found[name] = raw
        if path.name == "provenance.json":
            found[name] = {k: v for k, v in json.loads(raw).items() if k not in TIMES}
    return found


class Bench:
    """What is run and killed: ``make`` writes ``out`` by one command, ``places`` of which nothing else may come."""

    def __init__(self, folder: Path, command: str, made: tuple[Path, Path]) -> None:
        self.folder, self.logs, self.command = folder / "work", folder, command
        if command == "apply":
            shutil.copytree(made[0].parent, self.folder)
            self.run, self.cohort = self.folder / made[0].name, self.folder / made[1].name
            shutil.rmtree(self.run / "external")
            self.out, self.key = self.run / "external", "New/external.json"
        elif command == "analyze":
            self.folder.mkdir()
            self.study = write_slow_study(self.folder, **STUDY | {"report": {"figures": [], "checklists": []}})
            self.out, self.key = self.folder / "out", "results.json"
        else:
            self.folder.mkdir()
            self.study = write_images(self.folder)
            self.out, self.key = self.folder / "out", "features/disc.json"
        assert self.end() == 0, self.told()
        first = contents(self.out)
        shutil.rmtree(self.out)
        before = time.monotonic()  # warm by now
        assert self.end() == 0, self.told()
        self.seconds = time.monotonic() - before
        self.whole = contents(self.out)
        assert self.whole == first and self.key in self.whole

    def arguments(self, *more: str, jobs: int = 1) -> list[object]:
        if self.command == "apply":
            return ["apply", self.run, self.cohort, "--jobs", jobs, *more]
        return [self.command, self.study, "--out", self.out, "--jobs", jobs, *more]

    def begin(self, *more: str, before: Callable[[], object] = lambda: None) -> int:
        return start(self.logs, *self.arguments(*more), before=before)

    def end(self, *more: str, before: Callable[[], object] = lambda: None) -> int:
        return end_of(self.begin(*more, before=before))

    def told(self) -> str:
        trace = self.logs / "traceback"
        return (self.logs / "stderr").read_text() + (trace.read_text() if trace.exists() else "")

    def left(self) -> list[str]:
        """Scratch files and hidden folders."""
        return [str(p) for pattern in (".prldh-*", ".partial-*", ".former") for p in self.folder.rglob(pattern)]

    def kill(self, n: int, rng: random.Random) -> int:
        """Killed ``n`` times at random moments, first of a fresh folder and then, with --force, of one with results."""
        killed = 0
        for k in range(n):
            is_forced = k >= n // 2
            if not is_forced:
                shutil.rmtree(self.out, ignore_errors=True)
            elif not self.out.exists():
                assert self.end() == 0, self.told()
            more = ("--force",) if is_forced else ()
            status = stop(self.begin(*more), rng.uniform(0, self.seconds), signal.SIGKILL)
            killed += status == -signal.SIGKILL
            if self.out.exists():
                with hold(self.out, is_waiting=False):  # as the next run does: ends an exchange of results
                    pass
            if is_forced or (self.out / self.key).exists():
                assert contents(self.out) == self.whole, f"kill {k}"
        shutil.rmtree(self.out, ignore_errors=True)
        assert self.end() == 0, self.told()
        assert contents(self.out) == self.whole and not self.left()
        assert not list(cache_folder("resamples").glob("*"))
        return killed


def write_images(folder: Path) -> Path:
    """Two small cases."""
    sitk = pytest.importorskip("SimpleITK")
    pytest.importorskip("radiomics", reason="PyRadiomics is not installed (it needs a C compiler)")
    rng, rows = np.random.default_rng(1), ["patient_id,image,mask"]
    mask = np.zeros((8, 12, 12), np.uint8)
    mask[2:6, 3:9, 3:9] = 1
    for name in "AB":
        for kind, values in (("image", rng.normal(100, 30, mask.shape).astype(np.int16)), ("mask", mask)):
            sitk.WriteImage(sitk.GetImageFromArray(values), str(folder / f"{name}_{kind}.nii.gz"))
        rows.append(f"{name},{name}_image.nii.gz,{name}_mask.nii.gz")
    (folder / "cases.csv").write_text("\n".join(rows) + "\n")
    (folder / "clinical.csv").write_text("patient_id,outcome\nA,0\nB,1\n")
    path = folder / "study.yaml"
    path.write_text(
        "title: Start\nclinical: {table: clinical.csv, id: patient_id, outcome: outcome, event: 1}\n"
        "tissues: {disc: {images: cases.csv, sources: [pyradiomics]}}\n"
    )
    return path


@pytest.fixture(scope="module")
def drawn_blank():
    """Pages and figures take most of the time of such a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prldh.run.outputs, "write_figures", lambda *a, **k: {})
        patch.setattr(prldh.run.outputs, "render_report", lambda *a, **k: "")
        patch.setattr("prldh.apply.apply.write_external_figures", lambda *a, **k: None)
        yield


@pytest.fixture(scope="module")
def benches(tmp_path_factory, drawn_blank, made):
    """By command, made when first asked for."""
    known: dict[str, Bench] = {}

    def bench(command: str) -> Bench:
        if command not in known:
            known[command] = Bench(tmp_path_factory.mktemp(command), command, made)
        return known[command]

    return bench


def test_a_killed_command_leaves_nothing(benches):
    assert benches("apply").kill(KILLS // 10, random.Random(1)) > 0


@pytest.mark.slow
@pytest.mark.parametrize("command", ["analyze", "extract", "apply"])
def test_a_hundred_kills_leave_nothing(benches, command, record_property):
    n = KILLS // 3 + (command == "analyze")
    killed = benches(command).kill(n, random.Random(command))
    record_property("told", f"faults: {command} killed {killed} of {n} times at random moments, nothing lost or left")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_asks_a_command_to_end_leaves_nothing(benches, number):
    interrupt(benches("apply"), number, 3)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["analyze", "extract", "apply"])
def test_an_interruption_at_any_moment_leaves_nothing(benches, command):
    interrupt(benches(command), signal.SIGINT, 12)


def interrupt(bench: Bench, number: signal.Signals, times: int) -> None:
    """At random moments; the exit status tells the signal, as shells have it, and the message whether results stand."""
    rng = random.Random(2)
    for _ in range(times):
        shutil.rmtree(bench.out, ignore_errors=True)
        status = stop(bench.begin(), rng.uniform(0.05, bench.seconds), number)
        # a signal that arrives before the command has begun ends it as the system does
        assert status in (0, 128 + number, -number) and "Traceback" not in bench.told(), (status, bench.told())
        stands = (bench.out / bench.key).exists()
        if status:
            assert ("What was written before it is whole: " in bench.told()) == stands, bench.told()
            assert status < 0 or "nothing was left half written" in bench.told()
        assert stands or status
        assert not stands or contents(bench.out) == bench.whole
        assert not bench.left()
    shutil.rmtree(bench.out, ignore_errors=True)
    assert bench.end() == 0 and contents(bench.out) == bench.whole


def limit(what: int, least: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(what, (least, least))


@pytest.mark.parametrize("kilobytes", [0, 8])
def test_a_disk_that_takes_no_more_is_one_message(benches, kilobytes):
    """A limit on the size of files stands for it: what is written fails in the same call."""
    bench = benches("apply")
    shutil.rmtree(bench.out, ignore_errors=True)

    status = bench.end(before=limit(resource.RLIMIT_FSIZE, kilobytes * 1024))
    assert status in (0, 1) and not bench.left()
    if status:
        assert not (bench.out / bench.key).exists() and not (bench.logs / "traceback").exists(), bench.told()
    assert bench.end("--force") == 0 and contents(bench.out) == bench.whole


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="a disk is mounted")
@pytest.mark.parametrize("kilobytes", [16, 64, 256])
def test_a_full_disk_leaves_former_results(benches, tmp_path, kilobytes):
    bench, disk = benches("analyze"), tmp_path / "disk"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(disk)]
    if subprocess.run(mounted, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        status = end_of(start(bench.logs, "analyze", bench.study, "--out", disk / "out", "--jobs", 1))
        assert status == 1 and "cannot be written: No space left on device" in bench.told(), bench.told()
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_two_gigabytes_are_enough_or_that_is_said(benches):
    bench = benches("analyze")
    shutil.rmtree(bench.out, ignore_errors=True)
    command = [sys.executable, "-m", "prldh", *map(str, bench.arguments())]
    done = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=limit(resource.RLIMIT_AS, 2 * 1024**3), timeout=900
    )
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
    if done.returncode:
        assert done.stderr.splitlines()[-1].startswith("prldh: ") and not bench.out.exists()


@pytest.mark.slow
@pytest.mark.parametrize("handles", [16, 64])
def test_few_file_handles_are_enough_or_that_is_said(benches, handles):
    bench = benches("analyze")
    shutil.rmtree(bench.out, ignore_errors=True)
    command = [sys.executable, "-m", "prldh", *map(str, bench.arguments())]
    done = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=limit(resource.RLIMIT_NOFILE, handles), timeout=900
    )
    assert done.returncode == (handles < 64) and "Traceback" not in done.stderr, done.stderr


@pytest.mark.slow
def test_the_resource_tracker_is_killed(benches):
    """The process that joblib starts to count what workers share is no one that results depend on."""
    bench = benches("analyze")
    shutil.rmtree(bench.out, ignore_errors=True)
    command = [sys.executable, "-m", "prldh", *map(str, bench.arguments(jobs=2))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        killed = False
        while running.poll() is None:
            for place in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    said = place.read_bytes()
                    parent = int((place.parent / "stat").read_text().rpartition(")")[2].split()[1])
                    if b"resource_tracker" in said and parent == running.pid and not killed:
                        os.kill(int(place.parent.name), signal.SIGKILL)
                        killed = True
            time.sleep(0.1)
        told = running.stderr.read()
    # joblib's next one complains of what the killed one had counted
    others = [each for each in told.split("Traceback")[1:] if "resource_tracker.py" not in each.split("\n")[1]]
    assert running.returncode == 0 and not others, told
    assert (bench.out / "results.json").read_bytes() == bench.whole["results.json"]


@pytest.mark.slow
def test_the_page_is_the_same_bytes_in_two_clean_runs(tmp_path, monkeypatch):
    """But for the marked times of the two runs."""
    monkeypatch.setattr("prldh.report.figures._write_all", write_blank)
    for each in (render_report, write_figures):  # benches have none
        monkeypatch.setattr(prldh.run.outputs, each.__name__, each)
    study = write_slow_study(tmp_path, **STUDY)
    pages = []
    for k in range(2):
        monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / f"cache{k}"))
        prldh.analyze(study, tmp_path / f"out{k}", jobs=1)
        page = (tmp_path / f"out{k}" / "report.html").read_text(encoding="utf-8")
        page, n = re.subn(r"<(\w+) data-time>.*?</\1>", "", page)
        assert n
        pages.append(page)
    assert pages[0] == pages[1]
