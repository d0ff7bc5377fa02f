"""Who is told how far a run is."""

from __future__ import annotations

from collections.abc import Callable

#: Told of progress: the stage, how much is done, how much there is to do. A sentence to be shown comes alone, with 0
#: and 0.
Progress = Callable[[str, int, int], None]


def untold(stage: str, done: int, total: int) -> None:
    """Nobody is told."""
