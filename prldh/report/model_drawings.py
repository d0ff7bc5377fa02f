"""Drawing of models: ROC, calibration, decision and impact curves, forests. Draws what ``results.json`` holds and
computes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter

from prldh.core import plain
from prldh.pages import (
    ONE_COLUMN,
    TWO_COLUMNS,
    axes_of,
    draw_band,
    label,
    label_edges,
    legend_below,
    legend_beneath,
    look,
    panels_of,
    spread,
)

#: Width of a letter on a nomogram, where the longest scale is 1.
LETTER = 0.0085


def _draw_curve(axis: Any, roc: list[dict[str, Any]], **kwargs: Any) -> None:
    axis.plot([1 - p["specificity"] for p in roc], [p["sensitivity"] for p in roc], **kwargs)


def _frame(axis: Any, **kwargs: Any) -> None:
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    axis.set(
        xlabel="1 – specificity", ylabel="sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal", **kwargs
    )


def draw_roc(models: list[dict[str, Any]], ci: str = "95% CI") -> Figure:
    """All models in one panel with their AUCs; held-out curves dotted."""
    figure, axis = axes_of(ONE_COLUMN, 3.4 + 0.16 * min(len(models), 20))
    put_roc(axis, models)
    legend_below(figure, axis, title=f"apparent AUC ({ci})")
    return figure


def put_roc(axis: Any, models: list[dict[str, Any]], of: Callable[[str], int] | None = None) -> None:
    """``of``: which look a model has, by its name; default: in their order."""
    _frame(axis)
    are_of_same = len({m["n"] for m in models}) == 1
    for i, m in enumerate(models):
        auc, own = m["auc"], look(of(m["name"]) if of else i)
        size = "" if are_of_same else f", n = {m['n']}"
        text = f"{label(m['name'])}{size}: {plain(auc['estimate'])} ({plain(auc['low'])}, {plain(auc['high'])})"
        _draw_curve(axis, m["roc"], label=text, **own)
        held = m["validation"].get("pipeline", {}).get("folds", {}).get("roc")
        if held:
            _draw_curve(axis, held, color=own["color"], linestyle=":", linewidth=0.9)


def draw_roc_bands(models: list[tuple[str, list[dict[str, Any]]]]) -> Figure:
    """Each model's curve in a panel of its own, with the pointwise band of its sensitivity."""
    figure, axes, columns = panels_of(len(models), 2.5, sharex=True, sharey=True)
    for i, (axis, (name, roc)) in enumerate(zip(axes, models, strict=True)):
        _frame(axis, title=label(name))
        rows = [{**p, "x": 1 - p["specificity"]} for p in roc]
        draw_band(axis, rows, "x", "sensitivity_low", "sensitivity_high", look(i)["color"])
        _draw_curve(axis, roc, color=look(i)["color"])
    label_edges(axes, columns)
    return figure


def draw_partial(models: list[dict[str, Any]]) -> Figure:
    figure, axes = axes_of(TWO_COLUMNS, 3.4 + 0.13 * len(models), 2)
    for axis, focus in zip(axes, ("sensitivity", "specificity"), strict=True):
        put_partial(axis, models, focus)
        if len(models) <= 8:
            legend_beneath(axis, "partial area")
    return figure


def put_partial(axis: Any, models: list[dict[str, Any]], focus: str, of: Callable[[str], int] | None = None) -> None:
    first = models[0]["pauc"][focus]
    for i, m in enumerate(models):
        area = m["pauc"][focus]["estimate"]
        _draw_curve(
            axis,
            m["roc"],
            label=f"{label(m['name'])}: {plain(area)}" if len(models) <= 8 else None,
            **look(of(m["name"]) if of else i),
        )
    axis.set(xlabel="1 – specificity", ylabel="sensitivity", title=f"{focus} {first['from']:g}–{first['to']:g}")
    axis.locator_params(nbins=5)
    if focus == "sensitivity":
        axis.set(xlim=(0, 1), ylim=(first["to"], first["from"]))
    else:
        axis.set(xlim=(1 - first["from"], 1 - first["to"]), ylim=(0, 1))


def draw_calibration(models: list[tuple[str, dict[str, Any]]]) -> Figure:
    figure, axes, columns = panels_of(len(models), 2.6, sharex=True, sharey=True)
    for i, (axis, (name, calibration)) in enumerate(zip(axes, models, strict=True)):
        curve, shade = calibration["curve"], look(i)["color"]
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
        x, y = [p["predicted"] for p in curve], [p["observed"] for p in curve]
        if calibration["method"] == "groups":
            for p in curve:
                if p.get("low") is not None:
                    axis.plot([p["predicted"]] * 2, [p["low"], p["high"]], color=shade, linewidth=1)
            axis.plot(x, y, color=shade, marker="o", markersize=3)
        else:
            draw_band(axis, curve, "predicted", "low", "high", shade)
            axis.plot(x, y, color=shade)
        bins = calibration.get("histogram", [])
        for drawn in (*axis.collections, *axis.lines):  # bands of a smooth curve may end outside 0..1
            drawn.set_clip_path(Rectangle((-0.01, -0.01), 1.02, 1.02, transform=axis.transData))
        _draw_histogram(axis, bins, shade)
        axis.set(
            title=label(name),
            xlim=(-0.01, 1.01),
            ylim=(-0.26 if bins else -0.01, 1.01),
            yticks=[0, 0.2, 0.4, 0.6, 0.8, 1],
            xlabel="predicted probability",
            ylabel="observed share",
        )
        axis.set_box_aspect(1)
    label_edges(axes, columns)
    return figure


