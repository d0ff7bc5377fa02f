"""How much the AUC of a score falls where the values of a feature go to other patients: permutation importance."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from prldh.stats import auc_of_rows

#: Repeats of the permutations of each feature.
REPEATS = 50


@dataclass(frozen=True)
class PermutationImportance:
    """Of each feature ``names`` (k,): ``drop`` (k,) the mean fall of the AUC and ``sd`` (k,) its standard deviation
    over the repeats (ddof 1). ``auc`` is that of the values as they are. NaN where a class is missing."""

    names: tuple[str, ...]
    auc: float
    drop: np.ndarray
    sd: np.ndarray
    repeats: int


def permutation_importance(
    log_odds: Callable[[np.ndarray], np.ndarray],
    values: np.ndarray,
    names: Sequence[str],
    outcome: np.ndarray,
    patient: np.ndarray,
    seed: np.random.SeedSequence,
    repeats: int = REPEATS,
    permuting: Callable[[np.ndarray], Callable[[int, np.ndarray], np.ndarray]] | None = None,
) -> PermutationImportance:
    """How much a score depends on each feature, on rows that did not train.

    The values of one feature are permuted among the rows and the AUC is taken again; the importance is by how much it
    is lower, on average over the repeats. Of features that say the same each seems less important than they are
    together. It is 0 for a feature that the score does not read, and may be below 0 by chance.

    Parameters
    ----------
    log_odds
        Makes log odds (m,) of rows (m, k): a score's ``log_odds``.
    values : (n, k) array
        Held-out rows; columns in the order that ``log_odds`` takes.
    names : k names
        Permutations are drawn by a feature's name and the order of the patients, so that neither the order of columns
        nor that of rows changes anything.
    outcome : (n,) array of 0/1
    patient : (n,) int array
        Numbers of the patients.
    seed : SeedSequence
    repeats : int
        At least 2.
    permuting
        A quicker way to the same: of rows (n, k) a function of a column's number and its other values (r, n), which
        gives log odds (r, n).

    Notes
    -----
    Breiman L (2001) Machine Learning 45:5-32; Janitza S, Strobl C, Boulesteix AL (2013) BMC Bioinformatics 14:119 (by
    the AUC); Fisher A, Rudin C, Dominici F (2019) J Mach Learn Res 20:177 (for any model). scikit-learn's
    ``permutation_importance`` draws other permutations. R: ``DALEX::model_parts(type = "difference")``.

    Examples
    --------
    >>> values = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    >>> found = permutation_importance(
    ...     lambda x: x[:, 0], values, ("a", "b"), np.array([0, 0, 1, 1]), np.arange(4), np.random.SeedSequence(1)
    ... )
    >>> found.auc, bool(found.drop[0] > 0.2), float(found.drop[1])
    (1.0, True, 0.0)
    """
    if repeats < 2:
        raise ValueError(f"repeats must be at least 2: found {repeats}")
    values = np.asarray(values, dtype=np.float64)
    order = np.lexsort((*values.T[::-1], outcome, patient))
    values, outcome = values[order], np.asarray(outcome)[order]
    whole = float(auc_of_rows(outcome, log_odds(values)[None, :])[0])
    of_column = permuting(values) if permuting else _one_after_the_other(log_odds, values)
    drops = np.empty((len(names), repeats))
    for j, name in enumerate(names):
        key = (*seed.spawn_key, zlib.crc32(name.encode()))
        generator = np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=key))
        other = generator.permuted(np.tile(values[:, j], (repeats, 1)), axis=1)
        drops[j] = whole - auc_of_rows(outcome, of_column(j, other))
    return PermutationImportance(tuple(names), whole, drops.mean(axis=1), drops.std(axis=1, ddof=1), repeats)


def _one_after_the_other(
    log_odds: Callable[[np.ndarray], np.ndarray], values: np.ndarray
) -> Callable[[int, np.ndarray], np.ndarray]:
    def of_column(j: int, other: np.ndarray) -> np.ndarray:
        rows = np.tile(values, (len(other), 1, 1))
        rows[:, :, j] = other
        return log_odds(rows.reshape(-1, values.shape[1])).reshape(other.shape)

    return of_column
