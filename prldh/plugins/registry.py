"""The registry: built-ins, installed plugins and objects that are given register through the same hooks, and are found
by name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import metadata
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pluggy

from prldh.core import PluginError, PrldhError, legible, nearest
from prldh.plugins import hookspecs
from prldh.plugins.border import ClosedFiles, handed, printing_aside
from prldh.plugins.commands import add_commands
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
    Statistic,
    Transform,
    Validator,
)
from prldh.plugins.misspelt import misspelt_method
from prldh.plugins.origin import TookPart, digest_of_files
from prldh.plugins.promises import (
    describe_error,
    in_short,
    is_strangers,
    is_writable,
    let_interruptions_pass,
    own_text,
)
from prldh.plugins.replaced import Look, looked_at
from prldh.plugins.unrun import unrun_method, why_unawaited, why_unrun
from prldh.plugins.usable import UnusableError, check_api, check_requirements
from prldh.plugins.words import WORDS

if TYPE_CHECKING:
    import click


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
        return hasattr(item, self.mark) and (self.gives is None or own_text(getattr(item, "gives", None)) == self.gives)


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
    "register_statistics": Kind("statistic", ("name", "version", "label", "measure"), "measure", (Statistic,)),
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


class Skipped(NamedTuple):
    """An installed plugin that cannot be used, and why."""

    plugin: str
    name: str
    version: str
    reason: str

    def __str__(self) -> str:
        return (
            f"the plugin '{self.plugin}' of {self.name} {self.version} is skipped: {self.reason}. Mend, update or"
            f" uninstall it (`pip uninstall {self.name}`)."
        )


#: Of what this process has said a line already: of a plugin that cannot be used one is enough.
_SAID: set[tuple[str, str]] = set()


def _say_once(what: str, plugin: str, line: str) -> None:
    if (what, plugin) not in _SAID:
        _SAID.add((what, plugin))
        print(f"prldh: {legible(line)}", file=sys.stderr)


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

    An installed plugin that cannot be imported or used is skipped, with a line on standard error: it stops those alone
    who ask for what it would have brought.

    Raises
    ------
    PluginError
        If something given is no plugin or implements a hook wrongly, or prldh's own cannot be imported.
    """

    def __init__(
        self, given: Iterable[Any] = (), *, load_entry_points: bool = True, load_built_ins: bool = True
    ) -> None:
        self.manager = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.distributions: list[Distribution] = []
        self.skipped: list[Skipped] = []
        self._chosen: dict[str, dict[str, Any]] = {}
        self._registered: dict[tuple[Any, ...], dict[str, Registered]] = {}
        own, others = _entry_points()
        for point in own if load_built_ins else ():
            self.manager.register(point.load(), name=point.name)
        for point, distribution in others if load_entry_points else ():
            self._load(point, distribution)
        for plugin in given:
            self.register(plugin)

    def _load(self, point: metadata.EntryPoint, distribution: metadata.Distribution) -> None:
        """Load the plugin of another distribution, or skip it."""
        name, version = distribution.name, distribution.version  # of damaged metadata there is none
        about = Distribution(point.name, str(name or "a distribution without a name"), str(version or ""))
        self.distributions.append(about)
        if self.manager.has_plugin(point.name):
            self._skip(about, "another plugin has its name")
            return
        try:
            check_requirements(distribution)
            is_new = point.module not in sys.modules
            with printing_aside(Look(point.module, is_new)), np.errstate():  # what an import sets is not for others
                plugin = point.load()
                check_api(plugin)
                _check_hooks(self.manager, plugin)
                self.manager.register(plugin, name=point.name)
            self.manager.check_pending()
        except UnusableError as error:
            self._skip(about, str(error))
        except BaseException as error:  # whatever its import does, sys.exit among it
            _let_pass(error, f"the plugin '{about.plugin}' of {about.name} {about.version}")
            self._skip(about, f"it cannot be loaded: {describe_error(error)}")

    def _skip(self, about: Distribution, reason: str) -> None:
        """Go on without an installed plugin."""
        self.distributions.remove(about)
        if self.manager.has_plugin(about.plugin) and self._installed(about.plugin) is None:
            self.manager.unregister(name=about.plugin)
        self.skipped.append(Skipped(*about, reason.removesuffix(" Update or uninstall it.").rstrip(".")))
        _say_once("skipped", f"{about.plugin} of {about.name}", str(self.skipped[-1]))

    def _installed(self, plugin: str) -> Distribution | None:
        """The distribution that brings a plugin; None of what was given, and of prldh's own."""
        return next((each for each in self.distributions if each.plugin == plugin), None)

    def register(self, plugin: Any, name: str | None = None) -> None:
        """Add a module or object with hooks, or one object of a kind; ``name`` is the plugin's, by default its own."""
        if not _has_hooks(self.manager, plugin):
            item, plugin = plugin, _alone(plugin)
            name = name or f"{type(item).__module__}.{type(item).__qualname__}"
        try:
            check_api(plugin)
            _check_hooks(self.manager, plugin)
            self.manager.register(plugin, name=name)
            self.manager.check_pending()
        except (pluggy.PluginValidationError, ValueError, UnusableError) as error:
            raise PluginError(f"the plugin {name or plugin!r} cannot be used: {error}") from error

    def registered(self, hook: str) -> dict[str, Registered]:
        """What a hook registers, by name in sorted order: the same objects whenever it is asked. An installed plugin
        that gives none of it is skipped.

        Raises
        ------
        PluginError
            If a plugin that was given returns something else than a list of complete objects or a method is misspelt,
            or a name is taken.
        """
        implementations = getattr(self.manager.hook, hook).get_hookimpls()
        asked = (hook, *(each.function for each in implementations))
        if asked not in self._registered:
            self._registered[asked] = self._ask(hook, implementations)
        return dict(self._registered[asked])

    def _ask(self, hook: str, implementations: Iterable[pluggy.HookImpl]) -> dict[str, Registered]:
        kind = REGISTRIES[hook]
        by_name: dict[str, Registered] = {}
        for implementation in implementations:
            plugin = implementation.plugin_name
            try:
                objects = _objects_of(kind, hook, plugin, implementation.function)
            except PrldhError as error:
                about = self._installed(plugin)
                if about is None or isinstance(error, OutputLostError):
                    raise
                self._skip(about, str(error))
                continue
            for item in objects:
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
            item, plugin = known[name]
            self._chosen.setdefault(plugin, {})[f"{REGISTRIES[hook].noun} {name}"] = item
            return item
        near = nearest(name, known)
        do = f" Did you mean '{near}'?" if near else " Install the plugin that brings it, or choose one of these."
        raise PluginError(
            f"{where}: there is no {REGISTRIES[hook].noun} '{name}'. Found: {', '.join(known) or 'none'}."
            f"{do}{self.of_skipped()}"
        )

    def took_part(self) -> list[TookPart]:
        """The plugins, beside prldh's own, that a run has anything of: objects that were chosen, sections of its
        report, observers."""
        found: dict[str, dict[str, Any]] = {plugin: dict(chosen) for plugin, chosen in self._chosen.items()}
        for hook in ("register_report_sections", "register_statistics"):  # wherever they are installed
            for name, (item, plugin) in self.registered(hook).items():
                found.setdefault(plugin, {})[f"{REGISTRIES[hook].noun} {name}"] = item
        for each in self.manager.hook.stage_finished.get_hookimpls():
            found.setdefault(each.plugin_name, {})["observer"] = each.plugin
        return [
            TookPart(
                plugin,
                about.name if (about := self._installed(plugin)) else None,
                about.version if about else getattr(next(iter(brings.values())), "version", None),
                digest_of_files(self._owner(plugin, brings)),
                tuple(brings),
            )
            for plugin, brings in sorted(found.items())
            if plugin != hookspecs.PROJECT and is_strangers(next(iter(brings.values())))
        ]

    def _owner(self, plugin: str, brings: Mapping[str, Any]) -> Any:
        """Whose files a plugin is written in: its module, or else an object that it brings."""
        module = self.manager.get_plugin(plugin)
        return module if isinstance(module, ModuleType) else next(iter(brings.values()))

    def of_skipped(self) -> str:
        """Where a name is not found: the plugins that were skipped, one of which may bring it; else nothing."""
        return f" It may be that {'; or '.join(str(each).rstrip('.') for each in self.skipped)}." * bool(self.skipped)

    def add_commands(self, cli: click.Group) -> None:
        """Let plugins add their commands; one that fails, or would replace a command that is there, adds none, with a
        line on standard error."""
        for each in self.manager.hook.register_commands.get_hookimpls():
            about = self._installed(each.plugin_name)
            whose = f"the plugin '{each.plugin_name}'" + (f" of {about.name} {about.version}" if about else "")
            try:
                with printing_aside(looked_at(each.function)):
                    add_commands(cli, partial(each.function, *[cli for _ in each.argnames]), whose)
            except BaseException as error:
                _let_pass(error, whose)
                why = str(error) if isinstance(error, PrldhError) else f"they failed: {describe_error(error)}"
                _say_once("commands", each.plugin_name, f"the commands of {whose} are left out: {why.rstrip('.')}.")

    def tell(self, stage: str, result: Any) -> None:
        """Tell plugins that a stage has finished.

        Raises
        ------
        PluginError
            If one of them fails.
        """
        for each in self.manager.hook.stage_finished.get_hookimpls():
            given = {"stage": stage, "result": handed(result)}
            try:
                with printing_aside(looked_at(each.function)):
                    why = why_unawaited(each.function(*(given[name] for name in each.argnames)))
                if why:
                    raise PluginError(f"the hook stage_finished of the plugin '{each.plugin_name}' {why}.")
            except (PrldhError, MemoryError):
                raise
            except BaseException as error:
                let_interruptions_pass(error)
                raise PluginError(
                    f"the plugin '{each.plugin_name}', which observes the stage '{stage}', failed:"
                    f" {describe_error(error)}. Update or uninstall it."
                ) from error


