"""Who trains, who chooses the epoch, and who does neither."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from prldh.api import LARGEST_BY_HAND, DataError, StudyError, expanded, file_at, some
from prldh_uctransnet.recipe import Recipe


def split_patients(patients: Sequence[str], recipe: Recipe, seed: int) -> tuple[list[str], list[str]]:
    """Patients that train, and patients that choose the epoch; both sorted, drawn by the seed alone.

    Raises
    ------
    StudyError
        If either would be fewer than two patients, or a held-out patient is not there.
    """
    held_out = held_out_of(recipe, patients, seed)
    left = [p for p in sorted(set(patients)) if p not in held_out]
    n = round(recipe.validation * len(left))
    if n < 2 or len(left) - n < 2:
        raise StudyError(
            f"train.validation: {recipe.validation:g} of {len(left)} patients are {n} to choose the epoch by and "
            f"{len(left) - n} to train on; both must be "
            "at least 2, as one patient says nothing of others. Change the share, or add patients."
        )
    chosen = {left[i] for i in np.random.default_rng([seed, len(left)]).permutation(len(left))[:n]}
    return [p for p in left if p not in chosen], sorted(chosen)


def held_out_of(
    recipe: Recipe,
    patients: Sequence[str],
    seed: int,
    folder: Path = Path(),
    id_column: str = "id",
    say: Callable[[str], None] = lambda text: None,
) -> tuple[str, ...]:
    """The patients that neither train nor choose the epoch: those of a list; a share of all, drawn by the seed alone;
    or those of a file, relative to ``folder``: a table with the study's ``id_column``, or a text with an id a line.

    Raises
    ------
    StudyError
        If a patient of a list, or every patient of a file, is not there; or a share is nobody.
    DataError
        If the file cannot be read.
    """
    known = sorted(set(patients))
    asked = recipe.held_out
    if isinstance(asked, float):
        n = round(asked * len(known))
        if not n:
            raise StudyError(f"train.held_out: {asked:g} of {len(known)} patients is nobody. Give a larger share.")
        drawn = np.random.default_rng([seed, len(known), 1]).permutation(len(known))[:n]
        return tuple(sorted(known[i] for i in drawn))
    if isinstance(asked, str):
        named = _ids_of(folder / expanded(asked), id_column)
        there = tuple(p for p in known if p in named)
        strangers = sorted(named - set(there))
        if not there:
            raise StudyError(
                f"train.held_out: none of the {len(named)} patients of {asked} is in the cases table"
                f" ({some(strangers)}). Correct the ids."
            )
        if strangers:
            say(f"train.held_out: {len(strangers)} of {asked} are not in the cases table: {some(strangers)}")
        return there
    strangers = [p for p in asked if p not in known]
    if strangers:
        raise StudyError(
            f"train.held_out names '{strangers[0]}', who is no patient of the cases table. Correct the id."
        )
    return tuple(dict.fromkeys(asked))


def _ids_of(path: Path, id_column: str) -> set[str]:
    try:
        with file_at(path, LARGEST_BY_HAND).open(encoding="utf-8-sig", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(
            f"train.held_out: '{path.name}' cannot be read ({getattr(error, 'strerror', None) or error}). Correct the"
            " path; patients themselves are given as a list, [P001, P002]."
        ) from None
    position = rows[0].index(id_column) if rows and id_column in rows[0] else None
    if position is None and any(len(row) > 1 for row in rows):
        raise DataError(
            f"train.held_out: {path.name} has several columns and none is '{id_column}', the study's. Name it so, or"
            " give a text with an id a line."
        )
    ids = {row[position] for row in rows[1:] if position < len(row)} if position is not None else {r[0] for r in rows}
    if not ids - {""}:
        raise DataError(f"train.held_out: {path.name} names no patient. Write an id a line.")
    return ids - {""}
