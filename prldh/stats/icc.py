"""Intraclass correlation of repeated measurements of the same patients."""

from __future__ import annotations

import numpy as np
from scipy import special

from prldh.core import DataError
from prldh.stats.units import power_of_two

FORMS = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")
#: Variables are taken so many at a time, as intermediate arrays are several times as large as the ratings.
BLOCK = 500
_MCGRAW_WONG = {"1": "1,1", "k": "1,k", "a,1": "2,1", "c,1": "3,1", "a,k": "2,k", "c,k": "3,k"}


def icc_form(spelling: str) -> str:
    """The form that a spelling means, as :data:`FORMS` has it.

    Shrout and Fleiss write ICC(2,1) and ICC(2,k), psych ICC2 and ICC2k, McGraw and Wong ICC(A,1) and ICC(A,k) (A
    agreement, which is 2; C consistency, which is 3; ICC(1) and ICC(k) one-way).

    Raises
    ------
    DataError
        When it means none.

    References
    ----------
    P. E. Shrout, J. L. Fleiss, Psychological Bulletin 86 (1979) 420-428; K. O. McGraw, S. P. Wong, Psychological
    Methods 1 (1996) 30-46.

    Examples
    --------
    >>> icc_form("ICC(2,1)"), icc_form("icc(A, k)"), icc_form("ICC3k")
    ('ICC2', 'ICC2k', 'ICC3k')
    """
    inner = "".join(str(spelling).split()).upper().removeprefix("ICC").lower()
    if inner.startswith("(") and inner.endswith(")"):
        inner = inner[1:-1]
        inner = _MCGRAW_WONG.get(inner, inner).replace(",1", "").replace(",", "")
    form = f"ICC{inner}"
    if form not in FORMS:
        raise DataError(
            f"form must be one of {', '.join(FORMS)}, also written ICC(2,1) or ICC(A,1): found '{spelling}'."
        )
    return form


def _f_quantile(share: float, df_top: np.ndarray | float, df_bottom: np.ndarray | float) -> np.ndarray:
    """Quantile of the F distribution. R: ``qf``."""
    complement = special.betaincinv(np.asarray(df_bottom) / 2.0, np.asarray(df_top) / 2.0, 1.0 - share)
    return np.asarray(df_bottom) * (1.0 - complement) / (np.asarray(df_top) * complement)


