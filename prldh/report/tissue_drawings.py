"""Drawing of patients and tissues: who is analysed, Radscores, how they were selected. Draws what ``results.json``
holds and computes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from prldh.core import plain
from prldh.pages import (
    ONE_COLUMN,
    TWO_COLUMNS,
    axes_of,
    colour,
    is_grey,
    label,
    look,
    panels_of,
)

#: Numbers stand in the cells of a heat map of up to so many features.
MOST_NUMBERED = 14


def draw_flow(flow: dict[str, Any]) -> Figure:
    """Boxes from the patients read to events and non-events, with those left out beside."""
    reasons = flow["reasons"]
    aside = "\n".join(
        [f"Left out: n = {flow['n_excluded']}", *(f"{label(reason, 60, 2)}: {n}" for reason, n in reasons)]
    )
    height = 2.3 + 0.15 * (aside.count("\n") if flow["n_excluded"] else 0)
    figure, axis = axes_of(TWO_COLUMNS, height)
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": "black", "linewidth": 0.8}
    arrow = {"arrowstyle": "-|>", "color": "black", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
    top, middle, bottom = 0.92, 0.42, 0.08
    centre = 0.3 if flow["n_excluded"] else 0.5
    left, right = centre - 0.17, centre + 0.17
    for x, y, text in (
        (centre, top, f"Patients in the table: n = {flow['n_read']}"),
        (centre, middle, f"Analysed: n = {flow['n']}"),
        (left, bottom, f"{label(flow['event'], 40, 1)}: n = {flow['events']}"),
        (right, bottom, f"{label(flow['non_event'], 40, 1)}: n = {flow['n'] - flow['events']}"),
    ):
        axis.text(x, y, text, ha="center", va="center", bbox=box)
    lift = 0.25 / height
    axis.annotate("", (centre, middle + lift), (centre, top - lift), arrowprops=arrow)
    for x in (left, right):
        axis.annotate("", (x, bottom + lift), (centre, middle - lift), arrowprops=arrow)
    if flow["n_excluded"]:
        axis.text(0.62, (top + middle) / 2, aside, ha="left", va="center", fontsize=7, bbox=box)
        axis.annotate("", (0.6, (top + middle) / 2), (centre, (top + middle) / 2), arrowprops=arrow)
    axis.set(xlim=(0, 1), ylim=(0, 1))
    axis.axis("off")
    return figure


def draw_agreement(cases: list[dict[str, Any]], agreement: dict[str, Any]) -> Figure:
    """Every case in ascending order, beside the median."""
    shown = [
        (key, title)
        for key, title in (("dice", "Dice similarity coefficient"), ("hd95_mm", "95 % Hausdorff distance, mm"))
        if key in agreement
    ]
    figure, axes = plt.subplots(1, len(shown), figsize=(TWO_COLUMNS, 2.2), layout="constrained", squeeze=False)
    for axis, (key, title) in zip(axes[0], shown, strict=True):
        values = sorted(v for c in cases if (v := c[key]) is not None and v < float("inf"))
        axis.plot(range(1, len(values) + 1), values, linestyle="", marker="o", markersize=2.5, color=look(0)["color"])
        axis.axhline(agreement[key]["median"], color="black", linewidth=0.7, linestyle="--", label="median")
        axis.set(xlabel="regions, in ascending order", ylabel=title)
        axis.legend(loc="lower right")
    return figure


def draw_waterfall(tissue: dict[str, Any]) -> Figure:
    figure, axis = axes_of(TWO_COLUMNS, 2.4)
    put_waterfall(axis, tissue)
    return figure


def put_waterfall(axis: Any, tissue: dict[str, Any]) -> None:
    scores = sorted(tissue["scores"], key=lambda s: s["value"])
    base = tissue["cutoff"] if tissue["cutoff"] is not None else 0.0
    for outcome, name in ((0, "no event"), (1, "event")):
        bars = [
            [(k - 0.5, base), (k - 0.5, s["value"]), (k + 0.5, s["value"]), (k + 0.5, base)]
            for k, s in enumerate(scores)
            if s["outcome"] == outcome
        ]
        # thousands of bars as one thing
        axis.add_collection(PolyCollection(bars, facecolors=colour(outcome), linewidths=0, label=name))
    axis.autoscale_view()
    axis.axhline(base, color="black", linewidth=0.7)
    axis.set(xlabel="patients, by Radscore", ylabel="Radscore (from the cutoff)", xlim=(-1, len(scores)))
    axis.set_xticks([])
    axis.legend(loc="upper left")


def draw_contributions(base: float, patients: list[dict[str, Any]]) -> Figure:
    """A panel a patient: bars from the average Radscore to the patient's, the features that weigh most first."""
    figure, axes, _ = panels_of(len(patients), 0.5 + 0.2 * (1 + max(len(p["features"]) for p in patients)))
    for axis, patient in zip(axes, patients, strict=True):
        steps = [*patient["features"].items(), *([("all others", patient["others"])] if patient["others"] else [])]
        at = base
        for k, (_, added) in enumerate(steps):
            axis.barh(k, added, left=at, height=0.7, color=colour(int(added > 0)), linewidth=0)
            at += added
        axis.axvline(base, color="0.6", linewidth=0.7)
        axis.set_yticks(range(len(steps)), [label(feature, 22, 1) for feature, _ in steps], fontsize=5.5)
        axis.margins(x=0.06)
        axis.autoscale_view(scaley=False)
        axis.set(ylim=(len(steps) - 0.5, -0.5), xlabel="log odds", title=f"{patient['id']}: {plain(patient['value'])}")
    return figure


