"""The registry: built-ins, installed plugins and objects that are given register through the same hooks, and are found
by name."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from types import SimpleNamespace
from typing import Any, NamedTuple

import pluggy

from prldh.core import PluginError, PrldhError, nearest
from prldh.plugins import hookspecs
from prldh.plugins.interfaces import (
    OPTIONAL_OF_CHECKLISTS,
    OPTIONAL_OF_IMAGE_STEPS,
    OPTIONAL_OF_LEARNERS,
    OPTIONAL_OF_SELECTORS,
    OPTIONAL_OF_SOURCES,
    OPTIONAL_OF_TRANSFORMS,
    Checklist,
    FeatureSource,
    ImageStep,
    Learner,
    RelativeSettings,
    ReportSection,
    Selector,
    Transform,
    Validator,
)
from prldh.plugins.misspelt import misspelt_method
from prldh.plugins.promises import describe_error
from prldh.plugins.words import WORDS


class Kind(NamedTuple):
    """A kind of object that a hook registers.

    ``noun``: what it is called; ``needs``: the attributes that each must have; ``mark``: the one by which an object
    that is given alone is known to be of this kind; ``protocols``: what it has to be and what it may be, whose methods
    are the ones that are ever called; ``gives``: what it says that it gives, where others have the same methods.
    """

    noun: str
    needs: tuple[str, ...]
    mark: str
    protocols: tuple[type, ...] = ()
    gives: str | None = None

    def describes(self, item: Any) -> bool:
        """Whether an object is of this kind, as its methods say."""
        return hasattr(item, self.mark) and self.gives in (None, getattr(item, "gives", None))


#: The kinds by their hooks.
REGISTRIES: dict[str, Kind] = {
    "register_feature_sources": Kind(
        "feature source",
        ("name", "version", "extract"),
        "extract",
        (FeatureSource, *OPTIONAL_OF_SOURCES, *WORDS["feature source"]),
    ),
    "register_transforms": Kind(
        "transform",
        ("name", "version", "gives", "Settings", "fit", "from_state"),
        "fit",
        (Transform, *OPTIONAL_OF_TRANSFORMS, *WORDS["transform"]),
        "transforms values",
    ),
    "register_learners": Kind(
        "learner",
        ("name", "version", "gives", "Settings", "fit", "from_state"),
        "fit",
        (Learner, *OPTIONAL_OF_LEARNERS, *WORDS["learner"]),
        "scores",
    ),
    "register_selectors": Kind(
        "selector",
        ("name", "version", "Settings", "fit"),
        "fit",
        (Selector, *OPTIONAL_OF_SELECTORS, *WORDS["selector"]),
    ),
    "register_validators": Kind(
        "validator", ("name", "version", "kind", "resamples"), "resamples", (Validator, *WORDS["validator"])
    ),
    "register_engines": Kind("engine", ("name",), "youden"),
    "register_checklists": Kind(
        "checklist", ("name", "version", "evaluate"), "evaluate", (Checklist, *OPTIONAL_OF_CHECKLISTS)
    ),
    "register_image_steps": Kind(
        "image step",
        ("name", "version", "Settings", "apply"),
        "apply",
        (ImageStep, *OPTIONAL_OF_IMAGE_STEPS, *WORDS["image step"]),
    ),
    "register_report_sections": Kind("report section", ("name", "title", "render"), "render", (ReportSection,)),
}


class Registered(NamedTuple):
    """An object and the plugin that it came from."""

    item: Any
    plugin: str


class Distribution(NamedTuple):
    """An installed distribution that brings a plugin."""

    plugin: str
    name: str
    version: str


class Registry:
    """Everything exchangeable that one run can choose from. It is made once and travels in the plan.

    Parameters
    ----------
    given
        Beside what is installed: modules or objects with hooks, or single objects (a selector, a feature source …).
    load_entry_points
        Whether the plugins of other distributions are loaded.
    load_built_ins
        Whether prldh's own are, which come by an entry point of its own distribution.

    Raises
    ------
    PluginError
        If a plugin cannot be imported or implements a hook wrongly, or something given is no plugin.
    """

    def __init__(
        self, given: Iterable[Any] = (), *, load_entry_points: bool = True, load_built_ins: bool = True
    ) -> None:
        self.manager = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.distributions: list[Distribution] = []
        own, others = _entry_points()
        for point in own if load_built_ins else ():
            self._load(point)
        for point, distribution in others if load_entry_points else ():
            self._load(point)
            self.distributions.append(Distribution(point.name, distribution.name, distribution.version))
        for plugin in given:
            self.register(plugin)

    def _load(self, point: metadata.EntryPoint) -> None:
        try:
            self.manager.register(point.load(), name=point.name)
            self.manager.check_pending()
        except Exception as error:
            of = f" of {point.dist.name} (`pip uninstall {point.dist.name}`)" if point.dist else ""
            raise PluginError(
                f"the plugin '{point.name}'{of} cannot be loaded: {describe_error(error)}. Mend, update or"
                " uninstall it."
            ) from error

    def register(self, plugin: Any, name: str | None = None) -> None:
        """Add a module or object with hooks, or one object of a kind; ``name`` is the plugin's, by default its own."""
        if not _has_hooks(self.manager, plugin):
            item, plugin = plugin, _alone(plugin)
            name = name or f"{type(item).__module__}.{type(item).__qualname__}"
        try:
            self.manager.register(plugin, name=name)
            self.manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(f"the plugin {name or plugin!r} cannot be used: {error}") from error

    def registered(self, hook: str) -> dict[str, Registered]:
        """What a hook registers, by name in sorted order.

        Raises
        ------
        PluginError
            If a plugin returns something else than a list of complete objects, a method is misspelt, or a name is
            taken.
        """
        kind = REGISTRIES[hook]
        by_name: dict[str, Registered] = {}
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            plugin = implementation.plugin_name
            try:
                objects = implementation.function()
            except PrldhError:
                raise
            except Exception as error:
                raise PluginError(
                    f"{hook} of plugin '{plugin}' failed: {describe_error(error)}. Update or uninstall it."
                ) from error
            if not isinstance(objects, (list, tuple)):
                raise PluginError(f"{hook} of plugin '{plugin}' must return a list, found {type(objects).__name__}.")
            for item in objects:
                _refuse_misspelt(kind, item, plugin)
                missing = [name for name in kind.needs if not hasattr(item, name)]
                if missing:
                    hint = "; have you forgotten the `()`?" if isinstance(item, type) else "."
                    raise PluginError(f"{kind.noun} {item!r} of plugin '{plugin}' has no {', '.join(missing)}{hint}")
                if item.name in by_name:
                    raise PluginError(
                        f"two plugins register the {kind.noun} '{item.name}': '{by_name[item.name].plugin}' and"
                        f" '{plugin}'. Uninstall or rename one."
                    )
                by_name[item.name] = Registered(item, plugin)
        return dict(sorted(by_name.items()))

    def choose(self, hook: str, name: str, where: str) -> Any:
        """The object of that name; the error says what there is instead."""
        known = self.registered(hook)
        if name in known:
            return known[name].item
        near = nearest(name, known)
        raise PluginError(
            f"{where}: there is no {REGISTRIES[hook].noun} '{name}'. Found: {', '.join(known) or 'none'}."
            + (f" Did you mean '{near}'?" if near else " Install the plugin that brings it, or choose one of these.")
        )

    def tell(self, stage: str, result: Any) -> None:
        """Tell plugins that a stage has finished.

        Raises
        ------
        PluginError
            If one of them fails.
        """
        try:
            self.manager.hook.stage_finished(stage=stage, result=result)
        except (PrldhError, MemoryError):
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"a plugin that observes the stage '{stage}' failed: {describe_error(error)}. Update or uninstall it."
            ) from error


