"""Numbers that do not exist: which are null in the results, how often, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prldh.core import BOOTSTRAP, HOLDOUT, REPEATED_HOLDOUT, Warn, warn
from prldh.results.measures import BY_KEY, MEASURES

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
    "or": (
        "the maximum-likelihood estimate is infinite (separation) or larger than a number can be, the term is not"
        " estimable, or a group has no patients"
    ),
    "low": "the interval has no finite lower limit, or the estimate does not exist",
    "high": "the interval has no finite upper limit, or none that a number can hold, or the estimate does not exist",
    "estimate": "the quantity is not defined for these data (nothing to divide by, or infinite)",
    "cutoff": "no cutoff is better than calling everyone high, or the groups are those of a covariate",
    "smd": (
        "it is infinite: the variable does not vary within the outcomes, or a level tells them apart; or an outcome has"
        " one patient"
    ),
    "percent": "the column has no patients",
    "sd": "fewer than two patients have no standard deviation",
    "events_per_parameter": "the model estimates nothing beside its intercept",
    "oob": "no patient was ever out of bag in both classes, or the measure does not exist there",
    "boot_low": (
        "the percentile is infinite (bootstrap samples in which a group has one outcome only), or the measure does not"
        " exist"
    ),
}
#: By a scheme's kind and a number's name, why there is none.
_NO_FOLDS = "one part of the patients is held out at a time, so that there are no folds to average over"
_OVER_REPEATS = (
    "of means over repeats that each hold others out, the AUC alone has an interval: from 0.6 on, with 20 patients of"
    " the rarer class, two repeats or more, and no refit that ended as the intercept alone (docs/intervals.md)"
)
REASONS_OF_SCHEMES = {
    **{(kind, "auc_mean"): _NO_FOLDS for kind in (HOLDOUT, REPEATED_HOLDOUT)},
    **{
        (REPEATED_HOLDOUT, f"{of}{end}"): _OVER_REPEATS
        for of in ("", "standardized_", "avoided_", "high_risk_", "high_risk_events_")
        for end in ("low", "high")
    },
    (REPEATED_HOLDOUT, "variance"): _OVER_REPEATS,
}
#: Numbers that tell of chance, by the ends of their names.
OF_CHANCE = ("low", "high", "se", "p", "z", "statistic", "variance", "p_holm", "p_bh", "q", "q_p")
_CLUSTERED = (
    "several rows are one patient's, and no form for clustered rows is known here, or it does not exist for these data"
)
_SAME_REASON = {
    "se": "b",
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
    "min": "percent",
    "max": "percent",
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
    **{
        ("normality", key): "normality is tested of 3 to 5,000 patients whose values vary" for key in ("statistic", "p")
    },
    ("importance", "sd"): "one refit alone has no standard deviation",
    ("likelihood_ratio", "df2"): "infinite: nothing that these models use was imputed",
}
#: The setting under ``performance`` that switches a number off, by part and key.
SWITCHED_BY = {
    **{(measure.key, key): setting for measure in MEASURES for key, setting in measure.resampled.items()},
    **dict.fromkeys((("net_benefit_differences", "low"), ("net_benefit_differences", "high")), "decision_bootstrap"),
}
#: What numbers and parts of the results are called; others by the label of their measure, else as they are.
NAMES = {
    "ap": "attributable proportion",
    "auc_mean": "mean of the folds' AUCs",
    "avoided": "interventions avoided",
    "b": "coefficients",
    "b632": ".632",
    "b632plus": ".632+",
    "boot": "the bootstrap",
    "cases": "measured cases",
    "condition_number": "condition number",
    "condition_number_centred": "condition number about the means",
    "continuous_nri": "continuous NRI",
    "corrected": "McClish's correction",
    "curve": "curves",
    "df": "degrees of freedom",
    "df2": "second degrees of freedom",
    "events_per_parameter": "events per parameter",
    "high_risk": "patients called high risk",
    "high_risk_events": "events among them",
    "idi": "IDI",
    "index": "stability index",
    "likelihood_ratio": "likelihood-ratio tests",
    "net_benefit_differences": "differences in net benefit",
    "no_information": "value of no information",
    "nonevents": "non-events",
    "nri": "NRI",
    "null": "null run",
    "oob": "out-of-bag values",
    "or": "odds ratios",
    "p_bh": "p by Benjamini and Hochberg",
    "p_holm": "p by Holm",
    "q1": "first quartile",
    "q3": "third quartile",
    "q_p": "p of Cochran's Q",
    "reri": "RERI",
    "s": "synergy index",
    "sd": "standard deviation",
    "se": "standard errors",
    "smd": "standardised mean differences",
    "spiegelhalter_p": "Spiegelhalter's p",
    "standardized": "standardised net benefit",
    "table_one": "Table 1",
    "vif": "variance inflation factors",
    "vif_per_df": "GVIF^(1/(2 df))",
}
_LIMITS = {"low": ("high", "lower limit"), "high": ("low", "upper limit")}
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
    "yardstick",
    "best_looking",
}


@dataclass(frozen=True)
class _Null:
    """A number that does not exist: the keys that lead to it, its own last, and the entry that holds it."""

    path: tuple[str, ...]
    entry: Mapping[str, Any]

    @property
    def part(self) -> str:
        parts = ("results", *self.path[:-1])
        is_within = parts[-1] in BY_KEY and parts[-2] in BY_KEY
        return ".".join(parts[-2:]) if is_within else parts[-1]


def explain_nulls(data: dict[str, Any]) -> list[Warn]:
    """One warning a part of the results and reason: which numbers are null there, how often, and why."""
    everything = {k: v for k, v in data.items() if k not in ("study", "agreement", "warnings", "engines")}
    study = data.get("study", {})
    settings = study.get("settings", {}).get("performance", {})
    kinds = {name: scheme["kind"] for name, scheme in study.get("schemes", {}).items()}
    is_clustered = "n_patients" in data.get("cohort", {})
    by_reason: dict[tuple[str, str], Counter[str]] = {}
    for null in sorted(_nulls(everything, (), {}), key=lambda null: (null.part, null.path[-1])):
        counts = by_reason.setdefault((null.part, _reason(null, settings, kinds, is_clustered)), Counter())
        counts[null.path[-1]] += 1
    return [
        warn.NULL_VALUES(part=", ".join(map(_called, part.split("."))), listed=_listed(keys), reason=reason)
        for (part, reason), keys in by_reason.items()
    ]


def _called(key: str) -> str:
    return NAMES.get(key) or (BY_KEY[key].label if key in BY_KEY else key)


def _listed(keys: Counter[str]) -> str:
    """What has no value and how often, both limits of a number at once.

    Examples
    --------
    >>> _listed(Counter({"high": 2, "low": 2, "oob_high": 3, "se": 1}))
    'limits (2), upper limit of out-of-bag values (3), standard errors (1)'
    """
    told = dict[str, None]()
    for key, n in keys.items():
        base, _, end = key.rpartition("_")
        if end in _LIMITS:
            other, limit = _LIMITS[end]
            what = "limits" if keys.get(f"{key.removesuffix(end)}{other}") == n else limit
            told[f"{what} of {_called(base)} ({n})" if base else f"{what} ({n})"] = None
        else:
            told[f"{_called(key)} ({n})"] = None
    return ", ".join(told)


def _reason(null: _Null, settings: Mapping[str, Any], kinds: Mapping[str, str], is_clustered: bool) -> str:
    """Why a number does not exist: as its entry says, as its scheme has none, as it was switched off, as rows are
    clustered in patients, or as the innermost part that knows. ``kinds`` are those of the schemes."""
    *parts, key = null.path
    if null.entry.get("reason"):
        return null.entry["reason"]
    schemes = [scheme for scheme in kinds if scheme in (*parts, null.entry.get("scheme"))]
    of_kind = (REASONS_OF_SCHEMES.get((kinds[scheme], key)) for scheme in schemes)
    if reason := next(filter(None, of_kind), None):
        return reason
    places = [(part, key) for part in reversed(parts)]
    # what a bootstrap scheme says of its models comes from its own samples
    if all(kinds[scheme] != BOOTSTRAP for scheme in schemes):
        for setting in (SWITCHED_BY[place] for place in places if place in SWITCHED_BY):
            if settings.get(setting) == 0:
                return f"switched off, as the study has performance.{setting}: 0"
    if is_clustered and key.endswith(OF_CHANCE):
        return _CLUSTERED
    known = (REASONS_THERE[place] for place in places if place in REASONS_THERE)
    return next(known, None) or NULL_REASONS.get(key, "it is not defined for these data")


def _nulls(value: Any, path: tuple[str, ...], entry: Mapping[str, Any]) -> Iterator[_Null]:
    """``entry``: the innermost one of a list, or within it, that holds the value."""
    if isinstance(value, dict):
        # a point of a curve is of the scheme that its row names
        own = {**({"scheme": entry["scheme"]} if "scheme" in entry else {}), **value}
        for k, v in value.items():
            if k == "difference" and isinstance(v, dict) and "reason" in v:  # it says itself why it is null
                continue
            if k not in ("details", "dropped", "settings", "roc") and not (
                value.get("reference") is True and v is None
            ):
                yield from _nulls(v, (*path, k), own)
    elif isinstance(value, list):
        for v in value:
            yield from _nulls(v, path, entry)
    elif value is None and path[-1] not in _STRUCTURE:
        yield _Null(path, entry)
