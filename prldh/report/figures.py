"""Figures as files: formats, resolutions, grey; kept where nothing changed. What is drawn: ``figure_plan.py``."""

from __future__ import annotations

import hashlib
import html
import json
import pickle
import re
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib

from prldh.core import Progress, clean, file_text, untold
from prldh.pages import (
    COLOURS,
    FAINT,
    FAMILY,
    GUIDE,
    INK,
    font_face,
    unknown_letters,
)
from prldh.report.drawing import Drawing
from prldh.report.figure_plan import plan_figures
from prldh.report.panels import plan_panels
from prldh.report.pens import PAGE, RASTER, uncollected, write_formats
from prldh.results import Words
from prldh.work import has_processes, over_processes

#: Beside the figures: what they were drawn from, so that they are drawn again only where that changed.
DRAWN = ".drawn.json"
#: Fewer figures than these, or what is drawn within so many seconds, this process draws alone: others would take longer
#: to start. For as many as the third number others are asked at once.
FEW, SOON_DONE_S, MANY = 12, 2.0, 24
#: What ``results.json`` holds and no figure shows.
NOT_DRAWN = ("agreement", "warnings", "engines", "ledger")


@dataclass(frozen=True)
class FigureSettings:
    """In which formats figures are written beside the report, at which dots per inch, and whether in grey too."""

    formats: tuple[str, ...] = ("svg", "pdf", "png")
    dpi: tuple[int, ...] = (300,)
    grey: bool = False

    @classmethod
    def of(cls, data: Mapping[str, Any], **given: Any) -> FigureSettings:
        """As the study says, but for what is ``given``."""
        report = data["study"]["settings"].get("report", {})
        chosen: dict[str, Any] = {
            "formats": report.get("figures"),
            "dpi": report.get("dpi"),
            "grey": report.get("grey"),
            **{k: v for k, v in given.items() if v},
        }
        settings: dict[str, Any] = {
            k: v if k == "grey" else tuple(dict.fromkeys(v)) for k, v in chosen.items() if v is not None
        }
        return cls(**settings)

    def files(self, name: str) -> list[tuple[str, str, int, bool]]:
        """(file name, format, dpi, is grey) of a figure; the first resolution has the plain name."""
        files = []
        for is_grey in (False, True) if self.grey else (False,):
            stem = name + ".grey" * is_grey
            for suffix in self.formats:
                for k, dpi in enumerate(self.dpi if suffix in RASTER else self.dpi[:1]):
                    files.append((f"{stem}.{suffix}" if k == 0 else f"{stem}.{dpi}dpi.{suffix}", suffix, dpi, is_grey))
        return files


def files_of(drawing: Drawing, settings: FigureSettings) -> list[tuple[str, str, int, bool]]:
    """Every file of a figure: those that the study asks for, and what the page shows."""
    shown = [] if drawing.is_panel else [(page_file(drawing.name), PAGE, settings.dpi[0], False)]
    return [*shown, *settings.files(drawing.name)]


def page_file(name: str) -> str:
    return f".{name}.{PAGE}.svg"


def write_figures(
    data: dict[str, Any],
    words: Words,
    folder: Path,
    former: Path | None = None,
    settings: FigureSettings | None = None,
    jobs: int = 1,
    beside: Path | None = None,
    progress: Progress = untold,
) -> dict[str, dict[str, Any]]:
    """Draw every figure and write it as the study asks: SVG, PDF, PNG, TIFF, in grey beside; and as the report shows
    it.

    Parameters
    ----------
    data
        Content of ``results.json``.
    words
        What the objects behind it say of themselves.
    folder
        Where they go; made here.
    former
        A folder that holds figures already: taken over where they were drawn from the same results by the same code.
    settings
        Default: the study's.
    jobs
        Processes that draw.
    beside
        The output folder, whose heat maps (``prldh explain``) become a panel.
    progress
        Told how many are drawn.

    Returns
    -------
    dict
        By name: what :class:`Drawing` says of it, its file names and how the report tells them, and the SVG element for
        the report, empty for a panel.
    """
    folder.mkdir(exist_ok=True)
    settings = settings or FigureSettings.of(data)
    drawn = {k: v for k, v in data.items() if k not in NOT_DRAWN}
    drawings = [*plan_figures(data, words), *plan_panels(data, words, beside)]
    digest = _digest(drawn, words)
    pictures = {d.name: _digest_of_files(d.pictures) for d in drawings if d.pictures}
    before = _drawn_before(former, digest)
    to_draw = _take_over(drawings, settings, pictures, before, former, folder)
    _write_all(to_draw, drawn, words, settings, folder, beside, jobs, progress)
    written = {
        name: [_dots(suffix, dpi), hashlib.sha256((folder / name).read_bytes()).hexdigest()]
        for drawing in drawings
        for name, suffix, dpi, _ in files_of(drawing, settings)
    }
    files = before.get("files", {}) | written
    about = {"digest": digest, "pictures": pictures, "files": files}
    (folder / DRAWN).write_text(json.dumps(about) + "\n", encoding="utf-8")
    unknown = unknown_letters("".join(sorted(set(json.dumps(drawn, ensure_ascii=False)))))
    figures = {}
    for drawing in drawings:
        files = [name for name, *_ in settings.files(drawing.name)]
        listing = (
            f"Files: figures/{files[0]}{''.join(', ' + f.removeprefix(drawing.name) for f in files[1:])}"
            if files
            else ""
        )
        if files and unknown:
            listing += f". In them {unknown} are boxes: no font of the machine that drew them has these letters"
        shown = {
            k: getattr(drawing, k) for k in ("title", "description", "is_wide", "is_panel", "tissue", "kind", "seen")
        }
        figures[drawing.name] = {
            **shown,
            "svg": "" if drawing.is_panel else as_element(file_text(folder / page_file(drawing.name)), drawing.name),
            "files": listing,
            "names": files,
        }
    return figures


