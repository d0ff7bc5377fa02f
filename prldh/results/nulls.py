"""Numbers that do not exist: which are null in the results, how often, and why."""

from __future__ import annotations

from typing import Any

from prldh.core import Warn, warn
from prldh.results.measures import MEASURES

#: Why a number of this name may not exist, wherever it stands; what is said of a measure is its own.
NULL_REASONS = {
    **{part: reason for measure in MEASURES for part, reason in measure.null_parts.items()},
    **{measure.key: measure.null for measure in MEASURES if measure.null},
    "statistic": "the test has no statistic (Fisher) or the data do not vary enough",
    "df": "the test has no degrees of freedom (Fisher, Wilcoxon, or too few groups)",
    "p": "the test is not defined for these data, or for models of which one is fitted by Firth's penalised likelihood",
    "b": (
        "the maximum-likelihood estimate is infinite (separation), the term is not estimable, or a group has no"
        " patients"
    ),
    "low": "the interval has no finite lower limit, or the estimate does not exist",
    "high": "the interval has no finite upper limit, or the estimate does not exist",
    "estimate": "the quantity is not defined for these data (nothing to divide by, or infinite)",
    "cutoff": "no cutoff is better than calling everyone high",
    "smd": (
        "it is infinite: the variable does not vary within the outcomes, or a level tells them apart; or an outcome has"
        " one patient"
    ),
    "percent": "the column has no patients",
    "sd": "one patient has no standard deviation",
    "events_per_parameter": "the model estimates nothing beside its intercept",
    "oob": "no patient was ever out of bag in both classes, or the measure does not exist there",
    "boot_low": (
        "the percentile is infinite (bootstrap samples in which a group has one outcome only), or the measure does not"
        " exist"
    ),
}
_SAME_REASON = {
    "se": "b",
    "or": "b",
    "b632": "oob",
    "oob_low": "oob",
    "oob_high": "oob",
    "b632_low": "oob",
    "b632_high": "oob",
    "b632plus": "oob",
    "b632plus_low": "oob",
    "b632plus_high": "oob",
    "no_information": "oob",
    "boot_high": "boot_low",
    "variance": "auc",
    "p_holm": "p",
    "p_bh": "p",
    "mean": "percent",
    "median": "percent",
    "q1": "percent",
    "q3": "percent",
}
NULL_REASONS |= {key: NULL_REASONS[same] for key, same in _SAME_REASON.items()}
#: The same where the part of the results that the number stands in tells more.
REASONS_THERE = {
    **{(measure.key, part): reason for measure in MEASURES for part, reason in measure.null_parts.items()},
    **{
        (part, key): "nobody moves, or all move alike"
        for part in ("events", "nonevents", "nri", "continuous_nri", "idi")
        for key in ("low", "high", "statistic", "p")
    },
    **{(part, "p"): NULL_REASONS["b"] for part in ("terms", "unadjusted", "adjusted")},
    **{
        ("likelihood_ratio", key): "the models are not nested here, or cannot be fitted"
        for key in ("statistic", "df", "p")
    },
    ("likelihood_ratio", "df2"): "infinite: nothing that these models use was imputed",
}
#: Keys whose null is no missing number.
_STRUCTURE = {
    "level",
    "scope",
    "scheme",
    "reason",
    "column",
    "selection",
    "radscore",
    "interaction",
    "r",
    "adjusted",
    "difference",
    "stability",
    "details",
    "study",
    "validation",
    "python",
    "missing",
    "univariate",
    "adjusted_risk_ratio",
}


def explain_nulls(data: dict[str, Any]) -> list[Warn]:
    """One warning a part of the results and reason: which numbers are null there, how often, and why."""
    counts: dict[tuple[str, str], int] = {}
    _count_nulls(
        {k: v for k, v in data.items() if k not in ("study", "agreement", "warnings", "engines")}, "results", "", counts
    )
    by_reason: dict[tuple[str, str], dict[str, int]] = {}
    for (parent, key), n in sorted(counts.items()):
        reason = REASONS_THERE.get((parent, key)) or NULL_REASONS.get(key, "it is not defined for these data")
        by_reason.setdefault((parent, reason), {})[key] = n
    return [
        warn.NULL_VALUES(part=parent, listed=", ".join(f"{key} ({n})" for key, n in keys.items()), reason=reason)
        for (parent, reason), keys in by_reason.items()
    ]


def _count_nulls(value: Any, parent: str, key: str, counts: dict[tuple[str, str], int]) -> None:
    if isinstance(value, dict):
        for k, v in value.items():
            if k in ("details", "dropped", "settings", "roc") or (value.get("reference") is True and v is None):
                continue
            if k == "difference" and isinstance(v, dict) and "reason" in v:  # it says itself why it is null
                continue
            _count_nulls(v, key or parent, k, counts)
    elif isinstance(value, list):
        for v in value:
            _count_nulls(v, parent, key, counts)
    elif value is None and key not in _STRUCTURE:
        counts[parent, key] = counts.get((parent, key), 0) + 1
