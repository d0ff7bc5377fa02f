"""Drawing what selection steps found, from the records that they give. Computes nothing."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from prldh.core import Across, Curve, Drawable, Groups, Paths, StepFigure
from prldh.pages import ONE_COLUMN, TWO_COLUMNS, axes_of, draw_band, label, legend_beneath, look

#: Paths are named in a legend up to so many.
MOST_NAMED = 6
#: Points of a curve are marked up to so many.
MOST_MARKED = 40


def draw_step(figure: StepFigure) -> Figure:
    """The parts of a step's figure side by side."""
    parts = [part for _, part in figure.parts]
    if len(parts) == 1:
        drawn, axes = axes_of(ONE_COLUMN, 2.4)
        put_part(axes, parts[0])
        return drawn
    n_named = max((len(_named(part)) for part in parts if isinstance(part, (Paths, Groups))), default=0)
    drawn, axes = axes_of(TWO_COLUMNS, 2.6 + 0.11 * n_named, len(parts))
    for axis, part in zip(axes, parts, strict=True):
        put_part(axis, part)
    return drawn


def put_part(axis: Any, part: Drawable) -> None:
    """One part on given axes."""
    if isinstance(part, Curve):
        _put_curve(axis, part)
    elif isinstance(part, Paths):
        _put_paths(axis, part)
    elif isinstance(part, Groups):
        _put_groups(axis, part)
    else:
        axis.errorbar(part.x, part.y, yerr=part.error, fmt="o", markersize=2, linewidth=0.5, color=look(0)["color"])
        _put_across(axis, part.across)
    axis.set(ylabel=part.label)


def _put_curve(axis: Any, curve: Curve) -> None:
    if curve.low is not None and curve.high is not None:
        rows = [{"x": x, "low": low, "high": high} for x, low, high in zip(curve.x, curve.low, curve.high, strict=True)]
        draw_band(axis, rows, "x", "low", "high", look(0)["color"])
    marks = {"marker": "o", "markersize": 2.5} if len(curve.x) <= MOST_MARKED else {}
    axis.plot(curve.x, curve.y, color=look(0)["color"], **marks)
    _put_across(axis, curve.across)
    if curve.across.mark_label:
        # where the dashed line passes, the legend lies over it
        axis.legend(frameon=True, framealpha=1, edgecolor="none")


def _put_paths(axis: Any, paths: Paths) -> None:
    named = _named(paths)
    for i, (name, path) in enumerate(paths.lines.items()):
        axis.plot(paths.x[: len(path)], path, label=label(name, 48, 1) if name in named else None, **look(i))
    if named:
        legend_beneath(axis, fontsize=5)
    _put_across(axis, paths.across)


def _put_groups(axis: Any, groups: Groups) -> None:
    for i, (name, points) in enumerate(groups.groups.items()):
        x, y = [point[0] for point in points], [point[1] for point in points]
        named = label(name, 24, 1) if i < MOST_NAMED else None
        axis.plot(x, y, "o", markersize=2, alpha=0.7, label=named, color=look(i)["color"])
    legend_beneath(axis, fontsize=5)
    _put_across(axis, groups.across)


def _named(part: Paths | Groups) -> list[str]:
    if isinstance(part, Groups):
        return list(part.groups)[:MOST_NAMED]
    return list(part.lines) if len(part.lines) <= MOST_NAMED else []


def _put_across(axis: Any, across: Across) -> None:
    if across.is_log:
        axis.set_xscale("log")
        axis.minorticks_off()
        axis.xaxis.set_major_formatter("{x:g}")
    if across.is_reversed:
        axis.invert_xaxis()
    if across.mark is not None:
        axis.axvline(across.mark, color=look(1)["color"], linestyle="--", linewidth=0.9, label=across.mark_label)
    axis.set(xlabel=across.label)
    if across.is_whole:
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
