"""Terms of models as study files write them: a name, ``log(x)``, ``x^2``, ``rcs(x, 4)``, products ``a:b`` of these, and
``groups(a, b)`` of two tissues."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from prldh.core.errors import StudyError
from prldh.core.names import nearest

GROUPS = re.compile(r"^groups\(\s*(?P<first>[^,()]+?)\s*,\s*(?P<second>[^,()]+?)\s*\)$")
FEWEST_KNOTS, MOST_KNOTS = 3, 7
_FORMS = "Write a name, log(x), x^2, rcs(x, 4) or a product a:b of these."
_LOG = re.compile(r"^log\((?P<inner>.+)\)$")
_SQUARE = re.compile(r"^(?P<inner>.+)\^(?P<power>[^^]*)$")
_SPLINE = re.compile(r"^rcs\((?P<inner>.+?)(?:,(?P<knots>[^,]*))?\)$")
_CALL = re.compile(r"^(?P<name>[A-Za-z_.][\w.]*)\((?P<inner>.*)\)$")

Function = Literal["identity", "log", "square", "spline"]


@dataclass(frozen=True)
class Factor:
    """A column in one form; a term is the product of one or several. ``knots``: how many a spline has, else 0."""

    variable: str
    function: Function = "identity"
    knots: int = 0

    @property
    def text(self) -> str:
        """As a study file writes it, with spaces where they belong."""
        x = self.variable
        return {"identity": x, "log": f"log({x})", "square": f"{x}^2", "spline": f"rcs({x}, {self.knots})"}[
            self.function
        ]


def is_composed(text: str) -> bool:
    """Whether a term that is no name may be a function or product of names."""
    return any(sign in text for sign in ":^(")


def parse_term(text: str, is_continuous: Mapping[str, bool]) -> tuple[Factor, ...]:
    """The factors of a term, in order.

    Parameters
    ----------
    is_continuous
        The names that there are; whether each has numbers and no levels.

    Raises
    ------
    StudyError
        For an unknown name or function, a function within another or of a column with levels, or knots outside 3 to 7.

    Examples
    --------
    >>> parse_term("log(age):sex", {"age": True, "sex": False})
    (Factor(variable='age', function='log', knots=0), Factor(variable='sex', function='identity', knots=0))
    """
    if text in is_continuous:
        return (Factor(text),)
    factors = tuple(_factor(part.strip(), text, is_continuous) for part in text.split(":"))
    if len(set(factors)) < len(factors):
        raise StudyError(f"the term '{text}' multiplies '{factors[0].text}' by itself. Write x^2 for a square.")
    return factors


def _factor(part: str, term: str, is_continuous: Mapping[str, bool]) -> Factor:
    if part in is_continuous:
        return Factor(part)
    function: Function = "identity"
    knots = 0
    if match := _LOG.match(part):
        function = "log"
    elif match := _SPLINE.match(part):
        function, knots = "spline", _knots(match["knots"], term)
    elif match := _SQUARE.match(part):
        function = "square"
        if match["power"].strip() != "2":
            raise StudyError(f"the term '{term}' takes a power that is not 2 ('^{match['power']}'). {_FORMS}")
    elif match := _CALL.match(part):
        raise StudyError(f"the term '{term}' calls '{match['name']}', which no term can. {_FORMS}")
    name = match["inner"].strip() if match else part
    if name not in is_continuous:
        if is_composed(name):
            raise StudyError(f"the term '{term}' has a function within another ('{name}'). {_FORMS}")
        near = nearest(name, is_continuous)
        hint = f"; did you mean '{near}'?" if near else f" (there are: {', '.join(is_continuous) or 'none'})."
        raise StudyError(f"the term '{term}': '{name}' is neither a tissue nor a covariate{hint} {_FORMS}")
    if function != "identity" and not is_continuous[name]:
        raise StudyError(f"the term '{term}': '{name}' has levels and no numbers. Use it as it is.")
    return Factor(name, function, knots)


def _knots(text: str | None, term: str) -> int:
    try:
        knots = int(text or "")
    except ValueError:
        knots = 0
    if not FEWEST_KNOTS <= knots <= MOST_KNOTS:
        given = "none" if text is None else f"'{text.strip()}'"
        raise StudyError(
            f"the term '{term}': a spline has {FEWEST_KNOTS} to {MOST_KNOTS} knots (found {given}). Write rcs(x, 4)."
        )
    return knots


def term_text(factors: tuple[Factor, ...]) -> str:
    """The term of these factors, as results name it.

    Examples
    --------
    >>> term_text(parse_term("rcs(age,4) : sex", {"age": True, "sex": False}))
    'rcs(age, 4):sex'
    """
    return ":".join(factor.text for factor in factors)


def variables_in(term: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """The columns and tissues that a well-formed term is of; a term that is ``known`` is a name itself.

    Examples
    --------
    >>> variables_in("log(age):sex"), variables_in("groups(disc, muscle)"), variables_in("rcs(a b, 4)")
    (('age', 'sex'), ('disc', 'muscle'), ('a b',))
    """
    if term in known:
        return (term,)
    if groups := GROUPS.match(term):
        return groups["first"], groups["second"]
    names = []
    for part in term.split(":"):
        match = _LOG.match(part) or _SPLINE.match(part) or _SQUARE.match(part)
        names.append(match["inner"].strip() if match else part)
    return tuple(dict.fromkeys(names))
