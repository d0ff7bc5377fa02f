"""A file of one kind in the place of another: the message says what it is, and what to type."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from small_run import write_blank

import prldh.report.figures as figures
from prldh.apply.cohort_file import NewCohort
from prldh.cli import cli
from prldh.core.errors import StudyError
from prldh.core.terms import parse_term
from prldh.study import Study, read_study, study_file

NO_STUDY = "prldh: {} is {}, and no study file. Give the YAML file; `prldh report RUN`"
GIVEN = {
    "analyze cohort.yaml --out x": "cohort.yaml is a cohort file of new patients, and no study file. Apply a finished",
    "plan cohort.yaml --out p.json": "`prldh apply RUN cohort.yaml`",
    "extract cohort.yaml --check": "`prldh apply RUN cohort.yaml`",
    "analyze run --out x": NO_STUDY.format("run", "a finished run"),
    "analyze run/results.json --out x": NO_STUDY.format("run/results.json", "a file of a finished run"),
    "analyze run/model.json --out x": NO_STUDY.format("run/model.json", "a file of a finished run"),
    "analyze run/provenance.json --out x": NO_STUDY.format("run/provenance.json", "a file of a finished run"),
    "analyze clinical.csv --out x": "`prldh init my-study --from clinical.csv` writes a study file for it",
    "apply run study.yaml": "study.yaml is a study file (it has engine, ",
    "apply run run": "run is a finished run, and no cohort file",
    "apply run run/results.json": "run/results.json is a file of a finished run, and no cohort file",
    "apply run/model.json cohort.yaml": "run/model.json holds no results of a run; run does",
    "calculator run/model.json --out c.html": "run/model.json holds no results of a run; run does",
    "report study.yaml": "study.yaml is a study file or cohort file, and not a finished run",
    "report run/external/New": "is what `prldh apply` said of a cohort. Give the run's folder, ",
    "report broken.json": "broken.json holds no results of a run. Give the output folder",
    "report text.json": "text.json is damaged, and no JSON",
    "compare run text.json": "text.json is damaged, and no JSON",
    "checklist list.json --standard clear": "list.json holds no cases: a list of names with values is expected",
}


@pytest.mark.parametrize(("command", "told"), GIVEN.items(), ids=GIVEN)
def test_it_is_told_what_was_given_and_what_to_type(made, tmp_path, monkeypatch, command, told):
    for name in ("run", "study.yaml", "cohort.yaml", "clinical.csv"):
        source = made[0].parent / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / "broken.json").write_text('{"schema": "something/1"}')
    (tmp_path / "text.json").write_text("no JSON")
    (tmp_path / "list.json").write_text("[1, 2]")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, command.split())
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit), done.output
    assert told in done.output and done.output.count("\n") == 1


@pytest.mark.parametrize(
    ("term", "told"),
    [
        ("factor(grade)", "Name 'grade' alone, and declare it under clinical.covariates as categorical"),
        ("C(grade)", "Name 'grade' alone, and declare it"),
        ("ns(age)", "Write rcs(age, 4) for a spline"),
        ("group(disc)", "Write groups(FIRST, SECOND) for the groups of two tissues' Radscores"),
        ("ln(age)", "Write log(age), the natural logarithm"),
        ("scale(age)", "Name 'age' alone"),
        ("foo(age)", "Write a name, log(x), x^2, rcs(x, 4) or a product a:b of these"),
    ],
)
def test_functions_of_other_programs_are_told_by_what_they_are_here(term, told):
    with pytest.raises(StudyError, match=re.escape(told)):
        parse_term(term, {"age": True, "disc": True, "grade": False})


@pytest.mark.parametrize("key", ["\u0441linical", "clinical\u200b", "cl\u0456nical"])
def test_a_key_that_only_looks_like_one_is_told_so(made, tmp_path, key):
    study = yaml.safe_load((made[0].parent / "study.yaml").read_text("utf-8"))
    study = {key if name == "clinical" else name: value for name, value in study.items()}
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(study, allow_unicode=True), encoding="utf-8")
    with pytest.raises(StudyError, match="it looks like 'clinical' and has other characters") as told:
        read_study(tmp_path / "s.yaml")
    assert ascii(key)[1:-1] in str(told.value)


@pytest.mark.parametrize(
    "command",
    [
        "report run/results.json --jobs 1",
        "apply run/results.json cohort.yaml --force",
        "calculator run/results.json --out c.html",
        "checklist run/results.json --standard clear",
    ],
)
def test_results_given_for_their_folder_are_used_and_named_as_it(made, tmp_path, monkeypatch, command):
    monkeypatch.setattr(figures, "_write_all", write_blank)
    shutil.copytree(made[0].parent, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    done = CliRunner().invoke(cli, command.split())
    assert done.exit_code == 0, done.output
    assert "results.json/" not in done.output
    paths = [Path(word.rstrip(".,:;")) for word in done.output.split() if word.startswith(("run/", "c.html"))]
    assert paths and all(path.exists() for path in paths), done.output


@pytest.mark.parametrize("lost", ["predictions.csv", "model.json"])
def test_a_file_that_the_run_wrote_and_that_is_not_there_is_told_by_name(made, tmp_path, monkeypatch, lost):
    monkeypatch.setattr(figures, "_write_all", write_blank)
    shutil.copytree(made[0].parent, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    Path("run", lost).unlink()
    command = (
        ["report", "run", "--jobs", "1"] if lost == "predictions.csv" else ["apply", "run", "cohort.yaml", "--force"]
    )
    done = CliRunner().invoke(cli, command)
    assert lost in done.output and "Traceback" not in done.output
    assert isinstance(done.exception, SystemExit | None) and (lost == "predictions.csv" or done.exit_code == 1)


def test_the_keys_of_a_cohort_file_are_those_of_its_model():
    assert study_file._OF_COHORTS | study_file._OF_BOTH == NewCohort.model_fields.keys()
    assert study_file._OF_BOTH == NewCohort.model_fields.keys() & Study.model_fields.keys()
