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

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prldh.api import CsvFormulas, OutputError, csv_cell, dice, hausdorff_mm, write_whole
from prldh_uctransnet.checkpoints import hash_patient

RESULTS = ("segmentation.json", "segmentation.csv")
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


def pairs(names: list[str]) -> list[tuple[str, str]]:
    """Reference first: the network against each reader, and the second reader against the first."""
    return [(names[i], names[j]) for j in range(len(names) - 1, 0, -1) for i in range(j)]


def write_results(
    out: Path,
    agreements: dict[str, list[Agreement]],
    aside: list[dict[str, Any]],
    seen: set[str],
    unit: str,
    sha256: str,
    formulas: CsvFormulas,
) -> None:
    """Write ``segmentation.csv``, a row a case and comparison, and ``segmentation.json``.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    content = {
        "schema": "prldh-segmentation/1",
        "checkpoint_sha256": sha256,
        "distance_unit": unit,
        "put_aside": aside,
        "comparisons": {
            name: {
                "all": summarise(cases),
                "unseen": summarise([c for c in cases if hash_patient(c.patient) not in seen]),
            }
            for name, cases in agreements.items()
        },
    }
    text = io.StringIO()
    rows = [
        {"comparison": name, "seen_in_training": hash_patient(c.patient) in seen, **asdict(c)}
        for name, cases in agreements.items()
        for c in cases
    ]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {k: "" if isinstance(v, float) and np.isnan(v) else csv_cell(v, formulas) for k, v in row.items()}
        for row in rows
    )
    try:
        write_whole(out / RESULTS[1], text.getvalue().encode(), is_result=True)
        write_whole(out / RESULTS[0], json.dumps(content, indent=2, allow_nan=False).encode(), is_result=True)
    except OSError as error:
        raise OutputError(
            f"the results cannot be written to {out}: {error}. Free some space, or give another folder."
        ) from None


def in_lines(
    agreements: dict[str, list[Agreement]], aside: list[dict[str, Any]], seen: set[str], unit: str
) -> list[str]:
    """What is printed of it."""
    lines = []
    for name, cases in agreements.items():
        s = summarise(cases)
        n_seen = sum(hash_patient(c.patient) in seen for c in cases) if "network" in name else 0
        drawn = s["dice_where_drawn"]
        where = f"; {_mean_sd(drawn, 3)} over the {drawn['n']} drawn" if s["n_false_alarm"] and drawn["n"] else ""
        lines.append(
            f"{name}: Dice {_mean_sd(s['dice'], 3)} ({s['dice']['n']} of {s['n_cases']} cases{where}), HD95 "
            f"{_mean_sd(s['hd95_mm'], 1)} {unit} ({s['hd95_mm']['n']}); "
            f"missed {s['n_missed']}, false alarms {s['n_false_alarm']}, both empty {s['n_both_empty']}"
            + (f"; {n_seen} cases are of patients that trained the network" if n_seen else "")
        )
    lines += [f"put aside: patient {a['patient']} (line {a['line']}): {a['reason']}" for a in aside]
    return [*lines, RULE]


def _mean_sd(described: dict[str, Any], digits: int) -> str:
    if described["mean"] is None:
        return "none"
    return f"{described['mean']:.{digits}f}" + (
        f" ± {described['sd']:.{digits}f}" if described["sd"] is not None else ""
    )
