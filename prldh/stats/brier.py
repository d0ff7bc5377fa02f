"""The Brier score's parts: miscalibration, discrimination, uncertainty."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from scipy.optimize import isotonic_regression

from prldh.stats.roc import NAN, split_probability


class BrierParts(TypedDict):
    """The Brier score is the first, less the second, plus the third."""

    miscalibration: float
    discrimination: float
    uncertainty: float


def brier_decomposition(outcome: np.ndarray, probability: np.ndarray) -> BrierParts:
    """What the Brier score owes to miscalibration, and what discrimination takes off.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    probability : (n,) array

    Returns
    -------
    dict
        ``miscalibration`` (how much recalibration would lower the score), ``discrimination`` (how much lower the
        recalibrated predictions' score is than that of the share of events) and ``uncertainty`` (that share's own
        score). Brier score = miscalibration - discrimination + uncertainty, and none is negative. With one class the
        last two are 0. NaN without patients.

    Raises
    ------
    DataError
        As :func:`prldh.stats.roc.split_probability`.

    Notes
    -----
    Recalibration is isotonic regression of the outcome on the prediction, equal predictions pooled, so that nothing is
    binned by hand: T. Dimitriadis, T. Gneiting, A. I. Jordan, PNAS 118 (2021) e2016191118. R:
    ``reliabilitydiag::summary.reliabilitydiag``, from ``stats::isoreg``.

    Examples
    --------
    >>> parts = brier_decomposition(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.6, 0.9]))
    >>> {name: round(value, 12) for name, value in parts.items()}
    {'miscalibration': 0.06, 'discrimination': 0.125, 'uncertainty': 0.25}
    """
    event, probability = split_probability(outcome, probability)
    if not len(event):
        return {"miscalibration": NAN, "discrimination": NAN, "uncertainty": NAN}
    # Events first among equal predictions: a falling run is always pooled
    order = np.lexsort((~event, probability))
    y, p, share = event[order].astype(float), probability[order], float(event.mean())
    recalibrated = isotonic_regression(y).x
    gain = float(np.mean((p - y) ** 2) - np.mean((recalibrated - y) ** 2))
    return {
        "miscalibration": max(gain, 0.0),  # rounding may leave -1e-17
        "discrimination": float(np.mean((recalibrated - share) ** 2)),
        "uncertainty": share * (1.0 - share),
    }
