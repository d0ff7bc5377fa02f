"""Minimum redundancy, maximum relevance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prldh.chain.shared.linear import TIE, correlations, outcome_correlations, unit_columns


class MrmrRanking(NamedTuple):
    """``order`` (k,) columns, best first; ``relevance`` (k,) their mutual information with the outcome; ``score`` (k,)
    relevance minus mean redundancy at the step that chose them."""

    order: np.ndarray
    relevance: np.ndarray
    score: np.ndarray


def mutual_information(r: np.ndarray) -> np.ndarray:
    """Mutual information of two Gaussian variables with correlation r: -1/2 ln(1 - r^2), r^2 at most 1 - 1e-12."""
    return -0.5 * np.log1p(-np.minimum(np.square(r), 1 - 1e-12))


def rank_mrmr(values: np.ndarray, outcome: np.ndarray, n_features: int = 30) -> MrmrRanking:
    """Rank features greedily by relevance minus mean redundancy.

    The first is the most relevant one; each next maximises I(feature, outcome) minus the mean of I(feature, ranked)
    over the features ranked before. The outcome enters as 0/1, as in mRMRe with a numeric target.

    Parameters
    ----------
    values : (n, p) array
    outcome : (n,) array of 0/1
    n_features : int
        How many to rank at most.

    Returns
    -------
    MrmrRanking
        Ties go to the first column. Constant columns are never ranked.

    References
    ----------
    Peng H, Long F, Ding C (2005) IEEE Trans Pattern Anal Mach Intell 27:1226-1238 (difference form);
    De Jay N et al. (2013) Bioinformatics 29:2365-2368.

    Examples
    --------
    >>> x = np.array([[0.0, 0.0, 3.0], [1.0, 1.0, 1.0], [2.0, 2.0, 0.0], [3.0, 3.0, 2.0]])
    >>> rank_mrmr(x, np.array([0, 0, 1, 1])).order
    array([0, 2, 1])
    """
    units = unit_columns(values)
    relevance = mutual_information(outcome_correlations(units, outcome))
    is_candidate = np.asarray(units.any(axis=1))
    n_ranked = min(n_features, int(is_candidate.sum()))
    redundancy = np.zeros(relevance.size)
    order = np.empty(n_ranked, dtype=np.int64)
    scores = np.empty(n_ranked)
    for step in range(n_ranked):
        score = np.where(is_candidate, relevance - redundancy / max(step, 1), -np.inf)
        best = int(np.argmax(score >= score.max() - TIE))  # the first of those that tie
        order[step], scores[step] = best, score[best]
        is_candidate[best] = False
        redundancy += mutual_information(correlations(units, units[best]))
    return MrmrRanking(order, relevance[order], scores)
