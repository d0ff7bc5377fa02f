"""Drawing of panels for a journal's page: A, B, C … out of the report's figures. Draws what ``results.json`` holds and
computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.image import imread

from prldh.pages import INK, TWO_COLUMNS, colour, grid_of, is_grey, label, legend_below, legend_beneath, look, second
from prldh.report.model_drawings import (
    ALL_THRESHOLDS,
    Range,
    put_calibration,
    put_decision,
    put_forest,
    put_partial,
    put_roc,
    rows_within,
)
from prldh.report.tissue_drawings import put_waterfall

#: One panel: its heading, and what draws it on given axes.
Part = tuple[str, Callable[[Any], None]]
#: By kind (unadjusted, adjusted): the models that a panel shows.
Kinds = dict[str, list[dict[str, Any]]]


def _letter(axis: Any, k: int, heading: str) -> None:
    """The letter left of the heading, over the vertical axis, where it meets no heading however long."""
    axis.annotate(
        chr(ord("A") + k),
        (0, 1),
        xytext=(-24, 6),
        xycoords="axes fraction",
        textcoords="offset points",
        fontweight="bold",
    )
    axis.set_title(heading)


def _grid(rows: int, columns: int, height: float, **kwargs: Any) -> tuple[Figure, list[Any]]:
    figure, axes = grid_of(rows, columns, TWO_COLUMNS, height, **kwargs)
    return figure, list(axes.flat)


def _order(kinds: Kinds) -> Callable[[str], int]:
    """A model looks the same in every part."""
    names = list(dict.fromkeys(m["name"] for models in kinds.values() for m in models))
    return names.index


def draw_roc_panel(kinds: Kinds, ci: str = "95% CI") -> Figure:
    figure, axes = _grid(1, len(kinds), 3.4)
    for k, (axis, (kind, models)) in enumerate(zip(axes, kinds.items(), strict=True)):
        put_roc(axis, models, _order(kinds))
        _letter(axis, k, kind)
    legend_beneath(axes, f"AUC ({ci})")
    return figure


def draw_forest_panel(kinds: dict[str, list[dict[str, Any]]]) -> Figure:
    """The groups' odds ratios, unadjusted over adjusted."""
    figure, axes = _grid(len(kinds), 1, sum(0.36 * len(rows) + 0.6 for rows in kinds.values()), sharex=True)
    for k, (axis, (kind, rows)) in enumerate(zip(axes, kinds.items(), strict=True)):
        put_forest(axis, rows)
        _letter(axis, k, kind)
        axis.label_outer()
    legend_below(figure, axes)
    return figure


def draw_partial_panel(kinds: Kinds) -> Figure:
    figure, axes = _grid(2, len(kinds), 5.0)
    for r, focus in enumerate(("sensitivity", "specificity")):
        row = axes[r * len(kinds) : (r + 1) * len(kinds)]
        for c, (axis, (kind, models)) in enumerate(zip(row, kinds.items(), strict=True)):
            put_partial(axis, models, focus, _order(kinds))
            _letter(axis, r * len(kinds) + c, f"{kind}, {axis.get_title()}")
        legend_beneath(row, "partial area")
    return figure


def draw_use_panel(
    kinds: dict[str, list[tuple[str, dict[str, Any]]]], predictions: str, within: Range = ALL_THRESHOLDS
) -> Figure:
    """Calibration, decision and clinical impact curves of (name, entry) by kind; ``predictions``: which they are of."""
    figure, axes = _grid(3, len(kinds), 7.4)
    of = list(dict.fromkeys(name for models in kinds.values() for name, _ in models)).index
    for c, (kind, models) in enumerate(kinds.items()):
        column = axes[c :: len(kinds)]
        each = [(label(name), entry, of(name)) for name, entry in models]
        put_calibration(column[0], [(name, entry["calibration"], i) for name, entry, i in each])
        put_decision(column[1], [(name, entry["decision_curve"], i) for name, entry, i in each], within)
        _put_impact(column[2], each, within)
        for r, axis in enumerate(column):
            _letter(axis, r * len(kinds) + c, f"{kind}, {predictions}" if r == 0 else "")
    legend_below(figure, axes, 2)
    return figure


