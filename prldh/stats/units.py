"""Units in which squares neither overflow nor vanish."""

from __future__ import annotations

import numpy as np


def power_of_two(values: np.ndarray, axis: int | tuple[int, ...] | None = None) -> np.ndarray:
    """The largest power of two that is no larger than the largest absolute value, over ``axis``; 1 where there is none.

    Statistics that do not depend on the unit are computed of ``values / power_of_two(values)``: the division changes
    no digit, and values near the largest or the smallest number have squares.

    Examples
    --------
    >>> power_of_two(np.array([3.0, -5.0]))
    np.float64(4.0)
    """
    largest = np.abs(values).max(axis=axis, initial=0.0)
    usable = np.isfinite(largest) & (largest > 0.0)
    return np.ldexp(1.0, np.frexp(np.where(usable, largest, 1.0))[1] - 1)
