"""Values as R code."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prldh.reproduce.columns import PLAIN, RESERVED

WIDTH = 120
"""Columns of R code."""


def as_r(value: Any, indent: int = 0) -> str:
    """R code of a value: dicts and lists of dicts are lists, other lists vectors, None is NULL.

    Examples
    --------
    >>> print(as_r({"level": 0.95, "odd name": ["a", "b"], "none": None}))
    list(
      level = 0.95,
      "odd name" = c("a", "b"),
      none = NULL
    )
    """
    if isinstance(value, Mapping):
        inner = [f"{_r_name(key)} = {as_r(item, indent + 2)}" for key, item in value.items()]
    elif isinstance(value, (list, tuple)) and any(isinstance(item, (Mapping, list, tuple)) for item in value):
        inner = [as_r(item, indent + 2) for item in value]
    elif isinstance(value, (list, tuple)):
        return _r_vector([_r_scalar(item) for item in value], indent)
    else:
        return _r_scalar(value)
    pad = " " * (indent + 2)
    if any("\n" in item for item in inner) or not indent:
        return "list(\n" + ",\n".join(pad + item for item in inner) + "\n" + " " * indent + ")"
    return f"list({_filled(inner, pad)})"


def _filled(items: Sequence[str], pad: str) -> str:
    """Items with commas between them, on as many lines as they need."""
    lines = [""]
    for k, item in enumerate(items):
        item += "," if k < len(items) - 1 else ""
        if lines[-1] and len(pad) + len(lines[-1]) + len(item) > WIDTH - len("list("):
            lines.append("")
        lines[-1] += f" {item}" if lines[-1] else item
    return f"\n{pad}".join(lines)


def _r_vector(items: list[str], indent: int) -> str:
    return f"c({_filled(items, ' ' * (indent + 2))})" if items else "NULL"


def _r_scalar(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (bool, np.bool_)):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # JSON's escapes are R's too
    if isinstance(value, float) and not math.isfinite(value):
        return "NA" if math.isnan(value) else "Inf" if value > 0 else "-Inf"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _r_name(name: str) -> str:
    return name if PLAIN.fullmatch(name) and name not in RESERVED else json.dumps(name, ensure_ascii=False)
