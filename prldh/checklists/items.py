"""The items of a standard, as they lie in ``data/``: numbers, our own words, and the question that only an author can
answer."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).resolve().parent / "data"
STANDARDS = ("ibsi", "clear", "metrics", "tripod-ai", "claim")


@dataclass(frozen=True)
class Item:
    """One row of a checklist.

    ``modality``: the row is about these only; ``dicom``: the fields that answer it; ``applies``: of TRIPOD+AI, whether
    to development or evaluation; ``weight`` and ``conditions`` are METRICS'; ``brief``: IBSI's text in a few words, as
    the report's tables name their rows.
    """

    number: str
    section: str
    topic: str
    text: str
    question: str
    weight: float | None = None
    conditions: tuple[str, ...] = ()
    modality: tuple[str, ...] = ()
    dicom: tuple[str, ...] = ()
    applies: tuple[str, ...] = ("development", "evaluation")
    brief: str = ""


@dataclass(frozen=True)
class Standard:
    """A checklist's items with their source; ``url``: where the standard was published. ``conditions`` and ``bands``
    (name, lower bound) are METRICS'."""

    name: str
    title: str
    version: str
    citation: str
    url: str
    source: tuple[str, ...]
    completeness: str
    licence: str
    items: tuple[Item, ...]
    conditions: tuple[Item, ...] = ()
    bands: tuple[tuple[str, float], ...] = ()


@functools.cache
def load_standard(name: str) -> Standard:
    """The standard of that name, one of :data:`STANDARDS`."""
    content = yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8"))
    return Standard(
        name,
        content["title"],
        content["version"],
        content["citation"],
        content["url"],
        tuple(content["source"]),
        content["completeness"],
        content["licence"],
        tuple(_item(row) for row in content["items"]),
        tuple(_item({"section": "Conditions", **row}) for row in content.get("conditions", [])),
        tuple((band["name"], float(band["min"])) for band in content.get("bands", [])),
    )


def _item(row: dict[str, Any]) -> Item:
    return Item(
        row["item"],
        row["section"],
        row.get("topic", ""),
        row["text"],
        row["question"],
        row.get("weight"),
        tuple(row.get("applies_if_all_yes", ())),
        tuple(row.get("modality", ())),
        tuple(row.get("dicom", ())),
        tuple(row.get("applies", Item.applies)),
        row.get("brief", ""),
    )
