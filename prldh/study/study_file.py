"""Reading a study file, and files like it: YAML to checked settings, with one message for a mistake: the file, the
line, what was found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from prldh.core import StudyError, given_path, shown
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
    example = " `prldh init DIR` writes one to start from." if model is Study else ""
    written = parse_yaml(read_text(path, what, advice=example.strip() or "Give a YAML file."), str(path))
    content = written.content
    if not isinstance(content, dict):
        content_type = "nothing" if content is None else "a list" if isinstance(content, list) else "one value"
        raise StudyError(f"{path}: a {what} is a mapping of keys such as 'clinical:'; found {content_type}.{example}")
    return _validate(content, str(path), model, written), path.resolve().parent


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
