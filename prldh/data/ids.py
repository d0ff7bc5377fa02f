"""Patients' ids: one a row, none blank, and those that are one id in two writings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np

from prldh.core import DataError, Warn, same_text, shown, to_the_eye, warn
from prldh.data.numeric import refuse_failed_cells
from prldh.data.table_files import and_more, refuse_unwritable
from prldh.data.tables import Column, Table, plain_column_of, some

#: What ``ids: number`` reads as a number.
_ID_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?")


def id_number(text: str) -> str | None:
    """An id as a number, digit by digit, so that long ids stay apart; None where it is none.

    Examples
    --------
    >>> [id_number(text) for text in ("0001", "1", "1.0", "1e3", "90071992547409930", "-0.50", "P1")]
    ['1', '1', '1', '1000', '90071992547409930', '-0.5', None]
    """
    if not _ID_NUMBER.fullmatch(text):
        return None
    digits = f"{Decimal(text):f}"
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if digits == "-0" else digits


#: Letters, digits and signs as East Asian keyboards write them, as wide as their own characters.
_WIDE = {0xFF01 + k: 0x21 + k for k in range(94)} | {0x3000: 0x20}


def same_id(text: str) -> str:
    """Text for finding ids that are one written in two ways: one number, or alike to the eye but for width.

    Examples
    --------
    >>> same_id("\\uff30\\uff11") == same_id("p1"), same_id("\\uff10\\uff17") == same_id("7")
    (True, True)
    """
    text = text.translate(_WIDE)
    return id_number(text) or to_the_eye(same_text(text)).casefold()


def refuse_alike(ids: Iterable[str], where: str) -> None:
    """Refuse ids of which two are one in two writings, where rows of one id belong together: they would be parted.

    Raises
    ------
    DataError
    """
    written: dict[str, str] = {}
    for own in ids:
        other = written.setdefault(same_id(own), own)
        if other != own:
            raise DataError(f"{where} is written in two ways:{told_alike([own], [other])}")


def told_alike(absent: Iterable[str], strange: Iterable[str]) -> str:
    """A hint where an id that is looked for is there in another writing."""
    alike = {same_id(i): i for i in strange}
    pair = next(((i, alike[same_id(i)]) for i in absent if same_id(i) in alike), None)
    if pair is None:
        return ""
    if None in map(id_number, pair):
        return (
            f" '{seen(pair[0])}' and '{seen(pair[1])}' look alike: they differ in the form of an accent, in case, in"
            " width, in letters of another alphabet or in characters that cannot be seen. Write ids alike."
        )
    return (
        f" '{shown(pair[0])}' and '{shown(pair[1])}' are one number written in two ways: write ids alike, or say read:"
        " {ids: number} under clinical."
    )


def ids_of(table: Table, name: str, where: str) -> Column:
    """The id column as text, or as numbers where the study says so.

    Raises
    ------
    DataError
        Without the column, for a failed cell, and where an id is to be a number and is none.
    """
    ids = plain_column_of(table, name, where)
    refuse_failed_cells(ids, table.path)
    refuse_unwritable(ids, table.path, f"an id in the column '{shown(name)}'")
    if table.read.ids != "number":
        return ids
    as_number = [cell and id_number(cell) for cell in table.text_of_numbers(name)]
    bad = [i for i, number in enumerate(as_number) if number is None]
    if bad:
        raise DataError(
            f"{table.path.name}, row {ids.index[bad[0]]}: the id '{shown(ids[bad[0]])}'{and_more(len(bad))} is not a"
            " number, and read says ids: number. Correct it, or leave ids: text."
        )
    return replace(ids, cells=np.array(as_number, dtype=object))


def check_ids(table: Table, name: str, where: str) -> tuple[str, ...]:
    """The id column; blanks, failed cells and doubled ids are errors."""
    return refuse_doubled(ids_of(table, name, where), table.path)


def refuse_doubled(ids: Column, path: Path) -> tuple[str, ...]:
    """The ids (n,) of a table.

    Raises
    ------
    DataError
        Where one is blank, or stands in several rows, be it in writings that nobody can tell apart.
    """
    rows_of: dict[str, list[int]] = {}
    for row, name in zip(ids.index, ids, strict=True):
        rows_of.setdefault(name, []).append(row)
    if blank := rows_of.get(""):
        raise DataError(
            f"{path.name}: the id '{shown(ids.name)}' is blank in row {blank[0]}{and_more(len(blank))}. Give every"
            " patient an id."
        )
    doubled = [name for name, rows in rows_of.items() if len(rows) > 1]
    if doubled:
        n = len(doubled)
        raise DataError(
            f"{path.name}: patient '{shown(doubled[0])}' stands in rows {', '.join(map(str, rows_of[doubled[0]][:5]))}"
            + (f", and {n - 1} more ids are doubled" if n > 1 else "")
            + ". Keep one row a patient or, where rows are lesions or visits, give each an id of its own and let"
            " clinical.patient name the patient."
        )
    refuse_same_to_the_eye(ids, path)
    return tuple(ids)


def refuse_same_to_the_eye(ids: Column, path: Path) -> None:
    """Refuse ids that print alike and are not: one patient in two rows, whom resamples would train on and hold out."""
    row_of: dict[str, tuple[int, str]] = {}
    for row, own in zip(ids.index, ids, strict=True):
        other_row, other = row_of.setdefault(to_the_eye(own), (row, own))
        if other != own:
            raise DataError(
                f"{path.name}: the ids '{seen(other)}' in row {other_row} and '{seen(own)}' in row {row} look the same"
                " and are not the same. Write them alike and keep one row a patient, or give each patient an id that"
                " can be told from the other."
            )


def tell_of_alike(ids: Iterable[str], path: Path) -> list[Warn]:
    """A warning of ids of one table that may be one in two writings: in case, or as a number."""
    written: dict[str, list[str]] = {}
    for own in ids:
        written.setdefault(same_id(own), []).append(own)
    alike = [" and ".join(f"'{shown(own)}'" for own in several) for several in written.values() if len(several) > 1]
    return [warn.ALIKE_IDS(table=path.name, listed=some(alike))] if alike else []


def seen(text: str) -> str:
    """Text in which what cannot be seen, or is not what it looks like, is written as its code."""
    may_stand = to_the_eye(text) == text.strip()

    def one(c: str) -> str:
        return c if c.isascii() or (may_stand and unicodedata.category(c)[0] not in "MCZ") else f"\\u{ord(c):04x}"

    return shown("".join(map(one, text)))
