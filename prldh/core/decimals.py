"""Numbers in words: fixed decimals, and 0 for nothing but 0."""

from __future__ import annotations

from typing import Any

DASH = "–"
#: Numbers nearer to 0 are told as nearer: what is left of their digits is rounding, or of no interest.
LEAST = 1e-9


def decimals(value: float, digits: int = 3) -> str:
    """Fixed decimals; scientific where that would show nothing or a flood of digits; a bound below :data:`LEAST`.

    Examples
    --------
    >>> decimals(0.0), decimals(1e-17), decimals(-1e-17), decimals(-0.0)
    ('0.000', '< 1e-09', '> -1e-09', '0.000')
    """
    if 0 < abs(value) < LEAST:
        return f"< {LEAST:.0e}" if value > 0 else f"> -{LEAST:.0e}"
    if value != 0 and (abs(value) >= 1e6 or abs(value) < 0.5 * 10**-digits):
        return f"{value:.{max(digits - 1, 1)}e}"
    shown = f"{value:.{digits}f}"
    return shown[1:] if shown.startswith("-") and float(shown) == 0 else shown


def plain(value: Any, digits: int = 3) -> str:
    """The same, and a dash for None.

    Examples
    --------
    >>> plain(0.12345), plain(None), plain(1.5e-7)
    ('0.123', '–', '1.50e-07')
    """
    return DASH if value is None else decimals(value, digits)
