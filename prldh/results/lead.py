"""The number that leads: the most honest one that a run has of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prldh.core import plain, scheme_words, scope_words, without_rounding
from prldh.results.leakage import ARTEFACT, compares_artefacts, is_artefact, leading_key, led_as, whole_words
from prldh.results.words import Words
from prldh.validation import TWO_STAGE_METHOD

#: Which held-out number leads, the most honest first; other schemes come before the bootstrap, and those that a column
#: of the study decides before all.
SCOPES, SCHEMES = ("pipeline", "model"), ("folds", "leave_one_out", "bootstrap")

#: What is said of a model that was validated, but of whose held-out AUCs none can be read.
NO_USABLE = "no usable held-out AUC (none exists, or it is an artefact of refits that hardly differ from a constant)"


def honest_auc(entry: dict[str, Any]) -> tuple[str, str, dict[str, Any]] | None:
    """The most honest AUC of a model that has a number: (scope, scheme, {estimate, low, high}), or None.

    Of the bootstrap it is .632+: where features are selected from more of them than patients the optimism correction is
    too hopeful. A pooled AUC that is an artefact never leads: the mean of folds does, or another scheme of the same
    scope; where scope pipeline ran, no number of scope model takes its place.
    """
    ranked = by_honesty(entry["validation"])
    for scope, scheme in ranked:
        held_out = entry["validation"][scope][scheme]
        key = leading_key(held_out)
        if scope != ranked[0][0]:
            break
        if key == "b632plus":
            keys = {"estimate": key, "low": f"{key}_low", "high": f"{key}_high"}
            return scope, scheme, {name: held_out["auc"].get(own) for name, own in keys.items()}
        if key is not None:
            return scope, scheme, held_out[key]
    return None


def by_honesty(validation: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(scope, scheme) of what was run, the most honest first."""
    entries = {name: entry for scope in SCOPES for name, entry in validation.get(scope, {}).items()}
    by_column = {
        name: -1.0 - ("groups" in (entry or {})) for name, entry in entries.items() if "column" in (entry or {})
    }
    place = dict.fromkeys(entries, len(SCHEMES) - 1.5) | {name: k for k, name in enumerate(SCHEMES)} | by_column
    return [(scope, name) for scope in SCOPES for name in sorted(validation.get(scope, {}), key=place.__getitem__)]


def is_bootstrap(data: Mapping[str, Any], scheme: str) -> bool:
    """Whether a scheme of a run draws its training rows with replacement."""
    return (data["study"].get("schemes") or {}).get(scheme, {}).get("kind") == "bootstrap"


def is_clustered(data: Mapping[str, Any]) -> bool:
    """Whether several rows may be one patient's."""
    return "n_patients" in data["cohort"]


def has_two_stage_interval(data: Mapping[str, Any]) -> bool:
    """Whether what the bootstrap corrects has an interval, of any model."""
    return any(
        TWO_STAGE_METHOD in (value.get("method") or "")
        for m in data["models"]
        for scope, scheme in by_honesty(m["validation"])
        if is_bootstrap(data, scheme)
        for value in (m["validation"][scope][scheme].get(key, {}) for key in ("auc", "brier"))
    )


def bootstrap_first(data: Mapping[str, Any], schemes: Iterable[str]) -> list[str]:
    """Schemes in the order in which they tell of stability: the bootstrap, then the others, the most honest first."""
    known = {name: e for m in data["models"] for scope in SCOPES for name, e in m["validation"].get(scope, {}).items()}
    ranked = [scheme for _, scheme in by_honesty({SCOPES[0]: {scheme: known.get(scheme) for scheme in schemes}})]
    return sorted(ranked, key=lambda scheme: not is_bootstrap(data, scheme))


def leading_comparisons(data: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the most honest held-out predictions that were compared and are no artefacts."""
    entries: dict[str, dict[str, Any]] = {}
    for model in data["models"]:
        for scope in SCOPES:
            entries.setdefault(scope, {}).update(model["validation"].get(scope, {}))
    sound = [c for c in rows if c["scope"] and not compares_artefacts(data, c)]
    told = ([c for c in sound if (c["scope"], c["scheme"]) == place] for place in by_honesty(entries))
    return next(filter(None, told), [])


def led_by(data: Mapping[str, Any], entry: dict[str, Any], words: Words | None = None) -> str:
    """What leads, as ``words`` or else :func:`scheme_words` call it, that it is the mean of folds, and what was fitted
    anew; without a number, why."""
    leading = honest_auc(entry)
    if leading is None:
        return NO_USABLE if by_honesty(entry["validation"]) else "not validated"
    scope, scheme, _ = leading
    how = led_as(entry["validation"][scope][scheme])
    called = words.scheme(scheme).label if words and scheme in words.schemes else scheme_words(scheme)
    return f"{called}{how}, {scope_words(scope, whole_words(data, [entry]))}"


def artefacts_in_words(data: Mapping[str, Any], entry: dict[str, Any]) -> str:
    """Which pooled AUCs of a model are no result; nothing where all are."""
    validation, whole = entry["validation"], whole_words(data, [entry])
    shown = [
        f"{interval(validation[scope][scheme]['auc'])} ({scheme_words(scheme)}, {scope_words(scope, whole)})"
        for scope, scheme in by_honesty(validation)
        if is_artefact(validation[scope][scheme])
    ]
    return f"pooled AUC {', '.join(shown)}: {ARTEFACT}." if shown else ""


def interval(entry: dict[str, Any], digits: int = 3) -> str:
    """``0.857 (0.797, 0.918)``, ``0.857 (no interval)``; a dash for what does not exist."""
    if entry.get("low") is None and entry.get("high") is None:
        return plain(entry.get("estimate"), digits) + " (no interval)" * (entry.get("estimate") is not None)
    kept = without_rounding(entry.get("estimate"), entry.get("low"), entry.get("high"))
    estimate, low, high = (plain(value, digits) for value in kept)
    return f"{estimate} ({low}, {high})"
