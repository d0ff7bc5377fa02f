"""Every command of the README runs, its study file is the demo's, and its numbers are those of a run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

import prldh
from prldh.demo.features import demo_cohort, write_features_study, write_new_patients
from prldh.demo.run import FEATURES_FOREST, FEATURES_VALIDATION, NEW_PATIENTS
from prldh.study.study_file import read_study

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


#: The demo's features study is run as it stands by test_demo.py, and here with fewer features and refits.
FEWER = {"leave_one_out": False, "folds": 3, "bootstrap": 3, "scope": ["model", "pipeline"]}
SMALL = {"n_radiomics": 40, "n_deep": 15}


@pytest.fixture(scope="module")
def clone(tmp_path_factory, warm_prldh):
    """A folder in which `.venv/bin/prldh` is this environment's, and the demo's features study lies where the demo
    puts it."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "tests").symlink_to(ROOT / "tests")
    place, forest = folder / "demo" / "features_input", {"trees": 10, "sizes": [2, 8]}
    with write_features_study(place, demo_cohort(100, **SMALL), FEWER, forest).open("a") as study:
        study.write("performance: {decision_bootstrap: 20, partial_auc_bootstrap: 20, interaction_bootstrap: 20}\n")
    write_new_patients(folder / "demo" / "features_new", demo_cohort(60, draw=1, **SMALL))
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "prldh").symlink_to(warm_prldh)
    return folder


def _commands():
    blocks = re.findall(r"```sh\n(.*?)```", README, re.S)
    return [line for block in blocks for line in block.splitlines()]


def test_commands_run(clone):
    commands = _commands()
    assert len(commands) >= 8
    for command in commands:
        if command.startswith("make "):  # the suite itself, and the demo, which test_demo.py runs
            command = command.replace("make ", "make -n ")
        done = subprocess.run(
            command, shell=True, cwd=clone, capture_output=True, text=True, env={**os.environ, "MAKEFLAGS": ""}
        )
        assert done.returncode == 0, (command, done.stderr)
    assert (clone / "results" / "report.html").exists()
    assert (clone / "my-study" / "study.yaml").exists()


def test_the_scaffold_is_a_valid_study(tmp_path):
    from prldh.study.scaffold import write_scaffold

    write_scaffold(tmp_path / "new")
    study, folder = read_study(tmp_path / "new" / "study.yaml")
    assert folder == tmp_path / "new" and study.clinical.outcome == "recurrence"


def test_the_study_file_is_the_demos(tmp_path):
    block = re.search(r"```yaml\n(.*?)```", README, re.S)[1]
    (tmp_path / "study.yaml").write_text(block)
    shown, _ = read_study(tmp_path / "study.yaml")
    demo, _ = read_study(write_features_study(tmp_path / "demo", demo_cohort(), FEATURES_VALIDATION, FEATURES_FOREST))
    assert shown == demo
    assert yaml.safe_load(block)["seed"] == 20240102
    cohort = re.findall(r"```yaml\n(.*?)```", README, re.S)[1]
    new = write_new_patients(tmp_path / "new", demo_cohort(NEW_PATIENTS, draw=1))
    assert yaml.safe_load(cohort) == yaml.safe_load(new.read_text())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "name", "changes"),
    [
        ("WORC Desmoid (MRI)", "WORC-Desmoid", {}),
        ("Dong 2022 (CT)", "Dong2022", {}),
        ("Dong 2022, `if_empty: best`", "Dong2022", {"if_empty": "best"}),
    ],
)
def test_the_real_tables_row_is_what_a_run_gives(shared_data, tmp_path, row, name, changes):
    path = str(shared_data / "tables" / f"{name}.gz")
    study = {
        "seed": 1,
        "engine": "python",
        "clinical": {"table": path, "id": "ID", "outcome": "Target", "event": 1},
        "tissues": {"tumour": {"features": [path]}},
        "validation": {"leave_one_out": False, "folds": 10, "bootstrap": 0},
        **changes,
    }
    data = prldh.analyze(study, tmp_path / "out", jobs=2).data
    steps = [s for s in data["tissues"]["tumour"]["selection"]["steps"] if s["name"] != "constant"]
    assert [s["name"] for s in steps] == ["icc", "mrmr_forest", "correlation", "lasso_svm_rfe"]
    assert all(len(s["dropped"]) == s["n_in"] - s["n_out"] for s in steps)
    assert any("one reader" in w["message"] for w in data["warnings"])
    assert any("clinical table as well" in w["message"] for w in data["warnings"])
    cells = [
        c.strip()
        for c in next(line for line in README.splitlines() if line.startswith(f"| {row} |")).strip("|").split("|")
    ]
    model = data["models"][0]
    honest = model["validation"]["pipeline"]["folds"]
    lead = honest["auc"] if honest["auc"]["estimate"] is not None else honest["auc_mean"]
    assert cells[1] == f"{data['cohort']['n']} ({data['cohort']['events']})"
    assert int(cells[2].replace(",", "")) == data["tissues"]["tumour"]["selection"]["steps"][0]["n_in"]
    assert int(cells[3]) == len(data["tissues"]["tumour"]["selection"]["features"])
    assert cells[4] == f"{model['auc']['estimate']:.3f}"
    assert cells[5] == f"{model['validation']['model']['folds']['auc']['estimate']:.3f}"
    limits = "" if lead["low"] is None else f" ({lead['low']:.3f}, {lead['high']:.3f})"
    assert cells[6].split(", mean of folds")[0] == f"{lead['estimate']:.3f}{limits}"
    if "¹" in cells[6]:
        assert f"In {honest['n_intercept_only']} of {honest['n_resamples']} folds" in README
