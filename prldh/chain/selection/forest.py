"""Random forests that judge how many ranked features to keep.

Small tables need many small forests: 30 sizes x 5 folds x 500 trees per refit. The sizes share their random numbers: a
tree draws the same rows whatever the size, and a node at the same place of a tree visits the columns in the same order.
Trees of neighbouring sizes then share most of their upper nodes, which are grown once
(:mod:`prldh.chain.selection.forest_kernel`). Each size by itself is a plain random forest.

Random numbers are splitmix64 (Steele GL, Lea D, Flood CH (2014) OOPSLA '14, 453-472) with a key for every
(seed, fold, tree, node), so that no tree depends on what was grown before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from prldh.chain.selection.forest_kernel import MOST_ROWS, add_trees

#: Racing: the share of the trees after which sizes are judged, and how far behind the best mean AUC a size is dropped.
RACING_SHARE = 0.25
RACING_MARGIN = 0.02


class SizeCurve(NamedTuple):
    """Cross-validated AUC by number of features: ``sizes`` (s,), ``mean`` (s,) and ``sd`` (s,) over the folds that have
    both classes, ``by_fold`` (s, folds) with NaN for the others, ``n_left_out`` how many those are, ``dropped`` the
    sizes that racing gave up."""

    sizes: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    by_fold: np.ndarray
    n_left_out: int
    dropped: tuple[int, ...] = ()


def size_curve(
    values: np.ndarray,
    outcome: np.ndarray,
    fold: np.ndarray,
    n_trees: int,
    seed: int,
    sizes: Sequence[int] | np.ndarray,
    racing: bool = False,
) -> SizeCurve:
    """Mean over folds of the AUC of forests on the first 1, 2, … features.

    Parameters are those of :func:`forest_scores`. Folds in which a class is missing have no AUC: they are left out of
    mean and standard deviation (ddof 1; NaN with one fold) and counted.

    With ``racing``, sizes whose mean AUC lies more than ``RACING_MARGIN`` below the best after the first
    ``RACING_SHARE`` of the trees are dropped. The numbers of the others are those of the exact run to the last bit; the
    best size of all may have been among the dropped, so racing is an approximation.
    """
    sizes = np.asarray(sizes, dtype=np.int64)
    forests = _Forests(values, outcome, fold, seed, sizes)
    first = max(1, round(RACING_SHARE * n_trees)) if racing else n_trees
    totals = np.zeros((forests.n_distinct, sizes.size))
    forests.add_trees(0, first, sizes, totals)
    curve = _curve(forests.scores(totals, first), outcome, fold, sizes)
    if first == n_trees:
        return curve
    stays = curve.mean >= curve.mean.max() - RACING_MARGIN
    totals = np.ascontiguousarray(totals[:, stays])
    forests.add_trees(first, n_trees, sizes[stays], totals)
    return _curve(forests.scores(totals, n_trees), outcome, fold, sizes[stays])._replace(
        dropped=tuple(sizes[~stays].tolist())
    )


def _curve(scores: np.ndarray, outcome: np.ndarray, fold: np.ndarray, sizes: np.ndarray) -> SizeCurve:
    n_folds = int(np.max(fold)) + 1
    by_fold = np.full((len(sizes), n_folds), np.nan)
    for k in range(n_folds):
        rows = np.flatnonzero(fold == k)
        event = np.asarray(outcome)[rows] == 1
        if event.any() and not event.all():
            by_fold[:, k] = auc_by_row(scores[:, rows], event)
    usable = by_fold[:, ~np.isnan(by_fold[0])]
    if not usable.shape[1]:
        raise ValueError("no fold has both classes: the AUC does not exist")
    sd = usable.std(axis=1, ddof=1) if usable.shape[1] > 1 else np.full(len(sizes), np.nan)
    return SizeCurve(np.asarray(sizes), usable.mean(axis=1), sd, by_fold, n_folds - usable.shape[1])


def auc_by_row(scores: np.ndarray, event: np.ndarray) -> np.ndarray:
    """AUC (s,) of each row of ``scores`` (s, n) for ``event`` (n,): the Mann-Whitney statistic, ties count one half."""
    from scipy.stats import rankdata

    n_events = int(event.sum())
    rank_sum = rankdata(scores, axis=1)[:, event].sum(axis=1)
    return (rank_sum - n_events * (n_events + 1) / 2) / (n_events * (event.size - n_events))


def forest_scores(
    values: np.ndarray, outcome: np.ndarray, fold: np.ndarray, n_trees: int, seed: int, sizes: np.ndarray
) -> np.ndarray:
    """Out-of-fold scores of random forests on the first ``size`` columns, for every size.

    For each fold a forest is grown on the other folds' rows. A tree draws as many of them with replacement, and is
    grown to purity. A node visits the columns in a random order: b-bit pieces of its random words, lowest bits first,
    with 2^b the least power of two that is p or more; pieces that name no column or one named before are passed over.
    The candidates are the first floor(sqrt(size)) visited among the first ``size`` columns: a draw without replacement.
    If none of them varies in the node, it visits on until one does. Of all midpoints between neighbouring values of the
    candidates it takes the one with the least Gini impurity, the first visited and lowest where several tie; values up
    to the midpoint go left. The keys name seed, fold, tree and the node's place, not the size.

    Parameters
    ----------
    values : (n, p) array
        Columns in order of their rank.
    outcome : (n,) array of 0/1
    fold : (n,) int array
        Fold of each row, 0 … k-1.
    n_trees : int
    seed : int
        0 … 2^64 - 1.
    sizes : sequence of int
        Each 1 … p.

    Returns
    -------
    (len(sizes), n) array
        Mean over trees of the share of events in the leaf that a row falls into, in 0 … 1.

    References
    ----------
    Breiman L (2001) Random forests. Machine Learning 45:5-32. Common random numbers: Law AM (2015) Simulation modeling
    and analysis, 5th ed., section 11.2.
    """
    sizes, place = np.unique(np.asarray(sizes, dtype=np.int64), return_inverse=True)
    if not sizes.size:
        return np.zeros((0, len(outcome)))
    forests = _Forests(values, outcome, fold, seed, sizes)
    totals = np.zeros((forests.n_distinct, sizes.size))
    forests.add_trees(0, n_trees, sizes, totals)
    return forests.scores(totals, n_trees)[place.reshape(-1)]


class _Forests:
    """Rows made ready for the kernel: copies of a row (a bootstrap sample is full of them) always go the same way, so
    each distinct row is carried once, with its weight."""

    def __init__(self, values: np.ndarray, outcome: np.ndarray, fold: np.ndarray, seed: int, sizes: np.ndarray):

        columns = np.ascontiguousarray(np.asarray(values, dtype=np.float64).T)
        if not 1 <= sizes.min() <= sizes.max() <= columns.shape[0]:
            raise ValueError(f"sizes must lie in 1 … {columns.shape[0]}, the number of columns: found {sizes.tolist()}")
        if (np.diff(sizes) <= 0).any():
            raise ValueError(f"sizes must ascend: found {sizes.tolist()}")
        if columns.shape[1] > MOST_ROWS:
            raise ValueError(f"at most {MOST_ROWS} rows: found {columns.shape[1]}")
        self.piece_bits = max(1, (columns.shape[0] - 1).bit_length())
        self.is_event, self.fold, self.seed = (
            np.asarray(outcome) == 1,
            np.asarray(fold, dtype=np.int64),
            np.uint64(seed),
        )
        columns = columns[: sizes.max()]
        _, self.first, copy_of = np.unique(
            np.vstack([self.fold, self.is_event, columns]), axis=1, return_index=True, return_inverse=True
        )
        self.copy_of, self.columns = copy_of.reshape(-1), np.ascontiguousarray(columns[:, self.first])
        self.code = np.empty(self.columns.shape, dtype=np.uint32)
        for j, column in enumerate(self.columns):
            self.code[j] = np.unique(column, return_inverse=True)[1]
        self.n_distinct = self.first.size

    def add_trees(self, first: int, stop: int, sizes: np.ndarray, totals: np.ndarray) -> None:
        """Add what trees ``first`` … ``stop`` - 1 say of distinct rows to ``totals`` (distinct rows, sizes)."""

        add_trees(
            self.columns,
            self.code,
            self.is_event[self.first].astype(np.uint64),
            self.fold[self.first],
            self.copy_of.astype(np.uint32),
            self.fold,
            first,
            stop,
            self.seed,
            sizes,
            self.piece_bits,
            totals,
        )

    def scores(self, totals: np.ndarray, n_trees: int) -> np.ndarray:
        """Scores (sizes, n) of all rows."""
        return totals.T[:, self.copy_of] / n_trees
