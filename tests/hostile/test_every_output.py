"""Every command that writes × every kind of place that it may be given: refused in one message, and everything is as it
was. Commands are asked of click, those of plugins too, so that a new one cannot escape."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import click
import numpy as np
import pytest
import yaml
from changes import commands
from click.testing import CliRunner
from verdicts import snapshot, unclear

import prldh.plugins
from prldh.cli import cli
from prldh.core import OutputError, check_target, refuse_in_run

pytestmark = pytest.mark.ci

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")

#: What each command reads by a path, and where it writes: a file, or a folder.
INPUTS = {
    "analyze": {"study", "plan_file"},
    "plan": {"study"},
    "extract": {"study"},
    "init": {"tables", "more"},
    "apply": {"cohorts"},
    "calculator": {"run"},
    "compare": {"runs"},
    "checklist": {"path", "answers"},
    "segment train": {"study"},
    "segment predict": {"images", "checkpoint"},
    "segment evaluate": {"study", "checkpoint"},
    "explain": {"study", "checkpoint"},
}
FILES = {
    "plan": ("out", ("plan", "study.yaml"), "json"),
    "calculator": ("out", ("calculator", "run", "--model", "Disc"), "html"),
    "compare": ("out", ("compare", "run", "other"), "html"),
    "checklist": ("out", ("checklist", "run", "--standard", "clear"), "html"),
    "analyze --log": ("log", ("analyze", "study.yaml", "--out", "new"), "log"),
    "extract --log": ("log", ("extract", "images.yaml", "--out", "new"), "log"),
    "apply --log": ("log", ("apply", "run", "cohort.yaml"), "log"),
    "demo --log": ("log", ("demo", "--data-only", "new"), "log"),
}
FOLDERS = {
    "analyze": ("out", ("analyze", "study.yaml")),
    "extract": ("out", ("extract", "images.yaml")),
    "demo": ("out", ("demo",)),
    "demo --data-only": ("data_only", ("demo",)),
    "init": ("folder", ("init",)),
    "plugins new": ("parent", ("plugins", "new", "prldh-mine")),
    "segment train": ("out", ("segment", "train", "images.yaml")),
    "segment predict": ("out", ("segment", "predict", "A.nii.gz", "--checkpoint", "best.pt")),
    "segment evaluate": ("out", ("segment", "evaluate", "images.yaml", "--checkpoint", "best.pt")),
}
#: These write to a finished run's folder, which is given.
RUNS = {
    "report": ("folder", ("report",), ()),
    "apply": ("run", ("apply",), ("cohort.yaml",)),
    "explain": ("results", ("explain", "images.yaml"), ()),
}


@pytest.fixture(scope="module", autouse=True)
def plugged_in():
    """As ``main`` does: plugins add their commands. Other tests find what they would find without this one."""
    before = dict(cli.commands)
    prldh.plugins.Registry(load_built_ins=False).add_commands(cli)
    yield
    cli.commands.clear()
    cli.commands.update(before)


def test_every_path_of_every_command_is_known_here():
    known = {(name, param) for name, params in INPUTS.items() for param in params}
    for table in (FILES, FOLDERS, RUNS):
        known |= {(name.split(" --")[0], entry[0]) for name, entry in table.items()}
    there = dict(commands(cli))
    own = {(n, p.name) for n, c in there.items() for p in c.params if isinstance(p.type, click.Path)}
    assert {"analyze", "segment train"} <= set(there) or "segment train" not in there
    assert own == {(name, param) for name, param in known if name in there}
    texts = {p.name for c in there.values() for p in c.params if p.type is click.STRING and isinstance(p, click.Option)}
    # an option that takes text is no path in disguise
    assert texts <= {"standard", "settings", "kinds", "model", "dask", "tissue", "patients", "name"}


@pytest.fixture(scope="session")
def place(made, tmp_path_factory):
    """A study, two finished runs, images, and one of every place that is not to be written to."""
    folder = tmp_path_factory.mktemp("outputs") / "work"
    shutil.copytree(made[0].parent, folder)
    shutil.copytree(folder / "run", folder / "other")
    sitk = pytest.importorskip("SimpleITK")
    mask = np.zeros((4, 8, 8), np.uint8)
    mask[1:3, 2:6, 2:6] = 1
    for name, values in (("A", mask.astype(np.int16) * 90), ("A_mask", mask)):
        sitk.WriteImage(sitk.GetImageFromArray(values), str(folder / f"{name}.nii.gz"))
    (folder / "best.pt").write_bytes(b"weights")
    (folder / "cases.csv").write_text("patient_id,image,mask\nA,A.nii.gz,A_mask.nii.gz\n")
    (folder / "outcomes.csv").write_text("patient_id,outcome\nA,0\nB,1\n")
    (folder / "images.yaml").write_text(
        "title: Images\nclinical: {table: outcomes.csv, id: patient_id, outcome: outcome, event: 1}\n"
        "tissues: {disc: {images: cases.csv, sources: [pyradiomics]}}\n"
    )
    (folder / "theirs").write_text("somebody's\n")
    for end in ("json", "html", "log"):
        (folder / f"theirs.{end}").write_text("somebody's\n")
        (folder / f"to_theirs.{end}").symlink_to("theirs")
        (folder / f"to_study.{end}").symlink_to("study.yaml")
        (folder / f"to_nothing.{end}").symlink_to("nowhere/at/all")
        (folder / f"loop.{end}").symlink_to(f"loop.{end}")
        os.mkfifo(folder / f"pipe.{end}")
        (folder / f"folder.{end}").mkdir()
    (folder / "to_nothing").symlink_to("nowhere/at/all")
    (folder / "loop").symlink_to("loop")
    (folder / "to_study").symlink_to("study.yaml")
    os.mkfifo(folder / "pipe")
    return folder


def told(place: Path, arguments: tuple[str, ...], monkeypatch) -> str:
    """What a refused command says; everything is as it was."""
    monkeypatch.chdir(place)
    before = snapshot(place)
    done = CliRunner().invoke(cli, list(arguments))
    assert done.exit_code in (1, 2) and isinstance(done.exception, SystemExit), (arguments, done.output, done.exception)
    assert unclear(done.stderr) is None, (arguments, unclear(done.stderr), done.stderr)
    assert snapshot(place) == before, arguments
    return done.stderr


def options_of(name: str) -> set[str]:
    command = dict(commands(cli)).get(name.split(" --")[0])
    if command is None:
        pytest.skip("the plugin is not installed")
    return {option for param in command.params for option in param.opts}


@posix
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_written_nowhere_but_where_it_may_be(place, monkeypatch, name):
    _, before, end = FILES[name]
    option = f"--{name.split(' --')[1]}" if " --" in name else "--out"
    can_be_forced = "--force" in options_of(name) and option == "--out"
    never = [
        *(f"{what}.{end}" for what in ("to_theirs", "to_study", "to_nothing", "loop", "pipe", "folder")),
        "/dev/null", "/dev/full", f"{'o' * 300}.{end}", f"study.yaml/x.{end}", "", ".", "..", "run", "run/tables",
        "run/results.json", "run/model.json", f"run/tables/x.{end}", f"run/figures/new/x.{end}", f"/proc/none/x.{end}",
    ]  # fmt: skip
    if name == "plan":
        never += ["study.yaml", "clinical.csv"]
    for target in (f"theirs.{end}", *never):
        told(place, (*before, option, target), monkeypatch)
    forced = ("to_study", "to_nothing", "pipe", "/dev/full", "run/results.json", "run/tables/x", "study.yaml")
    for target in [each for each in never if can_be_forced and each.startswith(forced)]:
        told(place, (*before, "--force", option, target), monkeypatch)


#: What the finished run of ``place``, and its external validation, read.
READ = ("study.yaml", "clinical.csv", "features.csv", "cohort.yaml", "new.csv", "new_features.csv")


@pytest.mark.parametrize("name", [name for name in FILES if " --" not in name])
def test_what_was_read_is_never_replaced_whatever_it_is_called(place, tmp_path, monkeypatch, name):
    """Inputs are known by their content: they may have been moved since, and have any name; ``--force`` or not."""
    _, before, end = FILES[name]
    assert "--force" in options_of(name)
    work = shutil.copytree(place, tmp_path / "work", symlinks=True, ignore=shutil.ignore_patterns("pipe*"))
    json_study = work / f"as_json.{end}"
    json_study.write_text(json.dumps(yaml.safe_load((work / "study.yaml").read_text())))
    for each in READ:
        (work / f"{each}.{end}").write_bytes((work / each).read_bytes())
    for target in (*READ, *(f"{each}.{end}" for each in READ), json_study.name):
        if name == "plan" and target not in ("study.yaml", "clinical.csv", "features.csv"):
            continue  # it reads no run, and knows its own inputs alone
        for more in ((), ("--force",)):
            if name == "calculator" and not target.endswith(end):
                continue  # a calculator's name ends with .html
            said = told(work, (*before, *more, "--out", target), monkeypatch).replace("\n", " ")
            is_known = "is a file that a study is made of" in said or "is a file of the run or of its study" in said
            assert is_known or (name == "compare" and "the ending says the format" in said), said


def test_a_cohorts_tables_do_not_lie_where_its_results_are_replaced(place, tmp_path, monkeypatch):
    work = shutil.copytree(place, tmp_path / "work", symlinks=True, ignore=shutil.ignore_patterns("pipe*"))
    shutil.copy(work / "new.csv", work / "run" / "external" / "New" / "new.csv")
    text = (work / "cohort.yaml").read_text().replace("new.csv", "run/external/New/new.csv")
    (work / "cohort.yaml").write_text(text)
    said = told(work, ("apply", "run", "cohort.yaml", "--force"), monkeypatch)
    assert "is read by the study and lies in" in said


@posix
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_made_nowhere_but_where_it_may_be(place, monkeypatch, name):
    parameter, before = FOLDERS[name]
    options = options_of(name)
    flag = {"folder": (), "parent": ("--in",), "data_only": ("--data-only",)}.get(parameter, ("--out",))
    if name.startswith("segment"):
        pytest.importorskip("torch")
        pytest.importorskip("monai")
    never = [
        "theirs", "to_study", "to_nothing", "to_nothing/x", "loop", "pipe", "/dev/null", "/dev/full", "o" * 300,
        "study.yaml", "study.yaml/x", "", "run/tables", "run/tables/x", "run/external/x", "run/results.json",
        "/proc/none",
    ]  # fmt: skip
    for target in never:
        for more in ((), ("--force",)) if "--force" in options else ((),):
            told(place, (*before, *flag, target, *more), monkeypatch)


@posix
@pytest.mark.parametrize("name", RUNS)
def test_what_is_no_finished_run_is_not_written_to(place, monkeypatch, name):
    parameter, before, after = RUNS[name]
    if name == "explain":
        options_of(name)
        pytest.importorskip("torch")
        pytest.importorskip("monai")
    flag = ("--results",) if parameter == "results" else ()
    for target in ("theirs", "to_nothing", "loop", "pipe", "/dev/null", "o" * 300, "study.yaml", "study.yaml/x", "",
                   "run/tables", "clinical.csv", "nowhere", "run/report.html"):  # fmt: skip
        told(place, (*before, *flag, target, *after), monkeypatch)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("demo", "--data-only", ""), "the path is blank"),
        (("calculator", "run", "--out", "run/tables/x.html"), "the next run there replaces all of it"),
        (("plan", "study.yaml", "--out", "run/results.json", "--force"), "belongs to a finished run"),
        (("demo", "--data-only", "to_nothing"), "to_nothing is a link to nothing"),
        (("analyze", "study.yaml", "--out", "to_nothing"), "to_nothing is a link to nothing"),
        (("report", "study.yaml"), "is a study file or cohort file, and not a finished run"),
        (("apply", "study.yaml", "cohort.yaml"), "is a study file or cohort file, and not a finished run"),
        (("compare", "run", "study.yaml"), "is a study file or cohort file, and not a finished run"),
        (("checklist", "study.yaml", "--standard", "clear"), "is a study file or cohort file, and not a finished run"),
        (("calculator", "study.yaml", "--out", "x.html"), "is a study file or cohort file, and not a finished run"),
        (("calculator", "run/external/New", "--out", "x.html"), "the models were not recalibrated there"),
        (("calculator", "run", "--model", "Disk", "--out", "x.html"), "did you mean 'Disc'?"),
        (("compare", "run", "nowhere"), "nowhere is not there"),
    ],
)
def test_the_message_says_what_is_the_matter(place, monkeypatch, arguments, said):
    assert said in told(place, arguments, monkeypatch).replace("\n", " ")


@posix
def test_folders_beside_another_programs_results_are_no_runs(tmp_path):
    """Only results that prldh wrote make a run of a folder."""
    (tmp_path / "results.json").write_text('{"mine": 1}')
    for name in ("tables", "features", "reproduce", "figures/run1", "external/a/out"):
        refuse_in_run(tmp_path / name, "--out")
    (tmp_path / "results.json").write_text('{"schema": "prldh-results/1"}')
    with pytest.raises(OutputError, match="belongs to a finished run"):
        refuse_in_run(tmp_path / "tables", "--out")
    (tmp_path / "results.json").unlink()
    os.mkfifo(tmp_path / "results.json")  # reading one waits for ever
    refuse_in_run(tmp_path / "tables", "--out")


STUDY = "schema: 1\nclinical: {table: clinical.csv, id: id}\n"
FLOW = "{clinical: {table: clinical.csv, id: id}, measurements: []}\n"


@pytest.mark.parametrize(
    "content",
    [
        STUDY,
        "\ufeffclinical:\n  table: clinical.csv\n",
        "\ufeff" + FLOW,
        FLOW,
        "# ours\n---\n" + FLOW,
        "{ # ours\n  'clinical' : {table: a.csv}}\n",
        "{measurements: [],\n  clinical:\n    {table: a.csv}}\n",
        '\ufeff{"clinical": {"table": "a.csv"}}\n',
        "schema: 1\rclinical: {table: a.csv}\r",
    ],
)
def test_a_study_file_is_known_however_it_is_written(tmp_path, content):
    """In braces, and with the mark that Windows' editors write: --force replaces none."""
    out = tmp_path / "x.html"
    out.write_bytes(content.encode())
    with pytest.raises(OutputError, match="a file that a study is made of"):
        check_target(out, "--out", force=True)
    assert out.read_bytes() == content.encode()


@pytest.mark.parametrize("content", ["{clinically: 1}", "{a: 'clinical'}", '{"schema": 1, "clinical": 2}', "{" * 9999])
def test_what_is_no_study_file_may_be_replaced(tmp_path, content):
    (tmp_path / "x.html").write_text(content)
    check_target(tmp_path / "x.html", "--out", force=True)
