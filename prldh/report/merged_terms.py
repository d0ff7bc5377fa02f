"""The odds ratios of every model's own terms, unadjusted and adjusted beside each other: one row a term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prldh.results import Variables, size_in_words

#: A term of a model's entry, or None.
Term = Mapping[str, Any] | None


@dataclass(frozen=True)
class MergedTerm:
    """A term by its words; both are None of a reference level."""

    label: str
    is_reference: bool
    unadjusted: Term
    adjusted: Term


@dataclass(frozen=True)
class MergedModel:
    """A model's own terms; ``adjusted_for`` names what its adjusted form holds beside them."""

    name: str
    rows: tuple[MergedTerm, ...]
    adjusted_for: tuple[str, ...]


def merged_terms(data: Mapping[str, Any], variables: Variables) -> list[MergedModel]:
    """One entry a model that has terms of its own."""
    levels = {v["variable"]: [row["level"] for row in v["rows"]] for v in data["table_one"]}
    adjusted = {m["name"]: m for m in data["models"] if m["adjusted"]}
    merged = []
    for m in data["models"]:
        if m["adjusted"]:
            continue
        other = {t["term"]: t for t in adjusted.get(m["name"], {"terms": []})["terms"]}
        rows, seen = [], set[str]()
        for t in m["terms"]:
            variable = t["variable"]
            if t["term"] == "(Intercept)":
                continue
            if t["level"] is not None and variable not in seen:
                own = {each["level"] for each in m["terms"] if each["variable"] == variable}
                rows += [
                    MergedTerm(variables.term({"variable": variable, "level": level}), True, None, None)
                    for level in levels.get(variable, [])
                    if level not in own
                ][:1]
            seen.add(variable)
            rows.append(MergedTerm(variables.term(t), False, t, other.get(t["term"])))
        beside = dict.fromkeys(t["variable"] for t in other.values() if t["variable"] not in {*seen, "(Intercept)"})
        if rows:
            name = m["name"] + size_in_words(data, m)
            merged.append(MergedModel(name, tuple(rows), tuple(map(variables.label, beside))))
    return merged


def adjusted_for(models: list[MergedModel]) -> str:
    """What the adjusted forms hold, in words; nothing where there are none."""
    names = list(dict.fromkeys(name for m in models for name in m.adjusted_for))
    again = (
        ", as far as a model does not hold them itself" if any(len(m.adjusted_for) < len(names) for m in models) else ""
    )
    return f"Adjusted for {', '.join(names)}{again}." if names else ""
