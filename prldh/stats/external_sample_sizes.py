"""How many patients an external validation of a model of a binary outcome needs."""

from __future__ import annotations

import math

import numpy as np

from prldh.core import DataError

_NAN = float("nan")
#: A determinant below this share of the product of its diagonal is 0: the log odds do not vary.
_NO_SPREAD = 1e-10


def external_sample_size(
    prevalence: float,
    log_odds: np.ndarray,
    auc: float,
    threshold: float,
    se_log_observed_expected: float = 0.051,
    se_slope: float = 0.2 / 3.92,
    se_auc: float = 0.1 / 3.92,
    se_net_benefit: float = 0.051,
) -> dict[str, float]:
    """Patients needed to validate a model of a binary outcome elsewhere, by the four criteria of Riley et al.

    Parameters
    ----------
    prevalence : float
        Anticipated share of events f, between 0 and 1.
    log_odds : (n,) array
        The model's log odds in patients as those to come; the model is taken to be calibrated in them.
    auc : float
        Anticipated c-statistic. Where it does not lie strictly between 0 and 1, that criterion is NaN.
    threshold : float
        Of the probability; positive is strictly above. Where it does not lie strictly between 0 and 1, net benefit's
        criterion is NaN.
    se_log_observed_expected, se_slope, se_auc, se_net_benefit : float
        Wanted standard errors of the logarithm of observed / expected events, of the calibration slope, of the
        c-statistic and of the standardised net benefit. The defaults are the paper's: 95 % intervals that are 0.2 wide
        (observed / expected about 1: 0.90 to 1.10), and 0.1 for the c-statistic.

    Returns
    -------
    dict
        ``n_observed_expected``, ``n_slope``, ``n_auc``, ``n_net_benefit``: patients needed by each criterion; ``n``,
        the largest of those that are defined; ``events`` among these; ``sensitivity``, ``specificity`` and
        ``net_benefit`` (standardised) at the threshold that are anticipated. ``n_slope`` is NaN where the log odds do
        not vary.

    Raises
    ------
    DataError
        When the prevalence is out of range, or there are no log odds.

    Notes
    -----
    R. D. Riley et al., Statistics in Medicine 40 (2021) 4230-4251: (1 - f) / (f se²); I_a / (se² (I_a I_b - I_ab²))
    with the means of w, w LP² and w LP, w = p (1 - p); Newcombe's variance of the c-statistic (R. G. Newcombe,
    Statistics in Medicine 25 (2006) 559-573); the variance of the standardised net benefit (T. L. Marsh, H. Janes,
    M. S. Pepe, Biometrics 76 (2020) 843-852). Sensitivity and specificity at the threshold are those that calibrated
    predictions have. R: ``pmvalsampsize::pmvalsampsize(type = "b")``, which draws the log odds from a distribution.

    Examples
    --------
    >>> sizes = external_sample_size(0.018, np.array([-6.0, -4.0, -2.0]), 0.8, float("nan"), 0.2456)
    >>> sizes["n_observed_expected"], sizes["n_auc"]
    (905.0, 4252.0)
    """
    if not 0.0 < prevalence < 1.0:
        raise DataError(f"prevalence must lie between 0 and 1: found {prevalence:g}.")
    eta = np.asarray(log_odds, dtype=float).ravel()
    if not eta.size or not np.isfinite(eta).all():
        raise DataError(f"log_odds must be finite, one a patient: found {eta.size}, some of them not.")
    p = 1.0 / (1.0 + np.exp(-np.clip(eta, -700.0, 700.0)))
    others = prevalence * (1.0 - prevalence)
    sensitivity, specificity = _at_threshold(p, threshold)
    weight = (1.0 - prevalence) / prevalence * threshold / (1.0 - threshold) if 0.0 < threshold < 1.0 else _NAN
    variance = (
        sensitivity * (1.0 - sensitivity) / prevalence
        + weight**2 * specificity * (1.0 - specificity) / (1.0 - prevalence)
        + weight**2 * (1.0 - specificity) ** 2 / others
    )
    needed = {
        "n_observed_expected": _up((1.0 - prevalence) / (prevalence * se_log_observed_expected**2)),
        "n_slope": _up(_for_slope(eta, p) / se_slope**2),
        "n_auc": _for_auc(auc, others, se_auc),
        "n_net_benefit": _up(variance / se_net_benefit**2),
    }
    n = max(size for size in needed.values() if not math.isnan(size))
    return {
        **needed,
        "n": n,
        "events": _up(n * prevalence),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "net_benefit": sensitivity - weight * (1.0 - specificity),
    }


def _for_slope(eta: np.ndarray, p: np.ndarray) -> float:
    """The variance of the slope times n: of a logistic model on the log odds, at intercept 0 and slope 1."""
    weight = p * (1.0 - p)
    total = float(weight.mean())
    if not total > 0.0:
        return _NAN
    center = float((weight * eta).mean()) / total
    spread = float((weight * (eta - center) ** 2).mean())
    size = float((weight * eta**2).mean())
    return 1.0 / spread if spread > _NO_SPREAD * max(size, total) else _NAN


def _at_threshold(p: np.ndarray, threshold: float) -> tuple[float, float]:
    """Sensitivity and specificity of calibrated predictions, strictly above the threshold."""
    if not 0.0 < threshold < 1.0 or not p.sum() > 0.0 or not (1.0 - p).sum() > 0.0:
        return _NAN, _NAN
    is_positive = p > threshold
    return float(p[is_positive].sum() / p.sum()), float((1.0 - p[~is_positive]).sum() / (1.0 - p).sum())


def _for_auc(auc: float, others: float, se: float) -> float:
    """The least n at which Newcombe's standard error is no larger: the root of a quadratic."""
    if not 0.0 < auc < 1.0:
        return _NAN
    product = auc * (1.0 - auc)
    share = (1.0 - auc) / (2.0 - auc) + auc / (1.0 + auc)
    a, b, c = se**2 * others, product * share / 2.0, product * (1.0 - share)
    return _up((b + math.sqrt(b**2 + 4.0 * a * c)) / (2.0 * a))


def _up(value: float) -> float:
    return float(math.ceil(round(value, 9))) if math.isfinite(value) else _NAN
