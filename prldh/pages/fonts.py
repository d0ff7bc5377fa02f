"""The font of figures: Arimo, as wide as Arial and Helvetica letter by letter, which journals ask for. It is a file of
the package (``arimo/``, with its licence), so that figures look the same on every machine."""

from __future__ import annotations

import base64
import functools
import io
from pathlib import Path

from matplotlib import font_manager

FAMILY = "Arimo of prldh"
FONTS = Path(__file__).parent / "arimo"


@functools.cache
def figure_font() -> str:
    """Its name, for ``font.family``; known to matplotlib from then on. Letters that it lacks are DejaVu Sans'."""
    for path in sorted(FONTS.glob("*.ttf")):
        font_manager.fontManager.addfont(path)
    return FAMILY


@functools.lru_cache(4)
def font_face(letters: str) -> str:
    """The font as CSS of a page whose figures have these letters and no others."""
    from fontTools import subset

    options = subset.Options(flavor="woff")
    with subset.load_font(FONTS / "Arimo-Regular.ttf", options) as font:
        cut = subset.Subsetter(options)
        cut.populate(text=letters)
        cut.subset(font)
        font.flavor = "woff"
        file = io.BytesIO()
        font.save(file)
    data = base64.b64encode(file.getvalue()).decode()
    return f'@font-face {{ font-family: "{FAMILY}"; src: url(data:font/woff;base64,{data}) format("woff"); }}'
