"""The compiled part of :mod:`prldh.chain.selection.forest`, which defines what is computed.

A tree is grown for all sizes at once. Sizes that have split alike so far share their nodes: a node holds the drawn rows
and the held-out rows that reach it, and the range of sizes that it stands for. Where the sizes' best splits differ, the
range falls apart. Every column is scanned at most once in a node, whatever the number of sizes that draw it.

Trees are not stored: held-out rows are split along with the drawn ones and score at the leaf, and nodes without
held-out rows are not grown.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from prldh.chain.shared.draws import GOLDEN, LEFT, RIGHT, TIE, lowest_bit, mix, tree_key

_ZERO, _ONE, _LAST_BIT, _WORD = np.uint64(0), np.uint64(1), np.uint64(63), np.uint64(64)
#: A drawn row is packed into a word: how often it was drawn, 2^21 times that if it is an event, 2^42 times its value's
#: code.
_EVENTS, _VALUE = np.uint64(21), np.uint64(42)
_COUNT, _COUNTS = np.uint64(2**21 - 1), np.uint64(2**42 - 1)
MOST_ROWS = 2**21 - 1
_NOT_SCANNED = -2.0
_LEAF = np.int64(-1)

#: division by zero gives no Python error; what allocates nothing counts no references (that cost a quarter of the time)
#: and is inlined (passing thirty arrays cost another quarter)
_compiled: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_bare = _compiled | {"_nrt": False}
_inlined = _bare | {"forceinline": True}


@njit(**_compiled)
def add_trees(
    columns, code, is_event, fold_of_row, copy_of, fold, first_tree, stop_tree, seed, sizes, piece_bits, totals
):
    """Add the event shares of trees ``first_tree`` … ``stop_tree`` - 1 of every fold to ``totals`` (distinct rows,
    sizes).

    ``columns`` and ``code`` (p, distinct rows) are values and their ranks, ``copy_of`` (n,) says which distinct row
    each drawable row is and ``fold`` (n,) its fold; ``sizes`` ascend.
    """
    n, n_distinct, p = fold.size, fold_of_row.size, columns.shape[0]
    train = np.empty(n, np.uint32)
    ascending, rank = np.empty((p, n_distinct), np.uint32), np.empty((p, n_distinct), np.uint32)
    packed, value_at, ranked_at = np.empty((p, n_distinct), np.uint64), np.empty((p, n_distinct)), np.zeros(p, np.int64)
    weight = np.zeros(n_distinct, np.uint64)
    # row lists by level of the tree: a node's list outlasts its children, as ranges of sizes may split it in several
    # ways
    rows, held_out = (
        np.empty((n_distinct + 1, n_distinct), np.uint32),
        np.empty((n_distinct + 1, n_distinct), np.uint32),
    )
    reciprocal, bits = _reciprocals(n), np.zeros(n_distinct // 64 + 1, np.uint64)
    n_candidates = np.sqrt(sizes).astype(np.int64)
    n_pending = n_distinct * sizes.size + 2
    pending, keys = np.empty((n_pending, 12), np.int64), np.empty(n_pending, np.uint64)
    taken = np.empty(n_pending, np.uint64)
    order, drawn_at, gains, splits = (
        np.empty(p, np.int64),
        np.zeros(p, np.int64),
        np.empty(p),
        np.empty((p, 3), np.uint64),
    )
    node = 0
    for k in range(fold.max() + 1):
        n_train, n_test = 0, 0
        for i in range(n):
            if fold[i] != k:
                train[n_train] = copy_of[i]
                n_train += 1
        for i in range(n_distinct):
            if fold_of_row[i] == k:
                held_out[0, n_test] = i
                n_test += 1
        if n_train == 0 or n_test == 0:
            continue
        _sort_training_rows(code, fold_of_row, k, ascending)
        for tree in range(first_tree, stop_tree):
            key = tree_key(seed, k, tree)
            n_rows, n_events = _draw_bootstrap(train, n_train, is_event, key, weight, rows)
            node = _grow(
                columns,
                code,
                ascending,
                n_distinct - n_test,
                rank,
                packed,
                value_at,
                ranked_at,
                weight,
                rows,
                n_rows,
                n_train,
                n_events,
                held_out,
                n_test,
                mix(key ^ LEFT),
                sizes,
                n_candidates,
                piece_bits,
                pending,
                keys,
                taken,
                order,
                drawn_at,
                gains,
                splits,
                node,
                bits,
                reciprocal,
                totals,
            )


@njit(**_compiled)
def _reciprocals(n):
    reciprocal = np.zeros(n + 1)
    for i in range(1, n + 1):
        reciprocal[i] = 1.0 / i
    return reciprocal


@njit(**_compiled)
def _sort_training_rows(code, fold_of_row, k, ascending):
    for j in range(code.shape[0]):
        q = 0
        for i in np.argsort(code[j]):
            if fold_of_row[i] != k:
                ascending[j, q] = i
                q += 1


@njit(**_bare)
def _draw_bootstrap(train, n_train, is_event, key, weight, rows):
    """Draw n_train rows with replacement; returns how many distinct rows and how many events (with copies) were
    drawn."""
    weight[:] = 0
    state = key
    for _ in range(n_train):
        state += GOLDEN
        i = train[((mix(state) >> np.uint64(32)) * np.uint64(n_train)) >> np.uint64(32)]
        weight[i] += _ONE | (is_event[i] << _EVENTS)
    n_rows, total = 0, _ZERO
    for i in range(weight.size):
        rows[0, n_rows] = i
        n_rows += weight[i] > 0
        total += weight[i]
    return n_rows, np.int64(total >> _EVENTS)


@njit(**_bare)
def _rank_drawn_rows(j, columns, code, ascending, n_training, weight, rank, packed, value_at):
    """Number the drawn rows by their values of column j, and pack them in this order."""
    m = 0
    for q in range(n_training):
        i = ascending[j, q]
        rank[j, i] = m
        packed[j, m] = weight[i] | (np.uint64(code[j, i]) << _VALUE)
        value_at[j, m] = columns[j, i]
        m += weight[i] > 0


@njit(**_inlined)
def _grow(
    columns,
    code,
    ascending,
    n_training,
    rank,
    packed,
    value_at,
    ranked_at,
    weight,
    rows,
    n_rows,
    n_drawn,
    n_events,
    held_out,
    n_held_out,
    key,
    sizes,
    n_candidates,
    piece_bits,
    pending,
    keys,
    taken,
    order,
    drawn_at,
    gains,
    splits,
    node,
    bits,
    reciprocal,
    totals,
):
    """Grow one tree for all sizes; ``node`` numbers nodes over all trees. Returns the last number given."""
    root, top, level, first, last = node, 0, 0, 0, sizes.size
    # the two children of the split in hand; the root comes as a left child
    middle, stop, out_middle, out_stop, start, out_start = n_rows, n_rows, n_held_out, n_held_out, 0, 0
    n_left, events_left, n_both, events_both, left_key, right_key = n_drawn, n_events, n_drawn, n_events, key, key
    while True:
        for is_right in range(2):
            if is_right:
                a, b, out_a, out_b, key = middle, stop, out_middle, out_stop, right_key
                total, events = n_both - n_left, events_both - events_left
            else:
                a, b, out_a, out_b, total, events, key = (
                    start,
                    middle,
                    out_start,
                    out_middle,
                    n_left,
                    events_left,
                    left_key,
                )
            if out_a == out_b or events == 0:
                continue  # nobody to score, or a score of 0
            if events == total:
                _add(totals, held_out, level, out_a, out_b, first, last, 1.0)
                continue
            node += 1
            top = _split_by_size(
                columns,
                code,
                ascending,
                n_training,
                rank,
                packed,
                value_at,
                ranked_at,
                root,
                weight,
                rows,
                n_rows,
                held_out,
                level,
                a,
                b,
                out_a,
                out_b,
                total,
                events,
                key,
                first,
                last,
                sizes,
                n_candidates,
                piece_bits,
                pending,
                keys,
                taken,
                top,
                order,
                drawn_at,
                gains,
                splits,
                node,
                bits,
                reciprocal,
                totals,
            )
        if top == 0:
            break
        top -= 1
        level, start, stop = pending[top, 0], pending[top, 1], pending[top, 2]
        out_start, out_stop = pending[top, 3], pending[top, 4]
        n_both, events_both, first, last = pending[top, 5], pending[top, 6], pending[top, 7], pending[top, 8]
        column, low, high = pending[top, 9], pending[top, 10], pending[top, 11]
        n_left, events_left = np.int64(taken[top] & _COUNT), np.int64(taken[top] >> _EVENTS)
        left_key, right_key = mix(keys[top] + LEFT), mix(keys[top] + RIGHT)
        threshold = _threshold(value_at, column, low, high)
        out_middle = _partition(columns, column, threshold, held_out, level, out_start, out_stop)
        left_is_grown = out_middle > out_start and 0 < events_left < n_left
        right_is_grown = out_middle < out_stop and 0 < events_both - events_left < n_both - n_left
        middle = start
        if left_is_grown or right_is_grown:
            middle = _partition(rank, column, low, rows, level, start, stop)
        level += 1
    return node


@njit(**_inlined)
def _add(totals, held_out, level, start, stop, first, last, share):
    """Add a leaf's share of events to the held-out rows, for a range of sizes."""
    for q in range(start, stop):
        i = held_out[level, q]
        for s in range(first, last):
            totals[i, s] += share


