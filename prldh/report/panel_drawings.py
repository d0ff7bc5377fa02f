"""Drawing of panels for a journal's page: A, B, C … out of the report's figures. Draws what ``results.json`` holds and
computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prldh.pages import STYLE, TWO_COLUMNS, colour, is_grey, label, legend_below, legend_beneath, look
from prldh.report.model_drawings import put_forest, put_partial, put_roc
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
        fontsize=10,
        fontfamily=STYLE["font.family"],
    )
    axis.set_title(heading)


def _grid(rows: int, columns: int, height: float, **kwargs: Any) -> tuple[Figure, list[Any]]:
    figure, axes = plt.subplots(
        rows, columns, figsize=(TWO_COLUMNS, height), layout="constrained", squeeze=False, **kwargs
    )
    return figure, list(axes.flat)


def _order(kinds: Kinds) -> Callable[[str], int]:
    """A model looks the same in every part."""
    names = list(dict.fromkeys(m["name"] for models in kinds.values() for m in models))
    return names.index


def draw_roc_panel(kinds: Kinds, ci: str = "95% CI") -> Figure:
    most = max(len(models) for models in kinds.values())
    figure, axes = _grid(1, len(kinds), 3.9 + 0.16 * most)
    for k, (axis, (kind, models)) in enumerate(zip(axes, kinds.items(), strict=True)):
        put_roc(axis, models, _order(kinds))
        _letter(axis, k, kind)
        legend_beneath(axis, f"apparent AUC ({ci})")
    return figure


def draw_forest_panel(kinds: dict[str, list[dict[str, Any]]]) -> Figure:
    """The groups' odds ratios, unadjusted over adjusted."""
    figure, axes = _grid(len(kinds), 1, sum(0.36 * len(rows) + 0.8 for rows in kinds.values()), sharex=True)
    for k, (axis, (kind, rows)) in enumerate(zip(axes, kinds.items(), strict=True)):
        put_forest(axis, rows)
        _letter(axis, k, kind)
        axis.label_outer()
    return figure


def draw_partial_panel(kinds: Kinds) -> Figure:
    figure, axes = _grid(2, len(kinds), 5.2 + 0.26 * max(len(models) for models in kinds.values()))
    for r, focus in enumerate(("sensitivity", "specificity")):
        for c, (kind, models) in enumerate(kinds.items()):
            axis = axes[r * len(kinds) + c]
            put_partial(axis, models, focus, _order(kinds))
            _letter(axis, r * len(kinds) + c, f"{kind}, {axis.get_title()}")
            legend_beneath(axis, "partial area")
    return figure


def draw_use_panel(kinds: dict[str, list[tuple[str, dict[str, Any]]]], predictions: str) -> Figure:
    """Calibration, decision and clinical impact curves of (name, entry) by kind; ``predictions``: which they are of."""
    figure, axes = _grid(3, len(kinds), 8.3)
    of = list(dict.fromkeys(name for models in kinds.values() for name, _ in models)).index
    for r, put in enumerate((_put_calibration, _put_decision, _put_impact)):
        for c, (kind, models) in enumerate(kinds.items()):
            axis = axes[r * len(kinds) + c]
            put(axis, [(label(name), entry, of(name)) for name, entry in models])
            _letter(axis, r * len(kinds) + c, f"{kind}, {predictions}" if r == 0 else "")
    legend_below(figure, axes[len(kinds)], 3)
    return figure


def _put_calibration(axis: Any, models: list[tuple[str, dict[str, Any], int]]) -> None:
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    for _, entry, i in models:
        curve = entry["calibration"]["curve"]
        marks = {"marker": "o", "markersize": 3} if entry["calibration"]["method"] == "groups" else {}
        axis.plot([p["predicted"] for p in curve], [p["observed"] for p in curve], **(look(i) | marks))
    axis.set(xlabel="predicted probability", ylabel="observed share", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axis.set_box_aspect(1)


def _put_decision(axis: Any, models: list[tuple[str, dict[str, Any], int]]) -> None:
    first = models[0][1]["decision_curve"]
    axis.plot([p["threshold"] for p in first], [p["all"] for p in first], color="0.6", linewidth=0.9, label="treat all")
    axis.axhline(0, color="0.2", linewidth=0.9, label="treat none")
    for name, entry, i in models:
        rows = entry["decision_curve"]
        axis.plot([p["threshold"] for p in rows], [p["net_benefit"] for p in rows], label=name, **look(i))
    top = max(
        (p["net_benefit"] for _, entry, _ in models for p in entry["decision_curve"] if p["net_benefit"] is not None),
        default=0.0,
    )
    axis.set(xlabel="threshold probability", ylabel="net benefit", ylim=(-0.25 * max(top, 0.05), 1.15 * max(top, 0.05)))


def _put_impact(axis: Any, models: list[tuple[str, dict[str, Any], int]]) -> None:
    """Thick: those called high risk; thin and dotted: events among them."""
    for _, entry, i in models:
        rows, own = entry["clinical_impact"], look(i)
        t = [p["threshold"] for p in rows]
        axis.plot(t, [p["high_risk"] for p in rows], **own)
        axis.plot(
            t,
            [p["high_risk_events"] for p in rows],
            **(own | {"linestyle": ":", "linewidth": 0.9, "markerfacecolor": "white"}),
        )
    axis.plot([], [], color="0.3", label="called high risk")
    axis.plot([], [], color="0.3", linestyle=":", linewidth=0.9, label="events among them")
    axis.set(xlabel="threshold probability", ylabel="per 1,000 patients")
    axis.legend(loc="upper right")


def draw_parts(parts: Sequence[Part], columns: int, height: float) -> Figure:
    """Parts in rows, lettered."""
    figure, axes = _grid(-(-len(parts) // columns), columns, height)
    for axis in axes[len(parts) :]:
        axis.set_visible(False)
    for k, (axis, (heading, put)) in enumerate(zip(axes, parts, strict=False)):
        put(axis)
        _letter(axis, k, heading)
    return figure


def draw_score_panel(tissues: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> Figure:
    """By tissue: every patient's Radscore, and beside it Table 1's median and quartiles with every patient as a
    point."""
    figure, axes = plt.subplots(
        len(tissues),
        2,
        figsize=(TWO_COLUMNS, 2.3 * len(tissues)),
        layout="constrained",
        squeeze=False,
        width_ratios=(2.4, 1),
    )
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
    thin = {"color": "black", "linewidth": 0.8}
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
        picture = plt.imread(path)
        if is_grey():
            axis.imshow(picture[..., :3] @ (0.299, 0.587, 0.114), cmap="gray", vmin=0, vmax=1, interpolation="none")
        else:
            axis.imshow(picture, interpolation="none")
        _letter(axis, k, "")
    return figure
