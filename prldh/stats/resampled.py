"""Statistics of resampled models: areas of many score vectors at once, influence of folds, optimism, .632 and .632+.

References
----------
Harrell, Lee & Mark (1996) Stat Med 15:361 and R's ``rms::validate``; Efron & Tibshirani (1997) JASA 92:548; LeDell,
Petersen & van der Laan (2015) Electron J Stat 9:1583 and R's ``cvAUC::ci.cvAUC``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats
from scipy.stats import rankdata

#: Bootstrap's .632 weight: the chance that a patient is in a bootstrap sample, 1 - exp(-1).
WEIGHT_632 = 0.632
CORRECTION = "Harrell's optimism correction"


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


#: Fewer degrees of freedom than these, and the mean of folds has no interval: by simulation it would hold the mean of
#: the folds' true areas less than 93 times in 100 (docs/intervals.md).
LEAST_DF = 20.0


def mean_of_folds(
    outcome: np.ndarray, score: np.ndarray, lengths: np.ndarray, n_repeats: int = 1, level: float = 0.95
) -> dict[str, float]:
    """Mean of the folds' AUCs, and an interval for the mean of the true AUCs of the folds' own models.

    Parameters
    ----------
    outcome, score
        (n,) of the held-out patients, the folds of all repeats end to end; each fold with both classes.
    lengths
        (k,) how many patients each fold holds.
    n_repeats
        How many times everyone was dealt to folds: the variance is that of one repeat.

    Returns
    -------
    dict
        ``estimate``, ``low``, ``high``, ``se``, ``df``; limits and se NaN where a fold has one patient of a class, or
        ``df`` is below :data:`LEAST_DF`.

    Notes
    -----
    Within a fold the AUC varies as DeLong has it: s1 / m1 + s0 / m0, with s1 and s0 the variances (divisors m - 1) of
    the events' and the others' placements, pooled over folds. The interval is of the logit, with Satterthwaite's
    degrees of freedom. cvAUC (LeDell, Petersen & van der Laan 2015) divides by m within folds and takes the normal
    distribution: with one event a fold the events' share of its variance is 0 (:func:`fold_influence`). R has no
    package for this interval.

    References
    ----------
    E. R. DeLong et al., Biometrics 44 (1988) 837-845; F. E. Satterthwaite, Biometrics Bulletin 2 (1946) 110-114; E.
    LeDell, M. Petersen, M. van der Laan, Electronic Journal of Statistics 9 (2015) 1583-1607.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> y = np.tile(np.repeat([1, 0], [12, 20]), 3)
    >>> found = mean_of_folds(y, rng.normal(size=96) + y, np.array([32, 32, 32]))
    >>> round(found["estimate"], 3), bool(found["low"] < found["estimate"] < found["high"])
    (0.844, True)
    """
    ends = np.cumsum(lengths)[:-1]
    folds = zip(np.split(outcome, ends), np.split(score, ends), strict=True)
    parts = [_placement_variances(y, scores) for y, scores in folds]
    areas, s1, s0, m1, m0 = (np.array(column) for column in zip(*parts, strict=True))
    estimate, k = float(areas.mean()), len(areas) / n_repeats
    nothing = {"estimate": estimate, "low": np.nan, "high": np.nan, "se": np.nan, "df": np.nan}
    if min(m1.min(), m0.min()) < 2:
        return nothing
    components, dfs = [], []
    for variances, sizes in ((s1, m1), (s0, m0)):
        pooled = ((sizes - 1) * variances).sum() / (sizes - 1).sum()
        components.append(pooled * np.mean(1 / sizes) / k)
        dfs.append((sizes - 1).sum() / n_repeats)
    variance = float(sum(components))
    if not 0.0 < estimate < 1.0 or variance == 0.0:
        return nothing
    df = variance**2 / sum(part**2 / df for part, df in zip(components, dfs, strict=True))
    if df < LEAST_DF:
        return {**nothing, "df": float(df)}
    error = np.sqrt(variance)
    limits = special.logit(estimate) + np.array([-1, 1]) * stats.t.ppf((1 + level) / 2, df) * error / (
        estimate * (1 - estimate)
    )
    low, high = special.expit(limits)
    return {"estimate": estimate, "low": float(low), "high": float(high), "se": float(error), "df": float(df)}


def _placement_variances(y: np.ndarray, scores: np.ndarray) -> tuple[float, float, float, int, int]:
    """AUC, the variances of the events' and the others' placements (divisor m - 1; 0 of one patient), and how many."""
    events, others = scores[y == 1], scores[y == 0]
    above = (events[:, None] > others[None]) + 0.5 * (events[:, None] == others[None])
    spread = [part.var(ddof=1) if len(part) > 1 else 0.0 for part in (above.mean(axis=1), above.mean(axis=0))]
    return float(above.mean()), spread[0], spread[1], len(events), len(others)


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
        Such is the calibration line's intercept or slope.
    bounds
        What the measure can reach: limits of intervals are clipped there.

    Returns
    -------
    dict
        ``estimate`` (optimism-corrected), ``apparent``, ``optimism``, ``resampled`` (mean of ``boot``), ``oob``,
        ``b632``, ``b632plus``, each of the last three with ``_low`` and ``_high``; ``n_defined``. ``oob`` has
        percentiles of the samples. The corrected value, .632 and .632+ have no interval here, as percentiles of the
        samples less the optimism need not even hold their estimate: see
        :func:`~prldh.stats.two_stage.two_stage_interval`. None where nothing is defined.

    Notes
    -----
    F. E. Harrell et al., Statistics in Medicine 15 (1996) 361-387; B. Efron, R. Tibshirani, JASA 92 (1997) 548-560.
    R: ``rms::validate`` (optimism, index.corrected; ``B = , method = "boot"`` and ``".632"``).
    """
    corrected: dict[str, Any] = {
        "apparent": apparent,
        "n_defined": int((np.isfinite(boot) & np.isfinite(original)).sum()),
    }
    corrected |= dict.fromkeys(("estimate", "low", "high", "optimism", "resampled", "oob", "oob_low", "oob_high"))
    corrected |= {f"{key}{end}": None for key in ("b632", "b632plus") for end in ("", "_low", "_high")}
    corrected |= combine_resampled(apparent, boot, original, oob, no_information, better_is_high)
    corrected["method"] = CORRECTION
    out = np.isfinite(oob) & np.isfinite(boot)
    if out.any():
        tail = (1 - level) / 2
        limits = np.clip(np.quantile(oob[out], [tail, 1 - tail]), *bounds)
        corrected["oob_low"], corrected["oob_high"] = map(float, limits)
    return corrected


