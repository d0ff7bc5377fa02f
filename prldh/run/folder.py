"""The output folder: claimed before computing, written beside, and moved into place when it is whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from prldh.core import OutputError
from prldh.study import Study

#: What a run writes at the top of its output folder, ``explanation``, the heat maps that `prldh explain` draws of it,
#: and ``external``, what `prldh apply` says of new patients; --force replaces these and nothing else.
OWNED = (
    "results.json",
    "report.html",
    "tables",
    "figures",
    "predictions.csv",
    "provenance.json",
    "model.json",
    "checklists",
    "references.bib",
    "reproduce",
    "explanation",
    "external",
)


#: What an extraction writes there, and an analysis of images.
FEATURES = ("features",)


def claim_output(out: Path, force: bool, owned: tuple[str, ...] = OWNED) -> Path:
    """Check, before anything is computed, that results can be written there.

    ``owned``: what the run writes at the top of the folder; the first of them says that results are there.

    Raises
    ------
    OutputError
        If results are there already and ``force`` is off, or the place cannot be written.
    """
    try:
        exists, is_folder = out.exists(), out.is_dir()
    except OSError as error:
        raise OutputError(
            f"output folder {_shortened(out)} cannot be made: {error.strerror or error}. Give another folder."
        ) from None
    if exists and not is_folder:
        raise OutputError(f"output {out} is a file. Give a folder.")
    if not force and (out / owned[0]).exists():
        raise OutputError(
            f"output folder {out} holds {'results' if owned == OWNED else owned[0]} already. Give another folder, or"
            " --force to replace them."
        )
    strange = [name for name in owned if not force and (out / name).exists()]
    if strange:
        raise OutputError(
            f"output folder {out} holds '{strange[0]}', which prldh writes, but no results.json: it seems to be yours. "
            "Give another folder, or --force to replace it."
        )
    parent = _existing_parent(out)
    try:
        handle, name = tempfile.mkstemp(prefix=".prldh-", dir=parent)
        os.close(handle)
        os.unlink(name)
    except OSError as error:
        raise OutputError(
            f"output folder {out} cannot be written: {error.strerror or error} ({parent}). Give another folder."
        ) from None
    return out


def _existing_parent(out: Path) -> Path:
    for place in (out, *out.absolute().parents):
        if place.exists():
            if not place.is_dir():
                raise OutputError(f"output folder {out} cannot be made: {place} is a file. Give another folder.")
            return place
    return Path.cwd()


def _shortened(out: Path) -> str:
    return str(out) if len(str(out)) <= 80 else f"{str(out)[:77]}..."


def what_is_written(study: Study) -> tuple[str, ...]:
    """What a run of this study writes at the top of its output folder."""
    return OWNED + FEATURES if any(tissue.images for tissue in study.tissues.values()) else OWNED


def refuse_inputs_inside(out: Path, inputs: list[Path], owned: tuple[str, ...] = OWNED) -> None:
    """Inputs must not lie where results are replaced.

    Raises
    ------
    OutputError
        If a table of the study is in a folder that --force replaces.
    """
    for path in inputs:
        for name in owned:
            if path.resolve().is_relative_to((out / name).resolve()):
                raise OutputError(
                    f"{path} is read by the study and lies in {out / name}, which results replace. Give another output"
                    " folder."
                )


def place_whole(out: Path, write: Callable[[Path], None], owned: tuple[str, ...] = OWNED) -> None:
    """Call ``write(folder)`` on a hidden folder and move what it wrote into ``out``; on failure nothing stays.

    A fresh ``out`` appears by one rename. In an existing one, former results are moved aside first and
    ``results.json`` comes last, so that a folder with results is always whole; on failure they are put back.

    Raises
    ------
    OutputError
        If the disk is full or the place cannot be written.
    """
    out = out.absolute()
    is_fresh = not out.exists()
    made = [place for place in out.parents if not place.exists()]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # Inside an existing folder, for its parent may be another file system or not writable
        partial = Path(tempfile.mkdtemp(prefix=".prldh-", suffix=".partial", dir=out.parent if is_fresh else out))
        try:
            write(partial)
            if is_fresh:
                partial.chmod(0o755)
                os.replace(partial, out)
            else:
                _replace_owned(partial, out, owned)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except BaseException as error:
        for place in made:
            with suppress(OSError):
                place.rmdir()
        if not isinstance(error, OSError):
            raise
        raise OutputError(
            f"output {out} cannot be written: {error.strerror or error}. Nothing was left behind; free space or give"
            " another folder."
        ) from error


def _replace_owned(partial: Path, out: Path, owned: tuple[str, ...]) -> None:
    """Exchange the results in ``out`` for those in ``partial``; on failure the former ones are put back."""
    new = sorted((item.name for item in partial.iterdir()), key=lambda name: name == "results.json")
    aside = partial / ".former"
    aside.mkdir()
    try:
        for name in owned:
            if (out / name).exists():
                os.replace(out / name, aside / name)
        for name in new:
            os.replace(partial / name, out / name)
    except BaseException:
        for name in new:
            if not (partial / name).exists():
                os.replace(out / name, partial / name)
        for item in aside.iterdir():
            os.replace(item, out / item.name)
        raise
