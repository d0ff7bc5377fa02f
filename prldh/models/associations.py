"""A clinical variable by the two groups of another: high and low Radscore, or the levels of a covariate.

The statistics are Table 1's, with the groups in place of the outcome. Where the groups are high and low Radscore, the
cutoff was fitted to the outcome, not to the variable, so the test is valid for the groups as they were formed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from prldh.core import ABSENT, Absent, Cohort, Given, Later, Number, StudyError, Warn, nearest, warn
from prldh.engines import StatisticsEngine
from prldh.models.table_one import Count, Moments, TableOneRow, categorical_row, continuous_row
from prldh.study import Study, TableOne


@dataclass(frozen=True)
class AssociationCells:
    """A line of an association: of a level, or of a continuous variable (None), in everyone and in either group."""

    level: str | None
    total: Moments | Count
    first: Moments | Count
    second: Moments | Count


@dataclass(frozen=True)
class Association:
    """A variable by two groups, with its test, among the patients who have both.

    ``groups`` are named in order: low and high of a Radscore (strictly above ``cutoff``), the levels of a covariate.
    ``statistic`` is the first group minus the second, as Table 1's is non-event minus event.
    """

    variable: str
    by: str
    groups: Given[tuple[str, str]]
    n_first: Given[int]
    n_second: Given[int]
    n_missing: Given[int]
    cutoff: Number
    type_: Later[Literal["continuous", "categorical"]]
    test: Literal["t", "welch", "wilcoxon", "chi2", "fisher"]
    statistic: Number
    df: Number
    p: Number
    rows: tuple[AssociationCells, ...]
    summary: Literal["mean", "median"] | Absent = ABSENT


def check_associations(study: Study, cohort: Cohort) -> None:
    """Whether every pair of ``associations`` names a variable and what it can be divided by.

    Raises
    ------
    StudyError
        With the pair, and the nearest name that exists.
    """
    known = [*study.clinical.covariates, *study.tissues]
    for variable, by in study.associations:
        where = f"associations: [{variable}, {by}]"
        for name in (variable, by):
            if name not in known:
                near = nearest(name, known)
                hint = f"did you mean '{near}'?" if near else f"there are: {', '.join(known) or 'none'}."
                raise StudyError(f"{where}: '{name}' is neither a covariate nor a tissue; {hint}")
        if variable == by:
            raise StudyError(f"{where} names one variable twice. Name what is described, then what makes the groups.")
        if by in study.tissues:
            continue
        if study.clinical.covariates[by].type == "continuous":
            raise StudyError(
                f"{where}: '{by}' is continuous and makes no groups. Name a tissue (high and low Radscore) or a"
                " covariate with two levels second; the order may only have to be turned."
            )
        levels = _levels(by, cohort)
        if len(levels) != 2:
            raise StudyError(
                f"{where}: '{by}' has {len(levels)} levels among the analysed patients ({', '.join(levels) or 'none'}),"
                " and a variable is compared between two groups. Name a covariate with two levels, or a tissue."
            )


def _levels(by: str, cohort: Cohort) -> tuple[str, ...]:
    """The levels of a covariate that patients have, in its own order."""
    (covariate,) = (each for each in cohort.covariates if each.name == by)
    present = set(cohort.table[by].dropna())
    return tuple(level for level in covariate.levels if level in present)


def describe_associations(
    pairs: tuple[tuple[str, str], ...],
    cohort: Cohort,
    scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float],
    settings: TableOne,
    engine: StatisticsEngine,
) -> tuple[tuple[Association, ...], list[Warn]]:
    """Every pair of ``associations``, by the groups of a Radscore or the two levels of a covariate."""
    associations: list[Association] = []
    for variable, by in pairs:
        groups, member, cutoff = _groups(by, cohort, scores, cutoffs)
        row, known = _row(variable, member, cohort, scores, settings, engine)
        associations.append(
            Association(
                variable=variable,
                by=by,
                groups=groups,
                n_first=int(np.sum(member[known] == 0)),
                n_second=int(np.sum(member[known] == 1)),
                n_missing=int((~known).sum()),
                cutoff=cutoff,
                type_=row.type_,
                test=row.test,
                statistic=row.statistic,
                df=row.df,
                p=row.p,
                rows=tuple(AssociationCells(r.level, r.total, r.nonevent, r.event) for r in row.rows),
                summary=row.summary,
            )
        )
    return tuple(associations), [
        warn.NO_ASSOCIATION(variable=each.variable, by=each.by, first=each.groups[0], second=each.groups[1])
        for each in associations
        if each.p is None
    ]


def _groups(
    by: str,
    cohort: Cohort,
    scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float],
) -> tuple[tuple[str, str], np.ndarray, Number]:
    """Names of the two groups, and in which every patient is: 0, 1, or -1 where it is not known."""
    if by in scores:
        cutoff = cutoffs[by]
        if not np.isfinite(cutoff):
            return (f"low {by}", f"high {by}"), np.full(cohort.n, -1), None
        return (f"low {by}", f"high {by}"), _high(scores[by], cutoff), float(cutoff)
    first, second = _levels(by, cohort)
    column = cohort.table[by].astype(object)
    return (first, second), np.select([column == first, column == second], [0, 1], -1), None


def _high(score: np.ndarray, cutoff: float) -> np.ndarray:
    return np.where(np.isfinite(score), (score > cutoff).astype(int), -1)


def _row(
    variable: str,
    member: np.ndarray,
    cohort: Cohort,
    scores: Mapping[str, np.ndarray],
    settings: TableOne,
    engine: StatisticsEngine,
) -> tuple[TableOneRow, np.ndarray]:
    """Table 1's row of the variable by the groups, and who has both."""
    known = member >= 0
    if variable in scores:
        known = known & np.isfinite(scores[variable])
        return continuous_row(variable, scores[variable][known], member[known], settings, engine), known
    column = cohort.table[variable]
    (covariate,) = (each for each in cohort.covariates if each.name == variable)
    known = known & column.notna().to_numpy()
    if covariate.kind == "continuous":
        values = column.to_numpy(float)[known]
        return continuous_row(variable, values, member[known], settings, engine), known
    codes = column.cat.codes.to_numpy()[known]
    return categorical_row(variable, codes, covariate.levels, member[known], engine), known
