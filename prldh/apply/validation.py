"""How well frozen models predict new patients: nothing is fitted to them but what describes their calibration.

References
----------
E. W. Steyerberg, Clinical Prediction Models, 2nd ed. (2019), ch. 15-17: validation at another place with threshold and
coefficients as they were. T. P. A. Debray et al., BMJ 356 (2017) i6460: the ratio of observed to expected events and
the standard error of its logarithm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import norm

from prldh.chain import probability
from prldh.core import Draws, finite, finite_numbers
from prldh.engines import StatisticsEngine
from prldh.models import INTERVAL, calibration, hosmer_lemeshow, proportions, roc_vertices, usefulness
from prldh.study import Performance

#: Below this all predictions are 0 or 1 to the last digits, and calibration in the large has no standard error.
NO_INFORMATION = 1e-8


def describe_new_predictions(
    outcome: np.ndarray,
    eta: np.ndarray,
    threshold: float | None,
    engine: StatisticsEngine,
    settings: Performance,
    draws: Draws,
) -> dict[str, Any]:
    """Discrimination, classification at the frozen threshold, calibration and usefulness on patients that made no part
    of the model.

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
        As an entry of ``models`` in ``results.json`` has it, with limits of the calibration ``slope``, ``citl`` and
        ``observed_expected``.
    """
    y, p, level = outcome.astype(float), probability(eta), settings.confidence
    auc = engine.auc(y, p, level)
    positive = p > (-np.inf if threshold is None else threshold)
    counts = {
        "tp": int(np.sum(positive & (y == 1))),
        "fp": int(np.sum(positive & (y == 0))),
        "fn": int(np.sum(~positive & (y == 1))),
        "tn": int(np.sum(~positive & (y == 0))),
    }
    line = calibration(y, np.round(p, 12), engine, draws.patients, level)
    return {
        "auc": {**finite_numbers(auc, (*INTERVAL, "variance")), "method": "DeLong"},
        "threshold": threshold,
        "confusion": counts,
        **proportions(counts, engine, level),
        "calibration": line,
        **calibration_limits(y, eta, line, engine, level),
        "hosmer_lemeshow": hosmer_lemeshow(
            y, np.round(p, 12), engine, settings.hosmer_lemeshow_groups, is_fitted=False
        ),
        **usefulness(y, p, engine, settings, draws),
        "roc": roc_vertices(engine, y, p, level),
    }


def calibration_limits(
    y: np.ndarray, eta: np.ndarray, line: Mapping[str, Any], engine: StatisticsEngine, level: float
) -> dict[str, dict[str, float | None]]:
    """Limits of the calibration ``line``, which has ``slope`` and ``citl``: profile-likelihood's of the slope, Wald's
    of calibration in the large; and the ratio of observed to expected events with the limits of its logarithm. What
    does not exist is None."""
    z = norm.ppf((1 + level) / 2)
    slope = dict.fromkeys(INTERVAL)
    if line["slope"] is not None:
        low, high = np.asarray(engine.profile_limits(np.column_stack([np.ones(len(eta)), eta]), y, level))[1]
        slope = {"estimate": line["slope"], "low": finite(low), "high": finite(high)}
    p, shift = probability(eta), line["citl"]
    recalibrated = probability(eta + shift)
    information = float(np.sum(recalibrated * (1 - recalibrated)))
    error = z / np.sqrt(information) if information > NO_INFORMATION else np.inf
    ratio, spread = float(y.sum() / p.sum()), z * np.sqrt((1 - y.mean()) / y.sum())
    return {
        "slope": slope,
        "citl": {"estimate": shift, "low": finite(shift - error), "high": finite(shift + error)},
        "observed_expected": {
            "estimate": ratio,
            "low": float(ratio * np.exp(-spread)),
            "high": float(ratio * np.exp(spread)),
        },
    }
