"""Names of a room that are imported on first use, so that a command imports what it uses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def on_first_use(room: str, **modules: str) -> Callable[[str], Any]:
    """A module's ``__getattr__`` (PEP 562) that imports a name when it is asked for, and then keeps it.

    Parameters
    ----------
    room
        The package whose names these are, its ``__name__``.
    modules
        Module of the room → the names that it gives, as the imports under ``TYPE_CHECKING`` beside say (tested).
    """
    homes = {name: module for module, names in modules.items() for name in names.split()}

    def find(name: str) -> Any:
        if name in modules:
            return import_module(f"{room}.{name}")
        if name not in homes:
            raise AttributeError(f"module '{room}' has no attribute '{name}'")
        value = getattr(import_module(f"{room}.{homes[name]}"), name)
        setattr(sys.modules[room], name, value)
        return value

    return find
