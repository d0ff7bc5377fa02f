"""How well frozen models predict new patients: nothing is fitted to them but what describes their calibration.

References
----------
E. W. Steyerberg, Clinical Prediction Models, 2nd ed. (2019), ch. 15-17: validation at another place with threshold and coefficients as
they were. T. P. A. Debray et al., BMJ 356 (2017) i6460: the ratio of observed to expected events and the standard error of its logarithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from prldh.curves import roc_vertices
from prldh.design import probability
from prldh.performance import INTERVAL, calibration, hosmer_lemeshow, proportions, usefulness
from prldh.records import Draws
from prldh.stats.finite import finite, finite_numbers
from prldh.study import Performance


def describe_new_predictions(
    outcome: np.ndarray, eta: np.ndarray, threshold: float | None, engine: Any, settings: Performance, draws: Draws
) -> dict[str, Any]:
    """Discrimination, classification at the frozen threshold, calibration and usefulness on patients that made no part of the model.

    Parameters
    ----------
    outcome : (n,) array of 0/1, both present
    eta : (n,) array
        Log odds.
    threshold : float or None
        Of the probability, frozen; positive is strictly above. None: everyone is positive.

    Returns
    -------
    dict
        As an entry of ``models`` in ``results.json`` has it, with limits of the calibration ``slope``, ``citl`` and ``observed_expected``.
    """
    y, p, level = outcome.astype(float), probability(eta), settings.confidence
    auc = engine.auc(y, p, level)
    positive = p > (-np.inf if threshold is None else threshold)
    counts = {
        "tp": int(np.sum(positive & (y == 1))), "fp": int(np.sum(positive & (y == 0))),
        "fn": int(np.sum(~positive & (y == 1))), "tn": int(np.sum(~positive & (y == 0))),
    }
    return {
        "auc": {**finite_numbers(auc, (*INTERVAL, "variance")), "method": "DeLong"},
        "threshold": threshold, "confusion": counts, **proportions(counts, engine, level),
        "calibration": calibration(y, np.round(p, 12), engine, draws.patients, level),
        **calibration_limits(y, eta, engine, level),
        "hosmer_lemeshow": hosmer_lemeshow(y, np.round(p, 12), engine, settings.hosmer_lemeshow_groups, is_fitted=False),
        **usefulness(y, p, engine, settings, draws),
        "roc": roc_vertices(engine, y, p, level),
    }


def calibration_limits(y: np.ndarray, eta: np.ndarray, engine: Any, level: float) -> dict[str, dict[str, float | None]]:
    """The calibration slope with profile-likelihood limits, calibration in the large (the intercept with the slope held at 1) with Wald's,
    and the ratio of observed to expected events with the limits of its logarithm. What does not exist is None."""
    z = norm.ppf((1 + level) / 2)
    slope = dict.fromkeys(INTERVAL)
    if np.ptp(eta) > 0:
        design = np.column_stack([np.ones(len(eta)), eta])
        fit, limits = engine.fit_logistic(design, y), np.asarray(engine.profile_limits(design, y, level))
        if fit["converged"] and np.isfinite(limits[1]).all():
            slope = {"estimate": finite(fit["coefficients"][1]), "low": finite(limits[1, 0]), "high": finite(limits[1, 1])}
    shift = _intercept_beside(y, eta)
    p = probability(eta + shift)
    error = z / np.sqrt(np.sum(p * (1 - p)))
    expected, observed = float(np.sum(probability(eta))), float(y.sum())
    ratio, spread = observed / expected, z * np.sqrt((1 - observed / len(y)) / observed)
    return {
        "slope": slope,
        "citl": {"estimate": float(shift), "low": float(shift - error), "high": float(shift + error)},
        "observed_expected": {"estimate": ratio, "low": float(ratio * np.exp(-spread)), "high": float(ratio * np.exp(spread))},
    }


def _intercept_beside(y: np.ndarray, eta: np.ndarray) -> float:
    """The maximum-likelihood intercept of a logistic model with the offset eta: sum of p = sum of y, by bisection on a monotone function."""
    from scipy.optimize import brentq

    reach = 40.0 + float(np.abs(eta).max())
    return float(brentq(lambda a: np.sum(probability(eta + a)) - y.sum(), -reach, reach, xtol=1e-13, rtol=1e-14))
