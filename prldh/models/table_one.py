"""Table 1: every covariate, Radscore and the groups, by outcome, with the study's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np

from prldh.chain import GROUPS, group_codes, group_levels
from prldh.core import ABSENT, Absent, Cohort, Given, Later, ModelSpec, Number, Single, Warn, finite, record_of, warn
from prldh.engines import StatisticsEngine
from prldh.study import TableOne

ALPHA = 0.05
"""Normality is rejected below this."""


@dataclass(frozen=True)
class Moments:
    """A continuous variable among some patients."""

    mean: Later[Number]
    sd: Later[Number]
    median: Later[Number]
    q1: Later[Number]
    q3: Later[Number]
    min: Later[Number]
    max: Later[Number]


@dataclass(frozen=True)
class Count:
    """How many of some patients have a level, and the percentage of the column."""

    n: Given[Later[int]]
    percent: Annotated[Later[Number], Single("percentages of Table 1")]


@dataclass(frozen=True)
class TableOneCells:
    """A line of Table 1: of a level, or of a continuous variable (None)."""

    level: str | None
    total: Moments | Count
    nonevent: Moments | Count
    event: Moments | Count


@dataclass(frozen=True)
class ShapiroWilk:
    """Shapiro and Wilk's test of normality."""

    statistic: Number
    p: Number


@dataclass(frozen=True)
class Normality:
    """The test within each outcome."""

    nonevent: ShapiroWilk
    event: ShapiroWilk


@dataclass(frozen=True)
class Unknown:
    """How many patients are blank, by outcome."""

    total: int
    nonevent: int
    event: int


@dataclass(frozen=True)
class TableOneRow:
    """A variable by outcome, with its test; ``unknown`` are the blanks, ``n_missing`` their number, of covariates
    alone. Of a continuous one ``summary`` says whether tables show mean ± SD or median [quartiles]."""

    variable: str
    type_: Later[Literal["continuous", "categorical"]]
    test: Literal["t", "welch", "wilcoxon", "chi2", "fisher"]
    statistic: Number
    df: Later[Number]
    p: Number
    rows: tuple[TableOneCells, ...]
    smd: Number | Absent = ABSENT
    summary: Literal["mean", "median"] | Absent = ABSENT
    normality: Normality | Absent = ABSENT
    unknown: Given[Later[Unknown]] = Unknown(0, 0, 0)
    n_missing: Given[int | Absent] = ABSENT
    is_radscore: bool | Absent = ABSENT
    p_holm: Number | Absent = ABSENT
    p_bh: Number | Absent = ABSENT


def make_table_one(
    cohort: Cohort,
    specs: tuple[ModelSpec, ...],
    scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float],
    settings: TableOne,
    engine: StatisticsEngine,
) -> tuple[list[TableOneRow], list[Warn]]:
    """Rows of Table 1.

    Continuous variables are compared by ``settings.continuous`` (pooled t, Welch or Wilcoxon), categorical ones by
    Pearson's chi-squared without continuity correction, or Fisher's exact test where more than 20 % of the expected
    counts are below 5. Where asked for, ``p_holm`` or ``p_bh`` is adjusted over all rows that have a p (Radscores and
    groups too), and ``smd`` is the standardised difference: signed, event minus non-event, of a continuous variable; at
    least 0 of a categorical one. Blanks, which the cohort may have with multiple imputation and ``by_model``, do
    not count here: ``unknown`` tells how many. What is shown of a continuous variable is mean ± SD where
    ``settings.summary`` is ``mean``, or ``by_normality`` and Shapiro and Wilk's test rejects normality in neither group
    at :data:`ALPHA`; else median and quartiles, also where a group has fewer than 3 or more than 5000 patients.
    """
    rows: list[TableOneRow] = []
    for covariate in cohort.covariates:
        column = cohort.table[covariate.name]
        known = column.notna().to_numpy()
        outcome = cohort.outcome[known]
        if covariate.kind == "continuous":
            row = continuous_row(covariate.name, column.to_numpy(float)[known], outcome, settings, engine)
        else:
            row = categorical_row(covariate.name, column.cat.codes.to_numpy()[known], covariate.levels, outcome, engine)
        unknown = _unknown(known, cohort.outcome)
        rows.append(replace(row, n_missing=unknown.total, unknown=unknown))
    for name, values in scores.items():
        if name not in cohort.table.columns:
            known = np.isfinite(values)
            row = continuous_row(name, values[known], cohort.outcome[known], settings, engine)
            rows.append(replace(row, is_radscore=True, unknown=_unknown(known, cohort.outcome)))
    for first, second in _group_pairs(specs):
        known = np.isfinite(scores[first]) & np.isfinite(scores[second])
        codes, levels = group_codes(scores, cutoffs, first, second)[known], group_levels(first, second)
        row = categorical_row(f"groups({first}, {second})", codes, levels, cohort.outcome[known], engine)
        rows.append(replace(row, unknown=_unknown(known, cohort.outcome)))
    if settings.adjust_p != "none":
        p = np.array([np.nan if row.p is None else row.p for row in rows])
        adjusted = engine.adjust_p(p, settings.adjust_p)
        is_holm = settings.adjust_p == "holm"
        rows = [
            replace(row, p_holm=finite(p)) if is_holm else replace(row, p_bh=finite(p))
            for row, p in zip(rows, adjusted, strict=True)
        ]
    if not settings.standardized_differences:
        rows = [replace(row, smd=ABSENT) for row in rows]
    warnings = [warn.NO_TEST(variable=row.variable) for row in rows if row.p is None and not engine.is_clustered]
    return rows, warnings


