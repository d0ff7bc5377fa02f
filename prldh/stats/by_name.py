"""Statistics by their names: an engine computes one of which it knows no more."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_args, get_type_hints, is_typeddict

import numpy as np

from prldh.core import EngineError, nearest

ROOM = "prldh.stats"


@cache
def all_statistics() -> Mapping[str, Callable[..., Any]]:
    """The public functions of this room's files by name, so that a new one is known by its file alone."""
    functions: dict[str, Callable[..., Any]] = {}
    for file in pkgutil.iter_modules(importlib.import_module(ROOM).__path__, f"{ROOM}."):
        for name, function in inspect.getmembers(importlib.import_module(file.name), inspect.isfunction):
            if function.__module__ == file.name and not name.startswith("_"):
                functions[name] = function
    return functions


def find_statistic(name: str) -> Callable[..., Any]:
    """The statistic of that name.

    Raises
    ------
    EngineError
        If there is none.

    Examples
    --------
    >>> find_statistic("proportion")(1, 2)["estimate"]
    0.5
    """
    try:
        return all_statistics()[name]
    except KeyError:
        near = nearest(name, all_statistics())
        raise EngineError(
            f"there is no statistic '{name}' in prldh/stats" + (f"; did you mean '{near}'?" if near else ".")
        ) from None


@cache
def is_vector(statistic: str, key: str = "") -> bool:
    """Whether a statistic's answer, or a key of it, is a vector even where it holds one number, which R cannot tell
    from a number: as the type of what its function returns says.

    Examples
    --------
    >>> is_vector("fit_logistic", "coefficients"), is_vector("fit_logistic", "deviance")
    (True, False)
    >>> is_vector("roc_curve", "thresholds"), is_vector("proportion", "estimate")
    (True, False)
    """
    answer = get_type_hints(find_statistic(statistic))["return"]
    if is_typeddict(answer):
        return get_type_hints(answer).get(key) is np.ndarray
    return answer is np.ndarray or np.ndarray in get_args(answer)