def combine_resampled(
    apparent: float,
    boot: np.ndarray,
    original: np.ndarray,
    oob: np.ndarray,
    no_information: float | None,
    better_is_high: bool,
) -> dict[str, float]:
    """The estimates alone of :func:`correct_optimism`, whose arguments these are; without those that do not exist."""
    pairs = np.isfinite(boot) & np.isfinite(original)
    out = np.isfinite(oob) & np.isfinite(boot)
    estimates: dict[str, float] = {}
    if pairs.any() and np.isfinite(apparent):
        optimism = float(np.mean(boot[pairs] - original[pairs]))
        estimates |= {"estimate": apparent - optimism, "optimism": optimism, "resampled": float(np.mean(boot[pairs]))}
    if out.any():
        estimates["oob"] = float(np.mean(oob[out]))
    if out.any() and np.isfinite(apparent):
        estimates["b632"] = (1 - WEIGHT_632) * apparent + WEIGHT_632 * estimates["oob"]
        if no_information is not None:
            weight, bounded = _plus(apparent, estimates["oob"], no_information, better_is_high)
            estimates["b632plus"] = (1 - weight) * apparent + weight * bounded
    return estimates


def _plus(apparent: float, oob: float, no_information: float, better_is_high: bool) -> tuple[float, float]:
    """Efron and Tibshirani's weight, which grows with the relative overfitting rate, and the out-of-bag value bounded
    by no information."""
    bounded = max(oob, no_information) if better_is_high else min(oob, no_information)
    overfit = (apparent - bounded) if better_is_high else (bounded - apparent)
    span = (apparent - no_information) if better_is_high else (no_information - apparent)
    rate = overfit / span if overfit > 1e-12 and span > 1e-12 else 0.0  # less is rounding
    return WEIGHT_632 / (1 - (1 - WEIGHT_632) * min(rate, 1.0)), bounded
