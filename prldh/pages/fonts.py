"""The font of figures, cut to the letters of Europe: each PDF's own subset is made of 1,100 glyphs rather than 6,000,
in a fifth of the time."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from matplotlib import font_manager

NAME = "DejaVu Sans of prldh"
#: Latin, Greek, Cyrillic; punctuation, currencies, arrows, mathematics. Other letters are taken from the whole font.
BLOCKS = ((0x20, 0x250), (0x370, 0x460), (0x2000, 0x2070), (0x20A0, 0x20C0), (0x2190, 0x21A0), (0x2200, 0x2270))


@functools.cache
def quick_font() -> str:
    """Its name, for ``font.family``. It is cut from matplotlib's DejaVu Sans once a process and gone with it; outlines,
    widths and kerning are the same, and there are no ligatures: the tables that hold them are what a subset takes its
    time for."""
    from fontTools import subset

    options = subset.Options(glyph_names=True, legacy_kern=True, name_IDs=["*"], notdef_outline=True)
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB"]
    with subset.load_font(font_manager.findfont("DejaVu Sans"), options) as font:
        cut = subset.Subsetter(options)
        cut.populate(unicodes=[code for start, end in BLOCKS for code in range(start, end)])
        cut.subset(font)
        for record in font["name"].names:
            if record.nameID in (1, 16):  # the family, by which matplotlib finds it; in PDFs it keeps its own name
                font["name"].setName(NAME, record.nameID, record.platformID, record.platEncID, record.langID)
        path = Path(_folder().name) / "font.ttf"
        font.save(path)
    font_manager.fontManager.addfont(path)
    return NAME


@functools.cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="prldh-font-")
