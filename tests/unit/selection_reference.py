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
                for part in (k, number):
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
    best, split, n_seen = None, None, 0
    for column in visits(values.shape[1], size, key):
        if n_seen >= math.isqrt(size) and split is not None:
            break
        n_seen += 1
        levels = sorted({float(values[i, column]) for i in rows})
        for low, high in zip(levels[:-1], levels[1:], strict=True):
            left = [int(outcome[i]) for i in rows if values[i, column] <= low]
            right = [int(outcome[i]) for i in rows if values[i, column] > low]
            impurity = sum(
                Fraction(2 * sum(side) * (len(side) - sum(side)), len(side) * len(rows)) for side in (left, right)
            )
            if best is None or impurity < best:
                best, split = impurity, (column, 0.5 * low + 0.5 * high)
    return split


def visits(p, size, key):
    """The first ``size`` columns of p in random order: pieces of random words name them."""
    bits, seen = max(1, (p - 1).bit_length()), set()
    while len(seen) < size:
        key = (key + GOLDEN) & WORD
        word = mix(key)
        for _ in range(64 // bits):
            column, word = word % 2**bits, word >> bits
            if column < size and column not in seen:
                seen.add(column)
                yield column


def descend(tree, row):
    while isinstance(tree, tuple):
        column, threshold, left, right = tree
        tree = left if row[column] <= threshold else right
    return tree


def reference_icc(first, second):
    """ICC(2,1) of one feature by two readers, from the sums of squares of a two-way table."""
    table = [(float(a), float(b)) for a, b in zip(first, second, strict=True)]
    n, total = len(table), sum(a + b for a, b in table)
    grand = total / (2 * n)
    rows = sum(2 * ((a + b) / 2 - grand) ** 2 for a, b in table) / (n - 1)
    columns = sum(n * (sum(pair[k] for pair in table) / n - grand) ** 2 for k in (0, 1))
    everything = sum((v - grand) ** 2 for pair in table for v in pair)
    rest = (everything - (n - 1) * rows - columns) / (n - 1)
    if everything == 0:
        return math.nan
    return (rows - rest) / (rows + rest + 2 * (columns - rest) / n)


def reference_folds(outcome, patient, n_folds, seed):
    """Patients dealt to folds class by class; the second class begins where the first left the folds smaller."""
    generator = np.random.default_rng(seed)
    class_of = {}
    for y, one in zip(outcome, patient, strict=True):
        assert class_of.setdefault(int(one), int(y)) == int(y)
    n_folds = min(n_folds, len(class_of))
    size, fold_of = [0] * n_folds, {}
    for label in (0, 1):
        members = sorted(one for one, y in class_of.items() if y == label)
        order = sorted(generator.permutation(n_folds).tolist(), key=lambda k: size[k])
        for position, one in enumerate(generator.permutation(members).tolist()):
            fold_of[one] = order[position % n_folds]
            size[order[position % n_folds]] += 1
    return np.array([fold_of[int(one)] for one in patient])


def reference_auc(score, event):
    pairs = [
        (a > b) + 0.5 * (a == b)
        for a, e in zip(score, event, strict=True)
        if e
        for b, f in zip(score, event, strict=True)
        if not f
    ]
    return sum(pairs) / len(pairs)


def reference_size(values, outcome, fold, n_trees, seed, sizes, rule="argmax"):
    """Mean AUC by size, and the size that is chosen."""
    scores = reference_forest(values, outcome, fold, n_trees, seed, sizes)
    folds = [k for k in range(max(fold) + 1) if len({int(y) for y in outcome[fold == k]}) == 2]
    table = [[reference_auc(row[fold == k], outcome[fold == k] == 1) for k in folds] for row in scores]
    mean = [sum(row) / len(row) for row in table]
    best = next(s for s, m in enumerate(mean) if m >= max(mean) - 1e-10)
    error = np.std(table[best], ddof=1) / math.sqrt(len(folds)) if rule == "one_se" and len(folds) > 1 else 0.0
    return mean, next(size for size, m in zip(sizes, mean, strict=True) if m >= mean[best] - error - 1e-10)


def reference_svm_rfe(standardised, outcome, cost):
    """scikit-learn's SVC refitted after every elimination; columns, best first, and whether the smallest squared
    weights ever tied."""
    from sklearn.svm import SVC

    left, gone, tied = list(range(standardised.shape[1])), [], False
    while len(left) > 1:
        square = SVC(kernel="linear", C=cost).fit(standardised[:, left], outcome).coef_[0] ** 2
        least = [j for j, s in zip(left, square, strict=True) if s <= square.min() + 1e-10 * square.max()]
        tied = tied or len(least) > 1
        gone.append(least[-1])
        left.remove(least[-1])
    return [*left, *reversed(gone)], tied


def reference_accuracy(values, outcome, ranking, fold, cost):
    """Accuracy (folds, sizes) of the best 1, 2, … columns, by scikit-learn's machine on the same standardised input to
    the last bit.

    StandardScaler differs from it in the 15th digit. As libsvm stops at a tolerance of 0.001, that alone can move a
    decision by 0.01, and a patient on the boundary to the other side (of Dong 2022, every 15th column, the best 44,
    fold 0: -0.00016 against 0.00011).
    """
    from sklearn.svm import SVC

    found, ranked = [], values[:, ranking]
    for k in range(max(fold) + 1):
        train, test = ranked[fold != k], ranked[fold == k]
        least = train.min(axis=0)  # taken off first: less is lost to rounding
        mean, scale = (train - least).mean(axis=0), np.where(np.ptp(train, axis=0) > 0, (train - least).std(axis=0), 1)
        train, test = (train - least - mean) / scale, (test - (least + mean)) / scale
        machines = [
            SVC(kernel="linear", C=cost).fit(train[:, :size], outcome[fold != k]) for size in range(1, len(ranking) + 1)
        ]
        found.append([machine.score(test[:, : size + 1], outcome[fold == k]) for size, machine in enumerate(machines)])
    return np.array(found)


def reference_combination(lasso, svm, combine):
    if combine == "svm_rfe" or not lasso:
        return set(svm)
    if combine == "lasso":
        return set(lasso)
    if combine == "union":
        return set(lasso) | set(svm)
    return (set(lasso) & set(svm)) or set(lasso)


def reference_logistic(values, outcome):
    """Maximum-likelihood coefficients, intercept first, by Newton's method."""
    x, b = np.column_stack([np.ones(len(values)), values]), np.zeros(values.shape[1] + 1)
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ b))
        b = b + np.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]), x.T @ (outcome - p))
    return b


def reference_youden(score, outcome):
    """The lowest of the cutoffs halfway between scores that maximise sensitivity + specificity - 1, high being
    above."""
    levels = sorted(set(score.tolist()))
    cuts = [-math.inf, *(0.5 * (a + b) for a, b in zip(levels[:-1], levels[1:], strict=True)), math.inf]
    index = [np.mean(score[outcome == 1] > c) + np.mean(score[outcome == 0] <= c) - 1 for c in cuts]
    return next(c for c, j in zip(cuts, index, strict=True) if j >= max(index) - 1e-12)
