"""Proportions with exact intervals."""

from __future__ import annotations

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
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(successes, total, 1.0 - level, method="beta")
    return {"estimate": successes / total, "low": float(low), "high": float(high)}
