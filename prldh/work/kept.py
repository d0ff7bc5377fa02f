"""Finished work, kept on disk until the run is done: a run that was killed goes on from it.

Every process appends to a file of its own in the user's cache folder (:func:`prldh.core.cache.cache_folder`), so that
two runs of one study do not meet. A record is found by a digest of everything that its result depends on and carries a
checksum: one that is damaged or cut off counts as absent. Records are JSON and raw numbers; nothing that is read can
run code. What a study kept goes when its outputs stand.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from prldh.core import NOWHERE, cache_folder, shown_path

#: Part of every digest: raised when records change their form.
FORMAT = 1

#: What unfinished runs leave is cleaned away after this many days, and the oldest first beyond this many bytes.
KEEP_DAYS, KEEP_BYTES = 30, 4 * 1024**3

_ARRAY = "\0array"


# ---------------------------------------------------------------- digests


def digest_of(*parts: Any) -> str:
    """SHA-256 of nested tuples, lists and dicts of arrays, text, numbers and None; types and shapes count, order
    too."""
    digest = hashlib.sha256()
    for part in parts:
        _feed(digest, part)
    return digest.hexdigest()


def _feed(digest: Any, part: Any) -> None:
    if isinstance(part, np.ndarray):
        digest.update(f"array {part.dtype.str} {part.shape};".encode())
        digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8) if part.size else b"")
    elif isinstance(part, dict):
        _feed(digest, list(part.items()))
    elif isinstance(part, (list, tuple)):
        digest.update(f"list {len(part)};".encode())
        for item in part:
            _feed(digest, item)
    elif part is None or isinstance(part, (str, int, float, bool)):
        text = repr(part).encode("utf-8", "surrogatepass")
        digest.update(f"{type(part).__name__} {len(text)};".encode() + text)
    else:
        raise TypeError(f"no digest of a {type(part).__name__}")


@functools.cache
def about_program() -> dict[str, str]:
    """The program itself: versions of Python and of what numbers come from, and a digest of its source files."""
    here = Path(__file__).parents[1]
    files = [(str(p.relative_to(here)), p.read_bytes().hex()) for p in sorted(here.rglob("*.py"))]
    packages = ("prldh", "numpy", "scipy", "scikit-learn", "numba", "llvmlite", "pandas", "joblib", "threadpoolctl")
    versions = {
        name: distribution.version
        for name in packages
        if (distribution := next(iter(metadata.distributions(name=name)), None))
    }
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **versions,
        "source files": digest_of(files)[:12],
    }


def program_digest() -> str:
    """One digest of :func:`about_program` and of the form of records."""
    return digest_of(FORMAT, about_program())


# ---------------------------------------------------------------- records


def encode(content: Any) -> bytes:
    """Nested lists of text, numbers, None and arrays as bytes: one line of JSON, then the arrays. Numbers are exact."""
    arrays: list[bytes] = []

    def lift(value: Any) -> Any:
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            arrays.append(np.ascontiguousarray(value).tobytes())
            return {_ARRAY: [value.dtype.str, list(value.shape)]}
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"a {type(value).__name__} cannot be kept")

    return b"\n".join([json.dumps(content, default=lift).encode("ascii"), b"".join(arrays)])


def decode(body: bytes) -> Any:
    """What :func:`encode` was given, tuples as lists; arrays can be written to."""
    text, _, raw = body.partition(b"\n")
    position = 0

    def lower(pairs: dict[str, Any]) -> Any:
        nonlocal position
        if list(pairs) != [_ARRAY]:
            return pairs
        dtype, shape = np.dtype(pairs[_ARRAY][0]), tuple(pairs[_ARRAY][1])
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        array = np.frombuffer(raw[position : position + size], dtype).reshape(shape).copy()
        position += size
        return array

    return json.loads(text, object_hook=lower)


@dataclass(frozen=True)
class _Place:
    path: Path
    offset: int
    size: int
    checksum: str


def _checksum(key: str, body: bytes) -> str:
    return hashlib.sha256(key.encode() + body).hexdigest()


def _scan(path: Path) -> Iterator[tuple[str, _Place]]:
    """The records of a file by their keys, up to the first whose head is damaged or that is cut off; bodies are not
    looked at."""
    with suppress(OSError, ValueError), path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        while line := file.readline(400):
            key, size, checksum = line.decode("ascii").split()
            place = _Place(path, file.tell(), int(size), checksum)
            if not 0 <= place.size <= end - place.offset:
                return
            yield key, place
            file.seek(place.size, os.SEEK_CUR)


# ---------------------------------------------------------------- what a study keeps


class KeptWork:
    """The finished work of one study.

    Parameters
    ----------
    study : str
        Digest of what all its work depends on.
    say
        Told once, in a sentence, where nothing can be kept.
    """

    def __init__(self, study: str, say: Callable[[str], None]) -> None:
        self.n_kept = 0
        self.study, self._say = study, say
        self._folder = cache_folder("resamples")
        self._file: BinaryIO | None = None
        self._is_failing = False
        self._places: dict[str, list[_Place]] = {}
        self._paths = set(self._folder.glob(f"{study[:32]}-*.kept")) if self._folder.is_dir() else set()
        for path in sorted(self._paths):
            for key, place in _scan(path):
                self._places.setdefault(key, []).append(place)
        _clean(self._folder, self._paths)

    def find(self, key: str) -> Any:
        """What is kept under a key, or None."""
        for place in self._places.get(key, ()):
            with suppress(OSError, ValueError), place.path.open("rb") as file:
                file.seek(place.offset)
                body = file.read(place.size)
                if _checksum(key, body) == place.checksum:
                    self.n_kept += 1
                    return decode(body)
        return None

    def keep(self, key: str, content: Any) -> None:
        """Keep a result; where the disk takes none, that is told once and the run goes on without."""
        if self._is_failing:
            return
        body = encode(content)
        try:
            if self._file is None:
                self._file = self._open()
            self._file.write(f"{key} {len(body)} {_checksum(key, body)}\n".encode("ascii") + body)
            self._file.flush()
            self.n_kept += 1
        except OSError as error:
            self._is_failing = True
            where = f"in {shown_path(self._folder)}: {error.strerror or error}"
            if NOWHERE in self._folder.parents:
                where = "anywhere, as there is no home that can be written"
            self._say(
                f"warning: finished work cannot be kept {where}. The run goes on;"
                " if it is stopped, what comes from here on is computed again. Free space, or name another folder in"
                " PRLDH_CACHE."
            )

    def _open(self) -> BinaryIO:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{self.study[:32]}-", suffix=".kept", dir=self._folder)
        self._paths.add(Path(name))
        return os.fdopen(handle, "wb")

    def close(self) -> None:
        """Close the file; what it holds stays."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def forget(self) -> None:
        """Remove what was kept: the outputs stand."""
        self.close()
        for path in self._paths:
            with suppress(OSError):
                path.unlink()


