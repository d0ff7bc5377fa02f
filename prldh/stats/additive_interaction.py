"""Additive interaction of two exposures: RERI, attributable proportion, synergy index."""

from __future__ import annotations

import numpy as np
from scipy import special

from prldh.stats.quantiles import quantile

NAN = float("nan")
MEASURES = ("reri", "ap", "s")
INFINITE = float(np.exp(12.0))
"""A measure beyond this stands for an infinite one that the iterations did not reach."""
NOTHING = 1e-6
"""An excess risk below this is none: by arithmetic it is often 0 exactly, and in floating point of either sign."""


def additive_interaction(logs: np.ndarray, covariance: np.ndarray, level: float = 0.95) -> dict[str, dict[str, float]]:
    """RERI, AP and S from log ratios of (both, first alone, second alone) against neither, with delta-method intervals.

    Parameters
    ----------
    logs : (3,) array
        Log odds ratios or log risk ratios: both exposures, the first alone, the second alone.
    covariance : (3, 3) array
        Their covariance.
    level : float
        Coverage.

    Returns
    -------
    dict
        ``reri``, ``ap``, ``s``, each ``{"estimate", "low", "high"}``; S is NaN where the joint effect or the sum of the
        single ones is not above that of neither exposure.

    Notes
    -----
    RERI = R11 - R10 - R01 + 1, AP = RERI / R11, S = (R11 - 1) / (R10 + R01 - 2); S on the log scale. R:
    ``epiR::epi.interaction``.

    References
    ----------
    K. J. Rothman, American Journal of Epidemiology 103 (1976) 506-511. D. W. Hosmer, S. Lemeshow, Epidemiology 3 (1992)
    452-456.

    Examples
    --------
    >>> measures = additive_interaction(np.log([9.0, 3.0, 2.0]), np.eye(3) / 10)
    >>> [round(measures[key]["estimate"], 3) for key in ("reri", "ap", "s")]
    [5.0, 0.556, 2.667]
    """
    logs, covariance = np.asarray(logs, dtype=float), np.asarray(covariance, dtype=float)
    z = float(special.ndtri((1 + level) / 2))
    r11, r10, r01 = np.exp(logs)
    reri = r11 - r10 - r01 + 1
    measures = {"reri": _interval(reri, np.array([r11, -r10, -r01]), covariance, z)}
    gradient = np.array([(r10 + r01 - 1) / r11, -r10 / r11, -r01 / r11])
    measures["ap"] = _interval(reri / r11, gradient, covariance, z)
    top, bottom = r11 - 1, r10 + r01 - 2
    if top > NOTHING and bottom > NOTHING:
        gradient = np.array([r11 / top, -r10 / bottom, -r01 / bottom])
        on_log = _interval(np.log(top / bottom), gradient, covariance, z)
        measures["s"] = {key: float(np.exp(value)) for key, value in on_log.items()}
    else:
        measures["s"] = dict.fromkeys(("estimate", "low", "high"), NAN)
    return measures


def _interval(estimate: float, gradient: np.ndarray, covariance: np.ndarray, z: float) -> dict[str, float]:
    error = z * np.sqrt(np.maximum(gradient @ covariance @ gradient, 0.0))  # rounding may leave -1e-18
    return {"estimate": float(estimate), "low": float(estimate - error), "high": float(estimate + error)}


def additive_interaction_resampled(logs: np.ndarray, level: float = 0.95) -> dict[str, dict[str, float]]:
    """Bootstrap percentile limits of RERI, AP and S.

    Parameters
    ----------
    logs : (m, 3) array
        Log ratios as :func:`additive_interaction` takes them, one row a resample; NaN where the resample has none.
    level : float
        Coverage.

    Returns
    -------
    dict
        ``reri``, ``ap``, ``s``, each ``{"low", "high", "n_defined"}``: the limits are percentiles (type 7) of the
        resamples in which the measure exists, of which there are ``n_defined``; they may be infinite.

    Notes
    -----
    In a resample without events among those with neither exposure the ratios are infinite, that is, very large: AP and
    S are then right all the same, and RERI, beyond exp(12) in size, stands for an infinite one, which takes its place
    among the others; where such ratios cancel (r11 = r10 + r01 to six digits), RERI does not exist: what is left of
    them is rounding. S exists where the conditions of :func:`additive_interaction` hold.

    References
    ----------
    S. F. Assmann et al., Epidemiology 7 (1996) 286-290. R: ``interactionR::interactionR(..., ci.type = "bootstrap")``.

    Examples
    --------
    >>> measures = additive_interaction_resampled(np.log([[9.0, 3.0, 2.0], [4.0, 2.0, 2.0], [np.nan] * 3]))
    >>> measures["reri"]["n_defined"], round(measures["reri"]["high"], 3)
    (2.0, 4.9)
    """
    logs = np.asarray(logs, dtype=float).reshape(-1, 3)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        r11, r10, r01 = np.exp(logs).T
        reri = r11 - r10 - r01 + 1
        largest = np.max([r11, r10, r01], axis=0)
        is_lost = (largest > INFINITE) & (np.abs(reri) < NOTHING * largest)
        top, bottom = r11 - 1, r10 + r01 - 2
        synergy = np.where((top > NOTHING) & (bottom > NOTHING), top / bottom, np.nan)
        values = {"reri": np.where(is_lost, np.nan, reri), "ap": reri / r11, "s": synergy}
    return {key: _percentiles(values[key], level) for key in MEASURES}


def _percentiles(values: np.ndarray, level: float) -> dict[str, float]:
    defined = values[~np.isnan(values)]
    defined[np.abs(defined) > INFINITE] *= np.inf
    tail = (1.0 - level) / 2.0
    low, high = quantile(defined, np.array([tail, 1.0 - tail])) if defined.size else (NAN, NAN)
    return {"low": float(low), "high": float(high), "n_defined": float(defined.size)}
