"""Fitted steps as JSON, and again from it: what ``model.json`` holds of a tissue."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from prldh.core import BUILT_IN, DataError, Fitted, FittedScore, FittedStep, PluginError, shown
from prldh.plugins import ComposesLearners, ReadsStates, Registry, called, is_strangers


def to_states(chain: Sequence[FittedStep]) -> list[dict[str, Any]]:
    """One entry a step: whose state it is (``step``, ``version``), ``kind``, ``source``, ``state``.

    Raises
    ------
    PluginError
        If the state of a stranger's is another one than when it was fitted.
    """
    return [
        {
            "step": step.step,
            "version": step.version,
            "kind": step.fitted.kind,
            "source": step.source,
            "state": _state_of(step),
        }
        for step in chain
    ]


def state_as_fitted(fitted: Fitted) -> str | None:
    """The state of something that a stranger's step just fitted, as JSON; None of prldh's own, and of what has no such
    state, which is checked where it is asked for."""
    if is_strangers(fitted):
        with suppress(Exception):
            return json.dumps(fitted.state, sort_keys=True)
    return None


def _state_of(step: FittedStep) -> Any:
    if step.as_fitted is None or state_as_fitted(step.fitted) == step.as_fitted:
        return step.fitted.state
    raise PluginError(
        f"'{step.step}' changes what it fitted before when it is fitted again: what was fitted on everyone is another"
        " thing now than when it was fitted. Each fit must give an object of its own. Update its plugin"
        f" (`prldh plugins check {step.step}` may show why), or leave it out."
    )


def from_states(
    entries: Iterable[Mapping[str, Any]], registry: Registry, where: str, plugins: Sequence[Mapping[str, Any]] = ()
) -> tuple[FittedStep, ...]:
    """The fitted steps again; ``where`` begins the message of what is wrong with them. ``plugins``: those that took
    part when they were fitted, as :class:`~prldh.plugins.origin.TookPart` has them.

    Raises
    ------
    DataError
        If a step has no state, or it is damaged or of another version.
    PluginError
        If its step is not installed or cannot read it.
    """
    return tuple(
        FittedStep(_fitted(entry, registry, where, plugins), entry["source"], entry["step"], entry["version"])
        for entry in entries
    )


def _fitted(entry: Mapping[str, Any], registry: Registry, where: str, plugins: Sequence[Mapping[str, Any]]) -> Fitted:
    name, state = entry["step"], entry["state"]
    if state is None:
        raise DataError(
            f"{where}: its selection chose among single images, which model.json does not hold. Analyse without that"
            " step to apply the models."
        )
    step: Any = BUILT_IN.get(name)
    if step is None:
        hook = _hook_of(entry, registry)
        _refuse_missing(name, hook, registry, where, plugins)
        step = registry.choose(hook, name, where)
    if entry["version"] != step.version:
        raise DataError(
            f"{where}: the state of the step '{name}' is of version {entry['version']}, and version {step.version} is"
            " installed. Install the version that wrote it, or run `prldh analyze … --force` again with this one."
        )
    if not isinstance(step, ReadsStates):
        raise PluginError(f"{where}: the step '{name}' has no from_state, so that its state cannot be read.")
    try:
        fitted: Fitted
        if isinstance(step, ComposesLearners):
            fitted = called("learner", step, "from_parts", state, lambda part: _part(part, registry, where, plugins))
        else:
            noun = "learner" if entry.get("kind") == "scores" else "selector"
            fitted = called(noun, step, "from_state", state)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{where}: the state of the step '{name}' is damaged: {_what(error)}. Run `prldh analyze … --force` again."
        ) from None
    for what, names in (("names", fitted.names), ("outputs", fitted.outputs)):
        if not all(isinstance(each, str) for each in names) or len({*names}) < len(names):
            raise DataError(
                f"{where}: the state of the step '{name}' is damaged: its {what} are no names of columns, each once."
                " Run `prldh analyze … --force` again."
            )
    return fitted


def _what(error: Exception) -> str:
    """What is the matter with a state, in words; errors of Python's own say no more than that."""
    if isinstance(error, KeyError):
        return f"it has no {shown(error.args[0] if error.args else '')}"
    return shown(error, 200) if type(error) is ValueError else "a value in it is of another kind"


def _hook_of(entry: Mapping[str, Any], registry: Registry) -> str:
    """The hook that registers the step of an entry."""
    if entry["kind"] == "scores":
        return "register_learners"
    is_transform = entry["step"] in registry.registered("register_transforms")
    return "register_transforms" if is_transform else "register_selectors"


def _part(part: Mapping[str, Any], registry: Registry, where: str, plugins: Sequence[Mapping[str, Any]]) -> FittedScore:
    """A score that is part of another."""
    return cast(FittedScore, _fitted({**part, "kind": "scores"}, registry, where, plugins))


def _refuse_missing(name: str, hook: str, registry: Registry, where: str, plugins: Sequence[Mapping[str, Any]]) -> None:
    """A step that is not here, of a plugin that was there when it was fitted: the plugin is what is missing."""
    if name in registry.registered(hook):
        return
    nouns = ("learner",) if hook == "register_learners" else ("selector", "transform")
    for plugin in plugins:
        if not any(f"{noun} {name}" in plugin["brings"] for noun in nouns):
            continue
        version = plugin["version"] or ""
        if plugin["distribution"] is None:
            do = "Give it again (plugins=[…])."
        else:
            exact = f"{plugin['distribution']}=={version}"
            do = f"Install it: pip install '{exact}'."
        of = f" of {plugin['distribution']} {version}" if plugin["distribution"] else ""
        raise PluginError(
            f"{where}: the models were made with '{name}' of the plugin '{plugin['plugin']}'{of}, which is not here."
            f" {do}{registry.of_skipped()}"
        )
