"""``prldh checklist``, and the checklists that a run writes beside its report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from prldh.checklists.answers import FILE, HEAD, Answers, asked_standards, write_questions
from prldh.checklists.dossier import Dossier, dossier_of, read_dossier
from prldh.checklists.filling import Filled, fill, former_answers, gather_answers, open_questions
from prldh.checklists.wording import describe_counts, describe_score
from prldh.checklists.writing import FORMATS, MARKS, PIP, has_docx, write_checklist
from prldh.core import (
    FEATURES,
    OWNED,
    OutputError,
    PluginError,
    check_target,
    given_path,
    is_file,
    is_folder,
    resolved,
    whole_file,
    write_whole,
)
from prldh.plugins import Registry
from prldh.results import Results, files_read, finished

FOLDER = "checklists"


def run_checklist(
    path: str | os.PathLike,
    standard: str,
    form: str | None = None,
    out: str | os.PathLike | None = None,
    answers: str | os.PathLike | None = None,
    *,
    force: bool = False,
    plugins: Sequence[Any] = (),
) -> list[str]:
    """``prldh checklist``: fill in one checklist and write it, and its open questions beside it.

    Parameters
    ----------
    path
        An output folder of ``analyze`` or ``extract``, or a PyRadiomics feature file.
    standard
        Name of the checklist.
    form
        One of html, csv, json, docx, tex; None: the one that ``out`` ends with, html where it ends otherwise.
    out
        The file to write; by default ``checklists/STANDARD.FORMAT`` in the folder, or ``NAME.STANDARD.FORMAT`` beside
        the file.
    answers
        A filled ``checklist.yaml``, read after the one that lies where questions are written.
    force
        Replace files that are there and that no ``prldh checklist`` wrote; never those of the run.
    plugins
        Checklists to choose from beside what is installed.

    Returns
    -------
    list of str
        The lines to print.

    Raises
    ------
    PrldhError
        For anything that a user can mend.
    """
    path = given_path(path, "path")
    out, answers = (None if p is None else given_path(p, name) for p, name in ((out, "out"), (answers, "answers")))
    form = form or _ending(out) or FORMATS[0]
    registry = Registry(plugins)
    checklist = registry.choose("register_checklists", standard, "--standard")
    if form == "docx" and not has_docx():
        raise PluginError(
            f"--format docx needs python-docx, which is not installed. Install it: `{PIP}`; or take html, csv, json or"
            " tex."
        )
    folder = path if is_folder(path) else path.parent
    with finished(folder):
        return _fill_and_write(checklist, path, folder, form, out, answers, force, registry)


def _fill_and_write(
    checklist: Any,
    path: Path,
    folder: Path,
    form: str,
    out: Path | None,
    answers: Path | None,
    force: bool,
    registry: Registry,
) -> list[str]:
    standard, dossier = checklist.name, read_dossier(path, registry)
    is_single = is_file(path) and path.name != "results.json"
    target, questions = _places(path, folder, is_single, standard, form, out)
    everything = [item for item, _ in registry.registered("register_checklists").values()]
    own = None if is_single else former_answers(folder / FOLDER)
    given = gather_answers(everything, own, questions if is_file(questions) and questions != own else None, answers)
    filled = _only_links_that_lead(fill(checklist, dossier, given), folder)
    others = [f for f in FORMATS if out is None and f != form and target.with_suffix(f".{f}").exists()]
    run_files = [folder / name for name in (*OWNED, *FEATURES) if name != FOLDER]
    read = [] if is_single else files_read(folder)
    for place in (target, *(target.with_suffix(f".{f}") for f in others)):
        never = [path if is_single else questions, questions, answers, *run_files]
        kept = [p for p in never if p is not None]
        check_target(place, "--out", marks=MARKS, never=kept, force=force, within_run=FOLDER, read=read)
    if _ending(out) not in (None, form):
        raise OutputError(
            f"--out {out} ends as {_ending(out)} does, and --format is {form}. Leave --format out, or give another"
            " name."
        )
    marks = (HEAD[:60].encode(),)
    what = "the file of questions"
    check_target(questions, what, marks=marks, never=run_files, force=force, within_run=FOLDER, read=read)
    base = None if is_single else _base(target, folder)
    content = write_checklist(filled, form, base)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, content, is_result=True)
        for other in others:
            write_whole(target.with_suffix(f".{other}"), write_checklist(filled, other, base), is_result=True)
        names = [standard, *(name for name in asked_standards(questions) if name != standard)]
        _write_questions(questions, [filled, *fill_all(names[1:], dossier, given, registry)], given)
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written: {error.strerror or error}. Give another place with --out."
        ) from None
    lines = [
        f"{filled.title}: {describe_counts(filled)}",
        *(describe_score(filled.score) if filled.score else []),
        f"checklist: {target}",
    ]
    n = open_questions(filled)
    return [*lines, f"questions for the author: {questions} ({n} open)"] if n else lines


def _ending(out: Path | None) -> str | None:
    """The format that a file's name says."""
    ending = "" if out is None else out.suffix[1:].lower()
    return ending if ending in FORMATS else None


