"""Drawing of models: ROC, calibration, decision and impact curves, forests. Draws what ``results.json`` holds and computes nothing."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from prldh.report.canvas import COLOURS, TWO_COLUMNS, axes_of, draw_band, look, panels_of
from prldh.report.format import plain


def draw_roc(models: list[dict[str, Any]]) -> Figure:
    figure, axis = axes_of(4.2, 4.2)
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    for i, m in enumerate(models):
        auc = m["auc"]
        label = f"{m['name']}: {plain(auc['estimate'])} ({plain(auc['low'])}, {plain(auc['high'])})"
        axis.plot([1 - p["specificity"] for p in m["roc"]], [p["sensitivity"] for p in m["roc"]], label=label, **look(i))
        held = m["validation"].get("pipeline", {}).get("folds", {}).get("roc")
        if held:
            axis.plot([1 - p["specificity"] for p in held], [p["sensitivity"] for p in held], color=COLOURS[i % len(COLOURS)], linestyle=":", linewidth=0.9)
    axis.set(xlabel="1 – specificity", ylabel="sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axis.legend(loc="lower right", title="apparent AUC (95% CI)", title_fontsize=7)
    return figure


def draw_partial(models: list[dict[str, Any]]) -> Figure:
    figure, axes = axes_of(TWO_COLUMNS, 3.2, 2)
    for axis, focus in zip(axes, ("sensitivity", "specificity"), strict=True):
        first = models[0]["pauc"][focus]
        for i, m in enumerate(models):
            label = f"{m['name']}: {m['pauc'][focus]['estimate']:.3f}"
            axis.plot([1 - p["specificity"] for p in m["roc"]], [p["sensitivity"] for p in m["roc"]], label=label, **look(i))
        axis.set(xlabel="1 – specificity", ylabel="sensitivity", title=f"{focus} {first['from']:g}–{first['to']:g}")
        axis.locator_params(nbins=5)
        if focus == "sensitivity":
            axis.set(xlim=(0, 1), ylim=(first["to"], first["from"]))
        else:
            axis.set(xlim=(1 - first["from"], 1 - first["to"]), ylim=(0, 1))
        axis.legend(loc="lower right", title="partial area", title_fontsize=7)
    return figure


def draw_calibration(models: list[tuple[str, dict[str, Any]]]) -> Figure:
    figure, axes, columns = panels_of(len(models), 2.5, 2.7, sharex=True, sharey=True)
    for i, (axis, (name, found)) in enumerate(zip(axes, models, strict=True)):
        curve, colour = found["curve"], COLOURS[i % len(COLOURS)]
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
        x, y = [p["predicted"] for p in curve], [p["observed"] for p in curve]
        if found["method"] == "groups":
            for p in curve:
                if p.get("low") is not None:
                    axis.plot([p["predicted"]] * 2, [p["low"], p["high"]], color=colour, linewidth=1)
            axis.plot(x, y, color=colour, marker="o", markersize=3)
        else:
            draw_band(axis, curve, "predicted", "low", "high", colour)
            axis.plot(x, y, color=colour)
        axis.set_title(name, fontsize=8)
        axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="predicted probability", ylabel="observed share" if i % columns == 0 else None)
        axis.set_box_aspect(1)
    return figure


def draw_decision(models: list[tuple[str, list[dict[str, Any]]]]) -> Figure:
    """All models in one panel, then each with its band in one of its own."""
    figure, axes, columns = panels_of(1 if len(models) == 1 else len(models) + 1, 2.7, 2.5, sharex=True, sharey=True)
    groups = [models] if len(models) == 1 else [models, *([m] for m in models)]
    for k, (axis, shown) in enumerate(zip(axes, groups, strict=True)):
        curve = models[0][1]
        axis.plot([p["threshold"] for p in curve], [p["all"] for p in curve], color="0.6", linewidth=0.9, label="treat all")
        axis.axhline(0, color="0.2", linewidth=0.9, label="treat none")
        for name, rows in shown:
            i = [n for n, _ in models].index(name)
            axis.plot([p["threshold"] for p in rows], [p["net_benefit"] for p in rows], label=name, **look(i))
            if len(shown) == 1:
                draw_band(axis, rows, "threshold", "low", "high", COLOURS[i % len(COLOURS)])
                axis.set_title(name, fontsize=8)
        axis.set(xlabel="threshold probability", ylabel="net benefit" if k % columns == 0 else None)
    top = max((p["net_benefit"] for _, rows in models for p in rows if p["net_benefit"] is not None), default=0.0)
    axes[0].set_ylim(-0.25 * max(top, 0.05), 1.3 * max(top, 0.05))
    axes[0].legend(loc="upper right", fontsize=6)
    return figure


def draw_differences(differences: list[dict[str, Any]]) -> Figure:
    figure, axes, columns = panels_of(len(differences), 2.5, 2.2, sharex=True, sharey=True)
    for i, (axis, found) in enumerate(zip(axes, differences, strict=True)):
        axis.axhline(0, color="0.5", linewidth=0.8)
        draw_band(axis, found["curve"], "threshold", "low", "high", COLOURS[0])
        axis.plot([p["threshold"] for p in found["curve"]], [p["difference"] for p in found["curve"]], color=COLOURS[0])
        axis.set_title(f"{found['a']}\n− {found['b']}", fontsize=7)
        axis.set(xlabel="threshold probability", ylabel="difference of net benefit" if i % columns == 0 else None)
    points = sorted(abs(v) for d in differences for p in d["curve"] if p["threshold"] <= 0.9 for v in (p["low"], p["high"], p["difference"]) if v is not None)
    top = max(points[int(0.98 * (len(points) - 1))] if points else 0.0, 0.02)
    axes[0].set_ylim(-1.15 * top, 1.15 * top)
    return figure


def draw_avoided(models: list[dict[str, Any]], held: tuple[str, str] | None) -> Figure:
    panels = [("apparent", [(m["name"], m["decision_curve"]) for m in models])]
    if held:
        panels.insert(0, (f"{held[1].replace('_', '-')}, scope {held[0]}", [(m["name"], m["validation"][held[0]][held[1]]["decision_curve"]) for m in models]))
    figure, axes, _ = panels_of(len(panels), 3.4, 2.8, sharey=True)
    for axis, (title, curves) in zip(axes, panels, strict=True):
        axis.axhline(0, color="0.5", linewidth=0.8)
        for i, (name, rows) in enumerate(curves):
            known = [p for p in rows if p.get("avoided") is not None]
            axis.plot([p["threshold"] for p in known], [p["avoided"] for p in known], label=name, **look(i))
            if len(curves) <= 2:
                draw_band(axis, rows, "threshold", "avoided_low", "avoided_high", COLOURS[i % len(COLOURS)])
        axis.set(xlabel="threshold probability", title=title, ylim=(-20, 100))
    axes[0].set_ylabel("interventions avoided per 100")
    axes[-1].legend(loc="lower right")
    return figure


def draw_impact(models: list[dict[str, Any]]) -> Figure:
    figure, axes, columns = panels_of(len(models), 2.6, 2.4, sharey=True)
    for i, (axis, m) in enumerate(zip(axes, models, strict=True)):
        rows = m["clinical_impact"]
        t = [p["threshold"] for p in rows]
        for key, colour, style, name in (("high_risk", COLOURS[0], "-", "called high risk"), ("high_risk_events", COLOURS[1], "--", "events among them")):
            draw_band(axis, rows, "threshold", f"{key}_low", f"{key}_high", colour)
            axis.plot(t, [p[key] for p in rows], color=colour, linestyle=style, label=name)
        axis.set_title(m["name"], fontsize=8)
        axis.set(xlabel="threshold probability", ylabel="per 1,000" if i % columns == 0 else None)
    axes[0].legend(loc="upper right")
    return figure


def draw_forest(rows: list[dict[str, Any]]) -> Figure:
    figure, axis = axes_of(5, 0.45 * len(rows) + 0.9)
    for y, row in enumerate(reversed(rows)):
        if row["reference"]:
            axis.plot(1, y, marker="s", color="black", markersize=4)
            continue
        if row["or"] is not None:
            axis.plot(row["or"], y, marker="s", color=COLOURS[0], markersize=5)
        if row["low"] is not None and row["high"] is not None:
            axis.plot([row["low"], row["high"]], [y, y], color=COLOURS[0], linewidth=1.2)
    axis.axvline(1, color="0.6", linewidth=0.8)
    labels = [f"{r['group']}\n{r['events']}/{r['n']} events" for r in reversed(rows)]
    axis.set_yticks(range(len(rows)), labels)
    axis.set_xscale("log")
    axis.set(xlabel="odds ratio (log scale)", ylim=(-0.6, len(rows) - 0.4))
    return figure


def draw_stratified_roc(entries: list[dict[str, Any]]) -> Figure:
    figure, axes = axes_of(TWO_COLUMNS, 3.7, 2)
    for axis, entry in zip(axes, entries, strict=True):
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
        for i, stratum in enumerate(s for s in entry["strata"] if s["roc"]):
            auc = stratum["auc"]
            label = f"{stratum['group']}: {plain(auc['estimate'])} ({plain(auc['low'])}, {plain(auc['high'])})"
            axis.plot([1 - p["specificity"] for p in stratum["roc"]], [p["sensitivity"] for p in stratum["roc"]], label=label, **look(i))
        axis.set(xlabel="1 – specificity", ylabel="sensitivity", title=entry["name"], xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        if any(s["roc"] for s in entry["strata"]):
            axis.legend(loc="lower right", title="apparent AUC (95% CI)", title_fontsize=7)
    return figure
