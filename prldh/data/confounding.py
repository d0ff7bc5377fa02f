"""Columns whose groups nearly tell the outcome."""

from __future__ import annotations

import numpy as np

from prldh.core import Cohort, Warn, shown, warn
from prldh.data.tables import some

#: From here on groups and outcome are told to be confounded (Cramér's V).
STRONG = 0.5
#: Of a group of fewer patients one outcome alone is no wonder.
SMALL = 5


def tell_of_confounded(cohort: Cohort) -> list[Warn]:
    """A warning of every declared column whose groups have outcomes so unlike that they nearly tell it: Cramér's V of
    0.5 or more, or a group of five patients or more with one outcome where the others have both."""
    warnings = []
    for name, values in cohort.columns.items():
        levels = [level for level in sorted(set(values)) if level]
        if not 2 <= len(levels) <= cohort.n / 2:
            continue
        counts = np.array([[np.sum(cohort.outcome[values == level] == y) for y in (0, 1)] for level in levels])
        v = cramers_v(counts)
        is_one = counts.min(axis=1) == 0
        if v >= STRONG or (is_one & (counts.sum(axis=1) >= SMALL)).any():
            listed = some(
                (
                    f"'{shown(level, 40)}' {own[1]} of {own.sum()} with the event"
                    for level, own in zip(levels, counts, strict=True)
                ),
                12,
            )
            warnings.append(warn.CONFOUNDED(column=name, v=f"{v:.2f}", listed=listed))
    return warnings


def cramers_v(counts: np.ndarray) -> float:
    """Cramér's V (0 to 1) of a table (rows, columns) of counts: the root of chi-squared over n and the smaller of its
    sides less one; 0 where a side has one row."""
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0].astype(float)
    if min(counts.shape, default=0) < 2:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    chi2 = float(((counts - expected) ** 2 / expected).sum())
    return float(np.sqrt(chi2 / counts.sum() / (min(counts.shape) - 1)))
