"""How many patients a prediction model of a binary outcome needs before it is made."""

from __future__ import annotations

import math

from prldh.core import DataError

_NAN = float("nan")
_Z = 1.96  # as the papers and pmsampsize print it, not the exact quantile


def largest_cox_snell(prevalence: float) -> float:
    """The largest Cox-Snell R² that any model can reach at this share of events: 1 - (f^f (1-f)^(1-f))².

    Parameters
    ----------
    prevalence : float
        Share of events f, between 0 and 1.

    Notes
    -----
    R. D. Riley et al., BMJ 368 (2020) m441, box 4; Nagelkerke's R² is Cox and Snell's over this. R: ``max_r2a`` in
    ``pmsampsize::pmsampsize``.

    Examples
    --------
    >>> round(largest_cox_snell(0.5), 6)
    0.75
    """
    if not 0.0 < prevalence < 1.0:
        raise DataError(f"prevalence must lie between 0 and 1: found {prevalence:g}.")
    return 1.0 - math.exp(2.0 * (prevalence * math.log(prevalence) + (1.0 - prevalence) * math.log(1.0 - prevalence)))


def sample_size(
    prevalence: float,
    parameters: float,
    r2_cox_snell: float,
    n_at_hand: float | None = None,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 0.05,
) -> dict[str, float]:
    """Patients needed to develop a model of a binary outcome, by the three criteria of Riley et al.

    Parameters
    ----------
    prevalence : float
        Anticipated share of events, between 0 and 1.
    parameters : float
        Candidate parameters beside the intercept.
    r2_cox_snell : float
        Anticipated Cox-Snell R² of the model, between 0 and :func:`largest_cox_snell`.
    n_at_hand : float, optional
        Patients there are, for ``max_parameters``.
    shrinkage : float
        Least uniform shrinkage factor that is wanted.
    optimism : float
        Largest wanted difference between apparent and adjusted Nagelkerke's R².
    margin : float
        Largest wanted half width of the 95 % interval of the overall risk.

    Returns
    -------
    dict
        ``n_shrinkage``, ``n_optimism``, ``n_risk``: patients needed by each criterion; ``n``, the largest of them;
        ``events`` among these; ``r2_max``, the largest Cox-Snell R² possible; ``max_parameters_shrinkage``,
        ``max_parameters_optimism``: the most parameters for which that criterion needs no more than ``n_at_hand``; and
        ``max_parameters`` for which all three do not, 0 where the overall risk alone needs more. NaN without
        ``n_at_hand``.

    Raises
    ------
    DataError
        When prevalence or R² is out of range, or parameters is negative.

    Notes
    -----
    R. D. Riley et al., Statistics in Medicine 38 (2019) 1276-1296; R. D. Riley et al., BMJ 368 (2020) m441. R:
    ``pmsampsize::pmsampsize(type = "b", csrsquared, parameters, prevalence, shrinkage)``. As there, z is 1.96.

    Examples
    --------
    >>> sizes = sample_size(0.174, 24, 0.288)
    >>> [sizes[k] for k in ("n_shrinkage", "n_optimism", "n_risk", "n", "events")]
    [623.0, 662.0, 221.0, 662.0, 116.0]
    """
    largest = largest_cox_snell(prevalence)
    if not 0.0 < r2_cox_snell < largest:
        raise DataError(
            f"r2_cox_snell must lie between 0 and {largest:.4f}, the largest at a prevalence of {prevalence:g}: found"
            f" {r2_cox_snell:g}."
        )
    if not parameters >= 0:
        raise DataError(f"parameters must not be negative: found {parameters:g}.")
    if r2_cox_snell >= shrinkage or not shrinkage < 1.0:
        raise DataError(f"shrinkage must lie between r2_cox_snell and 1: found {shrinkage:g}.")
    per_shrinkage = _patients_per_parameter(r2_cox_snell, shrinkage)
    per_optimism = _patients_per_parameter(r2_cox_snell, r2_cox_snell / (r2_cox_snell + optimism * largest))
    needed = {
        "n_shrinkage": _up(parameters * per_shrinkage),
        "n_optimism": _up(parameters * per_optimism),
        "n_risk": _up((_Z / margin) ** 2 * prevalence * (1.0 - prevalence)),
    }
    n = max(needed.values())
    most = [_NAN, _NAN] if n_at_hand is None else [_down(n_at_hand / per) for per in (per_shrinkage, per_optimism)]
    overall = _NAN if n_at_hand is None else min(most) if needed["n_risk"] <= n_at_hand else 0.0
    return {
        **needed,
        "n": n,
        "events": _up(n * prevalence),
        "r2_max": largest,
        "max_parameters_shrinkage": most[0],
        "max_parameters_optimism": most[1],
        "max_parameters": overall,
    }


def _patients_per_parameter(r2_cox_snell: float, shrinkage: float) -> float:
    """Patients a parameter for an expected uniform shrinkage factor (Riley et al. 2019, equation 11)."""
    return 1.0 / ((shrinkage - 1.0) * math.log(1.0 - r2_cox_snell / shrinkage))


def _up(value: float) -> float:
    return float(math.ceil(round(value, 9)))


def _down(value: float) -> float:
    return float(math.floor(round(value, 9)))
