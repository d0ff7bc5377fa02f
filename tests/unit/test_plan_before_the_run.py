"""`prldh plan` and `analyze --plan`: what is fixed before the run, and what is said of every deviation from it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from pages import unmarked

import prldh
from prldh import pipeline
from prldh.checklists import built_in_checklists, dossier_of
from prldh.cli import cli
from prldh.core import DataError, OutputError, PrldhError
from prldh.data import digest_cases, digest_table
from prldh.results import plan_in_words
from prldh.run.terminal import summarise_run
from prldh.study import ReadSettings

N = 50
STUDY = {
    "title": "Planned",
    "seed": 3,
    "engine": "python",
    "clinical": {
        "table": "clinical.csv",
        "id": "id",
        "outcome": "ill",
        "event": "yes",
        "covariates": {"age": "continuous"},
    },
    "tissues": {"disc": {"features": "disc.csv"}},
    "selection": [{"correlation": {"outcome": 0.0}}],
    "learner": "lasso",
    "second_stage": "in_sample",
    "models": [{"name": "Age", "terms": ["age"]}],
    "adjust": [],
    "yardstick": False,
    "univariate": False,
    "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 0, "scope": "model"},
    "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
}


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(2)
    outcome = np.arange(N) % 2
    ids = [f"{i:03d}" for i in range(N)]
    age = np.round(rng.normal(60, 9, N), 1)
    clinical = pd.DataFrame({"id": ids, "ill": np.where(outcome, "yes", "no"), "age": age, "visit": 1})
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    features = {f"f{k}": rng.normal(size=N) + outcome for k in range(3)}
    pd.DataFrame({"id": ids, **features}).to_csv(tmp_path / "disc.csv", index=False)
    write(tmp_path, STUDY)
    prldh.run.write_plan(tmp_path / "study.yaml", tmp_path / "plan.json")
    return tmp_path


@pytest.fixture(autouse=True)
def nothing_is_drawn(monkeypatch):
    """The numbers are what is asked for here; the page is looked at in one test."""
    monkeypatch.setattr(pipeline, "write_outputs", lambda *given: None)


def write(folder, study):
    (folder / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))


def planned(folder, **more):
    return prldh.analyze(folder / "study.yaml", folder / "out", jobs=1, plan_file=folder / "plan.json", **more)


def deviations(folder, **more):
    return [tuple(each.values()) for each in planned(folder, **more).data["plan"]["deviations"]]


def change(folder, name, do):
    table = pd.read_csv(folder / name, dtype=str)
    do(table).to_csv(folder / name, index=False)


def test_a_plan_that_is_followed_is_said_to_be(folder):
    results = planned(folder)
    entry = results.data["plan"]
    assert entry["deviations"] == [] and entry["is_same_file"] is True
    assert entry["sha256"] == hashlib.sha256((folder / "plan.json").read_bytes()).hexdigest()
    assert entry["compared"]["tables"] == 2 and entry["compared"]["seed"] == 1 and entry["compared"]["settings"] > 50
    jsonschema.validate(results.data, prldh.results.schema_of("results"))
    assert plan_in_words(entry) in summarise_run(results, folder / "out")
    assert "was followed in everything" in plan_in_words(entry) and "plan_deviations" not in results.tables
    assert not any(w["code"] == "PRL-170" for w in results.data["warnings"])


def test_without_a_plan_nothing_is_said(folder):
    results = prldh.analyze(folder / "study.yaml", folder / "out", jobs=1)
    assert "plan" not in results.data and "plan " not in summarise_run(results, Path("out"))


def test_the_form_of_files_is_no_deviation(folder):
    """Rows, columns, the format of numbers and the order of keys may be others, and what changes no number."""
    change(folder, "clinical.csv", lambda t: t.iloc[::-1][["age", "ill", "visit", "id"]])
    change(folder, "disc.csv", lambda t: t.assign(f0=[f"{float(value):.17e}" for value in t["f0"]]).iloc[:, ::-1])
    write(folder, dict(reversed(STUDY.items())) | {"compute": {"jobs": 1}, "report": {"grey": True}})
    entry = planned(folder).data["plan"]
    assert entry["is_same_file"] is False and entry["deviations"] == []


def test_rows_in_another_order_are_the_same_table(folder):
    before = digest_table(folder / "disc.csv", "id")
    change(folder, "disc.csv", lambda t: t.sample(frac=1, random_state=1).iloc[:, ::-1])
    frame = pd.read_csv(folder / "disc.csv", dtype={"id": str})
    frame.to_parquet(folder / "disc.parquet")
    for name in ("disc.csv", "disc.parquet"):
        again = digest_table(folder / name, "id")
        assert (again.sha256, again.ids, again.columns) == (before.sha256, before.ids, before.columns)
    assert deviations(folder) == []


def test_each_deviation_is_listed_with_both_values_and_stops_nothing(folder):
    other = STUDY | {"missing_outcome": "leave_out", "validation": STUDY["validation"] | {"folds": 4}}
    write(folder, other | {"models": [{"name": "Age", "terms": ["age"]}, {"name": "Disc", "terms": ["disc"]}]})
    change(folder, "clinical.csv", lambda t: t.drop(columns="visit").assign(age=t["age"].where(t["id"] != "007", "61")))
    change(folder, "disc.csv", lambda t: t.assign(f9=t["f0"]))
    found = deviations(folder, seed=4)
    assert found == [
        ("settings", "missing_outcome", "error", "leave_out"),
        (
            "settings",
            "models",
            "[{name: Age, terms: [age]}]",
            "[{name: Age, terms: [age]}, {name: Disc, terms: [disc]}]",
        ),
        ("settings", "validation.folds", "5", "4"),
        ("seed", "seed", "3", "4"),
        ("tables", "clinical", "columns visit", "(absent)"),
        ("tables", "clinical", "columns age", "other values in them"),
        ("tables", "disc, features, reader 1", "(absent)", "columns f9"),
    ]


def test_other_patients_are_a_deviation_of_the_table(folder):
    for name in ("clinical.csv", "disc.csv"):
        change(folder, name, lambda t: t.iloc[:-2])
    assert deviations(folder) == [
        ("tables", "clinical", "50 rows", "48 rows"),
        ("tables", "disc, features, reader 1", "50 rows", "48 rows"),
    ]


def test_versions_and_files_that_settings_name_are_compared(folder):
    (folder / "preset.yaml").write_text("a: 1")
    write(folder, STUDY | {"clinical": STUDY["clinical"] | {"read": {"missing": ["preset.yaml"]}}})  # a text and a file
    prldh.run.write_plan(folder / "study.yaml", folder / "plan.json", force=True)
    (folder / "preset.yaml").write_text("a: 2")
    content = json.loads((folder / "plan.json").read_text())
    assert list(content["files"]) == ["preset.yaml"] and content["versions"]["prldh"] == prldh.__version__
    content["versions"]["prldh"] = "0.0.9"
    (folder / "plan.json").write_text(signed(content))
    (file, version) = deviations(folder)
    assert file[:2] == ("files", "preset.yaml") and file[2] != file[3] and file[2].startswith("SHA-256 ")
    assert version == ("versions", "prldh", "0.0.9", prldh.__version__)


def signed(content):
    """A plan as `prldh plan` would have written it."""
    own = {key: value for key, value in content.items() if key != "sha256"}
    checksum = hashlib.sha256(json.dumps(own, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return json.dumps({**own, "sha256": checksum})


def test_images_are_compared_by_their_bytes(tmp_path):
    for name in ("image", "mask"):
        (tmp_path / f"{name}.nii").write_bytes(name.encode())
    (tmp_path / "cases.csv").write_text("id,image,mask\n001,image.nii,mask.nii\n002,image.nii,lost.nii\n")
    before = digest_cases(tmp_path / "cases.csv", "disc", "id", ReadSettings())
    (tmp_path / "cases.csv").write_text("mask,id,image\nlost.nii,002,image.nii\nmask.nii,001,image.nii\n")
    assert digest_cases(tmp_path / "cases.csv", "disc", "id", ReadSettings()) == before and before.cases == 2
    (tmp_path / "mask.nii").write_bytes(b"other")
    assert digest_cases(tmp_path / "cases.csv", "disc", "id", ReadSettings()).sha256 != before.sha256


def test_deviations_are_a_warning_a_table_and_in_the_checklists(folder):
    results = planned(folder, seed=9)
    assert any(w["code"] == "PRL-170" and "seed: seed" in w["message"] for w in results.data["warnings"])
    assert results.tables["plan_deviations"].to_dict("records") == [
        {"kind": "seed", "what": "seed", "planned": "3", "found": "9"}
    ]
    assert "was departed from in the seed" in plan_in_words(results.data["plan"])
    entries = {
        (checklist.name, e["number"]): e
        for checklist in built_in_checklists()
        for e in checklist.evaluate(dossier_of(results.data, None, words=results.words))
    }
    assert entries["tripod-ai", "18c"]["status"] == "filled" and "seed: 3 → 9" in entries["tripod-ai", "18c"]["value"]
    for key in (("tripod-ai", "18d"), ("clear", "10")):
        assert entries[key]["status"] == "author" and "SHA-256" in entries[key]["value"]


def test_the_report_shows_the_sentence_and_the_table(folder, monkeypatch):
    monkeypatch.undo()
    results = planned(folder, seed=9)
    page = " ".join(unmarked((folder / "out" / "report.html").read_text()).split())
    assert plan_in_words(results.data["plan"]) in page and "Deviations from the plan" in page
    assert '<td>seed</td><th scope="row">seed</th><td>3</td><td>9</td>' in page
    assert (folder / "out" / "tables" / "plan_deviations.csv").exists()


@pytest.mark.parametrize("outcome", ["", "garbage", None])
def test_a_plan_reads_no_outcome(folder, outcome):
    """It is the same whatever stands in the outcome's column, and where there is none yet."""
    before = json.loads((folder / "plan.json").read_text())
    change(folder, "clinical.csv", lambda t: t.drop(columns="ill") if outcome is None else t.assign(ill=outcome))
    prldh.run.write_plan(folder / "study.yaml", folder / "later.json")
    later = json.loads((folder / "later.json").read_text())
    assert {k: v for k, v in later.items() if k not in ("made", "sha256")} == {
        k: v for k, v in before.items() if k not in ("made", "sha256")
    }
    assert "ill" not in later["tables"]["clinical"]["columns"]


