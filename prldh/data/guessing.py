"""How a table seems to be read: what ``prldh init --from`` writes down. Studies are read by what their file says."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

from prldh.core import DataError, is_file
from prldh.data import layout
from prldh.data.contents import PARQUET, WORKBOOKS, default_separator, kind_of
from prldh.data.delimited import as_utf8, bytes_of, first_lines
from prldh.data.workbooks import sheets_of
from prldh.study import AS_IT_IS, TableRead


def guess_read(path: Path) -> tuple[TableRead, list[str]]:
    """How a table seems to be read, and why each key that is not the default is there.

    Raises
    ------
    DataError
        If the file is missing, or no text where its ending means text.
    """
    kind = kind_of(path)
    if not is_file(path) or kind in PARQUET:
        return AS_IT_IS, []  # told where it is read
    said, why = _guess_workbook(path) if kind in WORKBOOKS else _guess_text(path)
    return TableRead(**said), why


def _guess_text(path: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        data = bytes_of(path)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}. Check the file and its ending.") from None
    said: dict[str, Any] = {}
    why = []
    looks = layout.looks_like(data)
    if looks is not None and looks != "utf-8" and layout.mark_of(data) is None:
        said["encoding"] = looks
        why.append(f"its text looks like {looks}")
    text = as_utf8(data, said.get("encoding"), path)
    separator = default_separator(path)
    found = layout.guess_layout(first_lines(text, skip_blank=False), separator) if text.strip() else None
    if found is None:
        return said, why
    if found.separator != separator:
        said["separator"] = found.separator
        why.append(f"its cells are separated by {layout.SEPARATORS.get(found.separator, found.separator)}")
    if found.decimal != ".":
        said["decimal"] = found.decimal
        why.append("its numbers have decimal commas")
    if found.skip_rows:
        said["skip_rows"] = found.skip_rows
        why.append("its header is not the first row")
    return said, why


def _guess_workbook(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The first sheet with a header over two columns or more, and decimal commas in cells of text."""
    sheets = sheets_of(path)
    for k, (name, rows) in enumerate(sheets):
        texts = [["" if cell is None else str(cell) for cell in row] for row in rows[: layout.LOOKED_AT]]
        width = max((j + 1 for row in texts for j, cell in enumerate(row) if cell.strip()), default=0)
        texts = [row[:width] for row in texts]
        header = layout.find_header(texts, width) if width > 1 and len(texts) > 1 else None
        if header is None:
            continue
        said: dict[str, Any] = {}
        why = []
        if k:
            said["sheet"] = name
            why.append(f"sheet '{name}' is the first of {len(sheets)} that looks like a table")
        above = [row for row in texts[:header] if any(cell.strip() for cell in row)]
        if above:
            said["skip_rows"] = header
            why.append("its header is not the first row")
        cells = [cell for row in rows[header + 1 :] for cell in row if isinstance(cell, str)]
        if any(re.fullmatch(layout.COMMA, cell.strip()) for cell in cells):
            said["decimal"] = ","
            why.append("numbers with decimal commas stand in it as text")
        return said, why
    return {}, []
