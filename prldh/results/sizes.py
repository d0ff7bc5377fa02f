"""How many patients a number is of, where models have patients of their own; and of what, where patients have several
rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def has_own_patients(data: Mapping[str, Any]) -> bool:
    """Whether every model takes the patients without blanks in its own terms (``missing: by_model``)."""
    return data["study"]["settings"].get("missing") == "by_model"


def row_noun(data: Mapping[str, Any]) -> str:
    """What is counted: a ``patient``, or a ``row`` where patients may have several."""
    return "row" if "n_patients" in data["cohort"] else "patient"


def cohort_in_words(data: Mapping[str, Any]) -> str:
    """``90 patients``, or ``90 rows of 60 patients``."""
    cohort = data["cohort"]
    of = f" of {cohort['n_patients']} patients" if "n_patients" in cohort else ""
    return f"{cohort['n']} {row_noun(data)}s{of}"


def size_in_words(data: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """`` (n = 93, 30 events)`` of a model or a comparison where these differ; else nothing."""
    if not has_own_patients(data):
        return ""
    return f" (n = {entry['n']}, {entry['events']} event{'s' * (entry['events'] != 1)})"
