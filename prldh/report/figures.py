"""Figures. They draw what ``results.json`` holds and compute nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prldh.report.format import plain
from prldh.summary import HONEST

#: Okabe and Ito's palette: told apart by the colour-blind.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8c6d31")
STYLES = ("-", "--", "-.", ":")
STYLE = {
    "font.family": "DejaVu Sans", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8,
    "legend.frameon": False, "legend.fontsize": 7, "svg.fonttype": "path", "pdf.fonttype": 42, "svg.hashsalt": "prldh",
}
ONE_COLUMN, TWO_COLUMNS = 3.5, 7.2  # inches


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn: its file name, title, a description for those who do not see it, and how."""

    name: str
    title: str
    description: str
    draw: Callable[[], Figure]
    is_wide: bool = False


def write_figures(data: dict[str, Any], folder: Path) -> dict[str, dict[str, Any]]:
    """Draw every figure once and write it as SVG, PDF and PNG (300 dpi).

    Returns
    -------
    dict
        By name: title, description, whether it is wide, and the SVG element for the report.
    """
    folder.mkdir(exist_ok=True)
    found = {}
    for drawing in plan_figures(data):
        with _figure(drawing) as figure:
            for suffix, metadata in (("svg", {"Date": None}), ("pdf", {"CreationDate": None}), ("png", None)):
                figure.savefig(folder / f"{drawing.name}.{suffix}", dpi=300, metadata=metadata)
        svg = (folder / f"{drawing.name}.svg").read_text(encoding="utf-8")
        found[drawing.name] = {"title": drawing.title, "description": drawing.description, "is_wide": drawing.is_wide, "svg": _as_element(svg, drawing.name)}
    return found


def _as_element(text: str, name: str) -> str:
    """An SVG file's element, with ids that are unique in a page that holds several figures."""
    text = text[text.index("<svg") :]
    text = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', text)
    return re.sub(r'(href="#|url\(#)([^")]+)', rf"\g<1>{name}-\2", text)


@contextmanager
def _figure(drawing: Drawing) -> Iterator[Figure]:
    with plt.rc_context(STYLE):
        figure = drawing.draw()
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not for every format
        try:
            yield figure
        finally:
            plt.close(figure)


def plan_figures(data: dict[str, Any]) -> list[Drawing]:
    """The figures that these results allow, in the report's order."""
    found: list[Drawing] = []
    for name, tissue in data["tissues"].items():
        found += _tissue_figures(name, tissue)
    for adjusted in (False, True):
        models = [m for m in data["models"] if m["adjusted"] == adjusted]
        if models:
            found += _model_figures(models, "adjusted" if adjusted else "unadjusted", data.get("net_benefit_differences", []))
    if data["interaction"]:
        entries = data["interaction"].get("stratified_roc")
        if entries:
            found.append(Drawing("stratified_roc", "ROC curves within the other tissue's groups", "Each Radscore's apparent ROC curve among patients high and low in the other.", lambda: draw_stratified_roc(entries), is_wide=True))
        for kind in ("unadjusted", "adjusted"):
            rows = data["interaction"].get(kind)
            if rows:
                found.append(Drawing(f"interaction_{kind}", f"Odds ratios of the groups, {kind}", f"Forest plot of the four groups' odds ratios against {data['interaction']['reference']}.", lambda r=rows: draw_forest(r)))
    return found


def slug(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)[:40]


