"""Files that are read, which are regular ones of a known size alone, and files that appear whole or not at all, never
in the place of what is not to be replaced.

Every path that somebody gave is looked at here before anything is opened: a named pipe would wait for ever, a device
never ends. What cannot be read is an ``OSError`` that says why (:func:`file_at`), or the one message for a user
(:func:`readable`; of YAML and JSON, ``prldh.study.yaml_text.read_text``). ``tests/contract/test_reading.py`` holds
every reader to it.
"""

from __future__ import annotations

import codecs
import errno
import hashlib
import json
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from prldh.core.errors import DataError, OutputError, PrldhError
from prldh.core.interruptions import results_stand, uninterrupted
from prldh.core.locks import is_still, take_lock
from prldh.core.owned import FEATURES, OWNED
from prldh.core.texts import quoted, shown

#: So much of a file's beginning and end is looked at for a mark of prldh's.
_LOOKED_AT = 4096
#: The largest file, in bytes, that is read as a whole, such as ``results.json``.
LARGEST = 1 << 30
#: The largest of what people write by hand: parameter files, answers, lists of ids.
LARGEST_BY_HAND = 1 << 24
_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a named pipe, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISCHR, "it is a device, not a file"),
    (stat.S_ISBLK, "it is a device, not a file"),
)
_NO_SIZE = "it gives no size, as files of the system do"
#: What of a finished run is a folder, or a file, that the next one replaces.
_PARTS = frozenset((*OWNED, *FEATURES))
#: Stands near the beginning of a finished run's ``results.json``.
RUN_MARK = b'"prldh-results/'
_ABSENT = (errno.ENOENT, errno.ENOTDIR)
#: What helps where the system says why something cannot be read or written.
_REMEDIES = {
    errno.ENAMETOOLONG: "Give a shorter path",
    errno.ELOOP: "Correct the links, which lead to each other",
    errno.EACCES: "Check its permissions",
    errno.EPERM: "Check its permissions",
    errno.EROFS: "Give a place that can be written",
    errno.ENOSPC: "Make room on the disk",
    errno.EDQUOT: "Make room on the disk",
    errno.EMFILE: "Allow more open files (`ulimit -n`), or use fewer --jobs",
    errno.ENOMEM: "Use fewer --jobs, or a machine with more memory",
    errno.EIO: "Check the disk",
}


def given_path(path: object, what: str, error: type[PrldhError] = DataError) -> Path:
    """The path that somebody gave for ``what``, an argument's name.

    Raises
    ------
    PrldhError
        Of the type ``error``, if it is neither text nor a path, is blank (which would be the working directory), or is
        no name of a file.
    """
    text = path if isinstance(path, str) else os.fspath(path) if isinstance(path, os.PathLike) else None
    if not isinstance(text, str):
        found = "None" if path is None else shown(type(path).__name__)
        raise error(f"{what}: a path is text or a pathlib.Path; found {found}. Give one of them.")
    if not text or "\0" in text:
        found = "is blank" if not text else f"has a null character: {quoted(text)}"
        raise error(f"{what}: the path {found}. Give the path of a file or folder.")
    return Path(text)


def expanded(path: str | os.PathLike) -> Path:
    """A path with ``~`` as the home that it means; as it stands where the system knows of none."""
    return Path(os.path.expanduser(path))


