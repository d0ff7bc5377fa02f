"""Which subgroup each patient is of, by every column that the study names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prldh.core import Cohort, DataError
from prldh.study import Study

#: A column with more levels than this is an id or a number, not a set of subgroups.
MOST_LEVELS = 30
BLANK = "blank"


@dataclass(frozen=True)
class SubgroupLevels:
    """The levels of a column in their order, and which of them each patient (n,) is of; -1: the cell is blank."""

    column: str
    levels: tuple[str, ...]
    codes: np.ndarray


def find_subgroups(study: Study, cohort: Cohort) -> tuple[SubgroupLevels, ...]:
    """The subgroups of a study, in the order of the study file.

    Raises
    ------
    DataError
        For a cut that leaves nobody on one of its sides, text among numbers that are to be cut, a column that is blank
        throughout, or one with too many levels.
    """
    return tuple(_find(name, settings.cut, cohort) for each in study.subgroups for name, settings in each.items())


def _find(name: str, cut: Sequence[float] | None, cohort: Cohort) -> SubgroupLevels:
    values = cohort.known[name]
    if cut is not None:
        found = _by_cuts(name, _as_numbers(name, values, cohort), cut)
    else:
        declared = next((c.levels for c in cohort.covariates if c.name == name), None)
        present = set(values) - {""}
        order = [level for level in declared if level in present] if declared else _sorted(present)
        position = {level: k for k, level in enumerate(order)}
        found = SubgroupLevels(name, tuple(order), np.array([position.get(value, -1) for value in values], dtype=int))
    if not found.levels:
        raise DataError(
            f"subgroups.{name}: the column is blank for all {cohort.n} patients. Fill it in, or leave it out."
        )
    if len(found.levels) > MOST_LEVELS:
        raise DataError(
            f"subgroups.{name}: the column has {len(found.levels)} levels among {cohort.n} patients, more than"
            f" {MOST_LEVELS}. Is it an id? Give a number cuts ({{{name}: {{cut: [50, 65]}}}}), or merge levels."
        )
    return found


def _by_cuts(name: str, values: np.ndarray, cut: Sequence[float]) -> SubgroupLevels:
    """Levels from each cut on, up to the next."""
    known = np.isfinite(values)
    shown = [f"{int(c)}" if float(c).is_integer() else repr(float(c)) for c in cut]
    levels = [f"< {shown[0]}", *(f"{a} to < {b}" for a, b in zip(shown, shown[1:], strict=False)), f"≥ {shown[-1]}"]
    codes = np.where(known, np.searchsorted(np.asarray(cut), np.where(known, values, 0.0), side="right"), -1)
    if known.any():
        empty = [level for k, level in enumerate(levels) if not (codes == k).any()]
        if empty:
            raise DataError(
                f"subgroups.{name}.cut: nobody has '{name}' {empty[0]}; the values are"
                f" {values[known].min():g} to {values[known].max():g}. Give cuts with patients on both sides of each."
            )
        return SubgroupLevels(name, tuple(levels), codes)
    return SubgroupLevels(name, (), codes)


def _as_numbers(name: str, values: np.ndarray, cohort: Cohort) -> np.ndarray:
    """A column to be cut: a continuous covariate, or a declared column of numbers."""
    if values.dtype.kind == "f":
        return values
    numbers = np.full(len(values), np.nan)
    for i, cell in enumerate(values):
        if cell == "":
            continue
        try:
            numbers[i] = float(cell) if "_" not in cell else np.nan
        except ValueError:
            pass
        if not np.isfinite(numbers[i]):
            raise DataError(
                f"subgroups.{name}.cut: '{cell}' (patient {cohort.ids[i]}) is no number, and cuts are of numbers."
                " Correct it, or leave the cut out."
            )
    return numbers


def _sorted(levels: set[str]) -> list[str]:
    """Numbers by their size, text by the alphabet."""
    try:
        return sorted(levels, key=lambda level: (float(level), level))
    except ValueError:
        return sorted(levels)
