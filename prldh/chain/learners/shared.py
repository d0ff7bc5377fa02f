"""What learners share: rows and columns in an order of their own, and columns that can be learned from."""

from __future__ import annotations

import numpy as np

from prldh.core import DataError, TrainingRows


def in_own_order(rows: TrainingRows) -> TrainingRows:
    """Rows by patient and columns by name, without those that do not vary: a fit depends on neither order.

    Rows of one patient that differ stand in the order of their values.

    Raises
    ------
    DataError
        If a value is missing or infinite.
    """
    columns = np.array(sorted(range(len(rows.names)), key=lambda j: rows.names[j]), dtype=np.intp)
    values = np.asarray(rows.values, dtype=np.float64)[:, columns]
    refuse_blanks(values, tuple(rows.names[j] for j in columns))
    order = np.argsort(rows.patient, kind="stable")
    twin = rows.patient[order][1:] == rows.patient[order][:-1]
    if (values[order[1:][twin]] != values[order[:-1][twin]]).any():
        order = np.lexsort((*values.T[::-1], rows.outcome, rows.patient))
    varies = values.min(axis=0) < values.max(axis=0)
    return TrainingRows(
        values[order][:, varies],
        None,
        rows.outcome[order],
        rows.patient[order],
        tuple(rows.names[j] for j in columns[varies]),
    )


def refuse_blanks(values: np.ndarray, names: tuple[str, ...]) -> None:
    """Raise :class:`~prldh.core.errors.DataError` where a value (n, p) is missing or infinite."""
    is_bad = ~np.isfinite(values)
    if is_bad.any():
        j = int(np.flatnonzero(is_bad.any(axis=0))[0])
        raise DataError(
            f"the feature '{names[j]}' is missing or infinite in {int(is_bad[:, j].sum())} of {len(values)} training"
            " rows, and a learner needs numbers. Fill blanks by a transform, such as `transforms: [impute: {}]`."
        )


def log_odds_of(share: np.ndarray) -> np.ndarray:
    """Log odds of shares between 0 and 1, both excluded."""
    return np.log(share) - np.log1p(-share)


def seed_word(seed: np.random.SeedSequence) -> int:
    """A whole number of 64 bits; the seed stays as it was."""
    return int(seed.generate_state(1, np.uint64)[0])
