"""Terms of models as study files write them: a name, ``log(x)``, ``x^2``, ``rcs(x, 4)``, products ``a:b`` of these, and
``groups(a, b)`` of two tissues."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from prldh.core.errors import StudyError
from prldh.core.names import nearest

GROUPS = re.compile(r"^groups\(\s*(?P<first>[^,()]+?)\s*,\s*(?P<second>[^,()]+?)\s*\)$")
FEWEST_KNOTS, MOST_KNOTS = 3, 7
_FORMS = "Write a name, log(x), x^2, rcs(x, 4) or a product a:b of these."
_LOG = re.compile(r"^log\((?P<inner>.+)\)$")
_SQUARE = re.compile(r"^(?P<inner>.+)\^(?P<power>[^^:]*)$")
_SPLINE = re.compile(r"^rcs\((?P<inner>.+?)(?:,(?P<knots>[^,:()]*))?\)$")
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


def is_groups(term: str) -> bool:
    """Whether a term stands for the high/low groups of two tissues."""
    return term.startswith("groups(")


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
    factors = tuple(_factor(part, text, is_continuous) for part in _parts(text, is_continuous))
    if len(set(factors)) < len(factors):
        raise StudyError(f"the term '{text}' multiplies '{factors[0].text}' by itself. Write x^2 for a square.")
    return factors


class _Part(NamedTuple):
    """A factor as it is written: ``detail`` are the knots of a spline, the power of a square, the name of a call."""

    name: str
    function: Function | Literal["call"] = "identity"
    detail: str | None = None


def _part(text: str, known: Collection[str]) -> _Part:
    """A known name is itself, whatever it looks like."""
    if text in known:
        return _Part(text)
    if match := _LOG.match(text):
        return _Part(match["inner"].strip(), "log")
    if match := _SPLINE.match(text):
        return _Part(match["inner"].strip(), "spline", match["knots"])
    if match := _SQUARE.match(text):
        return _Part(match["inner"].strip(), "square", match["power"])
    if match := _CALL.match(text):
        return _Part(match["inner"].strip(), "call", match["name"])
    return _Part(text)


def _parts(term: str, known: Collection[str]) -> Iterator[_Part]:
    """The factors of a term. Colons divide them, but not within a known name, nor within brackets."""
    pieces = term.split(":")
    while pieces:
        texts = [":".join(pieces[:k]) for k in range(1, len(pieces) + 1)]
        parts = [_part(text if text in known else text.strip(), known) for text in texts]
        named = [k for k, part in enumerate(parts) if part.name in known]
        closed = [k for k, text in enumerate(texts) if text.count("(") <= text.count(")")]
        last = max(named) if named else min(closed, default=0)
        yield parts[last]
        pieces = pieces[last + 1 :]


_AS_LEVELS = "Name '{0}' alone, and declare it under clinical.covariates as categorical: its levels make the factor."
_AS_SPLINE = "Write rcs({0}, 4) for a spline."
#: What R's and other programs' functions are called here.
_INSTEAD: Mapping[str, str] = {
    **dict.fromkeys(("factor", "as.factor", "C", "ordered"), _AS_LEVELS),
    **dict.fromkeys(("ns", "bs", "s", "spline", "pspline"), _AS_SPLINE),
    **dict.fromkeys(("group", "groups"), "Write groups(FIRST, SECOND) for the groups of two tissues' Radscores."),
    **dict.fromkeys(("ln", "log10", "log2", "log1p"), "Write log({0}), the natural logarithm."),
    **dict.fromkeys(("scale", "as.numeric", "I"), "Name '{0}' alone."),
}


def _factor(part: _Part, term: str, is_continuous: Mapping[str, bool]) -> Factor:
    name, function, detail = part
    if function == "call":
        instead = _INSTEAD.get(str(detail), "")
        raise StudyError(f"the term '{term}' calls '{detail}', which no term can. {instead.format(name) or _FORMS}")
    knots = _knots(detail, term) if function == "spline" else 0
    if function == "square" and (detail or "").strip() != "2":
        raise StudyError(f"the term '{term}' takes a power that is not 2 ('^{detail}'). {_FORMS}")
    if name not in is_continuous:
        if function != "identity" and is_composed(name):
            what = "product" if ":" in name else "function"
            raise StudyError(f"the term '{term}' has a {what} within a function ('{name}'). {_FORMS}")
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


def reworded(term: str, known: Collection[str], labels: Mapping[str, str]) -> str:
    """A well-formed term with other names for its columns.

    Examples
    --------
    >>> reworded("log(age):sex", ("age", "sex"), {"age": "Age"})
    'log(Age):sex'
    """
    if term in known or GROUPS.match(term):
        return labels.get(term, term)
    factors = []
    for name, function, detail in _parts(term, known):
        if name not in known or function == "call":
            return term
        factors.append(Factor(labels.get(name, name), function, int(detail or 0) if function == "spline" else 0))
    return term_text(tuple(factors))


def same_term(term: str, known: Collection[str]) -> frozenset:
    """What two spellings of one term share: ``sex:age`` and ``age:sex``, ``rcs(age,4)`` and ``rcs(age, 4)``.

    Examples
    --------
    >>> same_term("rcs(age,4):sex", ()) == same_term("sex : rcs(age, 4)", ())
    True
    """
    if term not in known and (groups := GROUPS.match(term)):
        return frozenset((("groups", groups["first"]), ("groups", groups["second"])))
    return frozenset(part._replace(detail=(part.detail or "").strip()) for part in _parts(term, known))


def variables_in(term: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """The columns and tissues that a well-formed term is of; whatever of it is a ``known`` name is that name.

    Give every name that there is, tissues and covariates: a column may be called ``log(x)``, ``x^2`` or ``a:b``.

    Examples
    --------
    >>> variables_in("log(age):sex"), variables_in("groups(disc, muscle)"), variables_in("rcs(a b, 4)")
    (('age', 'sex'), ('disc', 'muscle'), ('a b',))
    """
    if term in known:
        return (term,)
    if groups := GROUPS.match(term):
        return groups["first"], groups["second"]
    return tuple(dict.fromkeys(part.name for part in _parts(term, known)))
