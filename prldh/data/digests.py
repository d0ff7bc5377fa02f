"""What a table or the images of a tissue hold, as digests: the same for the same content, whatever the order of rows
and columns or the format of the file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from prldh.core import CaseRow, DataError, file_bytes, is_file
from prldh.data.ids import check_ids, ids_of
from prldh.data.imaging import content_hash, read_cases
from prldh.data.tables import column_of, open_table
from prldh.study import AS_IT_IS, TableRead


@dataclass(frozen=True)
class TableDigest:
    """What a table holds.

    ``sha256`` is of ids and columns; ``ids`` of the ids alone, ``columns`` (first 16 digits) of each column, in the
    order of the ids. Numbers count by value, so that ``1`` and ``1.0`` are the same; other cells by their text.
    """

    file: str
    rows: int
    ids: str
    sha256: str
    columns: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class CasesDigest:
    """What the images and masks of a tissue hold: how many cases, and a digest of their patients and files' bytes."""

    file: str
    cases: int
    sha256: str


def digest_table(
    path: Path,
    id_column: str,
    without: Sequence[str] = (),
    read: TableRead = AS_IT_IS,
    is_unique: bool = False,
    needed: Mapping[str, str] = MappingProxyType({}),
) -> TableDigest:
    """The digest of a table, ``without`` these columns, which are not looked at; ``is_unique``: each id stands once;
    ``needed``: columns that must be there, by the place in the study file that names them.

    Raises
    ------
    DataError
        If it cannot be read, or lacks the id or a column that is needed, or an id that must not stands twice.
    """
    table = open_table(path, read)
    for where, name in needed.items():
        column_of(table, name, where)
    ids = list((check_ids if is_unique else ids_of)(table, id_column, "clinical.id"))
    names = sorted(name for name in table.columns if name != id_column and name not in without)
    order = sorted(range(len(ids)), key=ids.__getitem__)
    if len(set(ids)) < len(ids):  # several rows of one id stand in the order of their cells
        cells = [table[name].to_numpy() for name in names]
        order = sorted(order, key=lambda i: (ids[i], [column[i] for column in cells]))
    values, is_blank = table.values(names)
    is_number = ~(np.isnan(values) & ~is_blank).any(axis=0)
    columns = {
        name: _sha256(_canonical(values[order, j] if is_number[j] else table[name].to_numpy()[order]))[:16]
        for j, name in enumerate(names)
    }
    own = _sha256("\x1f".join(ids[i] for i in order).encode())
    whole = "\x1e".join([own, *(f"{name}\x1f{digest}" for name, digest in columns.items())])
    return TableDigest(path.name, len(ids), own, _sha256(whole.encode()), columns)


def digest_cases(table: Path, tissue: str, id_column: str, reading: Any, read: TableRead = AS_IT_IS) -> CasesDigest:
    """The digest of the images and masks that a table of cases names, in whatever order.

    Raises
    ------
    DataError
        If the table cannot be read.
    """
    rows = read_cases(table, tissue, id_column, read=read)
    cases = [f"{row.patient}\x1f{_content_of(row, reading)}" for row in rows]
    return CasesDigest(table.name, len(rows), _sha256("\x1e".join(sorted(cases)).encode()))


def _content_of(row: CaseRow, reading: Any) -> str:
    """The digest of a case; of one that cannot be read, and that a run puts aside, of the bytes of its files alone."""
    try:
        return content_hash(row, reading)
    except DataError:
        files = [file_bytes(path) if is_file(path) else b"absent" for path in (row.image, *row.masks)]
        return f"unread {' '.join(map(_sha256, files))} {row.label!r} {row.segment!r}"


def _canonical(cells: np.ndarray) -> bytes:
    """A column (n,) as bytes: numbers by value, blanks as NaN; text as it is."""
    if cells.dtype == object:
        return b"text" + "\x1f".join(cells).encode()
    return b"numbers" + np.where(np.isnan(cells), np.nan, cells + 0.0).astype("<f8").tobytes()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
