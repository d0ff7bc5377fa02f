"""Text in CSV that a spreadsheet would run: what begins with ``=``, ``+``, ``-`` or ``@`` is a formula there.

Every CSV is written by way of :func:`csv_of` or :func:`csv_cell`, as ``report: {csv_formulas: …}`` of the study file
says; ``tests/contract/test_reading.py`` holds every writer to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    import pandas as pd

#: Formulas are warned of, or have an apostrophe put before them.
CsvFormulas: TypeAlias = Literal["warn", "escape"]
ESCAPE: Final = "escape"
#: An apostrophe before such text is one that was put there, or would be taken for it.
_FORMULA = re.compile(r"'*[=+\-@\t\r].", re.S)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf|nan")


def is_formula(cell: object) -> bool:
    """Whether a spreadsheet takes a cell for a formula, or would where apostrophes before it are taken away. Numbers,
    and signs alone, are none.

    Examples
    --------
    >>> [is_formula(cell) for cell in ("=1+1", "@a", "-a", "-1.5", "+3e-2", "-", "a=b", -1.5)]
    [True, True, True, False, False, False, False, False]
    """
    return isinstance(cell, str) and bool(_FORMULA.match(cell)) and not _NUMBER.fullmatch(cell)


def csv_cell(cell: Any, formulas: CsvFormulas) -> Any:
    """A cell as it is written.

    Examples
    --------
    >>> [csv_cell(cell, "escape") for cell in ("=1+1", "-1.5", "'=1", None)], csv_cell("=1+1", "warn")
    (["'=1+1", '-1.5', "''=1", None], '=1+1')
    """
    return f"'{cell}" if formulas == ESCAPE and is_formula(cell) else cell


def cell_of_csv(text: str, formulas: CsvFormulas) -> str:
    """The cell that was written so."""
    return text[1:] if formulas == ESCAPE and text.startswith("'") and is_formula(text) else text


def csv_of(table: pd.DataFrame, formulas: CsvFormulas, header: bool = True) -> str:
    """A table without its labels of rows as CSV."""
    if formulas == ESCAPE:
        table = table.copy()
        for j, kind in enumerate(table.dtypes):
            if kind.kind not in "biufc":
                table.isetitem(j, [csv_cell(cell, formulas) for cell in table.iloc[:, j]])
        table.columns = [csv_cell(name, formulas) for name in table.columns]
    return table.to_csv(index=False, header=header, lineterminator="\n")


def formulas_among(texts: Iterable[str]) -> list[str]:
    """Those that a spreadsheet takes for formulas, each once."""
    return [text for text in dict.fromkeys(texts) if is_formula(text) and not text.startswith("'")]


def formulas_of(settings: Mapping[str, Any]) -> CsvFormulas:
    """What a study's settings say, as ``results.json`` keeps them."""
    return ESCAPE if (settings.get("report") or {}).get("csv_formulas") == ESCAPE else "warn"
