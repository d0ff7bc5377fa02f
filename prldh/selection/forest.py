"""Random forests that judge how many ranked features to keep.

Small tables need many small forests: 30 sizes x 5 folds x 500 trees per refit. A tree is therefore never stored. A node
holds the in-bag training rows and the held-out rows that reach it; the held-out rows are split along with the training
rows and get their score at the leaf. Nodes without held-out rows are not grown.

Random numbers are splitmix64 (Steele GL, Lea D, Flood CH (2014) OOPSLA '14, 453-472) with a key for every
(seed, size, fold, tree, node), so that no tree depends on what was grown before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_LEFT = np.uint64(0xD6E8FEB86659FD93)
_RIGHT = np.uint64(0xA0761D6478BD642F)
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)
#: Gini gains closer than this are ties: counts make gains differ by more (below about 600 rows) or not at all.
_TIE = 1e-10


class SizeCurve(NamedTuple):
    """Cross-validated AUC by number of features: ``sizes`` (s,), ``mean`` (s,) and ``sd`` (s,) over the folds that have
    both classes, ``by_fold`` (s, folds) with NaN for the others, ``n_left_out`` how many those are."""

    sizes: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    by_fold: np.ndarray
    n_left_out: int


def size_curve(values: np.ndarray, outcome: np.ndarray, fold: np.ndarray, n_trees: int, seed: int, sizes: np.ndarray) -> SizeCurve:
    """Mean over folds of the AUC of forests on the first 1, 2, … features.

    Parameters are those of :func:`forest_scores`. Folds in which a class is missing have no AUC: they are left out of
    mean and standard deviation (ddof 1; NaN with one fold) and counted.
    """
    scores = forest_scores(values, outcome, fold, n_trees, seed, sizes)
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


def forest_scores(values: np.ndarray, outcome: np.ndarray, fold: np.ndarray, n_trees: int, seed: int, sizes: np.ndarray) -> np.ndarray:
    """Out-of-fold scores of random forests on the first ``size`` columns, for every size.

    For each fold a forest is grown on the other folds' rows. A tree draws as many of them with replacement, and is
    grown to purity. A node draws floor(sqrt(size)) candidate columns without replacement; if none of them varies in
    the node, it draws on until one does. Of all midpoints between neighbouring values of the candidates it takes the
    one with the least Gini impurity, the first drawn and lowest where several tie; values up to the midpoint go left.

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
    Breiman L (2001) Random forests. Machine Learning 45:5-32.
    """
    columns = np.ascontiguousarray(np.asarray(values, dtype=np.float64).T)
    sizes = np.asarray(sizes, dtype=np.int64)
    if sizes.size and not 1 <= sizes.min() <= sizes.max() <= columns.shape[0]:
        raise ValueError(f"sizes must lie in 1 … {columns.shape[0]}, the number of columns: found {sizes.tolist()}")
    code = np.empty(columns.shape, dtype=np.uint16 if columns.shape[1] < 65536 else np.uint32)
    distinct = np.zeros(columns.shape)
    for j, column in enumerate(columns):
        found, code[j] = np.unique(column, return_inverse=True)
        distinct[j, : found.size] = found
    is_event = (np.asarray(outcome) == 1).astype(np.uint64)
    return _forest_scores(columns, code, distinct, is_event, np.asarray(fold, dtype=np.int64), n_trees, np.uint64(seed), sizes)


@intrinsic
def _lowest_bit(typingctx, word):
    """Position of the lowest set bit of a word that is not 0."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.uint64(types.uint64), generate


@njit(inline="always")
def _mix(z):
    """The output function of splitmix64."""
    z = (z ^ (z >> np.uint64(30))) * _MIX_A
    z = (z ^ (z >> np.uint64(27))) * _MIX_B
    return z ^ (z >> np.uint64(31))


