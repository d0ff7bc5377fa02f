"""The one style of all figures: one size of type, colours and their greys, widths of a journal's columns, axes, panels,
bands, legends, labels."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from prldh.pages.format import typeset

#: Okabe and Ito's palette: told apart by the colour-blind.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c6d31")
#: Lines of a panel differ by dash and marker too, so that they are told apart in grey; areas by light and dark.
LINE_GREYS, DASHES, MARKERS = (
    ("#000000", "#4d4d4d", "#777777"),
    ("-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (9, 2))),
    ("o", "s", "^", "D", "v", "P", "X", "<", ">"),
)
AREA_GREYS = ("#a6a6a6", "#1a1a1a", "#5c5c5c", "#cccccc", "#808080", "#bfbfbf", "#000000", "#8c8c8c")
#: Lines that curves are held against, and bars behind: darker on light paper, lighter on dark.
INK, GUIDE, FAINT = "#000000", "#7f7f7f", "#b3b3b3"
#: Text and lines on a colour that is the same on light and dark paper.
ON_LIGHT, ON_DARK = "#010101", "#fefefe"
#: The one size of type, in points; figures are shown and printed as large as they are drawn.
POINTS = 8
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": POINTS,
    **dict.fromkeys(
        ("axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"), POINTS
    ),
    "legend.title_fontsize": POINTS,
    "axes.titley": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 3,
    "figure.constrained_layout.h_pad": 0.07,
    "figure.constrained_layout.w_pad": 0.07,
    # outlines and embedded fonts: the same everywhere
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.hashsalt": "prldh",
}
#: The height of a line of a legend, in inches.
ROW = 0.168
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
    shades = LINE_GREYS if is_grey() else COLOURS
    return {
        "color": shades[i % len(shades)],
        "linestyle": DASHES[i % len(DASHES)],
        "marker": MARKERS[i % len(MARKERS)],
        "markevery": (0.02 + 0.03 * (i % 5), 0.16),
    }


def second(i: int) -> dict[str, Any]:
    """How a second line of the i-th looks, such as that of held-out predictions: dotted, its markers hollow."""
    return look(i) | {"linestyle": (0, (1, 1.2)), "linewidth": 0.9, "markerfacecolor": "none", "markeredgewidth": 0.7}


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


@contextmanager
def styled(style: Mapping[str, Any] = STYLE) -> Iterator[None]:
    """Within it figures are drawn in this style, whatever a notebook, a plugin or a file of matplotlib's has set."""
    with matplotlib.style.context(["default", dict(style)]):
        yield


def new_figure(width: float, height: float, **options: Any) -> Figure:
    """An empty figure, in inches. It is nobody's but the caller's: pyplot, which shows a notebook's own figures, does
    not know it."""
    figure = Figure(figsize=(width, height), **options)
    FigureCanvasAgg(figure)
    return figure


def grid_of(rows: int, columns: int, width: float, height: float, **options: Any) -> tuple[Figure, Any]:
    """A figure and its axes (rows, columns)."""
    figure = new_figure(width, height, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def axes_of(width: float = ONE_COLUMN, height: float = 3.2, columns: int = 1) -> tuple[Figure, Any]:
    figure, axes = grid_of(1, columns, width, height)
    return figure, axes[0] if columns > 1 else axes[0, 0]


def panels_of(n: int, height: float, **kwargs: Any) -> tuple[Figure, list[Any], int]:
    """A grid of n axes, at most three a row: one alone in one column of a page, several over both."""
    columns = 2 if n == 4 else min(n, 3)
    rows = -(-n // columns)
    width = ONE_COLUMN if n == 1 else TWO_COLUMNS
    figure, axes = grid_of(rows, columns, width, height * rows, **kwargs)
    for axis in axes.flat[n:]:
        axis.set_visible(False)
    return figure, list(axes.flat[:n]), columns


def tick_text(value: float, position: int | None = None) -> str:
    """A tick of a logarithmic axis: the number as it is, a power of ten where that is very large or small.

    Examples
    --------
    >>> [tick_text(value) for value in (0.01, 1.0, 1000.0, 1e8, 2e-7)]
    ['0.01', '1', '1,000', '10⁸', '2 × 10⁻⁷']
    """
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return f"{value:,.12g}".replace("-", "−")
    mantissa, exponent = f"{value:.11e}".split("e")
    return typeset(f"{mantissa.rstrip('0').rstrip('.')}e{exponent}").removeprefix("1 × ")


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


def put_guide(axis: Any, name: str, x: Any, y: Any, **kwargs: Any) -> None:
    """A line that curves are held against, named in the legend as they are."""
    axis.plot(x, y, label=name, **{"color": GUIDE, "linewidth": 0.8, **kwargs})


def put_level(axis: Any, name: str, *, x: float | None = None, y: float | None = None, **kwargs: Any) -> None:
    """The same, across the whole panel at one value."""
    style = {"color": GUIDE, "linewidth": 0.8, "label": name, **kwargs}
    axis.axvline(x, **style) if x is not None else axis.axhline(y, **style)


def legend_beneath(axes: Sequence[Any], title: str | None = None) -> None:
    """The legends of panels that stand side by side, each under its panel, below the axis' label. The figure grows by
    the longest, so that axes are as large with it as without."""
    rows = 0
    for axis in axes:
        handles, names = axis.get_legend_handles_labels()
        if names:
            under = axis.transAxes + ScaledTranslation(0, -32 / 72, axis.figure.dpi_scale_trans)
            place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "bbox_transform": under, "borderpad": 0}
            axis.legend(handles, names, title=title, **place)
            rows = max(rows, _lines(names) + (title is not None))
    if rows:
        _grow(axes[0].figure, rows)


def legend_below(figure: Any, axes: Sequence[Any], columns: int = 1, title: str | None = None) -> None:
    """One legend of several panels under the whole figure, where it hides no curve: each name once, without those that
    stand over a panel as its title. The figure grows by it."""
    named: dict[str, Any] = {}
    for axis in axes:
        for handle, name in zip(*axis.get_legend_handles_labels(), strict=True):
            if name != axis.get_title():
                named.setdefault(name, handle)
    if named:
        figure.legend(named.values(), named, loc="outside lower center", ncols=columns, title=title)
        _grow(figure, -(-_lines(named) // columns) + (title is not None))


def _lines(names: Iterable[str]) -> int:
    return sum(1 + name.count("\n") for name in names)


def _grow(figure: Any, rows: int) -> None:
    figure.set_figheight(figure.get_figheight() + 0.1 + ROW * rows)


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
