"""Filling a checklist in: the run's evidence, the author's answers, the score, and the numbers of each status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict

from prldh.checklists.answers import FILE, Answers, apply_answers, merge, read_answers
from prldh.checklists.dossier import Dossier
from prldh.checklists.findings import AUTHOR, STATUSES
from prldh.checklists.items import Standard
from prldh.checklists.score import settle_conditions
from prldh.core import PluginError, clean
from prldh.plugins import ScoresAnswers, answered, called, check_details, guarded, is_strangers, json_mapping, said
from prldh.results import Misfit, check_of


class _Item(TypedDict):
    number: str
    text: str
    status: Literal["filled", "contradicted", "author", "answered", "not applicable"]


class Item(_Item, total=False):
    """An item of a checklist's file, as far as the report reads it."""

    section: str | None
    topic: str | None
    value: str | None
    reason: str | None
    is_condition: bool


@dataclass(frozen=True)
class Filled:
    """A checklist as it stands: its entries, how many of each status, and the score where the standard has one.

    ``has_report``: whether there was an analysis, whose report may be linked to.
    """

    name: str
    title: str
    version: str
    about: str
    source: dict[str, Any]
    entries: list[dict[str, Any]]
    counts: dict[str, int]
    score: dict[str, Any] | None = field(default=None)
    has_report: bool = False

    @property
    def items(self) -> list[dict[str, Any]]:
        """The entries that are items, not conditions of a score."""
        return [e for e in self.entries if not e.get("is_condition")]

    def as_json(self) -> dict[str, Any]:
        """What the JSON file holds."""
        return {
            "schema": "prldh-checklist/1",
            "standard": self.name,
            "title": self.title,
            "version": self.version,
            "of": self.about,
            "source": self.source,
            "counts": self.counts,
            "score": self.score,
            "items": self.entries,
        }


#: Keys that a stranger's entries may leave out.
OPTIONAL = (
    "section",
    "topic",
    "value",
    "reason",
    "remaining",
    "question",
    "answer",
    "page",
    "comment",
    "verdict",
    "weight",
)


def fill(checklist: Any, dossier: Dossier, answers: Answers) -> Filled:
    """Fill in one checklist.

    Raises
    ------
    PluginError
        If a plugin's checklist returns something else than entries.
    """
    evaluated = called("checklist", checklist, "evaluate", dossier)
    with guarded("checklist", checklist):  # what it gives may be as odd as what it raises
        checked = _checked(checklist, evaluated)
    entries = apply_answers(checked, answers.get(checklist.name, {}))
    entries = settle_conditions(entries)
    standard = _standard_of(checklist)
    parts = ("citation", "source", "completeness", "licence", "url")
    source = {part: getattr(standard, part) for part in parts} if standard else {}
    counted = Counter(e["status"] for e in entries if not e["is_condition"])
    return Filled(
        checklist.name,
        standard.title if standard else checklist.name,
        said("checklist", checklist, "version"),
        dossier.title,
        source,
        entries,
        {s: counted[s] for s in STATUSES if counted[s]},
        _score_of(checklist, entries),
        dossier.results is not None,
    )


def _standard_of(checklist: Any) -> Standard | None:
    """The standard that a checklist of prldh's own fills in."""
    with guarded("checklist", checklist):
        standard = getattr(checklist, "standard", None)
    return standard if isinstance(standard, Standard) else None


def _score_of(checklist: Any, entries: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The score of answered items, of a checklist that has one."""
    if not isinstance(checklist, ScoresAnswers):
        return None
    wanted = "a dictionary of text and numbers"
    return answered("checklist", checklist, "score", entries, read=json_mapping, wanted=wanted)


def _checked(checklist: Any, entries: Any) -> list[dict[str, Any]]:
    if not isinstance(entries, list) or not all(
        isinstance(e, Mapping) and {"number", "text", "status"} <= set(e) for e in entries
    ):
        raise PluginError(
            f"checklist '{checklist.name}': evaluate must return a list of entries with number, text and status. Mend"
            " the plugin."
        )
    check_details("checklist", checklist, {"entries": entries}, "entries")
    entries = clean(entries) if is_strangers(checklist) else entries  # NumPy's numbers are in no JSON
    strange = next((e["status"] for e in entries if e["status"] not in STATUSES), None)
    if strange is not None:
        raise PluginError(
            f"checklist '{checklist.name}': status {strange!r} is none of {', '.join(STATUSES)}. Mend the plugin."
        )
    if not all(_is_evidence(e.get("evidence", [])) for e in entries):
        raise PluginError(
            f"checklist '{checklist.name}': evidence must be a list of dictionaries with where, and href where there is"
            " a link. Mend the plugin."
        )
    filled = [
        {
            **dict.fromkeys(OPTIONAL),
            "evidence": [],
            "conditions": [],
            "is_condition": False,
            **e,
            "number": str(e["number"]),
        }
        for e in entries
    ]
    try:
        check_of(tuple[Item, ...])(filled)
    except Misfit as misfit:
        raise PluginError(
            f"checklist '{checklist.name}': evaluate gives entries{misfit.where}: {misfit.expected} is expected; found"
            f" {misfit.found!r:.80}. Mend the plugin."
        ) from None
    return filled


def _is_evidence(found: Any) -> bool:
    is_list = isinstance(found, (list, tuple))
    return is_list and all(
        isinstance(e, Mapping) and isinstance(e.get("where"), str) and isinstance(e.get("href"), str | None)
        for e in found
    )


def known_items(checklists: Sequence[Any]) -> tuple[dict[str, list[str] | None], dict[str, dict[str, bool]]]:
    """The items that may be answered, by checklist (None: a plugin's, not known), and those that take yes or no alone
    (METRICS; n/a where a condition allows it)."""
    known: dict[str, list[str] | None] = {}
    strict = {}
    for checklist in checklists:
        standard = _standard_of(checklist)
        known[checklist.name] = [i.number for i in (*standard.conditions, *standard.items)] if standard else None
        if standard and standard.conditions:
            strict[checklist.name] = {i.number: bool(i.conditions) for i in (*standard.conditions, *standard.items)}
    return known, strict


def gather_answers(checklists: Sequence[Any], *paths: Path | None) -> Answers:
    """The answers of several files, the later ones before the earlier; a path that is None gives none.

    Raises
    ------
    DataError
        If one cannot be read, or answers what is no item.
    """
    known, strict = known_items(checklists)
    return merge(*(read_answers(path, known, strict) for path in paths if path is not None))


def former_answers(folder: Path) -> Path | None:
    """The questions file of a checklists folder, where there is one."""
    return folder / FILE if (folder / FILE).is_file() else None


def open_questions(filled: Filled) -> int:
    return sum(e["status"] == AUTHOR for e in filled.items)
