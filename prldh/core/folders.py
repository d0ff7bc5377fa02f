"""Output folders: held by one run at a time, written beside, and moved into place when they are whole."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from prldh.core.errors import OutputError
from prldh.core.interruptions import results_stand, uninterrupted
from prldh.core.locks import is_still, take_lock
from prldh.core.owned import OWNED
from prldh.core.texts import shown


@dataclass(frozen=True)
class Held:
    """An output folder that no other run writes to. ``partial``: the hidden folder where results are made, beside
    ``out`` where that ``is_fresh`` and in it otherwise, as its parent may be another file system or not writable."""

    out: Path
    partial: Path
    is_fresh: bool

    def place(self, write: Callable[[Path], object], owned: tuple[str, ...] = OWNED) -> None:
        """Call ``write(folder)`` on the hidden folder and move what it wrote into ``out``; on failure nothing stays.

        A fresh ``out`` appears by one rename. In an existing one, former results are moved aside first and
        ``results.json`` comes last, so that a folder with results is always whole; on failure they are put back, and
        where the process is killed in between, the next one that holds the folder ends what it began.

        Raises
        ------
        OutputError
            If the disk is full or the place cannot be written.
        """
        try:
            write(self.partial)
            with uninterrupted():
                if self.is_fresh:
                    os.replace(self.partial, self.out)
                else:
                    _replace_owned(self.partial, self.out, owned)
                results_stand(self.out)
        except OSError as error:
            if error.errno == errno.ENOENT and not self._holds(error.filename):  # an input, removed meanwhile
                raise OutputError(
                    f"{shown(os.fsdecode(error.filename), 240)} is not there any more, which this run reads. Nothing"
                    " was left behind; put it back, and leave it there until the run has ended."
                ) from error
            raise OutputError(
                f"output {self.out} cannot be written: {error.strerror or error}. Nothing was left behind; free space"
                " or give another folder."
            ) from error

    def _holds(self, name: object) -> bool:
        """Whether a path, if it is one, lies in this output."""
        if not isinstance(name, (str, bytes)):
            return True
        place = Path(os.fsdecode(name)).absolute()
        return any(place.is_relative_to(each) for each in (self.out, self.partial))


#: What hidden folders are called in an existing output folder; beside one that is to be made it depends on its name.
IN_PLACE = ".prldh-run.partial"
FORMER, MOVED = ".former", ".moved"


@contextmanager
def hold(out: Path, *, is_waiting: bool = False) -> Iterator[Held]:
    """Hold an output folder until the block ends, so that no other run writes there; what killed runs left goes.

    Raises
    ------
    OutputError
        If the place cannot be written or, unless it is waited for, another run holds it.
    """
    out = out.absolute()
    if any("\ud800" <= c <= "\udfff" for c in str(out)):  # it would stand in files that are UTF-8
        raise OutputError(f"output folder {out}: its name is no UTF-8 text. Give another folder.")
    made = [place for place in out.parents if not place.exists()]
    try:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            held, lock = _take(out, is_waiting)
        except OSError as error:
            raise OutputError(
                f"output folder {out} cannot be written: {error.strerror or error}. Give another folder."
            ) from None
        try:
            yield held
        finally:
            try:
                if is_still(lock, held.partial):
                    shutil.rmtree(held.partial, ignore_errors=True)
                os.close(lock)
            except OSError:  # somebody's code closed it, and with it ended what it held
                _remove_left(held.partial)
    finally:
        for place in made:  # those that hold something stay
            with suppress(OSError):
                place.rmdir()


def _take(out: Path, is_waiting: bool) -> tuple[Held, int]:
    """The hidden folder, empty and locked."""
    is_fresh = not out.exists()
    home, name = out, IN_PLACE
    if is_fresh:
        home, name = out.parent, f".prldh-{hashlib.sha256(os.fsencode(out.name)).hexdigest()[:12]}.partial"
    for left in home.glob(".prldh-*.partial"):
        if left.name != name:
            _remove_left(left)
    while True:
        partial = home / name
        partial.mkdir(exist_ok=True)
        lock = os.open(partial, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        has_lock = take_lock(lock, is_waiting=is_waiting)
        if has_lock is None:  # no locks here: a folder that no other run knows
            os.close(lock)
            partial = Path(tempfile.mkdtemp(prefix=".prldh-", suffix=".partial", dir=home))
            return Held(out, partial, is_fresh), os.open(partial, os.O_RDONLY)
        if not has_lock:
            os.close(lock)
            raise OutputError(f"another run is writing to {out}. Wait until it ends, or give another folder.")
        if is_still(lock, partial):
            break
        os.close(lock)  # the run that was waited for moved it into place
        if out.exists() == is_fresh:
            return _take(out, is_waiting)
    _end_exchange(partial, out)
    for left in partial.iterdir():
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    return Held(out, partial, is_fresh), lock


def _remove_left(partial: Path) -> None:
    """Remove the hidden folder of a run that was killed."""
    with suppress(OSError):
        lock = os.open(partial, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        try:
            if take_lock(lock):
                shutil.rmtree(partial, ignore_errors=True)
        finally:
            os.close(lock)


def _end_exchange(partial: Path, out: Path) -> None:
    """Where a run was killed while it exchanged results: the new ones are put into place where all former ones were
    moved aside, and these are put back otherwise."""
    if (partial / MOVED).is_dir():
        (partial / MOVED).rmdir()
        _put(partial, out, _new_in(partial))
    elif (partial / FORMER).is_dir():
        _put(partial / FORMER, out, [item.name for item in (partial / FORMER).iterdir()])


def _new_in(partial: Path) -> list[str]:
    """What a run wrote, ``results.json`` last."""
    names = (item.name for item in partial.iterdir() if item.name not in (FORMER, MOVED))
    return sorted(names, key=lambda name: name == "results.json")


def _put(source: Path, target: Path, names: Sequence[str]) -> None:
    for name in names:
        os.replace(source / name, target / name)


def _replace_owned(partial: Path, out: Path, owned: tuple[str, ...]) -> None:
    """Exchange the results in ``out`` for those in ``partial``; on failure the former ones are put back."""
    new, aside = _new_in(partial), partial / FORMER
    aside.mkdir()
    try:
        _put(out, aside, [name for name in owned if (out / name).exists()])
        (partial / MOVED).mkdir()
        _put(partial, out, new)
    except BaseException:
        with suppress(OSError):
            (partial / MOVED).rmdir()
        _put(out, partial, [name for name in new if not (partial / name).exists()])
        _put(aside, out, [item.name for item in aside.iterdir()])
        raise
    shutil.rmtree(aside, ignore_errors=True)
