"""A table as journals print it, before it is set for Word or LaTeX."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class JournalTable:
    """``head``: column titles; ``rows``: cells as text, as many as titles; a first cell that starts with two spaces is
    a level, indented."""

    name: str
    title: str
    head: list[str]
    rows: list[list[str]]
    notes: list[str]
