"""The table behind the selector ``feature_library``: reading it, and refusing one of another tissue or network."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from prldh.api import DataError, StudyError, expanded, file_at, file_bytes, file_text, read_table, readable, shown

#: The feature source whose features it holds.
SOURCE = "uctransnet"


def digest_of_library(path: str) -> str:
    """SHA-256 of its file."""
    return hashlib.sha256(file_bytes(expanded(path))).hexdigest()


@dataclass(frozen=True)
class Origin:
    """The tissue and the checkpoint (SHA-256) that a table is of, None where that is not known."""

    tissue: str | None = None
    checkpoint_sha256: str | None = None


def origin_of(path: str) -> Origin:
    """What `prldh extract` says of a table beside it, in TISSUE.json."""
    place = expanded(path)
    for file in sorted(place.parent.glob("*.json"), key=lambda file: -len(file.stem)):
        if place.name.startswith(f"{file.stem}."):
            state = file_at(file).stat()
            return _origin_in(file, (state.st_mtime_ns, state.st_size))
    return Origin()


@lru_cache(maxsize=4)  # refits ask again
def _origin_in(file: Path, state: Any) -> Origin:
    try:
        content = json.loads(file_text(file))
        made = content.get("sources", {}).get(SOURCE, {}).get("computed", {})
        return Origin(content.get("tissue"), made.get("checkpoint_sha256"))
    except (OSError, ValueError, AttributeError):  # of something else
        return Origin()


def refuse_other_tissue(path: str, tissue: str) -> None:
    """Refuse a library of which it is known that it is another tissue's.

    Raises
    ------
    DataError
    """
    other = origin_of(path).tissue
    if tissue and other is not None and other != tissue:
        raise DataError(
            f"selection.feature_library: {Path(path).name} is a library of the tissue '{other}', and these features are"
            f" of '{tissue}'. Name one for each tissue: library: {{{other}: TABLE, {tissue}: TABLE}}."
        )


def refuse_other_network(path: str, checkpoint_sha256: str | None) -> None:
    """Refuse a library of which it is known that another network made it.

    Raises
    ------
    DataError
    """
    other = origin_of(path).checkpoint_sha256
    if checkpoint_sha256 and other and other != checkpoint_sha256:
        raise DataError(
            f"{Path(path).name} is a library of another network (checkpoint {other[:12]}, and the features are of"
            f" {checkpoint_sha256[:12]}). Extract the images that this network was trained on with it."
        )


def read_library(path: str, where: str = "selection.feature_library.library") -> tuple[tuple[str, ...], np.ndarray]:
    """Names (p,) and values (m, p) of a library; its first column is the id. ``where``: the key that names it.

    Raises
    ------
    StudyError, DataError
        If it is absent, has fewer than three rows, or a cell is no number.
    """
    place = expanded(path)
    do = "Extract the images that the network was trained on, and name the table."
    readable(place, f"{where}: library", do, kind=StudyError)
    state = place.stat()
    return _read(place, (state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=4)
def _read(place: Path, state: Any) -> tuple[tuple[str, ...], np.ndarray]:

    frame = read_table(place)
    names = tuple(frame.columns[1:])
    if not names:
        raise DataError(
            f"{place.name}: there is one column, '{shown(frame.columns[0])}'. A library holds an id column, then one"
            " column a feature."
        )
    try:
        values = frame.iloc[:, 1:].to_numpy(dtype=str).astype(np.float64)
    except ValueError as error:
        raise DataError(
            f"{place.name}: a cell is no number ({error}). A library holds an id column, then one column a feature."
        ) from None
    if len(values) < 3 or not np.isfinite(values).all():
        raise DataError(
            f"{place.name}: a library needs at least 3 rows of finite values, found {len(values)} rows. Extract more"
            " images."
        )
    values.setflags(write=False)
    return names, values
