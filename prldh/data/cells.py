"""Cells that are numbers, and texts that stand for none."""

from __future__ import annotations

import numpy as np

BLANKS = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "<NA>")
#: Texts that people write for a blank, without regard to case; they are what they say unless ``missing`` lists them.
PLACEHOLDERS = frozenset(
    ("n/a", "na", "n.a.", "n.a", "#n/a", "nan", "null", "-", "--", "---", "–", "—", ".", "..", "?", "??", "missing")
)


def with_point(cell: str) -> str:
    """A number with a decimal comma as Python writes it; what has a point already is none."""
    return f"{cell} has a point" if "." in cell else cell.replace(",", ".")


def as_numbers(text: np.ndarray) -> np.ndarray | None:
    """Text as float64 of the same shape, or None where some cell is no number."""
    try:
        values = text.astype(np.float64)
    except ValueError:
        return None
    return values if all("_" not in cell for cell in text.flat) else None


def is_number(cell: str) -> bool:
    """Whether a cell is a number. Python would read ``1_000`` as one; a table means something else."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
