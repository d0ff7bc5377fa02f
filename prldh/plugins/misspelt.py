"""Methods that are nearly named like those that prldh calls."""

from __future__ import annotations

import functools
import inspect
from typing import Any, NamedTuple

#: A name this long may differ from what was meant by two letters, a shorter one by one; one of fewer than five letters
#: has too many words near it.
LONG, SHORT = 10, 5


class Misspelt(NamedTuple):
    """A method, and the declared name that it nearly has."""

    name: str
    near: str


def misspelt_method(owner: Any, protocols: tuple[type, ...]) -> Misspelt | None:
    """The first public method of an object or class that is nearly, but not, one of those that the protocols declare.

    Examples
    --------
    >>> class Declared:
    ...     def describe(self): ...
    >>> class Own:
    ...     def descirbe(self): ...
    ...     def plot(self): ...
    >>> misspelt_method(Own(), (Declared,))
    Misspelt(name='descirbe', near='describe')
    """
    return _first(frozenset(methods_of(owner)), _declared(protocols))


@functools.lru_cache(maxsize=1024)  # a command asks of everything that is plugged in, several times
def _first(own: frozenset[str], declared: frozenset[str]) -> Misspelt | None:
    for name in sorted(own - declared):
        for meant in sorted(declared - own):
            if _is_near(_letters(name), _letters(meant)):
                return Misspelt(name, meant)
    return None


@functools.lru_cache(maxsize=64)
def _declared(protocols: tuple[type, ...]) -> frozenset[str]:
    return frozenset(name for protocol in protocols for name in methods_of(protocol))


def methods_of(owner: Any) -> set[str]:
    """The names of public methods, found without calling anything."""
    return {
        name
        for name in dir(owner)
        if not name.startswith("_") and _is_method(inspect.getattr_static(owner, name, None))
    }


def _is_method(value: Any) -> bool:
    return isinstance(value, (classmethod, staticmethod)) or (callable(value) and not isinstance(value, type))


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def _is_near(name: str, meant: str) -> bool:
    allowed = 0 if len(meant) < SHORT else 1 if len(meant) < LONG else 2
    return abs(len(name) - len(meant)) <= allowed and _distance(name, meant) <= allowed


def _distance(a: str, b: str) -> int:
    """How many letters have to be put in, taken out, replaced, or changed with their neighbour (Damerau and
    Levenshtein's distance, each letter touched once)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        before, above, row = row, before, [i]
        for j, other in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if above and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]
