"""The R of this process: started when it is first asked for something, once, and never in a forked child.

The only module that uses rpy2, which ``r_home`` loads, and of rpy2 only its lowest layer (``rinterface``), which has no
conversion context.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import EngineError
from prldh.engines.r_home import (
    REQUIRED_PACKAGES,
    ask_version,
    find_r_home,
    import_rinterface,
    r_sources,
    rpy2_requirement,
    tell_missing,
)

# R's warnings never become Python's by themselves, and an R error must not reach the console.
_CALLER = """
function(.function, ...) {
  warnings <- character(0)
  value <- tryCatch(
    withCallingHandlers(
      .function(...),
      warning = function(w) { warnings <<- c(warnings, conditionMessage(w)); invokeRestart("muffleWarning") },
      message = function(m) invokeRestart("muffleMessage")),
    error = function(e) structure(conditionMessage(e), class = "prldh_error"))
  list(value, warnings, inherits(value, "prldh_error"))
}
"""

_LOADER = """
function(files) {
  engine <- new.env(parent = globalenv())
  for (file in files) sys.source(file, envir = engine, keep.source = FALSE)
  engine
}
"""

_lock = threading.RLock()
_session: _Session | None = None


class _Session:
    """The one R of this process: the package's functions, and the R function through which they are called."""

    def __init__(self) -> None:
        r_home = find_r_home()
        sources = [str(path) for path in r_sources()]
        self.pid = os.getpid()
        with _same_library_path():
            self._start(r_home, sources)

    def _start(self, r_home: str, sources: list[str]) -> None:
        self.r = import_rinterface(r_home)
        # Some packages ask for the time zone, and without TZ R asks timedatectl, which may not be there
        os.environ.setdefault("TZ", ":/etc/localtime" if Path("/etc/localtime").exists() else "UTC")
        try:
            with _quiet_console():
                self.r.initr()
                can_load = self.r.baseenv["requireNamespace"]
                missing = [
                    p
                    for p in REQUIRED_PACKAGES
                    if not can_load(self.r.StrSexpVector([p]), quietly=self.r.BoolSexpVector([True]))[0]
                ]
                if not missing:
                    self.caller = self.r.evalr(_CALLER)
                    self.functions = self.r.evalr(_LOADER)(self.r.StrSexpVector(sources))
        except Exception as error:  # whatever stops R, what to do is the same
            raise EngineError(
                f"R in {r_home} could not be started through rpy2: {error}. Run:"
                f" {rpy2_requirement(ask_version(r_home))}"
            ) from error
        if missing:
            raise EngineError(tell_missing(missing))


@contextmanager
def _same_library_path() -> Iterator[None]:
    """Give the environment its LD_LIBRARY_PATH back, which starting R sets.

    R and its packages are loaded by then. Processes started later, joblib's workers among them, would otherwise find
    the system's libpython before their own, where the interpreter is linked to a shared one: another Python with this
    one's library.
    """
    before = os.environ.get("LD_LIBRARY_PATH")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("LD_LIBRARY_PATH", None)
        else:
            os.environ["LD_LIBRARY_PATH"] = before


def _running_session() -> _Session:
    global _session
    if _session is None:
        _session = _Session()
    if _session.pid != os.getpid():
        raise EngineError(
            f"R was started in process {_session.pid} and cannot be used in process {os.getpid()}, which was forked off"
            " it. Use joblib's loky backend, which starts fresh processes."
        )
    return _session


def evaluate(function: str, arguments: dict[str, Any]) -> tuple[Any, list[str]]:
    """Call one function of the R package: R's value, and what R warned of."""
    with _lock:
        session = _running_session()
        with _quiet_console():
            converted = {name: _to_r(session.r, value) for name, value in arguments.items()}
            value, warnings, failed = session.caller(session.functions[function], **converted)
    if failed[0]:
        raise EngineError(f"R's {function}: {value[0]}")
    return value, list(warnings)


@contextmanager
def _quiet_console() -> Iterator[None]:
    """Drop what R writes to the console. Put back afterwards: a notebook may use rpy2 for itself."""
    callbacks = importlib.import_module("rpy2.rinterface_lib.callbacks")
    names = ("consolewrite_print", "consolewrite_warnerror")
    before = {name: getattr(callbacks, name) for name in names}
    for name in names:
        setattr(callbacks, name, _ignore)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(callbacks, name, function)


def _ignore(text: str) -> None:
    pass


# ---------------------------------------------------------------- conversion


def _to_r(r: Any, value: Any) -> Any:
    """An R vector or matrix of an array, or an R vector of length one of a number, text or truth value."""
    if isinstance(value, np.ndarray):
        kind = r.IntSexpVector if value.dtype == np.int32 else r.FloatSexpVector
        flat = np.ascontiguousarray(value.reshape(-1, order="F"))
        vector = kind.from_memoryview(flat.data) if flat.size else kind([])
        if value.ndim >= 2:
            vector.do_slot_assign("dim", r.IntSexpVector(list(value.shape)))
        return vector
    kind = {bool: r.BoolSexpVector, str: r.StrSexpVector, float: r.FloatSexpVector}[type(value)]
    return kind([value])


def to_python(value: Any, is_vector: bool) -> Any:
    """An array of R's numbers, a float of a single one, text of text, a dict of a named list."""
    kind = type(value).__name__
    if is_list(value):
        return {key: to_python(item, is_vector) for key, item in zip(value.names, value, strict=True)}
    if kind == "StrSexpVector":
        return text_or_none(value[0])
    array = np.array(value, dtype=np.float64)
    if kind in ("IntSexpVector", "BoolSexpVector"):
        array[array == np.iinfo(np.int32).min] = np.nan  # R's integer NA
    array[np.isnan(array)] = np.nan  # R's NA is a signalling NaN, of which NumPy warns
    shape = dimensions(value)
    if shape is not None:
        return np.ascontiguousarray(array.reshape(shape, order="F"))
    if is_vector:
        return array
    if array.size != 1:
        raise EngineError(f"R gave {array.size} numbers where one was expected. Please report this.")
    return float(array[0])


def is_list(value: Any) -> bool:
    """Whether R's value is a list, whose elements have names."""
    return type(value).__name__ == "ListSexpVector"


def dimensions(value: Any) -> tuple[int, ...] | None:
    """The shape of an R matrix or array, None of anything else."""
    try:
        return tuple(value.do_slot("dim"))
    except LookupError:
        return None


def text_or_none(value: Any) -> str | None:
    """Text, or None for R's missing text."""
    return value if type(value) is str else None  # NA_character_ is a str of another type
