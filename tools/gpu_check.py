"""What tools/gpu_check.sh runs: steps with a time limit each, and one JSON file that is whole after every step."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

LIMIT_S = 470  # of all steps; the rest of eight minutes is for ending them
TAIL = 2000
PROBE = """
import json, platform, torch
about = {"torch": torch.__version__, "python": platform.python_version(), "cuda": torch.version.cuda, "gpus": []}
if torch.cuda.is_available():
    about["cudnn"] = torch.backends.cudnn.version()
    for i in range(torch.cuda.device_count()):
        p = torch.cuda.get_device_properties(i)
        gpu = {"name": p.name, "capability": f"{p.major}.{p.minor}", "memory_gib": p.total_memory / 2**30}
        about["gpus"].append(gpu)
print(json.dumps(about, default=str))
"""


@dataclass(frozen=True)
class Step:
    """A command, the seconds that it may take on a GPU and on a CPU, and where its numbers come from."""

    name: str
    command: list[str]
    seconds: float
    numbers: Callable[[], Any] = lambda: None
    note: str = ""


class Check:
    """Steps one after another, and the file that says how they went."""

    def __init__(self, out: Path) -> None:
        self.out, self.start = out, time.monotonic()
        self.content: dict[str, Any] = {
            "schema": "prldh-gpu-check/1",
            "began": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "commit": _commit(),
            "limit_s": LIMIT_S,
            "steps": {},
        }

    @property
    def left(self) -> float:
        return LIMIT_S - (time.monotonic() - self.start)

    def write(self) -> None:
        self.content["seconds"] = round(time.monotonic() - self.start, 1)
        scratch = self.out.with_name(f".{self.out.name}.partial")
        scratch.write_text(json.dumps(self.content, indent=2) + "\n")
        os.replace(scratch, self.out)

    def note(self, name: str, status: str, **more: Any) -> None:
        self.content["steps"][name] = {"status": status, **{k: v for k, v in more.items() if v not in (None, "")}}
        self.write()
        print(f"gpu check: {name}: {status}{': ' + more['why'] if more.get('why') else ''}", flush=True)

    def run(self, step: Step) -> None:
        limit = min(step.seconds, self.left)
        if limit < 5:
            self.note(step.name, "left out", why="the time is used up")
            return
        began = time.monotonic()
        code, said = run_command(step.command, limit)
        seconds = round(time.monotonic() - began, 1)
        status = {0: "passed", None: "out of time"}.get(code, "failed")
        try:
            numbers = step.numbers()
        except (OSError, ValueError, KeyError, ElementTree.ParseError):
            numbers = None
        tail = said[-TAIL:] if status != "passed" else None
        self.note(
            step.name, status, seconds=seconds, note=step.note, numbers=numbers, tail=tail, why=_last(said, status)
        )


def run_command(command: list[str], limit: float) -> tuple[int | None, str]:
    """Exit code (None: out of time, and ended with all its processes) and what it said."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True
    )
    try:
        said, _ = process.communicate(timeout=limit)
        return process.returncode, said
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        return None, said


def _last(said: str, status: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1][:300] if lines and status == "failed" else ""


def _commit() -> str:
    try:
        return subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def junit(path: Path) -> dict[str, int]:
    """Counts of a test run."""
    suite = ElementTree.parse(path).getroot().find("testsuite")
    assert suite is not None
    counts = {k: int(suite.get(k, 0)) for k in ("tests", "failures", "errors", "skipped")}
    return counts | {"passed": counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]}