def _group_pairs(specs: tuple[ModelSpec, ...]) -> list[tuple[str, str]]:
    pairs = []
    for spec in specs:
        for term in spec.own_terms:
            match = GROUPS.match(term)
            if match and (match["first"], match["second"]) not in pairs:
                pairs.append((match["first"], match["second"]))
    return pairs


def continuous_row(
    name: str,
    values: np.ndarray,
    outcome: np.ndarray,
    settings: TableOne,
    engine: StatisticsEngine,
) -> TableOneRow:
    nonevent, event = values[outcome == 0], values[outcome == 1]
    answer = engine.continuous_test(nonevent, event, settings.continuous)
    cells = TableOneCells(None, *(record_of(Moments, engine.moments(part)) for part in (values, nonevent, event)))
    statistic, df, p = (finite(answer[key]) for key in ("statistic", "df", "p"))
    smd = finite(engine.standardized_mean_difference(nonevent, event))
    normality = Normality(*(record_of(ShapiroWilk, engine.shapiro_wilk(each)) for each in (nonevent, event)))
    row = TableOneRow(name, "continuous", settings.continuous, statistic, df, p, (cells,), smd)
    return replace(row, summary=_summary(normality, settings), normality=normality)


def _summary(normality: Normality, settings: TableOne) -> Literal["mean", "median"]:
    if settings.summary != "by_normality":
        return settings.summary
    tests = (normality.nonevent, normality.event)
    return "mean" if all(test.p is not None and test.p >= ALPHA for test in tests) else "median"


def categorical_row(
    name: str, codes: np.ndarray, levels: Sequence[str], outcome: np.ndarray, engine: StatisticsEngine
) -> TableOneRow:
    counts = np.array(
        [[np.sum((codes == k) & (outcome == c)) for c in (0, 1)] for k in range(len(levels))], dtype=float
    )
    totals = counts.sum(axis=0)
    rows = tuple(
        TableOneCells(
            level, _count(nonevent + event, totals.sum()), _count(nonevent, totals[0]), _count(event, totals[1])
        )
        for level, (nonevent, event) in zip(levels, counts, strict=True)
    )
    observed = counts[counts.sum(axis=1) > 0]
    test: Literal["chi2", "fisher"] = "chi2"
    statistic = df = p = None
    if len(observed) > 1:
        expected = np.outer(observed.sum(axis=1), totals) / totals.sum()
        test = "fisher" if np.mean(expected < 5) > 0.2 else "chi2"
        answer = engine.categorical_test(observed, test)
        statistic, df, p = (finite(answer[key]) for key in ("statistic", "df", "p"))
    smd = finite(engine.standardized_level_difference(counts))
    return TableOneRow(name, "categorical", test, statistic, df, p, rows, smd)


def _count(n: float, total: float) -> Count:
    return Count(int(n), 100 * n / total if total else None)


def _unknown(known: np.ndarray, outcome: np.ndarray) -> Unknown:
    nonevent, event = (int((~known & (outcome == c)).sum()) for c in (0, 1))
    return Unknown(nonevent + event, nonevent, event)
