"""What a process has one of and a stranger's code may change: the working directory, the environment, the locale, which
warnings are shown, and what is done when somebody interrupts."""

from __future__ import annotations

import locale
import os
import signal
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress

from prldh.core import ASKING, was_interrupted


def keep_surroundings() -> Callable[[], None]:
    """What sets them back to what they are now, as far as they have changed by then. Variables of the environment that
    are new stay, and so do filters of warnings about a library's own: libraries set them when they are first
    imported."""
    folder, environment, place = _folder(), dict(os.environ), locale.setlocale(locale.LC_ALL)
    handlers = {each: signal.getsignal(each) for each in ASKING}
    filters, show = list(warnings.filters), warnings.showwarning

    def set_back() -> None:
        if folder is not None and folder != _folder():
            with suppress(OSError):  # it is gone meanwhile
                os.chdir(folder)
        for name, value in environment.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        if locale.setlocale(locale.LC_ALL) != place:
            with suppress(locale.Error):
                locale.setlocale(locale.LC_ALL, place)
        wanted = [each for each in warnings.filters if each not in filters and each[3] is not None] + filters
        if wanted != warnings.filters:
            warnings.resetwarnings()
            warnings.filters[:] = wanted  # type: ignore[index]  # a list, which the stubs call a sequence
        warnings.showwarning = show
        # once it is asked to end, a second time ends the process at once
        if threading.current_thread() is threading.main_thread() and not was_interrupted():
            for each, handler in handlers.items():
                if handler is not None and signal.getsignal(each) is not handler:
                    signal.signal(each, handler)

    return set_back


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return None
