"""Anything a run computes as plain JSON values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def clean(value: Any) -> Any:
    """The same as plain JSON values: NumPy types unwrapped, numbers that do not exist null."""
    if isinstance(value, dict):
        return {str(k): clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
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


def finite_numbers(found: Mapping[str, Any], keys: Iterable[str]) -> dict[str, float | None]:
    """These keys of an engine's answer, each by :func:`finite`."""
    return {key: finite(found[key]) for key in keys}
