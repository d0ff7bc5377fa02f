"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: Path, mode: int = 0o644) -> Iterator[Path]:
    """A scratch file beside ``path``, with its ending, that takes its place when the block ends; where the block fails,
    what stood there stays.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".partial-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file that appears whole or not at all, beside others that may write the same.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    with whole_file(path, mode) as scratch:
        scratch.write_bytes(content)
