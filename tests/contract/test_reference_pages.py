"""Every key of every settings model says what it means, and the pages that are made of the code are those of today."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import click
import pytest
from pydantic import BaseModel, Field
from test_bounds import _models, _options

import prldh
import prldh.api
from prldh.cli import cli
from prldh.plugins import Registry
from prldh.results import schema_of
from prldh.results.measures import MEASURES
from prldh.stats.by_name import all_statistics
from prldh.study import Study

ROOT = Path(__file__).parents[2]
#: Words that name a quantity: a key whose description has one of them says its unit.
DIMENSIONS = {"mm": "mm", "degrees": "degrees", "gb": "GB"}


def _tool():
    sys.path.insert(0, str(ROOT / "tools"))  # as a script, it finds what lies beside it
    spec = importlib.util.spec_from_file_location("reference_pages", ROOT / "tools" / "reference_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = _tool()


def _untold(model: type[BaseModel]) -> list[str]:
    """Keys without a description of some words, or with a unit in their name and none told."""
    found = []
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        unit = DIMENSIONS.get(name.rpartition("_")[2])
        if len((field.description or "").split()) < 2 or extra.get("unit", unit) != unit and unit is not None:
            found.append(name)
        elif unit is not None and "unit" not in extra:
            found.append(name)
    return found


@pytest.mark.parametrize("model", _models(), ids=lambda model: f"{model.__module__}.{model.__qualname__}")
def test_every_key_says_what_it_means(model):
    assert not _untold(model)


def test_the_sweep_finds_what_says_nothing():
    class Silent(BaseModel):
        told: int = Field(1, description="how many there are")
        untold: int = 1
        short: int = Field(1, description="count")
        width_mm: float = Field(1, description="how wide it is")
        height_mm: float = Field(1, description="how high it is", json_schema_extra={"unit": "mm"})

    assert _untold(Silent) == ["untold", "short", "width_mm"]


def test_an_editor_is_told_the_meaning_of_every_key():
    schema = schema_of("study")
    for name, part in {"Study": schema, **schema["$defs"]}.items():
        for key, each in part.get("properties", {}).items():
            assert each.get("description"), f"{name}.{key}"
    assert schema["properties"]["missing"]["description"] == Study.model_fields["missing"].description


@pytest.mark.parametrize("name", TOOL.PAGES)
def test_a_page_is_the_codes(name):
    page = (TOOL.DOCS / name).read_text(encoding="utf-8")
    assert page == TOOL.PAGES[name](), "run tools/reference_pages.py"


def test_the_pages_name_everything():
    pages = {name: (TOOL.DOCS / name).read_text(encoding="utf-8") for name in TOOL.PAGES}
    for key in Study.model_fields:
        assert f'<a id="study.{key}"></a>`{key}` |' in pages["reference/study.md"]
    for _, hook, _ in TOOL.KINDS:
        for name, item in TOOL.registered(hook):
            section = pages["reference/study.md"].split(f": {name}\n")
            assert any(all(f"`{key}` |" in part for key in item.Settings.model_fields) for part in section[1:]), name
    for key in schema_of("results")["properties"]:
        assert f"| `{key}` |" in pages["reference/results.md"]
    for measure in MEASURES:
        assert f"| `{measure.key}` |" in pages["reference/results.md"]
    headings = set(re.findall(r"heading: (\S+)", pages["reference/python.md"]))
    for module in (prldh, prldh.api):
        for name in module.__all__:
            assert (
                f"{module.__name__}.{name}" in headings or f"`{name}`" in pages["reference/python.md"] or name[0] == "_"
            )
    exported = re.findall(r"export\(([\w.]+)\)", (ROOT / "r" / "NAMESPACE").read_text(encoding="utf-8"))
    listed = set(re.findall(r"^\| `([\w.]+)` \|", pages["reference/r.md"], re.M))
    aliases = {
        a for path in (ROOT / "r" / "man").glob("*.Rd") for a in re.findall(r"\\alias\{([^}]*)\}", path.read_text())
    }
    assert len(listed) > 50 and set(exported) <= aliases


def test_every_option_of_the_command_line_says_what_it_does_and_is_listed():
    of_plugins = click.Group()
    Registry().manager.hook.register_commands(cli=of_plugins)
    page = (TOOL.DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    for name, parameter in (*_options(cli), *_options(of_plugins)):
        if isinstance(parameter, click.Option) and parameter.name not in ("version", "help"):
            assert parameter.help, f"{name} has no help"
            command = name.rpartition(" ")[0]
            section = page.split(f"## {command}\n")[1].split("\n## ")[0]
            assert f"`{parameter.opts[0]}`" in section, name


def test_every_measure_has_its_definition_and_every_test_that_is_named_is_there():
    named = {**TOOL.OF_MEASURES, **{other.name: other for other in TOOL.OTHERS}}
    page = (TOOL.DOCS / "definitions.md").read_text(encoding="utf-8")
    for key, formula in TOOL.OF_MEASURES.items():
        assert f"- in `results.json`: `{key}`" in page and formula.text in page and f"`{formula.test}`" in page
    assert list(TOOL.OF_MEASURES) == [measure.key for measure in MEASURES]
    functions = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    for name, entry in named.items():
        path, _, test = entry.test.partition("::")
        assert f"def {test}(" in functions[ROOT / path], f"{name}: {entry.test} is not there"
    for measure in MEASURES:
        assert measure.references or TOOL.OF_MEASURES[measure.key].reference, f"{measure.key} has no source"
    statistics = set(all_statistics())
    in_r = {f for p in (ROOT / "r" / "R").glob("*.R") for f in re.findall(r"^(\w+) <- function", p.read_text(), re.M)}
    for function in (*(m.function for m in MEASURES), *(other.function for other in TOOL.OTHERS)):
        assert function in statistics and function in in_r, f"{function} is not in both engines"
