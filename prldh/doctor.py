"""What is installed, what is missing, and the line that mends it."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from prldh.core import LARGEST_BY_HAND, NOWHERE, EngineError, cache_folder, expanded, file_text, shown_path
from prldh.engines import REngine, r_available
from prldh.plugins import Registry


def examine() -> tuple[list[str], bool]:
    """Lines for the terminal, and whether everything that prldh needs is there (R is not needed, but missed)."""

    lines = [f"ok       Python {platform.python_version()} ({sys.executable})"]
    is_well = True
    for package in (
        "numpy",
        "scipy",
        "pandas",
        "scikit-learn",
        "statsmodels",
        "numba",
        "pydantic",
        "pluggy",
        "jinja2",
        "matplotlib",
        "pyarrow",
        "openpyxl",
        "python-docx",
    ):
        try:
            lines.append(f"ok       {package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            is_well = False
            lines.append(f"missing  {package}: pip install {package}")
    kept = cache_folder("resamples").parent
    lines.append(
        "optional kept work: no home that can be written, so a stopped run begins anew; let PRLDH_CACHE name a folder"
        if kept == NOWHERE
        else f"ok       kept work in {shown_path(kept)}"
    )
    lines.append(_examine_completion())
    lines += _examine_r()
    registry = Registry()
    for distribution in registry.distributions:
        module = registry.manager.get_plugin(distribution.plugin)
        lines.append(
            f"ok       plugin {distribution.name} {distribution.version} ({getattr(module, '__name__', module)})"
        )
    return lines, is_well


def _examine_completion() -> str:
    """Whether the shell completes commands and options, as far as its start file tells, and the line that it wants."""
    shell = Path(os.environ.get("SHELL", "bash")).name
    file, line = {
        "bash": ("~/.bashrc", 'eval "$(_PRLDH_COMPLETE=bash_source prldh)"'),
        "zsh": ("~/.zshrc", 'eval "$(_PRLDH_COMPLETE=zsh_source prldh)"'),
        "fish": ("~/.config/fish/completions/prldh.fish", "_PRLDH_COMPLETE=fish_source prldh | source"),
    }.get(shell, ("", ""))
    if not file:
        return f"optional completion: not known of {shell}; bash, zsh and fish complete commands and options"
    with suppress(OSError, UnicodeDecodeError):
        if "_PRLDH_COMPLETE" in file_text(expanded(Path(file)), LARGEST_BY_HAND):
            return f"ok       completion of commands and options in {shell}"
    return f"optional completion of commands and options: add to {file}: {line}"


def _examine_r() -> list[str]:

    usable, reason = r_available()
    if not usable:
        return [f"missing  R: {reason}", "         without R the Python engine runs alone, and says so in the report"]
    try:
        versions = REngine().versions()
    except EngineError as error:
        return [f"missing  R: {error}"]
    lines = [f"ok       R {versions['version']}"]
    for package, version in versions["packages"].items():
        if version:
            lines.append(f"ok       R package {package} {version}")
        elif package in ("ResourceSelection", "rmda"):
            lines.append(f'optional R package {package}: install.packages("{package}") (prldh\'s own R code stands in)')
        else:
            lines.append(f'missing  R package {package}: install.packages("{package}")')
    return lines
