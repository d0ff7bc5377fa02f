"""Hostile calls from Python: one message for each argument that is of another kind, and nothing is written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from verdicts import JUNK, snapshot

import prldh
from prldh.core import DataError, PrldhError, given_path, nearest

NO_PATHS = (None, 3, True, float("nan"), b"study.yaml", [], ("study.yaml",), object(), "", "a\0b", Path("nowhere"))
CALLS = {
    "analyze, study": lambda value: prldh.analyze(value, "new"),
    "analyze, out": lambda value: prldh.analyze("study.yaml", value if value != Path("nowhere") else "study.yaml"),
    "analyze, plan_file": lambda value: prldh.analyze("study.yaml", "new", plan_file=value if value else "nowhere"),
    "extract, study": lambda value: prldh.extract(value, "new"),
    "check": prldh.check,
    "read_results": prldh.read_results,
    "render": prldh.render,
    "apply_models, run": lambda value: prldh.apply_models(value, "cohort.yaml"),
    "apply_models, cohort": lambda value: prldh.apply_models("run", value),
    "compare_runs": prldh.compare_runs,
    "compare_runs, one": lambda value: prldh.compare_runs(["run", value]),
    "write_calculator, run": lambda value: prldh.write_calculator(value, "x.html"),
    "write_calculator, out": lambda value: prldh.write_calculator("run", value),
    "run_checklist": lambda value: prldh.run_checklist(value, "clear", "html"),
    "write_plan, study": lambda value: prldh.write_plan(value, "x.json"),
}
ARGUMENTS = {
    "jobs": (0, -1, "2", 1.5, 10**12, True, [1]),
    "seed": (-1, "3", 1.5, 2**70, True, []),
    "engine": ("julia", 3, "", b"r"),
    "dask": (3, "", []),
    "plan_file": ("nowhere", "study.yaml", "run"),
}


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    folder = tmp_path / "work"
    shutil.copytree(made[0].parent, folder)
    monkeypatch.chdir(folder)
    return folder


def refused(call, *given, **named) -> str:
    with pytest.raises(PrldhError) as told:
        call(*given, **named)
    message = str(told.value)
    assert not JUNK.search(message) and len(message) < 600, message
    return message


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_path_is_one_message(here, name):
    before = snapshot(here)
    for value in NO_PATHS:
        refused(CALLS[name], value)
    assert snapshot(here) == before


@pytest.mark.parametrize("name", ARGUMENTS)
def test_what_the_command_line_would_refuse_python_refuses_too(here, name):
    before = snapshot(here)
    for value in ARGUMENTS[name]:
        told = refused(prldh.analyze, "study.yaml", "new", **{name: value})
        assert name.split("_")[0] in told
    for value in ARGUMENTS["jobs"]:
        refused(prldh.extract, "study.yaml", "new", jobs=value)
    assert snapshot(here) == before


def test_a_path_is_any_that_python_knows(here):
    class Mine(os.PathLike):
        def __fspath__(self) -> str:
            return "run"

    assert given_path(Mine(), "run") == Path("run") == given_path("run", "run")
    assert prldh.read_results(Mine()).data == prldh.read_results("run").data


def test_a_table_that_is_not_there_is_told_with_those_that_are(here):
    results = prldh.read_results("run")
    for ask in (lambda: results.tables["modls"], lambda: results.describe("modls")):
        with pytest.raises(DataError, match=r"there is no table 'modls'; did you mean 'models'\? There are: measures"):
            ask()
    with pytest.raises(KeyError):
        results.tables[3]
    assert results.tables.get("modls") is None and "modls" not in results.tables


def test_lost_predictions_are_told(here):
    assert len(prldh.read_results("run").predictions)
    (here / "run" / "predictions.csv").unlink()
    with pytest.warns(UserWarning, match=r"predictions\.csv is not there: predictions is an empty table"):
        assert not len(prldh.read_results("run").predictions)


@pytest.mark.parametrize(
    ("asked", "known", "meant"),
    [
        ("radscore_disk", ["radscore_dis", "radscore_disc"], "radscore_disc"),
        ("radscore_disk", ["radscore_disc", "radscore_dis"], "radscore_disc"),
        ("model_2b", ["model_2", "model_2a", "model_20"], "model_2a"),
        ("aeg", ["agee", "age", "leg"], "age"),
        ("AGE ", ["Age", "age"], "Age"),
        ("nothing", ["age", "sex"], None),
        ("a" * 1000, ["a" * 1001], None),
    ],
)
def test_the_name_that_was_meant(asked, known, meant):
    assert nearest(asked, known) == meant


def test_numpys_integers_are_integers(here):
    prldh.analyze("study.yaml", "new", jobs=np.int64(1), seed=np.int64(3))
    assert prldh.read_results("new").data["study"]["seed"] == 3