def write_study(folder: Path, n: int, side: int, recipe: dict[str, Any]) -> Path:
    """Pictures of a bright ellipse each, and a study file that trains on them."""
    import numpy as np
    from PIL import Image

    generator, (y, x) = np.random.default_rng(1), np.mgrid[:side, :side] / side
    rows = ["id,image,mask"]
    for i in range(n):
        (a, b), (r, s) = generator.uniform(0.35, 0.65, 2), generator.uniform(0.1, 0.25, 2)
        mask = ((y - a) / r) ** 2 + ((x - b) / s) ** 2 <= 1
        grey = np.clip(80 + 90 * mask + 20 * generator.normal(size=mask.shape), 0, 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / f"i{i}.png")
        Image.fromarray(mask.astype(np.uint8)).save(folder / f"m{i}.png")
        rows.append(f"P{i},i{i}.png,m{i}.png")
    (folder / "cases.csv").write_text("\n".join(rows) + "\n")
    (folder / "clinical.csv").write_text("id,y\n" + "".join(f"P{i},{i % 2}\n" for i in range(n)))
    study = {
        "clinical": {"table": "clinical.csv", "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"images": "cases.csv"}},
        "extraction": {"uctransnet": {"train": recipe}},
    }
    (folder / "study.yaml").write_text(json.dumps(study))
    return folder / "study.yaml"


def steps_of(folder: Path, data: Path, n_gpus: int) -> list[Step]:
    """What is run, with a GPU or small without one."""
    python, is_gpu = sys.executable, n_gpus > 0

    def read(name: str) -> Any:
        return json.loads((folder / name).read_text())

    device = "cuda" if is_gpu else "cpu"
    bench = [python, "benchmarks/embedding.py", "--device", device, "--json", str(folder / "embedding.json")]
    bench += (
        ["--batches", "128", "256", "--precisions", "fp32", "bf16", "fp16", "--seconds", "1", "--patients", "200"]
        if is_gpu
        else ["--only-precision", "--precisions", "fp32", "--patients", "3"]
    )
    pipeline = [python, "benchmarks/deep_pipeline.py", "--device", device, "--json", str(folder / "pipeline.json")]
    pipeline += ["--cases", "300", "--limit-mb", "64", "--precision", "auto"] if is_gpu else ["--cases", "4"]
    n = max(2, n_gpus)
    is_joined_on_gpus = n_gpus > 1
    recipe = (
        {"epochs": 1, "batch": 16 * n, "validation": 0.25, "device": "cuda"}
        if is_joined_on_gpus
        else {"epochs": 1, "batch": 4, "validation": 0.25, "size": 32, "width": 2, "device": "cpu"}
    )
    trains = write_study(folder, 64 if is_joined_on_gpus else 8, 224 if is_joined_on_gpus else 32, recipe)
    joined = [python, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(n), "-m", "prldh"]
    joined += ["segment", "train", str(trains), "--out", str(folder / "net")]
    how = (
        f"{n} GPUs, BatchNorm over all of them"
        if is_joined_on_gpus
        else f"two CPU processes, as {n_gpus} GPUs are fewer than two: NCCL and BatchNorm over GPUs were not run"
    )
    real = [python, "benchmarks/segmentation.py", str(data), "--folds", "2", "--device", device]
    real += ["--json", str(folder / "recipe.json")]
    real += (
        ["--width", "64", "--size", "224", "--batch", "32", "--learning-rate", "0.0001", "--epochs", "50"]
        if is_gpu
        else ["--width", "2", "--size", "32", "--epochs", "1"]
    )
    tests = [python, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", f"--junit-xml={folder / 'tests.xml'}"]
    steps = (
        [Step("gpu tests", [*tests, "tests/uctransnet"], 130, lambda: junit(folder / "tests.xml"))] if is_gpu else []
    )
    steps += [
        Step("embedding", bench, 110 if is_gpu else 60, lambda: read("embedding.json")),
        Step("from files to features", pipeline, 80 if is_gpu else 60, lambda: read("pipeline.json")),
        Step("one epoch of several processes", joined, 60, lambda: read("net/training.json")["history"], how),
    ]
    if (data / "images").is_dir():
        steps.append(
            Step("the recipe on real slices", real, 90 if is_gpu else 60, lambda: read("recipe.json"), data.name)
        )
    return steps


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("gpu_check.json"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data/spine_slices"))
    arguments = parser.parse_args()
    check = Check(arguments.out)
    code, said = run_command([sys.executable, "-c", PROBE], 60)
    try:
        about = json.loads(said.splitlines()[-1]) if code == 0 else None
    except (ValueError, IndexError):
        about = None
    if about is None:
        check.content["is_gpu"] = False
        check.note("device", "failed", why="torch cannot be used: " + (_last(said, "failed") or "it does not answer"))
        return 1
    n_gpus = len(about["gpus"])
    check.content |= {"is_gpu": n_gpus > 0, "device": about}
    if not n_gpus:
        check.content["note"] = (
            f"torch {about['torch']} finds no CUDA GPU here: the GPU tests were not run, and the other steps in small"
            " versions on the CPU, whose numbers say nothing of a GPU"
        )
        check.note("gpu tests", "left out", why="there is no GPU")
    with tempfile.TemporaryDirectory() as name:
        for step in steps_of(Path(name), arguments.data, n_gpus):
            check.run(step)
    if not (arguments.data / "images").is_dir():
        check.note("the recipe on real slices", "left out", why="no slices are there; name their folder with --data")
    check.content["is_passed"] = all(s["status"] in ("passed", "left out") for s in check.content["steps"].values())
    check.write()
    print(f"gpu check: {check.content['seconds']} s; {arguments.out}")
    return 0 if check.content["is_passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
