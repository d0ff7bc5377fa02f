"""The name that somebody may have meant."""

from __future__ import annotations

import difflib
import os
import re
from typing import Any

#: Comparing takes as long as both names' lengths multiplied.
LONGEST = 500


def nearest(name: str, known: Any) -> str | None:
    """The known name most like ``name``, or None where nothing is near, as of a text that is no name.

    Of those that are near it is the one that fewest changes lead to (a letter more, less, another, two exchanged, or
    the end cut off); of several one that differs by doubled letters alone, then the one as long, then the one that
    begins alike the longest, then the first.

    Examples
    --------
    >>> nearest("Idmm", ["Idmn", "Idm"])
    'Idm'
    >>> nearest("radscore_disk", ["radscore_dis", "radscore_disc"]), nearest("agee", ["Age", "sex"]), nearest("x", "y")
    ('radscore_disc', 'Age', None)
    """
    if len(str(name)) > LONGEST:
        return None
    lowered: dict[str, str] = {}
    for one in known:
        if len(str(one)) <= LONGEST:
            lowered.setdefault(str(one).lower(), str(one))
    asked = str(name).lower()
    close = difflib.get_close_matches(asked, list(lowered), n=8, cutoff=0.6)
    close.sort(key=list(lowered).index)

    def distance(one: str) -> tuple[int, bool, int, int]:
        is_other = _undoubled(asked) != _undoubled(one)
        n = 1 if one.startswith(asked) else changes(asked, one)
        return n, is_other, abs(len(asked) - len(one)), -len(os.path.commonprefix([asked, one]))

    return lowered[min(close, key=distance)] if close else None


def _undoubled(text: str) -> str:
    return re.sub(r"(.)\1+", r"\1", text)


def changes(one: str, other: str) -> int:
    """How many letters are to be added, left out, replaced or exchanged with the next to get from one to the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                row[j] = min(row[j], above[j - 2] + 1)
    return row[-1]
