"""Commands that plugins add to the command line, beside those that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prldh.core import PluginError

if TYPE_CHECKING:
    import click


@dataclass(frozen=True)
class _AsItWas:
    """A command before a plugin came: what it calls, what it takes and, of a group, its commands."""

    command: click.Command
    callback: Callable[..., object] | None
    params: tuple[click.Parameter, ...]
    commands: dict[str, click.Command] | None

    def replaced(self) -> str | None:
        """What is another now: the name of the command, or of one of its own; None: nothing."""
        if self.command.callback is not self.callback or tuple(self.command.params) != self.params:
            return self.command.name
        now: dict[str, click.Command] = getattr(self.command, "commands", {})
        return next((name for name, own in (self.commands or {}).items() if now.get(name) is not own), None)

    def restore(self) -> None:
        self.command.callback, self.command.params = self.callback, list(self.params)
        if self.commands is not None:
            vars(self.command)["commands"] = dict(self.commands)


def _as_it_is(command: click.Command) -> Iterator[_AsItWas]:
    own: dict[str, click.Command] | None = getattr(command, "commands", None)
    yield _AsItWas(command, command.callback, tuple(command.params), None if own is None else dict(own))
    for each in (own or {}).values():
        yield from _as_it_is(each)


def add_commands(cli: click.Group, add: Callable[[], object]) -> None:
    """Let a plugin add its commands; where it fails, or one that is there would be another, it adds none.

    Raises
    ------
    PluginError
        With the name of that command.
    """
    before = list(_as_it_is(cli))
    try:
        add()
        odd = [
            name for name, each in cli.commands.items() if not (hasattr(each, "callback") and hasattr(each, "params"))
        ]
        if odd:
            raise PluginError(f"'{odd[0]}' is no command")
        replaced = next((name for each in before if (name := each.replaced()) is not None), None)
        if replaced is not None:
            raise PluginError(f"it would replace the command '{replaced}'")
    except BaseException:
        for each in before:
            each.restore()
        raise
