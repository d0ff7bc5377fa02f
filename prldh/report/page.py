"""report.html: one self-contained file, from results alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from markupsafe import Markup

from prldh.checklists import checklist_view, fill_again
from prldh.core import (
    OutputError,
    PluginError,
    Progress,
    given_path,
    hold,
    in_lines,
    is_folder,
    is_interruption,
    is_pretended,
    results_stand,
    uninterrupted,
)
from prldh.pages import create_environment
from prldh.plugins import Registry, describe_error, in_short, lent, own_text, said
from prldh.report.calculator import NOT_A_DEVICE, as_json, calculators_of
from prldh.report.figures import FigureSettings, page_font, write_figures
from prldh.report.images import images_view
from prldh.report.journal_tables import write_journal_tables
from prldh.report.terms import with_terms
from prldh.report.text.write import write_text
from prldh.report.view import make_view
from prldh.results import (
    Words,
    altered_files,
    finished,
    read_external,
    read_pooled,
    read_provenance,
    read_results,
    selected_features,
    words_of,
)
from prldh.work import unasked

#: Where the glossary goes: which terms a page uses is known when it is made.
GLOSSARY_HERE = "<!-- glossary -->"


def render_report(
    data: dict[str, Any],
    provenance: dict[str, Any] | None,
    figures: dict[str, dict[str, Any]],
    folder: Path,
    words: Words,
    registry: Registry,
    scratch: Path,
) -> str:
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
    words
        What the objects behind the run say of themselves.
    registry
        Where the sections are found.
    scratch
        Where what is written anew lies until it is put into the folder; the folder itself where it is made whole.
    """
    figures = {name: {**figure, "svg": Markup(figure["svg"])} for name, figure in figures.items()}
    view = make_view(data, words, figures)
    sections = _plugin_sections(data, folder, registry)
    environment = create_environment(words)
    environment.filters["calculator_json"] = as_json
    font = Markup(page_font([*(figure["svg"] for figure in figures.values()), *(s["html"] for s in sections)]))
    page, terms = with_terms(
        environment.get_template("report.html.j2").render(
            figure_font=font,
            data=data,
            view=view,
            images=images_view(data, folder),
            calculators=calculators_of(folder, data),
            not_a_device=NOT_A_DEVICE,
            provenance=provenance,
            sections=sections,
            checklists=checklist_view(folder, scratch),
            features=selected_features(data),
            text=write_text(data, words, (provenance or {}).get("prldh", "")),
            version=metadata.version("prldh"),
            glossary=Markup(GLOSSARY_HERE),
        )
    )
    glossary = environment.get_template("sections/glossary.html.j2").render(terms=terms)
    return page.replace(GLOSSARY_HERE, glossary, 1)


def write_beside(data: dict[str, Any], words: Words, folder: Path) -> None:
    """What an author takes from the folder: ``references.bib``, and Tables 1 to 5 for Word and LaTeX in ``tables/``."""
    (folder / "references.bib").write_text(write_text(data, words).bibtex, encoding="utf-8")
    write_journal_tables(data, folder / "tables")


def _plugin_sections(data: dict[str, Any], folder: Path, registry: Registry) -> list[dict[str, Any]]:

    sections = registry.registered("register_report_sections")
    rendered = [
        (name, said("report section", section, "title"), _rendered(name, section, plugin, data, folder))
        for name, (section, plugin) in sections.items()
    ]
    return [{"name": name, "title": title, "html": Markup(html)} for name, title, html in rendered if html.strip()]


def _rendered(name: str, section: Any, plugin: str, data: dict[str, Any], folder: Path) -> str:
    """A plugin's section, or a sentence in its place where it fails: the results of a long run are not lost for it.

    Raises
    ------
    PluginError
        If it changed or removed what lies in the folder.
    """
    before = _files_of(folder)
    html = _asked(name, section, plugin, data, folder)
    now = _files_of(folder)
    changed = sorted(path for path, about in before.items() if now.get(path) != about)
    if changed:
        raise PluginError(
            f"the section '{name}' of the plugin '{plugin}' changed or removed what lies in the run's folder:"
            f" {', '.join(changed[:3])}{', …' if len(changed) > 3 else ''}. Update the plugin, or leave it out."
        )
    return html


