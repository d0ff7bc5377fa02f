"""Files of a finished folder that were altered: every command that reads them ends as it should, or in one message."""

from __future__ import annotations

import copy
import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from small_run import write_blank

import prldh.report.figures as figures
from prldh.cli import cli
from prldh.core import DataError, seal_of
from prldh.results import read_results
from prldh.results.document import Document
from prldh.results.held import Misfit, check_of


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    """A copy to alter; figures are planned, and written blank."""
    monkeypatch.setattr(figures, "_write_all", write_blank)
    return shutil.copytree(made[0], tmp_path / "run")


#: What is put in the place of a value.
EDITS = {
    "deleted": lambda value: None,
    "null": lambda value: None,
    "text": lambda value: "x'<b>\u2028",
    "negative": lambda value: -5.5,
    "list": lambda value: [value],
    "mapping": lambda value: {"a": value},
    "huge": lambda value: 10**400,
    "large": lambda value: 1e308,
    "empty": lambda value: type(value)() if isinstance(value, (dict, list, str)) else {},
    "true": lambda value: True,
}
#: By file: the commands that read it, beginning with the quickest.
READ_BY = {
    "results.json": ("compare", "checklist", "report", "apply"),
    "provenance.json": ("checklist", "report", "apply"),
    "model.json": ("apply", "apply edited"),
    "external/New/external.json": ("checklist", "report"),
    "checklists/clear.json": ("report",),
}


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key, and the first and last of every list."""
    if place:
        yield place
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*place, key))
    elif isinstance(value, list) and value:
        for i in sorted({0, len(value) - 1}):
            yield from places(value[i], (*place, i))


@contextmanager
def edited(content: Any, place: tuple[Any, ...], how: str) -> Iterator[Any]:
    """The content with one edit, which is taken back: copies of all of it would take most of the time."""
    at = content
    for key in place[:-1]:
        at = at[key]
    before = copy.copy(at)
    if how == "deleted":
        del at[place[-1]]
    else:
        at[place[-1]] = EDITS[how](at[place[-1]])
    yield content
    at.clear()
    at.update(before) if isinstance(at, dict) else at.extend(before)


def arguments(command: str, run: Path, made: tuple[Path, Path]) -> list[str]:
    return {
        "report": ["report", str(run), "--jobs", "1"],
        "checklist": ["checklist", str(run), "--standard", "tripod-ai"],
        "compare": ["compare", str(run), str(made[0])],
        "apply": ["apply", str(run), str(made[1]), "--force"],
        "apply edited": ["apply", str(run), str(made[1]), "--force", "--accept-edited"],
    }[command]


def classify(done: Any) -> str:
    """How a command ended; anything but these two is a traceback."""
    if done.exit_code == 0:
        return "done"
    told = done.output.strip()
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit), repr(done.exception)
    assert "prldh: " in told and "Traceback" not in told
    return "told"


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def sweep(run: Path, made: tuple[Path, Path], n: int, n_commands: int) -> Counter[str]:
    """``n`` edits of each file at random places, the same every time, and the first commands that read it."""
    counts: Counter[str] = Counter()
    for file, commands in READ_BY.items():
        path = run / file
        before = path.read_text(encoding="utf-8")
        content = json.loads(before)
        everything = [(place, how) for place in places(content) for how in EDITS]
        for place, how in random.Random(file).sample(everything, min(n, len(everything))):
            with edited(content, place, how):
                text = json.dumps(content)
            for command in commands[:n_commands]:
                path.write_text(text, encoding="utf-8")  # a report writes checklists anew
                was = bytes_of(run)
                try:
                    how_it_ended = classify(CliRunner().invoke(cli, arguments(command, run, made)))
                    assert how_it_ended == "done" or bytes_of(run) == was, "it was told, and something was written"
                    counts[how_it_ended] += 1
                except AssertionError as error:
                    raise AssertionError(f"{command}, {file}, {place}, {how}: {error}") from error
        path.write_text(before, encoding="utf-8")
    return counts


def test_altered_files_are_told_in_one_message(run, made):
    assert sweep(run, made, 3, 1)["told"] > 5


@pytest.mark.slow
def test_hundreds_of_altered_files_are_told_in_one_message(run, made, record_property):
    counts = sweep(run, made, 60, 4)
    record_property("told", f"altered folders: {counts['told']} told in one message, {counts['done']} done")
    assert sum(counts.values()) > 300


def test_every_place_of_results_is_held_to_its_schema(made):
    """What is put into the place of a key's value and is of another kind is refused, and the place is told."""
    content, check = json.loads((made[0] / "results.json").read_text(encoding="utf-8")), check_of(Document)
    check(content)
    free = {"settings", "details", "state", "computed", "called"}  # of any kind, or of a plugin's
    everything = [place for place in places(content) if not free & set(map(str, place))]
    for place in random.Random(1).sample(everything, 40):
        where = content
        for key in place:
            where = where[key]
        wrong = "mapping" if not isinstance(where, dict) else "list"
        with edited(content, place, wrong), pytest.raises(Misfit) as told:
            check(content)
        assert told.value.where.startswith(str(place[0])), place
    check(content)


