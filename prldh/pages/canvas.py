"""The one style of all figures: colours and their greys, widths of a journal's columns, axes, panels, bands, labels."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

#: Okabe and Ito's palette: told apart by the colour-blind.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8c6d31")
STYLES = ("-", "--", "-.", ":")
#: In grey, lines differ by dash and marker rather than by their shade, and areas by light and dark.
LINE_GREYS, DASHES, MARKERS = (
    ("#000000", "#4d4d4d", "#777777"),
    ("-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1.2, 1.2))),
    ("o", "s", "^", "D", "v", "P", "X"),
)
AREA_GREYS = ("#a6a6a6", "#1a1a1a", "#5c5c5c", "#cccccc", "#808080", "#bfbfbf", "#000000", "#8c8c8c")
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titley": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 6.5,
    "lines.linewidth": 1.2,
    "figure.constrained_layout.h_pad": 0.07,
    "figure.constrained_layout.w_pad": 0.07,
    # outlines and embedded fonts: the same everywhere
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.hashsalt": "prldh",
}
#: Widths of one and of two columns of a journal's page, in inches: 85 and 175 mm.
ONE_COLUMN, TWO_COLUMNS = 85 / 25.4, 175 / 25.4
_in_grey: ContextVar[bool] = ContextVar("in_grey", default=False)


@contextmanager
def grey(is_on: bool = True) -> Iterator[None]:
    """Within it, figures are drawn in grey."""
    token = _in_grey.set(is_on)
    try:
        yield
    finally:
        _in_grey.reset(token)


def is_grey() -> bool:
    return _in_grey.get()


def colour(i: int) -> str:
    """The i-th colour of areas and single marks."""
    return AREA_GREYS[i % len(AREA_GREYS)] if is_grey() else COLOURS[i % len(COLOURS)]


def look(i: int) -> dict[str, Any]:
    """How the i-th line of a panel looks."""
    if is_grey():
        return {
            "color": LINE_GREYS[i % len(LINE_GREYS)],
            "linestyle": DASHES[i % len(DASHES)],
            "marker": MARKERS[i % len(MARKERS)],
            "markevery": (0.02 * (i % 5), 0.16),
            "markersize": 3,
        }
    return {"color": COLOURS[i % len(COLOURS)], "linestyle": STYLES[(i // len(COLOURS)) % len(STYLES)]}


def label(text: str, width: int = 34, lines: int = 3) -> str:
    """A name as a figure can show it: wrapped (words that are too long at underscores), cut where it is very long, and
    no mathematics. In one line the middle is cut, as names of features differ at both ends."""
    words = " ".join(str(text)[:2000].split())
    if lines == 1:
        kept = [words if len(words) <= width else f"{words[: width // 2]}…{words[len(words) - (width - 1) // 2 :]}"]
    else:
        is_long = any(len(word) > width for word in words.split())
        kept = [
            line.replace("_ ", "_") for line in textwrap.wrap(words.replace("_", "_ ") if is_long else words, width)
        ] or [""]
        if len(kept) > lines:
            kept = [*kept[: lines - 1], kept[lines - 1][: width - 1] + "…"]
    return "\n".join(kept).replace("$", r"\$")


def axes_of(width: float = ONE_COLUMN, height: float = 3.2, columns: int = 1) -> tuple[Figure, Any]:
    figure, axes = plt.subplots(1, columns, figsize=(width, height), layout="constrained")
    return figure, axes


def panels_of(n: int, height: float, **kwargs: Any) -> tuple[Figure, list[Any], int]:
    """A grid of n axes, at most three a row: one alone in one column of a page, several over both."""
    columns = 2 if n == 4 else min(n, 3)
    rows = -(-n // columns)
    width = ONE_COLUMN if n == 1 else TWO_COLUMNS
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, height * rows), layout="constrained", squeeze=False, **kwargs
    )
    for axis in axes.flat[n:]:
        axis.set_visible(False)
    return figure, list(axes.flat[:n]), columns


def label_edges(axes: list[Any], columns: int) -> None:
    """Numbers and names of the axes stand at the left and under the lowest panel of each column alone."""
    for k, axis in enumerate(axes):
        is_lowest = k + columns >= len(axes)
        axis.tick_params(labelbottom=is_lowest)
        if not is_lowest:
            axis.set_xlabel(None)
        if k % columns:
            axis.set_ylabel(None)


def draw_band(axis: Any, rows: list[dict[str, Any]], x: str, low: str, high: str, shade: str, **kwargs: Any) -> None:
    """A pointwise band, left out where it has no limits."""
    known = [p[low] is not None and p[high] is not None if low in p else False for p in rows]
    if any(known):
        nan = float("nan")
        limits = [[p[k] if ok else nan for p, ok in zip(rows, known, strict=True)] for k in (low, high)]
        axis.fill_between([p[x] for p in rows], *limits, color=shade, alpha=0.15, linewidth=0, **kwargs)


def legend_beneath(axis: Any, title: str | None = None, **kwargs: Any) -> None:
    """The legend of a panel under that panel, 30 points down, below the axis' label."""
    under = axis.transAxes + ScaledTranslation(0, -30 / 72, axis.figure.dpi_scale_trans)
    axis.legend(
        loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=under, title=title, title_fontsize=7, **kwargs
    )


def legend_below(figure: Any, axis: Any, columns: int = 1, title: str | None = None) -> None:
    """The legend of one panel under the whole figure, where it hides no curve."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, title=title, title_fontsize=7)


def spread(at: list[float], widths: list[float], least: float) -> list[float]:
    """Where texts of these widths stand that are centred at ``at`` (ascending), moved apart where they would meet, each
    row of texts that touch as a whole about its middle; none begins left of ``least``."""
    runs: list[list[int]] = []
    middle: list[float] = []

    def size(run: list[int]) -> float:
        return sum(widths[k] for k in run)

    for k, x in enumerate(at):
        runs.append([k])
        middle.append(x)
        while len(runs) > 1 and middle[-1] - size(runs[-1]) / 2 < middle[-2] + size(runs[-2]) / 2:
            last = runs.pop()
            middle.pop()
            runs[-1] += last
            middle[-1] = sum(at[j] for j in runs[-1]) / len(runs[-1])
    positions, free = list(at), least
    for run, centre in zip(runs, middle, strict=True):
        free = max(free, centre - size(run) / 2)
        for k in run:
            positions[k] = free + widths[k] / 2
            free += widths[k]
    return positions
