"""Records as ``results.json`` has them: which fields are keys, which may be absent, and what their types stand for.

A field is a key of its own name; an underscore at its end is Python's alone (``or_`` is ``or``). A number that does not
exist is None there and null in the file. :func:`prldh.core.jsonable.clean` writes such a record, and the schema of
``results.json`` is made of the same fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

_T = TypeVar("_T")


class Absent(Enum):
    """The value of a key that is not written; a key that may be absent has it as its default."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
#: A key that is always written, but that the first results of this schema lacked: the schema does not ask for it.
Later = Annotated[_T, "later"]
#: A number, or None where it does not exist.
Number = float | None


@dataclass(frozen=True)
class Single:
    """Marks a field that two engines do not compute each for itself: a count, a setting, or, where it has ``words``, a
    statistic of one engine."""

    words: str = ""


#: A count of patients or samples, or a setting.
Given = Annotated[_T, Single()]


def later(kind: Any) -> Any:
    """The same of a type that is no annotation."""
    return Annotated[kind, "later"]


def bare(kind: Any) -> Any:
    """A type without :data:`Later`."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


@dataclass(frozen=True)
class Among:
    """Marks a field whose own keys stand among those of the record: those of the measures at a place."""

    place: str = ""


@dataclass(frozen=True)
class Pattern:
    """Marks a text that has this form."""

    regex: str


#: A field of another record, whose keys stand among those of the record that holds it.
Inline = Annotated[_T, Among()]


@cache
def keys_by_field(kind: Any) -> Mapping[str, str]:
    """The keys of a record by its fields; empty for a field whose own keys stand among the record's."""
    inlined = marked(kind, Among)
    return {each.name: "" if each.name in inlined else each.name.removesuffix("_") for each in fields(kind)}


@cache
def marked(kind: Any, mark: type) -> frozenset[str]:
    """The fields of a record that carry such a mark."""
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(name for name, hint in hints.items() if any(isinstance(m, mark) for m in get_args(hint)[1:]))


def keys_of(record: Any, without: type | None = None) -> dict[str, Any]:
    """The keys and values of a record, in order, without what is absent and, where asked for, what carries a mark."""
    entry: dict[str, Any] = {}
    left_out = marked(record.__class__, without) if without else frozenset()
    for name, key in keys_by_field(record.__class__).items():
        value = getattr(record, name)
        if name in left_out:
            continue
        if not key:
            entry |= keys_of(value, without) if is_dataclass(value) else value
        elif value is not ABSENT:
            entry[key] = value
    return entry


@dataclass(frozen=True)
class Interval:
    """An estimate with its limits."""

    estimate: Number
    low: Number
    high: Number


@dataclass(frozen=True)
class Estimate:
    """An estimate of which no interval is claimed."""

    estimate: Number


#: An estimate that does not exist.
NO_INTERVAL = Interval(None, None, None)
