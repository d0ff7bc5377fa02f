"""Drawing of models: ROC, calibration, decision and impact curves, forests. Draws what ``results.json`` holds and
computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from prldh.core import plain
from prldh.pages import (
    FAINT,
    INK,
    ONE_COLUMN,
    TWO_COLUMNS,
    axes_of,
    draw_band,
    interval_text,
    label,
    label_edges,
    legend_below,
    legend_beneath,
    look,
    panels_of,
    put_guide,
    put_level,
    second,
    spread,
    tick_text,
    typeset_within,
)

#: Width of a letter on a nomogram, where the longest scale is 1.
LETTER = 0.0118
#: A range of threshold probabilities.
Range = tuple[float, float]
ALL_THRESHOLDS: Range = (0.0, 1.0)
#: Height of the strip beneath a calibration curve, as the share of events is measured.
STRIP = 0.24
#: What bars are called; a legend leaves out what begins like that.
BARS = "_bars"


def _draw_curve(axis: Any, roc: list[dict[str, Any]], **kwargs: Any) -> None:
    axis.plot([1 - p["specificity"] for p in roc], [p["sensitivity"] for p in roc], **kwargs)


def _frame(axis: Any, **kwargs: Any) -> None:
    put_guide(axis, "chance", [0, 1], [0, 1])
    axis.set(xlabel="1 – specificity", ylabel="sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), **kwargs)
    axis.set_box_aspect(1)
    axis.set_anchor("N")  # what is left over is below, where the legend stands


def draw_roc(models: list[dict[str, Any]], ci: str = "95% CI") -> Figure:
    """All models in one panel with their AUCs; held-out curves dotted."""
    figure, axis = axes_of(ONE_COLUMN, 3.2)
    put_roc(axis, models)
    legend_below(figure, [axis], title=f"AUC ({ci})")
    return figure


def put_roc(axis: Any, models: list[dict[str, Any]], of: Callable[[str], int] | None = None) -> None:
    """``of``: which look a model has, by its name; default: in their order."""
    are_of_same = len({m["n"] for m in models}) == 1
    for i, m in enumerate(models):
        k, held = of(m["name"]) if of else i, _held_roc(m)
        size = "" if are_of_same else f", n = {m['n']}"
        _draw_curve(
            axis, m["roc"], label=_with_area(f"{m['name']}{size}{', apparent' if held else ''}", m["auc"]), **look(k)
        )
        if held:
            _draw_curve(axis, held["roc"], label=_with_area(f"{m['name']}, held out", held["auc"]), **second(k))
    _frame(axis)


def _held_roc(model: dict[str, Any]) -> dict[str, Any] | None:
    folds: dict[str, Any] = model["validation"].get("pipeline", {}).get("folds", {})
    return folds if folds.get("roc") else None


def _with_area(name: str, area: dict[str, Any]) -> str:
    known = area.get("low") is not None and area.get("high") is not None
    interval = f" ({plain(area['low'])}, {plain(area['high'])})" if known else ""
    return f"{label(name, 34)}: {plain(area['estimate'])}{interval}"


def draw_roc_bands(models: list[tuple[str, list[dict[str, Any]]]]) -> Figure:
    """Each model's curve in a panel of its own, with the pointwise band of its sensitivity."""
    figure, axes, columns = panels_of(len(models), 2.5, sharex=True, sharey=True)
    for i, (axis, (name, roc)) in enumerate(zip(axes, models, strict=True)):
        _frame(axis, title=label(name))
        rows = [{**p, "x": 1 - p["specificity"]} for p in roc]
        draw_band(axis, rows, "x", "sensitivity_low", "sensitivity_high", look(i)["color"])
        _draw_curve(axis, roc, label=label(name), **look(i))
    label_edges(axes, columns)
    legend_below(figure, axes)
    return figure


def draw_partial(models: list[dict[str, Any]]) -> Figure:
    figure, axes = axes_of(TWO_COLUMNS, 3.1, 2)
    for axis, focus in zip(axes, ("sensitivity", "specificity"), strict=True):
        put_partial(axis, models, focus)
    legend_beneath(axes, "partial area")
    return figure


