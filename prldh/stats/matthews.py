"""Correlation of predicted and observed events."""

from __future__ import annotations

import math


def matthews_correlation(tp: float, fp: float, fn: float, tn: float) -> dict[str, float]:
    """Matthews' correlation coefficient of a table of predicted and observed events.

    Parameters
    ----------
    tp, fp, fn, tn : whole numbers
        True and false positives, false and true negatives.

    Returns
    -------
    dict
        ``estimate``, from -1 to 1; NaN where nobody, or everybody, is predicted to have the event, or has it.

    Notes
    -----
    It is the correlation of two 0/1 variables (phi). B. W. Matthews, Biochimica et Biophysica Acta 405 (1975) 442-451;
    D. Chicco, G. Jurman, BMC Genomics 21 (2020) 6. R: ``stats::cor(predicted, observed)``.

    Examples
    --------
    >>> round(matthews_correlation(6, 1, 2, 3)["estimate"], 3)
    0.478
    """
    margins = float(tp + fp) * float(tp + fn) * float(tn + fp) * float(tn + fn)
    return {"estimate": float(tp * tn - fp * fn) / math.sqrt(margins) if margins else math.nan}
