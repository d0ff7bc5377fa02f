"""p-values adjusted for their number."""

from __future__ import annotations

import numpy as np

from prldh.core import DataError


def adjust_p(p: np.ndarray, method: str) -> np.ndarray:
    """p-values adjusted by Holm's or Benjamini and Hochberg's step procedure.

    Parameters
    ----------
    p : (m,) array
        NaN where a test is not defined: it stays NaN and does not count.
    method : {"holm", "bh"}
        Holm's step-down procedure (family-wise error), or Benjamini and Hochberg's step-up one (false discovery rate).

    Returns
    -------
    (m,) array
        Adjusted p-values in the order of ``p``, at most 1.

    Raises
    ------
    DataError
        When the method is unknown or a p-value is outside 0..1.

    Notes
    -----
    S. Holm, Scandinavian Journal of Statistics 6 (1979) 65-70; Y. Benjamini, Y. Hochberg, JRSS B 57 (1995) 289-300.
    R: ``p.adjust(p, "holm")``, ``p.adjust(p, "BH")``.

    Examples
    --------
    >>> adjust_p(np.array([0.01, 0.04, 0.03]), "holm").tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=float).ravel()
    if method not in ("holm", "bh"):
        raise DataError(f'method must be "holm" or "bh": found "{method}".')
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    if known.size and (p[known].min() < 0 or p[known].max() > 1):
        raise DataError("p-values must lie within 0 and 1.")
    if known.size and method == "holm":
        order = known[np.argsort(p[known], kind="stable")]
        adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(order.size, 0, -1)), 1.0)
    elif known.size:
        from statsmodels.stats.multitest import fdrcorrection

        adjusted[known] = fdrcorrection(p[known])[1]
    return adjusted