def resolved(path: Path) -> Path:
    """A path without links, as far as they lead: a loop of links, or what is no name of a file, stays."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path


def shown_path(path: object) -> str:
    """A path as messages show it: whole, unless it is very long; then its two ends.

    Examples
    --------
    >>> shown_path("a\x1b/b.csv"), len(shown_path("a" * 5000))
    ('a\\\\x1b/b.csv', 163)
    """
    text = str(path)
    return shown(text, 240) if len(text) <= 240 else f"{shown(text[:80])}...{shown(text[-80:])}"


def _state(path: str | os.PathLike) -> os.stat_result:
    try:
        return os.stat(path)
    except ValueError:  # a null character, or half of one
        raise OSError(errno.EINVAL, "its name has a character that no name of a file has", str(path)) from None


def file_at(path: Path, limit: int | None = None) -> Path:
    """The path itself, where a regular file of at most ``limit`` bytes is; nothing is opened.

    Raises
    ------
    OSError
        For everything else, with the reason in ``strerror``.
    """
    state = _state(path)
    if not stat.S_ISREG(state.st_mode):
        what = next((what for is_kind, what in _KINDS if is_kind(state.st_mode)), "it is no regular file")
        raise OSError(errno.EISDIR if stat.S_ISDIR(state.st_mode) else errno.EINVAL, what, str(path))
    if limit is not None and state.st_size > limit:
        raise OSError(
            errno.EFBIG, f"it has {size_text(state.st_size)}, and at most {size_text(limit)} are read", str(path)
        )
    return path


def size_text(n: int) -> str:
    """A size in words.

    Examples
    --------
    >>> size_text(300), size_text(1 << 24), size_text(5_000_000_000)
    ('300 bytes', '16 MB', '4.7 GB')
    """
    for unit, power in (("GB", 30), ("MB", 20)):
        if n >= 1 << power:
            return f"{n / (1 << power):.1f}".removesuffix(".0") + f" {unit}"
    return f"{n:,} bytes"


def file_bytes(path: Path, limit: int = LARGEST) -> bytes:
    """The content of a regular file: no more than the size that it has when it is opened.

    Raises
    ------
    OSError
        As :func:`file_at` does.
    """
    size = _state(file_at(path, limit)).st_size
    with path.open("rb") as file:
        content = file.read(size or 1)
    if len(content) > size:  # as those of /proc: a window on the system, which has no size
        raise OSError(errno.EINVAL, _NO_SIZE, str(path))
    return content


def file_text(path: Path, limit: int = LARGEST) -> str:
    """The same as text in UTF-8, with a mark at its beginning or without; line ends are ``\\n``.

    Raises
    ------
    OSError
        As :func:`file_at` does.
    UnicodeDecodeError
        If it is not UTF-8.
    """
    text = file_bytes(path, limit).decode("utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def is_file(path: Path) -> bool:
    """Whether a regular file is there, whatever the path."""
    with suppress(OSError):
        return stat.S_ISREG(_state(path).st_mode)
    return False


def is_folder(path: Path) -> bool:
    """Whether a folder is there, whatever the path."""
    with suppress(OSError):
        return stat.S_ISDIR(_state(path).st_mode)
    return False


def is_there(path: Path) -> bool:
    """Whether anything is there that the path leads to, whatever the path."""
    with suppress(OSError):
        _state(path)
        return True
    return False


def why_unreadable(path: Path, error: OSError) -> str:
    """What stands between a noun and a path in a message: ``not found``, ``is a folder`` and so on."""
    if error.errno in _ABSENT:
        return "is a link to nothing" if os.path.islink(path) else "not found"
    reason = error.strerror or type(error).__name__
    return reason.replace("it ", "", 1) if reason.startswith("it ") else f"cannot be read ({reason})"


def readable(
    path: Path,
    what: str,
    do: str = "Check the path.",
    limit: int | None = None,
    kind: type[PrldhError] = DataError,
) -> Path:
    """The path itself, where a regular file of at most ``limit`` bytes is that may be opened.

    ``what`` the file is called, ``do``: the sentence that says what to do, ``kind`` of error.

    Raises
    ------
    PrldhError
        Of that kind, for everything else.
    """
    try:
        with file_at(path, limit).open("rb") as file:
            if not os.fstat(file.fileno()).st_size and file.read(1):
                raise OSError(errno.EINVAL, _NO_SIZE, str(path))
    except OSError as error:
        raise kind(f"{what} {why_unreadable(path, error)}: {shown_path(path)}. {do}") from None
    return path


def told_of(error: OSError) -> str:
    """The one message for what the system refused, wherever it did: what, where, found, do."""
    with suppress(OSError):
        os.getcwd()
        reason = error.strerror or str(error) or type(error).__name__
        if "temporary directory" in reason:
            return "no folder for temporary files can be written. Set TMPDIR to one that can."
        where = f"{shown_path(os.fsdecode(error.filename))}: " if isinstance(error.filename, (str, bytes)) else ""
        do = _REMEDIES.get(error.errno or 0, "Check the path, and that it can be read and written")
        return f"{where}{shown(reason, 200)}. {do}."
    return "the working directory is not there any more. Change to a folder that is."


@contextmanager
def whole_file(path: Path, mode: int = 0o666, *, is_result: bool = False) -> Iterator[Path]:
    """A scratch file beside ``path``, with its ending, that takes its place when the block ends; where the block fails,
    what stood there stays. What a killed process left half written, the next one writes over.

    ``mode``: who may read it, as far as the user's umask allows. ``is_result``: it is what a command was asked for, and
    an interruption that comes after names it.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch, handle = _scratch(path, mode)
    is_placed = False
    try:
        yield scratch
        if sys.platform == "win32":  # what is open cannot be moved there, and nothing is locked
            os.close(handle)
        with uninterrupted():
            os.replace(scratch, path)
            is_placed = True
            if is_result:
                results_stand(path)
    except BaseException:
        if not is_placed:  # else the name may be another's by now
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


