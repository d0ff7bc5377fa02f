"""Every option of every command, asked of click, with values that it should not be given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from changes import ANALYZE, APPLY, CHECK_IMAGES, commands
from verdicts import Case

from prldh.cli import cli

#: A command as it goes through, by its name; and the folder that it is tried in.
LINES: dict[str, tuple[str, tuple[str, ...]]] = {
    "analyze": ("study", ANALYZE),
    "plan": ("study", ("plan", "study.yaml", "--out", "plan.json")),
    "extract": ("images", CHECK_IMAGES),
    "demo": ("study", ("demo", "--data-only", "new")),
    "init": ("study", ("init", "new")),
    "report": ("runs", ("report", "run", "--jobs", "1")),
    "apply": ("runs", APPLY),
    "calculator": ("runs", ("calculator", "run", "--out", "x.html")),
    "compare": ("runs", ("compare", "run", "other")),
    "checklist": ("runs", ("checklist", "run", "--standard", "clear")),
    "plugins list": ("study", ("plugins", "list")),
    "plugins check": ("study", ("plugins", "check", "icc")),
    "plugins new": ("study", ("plugins", "new", "prldh-mine")),
    "doctor": ("study", ("doctor",)),
    "schema": ("study", ("schema", "study")),
}
NUMBERS = ("", "-0", "1e3", "0x10", "1_0", "٣", "½", "NaN", "inf", "9" * 30, "-99999999999", "1;id", "\x1b[31m", " ")
WORDS = ("", "SVG", "svg,pdf", "*", "-", "--", "\x1b[31m", "é" * 3000, "../..", "none\n")
MORE = (("--nonsense",), ("--", "-x"), ("\x1b[31m",), ("",), ("--out",), ("-" * 3000,), ("é",))
TEXTS = ("", " ", "-", "\x1b[2J", "a" * 5000, "\U0001f9e0", "../../etc", "%s%n", "a\nb", "{a: {b", "!!int x")


def _values(kind: click.ParamType) -> tuple[str, ...]:
    if isinstance(kind, (click.IntRange, click.FloatRange)) or kind in (click.INT, click.FLOAT):
        return NUMBERS
    return WORDS if isinstance(kind, click.Choice) else TEXTS if kind is click.STRING else ()


def options() -> Iterator[Case]:
    """Each option × values, beside a line that goes through; flags with a value; options that there are not."""
    for name, command in commands(cli):
        if name not in LINES:
            continue  # of a plugin
        template, line = LINES[name]
        for param in command.params:
            values = _values(param.type)
            if not isinstance(param, click.Option):
                values = ()
            option = param.opts[0]
            if isinstance(param, click.Option) and param.is_flag:
                yield Case(
                    "options", f"{name}.{param.name}.value", template, (*line, f"{option}=1"), _nothing, "refused"
                )
            for i, value in enumerate(values):
                kept = _without(line, option)
                yield Case("options", f"{name}.{param.name}.{i:02d}", template, (*kept, option, value), _nothing)
        for i, more in enumerate(MORE):
            yield Case("options", f"{name}.more.{i}", template, (*line, *more), _nothing)
        if name != "demo":  # which then analyses for minutes, as it should
            yield Case("options", f"{name}.nothing", template, tuple(name.split()), _nothing)


def _without(line: tuple[str, ...], option: str) -> tuple[str, ...]:
    if option not in line:
        return line
    at = line.index(option)
    return (*line[:at], *line[at + 2 :])


def _nothing(folder: Path) -> None:
    pass