def test_the_outcome_is_left_out_of_every_table(folder):
    """Where features stand in the clinical table, too."""
    write(folder, STUDY | {"tissues": {"disc": {"features": "clinical.csv"}}})
    prldh.run.write_plan(folder / "study.yaml", folder / "one.json")
    assert all("ill" not in t["columns"] for t in json.loads((folder / "one.json").read_text())["tables"].values())


def test_what_is_no_plan_of_this_study_is_one_message(folder, tmp_path):
    text = (folder / "plan.json").read_text()
    for content, message in (
        (None, "is not there"),
        ("", "is damaged, or no plan"),
        (text[:-200], "is damaged, or no plan"),
        ("[1]", "schema is None"),
        (signed({"schema": "prldh-plan/1", "made": "now"}), "it lacks title, seed, settings"),
        (text.replace("prldh-plan/1", "prldh-plan/2"), "this version reads 'prldh-plan/1'"),
        (text.replace('"seed": 3', '"seed": 4'), "was changed after"),
        (text.replace('"schema": "prldh-plan/1"', '"schema": "prldh-results/1"'), "schema is 'prldh-results/1'"),
    ):
        (folder / "plan.json").unlink(missing_ok=True)
        if content is not None:
            (folder / "plan.json").write_text(content)
        with pytest.raises(DataError, match=message):
            planned(folder)
        done = CliRunner().invoke(
            cli,
            ["analyze", str(folder / "study.yaml"), "--out", str(folder / "o"), "--plan", str(folder / "plan.json")],
        )
        assert done.exit_code == 1 and "Traceback" not in done.output
    (folder / "plan.json").write_text(text)
    write(folder, STUDY | {"title": "Another"})
    for name in ("clinical.csv", "disc.csv"):
        change(folder, name, lambda t: t.assign(id=["x" + i for i in t["id"]]))
    with pytest.raises(DataError, match=r"is the plan of another study \('Planned', 50 rows\)"):
        planned(folder)


