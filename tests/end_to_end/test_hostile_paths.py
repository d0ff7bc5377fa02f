"""Every input of every command against everything that a path may be beside a file: one message within seconds, exit
status 1, nothing written. A named pipe that is opened would wait for ever, a device never ends."""

from __future__ import annotations

import copy
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from prldh.cli import cli
from prldh.core.files import file_bytes
from tests.forked import Told, run_forked

pytestmark = pytest.mark.usefixtures("undrawn")
N = 40
LONG = "a" * 300
STUDY = {
    "title": "Paths",
    "engine": "python",
    "clinical": {"table": "clinical.csv", "id": "id", "outcome": "y", "event": 1, "covariates": {"age": "continuous"}},
    "tissues": {"disc": {"features": ["reader1.csv", "reader2.csv"]}},
    "selection": [{"correlation": {"between": 0.95, "outcome": 0.1}}],
    "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0, "scope": ["model"]},
    "yardstick": False,
    "performance": {"partial_auc_bootstrap": 0, "decision_bootstrap": 0},
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Path:
    """A study, a run of it, a cohort and a small image, beside what no path should lead to."""
    folder = tmp_path_factory.mktemp("p")
    rng = np.random.default_rng(3)
    event = np.arange(N) % 2
    ids = [f"P{i:02d}" for i in range(N)]
    pd.DataFrame({"id": ids, "y": event, "age": rng.integers(40, 70, N)}).to_csv(folder / "clinical.csv", index=False)
    values = pd.DataFrame({f"f{j}": event + (1 + j) * rng.normal(size=N) for j in range(4)})
    for k in (1, 2):
        noisy = values + 0.1 * rng.normal(size=values.shape)
        noisy.insert(0, "id", ids)
        noisy.to_csv(folder / f"reader{k}.csv", index=False)
    study(folder, STUDY, "study.yaml")
    study(
        folder,
        {"name": "New", "clinical": {"table": "clinical.csv"}, "tissues": {"disc": {"features": "reader1.csv"}}},
        "cohort.yaml",
    )
    done = CliRunner().invoke(cli, ["analyze", str(folder / "study.yaml"), "--out", str(folder / "run"), "--jobs", "1"])
    assert done.exit_code == 0, done.output
    mask = np.zeros((6, 12, 12), np.uint8)
    mask[1:5, 3:9, 3:9] = 1
    sitk = pytest.importorskip("SimpleITK")
    sitk.WriteImage(
        sitk.GetImageFromArray(mask * 50 + rng.integers(0, 20, mask.shape).astype(np.uint8)), str(folder / "i.nii.gz")
    )
    sitk.WriteImage(sitk.GetImageFromArray(mask), str(folder / "m.nii.gz"))
    (folder / "c.csv").write_text("id,y\n" + "".join(f"P{i},{i % 2}\n" for i in range(4)))
    return folder


def study(folder: Path, content: object, name: str = "s.yaml") -> str:
    (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return str(folder / name)


def changed(*place: str | int, to: object) -> dict:
    content = copy.deepcopy(STUDY)
    where = content
    for key in place[:-1]:
        where = where[key]
    where[place[-1]] = to
    return content


# ---------------------------------------------------------------- what a path may be


def _fifo(folder: Path, name: str) -> str:
    os.mkfifo(folder / name)
    return name


def _socket(folder: Path, name: str) -> str:
    here = os.getcwd()
    os.chdir(folder)  # the name of a socket is short
    server = socket.socket(socket.AF_UNIX)
    server.bind(name)
    server.close()
    os.chdir(here)
    return name


def _loop(folder: Path, name: str) -> str:
    (folder / name).symlink_to(name)
    return name


def _broken(folder: Path, name: str) -> str:
    (folder / name).symlink_to("nothing")
    return name


def _folder(folder: Path, name: str) -> str:
    (folder / name).mkdir()
    return name


def _empty(folder: Path, name: str) -> str:
    (folder / name).write_bytes(b"")
    return name


#: By kind: what makes it in a folder under a name, and returns the path that leads there.
KINDS: dict[str, Callable[[Path, str], str]] = {
    "a name of 300 characters": lambda folder, name: LONG + name,
    "a path of 5,000": lambda folder, name: "b" * 9 + ("/" + "b" * 9) * 500 + "/" + name,
    "a loop of links": _loop,
    "a link to nothing": _broken,
    "a named pipe": _fifo,
    "a socket": _socket,
    "/dev/urandom": lambda folder, name: "/dev/urandom",
    "/dev/zero": lambda folder, name: "/dev/zero",
    "a folder": _folder,
    "an empty file": _empty,
    "below a file": lambda folder, name: f"clinical.csv/{name}",
    "nothing": lambda folder, name: name,
    "somebody's home": lambda folder, name: f"~nobody-of-that-name/{name}",
    "a file of the kernel": lambda folder, name: "/proc/self/mem",
}

# ---------------------------------------------------------------- where a path is given


Arguments = Callable[[Path, str], list[str]]
OUT = ("--out", "out", "--jobs", "1")


def _study(*place: str | int, to: Callable[[str], object] = lambda path: path, command: str = "analyze") -> Arguments:
    """A study file with the path at a place of it."""
    return lambda folder, path: [command, study(folder, changed(*place, to=to(path))), *OUT]


def _images(
    table: str = "cases.csv",
    image: str = "i.nii.gz",
    mask: str = "m.nii.gz",
    source: str = "pyradiomics",
    key: str = "",
) -> Arguments:
    """A study of images; ``PATH`` stands for the path, ``key`` is a setting of the source."""

    def make(folder: Path, path: str) -> list[str]:
        (folder / "cases.csv").write_text(f"id,image,mask\nP0,{image},{mask}\n".replace("PATH", path))
        clinical = {"table": "c.csv", "id": "id", "outcome": "y", "event": 1}
        tissue = {"images": table.replace("PATH", path), "sources": [source]}
        extraction = {source: {key: path}} if key else {}
        content = {"title": "I", "clinical": clinical, "tissues": {"disc": tissue}, "extraction": extraction}
        return ["extract", study(folder, content), *OUT]

    return make


def _cohort(table: str = "clinical.csv", features: str = "reader1.csv") -> Arguments:
    def make(folder: Path, path: str) -> list[str]:
        clinical, disc = {"table": table.replace("PATH", path)}, {"features": features.replace("PATH", path)}
        content = {"name": "New", "clinical": clinical, "tissues": {"disc": disc}}
        return ["apply", "run", study(folder, content), "--jobs", "1"]

    return make


def _plain(*arguments: str) -> Arguments:
    return lambda folder, path: [path if each == "PATH" else each for each in arguments]


def _in_run(name: str, *arguments: str) -> Arguments:
    """A file of a run that leads elsewhere; ``RUN`` stands for the run."""

    def make(folder: Path, path: str) -> list[str]:
        altered = folder / "altered"
        shutil.copytree(folder / "run", altered, symlinks=True)
        (altered / name).unlink()
        if len(path) < 200:
            (altered / name).symlink_to(folder / path)
        return [str(altered) if each == "RUN" else each for each in arguments]

    return make


CLEAR = ("--standard", "clear", "--out", "out.html")
SLOTS: dict[str, Arguments] = {
    "analyze STUDY": _plain("analyze", "PATH", *OUT),
    "analyze, clinical table": _study("clinical", "table"),
    "analyze, features": _study("tissues", "disc", "features", to=lambda path: [path]),
    "analyze, the other reader's": _study("tissues", "disc", "features", 1),
    "analyze, answers": _study("report", to=lambda path: {"answers": path}),
    "analyze --plan": _plain("analyze", "study.yaml", *OUT, "--plan", "PATH"),
    "analyze, a library": _study("selection", to=lambda path: [{"feature_library": {"library": path}}]),
    "plan STUDY": _plain("plan", "PATH", "--out", "out.json"),
    "extract STUDY": _plain("extract", "PATH", *OUT),
    "extract, cases table": _images(table="PATH"),
    "extract, image": _images(image="PATH"),
    "extract, mask": _images(mask="PATH"),
    "extract, preset": _images(key="preset"),
    "extract, checkpoint": _images(source="uctransnet", key="checkpoint"),
    "init --from": _plain("init", "out", "--from", "PATH"),
    "report RUN": _plain("report", "PATH"),
    "checklist PATH": _plain("checklist", "PATH", *CLEAR),
    "checklist --answers": _plain("checklist", "run", *CLEAR, "--answers", "PATH"),
    "apply RUN": _plain("apply", "PATH", "cohort.yaml", "--jobs", "1"),
    "apply COHORT": _plain("apply", "run", "PATH", "--jobs", "1"),
    "apply, table": _cohort(table="PATH"),
    "apply, features": _cohort(features="PATH"),
    "compare RUN": _plain("compare", "run", "PATH"),
    "segment train": _plain("segment", "train", "PATH", "--out", "out"),
    "segment predict": _plain("segment", "predict", "i.nii.gz", "--checkpoint", "PATH", "--out", "out"),
    "segment predict IMAGE": _plain("segment", "predict", "PATH", "--checkpoint", "none.pt", "--out", "out"),
    "segment evaluate": _plain("segment", "evaluate", "study.yaml", "--checkpoint", "PATH", "--out", "out"),
    "explain --results": _plain("explain", "study.yaml", "--results", "PATH"),
    "results.json of report": _in_run("results.json", "report", "RUN"),
    "results.json of compare": _in_run("results.json", "compare", "run", "RUN"),
    "results.json of checklist": _in_run("results.json", "checklist", "RUN", *CLEAR),
    "model.json of apply": _in_run("model.json", "apply", "RUN", "cohort.yaml", "--jobs", "1"),
}


def held(told: Told) -> None:
    assert told.kind == "message", (told.kind, told.code, told.err[-2000:])
    assert told.code == 1, (told.code, told.err)
    assert told.message.startswith("prldh: "), told.err
    assert told.message.endswith((".", ")")) and told.message.isprintable(), told.message
    assert "a" * 90 not in told.message and len(told.message) < 900, told.message


@pytest.fixture
def folder(bench, tmp_path, monkeypatch) -> Path:
    """The same under hard links, as the working directory."""
    shutil.copytree(bench, tmp_path / "p", copy_function=os.link)
    monkeypatch.chdir(tmp_path / "p")
    return tmp_path / "p"


def _told_by(slot: str, kind: str, folder: Path, place: Path) -> str:
    """What is wrong with how a command meets such a path; nothing where it does as it should."""
    if "answers" in slot and kind in ("an empty file", "a file of the kernel"):
        return ""  # nothing is answered
    own = place / "own"
    shutil.copytree(folder, own, copy_function=os.link, symlinks=True)
    os.chdir(own)
    try:
        arguments = SLOTS[slot](own, KINDS[kind](own, "thing.yaml" if "STUDY" in slot else "thing.csv"))
        before = _everything(own)
        told = run_forked(arguments, place)
        held(told)
        assert _everything(own) == before, "something was written"
    except AssertionError as error:
        return f"{slot}, {kind}: {error}\n"
    finally:
        os.chdir(folder)
        shutil.rmtree(own)
    return ""


def _needs(slot: str) -> None:
    if slot.startswith(("segment", "explain")) or "checkpoint" in slot or "library" in slot:
        pytest.importorskip("prldh_uctransnet", reason="the plugin prldh-uctransnet is not installed")


@pytest.mark.parametrize("part", range(4))
def test_every_input_meets_some_path_that_is_no_file(part, folder, tmp_path):
    """Each input once and each kind of path twice; the rest is slow."""
    kinds = list(KINDS)
    cases = [(slot, kinds[k % len(kinds)]) for k, slot in enumerate(SLOTS)]
    for slot, _ in cases:
        _needs(slot)
    assert "" == "".join(_told_by(slot, kind, folder, tmp_path) for slot, kind in cases[part::4])


@pytest.mark.slow
@pytest.mark.parametrize("slot", SLOTS)
def test_a_path_that_is_no_file_is_one_message(slot, folder, tmp_path):
    _needs(slot)
    assert "" == "".join(_told_by(slot, kind, folder, tmp_path) for kind in KINDS)


def _everything(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="this system has no /proc")
def test_a_window_on_the_system_is_no_empty_file():
    """Files of /proc say that they are regular and have no bytes, and give some."""
    with pytest.raises(OSError, match="gives no size"):
        file_bytes(Path("/proc/self/status"))