@njit(inline="always")
def _below(word, bound):
    """A number 0 … bound-1 from the upper half of a random word (the bias is below bound / 2^32)."""
    return np.int64(((word >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@njit(cache=True, nogil=True)
def _tree_key(seed, size, fold, tree):
    key = _mix(seed + _GOLDEN)
    key = _mix((key ^ np.uint64(size)) + _GOLDEN)
    key = _mix((key ^ np.uint64(fold)) + _GOLDEN)
    return _mix((key ^ np.uint64(tree)) + _GOLDEN)


@njit(cache=True, nogil=True)
def _forest_scores(columns, code, distinct, is_event, fold, n_trees, seed, sizes):
    n = fold.size
    scores = np.zeros((sizes.size, n))
    train, test = np.empty(n, np.int64), np.empty(n, np.int64)
    weight, rows, held_out = np.empty(n, np.uint64), np.empty(n, np.int64), np.empty(n, np.int64)
    spare = np.empty(n, np.int64)
    work = _Workspace(np.zeros(n, np.uint64), np.zeros(n // 64 + 1, np.uint64), np.empty(columns.shape[0], np.int64), _reciprocals(n))
    stack = np.empty((n + 1, 6), np.int64)
    keys = np.empty(n + 1, np.uint64)
    permutation = np.arange(columns.shape[0])
    for k in range(fold.max() + 1):
        n_train, n_test = 0, 0
        for i in range(n):
            if fold[i] == k:
                test[n_test] = i
                n_test += 1
            else:
                train[n_train] = i
                n_train += 1
        if n_train == 0 or n_test == 0:
            continue
        for s in range(sizes.size):
            for tree in range(n_trees):
                key = _tree_key(seed, sizes[s], k, tree)
                n_rows, n_drawn_events = _draw_bootstrap(train, n_train, is_event, key, weight, rows)
                held_out[:n_test] = test[:n_test]
                _grow(
                    columns, code, distinct, sizes[s], weight, rows, n_rows, n_drawn_events, n_train, held_out, n_test,
                    key, spare, stack, keys, permutation, work, scores[s],
                )  # fmt: skip
    return scores / n_trees


class _Workspace(NamedTuple):
    """Scratch of one node: ``count`` (n,) rows and events by value code, all 0 between nodes; ``bits`` a set of codes,
    empty between nodes; ``swaps`` (p,) what the draw of candidates exchanged. ``reciprocal`` (n + 1,) is 1 / i."""

    count: np.ndarray
    bits: np.ndarray
    swaps: np.ndarray
    reciprocal: np.ndarray


@njit(cache=True, nogil=True)
def _reciprocals(n):
    reciprocal = np.zeros(n + 1)
    for i in range(1, n + 1):
        reciprocal[i] = 1.0 / i
    return reciprocal


@njit(cache=True, nogil=True)
def _draw_bootstrap(train, n_train, is_event, key, weight, rows):
    """Draw n_train rows with replacement.

    ``weight`` of a row becomes how often it was drawn, plus 2^32 times that if it is an event (one sum then counts
    both); ``rows`` the rows drawn at all. Returns their number and that of the events drawn.
    """
    for q in range(n_train):
        weight[train[q]] = 0
    state = key
    for _ in range(n_train):
        state += _GOLDEN
        weight[train[_below(_mix(state), n_train)]] += np.uint64(1)
    n_rows, n_events = 0, 0
    for q in range(n_train):
        i = train[q]
        rows[n_rows] = i
        n_rows += weight[i] > 0
        n_events += np.int64(weight[i] * is_event[i])
        weight[i] |= (weight[i] * is_event[i]) << _HALF
    return n_rows, n_events


@njit(cache=True, nogil=True)
def _grow(
    columns, code, distinct, size, weight, rows, n_rows, n_events, n_drawn, held_out, n_held_out,
    key, spare, stack, keys, permutation, work, score,
):  # fmt: skip
    """Grow one tree on ``rows`` and add the leaves' event shares to ``score`` of the rows held out."""
    n_candidates = max(1, int(np.sqrt(size)))
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, n_rows, n_drawn
    stack[0, 3], stack[0, 4], stack[0, 5] = n_events, 0, n_held_out
    keys[0] = _mix(key ^ _LEFT)
    depth = 1
    while depth > 0:
        depth -= 1
        start, stop, total, events = stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3]
        out_start, out_stop, node_key = stack[depth, 4], stack[depth, 5], keys[depth]
        found = False
        if 0 < events < total:
            found, column, low, high, n_left, events_left = _best_split(
                code, size, n_candidates, weight, rows, start, stop, total, events, node_key, permutation, work
            )
        if not found:
            for e in range(out_start, out_stop):
                score[held_out[e]] += events / total
            continue
        # a midpoint that rounds up to the higher value would send it left
        threshold = 0.5 * distinct[column, low] + 0.5 * distinct[column, high]
        if threshold >= distinct[column, high]:
            threshold = distinct[column, low]
        out_middle = _partition_values(columns[column], threshold, held_out, out_start, out_stop, spare)
        needs_left = out_middle > out_start
        needs_right = out_middle < out_stop
        middle = start
        if (needs_left and 0 < events_left < n_left) or (needs_right and 0 < events - events_left < total - n_left):
            middle = _partition_codes(code[column], low, rows, start, stop, spare)
        if needs_left:
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = start, middle, n_left
            stack[depth, 3], stack[depth, 4], stack[depth, 5] = events_left, out_start, out_middle
            keys[depth] = _mix(node_key + _LEFT)
            depth += 1
        if needs_right:
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = middle, stop, total - n_left
            stack[depth, 3], stack[depth, 4], stack[depth, 5] = events - events_left, out_middle, out_stop
            keys[depth] = _mix(node_key + _RIGHT)
            depth += 1


@njit(cache=True, nogil=True)
def _partition_values(column, threshold, rows, start, stop, spare):
    """Bring rows up to the threshold to the front, in order; returns where the others begin."""
    left, n_right = start, 0
    for q in range(start, stop):
        i = rows[q]
        goes_left = column[i] <= threshold
        rows[left] = i
        spare[n_right] = i
        left += goes_left
        n_right += not goes_left
    for q in range(n_right):
        rows[left + q] = spare[q]
    return left


@njit(cache=True, nogil=True)
def _partition_codes(code, highest, rows, start, stop, spare):
    """The same by value code: rows with a code up to ``highest`` come first."""
    left, n_right = start, 0
    for q in range(start, stop):
        i = rows[q]
        goes_left = code[i] <= highest
        rows[left] = i
        spare[n_right] = i
        left += goes_left
        n_right += not goes_left
    for q in range(n_right):
        rows[left + q] = spare[q]
    return left


@njit(cache=True, nogil=True)
def _best_split(
    code, size, n_candidates, weight, rows, start, stop, total, events, key, permutation, work
):  # fmt: skip
    """Least Gini impurity among the candidates drawn.

    Returns whether there is a split, its column, the value codes on both sides, and rows and events that go left.
    """
    best, column, low, high, n_left, events_left = -1.0, 0, 0, 0, 0, 0
    state, n_seen = key, 0
    swaps = work.swaps
    while n_seen < size and (n_seen < n_candidates or best < 0):
        state += _GOLDEN
        chosen = n_seen + _below(_mix(state), size - n_seen)
        swaps[n_seen] = chosen
        candidate = permutation[chosen]
        permutation[chosen] = permutation[n_seen]
        permutation[n_seen] = candidate
        n_seen += 1
        gain, below, above, taken = _scan(code[candidate], weight, rows, start, stop, total, events, best, work)
        if gain > best:
            best, column, low, high = gain, candidate, below, above
            n_left, events_left = np.int64(taken & _LOW_HALF), np.int64(taken >> _HALF)
            if best >= events - _TIE:
                break  # both sides pure: nothing drawn later can be better
    for q in range(n_seen - 1, -1, -1):
        candidate = permutation[q]
        permutation[q] = permutation[swaps[q]]
        permutation[swaps[q]] = candidate
    return best >= 0, column, low, high, n_left, events_left


@njit(cache=True, nogil=True)
def _scan(code, weight, rows, start, stop, total, events, best, work):
    """Best split of a node by one column, if better than ``best``: a counting sort by value code.

    Maximises e_left^2 / n_left + e_right^2 / n_right, which is least Gini impurity: for two classes the impurity, times
    the rows, is 2 (events - that sum). Returns it (or ``best``), the codes on both sides, and the packed counts left.
    """
    count, bits, reciprocal = work.count, work.bits, work.reciprocal
    for q in range(start, stop):
        i = rows[q]
        c = np.uint64(code[i])
        count[c] += weight[i]
        bits[c >> np.uint64(6)] |= np.uint64(1) << (c & np.uint64(63))
    bar = best + _TIE
    low, high, taken = 0, 0, np.uint64(0)
    cumulative, previous = np.uint64(0), -1
    for word in range(bits.size):
        left_over = bits[word]
        bits[word] = 0
        while left_over != 0:
            c = (word << 6) + np.int64(_lowest_bit(left_over))
            left_over &= left_over - np.uint64(1)
            if previous >= 0:
                n_left = np.int64(cumulative & _LOW_HALF)
                e_left = np.int64(cumulative >> _HALF)
                e_right = events - e_left
                gain = (e_left * e_left) * reciprocal[n_left] + (e_right * e_right) * reciprocal[total - n_left]
                if gain > bar:
                    best, low, high, taken = gain, previous, c, cumulative
                    bar = gain + _TIE
            cumulative += count[c]
            count[c] = 0
            previous = c
    return best, low, high, taken