@njit(**_inlined)
def _threshold(value_at, column, low, high):
    """The midpoint between the values of the rows ranked ``low`` and ``high``."""
    below, above = value_at[column, low], value_at[column, high]
    threshold = 0.5 * below + 0.5 * above
    # a midpoint that rounds up to the higher value would send it left
    return below if threshold >= above else threshold


@njit(**_inlined)
def _partition(columns, column, highest, rows, level, start, stop):
    """Copy a list of rows one level down, those with a value (or a rank) up to ``highest`` first; returns where the
    others begin."""
    left, right = np.uint64(start), np.uint64(stop)
    for q in range(np.uint64(start), np.uint64(stop)):
        i = rows[level, q]
        goes_left = columns[column, i] <= highest
        rows[level + 1, left] = i
        right -= _ONE
        rows[level + 1, right] = i
        left += np.uint64(goes_left)
        right += np.uint64(goes_left)
    return np.int64(left)


@njit(**_inlined)
def _split_by_size(
    columns,
    code,
    ascending,
    n_training,
    rank,
    packed,
    value_at,
    ranked_at,
    root,
    weight,
    rows,
    n_rows,
    held_out,
    level,
    start,
    stop,
    out_start,
    out_stop,
    total,
    events,
    key,
    first,
    last,
    sizes,
    n_candidates,
    piece_bits,
    pending,
    keys,
    taken,
    top,
    order,
    drawn_at,
    gains,
    splits,
    node,
    bits,
    reciprocal,
    totals,
):
    """Split an impure node for the sizes ``first`` … ``last`` - 1; push each range of sizes that split alike.

    ``order`` is the random order of columns as far as it is known, ``gains`` and ``splits`` what their scans found.
    """
    highest, mask, n_per_word = sizes[last - 1], (_ONE << np.uint64(piece_bits)) - _ONE, 64 // piece_bits
    n_order, state, word, n_pieces = 0, key, _ZERO, 0
    pure = events * (total - events) - TIE
    run, run_column, run_position = first, _LEAF, -1
    s = first
    while s <= last:
        column, best_position, changes_at = _LEAF, -1, 0
        if s < last:
            size = sizes[s]
            n_wanted = n_candidates[s]
            # the smallest size for which other columns are drawn
            changes_at = (n_wanted + 1) * (n_wanted + 1)
            n_seen, position, best = 0, 0, -1.0
            while n_seen < size and (n_seen < n_wanted or best < 0):
                if position == n_order:
                    is_new = False
                    while not is_new:
                        if n_pieces == 0:
                            state += GOLDEN
                            word, n_pieces = mix(state), n_per_word
                        column = np.int64(word & mask)
                        word >>= np.uint64(piece_bits)
                        n_pieces -= 1
                        is_new = column < highest and drawn_at[column] != node
                    drawn_at[column] = node
                    order[n_order], gains[n_order] = column, _NOT_SCANNED
                    n_order += 1
                column = order[position]
                if column >= size:
                    changes_at = min(changes_at, column + 1)
                else:
                    n_seen += 1
                    if gains[position] == _NOT_SCANNED:
                        if ranked_at[column] <= root:
                            ranked_at[column] = node
                            _rank_drawn_rows(
                                column, columns, code, ascending, n_training, weight, rank, packed, value_at
                            )
                        if n_rows <= 128:
                            gains[position], splits[position, 0], splits[position, 1], splits[position, 2] = (
                                _scan_two_words(
                                    rank, packed, column, rows, level, start, stop, total, events, reciprocal
                                )
                            )
                        else:
                            gains[position], splits[position, 0], splits[position, 1], splits[position, 2] = _scan(
                                rank,
                                packed,
                                column,
                                rows,
                                level,
                                start,
                                stop,
                                total,
                                events,
                                reciprocal,
                                bits,
                                (n_rows + 63) // 64,
                            )
                    if gains[position] > best + TIE:
                        best, best_position = gains[position], position
                        if best >= pure:
                            n_seen = size  # nothing drawn later can be better
                position += 1
            if best_position < 0:
                changes_at = size + 1
            column = order[best_position] if best_position >= 0 else _LEAF
        if s > run and (s == last or column != run_column):
            if run_column == _LEAF:
                _add(totals, held_out, level, out_start, out_stop, run, s, events / total)
            else:
                pending[top, 0], pending[top, 1], pending[top, 2] = level, start, stop
                pending[top, 3], pending[top, 4] = out_start, out_stop
                pending[top, 5], pending[top, 6], pending[top, 7], pending[top, 8] = total, events, run, s
                pending[top, 9], pending[top, 10], pending[top, 11] = (
                    run_column,
                    splits[run_position, 0],
                    splits[run_position, 1],
                )
                keys[top], taken[top] = key, splits[run_position, 2]
                top += 1
            run = s
        run_column, run_position = column, best_position
        s += 1
        while s < last and sizes[s] < changes_at:
            s += 1
    return top


