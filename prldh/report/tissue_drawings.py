"""Drawing of patients and tissues: who is analysed, Radscores, how they were selected. Draws what ``results.json``
holds and computes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from prldh.core import plain
from prldh.pages import (
    INK,
    ON_DARK,
    ON_LIGHT,
    ONE_COLUMN,
    TWO_COLUMNS,
    axes_of,
    colour,
    grid_of,
    is_grey,
    label,
    legend_below,
    look,
    panels_of,
    put_level,
    tick_text,
    typeset,
)
from prldh.report.boxes import BETWEEN, NARROW, Box, fitted, join, join_down, page_of, put_box

#: Numbers stand in the cells of a heat map of up to so many features.
MOST_NUMBERED = 12
#: Lines of text that a page holds beside each other.
MOST_LINES = 56


def draw_flow(flow: dict[str, Any]) -> Figure:
    """Boxes from the patients read to events and non-events, with those left out beside, in one column of a page."""
    has_aside = bool(flow["n_excluded"])
    edge, half = 1.0, NARROW / 2
    wide, room = half - 4, half - 6
    left, right = edge + wide / 2, NARROW - edge - wide / 2
    centre = left if has_aside else half
    aside = [f"Left out: n = {flow['n_excluded']}"] if has_aside else []
    for reason, n in flow["reasons"] if has_aside else ():
        aside += fitted(f"{label(reason, 200, 1)}: {n}", room)
    read = Box(fitted(f"Patients in the table: n = {flow['n_read']}", wide), centre, 4, wide)
    left_out = Box(tuple(aside), NARROW - edge - room / 2, read.bottom + BETWEEN / 2, room, is_left=True)
    analysed_top = left_out.bottom + BETWEEN / 2 if has_aside else read.bottom + BETWEEN
    analysed = Box(fitted(f"Analysed: n = {flow['n']}", wide), centre, analysed_top, wide)
    groups = [
        Box(fitted(f"{name}: n = {n}", wide), x, analysed.bottom + BETWEEN, wide)
        for x, name, n in (
            (left, flow["event"], flow["events"]),
            (right, flow["non_event"], flow["n"] - flow["events"]),
        )
    ]
    boxes = [read, analysed, *groups, *([left_out] if has_aside else [])]
    figure, axis = page_of(max(box.bottom for box in boxes) + 4, NARROW)
    for box in boxes:
        put_box(axis, box)
    join_down(axis, read, analysed)
    for box in groups:
        join_down(axis, analysed, box)
    if has_aside:
        join(axis, (centre, left_out.middle), (left_out.x - left_out.width / 2, left_out.middle))
    return figure


def draw_agreement(cases: list[dict[str, Any]], agreement: dict[str, Any]) -> Figure:
    """Every case in ascending order, beside the median."""
    shown = [
        (key, title)
        for key, title in (("dice", "Dice similarity coefficient"), ("hd95_mm", "95% Hausdorff distance, mm"))
        if key in agreement
    ]
    figure, axes = grid_of(1, len(shown), TWO_COLUMNS, 2.2)
    for axis, (key, title) in zip(axes[0], shown, strict=True):
        values = sorted(v for c in cases if (v := c[key]) is not None and v < float("inf"))
        axis.plot(range(1, len(values) + 1), values, linestyle="", marker="o", markersize=2.5, color=look(0)["color"])
        put_level(axis, "median", y=agreement[key]["median"], color=INK, linestyle="--")
        axis.set(xlabel="regions, in ascending order", ylabel=title)
    legend_below(figure, axes[0])
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
    put_level(axis, "cutoff" if tissue["cutoff"] is not None else "0", y=base, color=INK)
    axis.set(xlabel="patients, by Radscore", ylabel="Radscore", xlim=(-1, len(scores)))
    axis.set_xticks([])
    axis.legend(loc="upper left")


def draw_contributions(base: float, patients: list[dict[str, Any]]) -> Figure:
    """A panel a patient: bars from the average Radscore to the patient's, the features that weigh most first."""
    figure, axes, _ = panels_of(len(patients), 0.6 + 0.2 * (1 + max(len(p["features"]) for p in patients)))
    for axis, patient in zip(axes, patients, strict=True):
        steps = [*patient["features"].items(), *([("all others", patient["others"])] if patient["others"] else [])]
        at = base
        for k, (_, added) in enumerate(steps):
            name = "raises the score" if added > 0 else "lowers the score"
            axis.barh(k, added, left=at, height=0.7, color=colour(int(added > 0)), linewidth=0, label=name)
            at += added
        put_level(axis, "average patient", x=base)
        axis.set_yticks(range(len(steps)), [label(feature, 20, 1) for feature, _ in steps])
        axis.use_sticky_edges = False
        axis.margins(x=0.06)
        axis.autoscale_view(scaley=False)
        axis.set(
            ylim=(len(steps) - 0.5, -0.5),
            xlabel="log odds",
            title=f"{label(patient['id'], 20, 1)}: {typeset(plain(patient['value']))}",
        )
    legend_below(figure, axes, 3)
    return figure


