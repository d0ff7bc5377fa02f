"""What a process has one of and a stranger's code may change: the working directory, the environment, limits, which
warnings are shown, what is done when somebody interrupts, and what libraries keep for everyone, such as the state of
random numbers, the digits of decimals, options and styles."""

from __future__ import annotations

import decimal
import functools
import gc
import locale
import logging
import os
import random
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias, cast

from prldh.core import ASKING, file_at, was_interrupted

resource: Any
try:
    import resource
except ImportError:  # Windows has no limits of this kind
    resource = None

#: What sets something back.
Back: TypeAlias = Callable[[], object]


def keep_surroundings() -> Back:
    """What sets them back to what they are now, as far as they have changed by then. Variables of the environment that
    are new stay, and so do filters of warnings about a library's own: libraries set them when they are first
    imported. Of a library that is imported meanwhile nothing is known, and nothing set back."""
    kept = [keep() for keep in _KEPT]

    def set_back() -> None:
        for back in kept:
            with suppress(Exception):  # one that fails must not keep the others from it
                back()

    return set_back


def _folder() -> Back:
    before = _working_directory()

    def back() -> None:
        if before is not None and before != _working_directory():
            os.chdir(before)  # unless it is gone meanwhile

    return back


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return None


def _environment() -> Back:
    before = dict(os.environ)

    def back() -> None:
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        if os.environ.get("TZ") != before.get("TZ"):
            del os.environ["TZ"]
        if hasattr(time, "tzset"):
            time.tzset()

    return back


def _locale() -> Back:
    before = locale.setlocale(locale.LC_ALL)

    def back() -> None:
        if locale.setlocale(locale.LC_ALL) != before:
            locale.setlocale(locale.LC_ALL, before)

    return back


def _warnings() -> Back:
    filters, show = list(warnings.filters), warnings.showwarning

    def back() -> None:
        wanted = [each for each in warnings.filters if each not in filters and each[3] is not None] + filters
        if wanted != warnings.filters:
            warnings.resetwarnings()
            warnings.filters[:] = wanted  # type: ignore[index]  # a list, which the stubs call a sequence
        warnings.showwarning = show

    return back


def _signals() -> Back:
    handlers = {each: signal.getsignal(each) for each in (*ASKING, *_OTHERS)}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ()) if hasattr(signal, "pthread_sigmask") else None
    timers = [each for each in _TIMERS if signal.getitimer(each)[0] == 0]

    def back() -> None:
        for each in timers:
            signal.setitimer(each, 0)  # one that a plugin forgot would end the process
        if "faulthandler" in sys.modules:
            sys.modules["faulthandler"].cancel_dump_traceback_later()
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        # once it is asked to end, a second time ends the process at once
        if threading.current_thread() is threading.main_thread():
            for each, handler in handlers.items():
                is_kept = each in ASKING and was_interrupted()
                if handler is not None and not is_kept and signal.getsignal(each) is not handler:
                    signal.signal(each, handler)

    return back


_LIMITS = [
    getattr(resource, name)
    for name in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_NPROC")
    if hasattr(resource, name)
]

#: Signals that ask for nothing and end a process, or wake its calls, and the clocks that send some of them.
_OTHERS = tuple(
    getattr(signal, name)
    for name in ("SIGALRM", "SIGVTALRM", "SIGPROF", "SIGCHLD", "SIGPIPE", "SIGUSR1", "SIGUSR2", "SIGXFSZ")
    if hasattr(signal, name)
)
_TIMERS = tuple(
    getattr(signal, name) for name in ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF") if hasattr(signal, name)
)


def _python() -> Back:
    """What the interpreter does for everyone: where it looks for modules, what it calls of everything that happens."""
    before = [(tell(), put) for tell, put in _OF_PYTHON]
    lists: list[tuple[Any, list[Any]]] = [
        (each, list(each)) for each in (sys.path, sys.meta_path, sys.path_hooks, sys.argv, gc.callbacks)
    ]

    def back() -> None:
        for (value, put), (tell, _) in zip(before, _OF_PYTHON, strict=True):
            if tell() != value:
                with suppress(Exception):
                    put(value)
        for each, content in lists:
            added = [entry for entry in each if not any(entry is one for one in content)]
            wanted = content + added if each is sys.path or each is sys.meta_path else content  # a library's stay, last
            if each != wanted:
                each[:] = wanted

    return back


def _attribute(owner: Any, name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    return lambda: getattr(owner, name, None), lambda value: setattr(owner, name, value)


#: What tells something of the interpreter, and what sets it.
_OF_PYTHON: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (gc.isenabled, lambda is_on: gc.enable() if is_on else gc.disable()),
    (gc.get_threshold, lambda limits: gc.set_threshold(*limits)),
    (gc.get_debug, gc.set_debug),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
    (threading.gettrace, cast(Any, threading.settrace)),
    (threading.getprofile, cast(Any, threading.setprofile)),
    (sys.getswitchinterval, sys.setswitchinterval),
    (sys.get_int_max_str_digits, sys.set_int_max_str_digits),
    *(_attribute(sys, name) for name in ("excepthook", "unraisablehook", "displayhook", "__stdout__", "__stderr__")),
    _attribute(threading, "excepthook"),
    _attribute(tempfile, "tempdir"),
)


