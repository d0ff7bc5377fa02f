"""``prldh plugins check NAME`` and ``prldh plugins new NAME``."""

from __future__ import annotations

import importlib.util
import keyword
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, NamedTuple

from prldh.core import OutputError, PluginError, PrldhError, nearest, quoted, refuse_in_run, shown
from prldh.plugins import REGISTRIES, Registry, let_interruptions_pass, printing_aside, text_of_error
from prldh.run import place_whole
from prldh.study import parse_yaml
from prldh.testing.kit import Check, checks_of
from prldh.testing.parts import CheckFailed
from prldh.testing.skeleton import KINDS, USUAL, files_of


class Outcome(NamedTuple):
    """What became of a check: it passed (``ok``), ``failed``, failed as ``expected``, or ``passed`` though its failure
    was expected; ``message``: what was found, ``reason``: why a failure was expected."""

    status: Literal["ok", "failed", "expected", "passed"]
    kind: str
    item: str
    promise: str
    message: str = ""
    reason: str = ""

    @property
    def is_well(self) -> bool:
        return self.status != "failed"

    def __str__(self) -> str:
        check = ": ".join(part for part in (f"{self.kind} {self.item}".strip(), self.promise, self.message) if part)
        told = {
            "expected": f" (expected: {self.reason})",
            "passed": f", though it was expected to fail ({self.reason}): take it out of expected_failed_checks",
        }
        return f"{self.status:9}{check}{told.get(self.status, '')}"


def check_plugin(registry: Registry, name: str, settings: str | None = None) -> Iterator[Outcome]:
    """Put everything that a plugin registers to the test: what became of each check.

    Parameters
    ----------
    name
        The plugin (its entry point), its distribution, or one object that it registers.
    settings
        YAML: object → what the study file would say of it, where defaults do not do.

    Raises
    ------
    PluginError
        If nothing of that name is installed, it registers nothing, or the settings cannot be read.
    """
    objects = objects_of(registry, name)
    settings_by_name = _read_settings(settings, [item.name for _, item in objects])
    for _, item in objects:
        checks: list[Check] = []
        failure = _failure_of(partial(_gather, checks, item, settings_by_name.get(item.name)))
        if failure is not None:
            yield Outcome("failed", "", "", failure)
        for check in checks:
            found = _failure_of(check)
            status: Literal["ok", "failed", "expected", "passed"] = "ok" if found is None else "failed"
            if check.expected is not None:
                status = "passed" if found is None else "expected"
            yield Outcome(status, check.what, check.item, check.promise, found or "", check.expected or "")


def _gather(checks: list[Check], item: Any, settings: Any) -> None:
    checks += checks_of(item, settings)


def _failure_of(check: Callable[[], None]) -> str | None:
    """What is wrong, in a line; None: nothing. What the object prints is no part of the answer."""
    try:
        with printing_aside():
            check()
    except (CheckFailed, PrldhError) as failure:
        return _one_line(failure)
    except MemoryError:
        raise
    except BaseException as error:  # the object's own
        let_interruptions_pass(error)
        return f"{type(error).__name__}: {text_of_error(error)} ({_place(error)})"
    return None


def objects_of(registry: Registry, name: str) -> list[tuple[str, Any]]:
    """What a plugin, a distribution or the object of that name registers: (hook, object)."""
    for each in registry.skipped:
        if name in (each.plugin, each.name):
            raise PluginError(f"{str(each)[:1].upper()}{str(each)[1:]}")
    everything = [(hook, item, plugin) for hook in REGISTRIES for item, plugin in registry.registered(hook).values()]
    origins = {each.plugin: each.name for each in registry.distributions}
    plugins = {name for name, plugin in registry.manager.list_name_plugin() if plugin is not None}
    for is_meant in (
        lambda item, plugin: plugin == name,
        lambda item, plugin: (
            re.sub(r"[-_.]+", "-", origins.get(plugin, "")).lower() == re.sub(r"[-_.]+", "-", name).lower()
        ),
        lambda item, plugin: item.name == name,
    ):
        objects = [(hook, item) for hook, item, plugin in everything if is_meant(item, plugin)]
        if objects:
            return objects
    if name in plugins:
        raise PluginError(f"the plugin '{name}' registers no objects: there is nothing to check.")
    known = sorted({*plugins, *origins.values(), *(item.name for _, item, _ in everything)})
    near = nearest(name, known)
    raise PluginError(
        f"no plugin '{name}' is installed."
        + (
            f" Did you mean '{near}'?"
            if near
            else f" Found: {', '.join(sorted(plugins))}. Install it: pip install -e FOLDER."
        )
    )


