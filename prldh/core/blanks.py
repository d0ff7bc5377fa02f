"""Blanks in tables of features, where a step fills them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Blanks:
    """Whether features may have blanks; ``remedy``: what else there is to do where they may not."""

    allowed: bool = False
    remedy: str = ""


NO_BLANKS = Blanks()


def complete_rows(blank: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Columns that have the same blanks, and the rows without: (columns, rows) of each pattern, positions.

    Parameters
    ----------
    blank : (n, p) bool array

    Examples
    --------
    >>> blank = np.array([[False, True, False], [False, False, False]])
    >>> [(columns.tolist(), rows.tolist()) for columns, rows in complete_rows(blank)]
    [([0, 2], [0, 1]), ([1], [1])]
    """
    patterns, of_column = np.unique(blank, axis=1, return_inverse=True)
    of_column = of_column.reshape(-1)
    for k in range(patterns.shape[1]):
        yield np.flatnonzero(of_column == k), np.flatnonzero(~patterns[:, k])
