"""What a process has to start with: streams that are open, and enough file handles."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

from prldh.core.errors import ComputeError

if sys.platform != "win32":
    import resource

#: Fewer file handles do not do: libraries, tables and a worker's pipes take about half of these.
LEAST_HANDLES = 64
#: What the system says where a stream takes nothing any more.
_LOST = (errno.ENOSPC, errno.EPIPE, errno.EBADF, errno.EIO, errno.EDQUOT, errno.EFBIG)


def open_streams() -> bool:
    """Give standard streams that are closed a place that takes everything, so that no file of ours is opened in theirs.
    Whether what is printed will be seen."""
    is_seen = sys.stdout is not None
    with suppress(OSError):
        while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(handle, True)
        os.close(handle)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # for as long as the process lives
    return is_seen


def check_handles() -> None:
    """Refuse to start with too few file handles: what fails for want of them fails anywhere.

    Raises
    ------
    ComputeError
        If this process may open fewer than :data:`LEAST_HANDLES`.
    """
    if sys.platform == "win32":
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != resource.RLIM_INFINITY and limit < LEAST_HANDLES:
        raise ComputeError(
            f"this process may open {limit} files at once, and needs {LEAST_HANDLES} or more. Raise the limit:"
            " `ulimit -n 1024`."
        )


def is_lost(error: BaseException) -> bool:
    """Whether an error is that of a stream which takes nothing any more: its disk is full, or nobody reads it."""
    return isinstance(error, OSError) and error.errno in _LOST and error.filename is None


def silence() -> None:
    """Send what is still to be printed nowhere: the end of the process would try again."""
    with suppress(OSError):
        handle = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(handle, stream)
        os.close(handle)


def ran_out(error: BaseException) -> str | None:
    """What ran out, and what to do about it, where an error comes of that; None for all others."""
    if isinstance(error, MemoryError):
        return "memory ran out; nothing was left half written. Use fewer --jobs, or a machine with more."
    number = getattr(error, "errno", None)
    if number in (errno.EMFILE, errno.ENFILE) or "Too many open files" in str(error):
        return "too many files are open; nothing was left half written. Raise the limit: `ulimit -n 4096`."
    return None
