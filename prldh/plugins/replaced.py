"""What libraries hold for everyone and a stranger's code may replace: functions, classes and constants of Python, of
what numbers are computed by and results written with, and of prldh itself."""

from __future__ import annotations

import builtins
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

#: What sets something back.
Back: TypeAlias = Callable[[], object]

#: Modules of Python whose names are looked at.
_OF_PYTHON = """
    builtins collections copy csv datetime decimal functools gzip hashlib html io itertools json json.decoder
    json.encoder math operator os pathlib platform posixpath random re shutil statistics string struct subprocess sys
    tempfile textwrap threading time uuid warnings zipfile zlib
""".split()
#: Modules that are looked at after every call: what everyone computes with and writes by.
_ALWAYS = """
    builtins json json.encoder math numpy numpy.linalg numpy.random operator os pandas posixpath random shutil sys time
""".split()
#: Libraries whose public modules are, such as ``scipy.stats``, with the classes that they give.
_LIBRARIES = frozenset("click numpy pandas scipy sklearn statsmodels".split())
_OWN = __name__.partition(".")[0]
#: Before what of its name, a class's inherited or Python's own, nothing may be put.
_HIDDEN = (types.FunctionType, types.BuiltinFunctionType, type, staticmethod, classmethod, property)
#: Beside whatever is called, what is set back where another thing stands in its place. A module's state may be anything
#: else.
_FIXED = (property, classmethod, str, bytes, int, float, tuple, frozenset)


class Look(NamedTuple):
    """``what`` was called, and whether all modules are looked at after it, or those of :data:`_ALWAYS` alone."""

    what: Any = None
    is_whole: bool = False


#: How often something was called.
_calls: Counter[Any] = Counter()
#: After which calls something was set back.
_caught: set[Any] = set()


def looked_at(*what: Any) -> Look:
    """How :func:`keep_modules` looks after this call of a function, or of a class's method: at all after the first,
    fourth, sixteenth and so on in this process, as to go through all names takes as long as a small fit, and code that
    replaces something does so in its first call. Of what was caught it is every call, as that may replace again what
    was set back."""
    _calls[what] += 1
    return Look(what, what in _caught or (_calls[what].bit_count() == 1 and _calls[what].bit_length() % 2 == 1))


def keep_modules(look: Look) -> Back:
    """What sets names of modules and classes back to what they stand for now, where others were put into their place or
    they were deleted; what was added before functions of its name, a class's inherited ones or Python's own, goes.
    Modules that were taken out of ``sys.modules`` come back. Of what is imported meanwhile nothing is known. What was
    called is caught where something is set back."""
    put_built_ins, built_ins = vars(builtins).update, dict(vars(builtins))
    modules = dict(sys.modules)
    owners = _owners(modules) if look.is_whole else (modules[name] for name in _ALWAYS if name in modules)
    kept = [(owner, vars(owner).copy()) for owner in owners]

    def back() -> None:
        put_built_ins(built_ins)  # first, as what follows is written in them
        for name, module in modules.items():
            if sys.modules.get(name) is not module and _top(name) in _LIBRARIES | {_OWN, *_OF_PYTHON}:
                sys.modules[name] = module
        for owner, before in kept:
            if _differs(vars(owner), before) and _set_back(owner, before):
                _caught.add(look.what)

    return back


def _owners(modules: MutableMapping[str, Any]) -> Iterator[Any]:
    """The modules and their classes."""
    for name, module in modules.items():
        top = _top(name)
        is_public = top in _LIBRARIES and name.count(".") < 2 and "._" not in name
        if (name in _OF_PYTHON or top == _OWN or is_public) and isinstance(module, types.ModuleType):
            yield module
            n, classes = _classes.get(name, (0, ()))
            if n != len(vars(module)):
                n, classes = _classes[name] = len(vars(module)), tuple(_own_classes(name, module))
            yield from classes


#: Of a module, by its name: how many names it had, and its classes.
_classes: dict[str, tuple[int, tuple[type, ...]]] = {}


def _own_classes(name: str, module: types.ModuleType) -> Iterator[type]:
    """A module's classes; those of a library wherever they are written, as ``pandas.DataFrame``."""
    for each in {value for value in vars(module).values() if isinstance(value, type)}:
        home = str(getattr(each, "__module__", ""))
        if home == name or (_top(home) == _top(name) and _top(name) != _OWN):
            yield each


def _top(name: object) -> str:
    return str(name).partition(".")[0]


def _differs(now: Any, before: dict[str, Any]) -> bool:
    try:
        return bool(now != before)
    except Exception:  # two arrays, and whatever else cannot be compared
        return True


def _set_back(owner: Any, before: dict[str, Any]) -> bool:
    """Whether there was something to set back."""
    now, found = vars(owner), False
    for name, value in before.items():
        is_fixed = callable(value) or (isinstance(value, _FIXED) and not name.startswith("__"))
        if is_fixed and now.get(name) is not value:
            found = True
            _put(owner, name, value)
    # what was put before something that is called: an inherited method, or Python's own function
    behind = [vars(each) for each in owner.__mro__[1:]] if isinstance(owner, type) else [vars(builtins)]
    for name in now.keys() - before.keys():
        hidden = next((each[name] for each in behind if name in each), None)
        is_of_python = isinstance(now[name], types.ModuleType) or (
            name.startswith("__") and not isinstance(now[name], _HIDDEN)
        )
        if isinstance(hidden, _HIDDEN) and not is_of_python:
            found = True
            with suppress(Exception):
                delattr(owner, name)
    return found


def _put(owner: Any, name: str, value: Any) -> None:
    with suppress(Exception):
        if isinstance(owner, type):
            type.__setattr__(owner, name, value)
        else:
            setattr(owner, name, value)
