"""How results are shown: what a room above this one hands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from prldh.results.words import Words


class View(Protocol):
    """How results are shown: of the report, which lies above this room, so that it is handed in."""

    def html(self, data: dict[str, Any], words: Words) -> str:
        """The report's first screen."""
        ...

    def figure(self, data: dict[str, Any], words: Words, name: str) -> Any:
        """A figure by its name, which a notebook shows."""
        ...

    def drawings(self, data: dict[str, Any], words: Words) -> Mapping[str, Any]:
        """The figures by their names."""
        ...
