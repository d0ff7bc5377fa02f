"""Reading a study file, and files like it: YAML to checked settings, with one message for a mistake: the file, the
line, what was found."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from prldh.core import StudyError
from prldh.plugins import in_words
from prldh.study.study import Study

Checked = TypeVar("Checked", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's booleans (true, false), so that ``event: yes`` stays the text in the table; no doubled keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise StudyError(
                    f"line {key.start_mark.line + 1}: a list or mapping stands where a key is expected. Check brackets"
                    " and colons there."
                )
            if key.value in seen:
                raise StudyError(f"the key '{key.value}' stands twice (line {key.start_mark.line + 1}). Remove one.")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, regexp)
        for tag, regexp in resolvers
        if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def as_unquoted(text: str) -> str:
    """What a study file has where a number stands in it without quotes.

    Examples
    --------
    >>> [as_unquoted(text) for text in ("010", "12:30", "1.10", "10", "a")]
    ['8', '750', '1.1', '10', 'a']
    """
    try:
        value = yaml.load(text, Loader=_Loader) if text.lstrip("+-.")[:1].isdigit() else text
    except (yaml.YAMLError, ValueError, StudyError):
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
        return _validate(source, what.removesuffix(" file"), {}, model), Path.cwd()
    path = Path(source)
    example = " `prldh init DIR` writes one to start from." if model is Study else ""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise StudyError(f"{what} not found: {path}.{example}") from None
    except UnicodeDecodeError as error:
        raise StudyError(
            f"{path} is not UTF-8 text (byte {error.object[error.start]:#04x} at {error.start}). Give a YAML file saved"
            " as UTF-8."
        ) from None
    except (OSError, ValueError) as error:
        raise StudyError(
            f"{what} cannot be read: {path}: {getattr(error, 'strerror', None) or error}. Give a YAML file."
        ) from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)
    except StudyError as error:
        raise StudyError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise StudyError(f"{path}:{_yaml_problem(error, text)}. Check indentation, colons and quotes there.") from None
    if not isinstance(content, dict):
        content_type = "nothing" if content is None else f"a {type(content).__name__}"
        raise StudyError(f"{path}: a {what} is a mapping of keys such as 'clinical:'; found {content_type}.{example}")
    lines: dict[tuple, int] = {}
    _collect_lines(node, (), lines)
    return _validate(content, str(path), lines, model), path.resolve().parent


def _yaml_problem(error: yaml.YAMLError, text: str) -> str:
    if isinstance(error, yaml.reader.ReaderError):  # it has no mark
        line = text.count("\n", 0, error.position) + 1
        character = error.character if isinstance(error.character, str) else chr(error.character)
        return f" line {line} is not valid YAML: the character {character!r} is not allowed"
    mark = getattr(error, "problem_mark", None)
    place = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{place} is not valid YAML: {getattr(error, 'problem', None) or error}"


def _collect_lines(node: yaml.Node | None, place: tuple, lines: dict[tuple, int]) -> None:
    if node is None:
        return
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*place, key.value)] = key.start_mark.line + 1
            _collect_lines(value, (*place, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            _collect_lines(value, (*place, i), lines)


def _validate(content: dict, file: str, lines: dict[tuple, int], model: type[Checked]) -> Checked:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        every = error.errors()
        first, place = every[0], _place(every[0], content)
        others = {
            p for p in (_place(each, content) for each in every) if p[: len(place)] != place and place[: len(p)] != p
        }
        if first["type"] == "unknown_key":
            place = (*place, first["ctx"]["key"])
        known = place
        while known and known not in lines:
            known = known[:-1]
        line = f", line {lines[known]}" if known in lines and known else ""
        where = ".".join(str(p) for p in place)
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
