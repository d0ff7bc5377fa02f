"""Figures as plain data: what a selection step found, for the report to draw. Nothing here draws or computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Across:
    """The horizontal axis: its label and scale, and the value that a dashed line marks."""

    label: str
    mark: float | None = None
    mark_label: str | None = None
    is_log: bool = False
    is_reversed: bool = False
    is_whole: bool = False


@dataclass(frozen=True)
class Curve:
    """One curve, ``y`` over ``x``; ``low`` and ``high`` are a band around it. A value that does not exist is None."""

    across: Across
    label: str
    x: Sequence[float]
    y: Sequence[float | None]
    low: Sequence[float | None] | None = None
    high: Sequence[float | None] | None = None

    def __post_init__(self) -> None:
        _as_long_as(self.x, y=self.y, low=self.low, high=self.high)


@dataclass(frozen=True)
class Paths:
    """A line a feature, by name, over ``x``; a line may end before ``x`` does."""

    across: Across
    label: str
    x: Sequence[float]
    lines: Mapping[str, Sequence[float | None]]

    def __post_init__(self) -> None:
        longest = max(map(len, self.lines.values()), default=0)
        if longest > len(self.x):
            raise ValueError(f"a line has {longest} values, and x has {len(self.x)}")


@dataclass(frozen=True)
class Points:
    """Points with bars of ``error`` to both sides."""

    across: Across
    label: str
    x: Sequence[float]
    y: Sequence[float | None]
    error: Sequence[float]

    def __post_init__(self) -> None:
        _as_long_as(self.x, y=self.y, error=self.error)


@dataclass(frozen=True)
class Groups:
    """Points (x, y) by group, each group in a look of its own."""

    across: Across
    label: str
    groups: Mapping[str, Sequence[tuple[float, float]]]


def _as_long_as(x: Sequence[float], **given: Sequence[float | None] | None) -> None:
    for name, values in given.items():
        if values is not None and len(values) != len(x):
            raise ValueError(f"{name} has {len(values)} values, and x has {len(x)}")


#: What is drawn on one pair of axes.
Drawable = Curve | Paths | Points | Groups


@dataclass(frozen=True)
class StepFigure:
    """A figure of one step within one source.

    ``name`` begins the name of its file; ``title`` and ``description`` go on after the tissue and the source; ``parts``
    are drawn side by side, each under its heading where it stands in a panel for journals; ``seen`` says with numbers
    what is seen, to those who do not see it.
    """

    name: str
    title: str
    description: str
    parts: tuple[tuple[str, Drawable], ...]
    seen: str = ""

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError(f"the figure '{self.name}' has no parts")
