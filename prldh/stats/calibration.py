"""Agreement of predicted probabilities with what happened."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from prldh.stats.brier import BrierParts, brier_decomposition
from prldh.stats.calibration_curve import CalibrationCurve, calibration_curve
from prldh.stats.logistic import fit_intercept, fit_logistic
from prldh.stats.quantiles import quantile
from prldh.stats.roc import NAN, split_probability

_CLIP = 1e-15
_NO_VARIANCE = 1e-20


def _group_totals(bins: np.ndarray, n_bins: int, values: np.ndarray) -> np.ndarray:
    return np.bincount(bins, weights=values, minlength=n_bins)


def _pearson(observed: np.ndarray, expected: np.ndarray) -> float:
    """Sum of (observed - expected)^2 / expected; nothing where 0 was expected and met."""
    differs = observed != expected
    with np.errstate(divide="ignore"):
        return float(((observed[differs] - expected[differs]) ** 2 / expected[differs]).sum())


class GroupTest(TypedDict):
    """A test over groups of predictions, and the groups."""

    statistic: float
    df: float
    p: float
    n_groups: float
    lower: np.ndarray
    upper: np.ndarray
    n: np.ndarray
    observed: np.ndarray
    expected: np.ndarray


class Calibration(BrierParts, CalibrationCurve):
    """Calibration line, Brier score and its parts, Spiegelhalter's test, and the smooth curve."""

    intercept: float
    slope: float
    citl: float
    brier: float
    scaled_brier: float
    spiegelhalter_z: float
    spiegelhalter_p: float


def hosmer_lemeshow(outcome: np.ndarray, probability: np.ndarray, groups: int = 10, lost: int = 2) -> GroupTest:
    """The Hosmer-Lemeshow test over groups cut at quantiles of the predictions.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    probability : (n,) array
    groups : int
        Groups asked for; ties can leave fewer.
    lost : int
        Degrees of freedom lost: 2 where the predictions were fitted to these outcomes, 0 where they were not.

    Returns
    -------
    dict
        ``statistic``, ``df`` (groups - lost), ``p`` (NaN when df < 1), ``n_groups``, and over the groups ``lower``,
        ``upper`` (edges; all but the first group exclude the lower one), ``n``, ``observed`` and ``expected`` events.
        Fewer than two groups: statistic and p are NaN. Groups that nobody falls into are dropped; a count of 0 that was
        expected and met adds nothing; one that was expected and not met makes the statistic infinite and p 0.

    Notes
    -----
    D. W. Hosmer, S. Lemeshow, Communications in Statistics A 9 (1980) 1043-1069; without loss, Applied Logistic
    Regression (2000), 5.5. R: ``ResourceSelection::hoslem.test``, whose bins are ``cut(p, unique(quantile(p, seq(0, 1,
    1/g))), include.lowest = TRUE)``.

    Examples
    --------
    >>> y = np.array([0, 0, 1, 0, 1, 1])
    >>> hosmer_lemeshow(y, np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.8]), groups=3)["n"]
    array([2., 2., 2.])
    """
    event, probability = split_probability(outcome, probability)
    y = event.astype(float)
    shares = np.minimum(np.arange(groups + 1) * (1.0 / groups), 1.0)
    edges = np.unique(quantile(probability, shares)) if len(y) else np.empty(0)
    n_groups = max(len(edges) - 1, min(len(edges), 1))
    bins = np.clip(np.searchsorted(edges, probability, side="left") - 1, 0, max(n_groups - 1, 0))
    size = np.bincount(bins, minlength=n_groups).astype(float)
    observed, expected = _group_totals(bins, n_groups, y), _group_totals(bins, n_groups, probability)
    observed_not, expected_not = (
        _group_totals(bins, n_groups, 1.0 - y),
        _group_totals(bins, n_groups, 1.0 - probability),
    )
    is_filled = size > 0
    n_filled = int(is_filled.sum())
    df = float(n_filled - lost)
    statistic = NAN
    if n_filled >= 2:
        statistic = _pearson(observed_not, expected_not) + _pearson(observed, expected)
    p = float(1.0 - special.chdtr(df, statistic)) if df >= 1 and not np.isnan(statistic) else NAN
    return {
        "statistic": statistic,
        "df": df,
        "p": p,
        "n_groups": float(n_filled),
        "lower": edges[:n_groups][is_filled],
        "upper": (edges[1:] if len(edges) > 1 else edges)[is_filled],
        "n": size[is_filled],
        "observed": observed[is_filled],
        "expected": expected[is_filled],
    }