def _limits() -> Back:
    """What the system lets this process have, and where it lets it run. A lower hard limit stays."""
    before = {each: resource.getrlimit(each)[0] for each in _LIMITS}
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None

    def back() -> None:
        for each, soft in before.items():
            now, hard = resource.getrlimit(each)
            if now != soft:
                with suppress(ValueError):  # above the hard one
                    resource.setrlimit(each, (soft, hard))
        if cores is not None and os.sched_getaffinity(0) != cores:
            os.sched_setaffinity(0, cores)

    return back


def _umask() -> Back:
    before = _mask()

    def back() -> None:
        if before is not None and _mask() != before:
            os.umask(before)

    return back


def _mask() -> int | None:
    """Who may not read what is written. It is told by a change of it, which other threads must not see: beside them the
    system is asked, where it says so."""
    if threading.active_count() == 1:
        os.umask(mask := os.umask(0o077))
        return mask
    try:
        told = file_at(Path("/proc/self/status")).read_bytes()
    except OSError:
        return None
    found = told.partition(b"\nUmask:")[2].split(maxsplit=1)
    return int(found[0], 8) if found else None


def _decimals() -> Back:
    before = decimal.getcontext().copy()

    def back() -> None:
        if repr(decimal.getcontext()) != repr(before):
            decimal.setcontext(before)

    return back


def _logging() -> Back:
    root = logging.getLogger()
    before, handlers, off = (root.level, root.disabled, root.manager.disable), list(root.handlers), _silent_loggers()

    def back() -> None:
        if (root.level, root.disabled, root.manager.disable) != before or root.handlers != handlers:
            root.setLevel(before[0])
            root.disabled = before[1]
            logging.disable(before[2])
            root.handlers[:] = handlers
        for logger in _silent_loggers() - off:
            logger.disabled = False

    return back


def _silent_loggers() -> set[logging.Logger]:
    found = list(logging.getLogger().manager.loggerDict.values())
    return {each for each in found if isinstance(each, logging.Logger) and each.disabled}


def _random() -> Back:
    before = random.getstate()
    return lambda: random.setstate(before)


@functools.cache
def _generator_of_strangers() -> Any:
    """The one behind ``numpy.random`` while a stranger's code runs: seeded or not, it is not that of the process."""
    import numpy as np

    return np.random.MT19937()


def _numpy() -> Back:
    import numpy as np

    shared: Any = np.random  # which the stubs give no such functions
    own, printed = shared.get_bit_generator(), np.get_printoptions()
    shared.set_bit_generator(_generator_of_strangers())

    def back() -> None:
        shared.set_bit_generator(own)
        if np.get_printoptions() != printed:
            np.set_printoptions(**printed)

    return back


def _pandas() -> Back:
    pandas = sys.modules.get("pandas")
    groups = list(_groups(getattr(getattr(pandas, "options", None), "__dict__", {}).get("d", {})))
    before = [dict(group) for _, group in groups]

    def back() -> None:
        for (above, group), former in zip(groups, before, strict=True):
            if pandas is not None and group != former:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # some are going to be removed
                    for name in [name for name, value in former.items() if group[name] is not value]:
                        pandas.set_option(above + name, former[name])

    return back


def _groups(options: dict[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Options that stand within options, each group with what its names begin with."""
    yield above, options
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _groups(value, f"{above}{name}.")


def _matplotlib() -> Back:
    style = getattr(sys.modules.get("matplotlib"), "rcParams", {})
    before = dict(dict.items(style))  # which asks for no backend

    def back() -> None:
        if dict.__ne__(style, before):
            dict.update(style, {name: value for name, value in before.items() if name != "backend"})

    return back


def _scikit_learn() -> Back:
    learn: Any = sys.modules.get("sklearn")
    if not hasattr(learn, "set_config"):  # not there, or being imported
        return lambda: None
    before = learn.get_config()
    return lambda: learn.set_config(**before)


def _torch() -> Back:
    torch: Any = sys.modules.get("torch")
    if not hasattr(torch, "set_grad_enabled"):  # not there, or being imported
        return lambda: None
    threads, kind, has_gradients = torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()

    def back() -> None:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if torch.get_default_dtype() != kind:
            torch.set_default_dtype(kind)
        if torch.is_grad_enabled() != has_gradients:
            torch.set_grad_enabled(has_gradients)

    return back


_KEPT = (
    _folder,
    _environment,
    _locale,
    _warnings,
    _signals,
    _python,
    _limits,
    _umask,
    _decimals,
    _logging,
    _random,
    _numpy,
    _pandas,
    _matplotlib,
    _scikit_learn,
    _torch,
)
