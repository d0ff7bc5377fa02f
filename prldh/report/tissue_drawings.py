"""Drawing of tissues: Radscores and how they were selected. Draws what ``results.json`` holds and computes nothing."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prldh.report.canvas import COLOURS, ONE_COLUMN, TWO_COLUMNS, axes_of, look


def draw_waterfall(tissue: dict[str, Any]) -> Figure:
    figure, axis = axes_of(TWO_COLUMNS, 2.4)
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
    figure, axis = axes_of(ONE_COLUMN, 2.4)
    axis.plot(curve["sizes"], curve["mean"], marker="o", markersize=2.5, color=COLOURS[0])
    axis.axvline(chosen, color=COLOURS[1], linestyle="--", linewidth=0.9, label=f"chosen: {chosen}")
    axis.set(xlabel="number of features", ylabel=ylabel)
    axis.legend()
    return figure


def draw_lasso(lasso: dict[str, Any]) -> Figure:
    figure, axes = axes_of(TWO_COLUMNS, 2.6, 2)
    for i, (name, path) in enumerate(lasso["path"].items()):
        axes[0].plot(lasso["lambda"][: len(path)], path, label=name if len(lasso["path"]) <= 6 else None, **look(i))
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
    figure, axis = axes_of(TWO_COLUMNS, 0.17 * max(len(top), 3) + 0.7)
    for y, (feature, share) in enumerate(top):
        axis.barh(y, share, color=COLOURS[1] if feature in selection["features"] else COLOURS[5])
    axis.set_yticks(range(len(top)), [f for f, _ in top], fontsize=6)
    axis.invert_yaxis()
    axis.set(xlabel=f"share of {found['n_resamples']} resamples ({scheme.replace('_', '-')}); orange: in the model", xlim=(0, 1))
    return figure
