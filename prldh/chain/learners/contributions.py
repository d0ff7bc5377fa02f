"""What each feature adds to the score of a patient: SHAP values, by the library of that name for trees."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from prldh.chain.learners.boosting import BoostedScore
from prldh.chain.learners.mean import MeanScore
from prldh.chain.learners.random_forest import ForestScore
from prldh.chain.learners.shared import log_odds_of
from prldh.chain.learners.trees import Trees
from prldh.core import FittedScore, LinearScore, PluginError


class Contributions(NamedTuple):
    """``base``, the score that an average training row has, and ``values`` (n, k), what each of the score's ``names``
    adds to it: in every row they sum to the log odds."""

    base: float
    values: np.ndarray


def shap_values(score: FittedScore, values: np.ndarray) -> Contributions | None:
    """The contributions of features to the log odds of rows (n, k) whose columns are ``score.names``, in their order.

    Of a linear score exactly, coefficient * (value - center) / scale. Of boosted trees by TreeSHAP along the trees'
    paths, by the training rows that took them. A forest's are found for its votes in that way, and stretched, all of a
    patient by one factor, so that they sum to the log odds. Of a mean, the mean. None for any other score.

    Raises
    ------
    PluginError
        If the library ``shap`` is not installed, and trees are explained.

    Notes
    -----
    Lundberg SM, Lee SI (2017) Advances in Neural Information Processing Systems 30; Lundberg SM et al. (2020) Nat Mach
    Intell 2:56-67 (TreeSHAP). R: ``treeshap::treeshap``.
    """
    values = np.asarray(values, dtype=np.float64)
    if isinstance(score, LinearScore):
        return Contributions(score.intercept, score.coefficients * ((values - score.center) / score.scale))
    if isinstance(score, BoostedScore):
        expected, added = explain_trees(score.trees, values)
        return Contributions(score.base + expected, added)
    if isinstance(score, ForestScore):
        return _of_forest(score, values)
    return _of_mean(score, values) if isinstance(score, MeanScore) else None


def _of_forest(score: ForestScore, values: np.ndarray) -> Contributions:
    expected, votes = explain_trees(score.trees, values)
    more = score.trees.root.size + 1
    average = (expected + 0.5) / more
    share, base = average + votes.sum(axis=1) / more, float(log_odds_of(np.array(average)))
    difference = share - average
    # the slope of the log odds where a patient has the average share
    factor = np.full(len(share), 1 / (average * (1 - average)))
    differs = np.abs(difference) > 1e-12
    factor[differs] = (log_odds_of(share[differs]) - base) / difference[differs]
    return Contributions(base, votes / more * factor[:, None])


def _of_mean(score: MeanScore, values: np.ndarray) -> Contributions | None:
    place = {name: j for j, name in enumerate(score.names)}
    base, total = 0.0, np.zeros(values.shape)
    for part in score.parts:
        columns = [place[name] for name in part.score.names]
        own = shap_values(part.score, values[:, columns])
        if own is None:
            return None
        base += own.base / len(score.parts)
        total[:, columns] += own.values / len(score.parts)
    return Contributions(base, total)


def explain_trees(trees: Trees, values: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean sum over trees of the training rows, and what each feature adds to that (n, k) in rows (n, k).

    Raises
    ------
    PluginError
        If ``shap`` is not installed.
    """
    leaves = trees.root[trees.feature[trees.root] < 0] if trees.root.size else trees.root
    if leaves.size == trees.root.size:  # no tree splits
        return float(trees.leaf[leaves].sum()), np.zeros(values.shape)
    try:
        from shap import TreeExplainer
    except ImportError:
        raise PluginError(
            "what features add to a forest's or boosted trees' score is computed by the library 'shap', which is not"
            " installed. Install it: pip install 'prldh[shap]'."
        ) from None
    explainer = TreeExplainer({"trees": _as_shap_has_them(trees)}, feature_perturbation="tree_path_dependent")
    expected = float(np.ravel(explainer.expected_value)[0])
    return expected, np.asarray(explainer.shap_values(values, check_additivity=False)).reshape(values.shape)


def _as_shap_has_them(trees: Trees) -> list[dict[str, Any]]:
    """Each tree in the form that ``shap`` takes, its nodes numbered from 0."""
    given = []
    stops = [*trees.root[1:].tolist(), trees.feature.size]
    for start, stop in zip(trees.root.tolist(), stops, strict=True):
        own = slice(start, stop)
        is_leaf = trees.feature[own] < 0
        left, right = (np.where(is_leaf, -1, side[own] - start) for side in (trees.left, trees.right))
        given.append(
            {
                "children_left": left,
                "children_right": right,
                "children_default": right,
                "features": np.where(is_leaf, -2, trees.feature[own]),
                "thresholds": trees.threshold[own].copy(),
                "values": trees.leaf[own].reshape(-1, 1),
                "node_sample_weight": trees.cover[own].astype(np.float64),
            }
        )
    return given
