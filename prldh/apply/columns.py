"""The clinical columns that a frozen chain reads of new patients, and whom it cannot be applied to for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from prldh.core import Columns, FittedStep, ReadsColumns
from prldh.data import Table, column_of, numbers, refuse_failed_cells
from prldh.plugins import FITTED, called


def columns_read(
    chain: Sequence[FittedStep],
    declared: Mapping[str, str],
    covariates: Sequence[Mapping[str, Any]],
    frame: Table,
    ids: Sequence[str],
) -> Columns:
    """What the steps of a chain read of the clinical table, by name (n,): covariates as the study has them, declared
    columns (name → column) as text.

    Raises
    ------
    DataError
        If a column is missing, or a number is none.
    """
    types = {each["name"]: each["type"] for each in covariates}
    columns: dict[str, np.ndarray] = {}
    for step in chain:
        for name in step.fitted.columns_read if isinstance(step.fitted, ReadsColumns) else ():
            where, source = f"clinical.columns.{name}", declared.get(name, name)
            if types.get(name) == "continuous":
                columns[name] = numbers(frame, source, ids, where)
                continue
            column = column_of(frame, source, where)
            refuse_failed_cells(column, frame.path, ids)
            columns[name] = column.to_numpy(dtype=object)
    return columns


def not_reached(chain: Sequence[FittedStep], columns: Columns) -> Iterator[tuple[np.ndarray, str]]:
    """Whom (n,) bool steps of a chain cannot be applied to, and why."""
    for step in chain:
        fitted = step.fitted
        if not isinstance(fitted, ReadsColumns):
            continue
        reached = called(FITTED, fitted, "reaches", columns)
        told = np.array(
            [
                ", ".join(f"{name} {cell or 'blank'}" for name, cell in zip(fitted.columns_read, row, strict=True))
                for row in zip(*(columns[name] for name in fitted.columns_read), strict=True)
            ],
            dtype=object,
        )
        for text in dict.fromkeys(told[~reached]):
            yield ~reached & (told == text), f"the step '{step.step}' cannot be applied ({text})"