class OutputLostError(PluginError):
    """A plugin without which nobody can go on, as what is printed would be lost."""


def _let_pass(error: BaseException, whose: str) -> None:
    """Raise what is more than a reason to leave a plugin out.

    Raises
    ------
    OutputLostError
    """
    let_interruptions_pass(error)
    if isinstance(error, ClosedFiles):
        raise OutputLostError(
            f"{whose} closed files that are not its own, so that what is printed would be lost. Uninstall it."
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
    return own, sorted(others, key=lambda pair: (str(pair[1].name), pair[0].name))


def _objects_of(kind: Kind, hook: str, plugin: str, function: Callable[[], Any]) -> Iterable[Any]:
    """What a plugin registers by a hook.

    Raises
    ------
    PluginError
        If that is no list of complete objects.
    """
    try:
        with printing_aside(looked_at(function)):
            objects = function()
            if not isinstance(objects, (list, tuple)):
                raise PluginError(f"{hook} of plugin '{plugin}' must return a list, found {type(objects).__name__}.")
            for item in objects:
                _refuse_uncalled(kind, item, plugin)
                _refuse_incomplete(kind, item, plugin)
    except (PrldhError, MemoryError):
        raise
    except BaseException as error:
        _let_pass(error, f"{hook} of the plugin '{plugin}'")
        raise PluginError(
            f"{hook} of plugin '{plugin}' failed: {describe_error(error)}. Update or uninstall it."
        ) from error
    return objects


def _refuse_incomplete(kind: Kind, item: Any, plugin: str) -> None:
    """An object without what its kind must have, or a class in its place."""
    missing = [name for name in kind.needs if not hasattr(item, name)]
    is_class = isinstance(item, type) and kind.noun != "engine"
    if missing or is_class:
        what = f"has no {', '.join(missing)}" if missing else "is a class"
        hint = "; have you forgotten the `()`?" if isinstance(item, type) else "."
        raise PluginError(f"{kind.noun} {item!r} of plugin '{plugin}' {what}{hint}")
    if not is_writable(item.name) or not item.name.strip():
        raise PluginError(f"{kind.noun} {item!r:.200} of plugin '{plugin}' has no name, but {item.name!r:.80}.")
    if set(item.name) & set("/\\\0"):  # files are named by it
        raise PluginError(f"{kind.noun} {item.name!r:.80} of plugin '{plugin}' has a name with a slash or NUL in it.")
    if kind.gives is not None and own_text(item.gives) != kind.gives:
        raise PluginError(
            f"{kind.noun} '{item.name}' of plugin '{plugin}' gives {in_short(item.gives):.80}, and must have gives ="
            f' "{kind.gives}".'
        )
    _refuse_odd_attributes(kind, item, plugin)


#: What is true or false of an object, and what is text.
_FLAGS = ("of_image_alone", "memorises", "fills_blanks", "takes_blanks")
_TEXTS = ("version", "label", "short_label", "title", "ibsi_item", "second_stage")


def _refuse_odd_attributes(kind: Kind, item: Any, plugin: str) -> None:
    for part in (*_FLAGS, *_TEXTS):
        if not hasattr(item, part):
            continue
        value = getattr(item, part)
        if not (isinstance(value, bool) if part in _FLAGS else is_writable(value)):
            raise PluginError(
                f"{kind.noun} '{item.name}' of plugin '{plugin}' has {in_short(value):.80} as its {part}, which is"
                f" {'neither True nor False' if part in _FLAGS else 'no text that files can hold'}."
            )


def _refuse_uncalled(kind: Kind, item: Any, plugin: str) -> None:
    """A method that is nearly one of those that are called would never be called itself, and one that is asynchronous
    never run."""
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
        unrun = None if owner is None else unrun_method(owner, protocols)
        if unrun:
            raise PluginError(f"{what} of plugin '{plugin}': its method {unrun}.")


def _check_hooks(manager: pluggy.PluginManager, plugin: Any) -> None:
    """A plugin's hooks run when they are called.

    Raises
    ------
    UnusableError
    """
    for name in dir(plugin):
        is_found = manager.parse_hookimpl_opts(plugin, name) is not None
        why = why_unrun(getattr(plugin, name)) if is_found else None
        if not is_found and _is_marked(plugin, name):
            why = "is no function, so that it would not be found: write def, and call it in there"
        if why:
            raise UnusableError(f"its hook {name} {why}")


def _is_marked(plugin: Any, name: str) -> bool:
    """Whether an attribute was marked as a hook, be it none that pluggy finds (a ``partial``, an object)."""
    return isinstance(getattr(getattr(plugin, name, None), f"{hookspecs.PROJECT}_impl", None), dict)


def _has_hooks(manager: pluggy.PluginManager, plugin: Any) -> bool:
    return any(
        manager.parse_hookimpl_opts(plugin, name) is not None or _is_marked(plugin, name) for name in dir(plugin)
    )


def _alone(item: Any) -> SimpleNamespace:
    """A plugin that registers one object of the kind that its methods say."""
    for hook, kind in REGISTRIES.items():
        if kind.describes(item):
            return SimpleNamespace(**{hook: hookspecs.hookimpl(lambda: [item])})
    kinds = ", ".join(f"{kind.noun} ({kind.mark})" for kind in REGISTRIES.values())
    raise PluginError(
        f"plugins: {item!r} is neither a plugin with hooks nor one of: {kinds}. Give an object with that method."
    )
