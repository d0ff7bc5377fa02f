"""Figures that nobody looks at: planned and drawn, and written blank. To lay them out and to write them takes more than
half of the time of a small analysis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import prldh.report.figures as figures


def write_blank(drawings, given, *_) -> None:
    """In the place of :func:`prldh.report.figures._write_all`."""
    _, _, settings, folder, _ = given
    for drawing in drawings:
        figures.plt.close(drawing.draw())
        for name, *_ in figures.files_of(drawing, settings):
            (folder / name).write_text('<svg width="100pt" height="50pt" viewBox="0 0 100 50"></svg>')


@contextmanager
def blank_figures() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "_write_all", write_blank)
        yield
