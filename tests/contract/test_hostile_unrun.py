"""A method or hook that is asynchronous, or a generator where nobody asks for what it makes, would never run: it is
refused by its name where it is registered."""

from __future__ import annotations

import inspect
import sys
import warnings
from functools import lru_cache, partial, wraps
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from prldh.core.errors import PluginError, PrldhError
from prldh.plugins import hookspecs
from prldh.plugins.border import called
from prldh.plugins.registry import REGISTRIES, Registry
from prldh.plugins.unrun import _methods
from prldh.run.protocols import _resolve_learner

sys.path.insert(0, str(Path(__file__).parents[1]))
from hostile_plugins import Peaceful, install


async def asynchronous(*_):
    return None


async def asynchronous_pieces(*_):
    yield None


def generator(*_):
    yield None


class Called:
    def __call__(self, *_):
        return []


WAYS = {"asynchronous": asynchronous, "asynchronous pieces": asynchronous_pieces, "generator": generator}
HOOKS = [name for name, _ in inspect.getmembers(hookspecs, inspect.isfunction) if hasattr(_, "prldh_spec")]


def _registry(**hooks):
    registry = Registry(load_entry_points=False, load_built_ins=False)
    plugin = SimpleNamespace(**{name: hookspecs.hookimpl(function) for name, function in hooks.items()})
    registry.register(plugin, name="mine")
    return registry


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_would_not_run_is_refused(hook, way):
    with pytest.raises(PluginError, match=f"'mine' cannot be used: its hook {hook} is a"):
        _registry(**{hook: WAYS[way]})


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_is_no_function_is_refused(hook):
    """pluggy finds functions alone: others that are marked were left aside, without a word."""
    for item in (partial(lambda *_: [], 1), lru_cache(lambda *_: []), Called()):
        with pytest.raises(PluginError, match=f"'mine' cannot be used: its hook {hook} is no function"):
            _registry(**{hook: item})


def test_functions_are_hooks_however_they_are_made():
    class Own:
        @staticmethod
        @hookspecs.hookimpl
        def register_learners():
            return []

        @classmethod
        @hookspecs.hookimpl
        def register_selectors(cls):
            return []

        @hookspecs.hookimpl
        @wraps(asynchronous)
        def register_transforms(self):
            return []

    for own in (Own(), Own):
        registry = Registry(load_entry_points=False, load_built_ins=False)
        registry.register(own, name="mine")
        assert registry.manager.hook.register_learners.get_hookimpls()


def test_an_installed_plugin_whose_hook_would_not_run_is_skipped(tmp_path, monkeypatch, capsys):
    code = "from prldh.api import hookimpl\n@hookimpl\ndef stage_finished(stage, result):\n    yield stage\n"
    install(tmp_path, monkeypatch, code, "yielding")
    registry = Registry(load_built_ins=False)
    (skipped,) = [each for each in registry.skipped if each.plugin == "yielding"]
    assert "its hook stage_finished is a generator, of which nothing would run" in str(skipped)
    assert str(skipped) in capsys.readouterr().err


METHODS = [
    (hook, name, is_piecewise) for hook, kind in REGISTRIES.items() for name, is_piecewise in _methods(kind.protocols)
]


@pytest.mark.parametrize(("hook", "name", "is_piecewise"), METHODS)
def test_a_method_that_would_not_run_is_refused(hook, name, is_piecewise):
    kind = REGISTRIES[hook]
    for way, function in WAYS.items():
        members = {**dict.fromkeys(kind.needs, "x"), kind.mark: lambda *_: None, "gives": kind.gives or ""}
        item = type("Own", (), {**members, "Settings": BaseModel, name: function})()
        registry = _registry(**{hook: lambda item=item: [item]})
        if is_piecewise and way == "generator":
            assert registry.registered(hook)
            continue
        with pytest.raises(PluginError, match=f"{kind.noun} 'x' of plugin 'mine': its method {name} is a"):
            registry.registered(hook)


def test_every_kind_has_methods_and_few_may_give_their_pieces_one_by_one():
    assert {hook for hook, _, _ in METHODS} == set(REGISTRIES) - {"register_engines"}
    piecewise = {name for _, name, is_piecewise in METHODS if is_piecewise}
    assert piecewise == {"check_columns", "extract", "extract_part", "figures", "parts", "prepare", "remarks"}


@pytest.mark.parametrize("way", ["asynchronous", "asynchronous pieces"])
def test_an_answer_that_is_asynchronous_is_refused(way):
    """Of a function that does not say so itself, as a decorated one."""

    class Own:
        name = "own"

        def check(self):
            return WAYS[way]()

    with warnings.catch_warnings(), pytest.raises(PluginError, match="check of 'own' is asynchronous"):
        warnings.simplefilter("error")  # Python's, of what was never awaited
        called("selector", Own(), "check")


def test_an_observer_whose_answer_is_asynchronous_is_refused():
    def stage_finished(stage, result):
        return asynchronous()

    with pytest.raises(PluginError, match="the hook stage_finished of the plugin 'mine' is asynchronous"):
        _registry(stage_finished=stage_finished).tell("cohort", None)


@pytest.mark.parametrize("found", [None, 3, "sum", [3], [None], [{"a": object()}]])
def test_a_learner_is_made_of_learners(tmp_path, found):
    (learner,) = Peaceful().hooks()["register_learners"]()
    type(learner).parts = lambda self, settings: found
    type(learner).compose = type(learner).from_parts = lambda *_: None
    with pytest.raises(PluginError, match="the learner 'sum' gives .* by parts in place of a list"):
        _resolve_learner("sum", "learner", _registry(register_learners=lambda: [learner]), tmp_path)


def test_a_learner_made_of_itself_or_of_nothing_is_one_message(tmp_path):
    (learner,) = Peaceful().hooks()["register_learners"]()
    type(learner).compose = type(learner).from_parts = lambda *_: None
    registry = _registry(register_learners=lambda: [learner])
    for found, told in ((["sum"], "made of itself"), ([], "gives None by compose in place of a learner")):
        type(learner).parts = lambda self, settings, found=found: found
        with pytest.raises(PrldhError, match=told):
            _resolve_learner("sum", "learner", registry, tmp_path)
