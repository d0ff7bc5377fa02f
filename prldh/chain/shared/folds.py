"""Inner folds: stratified by outcome, with all rows of a patient in one fold."""

from __future__ import annotations

import numpy as np


def stratified_folds(
    outcome: np.ndarray,
    n_folds: int,
    seed: int | np.random.SeedSequence,
    patient: np.ndarray | None = None,
) -> np.ndarray:
    """Deal patients into folds, class by class.

    Patients are dealt, not rows: a bootstrap sample holds some patients several times, and a copy in the training part
    of an inner fold would reveal the outcome of its twin in the test part. A patient with an event in some of several
    rows is dealt as one with the event. Within a class the folds differ by at most
    one patient. Which folds get one more is random, except that the second class fills up the folds that the first
    left smaller, so that the folds' totals differ by at most one patient too.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    n_folds : int
        At least 2. If there are fewer distinct patients, their number is used.
    seed : int or SeedSequence
        The folds depend on the seed and the patients' numbers, not on the order of the rows.
    patient : (n,) int array, optional
        The same number for rows of one patient. Without it every row is a patient.

    Returns
    -------
    (n,) int array
        Fold of each row, 0 … k-1; no fold is empty.

    Examples
    --------
    >>> fold = stratified_folds(np.array([0, 0, 0, 1, 1, 1]), 3, seed=1)
    >>> np.bincount(fold)
    array([2, 2, 2])
    """
    outcome = np.asarray(outcome)
    if n_folds < 2:
        raise ValueError(f"n_folds must be at least 2: found {n_folds}")
    if patient is None:
        return _deal(outcome, n_folds, seed)
    numbers, copy_of = np.unique(np.asarray(patient), return_inverse=True)
    copy_of = copy_of.reshape(-1)
    has_event = np.zeros(len(numbers), dtype=np.int64)
    np.maximum.at(has_event, copy_of, outcome.astype(np.int64))
    return _deal(has_event, n_folds, seed)[copy_of]


def _deal(outcome: np.ndarray, n_folds: int, seed: int | np.random.SeedSequence) -> np.ndarray:
    """Folds (n,) of distinct patients with this outcome (n,)."""
    generator = np.random.default_rng(seed)
    k = max(1, min(n_folds, outcome.size))
    fold = np.empty(outcome.size, dtype=np.int64)
    size = np.zeros(k, dtype=np.int64)
    for label in (0, 1):
        members = np.flatnonzero(outcome == label)
        # smallest folds first, ties at random: these get the remainder
        order = generator.permutation(k)
        order = order[np.argsort(size[order], kind="stable")]
        dealt = np.resize(order, members.size)
        fold[generator.permutation(members)] = dealt
        size += np.bincount(dealt, minlength=k)
    return fold


def distinct_patients(outcome: np.ndarray, patient: np.ndarray) -> tuple[int, int]:
    """Number of distinct patients without and with the event."""
    outcome, patient = np.asarray(outcome), np.asarray(patient)
    return np.unique(patient[outcome == 0]).size, np.unique(patient[outcome == 1]).size
