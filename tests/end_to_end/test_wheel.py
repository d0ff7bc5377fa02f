"""The wheel is part of the product: built, installed in an empty environment, it renders a report there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # built from a copy, so that nothing of the checkout but its files takes part
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", "demo", "build", "dist")
    )
    shutil.copytree(
        ROOT / "prldh" / "demo",
        source / "prldh" / "demo",
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("prldh-*.whl"))


def test_the_wheel_holds_templates_r_code_and_the_demo_table(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "prldh/_templates/report.html.j2",
        "prldh/_templates/analysis.R.j2",
        "prldh/_templates/style.css",
        "prldh/_r/R/auc.R",
        "prldh/demo/published_cohort.csv",
        "prldh/checklists/data/clear.yaml",
        "prldh/ibsi/data/ibsi_features.csv",
        "prldh/pages/arimo/Arimo-Regular.ttf",
        "prldh/pages/arimo/OFL.txt",
    ):
        assert name in names, name
    assert not [n for n in names if n.startswith(("tests/", "prldh/tests"))]


@pytest.mark.r
def test_it_renders_a_report_in_an_empty_environment(wheel, tmp_path):
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    python = environment / "bin" / "python"
    subprocess.run(
        [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--timeout",
            "20",
            "--retries",
            "10",
            str(wheel),
        ],
        check=True,
        cwd=tmp_path,
        env=clean,
    )
    table = ["patient,outcome,score,age"] + [
        f"P{i},{'yes' if i % 3 == 0 else 'no'},{(i % 3 == 0) * 1.5 + (i * 37 % 17) / 6},{40 + i * 13 % 40}"
        for i in range(60)
    ]
    (tmp_path / "table.csv").write_text("\n".join(table) + "\n")
    (tmp_path / "study.yaml").write_text(
        "clinical: {table: table.csv, id: patient, outcome: outcome, event: yes, covariates: {age: continuous}}\n"
        "tissues: {lesion: {radscore: score}}\nvalidation: {leave_one_out: false, folds: 5, bootstrap: 20}\n"
    )
    done = subprocess.run(
        [environment / "bin" / "prldh", "analyze", "study.yaml", "--out", "out"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "out" / "report.html").read_text()
    assert "<svg" in html and "Lesion Radscore" in html
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["engines"]["reported"] == "python"  # the wheel does not force rpy2: R is said to be missing
    assert any("R was asked for" in w["message"] for w in results["warnings"])
    done = subprocess.run(
        [environment / "bin" / "prldh", "report", "out"], cwd=tmp_path, env=clean, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "reproduce" / "analysis.R").exists()
    done = subprocess.run(
        [environment / "bin" / "prldh", "doctor"], cwd=tmp_path, env=clean, capture_output=True, text=True
    )
    assert "missing  R" in done.stdout and "rpy2" in done.stdout
    line = re.search(r"pip install (\S*rpy2.*?)(?:`|$)", done.stdout, re.M)[1]  # the line that mends it
    subprocess.run(
        f"{python} -m pip install --quiet --disable-pip-version-check {line}",
        shell=True,
        check=True,
        cwd=tmp_path,
        env={**clean, "RPY2_CFFI_MODE": "ABI"},
    )
    command = [environment / "bin" / "prldh", "analyze", "study.yaml", "--out", "both", "--engine", "r"]
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "both" / "results.json").read_text())["engines"]["reported"] == "r"
