"""Plugins that do what they must not, and distributions of them that are installed for one test."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def spoil(value: Any, depth: int = 0) -> None:
    """Change whatever can be changed of a value by ordinary ways, and all that is within it."""
    if depth > 6 or isinstance(value, (str, bytes, int, float, type(None), type)):
        return
    for change in CHANGES:
        with suppress(Exception):
            change(value)
    inner: list[Any] = []
    with suppress(Exception):
        inner = list(value.values() if isinstance(value, Mapping) else value)[:50]
    if isinstance(value, (np.ndarray, pd.DataFrame, pd.Series)):
        inner = []
    with suppress(Exception):
        inner += list(vars(value).values())
    for each in inner:
        spoil(each, depth + 1)


def _flip(value: Any) -> None:
    value[...] = 1 - value


def _unlocked(value: Any) -> None:
    value.setflags(write=True)
    value[...] = 1 - value


def _empty(value: Any) -> None:
    value[...] = ""


def _frame(value: Any) -> None:
    value.iloc[:, :] = value.iloc[::-1].to_numpy()


def _columns(value: Any) -> None:
    for name in list(value.columns):
        value[name] = value[name].to_numpy()[::-1]


def _entries(value: Any) -> None:
    for key in list(value):
        value[key] = 0


def _attributes(value: Any) -> None:
    if hasattr(value, "iloc"):
        return  # a frame without its insides is no frame
    names = [f.name for f in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else list(vars(value))
    for name in names:
        setattr(value, name, None)


def _methods(value: Any) -> None:
    for name in ("auc", "delong", "youden", "fit_logistic", "refit_logistic"):
        if hasattr(value, name):
            setattr(value, name, lambda *_, **__: {"estimate": 1.0, "threshold": 0.0})


CHANGES = [
    _flip,
    _unlocked,
    _empty,
    _frame,
    _columns,
    _entries,
    lambda value: value.sort(),
    lambda value: value.fill(0),
    lambda value: value.setdefault("more", 1),
    lambda value: value.update(more=1),
    lambda value: value.append(1),
    lambda value: value.clear(),
    lambda value: value.pop(next(iter(value))),
    _methods,
    _attributes,
]


def install(folder: Path, monkeypatch: Any, code: str, name: str = "hostile", requires: tuple[str, ...] = ()) -> None:
    """Make a distribution ``prldh-NAME`` of one module, as installed."""
    about = folder / f"prldh_{name}-2.5.dist-info"
    about.mkdir(parents=True)
    required = "".join(f"Requires-Dist: {each}\n" for each in requires)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: prldh-{name}\nVersion: 2.5\n{required}")
    (about / "entry_points.txt").write_text(f"[prldh]\n{name} = {name}_plugin_of_a_test\n")
    (folder / f"{name}_plugin_of_a_test.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, f"{name}_plugin_of_a_test", raising=False)


class Odd(dict):  # type: ignore[type-arg]
    """A mapping that raises wherever somebody looks at it."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("nobody looks at me")

    __eq__ = __hash__ = __repr__ = __str__ = __len__ = __iter__ = __bool__ = __getitem__ = _refuse  # type: ignore[assignment]
    __contains__ = keys = values = items = get = _refuse  # type: ignore[assignment]


class Exiting:
    """Something that ends the process wherever somebody looks at it."""

    def _exit(self, *_: Any) -> Any:
        sys.exit(3)

    __repr__ = __str__ = __eq__ = __len__ = __iter__ = __bool__ = __int__ = _exit
    __hash__ = None  # type: ignore[assignment]


class Deep(dict):  # type: ignore[type-arg]
    """A dictionary that stands within itself."""

    def __init__(self) -> None:
        super().__init__()
        self["deep"] = self
