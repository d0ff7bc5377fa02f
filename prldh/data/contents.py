"""What a table's file holds before anything is asked of its cells, and what all formats of files share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from prldh.core import DataError, shown, size_text
from prldh.data import layout

#: What a column is called that has no name and numbers or names the rows, as R's ``row.names``.
ROW_NAMES = "row.names"
WORKBOOKS, PARQUET = (".xlsx", ".xlsm"), (".parquet", ".pq")
#: The largest table, in bytes and in cells: twice that does not fit into the memory of most machines.
LARGEST, LARGEST_CELLS = 1 << 31, 200_000_000
#: What is packed may unpack to so many times its size, as numbers and names do not shrink to less than a hundredth, or
#: to so many bytes.
PACKED_TIMES, PACKED_FREE = 200, 1 << 26
#: Cells of a column: text as it stands in the file, or what a workbook or Parquet file holds.
Cells: TypeAlias = pa.Array | np.ndarray


@dataclass(frozen=True)
class Contents:
    """The columns of a file. ``first``: the row of the file in which the first patient stands; ``place``: which sheet
    it is, for messages. ``n_hidden``: rows of patients that a workbook does not show."""

    names: list[str]
    columns: list[Cells]
    first: int = 2
    place: str = ""
    n_hidden: int = 0


def kind_of(path: Path) -> str:
    """The ending that says what a file is, ``.gz`` aside."""
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    return suffixes[-1] if suffixes else ""


def default_separator(path: Path) -> str:
    """The separator that a file's ending means."""
    return "\t" if kind_of(path) in (".tsv", ".txt", ".tab") else ","


def refuse_swollen(path: Path, size: int) -> None:
    """What is packed far more tightly than a table can be is no table: its size is known before it is read."""
    most = min(LARGEST, max(PACKED_FREE, PACKED_TIMES * path.stat().st_size))
    if size > most:
        raise DataError(
            f"{path} unpacks to {size_text(size)}{' or more' if size == most + 1 else ''}, which no table of"
            f" {size_text(path.stat().st_size)} does. Check what it holds, or save the table as plain CSV."
        )


def is_empty(path: Path) -> DataError:
    return DataError(f"{path} is empty. Give a table with a header line and a row a patient.")


def has_title(title: str, keys: str, path: Path) -> DataError:
    return DataError(
        f"{path} begins with '{shown(title, 60)}', which seems to be a title above the header. Say {keys} for this"
        " table, or remove what stands above the header."
    )


def refuse_title(names: Sequence[str], top: Sequence[Sequence[str]], skipped: int, path: Path) -> None:
    """Names that are blank, most of them, where a row beneath could be the header: the first row is a title. A note
    beside a table makes no title of its header."""
    if 2 * sum(bool(name.strip()) for name in names) > len(names):
        return
    blank = [j for j, name in enumerate(names) if not name.strip() and any(row[j].strip() for row in top[1:])]
    header = layout.find_header(top, len(names)) if blank else None
    if header:
        title = next((name for name in names if name.strip()), "")
        raise has_title(title, f"read: {{skip_rows: {skipped + header}}}", path)
