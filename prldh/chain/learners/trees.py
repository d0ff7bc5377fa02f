"""Decision trees as plain arrays: what forests and boosting keep, apply, and write as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numba import njit


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees one after the other.

    A row goes left where its value of ``feature`` is at most ``threshold``. ``root`` (trees,) is where each tree
    begins; the others (nodes,) are by node. A leaf has feature -1 and no children (0). ``leaf`` is the value of a leaf,
    and ``cover`` how many training rows, copies among them, came to the node.
    """

    root: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    leaf: np.ndarray
    cover: np.ndarray

    @classmethod
    def of(cls, trees: Iterable[Mapping[str, np.ndarray]]) -> Trees:
        """Trees of their parts; each has its nodes numbered from 0, its root."""
        parts = list(trees)
        if not parts:
            return NO_TREES
        sizes = np.array([len(part["feature"]) for part in parts])
        root = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        joined = {key: np.concatenate([part[key] for part in parts]) for key in PARTS}
        inner = joined["feature"] >= 0
        for side in ("left", "right"):
            joined[side] = np.where(inner, joined[side] + np.repeat(root, sizes), 0)
        return cls(root, **joined)

    @property
    def used(self) -> np.ndarray:
        """The features that some split uses, ascending."""
        return np.unique(self.feature[self.feature >= 0])

    def of_features(self, used: np.ndarray) -> Trees:
        """The same with features numbered by their places among ``used`` (k,), which ascend."""
        place = np.where(self.feature >= 0, np.searchsorted(used, self.feature), -1)
        return Trees(self.root, place, self.threshold, self.left, self.right, self.leaf, self.cover)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum over trees (n,) of the leaves that rows (n, k) fall into; NaN where a value is missing."""
        values = np.ascontiguousarray(values, dtype=np.float64)
        sums = _sums(values, self.root, self.feature, self.threshold, self.left, self.right, self.leaf)
        return np.where(np.isnan(values).any(axis=1), np.nan, sums)

    def permuting(self, values: np.ndarray) -> Callable[[int, np.ndarray], np.ndarray]:
        """What gives, bit for bit, the sums (r, n) of rows (n, k) whose column j has other values, r times (r, n): only
        the trees that use the column are gone through again."""
        values = np.ascontiguousarray(values, dtype=np.float64)
        tree_of = np.searchsorted(self.root, np.arange(self.feature.size), side="right") - 1
        uses = np.zeros((values.shape[1], self.root.size), dtype=np.bool_)
        inner = self.feature >= 0
        uses[self.feature[inner], tree_of[inner]] = True
        by_tree = _by_tree(values, self.root, self.feature, self.threshold, self.left, self.right, self.leaf)
        missing = np.isnan(values)
        n_missing = missing.sum(axis=1)

        def sums(j: int, other: np.ndarray) -> np.ndarray:
            found = _sums_of_column(
                values, by_tree, uses[j], j, np.ascontiguousarray(other, dtype=np.float64),
                self.root, self.feature, self.threshold, self.left, self.right, self.leaf,
            )  # fmt: skip
            return np.where((n_missing - missing[:, j] > 0) | np.isnan(other), np.nan, found)

        return sums

    @property
    def state(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name).tolist() for field in fields(self)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], n_features: int) -> Trees:
        """The same again.

        Raises
        ------
        ValueError
            If it is damaged: lists of different lengths, a feature that there is not, or a child before its parent,
            by which a row would go round for ever.
        """
        whole = {key: np.array(state[key], dtype=np.int64) for key in ("root", "feature", "left", "right", "cover")}
        numbers = {key: np.array(state[key], dtype=np.float64) for key in ("threshold", "leaf")}
        trees = cls(**whole, **numbers)
        n = trees.feature.size
        if any(len(getattr(trees, key)) != n for key in PARTS):
            raise ValueError("its lists of nodes differ in length")
        if trees.root.size and not (0 <= trees.root.min() and trees.root.max() < n):
            raise ValueError("a tree begins where there is no node")
        if n and not (-1 <= trees.feature.min() and trees.feature.max() < n_features):
            raise ValueError(f"a split is by a feature that is none of its {n_features}")
        inner = np.flatnonzero(trees.feature >= 0)
        for child in (trees.left[inner], trees.right[inner]):
            if not ((child > inner) & (child < n)).all():
                raise ValueError("a node's child does not come after it")
        return trees


_NONE, _NO_NUMBERS = np.zeros(0, dtype=np.int64), np.zeros(0)
NO_TREES = Trees(_NONE, _NONE, _NO_NUMBERS, _NONE, _NONE, _NO_NUMBERS, _NONE)

#: What there is of each node.
PARTS = ("feature", "threshold", "left", "right", "leaf", "cover")


@njit(cache=True, nogil=True)
def _leaf_of(
    row: np.ndarray,
    node: int,
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
) -> int:
    """The leaf that a row (k,) falls into from a node on."""
    while feature[node] >= 0:
        node = left[node] if row[feature[node]] <= threshold[node] else right[node]
    return node


@njit(cache=True, nogil=True)
def _sums(
    values: np.ndarray,
    root: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    leaf: np.ndarray,
) -> np.ndarray:
    sums = np.zeros(values.shape[0])
    for i in range(values.shape[0]):
        for start in root:
            sums[i] += leaf[_leaf_of(values[i], start, feature, threshold, left, right)]
    return sums


@njit(cache=True, nogil=True)
def _by_tree(
    values: np.ndarray,
    root: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    leaf: np.ndarray,
) -> np.ndarray:
    """The leaf (n, trees) that each row falls into in each tree."""
    found = np.empty((values.shape[0], root.size))
    for i in range(values.shape[0]):
        for t in range(root.size):
            found[i, t] = leaf[_leaf_of(values[i], root[t], feature, threshold, left, right)]
    return found


@njit(cache=True, nogil=True)
def _sums_of_column(
    values: np.ndarray,
    by_tree: np.ndarray,
    uses: np.ndarray,
    column: int,
    other: np.ndarray,
    root: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    leaf: np.ndarray,
) -> np.ndarray:
    sums = np.zeros(other.shape)
    for r in range(other.shape[0]):
        for i in range(other.shape[1]):
            for t in range(root.size):
                if not uses[t]:
                    sums[r, i] += by_tree[i, t]
                    continue
                node = root[t]
                while feature[node] >= 0:
                    value = other[r, i] if feature[node] == column else values[i, feature[node]]
                    node = left[node] if value <= threshold[node] else right[node]
                sums[r, i] += leaf[node]
    return sums