class Shelf:
    """Results of one stage, by their numbers.

    ``keys``: one an item; ``pack`` makes of a result what :func:`encode` takes, ``unpack`` the result again.
    """

    def __init__(
        self, kept: KeptWork, keys: Sequence[str], pack: Callable[[Any], Any], unpack: Callable[[Any], Any]
    ) -> None:
        self.kept, self._keys, self._pack, self._unpack = kept, keys, pack, unpack

    def find(self, i: int) -> Any:
        """The result of item i, or None."""
        kept = self.kept.find(self._keys[i])
        return None if kept is None else self._unpack(kept)

    def keep(self, i: int, result: Any) -> None:
        """Keep the result of item i."""
        self.kept.keep(self._keys[i], self._pack(result))


def _clean(folder: Path, spared: set[Path]) -> None:
    """Remove what unfinished runs left long ago, and the oldest of too much."""
    files = []
    with suppress(OSError):
        for path in set(folder.glob("*.kept")) - spared:
            with suppress(OSError):
                files.append((path.stat().st_mtime, path.stat().st_size, path))
    total = 0
    for when, size, path in sorted(files, key=lambda entry: -entry[0]):
        total += size
        if total > KEEP_BYTES or time.time() - when > KEEP_DAYS * 86400:
            with suppress(OSError):
                path.unlink()
