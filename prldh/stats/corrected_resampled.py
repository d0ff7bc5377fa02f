"""The interval of a mean over resamples that share training rows."""

from __future__ import annotations

import numpy as np
from scipy import stats


def corrected_resampled(differences: np.ndarray, test_share: float, level: float = 0.95) -> dict[str, float]:
    """Mean of paired differences over resamples, with Nadeau and Bengio's corrected interval.

    Parameters
    ----------
    differences : (j,) array
        One a resample, such as the AUC of one model less that of another on the same held-out patients.
    test_share : float
        Patients held out for each one that trains, n_test / n_train: 1/9 in ten folds.
    level : float
        Coverage of the interval.

    Returns
    -------
    dict
        ``estimate``, ``low``, ``high``, ``se``; limits and ``se`` are NaN of fewer than two resamples, and where all
        differences are equal.

    Notes
    -----
    C. Nadeau, Y. Bengio, Machine Learning 52 (2003) 239-281, section 4.3: as resamples share training rows, the
    variance of their mean is taken as (1/j + n_test/n_train) times that of the differences, with j - 1 degrees of
    freedom; for repeated folds R. R. Bouckaert, E. Frank, PAKDD 2004, 3-12. R: ``correctR::repkfold_ttest``.

    Examples
    --------
    >>> answer = corrected_resampled(np.array([0.1, 0.0, 0.2, 0.1]), 1 / 3)
    >>> round(answer["estimate"], 3), round(answer["low"], 3), round(answer["high"], 3)
    (0.1, -0.098, 0.298)
    """
    values = np.asarray(differences, dtype=float)
    estimate, j = float(values.mean()) if values.size else np.nan, values.size
    spread = float(values.std(ddof=1)) if j > 1 else 0.0
    if spread <= 1e-12:  # the same everywhere, but for rounding
        return {"estimate": estimate, "low": np.nan, "high": np.nan, "se": np.nan}
    error = spread * float(np.sqrt(1.0 / j + test_share))
    width = float(stats.t.ppf((1 + level) / 2, j - 1)) * error
    return {"estimate": estimate, "low": estimate - width, "high": estimate + width, "se": error}
