"""The output folder: claimed before computing, written beside, and moved into place when it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prldh.core import FEATURES, OWNED, Held, OutputError, hold, refuse_in_run, resolved
from prldh.study import Study


def check_output(out: Path, force: bool, owned: tuple[str, ...] = OWNED) -> None:
    """Check, before anything is computed, that results can be written there.

    ``owned``: what the run writes at the top of the folder; the first of them says that results are there.

    Raises
    ------
    OutputError
        If results are there already and ``force`` is off, or the place cannot be written.
    """
    refuse_in_run(out, "output folder")
    try:
        exists, is_folder = out.exists(), out.is_dir()
        for place in (out, *out.parents):
            if place.is_symlink() and not place.exists():
                raise OutputError(f"output folder {out}: {place} is a link to nothing. Give another folder.")
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
            f"output folder {out} holds '{strange[0]}', which prldh writes, but no {owned[0]}: it seems to be yours. "
            "Give another folder, or --force to replace it."
        )
    for place in out.absolute().parents:
        if place.exists():
            if not place.is_dir():
                raise OutputError(f"output folder {out} cannot be made: {place} is a file. Give another folder.")
            break


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
            if resolved(path).is_relative_to(resolved(out / name)):
                raise OutputError(
                    f"{path} is read by the study and lies in {out / name}, which results replace. Give another output"
                    " folder."
                )


@contextmanager
def claim_output(out: Path, force: bool, owned: tuple[str, ...] = OWNED) -> Iterator[Held]:
    """Hold an output folder from before anything is computed until results stand there; as :func:`check_output`, and
    another run that is writing to it is an error.

    Raises
    ------
    OutputError
        If results are there already and ``force`` is off, the place cannot be written, or another run holds it.
    """
    check_output(out, force, owned)
    with hold(out, is_waiting=False) as held:
        yield held


def place_whole(out: Path, write: Callable[[Path], object], owned: tuple[str, ...] = OWNED) -> None:
    """:meth:`Held.place`, when others who write there have ended.

    Raises
    ------
    OutputError
        If the disk is full or the place cannot be written.
    """
    with hold(out, is_waiting=True) as held:
        held.place(write, owned)
