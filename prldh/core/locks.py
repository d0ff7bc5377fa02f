"""Locks that a dead process cannot hold."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl

#: What a file system says that has no such locks.
_NO_LOCKS = (errno.ENOLCK, errno.EBADF, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOTSUP)


def take_lock(handle: int, *, is_waiting: bool = False) -> bool | None:
    """Lock an open file or folder until it is closed, which the end of a process does too; False where another process
    has it (unless it is waited for), None where there are no locks."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if is_waiting else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise
    return True


def is_still(handle: int, path: Path) -> bool:
    """Whether what is open still stands at this place: the one who had the lock may have moved it away."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except OSError:
        return False