def test_a_plan_of_a_renamed_study_with_the_same_patients_is_taken(folder):
    write(folder, STUDY | {"title": "Renamed"})
    assert deviations(folder) == []


def test_a_study_that_is_no_file_has_no_bytes_to_compare(folder):
    study = STUDY | {
        "clinical": STUDY["clinical"] | {"table": str(folder / "clinical.csv")},
        "tissues": {"disc": {"features": str(folder / "disc.csv")}},
    }
    lines = prldh.write_plan(study, folder / "of_dict.json")
    results = prldh.analyze(study, folder / "out", jobs=1, plan_file=folder / "of_dict.json")
    assert results.data["plan"]["is_same_file"] is None and results.data["plan"]["deviations"] == []
    assert hashlib.sha256((folder / "of_dict.json").read_bytes()).hexdigest() in "\n".join(lines)


def test_the_command_writes_one_file_and_replaces_none(folder):
    arguments = ["plan", str(folder / "study.yaml"), "--out"]
    first = CliRunner().invoke(cli, [*arguments, str(folder / "deep" / "p.json")])
    assert first.exit_code == 0 and "SHA-256 of this file" in first.output
    again = CliRunner().invoke(cli, [*arguments, str(folder / "deep" / "p.json")])
    told = " ".join(again.output.split())
    assert again.exit_code == 1 and "p.json is there already. Give another name, or --force to replace it." in told
    assert CliRunner().invoke(cli, [*arguments, str(folder / "deep" / "p.json"), "--force"]).exit_code == 0
    with pytest.raises(OutputError, match="is a folder"):
        prldh.write_plan(folder / "study.yaml", folder)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ({"selection": [{"no_such_step": {}}]}, "no_such_step"),
        ({"models": [{"name": "A", "terms": ["nothing"]}]}, "nothing"),
        ({"tissues": {"disc": {"features": "lost.csv"}}}, "lost.csv"),
        ({"clinical": STUDY["clinical"] | {"id": "code"}}, "code"),
        ({"clinical": STUDY["clinical"] | {"columns": {"centre": "visitt"}}}, "clinical.columns.centre.*'visit'"),
        ({"tissues": {"disc": {"radscore": "score"}, "muscle": {"features": "disc.csv"}}}, "tissues.disc.radscore"),
        ({"clinical": STUDY["clinical"] | {"id": "visit"}}, "patient '1' stands in rows 2, 3"),
    ],
)
def test_a_mistake_in_the_study_is_told_as_analyze_tells_it(folder, mistake, message):
    write(folder, STUDY | mistake)
    with pytest.raises(PrldhError, match=message):
        prldh.write_plan(folder / "study.yaml", folder / "p.json")
    assert not (folder / "p.json").exists()


def test_the_commands_of_the_page_run(folder, monkeypatch):
    """Those of docs/compare.md, in their order."""
    page = (Path(__file__).parents[2] / "docs" / "compare.md").read_text(encoding="utf-8")
    commands = [line for block in re.findall(r"```sh\n(.*?)```", page, re.S) for line in block.splitlines()]
    assert {command.split()[1] for command in commands} == {"compare", "plan", "analyze"}

    def write_results(results, plan, run, held, *_):
        out = held.out
        out.mkdir()
        (out / "results.json").write_text(results.to_json())
        results.predictions.to_csv(out / "predictions.csv", index=False)

    monkeypatch.setattr(pipeline, "write_outputs", write_results)
    monkeypatch.chdir(folder)
    (folder / "plan.json").unlink()
    for name in ("first", "second", "third"):
        prldh.analyze("study.yaml", name, jobs=1)
    for command in commands:
        done = CliRunner().invoke(cli, command.split()[1:])
        assert done.exit_code == 0, (command, done.output)
    assert (folder / "compared.html").exists()
