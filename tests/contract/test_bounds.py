"""No setting takes a number without end: every number and every list of every settings model has a bound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel, ValidationError

from prldh.apply.cohort_file import NewCohort
from prldh.cli import cli
from prldh.core import bounds
from prldh.data.imaging.consensus import Consensus
from prldh.data.imaging.perturb import Perturbation
from prldh.plugins import REGISTRIES, Registry
from prldh.study import Study, Validation
from prldh.study.yaml_text import (
    DEEPEST,
    LONGEST_KEY,
    LONGEST_NUMBER,
    LONGEST_TEXT,
    MOST_ALIASES,
    MOST_BYTES,
    MOST_VALUES,
)
from prldh.validation.group_schemes import GroupFoldSettings

ALL_THRESHOLDS = (10**18, -(10**18))
FLOATS = (1e300, -1e300, float("inf"), float("-inf"), float("nan"))
#: Longer than any list that may be given, and than a file of 20,000 values can hold.
LONG = 20_001


def _registered() -> Iterator[type[BaseModel]]:
    registry = Registry()
    for hook in REGISTRIES:
        for item, _ in registry.registered(hook).values():
            if hasattr(item, "Settings"):
                yield item.Settings


def _models() -> list[type[BaseModel]]:
    """Every settings model, and those within them."""
    found, left = {}, [Study, NewCohort, Perturbation, Consensus, *_registered()]
    while left:
        model = left.pop()
        if model not in found:
            found[model] = None
            left += [inner for field in model.model_fields.values() for inner in _within(field.annotation)]
    return sorted(found, key=lambda model: (model.__module__, model.__qualname__))


def _within(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in (*getattr(annotation, "__args__", ()), getattr(annotation, "__origin__", None)):
        if part is not None:
            yield from _within(part)


def _too_much(schema: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """Values beyond any bound, in the place that a field's JSON schema has for them, and what they are."""
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _too_much(choice)
    kind = schema.get("type")
    if kind == "integer":
        yield from ((value, "number") for value in ALL_THRESHOLDS)
    elif kind == "number":
        yield from ((value, "number") for value in FLOATS)
    elif kind == "array":
        parts = schema.get("prefixItems")
        if parts:
            for i, part in enumerate(parts):
                yield from (
                    ([0.5] * i + [value] + [0.5] * (len(parts) - i - 1), what) for value, what in _too_much(part)
                )
        else:
            items = schema.get("items", {})
            least = schema.get("minItems", 1)
            yield from (([value] * least, what) for value, what in _too_much(items))
            yield [_example(items)] * LONG, "list"
    elif kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        yield from (({"a": value}, what) for value, what in _too_much(schema["additionalProperties"]))


def _endless(schema: Any) -> Iterator[dict[str, Any]]:
    """Mappings of names that the user gives, without a bound, within a field's JSON schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
            yield from (schema for _ in range("maxProperties" not in schema))
        for key in schema.keys() - {"default", "examples"}:
            yield from _endless(schema[key])
    elif isinstance(schema, list):
        for each in schema:
            yield from _endless(each)


def _example(schema: dict[str, Any]) -> Any:
    of_a_kind = {"string": "a", "integer": 1, "number": 0.5, "object": {"a": {}}, "array": ["a", "a"], "boolean": True}
    if "enum" in schema:
        return schema["enum"][0]
    return next((_example(each) for each in schema.get("anyOf", ())), of_a_kind.get(schema.get("type", ""), "a"))


def _problems(model: type[BaseModel], name: str, value: Any) -> list[str]:
    try:
        model.model_validate({name: value})
    except ValidationError as error:
        return [each["type"] for each in error.errors(include_input=False) if each["loc"][:1] == (name,)]
    return []


@pytest.mark.parametrize("model", _models(), ids=lambda model: f"{model.__module__}.{model.__qualname__}")
def test_every_number_and_list_of_a_settings_model_has_a_bound(model):
    schemas = model.model_json_schema()["properties"] if model.model_fields else {}
    for name in model.model_fields:
        for value, what in _too_much(schemas[name]):
            found = _problems(model, name, value)
            assert found if what == "number" else "too_long" in found, (
                f"{name} takes {str(value)[:60]}: give it a bound"
            )
        assert not list(_endless(schemas[name])), f"{name} takes any number of names: give it a max_length"


def test_the_sweep_finds_what_has_no_bound():
    class Loose(BaseModel):
        count: int = 1
        share: float = 0.5
        names: list[str] = []
        pair: tuple[float, float] = (0, 1)
        named: dict[str, int] = {}

    for name, schema in Loose.model_json_schema()["properties"].items():
        assert any(not _problems(Loose, name, value) for value, _ in _too_much(schema)), name
        assert bool(list(_endless(schema))) == (name == "named")


def test_the_models_are_all_of_them():
    names = {model.__qualname__ for model in _models()}
    assert {
        "Study",
        "Validation",
        "Performance",
        "TableRead",
        "MrmrForestSettings",
        "N4Settings",
        "NewClinical",
    } <= names
    assert len(names) > 40


@pytest.mark.parametrize("model", [Validation, GroupFoldSettings])
def test_folds_times_repeats_have_a_bound_too(model):
    others = {"column": "centre"} if model is GroupFoldSettings else {}
    model.model_validate({"folds": 10, "repeats": bounds.RESAMPLES // 10, **others})
    with pytest.raises(ValidationError, match="folds times repeats"):
        model.model_validate({"folds": 11, "repeats": bounds.RESAMPLES // 10, **others})


def _options(command: click.Command, name: str = "prldh") -> Iterator[tuple[str, click.Parameter]]:
    for each in getattr(command, "commands", {}).items():
        yield from _options(each[1], f"{name} {each[0]}")
    yield from ((f"{name} {parameter.name}", parameter) for parameter in command.params)


def test_every_number_on_the_command_line_has_a_bound():
    of_plugins = click.Group()
    Registry().manager.hook.register_commands(cli=of_plugins)
    numbers = {
        name: parameter.type
        for name, parameter in (*_options(cli), *_options(of_plugins))
        if isinstance(parameter.type, (click.types.IntParamType, click.types.FloatParamType))
    }
    assert {name.rpartition(" ")[2] for name in numbers} >= {"jobs", "seed", "dpi", "verify"}
    without = [name for name, kind in numbers.items() if getattr(kind, "max", None) is None]
    assert not without, f"give click.IntRange a max: {', '.join(without)}"


def test_every_bound_says_why_and_the_page_lists_it():
    page = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8").partition("## Limits")[2]
    source = Path(bounds.__file__).read_text(encoding="utf-8")
    names = [name for name in vars(bounds) if name.isupper()]
    assert len(names) > 8
    for name in names:
        assert re.search(rf"^#: [^\n]+\n(?:#: [^\n]+\n)*{name} = ", source, re.M), f"{name} has no reason above it"
        assert name == "NUMBER" or f"| {getattr(bounds, name):,} " in page, f"docs/tables.md does not list {name}"
    for limit in (MOST_BYTES, MOST_VALUES, MOST_ALIASES, DEEPEST, LONGEST_KEY, LONGEST_TEXT, LONGEST_NUMBER):
        assert re.search(rf"\b{limit:,}\b", page), f"docs/tables.md does not state {limit:,}"
