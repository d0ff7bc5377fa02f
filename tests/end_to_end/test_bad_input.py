"""Bad input: one message that says what, where, found and do; exit status 1; nothing written."""

from __future__ import annotations

import copy
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from pages import unmarked

from prldh.cli import cli
from prldh.core.errors import EngineError
from prldh.run.folder import place_whole

pytestmark = pytest.mark.usefixtures("undrawn")
N = 60
FEATURES = [f"feature_{j:02d}" for j in range(12)]
STUDY = {
    "title": "Bad input",
    "seed": 1,
    "engine": "python",
    "clinical": {
        "table": "clinical.csv",
        "id": "patient_id",
        "outcome": "recurrence",
        "event": "yes",
        "covariates": {
            "age": "continuous",
            "sex": "categorical",
            "grade": {"type": "ordinal", "levels": ["III", "IV", "V"]},
        },
    },
    "tissues": {"disc": {"radscore": "s100b"}, "muscle": {"features": ["reader1.csv", "reader2.csv"]}},
    "selection": [{"icc": {"threshold": 0.5}}, {"correlation": {"between": 0.95, "outcome": 0.2}}],
    "models": [{"name": "Muscle", "terms": ["muscle"]}],
    "adjust": [],
    "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 0, "scope": "model"},
    "performance": {"partial_auc_bootstrap": 0, "decision_bootstrap": 0},
}


def make_tables() -> dict[str, pd.DataFrame]:
    """A clinical table and two readers' features, all text; ids begin with zeros and are numbers otherwise."""
    generator = np.random.default_rng(7)
    ids = [f"{i:03d}" for i in range(1, N + 1)]
    event = np.arange(N) % 5 < 2
    latent = 1.2 * event + generator.normal(size=N)
    values = np.column_stack(
        [latent + (0.5 + 0.3 * j) * generator.normal(size=N) if j < 6 else generator.normal(size=N) for j in range(12)]
    )
    clinical = pd.DataFrame(
        {
            "patient_id": ids,
            "recurrence": np.where(event, "yes", "no"),
            "age": [str(round(a)) for a in generator.normal(55, 9, N)],
            "sex": np.where(generator.random(N) < 0.5, "f", "m"),
            "grade": generator.choice(["III", "IV", "V"], N),
            "s100b": [f"{v:.3f}" for v in 0.8 * event + generator.normal(size=N)],
        }
    )
    second = values + 0.1 * generator.normal(size=values.shape)
    return {"clinical": clinical, "reader1": _feature_table(ids, values), "reader2": _feature_table(ids, second)}


