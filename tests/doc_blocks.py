"""A page of the documentation, run as its reader would: its blocks in order, in one folder.

A block with a ``title`` is that file and is written. ``console`` blocks hold commands after ``$`` and, where it is
shown, what they print; ``python`` blocks share their names, and a ``text`` block after one is what it printed. ``…`` in
what is shown stands for anything. A command whose last shown line begins with ``prldh:`` ends with status 1.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

#: Longer than any command of a page takes on a busy machine.
PATIENCE_S = 500


_DOCS = Path(__file__).parents[1] / "docs"
#: Pages that run from their first block to their last.
RUN = [
    *sorted(page for folder in ("start", "tutorials", "how-to") for page in (_DOCS / folder).glob("*.md")),
    *(_DOCS / name for name in ("index.md", "troubleshooting.md", "reference/study.md")),
]


class Block(NamedTuple):
    """A fenced block: its language, the file that it is, and its text."""

    language: str
    title: str
    text: str


def blocks_of(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = re.findall(r"^( *)```(\w*)([^\n]*)\n(.*?)^\1```$", page, re.M | re.S)
    return [
        Block(
            language,
            (re.findall(r'title="([^"]+)"', rest) or [""])[0],
            "".join(line[len(indent) :] for line in text.splitlines(keepends=True)),
        )
        for indent, language, rest, text in found
    ]


def run_page(page: str, folder: Path, commands: Path = Path(sys.executable).parent) -> None:
    """Run a page's blocks in a folder, with the ``prldh`` that lies in the folder ``commands``.

    Raises
    ------
    AssertionError
        Where a command fails, or prints other than what is shown.
    """
    names: dict[str, Any] = {"__name__": "page"}
    printed = None
    for block in blocks_of(page):
        if block.title:
            (folder / block.title).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for command, shown in _commands(block.text):
                _run(command, shown, folder, commands)
        elif block.language == "python":
            with _in(folder), contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(block.text, "page", "exec"), names)
            printed = out.getvalue()
        elif block.language == "text":
            assert printed is not None, f"nothing printed this:\n{block.text}"
            compare(block.text, printed, "the block above")
            printed = None
        elif block.language == "yaml":
            yaml.safe_load(block.text)
        else:
            raise AssertionError(f"a block of {block.language or 'no language'} is not run:\n{block.text}")


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    """As a notebook in that folder: its files are found, and its modules are imported and then forgotten."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.path.remove(str(folder))
        own = [name for name in set(sys.modules) - before if (folder / f"{name}.py").exists()]
        for name in own:
            del sys.modules[name]


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Commands with what is shown of them; one that ends with a backslash goes on."""
    parts = re.split(r"^\$ ", text, flags=re.M)
    assert not parts[0].strip(), f"this stands before the first command:\n{parts[0]}"
    for part in parts[1:]:
        command, _, shown = re.sub(r"\\\n\s*(?:> )?", "", part).partition("\n")
        yield command, shown


def _run(command: str, shown: str, folder: Path, commands: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, "PATH": f"{commands}:{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "80"},
    )
    is_refused = (shown.strip().splitlines() or [""])[-1].startswith("prldh:")
    assert done.returncode == is_refused, f"$ {command}\n{done.stdout}{done.stderr}"
    if shown.strip():
        compare(shown, done.stderr if is_refused else done.stdout, command)


def compare(shown: str, printed: str, what: str) -> None:
    """Whether what is shown is what was printed."""
    lines = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    assert re.fullmatch(pattern, lines, re.S), f"{what} prints\n{lines}\nand the page shows\n{shown}"
