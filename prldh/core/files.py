"""Files that appear whole or not at all, and never in the place of what is not to be replaced."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prldh.core.errors import OutputError
from prldh.core.locks import is_still, take_lock

#: So much of a file's beginning and end is looked at for a mark of prldh's.
_LOOKED_AT = 4096


@contextmanager
def whole_file(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """A scratch file beside ``path``, with its ending, that takes its place when the block ends; where the block fails,
    what stood there stays. What a killed process left half written, the next one writes over.

    ``mode``: who may read it, as far as the user's umask allows.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch, handle = _scratch(path, mode)
    try:
        yield scratch
        if sys.platform == "win32":  # what is open cannot be moved there, and nothing is locked
            os.close(handle)
        os.replace(scratch, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(scratch)
        raise
    finally:
        with suppress(OSError):
            os.close(handle)


def _scratch(path: Path, mode: int) -> tuple[Path, int]:
    """A scratch file that no living process writes, locked: one name a file, or another where that is in use."""
    stem = f".partial-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]}"
    scratch = path.with_name(f"{stem}{path.suffix}")
    with suppress(OSError):
        handle = os.open(scratch, os.O_CREAT | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), mode)
        has_lock = take_lock(handle)
        if has_lock and is_still(handle, scratch):
            os.ftruncate(handle, 0)
            return scratch, handle
        os.close(handle)
        if has_lock is None:  # no locks here: nobody uses this name
            os.unlink(scratch)
    scratch = path.with_name(f"{stem}-{secrets.token_hex(6)}{path.suffix}")
    handle = os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    take_lock(handle)
    return scratch, handle


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file that appears whole or not at all, beside others that may write the same.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    with whole_file(path, mode) as scratch:
        scratch.write_bytes(content)


def check_target(
    out: Path, option: str, *, marks: Iterable[bytes] = (), never: Iterable[Path] = (), force: bool = False
) -> None:
    """Refuse a file that a command was told to write where something stands that is not to be replaced.

    Parameters
    ----------
    out
        The file that is to be written.
    option
        What named it, as messages say it.
    marks
        What this command's own files hold near their beginning or end: such a file is replaced unasked.
    never
        Inputs and files of runs, or folders of them: replaced by nothing.
    force
        Replace a file of somebody else's.

    Raises
    ------
    OutputError
        If it is no ordinary file, is among ``never``, or is somebody else's and not to be replaced.
    """
    place = Path(os.path.realpath(out.parent)) / out.name
    for kept in never:
        if place.is_relative_to(os.path.realpath(kept)) or _is_same(place, kept):
            raise OutputError(
                f"{option} {out} is a file of the run or of its study, which is not replaced. Give another name."
            )
    try:
        mode = os.lstat(out).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{option} {str(out)[:80]!r} cannot be written: {getattr(error, 'strerror', None) or error}. Give another"
            " name."
        ) from None
    if stat.S_ISDIR(mode):
        raise OutputError(f"{option} {out} is a folder. Give the name of a file in it.")
    if not stat.S_ISREG(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "a device, pipe or socket"
        raise OutputError(f"{option} {out} is {kind}, and no file that could be replaced. Give another name.")
    if not force and not is_marked(out, marks):
        raise OutputError(
            f"{option} {out} is there already, and not what this command wrote. Give another name, or --force to"
            " replace it."
        )


def is_marked(path: Path, marks: Iterable[bytes]) -> bool:
    """Whether a file holds one of these marks near its beginning or its end."""
    try:
        with path.open("rb") as file:
            looked_at = file.read(_LOOKED_AT)
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LOOKED_AT))
            looked_at += b"\n" + file.read(_LOOKED_AT)
    except OSError:
        return False
    return any(mark in looked_at for mark in marks)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
