"""Numbers that do not exist: which are null in the results, how often, and why."""

from __future__ import annotations

from typing import Any

from prldh.core import Warn, warn

#: Why a number of this name may not exist.
NULL_REASONS = {
    "auc": "some refits ended as the intercept alone, or a class is missing",
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
    "corrected": "McClish's correction is not defined here",
    "ici": "fewer than five distinct predictions: the curve is by group",
    "spiegelhalter_z": "every prediction is 0, 0.5 or 1",
    "spiegelhalter_p": "every prediction is 0, 0.5 or 1",
    "slope": "the predictions do not vary, or are separated by the outcome",
    "intercept": "the predictions do not vary, or are separated by the outcome",
    "threshold": "no threshold is better than calling everyone positive, or it is the end of a curve",
    "cutoff": "no cutoff is better than calling everyone high",
    "smd": (
        "it is infinite: the variable does not vary within the outcomes, or a level tells them apart; or an outcome has"
        " one patient"
    ),
    "percent": "the column has no patients",
    "sd": "one patient has no standard deviation",
    "events_per_parameter": "the model estimates nothing beside its intercept",
    "oob": "no patient was ever out of bag in both classes, or the measure does not exist there",
    "avoided": "the threshold is 0, where nobody is spared",
    "boot_low": (
        "the percentile is infinite (bootstrap samples in which a group has one outcome only), or the measure does not"
        " exist"
    ),
}
_SAME_REASON = {
    "se": "b",
    "or": "b",
    "e50": "ici",
    "e90": "ici",
    "emax": "ici",
    "citl": "slope",
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
    "avoided_low": "avoided",
    "avoided_high": "avoided",
    "corrected_low": "corrected",
    "corrected_high": "corrected",
    "variance": "auc",
    "p_holm": "p",
    "p_bh": "p",
    "mean": "percent",
    "median": "percent",
    "q1": "percent",
    "q3": "percent",
}
#: The same where the part of the results that the number stands in tells more; "*": any number there.
REASONS_THERE = {
    **{("auc", key): NULL_REASONS["auc"] for key in ("estimate", "low", "high", "variance")},
    ("hosmer_lemeshow", "*"): "too few distinct groups of predictions, or an empty one",
    **{
        (line, key): "a calibration line has no value that stands for no information"
        for line in ("intercept", "slope")
        for key in ("b632plus", "b632plus_low", "b632plus_high", "no_information")
    },
    **{
        (
            line,
            key,
        ): (
            "the corrected line of a bootstrap has no interval, as every model's is 0 and 1 on its own sample; nor has"
            " a held-out one without limits"
        )
        for line in ("intercept", "slope")
        for key in ("low", "high")
    },
    **{
        (part, key): "nobody moves, or all move alike"
        for part in ("events", "nonevents", "nri", "continuous_nri", "idi")
        for key in ("low", "high", "statistic", "p")
    },
    **{(part, "p"): NULL_REASONS["b"] for part in ("terms", "unadjusted", "adjusted")},
    ("likelihood_ratio", "df2"): "infinite: nothing that these models use was imputed",
    ("likelihood_ratio", "*"): "the models are not nested here, or cannot be fitted",
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
    found: dict[tuple[str, str], dict[str, int]] = {}
    for (parent, key), n in sorted(counts.items()):
        general = NULL_REASONS.get(_SAME_REASON.get(key, key), "it is not defined for these data")
        reason = (
            REASONS_THERE.get((parent, key))
            or (REASONS_THERE.get((parent, "*")) if key in NULL_REASONS or key in _SAME_REASON else None)
            or general
        )
        found.setdefault((parent, reason), {})[key] = n
    return [
        warn.NULL_VALUES(part=parent, listed=", ".join(f"{key} ({n})" for key, n in keys.items()), reason=reason)
        for (parent, reason), keys in found.items()
    ]


def _count_nulls(value: Any, parent: str, key: str, counts: dict[tuple[str, str], int]) -> None:
    if isinstance(value, dict):
        for k, v in value.items():
            if k in ("details", "dropped", "settings", "roc") or (value.get("reference") is True and v is None):
                continue
            _count_nulls(v, key or parent, k, counts)
    elif isinstance(value, list):
        for v in value:
            _count_nulls(v, parent, key, counts)
    elif value is None and key not in _STRUCTURE:
        counts[parent, key] = counts.get((parent, key), 0) + 1
