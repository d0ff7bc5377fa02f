"""Statistics of resampled models: areas of many score vectors at once, influence of folds, optimism, .632 and .632+.

References
----------
Harrell, Lee & Mark (1996) Stat Med 15:361 and R's ``rms::validate``; Efron & Tibshirani (1997) JASA 92:548; LeDell, Petersen &
van der Laan (2015) Electron J Stat 9:1583 and R's ``cvAUC::ci.cvAUC``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import rankdata

#: Bootstrap's .632 weight: the chance that a patient is in a bootstrap sample, 1 - exp(-1).
WEIGHT_632 = 0.632


def auc_of_rows(outcome: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """AUC (m,) of each row of scores (m, n): Mann–Whitney with midranks; NaN with one class."""
    event = outcome == 1
    n1, n0 = int(event.sum()), int((~event).sum())
    if not n1 or not n0:
        return np.full(scores.shape[0], np.nan)
    ranks = rankdata(scores, axis=1)[:, event].sum(axis=1)
    return (ranks - n1 * (n1 + 1) / 2) / (n1 * n0)


def fold_influence(y: np.ndarray, scores: np.ndarray, outcome: np.ndarray) -> float:
    """Mean squared influence within one fold; class shares are those of the whole cohort, as cvAUC has it."""
    share = outcome.mean()
    events, others = scores[y == 1], scores[y == 0]
    above = np.array([np.mean(others < s) + 0.5 * np.mean(others == s) for s in events])
    below = np.array([np.mean(events > s) + 0.5 * np.mean(events == s) for s in others])
    auc = above.mean()
    squares = np.concatenate([((above - auc) / share) ** 2, ((below - auc) / (1 - share)) ** 2])
    return float(squares.mean())


def correct_optimism(
    apparent: float, boot: np.ndarray, original: np.ndarray, oob: np.ndarray, no_information: float, level: float, better_is_high: bool
) -> dict[str, Any]:
    """Harrell's correction and its relatives of one measure.

    Parameters
    ----------
    apparent
        The measure on everyone, by the model fitted on everyone.
    boot, original, oob
        (m,) the measure of each bootstrap model on its sample, on everyone, and on the patients not drawn (NaN where not defined).
    no_information
        The measure's value where predictions and outcomes are unrelated, for .632+.
    """
    optimism = float(np.mean(boot - original))
    tail = (1 - level) / 2
    low, high = np.quantile(boot, [tail, 1 - tail]) - optimism
    out_of_bag = float(np.nanmean(oob)) if np.isfinite(oob).any() else None
    found = {
        "estimate": apparent - optimism, "low": float(np.clip(low, 0, 1)), "high": float(np.clip(high, 0, 1)),
        "apparent": apparent, "optimism": optimism, "resampled": float(np.mean(boot)), "oob": out_of_bag, "b632": None, "b632plus": None,
        "method": "Harrell's optimism correction; percentile interval of the bootstrap models shifted by the optimism",
    }
    if out_of_bag is not None:
        found["b632"] = (1 - WEIGHT_632) * apparent + WEIGHT_632 * out_of_bag
        found["b632plus"] = _plus(apparent, out_of_bag, no_information, better_is_high)
    return found


def _plus(apparent: float, oob: float, no_information: float, better_is_high: bool) -> float:
    """Efron and Tibshirani's .632+: the weight grows with the relative overfitting rate."""
    bounded = max(oob, no_information) if better_is_high else min(oob, no_information)
    overfit = (apparent - bounded) if better_is_high else (bounded - apparent)
    span = (apparent - no_information) if better_is_high else (no_information - apparent)
    rate = overfit / span if overfit > 0 and span > 0 else 0.0
    weight = WEIGHT_632 / (1 - (1 - WEIGHT_632) * min(rate, 1.0))
    return (1 - weight) * apparent + weight * bounded
