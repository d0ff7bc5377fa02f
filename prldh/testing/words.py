"""The check of what an object says of itself: asked as a run's report asks, on made results."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

from prldh.core import Reference
from prldh.plugins import Cited, Registry
from prldh.report import draw_step
from prldh.results import Words, words_of
from prldh.study import Validation
from prldh.testing.parts import as_json, read_settings, require

TISSUE = "tissue"


def say_what_the_report_can_use(item: Any, data: dict[str, Any]) -> Words:
    """Ask the object for its words, and require that they can be used, are the same a second time, and that its figures
    can be drawn.

    Parameters
    ----------
    item
        The object.
    data
        Results in which it took part, as far as words are asked of them.

    Raises
    ------
    CheckFailed
    """
    registry = Registry([item], load_entry_points=False, load_built_ins=False)
    words = words_of(data, registry)
    require(not words.warnings, "; ".join(warning.message for warning in words.warnings))
    require(words == words_of(data, registry), "it says something else of the same results the second time")
    if isinstance(item, Cited):
        _cites_whole_references(item)
    for figures in words.figures.values():
        for figure in figures:
            _is_drawn(figure)
    return words


def results_of_step(item: Any, raw: Any, details: Any, readers: int = 2) -> dict[str, Any]:
    """Results of one tissue whose features this step selected; of one reader with perturbed masks."""
    step = {"name": item.name, "source": "features", "details": json.loads(as_json(details, "details"))}
    settings = read_settings(item, raw).model_dump(mode="json")
    return {
        **_results(selection=[{item.name: settings}]),
        "tissues": {TISSUE: {"selection": {"steps": [step], "readers": readers}}},
        "images": {TISSUE: {"sources": {}, "perturbation": {"n": 10} if readers == 1 else None}},
    }


def results_of_source(item: Any, raw: Any) -> dict[str, Any]:
    """Results of one tissue that this source measured."""
    about = {
        "version": item.version,
        "settings": read_settings(item, raw).model_dump(mode="json"),
        "packages": {name: metadata.version(name) for name in getattr(item, "packages", ()) if _is_installed(name)},
    }
    return {**_results(), "images": {TISSUE: {"sources": {item.name: about}}}}


def results_of_image_step(item: Any, raw: Any) -> dict[str, Any]:
    """Results of one tissue whose images this step processed."""
    about = {"name": item.name, "settings": read_settings(item, raw).model_dump(mode="json")}
    return {**_results(), "images": {TISSUE: {"sources": {}, "image_steps": [about]}}}


def results_of_scheme(item: Any, raw: Any, repeats: int = 1) -> dict[str, Any]:
    """Results of a study that this validator resampled."""
    validation = {**Validation.model_validate({"repeats": repeats}).model_dump(mode="json"), item.name: raw}
    return _results(schemes={item.name: {"kind": item.kind, "n_resamples": 10}}, validation=validation)


def _results(
    schemes: dict[str, Any] | None = None, selection: list[Any] | None = None, validation: dict[str, Any] | None = None
) -> dict[str, Any]:
    settings = {"selection": selection or [], "validation": validation or {}}
    return {"study": {"settings": settings, "schemes": schemes or {}}, "tissues": {}}


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _cites_whole_references(item: Cited) -> None:
    keys = set()
    for reference in item.references:
        require(
            isinstance(reference, Reference),
            f"references must hold prldh.api.Reference, found {type(reference).__name__}",
        )
        require(reference.key.isascii() and reference.key.isalnum(), f"'{reference.key}' is no key: letters and digits")
        require(reference.key not in keys, f"two references have the key '{reference.key}'")
        keys.add(reference.key)
        lacking = [name for name in ("authors", "title", "where") if not str(getattr(reference, name)).strip()]
        require(not lacking, f"the reference '{reference.key}' has no {', '.join(lacking)}")


def _is_drawn(figure: Any) -> None:
    for name in ("name", "title", "description"):
        require(str(getattr(figure, name)).strip() != "", f"a figure has no {name}")
    draw_step(figure)
