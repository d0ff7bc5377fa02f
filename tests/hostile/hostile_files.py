"""Files and folders: paths that are none, a finished run that was altered, outputs that are taken."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from changes import ANALYZE, APPLY, CHECK_IMAGES, change_at, drawn, dump_yaml, link, nothing, put, rewritten
from templates import IMAGE_STUDY, STUDY
from verdicts import Case


def _socket(path: Path) -> None:
    here = os.getcwd()
    try:
        os.chdir(path.parent)  # a socket's name has 107 characters at most
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def _loop(path: Path) -> None:
    path.symlink_to("loop_b" + path.suffix)
    (path.parent / ("loop_b" + path.suffix)).symlink_to(path.name)


def _big(path: Path) -> None:
    """3 TB without a block on the disk."""
    with path.open("wb") as file:
        file.truncate(3 * 2**40)


#: Path by name: what is written in its place, and what is done there.
PATHS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "300_characters": ("a" * 300 + "{end}", nothing),
    "5000_characters": ("/".join(["b" * 99] * 50) + "{end}", nothing),
    "missing": ("missing{end}", nothing),
    "loop": ("loop{end}", _loop),
    "broken_link": ("broken{end}", link("nowhere")),
    "link_to_itself": ("self{end}", lambda path: path.symlink_to(path.name)),
    "nul": ("a\0b{end}", nothing),
    "random_device": ("/dev/urandom", nothing),
    "zero_device": ("/dev/zero", nothing),
    "null_device": ("/dev/null", nothing),
    "link_to_device": ("device{end}", link("/dev/zero")),
    "fifo": ("fifo{end}", os.mkfifo),
    "socket": ("socket{end}", _socket),
    "folder": ("folder{end}", Path.mkdir),
    "empty_file": ("empty{end}", Path.touch),
    "huge_sparse": ("sparse{end}", _big),
    "inside_a_file": ("study.yaml/x{end}", nothing),
    "newline": ("a\nb{end}", nothing),
    "escape": ("a\x1b[31mb{end}", nothing),
    "blank": ("", nothing),
    "dots": ("..", nothing),
    "process": ("/proc/self/mem", nothing),
    "tilde": ("~nobody/x{end}", nothing),
}


def _slots() -> dict[str, tuple[str, str, Callable[[Path, str], None], Callable[[str], tuple[str, ...]]]]:
    """Where a path may stand: its ending, the template, what writes it down, and the command."""

    def in_study(*place: Any) -> Callable[[Path, str], None]:
        return lambda folder, path: dump_yaml(folder / "study.yaml", put(STUDY, place, path))

    def in_images(*place: Any) -> Callable[[Path, str], None]:
        return lambda folder, path: dump_yaml(folder / "study.yaml", put(IMAGE_STUDY, place, path))

    def in_table(file: str, row: int, column: str) -> Callable[[Path, str], None]:
        def write(folder: Path, path: str) -> None:
            table = pd.read_csv(folder / file, dtype=str)
            table.loc[row, column] = path
            table.to_csv(folder / file, index=False)

        return write

    def in_cohort(*place: Any) -> Callable[[Path, str], None]:
        def write(folder: Path, path: str) -> None:
            content = yaml.safe_load((folder / "cohort.yaml").read_text())
            dump_yaml(folder / "cohort.yaml", put(content, place, path))

        return write

    def nowhere(folder: Path, path: str) -> None:
        pass

    def fixed(*arguments: str) -> Callable[[str], tuple[str, ...]]:
        return lambda path: arguments

    return {
        "study": (".yaml", "study", nowhere, lambda p: ("analyze", p, "--out", "out", "--jobs", "1")),
        "study_of_plan": (".yaml", "study", nowhere, lambda p: ("plan", p, "--out", "plan.json")),
        "study_of_extract": (".yaml", "study", nowhere, lambda p: ("extract", p, "--check", "--jobs", "1")),
        "plan": (".json", "study", nowhere, lambda p: (*ANALYZE, "--plan", p)),
        "clinical": (".csv", "study", in_study("clinical", "table"), fixed(*ANALYZE)),
        "clinical_xlsx": (".xlsx", "study", in_study("clinical", "table"), fixed(*ANALYZE)),
        "features": (".csv", "study", in_study("tissues", "disc", "features", 0), fixed(*ANALYZE)),
        "features_parquet": (".parquet", "study", in_study("tissues", "disc", "features", 1), fixed(*ANALYZE)),
        "features_gz": (".csv.gz", "study", in_study("tissues", "disc", "features", 1), fixed(*ANALYZE)),
        "init": (".csv", "study", nowhere, lambda p: ("init", "new", "--from", p)),
        "report": ("", "run", nowhere, lambda p: ("report", p, "--jobs", "1")),
        "apply_run": ("", "run", nowhere, lambda p: ("apply", p, "cohort.yaml", "--jobs", "1")),
        "cohort": (".yaml", "run", nowhere, lambda p: ("apply", "run", p, "--jobs", "1")),
        "cohort_table": (".csv", "run", in_cohort("clinical", "table"), fixed(*APPLY)),
        "cohort_features": (".csv", "run", in_cohort("tissues", "disc", "features", 0), fixed(*APPLY)),
        "compare": ("", "run", nowhere, lambda p: ("compare", "run", p)),
        "checklist": ("", "run", nowhere, lambda p: ("checklist", p, "--standard", "clear")),
        "answers": (".yaml", "run", nowhere, lambda p: ("checklist", "run", "--standard", "clear", "--answers", p)),
        "cases_table": (".csv", "images", in_images("tissues", "disc", "images"), fixed(*CHECK_IMAGES)),
        "preset": (".yaml", "images", in_images("extraction", "pyradiomics", "preset"), fixed(*CHECK_IMAGES)),
        "image": (".nii.gz", "images", in_table("disc.csv", 1, "image"), fixed(*CHECK_IMAGES)),
        "image_nrrd": (".nrrd", "images", in_table("disc.csv", 1, "image"), fixed(*CHECK_IMAGES)),
        "image_dicom": (".dcm", "images", in_table("disc.csv", 2, "image"), fixed(*CHECK_IMAGES)),
        "mask": (".nii", "images", in_table("disc.csv", 2, "mask"), fixed(*CHECK_IMAGES)),
    }  # fmt: skip


def paths() -> Iterator[Case]:
    """Every slot of a path × paths that are none, or no file."""
    for slot, (end, template, write, command) in _slots().items():
        for name, (text, make) in PATHS.items():
            path = text.replace("{end}", end)
            arguments = command(path)
            if any("\0" in argument for argument in arguments):
                continue  # no program is given one
            whole = {"image", "image_nrrd", "image_dicom", "mask"}  # a case that cannot be read is put aside, told
            # no answers yet are a file of answers; some kernels show a process as an empty file
            may_pass = slot in whole or (slot == "answers" and name in {"empty_file", "process"})

            def change(folder: Path, write=write, path=path, make=make) -> None:
                if path and not path.startswith("/") and path != ".." and make is not nothing:
                    make(folder / path)
                write(folder, path)

            yield Case("paths", f"{slot}.{name}", template, arguments, change, "either" if may_pass else "refused")


def _json_places(content: Any, place: tuple = ()) -> Iterator[tuple]:
    """Places of a JSON file: every key, and the first entry of a list."""
    if place:
        yield place
    if isinstance(content, dict):
        for key, value in list(content.items())[:30]:
            yield from _json_places(value, (*place, key))
    elif isinstance(content, list) and content:
        yield from _json_places(content[0], (*place, 0))


EDITS: dict[str, Callable[[Any], Any]] = {
    "null": lambda v: None,
    "text": lambda v: "<script>alert(1)</script>",
    "minus": lambda v: -1,
    "huge": lambda v: 10**400,
    "list": lambda v: [],
    "map": lambda v: {},
    "wrapped": lambda v: [v],
}


def altered_folders() -> Iterator[Case]:
    """Edits of a finished run's files, and the commands that read them.

    Which places there are is asked of the run when the case is arranged: a case is a draw from them.
    """
    commands = {
        "results.json": [
            ("report", "run", "--jobs", "1"),
            ("checklist", "run", "--standard", "clear"),
            ("checklist", "run", "--standard", "tripod-ai", "--format", "json"),
            ("compare", "run", "other"),
            APPLY,
        ],
        "model.json": [APPLY, (*APPLY, "--accept-edited"), ("report", "run", "--jobs", "1")],
        "provenance.json": [APPLY, ("report", "run", "--jobs", "1"), ("compare", "run", "other")],
    }
    for file, ways in commands.items():
        for i in range(45):
            name = f"{file}.{i}"
            edit = drawn(name, [*EDITS, "removed"], 1)[0]

            def change(folder: Path, file=file, name=name, edit=edit) -> None:
                path = folder / "run" / file
                content = json.loads(path.read_text())
                place = drawn(name, list(_json_places(content)), 1)[0]
                change_at(content, place, None if edit == "removed" else EDITS[edit])
                path.write_text(json.dumps(content))

            yield Case("folders", f"{name}.{edit}", "runs", ways[i % len(ways)], change)
        texts = {
            "empty": b"",
            "cut": None,
            "binary": b"\x00\xff" * 50,
            "list": b"[]",
            "number": b"1",
            "nothing": b"null",
            "nested": b"[" * 100_000,
            "digits": b'{"schema": ' + b"9" * 5000 + b"}",
            "other_version": b'{"schema": "prldh-results/99"}',
            "surrogate": b'{"schema": "\\ud800"}',
            "utf16": '{"schema": "a"}'.encode("utf-16"),
            "nan": b'{"schema": NaN}',
        }
        for text_name, text in texts.items():
            for i, command in enumerate(ways):

                def whole(folder: Path, file=file, text=text) -> None:
                    rewritten(f"run/{file}", lambda b: b[: len(b) // 2] if text is None else text)(folder)

                yield Case("folders", f"{file}.{text_name}.{i}", "runs", command, whole)
        for i, command in enumerate(ways):
            yield Case(
                "folders", f"{file}.missing.{i}", "runs", command,
                lambda folder, file=file: (folder / "run" / file).unlink(),
            )  # fmt: skip
    for file in ("predictions.csv", "tables", "figures", "report.html"):
        for i, command in enumerate(
            [("report", "run", "--jobs", "1"), ("checklist", "run", "--standard", "metrics"), APPLY]
        ):

            def remove(folder: Path, file=file) -> None:
                path = folder / "run" / file
                shutil.rmtree(path) if path.is_dir() else path.unlink()

            def damage(folder: Path, file=file) -> None:
                path = folder / "run" / file
                for each in [path, *path.rglob("*")]:
                    if each.is_file():
                        each.write_bytes(b"\x00<script>alert(1)</script>")

            yield Case("folders", f"{file}.missing.{i}", "runs", command, remove)
            yield Case("folders", f"{file}.damaged.{i}", "runs", command, damage)


def outputs() -> Iterator[Case]:
    """What a command would write over."""
    commands: dict[str, tuple[str, Callable[[str], tuple[str, ...]]]] = {
        "analyze": ("study", lambda out: ("analyze", "study.yaml", "--out", out, "--jobs", "1")),
        "plan": ("study", lambda out: ("plan", "study.yaml", "--out", out)),
        "extract": ("images", lambda out: ("extract", "study.yaml", "--out", out, "--jobs", "1")),
        "checklist": ("runs", lambda out: ("checklist", "run", "--standard", "clear", "--out", out)),
        "checklist_docx": (
            "runs",
            lambda out: ("checklist", "run", "--standard", "clear", "--format", "docx", "--out", out),
        ),
        "compare": ("runs", lambda out: ("compare", "run", "other", "--out", out)),
        "init": ("study", lambda out: ("init", out)),
        "demo_data": ("study", lambda out: ("demo", "--data-only", out)),
        "plugin": ("study", lambda out: ("plugins", "new", "prldh-mine", "--in", out)),
    }  # fmt: skip

    def file(path: Path) -> None:
        path.write_text("somebody's\n")

    def full(path: Path) -> None:
        path.mkdir()
        (path / "thesis.txt").write_text("somebody's\n")

    hazards: dict[str, tuple[str, Callable[[Path], None]]] = {
        "a_file": ("taken.html", file),
        "the_study": ("study.yaml", nothing),
        "a_table": ("clinical.csv", nothing),
        "a_result": ("run/results.json", nothing),
        "a_model": ("run/model.json", nothing),
        "full_device": ("/dev/full", nothing),
        "null_device": ("/dev/null", nothing),
        "fifo": ("fifo", os.mkfifo),
        "a_folder_of_others": ("theirs", full),
        "broken_link": ("broken", link("nowhere/at/all")),
        "loop": ("loop", _loop),
        "300_characters": ("o" * 300, nothing),
        "inside_a_file": ("study.yaml/out", nothing),
        "inside_a_device": ("/dev/null/out", nothing),
        "the_parent": ("..", nothing),
        "here": (".", nothing),
        "blank": ("", nothing),
    }
    for command, (template, arguments) in commands.items():
        for name, (out, make) in hazards.items():
            is_folder = command in ("init", "demo_data", "plugin", "analyze", "extract")
            if is_folder and name in ("a_folder_of_others", "the_parent", "here") and command != "analyze":
                continue  # a folder that may hold more
            if template != "runs" and out.startswith("run/"):
                continue
            # a link to nowhere, and a folder beside what is there, may be written
            expects = (
                "either"
                if name in ("broken_link", "300_characters", "the_parent", "here", "blank", "a_folder_of_others")
                else "refused"
            )

            def change(folder: Path, out=out, make=make) -> None:
                if make is not nothing:
                    make(folder / out)

            yield Case("outputs", f"{command}.{name}", template, arguments(out), change, expects)