def _draw_histogram(axis: Axes, bins: list[dict[str, Any]], color: str) -> None:
    """Beneath a calibration curve: patients by predicted probability, those with the event in colour on top."""
    most = max((b["nonevent"] + b["event"] for b in bins), default=0)
    if not most:
        return
    centre, width = [(b["low"] + b["high"]) / 2 for b in bins], 0.9 * (bins[0]["high"] - bins[0]["low"])
    nonevent, event = ([0.2 * b[key] / most for b in bins] for key in ("nonevent", "event"))
    axis.bar(centre, nonevent, width, bottom=-0.24, color="0.7", linewidth=0)
    axis.bar(centre, event, width, bottom=[-0.24 + height for height in nonevent], color=color, linewidth=0)


def draw_decision(models: list[tuple[str, list[dict[str, Any]]]]) -> Figure:
    """All models in one panel, then each with its band in one of its own."""
    figure, axes, columns = panels_of(1 if len(models) == 1 else len(models) + 1, 2.3, sharex=True, sharey=True)
    groups = [models] if len(models) == 1 else [models, *([m] for m in models)]
    for axis, shown in zip(axes, groups, strict=True):
        curve = models[0][1]
        axis.plot(
            [p["threshold"] for p in curve], [p["all"] for p in curve], color="0.6", linewidth=0.9, label="treat all"
        )
        axis.axhline(0, color="0.2", linewidth=0.9, label="treat none")
        for name, rows in shown:
            i = [n for n, _ in models].index(name)
            axis.plot([p["threshold"] for p in rows], [p["net_benefit"] for p in rows], label=label(name), **look(i))
            if len(shown) == 1:
                draw_band(axis, rows, "threshold", "low", "high", look(i)["color"])
                axis.set_title(label(name))
        axis.set(xlabel="threshold probability", ylabel="net benefit")
    label_edges(axes, columns)
    top = max((p["net_benefit"] for _, rows in models for p in rows if p["net_benefit"] is not None), default=0.0)
    axes[0].set_ylim(-0.25 * max(top, 0.05), 1.15 * max(top, 0.05))
    legend_below(figure, axes[0], 1 if len(axes) == 1 else 3)
    return figure


def draw_differences(differences: list[dict[str, Any]]) -> Figure:
    figure, axes, columns = panels_of(len(differences), 2.2, sharex=True, sharey=True)
    for axis, difference in zip(axes, differences, strict=True):
        axis.axhline(0, color="0.5", linewidth=0.8)
        draw_band(axis, difference["curve"], "threshold", "low", "high", look(0)["color"])
        axis.plot(
            [p["threshold"] for p in difference["curve"]],
            [p["difference"] for p in difference["curve"]],
            color=look(0)["color"],
        )
        axis.set_title(f"{label(difference['a'], lines=2)}\n− {label(difference['b'], lines=2)}", fontsize=7)
        axis.set(xlabel="threshold probability", ylabel="difference of net benefit")
    label_edges(axes, columns)
    points = sorted(
        abs(v)
        for d in differences
        for p in d["curve"]
        if p["threshold"] <= 0.9
        for v in (p["low"], p["high"], p["difference"])
        if v is not None
    )
    top = max(points[int(0.98 * (len(points) - 1))] if points else 0.0, 0.02)
    axes[0].set_ylim(-1.15 * top, 1.15 * top)
    return figure


def draw_avoided(models: list[dict[str, Any]], held: tuple[str, str] | None, title: str) -> Figure:
    """Held out, where the models have the scope and scheme ``held``, which ``title`` names, and apparent."""
    panels = [("apparent", [(m["name"], m["decision_curve"]) for m in models])]
    if held:
        panels.insert(
            0,
            (
                title,
                [(m["name"], m["validation"][held[0]][held[1]]["decision_curve"]) for m in models],
            ),
        )
    figure, axes, _ = panels_of(len(panels), 2.9, sharey=True)
    for axis, (heading, curves) in zip(axes, panels, strict=True):
        axis.axhline(0, color="0.5", linewidth=0.8)
        for i, (name, rows) in enumerate(curves):
            known = [p for p in rows if p.get("avoided") is not None]
            axis.plot([p["threshold"] for p in known], [p["avoided"] for p in known], label=label(name), **look(i))
            if len(curves) <= 2:
                draw_band(axis, rows, "threshold", "avoided_low", "avoided_high", look(i)["color"])
        axis.set(xlabel="threshold probability", title=heading, ylim=(-20, 100))
    axes[0].set_ylabel("interventions avoided per 100")
    legend_below(figure, axes[0], len(panels))
    return figure


