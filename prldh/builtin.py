"""The one place that knows every built-in: they register through the hooks like anyone's, by an entry point of prldh's
own distribution."""

from __future__ import annotations

from typing import Any

from prldh.apply import ExternalValidation
from prldh.chain.learners import LEARNERS
from prldh.chain.selection import SELECTORS
from prldh.chain.transforms import TRANSFORMS
from prldh.checklists import built_in_checklists
from prldh.data.imaging import IMAGE_STEPS
from prldh.engines import PythonEngine, REngine
from prldh.plugins import hookimpl
from prldh.validation import VALIDATORS


@hookimpl
def register_selectors() -> list[Any]:
    return list(SELECTORS)


@hookimpl
def register_transforms() -> list[Any]:
    return list(TRANSFORMS)


@hookimpl
def register_learners() -> list[Any]:
    return list(LEARNERS)


@hookimpl
def register_image_steps() -> list[Any]:
    return list(IMAGE_STEPS)


@hookimpl
def register_validators() -> list[Any]:
    return list(VALIDATORS)


@hookimpl
def register_engines() -> list[type]:
    return [PythonEngine, REngine]


@hookimpl
def register_checklists() -> list[Any]:
    return built_in_checklists()


@hookimpl
def register_report_sections() -> list[Any]:
    return [ExternalValidation()]
