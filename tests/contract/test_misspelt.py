"""A method that would never be called for a letter is refused by name; all others are the plugin's own affair."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from prldh.core.errors import PluginError
from prldh.plugins.hookspecs import hookimpl
from prldh.plugins.misspelt import methods_of, misspelt_method
from prldh.plugins.registry import REGISTRIES, Registry

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
OPTIONAL = {
    "register_selectors": {
        "describe",
        "alternatives",
        "check",
        "fingerprint",
        "from_state",
        "methods",
        "figures",
        "remarks",
        "check_columns",
        "reached_from",
        "remedy",
    },
    "register_transforms": {
        "describe",
        "check",
        "fingerprint",
        "methods",
        "figures",
        "remarks",
        "check_columns",
        "reached_from",
        "remedy",
    },
    "register_learners": {"check", "fingerprint", "parts", "compose", "from_parts", "methods"},
    "register_feature_sources": {
        "extract_many",
        "readers",
        "prepare",
        "open_stream",
        "parts",
        "extract_part",
        "verify",
        "metadata",
        "for_steps",
        "trained_on",
        "check",
        "fingerprint",
        "methods",
    },
    "register_image_steps": {"check", "fingerprint", "methods"},
    "register_validators": {"methods", "design"},
    "register_checklists": {"score"},
}


class _Settings(BaseModel):
    pass


def _item(hook: str, **more: Any) -> SimpleNamespace:
    """The least that the kind has to have, and more."""
    needed = {need: (lambda *_: None) for need in REGISTRIES[hook].needs}
    gives = {"register_transforms": "transforms values", "register_learners": "scores"}.get(hook, "columns")
    texts = {"name": "mine", "version": "1", "kind": "held_out", "label": "Mine", "title": "Mine", "gives": gives}
    own = {key: text for key, text in texts.items() if key in (*needed, "name", "version", "kind")}
    return SimpleNamespace(**needed | own | {"Settings": _Settings} | more)


EMPTY = Registry(load_entry_points=False, load_built_ins=False)


def _register(hook: str, item: Any) -> dict:
    EMPTY.register(SimpleNamespace(**{hook: hookimpl(lambda: [item])}), name="a_plugin")
    try:
        return EMPTY.registered(hook)
    finally:
        EMPTY.manager.unregister(name="a_plugin")


def _typos(name: str) -> set[str]:
    """A letter less, one twice, two in each other's place, another one, and the words run together."""
    letters = range(len(name))
    found = {name[:i] + name[i + 1 :] for i in letters} | {name[: i + 1] + name[i:] for i in letters}
    found |= {name[:i] + name[i + 1] + name[i] + name[i + 2 :] for i in letters[:-1]}
    found |= {name[:i] + "x" + name[i + 1 :] for i in letters}
    found |= {"".join(part.capitalize() if i else part for i, part in enumerate(name.split("_")))}
    return {typo for typo in found - {name} if not typo.startswith("_")}


@pytest.mark.parametrize(
    ("hook", "method"), [(hook, method) for hook, methods in OPTIONAL.items() for method in sorted(methods)]
)
def test_every_typo_of_an_optional_method_is_refused(hook, method):
    assert len(_typos(method)) > 10
    for typo in sorted(_typos(method)):
        item = _item(hook, **{typo: lambda *_: None})
        assert misspelt_method(item, REGISTRIES[hook].protocols) == (typo, method)
    with pytest.raises(PluginError) as error:  # the last of them, as a registry refuses it
        _register(hook, item)
    message = str(error.value)
    for part in (f"{REGISTRIES[hook].noun} 'mine'", "plugin 'a_plugin'", f"method {typo},", f"mean {method}?"):
        assert part in message, message
    _register(hook, _item(hook, **{method: lambda *_: None}))


def test_settings_are_held_to_it_as_well():
    class Settings(BaseModel):
        def relative_too(self, folder):
            return self

    for hook in ("register_selectors", "register_feature_sources"):
        with pytest.raises(PluginError, match="settings of the .* 'mine' .* method relative_too, .* mean relative_to?"):
            _register(hook, _item(hook, Settings=Settings))


def test_a_misspelt_method_that_is_needed_is_named_too():
    item = _item("register_validators", resample=lambda *_: [])
    del item.resamples
    with pytest.raises(PluginError, match="validator 'mine' .* method resample, .* did you mean resamples?"):
        _register("register_validators", item)


def test_one_that_is_given_alone_is_refused_with_its_class():
    class MySelector:
        name, version, Settings = "mine", "1", _Settings

        def fit(self, rows, settings, seed, engine): ...

        def alternative(self, settings): ...

    registry = Registry([MySelector()], load_entry_points=False)
    with pytest.raises(PluginError, match=r"plugin '.*' has a method alternative, .* alternatives\?"):
        registry.registered("register_selectors")


@pytest.mark.parametrize("hook", REGISTRIES)
def test_what_is_near_to_nothing_stays_free(hook):
    free = "plot transform predict get_params checks_of subscribe extraction fitting scoreboard description".split()
    own = {name: (lambda *_: None) for name in (*free, "_describ", "__chek__")}
    kept = _register(hook, _item(hook, **own, checc=7, Describe=type("Describe", (), {})))  # no methods
    assert list(kept) == ["mine"]
    # both there: the one is called, the other is its helper
    both = {name: (lambda *_: None) for m in OPTIONAL.get(hook, ()) for name in (m, f"{m}s")}
    assert list(_register(hook, _item(hook, **both))) == ["mine"]


def test_every_optional_method_is_declared_and_on_the_page():
    table = dict(re.findall(r"^\| (\w[\w ]*) \| (.*) \|$", PAGE, re.M))
    for hook, kind in REGISTRIES.items():
        required, *optional = kind.protocols or (object,)
        assert {m for p in optional for m in methods_of(p)} - methods_of(required) == OPTIONAL.get(hook, set())
        if optional:
            row = table[f"{kind.noun}s"].partition(";")[0]
            assert set(re.findall(r"`(\w+)`", row)) == OPTIONAL[hook]
