"""How a folder is changed, and the commands that meet it."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import click
import yaml

ANALYZE = ("analyze", "study.yaml", "--out", "out", "--jobs", "1")
CHECK_IMAGES = ("extract", "study.yaml", "--out", "out", "--jobs", "1")
APPLY = ("apply", "run", "cohort.yaml", "--jobs", "1")


def drawn(name: str, things: list, count: int) -> list:
    """Some of these, the same for the same name."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return random.Random(seed).sample(things, min(count, len(things)))


def places(content: Any, place: tuple = ()) -> Iterator[tuple]:
    if place:
        yield place
    entries = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in entries:
        yield from places(value, (*place, key))


def put(content: Any, place: tuple, value: Any) -> Any:
    content = deepcopy(content)
    there = content
    for key in place[:-1]:
        there = there[key]
    there[place[-1]] = value
    return content


def as_study(content: Any) -> Callable[[Path], None]:
    return lambda folder: dump_yaml(folder / "study.yaml", content)


def dump_yaml(path: Path, content: Any) -> None:
    """YAML that keeps odd characters as escapes; numbers of 5,000 digits are more than Python prints by itself."""

    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    finally:
        sys.set_int_max_str_digits(before)


def nothing(path: Path) -> None:
    pass


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def rewritten(file: str, how: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / file).write_bytes(how((folder / file).read_bytes())) and None


def change_at(content: Any, place: Sequence[Any], change: Callable[[Any], Any] | None) -> None:
    """Change what stands at one place of nested lists and mappings; None: take it out."""
    there = content
    for key in place[:-1]:
        there = there[key]
    if change is None:
        del there[place[-1]]
    else:
        there[place[-1]] = change(there[place[-1]])


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command by its whole name, those of groups too."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command
