"""Two partial areas on the same patients: a bootstrap test and an asymptotic one. DeLong's test is of whole areas
only."""

from __future__ import annotations

import numpy as np
from scipy import special

from prldh.stats.bands import times_drawn
from prldh.stats.partial_roc import ROUNDING, areas_of_samples, check_range, restricted_placements, variance_of_mean
from prldh.stats.roc import NAN, compare_estimates, split_classes


def _test(difference: float, error: float, level: float, df: float = np.inf) -> dict[str, float]:
    """Test of a difference by t with ``df`` degrees of freedom, normal where they are infinite; rounding is no
    spread."""
    difference, error = (0.0 if abs(value) < ROUNDING else float(value) for value in (difference, error))
    comparison = compare_estimates(difference, error, level)
    if np.isfinite(df):
        half = float(special.stdtrit(df, 0.5 + level / 2.0)) * error
        comparison |= {
            "low": difference - half,
            "high": difference + half,
            "p": float(2.0 * special.stdtr(df, -abs(comparison["statistic"]))),
        }
    return comparison


def _difference(
    event: np.ndarray, a: np.ndarray, b: np.ndarray, focus: str, high: float, low: float, times: np.ndarray
) -> np.ndarray:
    return areas_of_samples(event, a, focus, high, low, times) - areas_of_samples(event, b, focus, high, low, times)


def compare_partial_auc(
    outcome: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    focus: str,
    from_: float,
    to: float,
    rows: np.ndarray,
    n_resamples: int,
    level: float = 0.95,
) -> dict[str, float]:
    """Paired comparison of two partial areas by a bootstrap stratified by outcome.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    a, b : (n,) arrays
        Scores; higher means event.
    focus, from_, to
        The range, as in :func:`prldh.stats.partial_roc.partial_auc`.
    rows : (n_resamples, n) or flat integer array
        0-based row numbers, as :func:`prldh.stats.partial_roc.stratified_rows` draws them.
    n_resamples : int
    level : float
        Coverage.

    Returns
    -------
    dict
        ``difference`` (a - b, uncorrected areas), ``low``, ``high`` (normal, with the bootstrap's standard deviation),
        ``statistic`` (difference / standard deviation), ``p`` (normal). Identical scores: statistic 0, p 1. NaN with
        one class; all but the difference NaN where fewer than two samples hold both classes.

    Raises
    ------
    DataError
        When the focus is unknown, the range is not one, or the rows do not fit.

    Notes
    -----
    X. Robin et al., BMC Bioinformatics 12 (2011) 77. R: ``pROC::roc.test(method = "bootstrap", paired = TRUE,
    boot.stratified = TRUE, partial.auc =, partial.auc.focus =)``, with these samples in place of its own.

    Examples
    --------
    >>> from prldh.stats.partial_roc import stratified_rows
    >>> y, s = np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 2.0, 4.0])
    >>> rows = stratified_rows(y, 100, np.random.default_rng(1))
    >>> compare_partial_auc(y, s, s, "sensitivity", 1, 0.8, rows, 100)["p"]
    1.0
    """
    high, low = check_range(focus, from_, to)
    event, (a, b) = split_classes(outcome, a, b)
    times = times_drawn(rows, n_resamples, len(event))
    if event.all() or not event.any():
        return dict.fromkeys(("difference", "low", "high", "statistic", "p"), NAN)
    (difference,) = _difference(event, a, b, focus, high, low, np.ones((1, len(event))))
    resampled = _difference(event, a, b, focus, high, low, times)
    resampled = resampled[~np.isnan(resampled)]
    return _test(difference, resampled.std(ddof=1) if len(resampled) > 1 else NAN, level)


