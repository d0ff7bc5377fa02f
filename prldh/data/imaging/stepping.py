"""Image steps as a study chooses them: applied to a case in their order, before any source measures it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import Case, DataError, PluginError, PrldhError, StudyError, Volume
from prldh.data.imaging.sources import code_of, settings_text
from prldh.plugins import (
    ChecksSettings,
    Registry,
    called,
    describe_error,
    fingerprint_of,
    lent,
    let_interruptions_pass,
    placed,
    settings_of,
)
from prldh.study import Study

HOOK = "register_image_steps"


@dataclass(frozen=True)
class ChosenStep:
    """An image step and its settings; ``settings_given`` as the study file has them, ``key``: everything that its
    result depends on beside the case."""

    step: Any
    settings: Any
    settings_given: Mapping[str, Any]
    key: str

    @property
    def of_image_alone(self) -> bool:
        """Whether it neither reads nor changes masks, so that lesions of one image share its result."""
        return bool(getattr(self.step, "of_image_alone", False))


def choose_steps(study: Study, tissue: str, registry: Registry, folder: Path) -> tuple[ChosenStep, ...]:
    """The image steps of a tissue, in order: its own, or else the study's.

    Raises
    ------
    StudyError, PluginError
        If one is not installed or refuses its settings.
    """
    own = study.tissues[tissue].image_steps
    where = "image_steps" if own is None else f"tissues.{tissue}.image_steps"
    chosen = []
    for entry in study.image_steps if own is None else own:
        ((name, raw),) = entry.items()
        step = registry.choose(HOOK, name, where)
        settings = settings_of(step.Settings, raw, f"{where}.{name}")
        given = settings.model_dump(mode="json")
        settings = placed("image step", step, settings, folder)
        if isinstance(step, ChecksSettings):
            called("image step", step, "check", settings)
        more = fingerprint_of("image step", step, settings)
        key = f"{step.name} {step.version} {_code_of(step)} {settings_text(given)} {more}"
        chosen.append(ChosenStep(step, settings, given, key))
    names = [c.step.name for c in chosen]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise StudyError(f"{where}: '{twice}' stands there twice. Remove one.")
    return tuple(chosen)


def _code_of(step: Any) -> str:
    """A digest of the files that a step is written in: of a plugin's its package, of prldh's own its module."""
    if type(step).__module__.partition(".")[0] != __name__.partition(".")[0]:
        return code_of(step)
    return hashlib.sha256(Path(inspect.getfile(type(step))).read_bytes()).hexdigest()[:12]


class LastImage:
    """The image that was processed last, by steps that take the image alone: lesions of one image follow each other."""

    def __init__(self) -> None:
        self.given: np.ndarray | None = None
        self.key = ""
        self.image: Volume | None = None

    def find(self, given: Volume, key: str) -> Volume | None:
        return self.image if self.given is given.values and self.key == key else None

    def keep(self, given: Volume, key: str, image: Volume) -> None:
        self.given, self.key, self.image = given.values, key, image


_LAST = LastImage()


def apply_steps(case: Case, steps: Sequence[ChosenStep]) -> Case:
    """The case as the steps leave it, one after the other.

    Raises
    ------
    DataError
        If a step cannot take this case, breaks on it, or leaves voxels that are not finite, or an empty mask.
    PluginError
        If a step gives something else than a case with as many masks on its image's grid.
    """
    alone = next((k for k, chosen in enumerate(steps) if not chosen.of_image_alone), len(steps))
    key = " ".join(chosen.key for chosen in steps[:alone])
    given = case.image
    found = _LAST.find(given, key) if alone else None
    if found is not None:
        case, steps = replace(case, image=found), steps[alone:]
    for k, chosen in enumerate(steps, start=1):
        case = _apply(chosen, case)
        if found is None and k == alone:
            _LAST.keep(given, key, case.image)
    return case


def _apply(chosen: ChosenStep, case: Case) -> Case:
    name = chosen.step.name
    try:
        after = lent(chosen.step, "apply", case, chosen.settings)
    except (PrldhError, MemoryError):
        raise
    except BaseException as error:  # a library's, or a stranger's: this case alone is put aside
        let_interruptions_pass(error)
        raise DataError(f"the image step '{name}' failed on it: {describe_error(error)}.") from error
    problem = problem_of(chosen, case, after)
    if problem:
        raise PluginError(
            f"the image step '{name}' {problem}. Update its plugin (`prldh plugins check {name}` may show why), or"
            " leave it out."
        )
    if not np.isfinite(after.image.values).all():
        raise DataError(f"the image step '{name}' leaves voxels that are NaN or infinite.")
    if not all(mask.any() for mask in after.masks):
        raise DataError(f"the image step '{name}' leaves nothing of a mask.")
    for array in (after.image.values, *after.masks):
        array.setflags(write=False)
    return after


def problem_of(chosen: ChosenStep, before: Case, after: Any) -> str | None:
    """What is wrong with what a step gave, whatever the image; None: nothing."""
    if not isinstance(after, Case) or not isinstance(after.image, Volume):
        return f"gives {type(after).__name__} in place of a case"
    values = after.image.values
    if not isinstance(values, np.ndarray) or values.ndim != 3 or values.dtype.kind not in "iuf":
        return "gives an image that is no array of numbers (z, y, x)"
    if values.shape != after.image.geometry.size[::-1]:
        return f"gives an image of {values.shape[::-1]} voxels and a geometry of {after.image.geometry.size}"
    if len(after.masks) != len(before.masks):
        return f"gives {len(after.masks)} masks for {len(before.masks)}"
    for mask in after.masks:
        if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != values.shape:
            return "gives a mask that is no boolean array on the image's grid"
    is_same = all(a is b for a, b in zip(after.masks, before.masks, strict=True))
    if chosen.of_image_alone and not is_same:
        return "says that it changes the image alone, and changes masks"
    return None
