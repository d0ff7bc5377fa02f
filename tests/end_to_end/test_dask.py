"""The same work on a Dask cluster: a scheduler and two workers as processes of their own on the loopback; what fails is
told in one message."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import prldh
import prldh.run.outputs
import prldh.work.cluster
from prldh.cli import cli
from prldh.core.errors import ComputeError, StudyError

pytest.importorskip("distributed")
sys.path.insert(0, str(Path(__file__).parents[1]))
from slow_study import (
    CHOICE,
    FOLDS,
    PERMUTATIONS,
    REPEATS,
    n_fits,
    numbers_of,
    write_plugin,
    write_slow_study,
)

pytestmark = [pytest.mark.usefixtures("unrepeated"), pytest.mark.ci]
REFITS = FOLDS * REPEATS


class Processes:
    """A scheduler and its workers, ended whatever happens."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, os.environ | environment
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", str(self.port))
        self.workers = []

    def add_worker(self):
        self.workers.append(
            self._start(
                "dask_worker",
                self.address,
                "--host",
                "127.0.0.1",
                "--nthreads",
                "1",
                "--no-nanny",
                "--death-timeout",
                "60",
            )
        )

    def _start(self, program, *options):
        command = [sys.executable, "-m", f"distributed.cli.{program}", *options, "--no-dashboard"]
        return subprocess.Popen(
            command, env=self.environment, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def end(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait(timeout=20)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def bench(tmp_path, monkeypatch):
    plugin = write_plugin(tmp_path / "plugin")
    monkeypatch.syspath_prepend(plugin)
    monkeypatch.delitem(sys.modules, "slow_selector", raising=False)
    monkeypatch.setenv("SLOW_FOLDER", str(tmp_path))
    monkeypatch.setattr(prldh.run.outputs, "write_figures", lambda *a, **k: {})
    monkeypatch.setattr(prldh.run.outputs, "render_report", lambda *a, **k: "")
    path = os.pathsep.join([str(plugin), str(Path(prldh.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    processes = Processes(tmp_path, {"PYTHONPATH": path, "SLOW_SECONDS": "0.2"})
    yield tmp_path, processes
    processes.end()


def _other_program(folder):
    """A folder that, on the path, holds prldh with another line, and says that joblib has another version."""
    shutil.copytree(
        Path(prldh.__file__).parent, folder / "prldh", ignore=shutil.ignore_patterns("__pycache__", "demo", "report")
    )
    with (folder / "prldh" / "work" / "work.py").open("a") as file:
        file.write("# another line\n")
    info = folder / "joblib-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: joblib\nVersion: 0.1\n")
    return folder


def _analyze(folder, out, progress=None, **options):
    prldh.analyze(write_slow_study(folder), folder / out, progress=progress, **options)
    return [(folder / out / name).read_bytes() for name in ("results.json", "predictions.csv")]


def test_one_worker_is_killed_then_the_scheduler(bench):
    """The first run ends, as the other worker takes over; the second does not, and a local run goes on from it. All
    numbers are the same."""
    folder, cluster = bench
    cluster.add_worker(), cluster.add_worker()
    whole = _analyze(folder, "whole", jobs=1)
    before = n_fits(folder)
    seen = []

    def kill_a_worker(stage, done, total):
        if stage == "validation of the whole modelling process" and done == 3:
            seen.append(n_fits(folder))
            cluster.workers[0].kill()

    assert _analyze(folder, "cluster", kill_a_worker, dask=cluster.address) == whole
    assert seen and cluster.workers[0].poll() is not None and cluster.workers[1].poll() is None
    assert n_fits(folder) - before >= REFITS * (1 + PERMUTATIONS)  # on the cluster, not from what was kept

    def kill_the_scheduler(stage, done, total):
        if stage == "validation of the whole modelling process" and done == 4:
            cluster.scheduler.kill()

    with pytest.raises(
        ComputeError, match=r"Dask cluster at tcp://127.0.0.1:\d+ was lost.*What is finished is kept \(\d+ results\)"
    ):
        _analyze(folder, "lost", kill_the_scheduler, dask=cluster.address)
    assert not (folder / "lost").exists()
    sentences = []
    assert (
        _analyze(folder, "local", lambda stage, done, total: sentences.append(stage) if not total else None, jobs=1)
        == whole
    )
    assert re.fullmatch(rf"resuming: (\d+) of {REFITS} resamples are kept", sentences[-1])


def test_a_choice_among_learners_is_the_same_on_a_cluster(bench):
    folder, cluster = bench
    cluster.add_worker()
    study = write_slow_study(folder, **CHOICE)
    prldh.analyze(study, folder / "local", jobs=1)
    before = n_fits(folder)
    prldh.analyze(study, folder / "cluster", dask=cluster.address)
    assert n_fits(folder) == 2 * before, "all was made on the cluster"
    assert numbers_of(folder / "cluster") == numbers_of(folder / "local")


def test_what_is_wrong_with_a_cluster_is_told(bench, monkeypatch):
    folder, cluster = bench
    monkeypatch.setattr(prldh.work.cluster, "SCHEDULER_S", 1)
    with pytest.raises(ComputeError, match=r"no Dask scheduler answers at 127.0.0.1:\d+ within 1 s"):
        _analyze(folder, "out", dask=f"127.0.0.1:{free_port()}")
    monkeypatch.setattr(prldh.work.cluster, "SCHEDULER_S", 30)
    monkeypatch.setattr(prldh.work.cluster, "WORKERS_S", 1)
    with pytest.raises(ComputeError, match="has no worker after 1 s. Start some"):
        _analyze(folder, "out", dask=cluster.address)
    cluster.environment["PYTHONPATH"] = os.pathsep.join(
        [str(_other_program(folder / "other")), cluster.environment["PYTHONPATH"]]
    )
    cluster.add_worker()
    monkeypatch.setattr(prldh.work.cluster, "WORKERS_S", 60)
    with pytest.raises(
        ComputeError,
        match=(
            r"worker tcp://\S+ is not like this machine: joblib 0.1 \(here [\d.]+\), source files \w+ \(here \w+\)\."
            r" Numbers could differ"
        ),
    ):
        _analyze(folder, "out", dask=cluster.address)
    assert n_fits(folder) == 0 and not (folder / "out").exists()


def test_without_dask(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ComputeError, match=r"Dask is not installed here. Install it \(pip install 'prldh\[dask\]'\)"):
        prldh.work.cluster.Cluster("tcp://127.0.0.1:8786", ())


@pytest.mark.parametrize("address", ["", "cluster", "tcp://", 8786])
def test_an_address_that_is_none(tmp_path, monkeypatch, address):
    monkeypatch.syspath_prepend(write_plugin(tmp_path / "plugin"))
    study = write_slow_study(tmp_path, compute={"dask": address})
    with pytest.raises(StudyError, match="compute.dask"):
        prldh.analyze(study, tmp_path / "out")
    result = CliRunner().invoke(
        cli, ["analyze", str(write_slow_study(tmp_path)), "--out", str(tmp_path / "out"), "--dask", str(address)[:4]]
    )
    assert result.exit_code == 1 and result.stderr.startswith("prldh: --dask: give the scheduler's address")


def test_images_are_measured_on_the_cluster_too(bench, monkeypatch):
    pytest.importorskip("SimpleITK", reason="images need SimpleITK")
    pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
    from make_image_cohort import write_cohort

    folder, cluster = bench
    cluster.add_worker()
    study = write_cohort(folder / "images", 4)
    study.write_text(study.read_text() + "extraction: {pyradiomics: {preset: protocol-log}}\n")
    monkeypatch.setenv("PRLDH_CACHE", str(folder / "here"))
    local = prldh.extract(study, None, jobs=1)
    monkeypatch.setenv("PRLDH_CACHE", str(folder / "cluster"))
    there = prldh.extract(study, None, dask=cluster.address)
    assert all(r.n_computed == 1 for r in there.images.tissues["disc"].results)
    for one, other in zip(local.tables["disc"], there.tables["disc"], strict=True):
        assert one.equals(other)
