"""The core asks objects, not names: no string in it is the name of a step, a source or a plugin.

Names are collected from what is installed, plugins included, and every string of every module and template is looked
at. Where a name is also something else, that is listed with what it is, and checked to be it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

import prldh
import prldh.study
from prldh.engines.protocol import StatisticsEngine
from prldh.plugins.registry import Registry
from prldh.results.schemas import schema_of

CORE = Path(prldh.__file__).parent
TEMPLATES = CORE.parent / "reports" / "templates"
REGISTRY = Registry()
HOOKS = (
    "register_transforms",
    "register_learners",
    "register_selectors",
    "register_validators",
    "register_feature_sources",
    "register_report_sections",
)
OBJECTS = [item for hook in HOOKS for item, _ in REGISTRY.registered(hook).values()]
PLUGINS = {name for each in REGISTRY.distributions for name in (each.plugin, each.name)}
NAMES = {item.name for item in OBJECTS} | PLUGINS
#: Keys of the study file: every field of its models, wherever they are read.
KEYS = {
    key
    for module in pkgutil.iter_modules(prldh.study.__path__, "prldh.study.")
    for _, model in inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
    if issubclass(model, BaseModel)
    for key in model.model_fields
}
#: Words that are a name and something else: what, and in which rooms.
HOMONYMS = {
    "correlation": ("a key of results.json: the matrix of the features that stayed", {"report"}),
    "icc": ("a function of the statistics engines", {"engines"}),
    "mean": (
        "an average, and a key of results.json",
        {"apply", "chain", "checklists", "data", "models", "report", "results", "stats"},
    ),
    "scale": ("what a feature is divided by, a key of results.json", {"chain", "core", "results", "stats"}),
    "stability": ("how often features are selected again, a key of results.json", {"checklists", "report", "results"}),
}


def strings(path: Path) -> list[tuple[int, str]]:
    """Every string constant of a module, with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [(n.lineno, n.value) for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def is_something_else(name: str, room: str) -> bool:
    return name in KEYS or (name in HOMONYMS and room in HOMONYMS[name][1])


def own_modules() -> set[Path]:
    """Where the built-in objects are written, and the one place that knows them."""
    return {CORE / "builtin.py", *(Path(inspect.getfile(type(item))) for item in OBJECTS)}


def test_there_are_names_to_look_for():
    assert {"icc", "mrmr_forest", "correlation", "lasso_svm_rfe", "univariate", "external-validation"} <= NAMES
    if any(each.name == "prldh-uctransnet" for each in REGISTRY.distributions):
        assert {"pyradiomics", "uctransnet", "feature_library", "deep-features", "prldh-uctransnet"} <= NAMES


def test_no_module_names_a_step_a_source_or_a_plugin():
    found = [
        f"{path.relative_to(CORE)}, line {line}: {text!r}"
        for path in sorted(CORE.rglob("*.py"))
        if path not in own_modules() and path.parent != CORE / "study"  # its keys and default values
        for line, text in strings(path)
        if text in NAMES and not is_something_else(text, path.relative_to(CORE).parts[0])
    ]
    assert not found, found


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.j2")), ids=lambda path: path.name)
def test_no_template_names_one(path):
    quoted = set(re.findall(r"""["']([\w.-]+)["']""", path.read_text(encoding="utf-8")))
    assert not {name for name in quoted & NAMES if not is_something_else(name, "report")}


def test_the_sweep_finds_what_it_looks_for(tmp_path):
    (tmp_path / "m.py").write_text('def f(step):\n    return {"icc": 1, "folds": 2}.get(step["name"], "mrmr_forest")\n')
    named = [text for _, text in strings(tmp_path / "m.py") if text in NAMES and not is_something_else(text, "report")]
    assert sorted(named) == ["icc", "mrmr_forest"]


def test_what_is_something_else_is_that():
    schema = json.dumps(schema_of("results"))
    assert '"correlation"' in schema and '"stability"' in schema and hasattr(StatisticsEngine, "icc")
    assert "lasso" in REGISTRY.registered("register_learners")
    assert {"folds", "bootstrap", "leave_one_out", "univariate"} == KEYS & {item.name for item in OBJECTS}
    for name, (_, rooms) in HOMONYMS.items():
        for room in rooms:
            used = {text for path in (CORE / room).rglob("*.py") for _, text in strings(path)}
            assert name in used, f"{name} stands in {room} no more: take it off the list"
