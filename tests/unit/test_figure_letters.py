"""Letters that the font of figures lacks come from a font of the machine, or are told beside the figures."""

from __future__ import annotations

import warnings

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from prldh.pages import figure_font, give_letters, unknown_letters
from prldh.pages.canvas import axes_of
from prldh.pages.fonts import font_for
from prldh.report.drawing import Drawing
from prldh.report.figures import FigureSettings, write_drawing

LETTERS = "椎間板"
TEXT = f"Disc {LETTERS} äΔ"


@pytest.fixture
def fonts(monkeypatch):
    """What matplotlib knows of the machine: the fonts of its own and of figures alone."""
    figure_font()
    manager = font_manager.fontManager
    own = [entry for entry in manager.ttflist if entry.name.startswith(("DejaVu", "Arimo", "Last Resort"))]
    monkeypatch.setattr(manager, "ttflist", own)
    font_for.cache_clear()
    yield own
    font_for.cache_clear()


def add_font(folder, fonts, letters):
    """A font of squares for these letters."""
    pen = TTGlyphPen(None)
    for k, corner in enumerate(((100, 0), (100, 700), (800, 700), (800, 0))):
        (pen.lineTo if k else pen.moveTo)(corner)
    pen.closePath()
    square, names = pen.glyph(), [".notdef", *(f"g{k}" for k in range(len(letters)))]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(letter): names[k] for k, letter in enumerate(letters, 1)})
    builder.setupGlyf(dict.fromkeys(names, square))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (900, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWeightClass=400)
    builder.setupPost()
    builder.save(folder / "squares.ttf")
    font_manager.fontManager.addfont(folder / "squares.ttf")
    font_for.cache_clear()
    return fonts


def titled():
    figure, axes = axes_of()
    axes.set_title(TEXT)
    return figure, axes


def test_a_font_of_the_machine_lends_its_letters_to_the_texts_that_need_them(fonts, tmp_path):
    assert unknown_letters(TEXT) == "".join(sorted(LETTERS))
    add_font(tmp_path, fonts, LETTERS)
    assert unknown_letters(TEXT) == ""
    figure, axes = titled()
    axes.set_xlabel("äΔ")
    plain = axes.xaxis.label.get_fontfamily()
    give_letters(figure)
    assert axes.title.get_fontfamily()[-1] == "Squares" and axes.xaxis.label.get_fontfamily() == plain
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(tmp_path / "drawn.png")


def test_letters_that_no_font_has_are_no_noise(fonts, tmp_path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_drawing(
            Drawing("one", "One", "", lambda: titled()[0]),
            FigureSettings(("svg", "pdf", "png"), (300,), False),
            tmp_path,
        )
    assert {path.suffix for path in tmp_path.glob("one*")} == {".svg", ".pdf", ".png"}
    assert capfd.readouterr() == ("", "")


def test_half_of_the_letters_are_better_than_none(fonts, tmp_path):
    add_font(tmp_path, fonts, LETTERS[:2])
    assert unknown_letters(TEXT) == LETTERS[2]