#: Keys of numbers that stand in many places, and a number that none of them can be.
BEYOND = {
    "p": -0.01,
    "p_bh": 1.5,
    "or": -2.0,
    "se": -0.1,
    "sd": -1.0,
    "percent": 101.0,
    "n": -3,
    "events": -1,
    "sensitivity": 1.2,
    "specificity": -0.2,
    "predicted": 7.0,
}


def _without_freedom(content: Any) -> list[tuple[Any, ...]]:
    free = {"settings", "details", "state", "computed", "called"}
    return [place for place in places(content) if not free & set(map(str, place))]


def _value(content: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        content = content[key]
    return content


def test_no_number_is_read_that_it_cannot_be(made):
    """Every number of these names, every measure of every model and every pair of limits, wherever they stand."""
    content, check = json.loads((made[0] / "results.json").read_text(encoding="utf-8")), check_of(Document)
    held: Counter[str] = Counter()
    for place in _without_freedom(content):
        at, key, value = _value(content, place[:-1]), place[-1], _value(content, place)
        if key in ("estimate", "apparent") and "validation" in place and {"auc", "brier", "accuracy"} & set(place):
            wrong = 7.0
        elif key in BEYOND and isinstance(value, (int, float)) and "curve" not in str(place):
            wrong = BEYOND[key]
        elif str(key).endswith("low") and at.get(str(key).removesuffix("low") + "high") is not None:
            wrong = at[str(key).removesuffix("low") + "high"] + 1e-6
        else:
            continue
        at[key] = wrong
        with pytest.raises(Misfit) as told:
            check(content)
        at[key] = value
        assert told.value.where.endswith(f".{key}"), place
        held[str(key)] += 1
    assert {"estimate", "low", "p", "or", "se", "n"} <= held.keys() and held.total() > 200


@pytest.mark.parametrize(
    ("name", "wrong", "told"),
    [
        (
            "results.json",
            {"estimate": 7},
            r"models\[0\].auc.estimate: a number from 0 to 1 or null is expected; found 7",
        ),
        (
            "results.json",
            {"low": 0.9, "high": 0.3},
            r"models\[0\].auc.low: a number up to 'high', which is 0.3, is expected; found 0.9",
        ),
        ("results.json", {"n": -3}, r"cohort.n: a count is expected; found -3"),
        ("results.json", {"estimate": float("nan")}, "NaN is no number of JSON's"),
    ],
)
@pytest.mark.parametrize("command", ["report", "checklist", "compare"])
def test_what_cannot_be_is_shown_on_no_page(run, made, command, name, wrong, told):
    content = json.loads((run / name).read_text(encoding="utf-8"))
    (content["cohort"] if "n" in wrong else content["models"][0]["auc"]).update(wrong)
    (run / name).write_text(json.dumps(content), encoding="utf-8")
    was = bytes_of(run)
    done = CliRunner().invoke(cli, arguments(command, run, made))
    assert classify(done) == "told" and bytes_of(run) == was
    assert re.search(told, done.output) and "Put the file back" in done.output


@pytest.mark.parametrize("name", ["results.json", "provenance.json", "model.json", "external/New/external.json"])
@pytest.mark.parametrize(
    "content", ["", "{", "[" * 100_000, "NaN", "[1e999]", '{"schema": "prldh-results/2"}', "\ud800"]
)
def test_what_is_no_such_file_is_one_message(run, made, name, content):
    (run / name).write_text(content, encoding="utf-8", errors="surrogatepass")
    done = CliRunner().invoke(cli, arguments(READ_BY[name][0], run, made))
    assert classify(done) == "told" and Path(name).name in done.output


def test_the_message_names_the_file_the_place_and_what_is_found(run):
    path = run / "results.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["models"][1]["auc"]["estimate"] = "high"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(
        DataError, match=r'results\.json is not as it was written: models\[1\]\.auc\.estimate: .*; found "high"'
    ):
        read_results(run)


