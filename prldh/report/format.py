"""Numbers as journals want them: p to three digits and never 0.000, intervals in brackets, the full value on hover."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

DASH = "–"


def number(value: Any, digits: int = 3) -> Markup:
    """A number rounded to ``digits`` decimals, the full value as its title; a dash for None."""
    if value is None:
        return Markup('<span class="none" title="not defined">') + DASH + Markup("</span>")
    return _titled(decimals(value, digits), value)


def decimals(value: float, digits: int = 3) -> str:
    """Fixed decimals; scientific where that would show nothing or a flood of digits. Below 1e-9 is rounding noise: 0."""
    value = 0.0 if abs(value) < 1e-9 else value
    if value != 0 and (abs(value) >= 1e6 or abs(value) < 0.5 * 10**-digits):
        return f"{value:.{max(digits - 1, 1)}e}"
    shown = f"{value:.{digits}f}"
    return shown[1:] if shown.startswith("-") and float(shown) == 0 else shown


def plain(value: Any, digits: int = 3) -> str:
    """The same without markup."""
    return DASH if value is None else decimals(value, digits)


def interval_text(found: dict[str, Any], digits: int = 3) -> str:
    """``0.857 (0.797, 0.918)`` without markup."""
    return f"{plain(found.get('estimate'), digits)} ({plain(found.get('low'), digits)}, {plain(found.get('high'), digits)})"


def p_value(value: Any) -> Markup:
    """p to three digits; ``< 0.001`` below that, never 0.000."""
    return number(None) if value is None else _titled(p_text(value), value)


def p_text(value: float | None) -> str:
    if value is None:
        return DASH
    return "< 0.001" if value < 0.001 else "> 0.999" if value > 0.9995 else f"{value:.3f}"


def interval(found: Any, digits: int = 3) -> Markup:
    """``0.857 (0.797, 0.918)`` from {estimate, low, high}."""
    if not found or found.get("estimate") is None:
        return number(None)
    low, high = plain(found.get("low"), digits), plain(found.get("high"), digits)
    title = f"{found['estimate']!r} ({found.get('low')!r}, {found.get('high')!r})"
    return Markup('<span title="{}">{} ({}, {})</span>').format(title, decimals(found["estimate"], digits), low, high)


def percent(value: Any, digits: int = 2) -> Markup:
    return number(None) if value is None else _titled(f"{value:.{digits}f}", value)


def tiny(value: Any) -> Markup:
    """A difference, in scientific notation."""
    return number(None) if value is None else _titled("0" if value == 0 else f"{value:.1e}", value)


def words(value: str) -> str:
    """``leave_one_out`` as words."""
    return str(value).replace("_", "-")


def _titled(shown: str, value: Any) -> Markup:
    return Markup('<span title="{}">{}</span>').format(escape(repr(value)), shown)


FILTERS = {"number": number, "p_value": p_value, "interval": interval, "percent": percent, "tiny": tiny, "words": words, "plain": plain}
