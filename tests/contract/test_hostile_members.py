"""What a plugin's object says of itself, and what its statistic or its section answers, may raise wherever somebody
looks at it: one message names it, or it is not looked at."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prldh
from prldh.checklists.filling import known_items
from prldh.core.errors import PluginError
from prldh.plugins.registry import Registry
from prldh.report import page
from prldh.results import measured

sys.path.insert(0, str(Path(__file__).parents[1]))
from hostile_plugins import Deep, Exiting, Odd, Peaceful, plugin_of, small_study


class OddText(str):
    """Text that raises wherever somebody looks at it."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("nobody reads me")

    __str__ = __format__ = __eq__ = __hash__ = __len__ = __iter__ = strip = encode = _refuse  # type: ignore[assignment]


class OddNumber(float):
    """A number that raises wherever somebody computes with it."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("nobody counts me")

    __float__ = __eq__ = __lt__ = __gt__ = __le__ = __ge__ = __repr__ = __bool__ = _refuse  # type: ignore[assignment]


#: Made where they are given: pytest shows parameters, and some of these end whoever does.
ODD = {
    "None": lambda: None,
    "number": lambda: 3,
    "half a character": lambda: "half \udc80",
    "odd": Odd,
    "exiting": Exiting,
    "deep": Deep,
    "odd text": lambda: OddText("x"),
}
HOOKS = [hook for hook in Peaceful().hooks() if hook != "stage_finished"]


def _of(hook: str, **members: Any):
    """The item of that hook, with other members, and a plugin that has it in the place of its own."""
    hooks = Peaceful().hooks()
    (item,) = hooks[hook]()
    for name, value in members.items():
        setattr(item, name, value)
    hooks[hook] = lambda: [item]
    return item, plugin_of(hooks)


@pytest.mark.parametrize("part", ["name", "version", "label", "short_label", "title", "ibsi_item", "second_stage"])
@pytest.mark.parametrize("hook", HOOKS)
def test_what_an_object_is_called_is_text(hook, part):
    for make in ODD.values():
        _, plugin = _of(hook, **{part: make()})
        with pytest.raises(PluginError, match="plugin 'mine'"):
            Registry([plugin], load_entry_points=False, load_built_ins=False).registered(hook)


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("hook", ["register_selectors", "register_transforms", "register_learners"])
def test_settings_that_are_no_model_are_one_message(tmp_path, hook, what):
    item, plugin = _of(hook, Settings=ODD[what]())
    with pytest.raises(PluginError, match=f"{item.name}.* its Settings are .* and must be a pydantic model"):
        prldh.analyze(small_study(tmp_path), tmp_path / "out", jobs=1, plugins=[plugin])
    assert not (tmp_path / "out").exists()


def test_a_title_that_raises_once_it_was_told_is_one_message(tmp_path):
    item, plugin = _of("register_report_sections")
    registry = Registry([plugin], load_entry_points=False)
    registry.registered("register_report_sections")
    type(item).title = property(lambda self: 1 / 0)
    with pytest.raises(PluginError, match="the report section 'section' failed: ZeroDivisionError"):
        page._plugin_sections({}, tmp_path, registry)


@pytest.mark.parametrize("what", ODD)
def test_a_section_that_is_no_html_is_one_sentence(tmp_path, what):
    odd = ODD[what]()
    item, plugin = _of("register_report_sections", render=lambda *_: odd)
    (section,) = page._plugin_sections({}, tmp_path, Registry([plugin], load_entry_points=False))
    if what == "odd text":
        assert section["html"] == "x"
        return
    assert "The section 'section' of the plugin 'mine' could not be made: TypeError: render gives" in section["html"]


@pytest.mark.parametrize("what", [*ODD, "odd estimate", "odd end", "odd key"])
def test_a_statistic_that_raises_where_it_is_looked_at_is_one_message(what):
    answers = {
        "odd estimate": lambda: {"estimate": OddNumber(0.5)},
        "odd end": lambda: {"estimate": 0.5, "low": Odd()},
        "odd key": lambda: {"estimate": 0.5, 3: 0.1},
    }
    odd = {**ODD, **answers}[what]()
    item, _ = _of("register_statistics", measure=lambda *_: odd)
    with pytest.raises(PluginError, match="the statistic 'squares'"):
        measured(item, "mine", np.array([0, 1]), np.array([0.2, 0.8]))


@pytest.mark.parametrize("what", ODD)
def test_a_standard_that_a_checklist_says_it_has_is_not_looked_at(what):
    item, _ = _of("register_checklists", standard=ODD[what]())
    assert known_items([item]) == ({"list": None}, {})


# ---------------------------------------------------------------- interruptions, as a script or notebook hears of them

STOPS = [KeyboardInterrupt, SystemExit, GeneratorExit]


@pytest.fixture
def as_python_has_it():
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    is_as_it_was = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, former)
    assert is_as_it_was


def _raising(stop):
    def call(*_):
        raise stop("mine")

    return call


@pytest.mark.usefixtures("as_python_has_it")
@pytest.mark.parametrize("stop", STOPS)
def test_what_an_observer_raises_is_its_own(stop):
    registry = Registry([plugin_of({"stage_finished": lambda stage, result: _raising(stop)()})], load_built_ins=False)
    with pytest.raises(PluginError, match=f"the plugin 'mine', which observes the stage 'x', failed: {stop.__name__}"):
        registry.tell("x", None)


@pytest.mark.usefixtures("as_python_has_it")
@pytest.mark.parametrize("stop", STOPS)
def test_what_a_section_raises_is_a_sentence(tmp_path, stop):
    _, plugin = _of("register_report_sections", render=_raising(stop))
    (section,) = page._plugin_sections({}, tmp_path, Registry([plugin], load_entry_points=False))
    assert f"could not be made: {stop.__name__}: mine" in section["html"]


@pytest.mark.usefixtures("as_python_has_it")
def test_an_interruption_is_told_from_one_that_a_plugin_raises():
    """Where somebody looks at an answer too; a real one stays one, and whatever is raised after it."""

    def ask(measure):
        item, _ = _of("register_statistics", measure=measure)
        measured(item, "mine", np.array([0, 1]), np.array([0.2, 0.8]))

    class Interrupting(dict):
        __iter__ = keys = _raising(KeyboardInterrupt)

    def interrupted(*_):
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise KeyboardInterrupt

    for measure in (_raising(KeyboardInterrupt), lambda *_: Interrupting()):
        with pytest.raises(PluginError, match="the statistic 'squares' failed: KeyboardInterrupt"):
            ask(measure)
    for measure in (lambda *_: signal.raise_signal(signal.SIGINT), interrupted):
        with pytest.raises(KeyboardInterrupt):
            ask(measure)


@pytest.mark.ci
@pytest.mark.usefixtures("as_python_has_it", "undrawn", "unrepeated")
def test_a_run_that_an_observer_interrupts_leaves_nothing(tmp_path):
    for stage in ("cohort", "radscore", "analyze"):
        hooks = Peaceful().hooks()
        hooks["stage_finished"] = lambda stage, result, at=stage: stage == at and _raising(KeyboardInterrupt)()
        with pytest.raises(PluginError, match=f"observes the stage '{stage}', failed: KeyboardInterrupt"):
            prldh.analyze(small_study(tmp_path), tmp_path / "out", jobs=1, plugins=[plugin_of(hooks)])
        assert {path.name for path in tmp_path.iterdir()} == {"clinical.csv", "features.csv"}