def draw_funnel(steps: list[dict[str, Any]], short_label: Callable[[str], str]) -> Figure:
    """How many features each step left; ``short_label``: what a step is called."""
    sources = list(dict.fromkeys(s["source"] for s in steps))
    width = ONE_COLUMN if len(sources) == 1 else TWO_COLUMNS
    figure, axes = plt.subplots(1, len(sources), figsize=(width, 2.2), layout="constrained", squeeze=False)
    for axis, source in zip(axes[0], sources, strict=True):
        own = [s for s in steps if s["source"] == source]
        labels, counts = (
            ["read", *(short_label(s["name"]) for s in own)],
            [own[0]["n_in"], *(s["n_out"] for s in own)],
        )
        axis.barh(range(len(counts)), [max(c, 0.5) for c in counts], color=colour(5))
        for y, c in enumerate(counts):
            axis.text(max(c, 0.5), y, f" {c}", va="center", fontsize=7)
        axis.set_yticks(range(len(counts)), labels)
        axis.invert_yaxis()
        axis.set_xscale("log")
        axis.minorticks_off()  # a log scale's are many, and take as long as all else
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set(xlabel="features (log scale)", title=label(source), xlim=(0.5, max(counts) * 4))
    return figure


def draw_correlation(features: list[str], r: list[list[float]]) -> Figure:
    """A heat map of Pearson's r, blue for negative and red for positive; in grey by |r|, the sign in the cell."""
    k = len(features)
    figure, axis = axes_of(TWO_COLUMNS, min(0.24 * k + 1.1, 9))
    shown = [[abs(v) for v in row] for row in r] if is_grey() else r
    mesh = axis.pcolormesh(
        shown,
        cmap="Greys" if is_grey() else "RdBu_r",
        vmin=0 if is_grey() else -1,
        vmax=1,
        edgecolors="white",
        linewidth=0.3,
    )
    if k <= MOST_NUMBERED:
        for i, row in enumerate(r):
            for j, value in enumerate(row):
                axis.text(
                    j + 0.5,
                    i + 0.5,
                    f"{value:.2f}",
                    ha="center",
                    va="center",
                    fontsize=5.5,
                    color="white" if abs(value) > 0.6 else "black",
                )
    numbers = [str(i + 1) for i in range(k)]
    size = 6 if k <= 40 else 3
    axis.set_xticks([i + 0.5 for i in range(k)], numbers, fontsize=size)
    axis.set_yticks(
        [i + 0.5 for i in range(k)],
        [f"{label(name, 60, 1)}  {i}" for name, i in zip(features, numbers, strict=True)],
        fontsize=size,
    )
    axis.tick_params(length=0)
    axis.set_aspect("equal")
    axis.invert_yaxis()
    bar = figure.colorbar(mesh, ax=axis, label="|r|" if is_grey() else "Pearson's r", shrink=min(1.0, 0.4 + 0.05 * k))
    bar.outline.set_visible(False)
    return figure


def draw_stability(selection: dict[str, Any], scheme: str, label_of_scheme: str) -> Figure:
    """How often each feature was selected in the resamples of a scheme."""
    stability = selection["stability"][scheme]
    top = list(stability["frequency"].items())[:20]
    figure, axis = axes_of(TWO_COLUMNS, 0.17 * max(len(top), 3) + 0.7)
    for y, (feature, share) in enumerate(top):
        axis.barh(y, share, color=colour(1) if feature in selection["features"] else colour(5))
    axis.set_yticks(range(len(top)), [label(f, 60, 1) for f, _ in top], fontsize=6)
    axis.invert_yaxis()
    axis.set(
        xlabel=f"share of {stability['n_resamples']} resamples ({label_of_scheme}); dark: in the model", xlim=(0, 1)
    )
    return figure
