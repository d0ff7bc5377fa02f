"""No option lets the last of several values count: it is a list, or is refused when it is repeated."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from prldh.cli import PrldhGroup, cli


def _options(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _options(command, (*path, name))
        for param in command.params:
            if isinstance(param, click.Option) and not (param.is_flag or param.multiple):
                yield (*path, name), param.opts[0]


@pytest.mark.parametrize(("command", "option"), list(_options(cli)))
def test_an_option_that_is_given_twice_is_refused(command, option):
    told = CliRunner().invoke(cli, [*command, option, "1", f"{option}=2"])
    assert told.exit_code == 2
    assert f"'{option}': it is given 2 times, as '1' and '2'. Give it once." in told.output


def test_flags_and_options_of_a_plugin_s_command_are_given_once():
    group = PrldhGroup("prldh")

    @group.command()
    @click.option("--warm/--cold", default=None)
    @click.option("--size", "-s", nargs=2, type=str)
    @click.option("--loud", "-l", count=True)
    def segment(**given: object) -> None:
        click.echo(given)

    ask = lambda *line: CliRunner().invoke(group, ["segment", *line]).output  # noqa: E731
    assert "it is given 2 times, as True and False" in ask("--warm", "--cold")
    assert "it is given 2 times, as ('1', '2') and ('3', '4')" in ask("-s", "1", "2", "--size", "3", "4")
    assert "{'warm': True, 'loud': 2, 'size': ('3', '4')}" in ask("--warm", "--warm", "-ll", "-s", "3", "4")
    assert "{'warm': None, 'size': None, 'loud': 0}" in ask()
