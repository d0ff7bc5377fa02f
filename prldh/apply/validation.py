"""How well frozen models predict new patients: nothing is fitted to them but what describes their calibration.

References
----------
E. W. Steyerberg, Clinical Prediction Models, 2nd ed. (2019), ch. 15-17: validation at another place with threshold and
coefficients as they were. T. P. A. Debray et al., BMJ 356 (2017) i6460: the ratio of observed to expected events and
the standard error of its logarithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from prldh.chain import probability, ranked_probability, rounded_probability
from prldh.models import (
    Assessment,
    Confusion,
    calibration,
    calibration_limits,
    classify,
    describe_auc,
    hosmer_lemeshow,
    roc_vertices,
    usefulness,
)


def describe_new_predictions(
    outcome: np.ndarray, eta: np.ndarray, threshold: float | None, assessment: Assessment
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
        ``observed_expected``, and ``standard_errors``.
    """
    y, p, engine, level = outcome.astype(float), probability(eta), assessment.engine, assessment.level
    rounded = rounded_probability(eta)
    auc = describe_auc(y, eta[None, :], assessment)
    positive, event = ranked_probability(eta) > (-np.inf if threshold is None else threshold), y == 1
    cells = (positive & event, positive & ~event, ~positive & event, ~positive & ~event)
    counts = Confusion(*(int(cell.sum()) for cell in cells))
    line = calibration(y, rounded, eta, assessment, assessment.draws.patients)
    return {
        "auc": auc,
        "threshold": threshold,
        "confusion": counts,
        **classify(counts, assessment),
        "calibration": line,
        **vars(calibration_limits(y, eta, line, engine, level)),
        "hosmer_lemeshow": hosmer_lemeshow(y, rounded, assessment, is_fitted=False),
        **usefulness(y, p, assessment),
        "roc": roc_vertices(engine, y, ranked_probability(eta), level),
    }
