"""What has to hold before a commit is the same in the Makefile, before the tests, and for pre-commit."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
GATES = ["ruff check", "ruff format", "mypy", "lint-imports"]


def _gate_of(command: str) -> str:
    return next(gate for gate in GATES if gate in command)


def test_make_and_pre_commit_run_the_same_gates():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^check:\n((?:\t.*\n)+)", makefile, re.M)[1]
    assert [_gate_of(line) for line in recipe.splitlines()] == GATES
    assert re.search(r"^test: setup-test\n\t.* check kernels$", makefile, re.M) and re.search(
        r"^lint: setup check$", makefile, re.M
    )
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repo["repo"] == "local"
    assert [_gate_of(hook["entry"]) for hook in repo["hooks"]] == GATES
    for hook in repo["hooks"]:  # the tools of .venv: nothing is fetched
        assert hook["language"] == "system" and hook["entry"].startswith(".venv/bin/")


def test_mypy_reads_everything_and_no_error_is_silenced_without_a_reason():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    packages = {p.parent.relative_to(ROOT).as_posix() for p in ROOT.glob("plugins/*/*/__init__.py")}
    assert set(settings["files"]) == {"prldh", *packages} and settings["disallow_untyped_defs"]
    assert (ROOT / "prldh" / "py.typed").is_file()
    for folder in settings["files"]:
        for path in (ROOT / folder).rglob("*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                assert "# type: ignore" not in line or re.search(r"# type: ignore\[[\w,-]+\]  # \w", line), (path, line)
