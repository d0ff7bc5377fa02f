"""The example of docs/plugins.md is a plugin that keeps its promises."""

from __future__ import annotations

import re
import types
from pathlib import Path

import click
from click.testing import CliRunner

from prldh.plugins import hookspecs
from prldh.plugins.registry import REGISTRIES, Registry
from prldh.testing.kit import checks_of

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")


def test_the_example_registers_and_conforms(capsys):
    module = types.ModuleType("plugin_of_the_page")
    exec(re.search(r"```python\n(.*?)```", PAGE, re.S)[1], module.__dict__)
    for name in ("Halves", "Shared", "Thanks"):
        vars(module)[name].__module__ = __name__  # so that they can be pickled
        globals()[name] = vars(module)[name]
    registry = Registry(load_entry_points=False)
    registry.register(module, name="mine")
    found = [item for hook in REGISTRIES for item, plugin in registry.registered(hook).values() if plugin == "mine"]
    assert {item.name for item in found} == {"halves", "shared", "thanks"}
    for item in found:
        for check in checks_of(item):
            check()
    group = click.Group()
    registry.manager.hook.register_commands(cli=group)
    assert CliRunner().invoke(group, ["hello"]).output == "hello\n"
    registry.manager.hook.stage_finished(stage="cohort", result=None)
    assert capsys.readouterr().out.endswith("cohort is done\n")


def test_the_page_names_every_hook():
    hooks = {name for name, f in vars(hookspecs).items() if hasattr(f, "prldh_spec")}
    assert hooks == set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M))
