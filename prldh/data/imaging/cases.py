"""The cases table: which image and which masks belong to whom."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from prldh.core import CaseRow, DataError, is_there, shown
from prldh.data.ids import ids_of
from prldh.data.numeric import refuse_failed_cells
from prldh.data.tables import Table, open_table, plain_column_of, some
from prldh.study import AS_IT_IS, TableRead

_READER_MASK = re.compile(r"mask_reader[1-9][0-9]*$")
_SERIES_UID = re.compile(r"^[0-9]+(\.[0-9]+)+$")


def read_cases(
    table: Path,
    tissue: str,
    id_column: str,
    readers: int | None = None,
    read: TableRead = AS_IT_IS,
    *,
    patient_column: str | None = None,
    share_images: bool = False,
) -> list[CaseRow]:
    """The rows of a tissue's cases table, in its order.

    Columns: the id (under the name of the study file or as ``patient_id``; the former wins where both are there),
    ``image``, ``mask`` or ``mask_reader1``, ``mask_reader2`` …, and optionally ``label`` (a whole number), ``segment``
    (a name) and ``lesion`` (which of the patient's it is), which may be blank; with capitals too, as PyRadiomics' batch
    tables have them. Paths are absolute or relative to the table. A DICOM series of a folder that holds several is
    ``folder#SeriesInstanceUID``. A patient may have several rows. Whether the files are there is left to
    :func:`prldh.data.imaging.check.check_cases`.

    Parameters
    ----------
    table : Path
    tissue : str
    id_column : str
    readers : int, optional
        How many readers there must be.
    read : TableRead, optional
        How the table is read.
    patient_column : str, optional
        The column that names the patient where the ids are lesions' (``clinical.patient``): ``patient_id`` is then no
        other name of the id's, and ``lesion`` is.
    share_images : bool
        Whether rows of several ids may name one image. A region that two ids name is refused then.

    Raises
    ------
    DataError
        If the table cannot be read, lacks a column, a row lacks its id, image or mask, a label is no whole number above
        0, or a region stands there twice.
    """
    frame = open_table(table, read)
    where = f"images of tissue '{tissue}'"
    name_of = _names_of(frame)
    of_ids = id_column
    if id_column not in frame and patient_column is not None and "lesion" in name_of:
        of_ids = name_of["lesion"]
    elif id_column not in frame and "patient_id" in frame and patient_column != "patient_id":
        of_ids = "patient_id"
    ids = ids_of(frame, of_ids, where)
    columns = _mask_columns(frame, name_of, table, where)
    if readers is not None and len(columns) != readers:
        raise DataError(
            f"{where}: {table.name} has the masks of {len(columns)} reader(s), wanted are {readers}. Add or remove mask"
            " columns."
        )
    image = plain_column_of(frame, name_of.get("image", "image"), where)
    masks = [frame.column(name) for name in columns]
    for column in (ids, image, *masks):
        refuse_failed_cells(column, table)
        blank = [row for row, cell in zip(column.index, column, strict=True) if cell == ""]
        if blank:
            raise DataError(
                f"{where}: {table.name} has no '{shown(column.name)}' in row {some(blank)}. Fill it in, or remove the"
                " row."
            )
    labels, segments, lesions = (
        frame.column(name_of[key]) if key in name_of else None for key in ("label", "segment", "lesion")
    )
    for named in (segments, lesions):
        if named is not None:
            refuse_failed_cells(named, table)
    folder = table.absolute().parent
    rows = [
        CaseRow(
            tissue,
            ids[i],
            row,
            _place(image[i], folder),
            tuple(_place(mask[i], folder) for mask in masks),
            None if labels is None else _label(labels[i], f"{table.name}, row {row} (patient {shown(ids[i])})"),
            None if segments is None else segments[i] or None,
            None if lesions is None else lesions[i] or None,
        )
        for i, row in enumerate(frame.rows)
    ]
    _refuse_doubled(rows, table, where, share_images)
    return sorted(rows, key=_identity)


def _identity(row: CaseRow) -> tuple[str, ...]:
    """What a case is, whatever its line in the table."""
    masks = tuple(map(str, row.masks))
    label = "~" if row.label is None else f"{row.label:012d}"  # without one behind those that have one
    return (row.patient, label, row.segment or "", str(row.image), *masks)


def _names_of(frame: Table) -> dict[str, str]:
    """How the table writes the names that a cases table has; as they are written here, or with capitals."""
    known = [name for name in frame.columns if name.lower() in _COLUMNS or _READER_MASK.match(name.lower())]
    return {name.lower(): name for name in sorted(known, key=lambda name: name == name.lower())}


_COLUMNS = ("image", "mask", "label", "segment", "lesion")


def _mask_columns(frame: Table, name_of: Mapping[str, str], table: Path, where: str) -> tuple[str, ...]:
    there = [key for key in name_of if _READER_MASK.match(key)]
    if "mask" in name_of:
        if there:
            raise DataError(
                f"{where}: {table.name} has the columns '{name_of['mask']}' and '{name_of[there[0]]}'. Keep 'mask' for"
                " one reader, or mask_reader1, mask_reader2 and so on."
            )
        return (name_of["mask"],)
    if len(there) == 1:
        raise DataError(
            f"{where}: {table.name} has '{there[0]}' alone. Add the other reader's column, or call the only one 'mask'."
        )
    if not there:
        raise DataError(
            f"{where}: {table.name} has no column 'mask', nor 'mask_reader1' and 'mask_reader2' (columns:"
            f" {some(frame.columns, 12)}). Rename the columns of masks."
        )
    wanted = tuple(f"mask_reader{k + 1}" for k in range(len(there)))
    if set(wanted) != set(there):
        missing = next(name for name in wanted if name not in there)
        raise DataError(
            f"{where}: {table.name} has {some(sorted(there))}, but no '{missing}'. Number the readers' masks from 1 on"
            " without a gap."
        )
    return tuple(name_of[key] for key in wanted)


def _label(cell: str, where: str) -> int | None:
    if cell == "":
        return None
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not value.is_integer() or value < 1 or "_" in cell:
        raise DataError(
            f"{where}, column 'label': '{shown(cell)}' is not a whole number above 0. Give the number of the region"
            " in its mask (a name belongs into 'segment'), or leave it blank."
        )
    return int(value)


def _place(cell: str, folder: Path) -> Path:
    """The path of a cell. What is not found as written is tried in the other form of Unicode, with ``\\`` of Windows
    between folders, and with ``~`` as the home."""
    path = folder / cell
    if not is_there(split_series(path)[0]):
        for way in (cell, cell.replace("\\", "/"), os.path.expanduser(cell)):
            for form in ("NFC", "NFD"):
                other = folder / unicodedata.normalize(form, way)
                if is_there(split_series(other)[0]):
                    return other
    return path


def split_series(path: Path) -> tuple[Path, str | None]:
    """``folder#UID`` as the folder and the UID of a DICOM series; any other path as it is, with None."""
    front, mark, uid = str(path).rpartition("#")
    if mark and _SERIES_UID.match(uid) and not is_there(path):
        return Path(front), uid
    return path, None


def _refuse_doubled(rows: list[CaseRow], table: Path, where: str, share_images: bool) -> None:
    seen: dict[tuple, CaseRow] = {}
    for row in rows:
        key = ("" if share_images else row.patient, row.image, row.masks, row.label, row.segment)
        other = seen.setdefault(key, row)
        if other is not row:
            whose = (
                f"patient {shown(row.patient)}"
                if other.patient == row.patient
                else f"{shown(other.patient)} and {shown(row.patient)}"
            )
            do = "Remove one" if other.patient == row.patient else "Give each its own mask, label or segment"
            raise DataError(
                f"{where}: {table.name} has the same region of {whose} in rows {other.line} and {row.line}. {do}."
            )
