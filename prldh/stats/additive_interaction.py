"""Additive interaction of two exposures: RERI, attributable proportion, synergy index."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from prldh.stats.finite import finite


def additive_interaction(logs: np.ndarray, covariance: np.ndarray, level: float = 0.95) -> dict[str, dict[str, float | None]]:
    """RERI, AP and S from log ratios of (both, first alone, second alone) against neither.

    Parameters
    ----------
    logs
        (3,) log odds ratios or log risk ratios: both exposures, the first alone, the second alone.
    covariance
        (3, 3) their covariance.

    References
    ----------
    Hosmer & Lemeshow (1992): RERI = R11 - R10 - R01 + 1, AP = RERI / R11, S = (R11 - 1) / (R10 + R01 - 2);
    delta method, S on the log scale.
    """
    z = norm.ppf((1 + level) / 2)
    r11, r10, r01 = np.exp(logs)
    reri = r11 - r10 - r01 + 1
    found = {"reri": _interval(reri, np.array([r11, -r10, -r01]), covariance, z)}
    gradient = np.array([(r10 + r01 - 1) / r11, -r10 / r11, -r01 / r11])
    found["ap"] = _interval(reri / r11, gradient, covariance, z)
    top, bottom = r11 - 1, r10 + r01 - 2
    if top > 0 and bottom > 0:
        gradient = np.array([r11 / top, -r10 / bottom, -r01 / bottom])
        on_log = _interval(np.log(top / bottom), gradient, covariance, z)
        found["s"] = {k: finite(np.exp(v)) for k, v in on_log.items()}
    else:
        found["s"] = dict.fromkeys(("estimate", "low", "high"), None)
    return found


def _interval(estimate, gradient, covariance, z) -> dict[str, float | None]:
    error = z * np.sqrt(gradient @ covariance @ gradient)
    return {"estimate": finite(estimate), "low": finite(estimate - error), "high": finite(estimate + error)}
