"""A figure that is to be drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn: its file name, title, a description for those who do not see it, and how.

    ``is_panel``: several figures of the report on one page of a journal; a file beside the report, not shown in it.
    ``tissue``: of whose selection it tells, and ``kind`` what figures of other sources share with it; ``seen``: what is
    seen in it, where the step that it is of says so. ``pictures``: files that it is made of, beside ``results.json``.
    """

    name: str
    title: str
    description: str
    draw: Callable[[], Figure]
    is_wide: bool = False
    is_panel: bool = False
    tissue: str = ""
    kind: str = ""
    seen: str = ""
    pictures: tuple[Path, ...] = ()


def with_bands(curves: Iterable[Iterable[Mapping[str, Any]]], level: str = "") -> str:
    """``, with pointwise 95% bands`` of curves of which a point has limits; else nothing."""
    limits = (point[key] for curve in curves for point in curve for key in point if key.endswith("low"))
    has_bands = any(limit is not None for limit in limits)
    return f", with pointwise {f'{level}% ' * bool(level)}bands" * has_bands


def slug(name: str) -> str:
    """A name as part of a file's."""
    return "".join(c if c.isalnum() else "_" for c in name)[:40]