def _files_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    """The files of a folder, and by what one sees that they are others."""
    found = {}
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            with suppress(OSError):
                about = path.lstat()
                found[path.relative_to(folder).as_posix()] = about.st_size, about.st_mtime_ns, about.st_ino
    return found


def _asked(name: str, section: Any, plugin: str, data: dict[str, Any], folder: Path) -> str:
    try:
        given = lent(section, "render", data, folder)
        html = own_text(given)
        if html is None:
            raise TypeError(f"render gives {in_short(given):.80} in place of HTML as text")
        return html
    except BaseException as error:  # sys.exit, and whatever else a stranger thinks of
        if is_interruption(error) and not is_pretended(error):
            raise
        message = (
            "The section '{}' of the plugin '{}' could not be made: {}. Tell its author; `prldh plugins check {}`"
            " may show why."
        )
        return Markup("<p>" + message + "</p>").format(name, plugin, describe_error(error), plugin)


def render(
    folder: str | os.PathLike,
    jobs: int | None = None,
    *,
    plugins: Sequence[Any] = (),
    progress: Progress | None = None,
    **figure_settings: Any,
) -> str:
    """``prldh report DIR``: report.html, figures, tables for Word and LaTeX from results.json. Returns the line to
    print.

    ``jobs``: processes that draw, by default one a core. ``figure_settings``: ``formats``, ``dpi`` and ``grey`` other
    than the study's. Figures that would come out the same are kept. ``plugins``: sections and checklists to choose from
    beside what is installed. ``progress``: as of :func:`prldh.analyze`.

    Raises
    ------
    DataError
        If there are no results, or they are of another schema.
    OutputError
        If the folder cannot be written.
    """
    registry, folder = Registry(plugins), given_path(folder, "folder")
    data = read_results(folder)
    folder = folder if is_folder(folder) else folder.parent
    with finished(folder), hold(folder) as held:
        settings = FigureSettings.of(data, **figure_settings)
        _render(data, folder, held.partial, registry, jobs, settings, progress or unasked())
    altered = altered_files(folder)
    told = [f"warning: changed after the run, and shown as it is now: {', '.join(altered)}"] if altered else []
    return in_lines([f"report: {folder / 'report.html'}", *told])


def _render(
    data: dict[str, Any],
    folder: Path,
    scratch: Path,
    registry: Registry,
    jobs: int | None,
    settings: FigureSettings,
    progress: Progress,
) -> None:
    words, provenance = words_of(data, registry), read_provenance(folder)
    for read in (read_external, read_pooled):  # what is wrong with them is told before anything is drawn
        read(folder)
    try:
        # before anything is drawn: a user who has to mend answers waits for no figure, and a style is the process's, as
        # is what strangers find as it was
        fill_again(folder, registry, scratch)
        write_beside(data, words, scratch)
        figures = write_figures(
            data,
            words,
            scratch / "figures",
            folder / "figures",
            settings,
            jobs or os.cpu_count() or 1,
            folder,
            progress,
        )
        progress("report", 0, 1)
        (scratch / "report.html").write_text(
            render_report(data, provenance, figures, folder, words, registry, scratch), encoding="utf-8"
        )
        # file by file: figures of other formats and resolutions stay, and the page comes last
        made = [path.relative_to(scratch) for path in scratch.rglob("*") if path.is_file()]
        for path in made:
            if is_folder(folder / path):
                raise OutputError(f"{folder / path} is a folder, where a file is to be written. Remove or rename it.")
        with uninterrupted():
            for path in sorted(made, key=lambda path: path.name == "report.html"):
                (folder / path.parent).mkdir(exist_ok=True)
                os.replace(scratch / path, folder / path)
            results_stand(folder)
        progress("report", 1, 1)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}.") from None
