"""Numbers on their way into results: what does not exist is None."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def finite(value: Any) -> float | None:
    """The number as a float, or None where it is infinite or not a number."""
    value = float(value)
    return value if abs(value) < float("inf") else None


def finite_numbers(found: Mapping[str, Any], keys: Iterable[str]) -> dict[str, float | None]:
    """These keys of an engine's answer, each by :func:`finite`."""
    return {key: finite(found[key]) for key in keys}
