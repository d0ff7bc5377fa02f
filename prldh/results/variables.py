"""How pages, tables and texts call covariates: by the label and unit that the study file gives them, else by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prldh.core import reworded, variables_in


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
        if level is None:
            return self(entry["variable"])
        return f"{self.label(entry['variable'])}: {self._column(entry['variable'], level)}"

    def _column(self, term: str, level: str) -> str:
        """A level, or one of the columns of a spline, which are called as their variable with primes."""
        columns = variables_in(term, self.known) if "rcs(" in term and term not in self.known else ()
        return next((self.label(x) + level[len(x) :] for x in columns if level.rstrip("'") == x), level)


def variables_of(data: Mapping[str, Any]) -> Variables:
    """Those of a run's results; results of earlier versions have names alone."""
    covariates = (data["study"].get("settings", {}).get("clinical") or {}).get("covariates") or {}
    given = {name: own for name, own in covariates.items() if isinstance(own, Mapping)}
    labels, units = ({name: own[key] for name, own in given.items() if own.get(key)} for key in ("label", "unit"))
    return Variables(labels, units, (*covariates, *data.get("tissues", ())))
