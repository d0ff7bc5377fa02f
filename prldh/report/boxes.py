"""Boxes of text joined by arrows, on a page measured in points from its upper left corner. Computes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

from prldh.pages import INK, ONE_COLUMN, TWO_COLUMNS, label, new_figure

#: From line to line of text, and from a box to its text, in points.
LINE, INSIDE = 10.5, 5.0
#: What an arrow needs between two boxes.
BETWEEN = 20.0
WIDTH = TWO_COLUMNS * 72
#: As wide as a column of a journal, and as a phone.
NARROW = ONE_COLUMN * 72


@dataclass(frozen=True)
class Box:
    """Its lines of text, centre and upper edge, and width."""

    lines: tuple[str, ...]
    x: float
    top: float
    width: float
    is_left: bool = False

    @property
    def height(self) -> float:
        return LINE * len(self.lines) + 2 * INSIDE

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def fitted(text: str, width: float, lines: int = 3) -> tuple[str, ...]:
    """A sentence as lines that a box of this width holds."""
    room, n = width - 2 * INSIDE, int((width - 2 * INSIDE) / 3.4)
    while True:
        wrapped = label(text, n, lines).split("\n")
        if n <= 4 or max(map(_width, wrapped)) <= room:
            return tuple(wrapped)
        n -= 1


def _width(text: str) -> float:
    shown = text.replace(r"\$", "$")
    return text_to_path.get_text_width_height_descent(shown, FontProperties(), ismath=False)[0]


def page_of(height: float, width: float = WIDTH) -> tuple[Figure, Any]:
    """A page so many points high, and 175 mm wide where nothing else is said."""
    figure = new_figure(width / 72, height / 72)
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, width), ylim=(height, 0))
    axis.axis("off")
    return figure, axis


def put_box(axis: Any, box: Box) -> Box:
    axis.add_patch(
        FancyBboxPatch(
            (box.x - box.width / 2, box.top),
            box.width,
            box.height,
            boxstyle="round,pad=0,rounding_size=3",
            facecolor="none",
            edgecolor=INK,
            linewidth=0.8,
        )
    )
    x, align = (box.x - box.width / 2 + INSIDE, "left") if box.is_left else (box.x, "center")
    for k, line in enumerate(box.lines):
        axis.text(x, box.top + INSIDE + LINE * (k + 0.5), line, ha=align, va="center_baseline")
    return box


def join(axis: Any, *points: tuple[float, float]) -> None:
    """An arrow along points, with its head at the last."""
    axis.add_patch(
        FancyArrowPatch(
            path=Path(list(points)),
            arrowstyle="-|>",
            mutation_scale=7,
            color=INK,
            linewidth=0.8,
            shrinkA=0,
            shrinkB=0,
            joinstyle="miter",
        )
    )


def join_down(axis: Any, above: Box, below: Box) -> None:
    """From the lower edge of one box to the upper edge of another; where that stands aside, around a corner."""
    turn = below.top - BETWEEN / 2
    if abs(above.x - below.x) < 1:
        join(axis, (above.x, above.bottom), (below.x, below.top))
    elif abs(above.x - below.x) < above.width / 2 - 4 and below.width < above.width:
        join(axis, (below.x, above.bottom), (below.x, below.top))
    elif abs(above.x - below.x) < below.width / 2 - 4:
        join(axis, (above.x, above.bottom), (above.x, below.top))
    else:
        join(axis, (above.x, above.bottom), (above.x, turn), (below.x, turn), (below.x, below.top))
