"""How pages, tables and texts call covariates: by the label and unit that the study file gives them, else by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prldh.core import GROUPS, reworded, variables_in


@dataclass(frozen=True)
class Variables:
    """``labels`` and ``units`` by the names of covariates, where the study gives them; ``known``: every name of the
    study, which terms are made of."""

    labels: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    known: tuple[str, ...] = ()

    def label(self, name: str) -> str:
        """``VAS before surgery``; of a term such as ``log(vas_pre)`` with the labels in it; ``groups of disc and
        muscle`` of the groups that two scores make."""
        if groups := GROUPS.match(name):
            name = f"groups of {groups[1]} and {groups[2]}"
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


#: What stands before and after a name that a sentence lists or quotes; a name that is a word might be one elsewhere.
_BEFORE = r"(?:(?<=')|(?<=: )|(?<=, )|(?<=; )|(?<=\()|(?<=:)|(?<= and )|(?<= of )|(?<= without ))"
_AFTER = r"(?=[',;:.)]| \(| and |$)"
_IS_WORD = re.compile("[a-z]+")


def labelled(data: Mapping[str, Any]) -> Callable[[str], str]:
    """How a sentence that was written with the names of columns is told: with their labels, where the study gives
    some; ``results.json`` keeps the names.

    Examples
    --------
    >>> told = labelled({"study": {"settings": {"clinical": {"covariates": {"vas_pre": {"label": "Pain"}}}}}})
    >>> told("the values of 'vas_pre' vary little")
    "the values of 'Pain' vary little"
    """
    variables = variables_of(data)
    entries = [*data.get("models", ()), data.get("clinical_model") or {}, data.get("univariate") or {}]
    terms = {t["term"]: variables.term(t) for entry in entries for t in entry.get("terms", ()) if t.get("variable")}
    told = {name: said for name, said in (terms | dict(variables.labels)).items() if name != said}
    told = {name: said for name, said in told.items() if any(own in name for own in variables.labels)}
    if not told:
        return str

    def pattern(name: str) -> str:
        is_word = _IS_WORD.fullmatch(name)
        before, after = (_BEFORE, _AFTER) if is_word else (r"(?<!\w)", r"(?!\w)")
        return before + re.escape(name) + after

    names = re.compile("|".join(pattern(name) for name in sorted(told, key=lambda name: -len(name))))
    return lambda sentence: names.sub(lambda match: told[match[0]], sentence)
