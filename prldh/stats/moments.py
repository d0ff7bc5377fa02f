"""A variable described by its mean, quartiles and ends."""

from __future__ import annotations

import numpy as np


def moments(values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation, quartiles, smallest and largest value.

    Parameters
    ----------
    values : (n,) array
        Without blanks.

    Returns
    -------
    dict
        ``mean``, ``sd`` (divisor n - 1; NaN of one value), ``median``, ``q1``, ``q3``, ``min`` and
        ``max``; all NaN of none.

    Notes
    -----
    R: ``mean``, ``sd``, ``range``, ``quantile`` with its default type 7 (Hyndman and Fan, The American Statistician 50
    (1996) 361-365).

    Examples
    --------
    >>> moments(np.array([1.0, 2.0, 3.0, 6.0]))["median"]
    2.5
    """
    if not values.size:
        return dict.fromkeys(("mean", "sd", "median", "q1", "q3", "min", "max"), np.nan)
    q1, median, q3 = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    sd = float(np.std(values, ddof=1)) if values.size > 1 else np.nan
    ends = {"min": float(values.min()), "max": float(values.max())}
    return {"mean": float(values.mean()), "sd": sd, "median": median, "q1": q1, "q3": q3, **ends}
