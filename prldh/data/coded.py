"""Numbers that may stand for a blank, such as -999 among ages: told by what they are and how far they lie from all
others, as no column says what its numbers mean. ``docs/tables.md`` has the rule in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from prldh.core import Warn, shown, warn
from prldh.data.tables import some

#: What people and programs write where there is no number.
_CODES = np.array(
    sorted(
        {-1.0, -9.0, 9.0, -1000.0, -10000.0, -(2.0**15), 2.0**15 - 1, -(2.0**31), 2.0**31 - 1}
        | {sign * float(digit * n) for sign in (1, -1) for digit in "789" for n in range(2, 8)}
    )
)
#: Any other number is told where it stands in so many rows, and so many times farther away than the others reach; not
#: the ends of scales.
_ROWS, _TIMES, _ENDS = 3, 10, (-1.0, 0.0, 1.0, 100.0)
_WHOLE = re.compile(r"-?[0-9]{1,10}(\.0*)?")
#: Fewer others than this do not tell where a number would be expected.
_OTHERS = 5


def coded_blanks(values: np.ndarray) -> list[tuple[float, int]]:
    """The numbers of a column (n,), NaN where it is blank, that may stand for blanks, and in how many rows each does.

    Examples
    --------
    >>> coded_blanks(np.array([61.0, 70, 48, 55, 66, 59, -999, -999])), coded_blanks(np.arange(100.0))
    ([(-999.0, 2)], [])
    """
    known, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    if known.size < 3:
        return []
    found: list[tuple[float, int]] = []
    if np.isin(known[[0, -1]], _CODES).any():
        is_code = np.isin(known, _CODES)
        others, n_others = known[~is_code], int(counts[~is_code].sum())
        if n_others >= _OTHERS and len(others) > 1:
            pairs = zip(known[is_code].tolist(), counts[is_code].tolist(), strict=True)
            found = [(code, n) for code, n in pairs if _is_strange(code, n, others)]
    return found or _far_and_often(known, counts)


def _is_strange(code: float, n: int, others: np.ndarray) -> bool:
    """Whether a code that stands in n rows is no number as the ``others``, in order, are."""
    low, high = others[[0, -1]]
    is_far = max(low - code, code - high) > high - low
    if n == 1 and -10 < code < 100:
        return False
    if code == -1:
        return bool(low > 1)
    if code == 9:  # of a score of few points, each of which occurs; from 6 it is a Gleason score's
        return bool(is_far and low <= 2 and np.array_equal(others, np.arange(low, high + 1)))
    return bool(is_far or (code < 0 <= low))


def _far_and_often(known: np.ndarray, counts: np.ndarray) -> list[tuple[float, int]]:
    """The least or largest number, where it is far from all others and stands in several rows."""
    found = []
    for k, others in ((0, known[1:]), (-1, known[:-1])):
        reach, gap, n = others[-1] - others[0], np.abs(others - known[k]).min(), int(counts[k])
        if len(others) >= _OTHERS and _ROWS <= n < counts.sum() - n and gap > _TIMES * reach:
            found.append((float(known[k]), n))
    return [(value, n) for value, n in found if value not in _ENDS]


def coded_levels(counts: Mapping[str, int]) -> list[str]:
    """The same of levels, of which all are whole numbers: those that may stand for blanks.

    Examples
    --------
    >>> coded_levels({"0": 30, "1": 20, "9": 2}), coded_levels({"1": 30, "2": 20, "3": 9})
    (['9'], [])
    """
    if not all(_WHOLE.fullmatch(level) for level in counts):
        return []
    values = np.repeat([float(level) for level in counts], list(counts.values()))
    coded = [value for value, _ in coded_blanks(values)]
    return [level for level in counts if float(level) in coded]


def tell_of_coded(path: Path, names: Sequence[str], columns: Iterable[np.ndarray]) -> list[Warn]:
    """A warning of the columns (n,) of a table in which numbers may stand for blanks: which, and in how many rows."""
    told: list[str] = []
    quoted: dict[str, None] = {}
    for name, column in zip(names, columns, strict=True):
        found = coded_blanks(column)
        others = column[np.isfinite(column) & ~np.isin(column, [value for value, _ in found])]
        for value, n in found:
            among = f"{others.min():.4g} to {others.max():.4g} in others"
            told.append(f"'{shown(name)}' is {value:.12g} in {n} of {len(column)} rows, and {among}")
            quoted[f'"{value:.17g}"'] = None
    if not told:
        return []
    return [warn.CODED_BLANKS(table=path.name, listed=some(told, limit=400), quoted=", ".join(list(quoted)[:8]))]
