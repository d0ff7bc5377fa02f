"""Steps before the selection that change values, fitted on training rows."""

from __future__ import annotations

from typing import Any

TRANSFORMS: tuple[Any, ...] = ()

__all__ = ["TRANSFORMS"]