def _tissue_figures(name: str, tissue: dict[str, Any]) -> list[Drawing]:
    stem = slug(name)
    found = [Drawing(f"scores_{stem}", f"{name}: Radscore by patient", f"Every patient's {name} Radscore in ascending order, coloured by outcome, with the cutoff.", lambda: draw_waterfall(tissue), is_wide=True)]
    if not tissue["selection"]:
        return found
    if tissue["selection"]["steps"]:
        found.append(Drawing(f"funnel_{stem}", f"{name}: features left after each step", "Bars: how many features each selection step left, by source.", lambda: draw_funnel(tissue["selection"]["steps"]), is_wide=True))
    for step in tissue["selection"]["steps"]:
        details, source = step["details"], slug(step["source"])
        if step["name"] == "mrmr_forest" and details.get("curve"):
            found.append(Drawing(f"forest_{stem}_{source}", f"{name}, {step['source']}: random forest by number of features", "Mean AUC over inner folds by number of features in mRMR order.", lambda d=details: draw_size_curve(d["curve"], d["chosen_size"], "AUC in inner folds")))
        if step["name"] == "lasso_svm_rfe" and details.get("lasso"):
            found.append(Drawing(f"lasso_{stem}_{source}", f"{name}, {step['source']}: LASSO", "Left: coefficients along lambda. Right: cross-validated deviance with lambda.min.", lambda d=details: draw_lasso(d["lasso"]), is_wide=True))
        if step["name"] == "lasso_svm_rfe" and details.get("svm_rfe"):
            found.append(Drawing(f"svm_rfe_{stem}_{source}", f"{name}, {step['source']}: SVM-RFE", "Accuracy in inner folds by number of features.", lambda d=details: draw_size_curve(d["svm_rfe"], d["svm_rfe"]["chosen_size"], "accuracy in inner folds")))
    if tissue["selection"]["stability"]:
        found.append(Drawing(f"stability_{stem}", f"{name}: how often each feature was selected", "Share of resamples in which each feature was selected.", lambda: draw_stability(tissue["selection"]), is_wide=True))
    return found


def _model_figures(models: list[dict[str, Any]], kind: str, differences: list[dict[str, Any]]) -> list[Drawing]:
    held = _lead_scheme(models)
    of = f"predictions of {held[1].replace('_', '-')}, scope {held[0]}" if held else ""
    found = [
        Drawing(f"roc_{kind}", f"ROC curves, {kind}", "Apparent ROC curves of the models (solid), with the curve of held-out predictions of the whole chain where there is one (dotted).", lambda: draw_roc(models)),
        Drawing(f"partial_roc_{kind}", f"Partial ROC curves, {kind}", "The parts of the ROC curves at high sensitivity and at high specificity.", lambda: draw_partial(models), is_wide=True),
        Drawing(f"calibration_{kind}", f"Calibration, {kind}, apparent", "Observed share of events by predicted probability with pointwise 95% bands; the diagonal is perfect calibration.", lambda: draw_calibration([(m["name"], m["calibration"]) for m in models]), is_wide=True),
        Drawing(f"decision_{kind}", f"Decision curves, {kind}, apparent", "Net benefit by threshold probability, with treat-all and treat-none, and pointwise 95% bands.", lambda: draw_decision([(m["name"], m["decision_curve"]) for m in models]), is_wide=True),
        Drawing(f"avoided_{kind}", f"Net interventions avoided, {kind}", "Per 100 patients, by threshold probability, without letting more events go untreated than treating everyone.", lambda: draw_avoided(models, held), is_wide=True),
        Drawing(f"impact_{kind}", f"Clinical impact, {kind}", "Numbers per 1,000 patients called high risk, and events among them, by threshold, with pointwise 95% bands.", lambda: draw_impact(models), is_wide=True),
    ]
    if held:
        scope, scheme = held
        curves = [(m["name"], m["validation"][scope][scheme]) for m in models]
        found.append(Drawing(f"decision_held_out_{kind}", f"Decision curves, {kind}, held out", f"Net benefit by threshold probability of {of}, with pointwise 95% bands.", lambda: draw_decision([(n, v["decision_curve"]) for n, v in curves]), is_wide=True))
        if all("calibration" in v for _, v in curves):
            found.append(Drawing(f"calibration_held_out_{kind}", f"Calibration, {kind}, held out", f"Observed share of events by predicted probability with pointwise 95% bands; {of}.", lambda: draw_calibration([(n, v["calibration"]) for n, v in curves]), is_wide=True))
        own = [d for d in differences if d["adjusted"] == models[0]["adjusted"] and (d["scope"], d["scheme"]) == held]
        if own:
            found.append(Drawing(f"difference_{kind}", f"Differences of net benefit, {kind}", f"Net benefit of the first model less that of the second, by threshold probability, with pointwise 95% bands; {of}.", lambda: draw_differences(own[:9]), is_wide=True))
    return found


