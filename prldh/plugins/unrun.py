"""Functions whose call does nothing yet: asynchronous ones, which nobody awaits here, and generators where nobody asks
for what they make."""

from __future__ import annotations

import functools
import inspect
from typing import Any

#: What a declared method that may be a generator gives, as its annotation begins.
_PIECEWISE = ("Iterable", "Sequence", "tuple")


def why_unrun(function: Any, is_piecewise: bool = False) -> str | None:
    """What keeps a function from running when it is called; None: nothing. ``is_piecewise``: what it makes piece by
    piece is asked for."""
    found = [function, inspect.getattr_static(type(function), "__call__", None)]
    if any(inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in found):
        return "is asynchronous, and nobody awaits it: write def in place of async def"
    if not is_piecewise and any(map(inspect.isgeneratorfunction, found)):
        return "is a generator, of which nothing would run: return what it gives in place of yield"
    return None


def why_unawaited(answer: Any) -> str | None:
    """The same of what a function gave."""
    if inspect.iscoroutine(answer):
        answer.close()  # Python would tell that it was never awaited
    elif not inspect.isasyncgen(answer):
        return None
    return "is asynchronous, and nobody awaits it: write def in place of async def"


def unrun_method(owner: Any, protocols: tuple[type, ...]) -> str | None:
    """The first of the methods that the protocols declare which would not run, and why.

    Examples
    --------
    >>> class Declared:
    ...     def check(self) -> None: ...
    >>> class Own:
    ...     async def check(self) -> None: ...
    >>> unrun_method(Own(), (Declared,))
    'check is asynchronous, and nobody awaits it: write def in place of async def'
    """
    for name, is_piecewise in _methods(protocols):
        why = why_unrun(getattr(owner, name, None), is_piecewise)
        if why:
            return f"{name} {why}"
    return None


@functools.lru_cache(maxsize=64)
def _methods(protocols: tuple[type, ...]) -> tuple[tuple[str, bool], ...]:
    """The methods that protocols declare, and whether each may give its pieces one by one."""
    found: dict[str, bool] = {}
    for protocol in protocols:
        for name, function in inspect.getmembers(protocol, inspect.isfunction):
            if not name.startswith("_"):
                found[name] = str(function.__annotations__.get("return")).startswith(_PIECEWISE)
    return tuple(sorted(found.items()))
