"""The border to strangers' code: what prldh calls of an object that a plugin brought, it calls by :func:`called` or
:func:`lent`.

What is handed over is a copy or says no, what is printed goes to standard error, and what is raised is one message
with the object's name. Of prldh's own objects nothing is changed: their errors are bugs and stay as they are.
"""

from __future__ import annotations

import copy
import ctypes
import os
import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar, cast

import numpy as np
from pydantic import BaseModel

from prldh.core import PluginError, listen, mark_pretended, note_left
from prldh.plugins.interfaces import HasFingerprint, RelativeSettings
from prldh.plugins.promises import guarded, is_strangers, name_of, note_giver, own_text, require_answer
from prldh.plugins.replaced import Look, keep_modules, looked_at
from prldh.plugins.surroundings import keep_surroundings
from prldh.plugins.unrun import why_unawaited

T = TypeVar("T")

#: What an object that a step or learner fitted is called.
FITTED = "fitted step"


class ReadOnlyDict(dict[Any, Any]):
    """A dictionary that says no where it is changed. Copies of it, ``dict(…)``, are anyone's to change."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("what a plugin is handed is read-only: change a copy, such as dict(…)")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


#: What cannot be changed, or is nobody else's; the seeds of a fit are spawned for that fit alone.
_AS_THEY_ARE = (
    str,
    bytes,
    int,
    float,
    complex,
    bool,
    type(None),
    np.generic,
    Enum,
    Path,
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    np.random.SeedSequence,
)


def handed(value: T) -> T:
    """The same as a stranger may have it: read-only copies of arrays, dictionaries that say no, and copies of whatever
    else could be changed, such as lists, frames, settings and records with all that is in them."""
    return _handed(value)


def _handed(value: Any) -> Any:
    if isinstance(value, _AS_THEY_ARE):
        return value
    if isinstance(value, np.ndarray):
        return _read_only(value)
    if isinstance(value, (dict, types.MappingProxyType)):
        return ReadOnlyDict((key, _handed(each)) for key, each in value.items())
    if isinstance(value, tuple):
        each = (_handed(part) for part in value)
        return type(value)._make(each) if hasattr(value, "_make") else tuple(each)
    if isinstance(value, list):
        return [_handed(part) for part in value]
    if isinstance(value, (set, frozenset)):
        return type(value)(value)
    if isinstance(value, BaseModel):
        return value.model_copy(deep=True)
    if hasattr(value, "iloc"):  # a frame or series of pandas, which a start must not import
        return value.copy()
    return _copied(value)


def _read_only(array: np.ndarray) -> np.ndarray:
    """The same values for a stranger alone: libraries in which arrays share their memory, such as torch and what SciPy
    calls by ``overwrite_a``, write to a read-only one as well. Where NumPy has a way, nobody can take back that it is
    read-only: of an array whose own memory may be written, the flag of a view can be set again."""
    own = array.copy(order="K")
    own.setflags(write=False)
    try:
        found: np.ndarray = np.asarray(memoryview(own).toreadonly())  # type: ignore[arg-type]  # a buffer, which the stubs leave out
    except (TypeError, ValueError, BufferError):  # of objects, dates and others that have no buffer
        return own
    return found if type(array) is np.ndarray and found.dtype == own.dtype and found.strides == own.strides else own


def _copied(value: Any) -> Any:
    """A record or another object, with its own parts handed over."""
    try:
        copied = copy.copy(value)
    except Exception:  # a generator, a lock: there is one of it
        return value
    if copied is value:
        return value
    parts = getattr(copied, "__dict__", None)
    if parts is not None and is_dataclass(value):  # values that were computed on first use stand there too
        parts.update({name: _handed(each) for name, each in parts.items()})
    elif is_dataclass(value):
        for part in fields(value):
            object.__setattr__(copied, part.name, _handed(getattr(value, part.name)))
    return copied


#: As they were before anybody could replace them.
_own_process, _end_process = os.getpid, os._exit


class ClosedFiles(OSError):
    """Standard output cannot be given back, as a stranger's code closed what kept it."""


class _Aside:
    """Standard output that is standard error as long as somebody is within, in whichever thread: Python's, and what
    compiled code and programs write to. The process's surroundings are set back when nobody is, what modules hold too
    as far as ``look`` says, and both streams are open again. A copy of the process that a stranger's code makes ends
    where that code does."""

    def __init__(self) -> None:
        self._lock, self._within = threading.Lock(), 0
        self._set_back: list[Callable[[], object]] = []
        self._end_listening: Callable[[], object] = bool
        self._own: tuple[TextIO, TextIO] | None = None
        self._handles: dict[int, int] = {}
        self._threads: list[threading.Thread] = []

    @contextmanager
    def __call__(self, look: Look | None = None) -> Iterator[None]:
        process = _own_process()
        with self._lock:
            if not self._within:
                self._turn(look or Look())
            self._within += 1
        try:
            yield
        except BaseException as error:
            mark_pretended(error)
            raise
        finally:
            if _own_process() != process:
                _end_process(0)
            with self._lock:
                self._within -= 1
                if not self._within:
                    self._turn_back()

    def _turn(self, look: Look) -> None:
        self._threads = threading.enumerate()
        self._end_listening = listen()
        self._set_back = [keep_modules(look), keep_surroundings()]  # whose ways back may be replaced
        self._own = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = cast(TextIO, _Lent(sys.stderr))
        with suppress(OSError, ValueError, AttributeError):  # one without a handle, as a notebook's, or a closed one
            self._own[0].flush()
            self._handles = {number: os.dup(number) for number in (1, 2)}
            os.dup2(2, 1)

    def _turn_back(self) -> None:
        note_left(self._threads)
        self._threads = []
        try:
            for back in self._set_back:
                back()
        finally:
            self._end_listening()
            self._turn_out_back()

    def _turn_out_back(self) -> None:
        if self._handles:
            _flush_compiled()
        closed = 0
        for number, kept in self._handles.items():
            try:
                os.dup2(kept, number)
                os.close(kept)
            except OSError:
                closed += 1
        self._handles = {}
        if self._own is not None:
            sys.stdout, sys.stderr = (_open_again(each, number) for number, each in enumerate(self._own, 1))
        self._own = None
        if closed:
            raise ClosedFiles("it closed files that are not its own")