def spiegelhalter(outcome: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Spiegelhalter's test that the predictions are the events' probabilities.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    probability : (n,) array

    Returns
    -------
    dict
        ``z``, standard normal where the predictions are right, and the two-sided ``p``. NaN where the Brier score
        cannot vary: every prediction is 0, 0.5 or 1.

    Notes
    -----
    D. J. Spiegelhalter, Statistics in Medicine 5 (1986) 421-433. R: ``rms::val.prob`` (S:z, S:p).

    Examples
    --------
    >>> round(spiegelhalter(np.array([0, 1]), np.array([0.2, 0.8]))["z"], 6)
    -0.707107
    """
    event, probability = split_probability(outcome, probability)
    weight = 1.0 - 2.0 * probability
    variance = float((weight**2 * probability * (1.0 - probability)).sum())
    if variance < _NO_VARIANCE:
        return {"z": NAN, "p": NAN}
    z = float(((event - probability) * weight).sum()) / variance**0.5
    return {"z": z, "p": float(2.0 * special.ndtr(-abs(z)))}


def _calibration_line(event: np.ndarray, log_odds: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of the outcome on the log-odds. Where these separate the classes the slope has no bound, nor
    intercept."""
    joint = fit_logistic(np.column_stack([np.ones(len(log_odds)), log_odds]), event)["coefficients"]
    if not np.isfinite(joint).all():
        return NAN, NAN
    events, others = log_odds[event], log_odds[~event]
    if events.min() >= others.max():
        return NAN, np.inf
    if events.max() <= others.min():
        return NAN, -np.inf
    return float(joint[0]), float(joint[1])


def calibration(
    outcome: np.ndarray,
    probability: np.ndarray,
    rows: ArrayLike = (),
    n_resamples: int = 0,
    level: float = 0.95,
    log_odds: ArrayLike = (),
) -> Calibration:
    """Calibration line, Brier score and its parts, Spiegelhalter's test, and the smooth calibration curve with its
    band.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    probability : (n,) array
        Clipped to [1e-15, 1 - 1e-15] where the line goes by their log-odds.
    rows : (n_resamples, n) or flat integer array
        0-based row numbers of bootstrap samples; the predictions are kept, the curve is smoothed again.
    n_resamples : int
        May be 0: then a smooth curve has no band.
    level : float
        Pointwise coverage of the band.
    log_odds : (n,) array, optional
        The same predictions, by which the line goes: near 0 and 1 a probability is one number for many log-odds.

    Returns
    -------
    dict
        ``intercept`` and ``slope`` of one joint logistic fit on the log-odds (NaN when the prediction is constant;
        slope +-inf and intercept NaN when the predictions separate the classes), ``citl`` (intercept with the slope
        held at 1), ``brier``, ``scaled_brier`` = 1 - brier / that of the share of events, ``miscalibration``,
        ``discrimination``, ``uncertainty`` (see
        :func:`prldh.stats.brier.brier_decomposition`), ``spiegelhalter_z`` and ``spiegelhalter_p`` (see
        :func:`spiegelhalter`), ``ici`` = mean abs(p - lowess(y on p)), ``e50``, ``e90`` and ``emax`` (its median, 0.9
        quantile and maximum), (k,) arrays over the distinct predictions ``curve_predicted``, ``curve_observed``,
        ``curve_low``, ``curve_high``, and ``method``. "lowess": limits are percentiles over the samples whose
        predictions reach that far, NaN where fewer than half do. "groups", with fewer than five distinct predictions:
        shares with Clopper and Pearson's limits; ici, e50, e90 and emax are NaN. With one class intercept, slope, citl
        and scaled_brier are NaN.

    Raises
    ------
    DataError
        When a probability lies outside 0..1, or ``rows`` do not fit ``n_resamples``.

    Notes
    -----
    D. R. Cox, Biometrika 45 (1958) 562-565; P. C. Austin, E. W. Steyerberg, Statistics in Medicine 38 (2019) 4051-4065;
    E. W. Steyerberg et al., Epidemiology 21 (2010) 128-138 (scaled Brier). R: ``rms::val.prob`` (Intercept, Slope,
    Brier, S:z, S:p, Eavg, E90, Emax); citl: ``stats::glm(outcome ~ 1, binomial, offset = log_odds)``.

    Examples
    --------
    >>> calibration(np.array([0, 1, 0, 1]), np.array([0.5, 0.5, 0.5, 0.5]))["brier"]
    0.25
    """
    event, probability = split_probability(outcome, probability)
    brier = float(np.mean((event - probability) ** 2)) if len(event) else NAN
    intercept = slope = citl = scaled = NAN
    if event.any() and not event.all():
        clipped = np.clip(probability, _CLIP, 1.0 - _CLIP)
        eta = np.asarray(log_odds, dtype=float) if np.size(log_odds) else np.log(clipped / (1.0 - clipped))
        intercept, slope = _calibration_line(event, eta)
        citl = fit_intercept(event, eta)
        share = float(event.mean())
        scaled = 1.0 - brier / (share * (1.0 - share))
    test = spiegelhalter(outcome, probability)
    return {
        "intercept": intercept,
        "slope": slope,
        "citl": citl,
        "brier": brier,
        **brier_decomposition(outcome, probability),
        "scaled_brier": scaled,
        "spiegelhalter_z": test["z"],
        "spiegelhalter_p": test["p"],
        **calibration_curve(event, probability, rows, n_resamples, level),
    }
