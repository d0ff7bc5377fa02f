"""Training rows in an order of their own, seeds of parts, and how many inner folds there can be."""

from __future__ import annotations

import numpy as np

from prldh.chain.shared.folds import distinct_patients
from prldh.core import TrainingRows


def child_of(seed: np.random.SeedSequence, number: int) -> np.random.SeedSequence:
    """A child of the seed; unlike ``spawn`` it leaves the seed as it was, so that a second fit gives the same."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number), pool_size=seed.pool_size)


def in_patient_order(rows: TrainingRows) -> TrainingRows:
    """Rows sorted by patient, so that random draws by row do not depend on the order in which rows come."""
    order = np.argsort(rows.patient, kind="stable")
    second = None if rows.second is None else rows.second[order]
    further = tuple(values[order] for values in rows.further)
    return TrainingRows(
        rows.values[order],
        second,
        rows.outcome[order],
        rows.patient[order],
        rows.names,
        further=further,
        is_consensus=rows.is_consensus,
    )


def inner_folds(rows: TrainingRows, wanted: int) -> tuple[int | None, tuple[str, ...]]:
    """How many inner folds there can be (None: not even two), and the warning that says so."""
    fewest = min(distinct_patients(rows.outcome, rows.patient))
    if fewest >= wanted:
        return wanted, ()
    patients = f"{fewest} distinct patient{'s' * (fewest != 1)}"
    if fewest < 2:
        return None, (f"no inner folds: a class has {patients} in training",)
    return fewest, (f"{fewest} inner folds instead of {wanted}: a class has {patients} in training",)
