"""`prldh compare`: what differs between finished runs, and every number of one beside that of the others."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import prldh
from prldh import pipeline
from prldh.cli import cli
from prldh.core import DataError
from prldh.report.runs_page import shown_number
from prldh.results.differences import NOT_THERE, differing_settings, shown_setting

pytestmark = pytest.mark.usefixtures("undrawn")

N = 60


def study(folder, **changes):
    rng = np.random.default_rng(5)
    outcome = np.arange(N) % 2
    table = pd.DataFrame(
        {
            "id": [f"{i:03d}" for i in range(N)],
            "ill": np.where(outcome, "yes", "no"),
            "age": np.round(rng.normal(60, 9, N) + 4 * outcome, 1),
            "score": rng.normal(size=N) + outcome,
        }
    )
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / "clinical.csv", index=False)
    return {
        "title": "Compared",
        "engine": "python",
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "ill",
            "event": "yes",
            "covariates": {"age": {"type": "continuous"}},
        },
        "tissues": {"disc": {"radscore": "score"}},
        "models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Age", "terms": ["age"]}],
        "comparisons": [["Disc", "Age"]],
        "adjust": [],
        "univariate": False,
        "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 0, "scope": "model"},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
        **changes,
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What a run writes that is compared: results.json and predictions.csv."""
    folder = tmp_path_factory.mktemp("compared")

    def write(results, plan, run, held, *_):
        out = held.out
        out.mkdir()
        (out / "results.json").write_text(results.to_json())
        results.predictions.to_csv(out / "predictions.csv", index=False)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipeline, "write_outputs", write)
        prldh.analyze(study(folder), folder / "first", jobs=1)
    return folder / "first"


def other(run, folder, change=lambda data: None, patients=lambda table: table):
    """A copy of a run with other contents."""
    data = json.loads((run / "results.json").read_text())
    change(data)
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(data))
    patients(pd.read_csv(run / "predictions.csv", dtype=str, keep_default_na=False)).to_csv(
        folder / "predictions.csv", index=False
    )
    return folder


def test_a_copy_is_equal_in_everything_and_that_is_said(run, tmp_path):
    compared = prldh.compare_runs([run, other(run, tmp_path / "copy")])
    assert compared.is_equal and compared.labels == ("first", "copy")
    assert len(compared.numbers) > 200 and not len(compared.settings) and not len(compared.patients)
    done = CliRunner().invoke(cli, ["compare", str(run), str(tmp_path / "copy")])
    assert done.exit_code == 0
    assert f"the same patients, all {len(compared.numbers):,} numbers exactly equal." in " ".join(done.output.split())


def test_every_number_that_differs_is_told_exactly(run, tmp_path):
    def change(data):
        data["models"][0]["auc"]["estimate"] += 1e-13
        data["models"][1]["validation"]["model"]["folds"]["brier"]["estimate"] = None

    compared = prldh.compare_runs([run, other(run, tmp_path / "b", change)])
    differ = compared.numbers[~compared.numbers["is_equal"]]
    assert list(zip(differ["table"], differ["what"], differ["number"], strict=True)) == [
        ("models", "Disc", "auc"),
        ("validation", "Age; model; folds", "brier"),
    ]
    assert math.isnan(differ["b"].iloc[1]) and not compared.is_equal
    text = prldh.report.summarise_comparison(compared)
    assert "differ by up to 1.0e-13" in text  # both are shown alike, and are not equal
    assert text.endswith(f"{len(compared.numbers)} numbers compared, {len(compared.numbers) - 2} exactly equal, 2 not.")
    assert max(map(len, text.splitlines())) <= 80


def test_settings_and_patients_that_differ(run, tmp_path):
    def change(data):
        data["study"]["settings"]["validation"]["folds"] = 10
        del data["study"]["settings"]["missing_outcome"]
        data["cohort"]["excluded"] = [{"id": "002", "reason": "blank: age"}]

    def patients(table):
        table = table[~table["id"].isin(["001", "002"])].copy()
        table.loc[table["id"] == "003", "outcome"] = "0"
        return table

    compared = prldh.compare_runs([run, other(run, tmp_path / "b", change, patients)])
    assert compared.settings.set_index("setting")["b"].to_dict() == {
        "missing_outcome": "(absent)",
        "validation.folds": "10",
    }
    assert compared.patients.to_dict("records") == [
        {"id": "001", "first": "ill = yes", "b": "not in this run"},
        {"id": "002", "first": "ill = no", "b": "left out: blank: age"},
        {"id": "003", "first": "ill = yes", "b": "ill = no"},
    ]


def test_a_model_of_one_run_alone_stands_beside_nothing(run, tmp_path):
    def change(data):
        data["models"] = data["models"][:1]
        data["comparisons"] = []

    compared = prldh.compare_runs([run, other(run, tmp_path / "b", change), other(run, tmp_path / "c")])
    ages = compared.numbers[(compared.numbers["what"] == "Age") & (compared.numbers["table"] == "models")]
    assert len(ages) > 20 and ages["b"].isna().all() and not ages["is_equal"].any()
    assert (ages["first"] == ages["c"]).all()
    assert max(map(len, prldh.report.summarise_comparison(compared).splitlines())) <= 80


def test_lost_predictions_are_a_note(run, tmp_path):
    copy = other(run, tmp_path / "b")
    (copy / "predictions.csv").unlink()
    compared = prldh.compare_runs([run, copy])
    assert not len(compared.patients) and "the patients of b are not known" in compared.notes[0]
    assert "note: the patients of b" in prldh.report.summarise_comparison(compared)