def draw_impact(models: list[dict[str, Any]]) -> Figure:
    figure, axes, columns = panels_of(len(models), 2.3, sharex=True, sharey=True)
    for axis, m in zip(axes, models, strict=True):
        rows = m["clinical_impact"]
        t = [p["threshold"] for p in rows]
        for k, (key, style, name) in enumerate(
            (("high_risk", "-", "called high risk"), ("high_risk_events", "--", "events among them"))
        ):
            draw_band(axis, rows, "threshold", f"{key}_low", f"{key}_high", look(k)["color"])
            axis.plot(t, [p[key] for p in rows], color=look(k)["color"], linestyle=style, label=name)
        axis.set(xlabel="threshold probability", ylabel="per 1,000 patients", title=label(m["name"]))
    label_edges(axes, columns)
    legend_below(figure, axes[0], 2)
    return figure


def draw_forest(rows: list[dict[str, Any]]) -> Figure:
    """Odds ratios of the groups with their intervals, in figures beside."""
    figure, axis = axes_of(TWO_COLUMNS, 0.36 * len(rows) + 0.7)
    put_forest(axis, rows)
    return figure


def put_forest(axis: Any, rows: list[dict[str, Any]]) -> None:
    for y, row in enumerate(reversed(rows)):
        if row["reference"]:
            axis.plot(1, y, marker="s", color="black", markersize=4)
        elif row["or"] is not None:
            axis.plot(row["or"], y, marker="s", color=look(0)["color"], markersize=5)
        if row["low"] is not None and row["high"] is not None:
            axis.plot([row["low"], row["high"]], [y, y], color=look(0)["color"], linewidth=1.2)
        text = "reference" if row["reference"] else f"{plain(row['or'])} ({plain(row['low'])}, {plain(row['high'])})"
        axis.text(1.02, y, text, va="center", fontsize=7, transform=axis.get_yaxis_transform())
    axis.axvline(1, color="0.6", linewidth=0.8)
    axis.set_yticks(range(len(rows)), [f"{label(r['group'])}\n{r['events']}/{r['n']} events" for r in reversed(rows)])
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set(xlabel="odds ratio (log scale)", ylim=(-0.6, len(rows) - 0.4))


def draw_stratified_roc(entries: list[dict[str, Any]], ci: str = "95% CI") -> Figure:
    figure, axes = axes_of(TWO_COLUMNS, 4.2, 2)
    for axis, entry in zip(axes, entries, strict=True):
        _frame(axis, title=label(entry["name"]))
        for i, stratum in enumerate(s for s in entry["strata"] if s["roc"]):
            auc = stratum["auc"]
            text = f"{label(stratum['group'])}: {plain(auc['estimate'])} ({plain(auc['low'])}, {plain(auc['high'])})"
            _draw_curve(axis, stratum["roc"], label=text, **look(i))
        if any(s["roc"] for s in entry["strata"]):
            legend_beneath(axis, f"apparent AUC ({ci})")
    return figure


def draw_nomogram(chart: dict[str, Any]) -> Figure:
    """Axes of points one under the other: each variable's, the total's, and the probability's beneath it."""
    axes_shown = chart["axes"]
    figure, axis = axes_of(TWO_COLUMNS, 0.38 * (len(axes_shown) + 3) + 0.3)
    n = len(axes_shown)
    rows = [("Points", [(p, f"{p:g}") for p in range(0, 101, 10)], 100.0)]
    rows += [(a["label"], sorted((t["points"], t["label"]) for t in a["ticks"]), 100.0) for a in axes_shown]
    rows += [("Total points", [(t, f"{t:g}") for t in chart["totals"]], chart["most"])]
    rows += [("Probability", [(t["points"], t["label"]) for t in chart["probabilities"]], chart["most"])]
    for k, (name, ticks, most) in enumerate(rows):
        y = -k if k <= n else -k - 0.4
        at = [points / most for points, _ in ticks]
        axis.hlines(y, min(at), max(at), color="black", linewidth=0.8)
        has_two_sides = 0 < k <= n and not axes_shown[k - 1]["is_continuous"]
        for side in (0, 1) if has_two_sides else (0,):
            own = slice(side, None, 2 if has_two_sides else 1)
            texts = [label(text, 24, 1) if side else label(text, 15, 2) for _, text in ticks[own]]
            stand = spread(at[own], [LETTER * (max(map(len, text.split("\n"))) + 1) for text in texts], -0.025)
            sign = 1 if side else -1
            axis.add_collection(
                LineCollection(
                    [[(tick, y), (x, y + sign * 0.12)] for tick, x in zip(at[own], stand, strict=True)],
                    colors="black",
                    linewidths=0.8,
                )
            )
            for x, text in zip(stand, texts, strict=True):
                axis.text(x, y + sign * 0.16, text, ha="center", va="bottom" if side else "top", fontsize=5.5)
        axis.text(-0.03, y, label(name, 26, 2), ha="right", va="center", fontsize=7)
    axis.set(xlim=(-0.32, 1.02), ylim=(-n - 3.2, 0.5))
    axis.axis("off")
    return figure
