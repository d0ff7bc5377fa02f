"""Drawing of held-out performance by subgroup. Draws what ``results.json`` holds, computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from prldh.pages import INK, TWO_COLUMNS, axes_of, label, legend_below, look, put_level


class SubgroupPanel(NamedTuple):
    """A model: its name, its AUC of everyone (None where there is none), and its AUC in each level as {estimate, low,
    high}."""

    name: str
    everyone: float | None
    areas: Sequence[dict[str, Any]]


def draw_subgroups(
    levels: Sequence[str], panels: Sequence[SubgroupPanel], of: str = "", broken: str = "everyone"
) -> Figure:
    """A forest plot: the AUC in every level of ``of`` with its interval, a panel a model; broken, and called so: the
    AUC of everyone; dotted, below an interval: where another group's AUC is expected."""
    figure, axes = axes_of(TWO_COLUMNS, 0.9 + 0.36 * len(levels), len(panels))
    axes, colour = list(axes) if len(panels) > 1 else [axes], look(0)["color"]
    for k, (axis, panel) in enumerate(zip(axes, panels, strict=True)):
        put_level(axis, "chance", x=0.5)
        if panel.everyone is not None:
            put_level(axis, broken, x=panel.everyone, color=INK, linestyle="--")
        for y, area in enumerate(panel.areas):
            if area["low"] is not None and area["high"] is not None:
                axis.hlines(y, area["low"], area["high"], colour, linewidth=1.2)
            if area["estimate"] is not None:
                axis.plot([area["estimate"]], [y], "s", color=colour, markersize=5)
            if area.get("prediction_low") is not None:
                ends = [area["prediction_low"], area["prediction_high"]]
                look_of = {"color": INK, "linewidth": 0.9, "markersize": 5, "label": "expected of another group"}
                axis.plot(ends, [y + 0.22, y + 0.22], "|:", **look_of)
        axis.set(xlabel="AUC", xlim=(-0.02, 1.02), ylim=(len(levels) - 0.5, -0.5), yticks=range(len(levels)))
        axis.set_yticklabels([label(level, 26, 2) for level in levels] if not k else [])
        axis.set_title(label(panel.name, 26, 2))
    axes[0].set_ylabel(label(of, 34, 2))
    legend_below(figure, axes, 3)
    return figure
