"""The one place that knows every built-in: they register through the hooks like anyone's, by an entry point of prldh's
own distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import prldh
from prldh.plugins import hookimpl

if TYPE_CHECKING:  # the rooms are imported on first use: who measures images asks for feature sources alone
    import prldh.apply
    import prldh.chain
    import prldh.checklists
    import prldh.data
    import prldh.engines
    import prldh.validation


@hookimpl
def register_selectors() -> list[Any]:
    return list(prldh.chain.SELECTORS)


@hookimpl
def register_transforms() -> list[Any]:
    return list(prldh.chain.TRANSFORMS)


@hookimpl
def register_learners() -> list[Any]:
    return list(prldh.chain.LEARNERS)


@hookimpl
def register_image_steps() -> list[Any]:
    return list(prldh.data.IMAGE_STEPS)


@hookimpl
def register_validators() -> list[Any]:
    return list(prldh.validation.VALIDATORS)


@hookimpl
def register_engines() -> list[type]:
    return [prldh.engines.PythonEngine, prldh.engines.REngine]


@hookimpl
def register_checklists() -> list[Any]:
    return prldh.checklists.built_in_checklists()


@hookimpl
def register_report_sections() -> list[Any]:
    return [prldh.apply.ExternalValidation()]
