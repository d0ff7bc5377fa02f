"""Reading a study file, and files like it: YAML to checked settings, with one message for a mistake: the file, the
line, what was found."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from prldh.core import StudyError, file_at, given_path, is_file, is_folder, listed, shown, shown_path
from prldh.plugins import in_words
from prldh.study.study import Study
from prldh.study.yaml_text import Written, parse_yaml, read_text

Checked = TypeVar("Checked", bound=BaseModel)


def as_unquoted(text: str) -> str:
    """What a study file has where a number stands in it without quotes.

    Examples
    --------
    >>> [as_unquoted(text) for text in ("010", "12:30", "1.10", "10", "a")]
    ['8', '750', '1.1', '10', 'a']
    """
    try:
        value = parse_yaml(text, "a cell").content if text.lstrip("+-.")[:1].isdigit() else text
    except StudyError:
        return text
    return str(value) if isinstance(value, (int, float)) else text


def read_study(source: str | os.PathLike | dict | Study) -> tuple[Study, Path]:
    """Read and check a study.

    Parameters
    ----------
    source
        Path of a YAML file, or the same content as a dictionary or :class:`Study`.

    Returns
    -------
    study, folder
        The checked study and the folder that its paths are relative to.

    Raises
    ------
    StudyError
        With the file, the place in it, what was found and what to do.
    """
    if isinstance(source, Study):
        return source, Path.cwd()
    return read_settings(source, Study)


def read_settings(
    source: str | os.PathLike | dict, model: type[Checked], what: str = "study file"
) -> tuple[Checked, Path]:
    """A YAML file, or the same content as a dictionary, checked by a model, and the folder that its paths are relative
    to; ``what`` the file is called in messages.

    Raises
    ------
    StudyError
        With the file, the place in it, what was found and what to do.
    """
    if isinstance(source, dict):
        return _validate(source, what.removesuffix(" file"), model), Path.cwd()
    path = given_path(source, what, StudyError)
    _refuse_results(path, what)
    example = " `prldh init DIR` writes one to start from." if model is Study else ""
    written = parse_yaml(read_text(path, what, advice=example.strip() or "Give a YAML file."), str(path))
    content = written.content
    if not isinstance(content, dict):
        content_type = "nothing" if content is None else "a list" if isinstance(content, list) else "one value"
        example += _FOR_TABLES.format(shown_path(path)) if path.suffix.lower() in _TABLES else ""
        raise StudyError(f"{path}: a {what} is a mapping of keys such as 'clinical:'; found {content_type}.{example}")
    _refuse_other(content, path, model)
    return _validate(content, str(path), model, written), path.resolve().parent


_TABLES = (".csv", ".tsv", ".txt")
_FOR_TABLES = " It may be a table: `prldh init my-study --from {}` writes a study file for it."
#: What the JSON files of a finished run begin with.
_OF_A_RUN = re.compile(rb'\s*\{\s*"schema"\s*:\s*"prldh-([a-z-]+)/')
#: Keys of a cohort file that a study file has not.
_OF_COHORTS = {"name", "recalibrate"}
#: Those that both may have.
_OF_BOTH = {"clinical", "tissues", "extraction", "imaging"}


def _refuse_results(path: Path, what: str) -> None:
    """Refuse a finished run, or a file of one, in the place of what somebody writes."""
    is_run = is_folder(path) and is_file(path / "results.json")
    if not is_run and is_file(path) and path.suffix.lower() == ".json":
        with file_at(path).open("rb") as file:
            is_run = _OF_A_RUN.match(file.read(200)) is not None
    if is_run:
        whole = "a finished run" if is_folder(path) else "a file of a finished run"
        raise StudyError(
            f"{shown_path(path)} is {whole}, and no {what}. Give the YAML file; `prldh report RUN` shows a run again,"
            " and `prldh apply RUN COHORT.yaml` applies its models."
        )


def _refuse_other(content: dict, path: Path, model: type[BaseModel]) -> None:
    """Refuse a cohort file in the place of a study file, and the other way round."""
    keys = content.keys()
    if model is Study and keys & _OF_COHORTS and keys <= _OF_COHORTS | _OF_BOTH:
        raise StudyError(
            f"{shown_path(path)} is a cohort file of new patients, and no study file. Apply a finished run's models to"
            f" it: `prldh apply RUN {shown_path(path)}`."
        )
    of_study = keys & Study.model_fields.keys() - model.model_fields.keys()
    if model is not Study and "clinical" in model.model_fields and of_study and not keys & _OF_COHORTS:
        raise StudyError(
            f"{shown_path(path)} is a study file (it has {listed(sorted(of_study), 3)}), and no cohort file of new"
            f" patients. Analyse it: `prldh analyze {shown_path(path)} --out FOLDER`, or give a cohort file, which"
            " has a name, clinical and tissues."
        )


def _validate(content: dict, file: str, model: type[Checked], written: Written | None = None) -> Checked:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        every = error.errors()
        place = _place(every[0], content)
        # of the forms that a value may have, the one that was meant is read furthest
        inside = [each for each in every if _place(each, content)[: len(place)] == place]
        first = max(inside, key=lambda each: len(_place(each, content)))
        place = _place(first, content)
        others = {
            p for p in (_place(each, content) for each in every) if p[: len(place)] != place and place[: len(p)] != p
        }
        if first["type"] == "unknown_key":
            place = (*place, first["ctx"]["key"])
        line = f", line {written.line_of(place)}" if written and place else ""
        where = ".".join(shown(p) for p in place)
        more = f" ({_more_problems(len(others))})" if others else ""
        raise StudyError(f"{file}{line}: {where + ': ' if where else ''}{in_words(first)}{more}") from None


def _place(error: ErrorDetails, content: Any) -> tuple:
    """Where an error lies in the file: pydantic's place without the names it gives to the forms that a value may have
    (``list[str]``)."""
    if place := error.get("ctx", {}).get("place"):
        return tuple(place)
    parts, last = [], len(error["loc"]) - 1
    for i, part in enumerate(error["loc"]):
        inside = (
            part in content
            if isinstance(content, dict)
            else isinstance(part, int) and isinstance(content, list) and part < len(content)
        )
        if inside:
            content = content[part]
        if inside or (i == last and error["type"] == "missing"):
            parts.append(part)
    return tuple(parts)


def _more_problems(count: int) -> str:
    return f"{count} more problem{'s' * (count > 1)} after this one."
