"""The JSON schema of a type: of records as :mod:`prldh.core.entries` has them, and of what they hold."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import inf, isfinite
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
_ANY = (-inf, inf)
#: What a number of this name can be, in whatever record it stands.
RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(
        "p p_bh p_holm q_p auc i2 fmi prevalence predicted dice sensitivity specificity".split(), (0.0, 1.0)
    ),
    **dict.fromkeys("n or sd se variance tau2 q vif".split(), (0.0, inf)),
    **dict.fromkeys(("condition_number", "condition_number_centred"), (0.0, inf)),
    "percent": (0.0, 100.0),
}
#: The numbers of a measure's value that are in its range; others are differences, variances and tests of it.
_VALUES = frozenset("apparent resampled oob oob_low oob_high b632 no_information".split())
#: Likewise, but where a correction for optimism was added, which may leave the range by as much as it is wide.
_CORRECTED = frozenset(
    "estimate low high b632_low b632_high b632plus b632plus_low b632plus_high corrected corrected_low corrected_high"
    " prediction_low prediction_high".split()
)


def within(schema: Schema, limits: tuple[float, float]) -> Schema:
    """The schema of a number that has limits; other schemas as they are."""
    kinds = schema.get("type")
    if "number" not in (kinds if isinstance(kinds, list) else [kinds]):
        return schema
    bounds = dict(zip(("minimum", "maximum"), limits, strict=True))
    return schema | {key: bound for key, bound in bounds.items() if isfinite(bound)}


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
            own = get_type_hints(kind).items()
            properties = {key: within(self.of(value), RANGES.get(key, _ANY)) for key, value in own}
            return _object(properties, kind.__required_keys__)
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
                key = keys[each.name]
                properties[key] = within(self.of(hint), RANGES.get(key, _ANY))
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
        values = {m.key: _of_range(self.of(m.places[place]), m.range) for m in own}
        properties = {m.key: values[m.key] | {"title": m.label, "description": about(m)} for m in own}
        return _object(properties, {m.key for m in own if not is_later(m.places[place])})


def _of_range(schema: Schema, limits: tuple[float, float]) -> Schema:
    """A measure's value, held to the range of the measure wherever it stands in it."""
    if "anyOf" in schema:
        return schema | {"anyOf": [_of_range(each, limits) for each in schema["anyOf"]]}
    if "additionalProperties" in schema:
        return schema | {"additionalProperties": _of_range(schema["additionalProperties"], limits)}
    if "properties" not in schema:
        return within(schema, limits)
    own, (low, high) = schema["properties"], limits
    corrected = (low - (high - low), high + (high - low)) if "optimism" in own else limits
    held = dict.fromkeys(_VALUES, limits) | dict.fromkeys(_CORRECTED, corrected)
    return schema | {"properties": {key: within(each, held.get(key, _ANY)) for key, each in own.items()}}


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
