"""Drawing what selection steps found, from the records that they give. Computes nothing."""

from __future__ import annotations

from typing import Any

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from prldh.core import Across, Curve, Drawable, Groups, Paths, StepFigure
from prldh.pages import ONE_COLUMN, TWO_COLUMNS, axes_of, draw_band, label, legend_beneath, look, put_level, tick_text

#: Paths are named in a legend up to so many.
MOST_NAMED = 6
#: Points of a curve are marked up to so many.
MOST_MARKED = 40


def draw_step(figure: StepFigure) -> Figure:
    """The parts of a step's figure side by side, each with its legend beneath."""
    parts = [part for _, part in figure.parts]
    drawn, axes = axes_of(ONE_COLUMN if len(parts) == 1 else TWO_COLUMNS, 2.2, len(parts))
    axes = [axes] if len(parts) == 1 else list(axes)
    for axis, part in zip(axes, parts, strict=True):
        put_part(axis, part)
    legend_beneath(axes)
    return drawn


def put_part(axis: Any, part: Drawable) -> None:
    """One part on given axes; all that is drawn has a name for the legend."""
    if isinstance(part, Curve):
        _put_curve(axis, part)
    elif isinstance(part, Paths):
        _put_paths(axis, part)
    elif isinstance(part, Groups):
        _put_groups(axis, part)
    else:
        marks = {"fmt": "o", "markersize": 2, "linewidth": 0.5, "color": look(0)["color"]}
        known = [float("nan") if y is None else y for y in part.y]
        axis.errorbar(part.x, known, yerr=part.error, label=label(part.label, 30), **marks)
    _put_across(axis, part.across)
    axis.set(ylabel=label(part.label, 26, 2))


def _put_curve(axis: Any, curve: Curve) -> None:
    if curve.low is not None and curve.high is not None:
        rows = [{"x": x, "low": low, "high": high} for x, low, high in zip(curve.x, curve.low, curve.high, strict=True)]
        draw_band(axis, rows, "x", "low", "high", look(0)["color"])
    marks = {"marker": "o", "markersize": 2.5} if len(curve.x) <= MOST_MARKED else {}
    axis.plot(curve.x, curve.y, label=label(curve.label, 30), color=look(0)["color"], **marks)


def _put_paths(axis: Any, paths: Paths) -> None:
    """Each named in the legend; where they are many, all by one name."""
    lines = list(paths.lines.items())
    if len(lines) <= MOST_NAMED:
        for i, (name, path) in enumerate(lines):
            axis.plot(paths.x[: len(path)], path, label=label(name, 30, 1), **look(i))
        return
    nan = float("nan")
    drawn = LineCollection(
        [[(x, nan if y is None else y) for x, y in zip(paths.x, path, strict=False)] for _, path in lines],
        colors=[look(i)["color"] for i in range(len(lines))],
        label=f"{len(lines)} lines, one a feature",
    )
    axis.add_collection(drawn)
    axis.autoscale_view()


def _put_groups(axis: Any, groups: Groups) -> None:
    """Each named in the legend; of many, the last by one name."""
    named = list(groups.groups.items())
    if len(named) > MOST_NAMED:
        rest = [point for _, points in named[MOST_NAMED - 1 :] for point in points]
        named = [*named[: MOST_NAMED - 1], (f"{len(named) - MOST_NAMED + 1} others", rest)]
    for i, (name, points) in enumerate(named):
        x, y = [point[0] for point in points], [point[1] for point in points]
        own = look(i)
        axis.plot(
            x,
            y,
            linestyle="",
            marker=own["marker"],
            markersize=2.5,
            alpha=0.7,
            label=label(name, 24, 1),
            color=own["color"],
        )


def _put_across(axis: Any, across: Across) -> None:
    if across.is_log:
        axis.set_xscale("log")
        axis.minorticks_off()
        axis.xaxis.set_major_formatter(tick_text)
    if across.is_reversed:
        axis.invert_xaxis()
    if across.mark is not None:
        put_level(
            axis,
            label(across.mark_label or "chosen", 30),
            x=across.mark,
            color=look(1)["color"],
            linestyle="--",
            linewidth=0.9,
        )
    axis.set(xlabel=across.label)
    if across.is_whole:
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