#: What a process that helps is given: results, words, settings, folder, and the output folder.
_Given = tuple[dict[str, Any], Words, FigureSettings, Path, Path | None]


def _write_all(
    drawings: list[Drawing],
    drawn: dict[str, Any],
    words: Words,
    settings: FigureSettings,
    folder: Path,
    beside: Path | None,
    jobs: int,
    progress: Progress,
) -> None:
    """This process from the first on, others from the last on, as panels take the longest, until they meet. Others are
    asked where many are left: starting a process takes as long as drawing a few. What they fail at is drawn here."""
    given = (drawn, words, settings, folder, beside)
    waiting, written, n = deque(drawings), list[str](), len(drawings)
    started, is_helped = time.monotonic(), False
    with ExitStack() as helped:
        while waiting:
            progress("figures", len(written), n)
            is_long = has_processes() or n >= MANY or time.monotonic() - started > SOON_DONE_S
            if not is_helped and jobs > 1 and len(waiting) >= FEW and is_long:
                helped.enter_context(_others_write(waiting, written, given, jobs, lambda k: progress("figures", k, n)))
                is_helped = True
            with suppress(IndexError):  # another took the last one
                drawing = waiting.popleft()
                write_drawing(drawing, settings, folder)
                written.append(drawing.name)
    for drawing in drawings:
        if drawing.name not in written:
            write_drawing(drawing, settings, folder)
    if drawings:
        progress("figures", n, n)


@contextmanager
def _others_write(
    waiting: deque[Drawing], written: list[str], given: _Given, jobs: int, tell: Callable[[int], None]
) -> Iterator[None]:
    """Within it, worker processes take from the end of ``waiting``, and the names of what they wrote are added; at its
    end they finish what they took. What they need goes through a file, once and not with every figure. What goes wrong
    with them loses no figure: this process draws."""
    from joblib.externals.loky.backend.reduction import dumps

    try:
        content = dumps(given)
    except Exception:  # a plugin's words may hold what cannot be sent
        yield
        return

    def names() -> Iterator[str]:
        with suppress(IndexError):
            while True:
                yield waiting.pop().name

    def ask() -> None:
        # a terminal's Ctrl-C reaches workers too, and theirs is raised here: this process tells of its own
        with suppress(BaseException), tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "drawn"
            path.write_bytes(content)
            n = jobs if has_processes() else jobs - 1  # this one draws while they start
            written.extend(name for name in over_processes(partial(_write_of, str(path)), names(), n) if name)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    try:
        yield
        while asking.is_alive():
            asking.join(0.5)
            tell(len(written))
    finally:
        waiting.clear()
        asking.join()


def _write_of(path: str, name: str) -> str:
    """The name of a figure of those in the file where it could be written."""
    try:
        if _helping_with != [path]:
            _prepare(*pickle.loads(Path(path).read_bytes()))
            _helping_with[:] = [path]
        _helping[name]()
    except Exception:
        return ""
    return name


#: The file from which :data:`_helping` was made.
_helping_with: list[str] = []
#: In a process that helps: how to write a figure of this name.
_helping: dict[str, Callable[[], None]] = {}


def _prepare(drawn: dict[str, Any], words: Words, settings: FigureSettings, folder: Path, beside: Path | None) -> None:
    """Plan the figures again, as how to draw cannot be sent to a process, and what is drawn can."""
    _helping.clear()
    _helping.update(
        {
            d.name: partial(write_drawing, d, settings, folder)
            for d in [*plan_figures(drawn, words), *plan_panels(drawn, words, beside)]
        }
    )


