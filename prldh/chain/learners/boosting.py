"""Boosted trees: scikit-learn's stochastic gradient boosting, kept as plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from prldh.chain.learners.shared import in_own_order, seed_word
from prldh.chain.learners.trees import Trees
from prldh.chain.shared import child_of, inner_folds, stratified_folds
from prldh.core import Kind, Reference, StepRun, TrainingRows, bounds, take_columns
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings

REFERENCES_OF_BOOSTING = (
    Reference(
        "friedman2001",
        "Friedman, Jerome H.",
        "Greedy function approximation: a gradient boosting machine",
        "The Annals of Statistics",
        2001,
        "29",
        "1189--1232",
        "10.1214/aos/1013203451",
    ),
    Reference(
        "friedman2002",
        "Friedman, Jerome H.",
        "Stochastic gradient boosting",
        "Computational Statistics & Data Analysis",
        2002,
        "38",
        "367--378",
        "10.1016/S0167-9473(01)00065-2",
    ),
)

#: Trees where no inner folds can choose: scikit-learn's default.
WITHOUT_FOLDS = 100
#: Inner folds grow so many trees at a time, and no more once the least deviance lies further back than PATIENCE.
BLOCK, PATIENCE = 50, 50


class BoostingSettings(LearnerSettings):
    trees: int = Field(300, ge=1, le=20_000, description="at most; inner folds choose how many")
    learning_rate: float = Field(
        0.05, gt=0, le=1, description="how much of each tree's step is taken: smaller needs more trees"
    )
    leaves: int = Field(6, ge=2, le=1000, description="of a tree")
    subsample: float = Field(0.5, gt=0, le=1, description="the share of rows that a tree is grown on")
    columns: float = Field(
        0.333,
        gt=0,
        le=1,
        description="the share of columns drawn at each node: a third, as forests of regression trees draw",
    )
    smallest_leaf: int = Field(
        10,
        ge=1,
        le=100_000,
        description="the fewest rows in a leaf, or a quarter of the rows that a tree is grown on where these are fewer",
        json_schema_extra={"unit": "rows"},
    )
    folds: int = Field(
        5,
        ge=2,
        le=bounds.FOLDS,
        description="inner folds, dealt by patient, that choose the number of trees",
        json_schema_extra={"unit": "folds"},
    )


@dataclass(frozen=True)
class BoostedScore:
    """A boosted score: log odds of the outcome among the training rows and the sum of the trees' leaves."""

    names: tuple[str, ...]
    base: float
    trees: Trees
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    kind: ClassVar[Kind] = "scores"
    outputs: ClassVar[tuple[str, ...]] = ()

    @property
    def state(self) -> dict[str, Any]:
        return {"names": list(self.names), "base": self.base, "trees": self.trees.state}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> BoostedScore:
        names = tuple(state["names"])
        return cls(names, float(state["base"]), Trees.from_state(state["trees"], len(names)))

    def log_odds(self, values: np.ndarray) -> np.ndarray:
        """The score (n,) of rows (n, k) whose columns are ``names`` in their order."""
        return self.base + self.trees.sums(values)

    def permuting(self, values: np.ndarray) -> Callable[[int, np.ndarray], np.ndarray]:
        """The score (r, n) of these rows with other values (r, n) of column j, as a function of j and these."""
        sums = self.trees.permuting(values)
        return lambda j, other: self.base + sums(j, other)

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.log_odds(take_columns(values, names, self.names))