def put_partial(axis: Any, models: list[dict[str, Any]], focus: str, of: Callable[[str], int] | None = None) -> None:
    first = models[0]["pauc"][focus]
    for i, m in enumerate(models):
        area = m["pauc"][focus]["estimate"]
        _draw_curve(axis, m["roc"], label=f"{label(m['name'])}: {plain(area)}", **look(of(m["name"]) if of else i))
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
        if calibration["method"] != "groups":
            draw_band(axis, [_within_scale(p) for p in curve], "predicted", "low", "high", shade)
        put_calibration(axis, [(label(name), calibration, i)], has_bars=calibration["method"] == "groups")
        axis.set(title=label(name))
    label_edges(axes, columns)
    legend_below(figure, axes, 2)
    return figure


def put_calibration(axis: Any, models: list[tuple[str, dict[str, Any], int]], has_bars: bool = False) -> None:
    """Curves of (name, calibration, which look), a smooth one as far as it stays within 0..1; beneath them a strip a
    model: patients by predicted probability, those with the event in its colour on top."""
    put_guide(axis, "ideal", [0, 1], [0, 1])
    strips = [m for m in models if m[1].get("histogram")]
    for name, calibration, i in models:
        curve, is_grouped = calibration["curve"], calibration["method"] == "groups"
        marks = {"markevery": 1} if is_grouped else {}
        axis.plot(
            [p["predicted"] for p in curve], [_share(p["observed"]) for p in curve], label=name, **(look(i) | marks)
        )
        if has_bars:
            bars = [p for p in curve if p.get("low") is not None]
            axis.vlines(
                [p["predicted"] for p in bars],
                [p["low"] for p in bars],
                [p["high"] for p in bars],
                look(i)["color"],
                linewidth=1,
            )
    for k, (_, calibration, i) in enumerate(strips):
        _draw_histogram(axis, calibration["histogram"], look(i)["color"], k, len(strips))
    axis.set(
        xlim=(-0.01, 1.01),
        ylim=(-0.02 - STRIP if strips else -0.01, 1.01),
        yticks=[0, 0.2, 0.4, 0.6, 0.8, 1],
        xlabel="predicted probability",
        ylabel="observed share",
    )
    axis.set_box_aspect(1)


def _share(value: float | None) -> float:
    """What lies outside 0..1 is no share: a smooth curve ends there."""
    return float("nan") if value is None or not 0 <= value <= 1 else value


def _within_scale(point: dict[str, Any]) -> dict[str, Any]:
    """A band ends where shares do."""
    if point.get("low") is None or point.get("high") is None:
        return point
    return point | {key: min(max(point[key], 0.0), 1.0) for key in ("low", "high")}


def _draw_histogram(axis: Axes, bins: list[dict[str, Any]], color: str, k: int, n: int) -> None:
    """The k-th of n strips."""
    most = max((b["nonevent"] + b["event"] for b in bins), default=0)
    if not most:
        return
    centre, width = [(b["low"] + b["high"]) / 2 for b in bins], 0.9 * (bins[0]["high"] - bins[0]["low"])
    room = STRIP / n
    base, height = -STRIP + (n - 1 - k) * room, 0.85 * room
    nonevent, event = ([height * b[key] / most for b in bins] for key in ("nonevent", "event"))
    _draw_bars(axis, centre, width, [base] * len(bins), nonevent, FAINT)
    _draw_bars(axis, centre, width, [base + below for below in nonevent], event, color)


def _draw_bars(
    axis: Axes, centre: list[float], width: float, bottom: list[float], height: list[float], color: str
) -> None:
    """All as one thing, and none where nobody is: things take the time of a figure, however small they are."""
    corners = [
        [(x - width / 2, y), (x + width / 2, y), (x + width / 2, y + h), (x - width / 2, y + h)]
        for x, y, h in zip(centre, bottom, height, strict=True)
        if h
    ]
    axis.add_collection(PolyCollection(corners, facecolors=color, linewidths=0, label=BARS))


def rows_within(rows: list[dict[str, Any]], within: Range) -> list[dict[str, Any]]:
    """The points of a curve whose thresholds lie in the range that is drawn."""
    return [p for p in rows if within[0] <= p["threshold"] <= within[1]]


def put_decision(
    axis: Any, models: list[tuple[str, list[dict[str, Any]], int]], within: Range, top: float | None = None
) -> None:
    """Net benefit of (name, curve, which look) beside treating all and none; ``top``: the highest to be seen."""
    first = rows_within(models[0][1], within)
    put_guide(axis, "treat all", [p["threshold"] for p in first], [p["all"] for p in first])
    put_level(axis, "treat none", y=0, color=INK)
    for name, curve, i in models:
        rows = rows_within(curve, within)
        axis.plot([p["threshold"] for p in rows], [p["net_benefit"] for p in rows], label=name, **look(i))
    top = max(most_benefit([curve for _, curve, _ in models], within) if top is None else top, 0.05)
    axis.set(xlabel="threshold probability", ylabel="net benefit", xlim=within, ylim=(-0.25 * top, 1.15 * top))


