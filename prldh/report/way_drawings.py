"""Drawing of ways from features to a score beside each other. Draws what ``results.json`` holds, computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from prldh.pages import TWO_COLUMNS, axes_of, label, legend_below, look, put_level


class WayRow(NamedTuple):
    """A way: its name, its AUC, Brier score and slope as {estimate, low, high}, and whether this run takes it."""

    name: str
    auc: dict[str, Any]
    brier: dict[str, Any]
    slope: dict[str, Any]
    is_taken: bool


def draw_ways(rows: Sequence[WayRow]) -> Figure:
    """AUC, Brier score and calibration slope of each way as dots with intervals; what this run takes is filled."""
    figure, axes = axes_of(TWO_COLUMNS, 1.0 + 0.28 * len(rows), 3)
    for axis, key, title, chance in zip(
        axes, ("auc", "brier", "slope"), ("AUC", "Brier score", "calibration slope"), (0.5, None, 1.0), strict=True
    ):
        for k, row in enumerate(rows):
            entry: dict[str, Any] = getattr(row, key)
            if entry["estimate"] is None:
                continue
            colour = look(0)["color"]
            if entry["low"] is not None and entry["high"] is not None:
                axis.hlines(k, entry["low"], entry["high"], colour, linewidth=1)
            axis.plot(
                [entry["estimate"]],
                [k],
                "o",
                color=colour,
                markersize=5,
                markerfacecolor=colour if row.is_taken else "none",
            )
        if chance is not None:
            put_level(axis, "chance" if key == "auc" else "ideal", x=chance, linestyle="-" if key == "auc" else "--")
        axis.set(xlabel=title, ylim=(len(rows) - 0.5, -0.5), yticks=range(len(rows)))
        axis.set_yticklabels([label(row.name, 26, 2) for row in rows] if key == "auc" else [])
    legend_below(figure, axes, 2)
    return figure
