"""Numbers as journals want them: p to three digits and never 0.000, intervals in brackets, the full value on hover."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from prldh.core import DASH, Measure, decimals, plain

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: Any, digits: int = 3, noise: float = 1e-9) -> Markup:
    """A number rounded to ``digits`` decimals, the full value as its title; a dash for None. Below ``noise`` it is
    shown as 0."""
    if value is None:
        return Markup('<span class="none" title="not defined">') + DASH + Markup("</span>")
    return _titled(typeset(decimals(0.0 if abs(value) < noise else value, digits)), value)


def typeset(shown: str) -> str:
    """A number as journals print it: a minus sign for a hyphen, a power of ten for ``e-04``.

    Examples
    --------
    >>> typeset("-1.39e-04")
    '−1.39 × 10⁻⁴'
    """
    mantissa, _, exponent = shown.partition("e")
    mantissa = f"−{mantissa[1:]}" if mantissa.startswith("-") else mantissa
    return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPT)}" if exponent else mantissa


def level_of(data: dict[str, Any]) -> str:
    """The confidence level of every interval of a study, as a percentage."""
    return f"{100 * data['study']['settings'].get('performance', {}).get('confidence', 0.95):g}"


def digits_for(estimate: float | None, digits: int = 3) -> int:
    """Decimals of an estimate and its limits: fewer where it is large, at least one."""
    size = abs(estimate or 0.0)
    return min(digits, 3 if size < 10 else 2 if size < 100 else 1)


def interval_text(entry: dict[str, Any], digits: int = 3) -> str:
    """``0.857 (0.797, 0.918)`` without markup; fewer decimals where the estimate is large."""
    digits = digits_for(entry.get("estimate"), digits)
    return (
        f"{plain(entry.get('estimate'), digits)} ({plain(entry.get('low'), digits)},"
        f" {plain(entry.get('high'), digits)})"
    )


def p_value(value: Any) -> Markup:
    """p to three digits; ``< 0.001`` below that, never 0.000."""
    return number(None) if value is None else _titled(p_text(value), value)


def p_text(value: float | None) -> str:
    if value is None:
        return DASH
    return "< 0.001" if value < 0.001 else "> 0.999" if value >= 0.9995 else f"{value:.3f}"


def interval(entry: Any, digits: int = 3) -> Markup:
    """``0.857 (0.797, 0.918)`` from {estimate, low, high}, the estimate alone where it has no limits; the brackets are
    not broken over lines."""
    if not entry or all(entry.get(key) is None for key in ("estimate", "low", "high")):
        return number(None)
    digits = digits_for(entry.get("estimate"), digits)
    if entry.get("low") is None and entry.get("high") is None:
        return number(entry["estimate"], digits)
    estimate, low, high = (typeset(plain(entry.get(key), digits)) for key in ("estimate", "low", "high"))
    title = f"{entry.get('estimate')!r} ({entry.get('low')!r}, {entry.get('high')!r})"
    return Markup('<span title="{}">{} ({},\u00a0{})</span>').format(
        title, *(shown.replace(" ", "\u00a0") for shown in (estimate, low, high))
    )


def statistic(test: dict[str, Any], digits: int = 2) -> Markup:
    """A test's statistic, ∞ where it says that it is infinite, with the sign of its difference."""
    if test.get("statistic") is not None or not test.get("reason"):
        return number(test.get("statistic"), digits)
    sign = "−" if (test.get("difference") or 0) < 0 else ""
    return Markup('<span title="{}">{}∞</span>').format(test["reason"], sign)


def percent(value: Any, digits: int = 2) -> Markup:
    return number(None) if value is None else _titled(f"{value:.{digits}f}", value)


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


FILTERS = {
    "measured": measured,
    "number": number,
    "p_value": p_value,
    "interval": interval,
    "statistic": statistic,
    "percent": percent,
    "share": share,
    "tiny": tiny,
    "plain": plain,
}