class BoostingLearner:
    """Stochastic gradient boosting of the binomial deviance, by scikit-learn's ``GradientBoostingClassifier``.

    Trees of 6 leaves with at least 10 rows each, grown on half of the rows, a third of the columns drawn at each node,
    shrunk by 0.05. Where a quarter of the rows that a tree is grown on is fewer than 10, a leaf may have so few.
    How many trees there are, up to 300, is where the deviance of held-out rows in five inner folds is least, the fewest
    of ties; the folds grow no more once that lies 50 trees back. Trees are grown on the columns' ranks, and a split
    lies midway between the neighbouring values of the training rows that it parts, so that values of any size will do.

    Notes
    -----
    Friedman JH (2001) Ann Stat 29:1189-1232 (algorithm; shrinkage of 0.1 or less); Friedman JH (2002) Comput Stat Data
    Anal 38:367-378 (half of the rows); Hastie T, Tibshirani R, Friedman J (2009) The elements of statistical learning,
    2nd ed., section 10.11 (4 to 8 leaves, about 6), and section 15.3 (a third of the columns where trees are of
    regression, as boosted ones are). R: ``gbm::gbm(distribution = "bernoulli")``, whose defaults are
    half of the rows and at least 10 in a leaf, draws other numbers.
    Why scikit-learn's and not another's: ``docs/learners.md``.
    """

    name = "boosting"
    version = "1"
    gives: Literal["scores"] = "scores"
    Settings = BoostingSettings
    label = "boosted trees"
    references = REFERENCES_OF_BOOSTING
    memorises = True

    def fit(
        self, rows: TrainingRows, settings: BoostingSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> BoostedScore:
        rows = in_own_order(rows)
        base, details = _base(rows.outcome), {"folds": None, "trees": 0}
        if not rows.names or rows.outcome.min() == rows.outcome.max():
            why = "one class among the training rows" if rows.names else "no feature varies among the training rows"
            return BoostedScore((), base, Trees.of([]), details, (f"{why}: everyone gets the same score",))
        codes, ranked = rank_codes(rows.values)
        n_trees, curve, warnings = _choose_number(codes, rows, settings, child_of(seed, 0))
        machine = _machine(settings, n_trees, len(codes), child_of(seed, 1))
        _fit_to(machine, n_trees, codes, rows.outcome)
        trees = Trees.of(_of_regressor(tree.tree_, settings.learning_rate, ranked) for (tree,) in machine.estimators_)
        used = trees.used
        details = {"trees": n_trees, "most_trees": settings.trees, **curve}
        return BoostedScore(tuple(rows.names[j] for j in used), base, trees.of_features(used), details, warnings)

    def from_state(self, state: Mapping[str, Any]) -> BoostedScore:
        return BoostedScore.from_state(state)

    def methods(self, run: StepRun) -> str:
        return (
            "stochastic gradient boosting [@friedman2001; @friedman2002] of trees with {leaves} leaves of at least"
            " {smallest_leaf} rows (or a quarter of the rows drawn, where these are fewer), each grown on a"
            " share of {subsample} of the rows, a share of {columns} of the columns drawn at each node, and shrunk by"
            " {learning_rate}, their number (at most {trees}) chosen by"
            " the deviance in {folds} inner folds"
        )


def _base(outcome: np.ndarray) -> float:
    """The log odds of the event among rows (n,) of both outcomes, or half a row more on either side."""
    events = float(outcome.sum())
    others = outcome.size - events
    more = 0.0 if events and others else 0.5
    return float(np.log(events + more) - np.log(others + more))


def rank_codes(values: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The rank (n, p) of each value among the distinct ones of its column, 0 for the least, and these by column."""
    order = np.argsort(values, axis=0, kind="stable")
    ascending = np.take_along_axis(values, order, axis=0)
    is_new = np.zeros(values.shape, dtype=bool)
    is_new[0] = True
    is_new[1:] = ascending[1:] != ascending[:-1]
    codes = np.empty(values.shape, dtype=np.float32)
    np.put_along_axis(codes, order, (np.cumsum(is_new, axis=0) - 1).astype(np.float32), axis=0)
    return codes, [ascending[is_new[:, j], j] for j in range(values.shape[1])]


def _machine(settings: BoostingSettings, n_trees: int, n_rows: int, seed: np.random.SeedSequence) -> Any:
    """scikit-learn's, for so many training rows."""
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(
        n_estimators=n_trees,
        learning_rate=settings.learning_rate,
        subsample=settings.subsample,
        max_leaf_nodes=settings.leaves,
        max_depth=None,
        min_samples_leaf=max(1, min(settings.smallest_leaf, int(settings.subsample * n_rows) // 4)),
        max_features=float(settings.columns),
        random_state=seed_word(seed) >> 32,
        warm_start=True,
    )


def _fit_to(machine: Any, n_trees: int, codes: np.ndarray, outcome: np.ndarray) -> None:
    """Grow trees until there are so many."""
    from sklearn import config_context

    # the codes are finite and the settings ours: checking them costs half of the time
    with config_context(assume_finite=True, skip_parameter_validation=True):
        machine.set_params(n_estimators=n_trees).fit(codes, outcome)


def _choose_number(
    codes: np.ndarray, rows: TrainingRows, settings: BoostingSettings, seed: np.random.SeedSequence
) -> tuple[int, dict[str, Any], tuple[str, ...]]:
    """How many trees, the curve that says so for the report, and warnings."""
    n_folds, warnings = inner_folds(rows, settings.folds)
    if n_folds is None:
        n_trees = min(WITHOUT_FOLDS, settings.trees)
        return n_trees, {"folds": None}, (*warnings, f"{n_trees} trees are taken, as no inner folds can choose")
    fold = stratified_folds(rows.outcome, n_folds, child_of(seed, 0), rows.patient)
    counts = [int((fold != k).sum()) for k in range(n_folds)]
    machines = [_machine(settings, 1, n, child_of(seed, 1 + k)) for k, n in enumerate(counts)]
    deviance: list[float] = []
    while len(deviance) < settings.trees and len(deviance) - int(np.argmin([*deviance, np.inf])) <= PATIENCE:
        n_trees = min(len(deviance) + BLOCK, settings.trees)
        losses = np.zeros(n_trees - len(deviance))
        for k, machine in enumerate(machines):
            test = fold == k
            _fit_to(machine, n_trees, codes[~test], rows.outcome[~test])
            sign = np.where(rows.outcome[test] == 1, -1.0, 1.0)
            raw = np.array([stage.ravel() for stage in machine.staged_decision_function(codes[test])])
            losses += np.logaddexp(0.0, sign * raw[len(deviance) :]).sum(axis=1)
        deviance += (2 * losses / rows.outcome.size).tolist()
    return int(np.argmin(deviance)) + 1, {"folds": n_folds, "deviance": deviance}, warnings


def _of_regressor(tree: Any, learning_rate: float, ranked: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """A tree of scikit-learn's, grown on ranks, as parts of :class:`Trees` that are applied to values."""
    is_leaf = tree.children_left < 0
    threshold = np.zeros(tree.node_count)
    for node in np.flatnonzero(~is_leaf):
        distinct, below = ranked[tree.feature[node]], int(np.floor(tree.threshold[node]))
        low, high = distinct[below], distinct[below + 1]
        middle = 0.5 * low + 0.5 * high
        threshold[node] = low if middle >= high else middle
    return {
        "feature": np.where(is_leaf, -1, tree.feature).astype(np.int64),
        "threshold": threshold,
        "left": np.where(is_leaf, 0, tree.children_left).astype(np.int64),
        "right": np.where(is_leaf, 0, tree.children_right).astype(np.int64),
        "leaf": np.where(is_leaf, learning_rate * tree.value[:, 0, 0], 0.0),
        "cover": np.asarray(tree.n_node_samples, dtype=np.int64),
    }
