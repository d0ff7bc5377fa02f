"""Areas under ROC curves of different patients, such as two strata."""

from __future__ import annotations

import numpy as np

from prldh.stats.roc import auc, compare_estimates


def compare_independent_auc(
    outcome_a: np.ndarray, a: np.ndarray, outcome_b: np.ndarray, b: np.ndarray, level: float = 0.95
) -> dict[str, float]:
    """Difference of two areas of unrelated patients, by DeLong's variance of each.

    Parameters
    ----------
    outcome_a, a : (n,) arrays
        0/1 and score of the first patients.
    outcome_b, b : (m,) arrays
        The same of the second.
    level : float
        Coverage.

    Returns
    -------
    dict
        ``difference`` (a - b), ``low``, ``high``, ``statistic`` (Z), ``p``; NaN where an area or its variance does not
        exist.

    Raises
    ------
    DataError
        When lengths differ, a score is not finite, or an outcome is not 0/1.

    Notes
    -----
    Z = (A - B) / sqrt(var A + var B), J. A. Hanley, B. J. McNeil, Radiology 143 (1982) 29-36, with the variance of E.
    R. DeLong et al., Biometrics 44 (1988) 837-845. R: the statistic D of ``pROC::roc.test(paired = FALSE, method =
    "delong")``, which refers it to a t distribution.

    Examples
    --------
    >>> y, s = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.3, 0.2])
    >>> compare_independent_auc(y, s, y, -s)["difference"]
    0.5
    """
    first, second = auc(outcome_a, a, level), auc(outcome_b, b, level)
    error = float(np.sqrt(first["variance"] + second["variance"]))
    return compare_estimates(first["estimate"] - second["estimate"], error, level)
