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
    is_event, fold = np.asarray(outcome) == 1, np.asarray(fold, dtype=np.int64)
    if not sizes.size:
        return np.zeros((0, fold.size))
    # copies of a row (a bootstrap sample is full of them) always go the same way: each is carried once, with its weight
    columns = columns[: sizes.max()]
    _, first, copy_of = np.unique(np.vstack([fold, is_event, columns]), axis=1, return_index=True, return_inverse=True)
    columns, copy_of = np.ascontiguousarray(columns[:, first]), copy_of.reshape(-1)
    code = np.empty(columns.shape, dtype=np.uint32)
    for j, column in enumerate(columns):
        code[j] = np.unique(column, return_inverse=True)[1]
    scores = _forest_scores(
        columns, code, is_event[first].astype(np.uint64), fold[first], copy_of.astype(np.uint32), fold, n_trees, np.uint64(seed), sizes
    )
    return scores[:, copy_of]


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
def _forest_scores(columns, code, is_event, fold_of_row, copy_of, fold, n_trees, seed, sizes):
    """Scores (sizes, rows) of distinct rows; ``copy_of`` (n,) says which of them each drawable row is, ``fold`` (n,) its fold."""
    n, n_distinct = fold.size, fold_of_row.size
    scores = np.zeros((sizes.size, n_distinct))
    train, test = np.empty(n, np.uint32), np.empty(n_distinct, np.uint32)
    weight, rows, held_out = np.zeros(n_distinct, np.uint64), np.empty(n_distinct, np.uint32), np.empty(n_distinct, np.uint32)
    spare = np.empty(n_distinct + 1, np.uint32)
    fold_code, distinct = np.zeros(code.shape, np.uint32), np.zeros(code.shape)
    # scratch of one node: rows and events by value code (0 between nodes), a set of codes (empty between nodes), and what
    # the draw of candidates exchanged; plain arrays, as handing out views or tuples of arrays costs more than a small node
    count, bits = np.zeros(n_distinct, np.uint64), np.zeros(n_distinct // 64 + 1, np.uint64)
    swaps, reciprocal = np.empty(columns.shape[0], np.uint32), _reciprocals(n)
    stack = np.empty((n_distinct + 1, 6), np.int64)
    keys = np.empty(n_distinct + 1, np.uint64)
    permutation = np.arange(columns.shape[0]).astype(np.uint32)
    for k in range(fold.max() + 1):
        n_train, n_test = 0, 0
        for i in range(n):
            if fold[i] != k:
                train[n_train] = copy_of[i]
                n_train += 1
        for i in range(n_distinct):
            if fold_of_row[i] == k:
                test[n_test] = i
                n_test += 1
        if n_train == 0 or n_test == 0:
            continue
        n_codes = _code_training_rows(columns, code, fold_of_row, k, fold_code, distinct)
        for s in range(sizes.size):
            for tree in range(n_trees):
                key = _tree_key(seed, sizes[s], k, tree)
                n_rows, n_drawn_events = _draw_bootstrap(train, n_train, is_event, key, weight, rows)
                held_out[:n_test] = test[:n_test]
                _grow(
                    columns, fold_code, distinct, n_codes, sizes[s], weight, rows, n_rows, n_drawn_events, n_train, held_out, n_test,
                    key, spare, stack, keys, permutation, swaps, count, bits, reciprocal, scores, s,
                )  # fmt: skip
    return scores / n_trees


@njit(cache=True, nogil=True)
def _reciprocals(n):
    reciprocal = np.zeros(n + 1)
    for i in range(1, n + 1):
        reciprocal[i] = 1.0 / i
    return reciprocal


@njit(cache=True, nogil=True)
def _code_training_rows(columns, code, fold_of_row, k, fold_code, distinct):
    """Number the values of the rows outside fold k by rank, column by column: few codes need few words of bits.

    Writes the codes and their values; returns the largest number of codes in a column.
    """
    p, n = code.shape
    n_codes = 0
    value, seen, renumbered = np.empty(n), np.empty(n, np.uint8), np.empty(n, np.uint32)
    for j in range(p):
        seen[:] = 0
        for i in range(n):
            if fold_of_row[i] != k:
                seen[code[j, i]] = 1
                value[code[j, i]] = columns[j, i]
        found = 0
        for c in range(n):
            renumbered[c] = found
            if seen[c]:
                distinct[j, found] = value[c]
                found += 1
        for i in range(n):
            fold_code[j, i] = renumbered[code[j, i]]
        n_codes = max(n_codes, found)
    return n_codes


@njit(cache=True, nogil=True)
def _draw_bootstrap(train, n_train, is_event, key, weight, rows):
    """Draw n_train rows with replacement.

    ``weight`` of a distinct row becomes how often it was drawn, plus 2^32 times that if it is an event (one sum then
    counts both); ``rows`` the rows drawn at all. Returns their number and that of the events drawn.
    """
    weight[:] = 0
    state = key
    for _ in range(n_train):
        state += _GOLDEN
        i = train[np.uint64(_below(_mix(state), n_train))]
        weight[i] += np.uint64(1) | (is_event[i] << _HALF)
    n_rows, total = 0, np.uint64(0)
    for i in range(weight.size):
        rows[n_rows] = i
        n_rows += weight[i] > 0
        total += weight[i]
    return n_rows, np.int64(total >> _HALF)


@njit(cache=True, nogil=True)
def _grow(
    columns, code, distinct, n_codes, size, weight, rows, n_rows, n_events, n_drawn, held_out, n_held_out,
    key, spare, stack, keys, permutation, swaps, count, bits, reciprocal, scores, s,
):  # fmt: skip
    """Grow one tree on ``rows`` and add the leaves' event shares to ``scores[s]`` of the rows held out."""
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
                code, n_codes, size, n_candidates, weight, rows, start, stop, total, events, node_key,
                permutation, swaps, count, bits, reciprocal,
            )  # fmt: skip
        if not found:
            share = events / total
            for e in range(out_start, out_stop):
                scores[s, held_out[e]] += share
            continue
        # a midpoint that rounds up to the higher value would send it left
        threshold = 0.5 * distinct[column, low] + 0.5 * distinct[column, high]
        if threshold >= distinct[column, high]:
            threshold = distinct[column, low]
        out_middle = _partition(columns, column, threshold, held_out, out_start, out_stop, spare)
        needs_left = out_middle > out_start
        needs_right = out_middle < out_stop
        middle = start
        if (needs_left and 0 < events_left < n_left) or (needs_right and 0 < events - events_left < total - n_left):
            middle = _partition(code, column, low, rows, start, stop, spare)
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
def _partition(columns, column, highest, rows, start, stop, spare):
    """Bring rows with a value (or value code) up to ``highest`` to the front, in order; returns where the others begin."""
    left, n_right = np.uint64(start), np.uint64(0)
    for q in range(np.uint64(start), np.uint64(stop)):
        i = rows[q]
        goes_left = columns[column, i] <= highest
        rows[left] = i
        spare[n_right] = i
        left += np.uint64(goes_left)
        n_right += np.uint64(not goes_left)
    for q in range(n_right):
        rows[left + q] = spare[q]
    return np.int64(left)


