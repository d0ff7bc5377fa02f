"""A small picture of a case: what was measured, with the readers' outlines."""

from __future__ import annotations

import io

import numpy as np

from prldh.imaging.records import Case

#: Okabe and Ito's orange and sky blue: told apart by every kind of colour vision.
OUTLINES = ("#E69F00", "#56B4E9")
_MARGIN = 0.6


def draw_case(case: Case) -> bytes:
    """PNG of the largest and the middle slice of a case's region, cropped around it, with one outline a reader.

    Slices are along the axis with the largest spacing (the first of those that tie, z before y before x). Grey values run from the 1st to
    the 99th percentile of what is shown. No text is in the picture: nothing that identifies a patient.
    """
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    spacing = case.image.geometry.spacing_mm[::-1]
    axis = int(np.argmax(np.round(spacing, 6)))
    values = np.moveaxis(case.image.values, axis, 0)
    masks = [np.moveaxis(m, axis, 0) for m in case.masks]
    height, width = (s for a, s in enumerate(spacing) if a != axis)
    union = np.logical_or.reduce(masks)
    area = union.sum(axis=(1, 2))
    covered = np.flatnonzero(area)
    shown = (int(np.argmax(area)), int(covered[covered.size // 2]))
    window = _window(union.any(axis=0), height / width)
    figure = Figure(figsize=(4, 2), dpi=80, facecolor="black")
    FigureCanvasAgg(figure)
    for position, k in enumerate(shown):
        axes = figure.add_axes((position / 2, 0, 0.497, 1))
        picture = np.asarray(values[k][window], dtype=float)
        low, high = np.percentile(picture, [1, 99])
        axes.imshow(picture, cmap="gray", vmin=low, vmax=max(high, low + 1e-9), aspect=height / width, interpolation="bilinear")
        for mask, colour in zip(masks, OUTLINES, strict=False):
            if mask[k].any():
                axes.contour(np.pad(mask[k], 1)[_grown(window)], [0.5], colors=colour, linewidths=1.2, extent=_extent(picture.shape))
        axes.set_axis_off()
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _window(flat: np.ndarray, ratio: float) -> tuple[slice, slice]:
    """A window around what is set, square in mm where the image allows, with a margin; ``ratio`` is row height over column width."""
    rows, columns = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    side = max((rows[-1] - rows[0] + 1) * ratio, columns[-1] - columns[0] + 1, 16) * (1 + _MARGIN)
    return _around(rows, side / ratio, flat.shape[0]), _around(columns, side, flat.shape[1])


def _around(positions: np.ndarray, length: float, size: int) -> slice:
    middle = (positions[0] + positions[-1] + 1) / 2
    return slice(max(0, int(middle - length / 2)), min(size, int(np.ceil(middle + length / 2))))


def _grown(window: tuple[slice, slice]) -> tuple[slice, slice]:
    """The window in the padded slice, with one more pixel on each side, so that outlines close at its border."""
    return tuple(slice(w.start, w.stop + 2) for w in window)


def _extent(shape: tuple[int, int]) -> tuple[float, float, float, float]:
    return (-1, shape[1], -1, shape[0])