def _mean_squares(ratings: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean squares between patients, between readers, residual and within patients; each (p,)."""
    n, k = ratings.shape[:2]
    centred = ratings - ratings.mean(axis=(0, 1))
    patients, readers = centred.mean(axis=1), centred.mean(axis=0)
    residual = centred - patients[:, None] - readers[None]
    between = k * (patients**2).sum(axis=0)
    across = n * (readers**2).sum(axis=0)
    error = (residual**2).sum(axis=(0, 1))
    return between / (n - 1), across / (k - 1), error / ((n - 1) * (k - 1)), (across + error) / (n * (k - 1))


def _limits_from_ratio(
    top: np.ndarray, bottom: np.ndarray, n: int, k: int, df: int, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of the one-way and fixed-reader forms: those of an F ratio, turned into a correlation."""
    wide = top / _f_quantile(1.0 - alpha / 2.0, n - 1, df)
    narrow = top * _f_quantile(1.0 - alpha / 2.0, df, n - 1)
    return (wide - bottom) / (wide + (k - 1) * bottom), (narrow - bottom) / (narrow + (k - 1) * bottom)


def _two_way(
    between: np.ndarray, across: np.ndarray, error: np.ndarray, n: int, k: int, alpha: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ICC2 and its limits by Satterthwaite's approximation."""
    estimate = (between - error) / (between + (k - 1) * error + k * (across - error) / n)
    remainder = (n * (1 + (k - 1) * estimate) - k * estimate) * error
    top = (k - 1) * (n - 1) * (k * estimate * across + remainder) ** 2
    df = top / ((n - 1) * (k * estimate * across) ** 2 + remainder**2)
    upper, lower = _f_quantile(1.0 - alpha / 2.0, n - 1, df), _f_quantile(1.0 - alpha / 2.0, df, n - 1)
    rest = k * across + (k * n - k - n) * error
    low = n * (between - upper * error) / (upper * rest + n * between)
    high = n * (lower * between - error) / (rest + n * lower * between)
    return estimate, low, high


def icc_of_ratings(ratings: np.ndarray, form: str = "ICC2", level: float = 0.95) -> dict[str, np.ndarray]:
    """Intraclass correlation of any number of readers, for every variable.

    Parameters
    ----------
    ratings : (n, k, p) array, or (n, k) of one variable
        n patients, k readers, p variables.
    form : {"ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"}
        Shrout and Fleiss's forms: one-way, two-way random (agreement), two-way mixed (consistency); those with k are of
        the readers' mean.
    level : float
        Coverage.

    Returns
    -------
    dict
        (p,) arrays ``estimate``, ``low``, ``high``; NaN for a variable that every reader finds constant, and
        everywhere with fewer than two patients or readers. Readers who agree throughout: 1, with limits 1 and 1.

    Raises
    ------
    DataError
        When the form is unknown or ``ratings`` has another number of dimensions.

    Notes
    -----
    R: ``psych::ICC(ratings, lmer = FALSE)``.

    References
    ----------
    P. E. Shrout, J. L. Fleiss, Psychological Bulletin 86 (1979) 420-428; K. O. McGraw, S. P. Wong, Psychological
    Methods 1 (1996) 30-46.

    Examples
    --------
    Six targets by four judges, table 2 of Shrout and Fleiss: ICC(2,1) is 0.29

    >>> ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    >>> icc_of_ratings(ratings, "ICC2")["estimate"].round(2)
    array([0.29])
    """
    if form not in FORMS:
        raise DataError(f"form must be one of {', '.join(FORMS)}: found '{form}'.")
    ratings = np.asarray(ratings, dtype=float)
    if ratings.ndim == 2:
        ratings = ratings[:, :, None]
    if ratings.ndim != 3:
        raise DataError(
            f"ratings must be (n, k, p), patients by readers by variables: found {ratings.ndim} dimensions."
        )
    n, k, p = ratings.shape
    if n < 2 or k < 2:
        return {name: np.full(p, np.nan) for name in ("estimate", "low", "high")}
    if p > BLOCK:
        return _joined([icc_of_ratings(part, form, level) for part in np.array_split(ratings, -(-p // BLOCK), axis=2)])
    alpha = 1.0 - level
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        between, across, error, within = _mean_squares(ratings / power_of_two(ratings, axis=(0, 1)))
        if form.startswith("ICC1"):
            estimate = (between - within) / (between + (k - 1) * within)
            low, high = _limits_from_ratio(between, within, n, k, n * (k - 1), alpha)
        elif form.startswith("ICC2"):
            estimate, low, high = _two_way(between, across, error, n, k, alpha)
        else:
            estimate = (between - error) / (between + (k - 1) * error)
            low, high = _limits_from_ratio(between, error, n, k, (n - 1) * (k - 1), alpha)
        if form.endswith("k"):
            estimate, low, high = (k * value / (1.0 + (k - 1) * value) for value in (estimate, low, high))
    flat = (ratings == ratings[:1]).all(axis=(0, 1))  # constant for every reader: tells no patients apart
    same = (ratings == ratings[:, :1]).all(axis=(0, 1))
    result = {"estimate": estimate, "low": low, "high": high}
    return {name: np.where(flat, np.nan, np.where(same, 1.0, value)) for name, value in result.items()}


def icc(first: np.ndarray, second: np.ndarray, form: str = "ICC2", level: float = 0.95) -> dict[str, np.ndarray]:
    """Intraclass correlation of two readers, for every column.

    Parameters
    ----------
    first, second : (n, p) arrays
        The same features of the same patients, measured by two readers.
    form : {"ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"}
        Shrout and Fleiss's forms; ICC2 is two-way random, absolute agreement, single reader.
    level : float
        Coverage.

    Returns
    -------
    dict
        (p,) arrays ``estimate``, ``low``, ``high``; NaN for a column without variance.

    Raises
    ------
    DataError
        When the shapes differ or the form is unknown.

    Notes
    -----
    P. E. Shrout, J. L. Fleiss, Psychological Bulletin 86 (1979) 420-428. R: ``psych::ICC(lmer = FALSE)``.

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [4.0]])
    >>> icc(x, x)["estimate"]
    array([1.])
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape or first.ndim != 2:
        raise DataError(f"both readers must give (n, p) values alike: found {first.shape} and {second.shape}.")
    n_blocks = max(1, -(-first.shape[1] // BLOCK))
    pairs = zip(np.array_split(first, n_blocks, axis=1), np.array_split(second, n_blocks, axis=1), strict=True)
    return _joined([icc_of_ratings(np.stack(pair, axis=1), form, level) for pair in pairs])


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
