"""One refit of the default protocol in plain scikit-learn, as an analyst would write it."""

from __future__ import annotations

import time
import warnings

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def refit(values: np.ndarray, outcome: np.ndarray, trees: int, sizes: list[int]) -> tuple[dict[str, float], list[int]]:
    """CPU seconds by stage, and the columns kept."""
    seconds: dict[str, float] = {}

    def timed(stage, work):
        start = time.process_time()
        value = work()
        seconds[stage] = time.process_time() - start
        return value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)
        order = timed("mrmr", lambda: _mrmr(values, outcome, max(sizes)))
        size = timed("forest", lambda: _best_size(values[:, order], outcome, trees, sizes))
        kept = timed("correlation", lambda: _uncorrelated(values, outcome, order[:size]))
        if len(kept) > 1:
            z = StandardScaler().fit_transform(values[:, kept])
            by_lasso, by_svm = (
                set(timed("lasso", lambda: _lasso(z, outcome))),
                set(timed("svm_rfe", lambda: _svm_rfe(z, outcome))),
            )
            chosen = sorted(by_lasso & by_svm or by_lasso or by_svm)
            kept = [kept[j] for j in chosen]
        timed("model", lambda: LogisticRegression(C=np.inf).fit(values[:, kept], outcome))
    return seconds, kept


def _mrmr(values, outcome, k):
    def information(other):
        r = np.array([np.corrcoef(values[:, j], other)[0, 1] for j in range(values.shape[1])])
        return -0.5 * np.log1p(-np.minimum(r**2, 1 - 1e-12))

    relevance, redundancy, order = information(outcome), np.zeros(values.shape[1]), []
    for step in range(k):
        score = relevance - redundancy / max(step, 1)
        score[order] = -np.inf
        order.append(int(np.argmax(score)))
        redundancy += information(values[:, order[-1]])
    return np.array(order)


def _best_size(ranked, outcome, trees, sizes):
    mean_aucs = []
    for size in sizes:
        scores = []
        for train, test in StratifiedKFold(5, shuffle=True, random_state=1).split(ranked, outcome):
            forest = RandomForestClassifier(trees, random_state=1).fit(ranked[train, :size], outcome[train])
            scores.append(roc_auc_score(outcome[test], forest.predict_proba(ranked[test, :size])[:, 1]))
        mean_aucs.append(np.mean(scores))
    return sizes[int(np.argmax(mean_aucs))]


def _uncorrelated(values, outcome, candidates):
    strength = {int(j): abs(np.corrcoef(values[:, j], outcome)[0, 1]) for j in candidates}
    kept = []
    for j in sorted(strength, key=strength.get, reverse=True):
        if strength[j] >= 0.3 and all(abs(np.corrcoef(values[:, j], values[:, i])[0, 1]) <= 0.9 for i in kept):
            kept.append(j)
    return sorted(kept) or [max(strength, key=strength.get)]


def _lasso(z, outcome):
    model = LogisticRegressionCV(
        Cs=100, cv=10, l1_ratios=(1.0,), solver="liblinear", scoring="neg_log_loss", use_legacy_attributes=False
    )
    return np.flatnonzero(model.fit(z, outcome).coef_.ravel())


def _svm_rfe(z, outcome):
    rank = RFE(SVC(kernel="linear"), n_features_to_select=1).fit(z, outcome).ranking_
    order = np.argsort(rank)
    accuracy = [
        cross_val_score(SVC(kernel="linear"), z[:, order[: s + 1]], outcome, cv=10).mean() for s in range(z.shape[1])
    ]
    return order[: int(np.argmax(accuracy)) + 1]
