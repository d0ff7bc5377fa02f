"""A hostile case, and the class that its end falls into."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from forked import Told

#: The classes, the good ones first.
MESSAGE, RIGHT, TRACEBACK, HANG, PARTIAL, SILENT = (
    "one clear message",
    "right result",
    "traceback or unclear message",
    "hang",
    "partial output",
    "silent",
)
CLASSES = (MESSAGE, RIGHT, TRACEBACK, HANG, PARTIAL, SILENT)
GOOD = frozenset({MESSAGE, RIGHT})

#: What has no place in a message to a user.
JUNK = re.compile(
    r"Traceback|Error: '|errors\.pydantic|<class |<function | object at 0x|KeyError|TypeError|AttributeError|NoneType"
)
#: A message is a few lines; what it quotes of a user's file is cut.
LONGEST_MESSAGE = 2000


@dataclass(frozen=True)
class Case:
    """One hostile input: how a folder is changed, and the command that meets it.

    ``expects``: ``refused``; ``accepted``; ``same``, the numbers of the unchanged study; ``either``, a message or a
    whole result. ``code``: the warning that a run which goes through must hold.
    """

    family: str
    name: str
    template: str
    arguments: tuple[str, ...]
    change: Callable[[Path], None]
    expects: Literal["refused", "accepted", "same", "either"] = "either"
    code: str | None = None
    is_quick: bool = False  # always among those of the quick suite
    is_drawn: bool = False  # figures are drawn, which takes most of the time of a small study; otherwise written blank

    @property
    def id(self) -> str:
        return f"{self.family}/{self.name}"


@dataclass(frozen=True)
class Verdict:
    case: Case
    kind: str
    why: str
    told: Told

    def __str__(self) -> str:
        said = (self.told.err or self.told.out)[-1500:]
        return f"{self.case.id}: {self.kind} ({self.why}; {self.told.seconds:.1f} s)\n{said}"


def snapshot(folder: Path) -> dict[str, str]:
    """What lies in a folder: each path with what it is, links not followed."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root) / name
            about = path.lstat()
            if stat.S_ISREG(about.st_mode):
                if about.st_size < 2**24:
                    what = hashlib.sha256(path.read_bytes()).hexdigest()
                else:
                    what = f"{about.st_size} bytes"
            else:
                what = f"{stat.S_IFMT(about.st_mode):o} {os.readlink(path) if path.is_symlink() else ''}"
            found[os.fspath(path.relative_to(folder))] = what
    return found


def unclear(errors: str) -> str | None:
    """Why what was printed is no clear message; None where it is one."""
    if found := JUNK.search(errors):
        return f"says {found.group()!r}"
    lines = [line for line in errors.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith(("prldh: ", "Error: "))]
    if len(said) != 1:
        return f"{len(said)} messages"
    message = errors[errors.index(said[0]) :]
    if len(message) > LONGEST_MESSAGE:
        return f"a message of {len(message)} characters"
    if bad := next((c for c in message if not c.isprintable() and c != "\n"), None):
        return f"prints {bad!r}"
    return None


def judge(case: Case, told: Told, before: Mapping[str, str], folder: Path, numbers: object) -> Verdict:
    """The class of a case's end. ``numbers``: those of the unchanged study."""
    kind, why = _judge(case, told, before, folder, numbers)
    return Verdict(case, kind, why, told)


def _judge(case: Case, told: Told, before: Mapping[str, str], folder: Path, numbers: object) -> tuple[str, str]:
    if told.code is None:
        return HANG, "ended by force"
    if told.code == 0:
        if JUNK.search(told.err):
            return TRACEBACK, "printed beside a result"
        if lost := _lost(case, before, snapshot(folder)):
            return SILENT, f"{len(lost)} files that were there are not as they were: {', '.join(lost[:4])}"
        return _judge_result(case, folder, numbers)
    if told.code not in (1, 2):
        return TRACEBACK, f"exit status {told.code}"
    if why := unclear(told.err):
        return TRACEBACK, why
    after = snapshot(folder)
    if after != before:
        changed = sorted(k for k in {*after, *before} if after.get(k) != before.get(k))
        return PARTIAL, f"{len(changed)} paths differ: {', '.join(changed[:4])}"
    if case.expects in ("accepted", "same"):
        return SILENT, "refused, and should go through"
    return MESSAGE, "refused"


def _lost(case: Case, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What a command that went through changed though it is not its own: anything that is no file of a run."""
    return sorted(k for k in before if after.get(k) != before[k] and not k.startswith(("run", "other")))


def _judge_result(case: Case, folder: Path, numbers: object) -> tuple[str, str]:
    if case.expects == "refused":
        return SILENT, "went through"
    if case.arguments[0] == "apply" and (odd := _odd_predictions(folder)):
        return SILENT, odd
    if case.arguments[0] != "analyze":
        return RIGHT, "went through"
    out = folder / case.arguments[case.arguments.index("--out") + 1]
    try:
        found = json.loads((out / "results.json").read_text())
    except (OSError, ValueError) as error:
        return PARTIAL, f"results.json: {error}"
    missing = [name for name in ("report.html", "model.json", "provenance.json") if not (out / name).is_file()]
    if missing:
        return PARTIAL, f"without {missing}"
    if case.code and case.code not in {w["code"] for w in found["warnings"]}:
        return SILENT, f"without the warning {case.code}"
    if case.expects == "same" and numbers_of(found) != numbers:
        return SILENT, "other numbers"
    return RIGHT, "went through"


def _odd_predictions(folder: Path) -> str | None:
    """A probability that is none, among those that were written for new patients."""
    for path in (folder / "run" / "external").glob("*/predictions.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                for name in row.keys() & {"probability", "recalibrated"}:
                    if row[name] and not 0.0 <= float(row[name]) <= 1.0:
                        return f"{name} {row[name]}"
    return None


#: What a result says of numbers: everything but where and when, and what names the tables.
SAME = ("cohort", "table_one", "tissues", "models", "comparisons", "interaction")


def numbers_of(results: Mapping) -> object:
    return {key: results.get(key) for key in SAME}