def write_whole(path: Path, content: bytes, mode: int = 0o666, *, is_result: bool = False) -> None:
    """Write a file that appears whole or not at all, beside others that may write the same; as :func:`whole_file`.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    with whole_file(path, mode, is_result=is_result) as scratch:
        scratch.write_bytes(content)


def check_target(
    out: Path,
    option: str,
    *,
    marks: Iterable[bytes] = (),
    never: Iterable[Path] = (),
    force: bool | None = False,
    may_be_empty: bool = False,
    within_run: str = "",
    read: Iterable[Mapping[str, Any]] = (),
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
        Replace a file of somebody else's; None where the command has no such option.
    may_be_empty
        A file without content is nobody's.
    within_run
        The folder of a run that this command writes to.
    read
        ``sha256`` and ``bytes`` of what runs read, wherever it lies: replaced by nothing, as are files that are a
        study's or a cohort's.

    Raises
    ------
    OutputError
        If it is no ordinary file, is among ``never``, was read by a run, lies where a run's own are, or is somebody
        else's and not to be replaced.
    """
    place = Path(os.path.realpath(out.parent)) / out.name
    for kept in never:
        if place == Path(os.path.realpath(kept)) or _is_same(place, kept):
            raise OutputError(
                f"{option} {out} is a file of the run or of its study, which is not replaced. Give another name."
            )
        if place.is_relative_to(os.path.realpath(kept)) and os.path.lexists(place):
            raise OutputError(
                f"{option} {out} is a file of the run or of its study, which is not replaced. Give another name."
            )
    refuse_in_run(out, option, but=within_run)
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
    if _is_settings(out) or _is_among(out, read):
        raise OutputError(
            f"{option} {out} is a file that a study is made of, which is not replaced. Give another name."
        )
    if force or is_marked(out, marks) or (may_be_empty and not os.path.getsize(out)):
        return
    or_force = "" if force is None else ", or --force to replace it"
    another = ", and not what this command wrote" if marks else ""
    raise OutputError(f"{option} {out} is there already{another}. Give another name{or_force}.")


#: How a study file, or a cohort's, is known: it says at its top what the clinical table is.
_CLINICAL = re.compile(rb"^(clinical|'clinical'|\"clinical\")[ \t]*:", re.MULTILINE)
#: The same in braces, after remarks or the mark of a document's beginning; and what it says there.
_BRACE = re.compile(rb"(?:\s|#[^\n]*\n|---)*\{")
_CLINICAL_IN_BRACES = re.compile(rb"[{,](?:\s|#[^\n]*\n)*(clinical|'clinical'|\"clinical\")\s*:")


def _is_settings(path: Path) -> bool:
    try:
        content = file_bytes(path, LARGEST_BY_HAND).removeprefix(codecs.BOM_UTF8).replace(b"\r", b"\n")
    except OSError:
        return False
    if not _BRACE.match(content):
        return _CLINICAL.search(content) is not None
    with suppress(ValueError, RecursionError):  # it may be YAML
        found = json.loads(content)
        return "clinical" in found and "schema" not in found
    return _CLINICAL_IN_BRACES.search(content) is not None


def _is_among(path: Path, read: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a file is one of those, of which size and digest are known."""
    with suppress(OSError):
        digests = {each["sha256"] for each in read if each["bytes"] == os.path.getsize(path)}
        with file_at(path).open("rb") as file:
            return bool(digests) and hashlib.file_digest(file, "sha256").hexdigest() in digests
    return False


def refuse_in_run(out: Path, option: str, *, but: str = "") -> None:
    """Refuse a place within a folder of a finished run, such as ``tables``: the next run there replaces all of it.

    ``option``: what named the place. ``but``: the one such folder that may be written to.

    Raises
    ------
    OutputError
        If it lies in one.
    """
    place = resolved(out.absolute())
    for part in (place, *place.parents):
        if part.name == but or part.name not in _PARTS:
            continue
        results = part.parent / "results.json"
        if is_file(results) and is_marked(results, (RUN_MARK,)) and (part == place or is_folder(part)):
            if part == place:
                raise OutputError(
                    f"{option} {shown_path(out)} belongs to a finished run, and is not replaced. Give another place."
                )
            raise OutputError(
                f"{option} {shown_path(out)} lies in {shown_path(part)}, which belongs to a finished run: the next run"
                " there replaces all of it. Give a place outside."
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