def _variance_and_its_noise(
    event: np.ndarray, a: np.ndarray, b: np.ndarray, focus: str, high: float, low: float
) -> tuple[float, float]:
    """Variance of the difference of two partial areas, and the squared coefficient of variation of that very estimate.

    The estimated variance of k numbers has the variance 2 s^4 / (k - 1) + (m4 - 3 m2^2) / k, with their central moments
    m2 and m4.
    """
    variance, noise = 0.0, 0.0
    placements = zip(
        restricted_placements(event, a, focus, high, low),
        restricted_placements(event, b, focus, high, low),
        strict=True,
    )
    for of_a, of_b in placements:
        differences = np.sort(of_a - of_b)
        k, part = len(differences), variance_of_mean(differences)
        centred = differences - differences.mean()
        variance += part
        if k > 1:
            noise += 2.0 * part**2 / (k - 1) + ((centred**4).mean() - 3.0 * (centred**2).mean() ** 2) / k**3
    return variance, noise / variance**2 if variance > ROUNDING**2 else 0.0


def compare_partial_auc_asymptotic(
    outcome: np.ndarray, a: np.ndarray, b: np.ndarray, focus: str, from_: float, to: float, level: float = 0.95
) -> dict[str, float]:
    """Paired nonparametric test of two partial areas by placement values restricted to the range; over the whole range
    DeLong's.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    a, b : (n,) arrays
        Scores; higher means event.
    focus, from_, to
        The range, as in :func:`prldh.stats.partial_roc.partial_auc`.
    level : float
        Coverage.

    Returns
    -------
    dict
        ``difference`` (a - b, uncorrected areas), ``low``, ``high``, ``statistic`` (difference / standard error),
        ``p``, ``df`` (of the t distribution; infinite: normal). Identical scores: statistic 0, p 1. NaN with one class;
        all but the difference NaN with a single patient in a class.

    Raises
    ------
    DataError
        When the focus is unknown or the range is not one.

    Notes
    -----
    H. Yang, K. Lu, Y. Zhao, Statistica Sinica 27 (2017) 357-371: the limit, and the jackknife as its estimate. The end
    of a range of specificity is itself a quantile, estimated from the non-events. With S1(x) and S0(y) the shares of
    events above x and of non-events above y, R the curve, and u1 < u2 the range in 1 - specificity, the influence
    functions are u2 - min(max(S0(y), u1), u2) for an event y and min(max(S1(x), R(u1)), R(u2)) for a non-event x, each
    less its mean. That S1 is cut at the ordinates R(u1) and R(u2), and not left out outside the range, is what the
    estimated quantiles add; no density is needed. The variance of Y. He, M. Escobar, Statistics in Medicine 27 (2008)
    5291-5308, takes them as known. A range of sensitivity: the classes exchanged.

    In finite samples the values are the delete-one jackknife's in each class (J. N. Arvesen, Annals of Mathematical
    Statistics 40 (1969) 2076-2100). Over the whole range these are DeLong's placement values (Biometrics 44 (1988)
    837-845), and this is DeLong's test.

    Few patients of the class that has the range lie within it (8 of 39 events for sensitivities over 0.8), and the
    variance is then known badly: a normal reference would reject up to 7 % of true null hypotheses. So it is t's, with
    Satterthwaite's degrees of freedom (Biometrics Bulletin 2 (1946) 110-114): 1/df is half the squared coefficient of
    variation of the variance, less the same over the whole range, where DeLong's test is normal.
    tests/unit/test_partial_roc.py simulates the type I error. R has no such function.

    Examples
    --------
    >>> y, s = np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 2.0, 4.0])
    >>> compare_partial_auc_asymptotic(y, s, s, "sensitivity", 1, 0.8)["p"]
    1.0
    """
    high, low = check_range(focus, from_, to)
    event, (a, b) = split_classes(outcome, a, b)
    if event.all() or not event.any():
        return dict.fromkeys(("difference", "low", "high", "statistic", "p", "df"), NAN)
    (difference,) = _difference(event, a, b, focus, high, low, np.ones((1, len(event))))
    variance, noise = _variance_and_its_noise(event, a, b, focus, high, low)
    excess = noise - _variance_and_its_noise(event, a, b, focus, 1.0, 0.0)[1]
    df = 2.0 / excess if excess > ROUNDING else np.inf
    return _test(difference, np.sqrt(variance), level, df) | {"df": float(df) if variance >= 0.0 else NAN}
