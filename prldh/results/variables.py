"""How pages, tables and texts call covariates: by the label and unit that the study file gives them, else by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prldh.core import reworded


@dataclass(frozen=True)
class Variables:
    """``labels`` and ``units`` by the names of covariates, where the study gives them; ``known``: every name of the
    study, which terms are made of."""

    labels: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    known: tuple[str, ...] = ()

    def label(self, name: str) -> str:
        """``VAS before surgery``; of a term such as ``log(vas_pre)`` with the labels in it."""
        return reworded(name, self.known, self.labels) if self.labels else name

    def __call__(self, name: str) -> str:
        """``VAS before surgery (points)``: the head of a row."""
        return f"{self.label(name)} ({self.units[name]})" if name in self.units else self.label(name)

    def term(self, entry: Mapping[str, Any]) -> str:
        """``Sex: male``, or ``VAS before surgery (points)``: a term of a model."""
        level = entry.get("level")
        return self(entry["variable"]) if level is None else f"{self.label(entry['variable'])}: {level}"


def variables_of(data: Mapping[str, Any]) -> Variables:
    """Those of a run's results; results of earlier versions have names alone."""
    covariates = (data["study"].get("settings", {}).get("clinical") or {}).get("covariates") or {}
    given = {name: own for name, own in covariates.items() if isinstance(own, Mapping)}
    labels, units = ({name: own[key] for name, own in given.items() if own.get(key)} for key in ("label", "unit"))
    return Variables(labels, units, (*covariates, *data.get("tissues", ())))
