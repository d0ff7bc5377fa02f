"""What people write as YAML or JSON, read in one place: within limits, and with one message for a mistake.

Nothing in it is run, no tag makes an object, and what would unfold to more than the limits is refused before it does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from prldh.core import PrldhError, StudyError, file_bytes, readable, shown

#: The limits of a file that people write, which docs/tables.md states. A study file of fifty tissues has 20,000 bytes,
#: 2,000 values and a depth of 8.
MOST_BYTES, MOST_VALUES, MOST_ALIASES, DEEPEST = 500_000, 20_000, 1_000, 40
#: Characters of a key, of a value that is text, and of a number.
LONGEST_KEY, LONGEST_TEXT, LONGEST_NUMBER = 1_000, 20_000, 100

#: Control characters, and halves of characters, which no file can hold.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"
_TEXT, _MERGE = f"{_TAG}str", f"{_TAG}merge"


class _Loader(yaml.SafeLoader):
    """YAML 1.2's booleans (true, false), so that ``event: yes`` stays the text in the table; dates are text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag.removeprefix(_TAG) not in ("bool", "timestamp", "value")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


@dataclass(frozen=True)
class Written:
    """A value that somebody wrote, with the line where it stands; ``within``: what it holds, by key or position, with
    the line of the key."""

    content: Any
    line: int
    within: Mapping[Any, tuple[int, Written]] = field(default_factory=dict)
    size: int = 1

    def line_of(self, place: Iterable[Any]) -> int:
        """The line of what stands at a place, or of the last part of it that is there."""
        line, here = self.line, self
        for part in place:
            key = part if part in here.within else next((k for k in here.within if str(k) == str(part)), None)
            if key is None:
                break
            line, here = here.within[key]
        return line


def read_text(path: Path, what: str, error: type[PrldhError] = StudyError, advice: str = "Give a YAML file.") -> str:
    """The text of a file that somebody wrote; ``what`` it is called in messages.

    Raises
    ------
    PrldhError
        Of the type ``error``, where it is missing, no regular file, larger than :data:`MOST_BYTES` or not UTF-8.
    """
    raw = file_bytes(readable(path, what, advice, MOST_BYTES, error), MOST_BYTES)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(
            f"{path} is not UTF-8 text (byte {problem.object[problem.start]:#04x} at {problem.start}). Give a YAML"
            " file saved as UTF-8."
        ) from None


def parse_yaml(text: str, where: str, error: type[PrldhError] = StudyError, as_text: bool = False) -> Written:
    """What a YAML text says, ``None`` where it is empty.

    Parameters
    ----------
    where
        What the text is called in messages: the file.
    as_text
        Whether every value stays the text that was written, so that no answer is taken for a number.

    Raises
    ------
    PrldhError
        Of the type ``error``: what is wrong, the line, what was found and what to do.
    """
    return _Reading(where, error, as_text).of(text)


