"""report.html: one self-contained file, from results alone."""

from __future__ import annotations

import json
import os
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from markupsafe import Markup

from prldh.checklists.feature_names import selected_features
from prldh.checklists.section import checklist_view
from prldh.errors import OutputError
from prldh.report.environment import create_environment
from prldh.report.figures import write_figures
from prldh.report.images import images_view
from prldh.report.view import make_view
from prldh.results import read_results


def render_report(data: dict[str, Any], provenance: dict[str, Any] | None, figures: dict[str, dict[str, str]], folder: Path) -> str:
    """The report as HTML.

    Parameters
    ----------
    data
        Content of ``results.json``.
    provenance
        Content of ``provenance.json``, or None where it is lost.
    figures
        What :func:`prldh.report.figures.write_figures` returned.
    folder
        The output folder, for sections from plugins.
    """
    figures = {name: {**figure, "svg": Markup(figure["svg"])} for name, figure in figures.items()}
    view = make_view(data, figures)
    sections = _plugin_sections(data, folder)
    template = create_environment().get_template("report.html.j2")
    return template.render(data=data, view=view, images=images_view(data.get("images", {}), folder), provenance=provenance, sections=sections, checklists=checklist_view(folder), features=selected_features(data), version=metadata.version("prldh"))


def _plugin_sections(data: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    from prldh.plugins import create_plugin_manager, registered

    found = registered(create_plugin_manager(), "register_report_sections")
    return [{"name": name, "title": section.title, "html": Markup(section.render(data, folder))} for name, (section, _) in found.items()]


def render_again(folder: Path) -> str:
    """``prldh report DIR``: report.html and figures from results.json. Returns the line to print.

    Raises
    ------
    DataError
        If there are no results, or they are of another schema.
    OutputError
        If the folder cannot be written.
    """
    data = read_results(folder)
    folder = folder if folder.is_dir() else folder.parent
    try:
        provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        provenance = None
    try:
        with tempfile.TemporaryDirectory(prefix=".report.", dir=folder) as scratch:
            figures = write_figures(data, Path(scratch) / "figures")
            (Path(scratch) / "report.html").write_text(render_report(data, provenance, figures, folder), encoding="utf-8")
            if (folder / "figures").exists():
                os.replace(folder / "figures", Path(scratch) / "former")
            os.replace(Path(scratch) / "figures", folder / "figures")
            os.replace(Path(scratch) / "report.html", folder / "report.html")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}.") from None
    return f"report: {folder / 'report.html'}"
