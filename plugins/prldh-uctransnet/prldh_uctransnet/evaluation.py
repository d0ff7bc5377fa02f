"""How well masks agree with a reader's: Dice and the 95 % Hausdorff distance a case, and what is said of all of them.

The rule for cases without a number, counted wherever they occur:

- *missed*: the reader drew something and the other mask is empty. Dice 0; the distance does not exist and is left out.
- *false alarm*: the reader drew nothing and the other mask is not empty. The same.
- *both empty*: the masks agree that there is nothing. Neither number exists, and both are left out.

Means and SDs (ddof 1) are over the cases that have the number, whose count stands beside them. Leaving missed cases out
makes the distance look better than it is; that is why they are counted beside it. ``dice_where_drawn`` is Dice without
the false alarms, as MONAI's DiceMetric averages it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prldh.api import dice, hausdorff_mm

RULE = (
    "A missed case (nothing found where the reader drew) and a false alarm have Dice 0 and no distance; where both "
    "masks are empty, neither exists. "
    "Means and SDs are over the cases that have the number."
)


@dataclass(frozen=True)
class Agreement:
    """One case: ``dice`` and ``hd95_mm`` (NaN where they do not exist), voxels set in both masks, and ``kind``:
    ``both``, ``missed``, ``false_alarm`` or ``both_empty``."""

    patient: str
    line: int
    dice: float
    hd95_mm: float
    n_reference: int
    n_found: int
    kind: str


def compare(
    patient: str, line: int, reference: np.ndarray, predicted: np.ndarray, spacing_mm: Sequence[float]
) -> Agreement:
    """Two masks (z, y, x) of one case; ``spacing_mm`` in the order x, y, z. With one slice, surfaces are outlines in
    it."""
    n = int(np.count_nonzero(reference)), int(np.count_nonzero(predicted))
    kind = {(True, True): "both", (True, False): "missed", (False, True): "false_alarm", (False, False): "both_empty"}[
        n[0] > 0, n[1] > 0
    ]
    spacing = tuple(spacing_mm)[::-1]
    if len(reference) == 1:
        reference, predicted, spacing = reference[0], predicted[0], spacing[1:]
    return Agreement(patient, line, dice(reference, predicted), hausdorff_mm(reference, predicted, spacing), *n, kind)


def summarise(cases: Sequence[Agreement]) -> dict[str, Any]:
    """Mean, SD, median, range and n of the measures, and how many cases are of which kind."""
    return {
        "n_cases": len(cases),
        **{f"n_{kind}": sum(c.kind == kind for c in cases) for kind in ("both", "missed", "false_alarm", "both_empty")},
        "dice": _described([c.dice for c in cases]),
        "dice_where_drawn": _described([c.dice for c in cases if c.n_reference]),
        "hd95_mm": _described([c.hd95_mm for c in cases]),
        "rule": RULE,
    }


def _described(values: Sequence[float]) -> dict[str, Any]:
    finite = np.array([v for v in values if np.isfinite(v)])
    if not finite.size:
        return {"n": 0, "mean": None, "sd": None, "median": None, "min": None, "max": None}
    sd = float(finite.std(ddof=1)) if finite.size > 1 else None
    return {
        "n": int(finite.size),
        "mean": float(finite.mean()),
        "sd": sd,
        "median": float(np.median(finite)),
        "min": float(finite.min()),
        "max": float(finite.max()),
    }
