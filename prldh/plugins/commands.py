"""Commands that plugins add to the command line, beside those that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prldh.core import PluginError, PrldhError, is_interruption, is_lost, is_pretended, listen, mark_pretended, ran_out
from prldh.plugins.promises import describe_error, in_short, is_writable
from prldh.plugins.unrun import why_unrun

if TYPE_CHECKING:
    import click

#: So many groups may stand within one another.
_DEEPEST = 9


@dataclass(frozen=True)
class _AsItWas:
    """A command, or what it takes, before a plugin came; of a group, its commands are looked at one by one."""

    part: Any
    name: str
    kind: type
    members: dict[str, Any]
    commands: dict[str, Any] | None

    @classmethod
    def of(cls, part: Any, name: str) -> _AsItWas:
        members = {key: _copied(value) for key, value in vars(part).items() if key != "commands"}
        own = vars(part).get("commands")
        return cls(part, name, type(part), members, None if own is None else dict(own))

    def replaced(self) -> str | None:
        """What is another now: the name of the command, or of one of its own; None: nothing."""
        now = {key: value for key, value in vars(self.part).items() if key != "commands"}
        if type(self.part) is not self.kind or now.keys() != self.members.keys() or any(map(self._is_other, now)):
            return self.name
        own = vars(self.part).get("commands") or {}
        return next((name for name, each in (self.commands or {}).items() if own.get(name) is not each), None)

    def _is_other(self, key: str) -> bool:
        value, before = vars(self.part)[key], self.members[key]
        if isinstance(value, (list, dict)) and type(value) is type(before):
            inner, former = (list(each.items()) if isinstance(each, dict) else each for each in (value, before))
            return len(inner) != len(former) or any(a is not b and a != b for a, b in zip(inner, former, strict=True))
        return value is not before

    def restore(self) -> None:
        self.part.__class__ = self.kind
        own = {} if self.commands is None else {"commands": dict(self.commands)}
        self.part.__dict__ = {**{key: _copied(value) for key, value in self.members.items()}, **own}


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, (list, dict)) else value


def _as_it_is(command: click.Command, name: str) -> Iterator[_AsItWas]:
    here = _context(command, name)
    command.get_help_option(here)  # as reading a help leaves it: click keeps it, and commands change as they are found
    for inner in getattr(command, "commands", {}):
        command.get_command(here, inner)  # type: ignore[attr-defined]  # of a group
    yield _AsItWas.of(command, name)
    for param in command.params:
        yield _AsItWas.of(param, name)
    for inner, each in getattr(command, "commands", {}).items():
        yield from _as_it_is(each, inner)


def add_commands(cli: click.Group, add: Callable[[], object], whose: str) -> None:
    """Let a plugin, ``whose`` they are, add its commands; where it fails, or one that is there would be another, it
    adds none.

    Raises
    ------
    PluginError
        With the name of that command.
    """
    before = list(_as_it_is(cli, cli.name or "prldh"))
    try:
        add()
        replaced = next((name for each in before if (name := each.replaced()) is not None), None)
        if replaced is not None:
            raise PluginError(f"it would replace the command '{replaced}'")
        added: list[tuple[str, click.Command]] = []
        for each in before:
            for name, command in vars(each.part).get("commands", {}).items():
                if name not in (each.commands or {}):
                    _check_command(name, command, _context(each.part, each.name))
                    added.append((name, command))
        for name, command in added:
            _guard(command, name, whose)
    except BaseException:
        for each in before:
            each.restore()
        raise


def _context(command: click.Command, name: str, above: click.Context | None = None) -> click.Context:
    import click

    return click.Context(command, info_name=name, parent=above)


def _takes_answers(command: click.Command) -> bool:
    """Whether a command does something with what its callback, or a command of its own, gives: it runs it itself, or
    has a callback for results."""
    import click

    runs_itself = type(command).invoke not in (click.Command.invoke, click.Group.invoke)
    return runs_itself or getattr(command, "_result_callback", None) is not None


def _check_command(name: Any, command: Any, above: click.Context, depth: int = 0, is_taken: bool = False) -> None:
    """A command of a group, ``above``, that click can list, tell of and run; ``is_taken``: what it gives is asked for.

    Raises
    ------
    PluginError
    """
    import click

    if not is_writable(name) or not name.isprintable() or name.split() != [name] or name.startswith("-"):
        raise PluginError(f"{in_short(name):.80} is no name of a command: give a word without a hyphen before it")
    if not isinstance(command, click.Command):
        raise PluginError(f"'{name}' is no command")
    if not isinstance(command.params, list) or not all(isinstance(each, click.Parameter) for each in command.params):
        raise PluginError(f"the command '{name}' takes what is no option or argument of click")
    is_taken = is_taken or _takes_answers(command)
    why = None if command.callback is None or is_taken else why_unrun(command.callback)
    if why:
        raise PluginError(f"the command '{name}' {why}")
    inner = getattr(command, "commands", {})
    if depth == _DEEPEST and inner:
        raise PluginError(f"the command '{name}' stands within itself, or too deep")
    here = _context(command, name, above)
    for own, each in inner.items():
        _check_command(own, each, here, depth + 1, is_taken)
    shown = command.get_short_help_str(), command.get_help(here)
    if not all(map(is_writable, shown)):
        raise PluginError(f"the command '{name}' has a help that is no text")


def _guard(command: click.Command, name: str, whose: str) -> None:
    """Whatever a plugin's command raises, beside what click and prldh say themselves, is one message with its name."""
    import click

    def guarded(own: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            end_listening = listen()
            try:
                return own(*given, **named)
            except (PrldhError, click.ClickException, click.exceptions.Exit, click.Abort, SystemExit):
                raise
            except BaseException as error:
                mark_pretended(error)
                is_ours = isinstance(error, (MemoryError, OSError)) and (ran_out(error) or is_lost(error))
                if is_ours or (is_interruption(error) and not is_pretended(error)):
                    raise
                raise PluginError(
                    f"the command '{name}' of {whose} failed: {describe_error(error)}. Update or uninstall it."
                ) from error
            finally:
                end_listening()

        return call

    for method in ("make_context", "invoke"):
        vars(command)[method] = guarded(getattr(command, method))
