"""How a figure is put on paper: the page's SVG, SVG and PDF in one way through it, pixels."""

from __future__ import annotations

import gc
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_pdf import PdfFile, RendererPdf
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from PIL import Image

from prldh.pages import STYLE, figure_font, give_letters, grey, styled
from prldh.report.drawing import Drawing

#: Vector formats, and the metadata without which every run would write other bytes.
DATELESS: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
#: The figure as the page shows it: an SVG whose letters are text, in a hidden file, so that it is kept as others are.
PAGE = "page"
#: Formats of pixels.
RASTER = ("png", "tiff")
#: Text is measured once for the layout and for pixels where these are the same; the layout does not depend on the
#: study's resolutions.
LAYOUT_DPI = 300
#: Resolution of what an SVG holds as pixels, such as a scale of colours.
IMAGE_DPI = 100


def write_formats(drawing: Drawing, is_grey: bool, files: Mapping[Path, tuple[str, int]]) -> None:
    """Draw a figure and write it into each file, of this format and resolution."""
    with drawn_figure(drawing, is_grey) as figure:
        vectors = {suffix: path for path, (suffix, _) in files.items() if suffix not in RASTER}
        if _has_pixels(figure):  # each format has its own resolution of them
            pdf = {suffix: vectors.pop(suffix) for suffix in ("pdf",) if suffix in vectors}
            _write_vectors(figure, pdf, LAYOUT_DPI)
        _write_vectors(figure, vectors, IMAGE_DPI)
        for dpi in dict.fromkeys(dpi for suffix, dpi in files.values() if suffix in RASTER):
            pixels = _pixels(figure, dpi)
            for path, (suffix, at) in files.items():
                if suffix in RASTER and at == dpi:
                    if suffix == "png":
                        path.write_bytes(pack_png(pixels, dpi))
                    else:
                        Image.fromarray(pixels).save(path, suffix, dpi=(dpi, dpi), compression="tiff_lzw")


def _has_pixels(figure: Figure) -> bool:
    """Whether something in it is drawn as pixels in every format."""
    return any(axis.images or any(drawn.get_rasterized() for drawn in axis.collections) for axis in figure.axes)


def _write_vectors(figure: Figure, paths: Mapping[str, Path], dpi: int) -> None:
    """The figure as the page shows it, as SVG and as PDF, in one way through all that it consists of; ``dpi``: of what
    it holds as pixels."""
    if not paths:
        return
    width, height = figure.get_size_inches()
    before, texts = figure.dpi, _Texts(tuple(kind for kind in paths if kind != "pdf"))
    figure.dpi = 72
    pens: list[Any] = []
    if texts.kinds:
        pens.append(_Svgs(72 * width, 72 * height, texts, image_dpi=dpi, metadata=DATELESS["svg"]))
    with ExitStack() as opened:
        if "pdf" in paths:
            file = PdfFile(paths["pdf"], metadata=DATELESS["pdf"])
            opened.callback(file.close)
            file.newPage(width, height)
            pens.append(RendererPdf(file, dpi, height, width))
        renderer: Any = MixedModeRenderer(figure, width, height, dpi, pens[0] if len(pens) == 1 else _Both(*pens))
        with matplotlib.rc_context():  # how letters are written changes with every word of a figure
            figure.draw(renderer)
            renderer.finalize()
        if "pdf" in paths:
            file.finalize()
    figure.dpi = before
    for kind in texts.kinds:
        paths[kind].write_text("".join(texts.parts[kind]), encoding="utf-8", newline="\n")