@dataclass
class _Open:
    """A list or mapping of which the end is not read yet."""

    line: int
    anchor: str | None
    content: Any
    is_merge: bool = False
    key: Any = None
    key_line: int = 0  # 0: a key is expected next
    within: dict[Any, tuple[int, Written]] = field(default_factory=dict)
    merged: dict[Any, tuple[int, Written]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    size: int = 1


class _Reading:
    """One text, event by event: nothing is held that is beyond the limits."""

    def __init__(self, where: str, error: type[PrldhError], as_text: bool) -> None:
        self.where, self.error, self.as_text = where, error, as_text
        self.line, self.n_values, self.n_aliases = 1, 0, 0
        self.open: list[_Open] = []
        self.anchors: dict[str, Written] = {}
        self.root: Written | None = None

    def of(self, text: str) -> Written:
        n_documents = 0
        try:
            loader = _Loader(text)
            while loader.check_event():
                event = loader.get_event()
                self.line = event.start_mark.line + 1
                if isinstance(event, yaml.DocumentStartEvent):
                    n_documents += 1
                    if n_documents > 1:
                        raise self._problem(
                            "is not valid YAML here: a second document begins", "Keep one, without '---' within it."
                        )
                elif isinstance(event, yaml.NodeEvent):
                    self._take(event, loader)
                elif isinstance(event, yaml.CollectionEndEvent):
                    self._close()
        except yaml.YAMLError as problem:
            raise self.error(
                f"{self.where}:{_yaml_problem(problem, text)}. Check indentation, colons and quotes there."
            ) from None
        except (ValueError, OverflowError, IndexError) as problem:  # an escape or a directive that names no number
            raise self._problem(
                f"is not valid YAML here: {shown(str(problem))}", "Check escapes and quotes there."
            ) from None
        return self.root or Written(None, 1)

    def _problem(self, what: str, do: str) -> PrldhError:
        return self.error(f"{self.where}, line {self.line} {what}. {do}")

    def _take(self, event: yaml.NodeEvent, loader: _Loader) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._take_alias(event.anchor or "")
            return
        if event.anchor is not None and event.anchor in self.anchors:
            raise self._problem(f"has the anchor '&{shown(event.anchor)}' again", "Give each a name of its own.")
        if isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event, loader)
            return
        if isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        is_list = isinstance(event, yaml.SequenceStartEvent)
        self._check_tag(event.tag, ("seq",) if is_list else ("map",))
        if self.open and self._expects_key():
            raise self._problem("has a list or mapping where a key is expected", "Check brackets and colons there.")
        if len(self.open) == DEEPEST:
            raise self._problem(
                f"is nested more than {DEEPEST} deep, which is the most that is read", "Check brackets there."
            )
        self.open.append(_Open(self.line, event.anchor, [] if is_list else {}))

    def _take_alias(self, anchor: str) -> None:
        self.n_aliases += 1
        name = shown(anchor)
        if any(each.anchor == anchor for each in self.open):
            raise self._problem(f"has '*{name}' within '&{name}' itself", "Write out what is meant.")
        if anchor not in self.anchors:
            raise self._problem(f"has '*{name}', and nothing before it is marked '&{name}'", "Write out what is meant.")
        if self.n_aliases > MOST_ALIASES:
            raise self._problem(f"has more than {MOST_ALIASES:,} aliases ('*{name}')", "Write out what is meant.")
        self._add(self.anchors[anchor], _TEXT)

    def _take_scalar(self, event: yaml.ScalarEvent, loader: _Loader) -> None:
        text = event.value
        tag = event.tag
        if tag is None or tag == "!":
            tag = loader.resolve(yaml.ScalarNode, text, event.implicit)
        if tag != _MERGE:
            self._check_tag(tag, ("str", "int", "float", "bool", "null"))
        if found := _UNWRITABLE.search(text):
            raise self._problem(
                f"holds the character {found[0]!r}, which no table or path can hold", "Remove it from the value."
            )
        is_key = bool(self.open) and self._expects_key()
        longest = LONGEST_KEY if is_key else LONGEST_TEXT
        if len(text) > longest:
            raise self._problem(
                f"has a {'key' if is_key else 'value'} of {len(text):,} characters, and {longest:,} are the most"
                f" (found '{shown(text)}')",
                "Shorten it, and check quotes there.",
            )
        value = text.strip() if self.as_text else self._value(tag, text, loader)
        written = Written(value, self.line)
        if event.anchor is not None:
            self.anchors[event.anchor] = written
        self._add(written, tag)

    def _value(self, tag: str, text: str, loader: _Loader) -> Any:
        kind = tag.removeprefix(_TAG)
        if kind in ("str", "merge"):
            return text
        if kind in ("int", "float") and len(text) > LONGEST_NUMBER:
            raise self._problem(
                f"has a number of {len(text):,} characters, and {LONGEST_NUMBER} are the most (found '{shown(text)}')",
                "Give a smaller one, or put it in quotes where it is text.",
            )
        try:
            return getattr(loader, f"construct_yaml_{kind}")(yaml.ScalarNode(tag, text))
        except (ValueError, KeyError, IndexError, OverflowError):
            raise self._problem(
                f"says that '{shown(text)}' is '!!{kind}', which it is not", "Remove the tag."
            ) from None

    def _check_tag(self, tag: str | None, known: tuple[str, ...]) -> None:
        if tag is not None and tag != "!" and (not tag.startswith(_TAG) or tag.removeprefix(_TAG) not in known):
            name = tag.replace(_TAG, "!!", 1)
            raise self._problem(
                f"is not valid YAML here: the tag '{shown(name)}' makes nothing that is read", "Remove the tag."
            )

    def _expects_key(self) -> bool:
        here = self.open[-1]
        return isinstance(here.content, dict) and not here.key_line

    def _add(self, written: Written, tag: str) -> None:
        """A finished value into what is open."""
        self.n_values += written.size
        if self.n_values > MOST_VALUES:
            raise self._problem(
                f"is beyond {MOST_VALUES:,} values, which are the most that are read (aliases count as what they"
                " stand for)",
                "Make the file smaller.",
            )
        if not self.open:
            self.root = written
            return
        here = self.open[-1]
        here.size += written.size
        if isinstance(here.content, list):
            here.within[len(here.content)] = (written.line, written)
            here.content.append(written.content)
        elif not here.key_line:
            self._add_key(here, written, tag)
        else:
            if here.is_merge:
                self._merge(here, written)
            else:
                here.within[here.key] = (here.key_line, written)
            here.key_line = 0

    def _add_key(self, here: _Open, written: Written, tag: str) -> None:
        key = written.content
        if isinstance(key, (list, dict)):
            raise self._problem("has a list or mapping where a key is expected", "Check brackets and colons there.")
        if key is None or key == "":
            raise self._problem("has a value without a key", "Write the key before the colon, in quotes if need be.")
        here.is_merge = tag == _MERGE
        name = "<<" if here.is_merge else shown(key)
        if str(key) in here.names or key in here.within:  # 1, '1' and true are one key or another's
            raise self._problem(f"is wrong: the key '{name}' stands twice", "Remove one.")
        here.names.add(str(key))
        here.key, here.key_line = key, self.line

    def _merge(self, here: _Open, written: Written) -> None:
        several = [each for _, each in written.within.values()] if isinstance(written.content, list) else [written]
        if not several or not all(isinstance(each.content, dict) for each in several):
            raise self._problem(
                f"has '<<:', which takes a mapping or a list of them (found {shown(written.content)})",
                "Write out what is meant.",
            )
        for each in several:  # the first goes before those after it
            here.merged = {**each.within, **here.merged}

    def _close(self) -> None:
        here = self.open.pop()
        if isinstance(here.content, dict):
            here.within = {**here.merged, **here.within}
            here.content = {key: each.content for key, (_, each) in here.within.items()}
        written = Written(here.content, here.line, here.within, here.size)
        if here.anchor is not None:
            self.anchors[here.anchor] = written
        self.n_values -= here.size - 1  # they are counted one by one already
        self._add(written, _TEXT)


