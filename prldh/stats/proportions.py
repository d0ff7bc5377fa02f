"""Proportions with exact intervals."""

from __future__ import annotations

from scipy import special

from prldh.core import DataError


def proportion(successes: float, total: float, level: float = 0.95) -> dict[str, float]:
    """A proportion with its Clopper-Pearson interval.

    Parameters
    ----------
    successes, total : whole numbers
    level : float
        Coverage, at least.

    Returns
    -------
    dict
        ``estimate``, ``low``, ``high``; all NaN when ``total`` is 0.

    Raises
    ------
    DataError
        When ``successes`` is negative or larger than ``total``.

    Notes
    -----
    C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404-413. R: ``stats::binom.test(successes,
    total)$conf.int``.

    Examples
    --------
    >>> proportion(0, 10)["low"]
    0.0
    """
    successes, total = float(successes), float(total)
    if total == 0.0 or total != total or successes != successes:
        return {"estimate": float("nan"), "low": float("nan"), "high": float("nan")}
    if not 0.0 <= successes <= total:
        raise DataError(f"successes must lie in 0..{total:g}: found {successes:g}.")
    tail = (1.0 - level) / 2.0
    low = 0.0 if successes == 0.0 else float(special.betaincinv(successes, total - successes + 1.0, tail))
    high = 1.0 if successes == total else float(special.betainccinv(successes + 1.0, total - successes, tail))
    return {"estimate": successes / total, "low": low, "high": high}
