"""The views of a section that a reader chooses from: one at a time on a screen, all of them in print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prldh.report.drawing import slug
from prldh.results import by_honesty


@dataclass(frozen=True)
class Tab:
    """A view of a section: the last part of its address, and its title."""

    key: str
    title: str


@dataclass(frozen=True)
class ModelTab(Tab):
    """A view of models: ``kind`` is unadjusted or adjusted; ``is_held``: of held-out predictions, or apparent."""

    kind: str
    is_adjusted: bool
    is_held: bool = False


#: Models as they are, and adjusted.
KINDS = tuple(ModelTab(kind, kind.capitalize(), kind, kind == "adjusted") for kind in ("unadjusted", "adjusted"))


def kinds_of(data: Mapping[str, Any]) -> list[ModelTab]:
    """Unadjusted and adjusted models, those that there are."""
    return [tab for tab in KINDS if any(m["adjusted"] == tab.is_adjusted for m in data["models"])]


def views_of(data: Mapping[str, Any]) -> list[ModelTab]:
    """Held-out predictions first, then those of the patients that made the models."""
    is_validated = {m["adjusted"] for m in data["models"] if by_honesty(m["validation"])}
    return [
        ModelTab(f"{key}-{kind.kind}", f"{title}, {kind.kind}", kind.kind, kind.is_adjusted, is_held)
        for key, title, is_held in (("held-out", "Held out", True), ("apparent", "Apparent", False))
        for kind in kinds_of(data)
        if not is_held or kind.is_adjusted in is_validated
    ]


def tabs_of(names: list[str]) -> dict[str, Tab]:
    """A view a name, addressed by a form of it that no two share."""
    tabs: dict[str, Tab] = {}
    for k, name in enumerate(names, 1):
        key = slug(name)
        tabs[name] = Tab(f"{key}-{k}" if key in {tab.key for tab in tabs.values()} else key, name)
    return tabs
