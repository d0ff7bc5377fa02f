"""Whose software a statistic runs: found in its code and in what that calls, here and in R."""

from __future__ import annotations

import dis
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

from prldh.engines.r_home import r_sources

#: Python's packages by the names under which they are installed, as ``versions`` has them, and imported.
PACKAGES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "statsmodels": "statsmodels",
    "scikit-learn": "sklearn",
    "numba": "numba",
}
OURS = __name__.split(".")[0]


def packages_of(functions: Iterable[Callable[..., Any]]) -> tuple[str, ...]:
    """The packages that these functions call, or that functions of ours do which they call; the order is that of
    :data:`PACKAGES`.

    Examples
    --------
    >>> from prldh.stats import adjust_p, youden
    >>> packages_of([youden]), packages_of([adjust_p])
    (('numpy',), ('numpy', 'statsmodels'))
    """
    found, seen = set(), set()
    waiting: list[Any] = list(functions)
    while waiting:
        each = waiting.pop()
        if hasattr(each, "py_func"):  # compiled
            found.add("numba")
            each = each.py_func
        each = getattr(each, "__wrapped__", getattr(each, "__func__", each))
        if not isinstance(each, FunctionType) or each in seen:
            continue
        seen.add(each)
        for value in _names(each):
            module = value if isinstance(value, str) else _module(value)
            if module.split(".")[0] != OURS:
                found.add(module.split(".")[0])
            elif not isinstance(value, str):
                waiting += vars(value).values() if isinstance(value, type) else [value]
    return tuple(name for name, imported in PACKAGES.items() if imported in found)


@cache
def _names(function: FunctionType) -> tuple[Any, ...]:
    """What a function's code names, read once in a process: to take code apart is slow."""
    return tuple(_named(function, function.__code__))


def _named(function: FunctionType, code: CodeType) -> Iterator[Any]:
    """What the code names: globals of its module, and modules that it imports."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            yield str(instruction.argval)
        elif instruction.opname == "LOAD_GLOBAL" and instruction.argval in function.__globals__:
            yield function.__globals__[instruction.argval]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _named(function, constant)


def _module(value: Any) -> str:
    """Where something is from."""
    if isinstance(value, ModuleType):
        return value.__name__
    return str(getattr(value, "__module__", None) or type(value).__module__)


def r_packages_of(functions: Iterable[str]) -> frozenset[str]:
    """R's packages that these functions of the R package call, or that functions do which they call."""
    sources, found, seen = _r_functions(), set(), set()
    waiting = list(functions)
    while waiting:
        name = waiting.pop()
        if name in seen or name not in sources:
            continue
        seen.add(name)
        found.update(re.findall(r"\b([A-Za-z][\w.]*):::?\w", sources[name]))
        waiting += re.findall(r"(?<![\w.$\"'])[A-Za-z][\w.]*(?![\w.\"']|\s*=[^=])", sources[name])
    return frozenset(found)


@cache
def _r_functions() -> dict[str, str]:
    """The code of every function of the R package, without comments."""
    functions: dict[str, str] = {}
    for path in r_sources():
        code = re.sub(r"#[^\n]*", "", path.read_text(encoding="utf-8"))
        parts = re.split(r"^([A-Za-z][\w.]*) <- (?=function)", code, flags=re.MULTILINE)
        functions.update(zip(parts[1::2], parts[2::2], strict=True))
    return functions