def _places(path: Path, folder: Path, is_file: bool, standard: str, form: str, out: Path | None) -> tuple[Path, Path]:
    """Where the checklist and its questions go."""
    if out is not None and is_folder(out):
        raise OutputError(f"--out {out} is a folder. Give the name of a file in it.")
    if is_file:
        target = out or path.with_name(f"{path.name.split('.')[0]}.{standard}.{form}")
        return target, target.with_name(f"{path.name.split('.')[0]}.{FILE}")
    target = out or folder / FOLDER / f"{standard}.{form}"
    return target, target.with_name(FILE)


def _only_links_that_lead(filled: Filled, folder: Path) -> Filled:
    """Evidence in files that this folder lacks, such as the report, is named and not linked to."""
    there: dict[str, bool] = {}

    def is_there(href: str) -> bool:
        name = "report.html" if href.startswith("report.html") else href
        return there.setdefault(name, (folder / name).exists())

    entries = [
        {
            **entry,
            "evidence": [
                e if e.get("href") and is_there(e["href"]) else {**e, "href": None} for e in entry["evidence"]
            ],
        }
        for entry in filled.entries
    ]
    return replace(filled, entries=entries, has_report=filled.has_report and is_there("report.html"))


def _base(target: Path, folder: Path) -> str | None:
    """From the checklist to the output folder, as a link."""
    try:
        relative = os.path.relpath(resolved(folder), resolved(target.parent))
    except ValueError:  # another drive
        return None
    return "" if relative == "." else f"{PurePosixPath(Path(relative))}/"


def _write_questions(path: Path, filled: Sequence[Filled], given: Answers) -> None:
    """The questions of these checklists, whole or not at all."""
    with whole_file(path, is_result=True) as scratch:
        write_questions(scratch, {f.name: f.entries for f in filled}, given)


def check_answers(registry: Registry, study_answers: Path | None, out: Path | None) -> Answers:
    """The answers of the study file's ``report.answers`` and of the questions that a former run left in ``out``: read
    before anything is computed, so that a slip is told at once, and kept where ``--force`` replaces the folder.

    Raises
    ------
    DataError
        If one cannot be read, or answers what is no item.
    """
    everything = [item for item, _ in registry.registered("register_checklists").values()]
    return gather_answers(everything, former_answers(out / FOLDER) if out else None, study_answers)


def fill_all(names: Sequence[str], dossier: Dossier, answers: Answers, registry: Registry) -> list[Filled]:
    """The checklists that a study asks for and that are there."""
    known = registry.registered("register_checklists")
    return [fill(known[name][0], dossier, answers) for name in dict.fromkeys(names) if name in known]


def write_checklists(
    names: Sequence[str],
    results: Results,
    provenance: dict[str, Any],
    answers: Answers,
    registry: Registry,
    folder: Path,
) -> None:
    """What a run writes: the checklists that the study asks for, and answers that were given before, even where none is
    asked for."""
    if names or answers:
        dossier = dossier_of(results.data, provenance, folder, results.words)
        write_all(fill_all(names, dossier, answers, registry), folder, answers)


def fill_again(folder: Path, registry: Registry, into: Path) -> None:
    """Fill the checklists of an output folder in again, with the answers that were given since, in the formats that are
    there; they are written below ``into``, from where whoever asked puts them into their places.

    Raises
    ------
    PrldhError
        If the answers cannot be read, or the folder cannot.
    """
    place = folder / FOLDER
    names = [path.stem for path in sorted(place.glob("*.json"))] if place.is_dir() else []
    if not names:
        return
    answers = check_answers(registry, None, folder)
    filled = fill_all(names, read_dossier(folder, registry), answers, registry)
    (into / FOLDER).mkdir(exist_ok=True)
    for each in filled:
        for form in [f for f in FORMATS if (place / f"{each.name}.{f}").exists() and (f != "docx" or has_docx())]:
            (into / FOLDER / f"{each.name}.{form}").write_bytes(write_checklist(each, form, "../"))
    write_questions(into / FOLDER / FILE, {f.name: f.entries for f in filled}, answers)


def write_all(filled: Sequence[Filled], folder: Path, answers: Answers) -> None:
    """``checklists/STANDARD.FORMAT`` of each in every format, and the questions. Word files only where python-docx is
    installed."""
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    for each in filled:
        for form in FORMATS:
            if form != "docx" or has_docx():
                (place / f"{each.name}.{form}").write_bytes(write_checklist(each, form, "../"))
    write_questions(place / FILE, {f.name: f.entries for f in filled}, answers)