def test_a_table_that_changed_between_the_runs_is_a_note(run, tmp_path, monkeypatch):
    """Where neither settings nor patients differ, and numbers do."""

    def read_provenance(folder):
        if folder.name == "altered":
            raise DataError("altered")
        digest = "1" if folder.name == "first" else "2"
        same, changed = {"path": "f.csv", "sha256": "0"}, {"path": "clinical.csv", "sha256": digest}
        return {"files": [same, changed]} if folder.name != "lost" else None

    monkeypatch.setattr("prldh.report.runs.read_provenance", read_provenance)
    told = "note: what the runs read is not the same: clinical.csv changed between them"
    others = [other(run, tmp_path / name) for name in ("b", "lost", "altered")]
    text = prldh.report.summarise_comparison(prldh.compare_runs([run, *others]))
    assert told in " ".join(text.split()) and "Patients that differ: none" in text and "f.csv" not in text
    assert text.endswith("numbers exactly equal.") and "the same patients" in text
    assert not prldh.compare_runs([run, *others[1:]]).notes


@pytest.mark.parametrize("ending", ["html", "csv", "json"])
def test_a_file_has_every_number(run, tmp_path, ending):
    def change(data):
        data["models"][0]["brier"] = data["models"][0]["threshold"] = 0.25

    copy, out = other(run, tmp_path / "b", change), tmp_path / "deep" / f"compared.{ending}"
    done = CliRunner().invoke(cli, ["compare", str(run), str(copy), "--out", str(out)])
    assert done.exit_code == 0 and f"comparison: {out}" in done.output
    compared = prldh.compare_runs([run, copy])
    text = out.read_text()
    if ending == "json":
        rows = json.loads(text)["numbers"]
        assert len(rows) == len(compared.numbers)
        assert [r["number"] for r in rows if not r["is_equal"]] == ["threshold"]
    elif ending == "csv":
        table = pd.read_csv(out)
        assert list(table.columns) == ["part", "what", "name", "first", "b", "is_equal"]
        assert len(table) == len(compared.numbers)
    else:
        assert text.count("<tr>") > len(compared.numbers) and 'class="differs">no' in text and "0.250" in text


def test_labels_are_as_short_as_tells_runs_apart(run, tmp_path):
    one, two = other(run, tmp_path / "a" / "out"), other(run, tmp_path / "b" / "out")
    assert prldh.compare_runs([one, two / "results.json"]).labels == ("a/out", "b/out")


@pytest.mark.parametrize("name", ["number", "what", "table", "is_equal", "id"])
def test_a_folder_may_be_named_like_a_column(run, tmp_path, name):
    compared = prldh.compare_runs([run, other(run, tmp_path / name)])
    assert compared.labels[1].endswith(f"/{name}") and compared.is_equal and len(compared.numbers.columns) == 6


def test_what_is_no_run_is_one_message(run, tmp_path):
    def schema(data):
        data["schema"] = "prldh-results/0"

    damaged = other(run, tmp_path / "damaged", lambda data: data.pop("models"))
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "file.txt").write_text("x")
    for folders, message in (
        ([run], "two runs or more, found 1"),
        ([run, run / ".." / "first"], "is given twice"),
        ([run, run / "results.json"], "is given twice"),
        ([run, tmp_path / "nowhere"], "is not there"),
        ([run, tmp_path / "unfinished"], "results.json is missing"),
        ([run, tmp_path / "file.txt"], "is a file, and not a finished run"),
        ([run, other(run, tmp_path / "old", schema)], "schema is 'prldh-results/0'"),
        ([run, damaged], "the key 'models' is expected"),
        ([run, other(run, tmp_path / "odd", lambda data: data.update(models=[{}]))], r"models\[0\]: the key"),
    ):
        with pytest.raises(DataError, match=message):
            prldh.compare_runs(folders)
    for name in ("x.docx", "x", "unfinished"):
        done = CliRunner().invoke(cli, ["compare", str(run), str(damaged), "--out", str(tmp_path / name)])
        assert done.exit_code == 1 and "Traceback" not in done.output


def test_settings_are_compared_by_key():
    one = {"a": {"b": 1}, "steps": [{"icc": {"threshold": 0.75}}, {"lasso": {}}], "flag": True, "gone": None}
    two = {"a": {"b": 1}, "steps": [{"icc": {"threshold": 0.8}}, {"lasso": {}}], "flag": 1, "new": 2}
    assert {key: values for key, values in differing_settings(one, two)} == {
        "steps[1].icc.threshold": (0.75, 0.8),
        "flag": (True, 1),
        "gone": (None, NOT_THERE),
        "new": (NOT_THERE, 2),
    }
    assert list(differing_settings({"x": [1]}, {"x": [1, 2]}))[0].key == "x"
    assert shown_setting({"a": [True, None]}) == "{a: [true, none]}"


@pytest.mark.parametrize(
    ("number", "values", "shown"),
    [
        ("n", (60.0,), "60"),
        ("p", (0.00001,), "< 0.001"),
        ("hosmer_lemeshow_p", (0.04,), "0.040"),
        ("auc", (0.8571, 0.797, 0.918), "0.857 (0.797, 0.918)"),
        ("auc", (float("nan"), float("nan"), float("nan")), "–"),
        ("or", (123.456, 1.2, 4000.0), "123.5 (1.2, 4000.0)"),
    ],
)
def test_numbers_are_formatted_as_the_report_does(number, values, shown):
    assert shown_number(number, *values) == shown
