"""What the built-in selectors share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prldh.chain.selection.folds import distinct_patients
from prldh.core import Across, Curve, TrainingRows, plain


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


def shown_beside(value: float, limit: float) -> str:
    """Two decimals, or as many as it takes to differ from the limit."""
    decimals = 2
    while decimals < 6 and value != limit and float(f"{value:.{decimals}f}") == limit:
        decimals += 1
    return f"{value:.{decimals}f}"


def jsonable(values: np.ndarray) -> list[float | None]:
    """A list in which numbers that do not exist are None."""
    return [float(v) if np.isfinite(v) else None for v in np.asarray(values, dtype=np.float64)]


def curve_by_size(curve: Mapping[str, Any], chosen: int, label: str) -> Curve:
    """A mean over inner folds by number of features, the chosen number marked."""
    across = Across("number of features", mark=chosen, mark_label=f"chosen: {chosen}", is_whole=True)
    return Curve(across, label, curve["sizes"], curve["mean"])


def curve_in_words(what: str, curve: Mapping[str, Any], chosen: int) -> str:
    """``What`` with the fewest, the chosen and the most features; an empty text where it is not known of the chosen."""
    known = [(size, mean) for size, mean in zip(curve["sizes"], curve["mean"], strict=True) if mean is not None]
    at = dict(known)
    if not known or chosen not in at:
        return ""
    return (
        f"{what} is {plain(known[0][1])} with {known[0][0]}, {plain(at[chosen])} with the chosen {chosen}, and"
        f" {plain(known[-1][1])} with {known[-1][0]} features."
    )
