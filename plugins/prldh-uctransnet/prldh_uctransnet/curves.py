"""The curves of a training run."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

#: Okabe and Ito's vermilion, blue and green: told apart by every kind of colour vision.
COLOURS = ("#D55E00", "#0072B2", "#009E73")


def draw_curves(history: Sequence[Mapping[str, float]], best_epoch: int) -> bytes:
    """SVG of training and validation loss, and of the validation Dice, by epoch; a line marks the epoch that is
    kept."""
    from matplotlib import style

    with style.context(["default", {"svg.hashsalt": "prldh"}]):  # whatever a notebook has set
        return _draw(history, best_epoch)


def _draw(history: Sequence[Mapping[str, float]], best_epoch: int) -> bytes:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    FigureCanvasSVG(figure)
    losses, dice = figure.subplots(1, 2)
    epochs = [h["epoch"] for h in history]
    lines = (
        (losses, "loss", "training"),
        (losses, "validation_loss", "validation"),
        (dice, "validation_dice", "validation"),
    )
    for (axes, key, label), colour, marker in zip(lines, COLOURS, ".xs", strict=True):
        axes.plot(epochs, [h[key] for h in history], color=colour, marker=marker, markersize=4, label=label, gid=key)
    for axes, title in ((losses, "Loss (BCE + Dice)"), (dice, "Dice, mean over patients")):
        axes.axvline(best_epoch, color="0.5", linestyle=":", label=f"kept: epoch {best_epoch}")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=8)
    dice.set_ylim(0, 1)
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
