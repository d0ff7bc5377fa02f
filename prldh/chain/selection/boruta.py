"""Boruta: the features that a forest finds more important than any feature that was shuffled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from prldh.chain.learners.random_forest import grow_forest
from prldh.chain.learners.trees import Trees
from prldh.chain.shared import child_of, in_patient_order
from prldh.core import REFERENCES, Across, Curve, Reference, Selection, StepFigure, StepRun, TrainingRows, bounds
from prldh.engines import StatisticsEngine
from prldh.plugins import SelectorSettings

#: Shuffled features that there are at least, as in R's Boruta.
LEAST_SHADOWS = 5


class BorutaSettings(SelectorSettings):
    runs: int = Field(100, ge=10, le=bounds.RESAMPLES, description="forests, at most")
    trees: int = Field(200, ge=1, le=bounds.TREES, description="of each forest")
    alpha: float = Field(0.01, gt=0, lt=1, description="level of the tests, over all features of a run")
    tentative: Literal["drop", "keep"] = Field("drop", description="features that are not decided in the end")


class Decisions(NamedTuple):
    """Of each feature: ``confirmed`` and ``rejected`` (p,) bool, ``hits`` (p,) in how many of the ``runs`` (p,) that it
    was in it beat every shuffled one, ``importance`` (p,) its mean in these; ``shadow``, the mean of the largest."""

    confirmed: np.ndarray
    rejected: np.ndarray
    hits: np.ndarray
    runs: np.ndarray
    importance: np.ndarray
    shadow: float


class BorutaSelector:
    """Keep features that a random forest finds more important than the most important of shuffled copies of them.

    In each run a forest is grown on the features that are not rejected and on a shuffled copy of each, at least five;
    patients are shuffled, so that copies of a patient share their value. A feature has a hit where its importance (mean
    decrease of the Gini impurity) is above the largest of the shuffled. After each run a feature that is not decided
    yet is confirmed or rejected where its number of hits is above or below chance, ½ a run, by the binomial test at the
    level ``alpha`` with Bonferroni's correction for the number of features.

    Notes
    -----
    M. B. Kursa, W. R. Rudnicki, J. Stat. Softw. 36 (2010) 11, whose importance is permutation's; the Gini importance
    and one-sided tests are those of ``boruta_py`` with ``two_step=False``. R: ``Boruta::Boruta(getImp =
    getImpRfGini)``. The forest is :mod:`prldh.chain.learners.random_forest`'s.
    """

    name = "boruta"
    version = "1"
    Settings = BorutaSettings
    label = "Boruta"
    short_label = "Boruta"
    explanation = "Boruta keeps features that a forest finds more important than shuffled ones"
    references = (
        Reference(
            "kursa2010",
            "Kursa, Miron B. and Rudnicki, Witold R.",
            "Feature selection with the Boruta package",
            "Journal of Statistical Software",
            2010,
            "36",
            "1--13",
            "10.18637/jss.v036.i11",
        ),
        REFERENCES["breiman2001"],
    )

    def methods(self, run: StepRun) -> str:
        return (
            "features were kept that random forests [@breiman2001] of {trees} trees found more important than the most"
            " important of shuffled ones in more of up to {runs} runs than chance allows (Boruta [@kursa2010], level"
            " {alpha})"
        )

    def fit(
        self, rows: TrainingRows, settings: BorutaSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection:
        rows = in_patient_order(rows)
        names = rows.names
        by_name = np.array(sorted(range(len(names)), key=names.__getitem__))  # wherever the columns stand
        values = rows.values[:, by_name]
        found = decide(values, rows.outcome, rows.patient, settings.runs, settings.trees, settings.alpha, seed)
        tentative = ~found.confirmed & ~found.rejected
        kept = found.confirmed | (tentative if settings.tentative == "keep" else False)
        dropped = {}
        for k in np.flatnonzero(~kept):
            what = "not decided" if tentative[k] else "rejected"
            dropped[names[by_name[k]]] = (
                f"{what}: more important than every shuffled feature in {found.hits[k]} of {found.runs[k]} runs"
            )
        listed = [names[j] for j in by_name]
        details = {
            "confirmed": [listed[k] for k in np.flatnonzero(found.confirmed)],
            "tentative": [listed[k] for k in np.flatnonzero(tentative)],
            "runs": int(found.runs.max(initial=0)),
            "trees": settings.trees,
            "alpha": settings.alpha,
            "hits": dict(zip(listed, found.hits.tolist(), strict=True)),
            "importance": dict(zip(listed, found.importance.tolist(), strict=True)),
            "shadow": found.shadow,
        }
        return Selection(np.sort(by_name[kept]), dropped, details)

    def figures(self, details: Mapping[str, Any]) -> list[StepFigure]:
        importance = sorted((details.get("importance") or {}).values(), reverse=True)
        if not importance:
            return []
        n = len(details["confirmed"])
        across = Across("features, by importance", mark=n + 0.5, mark_label=f"confirmed: {n}", is_whole=True)
        ranks = list(range(1, len(importance) + 1))
        return [
            StepFigure(
                "boruta",
                "Boruta",
                f"Mean importance of each feature in up to {details['runs']} forests.",
                (("Boruta", Curve(across, "Gini importance", ranks, importance)),),
                f"{n} of {len(importance)} features are confirmed and {len(details['tentative'])} not decided.",
            )
        ]


def decide(
    values: np.ndarray,
    outcome: np.ndarray,
    patient: np.ndarray,
    n_runs: int,
    n_trees: int,
    alpha: float,
    seed: np.random.SeedSequence,
) -> Decisions:
    """Boruta's decisions on columns (n, p) of rows in the order of their patients; child k of the seed is run k's."""
    from scipy.stats import binom

    p = values.shape[1]
    confirmed, rejected = np.zeros(p, dtype=bool), np.zeros(p, dtype=bool)
    hits, runs, total = np.zeros(p, dtype=np.int64), np.zeros(p, dtype=np.int64), np.zeros(p)
    largest = []
    for run in range(n_runs):
        left = np.flatnonzero(~rejected)
        if (confirmed | rejected).all() or not left.size:
            break
        generator = np.random.default_rng(child_of(seed, run))
        shadows = _shuffled(values, left, patient, generator)
        word = int(generator.integers(0, 2**64, dtype=np.uint64))
        importance = gini_importance(
            grow_forest(np.hstack([values[:, left], shadows]), outcome, n_trees, word), left.size + shadows.shape[1]
        )
        best = importance[left.size :].max()
        largest.append(best)
        runs[left] += 1
        total[left] += importance[: left.size]
        hits[left] += importance[: left.size] > best
        open_ = ~confirmed & ~rejected
        level = alpha / p
        confirmed |= open_ & (binom.sf(hits - 1, runs, 0.5) <= level)
        rejected |= open_ & (binom.cdf(hits, runs, 0.5) <= level)
    mean = total / np.maximum(runs, 1)
    return Decisions(confirmed, rejected, hits, runs, mean, float(np.mean(largest)) if largest else 0.0)


def _shuffled(values: np.ndarray, left: np.ndarray, patient: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Shuffled copies (n, max(k, 5)) of the columns ``left`` (k,): each column's values go to other patients, and the
    copies of a patient share the value of one row of the other's."""
    columns = np.resize(left, max(left.size, LEAST_SHADOWS))
    first, copy_of = np.unique(patient, return_index=True, return_inverse=True)[1:]
    shuffled = np.empty((len(values), columns.size))
    for k, j in enumerate(columns):
        shuffled[:, k] = values[first[generator.permutation(first.size)], j][copy_of.reshape(-1)]
    return shuffled


def gini_importance(trees: Trees, n_features: int) -> np.ndarray:
    """The mean over trees (p,) of what the splits by each feature take off the Gini impurity, each weighed by its rows'
    share of the tree's; as scikit-learn's ``feature_importances_`` but for their sum."""
    cover = trees.cover.astype(np.float64)
    events = np.where(trees.feature < 0, trees.leaf * cover, 0.0)
    for node in range(trees.feature.size - 1, -1, -1):  # children come after their parents
        if trees.feature[node] >= 0:
            events[node] = events[trees.left[node]] + events[trees.right[node]]
    impurity = 2 * events * (1 - events / cover)
    inner = np.flatnonzero(trees.feature >= 0)
    gain = impurity[inner] - impurity[trees.left[inner]] - impurity[trees.right[inner]]
    tree_of = np.searchsorted(trees.root, inner, side="right") - 1
    return np.bincount(trees.feature[inner], gain / cover[trees.root[tree_of]], n_features) / trees.root.size
