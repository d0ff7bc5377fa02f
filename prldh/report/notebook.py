"""A run's results in a notebook: the report's first screen, its figures, and a finished folder read again."""

from __future__ import annotations

import base64
import os
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from prldh.core import (
    DataError,
    cell_of_csv,
    check_target,
    file_at,
    file_bytes,
    formulas_of,
    given_path,
    is_folder,
    nearest,
    write_whole,
)
from prldh.pages import create_environment
from prldh.plugins import Registry
from prldh.report.answer import answer_view
from prldh.report.drawing import Drawing
from prldh.report.figure_plan import plan_figures
from prldh.report.figures import FigureSettings, write_drawing
from prldh.report.panels import plan_panels
from prldh.results import Results, Words, finished, words_of
from prldh.results import read_results as read_document

#: Formats in which a picture can be saved.
FORMATS = ("svg", "pdf", "png", "tiff")


@dataclass(frozen=True)
class Picture:
    """A figure of a run, as the report has it. A notebook shows it; :meth:`save` writes it."""

    drawing: Drawing
    dpi: int = 300

    @property
    def name(self) -> str:
        return self.drawing.name

    @property
    def title(self) -> str:
        return self.drawing.title

    @property
    def description(self) -> str:
        """What is to be seen, for those who do not see it."""
        return self.drawing.description

    def __repr__(self) -> str:
        return f"<Picture {self.name}: {self.title}>"

    def _repr_svg_(self) -> str:
        return self.content("svg").decode("utf-8")

    def _repr_png_(self) -> bytes:
        return self.content("png")

    def content(self, form: str) -> bytes:
        """The figure's bytes: ``svg``, ``pdf``, ``png`` or ``tiff``, the latter two at ``dpi`` dots per inch."""
        if form not in FORMATS:
            raise DataError(f"figure: '{form}' is no format. Give one of {', '.join(FORMATS)}.")
        with tempfile.TemporaryDirectory(prefix="prldh-") as scratch:
            write_drawing(self.drawing, FigureSettings((form,), (self.dpi,)), Path(scratch))
            return file_bytes(Path(scratch) / f"{self.name}.{form}")

    def save(self, path: str | os.PathLike, *, force: bool = False) -> Path:
        """Write the figure, in the format that the name's ending says; another file that is there stays unless
        ``force``.

        Raises
        ------
        DataError
            For another ending.
        OutputError
            If something is there.
        """
        path = given_path(path, "path")
        content = self.content(path.suffix.lower().removeprefix("."))
        if not (path.is_file() and file_bytes(path) == content):
            check_target(path, "save", force=force or None)
            write_whole(path, content)
        return path


@dataclass(frozen=True)
class InNotebook:
    """How results are shown; ``folder``: the run's, whose pictures some figures are made of."""

    folder: Path | None = None

    def drawings(self, data: dict[str, Any], words: Words) -> dict[str, Drawing]:
        """Every figure by its name, as in the folder ``figures``."""
        return {d.name: d for d in [*plan_figures(data, words), *plan_panels(data, words, self.folder)]}

    def figure(self, data: dict[str, Any], words: Words, name: str) -> Picture:
        """The figure of that name.

        Raises
        ------
        DataError
            With the names that there are.
        """
        drawings = self.drawings(data, words)
        if name not in drawings:
            near = nearest(name, drawings)
            hint = f"; did you mean '{near}'?" if near else "."
            raise DataError(f"figure: there is no figure '{name}'{hint} There are: {', '.join(drawings)}.")
        return Picture(drawings[name], FigureSettings.of(data).dpi[0])

    def html(self, data: dict[str, Any], words: Words) -> str:
        """The report's first screen, as a part of a page."""
        picture = self.figure(data, words, "answer")
        return (
            create_environment(words)
            .get_template("notebook.html.j2")
            .render(
                data=data,
                answer=answer_view(data, words),
                picture=picture,
                uri=Markup("data:image/svg+xml;base64," + base64.b64encode(picture.content("svg")).decode()),
                seen=picture.drawing.seen,
            )
        )


def read_results(folder: str | os.PathLike, *, plugins: Sequence[Any] = ()) -> Results:
    """The results of a finished run, as :func:`prldh.analyze` returned them.

    Parameters
    ----------
    folder
        The output folder of ``prldh analyze``.
    plugins
        What the run was made with, beside what is installed.

    Returns
    -------
    Results
        ``data`` is ``results.json``, ``predictions`` is ``predictions.csv``, ``tables`` are data frames.

    Raises
    ------
    DataError
        If there are no results, or they are of another schema or damaged.

    Warns
    -----
    UserWarning
        If ``predictions.csv`` is lost.
    """
    folder = given_path(folder, "folder")
    data = read_document(folder)
    folder = folder if is_folder(folder) else folder.parent
    with finished(folder):
        made = Results(data, _predictions(folder, data), {}, words_of(data, Registry(plugins)), InNotebook(folder))
        extra = {
            path.stem: pd.read_csv(file_at(path))
            for path in sorted((folder / "tables").glob("*.csv"))
            if path.stem not in made.tables and path.stem == "univariate_features"
        }
        return replace(made, extra=extra)


def _predictions(folder: Path, data: dict[str, Any]) -> pd.DataFrame:
    """``predictions.csv`` with the types that it was written with; empty where it is lost."""
    path = folder / "predictions.csv"
    if not path.is_file():
        warnings.warn(
            f"{path} is not there: predictions is an empty table, and so is what is made of it. Put the file back, or"
            " run `prldh analyze … --force` again.",
            stacklevel=3,
        )
        return pd.DataFrame()
    text = dict.fromkeys(("id", "model", "scope", "scheme"), str)
    table = pd.read_csv(file_at(path), dtype=text, keep_default_na=False)
    formulas = formulas_of(data["study"]["settings"])
    for column in text:
        table[column] = [cell_of_csv(cell, formulas) for cell in table[column]]
    return table