def _lead_scheme(models: list[dict[str, Any]]) -> tuple[str, str] | None:
    """The most honest scope and scheme that every one of these models has."""
    return next((pair for pair in HONEST if all(pair[1] in m["validation"].get(pair[0], {}) for m in models)), None)


def _look(i: int) -> dict[str, Any]:
    return {"color": COLOURS[i % len(COLOURS)], "linestyle": STYLES[(i // len(COLOURS)) % len(STYLES)]}


def _axes(width: float = ONE_COLUMN, height: float = 3.2, columns: int = 1):
    figure, axes = plt.subplots(1, columns, figsize=(width, height), layout="constrained")
    return figure, axes


def draw_roc(models: list[dict[str, Any]]) -> Figure:
    figure, axis = _axes(4.2, 4.2)
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    for i, m in enumerate(models):
        auc = m["auc"]
        label = f"{m['name']}: {plain(auc['estimate'])} ({plain(auc['low'])}, {plain(auc['high'])})"
        axis.plot([1 - p["specificity"] for p in m["roc"]], [p["sensitivity"] for p in m["roc"]], label=label, **_look(i))
        held = m["validation"].get("pipeline", {}).get("folds", {}).get("roc")
        if held:
            axis.plot([1 - p["specificity"] for p in held], [p["sensitivity"] for p in held], color=COLOURS[i % len(COLOURS)], linestyle=":", linewidth=0.9)
    axis.set(xlabel="1 – specificity", ylabel="sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axis.legend(loc="lower right", title="apparent AUC (95% CI)", title_fontsize=7)
    return figure


def draw_partial(models: list[dict[str, Any]]) -> Figure:
    figure, axes = _axes(TWO_COLUMNS, 3.2, 2)
    first = models[0]["pauc"]["sensitivity"]
    for axis, focus in zip(axes, ("sensitivity", "specificity"), strict=True):
        for i, m in enumerate(models):
            label = f"{m['name']}: {m['pauc'][focus]['estimate']:.3f}"
            axis.plot([1 - p["specificity"] for p in m["roc"]], [p["sensitivity"] for p in m["roc"]], label=label, **_look(i))
        axis.set(xlabel="1 – specificity", ylabel="sensitivity", title=f"{focus} {first['from']:g}–{first['to']:g}")
        axis.locator_params(nbins=5)
        if focus == "sensitivity":
            axis.set(xlim=(0, 1), ylim=(first["to"], 1.0))
        else:
            axis.set(xlim=(0, 1 - first["to"]), ylim=(0, 1))
        axis.legend(loc="lower right", title="partial area", title_fontsize=7)
    return figure


def _panels(n: int, width: float, height: float, **kwargs: Any):
    """A grid of n axes, at most three a row."""
    columns = min(n, 3)
    rows = -(-n // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(max(width * columns, 3.5), height * rows), layout="constrained", squeeze=False, **kwargs)
    for axis in axes.flat[n:]:
        axis.set_visible(False)
    return figure, list(axes.flat[:n]), columns


def _band(axis: Any, rows: list[dict[str, Any]], x: str, low: str, high: str, colour: str) -> None:
    """A pointwise band, left out where it has no limits."""
    known = [p[low] is not None and p[high] is not None if low in p else False for p in rows]
    if any(known):
        nan = float("nan")
        limits = [[p[k] if ok else nan for p, ok in zip(rows, known, strict=True)] for k in (low, high)]
        axis.fill_between([p[x] for p in rows], *limits, color=colour, alpha=0.15, linewidth=0)


def draw_calibration(models: list[tuple[str, dict[str, Any]]]) -> Figure:
    figure, axes, columns = _panels(len(models), 2.5, 2.7, sharex=True, sharey=True)
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
            _band(axis, curve, "predicted", "low", "high", colour)
            axis.plot(x, y, color=colour)
        axis.set_title(name, fontsize=8)
        axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="predicted probability", ylabel="observed share" if i % columns == 0 else None)
        axis.set_box_aspect(1)
    return figure


def draw_decision(models: list[tuple[str, list[dict[str, Any]]]]) -> Figure:
    """All models in one panel, then each with its band in one of its own."""
    figure, axes, columns = _panels(1 if len(models) == 1 else len(models) + 1, 2.7, 2.5, sharex=True, sharey=True)
    groups = [models] if len(models) == 1 else [models, *([m] for m in models)]
    for k, (axis, shown) in enumerate(zip(axes, groups, strict=True)):
        curve = models[0][1]
        axis.plot([p["threshold"] for p in curve], [p["all"] for p in curve], color="0.6", linewidth=0.9, label="treat all")
        axis.axhline(0, color="0.2", linewidth=0.9, label="treat none")
        for name, rows in shown:
            i = [n for n, _ in models].index(name)
            axis.plot([p["threshold"] for p in rows], [p["net_benefit"] for p in rows], label=name, **_look(i))
            if len(shown) == 1:
                _band(axis, rows, "threshold", "low", "high", COLOURS[i % len(COLOURS)])
                axis.set_title(name, fontsize=8)
        axis.set(xlabel="threshold probability", ylabel="net benefit" if k % columns == 0 else None)
    top = max((p["net_benefit"] for _, rows in models for p in rows if p["net_benefit"] is not None), default=0.0)
    axes[0].set_ylim(-0.25 * max(top, 0.05), 1.3 * max(top, 0.05))
    axes[0].legend(loc="upper right", fontsize=6)
    return figure


def draw_differences(differences: list[dict[str, Any]]) -> Figure:
    figure, axes, columns = _panels(len(differences), 2.5, 2.2, sharex=True, sharey=True)
    for i, (axis, found) in enumerate(zip(axes, differences, strict=True)):
        axis.axhline(0, color="0.5", linewidth=0.8)
        _band(axis, found["curve"], "threshold", "low", "high", COLOURS[0])
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
    figure, axes, _ = _panels(len(panels), 3.4, 2.8, sharey=True)
    for axis, (title, curves) in zip(axes, panels, strict=True):
        axis.axhline(0, color="0.5", linewidth=0.8)
        for i, (name, rows) in enumerate(curves):
            known = [p for p in rows if p.get("avoided") is not None]
            axis.plot([p["threshold"] for p in known], [p["avoided"] for p in known], label=name, **_look(i))
            if len(curves) <= 2:
                _band(axis, rows, "threshold", "avoided_low", "avoided_high", COLOURS[i % len(COLOURS)])
        axis.set(xlabel="threshold probability", title=title, ylim=(-20, 100))
    axes[0].set_ylabel("interventions avoided per 100")
    axes[-1].legend(loc="lower right")
    return figure


def draw_impact(models: list[dict[str, Any]]) -> Figure:
    figure, axes, columns = _panels(len(models), 2.6, 2.4, sharey=True)
    for i, (axis, m) in enumerate(zip(axes, models, strict=True)):
        rows = m["clinical_impact"]
        t = [p["threshold"] for p in rows]
        for key, colour, style, name in (("high_risk", COLOURS[0], "-", "called high risk"), ("high_risk_events", COLOURS[1], "--", "events among them")):
            _band(axis, rows, "threshold", f"{key}_low", f"{key}_high", colour)
            axis.plot(t, [p[key] for p in rows], color=colour, linestyle=style, label=name)
        axis.set_title(m["name"], fontsize=8)
        axis.set(xlabel="threshold probability", ylabel="per 1,000" if i % columns == 0 else None)
    axes[0].legend(loc="upper right")
    return figure


def draw_forest(rows: list[dict[str, Any]]) -> Figure:
    figure, axis = _axes(5, 0.45 * len(rows) + 0.9)
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
    figure, axes = _axes(TWO_COLUMNS, 3.7, 2)
    for axis, entry in zip(axes, entries, strict=True):
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
        for i, stratum in enumerate(s for s in entry["strata"] if s["roc"]):
            auc = stratum["auc"]
            label = f"{stratum['group']}: {plain(auc['estimate'])} ({plain(auc['low'])}, {plain(auc['high'])})"
            axis.plot([1 - p["specificity"] for p in stratum["roc"]], [p["sensitivity"] for p in stratum["roc"]], label=label, **_look(i))
        axis.set(xlabel="1 – specificity", ylabel="sensitivity", title=entry["name"], xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axis.legend(loc="lower right", title="apparent AUC (95% CI)", title_fontsize=7)
    return figure


def draw_waterfall(tissue: dict[str, Any]) -> Figure:
    figure, axis = _axes(TWO_COLUMNS, 2.4)
    scores = sorted(tissue["scores"], key=lambda s: s["value"])
    base = tissue["cutoff"] if tissue["cutoff"] is not None else 0.0
    for outcome, colour, label in ((0, COLOURS[0], "no event"), (1, COLOURS[1], "event")):
        x = [k for k, s in enumerate(scores) if s["outcome"] == outcome]
        axis.bar(x, [scores[k]["value"] - base for k in x], bottom=base, width=1.0, color=colour, label=label)
    axis.axhline(base, color="black", linewidth=0.7)
    axis.set(xlabel="patients, by Radscore", ylabel="Radscore (from the cutoff)", xlim=(-1, len(scores)))
    axis.set_xticks([])
    axis.legend(loc="upper left")
    return figure


def draw_funnel(steps: list[dict[str, Any]]) -> Figure:
    sources = list(dict.fromkeys(s["source"] for s in steps))
    figure, axes = plt.subplots(1, len(sources), figsize=(3.6 * len(sources), 2.2), layout="constrained", squeeze=False)
    for axis, source in zip(axes[0], sources, strict=True):
        own = [s for s in steps if s["source"] == source]
        labels, counts = ["read", *(s["name"] for s in own)], [own[0]["n_in"], *(s["n_out"] for s in own)]
        axis.barh(range(len(counts)), [max(c, 0.5) for c in counts], color=COLOURS[5])
        for y, c in enumerate(counts):
            axis.text(max(c, 0.5), y, f" {c}", va="center", fontsize=7)
        axis.set_yticks(range(len(counts)), labels)
        axis.invert_yaxis()
        axis.set_xscale("log")
        axis.set(xlabel="features (log scale)", title=source, xlim=(0.5, max(counts) * 4))
    return figure


def draw_size_curve(curve: dict[str, Any], chosen: int, ylabel: str) -> Figure:
    figure, axis = _axes(ONE_COLUMN, 2.4)
    axis.plot(curve["sizes"], curve["mean"], marker="o", markersize=2.5, color=COLOURS[0])
    axis.axvline(chosen, color=COLOURS[1], linestyle="--", linewidth=0.9, label=f"chosen: {chosen}")
    axis.set(xlabel="number of features", ylabel=ylabel)
    axis.legend()
    return figure


def draw_lasso(lasso: dict[str, Any]) -> Figure:
    figure, axes = _axes(TWO_COLUMNS, 2.6, 2)
    for i, (name, path) in enumerate(lasso["path"].items()):
        axes[0].plot(lasso["lambda"][: len(path)], path, label=name if len(lasso["path"]) <= 6 else None, **_look(i))
    axes[0].set(ylabel="coefficient (standardised)")
    if len(lasso["path"]) <= 6:
        axes[0].legend(fontsize=5)
    mean, sd = lasso["cv_mean"], lasso["cv_sd"]
    axes[1].errorbar(lasso["lambda"][: len(mean)], mean, yerr=[s or 0 for s in sd], fmt="o", markersize=2, linewidth=0.5, color=COLOURS[0])
    axes[1].set(ylabel="binomial deviance")
    for axis in axes:
        axis.set_xscale("log")
        axis.invert_xaxis()
        axis.axvline(lasso["lambda_min"], color=COLOURS[1], linestyle="--", linewidth=0.9)
        axis.set(xlabel="lambda (log scale)")
    return figure


def draw_stability(selection: dict[str, Any]) -> Figure:
    scheme = "bootstrap" if "bootstrap" in selection["stability"] else next(iter(selection["stability"]))
    found = selection["stability"][scheme]
    top = list(found["frequency"].items())[:20]
    figure, axis = _axes(TWO_COLUMNS, 0.17 * max(len(top), 3) + 0.7)
    for y, (feature, share) in enumerate(top):
        axis.barh(y, share, color=COLOURS[1] if feature in selection["features"] else COLOURS[5])
    axis.set_yticks(range(len(top)), [f for f, _ in top], fontsize=6)
    axis.invert_yaxis()
    axis.set(xlabel=f"share of {found['n_resamples']} resamples ({scheme.replace('_', '-')}); orange: in the model", xlim=(0, 1))
    return figure
