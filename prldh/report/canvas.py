"""What all figures share: colours, axes, panels, bands."""

from __future__ import annotations

from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

#: Okabe and Ito's palette: told apart by the colour-blind.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8c6d31")
STYLES = ("-", "--", "-.", ":")
STYLE = {
    "font.family": "DejaVu Sans", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8,
    "legend.frameon": False, "legend.fontsize": 7, "svg.fonttype": "path", "pdf.fonttype": 42, "svg.hashsalt": "prldh",
}
ONE_COLUMN, TWO_COLUMNS = 3.5, 7.2  # inches


def look(i: int) -> dict[str, Any]:
    return {"color": COLOURS[i % len(COLOURS)], "linestyle": STYLES[(i // len(COLOURS)) % len(STYLES)]}


def axes_of(width: float = ONE_COLUMN, height: float = 3.2, columns: int = 1):
    figure, axes = plt.subplots(1, columns, figsize=(width, height), layout="constrained")
    return figure, axes


def panels_of(n: int, width: float, height: float, **kwargs: Any):
    """A grid of n axes, at most three a row."""
    columns = min(n, 3)
    rows = -(-n // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(max(width * columns, 3.5), height * rows), layout="constrained", squeeze=False, **kwargs)
    for axis in axes.flat[n:]:
        axis.set_visible(False)
    return figure, list(axes.flat[:n]), columns


def draw_band(axis: Any, rows: list[dict[str, Any]], x: str, low: str, high: str, colour: str) -> None:
    """A pointwise band, left out where it has no limits."""
    known = [p[low] is not None and p[high] is not None if low in p else False for p in rows]
    if any(known):
        nan = float("nan")
        limits = [[p[k] if ok else nan for p, ok in zip(rows, known, strict=True)] for k in (low, high)]
        axis.fill_between([p[x] for p in rows], *limits, color=colour, alpha=0.15, linewidth=0)
