"""The compiled part of :mod:`prldh.chain.learners.random_forest`, which defines what is computed: trees that are kept.

Random numbers and the choice of a split are those of :mod:`prldh.chain.selection.forest_kernel`, whose forests are
grown for many sizes at once and forgotten.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from prldh.chain.shared.draws import GOLDEN, LEFT, RIGHT, TIE, lowest_bit, mix, tree_key

_ONE, _LAST_BIT = np.uint64(1), np.uint64(63)
_compiled: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_compiled)
def grow_tree(
    columns, ascending, rank, is_event, seed, number, n_candidates, feature, threshold, left, right, leaf, cover
):
    """Grow tree ``number`` to purity into the last six arguments (2n - 1,); returns how many nodes it has.

    Parameters
    ----------
    columns : (p, n) array
    ascending, rank : (p, n) int arrays
        The rows by their values of each column, and the place of each row in that order.
    is_event : (n,) bool array
    n_candidates : int
        How many columns a node draws.
    feature, left, right, cover : int arrays; threshold, leaf : float arrays
        Node 0 is the root, and children come after their parents. A leaf has feature -1, and ``leaf`` is its share of
        events; ``cover`` counts drawn rows.
    """
    n, p = is_event.size, columns.shape[0]
    key = tree_key(seed, 0, number)
    weight = np.zeros(n, np.int64)
    state = key
    for _ in range(n):
        state += GOLDEN
        weight[((mix(state) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32)] += 1
    rows = np.flatnonzero(weight)
    starts, stops = np.empty(2 * n, np.int64), np.empty(2 * n, np.int64)
    keys, drawn_at = np.empty(2 * n, np.uint64), np.full(p, -1, np.int64)
    bits, n_nodes, node = np.zeros(n // 64 + 1, np.uint64), 1, 0
    starts[0], stops[0], keys[0] = 0, rows.size, mix(key ^ LEFT)
    while node < n_nodes:
        start, stop = starts[node], stops[node]
        total, events = 0, 0
        for q in range(start, stop):
            total += weight[rows[q]]
            events += weight[rows[q]] * is_event[rows[q]]
        feature[node], left[node], right[node], threshold[node] = -1, 0, 0, 0.0
        cover[node], leaf[node] = total, events / total
        if 0 < events < total:
            column, low, high = _best_split(
                columns,
                ascending,
                rank,
                is_event,
                weight,
                rows[start:stop],
                total,
                events,
                keys[node],
                n_candidates,
                drawn_at,
                node,
                bits,
            )
            if column >= 0:
                middle = 0.5 * low + 0.5 * high
                # a midpoint that rounds up to the higher value would send it left
                middle = low if middle >= high else middle
                parting = _partition(columns[column], middle, rows, start, stop)
                feature[node], threshold[node], leaf[node] = column, middle, 0.0
                left[node], right[node] = n_nodes, n_nodes + 1
                starts[n_nodes], stops[n_nodes], keys[n_nodes] = start, parting, mix(keys[node] + LEFT)
                starts[n_nodes + 1], stops[n_nodes + 1] = parting, stop
                keys[n_nodes + 1] = mix(keys[node] + RIGHT)
                n_nodes += 2
        node += 1
    return n_nodes


@njit(**_compiled)
def _partition(column, middle, rows, start, stop):
    """Rows with a value up to ``middle`` first; returns where the others begin."""
    parting = start
    for q in range(start, stop):
        i = rows[q]
        if column[i] <= middle:
            rows[q], rows[parting] = rows[parting], i
            parting += 1
    return parting


@njit(**_compiled)
def _best_split(
    columns, ascending, rank, is_event, weight, rows, total, events, key, n_candidates, drawn_at, node, bits
):
    """The column of the best split of a node and the values on both sides of it; column -1 where none varies."""
    p = columns.shape[0]
    piece_bits = 1
    while (1 << piece_bits) < p:
        piece_bits += 1
    mask, n_per_word = (_ONE << np.uint64(piece_bits)) - _ONE, 64 // piece_bits
    state, word, n_pieces = key, np.uint64(0), 0
    best_column, best, best_low, best_high = -1, -1.0, 0.0, 0.0
    pure = events * (total - events) - TIE
    n_seen = 0
    while n_seen < p and (n_seen < n_candidates or best < 0) and best < pure:
        if n_pieces == 0:
            state += GOLDEN
            word, n_pieces = mix(state), n_per_word
        column = np.int64(word & mask)
        word >>= np.uint64(piece_bits)
        n_pieces -= 1
        if column >= p or drawn_at[column] == node:
            continue
        drawn_at[column] = node
        n_seen += 1
        gain, low, high = _scan(
            columns[column], ascending[column], rank[column], is_event, weight, rows, total, events, bits
        )
        if gain > best + TIE:
            best_column, best, best_low, best_high = column, gain, low, high
    return best_column, best_low, best_high


@njit(**_compiled)
def _scan(column, ascending, rank, is_event, weight, rows, total, events, bits):
    """Best split of a node by a column: the rows are sorted by setting a bit at the rank of each.

    Maximises (e_left n - n_left e)^2 / (n_left n_right), which is least Gini impurity. Returns it (-1 if the column is
    constant) and the values on both sides; of ties the lowest split.
    """
    for i in rows:
        r = np.uint64(rank[i])
        bits[r >> np.uint64(6)] |= _ONE << (r & _LAST_BIT)
    best, low, high = -1.0, 0.0, 0.0
    n_left, events_left, previous = 0, 0, 0.0
    for w in range(bits.size):
        word = bits[w]
        bits[w] = 0
        while word != 0:
            i = ascending[(np.uint64(w) << np.uint64(6)) + lowest_bit(word)]
            word &= word - _ONE
            value = column[i]
            if n_left > 0 and value != previous:
                d = np.float64(events_left * total - n_left * events)
                gain = d * d / (np.float64(n_left) * np.float64(total - n_left))
                if gain > best + TIE:
                    best, low, high = gain, previous, value
            n_left += weight[i]
            events_left += weight[i] * is_event[i]
            previous = value
    return best, low, high