def _put_impact(axis: Any, models: list[tuple[str, dict[str, Any], int]], within: Range) -> None:
    """Those called high risk; dotted, with hollow markers: events among them."""
    for name, entry, i in models:
        rows = rows_within(entry["clinical_impact"], within)
        t = [p["threshold"] for p in rows]
        axis.plot(t, [p["high_risk"] for p in rows], label=name, **look(i))
        axis.plot(t, [p["high_risk_events"] for p in rows], label=f"{name}, events among high risk", **second(i))
    axis.set(xlabel="threshold probability", ylabel="high risk per 1,000 patients", xlim=within)


def draw_parts(parts: Sequence[Part], columns: int, height: float) -> Figure:
    """Parts in rows, lettered, each with its legend beneath."""
    figure, axes = _grid(-(-len(parts) // columns), columns, height)
    for axis in axes[len(parts) :]:
        axis.set_visible(False)
    for k, (axis, (heading, put)) in enumerate(zip(axes, parts, strict=False)):
        put(axis)
        _letter(axis, k, label(heading, 28, 2))
    for k in range(0, len(parts), columns):
        legend_beneath(axes[k : min(k + columns, len(parts))])
    return figure


def draw_score_panel(tissues: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> Figure:
    """By tissue: every patient's Radscore, and beside it Table 1's median and quartiles with every patient as a
    point."""
    figure, axes = grid_of(len(tissues), 2, TWO_COLUMNS, 2.3 * len(tissues), width_ratios=(2.4, 1))
    for k, (pair, (name, (tissue, cells))) in enumerate(zip(axes, tissues.items(), strict=True)):
        put_waterfall(pair[0], tissue)
        _put_boxes(pair[1], tissue["scores"], cells)
        _letter(pair[0], 2 * k, label(name, lines=1))
        _letter(pair[1], 2 * k + 1, "")
    return figure


def _put_boxes(axis: Any, scores: list[dict[str, Any]], cells: dict[str, Any]) -> None:
    """Boxes of the quartiles; whiskers to the least and the highest patient."""
    boxes = []
    for outcome, (key, name) in enumerate((("nonevent", "no event"), ("event", "event"))):
        values = sorted(s["value"] for s in scores if s["outcome"] == outcome)
        # spread evenly, the same in every run
        beside = [outcome + 1 + 0.3 * ((j * 0.618) % 1 - 0.5) for j in range(len(values))]
        axis.plot(beside, values, linestyle="", marker="o", markersize=1.5, color=colour(outcome), zorder=1)
        boxes.append(
            {
                "med": cells[key]["median"],
                "q1": cells[key]["q1"],
                "q3": cells[key]["q3"],
                "whislo": values[0],
                "whishi": values[-1],
                "label": name,
            }
        )
    thin = {"color": INK, "linewidth": 0.8}
    axis.bxp(
        boxes,
        showfliers=False,
        widths=0.55,
        boxprops=thin,
        whiskerprops=thin,
        capprops=thin,
        medianprops=thin | {"linewidth": 1.4},
        zorder=2,
    )
    axis.set(ylabel="Radscore")


def draw_heat_maps(pictures: Sequence[tuple[str, Path]]) -> Figure:
    """Pictures of patients with their heat maps, as they lie in a folder: each says its level of risk itself."""
    rows = -(-len(pictures) // 2)
    figure, axes = _grid(rows, 2, 3.0 * rows)
    for axis in axes:
        axis.axis("off")
    for k, (axis, (_, path)) in enumerate(zip(axes, pictures, strict=False)):
        picture = imread(path)
        if is_grey():
            axis.imshow(picture[..., :3] @ (0.299, 0.587, 0.114), cmap="gray", vmin=0, vmax=1, interpolation="none")
        else:
            axis.imshow(picture, interpolation="none")
        _letter(axis, k, "")
    return figure