class _Both(RendererBase):
    """SVG and PDF drawn at once: finding out where all of a figure stands takes longer than writing it down. Letters
    are measured once, as SVG has them."""

    def __init__(self, svg: RendererSVG, pdf: RendererPdf) -> None:
        super().__init__()
        self.svg, self.pdf = svg, pdf

    def draw_path(self, *args: Any, **kwargs: Any) -> None:
        self.svg.draw_path(*args, **kwargs)
        self.pdf.draw_path(*args, **kwargs)

    def draw_markers(self, *args: Any, **kwargs: Any) -> None:
        self.svg.draw_markers(*args, **kwargs)
        self.pdf.draw_markers(*args, **kwargs)

    def draw_path_collection(self, *args: Any, **kwargs: Any) -> None:
        self.svg.draw_path_collection(*args, **kwargs)
        self.pdf.draw_path_collection(*args, **kwargs)

    def draw_text(self, gc: Any, x: float, y: float, *args: Any, **kwargs: Any) -> None:
        self.svg.draw_text(gc, x, y, *args, **kwargs)
        self.pdf.draw_text(gc, x, self.svg.height - y, *args, **kwargs)  # SVG counts from the top

    def open_group(self, *args: Any, **kwargs: Any) -> None:
        self.svg.open_group(*args, **kwargs)

    def close_group(self, *args: Any, **kwargs: Any) -> None:
        self.svg.close_group(*args, **kwargs)

    def new_gc(self) -> Any:
        return self.pdf.new_gc()

    def flipy(self) -> bool:
        return self.svg.flipy()

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.svg.get_canvas_width_height()

    def get_text_width_height_descent(self, *args: Any, **kwargs: Any) -> tuple[float, float, float]:
        return self.svg.get_text_width_height_descent(*args, **kwargs)

    def finalize(self) -> None:
        self.svg.finalize()
        self.pdf.finalize()


class _Texts:
    """What is written goes into the texts ``to``: all but while a letter is drawn."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.kinds = kinds
        self.parts: dict[str, list[str]] = {kind: [] for kind in kinds}
        self.to: Sequence[list[str]] = tuple(self.parts.values())

    def write(self, text: str) -> None:
        for part in self.to:
            part.append(text)


class _Svgs(RendererSVG):
    """Two SVG files drawn at once: the page's has letters as text, the other as outlines."""

    def __init__(self, width: float, height: float, texts: _Texts, **options: Any) -> None:
        self.texts = texts
        super().__init__(width, height, texts, **options)

    def draw_text(self, *args: Any, **kwargs: Any) -> None:
        everything, texts, end = self.texts.to, self.texts, ""
        for kind in texts.kinds:
            own: list[str] = []
            texts.to = (own,)
            matplotlib.rcParams["svg.fonttype"] = "none" if kind == PAGE else "path"
            super().draw_text(*args, **kwargs)
            written = "".join(own)
            if written.startswith(">"):  # the end of what was open before, which the first alone writes
                end, written = ">\n", written[2:]
            texts.parts[kind].append(end + written)
        texts.to = everything


def _pixels(figure: Figure, dpi: int) -> np.ndarray:
    """(height, width, 3), without transparency, which journals do not take."""
    figure.set_dpi(dpi)
    canvas = figure.canvas if isinstance(figure.canvas, FigureCanvasAgg) else FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    drawn = Image.frombuffer("RGBA", (width, height), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    return np.asarray(drawn.convert("RGB"))


def pack_png(pixels: np.ndarray, dpi: int) -> bytes:
    """A PNG (W3C, third edition) of pixels (height, width, 3) whose rows are not filtered: as small for drawings as
    what Pillow finds by trying five filters on every row, in a quarter of the time."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each begins with its filter's number
    rows[:, 1:] = pixels.reshape(height, -1)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", *[round(dpi / 0.0254)] * 2, 1)),
        (b"IDAT", zlib.compress(rows.data, 3)),
        (b"IEND", b""),
    )
    packed = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@contextmanager
def uncollected() -> Iterator[None]:
    """Garbage is collected at its end: a figure is one web of references, and looking through it again and again takes
    an eighth of the time. What came to be within is the youngest of all, so that nothing else is looked through."""
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)
        if was_collecting:
            gc.enable()


@contextmanager
def drawn_figure(drawing: Drawing, is_grey: bool = False) -> Iterator[Figure]:
    """The figure, laid out, in the style of all."""
    style: Any = {**STYLE, "font.family": [figure_font(), STYLE["font.family"]]}
    with styled(style), grey(is_grey), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # told beside the figures
        figure = drawing.draw()
        give_letters(figure)
        figure.set_dpi(LAYOUT_DPI)
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.execute(figure)
        figure.set_layout_engine(None)  # laid out once: with any engine, even "none", every format would be drawn twice
        yield figure