def _feature_table(ids: list[str], values: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame({name: [f"{v:.4f}" for v in values[:, j]] for j, name in enumerate(FEATURES)})
    table.insert(0, "patient_id", ids)
    return table


class Bench:
    """A study in a folder: its tables and settings may be changed, then it is run by the command line, in this
    process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tables, self.study = folder, make_tables(), copy.deepcopy(STUDY)
        self.text: str | None = None  # of the study file, where it is no dump of ``study``
        self.out = folder / "out"

    def write(self) -> Path:
        for name, table in self.tables.items():
            table.to_csv(self.folder / f"{name}.csv", index=False)
        path = self.folder / "study.yaml"
        path.write_text(
            yaml.safe_dump(self.study, sort_keys=False) if self.text is None else self.text, encoding="utf-8"
        )
        return path

    def file(self, name: str, content: bytes) -> None:
        """This file instead of the table of its name."""
        self.tables.pop(name.split(".")[0], None)
        (self.folder / name).write_bytes(content)

    def cell(self, table: str, row: int | slice, column: str, value: str) -> None:
        self.tables[table].loc[row, column] = value

    def set(self, *place: str | int, to: object) -> None:
        where = self.study
        for key in place[:-1]:
            where = where[key]
        where[place[-1]] = to

    def run(self, *arguments: str):
        path = self.write() if not (self.folder / "study.yaml").exists() else self.folder / "study.yaml"
        return CliRunner().invoke(cli, ["analyze", str(path), "--out", str(self.out), "--jobs", "1", *arguments])

    def refused(self, *words: str, arguments: tuple[str, ...] = ()) -> str:
        """Run it, and hold the refusal against the rules of every refusal; returns the message."""
        self.write()
        before = _everything(self.folder)
        result = self.run(*arguments)
        message = _the_message(result.exit_code, result.stdout, result.stderr)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        _has_words(message, words)
        assert _everything(self.folder) == before, "something was written"
        return message

    def succeeds(self, *arguments: str) -> tuple[dict, str]:
        """Run it; the results and what the terminal shows."""
        result = self.run(*arguments)
        assert result.exit_code == 0, (result.stderr, result.exception)
        return json.loads((self.out / "results.json").read_text(encoding="utf-8")), result.stdout


def _everything(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def _the_message(exit_code: int, stdout: str, stderr: str) -> str:
    lines = stderr.strip().splitlines()
    assert exit_code == 1, (exit_code, stderr)
    assert stdout == ""
    assert "Traceback" not in stderr
    # what goes before is progress
    assert [line.startswith("prldh: ") for line in lines] == [False] * (len(lines) - 1) + [True], stderr
    assert lines[-1].endswith((".", "?", ")")), "a message is a sentence"
    assert all(": " in line and "/" in line for line in lines[:-1]), stderr
    return lines[-1]


def _has_words(message: str, words: tuple[str, ...]) -> None:
    missing = [word for word in words if word not in message]
    assert not missing, f"{missing} not in: {message}"


@pytest.fixture
def bench(tmp_path, monkeypatch) -> Bench:
    monkeypatch.setattr("matplotlib.figure.Figure.draw_without_rendering", lambda figure: None)
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", _save_nothing)
    return Bench(tmp_path)


def _save_nothing(figure: object, path: Path, **_: object) -> None:
    """Rendering takes seconds, and nothing here looks at figures."""
    Path(path).write_text('<svg width="100pt" height="50pt" viewBox="0 0 100 50"></svg>', encoding="utf-8")


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Bench:
    """The study as it stands, run once by the installed program, with its figures."""
    bench = Bench(tmp_path_factory.mktemp("base"))
    done = _program(bench.write(), bench.out)
    assert done.returncode == 0, done.stderr
    return bench


def _program(study: Path, out: Path, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "prldh", "analyze", str(study), "--out", str(out), "--jobs", "1"]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=900)


def _results(bench: Bench) -> dict:
    return json.loads((bench.out / "results.json").read_text(encoding="utf-8"))


def _without_settings(data: dict) -> dict:
    """Results without the names of the files that they came from."""
    return {k: v for k, v in data.items() if k != "study"}


# ---------------------------------------------------------------- the study file


def test_missing_study_file(tmp_path):
    result = CliRunner().invoke(cli, ["analyze", str(tmp_path / "nowhere.yaml"), "--out", str(tmp_path / "out")])
    _has_words(
        _the_message(result.exit_code, result.stdout, result.stderr),
        ("study file not found", "nowhere.yaml", "prldh init"),
    )
    assert _everything(tmp_path) == []


YAML = yaml.safe_dump(STUDY, sort_keys=False)
N_LINES = YAML.count("\n")
BROKEN_FILES = {
    "a bracket left open": (
        YAML.replace("title: Bad input", "title: [Bad input"),
        ("study.yaml", "line 2", "not valid YAML"),
    ),
    "a tab": (YAML.replace("  table:", "\ttable:"), ("study.yaml", "line 5", "not valid YAML", "\\t")),
    "two colons": (
        YAML.replace("title: Bad input", "title: a: b"),
        ("study.yaml", "line 1", "not valid YAML", "colons"),
    ),
    "a control character": (YAML + "\x07", ("study.yaml", f"line {N_LINES + 1}", "'\\x07'")),
    "a list as key": (YAML + "? [a, b]\n: 1\n", ("study.yaml", f"line {N_LINES + 1}", "where a key is expected")),
    "an unknown tag": (
        YAML.replace("title: Bad input", "title: !!python/object:os.system x"),
        ("study.yaml", "line 1", "not valid YAML"),
    ),
    "a list": ("- clinical\n", ("study.yaml", "mapping", "found a list")),
    "nothing": ("", ("study.yaml", "mapping", "found nothing", "prldh init")),
    "a doubled key": (YAML + "title: again\n", ("study.yaml", "'title' stands twice", f"line {N_LINES + 1}")),
    "a doubled key further in": (
        YAML.replace("  id:", "  table: b.csv\n  id:"),
        ("study.yaml", "'table' stands twice", "line 6"),
    ),
    "an unknown key": (
        YAML + "modles: []\n",
        ("study.yaml", f"line {N_LINES + 1}", "unknown key 'modles'", "did you mean 'models'?"),
    ),
    "an unknown key further in": (
        YAML.replace("  event:", "  covariats: {}\n  event:"),
        ("study.yaml", "line 8", "clinical.covariats", "did you mean 'covariates'?"),
    ),
    "a key like none": (YAML + "zzz: 1\n", ("unknown key 'zzz'", "known here", "clinical", "models")),
}


@pytest.mark.parametrize(("text", "words"), BROKEN_FILES.values(), ids=BROKEN_FILES)
def test_broken_study_file(bench, text, words):
    bench.text = text
    bench.refused(*words)


def test_study_file_that_is_no_text(bench):
    (bench.folder / "study.yaml").write_bytes(b"\xff\xfe\x00\x81")
    result = bench.run()
    _has_words(_the_message(result.exit_code, result.stdout, result.stderr), ("study.yaml", "not UTF-8", "0xff"))
    assert not bench.out.exists()


SETTINGS = {
    "text as seed": (("seed",), "abc", ("line 2", "seed", "whole number", "'abc'")),
    "a seed below zero": (("seed",), -1, ("line 2", "seed", "at least 0", "-1")),
    "text as list": (("models",), "Muscle", ("models", "must be a list", "'Muscle'")),
    "text as mapping": (("clinical",), "clinical.csv", ("line 4", "clinical", "must be a mapping", "'clinical.csv'")),
    "a number as step": (("selection",), [{"icc": 0.75}], ("selection", "icc", "must be a mapping", "0.75")),
    "a blank section": (
        ("clinical", "covariates"),
        None,
        ("clinical.covariates", "found nothing", "leave the key out"),
    ),
    "an unknown type of covariate": (
        ("clinical", "covariates", "age"),
        "numeric",
        ("line 10", "covariates.age", "'continuous'", "'numeric'"),
    ),
    "ordinal without levels": (
        ("clinical", "covariates", "grade"),
        "ordinal",
        ("covariates.grade", "levels in order", "III"),
    ),
    "an unknown engine": (("engine",), "sas", ("line 3", "engine", "'python'", "'sas'")),
    "perhaps": (("validation", "leave_one_out"), "perhaps", ("validation.leave_one_out", "true or false", "'perhaps'")),
    "many folds": (("validation", "folds"), "many", ("validation.folds", "whole number", "'many'")),
    "one fold": (("validation", "folds"), 1, ("validation.folds", "one fold holds nothing out", "0")),
    "a bootstrap below zero": (("validation", "bootstrap"), -5, ("validation.bootstrap", "-5")),
    "an unknown validation key": (
        ("validation", "bootstraps"),
        5,
        ("validation.bootstraps", "did you mean 'bootstrap'?"),
    ),
    "several events": (("clinical", "event"), ["yes"], ("clinical.event", "one value")),
    "no models": (("models",), [], ("models", "no model is named", "leave the key out")),
    "a tissue of nothing": (
        ("tissues", "muscle"),
        {},
        ("tissues.muscle", "exactly one of radscore, features, images", "none"),
    ),
    "no tables of features": (
        ("tissues", "muscle", "features"),
        {},
        ("tissues.muscle", "features names no table", "for each source"),
    ),
    "a number as table": (
        ("tissues", "muscle", "features"),
        [3],
        ("tissues.muscle.features.0: must be text (found 3).",),
    ),
    "one end of a range": (
        ("performance", "partial_auc"),
        [0.8],
        ("performance.partial_auc.1: a value is missing here. Add it.",),
    ),
    "a range of no width": (
        ("performance", "partial_auc"),
        [0.8, 0.8],
        ("performance.partial_auc", "[1, 0.8]", "found [0.8, 0.8]"),
    ),
    "true as number": (("validation", "bootstrap"), True, ("validation.bootstrap", "whole number", "found True")),
    "true as seed": (("seed",), True, ("line 2", "seed", "whole number", "found True")),
    "a model without a name": (("models", 0, "name"), " ", ("models.0.name", "give the model a name", "found ' '")),
    "a level twice": (
        ("clinical", "covariates", "grade", "levels"),
        ["III", "IV", "III"],
        ("covariates.grade", "'III' is listed twice", "Remove one"),
    ),
    "a risk above one": (
        ("performance", "risk_categories"),
        [0.2, 20],
        ("performance.risk_categories", "[0.2, 0.4]", "found [0.2, 20.0]"),
    ),
    "no reader": (("tissues", "muscle", "features"), [], ("tissues.muscle", "one table a reader", "none")),
    "a threshold above one": (
        ("performance", "thresholds"),
        [2],
        ("performance.thresholds", "probabilities", "found 2.0"),
    ),
    "a setting unknown": (("performance", "confidance"), 0.9, ("performance.confidance", "did you mean 'confidence'?")),
    "the outcome as covariate": (
        ("clinical", "covariates", "recurrence"),
        "categorical",
        ("clinical.covariates.recurrence", "cannot be covariates"),
    ),
    "the outcome as score": (
        ("tissues", "disc", "radscore"),
        "recurrence",
        ("tissues.disc.radscore", "'recurrence'", "id or the outcome"),
    ),
    "a tissue named like a covariate": (
        ("tissues", "age"),
        {"radscore": "s100b"},
        ("tissues.age", "both a tissue and a clinical column", "Rename"),
    ),
    "a tissue named like a column": (
        ("tissues", "s100b"),
        {"radscore": "age"},
        ("tissues.s100b", "clinical.csv", "column 's100b'", "Rename"),
    ),
    "a tissue named with a comma": (
        ("tissues", "disc, left"),
        {"radscore": "s100b"},
        ("'disc, left'", "without commas and brackets"),
    ),
    "adjusted twice for one": (("adjust",), ["age", "sex", "age"], ("adjust", "'age' is listed twice", "Remove one")),
    "adjust misspelt": (("adjust",), ["agee"], ("study.yaml, line", "adjust", "'agee'", "did you mean 'age'?")),
    "adjust by a score": (
        ("adjust",),
        ["s100b"],
        ("adjust", "'s100b'", "not among clinical.covariates", "age, sex, grade"),
    ),
    "an unknown term": (
        ("models", 0, "terms"),
        ["mussle"],
        ("'Muscle'", "'mussle'", "did you mean 'muscle'?", "clinical.covariates"),
    ),
    "no terms": (("models", 0, "terms"), [], ("models.0.terms", "at least 1")),
    "a term twice": (("models", 0, "terms"), ["muscle", "muscle"], ("'Muscle'", "a term twice", "Remove")),
    "groups of an unknown tissue": (
        ("models", 0, "terms"),
        ["groups(disc, mussle)"],
        ("groups(disc, mussle)", "no tissue 'mussle'", "did you mean 'muscle'?"),
    ),
    "groups of one": (("models", 0, "terms"), ["groups(disc)"], ("groups(disc)", "groups(first, second)")),
    "groups of one twice": (("models", 0, "terms"), ["groups(disc, disc)"], ("one tissue twice",)),
    "compared with itself": (
        ("comparisons",),
        [["Muscle", "Muscle"]],
        ("comparisons", "'Muscle' is compared with itself", "two models"),
    ),
    "compared with a stranger": (
        ("comparisons",),
        [["Muscle", "Muscel"]],
        ("comparisons", "no model 'Muscel'", "did you mean 'Muscle'?"),
    ),
    "three compared": (("comparisons",), [["Muscle", "Muscle", "Disc"]], ("line", "comparisons", "2", "found 3")),
    "an unknown selector": (
        ("selection",),
        [{"icct": {}}],
        ("selection, step 1", "no selector 'icct'", "correlation", "icc, lasso, lasso_svm_rfe", "Did you mean 'icc'?"),
    ),
    "two selectors in a step": (
        ("selection",),
        [{"icc": {}, "correlation": {}}],
        ("selection", "each step has one name", "icc, correlation"),
    ),
    "an unknown selector setting": (
        ("selection",),
        [{"icc": {"treshold": 0.5}}],
        ("step 1 (icc)", "'treshold'", "did you mean 'threshold'?"),
    ),
    "a setting out of range": (
        ("selection",),
        [{"icc": {"threshold": 7}}],
        ("step 1 (icc)", "threshold", "at most 1", "7"),
    ),
    "a setting of a wrong type": (
        ("selection",),
        [{"icc": {"threshold": "high"}}],
        ("step 1 (icc)", "threshold", "number", "'high'"),
    ),
    "an unknown table": (("clinical", "table"), "clinicle.csv", ("table not found", "clinicle.csv", "Check the path")),
    "an unknown feature table": (
        ("tissues", "muscle", "features"),
        ["reader1.csv", "reader3.csv"],
        ("table not found", "reader3.csv"),
    ),
    "one table for both readers": (
        ("tissues", "muscle", "features"),
        ["reader1.csv"] * 2,
        ("tissues.muscle", "reader1.csv", "two readers"),
    ),
    "an unknown outcome": (
        ("clinical", "outcome"),
        "recurence",
        ("clinical.outcome", "clinical.csv", "'recurence'", "Did you mean 'recurrence'?"),
    ),
    "an unknown id": (
        ("clinical", "id"),
        "patient",
        ("clinical.id", "clinical.csv", "'patient'", "Did you mean 'patient_id'?"),
    ),
    "an unknown covariate": (
        ("clinical", "covariates"),
        {"agee": "continuous"},
        ("covariates", "clinical.csv", "'agee'", "Did you mean 'age'?"),
    ),
    "an unknown score": (
        ("tissues", "disc", "radscore"),
        "s100",
        ("tissues.disc.radscore", "clinical.csv", "'s100'", "Did you mean 's100b'?"),
    ),
    "an event that does not occur": (
        ("clinical", "event"),
        "relapse",
        ("clinical.event", "'relapse'", "'no' and 'yes'", "clinical.csv", "Set event"),
    ),
    "one feature in two sources": (
        ("tissues", "muscle", "features"),
        {"radiomics": ["reader1.csv"], "deep": ["reader2.csv"]},
        ("tissues.muscle", "'feature_00'", "'radiomics'", "'deep'", "Rename"),
    ),
}


@pytest.mark.parametrize(("place", "value", "words"), SETTINGS.values(), ids=SETTINGS)
def test_bad_setting(bench, place, value, words):
    bench.set(*place, to=value)
    bench.refused(*words)


def test_a_required_key_is_missing(bench):
    del bench.study["clinical"]["outcome"]
    bench.refused("study.yaml, line 4", "clinical.outcome", "required")


# ---------------------------------------------------------------- what stands in the tables

ROW_9 = ("row 9", "patient 008")
CELLS = {
    "a third outcome": (
        "clinical",
        3,
        "recurrence",
        "maybe",
        ("'recurrence'", "clinical.csv", "3 values", "'maybe' (1)", "'no'", "'yes'", "exactly two"),
    ),
    "one outcome": (
        "clinical",
        slice(None),
        "recurrence",
        "no",
        ("'recurrence'", "clinical.csv", "1 value: 'no' (60)"),
    ),
    "blank outcomes": (
        "clinical",
        slice(3, 5),
        "recurrence",
        "",
        ("'recurrence'", "clinical.csv", "blank", "row 5", "patient 004", "and 2 more", "Fill it in"),
    ),
    "an outcome that is NA": ("clinical", 3, "recurrence", "NA", ("'recurrence'", "blank", "patient 004")),
    "a doubled id": ("clinical", 5, "patient_id", "003", ("clinical.csv", "'003'", "rows 4, 7", "one row a patient")),
    "a doubled id of a reader": ("reader1", 5, "patient_id", "003", ("reader1.csv", "'003'", "rows 4, 7")),
    "a blank id": (
        "clinical",
        5,
        "patient_id",
        "",
        ("clinical.csv", "'patient_id'", "blank in row 7", "Give every patient an id"),
    ),
    "a blank id of a reader": ("reader2", 5, "patient_id", " ", ("reader2.csv", "'patient_id'", "blank in row 7")),
    "text as age": (
        "clinical",
        7,
        "age",
        "fifty",
        ("clinical.csv", *ROW_9, "'age'", "'fifty'", "not a number", "leave it blank"),
    ),
    "a decimal comma": ("clinical", 7, "age", "55,5", ("clinical.csv", *ROW_9, "'age'", "'55,5'", "not a number")),
    "an underscore among digits": (
        "clinical",
        7,
        "age",
        "1_000",
        ("clinical.csv", *ROW_9, "'age'", "'1_000'", "not a number"),
    ),
    "text as score": ("clinical", 7, "s100b", "low", ("clinical.csv", *ROW_9, "'s100b'", "'low'", "not a number")),
    "text as feature": (
        "reader2",
        7,
        "feature_03",
        "n/d",
        ("reader2.csv", *ROW_9, "'feature_03'", "'n/d'", "not a number", "Correct it"),
    ),
    "an underscore in a feature": (
        "reader2",
        7,
        "feature_03",
        "1_0",
        ("reader2.csv", *ROW_9, "'feature_03'", "'1_0'", "not a number"),
    ),
    "infinite age": ("clinical", 7, "age", "inf", ("clinical.csv", *ROW_9, "'age'", "'inf'", "not finite")),
    "age beyond doubles": ("clinical", 7, "age", "1e999", ("clinical.csv", *ROW_9, "'1e999'", "not finite")),
    "infinite feature": (
        "reader1",
        7,
        "feature_03",
        "-inf",
        ("reader1.csv", *ROW_9, "'feature_03'", "'-inf'", "not finite"),
    ),
    "a blank feature": (
        "reader1",
        7,
        "feature_03",
        "",
        ("reader1.csv", *ROW_9, "'feature_03'", "blank", "Extract it again"),
    ),
    "an undeclared level": (
        "clinical",
        7,
        "grade",
        "VI",
        ("clinical.csv", *ROW_9, "'grade'", "'VI'", "III, IV, V", "Declare or correct"),
    ),
    "nothing but blanks": (
        "clinical",
        slice(None),
        "age",
        "",
        ("clinical.csv", "no events", "0 patients", "60", "age", "Fill in"),
    ),
}


@pytest.mark.parametrize(("table", "row", "column", "value", "words"), CELLS.values(), ids=CELLS)
def test_bad_cell(bench, table, row, column, value, words):
    bench.cell(table, row, column, value)
    bench.refused(*words)


def test_ids_that_do_not_match_are_told_in_both_directions(bench):
    bench.cell("reader1", slice(5, 6), "patient_id", "X")
    bench.cell("reader1", 6, "patient_id", "Y")
    bench.refused(
        "tissues.muscle.features",
        "2 patients of the clinical table are not in reader1.csv (006, 007)",
        "2 ids of reader1.csv",
        "(X, Y)",
        "correct",
    )


def test_ids_are_text(bench):
    bench.tables["reader1"]["patient_id"] = bench.tables["reader1"]["patient_id"].str.lstrip("0")
    bench.refused(
        "60 patients",
        "not in reader1.csv",
        "001, 002",
        "55 more",
        "(1, 2,",
        "'001' and '1' are one number written in two ways",
    )


def test_a_patient_missing_from_one_reader(bench):
    bench.tables["reader2"] = bench.tables["reader2"].drop(index=9)
    bench.refused("1 patient", "not in reader2.csv", "(010)")


def test_readers_with_different_columns(bench):
    bench.tables["reader2"] = bench.tables["reader2"].rename(columns={"feature_03": "feature_3x"})
    bench.refused(
        "tissues.muscle", "only in reader1.csv: feature_03", "only in reader2.csv: feature_3x", "same settings"
    )


@pytest.mark.parametrize("reader", ["reader1", "reader2"])
def test_the_outcome_among_the_features(bench, reader):
    bench.tables[reader]["recurrence"] = bench.tables["clinical"]["recurrence"]
    bench.refused("tissues.muscle", f"{reader}.csv", "outcome 'recurrence'", "Remove that column")


def test_all_features_constant(bench):
    bench.tables["reader1"][FEATURES] = "1.5"
    bench.refused("tissues.muscle", "all 12 features", "'features'", "constant", "Check the table")


def test_one_constant_feature_is_dropped_and_told(bench):
    bench.cell("reader1", slice(None), "feature_03", "1.5")
    data, shown = bench.succeeds()
    assert any("1 constant feature was dropped: feature_03" in w["message"] for w in data["warnings"])
    assert "feature_03" in shown
    steps = data["tissues"]["muscle"]["selection"]["steps"]
    assert "feature_03" in steps[0]["dropped"] and steps[0]["n_in"] == 12


def test_too_few_events_for_the_folds(bench):
    bench.tables["clinical"]["recurrence"] = ["yes"] * 8 + ["no"] * (N - 8)
    bench.set("validation", "folds", to=10)
    bench.refused("validation.folds", "10-fold", "8 events", "60 patients", "Set folds to 8 or fewer", "0")


# ---------------------------------------------------------------- files that are no such table

CLINICAL = make_tables()["clinical"]
CSV = CLINICAL.to_csv(index=False)
HEADER = CSV.splitlines()[0]
FILES = {
    "empty": ("clinical.csv", b"", ("clinical.csv", "is empty", "header line")),
    "blank lines": ("clinical.csv", b"\n\n", ("clinical.csv", "is empty")),
    "a header alone": ("clinical.csv", f"{HEADER}\n".encode(), ("clinical.csv", "a header but no rows")),
    "semicolons": (
        "clinical.csv",
        CSV.replace(",", ";").encode(),
        ("clinical.csv", "one column", "semicolons", 'read: {separator: ";"}', "comma-separated"),
    ),
    "semicolons and decimal commas": (
        "clinical.csv",
        CSV.replace(",", ";").replace(".", ",").encode(),
        ("clinical.csv", "semicolons", 'read: {separator: ";", decimal: ","}', "decimal points"),
    ),
    "tabs": ("clinical.csv", CSV.replace(",", "\t").encode(), ("clinical.csv", "tabs", ".tsv")),
    "commas called tabs": ("clinical.tsv", CSV.encode(), ("clinical.tsv", "commas", ".csv")),
    "a doubled column": (
        "clinical.csv",
        CSV.replace("sex", "age", 1).encode(),
        ("clinical.csv", "'age' stands 2 times", "Rename"),
    ),
    "a column without a name": (
        "clinical.csv",
        CSV.replace("sex", "", 1).encode(),
        ("clinical.csv", "column 4 has no name", "Name it"),
    ),
    "a column that pandas named": (
        "clinical.csv",
        CSV.replace("sex", "Unnamed: 3", 1).encode(),
        ("clinical.csv", "column 4 has no name"),
    ),
    "a row too long": (
        "clinical.csv",
        CSV.replace("\n003,", "\n003,9,", 1).encode(),
        ("clinical.csv", "line 4", "saw 7", "as many cells in each row"),
    ),
    "Latin-1": (
        "clinical.csv",
        CSV.replace("sex", "âge", 1).encode("latin-1"),
        ("clinical.csv", "not UTF-8", "0xe2", "read: {encoding: cp1252}", "'âge'", "Save it as CSV UTF-8"),
    ),
    "UTF-16": (
        "clinical.csv",
        CSV.encode("utf-16-le"),
        ("clinical.csv", "not UTF-8", "UTF-16", "read: {encoding: utf-16-le}", "Save it"),
    ),
    "no text": ("clinical.csv", bytes(range(256)) * 9, ("clinical.csv", "not UTF-8", "no text at all")),
    "no gzip": ("clinical.csv.gz", CSV.encode(), ("clinical.csv.gz", "Not a gzipped file", "its ending")),
    "no workbook": ("clinical.xlsx", CSV.encode(), ("clinical.xlsx", "not an XLSX workbook", "ending")),
    "no Parquet": ("clinical.parquet", CSV.encode(), ("clinical.parquet", "not a Parquet file", "ending")),
    "half a Parquet": ("clinical.parquet", b"PAR1abcdefgh", ("clinical.parquet", "cannot be read as PARQUET")),
}


@pytest.mark.parametrize(("name", "content", "words"), FILES.values(), ids=FILES)
def test_bad_file(bench, name, content, words):
    bench.file(name, content)
    bench.set("clinical", "table", to=name)
    bench.refused(*words)


def test_a_folder_as_table(bench):
    (bench.folder / "tables").mkdir()
    bench.set("clinical", "table", to="tables")
    bench.refused("tables", "is a folder", "Check the path")


# ---------------------------------------------------------------- blanks, and selections that leave nothing


def test_patients_with_blank_covariates_are_left_out_and_listed(bench):
    bench.cell("clinical", slice(3, 4), "age", "")
    bench.cell("clinical", 6, "s100b", "NA")
    data, shown = bench.succeeds()
    assert data["cohort"]["n"] == N - 3
    assert data["cohort"]["excluded"] == [
        {"id": "004", "reason": "blank: age"},
        {"id": "005", "reason": "blank: age"},
        {"id": "007", "reason": "blank: disc"},
    ]
    message = "3 of 60 patients were left out for blank covariates: 004 (age), 005 (age), 007 (disc)"
    assert any(message in w["message"] for w in data["warnings"])
    assert message in shown and "3 left out" in shown
    ids = pd.read_csv(bench.out / "predictions.csv", dtype=str)["id"]
    assert "001" in set(ids) and "004" not in set(ids)


def test_blank_covariates_are_refused_where_the_study_says_so(bench):
    bench.cell("clinical", slice(3, 4), "age", "")
    bench.set("missing", to="error")
    bench.refused("clinical.csv", "2 patients have blank covariates", "004 (age), 005 (age)", "missing: complete_case")


def test_a_step_that_leaves_nothing(bench):
    bench.set("selection", to=[{"icc": {"threshold": 0.5}}, {"correlation": {"outcome": 0.99}}])
    bench.refused(
        "tissue 'muscle'",
        "step 'correlation'",
        "outcome: 0.99",
        "strongest candidate is 'feature_00'",
        "|r|",
        "if_empty: best",
    )


def test_the_strongest_is_kept_where_the_study_says_so(bench):
    bench.set("selection", to=[{"icc": {"threshold": 0.5}}, {"correlation": {"outcome": 0.99}}])
    bench.set("if_empty", to="best")
    data, _ = bench.succeeds()
    assert data["tissues"]["muscle"]["selection"]["features"] == ["feature_00"]
    assert any("feature_00" in w["message"] and "kept alone" in w["message"] for w in data["warnings"])


# ---------------------------------------------------------------- the output folder


def test_output_below_a_file(bench):
    (bench.folder / "taken").write_text("mine")
    bench.out = bench.folder / "taken" / "out"
    bench.refused("taken", "is a file", "Give another folder")


def test_output_is_a_file(bench):
    bench.out.write_text("mine")
    bench.refused("out is a file", "Give a folder")


def test_output_with_a_name_too_long(bench):
    bench.out = bench.folder / ("x" * 300)
    bench.refused("cannot be made", "too long", "Give another folder")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_output_without_permission(bench):
    (bench.folder / "locked").mkdir(mode=0o500)
    bench.out = bench.folder / "locked" / "out"
    bench.refused("cannot be written", "locked", "Give another folder")


def test_results_are_not_replaced_without_force(base, bench):
    shutil.copytree(base.out, bench.out)
    before = {p: p.read_bytes() for p in bench.out.rglob("*") if p.is_file()}
    bench.refused("out", "holds results already", "--force")
    assert {p: p.read_bytes() for p in bench.out.rglob("*") if p.is_file()} == before


def test_force_replaces_results_and_nothing_else(base, bench):
    shutil.copytree(base.out, bench.out)
    (bench.out / "notes.txt").write_text("mine")
    (bench.out / "tables" / "former.csv").write_text("old")
    bench.study["title"] = "The second run"
    data, _ = bench.succeeds("--force")
    assert data["study"]["title"] == "The second run"
    assert (bench.out / "notes.txt").read_text() == "mine"
    assert not (bench.out / "tables" / "former.csv").exists()
    assert not list(bench.folder.rglob("*.partial")) and not list(bench.folder.rglob(".former"))


def test_heat_maps_go_with_the_results_that_they_explain(tmp_path):
    def write(folder):
        (folder / "results.json").write_text("{}")

    place_whole(tmp_path / "out", write)
    for name in ("explanation", "mine"):
        (tmp_path / "out" / name).mkdir()
        (tmp_path / "out" / name / "heat.png").write_text("of the first run")
    place_whole(tmp_path / "out", write)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["mine", "results.json"]


def test_a_strangers_folder_is_not_replaced_unasked(bench):
    (bench.out / "tables").mkdir(parents=True)
    (bench.out / "tables" / "mine.csv").write_text("mine")
    bench.refused("'tables'", "no results.json", "--force")


def test_a_failing_run_with_force_leaves_the_former_results(base, bench):
    shutil.copytree(base.out, bench.out)
    before = (bench.out / "results.json").read_bytes()
    bench.cell("clinical", 7, "age", "fifty")
    bench.refused("'fifty'", arguments=("--force",))
    assert (bench.out / "results.json").read_bytes() == before


def _full_disk(*arguments: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_leaves_nothing(bench, monkeypatch):
    monkeypatch.setattr("prldh.run.outputs.write_reproduction", _full_disk)
    bench.out = bench.folder / "new" / "deeper" / "out"
    bench.refused("out cannot be written", "No space left on device", "free space")


def test_a_full_disk_leaves_the_former_results(base, bench, monkeypatch):
    shutil.copytree(base.out, bench.out)
    replaced = os.replace

    def fails_on_the_last(source, target):
        if Path(target) == bench.out / "results.json" and ".former" not in str(source):
            _full_disk()
        replaced(source, target)

    monkeypatch.setattr("prldh.core.folders.os.replace", fails_on_the_last)
    bench.refused("No space left on device", arguments=("--force",))
    assert _results(bench) == _results(base)


# ---------------------------------------------------------------- engines without R, interruption


@pytest.fixture
def without_r(monkeypatch):
    """R that lacks pROC, as the engine finds it when it starts."""

    def fails(*_: object) -> None:
        from prldh.engines.r_home import tell_missing

        raise EngineError(tell_missing(["pROC"]))

    monkeypatch.setattr("prldh.engines.r_session._session", None)
    monkeypatch.setattr("prldh.engines.r_session._Session", fails)


def test_engine_r_without_proc(bench, without_r):
    bench.refused(
        "R package pROC", "apt-get install r-cran-proc", 'install.packages(c("pROC"))', arguments=("--engine", "r")
    )


def test_engine_both_without_r_goes_on_in_python_and_says_so(bench, without_r):
    data, shown = bench.succeeds("--engine", "both")
    assert data["engines"]["reported"] == "python" and data["engines"]["r"] is None
    told = [w["message"] for w in data["warnings"] if w["stage"] == "engines"]
    assert len(told) == 1 and "every number is Python's alone" in told[0] and "apt-get install r-cran-proc" in told[0]
    assert told[0] in shown
    assert "pROC" in unmarked((bench.out / "report.html").read_text(encoding="utf-8"))


def test_an_interruption_leaves_nothing(bench, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("prldh.run.outputs.render_report", interrupted)  # while the outputs are written
    bench.write()
    before = _everything(bench.folder)
    result = bench.run()
    assert result.exit_code == 130
    assert "interrupted" in result.stderr and "Traceback" not in result.stderr and result.stdout == ""
    assert _everything(bench.folder) == before


# ---------------------------------------------------------------- the same tables in other formats

FORMATS = {
    "tsv": lambda table, path: table.to_csv(path, sep="\t", index=False),
    "csv.gz": lambda table, path: path.write_bytes(gzip.compress(table.to_csv(index=False).encode())),
    "xlsx": lambda table, path: table.to_excel(path, index=False),
    "parquet": lambda table, path: table.to_parquet(path, index=False),
}


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("is_typed", [False, True], ids=["text", "numbers"])
def test_other_formats_give_the_same_results(base, bench, ending, is_typed):
    tables = {name: _with_numbers(table) if is_typed else table for name, table in bench.tables.items()}
    for name, table in tables.items():
        FORMATS[ending](table, bench.folder / f"{name}.{ending}")
    bench.tables = {}
    bench.set("clinical", "table", to=f"clinical.{ending}")
    bench.set("tissues", "muscle", "features", to=[f"reader1.{ending}", f"reader2.{ending}"])
    data, _ = bench.succeeds()
    assert _without_settings(data) == _without_settings(_results(base))


def _with_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as numbers; the ids stay text."""
    return table.assign(**{c: pd.to_numeric(table[c]) for c in table if c in ("age", "s100b") or c in FEATURES})


def test_a_workbook_and_a_csv_agree_on_what_is_blank(bench):
    """pandas would read a level called None as blank in a workbook alone."""
    bench.tables["clinical"]["sex"] = np.where(np.arange(N) % 2, "None", "n/a")
    bench.tables.pop("clinical").to_excel(bench.folder / "clinical.xlsx", index=False)
    bench.set("clinical", "table", to="clinical.xlsx")
    data, _ = bench.succeeds()
    assert data["cohort"]["excluded"] == []


def test_trailing_commas_of_a_spreadsheet_are_no_columns(base, bench):
    bench.file("clinical.csv", "".join(f"{line},,\n" for line in CSV.splitlines()).encode())
    data, _ = bench.succeeds()
    assert data == _results(base)


# ---------------------------------------------------------------- the program itself


def test_the_program_refuses_as_well(bench):
    bench.cell("clinical", 7, "age", "fifty")
    study = bench.write()
    before = _everything(bench.folder)
    done = _program(study, bench.out)
    _has_words(_the_message(done.returncode, done.stdout, done.stderr), ("clinical.csv", *ROW_9, "'fifty'"))
    assert _everything(bench.folder) == before


def test_the_program_without_r(bench):
    bench.set("engine", to="r")
    study = bench.write()
    before = _everything(bench.folder)
    done = _program(study, bench.out, PATH="/nowhere", R_HOME="")
    _has_words(
        _the_message(done.returncode, done.stdout, done.stderr),
        ("R is needed by the R engine", "PATH", "apt-get install"),
    )
    assert _everything(bench.folder) == before


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_the_program_interrupted(bench):
    bench.set("validation", "bootstrap", to=20_000)
    study = bench.write()
    before = _everything(bench.folder)
    command = [sys.executable, "-m", "prldh", "analyze", str(study), "--out", str(bench.out), "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        first = running.stderr.readline()  # it is computing now
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        shown, told = running.communicate(timeout=900)
    assert running.returncode == 130, told
    assert first and shown == "" and "interrupted" in told and "Traceback" not in told
    assert _everything(bench.folder) == before
