"""A heat map on its picture, as PNG and SVG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prldh.errors import OutputError
from prldh.files import whole_file

OUTLINE = "#000000"


@dataclass(frozen=True)
class Overlay:
    """Picture, outline and map of one patient: ``picture`` and ``outline`` (size, size) in 0 … 1, ``heat`` of any square shape, what its
    colours mean and the values at the ends of the scale."""

    title: str
    picture: np.ndarray
    outline: np.ndarray
    heat: np.ndarray
    meaning: str
    colours: str
    limits: tuple[float, float]


def draw(folder: Path, stem: str, overlay: Overlay) -> None:
    """Write ``stem.png`` and ``stem.svg``, each whole or not at all.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = overlay.picture.shape[0]
    figure = Figure(figsize=(4.6, 4), dpi=200, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    extent, (low, high) = (0, size, size, 0), overlay.limits
    axes.imshow(overlay.picture, cmap="gray", extent=extent, vmin=0, vmax=1)
    shown = axes.imshow(overlay.heat, cmap=overlay.colours, extent=extent, alpha=0.45, interpolation="bilinear", vmin=low, vmax=high)
    if overlay.outline.min() < 0.5 < overlay.outline.max():
        centres = np.arange(size) + 0.5
        axes.contour(centres, centres, overlay.outline, [0.5], colors=OUTLINE, linewidths=1.2)
    axes.set_axis_off()
    axes.set_title(overlay.title, fontsize=9)
    bar = figure.colorbar(shown, ax=axes, shrink=0.9)
    bar.set_label(overlay.meaning, fontsize=8)
    bar.ax.tick_params(labelsize=8)
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "prldh"}):
        for ending, metadata in ((".png", {"Software": None}), (".svg", {"Date": None})):
            _save(figure, folder / f"{stem}{ending}", metadata)


def _save(figure, path: Path, metadata: dict[str, None]) -> None:
    try:
        with whole_file(path) as scratch:
            figure.savefig(scratch, metadata=metadata)
    except OSError as error:
        raise OutputError(f"{path.name} cannot be written to {path.parent}: {error.strerror or error}. Free some space.") from None
