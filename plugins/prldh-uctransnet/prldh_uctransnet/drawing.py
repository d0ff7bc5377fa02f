"""A heat map on its picture, as PNG and SVG: the further a value is from 0, the less of the picture shows through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prldh.api import OutputError, whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OUTLINE, HALO = "#000000", "#FFFFFF"  # a black line with a white rim shows on dark and on bright tissue
MOST = 0.65  #: opacity of the largest value
#: Of what `prldh explain` writes beside its pictures. Those of the first had the values of a place too large, by the
#: number of places.
SCHEMA, FORMER = "prldh-explanation/2", "prldh-explanation/1"


@dataclass(frozen=True)
class Overlay:
    """Picture, outline and map of one patient: ``picture`` and ``outline`` (size, size) in 0 … 1, ``heat`` of any
    square shape, what its colours mean and the values at the ends of the scale. ``shape``: height over width of what is
    shown, in mm; ``edges``: what lies at its top, right, bottom and left, a letter each (none: not known)."""

    title: str
    picture: np.ndarray
    outline: np.ndarray
    heat: np.ndarray
    meaning: str
    colours: str
    limits: tuple[float, float]
    shape: float = 1.0
    edges: tuple[str, ...] = ()


def signed(number: float) -> str:
    """Two digits, with a minus sign that is no hyphen."""
    return f"{number:.2f}".replace("-", "\N{MINUS SIGN}")


def in_words(share: float | None, covered: float) -> str:
    """How much of a map lies inside the outline, beside how much of the picture does."""
    if share is None:
        return "nothing is added anywhere"
    return f"{share:.0%} of the map inside the outline ({covered:.0%} of the picture)".replace("%", " %")


def draw(folder: Path, stem: str, overlay: Overlay) -> None:
    """Write ``stem.png`` and ``stem.svg``, each whole or not at all.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    from matplotlib import style

    with style.context(["default", {"svg.hashsalt": "prldh"}]):  # whatever a notebook has set
        _draw(folder, stem, overlay)


def _draw(folder: Path, stem: str, overlay: Overlay) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke

    size = overlay.picture.shape[0]
    figure = Figure(figsize=(3.9, 3.6), dpi=240, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    extent, (low, high) = (0, size, size, 0), overlay.limits
    axes.imshow(overlay.picture, cmap="gray", extent=extent, vmin=0, vmax=1, aspect=overlay.shape)
    norm = Normalize(low, high)
    colours = ScalarMappable(norm, overlay.colours)  # the bar is opaque
    opacity = MOST * np.clip(np.abs(overlay.heat) / max(abs(low), abs(high), 1e-300), 0, 1)
    axes.imshow(
        overlay.heat,
        cmap=colours.cmap,
        norm=norm,
        extent=extent,
        alpha=opacity,
        interpolation="bilinear",
        aspect=overlay.shape,
    )
    for letter, (x, y) in zip(overlay.edges, ((0.5, 0.96), (0.97, 0.5), (0.5, 0.04), (0.03, 0.5)), strict=False):
        axes.text(
            x,
            y,
            letter,
            transform=axes.transAxes,
            fontsize=8,
            ha="center",
            va="center",
            color=HALO,
            path_effects=[withStroke(linewidth=1.8, foreground=OUTLINE)],
        )
    if overlay.outline.min() < 0.5 < overlay.outline.max():
        centres = np.arange(size) + 0.5
        line = axes.contour(centres, centres, overlay.outline, [0.5], colors=OUTLINE, linewidths=1.1)
        line.set_path_effects([withStroke(linewidth=2.6, foreground=HALO)])
    axes.set_axis_off()
    figure.suptitle(overlay.title, fontsize=8)
    bar = figure.colorbar(colours, ax=axes, shrink=0.9)
    bar.set_label(overlay.meaning, fontsize=8)
    bar.ax.tick_params(labelsize=8)
    folder.mkdir(parents=True, exist_ok=True)
    for ending, metadata in ((".png", {"Software": None}), (".svg", {"Date": None})):
        _save(figure, folder / f"{stem}{ending}", metadata)


def _save(figure: Figure, path: Path, metadata: dict[str, None]) -> None:
    try:
        with whole_file(path) as scratch:
            figure.savefig(scratch, metadata=metadata)
    except OSError as error:
        raise OutputError(
            f"{path.name} cannot be written to {path.parent}: {error.strerror or error}. Free some space."
        ) from None