def test_a_report_that_cannot_be_written_leaves_what_is_there(run, made):
    """Checklists are filled in again before the page is written, which may find what no schema forbids."""
    path = run / "results.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["models"].clear()
    path.write_text(json.dumps(content), encoding="utf-8")
    was = bytes_of(run)
    done = CliRunner().invoke(cli, arguments("report", run, made))
    assert classify(done) == "told" and bytes_of(run) == was
    assert any(name.startswith("checklists/") for name in was)


@pytest.mark.parametrize("name", ["report.html", "references.bib", "checklists/clear.csv"])
def test_a_report_that_meets_a_folder_in_a_files_place_leaves_what_is_there(run, made, name):
    (run / name).unlink()
    (run / name).mkdir()
    was = bytes_of(run)
    done = CliRunner().invoke(cli, arguments("report", run, made))
    assert classify(done) == "told" and bytes_of(run) == was
    assert f"{name} is a folder, where a file is to be written" in done.output


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [("study", {}, "there is no 'settings'"), ("models", [], "its parts do not fit together")],
)
def test_what_does_not_fit_together_is_told_in_words(run, made, place, value, told):
    path = run / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {place: value}), encoding="utf-8")
    done = CliRunner().invoke(cli, arguments("report", run, made))
    assert classify(done) == "told" and told in done.output and "Error" not in done.output


def test_results_may_stand_for_their_folder(run, made):
    done = CliRunner().invoke(cli, arguments("apply", run / "results.json", made))
    assert done.exit_code == 0, done.output
    assert (run / "external" / "New" / "external.json").is_file()


def test_the_report_says_that_results_were_changed(run, made):
    path = run / "results.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["cohort"]["n"] += 1
    path.write_text(json.dumps(content), encoding="utf-8")
    done = CliRunner().invoke(cli, arguments("report", run, made))
    assert done.exit_code == 0 and "changed after the run, and shown as it is now: results.json" in done.output


def test_the_frozen_models_carry_their_checksum(run, made):
    model = json.loads((run / "model.json").read_text(encoding="utf-8"))
    provenance = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    assert model["sha256"] == seal_of(model) == provenance["model_checksum"]
    model["models"][0]["coefficients"][0]["b"] += 0.5
    (run / "model.json").write_text(json.dumps(model), encoding="utf-8")
    for is_lost in (False, True):
        if is_lost:
            (run / "provenance.json").unlink()
        done = CliRunner().invoke(cli, arguments("apply", run, made))
        assert done.exit_code == 1 and "is not the file that was written" in done.output, done.output
    done = CliRunner().invoke(cli, arguments("apply edited", run, made))
    assert done.exit_code == 0 and "is_edited" in (run / "external" / "New" / "external.json").read_text("utf-8")


def test_a_script_in_a_kept_figure_does_not_reach_the_page(run, made, monkeypatch):
    assert CliRunner().invoke(cli, [*arguments("report", run, made), "--figures", "svg"]).exit_code == 0
    for figure in (run / "figures" / "flow.svg", run / "figures" / ".flow.page.svg"):
        drawn = figure.read_bytes()
        figure.write_bytes(drawn.replace(b"</svg>", b"<script>alert(1)</script></svg>"))
        assert CliRunner().invoke(cli, [*arguments("report", run, made), "--figures", "svg"]).exit_code == 0
        assert "alert(1)" not in (run / "report.html").read_text(encoding="utf-8") and figure.read_bytes() == drawn
