"""``checklist.yaml``: the questions that only the authors can answer, written by a run and read back when they are
filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from prldh.checklists.findings import ANSWERED, AUTHOR, CONTRADICTED, FILLED, NOT_APPLICABLE
from prldh.core import DataError, is_file, nearest, quoted, shown
from prldh.study import Written, parse_yaml, read_text

FILE = "checklist.yaml"
#: What an author writes, and what stands beside it in the file.
GIVEN = ("answer", "page", "comment")
KEYS = ("question", "shown", *GIVEN)
BLANK = ("", "null", "~")
#: By standard and item: ``{"answer": ..., "page": ..., "comment": ...}``, blank ones left out.
Answers = Mapping[str, Mapping[str, Mapping[str, str]]]

HEAD = """\
# Questions of the reporting checklists that only the authors can answer. Write after `answer:`, and \
leave blank what is open.
# `yes`, `no` and `n/a` (does not apply: say why in `comment:`) are understood; anything else is taken as text. METRICS
# takes yes or no. After `page:` goes where the paper reports it, such as "4, Patients": it fills the column that
# editors ask for, also of items that the run fills. `shown:` is what the run shows already. Then
#
#   prldh report DIR                                               fills the checklists of a folder in again
#   prldh checklist PATH --standard clear --answers checklist.yaml
#
# A run with --force keeps what is answered here.
"""


def read_answers(
    path: Path, known: Mapping[str, Sequence[str] | None], strict_values: Mapping[str, Mapping[str, bool]] | None = None
) -> Answers:
    """The answers in a file, half-filled or full.

    Parameters
    ----------
    path
        A YAML file: standard → item → ``{question, shown, answer, page, comment}``, or the answer alone.
    known
        The items there are, by standard; None where they are not known, as a plugin's before anything is computed.
    strict_values
        By standard, the items that take yes or no alone, and whether n/a is allowed as well.

    Raises
    ------
    DataError
        If it cannot be read, or answers what is no item (with the nearest that is).
    """
    written = _read_yaml(path)
    content = written.content
    if content in (None, ""):
        return {}
    if not isinstance(content, dict):
        raise DataError(
            f"{path}: answers are written as standard, item, answer, such as `clear: {{'8': {{answer: page 3}}}}`; "
            f"found a {type(content).__name__}. See the file that the run wrote."
        )
    answers: dict[str, dict[str, dict[str, str]]] = {}
    for standard, items in content.items():
        line = f"{path}, line {written.line_of([standard])}"
        if standard not in known:
            raise DataError(f"{line}: there is no checklist '{shown(standard)}'; {_hint(standard, list(known))}")
        if items in BLANK:
            continue
        if not isinstance(items, dict):
            raise DataError(
                f"{line}: under '{standard}' items are expected, such as '8': {{answer: page 3}}; found"
                f" {quoted(items)}. See the file that the run wrote."
            )
        for number, given in items.items():
            numbers, line = known[standard], f"{path}, line {written.line_of([standard, number])}"
            if numbers is not None and number not in numbers:
                raise DataError(f"{line}: {standard} has no item '{shown(number)}'; {_hint(number, numbers)}")
            place = f"{line}: {standard}, item {shown(number)}"
            answer = _answer(given, place)
            if answer:
                answers.setdefault(standard, {})[number] = _strict(
                    answer, (strict_values or {}).get(standard, {}).get(number), place
                )
    return answers


def asked_standards(path: Path) -> list[str]:
    """The checklists whose questions a file holds; none where there is no file."""
    content = _read_yaml(path).content if is_file(path) else None
    return list(content) if isinstance(content, dict) else []


def _read_yaml(path: Path) -> Written:
    """The file as mappings of text: no cell is taken for a number or a truth value."""
    text = read_text(path, "answers", DataError, "Give the checklist.yaml that the run wrote, filled in.")
    return parse_yaml(text, str(path), DataError, as_text=True)


def _hint(name: str, known: Sequence[str]) -> str:
    near = _nearest_item(name, known) or nearest(name, known)
    names = list(known)
    there = ", ".join(names) if len(names) <= 8 else f"{names[0]} to {names[-1]}"
    return f"did you mean '{near}'?" if near else f"there are {there}."


def _nearest_item(name: str, known: Sequence[str]) -> str | None:
    """Of items that are numbered the next in number, then in letter; None for other names."""
    parts = re.match(r"^(\d{1,6})(\w?)", name)
    numbered = [(m, item) for item in known if (m := re.match(r"^(\d+)(\w?)$", item))]
    if not parts or not numbered:
        return None
    number, letter = int(parts[1]), parts[2] or "a"
    return min(numbered, key=lambda pair: (abs(int(pair[0][1]) - number), abs(ord(pair[0][2] or "a") - ord(letter))))[1]


def _answer(given: Any, place: str) -> dict[str, str]:
    if isinstance(given, dict):
        for key in given:
            if key not in KEYS:
                near = nearest(key, KEYS)
                raise DataError(
                    f"{place}: unknown key '{shown(key)}';"
                    f" {f'did you mean {near!r}?' if near else 'known are answer, page and comment.'}"
                )
        parts = {k: given[k] for k in GIVEN if k in given}
    else:
        parts = {"answer": given}
    for key, value in parts.items():
        if not isinstance(value, str):
            raise DataError(
                f"{place}: {key} is text; found a {'list' if isinstance(value, list) else 'mapping'}. Put it in"
                " quotation marks."
            )
    kept = {k: v for k, v in parts.items() if v not in BLANK}
    if kept.get("answer", "").lower() in ("yes", "true", "y"):
        kept["answer"] = "yes"
    elif kept.get("answer", "").lower() in ("no", "false", "n"):
        kept["answer"] = "no"
    elif kept.get("answer", "").lower() in ("n/a", "na", "not applicable"):
        kept["answer"] = "n/a"
    return kept


def _strict(answer: dict[str, str], allows_none: bool | None, place: str) -> dict[str, str]:
    if allows_none is None or "answer" not in answer:
        return answer
    allowed = ("yes", "no", "n/a") if allows_none else ("yes", "no")
    if answer["answer"] not in allowed:
        raise DataError(
            f"{place}: the answer is {', '.join(allowed[:-1])} or {allowed[-1]}; found {quoted(answer['answer'])}. Put"
            " the rest in `comment:`."
        )
    return answer


def merge(*several: Answers) -> Answers:
    """Answers together; the later ones win."""
    merged: dict[str, dict[str, dict[str, str]]] = {}
    for answers in several:
        for standard, items in answers.items():
            for number, answer in items.items():
                merged.setdefault(standard, {})[number] = {**merged.get(standard, {}).get(number, {}), **answer}
    return merged


def apply_answers(
    entries: Sequence[Mapping[str, Any]], answers: Mapping[str, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """The entries with the author's answers in them.

    What the run fills or contradicts keeps its status: an author's word stands beside it, and does not undo it.
    """
    rows = []
    for entry in entries:
        row, given = dict(entry), answers.get(entry["number"], {})
        row.update({key: given.get(key) for key in GIVEN})
        is_scored = row.get("weight") is not None or row.get("is_condition")
        if row["status"] == AUTHOR and row["page"] and not row["answer"] and not is_scored:
            row["status"] = ANSWERED  # the paper says it, on that page
        elif row["answer"] and row["status"] == AUTHOR:
            is_none = row["answer"] == "n/a"
            row["status"] = NOT_APPLICABLE if is_none else ANSWERED
            row["verdict"] = row["answer"] if row["answer"] in ("yes", "no", "n/a") else None
            if is_none:
                row["reason"] = f"so the author: {row['comment']}" if row["comment"] else "so the author"
        rows.append(row)
    return rows


def write_questions(path: Path, filled: Mapping[str, Sequence[Mapping[str, Any]]], answers: Answers) -> None:
    """Write the open questions of every standard, with the answers given so far."""
    content: dict[str, Any] = {}
    for standard in [*filled, *(s for s in answers if s not in filled)]:
        given, rows = answers.get(standard, {}), {}
        for entry in filled.get(standard, []):
            number = entry["number"]
            if entry["status"] != NOT_APPLICABLE or number in given:
                rows[number] = _question(entry, given.get(number, {}))
        rows |= {n: {key: a.get(key) for key in GIVEN} for n, a in given.items() if n not in rows}
        if rows:
            content[standard] = rows
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10_000) if content else ""
    for key in GIVEN:
        text = text.replace(f"{key}: null\n", f"{key}:\n")
    path.write_text(f"{HEAD}\n{text}", encoding="utf-8")


def _question(entry: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """What is asked of an item: its answer, or of one that the run fills the page alone."""
    asked = entry.get("question") or entry["text"]
    if entry["status"] == FILLED and entry.get("remaining"):
        asked = f"{asked} Left to say: {entry['remaining']}."
    shown = {"shown": entry["value"]} if entry.get("value") else {}
    is_settled = entry["status"] in (FILLED, CONTRADICTED) and not entry.get("remaining")
    wanted = [key for key in GIVEN if not is_settled or key == "page" or given.get(key)]
    return {"question": asked, **shown, **{key: given.get(key) for key in wanted}}
