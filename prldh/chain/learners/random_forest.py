"""Random forests, whose trees are kept as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from prldh.chain.learners.forest_kernel import grow_tree
from prldh.chain.learners.shared import in_own_order, log_odds_of, seed_word
from prldh.chain.learners.trees import PARTS, Trees
from prldh.core import REFERENCES, Kind, Reference, StepRun, TrainingRows, take_columns
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings

PROBST = Reference(
    "probst2019",
    "Probst, Philipp and Wright, Marvin N. and Boulesteix, Anne-Laure",
    "Hyperparameters and tuning strategies for random forest",
    "WIREs Data Mining and Knowledge Discovery",
    2019,
    "9",
    "e1301",
    "10.1002/widm.1301",
)


class RandomForestSettings(LearnerSettings):
    trees: int = Field(500, ge=1, le=100_000, description="how many trees are grown")


@dataclass(frozen=True)
class ForestScore:
    """A forest's score: log odds of (sum of the trees' votes + ½) / (trees + 1). A tree votes with the share of events
    among the training rows of the leaf that a row falls into."""

    names: tuple[str, ...]
    trees: Trees
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    kind: ClassVar[Kind] = "scores"
    outputs: ClassVar[tuple[str, ...]] = ()

    @property
    def state(self) -> dict[str, Any]:
        return {"names": list(self.names), "trees": self.trees.state}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ForestScore:
        names = tuple(state["names"])
        return cls(names, Trees.from_state(state["trees"], len(names)))

    def log_odds(self, values: np.ndarray) -> np.ndarray:
        """The score (n,) of rows (n, k) whose columns are ``names`` in their order."""
        return self._log_odds_of(self.trees.sums(values))

    def permuting(self, values: np.ndarray) -> Callable[[int, np.ndarray], np.ndarray]:
        """The score (r, n) of these rows with other values (r, n) of column j, as a function of j and these."""
        sums = self.trees.permuting(values)
        return lambda j, other: self._log_odds_of(sums(j, other))

    def _log_odds_of(self, votes: np.ndarray) -> np.ndarray:
        return log_odds_of((votes + 0.5) / (self.trees.root.size + 1))

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.log_odds(take_columns(values, names, self.names))


class RandomForestLearner:
    """A random forest of trees that are grown to purity.

    A tree draws as many training rows as there are, with replacement; rows stand in the order of their patients, and
    copies of a patient are drawn as rows of their own. A node draws floor(sqrt(p)) of the p columns that vary, which
    stand in the order of their names, and visits on until one varies in the node. Of all midpoints between neighbouring
    values it takes the one of least Gini impurity, the first visited and lowest of ties; values up to the midpoint go
    left. The probability is (sum of votes + ½) / (trees + 1), so that it is never 0 or 1.

    Notes
    -----
    Breiman L (2001) Machine Learning 45:5-32, with his number of candidates for classification; 500 trees, no tuning:
    Probst P, Wright MN, Boulesteix AL (2019) WIREs Data Min Knowl Discov 9:e1301. R: ``randomForest::randomForest`` and
    ``ranger::ranger`` draw other numbers, so that they agree within simulation error. Random numbers have a key for
    seed, tree and node, as :mod:`prldh.chain.selection.forest` says.
    """

    name = "random_forest"
    version = "1"
    gives: Literal["scores"] = "scores"
    Settings = RandomForestSettings
    label = "random forest"
    references = (REFERENCES["breiman2001"], PROBST)
    memorises = True

    def fit(
        self, rows: TrainingRows, settings: RandomForestSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> ForestScore:
        rows = in_own_order(rows)
        trees = grow_forest(rows.values, rows.outcome, settings.trees, seed_word(seed))
        used = trees.used
        n_candidates = math.isqrt(len(rows.names))
        details = {"trees": settings.trees, "candidates": n_candidates, "nodes": int(trees.feature.size)}
        return ForestScore(tuple(rows.names[j] for j in used), trees.of_features(used), details)

    def from_state(self, state: Mapping[str, Any]) -> ForestScore:
        return ForestScore.from_state(state)

    def methods(self, run: StepRun) -> str:
        return "a random forest of {trees} trees grown to purity [@breiman2001; @probst2019]"


def grow_forest(values: np.ndarray, outcome: np.ndarray, n_trees: int, seed: int) -> Trees:
    """Trees grown on rows (n, p) with this outcome (n,) 0/1; ``seed`` is 0 … 2^64 - 1."""
    columns = np.ascontiguousarray(np.asarray(values, dtype=np.float64).T)
    ascending = np.argsort(columns, axis=1, kind="stable").astype(np.int32)
    rank = np.empty_like(ascending)
    np.put_along_axis(rank, ascending, np.arange(columns.shape[1], dtype=np.int32)[None, :], axis=1)
    n_nodes = 2 * columns.shape[1]
    whole = [np.empty(n_nodes, dtype=np.int64) for _ in range(4)]
    numbers = [np.empty(n_nodes) for _ in range(2)]
    (feature, left, right, cover), (threshold, leaf) = whole, numbers
    room = {"feature": feature, "threshold": threshold, "left": left, "right": right, "leaf": leaf, "cover": cover}
    is_event, candidates = np.asarray(outcome) == 1, math.isqrt(columns.shape[0])
    trees = []
    for number in range(n_trees):
        n = grow_tree(
            columns,
            ascending,
            rank,
            is_event,
            np.uint64(seed),
            number,
            candidates,
            feature,
            threshold,
            left,
            right,
            leaf,
            cover,
        )
        trees.append({part: room[part][:n].copy() for part in PARTS})
    return Trees.of(trees)
