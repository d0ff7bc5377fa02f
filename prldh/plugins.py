"""The plugin host: built-ins and strangers register through the same hooks and are found by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib import metadata
from typing import Any, get_args

import pluggy
from pydantic import BaseModel, ValidationError

from prldh import hookspecs
from prldh.errors import PluginError, PrldhError, StudyError
from prldh.promises import said_of

#: What a registering hook returns, in words, and the attributes each object must have.
REGISTRIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "register_feature_sources": ("feature source", ("name", "version", "extract")),
    "register_selectors": ("selector", ("name", "version", "Settings", "fit")),
    "register_validators": ("validator", ("name", "version", "kind", "resamples")),
    "register_engines": ("engine", ("name",)),
    "register_checklists": ("checklist", ("name", "version", "evaluate")),
    "register_report_sections": ("report section", ("name", "title", "render")),
}


def create_plugin_manager(load_entry_points: bool = True) -> pluggy.PluginManager:
    """A plugin manager with the built-ins and, unless told otherwise, every installed plugin.

    Raises
    ------
    PluginError
        If an installed plugin cannot be imported or implements a hook wrongly.
    """
    from prldh import builtin

    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(builtin, name="prldh")
    if load_entry_points:
        try:
            manager.load_setuptools_entrypoints(hookspecs.PROJECT)
            manager.check_pending()
        except Exception as error:
            raise PluginError(
                f"{_which_cannot_be_loaded()} cannot be loaded: {said_of(error)}. Mend, update or uninstall it."
            ) from error
    return manager


def _which_cannot_be_loaded() -> str:
    """The first plugin that cannot be imported, with its distribution; what is imported but has a wrong hook says its
    name itself."""
    for point in metadata.entry_points(group=hookspecs.PROJECT):
        try:
            point.load()
        except Exception:
            return f"the plugin '{point.name}'" + (
                f" of {point.dist.name} (`pip uninstall {point.dist.name}`)" if point.dist else ""
            )
    return "an installed plugin"


def registered(manager: pluggy.PluginManager, hook: str) -> dict[str, tuple[Any, str]]:
    """Objects that a hook registers: name → (object, the plugin it came from), sorted by name.

    Raises
    ------
    PluginError
        If a plugin returns something else than a list of complete objects, or a name is taken.
    """
    what, attributes = REGISTRIES[hook]
    found: dict[str, tuple[Any, str]] = {}
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        plugin = implementation.plugin_name
        try:
            objects = implementation.function()
        except PrldhError:
            raise
        except Exception as error:
            raise PluginError(
                f"{hook} of plugin '{plugin}' failed: {said_of(error)}. Update or uninstall it."
            ) from error
        if not isinstance(objects, (list, tuple)):
            raise PluginError(f"{hook} of plugin '{plugin}' must return a list, found {type(objects).__name__}.")
        for item in objects:
            missing = [name for name in attributes if not hasattr(item, name)]
            if missing:
                hint = "; have you forgotten the `()`?" if isinstance(item, type) else "."
                raise PluginError(f"{what} {item!r} of plugin '{plugin}' has no {', '.join(missing)}{hint}")
            if item.name in found:
                raise PluginError(
                    f"two plugins register the {what} '{item.name}': '{found[item.name][1]}' and '{plugin}'. "
                    "Uninstall or rename one."
                )
            found[item.name] = (item, plugin)
    return dict(sorted(found.items()))


def choose(manager: pluggy.PluginManager, hook: str, name: str, where: str) -> Any:
    """The object of that name; the error says what there is instead."""
    found = registered(manager, hook)
    if name in found:
        return found[name][0]
    what = REGISTRIES[hook][0]
    near = nearest(name, found)
    raise PluginError(
        f"{where}: there is no {what} '{name}'. Found: {', '.join(found) or 'none'}."
        + (f" Did you mean '{near}'?" if near else " Install the plugin that brings it, or choose one of these.")
    )


def nearest(name: str, known: Any) -> str | None:
    """The known name most like ``name``, or None where nothing is near."""
    lowered = {str(k).lower(): str(k) for k in known}
    match = difflib.get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.6)
    return lowered[match[0]] if match else None


def _keys_at(model: Any, place: Iterable[Any]) -> list[str]:
    """The keys of the settings model that stands at this place within another; those of the last one known where it is
    no model's."""
    for key in place:
        field = model.model_fields.get(key)
        inner = (
            next((t for t in (field.annotation, *get_args(field.annotation)) if hasattr(t, "model_fields")), None)
            if field
            else None
        )
        model = inner or model
    return list(model.model_fields)


def settings_of(model: type[BaseModel], raw: dict[str, Any], where: str) -> BaseModel:
    """What the study file says, checked by a plugin's own settings model.

    Raises
    ------
    StudyError
        For an unknown key, with the nearest known one, or a value that does not fit.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(p) for p in first["loc"])
        if first["type"] in ("unknown_key", "misfit"):  # said in the study file's words already
            raise StudyError(f"{where}: {first['msg']}") from None
        if first["type"] == "extra_forbidden":
            known = _keys_at(model, first["loc"][:-1])
            near = nearest(str(first["loc"][-1]), known)
            hint = f"; did you mean '{near}'?" if near else f" (known here: {', '.join(known)})."
            raise StudyError(f"{where}: unknown key '{key}'{hint}") from None
        raise StudyError(
            f"{where}: {key}: {first['msg'].removeprefix('Value error, ')} (found {first.get('input')!r})."
        ) from None