class _Lent:
    """A stream as a stranger has it: to close it does nothing, as others print to it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def buffer(self) -> _Lent:
        return _Lent(self._stream.buffer)

    def close(self) -> None:
        """Nothing."""

    def __enter__(self) -> _Lent:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()


def _open_again(stream: TextIO, number: int) -> TextIO:
    """The same, or one of that number where it was closed."""
    if not getattr(stream, "closed", False):
        return stream
    return open(number, "w", encoding=stream.encoding or "utf-8", errors="backslashreplace", closefd=False)


def _flush_compiled() -> None:
    """What compiled code has printed and not written yet."""
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)


#: What is printed within goes to standard error: standard output is the command's.
printing_aside = _Aside()


def lent(item: Any, method: str, *given: Any) -> Any:
    """As :func:`called`; what is raised stays as it is, for callers to whom it says something of one case alone."""
    function = getattr(item, method)
    if not is_strangers(item):
        return function(*given)
    with printing_aside(looked_at(type(item), method)), np.errstate():  # how numpy tells of errors is set back, too
        found = function(*(handed(each) for each in given))
    why = why_unawaited(found)
    if why:
        raise PluginError(f"{method} of '{name_of(item)}' {why}.")
    note_giver(item, found)
    # an array may be one that the plugin fills again the next time
    return found.copy() if isinstance(found, np.ndarray) else found


def lent_all(item: Any, method: str, *given: Any) -> tuple[Any, ...]:
    """All that a method gives, as :func:`lent`: of one that makes it piece by piece, each piece is made aside."""
    made = lent(item, method, *given)
    if not isinstance(made, Iterator):
        return tuple(made)
    gathered, end = [], object()
    while (piece := lent_next(item, made, end)) is not end:
        gathered.append(piece)
    return tuple(gathered)


def called(noun: str, item: Any, method: str, *given: Any) -> Any:
    """What a method of an object gives, which may be a stranger's.

    Parameters
    ----------
    noun
        What the object is called in a message, such as ``selector``.

    Raises
    ------
    PluginError
        In place of whatever a stranger's object raises that is no message already.
    """
    with guarded(noun, item):
        return lent(item, method, *given)


def answered(noun: str, item: Any, method: str, *given: Any, read: Callable[[Any], T | None], wanted: str) -> T:
    """What a method of an object gives as ``read`` makes it of that, which looks at it as the object's own code would:
    what it is may raise whatever it likes there.

    Raises
    ------
    PluginError
        As :func:`called`; if ``read`` makes None of it, as it is not what is ``wanted``.
    """
    with guarded(noun, item):
        found = lent(item, method, *given)
        answer = read(found)
        require_answer(answer is not None, noun, item, method, found, wanted)
    return cast(T, answer)


def said(noun: str, item: Any, part: str, otherwise: str = "") -> str:
    """Text that an object says of itself, such as its ``label``; ``otherwise`` where it says nothing."""
    with guarded(noun, item):
        found = getattr(item, part, otherwise)
        text = own_text(found)
        require_answer(text is not None, noun, item, part, found, "text")
    return cast(str, text)


def fingerprint_of(noun: str, item: Any, settings: Any) -> str:
    """What an object depends on beside its settings, such as the content of a file that they name."""
    if not isinstance(item, HasFingerprint):
        return ""
    return answered(noun, item, "fingerprint", settings, read=own_text, wanted="text")


def placed(noun: str, item: Any, settings: Any, folder: Path) -> Any:
    """An object's settings with paths relative to the folder of the study file, where they have any."""
    if not isinstance(settings, RelativeSettings):
        return settings
    with guarded(noun, item):
        found = lent(settings, "relative_to", folder)
    require_answer(type(found) is type(settings), noun, item, "relative_to", found, "settings")
    return found


def lent_next(item: Any, made: Iterator[Any], end: Any) -> Any:
    """The next of what a method of an object makes piece by piece; ``end`` where there is no more."""
    if not is_strangers(item):
        return next(made, end)
    with printing_aside(looked_at(type(item), "__next__")), np.errstate():
        return next(made, end)
