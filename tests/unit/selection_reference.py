"""Plain, slow implementations that the fast ones must equal. They share no code with them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

WORD = 2**64 - 1
GOLDEN, LEFT, RIGHT = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F


def reference_mrmr(values, outcome, n_features):
    """Relevance minus mean redundancy, one np.corrcoef at a time."""

    def information(a, b):
        r = np.corrcoef(a, b)[0, 1]
        return -0.5 * math.log(1 - min(r * r, 1 - 1e-12))

    candidates = [j for j in range(values.shape[1]) if len(set(values[:, j])) > 1]
    relevance = {j: information(values[:, j], outcome) for j in candidates}
    redundancy = dict.fromkeys(candidates, 0.0)
    order = []
    while candidates and len(order) < n_features:
        score = {j: relevance[j] - redundancy[j] / max(len(order), 1) for j in candidates}
        best = min(j for j in candidates if score[j] >= max(score.values()) - 1e-10)
        order.append(best)
        candidates.remove(best)
        for j in candidates:
            redundancy[j] += information(values[:, j], values[:, best])
    return order


def reference_filter(values, outcome, between, limit):
    """Visit by |r| with the outcome; drop what correlates with something kept."""
    r = [abs(np.corrcoef(values[:, j], outcome)[0, 1]) for j in range(values.shape[1])]
    kept = []
    for j in sorted(range(len(r)), key=lambda j: (-round(r[j], 10), j)):
        if r[j] < limit - 1e-10:
            continue
        if all(abs(np.corrcoef(values[:, j], values[:, i])[0, 1]) <= between + 1e-10 for i in kept):
            kept.append(j)
    return sorted(kept)


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def below(state, bound):
    """The state moved on, and a number 0 … bound-1."""
    state = (state + GOLDEN) & WORD
    return state, ((mix(state) >> 32) * bound) >> 32


def reference_forest(values, outcome, fold, n_trees, seed, sizes):
    """Whole trees, grown recursively, with exact fractions for the Gini gain."""
    scores = np.zeros((len(sizes), len(outcome)))
    for s, size in enumerate(sizes):
        for k in range(max(fold) + 1):
            train = [i for i in range(len(fold)) if fold[i] != k]
            for number in range(n_trees):
                key = mix((seed + GOLDEN) & WORD)
                for part in (size, k, number):
                    key = mix(((key ^ part) + GOLDEN) & WORD)
                state, drawn = key, []
                for _ in train:
                    state, position = below(state, len(train))
                    drawn.append(train[position])
                tree = grow(values, outcome, drawn, size, mix(key ^ LEFT))
                for i in range(len(fold)):
                    if fold[i] == k:
                        scores[s, i] += descend(tree, values[i])
    return scores / n_trees


def grow(values, outcome, rows, size, key):
    """A leaf's share of events, or (column, threshold, left, right)."""
    events = sum(int(outcome[i]) for i in rows)
    split = best_split(values, outcome, rows, size, key) if 0 < events < len(rows) else None
    if split is None:
        return events / len(rows)
    column, threshold = split
    left = [i for i in rows if values[i, column] <= threshold]
    right = [i for i in rows if values[i, column] > threshold]
    return (
        column,
        threshold,
        grow(values, outcome, left, size, mix((key + LEFT) & WORD)),
        grow(values, outcome, right, size, mix((key + RIGHT) & WORD)),
    )


def best_split(values, outcome, rows, size, key):
    best, split, state, columns, n_seen = None, None, key, list(range(size)), 0
    while n_seen < size and (n_seen < max(1, math.isqrt(size)) or split is None):
        state, step = below(state, size - n_seen)
        columns[n_seen], columns[n_seen + step] = columns[n_seen + step], columns[n_seen]
        column = columns[n_seen]
        n_seen += 1
        levels = sorted({float(values[i, column]) for i in rows})
        for low, high in zip(levels[:-1], levels[1:], strict=True):
            left = [int(outcome[i]) for i in rows if values[i, column] <= low]
            right = [int(outcome[i]) for i in rows if values[i, column] > low]
            impurity = sum(Fraction(2 * sum(side) * (len(side) - sum(side)), len(side) * len(rows)) for side in (left, right))
            if best is None or impurity < best:
                best, split = impurity, (column, 0.5 * low + 0.5 * high)
    return split


def descend(tree, row):
    while isinstance(tree, tuple):
        column, threshold, left, right = tree
        tree = left if row[column] <= threshold else right
    return tree
