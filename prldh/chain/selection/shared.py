"""What the built-in selectors share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prldh.core import Across, Curve, plain


def shown_beside(value: float, limit: float) -> str:
    """Two decimals, or as many as it takes to differ from the limit."""
    decimals = 2
    while decimals < 6 and value != limit and float(f"{value:.{decimals}f}") == limit:
        decimals += 1
    return f"{value:.{decimals}f}"


def jsonable(values: np.ndarray) -> list[float | None]:
    """A list in which numbers that do not exist are None."""
    return [float(v) if np.isfinite(v) else None for v in np.asarray(values, dtype=np.float64)]


def curve_by_size(curve: Mapping[str, Any], chosen: int, label: str) -> Curve:
    """A mean over inner folds by number of features, the chosen number marked."""
    across = Across("number of features", mark=chosen, mark_label=f"chosen: {chosen}", is_whole=True)
    return Curve(across, label, curve["sizes"], curve["mean"])


def curve_in_words(what: str, curve: Mapping[str, Any], chosen: int) -> str:
    """``What`` with the fewest, the chosen and the most features; an empty text where it is not known of the chosen."""
    known = [(size, mean) for size, mean in zip(curve["sizes"], curve["mean"], strict=True) if mean is not None]
    at = dict(known)
    if not known or chosen not in at:
        return ""
    return (
        f"{what} is {plain(known[0][1])} with {known[0][0]}, {plain(at[chosen])} with the chosen {chosen}, and"
        f" {plain(known[-1][1])} with {known[-1][0]} features."
    )
