"""tools/gpu_check.sh: each step within its time, a file that is whole after each, and what it says without a GPU."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.ci

PLACE = Path(__file__).parents[2] / "tools" / "gpu_check.py"


@pytest.fixture
def gpu_check(monkeypatch):
    spec = importlib.util.spec_from_file_location("gpu_check", PLACE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gpu_check", module)
    spec.loader.exec_module(module)
    return module


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_step_out_of_time_is_ended_with_all_that_it_started(gpu_check, tmp_path):
    mark = tmp_path / "mark"
    child = f"import time, pathlib; time.sleep(4); pathlib.Path({str(mark)!r}).touch()"
    code = f"import subprocess, sys; print('begun', flush=True); subprocess.run([sys.executable, '-c', {child!r}])"
    start = time.monotonic()
    assert gpu_check.run_command(_python(code), 1.5) == (None, "begun\n") and time.monotonic() - start < 3.5
    time.sleep(max(0.0, 5 - (time.monotonic() - start)))
    assert not mark.exists()


def test_how_each_step_went_is_in_the_file(gpu_check, tmp_path):
    check = gpu_check.Check(tmp_path / "out.json")
    numbers = tmp_path / "n.json"
    steps = [
        ("good", _python(f"open({str(numbers)!r}, 'w').write('[1]')"), 20, "passed"),
        ("bad", _python("raise SystemExit('no such thing')"), 20, "failed"),
        ("slow", _python("import time; time.sleep(60)"), 5, "out of time"),
    ]
    for name, command, seconds, status in steps:
        check.run(gpu_check.Step(name, command, seconds, lambda: json.loads(numbers.read_text())))
        assert json.loads((tmp_path / "out.json").read_text())["steps"][name]["status"] == status
    found = check.content["steps"]
    assert found["good"]["numbers"] == [1] and "tail" not in found["good"]
    assert found["bad"]["why"] == "no such thing" and found["bad"]["tail"].endswith("no such thing\n")
    check.start -= gpu_check.LIMIT_S - 3
    check.run(gpu_check.Step("late", _python(""), 20))
    assert found["late"] == {"status": "left out", "why": "the time is used up"}


@pytest.mark.parametrize(("gpus", "is_gpu"), [(0, False), (1, True), (2, True)])
def test_all_steps_fit_into_eight_minutes(gpu_check, tmp_path, gpus, is_gpu):
    pytest.importorskip("PIL")
    (tmp_path / "data" / "images").mkdir(parents=True)
    steps = gpu_check.steps_of(tmp_path, tmp_path / "data", gpus)
    assert sum(step.seconds for step in steps) <= gpu_check.LIMIT_S <= 475
    names = [step.name for step in steps]
    assert ("gpu tests" in names) is is_gpu and names[-1] == "the recipe on real slices" and len(names) == 4 + is_gpu
    joined = next(step for step in steps if "several processes" in step.name)
    assert ("2 GPUs" in joined.note) is (gpus == 2) and "2" in joined.command
    assert all("cuda" in step.command for step in steps if step.name == "embedding") is is_gpu


def test_without_a_gpu_or_without_torch_it_says_so(gpu_check, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["gpu_check", str(tmp_path / "a.json"), "--data", str(tmp_path)])
    monkeypatch.setattr(gpu_check, "PROBE", 'print(\'{"torch": "2.9", "gpus": []}\')')
    monkeypatch.setattr(gpu_check, "steps_of", lambda *given: [gpu_check.Step("small", _python(""), 20)])
    assert gpu_check.main() == 0
    found = json.loads((tmp_path / "a.json").read_text())
    assert not found["is_gpu"] and "finds no CUDA GPU here" in found["note"] and found["is_passed"]
    assert found["steps"]["gpu tests"]["status"] == "left out" and found["steps"]["small"]["status"] == "passed"
    assert "--data" in found["steps"]["the recipe on real slices"]["why"]
    monkeypatch.setattr(gpu_check, "PROBE", "import no_torch_here")
    assert gpu_check.main() == 1
    found = json.loads((tmp_path / "a.json").read_text())
    assert "No module named 'no_torch_here'" in found["steps"]["device"]["why"]