def write_drawing(drawing: Drawing, settings: FigureSettings, folder: Path) -> None:
    wanted = files_of(drawing, settings)
    for is_grey in (False, True):
        own = [w for w in wanted if w[3] == is_grey]
        if own:
            with uncollected():
                write_formats(drawing, is_grey, {folder / name: (suffix, dpi) for name, suffix, dpi, _ in own})


def _digest(drawn: dict[str, Any], words: Words) -> str:
    """Of the results, the words, the code that draws, and matplotlib: figures are the same where it is
    the same."""
    sha256 = hashlib.sha256(matplotlib.__version__.encode())
    rooms = [Path(__file__).parents[1] / name for name in ("report", "pages", "results")]
    for path in (*(each for room in rooms for each in sorted(room.glob("*.py"))), *sorted(rooms[1].glob("*/*.ttf"))):
        sha256.update(path.read_bytes())
    sha256.update(json.dumps(drawn, sort_keys=True).encode())
    spoken = [asdict(each) for each in words.steps.values()] + [asdict(each) for each in words.schemes.values()]
    shown = [asdict(figure) for figures in words.figures.values() for figure in figures]
    sha256.update(json.dumps(clean([spoken, shown]), default=list).encode())
    return sha256.hexdigest()


def _digest_of_files(paths: Sequence[Path]) -> str:
    sha256 = hashlib.sha256()
    for path in paths:
        sha256.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()};".encode())
    return sha256.hexdigest()


def _drawn_before(former: Path | None, digest: str) -> dict[str, Any]:
    """What is known of the figures of ``former`` that were drawn from the same results: the digests of the pictures in
    them, and of every file its resolution and digest. Nothing of others."""
    if former is None:
        return {}
    try:
        before = json.loads(file_text(former / DRAWN))
        if before["digest"] == digest:
            return {key: dict(before[key]) for key in ("pictures", "files")}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return {}


def _take_over(
    drawings: list[Drawing],
    settings: FigureSettings,
    pictures: Mapping[str, str],
    before: Mapping[str, Any],
    former: Path | None,
    folder: Path,
) -> list[Drawing]:
    """Copy the figures of ``former`` that are those that would be drawn, file by file as they were written; the others,
    which are to be drawn."""
    if former is None or not before:
        return drawings
    to_draw = []
    for drawing in drawings:
        is_same = before["pictures"].get(drawing.name) == pictures.get(drawing.name)
        contents = {
            name: _as_written(former / name, _dots(suffix, dpi), before["files"].get(name))
            for name, suffix, dpi, _ in files_of(drawing, settings)
        }
        if not is_same or None in contents.values():
            to_draw.append(drawing)
            continue
        for name, content in contents.items():
            (folder / name).write_bytes(content or b"")
            shutil.copystat(former / name, folder / name)  # what was not drawn anew keeps its time
    return to_draw


def _dots(suffix: str, dpi: int) -> int | None:
    """What a file's resolution is, where it has one."""
    return dpi if suffix in RASTER else None


def _as_written(path: Path, dpi: int | None, known: Any) -> bytes | None:
    """A figure's file, unless it is of another resolution or not the one that was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content if known == [dpi, hashlib.sha256(content).hexdigest()] else None


#: Colours that are others on dark paper: a variable of the page's style each, and the colour where there is none.
THEMED = {shade: f"var(--figure-{shade[1:]}, {shade})" for shade in (*COLOURS, GUIDE, FAINT)} | {
    INK: "currentColor",
    "#ffffff": "none",
}
_COLOUR = re.compile(r"\b(fill|stroke): (#[0-9a-f]{6})\b")
_FAMILY = re.compile(r"\s*font-family: [^;\"]*;?")
_NUMBERS = re.compile(r' (?:d|x|y|transform|points)="[^"]*"')


def as_element(text: str, name: str) -> str:
    """An SVG file's element, small, with ids that are unique in a page that holds several figures, in the page's font
    and in its colours: ink is the page's, paper is left out."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = _NUMBERS.sub(lambda match: re.sub(r"(\.\d\d)\d+", r"\1", match[0]), text)
    text = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(href="#|url\(#)([^")]+)', rf"\g<1>{name}-\2", text)
    text = re.sub(
        r' style="[^"]*"',
        lambda match: _COLOUR.sub(lambda m: f"{m[1]}: {THEMED.get(m[2], m[2])}", _FAMILY.sub("", match[0])),
        text,
    )
    return text.replace("<svg", f'<svg fill="currentColor" font-family="\'{FAMILY}\', Arial, Helvetica, sans-serif"', 1)


def page_font(elements: Iterable[str]) -> str:
    """The CSS that brings the font to a page, cut to the letters of its figures."""
    shown = {
        letter for svg in elements for words in re.findall(r">([^<>]+)</text>", svg) for letter in html.unescape(words)
    }
    return font_face("".join(sorted(shown)))
