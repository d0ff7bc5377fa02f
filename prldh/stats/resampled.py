"""Statistics of resampled models: areas of many score vectors at once, influence of folds, optimism, .632 and .632+.

References
----------
Harrell, Lee & Mark (1996) Stat Med 15:361 and R's ``rms::validate``; Efron & Tibshirani (1997) JASA 92:548; LeDell,
Petersen & van der Laan (2015) Electron J Stat 9:1583 and R's ``cvAUC::ci.cvAUC``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import rankdata

#: Bootstrap's .632 weight: the chance that a patient is in a bootstrap sample, 1 - exp(-1).
WEIGHT_632 = 0.632
CORRECTION = "Harrell's optimism correction; percentile interval of the bootstrap models shifted by the optimism"


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
    apparent: float,
    boot: np.ndarray,
    original: np.ndarray,
    oob: np.ndarray,
    no_information: float | None,
    level: float,
    better_is_high: bool = True,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> dict[str, Any]:
    """Harrell's correction and its relatives of one measure.

    Parameters
    ----------
    apparent
        The measure on everyone, by the model fitted on everyone.
    boot, original, oob
        (m,) the measure of each bootstrap model on its sample, on everyone, and on the patients not drawn (NaN where
        not defined: such a sample does not count).
    no_information
        The measure's value where predictions and outcomes are unrelated, for .632+; None where the measure has none.
        A measure without one, the calibration line's intercept or slope, has no interval of the corrected value either:
        every bootstrap model has 0 and 1 on its own sample, whatever it is worth.
    bounds
        What the measure can reach: limits of intervals are clipped there.

    Returns
    -------
    dict
        ``estimate`` (optimism-corrected), ``apparent``, ``optimism``, ``resampled`` (mean of ``boot``), ``oob``,
        ``b632``, ``b632plus``, each of the last three with ``_low`` and ``_high``; ``n_defined``. Intervals are
        percentiles over the resamples, moved so that they centre on the estimate: of ``boot`` for the corrected one
        (shifted by the optimism), of ``oob`` itself, and of the same mixture of ``boot`` and ``oob`` for .632 and
        .632+. None where nothing is defined.

    Notes
    -----
    F. E. Harrell et al., Statistics in Medicine 15 (1996) 361-387; B. Efron, R. Tibshirani, JASA 92 (1997) 548-560.
    R: ``rms::validate`` (optimism, index.corrected; ``B = , method = "boot"`` and ``".632"``).
    """
    pairs = np.isfinite(boot) & np.isfinite(original)
    out = np.isfinite(oob) & np.isfinite(boot)
    corrected: dict[str, Any] = dict.fromkeys(
        (
            "estimate",
            "low",
            "high",
            "optimism",
            "resampled",
            "oob",
            "oob_low",
            "oob_high",
            "b632",
            "b632_low",
            "b632_high",
            "b632plus",
            "b632plus_low",
            "b632plus_high",
        )
    )
    corrected |= {
        "apparent": apparent,
        "n_defined": int(pairs.sum()),
        "method": CORRECTION if no_information is not None else CORRECTION.split(";")[0],
    }
    if pairs.any() and np.isfinite(apparent):
        optimism = float(np.mean(boot[pairs] - original[pairs]))
        corrected |= {"estimate": apparent - optimism, "optimism": optimism, "resampled": float(np.mean(boot[pairs]))}
        if no_information is not None:
            corrected["low"], corrected["high"] = _limits(boot[pairs], -optimism, level, bounds)
    if out.any():
        corrected["oob"] = float(np.mean(oob[out]))
        corrected["oob_low"], corrected["oob_high"] = _limits(oob[out], 0.0, level, bounds)
    if out.any() and np.isfinite(apparent):
        weights = {"b632": WEIGHT_632}
        bounded = corrected["oob"]
        if no_information is not None:
            weights["b632plus"], bounded = _plus(apparent, corrected["oob"], no_information, better_is_high)
        for key, weight in weights.items():
            corrected[key] = (1 - weight) * apparent + weight * (bounded if key == "b632plus" else corrected["oob"])
            mixture = (1 - weight) * boot[out] + weight * oob[out]
            corrected[f"{key}_low"], corrected[f"{key}_high"] = _limits(
                mixture, corrected[key] - float(np.mean(mixture)), level, bounds
            )
    return corrected


def _limits(values: np.ndarray, shift: float, level: float, bounds: tuple[float, float]) -> tuple[float, float]:
    tail = (1 - level) / 2
    low, high = np.clip(np.quantile(values, [tail, 1 - tail]) + shift, *bounds)
    return float(low), float(high)


def _plus(apparent: float, oob: float, no_information: float, better_is_high: bool) -> tuple[float, float]:
    """Efron and Tibshirani's weight, which grows with the relative overfitting rate, and the out-of-bag value bounded
    by no information."""
    bounded = max(oob, no_information) if better_is_high else min(oob, no_information)
    overfit = (apparent - bounded) if better_is_high else (bounded - apparent)
    span = (apparent - no_information) if better_is_high else (no_information - apparent)
    rate = overfit / span if overfit > 1e-12 and span > 1e-12 else 0.0  # less is rounding
    return WEIGHT_632 / (1 - (1 - WEIGHT_632) * min(rate, 1.0)), bounded
