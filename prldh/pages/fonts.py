"""The font of figures: Arimo, as wide as Arial and Helvetica letter by letter, which journals ask for. It is a file of
the package (``arimo/``, with its licence), so that figures look the same on every machine."""

from __future__ import annotations

import base64
import functools
import io
from pathlib import Path

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

FAMILY = "Arimo of prldh"
FONTS = Path(__file__).parent / "arimo"


@functools.cache
def figure_font() -> str:
    """Its name, for ``font.family``; known to matplotlib from then on. Letters that it lacks are DejaVu Sans'."""
    for path in sorted(FONTS.glob("*.ttf")):
        font_manager.fontManager.addfont(path)
    return FAMILY


def unknown_letters(text: str) -> str:
    """Letters of the text that neither the font of figures nor the one behind it has, and no font of this machine."""
    lacking = _lacking(text)
    return "".join(sorted(lacking - _letters_in(font_for(lacking), lacking)))


def give_letters(figure: Figure) -> None:
    """Texts of a figure with letters that its font lacks, such as Chinese ones, take them from a font of this machine
    that has most of them."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if found := font_for(_lacking(text.get_text())):
            text.set_fontfamily([*text.get_fontfamily(), font_manager.get_font(found).family_name])


@functools.cache
def font_for(letters: frozenset[str]) -> str:
    """The file of this machine's font that has most of these letters, one without serifs first; empty where none has
    any."""
    if not letters:
        return ""
    fonts = {
        entry.fname: entry.name
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal" and entry.weight in (400, "normal", "regular") and "Last Resort" not in entry.name
    }
    counts = {path: len(_letters_in(path, letters)) for path in fonts}
    best = max(counts.values(), default=0)
    fitting = [path for path, count in counts.items() if count == best]
    return min(fitting, key=lambda path: ("Serif" in fonts[path], fonts[path], path)) if best else ""


def _lacking(text: str) -> frozenset[str]:
    if text.isascii():
        return frozenset()
    return frozenset(letter for letter in text if letter.isprintable()) - _own_letters()


@functools.cache
def _own_letters() -> frozenset[str]:
    """Of the font of figures, and of the one behind it."""
    paths = (str(FONTS / "Arimo-Regular.ttf"), font_manager.findfont("DejaVu Sans"))
    return frozenset(chr(code) for path in paths for code in FT2Font(path).get_charmap())


def _letters_in(path: str, letters: frozenset[str]) -> frozenset[str]:
    """Those that a font file has; none of a file that cannot be read."""
    try:
        font = FT2Font(path) if path and letters else None
    except (RuntimeError, OSError):
        return frozenset()
    return frozenset(letter for letter in letters if font is not None and font.get_char_index(ord(letter)))


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