@njit(cache=True, nogil=True)
def _best_split(
    code, n_codes, size, n_candidates, weight, rows, start, stop, total, events, key, permutation, swaps, count, bits, reciprocal
):  # fmt: skip
    """Least Gini impurity among the candidates drawn.

    Returns whether there is a split, its column, the value codes on both sides, and rows and events that go left.
    """
    best, column, low, high, taken = -1.0, np.uint32(0), np.uint64(0), np.uint64(0), np.uint64(0)
    state, n_seen = key, 0
    while n_seen < size and (n_seen < n_candidates or best < 0):
        state += _GOLDEN
        chosen = n_seen + _below(_mix(state), size - n_seen)
        swaps[n_seen] = chosen
        candidate = permutation[chosen]
        permutation[chosen] = permutation[n_seen]
        permutation[n_seen] = candidate
        n_seen += 1
        if n_codes <= 128:
            gain, below, above, counts = _scan_few(
                code, candidate, weight, rows, start, stop, np.uint64(total), np.uint64(events), best, count, reciprocal
            )  # fmt: skip
        else:
            gain, below, above, counts = _scan(
                code, candidate, n_codes, weight, rows, start, stop, np.uint64(total), np.uint64(events), best, count, bits, reciprocal
            )  # fmt: skip
        if gain > best:
            best, column, low, high, taken = gain, candidate, below, above, counts
            if best >= events - _TIE:
                break  # both sides pure: nothing drawn later can be better
    for q in range(n_seen - 1, -1, -1):
        candidate = permutation[q]
        permutation[q] = permutation[swaps[q]]
        permutation[swaps[q]] = candidate
    return best >= 0, column, low, high, np.int64(taken & _LOW_HALF), np.int64(taken >> _HALF)


