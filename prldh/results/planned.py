"""How far a plan that was made before a run was followed: its entry in ``results.json``, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: What a plan fixes, and what one thing of each is called.
KINDS = {
    "settings": "setting",
    "seed": "seed",
    "tables": "table",
    "images": "tissue's images",
    "files": "file",
    "versions": "version",
}


@dataclass(frozen=True)
class Deviation:
    """One thing that is not as it was planned: of which kind (:data:`KINDS`), ``what`` it is, and how it was
    ``planned`` and is ``found``, in words."""

    kind: str
    what: str
    planned: str
    found: str


@dataclass(frozen=True)
class PlanFollowed:
    """A plan, and what of it was followed.

    ``sha256`` is of the plan's file; ``made`` and ``began`` are the times of the plan and of this run, by their
    machines' clocks; ``is_same_file``: whether the study file is the planned one to the byte, null where either came as
    a dictionary; ``compared``: how many things of each kind were compared.
    """

    file: str
    sha256: str
    made: str
    began: str
    is_same_file: bool | None
    compared: Mapping[str, int]
    deviations: tuple[Deviation, ...]


def plan_in_words(entry: Mapping[str, Any]) -> str:
    """One sentence on a plan's entry of ``results.json``.

    Examples
    --------
    >>> about = {"file": "plan.json", "made": "2026-11-30T14:00:00+00:00", "deviations": []}
    >>> plan_in_words({**about, "compared": {"settings": 57, "seed": 1, "tables": 3}})
    'The plan plan.json, made 2026-11-30 14:00 UTC, was followed in everything: 57 settings, the seed, 3 tables.'
    """
    followed, departed = [], []
    for kind, n in entry["compared"].items():
        n_other = len({each["what"] for each in entry["deviations"] if each["kind"] == kind})
        if n_other:
            departed.append(_counted(n_other, kind))
        elif n:
            followed.append(_counted(n, kind))
    made = entry["made"].replace("T", " ")[:16]
    start = f"The plan {entry['file']}, made {made} UTC, was"
    if not departed:
        return f"{start} followed in everything: {', '.join(followed)}."
    kept = f" It was followed in {', '.join(followed)}." if followed else ""
    return f"{start} departed from in {', '.join(departed)}, listed one by one.{kept}"


def _counted(n: int, kind: str) -> str:
    if kind == "seed":
        return "the seed"
    return f"{n} {KINDS[kind]}{'s' * (n != 1 and not KINDS[kind].endswith('s'))}"