def _read_settings(text: str | None, names: list[str]) -> dict[str, Any]:
    settings = parse_yaml(text, "--settings", PluginError).content if text else {}
    if not isinstance(settings, dict):
        raise PluginError(
            f"--settings: give YAML of the object's name and its settings, such as '{names[0]}: {{key: value}}' (found"
            f" {quoted(settings)})."
        )
    for name, said in settings.items():
        if name not in names:
            raise PluginError(f"--settings: '{shown(name)}' is none of what is checked: {', '.join(names)}.")
        if not isinstance(said, (dict, type(None))):
            raise PluginError(
                f"--settings: of '{name}' give settings, such as '{name}: {{key: value}}' (found {quoted(said)})."
            )
    return settings


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}" if trace else "no traceback"


def write_skeleton(name: str, parent: Path, kinds: Sequence[str] = ()) -> list[str]:
    """A working distribution to start a plugin from, with its tests. Returns the lines to print.

    Parameters
    ----------
    name
        Of the distribution, such as ``prldh-mine``; also the folder's.
    kinds
        What it brings, of :data:`~prldh.testing.skeleton.KINDS`; default: a selector and a feature source.

    Raises
    ------
    OutputError
        If the name is no distribution's, a kind is none, the folder exists, or it cannot be written.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise OutputError(f"there is no plugin of the kind '{shown(kind)}'. Found: {', '.join(KINDS)}.")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*([-_.][A-Za-z0-9]+)*", name):
        raise OutputError(
            f"'{shown(name)}' cannot be a distribution's name. Give letters, digits and hyphens, beginning with a"
            " letter, such as prldh-mine."
        )
    package = re.sub(r"[-.]", "_", name).lower()
    short = package.removeprefix("prldh_")
    if keyword.iskeyword(package) or not short.isidentifier() or keyword.iskeyword(short):
        raise OutputError(f"'{name}' cannot be a package's name in Python. Give another name, such as prldh-mine.")
    if package in ("prldh", "tests"):
        raise OutputError(f"'{name}' is taken. Give another name, such as prldh-mine.")
    if importlib.util.find_spec(package) is not None:
        raise OutputError(
            f"'{name}' would have the package '{package}', and there is one of that name already. Give another name,"
            " such as prldh-mine."
        )
    if short in {point.name for point in entry_points(group="prldh")}:
        raise OutputError(f"'{name}' is taken: there is a plugin '{short}'. Give another name, such as prldh-mine.")
    folder = parent / name
    refuse_in_run(folder, "folder")
    if os.path.lexists(folder):
        raise OutputError(f"{folder} exists already. Give another name, or remove it.")
    words = {"NAME": name, "PACKAGE": package, "SHORT": short}

    def write(partial: Path) -> None:
        for place, content in files_of(tuple(dict.fromkeys(kinds)) or USUAL).items():
            path = partial / re.sub("PACKAGE", package, place)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(re.sub(r"@(NAME|PACKAGE|SHORT)@", lambda m: words[m[1]], content), encoding="utf-8")

    place_whole(folder, write)
    return [
        f"wrote {folder}",
        f"install it:      pip install -e {folder}",
        f"check it:        prldh plugins check {short}",
        f"run its tests:   pytest {folder}",
    ]
