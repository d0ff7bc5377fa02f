"""Numbers in words: fixed decimals, without rounding noise."""

from __future__ import annotations

from typing import Any

DASH = "–"


def decimals(value: float, digits: int = 3) -> str:
    """Fixed decimals; scientific where that would show nothing or a flood of digits. Below 1e-9 is rounding noise:
    0."""
    value = 0.0 if abs(value) < 1e-9 else value
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
