"""Figures that nobody looks at: planned, and written blank. To draw them takes half of the time of a small analysis;
to lay them out and write them takes as long again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import prldh.apply.figures as external
import prldh.report.figures as figures


def write_blank(drawing, settings, folder) -> None:
    """In the place of :func:`prldh.report.figures.write_drawing`."""
    for name, *_ in figures.files_of(drawing, settings):
        (folder / name).write_text('<svg width="100pt" height="50pt" viewBox="0 0 100 50"></svg>')


def draw_and_write_blank(drawing, settings, folder) -> None:
    """The same of what is drawn, which has to go well."""
    drawing.draw()
    write_blank(drawing, settings, folder)


@contextmanager
def blank_figures(write=write_blank) -> Iterator[None]:
    def write_all(drawings, drawn, words, settings, folder, *_) -> None:
        for drawing in drawings:
            write(drawing, settings, folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "_write_all", write_all)
        patch.setattr(external, "write_drawing", write)
        yield