def _yaml_problem(error: yaml.YAMLError, text: str) -> str:
    if isinstance(error, yaml.reader.ReaderError):  # it has no mark
        line = text.count("\n", 0, error.position) + 1
        character = error.character if isinstance(error.character, str) else chr(error.character)
        return f" line {line} is not valid YAML: the character {character!r} is not allowed"
    mark = getattr(error, "problem_mark", None)
    place = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{place} is not valid YAML: {shown(getattr(error, 'problem', None) or str(error), 200)}"


def parse_json(text: str, where: str, error: type[PrldhError] = StudyError) -> Any:
    """What a JSON text says, within the limits of :func:`parse_yaml`, and no key twice.

    Raises
    ------
    PrldhError
        Of the type ``error``: what is wrong, what was found and what to do.
    """

    def refuse(what: str, do: str) -> PrldhError:
        return error(f"{where} {what}. {do}")

    def number(kind: Callable[[str], Any]) -> Callable[[str], Any]:
        def read(written: str) -> Any:
            if len(written) > LONGEST_NUMBER:
                raise refuse(
                    f"has a number of {len(written):,} characters, and {LONGEST_NUMBER} are the most (found"
                    f" '{shown(written)}')",
                    "Give a smaller one.",
                )
            return kind(written)

        return read

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in pairs:
            if key in content:
                raise refuse(f"is wrong: the key '{shown(key)}' stands twice", "Remove one.")
            content[key] = value
        return content

    try:
        content = json.loads(text, object_pairs_hook=mapping, parse_int=number(int), parse_float=number(float))
    except RecursionError:
        raise refuse(f"is nested more than {DEEPEST} deep, which is the most that is read", "Check brackets.") from None
    except json.JSONDecodeError as problem:
        raise refuse(
            f"is not valid JSON: line {problem.lineno}, column {problem.colno}: {problem.msg}",
            "Check commas, brackets and quotes there.",
        ) from None
    _check_size(content, refuse)
    return content


def _check_size(content: Any, refuse: Callable[[str, str], PrldhError]) -> None:
    n_values, depth, level = 0, 0, [content]
    while level:
        n_values += len(level)
        if n_values > MOST_VALUES:
            raise refuse(f"has more than {MOST_VALUES:,} values, which are the most that are read", "Make it smaller.")
        for each in level:
            if isinstance(each, str) and (found := _UNWRITABLE.search(each)):
                raise refuse(f"holds the character {found[0]!r}, which no table or path can hold", "Remove it.")
        several = [each for each in level if isinstance(each, (list, dict))]
        depth += bool(several)
        if depth > DEEPEST:
            raise refuse(f"is nested more than {DEEPEST} deep, which is the most that is read", "Check brackets.")
        level = [inner for each in several for inner in (each if isinstance(each, list) else [*each, *each.values()])]
