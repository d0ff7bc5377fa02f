"""Numbers as journals want them: p to three digits and never 0.000, intervals in brackets, the full value on hover.

What is printed falls on the same side of a bound as the number does: a p of 0.0498 is no 0.050, a limit of 1.0004 no
1.000. So a p and an interval beside it cannot contradict each other by rounding.
"""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup, escape

from prldh.core import DASH, LEAST, Measure, decimals, plain, without_rounding

#: What a p is held against, and what a limit is; 0 is never printed for a number that it is not.
LEVELS, BOUNDS = (0.01, 0.05, 0.1), (0.5, 1.0)
#: Decimals beyond which a number is its bound, as far as a reader is concerned.
MOST_DECIMALS = 9
#: A number as programs write it, by itself.
POWER = re.compile(r"(?<![\w.])-?\d+(\.\d+)?e[-+]\d+\b")
#: The sign of a number by itself, as programs write it.
NEGATIVE = re.compile(r"(?:(?<=\s)|(?<=[(\[])|^)-(?=\d)")
#: Letters that are written from right to left: Hebrew, Arabic and their neighbours.
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
#: A list without lists, dictionaries and brackets in it; a line's end stands in no text of JSON.
_PLAIN_LIST = re.compile(r"\[\n\s+([^\[\]{}]*?)\s*\]")
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: Any, digits: int = 3, noise: float = 0.0) -> Markup:
    """A number rounded to ``digits`` decimals, the full value as its title; a dash for None. Below ``noise`` it is what
    rounding leaves of 0, and told as 0."""
    if value is None:
        return Markup('<span class="none" title="not defined">') + DASH + Markup("</span>")
    return _titled(typeset(decimals(0.0 if abs(value) < noise else value, digits)), value)


def quantity(value: Any, digits: int = 2) -> Markup:
    """A number in units of what was measured, however small these make it."""
    return number(None) if value is None else _titled(typeset(decimals(value, digits, least=0.0)), value)


def typeset(shown: str) -> str:
    """A number as journals print it: a minus sign for a hyphen, a power of ten for ``e-04``.

    Examples
    --------
    >>> typeset("-1.39e-04")
    '−1.39 × 10⁻⁴'
    """
    mantissa, _, exponent = shown.partition("e")
    mantissa = mantissa.replace("-", "−")
    return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPT)}" if exponent else mantissa


def typeset_within(text: str) -> str:
    """A sentence whose numbers are set as :func:`typeset` sets one.

    Examples
    --------
    >>> typeset_within("nearer to 0 than 3.1e-07 in P1e-05")
    'nearer to 0 than 3.1 × 10⁻⁷ in P1e-05'
    >>> typeset_within("from -0.7 to 1.2 in T-1")
    'from −0.7 to 1.2 in T-1'
    """
    return NEGATIVE.sub("−", POWER.sub(lambda found: typeset(found[0]), text))


def isolated(name: str) -> str:
    """A name as a sentence with numbers holds it: one from right to left would draw the numbers after it to its other
    side."""
    return f"\u2068{name}\u2069" if RIGHT_TO_LEFT.search(name) else name


def level_of(data: dict[str, Any]) -> str:
    """The confidence level of every interval of a study, as a percentage."""
    return f"{100 * data['study']['settings'].get('performance', {}).get('confidence', 0.95):g}"


def digits_for(estimate: float | None, digits: int = 3) -> int:
    """Decimals of an estimate and its limits: fewer where it is large, at least one."""
    size = abs(estimate or 0.0)
    return min(digits, 3 if size < 10 else 2 if size < 100 else 1)


def digits_beside(value: float | None, bounds: tuple[float, ...], digits: int) -> int:
    """Decimals that tell a number from each of these bounds, ``digits`` at least.

    Examples
    --------
    >>> digits_beside(0.0498, LEVELS, 3), digits_beside(1.0004, BOUNDS, 3), digits_beside(0.3, BOUNDS, 3)
    (4, 4, 3)
    """
    if value is None:
        return digits
    for bound in bounds:
        if abs(value - bound) >= 0.5 * 10**-MOST_DECIMALS:
            while digits < MOST_DECIMALS and float(f"{value:.{digits}f}") == bound:
                digits += 1
    return digits


def digits_of_interval(entry: dict[str, Any], digits: int = 3) -> int:
    """Decimals of an estimate and its limits: fewer where the estimate is large, more where a limit would be printed as
    a bound that it is not."""
    digits = digits_for(entry.get("estimate"), digits)
    return max(digits_beside(entry.get(end), BOUNDS, digits) for end in ("low", "high"))


def interval_text(entry: dict[str, Any], digits: int = 3) -> str:
    """``0.857 (0.797, 0.918)`` without markup; fewer decimals where the estimate is large. Without limits the estimate
    alone, or that it is not known."""
    estimate, low, high = map(typeset, _three(entry, digits_of_interval(entry, digits)))
    if entry.get("low") is None and entry.get("high") is None:
        return "not known" if entry.get("estimate") is None else estimate
    return f"{estimate} ({low}, {high})"


def digits_measured(low: float | None, high: float | None, digits: int = 2) -> int:
    """Decimals that two numbers were measured with, ``digits`` at most.

    Examples
    --------
    >>> digits_measured(20.0, 90.0), digits_measured(15.4, 32.0), digits_measured(-1.2345, 2.0)
    (0, 1, 2)
    """
    known = [value for value in (low, high) if value is not None]
    return next((k for k in range(digits) if all(round(value, k) == value for value in known)), digits)