def most_benefit(curves: Iterable[list[dict[str, Any]]], within: Range) -> float:
    points = (p["net_benefit"] for rows in curves for p in rows_within(rows, within))
    return max((value for value in points if value is not None), default=0.0)


def draw_decision(models: list[tuple[str, list[dict[str, Any]]]], within: Range = ALL_THRESHOLDS) -> Figure:
    """All models in one panel, then each with its band in one of its own."""
    figure, axes, columns = panels_of(1 if len(models) == 1 else len(models) + 1, 2.3, sharex=True, sharey=True)
    each = [(label(name), curve, i) for i, (name, curve) in enumerate(models)]
    top = most_benefit([curve for _, curve in models], within)
    for axis, shown in zip(axes, [each] if len(each) == 1 else [each, *([m] for m in each)], strict=True):
        if len(shown) == 1:
            name, curve, i = shown[0]
            draw_band(axis, rows_within(curve, within), "threshold", "low", "high", look(i)["color"])
            axis.set_title(name)
        put_decision(axis, shown, within, top)
    label_edges(axes, columns)
    legend_below(figure, axes, 1 if len(axes) == 1 else 3)
    return figure


def draw_differences(differences: list[dict[str, Any]], within: Range = ALL_THRESHOLDS) -> Figure:
    figure, axes, columns = panels_of(len(differences), 2.3, sharex=True, sharey=True)
    for axis, difference in zip(axes, differences, strict=True):
        rows = rows_within(difference["curve"], within)
        put_level(axis, "no difference", y=0)
        draw_band(axis, rows, "threshold", "low", "high", look(0)["color"])
        name = f"{label(difference['a'], lines=2)}\n− {label(difference['b'], lines=2)}"
        axis.plot([p["threshold"] for p in rows], [p["difference"] for p in rows], label=name, color=look(0)["color"])
        axis.set(xlabel="threshold probability", ylabel="difference of net benefit", title=name, xlim=within)
    label_edges(axes, columns)
    legend_below(figure, axes)
    points = sorted(
        abs(v)
        for d in differences
        for p in rows_within(d["curve"], within)
        if p["threshold"] <= 0.9
        for v in (p["low"], p["high"], p["difference"])
        if v is not None
    )
    top = max(points[int(0.98 * (len(points) - 1))] if points else 0.0, 0.02)
    axes[0].set_ylim(-1.15 * top, 1.15 * top)
    return figure


def draw_avoided(
    models: list[dict[str, Any]], held: tuple[str, str] | None, title: str, within: Range = ALL_THRESHOLDS
) -> Figure:
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
    figure, axes, _ = panels_of(len(panels), 2.4, sharey=True)
    for axis, (heading, curves) in zip(axes, panels, strict=True):
        put_level(axis, "none avoided", y=0)
        for i, (name, curve) in enumerate(curves):
            rows = rows_within(curve, within)
            known = [p for p in rows if p.get("avoided") is not None]
            axis.plot([p["threshold"] for p in known], [p["avoided"] for p in known], label=label(name), **look(i))
            if len(curves) <= 2:
                draw_band(axis, rows, "threshold", "avoided_low", "avoided_high", look(i)["color"])
        axis.set(xlabel="threshold probability", title=label(heading, 48), xlim=within, ylim=(-20, 100))
    axes[0].set_ylabel("interventions avoided per 100")
    legend_below(figure, axes, len(panels))
    return figure


def draw_impact(models: list[dict[str, Any]], within: Range = ALL_THRESHOLDS) -> Figure:
    figure, axes, columns = panels_of(len(models), 2.3, sharex=True, sharey=True)
    for axis, m in zip(axes, models, strict=True):
        rows = rows_within(m["clinical_impact"], within)
        t = [p["threshold"] for p in rows]
        for k, (key, name) in enumerate((("high_risk", "called high risk"), ("high_risk_events", "events among them"))):
            draw_band(axis, rows, "threshold", f"{key}_low", f"{key}_high", look(k)["color"])
            axis.plot(t, [p[key] for p in rows], label=name, **look(k))
        axis.set(xlabel="threshold probability", ylabel="per 1,000 patients", title=label(m["name"]), xlim=within)
    label_edges(axes, columns)
    legend_below(figure, axes, 2)
    return figure


