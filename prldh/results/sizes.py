"""How many patients a number is of, where models have patients of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def has_own_patients(data: Mapping[str, Any]) -> bool:
    """Whether every model takes the patients without blanks in its own terms (``missing: by_model``)."""
    return data["study"]["settings"].get("missing") == "by_model"


def size_in_words(data: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """`` (n = 93, 30 events)`` of a model or a comparison where these differ; else nothing."""
    if not has_own_patients(data):
        return ""
    return f" (n = {entry['n']}, {entry['events']} event{'s' * (entry['events'] != 1)})"