def from_to(low: Any, high: Any) -> Markup:
    """``20 to 90``: the smallest and the largest of what was measured, with its decimals."""
    digits = digits_measured(low, high)
    return Markup("{} to\u00a0{}").format(quantity(low, digits), quantity(high, digits))


def _three(entry: dict[str, Any], digits: int) -> tuple[str, str, str]:
    """An estimate and its limits."""
    kept = without_rounding(entry.get("estimate"), entry.get("low"), entry.get("high"))
    estimate, low, high = (plain(value, digits) for value in kept)
    return estimate, low, high


def p_value(value: Any) -> Markup:
    """p to three digits; ``< 0.001`` below that, never 0.000."""
    return number(None) if value is None else _titled(p_text(value), value)


def p_text(value: float | None) -> str:
    if value is None:
        return DASH
    if value < 0.001:
        return "< 0.001"
    return "> 0.999" if value >= 0.9995 else f"{value:.{digits_beside(value, LEVELS, 3)}f}"


def interval(entry: Any, digits: int = 3) -> Markup:
    """``0.857 (0.797, 0.918)`` from {estimate, low, high}, the estimate alone where it has no limits; the brackets are
    not broken over lines."""
    if not entry or all(entry.get(key) is None for key in ("estimate", "low", "high")):
        return number(None)
    digits = digits_of_interval(entry, digits)
    if entry.get("low") is None and entry.get("high") is None:
        return number(entry["estimate"], digits)
    estimate, low, high = map(typeset, _three(entry, digits))
    title = f"{entry.get('estimate')!r} ({entry.get('low')!r}, {entry.get('high')!r})"
    return Markup('<span title="{}">{} ({},\u00a0{})</span>').format(
        title, *(shown.replace(" ", "\u00a0") for shown in (estimate, low, high))
    )


def statistic(test: dict[str, Any], digits: int = 2) -> Markup:
    """A test's statistic, ∞ where it says that it is infinite, with the sign of its difference."""
    value = test.get("statistic")
    if value is not None and 0 < abs(value) < LEAST:  # in units of chance: what is less is none
        return _titled(f"< {10.0**-digits:.{digits}f}" if value > 0 else f"> −{10.0**-digits:.{digits}f}", value)
    if value is not None or not test.get("reason"):
        return number(value, digits)
    sign = "−" if (test.get("difference") or 0) < 0 else ""
    return Markup('<span title="{}">{}∞</span>').format(test["reason"], sign)


def percent_text(value: float | None, n: int) -> str:
    """A percentage of n patients as journals print it: without decimals under 100 patients, with one above.

    Examples
    --------
    >>> percent_text(33.333, 60), percent_text(33.333, 120), percent_text(0.02, 5000), percent_text(None, 0)
    ('33', '33.3', '< 0.1', '–')
    """
    if value is None:
        return DASH
    digits = 0 if n < 100 else 1
    shown, least = f"{value:.{digits}f}", 10.0**-digits
    if 0 < value < 100 and float(shown) in (0, 100):
        return f"< {least:g}" if value < 50 else f"> {100 - least:g}"
    return shown


def percent_of(value: Any, n: int) -> Markup:
    """The same with the full value as its title."""
    return number(None) if value is None else _titled(percent_text(value, n), value)


def percent(value: Any, digits: int = 2) -> Markup:
    """A percentage with its decimals; less than the last of them is told as less."""
    if value is None:
        return number(None)
    shown, least = f"{value:.{digits}f}", 10.0**-digits
    if 0 < value < 100 and float(shown) in (0, 100):
        shown = f"< {least:g}" if value < 50 else f"> {100 - least:g}"
    return _titled(shown, value)


def share(value: Any, digits: int = 1) -> Markup:
    """A share as a percentage, without its sign."""
    return percent(None if value is None else 100 * value, digits)


def tiny(value: Any) -> Markup:
    """A difference, in scientific notation."""
    return number(None) if value is None else _titled("0" if value == 0 else typeset(f"{value:.1e}"), value)


def _titled(shown: str, value: Any) -> Markup:
    return Markup('<span title="{}">{}</span>').format(escape(repr(value)), shown.replace(" ", "\u00a0"))


def measured(value: Any, measure: Measure) -> Markup:
    """A measure's number as its table shows it."""
    return p_value(value) if measure.is_p else number(value, measure.digits, measure.noise)


def settings_text(settings: Any) -> str:
    """JSON as people read it: in the order of the keys, lists of plain values in one line.

    Examples
    --------
    >>> print(settings_text({"grid": [0.1, 0.2], "among": [{"a": 1}]}))
    {
     "among": [
      {
       "a": 1
      }
     ],
     "grid": [0.1, 0.2]
    }
    """
    text = json.dumps(settings, indent=1, sort_keys=True, ensure_ascii=False)
    return _PLAIN_LIST.sub(lambda found: "[" + re.sub(r"\s*\n\s*", " ", found[1]) + "]", text)


FILTERS = {
    "settings_text": settings_text,
    "from_to": from_to,
    "quantity": quantity,
    "measured": measured,
    "number": number,
    "p_value": p_value,
    "interval": interval,
    "statistic": statistic,
    "percent": percent,
    "percent_of": percent_of,
    "share": share,
    "tiny": tiny,
    "plain": plain,
}
