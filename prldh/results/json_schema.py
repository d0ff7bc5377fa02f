"""The JSON schema of a type: of records as :mod:`prldh.core.entries` has them, and of what they hold."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from prldh.core import Absent, Among, Measure, Pattern, at, bare, keys_by_field

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
SIMPLE: dict[Any, Schema] = {
    str: TEXT,
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 0},
    float: {"type": "number"},
    type(None): {"type": "null"},
    Any: {},
}


class SchemaMaker:
    """Makes schemas of types whose records hold these measures."""

    def __init__(self, measures: Sequence[Measure]) -> None:
        self.measures = measures

    def of(self, kind: Any) -> Schema:
        """The schema of a type.

        Examples
        --------
        >>> SchemaMaker(()).of(tuple[float | None, ...])
        {'type': 'array', 'items': {'type': ['number', 'null']}}
        """
        origin, arguments = get_origin(kind), get_args(kind)
        if kind in SIMPLE:
            return SIMPLE[kind]
        if origin is Annotated:
            forms = [mark.regex for mark in arguments[1:] if isinstance(mark, Pattern)]
            return self.of(arguments[0]) | ({"pattern": forms[0]} if forms else {})
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin in (Union, types.UnionType):
            return self._of_any([each for each in arguments if each is not Absent])
        if is_typeddict(kind):
            return _object({key: self.of(value) for key, value in get_type_hints(kind).items()}, kind.__required_keys__)
        if is_dataclass(kind):
            return self._of_record(kind)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            values = self.of(arguments[1])
            return {"type": "object"} | ({"additionalProperties": values} if values else {})
        if origin is tuple and arguments[-1] is not Ellipsis:
            return {"type": "array", "items": self.of(arguments[0])} | dict.fromkeys(
                ("minItems", "maxItems"), len(arguments)
            )
        return {"type": "array", "items": self.of(arguments[0])}

    def _of_any(self, kinds: Sequence[Any]) -> Schema:
        schemas = [self.of(kind) for kind in kinds]
        if len(schemas) == 1:
            return schemas[0]
        if "enum" in schemas[0]:
            return {"enum": [*schemas[0]["enum"], None]}
        if all(kind in SIMPLE for kind in kinds):
            return {"type": [schema["type"] for schema in schemas]}
        return {"anyOf": schemas}

    def _of_record(self, kind: Any) -> Schema:
        hints, keys = get_type_hints(kind, include_extras=True), keys_by_field(kind)
        properties: Schema = {}
        required: set[str] = set()
        for each in fields(kind):
            hint = hints[each.name]
            if keys[each.name]:
                properties[keys[each.name]] = self.of(hint)
                if not is_later(hint) and Absent not in get_args(bare(hint)):
                    required.add(keys[each.name])
                continue
            place = next(mark.place for mark in get_args(hint) if isinstance(mark, Among))
            inner = self.of_measures(place) if place else self._of_record(get_args(hint)[0])
            properties |= inner["properties"]
            required |= set(inner["required"])
        return _object(properties, required)

    def of_measures(self, place: str) -> Schema:
        own = at(place, self.measures)
        properties = {m.key: self.of(m.places[place]) | {"title": m.label, "description": about(m)} for m in own}
        return _object(properties, {m.key for m in own if not is_later(m.places[place])})


def _object(properties: Schema, required: Any) -> Schema:
    listed = [key for key in properties if key in required]
    return {"type": "object", "required": listed, "properties": properties}


def is_later(kind: Any) -> bool:
    """Whether the first results of this schema lacked a key of this type."""
    return get_origin(kind) is Annotated and "later" in get_args(kind)[1:]


def about(measure: Measure) -> str:
    """What a reader of the schema has to know of a measure."""
    low, high = measure.range
    parts = [
        f"from {low:g} to {high:g}" if isfinite(low) and isfinite(high) else "",
        f"{measure.direction} is better" if measure.direction else "",
        f"R: {measure.r}" if measure.r else "",
        f"null where {measure.null}" if measure.null else "",
    ]
    return "; ".join(part for part in parts if part)
