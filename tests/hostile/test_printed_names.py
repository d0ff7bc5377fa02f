"""What a terminal, a pipe or a log is shown of names that came from outside: lines of ours, whatever stands in them."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from small_run import write_blank

import prldh.report.figures as figures
from prldh.cli import cli

#: A line of its own, the colour red, a bell, a tab, a mark of direction: in names of folders, files and columns.
WILD = "a\nprldh: 0 warnings\x1b[31m\x07\t\u202eb"
SHOWN = r"a\nprldh: 0 warnings\x1b[31m\x07\t\u202eb"


@pytest.fixture(scope="module")
def wild(made, tmp_path_factory) -> Path:
    """The folder of a finished run and of its study, under wild names."""
    folder = tmp_path_factory.mktemp("w") / WILD
    shutil.copytree(made[0].parent, folder)
    for name in ("one", "two"):
        shutil.copytree(folder / made[0].name, folder / f"{name} {WILD}")
    (folder / f"s {WILD}.yaml").write_text((folder / "study.yaml").read_text("utf-8"), encoding="utf-8")
    table = pd.read_csv(folder / "clinical.csv")
    table.assign(**{f"c {WILD}": 1}).to_csv(folder / f"t {WILD}.csv", index=False)
    (folder / f"broken {WILD}.yaml").write_text("title: [", encoding="utf-8")
    (folder / f"text {WILD}.csv").write_text("no,table\n", encoding="utf-8")
    unread = {"table": f"no {WILD}.csv", "id": WILD, "outcome": WILD, "event": WILD, "covariates": {WILD: "continuous"}}
    (folder / "names.yaml").write_text(yaml.safe_dump({"clinical": unread, WILD: 1}), encoding="utf-8")
    del unread["covariates"]
    unread["table"] = f"t {WILD}.csv"
    (folder / "columns.yaml").write_text(yaml.safe_dump({"clinical": unread}), encoding="utf-8")
    return folder


COMMANDS = {
    "analyze": ["analyze", "study.yaml", "--out", "new {W}", "--jobs", "1", "--verbose", "--log", "log {W}"],
    "analyze a study file of that name": ["analyze", "s {W}.yaml", "--out", "one {W}"],
    "analyze into a file": ["analyze", "study.yaml", "--out", "text {W}.csv"],
    "analyze what is not there": ["analyze", "none {W}.yaml", "--out", "x"],
    "analyze what is broken": ["analyze", "broken {W}.yaml", "--out", "x"],
    "analyze names": ["analyze", "names.yaml", "--out", "x"],
    "analyze columns": ["analyze", "columns.yaml", "--out", "x"],
    "plan": ["plan", "study.yaml", "--out", "plan {W}.json"],
    "plan again": ["plan", "study.yaml", "--out", "text {W}.csv"],
    "init": ["init", "init {W}"],
    "init from": ["init", "from {W}", "--from", "t {W}.csv"],
    "init from two": ["init", "from two {W}", "--from", "t {W}.csv", "text {W}.csv"],
    "report": ["report", "one {W}", "--jobs", "1"],
    "report nothing": ["report", "none {W}"],
    "apply": ["apply", "one {W}", "cohort.yaml", "--force", "--log", "log {W}"],
    "apply what is broken": ["apply", "one {W}", "broken {W}.yaml"],
    "calculator": ["calculator", "one {W}", "--out", "c {W}.html"],
    "calculator of no model": ["calculator", "one {W}", "--model", "{W}", "--out", "d {W}.html"],
    "calculator of another ending": ["calculator", "one {W}", "--out", "d {W}.{W}"],
    "compare": ["compare", "one {W}", "two {W}", "--out", "compared {W}.html"],
    "compare nothing": ["compare", "one {W}", "none {W}"],
    "checklist": ["checklist", "one {W}", "--standard", "clear", "--out", "list {W}.html"],
    "checklist of none": ["checklist", "one {W}", "--standard", "{W}"],
    "checklist with answers": ["checklist", "one {W}", "--standard", "clear", "--answers", "text {W}.csv"],
    "extract": ["extract", "s {W}.yaml", "--out", "e {W}"],
    "plugins check": ["plugins", "check", "{W}"],
    "plugins new": ["plugins", "new", "{W}"],
    "plugins new in": ["plugins", "new", "some-plugin", "--in", "plugin {W}"],
    "an argument too many": ["schema", "study", "{W}"],
    "an option that is none": ["report", "one {W}", "--{W}"],
    "an option given twice": ["analyze", "study.yaml", "--out", "{W}", "--out", "other"],
    "no command": ["{W}"],
    "demo": ["demo", "--data-only", "demo {W}"],
}


def _controls(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\n"}


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_no_name_breaks_a_line_or_reaches_the_terminal_as_it_is(wild, made, monkeypatch, arguments):
    monkeypatch.chdir(wild)
    monkeypatch.setattr(figures, "_write_all", write_blank)
    done = CliRunner().invoke(cli, [each.replace("{W}", WILD) for each in arguments], env={"COLUMNS": "500"})
    assert done.exit_code in (0, 1, 2) and (done.exception is None or isinstance(done.exception, SystemExit))
    log = wild / f"log {WILD}"
    said = done.output + (log.read_text("utf-8") if log.is_file() else "")
    assert _controls(said) == set(), said
    assert not any(line.startswith(("prldh: 0 warnings", "0 warnings")) for line in said.splitlines()), said
    is_named = any("{W}" in each for each in arguments)
    assert done.output.strip() and (not is_named or SHOWN[:12] in said.replace("\n", "")), said