@njit(inline="always")
def _gain(taken, total, events, reciprocal):
    """e_left^2 / n_left + e_right^2 / n_right of a split that sends the packed counts ``taken`` left."""
    n_left, e_left = taken & _LOW_HALF, taken >> _HALF
    e_right = events - e_left
    return (
        np.float64(np.int64(e_left * e_left)) * reciprocal[n_left]
        + np.float64(np.int64(e_right * e_right)) * reciprocal[total - n_left]
    )


@njit(cache=True, nogil=True)
def _scan(code, candidate, n_codes, weight, rows, start, stop, total, events, best, count, bits, reciprocal):
    """Best split of a node by one column, if better than ``best``: a counting sort by value code.

    Maximises e_left^2 / n_left + e_right^2 / n_right, which is least Gini impurity: for two classes the impurity, times
    the rows, is 2 (events - that sum). Returns it (or ``best``), the codes on both sides, and the packed counts left.
    """
    for q in range(np.uint64(start), np.uint64(stop)):
        i = rows[q]
        c = np.uint64(code[candidate, i])
        count[c] += weight[i]
        bits[c >> np.uint64(6)] |= np.uint64(1) << (c & np.uint64(63))
    bar = best + _TIE
    low, high, taken = np.uint64(0), np.uint64(0), np.uint64(0)
    cumulative, previous = np.uint64(0), np.uint64(0)
    for word in range(np.uint64((n_codes + 63) // 64)):
        left_over = bits[word]
        bits[word] = 0
        while left_over != 0:
            c = (word << np.uint64(6)) + _lowest_bit(left_over)
            left_over &= left_over - np.uint64(1)
            gain = _gain(cumulative, total, events, reciprocal)
            if gain > bar and cumulative > 0:
                best, low, high, taken = gain, previous, c, cumulative
                bar = gain + _TIE
            cumulative += count[c]
            count[c] = 0
            previous = c
    return best, low, high, taken


@njit(cache=True, nogil=True)
def _scan_few(code, candidate, weight, rows, start, stop, total, events, best, count, reciprocal):
    """The same for up to 128 codes: the set of codes is two words that stay in registers."""
    word, upper_word = np.uint64(0), np.uint64(0)
    for q in range(np.uint64(start), np.uint64(stop)):
        i = rows[q]
        c = np.uint64(code[candidate, i])
        count[c] += weight[i]
        mark, upper = np.uint64(1) << (c & np.uint64(63)), np.uint64(0) - (c >> np.uint64(6))
        upper_word |= mark & upper
        word |= mark & ~upper
    base = np.uint64(0)
    if word == 0:
        word, upper_word, base = upper_word, np.uint64(0), np.uint64(64)
    bar = best + _TIE
    low, high, taken = np.uint64(0), np.uint64(0), np.uint64(0)
    previous = base + _lowest_bit(word)
    word &= word - np.uint64(1)
    cumulative = count[previous]
    count[previous] = 0
    while cumulative & _LOW_HALF != total:
        is_empty = word == 0
        word, base = (upper_word, np.uint64(64)) if is_empty else (word, base)
        c = base + _lowest_bit(word)
        word &= word - np.uint64(1)
        gain = _gain(cumulative, total, events, reciprocal)
        if gain > bar:
            best, low, high, taken = gain, previous, c, cumulative
            bar = gain + _TIE
        cumulative += count[c]
        count[c] = 0
        previous = c
    return best, low, high, taken