@njit(**_inlined)
def _scan(rank, packed, j, rows, level, start, stop, total, events, reciprocal, bits, n_words):
    """Best split of a node by column j: a sort by rank in words of bits.

    Maximises (e_left n - n_left e)^2 / (n_left n_right), which is least Gini impurity: that impurity, times the rows,
    is 2 e (n - e) / n less twice this over n, for e events among n rows. Returns it (-1 if the column is constant), the
    ranks on both sides, and the packed counts left. Of ties the lowest split is taken.
    """
    for q in range(np.uint64(start), np.uint64(stop)):
        r = np.uint64(rank[j, rows[level, q]])
        bits[r >> np.uint64(6)] |= _ONE << (r & _LAST_BIT)
    n, e = np.int64(total), np.int64(events)
    best, bar = -1.0, TIE - 1.0
    low, high, left = _ZERO, _ZERO, _ZERO
    cumulative, previous, value = _ZERO, _ZERO, _ZERO
    for w in range(np.uint64(n_words)):
        word = bits[w]
        bits[w] = 0
        while word != 0:
            r = (w << np.uint64(6)) + lowest_bit(word)
            word &= word - _ONE
            here = packed[j, r]
            if here >> _VALUE != value and cumulative > 0:
                n_left = cumulative & _COUNT
                d = np.float64(np.int64(cumulative >> _EVENTS) * n - np.int64(n_left) * e)
                gain = d * d * (reciprocal[n_left] * reciprocal[np.uint64(n) - n_left])
                if gain > bar:
                    best, low, high, left = gain, previous, r, cumulative
                    bar = gain + TIE
            value = here >> _VALUE
            cumulative += here & _COUNTS
            previous = r
    return best, low, high, left


