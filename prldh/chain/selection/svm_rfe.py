"""Recursive feature elimination by a linear support vector machine."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prldh.chain.shared.linear import TIE, standardise


class AccuracyCurve(NamedTuple):
    """Cross-validated accuracy by number of features: ``mean`` (p,) and ``sd`` (p,; ddof 1) over folds for the best
    1 … p features, ``best_size`` the smallest with the highest mean."""

    mean: np.ndarray
    sd: np.ndarray
    best_size: int


def rank_svm_rfe(values: np.ndarray, outcome: np.ndarray, cost: float = 1.0) -> np.ndarray:
    """Rank features by eliminating, one at a time, the one with the smallest squared weight.

    Parameters
    ----------
    values : (n, p) array
        Standardised here by all rows (ddof 0).
    outcome : (n,) array of 0/1
    cost : float
        The SVM's C.

    Returns
    -------
    (p,) int array
        Columns, best first: the last to be eliminated leads. Where weights tie, the last column goes first.

    References
    ----------
    Guyon I, Weston J, Barnhill S, Vapnik V (2002) Machine Learning 46:389-422. Ranks as sklearn.feature_selection.RFE
    (SVC(kernel="linear", C=cost), step=1).
    """
    standardised, _, _ = standardise(values)
    left = np.arange(standardised.shape[1])
    ranking = np.empty(left.size, dtype=np.int64)
    while left.size > 1:
        weight, _ = _fit_linear_svm(standardised[:, left], outcome, cost)
        square = weight**2
        ties = np.flatnonzero(square <= square.min() + TIE * square.max())
        ranking[left.size - 1] = left[ties[-1]]
        left = np.delete(left, ties[-1])
    ranking[0] = left[0]
    return ranking


def accuracy_curve(
    values: np.ndarray, outcome: np.ndarray, ranking: np.ndarray, fold: np.ndarray, cost: float = 1.0
) -> AccuracyCurve:
    """Accuracy of the best 1, 2, … p features in cross-validation.

    The ranking is given and the same in all folds: the folds judge the size only. In each fold the SVM is refitted on
    the other folds' rows, standardised by these.

    Parameters
    ----------
    values : (n, p) array
    outcome : (n,) array of 0/1
    ranking : (p,) int array
        Columns, best first.
    fold : (n,) int array
        Fold of each row, 0 … k-1; every training part must hold both classes.
    cost : float
        The SVM's C.
    """
    n_folds = int(np.max(fold)) + 1
    accuracy = np.empty((n_folds, ranking.size))
    ranked = np.asarray(values, dtype=np.float64)[:, ranking]
    is_event = np.asarray(outcome) == 1
    for k in range(n_folds):
        test = fold == k
        train, center, scale = standardise(ranked[~test])
        held_out = (ranked[test] - center) / scale
        for size in range(1, ranking.size + 1):
            weight, intercept = _fit_linear_svm(train[:, :size], is_event[~test], cost)
            says_event = held_out[:, :size] @ weight + intercept > 0
            accuracy[k, size - 1] = np.mean(says_event == is_event[test])
    mean = accuracy.mean(axis=0)
    sd = accuracy.std(axis=0, ddof=1) if n_folds > 1 else np.full(ranking.size, np.nan)
    return AccuracyCurve(mean, sd, int(np.argmax(mean >= mean.max() - TIE)) + 1)


def _fit_linear_svm(values: np.ndarray, outcome: np.ndarray, cost: float) -> tuple[np.ndarray, float]:
    """Weights (p,) and intercept of the linear SVM; positive means event."""
    from sklearn import config_context
    from sklearn.svm import SVC

    # the values are finite and the settings ours: checking them costs more than the fit
    with config_context(assume_finite=True, skip_parameter_validation=True):
        machine = SVC(kernel="linear", C=cost).fit(values, outcome)
        return machine.coef_[0], float(machine.intercept_[0])
