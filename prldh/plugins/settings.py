"""The settings of a plugin's objects, checked by their own models."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any, Literal, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from prldh.core import PluginError, StudyError, nearest, quoted, shown
from prldh.plugins.border import printing_aside
from prldh.plugins.promises import guarded, in_short, is_strangers, is_writable, json_mapping

Checked = TypeVar("Checked", bound=BaseModel)

#: What pydantic calls a type, in words of the study file.
_EXPECTED = {
    "model_type": "must be a mapping of keys",
    "dict_type": "must be a mapping of keys",
    "list_type": "must be a list, such as [a, b]",
    "tuple_type": "must be a list, such as [a, b]",
    "string_type": "must be text",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "string_too_short": "must not be blank",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
}


def in_words(error: ErrorDetails) -> str:
    """One of pydantic's errors as a sentence: what is wrong, what was found."""
    kind, value = error["type"], error.get("input")
    if kind == "missing":
        return (
            "a value is missing here. Add it." if isinstance(error["loc"][-1], int) else "this key is required. Add it."
        )
    message = error["msg"].removeprefix("Value error, ")
    if kind == "too_short":
        least, n = error["ctx"]["min_length"], error["ctx"]["actual_length"]
        return f"must have at least {least} (found {n or 'none'}). Add {'one' if least - n == 1 else f'{least - n}'}."
    if kind == "too_long":
        most, n = error["ctx"]["max_length"], error["ctx"]["actual_length"] or len(value)  # of mappings it is None
        return f"must have at most {most} (found {n}: {quoted(value)}). Remove {'one' if n - most == 1 else n - most}."
    if kind not in ("unknown_key", "misfit", "value_error"):
        message = _EXPECTED.get(kind, message.replace("Input should be", "must be"))
        message = message.replace("less than or equal to", "at most").replace("greater than or equal to", "at least")
        message += (
            " (found nothing: fill it in, or leave the key out)" if value is None else f" (found {quoted(value)})"
        )
    return message if message.endswith((".", "?")) else message + "."


def _keys_at(model: Any, place: Iterable[Any]) -> list[str]:
    """The keys of the settings model that stands at this place within another; those of the last one known where it is
    no model's."""
    for key in place:
        field = model.model_fields.get(key)
        inner = (
            next((t for t in (field.annotation, *get_args(field.annotation)) if hasattr(t, "model_fields")), None)
            if field
            else None
        )
        model = inner or model
    return list(model.model_fields)


def settings_of(model: type[Checked], raw: dict[str, Any], where: str) -> Checked:
    """What the study file says, checked by a plugin's own settings model.

    Raises
    ------
    StudyError
        For an unknown key, with the nearest known one, or a value that does not fit.
    """
    try:
        read = _validated(model, raw, where)
    except ValidationError as error:
        raise _study_error(model, error.errors()[0], where) from None
    if model.model_config.get("extra", "ignore") == "ignore" and isinstance(raw, dict):
        known = {*model.model_fields, *(str(f.alias) for f in model.model_fields.values() if f.alias)}
        for key in raw:
            if key not in known:  # whose model ignores it would leave a misspelt setting without effect
                raise StudyError(f"{where}: {_unknown_key(str(key), str(key), known)}")
    return read


def _validated(model: type[Checked], raw: dict[str, Any], where: str) -> Checked:
    """What a model, which may be a stranger's, makes of settings; pydantic's own error where they do not fit."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise PluginError(
            f"{where}: its Settings are {in_short(model):.80} and must be a pydantic model. Update its plugin."
        )
    misfit: ValidationError | None = None
    with guarded(f"settings of {where}", model), printing_aside() if is_strangers(model) else nullcontext():
        try:
            read = model.model_validate(raw)
        except ValidationError as error:
            misfit = error
        else:
            if is_strangers(model):
                _refuse_unwritable(read, model, where)
            return read
    raise misfit


def _refuse_unwritable(read: Any, model: type[BaseModel], where: str) -> None:
    """Settings of a stranger's model that results cannot hold: whatever they say of themselves later, they say here."""
    problem = None
    if not isinstance(read, model):
        problem = f"give a {type(read).__name__} in place of {model.__name__}"
    else:
        ways: tuple[dict[str, Any], ...] = ({"mode": "json"}, {"exclude_none": True}, {"exclude_defaults": True})
        told = [read.model_dump(**way) for way in ways]
        if json_mapping(told[0]) is None or not all(isinstance(each, dict) for each in told):
            problem = f"give {in_short(told[0]):.80} by model_dump in place of a dictionary of text and numbers"
        elif not isinstance(text := read.model_dump_json(), str) or not is_writable(text):
            problem = f"give {in_short(text):.80} by model_dump_json in place of text"
    if problem:
        raise PluginError(f"{where}: its Settings {problem}. Update its plugin.")


def _unknown_key(key: str, place: str, known: Iterable[str]) -> str:
    near = nearest(key, known)
    return f"unknown key '{place}'" + (f"; did you mean '{near}'?" if near else f" (known here: {', '.join(known)}).")


def _study_error(model: type[BaseModel], error: ErrorDetails, where: str) -> StudyError:
    """One of pydantic's errors in the study file's words."""
    key = ".".join(shown(p) for p in error["loc"])
    if error["type"] in ("unknown_key", "misfit"):  # said in the study file's words already
        return StudyError(f"{where}: {error['msg']}")
    if error["type"] == "extra_forbidden":
        return StudyError(f"{where}: {_unknown_key(str(error['loc'][-1]), key, _keys_at(model, error['loc'][:-1]))}")
    told = in_words(error)
    if error["type"] == "value_error":  # of a plugin's own validator, which may not say it
        told = f"{told.removesuffix('.')} (found {quoted(error.get('input'))})."
    return StudyError(": ".join(part for part in (where, key, told) if part))  # of what does not go together: no key


def layered_settings(
    model: type[Checked], general: dict[str, Any], own: dict[str, Any], where: str, where_own: str
) -> Checked:
    """Settings of which some are said in general and some, which go before them, for one tissue.

    Raises
    ------
    StudyError
        As :func:`settings_of`, of the place where the key stands.
    """
    for place, part in ((where, general), (where_own, own)):
        try:
            _validated(model, part, place)
        except ValidationError as error:
            # what is missing, or does not go together, may be the other part's to give
            wrong = [e for e in error.errors() if e["loc"] and e["type"] != "missing"]
            if wrong:
                raise _study_error(model, wrong[0], place) from None
    return settings_of(model, _layered(model, general, own), where_own if own else where)


def _layered(model: type[BaseModel], general: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Settings of which those that are ``own`` go before ``general`` ones, key by key; also within keys that are
    mappings of a settings model's own keys, while any other value is replaced as a whole."""
    both = {**general, **own}
    for key in general.keys() & own.keys():
        inner = getattr(model.model_fields.get(key), "annotation", None)
        is_settings = isinstance(inner, type) and issubclass(inner, BaseModel)
        if is_settings and isinstance(general[key], dict) and isinstance(own[key], dict):
            both[key] = _layered(cast(type[BaseModel], inner), general[key], own[key])
    return both


class LearnerSettings(BaseModel):
    """Settings of a learner or transform: nothing unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SelectorSettings(BaseModel):
    """What every selector can be told."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    if_empty: Literal["stop", "best"] | None = Field(
        None,
        description="where the step leaves nothing: stop, or keep the best single feature; acted on by the pipeline",
    )
