"""The row ledger: which rows every fit of a resample read, held beside the rows that it must not know.

Selection steps, Radscores, cutoffs, imputation models, logistic models and thresholds each write down the rows that
they were given. The report states for every scheme that no held-out row is among them, or says which stage read some.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Entry:
    """What the fits of one stage read: how many fits, how many distinct rows in all of them, and how many of these were
    held out."""

    n_fits: int = 0
    n_rows: int = 0
    n_held_out: int = 0


@dataclass
class Ledger:
    """The reads of one resample; ``held_out`` are row numbers of the cohort that no fit may read."""

    held_out: np.ndarray
    entries: dict[str, Entry] = field(default_factory=dict)

    def read(self, stage: str, rows: np.ndarray) -> None:
        """Write down that a fit of this stage was given these rows (repeats count once)."""
        distinct = np.unique(rows)
        entry = self.entries.setdefault(stage, Entry())
        entry.n_fits += 1
        entry.n_rows += distinct.size
        entry.n_held_out += int(np.isin(distinct, self.held_out).sum())


@dataclass(frozen=True)
class LedgerRow:
    """What the fits of one stage read over many resamples."""

    stage: str
    n_fits: int
    n_rows_read: int
    n_held_out_rows_read: int


def add_up(ledgers: Iterable[Ledger]) -> tuple[LedgerRow, ...]:
    """One row a stage over many resamples, in the order in which the stages first fitted."""
    total: dict[str, Entry] = {}
    for ledger in ledgers:
        for stage, entry in ledger.entries.items():
            sums = total.setdefault(stage, Entry())
            sums.n_fits += entry.n_fits
            sums.n_rows += entry.n_rows
            sums.n_held_out += entry.n_held_out
    return tuple(LedgerRow(stage, e.n_fits, e.n_rows, e.n_held_out) for stage, e in total.items())
