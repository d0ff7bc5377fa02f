"""Anything a run computes as plain JSON values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from typing import Any, TypeVar, cast

import numpy as np

from prldh.core.entries import keys_by_field, keys_of

_T = TypeVar("_T")
#: Why the statistic of a test is null though the test exists.
INFINITE = "the statistic is infinite: something was found where none was expected, or nothing varies"


def clean(value: Any, without: type | None = None) -> Any:
    """The same as plain JSON values: records by their keys, NumPy types unwrapped, numbers that do not exist null.

    ``without``: leave out fields of records that carry this mark.
    """
    kind = type(value)  # what there is most of is asked for first: results hold hundreds of thousands of values
    if value is None or kind in (str, bool, int):
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is dict:
        return {str(k): clean(v, without) for k, v in value.items()}
    if kind in (list, tuple):
        return [clean(v, without) for v in value]
    if is_dataclass(value) and not isinstance(value, type):
        value = keys_of(value, without)
    if isinstance(value, Mapping):
        return {str(k): clean(v, without) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v, without) for v in value]
    if isinstance(value, np.ndarray):
        return clean(value.tolist())
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value


def finite(value: Any) -> float | None:
    """The number as a float, or None where it is infinite or not a number."""
    value = float(value)
    return value if abs(value) < float("inf") else None


def finite_numbers(answer: Mapping[str, Any], keys: Iterable[str]) -> dict[str, float | None]:
    """These keys of an engine's answer, each by :func:`finite`."""
    return {key: finite(answer[key]) for key in keys}


def record_of(kind: type[_T], answer: Mapping[str, Any], **others: Any) -> _T:
    """A record of the numbers of an engine's answer, each by :func:`finite`, and of ``others``.

    A record of a test that has a ``reason`` says there that its statistic is infinite, which JSON cannot.
    """
    names = keys_by_field(cast(Any, kind))
    values: dict[str, Any] = {name: finite(answer[name]) for name in names if name in answer and name not in others}
    if "reason" in names and math.isinf(answer.get("statistic", 0.0)):
        values["reason"] = INFINITE
    return kind(**values | others)


def records_of(kind: type[_T], columns: Mapping[str, Any]) -> tuple[_T, ...]:
    """A record a point of a curve, whose ``columns`` are arrays that are alike."""
    names = keys_by_field(cast(Any, kind))
    rows = zip(*(np.atleast_1d(columns[name]) for name in names), strict=True)
    return tuple(kind(*map(finite, row)) for row in rows)