def _entry_points() -> tuple[list[metadata.EntryPoint], list[tuple[metadata.EntryPoint, metadata.Distribution]]]:
    """prldh's own, and those of other distributions with these.

    Raises
    ------
    PluginError
        If prldh runs from files that are not installed.
    """
    points = [(point, point.dist) for point in metadata.entry_points(group=hookspecs.PROJECT) if point.dist is not None]
    own = [point for point, distribution in points if distribution.name == hookspecs.PROJECT]
    if not own:
        raise PluginError(
            "prldh runs from files that are not installed, so that its own steps are not found. Install it: pip install"
            " -e FOLDER."
        )
    others = [pair for pair in points if pair[1].name != hookspecs.PROJECT]
    return own, sorted(others, key=lambda pair: (pair[1].name, pair[0].name))


def _refuse_misspelt(kind: Kind, item: Any, plugin: str) -> None:
    """A method that is nearly one of those that are called would never be called itself."""
    of = f"{kind.noun} '{getattr(item, 'name', item)}'"
    settings = getattr(item, "Settings", None)
    for what, owner, protocols in (
        (of, item, kind.protocols),
        (f"settings of the {of}", settings, (RelativeSettings,)),
    ):
        misspelt = None if owner is None else misspelt_method(owner, protocols)
        if misspelt:
            raise PluginError(
                f"{what} of plugin '{plugin}' has a method {misspelt.name}, which is never called; did you mean"
                f" {misspelt.near}? Rename it, with an underscore before it where it is your own."
            )


def _has_hooks(manager: pluggy.PluginManager, plugin: Any) -> bool:
    return any(manager.parse_hookimpl_opts(plugin, name) is not None for name in dir(plugin))


def _alone(item: Any) -> SimpleNamespace:
    """A plugin that registers one object of the kind that its methods say."""
    for hook, kind in REGISTRIES.items():
        if kind.describes(item):
            return SimpleNamespace(**{hook: hookspecs.hookimpl(lambda: [item])})
    kinds = ", ".join(f"{kind.noun} ({kind.mark})" for kind in REGISTRIES.values())
    raise PluginError(
        f"plugins: {item!r} is neither a plugin with hooks nor one of: {kinds}. Give an object with that method."
    )
