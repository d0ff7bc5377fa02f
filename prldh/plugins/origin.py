"""Where a plugin that took part comes from: its distribution, and a digest of the files that it is written in."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple


class TookPart(NamedTuple):
    """A plugin that took part in a run: ``distribution`` is None of one that was given to the call; ``sha256`` is of
    its files, None where it has none; ``brings`` are the objects that the run took of it, with their kind."""

    plugin: str
    distribution: str | None
    version: str | None
    sha256: str | None
    brings: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.distribution or self.plugin}{f' {self.version}' if self.version else ''}"


def digest_of_files(owner: Any) -> str | None:
    """SHA-256 of the files of a module's package, or of the one file of a module, or of an object's class, that is
    part of none; None where nothing is a file, as in a notebook."""
    name = owner.__name__ if isinstance(owner, ModuleType) else type(owner).__module__
    top = sys.modules.get(name.partition(".")[0])
    module = top if getattr(top, "__file__", None) else sys.modules.get(name)
    place = getattr(module, "__file__", None)
    if place is None or not Path(place).is_file():
        return None
    folder = Path(place).parent if hasattr(module, "__path__") else None
    digest = hashlib.sha256()
    for file in [Path(place)] if folder is None else _files(folder):
        digest.update(f"{file.name if folder is None else file.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """The files of a package, in order, without what Python compiles of them."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix not in (".pyc", ".pyo", ".nbc", ".nbi"):
            yield file