def draw_forest(rows: list[dict[str, Any]]) -> Figure:
    """Odds ratios of the groups with their intervals, in figures beside."""
    figure, axis = axes_of(TWO_COLUMNS, 0.36 * len(rows) + 0.6)
    put_forest(axis, rows)
    legend_below(figure, [axis])
    return figure


def put_forest(axis: Any, rows: list[dict[str, Any]]) -> None:
    for y, row in enumerate(reversed(rows)):
        if row["reference"]:
            axis.plot(1, y, marker="s", color=INK, markersize=4)
        elif row["or"] is not None:
            axis.plot(row["or"], y, marker="s", color=look(0)["color"], markersize=5)
        if row["low"] is not None and row["high"] is not None:
            axis.hlines(y, row["low"], row["high"], look(0)["color"], linewidth=1.2)
        odds = {"estimate": row["or"], "low": row["low"], "high": row["high"]}
        text = "reference" if row["reference"] else interval_text(odds)
        axis.text(1.02, y, text, va="center", transform=axis.get_yaxis_transform())
    put_level(axis, "as the reference", x=1)
    axis.set_yticks(range(len(rows)), [f"{label(r['group'])}\n{r['events']}/{r['n']} events" for r in reversed(rows)])
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(tick_text)
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set(xlabel="odds ratio (log scale)", ylim=(-0.6, len(rows) - 0.4))


def draw_stratified_roc(entries: list[dict[str, Any]], ci: str = "95% CI") -> Figure:
    figure, axes = axes_of(TWO_COLUMNS, 3.45, 2)
    for axis, entry in zip(axes, entries, strict=True):
        for i, stratum in enumerate(s for s in entry["strata"] if s["roc"]):
            _draw_curve(axis, stratum["roc"], label=_with_area(stratum["group"], stratum["auc"]), **look(i))
        _frame(axis, title=label(entry["name"]))
    legend_beneath(axes, f"apparent AUC ({ci})")
    return figure


def _scale(axis: dict[str, Any]) -> str:
    """What a scale is of, and in which power of ten its ticks are."""
    power = axis["power"]
    return f"{axis['label']}, in {tick_text(10.0**power)}" if power else str(axis["label"])


def draw_nomogram(chart: dict[str, Any]) -> Figure:
    """Axes of points one under the other: each variable's, the total's, and the probability's beneath it."""
    axes_shown = chart["axes"]
    figure, axis = axes_of(TWO_COLUMNS, 0.42 * (len(axes_shown) + 3) + 0.3)
    n = len(axes_shown)
    rows = [("Points", [(p, f"{p:g}") for p in range(0, 101, 10)], 100.0)]
    rows += [
        (_scale(a), sorted((t["points"], typeset_within(t["label"])) for t in a["ticks"]), 100.0) for a in axes_shown
    ]
    rows += [("Total points", [(t, f"{t:g}") for t in chart["totals"]], chart["most"])]
    rows += [("Probability", [(t["points"], t["label"]) for t in chart["probabilities"]], chart["most"])]
    for k, (name, ticks, most) in enumerate(rows):
        y = -k if k <= n else -k - 0.4
        at = [points / most for points, _ in ticks]
        axis.hlines(y, min(at), max(at), color=INK, linewidth=0.8)
        has_two_sides = 0 < k <= n and not axes_shown[k - 1]["is_continuous"]
        for side in (0, 1) if has_two_sides else (0,):
            own = slice(side, None, 2 if has_two_sides else 1)
            texts = [label(text, 24, 1) if side else label(text, 15, 2) for _, text in ticks[own]]
            stand = spread(at[own], [LETTER * (max(map(len, text.split("\n"))) + 1) for text in texts], -0.025)
            sign = 1 if side else -1
            axis.add_collection(
                LineCollection(
                    [[(tick, y), (x, y + sign * 0.12)] for tick, x in zip(at[own], stand, strict=True)],
                    colors=INK,
                    linewidths=0.8,
                )
            )
            for x, text in zip(stand, texts, strict=True):
                axis.text(x, y + sign * 0.16, text, ha="center", va="bottom" if side else "top")
        axis.text(-0.03, y, label(name, 26, 2), ha="right", va="center")
    axis.set(xlim=(-0.32, 1.02), ylim=(-n - 3.2, 0.5))
    axis.axis("off")
    return figure