@njit(**_inlined)
def _scan_two_words(rank, packed, j, rows, level, start, stop, total, events, reciprocal):
    """The same for up to 128 ranks: the set of ranks is two words that stay in registers."""
    word, upper_word = _ZERO, _ZERO
    for q in range(np.uint64(start), np.uint64(stop)):
        r = np.uint64(rank[j, rows[level, q]])
        mark, upper = _ONE << (r & _LAST_BIT), _ZERO - (r >> np.uint64(6))
        upper_word |= mark & upper
        word |= mark & ~upper
    n, e = np.int64(total), np.int64(events)
    best, bar = -1.0, TIE - 1.0
    low, high, left = _ZERO, _ZERO, _ZERO
    base = _ZERO
    if word == 0:
        word, upper_word, base = upper_word, _ZERO, _WORD
    previous = base + lowest_bit(word)
    word &= word - _ONE
    here = packed[j, previous]
    value, cumulative = here >> _VALUE, here & _COUNTS
    while np.int64(cumulative & _COUNT) != n:
        is_empty = word == 0
        word, base = (upper_word, _WORD) if is_empty else (word, base)
        r = base + lowest_bit(word)
        word &= word - _ONE
        here = packed[j, r]
        if here >> _VALUE != value:
            n_left = cumulative & _COUNT
            d = np.float64(np.int64(cumulative >> _EVENTS) * n - np.int64(n_left) * e)
            gain = d * d * (reciprocal[n_left] * reciprocal[np.uint64(n) - n_left])
            if gain > bar:
                best, low, high, left = gain, previous, r, cumulative
                bar = gain + TIE
        value = here >> _VALUE
        cumulative += here & _COUNTS
        previous = r
    return best, low, high, left
