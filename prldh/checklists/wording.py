"""A filled checklist in words: what every format shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prldh.checklists.filling import Filled
from prldh.checklists.findings import STATUSES

#: Shown to the reader, by status.
WORDS = {
    "filled": "filled from the run",
    "contradicted": "contradicted by the run",
    "author": "for the author",
    "answered": "answered by the author",
    "not applicable": "does not apply",
}


#: Characters that XML cannot hold, and Word's files are XML.
UNPRINTABLE = {c: None for c in range(32) if c not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}


def describe_counts(filled: Filled) -> str:
    """``58 items: 21 filled from the run, 2 contradicted by the run, 35 for the author``."""
    parts = [
        f"{filled.counts[s]} {'not applicable' if s == 'not applicable' else WORDS[s]}"
        for s in STATUSES
        if filled.counts.get(s)
    ]
    return f"{len(filled.items)} items: {', '.join(parts)}"


def describe_score(score: dict[str, Any]) -> list[str]:
    """The METRICS score in sentences; what a stranger's checklist comes to, key by key."""
    if "n_yes" not in score:
        return [f"Score: {', '.join(f'{key} {value}' for key, value in score.items())}."]
    total = score["n_yes"] + score["n_no"] + score["n_open"]
    n_beside = score["n_not_applicable"]
    do = "does" if n_beside == 1 else "do"
    beside = f"; {n_beside} of {total + n_beside} items {do} not apply" if n_beside else ""
    if not score["n_open"]:
        if score["score"] is None:
            return [f"METRICS score: none, as no item applies{beside}."]
        return [f"METRICS score: {score['score']:.1f}% ({score['band']}); all {total} items are answered{beside}."]
    still = "1 item still open is" if score["n_open"] == 1 else f"{score['n_open']} items still open are"
    return [
        f"METRICS score: between {score['low']:.1f}% and {score['high']:.1f}%, as the {still} answered no or"
        f" yes{beside}. It has no band before every item is answered."
    ]


def by_section(entries: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Entries under the heading they stand in, in order."""
    sections: list[tuple[str, list[dict[str, Any]]]] = []
    for entry in entries:
        if not sections or sections[-1][0] != (entry["section"] or ""):
            sections.append((entry["section"] or "", []))
        sections[-1][1].append(entry)
    return sections


def finding_text(entry: dict[str, Any]) -> str:
    """What stands in the last column of the tables for Word and LaTeX: value, reason, answer and question, as far as
    there are any."""
    parts = [entry["value"], entry["reason"]]
    if entry["answer"]:
        parts.append(f"The author: {entry['answer']}" + (f" ({entry['comment']})" if entry["comment"] else ""))
    elif entry["comment"]:
        parts.append(f"The author: {entry['comment']}")
    if entry["remaining"]:
        parts.append(f"Left to say: {entry['remaining']}.")
    if entry["status"] == "author":
        parts.append(entry["question"])
    if entry["evidence"]:
        parts.append(f"Evidence: {'; '.join(e['where'] for e in entry['evidence'])}.")
    return "\n".join(str(p) for p in parts if p).translate(UNPRINTABLE)
