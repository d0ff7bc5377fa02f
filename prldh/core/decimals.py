"""Numbers in words: fixed decimals, and 0 for nothing but 0."""

from __future__ import annotations

import math
from typing import Any

DASH = "–"
#: Numbers nearer to 0 are told as nearer: what is left of their digits is rounding, or of no interest.
LEAST = 1e-9
#: What sums of numbers as large as 1 are off by, as far as a limit is concerned.
ROUNDING = 1e-13


def decimals(value: float, digits: int = 3, least: float = LEAST) -> str:
    """Fixed decimals; scientific where that would show nothing or a flood of digits; a bound below ``least``, which is
    0 for what was measured, as that is no rounding of sums.

    Examples
    --------
    >>> decimals(0.0), decimals(1e-17), decimals(-1e-17), decimals(-0.0)
    ('0.000', '< 1e-09', '> -1e-09', '0.000')
    >>> decimals(1.04e-11, 2, least=0.0)
    '1.0e-11'
    """
    if 0 < abs(value) < least:
        return f"< {least:.0e}" if value > 0 else f"> -{least:.0e}"
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


def number_of(n: int, noun: str) -> str:
    """``1 feature``, ``2 features``."""
    return f"{n} {noun}{'s' * (n != 1)}"


def without_rounding(estimate: float | None, low: float | None, high: float | None) -> list[float | None]:
    """An estimate and its limits, 0 in place of what is rounding of sums as large as 1: an estimate that is nothing
    beside the width of its interval, and a limit of which rounding alone says on which side of 0 it lies. Only where
    the lower limit is below 0: a ratio of 1e-12 is a number as others are."""
    if low is None or high is None or not low < 0 or not math.isfinite(high - low):
        return [estimate, low, high]
    width = min(1.0, high - low)
    kept = ((estimate, LEAST), (low, ROUNDING), (high, ROUNDING))
    return [0.0 if value is not None and abs(value) < least * width else value for value, least in kept]
