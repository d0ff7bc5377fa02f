"""The row ledger: which rows every fit of a resample was handed, held beside the rows that it must not know.

Selection steps, Radscores, cutoffs, imputation models, logistic models and thresholds each write down the rows that
they were handed. The report states for every scheme that no held-out row is among them, or says which stage was handed
some. What a plugin reads by itself, such as a file, no ledger can see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Entry:
    """What the fits of one stage were handed: how many fits, how many distinct rows in all of them, and how many of
    these were held out."""

    n_fits: int = 0
    n_rows: int = 0
    n_held_out: int = 0


@dataclass
class Ledger:
    """What was handed over in one resample; ``held_out`` are row numbers of the cohort that no fit may be handed."""

    held_out: np.ndarray
    entries: dict[str, Entry] = field(default_factory=dict)

    def read(self, stage: str, rows: np.ndarray) -> None:
        """Write down that a fit of this stage was handed these rows (repeats count once)."""
        distinct = np.unique(rows)
        entry = self.entries.setdefault(stage, Entry())
        entry.n_fits += 1
        entry.n_rows += distinct.size
        entry.n_held_out += int(np.isin(distinct, self.held_out).sum())

    def of(self, what: str) -> Ledger:
        """The same with what its stages are of in their names, to be counted for itself."""
        return Ledger(self.held_out, {f"{stage}, {what}": entry for stage, entry in self.entries.items()})


@dataclass(frozen=True)
class LedgerRow:
    """What the fits of one stage were handed over many resamples; ``read`` in the names of its fields means that."""

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
