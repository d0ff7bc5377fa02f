"""JSON files of a finished folder, held to their schema when they are read: what anyone may have altered since is told
in one message, with the place in the file."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prldh.core import SEAL, DataError, file_bytes, seal_of, shown
from prldh.results.json_schema import Schema, SchemaMaker
from prldh.results.measures import MEASURES

#: Whole numbers are exact up to here, in any program that reads them.
LARGEST = 2**53
#: By how much rounding may leave a range, or turn limits that are one number round.
_ROUNDED = 1e-9
Check = Callable[[Any], None]


class Misfit(Exception):
    """A value that is not what its schema says: what is ``expected``, and what was ``found``; ``place`` from within."""

    def __init__(self, expected: str, found: Any) -> None:
        super().__init__(expected)
        self.expected, self.found = expected, found
        self.place: list[str | int] = []

    @property
    def where(self) -> str:
        """The place as programs write it, such as ``models[3].auc.estimate``."""
        parts = [f"[{key}]" if isinstance(key, int) else f".{shown(key)}" for key in reversed(self.place)]
        return "".join(parts).removeprefix(".")


def read_held(path: Path, kind: Any, do: str) -> Any:
    """The content of a JSON file that was written as a ``kind``, a record or ``TypedDict``; where it carries a checksum
    of its own, that is asked too.

    Parameters
    ----------
    path
        The file.
    kind
        Its type.
    do
        What a message ends with: what the user does about a file that is damaged.

    Raises
    ------
    DataError
        If it is no JSON, not of that type, or not as it was written.
    OSError
        If it cannot be read.
    """
    content = parse(path, file_bytes(path), do)
    hold(path, content, kind, do)
    if isinstance(content, Mapping) and content.get(SEAL, None) not in (None, seal_of(content)):
        raise DataError(f"{path} was changed after it was written: its own checksum differs. {do}")
    return content


def parse(path: Path, raw: bytes, do: str) -> Any:
    """The JSON of a file's bytes.

    Raises
    ------
    DataError
        If it is none.
    """
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged, and no JSON: {error}. {do}") from None


def hold(path: Path, content: Any, kind: Any, do: str) -> None:
    """Refuse a content that is not of a type.

    Raises
    ------
    DataError
        At the first place that does not fit.
    """
    try:
        check_of(kind)(content)
    except Misfit as misfit:
        where = misfit.where or "the whole"
        raise DataError(
            f"{path} is not as it was written: {where}: {misfit.expected} is expected; found {_shown(misfit.found)}."
            f" {do}"
        ) from None
    except RecursionError:
        raise DataError(f"{path} is not as it was written: it is nested too deep. {do}") from None


@functools.cache
def check_of(kind: Any) -> Check:
    """What refuses a value that is not of a type. Keys that the first files of a schema lacked may be missing: folders
    of older versions are read."""
    return _check(SchemaMaker(MEASURES).of(kind))


# ---------------------------------------------------------------- one check a part of a schema


def _check(schema: Schema) -> Check:
    if "anyOf" in schema:
        forms = [_check(each) for each in schema["anyOf"]]
        return _of_nearest(forms, [each.get("properties", {}) for each in schema["anyOf"]])
    if "enum" in schema:
        return _enum(schema["enum"])
    kinds = schema.get("type", ())
    if isinstance(kinds, list):
        return _any_of([_check(schema | {"type": kind}) for kind in kinds])
    if kinds == "object":
        return _object(schema)
    if kinds == "array":
        return _array(schema)
    return _simple(kinds, schema) if kinds else lambda value: None


def _simple(kind: str, schema: Schema) -> Check:
    def string(value: Any) -> None:
        if type(value) is not str:
            raise Misfit("text", value)
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise Misfit(f"text of the form {schema['pattern']}", value)

    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)

    def number(value: Any) -> None:
        if type(value) is float:
            if not math.isfinite(value):
                raise Misfit("a number", value)
        elif type(value) is not int or abs(value) > LARGEST:
            raise Misfit("a number", value)
        if not low - _ROUNDED <= value <= high + _ROUNDED:
            limits = [f"from {low:g}" * math.isfinite(low), f"to {high:g}" * math.isfinite(high)]
            raise Misfit(f"a number {' '.join(filter(None, limits))}", value)

    def integer(value: Any) -> None:
        if type(value) is not int or not schema.get("minimum", -LARGEST) <= value <= LARGEST:
            raise Misfit("a count", value)

    def boolean(value: Any) -> None:
        if type(value) is not bool:
            raise Misfit("true or false", value)

    def null(value: Any) -> None:
        if value is not None:
            raise Misfit("null", value)

    return {"string": string, "number": number, "integer": integer, "boolean": boolean, "null": null}[kind]


def _enum(allowed: list[Any]) -> Check:
    def enum(value: Any) -> None:
        if not any(value == each and type(value) is type(each) for each in allowed):
            raise Misfit(f"one of {', '.join(map(str, allowed))}", value)

    return enum


def _any_of(checks: list[Check]) -> Check:
    def any_of(value: Any) -> None:
        misfits = []
        for check in checks:
            try:
                check(value)
            except Misfit as misfit:
                misfits.append(misfit)
            else:
                return
        inner = max(misfits, key=lambda misfit: len(misfit.place))
        if not inner.place:
            inner.expected = " or ".join(dict.fromkeys(misfit.expected for misfit in misfits))
        raise inner

    return any_of


def _of_nearest(checks: list[Check], keys: list[Mapping[str, Any]]) -> Check:
    """Of the forms that a value may have, a mapping is held to the one that knows most of its keys."""
    any_form = _any_of(checks)

    def nearest_form(value: Any) -> None:
        known = [len(each.keys() & value.keys()) if type(value) is dict else 0 for each in keys]
        if max(known) > 0:
            checks[known.index(max(known))](value)
        else:
            any_form(value)

    return nearest_form


def _array(schema: Schema) -> Check:
    item = _check(schema["items"])
    n = schema.get("minItems")

    def array(value: Any) -> None:
        if type(value) is not list:
            raise Misfit("a list", value)
        if n is not None and len(value) != n:
            raise Misfit(f"a list of {n}", value)
        i = 0
        try:
            for i, each in enumerate(value):  # noqa: B007
                item(each)
        except Misfit as misfit:
            misfit.place.append(i)
            raise

    return array


def _object(schema: Schema) -> Check:
    known = {key: _check(each) for key, each in schema.get("properties", {}).items()}
    required = frozenset(schema.get("required", ()))
    limits = _limits(schema.get("properties", {}))
    others = _check(schema["additionalProperties"]) if schema.get("additionalProperties") else None

    def entry(value: Any) -> None:
        if type(value) is not dict:
            raise Misfit("a mapping", value)
        if not required <= value.keys():
            raise Misfit(f"the key '{min(required - value.keys())}'", value)
        key = ""
        try:
            for key, each in value.items():
                check = known.get(key, others)
                if check is not None:
                    check(each)
        except Misfit as misfit:
            misfit.place.append(key)
            raise
        for low, high in limits:
            least, most = value.get(low), value.get(high)
            if least is not None and most is not None and least > most + _ROUNDED * (1 + abs(most)):
                upside_down = Misfit(f"a number up to '{high}', which is {shown(most)},", least)
                upside_down.place.append(low)
                raise upside_down

    return entry


def _limits(known: Mapping[str, Schema]) -> list[tuple[str, str]]:
    """The keys of lower limits that are numbers, and of the upper ones that belong to them."""
    ends = (("low", "high"), ("lower", "upper"), ("min", "max"))
    pairs = [(key, key.removesuffix(low) + high) for key in known for low, high in ends if key.endswith(low)]
    return [(low, high) for low, high in pairs if high in known and "number" in known[low].get("type", ())]


# ---------------------------------------------------------------- words


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON's")


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"a mapping of {', '.join(map(shown, list(value)[:5]))}" if value else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if type(value) is int and abs(value) > LARGEST:
        return "a number beyond 2**53"
    return shown(json.dumps(value, ensure_ascii=False))
