"""The names that columns have in the folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from prldh.chain import GROUPS, adjusting_terms
from prldh.core import Factor, parse_term

if TYPE_CHECKING:
    from prldh.models import Plan
    from prldh.validation import EngineRun

PATIENT = "patient"
"""The column that tells whose a row is, where several may be one patient's."""
RESERVED = set(
    "if else repeat while function for next break in TRUE FALSE NULL Inf NaN"
    " NA NA_integer_ NA_real_ NA_character_".split()
)
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._]*")


class Names:
    """Columns of ``cohort.csv`` by what they hold: their own names where R takes these as they are, else ``x1``, ``x2``
    …

    ``tissues`` are the scores that models are made of; ``applied``, of tissues whose models are made of cross-fitted
    scores, those that the frozen models give.
    """

    def __init__(
        self,
        covariates: Iterable[str],
        tissues: Iterable[str],
        groups: Iterable[str],
        composed: Mapping[str, Sequence[Factor]] = MappingProxyType({}),
        applied: Iterable[str] = (),
    ) -> None:
        self.taken = {"id", "outcome", PATIENT}
        self.covariates = {name: self._free(name) for name in covariates}
        self.tissues = {name: self._free(name) for name in tissues}
        self.groups = {term: self._free("groups") for term in groups}
        self.composed = composed
        self.applied = {name: self._free(f"{self.tissues[name]}_applied") for name in applied}

    def of_term(self, term: str) -> str:
        """The column of a model's term, where a tissue's name means its Radscore; a function or product is its own."""
        if term in self.composed:
            return term
        return next(columns[term] for columns in (self.tissues, self.groups, self.covariates) if term in columns)

    def _free(self, name: str) -> str:
        is_plain = PLAIN.fullmatch(name) and name not in RESERVED | self.taken
        k = 1
        while not is_plain and f"x{k}" in self.taken:
            k += 1
        column = name if is_plain else f"x{k}"
        self.taken.add(column)
        return column


def column_names(plan: Plan, run: EngineRun) -> Names:
    groups = dict.fromkeys(term for spec in plan.specs for term in spec.terms if GROUPS.match(term))
    known = {**{c.name: not c.levels for c in plan.cohort.covariates}, **dict.fromkeys(run.fits, True)}
    terms = (*(term for spec in plan.specs for term in spec.terms), *adjusting_terms(plan.study))
    composed = {term: parse_term(term, known) for term in terms if term not in known and term not in groups}
    cross_fitted = [name for name, fit in run.fits.items() if fit.cross_fitted is not None]
    return Names((c.name for c in plan.cohort.covariates), run.fits, groups, composed, cross_fitted)
