"""Limits of how predictions of new patients are calibrated.

References
----------
T. P. A. Debray et al., BMJ 356 (2017) i6460: the ratio of observed to expected events and the standard error of its
logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from prldh.chain import probability, ranked_probability
from prldh.core import NO_INTERVAL, Interval, Number, finite
from prldh.engines import ClusteredEngine, StatisticsEngine
from prldh.models.values import Calibration

#: Below this all predictions are 0 or 1 to the last digits, and calibration in the large has no standard error.
NO_INFORMATION = 1e-8


@dataclass(frozen=True)
class StandardErrors:
    """What a pooling over cohorts weighs by: of the AUC, the slope, calibration in the large, and the logarithm of
    observed / expected events. Null where there is none."""

    auc: Number
    slope: Number
    citl: Number
    log_observed_expected: Number


@dataclass(frozen=True)
class CalibrationLimits:
    """Slope, calibration in the large, and the ratio of observed to expected events."""

    slope: Interval
    citl: Interval
    observed_expected: Interval
    standard_errors: StandardErrors


def error_of_sums(residual: np.ndarray, patient: np.ndarray) -> float:
    """The standard error of the sum of rows (n,) that are clustered in patients: of the sums over G of them, with the
    factor G / (G - 1); infinite of one."""
    sums = np.bincount(np.unique(patient, return_inverse=True)[1], weights=residual)
    n = len(sums)
    return float(np.sqrt(n / (n - 1) * np.sum(sums**2))) if n > 1 else np.inf


def calibration_limits(
    y: np.ndarray, eta: np.ndarray, line: Calibration, engine: StatisticsEngine, level: float
) -> CalibrationLimits:
    """Limits: profile-likelihood's of the slope, Wald's of calibration in the large, those of its logarithm of the
    ratio; of rows that are clustered in patients all by the sandwich."""
    z = norm.ppf((1 + level) / 2)
    slope, slope_error, b = NO_INTERVAL, None, line.numbers["slope"]
    if b is not None:
        design = np.column_stack([np.ones(len(eta)), eta])
        low, high = np.asarray(engine.profile_limits(design, y, level))[1]
        slope = Interval(b, finite(low), finite(high))
        slope_error = finite(engine.fit_logistic(design, y)["standard_errors"][1])
    p, shift = probability(eta), line.numbers["citl"]
    assert shift is not None, "both outcomes are there"
    recalibrated = probability(eta + shift)
    information = float(np.sum(recalibrated * (1 - recalibrated)))
    error = 1 / np.sqrt(information) if information > NO_INFORMATION else np.inf
    ratio, log_error = float(y.sum() / p.sum()), float(np.sqrt((1 - y.mean()) / y.sum()))
    if isinstance(engine, ClusteredEngine):
        error = error_of_sums(y - recalibrated, engine.patient) * error**2
        log_error = error_of_sums(y - y.mean(), engine.patient) / float(y.sum())
    spread = z * log_error
    return CalibrationLimits(
        slope,
        Interval(shift, finite(shift - z * error), finite(shift + z * error)),
        Interval(ratio, float(ratio * np.exp(-spread)), float(ratio * np.exp(spread))),
        StandardErrors(
            finite(np.sqrt(engine.auc(y, ranked_probability(eta), level)["variance"])),
            slope_error,
            finite(error),
            finite(log_error),
        ),
    )