def draw_funnel(steps: list[dict[str, Any]], short_label: Callable[[str], str]) -> Figure:
    """How many features each step left; ``short_label``: what a step is called."""
    sources = list(dict.fromkeys(s["source"] for s in steps))
    width = ONE_COLUMN if len(sources) == 1 else TWO_COLUMNS
    figure, axes = grid_of(1, len(sources), width, 2.4)
    for axis, source in zip(axes[0], sources, strict=True):
        own = [s for s in steps if s["source"] == source]
        labels, counts = (
            ["read", *(short_label(s["name"]) for s in own)],
            [own[0]["n_in"], *(s["n_out"] for s in own)],
        )
        axis.barh(range(len(counts)), [max(c, 0.5) for c in counts], color=colour(5))
        for y, c in enumerate(counts):
            axis.text(max(c, 0.5), y, f" {c}", va="center")
        axis.set_yticks(range(len(counts)), labels)
        axis.invert_yaxis()
        axis.set_xscale("log")
        axis.minorticks_off()  # a log scale's are many, and take as long as all else
        axis.xaxis.set_major_formatter(tick_text)
        axis.set(xlabel="features (log scale)", title=label(source), xlim=(0.5, max(counts) * 4))
    return figure


def draw_correlation(features: list[str], r: list[list[float]]) -> Figure:
    """A heat map of Pearson's r, blue for negative and red for positive; in grey by |r|, the sign in the cell."""
    k = len(features)
    figure, axis = axes_of(TWO_COLUMNS, min(0.26 * k + 1.1, 9))
    shown = [[abs(v) for v in row] for row in r] if is_grey() else r
    mesh = axis.pcolormesh(
        shown,
        cmap="Greys" if is_grey() else "RdBu_r",
        vmin=0 if is_grey() else -1,
        vmax=1,
        edgecolors=ON_DARK,
        linewidth=0.3,
    )
    if k <= MOST_NUMBERED:
        for i, row in enumerate(r):
            for j, value in enumerate(row):
                axis.text(
                    j + 0.5,
                    i + 0.5,
                    typeset(f"{value:.2f}"),
                    ha="center",
                    va="center",
                    color=ON_DARK if abs(value) > 0.6 else ON_LIGHT,
                )
    every = -(-k // MOST_LINES)  # one size of type: of very many features, some are named
    numbered = range(0, k, every)
    axis.set_xticks(
        [i + 0.5 for i in numbered], [str(i + 1) if i % (4 * every) == 0 or k <= 20 else "" for i in numbered]
    )
    axis.set_yticks([i + 0.5 for i in numbered], [f"{label(features[i], 44, 1)}  {i + 1}" for i in numbered])
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
    figure, axis = axes_of(TWO_COLUMNS, 0.18 * max(len(top), 3) + 0.7)
    for is_kept, name in ((True, "in the model"), (False, "not in it")):
        own = [(y, share) for y, (feature, share) in enumerate(top) if (feature in selection["features"]) == is_kept]
        if own:
            axis.barh([y for y, _ in own], [share for _, share in own], color=colour(1 if is_kept else 5), label=name)
    axis.set_yticks(range(len(top)), [label(f, 44, 1) for f, _ in top])
    axis.invert_yaxis()
    axis.set(xlabel=f"share of {stability['n_resamples']} resamples ({label_of_scheme})", xlim=(0, 1))
    legend_below(figure, [axis])
    return figure
