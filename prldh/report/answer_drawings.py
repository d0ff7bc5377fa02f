"""The figure of the first screen: the AUCs of a study's models on one axis. Draws what ``results.json`` holds, computes
nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from prldh.core import REFITTED, WHOLE
from prldh.pages import FAINT, GUIDE, ONE_COLUMN, ROW, TWO_COLUMNS, axes_of, colour, label, put_level

#: Where the marks of a row stand, from the upper to the lower one.
APPARENT_AT, REFITTED_AT, WHOLE_AT = -0.27, 0.0, 0.27
APPARENT, YARDSTICK, NULL, CHANCE = "apparent", "yardstick", "null band: outcome permuted", "chance"


class AnswerRow(NamedTuple):
    """A model's AUCs as {estimate, low, high}, None where it has none; ``null``: the band of permuted outcomes."""

    name: str
    apparent: Mapping[str, Any] | None = None
    refitted: Mapping[str, Any] | None = None
    whole: Mapping[str, Any] | None = None
    yardstick: Mapping[str, Any] | None = None
    null: Mapping[str, Any] | None = None


def draw_answer(rows: Sequence[AnswerRow], whole: str = WHOLE, is_narrow: bool = False) -> Figure:
    """Dots with intervals on one axis: apparent hollow, model refitted half, filled what ``whole`` calls;
    ``is_narrow``: as wide as a phone."""
    width, each, letters, lines = (ONE_COLUMN, 0.4, 19, 3) if is_narrow else (TWO_COLUMNS, 0.27, 30, 2)
    figure, axis = axes_of(width, 0.95 + each * len(rows))
    drawn: dict[str, Any] = {}
    for k, row in enumerate(rows):
        if row.null and row.null["low"] is not None and row.null["high"] is not None:
            corner, width = (row.null["low"], k - 0.42), row.null["high"] - row.null["low"]
            drawn[NULL] = axis.add_patch(Rectangle(corner, width, 0.84, color=FAINT, alpha=0.5, linewidth=0, zorder=0))
        for name, auc, at, mark, fill, shade in (
            (whole, row.whole, WHOLE_AT, "o", "full", colour(0)),
            (REFITTED, row.refitted, REFITTED_AT, "o", "left", colour(0)),
            (APPARENT, row.apparent, APPARENT_AT, "o", "none", GUIDE),
            (YARDSTICK, row.yardstick, REFITTED_AT, "D", "full", colour(1)),
        ):
            if auc is None or auc["estimate"] is None:
                continue
            if auc.get("low") is not None and auc.get("high") is not None:
                axis.hlines(k + at, auc["low"], auc["high"], shade, linewidth=1, zorder=2)
            (drawn[name],) = axis.plot(
                [auc["estimate"]],
                [k + at],
                mark,
                color=shade,
                fillstyle=fill,
                markerfacecoloralt="white",
                markersize=4.5,
                zorder=3,
            )
    put_level(axis, CHANCE, x=0.5, linestyle=(0, (4, 3)), zorder=1)
    drawn[CHANCE] = axis.lines[-1]
    axis.set(xlabel="AUC", ylim=(len(rows) - 0.5, -0.5), yticks=range(len(rows)))
    axis.set_yticklabels([label(row.name, letters, lines) for row in rows])
    axis.set_xlim(min(0.45, axis.get_xlim()[0]), 1.005)
    axis.tick_params(axis="y", length=0)
    order = [name for name in (whole, REFITTED, APPARENT, YARDSTICK, NULL, CHANCE) if name in drawn]
    figure.legend([drawn[name] for name in order], order, loc="outside lower center", ncols=1 if is_narrow else 3)
    if is_narrow:
        figure.set_figheight(figure.get_figheight() + ROW * (len(order) - 2))
    return figure
